"""The page behind survey links: it begins a survey, asks its questions, and is the chat in which agents answer.

Programs that look through mail open every link, so nothing is changed by a GET; the first press, or the script of a
page that somebody reads, begins the survey. All of it works without a script.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from aiohttp import web

from bot.channels.page import PageChannel
from bot.config import CurrentSettings
from bot.errors import StoreRefused, StoreUnavailable
from bot.messages import ChannelName
from bot.ports import Channel, ChatLog, Clock, Handle, Links
from bot.web.dashboard.forms import FormRefused
from bot.web.survey.drawing import asset
from bot.web.survey.pages import SurveyPages, TooOften

__all__ = ["add_survey"]

_Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_survey(
    app: web.Application,
    *,
    channels: Mapping[ChannelName, Channel],
    links: Links,
    chat: ChatLog,
    handle: Handle,
    settings: CurrentSettings,
    clock: Clock,
) -> None:
    """Add the pages' addresses to a server; there is nothing behind them while no channel is of the kind "page"."""
    pages = SurveyPages(
        partial(_page_of, channels), links=links, chat=chat, handle=handle, settings=settings, clock=clock
    )

    async def static(request: web.Request) -> web.Response:
        return asset(request, request.match_info["name"], pages.channel.settings.colour)

    app.router.add_get("/survey/{name}", static)
    app.router.add_get("/s/{link}", _with_errors(pages.show, pages))
    app.router.add_post("/s/{link}", _with_errors(pages.act, pages))


def _page_of(channels: Mapping[ChannelName, Channel]) -> PageChannel:
    """The channel of the pages as it is now. Raises HTTPNotFound where there is none."""
    channel = next((channel for channel in channels.values() if isinstance(channel, PageChannel)), None)
    if channel is None:
        raise web.HTTPNotFound
    return channel


def _with_errors(handler: _Handler, pages: SurveyPages) -> _Handler:
    """What goes wrong as a page in the language of whoever reads it."""

    async def guarded(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except FormRefused as refused:
            return pages.message(request, "survey.failed", "survey.refused_text", refused.status)
        except StoreRefused:
            return pages.message(request, "survey.failed", "survey.refused_text", 422)
        except StoreUnavailable:
            away = pages.message(request, "survey.failed", "survey.failed_text", 503)
            away.headers["Retry-After"] = "2"
            return away
        except TooOften as often:
            slow = pages.message(request, "survey.failed", "widget.too_often", 429)
            slow.headers["Retry-After"] = str(math.ceil(often.wait))
            return slow

    return guarded
