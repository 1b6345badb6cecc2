"""Our own web chat: commands of the widget in, lines of the log out."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest

from bot.channels.limits import Allowance, Buckets, Rate
from bot.channels.signatures import session_token
from bot.channels.webchat import LONGEST_TEXT, WebchatChannel
from bot.config import WebchatSettings
from bot.errors import SendFailed, StoreUnavailable
from bot.ids import CaseId, IncidentId
from bot.languages import say
from bot.messages import (
    Address,
    Alert,
    AlertOf,
    Button,
    Card,
    ChannelName,
    Commanded,
    Content,
    Inbound,
    IncidentOf,
    Outbound,
    OutboundKind,
    Profile,
    Remark,
    Tapped,
    Text,
    Wrote,
)
from bot.ports import Outcome, Raw, Reply, Said, SaidKind
from tests.fakes.chat_log import FakeChatLog

WEB = ChannelName("web")
SECRET = "a secret of the test"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CARD = Card(text="How was it?", buttons=((Button(label="5", token="1.0k3f9x2m7q8d4h1z.1.5"),),), low="bad", high="good")


class Desk:
    """A web chat, a recorded handle and a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON
        self.chat = FakeChatLog()
        self.channel = WebchatChannel(WebchatSettings(name=WEB, secret=SECRET), clock=lambda: self.now, chat=self.chat)
        self.heard: list[Inbound] = []
        self.said = Said()
        self.error: Exception | None = None

    async def handle(self, inbound: Inbound) -> Outcome:
        if self.error is not None:
            raise self.error
        self.heard.append(inbound)
        return Outcome(said=self.said)

    async def post(self, body: object, session: str | None = "s1", **more: Any) -> Reply:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"authorization": f"Bearer {session_token(SECRET, session)}"} if session else {}
        request = Raw(path="/channels/web", headers={**headers, **more.pop("headers", {})}, body=raw, **more)
        return await self.channel.receive(request, self.handle)

    async def send(self, content: Content, kind: OutboundKind = "post") -> str:
        address = Address(channel=WEB, key="s1")
        message = Outbound(kind=kind, to=address, lane="s1", slot="q:1", content=content)
        return (await self.channel.send(message, None)).remote


@pytest.fixture
def desk() -> Desk:
    return Desk()


def error_of(reply: Reply) -> str:
    code = msgspec.json.decode(reply.body)["error"]["code"]
    assert isinstance(code, str)
    return code


# ---- in -------------------------------------------------------------------------------------------------


async def test_opened_session_is_proven_by_its_token(desk: Desk) -> None:
    reply = await desk.post({"do": "open"}, session=None)
    opened = msgspec.json.decode(reply.body)
    assert reply.status == 201
    assert desk.channel.session(f"Bearer {opened['token']}") == opened["session"]
    other = msgspec.json.decode((await desk.post({"do": "open"}, session=None)).body)
    assert other["session"] != opened["session"]


SENDER = Address(channel=WEB, key="s1")


@pytest.mark.parametrize(
    ("body", "heard"),
    [
        pytest.param(
            {"do": "tap", "id": "m1", "token": "1.0k3f9x2m7q8d4h1z.3.10", "language": "vi"},
            Tapped(
                event="web:web:s1:m1",
                sender=SENDER,
                token="1.0k3f9x2m7q8d4h1z.3.10",
                at=NOON,
                profile=Profile(language="vi"),
            ),
            id="tap",
        ),
        pytest.param(
            {"do": "write", "id": "m2", "text": "<b>Hi</b> *you* \u202eabc", "language": "pt_BR"},
            Wrote(
                event="web:web:s1:m2",
                sender=SENDER,
                text="<b>Hi</b> *you* \u202eabc",
                at=NOON,
                profile=Profile(language="pt-BR"),
            ),
            id="words with markup and a direction mark",
        ),
        pytest.param(
            {"do": "write", "id": "m2", "text": "a\0b", "language": "<script>"},
            Wrote(event="web:web:s1:m2", sender=SENDER, text="a\ufffdb", at=NOON),
            id="words with NUL in no language",
        ),
        pytest.param(
            {"do": "write", "id": "m2", "text": "x" * LONGEST_TEXT},
            Wrote(event="web:web:s1:m2", sender=SENDER, text="x" * LONGEST_TEXT, at=NOON),
            id="the longest words are kept whole",
        ),
        pytest.param(
            {"do": "command", "id": "m3", "command": "feedback"},
            Commanded(event="web:web:s1:m3", sender=SENDER, command="feedback", at=NOON),
            id="command",
        ),
        pytest.param(
            {"do": "command", "id": "m3", "command": "start", "argument": "nps\0", "later": {"field": 1}},
            Commanded(event="web:web:s1:m3", sender=SENDER, command="start", argument="nps\ufffd", at=NOON),
            id="command with an argument, from a later release",
        ),
    ],
)
async def test_hears(desk: Desk, body: object, heard: Inbound) -> None:
    reply = await desk.post(body)
    assert (reply.status, desk.heard) == (200, [heard])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"", 400, "body", id="nothing"),
        pytest.param(b"{", 400, "body", id="half a body"),
        pytest.param(b"[" * 300_000, 400, "body", id="deep lists"),
        pytest.param(b'{"do": "tap", "x": ' + b"[" * 300_000, 400, "body", id="deep lists in an unknown field"),
        pytest.param(b'{"do": "write", "id": "a", "text": "\xff"}', 400, "body", id="no UTF-8"),
        pytest.param(b'{"do": "write", "id": "a", "text": "\\ud800"}', 400, "body", id="half a surrogate pair"),
        pytest.param({"do": "fly", "id": "a"}, 400, "body", id="unknown command"),
        pytest.param({"id": "a", "text": "Hi"}, 400, "body", id="no command"),
        pytest.param({"do": "command", "id": "a", "command": "sudo"}, 400, "body", id="unknown command name"),
        pytest.param({"do": "write", "id": "a", "text": 5}, 400, "body", id="a number for words"),
        pytest.param({"do": "write", "id": "", "text": "Hi"}, 400, "id", id="no id"),
        pytest.param({"do": "write", "id": "a:b", "text": "Hi"}, 400, "id", id="an id that could forge a key"),
        pytest.param({"do": "write", "id": "a" * 65, "text": "Hi"}, 400, "id", id="endless id"),
        pytest.param({"do": "write", "id": "a", "text": " \n "}, 400, "text", id="blank words"),
        pytest.param({"do": "write", "id": "a", "text": "x" * (LONGEST_TEXT + 1)}, 413, "text", id="too many words"),
    ],
)
async def test_refuses_without_effect(desk: Desk, body: object, status: int, code: str) -> None:
    reply = await desk.post(body)
    assert (reply.status, error_of(reply)) == (status, code)
    assert (desk.heard, desk.chat.lines) == ([], [])


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer s1", "Bearer s1.forged", f"Basic {session_token(SECRET, 's1')}", "Bearer \udcff.\udcff"],
)
async def test_unknown_session_is_401_without_effect(desk: Desk, authorization: str) -> None:
    headers = {"authorization": authorization}
    reply = await desk.post({"do": "write", "id": "a", "text": "Hi"}, session=None, headers=headers)
    assert (reply.status, error_of(reply), desk.heard, desk.chat.lines) == (401, "session", [], [])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_method_is_405(desk: Desk, method: str) -> None:
    assert (await desk.post({"do": "open"}, method=method)).status == 405


async def test_words_stand_in_the_log_before_they_are_handled(desk: Desk) -> None:
    desk.error = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        await desk.post({"do": "write", "id": "m1", "text": "Hi", "language": "vi"})
    (line,) = desk.chat.of("s1")
    assert (line.author, line.slot, line.content) == ("customer", "customer/m1", Text(text="Hi", locale="vi"))


async def test_retry_has_the_same_event_and_no_line_of_its_own(desk: Desk) -> None:
    for _ in range(2):
        await desk.post({"do": "write", "id": "m1", "text": "Hi"})
    assert len({inbound.event for inbound in desk.heard if isinstance(inbound, Wrote)}) == 1
    assert [line.slot for line in desk.chat.of("s1")] == ["customer/m1"]


async def test_reused_id_with_other_words_changes_nothing(desk: Desk) -> None:
    await desk.post({"do": "write", "id": "m1", "text": "Hi"})
    desk.said = Said(kind="duplicate")
    reply = await desk.post({"do": "write", "id": "m1", "text": "I never said Hi"})
    assert (reply.status, msgspec.json.decode(reply.body)["said"]) == (200, "duplicate")
    assert [line.content for line in desk.chat.of("s1")] == [Text(text="Hi")]
    await desk.post({"do": "write", "id": "m1", "text": "Hi from another"}, session="s2")
    assert [line.content for line in desk.chat.of("s2")] == [Text(text="Hi from another")]


async def test_tap_leaves_its_card_to_show_it(desk: Desk) -> None:
    await desk.post({"do": "tap", "id": "m1", "token": "1.0k3f9x2m7q8d4h1z.3.10"})
    assert desk.chat.of("s1") == []


@pytest.mark.parametrize(
    ("said", "notice"),
    [
        (Said(), ""),
        (Said(kind="taken", text="9"), ""),
        (Said(kind="choose_more", text="2"), "Please choose at least 2."),
        (Said(kind="already_counted", locale="vi"), "Câu trả lời của quý khách đã được ghi nhận trước đó."),
        (Said(kind="opted_out"), ""),
        (Said(kind="declined"), ""),
        (Said(kind="unknown_button", locale="xx"), "This button does not work any more."),
    ],
)
async def test_words_the_reply(desk: Desk, said: Said, notice: str) -> None:
    desk.said = said
    answer = msgspec.json.decode((await desk.post({"do": "write", "id": "m1", "text": "Hi"})).body)
    assert answer["said"] == said.kind
    assert answer["notice"].startswith(notice) if notice else answer["notice"] == ""


@pytest.mark.parametrize("kind", get_args(SaidKind))
async def test_has_an_answer_for_whatever_was_said(desk: Desk, kind: SaidKind) -> None:
    desk.said = Said(kind=kind, text="1")
    assert (await desk.post({"do": "write", "id": "m1", "text": "Hi"})).status == 200


# ---- limits -----------------------------------------------------------------------------------------------


async def test_flood_of_one_session_is_slowed_down_and_nobody_else(desk: Desk) -> None:
    replies = [await desk.post({"do": "write", "id": f"m{n}", "text": "Hi"}) for n in range(21)]
    assert [reply.status for reply in replies] == [200] * 20 + [429]
    assert replies[-1].headers["Retry-After"] == "2"
    assert (await desk.post({"do": "write", "id": "m1", "text": "Hi"}, session="s2")).status == 200
    desk.now += timedelta(seconds=1)
    assert (await desk.post({"do": "write", "id": "m99", "text": "Hi"})).status == 200


async def test_one_address_opens_only_so_many_sessions(desk: Desk) -> None:
    replies = [await desk.post({"do": "open"}, session=None, remote="203.0.113.9") for _ in range(11)]
    assert [reply.status for reply in replies] == [201] * 10 + [429]
    assert (error_of(replies[-1]), replies[-1].headers["Retry-After"]) == ("too_often", "60")
    assert (await desk.post({"do": "open"}, session=None, remote="203.0.113.10")).status == 201
    desk.now += timedelta(minutes=1)
    again = [await desk.post({"do": "open"}, session=None, remote="203.0.113.9") for _ in range(2)]
    assert [reply.status for reply in again] == [201, 429]


async def test_network_of_one_ipv6_visitor_counts_as_one_address(desk: Desk) -> None:
    replies = [await desk.post({"do": "open"}, session=None, remote=f"2001:db8:0:7:{n:x}::1") for n in range(11)]
    assert [reply.status for reply in replies] == [201] * 10 + [429]
    assert (await desk.post({"do": "open"}, session=None, remote="2001:db8:0:8::1")).status == 201


STARTS: list[dict[str, str]] = [
    {"do": "command", "command": "feedback"},
    {"do": "command", "command": "start", "argument": "delivery_nps"},
    {"do": "write", "text": "Feedback!"},
    {"do": "write", "text": "góp ý"},
    {"do": "write", "text": " /feedback"},
]


@pytest.mark.parametrize("start", STARTS, ids=[" ".join(each.values()) for each in STARTS])
async def test_one_session_starts_only_so_many_surveys_in_an_hour(desk: Desk, start: dict[str, str]) -> None:
    desk.said = Said(kind="asked")
    replies = [await desk.post({**start, "id": f"m{n}", "language": "vi"}) for n in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert (error_of(replies[-1]), replies[-1].headers["Retry-After"]) == ("too_often", "1200")
    assert msgspec.json.decode(replies[-1].body)["error"]["message"] == say("vi", "widget.too_often")
    assert len(desk.heard) == 3
    assert len(desk.chat.lines) == (3 if start["do"] == "write" else 0)
    desk.now += timedelta(minutes=20)
    assert (await desk.post({**start, "id": "m9"})).status == 200


async def test_ten_sessions_of_one_address_cannot_flood_the_agents(desk: Desk) -> None:
    desk.said = Said(kind="asked")
    feedback = {"do": "command", "command": "feedback"}
    for session in range(10):
        for n in range(6):
            await desk.post({**feedback, "id": f"m{n}"}, session=f"s{session}", remote="203.0.113.9")
    assert len(desk.heard) == 10
    assert (await desk.post({**feedback, "id": "m1"}, session="s77", remote="203.0.113.10")).status == 200


async def test_only_a_survey_that_was_started_counts(desk: Desk) -> None:
    feedback = {"do": "command", "command": "feedback"}
    for said in (Said(kind="duplicate"), Said(kind="nothing"), Said(kind="opted_in")):
        desk.said = said
        for n in range(3):
            assert (await desk.post({**feedback, "id": f"m{n}"})).status == 200
    desk.error = StoreUnavailable("away")
    for n in range(3):
        with pytest.raises(StoreUnavailable):
            await desk.post({**feedback, "id": f"m{n}"})
    desk.error, desk.said = None, Said(kind="asked")
    assert (await desk.post({**feedback, "id": "m9"})).status == 200


async def test_who_may_start_no_more_surveys_can_still_answer_and_stop(desk: Desk) -> None:
    desk.said = Said(kind="asked")
    for n in range(4):
        await desk.post({"do": "command", "id": f"m{n}", "command": "feedback"})
    for body in (
        {"do": "tap", "token": "1.0k3f9x2m7q8d4h1z.3.10"},
        {"do": "write", "text": "My feedback: too slow"},
        {"do": "command", "command": "stop"},
    ):
        assert (await desk.post({**body, "id": "m9"})).status == 200


async def test_one_address_writes_only_so_many_bytes(desk: Desk) -> None:
    def words(n: int) -> dict[str, str]:
        return {"do": "write", "id": f"m{n}", "text": "é" * LONGEST_TEXT}

    replies = [await desk.post(words(n), session=f"s{n}", remote="203.0.113.9") for n in range(8)]
    assert [reply.status for reply in replies] == [200] * 7 + [429]
    assert (error_of(replies[-1]), len(desk.heard)) == ("too_often", 7)
    assert int(replies[-1].headers["Retry-After"]) <= 600
    assert (await desk.post(words(9), session="s9", remote="203.0.113.10")).status == 200
    desk.now += timedelta(minutes=10)
    assert (await desk.post(words(9), session="s9", remote="203.0.113.9")).status == 200


async def test_allowance_can_be_made_larger(desk: Desk) -> None:
    settings = WebchatSettings(name=WEB, secret=SECRET)
    plenty = Allowance(sessions=Rate(burst=50, per_second=1.0))
    desk.channel = WebchatChannel(settings, clock=lambda: desk.now, chat=desk.chat, allowance=plenty)
    replies = [await desk.post({"do": "open"}, session=None, remote="203.0.113.9") for _ in range(51)]
    assert [reply.status for reply in replies] == [201] * 50 + [429]


def test_buckets_forget_the_least_used_and_survive_a_clock_set_back() -> None:
    buckets = Buckets(Rate(burst=1, per_second=1.0), most=2)
    assert [buckets.wait(key, NOON) for key in "aba"] == [0.0, 0.0, 1.0]
    assert buckets.wait("c", NOON) == 0.0  # drops b, the least used
    assert buckets.wait("b", NOON) == 0.0
    assert buckets.wait("b", NOON - timedelta(hours=1)) == 1.0


def test_bucket_takes_what_was_given_back() -> None:
    buckets = Buckets(Rate(burst=2, per_second=0.5))
    assert [buckets.wait("a", NOON) for _ in range(3)] == [0.0, 0.0, 2.0]
    buckets.give_back("a")
    assert [buckets.wait("a", NOON) for _ in range(2)] == [0.0, 2.0]
    for _ in range(9):
        buckets.give_back("a")
    buckets.give_back("never seen")
    assert [buckets.wait("a", NOON, 2), buckets.wait("a", NOON)] == [0.0, 2.0]


def test_more_than_a_bucket_holds_empties_it() -> None:
    buckets = Buckets(Rate(burst=100, per_second=1.0))
    assert [buckets.wait("a", NOON, 1_000), buckets.wait("a", NOON, 1_000)] == [0.0, 100.0]


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        pytest.param(("*",), "https://any.example", "*", id="any page"),
        pytest.param(("https://shop.example",), "https://shop.example", "https://shop.example", id="the page"),
        pytest.param(("https://Shop.example/",), "https://shop.example", "https://shop.example", id="a slash more"),
        pytest.param(("https://shop.example",), "https://shop.example.evil", None, id="a longer name"),
        pytest.param(("https://shop.example",), "http://shop.example", None, id="without TLS"),
        pytest.param(("https://shop.example",), "null", None, id="a sandboxed frame"),
    ],
)
def test_says_which_page_may_embed_it(origins: tuple[str, ...], origin: str, allowed: str | None) -> None:
    settings = WebchatSettings(name=WEB, secret=SECRET, origins=origins)
    cors = WebchatChannel(settings, clock=lambda: NOON, chat=FakeChatLog()).cors(origin)
    assert (cors and cors["Access-Control-Allow-Origin"]) == allowed


# ---- out --------------------------------------------------------------------------------------------------


async def test_edit_keeps_the_slot_of_its_post(desk: Desk) -> None:
    assert await desk.send(CARD) == "q:1"
    edited = msgspec.structs.replace(CARD, chosen="5", buttons=())
    assert await desk.send(edited, "edit") == "q:1"
    lines = desk.chat.of("s1")
    assert [(line.author, line.slot, line.content) for line in lines] == [("us", "q:1", CARD), ("us", "q:1", edited)]


@pytest.mark.parametrize(
    "content",
    [
        AlertOf(case=CaseId("c")),
        Alert(case=CaseId("c"), summary="", facts=(), quotes=(), history=(), buttons=()),
        IncidentOf(incident=IncidentId("i")),
        Remark(text="Nobody has spoken with Lan", author="Anna"),
    ],
)
async def test_shows_nothing_of_the_desk(desk: Desk, content: Content) -> None:
    with pytest.raises(SendFailed) as failed:
        await desk.send(content)
    assert not failed.value.retryable
    assert desk.chat.of("s1") == []


async def test_an_agents_words_stand_there_as_a_message_of_the_company(desk: Desk) -> None:
    address = Address(channel=WEB, key="s1")
    words = Text(text="We are sorry. Which order was it?")
    relay = Outbound(kind="relay", to=address, lane="s1", slot="relay:c:1", content=words, thread="alert:c")
    await desk.channel.send(relay, None, thread="C7:1700.1")
    (line,) = desk.chat.of("s1")
    assert (line.author, line.slot, line.content) == ("us", "relay:c:1", words)


@pytest.mark.parametrize("kind", ["done", "form", "claimed", "not_owner", "unreachable", "text_only", "fixed"])
async def test_what_agents_are_told_is_no_notice_for_a_customer(desk: Desk, kind: SaidKind) -> None:
    desk.said = Said(kind=kind, text="Anna")
    reply = await desk.post({"do": "tap", "id": "m1", "token": "r1.0k3f9x2m7q8d4h1z.1.yes"})
    assert msgspec.json.decode(reply.body) == {"said": kind, "notice": ""}


async def test_database_away_is_worth_another_attempt(desk: Desk) -> None:
    desk.chat.broken = True
    with pytest.raises(SendFailed) as failed:
        await desk.send(CARD)
    assert (failed.value.retryable, failed.value.recipient_gone) == (True, False)
