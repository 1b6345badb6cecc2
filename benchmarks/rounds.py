"""One round: a new process with a new database, a warm-up, the measured surveys, and a look at every row."""

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Literal

import msgspec

from benchmarks.bots.child import Job
from benchmarks.customers import Crowd
from benchmarks.databases import Database
from benchmarks.rows import Queries, wrong_messages, wrong_rows
from benchmarks.services import Services
from benchmarks.survey import is_unhappy

#: customers at the same time
AT_ONCE = 64
#: surveys before the measured ones: connections, prepared statements, caches
WARM_UP = 128
#: seconds for a process to start, without a message until nothing is to follow, and at most for that
START_WITHIN, SETTLE, SETTLE_WITHIN = 30.0, 0.3, 10.0


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """A bot to measure."""

    name: str
    title: str
    #: the module that is its process
    module: str
    database: Literal["file", "sqlite", "postgres"]
    queries: Queries
    synchronous: str = "FULL"
    edits: bool = False


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one round came to. Times in seconds, of every webhook call to the message that it led to."""

    surveys: int
    seconds: float
    cpu: float
    #: of our own process: near ``seconds`` it would be the customers who were measured
    own_cpu: float
    exchanges: int
    latencies: list[float]


class Failed(Exception):
    """A bot that did not do its work; what it is faster at is of no interest."""


class Process:
    """The measured process and its line to us."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self._process = process
        self._name = name
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def started(cls, contender: Contender, job: Job) -> AsyncIterator["Process"]:
        argument = msgspec.json.encode(job).decode()
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", contender.module, argument)
        process = cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe), contender.title)
        try:
            async with asyncio.timeout(START_WITHIN):
                process.port = int(await process._hear("port"))
            yield process
        finally:
            await process._end()

    async def cpu(self) -> float:
        """Processor seconds so far, of all its threads."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"cpu\n")
        return await self._hear("cpu")

    async def _hear(self, what: str) -> float:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise Failed(f"{self._name} ended by itself with code {await self._process.wait()}")
        return float(msgspec.json.decode(line, type=dict[str, float])[what])

    async def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(START_WITHIN):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            raise Failed(f"{self._name} did not end") from None


async def run_round(contender: Contender, database: Database, surveys: int, core: int | None) -> Round:
    """Measure one contender once. Raises Failed when anything that it should have done was not done, or twice."""
    warm_up = min(WARM_UP, surveys)
    services = Services()
    await services.start()
    job = Job(services=services.url, database=database.address, synchronous=contender.synchronous, core=core)
    try:
        async with Process.started(contender, job) as process:
            crowd = await Crowd.arrive(services, process.port, min(AT_ONCE, surveys))
            try:
                await _play(crowd, services, 0, warm_up)
                measured = await _measure(crowd, services, process, warm_up, surveys)
            finally:
                crowd.leave()
    finally:
        await services.stop()
    customers = warm_up + surveys
    problems = wrong_messages(services, customers, edits=contender.edits)
    problems += await wrong_rows(database, contender.queries, customers)
    if problems:
        raise Failed("\n  ".join([f"{contender.title}:", *problems]))
    return measured


async def _measure(crowd: Crowd, services: Services, process: Process, first: int, surveys: int) -> Round:
    cpu, requests = await process.cpu(), services.requests
    with _no_garbage_collection():
        own_cpu, began = time.process_time(), time.perf_counter()
        latencies = await _play(crowd, services, first, surveys)
        own_cpu = time.process_time() - own_cpu
    ended = services.last_at
    await _quiet(services)
    return Round(
        surveys=surveys,
        seconds=ended - began,
        cpu=await process.cpu() - cpu,
        own_cpu=own_cpu,
        exchanges=services.requests - requests + len(latencies),
        latencies=latencies,
    )


async def _play(crowd: Crowd, services: Services, first: int, surveys: int) -> list[float]:
    """Some surveys to their very end, the alerts included."""
    async with asyncio.timeout(60 + surveys / 5):
        latencies = await crowd.play(range(first, first + surveys))
    alerts = sum(is_unhappy(n) for n in range(first + surveys))
    # what does not come is found when everything is checked
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            await services.wait_for_alerts(alerts)
    return latencies


async def _quiet(services: Services) -> None:
    """Until no message came for a while: on a busy machine the last edits follow late."""
    for _ in range(round(SETTLE_WITHIN / SETTLE)):
        await asyncio.sleep(SETTLE)
        if time.perf_counter() - services.last_at >= SETTLE:
            return


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A pause of the customers' process would be read as one of the bot's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
