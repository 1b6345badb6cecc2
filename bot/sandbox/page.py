"""The demo page: three chats, the agents' channel and the score, live, on loopback only."""

import asyncio
import contextlib
import html
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp import web

from bot.sandbox.asking import ORDER, told_of
from bot.sandbox.deeds import Deeds
from bot.sandbox.demo import Customer, Demo
from bot.sandbox.outcomes import OUTCOMES
from bot.sandbox.serving import is_for_loopback
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Json, Member, Post
from bot.sandbox.snapshot import snapshot
from bot.sandbox.telegram import TelegramStandIn
from bot.sandbox.telegram_state import Message, User

_TYPES = {"css": "text/css", "js": "text/javascript", "html": "text/html", "svg": "image/svg+xml"}
_FORM = re.compile(r'name="form" value="([^"]+)"')
#: seconds between two snapshots, and without news until a sign of life
_PACE = 0.04
_HEARTBEAT = 15.0
#: decisions of the ledger that the page shows
_SHOWN = 40


class Sandbox:
    """The page and its server: `await sandbox.start(port=8090)`, then open `sandbox.url`.

    The stand-ins are started and connected to the app by whoever makes this. Nothing but loopback may ask.
    """

    def __init__(self, telegram: TelegramStandIn, slack: SlackStandIn, demo: Demo) -> None:
        self._telegram = telegram
        self._slack = slack
        self._demo = demo
        self._runner: web.AppRunner | None = None
        self._app: aiohttp.ClientSession | None = None
        self._closing = asyncio.Event()
        self.url = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Bring the customers and agents together and listen; port 0 takes a free one."""
        self._people_come_in()
        self._app = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        deeds = Deeds(self._telegram, self._slack, self._demo, self._app)
        app = web.Application(middlewares=[_only_loopback], client_max_size=256 * 1024)
        app.router.add_get("/", self._index)
        app.router.add_get("/shop", self._shop)
        app.router.add_get("/static/{name}", _static)
        app.router.add_get("/sandbox/setting", self._setting)
        app.router.add_get("/sandbox/events", self._events)
        app.router.add_get("/sandbox/report", self._report)
        app.router.add_get("/sandbox/queue", self._queue)
        app.router.add_get("/sandbox/when", self._when)
        app.router.add_get("/sandbox/settings", self._settings)
        app.router.add_get("/email", self._email)

        async def deed(request: web.Request) -> web.Response:
            return await _deed(request, deeds)

        app.router.add_post("/sandbox/deeds", deed)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        """Stop listening; streams end."""
        self._closing.set()
        if self._app is not None:
            await self._app.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _people_come_in(self) -> None:
        demo = self._demo
        first, _, last = demo.telegram.name.partition(" ")
        user = User(
            id=int(demo.telegram.key), first_name=first, last_name=last or None, language_code=demo.telegram.language
        )
        self._telegram.user(user)
        self._slack.channel(demo.desk, demo.agents)
        name = demo.slack.name.partition(" ")[0].lower()
        # is there, and has not pressed Start
        first, _, last = demo.stranger.name.partition(" ")
        self._telegram.user(User(id=int(demo.stranger.key), first_name=first, last_name=last or None))
        self._slack.member(Member(id=demo.slack.key, name=name, real_name=demo.slack.name, locale=demo.slack.language))
        self._support_chats(user)

    def _support_chats(self, user: User) -> None:
        """What was said before the page opens: a support chat that is about to end, so that someone can be asked."""
        agent = self._demo.agents[0].real_name.partition(" ")[0]
        world, bot = self._telegram.world, self._telegram.world.bot(self._demo.bot)
        chat = world.private_chat(bot, user)
        for from_bot, text in _small_talk(self._demo.telegram, agent):
            sender = bot.to_json() if from_bot else user.to_json()
            message_id = chat.next_message_id()
            chat.add(Message(message_id=message_id, chat=chat, sender=sender, date=world.now(), text=text))
        slack, direct = self._slack.world, self._slack.direct(self._demo.slack.key)
        workspace = slack.by_team[direct.team_id]
        for from_bot, text in _small_talk(self._demo.slack, agent):
            author = workspace.bot_user_id if from_bot else self._demo.slack.key
            bot_id = workspace.bot_id if from_bot else None
            slack.add(direct, Post(ts=slack.next_ts(), user=author, text=text, bot_id=bot_id, team_id=direct.team_id))

    async def _index(self, _request: web.Request) -> web.Response:
        page = _page(_file("page.html").decode())
        page.headers["Content-Security-Policy"] = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        return page

    async def _shop(self, request: web.Request) -> web.Response:
        language = request.query.get("language", self._demo.web.language)
        if language not in self._demo.languages:
            language = self._demo.web.language
        page = _file("shop.html").decode()
        attributes = self._demo.widget.replace("{language}", language)
        script = f'<script src="{html.escape(self._demo.app_url)}/widget.js" {attributes} async></script>'
        page = page.replace("{{shop}}", html.escape(self._demo.shop))
        response = _page(page.replace("{{language}}", language).replace("{{widget}}", script))
        # As strict as a careful shop's: what the widget needs is its script and its connections.
        app = self._demo.app_url
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self' {app}; connect-src {app}; style-src 'self'; img-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        )
        return response

    async def _setting(self, _request: web.Request) -> web.Response:
        demo = self._demo
        return _json(
            {
                "app": demo.app_url,
                "flows": [{"id": flow.id, "title": flow.title} for flow in demo.flows],
                "shortened": [{"what": one.what, "normal": one.normal, "here": one.here} for one in demo.shortened],
                "languages": list(demo.languages),
                "customers": {
                    chat: {
                        "name": who.name,
                        "language": who.language,
                        "key": who.key,
                        "channel": who.channel,
                        "zone": who.time_zone,
                    }
                    for chat, who in demo.customers().items()
                },
                "speed": demo.speed,
                "real": demo.real,
                "outcomes": [
                    {
                        "id": each.id,
                        "title": each.title,
                        "real": each.real,
                        **told_of(each.chat, {}),
                        "chat": each.chat.chat,
                    }
                    for each in OUTCOMES
                ],
                "agents": [{"id": agent.id, "name": agent.real_name} for agent in demo.agents],
                "command": demo.command,
            }
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while not self._closing.is_set():
                seen = self._telegram.journal.version, self._slack.journal.version
                state = orjson.dumps(snapshot(self._telegram, self._slack, self._demo))
                await response.write(b"retry: 1000\ndata: " + state + b"\n\n")
                await self._news(*seen)
        return response

    async def _news(self, telegram: int, slack: int) -> None:
        """Wait until something changed since these versions, a sign of life is due, or the end."""
        waits = (
            self._telegram.journal.next_change(telegram),
            self._slack.journal.next_change(slack),
            self._closing.wait(),
        )
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            await asyncio.wait(tasks, timeout=_HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        # what comes together is shown together
        await asyncio.sleep(_PACE)

    async def _report(self, _request: web.Request) -> web.Response:
        if self._app is None:
            return _json({"ok": False})
        headers = {"Authorization": f"Bearer {self._demo.api_key}"}
        try:
            async with self._app.get(f"{self._demo.app_url}/api/v1/report", headers=headers) as response:
                rows: Any = orjson.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return _json({"ok": False})
        good = response.status == 200 and isinstance(rows, list)
        return _json({"ok": good, "rows": rows if good else []})

    async def _when(self, _request: web.Request) -> web.Response:
        """The app's clock, and what it decided lately."""
        program = self._demo.program
        rows = await program.ledger(_SHOWN)
        return _json(
            {
                "now": program.now().timestamp(),
                "sample": program.sample(None),
                "ledger": [
                    {
                        "key": row.key,
                        "at": row.at.timestamp(),
                        "customer": row.customer,
                        "zone": row.time_zone,
                        "reference": row.reference,
                        "verdict": row.verdict,
                        "rule": row.rule,
                        "sentence": row.sentence,
                        "story": row.story,
                        "repeats": row.repeats,
                    }
                    for row in rows
                ],
            }
        )

    async def _settings(self, _request: web.Request) -> web.Response:
        """What came of the last edit of the config file, and the flows as they are now."""
        now = self._demo.program.settings()
        return _json(
            {
                "file": now.file,
                "flows": [{"id": flow.id, "title": flow.title} for flow in now.flows],
                "changed": now.changed,
                "changed_at": None if now.changed_at is None else now.changed_at.timestamp(),
                "problems": now.problems,
                "broken_since": None if now.broken_since is None else now.broken_since.timestamp(),
            }
        )

    async def _email(self, request: web.Request) -> web.Response:
        """An e-mail with the whole scale, as a mail program shows it: no script, and links that open elsewhere."""
        customers = self._demo.customers()
        customer = customers.get(request.query.get("chat", ""), self._demo.telegram)
        if (language := request.query.get("language", "")) in self._demo.languages:
            customer = replace(customer, language=language)
        agent = self._demo.agents[0].real_name
        known = {"agent": agent, "order": ORDER}
        snippet = await self._demo.program.email(customer, request.query.get("flow", ""), known)
        page = _file("email.html").decode()
        for name, value in (
            ("name", customer.name.partition(" ")[0]),
            ("agent", agent.partition(" ")[0]),
            ("shop", self._demo.shop),
        ):
            page = page.replace("{{" + name + "}}", html.escape(value))
        response = _page(page.replace("{{snippet}}", snippet))
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' {self._demo.app_url} data:; "
            "base-uri 'self'; form-action 'none'; frame-ancestors 'self'; "
            "sandbox allow-popups allow-popups-to-escape-sandbox"
        )
        return response

    async def _queue(self, request: web.Request) -> web.Response:
        """Open a page of the app's queue or of its preview, signed in as an agent of the demo.

        Cookies know no ports, so what the app gives us for this computer the browser shows to the app.
        """
        wanted = request.query.get("as", "")
        agent = next((each for each in self._demo.agents if each.id == wanted), self._demo.agents[0])
        page = request.query.get("to", "/cases")
        if not page.startswith(("/cases", "/preview")):
            raise web.HTTPBadRequest
        try:
            cookies = await signed_in(self._demo.app_url, self._demo.api_key, agent.real_name)
        except (aiohttp.ClientError, TimeoutError):
            return web.Response(status=502, text="The app does not answer.")
        host = "localhost" if request.url.host == "localhost" else "127.0.0.1"
        app = f"http://{host}:{urlsplit(self._demo.app_url).port}"
        response = web.Response(status=303, headers={"Location": app + page, "Cache-Control": "no-store"})
        for name, value in cookies.items():
            response.set_cookie(name, value, path="/", httponly=True, samesite="Lax")
        return response


async def signed_in(app_url: str, key: str, name: str) -> dict[str, str]:
    """The cookies of somebody who signed in at the app's pages. Raises ClientError, TimeoutError."""
    timeout = aiohttp.ClientTimeout(total=10)
    # a jar takes no cookies of addresses without a name unless told to
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(f"{app_url}/sign-in") as response:
            token = _FORM.search(await response.text())
        form = {"form": html.unescape(token[1]) if token else "", "name": name, "key": key, "next": "/cases"}
        async with browser.post(f"{app_url}/sign-in", data=form, allow_redirects=False) as response:
            return {name: morsel.value for name, morsel in response.cookies.items() if response.status == 303}


def _small_talk(customer: Customer, agent: str) -> tuple[tuple[bool, str], ...]:
    name = customer.name.partition(" ")[0]
    return (
        (False, "Hi, my parcel has not arrived yet."),
        (True, f"Hello {name}, {agent} here. The courier lost a day; it will be with you tomorrow morning."),
        (False, "All right, thank you."),
    )


@web.middleware
async def _only_loopback(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refuse, in the shape of a deed's answer, what was sent to another name than this computer's."""
    if not is_for_loopback(request):
        return _json({"ok": False, "error": "The sandbox answers on 127.0.0.1 only."}, status=403)
    response: web.StreamResponse = await handler(request)
    return response


async def _deed(request: web.Request, deeds: Deeds) -> web.Response:
    # a form of another site cannot send this content type without being allowed to
    if request.content_type != "application/json":
        return _json({"ok": False, "error": "JSON is wanted"}, status=415)
    try:
        deed = orjson.loads(await request.read())
        return _json(await deeds.carry_out(deed))
    except (LookupError, TypeError, ValueError) as problem:
        return _json({"ok": False, "error": str(problem)}, status=400)


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    found = files("bot.sandbox").joinpath("static", name)
    if "/" in name or ".." in name or not found.is_file():
        return web.Response(status=404)
    kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=found.read_bytes(), content_type=kind, charset="utf-8", headers=headers)


def _file(name: str) -> bytes:
    return files("bot.sandbox").joinpath("static", name).read_bytes()


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-store"})


def _json(body: Json, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
