"""What the database will never take: a sender who would repeat it for ever is told that it was taken."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

import aiohttp
import pytest

from bot.channels.signatures import session_token, sign_webhook, webhook_key
from bot.channels.slack import SlackChannel
from bot.channels.telegram import TelegramChannel
from bot.channels.webchat import WebchatChannel
from bot.channels.webhook import WebhookChannel
from bot.config import (
    CurrentSettings,
    Settings,
    SlackSettings,
    TelegramSettings,
    WebchatSettings,
    WebhookChatSettings,
)
from bot.errors import StoreRefused
from bot.ids import ids_from
from bot.intake import Intake
from bot.messages import ChannelName
from bot.ports import Channel, Facts, KeepAside, Outcome, Read
from bot.web.routes import Site, application
from bot.web.triggers import Triggers
from tests.fakes.chat_log import FakeChatLog
from tests.fakes.pure_store import PureStore
from tests.web.scripted_site import FakeInteractions, links_of, now, queue_of, serving

SECRET = "a secret of the test"
HOOK = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class PickyStore:
    """Takes nothing but what is kept aside."""

    def __init__(self) -> None:
        self.kept: list[KeepAside] = []

    async def run(self, read: Read, decide: Callable[[Facts], Outcome]) -> Outcome:
        outcome = decide(Facts())
        aside = [write for write in outcome.writes if isinstance(write, KeepAside)]
        if not aside:
            raise StoreRefused("integer out of range")
        self.kept += aside
        return outcome


def telegram() -> tuple[bytes, Mapping[str, str]]:
    message = {"chat": {"id": 7, "type": "private"}, "from": {"id": 7}, "text": "Hi"}
    return json.dumps({"update_id": 1, "message": message}).encode(), {"X-Telegram-Bot-Api-Secret-Token": SECRET}


def slack() -> tuple[bytes, Mapping[str, str]]:
    event = {"type": "message", "channel_type": "im", "channel": "D1", "user": "U123", "text": "Hi"}
    body = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": event}).encode()
    at = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return body, {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={signature}"}


def web() -> tuple[bytes, Mapping[str, str]]:
    body = json.dumps({"do": "write", "id": "m1", "text": "Hi"}).encode()
    return body, {"Authorization": f"Bearer {session_token(SECRET, 's1')}"}


def site() -> tuple[bytes, Mapping[str, str]]:
    body = json.dumps({"type": "message", "from": {"id": "u1"}, "text": "Hi"}).encode()
    return body, sign_webhook(webhook_key(HOOK), "msg_1", datetime.now(UTC), body)


@pytest.fixture
def store() -> PickyStore:
    return PickyStore()


@pytest.fixture
async def url(store: PickyStore) -> AsyncIterator[str]:
    async with aiohttp.ClientSession() as client:
        nowhere = "http://127.0.0.1:9"
        channels: dict[str, Channel] = {
            "telegram": TelegramChannel(
                TelegramSettings(
                    name=ChannelName("telegram"), token="1:a", webhook_secret=SECRET, mode="webhook", api_url=nowhere
                ),
                clock=now,
                public_url=nowhere,
            ),
            "slack": SlackChannel(
                SlackSettings(
                    name=ChannelName("slack"), bot_token="xoxb-1", signing_secret=SECRET, mode="http", api_url=nowhere
                ),
                clock=now,
            ),
            "web": WebchatChannel(
                WebchatSettings(name=ChannelName("web"), secret=SECRET), clock=now, chat=FakeChatLog()
            ),
            "site": WebhookChannel(
                WebhookChatSettings(name=ChannelName("site"), url=nowhere, secrets=(HOOK,)), clock=now, session=client
            ),
        }
        settings = CurrentSettings(Settings(company="Lotus Bank"))
        intake = Intake(store=store, settings=settings, clock=now, ids=ids_from(lambda: 0, Random(1)))

        async def nothing() -> Any:
            return []

        app = application(
            Site(
                channels={ChannelName(name): channel for name, channel in channels.items()},
                handle=intake.handle,
                chat=FakeChatLog(),
                settings=settings,
                interactions=FakeInteractions(),
                report=nothing,
                queue=queue_of(PureStore()),
                ledger=PureStore().ledger,
                links=links_of(PureStore(), settings),
                triggers=Triggers(intake=intake, settings=settings, clock=now),
                ready=nothing,
            )
        )
        async with serving(app) as port:
            yield f"http://127.0.0.1:{port}"
        for channel in channels.values():
            await channel.close()


@pytest.mark.parametrize("signed", [telegram, slack, web, site], ids=lambda each: each.__name__)
async def test_event_that_the_database_refuses_is_taken_and_kept_aside(
    url: str, store: PickyStore, signed: Callable[[], tuple[bytes, Mapping[str, str]]]
) -> None:
    body, headers = signed()
    headers = {"Content-Type": "application/json", **headers}
    address = f"{url}/channels/{signed.__name__}"
    async with aiohttp.ClientSession() as client, client.post(address, data=body, headers=headers) as answer:
        assert 200 <= answer.status < 300
    assert [aside.why for aside in store.kept] == ["integer out of range"]
