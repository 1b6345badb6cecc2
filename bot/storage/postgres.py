"""PostgreSQL: the steps that wait share a transaction, and what they have in common shares a statement.

Steps about the same address, case or interaction never share a batch; between processes, advisory locks keep them
apart.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from bot.errors import StoreUnavailable
from bot.storage.engine import BATCH, TRIES
from bot.storage.location import PostgresAt
from bot.storage.migrate import connect_options
from bot.storage.ops import Job, Procedure
from bot.storage.postgres_batch import (
    AGAIN,
    GONE,
    STATEMENT,
    Connection,
    Task,
    drive,
    of_driver,
    transaction,
    unavailable,
)
from bot.storage.wakes import Bell

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Batches under way at once: while one waits for its commit, the next is written.
WRITERS = 2
#: How many others may run at once. Each kind has connections of its own, so that none waits for another.
CLAIMS, LOOKS, REPORTS = 1, 3, 2
CONNECTIONS = WRITERS + CLAIMS + LOOKS + REPORTS
#: Seconds that a read may wait for its turn, and each of its statements take.
LOOK, REPORT = 10.0, 60.0
#: Seconds in which a connection is made.
CONNECT = 10.0
CLOSE_WITHIN = 20.0


class _Share:
    """So many of the connections, for so many seconds."""

    def __init__(self, connections: int, seconds: float) -> None:
        self.free = asyncio.Semaphore(connections)
        self.seconds = seconds


class PostgresEngine:
    """Many connections of one event loop. ``start`` it before use."""

    def __init__(self, at: PostgresAt, bell: Bell, origin: str) -> None:
        self._at = at
        self._bell = bell
        self._origin = origin
        self._pool: Any = None
        self._open = False
        self._waiting: deque[Task] = deque()
        self._busy: set[str] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._batches = 0
        self._claims = _Share(CLAIMS, STATEMENT)
        self._looks = _Share(LOOKS, LOOK)
        self._reports = _Share(REPORTS, REPORT)

    async def start(self) -> None:
        try:
            self._pool = await asyncpg.create_pool(
                **connect_options(self._at),
                min_size=1,
                max_size=CONNECTIONS,
                timeout=CONNECT,
                command_timeout=STATEMENT,
                statement_cache_size=400,
                server_settings={
                    "application_name": "afterchat",
                    # A process that vanished must not keep its locks.
                    "idle_in_transaction_session_timeout": "60000",
                    "jit": "off",
                },
                reset=_reset,
            )
        except (*GONE, asyncpg.PostgresError) as error:
            raise unavailable(error) from error
        self._open = True

    # ---- the port ---------------------------------------------------------------------------------------

    async def write(self, job: Job) -> Any:
        if not self._open:
            raise StoreUnavailable("the store is closed")
        task = Task(job, asyncio.get_running_loop().create_future(), job.keys)
        self._waiting.append(task)
        self._pump()
        return await task.future

    async def apart(self, begin: Callable[[], Procedure[T]]) -> T:
        return await self._shielded(self._apart(begin))

    async def read(self, begin: Callable[[], Procedure[T]], *, long: bool = False) -> T:
        return await self._shielded(self._read(begin, self._reports if long else self._looks))

    async def close(self) -> None:
        """Finish what is under way, then end; returns within a bounded time."""
        self._open = False
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                while self._running:
                    await asyncio.wait(set(self._running))
                if self._pool is not None:
                    await self._pool.close()
        except TimeoutError:
            _log.warning("the database did not let go in time")
            self._pool.terminate()

    # ---- batches ----------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while self._waiting and self._batches < WRITERS:
            batch = self._take()
            if not batch:
                return
            self._batches += 1
            _ = self._begun(self._serve(batch))

    def _take(self) -> list[Task]:
        """The oldest steps that share nothing with each other, nor with older ones that wait, nor with what runs."""
        batch: list[Task] = []
        held = set(self._busy)
        passed: list[Task] = []
        while self._waiting and len(batch) < BATCH:
            task = self._waiting.popleft()
            if held.isdisjoint(task.keys):
                batch.append(task)
            else:
                passed.append(task)
            held |= task.keys
        self._waiting.extendleft(reversed(passed))
        for task in batch:
            self._busy |= task.keys
        return batch

    async def _serve(self, batch: list[Task]) -> None:
        held = frozenset().union(*(task.keys for task in batch))
        try:
            await self._commit(batch)
        finally:
            self._batches -= 1
            self._busy -= held
            self._waiting.extendleft(task for task in reversed(batch) if task.put_off)
            for task in batch:
                if not task.put_off:
                    _settle(task)
            self._bell.ring(set().union(*(task.wakes for task in batch if task.kept)))
            self._pump()

    async def _commit(self, batch: list[Task]) -> None:
        give_up = asyncio.get_running_loop().time() + STATEMENT
        for attempt in range(TRIES):
            for task in batch:
                task.result, task.error, task.wakes, task.put_off = None, None, frozenset(), False
            try:
                async with self._pool.acquire(timeout=STATEMENT) as connection:
                    await transaction(connection, batch, self._origin)
            except AGAIN as failure:
                error: Exception = failure
            except GONE as failure:
                error = failure
                if asyncio.get_running_loop().time() > give_up:
                    break
                await asyncio.sleep(0.05 * attempt)
            except Exception as failure:
                _log.exception("a batch of %d steps failed", len(batch))
                error = failure
                break
            else:
                for task in batch:
                    task.kept = task.error is None and not task.put_off
                return
        for task in batch:
            task.error, task.put_off = unavailable(error), False

    # ---- one by one -------------------------------------------------------------------------------------

    async def _apart(self, begin: Callable[[], Procedure[T]]) -> T:
        async with self._lent(self._claims) as connection, connection.transaction():
            return await drive(connection, begin(), set(), self._claims.seconds)

    async def _read(self, begin: Callable[[], Procedure[T]], share: _Share) -> T:
        async with (
            self._lent(share) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await drive(connection, begin(), set(), share.seconds)

    @asynccontextmanager
    async def _lent(self, share: _Share) -> AsyncIterator[Connection]:
        async with asyncio.timeout(share.seconds):
            await share.free.acquire()
        try:
            async with self._pool.acquire(timeout=STATEMENT) as connection:
                yield connection
        finally:
            share.free.release()

    async def _shielded(self, work: Coroutine[Any, Any, T]) -> T:
        """In a task of its own: cancelling the caller must not leave a connection half used."""
        if not self._open:
            work.close()
            raise StoreUnavailable("the store is closed")
        try:
            return await asyncio.shield(self._begun(work))
        except (*GONE, asyncpg.PostgresError) as error:
            ours = of_driver(error)
            raise ours from ours.__cause__

    def _begun(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        running: Any = task
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return task


def _settle(task: Task) -> None:
    if task.future.done():
        return
    if task.kept:
        task.future.set_result(task.result)
    else:
        task.future.set_exception(task.error or StoreUnavailable("stopped before the commit"))


async def _reset(connection: Connection) -> None:
    """Before a connection goes back to the pool. Asyncpg's own way costs a round trip each time."""
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")
