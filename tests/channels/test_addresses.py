"""Which keys may be a customer's address, by kind of channel."""

from datetime import UTC, datetime

import msgspec
import pytest

from bot.channels.addresses import problem_with
from bot.channels.webchat import WebchatChannel
from bot.config import ChannelSettings, SlackSettings, TelegramSettings, WebchatSettings, WebhookChatSettings
from bot.messages import ChannelName, Inbound
from bot.ports import Outcome, Raw
from tests.fakes.chat_log import FakeChatLog

NAME = ChannelName("one")
TELEGRAM = TelegramSettings(name=NAME, token="1:a")
SLACK = SlackSettings(name=NAME, bot_token="xoxb-1")
WEB = WebchatSettings(name=NAME, secret="0123456789abcdef")
HOOK = WebhookChatSettings(name=NAME, url="https://chat.example", secrets=())


@pytest.mark.parametrize(
    ("channel", "key"),
    [
        (TELEGRAM, "7001"),
        (TELEGRAM, "9223372036854775807"),
        (TELEGRAM, "-1001234567890/7001"),
        (SLACK, "U024BE7LH"),
        (SLACK, "W012A3CDE"),
        (SLACK, "U0GIULIA"),
        (WEB, "-gvphl7Ssu43hTSALLy9PA"),
        (HOOK, "customer 81/ö"),
    ],
)
def test_key_of_a_customer_is_taken(channel: ChannelSettings, key: str) -> None:
    assert problem_with(channel, key) is None


@pytest.mark.parametrize(
    ("channel", "key"),
    [
        *((TELEGRAM, key) for key in (" 7001 ", "7_001", "+7001", "\uff10", "7\uff10", "007", "0", "-7001", "7001.0")),
        *((TELEGRAM, key) for key in ("7001\n", "lan", "@lan", "7e3", "9223372036854775808", "-1/-2", "1/2", "-1/2/3")),
        *((SLACK, key) for key in ("#support", "C024BE91L", "G1234", "D1234", "u024be7lh", "U", "U024BE7LH\n", "anna")),
        *((WEB, key) for key in ("s1", "../../x", "x" * 21, "x" * 23, "x" * 21 + "\n", "x" * 21 + ".")),
        *((HOOK, key) for key in ("a\nb", "a\x7f")),
    ],
)
def test_key_of_nobody_is_refused(channel: ChannelSettings, key: str) -> None:
    assert problem_with(channel, key)


async def test_session_that_the_web_chat_makes_is_taken() -> None:
    channel = WebchatChannel(WEB, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC), chat=FakeChatLog())
    opened = await channel.receive(Raw(path="", headers={}, body=b'{"do": "open"}'), nobody_handles)
    assert problem_with(WEB, msgspec.json.decode(opened.body)["session"]) is None


async def nobody_handles(inbound: Inbound) -> Outcome:
    raise AssertionError(inbound)
