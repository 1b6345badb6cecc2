"""Waiting after failures: longer each time, with jitter, and one log line where the trouble changes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from secrets import SystemRandom

from telegram.error import RetryAfter, TelegramError

from bot.channels.telegram.failures import reason_of, seconds_to_wait
from bot.errors import AfterchatError

Sleep = Callable[[float], Awaitable[None]]


class Patience:
    """Counts the failures of one loop: ``await failed(error)`` waits between half of and the whole next interval."""

    def __init__(
        self, log: logging.Logger, subject: str, *, first: float, longest: float, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._log = log
        self._subject = subject
        self._first = first
        self._longest = longest
        self._sleep = sleep
        self._failures = 0
        self._trouble: str | None = None
        self._random = SystemRandom()

    async def failed(self, error: Exception) -> None:
        """Log the error if it is another one than last time, and wait; Telegram's own wish is the least."""
        kind = type(error).__name__
        if kind != self._trouble:
            self._log.warning("%s: %s", self._subject, _told(error))
            self._trouble = kind
        wait = min(self._longest, self._first * 2 ** min(self._failures, 20)) * self._random.uniform(0.5, 1)
        if isinstance(error, RetryAfter):
            wait = max(wait, seconds_to_wait(error))
        self._failures += 1
        await self._sleep(wait)

    def succeeded(self) -> None:
        """Forget the failures."""
        if self._trouble is not None:
            self._log.info("%s: works again", self._subject)
        self._failures, self._trouble = 0, None


def _told(error: Exception) -> str:
    # the text of a foreign error may hold a customer's words
    match error:
        case AfterchatError():
            return str(error)
        case TelegramError():
            return reason_of(error)
        case _:
            return type(error).__name__
