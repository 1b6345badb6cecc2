"""The sandbox: the real program on the example's settings, with stand-ins of Telegram and Slack, on loopback only."""

import base64
import dataclasses
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self, TypedDict

from msgspec.structs import replace

from bot.app import App, fast_clock, real_clock
from bot.channels.limits import Allowance, Rate
from bot.config import (
    ChannelSettings,
    FlowAsking,
    PageSettings,
    SandboxChange,
    SandboxSettings,
    Settings,
    SlackSettings,
    TelegramSettings,
    WebchatSettings,
    sandbox_changes,
    secrets_named,
    with_sandbox,
)
from bot.config.reading import Reading, read
from bot.config.sources import Sources, gather
from bot.conversations.invitations import share_of
from bot.conversations.questions import in_locale
from bot.errors import AfterchatError, ConfigError
from bot.messages import ChannelName
from bot.ports import Clock, Decision, DecisionQuery
from bot.reports.explaining import explain, in_words
from bot.sandbox.demo import GIULIA, JAN, LEAD, MAI, TUAN, Customer, FlowChoice, LedgerRow, SettingsNow, Shortened
from bot.sandbox.demo import Demo as Play
from bot.sandbox.page import Sandbox
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Workspace
from bot.sandbox.telegram import TelegramStandIn
from bot.web.links import Letter, html_of, language_of, new_link

LOOPBACK = "127.0.0.1"
TELEGRAM_TOKEN = "100001:sandbox"  # noqa: S105 - the stand-in's, good for nothing else
#: made anew at each start: the stand-ins forget everything too
DATABASE = Path("data/sandbox.db")
#: all visitors of the sandbox are one person at one address, who plays many customers; the page says so
ONE_PLAYS_ALL = Allowance(
    sessions=Rate(burst=1_000, per_second=1.0),
    surveys_of_session=Rate(burst=1_000, per_second=1.0),
    surveys_of_address=Rate(burst=1_000, per_second=1.0),
)


def with_placeholders(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with a made-up value for every secret of a config that it lacks.

    Good for the sandbox, and for commands that need no service: reports, the preview of a flow.
    """
    made = {name.variable: _placeholder(name.kind, name.key) for name in secrets_named(path)}
    return made | {name: value for name, value in environ.items() if value.strip()}


def _placeholder(kind: str, key: str) -> str:
    match kind, key:
        case "telegram", "token":
            return TELEGRAM_TOKEN
        case "slack", "bot_token":
            return "xoxb-sandbox"
        case "slack", "app_token":
            return "xapp-sandbox"
        case ("webhook", _) | ("generic", "signing_secrets"):
            return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        case _:
            return secrets.token_hex(24)


class _OnlySandbox:
    """An environment in which no secret of the person's own reaches the sandbox, and no database of theirs is written.

    What is made up for a secret stays the same for as long as the sandbox runs.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: value for name, value in environ.items() if name != "AFTERCHAT_DATABASE_URL"}
        self._made: dict[str, str] = {}

    def read(self, sources: Sources, as_here: Callable[[Settings], Settings] | None = None) -> Reading:
        """What stands in the files; ``as_here`` makes of it what runs here."""
        for name in read(sources, {}).secrets:
            self._made.setdefault(name.variable, _placeholder(name.kind, name.key))
        reading = read(sources, self._environ | self._made)
        if reading.errors or as_here is None:
            return reading
        return replace(reading, settings=as_here(reading.settings))


class Demo:
    """The sandbox while it runs."""

    def __init__(
        self, app: App, page: Sandbox, telegram: TelegramStandIn, slack: SlackStandIn, *, speed: float = 1.0
    ) -> None:
        self.app = app
        self.speed = speed
        self.page = page
        self.telegram = telegram
        self.slack = slack

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        page_port: int = 0,
        app_port: int | None = None,
        speed: float = 1.0,
        database: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Self]:
        """Start everything on loopback; all of it ends with the context. Raises ConfigError, AfterchatError."""
        sandbox = _OnlySandbox(os.environ if environ is None else environ)
        first = sandbox.read(gather(path))
        if first.errors:
            raise ConfigError("\n".join(map(str, first.errors)))
        real = first.settings
        async with AsyncExitStack() as stack:
            telegram = TelegramStandIn({TELEGRAM_TOKEN: "afterchat_sandbox_bot"}, keep_calls=2000)
            await telegram.start(LOOPBACK)
            stack.push_async_callback(telegram.stop)
            slack_settings = _first_slack(real)
            slack = SlackStandIn(
                Workspace(bot_token=slack_settings.bot_token),
                signing_secret=slack_settings.signing_secret or secrets.token_hex(16),
                app_token=slack_settings.app_token or "xapp-sandbox",
                keep_calls=2000,
            )
            await slack.start(LOOPBACK)
            stack.push_async_callback(slack.stop)
            ports = (page_port, real.server.port if app_port is None else app_port)
            settings = _on_loopback(
                _as_played(real, speed), telegram, slack, app_port, database or _fresh_database(ports)
            )
            clock = SkippingClock(real_clock if speed == 1.0 else fast_clock(speed))
            app = await App.open(settings, clock=clock, speed=speed, allowance=ONE_PLAYS_ALL)
            stack.push_async_callback(app.stop)
            await _listening(app, settings)
            program = RunningProgram(app, clock, path.name)

            def as_here(found: Settings) -> Settings:
                port, url = settings.server.port, settings.storage.url
                return program.sampled(_on_loopback(_as_played(found, speed), telegram, slack, port, url))

            app.follow(path, partial(sandbox.read, as_here=as_here))
            play = _play(real, settings, program, speed)
            telegram.user_starts(TELEGRAM_TOKEN, int(play.telegram.key))
            page = Sandbox(telegram, slack, play)
            try:
                await page.start(LOOPBACK, page_port)
            except OSError as error:
                raise _busy(page_port) from error
            stack.push_async_callback(page.stop)
            yield cls(app, page, telegram, slack, speed=speed)

    def greeting(self) -> str:
        """What the terminal says once everything runs."""
        database = self.app.settings().storage.url
        return "\n".join(
            (
                "",
                f"  Afterchat's sandbox is ready:  {self.page.url}",
                "",
                "  Telegram and Slack are stand-ins on this computer; nothing leaves it. No account is needed.",
                *self._pace(),
                f"  Figures in another terminal:   .venv/bin/afterchat report --database {database}",
                "  Ctrl-C ends it.",
                "",
            )
        )

    def _pace(self) -> tuple[str, ...]:
        speed = self.speed
        if speed == 1.0:
            return ()
        return (f"  Its clock runs {speed:,g} times as fast, so the waiting times are the config's own.",)


class SkippingClock:
    """Another clock, moved forward by hand: nobody need wait for the night."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._skipped = timedelta(0)

    def __call__(self) -> datetime:
        return self._clock() + self._skipped

    def skip(self, span: timedelta) -> None:
        """Move forward; the other way would be no skipping. Raises ValueError."""
        if span < timedelta(0):
            raise ValueError("the clock only goes forward")
        self._skipped += span


class RunningProgram:
    """What the page asks of the running app beside its HTTP API, in the sandbox's words."""

    def __init__(self, app: App, clock: SkippingClock, file: str = "", people: Sequence[Customer] = ()) -> None:
        self._app = app
        self._clock = clock
        self._file = file
        #: who plays, to name them
        self.people = people
        #: the part of all chats that is asked about, once the page has said so
        self._part: float | None = None

    def settings(self) -> SettingsNow:
        live, broken = self._app.live, self._app.broken()
        last = None if live is None else live.went_live
        return SettingsNow(
            file=self._file,
            flows=_choices(self._app.settings()),
            changed="" if last is None else last.changes,
            changed_at=None if last is None else last.at,
            problems=() if broken is None else tuple(map(str, broken.problems)),
            broken_since=None if broken is None else broken.since,
        )

    def now(self) -> datetime:
        return self._clock()

    def skip(self, span: timedelta) -> None:
        self._clock.skip(span)
        self._app.storage.wakes.outbox()
        self._app.storage.wakes.dues()

    def share(self, source: str, reference: str, flow: str) -> float:
        # as of a dealing's first talk: each chat that the page ends is a dealing of its own
        return share_of(source, reference, "0", flow or self._app.settings().flows[0].flow.id)

    def sample(self, part: float | None) -> float:
        if part is not None:
            self._part = part
            self._app.settings.swap(self.sampled(self._app.settings()))
        settings = self._app.settings()
        return min(self._app.settings().asking_rules(each.flow).sample for each in settings.flows)

    def sampled(self, settings: Settings) -> Settings:
        """The settings with the part that the page said."""
        if self._part is None:
            return settings
        every = {each.flow.id: settings.flow_asking.get(each.flow.id, FlowAsking()) for each in settings.flows}
        return replace(settings, flow_asking={id: replace(own, sample=self._part) for id, own in every.items()})

    async def ledger(self, limit: int) -> Sequence[LedgerRow]:
        found = await self._app.storage.ledger.list(DecisionQuery(limit=limit))
        return [self._row(decision) for decision in found]

    def _row(self, decision: Decision) -> LedgerRow:
        address = decision.address
        who = next((one for one in self.people if _is_about(decision, one)), None)
        zone = who.time_zone if who else self._app.settings().asking.time_zone
        return LedgerRow(
            key=decision.key,
            triggered_at=decision.triggered_at,
            at=decision.at,
            channel=address.channel,
            customer=who.name if who else decision.known_as or address.key,
            time_zone=zone,
            reference=decision.reference,
            verdict=decision.verdict,
            rule=decision.rule,
            sentence=in_words(decision, zone=zone),
            story=explain(decision, zone=zone),
            repeats=decision.repeats,
        )

    async def email(self, customer: Customer, flow: str, known: Mapping[str, str]) -> str:
        settings = self._app.settings()
        pinned = settings.flow(flow) or settings.flows[0]
        locale = language_of(pinned, customer.language)
        link = new_link(pinned.flow.id, self._clock(), customer=customer.reference, locale=locale, attributes=known)
        await self._app.storage.links.keep(link)
        return html_of(Letter(link=link, flow=pinned, locale=locale), settings)


def _is_about(decision: Decision, one: Customer) -> bool:
    """Whoever plays the visitor of the web chat has a key that only their browser knows."""
    if decision.known_as is not None:
        return decision.known_as == one.reference
    return decision.address.channel == one.channel and one.key in ("", decision.address.key)


def _as_played(real: Settings, speed: float) -> Settings:
    """The settings that the sandbox runs: where time runs fast enough, nothing needs to be shortened."""
    if speed == 1.0:
        return with_sandbox(real)
    return with_sandbox(replace(real, sandbox=SandboxSettings(rooms=real.sandbox.rooms)))


def _first_slack(settings: Settings) -> SlackSettings:
    for channel in settings.channels:
        if isinstance(channel, SlackSettings):
            return channel
    raise ConfigError("the sandbox needs a Slack channel in the config: the agents read their alerts there")


#: in place of the keys that a config does not have
_OWN_KEY = secrets.token_hex(24)


def _on_loopback(
    settings: Settings, telegram: TelegramStandIn, slack: SlackStandIn, port: int | None, database: str
) -> Settings:
    """The settings with every address replaced by one on this computer."""
    # links lead back to the program, so its port must be known before it listens
    port = settings.server.port if port is None else port or _free_port()
    url = f"http://{LOOPBACK}:{port}"

    def moved(channel: ChannelSettings) -> ChannelSettings:
        if isinstance(channel, TelegramSettings):
            # the library adds "/bot" itself
            return replace(channel, api_url=telegram.base_url.removesuffix("/bot"), mode="polling")
        if isinstance(channel, SlackSettings):
            return replace(channel, api_url=slack.base_url.removesuffix("/").removesuffix("/api"), mode="socket")
        return channel

    followup = settings.followup
    if followup is not None:
        # the people of a real workspace are not in this one
        followup = replace(followup, teams=tuple(replace(team, lead=LEAD.id) for team in followup.teams))
    return replace(
        settings,
        followup=followup,
        server=replace(
            settings.server,
            host=LOOPBACK,
            port=port,
            public_url=url,
            # the page reports the ends of chats over the HTTP API
            api_keys=settings.server.api_keys or (_OWN_KEY,),
        ),
        storage=replace(settings.storage, url=database),
        channels=_with_page(moved(channel) for channel in settings.channels if channel.name != "site"),
    )


def _with_page(channels: Iterable[ChannelSettings]) -> tuple[ChannelSettings, ...]:
    """The channels, and the page behind survey links, which only others than ourselves have to switch on."""
    have = tuple(channels)
    if any(isinstance(channel, PageSettings) for channel in have):
        return have
    return (*have, PageSettings(name=ChannelName("page")))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _fresh_database(ports: Sequence[int]) -> str:
    """The address of a database without rows; the ports tell whether another sandbox still uses the old one."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                raise _busy(port) from error
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{DATABASE}{suffix}").unlink()
    return f"sqlite:///{DATABASE}"


async def _listening(app: App, settings: Settings) -> None:
    try:
        await app.start()
    except OSError as error:
        raise _busy(settings.server.port) from error


def _busy(port: int) -> AfterchatError:
    return AfterchatError(
        f"port {port} of {LOOPBACK} is taken, perhaps by another sandbox: stop that one, or choose other ports with"
        " --port (the page's) and [server] port in the config (the program's)"
    )


_MORE_SURVEYS = SandboxChange(
    what="Surveys that a visitor may start",
    normal=f"{Allowance().surveys_of_session.burst} an hour",
    here=f"{ONE_PLAYS_ALL.surveys_of_session.burst:,}",
)


def _choices(settings: Settings) -> tuple[FlowChoice, ...]:
    return tuple(
        FlowChoice(id=each.flow.id, title=in_locale(each.flow.title, "en", each.flow.locale))
        for each in settings.askable()
    )


def _play(real: Settings, settings: Settings, program: "RunningProgram", speed: float) -> Play:
    web = next((channel for channel in settings.channels if isinstance(channel, WebchatSettings)), None)
    followup = settings.followup
    people = _people(settings)
    program.people = (people["web"], people["telegram"], people["slack"], people["stranger"])
    return Play(
        app_url=settings.server.public_url,
        api_key=settings.server.api_keys[0],
        bot=TELEGRAM_TOKEN,
        desk=(followup.room if followup else "#support-recovery").removeprefix("#"),
        shop=settings.company,
        widget=f'data-channel="{web.name if web else "web"}" data-language="{{language}}"',
        program=program,
        speed=speed,
        real=speed != 1.0,
        flows=_choices(settings),
        shortened=tuple(
            Shortened(what=change.what, normal=change.normal, here=change.here)
            for change in (*sandbox_changes(real, settings), _MORE_SURVEYS)
        ),
        **people,
    )


class _People(TypedDict):
    web: Customer
    telegram: Customer
    slack: Customer
    stranger: Customer


def _people(settings: Settings) -> _People:
    telegram = _name(settings, TelegramSettings)
    return _People(
        web=dataclasses.replace(JAN, channel=_name(settings, WebchatSettings)),
        telegram=dataclasses.replace(MAI, channel=telegram),
        slack=dataclasses.replace(GIULIA, channel=_name(settings, SlackSettings)),
        stranger=dataclasses.replace(TUAN, channel=telegram),
    )


def _name(settings: Settings, kind: type[ChannelSettings]) -> str:
    return next((channel.name for channel in settings.channels if isinstance(channel, kind)), "")
