"""The conversation's state machine: whatever changes a conversation's state is in this file.

``start`` begins, ``receive`` takes one reply, ``stop`` and ``expire`` end. Each returns a Turn: the new state, what
happened, and what to say. Nothing here reads a clock, sends or stores.

A question is *open* while its buttons may be tapped: the one being asked, and one whose answer is being corrected.
Its buttons carry the turn on which they were made; a tap with any other turn is stale and changes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

import msgspec
from msgspec.structs import replace

from bot.conversations.answers import Answer, Chosen, Scored, Skipped, Value, Worded
from bot.conversations.conversation import Conversation
from bot.conversations.events import (
    Answered,
    Ask,
    AskAgain,
    Asked,
    Close,
    Completed,
    Event,
    Expired,
    Notice,
    Prompt,
    Reply,
    Resumed,
    Retracted,
    Said,
    Show,
    Stopped,
    Tap,
    TappedStale,
    Thank,
    Turn,
    Typed,
)
from bot.conversations.flow import Flow
from bot.conversations.questions import Choice, Choices, OpenText, Question, Rating, holds, scale_of
from bot.conversations.typed import is_word, read_options, read_rating
from bot.languages import pack

#: Values of buttons that are no answers. Option ids cannot begin with "~", "+" or "-".
CHANGE, SKIP, DONE = "~change", "~skip", "~done"
TICK, UNTICK = "+", "-"


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine needs to know of the settings."""

    #: how long an answer may be changed
    correction: timedelta = timedelta(minutes=15)


# ---- what is asked next ---------------------------------------------------------------------------------


def _values(answers: Mapping[str, Answer]) -> dict[str, Value]:
    return {question: answer.value for question, answer in answers.items()}


def _fits(question: Question, flow: Flow, answers: Mapping[str, Answer], conversation: Conversation) -> bool:
    attributes = {
        **conversation.attributes,
        "channel": conversation.address.channel,
        "language": conversation.locale,
    }
    questions = {each.id: each for each in flow.questions}
    return holds(question.when, questions, _values(answers), attributes)


def next_question(flow: Flow, conversation: Conversation) -> Question | None:
    """The first question in the flow's order that fits and has no answer."""
    for question in flow.questions:
        if question.id not in conversation.answers and _fits(question, flow, conversation.answers, conversation):
            return question
    return None


def may_change(conversation: Conversation, question: str, at: datetime, rules: Rules) -> bool:
    """Whether an answer is still inside its correction window: some minutes, until the first comment."""
    answer = conversation.answers.get(question)
    return (
        answer is not None
        and not isinstance(answer.value, Worded)
        and not conversation.commented
        and conversation.status in ("waiting", "completed")
        and at - answer.at <= rules.correction
    )


# ---- beginnings and ends --------------------------------------------------------------------------------


def start(conversation: Conversation, flow: Flow) -> Turn:
    """Ask the first question of a new conversation (status waiting, turn 0)."""
    begun = replace(conversation, turn=1)
    return _ask_next(begun, flow, [], [], first=True)


def stop(conversation: Conversation, at: datetime) -> Turn:
    """The respondent wants no more of this; answers given are kept."""
    if conversation.status != "waiting":
        return Turn(conversation=conversation)
    return _end(replace(conversation, status="stopped"), Stopped(), at)


def expire(conversation: Conversation, at: datetime) -> Turn:
    """Nobody answered in time; answers given are kept as a partial response."""
    if conversation.status != "waiting":
        return Turn(conversation=conversation)
    return _end(replace(conversation, status="expired"), Expired(), at)


def _end(ended: Conversation, event: Event, at: datetime) -> Turn:
    prompts: list[Prompt] = []
    if ended.asked:
        prompts.append(Close(question=ended.asked))
    if ended.reopened:
        prompts.append(Show(question=ended.reopened, changeable=False))
    ended = replace(ended, turn=ended.turn + 1, asked=None, reopened=None, drafts={}, touched_at=at)
    return Turn(conversation=ended, events=(event,), prompts=tuple(prompts))


# ---- replies --------------------------------------------------------------------------------------------


def receive(conversation: Conversation, flow: Flow, reply: Reply, *, at: datetime, rules: Rules) -> Turn:
    """Take one tap or one text. The flow is the version that the conversation is pinned to."""
    match reply:
        case Tap():
            return _tapped(conversation, flow, reply, at, rules)
        case Typed():
            return _typed(conversation, flow, reply, at)
        case _:
            assert_never(reply)


def _tapped(conversation: Conversation, flow: Flow, tap: Tap, at: datetime, rules: Rules) -> Turn:
    question = _question_of(conversation, flow, tap.turn)
    if question is None:
        notice: Notice = "closed" if conversation.status in ("expired", "stopped") else "already_counted"
        return _stale(conversation, tap, notice)
    if tap.value == CHANGE:
        return _reopen(conversation, question, tap, at, rules)
    if question.id not in (conversation.asked, conversation.reopened):
        return _stale(conversation, tap, "already_counted")
    if question.id == conversation.reopened and _reopened_too_long(conversation, question.id, at, rules):
        return _too_late(replace(conversation, reopened=None), question, tap)
    if tap.value == SKIP:
        if not question.optional:
            return _stale(conversation, tap, "unknown_button")
        return _answer(conversation, flow, question, Skipped(), at)
    match question:
        case Rating():
            score = _whole(tap.value)
            if score is None or score not in scale_of(question):
                return _stale(conversation, tap, "unknown_button")
            return _answer(conversation, flow, question, Scored(score=score), at)
        case Choice():
            if all(tap.value != option.id for option in question.options):
                return _stale(conversation, tap, "unknown_button")
            return _answer(conversation, flow, question, Chosen(options=(tap.value,)), at)
        case Choices():
            return _tapped_choices(conversation, flow, question, tap, at)
        case OpenText():
            return _stale(conversation, tap, "unknown_button")
        case _:
            assert_never(question)


def _question_of(conversation: Conversation, flow: Flow, turn: int) -> Question | None:
    for id, made in conversation.prompts.items():
        if made == turn:
            return flow.question(id)
    return None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None


def _stale(conversation: Conversation, tap: Tap, notice: Notice) -> Turn:
    return Turn(conversation=conversation, events=(TappedStale(turn=tap.turn, value=tap.value),), notice=notice)


def _reopen(conversation: Conversation, question: Question, tap: Tap, at: datetime, rules: Rules) -> Turn:
    """*Change* was pressed: show the buttons again, under a new turn."""
    if question.id in (conversation.asked, conversation.reopened) or question.id not in conversation.answers:
        return _stale(conversation, tap, "already_counted")
    if not may_change(conversation, question.id, at, rules):
        return _too_late(conversation, question, tap)
    given = conversation.answers[question.id].value
    drafts = dict(conversation.drafts)
    if isinstance(given, Chosen) and isinstance(question, Choices):
        drafts[question.id] = given.options
    prompts: list[Prompt] = []
    if conversation.reopened:
        prompts.append(Show(question=conversation.reopened))
        drafts.pop(conversation.reopened, None)
    prompts.append(Show(question=question.id))
    turn = conversation.turn + 1
    opened = replace(conversation, turn=turn, reopened=question.id, drafts=drafts, touched_at=at)
    if conversation.reopened:
        opened = _made_now(opened, conversation.reopened, turn=turn)
        turn += 1
        opened = replace(opened, turn=turn)
    return Turn(conversation=_made_now(opened, question.id), prompts=tuple(prompts), notice="changing")


def _reopened_too_long(conversation: Conversation, question: str, at: datetime, rules: Rules) -> bool:
    """Buttons shown by *Change* just before the window's end stay good for as long again, not for ever."""
    answer = conversation.answers.get(question)
    return answer is not None and at - answer.at > 2 * rules.correction


def _too_late(conversation: Conversation, question: Question, tap: Tap) -> Turn:
    changed = _made_now(replace(conversation, turn=conversation.turn + 1), question.id)
    return Turn(
        conversation=changed,
        events=(TappedStale(turn=tap.turn, value=tap.value),),
        prompts=(Show(question=question.id, changeable=False),),
        notice="too_late_to_change",
    )


def _made_now(conversation: Conversation, question: str, *, turn: int | None = None) -> Conversation:
    """The question's buttons are those of this turn from now on."""
    made = conversation.turn if turn is None else turn
    return replace(conversation, prompts={**conversation.prompts, question: made})


def _tapped_choices(conversation: Conversation, flow: Flow, question: Choices, tap: Tap, at: datetime) -> Turn:
    draft = conversation.drafts.get(question.id, ())
    if tap.value == DONE:
        return _finish_choices(conversation, flow, question, draft, at)
    sign, id = tap.value[:1], tap.value[1:]
    if sign not in (TICK, UNTICK) or all(id != option.id for option in question.options):
        return _stale(conversation, tap, "unknown_button")
    ticked = {*draft, id} if sign == TICK else {*draft} - {id}
    if question.at_most is not None and len(ticked) > question.at_most:
        return Turn(conversation=conversation, notice="choose_fewer", number=question.at_most)
    ordered = tuple(option.id for option in question.options if option.id in ticked)
    if ordered == draft:
        return Turn(conversation=conversation, notice="ticked")
    drafts = {**conversation.drafts, question.id: ordered}
    changed = replace(conversation, turn=conversation.turn + 1, drafts=drafts, touched_at=at)
    # The buttons keep their turn: quick taps on several boxes are all good, and each says what it wants.
    return Turn(conversation=changed, prompts=(Show(question=question.id),), notice="ticked")


def _finish_choices(
    conversation: Conversation, flow: Flow, question: Choices, options: Sequence[str], at: datetime
) -> Turn:
    if len(options) < question.at_least:
        return Turn(conversation=conversation, notice="choose_more", number=question.at_least)
    if question.at_most is not None and len(options) > question.at_most:
        return Turn(conversation=conversation, notice="choose_fewer", number=question.at_most)
    return _answer(conversation, flow, question, Chosen(options=tuple(options)), at)


# ---- words ----------------------------------------------------------------------------------------------


def _typed(conversation: Conversation, flow: Flow, typed: Typed, at: datetime) -> Turn:
    """Words go to the question being corrected if they answer it, else to the one being asked."""
    waiting = [conversation.reopened] if conversation.reopened else []
    waiting += [conversation.asked] if conversation.asked else []
    opened = [question for id in waiting if (question := flow.question(id)) is not None]
    for question in opened:
        turn = _read(conversation, flow, question, typed, at)
        if turn is not None:
            return turn
    if not opened or conversation.status != "waiting":
        return Turn(conversation=conversation, events=_kept(typed))
    return _not_understood(conversation, opened[-1], typed, at)


def _read(conversation: Conversation, flow: Flow, question: Question, typed: Typed, at: datetime) -> Turn | None:
    """The turn that a text makes as an answer to one question; None where it is no answer to it."""
    words = pack(conversation.locale)
    if question.optional and is_word(typed.text, words.commands["skip"]):
        return _answer(conversation, flow, question, Skipped(), at)
    match question:
        case Rating():
            rated = read_rating(typed.text, question, words)
            if rated is None:
                return None
            comment = Typed(text=rated.comment, words=typed.words) if rated.comment else None
            return _answer(conversation, flow, question, Scored(score=rated.score), at, comment=comment)
        case Choice() | Choices():
            chosen = read_options(typed.text, question, conversation.locale, flow.locale)
            if chosen is None:
                return None
            if isinstance(question, Choices):
                turn = _finish_choices(conversation, flow, question, chosen, at)
                return turn if turn.notice == "taken" else None
            return _answer(conversation, flow, question, Chosen(options=chosen), at)
        case OpenText():
            if not typed.text.strip():
                return None
            return _answer(conversation, flow, question, Worded(words=typed.words), at, comment=typed)
        case _:
            assert_never(question)


def _kept(typed: Typed) -> tuple[Event, ...]:
    return (Said(question=None, text=typed.text, words=typed.words),) if typed.text.strip() else ()


def _not_understood(conversation: Conversation, question: Question, typed: Typed, at: datetime) -> Turn:
    """Keep the words; say once how to answer; after that listen without nagging."""
    if conversation.reasked:
        kept = replace(conversation, handed_back=True, turn=conversation.turn + 1, touched_at=at)
        return Turn(conversation=kept, events=_kept(typed))
    again = replace(conversation, reasked=True, turn=conversation.turn + 1, touched_at=at)
    return Turn(conversation=again, events=_kept(typed), prompts=(AskAgain(question=question.id),))


# ---- an answer counts -----------------------------------------------------------------------------------


def _answer(
    conversation: Conversation,
    flow: Flow,
    question: Question,
    value: Value,
    at: datetime,
    *,
    comment: Typed | None = None,
) -> Turn:
    """Take a value for an open question and decide again everything that comes after it."""
    before = conversation.answers.get(question.id)
    turn = conversation.turn + 1
    drafts = {id: draft for id, draft in conversation.drafts.items() if id != question.id}
    answered = replace(
        conversation,
        turn=turn,
        status="waiting",
        asked=None if conversation.asked == question.id else conversation.asked,
        reopened=None if conversation.reopened == question.id else conversation.reopened,
        prompts={**conversation.prompts, question.id: turn},
        drafts=drafts,
        reasked=False,
        handed_back=False,
        touched_at=at,
    )
    prompts: list[Prompt] = []
    if not isinstance(question, OpenText):
        prompts.append(Show(question=question.id))
    elif question.optional:
        # Its message carries a button to skip, which must not outlive the answer.
        prompts.append(Show(question=question.id, changeable=False))
    events: list[Event] = []
    if before is not None and before.value == value:
        # The same rating again is no correction: nothing is counted twice, the window does not start anew.
        pass
    else:
        answer = Answer(value=value, turn=turn, at=at)
        answered = replace(answered, answers={**conversation.answers, question.id: answer})
        events.append(Answered(question=question.id, answer=answer, before=before))
        answered = _prune(answered, flow, events, prompts)
    if comment is not None:
        answered = _keep_comment(answered, flow, question, comment, at, events)
        if answered.reopened is not None:
            prompts.append(Show(question=answered.reopened, changeable=False))
            answered = replace(answered, reopened=None)
    was_completed = conversation.status == "completed"
    return replace(_ask_next(answered, flow, events, prompts, was_completed=was_completed), notice="taken")


def _prune(conversation: Conversation, flow: Flow, events: list[Event], prompts: list[Prompt]) -> Conversation:
    """Take back, in the flow's order, every answer and open question that no longer fits."""
    kept: dict[str, Answer] = {}
    for question in flow.questions:
        answer = conversation.answers.get(question.id)
        fits = _fits(question, flow, kept, conversation)
        if answer is not None and fits:
            kept[question.id] = answer
        elif answer is not None:
            events.append(Retracted(question=question.id, before=answer))
            prompts.append(Close(question=question.id, withdrawn=True))
        elif question.id == conversation.asked and not fits:
            prompts.append(Close(question=question.id, withdrawn=True))
    gone = {id for id in conversation.answers if id not in kept}
    asked, reopened = conversation.asked, conversation.reopened
    if asked is not None and any(isinstance(p, Close) and p.question == asked for p in prompts):
        gone.add(asked)
        asked = None
    return replace(
        conversation,
        answers=kept,
        asked=asked,
        reopened=None if reopened in gone else reopened,
        prompts={id: made for id, made in conversation.prompts.items() if id not in gone},
        drafts={id: draft for id, draft in conversation.drafts.items() if id not in gone},
    )


def _keep_comment(
    conversation: Conversation, flow: Flow, question: Question, typed: Typed, at: datetime, events: list[Event]
) -> Conversation:
    """Words beside a rating answer the flow's next open text, so that nobody is asked for what they just said."""
    target: Question | None = question if isinstance(question, OpenText) else None
    if target is None:
        target = next(
            (
                each
                for each in flow.questions
                if isinstance(each, OpenText)
                and each.id not in conversation.answers
                and each.id != conversation.asked
                and _fits(each, flow, conversation.answers, conversation)
            ),
            None,
        )
    if target is not None and target is not question:
        answer = Answer(value=Worded(words=typed.words), turn=conversation.turn, at=at)
        conversation = replace(conversation, answers={**conversation.answers, target.id: answer})
        events.append(Answered(question=target.id, answer=answer))
    events.append(Said(question=target.id if target else None, text=typed.text, words=typed.words))
    return replace(conversation, commented=True)


def _ask_next(
    conversation: Conversation,
    flow: Flow,
    events: list[Event],
    prompts: list[Prompt],
    *,
    first: bool = False,
    was_completed: bool = False,
) -> Turn:
    """Ask the next question, or say thanks; where one is open already, only that."""
    if conversation.asked is None:
        question = next_question(flow, conversation)
        if question is not None:
            if was_completed:
                events.append(Resumed())
            conversation = _made_now(replace(conversation, asked=question.id, reasked=False), question.id)
            conversation = _own_turn(conversation, question.id)
            events.append(Asked(question=question.id))
            prompts.append(Ask(question=question.id, first=first))
        elif conversation.reopened is None:
            conversation = _complete(conversation, events, prompts, was_completed=was_completed)
        else:
            conversation = replace(conversation, status="completed" if was_completed else "waiting")
    return Turn(conversation=conversation, events=tuple(events), prompts=tuple(prompts))


def _own_turn(conversation: Conversation, question: str) -> Conversation:
    """Give a question's buttons a turn that no other question's buttons carry."""
    if all(made != conversation.turn for id, made in conversation.prompts.items() if id != question):
        return conversation
    return _made_now(replace(conversation, turn=conversation.turn + 1), question)


def _complete(
    conversation: Conversation, events: list[Event], prompts: list[Prompt], *, was_completed: bool
) -> Conversation:
    changed = any(isinstance(event, Answered | Retracted) for event in events)
    if not was_completed:
        events.append(Completed())
    if changed or not was_completed:
        prompts.append(Thank(again=conversation.thanked is not None))
        conversation = replace(conversation, thanked=conversation.turn)
    return replace(conversation, status="completed")
