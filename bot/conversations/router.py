"""Who gets a customer's next words: one pure function, with a table of cases as its test.

``docs/who-hears-what.md`` says the same in words for admins.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Literal

import msgspec

from bot.conversations.conversation import Conversation
from bot.conversations.events import Typed
from bot.conversations.flow import Flow
from bot.conversations.questions import OpenText, Rating
from bot.conversations.rules import may_decline
from bot.conversations.steering import may_go_back
from bot.conversations.typed import is_label, is_word, says_no_thanks
from bot.conversations.words import understand
from bot.ids import WordsId
from bot.languages import locales, pack, stop_words
from bot.messages import CommandName

Route = Literal[
    "stop",
    "start",
    "feedback",
    "leave_panel",
    "human",
    "back",
    "speak",  # a language that is asked for
    "language",  # the choice of languages
    "decline",
    "recovery",
    "survey",
    "case",
    "nobody",
]

_SLASHED: Mapping[str, CommandName] = {
    "/feedback": "feedback",
    "/stop": "stop",
    "/start": "start",
    "/human": "human",
    "/language": "language",
}


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """What the follow-up of a customer has to do with their next words: there is a case that listens."""

    #: when the customer was last told or asked something by an agent, or what is still wrong; None: not yet, or the
    #: case has come to its end
    spoken_at: datetime | None = None
    #: when the customer was told that a person will write, because they asked for one
    wanted_at: datetime | None = None
    #: when the customer was asked "Is it fixed?", if the text is an answer to that
    fixed_asked_at: datetime | None = None
    #: the same, whatever the text is, as long as no answer came
    fixed_open_since: datetime | None = None


def slashed(text: str) -> tuple[CommandName, str] | None:
    """The command, and what stands beside it, that a chat window without commands of its own sends as words.

    >>> slashed(" /feedback it was slow"), slashed("feedback")
    (('feedback', 'it was slow'), None)
    """
    head, _, argument = text.strip().partition(" ")
    command = _SLASHED.get(head.casefold())
    return None if command is None else (command, argument.strip())


def route(
    text: str,
    locale: str,
    conversation: Conversation | None,
    flow: Flow | None,
    *,
    case: Following | None,
    opted_out: bool,
) -> Route:
    """Where a text goes, in this order; ``flow`` is the conversation's.

    1. *stop*: the text is nothing but a word of any language that can only mean this.
    2. *stop*, *start*, *feedback*: the text is nothing but such a word of the customer's language (``locale``), of the
       conversation's, or of English. What may also be an answer counts as an answer where one is awaited: "basta" is
       no *stop* while someone is asked for words or talks with an agent, nor is "never again", which the case hears if
       no survey does; "complaint" is no *feedback* during a survey or such a talk, and the start word counts only for
       one who opted out. What the flow's author writes on the button that opts out is a *stop*, too: while the button
       stands, and later where "never again" is one; but not as an option's label.
    3. *human*: the text is nothing but such a word of any language. Not where it may be an answer: as an option's
       label, to an agent who has spoken and reads it (but when "Is it fixed?" was asked last, it is one), nor "the
       staff" where something else than a score is awaited.
    4. *back*, *speak*: the text is nothing but a word that goes back to an answer that there is, or asks for one of our
       languages. Nothing is lost by them, so they are heard while someone is asked for words, but not as an option's
       label or by an agent. *language*, which asks for the choice, is not heard while someone is asked for words.
       *leave_panel* is heard from anybody at any time, but not as an option's label.
    5. *decline*: the text is nothing but such a "not now" or a "no thanks" of any language, and all that waits is the
       first question of a survey that the customer did not ask for. Not where it may be an answer: as an option's
       label, to an agent, to "Is it fixed?", and "not now" to an open text. So is the author's label of the button.
    6. *recovery*: the text answers "Is it fixed?", unless a survey asked something later that it answers too.
    7. *survey*: a survey waits for words, or an answer is being corrected; but after an agent's words, or when the
       customer has asked for a person, only what is, as a whole, an answer to the rating or choice that waits. A survey
       that was passed over goes on waiting.
    8. *case*: the customer's case listens, so agents should read what they add.
    9. *nobody*: kept beside the last conversation if there is one, never answered.
    """
    if is_word(text, stop_words()):
        return "stop"
    command = _command(text, locale, conversation, flow, case, opted_out=opted_out)
    if command is not None:
        return command
    steered = _steered(text, locale, conversation, flow, case)
    if steered is not None:
        return steered
    if _says_no_to_agents(text, conversation, case):
        return "case"
    if _declines(text, locale, conversation, flow, case):
        return "decline"
    listens = conversation is not None and _listens(conversation)
    if case is not None and case.fixed_asked_at is not None:
        newer = listens and conversation is not None and conversation.touched_at > case.fixed_asked_at
        if not (newer and (_awaits_words(conversation, flow) or _answers(text, conversation, flow))):
            return "recovery"
    if listens and not (_passed_over(conversation, case) and not _answers(text, conversation, flow)):
        return "survey"
    return "nobody" if case is None else "case"


def _command(
    text: str,
    locale: str,
    conversation: Conversation | None,
    flow: Flow | None,
    case: Following | None,
    *,
    opted_out: bool,
) -> Literal["stop", "start", "feedback"] | None:
    talks = case is not None and case.spoken_at is not None
    listens = conversation is not None and _listens(conversation)
    may_be_meant = not talks and not _awaits_words(conversation, flow) and (listens or case is None)
    if _is_own_never(text, conversation, flow, meant=may_be_meant):
        return "stop"
    for words in _commands(locale, conversation):
        may_end = not talks and not _awaits_words(conversation, flow) and not _has_ticks(conversation)
        if may_end and is_word(text, words["enough"]):
            return "stop"
        if may_be_meant and is_word(text, words["never"]):
            return "stop"
        if opted_out and is_word(text, words["start"]):
            return "start"
        if not talks and not listens and is_word(text, words["feedback"]):
            return "feedback"
    return None


def _is_own_never(text: str, conversation: Conversation | None, flow: Flow | None, *, meant: bool) -> bool:
    """Whether a text is what the author writes on the button that opts out, where no other answer reads like it."""
    if conversation is None or not _listens(conversation) or not _is_own("button.never", text, conversation, flow):
        return False
    return (meant or may_decline(conversation)) and not _answers(text, conversation, flow)


def _is_own(key: str, text: str, conversation: Conversation, flow: Flow | None) -> bool:
    """Whether a text is a button's label that the author puts differently from the packs, whose words are known."""
    if flow is None or key not in flow.sentences:
        return False
    return is_label(text, flow.voice(conversation.locale).say(key))


def _steered(
    text: str, locale: str, conversation: Conversation | None, flow: Flow | None, case: Following | None
) -> Literal["human", "back", "language", "speak", "leave_panel"] | None:
    """Whether a text asks for a person, the answer before, another language or an end, and can be nothing else."""
    talks = case is not None and case.spoken_at is not None
    awaits_words, answers = _awaits_words(conversation, flow), _answers(text, conversation, flow)
    if not answers and is_word(text, _panel_words()):
        return "leave_panel"
    to_an_agent = talks and (case is None or case.fixed_open_since is None)
    says_why = _asks_why(conversation, flow)
    if not answers and not to_an_agent and is_word(text, human_words("human" if says_why else "staff")):
        return "human"
    if answers or talks:
        return None
    if asked_for(text) is not None:
        return "speak"
    for words in _commands(locale, conversation):
        back = (*words["back"], *(() if says_why else words["change"]))
        if conversation is not None and may_go_back(conversation) and is_word(text, back):
            return "back"
        if not awaits_words and is_word(text, words["language"]):
            return "language"
    return None


@cache
def human_words(most: Literal["human", "staff"] = "staff") -> frozenset[str]:
    """How all languages ask for a person, for who needs one may not speak ours; "staff" is all of them.

    With "human" they are those that can mean nothing else.
    """
    names = ("human",) if most == "human" else ("human", "staff")
    return frozenset(word for tag in locales() for name in names for word in pack(tag).commands[name])


def _asks_why(conversation: Conversation | None, flow: Flow | None) -> bool:
    """Whether something else than a score is awaited, so that "the staff" may be what somebody has to say of it."""
    if conversation is None or flow is None or not _listens(conversation):
        return False
    waiting = flow.question(conversation.reopened or conversation.asked or "")
    return waiting is not None and not isinstance(waiting, Rating)


@cache
def _panel_words() -> frozenset[str]:
    """How all languages ask to leave the advisory panel."""
    return frozenset(word for tag in locales() for word in pack(tag).commands["leave_panel"])


def asked_for(text: str) -> str | None:
    """The tag of the pack whose language a text asks for, by its name or with it.

    >>> asked_for("In italiano!"), asked_for("Italian food")
    ('it', None)
    """
    names = _names_of_languages()
    return next((names[name] for name in names if is_word(text, (name,))), None) if is_word(text, names) else None


@cache
def _names_of_languages() -> Mapping[str, str]:
    """What asks for a language -> its tag."""
    return {name: tag for tag in locales() for name in pack(tag).asked_for_by}


def _commands(locale: str, conversation: Conversation | None) -> list[Mapping[str, Collection[str]]]:
    """The commands of the languages that the customer may use."""
    tags = dict.fromkeys((locale, conversation.locale if conversation else locale, "en"))
    return [pack(tag).commands for tag in tags]


def _declines(
    text: str, locale: str, conversation: Conversation | None, flow: Flow | None, case: Following | None
) -> bool:
    """Whether a text says no to a survey that nobody asked for, and can be nothing else."""
    if conversation is None or not may_decline(conversation) or _passed_over(conversation, case):
        return False
    if _answers(text, conversation, flow):
        return False
    if says_no_thanks(text) or _is_own("button.decline", text, conversation, flow):
        return True
    if _awaits_words(conversation, flow):
        return False
    return any(is_word(text, words["not_now"]) for words in _commands(locale, conversation))


def _says_no_to_agents(text: str, conversation: Conversation | None, case: Following | None) -> bool:
    """Whether a "no thanks" comes when "Is it fixed?" was asked last: what it means agents should say."""
    if case is None or case.fixed_open_since is None or not says_no_thanks(text):
        return False
    return conversation is None or case.fixed_open_since > conversation.touched_at


def _listens(conversation: Conversation) -> bool:
    return conversation.status == "waiting" or conversation.reopened is not None


def _awaits_words(conversation: Conversation | None, flow: Flow | None) -> bool:
    """Whether an open text is among the open questions, so that nearly any word may be its answer."""
    if conversation is None or flow is None:
        return False
    opened = (conversation.asked, conversation.reopened)
    return any(isinstance(question, OpenText) and question.id in opened for question in flow.questions)


def _has_ticks(conversation: Conversation | None) -> bool:
    """Whether boxes are ticked, so that "that's enough" finishes them."""
    return conversation is not None and any(conversation.drafts.values())


def _passed_over(conversation: Conversation | None, case: Following | None) -> bool:
    """Whether the customer was told something by an agent after the survey last asked or heard anything.

    That an agent will write is as good: who asked for a person goes on to tell what it is about.
    """
    if conversation is None or case is None:
        return False
    spoken = case.spoken_at is not None and case.spoken_at > conversation.touched_at
    return spoken or (case.wanted_at is not None and case.wanted_at >= conversation.touched_at)


def _answers(text: str, conversation: Conversation | None, flow: Flow | None) -> bool:
    """Whether the whole text is an answer to the rating or choice that words would go to."""
    waiting = None if conversation is None else conversation.reopened or conversation.asked
    question = None if flow is None or waiting is None else flow.question(waiting)
    if conversation is None or flow is None or question is None or isinstance(question, OpenText):
        return False
    understood = understand(Typed(text=text, words=WordsId("")), question, flow, conversation.locale)
    return understood is not None and understood.words is None
