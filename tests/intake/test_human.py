"""A customer asks for a person: a case at once, whatever they were asked or have answered."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.followup.routing import RoutingRule
from bot.languages import say
from bot.messages import Address, AlertOf, ChannelName, Relay, Resolve
from bot.ports import Customer
from tests.intake.world import AGENTS, ANN, BEN, DESK, SETTINGS, World

PROMISED, KNOWN = say("en", "reply.human"), say("en", "reply.human_told")


def alerts(world: World) -> list[str]:
    """What was sent of alerts, by kind."""
    return [message.kind for message in world.messages(DESK) if isinstance(message.content, AlertOf)]


def test_a_stranger_gets_a_case_in_a_conversation_in_which_nothing_is_asked() -> None:
    world = World()
    world.write("Talk to a human", BEN)
    case = world.case()
    assert (case.score, case.why, case.priority, case.state, case.question) == (None, "human", "high", "open", "score")
    assert world.conversation(BEN).status == "stopped"
    assert world.conversation(BEN).asked is None
    assert world.heard(BEN) == [PROMISED]
    assert alerts(world) == ["post"]  # at once, not after the hold
    assert world.notes() == ["opened", "wanted_human"]


def test_of_the_word_of_one_language_their_language_is_known() -> None:
    world = World()
    world.write("człowiek", BEN)
    assert world.heard(BEN) == [say("pl", "reply.human")]
    assert world.case().locale == "pl"


def test_what_a_stranger_adds_is_heard_by_the_agents_and_answered_in_their_chat() -> None:
    world = World()
    world.write("człowiek", BEN)
    world.deliver()
    world.write("Moja paczka zginęła", BEN)
    case = world.case()
    assert [remark.text for remark in world.thread(case.id)] == ["Moja paczka zginęła"]
    world.do(case.id, Relay(text="Już sprawdzam"))
    assert world.heard(BEN)[-1] == "Już sprawdzam"
    assert world.case().state == "contacted"


def test_words_beside_the_command_are_kept_and_told() -> None:
    world = World()
    world.command("human", BEN, "my parcel is lost")
    (words,) = world.store.words.values()
    assert (words.text, words.conversation) == ("my parcel is lost", world.case().conversation)
    assert world.notes() == ["opened", "wanted_human", "commented"]
    assert alerts(world) == ["post"]


def test_a_survey_goes_on_waiting_and_nags_no_more() -> None:
    world = World(replace(SETTINGS, asking=replace(SETTINGS.asking, reminder=timedelta(hours=3))))
    world.ask()
    world.write("agent")
    world.later(hours=5)
    assert world.case().conversation == world.conversation().id
    assert world.conversation().status == "waiting"
    assert [message.kind for message in world.messages(ANN) if message.slot.endswith(":score")] == ["post"]
    world.write("my parcel is late")
    assert world.heard() == [PROMISED]  # no "sorry, we did not understand that"
    assert [remark.text for remark in world.thread(world.case().id)][-1] == "my parcel is late"
    world.write("4")
    assert world.conversation().answers["score"].value.score == 4  # type: ignore[union-attr]


def test_who_asks_again_is_told_that_it_is_known_and_the_agents_hear_it() -> None:
    world = World()
    world.write("agent", BEN)
    world.deliver()
    world.later(minutes=5)
    world.write("agent!", BEN)
    assert world.heard(BEN) == [PROMISED, KNOWN]
    assert [remark.text for remark in world.thread(world.case().id)] == ["The customer asked for a person"]
    assert world.notes() == ["opened", "wanted_human", "wanted_human"]


def test_who_asks_sixty_times_is_heard_once() -> None:
    world = World()
    for _ in range(60):
        world.write("agent", BEN)
        world.deliver()
    assert world.heard(BEN) == [PROMISED]
    assert world.thread(world.case().id) == []
    assert world.notes() == ["opened", "wanted_human"]


def test_words_beside_what_was_asked_a_moment_ago_are_told_all_the_same() -> None:
    world = World()
    world.command("human", BEN)
    world.deliver()
    world.command("human", BEN, "my parcel is lost")
    assert [remark.text for remark in world.thread(world.case().id)] == ["my parcel is lost"]
    assert world.notes() == ["opened", "wanted_human", "commented"]
    assert world.heard(BEN) == [PROMISED]


def test_who_asks_again_after_an_agent_spoke_is_heard() -> None:
    world = World()
    world.write("agent", BEN)
    world.deliver()
    world.now += timedelta(seconds=30)
    world.do(world.case().id, Relay(text="On it"))
    world.now += timedelta(seconds=30)
    world.command("human", BEN)
    assert world.heard(BEN) == [PROMISED, "On it", KNOWN]


def test_a_case_for_a_score_gets_more_urgent_and_its_alert_goes_out() -> None:
    world = World()
    world.ask()
    world.tap("😕")
    assert alerts(world) == []  # held
    world.command("human")
    case = world.case()
    assert (case.score, case.why, case.priority) == (2, "score", "high")
    assert alerts(world) == ["post"]
    assert world.heard()[-1] == KNOWN


# label: the faces tapped after asking for a person, the score and state of the case, what its history tells
RESCORED: dict[str, tuple[list[str], int, str, list[str]]] = {
    "a low score": (["😞"], 1, "open", ["scored"]),
    "a good score withdraws nothing": (["😀"], 5, "open", []),
}


@pytest.mark.parametrize(("faces", "score", "state", "notes"), RESCORED.values(), ids=RESCORED)
def test_a_score_that_comes_later(faces: list[str], score: int, state: str, notes: list[str]) -> None:
    world = World()
    world.ask()
    world.command("human")
    for face in faces:
        world.tap(face)
    case = world.case()
    assert case.state == state
    assert case.why == "human"
    assert world.notes()[:2] == ["opened", "wanted_human"]
    assert case.score == score
    assert world.notes()[2:3] == ["scored"]


def test_a_lowest_score_of_a_very_important_customer_makes_it_urgent() -> None:
    world = World()
    world.ask(vip="true")
    world.command("human")
    assert world.case().priority == "urgent"


def test_after_the_resolution_it_is_opened_again() -> None:
    world = World()
    world.write("agent", BEN)
    case = world.case().id
    world.do(case, Relay(text="Fixed it"))
    world.do(case, Resolve(cause="other", action="fixed"))
    world.later(hours=24)
    assert world.case().asked_resolution == 1  # asked as after any other case
    world.later(minutes=1)
    world.write("agent", BEN)
    assert (world.case().state, world.case().owner) == ("reopened", AGENTS[0])
    assert world.heard(BEN)[-1] == PROMISED
    assert world.buttons(BEN) == []  # "Is it fixed?" asks no more


def test_long_after_the_last_survey_it_is_a_conversation_of_its_own() -> None:
    world = World()
    world.ask()
    world.tap("😀")
    world.command("stop")
    before = world.conversation().id
    world.later(days=30)
    world.write("agent")
    case = world.case()
    assert (case.score, case.conversation == before) == (None, False)


def test_who_wants_no_surveys_reaches_a_person_and_stays_opted_out() -> None:
    world = World()
    world.write("STOP", BEN)
    world.write("agent", BEN)
    assert world.case().why == "human"
    (customer,) = world.store.customers.values()
    assert isinstance(customer, Customer)
    assert customer.opted_out_at is not None
    assert world.buttons(BEN) == []


GROUP = Address(channel=ChannelName("telegram"), key="-100/5512")


def test_what_people_in_a_group_say_to_each_other_calls_nobody() -> None:
    world = World()
    world.write("agent", GROUP)
    world.command("human", GROUP, "nobody but them")
    assert world.store.cases == {}
    assert world.heard(GROUP) == []
    world.ask(GROUP)
    world.write("agent", GROUP)
    assert world.case().address == GROUP


def test_in_a_group_too_the_command_calls_somebody_where_a_survey_waits() -> None:
    world = World()
    world.ask(GROUP)
    world.command("human", GROUP)
    assert world.case().address == GROUP


def test_a_rule_about_scores_does_not_match_and_one_without_does() -> None:
    rules = (
        RoutingRule(id="low", score_at_most=6, room="#low"),
        RoutingRule(id="nps", scale="csat5", room="#csat"),
        RoutingRule(id="rest", room="#rest"),
    )
    followup = SETTINGS.followup
    assert followup is not None
    world = World(replace(SETTINGS, followup=replace(followup, rules=rules)))
    world.write("agent", BEN)
    assert world.case().rule == "rest"


def test_it_is_part_of_no_incident() -> None:
    world = World()
    people = [Address(channel=ChannelName("web"), key=f"p{n}") for n in range(6)]
    for person in people:
        world.ask(person, agent="Minh")
        world.command("human", person)
    world.later(minutes=5)
    assert {case.incident for case in world.store.cases.values()} == {None}
    assert len(world.store.cases) == 6
