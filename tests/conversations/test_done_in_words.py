"""Boxes that are ticked are finished by the word that the hint teaches, in any of the flow's languages."""

from datetime import UTC, datetime

import pytest

from bot.conversations import engine
from bot.conversations.answers import Chosen
from bot.conversations.conversation import Conversation
from bot.conversations.events import Tap, Turn, Typed
from bot.conversations.flow import flow_hash
from bot.conversations.flow_toml import flow_from
from bot.conversations.router import route
from bot.conversations.rules import Rules
from bot.ids import ConversationId, CustomerId, WordsId
from bot.languages import locales
from bot.messages import Address, ChannelName

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FLOW = flow_from({"id": "why", "languages": list(locales()), "title": dict.fromkeys(locales(), "x"), "preset": "csat"})


def ticked(locale: str) -> Conversation:
    """Who gave a 2 and ticked speed."""
    begun = Conversation(
        id=ConversationId("0k3f9x2m7q8d4h1z"),
        flow=flow_hash(FLOW),
        customer=CustomerId("c"),
        address=Address(channel=ChannelName("web"), key="lan"),
        locale=locale,
        started_at=NOW,
        touched_at=NOW,
    )
    asked = engine.start(begun, FLOW).conversation
    rated = said(asked, "2").conversation
    (made,) = [turn for id, turn in rated.prompts.items() if id == rated.asked]
    tap = Tap(turn=made, value=f"{engine.TICK}speed")
    return engine.receive(rated, FLOW, tap, at=NOW, rules=Rules()).conversation


def said(conversation: Conversation, text: str) -> Turn:
    typed = Typed(text=text, words=WordsId("w"))
    return engine.receive(conversation, FLOW, typed, at=NOW, rules=Rules())


@pytest.mark.parametrize("locale", locales())
def test_the_label_of_done_finishes(locale: str) -> None:
    waiting = ticked(locale)
    label = FLOW.voice(locale).say("button.done")
    assert route(label, locale, waiting, FLOW, case=None, opted_out=False) == "survey"
    done = said(waiting, f"{label}!").conversation
    assert done.answers["reasons"].value == Chosen(options=("speed",))


@pytest.mark.parametrize(("locale", "text"), [("en", "that's enough"), ("it", "basta")])
def test_enough_finishes_what_is_ticked_and_opts_nobody_out(locale: str, text: str) -> None:
    waiting = ticked(locale)
    assert route(text, locale, waiting, FLOW, case=None, opted_out=False) == "survey"
    assert said(waiting, text).conversation.answers["reasons"].value == Chosen(options=("speed",))


def test_without_a_tick_it_finishes_nothing() -> None:
    waiting = ticked("en")
    (made,) = [turn for id, turn in waiting.prompts.items() if id == waiting.asked]
    bare = engine.receive(waiting, FLOW, Tap(turn=made, value=f"{engine.UNTICK}speed"), at=NOW, rules=Rules())
    assert "reasons" not in said(bare.conversation, "done").conversation.answers
