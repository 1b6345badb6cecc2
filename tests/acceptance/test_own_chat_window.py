"""Somebody else's chat window: signed requests both ways, from the question to the agents' alert."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from bot.channels.signatures import refuse_webhook, sign_webhook, webhook_key
from bot.config import WebhookChatSettings
from bot.messages import ChannelName
from tests.acceptance.world import World, world

SECRET = f"whsec_{base64.b64encode(b'a secret of thirty-two bytes ok!').decode()}"
KEY = webhook_key(SECRET)


class Window:
    """A chat window of a foreign program: keeps what it was posted, by slot, once per webhook-id."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.slots: dict[str, dict[str, Any]] = {}
        self.refused: list[int] = []
        self.url = ""
        self._changed = asyncio.Event()

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert (
            refuse_webhook([KEY], {k.lower(): v for k, v in request.headers.items()}, body, datetime.now(UTC)) is None
        )
        if self.refused:
            return web.Response(status=self.refused.pop())
        if request.headers["webhook-id"] not in self.seen:
            self.seen.add(request.headers["webhook-id"])
            message = json.loads(body)
            self.slots[message["slot"]] = message
            self._changed.set()
        return web.Response(status=204)

    async def shows(self, text: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                for message in self.slots.values():
                    if text in message["plain"]:
                        return message
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
async def window() -> AsyncIterator[Window]:
    window = Window()
    app = web.Application()
    app.router.add_post("/afterchat", window.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    window.url = f"http://127.0.0.1:{runner.addresses[0][1]}/afterchat"
    yield window
    await runner.cleanup()


@pytest.fixture
async def running(storage_url: str, window: Window) -> AsyncIterator[World]:
    shop = WebhookChatSettings(name=ChannelName("shop"), url=window.url, secrets=(SECRET,))
    async with world(storage_url, more=(shop,)) as everything:
        yield everything


async def tell(running: World, event: dict[str, Any], *, id: str, key: bytes = KEY) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"from": {"id": "u1", "name": "Zoë", "language": "it"}, **event}).encode()
    headers = dict(sign_webhook(key, id, datetime.now(UTC), body))
    async with running.client.post(f"{running.url}/channels/shop", data=body, headers=headers) as answer:
        return answer.status, await answer.json()


def token(message: dict[str, Any], label: str) -> str:
    return str(next(button["token"] for row in message["buttons"] for button in row if button["label"] == label))


async def test_a_survey_in_a_foreign_window_reaches_the_agents(running: World, window: Window) -> None:
    window.refused = [503, 500]
    await running.end_chat("shop", "u1", name="Zoë", language="it")
    question = await window.shows("Minh")
    assert question["kind"] == "post"
    status, said = await tell(running, {"type": "tap", "token": token(question, "😞")}, id="msg_1")
    assert (status, said["said"]) == (200, "taken")
    settled = await window.shows("1/5")
    assert (settled["slot"], settled["kind"]) == (question["slot"], "edit")
    status, said = await tell(running, {"type": "tap", "token": token(question, "😀")}, id="msg_2")
    assert (status, said["said"]) == (200, "already_counted")
    status, said = await tell(running, {"type": "message", "text": "<b>Pessimo</b>"}, id="msg_3")
    assert status == 200
    await running.alert_with("Zoë", "1/5", "<b>Pessimo</b>", "shop")


async def test_what_is_not_signed_or_said_twice_has_no_effect(running: World, window: Window) -> None:
    status, _ = await tell(
        running, {"type": "command", "command": "feedback"}, id="msg_1", key=b"another key of sixteen"
    )
    assert status == 401
    assert not window.slots
    for _ in range(2):
        status, _ = await tell(running, {"type": "command", "command": "feedback"}, id="msg_2")
        assert status == 200
    await window.shows("chat")
    await asyncio.sleep(0.3)
    assert len(window.slots) == 1
    status, said = await tell(running, {"type": "dance"}, id="msg_3")
    assert (status, said["said"]) == (200, "kept_aside")
