"""The panel "When to ask": what it tells the app, without the app."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.asking import BUSY
from bot.sandbox.demo import Demo, FlowChoice, LedgerRow
from bot.sandbox.outcomes import OUTCOMES
from bot.sandbox.page import Sandbox
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_state import Workspace
from bot.sandbox.telegram import TelegramStandIn
from tests.sandbox.still_program import StillProgram

TOKEN = "1001:sandbox"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(kw_only=True)
class Panel:
    """The page, and what a listening app was told."""

    sandbox: Sandbox
    program: StillProgram
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, request: web.Request) -> web.Response:
        self.told.append((request.path, await request.json()))
        self.heard.set()
        return web.json_response({"decision": "deferred", "rule": "delay"}, status=202)

    async def act(self, verb: str, **fields: Any) -> dict[str, Any]:
        url = f"{self.sandbox.url}sandbox/deeds"
        async with aiohttp.ClientSession() as http, http.post(url, json={"do": f"ask.{verb}", **fields}) as answer:
            read: dict[str, Any] = await answer.json()
            return read

    async def get(self, path: str) -> aiohttp.ClientResponse:
        async with aiohttp.ClientSession() as http, http.get(f"{self.sandbox.url}{path}") as answer:
            await answer.read()
            return answer


@pytest.fixture
async def panel() -> AsyncIterator[Panel]:
    async with (
        TelegramStandIn({TOKEN: "shop_bot"}) as telegram,
        SlackStandIn(Workspace(bot_token="xoxb-1"), signing_secret="s") as slack,
    ):
        app = web.Application()
        runner = web.AppRunner(app, access_log=None)
        one = Panel(sandbox=Sandbox.__new__(Sandbox), program=StillProgram(time=NOON))
        app.router.add_post("/api/v1/{rest:.*}", one.hear)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        demo = Demo(
            app_url=f"http://127.0.0.1:{runner.addresses[0][1]}",
            api_key="key",
            bot=TOKEN,
            desk="support",
            widget="",
            shop="<b>Shop</b>",
            program=one.program,
            flows=(FlowChoice(id="csat", title="After a chat"),),
        )
        one.sandbox = Sandbox(telegram, slack, demo)
        await one.sandbox.start()
        yield one
        await one.sandbox.stop()
        await runner.cleanup()


async def test_what_the_fields_say_is_told_and_what_they_leave_open_is_not(panel: Panel) -> None:
    await panel.act(
        "end",
        chat="telegram",
        flow="csat",
        messages=0,
        human=False,
        began="agent",
        ago=3600,
        tags=["returns", "late"],
        vip=True,
        agent="Ben",
        language="vi",
    )
    await panel.act("end", chat="stranger", tags=[])
    (path, full), (_, bare) = panel.told
    assert path == "/api/v1/interactions"
    reference = full.pop("reference")
    assert full == {
        "customer": {
            "address": {"channel": "telegram", "key": "7001"},
            "name": "Mai Tran",
            "language": "vi",
            "time_zone": "Asia/Ho_Chi_Minh",
            "reference": "customer-2",
        },
        "agent": "Ben",
        "source": "demo",
        "closed_at": "2026-03-02T11:00:00+00:00",
        "attributes": {"order": "A-1042", "vip": "true"},
        "flow": "csat",
        "messages": 0,
        "human_answered": False,
        "started_by": "agent",
        "tags": ["returns", "late"],
    }
    assert bare["reference"] != reference
    assert set(bare) == {"customer", "agent", "source", "reference", "closed_at", "attributes"}


async def test_dealing_is_told_again_goes_on_and_ends_once_more(panel: Panel) -> None:
    await panel.act("end", chat="slack", messages=4)
    await panel.act("again", chat="slack")
    await panel.act("writes", chat="slack")
    panel.program.skip(timedelta(minutes=1))
    await panel.act("end", chat="slack", messages=6)
    await panel.act("end", chat="slack", messages=6)
    (_, ended), (_, again), (path, wrote), (_, once_more), (_, another) = panel.told
    assert ended == again
    assert path == "/api/v1/interactions/events"
    assert wrote == {"source": "demo", "reference": ended["reference"], "event": "customer_wrote"}
    assert once_more["reference"] == ended["reference"]
    assert once_more["closed_at"] > ended["closed_at"]
    assert another["reference"] != ended["reference"]


async def test_visitor_of_the_web_chat_is_whom_the_page_names(panel: Panel) -> None:
    refused = await panel.act("end", chat="web")
    assert refused["error"].startswith("Open the chat in the shop first")
    await panel.act("end", chat="web", key="visitor-1")
    ((_, report),) = panel.told
    assert report["customer"]["address"] == {"channel": "web", "key": "visitor-1"}


def came_out(reference: str, rule: str) -> LedgerRow:
    return LedgerRow(
        key="k",
        triggered_at=NOON,
        at=NOON,
        channel="telegram",
        customer="Mai Tran",
        time_zone="UTC",
        reference=reference,
        verdict="not asked",
        rule=rule,
        sentence="",
        story="",
    )


async def test_a_play_waits_for_its_verdict_and_another_waits_its_turn(panel: Panel) -> None:
    first = asyncio.create_task(panel.act("play", outcome="old"))
    await panel.heard.wait()
    ((_, report),) = panel.told
    panel.program.rows.append(came_out("another chat", "closed too long ago"))
    assert await panel.act("play", outcome="few") == {"ok": False, "error": BUSY}
    assert not first.done()
    panel.program.rows.append(came_out(report["reference"], "closed too long ago"))
    assert await first == {"ok": True}
    assert len(panel.told) == 1


async def test_a_play_waits_no_longer_than_somebody_would(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.sandbox.asking._PATIENCE", 0.1)
    for _ in range(2):
        assert await panel.act("play", outcome="old") == {"ok": False, "error": "The app took too long; try it again."}


async def test_chat_that_the_sample_leaves_out_is_found(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.sandbox.asking._PATIENCE", 0.1)
    panel.program.shares = iter((0.01, 0.09, 0.5))
    await panel.act("play", outcome="sample")
    ((_, report),) = panel.told
    assert report["reference"].endswith("-3")
    assert panel.program.part == 0.1


SKIPS = {
    "later today": ({"hour": 22}, timedelta(hours=3)),
    "tomorrow": ({"hour": 10}, timedelta(hours=15)),
    "this very hour is tomorrow's": ({"hour": 19}, timedelta(hours=24)),
    "days": ({"days": 8}, timedelta(days=8)),
}


@pytest.mark.parametrize(("deed", "span"), SKIPS.values(), ids=SKIPS)
async def test_clock_is_moved_to_an_hour_of_the_customers_day(
    panel: Panel, deed: dict[str, int], span: timedelta
) -> None:
    # noon in London is 19:00 in Saigon
    assert (await panel.act("skip", chat="telegram", **deed))["ok"]
    assert panel.program.time == NOON + span


async def test_email_is_a_page_without_script_in_which_names_are_text(panel: Panel) -> None:
    answer = await panel.get("email?chat=telegram&flow=csat&language=vi")
    text = await answer.text()
    assert "&lt;b&gt;Shop&lt;/b&gt;" in text
    assert "Mai Tran: csat (vi" in text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "allow-scripts" not in policy
    assert "(en" in await (await panel.get("email?chat=telegram&language=xx")).text()


def test_outcomes_have_names_and_rules_of_their_own() -> None:
    assert len({outcome.id for outcome in OUTCOMES}) == len({outcome.title for outcome in OUTCOMES}) == len(OUTCOMES)
    assert len({outcome.rule for outcome in OUTCOMES}) >= 10
