"""From one turn of a conversation to everything that must be written with it, the case included. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import assert_never

from bot.config import SlackSettings, TelegramSettings
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
)
from bot.conversations.flow import PinnedFlow
from bot.conversations.prompts import Wording, word
from bot.conversations.questions import Rating
from bot.intake.moment import Moment
from bot.intake.opening import Step, case_writes
from bot.intake.panel import memberships
from bot.intake.remarks import Heard
from bot.ports import (
    CountScore,
    DropAnswer,
    Due,
    KeepWords,
    PutDue,
    Queue,
    RecordStaleTap,
    SaveAnswer,
    SaveConversation,
    Words,
    Write,
)


def record(step: Step, moment: Moment) -> tuple[Write, ...]:
    """All writes of one turn."""
    turn, before, flow = step.turn, step.facts.conversation, step.flow
    conversation = turn.conversation
    writes: list[Write] = []
    if conversation is not before:
        was_turn = None if before is None else before.turn
        writes.append(SaveConversation(conversation=conversation, flow_id=flow.flow.id, was_turn=was_turn))
    for event in turn.events:
        writes += _record_event(event, step, moment)
    writes += memberships(step, moment)
    asking = moment.settings.asking
    wording = Wording(
        company=moment.settings.company,
        decline=asking.decline_buttons,
        languages=asking.language_button,
        files=_takes_files(conversation, moment),
    )
    for prompt in turn.prompts:
        writes.append(Queue(outbound=word(prompt, conversation, flow.flow, wording), at=moment.now))
    said = [write.words for write in writes if isinstance(write, KeepWords)]
    return (*writes, *case_writes(step, said, moment))


def _takes_files(conversation: Conversation, moment: Moment) -> bool:
    """Whether what the customer sends there reaches agents as a file."""
    at = conversation.address.channel
    return any(
        isinstance(each, TelegramSettings | SlackSettings) and each.name == at for each in moment.settings.channels
    )


def _record_event(event: Event, step: Step, moment: Moment) -> Iterable[Write]:
    conversation, flow = step.turn.conversation, step.flow
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
            yield KeepWords(words=_words(event, conversation, step.heard, moment.now))
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


def reminder(conversation: Conversation, moment: Moment) -> Due | None:
    """When to ask once more what nobody answered; None: never, or what the customer asked for themselves."""
    asking = moment.settings.asking
    if asking.reminder is None or not conversation.invited or asking.reminder >= asking.expire_invitation:
        return None
    due_at = conversation.started_at + asking.reminder
    return Due(key=f"remind:{conversation.id}", kind="remind", ref=conversation.id, due_at=due_at)


def _words(said: Said, conversation: Conversation, heard: Heard | None, at: datetime) -> Words:
    attachments = () if heard is None else heard.attachments
    return Words(
        id=said.words,
        customer=conversation.customer,
        conversation=conversation.id,
        question=said.question,
        text=said.text,
        at=at,
        attachments=attachments,
        source=heard.source if heard is not None and attachments else None,
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
        dimensions=dimensions_of(conversation, answer.locale),
    )


#: what of an interaction reports may be grouped by
_GROUPING = ("agent", "team", "tag")
#: characters of a dimension's value that tell it apart: it is part of a key, and databases bound those
LONGEST_VALUE = 200


def dimensions_of(conversation: Conversation, locale: str = "") -> Mapping[str, str]:
    """The dimensions that an answer of this conversation is counted under; none of them may change later.

    ``locale`` is the language that it was given in, where the conversation has gone on in another one since.
    """
    found = {"all": "", "channel": str(conversation.address.channel), "language": locale or conversation.locale}
    named = {name: conversation.attributes.get(name, "")[:LONGEST_VALUE].strip() for name in _GROUPING}
    found |= {name: value for name, value in named.items() if value}
    return found
