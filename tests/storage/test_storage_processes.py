"""What only processes can show: races, kills, crashes, starts at the same time. On both databases."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from bot.messages import Address
from bot.ports import Facts, Outcome, Read, SaveConversation, SaveCustomer
from bot.storage import Storage, open_storage
from bot.storage.ops import ask, query
from tests.conftest import SetClock
from tests.storage.programs import CONVERSATIONS, now, waiting_talk
from tests.storage.samples import FLOW, NOON, address, customer, later, look

ROOT = Path(__file__).parents[2]
#: Seconds after which a process that still runs has hung.
HUNG = 60.0


async def run(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.programs", *arguments, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )


async def end(process: Process) -> tuple[int | None, str]:
    """How a process ended by itself, and its complaints."""
    try:
        async with asyncio.timeout(HUNG):
            _, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, complaints.decode()


async def fill(storage: Storage) -> None:
    await storage.activate_flows([FLOW], NOON)

    def begin(n: int) -> Outcome:
        key = str(n)
        talk = SaveConversation(conversation=waiting_talk(n), flow_id="delivery", was_turn=None)
        return Outcome(writes=(SaveCustomer(customer=customer(key), address=address(key), at=NOON), talk))

    def first(n: int, to: Address) -> asyncio.Future[Outcome]:
        def decide(_: Facts) -> Outcome:
            return begin(n)

        return asyncio.ensure_future(storage.run(Read(address=to), decide))

    await asyncio.gather(*(first(n, address(str(n))) for n in range(CONVERSATIONS)))


async def count(storage: Storage, sql: str) -> int:
    ((n,),) = await storage._engine.read(lambda: ask(query(sql)))
    return int(n)


async def test_simultaneous_taps_in_three_processes(storage: Storage, storage_url: str) -> None:
    """200 conversations, three different taps each: one answer, one next question and one case of each."""
    await fill(storage)
    racers = [await run("race", storage_url, str(score)) for score in (0, 3, 6)]
    for racer in racers:
        assert racer.stdout is not None
        assert await racer.stdout.readline() == b"ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"go\n")
    assert [await end(racer) for racer in racers] == [(0, "")] * 3
    for table, expected in (
        ("answer", CONVERSATIONS),
        ("outbox", CONVERSATIONS),
        ("followup_case", CONVERSATIONS),
        ("stale_tap", 2 * CONVERSATIONS),
        ("conversation WHERE turn = 1", CONVERSATIONS),
        ("seen_event", 3 * CONVERSATIONS),
        ("answer a JOIN followup_case f ON f.conversation = a.conversation AND f.score = a.score", CONVERSATIONS),
    ):
        assert (table, await count(storage, f"SELECT count(*) FROM {table}")) == (table, expected)
    assert await storage.verify_counts() == []
    assert sum(row.n for row in await storage.score_counts(None, None)) == CONVERSATIONS


async def test_what_was_told_to_be_kept_survives_a_kill(storage_url: str, clock: SetClock) -> None:
    worker = await run("work", storage_url)
    assert worker.stdout is not None
    told = [(await worker.stdout.readline()).decode().strip() for _ in range(300)]
    worker.send_signal(signal.SIGKILL)
    rest, _ = await worker.communicate()
    told += [line for line in rest.decode().split("\n")[:-1] if line]
    clock.now = now()
    storage = await open_storage(storage_url, clock=clock)
    try:
        kept = {event for event in told if (await look(storage, event=event)).seen}
        assert kept == set(told)
        assert await count(storage, "SELECT count(*) FROM outbox") >= len(told)
        claimed = await storage.outbox.claim(clock(), limit=10, lease_until=later(minutes=1))
        assert len(claimed) == 10
    finally:
        await storage.close()


async def test_a_crash_that_closes_nothing_ends_the_process(storage_url: str, clock: SetClock) -> None:
    crashed, complaints = await end(await run("crash", storage_url))
    assert (crashed, complaints) == (3, "")
    clock.now = now()
    storage = await open_storage(storage_url, clock=clock)
    assert (await look(storage, event="kept")).seen
    await storage.close()


async def test_processes_that_start_together_on_an_empty_database(empty_url: str) -> None:
    started = [await run("start", empty_url) for _ in range(3)]
    assert await asyncio.gather(*(end(process) for process in started)) == [(0, "")] * 3


async def test_a_database_that_cannot_be_opened_ends_the_process(tmp_path: Path) -> None:
    (tmp_path / "afterchat.db").write_bytes(b"this is no database" * 100)
    code, complaints = await end(await run("start", f"sqlite:///{tmp_path}/afterchat.db"))
    assert code == 1
    assert "StoreUnavailable" in complaints
