"""The live stream of a web-chat session over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest

from bot.channels.signatures import session_token
from bot.messages import Text
from bot.web.events import MOST_STREAMS
from tests.web.scripted_site import WEB, Parts, faces, now, serving


class Reader:
    """Reads a stream's blocks one by one."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def block(self) -> str:
        async with asyncio.timeout(20):
            return (await self.answer.content.readuntil(b"\n\n")).decode().rstrip("\n")

    async def line(self) -> tuple[int, Any]:
        """The next line of the log: its id and data; comments are passed over."""
        while (block := await self.block()).startswith(":"):
            pass
        id, data = block.split("\n")
        return int(id.removeprefix("id: ")), msgspec.json.decode(data.removeprefix("data: "))

    async def ends(self) -> bool:
        async with asyncio.timeout(20):
            return not (await self.answer.content.read()).strip(b": beat\n")


class Visitor:
    def __init__(self, session: aiohttp.ClientSession, port: int, parts: Parts) -> None:
        self.session, self.port, self.parts = session, port, parts
        self.token = session_token(parts.bot.channel.settings.secret, "s1")

    @asynccontextmanager
    async def listen(self, query: str = "", **headers: str) -> AsyncIterator[Reader]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        bearer = {"Authorization": f"Bearer {self.token}", **named}
        url = f"http://127.0.0.1:{self.port}/channels/web/events{query}"
        async with self.session.get(url, headers=bearer) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/event-stream"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["X-Accel-Buffering"] == "no"
            yield Reader(answer)

    async def append(self, *texts: str, session: str = "s1") -> None:
        for text in texts:
            await self.parts.chat.append(WEB, session, "us", text, Text(text=text), now())


@pytest.fixture
def parts() -> Parts:
    return Parts(heartbeat=0.05)


@pytest.fixture
async def visitor(parts: Parts) -> AsyncIterator[Visitor]:
    async with serving(parts.application()) as port, aiohttp.ClientSession() as session:
        yield Visitor(session, port, parts)


async def test_begins_with_a_sign_of_life_and_the_whole_log(visitor: Visitor) -> None:
    await visitor.append("one", "two")
    async with visitor.listen() as reader:
        assert await reader.block() == ": welcome"
        assert [(await reader.line())[1]["content"]["text"] for _ in range(2)] == ["one", "two"]


async def test_shows_what_is_said_while_it_is_open(visitor: Visitor) -> None:
    async with visitor.listen() as reader:
        await reader.block()
        await visitor.parts.bot.say("s1", "rating", faces(1))
        id, data = await reader.line()
        assert (id, data["author"], data["slot"]) == (1, "us", "rating")
        assert data["content"] == msgspec.json.decode(msgspec.json.encode(faces(1)))


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("", {"Last_Event_ID": "2"}, "three"),
        ("?after=2", {}, "three"),
        ("?after=0", {"Last_Event_ID": "2"}, "three"),
        ("", {"Last_Event_ID": "nonsense"}, "one"),
        ("", {"Last_Event_ID": "-1"}, "one"),
        ("?after=٣", {}, "one"),
    ],
)
async def test_catches_up_from_what_the_browser_has(
    visitor: Visitor, query: str, headers: dict[str, str], expected: str
) -> None:
    await visitor.append("one", "two", "three")
    async with visitor.listen(query, **headers) as reader:
        assert (await reader.line())[1]["content"]["text"] == expected


async def test_catches_up_over_a_long_log(visitor: Visitor) -> None:
    await visitor.append(*(str(number) for number in range(450)))
    async with visitor.listen() as reader:
        assert [(await reader.line())[0] for _ in range(450)] == list(range(1, 451))
        await visitor.append("news")
        assert (await reader.line())[0] == 451


async def test_gives_signs_of_life_while_nothing_happens(visitor: Visitor) -> None:
    async with visitor.listen() as reader:
        assert [await reader.block() for _ in range(3)] == [": welcome", ": beat", ": beat"]


async def test_shows_nothing_of_others(visitor: Visitor) -> None:
    await visitor.append("not for you", session="s2")
    await visitor.parts.chat.append(visitor.parts.echo.name, "s1", "us", "x", Text(text="another channel"), now())
    await visitor.append("for you")
    async with visitor.listen() as reader:
        assert (await reader.line())[1]["content"]["text"] == "for you"


async def test_words_with_line_breaks_stay_one_event(visitor: Visitor) -> None:
    await visitor.append("one\n\ndata: two\r\n\u2028three", "four")
    async with visitor.listen() as reader:
        assert (await reader.line())[1]["content"]["text"] == "one\n\ndata: two\r\n\u2028three"
        assert (await reader.line())[1]["content"]["text"] == "four"


@pytest.mark.parametrize("token", ["", "s1", "s1.forged"])
async def test_forged_session_is_401(visitor: Visitor, token: str) -> None:
    url = f"http://127.0.0.1:{visitor.port}/channels/web/events?session={token}"
    async with visitor.session.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 401
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_ends_when_the_server_stops(parts: Parts) -> None:
    async with aiohttp.ClientSession() as session:
        async with serving(parts.application()) as port:
            listening = Visitor(session, port, parts).listen()
            reader = await listening.__aenter__()
            await reader.block()
        assert await reader.ends()
        await listening.__aexit__(None, None, None)
    assert parts.chat.unfollowed.is_set()


async def test_ends_when_the_database_is_away_so_that_the_browser_comes_back(visitor: Visitor) -> None:
    async with visitor.listen() as reader:
        await reader.block()
        visitor.parts.chat.broken = True
        assert await reader.ends()


async def test_forgets_a_browser_that_has_gone(visitor: Visitor) -> None:
    async with visitor.listen() as reader:
        await reader.block()
        await reader.block()
        assert not visitor.parts.chat.unfollowed.is_set()
    async with asyncio.timeout(20):
        await visitor.parts.chat.unfollowed.wait()


async def test_one_session_opens_only_so_many_streams(visitor: Visitor) -> None:
    url = f"http://127.0.0.1:{visitor.port}/channels/web/events"
    bearer = {"Authorization": f"Bearer {visitor.token}"}
    open_streams = [await visitor.session.get(url, headers=bearer) for _ in range(MOST_STREAMS)]
    assert {answer.status for answer in open_streams} == {200}
    async with visitor.session.get(url, headers=bearer) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    for answer in open_streams:
        answer.close()
