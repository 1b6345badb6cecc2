"""Names become one visible line wherever they enter, and customers' words stay as they are."""

from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
import pytest

from bot.channels.names import LONGEST_NAME, shown_name
from bot.channels.signatures import sign_webhook, webhook_key
from bot.channels.slack.meanings import Meant
from bot.channels.slack.reading import read
from bot.channels.telegram.updates import Me, read_update
from bot.channels.webhook import WebhookChannel
from bot.config import WebhookChatSettings
from bot.messages import AgentPressed, ChannelName, Inbound, Wrote
from bot.ports import Outcome, Raw


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("Anna Nowak", "Anna Nowak", id="a name"),
        pytest.param("Nguyễn Thị Mai", "Nguyễn Thị Mai", id="with diacritics"),
        pytest.param("Mai\u0302\u0301", "Mai\u0302\u0301", id="with combining marks"),
        pytest.param("محمد", "محمد", id="from right to left"),
        pytest.param("😀", "😀", id="a face"),
        pytest.param("<b>*Anna*</b> & co", "<b>*Anna*</b> & co", id="markup is for the channel to escape"),
        pytest.param("Anna\r\nScore: 5\u2028Agent: Eve\x85!", "Anna Score: 5 Agent: Eve !", id="line breaks"),
        pytest.param("\tAnna \u00a0\u3000 Nowak ", "Anna Nowak", id="white space"),
        pytest.param("An\x00na\x07 \x1b[31mred\x9b", "Anna [31mred", id="controls"),
        pytest.param("\u202eannA\u202c \u2066x\u2069 \u200e\u200f\u061cy", "annA x y", id="directions"),
        pytest.param("A\u200bn\u200cn\u200da\u2060\ufeff", "Anna", id="zero width"),
        pytest.param("A\ud800\U000e0041n\u00adna", "Anna", id="half a pair, a tag, a soft hyphen"),
        pytest.param("x" * 80, "x" * 80, id="the longest"),
        pytest.param("x" * 81, "x" * 79 + "…", id="too long"),
        pytest.param("x" * 78 + " yyyy", "x" * 78 + "…", id="cut at a space"),
        pytest.param("x" * 80 + "\u200b" * 1_000_000, "x" * 80, id="invisible at its end"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="none"),
        pytest.param(" \n\t ", None, id="blank"),
        pytest.param("\u200b\u202e\u2066", None, id="only invisible"),
        pytest.param("\u3164\u115f\u2800 \uffa0\ufe0f", None, id="only fillers"),
    ],
)
def test_name_is_one_visible_line(name: str | None, shown: str | None) -> None:
    assert shown_name(name) == shown


def test_shown_name_stays_as_it_is() -> None:
    for name in ("Anna\n" * 50, "a" * LONGEST_NAME, "\u202eMai\t\u200bTran"):
        once = shown_name(name)
        assert once is not None
        assert len(once) <= LONGEST_NAME
        assert shown_name(once) == once


HOSTILE = "Anna\n\u202eScore:\u200b 5 " + "y" * 300
SHOWN = "Anna Score: 5 " + "y" * 65 + "…"
WORDS = "so \u202eslow\n\u200b" + "w" * 300
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE = ChannelName("one")
HOOK = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def telegram_hears(name: str) -> Inbound:
    sender = {"id": 7, "first_name": name}
    message = {"chat": {"id": 7, "type": "private"}, "from": sender, "text": WORDS}
    inbound = read_update({"update_id": 1, "message": message}, Me(channel=ONE), NOON).inbound
    assert inbound is not None
    return inbound


def slack_meant(body: dict[str, Any]) -> Inbound:
    reading = read(body, b"{}", ONE, NOON)
    assert isinstance(reading, Meant)
    return reading.inbound


def slack_hears(name: str) -> Inbound:
    event = {"type": "message", "channel": "D1", "user": "U123", "text": WORDS, "user_profile": {"real_name": name}}
    return slack_meant({"type": "event_callback", "event_id": "Ev1", "event": event})


async def webhook_hears(name: str) -> Inbound:
    heard: list[Inbound] = []

    async def handle(inbound: Inbound) -> Outcome:
        heard.append(inbound)
        return Outcome()

    body = msgspec.json.encode({"type": "message", "from": {"id": "u1", "name": name}, "text": WORDS})
    headers = sign_webhook(webhook_key(HOOK), "msg_1", NOON, body)
    settings = WebhookChatSettings(name=ONE, url="https://chat.example", secrets=(HOOK,))
    async with aiohttp.ClientSession() as client:
        channel = WebhookChannel(settings, clock=lambda: NOON, session=client)
        await channel.receive(Raw(path="", headers=headers, body=body), handle)
    return heard[0]


@pytest.mark.parametrize("channel", ["Telegram", "Slack", "webhook"])
@pytest.mark.parametrize(("name", "shown"), [(HOSTILE, SHOWN), ("\u3164\u200b", None)], ids=["hostile", "invisible"])
async def test_customers_name_enters_as_one_line_and_their_words_as_they_are(
    channel: str, name: str, shown: str | None
) -> None:
    match channel:
        case "Telegram":
            inbound = telegram_hears(name)
        case "Slack":
            inbound = slack_hears(name)
        case _:
            inbound = await webhook_hears(name)
    assert isinstance(inbound, Wrote)
    assert (inbound.profile.name, inbound.text) == (shown, WORDS)


@pytest.mark.parametrize(("name", "shown"), [(HOSTILE, SHOWN), ("\u3164\u200b", "U123")], ids=["hostile", "invisible"])
def test_agents_name_enters_as_one_line(name: str, shown: str) -> None:
    action = {"type": "button", "value": "c1.0k3f9x2m7q8d4h1z.claim"}
    pressed = slack_meant({"type": "block_actions", "user": {"id": "U123", "name": name}, "actions": [action]})
    assert isinstance(pressed, AgentPressed)
    assert pressed.agent_name == shown


def test_slack_name_without_anything_visible_gives_way_to_the_next() -> None:
    profile = {"display_name": "\u200b", "real_name": "Anna"}
    event = {"type": "message", "channel": "D1", "user": "U123", "text": "Hi", "user_profile": profile}
    inbound = slack_meant({"type": "event_callback", "event_id": "Ev1", "event": event})
    assert isinstance(inbound, Wrote)
    assert inbound.profile.name == "Anna"


def test_names_of_files_are_one_line_too() -> None:
    document = {"file_id": "D1", "file_name": "bill\u202efdp\n.exe"}
    message = {"chat": {"id": 7, "type": "private"}, "from": {"id": 7}, "document": document}
    sent = read_update({"update_id": 1, "message": message}, Me(channel=ONE), NOON).inbound
    event = {"type": "message", "channel": "D1", "user": "U123", "files": [{"id": "F1", "name": "bill\u202efdp\n.exe"}]}
    shared = slack_meant({"type": "event_callback", "event_id": "Ev1", "event": event})
    for inbound in (sent, shared):
        assert isinstance(inbound, Wrote)
        assert [each.name for each in inbound.attachments] == ["billfdp .exe"]
