"""A local stand-in of the Telegram Bot API: bots talk HTTP to it, people are played by calls of this class."""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from bot.sandbox.faults import Faults, RateLimited, Refused
from bot.sandbox.journal import Journal
from bot.sandbox.serving import Fields, answer, only_loopback, read_fields
from bot.sandbox.telegram_methods import METHODS, Ask, Declined
from bot.sandbox.telegram_people import People
from bot.sandbox.telegram_state import Bot, Json, World
from bot.sandbox.telegram_updates import Updates


class _Wording:
    def rate_limited(self, fault: RateLimited) -> web.Response:
        """429 as the Bot API words it."""
        reason = f"Too Many Requests: retry after {fault.retry_after}"
        return _refusal(429, reason, {"retry_after": fault.retry_after})

    def refused(self, fault: Refused) -> web.Response:
        """Any other refusal."""
        return _refusal(fault.status, fault.error, None)


def _refusal(code: int, description: str, parameters: Json | None) -> web.Response:
    body: Json = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return web.Response(status=code, body=orjson.dumps(body), content_type="application/json")


def _success(result: Any, description: str | None = None) -> web.Response:
    body = {"ok": True, "result": result}
    if description:
        body["description"] = description
    return web.Response(body=orjson.dumps(body), content_type="application/json")


class TelegramStandIn(People):
    """Telegram on loopback: `TelegramStandIn({"123:abc": "shop_bot"})`.

    `backoff` are the seconds between attempts at a webhook that does not answer 2xx. Updates of one chat keep
    their order; different chats are delivered side by side, as many as the webhook's `max_connections`.
    """

    def __init__(
        self,
        tokens: Mapping[str, str] | Iterable[str],
        *,
        clock: Callable[[], float] = time.time,
        backoff: Sequence[float] = (0.5, 1, 2, 4, 8, 16, 32, 60),
        keep_messages: int = 1000,
        keep_calls: int | None = None,
        reads_all_group_messages: bool = False,
    ) -> None:
        super().__init__(World(clock, keep_messages), Journal(keep_calls))
        self.faults = Faults()
        self._runner: web.ServerRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._origin = ""
        names = tokens if isinstance(tokens, Mapping) else {t: f"bot{t.partition(':')[0]}_bot" for t in tokens}
        for number, (token, username) in enumerate(names.items()):
            bot_id = int(token.partition(":")[0])
            bot = Bot(token=token, id=bot_id, username=username, reads_all_group_messages=reads_all_group_messages)
            self.world.bots[token] = bot
            self._updates[token] = Updates(
                faults=self.faults,
                changed=self.journal.changed,
                carry_out=lambda reply, bot=bot: self._carry_out(bot, reply),  # type: ignore[misc]
                backoff=backoff,
                first_id=100_000_000 * (number + 1),
            )

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        limit = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=60)
        self._session = aiohttp.ClientSession(connector=limit, timeout=timeout)
        for updates in self._updates.values():
            updates.start(self._session)
        server = web.Server(only_loopback(self._serve), access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self._origin = f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening and delivering; what hangs is let go."""
        self.faults.clear()
        for updates in self._updates.values():
            updates.stop()
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> "TelegramStandIn":
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    @property
    def base_url(self) -> str:
        """What a bot takes as its `base_url`: `http://127.0.0.1:PORT/bot`."""
        return f"{self._origin}/bot"

    @property
    def base_file_url(self) -> str:
        """What a bot takes as its `base_file_url`."""
        return f"{self._origin}/file/bot"

    # what bots see

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/file/bot"):
            return self._serve_file(path.removeprefix("/file/bot"))
        token, _, method = path.removeprefix("/bot").partition("/")
        bot = self.world.bots.get(token)
        if not path.startswith("/bot") or not re.fullmatch(r"\d+:[\w-]+", token):
            return _refusal(404, "Not Found", None)
        try:
            fields = await read_fields(request)
        except (ValueError, web.HTTPRequestEntityTooLarge):
            return _refusal(400, "Bad Request: can't parse the request's body", None)
        fault = self.faults.take(method, str(fields.get("chat_id", "*")))
        self.journal.record(method, fields, token=token, fault=fault)
        if bot is None:
            return _refusal(401, "Unauthorized", None)
        known = bot
        return await answer(request, fault, self.faults, lambda: self._accept(known, method, fields), _Wording())

    def _serve_file(self, path: str) -> web.Response:
        token, _, file_id = path.partition("/")
        content = self.world.files.get(file_id) if token in self.world.bots else None
        return _refusal(404, "Not Found", None) if content is None else web.Response(body=content)

    async def _accept(self, bot: Bot, method: str, fields: Fields) -> web.Response:
        updates = self._updates[bot.token]
        try:
            match method.lower():
                case "getupdates":
                    return _success(await updates.poll(fields))
                case "setwebhook":
                    return _success(True, updates.set_webhook(fields))
                case "deletewebhook":
                    return _success(True, updates.delete_webhook(fields))
                case "getwebhookinfo":
                    return _success(updates.webhook_info())
                case name if known := METHODS.get(name):
                    result = known(Ask(world=self.world, bot=bot, fields=fields))
                case _:
                    raise Declined(404, "")
        except Declined as refusal:
            return _refusal(refusal.code, str(refusal), refusal.parameters)
        finally:
            self.journal.changed()
        return _success(result)

    def _carry_out(self, bot: Bot, reply: Json) -> None:
        method = str(reply.get("method", ""))
        fields = {key: value for key, value in reply.items() if key != "method"}
        self.journal.record(method, fields, token=bot.token, fault=None, via="webhook reply")
        known = METHODS.get(method.lower())
        try:
            if known is not None:
                known(Ask(world=self.world, bot=bot, fields=fields))
        except Declined:
            # nobody hears of it, as with the real API
            return
        finally:
            self.journal.changed()
