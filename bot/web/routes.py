"""The addresses of the HTTP server and what stands behind each: one aiohttp application from parts passed in."""

import asyncio
import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from bot.channels.webchat import WebchatChannel
from bot.config import CurrentSettings
from bot.config.state import BrokenNow, never
from bot.errors import StoreRefused, StoreUnavailable
from bot.messages import ChannelName
from bot.ports import Channel, ChatLog, Clock, Handle, Ledger
from bot.web.api import Interactions, Refused, holds_key, json_response, problem
from bot.web.cases_api import CasesApi, Queue
from bot.web.dashboard import add_dashboard
from bot.web.decisions_api import DecisionsApi
from bot.web.deeds import DEEDS, Body
from bot.web.events import HEARTBEAT, Streams
from bot.web.links_api import LinksApi
from bot.web.openapi import description
from bot.web.preview import add_preview
from bot.web.reports_api import ReportsApi
from bot.web.requests import BODY_DEADLINE, Senders, raw_from, read_body, refuse_encoding
from bot.web.triggers import Triggers, add_triggers
from bot.web.widget import Script, settings_response

log = logging.getLogger(__name__)

#: Rows of figures that msgspec can write as JSON.
Report = Callable[[], Awaitable[object]]
#: Returns when the database answers and its migrations are done; raises otherwise.
Ready = Callable[[], Awaitable[None]]

#: Bytes: no config may take more.
LARGEST_BODY = 67_108_864
#: Seconds that a readiness check may take.
READY_DEADLINE = 3.0
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_METHODS = frozenset({"GET", "POST", "OPTIONS"})
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TRY_AGAIN = {"Retry-After": "2"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The parts that the server joins."""

    channels: Mapping[ChannelName, Channel]
    handle: Handle
    chat: ChatLog
    settings: CurrentSettings
    interactions: Interactions
    report: Report
    queue: Queue
    ledger: Ledger
    #: makes links to surveys
    links: LinksApi
    triggers: Triggers
    ready: Ready
    #: what is wrong with the files of the settings
    broken: BrokenNow = never
    #: by which agents stay signed in; None: that of the queue
    session_clock: Clock | None = None
    #: the company's reference of a customer, as it is kept
    known_as: Callable[[str], str] = str
    #: seconds between two signs of life on a live stream
    heartbeat: float = HEARTBEAT


def application(site: Site) -> web.Application:
    """The server; whoever runs it adds pages of their own before it starts."""
    streams = Streams(site.chat, heartbeat=site.heartbeat)
    # Bodies are read by read_body, with its own limit, which may change: aiohttp's must only not be lower.
    app = web.Application(middlewares=[_errors], client_max_size=LARGEST_BODY)
    _add_channels(app, site, streams)
    _add_widget(app, site)
    _add_api(app, site)
    _add_cases(app, site)
    add_triggers(app, site.triggers, site.settings)
    queue = site.queue
    add_dashboard(
        app,
        settings=site.settings,
        cases=queue.cases,
        handle=site.handle,
        clock=queue.clock,
        session_clock=site.session_clock,
        file_link=queue.file_link,
        broken=site.broken,
    )
    add_preview(app, settings=site.settings, clock=site.session_clock or queue.clock, broken=site.broken)
    _add_health(app, site)
    app.on_response_prepare.append(_secure)

    async def end_streams(_app: web.Application) -> None:
        streams.close()

    app.on_shutdown.append(end_streams)
    return app


_PassOn = Callable[[web.Request, Channel], Awaitable[web.StreamResponse]]


def _add_channels(app: web.Application, site: Site, streams: Streams) -> None:
    senders = Senders(site.settings)

    async def pass_on(request: web.Request, channel: Channel) -> web.StreamResponse:
        body = await read_body(request, site.settings().server.max_body, BODY_DEADLINE)
        if isinstance(body, web.Response):
            return body
        reply = await channel.receive(raw_from(request, body, senders.address(request)), site.handle)
        return web.Response(status=reply.status, body=reply.body or None, headers=dict(reply.headers))

    async def receive(request: web.Request) -> web.StreamResponse:
        channel = site.channels.get(ChannelName(request.match_info["name"]))
        if channel is None:
            return problem(
                404, "channel", "There is no channel of this name; look for [channels.<name>] in the configuration."
            )
        if request.method not in _METHODS:
            return problem(405, "method", "Use POST.", headers={"Allow": "GET, POST, OPTIONS"})
        if isinstance(channel, WebchatChannel):
            return await _webchat(request, channel, pass_on, streams)
        return await pass_on(request, channel)

    app.router.add_route("*", "/channels/{name}", receive)
    app.router.add_route("*", "/channels/{name}/{tail:.*}", receive)


async def _webchat(
    request: web.Request, channel: WebchatChannel, pass_on: _PassOn, streams: Streams
) -> web.StreamResponse:
    """A request of the widget: a live stream or a command; every answer can be read by the page, errors too."""
    cors = channel.cors(request.headers.get("Origin", ""))
    if cors is None:
        return problem(403, "origin", "This page may not embed the chat; add its origin to 'origins' of the channel.")
    try:
        response: web.StreamResponse
        if request.method == "OPTIONS":
            response = web.Response(status=204)
        elif request.method == "GET" and request.match_info.get("tail") == "events":
            response = await streams.serve(request, channel)
        else:
            response = await pass_on(request, channel)
    except StoreUnavailable:
        response = _unavailable()
    except StoreRefused:
        response = _refused()
    if not response.prepared:
        response.headers.update({**cors, "Cross-Origin-Resource-Policy": "cross-origin"})
    return response


def _add_widget(app: web.Application, site: Site) -> None:
    script = Script()

    async def widget_script(request: web.Request) -> web.Response:
        return script.respond(request)

    async def widget_settings(request: web.Request) -> web.Response:
        channel = site.channels.get(ChannelName(request.match_info["name"]))
        if not isinstance(channel, WebchatChannel):
            return problem(404, "channel", "There is no web chat of this name; check data-channel of the script tag.")
        cors = channel.cors(request.headers.get("Origin", ""))
        if cors is None:
            return problem(
                403, "origin", "This page may not embed the chat; add its origin to 'origins' of the channel."
            )
        return settings_response(request, channel.settings, lambda locale: site.settings().voice(locale), cors)

    app.router.add_get("/widget.js", widget_script)
    app.router.add_get("/widget/{name}/settings", widget_settings)


def _add_api(app: web.Application, site: Site) -> None:
    async def report(_request: web.Request) -> web.StreamResponse:
        return json_response(await site.report())

    async def described(_request: web.Request) -> web.StreamResponse:
        return json_response(description(site.settings().server.public_url))

    told = ReportsApi(
        interactions=site.interactions,
        repeats=site.queue.repeats,
        settings=site.settings,
        channels=site.channels.keys(),
    )
    decisions = DecisionsApi(ledger=site.ledger, settings=site.settings, known_as=site.known_as)
    app.router.add_post("/api/v1/interactions", _for_keys(_with_body(told.report, site), site))
    app.router.add_post("/api/v1/interactions/events", _for_keys(_with_body(told.hear, site), site))
    app.router.add_get("/api/v1/decisions", _for_keys(decisions.list, site))
    app.router.add_post("/api/v1/links", _for_keys(_with_body(site.links.make, site), site))
    app.router.add_get("/api/v1/triggers", _for_keys(site.triggers.list, site))
    app.router.add_get("/api/v1/report", _for_keys(report, site))
    app.router.add_get("/api/v1/openapi.json", described)


def _with_body(handler: Callable[[web.Request, bytes], Awaitable[web.StreamResponse]], site: Site) -> _Handler:
    async def read(request: web.Request) -> web.StreamResponse:
        body = await _body(request, site)
        return body if isinstance(body, web.Response) else await handler(request, body)

    return read


def _add_cases(app: web.Application, site: Site) -> None:
    api = CasesApi(queue=site.queue, handle=site.handle, settings=site.settings)

    def acting(kind: type[Body]) -> _Handler:
        async def act(request: web.Request) -> web.StreamResponse:
            body = await _body(request, site)
            return body if isinstance(body, web.Response) else await api.act(request, kind, body)

        return act

    app.router.add_get("/api/v1/cases", _for_keys(api.list, site))
    app.router.add_get("/api/v1/cases/{id}", _for_keys(api.show, site))
    app.router.add_get("/api/v1/reports/followup", _for_keys(api.followup, site))
    for deed, kind in DEEDS.items():
        app.router.add_post(f"/api/v1/cases/{{id}}/{deed}", _for_keys(acting(kind), site))


def _body(request: web.Request, site: Site) -> Awaitable[bytes | web.Response]:
    return read_body(request, site.settings().server.max_body, BODY_DEADLINE)


def _for_keys(handler: _Handler, site: Site) -> _Handler:
    """The handler for those who hold an API key, with what it refuses as a response."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        refusal = _refuse_key(request, site)
        if refusal is not None:
            return refusal
        try:
            return await handler(request)
        except Refused as refused:
            return problem(422, "refused", str(refused), field=refused.field)

    return guarded


def _refuse_key(request: web.Request, site: Site) -> web.Response | None:
    keys = site.settings().server.api_keys
    if holds_key(request.headers, keys):
        return None
    message = (
        "Send an API key as 'Authorization: Bearer <key>' or 'X-Api-Key: <key>'."
        if keys
        else "No API key is configured; set server.api_keys."
    )
    return problem(401, "api_key", message, headers={"WWW-Authenticate": "Bearer"})


def _add_health(app: web.Application, site: Site) -> None:
    async def alive(_request: web.Request) -> web.Response:
        broken = site.broken()
        if broken is None:
            return json_response({"status": "ok"})
        # What is wrong stands in the log and on the dashboard: anybody may ask here.
        return json_response({"status": "ok", "settings": "broken", "since": broken.since})

    async def ready(_request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(READY_DEADLINE):
                await site.ready()
        except Exception as error:  # whatever it is, this process should get no requests now
            log.warning("not ready: %s", type(error).__name__)
            return json_response({"status": "not ready"}, status=503, headers=_TRY_AGAIN)
        return json_response({"status": "ready"})

    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)


@web.middleware
async def _errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Every error as JSON; an unexpected one under an id that the log has too, with neither body nor its text."""
    try:
        return refuse_encoding(request) or await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
        code = error.reason.lower().replace(" ", "_")
        return problem(error.status, code, f"{error.status}: {error.reason}.", headers=headers)
    except StoreUnavailable:
        return _unavailable()
    except StoreRefused:
        return _refused()
    except ConnectionError:
        raise
    except Exception as error:
        id = secrets.token_hex(6)
        # The error's own text may quote what a customer wrote; where it happened tells enough.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("error %s: %s in %s %s\n%s", id, type(error).__name__, request.method, _pattern(request), where)
        return problem(500, "internal", f"Something went wrong here; the log has it under {id}.")


def _pattern(request: web.Request) -> str:
    """The route's address as it is written in the program: the real one may hold a token that opens a file."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "an unknown address"


def _unavailable() -> web.Response:
    return problem(503, "unavailable", "The database does not answer; nothing was kept, try again.", headers=_TRY_AGAIN)


def _refused() -> web.Response:
    # The database's own words may quote the values.
    return problem(422, "refused", "The database cannot keep one of these values; nothing was kept.")


async def _secure(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _SECURITY.items():
        response.headers.setdefault(name, value)
