"""Slack's HTTP requests: forged ones have no effect, genuine ones get a 2xx once they are kept."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels.slack import SlackChannel
from bot.config import SlackSettings
from bot.errors import StoreUnavailable
from bot.messages import ChannelName, Inbound, Unread, Wrote
from bot.ports import Outcome, Raw, Reply, Said

PAYLOADS = Path(__file__).parent.parent / "payloads" / "slack"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class Intake:
    """Notes what it is handed, and answers or fails as told."""

    def __init__(self) -> None:
        self.heard: list[Inbound] = []
        self.said = Said()
        self.error: Exception | None = None

    async def __call__(self, inbound: Inbound) -> Outcome:
        if self.error is not None:
            raise self.error
        self.heard.append(inbound)
        return Outcome(said=self.said)


@pytest.fixture
def intake() -> Intake:
    return Intake()


@pytest.fixture
async def channel() -> AsyncIterator[SlackChannel]:
    one = channel_with(SECRET)
    yield one
    await one.close()


def channel_with(secret: str) -> SlackChannel:
    settings = SlackSettings(
        name=ChannelName("slack"),
        bot_token="xoxb-secret",
        signing_secret=secret,
        mode="http",
        api_url="http://127.0.0.1:9",
    )
    # a clock of another year: signatures are judged by the time of day
    return SlackChannel(settings, clock=lambda: datetime(2031, 1, 1, tzinfo=UTC))


def signature(body: bytes, timestamp: str, secret: str = SECRET) -> str:
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def signed(body: bytes, content_type: str = JSON, *, path: str = "/channels/slack/events") -> Raw:
    timestamp = str(int(time.time()))
    headers = {
        "content-type": content_type,
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": signature(body, timestamp),
    }
    return Raw(path=path, headers=headers, body=body)


def payload(name: str) -> bytes:
    return next(PAYLOADS.glob(f"{name}.*")).read_bytes().strip()


def form(name: str) -> bytes:
    return urlencode({"payload": payload(name)}).encode()


MESSAGE = payload("message_im")


def resigned(**headers: str | None) -> Raw:
    genuine = signed(MESSAGE)
    return Raw(
        path=genuine.path,
        body=genuine.body,
        headers={key: value for key, value in {**genuine.headers, **headers}.items() if value is not None},
    )


def aged(seconds: int) -> Raw:
    timestamp = str(int(time.time()) + seconds)
    return resigned(**{"x-slack-request-timestamp": timestamp, "x-slack-signature": signature(MESSAGE, timestamp)})


FORGED: dict[str, Callable[[], Raw]] = {
    "no signature": lambda: resigned(**{"x-slack-signature": None}),
    "no timestamp": lambda: resigned(**{"x-slack-request-timestamp": None}),
    "neither": lambda: Raw(path="/channels/slack/events", headers={"content-type": JSON}, body=MESSAGE),
    "a wrong signature": lambda: resigned(**{"x-slack-signature": "v0=" + "0" * 64}),
    "an empty signature": lambda: resigned(**{"x-slack-signature": ""}),
    "a signature of another version": lambda: resigned(**{"x-slack-signature": "v1=" + "0" * 64}),
    "a signature that is no ASCII": lambda: resigned(**{"x-slack-signature": "v0=ü\udc80"}),
    "another secret": lambda: resigned(**{"x-slack-signature": signature(MESSAGE, str(int(time.time())), "other")}),
    "an empty secret": lambda: resigned(**{"x-slack-signature": signature(MESSAGE, str(int(time.time())), "")}),
    "a timestamp that is no number": lambda: resigned(**{"x-slack-request-timestamp": "now"}),
    "a timestamp of other digits": lambda: resigned(**{"x-slack-request-timestamp": "²" * 10}),
    "a timestamp without end": lambda: resigned(**{"x-slack-request-timestamp": "9" * 5_000}),
    "a signature of six minutes ago": lambda: aged(-360),
    "a signature of the future": lambda: aged(360),
    "another body": lambda: Raw(path="/x", headers=signed(MESSAGE).headers, body=MESSAGE + b" "),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forgery_is_refused_and_has_no_effect(name: str, channel: SlackChannel, intake: Intake) -> None:
    assert (await channel.receive(FORGED[name](), intake)).status == 401
    assert intake.heard == []


async def test_without_a_secret_nothing_is_genuine(intake: Intake) -> None:
    keyless = channel_with("")
    timestamp = str(int(time.time()))
    raw = resigned(**{"x-slack-request-timestamp": timestamp, "x-slack-signature": signature(MESSAGE, timestamp, "")})
    assert (await keyless.receive(raw, intake)).status == 401
    assert intake.heard == []


@pytest.mark.parametrize("file", sorted(PAYLOADS.iterdir()), ids=lambda file: file.stem)
async def test_every_genuine_payload_gets_a_2xx(file: Path, channel: SlackChannel, intake: Intake) -> None:
    body = file.read_bytes().strip()
    for content_type, sent in ((JSON, body), (FORM, urlencode({"payload": body}).encode()), (FORM, body)):
        assert (await channel.receive(signed(sent, content_type), intake)).status == 200


ODD = {
    "empty": (b"", JSON),
    "broken JSON": (b'{"type": "event_callback", ', JSON),
    "JSON that is a list": (b"[1, 2]", JSON),
    "JSON that is a number": (b"7", JSON),
    "an empty object": (b"{}", JSON),
    "a form without a payload": (b"a=1&b=2", FORM),
    "a form with a broken payload": (b"payload=%7Bnope", FORM),
    "a form whose payload is a list": (b"payload=%5B1%5D", FORM),
    "no UTF-8": (b"\xff\xfe\x00payload", FORM),
    "no UTF-8 in JSON": (b'{"type":"\xff"}', JSON),
    "deep nesting": (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, JSON),
    "deep nesting that parses": (b'{"event":' * 900 + b"1" + b"}" * 900, JSON),
    "many fields": (b"a=1&" * 10_000, FORM),
    "halves of surrogate pairs": (b'{"type":"event_callback","event":{"type":"\\ud800"}}', JSON),
    "shapes that Bolt stumbles over": (payload("event_is_text"), JSON),
    "a type that is no text": (b'{"type": {"a": 1}}', JSON),
    "a megabyte of words": (orjson.dumps({"type": "x", "text": "é" * 500_000}), JSON),
}


@pytest.mark.parametrize("name", ODD)
async def test_what_nobody_understands_is_kept_aside_once(name: str, channel: SlackChannel, intake: Intake) -> None:
    body, content_type = ODD[name]
    replies = [await channel.receive(signed(body, content_type), intake) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 200]
    first, second = intake.heard
    assert isinstance(first, Unread)
    assert (first.body, first.channel) == (body, "slack")
    assert first.event == second.event


KEYS = [
    *("type", "event", "user", "team", "authorizations", "view", "channel", "actions", "enterprise", "command"),
    *("response_urls", "ssl_check", "message", "function_data", "is_ext_shared_channel", "item", "challenge"),
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())


@given(body=st.binary(max_size=200) | ANY_JSON, wrapping=st.sampled_from(["json", "payload", "form"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
async def test_no_genuine_body_ever_gets_a_5xx(
    body: bytes, wrapping: str, channel: SlackChannel, intake: Intake
) -> None:
    match wrapping:
        case "json":
            raw = signed(body)
        case "payload":
            raw = signed(urlencode({"payload": body}).encode(), FORM)
        case _:
            raw = signed(body, FORM)
    assert (await channel.receive(raw, intake)).status == 200


async def test_slacks_own_questions_are_answered_without_us(channel: SlackChannel, intake: Intake) -> None:
    challenged = await channel.receive(signed(payload("url_verification")), intake)
    assert (challenged.status, orjson.loads(challenged.body)) == (200, {"challenge": "3eZbrw1a"})
    assert challenged.headers["content-type"].startswith("application/json")
    checked = await channel.receive(signed(payload("ssl_check"), FORM), intake)
    unsigned = await channel.receive(Raw(path="/x", headers={"content-type": FORM}, body=payload("ssl_check")), intake)
    assert (checked.status, unsigned.status) == (200, 200)
    assert intake.heard == []


@pytest.mark.parametrize("path", ["events", "interactions", "commands", "anything"])
async def test_every_path_takes_everything(path: str, channel: SlackChannel, intake: Intake) -> None:
    await channel.receive(signed(MESSAGE, path=f"/channels/slack/{path}"), intake)
    await channel.receive(signed(form("press_agent"), FORM, path=f"/channels/slack/{path}"), intake)
    assert [type(one).__name__ for one in intake.heard] == ["Wrote", "AgentPressed"]


async def test_a_redelivery_carries_the_same_key(channel: SlackChannel, intake: Intake) -> None:
    for _ in range(2):
        await channel.receive(signed(MESSAGE), intake)
    first, again = intake.heard
    assert first.event == again.event == "slack:slack:event:Ev0SHOP01"


@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreUnavailable("asleep"), 503), (ValueError("too slow & rude"), 500)],
    ids=["database away", "a bug"],
)
@pytest.mark.parametrize(
    "body", [MESSAGE, payload("event_of_tomorrow"), b"{broken"], ids=["message", "unknown event", "broken JSON"]
)
async def test_what_was_not_kept_is_not_acknowledged(
    error: Exception,
    status: int,
    body: bytes,
    channel: SlackChannel,
    intake: Intake,
    caplog: pytest.LogCaptureFixture,
) -> None:
    intake.error = error
    with caplog.at_level(logging.DEBUG):
        assert (await channel.receive(signed(body), intake)).status == status
    assert type(error).__name__ in caplog.text or status == 503
    assert "rude" not in caplog.text


async def test_logs_hold_no_words_and_no_secrets(
    channel: SlackChannel, intake: Intake, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for raw in (*(forged() for forged in FORGED.values()), signed(MESSAGE), signed(payload("tokens_revoked"))):
            await channel.receive(raw, intake)
    assert "tokens_revoked" in caplog.text
    for secret in ("too slow", "xoxb-secret", SECRET, "v0="):
        assert secret not in caplog.text


COMMANDED: dict[str, tuple[Said, str]] = {
    "a survey begins": (Said(kind="asked"), "We have a short question for you."),
    "in the customer's language": (Said(kind="asked", locale="pl"), "Mamy do"),
    "no survey": (Said(kind="not_asked"), "We have no question for you at the moment."),
    "out": (Said(kind="opted_out"), "We will not ask you for feedback any more."),
    "handled before": (Said(kind="duplicate"), ""),
    "nothing to say": (Said(), ""),
}


@pytest.mark.parametrize("name", COMMANDED)
async def test_a_command_is_answered_in_its_own_response(name: str, channel: SlackChannel, intake: Intake) -> None:
    said, words = COMMANDED[name]
    intake.said = said
    reply: Reply = await channel.receive(signed(payload("command_feedback"), FORM), intake)
    assert reply.status == 200
    if not words:
        assert reply.body == b""
        return
    body: dict[str, Any] = orjson.loads(reply.body)
    assert body["response_type"] == "ephemeral"
    assert body["text"].startswith(words)
    assert body["blocks"][0]["text"]["text"].startswith(words)


async def test_the_time_of_an_event_is_our_clocks(channel: SlackChannel, intake: Intake) -> None:
    await channel.receive(signed(MESSAGE), intake)
    (wrote,) = intake.heard
    assert isinstance(wrote, Wrote)
    assert wrote.at == datetime(2031, 1, 1, tzinfo=UTC)
