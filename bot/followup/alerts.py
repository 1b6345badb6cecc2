"""What the alert of a case shows, worked out from the case as it is now. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, assert_never

import msgspec

from bot.conversations.answers import Chosen, Worded
from bot.conversations.conversation import Conversation
from bot.conversations.flow import Flow
from bot.conversations.prompts import answer_label, score_label
from bot.conversations.questions import Choice, Choices, Rating, in_locale
from bot.followup.cases import Case
from bot.ids import CaseId, WordsId
from bot.languages import say
from bot.messages import Address, Alert, AlertOf, Button, CaseToken, Fact, Outbound, OutboundKind, Quote, format_token

CLAIM = "claim"
#: a line of history longer than this tells an agent nothing more
HISTORY_LINES = 8

NoteKind = Literal["opened", "corrected", "commented", "claimed", "withdrawn", "reopened"]


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a case's history."""

    what: NoteKind
    who: str | None
    detail: str
    at: datetime


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Words of the customer with their id."""

    id: WordsId
    text: str
    at: datetime


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the alert of a case is made from."""

    case: Case
    flow: Flow
    conversation: Conversation
    customer_name: str | None
    words: Sequence[Said]
    notes: Sequence[Note]


def case_lane(case: CaseId) -> str:
    return f"case:{case}"


def alert_outbound(case: Case, desk: Address, kind: OutboundKind) -> Outbound:
    """The message that posts or edits a case's alert; what it shows is filled in when it is sent."""
    return Outbound(kind=kind, to=desk, lane=case_lane(case.id), slot=f"alert:{case.id}", content=AlertOf(case=case.id))


def draw_alert(subject: Subject, locale: str) -> Alert:
    """The alert in the agents' language, ready for a channel to draw."""
    case, flow = subject.case, subject.flow
    who = subject.customer_name or say(locale, "desk.someone")
    rating = flow.question(case.question)
    score = score_label(rating, case.score) if isinstance(rating, Rating) else str(case.score)
    title = in_locale(flow.title, locale, flow.locale)
    quotes = tuple(Quote(text=words.text, at=words.at) for words in _in_order(subject.words))
    buttons: tuple[Button, ...] = ()
    if case.state == "open":
        token = format_token(CaseToken(case=case.id, action=CLAIM))
        buttons = (Button(label=say(locale, "desk.claim"), token=token),)
    return Alert(
        case=case.id,
        summary=say(locale, "desk.summary", who=who, score=score, flow=title),
        facts=tuple(_facts(subject, locale, who, score, title, has_words=bool(quotes))),
        quotes=quotes,
        history=_history(subject.notes, locale),
        buttons=buttons,
        closed=case.state == "withdrawn",
    )


def _in_order(words: Sequence[Said]) -> list[Said]:
    return sorted(words, key=lambda each: (each.at, each.id))


def _facts(subject: Subject, locale: str, who: str, score: str, title: str, *, has_words: bool) -> list[Fact]:
    case, conversation = subject.case, subject.conversation
    facts = [
        Fact(label=say(locale, "desk.who"), text=who),
        Fact(label=say(locale, "desk.score"), text=score),
        Fact(label=say(locale, "desk.flow"), text=title),
        Fact(label=say(locale, "desk.channel"), text=f"{conversation.address.channel} · {conversation.locale}"),
        Fact(label=say(locale, "desk.status"), text=_status(case, locale)),
    ]
    facts += [Fact(label=say(locale, "desk.reason"), text=reason) for reason in _reasons(subject, locale)]
    facts += _attributes(conversation.attributes, locale)
    if not has_words:
        facts.append(Fact(label=say(locale, "desk.words"), text=say(locale, "desk.no_words")))
    return facts


def _status(case: Case, locale: str) -> str:
    match case.state:
        case "open":
            return say(locale, "desk.status.open")
        case "claimed":
            return say(locale, "desk.status.claimed", agent=case.owner_name or "")
        case "withdrawn":
            return say(locale, "desk.status.withdrawn")
        case _:
            assert_never(case.state)


def _reasons(subject: Subject, locale: str) -> list[str]:
    """The choices that the customer made, in the agents' language."""
    found = []
    for question in subject.flow.questions:
        answer = subject.conversation.answers.get(question.id)
        if isinstance(question, Choice | Choices) and answer is not None and isinstance(answer.value, Chosen):
            found.append(answer_label(question, answer, subject.flow, locale))
    return found


def _attributes(attributes: Mapping[str, str], locale: str) -> list[Fact]:
    known = {name: say(locale, f"desk.{name}") for name in ("agent", "order", "reference")}
    return [
        Fact(label=known.get(name, name.replace("_", " ").capitalize()), text=value)
        for name, value in attributes.items()
        if value
    ]


def _history(notes: Sequence[Note], locale: str) -> tuple[str, ...]:
    lines = [f"{note.at:%Y-%m-%d %H:%M} UTC · {_note(note, locale)}" for note in notes]
    return tuple(lines[-HISTORY_LINES:])


def _note(note: Note, locale: str) -> str:
    match note.what:
        case "opened" | "commented" | "withdrawn" | "reopened":
            return say(locale, f"desk.{note.what}")
        case "claimed":
            return say(locale, "desk.claimed", agent=note.who or "")
        case "corrected":
            old, _, new = note.detail.partition(">")
            return say(locale, "desk.corrected", old=old, new=new)
        case _:
            assert_never(note.what)


def words_of(conversation: Conversation) -> frozenset[WordsId]:
    """The ids of the words that are answers of the conversation as it is now."""
    return frozenset(answer.value.words for answer in conversation.answers.values() if isinstance(answer.value, Worded))
