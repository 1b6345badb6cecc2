"""What goes wrong with databases under asyncio, and must not here. On both databases unless a test says why not."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pytest

from bot.errors import StoreContended, StoreRefused, StoreUnavailable
from bot.ids import ConversationId, InteractionId
from bot.messages import Receipt, Text
from bot.ports import Delivery, Facts, Outcome, Read, RecordStaleTap, SaveConversation, SaveInteraction, Sent, Write
from bot.storage import Storage, open_storage, postgres, postgres_batch
from bot.storage.facts import Steps
from bot.storage.ops import Ask, Job, Procedure, ask, query
from bot.storage.outbox import StoredOutbox
from bot.storage.postgres_batch import Task
from tests.conftest import SetClock
from tests.databases import PostgresServer
from tests.storage.samples import (
    NOON,
    TELEGRAM,
    address,
    answer,
    conversation,
    counted,
    interaction,
    later,
    look,
    outbound,
    queued,
    write,
)

SENT = Sent(receipt=Receipt(remote="m"))
#: Seconds after which whatever still waits has hung.
HUNG = 30.0

ON_POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)

_SLOW_READ = query(
    """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT count(*) FROM n
    """
)


def step(storage: Storage, event: str, *writes: Write, key: str | None = None) -> Awaitable[Outcome]:
    return storage.run(Read(event=event, address=address(key or event)), lambda _: Outcome(writes=writes))


def pragma(text: str) -> Procedure[list[object]]:
    rows = yield Ask(query(f"PRAGMA {text}"), ())
    return list(rows)


# ---- cancellation ---------------------------------------------------------------------------------------


async def cancel_after(work: Awaitable[object], turns: int) -> None:
    """Cancel something after so many turns of the event loop."""
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})


WORK: dict[str, Callable[[Storage, int], Awaitable[object]]] = {
    "step": lambda storage, n: step(storage, f"cancelled {n}", *queued(f"s{n}", lane=f"s{n}")),
    "claim": lambda storage, _: storage.outbox.claim(NOON, limit=1, lease_until=later(minutes=1)),
    "chat": lambda storage, n: storage.chat.append(TELEGRAM, "s", "us", f"{n}", Text(text="x"), NOON),
    "read": lambda storage, _: storage._engine.read(lambda: ask(_SLOW_READ)),
    "report": lambda storage, _: storage.verify_counts(),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK.keys())
async def test_cancelled_callers_leave_nothing_behind(
    storage: Storage, work: Callable[[Storage, int], Awaitable[object]]
) -> None:
    """Tortoise keeps a lock (SQLite) or loses a connection (PostgreSQL) for each cancelled transaction."""
    await write(storage, *queued("waits"))
    async with asyncio.timeout(HUNG):
        await asyncio.gather(*(cancel_after(work(storage, n), n % 12) for n in range(60)))
        for n in range(20):
            await cancel_after(work(storage, 100 + n), n)
        await asyncio.gather(*(step(storage, f"after {n}") for n in range(20)))
        assert (await look(storage, event="after 7")).seen


async def test_what_was_claimed_for_nobody_is_given_back(storage: Storage) -> None:
    await write(storage, *queued("waits"))
    claiming = asyncio.ensure_future(storage.outbox.claim(NOON, limit=1, lease_until=later(hours=1)))
    await asyncio.sleep(0)
    claiming.cancel()
    await asyncio.wait({claiming})
    assert claiming.cancelled()
    (delivery,) = await storage.outbox.claim(NOON, limit=1, lease_until=later(hours=1))
    assert (delivery.outbound.slot, delivery.attempt) == ("waits", 1)


class GoneMeanwhile:
    """An engine whose database is lost while a claim is under way, or just after it."""

    def __init__(self, claimed: Sequence[Delivery] | None) -> None:
        self._claimed = claimed
        self.answer = asyncio.Event()
        self.given_back = 0

    async def apart(self, begin: object) -> Any:
        await self.answer.wait()
        if self._claimed is None:
            raise StoreUnavailable("gone")
        return self._claimed

    async def write(self, job: Job) -> Any:
        self.given_back += 1
        raise StoreUnavailable("gone")

    async def read(self, begin: object, *, long: bool = False) -> Any:
        raise StoreUnavailable("gone")

    async def close(self) -> None:
        return


@pytest.mark.parametrize("claimed", [0, None, 2], ids=["nothing claimed", "never answered", "cannot be given back"])
async def test_a_cancelled_claim_stays_cancelled_though_the_database_is_gone(claimed: int | None) -> None:
    """Whoever claims goes on after a StoreUnavailable: in place of a cancellation it would never end."""
    delivery = Delivery(id=1, outbound=outbound("waits"), attempt=1, queued_at=NOON)
    engine = GoneMeanwhile(None if claimed is None else [delivery] * claimed)
    claiming = asyncio.ensure_future(
        StoredOutbox(engine, Steps({}, str)).claim(NOON, limit=2, lease_until=later(hours=1))
    )
    await asyncio.sleep(0)
    claiming.cancel()
    await asyncio.sleep(0)
    engine.answer.set()
    await asyncio.wait({claiming}, timeout=HUNG)
    assert claiming.cancelled()
    assert engine.given_back == (claimed or 0)


async def test_a_step_whose_caller_is_cancelled_is_done_all_the_same(storage: Storage) -> None:
    async with asyncio.timeout(HUNG):
        await asyncio.gather(*(cancel_after(step(storage, f"e{n}"), 1 + n % 5) for n in range(40)))
        # At the same address, so that the look comes after the step.
        facts = [await look(storage, event=f"e{n}", address=address(f"e{n}")) for n in range(40)]
    assert all(fact.seen for fact in facts)


async def test_opening_may_be_cancelled_at_any_time(empty_url: str, clock: SetClock) -> None:
    async def open_and_close() -> None:
        storage = await open_storage(empty_url, clock=clock)
        await storage.close()

    async with asyncio.timeout(HUNG):
        for turns in (1, 5, 25, 60, 100, 200, 400):
            await cancel_after(open_and_close(), turns)
        storage = await open_storage(empty_url, clock=clock)
        await write(storage, event="kept")
        await storage.close()
    left = [thread for thread in threading.enumerate() if "afterchat" in thread.name]
    for thread in left:
        thread.join(HUNG)
    assert [thread.name for thread in left if thread.is_alive()] == []


# ---- one bad step among good ones -----------------------------------------------------------------------


def raise_in_decide(_: Facts) -> Outcome:
    raise ZeroDivisionError


async def test_a_step_that_fails_fails_alone(storage: Storage) -> None:
    """PostgreSQL turns the COMMIT after a swallowed IntegrityError into a rollback, without a word."""
    await write(storage, SaveInteraction(interaction=interaction()))
    good = [
        step(storage, f"good {n}", *queued(f"s{n}", lane=f"{n}"), answer(3, of=f"{n}"), counted(3)) for n in range(30)
    ]
    too_big = RecordStaleTap(conversation=ConversationId("x"), turn=2**70, value="1", at=NOON)
    bad = [
        # The id is taken although the reference is new: an IntegrityError.
        step(storage, "bad 1", counted(5), SaveInteraction(interaction=interaction(reference="another"))),
        step(storage, "bad 2", counted(5), too_big),
        storage.run(Read(event="bad 3", address=address("bad 3")), raise_in_decide),
    ]
    results = await asyncio.gather(*good[:15], *bad, *good[15:], return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    assert [type(failure) for failure in failures] == [StoreContended, StoreRefused, ZeroDivisionError]
    assert [(await look(storage, event=f"good {n}")).seen for n in range(30)] == [True] * 30
    assert [(await look(storage, event=f"bad {n}")).seen for n in (1, 2, 3)] == [False] * 3
    assert [(row.score, row.n) for row in await storage.score_counts(None, None)] == [(3, 30)]
    claimed = await storage.outbox.claim(NOON, limit=99, lease_until=later(hours=1))
    assert {delivery.outbound.slot for delivery in claimed} == {f"s{n}" for n in range(30)}


async def test_the_text_of_a_refusal_quotes_nobody(storage: Storage) -> None:
    secret = RecordStaleTap(conversation=ConversationId("secret words"), turn=2**70, value="secret words", at=NOON)
    with pytest.raises(StoreRefused) as refused:
        await write(storage, secret)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None or "secret" not in str(refused.value.__cause__)


# ---- group commit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage_url", ["sqlite"], indirect=True)
async def test_what_waits_shares_one_commit_on_sqlite(storage: Storage) -> None:
    commits: list[str] = []
    writer = storage._engine._writer  # type: ignore[attr-defined]  # SQLite's own
    writer._connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    gate = threading.Event()

    def wait_at_the_gate(_: Facts) -> Outcome:
        gate.wait(HUNG)
        return Outcome()

    first = asyncio.ensure_future(storage.run(Read(), wait_at_the_gate))
    rest = [asyncio.ensure_future(step(storage, f"e{n}")) for n in range(50)]
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in rest)
    gate.set()
    await asyncio.gather(first, *rest)
    writer._connection.set_trace_callback(None)
    # The first may have been taken before the others came.
    assert 1 <= len(commits) <= 2


@pytest.mark.parametrize("storage_url", [ON_POSTGRES], indirect=True)
async def test_what_waits_shares_one_commit_on_postgres(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    transaction = postgres_batch.transaction

    async def counting(connection: object, batch: list[Task], origin: str) -> None:
        sizes.append(len(batch))
        await transaction(connection, batch, origin)

    monkeypatch.setattr(postgres, "transaction", counting)
    await asyncio.gather(*(step(storage, f"e{n}") for n in range(50)))
    # Two may be under way at once; all others waited for one of them.
    assert sorted(sizes) == [1, 1, 48]


async def test_results_come_after_the_commit(storage: Storage, storage_url: str, clock: SetClock) -> None:
    elsewhere = await open_storage(storage_url, clock=clock)
    for n in range(20):
        await step(storage, f"e{n}")
        assert (await look(elsewhere, event=f"e{n}")).seen
    await elsewhere.close()


async def test_steps_of_one_address_keep_their_order(storage: Storage) -> None:
    await asyncio.gather(
        *(step(storage, f"{key} {n}", *queued(f"{key} {n}", lane=key), key=key) for n in range(20) for key in "abc")
    )
    sent: list[str] = []
    while claimed := await storage.outbox.claim(NOON, limit=9, lease_until=later(hours=1)):
        for delivery in claimed:
            sent.append(delivery.outbound.slot)
            await storage.outbox.settle(delivery, SENT, NOON)
    assert {key: [slot for slot in sent if slot.startswith(key)] for key in "abc"} == {
        key: [f"{key} {n}" for n in range(20)] for key in "abc"
    }


async def test_decisions_about_one_address_never_overlap(storage: Storage, storage_url: str, clock: SetClock) -> None:
    """Also where only the transaction can find out the address: by an interaction that was reported."""
    elsewhere = await open_storage(storage_url, clock=clock)
    await asyncio.gather(
        *(write(storage, SaveInteraction(interaction=interaction(f"i{n}", reference=f"{n}"))) for n in range(24))
    )

    def ask_once(n: int) -> Callable[[Facts], Outcome]:
        def decide(facts: Facts) -> Outcome:
            if facts.conversation is not None:
                return Outcome()
            talk = conversation(f"talk {n}")
            return Outcome(
                writes=(SaveConversation(conversation=talk, flow_id="delivery", was_turn=None), *queued(f"{n}"))
            )

        return decide

    stores = (storage, elsewhere)
    await asyncio.gather(*(stores[n % 2].run(Read(interaction=InteractionId(f"i{n}")), ask_once(n)) for n in range(24)))
    claimed = await storage.outbox.claim(NOON, limit=99, lease_until=later(hours=1))
    await storage.outbox.settle(claimed[0], SENT, NOON)
    assert await storage.outbox.next_due(NOON) is None
    await elsewhere.close()


@pytest.mark.parametrize("storage_url", ["sqlite"], indirect=True)
async def test_a_commit_on_sqlite_survives_a_loss_of_power(storage: Storage) -> None:
    """The setting itself: a killed process proves nothing, since the system's page cache lives on."""
    assert await storage._engine.write(Job(lambda: pragma("synchronous"))) == [(2,)]
    assert await storage._engine.write(Job(lambda: pragma("journal_mode"))) == [("wal",)]


# ---- a database in trouble ------------------------------------------------------------------------------


@pytest.mark.parametrize("storage_url", ["sqlite"], indirect=True)
async def test_a_full_disk_is_said_and_survived(storage: Storage) -> None:
    """SQLite ends the whole transaction by itself: nobody in the batch may be told that it was kept."""
    ((pages,),) = await storage._engine.write(Job(lambda: pragma("page_count")))
    await storage._engine.write(Job(lambda: pragma(f"max_page_count = {pages}")))
    big = [step(storage, f"big {n}", *queued(*["x" * 5_000] * 200)) for n in range(3)]
    results = await asyncio.gather(*big, return_exceptions=True)
    assert {type(result) for result in results} == {StoreUnavailable}
    await storage._engine.write(Job(lambda: pragma("max_page_count = 100000")))
    assert [(await look(storage, event=f"big {n}")).seen for n in range(3)] == [False] * 3
    await storage.health()


@pytest.mark.parametrize("storage_url", ["sqlite"], indirect=True)
async def test_another_writer_is_waited_for(storage: Storage, storage_url: str) -> None:
    path = storage_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(step(storage, "e1"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    other.execute("COMMIT")
    await waiting
    other.close()


@pytest.mark.parametrize("storage_url", [ON_POSTGRES], indirect=True)
async def test_lost_connections_are_made_again(storage: Storage, storage_url: str, clock: SetClock) -> None:
    elsewhere = await open_storage(storage_url, clock=clock)
    await asyncio.gather(*(step(storage, f"e{n}") for n in range(20)))
    killer = await asyncpg.connect(storage_url)
    await killer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await killer.close()
    await asyncio.gather(*(step(storage, f"f{n}", *queued(f"f{n}")) for n in range(20)))
    assert await storage.outbox.next_due(NOON) == NOON
    # The other's listener comes back too, and hears of what is queued.
    async with asyncio.timeout(HUNG):
        await elsewhere.wakes.wait_outbox(2 * HUNG)
        woken = asyncio.ensure_future(elsewhere.wakes.wait_outbox(2 * HUNG))
        while not woken.done():
            await write(storage, *queued("again"))
            await asyncio.wait({woken}, timeout=0.2)
    await elsewhere.close()


@pytest.mark.postgres
async def test_a_server_that_is_not_there_is_said(clock: SetClock, tmp_path: object) -> None:
    with pytest.raises(StoreUnavailable):
        await open_storage(f"postgresql://postgres@/none?host={tmp_path}", clock=clock)


@pytest.mark.postgres
async def test_a_database_that_is_not_there_is_said(postgres: PostgresServer, clock: SetClock) -> None:
    with pytest.raises(StoreUnavailable):
        await open_storage(postgres.url("nowhere"), clock=clock)
