"""What a turn of a conversation did (events), what is to be said (prompts), and what the respondent did (replies).

All closed and frozen. The engine produces them; nothing here decides.
"""

from typing import Literal

import msgspec

from bot.conversations.answers import Answer
from bot.conversations.conversation import Conversation
from bot.ids import WordsId

# ---- replies ------------------------------------------------------------------------------------------


class Tap(msgspec.Struct, frozen=True, kw_only=True):
    """A press of a button that was made on ``turn``."""

    turn: int
    value: str


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """Words. ``words`` is the id under which they are kept, should they be kept."""

    text: str
    words: WordsId


Reply = Tap | Typed

# ---- events -------------------------------------------------------------------------------------------


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    question: str


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An answer counts; ``before`` is the one that it replaces."""

    question: str
    answer: Answer
    before: Answer | None = None


class Retracted(msgspec.Struct, frozen=True, kw_only=True):
    """An answer was taken back: after a correction its question no longer fits."""

    question: str
    before: Answer


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Words to keep: an answer, a comment beside one, or words that answered nothing (``question`` None)."""

    question: str | None
    text: str
    words: WordsId


class Completed(msgspec.Struct, frozen=True):
    pass


class Resumed(msgspec.Struct, frozen=True):
    """A completed conversation has an open question again, after a correction."""


class Stopped(msgspec.Struct, frozen=True):
    pass


class Expired(msgspec.Struct, frozen=True):
    pass


class TappedStale(msgspec.Struct, frozen=True, kw_only=True):
    turn: int
    value: str


Event = Asked | Answered | Retracted | Said | Completed | Resumed | Stopped | Expired | TappedStale

# ---- prompts ------------------------------------------------------------------------------------------

#: Ways to say no to a whole survey: to this one, or to all that may come.
Refusal = Literal["decline", "never"]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Post a question with its buttons."""

    question: str
    first: bool = False


class AskAgain(msgspec.Struct, frozen=True, kw_only=True):
    """Say once more how this question can be answered."""

    question: str


class Show(msgspec.Struct, frozen=True, kw_only=True):
    """Edit a question's message to what it is now: open with ticks, answered with *Change*, or open again."""

    question: str
    changeable: bool = True


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """Edit a question's message so that it offers nothing more; ``withdrawn``: it is not wanted any longer."""

    question: str
    withdrawn: bool = False
    #: what the respondent chose in place of an answer; the message then says so
    refused: Refusal | None = None


class Remind(msgspec.Struct, frozen=True, kw_only=True):
    """Post a question that nobody answered once more, with a word that this is a reminder."""

    question: str


class Bye(msgspec.Struct, frozen=True):
    """Say that a survey which the respondent did not want is over."""


class Thank(msgspec.Struct, frozen=True, kw_only=True):
    """Say thanks by the band of the score; ``again``: edit the thanks said before."""

    again: bool = False


class Unthank(msgspec.Struct, frozen=True):
    """Edit the thanks said before into a word that the answer was changed: more is asked, and thanks will follow."""


Prompt = Ask | AskAgain | Show | Close | Remind | Bye | Thank | Unthank

#: What the respondent is told at once, in passing.
Notice = Literal[
    "nothing",
    "taken",
    "ticked",
    "already_counted",
    "closed",
    "unknown_button",
    "changing",
    "too_late_to_change",
    "choose_more",
    "choose_fewer",
    "declined",
    "opted_out",
]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one call of the engine. ``conversation`` is the same object where nothing changed."""

    conversation: Conversation
    events: tuple[Event, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    notice: Notice = "nothing"
    #: a number that the notice needs: how many options at least or at most
    number: int | None = None
