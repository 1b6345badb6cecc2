"""An opt-out holds whichever process hears it, and after all of them were started again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import time, timedelta
from itertools import count

from bot.config import AskingSettings, CommandSettings, Settings, WebchatSettings
from bot.conversations.dealings import Ended, Told
from bot.intake import Intake
from bot.messages import Address, Card, ChannelName, Left, Outbound, Receipt, Tapped, Text, Wrote
from bot.ports import Customer, Facts, Outcome, Read, Sent
from bot.storage import Storage, open_storage
from tests.conftest import SetClock
from tests.conversations.golden import flow_named

PHONE = Address(channel=ChannelName("web"), key="phone")
LAPTOP = Address(channel=ChannelName("web"), key="laptop")
GOODBYE = "We will not ask you for feedback any more. If you change your mind, write START."
SETTINGS = Settings(
    company="Lotus",
    channels=(WebchatSettings(name=ChannelName("web"), secret="s"),),
    asking=AskingSettings(quiet_from=time(0), quiet_until=time(0), reminder=timedelta(hours=24)),
    commands=CommandSettings(feedback="support"),
    flows=(flow_named("support"),),
)


SENT = Sent(receipt=Receipt(remote="m1"))


class Replica:
    """One process: a store of its own on the database that all have, and an intake."""

    def __init__(self, storage: Storage, clock: SetClock, ids: Callable[[], str]) -> None:
        self.storage, self.clock, self.ids = storage, clock, ids
        self.intake = Intake(store=storage, settings=lambda: SETTINGS, clock=clock, ids=ids)

    async def write(self, text: str, who: Address) -> Outcome:
        return await self.intake.handle(Wrote(event=self.ids(), sender=who, text=text, at=self.clock.now))

    async def closed(self, who: Address, *, ago: timedelta = timedelta(0)) -> Outcome:
        """Tell of a dealing that ended; both addresses are the same customer's."""
        ended = Ended(at=self.clock.now - ago)
        told = Told(source="api", reference=self.ids(), happening=ended, address=who, customer="C-17")
        return await self.intake.tell(told, "api")

    async def pass_time(self, **span: float) -> None:
        self.clock.advance(**span)
        for due in await self.storage.dues.due(self.clock.now, 100):
            await self.intake.come_due(due)

    async def customer(self, who: Address) -> Customer:
        found: list[Customer] = []

        def look(facts: Facts) -> Outcome:
            assert facts.customer is not None
            found.append(facts.customer)
            return Outcome()

        await self.storage.run(Read(address=who), look)
        return found[-1]

    async def sent(self) -> list[Outbound]:
        """What waits to be delivered, taken out of the outbox lane after lane."""
        taken: list[Outbound] = []
        while claimed := await self.storage.outbox.claim(
            self.clock.now, limit=100, lease_until=self.clock.now + timedelta(hours=1)
        ):
            for delivery in claimed:
                await self.storage.outbox.settle(delivery, SENT, self.clock.now)
                taken.append(delivery.outbound)
        return taken


@asynccontextmanager
async def replicas(url: str, clock: SetClock, *, first: int = 1) -> AsyncIterator[tuple[Replica, Replica]]:
    numbers = count(first)
    opened = [await open_storage(url, clock=clock) for _ in range(2)]
    try:
        await opened[0].activate_flows(SETTINGS.flows, clock.now)
        one, other = (Replica(storage, clock, lambda: f"{next(numbers):016d}") for storage in opened)
        yield one, other
    finally:
        for storage in opened:
            await storage.close()


async def known_at_both(replica: Replica) -> None:
    for who in (PHONE, LAPTOP):
        await replica.write("hi", who)
        await replica.closed(who, ago=timedelta(days=30))
    await replica.sent()


def texts(messages: list[Outbound]) -> list[str]:
    return [message.content.text for message in messages if isinstance(message.content, Text)]


async def test_holds_in_other_processes_and_after_a_restart(storage_url: str, clock: SetClock) -> None:
    async with replicas(storage_url, clock) as (one, other):
        await known_at_both(one)
        await one.closed(PHONE)
        assert (await one.write("STOP", PHONE)).said.kind == "opted_out"
        assert (await other.write("stop!", PHONE)).said.kind == "opted_out"
        assert (await other.write("unsubscribe", LAPTOP)).said.kind == "opted_out"
        await other.pass_time(minutes=10)
        assert texts(await one.sent()) == [GOODBYE]
    async with replicas(storage_url, clock, first=1000) as (one, other):
        assert (await other.customer(LAPTOP)).opted_out_at is not None
        await one.closed(LAPTOP)
        await other.pass_time(minutes=10)
        assert await other.sent() == []
        assert (await other.write("START", LAPTOP)).said.kind == "opted_in"
        assert (await one.customer(PHONE)).opted_out_at is None
        await one.sent()
        await one.closed(PHONE)
        await other.pass_time(minutes=10)
        assert [message.to for message in await one.sent()] == [PHONE]


async def test_is_confirmed_once_when_both_hear_it_at_once(storage_url: str, clock: SetClock) -> None:
    async with replicas(storage_url, clock) as (one, other):
        await known_at_both(one)
        heard = (one.write("stop", PHONE), other.write("stop", LAPTOP), other.write("stop", PHONE))
        assert {outcome.said.kind for outcome in await asyncio.gather(*heard)} == {"opted_out"}
        assert texts(await one.sent()) == [GOODBYE]


async def test_blocking_one_address_holds_at_the_other(storage_url: str, clock: SetClock) -> None:
    async with replicas(storage_url, clock) as (one, other):
        await known_at_both(one)
        await one.intake.handle(Left(event="left", sender=PHONE, at=clock.now))
        await other.closed(LAPTOP)
        await other.pass_time(minutes=10)
        assert await other.sent() == []


async def test_a_tap_on_never_again_counts_once_whoever_hears_it(storage_url: str, clock: SetClock) -> None:
    async with replicas(storage_url, clock) as (one, other):
        await known_at_both(one)
        await one.closed(PHONE)
        await one.pass_time(minutes=10)
        (question,) = await one.sent()
        assert isinstance(question.content, Card)
        (token,) = (button.token for button in question.content.decline if button.label == "Stop asking me")
        taps = [Tapped(event=f"tap:{n}", sender=PHONE, token=token, at=clock.now) for n in range(4)]
        replies = await asyncio.gather(
            *(replica.intake.handle(tap) for replica, tap in zip((one, other, one, other), taps, strict=True))
        )
        assert [outcome.said.kind for outcome in replies] == ["opted_out"] * 4
        sent = await other.sent()
        assert texts(sent) == [GOODBYE]
        assert [message.kind for message in sent if isinstance(message.content, Card)] == ["edit"]


async def test_a_reminder_is_sent_once_whoever_finds_it_due(storage_url: str, clock: SetClock) -> None:
    async with replicas(storage_url, clock) as (one, other):
        await known_at_both(one)
        await one.closed(PHONE)
        await one.pass_time(minutes=10)
        await one.sent()
        clock.advance(hours=24)
        (due,) = [due for due in await one.storage.dues.due(clock.now, 100) if due.kind == "remind"]
        await asyncio.gather(*(replica.intake.come_due(due) for replica in (one, other, one, other)))
        assert [message.kind for message in await one.sent()] == ["edit", "post"]
        await other.pass_time(hours=48)
        assert await one.sent() == []
