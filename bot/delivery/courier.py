"""The delivery loop: claims what is due, hands it to its channel, records how it went."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random

from msgspec.structs import replace

from bot.config import Settings
from bot.delivery.attempts import next_attempt, patience_for
from bot.delivery.drawing import Drawing, FileLink
from bot.delivery.places import LONGEST_PAUSE, Places, Visit
from bot.delivery.telling import Telling
from bot.errors import SendFailed, StoreUnavailable
from bot.messages import AlertOf, ChannelName, Inbound, IncidentOf, Outbound, Receipt, Remark
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
#: a clock that goes back by more was put back
CLOCK_SLACK = timedelta(seconds=5)
#: what a service may ask us to wait for is believed up to here by a process that finds it in the outbox
LONGEST_ASKED = timedelta(hours=1)


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
        self._telling = Telling(outbox=outbox, settings=settings, clock=clock, tell=tell, speed=speed)
        self._drawing = Drawing(outbox=outbox, settings=settings, clock=clock, file_link=file_link)
        self._places = Places(channels, at_once=lambda: settings().delivery.at_once, speed=speed)
        self._speed = speed
        self._sending: set[asyncio.Task[None]] = set()
        #: what was last said of a channel's refusals, so that each is logged once
        self._told: dict[ChannelName, str] = {}
        self._stopping = False
        #: the time of the last look at the outbox
        self._seen: datetime | None = None

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

    async def passed(self) -> None:
        """Wait for the sends that are under way now, and not for those that begin meanwhile."""
        if self._sending:
            await asyncio.wait(set(self._sending))

    def forget(self, name: ChannelName) -> None:
        """A channel is another one now: what was learnt of the trouble with the one before says nothing of it."""
        self._told.pop(name, None)
        self._places.forget(name)

    async def deliver_once(self) -> int:
        """Claim what is due and begin to send it; returns how many messages were claimed."""
        delivery = self._settings().delivery
        room = delivery.at_once - len(self._sending)
        if room <= 0:
            await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
            return 1
        now = self._clock()
        lease = self._real(delivery.timeout + LEASE_MARGIN)
        await self._notice(now, lease)
        await self._telling.look(now)
        limit = min(room, self._places.limit(now))
        claimed = await self._outbox.claim(now, limit=limit, lease_until=now + lease, blocked=self._places.blocked(now))
        turned_back = [each for each in claimed if not self._began(each)]
        await self._put_back(turned_back)
        return len(claimed)

    async def _notice(self, now: datetime, lease: timedelta) -> None:
        """Let nothing wait for a time that a clock told that ran ahead and was put back."""
        seen, longest = self._seen, timedelta(0)
        if seen is None:
            # An earlier process may have had that clock; what is due later than any wait lasts tells of it.
            longest = self._real(
                max(self._settings().delivery.longest_wait, LONGEST_ASKED, LONGEST_PAUSE) + CLOCK_SLACK
            )
        elif now >= seen - self._real(CLOCK_SLACK):
            self._seen = max(seen, now)
            return
        moved = await self._outbox.rewind(now, latest=now + longest, lease_until=now + lease)
        if moved:
            log.warning("messages that waited for a time far ahead are due now, the clock was put back: %d", moved)
        if seen is not None:
            self._places.rewind(seen - now)
            self._telling.rewind()
        self._seen = now

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
            settlement, failure = await self._attempt(delivery)
        finally:
            self._places.leave(visit)
        # Nobody hears that a message will not arrive while another process may still bring it.
        if await self._settle(delivery, settlement) and failure is not None:
            await self._telling.settled(delivery, failure, settlement, stopping=lambda: self._stopping)

    async def _attempt(self, delivery: Delivery) -> tuple[Settlement, SendFailed | None]:
        name = delivery.outbound.to.channel
        settings = self._settings()
        try:
            async with asyncio.timeout(settings.delivery.timeout.total_seconds()):
                receipt = await self._send(delivery)
        except SendFailed as failure:
            return await self._failed(delivery, failure), failure
        except TimeoutError:
            slow = SendFailed(reason="no answer in time", retryable=True, maybe_delivered=True)
            return await self._failed(delivery, slow), slow
        except StoreUnavailable:
            away = SendFailed(reason="the database did not answer", retryable=True)
            return await self._failed(delivery, away, asked=False), away
        except Exception:
            # A defect of ours must not stop the loop nor lose the message silently. It counts as this message's own:
            # an alert is tried until we are mended, whatever else is tried some times and then given up.
            log.exception("delivery %s to %s failed in our own code", delivery.id, name)
            defect = SendFailed(reason="internal error, see the log", retryable=True, of_message=True)
            return await self._failed(delivery, defect, asked=False), defect
        self._told.pop(name, None)
        self._places.worked(delivery.outbound)
        return Sent(receipt=receipt), None

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
        if isinstance(settlement, GaveUp) and isinstance(delivery.outbound.content, Remark):
            await self._say_instead(delivery, delivery.outbound.content)
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

    async def _say_instead(self, delivery: Delivery, remark: Remark) -> None:
        """Let agents know where to read what their service does not take; best effort, once."""
        outbound, settings = delivery.outbound, self._settings()
        channel = self._channels.get(outbound.to.channel)
        if channel is None:
            return
        named, _, case = (outbound.thread or "").partition(":")
        link = f"{settings.server.public_url}/cases" + (f"/{case}" if named == "alert" else "")
        told = settings.voice(remark.locale).say("thread.not_shown", link=link)
        words = replace(remark, text=told, attachments=(), author="")
        instead = replace(outbound, content=words, key=f"{delivery.id}:instead")
        # It may be the thread that takes nothing.
        for thread in dict.fromkeys((delivery.thread_remote, None)):
            try:
                async with asyncio.timeout(settings.delivery.timeout.total_seconds()):
                    await channel.send(instead, None, thread=thread)
                return
            except (SendFailed, TimeoutError) as error:
                log.warning("nor could be said that delivery %s is not shown: %s", delivery.id, error)
            except Exception:
                log.exception("nor could be said that delivery %s is not shown", delivery.id)

    async def _settle(self, delivery: Delivery, settlement: Settlement) -> bool:
        """Record how it went, however long the database is away: what is not recorded is sent once more.

        Returns whether it was recorded, and by us.
        """
        settled, wait = False, FIRST_SETTLE_WAIT
        while True:
            try:
                settled = await self._outbox.settle(delivery, settlement, self._clock())
                if not settled:
                    log.warning("delivery %s was taken over by another process", delivery.id)
                break
            except StoreUnavailable as error:
                if self._stopping:
                    log.warning("could not record delivery %s: %s", delivery.id, error)
                    break
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_SETTLE_WAIT)
        self._wakes.outbox()
        return settled
