"""SQLite: one thread owns the connection that writes; whatever waits for it goes into one commit.

The threads are daemons. A crash that closes nothing ends the process all the same, and what was told to be kept was
committed before it was told.
"""

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, assert_never

from bot.errors import StoreRefused, StoreUnavailable
from bot.storage.codec import clean
from bot.storage.engine import BATCH, TRIES, contended
from bot.storage.ops import Ask, Do, Hold, Job, LostRace, Op, Procedure, Statement, for_rows
from bot.storage.wakes import EVERYTHING, Bell

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Seconds that a statement waits for another process to finish writing.
BUSY = 10.0
#: Seconds between two looks whether another process wrote to the file.
LOOK_EVERY = 0.5
#: Rows that go into one statement at most.
ROWS = 20
#: Seconds that closing waits for what is under way.
CLOSE_WITHIN = 20.0


def connect(path: Path, *, reads_only: bool = False) -> sqlite3.Connection:
    """A connection in which transactions are ours alone to begin; durable through a loss of power."""
    connection = sqlite3.connect(
        path, timeout=BUSY, isolation_level=None, check_same_thread=False, cached_statements=400
    )
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "temp_store = MEMORY", "cache_size = -16384"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        if reads_only:
            connection.execute("PRAGMA query_only = ON").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


@dataclass(slots=True, eq=False)
class _Task:
    """A job that waits for a thread, and who waits for it."""

    job: Job
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class _Stop:
    """The last thing in a thread's queue."""


class _Thread:
    """A daemon thread with a connection of its own, fed through a queue."""

    def __init__(self, name: str, path: Path, bell: Bell, *, reads_only: bool) -> None:
        self._path = path
        self._bell = bell
        self._reads_only = reads_only
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Task | _Stop] = queue.SimpleQueue()
        self._ended = self._loop.create_future()
        self._open = True
        self._thread = threading.Thread(target=self._main, name=f"afterchat-{name}", daemon=True)
        self._connection = connect(path, reads_only=reads_only)
        self._thread.start()

    def submit(self, job: Job) -> asyncio.Future[Any]:
        """The future may be cancelled at any time; the job is done all the same."""
        if not self._open:
            raise StoreUnavailable("the store is closed")
        future = self._loop.create_future()
        self._queue.put(_Task(job, future))
        return future

    def stop(self) -> None:
        if self._open:
            self._open = False
            self._queue.put(_Stop())

    async def close(self) -> None:
        """Finish what waits, then end. Returns even if the thread is stuck: it dies with the process."""
        self.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN):
                await asyncio.shield(self._ended)

    def _main(self) -> None:
        try:
            while self._serve_next():
                pass
        finally:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._tell(self._say_ended)

    def _say_ended(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _serve_next(self) -> bool:
        try:
            first = self._queue.get(timeout=None if self._reads_only else LOOK_EVERY)
        except queue.Empty:
            self.idle()
            return True
        batch = [] if isinstance(first, _Stop) else [first]
        stop = isinstance(first, _Stop)
        while not stop and len(batch) < BATCH:
            try:
                task = self._queue.get_nowait()
            except queue.Empty:
                break
            if isinstance(task, _Stop):
                stop = True
            else:
                batch.append(task)
        if batch:
            self._answer(batch)
        return not stop

    def _answer(self, batch: list[_Task]) -> None:
        try:
            wakes = self.serve(self._connection, batch)
        except Exception as error:
            _log.exception("a batch of %d steps failed", len(batch))
            _fail(batch, error)
            wakes = frozenset()
        self._tell(lambda: self._settle(batch, wakes))

    def _settle(self, batch: list[_Task], wakes: Iterable[str]) -> None:
        for task in batch:
            if task.future.done():
                continue
            if task.error is None:
                task.future.set_result(task.result)
            else:
                task.future.set_exception(task.error)
        self._bell.ring(wakes)

    def _tell(self, say: Callable[[], object]) -> None:
        # The event loop may be gone after a crash; then nobody waits for an answer.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(say)

    def idle(self) -> None:
        """Nothing came for a while."""

    def serve(self, connection: sqlite3.Connection, batch: list[_Task]) -> frozenset[str]:
        raise NotImplementedError


class _Writer(_Thread):
    """The one thread of this process that writes."""

    def __init__(self, path: Path, bell: Bell) -> None:
        self._version = 0
        self._looked = 0.0
        super().__init__("writer", path, bell, reads_only=False)

    def idle(self) -> None:
        wakes = self._look()
        if wakes:
            self._tell(lambda: self._bell.ring(wakes))

    def _look(self) -> frozenset[str]:
        """Whether another process wrote to the file: it cannot wake the loops of this one."""
        self._looked = time.monotonic()
        with contextlib.suppress(sqlite3.Error):
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            changed, self._version = version != self._version, version
            return frozenset({EVERYTHING}) if changed else frozenset()
        return frozenset()

    def serve(self, connection: sqlite3.Connection, batch: list[_Task]) -> frozenset[str]:
        wakes: set[str] = set()
        try:
            _begin(connection)
            if not _run_together(connection, batch, wakes):
                # Decisions are pure: all are made again, each in a savepoint, so that what failed fails alone.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                _begin(connection)
                _run_one_by_one(connection, batch, wakes)
            connection.execute("COMMIT")
        except (sqlite3.Error, StoreUnavailable) as error:
            # Nothing of the batch was kept, whatever each step had come to.
            _fail(batch, error)
            if connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            return frozenset()
        if time.monotonic() - self._looked > LOOK_EVERY:
            wakes |= self._look()
        return frozenset(wakes)


class _Reader(_Thread):
    """A thread that only reads, so that no scan holds up the writer."""

    def serve(self, connection: sqlite3.Connection, batch: list[_Task]) -> frozenset[str]:
        for task in batch:
            try:
                connection.execute("BEGIN")
                try:
                    task.result = _drive(connection, task.job.begin(), set())
                finally:
                    if connection.in_transaction:
                        connection.execute("COMMIT")
            except sqlite3.Error as error:
                task.error = _unavailable(error)
            except Exception as error:
                task.error = error
        return frozenset()


def _begin(connection: sqlite3.Connection) -> None:
    """IMMEDIATE: the writer's lock comes first, so that nothing that is read afterwards can be out of date."""
    deadline = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def _run_together(connection: sqlite3.Connection, batch: list[_Task], wakes: set[str]) -> bool:
    """All steps without savepoints; False if any of them failed, and then nothing of this may stay."""
    try:
        for task in batch:
            task.result = _drive(connection, task.job.begin(), wakes)
    except Exception:
        wakes.clear()
        return False
    return True


def _run_one_by_one(connection: sqlite3.Connection, batch: list[_Task], wakes: set[str]) -> None:
    for task in batch:
        task.result = None
        _run_alone(connection, task, wakes)
        if not connection.in_transaction:
            raise StoreUnavailable("the database ended the transaction by itself")


def _run_alone(connection: sqlite3.Connection, task: _Task, wakes: set[str]) -> None:
    """One step in its own savepoint: what fails here is this step's alone."""
    for attempt in range(1, TRIES + 1):
        own: set[str] = set()
        connection.execute("SAVEPOINT step")
        try:
            task.result = _drive(connection, task.job.begin(), own)
        except Exception as error:
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO step")
            connection.execute("RELEASE step")
            if isinstance(error, LostRace | sqlite3.IntegrityError) and attempt < TRIES:
                continue
            task.error = _of_step(error)
        else:
            connection.execute("RELEASE step")
            wakes |= own
        return


def _drive(connection: sqlite3.Connection, procedure: Procedure[T], wakes: set[str]) -> T:
    answer: Any = None
    try:
        while True:
            call = procedure.send(answer)
            match call:
                case Ask():
                    answer = connection.execute(call.query.sqlite, clean(call.values)).fetchall()
                case Do():
                    answer = _change(connection, call)
                    wakes |= call.wakes
                case Hold():
                    answer = None
                case _:
                    assert_never(call)
    except StopIteration as stop:
        result: T = stop.value
        return result


def _change(connection: sqlite3.Connection, call: Do) -> list[bool]:
    statements = call.statements
    changed = [True] * len(statements)
    for op, places in _alike(statements):
        if op.returns == "nothing" and not op.alone and 1 < len(places) <= ROWS:
            values = [value for place in places for value in clean(statements[place].values)]
            connection.execute(for_rows(op, len(places)), values)
            continue
        for place in places:
            count = connection.execute(op.sqlite, clean(statements[place].values)).rowcount
            if statements[place].must_change and not count:
                raise LostRace(op.table)
            changed[place] = count > 0
    return changed


def _alike(statements: Sequence[Statement]) -> Iterator[tuple[Op, Sequence[int]]]:
    """The places of the statements that can be one: each table's in their order. None looks at another table."""
    tables: dict[str, list[tuple[Op, list[int]]]] = {}
    for place, statement in enumerate(statements):
        runs = tables.setdefault(statement.op.table, [])
        if not runs or runs[-1][0] is not statement.op:
            runs.append((statement.op, []))
        runs[-1][1].append(place)
    return chain.from_iterable(tables.values())


def _of_step(error: Exception) -> Exception:
    match error:
        case LostRace() | sqlite3.IntegrityError():
            return contended(error)
        case sqlite3.OperationalError():
            return _unavailable(error)
        case sqlite3.Error() | OverflowError():
            return StoreRefused(f"the database does not take this: {error}")
        case _:
            return error


def _unavailable(error: BaseException) -> StoreUnavailable:
    said = StoreUnavailable(f"the database does not answer: {error}")
    said.__cause__ = error
    return said


def _fail(batch: list[_Task], error: Exception) -> None:
    for task in batch:
        task.result, task.error = None, _unavailable(error)


class SqliteEngine:
    """One writing thread, one for short reads, one for scans. Open it in the event loop that will use it."""

    def __init__(self, path: Path, bell: Bell) -> None:
        self._threads: list[_Thread] = []
        try:
            self._writer = self._started(_Writer(path, bell))
            self._reader = self._started(_Reader("reader", path, bell, reads_only=True))
            self._scanner = self._started(_Reader("scanner", path, bell, reads_only=True))
        except sqlite3.Error as error:
            for thread in self._threads:
                thread.stop()
            raise _unavailable(error) from error

    def _started(self, thread: _Thread) -> _Thread:
        self._threads.append(thread)
        return thread

    async def write(self, job: Job) -> Any:
        return await self._writer.submit(job)

    async def apart(self, begin: Callable[[], Procedure[T]]) -> T:
        result: T = await self._writer.submit(Job(begin))
        return result

    async def read(self, begin: Callable[[], Procedure[T]], *, long: bool = False) -> T:
        thread = self._scanner if long else self._reader
        result: T = await thread.submit(Job(begin))
        return result

    async def close(self) -> None:
        await asyncio.gather(*(thread.close() for thread in self._threads))
