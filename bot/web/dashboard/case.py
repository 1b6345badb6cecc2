"""What an agent sees of one case, and what they may do with it."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, assert_never
from zoneinfo import ZoneInfo

import msgspec

from bot.config import FollowUpSettings
from bot.followup.cases import CLOSED, WORKING, Case
from bot.followup.clocks import Team
from bot.followup.templates import (
    Template,
    TemplateKind,
    causes_or_default,
    fill,
    variables_of,
)
from bot.ids import CaseId
from bot.languages.voice import Voice
from bot.messages import Address, Assign, Claim, Deed, Relay, Release, Reopen, Resolve, Snooze
from bot.ports import CaseView, Said
from bot.web.dashboard.drawing import Words
from bot.web.dashboard.sessions import API_CHANNEL, Session, clean_name

DeedName = Literal["claim", "release", "assign", "reply", "snooze", "resolve", "reopen"]
DEEDS: tuple[DeedName, ...] = ("claim", "release", "assign", "reply", "snooze", "resolve", "reopen")
KINDS: tuple[TemplateKind, ...] = ("apology", "fix", "policy")
#: what is most likely wrong with a form whose field is not named
_FIELDS: Mapping[DeedName, str] = {"assign": "to", "reply": "text", "snooze": "until", "resolve": "action"}
_HOUR = timedelta(hours=1)


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a form: which field (empty: the whole), and the sentence that says so."""

    field: str
    text: str


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a form is read by: the settings, the case's team, and a case of each agent whose address is known."""

    followup: FollowUpSettings
    team: Team
    known: Sequence[Case] = ()


class ReadyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A template with its text for one customer."""

    id: str
    title: str
    text: str


def allowed(case: Case, session: Session) -> frozenset[DeedName]:
    """What this agent may do with a case as it is."""
    found: set[DeedName] = set()
    if case.state not in CLOSED:
        found |= {"assign", "reply"}
    elif case.state == "withdrawn" and case.alerted:
        # agents who were told of it may still say something kind
        found.add("reply")
    if case.state in WORKING:
        found |= {"snooze", "resolve"}
        if case.owner is None:
            found.add("claim")
        elif case.owner == session.address:
            found.add("release")
    else:
        found.add("reopen")
    return frozenset(found)


def ready_answers(
    view: CaseView, followup: FollowUpSettings, session: Session, company: str, voice: Voice
) -> Mapping[TemplateKind, tuple[ReadyAnswer, ...]]:
    """The templates by kind, filled in for the customer of a case in their language."""
    variables = variables_of(view.conversation, view.customer.name, session.name, company)
    templates = followup.ready_answers(voice)

    def filled(template: Template) -> ReadyAnswer:
        text = fill(template, view.case.locale, variables)
        return ReadyAnswer(id=template.id, title=template.title, text=text)

    return {
        kind: tuple(filled(each) for each in templates if each.kind == kind)
        for kind in KINDS
        if any(each.kind == kind for each in templates)
    }


def with_template(typed: str, answer: ReadyAnswer | None) -> str:
    """What stands in the text field once a ready answer was put into it; what was typed stays."""
    if answer is None or answer.text in typed:
        return typed
    return f"{typed.rstrip()}\n\n{answer.text}" if typed.strip() else answer.text


def read_deed(name: DeedName, form: Mapping[str, str], by: Reading, words: Words, now: datetime) -> Deed | Wrong:
    """What a form asks for."""
    match name:
        case "claim":
            return Claim()
        case "release":
            return Release()
        case "assign":
            return _assign(clean_name(form.get("to", "")), by.known, words)
        case "reply":
            return _relay(form, words)
        case "snooze":
            return _snooze(form, by.team, words, now)
        case "resolve":
            return _resolve(form, by.followup, words)
        case "reopen":
            return Reopen()
        case _:
            assert_never(name)


def _assign(name: str, known: Sequence[Case], words: Words) -> Deed | Wrong:
    if not name:
        return Wrong(field="to", text=words("told.empty"))
    for case in known:
        if case.owner is not None and (case.owner_name or "").casefold() == name.casefold():
            return Assign(to=case.owner, to_name=case.owner_name or name)
    return Assign(to=Address(channel=API_CHANNEL, key=name.casefold()), to_name=name)


def _relay(form: Mapping[str, str], words: Words) -> Deed | Wrong:
    text = form.get("text", "").strip()
    if not text:
        return Wrong(field="text", text=words("told.empty"))
    if text.startswith("//"):
        # in a thread these stay among the agents; whoever is used to that must not tell a customer by mistake
        return Wrong(field="text", text=words.page("internal"))
    return Relay(text=text, template=form.get("template", "")[:100])


def _snooze(form: Mapping[str, str], team: Team, words: Words, now: datetime) -> Deed | Wrong:
    match form.get("for", ""):
        case "hour":
            return Snooze(until=now + _HOUR)
        case "morning":
            return Snooze(until=None)
        case _:
            until = moment_of(form.get("until", ""), team.hours.time_zone)
            return Wrong(field="until", text=words.page("no_time")) if until is None else Snooze(until=until)


def _resolve(form: Mapping[str, str], followup: FollowUpSettings, words: Words) -> Deed | Wrong:
    cause, action = form.get("cause", ""), form.get("action", "").strip()
    if cause not in {each.id for each in causes_or_default(followup.causes, words.voice)}:
        return Wrong(field="cause", text=words("told.unknown_cause"))
    if not action:
        return Wrong(field="action", text=words("told.empty"))
    return Resolve(cause=cause, action=action)


def moment_of(text: str, time_zone: str) -> datetime | None:
    """The moment that a browser's date and time field means in a zone; None for what is none.

    >>> moment_of("2026-03-01T10:30", "Europe/Rome"), moment_of("soon", "UTC")
    (datetime.datetime(2026, 3, 1, 9, 30, tzinfo=datetime.timezone.utc), None)
    """
    try:
        read = datetime.fromisoformat(text)
        return None if read.tzinfo is not None else read.replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def event_of(session: Session, case: CaseId, name: DeedName, form: Mapping[str, str]) -> str:
    """The name of one sent form: the same however often it is sent, another one for another text or page."""
    said = sorted((field, value) for field, value in form.items() if field != "form")
    content = msgspec.json.encode([session.address.key, case, name, said])
    return f"page:{hashlib.sha256(content).hexdigest()[:32]}"


def wrong_of(said: Said, name: DeedName, words: Words) -> Wrong | None:
    """Why a deed was not done; None where it was, now or when the same form was sent before."""
    match said.kind:
        case "done" | "claimed" | "duplicate" | "nothing":
            return None
        case "already_claimed":
            return Wrong(field="", text=words("desk.already_claimed", agent=said.text))
        case "not_owner":
            return Wrong(field="", text=words("told.not_owner", agent=said.text))
        case "case_closed":
            return Wrong(field="", text=words("desk.case_closed"))
        case "already_resolved" | "no_case" | "unreachable":
            return Wrong(field="", text=words(f"told.{said.kind}"))
        case "kept_internal":
            return Wrong(field="text", text=words.page("internal"))
        case "in_the_past" | "empty" | "too_long":
            field = said.text or _FIELDS.get(name, "")
            return Wrong(field=field, text=words(f"told.{said.kind}"))
        case _:
            return Wrong(field="", text=words.page("refused_text"))
