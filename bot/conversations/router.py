"""Who gets a customer's next words: one pure function, with a table of cases as its test."""

from typing import Literal

from bot.conversations.conversation import Conversation
from bot.conversations.typed import is_word
from bot.languages import pack

Route = Literal["stop", "start", "feedback", "survey", "case", "nobody"]


def route(text: str, locale: str, conversation: Conversation | None, *, open_case: bool, opted_out: bool) -> Route:
    """Where a text goes, in this order.

    1. *stop*, *start*, *feedback*: the text is nothing but such a word of the customer's language (``locale``), of the
       conversation's, or of English: whoever says stop in any of these is heard.
       The start word counts only for one who opted out, so that it stays an ordinary word for others.
    2. *survey*: a survey waits for words, or an answer is being corrected.
    3. *case*: the customer's case is open, so agents should read what they add.
    4. *nobody*: kept beside the last conversation if there is one, never answered.
    """
    spoken = (locale, conversation.locale if conversation else locale, "en")
    for words in (pack(tag).commands for tag in spoken):
        if is_word(text, words["stop"]):
            return "stop"
        if opted_out and is_word(text, words["start"]):
            return "start"
        if is_word(text, words["feedback"]):
            return "feedback"
    if conversation is not None and _listens(conversation):
        return "survey"
    return "case" if open_case else "nobody"


def _listens(conversation: Conversation) -> bool:
    return conversation.status == "waiting" or conversation.reopened is not None
