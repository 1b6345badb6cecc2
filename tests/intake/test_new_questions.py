"""What intake makes of variants, contacts, consents, the panel and attachments: what is written and who hears of it."""

import pytest
from msgspec.structs import replace

from bot.config import PageSettings
from bot.conversations.flow import Flow, PinnedFlow, pin
from bot.conversations.variants import form_of
from bot.followup.routing import RoutingRule
from bot.messages import Address, Attachment, Card, ChannelName, Text
from bot.ports import Words
from tests.conversations.golden import flow_named
from tests.intake.world import ANN, BEN, SETTINGS, World

PAGE = Address(channel=ChannelName("page"), key="p" * 22)
BASE = flow_named("support")
PHOTO = Attachment(kind="photo", reference="file-1")


def variant(share: int) -> PinnedFlow:
    """The support flow in other words."""
    first, *others = BASE.flow.questions
    questions = (replace(first, text={"en": "And how was it?"}), *others)
    flow: Flow = replace(BASE.flow, id="support_b", questions=questions, variant_of="support", share=share)
    return pin(flow)


def world_with(*flows: PinnedFlow) -> World:
    page = PageSettings(name=PAGE.channel)
    return World(replace(SETTINGS, flows=(*SETTINGS.flows, *flows), channels=(*SETTINGS.channels, page)))


def first_card(world: World, who: Address = ANN) -> str:
    return next(each.content.text for each in world.messages(who) if isinstance(each.content, Card))


def kept(world: World) -> dict[str | None, Words]:
    return {words.question: words for words in world.store.words.values()}


# ---- variants ---------------------------------------------------------------------------------------------


def test_a_customer_is_given_their_form_and_the_ledger_says_which() -> None:
    world = world_with(variant(100))
    world.ask()
    assert first_card(world).endswith("And how was it?")
    decision = world.decision()
    assert (decision.flow, decision.inputs["variant"]) == ("support", "support_b")
    assert world.conversation().flow == variant(100).hash


def test_cool_downs_count_the_flow_itself() -> None:
    world = world_with(variant(100))
    world.ask()
    (shown,) = [each for past in world.store.shown.values() for each in past]
    assert shown.flow == "support"


def test_the_same_customer_is_given_the_same_form_again() -> None:
    world = world_with(variant(50))
    found = set()
    for _ in range(3):
        world.command("start", ANN, "delivery")
        world.command("feedback", ANN)
        found.add(world.conversation().flow)
    customer = world.conversation().customer
    assert found == {form_of(BASE, customer, (variant(50),)).hash}


def test_on_a_page_the_first_question_was_there_before_anybody_was_known() -> None:
    world = world_with(variant(100))
    world.command("feedback", PAGE)
    assert "And how was it?" not in first_card(world, PAGE)
    assert world.conversation(PAGE).flow == BASE.hash


def test_rules_about_the_flow_are_about_its_variants_too() -> None:
    world = world_with(variant(100))
    followup = world.settings.followup
    assert followup is not None
    rule = RoutingRule(id="chats", flows=("support",), priority="urgent")
    world.settings = replace(world.settings, followup=replace(followup, rules=(rule,)))
    world.ask()
    world.tap("😞")
    assert (world.case().rule, world.case().priority) == ("chats", "urgent")


# ---- contact, consent and panel ---------------------------------------------------------------------------


def product() -> World:
    world = World(replace(SETTINGS, flows=(*SETTINGS.flows, flow_named("product"))))
    world.ask(flow="product", tag="mower")
    return world


def test_a_contact_is_kept_as_words_apart_and_shown_with_the_case() -> None:
    world = product()
    world.tap("2")
    for text in ("skip", "It broke", "mail anna@example.com"):
        world.write(text)
    assert kept(world)["where"].text == "anna@example.com (mail anna@example.com)"
    conversation = world.conversation()
    assert "anna" not in repr(conversation)
    assert world.case().conversation == conversation.id


def test_consent_is_an_answer_of_the_version_that_was_shown() -> None:
    world = product()
    world.tap("2")
    for text in ("skip", "It broke", "anna@example.com", "yes"):
        world.write(text)
    (answer,) = [each for each in world.store.answers.values() if each.question == "agree"]
    assert (answer.options, answer.words) == (("yes",), None)
    conversation = world.conversation()
    assert (conversation.flow, conversation.locale) == (flow_named("product").hash, "en")


def test_a_yes_to_the_panel_is_no_cause_in_common() -> None:
    world = product()
    world.tap("10")
    world.write("skip")
    world.write("skip")
    world.write("yes")
    last = world.messages()[-1].content
    assert isinstance(last, Text)
    assert "Welcome to the panel!" in last.text
    assert [link.url for link in last.links] == ["https://reviews.example/lotus"]
    assert world.store.shared == {}


# ---- attachments ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [ANN, BEN])
def test_a_picture_alone_is_a_comment(who: Address) -> None:
    world = World(replace(SETTINGS, flows=(*SETTINGS.flows, flow_named("product"))))
    # a bot may not write first
    world.write("Hello", who)
    world.later(minutes=10)
    world.ask(who, "product")
    world.tap("2", who)
    world.write("skip", who)
    world.handle(replace(world.wrote("", who), attachments=(PHOTO,)))
    comment = kept(world)["comment"]
    assert (comment.text, comment.attachments, comment.source) == ("[photo]", (PHOTO,), who.channel)


def test_a_picture_alone_is_no_address() -> None:
    world = product()
    world.tap("2")
    world.write("skip")
    world.write("It broke")
    world.handle(replace(world.wrote(""), attachments=(PHOTO,)))
    assert "where" not in world.conversation().answers
    assert kept(world)[None].attachments == (PHOTO,)


def test_only_who_can_send_files_is_told_so() -> None:
    hints = {}
    for who in (ANN, BEN):
        world = World(replace(SETTINGS, flows=(*SETTINGS.flows, flow_named("product"))))
        world.write("Hello", who)
        world.later(minutes=10)
        world.ask(who, "product")
        world.tap("10", who)
        world.write("skip", who)
        content = world.messages(who)[-1].content
        assert isinstance(content, Card)
        hints[str(who.channel)] = "photo" in content.hint
    assert hints == {"web": False, "telegram": True}
