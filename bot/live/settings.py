"""Puts in force what stands in the files, as far as it can be used, and says so; else all stays as it was."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec

from bot.config import CurrentSettings, Settings
from bot.config.changes import changes, in_one_line, until_restart
from bot.config.reading import Problem, Reading
from bot.config.sources import Sources
from bot.config.state import Broken
from bot.errors import StoreUnavailable
from bot.ids import Ids
from bot.live.telling import Moment, broken, mended, restart
from bot.live.watching import Watch
from bot.ports import Clock
from bot.storage.notices import StoredNotices, Tell

log = logging.getLogger(__name__)

#: seconds until the next try where the database is away
AGAIN = 1.0


class WentLive(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that were put in force while the program ran."""

    at: datetime
    changes: str


class LiveSettings:
    """Follows the files of the settings while the program runs."""

    def __init__(
        self,
        *,
        watch: Watch,
        read: Callable[[Sources], Reading],
        current: CurrentSettings,
        adopt: Callable[[Settings], Awaitable[None]],
        notices: StoredNotices,
        clock: Clock,
        ids: Ids,
    ) -> None:
        """``read`` gives the settings as this program runs them; ``adopt`` puts them in force, or raises."""
        self._watch = watch
        self._read = read
        self._current = current
        self._adopt = adopt
        self._notices = notices
        self._clock = clock
        self._ids = ids
        self._in_force_since = clock()
        #: what was said in the log of the files as they are
        self._said: set[str] = set()
        #: what waits for the next start, as it was told last; None: nothing was told yet
        self._waiting: tuple[str, ...] | None = None
        #: whether the operators know how things stand
        self._told = False
        self._asked = False
        self.broken: Broken | None = None
        self.went_live: WentLive | None = None

    def read_anew(self) -> None:
        """Read the files now, whether they changed or not."""
        self._asked = True
        self._watch.read_anew()

    async def run(self) -> None:
        """Follow the files until cancelled."""
        async for sources in self._watch.news():
            try:
                await self.take(sources)
            except StoreUnavailable as error:
                log.warning("settings wait for the database: %s", error)
                await asyncio.sleep(AGAIN)
                self._watch.read_anew()

    async def take(self, sources: Sources) -> None:
        """Put what these files hold in force, or say why not. Raises StoreUnavailable."""
        # Reading takes a tenth of a second for many flows: customers need not wait for it.
        problems = await self._put_in_force(sources)
        if problems:
            await self._stays(sources, problems)

    async def _put_in_force(self, sources: Sources) -> Sequence[Problem]:
        """Use the settings; returns why they cannot be used."""
        try:
            reading = await asyncio.to_thread(self._read, sources)
            if reading.errors:
                return reading.errors
            before = self._current()
            after, waiting = until_restart(before, reading.settings)
            changed = changes(before, after)
            if after != before:
                await self._adopt(after)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("the settings could not be put in force")
            wrong = f"could not be put in force ({type(error).__name__}), see the log"
            return [Problem(file=sources.root.name, line=1, path="", wrong=wrong)]
        self._say_once(reading.warnings)
        await self._is_live(changed, waiting)
        return ()

    async def _is_live(self, changed: Sequence[str], waiting: tuple[str, ...]) -> None:
        line, asked = in_one_line(changed), self._asked
        self._asked = False
        if changed:
            self._in_force_since = self._clock()
            self.went_live = WentLive(at=self._in_force_since, changes=line)
            log.info("new settings are live: %s", line)
        elif asked:
            log.info("the settings were read anew: nothing changed")
        if self.broken is not None:
            self.broken, self._told = None, False
            log.info("the settings are in order again")
        if waiting and waiting != self._waiting:
            log.warning("these changes take effect only when Afterchat is started again: %s", ", ".join(waiting))
        if waiting != self._waiting:
            await self._tell("restart", restart(waiting, self._moment()))
            self._waiting = waiting
        if not self._told:
            # an earlier process may have ended before it could say so
            await self._tell("settings", mended(line, self._moment()))
            self._told = True

    async def _stays(self, sources: Sources, problems: Sequence[Problem]) -> None:
        self._asked = False
        since = self._clock() if self.broken is None else self.broken.since
        if self.broken is None:
            log.warning("%s could not be used, so the settings go on unchanged:", sources.root.name)
            self._said.clear()
        self._say_once(problems)
        self.broken = Broken(
            file=sources.root.name, problems=tuple(problems), since=since, in_force_since=self._in_force_since
        )
        tell = broken(sources.digest, sources.root.name, problems, self._in_force_since, self._moment())
        await self._tell("settings", tell)

    def _say_once(self, problems: Sequence[Problem]) -> None:
        for problem in map(str, problems):
            if problem not in self._said:
                log.warning("%s", problem)
                self._said.add(problem)

    async def _tell(self, topic: str, tell: Tell) -> None:
        await self._notices.tell(topic, tell)

    def _moment(self) -> Moment:
        return Moment(settings=self._current(), now=self._clock(), ids=self._ids)
