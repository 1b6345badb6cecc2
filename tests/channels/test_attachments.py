"""Photos, voice notes and files arrive as a reply, with words beside them or without."""

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels.slack import SlackChannel
from bot.channels.telegram import TelegramChannel
from bot.config import SlackSettings, TelegramSettings
from bot.messages import Attachment, ChannelName, Inbound, Wrote
from bot.ports import Channel, Outcome, Raw

SECRET = "a secret of the test"
NOWHERE = "http://127.0.0.1:9"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def heard(channel: Channel, headers: dict[str, str], body: bytes) -> Inbound:
    found: list[Inbound] = []

    async def handle(inbound: Inbound) -> Outcome:
        found.append(inbound)
        return Outcome()

    reply = await channel.receive(Raw(path="", headers=headers, body=body), handle)
    await channel.close()
    assert reply.status == 200
    (inbound,) = found
    return inbound


async def telegram(number: int = 1, **content: Any) -> Inbound:
    settings = TelegramSettings(
        name=ChannelName("telegram"), token="1:a", webhook_secret=SECRET, mode="webhook", api_url=NOWHERE
    )
    channel = TelegramChannel(settings, clock=lambda: NOON, public_url=NOWHERE)
    message = {"chat": {"id": 7, "type": "private"}, "from": {"id": 7}, **content}
    body = json.dumps({"update_id": number, "message": message}).encode()
    return await heard(channel, {"x-telegram-bot-api-secret-token": SECRET}, body)


async def slack(text: str, **file: str) -> Inbound:
    settings = SlackSettings(
        name=ChannelName("slack"), bot_token="xoxb-1", signing_secret=SECRET, mode="http", api_url=NOWHERE
    )
    event = {"type": "message", "subtype": "file_share", "channel": "D1", "user": "U123", "text": text}
    event_with_file = {**event, "files": [{"id": "F1", **file}]}
    body = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": event_with_file}).encode()
    at = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={signature}"}
    headers["content-type"] = "application/json"
    return await heard(SlackChannel(settings, clock=lambda: NOON), headers, body)


PHOTO, VOICE = Attachment(kind="photo", reference="P2"), Attachment(kind="voice", reference="V1")
SIZES = [{"file_id": "P1", "width": 90}, {"file_id": "P2", "width": 800}]


@pytest.mark.parametrize(
    ("content", "text", "attachment"),
    [
        pytest.param({"photo": SIZES}, "", PHOTO, id="a photo alone"),
        pytest.param({"photo": SIZES, "caption": "broken"}, "broken", PHOTO, id="a photo with words"),
        pytest.param({"voice": {"file_id": "V1", "duration": 3}}, "", VOICE, id="a voice note"),
        pytest.param(
            {"document": {"file_id": "D1", "file_name": "bill.pdf"}},
            "",
            Attachment(kind="file", reference="D1", name="bill.pdf"),
            id="a file",
        ),
    ],
)
async def test_what_comes_in_telegram_arrives(content: dict[str, Any], text: str, attachment: Attachment) -> None:
    inbound = await telegram(**content)
    assert isinstance(inbound, Wrote)
    assert (inbound.text, inbound.attachments) == (text, (attachment,))


async def test_each_photo_of_an_album_arrives_and_names_the_album() -> None:
    first, second = [
        await telegram(number, photo=[{"file_id": f"P{number}"}], media_group_id="99") for number in (1, 2)
    ]
    assert isinstance(first, Wrote)
    assert isinstance(second, Wrote)
    assert first.event != second.event
    assert first.group == second.group != ""


@pytest.mark.parametrize(
    ("text", "mime", "kind"),
    [("", "image/jpeg", "photo"), ("broken", "image/png", "photo"), ("", "audio/mp4", "voice"), ("", "x/y", "file")],
)
async def test_what_comes_in_slack_arrives(text: str, mime: str, kind: str) -> None:
    inbound = await slack(text, mimetype=mime, name="one")
    assert isinstance(inbound, Wrote)
    assert (inbound.text, [(each.kind, each.reference, each.name) for each in inbound.attachments]) == (
        text,
        [(kind, "F1", "one")],
    )
