"""A person is asked for, and another language, through the real clients of Telegram and Slack."""

from collections.abc import AsyncIterator

import pytest

from bot.languages import say
from tests.acceptance.world import ANNA, DESK, LAN, TOKEN, World, shown, world


@pytest.fixture(params=["polling and sockets", "webhooks"])
async def running(request: pytest.FixtureRequest, storage_url: str) -> AsyncIterator[World]:
    # an alert that were held would come too late for this test
    async with world(storage_url, hooks=request.param == "webhooks", hold=3600) as everything:
        yield everything


async def test_a_stranger_reaches_an_agent_who_claims_and_answers(running: World) -> None:
    await running.lan_starts()
    running.telegram.user_sends(TOKEN, LAN, "człowiek")
    await running.sees(say("pl", "reply.human"))
    alert = await running.alert_with("wants to talk to a person", "Claim")
    assert "Score" not in shown(alert)
    running.telegram.user_sends(TOKEN, LAN, "Moja paczka zginęła w drodze do domu")
    await running.slack.wait_for(
        lambda: [post for post in running.slack.thread(DESK, alert.ts) if "Moja paczka" in shown(post)], timeout=10
    )
    await running.all_sent()
    await running.slack.user_clicks(ANNA, DESK, alert.ts, "Claim")
    await running.alert_with("Claimed by")
    running.slack.user_sends(ANNA, DESK, "Już szukam Pani paczki", thread_ts=alert.ts)
    await running.sees("Już szukam Pani paczki")
    (case,) = await running.app.storage.cases.times(None, None)
    assert (case.why, case.state) == ("human", "contacted")


async def test_a_question_changes_its_language_by_a_button_and_takes_the_answer(running: World) -> None:
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN))
    asked = await running.sees("How was your chat")
    await running.taps(asked, "Language")
    await running.taps(await running.sees(say("en", "language.ask")), "Tiếng Việt")
    vietnamese = await running.sees("đánh giá thế nào")
    assert vietnamese.message_id == asked.message_id, "one message, edited in place"
    await running.taps(vietnamese, "😞")
    await running.telegram.wait_for(lambda: running.chat()[-1].message_id > asked.message_id, timeout=10)
    assert "What went wrong" not in (running.chat()[-1].text or "")
    running.telegram.user_sends(TOKEN, LAN, "in italiano")
    await running.sees(say("it", "language.changed"))


async def test_the_menu_offers_a_person_and_the_languages(running: World) -> None:
    await running.lan_starts()
    named = await running.telegram.wait_for(lambda: running.telegram.world.bots[TOKEN].commands, timeout=10)
    assert {each["command"] for menu in named.values() for each in menu} >= {"feedback", "human", "language", "stop"}
