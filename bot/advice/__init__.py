"""What can be used and is hardly meant: found by looking at the settings as a whole, before a customer finds it."""

from collections.abc import Iterator

from bot.advice.showing import consider_texts
from bot.advice.starting import consider_starts
from bot.advice.timing import consider_times
from bot.advice.walking import consider_ways
from bot.config import Settings
from bot.config.considered import Considered

__all__ = ["consider"]


def consider(settings: Settings) -> Iterator[Considered]:
    """Everything found, in no particular order."""
    yield from consider_times(settings)
    yield from consider_starts(settings)
    for pinned in settings.flows:
        yield from consider_ways(pinned.flow, settings)
        yield from consider_texts(pinned.flow, settings)
