"""The outbox: leases the head of each lane, and records how each message went."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import assert_never

import msgspec

from bot.errors import StoreUnavailable
from bot.ids import CaseId, IncidentId
from bot.messages import Address, Content, Outbound
from bot.ports import CaseView, Delivery, GaveUp, IncidentView, RetryAt, Sent, Settlement, Unheard
from bot.storage.codec import from_micros, to_micros
from bot.storage.engine import Engine
from bot.storage.facts import Steps
from bot.storage.ops import Job, Procedure, Row, Statement, ask, do, insert, query, update
from bot.storage.views import case_view, incident_view

_BLOCKED, _BLOCKED_POSTGRES = (
    "SELECT value FROM json_each(:blocked)",
    "SELECT jsonb_array_elements_text(:blocked::jsonb)",
)
# What takes nothing at the moment: a whole channel, or one kind of message to one address.
_FREE = f"o.channel NOT IN ({_BLOCKED}) AND o.channel || '/' || o.address_key || '/' || o.kind NOT IN ({_BLOCKED})"
# The head of a lane is its lowest queued id; while it is leased or waits to be tried again, the lane waits.
# Of those that are due the oldest go first, whenever they are due: what gathered while a service was away leaves in
# the order in which it came, although each was put off by a time of its own.
# Said with <= min() and not with NOT EXISTS or =, for which PostgreSQL would look at the whole backlog: it guesses
# that a third of the rows pass, and so goes along the index until it has enough. The plus keeps both databases from
# the index of due times: nearly all that is queued is due, and would be sorted at each claim.
_HEADS = f"""
    SELECT o.id FROM outbox o
    WHERE o.state = 'queued' AND +o.due_at <= :now AND (o.leased_until IS NULL OR o.leased_until <= :now)
    AND o.id <= (SELECT min(p.id) FROM outbox p WHERE p.lane = o.lane AND p.state = 'queued')
    AND {_FREE}
    ORDER BY o.id LIMIT :most
"""
_CLAIMED = "id, lane, channel, address_key, kind, slot, content, attempts, queued_at, maybe_delivered, thread"
# A lease that ran out was never settled: its owner died, perhaps after the message had arrived.
_CLAIM = query(
    f"UPDATE outbox SET maybe_delivered = (maybe_delivered OR leased_until IS NOT NULL), leased_until = :lease, "
    f"attempts = attempts + 1 WHERE id IN ({_HEADS}) RETURNING {_CLAIMED}",
    "now:bigint lease:bigint most:bigint blocked",
    changes=True,
    postgres=(
        "WITH heads AS MATERIALIZED ("
        + _HEADS.replace(_BLOCKED, _BLOCKED_POSTGRES)
        + " FOR UPDATE OF o SKIP LOCKED) UPDATE outbox t SET leased_until = :lease, attempts = t.attempts + 1, "
        + "maybe_delivered = (t.maybe_delivered OR t.leased_until IS NOT NULL) "
        + f"FROM heads WHERE t.id = heads.id RETURNING t.{_CLAIMED.replace(', ', ', t.')}"
    ),
)
_REMOTES = query(
    "SELECT r.slot, r.remote FROM remote_message r WHERE r.slot IN (SELECT value FROM json_each(:slots))",
    "slots",
    postgres="SELECT r.slot, r.remote FROM remote_message r "
    "WHERE r.slot IN (SELECT jsonb_array_elements_text(:slots::jsonb))",
)
_NEXT_DUE = f"""
    SELECT min(CASE WHEN o.leased_until > o.due_at THEN o.leased_until ELSE o.due_at END) FROM outbox o
    WHERE o.state = 'queued' AND {_FREE}
    AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.lane = o.lane AND p.state = 'queued' AND p.id < o.id)
"""
_NEXT = query(_NEXT_DUE, "blocked", postgres=_NEXT_DUE.replace(_BLOCKED, _BLOCKED_POSTGRES))
# A lease is cut short, not ended: whoever holds it may be sending at this moment.
_REWIND_SET = (
    "due_at = CASE WHEN t.due_at > :latest THEN :now ELSE t.due_at END, "
    "leased_until = CASE WHEN t.leased_until > :lease THEN :lease ELSE t.leased_until END"
)
_AHEAD = "t.state = 'queued' AND (t.due_at > :latest OR t.leased_until > :lease)"
_REWIND = query(
    f"UPDATE outbox AS t SET {_REWIND_SET} WHERE {_AHEAD} RETURNING id",
    "now:bigint latest:bigint lease:bigint",
    changes=True,
    postgres=f"WITH ahead AS MATERIALIZED (SELECT t.id FROM outbox t WHERE {_AHEAD} FOR UPDATE SKIP LOCKED) "
    f"UPDATE outbox t SET {_REWIND_SET} FROM ahead WHERE t.id = ahead.id RETURNING t.id",
)
_UNHEARD = (
    "SELECT o.id, o.lane, o.channel, o.address_key, o.kind, o.slot, o.content, o.thread, o.error FROM outbox o "
    "WHERE o.kind = 'relay' AND o.slot LIKE 'relay:%'"
)
_LATE = query(
    f"{_UNHEARD} AND o.state = 'queued' AND o.queued_at <= :before AND o.id > :after ORDER BY o.id LIMIT 100",
    "before:bigint after:bigint",
)
_LOST = query(f"{_UNHEARD} AND o.state = 'given up' AND o.settled_at >= :since ORDER BY o.id", "since:bigint")

# Fenced: an owner that lost its lease counts fewer attempts than the row does, and a row nobody holds has no lease.
_OURS = "t.id = :id AND t.attempts = :attempts AND t.state = 'queued' AND t.leased_until IS NOT NULL"
_SENT = update(
    "outbox",
    "id:bigint attempts:bigint at:bigint",
    key="id",
    change="state = 'sent', settled_at = :at, leased_until = NULL, error = NULL",
    where=_OURS,
)
_GIVEN_UP = update(
    "outbox",
    "id:bigint attempts:bigint at:bigint error",
    key="id",
    change="state = 'given up', settled_at = :at, leased_until = NULL, error = :error",
    where=_OURS,
)
_RETRY = update(
    "outbox",
    "id:bigint attempts:bigint due_at:bigint error counted:bigint maybe:boolean",
    key="id",
    change="due_at = :due_at, leased_until = NULL, error = coalesce(nullif(:error, ''), t.error), attempts = :counted, "
    "maybe_delivered = (maybe_delivered OR :maybe)",
    where=_OURS,
)
_REMOTE = insert(
    "remote_message",
    "slot channel address_key remote at:bigint",
    rank=8,
    key="slot",
    conflict="DO UPDATE SET channel = excluded.channel, address_key = excluded.address_key, "
    "remote = excluded.remote, at = excluded.at",
)

_contents: msgspec.json.Decoder[Content] = msgspec.json.Decoder(Content)


def _texts(texts: Sequence[str]) -> str:
    return msgspec.json.encode(list(texts)).decode()


class StoredOutbox:
    """The Outbox port."""

    def __init__(self, engine: Engine, steps: Steps) -> None:
        self._engine = engine
        self._steps = steps

    async def claim(
        self, now: datetime, *, limit: int, lease_until: datetime, blocked: Sequence[str] = ()
    ) -> Sequence[Delivery]:
        at, lease = to_micros(now), to_micros(lease_until)
        claiming = asyncio.ensure_future(self._engine.apart(lambda: _claim(at, lease, limit, _texts(blocked))))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # Whatever becomes of it, the caller was cancelled: a loop told otherwise would go on for ever.
            with contextlib.suppress(StoreUnavailable):
                await self._give_back(await claiming, now)
            raise

    async def _give_back(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Nobody will send these: their lanes need not wait for the lease."""
        for delivery in deliveries:
            with contextlib.suppress(StoreUnavailable):
                await self.settle(delivery, RetryAt(due_at=now, error="", counts=False), now)

    async def settle(self, delivery: Delivery, settlement: Settlement, now: datetime) -> bool:
        settled: bool = await self._engine.write(Job(lambda: _settle(delivery, settlement, to_micros(now))))
        return settled

    async def next_due(self, now: datetime, *, blocked: Sequence[str] = ()) -> datetime | None:
        (row,) = await self._engine.read(lambda: ask(_NEXT, _texts(blocked)))
        return None if row[0] is None else max(from_micros(row[0]), now)

    async def rewind(self, now: datetime, *, latest: datetime, lease_until: datetime) -> int:
        times = (to_micros(now), to_micros(latest), to_micros(lease_until))
        return len(await self._engine.apart(lambda: ask(_REWIND, *times)))

    async def late(self, before: datetime, *, after: int) -> Sequence[Unheard]:
        rows = await self._engine.read(lambda: ask(_LATE, to_micros(before), after))
        return [_unheard(row) for row in rows]

    async def lost(self, since: datetime) -> Sequence[Unheard]:
        rows = await self._engine.read(lambda: ask(_LOST, to_micros(since)))
        return [_unheard(row) for row in rows]

    async def case_view(self, case: CaseId) -> CaseView | None:
        return await self._engine.read(lambda: case_view(case, self._steps))

    async def incident_view(self, incident: IncidentId) -> IncidentView | None:
        return await self._engine.read(lambda: incident_view(incident, self._steps))


def _claim(now: int, lease: int, limit: int, blocked: str) -> Procedure[list[Delivery]]:
    rows = yield from ask(_CLAIM, now, lease, limit, blocked)
    if not rows:
        return []
    slots = {row[5] for row in rows} | {row[10] for row in rows if row[10] is not None}
    found = yield from ask(_REMOTES, _texts(sorted(slots)))
    remotes: dict[str, str] = {row[0]: row[1] for row in found}
    return [_delivery(row, remotes) for row in sorted(rows, key=lambda row: row[0])]


def _delivery(row: Row, remotes: Mapping[str, str]) -> Delivery:
    id, lane, channel, key, kind, slot, content, attempts, queued_at, maybe_delivered, thread = row
    to = Address(channel=channel, key=key)
    said = _contents.decode(content)
    return Delivery(
        id=id,
        outbound=Outbound(kind=kind, to=to, lane=lane, slot=slot, content=said, thread=thread),
        attempt=attempts,
        queued_at=from_micros(queued_at),
        remote=remotes.get(slot),
        maybe_delivered=bool(maybe_delivered),
        thread_remote=None if thread is None else remotes.get(thread),
    )


def _unheard(row: Row) -> Unheard:
    id, lane, channel, key, kind, slot, content, thread, error = row
    to = Address(channel=channel, key=key)
    said = _contents.decode(content)
    outbound = Outbound(kind=kind, to=to, lane=lane, slot=slot, content=said, thread=thread)
    return Unheard(id=id, outbound=outbound, error=error or "")


def _settle(delivery: Delivery, settlement: Settlement, now: int) -> Procedure[bool]:
    ours = (delivery.id, delivery.attempt)
    match settlement:
        case Sent():
            row = Statement(_SENT, (*ours, now))
        case RetryAt(due_at=due_at, error=error, maybe_delivered=maybe, counts=counts):
            counted = delivery.attempt if counts else delivery.attempt - 1
            row = Statement(_RETRY, (*ours, to_micros(due_at), error, counted, maybe))
        case GaveUp(error=error):
            row = Statement(_GIVEN_UP, (*ours, now, error))
        case _:
            assert_never(settlement)
    (settled,) = yield from do([row], frozenset({"outbox"}))
    outbound = delivery.outbound
    # An edit's receipt names another message where there was none to change: from now on it is the one.
    if settled and isinstance(settlement, Sent) and settlement.receipt.remote != delivery.remote:
        remote = (outbound.slot, outbound.to.channel, outbound.to.key, settlement.receipt.remote, now)
        yield from do([Statement(_REMOTE, remote)])
    return settled
