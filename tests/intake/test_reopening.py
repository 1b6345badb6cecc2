"""An agent takes a case up again in which nothing was left to do."""

import pytest

from bot.messages import Card, Reopen, Resolve
from tests.intake.test_follow_up_story import DONE, MAI, NAM, talking
from tests.intake.world import ANN, World


def resolved() -> tuple[World, str]:
    world, case = talking()
    world.do(case, DONE)
    return world, case


def asked() -> tuple[World, str]:
    world, case = resolved()
    world.later(hours=24)
    return world, case


def recovered() -> tuple[World, str]:
    world, case = asked()
    world.tap("Yes")
    return world, case


def unconfirmed() -> tuple[World, str]:
    world, case = asked()
    world.later(days=30)
    return world, case


def withdrawn() -> tuple[World, str]:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    world.later(minutes=2)
    world.tap("Change")
    world.tap("😀")
    return world, world.case().id


@pytest.mark.parametrize("begin", [resolved, asked, recovered, unconfirmed, withdrawn])
def test_a_case_that_was_done_is_worked_on_again(begin: object) -> None:
    world, case = begin()  # type: ignore[operator]
    before = world.case(case)
    world.later(minutes=1)
    assert world.press(case, "reopen", NAM).said.kind == "done"
    after = world.case(case)
    assert after.state == "reopened"
    assert after.owner == (before.owner or NAM), "it stays with whose it was"
    assert (after.reopened_at, after.closed_at, after.resolved_at) == (world.now, None, None)
    assert (after.resolution, after.escalated) == (before.resolution, ())
    assert world.notes()[-1] == "reopened_by"
    assert world.store.notes[-1].who == "U2"
    assert not {f"recover:{case}", f"unconfirmed:{case}"} & set(world.store.due_rows)
    assert world.do(case, Reopen()).said.kind == "done"
    assert world.case(case) == after, "a second press changes nothing"


def test_the_next_resolution_asks_anew() -> None:
    world, case = recovered()
    world.do(case, Reopen(), MAI)
    world.do(case, Resolve(cause="speed", action="called"))
    world.later(hours=24)
    assert world.case(case).asked_resolution == 2
    assert world.tap("Not yet").said.kind == "not_fixed"


def test_the_question_goes_without_an_answer_in_the_customers_name() -> None:
    world, case = asked()
    world.do(case, Reopen(), MAI)
    card = world.screen()[f"fixed:{case}:1"].content
    assert isinstance(card, Card)
    assert (card.buttons, card.chosen) == ((), None)
