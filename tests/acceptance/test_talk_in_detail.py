"""What agents and customers may do to a talk beside talking, played through the real clients."""

from collections.abc import AsyncIterator

import pytest

from bot.channels.slack import channel
from bot.sandbox.faults import ResetAfter
from tests.acceptance.test_recovery import rated_one, replies
from tests.acceptance.world import ANNA, DESK, LAN, TOKEN, World, shown, world


@pytest.fixture
async def running(storage_url: str) -> AsyncIterator[World]:
    async with world(storage_url) as one:
        yield one


def photo(number: int, group: str) -> dict[str, object]:
    sizes = [{"file_id": f"P{number}", "file_unique_id": f"u{number}", "width": 1, "height": 1}]
    return {"photo": sizes, "media_group_id": group}


async def test_an_album_a_place_and_a_change_arrive_in_the_thread(running: World) -> None:
    alert = await rated_one(running)
    await replies(running, alert, "What happened?")
    for number in range(4):
        running.telegram.user_sends(TOKEN, LAN, None, content=photo(number, "album"))
    sent = running.telegram.user_sends(TOKEN, LAN, "It cme in two")
    running.telegram.inject(
        TOKEN,
        {
            "edited_message": {
                "message_id": sent,
                "chat": {"id": LAN, "type": "private"},
                "from": {"id": LAN, "is_bot": False, "first_name": "Lan"},
                "date": 1,
                "edit_date": 2,
                "text": "It came in two",
            }
        },
    )
    running.telegram.user_sends(TOKEN, LAN, None, content={"location": {"latitude": 41.9, "longitude": 12.5}})

    def thread() -> str:
        return "\n".join(shown(post) for post in running.slack.thread(DESK, alert.ts))

    await running.slack.wait_for(lambda: "[location 41.9, 12.5]" in thread(), timeout=10)
    assert str([post.blocks for post in running.slack.thread(DESK, alert.ts)]).count("/files/") == 4
    assert "Lan (edited)" in thread()
    assert "It came in two" in thread()


async def test_a_formatted_note_stays_among_the_agents_and_a_change_of_it_too(running: World) -> None:
    alert = await rated_one(running)
    note = running.slack.user_sends(ANNA, DESK, "*// do not refund*", thread_ts=alert.ts)
    await running.slack.settled()
    running.slack.user_edits(ANNA, DESK, note, "We do not refund")
    await running.slack.wait_for(lambda: running.slack.ephemerals(ANNA, DESK), timeout=10)
    assert "was not sent" in running.slack.ephemerals(ANNA, DESK)[-1].text
    await replies(running, alert, "We are on it")
    await running.sees("We are on it")
    assert running.asked("refund") is None


async def test_words_under_an_alert_that_was_lost_on_its_way_are_not_lost_in_silence(
    running: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack showed it, its answer did not arrive, and another one was posted."""
    monkeypatch.setattr(channel, "RECENT", 0.0)
    running.slack.faults.next("chat.postMessage", ResetAfter())
    await rated_one(running)
    await running.slack.wait_for(lambda: len(running.alerts_of_cases()) == 2, timeout=10)
    first, second = running.alerts_of_cases()
    running.slack.user_sends(ANNA, DESK, "We are on it", thread_ts=first.ts)
    await running.slack.wait_for(lambda: running.slack.ephemerals(ANNA, DESK), timeout=10)
    (told,) = running.slack.ephemerals(ANNA, DESK)
    assert (told.thread_ts, "not sent" in told.text) == (first.ts, True)
    running.slack.user_sends(ANNA, DESK, "We are on it, again", thread_ts=second.ts)
    await running.sees("We are on it, again")
