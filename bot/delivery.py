"""Outbox -> channel -> outcome. Deciding when to try again is pure; the loop beside it only carries out.

Delivery is at least once, in order per lane. A wait that a service asked for is a later due time of the row,
never a sleep; one bad recipient delays nobody else.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from random import Random

import msgspec
from msgspec.structs import replace

from bot.config import DeliverySettings, Settings
from bot.errors import SendFailed, StoreUnavailable
from bot.followup.alerts import Desk, PastRating, Subject, draw_alert
from bot.followup.cases import Case
from bot.followup.clocks import Team
from bot.messages import Alert, AlertOf, ChannelName, Quote, Receipt
from bot.ports import CaseView, Channel, Clock, Delivery, GaveUp, Outbox, RetryAt, Sent, Settlement, Wakes

log = logging.getLogger(__name__)

#: failures of one channel in a row, over all lanes, after which it is left alone for a while
FAILURES_TO_PAUSE = 5
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=6), timedelta(minutes=5)
#: a retry's wait is between this share of the full one and all of it, so that a crowd does not come back at once
LEAST_SHARE = 0.5
#: what a lease lasts beyond one send's deadline: after a crash, messages under way wait no longer than this
LEASE_MARGIN = timedelta(seconds=5)
#: seconds between two tries to record how a delivery went
FIRST_SETTLE_WAIT, LONGEST_SETTLE_WAIT = 0.1, 2.0
#: how long a loop with nothing to do waits when nobody wakes it
IDLE_SECONDS = 1.0
#: and at least: a message may be due already while its channel takes no more
SHORTEST_IDLE = 0.05


# ---- deciding ---------------------------------------------------------------------------------------------


def next_attempt(
    delivery: Delivery, failure: SendFailed, settings: DeliverySettings, now: datetime, chance: float
) -> Settlement:
    """What becomes of a message that could not be handed over. ``chance`` is in [0, 1)."""
    if failure.recipient_gone or not failure.retryable:
        return GaveUp(error=failure.reason)
    if now - delivery.queued_at >= settings.give_up_after:
        return GaveUp(error=f"{failure.reason} (after {now - delivery.queued_at})")
    if failure.whole_channel or failure.retry_after is not None:
        # Not this message's fault: it is due again when the channel is, and loses none of its attempts.
        wait = timedelta(seconds=failure.retry_after or 0) + timedelta(seconds=chance)
        return RetryAt(due_at=now + wait, error=failure.reason, counts=False, maybe_delivered=failure.maybe_delivered)
    if delivery.attempt >= settings.attempts:
        return GaveUp(error=f"{failure.reason} (after {delivery.attempt} attempts)")
    full = backoff(delivery.attempt, settings.first_wait, settings.longest_wait)
    return RetryAt(
        due_at=now + full * (LEAST_SHARE + (1 - LEAST_SHARE) * chance),
        error=failure.reason,
        maybe_delivered=failure.maybe_delivered,
    )


def backoff(attempt: int, first: timedelta, longest: timedelta) -> timedelta:
    """Doubling from ``first`` at attempt 1, up to ``longest``.

    >>> [backoff(n, timedelta(seconds=1), timedelta(seconds=5)).seconds for n in (1, 2, 3, 4)]
    [1, 2, 4, 5]
    """
    # 2^30 of anything is longer than any longest wait, and stays inside what a timedelta holds
    return min(first * float(1 << min(attempt - 1, 30)), longest)


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel is doing: after trouble of the whole channel it is left alone until ``closed_until``.

    Then one message at a time is tried (*probing*) until one arrives.
    """

    failures: int = 0
    pauses: int = 0
    closed_until: datetime | None = None

    def blocks(self, now: datetime) -> bool:
        return self.closed_until is not None and now < self.closed_until

    @property
    def probing(self) -> bool:
        return self.pauses > 0


def after_failure(breaker: Breaker, failure: SendFailed, now: datetime) -> Breaker:
    """The breaker after a failed send."""
    if failure.recipient_gone or not failure.retryable or (failure.retry_after and not failure.whole_channel):
        return breaker  # the channel works: it told us something about this message alone
    failures = breaker.failures + 1
    if not failure.whole_channel and failures < FAILURES_TO_PAUSE and not breaker.probing:
        return replace(breaker, failures=failures)
    if breaker.blocks(now) and failure.retry_after is None:
        return replace(breaker, failures=failures)  # sent before the pause began
    asked = timedelta(seconds=failure.retry_after or 0)
    # A service that asks once is taken at its word; one that keeps refusing is asked ever more rarely.
    step = breaker.pauses if failure.retry_after is not None else breaker.pauses + 1
    pause = max(asked, backoff(step, FIRST_PAUSE, LONGEST_PAUSE) if step else asked)
    until = max(now + pause, breaker.closed_until or now)
    return Breaker(failures=failures, pauses=breaker.pauses + 1, closed_until=until)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """A token bucket: ``rate`` messages a second on average, as many at once."""

    rate: float
    tokens: float
    at: datetime

    def refilled(self, now: datetime) -> "Pace":
        gained = max(0.0, (now - self.at).total_seconds()) * self.rate
        return replace(self, tokens=min(self.rate, self.tokens + gained), at=max(now, self.at))


def alert_of(view: CaseView, settings: Settings, now: datetime) -> Alert:
    """The alert of a case as it is now."""
    subject = Subject(
        case=view.case,
        flow=view.flow.flow,
        conversation=view.conversation,
        customer_name=view.customer.name,
        words=[Quote(text=words.text, at=words.at) for words in view.words],
        notes=view.notes,
        scores=[PastRating(scale=past.scale, score=past.score, at=past.at) for past in view.scores],
        incident=view.incident,
    )
    return draw_alert(subject, desk_of(view.case, settings, now))


def desk_of(case: Case, settings: Settings, now: datetime) -> Desk:
    """For whom the alert of a case is drawn: the agents' language, the case's team, the page beside it."""
    followup, url = settings.followup, settings.server.public_url
    if followup is None:
        return Desk(locale="en", team=Team(name=case.team), now=now, public_url=url)
    team = next((team for team in followup.teams if team.name == (case.team or followup.team)), followup.teams[0])
    return Desk(locale=followup.locale, team=team, now=now, public_url=url, causes=followup.causes)


# ---- doing ------------------------------------------------------------------------------------------------


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
        gone: Callable[[Delivery], Awaitable[object]],
        speed: float = 1.0,
    ) -> None:
        """``gone`` is told of a delivery whose recipient left; ``speed`` is how much faster than real time the
        clock runs, so that leases and waits stay real ones."""
        self._outbox = outbox
        self._channels = channels
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._wakes = wakes
        self._gone = gone
        self._speed = speed
        self._breakers: dict[ChannelName, Breaker] = {}
        self._paces: dict[ChannelName, Pace] = {}
        self._probing: set[ChannelName] = set()
        self._sending: set[asyncio.Task[None]] = set()
        #: how many messages of each channel are under way
        self._under_way: Counter[ChannelName] = Counter()
        #: what was last said of a channel's refusals, so that each is logged once
        self._told: dict[ChannelName, str] = {}
        self._stopping = False

    def paused(self) -> Mapping[ChannelName, datetime]:
        """The channels that are left alone at the moment, and until when: for the operator."""
        now = self._clock()
        return {
            name: breaker.closed_until
            for name, breaker in self._breakers.items()
            if breaker.closed_until is not None and breaker.blocks(now)
        }

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
        blocked = self._blocked(now)
        # No channel may get more places by this claim than it may have.
        most = self._most() - max((self._under_way[name] for name in self._channels if name not in blocked), default=0)
        limit = max(1, min(room, most))
        claimed = await self._outbox.claim(now, limit=limit, lease_until=now + lease, blocked=blocked)
        for each in claimed:
            name = each.outbound.to.channel
            self._spend(name)
            self._under_way[name] += 1
            task = asyncio.create_task(self._deliver(each))
            self._sending.add(task)
            task.add_done_callback(partial(self._ended, name))
        return len(claimed)

    def _ended(self, name: ChannelName, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._under_way[name] -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a delivery over %s ended unexpectedly", name, exc_info=error)

    def _real(self, span: timedelta) -> timedelta:
        """A span of real time on a clock that may run faster."""
        return span * self._speed

    async def _idle(self) -> float:
        """Seconds until the next message may be due, as far as anybody knows now."""
        try:
            now = self._clock()
            due = await self._outbox.next_due(now, blocked=self._blocked(now))
        except StoreUnavailable:
            return IDLE_SECONDS
        if due is None:
            return IDLE_SECONDS
        return min(IDLE_SECONDS, max(SHORTEST_IDLE, (due - self._clock()).total_seconds() / self._speed))

    # ---- one message

    async def _deliver(self, delivery: Delivery) -> None:
        name = delivery.outbound.to.channel
        breaker = self._breakers.get(name, Breaker())
        now = self._clock()
        if breaker.blocks(now) or (breaker.probing and name in self._probing):
            # The pause began after this message was claimed, or another one is finding out whether it is over.
            wait = max(now, breaker.closed_until or now) + self._real(timedelta(seconds=1 + self._chance.random()))
            await self._settle(delivery, RetryAt(due_at=wait, error="the channel is paused", counts=False))
            return
        if breaker.probing:
            self._probing.add(name)
        try:
            settlement = await self._attempt(delivery)
        finally:
            self._probing.discard(name)
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
            return await self._failed(delivery, SendFailed(reason="the database did not answer", retryable=True))
        except Exception:
            # A defect of ours must not stop the loop nor lose the message silently: it is tried, then given up.
            log.exception("delivery %s to %s failed in our own code", delivery.id, name)
            return await self._failed(delivery, SendFailed(reason="internal error, see the log", retryable=True))
        self._told.pop(name, None)
        if name in self._breakers:
            del self._breakers[name]
            log.info("channel %s works again", name)
        return Sent(receipt=receipt)

    async def _send(self, delivery: Delivery) -> Receipt:
        outbound = replace(delivery.outbound, key=str(delivery.id))
        channel = self._channels.get(outbound.to.channel)
        if channel is None:
            raise SendFailed(reason=f"there is no channel {outbound.to.channel} any more", retryable=False)
        if isinstance(outbound.content, AlertOf):
            view = await self._outbox.case_view(outbound.content.case)
            if view is None:
                raise SendFailed(reason="the case is gone", retryable=False)
            alert = alert_of(view, self._settings(), self._clock())
            # An alert that never arrived is posted late rather than lost.
            kind = "post" if delivery.remote is None else outbound.kind
            outbound = replace(outbound, kind=kind, content=alert)
        elif outbound.kind == "edit" and delivery.remote is None:
            raise SendFailed(reason="the message to change never arrived", retryable=False)
        return await channel.send(outbound, delivery.remote, again=delivery.maybe_delivered)

    async def _failed(self, delivery: Delivery, failure: SendFailed) -> Settlement:
        name, now = delivery.outbound.to.channel, self._clock()
        before = self._breakers.get(name, Breaker())
        after = after_failure(before, failure, now)
        if after != before:
            self._breakers[name] = self._in_real_time(after, now)
        if after.pauses > before.pauses:
            log.warning("channel %s is paused until %s: %s", name, after.closed_until, failure.reason)
        settlement = next_attempt(delivery, failure, self._settings().delivery, now, self._chance.random())
        if isinstance(settlement, GaveUp):
            log.warning("gave up delivery %s to %s: %s", delivery.id, name, failure.reason)
        elif failure.retry_after is not None and not failure.maybe_delivered and self._told.get(name) != failure.reason:
            self._told[name] = failure.reason
            log.warning("channel %s refuses a message, which waits: %s", name, failure.reason)
        if failure.recipient_gone and not isinstance(delivery.outbound.content, AlertOf):
            try:
                await self._gone(delivery)
            except StoreUnavailable as error:
                # The refusal comes again with the next message to them.
                log.warning("could not record that a recipient left: %s", error)
        if isinstance(settlement, RetryAt):
            settlement = replace(settlement, due_at=now + self._real(settlement.due_at - now))
        return settlement

    def _in_real_time(self, breaker: Breaker, now: datetime) -> Breaker:
        if breaker.closed_until is None or self._speed == 1.0:
            return breaker
        return replace(breaker, closed_until=now + self._real(breaker.closed_until - now))

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

    # ---- pacing

    def _blocked(self, now: datetime) -> list[ChannelName]:
        """The channels that take no more at the moment: paced, paused, or slow with too many messages under way."""
        paused = {name for name, breaker in self._breakers.items() if breaker.blocks(now)}
        paced = {name for name in self._channels if self._pace_left(name, now) < 1}
        full = {name for name, count in self._under_way.items() if count >= self._most()}
        return sorted(paused | paced | full)

    def _most(self) -> int:
        """How many messages of one channel may be under way: others must find a place beside a slow one."""
        places = self._settings().delivery.at_once
        return places if len(self._channels) < 2 else max(1, places * 3 // 4)

    def _pace_left(self, name: ChannelName, now: datetime) -> float:
        rate = self._channels[name].limits.per_second / self._speed
        if rate <= 0:
            return 1.0
        pace = self._paces.get(name, Pace(rate=rate, tokens=rate, at=now)).refilled(now)
        self._paces[name] = pace
        return pace.tokens

    def _spend(self, name: ChannelName) -> None:
        pace = self._paces.get(name)
        if pace is not None:
            self._paces[name] = replace(pace, tokens=pace.tokens - 1)
