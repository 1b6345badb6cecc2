"""How the Telegram stand-in brings updates to a webhook."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.faults import BadSignature, Duplicate, Reorder, ResetAfter
from bot.sandbox.telegram import TelegramStandIn

TOKEN = "1001:sandbox"
SECRET = "s3cret"


@dataclass(kw_only=True)
class Bot:
    """A bot that notes what it gets and answers what a test says."""

    service: TelegramStandIn
    url: str = ""
    got: list[tuple[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    replies: list[Any] = field(default_factory=list)
    running: int = 0
    most: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def hook(self, request: web.Request) -> web.Response:
        update = await request.json()
        text = update.get("message", {}).get("text") or next(kind for kind in update if kind != "update_id")
        self.running += 1
        self.most = max(self.most, self.running)
        self.service.journal.changed()
        await self.gate.wait()
        self.running -= 1
        self.got.append((text, request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")))
        self.service.journal.changed()
        status = self.statuses.pop(0) if self.statuses else 200
        return web.json_response(self.replies.pop(0) if self.replies else {}, status=status)

    def texts(self) -> list[str]:
        return [text for text, _ in self.got]


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with TelegramStandIn({TOKEN: "shop_bot"}, backoff=(0.01,)) as service:
        one = Bot(service=service)
        one.gate.set()
        app = web.Application()
        app.router.add_post("/hook", one.hook)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        service.updates(TOKEN).set_webhook({"url": one.url, "secret_token": SECRET})
        yield one
        await runner.cleanup()


async def test_in_order_and_with_the_secret(bot: Bot) -> None:
    for text in ("/start", "5", "fine"):
        bot.service.user_sends(TOKEN, 7, text)
    await bot.service.settled(TOKEN)
    assert bot.got == [("/start", SECRET), ("5", SECRET), ("fine", SECRET)]


async def test_again_until_2xx(bot: Bot) -> None:
    bot.statuses = [500, 302, 403]
    bot.service.user_sends(TOKEN, 7, "5")
    bot.service.user_sends(TOKEN, 7, "fine")
    await bot.service.settled(TOKEN)
    assert bot.texts() == ["5", "5", "5", "5", "fine"]
    attempts = bot.service.updates(TOKEN).attempts
    assert [attempt.status for attempt in attempts] == [500, 302, 403, 200, 200]
    assert len({attempt.update_id for attempt in attempts}) == 2


async def test_one_chat_waits_and_another_does_not(bot: Bot) -> None:
    bot.gate.clear()
    for user in (7, 8):
        bot.service.user_sends(TOKEN, user, f"a{user}")
        bot.service.user_sends(TOKEN, user, f"b{user}")
    await bot.service.wait_for(lambda: bot.running == 2)
    bot.gate.set()
    await bot.service.settled(TOKEN)
    assert bot.most == 2
    assert [text for text in bot.texts() if text.endswith("7")] == ["a7", "b7"]


async def test_one_connection_is_one_at_a_time(bot: Bot) -> None:
    bot.service.updates(TOKEN).set_webhook({"url": bot.url, "max_connections": "1"})
    for user in (7, 8, 9):
        bot.service.user_sends(TOKEN, user, f"a{user}")
    await bot.service.settled(TOKEN)
    assert (bot.most, bot.texts()) == (1, ["a7", "a8", "a9"])


async def test_what_waited_before_the_webhook_was_set(bot: Bot) -> None:
    bot.service.updates(TOKEN).delete_webhook({})
    bot.service.user_sends(TOKEN, 7, "5")
    assert len(bot.service.updates(TOKEN).pending) == 1
    bot.service.updates(TOKEN).set_webhook({"url": bot.url})
    await bot.service.settled(TOKEN)
    assert bot.texts() == ["5"]


@pytest.mark.parametrize("concurrent", [False, True])
async def test_the_same_update_twice(bot: Bot, concurrent: bool) -> None:
    bot.service.faults.next("updates", Duplicate(copies=3, concurrent=concurrent))
    bot.service.user_sends(TOKEN, 7, "5")
    await bot.service.settled(TOKEN)
    assert bot.texts() == ["5", "5", "5"]
    assert len({attempt.update_id for attempt in bot.service.updates(TOKEN).attempts}) == 1


async def test_a_wrong_secret_once(bot: Bot) -> None:
    bot.service.faults.next("updates", BadSignature())
    bot.statuses = [403]
    bot.service.user_sends(TOKEN, 7, "5")
    await bot.service.settled(TOKEN)
    assert bot.got == [("5", "wrong"), ("5", SECRET)]


async def test_an_answer_that_is_lost(bot: Bot) -> None:
    bot.service.faults.next("updates", ResetAfter())
    bot.service.user_sends(TOKEN, 7, "5")
    await bot.service.settled(TOKEN)
    assert bot.texts() == ["5", "5"]


async def test_an_update_that_overtakes(bot: Bot) -> None:
    bot.service.faults.next("updates", Reorder())
    bot.service.user_sends(TOKEN, 7, "first")
    bot.service.user_sends(TOKEN, 7, "second")
    await bot.service.settled(TOKEN)
    assert bot.texts() == ["second", "first"]


async def test_a_method_as_the_reply(bot: Bot) -> None:
    bot.replies = [
        {"method": "sendMessage", "chat_id": 7, "text": "How was it?"},
        {"method": "sendMessage", "chat_id": 99, "text": "to nobody"},
    ]
    bot.service.user_sends(TOKEN, 7, "/start")
    bot.service.user_sends(TOKEN, 7, "x")
    await bot.service.settled(TOKEN)
    assert bot.service.last(TOKEN, 7).text == "How was it?"
    assert [call.via for call in bot.service.calls] == ["webhook reply", "webhook reply"]


async def test_what_was_not_asked_for(bot: Bot) -> None:
    bot.service.updates(TOKEN).set_webhook({"url": bot.url, "allowed_updates": '["callback_query"]'})
    bot.service.user_sends(TOKEN, 7, "x")
    bot.service.inject(TOKEN, {"callback_query": {"id": "1"}})
    await bot.service.settled(TOKEN)
    assert bot.texts() == ["callback_query"]
