"""What a customer sends and does reaches the agents at every stage of a case, played through the real clients."""

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.test_recovery import in_thread, rated_one, replies, resolves
from tests.acceptance.world import ANNA, BEN, DESK, LAN, TOKEN, World, shown, world

PHOTO = {"photo": [{"file_id": "P1", "file_unique_id": "u1", "width": 1, "height": 1}]}


@pytest.fixture
async def running(storage_url: str) -> AsyncIterator[World]:
    async with world(storage_url, recovery=0.2) as one:
        yield one


async def test_a_picture_that_came_before_anybody_answered_is_a_link_in_the_alert(running: World) -> None:
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN))
    await running.sees("How was your chat")
    before = len(running.chat())
    running.telegram.user_sends(TOKEN, LAN, None, content=PHOTO)
    await running.taps(await running.sees("How was your chat"), "😞")
    alert = await running.alert_with("Lan", "1/5", "[photo]")
    assert str(alert.blocks).count("/files/") == 1
    said = [message.text or "" for message in running.chat()[before:]]
    assert not [text for text in said if "did not understand" in text]


async def test_a_better_score_during_a_talk_ends_nothing_and_the_owner_hears_of_it(running: World) -> None:
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN))
    question = await running.sees("How was your chat")
    await running.taps(question, "😞")
    alert = await running.alert_with("Lan", "1/5")
    await replies(running, alert, "We are sorry! Which order was it?")
    await running.sees("Which order was it?")
    await running.taps(question, "Change")
    await running.taps(question, "😀")
    (told,) = await in_thread(running, alert, "changed the score from", "5/5")
    assert f"<@{ANNA.id}>" in str(told.blocks) + told.text
    running.slack.user_sends(ANNA, DESK, "Thank you! And which order?", thread_ts=alert.ts)
    await running.sees("And which order?")
    running.telegram.user_sends(TOKEN, LAN, "A-55")
    await in_thread(running, alert, "A-55")
    await resolves(running, alert, "slow_answer", "called")
    await running.taps(await running.sees("fixed?"), "Yes")
    await running.alert_with("Recovered", "5/5")


async def test_what_is_over_is_opened_again_from_the_alert(running: World) -> None:
    alert = await rated_one(running)
    await replies(running, alert, "We are sorry!")
    await resolves(running, alert, "slow_answer", "called")
    await running.taps(await running.sees("fixed?"), "Yes")
    await running.alert_with("Recovered", "Reopen")
    await running.slack.user_clicks(BEN, DESK, alert.ts, "Reopen")
    again = await running.alert_with("Reopened", "opened the case again", "Resolve")
    assert "Recovered" not in shown(again)
    running.slack.user_sends(BEN, DESK, "One more question", thread_ts=alert.ts)
    await running.sees("One more question")
    running.telegram.user_sends(TOKEN, LAN, "Please ask")
    await in_thread(running, alert, "Please ask")
    await resolves(running, alert, "slow_answer", "called once more")
    await running.telegram.wait_for(lambda: sum("fixed?" in (each.text or "") for each in running.chat()) == 2)


async def test_a_yes_by_mistake_is_taken_back_in_words(running: World) -> None:
    alert = await rated_one(running)
    await replies(running, alert, "We are sorry!")
    await resolves(running, alert, "slow_answer", "called")
    await running.taps(await running.sees("fixed?"), "Yes")
    await running.alert_with("Recovered")
    running.telegram.user_sends(TOKEN, LAN, "Not yet :(")
    await running.alert_with("Reopened", "Release")
    running.telegram.user_sends(TOKEN, LAN, "It broke again")
    await in_thread(running, alert, "It broke again")
