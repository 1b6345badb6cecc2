"""What an accepted answer changes: the second half of the state machine whose first is in engine.py.

``accept`` takes a value for an open question, takes back what no longer fits, and ``go_on`` asks what comes next.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from bot.conversations.answers import Answer, Chosen, Value, Worded
from bot.conversations.asked import as_asked, fits, in_order, may_stand
from bot.conversations.conversation import Conversation
from bot.conversations.events import (
    Answered,
    Ask,
    Asked,
    Close,
    Completed,
    Event,
    Prompt,
    Resumed,
    Retracted,
    Said,
    Show,
    Thank,
    Turn,
    Typed,
    Unthank,
)
from bot.conversations.flow import Flow
from bot.conversations.questions import Contact, OpenText, Question
from bot.conversations.rules import may_decline, next_question

_V = TypeVar("_V")


def accept(
    conversation: Conversation,
    flow: Flow,
    question: Question,
    value: Value,
    at: datetime,
    *,
    comment: Typed | None = None,
) -> Turn:
    """Take a value for an open question, with the words beside it, and go on from there."""
    if isinstance(value, Chosen):
        # stored in the flow's order, whatever order its options were shown in
        value = Chosen(options=in_order(value.options, flow.question(question.id) or question))
    turn = _take(conversation, flow, question, value, at)
    if comment is not None:
        turn = _keep_comment(turn, flow, question, comment, at)
    return replace(go_on(turn, flow), notice="taken")


def _then(turn: Turn, conversation: Conversation, events: Iterable[Event] = (), prompts: Iterable[Prompt] = ()) -> Turn:
    """The turn with one change more, what happened with it and what it lets us say."""
    return replace(turn, conversation=conversation, events=(*turn.events, *events), prompts=(*turn.prompts, *prompts))


def _take(conversation: Conversation, flow: Flow, question: Question, value: Value, at: datetime) -> Turn:
    """The value counts, its question is closed, and everything that comes after it is decided again."""
    before = conversation.answers.get(question.id)
    turn = conversation.turn + 1
    closed = replace(
        conversation,
        turn=turn,
        asked=None if conversation.asked == question.id else conversation.asked,
        reopened=None if conversation.reopened == question.id else conversation.reopened,
        prompts={**conversation.prompts, question.id: turn},
        drafts=without(conversation.drafts, {question.id}),
        reasked=False,
        handed_back=False,
        touched_at=at,
    )
    # Words once said stay said. A message that had no button needs no edit: on most channels it would look the same.
    worded = isinstance(value, Worded)
    bare = worded and not question.optional and not may_decline(conversation)
    shown = () if bare else (Show(question=question.id, changeable=not worded),)
    taken = Turn(conversation=closed, prompts=shown)
    if before is not None and before.value == value:
        # The same value again is no correction: nothing is counted twice, the window does not start anew.
        return taken
    answer = Answer(value=value, turn=turn, at=at)
    answered = replace(closed, answers={**closed.answers, question.id: answer})
    pruned = _prune(_then(taken, answered, [Answered(question=question.id, answer=answer, before=before)]), flow)
    return _redraw(pruned, flow, conversation, question.id)


def _prune(turn: Turn, flow: Flow) -> Turn:
    """Take back, in the flow's order, every answer and open question that no longer fits."""
    conversation = turn.conversation
    kept: dict[str, Answer] = {}
    gone: list[str] = []
    for question in flow.questions:
        answer = conversation.answers.get(question.id)
        stands = answer is None or may_stand(question, answer, flow, kept, conversation)
        if not stands or not fits(question, flow, kept, conversation):
            gone.append(question.id)
        elif answer is not None:
            kept[question.id] = answer
    taken_back = [id for id in gone if id in conversation.answers]
    # A comment beside a rating may have answered a question that was never posted.
    posted = [id for id in gone if id in conversation.prompts]
    pruned = replace(
        conversation,
        answers=kept,
        asked=None if conversation.asked in gone else conversation.asked,
        reopened=None if conversation.reopened in gone else conversation.reopened,
        prompts=without(conversation.prompts, gone),
        drafts=without(conversation.drafts, gone),
    )
    return _then(
        turn,
        pruned,
        [Retracted(question=id, before=conversation.answers[id]) for id in taken_back],
        [Close(question=id, withdrawn=True) for id in posted],
    )


def _redraw(turn: Turn, flow: Flow, before: Conversation, answered: str) -> Turn:
    """The questions that wait, where the answer changes what they say or offer; their old buttons are past."""
    for id in (turn.conversation.reopened, turn.conversation.asked):
        question = flow.question(id) if id else None
        if question is not None and _reads_anew(question, flow, before, turn.conversation, answered):
            conversation = turn.conversation
            drafts = without(conversation.drafts, {id}) | _still_offered(question, flow, conversation)
            redrawn = made_now(replace(conversation, turn=conversation.turn + 1, drafts=drafts), question.id)
            turn = _then(turn, redrawn, prompts=[Show(question=question.id)])
    return turn


def _reads_anew(question: Question, flow: Flow, before: Conversation, after: Conversation, answered: str) -> bool:
    was, now = (as_asked(question, flow, each.answers, after) for each in (before, after))
    return was != now or any(f"{{{answered}" in text for text in now.text.values())


def _still_offered(question: Question, flow: Flow, conversation: Conversation) -> dict[str, tuple[str, ...]]:
    """What is ticked in a question, as far as it still offers that."""
    ticked = conversation.drafts.get(question.id, ())
    now = as_asked(question, flow, conversation.answers, conversation)
    kept = in_order(ticked, now)
    return {question.id: kept} if kept else {}


def _keep_comment(turn: Turn, flow: Flow, question: Question, typed: Typed, at: datetime) -> Turn:
    """Words beside a rating answer the flow's next open text, so that nobody is asked for what they just said.

    They leave the rating changeable: who reads a score out of a sentence may have read it wrong. Words by themselves
    end every correction: what they explain must not change under them.
    """
    if isinstance(question, Contact):
        # where somebody can be reached says nothing about their answers
        return _then(turn, turn.conversation, [Said(question=question.id, text=typed.text, words=typed.words)])
    if isinstance(question, OpenText):
        commented = replace(turn.conversation, commented=True)
        # Taking *Change* from the rating would be one message more for everybody, to spare a few a polite refusal.
        return _then(turn, commented, [Said(question=question.id, text=typed.text, words=typed.words)])
    conversation = turn.conversation
    target = _next_open_text(conversation, flow)
    said = Said(question=target.id if target else None, text=typed.text, words=typed.words)
    if target is None:
        return _then(turn, conversation, [said])
    answer = Answer(value=Worded(words=typed.words), turn=conversation.turn, at=at)
    was_asked = target.id == conversation.asked
    answered = replace(
        conversation,
        answers={**conversation.answers, target.id: answer},
        asked=None if was_asked else conversation.asked,
    )
    shows = [Show(question=target.id, changeable=False)] if was_asked else []
    return _then(turn, answered, [Answered(question=target.id, answer=answer), said], shows)


def _next_open_text(conversation: Conversation, flow: Flow) -> Question | None:
    for question in flow.questions:
        unanswered = isinstance(question, OpenText) and question.id not in conversation.answers
        if unanswered and fits(question, flow, conversation.answers, conversation):
            return question
    return None


def go_on(turn: Turn, flow: Flow, *, first: bool = False) -> Turn:
    """Ask the next question, or say thanks; where one is being asked already, neither.

    A survey is complete when all its questions have answers, even while one of these is being corrected.
    """
    conversation = turn.conversation
    if conversation.asked is not None:
        return turn
    question = next_question(flow, conversation)
    if question is None:
        return _complete(turn)
    resumed = conversation.status == "completed"
    asked = _ask(conversation, question)
    events: list[Event] = [Resumed()] if resumed else []
    unsaid: list[Prompt] = [Unthank()] if resumed else []
    return _then(
        turn,
        asked,
        [*events, Asked(question=question.id)],
        [*unsaid, Ask(question=question.id, first=first)],
    )


def _ask(conversation: Conversation, question: Question) -> Conversation:
    """Open a question, under a turn that no other question's buttons carry."""
    if conversation.turn in conversation.prompts.values():
        conversation = replace(conversation, turn=conversation.turn + 1)
    return made_now(replace(conversation, status="waiting", asked=question.id, reasked=False), question.id)


def _complete(turn: Turn) -> Turn:
    conversation = turn.conversation
    if conversation.status != "completed":
        # Also after a survey that was complete asked more: whoever answered that reads thanks below their words.
        return _then(turn, replace(conversation, status="completed"), [Completed()], [Thank()])
    changed = any(isinstance(event, Answered | Retracted) for event in turn.events)
    return _then(turn, conversation, prompts=[Thank(again=True)] if changed else [])


def without(mapping: Mapping[str, _V], gone: Collection[str | None]) -> dict[str, _V]:
    return {id: value for id, value in mapping.items() if id not in gone}


def made_now(conversation: Conversation, question: str) -> Conversation:
    """The question's buttons are those of this turn from now on."""
    return replace(conversation, prompts={**conversation.prompts, question: conversation.turn})
