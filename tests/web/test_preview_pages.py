"""The preview over HTTP: who sees it, what it shows of which flow, and that nothing is left behind."""

import re
import sqlite3
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.app import App
from bot.config import CurrentSettings, load
from bot.config.reading import Problem
from bot.config.state import Broken
from bot.demo import with_placeholders
from bot.web.dashboard import add_dashboard
from bot.web.preview import add_preview
from bot.web.serving import listen, port_of
from tests.web.dashboard_site import KEY, NOW, Desk, settings
from tests.web.preview_site import CONFIG, previewing
from tests.web.scripted_site import file_link
from tests.web.test_dashboard_pages import Browser


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
async def alone(config: Path) -> AsyncIterator[Browser]:
    async with previewing(config) as url, aiohttp.ClientSession() as http:
        yield Browser(http, url)


def words_of(page: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", page))


# ---- on the server -----------------------------------------------------------------------------------------------


class Server:
    """The dashboard and the preview of a desk whose settings can be swapped, and broken."""

    def __init__(self) -> None:
        self.current = CurrentSettings(settings())
        self.broken: Broken | None = None
        self.desk = Desk()

    def application(self) -> web.Application:
        app = web.Application()
        add_dashboard(
            app,
            settings=self.current,
            cases=self.desk,
            handle=self.desk.handle,
            clock=self.desk.clock,
            file_link=file_link,
        )
        add_preview(app, settings=self.current, clock=self.desk.clock, broken=lambda: self.broken)
        return app


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[Browser]:
    runner = await listen(server.application(), "127.0.0.1", 0)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(http, f"http://127.0.0.1:{port_of(runner)}")
    await runner.cleanup()


async def test_only_who_is_signed_in_sees_it_and_comes_back_to_it(browser: Browser) -> None:
    response, page = await browser.get("/preview?flow=support")
    assert (response.status, page) == (303, "")
    assert response.headers["Location"] == "/sign-in?next=%2Fpreview%3Fflow%3Dsupport"
    signed_in, _ = await browser.sign_in(next="/preview?flow=support")
    assert signed_in.headers["Location"] == "/preview?flow=support"
    response, page = await browser.get("/preview?flow=support")
    assert response.status == 200
    assert '<a href="/cases">' in page
    _, queue = await browser.get("/cases")
    assert '<a href="/preview">' in queue


async def test_it_is_only_looked_at(browser: Browser) -> None:
    await browser.sign_in(key=KEY)
    response, _ = await browser.post("/preview", {"flow": "support"})
    assert response.status == 405


async def test_it_shows_the_flows_in_force_and_tells_of_files_that_cannot_be_used(
    browser: Browser, server: Server
) -> None:
    await browser.sign_in()
    pinned = server.current().flows[0]
    server.current.swap(
        replace(server.current(), flows=(replace(pinned, flow=replace(pinned.flow, intro={"en": "Brand new."})),))
    )
    _, page = await browser.get("/preview?language=en")
    assert "Brand new." in page
    assert 'class="trouble"' not in page
    problem = Problem(file="config.toml", line=7, path="flow[0].id", wrong="is no id")
    server.broken = Broken(file="config.toml", problems=(problem,), since=NOW, in_force_since=NOW)
    _, page = await browser.get("/preview?language=en")
    assert "config.toml:7: flow[0].id: is no id" in page
    assert "Brand new." in page


async def test_no_look_at_it_writes_a_row(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    server = '[server]\nport = 0\napi_keys = { env = "AFTERCHAT_API_KEYS" }\n'
    storage = f'[storage]\nurl = "sqlite:///{tmp_path}/kept.db"\n'
    channels = CONFIG[CONFIG.index("[channels.web]") :]
    path.write_text(f'company = "Lotus Home"\n{server}{storage}{channels}', "utf-8")
    app = await App.open(load(path, with_placeholders(path, {"AFTERCHAT_API_KEYS": KEY * 2})))
    await app.start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            browser = Browser(http, f"http://127.0.0.1:{app.port}")
            response, _ = await browser.sign_in(key=KEY * 2)
            assert response.status == 303
            before = rows(tmp_path / "kept.db")
            for query in ("", "?language=vi&language=ar&across=languages", "?flow=hostile&values=none"):
                response, page = await browser.get(f"/preview{query}")
                assert (response.status, "Asked" in page) == (200, True)
            assert rows(tmp_path / "kept.db") == before
            assert len(before) > 10
    finally:
        await app.stop()


def rows(database: Path) -> dict[str, int]:
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return {table: connection.execute(f"select count(*) from {table}").fetchone()[0] for table in tables}


# ---- by itself ---------------------------------------------------------------------------------------------------


async def test_every_question_stands_in_every_channel_and_language_that_is_chosen(alone: Browser) -> None:
    chosen = "language=en&language=vi&language=ar&channel=telegram&channel=slack&channel=web&channel=page&channel=text"
    response, page = await alone.get(f"/preview?flow=support&{chosen}")
    assert response.status == 200
    for window in ("tg", "sl", "wg", "pg", "tx"):
        assert page.count(f'<div class="{window}"') >= 3 * 10, window
    assert page.count('<div class="wg" dir="rtl" lang="ar">') == page.count('<div class="wg" dir="ltr" lang="vi">') > 10
    text = words_of(page)
    for said in (
        "Overall, how satisfied were you with our service?",
        "Nhìn chung, quý khách hài lòng với dịch vụ của chúng tôi ở mức nào?",
        "بشكل عام، ما مدى رضاكم عن خدمتنا؟",
        "✓ 😕 2/5",
        "Write a review: https://reviews.example/lotus-home",
        "After “Not this time”",
    ):
        assert said in text, said


async def test_what_an_author_wrote_is_never_markup(alone: Browser) -> None:
    response, page = await alone.get("/preview?flow=hostile&channel=telegram&channel=slack&channel=web&channel=page")
    assert response.status == 200
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<i>nobody" not in page
    _, empty = await alone.get("/preview?flow=hostile&values=none&language=zz&channel=%3Cb%3E&width=%22x")
    assert "<i>nobody</i>" in unescape(empty)
    assert "<i>nobody" not in empty
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert not re.search(r"<[^>]+ (style|on[a-z]+)=", page)


@pytest.mark.parametrize("width", ["phone", "wide"])
async def test_a_phone_cuts_long_buttons_and_the_page_says_so(alone: Browser, width: str) -> None:
    _, page = await alone.get(f"/preview?flow=hostile&channel=telegram&width={width}")
    assert "Something that is far longer than any phone shows of it" in page
    cut = '<span aria-hidden="true">Something that is far longer…</span>' in page
    assert (cut, "A phone cuts 1 button here." in page) == (width == "phone", width == "phone")
    assert "a phone cuts this button in Telegram: it is 55 wide" in page


async def test_a_flow_that_there_is_not_is_not_found(alone: Browser) -> None:
    response, page = await alone.get("/preview?flow=suport%3Cb%3E")
    assert response.status == 404
    assert "There is no flow" in page
    assert "suport<b>" not in page
    response, page = await alone.get("/preview?flow=suport")
    assert (response.status, "Did you mean 'support'?" in words_of(page)) == (404, True)


async def test_a_file_is_read_at_each_look_and_its_mistakes_stand_above_what_it_said_before(
    alone: Browser, config: Path
) -> None:
    _, page = await alone.get("/preview")
    assert "cannot be used" not in page
    config.write_text(CONFIG.replace('type = "choice"', 'type = "choise"'), "utf-8")
    response, page = await alone.get("/preview")
    line = CONFIG.splitlines().index('type = "choice"') + 1
    assert response.status == 200
    assert f"config.toml:{line}:" in page
    assert "Did you mean 'choice'?" in words_of(page)
    assert "Overall, how satisfied" in page
    config.write_text(CONFIG.replace("Lotus Home", "Lotus Garden"), "utf-8")
    _, page = await alone.get("/preview")
    assert "cannot be used" not in page
    assert "Lotus Garden" in page
    config.unlink()
    _, page = await alone.get("/preview")
    assert "cannot be used" in page


async def test_a_file_that_never_was_right_shows_its_mistakes_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('company = "Lotus\n', "utf-8")
    async with previewing(path) as url, aiohttp.ClientSession() as http:
        response, page = await Browser(http, url).get("/preview")
        assert response.status == 200
        assert "config.toml:1:" in page
        assert "<form" not in page


async def test_another_sites_name_is_not_answered(alone: Browser) -> None:
    for host, status in (("evil.example", 403), ("127.0.0.1.evil.example", 403), ("localhost:1", 200)):
        response, _ = await alone.get("/preview", headers={"Host": host})
        assert response.status == status, host


async def test_the_style_has_the_channels_colours(alone: Browser) -> None:
    response, style = await alone.get("/preview/page.css")
    assert response.headers["Content-Type"].startswith("text/css")
    assert style.startswith(":root{--widget:#0b7a75;--on-widget:#fff;--survey:#2563eb;--on-survey:#fff}")
