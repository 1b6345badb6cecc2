"""The composition root: the only place that builds things. A new channel is one line in ``_channel``."""

import asyncio
import gc
import logging
import random
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self, TypeVar, assert_never

import aiohttp
from aiohttp import web

from bot.channels.limits import Allowance
from bot.channels.page import PageChannel
from bot.channels.slack import SlackChannel
from bot.channels.telegram import TelegramChannel
from bot.channels.webchat import WebchatChannel
from bot.channels.webhook import WebhookChannel
from bot.config import (
    ChannelSettings,
    CurrentSettings,
    PageSettings,
    Settings,
    SlackSettings,
    TelegramSettings,
    WebchatSettings,
    WebhookChatSettings,
)
from bot.config.reading import Reading
from bot.config.sources import Sources
from bot.config.state import Broken
from bot.delivery import Courier
from bot.errors import SendFailed
from bot.ids import Ids, ids_from
from bot.intake import Intake
from bot.intake.anonymity import keyed
from bot.intake.dues import longest_survey, longest_wait
from bot.languages import detecting
from bot.languages.voice import Voice
from bot.live.channels import RunningChannels, forever
from bot.live.settings import LiveSettings
from bot.live.watching import Watch
from bot.messages import ChannelName
from bot.ports import Channel, Clock, CountRow
from bot.reports import ReportRow, make_report
from bot.storage import Storage, open_storage
from bot.timers import Timers, since_boot
from bot.web.cases_api import Queue
from bot.web.files import FileLinks, add_files
from bot.web.interactions import ReportedInteractions
from bot.web.links_api import LinksApi
from bot.web.repeats import Repeats
from bot.web.routes import Site, application
from bot.web.serving import listen, port_of
from bot.web.survey import add_survey
from bot.web.triggers import Triggers

T = TypeVar("T")

log = logging.getLogger(__name__)


def real_clock() -> datetime:
    return datetime.now(UTC)


def fast_clock(speed: float) -> Clock:
    """A clock that starts now and runs ``speed`` times as fast."""
    began = real_clock()
    return lambda: began + (real_clock() - began) * speed


def ids_of(clock: Clock) -> Ids:
    """Ids that nobody can guess: their chance comes from the operating system."""
    return ids_from(lambda: int(clock().timestamp() * 1000), secrets.SystemRandom())


def run(main: Coroutine[object, object, T]) -> T:
    """Run the program: on uvloop where there is one, and with a garbage collector set for a server.

    What was made while starting lives as long as the process; looking at all of it again and again costs a tenth of
    the processor time of a survey.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    with asyncio.Runner(loop_factory=_event_loop) as runner:
        return runner.run(main)


def _event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - there is none for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class App:
    """Everything that runs: the HTTP server, the channels, delivery and timers, over one storage."""

    def __init__(
        self,
        *,
        settings: CurrentSettings,
        storage: Storage,
        clock: Clock,
        ids: Ids,
        client: aiohttp.ClientSession,
        speed: float,
        allowance: Allowance,
    ) -> None:
        self.settings = settings
        self.storage = storage
        self.clock = clock
        self._allowance = allowance
        self.intake = Intake(
            store=storage,
            settings=settings,
            clock=clock,
            ids=ids,
            pseudonym=keyed(storage.key_for("references")),
        )
        self._ids = ids
        self._client = client
        self._running = RunningChannels(
            build=self._channel,
            listen=lambda channel: channel.run(self.intake.handle),
            passed=self._sends_end,
        )
        self._running.put_in_place(self._running.plan(settings()))
        self.channels: Mapping[ChannelName, Channel] = self._running.by_name
        #: what follows the files of the settings; None: nothing does
        self.live: LiveSettings | None = None
        self.files = FileLinks(
            storage.key_for("file links"), clock=clock, public_url=lambda: settings().server.public_url
        )
        self.courier = Courier(
            outbox=storage.outbox,
            channels=self.channels,
            settings=settings,
            clock=clock,
            chance=random.Random(),  # noqa: S311 - spreads retries, guards nothing
            wakes=storage.wakes,
            tell=self.intake.handle,
            file_link=self.files.link,
            speed=speed,
        )
        self.timers = Timers(
            dues=storage.dues,
            intake=self.intake,
            clock=clock,
            sweep=lambda: storage.sweep(clock()),
            longest_wait=lambda: longest_wait(settings()),
            longest_survey=lambda: longest_survey(settings()),
            # a clock of a demonstration goes as it likes, and is never wrong
            steady=since_boot if clock is real_clock else lambda: clock().timestamp(),
        )
        self.interactions = ReportedInteractions(intake=self.intake, settings=settings)
        self.triggers = Triggers(intake=self.intake, settings=settings, clock=clock)
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        clock: Clock = real_clock,
        ids: Ids | None = None,
        speed: float = 1.0,
        allowance: Allowance | None = None,
    ) -> Self:
        """Open the storage (with its migrations) and build the rest; nothing listens or sends yet.

        ``allowance`` is what anonymous visitors of the web chats may do, where it is not the usual.
        """
        async with AsyncExitStack() as stack:
            storage = await open_storage(settings.storage.url, clock=clock)
            stack.push_async_callback(storage.close)
            await storage.activate_flows(settings.flows, clock())
            # Parallel sends of one channel are bounded by delivery, not by the connection pool.
            connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
            client = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            app = cls(
                settings=CurrentSettings(settings),
                storage=storage,
                clock=clock,
                ids=ids or ids_of(clock),
                client=client,
                speed=speed,
                allowance=allowance or Allowance(),
            )
            stack.push_async_callback(app._running.close)
            app._stack = stack.pop_all()
            return app

    def _channel(self, settings: ChannelSettings, all_settings: Settings) -> Channel:
        match settings:
            case TelegramSettings():
                public_url = all_settings.server.public_url
                return TelegramChannel(settings, clock=self.clock, public_url=public_url, speak=self._speak)
            case SlackSettings():
                rooms = partial(self._rooms_of_the_desk, settings.name)
                return SlackChannel(settings, clock=self.clock, agents_voice=self._agents_voice, desk_rooms=rooms)
            case WebchatSettings():
                return WebchatChannel(
                    settings,
                    clock=self.clock,
                    chat=self.storage.chat,
                    allowance=self._allowance,
                    speak=self._speak,
                )
            case WebhookChatSettings():
                return WebhookChannel(settings, clock=self.clock, session=self._client)
            case PageSettings():
                return PageChannel(
                    settings,
                    clock=self.clock,
                    chat=self.storage.chat,
                    key=self.storage.key_for("survey pages"),
                    allowance=self._allowance,
                )
            case _:
                assert_never(settings)

    def _agents_voice(self) -> Voice:
        return self.settings().agents_voice()

    def _speak(self, locale: str) -> Voice:
        return self.settings().voice(locale)

    def _rooms_of_the_desk(self, channel: ChannelName) -> frozenset[str]:
        followup = self.settings().followup
        return followup.rooms() if followup is not None and followup.channel == channel else frozenset()

    @property
    def port(self) -> int:
        """The port that the server listens on, once started."""
        if self._runner is None:
            raise RuntimeError("the server is not started")
        return port_of(self._runner)

    def site(self) -> web.Application:
        site = application(
            Site(
                channels=self.channels,
                handle=self.intake.handle,
                chat=self.storage.chat,
                settings=self.settings,
                interactions=self.interactions,
                report=self.report,
                queue=Queue(
                    cases=self.storage.cases,
                    repeats=Repeats(store=self.storage, remembered=self.storage.remembered),
                    clock=self.clock,
                    file_link=self.files.link,
                ),
                ledger=self.storage.ledger,
                known_as=self.intake.known_as,
                links=LinksApi(
                    links=self.storage.links,
                    settings=self.settings,
                    clock=self.clock,
                    bot_name=self.bot_name,
                    known_as=self.intake.known_as,
                ),
                triggers=self.triggers,
                ready=self.storage.health,
                broken=self.broken,
                # Not our clock, which the sandbox may speed up: agents would be signed out within seconds.
                session_clock=real_clock,
            )
        )
        add_files(site, self.files, self.channels, self.settings)
        add_survey(
            site,
            channels=self.channels,
            links=self.storage.links,
            chat=self.storage.chat,
            handle=self.intake.handle,
            settings=self.settings,
            clock=self.clock,
        )
        return site

    async def bot_name(self) -> str:
        """The bot's name in Telegram, for links to it; empty where there is no bot, or Telegram does not tell."""
        bot = next((channel for channel in self.channels.values() if isinstance(channel, TelegramChannel)), None)
        try:
            return "" if bot is None else await bot.username()
        except SendFailed as failure:
            log.warning("links to Telegram cannot be made: %s; set username in the channel's block", failure.reason)
            return ""

    async def start(self) -> None:
        """Serve, listen, deliver and keep time."""
        server = self.settings().server
        self._runner = await listen(self.site(), server.host, server.port)
        self._running.start()
        self._tasks.append(asyncio.create_task(forever("delivery", self.courier.run)))
        self.timers.start()
        # A second that no customer should wait for. Always: the built-in sentences are in all languages, and flows in
        # more of them may be put in force at any time.
        self._tasks.append(asyncio.create_task(asyncio.to_thread(detecting.warm)))

    def follow(self, path: Path, read: Callable[[Sources], Reading]) -> LiveSettings:
        """From now on what stands in a config file and its flow files is put in force as it changes.

        ``read`` gives the settings of the files as this program is to run them.
        """
        self.live = LiveSettings(
            watch=Watch(path),
            read=read,
            current=self.settings,
            adopt=self.adopt,
            notices=self.storage.notices,
            # Not our clock, which the sandbox may speed up: operators look at their own.
            clock=real_clock,
            ids=self._ids,
        )
        self._tasks.append(asyncio.create_task(forever("following the settings", self.live.run)))
        return self.live

    async def adopt(self, settings: Settings) -> None:
        """Put settings in force, with the channels that they have; conversations under way keep their flow.

        Where that fails nothing has changed. Raises StoreUnavailable, or what a channel raises that cannot be built.
        """
        plan = self._running.plan(settings)
        await self.storage.activate_flows(settings.flows, self.clock())
        self.settings.swap(settings)
        change = self._running.put_in_place(plan)
        for name in plan.new:
            self.courier.forget(name)
        await self._running.finish(change)
        self.storage.wakes.outbox()

    async def _sends_end(self) -> None:
        await self.courier.passed()

    def broken(self) -> Broken | None:
        """What is wrong with the files of the settings at the moment."""
        return None if self.live is None else self.live.broken

    async def stop(self) -> None:
        """Take nothing new, finish what is under way, close. What is left in the outbox goes out at the next start."""
        await self.timers.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._running.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def report(
        self, *, dimension: str = "all", since: timedelta | None = None, flow: str | None = None
    ) -> list[ReportRow]:
        """The figures of all answers, or of those given since some time ago."""
        return await report_of(self.storage, self.settings(), self.clock(), dimension=dimension, since=since, flow=flow)


async def report_of(
    storage: Storage,
    settings: Settings,
    now: datetime,
    *,
    dimension: str = "all",
    since: timedelta | None = None,
    flow: str | None = None,
) -> list[ReportRow]:
    """The figures in a storage, by the flows of the settings.

    Answers are counted by quarters of an hour: the one in which ``since`` falls counts whole.
    """
    start = None if since is None else now - since
    if start is not None:
        start -= timedelta(minutes=start.minute % 15, seconds=start.second, microseconds=start.microsecond)
    rows: Sequence[CountRow] = await storage.score_counts(start, None, dimension=dimension, flow=flow)
    versions = await storage.versions({row.structure for row in rows})
    current = [pinned for pinned in settings.flows if flow in (None, pinned.flow.id)]
    return make_report(rows, current, versions, dimension=dimension)
