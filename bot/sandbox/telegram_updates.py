"""How a bot's updates reach it: kept until confirmed by getUpdates or by a webhook's 2xx."""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
import orjson

from bot.sandbox.faults import BadSignature, Duplicate, Fault, Faults, Reorder, ResetAfter, Slow
from bot.sandbox.serving import Fields
from bot.sandbox.telegram_methods import Declined, flag, nested, number
from bot.sandbox.telegram_state import Json

#: delivered only to bots that ask for them
_ON_REQUEST = frozenset(("chat_member", "message_reaction", "message_reaction_count"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One update that waits for its confirmation; updates of one lane keep their order."""

    update_id: int
    lane: int
    body: bytes
    parsed: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where a bot wants its updates."""

    url: str
    secret: str
    max_connections: int
    allowed: tuple[str, ...] | None


@dataclass(slots=True, eq=False, kw_only=True)
class Delivered:
    """One attempt to bring an update to a webhook."""

    update_id: int
    #: HTTP status, 0 if no answer came
    status: int
    fault: Fault | None = None


@dataclass(slots=True, eq=False)
class _Lanes:
    waiting: dict[int, deque[Update]] = field(default_factory=dict)
    ready: deque[int] = field(default_factory=deque)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Updates:
    """The updates of one bot.

    `carry_out` gets the method that a webhook's reply may name; `backoff` are the seconds between
    attempts, the last one again and again.
    """

    def __init__(
        self,
        *,
        faults: Faults,
        changed: Callable[[], None],
        carry_out: Callable[[Json], object],
        backoff: Sequence[float],
        first_id: int,
    ) -> None:
        self.pending: dict[int, Update] = {}
        self.webhook: Webhook | None = None
        self.allowed: tuple[str, ...] | None = None
        self.attempts: deque[Delivered] = deque(maxlen=1000)
        self._session: aiohttp.ClientSession | None = None
        self._faults = faults
        self._changed = changed
        self._carry_out = carry_out
        self._backoff = backoff
        self._next_id = first_id
        self._lanes = _Lanes()
        self._arrived = asyncio.Event()
        self._poll: asyncio.Future[None] | None = None
        self._last_error: tuple[int, str] | None = None

    def start(self, session: aiohttp.ClientSession) -> None:
        """Deliver over `session` from now on."""
        self._session = session

    def put(self, fields: Json, lane: int) -> int:
        """Keep one update (without its id, or with one to force it) and return its id."""
        update_id = fields.get("update_id")
        if not isinstance(update_id, int):
            update_id = self._next_id
        self._next_id = max(self._next_id, update_id) + 1
        parsed = {
            "update_id": update_id,
            **{key: value for key, value in fields.items() if key != "update_id"},
        }
        if not self._wanted(fields):
            return update_id
        update = Update(update_id=update_id, lane=lane, body=orjson.dumps(parsed), parsed=parsed)
        self.pending[update_id] = update
        if self.webhook is not None:
            self._enqueue(update)
        self._arrived.set()
        return update_id

    def _wanted(self, fields: Json) -> bool:
        kinds = [key for key in fields if key != "update_id"]
        if self.allowed:
            return any(kind in self.allowed for kind in kinds)
        return not any(kind in _ON_REQUEST for kind in kinds)

    # polling

    async def poll(self, fields: Fields) -> list[Json]:
        """getUpdates."""
        if self.webhook is not None:
            reason = (
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
            raise Declined(409, reason)
        self._set_allowed(fields)
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        mine = self._poll = asyncio.get_running_loop().create_future()
        self._confirm(number(fields, "offset"))
        limit = max(1, min(100, number(fields, "limit", 100)))
        await self._wait(mine, min(50, number(fields, "timeout")))
        if mine.done():
            reason = "terminated by other getUpdates request; make sure that only one bot instance is running"
            raise Declined(409, reason)
        mine.cancel()
        batch = [update.parsed for update in sorted(self.pending.values(), key=lambda u: u.update_id)[:limit]]
        fault = self._faults.take("updates") if batch else None
        match fault:
            case Duplicate():
                return batch * fault.copies
            case Reorder():
                return batch[::-1]
            case _:
                return batch

    async def _wait(self, mine: asyncio.Future[None], timeout: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while not self.pending and not mine.done() and (left := until - loop.time()) > 0:
            self._arrived.clear()
            arrived = asyncio.create_task(self._wait_for_arrival())
            await asyncio.wait((arrived, mine), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            arrived.cancel()

    async def _wait_for_arrival(self) -> None:
        await self._arrived.wait()

    def _confirm(self, offset: int) -> None:
        ids = sorted(self.pending)
        forgotten = ids[:offset] if offset < 0 else [known for known in ids if known < offset]
        for update_id in forgotten:
            del self.pending[update_id]
        if forgotten:
            self._changed()

    def _set_allowed(self, fields: Fields) -> None:
        if "allowed_updates" in fields:
            self.allowed = tuple(nested(fields, "allowed_updates") or ()) or None

    # webhook

    def set_webhook(self, fields: Fields) -> str:
        """setWebhook; returns what the API says of it."""
        url = str(fields.get("url") or "")
        if not url:
            return self.delete_webhook(fields)
        secret = str(fields.get("secret_token") or "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
            raise Declined(400, "secret token contains unallowed characters")
        if not re.match(r"https?://[^/]+", url):
            raise Declined(400, "bad webhook: an HTTPS URL must be provided for webhook")
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        self._set_allowed(fields)
        connections = max(1, min(100, number(fields, "max_connections", 40)))
        webhook = Webhook(url=url, secret=secret, max_connections=connections, allowed=self.allowed)
        known = self.webhook == webhook
        self._drop_if_asked(fields)
        self._restart(webhook)
        return "Webhook is already set" if known else "Webhook was set"

    def delete_webhook(self, fields: Fields) -> str:
        """deleteWebhook; returns what the API says of it."""
        known = self.webhook is not None
        self._drop_if_asked(fields)
        self._restart(None)
        return "Webhook was deleted" if known else "Webhook is already deleted"

    def webhook_info(self) -> Json:
        """getWebhookInfo."""
        info: Json = {
            "url": self.webhook.url if self.webhook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending),
        }
        if self.webhook is not None:
            info["max_connections"] = self.webhook.max_connections
            info["ip_address"] = "127.0.0.1"
        if self.allowed:
            info["allowed_updates"] = list(self.allowed)
        if self._last_error is not None:
            info["last_error_date"], info["last_error_message"] = self._last_error
        return info

    def stop(self) -> None:
        """Deliver nothing more and end a poll under way."""
        self._restart(None)
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def _drop_if_asked(self, fields: Fields) -> None:
        if flag(fields, "drop_pending_updates"):
            self.pending.clear()
            self._changed()

    def _restart(self, webhook: Webhook | None) -> None:
        for task in self._lanes.tasks:
            task.cancel()
        self._lanes = _Lanes()
        self.webhook = webhook
        if webhook is not None:
            for update in list(self.pending.values()):
                self._enqueue(update)

    def _enqueue(self, update: Update) -> None:
        lanes = self._lanes
        waiting = lanes.waiting.get(update.lane)
        if waiting is not None:
            waiting.append(update)
            return
        lanes.waiting[update.lane] = deque((update,))
        lanes.ready.append(update.lane)
        self._pump(lanes)

    def _pump(self, lanes: _Lanes) -> None:
        webhook = self.webhook
        while webhook is not None and lanes.ready and len(lanes.tasks) < webhook.max_connections:
            task = asyncio.create_task(self._drain(lanes, lanes.ready.popleft(), webhook))
            lanes.tasks.add(task)
            task.add_done_callback(lanes.tasks.discard)
            task.add_done_callback(lambda _: self._pump(lanes))

    async def _drain(self, lanes: _Lanes, lane: int, webhook: Webhook) -> None:
        waiting = lanes.waiting[lane]
        attempt = 0
        while waiting:
            update = waiting[0]
            if update.update_id not in self.pending:
                waiting.popleft()
                continue
            fault = self._faults.take("updates", str(lane))
            if isinstance(fault, Reorder):
                update = await self._overtaking(waiting, fault)
            if await self._deliver(update, webhook, fault):
                waiting.remove(update)
                self.pending.pop(update.update_id, None)
                attempt = 0
                self._changed()
                continue
            await self._faults.hold(self._backoff[min(attempt, len(self._backoff) - 1)])
            attempt += 1
        del lanes.waiting[lane]

    async def _overtaking(self, waiting: deque[Update], fault: Reorder) -> Update:
        if len(waiting) < 2:
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), fault.seconds)
        return waiting[1] if len(waiting) > 1 else waiting[0]

    async def _deliver(self, update: Update, webhook: Webhook, fault: Fault | None) -> bool:
        match fault:
            case Duplicate(concurrent=True):
                results = await asyncio.gather(*(self._post(update, webhook, fault) for _ in range(fault.copies)))
                return all(results)
            case Duplicate():
                return all([await self._post(update, webhook, fault) for _ in range(fault.copies)])
            case Slow():
                await self._faults.hold(fault.seconds)
            case ResetAfter():
                await self._post(update, webhook, fault)
                return False
            case _:
                pass
        return await self._post(update, webhook, fault)

    async def _post(self, update: Update, webhook: Webhook, fault: Fault | None) -> bool:
        if self._session is None:
            raise RuntimeError("the stand-in is not started")
        headers = {"Content-Type": "application/json"}
        if webhook.secret:
            secret = "wrong" if isinstance(fault, BadSignature) else webhook.secret
            headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        delivered = Delivered(update_id=update.update_id, status=0, fault=fault)
        reply = b""
        try:
            async with self._session.post(
                webhook.url, data=update.body, headers=headers, allow_redirects=False
            ) as response:
                reply = await response.read()
                delivered.status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            self._last_error = (0, type(problem).__name__)
        self.attempts.append(delivered)
        good = 200 <= delivered.status < 300
        if not good and delivered.status:
            self._last_error = (0, f"Wrong response from the webhook: {delivered.status}")
        if good and reply.startswith(b"{") and not isinstance(fault, ResetAfter):
            self._carry_out(orjson.loads(reply))
        return good
