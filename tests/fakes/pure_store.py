"""Storage in dicts: all its ports complete, without a database, for tests that need rules only."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar, assert_never, get_args

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
    Decision,
    Delivery,
    DropAnswer,
    DropDue,
    Due,
    DueKind,
    Facts,
    GaveUp,
    IncidentView,
    Interaction,
    JoinPanel,
    KeepAside,
    KeepLink,
    KeepReply,
    KeepWords,
    LeavePanel,
    LoseReply,
    MergeCustomers,
    MoveAddress,
    Neighbour,
    NoteCase,
    OptOut,
    Outcome,
    PanelMember,
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
from bot.storage.merging import as_one
from tests.fakes.pure_cases import PureCases
from tests.fakes.pure_ledger import PureLedger, PureLinks
from tests.fakes.pure_panel import PurePanel
from tests.fakes.rows import Journal, Listed, Rows

#: How often a step that lost a race is decided again, before the race is taken for endless.
TRIES = 20
#: What only waits for a delay, so that a clock put back must not make it wait longer.
REWOUND: tuple[DueKind, ...] = ("ask", "idle", "remind")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

T = TypeVar("T")


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
        self.journal = journal = Journal()
        self.seen: set[str] = set()
        self.customers: Rows[CustomerId, Customer] = Rows(journal, reference=lambda row: [row.reference])
        self.homes: Rows[Address, CustomerId] = Rows(journal, customer=lambda customer: [customer])
        self.reachable: Rows[Address, bool] = Rows(journal)
        #: since when each address is known
        self.known_since: Rows[Address, datetime] = Rows(journal)
        self.shown: Rows[CustomerId, tuple[Shown, ...]] = Rows(journal)
        self.conversations: Rows[ConversationId, Conversation] = Rows(
            journal, address=lambda row: [row.address], customer=lambda row: [row.customer]
        )
        self.answers: Rows[tuple[ConversationId, str], SaveAnswer] = Rows(journal, customer=lambda row: [row.customer])
        self.counts: Counter[CountKey] = Counter()
        self.words: Rows[WordsId, Words] = Rows(journal, customer=lambda row: [row.customer])
        self.replies: Rows[str, AgentWords] = Rows(journal, customer=lambda row: [row.customer])
        self.queue: Rows[int, Queued] = Rows(
            journal, state=lambda row: [row.state], slot=lambda row: [row.outbound.slot]
        )
        self.remotes: Rows[str, str] = Rows(journal)
        #: by slot: where the message stands
        self.posted_on: Rows[str, ChannelName] = Rows(journal)
        self.due_rows: Rows[str, Due] = Rows(journal)
        #: the rows, and the port over them
        self.cases = PureCases(self, journal)
        self.incidents: Rows[IncidentId, Incident] = Rows(journal)
        #: by case: what it may have in common with others
        self.shared: Rows[CaseId, set[tuple[str, str]]] = Rows(journal)
        self.notes: list[CaseNote] = []
        self.interactions: Rows[InteractionId, Interaction] = Rows(
            journal,
            reported=lambda row: [(row.source, row.reference)],
            reference=lambda row: [row.reference],
            address=lambda row: [row.address],
        )
        self.ledger = PureLedger(self, journal)
        #: in the order in which their triggers were first decided about
        self.decisions: Sequence[Decision] = Listed(self.ledger.rows)
        self.links = PureLinks(journal)
        self.panel = PurePanel(self, journal)
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
            facts = self.facts(read)
            outcome = decide(facts)
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                meanwhile()
            self.journal.begin()
            try:
                self._write(read, facts, outcome.writes)
            except LostRace:
                self.journal.take_back()
            else:
                self.journal.keep()
                return outcome
        raise StoreContended(f"decided {TRIES} times, each time against what others had written")

    def _write(self, read: Read, facts: Facts, writes: Sequence[Write]) -> None:
        if read.event is not None:
            if writes and not facts.seen and read.event in self.seen:
                raise LostRace
            new = {key for key in (read.event, read.group) if key is not None} - self.seen
            self.seen |= new
            self.journal.note(lambda: self.seen.difference_update(new))
        for write in as_one(writes):
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
        if read.keeps_address and interaction is not None and interaction.address.channel:
            address = interaction.address
        address = address or (conversation.address if conversation else None)
        case = self.cases.get(read.case) if read.case else self._case_of(conversation)
        customer = self.customer_at(address)
        link = self.links.rows.get(read.link) if read.link else None
        namesake = self._namesake(read.known_as or (link.customer if link else None))
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
            decision=None if interaction is None else self.ledger.of_dealing(interaction.id),
            namesake=namesake,
            addresses=() if namesake is None else self._addresses_of(namesake.id),
            link=link,
            wrote_at=self._wrote_at(customer) if read.wrote else None,
            decisions=tuple(self.ledger.about(read.explain)[:20]) if read.explain else (),
            due=self.due_rows.get(read.due) if read.due else None,
            surveyed=read.asks and customer is not None and self._waits_for(customer.id),
            shown=tuple(reversed(self.shown.get(customer.id, ()))) if customer else (),
            neighbours=() if read.neighbours_since is None else self._neighbours(read.case, read.neighbours_since),
            incidents=() if read.neighbours_since is None else self._incidents(read.neighbours_since),
            incident=self._incident_of_thread(thread) if case is None else self.incident_of(case),
            words=self._words_of(conversation) if read.words else (),
            waiting=self._waiting(case) if read.waiting else {},
        )

    def _waits_for(self, customer: CustomerId) -> bool:
        return any(each.customer == customer and each.status == "waiting" for each in self.conversations.values())

    def _namesake(self, reference: str | None) -> Customer | None:
        """The one of that reference who is known longest, before all who only claim it."""
        if reference is None:
            return None
        found = sorted(self.customers.by("reference", reference), key=lambda each: each.reference_claimed)
        return replace(found[0], reachable=bool(self._addresses_of(found[0].id))) if found else None

    def _addresses_of(self, customer: CustomerId) -> tuple[Address, ...]:
        theirs = self.homes.keys_by("customer", customer)
        since = {each: (self.known_since.get(each, _LONG_AGO), n) for n, each in enumerate(theirs)}
        there = [each for each in theirs if self.reachable.get(each, True)]
        return tuple(sorted(there, key=since.__getitem__, reverse=True))

    def _wrote_at(self, customer: Customer | None) -> datetime | None:
        said = [] if customer is None else self.words.by("customer", customer.id)
        return max((words.at for words in said), default=None)

    def _waiting(self, case: Case | None) -> Counter[CaseState]:
        if case is None or case.incident is None:
            return Counter()
        alike = [each for each in self.cases.by("incident", case.incident) if each.team == case.team]
        return Counter(each.state for each in alike if each.owner is None and each.state in WORKING)

    def _words_of(self, conversation: Conversation | None) -> tuple[Words, ...]:
        if conversation is None:
            return ()
        theirs = self.words.by("customer", conversation.customer)
        said = [each for each in theirs if each.conversation == conversation.id]
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
            return next(iter(self.interactions.by("reported", read.reported)), None)
        return self.interactions.get(read.interaction) if read.interaction else None

    def _conversation(self, read: Read, interaction: Interaction | None) -> Conversation | None:
        if read.conversation is not None:
            return self.conversations.get(read.conversation)
        if read.case is not None:
            case = self.cases.get(read.case)
            return None if case is None else self.conversations.get(case.conversation)
        address = read.address or (interaction.address if interaction else None)
        here = self.conversations.by("address", address)
        return max(here, key=lambda each: (each.status == "waiting", each.touched_at, each.id), default=None)

    def _open_case_at(self, address: Address | None) -> Case | None:
        hear = [case for case in self.cases.by("address", address) if not is_silent(case)]
        going_on = [case for case in hear if case.state not in CLOSED]
        if going_on:
            return max(going_on, key=lambda case: (case.spoke_at, case.opened_at, case.id))
        return max(hear, key=lambda case: (case.closed_at or case.opened_at, case.opened_at, case.id), default=None)

    def _asked_case_at(self, address: Address | None) -> Case | None:
        there = [case for case in self.cases.by("address", address) if case.asked_at is not None]
        asked = [case for case in there if awaits_recovery(case) or case.state == "recovered"]
        return max(asked, key=lambda case: (case.state == "resolved", case.asked_at, case.id), default=None)

    def _case_of(self, conversation: Conversation | None) -> Case | None:
        if conversation is None:
            return None
        return next(iter(self.cases.by("conversation", conversation.id)), None)

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
                same = [each.id for each in self.cases.by("conversation", case.conversation)]
                held = (None if known is None else known.revision) == revision and same in ([], [case.id])
            case SaveIncident(incident=incident, was_revision=revision):
                before = self.incidents.get(incident.id)
                held = (None if before is None else before.revision) == revision
            case SettleDue(due=due):
                held = self.due_rows.get(due.key) == due
            case SaveInteraction(interaction=new, was_revision=None):
                reported = self._interaction(Read(reported=(new.source, new.reference)))
                held = reported is None and new.id not in self.interactions
            case SaveInteraction(interaction=new, was_revision=revision):
                dealing = self.interactions.get(new.id)
                held = dealing is not None and dealing.revision == revision
            case MergeCustomers(gone=gone, kept=kept):
                held = gone != kept and gone in self.customers and kept in self.customers
            case OptOut(customer=customer_id, at=at):
                person = self.customers.get(customer_id)
                held = person is not None and (person.opted_out_at is None) is (at is not None)
            case SaveCustomer(customer=customer, address=address):
                held = self.homes.get(address, customer.id) == customer.id
            case JoinPanel(member=PanelMember(customer=who)) | LeavePanel(customer=who):
                held = who in self.customers
            case _:
                held = True
        if not held:
            raise LostRace

    def _apply(self, write: Write) -> None:
        match write:
            case SaveCustomer(customer=customer, address=address):
                self.customers[customer.id] = self._as_known(customer)
                self.homes[address] = customer.id
                self.reachable[address] = customer.reachable
                self.known_since.setdefault(address, write.at)
            case SaveConversation(conversation=conversation):
                known = self.conversations.get(conversation.id, conversation)
                self.conversations[conversation.id] = replace(conversation, customer=known.customer)
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
                whose = self.cases.get(case.id, case).customer
                self.cases[case.id] = replace(case, customer=whose)
            case SaveIncident(incident=incident):
                self.incidents[incident.id] = incident
            case ShareValues(case=id, values=values):
                self.shared[id] = self.shared.get(id, set()) | set(values) if values else set()
            case NoteCase(note=note):
                self._append(self.notes, note)
            case SaveInteraction(interaction=interaction):
                self.interactions[interaction.id] = interaction
            case MergeCustomers(gone=gone, kept=kept):
                self._merge(gone, kept)
            case KeepLink(link=link):
                self.links.rows[link.id] = link
            case RecordDecision(decision=decision):
                self.ledger.record(decision)
            case RecordShown(customer=id, shown=shown):
                self.shown[id] = (*self.shown.get(id, ()), shown)
            case OptOut(customer=id, at=at):
                if id in self.customers:
                    self.customers[id] = replace(self.customers[id], opted_out_at=at)
            case JoinPanel(member=member):
                self.panel.join(member)
                self._joined(member.customer, member.joined_at)
            case LeavePanel(customer=id, by=by, at=at):
                self.panel.leave(id, by, at)
                self._joined(id, None)
            case SetReachable(address=address, reachable=reachable):
                if address in self.homes:
                    self.reachable[address] = reachable
            case MoveAddress(address=address, to=to):
                self._move(address, to)
            case RecordStaleTap():
                self._append(self.stale_taps, write)
            case KeepAside():
                self._append(self.aside, write)
            case _:
                assert_never(write)

    def _as_known(self, customer: Customer) -> Customer:
        """With what only other writes change."""
        old = self.customers.get(customer.id)
        if old is None:
            return customer
        proven = old.reference is not None and not old.reference_claimed
        stays = customer.reference is None or (customer.reference_claimed and proven)
        named = old if stays else customer
        return replace(
            customer,
            reference=named.reference,
            reference_claimed=named.reference_claimed,
            opted_out_at=old.opted_out_at,
            panel_since=old.panel_since,
        )

    def _joined(self, id: CustomerId, at: datetime | None) -> None:
        known = self.customers.get(id)
        if known is not None:
            self.customers[id] = replace(known, panel_since=None if at is None else known.panel_since or at)

    def _append(self, rows: list[T], row: T) -> None:
        rows.append(row)
        self.journal.note(rows.pop)

    def _merge(self, gone: CustomerId, kept: CustomerId) -> None:
        """All that was the one's is the other's; who opted out stays so."""
        old, new = self.customers.pop(gone), self.customers[kept]
        self.customers[kept] = replace(
            new,
            name=new.name or old.name,
            locale=new.locale or old.locale,
            locale_source=new.locale_source if new.locale else old.locale_source,
            locale_sureness=new.locale_sureness if new.locale else old.locale_sureness,
            time_zone=new.time_zone or old.time_zone,
            time_zone_source=new.time_zone_source if new.time_zone else old.time_zone_source,
            reference=new.reference or old.reference,
            reference_claimed=(new if new.reference else old).reference_claimed,
            opted_out_at=max((at for at in (new.opted_out_at, old.opted_out_at) if at is not None), default=None),
            panel_since=min((at for at in (new.panel_since, old.panel_since) if at is not None), default=None),
        )
        for address in self.homes.keys_by("customer", gone):
            self.homes[address] = kept
        shown = (*self.shown.get(kept, ()), *self.shown.pop(gone, ()))
        if shown:
            self.shown[kept] = tuple(sorted(shown, key=lambda past: past.at))
        mine = (self.conversations, self.answers, self.words, self.replies, self.cases, self.ledger.rows)
        for rows in (*mine, self.panel.rows):
            _hand_over(rows, gone, kept)

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
            self._add(key, write.n)
            self.journal.note(partial(self._add, key, -write.n))

    def _add(self, key: CountKey, n: int) -> None:
        self.counts[key] += n
        if not self.counts[key]:
            del self.counts[key]

    def _move(self, address: Address, to: Address) -> None:
        """All that was there goes along; who is at the new key already stays."""
        if address in self.homes:
            self.homes.setdefault(to, self.homes.pop(address))
            self.reachable.setdefault(to, self.reachable.pop(address))
            self.known_since.setdefault(to, self.known_since.pop(address, _LONG_AGO))
        for conversation in self.conversations.by("address", address):
            self.conversations[conversation.id] = replace(conversation, address=to)
        for case in self.cases.by("address", address):
            self.cases[case.id] = replace(case, address=to)
        for interaction in self.interactions.by("address", address):
            self.interactions[interaction.id] = replace(interaction, address=to)
        for member in self.panel.rows.values():
            if member.address == address:
                self.panel.rows[member.id] = replace(member, address=to)
        for incident in self.incidents.values():
            if incident.desk == address:
                self.incidents[incident.id] = replace(incident, desk=to)
        for row in self.queue.by("state", "queued"):
            if row.outbound.to == address:
                lane = lane_of(to) if row.outbound.lane == lane_of(address) else row.outbound.lane
                self.queue[row.id] = replace(row, outbound=replace(row.outbound, to=to, lane=lane))

    def _will_be_drawn_anyway(self, outbound: Outbound) -> bool:
        """Whether a message of this alert waits that nobody sends yet: it will show the case as it is then."""
        return (
            outbound.kind == "edit"
            and isinstance(outbound.content, AlertOf | IncidentOf)
            and any(row.state == "queued" and row.leased_until is None for row in self.queue.by("slot", outbound.slot))
        )


def _hand_over(rows: Rows[Any, Any], gone: CustomerId, kept: CustomerId) -> None:
    for key in rows.keys_by("customer", gone):
        rows[key] = replace(rows[key], customer=kept)


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
        for row in sorted(self._store.queue.by("state", "queued"), key=lambda row: row.id):
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
        for row in self._store.queue.by("state", "queued"):
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
        rows = sorted(self._store.queue.by("state", state), key=lambda row: row.id)
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

    async def move(self, was: datetime, by: timedelta) -> int:
        found = [due for due in self._known() if due.kind in (*REWOUND, "expire") and was < due.due_at <= was + abs(by)]
        for due in found:
            self._store.due_rows[due.key] = replace(due, due_at=due.due_at + by)
        return len(found)

    async def rewind(self, now: datetime, *, latest: datetime, expiry: datetime | None = None) -> int:
        for due in self._known():
            if expiry is not None and due.kind == "expire" and due.due_at > expiry:
                self._store.due_rows[due.key] = replace(due, due_at=expiry)
        for customer, shown in list(self._store.shown.items()):
            self._store.shown[customer] = tuple(replace(past, at=min(past.at, now)) for past in shown)
        far = [due for due in self._known() if due.kind in REWOUND and due.due_at > latest]
        for due in far:
            self._store.due_rows[due.key] = replace(due, due_at=now)
        return len(far)

    async def put_off(self, due: Due, to: datetime) -> None:
        if self._store.due_rows.get(due.key) == due:
            self._store.due_rows[due.key] = replace(due, due_at=to)

    async def next_due(self) -> datetime | None:
        return min((due.due_at for due in self._known()), default=None)

    def _known(self) -> list[Due]:
        """A newer release may have left rows of kinds of its own."""
        return [due for due in self._store.due_rows.values() if due.kind in get_args(DueKind)]
