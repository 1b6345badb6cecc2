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

    async def due(self, now: datetime, limit: int) -> Sequence[Due]:
        if self.away:
            raise StoreUnavailable("the database does not answer")
        ripe = sorted((row for row in self.rows.values() if row.due_at <= now), key=lambda row: (row.due_at, row.key))
        return ripe[:limit]

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

        return Timers(dues=self, intake=Deciding(), clock=lambda: rows.now, sweep=sweep)


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
        rows.now = due
        await timers.tick()
    assert waits[0] == FIRST_PUT_OFF
    assert waits[-1] == LONGEST_PUT_OFF
    assert waits == sorted(waits)
    assert "due row a failed" in caplog.text
    rows.broken = set()
    rows.now += LONGEST_PUT_OFF
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
