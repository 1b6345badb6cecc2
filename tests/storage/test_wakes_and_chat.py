"""The ChatLog and Wakes ports on both databases, within a process and between two."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.messages import ChannelName, Text
from bot.ports import Due, PutDue
from bot.storage import Storage, open_storage
from bot.storage.wakes import Bell
from tests.conftest import SetClock
from tests.storage.samples import NOON, queued, write

WIDGET = ChannelName("widget")
#: Seconds in which whoever waits must have been woken; never waited for when all is well.
LONG = 30.0


@pytest.fixture
async def elsewhere(storage: Storage, storage_url: str, clock: SetClock) -> AsyncIterator[Storage]:
    """The same database as another process has it open."""
    other = await open_storage(storage_url, clock=clock)
    yield other
    await other.close()


async def say(storage: Storage, text: str, *, session: str = "s1") -> int:
    return await storage.chat.append(WIDGET, session, "us", f"slot {text}", Text(text=text), NOON)


async def test_lines_come_back_in_order_and_by_session(storage: Storage) -> None:
    first, second = await say(storage, "one"), await say(storage, "two")
    await say(storage, "for another", session="s2")
    lines = await storage.chat.since(WIDGET, "s1", 0)
    assert [(line.id, line.slot, line.content) for line in lines] == [
        (first, "slot one", Text(text="one")),
        (second, "slot two", Text(text="two")),
    ]
    assert first < second
    assert [line.id for line in await storage.chat.since(WIDGET, "s1", first)] == [second]
    assert [line.id for line in await storage.chat.since(WIDGET, "s1", 0, 1)] == [first]
    assert await storage.chat.since(ChannelName("other"), "s1", 0) == []


async def test_lines_said_at_once_get_growing_ids(storage: Storage, elsewhere: Storage) -> None:
    ids = await asyncio.gather(*(say(store, str(n)) for n in range(20) for store in (storage, elsewhere)))
    lines = await storage.chat.since(WIDGET, "s1", 0)
    assert sorted(ids) == [line.id for line in lines]
    assert [line.slot for line in lines if line.id in ids[::2]] == [f"slot {n}" for n in range(20)]


async def test_what_a_customer_said_stays_said(storage: Storage, elsewhere: Storage) -> None:
    async def heard(store: Storage, text: str, *, session: str = "s1") -> int:
        return await store.chat.append(WIDGET, session, "customer", "customer/m1", Text(text=text), NOON)

    first = await heard(storage, "Hi")
    again = [await heard(store, "I never said Hi") for store in (storage, elsewhere)]
    assert again == [first, first]
    assert [line.content for line in await storage.chat.since(WIDGET, "s1", 0)] == [Text(text="Hi")]
    assert await heard(storage, "Hi from another", session="s2") != first
    # what we say is edited by saying it again
    edited = [await storage.chat.append(WIDGET, "s3", "us", "customer/m1", Text(text=text), NOON) for text in "ab"]
    assert [line.id for line in await storage.chat.since(WIDGET, "s3", 0)] == edited


@pytest.mark.parametrize("here", [True, False], ids=["same process", "another process"])
async def test_readers_of_a_session_are_woken(storage: Storage, elsewhere: Storage, here: bool) -> None:
    following = storage.chat.follow(WIDGET, "s1")
    await anext(following)
    waiting = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0.01)
    id = await say(storage if here else elsewhere, "hello")
    after = 0
    async with asyncio.timeout(LONG):
        # A wake says that there may be something: look after each.
        while after < id:
            await waiting
            lines = await storage.chat.since(WIDGET, "s1", after)
            after = lines[-1].id if lines else after
            waiting = asyncio.ensure_future(anext(following))
    waiting.cancel()
    await asyncio.wait({waiting})


async def outbox_wakes(storage: Storage) -> bool:
    async with asyncio.timeout(LONG):
        while await storage.outbox.next_due(NOON) is None:
            await storage.wakes.wait_outbox(LONG)
    return True


async def dues_wake(storage: Storage) -> bool:
    async with asyncio.timeout(LONG):
        while await storage.dues.next_due() is None:
            await storage.wakes.wait_dues(LONG)
    return True


@pytest.mark.parametrize("here", [True, False], ids=["same process", "another process"])
async def test_loops_are_woken_by_what_is_committed(storage: Storage, elsewhere: Storage, here: bool) -> None:
    waiting = asyncio.gather(outbox_wakes(storage), dues_wake(storage))
    await asyncio.sleep(0.01)
    due = Due(key="ask:1", kind="ask", ref="1", due_at=NOON)
    await write(storage if here else elsewhere, *queued("a1"), PutDue(due=due))
    assert tuple(await waiting) == (True, True)


async def test_a_wake_before_the_wait_is_not_lost() -> None:
    bell = Bell()
    bell.outbox()
    bell.dues()
    async with asyncio.timeout(LONG):
        await bell.wait_outbox(2 * LONG)
        await bell.wait_dues(2 * LONG)
    waiting = asyncio.ensure_future(bell.wait_outbox(2 * LONG))
    await asyncio.sleep(0)
    assert not waiting.done(), "one wake, one awakening"
    waiting.cancel()


async def test_a_wait_ends_by_itself() -> None:
    await Bell().wait_outbox(0.001)


async def test_a_reader_that_leaves_is_forgotten() -> None:
    bell = Bell()
    following = bell.follow("chat:1")
    await anext(following)
    await following.aclose()  # type: ignore[attr-defined]  # an async generator, typed as an iterator
    bell.ring(["chat:1"])
    assert bell._followers == {}
