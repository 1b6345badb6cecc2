"""What is to be decided at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

from bot.ports import Due, DueKind
from bot.storage.codec import from_micros, to_micros
from bot.storage.engine import Engine
from bot.storage.facts import due_lock, due_of
from bot.storage.ops import Do, Job, Procedure, Statement, ask, do, query, update

# A newer release that was rolled back may have left rows that nobody here can decide; it will want them again.
_KNOWN = ", ".join(f"'{kind}'" for kind in get_args(DueKind))
_DUE = query(
    "SELECT d.key, d.kind, d.ref, d.due_at FROM due d "
    f"WHERE d.due_at <= :now AND d.kind IN ({_KNOWN}) ORDER BY d.due_at, d.key LIMIT :most",
    "now:bigint most:bigint",
)
_NEXT = query(f"SELECT min(d.due_at) FROM due d WHERE d.kind IN ({_KNOWN})")
#: What only waits for a delay: a clock that was put back must not make it wait longer.
_REWIND = query(
    "UPDATE due SET due_at = :now WHERE kind IN ('ask', 'idle', 'remind') AND due_at > :latest RETURNING 1",
    "now:bigint latest:bigint",
    changes=True,
)
_REWIND_EXPIRY = query(
    "UPDATE due SET due_at = :expiry WHERE kind = 'expire' AND due_at > :expiry RETURNING 1",
    "expiry:bigint",
    changes=True,
)
#: Else nobody who was asked by the wrong clock could be asked until it would be right, and a cool-down longer.
_REWIND_SHOWN = query("UPDATE shown SET at = :now WHERE at > :now RETURNING 1", "now:bigint", changes=True)
_MOVE = query(
    "UPDATE due SET due_at = due_at + :by "
    "WHERE kind IN ('ask', 'idle', 'remind', 'expire') AND due_at > :was AND due_at <= :until RETURNING 1",
    "by:bigint was:bigint until:bigint",
    changes=True,
)
_PUT_OFF = update(
    "due",
    "key was:bigint due_at:bigint",
    key="key",
    change="due_at = :due_at",
    where="t.key = :key AND t.due_at = :was",
)


class StoredDues:
    """The Dues port. Nobody leases a due row: whoever settles it in the deciding step has had it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def due(self, now: datetime, limit: int) -> Sequence[Due]:
        rows = await self._engine.read(lambda: ask(_DUE, to_micros(now), limit))
        return [due_of(row) for row in rows]

    async def rewind(self, now: datetime, *, latest: datetime, expiry: datetime | None = None) -> int:
        moved: int = await self._engine.write(Job(lambda: _rewind(now, latest, expiry)))
        return moved

    async def move(self, was: datetime, by: timedelta) -> int:
        moved: int = await self._engine.write(Job(lambda: _move(was, by)))
        return moved

    async def put_off(self, due: Due, to: datetime) -> None:
        await self._engine.write(Job(lambda: _put_off(due, to), frozenset({due_lock(due.key)})))

    async def next_due(self) -> datetime | None:
        (row,) = await self._engine.read(lambda: ask(_NEXT))
        return None if row[0] is None else from_micros(row[0])


def _rewind(now: datetime, latest: datetime, expiry: datetime | None) -> Procedure[int]:
    rows = yield from ask(_REWIND, to_micros(now), to_micros(latest))
    yield from ask(_REWIND_SHOWN, to_micros(now))
    if expiry is not None:
        yield from ask(_REWIND_EXPIRY, to_micros(expiry))
    if rows:
        yield Do((), frozenset({"dues"}))
    return len(rows)


def _move(was: datetime, by: timedelta) -> Procedure[int]:
    rows = yield from ask(_MOVE, by // timedelta(microseconds=1), to_micros(was), to_micros(was + abs(by)))
    if rows:
        yield Do((), frozenset({"dues"}))
    return len(rows)


def _put_off(due: Due, to: datetime) -> Procedure[None]:
    yield from do([Statement(_PUT_OFF, (due.key, to_micros(due.due_at), to_micros(to)))])
