"""The preview's addresses: on the server for whoever is signed in, and by itself for whoever writes a config file."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files

import msgspec
from aiohttp import web

from bot.config import CurrentSettings, PageSettings, Settings, WebchatSettings
from bot.config.state import BrokenNow, never
from bot.conversations.questions import in_locale
from bot.ports import Clock
from bot.toml_tables import did_you_mean
from bot.web.dashboard.drawing import asset, trouble_now, words_for
from bot.web.dashboard.signing_in import Door
from bot.web.html import POLICY, give_asset, tag_of, templates_of
from bot.web.preview.asked import PANES, Fields, read_asked
from bot.web.preview.board import board_of, endonym
from bot.web.widget import ink_on

_PACKAGE = __package__ or "bot.web.preview"
_PAGES = templates_of(_PACKAGE, "bot.web.dashboard")
_COLOUR = "#2563eb"
#: values of a form beyond these are nobody's
_MOST_VALUES = 60


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the files of the settings; with ``errors``, the settings are those that were good last, if any."""

    name: str
    settings: Settings | None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def add_preview(app: web.Application, *, settings: CurrentSettings, clock: Clock, broken: BrokenNow = never) -> None:
    """Add the page to a server that has the dashboard; it shows the flows in force, and its banner tells of others."""
    door = Door(settings, clock)

    async def page(request: web.Request) -> web.Response:
        session = door.session(request)
        if session is None:
            return door.to_sign_in(request)
        now = settings()
        around = {"session": session, "trouble": trouble_now(broken, now, words_for(now))}
        return await asyncio.to_thread(_page, _fields(request), now, around)

    async def style(request: web.Request) -> web.Response:
        return _style(request, settings())

    app.router.add_get("/preview", page)
    app.router.add_get("/preview/page.css", style)


def add_preview_alone(app: web.Application, read: Callable[[], Awaitable[Files]]) -> None:
    """Add the page, and nothing else of the dashboard, to a server of one person; the files are read for each look."""

    async def page(request: web.Request) -> web.Response:
        found = await read()
        around = {"files": found}
        return await asyncio.to_thread(_page, _fields(request), found.settings or Settings(company=""), around)

    async def style(request: web.Request) -> web.Response:
        return _style(request, (await read()).settings or Settings(company=""))

    async def to_page(_request: web.Request) -> web.Response:
        return web.Response(status=303, headers={"Location": "/preview"})

    async def static(request: web.Request) -> web.Response:
        return asset(request, request.match_info["name"])

    app.router.add_get("/", to_page)
    app.router.add_get("/preview", page)
    app.router.add_get("/preview/page.css", style)
    app.router.add_get("/dashboard/{name}", static)


def _fields(request: web.Request) -> Fields:
    found: dict[str, list[str]] = {}
    for name, value in list(request.query.items())[:_MOST_VALUES]:
        found.setdefault(name, []).append(value)
    return found


def _page(fields: Fields, settings: Settings, around: Mapping[str, object]) -> web.Response:
    words, asked = words_for(settings), read_asked(fields, settings)
    wanted = next(iter(fields.get("flow", ())), "")
    values: dict[str, object] = {
        "company": settings.company,
        "flows": [
            (each.flow.id, in_locale(each.flow.title, words.locale, each.flow.locale)) for each in settings.flows
        ],
        "asked": asked,
        "panes": PANES,
        "endonym": endonym,
        "board": None if asked is None else board_of(asked, settings),
        "unknown": wanted if asked is None else "",
        "advice": did_you_mean(wanted, [each.flow.id for each in settings.flows]) if asked is None else "",
        "files": None,
        **around,
    }
    text = _PAGES.get_template("preview.html").render(t=words, **values)
    status = 404 if asked is None and wanted else 200
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers.update({"Cache-Control": "no-store", "Content-Security-Policy": POLICY})
    return response


def _style(request: web.Request, settings: Settings) -> web.Response:
    """The style of the page, with the colours of the widget and of the survey page in front."""
    widget = next((each.colour for each in settings.channels if isinstance(each, WebchatSettings)), "") or _COLOUR
    survey = next((each.colour for each in settings.channels if isinstance(each, PageSettings)), "") or _COLOUR
    colours = (
        f":root{{--widget:{widget};--on-widget:{ink_on(widget)};--survey:{survey};--on-survey:{ink_on(survey)}}}\n"
    )
    body = colours.encode() + files(_PACKAGE).joinpath("static", "preview.css").read_bytes()
    return give_asset(request, body, tag_of(body), "text/css")
