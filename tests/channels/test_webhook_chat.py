"""Other people's chat windows: signed webhooks in and out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import aiohttp
import msgspec
import pytest
from aiohttp import web

from bot.channels.signatures import refuse_webhook, sign_webhook, webhook_key
from bot.channels.webhook import LARGEST_BODY, WebhookChannel
from bot.config import WebhookChatSettings
from bot.errors import ConfigError, SendFailed
from bot.ids import CaseId, IncidentId
from bot.messages import (
    Address,
    AlertOf,
    Button,
    Card,
    ChannelName,
    Commanded,
    Content,
    Inbound,
    IncidentOf,
    Left,
    Link,
    Outbound,
    OutboundKind,
    Profile,
    Remark,
    Returned,
    Tapped,
    Text,
    Unread,
    Wrote,
)
from bot.ports import Outcome, Raw, Reply, Said, SaidKind

SHOP = ChannelName("shop")
SECRET, OLD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
KEY = webhook_key(SECRET)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENDER = Address(channel=SHOP, key="u1")
CARD = Card(
    text="How was it?",
    buttons=tuple((Button(label=str(score), token=f"1.0k3f9x2m7q8d4h1z.1.{score}"),) for score in (1, 2)),
    low="bad",
    high="good",
    hint="Type a number.",
    locale="vi",
)


class Other:
    """The other side: a receiver with one answer, and what it got."""

    def __init__(self) -> None:
        self.requests: list[tuple[Mapping[str, str], bytes]] = []
        self.answer: Callable[[], web.StreamResponse] = lambda: web.Response(status=204)
        self.delay = 0.0
        self.reset = False

    async def receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, body))
        await asyncio.sleep(self.delay)
        if self.reset:
            assert request.transport is not None
            request.transport.abort()
        return self.answer()

    def messages(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(body) for _, body in self.requests]


class Pair:
    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url, self.session = url, session
        self.heard: list[Inbound] = []
        self.said = Said()
        self.channel = self.built()

    def built(self, timeout: float = 5.0, **changes: Any) -> WebhookChannel:
        settings = WebhookChatSettings(name=SHOP, url=self.url, secrets=(SECRET, OLD_SECRET))
        settings = msgspec.structs.replace(settings, **changes)
        return WebhookChannel(settings, clock=lambda: NOON, session=self.session, timeout=timeout)

    async def handle(self, inbound: Inbound) -> Outcome:
        self.heard.append(inbound)
        return Outcome(said=self.said)

    async def post(
        self, body: object, *, key: bytes = KEY, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> Reply:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        signed = {**sign_webhook(key, "msg_1", NOON, raw), **(headers or {})}
        request = Raw(path="/channels/shop", headers=signed, body=raw, method=method)
        return await self.channel.receive(request, self.handle)


@pytest.fixture
def other() -> Other:
    return Other()


@pytest.fixture
async def pair(other: Other) -> AsyncIterator[Pair]:
    app = web.Application()
    app.router.add_post("/chat", other.receive)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        yield Pair(f"http://127.0.0.1:{runner.addresses[0][1]}/chat", session)
    await runner.cleanup()


def outbound(content: Content, kind: OutboundKind = "post", slot: str = "q:1") -> Outbound:
    return Outbound(kind=kind, to=SENDER, lane="u1", slot=slot, content=content)


# ---- in -------------------------------------------------------------------------------------------------

EVENT = "webhook:shop:msg_1"


@pytest.mark.parametrize(
    ("body", "heard"),
    [
        pytest.param(
            {"type": "message", "from": {"id": "u1", "name": "Lan", "language": "vi"}, "text": "<b>*Hi*</b>\0"},
            Wrote(
                event=EVENT,
                sender=SENDER,
                text="<b>*Hi*</b>\ufffd",
                at=NOON,
                profile=Profile(name="Lan", language="vi"),
            ),
            id="message",
        ),
        pytest.param(
            {"type": "message", "from": {"id": 7, "shoe_size": 38}, "text": "Hi", "mood": "?"},
            Wrote(event=EVENT, sender=Address(channel=SHOP, key="7"), text="Hi", at=NOON),
            id="a number for an id, and fields that we do not know",
        ),
        pytest.param(
            {"type": "message", "from": {"id": "u1"}, "text": "x" * 70_000},
            Wrote(event=EVENT, sender=SENDER, text="x" * 65_536, at=NOON),
            id="a message longer than we keep",
        ),
        pytest.param(
            {"type": "tap", "from": {"id": "u1"}, "token": "1.0k3f9x2m7q8d4h1z.3.10"},
            Tapped(event=EVENT, sender=SENDER, token="1.0k3f9x2m7q8d4h1z.3.10", at=NOON),
            id="tap",
        ),
        pytest.param(
            {"type": "command", "from": {"id": "u1"}, "command": "start", "argument": "nps"},
            Commanded(event=EVENT, sender=SENDER, command="start", argument="nps", at=NOON),
            id="command",
        ),
        pytest.param({"type": "left", "from": {"id": "u1"}}, Left(event=EVENT, sender=SENDER, at=NOON), id="left"),
        pytest.param(
            {"type": "returned", "from": {"id": "u1"}}, Returned(event=EVENT, sender=SENDER, at=NOON), id="returned"
        ),
    ],
)
async def test_hears(pair: Pair, body: object, heard: Inbound) -> None:
    reply = await pair.post(body)
    assert (reply.status, pair.heard) == (200, [heard])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"type": "sticker", "from": {"id": "u1"}}, id="unknown type"),
        pytest.param({"type": "command", "from": {"id": "u1"}, "command": "sudo"}, id="unknown command"),
        pytest.param({"type": "message", "from": {"id": "u1"}, "text": " "}, id="message without words"),
        pytest.param({"type": "tap", "from": {"id": "u1"}}, id="tap without token"),
        pytest.param({"type": "message", "text": "Hi"}, id="from nobody"),
        pytest.param({"type": "message", "from": {"id": ""}, "text": "Hi"}, id="from an empty id"),
        pytest.param({"type": "message", "from": {"id": "x" * 257}, "text": "Hi"}, id="from an endless id"),
        pytest.param({"type": "message", "from": {"id": None}, "text": "Hi"}, id="from null"),
        pytest.param([], id="a list"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half a body"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b'{"x": ' + b"[" * 300_000, id="deep lists"),
        pytest.param(b'{"type": "message", "from": {"id": "\\ud800"}, "text": "Hi"}', id="half a surrogate pair"),
    ],
)
async def test_keeps_aside_what_is_signed_and_not_understood(pair: Pair, body: object) -> None:
    reply = await pair.post(body)
    (heard,) = pair.heard
    assert reply.status == 200
    assert isinstance(heard, Unread)
    assert (heard.event, heard.channel) == (EVENT, SHOP)
    assert heard.body == (body if isinstance(body, bytes) else msgspec.json.encode(body))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({"webhook-signature": "v1,forged"}, "signature", id="forged"),
        pytest.param({"webhook-id": "msg_2"}, "signature", id="another id"),
        pytest.param({"webhook-timestamp": str(int(NOON.timestamp()) - 301)}, "timestamp", id="replayed later"),
        pytest.param({"webhook-signature": ""}, "headers", id="unsigned"),
    ],
)
async def test_refuses_without_effect(pair: Pair, headers: dict[str, str], code: str) -> None:
    reply = await pair.post({"type": "message", "from": {"id": "u1"}, "text": "Hi"}, headers=headers)
    assert (reply.status, msgspec.json.decode(reply.body)["error"]["code"], pair.heard) == (401, code, [])


async def test_a_secret_that_is_being_replaced_still_counts(pair: Pair) -> None:
    assert (await pair.post({"type": "left", "from": {"id": "u1"}}, key=webhook_key(OLD_SECRET))).status == 200


async def test_only_post(pair: Pair) -> None:
    assert (await pair.post(b"", method="GET")).status == 405


async def test_words_the_reply(pair: Pair) -> None:
    pair.said = Said(kind="choose_more", text="2", locale="it")
    reply = await pair.post({"type": "tap", "from": {"id": "u1"}, "token": "x"})
    assert msgspec.json.decode(reply.body) == {
        "said": "choose_more",
        "notice": "La preghiamo di sceglierne almeno 2.",
    }


@pytest.mark.parametrize("kind", get_args(SaidKind))
async def test_has_an_answer_for_whatever_was_said(pair: Pair, kind: SaidKind) -> None:
    pair.said = Said(kind=kind, text="1")
    assert (await pair.post({"type": "left", "from": {"id": "u1"}})).status == 200


# ---- out --------------------------------------------------------------------------------------------------


async def test_sends_a_card_signed_with_the_first_secret(pair: Pair, other: Other) -> None:
    receipt = await pair.channel.send(outbound(CARD), None)
    ((headers, body),) = other.requests
    assert receipt.remote == "q:1"
    assert refuse_webhook([KEY], headers, body, NOON) is None
    assert headers["content-type"] == "application/json"
    assert other.messages() == [
        {
            "type": "message",
            "kind": "post",
            "to": {"id": "u1"},
            "slot": "q:1",
            "content": "card",
            "text": "How was it?",
            "buttons": [
                [{"label": "1", "token": "1.0k3f9x2m7q8d4h1z.1.1", "selected": False}],
                [{"label": "2", "token": "1.0k3f9x2m7q8d4h1z.1.2", "selected": False}],
            ],
            "chosen": None,
            "hint": "Type a number.",
            "low": "bad",
            "high": "good",
            "typing": True,
            "decline": [],
            "locale": "vi",
            "links": [],
            "plain": other.messages()[0]["plain"],
        }
    ]
    assert "How was it?" in other.messages()[0]["plain"]
    assert "1 = bad" in other.messages()[0]["plain"]


async def test_what_says_no_to_a_survey_is_a_field_of_its_own(pair: Pair, other: Other) -> None:
    no = Button(label="Để lần khác", token="1.0k3f9x2m7q8d4h1z.1.~decline")
    await pair.channel.send(outbound(msgspec.structs.replace(CARD, decline=(no,))), None)
    (message,) = other.messages()
    assert message["decline"] == [{"label": no.label, "token": no.token, "selected": False}]
    assert "ĐỂ LẦN KHÁC" in message["plain"]
    assert no.token not in str(message["buttons"])


async def test_retry_keeps_the_id_and_a_change_gets_another(pair: Pair, other: Other) -> None:
    edited = msgspec.structs.replace(CARD, chosen="2", buttons=())
    for message in (outbound(CARD), outbound(CARD), outbound(edited, "edit"), outbound(CARD, slot="q:2")):
        await pair.channel.send(message, None)
    ids = [headers["webhook-id"] for headers, _ in other.requests]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


async def test_window_without_buttons_gets_words(pair: Pair, other: Other) -> None:
    channel = pair.built(buttons=False)
    await channel.send(outbound(CARD), None)
    (message,) = other.messages()
    assert (message["content"], message["buttons"]) == ("text", [])
    assert message["text"] == message["plain"]
    assert "1 = bad" in message["text"]
    assert channel.limits.buttons == 0


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        pytest.param(msgspec.structs.replace(CARD, chosen="2"), [], id="an answered card stays as it was"),
        pytest.param(msgspec.structs.replace(CARD, buttons=()), [], id="a closed card stays as it was"),
        pytest.param(CARD, ["post"], id="a question that is open again is said again"),
        pytest.param(Text(text="Hi"), [], id="changed words stay as they were"),
    ],
)
async def test_window_that_cannot_change_a_message(
    pair: Pair, other: Other, content: Content, kinds: list[str]
) -> None:
    receipt = await pair.built(edits=False).send(outbound(content, "edit"), "q:1")
    assert receipt.remote == "q:1"
    assert [message["kind"] for message in other.messages()] == kinds


@pytest.mark.parametrize(
    ("buttons", "text", "links"),
    [
        pytest.param(True, "Thanks!", [{"label": "Review", "url": "https://g.example/r"}], id="a window with buttons"),
        pytest.param(False, "Thanks!\n\nReview: https://g.example/r", [], id="a window without"),
    ],
)
async def test_links_under_a_text(pair: Pair, other: Other, buttons: bool, text: str, links: list[object]) -> None:
    thanks = Text(text="Thanks!", links=(Link(label="Review", url="https://g.example/r"),))
    await pair.built(buttons=buttons).send(outbound(thanks), None)
    (message,) = other.messages()
    assert (message["text"], message["links"]) == (text, links)
    assert message["plain"] == "Thanks!\n\nReview: https://g.example/r"


@pytest.mark.parametrize("letter", ["x", "đ", "😡", "\x01", '"'])
async def test_body_stays_under_20_kb(pair: Pair, other: Other, letter: str) -> None:
    await pair.channel.send(outbound(Text(text=letter * 65_536), "relay"), None)
    await pair.channel.send(outbound(msgspec.structs.replace(CARD, text=letter * 65_536)), None)
    assert all(LARGEST_BODY // 3 < len(body) < LARGEST_BODY for _, body in other.requests)
    assert all(message["text"].startswith(letter * 500) for message in other.messages())
    assert all(message["text"].endswith("…") for message in other.messages())


@pytest.mark.parametrize(
    "content", [AlertOf(case=CaseId("c")), IncidentOf(incident=IncidentId("i")), Remark(text="words", author="Anna")]
)
async def test_shows_nothing_of_the_desk(pair: Pair, other: Other, content: Content) -> None:
    with pytest.raises(SendFailed) as failed:
        await pair.channel.send(outbound(content), None)
    assert not failed.value.retryable
    assert other.requests == []


async def test_the_receiver_is_told_that_an_agent_says_this(pair: Pair, other: Other) -> None:
    words = Text(text="We are sorry. Which order was it?")
    await pair.channel.send(outbound(words, "relay"), None, thread="C7:1700.1")
    (message,) = other.messages()
    assert (message["kind"], message["content"], message["text"]) == ("relay", "text", words.text)
    assert "thread" not in message


def failing(status: int, body: str = "", **headers: str) -> Callable[[], web.StreamResponse]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: web.Response(status=status, text=body, headers=named)


RETRY = {"retryable": True}
GIVE_UP = {"retryable": False}
WHOLE = {"whole_channel": True}
MAYBE = {"maybe_delivered": True}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(failing(302, Location="/elsewhere"), RETRY | WHOLE, id="a redirect is a failure"),
        pytest.param(failing(400), GIVE_UP, id="refused"),
        pytest.param(failing(401), RETRY | WHOLE, id="wrong secret"),
        pytest.param(failing(404), RETRY | WHOLE, id="wrong address"),
        pytest.param(failing(410), GIVE_UP | WHOLE, id="endpoint gone"),
        pytest.param(failing(422, '{"gone": true}'), GIVE_UP | {"recipient_gone": True}, id="person gone"),
        pytest.param(failing(404, '{"gone": true}'), GIVE_UP | {"recipient_gone": True}, id="person gone, by 404"),
        pytest.param(failing(422, "[" * 5000), GIVE_UP, id="refused with nonsense"),
        pytest.param(failing(408), RETRY, id="too slow for them"),
        pytest.param(failing(429, Retry_After="30"), RETRY | WHOLE | {"retry_after": 30.0}, id="told to wait"),
        pytest.param(
            failing(503, Retry_After="Sun, 01 Mar 2026 12:02:00 GMT"),
            RETRY | WHOLE | {"retry_after": 120.0},
            id="told to wait until a time",
        ),
        pytest.param(
            failing(503, Retry_After="Sun, 01 Mar 2026 11:00:00 GMT"),
            RETRY | WHOLE | {"retry_after": 0.0},
            id="until past",
        ),
        pytest.param(failing(429, Retry_After="9" * 40), RETRY | WHOLE | {"retry_after": 86_400.0}, id="for ever"),
        pytest.param(failing(503, Retry_After="soon"), RETRY | WHOLE, id="told nonsense"),
        pytest.param(failing(500, "secret words"), RETRY | MAYBE, id="broken"),
        pytest.param(failing(502), RETRY | MAYBE, id="broken behind a proxy"),
    ],
)
async def test_failure(
    pair: Pair, other: Other, answer: Callable[[], web.StreamResponse], expected: dict[str, object]
) -> None:
    other.answer = answer
    with pytest.raises(SendFailed) as caught:
        await pair.channel.send(outbound(CARD), None)
    failed = caught.value
    none = {"retry_after": None, "recipient_gone": False, "maybe_delivered": False, "whole_channel": False}
    assert {name: getattr(failed, name) for name in ("retryable", *none)} == none | expected
    assert "secret" not in failed.reason
    assert len(other.requests) == 1


async def test_no_answer_in_time_may_have_arrived(pair: Pair, other: Other) -> None:
    other.delay = 5.0
    with pytest.raises(SendFailed) as caught:
        await pair.built(timeout=0.05).send(outbound(CARD), None)
    assert (caught.value.retryable, caught.value.maybe_delivered) == (True, True)


async def test_connection_reset_after_sending_may_have_arrived(pair: Pair, other: Other) -> None:
    other.reset = True
    with pytest.raises(SendFailed) as caught:
        await pair.channel.send(outbound(CARD), None)
    assert (caught.value.retryable, caught.value.maybe_delivered, caught.value.whole_channel) == (True, True, False)


async def test_nobody_listening_was_not_delivered(pair: Pair, unused_tcp_port: int) -> None:
    with pytest.raises(SendFailed) as caught:
        await pair.built(url=f"http://127.0.0.1:{unused_tcp_port}/").send(outbound(CARD), None)
    assert (caught.value.retryable, caught.value.maybe_delivered, caught.value.whole_channel) == (True, False, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "ftp://chat.example/"},
        {"url": "chat.example/in"},
        {"url": "https:///in"},
        {"url": "https://user:password@chat.example/"},
        {"url": "https://[broken/"},
        {"secrets": ()},
        {"secrets": ("not base64!",)},
        {"secrets": (SECRET, "whsec_c2hvcnQ=")},
    ],
)
async def test_refuses_settings(pair: Pair, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="channel shop"):
        pair.built(**changes)
