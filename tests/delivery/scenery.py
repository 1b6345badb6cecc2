"""A courier over a real outbox, with channels in memory and a clock that stands still."""

from datetime import timedelta
from random import Random

from bot.config import DeliverySettings, FollowUpSettings, Settings
from bot.delivery import Courier
from bot.errors import SendFailed
from bot.messages import Address, Attachment, ChannelName, Content, Inbound, Outbound, OutboundKind, Text
from bot.ports import Outcome, Queue, Read
from bot.storage import Storage
from tests.conftest import SetClock
from tests.fakes.channel import FakeChannel

SETTINGS = Settings(
    company="Lotus Home",
    delivery=DeliverySettings(attempts=3, first_wait=timedelta(seconds=1), longest_wait=timedelta(seconds=4)),
    followup=FollowUpSettings(channel=ChannelName("slack"), room="#desk"),
)


class Scene:
    """A courier, its channels (the first is the one that is spoken of), and what was told of recipients."""

    def __init__(self, storage: Storage, clock: SetClock, *channels: FakeChannel) -> None:
        self.storage, self.clock, self.channel = storage, clock, channels[0]
        self.told: list[Inbound] = []
        #: raised by those who are told, first come first served
        self.deaf: list[Exception] = []
        self.courier = self.courier_of(*channels)

    def courier_of(self, *channels: FakeChannel) -> Courier:
        return Courier(
            outbox=self.storage.outbox,
            channels={channel.name: channel for channel in channels},
            settings=lambda: SETTINGS,
            clock=self.clock,
            chance=Random(1),
            wakes=self.storage.wakes,
            tell=self._tell,
            file_link=_file_link,
        )

    async def _tell(self, event: Inbound) -> None:
        if self.deaf:
            raise self.deaf.pop(0)
        self.told.append(event)

    async def queue(self, *texts: str, to: str = "7", kind: OutboundKind = "post", slot: str = "") -> None:
        """Put texts on their way to one chat, in its lane."""
        lane = f"{self.channel.name}:{to}"
        for text in texts:
            await self.put(Text(text=text), to=to, kind=kind, slot=slot or f"s:{text}", lane=lane)

    async def put(
        self,
        content: Content,
        *,
        to: str,
        slot: str,
        lane: str = "",
        kind: OutboundKind = "post",
        thread: str | None = None,
        channel: str = "",
    ) -> None:
        """Put any message on its way; without a lane it has one of its own."""
        address = Address(channel=ChannelName(channel) if channel else self.channel.name, key=to)
        outbound = Outbound(kind=kind, to=address, lane=lane or slot, slot=slot, content=content, thread=thread)
        queue = Queue(outbound=outbound, at=self.clock.now)
        await self.storage.run(Read(), lambda _: Outcome(writes=(queue,)))

    async def deliver(self) -> None:
        """Deliver all that is due on the clock as it stands."""
        while await self.courier.deliver_once():
            await self.courier.finish()

    def shown(self) -> list[str]:
        return [content.text for content in self.channel.shown.values() if isinstance(content, Text)]


def _file_link(channel: ChannelName, attachment: Attachment) -> str:
    return f"https://shop.example/files/{channel}/{attachment.reference}"


def failure(
    *,
    retryable: bool = True,
    whole_channel: bool = False,
    whole_room: bool = False,
    retry_after: float | None = None,
    maybe_delivered: bool = False,
) -> SendFailed:
    return SendFailed(
        reason="not now",
        retryable=retryable,
        whole_channel=whole_channel,
        whole_room=whole_room,
        retry_after=retry_after,
        maybe_delivered=maybe_delivered,
    )
