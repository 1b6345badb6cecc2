"""The delivery loop: claims what is due, hands it to its channel, records how it went."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random

from msgspec.structs import replace

from bot.config import Settings
from bot.delivery.attempts import case_of_relay, next_attempt, patience_for
from bot.delivery.drawing import Drawing, FileLink
from bot.delivery.places import Places, Visit
from bot.errors import SendFailed, StoreUnavailable
from bot.messages import AlertOf, ChannelName, Inbound, IncidentOf, Left, NotDelivered, Outbound, Receipt, Remark
from bot.ports import Channel, Clock, Delivery, GaveUp, Outbox, RetryAt, Sent, Settlement, Wakes

log = logging.getLogger(__name__)

#: what a lease lasts beyond one send's deadline: after a crash, messages under way wait no longer than this
LEASE_MARGIN = timedelta(seconds=5)
#: seconds between two tries to record how a delivery went
FIRST_SETTLE_WAIT, LONGEST_SETTLE_WAIT = 0.1, 2.0
#: how long a loop with nothing to do waits when nobody wakes it
IDLE_SECONDS = 1.0
#: and at least: a message may be due already while its channel takes no more
SHORTEST_IDLE = 0.05
#: what is for the desk waits for a channel that somebody took out of the settings to come back
CHANNEL_MISSING_SECONDS = 300.0


class Courier:
    """Takes messages from the outbox and hands them to their channels, many lanes at once."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        channels: Mapping[ChannelName, Channel],
        settings: Callable[[], Settings],
        clock: Clock,
        chance: Random,
        wakes: Wakes,
        tell: Callable[[Inbound], Awaitable[object]],
        file_link: FileLink,
        speed: float = 1.0,
    ) -> None:
        """``tell`` hears of recipients who left and of agents' words that did not arrive; ``speed`` is how much faster
        than real time the clock runs, so that leases and waits stay real ones."""
        self._outbox = outbox
        self._channels = channels
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._wakes = wakes
        self._tell = tell
        self._drawing = Drawing(outbox=outbox, settings=settings, clock=clock, file_link=file_link)
        self._places = Places(channels, at_once=lambda: settings().delivery.at_once, speed=speed)
        self._speed = speed
        self._sending: set[asyncio.Task[None]] = set()
        #: what was last said of a channel's refusals, so that each is logged once
        self._told: dict[ChannelName, str] = {}
        self._stopping = False

    def paused(self) -> Mapping[str, datetime]:
        """The channels, and rooms as ``<channel>/<key>``, that are left alone at the moment, and until when."""
        return self._places.paused(self._clock())

    async def run(self) -> None:
        """Deliver until cancelled; then let what is under way come to its end."""
        try:
            while True:
                try:
                    claimed = await self.deliver_once()
                except StoreUnavailable as error:
                    log.warning("outbox not reachable: %s", error)
                    claimed = 0
                    await asyncio.sleep(IDLE_SECONDS)
                if not claimed:
                    await self._wakes.wait_outbox(await self._idle())
        finally:
            self._stopping = True
            await self.finish()

    async def finish(self) -> None:
        """Wait for the sends under way."""
        while self._sending:
            await asyncio.wait(self._sending)

    async def deliver_once(self) -> int:
        """Claim what is due and begin to send it; returns how many messages were claimed."""
        delivery = self._settings().delivery
        room = delivery.at_once - len(self._sending)
        if room <= 0:
            await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
            return 1
        now = self._clock()
        lease = self._real(delivery.timeout + LEASE_MARGIN)
        limit = min(room, self._places.limit(now))
        claimed = await self._outbox.claim(now, limit=limit, lease_until=now + lease, blocked=self._places.blocked(now))
        turned_back = [each for each in claimed if not self._began(each)]
        await self._put_back(turned_back)
        return len(claimed)

    def _began(self, delivery: Delivery) -> bool:
        """Begin to send a message, if its channel and its room take it now."""
        visit = self._places.enter(delivery.outbound, self._clock())
        if visit is None:
            return False
        task = asyncio.create_task(self._deliver(delivery, visit))
        self._sending.add(task)
        task.add_done_callback(partial(self._ended, delivery.outbound.to.channel))
        return True

    def _ended(self, name: ChannelName, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a delivery over %s ended unexpectedly", name, exc_info=error)

    async def _put_back(self, deliveries: Sequence[Delivery]) -> None:
        """Let messages wait for their places as if nobody had claimed them, before anything is claimed again."""
        now = self._clock()
        untouched = RetryAt(due_at=now, error="", counts=False)
        await asyncio.gather(*(self._outbox.settle(each, untouched, now) for each in deliveries))

    def _real(self, span: timedelta) -> timedelta:
        """A span of real time on a clock that may run faster."""
        return span * self._speed

    async def _idle(self) -> float:
        """Seconds until the next message may be due, as far as anybody knows now."""
        try:
            now = self._clock()
            due = await self._outbox.next_due(now, blocked=self._places.blocked(now))
        except StoreUnavailable:
            return IDLE_SECONDS
        times = [at for at in (due, self._places.opens(now)) if at is not None]
        if not times:
            return IDLE_SECONDS
        return min(IDLE_SECONDS, max(SHORTEST_IDLE, (min(times) - self._clock()).total_seconds() / self._speed))

    # ---- one message

    async def _deliver(self, delivery: Delivery, visit: Visit) -> None:
        try:
            settlement = await self._attempt(delivery)
        finally:
            self._places.leave(visit)
        await self._settle(delivery, settlement)

    async def _attempt(self, delivery: Delivery) -> Settlement:
        name = delivery.outbound.to.channel
        settings = self._settings()
        try:
            async with asyncio.timeout(settings.delivery.timeout.total_seconds()):
                receipt = await self._send(delivery)
        except SendFailed as failure:
            return await self._failed(delivery, failure)
        except TimeoutError:
            slow = SendFailed(reason="no answer in time", retryable=True, maybe_delivered=True)
            return await self._failed(delivery, slow)
        except StoreUnavailable:
            away = SendFailed(reason="the database did not answer", retryable=True)
            return await self._failed(delivery, away, asked=False)
        except Exception:
            # A defect of ours must not stop the loop nor lose the message silently: it is tried, then given up.
            log.exception("delivery %s to %s failed in our own code", delivery.id, name)
            defect = SendFailed(reason="internal error, see the log", retryable=True)
            return await self._failed(delivery, defect, asked=False)
        self._told.pop(name, None)
        self._places.worked(delivery.outbound)
        return Sent(receipt=receipt)

    async def _send(self, delivery: Delivery) -> Receipt:
        kept = delivery.outbound
        channel = self._channels.get(kept.to.channel)
        if channel is None:
            raise self._no_channel(kept)
        kind = kept.kind
        if kind == "edit" and delivery.remote is None:
            if not isinstance(kept.content, AlertOf | IncidentOf):
                raise SendFailed(reason="the message to change never arrived", retryable=False)
            # An alert that never arrived is posted late rather than lost.
            kind = "post"
        content = await self._drawing.ready(kept.content)
        outbound = replace(kept, kind=kind, content=content, key=str(delivery.id))
        # What a customer is told stands in no thread of the desk's. A remark whose alert never arrived goes to the
        # room itself.
        thread = delivery.thread_remote if isinstance(content, Remark) else None
        return await channel.send(outbound, delivery.remote, again=delivery.maybe_delivered, thread=thread)

    def _no_channel(self, outbound: Outbound) -> SendFailed:
        reason = f"there is no channel {outbound.to.channel} any more"
        if patience_for(outbound, self._settings().followup) != "for ever":
            return SendFailed(reason=reason, retryable=False)
        return SendFailed(reason=reason, retryable=True, retry_after=CHANNEL_MISSING_SECONDS, whole_channel=True)

    async def _failed(self, delivery: Delivery, failure: SendFailed, *, asked: bool = True) -> Settlement:
        """What becomes of a message; ``asked``: the trouble was met with its service, and not before it."""
        settings, now = self._settings(), self._clock()
        patience = patience_for(delivery.outbound, settings.followup)
        until = self._places.failed(delivery.outbound, failure, now) if asked else None
        if patience != "for ever" and not (failure.whole_channel or failure.whole_room):
            # Customers' chats keep no order among each other: the next probe is another one's message.
            until = None
        settlement = next_attempt(
            delivery,
            failure,
            settings.delivery,
            now,
            self._chance.random(),
            patience=patience,
            paused_until=until,
        )
        self._log(delivery, failure, settlement)
        try:
            await self._tell_of(delivery, failure, settlement)
        except StoreUnavailable as error:
            log.warning("could not record that delivery %s did not arrive: %s", delivery.id, error)
            # Nobody has heard of it yet, so it is refused once more.
            settlement = RetryAt(due_at=now + timedelta(seconds=IDLE_SECONDS), error=failure.reason, counts=False)
        if isinstance(settlement, RetryAt) and until is None:
            settlement = replace(settlement, due_at=now + self._real(settlement.due_at - now))
        return settlement

    def _log(self, delivery: Delivery, failure: SendFailed, settlement: Settlement) -> None:
        name = delivery.outbound.to.channel
        if isinstance(settlement, GaveUp):
            log.warning("gave up delivery %s to %s: %s", delivery.id, name, settlement.error)
        elif failure.retry_after is not None and not failure.maybe_delivered and self._told.get(name) != failure.reason:
            self._told[name] = failure.reason
            log.warning("channel %s refuses a message, which waits: %s", name, failure.reason)

    async def _tell_of(self, delivery: Delivery, failure: SendFailed, settlement: Settlement) -> None:
        """Let the rest know of who left, and the agents of words that will not arrive. Raises StoreUnavailable."""
        outbound, now = delivery.outbound, self._clock()
        case = case_of_relay(outbound)
        if failure.recipient_gone and patience_for(outbound, self._settings().followup) != "for ever":
            await self._tell(Left(event=f"gone:{delivery.id}:{delivery.attempt}", sender=outbound.to, at=now))
        if case is not None and isinstance(settlement, GaveUp):
            # The event is the delivery's own: whatever is told twice is heard once.
            event = f"undelivered:{delivery.id}"
            await self._tell(NotDelivered(event=event, case=case, slot=outbound.slot, why=settlement.error, at=now))

    async def _settle(self, delivery: Delivery, settlement: Settlement) -> None:
        """Record how it went, however long the database is away: what is not recorded is sent once more."""
        wait = FIRST_SETTLE_WAIT
        while True:
            try:
                if not await self._outbox.settle(delivery, settlement, self._clock()):
                    log.warning("delivery %s was taken over by another process", delivery.id)
                break
            except StoreUnavailable as error:
                if self._stopping:
                    log.warning("could not record delivery %s: %s", delivery.id, error)
                    break
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_SETTLE_WAIT)
        self._wakes.outbox()
