"""Socket Mode: the app connects to Slack, and envelopes go down the websocket until they are acknowledged."""

import asyncio
import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from bot.sandbox.faults import Fault, ResetAfter
from bot.sandbox.slack_outgoing import PATIENCE, Ack, Outgoing
from bot.sandbox.slack_state import Json

_TYPES = {"events": "events_api", "interactivity": "interactive", "commands": "slash_commands"}


@dataclass(slots=True, eq=False)
class _Connection:
    socket: web.WebSocketResponse
    waiting: dict[str, asyncio.Future[Ack | None]] = field(default_factory=dict)


class SocketRoute:
    """The app's websockets; envelopes go to them in turn.

    Events that no connection acknowledged before it closed are sent again over the next one.
    """

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._tickets: set[str] = set()
        self._connections: list[_Connection] = []
        self._turn = itertools.count()
        self._connected = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many websockets are open."""
        return len(self._connections)

    def ticket(self) -> str:
        """A new right to connect once."""
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one websocket until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        connection = _Connection(socket)
        await self._hello(socket)
        self._connections.append(connection)
        self._connected.set()
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._acknowledged(connection, message.data)
        finally:
            self._gone(connection)
        return socket

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every client to connect anew, as Slack does every few hours, and close."""
        message = orjson.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-sandbox"}})
        for connection in list(self._connections):
            self._gone(connection)
            await connection.socket.send_str(message.decode())

    async def drop(self) -> None:
        """Close every websocket without a word."""
        for connection in list(self._connections):
            self._gone(connection)
            await connection.socket.close()

    async def attempt(self, outgoing: Outgoing, number: int, reason: str, fault: Fault | None) -> Ack:
        """Send one envelope and wait for its acknowledgement; an event also waits for a connection."""
        while True:
            if not self._connections:
                if outgoing.kind != "events":
                    return Ack(status=0, reason="no_connection", final=True)
                await self._connected.wait()
                continue
            ack = await self._send(self._next(), outgoing, number, reason)
            if isinstance(fault, ResetAfter):
                return Ack(status=0, reason="timeout")
            if ack is not None:
                return ack
            number, reason = number + 1, "connection_closed"

    def _next(self) -> _Connection:
        return self._connections[next(self._turn) % len(self._connections)]

    async def _send(self, connection: _Connection, outgoing: Outgoing, number: int, reason: str) -> Ack | None:
        """None if the connection closed before the acknowledgement."""
        envelope_id = str(uuid.uuid4())
        acked: asyncio.Future[Ack | None] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = acked
        try:
            await connection.socket.send_str(orjson.dumps(_envelope(envelope_id, outgoing, number, reason)).decode())
            async with asyncio.timeout(PATIENCE):
                return await acked
        except TimeoutError:
            return Ack(status=0, reason="timeout")
        except ConnectionError:
            self._gone(connection)
            return None
        finally:
            connection.waiting.pop(envelope_id, None)

    async def _hello(self, socket: web.WebSocketResponse) -> None:
        hello = {
            "type": "hello",
            "num_connections": len(self._connections) + 1,
            "debug_info": {"host": "applink-sandbox", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._app_id},
        }
        await socket.send_str(orjson.dumps(hello).decode())

    def _acknowledged(self, connection: _Connection, text: str) -> None:
        try:
            message: Any = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        acked = connection.waiting.get(str(message.get("envelope_id"))) if isinstance(message, dict) else None
        if acked is not None and not acked.done():
            body = message.get("payload")
            acked.set_result(Ack(status=200, body=body if isinstance(body, dict) else {}))

    def _gone(self, connection: _Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
        if not self._connections:
            self._connected.clear()
        for acked in connection.waiting.values():
            if not acked.done():
                acked.set_result(None)


def _envelope(envelope_id: str, outgoing: Outgoing, number: int, reason: str) -> Json:
    envelope: Json = {
        "envelope_id": envelope_id,
        "payload": outgoing.payload,
        "type": _TYPES[outgoing.kind],
        "accepts_response_payload": outgoing.kind != "events",
    }
    if outgoing.kind == "events":
        envelope |= {"retry_attempt": number, "retry_reason": reason}
    return envelope
