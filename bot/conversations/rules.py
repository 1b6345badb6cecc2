"""Which question fits next, and how long an answer may be changed: looked at here, changed in the engine only."""

from datetime import datetime, timedelta

import msgspec

from bot.conversations.answers import Worded
from bot.conversations.asked import fits
from bot.conversations.conversation import Conversation
from bot.conversations.flow import Flow
from bot.conversations.questions import Question


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine needs to know of the settings."""

    #: how long an answer may be changed
    correction: timedelta = timedelta(minutes=15)


def next_question(flow: Flow, conversation: Conversation) -> Question | None:
    """The first question in the flow's order that fits and has no answer."""
    for question in flow.questions:
        if question.id not in conversation.answers and fits(question, flow, conversation.answers, conversation):
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


def may_decline(conversation: Conversation) -> bool:
    """Whether the first question of what the respondent did not ask for still waits without an answer."""
    return conversation.invited and conversation.asked is not None and not conversation.answers


def reopened_too_long(conversation: Conversation, at: datetime, rules: Rules) -> bool:
    """Buttons shown by *Change* just before the window's end stay good for as long again, not for ever."""
    answer = conversation.answers.get(conversation.reopened or "")
    return answer is not None and at - answer.at > 2 * rules.correction
