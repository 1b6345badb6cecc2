"""The channel of survey pages: sessions that are told apart by their address, and lines of a log."""

import pytest

from bot.channels.page import PageChannel
from bot.channels.telegram import TelegramChannel
from bot.config import PageSettings, TelegramSettings
from bot.errors import SendFailed
from bot.messages import Address, AlertOf, Card, ChannelName, Content, Outbound, Text
from bot.ports import Raw
from bot.sandbox.telegram import TelegramStandIn
from tests.conftest import SetClock
from tests.fakes.chat_log import FakeChatLog

LINK = "A-link_of_22characters"


def channel_on(chat: FakeChatLog, clock: SetClock, key: bytes = b"k" * 32) -> PageChannel:
    return PageChannel(PageSettings(name=ChannelName("page")), clock=clock, chat=chat, key=key)


def outbound(content: Content, slot: str = "q:1") -> Outbound:
    return Outbound(kind="post", to=Address(channel=ChannelName("page"), key="s"), lane="l", slot=slot, content=content)


def test_sessions_are_apart_and_cannot_be_guessed(clock: SetClock) -> None:
    one, other = channel_on(FakeChatLog(), clock), channel_on(FakeChatLog(), clock, b"o" * 32)
    sessions = [one.session_of(LINK), one.session_of(LINK, "T-1"), one.session_of(LINK, "T-2"), other.session_of(LINK)]
    assert len(set(sessions)) == 4
    assert all(len(session) == 22 and LINK not in session for session in sessions)
    assert one.session_of(LINK, "T-1") == one.session_of(LINK, "T-1")


def test_only_our_own_proof_of_a_session_is_believed(clock: SetClock) -> None:
    one, other = channel_on(FakeChatLog(), clock), channel_on(FakeChatLog(), clock, b"o" * 32)
    proof = one.new_session()
    assert one.proven(proof) == proof.partition(".")[0]
    assert other.proven(proof) is None
    assert [one.proven(forged) for forged in ("", ".", "x", f"{'A' * 22}.{proof.partition('.')[2]}")] == [None] * 4


async def test_what_is_said_is_a_line_of_the_log(clock: SetClock) -> None:
    chat = FakeChatLog()
    channel = channel_on(chat, clock)
    receipt = await channel.send(outbound(Card(text="How was it?")), None)
    await channel.heard("s", "m1", "Fine", "en", clock())
    await channel.heard("s", "m1", "Fine", "en", clock())
    assert receipt.remote == "q:1"
    assert [(line.author, line.slot) for line in chat.of("s")] == [("us", "q:1"), ("customer", "customer/m1")]


@pytest.mark.parametrize(("content", "broken"), [(Text(text="Hi"), True), (AlertOf(case="c"), False)])  # type: ignore[arg-type]
async def test_a_database_that_is_away_is_tried_again_and_an_alert_never(
    clock: SetClock, content: Content, broken: bool
) -> None:
    chat = FakeChatLog()
    chat.broken = broken
    with pytest.raises(SendFailed) as failed:
        await channel_on(chat, clock).send(outbound(content), None)
    assert (failed.value.retryable, failed.value.whole_channel) == (broken, broken)


async def test_nothing_is_received_there(clock: SetClock) -> None:
    async def nobody(_: object) -> object:
        raise AssertionError("nothing is to be handled")

    reply = await channel_on(FakeChatLog(), clock).receive(Raw(path="/", headers={}, body=b"{}"), nobody)  # type: ignore[arg-type]
    assert reply.status == 404
    assert await channel_on(FakeChatLog(), clock).fetch("x") is None


@pytest.mark.parametrize(
    ("username", "name", "asked"), [("", "lotus_bot", 1), ("from_the_settings", "from_the_settings", 0)]
)
async def test_the_bots_name_is_asked_once_where_the_settings_have_none(
    clock: SetClock, username: str, name: str, asked: int
) -> None:
    async with TelegramStandIn({"1:t": "lotus_bot"}) as stand_in:
        api_url = stand_in.base_url.removesuffix("/bot")
        telegram = ChannelName("telegram")
        settings = TelegramSettings(name=telegram, token="1:t", api_url=api_url, username=username)
        channel = TelegramChannel(settings, clock=clock, public_url="")
        assert [await channel.username(), await channel.username()] == [name, name]
        assert len([call for call in stand_in.journal.calls if call.method == "getMe"]) == asked
        await channel.close()


async def test_a_bot_that_telegram_does_not_know_has_no_name(clock: SetClock) -> None:
    async with TelegramStandIn({"1:t": "lotus_bot"}) as stand_in:
        api_url = stand_in.base_url.removesuffix("/bot")
        settings = TelegramSettings(name=ChannelName("telegram"), token="2:x", api_url=api_url)
        channel = TelegramChannel(settings, clock=clock, public_url="")
        with pytest.raises(SendFailed):
            await channel.username()
        await channel.close()
