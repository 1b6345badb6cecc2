"""The delivery loop over a real outbox on both databases, with a channel in memory and a clock that stands still."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.delivery.places import FAILURES_TO_PAUSE
from bot.errors import SendFailed, StoreUnavailable
from bot.messages import Address, ChannelName, Left, Outbound, Text
from bot.ports import Delivery, Outcome, Queue, Read, Settlement
from bot.storage import Storage
from tests.conftest import SetClock
from tests.delivery.scenery import SETTINGS, Scene, failure
from tests.fakes.channel import FakeChannel


@pytest.fixture
def scene(storage: Storage, clock: SetClock) -> Scene:
    return Scene(storage, clock, FakeChannel())


async def test_a_lane_keeps_its_order_while_its_first_message_is_tried_again(scene: Scene) -> None:
    scene.channel.failures.append(failure())
    await scene.queue("one", "two", "three")
    await scene.queue("other", to="8")
    await scene.deliver()
    assert scene.shown() == ["other"], "another lane is not held up, the own one waits"
    scene.clock.advance(seconds=2)
    await scene.deliver()
    assert scene.shown() == ["other", "one", "two", "three"]


async def test_an_edit_changes_the_message_that_its_slot_posted(scene: Scene) -> None:
    await scene.queue("question", slot="q:1")
    await scene.queue("answered", slot="q:1", kind="edit")
    await scene.deliver()
    assert scene.shown() == ["answered"]


async def test_an_edit_of_a_message_that_was_given_up_is_given_up_too(scene: Scene) -> None:
    scene.channel.failures.append(failure(retryable=False))
    await scene.queue("question", slot="q:1")
    await scene.queue("answered", slot="q:1", kind="edit")
    await scene.queue("next")
    await scene.deliver()
    assert scene.shown() == ["next"]
    assert len(await scene.storage.given_up(10)) == 2


async def test_attempts_are_used_up_visibly_and_free_the_lane(scene: Scene) -> None:
    scene.channel.failures.extend([failure()] * 3)
    await scene.queue("doomed", "next")
    for _ in range(4):
        await scene.deliver()
        scene.clock.advance(seconds=5)
    assert scene.shown() == ["next"]
    assert [row.error for row in await scene.storage.given_up(10)] == ["not now (after 3 attempts)"]


async def test_who_is_gone_is_told_of_once_for_each_message(scene: Scene) -> None:
    scene.channel.failures.append(SendFailed(reason="blocked", retryable=False, recipient_gone=True))
    await scene.queue("hello")
    await scene.deliver()
    assert [(type(event), event.sender.key) for event in scene.told if isinstance(event, Left)] == [(Left, "7")]


async def test_a_paused_channel_is_probed_by_one_message_and_then_gets_them_all(scene: Scene) -> None:
    for number in range(20):
        await scene.queue(f"m{number}", to=str(number))
    scene.channel.fails = lambda _: failure(whole_channel=True)
    await scene.deliver()
    first = len(scene.channel.calls)
    assert scene.courier.paused().keys() == {"fake"}
    scene.clock.advance(seconds=7)
    await scene.deliver()
    assert len(scene.channel.calls) == first + 1, "one message finds out whether the channel works again"
    scene.channel.fails = lambda _: None
    for _ in range(20):
        scene.clock.advance(seconds=60)
        await scene.deliver()
    assert len(scene.shown()) == 20
    assert scene.courier.paused() == {}
    assert not await scene.storage.given_up(10)


async def test_failures_in_a_row_of_different_chats_pause_the_channel(scene: Scene) -> None:
    scene.channel.fails = lambda _: failure()
    for number in range(FAILURES_TO_PAUSE):
        await scene.queue("m", to=str(number))
    await scene.deliver()
    assert scene.courier.paused().keys() == {"fake"}


async def test_a_defect_in_a_channel_loses_nothing(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Outbound) -> SendFailed | None:
        raise ZeroDivisionError

    scene.channel.fails = broken
    await scene.queue("hello")
    await scene.deliver()
    assert "failed in our own code" in caplog.text
    scene.channel.fails = lambda _: None
    scene.clock.advance(seconds=2)
    await scene.deliver()
    assert scene.shown() == ["hello"]


async def test_a_pace_is_kept(storage: Storage, clock: SetClock) -> None:
    scene = Scene(storage, clock, FakeChannel(per_second=5))
    for number in range(40):
        await scene.queue("m", to=str(number))
    arrived = []
    for _ in range(8):
        await scene.deliver()
        arrived.append(len(scene.shown()))
        clock.advance(seconds=1)
    while len(scene.shown()) < 40:
        clock.advance(seconds=1)
        await scene.deliver()
    waited = (clock.now - datetime(2026, 3, 2, 9, 0, tzinfo=UTC)).total_seconds()
    assert waited >= 40 / 5 - 2, "on average no faster than the pace"


async def test_the_loop_wakes_for_new_messages_and_ends_what_it_began(scene: Scene) -> None:
    loop = asyncio.create_task(scene.courier.run())
    try:
        await asyncio.sleep(0)
        await scene.queue("hello")
        await until(lambda: scene.shown() == ["hello"])
        scene.channel.open.clear()
        await scene.queue("bye")
        await until(lambda: len(scene.channel.calls) == 2)
    finally:
        loop.cancel()
        scene.channel.open.set()
        await asyncio.gather(loop, return_exceptions=True)
    assert scene.shown() == ["hello", "bye"]
    assert not await scene.storage.outbox.claim(
        scene.clock.now, limit=10, lease_until=scene.clock.now + timedelta(minutes=1)
    )


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - the fake channel rings no bell
            await asyncio.sleep(0.01)


async def test_channels_that_are_gone_from_the_settings_give_up_their_messages(scene: Scene) -> None:
    address = Address(channel=ChannelName("gone"), key="7")
    outbound = Outbound(kind="post", to=address, lane="gone:7", slot="s", content=Text(text="x"))
    await scene.storage.run(Read(), lambda _: Outcome(writes=(Queue(outbound=outbound, at=scene.clock.now),)))
    await scene.deliver()
    (row,) = await scene.storage.given_up(10)
    assert "no channel gone" in row.error


async def test_one_slow_channel_does_not_take_all_places(storage: Storage, clock: SetClock) -> None:
    slow, quick = FakeChannel("slow"), FakeChannel("quick")
    scene = Scene(storage, clock, slow)
    scene.courier = scene.courier_of(slow, quick)
    slow.open.clear()
    for number in range(2 * SETTINGS.delivery.at_once):
        await scene.queue("m", to=str(number))
    while await scene.courier.deliver_once():  # noqa: ASYNC110 - each claim lets its sends begin
        await asyncio.sleep(0)
    assert len(slow.calls) == SETTINGS.delivery.at_once * 3 // 4
    scene.channel = quick
    await scene.queue("hello", to="desk")
    assert await scene.courier.deliver_once() == 1
    await until(lambda: scene.shown() == ["hello"])
    slow.open.set()
    await scene.courier.finish()


async def test_what_was_sent_is_recorded_although_the_database_was_away(scene: Scene) -> None:
    outbox, away = scene.storage.outbox, 3
    settle = outbox.settle

    async def flaky(delivery: Delivery, settlement: Settlement, now: datetime) -> bool:
        nonlocal away
        if away:
            away -= 1
            raise StoreUnavailable("the database does not answer")
        return await settle(delivery, settlement, now)

    outbox.settle = flaky  # type: ignore[method-assign]
    await scene.queue("hello", "next")
    await scene.deliver()
    scene.clock.advance(minutes=5)
    await scene.deliver()
    assert [message.content.text for message, *_ in scene.channel.calls if isinstance(message.content, Text)] == [
        "hello",
        "next",
    ], "each once"


async def test_a_probe_under_way_keeps_the_others_back(scene: Scene) -> None:
    scene.channel.fails = lambda _: failure(whole_channel=True)
    await scene.queue("m")
    await scene.deliver()
    scene.channel.fails = lambda _: None
    for number in range(8, 16):
        await scene.queue("m", to=str(number))
    scene.clock.advance(seconds=30)
    scene.channel.open.clear()
    before = len(scene.channel.calls)
    await scene.courier.deliver_once()
    await until(lambda: len(scene.channel.calls) > before)
    await asyncio.sleep(0.05)
    assert len(scene.channel.calls) == before + 1
    scene.channel.open.set()
    await scene.courier.finish()
