"""From one turn of a conversation to everything that must be written with it, the case included. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import assert_never

import msgspec

from bot.config import Settings
from bot.conversations.answers import Answer, Chosen, Scored, Skipped, Worded
from bot.conversations.conversation import Conversation
from bot.conversations.events import (
    Answered,
    Asked,
    Completed,
    Event,
    Expired,
    Resumed,
    Retracted,
    Said,
    Stopped,
    TappedStale,
    Turn,
)
from bot.conversations.flow import PinnedFlow
from bot.conversations.prompts import Wording, score_label, word
from bot.conversations.questions import Rating
from bot.followup import cases
from bot.followup.alerts import alert_outbound
from bot.followup.cases import Case
from bot.ids import CaseId, Ids
from bot.messages import Address
from bot.ports import (
    CaseNote,
    CountScore,
    DropAnswer,
    DropDue,
    Due,
    KeepWords,
    NoteCase,
    PutDue,
    Queue,
    RecordStaleTap,
    SaveAnswer,
    SaveCase,
    SaveConversation,
    Words,
    Write,
)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision is given beside the facts: the settings in force, the time, and a source of new ids."""

    settings: Settings
    now: datetime
    ids: Ids

    def desk(self) -> Address | None:
        """Where alerts go."""
        followup = self.settings.followup
        return None if followup is None else Address(channel=followup.channel, key=followup.room)


def record(
    turn: Turn, before: Conversation | None, case: Case | None, flow: PinnedFlow, moment: Moment
) -> tuple[Write, ...]:
    """All writes of one turn. ``before`` is the conversation as read (None: it is new), ``case`` its case."""
    conversation = turn.conversation
    writes: list[Write] = []
    if conversation is not before:
        was_turn = None if before is None else before.turn
        writes.append(SaveConversation(conversation=conversation, flow_id=flow.flow.id, was_turn=was_turn))
    for event in turn.events:
        writes += _record_event(event, conversation, flow, moment)
    wording = Wording(company=moment.settings.company)
    for prompt in turn.prompts:
        writes.append(Queue(outbound=word(prompt, conversation, flow.flow, wording), at=moment.now))
    writes += _record_case(turn, case, flow, moment)
    return tuple(writes)


def _record_event(event: Event, conversation: Conversation, flow: PinnedFlow, moment: Moment) -> Iterable[Write]:
    match event:
        case Answered(question=question, answer=answer, before=before):
            yield _save_answer(question, answer, conversation, flow)
            if before is not None:
                yield from _count(question, before, -1, conversation, flow)
            yield from _count(question, answer, 1, conversation, flow)
        case Retracted(question=question, before=before):
            yield DropAnswer(conversation=conversation.id, question=question)
            yield from _count(question, before, -1, conversation, flow)
        case Said():
            yield KeepWords(words=_words(event, conversation, moment.now))
        case TappedStale(turn=turn, value=value):
            yield RecordStaleTap(conversation=conversation.id, turn=turn, value=value, at=moment.now)
        case Resumed():
            # The first expiry may have come and gone while the survey was complete.
            yield PutDue(due=expiry(conversation, moment))
        case Asked() | Completed() | Stopped() | Expired():
            return
        case _:
            assert_never(event)


def expiry(conversation: Conversation, moment: Moment) -> Due:
    """When to look whether a conversation has ended by silence; whoever looks then may put it off."""
    asking = moment.settings.asking
    due_at = moment.now + min(asking.expire_invitation, asking.expire_idle)
    return Due(key=f"expire:{conversation.id}", kind="expire", ref=conversation.id, due_at=due_at)


def _words(said: Said, conversation: Conversation, at: datetime) -> Words:
    return Words(
        id=said.words,
        customer=conversation.customer,
        conversation=conversation.id,
        question=said.question,
        text=said.text,
        at=at,
    )


def _save_answer(question: str, answer: Answer, conversation: Conversation, flow: PinnedFlow) -> SaveAnswer:
    value = answer.value
    return SaveAnswer(
        conversation=conversation.id,
        question=question,
        flow_id=flow.flow.id,
        structure=flow.structure,
        customer=conversation.customer,
        at=answer.at,
        score=value.score if isinstance(value, Scored) else None,
        options=value.options if isinstance(value, Chosen) else (),
        words=value.words if isinstance(value, Worded) else None,
        skipped=isinstance(value, Skipped),
    )


def _count(question: str, answer: Answer, n: int, conversation: Conversation, flow: PinnedFlow) -> Iterable[CountScore]:
    asked = flow.flow.question(question)
    if not isinstance(asked, Rating):
        return
    yield CountScore(
        flow_id=flow.flow.id,
        structure=flow.structure,
        question=question,
        scale=asked.scale,
        score=answer.value.score if isinstance(answer.value, Scored) else None,
        at=answer.at,
        n=n,
        dimensions=dimensions_of(conversation),
    )


#: what of an interaction reports may be grouped by
_GROUPING = ("agent", "team", "tag")
#: characters of a dimension's value that tell it apart: it is part of a key, and databases bound those
LONGEST_VALUE = 200


def dimensions_of(conversation: Conversation) -> Mapping[str, str]:
    """The dimensions that an answer of this conversation is counted under; none of them may change later."""
    found = {"all": "", "channel": str(conversation.address.channel), "language": conversation.locale}
    named = {name: conversation.attributes.get(name, "")[:LONGEST_VALUE].strip() for name in _GROUPING}
    found |= {name: value for name, value in named.items() if value}
    return found


# ---- the case -------------------------------------------------------------------------------------------


def _record_case(turn: Turn, case: Case | None, flow: PinnedFlow, moment: Moment) -> Iterable[Write]:
    """Open, correct or withdraw the case, and put its alert (or an edit of it) on its way, at most once a turn."""
    was_revision = None if case is None else case.revision
    notes: list[CaseNote] = []
    if case is None:
        case = _open_case(turn, flow, moment)
        if case is None:
            return
        notes.append(CaseNote(case=case.id, what="opened", who=None, at=moment.now))
    else:
        case = _rescored(turn, case, flow, moment, notes)
    if any(isinstance(event, Said) for event in turn.events):
        notes.append(CaseNote(case=case.id, what="commented", who=None, at=moment.now))
    reasons = any(_is_reason(event) for event in turn.events)
    if not notes and not reasons:
        return
    yield from settle_case(case, was_revision, tuple(notes), moment)


def settle_case(case: Case, was_revision: int | None, notes: tuple[CaseNote, ...], moment: Moment) -> Iterable[Write]:
    """Write a changed case with its history, and bring its alert up to date.

    The alert is held until the first words or the end of the hold; from then on every change edits it.
    """
    what = {note.what for note in notes}
    desk = case.desk
    if desk is not None and not case.alerted:
        if case.state != "withdrawn" and "commented" in what:
            case = cases.alerted(case)
            yield Queue(outbound=alert_outbound(case, desk, "post"), at=moment.now)
            yield DropDue(key=f"alert:{case.id}")
        elif case.state == "withdrawn":
            yield DropDue(key=f"alert:{case.id}")
        elif what & {"opened", "reopened"}:
            hold = moment.settings.followup.hold if moment.settings.followup else None
            if hold is not None:
                due_at = moment.now + hold
                yield PutDue(due=Due(key=f"alert:{case.id}", kind="alert", ref=case.id, due_at=due_at))
    elif desk is not None:
        yield Queue(outbound=alert_outbound(case, desk, "edit"), at=moment.now)
    if was_revision is None or case.revision != was_revision:
        yield SaveCase(case=case, was_revision=was_revision)
    for note in notes:
        yield NoteCase(note=note)


def _open_case(turn: Turn, flow: PinnedFlow, moment: Moment) -> Case | None:
    rating = flow.flow.score_question()
    score = _new_score(turn, rating)
    if rating is None or score is None or not cases.is_unhappy(flow.flow, rating, score):
        return None
    conversation = turn.conversation
    return Case(
        id=CaseId(moment.ids()),
        conversation=conversation.id,
        customer=conversation.customer,
        address=conversation.address,
        flow=flow.flow.id,
        question=rating.id,
        score=score,
        desk=moment.desk(),
        opened_at=moment.now,
    )


def _rescored(turn: Turn, case: Case, flow: PinnedFlow, moment: Moment, notes: list[CaseNote]) -> Case:
    rating = flow.flow.score_question()
    if rating is None or not any(_is_about(event, rating) for event in turn.events):
        return case
    score = _new_score(turn, rating)
    unhappy = score is not None and cases.is_unhappy(flow.flow, rating, score)
    changed, change = cases.rescore(case, score, unhappy=unhappy)
    if change is not None:
        if case.score != changed.score:
            # both labels, so that the history reads the same whatever becomes of the flow
            detail = f"{score_label(rating, case.score)}>{score_label(rating, changed.score)}"
            notes.append(CaseNote(case=case.id, what="corrected", who=None, detail=detail, at=moment.now))
        if change in ("withdrawn", "reopened"):
            notes.append(CaseNote(case=case.id, what=change, who=None, at=moment.now))
    return changed


def _new_score(turn: Turn, rating: Rating | None) -> int | None:
    for event in turn.events:
        if rating is not None and isinstance(event, Answered) and event.question == rating.id:
            return event.answer.value.score if isinstance(event.answer.value, Scored) else None
    return None


def _is_about(event: Event, rating: Rating) -> bool:
    return isinstance(event, Answered | Retracted) and event.question == rating.id


def _is_reason(event: Event) -> bool:
    """Whether an event changes the choices that the alert shows; a question skipped shows nothing."""
    if isinstance(event, Answered) and isinstance(event.answer.value, Chosen):
        return True
    before = event.before if isinstance(event, Answered | Retracted) else None
    return before is not None and isinstance(before.value, Chosen)
