"""Personal links in bulk: for those who send e-mails or print cards, and know whom each one is for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from bot.channels.names import shown_name
from bot.config import CurrentSettings, Settings
from bot.ports import Clock, Link, Links
from bot.web.api import Name, Refused, Tag, Value, json_response, read_body_as
from bot.web.interactions import GROUPING, LONGEST_GROUP
from bot.web.links import deep_link, new_link, page_address, page_of

#: links of one request
MOST = 1_000
_LONGEST_VALUE = 2_000

#: The bot's name in Telegram, for deep links; empty where there is no bot or nobody knows its name.
BotName = Callable[[], Awaitable[str]]


class LinkFor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One link to make: for the customer of a reference, or, without one, for everybody."""

    customer: Name | None = None
    #: an IETF language tag, such as "vi" or "pt-BR"
    language: Tag | None = None
    #: what texts, conditions and reports may use; "reference" names the dealing
    attributes: Annotated[Mapping[Name, Value], msgspec.Meta(max_length=50)] = {}


class LinksAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Links to one flow (the first one of the settings if none is named), at most 1,000 at a time::

    {"flow": "support_csat", "expires_at": "2026-06-01T00:00:00Z",
     "links": [{"customer": "C-1042", "language": "vi", "attributes": {"reference": "ticket-81", "agent": "Minh"}}]}
    """

    links: Annotated[tuple[LinkFor, ...], msgspec.Meta(min_length=1, max_length=MOST)]
    flow: Name | None = None
    #: None: never
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class MadeLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was made: the address of its page, and what opens the chat with the bot; null where there is none."""

    id: str
    customer: str | None
    page: str | None
    telegram: str | None


class MadeLinks(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of the request."""

    links: tuple[MadeLink, ...]


class LinksApi:
    """``known_as`` tells the company's reference of a customer as it is kept."""

    def __init__(
        self,
        *,
        links: Links,
        settings: CurrentSettings,
        clock: Clock,
        bot_name: BotName,
        known_as: Callable[[str], str],
    ) -> None:
        self._links = links
        self._settings = settings
        self._clock = clock
        self._bot_name = bot_name
        self._known_as = known_as

    async def make(self, _request: web.Request, body: bytes) -> web.Response:
        """POST /api/v1/links: all of them, or none where a value is wrong. Raises Refused, StoreUnavailable."""
        read = read_body_as(body, LinksAsked)
        if isinstance(read, web.Response):
            return read
        settings, now = self._settings(), self._clock()
        flow = _flow(read, settings)
        if read.expires_at is not None and read.expires_at <= now:
            raise Refused("This time has passed; a link would lead nowhere.", field="expires_at")
        made = [self._link(each, n, flow, read.expires_at, now) for n, each in enumerate(read.links)]
        # side by side, so that they share commits
        await asyncio.gather(*(self._links.keep(link) for link in made))
        bot = await self._bot_name()
        shown = zip(made, read.links, strict=True)
        answer = MadeLinks(links=tuple(_made(link, asked, bot, settings) for link, asked in shown))
        return json_response(answer, status=201)

    def _link(self, asked: LinkFor, n: int, flow: str, expires_at: datetime | None, now: datetime) -> Link:
        return new_link(
            flow,
            now,
            customer=self._known_as(asked.customer) if asked.customer else None,
            locale=asked.language.replace("_", "-") if asked.language else None,
            attributes=attributes_of(asked.attributes, f"links[{n}].attributes"),
            expires_at=expires_at,
        )


def attributes_of(given: Mapping[str, str], field: str) -> dict[str, str]:
    """What is shown of attributes: one line each. Raises Refused for what would be a group of the figures and is none.

    ``field`` is where they stand in what was sent.
    """
    for name in GROUPING:
        if len(given.get(name, "")) > LONGEST_GROUP:
            raise Refused(f"This is longer than {LONGEST_GROUP} characters.", field=f"{field}.{name}")
    return {name: shown for name, value in given.items() if (shown := shown_name(value, _LONGEST_VALUE))}


def _flow(asked: LinksAsked, settings: Settings) -> str:
    flow = settings.flow_or_first(asked.flow or "")
    if flow is None:
        known = ", ".join(pinned.flow.id for pinned in settings.askable())
        raise Refused(f"There is no flow {asked.flow!r}; there are: {known}.", field="flow")
    return flow.flow.id


def _made(link: Link, asked: LinkFor, bot: str, settings: Settings) -> MadeLink:
    return MadeLink(
        id=link.id,
        customer=asked.customer,
        page=page_address(settings, link) if page_of(settings) else None,
        telegram=deep_link(bot, link) if bot else None,
    )
