"""The messages that tell the team: the alert of a case, that of an incident, and remarks in their threads. Pure.

Texts are plain, and at most as long as a reader needs; escaping is the channels'. Nothing here changes as time passes:
an alert stands in its room as it was drawn until something edits it, so it names times of day.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import assert_never
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from bot.conversations.answers import Chosen
from bot.conversations.conversation import Conversation
from bot.conversations.flow import Flow
from bot.conversations.presets import REASONS
from bot.conversations.prompts import answer_label, fill, score_label
from bot.conversations.questions import (
    Choice,
    Choices,
    Consent,
    PanelInvitation,
    Rating,
    ScaleName,
    in_locale,
    questions_named,
    tag_of,
)
from bot.followup.cases import CLOSED, WORKING, Case, CaseNote, is_snoozed
from bot.followup.clocks import Deadline, Team, deadlines
from bot.followup.history import cut, history_line, lasted
from bot.followup.incidents import Incident
from bot.followup.spoken import written
from bot.followup.templates import Cause, causes_or_default
from bot.ids import CaseId, IncidentId
from bot.languages.formats import day, moment, number
from bot.languages.voice import Voice
from bot.messages import (
    Alert,
    AlertItem,
    AlertMenu,
    AlertOf,
    Button,
    CaseToken,
    Fact,
    IncidentOf,
    Link,
    Outbound,
    OutboundKind,
    Quote,
    Remark,
    format_token,
    in_group,
)

CLAIM, RELEASE, REPLY, RESOLVE, ASSIGN, REOPEN = "claim", "release", "reply", "resolve", "assign", "reopen"
SNOOZE_HOUR, SNOOZE_MORNING, SNOOZE_CUSTOM = "snooze:1h", "snooze:morning", "snooze:custom"
#: a line of history longer than this tells an agent nothing more
HISTORY_LINES = 8
LONGEST_QUOTE, LONGEST_FACT, LONGEST_WHO, LONGEST_ITEM = 1_500, 500, 80, 140
#: attributes of the interaction that are shown, in the order that they were reported in
ATTRIBUTES = 12
#: characters of what somebody was asked to agree to
LONGEST_CONSENT = 160
_NAMED = {"agent", "order", "reference", "product", "tag", "team"}
#: attributes that hold the address of the interaction's ticket, where they hold one
_TICKET = ("link", "url")


class PastRating(msgspec.Struct, frozen=True, kw_only=True):
    """A rating that the customer gave before."""

    scale: ScaleName
    score: int
    at: datetime


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the alert of a case is made from; ``scores`` newest first, ``notes`` oldest first."""

    case: Case
    flow: Flow
    conversation: Conversation
    customer_name: str | None
    #: the language that the customer writes, and how sure that is, in per cent
    writes: tuple[str, int] | None = None
    words: Sequence[Quote]
    notes: Sequence[CaseNote]
    scores: Sequence[PastRating] = ()
    incident: Incident | None = None


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """For whom an alert is drawn, and when: the agents' language, the case's team, the causes that they choose from."""

    voice: Voice
    team: Team
    now: datetime
    #: without a slash at its end; empty: there is no page to open
    public_url: str = ""
    causes: Sequence[Cause] = ()


class FoldedSubject(msgspec.Struct, frozen=True, kw_only=True):
    """One case of an incident, as its alert lists it; ``words`` are the customer's newest, if any."""

    case: Case
    flow: Flow
    customer_name: str | None
    words: str = ""


# ---- messages on their way ---------------------------------------------------------------------------------------


def case_lane(case: CaseId) -> str:
    return f"case:{case}"


def alert_slot(case: CaseId) -> str:
    return f"alert:{case}"


def incident_slot(incident: IncidentId) -> str:
    return f"incident:{incident}"


def alert_outbound(case: Case, kind: OutboundKind) -> Outbound:
    """The message that posts or edits a case's alert; what it shows is filled in when it is sent.

    Raises ValueError for a case that no desk is told of.
    """
    if case.desk is None:
        raise ValueError(f"case {case.id} has no desk")
    return Outbound(
        kind=kind, to=case.desk, lane=case_lane(case.id), slot=alert_slot(case.id), content=AlertOf(case=case.id)
    )


def incident_outbound(incident: Incident, kind: OutboundKind) -> Outbound:
    """The message that posts or edits an incident's alert; what it shows is filled in when it is sent."""
    slot = incident_slot(incident.id)
    return Outbound(kind=kind, to=incident.desk, lane=slot, slot=slot, content=IncidentOf(incident=incident.id))


def remark_outbound(case: Case, slot: str, remark: Remark) -> Outbound:
    """Something said in the thread of a case's alert; a person's words are a relay.

    Raises ValueError for a case that no desk is told of.
    """
    if case.desk is None:
        raise ValueError(f"case {case.id} has no desk")
    return Outbound(
        kind="relay" if remark.author else "post",
        to=case.desk,
        lane=case_lane(case.id),
        slot=slot,
        content=remark,
        thread=alert_slot(case.id),
    )


def incident_remark_outbound(incident: Incident, slot: str, remark: Remark) -> Outbound:
    """Something said in the thread of an incident's alert."""
    lane = incident_slot(incident.id)
    return Outbound(kind="post", to=incident.desk, lane=lane, slot=slot, content=remark, thread=lane)


# ---- the alert of a case -----------------------------------------------------------------------------------------


def draw_alert(subject: Subject, desk: Desk) -> Alert:
    """The alert in the agents' language, ready for a channel to draw."""
    case, flow, voice = subject.case, subject.flow, desk.voice
    who = who_of(subject.customer_name, voice)
    title = cut(in_locale(flow.title, voice.locale, flow.locale), LONGEST_WHO)
    quotes = _quotes(subject)
    facts = (
        Fact(label=voice.say("desk.who"), text=who),
        *_score(case, flow, voice, _zone(desk)),
        Fact(label=voice.say("desk.flow"), text=title),
        Fact(label=voice.say("desk.channel"), text=_where(case, subject.conversation.locale, voice)),
        *_writes(subject.writes, voice),
        *_standing(case, desk),
        *_clock(case, desk),
        *_told_by_customer(subject, desk, has_words=bool(subject.words)),
        *_attributes(subject.conversation.attributes, voice),
        *_closing(subject, desk),
    )
    return Alert(
        case=case.id,
        summary=summary_of(case, flow, who, title, voice),
        facts=tuple(Fact(label=fact.label, text=cut(fact.text, LONGEST_FACT)) for fact in facts),
        quotes=quotes,
        history=tuple(history_line(note, voice, _zone(desk)) for note in subject.notes[-HISTORY_LINES:]),
        buttons=_buttons(case, voice),
        menus=_menus(case, voice),
        links=_links(subject, desk),
        mentions=(case.group,) if case.group else (),
        closed=case.state in CLOSED,
    )


def who_of(name: str | None, voice: Voice) -> str:
    """A customer's name, or what we call somebody who has none."""
    return cut(" ".join((name or "").split()), LONGEST_WHO) or voice.say("desk.someone")


def summary_of(case: Case, flow: Flow, who: str, title: str, voice: Voice) -> str:
    """What a case is about, in one line."""
    if case.why == "human" or case.score is None:
        return voice.say("desk.summary.human", who=who, flow=title)
    return voice.say("desk.summary", who=who, score=score_of(case, flow, voice), flow=title)


def _score(case: Case, flow: Flow, voice: Voice, zone: str) -> list[Fact]:
    """The score, if one was given, and whether the customer asked for a person."""
    facts = []
    if case.score is not None:
        facts.append(Fact(label=voice.say("desk.score"), text=score_of(case, flow, voice)))
    if case.wanted_at is not None:
        facts.append(Fact(label=voice.say("desk.wants_human"), text=moment(case.wanted_at, zone, voice.locale)))
    return facts


def score_of(case: Case, flow: Flow | None, voice: Voice) -> str:
    """The score of a case on its scale: "😞 1/5", or that there is none; without the flow the bare number."""
    if case.score is None:
        return voice.say("desk.no_score")
    rating = None if flow is None else flow.question(case.question)
    return score_label(rating, case.score) if isinstance(rating, Rating) else str(case.score)


def status_of(case: Case, voice: Voice, time_zone: str, now: datetime) -> str:
    """How a case stands: its state, whose it is, and until when it is snoozed."""
    parts = [_state(case, voice)]
    if case.owner is None and case.state in WORKING and case.state != "open":
        parts.append(voice.say("desk.status.free"))
    elif case.owner is not None and case.state != "claimed":
        parts.append(cut(case.owner_name or "", LONGEST_WHO))
    if case.snoozed_until is not None and is_snoozed(case, now):
        parts.append(voice.say("desk.status.snoozed", at=moment(case.snoozed_until, time_zone, voice.locale)))
    return " · ".join(part for part in parts if part)


def _where(case: Case, speaks: str, voice: Voice) -> str:
    """The channel and the customer's language, and whether others will read what is answered."""
    shared = [voice.say("desk.group")] if in_group(case.address) else []
    return " · ".join([case.address.channel, speaks, *shared])


def _writes(told: tuple[str, int] | None, voice: Voice) -> list[Fact]:
    return [Fact(label=voice.say("page.language"), text=written(*told, voice))] if told else []


def _state(case: Case, voice: Voice) -> str:
    if case.state == "claimed":
        return voice.say("desk.status.claimed", agent=cut(case.owner_name or "", LONGEST_WHO))
    return voice.say(f"state.{case.state}")


def _quotes(subject: Subject) -> tuple[Quote, ...]:
    """What the customer said before an agent spoke, and whatever of their words stands nowhere in the thread."""
    spoke = subject.case.first_word_at
    words = [each for each in subject.words if not each.in_thread or spoke is None or each.at < spoke]
    return tuple(replace(each, text=cut(each.text, LONGEST_QUOTE)) for each in sorted(words, key=attrgetter("at")))


def _standing(case: Case, desk: Desk) -> list[Fact]:
    voice = desk.voice
    facts = [Fact(label=voice.say("desk.status"), text=status_of(case, voice, _zone(desk), desk.now))]
    if case.priority != "normal":
        facts.append(Fact(label=voice.say("desk.priority"), text=voice.say(f"priority.{case.priority}")))
    if case.rule:
        facts.append(Fact(label=voice.say("desk.rule"), text=case.rule))
    return facts


def _clock(case: Case, desk: Desk) -> list[Fact]:
    """By when what is still to do is due, and how long took what was done."""
    voice, facts = desk.voice, []
    running = {deadline.stage: deadline for deadline in deadlines(case, desk.team)}
    if case.first_word_at is not None and "first_word" not in running:
        took = lasted(case.first_word_at - case.opened_at, voice)
        facts.append(Fact(label=voice.say("desk.first_word"), text=voice.say("clock.took", duration=took)))
    elif deadline := running.get("first_word"):
        facts.append(Fact(label=voice.say("desk.first_word"), text=_due(deadline, desk)))
    if deadline := running.get("resolved"):
        facts.append(Fact(label=voice.say("desk.resolution"), text=_due(deadline, desk)))
    elif case.first_resolved_at is not None:
        took = lasted(case.first_resolved_at - case.opened_at, voice)
        facts.append(Fact(label=voice.say("desk.resolution"), text=voice.say("clock.took", duration=took)))
    return facts


def _due(deadline: Deadline, desk: Desk) -> str:
    key = "clock.overdue" if deadline.due_at <= desk.now else "clock.due"
    return desk.voice.say(key, at=moment(deadline.due_at, _zone(desk), desk.voice.locale))


def _told_by_customer(subject: Subject, desk: Desk, *, has_words: bool) -> list[Fact]:
    voice, zone = desk.voice, ZoneInfo(_zone(desk))
    facts = _chosen(subject, voice)
    facts += [Fact(label=voice.say("desk.question"), text=agreed) for agreed in _agreed(subject, voice)]
    if not has_words:
        facts.append(Fact(label=voice.say("desk.words"), text=voice.say("desk.no_words")))
    if subject.scores:
        earlier = (f"{_past(each)} ({day(each.at.astimezone(zone), voice.locale)})" for each in subject.scores[:3])
        facts.append(Fact(label=voice.say("desk.scores"), text=", ".join(earlier)))
    return facts


def _past(past: PastRating) -> str:
    return score_label(Rating(id="", text={}, scale=past.scale), past.score)


def _chosen(subject: Subject, voice: Voice) -> list[Fact]:
    """The choices that the customer made, in the agents' language: reasons of the score, and what else was asked."""
    facts = []
    for question in subject.flow.questions:
        answer = subject.conversation.answers.get(question.id)
        if isinstance(question, Choice | Choices) and answer is not None and isinstance(answer.value, Chosen):
            label = voice.say("desk.reason")
            if not _is_reason(question, subject.flow):
                label = cut(in_locale(question.text, voice.locale, subject.flow.locale), LONGEST_WHO) or label
            facts.append(Fact(label=label, text=answer_label(question, answer, subject.flow, voice.locale)))
    return facts


def _is_reason(question: Choice | Choices, flow: Flow) -> bool:
    """Whether a choice explains a score: it is asked by the score, or offers the standard reasons."""
    if question.by_band is not None or all(option.id in REASONS for option in question.options):
        return True
    named = frozenset[str]() if question.when is None else questions_named(question.when)
    return any(isinstance(flow.question(id), Rating) for id in named)


def _agreed(subject: Subject, voice: Voice) -> list[str]:
    """What the customer was asked to agree to, and what they said."""
    found = []
    for question in subject.flow.questions:
        answer = subject.conversation.answers.get(question.id)
        if isinstance(question, Consent | PanelInvitation) and answer is not None:
            tag = tag_of(question.text, voice.locale, subject.flow.locale)
            text = fill(question.text.get(tag, ""), subject.conversation.attributes, tag)
            label = answer_label(question, answer, subject.flow, voice.locale)
            found.append(f"{cut(text, LONGEST_CONSENT)} → {label}")
    return found


def _attributes(attributes: Mapping[str, str], voice: Voice) -> list[Fact]:
    shown = [(name, value) for name, value in attributes.items() if value.strip() and not _ticket(name, value)]
    return [Fact(label=_label(name, voice), text=value) for name, value in shown[:ATTRIBUTES]]


def _label(name: str, voice: Voice) -> str:
    known = voice.say(f"desk.{name}") if name in _NAMED else name.replace("_", " ").capitalize()
    return cut(known, LONGEST_WHO)


def _closing(subject: Subject, desk: Desk) -> list[Fact]:
    """The incident that the case is part of, and what came of it."""
    case, voice, facts = subject.case, desk.voice, []
    if subject.incident is not None:
        title = f"{cut(subject.incident.label, LONGEST_WHO)} ({number(subject.incident.cases, voice.locale)})"
        facts.append(Fact(label=voice.say("desk.incident"), text=title))
    if case.cause:
        titles = {cause.id: cause.title for cause in causes_or_default(desk.causes, voice)}
        facts.append(Fact(label=voice.say("desk.cause"), text=titles.get(case.cause, case.cause)))
    if case.action:
        facts.append(Fact(label=voice.say("desk.action"), text=case.action))
    return facts


# ---- what can be pressed -----------------------------------------------------------------------------------------


def _button(case: Case, action: str, label: str) -> Button:
    return Button(label=label, token=format_token(CaseToken(case=case.id, action=action)))


def _buttons(case: Case, voice: Voice) -> tuple[Button, ...]:
    reply = _button(case, REPLY, voice.say("desk.reply"))
    match case.state:
        case "open" | "claimed" | "contacted" | "reopened":
            action = CLAIM if case.owner is None else RELEASE
            first = _button(case, action, voice.say(f"desk.{action}"))
            return first, reply, _button(case, RESOLVE, voice.say("desk.resolve"))
        case "resolved":
            return reply, _button(case, REOPEN, voice.say("desk.reopen"))
        case "withdrawn":
            return reply, _button(case, REOPEN, voice.say("desk.reopen"))
        case "recovered" | "unconfirmed":
            return (_button(case, REOPEN, voice.say("desk.reopen")),)
        case _:
            assert_never(case.state)


def _menus(case: Case, voice: Voice) -> tuple[AlertMenu, ...]:
    if case.state not in WORKING:
        return ()
    times = (
        _button(case, SNOOZE_HOUR, voice.say("desk.snooze.hour")),
        _button(case, SNOOZE_MORNING, voice.say("desk.snooze.morning")),
        _button(case, SNOOZE_CUSTOM, voice.say("desk.snooze.custom")),
    )
    assign = format_token(CaseToken(case=case.id, action=ASSIGN))
    return (
        AlertMenu(label=voice.say("desk.snooze"), options=times),
        AlertMenu(label=voice.say("desk.assign"), people=True, token=assign),
    )


def _links(subject: Subject, desk: Desk) -> tuple[Link, ...]:
    attributes, links = subject.conversation.attributes, []
    ticket = next((attributes[name] for name in _TICKET if _ticket(name, attributes.get(name, ""))), None)
    if ticket is not None:
        links.append(Link(label=desk.voice.say("desk.ticket"), url=ticket.strip()))
    if desk.public_url:
        links.append(Link(label=desk.voice.say("desk.dashboard"), url=f"{desk.public_url}/cases/{subject.case.id}"))
    return tuple(links)


def _ticket(name: str, value: str) -> bool:
    """Whether an attribute is the address of a ticket: http or https, and a host."""
    if name not in _TICKET or any(character.isspace() for character in value.strip()):
        return False
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


# ---- the alert of an incident ------------------------------------------------------------------------------------


def draw_incident(incident: Incident, cases: Sequence[FoldedSubject], desk: Desk) -> Alert:
    """The alert of an incident with its newest cases, newest first; who has none yet is offered its button."""
    voice, zone = desk.voice, _zone(desk)
    links = (Link(label=voice.say("desk.dashboard"), url=f"{desk.public_url}/cases"),) if desk.public_url else ()
    groups = dict.fromkeys(each.case.group for each in cases if each.case.group)
    return Alert(
        summary=_incident_title(incident, voice),
        facts=(
            Fact(label=voice.say(f"incident.{incident.dimension}"), text=cut(incident.label, LONGEST_FACT)),
            Fact(label=voice.say("incident.cases"), text=number(incident.cases, voice.locale)),
            Fact(label=voice.say("incident.since"), text=moment(incident.opened_at, zone, voice.locale)),
            Fact(label=voice.say("incident.last"), text=moment(incident.last_at, zone, voice.locale)),
        ),
        quotes=(),
        history=(),
        items=tuple(_item(each, desk) for each in cases),
        links=links,
        mentions=tuple(groups),
    )


def _incident_title(incident: Incident, voice: Voice) -> str:
    return voice.say("incident.summary", label=cut(incident.label, LONGEST_WHO), n=incident.cases)


def _item(folded: FoldedSubject, desk: Desk) -> AlertItem:
    case, voice = folded.case, desk.voice
    parts = [score_of(case, folded.flow, voice), who_of(folded.customer_name, voice)]
    if words := " ".join(folded.words.split()):
        parts.append(f"“{cut(words, LONGEST_ITEM)}”")
    free = case.owner is None and case.state in WORKING
    if not free:
        parts.append(status_of(case, voice, _zone(desk), desk.now))
    button = _button(case, CLAIM, voice.say("desk.claim")) if free else None
    return AlertItem(text=" · ".join(parts), button=button)


def _zone(desk: Desk) -> str:
    return desk.team.hours.time_zone
