"""The real server and the real web chat, with a scripted bot behind them in the place of intake and delivery."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.channels.webchat import WebchatChannel
from bot.config import CurrentSettings, ServerSettings, Settings, WebchatSettings
from bot.errors import SendFailed, StoreUnavailable
from bot.ids import ids_from
from bot.intake import Intake
from bot.messages import (
    Address,
    Attachment,
    Button,
    Card,
    ChannelName,
    Commanded,
    Content,
    Inbound,
    Outbound,
    Receipt,
    Tapped,
    Text,
    Wrote,
)
from bot.ports import Channel, File, Handle, Limits, Outcome, Raw, Reply, Said
from bot.web.api import EventReport, InteractionReport, Refused
from bot.web.cases_api import Queue
from bot.web.links_api import LinksApi
from bot.web.repeats import Repeats
from bot.web.routes import Site, application
from bot.web.serving import listen, port_of
from bot.web.triggers import Triggers
from tests.fakes.chat_log import FakeChatLog
from tests.fakes.pure_store import PureStore

WEB, ECHO = ChannelName("web"), ChannelName("echo")
KEY = "key-of-a-test"
FACES = ("😞", "😕", "😐", "🙂", "😀")


def now() -> datetime:
    return datetime.now(UTC)


def token(turn: int, value: str) -> str:
    return f"1.0k3f9x2m7q8d4h1z.{turn}.{value}"


def faces(turn: int, locale: str = "en", text: str = "How was our service?") -> Card:
    row = tuple(Button(label=face, token=token(turn, str(score))) for score, face in enumerate(FACES, start=1))
    return Card(text=text, buttons=(row,), low="Very bad", high="Very good", hint="Tap a face.", locale=locale)


def refusable(card: Card, turn: int) -> Card:
    """The card of somebody who did not ask for it."""
    no = (("Not this time", "~decline"), ("Stop asking me", "~never"))
    return replace(card, decline=tuple(Button(label=label, token=token(turn, value)) for label, value in no))


def numbers(turn: int) -> Card:
    row = tuple(Button(label=str(score), token=token(turn, str(score))) for score in range(11))
    return Card(
        text="How likely are you to recommend us to a friend?",
        buttons=(row, (Button(label="Skip", token=token(turn, "~skip")),)),
        low="Not at all likely",
        high="Extremely likely",
    )


def chosen(card: Card, label: str, turn: int) -> Card:
    change = Button(label="Change", token=token(turn, "~change"))
    return Card(text=card.text, buttons=((change,),), chosen=label, locale=card.locale, typing=False)


REASONS = ("Slow reply", "Wrong answer", "Unfriendly", "Price", "Something else, which we did not think of")


def reasons(turn: int, ticked: frozenset[str] = frozenset()) -> Card:
    rows = [
        (Button(label=each, token=token(turn, ("-" if each in ticked else "+") + f"r{n}"), selected=each in ticked),)
        for n, each in enumerate(REASONS)
    ]
    if ticked:
        rows.append((Button(label="Done", token=token(turn, "~done")),))
    return Card(text="What went wrong? Choose all that apply.", buttons=tuple(rows))


@dataclass
class ScriptedBot:
    """Feedback shows faces; a face asks for reasons; the reasons' *Done* asks for words; words are thanked for."""

    chat: FakeChatLog
    channel: WebchatChannel = field(init=False)
    heard: list[Inbound] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    ticked: frozenset[str] = frozenset()
    turn: int = 1
    broken: bool = False
    error: Exception | None = None

    def __post_init__(self) -> None:
        settings = WebchatSettings(name=WEB, secret="a secret of the test", title={"en": "Ask Lotus Bank"})
        self.channel = WebchatChannel(settings, clock=now, chat=self.chat)

    async def say(self, session: str, slot: str, content: Content, *, edit: bool = False) -> None:
        address = Address(channel=WEB, key=session)
        await self.channel.send(
            Outbound(kind="edit" if edit else "post", to=address, lane=session, slot=slot, content=content), None
        )

    async def handle(self, inbound: Inbound) -> Outcome:
        if self.broken:
            raise StoreUnavailable("the database is away")
        if self.error is not None:
            raise self.error
        assert isinstance(inbound, Tapped | Wrote | Commanded)
        if inbound.event in self.seen:
            return Outcome(said=Said(kind="duplicate"))
        self.seen.add(inbound.event)
        self.heard.append(inbound)
        session = inbound.sender.key
        match inbound:
            case Commanded():
                await self.say(session, "rating", faces(self.turn))
                return Outcome(said=Said(kind="asked"))
            case Tapped():
                return Outcome(said=await self._tapped(session, inbound.token))
            case Wrote(text="in italiano"):
                return Outcome(said=Said(kind="spoken_to", locale="it"))
            case Wrote():
                await self.say(session, f"thanks:{inbound.event}", Text(text="Thank you for your words."))
                return Outcome()

    async def _tapped(self, session: str, text: str) -> Said:
        _, _, turn, value = text.split(".", 3)
        if int(turn) != self.turn:
            return Said(kind="already_counted")
        self.turn += 1
        if value == "~change":
            await self.say(session, "rating", faces(self.turn), edit=True)
            return Said(kind="changing")
        if value == "~decline":
            closed = Card(text=faces(self.turn).text, chosen="Not this time", typing=False)
            await self.say(session, "rating", closed, edit=True)
            await self.say(session, "bye", Text(text="All right."))
            return Said(kind="declined")
        if value.isdigit():
            label = f"{FACES[int(value) - 1]} {value}/5"
            await self.say(session, "rating", chosen(faces(self.turn), label, self.turn), edit=True)
            await self.say(session, "reasons", reasons(self.turn))
            return Said(kind="taken", text=label)
        if value == "~done":
            done = Card(text=reasons(1).text, chosen=", ".join(sorted(self.ticked)), typing=False)
            await self.say(session, "reasons", done, edit=True)
            await self.say(session, "words", Card(text="What should we do better?", hint="Write a few words."))
            return Said(kind="taken")
        self.ticked ^= {REASONS[int(value[2:])]}
        await self.say(session, "reasons", reasons(self.turn, self.ticked), edit=True)
        return Said(kind="ticked")


@dataclass
class FakeInteractions:
    reports: list[InteractionReport] = field(default_factory=list)
    events: list[EventReport] = field(default_factory=list)
    outcome: Outcome = field(
        default_factory=lambda: Outcome(said=Said(kind="asked", text="eligible"), ref="0k3f9x2m7q8d4h1z")
    )
    error: Exception | None = None

    async def report(self, body: InteractionReport, event: str = "") -> Outcome:
        if self.error is not None:
            raise self.error
        address = body.customer.address
        if address is not None and address.key == "nobody":
            raise Refused("nobody is not a customer", field="customer.address.key")
        self.reports.append(body)
        return self.outcome

    async def hear(self, body: EventReport, event: str = "") -> Outcome:
        if self.error is not None:
            raise self.error
        self.events.append(body)
        return Outcome(ref=self.outcome.ref)


@dataclass
class EchoChannel:
    """A channel that answers with what it got, or raises what it was given."""

    name: ChannelName = ECHO
    limits: Limits = field(
        default_factory=lambda: Limits(buttons=0, text=1, button_label=1, token_bytes=1, edits=False)
    )
    raws: list[Raw] = field(default_factory=list)
    error: Exception | None = None

    async def receive(self, raw: Raw, handle: Handle) -> Reply:
        if self.error is not None:
            raise self.error
        self.raws.append(raw)
        return Reply(body=raw.body, headers={"Content-Type": "text/plain"})

    async def send(
        self, message: Outbound, remote: str | None, *, again: bool = False, thread: str | None = None
    ) -> Receipt:
        raise SendFailed(reason="an echo says nothing by itself", retryable=False)

    async def fetch(self, reference: str) -> File | None:
        return None

    async def run(self, handle: Handle) -> None:
        """Nothing to listen to."""

    async def close(self) -> None:
        """Nothing is held open."""


@dataclass
class Parts:
    """Everything behind the server, within a test's reach."""

    chat: FakeChatLog = field(default_factory=FakeChatLog)
    interactions: FakeInteractions = field(default_factory=FakeInteractions)
    echo: EchoChannel = field(default_factory=EchoChannel)
    store: PureStore = field(default_factory=PureStore)
    known_as: Callable[[str], str] = str
    unready: Exception | None = None
    heartbeat: float = 15.0
    max_body: int = 1_048_576
    bot: ScriptedBot = field(init=False)
    settings: CurrentSettings = field(init=False)

    def __post_init__(self) -> None:
        self.bot = ScriptedBot(self.chat)
        server = ServerSettings(api_keys=(KEY,), max_body=self.max_body)
        self.settings = CurrentSettings(Settings(company="Lotus Bank", server=server))

    def application(self) -> web.Application:
        channels: Mapping[ChannelName, Channel] = {WEB: self.bot.channel, self.echo.name: self.echo}

        async def report() -> object:
            return [{"flow": "after-chat", "nps": 40.0, "n": 10}]

        async def ready() -> None:
            if self.unready is not None:
                raise self.unready

        return application(
            Site(
                channels=channels,
                handle=self.bot.handle,
                chat=self.chat,
                settings=self.settings,
                interactions=self.interactions,
                report=report,
                queue=queue_of(self.store),
                ledger=self.store.ledger,
                known_as=self.known_as,
                links=links_of(self.store, self.settings),
                triggers=triggers_of(self.store, self.settings),
                ready=ready,
                heartbeat=self.heartbeat,
            )
        )


def file_link(channel: ChannelName, attachment: Attachment) -> str:
    """Where a file would be opened."""
    return f"https://feedback.example/files/{channel}.{attachment.reference}"


def triggers_of(store: PureStore, settings: CurrentSettings) -> Triggers:
    """The helpdesks' triggers over a store of dicts."""
    intake = Intake(store=store, settings=settings, clock=now, ids=ids_from(lambda: 0, Random(1)))
    return Triggers(intake=intake, settings=settings, clock=now)


def queue_of(store: PureStore) -> Queue:
    """The queue of cases over a store of dicts."""

    async def remembered(first: str, last: str) -> Sequence[str]:
        return sorted(event for event in store.seen if first <= event < last)

    return Queue(cases=store.cases, repeats=Repeats(store=store, remembered=remembered), clock=now, file_link=file_link)


@asynccontextmanager
async def serving(app: web.Application, port: int = 0) -> AsyncIterator[int]:
    """The port that the application listens on, until the block ends."""
    runner = await listen(app, "127.0.0.1", port)
    try:
        yield port_of(runner)
    finally:
        await runner.cleanup()


def links_of(store: PureStore, settings: CurrentSettings) -> LinksApi:
    """What makes links, into a store of dicts."""

    async def no_bot() -> str:
        return ""

    return LinksApi(links=store.links, settings=settings, clock=now, bot_name=no_bot, known_as=str)


def chromium() -> str:
    """The browser for the tests; without one they are skipped, and fail in continuous integration."""
    for name in (os.environ.get("AFTERCHAT_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        if name and (path := shutil.which(name)):
            return path
    if os.environ.get("CI") == "true":
        pytest.fail("no Chromium: run 'make browser' or set AFTERCHAT_CHROMIUM")
    pytest.skip("no Chromium: run 'make browser' or set AFTERCHAT_CHROMIUM")
