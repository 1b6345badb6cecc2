"""Several unhappy customers at once: one incident at the desk, with their cases in it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.followup.incidents import IncidentRules
from bot.sandbox.slack_state import Post
from tests.acceptance.world import ANNA, DESK, World, shown, world

CUSTOMERS = (7101, 7102, 7103, 7104)


@pytest.fixture
async def running(storage_url: str) -> AsyncIterator[World]:
    async with world(storage_url, hold=2, incidents=IncidentRules(cause=0, agent=3, product=0)) as everything:
        yield everything


async def rates_one(running: World, user: int) -> None:
    await running.lan_starts(user)
    await running.end_chat("telegram", str(user), name=f"Customer {user}")
    await running.taps(await running.sees("How was your chat", user), "😞", user)


def posts(running: World) -> list[str]:
    return [shown(post) for post in running.alerts_of_cases()]


async def test_several_of_one_agent_are_one_incident_from_which_cases_are_claimed(running: World) -> None:
    await asyncio.gather(*(rates_one(running, user) for user in CUSTOMERS[:3]))
    incident = await running.alert_with("Minh", "3", *(f"Customer {user}" for user in CUSTOMERS[:3]))
    await rates_one(running, CUSTOMERS[3])
    joined = await running.alert_with("Minh", "4", *(f"Customer {user}" for user in CUSTOMERS))
    assert joined.ts == incident.ts, "further cases only edit it"
    await asyncio.sleep(2.5)  # the hold, and a tick of the timers
    assert len(posts(running)) == 1, posts(running)

    item = next(block for block in joined.blocks if f"Customer {CUSTOMERS[1]}" in str(block) and "accessory" in block)
    await running.slack.user_clicks(ANNA, DESK, joined.ts, item["accessory"]["action_id"])

    def own_alert() -> list[Post]:
        return [post for post in running.alerts_of_cases() if post.ts != incident.ts]

    (alert,) = await running.slack.wait_for(own_alert)
    assert f"Customer {CUSTOMERS[1]} gave" in alert.text
    assert "claimed by anna" in shown(alert).casefold()
    await running.slack.user_clicks(ANNA, DESK, alert.ts, "Reply")
    await running.slack.wait_for(lambda: running.slack.views(ANNA))
    assert (await running.slack.user_submits_view(ANNA, {"text": "I am on it"})).good
    await running.sees("I am on it", CUSTOMERS[1])
    assert not any(running.asked("I am on it", user) for user in CUSTOMERS if user != CUSTOMERS[1])
