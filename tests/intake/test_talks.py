"""Which agents hear a customer, and that somebody always does while a case listens."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.config import FollowUpSettings
from bot.followup.routing import RoutingRule
from bot.messages import Assign, Attachment, Relay, Resolve, Wrote
from tests.intake.test_folding import complain, incident, shop
from tests.intake.world import AGENTS, ANN, DESK, SETTINGS, World

MAI, NAM = AGENTS
DONE = Resolve(cause="product", action="sent a new one")
PHOTO = Attachment(kind="photo", reference="F1")


def texts(world: World, case: str) -> list[str]:
    return [remark.text for remark in world.thread(case)]


def rated(world: World) -> str:
    """A customer rates as badly as can be and says no more; returns the case."""
    world.ask(ANN)
    world.tap("😞")
    world.later(minutes=2)
    return world.case().id


def two_cases() -> tuple[World, str, str]:
    """Two cases of one customer at one address, the older one first; the surveys are over."""
    world = World()
    first = rated(world)
    world.command("start", argument="delivery")
    world.tap("0")
    world.later(minutes=2)
    (second,) = set(world.store.cases) - {first}
    world.command("stop")
    world.command("start")
    world.later(minutes=1)
    return world, first, second


# ---- two cases of one customer ----------------------------------------------------------------------------------


def test_of_two_cases_the_one_in_which_somebody_spoke_last_hears_the_customer() -> None:
    world, first, second = two_cases()
    world.write("One")
    world.do(first, Relay(text="We are sorry"))
    world.later(minutes=1)
    world.write("Two")
    world.do(second, Relay(text="And about the other thing"))
    world.later(minutes=1)
    world.write("Three")
    world.say_in_thread(first, "Back to the first")
    world.later(minutes=1)
    world.write("Four")
    assert [text for text in texts(world, first) if text in ("One", "Two", "Three", "Four")] == ["Two", "Four"]
    assert [text for text in texts(world, second) if text in ("One", "Two", "Three", "Four")] == ["One", "Three"]


def test_the_older_case_hears_on_when_the_newer_one_is_over() -> None:
    world, first, second = two_cases()
    world.do(second, DONE)
    world.later(hours=24)
    world.tap("Yes")
    world.write("But my parcel is still missing")
    assert texts(world, first)[-1] == "But my parcel is still missing"


@pytest.mark.parametrize(("answer", "state"), [("Not yet", "reopened"), ("Yes", "recovered")])
def test_a_typed_answer_is_for_the_newest_question_that_has_none(answer: str, state: str) -> None:
    world, first, second = two_cases()
    world.do(first, Relay(text="Sorry"))
    world.do(first, DONE)
    world.later(hours=24)
    world.do(second, Relay(text="Sorry for that too"))
    world.later(minutes=1)
    world.write(answer)
    assert (world.case(first).state, world.case(second).state) == (state, "contacted")
    world.write("It is the blue one")
    assert texts(world, first if state == "reopened" else second)[-1] == "It is the blue one"


def test_of_two_questions_each_is_answered_once() -> None:
    world, first, second = two_cases()
    world.do(first, DONE)
    world.later(hours=1)
    world.do(second, DONE)
    world.later(hours=24)
    assert world.case(first).asked_resolution == world.case(second).asked_resolution == 1
    newest = max(first, second, key=lambda case: (world.case(case).asked_at, case))
    other = first if newest == second else second
    world.write("Not yet")
    assert (world.case(newest).state, world.case(other).state) == ("reopened", "resolved")
    world.write("yes")
    assert (world.case(newest).state, world.case(other).state) == ("reopened", "recovered")


# ---- a better score ---------------------------------------------------------------------------------------------


def test_a_better_score_during_a_talk_ends_nothing() -> None:
    world = World()
    case = rated(world)
    world.say_in_thread(case, "We are sorry! Which one?")
    world.tap("Change")
    world.tap("😀")
    assert (world.case().state, world.case().score) == ("contacted", 5)
    assert world.thread(case)[-1].text == "The customer changed the score from 😞 1/5 to 😀 5/5"
    assert world.thread(case)[-1].mentions == ("U1",)
    world.later(minutes=1)
    world.say_in_thread(case, "Thank you! Is it the blue one?")
    world.write("The blue one")
    assert texts(world, case)[-1] == "The blue one"
    assert world.do(case, DONE).said.kind == "done"
    world.later(hours=24)
    world.tap("Yes")
    assert world.case().state == "recovered"


def test_who_has_a_case_hears_that_it_is_withdrawn_and_what_the_customer_says_after_it() -> None:
    world = World()
    case = rated(world)
    world.press(case, "claim")
    world.tap("Change")
    world.tap("😀")
    assert world.case().state == "withdrawn"
    (told,) = world.thread(case)
    assert told.text == (
        "The customer changed the score from 😞 1/5 to 😀 5/5. Case withdrawn: the customer changed the answer"
    )
    assert told.mentions == ("U1",)
    world.command("stop")
    world.later(minutes=1)
    world.write("I pressed the wrong one")
    assert texts(world, case)[-1] == "I pressed the wrong one"
    assert world.say_in_thread(case, "Shall we look into it?").ref == case
    assert world.heard()[-1] == "Shall we look into it?"
    world.later(days=3, minutes=2)
    world.write("Hello?")
    assert texts(world, case)[-1] == "I pressed the wrong one"


def test_nobody_is_told_of_a_case_that_was_withdrawn_before_its_alert() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    world.tap("Change")
    world.tap("😀")
    world.later(minutes=5)
    world.command("stop")
    world.write("Hello?")
    assert world.messages(DESK) == []


def test_words_that_open_a_case_bring_a_withdrawn_one_back() -> None:
    rules = (RoutingRule(id="refund", words=("refund",), opens=True, priority="high"),)
    followup = FollowUpSettings(channel=DESK.channel, room=DESK.key, rules=rules)
    world = World(replace(SETTINGS, followup=followup))
    case = rated(world)
    world.tap("Change")
    world.tap("😀")
    world.command("stop")
    assert world.case(case).state == "withdrawn"
    world.write("I want a refund")
    assert (world.case(case).state, world.case(case).priority) == ("open", "high")


# ---- everything is heard ----------------------------------------------------------------------------------------


def test_after_not_yet_the_words_for_the_cases_own_survey_are_heard() -> None:
    followup = FollowUpSettings(channel=DESK.channel, room=DESK.key, recovery_after=timedelta(hours=1))
    world = World(replace(SETTINGS, followup=followup))
    case = rated(world)
    world.say_in_thread(case, "We are sorry!")
    world.do(case, DONE)
    world.later(hours=1)
    world.tap("Not yet")
    world.later(minutes=1)
    world.tap("Skip")
    assert world.conversation().asked == "comment"
    world.write("It took an hour")
    assert world.conversation().status == "completed"
    assert texts(world, case)[-1] == "It took an hour"


def test_what_an_agent_says_before_the_alert_follows_it() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    case = world.case().id
    world.do(case, Relay(text="We are sorry"), NAM)
    slots = [message.slot.partition(":")[0] for message in world.messages(DESK)]
    assert slots == ["alert", "said"]
    assert [(remark.author, remark.text) for remark in world.thread(case)] == [("U2", "We are sorry")]


def test_who_is_given_a_case_before_its_alert_hears_of_it() -> None:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    case = world.case().id
    world.do(case, Assign(to=NAM, to_name="Nam"))
    assert [message.slot.partition(":")[0] for message in world.messages(DESK)] == ["alert", "told"]
    assert [remark.mentions for remark in world.thread(case)] == [("U2",)]


def test_what_an_agent_says_out_of_an_incident_stands_under_the_cases_own_alert() -> None:
    world = shop()
    cases = [complain(world, number) for number in range(3)]
    assert incident(world).cases == 3
    assert not world.case(cases[2]).alerted
    world.do(cases[2], Relay(text="We are sorry"), NAM)
    assert [remark.text for remark in world.thread(cases[2])] == ["We are sorry"]


def test_words_beside_feedback_are_heard_before_anybody_has_answered() -> None:
    world = World()
    case = rated(world)
    world.later(minutes=5)
    world.command("feedback", argument="It broke again")
    assert texts(world, case) == ["It broke again"]


def test_words_beside_feedback_are_heard_though_nothing_can_be_rated() -> None:
    world = World()
    case = rated(world)
    world.settings = replace(SETTINGS, commands=None)
    world.command("feedback", argument="It broke again")
    assert texts(world, case) == ["It broke again"]


# ---- pictures ---------------------------------------------------------------------------------------------------


def sent(world: World, text: str = "") -> Wrote:
    return Wrote(event=f"e{world.number()}", sender=ANN, text=text, at=world.now, attachments=(PHOTO,))


@pytest.mark.parametrize("waits_for", ["rating", "reason", "words", "nothing"])
def test_a_picture_is_kept_with_the_words_whatever_the_survey_waits_for(waits_for: str) -> None:
    world = World()
    world.ask(ANN)
    if waits_for != "rating":
        world.tap("😞")
    if waits_for in ("words", "nothing"):
        world.tap("Skip")
    if waits_for == "nothing":
        world.write("It took an hour")
    before = len(world.messages())
    world.handle(sent(world))
    words = list(world.store.words.values())[-1]
    assert (words.attachments, words.source, words.text) == ((PHOTO,), ANN.channel, "[photo]")
    assert words.conversation == world.conversation().id
    if waits_for != "words":
        assert len(world.messages()) == before, "nobody says that it was not understood"


def test_a_picture_with_a_score_is_kept_with_the_comment() -> None:
    world = World()
    world.ask(ANN)
    world.handle(sent(world, "1, look at this"))
    (words,) = world.store.words.values()
    assert (words.attachments, world.case().score) == ((PHOTO,), 1)


# ---- the table that admins read ---------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "who-hears-what.md").read_text("utf-8")
PROMISES = [
    tuple(cell.strip() for cell in line.strip("|\n").split("|"))
    for line in PAGE.partition("### They have two cases")[2].splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| situation"))
]
#: what happens in the situations of the page, in this order, to the older and the newer case
SITUATIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "nobody has answered in either": (),
    "an agent has answered in the older one": (("reply", "older"),),
    "an agent has answered in both, in the newer one last": (("reply", "older"), ("reply", "newer")),
    "an agent has answered in both, in the older one last": (("reply", "newer"), ("reply", "older")),
    "the newer one has come to its end": (("ask", "newer"), ("yes", "newer")),
    "the older one's customer was asked whether it is fixed": (("ask", "older"),),
    "they were asked about the older one, and then an agent answered in the newer one": (
        ("ask", "older"),
        ("reply", "newer"),
    ),
    "they were asked about both, about the newer one last": (("ask", "older"), ("ask", "newer")),
}


@pytest.mark.parametrize(("situation", "words", "hearer"), PROMISES)
def test_the_page_for_admins_says_which_of_two_cases_hears(situation: str, words: str, hearer: str) -> None:
    world, first, second = two_cases()
    cases = {"older": first, "newer": second}
    for what, which in SITUATIONS[situation]:
        if what == "reply":
            world.do(cases[which], Relay(text="We are sorry"))
        elif what == "ask":
            world.do(cases[which], DONE)
            world.later(hours=24)
        else:
            world.tap("Yes", on=f":{cases[which]}:1")
        world.later(minutes=1)
    before = {name: (world.case(case).state, texts(world, case)) for name, case in cases.items()}
    world.write(words)
    after = {name: (world.case(case).state, texts(world, case)) for name, case in cases.items()}
    assert [f"the {name} one" for name in cases if before[name] != after[name]] == [hearer]


def test_the_page_has_every_situation_of_two_cases() -> None:
    assert {row[0] for row in PROMISES} == set(SITUATIONS)
