"""Customers' files for agents: links that prove themselves, behind which a file is fetched from its own service.

Nothing is stored here: the link names the channel, that channel's own reference, and until when it holds, signed with
a key of the database. Whoever has the link has the file, as whoever is in the agents' room has the customer's words.
"""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Literal
from urllib.parse import quote

import msgspec
from aiohttp import web

from bot.config import Settings
from bot.errors import SendFailed
from bot.messages import Attachment, ChannelName
from bot.ports import Channel, Clock, File

LASTS = timedelta(days=30)
#: Files in memory at once: each may be 20 MB.
AT_ONCE = 4
#: What a browser shows without running anything; SVG is a picture that runs scripts.
_HARMLESS = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "application/pdf"})
_NEUTRAL = "application/octet-stream"
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex",
}
_TRY_AGAIN = {"Retry-After": "60"}
_SIGNATURE = 32


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What a link names."""

    channel: ChannelName
    reference: str
    #: as its sender called it; empty where they did not
    name: str = ""


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    channel: str
    reference: str
    name: str
    #: seconds since 1970
    until: int


class FileLinks:
    """Makes the links and reads them again; ``key`` is 32 bytes that only this database's processes know."""

    def __init__(self, key: bytes, *, clock: Clock, public_url: Callable[[], str], lasts: timedelta = LASTS) -> None:
        self._key = key
        self._clock = clock
        self._public_url = public_url
        self._lasts = lasts

    def link(self, channel: ChannelName, attachment: Attachment) -> str:
        """The address of a customer's file, for so long."""
        until = int((self._clock() + self._lasts).timestamp())
        kept = msgspec.json.encode(_Kept(channel, attachment.reference, attachment.name or "", until))
        token = base64.urlsafe_b64encode(self._sign(kept) + kept).decode().rstrip("=")
        return f"{self._public_url()}/files/{token}"

    def read(self, token: str) -> Named | Literal["unknown", "expired"]:
        """What a link names; *unknown* for a forged or mangled one. Never raises."""
        try:
            signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return "unknown"
        signature, body = signed[:_SIGNATURE], signed[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(body)):
            return "unknown"
        kept = msgspec.json.decode(body, type=_Kept)
        if self._clock().timestamp() >= kept.until:
            return "expired"
        return Named(channel=ChannelName(kept.channel), reference=kept.reference, name=kept.name)

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")


def add_files(
    app: web.Application,
    links: FileLinks,
    channels: Mapping[ChannelName, Channel],
    settings: Callable[[], Settings],
) -> None:
    """Serve ``GET /files/<token>``; what is wrong is told in the agents' language."""
    places = asyncio.Semaphore(AT_ONCE)

    def told(status: int, key: str, headers: Mapping[str, str] | None = None, **variables: object) -> web.Response:
        words = settings().agents_voice().say(f"file.{key}", **variables)
        return web.Response(status=status, text=f"{words}\n", headers={**_HEADERS, **(headers or {})})

    async def serve(request: web.Request) -> web.Response:
        named = links.read(request.match_info["token"])
        if not isinstance(named, Named):
            return told(410 if named == "expired" else 404, named)
        channel = channels.get(named.channel)
        if channel is None:
            return told(410, "gone")
        try:
            async with places:
                file = await channel.fetch(named.reference)
        except SendFailed as failure:
            return told(503, "later", _TRY_AGAIN) if failure.retryable else told(502, "refused", why=failure.reason)
        return told(410, "gone") if file is None else _answer(file, named.name or file.name)

    app.router.add_get("/files/{token}", serve, allow_head=False)


def _answer(file: File, name: str) -> web.Response:
    headers = {**_HEADERS, "Content-Type": _kind(file.kind), "Content-Disposition": _disposition(name)}
    return web.Response(body=file.body, headers=headers)


def _kind(told: str) -> str:
    kind = told.partition(";")[0].strip().lower()
    plain = kind.isascii() and kind.replace("/", "", 1).replace("-", "").replace(".", "").isalnum()
    return kind if kind in _HARMLESS or (kind.startswith("audio/") and plain) else _NEUTRAL


def _disposition(name: str) -> str:
    """Always to be saved and never shown in our name; a name may hold whatever its sender liked.

    >>> _disposition('báo "giá".pdf')
    'attachment; filename="b_o _gi__.pdf"; filename*=UTF-8\\'\\'b%C3%A1o%20%22gi%C3%A1%22.pdf'
    """
    name = name.replace("/", "_").replace("\\", "_").strip() or "file"
    ascii_name = "".join(each if each.isascii() and each.isprintable() and each not in '"%' else "_" for each in name)
    encoded = quote(name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{encoded}"
