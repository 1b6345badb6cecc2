"""What the Bot API answers to a message of ours, and what becomes of the delivery; on the local stand-in."""

import logging
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from bot.channels.telegram import TelegramChannel
from bot.config import TelegramSettings
from bot.errors import SendFailed
from bot.messages import Address, Button, Card, ChannelName, Content, Outbound, OutboundKind, Receipt, Text
from bot.sandbox.faults import Fault, Hang, RateLimited, Refused, ResetAfter, ResetBefore, ServerError
from bot.sandbox.telegram import TelegramStandIn
from bot.sandbox.telegram_state import User

TOKEN = "4321:sandbox-secret"
MAI = User(id=5512, first_name="Mai", language_code="vi")
GROUP = -1009988
SHOP = ChannelName("shop")
SECRET_WORDS = "my order 5 is late"


def make_channel(api_url: str, token: str = TOKEN, timeout: float = 5.0) -> TelegramChannel:
    settings = TelegramSettings(name=SHOP, token=token, api_url=api_url)
    return TelegramChannel(settings, clock=lambda: datetime.now(UTC), public_url="http://127.0.0.1", timeout=timeout)


def outbound(content: Content, key: str = "5512", kind: OutboundKind = "post") -> Outbound:
    return Outbound(kind=kind, to=Address(channel=SHOP, key=key), lane="shop:5512", slot="q:1:nps", content=content)


@dataclass(frozen=True, kw_only=True)
class Telegram:
    service: TelegramStandIn
    channel: TelegramChannel

    def shown(self, chat: int = MAI.id) -> list[str | None]:
        return [message.text for message in self.service.messages(TOKEN, chat) if message.from_bot]

    async def fail(self, content: Content, *, key: str = "5512", remote: str | None = None) -> SendFailed:
        message = outbound(content, key, "post" if remote is None else "edit")
        with pytest.raises(SendFailed) as failed:
            await self.channel.send(message, remote)
        return failed.value


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with TelegramStandIn({TOKEN: "shop_bot"}) as service:
        service.user_starts(TOKEN, MAI)
        service.group(GROUP, "Shop customers", [TOKEN], [MAI])
        channel = make_channel(service.base_url.removesuffix("/bot"))
        yield Telegram(service=service, channel=channel)
        await channel.close()


QUESTION = Card(
    text="How *likely* <b>are</b> you?",
    buttons=(tuple(Button(label=str(n), token=f"1.0k3f9x2m7q8d4h1z.3.{n}") for n in range(11)),),
    low="Not likely",
    high="Very likely",
)
ANSWERED = Card(text="How likely?", chosen="9/10", buttons=((Button(label="Change", token="1.c.4.~change"),),))


async def test_a_card_is_posted_as_plain_text_with_its_keyboard(telegram: Telegram) -> None:
    receipt = await telegram.channel.send(outbound(QUESTION), None)
    message = telegram.service.last(TOKEN, MAI.id)
    assert receipt == Receipt(remote=f"5512:{message.message_id}")
    assert message.text == "How *likely* <b>are</b> you?\n\n0 = Not likely · 10 = Very likely"
    assert [[button.text for button in row] for row in message.buttons] == [list("012345"), ["6", "7", "8", "9", "10"]]
    assert message.buttons[0][0].callback_data == "1.0k3f9x2m7q8d4h1z.3.0"
    assert message.parse_mode is None
    fields = telegram.service.journal.of("sendMessage")[0].fields
    assert fields["link_preview_options"] == {"is_disabled": True}


async def test_a_relay_is_posted(telegram: Telegram) -> None:
    await telegram.channel.send(outbound(Text(text="We are sorry."), kind="relay"), None)
    assert telegram.shown() == ["We are sorry."]


async def test_a_group_member_is_written_to_in_the_group(telegram: Telegram) -> None:
    receipt = await telegram.channel.send(outbound(Text(text="Hi"), f"{GROUP}/5512"), None)
    assert telegram.shown(GROUP) == ["Hi"]
    assert receipt.remote.startswith(f"{GROUP}:")


async def test_an_edit_changes_the_message_and_its_buttons(telegram: Telegram) -> None:
    receipt = await telegram.channel.send(outbound(QUESTION), None)
    assert await telegram.channel.send(outbound(ANSWERED, kind="edit"), receipt.remote) == receipt
    message = telegram.service.last(TOKEN, MAI.id)
    assert message.text == "How likely?\n\n✓ 9/10"
    assert [[button.text for button in row] for row in message.buttons] == [["Change"]]


async def test_an_edit_to_a_card_without_buttons_takes_them_away(telegram: Telegram) -> None:
    receipt = await telegram.channel.send(outbound(QUESTION), None)
    await telegram.channel.send(outbound(Card(text="Over.", typing=False), kind="edit"), receipt.remote)
    assert telegram.service.last(TOKEN, MAI.id).buttons == []


async def test_an_edit_that_changes_nothing_is_a_success(telegram: Telegram) -> None:
    receipt = await telegram.channel.send(outbound(QUESTION), None)
    assert await telegram.channel.send(outbound(QUESTION, kind="edit"), receipt.remote) == receipt


NOTHING_TO_EDIT = {
    "deleted": "Bad Request: message to edit not found",
    "too old": "Bad Request: message can't be edited",
    "of another chat": "Bad Request: MESSAGE_ID_INVALID",
}


@pytest.mark.parametrize("refusal", NOTHING_TO_EDIT.values(), ids=NOTHING_TO_EDIT)
async def test_an_edit_of_what_is_gone_is_let_go(telegram: Telegram, refusal: str) -> None:
    telegram.service.faults.next("editMessageText", Refused(status=400, error=refusal))
    assert await telegram.channel.send(outbound(ANSWERED, kind="edit"), "5512:77") == Receipt(remote="5512:77")
    assert telegram.shown() == []


async def test_an_edit_in_a_migrated_group_touches_no_other_message(telegram: Telegram) -> None:
    receipt = await telegram.channel.send(outbound(QUESTION, f"{GROUP}/5512"), None)
    telegram.service.migrate(GROUP, -1007)
    await telegram.channel.send(outbound(Text(text="A stranger's"), "-1007/5512"), None)
    edit = outbound(ANSWERED, f"{GROUP}/5512", kind="edit")
    assert await telegram.channel.send(edit, receipt.remote) == receipt
    assert telegram.shown(-1007) == ["A stranger's"]


async def test_a_post_follows_a_migrated_group(telegram: Telegram) -> None:
    telegram.service.migrate(GROUP, -1007)
    receipt = await telegram.channel.send(outbound(Text(text="Hi"), f"{GROUP}/5512"), None)
    assert receipt.remote.startswith("-1007:")
    assert telegram.shown(-1007) == ["Hi"]


@dataclass(frozen=True, kw_only=True)
class Expected:
    retryable: bool
    retry_after: float | None = None
    recipient_gone: bool = False
    maybe_delivered: bool = False
    whole_channel: bool = False


def refused(status: int, error: str) -> Refused:
    return Refused(status=status, error=error)


FAILURES: dict[str, tuple[Fault, Expected]] = {
    "rate limit": (RateLimited(retry_after=14), Expected(retryable=True, retry_after=14)),
    "blocked": (refused(403, "Forbidden: bot was blocked by the user"), Expected(retryable=False, recipient_gone=True)),
    "deleted account": (refused(403, "Forbidden: user is deactivated"), Expected(retryable=False, recipient_gone=True)),
    "kicked": (
        refused(403, "Forbidden: bot was kicked from the group chat"),
        Expected(retryable=False, recipient_gone=True),
    ),
    "unknown chat": (refused(400, "Bad Request: chat not found"), Expected(retryable=False, recipient_gone=True)),
    "our mistake": (refused(400, "Bad Request: BUTTON_DATA_INVALID"), Expected(retryable=False)),
    "no right to write": (refused(400, "Bad Request: not enough rights to send text messages to the chat"),
        Expected(retryable=False)),
    "revoked token": (refused(401, "Unauthorized"), Expected(retryable=True, whole_channel=True)),
    "malformed token": (refused(404, "Not Found"), Expected(retryable=True, whole_channel=True)),
    "broken service": (ServerError(status=500), Expected(retryable=True)),
    "gateway": (ServerError(status=502), Expected(retryable=True)),
    "conflict": (refused(409, "Conflict: terminated"), Expected(retryable=True)),
    "success without a result": (ServerError(status=200), Expected(retryable=True, maybe_delivered=True)),
    "reset before it was taken": (ResetBefore(), Expected(retryable=True, maybe_delivered=True)),
    "reset after it was taken": (ResetAfter(), Expected(retryable=True, maybe_delivered=True)),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "expected"), FAILURES.values(), ids=FAILURES)
async def test_what_becomes_of_a_failed_delivery(telegram: Telegram, fault: Fault, expected: Expected) -> None:
    telegram.service.faults.next("sendMessage", fault)
    failed = await telegram.fail(Text(text=SECRET_WORDS))
    assert expected == Expected(
        retryable=failed.retryable,
        retry_after=failed.retry_after,
        recipient_gone=failed.recipient_gone,
        maybe_delivered=failed.maybe_delivered,
        whole_channel=failed.whole_channel,
    )
    await telegram.channel.send(outbound(Text(text="next")), None)
    assert telegram.shown()[-1] == "next"


@pytest.mark.parametrize("accepted", [True, False])
async def test_no_answer_in_time_may_mean_delivered(telegram: Telegram, accepted: bool) -> None:
    impatient = make_channel(telegram.service.base_url.removesuffix("/bot"), timeout=0.2)
    telegram.service.faults.next("sendMessage", Hang(accepted=accepted))
    with pytest.raises(SendFailed) as failed:
        await impatient.send(outbound(Text(text="Hi")), None)
    await impatient.close()
    assert failed.value.retryable
    assert failed.value.maybe_delivered


async def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        channel = make_channel(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(SendFailed) as failed:
            await channel.send(outbound(Text(text="Hi")), None)
        await channel.close()
    assert failed.value.retryable
    assert not failed.value.maybe_delivered


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse when the queue of connections is full")
async def test_a_connection_that_does_not_come_about_sent_nothing() -> None:
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        channel = make_channel(f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout=0.2)
        with pytest.raises(SendFailed) as failed:
            await channel.send(outbound(Text(text="Hi")), None)
        await channel.close()
    assert failed.value.retryable
    assert not failed.value.maybe_delivered


IMPOSSIBLE = {
    "an address of another channel": (outbound(Text(text="Hi"), "0k3f9x2m7q8d4h1z"), None),
    "an edit of what was never posted": (outbound(Text(text="Hi"), kind="edit"), None),
    "an edit of another channel's message": (outbound(Text(text="Hi"), kind="edit"), "C024BE91L:1355517523.000005"),
}


@pytest.mark.parametrize(("message", "remote"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
async def test_what_cannot_be_sent_is_given_up(telegram: Telegram, message: Outbound, remote: str | None) -> None:
    with pytest.raises(SendFailed) as failed:
        await telegram.channel.send(message, remote)
    assert not failed.value.retryable
    assert not failed.value.recipient_gone
    assert telegram.service.calls == []


async def test_an_edit_for_someone_who_blocked_us_says_so(telegram: Telegram) -> None:
    receipt = await telegram.channel.send(outbound(QUESTION), None)
    telegram.service.user_blocks(TOKEN, MAI)
    failed = await telegram.fail(ANSWERED, remote=receipt.remote)
    assert failed.recipient_gone


async def test_no_log_and_no_error_holds_the_token_or_a_customers_words(
    telegram: Telegram, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    faults = (ServerError(status=502), ResetAfter(), RateLimited(retry_after=1), refused(400, "Bad Request: no"))
    telegram.service.faults.next("sendMessage", *faults)
    told = [repr(await telegram.fail(Text(text=SECRET_WORDS))) for _ in faults]
    closed = make_channel("http://127.0.0.1:1")
    with pytest.raises(SendFailed) as failed:
        await closed.send(outbound(Text(text=SECRET_WORDS)), None)
    await closed.close()
    chain = [*told, caplog.text]
    error: BaseException | None = failed.value
    while error is not None:
        chain.append(repr(error))
        error = error.__cause__
    assert len(chain) > len(told) + 2
    assert [text for text in chain if "sandbox-secret" in text or SECRET_WORDS in text] == []


async def test_httpx_is_never_called(telegram: Telegram, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("httpx was used")

    monkeypatch.setattr(httpx, "AsyncClient", refuse)
    channel = make_channel(telegram.service.base_url.removesuffix("/bot"))
    await channel.send(outbound(Text(text="Hi")), None)
    await channel.close()
    assert telegram.shown() == ["Hi"]
