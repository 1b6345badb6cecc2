"""Which cases open, where they go, and how urgent they are."""

import pytest
from msgspec.structs import replace

from bot.followup.cases import Priority
from bot.followup.clocks import Team
from bot.followup.routing import RoutingRule
from bot.messages import Address
from tests.intake.world import AGENTS, ANN, DESK, SETTINGS, World

REFUND = RoutingRule(id="refund", words=("refund",), opens=True, room="#money", team="money", priority="high")


def shop(*rules: RoutingRule, **at_most: int) -> World:
    teams = (Team(name="support"), Team(name="money"))
    followup = replace(SETTINGS.followup, rules=rules, teams=teams) if SETTINGS.followup else None
    if at_most and followup:
        followup = replace(followup, case_at_most=at_most)
    return World(replace(SETTINGS, followup=followup))


@pytest.mark.parametrize(("face", "at_most", "opens"), [("😐", 3, True), ("😐", 2, False), ("😕", 1, False)])
def test_the_settings_say_which_scores_open_a_case(face: str, at_most: int, opens: bool) -> None:
    world = shop(csat5=at_most)
    world.ask(ANN)
    world.tap(face)
    assert bool(world.store.cases) is opens


PRIORITIES: dict[str, tuple[str, dict[str, str], Priority]] = {
    "low": ("2", {}, "normal"),
    "low, with a comment": ("2, slow", {}, "normal"),
    "the lowest": ("1", {}, "normal"),
    "the lowest, with a comment": ("1, slow", {}, "high"),
    "low, of a VIP": ("2", {"vip": "true"}, "high"),
    "the lowest, of a VIP": ("1", {"vip": "VIP"}, "urgent"),
    "the lowest, of no VIP": ("1", {"vip": "false"}, "normal"),
}


@pytest.mark.parametrize(("text", "attributes", "priority"), PRIORITIES.values(), ids=PRIORITIES)
def test_how_urgent_a_case_is(text: str, attributes: dict[str, str], priority: Priority) -> None:
    world = shop()
    world.ask(ANN, **attributes)
    world.write(text)
    assert world.case().priority == priority


def test_a_comment_that_comes_later_may_make_it_more_urgent_but_never_less() -> None:
    world = shop()
    world.ask(ANN)
    world.tap("😞")
    world.later(minutes=2)
    assert world.case().priority == "normal"
    world.write("1")
    world.write("It took an hour")
    assert world.case().priority == "high"
    world.tap("Change")
    world.write("2")
    assert world.case().priority == "high"


def test_the_first_rule_says_where_a_case_goes() -> None:
    rules = (
        RoutingRule(id="minh", tags=("minh",), room="#minh"),
        RoutingRule(id="low", score_at_most=2, room="#low", group="S1", team="money", priority="urgent"),
        RoutingRule(id="web", channels=("web",), room="#web"),
    )
    world = shop(*rules)
    world.ask(ANN, tag="late, other")
    world.tap("😕")
    case = world.case()
    assert (case.rule, case.desk, case.group, case.team, case.priority) == (
        "low",
        Address(channel=DESK.channel, key="#low"),
        "S1",
        "money",
        "urgent",
    )
    world = shop(*rules)
    world.ask(ANN, tag="late", tags="late, minh")
    world.tap("😕")
    case = world.case()
    assert (case.rule, case.group, case.team, case.priority) == ("minh", "", "support", "normal")


def test_a_case_is_placed_again_when_its_words_are_known_but_never_after_its_alert() -> None:
    world = shop(REFUND)
    world.ask(ANN)
    world.tap("😞")
    assert (world.case().rule, world.case().desk) == ("", DESK)
    world.tap("Skip")
    world.write("I want a refund")
    money = Address(channel=DESK.channel, key="#money")
    assert (world.case().rule, world.case().desk, world.case().team) == ("refund", money, "money")
    assert [message.kind for message in world.messages(money)] == ["post"]
    assert world.messages(DESK) == []

    world = shop(replace(REFUND, priority="urgent"))
    world.ask(ANN)
    world.tap("😞")
    world.later(minutes=2)
    world.tap("Skip")
    world.write("I want a refund")
    assert (world.case().rule, world.case().desk, world.case().priority) == ("", DESK, "urgent")


def test_words_beside_feedback_place_a_case_at_the_end_of_its_hold() -> None:
    world = shop(REFUND)
    world.command("feedback", ANN, "I want a refund")
    world.tap("😞")
    world.later(minutes=2)
    assert world.case().rule == "refund"


def test_alarming_words_open_a_case_whatever_the_score() -> None:
    world = shop(REFUND)
    world.ask(ANN)
    world.write("5, but I want a refund")
    case = world.case()
    assert (case.score, case.rule, case.alerted) == (5, "refund", True)
    assert world.notes() == ["opened", "commented"]
    world.tap("Change")
    world.tap("🙂")
    assert (world.case().state, world.case().score) == ("open", 4)


def test_alarming_words_after_the_survey_open_a_case_too() -> None:
    world = shop(REFUND)
    world.ask(ANN)
    world.tap("😀")
    world.write("Thanks")
    assert world.store.cases == {}
    world.write("And where is my refund?")
    assert (world.case().rule, world.case().score) == ("refund", 5)
    assert [words.text for words in world.store.words.values()] == ["Thanks", "And where is my refund?"]


def test_alarming_words_open_a_withdrawn_case_again() -> None:
    world = shop(REFUND)
    world.ask(ANN)
    world.tap("😞")
    world.tap("Change")
    world.tap("😀")
    assert world.case().state == "withdrawn"
    world.write("Still, a refund please")
    assert (world.case().state, world.case().score) == ("open", 5)


def test_alarming_words_that_are_taken_back_with_their_question_open_nothing_any_more() -> None:
    """The question for words is asked only below a score: with the score gone up, they were never asked for."""
    world = shop(REFUND)
    world.command("start", ANN, "delivery")
    world.write("5, refund me")
    assert world.case().state == "open"
    world.tap("Change", on=":nps")
    world.tap("10")
    assert "words" not in world.conversation().answers
    assert world.case().state == "withdrawn"
    world.tap("Change", on=":nps")
    world.tap("9")
    assert world.case().state == "withdrawn", "words that were taken back open nothing again"


def test_alarming_words_of_somebody_who_gave_no_score_open_none() -> None:
    world = shop(REFUND)
    world.ask(ANN)
    world.write("I want a refund")
    assert world.store.cases == {}
    world.tap("😀")
    assert (world.case().score, world.case().rule) == (5, "refund"), "with the score they do"


def test_a_claim_keeps_the_case_where_it_is() -> None:
    world = shop(REFUND)
    world.ask(ANN)
    world.tap("😞")
    world.press(world.case().id, "claim", AGENTS[0])
    world.later(minutes=2)
    assert (world.case().desk, world.case().owner) == (DESK, AGENTS[0])
