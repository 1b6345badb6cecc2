"""What the widget needs from the server: its script, and its words and colours in the customer's language."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files

import msgspec
from aiohttp import web

from bot.channels.webchat import LONGEST_TEXT
from bot.config import WebchatSettings
from bot.conversations.questions import in_locale
from bot.languages import pack
from bot.languages.tags import direction
from bot.languages.voice import Speak, Voice

#: The keys of the packs that the widget shows, without "widget.".
TEXTS = (
    "open",
    "close",
    "send",
    "write",
    "reconnecting",
    "new_message",
    "feedback",
    "from_us",
    "from_you",
    "error",
)
_HEX_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}")
_MINUTES_5 = "public, max-age=300"


class Script:
    """``widget.js`` as it is served: once compressed, and named by its content so that caches can ask."""

    def __init__(self) -> None:
        self.plain = files(__package__ or "bot.web").joinpath("static/widget.js").read_bytes()
        self.compressed = gzip.compress(self.plain, 9, mtime=0)
        self._etag = _etag(self.plain)

    def respond(self, request: web.Request) -> web.Response:
        """The script, or 304 for a browser that has it."""
        headers = {
            "ETag": self._etag,
            "Cache-Control": _MINUTES_5 + ", stale-while-revalidate=86400",
            "Vary": "Accept-Encoding",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if _has(request, self._etag):
            return web.Response(status=304, headers=headers)
        body = self.plain
        if "gzip" in request.headers.get("Accept-Encoding", "").lower():
            body, headers["Content-Encoding"] = self.compressed, "gzip"
        return web.Response(body=body, content_type="text/javascript", charset="utf-8", headers=headers)


def settings_response(
    request: web.Request, settings: WebchatSettings, speak: Speak, cors: Mapping[str, str]
) -> web.Response:
    """The widget's texts, title and colour in the language of ``?language=``."""
    language = request.query.get("language", "")[:35]
    body = msgspec.json.encode(widget_settings(settings, language, speak), order="deterministic")
    headers = {
        "ETag": _etag(body),
        "Cache-Control": _MINUTES_5,
        "Cross-Origin-Resource-Policy": "cross-origin",
        **cors,
    }
    if _has(request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", headers=headers)


def widget_settings(settings: WebchatSettings, language: str, speak: Speak = Voice) -> Mapping[str, object]:
    """What the widget shows around the messages; the direction is that of the customer's own language."""
    locale = pack(language).locale
    voice = speak(locale)
    return {
        "locale": locale,
        "dir": direction(language),
        "title": in_locale(settings.title, language or locale, locale) or voice.say("widget.title"),
        "colour": settings.colour,
        "on_colour": ink_on(settings.colour),
        "longest": LONGEST_TEXT,
        "texts": {key: voice.say(f"widget.{key}") for key in TEXTS} | {"human": voice.say("command.human")},
    }


def ink_on(colour: str) -> str:
    """Dark or white, whichever stands out enough against a ``#rgb`` or ``#rrggbb`` colour; white for any other form.

    The relative luminance is that of WCAG 2; the border leaves each at least about 4 to 1.

    >>> ink_on("#2563eb"), ink_on("#fc0"), ink_on("rebeccapurple")
    ('#fff', '#10151c', '#fff')
    """
    if not _HEX_COLOUR.fullmatch(colour):
        return "#fff"
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    shares = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
    return "#10151c" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.2 else "#fff"


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:20]}"'


def _has(request: web.Request, etag: str) -> bool:
    # A proxy that compresses makes the tag a weak one.
    offered = (each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(","))
    return etag in offered
