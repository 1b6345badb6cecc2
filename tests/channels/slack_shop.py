"""A Slack channel, the Slack on loopback that it talks to, and what it heard there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from aiohttp import web

from bot.channels.slack import SlackChannel
from bot.config import SlackSettings
from bot.errors import StoreUnavailable
from bot.ids import CaseId
from bot.messages import Address, Alert, Button, Card, ChannelName, Content, Inbound, Outbound, OutboundKind, Quote
from bot.ports import Outcome, Raw, Said
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Member, Workspace

TOKEN = "xoxb-1"
LAN = Member(id="U0LAN", name="lan")
ANNA = Member(id="U0ANNA", name="anna", real_name="Anna Nowak")
BEN = Member(id="U0BEN", name="ben", real_name="Ben Ito")
SLACK = ChannelName("slack")
NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
ROW = tuple(Button(label=str(n), token=f"1.0k3f9x2m7q8d4h1z.3.{n}") for n in range(1, 6))
QUESTION = Card(text="How was it?", buttons=(ROW,), hint="Tap a number.")
CASE = CaseId("0k3f9x2m7q8d4h1z")
CLAIM = Button(label="Claim", token=f"c1.{CASE}.claim")


def alert(summary: str = "Lan gave 2", *, closed: bool = False) -> Alert:
    quotes = (Quote(text="too slow <!channel>", at=NOW),)
    return Alert(case=CASE, summary=summary, facts=(), quotes=quotes, history=(), buttons=(CLAIM,), closed=closed)


def outbound(content: Content, to: str = LAN.id, kind: OutboundKind = "post") -> Outbound:
    return Outbound(kind=kind, to=Address(channel=SLACK, key=to), lane="l", slot="s", content=content)


@dataclass(kw_only=True)
class Shop:
    """One channel, the Slack it talks to, and what it heard there."""

    slack: SlackStandIn
    channel: SlackChannel
    heard: list[Inbound] = field(default_factory=list)
    said: Callable[[Inbound], Said] = lambda _: Said()
    failures: int = 0
    #: seconds that each step waits for its database
    slow: float = 0.0
    #: what is handled waits for the gate of its type
    gates: dict[type[Inbound], asyncio.Event] = field(default_factory=dict)
    entered: int = 0
    listening: "asyncio.Task[None]" = field(init=False)

    async def handle(self, inbound: Inbound) -> Outcome:
        self.entered += 1
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("asleep")
        if self.slow:
            await asyncio.sleep(self.slow)
        if gate := self.gates.get(type(inbound)):
            await gate.wait()
        self.heard.append(inbound)
        self.slack.journal.changed()
        return Outcome(said=self.said(inbound))

    async def hears(self, count: int) -> list[Inbound]:
        await self.slack.wait_for(lambda: len(self.heard) >= count)
        return self.heard

    async def hook(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = await self.channel.receive(
            Raw(path=request.path, headers=headers, body=await request.read()), self.handle
        )
        return web.Response(status=reply.status, body=reply.body, headers=dict(reply.headers))

    async def send(self, content: Content, to: str = LAN.id, *, thread: str | None = None) -> str:
        return (await self.channel.send(outbound(content, to), None, thread=thread)).remote

    async def edit(self, content: Content, remote: str | None, to: str = LAN.id) -> str:
        return (await self.channel.send(outbound(content, to, "edit"), remote)).remote


async def shop_with(mode: Literal["socket", "http"]) -> Shop:
    slack = SlackStandIn(
        Workspace(bot_token=TOKEN), signing_secret="s", app_token="xapp-1", retry_delays=(0, 0.01, 0.02)
    )
    await slack.start()
    slack.member(LAN)
    slack.channel("desk", [ANNA, BEN])
    settings = SlackSettings(
        name=SLACK,
        bot_token=TOKEN,
        signing_secret="s",
        app_token="xapp-1",
        mode=mode,
        api_url=slack.base_url.removesuffix("/api/"),
    )
    return Shop(slack=slack, channel=SlackChannel(settings, clock=lambda: NOW, desk_rooms=lambda: {"#desk"}))


@asynccontextmanager
async def open_shop(mode: Literal["socket", "http"]) -> AsyncIterator[Shop]:
    """A shop that hears of things in this way."""
    one = await shop_with(mode)
    server = web.Server(one.hook)  # type: ignore[arg-type]
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.listening = asyncio.create_task(one.channel.run(one.handle))
    if mode == "http":
        one.slack.connect(f"http://127.0.0.1:{runner.addresses[0][1]}/channels/slack/events")
        # in this mode there is nothing to run
        await one.listening
    else:
        one.slack.use_socket_mode()
        await until(lambda: one.slack.socket.connections == 1)
    try:
        yield one
    finally:
        one.listening.cancel()
        await asyncio.gather(one.listening, return_exceptions=True)
        await one.channel.close()
        await one.slack.stop()
        await runner.cleanup()


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not found():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def place_of(remote: str) -> tuple[str, str]:
    conversation, _, ts = remote.partition(":")
    return conversation, ts
