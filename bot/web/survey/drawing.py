"""Survey pages as HTML: templates, the language of whoever reads, and what browsers may do with them."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from aiohttp import web

from bot.config import PageSettings
from bot.conversations.questions import in_locale
from bot.languages.tags import direction, nearest
from bot.languages.voice import Voice
from bot.web.dashboard.drawing import Words
from bot.web.html import POLICY, give_asset, tag_of, templates_of
from bot.web.widget import ink_on

_TYPES = {"page.css": "text/css", "page.js": "text/javascript"}
_PACKAGE = __package__ or "bot.web.survey"
TEMPLATES = templates_of(_PACKAGE)


def draw(
    template: str,
    settings: PageSettings,
    company: str,
    voice: Voice,
    values: Mapping[str, object],
    *,
    status: int = 200,
) -> web.Response:
    """A page that no cache keeps and no search engine lists."""
    words, locale = Words(voice), voice.locale
    text = TEMPLATES.get_template(template).render(
        t=words,
        lang=locale,
        dir=direction(locale),
        title=in_locale(settings.title, locale, "en") or company,
        company=company,
        **values,
    )
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers.update(
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": POLICY,
            "X-Robots-Tag": "noindex, nofollow",
            "Vary": "Accept-Language",
        }
    )
    return response


def message(settings: PageSettings, company: str, voice: Voice, title: str, text: str, *, status: int) -> web.Response:
    """A page that says one thing, by the keys of two sentences."""
    return draw("message.html", settings, company, voice, {"says": title, "more": text}, status=status)


def asset(request: web.Request, name: str, colour: str) -> web.Response:
    """The script or the style of the pages, or 304 for a browser that has it."""
    if name not in _TYPES:
        raise web.HTTPNotFound
    body, tag = _asset(name, colour)
    return give_asset(request, body, tag, _TYPES[name])


@lru_cache(maxsize=8)
def _asset(name: str, colour: str) -> tuple[bytes, str]:
    body = files(_PACKAGE).joinpath("static", name).read_bytes()
    if name == "page.css":
        # Nothing inline may style a page, so the colour of the settings stands in its style sheet.
        body = f":root{{--brand:{colour};--on-brand:{ink_on(colour)}}}\n".encode() + body
    return body, tag_of(body)


def spoken(offered: Sequence[str], fallback: str, wanted: str | None, accept: str) -> str:
    """The language to begin with: the one that is wanted, else the browser's first one that is offered.

    >>> spoken(("en", "vi"), "en", None, "fr;q=0.9, VI-vn, en;q=0.5"), spoken(("en", "vi"), "en", "vi", "en")
    ('vi', 'vi')
    """
    found = (nearest(tag, offered) for tag in ([wanted] if wanted else _accepted(accept)))
    return next((tag for tag in found if tag is not None), fallback)


def _accepted(header: str) -> list[str]:
    """The tags of an Accept-Language header, the most welcome first."""
    weighted = []
    for part in header[:500].split(","):
        tag, _, quality = part.strip().partition(";")
        weighted.append((_quality(quality), tag.strip()))
    weighted.sort(key=lambda each: each[0], reverse=True)
    return [tag for quality, tag in weighted if tag and quality > 0]


def _quality(text: str) -> float:
    name, _, number = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(number)
    except ValueError:
        return 0.0
