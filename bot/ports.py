"""The borders of the core: what it needs from channels and storage, as Protocols, and the types that cross them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

import msgspec

from bot.conversations.conversation import Conversation
from bot.conversations.dealings import Dealing
from bot.conversations.flow import PinnedFlow
from bot.conversations.invitations import Occasion, Rule, TriggerKind, Verdict
from bot.conversations.questions import ScaleName
from bot.followup.cases import Case, CaseNote, CaseState, Priority, Why
from bot.followup.incidents import Incident, IncidentDimension
from bot.followup.templates import TemplateKind
from bot.ids import CaseId, ConversationId, CustomerId, FlowHash, IncidentId, InteractionId, WordsId
from bot.languages.voice import Sentences, Voice
from bot.messages import Address, Attachment, ChannelName, Content, Inbound, Outbound, Receipt

#: The time now, with a time zone (UTC). Passed in so that a simulation or the sandbox can run faster.
Clock = Callable[[], datetime]


# ---- storage: rows ------------------------------------------------------------------------------------


#: The customer said so; the company reported it; a link that the company gave them said so; it is what they write; the
#: channel's profile does. The surest first.
KnownFrom = Literal["customer", "report", "link", "written", "profile"]


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A person, as known at one of their addresses. ``name`` is kept in a table of its own."""

    id: CustomerId
    name: str | None = None
    locale: str | None = None
    #: how we know the language and the time zone: a surer source is never overwritten by a less sure one
    locale_source: KnownFrom | None = None
    #: how sure the guess is, in per cent, where the language is what they write
    locale_sureness: int | None = None
    time_zone: str | None = None
    time_zone_source: KnownFrom | None = None
    #: the company's own reference of this person
    reference: str | None = None
    #: nobody proved it: a helpdesk's webhook says so. Whoever proves it of another customer is believed.
    reference_claimed: bool = False
    opted_out_at: datetime | None = None
    #: since when they are on the advisory panel; changed by JoinPanel and LeavePanel only
    panel_since: datetime | None = None
    #: the address may be written to (a Telegram user who never wrote to the bot may not)
    reachable: bool = True

    @property
    def writes(self) -> tuple[str, int] | None:
        """The language that they write, and how sure that is in per cent; None where it is known in another way."""
        if self.locale is None or self.locale_source != "written" or self.locale_sureness is None:
            return None
        return self.locale, self.locale_sureness


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A survey that was shown to a customer, for the cool-down."""

    flow: str
    is_nps: bool
    at: datetime


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """The dealing with the business that the feedback is about.

    ``reference`` is the reporter's own name of it (ticket, order); with ``source`` it is unique, so one closing
    asks once, however often it is reported. The address is ``Address(channel="", key="")`` where none is known.
    """

    id: InteractionId
    source: str
    reference: str
    flow: str
    address: Address
    closed_at: datetime
    reported_at: datetime
    attributes: Mapping[str, str] = {}
    dealing: Dealing = Dealing()
    #: grows with every change, and is what a write compares against
    revision: int = 0


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a deep link, a QR code or a survey link: which flow, and what whoever gave it out knew.

    ``id`` is 22 characters of ``[A-Za-z0-9_-]`` that nobody can guess. With ``customer`` it is personal: it was given
    to the one customer of this reference, so who uses it is that customer, and it is answered once.
    """

    id: str
    flow: str
    customer: str | None = None
    locale: str | None = None
    #: what texts, conditions and reports may use; "reference" names the dealing
    attributes: Mapping[str, str] = {}
    made_at: datetime
    expires_at: datetime | None = None
    #: the conversation that a personal link began last
    conversation: ConversationId | None = None


DueKind = Literal[
    "ask",
    "idle",  # nothing was said for a while: the chat counts as ended
    "remind",  # nobody answered an invitation
    "expire",
    "alert",  # the hold of a case's alert is over
    "recover",  # ask whether a resolved case is fixed
    "unconfirmed",  # nobody answered that
    "first_word",  # the clock of a case's first word: escalate
    "resolve",  # the clock of its resolution: escalate
    "snooze",  # a snooze is over
    "incident",  # see whether a case is one of several
]


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be decided at a time: ``Due(key="alert:0k3...", kind="alert", ref="0k3...", due_at=...)``."""

    key: str
    kind: DueKind
    ref: str
    due_at: datetime


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's own words. ``question`` is None for words said outside a question."""

    id: WordsId
    customer: CustomerId
    conversation: ConversationId | None
    question: str | None
    text: str
    at: datetime
    #: what came with them, by the reference of the channel ``source``
    attachments: tuple[Attachment, ...] = ()
    source: ChannelName | None = None
    #: they stand in the thread of a case's alert; the alert quotes what stands nowhere else
    in_thread: bool = False


class AgentWords(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent said to the customer of a case. ``id`` is the slot of the message."""

    id: str
    case: CaseId
    customer: CustomerId
    author: str
    text: str
    at: datetime
    #: it did not arrive
    lost: bool = False


# ---- storage: one unit of work --------------------------------------------------------------------------


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision needs to know. Whatever is None is not read.

    With ``event`` the store also remembers the event; ``Facts.seen`` tells whether it was there already.
    With ``address`` it reads the customer there, their recent surveys, their open case, and the waiting
    conversation touched last (or, where none waits, the one touched last), unless ``conversation`` names one. With
    a conversation found, its pinned flow, its case and its customer are read too. With ``interaction`` and no
    address, the interaction's address is read. ``due`` is read again inside the transaction: it may be gone.
    """

    event: str | None = None
    #: remembered with the event: ``Facts.group_seen`` tells whether another event of the group came before
    group: str | None = None
    address: Address | None = None
    #: where the dealing is known, if it is, is read in place of ``address``
    keeps_address: bool = False
    conversation: ConversationId | None = None
    case: CaseId | None = None
    interaction: InteractionId | None = None
    #: (source, reference) of an interaction that may have been reported before
    reported: tuple[str, str] | None = None
    #: the company's own reference of a customer, who may be known at other addresses
    known_as: str | None = None
    #: the id of a link
    link: str | None = None
    #: when the customer wrote last
    wrote: bool = False
    #: somebody may be asked: nobody else decides that about the same customer meanwhile, whatever the address
    asks: bool = False
    #: the newest decisions about whatever this names: a customer's reference or id, a dealing's, an address key
    explain: str | None = None
    due: str | None = None
    #: the remote id of the first message of a thread, on a channel: the case whose alert it is is read, or the incident
    thread: tuple[ChannelName, str] | None = None
    #: the cases opened since then that share a value with the case, and the incidents with a case since then
    neighbours_since: datetime | None = None
    #: the newest words of the conversation
    words: bool = False
    #: how many cases of the case's incident and team wait for somebody to take them
    waiting: bool = False


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """A case and the conversation that it came from."""

    case: Case
    conversation: Conversation


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, in one consistent view."""

    seen: bool = False
    group_seen: bool = False
    customer: Customer | None = None
    conversation: Conversation | None = None
    flow: PinnedFlow | None = None
    #: of the conversation (or the one named)
    case: Case | None = None
    #: of the address, whatever the customer was asked since: of the cases that have not come to their end the one in
    #: which somebody spoke to the customer last (``Case.spoke_at``), or else the one that ended last; of those that are
    #: withdrawn only one that was told of
    open_case: Case | None = None
    #: of the address: the case whose customer was asked last whether it is fixed and has not answered, or else the one
    #: of which they last said that it is
    asked_case: Case | None = None
    interaction: Interaction | None = None
    #: the newest decision about the interaction
    decision: "Decision | None" = None
    #: the customer whom the company knows by that reference, and where they can be reached, the newest address first
    namesake: Customer | None = None
    addresses: tuple[Address, ...] = ()
    link: Link | None = None
    #: the newest of the customer's own words; only where asked for
    wrote_at: datetime | None = None
    #: newest first, at most 20
    decisions: "tuple[Decision, ...]" = ()
    due: Due | None = None
    shown: tuple[Shown, ...] = ()
    #: a survey waits for the customer, at whatever address; only where somebody may be asked
    surveyed: bool = False
    #: newest first, at most 500; the case itself is among them, those folded into an incident are not. A value that
    #: they had in common may have been taken back since.
    neighbours: tuple[Neighbour, ...] = ()
    incidents: tuple[Incident, ...] = ()
    #: that the case is folded into; without a case, the one whose alert the thread stands under
    incident: Incident | None = None
    #: said in the conversation or beside it, newest first, at most 20; only where asked for
    words: tuple[Words, ...] = ()
    #: by state, the cases of the case's incident and team that nobody has and in which something is to do, itself too
    waiting: Mapping[CaseState, int] = {}


class SaveCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """Insert or update a customer together with one of their addresses."""

    customer: Customer
    address: Address
    at: datetime


class SaveConversation(msgspec.Struct, frozen=True, kw_only=True):
    """Write a conversation if its turn is still ``was_turn`` (None: it is new); else the step is decided again."""

    conversation: Conversation
    flow_id: str
    was_turn: int | None


class SaveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Insert or replace the one answer of a question: a score, option ids or words."""

    conversation: ConversationId
    question: str
    flow_id: str
    structure: str
    customer: CustomerId
    at: datetime
    score: int | None = None
    options: tuple[str, ...] = ()
    words: WordsId | None = None
    skipped: bool = False


class DropAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Take an answer back, after a correction made its question no longer fit."""

    conversation: ConversationId
    question: str


class CountScore(msgspec.Struct, frozen=True, kw_only=True):
    """Add ``n`` (-1 to take back) to the counts of a score, once for each dimension. ``at`` is when it was given.

    ``score`` is None for a skipped rating.
    """

    flow_id: str
    structure: str
    question: str
    scale: ScaleName
    score: int | None
    at: datetime
    n: int
    #: dimension -> value: {"all": "", "channel": "telegram", "language": "vi", "agent": "Minh"}
    dimensions: Mapping[str, str]


class KeepWords(msgspec.Struct, frozen=True, kw_only=True):
    words: Words


class KeepReply(msgspec.Struct, frozen=True, kw_only=True):
    reply: AgentWords


class LoseReply(msgspec.Struct, frozen=True, kw_only=True):
    """Note that an agent's words did not arrive; ``reply`` is their id."""

    reply: str


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """Put a message on its way, in the same transaction as what caused it."""

    outbound: Outbound
    at: datetime


class PutDue(msgspec.Struct, frozen=True, kw_only=True):
    """Insert a due row or move the one with the same key."""

    due: Due


class DropDue(msgspec.Struct, frozen=True, kw_only=True):
    key: str


class SettleDue(msgspec.Struct, frozen=True, kw_only=True):
    """Remove the due row that is being decided, if it is still as read; else the step is decided again."""

    due: Due


class SaveCase(msgspec.Struct, frozen=True, kw_only=True):
    """Write a case if its revision is still ``was_revision`` (None: it is new); else the step is decided again."""

    case: Case
    was_revision: int | None


class SaveIncident(msgspec.Struct, frozen=True, kw_only=True):
    """Write an incident if its revision is still ``was_revision`` (None: it is new); else the step is decided again."""

    incident: Incident
    was_revision: int | None


class ShareValues(msgspec.Struct, frozen=True, kw_only=True):
    """Note what a case may have in common with others, beside what was noted before; nothing: it is folded.

    ``ShareValues(case="0k3...", opened_at=..., values=(("cause", "slow"), ("agent", "Minh")))``: from then on it is a
    neighbour of the cases that have one of these values too, for as long as it is folded into no incident.
    """

    case: CaseId
    opened_at: datetime
    values: tuple[tuple[IncidentDimension, str], ...]


class NoteCase(msgspec.Struct, frozen=True, kw_only=True):
    note: CaseNote


class MergeCustomers(msgspec.Struct, frozen=True, kw_only=True):
    """Make one customer of two who are proven to be the same: all that was ``gone`` is ``kept``'s from then on.

    Addresses, conversations, answers, words, cases, surveys shown and decisions move. Who opted out in either stays so.
    What ``kept`` lacks (a name, a language, a time zone) comes from ``gone``.
    """

    gone: CustomerId
    kept: CustomerId
    at: datetime


class KeepLink(msgspec.Struct, frozen=True, kw_only=True):
    """Insert a link, or write anew what it began."""

    link: Link


class SaveInteraction(msgspec.Struct, frozen=True, kw_only=True):
    """Write an interaction if its revision is still ``was_revision`` (None: it is new); else decide again."""

    interaction: Interaction
    was_revision: int | None = None


DecisionVerdict = Verdict


class DecisionStep(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided before, on the way to what stands now."""

    verdict: DecisionVerdict
    rule: Rule
    inputs: Mapping[str, str] = {}
    at: datetime


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one trigger: the verdict, the rule that gave it, and what it looked at.

    There is one for each trigger, under its ``key``: what stands now, with the ``steps`` before it, oldest first.
    """

    key: str
    trigger: TriggerKind
    flow: str
    address: Address
    customer: CustomerId | None
    interaction: InteractionId | None
    verdict: DecisionVerdict
    rule: Rule
    inputs: Mapping[str, str]
    #: when the trigger came, and when this was decided
    triggered_at: datetime
    at: datetime
    #: who told us and by what name: a helpdesk's conversation, an order
    source: str = ""
    reference: str = ""
    #: the company's own reference of the customer
    known_as: str | None = None
    #: what was begun, where the verdict is "asked"
    conversation: ConversationId | None = None
    steps: tuple[DecisionStep, ...] = ()
    #: how often the trigger was told again
    repeats: int = 0
    #: what a simulation asks again about; None: there was nothing to decide
    occasion: Occasion | None = None


class RecordDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Write what became of a trigger, in place of what was decided about it before."""

    decision: Decision


class RecordShown(msgspec.Struct, frozen=True, kw_only=True):
    customer: CustomerId
    shown: Shown


class OptOut(msgspec.Struct, frozen=True, kw_only=True):
    """Set (``at``) or lift (None) a customer's opt-out; where it is so already the step is decided again."""

    customer: CustomerId
    at: datetime | None


class SetReachable(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an address may be written to."""

    address: Address
    reachable: bool


class MoveAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Give an address, its conversations and its queued messages a new key."""

    address: Address
    to: Address


class PanelMember(msgspec.Struct, frozen=True, kw_only=True):
    """That a customer joined the advisory panel: to what they said yes, where, in which language and when.

    ``flow``, ``version`` and ``question`` with the language name the text that they read.
    """

    id: str
    customer: CustomerId
    address: Address
    flow: str
    version: FlowHash
    question: str
    locale: str
    joined_at: datetime
    left_at: datetime | None = None
    left_by: "LeftBy | None" = None


#: Who ended a membership.
LeftBy = Literal["customer", "company"]


class JoinPanel(msgspec.Struct, frozen=True, kw_only=True):
    member: PanelMember


class LeavePanel(msgspec.Struct, frozen=True, kw_only=True):
    """End the membership of a customer, if they have one."""

    customer: CustomerId
    by: LeftBy
    at: datetime


class RecordStaleTap(msgspec.Struct, frozen=True, kw_only=True):
    """A tap that changed nothing, for the record."""

    conversation: ConversationId
    turn: int
    value: str
    at: datetime


class KeepAside(msgspec.Struct, frozen=True, kw_only=True):
    """A body nobody here understands, for the operator."""

    channel: ChannelName
    why: str
    body: bytes
    at: datetime


Write = (
    SaveCustomer
    | SaveConversation
    | SaveAnswer
    | DropAnswer
    | CountScore
    | KeepWords
    | KeepReply
    | LoseReply
    | Queue
    | PutDue
    | DropDue
    | SettleDue
    | SaveCase
    | SaveIncident
    | ShareValues
    | NoteCase
    | SaveInteraction
    | MergeCustomers
    | KeepLink
    | RecordDecision
    | RecordShown
    | OptOut
    | JoinPanel
    | LeavePanel
    | SetReachable
    | MoveAddress
    | RecordStaleTap
    | KeepAside
)

#: What a channel is told, so that it can word its own fleeting reply (a toast, an ephemeral message).
SaidKind = Literal[
    "nothing",  # no reply owed
    "duplicate",  # this event was handled before
    "taken",  # the answer counts; text: its label
    "ticked",  # a box of a multiple choice changed
    "already_counted",  # a late or repeated tap; write /feedback to say more
    "closed",  # the conversation is over
    "not_yours",  # someone else was asked
    "unknown_button",  # a button of another maker or of long ago
    "changing",  # the answer may be changed now
    "too_late_to_change",
    "choose_more",  # a multiple choice needs more boxes
    "choose_fewer",
    "claimed",  # an agent got the case; text: the agent's name
    "already_claimed",  # text: the owner's name
    "case_closed",  # the case was withdrawn meanwhile, or came to its end
    "already_resolved",  # text: the name of who resolved it
    "not_owner",  # only the owner may release a case; text: the owner's name
    "no_case",  # there is no such case, or not for this desk
    "done",  # what the agent did counts; the alert shows it
    "form",  # the agent is to fill in ``form``
    "empty",  # there is nothing in the words; text: the field
    "too_long",  # text: the field
    "in_the_past",  # a snooze must end later than now
    "unreachable",  # the customer cannot be written to any more
    "kept_internal",  # an agent's words that begin with //: they stay among the agents, and nothing was sent
    "unknown_thread",  # words in a thread that belongs to nothing we know: nothing was sent
    "incident_thread",  # words in the thread of an incident's alert: they are for no one customer, and nothing was sent
    "kept_as_sent",  # an agent changed words that were sent: the customer keeps those
    "note_not_sent",  # an agent changed a note that stays among the agents: it was not sent
    "text_only",  # files of agents are not passed on
    "fixed",  # the customer says that it is fixed
    "not_fixed",
    "declined",  # not this one: the survey is over, and others may come
    "asked",  # a survey begins
    "deferred",  # a survey will begin; text: the rule
    "not_asked",  # text: the rule
    "opted_out",
    "opted_in",
    "spoken_to",  # the customer chose the language; locale: which
    "explained",  # text: why someone was or was not asked
    "not_here",  # only a room of the desk is told that
    "kept_aside",
]


FormKind = Literal["reply", "snooze", "resolve"]


class FormOption(msgspec.Struct, frozen=True, kw_only=True):
    """Something to choose in a form: a template with its text for this customer, or a cause."""

    id: str
    label: str
    text: str = ""
    #: what kind of ready answer a template is; the form groups them by it
    kind: TemplateKind | None = None


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent is to fill in: words (*reply*), a time (*snooze*), or a cause and an action (*resolve*)."""

    kind: FormKind
    case: CaseId
    #: who the customer is, and what they said, so that one need not look it up
    title: str
    about: str = ""
    #: whether others read along where the customer is
    group: bool = False
    #: templates by kind for *reply*, causes for *resolve*
    options: tuple[FormOption, ...] = ()
    #: what the text field begins with
    text: str = ""
    #: the time that the form proposes, and the zone to read it in
    until: datetime | None = None
    time_zone: str = "UTC"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    kind: SaidKind = "nothing"
    text: str = ""
    locale: str = "en"
    form: Form | None = None
    #: what the author of the settings, or of the flow, says differently from the packs
    own: Sentences = {}

    @property
    def voice(self) -> Voice:
        """How a channel words it."""
        return Voice(self.locale, self.own)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided: what to tell the sender at once, and what to write, all of it or none."""

    said: Said = Said()
    writes: tuple[Write, ...] = ()
    #: for the caller of an API: the id of what was made, the conversation or interaction
    ref: str = ""


class CountRow(msgspec.Struct, frozen=True, kw_only=True):
    """How many times one score was given (None: the question was skipped), by one value of one dimension."""

    flow_id: str
    structure: str
    question: str
    scale: ScaleName
    dimension: str
    value: str
    score: int | None
    n: int


class Store(Protocol):
    async def run(self, read: Read, decide: Callable[[Facts], Outcome]) -> Outcome:
        """Read, decide, write, commit; the outcome comes back after the commit.

        ``decide`` is pure, runs on any thread, and may be called again on fresh facts when a race was lost.
        Each step stands in its own savepoint and many steps may share one commit. Cancelling the caller does not
        cancel the step. Raises StoreUnavailable when nothing was kept.
        """


# ---- delivery -------------------------------------------------------------------------------------------


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One queued message, leased to this process. ``attempt`` (from 1) is also the fence of its settlement."""

    id: int
    outbound: Outbound
    attempt: int
    queued_at: datetime
    #: the remote message id of the slot, when the slot was posted before
    remote: str | None = None
    #: an earlier attempt may have arrived although no answer came back
    maybe_delivered: bool = False
    #: the remote message id of ``outbound.thread``, once that was posted
    thread_remote: str | None = None


class Unheard(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's words that their customer has not got; ``error`` is what came of the last try, if there was one."""

    id: int
    outbound: Outbound
    error: str


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    receipt: Receipt


class RetryAt(msgspec.Struct, frozen=True, kw_only=True):
    due_at: datetime
    #: why; empty: it was not tried at all, and what was said of it before stands
    error: str
    maybe_delivered: bool = False
    #: False: the attempt does not count (we were told to wait)
    counts: bool = True


class GaveUp(msgspec.Struct, frozen=True, kw_only=True):
    error: str


Settlement = Sent | RetryAt | GaveUp


class Outbox(Protocol):
    async def claim(
        self, now: datetime, *, limit: int, lease_until: datetime, blocked: Sequence[str] = ()
    ) -> Sequence[Delivery]:
        """Lease the head of each free lane that is due, oldest first; at most one message of a lane at a time.

        ``blocked`` takes nothing now: names of channels, and ``<channel>/<address key>/<kind>`` for one kind of
        message to one address.
        """

    async def settle(self, delivery: Delivery, settlement: Settlement, now: datetime) -> bool:
        """Record how it went, if the lease is still ours; False if another process took it over.

        Many settlements share one commit. A given-up message frees its lane.
        """

    async def next_due(self, now: datetime, *, blocked: Sequence[str] = ()) -> datetime | None:
        """When the next queued message may be sent of those that are not ``blocked``; None when there is none."""

    async def rewind(self, now: datetime, *, latest: datetime, lease_until: datetime) -> int:
        """The clock was put back: what was to wait until after ``latest`` is due now; how many messages that were.

        No lease lasts beyond ``lease_until`` then.
        """

    async def late(self, before: datetime, *, after: int) -> Sequence[Unheard]:
        """Agents' words to customers that were queued ``before`` then and still wait, with ids above ``after``.

        In the order of their ids, at most 100.
        """

    async def lost(self, since: datetime) -> Sequence[Unheard]:
        """Agents' words to customers that were given up since then, in the order of their ids."""

    async def case_view(self, case: CaseId) -> "CaseView | None":
        """Everything the alert of a case shows, as it is now."""

    async def incident_view(self, incident: IncidentId) -> "IncidentView | None":
        """Everything the alert of an incident shows, as it is now."""


class PastScore(msgspec.Struct, frozen=True, kw_only=True):
    """A rating that a customer gave before."""

    flow: str
    question: str
    scale: ScaleName
    score: int
    at: datetime


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    case: Case
    flow: PinnedFlow
    customer: Customer
    conversation: Conversation
    words: tuple[Words, ...]
    notes: tuple[CaseNote, ...]
    #: what agents said to the customer, oldest first
    replies: tuple[AgentWords, ...] = ()
    #: the customer's last three scores of other conversations, newest first
    scores: tuple[PastScore, ...] = ()
    incident: Incident | None = None


class FoldedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case of an incident, as its alert lists it."""

    case: Case
    flow: PinnedFlow
    customer_name: str | None
    #: the customer's newest words, if any
    words: str = ""


class IncidentView(msgspec.Struct, frozen=True, kw_only=True):
    """An incident and its newest cases, newest first, at most ten."""

    incident: Incident
    cases: tuple[FoldedCase, ...]


# ---- the queue -------------------------------------------------------------------------------------------


class CaseQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases to list; an empty tuple, None or "" asks nothing. Newest first."""

    states: tuple[CaseState, ...] = ()
    priorities: tuple[Priority, ...] = ()
    channel: str = ""
    language: str = ""
    flow: str = ""
    team: str = ""
    cause: str = ""
    why: Why | None = None
    #: the owner's name, as agents are shown; "-" for cases that nobody has
    owner: str = ""
    opened_since: datetime | None = None
    opened_before: datetime | None = None
    limit: int = 50
    #: the id of the last case of the page before
    after: CaseId | None = None


class ListedCase(msgspec.Struct, frozen=True, kw_only=True):
    case: Case
    customer_name: str | None


class CaseTimes(msgspec.Struct, frozen=True, kw_only=True):
    """What the figures of the follow-up are made from: one case, without anybody's words or name."""

    state: CaseState
    channel: str
    language: str
    cause: str
    why: Why = "score"
    opened_at: datetime
    first_word_at: datetime | None
    first_resolved_at: datetime | None


class Cases(Protocol):
    """The follow-up queue, to look at. Changes go through intake."""

    async def list(self, query: CaseQuery) -> Sequence[ListedCase]: ...

    async def view(self, case: CaseId) -> CaseView | None: ...

    async def times(
        self, since: datetime | None, until: datetime | None, flow: str | None = None
    ) -> Sequence[CaseTimes]:
        """The cases opened in a period, withdrawn ones left out."""


class DecisionQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which decisions to list; None or "" asks nothing. Newest first."""

    #: a customer's reference or id, the reference of a dealing, an address key, or "<channel>:<address key>"
    about: str = ""
    verdict: DecisionVerdict | None = None
    rule: str = ""
    trigger: str = ""
    flow: str = ""
    channel: str = ""
    since: datetime | None = None
    before: datetime | None = None
    limit: int = 50
    #: the key of the last decision of the page before
    after: str | None = None


class Ledger(Protocol):
    """The decisions, to look at."""

    async def list(self, query: DecisionQuery) -> Sequence[Decision]: ...

    async def count(self, since: datetime) -> int:
        """How many decisions with an occasion there are since then."""

    def replay(self, since: datetime) -> AsyncIterator[Decision]:
        """The decisions with an occasion whose trigger came since then, the oldest trigger first."""

    async def shown(self, since: datetime) -> Mapping[CustomerId, Sequence[Shown]]:
        """The surveys shown since then, the oldest first."""

    async def time_zones(self) -> Mapping[CustomerId, str]:
        """The time zones of the customers for whom one is known."""


class Links(Protocol):
    async def keep(self, link: Link) -> None: ...

    async def find(self, id: str) -> Link | None: ...


class ListedMember(msgspec.Struct, frozen=True, kw_only=True):
    """A membership, and the customer as they are now."""

    member: PanelMember
    customer: Customer


class Panel(Protocol):
    """The advisory panel. Raises StoreUnavailable."""

    async def members(self, *, left: bool = False) -> Sequence[ListedMember]:
        """Who is on it, one row each, or (``left``) every membership that has ended; the oldest first."""


class Dues(Protocol):
    async def rewind(self, now: datetime, *, latest: datetime, expiry: datetime | None = None) -> int:
        """The clock was put back: what was planned for after ``latest`` and only waits for a delay is due now.

        Only rows of the kinds "ask", "idle" and "remind"; how many that were. Rows of the kind "expire" planned for
        after ``expiry`` are due then (None: they stay). Surveys that seem to be shown in the future were shown now.
        """

    async def move(self, was: datetime, by: timedelta) -> int:
        """The clock was set while it showed ``was``: what was to come within ``by`` after that comes as soon as before.

        Only rows of the kinds "ask", "idle", "remind" and "expire"; how many that were. Told twice of one setting, as
        by two processes, it moves nothing twice.
        """

    async def due(self, now: datetime, limit: int) -> Sequence[Due]:
        """The due rows whose time has come, oldest first; only of kinds that this release knows."""

    async def put_off(self, due: Due, to: datetime) -> None:
        """Move a row that could not be decided, if it is still as it was read."""

    async def next_due(self) -> datetime | None:
        """When the earliest due row is due."""


class Wakes(Protocol):
    """Tells waiting loops, in this process and in others, that there may be something to do."""

    def outbox(self) -> None: ...
    def dues(self) -> None: ...

    async def wait_outbox(self, timeout: float) -> None:
        """Until there may be a message to send, or the seconds are over. Claim after it, not before."""

    async def wait_dues(self, timeout: float) -> None:
        """Until there may be a new due row, or the seconds are over."""


# ---- web chat: what a customer should see is a row first -------------------------------------------------


class ChatLine(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a web-chat session's log: a message of ours or the customer's, or a change of one of ours.

    ``id`` grows within the session and is the SSE event id. An entry with the slot of an earlier one replaces it.
    """

    id: int
    session: str
    author: Literal["us", "customer"]
    slot: str
    content: Content
    at: datetime


class ChatLog(Protocol):
    async def append(
        self,
        channel: ChannelName,
        session: str,
        author: Literal["us", "customer"],
        slot: str,
        content: Content,
        at: datetime,
    ) -> int:
        """Keep a line and wake whoever reads this session, in any process; returns its id.

        What a customer said stays said: of a slot that the session has from them already, the line there is kept.
        """

    async def since(self, channel: ChannelName, session: str, after: int, limit: int = 200) -> Sequence[ChatLine]:
        """The lines after an id, oldest first."""

    def follow(self, channel: ChannelName, session: str) -> AsyncIterator[None]:
        """Yields each time when the session may have new lines; the caller then asks ``since``."""


# ---- channels -------------------------------------------------------------------------------------------


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel can show. Lengths in characters, callback data in bytes."""

    buttons: int
    text: int
    button_label: int
    token_bytes: int
    edits: bool
    #: messages a second that the service takes over all chats; 0: as many as there are
    per_second: float = 0.0
    #: new messages a second that one chat or room takes, one after the other; 0: as many as there are
    posts_per_second: float = 0.0
    #: how many messages may be under way at once over all chats; 0: as many as delivery lets
    at_once: int = 0


class File(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's file as it came from a service; ``kind`` is the media type that the service names."""

    name: str
    kind: str
    body: bytes


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request as it came, or the like from a socket. Header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    query: Mapping[str, str] = {}
    #: the network address of the sender, for rate limits only; empty where there is none
    remote: str = ""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a Raw."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


#: Decides and commits one inbound event; the outcome tells the channel how to word its reply.
Handle = Callable[[Inbound], Awaitable[Outcome]]


class Channel(Protocol):
    name: ChannelName
    limits: Limits

    async def receive(self, raw: Raw, handle: Handle) -> Reply:
        """Verify, read the few fields needed, await ``handle``, word the reply from the outcome."""

    async def send(
        self, message: Outbound, remote: str | None, *, again: bool = False, thread: str | None = None
    ) -> Receipt:
        """Hand one message to the service. ``remote`` is the message to change when the kind is *edit*; ``thread`` the
        message in whose thread to post; ``again`` tells that an earlier attempt may have arrived. Raises SendFailed.
        """

    async def fetch(self, reference: str) -> File | None:
        """A customer's file by the channel's own reference; None where there is none (any more). Raises SendFailed."""

    async def run(self, handle: Handle) -> None:
        """Listen where the service does not call us (long polling, Socket Mode), until cancelled; else return."""

    async def close(self) -> None: ...
