"""Agents ask in Slack for a rating on a customer's message, and why somebody was or was not asked."""

import logging
from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels.slack.client import web_client
from bot.channels.slack.desk import FRESH, KEPT, Desk
from bot.channels.slack.wishes import ASK, WONDER
from bot.languages import locales, say
from bot.messages import AgentAsks, AgentWonders, Text
from bot.ports import Said
from bot.sandbox.faults import Hang, Refused
from bot.sandbox.slack_state import Member
from tests.channels.slack_shop import ANNA, LAN, TOKEN, Shop, open_shop, place_of

#: writes in the hall and works no cases
EVE = Member(id="U0EVE", name="eve")


@pytest.fixture(params=["http", "socket"])
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    """A shop that hears of things in either way, with a public room where customers write."""
    async with open_shop(request.param) as one:
        one.slack.channel("hall", [LAN, ANNA])
        yield one


async def whispered(shop: Shop, room: str) -> str:
    """What is said to Anna alone in a room."""
    await shop.slack.wait_for(lambda: shop.slack.ephemerals(ANNA, room))
    (whisper,) = shop.slack.ephemerals(ANNA, room)
    return whisper.text


# ---- ask for a rating


async def test_whoever_wrote_the_message_is_the_customer(shop: Shop) -> None:
    shop.said = lambda _: Said(kind="asked")
    ts = shop.slack.user_sends(LAN, "#hall", "where is my order?")
    assert (await shop.slack.user_shortcut(ANNA, ASK, "#hall", ts)).status == 200
    (asks,) = shop.heard
    assert isinstance(asks, AgentAsks)
    assert (asks.customer.key, asks.agent.key, asks.agent_name) == (LAN.id, ANNA.id, "Anna Nowak")
    assert asks.about == f"{shop.slack.channel('hall').id}/{ts}"
    assert await whispered(shop, "#hall") == "The customer is asked for a rating now."
    assert shop.slack.ephemerals(LAN, "#hall") == []


OUTCOMES = {
    "put off": (
        Said(kind="deferred", text="The question waits until 8:00."),
        "The question is not sent yet. The question waits until 8:00.",
    ),
    "not asked": (
        Said(kind="not_asked", text="The customer does not want to be asked."),
        "No question is sent. The customer does not want to be asked.",
    ),
    "in the agents' language": (
        Said(kind="not_asked", text="Il cliente non vuole.", locale="it"),
        "Non viene inviata nessuna domanda. Il cliente non vuole.",
    ),
    "without markup": (Said(kind="not_asked", text="<!channel> & co."), "No question is sent. <!channel> & co."),
}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_the_agent_alone_is_told_what_comes_of_it(name: str, shop: Shop) -> None:
    said, words = OUTCOMES[name]
    shop.said = lambda _: said
    ts = shop.slack.user_sends(LAN, "#hall", "where is my order?")
    await shop.slack.user_shortcut(ANNA, ASK, "#hall", ts)
    await shop.slack.wait_for(lambda: shop.slack.ephemerals(ANNA, "#hall"))
    (whisper,) = shop.slack.ephemerals(ANNA, "#hall")
    assert [block["text"] for block in whisper.blocks] == [{"type": "plain_text", "text": words, "emoji": True}]


async def test_nobody_is_asked_by_a_message_of_ones_own(shop: Shop) -> None:
    ts = shop.slack.user_sends(ANNA, "#hall", "hello")
    assert (await shop.slack.user_shortcut(ANNA, ASK, "#hall", ts)).status == 200
    assert await whispered(shop, "#hall") == say("en", "told.ask_of_self")
    assert shop.heard == []


async def test_nobody_is_asked_by_a_message_of_a_bot(shop: Shop) -> None:
    conversation, ts = place_of(await shop.send(Text(text="A deploy went out"), "#hall"))
    assert conversation == shop.slack.channel("hall").id
    assert (await shop.slack.user_shortcut(ANNA, ASK, "#hall", ts)).status == 200
    assert await whispered(shop, "#hall") == say("en", "told.ask_of_bot")
    assert shop.heard == []


async def test_a_repeated_shortcut_is_one_event(shop: Shop) -> None:
    ts = shop.slack.user_sends(LAN, "#hall", "where is my order?")
    await shop.slack.user_shortcut(ANNA, ASK, "#hall", ts)
    payload = shop.slack.deliveries.attempts[-1].outgoing.payload
    await shop.slack.inject("interactivity", payload)
    assert len({inbound.event for inbound in shop.heard}) == 1
    assert len(shop.heard) == 2


# ---- only who is of the desk may


async def asked_by(shop: Shop, who: Member) -> bool | None:
    """Whether the app takes somebody who asks to be of the desk."""
    ts = shop.slack.user_sends(LAN, "#hall", "where is my order?")
    await shop.slack.user_shortcut(who, ASK, "#hall", ts)
    asks = shop.heard[-1]
    assert isinstance(asks, AgentAsks)
    return asks.of_the_desk


async def test_who_is_in_the_room_of_the_alerts_is_of_the_desk(shop: Shop) -> None:
    shop.slack.member(EVE)
    shop.slack.channel("hall").members.add(EVE.id)
    assert [await asked_by(shop, who) for who in (ANNA, EVE, ANNA, EVE)] == [True, False, True, False]
    assert len(shop.slack.journal.of("conversations.members")) == 1, "they are known for some minutes"


async def test_a_private_room_is_looked_into_too(shop: Shop) -> None:
    shop.slack.channel("desk").kind = "group"
    assert await asked_by(shop, ANNA) is True


@pytest.mark.parametrize("method", ["users.conversations", "conversations.members"])
@pytest.mark.parametrize("fault", [Refused(error="missing_scope"), Hang(seconds=60)], ids=["refused", "silent"])
async def test_where_slack_does_not_tell_who_is_of_the_desk_nobody_knows(
    fault: Refused | Hang, method: str, shop: Shop
) -> None:
    shop.slack.faults.next(method, fault)
    assert await asked_by(shop, ANNA) is None


async def test_after_a_failure_it_is_looked_up_again(shop: Shop) -> None:
    shop.slack.faults.next("conversations.members", Refused(error="internal_error"))
    assert [await asked_by(shop, ANNA), await asked_by(shop, ANNA)] == [None, True]


async def test_an_app_outside_of_its_room_knows_nobody(shop: Shop) -> None:
    room = shop.slack.channel("desk")
    room.members = {ANNA.id}
    assert await asked_by(shop, ANNA) is None


async def test_who_joins_or_leaves_is_known_soon(shop: Shop) -> None:
    now, room = [0.0], shop.slack.channel("desk")
    desk = Desk(
        lambda: web_client(shop.slack.base_url.removesuffix("/api/"), TOKEN), lambda: {room.id}, now=lambda: now[0]
    )
    assert [await desk.has(LAN.id), await desk.has(ANNA.id)] == [False, True]
    room.members = {*room.members, LAN.id} - {ANNA.id}
    now[0] = FRESH - 1
    assert [await desk.has(LAN.id), await desk.has(ANNA.id)] == [False, True]
    now[0] = KEPT - 1
    assert await desk.has(ANNA.id) is True
    assert [await desk.has(LAN.id), await desk.has(ANNA.id)] == [True, False]
    await desk.close()


async def test_a_workspace_without_the_desk_has_nobody_of_it() -> None:
    def unopened() -> AsyncWebClient:
        raise AssertionError("nothing needs to be asked")

    assert await Desk(unopened, frozenset).has(ANNA.id) is False


# ---- why somebody was or was not asked


async def test_the_reason_comes_in_the_answer(shop: Shop) -> None:
    shop.said = lambda _: Said(kind="explained", text="Not asked (7:00): <!here> *too short*.\n  6:50  T-81 ended")
    ack = await shop.slack.user_commands(ANNA, "#desk", WONDER, "explain T-81")
    assert ack.status == 200
    assert ack.body is not None
    assert ack.body["response_type"] == "ephemeral"
    assert [block["text"]["type"] for block in ack.body["blocks"]] == ["plain_text"]
    (wonders,) = shop.heard
    assert isinstance(wonders, AgentWonders)
    assert (wonders.query, wonders.rooms) == ("T-81", (shop.slack.channel("desk").id, "#desk"))
    (shown,) = shop.slack.ephemerals(ANNA, "#desk")
    assert shown.blocks[0]["text"]["text"] == "Not asked (7:00): <!here> *too short*.\n  6:50  T-81 ended"
    assert "&lt;!here&gt;" in ack.body["text"]


async def test_elsewhere_they_are_told_where_to_ask(shop: Shop) -> None:
    shop.said = lambda _: Said(kind="not_here", locale="pl")
    await shop.slack.user_commands(ANNA, "#hall", WONDER, "explain T-81")
    assert await whispered(shop, "#hall") == say("pl", "told.not_here")


@pytest.mark.parametrize("text", ["", "help", "explain", "T-81"])
async def test_who_does_not_know_how_is_told(text: str, shop: Shop) -> None:
    await shop.slack.user_commands(ANNA, "#desk", WONDER, text)
    assert "/afterchat explain T-81" in await whispered(shop, "#desk")
    assert shop.heard == []


async def test_a_private_room_is_asked_for_its_name(shop: Shop) -> None:
    shop.slack.channel("leads", [ANNA]).kind = "group"
    await shop.slack.user_commands(ANNA, "#leads", WONDER, "explain T-81")
    (wonders,) = shop.heard
    assert isinstance(wonders, AgentWonders)
    assert wonders.rooms == (shop.slack.channel("leads").id, "#leads")


@pytest.mark.parametrize("fault", [Refused(error="missing_scope"), Hang(seconds=60)], ids=["refused", "silent"])
async def test_a_private_room_without_a_name_is_known_by_its_id(
    fault: Refused | Hang, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.slack.channel("leads", [ANNA]).kind = "group"
    shop.slack.faults.next("conversations.info", fault)
    with caplog.at_level(logging.WARNING):
        await shop.slack.user_commands(ANNA, "#leads", WONDER, "explain T-81")
    (wonders,) = shop.heard
    assert isinstance(wonders, AgentWonders)
    assert wonders.rooms == (shop.slack.channel("leads").id,)
    assert "the name of a private room is not known" in caplog.text


async def test_a_direct_message_is_no_room(shop: Shop) -> None:
    await shop.slack.user_commands(ANNA, None, WONDER, "explain T-81")
    (wonders,) = shop.heard
    assert isinstance(wonders, AgentWonders)
    assert wonders.rooms == (shop.slack.direct(ANNA).id,)


@pytest.mark.parametrize("locale", locales())
def test_the_advice_names_the_command_in_every_language(locale: str) -> None:
    assert f"{WONDER} explain T-81" in say(locale, "told.explain_usage")
