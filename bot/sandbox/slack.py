"""A local stand-in of Slack: apps talk HTTP or Socket Mode to it, people are played by calls of this class."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import aiohttp
import orjson
from aiohttp import web

from bot.sandbox import slack_methods, slack_responses, slack_views
from bot.sandbox.faults import Faults, RateLimited, Refused
from bot.sandbox.journal import Journal
from bot.sandbox.serving import Fields, answer, only_loopback, read_fields
from bot.sandbox.slack_desk import SlackDesk
from bot.sandbox.slack_methods import Ask, Declined
from bot.sandbox.slack_outgoing import Deliveries, HttpRoute, Kind
from bot.sandbox.slack_socket import SocketRoute
from bot.sandbox.slack_state import Json, ResponseUrl, SlackWorld, Workspace

_METHODS = slack_methods.METHODS | slack_views.METHODS
_RESPONSES = ("/actions/", "/commands/", "/app/")


class _Wording:
    def rate_limited(self, fault: RateLimited) -> web.Response:
        """429 as Slack words it."""
        body = {"ok": False, "error": "ratelimited"}
        return _json(body, status=429, headers={"Retry-After": str(fault.retry_after)})

    def refused(self, fault: Refused) -> web.Response:
        """Any other refusal, which Slack sends with 200 where it is no 5xx."""
        return _json({"ok": False, "error": fault.error}, status=200 if fault.status < 500 else fault.status)


def _json(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/json", charset="utf-8", headers=headers
    )


def _refusal(refusal: Declined) -> web.Response:
    body: Json = {"ok": False, "error": refusal.error}
    if refusal.messages:
        body["response_metadata"] = {"messages": list(refusal.messages)}
    return _json(body)


class SlackStandIn(SlackDesk):
    """Slack on loopback: `SlackStandIn(Workspace(bot_token="xoxb-1"), signing_secret="s", app_token="xapp-1")`.

    `retry_delays` are the seconds before each retry of an event that was not answered 2xx within three seconds.
    Events go to the URLs given to `connect`, else over Socket Mode once the app asks for a socket. With `echoes` the
    app hears of its own messages too, as with the real one.
    """

    def __init__(
        self,
        *workspaces: Workspace,
        signing_secret: str,
        app_token: str = "xapp-sandbox",  # noqa: S107
        app_id: str = "A0AFTERCHAT",
        clock: Callable[[], float] = time.time,
        retry_delays: Sequence[float] = (0, 60, 300),
        keep_posts: int = 1000,
        keep_calls: int | None = None,
        echoes: bool = True,
    ) -> None:
        self.faults = Faults()
        journal = Journal(keep_calls)
        super().__init__(
            SlackWorld(workspaces, app_id, clock, keep_posts),
            journal,
            Deliveries(self.faults, retry_delays, journal.changed),
            echoes=echoes,
        )
        self.socket = SocketRoute(app_id)
        self._secret = signing_secret
        self._app_token = app_token
        self._runner: web.ServerRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        server = web.Server(only_loopback(self._serve), access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._origin = self.world.origin = f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening and delivering; what hangs is let go."""
        self.faults.clear()
        await self.deliveries.stop()
        await self.socket.drop()
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> "SlackStandIn":
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    @property
    def base_url(self) -> str:
        """What a web client takes as its `base_url`: `http://127.0.0.1:PORT/api/`."""
        return f"{self._origin}/api/"

    def connect(
        self, events_url: str, interactivity_url: str | None = None, commands_url: str | None = None
    ) -> HttpRoute:
        """Bring everything to the app by signed POSTs; the other URLs default to the first."""
        if self._session is None:
            raise RuntimeError("the stand-in is not started")
        urls: dict[Kind, str] = {
            "events": events_url,
            "interactivity": interactivity_url or events_url,
            "commands": commands_url or events_url,
        }
        route = HttpRoute(self._secret, urls, self._session)
        self.deliveries.route = route
        return route

    def use_socket_mode(self) -> None:
        """Bring everything to the app through its websockets."""
        self.deliveries.route = self.socket

    def install(self, workspaces: Iterable[Workspace]) -> None:
        """Install the app in further workspaces."""
        self.world.install(workspaces)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/link/":
            return await self.socket.serve(request)
        if request.path.startswith(_RESPONSES):
            return await self._respond(request)
        if request.path.startswith("/files-pri/"):
            return await self._hand_out(request)
        if not request.path.startswith("/api/"):
            return web.Response(status=404)
        method = request.path.removeprefix("/api/")
        try:
            fields = await read_fields(request)
        except (ValueError, web.HTTPRequestEntityTooLarge):
            return _json({"ok": False, "error": "invalid_json"})
        fields_token = str(fields.pop("token", ""))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or fields_token
        fault = self.faults.take(method, str(fields.get("channel", "*")))
        self.journal.record(method, fields, token=token, fault=fault)
        return await answer(request, fault, self.faults, lambda: self._accept(token, method, fields), _Wording())

    async def _accept(self, token: str, method: str, fields: Fields) -> web.Response:
        try:
            return _json({"ok": True, **self._result(token, method, fields)})
        except Declined as refusal:
            return _refusal(refusal)
        finally:
            self.journal.changed()

    def _result(self, token: str, method: str, fields: Fields) -> Json:
        if not token:
            raise Declined("not_authed")
        workspace = self.world.by_token.get(token)
        if workspace is None and token != self._app_token:
            raise Declined("invalid_auth")
        if method == "apps.connections.open":
            if workspace is not None:
                raise Declined("not_allowed_token_type")
            if self.deliveries.route is None:
                # an app without request URLs that asks for a socket has Socket Mode on
                self.use_socket_mode()
            link = self._origin.replace("http://", "ws://", 1)
            return {"url": f"{link}/link/?ticket={self.socket.ticket()}&app_id={self.world.app_id}"}
        known = _METHODS.get(method)
        if known is None:
            raise Declined("unknown_method")
        if workspace is None:
            raise Declined("not_allowed_token_type")
        return known(Ask(world=self.world, workspace=workspace, fields=fields, happened=self.happened))

    async def _hand_out(self, request: web.BaseRequest) -> web.StreamResponse:
        """A file's content, to whoever shows a token of its workspace; others are led to the sign-in page."""
        place = request.path.removeprefix("/files-pri/").partition("/")[0]
        file = self.world.files.get(place.partition("-")[2])
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        fault = self.faults.take("url_private", "*")
        self.journal.record("url_private", {"file": file.id if file else place}, token=token, fault=fault)

        async def accept() -> web.Response:
            workspace = self.world.by_token.get(token)
            if file is None:
                return web.Response(status=404)
            if workspace is None or workspace.team_id != file.team_id:
                return web.Response(status=302, headers={"Location": f"{self._origin}/?redir=files"})
            return web.Response(body=file.body, content_type=file.mimetype)

        return await answer(request, fault, self.faults, accept, _Wording())

    async def _respond(self, request: web.BaseRequest) -> web.Response:
        url = self.world.urls.get(request.path.rpartition("/")[2])
        if url is None:
            return _json({"ok": False, "error": "expired_url"}, status=404)
        try:
            fields = await read_fields(request)
        except (ValueError, web.HTTPRequestEntityTooLarge):
            return _json({"ok": False, "error": "invalid_payload"}, status=400)
        known = url
        fault = self.faults.take("response_url", url.channel.id)
        self.journal.record("response_url", fields, token="", fault=fault, via="response_url")
        return await answer(request, fault, self.faults, lambda: self._accept_response(known, fields), _Wording())

    async def _accept_response(self, url: ResponseUrl, fields: Fields) -> web.Response:
        try:
            slack_responses.respond(self.world, url, fields, self.happened)
        except Declined as refusal:
            status = 404 if refusal.error in ("expired_url", "used_url") else 400
            return _json({"ok": False, "error": refusal.error}, status=status)
        finally:
            self.journal.changed()
        return _json({"ok": True})
