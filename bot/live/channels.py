"""The channels that run: each is started, stopped or replaced by itself, without touching the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.config import ChannelSettings, Settings, TelegramSettings
from bot.messages import ChannelName
from bot.ports import Channel

log = logging.getLogger(__name__)

#: a channel whose listening failed in our own code is started again after this many seconds
RESTART_SECONDS = 5.0
#: what listens may take this long to end before another one takes its place
LET_GO_SECONDS = 10.0

_Run = Callable[[], Awaitable[None]]


async def forever(what: str, run: _Run) -> None:
    """Run a part until it returns by itself; a defect in it is logged and must not silence it for good."""
    while True:
        try:
            return await run()
        except Exception:
            log.exception("%s stopped unexpectedly; it starts again in %s s", what, RESTART_SECONDS)
            await asyncio.sleep(RESTART_SECONDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to change: the new channels by name, those of them that replace others, and the names that go."""

    settings: Settings
    new: Mapping[ChannelName, Channel] = field(default_factory=dict)
    gone: tuple[ChannelName, ...] = ()


class RunningChannels:
    """The channels of the settings in force.

    ``by_name`` is one mapping for good, which changes: whoever asks it at the moment of use has those that run.
    """

    def __init__(
        self,
        *,
        build: Callable[[ChannelSettings, Settings], Channel],
        listen: Callable[[Channel], Awaitable[None]],
        passed: Callable[[], Awaitable[None]],
    ) -> None:
        """``passed`` returns when the messages that are under way now have come through."""
        self.by_name: dict[ChannelName, Channel] = {}
        self._build = build
        self._listen = listen
        self._passed = passed
        self._made_of: dict[ChannelName, object] = {}
        self._listeners: dict[ChannelName, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._started = False

    def plan(self, settings: Settings) -> Plan:
        """Build what the settings have and nobody runs yet; changes nothing. Raises whatever a channel does."""
        wanted = {each.name: each for each in settings.channels}
        new = {
            name: self._build(each, settings)
            for name, each in wanted.items()
            if self._made_of.get(name) != _made_of(each, settings)
        }
        return Plan(settings=settings, new=new, gone=tuple(name for name in self.by_name if name not in wanted))

    def put_in_place(self, plan: Plan) -> "Change":
        """From now on these are the channels; what is left to do takes time, and is the change's ``finish()``."""
        old = {name: self.by_name[name] for name in (*plan.new, *plan.gone) if name in self.by_name}
        for name in plan.gone:
            del self.by_name[name], self._made_of[name]
        self.by_name.update(plan.new)
        for each in plan.settings.channels:
            self._made_of[each.name] = _made_of(each, plan.settings)
        return Change(old=old, new=plan.new)

    async def finish(self, change: "Change") -> None:
        """Stop those that went, and start those that came: where a service takes one listener, one after the other."""
        await asyncio.gather(*(self._hush(name) for name in change.old))
        if self._started:
            for name, channel in change.new.items():
                self._hear(name, channel)
        if change.old:
            task = asyncio.create_task(self._let_go(tuple(change.old.values())))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    def start(self) -> None:
        """Listen on all of them."""
        self._started = True
        for name, channel in self.by_name.items():
            self._hear(name, channel)

    async def stop(self) -> None:
        """Listen no more; what is under way may still be sent."""
        self._started = False
        await asyncio.gather(*(self._hush(name) for name in tuple(self._listeners)))

    async def close(self) -> None:
        """Let go of all connections."""
        for task in tuple(self._leaving):
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        for channel in tuple(self.by_name.values()):
            await _close(channel)

    def _hear(self, name: ChannelName, channel: Channel) -> None:
        self._listeners[name] = asyncio.create_task(forever(f"channel {name}", lambda: self._listen(channel)))

    async def _hush(self, name: ChannelName) -> None:
        listener = self._listeners.pop(name, None)
        if listener is not None:
            listener.cancel()
            await asyncio.wait({listener}, timeout=LET_GO_SECONDS)

    async def _let_go(self, channels: tuple[Channel, ...]) -> None:
        """Close channels that were replaced once nothing is sent over them any more."""
        try:
            await self._passed()
        finally:
            for channel in channels:
                await _close(channel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What went and what came."""

    old: Mapping[ChannelName, Channel]
    new: Mapping[ChannelName, Channel]


def _made_of(channel: ChannelSettings, settings: Settings) -> object:
    """What a channel is made of: with the same it goes on."""
    hooked = isinstance(channel, TelegramSettings) and channel.mode == "webhook"
    return channel, settings.server.public_url if hooked else ""


async def _close(channel: Channel) -> None:
    try:
        await channel.close()
    except Exception:
        log.exception("channel %s was not closed in order", channel.name)
