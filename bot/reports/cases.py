"""Cases as programs are told of them: the shapes of the HTTP API and of ``--json``. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal, assert_never

import msgspec

from bot.config import Settings
from bot.conversations.answers import Answer, Chosen, Scored, Skipped, Worded
from bot.conversations.questions import ScaleName
from bot.followup.alerts import score_of
from bot.followup.cases import Case, CaseState, NoteKind, Priority, Stage, Why, is_snoozed
from bot.followup.clocks import Team, deadlines
from bot.followup.history import told
from bot.followup.incidents import IncidentDimension
from bot.messages import Address, Link
from bot.ports import CaseView, KnownFrom, ListedCase, Words


class ToldAgent(msgspec.Struct, frozen=True, kw_only=True):
    """A support agent: ``id`` is the one of Slack for those who work there, ``channel`` where they work."""

    name: str
    channel: str
    id: str


class ToldCase(msgspec.Struct, frozen=True, kw_only=True):
    """One case of the queue. Times are UTC; what has not happened is null or empty."""

    id: str
    state: CaseState
    priority: Priority
    #: reminders are muted until then; null where they are not
    snoozed_until: datetime | None
    #: the customer's name
    customer: str | None
    owner: ToldAgent | None
    flow: str
    #: empty where the flow has no rating
    question: str
    #: null where none was given: the customer asked for a person
    score: int | None
    #: why it opened: a low score, words that a rule names, or the customer asked for a person
    why: Why
    #: when the customer last asked for a person
    wanted_at: datetime | None
    channel: str
    #: the language that the customer was asked in
    language: str
    #: whose clocks count
    team: str
    #: the routing rule that matched
    rule: str
    incident: str | None
    opened_at: datetime
    claimed_at: datetime | None
    #: when an agent's words first and last went to the customer
    first_word_at: datetime | None
    last_word_at: datetime | None
    #: how often it was resolved, and when first and last; the last is null while it is worked on again
    resolutions: int
    first_resolved_at: datetime | None
    resolved_at: datetime | None
    cause: str
    action: str
    #: when the customer last said that it is not fixed
    reopened_at: datetime | None
    closed_at: datetime | None


class ToldCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """The person: ``channel`` and ``key`` are where they are reached, ``reference`` is the company's own."""

    name: str | None
    channel: str
    key: str
    language: str | None
    #: how the language is known: the customer chose it, the company reported it, …; null: since an earlier release
    language_from: KnownFrom | None
    #: how sure it is, in per cent, where it is what they write
    language_sureness: int | None
    time_zone: str | None
    reference: str | None
    reachable: bool
    opted_out_at: datetime | None


class ToldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer answered to a question: a score, options by their ids, or words (among ``words``)."""

    question: str
    score: int | None = None
    options: tuple[str, ...] = ()
    skipped: bool = False


class ToldWords(msgspec.Struct, frozen=True, kw_only=True):
    """The customer's own words; ``question`` is null for words said outside a question.

    ``files`` are links to what came with them, good for thirty days from now.
    """

    text: str
    question: str | None
    at: datetime
    files: tuple[Link, ...] = ()


class ToldMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer or an agent said, in whole; ``name`` is the agent's, and the customer's where it is known.

    ``delivered`` is false for an agent's words that did not reach the customer. ``files`` as those of ``words``.
    """

    by: Literal["customer", "agent"]
    name: str | None
    text: str
    at: datetime
    question: str | None = None
    files: tuple[Link, ...] = ()
    delivered: bool = True


class ToldScore(msgspec.Struct, frozen=True, kw_only=True):
    """A score that the customer gave in an earlier survey."""

    flow: str
    question: str
    scale: ScaleName
    score: int
    at: datetime


class ToldIncident(msgspec.Struct, frozen=True, kw_only=True):
    """What several cases have in common."""

    id: str
    dimension: IncidentDimension
    value: str
    label: str
    cases: int
    opened_at: datetime
    last_at: datetime


class ToldEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history: ``kind`` for programs, ``text`` the sentence that agents read in the alert.

    ``who`` is null for what the program or the customer did.
    """

    kind: NoteKind
    who: str | None
    detail: str
    text: str
    at: datetime


class ToldClock(msgspec.Struct, frozen=True, kw_only=True):
    """By when a stage should be reached, and when the team's lead is told; reached stages have no clock."""

    stage: Stage
    due_at: datetime
    warn_at: datetime
    overdue: bool
    escalated: bool


class WholeCase(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of a case; lists are in the order of time, ``scores`` newest first."""

    case: ToldCase
    #: the score as people read it, on its scale: "😞 1/5"; or, in the agents' language, that there is none
    score: str
    customer: ToldCustomer
    answers: tuple[ToldAnswer, ...]
    words: tuple[ToldWords, ...]
    #: ``words`` and what agents answered, oldest first
    messages: tuple[ToldMessage, ...]
    scores: tuple[ToldScore, ...]
    #: what was reported of the interaction: agent, order, reference, …
    attributes: Mapping[str, str]
    incident: ToldIncident | None
    history: tuple[ToldEvent, ...]
    clocks: tuple[ToldClock, ...]
    #: where agents see it in a browser
    url: str


def told_case(listed: ListedCase, now: datetime) -> ToldCase:
    case = listed.case
    return ToldCase(
        id=case.id,
        state=case.state,
        priority=case.priority,
        snoozed_until=case.snoozed_until if is_snoozed(case, now) else None,
        customer=listed.customer_name,
        owner=_owner(case.owner, case.owner_name),
        flow=case.flow,
        question=case.question,
        score=case.score,
        why=case.why,
        wanted_at=case.wanted_at,
        channel=case.address.channel,
        language=case.locale,
        team=case.team,
        rule=case.rule,
        incident=case.incident,
        opened_at=case.opened_at,
        claimed_at=case.claimed_at,
        first_word_at=case.first_word_at,
        last_word_at=case.last_word_at,
        resolutions=case.resolution,
        first_resolved_at=case.first_resolved_at,
        resolved_at=case.resolved_at,
        cause=case.cause,
        action=case.action,
        reopened_at=case.reopened_at,
        closed_at=case.closed_at,
    )


#: Links to what came with somebody's words.
Files = Callable[[Words], tuple[Link, ...]]


def _no_links(_: Words) -> tuple[Link, ...]:
    return ()


def whole_case(view: CaseView, settings: Settings, now: datetime, *, files: Files = _no_links) -> WholeCase:
    """A case with all that belongs to it; the history's sentences are in the agents' language and their team's time."""
    case = view.case
    voice = settings.agents_voice()
    team = _team(settings, case.team)
    zone = team.hours.time_zone
    return WholeCase(
        case=told_case(ListedCase(case=case, customer_name=view.customer.name), now),
        score=score_of(case, view.flow.flow, voice),
        customer=_customer(view),
        answers=tuple(_answer(question, answer) for question, answer in view.conversation.answers.items()),
        words=tuple(
            ToldWords(text=each.text, question=each.question, at=each.at, files=files(each)) for each in view.words
        ),
        messages=messages_of(view, files=files),
        scores=tuple(
            ToldScore(flow=each.flow, question=each.question, scale=each.scale, score=each.score, at=each.at)
            for each in view.scores
        ),
        attributes=view.conversation.attributes,
        incident=_incident(view),
        history=tuple(
            ToldEvent(kind=note.what, who=note.who, detail=note.detail, text=told(note, voice, zone), at=note.at)
            for note in view.notes
        ),
        clocks=_clocks(case, team, now),
        url=f"{settings.server.public_url}/cases/{case.id}",
    )


def messages_of(view: CaseView, *, files: Files = _no_links) -> tuple[ToldMessage, ...]:
    """The whole talk: what the customer said and what agents answered, oldest first."""
    name = view.customer.name
    said = [
        ToldMessage(by="customer", name=name, text=each.text, at=each.at, question=each.question, files=files(each))
        for each in view.words
    ]
    answered = [
        ToldMessage(by="agent", name=each.author, text=each.text, at=each.at, delivered=not each.lost)
        for each in view.replies
    ]
    return tuple(sorted([*said, *answered], key=lambda each: each.at))


def _team(settings: Settings, name: str) -> Team:
    """The team of a case; that of the rest where the settings name it no longer."""
    followup = settings.followup
    if followup is None:
        return Team(name=name)
    named = {team.name: team for team in followup.teams}
    return named.get(name) or named.get(followup.team) or Team(name=followup.team)


def _owner(owner: Address | None, name: str | None) -> ToldAgent | None:
    return None if owner is None else ToldAgent(name=name or owner.key, channel=owner.channel, id=owner.key)


def _customer(view: CaseView) -> ToldCustomer:
    customer, address = view.customer, view.case.address
    return ToldCustomer(
        name=customer.name,
        channel=address.channel,
        key=address.key,
        language=customer.locale,
        language_from=customer.locale_source,
        language_sureness=customer.locale_sureness,
        time_zone=customer.time_zone,
        reference=customer.reference,
        reachable=customer.reachable,
        opted_out_at=customer.opted_out_at,
    )


def _answer(question: str, answer: Answer) -> ToldAnswer:
    match answer.value:
        case Scored(score=score):
            return ToldAnswer(question=question, score=score)
        case Chosen(options=options):
            return ToldAnswer(question=question, options=options)
        case Worded():
            return ToldAnswer(question=question)
        case Skipped():
            return ToldAnswer(question=question, skipped=True)
        case _:
            assert_never(answer.value)


def _incident(view: CaseView) -> ToldIncident | None:
    found = view.incident
    if found is None:
        return None
    return ToldIncident(
        id=found.id,
        dimension=found.dimension,
        value=found.value,
        label=found.label,
        cases=found.cases,
        opened_at=found.opened_at,
        last_at=found.last_at,
    )


def _clocks(case: Case, team: Team, now: datetime) -> tuple[ToldClock, ...]:
    return tuple(
        ToldClock(
            stage=each.stage,
            due_at=each.due_at,
            warn_at=each.warn_at,
            overdue=each.due_at < now,
            escalated=each.stage in case.escalated,
        )
        for each in deadlines(case, team)
    )
