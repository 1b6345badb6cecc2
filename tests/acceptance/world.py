"""The whole program against stand-ins of Telegram and Slack, as in the sandbox, on any database."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from msgspec.structs import replace

from bot.app import App
from bot.config import ChannelSettings, Settings, SlackSettings, TelegramSettings, load
from bot.demo import with_placeholders
from bot.followup.incidents import IncidentRules
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Member, Post, Workspace
from bot.sandbox.telegram import TelegramStandIn
from bot.sandbox.telegram_state import Message

ROOT = Path(__file__).parents[2]
TOKEN = "100001:acceptance"
API_KEY = "an-api-key-of-the-tests"
DESK = "#support-recovery"
ANNA, BEN, GIULIA = (
    Member(id="U0ANNA", name="anna"),
    Member(id="U0BEN", name="ben"),
    Member(id="U0GIULIA", name="giulia"),
)
LAN = 7001
#: most stories are about customers who all had the same agent
NO_INCIDENTS = IncidentRules(cause=0, agent=0, product=0)
ENVIRONMENT = {
    "TELEGRAM_TOKEN": TOKEN,
    "TELEGRAM_WEBHOOK_SECRET": "telegram-webhook-secret",
    "SLACK_BOT_TOKEN": "xoxb-acceptance",
    "SLACK_APP_TOKEN": "xapp-acceptance",
    "SLACK_SIGNING_SECRET": "slack-signing-secret",
    "AFTERCHAT_API_KEYS": API_KEY,
}


def settings_for(
    telegram: TelegramStandIn,
    slack: SlackStandIn,
    database: str,
    *,
    hooks: bool,
    hold: float = 0.3,
    recovery: float = 3600,
    incidents: IncidentRules = NO_INCIDENTS,
    port: int = 0,
    example: Settings | None = None,
) -> Settings:
    """The example's settings against the stand-ins; ``hooks``: webhooks and HTTP instead of polling and sockets.

    ``example`` is the example after it was changed.
    """
    if example is None:
        path = ROOT / "config.example.toml"
        example = load(path, with_placeholders(path, ENVIRONMENT), sandbox=True)

    def moved(channel: ChannelSettings) -> ChannelSettings:
        if isinstance(channel, TelegramSettings):
            return replace(
                channel,
                api_url=telegram.base_url.removesuffix("/bot"),
                mode="webhook" if hooks else "polling",
                messages_per_second=0,
                webhook_secret=ENVIRONMENT["TELEGRAM_WEBHOOK_SECRET"],
            )
        if isinstance(channel, SlackSettings):
            return replace(
                channel,
                api_url=slack.base_url.removesuffix("/").removesuffix("/api"),
                mode="http" if hooks else "socket",
                signing_secret=ENVIRONMENT["SLACK_SIGNING_SECRET"],
            )
        return channel

    assert example.followup is not None
    return replace(
        example,
        server=replace(example.server, port=port, public_url=f"http://127.0.0.1:{port}"),
        storage=replace(example.storage, url=database),
        channels=tuple(moved(channel) for channel in example.channels),
        asking=replace(example.asking, delay=timedelta(0)),
        followup=replace(
            example.followup,
            hold=timedelta(seconds=hold),
            recovery_after=timedelta(seconds=recovery),
            incidents=incidents,
        ),
        delivery=replace(example.delivery, first_wait=timedelta(milliseconds=200), longest_wait=timedelta(seconds=1)),
    )


@dataclass
class World:
    """The running program and everybody who talks with it."""

    app: App
    telegram: TelegramStandIn
    slack: SlackStandIn
    client: aiohttp.ClientSession
    references: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.app.port}"

    async def end_chat(
        self,
        channel: str,
        key: str,
        *,
        name: str = "Lan",
        language: str = "en",
        flow: str = "support_csat",
        **more: Any,
    ) -> Mapping[str, Any]:
        """Report an ended interaction, as a helpdesk would."""
        self.references.append(f"ticket-{len(self.references)}")
        body = {
            "flow": flow,
            "agent": "Minh",
            "reference": self.references[-1],
            "customer": {"address": {"channel": channel, "key": key}, "name": name, "language": language},
        } | more
        headers = {"Authorization": f"Bearer {API_KEY}"}
        async with self.client.post(f"{self.url}/api/v1/interactions", json=body, headers=headers) as answer:
            assert answer.status == 202, await answer.text()
            return dict(await answer.json())

    # ---- Telegram

    async def lan_starts(self, user: int = LAN) -> None:
        self.telegram.user_starts(TOKEN, user)
        await self.telegram.wait_for(lambda: "Lotus Home" in (self.chat(user)[-1].text or ""))

    def chat(self, user: int = LAN) -> list[Message]:
        return self.telegram.messages(TOKEN, user)

    def asked(self, text: str, user: int = LAN) -> Message | None:
        """The newest message of the chat that holds a text."""
        return next((message for message in reversed(self.chat(user)) if text in (message.text or "")), None)

    async def sees(self, text: str, user: int = LAN) -> Message:
        found = await self.telegram.wait_for(lambda: self.asked(text, user), timeout=10)
        assert found is not None
        return found

    async def taps(self, message: Message, label: str, user: int = LAN) -> None:
        """Tap a button as soon as the message shows it."""

        def is_there() -> bool:
            shown_now = next((each for each in self.chat(user) if each.message_id == message.message_id), message)
            return any(button.text == label for row in shown_now.buttons for button in row)

        await self.telegram.wait_for(is_there, timeout=10)
        self.telegram.user_taps(TOKEN, user, message.message_id, label)
        await self.telegram.settled(TOKEN)

    # ---- the desk

    def alerts(self) -> list[Post]:
        return [post for post in self.slack.messages(DESK) if post.bot_id]

    async def all_sent(self) -> None:
        """Until every message has its receipt: an alert may be seen before the program knows where it stands."""
        async with asyncio.timeout(10):
            while await self.app.storage.outbox.next_due(self.app.clock()) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def alerts_of_cases(self) -> list[Post]:
        """The posts of the bot that stand in the room itself and not in a thread."""
        return [post for post in self.alerts() if post.thread_ts in (None, post.ts)]

    async def alert_with(self, *texts: str) -> Post:
        """The one alert that shows all these texts."""

        def found() -> Post | None:
            return next((post for post in self.alerts_of_cases() if all(text in shown(post) for text in texts)), None)

        post = await self.slack.wait_for(found, timeout=10)
        assert post is not None
        return post


def shown(post: Post) -> str:
    """All that an agent reads in a post, the fallback and the buttons included."""
    return "\n".join([post.text, *_texts(post.blocks)])


def _texts(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    if isinstance(value, Mapping):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for key, each in value.items() if not (key == "text" and own) for text in _texts(each)]
    return []


@asynccontextmanager
async def world(
    database: str,
    *,
    hooks: bool = False,
    hold: float = 0.3,
    recovery: float = 3600,
    incidents: IncidentRules = NO_INCIDENTS,
    more: Sequence[ChannelSettings] = (),
) -> AsyncIterator[World]:
    """Start stand-ins and program; all end with the context."""
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(TelegramStandIn({TOKEN: "afterchat_bot"}, backoff=(0.1, 0.2, 0.5)))
        slack = await stack.enter_async_context(
            SlackStandIn(
                Workspace(bot_token=ENVIRONMENT["SLACK_BOT_TOKEN"]),
                signing_secret=ENVIRONMENT["SLACK_SIGNING_SECRET"],
                app_token=ENVIRONMENT["SLACK_APP_TOKEN"],
                retry_delays=(0, 0.2, 0.5),
            )
        )
        slack.channel(DESK.removeprefix("#"), (ANNA, BEN))
        slack.member(GIULIA)
        client = await stack.enter_async_context(aiohttp.ClientSession())
        app = await opened(
            telegram, slack, database, hooks=hooks, hold=hold, recovery=recovery, incidents=incidents, more=more
        )
        stack.push_async_callback(app.stop)
        yield World(app=app, telegram=telegram, slack=slack, client=client)


async def opened(
    telegram: TelegramStandIn,
    slack: SlackStandIn,
    database: str,
    *,
    hooks: bool,
    hold: float = 0.3,
    recovery: float = 3600,
    incidents: IncidentRules = NO_INCIDENTS,
    more: Sequence[ChannelSettings] = (),
) -> App:
    """A started program, connected both ways."""
    port = free_port() if hooks else 0
    settings = settings_for(
        telegram, slack, database, hooks=hooks, hold=hold, recovery=recovery, incidents=incidents, port=port
    )
    app = await App.open(replace(settings, channels=(*settings.channels, *more)))
    try:
        await app.start()
        if hooks:
            slack.connect(f"http://127.0.0.1:{port}/channels/slack/events")
            await telegram.wait_for(lambda: telegram.updates(TOKEN).webhook is not None)
        else:
            async with asyncio.timeout(10):
                while not slack.socket.connections:  # noqa: ASYNC110 - a websocket is no event of the journal
                    await asyncio.sleep(0.02)
    except BaseException:
        await app.stop()
        raise
    return app


def free_port() -> int:
    """A port that was free a moment ago, for a server whose address must be known before it starts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
