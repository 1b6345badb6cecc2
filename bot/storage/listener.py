"""Hears on PostgreSQL what other processes committed, and rings this process's bell."""

import asyncio
import contextlib
import logging
from typing import Any

import asyncpg

from bot.storage.location import PostgresAt
from bot.storage.migrate import connect_options
from bot.storage.wakes import EVERYTHING, Bell

_log = logging.getLogger(__name__)

CHANNEL = "afterchat"
#: Seconds until a lost connection is made again; the loops poll meanwhile.
AGAIN = 1.0


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
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._listening.wait()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _listen(self) -> None:
        while True:
            try:
                await self._until_lost()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("not listening to the database: %s", type(error).__name__)
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
            await lost.wait()
        finally:
            connection.terminate()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        origin, *wakes = payload.split(" ")
        if origin != self._origin:
            self._bell.ring(wakes)
