"""Which channels and rooms take messages at the moment: none that is paused, paced, or has its hands full. No I/O.

A *place* is a whole channel, or one room or chat of it. What it takes is known here and nowhere else, so a message that
finds its place shut is put back untouched: it is due at once, and goes in its turn when the place opens.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from bot.delivery.attempts import backoff
from bot.errors import SendFailed
from bot.messages import ChannelName, Outbound, OutboundKind
from bot.ports import Channel, Limits

log = logging.getLogger(__name__)

#: failures of one channel in a row, over all lanes, after which it is left alone for a while
FAILURES_TO_PAUSE = 5
#: what one counts whose message may have arrived: whoever goes on sending may be saying everything twice
UNSURE_COUNTS = 3
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=6), timedelta(minutes=5)
#: new messages that a paced room takes at once, before its pace is kept
ROOM_BURST = 5.0
#: After so many pauses it may be the oldest message that no service can take, and not the service: from then on, when
#: it fails, the next one is tried as well. Until then the pauses are short.
PAUSES_TO_DOUBT = 4
#: What people say to each other has a share of a room's pace that a backlog of new alerts leaves to it: half of it, and
#: so many at once.
THREAD_SHARE, THREAD_BURST = 0.5, 2.0
#: how many messages are claimed where most of them may have to be put back
FEW = 4

_KINDS: tuple[OutboundKind, ...] = ("post", "relay", "edit")


class Place(NamedTuple):
    """A channel, or one address of it."""

    channel: ChannelName
    key: str = ""

    def __str__(self) -> str:
        return f"{self.channel}/{self.key}" if self.key else str(self.channel)


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """How a place is doing: after trouble of the whole of it, it is left alone until ``closed_until``.

    Then one message at a time is tried (*probing*) until one arrives.
    """

    failures: int = 0
    pauses: int = 0
    closed_until: datetime | None = None
    #: the next message is tried beside the oldest one, which failed just now
    doubted: bool = False

    def blocks(self, now: datetime) -> bool:
        return self.closed_until is not None and now < self.closed_until

    @property
    def probing(self) -> bool:
        return self.pauses > 0


def after_failure(breaker: Breaker, failure: SendFailed, now: datetime, *, whole: bool | None = None) -> Breaker:
    """The breaker of a channel after a failed send; ``whole``: whether the trouble is all of this place's."""
    whole = failure.whole_channel if whole is None else whole
    if not failure.retryable and not failure.recipient_gone:
        return breaker  # perhaps nobody was asked
    if not whole and _tells_of_one(failure):
        return Breaker()
    failures = breaker.failures + (UNSURE_COUNTS if failure.maybe_delivered else 1)
    if not whole and failures < FAILURES_TO_PAUSE and not breaker.probing:
        return replace(breaker, failures=failures)
    asked = timedelta(seconds=failure.retry_after or 0)
    if breaker.blocks(now):
        # Sent before the pause began: it says no more than what began it, unless it was asked to wait for longer.
        return replace(breaker, failures=failures, closed_until=max(now + asked, breaker.closed_until or now))
    if not whole and breaker.pauses >= PAUSES_TO_DOUBT and not breaker.doubted:
        return replace(breaker, doubted=True)
    # A service that asks once is taken at its word; one that keeps refusing is asked ever more rarely.
    step = breaker.pauses if failure.retry_after is not None else breaker.pauses + 1
    pause = max(asked, backoff(step, FIRST_PAUSE, LONGEST_PAUSE) if step else asked)
    return Breaker(failures=failures, pauses=breaker.pauses + 1, closed_until=now + pause)


def _tells_of_one(failure: SendFailed) -> bool:
    """Whether a service answered about one message, chat or room, and so works."""
    return failure.recipient_gone or failure.whole_room or failure.of_message or failure.retry_after is not None


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """A token bucket: ``rate`` messages a second on average, ``burst`` at once."""

    rate: float
    burst: float
    tokens: float
    at: datetime

    def refilled(self, now: datetime) -> "Pace":
        # A clock that was put back brings nothing, and is counted from anew.
        gained = max(0.0, (now - self.at).total_seconds()) * self.rate
        return replace(self, tokens=min(self.burst, self.tokens + gained), at=now)

    def spent(self) -> "Pace":
        return replace(self, tokens=self.tokens - 1)

    @property
    def empty(self) -> bool:
        # what flows back in small parts never adds up to a whole exactly
        return self.tokens < 1 - 1e-6


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way to its place, and what it holds there until it has left."""

    channel: ChannelName
    #: places that it finds out about: nothing else goes there meanwhile
    probes: tuple[Place, ...] = ()
    #: the room to which nothing else is posted meanwhile
    room: Place | None = None


class Places:
    """What every channel and room takes now. ``speed`` is how much faster than real time the clock runs."""

    def __init__(
        self, channels: Mapping[ChannelName, Channel], *, at_once: Callable[[], int], speed: float = 1.0
    ) -> None:
        self._channels = channels
        self._at_once = at_once
        self._speed = speed
        self._breakers: dict[Place, Breaker] = {}
        self._paces: dict[Place, Pace] = {}
        #: of what people say, in the rooms that have a pace
        self._thread_paces: dict[Place, Pace] = {}
        self._probed: set[Place] = set()
        #: rooms with a new message under way
        self._busy: set[Place] = set()
        self._under_way: Counter[ChannelName] = Counter()
        #: where messages were turned back, so that many may wait there
        self._crowded: set[Place] = set()

    def rewind(self, by: timedelta) -> None:
        """The clock was put back: what is still to be waited for stays as long as it was."""
        self._breakers = {
            place: breaker if breaker.closed_until is None else replace(breaker, closed_until=breaker.closed_until - by)
            for place, breaker in self._breakers.items()
        }
        self._paces = {place: replace(pace, at=pace.at - by) for place, pace in self._paces.items()}
        self._thread_paces = {place: replace(pace, at=pace.at - by) for place, pace in self._thread_paces.items()}

    def forget(self, name: ChannelName) -> None:
        """Take a channel and its rooms for well."""
        self._breakers = {place: breaker for place, breaker in self._breakers.items() if place.channel != name}
        self._paces = {place: pace for place, pace in self._paces.items() if place.channel != name}
        self._thread_paces = {place: pace for place, pace in self._thread_paces.items() if place.channel != name}

    # ---- before a claim

    def blocked(self, now: datetime) -> list[str]:
        """What takes nothing now, as the outbox is told of it."""
        return sorted({name for place in self._shut(now) for name in _names(place)} | set(self._full_rooms(now)))

    def limit(self, now: datetime) -> int:
        """How many messages to claim, so that few of them must be put back; at least 1."""
        shut = {place.channel for place in self._shut(now) if not place.key}
        open_now = [name for name in self._channels if name not in shut]
        room = self._most() - max(
            (self._under_way[name] for name in open_now if not self._own(name).at_once), default=0
        )
        opened = {place for place in self._crowded if self._is_open(place, now)}
        self._crowded -= opened
        return max(1, min(room, FEW) if opened else room)

    def opens(self, now: datetime) -> datetime | None:
        """When the next place opens by the passing of time."""
        times = [
            breaker.closed_until
            for breaker in self._breakers.values()
            if breaker.closed_until is not None and breaker.blocks(now)
        ]
        times += [
            now + timedelta(seconds=(1 - pace.refilled(now).tokens) / pace.rate)
            for pace in (*self._paces.values(), *self._thread_paces.values())
            if pace.refilled(now).empty
        ]
        return min(times, default=None)

    # ---- one message

    def enter(self, outbound: Outbound, now: datetime) -> Visit | None:
        """Let a message go to its place; None where that takes none now, and the message is to be put back."""
        channel, room = _places(outbound)
        for place in (channel, room):
            if self._takes_nothing(place, now):
                self._crowded.add(place)
                return None
        posts = outbound.kind != "edit" and self._own(channel.channel).posts_per_second > 0
        if posts and self._is_full(room, outbound.kind, now):
            self._crowded.add(room)
            return None
        self._under_way[channel.channel] += 1
        self._spend(channel, self._own(channel.channel).per_second, now)
        if posts:
            self._busy.add(room)
            self._spend_room(room, outbound.kind, now)
        probes = tuple(place for place in (channel, room) if self._breaker(place).probing) if self._breakers else ()
        self._probed.update(probes)
        return Visit(channel=channel.channel, probes=probes, room=room if posts else None)

    def leave(self, visit: Visit) -> None:
        """The message has arrived or not."""
        self._under_way[visit.channel] -= 1
        self._probed.difference_update(visit.probes)
        if visit.room is not None:
            self._busy.discard(visit.room)

    def worked(self, outbound: Outbound) -> None:
        """A message arrived: its channel and its room work."""
        if self._breakers:
            for place in _places(outbound):
                self._well(place)

    def failed(self, outbound: Outbound, failure: SendFailed, now: datetime) -> datetime | None:
        """Take note of a failure; until when its place is left alone, if it is."""
        channel, room = _places(outbound)
        until = self._note(channel, failure, now, whole=failure.whole_channel)
        if failure.whole_room and not failure.whole_channel:
            return self._note(room, failure, now, whole=True)
        return until

    def _note(self, place: Place, failure: SendFailed, now: datetime, *, whole: bool) -> datetime | None:
        before = self._breaker(place)
        after = after_failure(before, failure, now, whole=whole)
        if after == before:
            return None
        if not after.probing and before.probing:
            self._well(place)
            return None
        if after.closed_until is not None and after.closed_until != before.closed_until:
            after = replace(after, closed_until=now + (after.closed_until - now) * self._speed)
            log.warning("nothing is sent to %s until %s: %s", place, after.closed_until, failure.reason)
        self._breakers[place] = after
        if after.doubted:
            # The oldest message goes first again when the next one has failed too.
            return now + backoff(after.pauses + 1, FIRST_PAUSE, LONGEST_PAUSE) * self._speed
        return after.closed_until if after.probing else None

    def _well(self, place: Place) -> None:
        breaker = self._breakers.pop(place, None)
        if breaker is not None and breaker.probing:
            log.info("%s works again", place)

    def paused(self, now: datetime) -> Mapping[str, datetime]:
        """The places that are left alone at the moment, and until when."""
        return {
            str(place): breaker.closed_until
            for place, breaker in self._breakers.items()
            if breaker.closed_until is not None and breaker.blocks(now)
        }

    # ---- what is known of places

    def _shut(self, now: datetime) -> Iterator[Place]:
        """The places that take nothing at all."""
        known = {*(Place(name) for name in self._channels), *self._breakers}
        return (place for place in known if self._takes_nothing(place, now) or self._is_paced(place, now))

    def _takes_nothing(self, place: Place, now: datetime) -> bool:
        if (self._breakers and self._breaker(place).blocks(now)) or place in self._probed:
            return True
        return not place.key and self._under_way[place.channel] >= (self._own(place.channel).at_once or self._most())

    def _is_open(self, place: Place, now: datetime) -> bool:
        return not self._takes_nothing(place, now) and not (place.key and self._is_full(place, "post", now))

    def _is_paced(self, place: Place, now: datetime) -> bool:
        pace = self._paces.get(place)
        return pace is not None and not place.key and pace.refilled(now).empty

    def _full_rooms(self, now: datetime) -> Iterator[str]:
        """The rooms to which nothing of a kind may be posted now, although messages there may be changed."""
        # What has refilled to the brim tells no more than a bucket that was never used.
        self._paces = _in_use(self._paces, now)
        self._thread_paces = _in_use(self._thread_paces, now)
        for room in {*self._busy, *(place for place in self._paces if place.key)}:
            yield from (f"{room}/{kind}" for kind in _KINDS if self._is_full(room, kind, now))

    def _is_full(self, room: Place, kind: OutboundKind, now: datetime) -> bool:
        if kind == "edit" or room in self._busy:
            return kind != "edit"
        if not _is_empty(self._paces.get(room), now):
            return False
        return kind != "relay" or _is_empty(self._thread_paces.get(room), now)

    def _spend_room(self, room: Place, kind: OutboundKind, now: datetime) -> None:
        """One new message of a room: what people say takes from the room's pace too, which may fall below nothing."""
        rate, pace = self._own(room.channel).posts_per_second, self._paces.get(room)
        self._paces[room] = self._spent(pace, rate, ROOM_BURST, now)
        if kind == "relay" and _is_empty(pace, now):
            own = self._thread_paces.get(room)
            self._thread_paces[room] = self._spent(own, rate * THREAD_SHARE, THREAD_BURST, now)

    def _spend(self, place: Place, rate: float, now: datetime) -> None:
        if rate > 0:
            self._paces[place] = self._spent(self._paces.get(place), rate, max(1.0, rate / self._speed), now)

    def _spent(self, pace: Pace | None, rate: float, burst: float, now: datetime) -> Pace:
        full = Pace(rate=rate / self._speed, burst=burst, tokens=burst, at=now)
        return (pace or full).refilled(now).spent()

    def _breaker(self, place: Place) -> Breaker:
        return self._breakers.get(place, _WELL)

    def _own(self, name: ChannelName) -> Limits:
        channel = self._channels.get(name)
        return _NO_LIMITS if channel is None else channel.limits

    def _most(self) -> int:
        """How many messages of one channel may be under way: others must find a place beside a slow one."""
        at_once = self._at_once()
        return at_once if len(self._channels) < 2 else max(1, at_once * 3 // 4)


_WELL = Breaker()
_NO_LIMITS = Limits(buttons=0, text=0, button_label=0, token_bytes=0, edits=False)


def _is_empty(pace: Pace | None, now: datetime) -> bool:
    return pace is not None and pace.refilled(now).empty


def _in_use(paces: Mapping[Place, Pace], now: datetime) -> dict[Place, Pace]:
    return {place: pace for place, pace in paces.items() if pace.refilled(now).tokens < pace.burst}


def _places(outbound: Outbound) -> tuple[Place, Place]:
    to = outbound.to
    return Place(to.channel), Place(to.channel, to.key)


def _names(place: Place) -> Iterator[str]:
    if not place.key:
        yield str(place)
    else:
        yield from (f"{place}/{kind}" for kind in _KINDS)
