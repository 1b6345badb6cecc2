"""Telegram and Slack as the measured bots see them: they take every message at once and remember what they took."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from benchmarks.survey import ROOM, TOKEN, commented, customer_of
from benchmarks.wire import Responder

_TELEGRAM = f"/bot{TOKEN}/".encode()
_SLACK = b"/api/"
#: what a bot may call before the first update
_SET_UP = frozenset({"setWebhook", "setMyCommands"})


@dataclass(slots=True)
class Mailbox:
    """What one customer received."""

    #: the texts of messages in order
    texts: list[str] = field(default_factory=list)
    #: the new texts of changed messages
    edits: list[str] = field(default_factory=list)
    #: taps that were answered
    answered: int = 0
    #: the callback data of the newest message's buttons
    tokens: list[str] = field(default_factory=list)
    waiting: asyncio.Future[float] | None = None

    def next_message(self) -> asyncio.Future[float]:
        """When the next message arrives, by the monotonic clock."""
        self.waiting = asyncio.get_running_loop().create_future()
        return self.waiting


class Services:
    """Both services on one port of loopback."""

    def __init__(self) -> None:
        self.port = 0
        self.mailboxes: dict[int, Mailbox] = {}
        #: customer -> how many alerts came of them
        self.alerts: Counter[int] = Counter()
        #: HTTP requests so far, without those of starting
        self.requests = 0
        #: when the newest of them came
        self.last_at = 0.0
        #: what no bot should have sent
        self.surprises: list[str] = []
        self._server: asyncio.Server | None = None
        self._alerted = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Responder(self._answer), "127.0.0.1", 0, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def mailbox(self, customer: int) -> Mailbox:
        return self.mailboxes.setdefault(customer, Mailbox())

    async def wait_for_alerts(self, total: int) -> None:
        """Until so many alerts came."""
        while self.alerts.total() < total:
            self._alerted.clear()
            await self._alerted.wait()

    def take_answer(self, customer: int, method: str) -> None:
        """Carry out the method that a webhook's response asked for."""
        if method == "answerCallbackQuery":
            self.mailbox(customer).answered += 1
        else:
            self.surprises.append(f"{method} as the webhook's response")

    def _answer(self, path: bytes, body: bytes) -> bytes:
        now = time.perf_counter()
        if path.startswith(_TELEGRAM):
            return orjson.dumps({"ok": True, "result": self._telegram(path[len(_TELEGRAM) :].decode(), body, now)})
        if path == _SLACK + b"auth.test":
            # asked once, while a bot starts
            return b'{"ok":true,"team_id":"T0BENCHMARK","user_id":"U0BENCHMARK"}'
        self._count(now)
        if path == _SLACK + b"chat.postMessage":
            return self._alert(body)
        self.surprises.append(path.decode())
        return b'{"ok":false,"error":"unknown_method"}'

    def _count(self, now: float) -> None:
        self.requests += 1
        self.last_at = now

    def _telegram(self, method: str, body: bytes, now: float) -> Any:
        if method == "getMe":
            return {"id": 7000001, "is_bot": True, "first_name": "Benchmark", "username": "benchmark_bot"}
        if method in _SET_UP:
            return True
        self._count(now)
        fields = orjson.loads(body)
        match method:
            case "sendMessage":
                return self._message(fields, now)
            case "editMessageText":
                self.mailbox(customer_of(fields["chat_id"])).edits.append(fields["text"])
                return _sent(fields, fields["message_id"])
            case "answerCallbackQuery":
                self.mailbox(int(fields["callback_query_id"])).answered += 1
                return True
            case _:
                self.surprises.append(method)
                return True

    def _message(self, fields: dict[str, Any], now: float) -> dict[str, Any]:
        box = self.mailbox(customer_of(fields["chat_id"]))
        box.texts.append(fields["text"])
        rows = fields.get("reply_markup", {}).get("inline_keyboard", ())
        box.tokens = [button["callback_data"] for row in rows for button in row]
        if box.waiting is not None and not box.waiting.done():
            box.waiting.set_result(now)
        return _sent(fields, len(box.texts))

    def _alert(self, body: bytes) -> bytes:
        customer = commented(body)
        if customer is None:
            self.surprises.append(f"an alert of nobody: {body[:200]!r}")
        else:
            self.alerts[customer] += 1
            self._alerted.set()
        ts = f"1760000000.{self.requests:06d}"
        return orjson.dumps({"ok": True, "channel": ROOM, "ts": ts, "message": {"type": "message", "ts": ts}})


def _sent(fields: dict[str, Any], message: int) -> dict[str, Any]:
    chat = {"id": fields["chat_id"], "type": "private", "first_name": "Customer"}
    return {"message_id": message, "date": 1760000000, "chat": chat, "text": fields["text"]}
