"""The agents' desk against a Slack on loopback: menus, people, forms, threads, names and files."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.channels.slack import SlackChannel, channel, files, people
from bot.channels.slack.people import People
from bot.config import SlackSettings
from bot.errors import SendFailed
from bot.messages import (
    Address,
    AgentDid,
    AgentPressed,
    AgentWrote,
    AlertMenu,
    Assign,
    Attachment,
    Button,
    Inbound,
    Link,
    Relay,
    Remark,
    Resolve,
    Snooze,
    Text,
)
from bot.ports import File, Form, FormOption, Said, SaidKind
from bot.sandbox.faults import Hang, Refused, ServerError
from bot.sandbox.slack_state import StoredFile, View
from tests.channels.slack_shop import (
    ANNA,
    BEN,
    CASE,
    LAN,
    NOW,
    SLACK,
    TOKEN,
    Shop,
    alert,
    open_shop,
    place_of,
    shop_with,
    until,
)

DESK = "#desk"
CALLED = "c1.{}.{}".format
REPLY = Button(label="Reply", token=CALLED(CASE, "reply"))
DESK_ALERT = replace(
    alert(),
    buttons=(Button(label="Claim", token=CALLED(CASE, "claim")), REPLY),
    menus=(
        AlertMenu(label="Snooze…", options=(Button(label="1 hour", token=CALLED(CASE, "snooze:1h")),)),
        AlertMenu(label="Assign to…", people=True, token=CALLED(CASE, "assign")),
    ),
    links=(Link(label="Ticket", url="https://shop.example/t/1"),),
    mentions=("S0SUPPORT",),
)
TEMPLATES = (
    FormOption(id="late", label="Late", text="Sorry that it is late.", kind="apology"),
    FormOption(id="again", label="Send again", text="We send it again.", kind="fix"),
    FormOption(id="returns", label="Returns", text="Within 30 days.", kind="policy"),
)
REPLY_FORM = Form(kind="reply", case=CASE, title="Lan gave 2", about="too <!channel> *slow*", options=TEMPLATES)
CAUSES = (FormOption(id="slow", label="Slow reply"), FormOption(id="broken", label="Broken"))
RESOLVE_FORM = Form(kind="resolve", case=CASE, title="Lan gave 2", options=CAUSES)
SNOOZE_FORM = Form(kind="snooze", case=CASE, title="Lan gave 2", until=NOW + timedelta(hours=3))


@pytest.fixture(params=["http", "socket"])
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    """A desk that hears of things in either way."""
    async with open_shop(request.param) as one:
        yield one


@pytest.fixture
async def sender() -> AsyncIterator[Shop]:
    """A desk that only sends."""
    one = await shop_with("http")
    yield one
    await one.channel.close()
    await one.slack.stop()


def forms(form: Form) -> Callable[[Inbound], Said]:
    """Answers presses with a form, with the template that was chosen filled in, and all else with "done"."""

    def said(inbound: Inbound) -> Said:
        if not isinstance(inbound, AgentPressed):
            return Said(kind="done")
        chosen = inbound.token.rpartition("use:")[2] if "use:" in inbound.token else ""
        text = next((option.text for option in TEMPLATES if option.id == chosen), form.text)
        return Said(kind="form", form=replace(form, text=text))

    return said


async def opened(shop: Shop, form: Form) -> View:
    """The form in front of Anna after she pressed a button."""
    shop.said = forms(form)
    _, ts = place_of(await shop.send(DESK_ALERT, DESK))
    ack = await shop.slack.user_clicks(ANNA, DESK, ts, "Reply")
    assert ack.status == 200
    view = await shop.slack.wait_for(lambda: shop.slack.opened_view(ANNA))
    assert view is not None
    return view


def held(view: View, field: str) -> Any:
    """What is in a field: by the name of its action, whatever its block is called."""
    (value,) = [each for (_, action), each in view.entered.items() if action == field]
    return next(iter(value.values()))


# ---- menus


async def test_a_menu_is_pressed_like_a_button(shop: Shop) -> None:
    _, ts = place_of(await shop.send(DESK_ALERT, DESK))
    assert (await shop.slack.user_selects(ANNA, DESK, ts, "Snooze…", "1 hour")).status == 200
    (pressed,) = shop.heard
    assert isinstance(pressed, AgentPressed)
    assert (pressed.agent.key, pressed.agent_name, pressed.token) == (ANNA.id, "Anna Nowak", CALLED(CASE, "snooze:1h"))


async def test_a_case_is_given_to_somebody_by_name(shop: Shop) -> None:
    _, ts = place_of(await shop.send(DESK_ALERT, DESK))
    assert (await shop.slack.user_picks_person(ANNA, DESK, ts, "Assign to…", BEN)).status == 200
    (did,) = shop.heard
    assert isinstance(did, AgentDid)
    assert (did.agent_name, did.case) == ("Anna Nowak", CASE)
    assert did.deed == Assign(to=Address(channel=SLACK, key=BEN.id), to_name="Ben Ito")


async def test_opening_a_link_is_acknowledged_and_nothing_else(shop: Shop) -> None:
    _, ts = place_of(await shop.send(DESK_ALERT, DESK))
    assert (await shop.slack.user_clicks(ANNA, DESK, ts, "Ticket")).status == 200
    assert shop.heard == []


REFUSALS: dict[SaidKind, str] = {
    "already_claimed": "Ben Ito has already claimed this case.",
    "already_resolved": "This case is resolved already.",
    "not_owner": "Only Ben Ito can release this case. You can assign it instead.",
    "case_closed": "This case is closed.",
    "no_case": "There is no such case any more.",
    "unreachable": "The customer cannot be written to any more. Nothing was sent.",
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_what_cannot_be_done_is_told_to_the_agent_alone(kind: SaidKind) -> None:
    async with open_shop("http") as shop:
        shop.said = lambda _: Said(kind=kind, text="Ben Ito")
        _, ts = place_of(await shop.send(DESK_ALERT, DESK))
        await shop.slack.user_selects(ANNA, DESK, ts, "Snooze…", "1 hour")
        await shop.slack.wait_for(lambda: shop.slack.ephemerals(ANNA, DESK))
        assert [post.text for post in shop.slack.ephemerals(ANNA, DESK)] == [REFUSALS[kind]]


# ---- forms


async def test_a_reply_is_written_in_a_form(shop: Shop) -> None:
    view = await opened(shop, REPLY_FORM)
    assert view.body["title"]["text"] == "Reply to customer"
    assert [group["label"]["text"] for group in view.body["blocks"][2]["element"]["option_groups"]] == [
        "Apologies",
        "Fixes",
        "Policies",
    ]
    ack = await shop.slack.user_submits(ANNA, view, {"text": "We are *sorry* & <will> fix it"})
    assert (ack.status, ack.body) == (200, {"response_action": "clear"})
    assert shop.slack.opened_view(ANNA) is None
    did = shop.heard[-1]
    assert isinstance(did, AgentDid)
    assert (did.case, did.agent_name) == (CASE, "Anna Nowak")
    assert did.deed == Relay(text="We are *sorry* & <will> fix it")


async def test_a_template_is_put_into_the_form(shop: Shop) -> None:
    view = await opened(shop, REPLY_FORM)
    before = view.hash
    ack = await shop.slack.user_clicks_in_view(ANNA, "template", "Late")
    assert ack.status == 200
    await shop.slack.wait_for(lambda: view.hash != before)
    pressed = shop.heard[-1]
    assert isinstance(pressed, AgentPressed)
    assert pressed.token == CALLED(CASE, "use:late")
    assert held(view, "text") == "Sorry that it is late."
    await shop.slack.user_submits(ANNA, view, {})
    did = shop.heard[-1]
    assert isinstance(did, AgentDid)
    assert did.deed == Relay(text="Sorry that it is late.", template="late")


async def test_another_template_takes_the_place_of_one_but_of_no_typed_word(shop: Shop) -> None:
    view = await opened(shop, REPLY_FORM)

    async def choose(label: str) -> None:
        before = view.hash
        await shop.slack.user_clicks_in_view(ANNA, "template", label)
        await shop.slack.wait_for(lambda: view.hash != before)

    await choose("Late")
    await choose("Send again")
    assert held(view, "text") == "We send it again."
    shop.slack.user_fills(ANNA, {"text": "We send it again tomorrow."})
    await choose("Returns")
    assert held(view, "text") == "We send it again tomorrow.\n\nWithin 30 days."


async def test_a_case_is_resolved_with_cause_and_action(shop: Shop) -> None:
    view = await opened(shop, RESOLVE_FORM)
    incomplete = await shop.slack.user_submits(ANNA, view, {"action": "Sent it again"})
    assert incomplete.reason == "incomplete"
    await shop.slack.user_submits(ANNA, view, {"cause": "Slow reply"})
    did = shop.heard[-1]
    assert isinstance(did, AgentDid)
    assert did.deed == Resolve(cause="slow", action="Sent it again")


async def test_reminders_are_snoozed_until_a_chosen_time(shop: Shop) -> None:
    view = await opened(shop, SNOOZE_FORM)
    assert held(view, "until") == int((NOW + timedelta(hours=3)).timestamp())
    later = NOW + timedelta(days=2)
    await shop.slack.user_submits(ANNA, view, {"until": int(later.timestamp())})
    did = shop.heard[-1]
    assert isinstance(did, AgentDid)
    assert did.deed == Snooze(until=later.replace(microsecond=0))


COMPLAINTS: dict[str, tuple[Form, dict[str, Any], Said, str, str]] = {
    # name: (form, filled in with, what intake says, the field, the words)
    "no words": (REPLY_FORM, {"text": " "}, Said(kind="empty", text="text"), "text", "Please write a few words."),
    "too many": (
        REPLY_FORM,
        {"text": "x" * 3_000},
        Said(kind="too_long", text="text"),
        "text",
        "This is too long. Please shorten it.",
    ),
    "no action": (
        RESOLVE_FORM,
        {"cause": "Slow reply", "action": " "},
        Said(kind="empty", text="action"),
        "action",
        "Please write a few words.",
    ),
    "a cause of yesterday": (
        RESOLVE_FORM,
        {"cause": "Broken", "action": "x"},
        Said(kind="empty", text="cause"),
        "cause",
        "Please choose a cause from the list.",
    ),
    "in the past": (
        SNOOZE_FORM,
        {"until": 1_700_000_000},
        Said(kind="in_the_past"),
        "until",
        "Please choose a time that is still to come.",
    ),
    "resolved meanwhile": (
        RESOLVE_FORM,
        {"cause": "Broken", "action": "x"},
        Said(kind="already_resolved", text="Ben Ito"),
        "action",
        "This case is resolved already.",
    ),
    "closed meanwhile": (REPLY_FORM, {"text": "x"}, Said(kind="case_closed"), "text", "This case is closed."),
    "unreachable": (REPLY_FORM, {"text": "x"}, Said(kind="unreachable"), "text", REFUSALS["unreachable"]),
    "gone": (REPLY_FORM, {"text": "x"}, Said(kind="no_case"), "text", "There is no such case any more."),
}


@pytest.mark.parametrize("name", COMPLAINTS)
async def test_a_refused_form_stays_and_says_why_at_its_field(name: str) -> None:
    form, values, said, field, words = COMPLAINTS[name]
    async with open_shop("http") as shop:
        view = await opened(shop, form)
        shop.said = lambda _: said
        await shop.slack.user_submits(ANNA, view, values)
        assert shop.slack.opened_view(ANNA) is view
        assert view.errors == {field: words}
        assert shop.slack.troubles == []


async def test_complaints_after_a_template_are_at_the_field_as_it_is_now(shop: Shop) -> None:
    view = await opened(shop, REPLY_FORM)
    before = view.hash
    await shop.slack.user_clicks_in_view(ANNA, "template", "Late")
    await shop.slack.wait_for(lambda: view.hash != before)
    shop.said = lambda _: Said(kind="unreachable")
    await shop.slack.user_submits(ANNA, view, {})
    assert list(view.errors.values()) == [REFUSALS["unreachable"]]
    assert shop.slack.troubles == []


async def test_the_same_words_are_one_event_until_they_were_refused() -> None:
    async with open_shop("http") as shop:
        view = await opened(shop, REPLY_FORM)
        shop.said = lambda _: Said(kind="unreachable")
        await shop.slack.user_submits(ANNA, view, {"text": "Sorry"})
        shop.said = lambda _: Said(kind="done")
        await shop.slack.user_submits(ANNA, view, {"text": "Sorry"})
        first, second = (inbound.event for inbound in shop.heard[1:])
        assert first != second
        # the answer was lost, and Anna presses again
        payload = shop.slack.deliveries.attempts[-1].outgoing.payload
        await shop.slack.inject("interactivity", {**payload, "trigger_id": "another"})
        assert shop.heard[-1].event == second


async def test_a_form_that_was_not_kept_stays_open() -> None:
    async with open_shop("http") as shop:
        view = await opened(shop, REPLY_FORM)
        shop.failures = 1
        ack = await shop.slack.user_submits(ANNA, view, {"text": "Sorry"})
        assert (ack.status, shop.slack.opened_view(ANNA)) == (503, view)
        assert (await shop.slack.user_submits(ANNA, view, {})).body == {"response_action": "clear"}


async def test_a_form_that_comes_too_late_is_asked_for_again(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.said = forms(REPLY_FORM)
    shop.slack.faults.next("views.open", Refused(error="expired_trigger_id"))
    _, ts = place_of(await shop.send(DESK_ALERT, DESK))
    with caplog.at_level(logging.WARNING):
        await shop.slack.user_clicks(ANNA, DESK, ts, "Reply")
        await shop.slack.wait_for(lambda: shop.slack.ephemerals(ANNA, DESK))
    (whisper,) = shop.slack.ephemerals(ANNA, DESK)
    assert whisper.text == "The form could not be opened in time. Please press the button again."
    assert "a form was not shown (expired_trigger_id)" in caplog.text
    assert TOKEN not in caplog.text
    assert len(shop.slack.journal.of("views.open")) == 1


async def test_a_form_that_was_closed_meanwhile_is_not_opened_again(shop: Shop) -> None:
    view = await opened(shop, REPLY_FORM)
    shop.slack.faults.next("views.update", Refused(error="not_found"))
    await shop.slack.user_clicks_in_view(ANNA, "template", "Late")
    await shop.channel.close()
    assert (held(view, "text"), shop.slack.ephemerals(ANNA)) == (None, [])


async def test_slack_waits_for_no_more_than_a_slow_database(shop: Shop) -> None:
    """Slack gives up after three seconds, and so does the right to open a form; names are asked for besides."""
    shop.slow = 0.2
    shop.slack.faults.next("users.info", Hang(seconds=60))
    view = await opened(shop, REPLY_FORM)
    assert (await shop.slack.user_submits(ANNA, view, {"text": "Sorry"})).body == {"response_action": "clear"}
    _, ts = place_of(await shop.send(DESK_ALERT, DESK))
    shop.slack.user_writes(ANNA, DESK, ts, "We are on it")
    await shop.slack.settled()
    assert shop.slack.deliveries.given_up == []
    assert shop.slack.troubles == []
    # what was answered was answered at the first attempt
    assert {attempt.number for attempt in shop.slack.deliveries.attempts} == {0}
    assert all(attempt.ack.good for attempt in shop.slack.deliveries.attempts)
    assert isinstance(shop.heard[-1], AgentWrote)


# ---- threads


async def test_what_agents_write_in_a_thread_is_heard(shop: Shop) -> None:
    remote = await shop.send(DESK_ALERT, DESK)
    _, ts = place_of(remote)
    shop.slack.user_writes(ANNA, DESK, ts, "We are on it, <Lan> & co")
    shop.slack.user_sends(BEN, DESK, "not in the thread")
    picture = StoredFile(id="F0PIC", name="label.png", mimetype="image/png", body=b"png")
    shop.slack.user_sends(BEN, DESK, "", ts, [picture])
    await shop.slack.settled()
    words, sent = shop.heard
    assert isinstance(words, AgentWrote)
    assert (words.thread, words.text) == (remote, "We are on it, <Lan> & co")
    assert (words.agent.key, words.agent_name) == (ANNA.id, "Anna Nowak")
    assert isinstance(sent, AgentWrote)
    assert sent.attachments == (Attachment(kind="photo", reference="F0PIC", name="label.png"),)


async def test_what_is_told_to_one_writer_stands_in_the_thread(shop: Shop) -> None:
    shop.said = lambda _: Said(kind="text_only")
    _, ts = place_of(await shop.send(DESK_ALERT, DESK))
    shop.slack.user_writes(ANNA, DESK, ts, "see the file")
    await shop.slack.wait_for(lambda: shop.slack.ephemerals(ANNA, DESK))
    (whisper,) = shop.slack.ephemerals(ANNA, DESK)
    assert whisper.thread_ts == ts
    assert whisper.text.startswith("Only words reach the customer")


def knows_later(shop: Shop, after: int) -> None:
    """Words in the thread are understood when they come for the time after so many."""
    asked = iter(range(100))
    shop.said = lambda _: Said(kind="unknown_thread" if next(asked) < after else "done")


async def test_words_that_come_before_their_alert_is_known_are_brought_again(shop: Shop) -> None:
    """An agent may be quicker than the record of the post: no word is said to be lost, and none is."""
    knows_later(shop, 2)
    _, ts = place_of(await shop.send(DESK_ALERT, DESK))
    shop.slack.user_writes(ANNA, DESK, ts, "We are on it")
    if shop.slack.deliveries.route is shop.slack.socket:
        # an envelope that is not acknowledged is sent again after three seconds, or on the next connection
        await shop.hears(1)
        await shop.slack.socket.disconnect()
    words = await shop.hears(3 if shop.slack.deliveries.route is not shop.slack.socket else 2)
    assert {(each.event, each.text) for each in words if isinstance(each, AgentWrote)} == {
        (words[0].event, "We are on it")
    }
    assert shop.slack.ephemerals(ANNA, DESK) == []


async def test_words_under_an_old_message_that_is_no_alert_are_said_to_be_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "RECENT", 0.0)
    knows_later(shop, 1)
    _, ts = place_of(await shop.send(Text(text="Two cases wait."), DESK))
    shop.slack.user_writes(ANNA, DESK, ts, "We are on it")
    await shop.slack.wait_for(lambda: shop.slack.ephemerals(ANNA, DESK))
    (whisper,) = shop.slack.ephemerals(ANNA, DESK)
    assert (whisper.thread_ts, "not sent" in whisper.text) == (ts, True)
    await shop.slack.settled()
    assert [attempt.number for attempt in shop.slack.deliveries.attempts if attempt.ack.status == 200][-1] == 0


async def test_threads_of_other_people_are_left_alone(shop: Shop) -> None:
    knows_later(shop, 1)
    ts = shop.slack.user_sends(BEN, DESK, "Lunch?")
    shop.slack.user_writes(ANNA, DESK, ts, "Yes!")
    await shop.hears(1)
    await shop.slack.settled()
    assert shop.slack.ephemerals(ANNA, DESK) == []
    assert all(attempt.ack.good for attempt in shop.slack.deliveries.attempts)


async def test_a_change_of_words_in_a_thread_is_heard_with_what_they_were(shop: Shop) -> None:
    shop.said = lambda inbound: Said(kind="kept_as_sent" if getattr(inbound, "was", None) else "done")
    _, ts = place_of(await shop.send(DESK_ALERT, DESK))
    mine = shop.slack.user_writes(ANNA, DESK, ts, "We send to")
    shop.slack.user_edits(ANNA, DESK, mine, "We send two")
    await shop.slack.wait_for(lambda: shop.slack.ephemerals(ANNA, DESK))
    changed = shop.heard[-1]
    assert isinstance(changed, AgentWrote)
    assert (changed.text, changed.was) == ("We send two", "We send to")
    (whisper,) = shop.slack.ephemerals(ANNA, DESK)
    assert (whisper.thread_ts, "keeps what was sent" in whisper.text) == (ts, True)


async def test_a_note_is_not_answered_in_the_thread_but_in_a_form(shop: Shop) -> None:
    view = await opened(shop, REPLY_FORM)
    shop.said = lambda _: Said(kind="kept_internal")
    await shop.slack.user_submits(ANNA, view, {"text": "// not for Lan"})
    assert any("stay among the agents" in words for words in view.errors.values())
    _, ts = place_of(await shop.send(DESK_ALERT, DESK))
    shop.slack.user_writes(ANNA, DESK, ts, "// not for Lan")
    await shop.slack.settled()
    assert shop.slack.ephemerals(ANNA, DESK) == []


async def test_a_remark_stands_in_the_thread_of_its_alert(sender: Shop) -> None:
    remote = await sender.send(DESK_ALERT, DESK)
    conversation, ts = place_of(remote)
    mine = await sender.send(Remark(text="still <broken>", author="Lan", mentions=(ANNA.id,)), DESK, thread=remote)
    (post,) = sender.slack.thread(DESK, ts)
    assert mine == f"{conversation}:{post.ts}"
    assert post.text == "<@U0ANNA> Lan: still &lt;broken&gt;"


async def test_a_remark_whose_alert_is_gone_stands_in_the_room(sender: Shop) -> None:
    remote = await sender.send(DESK_ALERT, DESK)
    conversation, ts = place_of(remote)
    del sender.slack.world.channels[conversation].posts[ts]
    await sender.send(Remark(text="one"), DESK, thread=remote)
    sender.slack.faults.next("chat.postMessage", Refused(error="thread_not_found"))
    await sender.send(Remark(text="two"), DESK, thread=remote)
    assert [(post.text, post.thread_ts) for post in sender.slack.messages(DESK)] == [("one", None), ("two", None)]


async def test_words_to_a_customer_never_stand_in_the_agents_thread(sender: Shop) -> None:
    """What a relay names as its thread is where its failure is told."""
    remote = await sender.send(DESK_ALERT, DESK)
    await sender.send(Text(text="We are sorry"), LAN.id, thread=remote)
    assert sender.slack.thread(DESK, place_of(remote)[1]) == []
    assert [post.text for post in sender.slack.messages(sender.slack.direct(LAN).id)] == ["We are sorry"]


async def test_a_missing_room_is_the_rooms_trouble(sender: Shop) -> None:
    with pytest.raises(SendFailed) as failed:
        await sender.send(Remark(text="x"), "#nowhere")
    assert (failed.value.whole_room, failed.value.whole_channel, failed.value.retryable) == (True, False, True)
    with pytest.raises(SendFailed) as failed:
        await sender.send(Text(text="x"), "U404")
    assert (failed.value.whole_room, failed.value.recipient_gone) == (False, True)


# ---- names


async def test_one_look_up_per_person_at_a_time_and_none_for_an_hour(sender: Shop) -> None:
    now = [0.0]
    client = sender.channel._opened()
    known = People(lambda: client, now=lambda: now[0])
    pressed = AgentPressed(
        event="e", agent=Address(channel=SLACK, key=ANNA.id), agent_name="anna", token=CALLED(CASE, "claim"), at=NOW
    )

    async def name() -> str:
        inbound = await known.named(pressed)
        assert isinstance(inbound, AgentPressed)
        return inbound.agent_name

    assert await asyncio.gather(*(name() for _ in range(5))) == ["Anna Nowak"] * 5
    now[0] = people.KEPT - 1
    assert await name() == "Anna Nowak"
    assert len(sender.slack.journal.of("users.info")) == 1
    now[0] = people.KEPT + 1
    sender.slack.faults.next("users.info", ServerError())
    # the name of an hour ago is better than none
    assert await name() == "Anna Nowak"
    assert len(sender.slack.journal.of("users.info")) == 2


async def test_who_is_not_known_has_a_handle(sender: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "PATIENCE", 0.05)
    client = sender.channel._opened()
    known = People(lambda: client)
    unknown = Address(channel=SLACK, key="U404")
    wrote = AgentWrote(event="e", agent=unknown, agent_name="zoe", thread="C1:1.1", text="x", at=NOW)
    assert await known.named(wrote) == wrote
    sender.slack.faults.next("users.info", Hang(seconds=60))
    slow = replace(wrote, agent=Address(channel=SLACK, key=BEN.id), agent_name="ben")
    assert await known.named(slow) == slow
    # the answer is there for whoever comes next
    sender.slack.faults.release()
    await until(lambda: not known._asking)
    assert await known.named(slow) == replace(slow, agent_name="Ben Ito")
    await known.close()


# ---- files

PICTURE = StoredFile(id="F0PIC", name="broken lamp.jpg", mimetype="image/jpeg", body=b"\xff\xd8" * 50_000)


async def test_a_customers_file_is_fetched_with_the_bots_token(sender: Shop) -> None:
    sender.slack.user_sends(LAN, None, "", files=[PICTURE])
    found = await sender.channel.fetch("F0PIC")
    assert found == File(name="broken lamp.jpg", kind="image/jpeg", body=PICTURE.body)
    assert [call.token for call in sender.slack.journal.of("url_private")] == [TOKEN]


async def test_a_file_that_is_gone_is_none(sender: Shop) -> None:
    assert await sender.channel.fetch("F404") is None
    sender.slack.faults.next("files.info", Refused(error="file_deleted"))
    assert await sender.channel.fetch("F404") is None


FILE_FAULTS: dict[str, tuple[str, Any, bool]] = {
    "no scope": ("files.info", Refused(error="missing_scope"), True),
    "no login": ("files.info", Refused(error="invalid_auth"), True),
    "a bad gateway": ("url_private", ServerError(), True),
}


@pytest.mark.parametrize("name", FILE_FAULTS)
async def test_a_file_that_cannot_be_had_says_whether_to_try_again(name: str, sender: Shop) -> None:
    method, fault, retryable = FILE_FAULTS[name]
    sender.slack.user_sends(LAN, None, "", files=[PICTURE])
    sender.slack.faults.next(method, fault)
    with pytest.raises(SendFailed) as failed:
        await sender.channel.fetch("F0PIC")
    assert failed.value.retryable is retryable
    assert TOKEN not in failed.value.reason


async def test_too_large_a_file_is_refused(sender: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 1_000)
    sender.slack.user_sends(LAN, None, "", files=[PICTURE])
    with pytest.raises(SendFailed, match="larger than"):
        await sender.channel.fetch("F0PIC")
    assert sender.slack.journal.of("url_private") == []


class Elsewhere:
    """A server that is no Slack, and one that says it is and leads on to it."""

    def __init__(self) -> None:
        self.seen: list[str | None] = []
        self.info: dict[str, Any] = {}
        self.origin = ""

    async def start(self) -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(self.serve))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/api/files.info":
            return web.json_response({"ok": True, "file": self.info})
        self.seen.append(request.headers.get("Authorization"))
        if request.path == "/redirect":
            raise web.HTTPFound(self.info["to"])
        return web.Response(body=b"x" * 5_000)


@pytest.mark.parametrize("how", ["named", "led to", "endless"])
async def test_the_token_is_shown_to_slack_alone(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slack, other = Elsewhere(), Elsewhere()
    runners = [await slack.start(), await other.start()]
    channel = SlackChannel(
        SlackSettings(name=SLACK, bot_token=TOKEN, mode="http", api_url=slack.origin), clock=lambda: datetime.now(UTC)
    )
    slack.info = {"name": "x", "mimetype": "text/plain", "to": f"{other.origin}/x"}
    match how:
        case "named":
            slack.info["url_private"] = f"{other.origin}/x"
            assert await channel.fetch("F1") is None
        case "led to":
            slack.info["url_private"] = f"{slack.origin}/redirect"
            with pytest.raises(SendFailed, match="files:read"):
                await channel.fetch("F1")
        case _:
            # the size that is told may be wrong
            monkeypatch.setattr(files, "LARGEST", 1_000)
            slack.info |= {"url_private": f"{slack.origin}/x", "size": 10}
            with pytest.raises(SendFailed, match="larger than"):
                await channel.fetch("F1")
    assert other.seen == []
    await channel.close()
    for runner in runners:
        await runner.cleanup()
