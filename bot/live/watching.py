"""Notices that files changed, once they have stood still: saved by whatever editor, on whatever kind of folder.

What the files hold is looked at every few seconds and compared: that sees every change, also where the system reports
none, as on network folders, in containers, and for files behind symbolic links that are put elsewhere. What the system
does report only makes the next look come at once.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import awatch

from bot.config.sources import Sources, gather

log = logging.getLogger(__name__)

#: seconds between two looks when nothing is reported, and for which the files must stand still
LOOK_EVERY, STILL = 2.0, 0.6
#: who writes on and on is waited for no longer than this, so that what is broken is reported some time
PATIENCE = 10.0


class Watch:
    """Looks at a config file and its flow files. ``news()`` yields what they hold, first as they are now."""

    def __init__(self, path: Path, *, every: float = LOOK_EVERY, still: float = STILL) -> None:
        self._path = path
        self._every = every
        self._still = still
        self._hurry = asyncio.Event()
        self._anew = False
        self._listening: asyncio.Task[None] | None = None
        self._listened: tuple[str, ...] = ()

    def read_anew(self) -> None:
        """Yield at once, even if nothing changed."""
        self._anew = True
        self._hurry.set()

    async def news(self) -> AsyncIterator[Sources]:
        """The files, each time when they have changed and stand still; ends when it is closed."""
        seen: str | None = None
        try:
            while True:
                anew, self._anew = self._anew, False
                self._hurry.clear()
                now = await self._look()
                if now.digest != seen or anew:
                    now = await self._at_rest(now)
                    seen = now.digest
                    yield now
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._every):
                        await self._hurry.wait()
        finally:
            await self._hear(())

    async def _look(self) -> Sources:
        # Reading may take its time on a network folder.
        found = await asyncio.to_thread(gather, self._path)
        await self._hear(found.folders)
        return found

    async def _at_rest(self, found: Sources) -> Sources:
        """The files once two looks in a row find the same: editors and copies write in steps."""
        waited = 0.0
        while waited < PATIENCE:
            await asyncio.sleep(self._still)
            waited += self._still
            again = await self._look()
            if again.digest == found.digest:
                break
            found = again
        return found

    async def _hear(self, folders: tuple[str, ...]) -> None:
        """Let the system report changes in these folders, which may have come, gone, or be others than before."""
        ended = self._listening is not None and self._listening.done()
        if folders == self._listened and not ended:
            return
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None
        self._listened = folders
        if folders:
            self._listening = asyncio.create_task(self._listen(folders))

    async def _listen(self, folders: tuple[str, ...]) -> None:
        stop = asyncio.Event()
        try:
            async for _ in awatch(
                *folders, watch_filter=None, debounce=200, step=50, stop_event=stop, recursive=False, rust_timeout=1_000
            ):
                self._hurry.set()
        except Exception as error:
            # None are reported here: no more may be watched, or the folder went meanwhile. Looking goes on.
            log.debug("changes of %s are not reported (%s)", ", ".join(folders), error)
        finally:
            stop.set()
