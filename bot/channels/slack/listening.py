"""Socket Mode: Slack's events over a WebSocket that we open, for those without a public address.

The SDK's own client acknowledges from tasks that nobody waits for, connects for ever with an address that is good
for one connection, and logs what it receives; so only its Web API is used, for the address of the socket.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import aiohttp
import orjson
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels.slack.plain import text_at
from bot.channels.slack.sending import code_of, failure

log = logging.getLogger(__name__)

Answer = dict[str, Any]
#: an envelope's payload, and the envelope as it came -> what Slack is answered, or None when it was not kept
Take = Callable[[object, bytes], Awaitable[Answer | None]]

HEARTBEAT = 10.0
LONGEST_WAIT = 30.0
#: envelopes in work at once; more wait in the socket
AT_ONCE = 100
#: seconds for what is in work when the connection ends
GRACE = 5.0


class Listener:
    """Holds one Socket Mode connection open and acknowledges what ``take`` has kept."""

    def __init__(self, *, client: AsyncWebClient, session: aiohttp.ClientSession, app_token: str, take: Take) -> None:
        self._client = client
        self._session = session
        self._app_token = app_token
        self._take = take
        self._random = Random()  # noqa: S311

    async def run(self) -> None:
        """Listen until cancelled; connects again when the connection ends, slower while it fails."""
        failures = 0
        while True:
            try:
                greeted = await self._connection()
                failures = 0 if greeted else failures + 1
                wait = 0.0 if greeted else self._backoff(failures)
            except (SlackApiError, aiohttp.ClientError, OSError, TimeoutError) as error:
                failures += 1
                wait = self._waits(error, failures)
                log.warning("Socket Mode: no connection, again in %.1f s (%s)", wait, _name(error))
            await asyncio.sleep(wait)

    def _waits(self, error: Exception, failures: int) -> float:
        told = failure(error, to_desk=True)
        # a bad token heals by a new one and a restart; asking every few seconds would only be throttled
        return max(told.retry_after or 0.0, self._backoff(failures))

    def _backoff(self, failures: int) -> float:
        return min(LONGEST_WAIT, 0.25 * 2.0 ** min(failures, 10)) * self._random.uniform(0.5, 1.0)

    async def _connection(self) -> bool:
        """Serve one connection to its end; whether Slack greeted us on it."""
        opened = await self._client.apps_connections_open(app_token=self._app_token)
        url = opened.get("url")
        if not isinstance(url, str):
            return False
        async with self._session.ws_connect(url, heartbeat=HEARTBEAT, proxy=self._client.proxy) as socket:
            return await self._serve(socket)

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        greeted = False
        slots = asyncio.Semaphore(AT_ONCE)
        working: set[asyncio.Task[None]] = set()

        def done(task: asyncio.Task[None]) -> None:
            working.discard(task)
            slots.release()

        try:
            async for message in socket:
                envelope = _parsed(message)
                kind = text_at(envelope, "type")
                if kind == "disconnect":
                    break
                greeted = greeted or kind == "hello"
                if text_at(envelope, "envelope_id"):
                    greeted = True
                    await slots.acquire()
                    task = asyncio.create_task(self._answer(socket, envelope, message.data.encode()))
                    working.add(task)
                    task.add_done_callback(done)
        finally:
            if working:
                await asyncio.wait(working, timeout=GRACE)
        return greeted

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, envelope: Any, raw: bytes) -> None:
        answer = await self._take(envelope.get("payload"), raw)
        if answer is None:
            # without an acknowledgement Slack sends it again
            return
        ack: Answer = {"envelope_id": envelope["envelope_id"]}
        if answer and envelope.get("accepts_response_payload"):
            ack["payload"] = answer
        try:
            await socket.send_str(orjson.dumps(ack).decode())
        except (ConnectionError, aiohttp.ClientError) as error:
            # Slack sends it again and finds it handled
            log.info("Socket Mode: an acknowledgement was lost (%s)", _name(error))


def _parsed(message: aiohttp.WSMessage) -> object:
    if message.type is not aiohttp.WSMsgType.TEXT:
        return None
    try:
        return orjson.loads(message.data)
    except orjson.JSONDecodeError:
        return None


def _name(error: Exception) -> str:
    return code_of(error) if isinstance(error, SlackApiError) else type(error).__name__
