"""The whole story of a rescue, through the real clients of Telegram and Slack, on both databases."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.sandbox.slack_state import Post
from tests.acceptance.world import ANNA, BEN, DESK, LAN, TOKEN, World, shown, world

HOSTILE = "Order 55 <!channel> *broke* & <b>again</b>"


@pytest.fixture(params=["polling and sockets", "webhooks"])
async def running(request: pytest.FixtureRequest, storage_url: str) -> AsyncIterator[World]:
    async with world(storage_url, hooks=request.param == "webhooks", recovery=0.2) as everything:
        yield everything


async def rated_one(running: World) -> Post:
    """Lan rates 1 and says why; the alert with her words."""
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN), attributes={"order": "A-55", "link": "https://help.example/t/55"})
    await running.taps(await running.sees("How was your chat"), "😞")
    await running.taps(await running.sees("What went wrong?"), "Slow reply")
    await running.taps(await running.sees("What went wrong?"), "Done")
    await running.telegram.wait_for(lambda: len(running.chat()) > 4)
    running.telegram.user_sends(TOKEN, LAN, "Nobody answered for two days")
    alert = await running.alert_with("Lan", "1/5", "Nobody answered for two days", "Slow reply", "A-55", "Claim")
    await running.all_sent()
    return alert


async def in_thread(running: World, alert: Post, *texts: str, times: int = 1) -> list[Post]:
    """The posts of an alert's thread that show all these texts."""

    def found() -> list[Post]:
        posts = [post for post in running.slack.thread(DESK, alert.ts) if all(text in shown(post) for text in texts)]
        return posts if len(posts) >= times else []

    return await running.slack.wait_for(found, timeout=10)


async def replies(running: World, alert: Post, text: str, template: str | None = None) -> None:
    """Anna answers from the modal."""
    await running.slack.user_clicks(ANNA, DESK, alert.ts, "Reply")
    await running.slack.wait_for(lambda: running.slack.views(ANNA))
    if template is not None:
        await running.slack.user_clicks_in_view(ANNA, "template", template)
        await running.slack.wait_for(lambda: "initial_value" in str(running.slack.views(ANNA)[-1].body))
    ack = await running.slack.user_submits_view(ANNA, {"text": text} if text else {})
    assert ack.good, ack
    assert not running.slack.views(ANNA)


async def resolves(running: World, alert: Post, cause: str, action: str) -> None:
    await running.slack.user_clicks(ANNA, DESK, alert.ts, "Resolve")
    await running.slack.wait_for(lambda: running.slack.views(ANNA))
    ack = await running.slack.user_submits_view(ANNA, {"cause": cause, "action": action})
    assert ack.good, ack


async def test_an_unhappy_customer_is_rescued_in_the_same_chat(running: World) -> None:
    alert = await rated_one(running)
    assert any("https://help.example/t/55" in str(block) for block in alert.blocks)
    await running.slack.user_clicks(ANNA, DESK, alert.ts, "Claim")
    await running.alert_with("Claimed by", "Release")

    await replies(running, alert, "Hello Lan, I am so sorry. Which order was it?")
    relayed = await running.sees("Hello Lan, I am so sorry. Which order was it?")
    assert not relayed.buttons
    running.telegram.user_sends(TOKEN, LAN, HOSTILE)
    (answer,) = await in_thread(running, alert, HOSTILE, "Lan")
    assert "<!channel>" not in answer.text, "the fallback is escaped"
    running.slack.user_sends(BEN, DESK, "// she is a regular customer, be generous", thread_ts=alert.ts)
    running.slack.user_sends(ANNA, DESK, "A new one leaves today & it is free", thread_ts=alert.ts)
    await running.sees("A new one leaves today & it is free")
    assert not running.asked("regular customer")

    await resolves(running, alert, "slow_answer", "Sent a new one")
    await running.alert_with("Sent a new one", "Resolved")
    await running.taps(await running.sees("fixed?"), "Not yet")
    await in_thread(running, alert, "not fixed")
    running.telegram.user_sends(TOKEN, LAN, "The new one is broken too")
    await in_thread(running, alert, "The new one is broken too")
    await running.alert_with("Sent a new one", "Resolve", "not fixed")

    await resolves(running, alert, "faulty_product", "Gave the money back")
    second = await running.telegram.wait_for(
        lambda: [message for message in running.chat() if "fixed?" in (message.text or "") and message.buttons]
    )
    assert len(second) == 1, "asked once more, about the second resolution"
    await running.taps(second[0], "Yes")
    await running.alert_with("Recovered", "Gave the money back")
    await in_thread(running, alert, "fixed", times=2)
    assert len(running.alerts_of_cases()) == 1, "one alert, edited in place"
    (row,) = await running.app.storage.cases.times(None, None)
    assert (row.state, row.cause) == ("recovered", "faulty_product")
    assert row.first_word_at is not None
    assert row.first_resolved_at is not None


async def test_a_template_reaches_the_customer_in_their_language(running: World) -> None:
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN), language="vi", attributes={"order": "A-55"})
    await running.taps(await running.sees("đánh giá thế nào"), "😞")
    alert = await running.alert_with("Lan", "1/5")
    followup = running.app.settings().followup
    assert followup is not None
    apology = next(each for each in followup.templates if each.kind == "apology")
    await replies(running, alert, "", template=f"use:{apology.id}")
    words = apology.text["vi"].partition("{")[0].strip()
    assert len(words) > 5
    await running.sees(words)


async def test_words_that_cannot_arrive_are_told_in_the_thread(running: World) -> None:
    alert = await rated_one(running)
    await running.sees("Thank you")
    running.telegram.user_deactivates(LAN)
    running.slack.user_sends(ANNA, DESK, "Are you still there?", thread_ts=alert.ts)
    await in_thread(running, alert, "did not reach the customer")
    await running.alert_with("did not reach the customer")
    assert not running.asked("Are you still there?")

    running.slack.user_sends(BEN, DESK, "Hello?", thread_ts=alert.ts)
    (whisper,) = await running.slack.wait_for(lambda: running.slack.ephemerals(BEN, DESK))
    assert whisper.thread_ts == alert.ts, "who writes to somebody who left is told at once"


async def test_two_agents_press_at_once_and_the_other_one_reads_who_was_first(running: World) -> None:
    alert = await rated_one(running)
    await asyncio.gather(
        running.slack.user_clicks(ANNA, DESK, alert.ts, "Claim"),
        running.slack.user_clicks(BEN, DESK, alert.ts, "Claim"),
    )
    claimed = shown(await running.alert_with("Claimed by"))
    other = BEN if "claimed by anna" in claimed.casefold() else ANNA
    await running.slack.wait_for(lambda: running.slack.ephemerals(other, DESK))
    assert len(running.slack.ephemerals(ANNA, DESK)) + len(running.slack.ephemerals(BEN, DESK)) == 1
