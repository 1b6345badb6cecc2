"""Storage in dicts: the Store, Outbox and Dues ports complete, without a database, for tests that need rules only."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import datetime
from typing import assert_never, get_args

import msgspec
from msgspec.structs import replace

from bot.conversations.conversation import Conversation
from bot.conversations.flow import PinnedFlow
from bot.conversations.prompts import lane_of
from bot.errors import StoreContended
from bot.followup.cases import CLOSED, WORKING, Case, CaseNote, CaseState, awaits_recovery, is_silent
from bot.followup.incidents import Incident
from bot.ids import CaseId, ConversationId, CustomerId, FlowHash, IncidentId, InteractionId, WordsId
from bot.messages import Address, AlertOf, ChannelName, IncidentOf, Outbound
from bot.ports import (
    AgentWords,
    CaseView,
    CountScore,
    Customer,
    Delivery,
    DropAnswer,
    DropDue,
    Due,
    DueKind,
    Facts,
    GaveUp,
    IncidentView,
    Interaction,
    KeepAside,
    KeepReply,
    KeepWords,
    LoseReply,
    MoveAddress,
    Neighbour,
    NoteCase,
    OptOut,
    Outcome,
    PutDue,
    Queue,
    Read,
    RecordDecision,
    RecordShown,
    RecordStaleTap,
    RetryAt,
    SaveAnswer,
    SaveCase,
    SaveConversation,
    SaveCustomer,
    SaveIncident,
    SaveInteraction,
    Sent,
    SetReachable,
    SettleDue,
    Settlement,
    ShareValues,
    Shown,
    Unheard,
    Words,
    Write,
)
from tests.fakes.pure_cases import PureCases

#: How often a step that lost a race is decided again, before the race is taken for endless.
TRIES = 20


class LostRace(Exception):
    """What a step read has changed meanwhile; it is decided again."""


class CountKey(msgspec.Struct, frozen=True, kw_only=True):
    """One row of counts: 15 minutes of one dimension's value."""

    flow_id: str
    structure: str
    question: str
    scale: str
    score: int | None
    bucket: datetime
    dimension: str
    value: str


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the outbox."""

    id: int
    outbound: Outbound
    queued_at: datetime
    due_at: datetime
    state: str = "queued"  # or "sent", "given up"
    attempts: int = 0
    leased_until: datetime | None = None
    maybe_delivered: bool = False
    error: str = ""
    settled_at: datetime | None = None


def bucket_of(at: datetime) -> datetime:
    """The quarter of an hour that a time lies in."""
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)


class PureStore:
    """All rows in plain dicts and lists, open to a test's eyes; ``outbox`` and ``dues`` are the other two ports."""

    def __init__(self, flows: Iterable[PinnedFlow] = ()) -> None:
        self.flows: dict[FlowHash, PinnedFlow] = {flow.hash: flow for flow in flows}
        self.seen: set[str] = set()
        self.customers: dict[CustomerId, Customer] = {}
        self.homes: dict[Address, CustomerId] = {}
        self.reachable: dict[Address, bool] = {}
        self.shown: dict[CustomerId, tuple[Shown, ...]] = {}
        self.conversations: dict[ConversationId, Conversation] = {}
        self.answers: dict[tuple[ConversationId, str], SaveAnswer] = {}
        self.counts: Counter[CountKey] = Counter()
        self.words: dict[WordsId, Words] = {}
        self.replies: dict[str, AgentWords] = {}
        self.queue: dict[int, Queued] = {}
        self.remotes: dict[str, str] = {}
        #: by slot: where the message stands
        self.posted_on: dict[str, ChannelName] = {}
        self.due_rows: dict[str, Due] = {}
        #: the rows, and the port over them
        self.cases = PureCases(self)
        self.incidents: dict[IncidentId, Incident] = {}
        #: by case: what it may have in common with others
        self.shared: dict[CaseId, set[tuple[str, str]]] = {}
        self.notes: list[CaseNote] = []
        self.interactions: dict[InteractionId, Interaction] = {}
        self.decisions: list[RecordDecision] = []
        self.stale_taps: list[RecordStaleTap] = []
        self.aside: list[KeepAside] = []
        self.outbox = PureOutbox(self)
        self.dues = PureDues(self)
        #: runs once between the next step's reading and its writing, as another process would
        self.meanwhile: Callable[[], object] | None = None

    async def activate_flows(self, flows: Iterable[PinnedFlow], at: datetime) -> None:
        """Make flow versions known; the time says nothing here."""
        self.flows |= {flow.hash: flow for flow in flows}

    # ---- Store --------------------------------------------------------------------------------------------

    async def run(self, read: Read, decide: Callable[[Facts], Outcome]) -> Outcome:
        return self.run_now(read, decide)

    def run_now(self, read: Read, decide: Callable[[Facts], Outcome]) -> Outcome:
        """The same without a loop."""
        for _ in range(TRIES):
            outcome = decide(self.facts(read))
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                meanwhile()
            before = {name: copy(rows) for name, rows in vars(self).items() if isinstance(rows, dict | list | set)}
            try:
                self._write(read, outcome.writes)
            except LostRace:
                vars(self).update(before)
            else:
                return outcome
        raise StoreContended(f"decided {TRIES} times, each time against what others had written")

    def _write(self, read: Read, writes: Sequence[Write]) -> None:
        if read.event is not None:
            if writes and read.event in self.seen:
                raise LostRace
            self.seen |= {read.event} if read.group is None else {read.event, read.group}
        for write in writes:
            self._check(write)
            self._apply(write)

    def facts(self, read: Read) -> Facts:
        """What a step is given to decide upon."""
        thread = "" if read.thread is None else self._slot_of_thread(*read.thread)
        if thread.startswith("alert:") and read.case is None:
            read = replace(read, case=CaseId(thread.removeprefix("alert:")))
        interaction = self._interaction(read)
        conversation = self._conversation(read, interaction)
        address = read.address or (interaction.address if interaction else None)
        address = address or (conversation.address if conversation else None)
        case = self.cases.get(read.case) if read.case else self._case_of(conversation)
        customer = self.customer_at(address)
        return Facts(
            seen=read.event in self.seen,
            group_seen=read.group in self.seen,
            customer=customer,
            conversation=conversation,
            flow=None if conversation is None else self.flows.get(conversation.flow),
            case=case,
            open_case=self._open_case_at(address),
            asked_case=self._asked_case_at(address),
            interaction=interaction,
            due=self.due_rows.get(read.due) if read.due else None,
            shown=tuple(reversed(self.shown.get(customer.id, ()))) if customer else (),
            neighbours=() if read.neighbours_since is None else self._neighbours(read.case, read.neighbours_since),
            incidents=() if read.neighbours_since is None else self._incidents(read.neighbours_since),
            incident=self._incident_of_thread(thread) if case is None else self.incident_of(case),
            words=self._words_of(conversation) if read.words else (),
            waiting=self._waiting(case) if read.waiting else {},
        )

    def _waiting(self, case: Case | None) -> Counter[CaseState]:
        if case is None or case.incident is None:
            return Counter()
        alike = [each for each in self.cases.values() if (each.incident, each.team) == (case.incident, case.team)]
        return Counter(each.state for each in alike if each.owner is None and each.state in WORKING)

    def _words_of(self, conversation: Conversation | None) -> tuple[Words, ...]:
        if conversation is None:
            return ()
        whose = (conversation.id, conversation.customer)
        said = [each for each in self.words.values() if (each.conversation, each.customer) == whose]
        return tuple(sorted(said, key=lambda words: (words.at, words.id), reverse=True)[:20])

    def _slot_of_thread(self, channel: ChannelName, remote: str) -> str:
        """Of the alert that a thread stands under; empty: it is another message's."""
        slots = (slot for slot, known in self.remotes.items() if known == remote and self.posted_on[slot] == channel)
        return next((slot for slot in slots if slot.startswith(("alert:", "incident:"))), "")

    def _incident_of_thread(self, slot: str) -> Incident | None:
        return self.incidents.get(IncidentId(slot.removeprefix("incident:")))

    def _neighbours(self, of: CaseId | None, since: datetime) -> tuple[Neighbour, ...]:
        values = self.shared.get(of, set()) if of else set()
        near = [self.cases[id] for id, theirs in self.shared.items() if values & theirs]
        there = [case for case in near if case.opened_at >= since and case.state != "withdrawn" and not case.incident]
        there.sort(key=lambda case: (case.opened_at, case.id), reverse=True)
        return tuple(Neighbour(case=case, conversation=self.conversations[case.conversation]) for case in there[:500])

    def _incidents(self, since: datetime) -> tuple[Incident, ...]:
        live = [incident for incident in self.incidents.values() if incident.last_at >= since]
        return tuple(sorted(live, key=lambda incident: (incident.last_at, incident.id), reverse=True))

    def incident_of(self, case: Case | None) -> Incident | None:
        return None if case is None or case.incident is None else self.incidents.get(case.incident)

    def _interaction(self, read: Read) -> Interaction | None:
        if read.reported is not None:
            source, reference = read.reported
            found = (i for i in self.interactions.values() if (i.source, i.reference) == (source, reference))
            return next(found, None)
        return self.interactions.get(read.interaction) if read.interaction else None

    def _conversation(self, read: Read, interaction: Interaction | None) -> Conversation | None:
        if read.conversation is not None:
            return self.conversations.get(read.conversation)
        if read.case is not None:
            case = self.cases.get(read.case)
            return None if case is None else self.conversations.get(case.conversation)
        address = read.address or (interaction.address if interaction else None)
        here = [each for each in self.conversations.values() if each.address == address]
        return max(here, key=lambda each: (each.status == "waiting", each.touched_at, each.id), default=None)

    def _open_case_at(self, address: Address | None) -> Case | None:
        there = [case for case in self.cases.values() if case.address == address]
        hear = [case for case in there if not is_silent(case)]
        going_on = [case for case in hear if case.state not in CLOSED]
        if going_on:
            return max(going_on, key=lambda case: (case.spoke_at, case.opened_at, case.id))
        return max(hear, key=lambda case: (case.closed_at or case.opened_at, case.opened_at, case.id), default=None)

    def _asked_case_at(self, address: Address | None) -> Case | None:
        there = [case for case in self.cases.values() if case.address == address and case.asked_at is not None]
        asked = [case for case in there if awaits_recovery(case) or case.state == "recovered"]
        return max(asked, key=lambda case: (case.state == "resolved", case.asked_at, case.id), default=None)

    def _case_of(self, conversation: Conversation | None) -> Case | None:
        if conversation is None:
            return None
        return next((case for case in self.cases.values() if case.conversation == conversation.id), None)

    def customer_at(self, address: Address | None) -> Customer | None:
        if address is None or address not in self.homes:
            return None
        return replace(self.customers[self.homes[address]], reachable=self.reachable.get(address, True))

    def _check(self, write: Write) -> None:
        """Refuse a write whose row is no longer what the decision was made upon."""
        match write:
            case SaveConversation(conversation=conversation, was_turn=was):
                old = self.conversations.get(conversation.id)
                held = (None if old is None else old.turn) == was
            case SaveCase(case=case, was_revision=revision):
                known = self.cases.get(case.id)
                same = [each.id for each in self.cases.values() if each.conversation == case.conversation]
                held = (None if known is None else known.revision) == revision and same in ([], [case.id])
            case SaveIncident(incident=incident, was_revision=revision):
                before = self.incidents.get(incident.id)
                held = (None if before is None else before.revision) == revision
            case SettleDue(due=due):
                held = self.due_rows.get(due.key) == due
            case SaveInteraction(interaction=new):
                reported = self._interaction(Read(reported=(new.source, new.reference)))
                held = reported is None and new.id not in self.interactions
            case SaveCustomer(customer=customer, address=address):
                held = self.homes.get(address, customer.id) == customer.id
            case _:
                held = True
        if not held:
            raise LostRace

    def _apply(self, write: Write) -> None:
        match write:
            case SaveCustomer(customer=customer, address=address):
                self.customers[customer.id] = customer
                self.homes[address] = customer.id
                self.reachable[address] = customer.reachable
            case SaveConversation(conversation=conversation):
                self.conversations[conversation.id] = conversation
            case SaveAnswer():
                self.answers[write.conversation, write.question] = write
            case DropAnswer(conversation=id, question=question):
                del self.answers[id, question]
            case CountScore():
                self._count(write)
            case KeepWords(words=words):
                self.words[words.id] = words
            case Queue(outbound=outbound, at=at):
                if not self._will_be_drawn_anyway(outbound):
                    row = Queued(id=len(self.queue) + 1, outbound=outbound, queued_at=at, due_at=at)
                    self.queue[row.id] = row
            case KeepReply(reply=reply):
                self.replies[reply.id] = reply
            case LoseReply(reply=lost):
                if lost in self.replies:
                    self.replies[lost] = replace(self.replies[lost], lost=True)
            case PutDue(due=due):
                self.due_rows[due.key] = due
            case DropDue(key=key):
                self.due_rows.pop(key, None)
            case SettleDue(due=due):
                del self.due_rows[due.key]
            case SaveCase(case=case):
                self.cases[case.id] = case
            case SaveIncident(incident=incident):
                self.incidents[incident.id] = incident
            case ShareValues(case=id, values=values):
                self.shared[id] = self.shared.get(id, set()) | set(values) if values else set()
            case NoteCase(note=note):
                self.notes.append(note)
            case SaveInteraction(interaction=interaction):
                self.interactions[interaction.id] = interaction
            case RecordDecision():
                self.decisions.append(write)
            case RecordShown(customer=id, shown=shown):
                self.shown[id] = (*self.shown.get(id, ()), shown)
            case OptOut(customer=id, at=at):
                if id in self.customers:
                    self.customers[id] = replace(self.customers[id], opted_out_at=at)
            case SetReachable(address=address, reachable=reachable):
                if address in self.homes:
                    self.reachable[address] = reachable
            case MoveAddress(address=address, to=to):
                self._move(address, to)
            case RecordStaleTap():
                self.stale_taps.append(write)
            case KeepAside():
                self.aside.append(write)
            case _:
                assert_never(write)

    def _count(self, write: CountScore) -> None:
        for dimension, value in write.dimensions.items():
            key = CountKey(
                flow_id=write.flow_id,
                structure=write.structure,
                question=write.question,
                scale=write.scale,
                score=write.score,
                bucket=bucket_of(write.at),
                dimension=dimension,
                value=value,
            )
            self.counts[key] += write.n
            if not self.counts[key]:
                del self.counts[key]

    def _move(self, address: Address, to: Address) -> None:
        """All that was there goes along; who is at the new key already stays."""
        if address in self.homes:
            self.homes.setdefault(to, self.homes.pop(address))
            self.reachable.setdefault(to, self.reachable.pop(address))
        for id, conversation in self.conversations.items():
            if conversation.address == address:
                self.conversations[id] = replace(conversation, address=to)
        for case in self.cases.values():
            if case.address == address:
                self.cases[case.id] = replace(case, address=to)
        for interaction in self.interactions.values():
            if interaction.address == address:
                self.interactions[interaction.id] = replace(interaction, address=to)
        for incident in self.incidents.values():
            if incident.desk == address:
                self.incidents[incident.id] = replace(incident, desk=to)
        for row in self.queue.values():
            if row.outbound.to == address and row.state == "queued":
                lane = lane_of(to) if row.outbound.lane == lane_of(address) else row.outbound.lane
                self.queue[row.id] = replace(row, outbound=replace(row.outbound, to=to, lane=lane))

    def _will_be_drawn_anyway(self, outbound: Outbound) -> bool:
        """Whether a message of this alert waits that nobody sends yet: it will show the case as it is then."""
        return (
            outbound.kind == "edit"
            and isinstance(outbound.content, AlertOf | IncidentOf)
            and any(
                row.state == "queued" and row.leased_until is None and row.outbound.slot == outbound.slot
                for row in self.queue.values()
            )
        )


def _is_blocked(outbound: Outbound, blocked: Sequence[str]) -> bool:
    to = outbound.to
    return to.channel in blocked or f"{to.channel}/{to.key}/{outbound.kind}" in blocked


def _unheard(row: Queued) -> Unheard:
    return Unheard(id=row.id, outbound=row.outbound, error=row.error)


class PureOutbox:
    """The Outbox port over the rows of a store."""

    def __init__(self, store: "PureStore") -> None:
        self._store = store

    async def claim(
        self, now: datetime, *, limit: int, lease_until: datetime, blocked: Sequence[str] = ()
    ) -> Sequence[Delivery]:
        claimed: list[Delivery] = []
        for row in self._heads():
            leased = row.leased_until is not None and row.leased_until > now
            if len(claimed) == limit or row.due_at > now or leased or _is_blocked(row.outbound, blocked):
                continue
            lost = row.leased_until is not None  # then nobody knows whether it was sent
            taken = replace(
                row,
                attempts=row.attempts + 1,
                leased_until=lease_until,
                maybe_delivered=row.maybe_delivered or lost,
            )
            self._store.queue[row.id] = taken
            claimed.append(self._delivery(taken))
        return sorted(claimed, key=lambda delivery: delivery.id)

    def _heads(self) -> list[Queued]:
        heads: dict[str, Queued] = {}
        for row in self._store.queue.values():
            if row.state == "queued":
                heads.setdefault(row.outbound.lane, row)
        return sorted(heads.values(), key=lambda row: row.id)

    def _delivery(self, row: Queued) -> Delivery:
        return Delivery(
            id=row.id,
            outbound=row.outbound,
            attempt=row.attempts,
            queued_at=row.queued_at,
            remote=self._store.remotes.get(row.outbound.slot),
            maybe_delivered=row.maybe_delivered,
            thread_remote=self._store.remotes.get(row.outbound.thread or ""),
        )

    async def settle(self, delivery: Delivery, settlement: Settlement, now: datetime) -> bool:
        row = self._store.queue[delivery.id]
        if row.state != "queued" or row.attempts != delivery.attempt or row.leased_until is None:
            return False
        row = replace(row, leased_until=None)
        match settlement:
            case Sent(receipt=receipt):
                row = replace(row, state="sent")
                self._store.remotes[row.outbound.slot] = receipt.remote
                self._store.posted_on[row.outbound.slot] = row.outbound.to.channel
            case RetryAt(due_at=due_at, error=error, maybe_delivered=maybe, counts=counts):
                row = replace(
                    row,
                    due_at=due_at,
                    error=error or row.error,
                    maybe_delivered=row.maybe_delivered or maybe,
                    attempts=row.attempts - (0 if counts else 1),
                )
            case GaveUp(error=error):
                row = replace(row, state="given up", error=error, settled_at=now)
            case _:
                assert_never(settlement)
        self._store.queue[row.id] = row
        return True

    async def next_due(self, now: datetime, *, blocked: Sequence[str] = ()) -> datetime | None:
        heads = (row for row in self._heads() if not _is_blocked(row.outbound, blocked))
        return min((max(row.due_at, row.leased_until or now, now) for row in heads), default=None)

    async def rewind(self, now: datetime, *, latest: datetime, lease_until: datetime) -> int:
        moved = 0
        for row in [row for row in self._store.queue.values() if row.state == "queued"]:
            due_at = now if row.due_at > latest else row.due_at
            leased = min(row.leased_until, lease_until) if row.leased_until is not None else None
            back = replace(row, due_at=due_at, leased_until=leased)
            moved += back != row
            self._store.queue[row.id] = back
        return moved

    async def late(self, before: datetime, *, after: int) -> Sequence[Unheard]:
        found = [row for row in self._relays("queued") if row.queued_at <= before and row.id > after]
        return [_unheard(row) for row in found[:100]]

    async def lost(self, since: datetime) -> Sequence[Unheard]:
        given_up = self._relays("given up")
        return [_unheard(row) for row in given_up if row.settled_at is not None and row.settled_at >= since]

    def _relays(self, state: str) -> list[Queued]:
        rows = (row for row in self._store.queue.values() if row.state == state)
        return [row for row in rows if row.outbound.kind == "relay" and row.outbound.slot.startswith("relay:")]

    async def case_view(self, case: CaseId) -> CaseView | None:
        return await self._store.cases.view(case)

    async def incident_view(self, incident: IncidentId) -> IncidentView | None:
        return self._store.cases.incident_view(incident)


class PureDues:
    """The Dues port over the rows of a store."""

    def __init__(self, store: "PureStore") -> None:
        self._store = store

    async def due(self, now: datetime, limit: int) -> Sequence[Due]:
        ripe = [due for due in self._known() if due.due_at <= now]
        return sorted(ripe, key=lambda due: (due.due_at, due.key))[:limit]

    async def put_off(self, due: Due, to: datetime) -> None:
        if self._store.due_rows.get(due.key) == due:
            self._store.due_rows[due.key] = replace(due, due_at=to)

    async def next_due(self) -> datetime | None:
        return min((due.due_at for due in self._known()), default=None)

    def _known(self) -> list[Due]:
        """A newer release may have left rows of kinds of its own."""
        return [due for due in self._store.due_rows.values() if due.kind in get_args(DueKind)]
