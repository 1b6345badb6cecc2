"""The conversation's state machine: whatever changes a conversation's state is in this file.

``start`` begins, ``receive`` takes one reply, ``stop`` and ``expire`` end. Each returns a Turn: the new state, what
happened, and what to say. Nothing here reads a clock, sends or stores.

A question is *open* while its buttons may be tapped: the one being asked, and one whose answer is being corrected.
Its buttons carry the turn on which they were made; a tap with any other turn is stale and changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar, assert_never

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
from bot.conversations.questions import Choice, Choices, OpenText, Question, Rating, scale_of
from bot.conversations.rules import Rules, fits, may_change, next_question, reopened_too_long
from bot.conversations.typed import is_word, read_options, read_rating
from bot.languages import pack

#: Values of buttons that are no answers. Option ids cannot begin with "~", "+" or "-".
CHANGE, SKIP, DONE = "~change", "~skip", "~done"
TICK, UNTICK = "+", "-"

_V = TypeVar("_V")


# ---- beginnings and ends --------------------------------------------------------------------------------


def start(conversation: Conversation, flow: Flow) -> Turn:
    """Ask the first question of a new conversation (status waiting, turn 0)."""
    return _go_on(Turn(conversation=replace(conversation, turn=1)), flow, first=True)


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
            return _typed(conversation, flow, reply, at, rules)
        case _:
            assert_never(reply)


def _tapped(conversation: Conversation, flow: Flow, tap: Tap, at: datetime, rules: Rules) -> Turn:
    question = _question_of(conversation, flow, tap.turn)
    if question is None:
        return _stale(conversation, tap, _past(conversation, None))
    if tap.value == CHANGE:
        return _reopen(conversation, question, tap, at, rules)
    if question.id not in (conversation.asked, conversation.reopened):
        return _stale(conversation, tap, _past(conversation, question))
    if question.id == conversation.reopened and reopened_too_long(conversation, at, rules):
        return _too_late(conversation, question, tap)
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


def _past(conversation: Conversation, question: Question | None) -> Notice:
    """Why a button of another turn does nothing; nobody who never answered is told that their answer was counted."""
    counted = question is not None and question.id in conversation.answers
    ended = conversation.status in ("expired", "stopped")
    return "closed" if ended and not counted else "already_counted"


def _reopen(conversation: Conversation, question: Question, tap: Tap, at: datetime, rules: Rules) -> Turn:
    """*Change* was pressed: show the buttons again, under a new turn."""
    if question.id in (conversation.asked, conversation.reopened) or question.id not in conversation.answers:
        return _stale(conversation, tap, _past(conversation, question))
    if not may_change(conversation, question.id, at, rules):
        return _too_late(conversation, question, tap)
    prompts: list[Prompt] = []
    if conversation.reopened is not None:
        prompts.append(
            Show(question=conversation.reopened, changeable=may_change(conversation, conversation.reopened, at, rules))
        )
        conversation = _left_as_it_was(conversation, conversation.reopened)
    prompts.append(Show(question=question.id))
    drafts = dict(conversation.drafts)
    given = conversation.answers[question.id].value
    if isinstance(question, Choices) and isinstance(given, Chosen):
        drafts[question.id] = given.options
    opened = replace(conversation, turn=conversation.turn + 1, reopened=question.id, drafts=drafts, touched_at=at)
    return Turn(conversation=_made_now(opened, question.id), prompts=tuple(prompts), notice="changing")


def _too_late(conversation: Conversation, question: Question, tap: Tap) -> Turn:
    return Turn(
        conversation=_left_as_it_was(conversation, question.id),
        events=(TappedStale(turn=tap.turn, value=tap.value),),
        prompts=(Show(question=question.id, changeable=False),),
        notice="too_late_to_change",
    )


def _left_as_it_was(conversation: Conversation, question: str) -> Conversation:
    """The answer stands and is not being corrected any longer; the buttons shown so far are past."""
    return _made_now(
        replace(
            conversation,
            turn=conversation.turn + 1,
            reopened=None if conversation.reopened == question else conversation.reopened,
            drafts=_without(conversation.drafts, {question}),
        ),
        question,
    )


def _without(mapping: Mapping[str, _V], gone: Collection[str | None]) -> dict[str, _V]:
    return {id: value for id, value in mapping.items() if id not in gone}


def _made_now(conversation: Conversation, question: str) -> Conversation:
    """The question's buttons are those of this turn from now on."""
    return replace(conversation, prompts={**conversation.prompts, question: conversation.turn})


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


def _typed(conversation: Conversation, flow: Flow, typed: Typed, at: datetime, rules: Rules) -> Turn:
    """Words go to the question being corrected if they answer it, else to the one being asked."""
    if conversation.reopened is not None and reopened_too_long(conversation, at, rules):
        late = conversation.reopened
        turn = _typed(_left_as_it_was(conversation, late), flow, typed, at, rules)
        return replace(turn, prompts=(Show(question=late, changeable=False), *turn.prompts))
    waiting = [id for id in (conversation.reopened, conversation.asked) if id is not None]
    opened = [question for id in waiting if (question := flow.question(id)) is not None]
    for question in opened:
        read = _read(conversation, flow, question, typed, at)
        if read is not None:
            return read
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
    if conversation.handed_back:
        return Turn(conversation=conversation, events=_kept(typed))
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
    """Take a value for an open question, with the words beside it, and go on from there."""
    turn = _take(conversation, flow, question, value, at)
    if comment is not None:
        turn = _keep_comment(turn, flow, question, comment, at)
    return replace(_go_on(turn, flow), notice="taken")


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
        drafts=_without(conversation.drafts, {question.id}),
        reasked=False,
        handed_back=False,
        touched_at=at,
    )
    # Words once said stay said. A message that had no button needs no edit: on most channels it would look the same.
    worded = isinstance(value, Worded)
    shown = () if worded and not question.optional else (Show(question=question.id, changeable=not worded),)
    taken = Turn(conversation=closed, prompts=shown)
    if before is not None and before.value == value:
        # The same value again is no correction: nothing is counted twice, the window does not start anew.
        return taken
    answer = Answer(value=value, turn=turn, at=at)
    answered = replace(closed, answers={**closed.answers, question.id: answer})
    return _prune(_then(taken, answered, [Answered(question=question.id, answer=answer, before=before)]), flow)


def _prune(turn: Turn, flow: Flow) -> Turn:
    """Take back, in the flow's order, every answer and open question that no longer fits."""
    conversation = turn.conversation
    kept: dict[str, Answer] = {}
    gone: list[str] = []
    for question in flow.questions:
        answer = conversation.answers.get(question.id)
        if not fits(question, flow, kept, conversation):
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
        prompts=_without(conversation.prompts, gone),
        drafts=_without(conversation.drafts, gone),
    )
    return _then(
        turn,
        pruned,
        [Retracted(question=id, before=conversation.answers[id]) for id in taken_back],
        [Close(question=id, withdrawn=True) for id in posted],
    )


def _keep_comment(turn: Turn, flow: Flow, question: Question, typed: Typed, at: datetime) -> Turn:
    """Words beside a rating answer the flow's next open text, so that nobody is asked for what they just said.

    They end every correction: what they explain must not change under them.
    """
    conversation = turn.conversation
    events: list[Event] = []
    shown = [conversation.reopened]
    target = question if isinstance(question, OpenText) else _next_open_text(conversation, flow)
    if target is not None and target is not question:
        answer = Answer(value=Worded(words=typed.words), turn=conversation.turn, at=at)
        conversation = replace(conversation, answers={**conversation.answers, target.id: answer})
        events.append(Answered(question=target.id, answer=answer))
        if target.id == conversation.asked:
            conversation = replace(conversation, asked=None)
            shown.append(target.id)
    events.append(Said(question=target.id if target else None, text=typed.text, words=typed.words))
    drafts = _without(conversation.drafts, {conversation.reopened})
    commented = replace(conversation, commented=True, reopened=None, drafts=drafts)
    return _then(turn, commented, events, [Show(question=id, changeable=False) for id in shown if id is not None])


def _next_open_text(conversation: Conversation, flow: Flow) -> Question | None:
    for question in flow.questions:
        unanswered = isinstance(question, OpenText) and question.id not in conversation.answers
        if unanswered and fits(question, flow, conversation.answers, conversation):
            return question
    return None


def _go_on(turn: Turn, flow: Flow, *, first: bool = False) -> Turn:
    """Ask the next question, or say thanks; where one is being asked already, neither.

    A survey is complete when all its questions have answers, even while one of these is being corrected.
    """
    conversation = turn.conversation
    if conversation.asked is not None:
        return turn
    question = next_question(flow, conversation)
    if question is None:
        return _complete(turn)
    events: list[Event] = [Resumed()] if conversation.status == "completed" else []
    asked = _ask(conversation, question)
    return _then(turn, asked, [*events, Asked(question=question.id)], [Ask(question=question.id, first=first)])


def _ask(conversation: Conversation, question: Question) -> Conversation:
    """Open a question, under a turn that no other question's buttons carry."""
    if conversation.turn in conversation.prompts.values():
        conversation = replace(conversation, turn=conversation.turn + 1)
    return _made_now(replace(conversation, status="waiting", asked=question.id, reasked=False), question.id)


def _complete(turn: Turn) -> Turn:
    conversation = turn.conversation
    if conversation.status != "completed":
        # Also after a survey that was complete asked more: whoever answered that reads thanks below their words.
        return _then(turn, replace(conversation, status="completed"), [Completed()], [Thank()])
    changed = any(isinstance(event, Answered | Retracted) for event in turn.events)
    return _then(turn, conversation, prompts=[Thank(again=True)] if changed else [])
