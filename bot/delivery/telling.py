"""What others hear of messages that did not arrive: of customers who left, and of agents' words nobody got."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.config import Settings
from bot.delivery.attempts import case_of_relay, patience_for
from bot.errors import SendFailed, StoreUnavailable
from bot.messages import Inbound, Left, NotDelivered, Outbound
from bot.ports import Clock, Delivery, GaveUp, Outbox, Settlement

log = logging.getLogger(__name__)

#: agents hear that their words are late, in real time
LATE_AFTER = timedelta(minutes=5)
#: between two looks for words that are late, in real time
LOOK_EVERY = timedelta(seconds=30)
#: What was given up since then is told again by a process that starts: the one before may have ended in between.
#: Shorter than event keys are remembered, by which a second telling is known.
LOST_SINCE = timedelta(days=5)
#: why words are late that were not tried themselves, as the language packs know it
NOT_TRIED = "not_tried"
#: seconds between two tries to tell
FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0


class Telling:
    """Lets the rest know, through ``tell``, of what did not arrive; each thing counts once however often it is told."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        settings: Callable[[], Settings],
        clock: Clock,
        tell: Callable[[Inbound], Awaitable[object]],
        speed: float,
    ) -> None:
        self._outbox = outbox
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._speed = speed
        #: the next look for words that are late; None: this process has not looked at all
        self._look_at: datetime | None = None
        #: the newest message that was told of as late
        self._told = 0

    def rewind(self) -> None:
        """The clock was put back: look anew."""
        self._look_at, self._told = None, 0

    async def settled(
        self, delivery: Delivery, failure: SendFailed, settlement: Settlement, *, stopping: Callable[[], bool]
    ) -> None:
        """Tell of a message that was given up, however long the database is away."""
        wait = FIRST_WAIT
        while True:
            try:
                await self._gave_up(delivery, failure, settlement)
                return
            except StoreUnavailable as error:
                log.warning("could not tell that delivery %s did not arrive: %s", delivery.id, error)
                if stopping():
                    return  # the next process tells of it
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)

    async def _gave_up(self, delivery: Delivery, failure: SendFailed, settlement: Settlement) -> None:
        outbound = delivery.outbound
        if failure.recipient_gone and patience_for(outbound, self._settings().followup) != "for ever":
            event = f"gone:{delivery.id}:{delivery.attempt}"
            await self._tell(Left(event=event, sender=outbound.to, at=self._clock()))
        if isinstance(settlement, GaveUp):
            await self._not_delivered(delivery.id, outbound, settlement.error)

    async def look(self, now: datetime) -> None:
        """Tell agents of words that should have arrived by now. Raises StoreUnavailable."""
        if self._look_at is None:
            for each in await self._outbox.lost(now - LOST_SINCE):
                await self._not_delivered(each.id, each.outbound, each.error)
        elif now < self._look_at:
            return
        else:
            # What waited for this program, and not for the service, has had its chance since the first look.
            for each in await self._outbox.late(now - LATE_AFTER * self._speed, after=self._told):
                await self._not_delivered(each.id, each.outbound, each.error, yet=True)
                self._told = each.id
        self._look_at = now + LOOK_EVERY * self._speed

    async def _not_delivered(self, id: int, outbound: Outbound, why: str, *, yet: bool = False) -> None:
        case = case_of_relay(outbound)
        if case is None:
            return
        # The event is the delivery's own: whatever is told twice is heard once.
        event = f"late:{id}" if yet else f"undelivered:{id}"
        await self._tell(
            NotDelivered(event=event, case=case, slot=outbound.slot, why=why or NOT_TRIED, at=self._clock(), yet=yet)
        )
