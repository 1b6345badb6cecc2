"""The queue as pages: sign in, see which cases wait, look at one, act on it. All drawn by the server."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.config import CurrentSettings
from bot.config.state import BrokenNow, never
from bot.delivery import FileLink
from bot.errors import StoreRefused, StoreUnavailable
from bot.ports import Cases, Clock, Handle
from bot.web.dashboard.drawing import asset, message, words_for
from bot.web.dashboard.forms import FormRefused
from bot.web.dashboard.pages import Pages
from bot.web.dashboard.signing_in import Door

__all__ = ["add_dashboard"]

_Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_dashboard(
    app: web.Application,
    *,
    settings: CurrentSettings,
    cases: Cases,
    handle: Handle,
    clock: Clock,
    file_link: FileLink,
    session_clock: Clock | None = None,
    broken: BrokenNow = never,
) -> None:
    """Add the pages' addresses to a server; by ``session_clock`` one stays signed in, where it is another one."""
    door = Door(settings, session_clock or clock)
    pages = Pages(
        door=door, settings=settings, cases=cases, handle=handle, clock=clock, file_link=file_link, broken=broken
    )

    def kept(handler: _Handler) -> _Handler:
        return _with_errors(handler, settings)

    async def static(request: web.Request) -> web.Response:
        return asset(request, request.match_info["name"])

    app.router.add_get("/dashboard/{name}", static)
    app.router.add_get("/sign-in", kept(door.show))
    app.router.add_post("/sign-in", kept(door.sign_in))
    app.router.add_post("/sign-out", kept(door.sign_out))
    app.router.add_get("/cases", kept(pages.queue))
    app.router.add_get("/cases/{case:[0-9a-z]{1,32}}", kept(pages.case))
    app.router.add_post("/cases/{case:[0-9a-z]{1,32}}/{deed:[a-z]+}", kept(pages.act))


def _with_errors(handler: _Handler, settings: CurrentSettings) -> _Handler:
    """What goes wrong as a page in the agents' language."""

    async def guarded(request: web.Request) -> web.Response:
        words = words_for(settings())
        try:
            return await handler(request)
        except FormRefused as refused:
            return message(words, "refused", status=refused.status)
        except StoreUnavailable:
            away = message(words, "unavailable", status=503)
            away.headers["Retry-After"] = "2"
            return away
        except StoreRefused:
            return message(words, "refused", status=422)

    return guarded
