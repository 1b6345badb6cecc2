"""What the services do wrong: nothing is lost, nobody is asked twice, and the program goes on."""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from time import monotonic

import pytest
from msgspec.structs import replace

from bot.channels.slack import sending
from bot.delivery import places
from bot.messages import ChannelName
from bot.ports import CaseQuery, Facts, Outcome, Read, Store
from bot.sandbox.faults import Duplicate, Fault, Hang, RateLimited, Refused, ResetAfter, ResetBefore, ServerError
from bot.storage.ops import ask, query
from tests.acceptance.world import ANNA, DESK, GIULIA, LAN, TOKEN, World, shown, world


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


async def detractors(running: World, customers: Sequence[int]) -> None:
    """So many customers rate 1, in this order; each gets their next question."""
    await asyncio.gather(*(running.lan_starts(user) for user in customers))
    # of one agent they would be one incident
    await asyncio.gather(
        *(running.end_chat("telegram", str(user), name=f"Customer {user}", agent=f"Agent {user}") for user in customers)
    )
    for user in customers:
        await running.taps(await running.sees("How was your chat", user), "😞", user)
    for user in customers:
        await running.sees("What went wrong", user)


def customers_of(running: World, customers: Sequence[int]) -> list[int]:
    """Whose alerts stand in the room, as they arrived."""
    texts = [shown(post) for post in running.alerts_of_cases()]
    return [next(user for user in customers if f"Customer {user}" in text) for text in texts]


def cases_of(running: World) -> list[str]:
    """Which cases' alerts stand in the room, as they arrived."""
    found = (re.search(r"'c1\.(\w+)\.claim'", str(post.blocks)) for post in running.alerts_of_cases())
    return [each[1] for each in found if each]


_QUEUED = query("SELECT o.slot FROM outbox o WHERE o.slot LIKE 'alert:%' AND o.kind = 'post' ORDER BY o.id")


async def cases_queued(running: World) -> list[str]:
    """Which cases' alerts were put on their way, oldest first."""
    rows = await running.app.storage._engine.read(lambda: ask(_QUEUED))
    return [str(slot).removeprefix("alert:") for (slot,) in rows]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses as short as tests are."""
    monkeypatch.setattr(places, "FIRST_PAUSE", timedelta(seconds=0.5))
    monkeypatch.setattr(places, "LONGEST_PAUSE", timedelta(seconds=1))
    monkeypatch.setattr(sending, "UNTIL_REPAIRED", 1.0)


def unpaced(running: World) -> None:
    """Let the room take alerts as fast as they come, still one after the other."""
    slack = running.app.channels[ChannelName("slack")]
    slack.limits = replace(slack.limits, posts_per_second=1_000.0)


DOWN: dict[str, Fault] = {
    "takes nothing": ServerError(status=503),
    "takes it and its answers are lost": ResetAfter(),
    "takes it and never answers": Hang(seconds=60, accepted=True),
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "fault",
    [pytest.param(DOWN[kind], id=kind, marks=[pytest.mark.slow] if "never" in kind else []) for kind in DOWN],
)
async def test_slack_is_down_for_200_alerts_which_arrive_when_it_returns_oldest_first(
    running: World, fault: Fault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unpaced(running)
    if isinstance(fault, Hang):
        settings = running.app.settings()
        quick = replace(settings, delivery=replace(settings.delivery, timeout=timedelta(seconds=2)))
        monkeypatch.setattr(running.app.courier, "_settings", lambda: quick)
    for method in ("chat.postMessage", "chat.update"):
        running.slack.faults.sometimes(method, fault, probability=1.0)
    down = monotonic()
    customers = range(LAN, LAN + 200)
    await detractors(running, customers)
    await running.telegram.wait_for(
        lambda: all(running.asked("What went wrong", user) for user in customers), timeout=60
    )
    for user in customers:
        assert [questions(running, user), sum("What went wrong" in (m.text or "") for m in running.chat(user))] == [
            1,
            1,
        ]
    await asyncio.sleep(2)
    tried = len(running.slack.journal.of("chat.postMessage"))
    assert "nothing is sent to slack until" in caplog.text
    # one goes ahead to see whether Slack is back, each second at most: a slow machine is down for longer
    assert 2 <= tried <= 10 + 2 * (monotonic() - down), "few requests, however many wait"
    running.slack.faults.clear()
    await running.slack.wait_for(lambda: len(running.alerts_of_cases()) >= len(customers), timeout=60)
    await asyncio.sleep(1)  # those in whose place others came twice, and whatever would still come twice
    arrived = Counter(customers_of(running, customers))
    assert arrived.keys() == set(customers)
    assert len([user for user, copies in arrived.items() if copies > 1]) <= len(customers) // 100
    assert list(dict.fromkeys(cases_of(running))) == await cases_queued(running)
    assert not await running.app.storage.given_up(10)


TROUBLE: dict[str, tuple[Fault, str]] = {
    "channel_not_found": (Refused(error="channel_not_found", status=200), f"slack/{DESK}"),
    "invalid_auth": (Refused(error="invalid_auth", status=200), "slack"),
    "ratelimited": (RateLimited(retry_after=1), "slack"),
}


@pytest.mark.parametrize(("fault", "paused"), TROUBLE.values(), ids=TROUBLE.keys())
async def test_what_slack_refuses_costs_few_requests_is_seen_by_the_operator_and_arrives_once_repaired(
    running: World, fault: Fault, paused: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unpaced(running)
    monkeypatch.setattr(sending, "UNTIL_REPAIRED", 1.0)
    running.slack.faults.sometimes("chat.postMessage", fault, probability=1.0, to=DESK)
    customers = range(LAN, LAN + 20)
    await detractors(running, customers)

    async def told() -> bool:
        return [(row.to.key, row.messages) for row in await running.app.storage.stuck(10)] == [(DESK, len(customers))]

    async with asyncio.timeout(10):
        while not await told():  # noqa: ASYNC110 - the database rings no bell for us
            await asyncio.sleep(0.05)
    assert f"nothing is sent to {paused} until" in caplog.text
    assert running.app.courier.paused().keys() <= {paused}
    assert 1 <= len(running.slack.journal.of("chat.postMessage")) <= 10
    running.slack.faults.clear()
    monkeypatch.setattr(places, "FIRST_PAUSE", timedelta(seconds=0.5))
    await running.slack.wait_for(lambda: len(running.alerts_of_cases()) == len(customers), timeout=60)
    assert set(customers_of(running, customers)) == set(customers)
    assert cases_of(running) == await cases_queued(running)
    assert not await running.app.storage.given_up(10)


async def test_a_missing_room_is_no_trouble_for_customers_of_the_same_workspace(running: World) -> None:
    running.slack.faults.sometimes(
        "chat.postMessage", Refused(error="channel_not_found", status=200), probability=1.0, to=DESK
    )
    await detractors(running, [LAN])
    while not running.app.courier.paused():  # noqa: ASYNC110 - the courier rings no bell
        await asyncio.sleep(0.05)
    await running.slack.user_commands(GIULIA, None, "/feedback")
    direct = running.slack.direct(GIULIA).id
    await running.slack.wait_for(
        lambda: any("How was your chat" in shown(post) for post in running.slack.messages(direct))
    )
    assert running.alerts() == []


# ---- what agents do -----------------------------------------------------------------------------------------


class SlowStore:
    """A store whose database takes its time."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds

    async def run(self, read: Read, decide: Callable[[Facts], Outcome]) -> Outcome:
        await asyncio.sleep(self._seconds)
        return await self._store.run(read, decide)


async def test_slack_gets_its_answers_in_time_while_the_database_is_slow(running: World) -> None:
    await detractors(running, [LAN])
    alert = await running.alert_with("1/5", "Claim")
    running.app.intake._store = SlowStore(running.app.storage, 0.2)
    running.slack.deliveries.attempts.clear()
    await running.slack.user_clicks(ANNA, DESK, alert.ts, "Claim")
    await running.alert_with("Claimed by")
    for n in range(5):
        running.slack.user_sends(ANNA, DESK, f"We are sorry ({n})", thread_ts=alert.ts)
    await running.slack.user_clicks(ANNA, DESK, alert.ts, "Resolve")
    await running.slack.wait_for(lambda: running.slack.views(ANNA))
    ack = await running.slack.user_submits_view(ANNA, {"cause": "slow_answer", "action": "Called"})
    assert ack.good, ack
    await running.sees("We are sorry (4)")
    await running.alert_with("Resolved")
    attempts = list(running.slack.deliveries.attempts)
    assert len(attempts) >= 8
    assert [each for each in attempts if each.number or not each.ack.good] == [], "none had to be brought again"


async def test_what_agents_did_counts_once_however_often_it_is_brought(running: World) -> None:
    await detractors(running, [LAN])
    alert = await running.alert_with("1/5", "Claim")
    often = Duplicate(copies=3, concurrent=True)
    running.slack.faults.next("interactivity", often)
    await running.slack.user_clicks(ANNA, DESK, alert.ts, "Claim")
    await running.alert_with("Claimed by")
    running.slack.faults.next("events", often, Duplicate(copies=3))
    running.slack.user_sends(ANNA, DESK, "Dear Lan", thread_ts=alert.ts)
    running.slack.user_sends(ANNA, DESK, "Which order was it?", thread_ts=alert.ts)
    await running.sees("Which order was it?")
    await asyncio.sleep(0.5)
    assert [sum(words in (each.text or "") for each in running.chat()) for words in ("Dear Lan", "Which order")] == [
        1,
        1,
    ]
    (case,) = await running.app.storage.cases.list(CaseQuery())
    view = await running.app.storage.cases.view(case.case.id)
    assert view is not None
    assert [note.what for note in view.notes] == ["opened", "claimed", "replied", "replied"]


async def test_a_photo_of_a_customer_is_a_link_that_gives_it_out(running: World) -> None:
    await detractors(running, [LAN])
    alert = await running.alert_with("1/5", "Claim")
    running.slack.user_sends(ANNA, DESK, "What does it look like?", thread_ts=alert.ts)
    await running.sees("What does it look like?")
    running.telegram.world.files["AgACfile"] = b"a picture"
    picture = {"photo": [{"file_id": "AgACfile", "width": 1, "height": 1}], "caption": "So"}
    running.telegram.user_sends(TOKEN, LAN, None, content=picture)
    post = await running.slack.wait_for(
        lambda: next((each for each in running.slack.thread(DESK, alert.ts) if "/files/" in str(each.blocks)), None)
    )
    assert post is not None
    assert TOKEN not in str(post.to_json())
    (address,) = set(re.findall(rf"{running.url}/files/[A-Za-z0-9_-]+", str(post.blocks)))
    async with running.client.get(address) as answer:
        assert (answer.status, await answer.read()) == (200, b"a picture")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with running.client.get(f"{address}x") as answer:
        assert answer.status == 404


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
