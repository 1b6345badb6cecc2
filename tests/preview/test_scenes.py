"""What the preview plays is what customers are sent: for every flow, kind of answer, channel and language."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from bot.commands.trial import Trial, channel_of
from bot.config import Settings, load
from bot.conversations import engine
from bot.conversations.conversation import Conversation
from bot.conversations.events import Ask, Tap, Thank, Turn, Typed
from bot.conversations.flow import Flow
from bot.conversations.flow_toml import flow_from
from bot.conversations.prompts import Wording, word
from bot.conversations.questions import Choice, Choices, Consent, Contact, OpenText, PanelInvitation, Rating
from bot.conversations.rules import Rules
from bot.demo import with_placeholders
from bot.ids import ConversationId, CustomerId, FlowHash, WordsId
from bot.languages import locales
from bot.messages import Address, Card, ChannelName, Text
from bot.preview.looks import Window, look_in
from bot.preview.scenes import EXAMPLES, Scene, Setting, scenes
from bot.toml_tables import Findings

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORDING = Wording(company="Lotus Home", languages=True)
#: the scores that the preview takes for their bands
SCORES = {"csat5": (2, 3, 5), "nps": (3, 8, 10)}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load(EXAMPLE, with_placeholders(EXAMPLE, {}))


def flow_of(text: str) -> Flow:
    findings = Findings()
    flow = flow_from(tomllib.loads(text), findings)
    assert [str(each.wrong) for each in findings] == []
    assert flow is not None
    return flow


def read(content: object) -> tuple[object, ...]:
    """What a customer sees of a message."""
    assert isinstance(content, Card | Text)
    if isinstance(content, Text):
        return content.text, content.links
    rows = [[(button.label, button.selected) for button in row] for row in (*content.buttons, content.decline)]
    return content.text, content.chosen, content.hint, content.low, content.high, rows


def kinds(found: tuple[Scene, ...]) -> list[tuple[str, str, str]]:
    return [(each.question, each.kind, ", ".join(step.answer for step in each.way)) for each in found]


# ---- the same as is sent -----------------------------------------------------------------------------------------


def replies(flow: Flow, turn: Turn, score: int) -> Tap | Typed | None:
    """What a customer with this score answers to whatever is asked."""
    conversation = turn.conversation
    question = flow.question(conversation.asked) if conversation.asked else None
    made = conversation.prompts.get(conversation.asked or "", 0)
    match question:
        case None:
            return None
        case Rating():
            return Tap(turn=made, value=str(score))
        case Choices():
            return Tap(turn=made, value=engine.DONE)
        case Choice() | Consent() | PanelInvitation():
            return Tap(turn=made, value=question.options[0].id)
        case Contact():
            return Typed(text="anna@example.com", words=WordsId("w"))
        case OpenText():
            return Typed(text="Three days is long.", words=WordsId("w"))


def sent(flow: Flow, locale: str, score: int) -> Iterator[object]:
    """All that is posted to a customer who gives this score and ticks the first two options of each question."""
    conversation = Conversation(
        id=ConversationId("0" * 16),
        flow=FlowHash("f"),
        customer=CustomerId("c"),
        address=Address(channel=ChannelName("telegram"), key="5"),
        locale=locale,
        invited=True,
        attributes=EXAMPLES,
        started_at=AT,
        touched_at=AT,
    )
    turn = engine.start(conversation, flow)
    while True:
        for prompt in turn.prompts:
            if isinstance(prompt, Ask | Thank):
                yield word(prompt, turn.conversation, flow, WORDING).content
        reply = replies(flow, turn, score)
        if reply is None:
            return
        if isinstance(reply, Tap) and reply.value == engine.DONE:
            card = word(Ask(question=turn.conversation.asked or ""), turn.conversation, flow, WORDING).content
            assert isinstance(card, Card)
            for row in card.buttons[:2]:
                value = row[0].token.split(".", 3)[3]
                turn = engine.receive(turn.conversation, flow, Tap(turn=reply.turn, value=value), at=AT, rules=Rules())
        turn = engine.receive(turn.conversation, flow, reply, at=AT, rules=Rules())


@pytest.mark.parametrize("id", ["support_csat", "delivery_nps", "product_nps"])
@pytest.mark.parametrize("locale", ["en", "vi", "it", "pl"])
def test_whatever_a_customer_is_asked_and_thanked_with_is_in_the_preview(
    settings: Settings, id: str, locale: str
) -> None:
    pinned = settings.flow(id)
    assert pinned is not None
    flow, rating = pinned.flow, pinned.flow.score_question()
    assert rating is not None
    shown = [read(each.content) for each in scenes(flow, Setting(locale=locale, wording=WORDING))]
    for score in SCORES[rating.scale]:
        posted = [read(content) for content in sent(flow, locale, score)]
        assert len(posted) >= 3
        assert [each for each in posted if each not in shown] == []


async def test_what_the_whole_program_sends_is_in_the_preview(settings: Settings) -> None:
    """With intake, storage and delivery in between, on the channel's own settings."""
    pinned, channel = settings.flow("support_csat"), channel_of("telegram", settings)
    assert pinned is not None
    assert channel is not None
    shown = [read(each.content) for each in scenes(pinned.flow, Setting(locale="vi", wording=WORDING))]
    async with Trial.open(settings, pinned.flow, channel) as trial:
        await trial.begin("vi", EXAMPLES)
        asked = await trial.delivered()
        card = asked[0].outbound.content
        assert isinstance(card, Card)
        await trial.tap(card.buttons[0][1].token)
        rated = [each for each in await trial.delivered() if trial.for_the_customer(each.outbound)]
        assert len(rated) == 2
        for each in (*asked, *rated):
            assert read(each.outbound.content) in shown


# ---- what is played ----------------------------------------------------------------------------------------------


def test_each_question_is_reached_by_the_answers_that_lead_to_it(settings: Settings) -> None:
    pinned = settings.flow("support_csat")
    assert pinned is not None
    both = "😕 2/5, Slow reply, Problem not solved"
    assert kinds(scenes(pinned.flow, Setting(locale="en", wording=WORDING))) == [
        ("score", "asked", ""),
        ("score", "answered", ""),
        ("score", "reopened", ""),
        ("score", "again", ""),
        ("reason", "asked", "😕 2/5"),
        ("reason", "ticked", "😕 2/5"),
        ("reason", "answered", "😕 2/5"),
        ("reason", "reopened", "😕 2/5"),
        ("reason", "again", "😕 2/5"),
        ("what_happened", "asked", both),
        ("comment", "asked", "😐 3/5"),
        ("", "thanks", "😐 3/5, …"),
        ("", "thanks", "😀 5/5, …"),
        ("", "thanks", f"{both}, …"),
        ("score", "reminded", ""),
        ("score", "refused", ""),
        ("score", "never", ""),
        ("", "goodbye", ""),
    ]


def test_a_question_is_shown_for_each_band_that_changes_its_text_or_its_options(settings: Settings) -> None:
    pinned = settings.flow("product_nps")
    assert pinned is not None
    asked = [each for each in scenes(pinned.flow, Setting(locale="en", wording=WORDING)) if each.kind == "asked"]
    reasons = [each for each in asked if each.question == "reasons"]
    assert [each.way[0].answer for each in reasons] == ["3/10", "8/10", "10/10"]
    assert len({each.content.text for each in reasons}) == 3
    comment = next(each for each in asked if each.question == "comment")
    assert comment.content.text.startswith("You gave us 3/10.")


CONDITIONS = """
id = "f"
title.en = "F"
languages = ["en"]
[[question]]
id = "score"
type = "csat5"
text.en = "How was {agent|our team}?"
[[question]]
id = "parcel"
type = "text"
when = { attribute = "tag", is = ["parcel"] }
text.en = "How was the parcel?"
[[question]]
id = "elsewhere"
type = "text"
when = { all = [{ attribute = "tag", is = ["parcel"] }, { attribute = "team", is = ["north"] }] }
text.en = "Who reads this?"
"""


def test_what_an_attribute_leads_to_is_shown_with_it_and_what_nothing_leads_to_is_marked() -> None:
    found = scenes(flow_of(CONDITIONS), Setting(locale="en", wording=WORDING))
    parcel, elsewhere = (
        next(each for each in found if each.question == id and each.kind in ("asked", "unreached"))
        for id in ("parcel", "elsewhere")
    )
    assert (parcel.kind, dict(parcel.where)) == ("asked", {"tag": "parcel"})
    assert (elsewhere.kind, elsewhere.content.text) == ("unreached", "Who reads this?")


def test_variables_stand_for_examples_or_for_what_is_said_without_them() -> None:
    flow = flow_of(CONDITIONS.partition('[[question]]\nid = "parcel"')[0])
    texts = [scenes(flow, Setting(locale="en", filled=filled))[0].content.text for filled in (True, False)]
    assert texts == ["How was Minh?", "How was our team?"]


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize("preset", ["csat", "csat10", "nps", "ces", "thumbs"])
def test_every_window_draws_every_message_of_the_built_in_surveys(preset: str, locale: str) -> None:
    flow = flow_of(f'id = "f"\npreset = "{preset}"\n[review]\nurl = "https://reviews.example/"')
    found = scenes(flow, Setting(locale=locale, wording=WORDING))
    assert {each.question for each in found} >= {question.id for question in flow.questions}
    assert "unreached" not in {each.kind for each in found}
    for scene in found:
        for window in get_args(Window):
            look = look_in(window, scene.content)
            assert scene.content.text.splitlines()[0] in look.text
            assert all(press.label for row in look.rows for press in row.presses)


def test_messages_are_named_alike_in_all_languages(settings: Settings) -> None:
    for pinned in settings.flows:
        keys = [
            [each.key for each in scenes(pinned.flow, Setting(locale=locale, wording=WORDING))]
            for locale in pinned.flow.locales
        ]
        assert keys == [keys[0]] * len(keys)
