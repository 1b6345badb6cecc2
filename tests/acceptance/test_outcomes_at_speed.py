"""The sandbox with its clock running fast: each outcome that its page plays ends with its rule in the ledger."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import real_clock
from bot.demo import Demo, RunningProgram, SkippingClock
from bot.sandbox.outcomes import OUTCOMES
from tests.acceptance.world import ROOT

#: twenty minutes a second: a busy machine that stops for seconds makes no question too late
SPEED = 1200.0


class Page:
    """The addresses that the page's script asks."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def act(self, deed: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(f"{self._url}sandbox/deeds", json=deed) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def when(self) -> dict[str, Any]:
        async with self._http.get(f"{self._url}sandbox/when") as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def newest(self, rule: str) -> dict[str, Any]:
        """The newest decision, once this rule gave it."""
        row: dict[str, Any] = {}
        try:
            async with asyncio.timeout(20):
                while row.get("rule") != rule:
                    await asyncio.sleep(0.05)
                    row = next(iter((await self.when())["ledger"]), {})
        except TimeoutError:
            raise AssertionError(f"{rule!r} was waited for; the ledger says {row}") from None
        return row


async def running(folder: Path, tables: Path, speed: float) -> AsyncIterator[Page]:
    shutil.copy(tables, folder / "demo.db")
    database = f"sqlite:///{folder}/demo.db"
    path = ROOT / "config.example.toml"
    async with (
        Demo.open(path, app_port=0, database=database, environ={}, speed=speed) as demo,
        aiohttp.ClientSession() as http,
    ):
        yield Page(demo.page.url, http)


@pytest.fixture
async def fast(tmp_path: Path, sqlite_tables: Path) -> AsyncIterator[Page]:
    async for page in running(tmp_path, sqlite_tables, SPEED):
        yield page


@pytest.fixture
async def slow(tmp_path: Path, sqlite_tables: Path) -> AsyncIterator[Page]:
    async for page in running(tmp_path, sqlite_tables, 1.0):
        yield page


async def test_each_outcome_ends_with_its_rule(fast: Page) -> None:
    for outcome in OUTCOMES:
        assert await fast.act({"do": "ask.play", "outcome": outcome.id}) == {"ok": True}, outcome.id
        row = await fast.newest(outcome.rule)
        assert row["sentence"], outcome.id
        assert row["sentence"] in row["story"], outcome.id


async def test_outcomes_with_the_shortened_settings(slow: Page) -> None:
    for outcome in OUTCOMES:
        if not outcome.real and outcome.id not in ("asked", "again"):
            assert await slow.act({"do": "ask.play", "outcome": outcome.id}) == {"ok": True}, outcome.id
            await slow.newest(outcome.rule)


async def test_what_waits_for_the_morning_is_asked_then(fast: Page) -> None:
    await fast.act({"do": "ask.play", "outcome": "night"})
    night = await fast.newest("quiet hours")
    assert (night["verdict"], night["zone"]) == ("deferred", "Asia/Ho_Chi_Minh")
    await fast.act({"do": "ask.skip", "chat": "telegram", "hour": 9})
    morning = await fast.newest("nothing speaks against it")
    assert (morning["verdict"], morning["reference"]) == ("asked", night["reference"])
    assert night["sentence"] in morning["story"]


async def test_what_is_told_three_times_is_one_decision(fast: Page) -> None:
    await fast.act({"do": "ask.play", "outcome": "again"})
    row = await fast.newest("nothing speaks against it")
    assert row["repeats"] == 2
    assert len((await fast.when())["ledger"]) == 1


async def test_week_passes_and_the_customer_may_be_asked_again(fast: Page) -> None:
    await fast.act({"do": "ask.play", "outcome": "cool"})
    await fast.newest("cool-down")
    chat = {"chat": "telegram", "messages": 6, "human": True, "began": "customer"}
    await fast.act({"do": "ask.skip", "chat": "telegram", "days": 7})
    await fast.act({"do": "ask.skip", "chat": "telegram", "hour": 10})
    assert (await fast.act({"do": "ask.end", **chat}))["answer"]["decision"] == "deferred"
    await fast.newest("nothing speaks against it")


async def test_agent_asks_at_once_for_a_chat_that_no_rule_would_take(fast: Page) -> None:
    await fast.act({"do": "ask.skip", "chat": "telegram", "hour": 10})
    few = {"chat": "telegram", "messages": 1, "human": False, "began": "agent", "ago": 700_000}
    assert (await fast.act({"do": "ask.end", **few}))["answer"]["decision"] == "not_asked"
    assert (await fast.act({"do": "ask.now", **few}))["ok"]
    assert (await fast.newest("nothing speaks against it"))["verdict"] == "asked"


WRONG: dict[str, dict[str, Any]] = {
    "unknown outcome": {"do": "ask.play", "outcome": "never"},
    "unknown verb": {"do": "ask.nothing", "chat": "telegram"},
    "nobody": {"do": "ask.end", "chat": "carrier pigeon"},
    "nothing was told of it": {"do": "ask.again", "chat": "slack"},
    "backwards": {"do": "ask.skip", "chat": "telegram", "days": -1},
    "too far": {"do": "ask.skip", "chat": "telegram", "days": 40_000},
    "no such hour": {"do": "ask.skip", "chat": "telegram", "hour": 25},
    "no part": {"do": "ask.sample", "chat": "telegram", "part": 0},
    "the visitor has not come": {"do": "ask.end", "chat": "web"},
}


async def test_what_cannot_be_is_said_and_changes_nothing(fast: Page) -> None:
    for label, deed in WRONG.items():
        answer = await fast.act(deed)
        assert (answer["ok"], bool(answer["error"])) == (False, True), label
    after = await fast.when()
    assert (after["ledger"], after["sample"]) == ([], 1.0)


def test_clock_is_moved_forward_only() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    clock = SkippingClock(lambda: noon)
    clock.skip(timedelta(hours=2))
    with pytest.raises(ValueError, match="forward"):
        clock.skip(timedelta(seconds=-1))
    assert clock() == noon + timedelta(hours=2)


async def test_page_knows_where_the_apps_sampling_puts_a_chat(tmp_path: Path, sqlite_tables: Path) -> None:
    shutil.copy(sqlite_tables, tmp_path / "demo.db")
    database = f"sqlite:///{tmp_path}/demo.db"
    async with (
        Demo.open(ROOT / "config.example.toml", app_port=0, database=database, environ={}) as demo,
        aiohttp.ClientSession() as http,
    ):
        page = Page(demo.page.url, http)
        few = {"chat": "telegram", "messages": 2, "human": True, "began": "customer"}
        assert (await page.act({"do": "ask.end", **few}))["ok"]
        (decision,) = [each async for each in demo.app.storage.ledger.replay(datetime(2000, 1, 1, tzinfo=UTC))]
        assert decision.occasion is not None
        program = RunningProgram(demo.app, SkippingClock(real_clock))
        assert program.share(decision.source, decision.reference, "") == decision.occasion.share
