"""What is to be decided at a time."""

from collections.abc import Sequence
from datetime import datetime

from bot.ports import Due
from bot.storage.codec import from_micros, to_micros
from bot.storage.engine import Engine
from bot.storage.facts import due_of
from bot.storage.ops import ask, query

_DUE = query(
    "SELECT d.key, d.kind, d.ref, d.due_at FROM due d WHERE d.due_at <= :now ORDER BY d.due_at, d.key LIMIT :most",
    "now:bigint most:bigint",
)
_NEXT = query("SELECT min(d.due_at) FROM due d")


class StoredDues:
    """The Dues port. Nobody leases a due row: whoever settles it in the deciding step has had it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def due(self, now: datetime, limit: int) -> Sequence[Due]:
        rows = await self._engine.read(lambda: ask(_DUE, to_micros(now), limit))
        return [due_of(row) for row in rows]

    async def next_due(self) -> datetime | None:
        (row,) = await self._engine.read(lambda: ask(_NEXT))
        return None if row[0] is None else from_micros(row[0])
