"""Misbehaviour on request: what a stand-in can do wrong, and when it does."""

import asyncio
from collections import deque
from dataclasses import dataclass
from random import Random

ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimited:
    """The request is refused with 429 and a time to wait, in whole seconds."""

    retry_after: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The request is refused for good: `Refused(error="Forbidden: bot was blocked by the user")`."""

    error: str
    #: HTTP status; Slack says no with 200
    status: int = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerError:
    """The service is broken: a 5xx with a body that is no JSON."""

    status: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """No answer until `Faults.release()` or for `seconds`; `accepted` says whether the request took effect first."""

    seconds: float = 60.0
    accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """The right answer, `seconds` late."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetBefore:
    """The connection is reset and the request has no effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetAfter:
    """The request takes effect, then the connection is reset; of a delivery to the app, its answer is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadSignature:
    """One delivery to the app carries a wrong signature or secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """One delivery reaches the app `copies` times, one after the other or `concurrent`ly."""

    copies: int = 2
    concurrent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder:
    """One delivery to the app waits until the next one is there and is overtaken by it (or for `seconds`)."""

    seconds: float = 2.0


Fault = (
    RateLimited | Refused | ServerError | Hang | Slow | ResetBefore | ResetAfter | BadSignature | Duplicate | Reorder
)


class Faults:
    """The faults that wait for their request: queued ones first, then those of a probability.

    A fault is filed under a method ("sendMessage", "chat.postMessage", "response_url") or, for what goes to the
    app, under "updates" (Telegram) or "events", "interactivity", "commands" (Slack), and under a recipient (chat,
    channel or user id as text); "*" stands for any. The most exact entry wins.
    """

    def __init__(self, random: Random | None = None) -> None:
        self._random = random or Random(0)  # noqa: S311
        self._queued: dict[tuple[str, str], deque[Fault]] = {}
        self._chances: dict[tuple[str, str], tuple[Fault, float]] = {}
        self._released = asyncio.Event()

    def next(self, method: str, *faults: Fault, to: str = ANY) -> None:
        """Let the next requests of `method` meet these faults, one each."""
        self._queued.setdefault((method, to), deque()).extend(faults)

    def sometimes(self, method: str, fault: Fault, *, probability: float, to: str = ANY) -> None:
        """Let requests of `method` meet `fault` with a probability of 0 to 1, until cleared."""
        self._chances[method, to] = (fault, probability)

    def clear(self) -> None:
        """Behave well from now on, and let whatever hangs go on."""
        self._queued.clear()
        self._chances.clear()
        self.release()

    def release(self) -> None:
        """Let whatever hangs go on."""
        released, self._released = self._released, asyncio.Event()
        released.set()

    async def hold(self, seconds: float) -> None:
        """Wait for `release()`, at most `seconds`."""
        try:
            await asyncio.wait_for(self._released.wait(), seconds)
        except TimeoutError:
            return

    def take(self, method: str, to: str = ANY) -> Fault | None:
        """Take the fault that the next request of `method` for `to` meets."""
        if not self._queued and not self._chances:
            return None
        for key in ((method, to), (method, ANY), (ANY, to), (ANY, ANY)):
            if fault := self._pop(key):
                return fault
            chance = self._chances.get(key)
            if chance and self._random.random() < chance[1]:
                return chance[0]
        return None

    def waiting(self) -> list[tuple[str, str, Fault]]:
        """The queued faults with their method and recipient."""
        return [(method, to, fault) for (method, to), queue in self._queued.items() for fault in queue]

    def _pop(self, key: tuple[str, str]) -> Fault | None:
        queue = self._queued.get(key)
        if queue is None:
            return None
        fault = queue.popleft()
        if not queue:
            del self._queued[key]
        return fault
