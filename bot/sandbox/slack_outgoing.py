"""How events, interactions and commands reach the app: signed over HTTP, or through Socket Mode."""

import asyncio
import hashlib
import hmac
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import aiohttp
import orjson

from bot.sandbox.faults import BadSignature, Duplicate, Fault, Faults, Reorder, ResetAfter, Slow
from bot.sandbox.slack_state import Json

Kind = Literal["events", "interactivity", "commands"]

#: seconds that Slack waits for an answer
PATIENCE = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One thing that the app must hear: an `event_callback`, an interaction's payload or a command's fields."""

    kind: Kind
    payload: Json
    #: events of one lane (a channel) are first tried in order
    lane: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What the app answered."""

    #: HTTP status; 200 for an acknowledged envelope, 0 if no answer came
    status: int
    #: the answer's JSON object, or its text under "text"
    body: Json = field(default_factory=dict)
    #: why it counts as failed, worded as in X-Slack-Retry-Reason: "" if it does not
    reason: str = ""
    final: bool = False

    @property
    def good(self) -> bool:
        """Whether the app took it."""
        return self.reason == ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at bringing something to the app."""

    outgoing: Outgoing
    #: 0, then the X-Slack-Retry-Num
    number: int
    ack: Ack
    fault: Fault | None


class Route(Protocol):
    """A way to the app."""

    async def attempt(self, outgoing: Outgoing, number: int, reason: str, fault: Fault | None) -> Ack:
        """Bring it there once and wait for the answer."""
        ...


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's `X-Slack-Signature` of a raw body."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


class HttpRoute:
    """Signed POSTs to the app's request URLs, one per kind."""

    def __init__(self, secret: str, urls: Mapping[Kind, str], session: aiohttp.ClientSession) -> None:
        self._secret = secret
        self._urls = urls
        self._session = session

    async def attempt(self, outgoing: Outgoing, number: int, reason: str, fault: Fault | None) -> Ack:
        """POST it; anything but a 2xx within three seconds is a failure."""
        url = self._urls.get(outgoing.kind)
        if url is None:
            return Ack(status=0, reason="no_url", final=True)
        body, content_type = encoded(outgoing)
        headers = self._headers(body, content_type, fault)
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
        try:
            async with asyncio.timeout(PATIENCE):
                async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                    text = await response.read()
        except TimeoutError:
            return Ack(status=0, reason="http_timeout")
        except (aiohttp.ClientError, OSError):
            return Ack(status=0, reason="connection_failed")
        if isinstance(fault, ResetAfter):
            return Ack(status=0, reason="connection_failed")
        final = response.headers.get("X-Slack-No-Retry") == "1"
        failed = "" if 200 <= response.status < 300 else "http_error"
        return Ack(status=response.status, body=_answer(text), reason=failed, final=final)

    async def verify(self) -> bool:
        """Ask the events URL for its challenge, as saving it in Slack's settings does."""
        challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
        payload = {"token": "sandbox", "challenge": challenge, "type": "url_verification"}
        ack = await self.attempt(Outgoing(kind="events", payload=payload, lane=""), 0, "", None)
        return ack.good and challenge in (ack.body.get("challenge"), ack.body.get("text"))

    def _headers(self, body: bytes, content_type: str, fault: Fault | None) -> dict[str, str]:
        # the receiver's clock judges the signature, and that is the computer's
        timestamp = str(int(time.time()))
        secret = "wrong" if isinstance(fault, BadSignature) else self._secret
        return {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(secret, timestamp, body),
        }


def encoded(outgoing: Outgoing) -> tuple[bytes, str]:
    """The raw body and content type of something that goes out."""
    form = "application/x-www-form-urlencoded"
    match outgoing.kind:
        case "events":
            return orjson.dumps(outgoing.payload), "application/json"
        case "interactivity":
            return urlencode({"payload": orjson.dumps(outgoing.payload).decode()}).encode(), form
        case "commands":
            return urlencode(outgoing.payload).encode(), form


def _answer(text: bytes) -> Json:
    try:
        body: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"text": text.decode(errors="replace")} if text.strip() else {}
    return body if isinstance(body, dict) else {"text": str(body)}


class Deliveries:
    """All that goes to the app; events that it does not take are tried again after `delays` (seconds)."""

    def __init__(self, faults: Faults, delays: Sequence[float], changed: Callable[[], None]) -> None:
        self.route: Route | None = None
        self.attempts: deque[Attempt] = deque(maxlen=1000)
        self.given_up: list[Outgoing] = []
        self._faults = faults
        self._delays = delays
        self._changed = changed
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: dict[str, asyncio.Future[None]] = {}
        self._held: dict[str, asyncio.Future[None]] = {}

    @property
    def under_way(self) -> bool:
        """Whether anything is still to be delivered or tried again."""
        return bool(self._tasks)

    def event(self, outgoing: Outgoing) -> None:
        """Deliver an event, in the background."""
        task = asyncio.create_task(self._deliver(outgoing, self._faults.take(outgoing.kind, outgoing.lane)))
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    async def interaction(self, outgoing: Outgoing) -> Ack:
        """Deliver an interaction or command, which Slack tries only once."""
        fault = self._faults.take(outgoing.kind, outgoing.lane)
        acks = await self._copies(outgoing, 0, "", fault)
        return acks[0]

    async def stop(self) -> None:
        """Drop whatever is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed()

    async def _deliver(self, outgoing: Outgoing, fault: Fault | None) -> None:
        lane = outgoing.lane
        before = self._lanes.get(lane)
        tried = self._lanes[lane] = asyncio.get_running_loop().create_future()
        overtaken = None if isinstance(fault, Reorder) else self._held.pop(lane, None)
        if isinstance(fault, Reorder):
            await self._let_overtake(lane, fault)
        try:
            if before is not None and overtaken is None:
                await asyncio.shield(before)
            ack = (await self._copies(outgoing, 0, "", fault))[-1]
            if before is not None and overtaken is not None:
                _resolve(overtaken)
                await asyncio.shield(before)
        finally:
            _resolve(tried)
            if self._lanes.get(lane) is tried:
                del self._lanes[lane]
        await self._try_again(outgoing, ack)

    async def _let_overtake(self, lane: str, fault: Reorder) -> None:
        """Wait until the lane's next event was tried."""
        overtaken = self._held[lane] = asyncio.get_running_loop().create_future()
        await asyncio.wait((overtaken,), timeout=fault.seconds)
        self._held.pop(lane, None)

    async def _try_again(self, outgoing: Outgoing, ack: Ack) -> None:
        for number, delay in enumerate(self._delays, start=1):
            if ack.good or ack.final:
                break
            await self._faults.hold(delay) if delay else await asyncio.sleep(0)
            fault = self._faults.take(outgoing.kind, outgoing.lane)
            ack = (await self._copies(outgoing, number, ack.reason, fault))[-1]
        if not ack.good:
            self.given_up.append(outgoing)

    async def _copies(self, outgoing: Outgoing, number: int, reason: str, fault: Fault | None) -> list[Ack]:
        match fault:
            case Slow():
                await self._faults.hold(fault.seconds)
            case Duplicate(concurrent=True):
                return await asyncio.gather(*(self._once(outgoing, number, reason, fault) for _ in range(fault.copies)))
            case Duplicate():
                return [await self._once(outgoing, number, reason, fault) for _ in range(fault.copies)]
            case _:
                pass
        return [await self._once(outgoing, number, reason, fault)]

    async def _once(self, outgoing: Outgoing, number: int, reason: str, fault: Fault | None) -> Ack:
        route = self.route
        if route is None:
            ack = Ack(status=0, reason="no_url", final=True)
        else:
            ack = await route.attempt(outgoing, number, reason, fault)
        self.attempts.append(Attempt(outgoing=outgoing, number=number, ack=ack, fault=fault))
        self._changed()
        return ack


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
