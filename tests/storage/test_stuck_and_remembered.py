"""What the operator is told of messages that wait, and events found again by the beginning of their key."""

from datetime import timedelta

from bot.messages import Address, ChannelName, Outbound, Text
from bot.ports import Outcome, Queue, Read, RetryAt, Settlement
from bot.storage import Storage
from tests.conftest import SetClock
from tests.storage.samples import write

ROOM = Address(channel=ChannelName("slack"), key="#support-recovery")
OTHER = Address(channel=ChannelName("telegram"), key="7001")


def message(to: Address, number: int) -> Outbound:
    return Outbound(kind="post", to=to, lane=f"{to.key} {number}", slot=f"{to.key} {number}", content=Text(text="…"))


async def test_a_room_whose_message_was_refused_tells_of_all_that_wait_for_it(
    storage: Storage, clock: SetClock
) -> None:
    began = clock()
    for number in range(5):
        await write(storage, Queue(outbound=message(ROOM, number), at=clock.advance(seconds=1)))
    await write(storage, Queue(outbound=message(OTHER, 1), at=clock()))
    assert await storage.stuck(10) == []
    (first,) = await storage.outbox.claim(clock(), limit=1, lease_until=clock() + timedelta(minutes=1))
    again = clock() + timedelta(minutes=5)
    refused: Settlement = RetryAt(due_at=again, error="Slack refused: channel_not_found", counts=False)
    await storage.outbox.settle(first, refused, clock())
    (stuck,) = await storage.stuck(10)
    assert (stuck.to, stuck.messages, stuck.since) == (ROOM, 5, began + timedelta(seconds=1))
    assert (stuck.error, stuck.due_at) == ("Slack refused: channel_not_found", again)
    assert await storage.stuck(0) == []
    assert [(each.channel, each.messages) for each in await storage.backlog()] == [("slack", 5), ("telegram", 1)]


async def test_events_are_found_by_the_digits_they_begin_with_for_a_week(storage: Storage, clock: SetClock) -> None:
    for event in ("api123", "api12", "api1245", "api13", "telegram:update:12", "api1299"):
        await storage.run(Read(event=event), lambda _: Outcome())
    assert await storage.remembered("api12", "api13") == ["api12", "api123", "api1245", "api1299"]
    assert await storage.remembered("api2", "api3") == []
    clock.advance(days=8)
    assert await storage.remembered("api12", "api13") == []
