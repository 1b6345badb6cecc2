"""An admin edits the files while customers answer: what is right is live, what is wrong changes nothing and is told."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from bot.app import App
from bot.config import with_sandbox
from bot.config.reading import Reading, read
from bot.config.sources import Sources
from bot.demo import with_placeholders
from bot.messages import ChannelName
from bot.sandbox.page import signed_in
from bot.sandbox.slack_state import Post
from tests.acceptance.world import API_KEY, DESK, ENVIRONMENT, LAN, ROOT, TOKEN, World, settings_for, world

SECONDS = 30.0
SLACK, TELEGRAM = ChannelName("slack"), ChannelName("telegram")
ASKED, WHY = "How likely are you to recommend", "What is the main reason for your score?"
OPS = """
[ops]
channel = "slack"
room = "#support-recovery"
"""
FLOW = """[[flow]]
id = "{id}"
languages = ["en"]
title = "Another"
[[flow.question]]
id = "score"
type = "csat5"
text = "{text}"
"""


class Admin:
    """Who edits the file of a running program."""

    def __init__(self, world: World, folder: Path, database: str) -> None:
        self.world = world
        self.path = folder / "config.toml"
        self._database = database
        text = (ROOT / "config.example.toml").read_text("utf-8")
        self.right = text.replace("# [ops]", OPS, 1)
        self.path.write_text(self.right, "utf-8")
        self._environ = with_placeholders(self.path, ENVIRONMENT | {"MORE_SECRET": "0123456789abcdef"})

    def read(self, sources: Sources) -> Reading:
        reading = read(sources, self._environ)
        if reading.errors:
            return reading
        telegram, slack = self.world.telegram, self.world.slack
        example = with_sandbox(reading.settings)
        settings = settings_for(telegram, slack, self._database, hooks=False, example=example)
        # What a start alone can change is as the file says.
        server = replace(settings.server, host=example.server.host, port=example.server.port)
        return replace(reading, settings=replace(settings, server=server))

    def saves(self, *pairs: tuple[str, str]) -> None:
        """The right file, with these texts replaced, as an editor saves it."""
        text = self.right
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        beside = self.path.with_suffix(".new")
        beside.write_text(text, "utf-8")
        beside.replace(self.path)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(SECONDS):
            while not holds():  # noqa: ASYNC110 - settings are no event
                await asyncio.sleep(0.05)

    async def until_live(self, words: str) -> None:
        live = self.world.app.live
        assert live is not None
        await self.until(lambda: live.went_live is not None and words in live.went_live.changes)

    def ops(self) -> list[Post]:
        posts = self.world.slack.messages(DESK)
        return [post for post in posts if post.bot_id and ("config.toml" in post.text or "in order" in post.text)]


@asynccontextmanager
async def admin_of(database: str, folder: Path) -> AsyncIterator[Admin]:
    async with world(database) as here:
        admin = Admin(here, folder, database)
        live = here.app.follow(admin.path, admin.read)
        # the first look finds the operators' room, which the program was not started with
        await admin.until(lambda: live.went_live is not None)
        yield admin


@pytest.fixture
async def admin(storage_url: str, tmp_path: Path) -> AsyncIterator[Admin]:
    async with admin_of(storage_url, tmp_path) as found:
        yield found


async def test_a_survey_under_way_keeps_its_texts_and_the_next_one_has_the_new_ones(admin: Admin) -> None:
    here = admin.world
    await here.lan_starts()
    await here.end_chat("telegram", str(LAN), flow="delivery_nps")
    question = await here.sees(ASKED)
    admin.saves((ASKED, "Would you tell your friends of"), (WHY, "And why is that?"))
    await admin.until_live("text of 'why' in en changed")
    await here.taps(question, "9")
    await here.sees(WHY)
    here.telegram.user_sends(TOKEN, LAN, "It was quick")
    await here.sees("Thank")
    await here.end_chat("telegram", str(LAN), flow="delivery_nps")
    await here.taps(await here.sees("Would you tell your friends of"), "8")
    await here.sees("And why is that?")


async def test_a_flow_that_is_removed_goes_on_for_those_who_answer_it(admin: Admin) -> None:
    here = admin.world
    more = '[[flow.question]]\nid = "why"\ntype = "text"\ntext = "Why was that?"\n'
    file = admin.path.parent / "flows" / "one.toml"
    file.parent.mkdir()
    file.write_text(FLOW.format(id="one", text="Was it one?") + more, "utf-8")
    admin.saves(('# flow_files = ["flows/*.toml"]', 'flow_files = ["flows/*.toml"]'))
    await admin.until_live("flow 'one' added")
    await here.lan_starts()
    await here.end_chat("telegram", str(LAN), flow="one")
    question = await here.sees("Was it one?")
    admin.saves()
    await admin.until_live("flow 'one' removed")
    assert here.app.settings().flow("one") is None
    await here.taps(question, "1")
    await here.sees("Why was that?")
    here.telegram.user_sends(TOKEN, LAN, "Far too late")
    await here.alert_with("Far too late", "1")
    assert await page_of(here)
    rows = await here.app.storage.score_counts(None, None)
    assert [(row.flow_id, row.score, row.n) for row in rows] == [("one", 1, 1)]
    status, cases = await asked(here, "/api/v1/cases?flow=one")
    assert (status, len(cases["cases"])) == (200, 1)
    status, decisions = await asked(here, "/api/v1/decisions?flow=one")
    assert (status, len(decisions["decisions"])) == (200, 1)


async def asked(here: World, path: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with here.client.get(f"{here.url}{path}", headers=headers) as answer:
        return answer.status, await answer.json()


async def test_what_is_broken_is_told_once_edited_and_mended(admin: Admin, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    here, before = admin.world, admin.world.app.settings()
    admin.saves(('delay = "10m"', 'delay = "ten"'))
    await here.slack.wait_for(lambda: [post for post in admin.ops() if "'ten' is no duration" in post.text], timeout=30)
    broken = here.app.broken()
    assert broken is not None
    assert [problem.path for problem in broken.problems] == ["asking.delay"]
    assert here.app.settings() is before
    async with here.client.get(f"{here.url}/healthz") as answer:
        assert (answer.status, (await answer.json())["settings"]) == (200, "broken")
    assert "asking.delay: &#39;ten&#39; is no duration" in await page_of(here)
    admin.saves(('delay = "10m"', 'delay = "eleven"'))
    await here.slack.wait_for(lambda: [post for post in admin.ops() if "'eleven' is no" in post.text], timeout=30)
    admin.saves(('delay = "10m"', 'delay = "5m"'))
    await here.slack.wait_for(lambda: [post for post in admin.ops() if "in order again" in post.text], timeout=30)
    await admin.until(lambda: here.app.broken() is None)
    assert len(admin.ops()) == 1
    assert "is no duration" not in await page_of(here)
    said = [record.getMessage() for record in caplog.records if record.name == "bot.live.settings"]
    assert len([line for line in said if "'ten' is no duration" in line]) == 1
    # the next time is another one
    admin.saves(('delay = "10m"', 'delay = "twelve"'))
    await here.slack.wait_for(lambda: len(admin.ops()) == 2, timeout=30)


async def page_of(here: World) -> str:
    cookies = await signed_in(here.url, API_KEY, "Anna")
    async with aiohttp.ClientSession(cookies=cookies) as browser, browser.get(f"{here.url}/cases") as answer:
        assert answer.status == 200
        return await answer.text()


async def test_two_processes_tell_it_once(admin: Admin) -> None:
    here = admin.world
    other = await App.open(here.app.settings())
    try:
        live = other.follow(admin.path, admin.read)
        admin.saves(('delay = "10m"', 'delay = "ten"'))
        await admin.until(lambda: here.app.broken() and live.broken)
        await here.slack.wait_for(lambda: [post for post in admin.ops() if "'ten'" in post.text], timeout=30)
        admin.saves()
        await admin.until(lambda: not here.app.broken() and not live.broken)
        await here.slack.wait_for(lambda: [post for post in admin.ops() if "in order again" in post.text], timeout=30)
        await here.all_sent()
        assert len(admin.ops()) == 1
    finally:
        await other.stop()


MORE = """[channels.more]
kind = "webchat"
secret = { env = "MORE_SECRET" }

[channels.telegram]
"""


async def test_channels_come_go_and_change_each_by_itself(admin: Admin) -> None:
    here = admin.world
    slack, telegram = (here.app.channels[name] for name in (SLACK, TELEGRAM))

    async def status() -> int:
        async with here.client.get(f"{here.url}/widget/more/settings") as answer:
            return answer.status

    assert await status() == 404
    admin.saves(("[channels.telegram]\n", MORE))
    await admin.until_live("channel 'more' added")
    assert await status() == 200
    assert (here.app.channels[SLACK], here.app.channels[TELEGRAM]) == (slack, telegram)
    admin.saves(("[channels.telegram]\n", MORE), ('# username = "lotus_home_bot"', 'username = "lotus_home_bot"'))
    await admin.until_live("[channels.telegram] username none -> lotus_home_bot")
    assert here.app.channels[SLACK] is slack
    assert here.app.channels[TELEGRAM] is not telegram
    # the new one listens and sends
    await here.lan_starts()
    await here.end_chat("telegram", str(LAN), flow="delivery_nps")
    await here.taps(await here.sees(ASKED), "9")
    await here.sees(WHY)
    admin.saves(('# username = "lotus_home_bot"', 'username = "lotus_home_bot"'))
    await admin.until_live("channel 'more' removed")
    assert await status() == 404


async def test_what_needs_a_restart_is_named_and_the_rest_is_live(admin: Admin) -> None:
    here = admin.world
    port, url = here.app.settings().server.port, here.app.settings().storage.url
    admin.saves(("port = 8080", "port = 8099"), ("max_body = 1048576", "max_body = 2097152"))
    await admin.until_live("[server] max_body 1048576 -> 2097152")
    assert (here.app.settings().server.port, here.app.settings().storage.url) == (port, url)

    def told() -> list[Post]:
        return [post for post in here.slack.messages(DESK) if "[server] port" in post.text and "8099" in post.text]

    await here.slack.wait_for(told, timeout=30)
    async with here.client.get(f"{here.url}/healthz") as answer:
        assert await answer.json() == {"status": "ok"}


async def test_a_flow_file_is_a_flow_at_once(admin: Admin) -> None:
    here = admin.world
    folder = admin.path.parent / "flows"
    folder.mkdir()
    (folder / "one.toml").write_text(FLOW.format(id="one", text="Was it one?"), "utf-8")
    admin.saves(('# flow_files = ["flows/*.toml"]', 'flow_files = ["flows/*.toml"]'))
    await admin.until_live("flow 'one' added")
    (folder / "two.toml").write_text(FLOW.format(id="two", text="Was it two?"), "utf-8")
    await admin.until_live("flow 'two' added")
    await here.lan_starts()
    await here.end_chat("telegram", str(LAN), flow="two")
    await here.sees("Was it two?")
    (folder / "two.toml").write_text(FLOW.format(id="one", text="Was it two?"), "utf-8")
    await admin.until(lambda: (broken := here.app.broken()) and broken.problems[0].file == "flows/two.toml")
    (folder / "two.toml").unlink()
    await admin.until_live("flow 'two' removed")
