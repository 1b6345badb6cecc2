"""The outbox: leases the head of each lane, records how each message went, and what an alert shows."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

import msgspec

from bot.errors import StoreUnavailable
from bot.ids import CaseId, ConversationId, CustomerId, WordsId
from bot.messages import Address, ChannelName, Content, Outbound
from bot.ports import CaseNote, CaseView, Customer, Delivery, GaveUp, RetryAt, Sent, Settlement, Words
from bot.storage.codec import from_micros, to_micros
from bot.storage.engine import Engine
from bot.storage.facts import Steps, case_of, conversation_of, customer_of
from bot.storage.ops import Job, Procedure, Row, Statement, ask, do, insert, query, update

# The head of a lane is its lowest queued id; while it is leased or waits to be tried again, the lane waits.
# Said with <= min() and not with NOT EXISTS or =, for which PostgreSQL would look at the whole backlog: it guesses
# that a third of the rows pass, and so goes along the index until it has enough.
_HEADS = """
    SELECT o.id FROM outbox o
    WHERE o.state = 'queued' AND o.due_at <= :now AND (o.leased_until IS NULL OR o.leased_until <= :now)
    AND o.id <= (SELECT min(p.id) FROM outbox p WHERE p.lane = o.lane AND p.state = 'queued')
    AND o.channel NOT IN (SELECT value FROM json_each(:blocked))
    ORDER BY o.due_at, o.id LIMIT :most
"""
_CLAIMED = "id, lane, channel, address_key, kind, slot, content, attempts, queued_at, maybe_delivered"
# A lease that ran out was never settled: its owner died, perhaps after the message had arrived.
_CLAIM = query(
    f"UPDATE outbox SET maybe_delivered = (maybe_delivered OR leased_until IS NOT NULL), leased_until = :lease, "
    f"attempts = attempts + 1 WHERE id IN ({_HEADS}) RETURNING {_CLAIMED}",
    "now:bigint lease:bigint most:bigint blocked",
    changes=True,
    postgres=(
        "WITH heads AS MATERIALIZED ("
        + _HEADS.replace("SELECT value FROM json_each(:blocked)", "SELECT jsonb_array_elements_text(:blocked::jsonb)")
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
_NEXT = query(
    """
    SELECT min(CASE WHEN o.leased_until > o.due_at THEN o.leased_until ELSE o.due_at END) FROM outbox o
    WHERE o.state = 'queued' AND o.channel NOT IN (SELECT value FROM json_each(:blocked))
    AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.lane = o.lane AND p.state = 'queued' AND p.id < o.id)
    """,
    "blocked",
    postgres="""
    SELECT min(CASE WHEN o.leased_until > o.due_at THEN o.leased_until ELSE o.due_at END) FROM outbox o
    WHERE o.state = 'queued' AND o.channel NOT IN (SELECT jsonb_array_elements_text(:blocked::jsonb))
    AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.lane = o.lane AND p.state = 'queued' AND p.id < o.id)
    """,
)

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
    change="due_at = :due_at, leased_until = NULL, error = :error, attempts = :counted, "
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

_VIEW = query(
    """
    SELECT f.body, f.channel, f.address_key, f.customer, v.state, v.channel, v.address_key, v.customer,
      c.id, n.text, c.locale, c.time_zone, c.reference, c.opted_out_at, a.reachable
    FROM followup_case f
    JOIN conversation v ON v.id = f.conversation
    LEFT JOIN customer c ON c.id = f.customer
    LEFT JOIN name n ON n.person = c.person
    LEFT JOIN address a ON a.channel = f.channel AND a.key = f.address_key
    WHERE f.id = :id
    """,
    "id",
)
_WORDS = query(
    "SELECT w.id, w.conversation, w.question, w.text, w.at FROM words w "
    "WHERE w.conversation = :conversation AND w.person = :person ORDER BY w.at, w.id",
    "conversation person",
)
_NOTES = query("SELECT n.what, n.who, n.detail, n.at FROM case_note n WHERE n.case_id = :id ORDER BY n.at, n.id", "id")

_contents: msgspec.json.Decoder[Content] = msgspec.json.Decoder(Content)


def _texts(texts: Sequence[str]) -> str:
    return msgspec.json.encode(list(texts)).decode()


class StoredOutbox:
    """The Outbox port."""

    def __init__(self, engine: Engine, steps: Steps) -> None:
        self._engine = engine
        self._steps = steps

    async def claim(
        self, now: datetime, *, limit: int, lease_until: datetime, blocked: Sequence[ChannelName] = ()
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
                await self.settle(delivery, RetryAt(due_at=now, error="stopped", counts=False), now)

    async def settle(self, delivery: Delivery, settlement: Settlement, now: datetime) -> bool:
        settled: bool = await self._engine.write(Job(lambda: _settle(delivery, settlement, to_micros(now))))
        return settled

    async def next_due(self, now: datetime, *, blocked: Sequence[ChannelName] = ()) -> datetime | None:
        (row,) = await self._engine.read(lambda: ask(_NEXT, _texts(blocked)))
        return None if row[0] is None else max(from_micros(row[0]), now)

    async def case_view(self, case: CaseId) -> CaseView | None:
        return await self._engine.read(lambda: _case_view(case, self._steps))


def _claim(now: int, lease: int, limit: int, blocked: str) -> Procedure[list[Delivery]]:
    rows = yield from ask(_CLAIM, now, lease, limit, blocked)
    if not rows:
        return []
    found = yield from ask(_REMOTES, _texts([row[5] for row in rows]))
    remotes: dict[str, str] = {row[0]: row[1] for row in found}
    return [_delivery(row, remotes.get(row[5])) for row in sorted(rows, key=lambda row: row[0])]


def _delivery(row: Row, remote: str | None) -> Delivery:
    id, lane, channel, key, kind, slot, content, attempts, queued_at, maybe_delivered = row
    to = Address(channel=channel, key=key)
    return Delivery(
        id=id,
        outbound=Outbound(kind=kind, to=to, lane=lane, slot=slot, content=_contents.decode(content)),
        attempt=attempts,
        queued_at=from_micros(queued_at),
        remote=remote,
        maybe_delivered=bool(maybe_delivered),
    )


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


def _case_view(id: CaseId, steps: Steps) -> Procedure[CaseView | None]:
    rows = yield from ask(_VIEW, id)
    if not rows:
        return None
    row = rows[0]
    case, conversation = case_of(*row[0:4]), conversation_of(*row[4:8])
    if case is None or conversation is None:
        return None
    flow = yield from steps.flow(conversation.flow)
    if flow is None:
        return None
    words = yield from ask(_WORDS, conversation.id, steps.person(case.customer))
    notes = yield from ask(_NOTES, id)
    return CaseView(
        case=case,
        flow=flow,
        customer=customer_of(row[8:15]) or Customer(id=case.customer),
        conversation=conversation,
        words=tuple(_words(word, case.customer) for word in words),
        notes=tuple(CaseNote(case=id, what=what, who=who, detail=d, at=from_micros(at)) for what, who, d, at in notes),
    )


def _words(row: Row, customer: CustomerId) -> Words:
    id, conversation, question, text, at = row
    return Words(
        id=WordsId(id),
        customer=customer,
        conversation=ConversationId(conversation),
        question=question,
        text=text,
        at=from_micros(at),
    )
