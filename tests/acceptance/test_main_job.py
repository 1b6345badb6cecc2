"""A customer rates in chat, the answer is kept, an unhappy one reaches an agent in Slack: the whole program."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.acceptance.world import ANNA, BEN, DESK, GIULIA, LAN, TOKEN, World, shown, world


@pytest.fixture(params=["polling and sockets", "webhooks"])
async def running(request: pytest.FixtureRequest, storage_url: str) -> AsyncIterator[World]:
    async with world(storage_url, hooks=request.param == "webhooks") as everything:
        yield everything


async def counted(running: World) -> list[tuple[str, int]]:
    """The answers per flow's first metric."""
    return [(row.metric, row.n) for row in await running.app.report()]


async def test_a_detractor_in_telegram_reaches_the_agents_who_claim_and_the_score_changes(running: World) -> None:
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN))
    question = await running.sees("How was your chat with Minh?")
    await running.taps(question, "😞")
    answered = await running.sees("✓ 😞 1/5")
    assert answered.message_id == question.message_id, "the choice shows in the question's own message"
    assert [button.text for row in answered.buttons for button in row] == ["Change"]

    reasons = await running.sees("What went wrong?")
    await running.taps(reasons, "Slow reply")
    ticked = await running.sees("What went wrong?")
    await running.taps(ticked, "Done")
    comment = await running.sees("Slow reply")
    assert comment.message_id == reasons.message_id
    alert = await running.alert_with("Lan", "1/5", "Support chat", "Minh", "Slow reply", "Open")

    await running.slack.user_clicks(ANNA, DESK, alert.ts, "Claim")
    await running.alert_with("Claimed by anna")
    assert len(running.alerts()) == 1, "the alert is edited, not repeated"

    await running.taps(answered, "Change")
    again = await running.sees("How was your chat with Minh?")
    await running.taps(again, "🙂")
    await running.alert_with("Withdrawn", "from 😞 1/5 to 🙂 4/5")
    assert await counted(running) == [("csat", 1), ("csat mean", 1), ("nps", 0), ("nps", 0)]
    (figure, *_) = await running.app.report()
    assert figure.distribution == ((1, 0), (2, 0), (3, 0), (4, 1), (5, 0))
    assert not await running.app.storage.verify_counts()


async def test_the_later_comment_edits_the_alert(running: World) -> None:
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN))
    await running.taps(await running.sees("How was your chat"), "😕")
    first = await running.alert_with("2/5", "No comment yet")
    reasons = await running.sees("What went wrong?")
    await running.taps(reasons, "Something else")
    await running.taps(await running.sees("What went wrong?"), "Done")
    await running.telegram.wait_for(lambda: len(running.chat()) > 4)
    running.telegram.user_sends(TOKEN, LAN, "Nobody <b>called</b> me & *back* <!channel>")
    edited = await running.alert_with("Nobody <b>called</b> me & *back* <!channel>")
    assert edited.ts == first.ts
    assert len(running.alerts()) == 1


async def test_two_agents_press_claim_at_once_and_one_owns(running: World) -> None:
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN))
    await running.taps(await running.sees("How was your chat"), "😞")
    alert = await running.alert_with("Open")
    await asyncio.gather(
        running.slack.user_clicks(ANNA, DESK, alert.ts, "Claim"),
        running.slack.user_clicks(BEN, DESK, alert.ts, "Claim"),
    )
    claimed = await running.alert_with("Claimed by")
    owner, other = (ANNA, BEN) if "Claimed by anna" in shown(claimed) else (BEN, ANNA)
    whisper = await running.slack.wait_for(lambda: running.slack.ephemerals(other, DESK))
    assert f"{owner.name} has already claimed" in shown(whisper[-1])
    assert not running.slack.ephemerals(owner, DESK)


async def test_a_customer_in_slack_rates_by_words_and_by_buttons(running: World) -> None:
    await running.slack.user_commands(GIULIA, None, "/feedback")

    def direct() -> str:
        return "\n".join(shown(post) for post in running.slack.messages(running.slack.direct(GIULIA).id))

    await running.slack.wait_for(lambda: "How was your chat with our team?" in direct())
    running.slack.user_sends(GIULIA, None, "my order 5 is late")
    await running.slack.wait_for(lambda: "1 to 5" in direct())
    running.slack.user_sends(GIULIA, None, "2, too slow")
    await running.slack.wait_for(lambda: "✓ 😕 2/5" in direct())
    await running.alert_with("2/5", "too slow", "my order 5 is late", "giulia")
    assert (await counted(running))[0] == ("csat", 1)


async def test_a_closing_reported_twice_asks_once_and_an_opted_out_customer_is_never_asked(running: World) -> None:
    await running.lan_starts()
    first = await running.end_chat("telegram", str(LAN), reference="T-1")
    second = await running.end_chat("telegram", str(LAN), reference="T-1")
    assert first["interaction"] == second["interaction"]
    await running.sees("How was your chat")
    running.telegram.user_sends(TOKEN, LAN, "STOP")
    await running.sees("We will not ask you")
    await running.end_chat("telegram", str(LAN), reference="T-2")
    await asyncio.sleep(1.2)  # two ticks of the timers
    assert sum("How was your chat" in (message.text or "") for message in running.chat()) == 1


@pytest.mark.parametrize(
    ("language", "expected"), [("vi", "Quý khách"), ("it", "chat"), ("pl", "Pan/Pani")], ids=["vi", "it", "pl"]
)
async def test_the_customer_is_asked_in_their_language(running: World, language: str, expected: str) -> None:
    await running.lan_starts()
    before = len(running.chat())
    await running.end_chat("telegram", str(LAN), language=language)
    await running.telegram.wait_for(lambda: len(running.chat()) > before)
    assert expected.casefold() in (running.chat()[-1].text or "").casefold()
