"""The conversation's state machine: whatever changes a conversation's state is here and in accepting.py.

``start`` begins, ``receive`` takes one reply, ``remind`` asks once more; ``refuse``, ``stop`` and ``expire`` end. Each
returns a Turn: the new state, what happened, and what to say. Nothing here reads a clock, sends or stores.

A question is *open* while its buttons may be tapped: the one being asked, and one whose answer is being corrected.
Its buttons carry the turn on which they were made; a tap with any other turn is stale and changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from bot.conversations.accepting import accept, go_on, made_now, without
from bot.conversations.answers import Chosen, Scored, Skipped
from bot.conversations.asked import question_for
from bot.conversations.conversation import Conversation
from bot.conversations.events import (
    AskAgain,
    Bye,
    Close,
    Event,
    Expired,
    Notice,
    Prompt,
    Refusal,
    Remind,
    Reply,
    Said,
    Show,
    Stopped,
    Tap,
    TappedStale,
    Turn,
    Typed,
)
from bot.conversations.flow import Flow
from bot.conversations.questions import (
    Choice,
    Choices,
    Consent,
    Contact,
    OpenText,
    PanelInvitation,
    Question,
    Rating,
    scale_of,
)
from bot.conversations.rules import Rules, may_change, may_decline, reopened_too_long
from bot.conversations.words import refuses, repeats, says_done, understand

#: Values of buttons that are no answers. Option ids cannot begin with "~", "+" or "-".
CHANGE, SKIP, DONE = "~change", "~skip", "~done"
#: "Not this one" ends the survey. So does "never again"; that it is the last is for the caller of the engine to see to.
DECLINE, NEVER = "~decline", "~never"
TICK, UNTICK = "+", "-"


# ---- beginnings and ends --------------------------------------------------------------------------------


def start(conversation: Conversation, flow: Flow) -> Turn:
    """Ask the first question of a new conversation (status waiting, turn 0)."""
    return go_on(Turn(conversation=replace(conversation, turn=1)), flow, first=True)


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


def refuse(conversation: Conversation, refusal: Refusal, at: datetime) -> Turn:
    """The respondent, who did not ask for this, wants none of it; where that is offered no more nothing happens."""
    if not may_decline(conversation):
        return Turn(conversation=conversation)
    turn = _end(replace(conversation, status="stopped"), Stopped(), at, refused=refusal)
    match refusal:
        case "decline":
            return replace(turn, prompts=(*turn.prompts, Bye()), notice="declined")
        case "never":
            return replace(turn, notice="opted_out")
        case _:
            assert_never(refusal)


def remind(conversation: Conversation, at: datetime) -> Turn:
    """Ask the question that waits once more, where nobody answered in any way.

    Its buttons keep their turn: where the old message cannot be edited, a tap on it is as good.
    """
    asked = conversation.asked
    if asked is None or not may_decline(conversation) or conversation.reasked:
        return Turn(conversation=conversation)
    reminded = replace(conversation, turn=conversation.turn + 1, touched_at=at)
    return Turn(conversation=reminded, prompts=(Close(question=asked), Remind(question=asked)))


def _end(ended: Conversation, event: Event, at: datetime, *, refused: Refusal | None = None) -> Turn:
    prompts: list[Prompt] = []
    if ended.asked:
        prompts.append(Close(question=ended.asked, refused=refused))
    shown = [] if ended.commented else _changeable_rating(ended)
    left = [ended.reopened] if ended.reopened else []
    prompts += [Show(question=id, changeable=False) for id in dict.fromkeys((*left, *shown))]
    ended = replace(ended, turn=ended.turn + 1, asked=None, reopened=None, drafts={}, touched_at=at)
    return Turn(conversation=ended, events=(event,), prompts=tuple(prompts))


def _changeable_rating(conversation: Conversation) -> list[str]:
    """The rating that was answered last, whose message still has its *Change*: none or one."""
    scored = [id for id, answer in conversation.answers.items() if isinstance(answer.value, Scored)]
    return sorted(scored, key=lambda id: conversation.answers[id].turn)[-1:]


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
    if tap.value == NEVER and conversation.invited:
        return _never(conversation, at)
    question = _question_of(conversation, flow, tap.turn)
    if question is None:
        return _stale(conversation, tap, _past(conversation, None))
    if tap.value == CHANGE:
        return _reopen(conversation, question, tap, at, rules)
    if question.id not in (conversation.asked, conversation.reopened):
        return _stale(conversation, tap, _past(conversation, question))
    if question.id == conversation.reopened and reopened_too_long(conversation, at, rules):
        return _too_late(conversation, question, tap)
    if tap.value in (DECLINE, NEVER):
        return _refused(conversation, question, tap, at)
    if tap.value == SKIP:
        if not question.optional:
            return _stale(conversation, tap, "unknown_button")
        return accept(conversation, flow, question, Skipped(), at)
    match question:
        case Rating():
            score = _whole(tap.value)
            if score is None or score not in scale_of(question):
                return _stale(conversation, tap, "unknown_button")
            return accept(conversation, flow, question, Scored(score=score), at)
        case Choice() | Consent() | PanelInvitation():
            if all(tap.value != option.id for option in question.options):
                return _stale(conversation, tap, "unknown_button")
            return accept(conversation, flow, question, Chosen(options=(tap.value,)), at)
        case Choices():
            return _tapped_choices(conversation, flow, question, tap, at)
        case OpenText() | Contact():
            return _stale(conversation, tap, "unknown_button")
        case _:
            assert_never(question)


def _never(conversation: Conversation, at: datetime) -> Turn:
    """Unlike any other button it is good for ever: who presses it late means all that may come."""
    if may_decline(conversation):
        return refuse(conversation, "never", at)
    return replace(stop(conversation, at), notice="opted_out")


def _refused(conversation: Conversation, question: Question, tap: Tap, at: datetime) -> Turn:
    if not may_decline(conversation):
        return _stale(conversation, tap, _past(conversation, question))
    return refuse(conversation, "decline" if tap.value == DECLINE else "never", at)


def _question_of(conversation: Conversation, flow: Flow, turn: int) -> Question | None:
    for id, made in conversation.prompts.items():
        if made == turn:
            return question_for(id, flow, conversation)
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
    opened = replace(
        conversation,
        turn=conversation.turn + 1,
        reopened=question.id,
        drafts=drafts,
        reasked=False,
        handed_back=False,
        touched_at=at,
    )
    return Turn(conversation=made_now(opened, question.id), prompts=tuple(prompts), notice="changing")


def _too_late(conversation: Conversation, question: Question, tap: Tap) -> Turn:
    return Turn(
        conversation=_left_as_it_was(conversation, question.id),
        events=(TappedStale(turn=tap.turn, value=tap.value),),
        prompts=(Show(question=question.id, changeable=False),),
        notice="too_late_to_change",
    )


def _left_as_it_was(conversation: Conversation, question: str) -> Conversation:
    """The answer stands and is not being corrected any longer; the buttons shown so far are past."""
    return made_now(
        replace(
            conversation,
            turn=conversation.turn + 1,
            reopened=None if conversation.reopened == question else conversation.reopened,
            drafts=without(conversation.drafts, {question}),
        ),
        question,
    )


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
    return accept(conversation, flow, question, Chosen(options=tuple(options)), at)


# ---- words ----------------------------------------------------------------------------------------------


def _typed(conversation: Conversation, flow: Flow, typed: Typed, at: datetime, rules: Rules) -> Turn:
    """Words go to the question being corrected, else to the one being asked.

    No other open question takes what was said to a correction. Only who was told how to correct and then says
    something else again has left it: then it is over, and their words count where they would have without it.
    """
    if conversation.reopened is not None and reopened_too_long(conversation, at, rules):
        return _typed_elsewhere(conversation, conversation.reopened, flow, typed, at, rules)
    if repeats(typed, conversation, flow, at):
        return Turn(conversation=conversation)
    waiting = conversation.reopened or conversation.asked
    question = question_for(waiting, flow, conversation) if waiting else None
    if question is None:
        return Turn(conversation=conversation, events=_kept(typed))
    draft = conversation.drafts.get(question.id, ())
    if isinstance(question, Choices) and draft and says_done(typed.text, flow, conversation.locale):
        return _finish_choices(conversation, flow, question, draft, at)
    understood = understand(typed, question, flow, conversation.locale)
    if understood is not None:
        return accept(conversation, flow, question, understood.value, at, comment=understood.words)
    if question.id == conversation.reopened and conversation.reasked:
        return _typed_elsewhere(conversation, question.id, flow, typed, at, rules)
    return _not_understood(conversation, question, typed, at)


def _typed_elsewhere(
    conversation: Conversation, reopened: str, flow: Flow, typed: Typed, at: datetime, rules: Rules
) -> Turn:
    """The correction is over without a change, and the words are for what else is open."""
    changeable = may_change(conversation, reopened, at, rules)
    turn = _typed(_left_as_it_was(conversation, reopened), flow, typed, at, rules)
    left = Show(question=reopened, changeable=changeable and not turn.conversation.commented)
    return replace(turn, prompts=(left, *(prompt for prompt in turn.prompts if prompt != left)))


def _kept(typed: Typed) -> tuple[Event, ...]:
    return (Said(question=None, text=typed.text, words=typed.words),) if typed.text.strip() else ()


def _not_understood(conversation: Conversation, question: Question, typed: Typed, at: datetime) -> Turn:
    """Keep the words; say once how to answer; after that listen without nagging."""
    # "no" and "skip" where words are required are no comment
    kept = () if refuses(typed.text, question, conversation.locale) else _kept(typed)
    if conversation.handed_back:
        return Turn(conversation=conversation, events=kept)
    if conversation.reasked:
        left = replace(conversation, handed_back=True, turn=conversation.turn + 1, touched_at=at)
        return Turn(conversation=left, events=kept)
    again = replace(conversation, reasked=True, turn=conversation.turn + 1, touched_at=at)
    return Turn(conversation=again, events=kept, prompts=(AskAgain(question=question.id),))
