"""One transaction of many steps on PostgreSQL: side by side while all goes well, else one by one.

A batch of steps runs side by side: all that ask the same question ask it in one statement, and their rows are
written together. If anything about the batch goes wrong, it is rolled back to its savepoint and its steps run one by
one, each in a savepoint of its own.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, assert_never

import asyncpg

from bot.errors import StoreRefused, StoreUnavailable
from bot.storage.codec import clean
from bot.storage.engine import TRIES, contended
from bot.storage.ops import Ask, Call, Do, Hold, Job, LostRace, Op, Procedure, Query, Row, Statement, Values

T = TypeVar("T")

#: Seconds that one statement may take.
STATEMENT = 30.0
#: A longer list of wakes is said as "everything": PostgreSQL takes 8,000 bytes.
_PAYLOAD = 7_000

Connection = Any  # asyncpg has no types of its own

#: The whole transaction may succeed if it is tried again.
AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
#: The connection is gone, or never was there.
GONE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # what the driver did not expect, and for a schema that changed under it
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)


@dataclass(slots=True, eq=False)
class Task:
    job: Job
    future: asyncio.Future[Any]
    keys: frozenset[str]
    result: Any = None
    error: Exception | None = None
    wakes: frozenset[str] = frozenset()
    kept: bool = False
    #: it shares an address with another step, here or in another process, found only after the batch began
    put_off: bool = False


@dataclass(slots=True, eq=False)
class _Run:
    """A task's procedure, and what it asks for now."""

    task: Task
    procedure: Procedure[Any]
    call: Call | None = None
    wrote: bool = False
    wakes: set[str] = field(default_factory=set)


class _Taken(Exception):
    """Somebody else holds what a step found out that it needs."""

    def __init__(self, keys: frozenset[str]) -> None:
        super().__init__(*keys)
        self.keys = keys


class _Clash(Exception):
    """Steps of one batch want the same row, so that they must run one after the other."""


def lock_number(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest(), signed=True)


async def transaction(connection: Connection, batch: list[Task], origin: str) -> None:
    locks = _locks(frozenset().union(*(task.keys for task in batch)))
    try:
        await connection.execute(f"BEGIN; {locks}SAVEPOINT together")
        try:
            await _together(connection, batch)
        except (*AGAIN, *GONE):
            raise
        except (asyncpg.PostgresError, _Clash, LostRace, ValueError, TypeError, OverflowError):
            await connection.execute("ROLLBACK TO SAVEPOINT together")
            await _one_by_one(connection, batch)
        await connection.execute(_notice(batch, origin) + "COMMIT")
    except BaseException:
        if not connection.is_closed():
            await _rollback(connection)
        raise


async def _rollback(connection: Connection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except (*GONE, asyncpg.PostgresError):
        connection.terminate()


def _locks(keys: frozenset[str]) -> str:
    """Sorted, so that no two batches wait for each other."""
    return "".join(f"SELECT pg_advisory_xact_lock({n}); " for n in sorted(lock_number(key) for key in keys))


async def _try(connection: Connection, keys: Iterable[str]) -> set[str]:
    """Which of these nobody else holds, and now we do.

    Tried and not waited for: two processes that hold locks already would wait for each other. Who is put off begins
    again with all that it needs, in order.
    """
    numbers = {lock_number(key): key for key in keys}
    if not numbers:
        return set()
    rows = await connection.fetch(
        "SELECT n FROM unnest($1::bigint[]) AS t(n) WHERE pg_try_advisory_xact_lock(n)", sorted(numbers)
    )
    return {numbers[row[0]] for row in rows}


def _notice(batch: Iterable[Task], origin: str) -> str:
    wakes = sorted(set().union(*(task.wakes for task in batch if task.error is None)))
    if not wakes:
        return ""
    said = " ".join(wakes)
    return f"NOTIFY afterchat, '{origin} {said if len(said) < _PAYLOAD else '*'}'; "


async def _one_by_one(connection: Connection, batch: list[Task]) -> None:
    for task in batch:
        if not task.put_off:
            await _alone(connection, task)


async def _alone(connection: Connection, task: Task) -> None:
    for attempt in range(1, TRIES + 1):
        wakes: set[str] = set()
        await connection.execute("SAVEPOINT alone")
        try:
            task.result = await drive(connection, task.job.begin(), wakes)
        except (*AGAIN, *GONE):
            raise
        except _Taken as taken:
            await connection.execute("ROLLBACK TO SAVEPOINT alone; RELEASE SAVEPOINT alone")
            task.keys, task.put_off = task.keys | taken.keys, True
        except Exception as error:
            await connection.execute("ROLLBACK TO SAVEPOINT alone; RELEASE SAVEPOINT alone")
            if isinstance(error, LostRace | asyncpg.IntegrityConstraintViolationError) and attempt < TRIES:
                continue
            task.error = _of_step(error)
        else:
            await connection.execute("RELEASE SAVEPOINT alone")
            task.error, task.wakes = None, frozenset(wakes)
        return


async def drive(connection: Connection, procedure: Procedure[T], wakes: set[str], timeout: float = STATEMENT) -> T:
    answer: Any = None
    try:
        while True:
            call = procedure.send(answer)
            match call:
                case Ask(query=query, values=values):
                    answer = await connection.fetch(query.postgres, *clean(values), timeout=timeout)
                case Do(statements=statements):
                    (answer,) = await _change(connection, [statements])
                    wakes |= call.wakes
                case Hold(keys=keys):
                    if await _try(connection, keys) != keys:
                        raise _Taken(keys)
                    answer = None
                case _:
                    assert_never(call)
    except StopIteration as stop:
        result: T = stop.value
        return result


# ---- side by side -----------------------------------------------------------------------------------------


async def _together(connection: Connection, batch: list[Task]) -> None:
    """Run all procedures in step: first everything that any of them asks, then what they write, all at once."""
    runs = [_Run(task, task.job.begin()) for task in batch]
    going = [run for run in runs if _advance(run, None)]
    while going:
        asking = [run for run in going if not isinstance(run.call, Do)]
        if asking:
            await _hold(connection, asking, batch)
            await _ask(connection, [run for run in asking if isinstance(run.call, Ask)])
        else:
            await _write(connection, going)
        going = [run for run in going if run.call is not None]
    for run in runs:
        run.task.wakes = frozenset(run.wakes)


def _advance(run: _Run, answer: Any) -> bool:
    """Hand a procedure its answer; False when it has ended."""
    try:
        run.call = run.procedure.send(answer)
    except StopIteration as stop:
        run.task.result, run.call = stop.value, None
    except (LostRace, _Clash):
        raise
    except Exception as error:
        if run.wrote:
            raise _Clash("a step failed after it had written") from error
        run.task.error, run.call = _of_step(error), None
    return run.call is not None


async def _hold(connection: Connection, runs: list[_Run], batch: list[Task]) -> None:
    """Take what steps found out that they need; whoever finds it taken is put off."""
    holding = [(run, run.call.keys - run.task.keys) for run in runs if isinstance(run.call, Hold)]
    if not holding:
        return
    held: set[str] = set().union(*(task.keys for task in batch if not task.put_off))
    free = await _try(connection, set().union(*(keys for _, keys in holding)) - held)
    for run, keys in holding:
        run.task.keys |= keys
        if keys <= free:
            free -= keys
            _advance(run, None)
        else:
            run.procedure.close()
            run.call, run.task.put_off = None, True


async def _ask(connection: Connection, runs: list[_Run]) -> None:
    questions: dict[Query, list[tuple[_Run, Values]]] = {}
    for run in runs:
        if isinstance(run.call, Ask):
            questions.setdefault(run.call.query, []).append((run, clean(run.call.values)))
    for query, asked in questions.items():
        if len(asked) == 1 or not query.batch:
            for run, values in asked:
                _advance(run, await connection.fetch(query.postgres, *values))
            continue
        answers: list[list[Row]] = [[] for _ in asked]
        for row in await connection.fetch(query.batch, *_arrays([values for _, values in asked])):
            place, *rest = row
            answers[place - 1].append(rest)
        for (run, _), answer in zip(asked, answers, strict=True):
            _advance(run, answer)


async def _write(connection: Connection, runs: list[_Run]) -> None:
    writes = [(run, run.call) for run in runs if isinstance(run.call, Do)]
    changed = await _change(connection, [call.statements for _, call in writes])
    for (run, call), answer in zip(writes, changed, strict=True):
        run.wakes |= call.wakes
        run.wrote = True
        _advance(run, answer)


@dataclass(slots=True, eq=False)
class _Rows:
    """What one statement writes: the rows, and of each the step and its place in that step's list."""

    rows: list[Values] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    must_change: list[bool] = field(default_factory=list)
    keys: set[Values] = field(default_factory=set)


async def _change(connection: Connection, steps: Sequence[Sequence[Statement]]) -> list[list[bool]]:
    """Write what all steps want written, with one statement per kind of row and wave. Raises LostRace, _Clash."""
    changed = [[True] * len(statements) for statements in steps]
    for (_, _, op), group in sorted(_waves(steps).items(), key=lambda item: item[0][:2]):
        rows = await connection.fetch(op.batch, *_arrays(group.rows))
        if op.returns == "nothing":
            continue
        done = _changed(op, rows, group)
        for row_changed, (step, place), must in zip(done, group.places, group.must_change, strict=True):
            if must and not row_changed:
                raise LostRace(op.table)
            changed[step][place] = row_changed
    return changed


def _arrays(rows: Sequence[Values]) -> list[list[Any]]:
    """One list per column, as unnest takes them."""
    return [list(column) for column in zip(*rows, strict=True)]


def _changed(op: Op, returned: Sequence[Row], group: _Rows) -> list[bool]:
    if len(returned) == len(group.rows):
        return [True] * len(group.rows)
    if op.returns == "place":
        places = {row[0] for row in returned}
        return [place in places for place in range(1, len(group.rows) + 1)]
    keys = {tuple(row) for row in returned}
    return [tuple(row[i] for i in op.key) in keys for row in group.rows]


def _waves(steps: Sequence[Sequence[Statement]]) -> dict[tuple[int, int, Op], _Rows]:
    """The statements grouped: by wave, so that a step's own order holds within a table, then by rank."""
    groups: dict[tuple[int, int, Op], _Rows] = {}
    for step, statements in enumerate(steps):
        wave = 0
        ops: dict[str, Op] = {}
        own: set[tuple[Op, Values]] = set()
        for place, statement in enumerate(statements):
            op, values = statement.op, clean(statement.values)
            key = tuple(values[i] for i in op.key)
            if ops.get(op.table, op) is not op or (op.key and (op, key) in own):
                wave += 1
                ops.clear()
                own.clear()
            ops[op.table] = op
            own.add((op, key))
            group = groups.setdefault((wave, op.rank, op), _Rows())
            if op.key:
                if key in group.keys:
                    raise _Clash(op.table)
                group.keys.add(key)
            group.rows.append(values)
            group.places.append((step, place))
            group.must_change.append(statement.must_change)
    return groups


def _of_step(error: Exception) -> Exception:
    match error:
        case LostRace():
            return contended(error)
        case asyncpg.IntegrityConstraintViolationError(constraint_name=name):
            # The driver's own text quotes the values, which may name a person.
            return contended(name)
        case asyncpg.DataError() | asyncpg.ProgramLimitExceededError():
            # The driver's own text quotes the value, which may be a customer's words.
            return StoreRefused(f"the database does not take this: {type(error).__name__}")
        case asyncpg.PostgresError():
            return unavailable(error)
        case _:
            return error


def of_driver(error: Exception) -> Exception:
    """What the driver raised, in words of our own; its cause is left out where its text may quote a customer."""
    return unavailable(error) if isinstance(error, GONE) else _of_step(error)


def unavailable(error: BaseException | None) -> StoreUnavailable:
    said = StoreUnavailable(f"the database does not answer: {error}")
    said.__cause__ = error
    return said
