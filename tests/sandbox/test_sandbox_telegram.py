"""The Telegram stand-in, driven by python-telegram-bot."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from telegram import Bot, BotCommand, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from bot.sandbox.faults import (
    Duplicate,
    Fault,
    Hang,
    RateLimited,
    Refused,
    Reorder,
    ResetAfter,
    ResetBefore,
    ServerError,
    Slow,
)
from bot.sandbox.telegram import TelegramStandIn
from bot.sandbox.telegram_state import User

TOKEN = "1001:sandbox"
MAI = User(id=7, first_name="Mai", language_code="vi")


@dataclass(frozen=True, kw_only=True)
class Telegram:
    service: TelegramStandIn
    bot: Bot

    def texts(self, chat: int = 7) -> list[str | None]:
        return [message.text for message in self.service.messages(TOKEN, chat)]


@pytest.fixture
async def telegram(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Telegram]:
    # without it the library warns whenever it raises RetryAfter
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    async with TelegramStandIn({TOKEN: "shop_bot"}) as service, client(service, TOKEN) as bot:
        service.user_starts(TOKEN, MAI)
        yield Telegram(service=service, bot=bot)


def client(service: TelegramStandIn, token: str) -> Bot:
    request, polling = HTTPXRequest(read_timeout=0.5), HTTPXRequest(read_timeout=5)
    return Bot(token, base_url=service.base_url, request=request, get_updates_request=polling)


def keyboard(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=f"v:{label}") for label in labels]])


async def test_a_rating_by_tap(telegram: Telegram) -> None:
    service, bot = telegram.service, telegram.bot
    sent = await bot.send_message(7, "How was it? 😀", reply_markup=keyboard("1", "2", "3"))
    query_id = service.user_taps(TOKEN, MAI, sent.message_id, "3")
    updates = await bot.get_updates(allowed_updates=["message", "callback_query"])
    query = updates[1].callback_query
    assert query is not None
    assert (updates[0].message.text, query.id, query.data) == ("/start", query_id, "v:3")  # type: ignore[union-attr]
    assert query.from_user.language_code == "vi"
    await bot.answer_callback_query(query.id, text="Thank you")
    await bot.edit_message_text("How was it? 3", chat_id=7, message_id=sent.message_id)
    shown = service.last(TOKEN, 7)
    assert (shown.text, shown.buttons, shown.parse_mode) == ("How was it? 3", [], None)
    assert [(answer.query_id, answer.text) for answer in service.answers(TOKEN)] == [(query_id, "Thank you")]


async def test_what_a_bot_says_of_itself(telegram: Telegram) -> None:
    assert telegram.bot.username == "shop_bot"
    await telegram.bot.set_my_commands([BotCommand("feedback", "Tell us")])
    assert [command.command for command in await telegram.bot.get_my_commands()] == ["feedback"]
    assert (await telegram.bot.get_chat(7)).first_name == "Mai"
    assert await telegram.bot.send_chat_action(7, "typing")
    telegram.service.world.files["voice"] = b"sound"
    assert (await telegram.bot.get_file("voice")).file_size == 5


Act = Callable[[Bot], Awaitable[object]]


REFUSED: dict[str, tuple[Act, type[TelegramError], str]] = {
    "empty text": (lambda bot: bot.send_message(7, " \n"), BadRequest, "Message text is empty"),
    "long text": (lambda bot: bot.send_message(7, "😀" * 2049), BadRequest, "Message is too long"),
    "unknown chat": (lambda bot: bot.send_message(99, "x"), BadRequest, "Chat not found"),
    "chat by a name": (lambda bot: bot.send_message("@nobody", "x"), BadRequest, "Chat not found"),
    "never wrote to the bot": (
        lambda bot: bot.send_message(8, "x"),
        Forbidden,
        "Forbidden: bot can't initiate conversation with a user",
    ),
    "callback data of 65 bytes": (
        lambda bot: bot.send_message(7, "x", reply_markup=keyboard("é" * 31 + "a")),
        BadRequest,
        "Button_data_invalid",
    ),
    "a button that does nothing": (
        lambda bot: bot.send_message(7, "x", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("x")]])),
        BadRequest,
        "Can't parse inline keyboard button: text buttons are unallowed in the inline keyboard",
    ),
    "edit of nothing": (
        lambda bot: bot.edit_message_text("x", chat_id=7, message_id=55),
        BadRequest,
        "Message to edit not found",
    ),
    "edit of the customer's message": (
        lambda bot: bot.edit_message_text("x", chat_id=7, message_id=1),
        BadRequest,
        "Message can't be edited",
    ),
    "deletion of nothing": (
        lambda bot: bot.delete_message(7, 55),
        BadRequest,
        "Message to delete not found",
    ),
    "answer to an unknown tap": (
        lambda bot: bot.answer_callback_query("12"),
        BadRequest,
        "Query is too old and response timeout expired or query id is invalid",
    ),
    "reply to nothing": (
        lambda bot: bot.send_message(7, "x", reply_to_message_id=55),
        BadRequest,
        "Message to be replied not found",
    ),
    "bad secret": (
        lambda bot: bot.set_webhook("http://127.0.0.1:1/x", secret_token="a b"),
        BadRequest,
        "Secret token contains unallowed characters",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
async def test_what_telegram_refuses(telegram: Telegram, case: tuple[Act, type[TelegramError], str]) -> None:
    act, error, text = case
    telegram.service.user(8)
    with pytest.raises(error) as caught:
        await act(telegram.bot)
    assert type(caught.value) is error
    assert caught.value.message.lower() == text.lower()
    assert telegram.texts() == ["/start"]


async def test_an_edit_that_changes_nothing(telegram: Telegram) -> None:
    sent = await telegram.bot.send_message(7, "x", reply_markup=keyboard("1"))
    with pytest.raises(BadRequest, match="Message is not modified"):
        await telegram.bot.edit_message_text("x", chat_id=7, message_id=sent.message_id, reply_markup=keyboard("1"))
    await telegram.bot.edit_message_reply_markup(chat_id=7, message_id=sent.message_id, reply_markup=None)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await telegram.bot.edit_message_reply_markup(chat_id=7, message_id=sent.message_id, reply_markup=None)


async def test_people_who_are_gone(telegram: Telegram) -> None:
    telegram.service.user_blocks(TOKEN, MAI)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await telegram.bot.send_message(7, "x")
    telegram.service.user_unblocks(TOKEN, MAI)
    await telegram.bot.send_message(7, "x")
    changes = [u.my_chat_member for u in await telegram.bot.get_updates() if u.my_chat_member]
    assert [change.new_chat_member.status for change in changes] == ["kicked", "member"]
    telegram.service.user_deactivates(MAI)
    with pytest.raises(Forbidden, match="user is deactivated"):
        await telegram.bot.send_message(7, "x")


async def test_a_group_and_its_new_id(telegram: Telegram) -> None:
    service, bot = telegram.service, telegram.bot
    service.group(-100, "Friends", [TOKEN], [MAI, 8])
    service.user_sends(TOKEN, MAI, "just talking", chat=-100)
    service.user_sends(TOKEN, 8, "/feedback", chat=-100)
    asked = await bot.send_message(-100, "How was it?", reply_markup=ForceReply())
    service.user_sends(TOKEN, 8, "fine", chat=-100, reply_to=asked.message_id)
    heard = [update.message for update in await bot.get_updates() if update.message]
    assert [(message.text, message.chat.type) for message in heard] == [
        ("/start", "private"),
        ("/feedback", "supergroup"),
        ("fine", "supergroup"),
    ]
    service.migrate(-100, -200)
    with pytest.raises(ChatMigrated) as caught:
        await bot.send_message(-100, "x")
    assert caught.value.new_chat_id == -200
    assert (await bot.send_message(-200, "x")).chat.title == "Friends"


async def test_an_edited_message_and_a_stale_tap(telegram: Telegram) -> None:
    telegram.service.user_edits(TOKEN, MAI, 1, "/stop")
    sent = await telegram.bot.send_message(7, "x", reply_markup=keyboard("1"))
    await telegram.bot.delete_message(7, sent.message_id)
    with pytest.raises(LookupError):
        telegram.service.user_taps(TOKEN, MAI, sent.message_id, "1")
    telegram.service.user_taps(TOKEN, MAI, sent.message_id, "v:1", stale=True)
    updates = await telegram.bot.get_updates()
    assert updates[1].edited_message is not None
    assert updates[1].edited_message.text == "/stop"
    assert updates[2].callback_query is not None
    assert updates[2].callback_query.message is not None
    assert not updates[2].callback_query.message.is_accessible


async def test_control_characters_as_the_real_one_stores_them(telegram: Telegram) -> None:
    sent = await telegram.bot.send_message(7, " a\x00b\r\n\u202ec <b>x</b> ")
    assert sent.text == "a b\nc <b>x</b>"
    shown = telegram.service.last(TOKEN, 7)
    assert shown.parse_mode is None
    await telegram.bot.send_message(7, "x", parse_mode="HTML")
    assert telegram.service.last(TOKEN, 7).parse_mode == "HTML"


@pytest.mark.parametrize(("token", "path"), [("1002:unknown", "getMe"), (TOKEN, "getNothing")])
async def test_unknown_token_or_method(telegram: Telegram, token: str, path: str) -> None:
    async with httpx.AsyncClient() as http:
        response = await http.post(f"{telegram.service.base_url}{token}/{path}")
    assert response.status_code == (404 if token == TOKEN else 401)
    if token != TOKEN:
        with pytest.raises(InvalidToken):
            async with client(telegram.service, token):
                pass


async def test_json_and_multipart_bodies(telegram: Telegram) -> None:
    url = f"{telegram.service.base_url}{TOKEN}/sendMessage"
    async with httpx.AsyncClient() as http:
        assert (await http.post(url, json={"chat_id": 7, "text": "json"})).json()["ok"]
        multipart = {"chat_id": (None, "7"), "text": (None, "parts")}
        assert (await http.post(url, files=multipart)).json()["ok"]
        assert (await http.get(url, params={"chat_id": 7, "text": "query"})).json()["ok"]
        broken = await http.post(url, content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["ok"]) == (400, False)
    assert telegram.texts() == ["/start", "json", "parts", "query"]


async def test_long_polling_waits_for_the_next_update(telegram: Telegram) -> None:
    first = await telegram.bot.get_updates()
    poll = asyncio.create_task(telegram.bot.get_updates(offset=first[-1].update_id + 1, timeout=5))
    await telegram.service.wait_for(lambda: len(telegram.service.journal.of("getUpdates")) == 2)
    assert not telegram.service.updates(TOKEN).pending
    telegram.service.user_sends(TOKEN, MAI, "5")
    assert [update.message.text for update in await poll if update.message] == ["5"]
    assert len(await telegram.bot.get_updates()) == 1


async def test_an_injected_update_and_a_lower_id(telegram: Telegram) -> None:
    telegram.service.inject(TOKEN, {"update_id": 5, "poll_x": {}})
    telegram.service.inject(TOKEN, {"message_reaction": {}})
    assert sorted(telegram.service.updates(TOKEN).pending)[0] == 5
    assert len(telegram.service.updates(TOKEN).pending) == 2


async def test_two_polls_conflict(telegram: Telegram) -> None:
    await telegram.bot.get_updates(offset=-1)
    first = asyncio.create_task(telegram.bot.get_updates(offset=2**40, timeout=5))
    await telegram.service.wait_for(lambda: len(telegram.service.journal.of("getUpdates")) == 2)
    second = asyncio.create_task(telegram.bot.get_updates(offset=2**40, timeout=5))
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await first
    telegram.service.user_sends(TOKEN, MAI, "x")
    assert len(await second) == 1


async def test_polling_while_a_webhook_is_set(telegram: Telegram) -> None:
    await telegram.bot.set_webhook("http://127.0.0.1:1/hook")
    assert (await telegram.bot.get_webhook_info()).url == "http://127.0.0.1:1/hook"
    with pytest.raises(Conflict, match="webhook is active"):
        await telegram.bot.get_updates()
    await telegram.bot.delete_webhook(drop_pending_updates=True)
    assert await telegram.bot.get_updates() == ()


FAULTS: dict[str, tuple[Fault, type[TelegramError], list[str]]] = {
    "429": (RateLimited(retry_after=7), RetryAfter, []),
    "403": (Refused(error="Forbidden: bot was blocked by the user"), Forbidden, []),
    "500": (ServerError(), NetworkError, []),
    "reset before": (ResetBefore(), NetworkError, []),
    "reset after": (ResetAfter(), NetworkError, ["x"]),
    "hang": (Hang(), TimedOut, []),
    "hang after": (Hang(accepted=True), TimedOut, ["x"]),
}


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS)
async def test_faults_as_the_client_sees_them(
    telegram: Telegram, case: tuple[Fault, type[TelegramError], list[str]]
) -> None:
    fault, error, kept = case
    telegram.service.faults.next("sendMessage", fault, to="7")
    with pytest.raises(error) as caught:
        await telegram.bot.send_message(7, "x")
    assert type(caught.value) is error
    if isinstance(caught.value, RetryAfter):
        assert caught.value.retry_after == timedelta(seconds=7)
    telegram.service.faults.release()
    await asyncio.sleep(0)
    assert telegram.texts()[1:] == kept
    assert telegram.service.journal.of("sendMessage")[0].fault == fault
    await telegram.bot.send_message(7, "y")


async def test_a_slow_answer_and_a_probability(telegram: Telegram) -> None:
    telegram.service.faults.next("sendMessage", Slow(seconds=0.01))
    await telegram.bot.send_message(7, "x")
    telegram.service.faults.sometimes("*", RateLimited(), probability=1)
    with pytest.raises(RetryAfter):
        await telegram.bot.send_message(7, "x")
    telegram.service.faults.clear()
    await telegram.bot.send_message(7, "y")
    assert telegram.texts()[1:] == ["x", "y"]


async def test_duplicates_and_disorder_in_a_poll(telegram: Telegram) -> None:
    telegram.service.faults.next("updates", Duplicate(), Reorder())
    assert [faulty[0] for faulty in telegram.service.faults.waiting()] == ["updates", "updates"]
    assert len(await telegram.bot.get_updates()) == 2
    telegram.service.user_sends(TOKEN, MAI, "5")
    ids = [update.update_id for update in await telegram.bot.get_updates()]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 2
