"""The tick over due rows, on a store in memory: each row is decided, and one that fails holds up no other."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import StoreContended, StoreUnavailable
from bot.intake import Intake
from bot.ports import Due, Outcome
from bot.timers import FIRST_PUT_OFF, LONGEST_PUT_OFF, Timers

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Rows:
    """Due rows in a dict; those in ``broken`` fail in our own code, and ``away`` makes the database silent."""

    def __init__(self, *keys: str) -> None:
        self.rows = {key: Due(key=key, kind="expire", ref=key, due_at=NOW) for key in keys}
        self.broken: set[str] = set()
        self.contended: set[str] = set()
        self.away = False
        self.decided: list[str] = []
        self.now = NOW
        #: seconds of the clock that is never set
        self.steady = 0.0
        #: when the clock was found to be put back, and from where on rows were brought back
        self.rewound: list[tuple[datetime, datetime]] = []

    def run(self, minutes: float, *, clock_loses: float = 0) -> None:
        """Let time pass, while somebody puts the clock back by so many minutes."""
        self.steady += minutes * 60
        self.now += timedelta(minutes=minutes - clock_loses)

    async def due(self, now: datetime, limit: int) -> Sequence[Due]:
        if self.away:
            raise StoreUnavailable("the database does not answer")
        ripe = sorted((row for row in self.rows.values() if row.due_at <= now), key=lambda row: (row.due_at, row.key))
        return ripe[:limit]

    async def move(self, was: datetime, by: timedelta) -> int:
        found = [row for row in self.rows.values() if was < row.due_at <= was + abs(by)]
        self.rows |= {row.key: Due(key=row.key, kind=row.kind, ref=row.ref, due_at=row.due_at + by) for row in found}
        return len(found)

    async def rewind(self, now: datetime, *, latest: datetime, expiry: datetime | None = None) -> int:
        if self.away:
            raise StoreUnavailable("the database does not answer")
        self.rewound.append((now, latest))
        far = [row for row in self.rows.values() if row.due_at > latest]
        self.rows |= {row.key: Due(key=row.key, kind=row.kind, ref=row.ref, due_at=now) for row in far}
        return len(far)

    async def put_off(self, due: Due, to: datetime) -> None:
        self.rows[due.key] = Due(key=due.key, kind=due.kind, ref=due.ref, due_at=to)

    async def next_due(self) -> datetime | None:
        return min((row.due_at for row in self.rows.values()), default=None)

    def timers(self) -> Timers:
        rows = self

        class Deciding(Intake):
            def __init__(self) -> None:
                """Needs nothing: it decides over the rows alone."""

            async def come_due(self, due: Due) -> Outcome:
                if due.key in rows.contended:
                    raise StoreContended("lost five races")
                if due.key in rows.broken:
                    raise ZeroDivisionError
                rows.decided.append(due.key)
                del rows.rows[due.key]
                return Outcome()

        async def sweep() -> None:
            return None

        return Timers(
            dues=self,
            intake=Deciding(),
            clock=lambda: rows.now,
            sweep=sweep,
            longest_wait=lambda: timedelta(days=1),
            longest_survey=lambda: timedelta(days=7),
            steady=lambda: rows.steady,
        )


async def test_all_that_is_due_is_decided() -> None:
    rows = Rows(*(f"k{number:03}" for number in range(150)))
    assert await rows.timers().tick() == 150
    assert (len(rows.decided), rows.rows) == (150, {})


async def test_a_row_that_fails_holds_up_no_other_and_is_tried_ever_more_rarely(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = Rows("a", "b", "c")
    rows.broken = {"a"}
    timers = rows.timers()
    assert await timers.tick() == 2
    waits = []
    for _ in range(12):
        due = rows.rows["a"].due_at
        waits.append(due - rows.now)
        rows.run((due - rows.now) / timedelta(minutes=1))
        await timers.tick()
    assert waits[0] == FIRST_PUT_OFF
    assert waits[-1] == LONGEST_PUT_OFF
    assert waits == sorted(waits)
    assert "due row a failed" in caplog.text
    rows.broken = set()
    rows.run(LONGEST_PUT_OFF / timedelta(minutes=1))
    assert await timers.tick() == 1


async def test_more_broken_rows_than_a_tick_reads_stop_nothing() -> None:
    rows = Rows(*(f"broken{number:03}" for number in range(300)), "z")
    rows.broken = {key for key in rows.rows if key != "z"}
    timers = rows.timers()
    for _ in range(3):
        await timers.tick()
        rows.now += timedelta(seconds=0.5)
    assert rows.decided == ["z"]


async def test_a_row_that_always_conflicts_is_put_off_too() -> None:
    rows = Rows("a", "b")
    rows.contended = {"a"}
    assert await rows.timers().tick() == 1
    assert rows.rows["a"].due_at == NOW + FIRST_PUT_OFF


async def test_a_database_that_is_away_is_asked_again_at_the_next_tick() -> None:
    rows = Rows("a")
    rows.away = True
    timers = rows.timers()
    assert await timers.tick() == 0
    rows.away = False
    assert await timers.tick() == 1


# ---- a wall clock that is set ---------------------------------------------------------------------------------


async def test_at_the_start_what_waits_impossibly_long_is_brought_back() -> None:
    """The clock may have been put back while nobody ran."""
    rows = Rows("a", "b")
    rows.rows["a"] = Due(key="a", kind="ask", ref="a", due_at=NOW + timedelta(days=1))
    rows.rows["b"] = Due(key="b", kind="ask", ref="b", due_at=NOW + timedelta(days=400))
    assert await rows.timers().tick() == 1
    assert rows.decided == ["b"]


# label: minutes that pass, by how many the clock is put back meanwhile, whether that is noticed
SET: dict[str, tuple[float, float, bool]] = {
    "nothing": (0.01, 0, False),
    "it stood still for long": (300, 0, False),
    "by half a minute": (0.01, 0.5, False),
    "by more than a minute": (0.01, 1.1, True),
    "by hours": (0.01, 180, True),
    "by days": (0.01, 3_000, True),
    "by a little, while it stood still for longer": (10, 3, True),
    "forward by hours": (0.01, -180, False),
    "forward by days": (0.01, -3_000, False),
}


@pytest.mark.parametrize(("minutes", "back", "noticed"), SET.values(), ids=SET)
async def test_a_clock_that_is_put_back_is_noticed(minutes: float, back: float, noticed: bool) -> None:
    rows = Rows()
    timers = rows.timers()
    await timers.tick()
    rows.rewound.clear()
    rows.run(minutes, clock_loses=back)
    await timers.tick()
    assert rows.rewound == ([(rows.now, rows.now + timedelta(days=1))] if noticed else [])
    rows.rewound.clear()
    rows.run(0.01)
    await timers.tick()
    assert rows.rewound == []


@pytest.mark.parametrize("hours", [-5, 5, 48])
async def test_what_waits_for_ten_minutes_waits_for_ten_minutes_whatever_the_clock_shows(hours: float) -> None:
    rows = Rows("a")
    rows.rows["a"] = Due(key="a", kind="ask", ref="a", due_at=NOW + timedelta(minutes=10))
    timers = rows.timers()
    await timers.tick()
    rows.run(5, clock_loses=-60 * hours)
    await timers.tick()
    rows.run(4)
    assert await timers.tick() == 0
    rows.run(1)
    assert await timers.tick() == 1


async def test_a_clock_that_is_put_back_while_the_database_is_away_is_noticed_later() -> None:
    rows = Rows()
    timers = rows.timers()
    await timers.tick()
    rows.rewound.clear()
    rows.run(0.01, clock_loses=60)
    rows.away = True
    assert await timers.tick() == 0
    rows.run(5)
    rows.away = False
    await timers.tick()
    assert len(rows.rewound) == 1
