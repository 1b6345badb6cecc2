"""What both stand-ins do with a request: read its fields, and answer it under a fault."""

import re
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, assert_never
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from bot.sandbox.faults import (
    BadSignature,
    Duplicate,
    Fault,
    Faults,
    Hang,
    RateLimited,
    Refused,
    Reorder,
    ResetAfter,
    ResetBefore,
    ServerError,
    Slow,
)

Fields = dict[str, Any]


_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?", re.IGNORECASE)

Serve = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def is_for_loopback(request: web.BaseRequest) -> bool:
    """Whether a request names this computer.

    Another site's name may be made to resolve to it, so that the site's page can talk to what listens here.
    """
    return _LOOPBACK.fullmatch(request.host) is not None


def only_loopback(serve: Serve) -> Serve:
    """Refuse what was sent to another name than this computer's."""

    async def guarded(request: web.BaseRequest) -> web.StreamResponse:
        if not is_for_loopback(request):
            return web.Response(status=403, text="The sandbox answers on 127.0.0.1 only.")
        return await serve(request)

    return guarded


class Wording(Protocol):
    """How one service words its own failures."""

    def rate_limited(self, fault: RateLimited) -> web.Response: ...

    def refused(self, fault: Refused) -> web.Response: ...


async def read_fields(request: web.BaseRequest) -> Fields:
    """Read the fields of a query, form, multipart or JSON request; ValueError where the body is none of these."""
    fields: Fields = dict(request.query) if request.query_string else {}
    if request.method == "GET" or not request.can_read_body:
        return fields
    match request.content_type:
        case "application/json":
            body = orjson.loads(await request.read())
            if not isinstance(body, dict):
                raise ValueError("the body is no JSON object")
            fields.update(body)
        case "multipart/form-data":
            form = await request.post()
            fields.update((name, value) for name, value in form.items() if isinstance(value, str))
        case _:
            fields.update(parse_qsl((await request.read()).decode(), keep_blank_values=True))
    return fields


def reset(request: web.BaseRequest) -> web.Response:
    """Reset the connection of a request; what is returned is never seen."""
    transport = request.transport
    if transport is not None:
        peer = transport.get_extra_info("socket")
        if peer is not None:
            # a linger time of zero turns the close into a TCP reset
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


async def answer(
    request: web.BaseRequest,
    fault: Fault | None,
    faults: Faults,
    accept: Callable[[], Awaitable[web.Response]],
    wording: Wording,
) -> web.Response:
    """Answer a request, wrongly if a fault says so; `accept` lets it take effect."""
    match fault:
        case None | BadSignature() | Duplicate() | Reorder():
            return await accept()
        case RateLimited():
            return wording.rate_limited(fault)
        case Refused():
            return wording.refused(fault)
        case ServerError():
            return web.Response(status=fault.status, text="<html>Bad Gateway</html>", content_type="text/html")
        case Slow():
            await faults.hold(fault.seconds)
            return await accept()
        case Hang():
            return await _hang(request, fault, faults, accept)
        case ResetBefore():
            return reset(request)
        case ResetAfter():
            await accept()
            return reset(request)
        case _:
            assert_never(fault)


async def _hang(
    request: web.BaseRequest, fault: Hang, faults: Faults, accept: Callable[[], Awaitable[web.Response]]
) -> web.Response:
    if fault.accepted:
        response = await accept()
        await faults.hold(fault.seconds)
        return response
    await faults.hold(fault.seconds)
    # a caller that gave up meanwhile must not find its request carried out
    if request.transport is None or request.transport.is_closing():
        return web.Response(status=500)
    return await accept()
