"""One survey played to its end: a whole Afterchat in a folder that is thrown away, with one customer.

Everything that decides is the real thing: intake, engine, follow-up, storage. Only the channel is not: what would be
sent is handed to whoever plays.
"""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import assert_never

import msgspec
from msgspec.structs import replace

from bot.app import ids_of, real_clock
from bot.config import (
    ChannelSettings,
    CommandSettings,
    CurrentSettings,
    PageSettings,
    Settings,
    SlackSettings,
    TelegramSettings,
    WebchatSettings,
    WebhookChatSettings,
)
from bot.conversations.dealings import Ended, Told
from bot.conversations.flow import Flow, PinnedFlow, pin
from bot.delivery.drawing import Drawing
from bot.errors import SendFailed
from bot.intake import Intake
from bot.messages import Address, ChannelName, Commanded, Outbound, Receipt, Tapped, Wrote
from bot.ports import DecisionQuery, Outcome, Sent
from bot.reports.explaining import explain
from bot.storage import Storage, open_storage

#: more than a survey, its case and their clocks can have due at one moment
_ROUNDS = 50
_LEASE = timedelta(minutes=5)
_REFERENCE = "T-1"


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """A message that would have been sent, drawn from what is true now; ``again`` names the message that it changes."""

    outbound: Outbound
    #: the number of the message in this trial, from 1
    number: int
    again: bool


class Trial:
    """The customer's side of one survey."""

    def __init__(self, settings: Settings, storage: Storage, flow: Flow, channel: ChannelSettings) -> None:
        self.settings = settings
        self.channel = channel
        self._flow = flow
        self._storage = storage
        self._ahead = timedelta(0)
        self._events = 0
        self._numbers: dict[str, int] = {}
        self._you = Address(channel=channel.name, key="you")
        current = CurrentSettings(settings)
        self._intake = Intake(store=storage, settings=current, clock=self.now, ids=ids_of(self.now))
        self._drawing = Drawing(
            outbox=storage.outbox, settings=current, clock=self.now, file_link=lambda _, file: f"({file.kind})"
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, flow: Flow, channel: ChannelSettings) -> AsyncIterator["Trial"]:
        """A trial of one flow; nothing of it is left when it is closed."""
        with tempfile.TemporaryDirectory(prefix="afterchat-try-") as folder:
            relaxed = _relaxed(_in_one_form(settings, flow), channel)
            storage = await open_storage(f"sqlite:///{Path(folder) / 'trial.db'}", clock=real_clock)
            try:
                await storage.activate_flows(relaxed.flows, real_clock())
                yield cls(relaxed, storage, flow, channel)
            finally:
                await storage.close()

    def now(self) -> datetime:
        """The time of the trial."""
        return real_clock() + self._ahead

    # ---- what the customer does ------------------------------------------------------------------------------

    async def begin(self, locale: str | None, attributes: Mapping[str, str]) -> None:
        """End a chat with the customer, so that they are asked as customers are: without having wished for it."""
        known = Commanded(event=self._event(), sender=self._you, command="start", at=self.now())
        await self._intake.handle(known)
        await self.delivered()
        self._numbers.clear()
        told = Told(
            source="try",
            reference=attributes.get("reference", _REFERENCE),
            happening=Ended(),
            # triggers name the base of a variant
            flow=self._flow.variant_of or self._flow.id,
            address=self._you,
            locale=locale,
            attributes=attributes,
        )
        await self._intake.tell(told, "api")

    async def write(self, text: str) -> Outcome:
        """Type something."""
        return await self._intake.handle(Wrote(event=self._event(), sender=self._you, text=text, at=self.now()))

    async def tap(self, token: str) -> Outcome:
        """Press a button."""
        return await self._intake.handle(Tapped(event=self._event(), sender=self._you, token=token, at=self.now()))

    def wait(self, span: timedelta) -> None:
        """Let time pass."""
        self._ahead += span

    # ---- what comes of it ------------------------------------------------------------------------------------

    async def delivered(self) -> list[Delivered]:
        """Everything that is due by now, decided and delivered, in its order."""
        sent: list[Delivered] = []
        for _ in range(_ROUNDS):
            due = await self._storage.dues.due(self.now(), _ROUNDS)
            for row in due:
                await self._intake.come_due(row)
            claimed = await self._storage.outbox.claim(self.now(), limit=_ROUNDS, lease_until=self.now() + _LEASE)
            for delivery in claimed:
                number = self._number(delivery.outbound)
                again = delivery.outbound.kind == "edit" and delivery.remote is not None
                receipt = Sent(receipt=Receipt(remote=str(number)))
                await self._storage.outbox.settle(delivery, receipt, self.now())
                drawn = await self._drawn(delivery.outbound)
                if drawn is not None:
                    sent.append(Delivered(outbound=drawn, number=number, again=again))
            if not due and not claimed:
                break
        return sent

    async def why(self) -> str:
        """Why nobody was asked, in words."""
        decisions = await self._storage.ledger.list(DecisionQuery(limit=1))
        return explain(decisions[0], zone="UTC") if decisions else ""

    def for_the_customer(self, outbound: Outbound) -> bool:
        """Whether the customer reads it; all else is for the agents."""
        return outbound.to == self._you

    async def _drawn(self, outbound: Outbound) -> Outbound | None:
        try:
            return replace(outbound, content=await self._drawing.ready(outbound.content))
        except SendFailed:
            return None

    def _number(self, outbound: Outbound) -> int:
        return self._numbers.setdefault(outbound.slot, len(self._numbers) + 1)

    def _event(self) -> str:
        self._events += 1
        return f"try:{self._events}"


def _in_one_form(settings: Settings, played: Flow) -> Settings:
    """The settings in which everybody who is asked a flow is given the form that is played."""
    base = played.variant_of or played.id

    def shared(pinned: PinnedFlow) -> PinnedFlow:
        if pinned.flow.variant_of != base:
            return pinned
        return pin(replace(pinned.flow, share=100 if pinned.flow.id == played.id else 0))

    return replace(settings, flows=tuple(shared(each) for each in settings.flows))


def _relaxed(settings: Settings, channel: ChannelSettings) -> Settings:
    """The settings with nothing in the way of being asked now; what happens to an answer stays as it is."""
    asking = replace(
        settings.asking,
        delay=timedelta(0),
        cool_down=timedelta(0),
        cool_down_nps=timedelta(0),
        quiet_from=time(0),
        quiet_until=time(0),
        min_messages=0,
        human_answered=False,
        anonymous=False,
    )
    commands = settings.commands or CommandSettings(feedback=settings.askable()[0].flow.id)
    others = tuple(each for each in settings.channels if each.name != channel.name)
    return replace(settings, asking=asking, flow_asking={}, commands=commands, channels=(channel, *others))


def channel_of(name: str, settings: Settings) -> ChannelSettings | None:
    """The configured channel of this name or kind, or one of this kind as if it were configured; None: no such kind."""
    for each in settings.channels:
        if name in (each.name, kind_of(each)):
            return each
    called = ChannelName(name)
    match name:
        case "telegram":
            return TelegramSettings(name=called, token="1:try")  # noqa: S106 - it opens nothing
        case "slack":
            return SlackSettings(name=called, bot_token="xoxb-try")  # noqa: S106 - it opens nothing
        case "web" | "webchat" | "widget":
            return WebchatSettings(name=called, secret="it signs nothing here")  # noqa: S106
        case "webhook":
            return WebhookChatSettings(name=called, url="http://127.0.0.1/", secrets=())
        case "text":
            return WebhookChatSettings(name=called, url="http://127.0.0.1/", secrets=(), buttons=False, edits=False)
        case "page":
            return PageSettings(name=called)
        case _:
            return None


KINDS = ("telegram", "slack", "web", "webhook", "page", "text")


def kind_of(channel: ChannelSettings) -> str:
    """What kind of channel it is, by the name that the config has for it."""
    match channel:
        case TelegramSettings():
            return "telegram"
        case SlackSettings():
            return "slack"
        case WebchatSettings():
            return "webchat"
        case WebhookChatSettings():
            return "webhook"
        case PageSettings():
            return "page"
        case _:
            assert_never(channel)
