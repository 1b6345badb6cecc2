"""One due row -> the same path as a tap: decide, commit. APScheduler only ticks, in memory; the rows are the truth."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import StoreContended, StoreUnavailable
from bot.intake import Intake
from bot.ports import Clock, Due, Dues

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
SWEEP_SECONDS = 60
#: due rows decided in one tick; the rest follow at the next one
AT_ONCE = 200
TOGETHER = 20
#: a wall clock that lost or won so much against a steady one was set
SET_BY = timedelta(minutes=1)
FIRST_PUT_OFF, LONGEST_PUT_OFF = timedelta(seconds=5), timedelta(hours=1)


def since_boot() -> float:
    """Seconds that no setting of the clock changes, those in which the machine slept included where it counts them."""
    steady = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if steady is None else time.clock_gettime(steady)


def _jump(seen: tuple[datetime, float], now: datetime, steady: float) -> timedelta:
    """By how much the clock was set since both clocks were looked at."""
    before, steady_before = seen
    return now - before - timedelta(seconds=steady - steady_before)


class Timers:
    """Decides due rows when their time has come, and tidies up now and then.

    ``longest_wait`` is for how long a row may be planned ahead, ``longest_survey`` one of the kind "expire": what waits
    for longer was planned by a clock that has been put back. ``steady`` counts seconds and is never set.
    """

    def __init__(
        self,
        *,
        dues: Dues,
        intake: Intake,
        clock: Clock,
        sweep: Callable[[], Awaitable[object]],
        longest_wait: Callable[[], timedelta],
        longest_survey: Callable[[], timedelta],
        steady: Callable[[], float] = since_boot,
    ) -> None:
        self._dues = dues
        self._intake = intake
        self._clock = clock
        self._sweep = sweep
        self._longest_wait = longest_wait
        self._longest_survey = longest_survey
        self._steady = steady
        #: what both clocks showed at the last tick
        self._seen: tuple[datetime, float] | None = None
        self._scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1})
        self._ticking = asyncio.Lock()
        #: how often in a row a due row failed in our own code
        self._failures: dict[str, int] = {}

    def start(self) -> None:
        self._scheduler.add_job(self.tick, "interval", seconds=TICK_SECONDS, misfire_grace_time=None)
        self._scheduler.add_job(self._tidy, "interval", seconds=SWEEP_SECONDS, misfire_grace_time=None)
        self._scheduler.start()

    async def stop(self) -> None:
        """Tick no more, and let a tick that is under way come to its end."""
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()
            async with self._ticking:
                self._scheduler.shutdown(wait=False)

    async def tick(self) -> int:
        """Decide what is due; returns how many rows were decided."""
        async with self._ticking:
            return await self._decide_due()

    async def _decide_due(self) -> int:
        try:
            await self._heed_the_clock()
            due = await self._dues.due(self._clock(), AT_ONCE)
        except StoreUnavailable as error:
            log.warning("due rows not readable: %s", error)
            return 0
        decided = 0
        for first in range(0, len(due), TOGETHER):
            # A few at a time share a commit; rows of one customer keep their order in the store.
            together = due[first : first + TOGETHER]
            decided += sum(await asyncio.gather(*(self._decide(row) for row in together)))
        return decided

    async def _heed_the_clock(self) -> None:
        """When the clock is set, what waits goes on waiting as long as it would have, neither longer nor shorter.

        If it was put back while nobody ran, at least nothing waits for the time that it showed before.
        """
        now, steady = self._clock(), self._steady()
        jump = timedelta(0) if self._seen is None else _jump(self._seen, now, steady)
        if self._seen is not None and abs(jump) > SET_BY:
            moved = await self._dues.move(self._seen[0], jump)
            log.warning("the clock was set by %s: %s due rows were moved along", jump, moved)
        if self._seen is None or jump < -SET_BY:
            await self._rewind(now)
        self._seen = now, steady

    async def _rewind(self, now: datetime) -> None:
        moved = await self._dues.rewind(now, latest=now + self._longest_wait(), expiry=now + self._longest_survey())
        if moved:
            log.warning("the clock was put back: %s due rows that waited for a far time are decided now", moved)

    async def _decide(self, row: Due) -> bool:
        try:
            await self._intake.come_due(row)
            self._failures.pop(row.key, None)
            return True
        except StoreContended as error:
            # The database works; it is this row that conflicts, perhaps each time.
            log.warning("due row %s not decided: %s", row.key, error)
            await self._put_off(row)
        except StoreUnavailable as error:
            log.warning("due row %s not decided: %s", row.key, error)
        except Exception:
            log.exception("due row %s failed", row.key)
            await self._put_off(row)
        return False

    async def _put_off(self, row: Due) -> None:
        """One row that fails must not hold up the others, nor be tried at every tick."""
        failures = self._failures[row.key] = self._failures.get(row.key, 0) + 1
        wait = min(FIRST_PUT_OFF * 2 ** min(failures - 1, 20), LONGEST_PUT_OFF)
        try:
            await self._dues.put_off(row, self._clock() + wait)
        except StoreUnavailable as error:
            log.warning("due row %s not put off: %s", row.key, error)

    async def _tidy(self) -> None:
        async with self._ticking:
            try:
                await self._sweep()
            except StoreUnavailable as error:
                log.warning("not tidied up: %s", error)
