"""What a respondent's reply became once accepted: values, never the words themselves."""

from datetime import datetime

import msgspec

from bot.ids import WordsId


class Scored(msgspec.Struct, frozen=True, kw_only=True, tag="scored"):
    score: int


class Chosen(msgspec.Struct, frozen=True, kw_only=True, tag="chosen"):
    """Option ids in the order of the question."""

    options: tuple[str, ...]


class Worded(msgspec.Struct, frozen=True, kw_only=True, tag="worded"):
    """Open text; the words are kept apart, under this id."""

    words: WordsId


class Skipped(msgspec.Struct, frozen=True, kw_only=True, tag="skipped"):
    """The respondent passed the question by. Never counted as any value."""


Value = Scored | Chosen | Worded | Skipped


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A value, the turn on which it was accepted, and when."""

    value: Value
    turn: int
    at: datetime
    #: the language that it was given in, where the conversation has gone on in another one since
    locale: str = ""
