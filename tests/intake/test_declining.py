"""Who did not ask for a survey says no to it, or to all that may come, by buttons and in words."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.config import CommandSettings
from bot.messages import Address, Card, ChannelName, Commanded, Outbound
from tests.intake.world import ANN, SETTINGS, World, buttons_of

CAT = Address(channel=ChannelName("web"), key="cat")
NO, NEVER, LANGUAGE = "Not this time", "Stop asking me", "Language"
GOODBYE = "All right, we will not ask about this again. Thank you!"
OPTED_OUT = "We will not ask you for feedback any more. If you change your mind, write START."


def refusals(world: World, who: Address = ANN) -> dict[str, str]:
    """What says no to a survey on a customer's screen: label -> token."""
    return {label: token for label, token in beside(world, who).items() if label != LANGUAGE}


def beside(world: World, who: Address = ANN) -> dict[str, str]:
    """What stands beside the answers on a customer's screen: label -> token."""
    shown = [message.content for message in world.screen(who).values() if isinstance(message.content, Card)]
    return {button.label: button.token for card in shown for button in card.decline}


def refuse(world: World, label: str, who: Address = ANN) -> str:
    return world.handle(world.tapped(refusals(world, who)[label], who)).said.kind


def question(world: World) -> Outbound:
    return next(message for slot, message in world.screen().items() if slot.endswith(":score"))


def test_not_this_one_ends_this_survey_and_no_other() -> None:
    world = World()
    world.ask()
    assert list(beside(world)) == [NO, NEVER, LANGUAGE]
    assert refuse(world, NO) == "declined"
    assert world.conversation().status == "stopped"
    assert world.heard() == [GOODBYE]
    card = question(world)
    assert isinstance(card.content, Card)
    assert (card.kind, card.content.chosen, buttons_of(card), card.content.decline) == ("edit", NO, [], ())
    (customer,) = world.store.customers.values()
    assert customer.opted_out_at is None
    world.later(days=8)
    world.ask()
    assert world.conversation().status == "waiting"


def test_never_again_opts_out_and_is_confirmed_once() -> None:
    world = World()
    world.ask()
    token = refusals(world)[NEVER]
    assert [world.handle(world.tapped(token)).said.kind for _ in range(3)] == ["opted_out"] * 3
    assert world.conversation().status == "stopped"
    assert world.heard() == [OPTED_OUT]
    card = question(world)
    assert isinstance(card.content, Card)
    assert (card.content.chosen, buttons_of(card), card.content.decline) == (NEVER, [], ())
    world.later(days=30)
    world.ask()
    assert list(world.store.decisions)[-1].rule == "opted out"


LATE: dict[str, tuple[Callable[[World], object], str]] = {
    # label: what happened before, what a tap on a refusal is answered with
    "a double tap": (lambda world: refuse(world, NO), "closed"),
    "after an answer": (lambda world: world.tap("😐"), "already_counted"),
    "after the whole survey": (lambda world: world.tap("😀"), "already_counted"),
    "after an answer in words": (lambda world: world.write("3"), "already_counted"),
    "while the answer is changed": (lambda world: (world.tap("😐"), world.tap("Change")), "already_counted"),
    "after it expired": (lambda world: world.later(days=7), "closed"),
    "after a no in words": (lambda world: world.write("not now"), "closed"),
    "after STOP": (lambda world: world.write("STOP"), "closed"),
}


@pytest.mark.parametrize(("before", "said"), LATE.values(), ids=LATE)
def test_a_late_not_this_one_is_answered_politely_and_changes_nothing(
    before: Callable[[World], object], said: str
) -> None:
    world = World()
    world.ask()
    token = refusals(world)[NO]
    before(world)
    assert refusals(world) == {}
    conversation, messages = world.conversation(), len(world.messages())
    (opted_out_at,) = (customer.opted_out_at for customer in world.store.customers.values())
    assert world.handle(world.tapped(token)).said.kind == said
    assert world.conversation() == conversation
    assert len(world.messages()) == messages
    assert [customer.opted_out_at for customer in world.store.customers.values()] == [opted_out_at]


@pytest.mark.parametrize("before", [before for before, _ in LATE.values()], ids=LATE)
def test_a_late_never_again_opts_out_whatever_became_of_the_survey(before: Callable[[World], object]) -> None:
    world = World()
    world.ask()
    token = refusals(world)[NEVER]
    before(world)
    answers, status = dict(world.store.answers), world.conversation().status
    assert [world.handle(world.tapped(token)).said.kind for _ in range(2)] == ["opted_out", "opted_out"]
    assert world.heard().count(OPTED_OUT) == 1
    assert [customer.opted_out_at for customer in world.store.customers.values()] == [world.now]
    assert world.conversation().status == ("stopped" if status == "waiting" else status)
    assert world.store.answers == answers, "what was said counts"
    world.later(days=30)
    world.ask()
    assert list(world.store.decisions)[-1].rule == "opted out"


def test_never_again_says_so_again_to_who_came_back_meanwhile() -> None:
    world = World()
    world.ask()
    token = refusals(world)[NEVER]
    world.handle(world.tapped(token))
    world.write("START")
    world.handle(world.tapped(token))
    assert world.heard().count(OPTED_OUT) == 2
    assert all(customer.opted_out_at for customer in world.store.customers.values())


def test_both_refusals_at_the_same_moment_opt_out() -> None:
    world = World()
    world.ask()
    tokens = refusals(world)
    no, never = world.tapped(tokens[NO]), world.tapped(tokens[NEVER])
    world.store.meanwhile = lambda: world.handle(no)
    assert world.handle(never).said.kind == "opted_out"
    assert world.heard() == [GOODBYE, OPTED_OUT]
    assert all(customer.opted_out_at for customer in world.store.customers.values())


@pytest.mark.parametrize("label", [NO, NEVER])
def test_only_who_was_asked_can_say_no(label: str) -> None:
    world = World()
    world.ask()
    world.write("hello", CAT)
    assert world.handle(world.tapped(refusals(world)[label], CAT)).said.kind == "not_yours"
    assert world.conversation().status == "waiting"
    assert not any(customer.opted_out_at for customer in world.store.customers.values())


@pytest.mark.parametrize(("label", "said"), [(NO, "already_counted"), (NEVER, "opted_out")])
def test_an_answer_at_the_same_moment_counts(label: str, said: str) -> None:
    world = World()
    world.ask()
    answer, refusal = world.tapped(world.button("😀").token), world.tapped(refusals(world)[label])
    world.store.meanwhile = lambda: world.handle(answer)
    assert world.handle(refusal).said.kind == said
    assert world.conversation().status == "completed"
    assert [answer.score for answer in world.store.answers.values()] == [5]
    assert any(customer.opted_out_at for customer in world.store.customers.values()) is (label == NEVER)


def test_what_the_customer_asked_for_has_nothing_that_says_no() -> None:
    world = World()
    world.handle(Commanded(event="e", sender=ANN, command="feedback", at=world.now))
    assert question(world).kind == "post"
    assert list(beside(world)) == [LANGUAGE]
    world.write("not now")
    assert world.conversation().status == "waiting"


def test_the_buttons_can_be_left_out_and_the_words_are_heard_all_the_same() -> None:
    world = World(replace(SETTINGS, asking=replace(SETTINGS.asking, decline_buttons=False)))
    world.ask()
    assert list(beside(world)) == [LANGUAGE]
    world.write("Not now.")
    assert world.conversation().status == "stopped"
    assert world.heard() == [GOODBYE]


WORDS = {
    # label: words, how the survey stands then, whether the customer opted out
    "not now": ("Not now", "stopped", False),
    "the button's label": (NO, "stopped", False),
    "the other button's label": (NEVER, "stopped", True),
    "stop": ("STOP", "stopped", True),
    "no thanks": ("No, thank you!", "stopped", False),
    "no thanks in Vietnamese": ("không, cảm ơn", "stopped", False),
    "no thanks in Italian": ("No grazie", "stopped", False),
    "no thanks in Polish": ("nie, dziękuję :)", "stopped", False),
    "no thanks and more": ("no thanks, I am driving", "waiting", False),
    "never again": ("never again", "stopped", True),
    "please stop": ("please stop", "stopped", True),
}


@pytest.mark.parametrize(("words", "status", "opted_out"), WORDS.values(), ids=WORDS)
def test_in_words(words: str, status: str, opted_out: bool) -> None:
    world = World()
    world.ask()
    world.write(words)
    assert world.conversation().status == status
    (customer,) = world.store.customers.values()
    assert (customer.opted_out_at is not None) is opted_out
    assert refusals(world).keys() == ({NO, NEVER} if status == "waiting" else set())


@pytest.mark.parametrize("words", ["no", "No!", "nope", "No, it still crashes", "No, nobody thanked me"])
def test_no_to_a_question_of_yes_and_no_is_an_answer(words: str) -> None:
    world = World()
    world.ask(flow="thumbs")
    world.write(words)
    assert [answer.score for answer in world.store.answers.values() if answer.score is not None] == [0]


NO_THANKS = [
    "no thanks",
    "No, thank you!",
    "no - thanks",
    "NO THANKS!!! 🙏",
    "nope, thanks",
    "thanks, but no thanks",
    "no\nthank you",
    "không, cảm ơn",
    "dạ không, cám ơn",
    "no grazie",
    "No, la ringrazio.",
    "nie, dziękuję",
    "Nie… dzięki",
]
MORE = ["No, thank you, I am driving", "no thanks 5", "No, not now", "no, stop asking me", "No: later please"]


@pytest.mark.parametrize("words", [*NO_THANKS, *MORE])
@pytest.mark.parametrize("flow", ["thumbs", "support", "stars"])
def test_no_thanks_is_never_a_score(flow: str, words: str) -> None:
    world = World()
    world.ask(flow=flow)
    world.write(words)
    assert world.store.answers == {}
    assert world.conversation().status == ("stopped" if words in NO_THANKS else "waiting")


@pytest.mark.parametrize("words", NO_THANKS)
def test_no_thanks_to_what_the_customer_asked_for_is_asked_again(words: str) -> None:
    world = World(replace(SETTINGS, commands=CommandSettings(feedback="thumbs")))
    world.handle(Commanded(event="e", sender=ANN, command="feedback", at=world.now))
    world.write(words)
    assert world.store.answers == {}
    assert world.conversation().status == "waiting"
    assert world.conversation().reasked


def test_words_that_say_no_open_no_case_and_are_not_kept() -> None:
    world = World()
    world.ask()
    world.write("not now")
    assert world.store.cases == {}
    assert world.store.words == {}
    world.later(minutes=5)
    world.write("not now")
    assert world.heard() == [GOODBYE]
    assert world.now - world.conversation().touched_at == timedelta(minutes=5)
