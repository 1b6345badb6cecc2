"""The Slack channel against a Slack on loopback: people write and tap, agents press, the network fails."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels.slack import SlackChannel
from bot.config import SlackSettings
from bot.errors import SendFailed
from bot.messages import (
    AgentPressed,
    AlertOf,
    Card,
    Commanded,
    Inbound,
    Tapped,
    Text,
    Wrote,
)
from bot.ports import Said
from bot.sandbox.faults import Duplicate, Fault, Hang, RateLimited, Refused, ResetAfter, ResetBefore, ServerError, Slow
from tests.channels.slack_shop import (
    ANNA,
    CASE,
    CLAIM,
    LAN,
    NOW,
    QUESTION,
    ROW,
    SLACK,
    TOKEN,
    Shop,
    alert,
    open_shop,
    outbound,
    place_of,
    shop_with,
    until,
)


@pytest.fixture(params=["http", "socket"])
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    """A shop that hears of things in either way."""
    async with open_shop(request.param) as one:
        yield one


@pytest.fixture
async def sender() -> AsyncIterator[Shop]:
    """A shop that only sends."""
    one = await shop_with("http")
    yield one
    await one.channel.close()
    await one.slack.stop()


# ---- people and agents


async def test_a_customer_is_asked_in_a_direct_message_taps_and_writes(shop: Shop) -> None:
    conversation, ts = place_of(await shop.send(QUESTION))
    assert conversation == shop.slack.direct(LAN).id
    ack = await shop.slack.user_clicks(LAN, None, ts, "4")
    assert ack.status == 200
    shop.slack.user_sends(LAN, None, "too slow & <rude> *really*")
    tapped, wrote = await shop.hears(2)
    assert isinstance(tapped, Tapped)
    assert (tapped.sender.key, tapped.token) == (LAN.id, ROW[3].token)
    assert isinstance(wrote, Wrote)
    assert (wrote.sender.key, wrote.text) == (LAN.id, "too slow & <rude> *really*")
    remote = await shop.edit(Card(text="How was it?", chosen="4"), f"{conversation}:{ts}")
    assert remote == f"{conversation}:{ts}"
    post = shop.slack.messages(conversation)[0]
    assert [block["type"] for block in post.blocks] == ["section", "section"]
    # our own messages and their edits come back as events, and are none of our business
    await shop.slack.settled()
    assert len(shop.heard) == 2


async def test_an_agent_claims_and_the_next_one_is_told_alone(shop: Shop) -> None:
    owners: list[str] = []

    def said(inbound: Inbound) -> Said:
        assert isinstance(inbound, AgentPressed)
        owners.append(inbound.agent_name)
        return Said(kind="claimed") if len(owners) == 1 else Said(kind="already_claimed", text=owners[0])

    shop.said = said
    conversation, ts = place_of(await shop.send(alert(), "#desk"))
    assert (await shop.slack.user_clicks(ANNA, "#desk", ts, "Claim")).status == 200
    assert (await shop.slack.user_clicks("U0BEN", "#desk", ts, "Claim")).status == 200
    await shop.slack.wait_for(lambda: shop.slack.ephemerals("U0BEN", "#desk"))
    (whisper,) = shop.slack.ephemerals("U0BEN", "#desk")
    assert whisper.text == "Anna Nowak has already claimed this case."
    assert shop.slack.ephemerals(ANNA, "#desk") == []
    pressed = shop.heard[0]
    assert isinstance(pressed, AgentPressed)
    assert (pressed.agent.key, pressed.agent_name, pressed.token) == (ANNA.id, "Anna Nowak", CLAIM.token)
    # the alert itself is left as it was
    assert len(shop.slack.messages(conversation)) == 1


async def test_a_late_tap_is_answered_to_the_customer_alone(shop: Shop) -> None:
    shop.said = lambda _: Said(kind="already_counted", locale="it")
    _, ts = place_of(await shop.send(QUESTION))
    await shop.slack.user_clicks(LAN, None, ts, "1")
    await shop.slack.wait_for(lambda: shop.slack.ephemerals(LAN))
    assert shop.slack.ephemerals(LAN)[0].text.startswith("La Sua risposta")


async def test_without_a_response_url_the_fleeting_reply_is_an_ephemeral_message(shop: Shop) -> None:
    shop.said = lambda _: Said(kind="closed")
    conversation, ts = place_of(await shop.send(QUESTION))
    await shop.slack.user_clicks(LAN, None, ts, "1")
    await shop.slack.wait_for(lambda: shop.slack.ephemerals(LAN))
    attempt = shop.slack.deliveries.attempts[-1]
    payload = {key: value for key, value in attempt.outgoing.payload.items() if key != "response_url"}
    await shop.slack.inject("interactivity", {**payload, "trigger_id": "another"})
    await shop.slack.wait_for(lambda: len(shop.slack.ephemerals(LAN)) == 2)
    (call,) = [call for call in shop.slack.calls if call.method == "chat.postEphemeral"]
    assert (call.fields["channel"], call.fields["user"]) == (conversation, LAN.id)


async def test_a_fleeting_reply_delays_no_acknowledgement_and_is_sent_once(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.said = lambda _: Said(kind="not_yours")
    shop.slack.faults.next("response_url", Hang(seconds=60))
    _, ts = place_of(await shop.send(QUESTION))
    assert (await shop.slack.user_clicks(LAN, None, ts, "1")).status == 200
    await shop.slack.wait_for(lambda: shop.slack.journal.of("response_url"))
    assert shop.slack.ephemerals(LAN) == []
    shop.slack.faults.release()
    await shop.slack.wait_for(lambda: shop.slack.ephemerals(LAN))
    shop.slack.faults.next("response_url", ServerError())
    with caplog.at_level(logging.WARNING):
        assert (await shop.slack.user_clicks(LAN, None, ts, "2")).status == 200
        await until(lambda: "fleeting reply was refused (500)" in caplog.text)
    assert len(shop.slack.journal.of("response_url")) == 2


async def test_a_command_is_answered_where_it_was_given(shop: Shop) -> None:
    shop.said = lambda _: Said(kind="asked")
    ack = await shop.slack.user_commands(ANNA, "#desk", "/feedback", "the payload was & is late")
    assert ack.status == 200
    (commanded,) = shop.heard
    assert isinstance(commanded, Commanded)
    assert (commanded.command, commanded.argument) == ("feedback", "the payload was & is late")
    assert [post.text for post in shop.slack.ephemerals(ANNA, "#desk")] == ["We have a short question for you."]


async def test_a_shortcut_that_starts_nothing_is_answered_in_a_direct_message(shop: Shop) -> None:
    shop.said = lambda _: Said(kind="not_asked")
    ack = await shop.slack.user_shortcut(LAN, "feedback")
    assert ack.status == 200
    assert isinstance(shop.heard[0], Commanded)
    messages = shop.slack.direct(LAN).posts
    await shop.slack.wait_for(lambda: messages)
    assert next(iter(messages.values())).text == "We have no question for you at the moment."


async def test_an_event_that_was_not_kept_comes_again(shop: Shop) -> None:
    shop.failures = 1
    shop.slack.user_sends(LAN, None, "5")
    await until(lambda: shop.failures == 0)
    # a Slack that was told nothing waits for three seconds, unless the connection ends
    await shop.slack.socket.drop()
    (wrote,) = await shop.hears(1)
    assert isinstance(wrote, Wrote)
    assert wrote.text == "5"


async def test_a_duplicate_carries_the_same_key(shop: Shop) -> None:
    shop.slack.faults.next("events", Duplicate(copies=3, concurrent=True))
    shop.slack.user_sends(LAN, None, "5")
    heard = await shop.hears(3)
    assert len({inbound.event for inbound in heard}) == 1


async def test_what_people_say_among_themselves_is_not_heard(shop: Shop) -> None:
    shop.slack.user_sends(ANNA, "#desk", "5")
    shop.slack.user_sends(ANNA, "#desk", "@afterchat hello")
    ts = shop.slack.user_sends(LAN, None, "4")
    shop.slack.user_edits(LAN, None, ts, "5")
    shop.slack.user_opens_home(LAN)
    shop.slack.inject_event({"type": "app_uninstalled"})
    await shop.slack.settled()
    heard = [(inbound.text, inbound.manner) for inbound in shop.heard if isinstance(inbound, Wrote)]
    assert heard == [("4", "said"), ("5", "edited")], "of what they change only themselves are told"
    assert len(shop.heard) == 2


# ---- Socket Mode


@pytest.mark.parametrize("shop", ["socket"], indirect=True)
@pytest.mark.parametrize("how", ["asked to leave", "dropped"])
async def test_the_socket_is_opened_again_and_hears_what_came_meanwhile(shop: Shop, how: str) -> None:
    await (shop.slack.socket.disconnect() if how == "asked to leave" else shop.slack.socket.drop())
    shop.slack.user_sends(LAN, None, "5")
    (wrote,) = await shop.hears(1)
    assert isinstance(wrote, Wrote)
    assert len(shop.slack.journal.of("apps.connections.open")) == 2


@pytest.mark.parametrize("shop", ["socket"], indirect=True)
async def test_a_refused_socket_is_asked_for_again(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.slack.faults.next("apps.connections.open", ServerError(), ResetBefore())
    await shop.slack.socket.drop()
    await until(lambda: shop.slack.socket.connections == 1)
    assert caplog.text.count("no connection, again in") == 2
    assert "xapp-1" not in caplog.text


@pytest.mark.parametrize("shop", ["socket"], indirect=True)
async def test_one_slow_envelope_holds_up_no_other(shop: Shop) -> None:
    shop.gates[Commanded] = asyncio.Event()
    command = asyncio.create_task(shop.slack.user_commands(ANNA, "#desk", "/feedback"))
    await until(lambda: shop.entered == 1)
    shop.slack.user_sends(LAN, None, "5")
    assert isinstance((await shop.hears(1))[0], Wrote)
    shop.gates[Commanded].set()
    assert (await command).status == 200


@pytest.mark.parametrize("shop", ["socket"], indirect=True)
async def test_what_is_in_work_is_acknowledged_before_we_leave(shop: Shop) -> None:
    shop.gates[Wrote] = asyncio.Event()
    shop.slack.user_sends(LAN, None, "5")
    await until(lambda: shop.entered == 1)
    shop.listening.cancel()
    await asyncio.sleep(0)
    shop.gates[Wrote].set()
    await asyncio.gather(shop.listening, return_exceptions=True)
    await shop.slack.settled()
    assert [attempt.ack.status for attempt in shop.slack.deliveries.attempts] == [200]


# ---- sending


async def test_the_api_is_asked_for_plain_text_only(sender: Shop) -> None:
    await sender.send(Text(text="<!channel> *x*"))
    (call,) = sender.slack.journal.of("chat.postMessage")
    assert call.token == TOKEN
    fields = call.fields
    assert fields["text"] == "&lt;!channel&gt; *x*"
    assert (fields["mrkdwn"], fields["parse"], fields["link_names"]) == (False, "none", False)
    assert (fields["unfurl_links"], fields["unfurl_media"]) == (False, False)


WAITS = {"retryable": True, "recipient_gone": False, "maybe_delivered": False}

REFUSALS: dict[str, tuple[Fault, dict[str, Any], dict[str, Any]]] = {
    # fault: (as a customer's message fails, as an alert fails)
    "rate limit": (
        RateLimited(retry_after=7),
        {**WAITS, "retry_after": 7.0, "whole_channel": True},
        {**WAITS, "retry_after": 7.0, "whole_channel": True},
    ),
    "no such channel": (
        Refused(error="channel_not_found"),
        {"retryable": False, "recipient_gone": True, "whole_channel": False},
        {**WAITS, "retry_after": 300.0, "whole_channel": False},
    ),
    "person gone": (Refused(error="user_not_found"), {"retryable": False, "recipient_gone": True}, WAITS),
    "archived": (Refused(error="is_archived"), {"recipient_gone": True}, {**WAITS, "retry_after": 300.0}),
    "not invited": (Refused(error="not_in_channel"), {"recipient_gone": True}, {**WAITS, "retry_after": 300.0}),
    "bad token": (
        Refused(error="invalid_auth"),
        {**WAITS, "retry_after": 300.0, "whole_channel": True},
        {**WAITS, "retry_after": 300.0, "whole_channel": True},
    ),
    "revoked": (Refused(error="token_revoked"), {**WAITS, "whole_channel": True}, {**WAITS, "whole_channel": True}),
    # the account is the token's: taking it for the customer's would opt everybody out
    "our account": (
        Refused(error="account_inactive"),
        {**WAITS, "whole_channel": True},
        {**WAITS, "whole_channel": True},
    ),
    "our blocks": (
        Refused(error="invalid_blocks"),
        {"retryable": False, "recipient_gone": False},
        {"retryable": False, "recipient_gone": False},
    ),
    "half done": (Refused(error="fatal_error"), {"retryable": True, "maybe_delivered": True}, {"retryable": True}),
    "out of order": (
        Refused(error="service_unavailable"),
        {**WAITS, "whole_channel": False},
        {**WAITS, "whole_channel": False},
    ),
    "a refusal of tomorrow": (Refused(error="mercury_in_retrograde"), WAITS, WAITS),
    "no JSON": (ServerError(status=502), {"retryable": True, "maybe_delivered": True}, {"retryable": True}),
    "cut off": (ResetAfter(), {"retryable": True, "maybe_delivered": True}, {"maybe_delivered": True}),
    "cut off at once": (ResetBefore(), {"retryable": True, "maybe_delivered": True}, {"maybe_delivered": True}),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_failure_says_whether_to_try_again_and_whose_fault_it_is(name: str, sender: Shop) -> None:
    fault, to_customer, to_desk = REFUSALS[name]
    for content, to, expected in ((QUESTION, LAN.id, to_customer), (alert(), "#desk", to_desk)):
        sender.slack.faults.next("chat.postMessage", fault)
        with pytest.raises(SendFailed) as failed:
            await sender.send(content, to)
        assert {key: getattr(failed.value, key) for key in expected} == expected
        assert TOKEN not in failed.value.reason
        assert "too slow" not in failed.value.reason
    # nothing was tried twice behind delivery's back
    assert len(sender.slack.journal.of("chat.postMessage")) == 2


async def test_a_relay_to_a_missing_room_is_the_operators_to_repair(sender: Shop) -> None:
    with pytest.raises(SendFailed) as failed:
        await sender.send(Text(text="and another thing"), "#nowhere")
    assert (failed.value.retryable, failed.value.recipient_gone) == (True, False)


async def test_a_slack_that_is_not_there_has_certainly_not_got_the_message(unused_tcp_port: int) -> None:
    settings = SlackSettings(name=SLACK, bot_token=TOKEN, mode="http", api_url=f"http://127.0.0.1:{unused_tcp_port}")
    channel = SlackChannel(settings, clock=lambda: NOW)
    with pytest.raises(SendFailed) as failed:
        await channel.send(outbound(QUESTION), None)
    await channel.close()
    assert (failed.value.retryable, failed.value.maybe_delivered) == (True, False)


async def test_an_alert_must_be_drawn_before_it_is_sent(sender: Shop) -> None:
    with pytest.raises(SendFailed) as failed:
        await sender.send(AlertOf(case=CASE), "#desk")
    assert failed.value.retryable is False
    assert sender.slack.calls == []


async def test_blocks_that_slack_finds_too_long_are_drawn_shorter(sender: Shop) -> None:
    sender.slack.faults.next("chat.postMessage", Refused(error="msg_blocks_too_long"))
    await sender.send(Text(text="x" * 9_000))
    first, second = (len(str(call.fields["blocks"])) for call in sender.slack.journal.of("chat.postMessage"))
    assert second < 2_000 < first


LOST = ["message_not_found", "cant_update_message", "edit_window_closed"]


@pytest.mark.parametrize("error", LOST)
async def test_an_open_alert_whose_message_is_lost_is_posted_anew(error: str, sender: Shop) -> None:
    remote = await sender.send(alert(), "#desk")
    sender.slack.faults.next("chat.update", Refused(error=error))
    anew = await sender.edit(alert("Lan gave 3"), remote, "#desk")
    assert anew != remote
    assert [post.text for post in sender.slack.messages("#desk")] == ["Lan gave 2", "Lan gave 3"]


@pytest.mark.parametrize("error", [*LOST, "message_not_modified"])
async def test_other_lost_messages_are_let_be(error: str, sender: Shop) -> None:
    for content, to in ((alert(closed=True), "#desk"), (Card(text="How was it?", chosen="4"), LAN.id)):
        remote = await sender.send(content, to)
        sender.slack.faults.next("chat.update", Refused(error=error))
        assert await sender.edit(content, remote, to) == remote
    assert len(sender.slack.journal.of("chat.postMessage")) == 2


@pytest.mark.parametrize("remote", [None, "", "nonsense", ":1", "C0:"])
async def test_an_edit_of_what_was_never_posted_is_posted(remote: str | None, sender: Shop) -> None:
    conversation, ts = place_of(await sender.edit(alert(), remote, "#desk"))
    assert ts in {post.ts for post in sender.slack.messages(conversation)}


@pytest.mark.parametrize("shop", ["http"], indirect=True)
async def test_closing_waits_for_fleeting_replies_and_may_be_done_twice(shop: Shop) -> None:
    shop.said = lambda _: Said(kind="closed")
    shop.slack.faults.next("response_url", Slow(seconds=0.2))
    _, ts = place_of(await shop.send(QUESTION))
    await shop.slack.user_clicks(LAN, None, ts, "1")
    await shop.channel.close()
    assert len(shop.slack.ephemerals(LAN)) == 1
    await shop.channel.close()
