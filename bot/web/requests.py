"""Reading hostile requests: a size limit, a deadline for slow senders, and where a request really comes from."""

import asyncio
import ipaddress
import logging
from functools import cache

from aiohttp import web

from bot.config import CurrentSettings
from bot.ports import Raw
from bot.web.api import problem

log = logging.getLogger(__name__)

#: Seconds that a body may take to arrive; aiohttp itself would wait for ever.
BODY_DEADLINE = 15.0


def refuse_encoding(request: web.Request) -> web.Response | None:
    """The error response for a body that is compressed: nobody whom we serve does that."""
    if "Content-Encoding" not in request.headers:
        return None
    encodings = ",".join(request.headers.getall("Content-Encoding"))
    if {each.strip().lower() for each in encodings.split(",")} <= {"", "identity"}:
        return None
    message = "Send the body as it is, without Content-Encoding."
    return _and_close(problem(415, "encoding", message, headers={"Accept-Encoding": "identity"}))


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
        return _and_close(problem(408, "slow", message))
    except (web.RequestPayloadError, ConnectionError, ValueError):
        return _and_close(problem(400, "body", "The body broke off; send it again."))
    return bytes(body)


def raw_from(request: web.Request, body: bytes, remote: str) -> Raw:
    """The request as channels read it; of repeated headers and query keys the first one counts.

    ``remote`` is whom it counts for.
    """
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
        remote=remote,
    )


_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Senders:
    """Tells whom a request counts for: by their network address, which limits go by."""

    def __init__(self, settings: CurrentSettings) -> None:
        self._settings = settings
        self._told = False

    def address(self, request: web.Request) -> str:
        """The sender's address: the peer's, or the one that trusted proxies name.

        ``X-Forwarded-For`` is read from its end, where the nearest proxy wrote: the first hop that is no trusted proxy
        is the sender. What stands further left is the sender's own invention, like the header of anybody else.
        """
        forwarded = request.headers.getall("X-Forwarded-For", [])
        sender = _ip(request.remote or "")
        if sender is None:
            return request.remote or ""
        trusted = _networks(self._settings().server.trusted_proxies)
        if forwarded and not _within(sender, trusted):
            self._warn(sender)
        for hop in reversed([each for value in forwarded for each in value.split(",")]):
            named = _ip(_without_port(hop.strip()))
            if named is None or not _within(sender, trusted):
                break
            sender = named
        return str(sender)

    def _warn(self, peer: _Ip) -> None:
        """Say once that a proxy which nobody named makes all visitors look like one."""
        if self._told or not peer.is_private:
            return
        self._told = True
        log.warning(
            "%s sends X-Forwarded-For and is not believed, so all who come through it share one limit; "
            "if it is your reverse proxy, name it in [server] trusted_proxies",
            peer,
        )


@cache
def _networks(proxies: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(proxy) for proxy in proxies)


def _within(address: _Ip, networks: tuple[_Network, ...]) -> bool:
    return any(address in network for network in networks)


def _ip(text: str) -> _Ip | None:
    """An address in its one form: a socket for both families shows IPv4 peers as IPv6."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _without_port(hop: str) -> str:
    """Some proxies write the port, too.

    >>> _without_port("203.0.113.7:4711"), _without_port("[2001:db8::7]:4711"), _without_port("2001:db8::7")
    ('203.0.113.7', '2001:db8::7', '2001:db8::7')
    """
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _too_large(largest: int) -> web.Response:
    message = f"The body is larger than {largest:,} bytes; send less."
    return _and_close(problem(413, "too_large", message))


def _and_close(response: web.Response) -> web.Response:
    # What remains of the body is not read, so the connection cannot be used again.
    response.force_close()
    return response
