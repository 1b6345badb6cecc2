"""What the services do wrong: nothing is lost, nobody is asked twice, and the program goes on."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from bot.sandbox.faults import Duplicate, Hang, RateLimited, Refused, ResetAfter, ResetBefore, ServerError
from tests.acceptance.world import DESK, LAN, TOKEN, World, shown, world


@pytest.fixture
async def running(storage_url: str) -> AsyncIterator[World]:
    async with world(storage_url, hooks=True) as everything:
        yield everything


def questions(running: World, user: int = LAN) -> int:
    return sum("How was your chat" in (message.text or "") for message in running.chat(user))


async def test_too_many_requests_are_obeyed_without_holding_up_other_customers(running: World) -> None:
    other = LAN + 1
    await running.lan_starts()
    await running.lan_starts(other)
    running.telegram.faults.next("sendMessage", RateLimited(retry_after=2), to=str(LAN))
    await running.end_chat("telegram", str(LAN))
    await running.telegram.wait_for(lambda: not running.telegram.faults.waiting(), timeout=10)
    refused_at = asyncio.get_running_loop().time()
    await running.end_chat("telegram", str(other))
    await running.sees("How was your chat", other)
    assert questions(running) == 0, "the wait that was asked for is not over"
    await running.sees("How was your chat")
    assert asyncio.get_running_loop().time() - refused_at >= 1.9
    assert questions(running) == 1


@pytest.mark.parametrize(
    "fault", [ServerError(), ServerError(status=502), ResetBefore(), RateLimited(retry_after=1)], ids=str
)
async def test_a_message_that_was_not_taken_is_sent_again_and_arrives_once(running: World, fault: object) -> None:
    await running.lan_starts()
    running.telegram.faults.next("sendMessage", fault)  # type: ignore[arg-type]
    await running.end_chat("telegram", str(LAN))
    await running.sees("How was your chat")
    await asyncio.sleep(0.5)
    assert questions(running) == 1


async def test_an_answer_lost_on_the_way_back_repeats_the_message_at_most_once_and_both_copies_work(
    running: World,
) -> None:
    await running.lan_starts()
    running.telegram.faults.next("sendMessage", ResetAfter())
    await running.end_chat("telegram", str(LAN))
    await running.telegram.wait_for(lambda: questions(running) == 2, timeout=10)
    first = next(message for message in running.chat() if "How was your chat" in (message.text or ""))
    await running.taps(first, "😀")
    await running.telegram.wait_for(lambda: running.asked("✓ 😀 5/5"))
    (row, *_) = await running.app.report()
    assert row.n == 1


async def test_who_blocks_the_bot_is_opted_out_and_not_written_to_again(
    running: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    await running.lan_starts()
    running.telegram.faults.next("sendMessage", Refused(error="Forbidden: bot was blocked by the user"))
    await running.end_chat("telegram", str(LAN))
    await running.telegram.wait_for(lambda: not running.telegram.faults.waiting(), timeout=10)
    while not await running.app.storage.given_up(10):  # noqa: ASYNC110 - the database rings no bell for us
        await asyncio.sleep(0.05)
    await running.end_chat("telegram", str(LAN))
    await asyncio.sleep(1.2)
    assert questions(running) == 0
    assert len(running.telegram.journal.of("sendMessage")) == 2, "the welcome, and the one that was refused"
    assert not caplog.records


async def test_updates_delivered_twice_and_taps_at_the_same_moment_count_once(running: World) -> None:
    await running.lan_starts()
    running.telegram.faults.next("updates", *[Duplicate(copies=3, concurrent=True)] * 3)
    await running.end_chat("telegram", str(LAN))
    question = await running.sees("How was your chat")
    buttons = {button.text: button.callback_data for row in question.buttons for button in row}
    for label in ("😞", "😀", "😞"):
        running.telegram.user_taps(TOKEN, LAN, question.message_id, buttons[label] or label, stale=True)
    await running.telegram.settled(TOKEN)
    await running.sees("1/5")
    await running.alert_with("1/5")
    assert len(running.alerts()) == 1
    rows = await running.app.report()
    assert (rows[0].n, rows[0].distribution[0]) == (1, (1, 1))
    toasts = [answer.text for answer in running.telegram.answers(TOKEN)]
    assert any("already counted" in (text or "") for text in toasts)
    assert not await running.app.storage.verify_counts()


async def test_slack_is_down_and_every_alert_arrives_when_it_returns_oldest_first(running: World) -> None:
    running.slack.faults.sometimes("chat.postMessage", ServerError(status=503), probability=1.0)
    customers = range(LAN, LAN + 12)
    for user in customers:
        await running.lan_starts(user)
        await running.end_chat("telegram", str(user), name=f"Customer {user}")
        await running.taps(await running.sees("How was your chat", user), "😞", user)
        await running.sees("What went wrong", user)
    assert running.alerts() == []
    running.slack.faults.clear()
    await running.slack.wait_for(lambda: len(running.alerts()) == len(customers), timeout=30)
    await asyncio.sleep(0.5)
    named = [next(user for user in customers if f"Customer {user}" in shown(post)) for post in running.alerts()]
    assert sorted(named) == list(customers), "each once"


async def test_a_service_that_hangs_holds_up_nobody_else(running: World) -> None:
    other = LAN + 1
    await running.lan_starts()
    await running.lan_starts(other)
    running.telegram.faults.next("sendMessage", Hang(seconds=30), to=str(LAN))
    await running.end_chat("telegram", str(LAN))
    await running.telegram.wait_for(lambda: not running.telegram.faults.waiting(), timeout=10)
    await running.end_chat("telegram", str(other))
    await running.taps(await running.sees("How was your chat", other), "😞", other)
    await running.alert_with("1/5")
    running.telegram.faults.release()
    await running.sees("How was your chat")


async def test_forged_bodies_change_nothing(running: World) -> None:
    await running.lan_starts()
    before = len(running.chat())
    sender = {"id": LAN, "is_bot": False, "first_name": "Lan"}
    chat = {"id": LAN, "type": "private"}
    message = {"message_id": 1, "date": 0, "text": "/feedback", "chat": chat, "from": sender}
    update = {"update_id": 9, "message": message}
    for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guess"}):
        async with running.client.post(f"{running.url}/channels/telegram", json=update, headers=headers) as answer:
            assert answer.status == 403
    async with running.client.post(f"{running.url}/channels/slack/events", json={"type": "event_callback"}) as answer:
        assert answer.status == 401
    async with running.client.post(f"{running.url}/api/v1/interactions", json={}) as answer:
        assert answer.status == 401
    await asyncio.sleep(0.3)
    assert len(running.chat()) == before
    assert running.slack.messages(DESK) == []


HOSTILE = {
    "html and mrkdwn": "<b>bold</b> *bold* _it_ <!channel> <@U0ANNA> <http://evil.example|click> &amp; `code`",
    "right to left": "السعر \u202eغالي جدا\u202c שלום",
    "nul and lone surrogate": "before\x00after",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 5️⃣",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_customers_write_arrives_as_the_same_plain_text(running: World, text: str) -> None:
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN))
    await running.taps(await running.sees("How was your chat"), "😞")
    await running.sees("What went wrong")
    running.telegram.user_sends(TOKEN, LAN, text)
    alert = await running.alert_with(text.replace("\x00", "").split()[-1])
    assert text.replace("\x00", "") in shown(alert).replace("\x00", "")
    assert all(message.parse_mode is None for message in running.chat())


async def test_64_kilobytes_of_words_are_kept_whole_and_shown_in_part(running: World) -> None:
    await running.lan_starts()
    await running.end_chat("telegram", str(LAN))
    await running.taps(await running.sees("How was your chat"), "😞")
    text = "word " * 13_000
    running.telegram.user_sends(TOKEN, LAN, text)
    alert = await running.alert_with("word word")
    assert len(shown(alert)) < 5_000
