"""How the settings in force stand to the files that they come from."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from bot.config.reading import Problem


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """The files cannot be used as they are now, so the settings that were in force before still are."""

    #: the config file's name
    file: str
    problems: tuple[Problem, ...]
    #: when it was noticed, and since when what is in force has been
    since: datetime
    in_force_since: datetime


#: What is wrong with the files at the moment; None: nothing.
BrokenNow = Callable[[], Broken | None]


def never() -> None:
    """Nothing is wrong: nobody looks at files."""
