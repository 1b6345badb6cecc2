""" "Is it fixed?": asked once for each resolution, at a good hour, and answered by the one who was asked."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.messages import (
    Address,
    Attachment,
    Card,
    ChannelName,
    Left,
    RecoveryToken,
    RecoveryValue,
    Resolve,
    Wrote,
    format_token,
)
from tests.intake.world import AGENTS, ANN, BEN, World, at_once, buttons_of

MAI, NAM = AGENTS
DONE = Resolve(cause="speed", action="called back")


def resolved(who: Address = ANN, **customer: Any) -> tuple[World, str]:
    world = World()
    if customer:
        world.report(who, **customer)
        world.later(minutes=10)
    else:
        world.write("hi", who)
        world.ask(who)
    world.tap("😞", who)
    world.later(minutes=2)
    case = world.case().id
    world.do(case, DONE)
    return world, case


def asked(who: Address = ANN) -> tuple[World, str]:
    world, case = resolved(who)
    world.later(hours=24)
    assert world.case().state == "resolved"
    assert world.case().asked_resolution == 1
    return world, case


def token(case: str, value: RecoveryValue = "yes", resolution: int = 1) -> str:
    return format_token(RecoveryToken(case=case, resolution=resolution, value=value))  # type: ignore[arg-type]


def questions(world: World, who: Address = ANN) -> list[tuple[str, str]]:
    return [(each.kind, each.slot) for each in world.messages(who) if each.slot.startswith("fixed:")]


def test_the_question_has_two_buttons_and_is_remembered() -> None:
    world, case = asked()
    (card,) = [each.content for each in world.messages() if each.slot == f"fixed:{case}:1"]
    assert isinstance(card, Card)
    assert [button.label for row in card.buttons for button in row] == ["Yes", "Not yet"]
    assert world.case().asked_at == world.now
    assert world.store.due_rows[f"unconfirmed:{case}"].due_at == world.now + timedelta(hours=72)
    assert world.store.shown != {}, "the survey counts for the cool-down"
    assert len(next(iter(world.store.shown.values()))) == 1, "the question does not"
    assert len(world.store.decisions) == 1, "nor is it a decision to ask for feedback"


def test_nobody_answers() -> None:
    world, case = asked()
    world.later(hours=71, minutes=59)
    assert world.case().state == "resolved"
    world.later(minutes=1)
    assert (world.case().state, world.case().closed_at) == ("unconfirmed", world.now)
    assert world.buttons(on=f"fixed:{case}:1") == []
    assert world.notes()[-1] == "unconfirmed"
    assert world.tapped(token(case)).token == token(case)
    assert world.handle(world.tapped(token(case))).said.kind == "already_counted"


ANSWERS = {
    "yes": ("recovered", "fixed"),
    "Yes!": ("recovered", "fixed"),
    "1": ("recovered", "fixed"),
    "👍": ("recovered", "fixed"),
    "yes, thank you": ("recovered", "fixed"),
    "Not yet": ("reopened", "not_fixed"),
    "2": ("reopened", "not_fixed"),
    "no, it is still slow": ("reopened", "not_fixed"),
    "yes, but it is slow": ("resolved", "nothing"),
    "who are you?": ("resolved", "nothing"),
}


@pytest.mark.parametrize(("text", "expected"), ANSWERS.items(), ids=ANSWERS)
def test_the_answer_in_words(text: str, expected: tuple[str, str]) -> None:
    world, _ = asked()
    outcome = world.write(text)
    assert (world.case().state, outcome.said.kind) == expected


def test_what_stands_beside_a_no_is_told_at_once() -> None:
    world, case = asked()
    world.write("No, it is still slow")
    assert world.thread(case)[-1].text == "No, it is still slow"
    assert world.heard()[-1].startswith("We are sorry that it is still not right. Thank you")
    assert [words.text for words in world.store.words.values()][-1] == "No, it is still slow"


def test_a_picture_beside_a_no() -> None:
    world, case = asked()
    photo = Attachment(kind="photo", reference="AgAC")
    world.handle(Wrote(event="p1", sender=ANN, text="no", at=world.now, attachments=(photo,)))
    assert (world.case().state, world.thread(case)[-1].attachments) == ("reopened", (photo,))


@pytest.mark.parametrize("value", ["yes", "no"])
def test_an_answer_counts_once(value: RecoveryValue) -> None:
    world, case = asked()
    tap = world.tapped(token(case, value))
    world.handle(tap)
    after = world.case()
    assert world.handle(tap).said.kind == "duplicate"
    world.later(minutes=16)  # what may be taken back at first stands then
    for other in ("yes", "no"):
        outcome = world.handle(world.tapped(token(case, other)))
        assert (outcome.said.kind, outcome.writes) == ("already_counted", ())
    assert world.case() == after


def test_two_different_answers_at_once_have_one_winner() -> None:
    world, case = asked()
    no = world.tapped(token(case, "no"))
    world.store.meanwhile = lambda: world.handle(no)
    assert world.handle(world.tapped(token(case, "yes"))).said.kind == "already_counted"
    assert world.case().state == "reopened"


def test_buttons_of_another_resolution() -> None:
    world, case = asked()
    world.handle(world.tapped(token(case, "no")))
    world.do(case, DONE)
    assert world.handle(world.tapped(token(case, "yes"))).said.kind == "already_counted", "of the first"
    assert world.handle(world.tapped(token(case, "yes", 2))).said.kind == "unknown_button", "not asked yet"
    assert world.handle(world.tapped(token("0000000000009999"))).said.kind == "unknown_button"
    assert world.case().state == "resolved"


def test_only_the_person_asked_answers() -> None:
    group, stranger = (Address(channel=ChannelName("telegram"), key=f"-100/{n}") for n in (1, 2))
    world, case = asked(group)
    for other in (stranger, BEN, replace(group, channel=ChannelName("web"))):
        outcome = world.handle(world.tapped(token(case), other))
        assert (outcome.said.kind, outcome.writes) == ("not_yours", ())
    world.write("yes", stranger)
    assert world.case().state == "resolved"
    assert world.handle(world.tapped(token(case), group)).said.kind == "fixed"


def test_quiet_hours_are_kept() -> None:
    """In Ho Chi Minh City it is 16:12 when the case is resolved at 09:12 UTC; the world begins at nine."""
    world, case = resolved(locale="en", time_zone="Asia/Ho_Chi_Minh")
    world.now += timedelta(hours=6)
    settled = world.case()
    world.store.cases[settled.id] = replace(settled, resolved_at=world.now, revision=settled.revision + 1)
    key = f"recover:{case}"
    world.store.due_rows[key] = replace(world.store.due_rows[key], due_at=world.now + timedelta(hours=24))
    world.later(hours=24)
    assert questions(world) == []
    # 22:12 there: until eight in the morning, which is one o'clock in UTC
    assert world.store.due_rows[key].due_at.hour == 1
    world.later(hours=9, minutes=47)
    assert questions(world) == []
    world.later(minutes=1)
    assert len(questions(world)) == 1


@pytest.mark.parametrize(("how", "why"), [("stop", "opted_out"), ("leave", "unreachable")])
def test_who_cannot_be_asked_is_not(how: str, why: str) -> None:
    world, case = resolved()
    if how == "stop":
        world.write("stop")
    else:
        world.handle(Left(event="l1", sender=ANN, at=world.now))
    world.later(hours=24)
    assert world.case().state == "unconfirmed"
    assert questions(world) == []
    assert world.notes()[-2:] == ["not_asked", "unconfirmed"]
    assert world.store.notes[-2].detail == why
    assert f"recover:{case}" not in world.store.due_rows


def test_a_resolved_case_is_asked_about_whatever_its_score_becomes() -> None:
    world, case = resolved()
    world.tap("Change")
    world.tap("😀")
    assert (world.case().state, world.case().score) == ("resolved", 5)
    assert world.thread(case)[-1].text == "The customer changed the score from 😞 1/5 to 😀 5/5"
    assert world.thread(case)[-1].mentions == ("U1",)
    world.later(hours=48)
    assert len(questions(world)) == 1
    assert world.handle(world.tapped(token(case))).said.kind == "fixed"


# ---- a "Yes" that was a mistake --------------------------------------------------------------------------------


def test_a_yes_can_be_taken_back_by_a_tap() -> None:
    world, case = asked()
    world.tap("Yes")
    world.later(minutes=5)
    assert world.handle(world.tapped(token(case, "no"))).said.kind == "not_fixed"
    again = world.case()
    assert (again.state, again.closed_at, again.owner) == ("reopened", None, AGENTS[0])
    card = world.screen()[f"fixed:{case}:1"].content
    assert isinstance(card, Card)
    assert (card.chosen, card.buttons) == ("Not yet", ())
    world.write("It broke again")
    assert world.thread(case)[-1].text == "It broke again"


@pytest.mark.parametrize(
    ("text", "state"), [("Not yet", "reopened"), ("no, it still crashes", "reopened"), ("yes", "recovered")]
)
def test_a_yes_can_be_taken_back_by_words(text: str, state: str) -> None:
    world, _ = asked()
    world.tap("Yes")
    world.later(minutes=5)
    world.write(text)
    assert world.case().state == state
    assert [words.text for words in world.store.words.values()] == ([] if text == "Not yet" else [text])


def test_later_words_after_a_yes_go_to_the_thread() -> None:
    world, case = asked()
    world.tap("Yes")
    world.later(minutes=16)
    world.write("Not yet")
    assert world.case().state == "recovered"
    assert world.thread(case)[-1].text == "Not yet"


@pytest.mark.parametrize("row", ["recover", "unconfirmed"])
def test_a_row_that_comes_early_is_put_off(row: str) -> None:
    world, case = resolved() if row == "recover" else asked()
    due = world.store.due_rows[f"{row}:{case}"]
    world.store.due_rows[due.key] = replace(due, due_at=world.now)
    before = world.case()
    world.run_dues()
    assert world.store.due_rows[due.key] == due
    assert world.case() == before


def test_a_due_row_that_comes_twice_asks_once() -> None:
    world, case = resolved()
    due = world.store.due_rows[f"recover:{case}"]
    world.now = due.due_at
    world.store.meanwhile = lambda: at_once(world.intake.come_due(due))
    at_once(world.intake.come_due(due))
    world.store.due_rows[due.key] = due
    at_once(world.intake.come_due(due))
    assert questions(world) == [("post", f"fixed:{case}:1")]
    assert due.key not in world.store.due_rows


def test_the_recovery_question_leaves_a_waiting_survey_alone() -> None:
    world, case = asked()
    world.command("start", ANN, "delivery")
    survey = world.conversation()
    assert world.handle(world.tapped(token(case))).said.kind == "fixed"
    assert world.conversation() == survey
    assert buttons_of(world.screen()[f"q:{survey.id}:nps"])
