"""What a respondent does to a survey without answering it: go back, speak another language, let it rest. Pure.

Like the engine, these return a Turn and change nothing else.
"""

from datetime import datetime

from msgspec.structs import replace

from bot.conversations import engine
from bot.conversations.answers import Worded
from bot.conversations.conversation import Conversation
from bot.conversations.events import Prompt, Show, Tap, Turn
from bot.conversations.flow import Flow
from bot.conversations.rules import Rules, may_change

#: Values of the buttons that choose a language: what opens the choice, and what stands before the tag that is chosen.
LANGUAGE, SPEAK = "~language", "~speak:"


def may_go_back(conversation: Conversation) -> bool:
    """Whether there is an answer by button or number to go back to, be it too late or not."""
    return conversation.status in ("waiting", "completed") and bool(_changeable(conversation))


def back(conversation: Conversation, flow: Flow, at: datetime, rules: Rules) -> Turn:
    """Open the last answer again, as its *Change* does; said while one is open, the answer before that.

    The notice is "changing", "too_late_to_change", or "nothing" where there is no answer to go back to.
    """
    earlier = _changeable(conversation)
    if conversation.reopened in earlier:
        earlier = earlier[earlier.index(conversation.reopened) + 1 :]
    if not earlier or conversation.status not in ("waiting", "completed"):
        return Turn(conversation=conversation)
    question = earlier[0]
    if not may_change(conversation, question, at, rules):
        return Turn(conversation=conversation, notice="too_late_to_change")
    pressed = Tap(turn=conversation.prompts[question], value=engine.CHANGE)
    return engine.receive(conversation, flow, pressed, at=at, rules=rules)


def _changeable(conversation: Conversation) -> list[str]:
    """The questions with an answer other than words, the one answered last first."""
    given = [
        id
        for id, answer in conversation.answers.items()
        if not isinstance(answer.value, Worded) and id in conversation.prompts
    ]
    return sorted(given, key=lambda id: conversation.answers[id].turn, reverse=True)


def speak(conversation: Conversation, flow: Flow, locale: str, at: datetime) -> Turn:
    """Go on in another language of the flow: what stands open is shown in it, and its buttons stay as good as before.

    Answers stay, with the language that they were given in; nothing happens where the flow has no such texts.
    """
    listens = conversation.status == "waiting" or conversation.reopened is not None
    if locale == conversation.locale or locale not in flow.locales or not listens:
        return Turn(conversation=conversation)
    answers = {
        id: answer if answer.locale else replace(answer, locale=conversation.locale)
        for id, answer in conversation.answers.items()
    }
    spoken = replace(conversation, turn=conversation.turn + 1, locale=locale, answers=answers, touched_at=at)
    return Turn(conversation=spoken, prompts=_open(spoken))


def keep_speaking(conversation: Conversation) -> Turn:
    """Show what stands open again, as it is: the choice of languages was opened and nothing new chosen."""
    return Turn(conversation=replace(conversation, turn=conversation.turn + 1), prompts=_open(conversation))


def _open(conversation: Conversation) -> tuple[Prompt, ...]:
    opened = dict.fromkeys((conversation.reopened, conversation.asked))
    return tuple(Show(question=id) for id in opened if id is not None)


def rest(conversation: Conversation) -> Conversation:
    """The survey waits without asking again: no reminder, no re-ask, until the respondent answers."""
    if conversation.status != "waiting" or (conversation.reasked and conversation.handed_back):
        return conversation
    return replace(conversation, turn=conversation.turn + 1, reasked=True, handed_back=True)
