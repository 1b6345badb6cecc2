"""An agent wants a customer to be asked now: at once, later or not at all, and once for one thing."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.config import AskingSettings
from bot.languages import locales, say
from bot.messages import Address, AgentAsks, Profile
from bot.ports import Outcome
from tests.intake.world import AGENTS, ANN, BEN, SETTINGS, World

ASKED = ("asked", "nothing speaks against it")


def asks(world: World, who: Address = ANN, about: str = "C1:1.5", flow: str = "", event: str = "") -> AgentAsks:
    return AgentAsks(
        event=event or f"e{world.number()}",
        agent=AGENTS[0],
        agent_name="Mai",
        customer=who,
        about=about,
        at=world.now,
        profile=Profile(name="Ann", language="vi"),
        flow=flow,
        of_the_desk=True,
    )


def ask(world: World, who: Address = ANN, about: str = "C1:1.5", flow: str = "") -> tuple[str, str]:
    """What the agent is told, and the rule that stands."""
    kind = world.handle(asks(world, who, about, flow)).said.kind
    return kind, world.decision().rule


def told_when_it_was_asked(world: World) -> str:
    outcome = world.handle(asks(world))
    assert outcome.said.kind == "not_asked"
    return outcome.said.text


def test_the_customer_is_asked_at_once() -> None:
    world = World()
    outcome = world.handle(asks(world))
    assert (outcome.said.kind, outcome.ref) == ("asked", world.conversation().id)
    decision = world.decision()
    assert (decision.verdict, decision.rule, decision.trigger) == (*ASKED, "agent")
    assert (decision.source, decision.reference, decision.steps) == ("web", "C1:1.5", ())
    assert decision.inputs["agent"] == "Mai"
    (customer,) = world.store.customers.values()
    assert (customer.name, customer.locale, customer.locale_source) == ("Ann", "vi", "profile")
    assert len(world.messages()) == 1
    assert world.interaction().attributes["agent"] == "Mai", "it is the agent whom the question names"
    assert not any(due.kind == "ask" for due in world.store.due_rows.values())


def test_the_same_event_asks_once() -> None:
    world = World()
    event = asks(world)
    world.handle(event)
    assert world.handle(event).said.kind == "duplicate"
    assert len(world.messages()) == 1


def test_the_same_thing_asks_once() -> None:
    world = World()
    ask(world)
    assert told_when_it_was_asked(world) == say("en", "rule.asked_a_moment_ago")
    world.later(days=30)
    assert told_when_it_was_asked(world) == say("en", "told.asked_before")
    assert (len(world.store.decisions), world.decision().repeats) == (1, 2)


def test_two_agents_at_the_same_moment_ask_once() -> None:
    world = World()
    world.store.meanwhile = lambda: ask(world)
    assert told_when_it_was_asked(world) == say("en", "rule.asked_a_moment_ago")
    assert (len(world.messages()), len(world.store.decisions)) == (1, 1)


def test_at_night_the_question_waits_and_asking_again_says_so() -> None:
    world = World()
    world.now = world.now.replace(hour=23)
    assert ask(world) == ("deferred", "quiet hours")
    assert ask(world) == ("deferred", "quiet hours")
    world.later(hours=9)
    assert (world.decision().verdict, world.decision().rule) == ASKED
    assert [step.rule for step in world.decision().steps] == ["quiet hours"]
    assert len(world.messages()) == 1


def stopped(world: World) -> None:
    world.write("stop")


def surveyed(world: World) -> None:
    world.ask(ANN)


def surveyed_yesterday(world: World) -> None:
    world.ask(ANN)
    world.tap("😀")
    world.later(days=1)


def nothing(world: World) -> None:
    del world


@pytest.mark.parametrize(
    ("before", "who", "flow", "rule"),
    [
        (stopped, ANN, "", "opted out"),
        (surveyed, ANN, "", "a survey is under way"),
        (surveyed_yesterday, ANN, "", "cool-down"),
        (nothing, BEN, "", "cannot be reached"),
        (nothing, ANN, "gone", "the flow is gone"),
    ],
    ids=["opted out", "surveyed now", "surveyed yesterday", "never wrote", "flow gone"],
)
def test_what_guards_the_customer_holds_for_agents(before: object, who: Address, flow: str, rule: str) -> None:
    world = World()
    assert callable(before)
    before(world)
    shown = len(world.messages(who))
    assert ask(world, who, flow=flow) == ("not_asked", rule)
    assert world.decision().verdict == "not asked"
    assert len(world.messages(who)) == shown


def test_after_a_refusal_an_agent_may_try_again() -> None:
    world = World(replace(SETTINGS, asking=AskingSettings(cool_down=timedelta(hours=1))))
    world.ask(ANN)
    assert ask(world) == ("not_asked", "a survey is under way")
    world.tap("😀")
    world.later(hours=2)
    assert ask(world)[0] == "asked"
    assert [each.key.rpartition(":")[2] for each in world.store.decisions if each.trigger == "agent"] == ["1", "2"]


def test_what_the_customer_just_wrote_is_no_reason_to_wait() -> None:
    world = World(replace(SETTINGS, asking=AskingSettings(cool_down=timedelta(0))))
    world.ask(ANN)
    world.tap("😀")
    world.later(minutes=20)
    world.write("thanks a lot")
    assert ask(world)[0] == "asked"


def test_of_nothing_in_particular_each_event_is_a_thing_of_its_own() -> None:
    world = World(replace(SETTINGS, asking=AskingSettings(cool_down=timedelta(0))))
    outcomes: list[Outcome] = [world.handle(asks(world, who, about="")) for who in (ANN, replace(ANN, key="eve"))]
    assert [outcome.said.kind for outcome in outcomes] == ["asked", "asked"]


ROOM = replace(AGENTS[0], channel=BEN.channel)
NOT_OF_THE_DESK = {
    # label: whether they are of the desk, who asks, the desk's room, the key of what they are told
    "somebody else": (False, AGENTS[0], "#unhappy", "told.only_members"),
    "somebody else, of a room by its id": (False, AGENTS[0], "C0DESK", "told.only_the_desk"),
    "nobody could tell": (None, AGENTS[0], "#unhappy", "told.desk_unknown"),
    "a workspace beside the desk's": (True, ROOM, "#unhappy", "told.only_the_desk"),
}


@pytest.mark.parametrize("locale", locales())
@pytest.mark.parametrize(("of_the_desk", "agent", "room", "key"), NOT_OF_THE_DESK.values(), ids=NOT_OF_THE_DESK)
def test_only_who_is_of_the_desk_may_ask_and_others_do_not_learn_why(
    of_the_desk: bool | None, agent: Address, room: str, key: str, locale: str
) -> None:
    assert SETTINGS.followup is not None
    world = World(replace(SETTINGS, followup=replace(SETTINGS.followup, room=room, locale=locale)))
    stopped(world)
    said = world.handle(replace(asks(world), agent=agent, of_the_desk=of_the_desk)).said
    assert (said.kind, said.locale, said.text) == ("not_asked", locale, say(locale, key, room=room))
    assert list(world.store.decisions) == []
    assert world.store.interactions == {}
    assert world.handle(replace(asks(world), of_the_desk=True)).said.text == say(locale, "rule.opted_out")


def test_without_a_desk_nobody_may_ask() -> None:
    world = World(replace(SETTINGS, followup=None))
    said = world.handle(asks(world)).said
    assert (said.kind, said.text) == ("not_asked", say("en", "told.only_the_desk"))
    assert world.messages() == []
