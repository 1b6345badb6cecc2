"""Agents ask in Slack for a rating on a customer's message, and why somebody was or was not asked."""

import logging
from collections.abc import AsyncIterator

import pytest

from bot.channels.slack.wishes import ASK, WONDER
from bot.languages import locales, say
from bot.messages import AgentAsks, AgentWonders, Text
from bot.ports import Said
from bot.sandbox.faults import Hang, Refused
from tests.channels.slack_shop import ANNA, LAN, Shop, open_shop, place_of


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
