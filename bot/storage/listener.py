"""Hears on PostgreSQL what other processes committed, and rings this process's bell."""

import asyncio
import logging
from typing import Any

import asyncpg

from bot.storage.location import PostgresAt
from bot.storage.migrate import connect_options
from bot.storage.postgres_batch import GONE
from bot.storage.wakes import EVERYTHING, Bell

_log = logging.getLogger(__name__)

CHANNEL = "afterchat"
#: Seconds until a lost connection is made again; the loops poll meanwhile.
AGAIN = 1.0
#: Seconds between two questions whether the connection still leads anywhere, and until their answer.
PING_EVERY, PING_WITHIN = 15.0, 10.0


class Listener:
    """One connection of its own, made again whenever it is lost."""

    def __init__(self, at: PostgresAt, bell: Bell, origin: str) -> None:
        self._at = at
        self._bell = bell
        self._origin = origin
        self._listening = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    async def started(self, timeout: float) -> None:
        """Until it listens, or the seconds are over."""
        await _happens(self._listening, timeout)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _listen(self) -> None:
        while True:
            try:
                await self._until_lost()
            except (*GONE, asyncpg.PostgresError) as error:
                _log.warning("not listening to the database: %s", type(error).__name__)
            except Exception:
                # Ended, it would be missed by nobody, and each message would wait for a poll.
                _log.exception("not listening to the database")
            await asyncio.sleep(AGAIN)

    async def _until_lost(self) -> None:
        connection = await asyncpg.connect(**connect_options(self._at), timeout=10)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._heard)
            self._listening.set()
            # What was said while nobody listened is not said again.
            self._bell.ring([EVERYTHING])
            while not await _happens(lost, PING_EVERY):
                # The connection may be half open: nobody tells of a lost route.
                await connection.execute("SELECT 1", timeout=PING_WITHIN)
        finally:
            connection.terminate()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        origin, *wakes = payload.split(" ")
        if origin != self._origin:
            self._bell.ring(wakes)


async def _happens(event: asyncio.Event, within: float) -> bool:
    """Wait for it; False if it did not happen in so many seconds."""
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        return False
    return True
