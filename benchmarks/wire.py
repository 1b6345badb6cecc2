"""HTTP/1.1 with as little work as possible, so that what is measured is the bot.

Bodies have a Content-Length; connections are kept alive. What else comes is an error: all ends are programs of ours.
"""

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


class Message(NamedTuple):
    """A request or a response: the words of its first line, and its body."""

    start: list[bytes]
    body: bytes


class Inbox:
    """Cuts what arrives on a connection into messages."""

    def __init__(self) -> None:
        self._left = b""

    def feed(self, data: bytes) -> list[Message]:
        self._left += data
        messages = []
        while (message := self._cut()) is not None:
            messages.append(message)
        return messages

    def _cut(self) -> Message | None:
        end = self._left.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._left[:end]
        found = _LENGTH.search(head)
        if found is None and _CHUNKED.search(head):
            raise ValueError(f"a body without a length: {head!r}")
        size = int(found[1]) if found else 0
        begin = end + 4
        if len(self._left) < begin + size:
            return None
        body = self._left[begin : begin + size]
        self._left = self._left[begin + size :]
        return Message(head.partition(b"\r\n")[0].split(b" "), body)


class Responder(asyncio.Protocol):
    """One connection of a server whose answers are all ``200 OK`` with JSON; ``answer`` gets the path and the body."""

    def __init__(self, answer: Callable[[bytes, bytes], bytes]) -> None:
        self._answer = answer
        self._inbox = Inbox()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        for request in self._inbox.feed(data):
            body = self._answer(request.start[1], request.body)
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )


class Caller(asyncio.Protocol):
    """One connection of a client, with one request under way at most."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._inbox = Inbox()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Message] | None = None

    @classmethod
    async def connect(cls, port: int, path: str, headers: dict[str, str]) -> "Caller":
        """A connection that posts to one path of a server on loopback."""
        lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{k}: {v}" for k, v in headers.items())]
        head = "\r\n".join([*lines, "Content-Length: "]).encode()
        _, caller = await asyncio.get_running_loop().create_connection(lambda: cls(head), "127.0.0.1", port)
        return caller

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for response in self._inbox.feed(data):
            if self._waiting is None:
                raise ValueError("a response that nobody asked for")
            waiting, self._waiting = self._waiting, None
            if not waiting.done():
                waiting.set_result(response)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("the bot closed the connection"))

    def post(self, body: bytes) -> asyncio.Future[Message]:
        """Send now; the future is the response."""
        assert self._transport is not None
        assert self._waiting is None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        return self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
