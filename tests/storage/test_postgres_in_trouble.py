"""What may happen to PostgreSQL, or to the way to it, while we run."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from bot.errors import StoreRefused, StoreUnavailable
from bot.ids import ConversationId, InteractionId
from bot.ports import Facts, Outcome, Read, RecordStaleTap, SaveInteraction
from bot.storage import Storage, listener, open_storage, postgres, postgres_batch
from bot.storage.codec import to_micros
from bot.storage.identity import address_lock
from bot.storage.listener import Listener
from bot.storage.location import PostgresAt
from bot.storage.ops import ask, query
from bot.storage.postgres import CONNECTIONS, WRITERS
from bot.storage.postgres_batch import Task, lock_number
from bot.storage.wakes import Bell
from tests.conftest import SetClock
from tests.databases import PostgresServer
from tests.storage.samples import NOON, address, interaction, later, queued, write

ON_POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
#: Seconds after which whatever still waits has hung.
HUNG = 30.0

_NOTHING = query("SELECT 1")


@pytest.mark.parametrize("storage_url", [ON_POSTGRES], indirect=True)
@pytest.mark.parametrize(
    "trouble",
    [asyncpg.DeadlockDetectedError("x"), asyncpg.InternalClientError("x"), ConnectionResetError("x")],
    ids=lambda trouble: type(trouble).__name__,
)
async def test_a_transaction_that_came_to_nothing_is_tried_again(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    tries: list[int] = []
    transaction = postgres_batch.transaction

    async def once_in_trouble(connection: object, batch: list[Task], origin: str) -> None:
        tries.append(len(batch))
        if len(tries) == 1:
            raise trouble
        await transaction(connection, batch, origin)

    monkeypatch.setattr(postgres, "transaction", once_in_trouble)
    await write(storage, event="e1")
    assert tries == [1, 1]


@pytest.mark.parametrize("storage_url", [ON_POSTGRES], indirect=True)
@pytest.mark.parametrize(
    "trouble",
    [asyncpg.InternalClientError("x"), asyncpg.InterfaceError("x"), asyncpg.UndefinedTableError("x"), OSError("x")],
    ids=lambda trouble: type(trouble).__name__,
)
async def test_whatever_the_driver_says_comes_as_our_own_error(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    """A loop that knows only our errors would end by any other."""

    async def in_trouble(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(postgres, "drive", in_trouble)
    for call in (storage.dues.next_due(), storage.outbox.claim(NOON, limit=1, lease_until=NOON)):
        with pytest.raises(StoreUnavailable):
            await call


@pytest.mark.parametrize("storage_url", [ON_POSTGRES], indirect=True)
async def test_a_database_that_may_only_be_read_is_said(storage: Storage, storage_url: str, clock: SetClock) -> None:
    """As a server is that became a replica of another."""
    await write(storage, *queued("waits"))
    admin = await asyncpg.connect(storage_url)
    await admin.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); "
        "END $$"
    )
    await admin.close()
    elsewhere = await open_storage(storage_url, clock=clock)
    for call in (
        write(elsewhere, *queued("x"), event="e1"),
        elsewhere.outbox.claim(NOON, limit=1, lease_until=later(minutes=1)),
    ):
        with pytest.raises(StoreUnavailable, match="read-only"):
            await call
    assert await elsewhere.outbox.next_due(NOON) == NOON
    await elsewhere.close()


@pytest.mark.parametrize("storage_url", [ON_POSTGRES], indirect=True)
@pytest.mark.parametrize("alone", [False, True], ids=["side by side", "one by one"])
async def test_nobody_waits_with_locks_in_hand_for_one_found_out_late(
    storage: Storage, storage_url: str, *, alone: bool
) -> None:
    """Two replicas that did, each for what the other held, would wait until the database broke one off."""
    await write(storage, SaveInteraction(interaction=interaction(key="taken")))
    other = await asyncpg.connect(storage_url)
    taken = lock_number(address_lock(address("taken")))
    await other.execute("SELECT pg_advisory_lock($1)", taken)

    def fail(_: Facts) -> Outcome:
        raise ZeroDivisionError

    def fail_late(_: Facts) -> Outcome:
        return Outcome(writes=(RecordStaleTap(conversation=ConversationId("x"), turn=2**70, value="1", at=NOON),))

    # Both of these are begun at once; whatever comes after them shares a batch.
    first = [asyncio.ensure_future(write(storage, event=f"first {n}")) for n in range(WRITERS)]
    waits = asyncio.ensure_future(write(storage, *queued("asked"), interaction=InteractionId("deal")))
    beside = asyncio.ensure_future(write(storage, *queued("beside", lane="b"), address=address("free")))
    broken = asyncio.ensure_future(storage.run(Read(event="broken"), fail_late if alone else fail))
    async with asyncio.timeout(HUNG):
        await asyncio.gather(*first, beside)
        with pytest.raises(StoreRefused if alone else ZeroDivisionError):
            await broken
        assert not waits.done()
        await other.execute("SELECT pg_advisory_unlock($1)", taken)
        await waits
    assert len(await storage.outbox.claim(NOON, limit=9, lease_until=later(minutes=1))) == 2
    await other.close()


@pytest.mark.parametrize("storage_url", [ON_POSTGRES], indirect=True)
async def test_an_event_that_two_replicas_read_as_new_is_handled_once(storage: Storage, storage_url: str) -> None:
    """The same event may come to both, from two addresses or none: only the row of the event keeps them apart."""
    read = asyncio.Event()
    seen: list[bool] = []

    def decide(facts: Facts) -> Outcome:
        seen.append(facts.seen)
        read.set()
        return Outcome() if facts.seen else Outcome(writes=queued("reply"))

    other = await asyncpg.connect(storage_url)
    async with asyncio.timeout(HUNG):
        async with other.transaction():
            await other.execute("INSERT INTO seen_event (key, at) VALUES ('update:1', $1)", to_micros(later(days=1)))
            handled = asyncio.ensure_future(storage.run(Read(event="update:1"), decide))
            await read.wait()
        await handled
    assert seen[0] is False
    assert seen[-1] is True
    assert await storage.outbox.next_due(NOON) is None
    await other.close()


# ---- the listener ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage_url", [ON_POSTGRES], indirect=True)
async def test_the_listener_survives_whatever_goes_wrong(
    storage: Storage, storage_url: str, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles = [asyncpg.InternalClientError("x"), RuntimeError("a defect of ours"), OSError("refused")]
    connect = asyncpg.connect

    async def connect_at_last(*args: Any, **options: Any) -> Any:
        if troubles and "timeout" in options:
            raise troubles.pop()
        return await connect(*args, **options)

    monkeypatch.setattr(listener, "AGAIN", 0.01)
    monkeypatch.setattr(asyncpg, "connect", connect_at_last)
    elsewhere = await open_storage(storage_url, clock=clock)
    assert troubles == []
    await elsewhere.wakes.wait_outbox(0)
    woken = asyncio.ensure_future(elsewhere.wakes.wait_outbox(2 * HUNG))
    async with asyncio.timeout(HUNG):
        await write(storage, *queued("wakes"))
        await woken
    await elsewhere.close()


class Relay:
    """A way to a server's socket on which what is under way can be stopped without a word, as a lost route does."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._moving: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.again = asyncio.Event()
        self._accepted = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted += 1
        if self._accepted > 1:
            self.again.set()
        to_server = await asyncio.open_unix_connection(self._server)
        for source, sink in ((reader, to_server[1]), (to_server[0], writer)):
            self._moving.append(asyncio.create_task(self._move(source, sink)))
            self._writers.append(sink)

    async def _move(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while said := await source.read(65_536):
                sink.write(said)
                await sink.drain()
            sink.close()

    def lose(self) -> None:
        for task in self._moving:
            task.cancel()

    async def close(self) -> None:
        self.lose()
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest.mark.postgres
async def test_a_listener_whose_connection_is_half_open_makes_a_new_one(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells of a lost route: without a question now and then it would listen to nobody for ever."""
    monkeypatch.setattr(listener, "PING_EVERY", 0.05)
    monkeypatch.setattr(listener, "PING_WITHIN", 0.2)
    monkeypatch.setattr(listener, "AGAIN", 0.01)
    relay = Relay(f"{postgres.folder}/.s.PGSQL.5432")
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        server = await asyncio.start_unix_server(relay.accept, f"{folder}/.s.PGSQL.5432")
        bell = Bell()
        at = PostgresAt(host=folder, port=None, user="postgres", password=None, database="postgres")
        listening = Listener(at, bell, "me")
        await listening.started(HUNG)
        relay.lose()
        async with asyncio.timeout(HUNG):
            await relay.again.wait()
            await bell.wait_outbox(2 * HUNG)
            heard = asyncio.ensure_future(bell.wait_outbox(2 * HUNG))
            while not heard.done():
                await postgres.run("NOTIFY afterchat, 'other outbox'")
                await asyncio.wait({heard}, timeout=0.1)
        await listening.close()
        server.close()
        await relay.close()


# ---- everybody's share of the connections ---------------------------------------------------------------

_AT_THE_GATE = query("SELECT pg_advisory_xact_lock_shared(77)::text")


@pytest.fixture
async def gate(storage_url: str) -> AsyncIterator[Any]:
    """A lock for which reads wait until it is given up."""
    keeper = await asyncpg.connect(storage_url)
    await keeper.execute("SELECT pg_advisory_lock(77)")
    yield keeper
    await keeper.close()


@pytest.mark.parametrize("storage_url", [ON_POSTGRES], indirect=True)
async def test_slow_reads_hold_up_neither_intake_nor_delivery(storage: Storage, gate: Any) -> None:
    """They shared the connections with all others: eight reports at once stopped everything."""
    reports = [
        asyncio.ensure_future(storage._engine.read(lambda: ask(_AT_THE_GATE), long=True))
        for _ in range(2 * CONNECTIONS)
    ]
    async with asyncio.timeout(HUNG):
        await asyncio.sleep(0.05)
        assert await storage.outbox.next_due(NOON) is None
        looks = [asyncio.ensure_future(storage._engine.read(lambda: ask(_AT_THE_GATE))) for _ in range(2 * CONNECTIONS)]
        await asyncio.sleep(0.05)
        await asyncio.gather(*(write(storage, *queued(f"q{n}", lane=f"{n}")) for n in range(20)))
        assert len(await storage.outbox.claim(NOON, limit=99, lease_until=later(minutes=1))) == 20
        assert not any(task.done() for task in reports + looks)
        await gate.execute("SELECT pg_advisory_unlock(77)")
        await asyncio.gather(*reports, *looks)


@pytest.mark.parametrize("storage_url", [ON_POSTGRES], indirect=True)
@pytest.mark.parametrize("long", [True, False], ids=["report", "look"])
async def test_a_read_that_takes_too_long_ends(storage: Storage, gate: Any, *, long: bool) -> None:
    engine: Any = storage._engine
    share = engine._reports if long else engine._looks
    share.seconds = 0.1
    reads = [asyncio.ensure_future(storage._engine.read(lambda: ask(_AT_THE_GATE), long=long)) for _ in range(9)]
    ended = await asyncio.gather(*reads, return_exceptions=True)
    assert {type(error) for error in ended} == {StoreUnavailable}
    assert await gate.fetchval("SELECT count(*) FROM pg_locks WHERE objid = 77 AND NOT granted") == 0
    share.seconds = HUNG
    assert await storage._engine.read(lambda: ask(_NOTHING), long=long) == [(1,)]
