"""Tells waiting loops that there may be something to do."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable

from bot.messages import ChannelName

#: Said when nobody knows what changed: after a lost connection, or when another process wrote to the same file.
EVERYTHING = "*"


def session_wake(channel: ChannelName, session: str) -> str:
    """What a web-chat session's readers wait for; short and plain whatever the session is called."""
    named = hashlib.blake2b(f"{channel} {session}".encode("utf-8", "surrogatepass"), digest_size=8)
    return f"chat:{named.hexdigest()}"


class Bell:
    """The waiting loops of this process. Belongs to one event loop."""

    def __init__(self) -> None:
        self._outbox = asyncio.Event()
        self._dues = asyncio.Event()
        self._followers: dict[str, set[asyncio.Event]] = {}

    def ring(self, wakes: Iterable[str]) -> None:
        for wake in wakes:
            if wake in ("outbox", EVERYTHING):
                self._outbox.set()
            if wake in ("dues", EVERYTHING):
                self._dues.set()
            for event in self._followers.get(wake, ()):
                event.set()
            if wake == EVERYTHING:
                for followers in self._followers.values():
                    for event in followers:
                        event.set()

    def outbox(self) -> None:
        self._outbox.set()

    def dues(self) -> None:
        self._dues.set()

    async def wait_outbox(self, timeout: float) -> None:
        """Until there may be a message to send, or the seconds are over. Claim after it, not before."""
        await _wait(self._outbox, timeout)

    async def wait_dues(self, timeout: float) -> None:
        """Until there may be a due row that was not there before, or the seconds are over."""
        await _wait(self._dues, timeout)

    async def follow(self, wake: str) -> AsyncIterator[None]:
        """Yields at once, and again after each ring."""
        event = asyncio.Event()
        event.set()
        followers = self._followers.setdefault(wake, set())
        followers.add(event)
        try:
            while True:
                await event.wait()
                event.clear()
                yield
        finally:
            followers.discard(event)
            if not followers and self._followers.get(wake) is followers:
                del self._followers[wake]


async def _wait(event: asyncio.Event, timeout: float) -> None:
    try:
        async with asyncio.timeout(timeout):
            await event.wait()
    except TimeoutError:
        return
    # Cleared before the caller looks, so that what is put while it looks wakes it again.
    event.clear()
