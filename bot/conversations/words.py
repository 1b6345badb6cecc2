"""What a text says to the question that waits for one: looked at here, taken in the engine only."""

from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from bot.conversations.answers import Answer, Chosen, Scored, Skipped, Value, Worded
from bot.conversations.asked import question_for
from bot.conversations.contacts import read_contact
from bot.conversations.conversation import Conversation
from bot.conversations.events import Typed
from bot.conversations.flow import Flow
from bot.conversations.named_options import read_options
from bot.conversations.questions import (
    Choice,
    Choices,
    Consent,
    Contact,
    OpenText,
    PanelInvitation,
    Question,
    Rating,
)
from bot.conversations.typed import is_label, is_word, read_bare_rating, read_rating, says_no_thanks
from bot.languages import Pack, pack

#: Within this time of a rating, the same score once more is an impatient repetition and no answer to what came next.
REPEATED = timedelta(seconds=30)
#: Where it is what many would answer next (another rating; "no" to "Anything else?"), only a double message is one.
REPEATED_AT_ONCE = timedelta(seconds=5)


class Understood(msgspec.Struct, frozen=True, kw_only=True):
    """The value that a text gives, and the words to keep with it: a comment beside a score, or the answer itself."""

    value: Value
    words: Typed | None = None


def understand(typed: Typed, question: Question, flow: Flow, locale: str) -> Understood | None:
    """A text as an answer to one question; None where it is none."""
    spoken = pack(locale)
    skips = question.optional and is_word(typed.text, spoken.commands["skip"])
    match question:
        case Rating():
            rated = read_rating(typed.text, question, spoken)
            if rated is not None:
                comment = Typed(text=rated.comment, words=typed.words) if rated.comment else None
                return Understood(value=Scored(score=rated.score), words=comment)
        case Choice() | Choices():
            chosen = read_options(typed.text, question, locale, flow.locale)
            if chosen is not None:
                return Understood(value=Chosen(options=chosen)) if _as_many(chosen, question) else None
        case Consent() | PanelInvitation():
            agreed = _agreed(typed.text, question, spoken, flow, locale)
            if agreed is not None:
                return Understood(value=Chosen(options=(agreed,)))
        case Contact():
            skips = skips or (question.optional and _says_nothing(typed.text, spoken))
            contact = None if skips else read_contact(typed.text, question, locale)
            if contact is not None:
                return Understood(value=Worded(words=typed.words), words=Typed(text=contact, words=typed.words))
        case OpenText():
            nothing = _says_nothing(typed.text, spoken)
            skips = skips or (question.optional and nothing)
            if not skips and not refuses(typed.text, question, locale) and typed.text.strip():
                return Understood(value=Worded(words=typed.words), words=typed)
        case _:
            assert_never(question)
    return Understood(value=Skipped()) if skips else None


def refuses(text: str, question: Question, locale: str) -> bool:
    """Whether a text is a "no" or "skip" where words are required, and so none of the customer's words."""
    if not isinstance(question, OpenText) or question.required_when is None:
        return False
    spoken = pack(locale)
    return _says_nothing(text, spoken) or is_word(text, spoken.commands["skip"])


def says_done(text: str, flow: Flow, locale: str) -> bool:
    """Whether a text says that the boxes ticked so far are all: the button's label, or that this is enough."""
    labels = (flow.voice(tag).say("button.done") for tag in dict.fromkeys((locale, *flow.locales)))
    return any(is_label(text, label) for label in labels) or is_word(text, pack(locale).commands["enough"])


def _says_nothing(text: str, spoken: Pack) -> bool:
    """Whether a text is no comment: "No" to "Anything else?"; "basta" means "that is all" here."""
    return is_word(text, (*spoken.no, *spoken.commands["enough"])) or says_no_thanks(text)


def _agreed(text: str, question: Consent | PanelInvitation, spoken: Pack, flow: Flow, locale: str) -> str | None:
    """The option, yes or no, that a text means: by its label or number, or by the language's own words."""
    one = Choice(id=question.id, text=question.text, options=question.options)
    chosen = read_options(text, one, locale, flow.locale)
    if chosen is not None:
        return chosen[0]
    if is_word(text, spoken.no) or says_no_thanks(text):
        return "no"
    return "yes" if is_word(text, spoken.yes) else None


def _as_many(options: tuple[str, ...], question: Choice | Choices) -> bool:
    """Whether so many options may be chosen together."""
    if isinstance(question, Choice):
        return True
    return question.at_least <= len(options) <= (question.at_most or len(options))


def repeats(typed: Typed, conversation: Conversation, flow: Flow, at: datetime) -> bool:
    """Whether a text only says once more the score that was given just now.

    Another bare number is taken as an answer to the question that waits, not as a correction: on a channel without
    buttons the options of that question are numbered, and which channels those are is not known here.
    """
    last = _last_score(conversation)
    if last is None or conversation.reopened is not None:
        return False
    id, answer = last
    rating = flow.question(id)
    if at - answer.at > REPEATED or not isinstance(rating, Rating):
        return False
    score = read_bare_rating(typed.text, rating, pack(conversation.locale))
    if score is None or Scored(score=score) != answer.value:
        return False
    asked = question_for(conversation.asked, flow, conversation) if conversation.asked else None
    understood = understand(typed, asked, flow, conversation.locale) if asked else None
    likely = isinstance(asked, Rating) or (understood is not None and isinstance(understood.value, Skipped))
    return at - answer.at <= (REPEATED_AT_ONCE if likely else REPEATED)


def _last_score(conversation: Conversation) -> tuple[str, Answer] | None:
    """The rating answered on the latest turn that brought any answer."""
    newest = max((answer.turn for answer in conversation.answers.values()), default=0)
    for id, answer in conversation.answers.items():
        if answer.turn == newest and isinstance(answer.value, Scored):
            return id, answer
    return None
