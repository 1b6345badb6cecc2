"""An agent's press of the alert's button."""

from bot.messages import Address, ChannelName
from bot.ports import Outcome
from tests.intake.world import AGENTS, ANN, BEN, World

MAI, NAM = AGENTS


def unhappy() -> tuple[World, str]:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    world.later(minutes=2)
    (case,) = world.store.cases
    return world, case


def told(outcome: Outcome) -> tuple[str, str]:
    return outcome.said.kind, outcome.said.text


def edits(world: World) -> int:
    return sum(
        row.outbound.slot.startswith("alert:") and row.outbound.kind == "edit" for row in world.store.queue.values()
    )


def test_a_claim_edits_the_alert() -> None:
    world, case = unhappy()
    assert told(world.handle(world.pressed(case, MAI))) == ("claimed", "U1")
    (kept,) = world.store.cases.values()
    assert (kept.state, kept.owner, kept.claimed_at) == ("claimed", MAI, world.now)
    assert edits(world) == 1
    assert [(note.what, note.who) for note in world.store.notes] == [("opened", None), ("claimed", "U1")]


def test_a_second_press_of_the_same_agent_changes_nothing() -> None:
    world, case = unhappy()
    world.handle(world.pressed(case, MAI))
    again = world.handle(world.pressed(case, MAI))
    assert (told(again), again.writes) == (("claimed", "U1"), ())


def test_a_second_agent_is_told_who_was_first() -> None:
    world, case = unhappy()
    world.handle(world.pressed(case, MAI))
    assert told(world.handle(world.pressed(case, NAM))) == ("already_claimed", "U1")
    assert edits(world) == 1


def test_two_claims_at_once_have_one_owner() -> None:
    world, case = unhappy()
    first = world.pressed(case, NAM)
    world.store.meanwhile = lambda: world.handle(first)
    assert told(world.handle(world.pressed(case, MAI))) == ("already_claimed", "U2")
    assert edits(world) == 1


def test_a_claim_while_the_customer_changes_their_mind() -> None:
    world, case = unhappy()
    world.tap("Change")
    world.store.meanwhile = lambda: world.tap("😀")
    assert told(world.handle(world.pressed(case, MAI))) == ("case_closed", "")
    (kept,) = world.store.cases.values()
    assert (kept.state, kept.owner) == ("withdrawn", None)


def test_a_claimed_case_goes_back_to_its_owner_when_it_opens_again() -> None:
    world, case = unhappy()
    world.handle(world.pressed(case, MAI))
    for face in ("😀", "😕"):
        world.tap("Change")
        world.tap(face)
    (kept,) = world.store.cases.values()
    assert (kept.state, kept.owner, kept.score) == ("claimed", MAI, 2)


def test_presses_that_mean_nothing() -> None:
    world, case = unhappy()
    other_workspace = Address(channel=ChannelName("slack-eu"), key="U1")
    events = [
        world.pressed("0000000000009999"),
        world.pressed(case, action="delete"),
        world.pressed(case, other_workspace),
    ]
    for event in events:
        outcome = world.handle(event)
        assert (outcome.said.kind, outcome.writes) == ("unknown_button", ())


def test_a_press_that_comes_twice_is_one() -> None:
    world, case = unhappy()
    press = world.pressed(case, MAI)
    world.handle(press)
    assert world.handle(press).said.kind == "duplicate"


def test_a_claim_before_the_alert_is_in_the_alert() -> None:
    """The dashboard may show a case while its alert is still held."""
    world = World()
    world.write("hi", BEN)
    world.ask(BEN)
    world.tap("😞", BEN)
    (case,) = world.store.cases
    world.handle(world.pressed(case, MAI))
    assert edits(world) == 0
    world.later(minutes=2)
    posts = [row for row in world.store.queue.values() if row.outbound.slot == f"alert:{case}"]
    assert [row.outbound.kind for row in posts] == ["post"]
