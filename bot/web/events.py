"""The live stream of a web-chat session: server-sent events with catch-up, heartbeats and an end at shutdown."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
from aiohttp import web

from bot.channels.webchat import WebchatChannel
from bot.errors import StoreUnavailable
from bot.messages import ChannelName
from bot.ports import ChatLine, ChatLog
from bot.web.api import problem

#: Seconds between two signs of life; the widget takes a stream for dead after three of them.
HEARTBEAT = 15.0
#: Seconds that one write may wait for a browser that does not read.
WRITE_DEADLINE = 30.0
#: Open streams of one session: the tabs of one browser, and a reload whose old stream was not yet missed.
MOST_STREAMS = 12
#: Above every id that a database makes; a larger one from outside would only be an error there.
_LARGEST_ID = 2**63 - 1
_PAGE = 200


class Streams:
    """Serves the live streams of one process, and can end them all."""

    def __init__(self, chat: ChatLog, *, heartbeat: float = HEARTBEAT) -> None:
        self._chat = chat
        self._heartbeat = heartbeat
        self._open: Counter[str] = Counter()
        self._ends: set[asyncio.Future[None]] = set()
        self._closed = False

    def close(self) -> None:
        """End every stream now; browsers come back by themselves, to another replica or a newer release."""
        self._closed = True
        for end in self._ends:
            if not end.done():
                end.set_result(None)

    async def serve(self, request: web.Request, channel: WebchatChannel) -> web.StreamResponse:
        """One stream until the browser leaves; ``Last-Event-ID`` (or ``?after=``) says what it has already."""
        session = channel.session(request.headers.get("Authorization", ""))
        if session is None:
            return problem(401, "session", "This session is unknown; open a new one.")
        if self._closed or self._open[session] >= MOST_STREAMS:
            return problem(503, "busy", "Too many streams; try again later.", headers={"Retry-After": "5"})
        after = _event_id(request.headers.get("Last-Event-ID") or request.query.get("after", ""))
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open[session] += 1
        self._ends.add(end)
        try:
            cors = channel.cors(request.headers.get("Origin", "")) or {}
            return await _stream(request, cors, self._frames(channel.name, session, after, end))
        finally:
            self._ends.discard(end)
            self._open[session] -= 1
            if not self._open[session]:
                del self._open[session]

    async def _frames(
        self, channel: ChannelName, session: str, after: int, end: asyncio.Future[None]
    ) -> AsyncGenerator[bytes, None]:
        # A first sign of life: the widget shows the connection as standing before there is any news.
        yield b": welcome\n\n"
        news = aiter(self._chat.follow(channel, session))
        # Following begins, by giving way to its task, before the log is read: what is appended in between is news.
        wake = asyncio.ensure_future(anext(news, False))
        await asyncio.sleep(0)
        try:
            while not end.done():
                lines = await self._chat.since(channel, session, after, _PAGE)
                for line in lines:
                    yield frame(line)
                    after = line.id
                if len(lines) == _PAGE:
                    continue
                waiting: set[asyncio.Future[Any]] = {wake, end}
                await asyncio.wait(waiting, timeout=self._heartbeat, return_when=asyncio.FIRST_COMPLETED)
                if wake.done():
                    if wake.result() is False:
                        return
                    wake = asyncio.ensure_future(anext(news, False))
                elif not end.done():
                    yield b": beat\n\n"
        finally:
            wake.cancel()
            await asyncio.wait({wake})
            if isinstance(news, AsyncGenerator):
                await news.aclose()


def frame(line: ChatLine) -> bytes:
    """One line of the log as a server-sent event; a line with an earlier slot replaces that one in the browser."""
    data = {"slot": line.slot, "author": line.author, "at": line.at, "content": line.content}
    return b"id: %d\ndata: %s\n\n" % (line.id, msgspec.json.encode(data))


async def _stream(
    request: web.Request, cors: Mapping[str, str], frames: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            # nginx would hold the events back otherwise
            "X-Accel-Buffering": "no",
            **cors,
        }
    )
    await response.prepare(request)
    try:
        async with aclosing(frames):
            async for chunk in frames:
                async with asyncio.timeout(WRITE_DEADLINE):
                    await response.write(chunk)
    except (ConnectionError, TimeoutError, StoreUnavailable):
        # The browser has gone, or comes back for what it misses.
        response.force_close()
    return response


def _event_id(text: str) -> int:
    """The id that the browser saw last; 0, so everything, for what is no id.

    >>> _event_id("12"), _event_id(""), _event_id("-1"), _event_id("9" * 30)
    (12, 0, 0, 9223372036854775807)
    """
    return min(int(text), _LARGEST_ID) if text.isascii() and text.isdigit() and len(text) < 40 else 0
