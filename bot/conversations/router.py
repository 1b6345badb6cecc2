"""Who gets a customer's next words: one pure function, with a table of cases as its test."""

from collections.abc import Mapping
from typing import Literal

from bot.conversations.conversation import Conversation
from bot.conversations.flow import Flow
from bot.conversations.questions import OpenText
from bot.conversations.typed import is_word
from bot.languages import pack, stop_words
from bot.messages import CommandName

Route = Literal["stop", "start", "feedback", "survey", "case", "nobody"]

_SLASHED: Mapping[str, CommandName] = {"/feedback": "feedback", "/stop": "stop", "/start": "start"}


def slashed(text: str) -> tuple[CommandName, str] | None:
    """The command, and what stands beside it, that a chat window without commands of its own sends as words.

    >>> slashed(" /feedback it was slow"), slashed("feedback")
    (('feedback', 'it was slow'), None)
    """
    head, _, argument = text.strip().partition(" ")
    command = _SLASHED.get(head.casefold())
    return None if command is None else (command, argument.strip())


def route(
    text: str, locale: str, conversation: Conversation | None, flow: Flow | None, *, open_case: bool, opted_out: bool
) -> Route:
    """Where a text goes, in this order; ``flow`` is the conversation's.

    1. *stop*: the text is nothing but a word of any language that can only mean this.
    2. *stop*, *start*, *feedback*: the text is nothing but such a word of the customer's language (``locale``), of the
       conversation's, or of English. What may also be an answer counts as an answer where one is awaited: "basta" is
       no *stop* while someone is asked for words, "complaint" no *feedback* during a survey, and the start word counts
       only for one who opted out.
    3. *survey*: a survey waits for words, or an answer is being corrected.
    4. *case*: the customer's case is open, so agents should read what they add.
    5. *nobody*: kept beside the last conversation if there is one, never answered.
    """
    if is_word(text, stop_words()):
        return "stop"
    listens = conversation is not None and _listens(conversation)
    for tag in dict.fromkeys((locale, conversation.locale if conversation else locale, "en")):
        words = pack(tag).commands
        if not _awaits_words(conversation, flow) and is_word(text, words["enough"]):
            return "stop"
        if opted_out and is_word(text, words["start"]):
            return "start"
        if not listens and is_word(text, words["feedback"]):
            return "feedback"
    if listens:
        return "survey"
    return "case" if open_case else "nobody"


def _listens(conversation: Conversation) -> bool:
    return conversation.status == "waiting" or conversation.reopened is not None


def _awaits_words(conversation: Conversation | None, flow: Flow | None) -> bool:
    """Whether an open text is among the open questions, so that nearly any word may be its answer."""
    if conversation is None or flow is None:
        return False
    opened = (conversation.asked, conversation.reopened)
    return any(isinstance(question, OpenText) and question.id in opened for question in flow.questions)
