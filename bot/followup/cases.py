"""The case of one unhappy customer: what it is, when it opens, and how each event changes it. Pure.

A change returns the case itself, unchanged, where there is nothing to change.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from bot.conversations.flow import Flow
from bot.conversations.questions import Rating, ScaleName
from bot.ids import CaseId, ConversationId, CustomerId, IncidentId
from bot.messages import Address

#: *reopened*: the customer said that it is not fixed. *recovered* and *unconfirmed* are its ends; *withdrawn* is the
#: end of a case whose customer took the score back before anybody worked on it. Whether a case is snoozed is no state:
#: it is that beside its own.
CaseState = Literal["open", "claimed", "contacted", "resolved", "recovered", "unconfirmed", "reopened", "withdrawn"]
Priority = Literal["normal", "high", "urgent"]
Stage = Literal["first_word", "resolved"]
#: why a case opened: a low score; words that a rule names, whatever the score; the customer asked for a person
Why = Literal["score", "words", "human"]

PRIORITIES: tuple[Priority, ...] = ("normal", "high", "urgent")
#: someone must still do something
WORKING: tuple[CaseState, ...] = ("open", "claimed", "contacted", "reopened")
CLOSED: tuple[CaseState, ...] = ("recovered", "unconfirmed", "withdrawn")
#: for so long after its end the words of the customer still reach the thread of the case
LISTENS_AFTER = timedelta(days=3)
#: so many of the agents' newest words can be taken back when they do not arrive
_RELAYS = 20

#: A score at or below this opens a case, unless the settings or the flow say otherwise.
CASE_AT_MOST: Mapping[ScaleName, int] = {"nps": 6, "csat5": 2, "csat10": 4, "ces7": 3, "thumbs": 0}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """The follow-up opened for one unhappy customer. ``revision`` grows with each change; a write compares it."""

    id: CaseId
    conversation: ConversationId
    customer: CustomerId
    address: Address
    flow: str
    #: the rating that the score was given to, or may yet be; empty where the flow has none
    question: str
    #: None: none was given
    score: int | None
    why: Why = "score"
    #: the language that the customer was asked in
    locale: str = "en"
    state: CaseState = "open"
    priority: Priority = "normal"
    owner: Address | None = None
    owner_name: str | None = None
    #: the alert was put on its way: from now on changes are edits
    alerted: bool = False
    #: where the alert goes
    desk: Address | None = None
    #: the user group that the alert notifies
    group: str = ""
    #: whose business hours and clocks count; a name of the settings
    team: str = ""
    #: the routing rule that matched; empty for none
    rule: str = ""
    #: the incident that this case is folded into
    incident: IncidentId | None = None
    folded_at: datetime | None = None
    revision: int = 0
    opened_at: datetime
    claimed_at: datetime | None = None
    #: when an agent's words first went to the customer, ever
    first_word_at: datetime | None = None
    #: and when they last did
    last_word_at: datetime | None = None
    #: the slots of the agents' newest words, oldest first, and when they went: what does not arrive is taken back
    relays: tuple[tuple[str, datetime], ...] = ()
    snoozed_until: datetime | None = None
    #: how often it was resolved
    resolution: int = 0
    first_resolved_at: datetime | None = None
    resolved_at: datetime | None = None
    #: the name of who resolved it last
    resolved_by: str = ""
    cause: str = ""
    action: str = ""
    #: the resolution that the customer was asked about; never twice about one
    asked_resolution: int = 0
    asked_at: datetime | None = None
    #: when the customer last said that it is not fixed, or asked for a person after all was done: the clocks run from
    #: there
    reopened_at: datetime | None = None
    #: when the customer last asked for a person
    wanted_at: datetime | None = None
    closed_at: datetime | None = None
    #: the stages that the lead was told of, since the clocks last started
    escalated: tuple[Stage, ...] = ()

    @property
    def clocks_from(self) -> datetime:
        return self.reopened_at or self.opened_at

    @property
    def spoke_at(self) -> datetime:
        """When somebody of us last spoke to the customer about it: an agent, the recovery question, or its opening.

        Who asked for a person was told that one will come.
        """
        times = (self.opened_at, self.last_word_at, self.asked_at, self.reopened_at, self.wanted_at)
        return max(at for at in times if at is not None)

    @property
    def worked(self) -> bool:
        """Whether an agent spoke to the customer or resolved it: it runs its course, whatever the score becomes."""
        return self.first_word_at is not None or self.resolution > 0 or self.reopened_at is not None

    @property
    def contacted_since(self) -> bool:
        """Whether an agent's words went to the customer since the clocks last started."""
        return self.last_word_at is not None and self.last_word_at >= self.clocks_from


NoteKind = Literal[
    "opened",
    "corrected",  # detail: "old label>new label"
    "scored",  # a case without a score got one; detail: its label
    "wanted_human",  # the customer asked for a person
    "commented",
    "claimed",
    "released",
    "assigned",  # detail: to whom
    "replied",  # an agent's words went out; detail: the words' beginning
    "answered",  # the customer wrote back
    "undelivered",  # detail: why
    "snoozed",  # detail: until when, ISO 8601
    "woken",
    "resolved",  # detail: "cause label>action"
    "asked",  # the customer was asked whether it is fixed
    "not_asked",  # and why not: detail
    "recovered",
    "not_fixed",
    "unconfirmed",
    "escalated",  # detail: the stage
    "folded",  # into an incident; detail: its label
    "withdrawn",
    "reopened",  # after it was withdrawn
    "reopened_by",  # an agent works on it again
]


class CaseNote(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a case's history: what happened, who did it (None: the program or the customer), when."""

    case: CaseId
    what: NoteKind
    who: str | None
    detail: str = ""
    at: datetime


CaseChange = Literal["opened", "corrected", "withdrawn", "reopened"]


def is_unhappy(flow: Flow, rating: Rating, score: int, thresholds: Mapping[ScaleName, int] = CASE_AT_MOST) -> bool:
    """Whether a score of the flow's rating opens a case; the flow's own limit goes before those per scale."""
    limit = thresholds.get(rating.scale, CASE_AT_MOST[rating.scale]) if flow.case_at_most is None else flow.case_at_most
    return score <= limit


def listens(case: Case, now: datetime) -> bool:
    """Whether what the customer writes reaches the agents of this case."""
    if is_silent(case):
        return False
    return case.closed_at is None or now - case.closed_at <= LISTENS_AFTER


def is_silent(case: Case) -> bool:
    """Whether it was withdrawn before anybody was told of it, or nobody knows when: what is said to it is not heard."""
    return case.state == "withdrawn" and (not case.alerted or case.closed_at is None)


def is_snoozed(case: Case, now: datetime) -> bool:
    return case.snoozed_until is not None and now < case.snoozed_until


def rescore(case: Case, score: int | None, *, unhappy: bool, at: datetime) -> tuple[Case, CaseChange | None]:
    """What a changed score does to a case: None for a score that was taken back altogether.

    A withdrawn case opens again under its own name, so that the agents see one alert with its whole history. A case
    that came to its end keeps it, and one that agents work on goes on: its customer may still need them. So does one
    whose customer asked for a person: a good score is no "never mind".
    """
    new = case.score if score is None else score
    if case.state in ("recovered", "unconfirmed"):
        return (case, None) if new == case.score else (_changed(case, score=new), "corrected")
    if score is None or not unhappy:
        if case.state == "withdrawn":
            return case, None
        if case.worked or case.wanted_at is not None:
            return (case, None) if new == case.score else (_changed(case, score=new), "corrected")
        # the happy score is kept: the alert tells what the customer changed it to
        return _changed(case, state="withdrawn", score=new, closed_at=at, snoozed_until=None), "withdrawn"
    if case.state == "withdrawn":
        again = _changed(case, score=score, closed_at=None)
        return replace(again, state=_working_state(again)), "reopened"
    if case.score == score:
        return case, None
    return _changed(case, score=score), "corrected"


def wants_human(case: Case, at: datetime) -> Case:
    """The customer asks for a person: a case in which nothing was left to do is opened again, and it is urgent.

    Its clocks run anew then, since nobody else waits for them; of a case that is worked on they run on.
    """
    asked = _changed(case, wanted_at=at)
    if case.state not in WORKING:
        if case.state == "withdrawn":
            asked = replace(asked, why="human")
        asked = replace(asked, reopened_at=at, resolved_at=None, closed_at=None, snoozed_until=None, escalated=())
        asked = replace(asked, state="reopened")
    raised_to: Priority = "high" if PRIORITIES.index(case.priority) < PRIORITIES.index("high") else case.priority
    return replace(asked, priority=raised_to)


def spoken_to_in(case: Case, locale: str) -> Case:
    """The case of a customer who is written to in another language from now on."""
    return case if case.locale == locale else _changed(case, locale=locale)


def touched(case: Case) -> Case:
    """The case as it is, but written again: whoever changes it at the same moment decides anew, or we do."""
    return _changed(case)


def alerted(case: Case) -> Case:
    return _changed(case, alerted=True)


def folded(case: Case, incident: IncidentId, at: datetime | None = None) -> Case:
    """The case as one of an incident's; a case is folded but once."""
    return case if case.incident is not None else _changed(case, incident=incident, folded_at=at)


def raised(case: Case, to: Priority) -> Case:
    """The case at least at this priority."""
    if PRIORITIES.index(to) <= PRIORITIES.index(case.priority):
        return case
    return _changed(case, priority=to)


# ---- what agents do --------------------------------------------------------------------------------------------

DeedVerdict = Literal["done", "already_claimed", "not_owner", "already_resolved", "case_closed", "unchanged"]


def claim(case: Case, agent: Address, agent_name: str, at: datetime) -> tuple[Case, DeedVerdict]:
    """Make an agent the owner; a second press of the same agent changes nothing."""
    if case.state not in WORKING:
        return case, "already_resolved" if case.state == "resolved" else "case_closed"
    if case.owner is not None:
        return case, "unchanged" if case.owner == agent else "already_claimed"
    return _owned(case, agent, agent_name, at), "done"


def release(case: Case, agent: Address) -> tuple[Case, DeedVerdict]:
    """Give a case back; only its owner may, others assign it."""
    if case.state not in WORKING:
        return case, "already_resolved" if case.state == "resolved" else "case_closed"
    if case.owner is None:
        return case, "unchanged"
    if case.owner != agent:
        return case, "not_owner"
    free = _changed(case, owner=None, owner_name=None, claimed_at=None)
    return replace(free, state=_working_state(free)), "done"


def assign(case: Case, to: Address, to_name: str, at: datetime) -> tuple[Case, DeedVerdict]:
    """Give a case to someone, whoever has it."""
    if case.state in CLOSED:
        return case, "case_closed"
    if case.owner == to:
        return case, "unchanged"
    return _owned(case, to, to_name, at), "done"


def spoke(case: Case, agent: Address, agent_name: str, at: datetime, slot: str = "") -> Case:
    """An agent's words went to the customer: who speaks on a case that nobody has takes it.

    ``slot`` names the message, so that it can be taken back if it does not arrive.
    """
    taken = case if case.owner is not None or case.state in CLOSED else _owned(case, agent, agent_name, at)
    relays = (*case.relays, (slot, at))[-_RELAYS:]
    said = _changed(taken, first_word_at=case.first_word_at or at, last_word_at=at, relays=relays)
    return replace(said, state=_working_state(said) if said.state in WORKING else said.state)


def unspoken(case: Case, slot: str) -> Case:
    """An agent's words did not arrive: as if they had not been said, but that who said them keeps the case.

    Of several the others count on: the first word is then the earliest of them, and where none is left since the
    clocks last started, the clock of the first word runs again from where it started.
    """
    failed = next((at for each, at in case.relays if each == slot), None)
    if failed is None:
        return case
    left = tuple(each for each in case.relays if each[0] != slot)
    first = case.first_word_at
    if first == failed:
        first = left[0][1] if left else None
    last = left[-1][1] if left else first
    unsaid = _changed(case, first_word_at=first, last_word_at=last, relays=left)
    return replace(unsaid, state=_working_state(unsaid) if unsaid.state in WORKING else unsaid.state)


def snooze(case: Case, until: datetime) -> tuple[Case, DeedVerdict]:
    """Mute the reminders until a time; no clock stops."""
    if case.state not in WORKING:
        return case, "already_resolved" if case.state == "resolved" else "case_closed"
    if case.snoozed_until == until:
        return case, "unchanged"
    return _changed(case, snoozed_until=until), "done"


def woken(case: Case) -> Case:
    return case if case.snoozed_until is None else _changed(case, snoozed_until=None)


def resolve(
    case: Case, agent: Address, agent_name: str, *, cause: str, action: str, at: datetime
) -> tuple[Case, DeedVerdict]:
    """Close the agents' part: the customer is asked later."""
    if case.state not in WORKING:
        return case, "already_resolved" if case.state == "resolved" else "case_closed"
    owned = case if case.owner is not None else _owned(case, agent, agent_name, at)
    done = _changed(
        owned,
        state="resolved",
        resolution=case.resolution + 1,
        resolved_at=at,
        resolved_by=agent_name,
        first_resolved_at=case.first_resolved_at or at,
        cause=cause,
        action=action,
        snoozed_until=None,
    )
    return done, "done"


def reopen(case: Case, agent: Address, agent_name: str, at: datetime) -> tuple[Case, DeedVerdict]:
    """Work again on a case in which nothing was left to do: its clocks run anew, and the next resolution asks anew."""
    if case.state in WORKING:
        return case, "unchanged"
    owned = case if case.owner is not None else _owned(case, agent, agent_name, at)
    again = _changed(owned, reopened_at=at, resolved_at=None, closed_at=None, escalated=())
    return replace(again, state=_working_state(again)), "done"


# ---- what the customer says of it --------------------------------------------------------------------------------


def awaits_recovery(case: Case, resolution: int | None = None) -> bool:
    """Whether the customer was asked about the last resolution (or about this one) and has not answered."""
    asked = case.state == "resolved" and case.asked_resolution == case.resolution
    return asked and resolution in (None, case.resolution)


def asked_recovery(case: Case, at: datetime | None = None) -> Case:
    """The customer is asked now; unchanged where that was done before or the case is not resolved."""
    if case.state != "resolved" or case.asked_resolution == case.resolution:
        return case
    return _changed(case, asked_resolution=case.resolution, asked_at=at)


def may_take_back(case: Case, now: datetime, correction: timedelta) -> bool:
    """Whether a "Yes, it is fixed" may still become a "Not yet"."""
    return case.state == "recovered" and case.closed_at is not None and now - case.closed_at <= correction


def recovered(case: Case, at: datetime) -> Case:
    return _changed(case, state="recovered", closed_at=at) if case.state == "resolved" else case


def unconfirmed(case: Case, at: datetime) -> Case:
    return _changed(case, state="unconfirmed", closed_at=at) if case.state == "resolved" else case


def not_fixed(case: Case, at: datetime) -> Case:
    """Opened again: the same owner, a step more urgent, and its clocks run anew; a "Yes" before it was a mistake."""
    if case.state not in ("resolved", "recovered"):
        return case
    higher = PRIORITIES[min(PRIORITIES.index(case.priority) + 1, len(PRIORITIES) - 1)]
    again = _changed(case, state="reopened", priority=higher, reopened_at=at, resolved_at=None, escalated=())
    return replace(again, closed_at=None)


def escalated(case: Case, stage: Stage) -> Case:
    return case if stage in case.escalated else _changed(case, escalated=(*case.escalated, stage))


def _changed(case: Case, **fields: object) -> Case:
    return replace(case, revision=case.revision + 1, **fields)


def _owned(case: Case, agent: Address, agent_name: str, at: datetime) -> Case:
    taken = _changed(case, owner=agent, owner_name=agent_name, claimed_at=at)
    return replace(taken, state=_working_state(taken) if taken.state in WORKING else taken.state)


def _working_state(case: Case) -> CaseState:
    if case.contacted_since:
        return "contacted"
    if case.reopened_at is not None:
        return "reopened"
    return "open" if case.owner is None else "claimed"
