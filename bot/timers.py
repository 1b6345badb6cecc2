"""One due row -> the same path as a tap: decide, commit. APScheduler only ticks, in memory; the rows are the truth."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import StoreUnavailable
from bot.intake import Intake
from bot.ports import Clock, Dues

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
SWEEP_SECONDS = 600
#: due rows decided in one tick; the rest follow at the next one
AT_ONCE = 200


class Timers:
    """Decides due rows when their time has come, and tidies up now and then."""

    def __init__(self, *, dues: Dues, intake: Intake, clock: Clock, sweep: Callable[[], Awaitable[object]]) -> None:
        self._dues = dues
        self._intake = intake
        self._clock = clock
        self._sweep = sweep
        self._scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1})
        self._ticking = asyncio.Lock()
        #: rows that failed in our own code: key -> ticks still to pass over them, and how many next time
        self._passed_over: dict[str, tuple[int, int]] = {}

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
            due = await self._dues.due(self._clock(), AT_ONCE)
        except StoreUnavailable as error:
            log.warning("due rows not readable: %s", error)
            return 0
        decided = 0
        for row in due:
            if self._is_passed_over(row.key):
                continue
            try:
                await self._intake.come_due(row)
                self._passed_over.pop(row.key, None)
                decided += 1
            except StoreUnavailable as error:
                log.warning("due row %s not decided: %s", row.key, error)
                break
            except Exception:
                # One row that fails must not hold up the others, nor be tried at every tick.
                log.exception("due row %s failed", row.key)
                self._pass_over(row.key)
        return decided

    def _is_passed_over(self, key: str) -> bool:
        left, step = self._passed_over.get(key, (0, 0))
        if left > 0:
            self._passed_over[key] = (left - 1, step)
        return left > 0

    def _pass_over(self, key: str) -> None:
        _, step = self._passed_over.get(key, (0, 1))
        wider = min(max(step, 1) * 2, 1200)
        self._passed_over[key] = (wider, wider)

    async def _tidy(self) -> None:
        async with self._ticking:
            try:
                await self._sweep()
            except StoreUnavailable as error:
                log.warning("not tidied up: %s", error)
