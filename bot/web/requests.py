"""Reading hostile requests: a size limit, a deadline for slow senders, and where a request really comes from."""

import asyncio
import ipaddress

from aiohttp import web

from bot.ports import Raw
from bot.web.api import problem

#: Seconds that a body may take to arrive; aiohttp itself would wait for ever.
BODY_DEADLINE = 15.0


async def read_body(request: web.Request, largest: int, deadline: float) -> bytes | web.Response:
    """The body, or the error response for one that is too large, too slow or broken off."""
    if (request.content_length or 0) > largest:
        return _too_large(largest)
    body = bytearray()
    try:
        async with asyncio.timeout(deadline):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > largest:
                    return _too_large(largest)
    except TimeoutError:
        message = f"The body did not arrive within {deadline:g} seconds; send it again at once."
        return problem(408, "slow", message, headers={"Connection": "close"})
    except (web.RequestPayloadError, ConnectionError, ValueError):
        return problem(400, "body", "The body broke off; send it again.", headers={"Connection": "close"})
    return bytes(body)


def raw_from(request: web.Request, body: bytes) -> Raw:
    """The request as channels read it; of repeated headers and query keys the first one counts."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers.setdefault(name.lower(), value)
    query: dict[str, str] = {}
    for name, value in request.query.items():
        query.setdefault(name, value)
    return Raw(
        path=request.path,
        headers=headers,
        body=body,
        method=request.method,
        query=query,
        remote=client_address(request),
    )


def client_address(request: web.Request) -> str:
    """The sender's network address, for rate limits.

    A reverse proxy stands on this host or in a private network; then the last entry of ``X-Forwarded-For``, the one
    that the nearest proxy wrote, names the sender. From anywhere else that header is the sender's own invention.
    """
    peer = request.remote or ""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    forwarded = request.headers.getall("X-Forwarded-For", [])
    if forwarded and (address.is_private or address.is_loopback):
        return forwarded[-1].rpartition(",")[2].strip()[:64] or peer
    return peer


def _too_large(largest: int) -> web.Response:
    message = f"The body is larger than {largest:,} bytes; send less."
    # What remains of the body is not read, so the connection cannot be used again.
    return problem(413, "too_large", message, headers={"Connection": "close"})
