"""The whole program behind survey pages: a database, delivery, and pages, with nothing of Telegram or Slack."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any

import aiohttp
from msgspec.structs import replace

from bot.app import App, real_clock
from bot.channels.limits import Allowance
from bot.channels.page import PageChannel
from bot.config import PageSettings, ServerSettings, Settings, StorageSettings, WebchatSettings
from bot.conversations.flow import PinnedFlow, pin
from bot.conversations.questions import Choice, Choices, OpenText, Question, Rating
from bot.messages import ChannelName
from bot.ports import Link
from bot.storage import Storage
from bot.web.links import new_link
from tests.conftest import SetClock
from tests.conversations.golden import flow_named
from tests.web.scripted_site import KEY

PAGE = ChannelName("page")
SUPPORT, DELIVERY, THUMBS, PRODUCT = (flow_named(name) for name in ("support", "delivery", "thumbs", "product"))
_ARABIC = {"score": "كيف كانت محادثتك معنا؟", "reason": "ما الذي لم يكن جيدًا؟", "slow": "رد بطيء"}


def arabic() -> PinnedFlow:
    """The flow of the support in a language without a pack, written from right to left."""
    questions: list[Question] = []
    for question in SUPPORT.flow.questions:
        text = {**question.text, "ar": _ARABIC.get(question.id, "أخبرنا بالمزيد")}
        match question:
            case Choice() | Choices():
                options = tuple(
                    replace(each, text={**each.text, "ar": _ARABIC.get(each.id, each.id)}) for each in question.options
                )
                questions.append(replace(question, text=text, options=options))
            case Rating():
                low, high = {**question.low, "ar": "سيئ جدًا"}, {**question.high, "ar": "جيد جدًا"}
                questions.append(replace(question, text=text, low=low, high=high))
            case OpenText():
                questions.append(replace(question, text=text))
    flow = replace(SUPPORT.flow, id="arabic", locales=(*SUPPORT.flow.locales, "ar"), questions=tuple(questions))
    return pin(flow)


def settings_at(url: str, *, behind: str = "", public_url: str = "http://127.0.0.1:8080", **more: Any) -> Settings:
    return Settings(
        company="Lotus",
        server=ServerSettings(
            port=0, api_keys=(KEY,), public_url=public_url, trusted_proxies=(behind,) if behind else ()
        ),
        storage=StorageSettings(url=url),
        channels=(
            WebchatSettings(name=ChannelName("web"), secret="a secret of the test"),
            PageSettings(name=PAGE, title={"en": "Lotus Home", "it": "Lotus Casa"}),
        ),
        flows=(SUPPORT, DELIVERY, THUMBS, arabic(), PRODUCT),
        **more,
    )


@dataclass
class Survey:
    """The running program and a browser without a script."""

    app: App
    client: aiohttp.ClientSession
    links: dict[str, Link] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.app.port}"

    @property
    def storage(self) -> Storage:
        return self.app.storage

    @property
    def channel(self) -> PageChannel:
        channel = self.app.channels[PAGE]
        assert isinstance(channel, PageChannel)
        return channel

    @asynccontextmanager
    async def browser(self) -> AsyncIterator["Survey"]:
        """The same program before a browser of its own, which keeps cookies."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            yield Survey(app=self.app, client=client)

    async def link(self, flow: str = "support", *, lasts: timedelta | None = None, **more: Any) -> str:
        """The path of a new link."""
        now = self.app.clock()
        link = new_link(flow, now, expires_at=None if lasts is None else now + lasts, **more)
        await self.storage.links.keep(link)
        self.links[f"/s/{link.id}"] = link
        return f"/s/{link.id}"

    async def get(self, path: str, **headers: str) -> "Page":
        async with self.client.get(self.url + path, headers=headers) as answer:
            return Page(status=answer.status, text=await answer.text(), path=answer.url.path_qs, headers=answer.headers)

    async def post(self, path: str, form: Mapping[str, str], **headers: str) -> "Page":
        async with self.client.post(self.url + path, data=form, headers=headers) as answer:
            return Page(status=answer.status, text=await answer.text(), path=answer.url.path_qs, headers=answer.headers)

    async def send(self, page: "Page", label: str = "", **more: str) -> "Page":
        """Press the button of a label on a page, with what else was filled in."""
        return await self.post(page.action, page.form(label) | more)

    async def count(self, table: str) -> int:
        return len(await rows_of(self.storage, table))


@dataclass
class Page:
    status: int
    text: str
    path: str
    headers: Mapping[str, str]

    @property
    def words(self) -> str:
        """What is read, in one line."""
        inside = self.text.partition("<main>")[2] or self.text
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", inside)).split())

    @property
    def action(self) -> str:
        return unescape(re.findall(r'<form[^>]* action="([^"]+)"', self.text)[-1])

    def buttons(self) -> dict[str, str]:
        """Token by label, or by what a face stands for."""
        found = re.findall(r'<button[^>]*?name="token" value="([^"]+)"([^>]*)>([^<]*)</button>', self.text)
        named = {(re.findall(r'title="([^"]+)"', rest) or [label])[0]: token for token, rest, label in found}
        return {unescape(label): token for label, token in named.items()}

    def hidden(self) -> dict[str, str]:
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', self.text))

    def form(self, label: str = "") -> dict[str, str]:
        form = self.hidden()
        return form | {"token": self.buttons()[label]} if label else form


async def rows_of(storage: Storage, table: str) -> list[Any]:
    """All rows of a table, in no particular order."""
    from bot.storage.ops import ask, query

    return list(await storage._engine.read(lambda: ask(query(f"SELECT * FROM {table}", ""))))


@asynccontextmanager
async def survey_at(
    url: str, *, clock: SetClock | None = None, allowance: Allowance | None = None, **more: Any
) -> AsyncIterator[Survey]:
    """The program on a database that has its tables; it stops with the context."""
    app = await App.open(settings_at(url, **more), allowance=allowance, clock=clock or real_clock)
    try:
        await app.start()
        async with aiohttp.ClientSession() as client:
            yield Survey(app=app, client=client)
    finally:
        await app.stop()


async def everything_in(storage: Storage) -> dict[str, list[Any]]:
    """Every row of every table, sorted."""
    from bot.storage.ops import ask, query

    names = query(
        "SELECT m.name FROM sqlite_master m WHERE m.type = 'table'",
        postgres="SELECT t.tablename::text FROM pg_tables t WHERE t.schemaname = 'public'",
    )
    tables = sorted(name for (name,) in await storage._engine.read(lambda: ask(names)))
    return {table: sorted(map(repr, await rows_of(storage, table))) for table in tables}
