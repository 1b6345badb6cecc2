"""What every measured process does beside its work: it takes a core, serves, and tells its processor time.

The parent gives a Job as JSON in the one argument and reads ``{"port": ...}`` as the first line. Then each line of
input is answered by a line: ``cpu`` by ``{"cpu": seconds}``; the end of input ends the process.
"""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager

import msgspec


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a measured process must know. ``synchronous`` is for the bare handler alone."""

    services: str
    database: str
    synchronous: str = "FULL"
    #: the core to stay on; None where the system cannot say
    core: int | None = None


#: Opens a bot that serves its webhook on loopback; yields the port.
Open = Callable[[Job], AbstractAsyncContextManager[int]]


def main(opened: Open, run: Callable[[Coroutine[object, object, None]], None] = asyncio.run) -> None:
    """Work until the input ends; ``run`` is how the bot runs its event loop in earnest."""
    job = msgspec.json.decode(sys.argv[1], type=Job)
    if job.core is not None:
        os.sched_setaffinity(0, {job.core})
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    run(_serve(job, opened))


async def _serve(job: Job, opened: Open) -> None:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with opened(job) as port:
        _tell({"port": port})
        while line := await lines.readline():
            if line.strip() == b"cpu":
                _tell({"cpu": time.process_time()})


def _tell(answer: dict[str, float]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()
