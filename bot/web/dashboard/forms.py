"""What a browser sends: a form's fields, whether the form was ours, and where to go on afterwards."""

import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from bot.config import ServerSettings
from bot.errors import AfterchatError
from bot.web.requests import BODY_DEADLINE, read_body

#: octets of a form: a long answer, in letters of three octets that a form writes as nine
LARGEST = 256 * 1024
_FIELDS = 40
#: a page of ours; what a browser may read as another host ("//evil", "/\\evil") is none
_OURS = re.compile(r"(?:/cases(?:/[0-9a-z]{1,32})?|/preview)(?:\?[!-\[\]-~]{0,500})?")


class FormRefused(AfterchatError):
    """What was sent is no form of ours; ``status`` is that of the response."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the form is refused with {status}")
        self.status = status


async def read_form(request: web.Request, server: ServerSettings) -> Mapping[str, str]:
    """The fields of a form, of repeated ones the last. Raises FormRefused.

    Line ends are those of Unix, and NUL, which no database takes, is left out.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise FormRefused(415)
    if not _is_from_here(request, server.public_url):
        raise FormRefused(403)
    body = await read_body(request, min(LARGEST, server.max_body), BODY_DEADLINE)
    if isinstance(body, web.Response):
        raise FormRefused(body.status)
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise FormRefused(400) from None
    return {name: value.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "") for name, value in pairs}


def _is_from_here(request: web.Request, public_url: str) -> bool:
    """Whether a page of this server sent a form, as far as the browser tells.

    A page that tells nobody where its readers come from sends the origin "null", so what the browser itself says of
    the sender comes first; it says so to https and loopback only. Behind a proxy the server may know its own name
    only from ``public_url``.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin", "null")
    sent, ours = urlsplit(origin), urlsplit(public_url)
    return origin == "null" or (sent.scheme, sent.netloc) == (ours.scheme, ours.netloc) or sent.netloc == request.host


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal; none is equal to nothing."""
    return bool(one) and hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def page_of_ours(path: str) -> str:
    """The page to go on with: the one asked for if it is one of ours, else the queue.

    >>> page_of_ours("/cases/0k3f?done=claim"), page_of_ours("//evil.example/cases"), page_of_ours("/cases\\\\@evil")
    ('/cases/0k3f?done=claim', '/cases', '/cases')
    """
    return path if _OURS.fullmatch(path) else "/cases"
