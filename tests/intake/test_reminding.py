"""An invitation that nobody answered is repeated once, if the settings say so and nothing speaks against it."""

from collections.abc import Callable, Mapping
from datetime import time, timedelta

import pytest
from msgspec.structs import replace

from bot.config import AskingSettings
from bot.conversations.dealings import Ended
from bot.messages import Card, Left, Outbound, Relay
from bot.ports import Due
from tests.intake.world import ANN, BEN, SETTINGS, World, buttons_of

DAY = timedelta(days=1)
REMINDER = "A short reminder: we would still like to hear from you. It takes only a moment."


def asked(**asking: object) -> World:
    """Asked at 9:10 on a Monday; reminded a day later, if nothing else is said."""
    settings = AskingSettings(quiet_from=time(21), quiet_until=time(8), reminder=DAY)
    world = World(replace(SETTINGS, asking=replace(settings, **asking)))
    world.ask()
    return world


def questions(world: World) -> list[Outbound]:
    """Every message of the first question, in the order in which they were sent."""
    return [message for message in world.messages() if message.slot.endswith(":score")]


def reminders(world: World) -> int:
    texts = [message.content.text for message in questions(world) if isinstance(message.content, Card)]
    return sum(text.startswith(REMINDER) for text in texts)


def waiting(world: World) -> list[Due]:
    return [due for due in world.store.due_rows.values() if due.kind == "remind"]


def test_nobody_is_reminded_unless_the_settings_say_so() -> None:
    world = asked(reminder=None)
    assert waiting(world) == []
    world.later(days=6)
    assert len(questions(world)) == 1


def test_what_nobody_answered_is_asked_once_more_and_then_no_more() -> None:
    world = asked()
    world.later(hours=23, minutes=59)
    assert len(questions(world)) == 1
    world.later(minutes=1)
    first, old, new = questions(world)
    assert [message.kind for message in (first, old, new)] == ["post", "edit", "post"]
    assert len({message.slot for message in (first, old, new)}) == 1
    assert buttons_of(old) == []
    assert buttons_of(new) == buttons_of(first)
    assert isinstance(old.content, Card)
    assert isinstance(new.content, Card)
    assert (old.content.decline, old.content.typing) == ((), False)
    assert new.content.text == f"{REMINDER}\n\nHow was your chat with our team?"
    assert [button.label for button in new.content.decline] == ["Not this time", "Stop asking me", "Language"]
    for _ in range(5):
        world.later(days=1)
    assert reminders(world) == 1


def test_a_reminder_is_no_second_survey() -> None:
    """It counts for no cool-down, the ledger stays as it is, and the invitation expires when it would have."""
    world = asked()
    decisions, shown = list(world.store.decisions), dict(world.store.shown)
    assert [len(each) for each in shown.values()] == [1]
    world.later(days=1)
    assert reminders(world) == 1
    assert (list(world.store.decisions), dict(world.store.shown)) == (decisions, shown)
    world.later(days=5, hours=23, minutes=50)
    assert world.conversation().status == "waiting"
    world.later(minutes=10)
    assert world.conversation().status == "expired"


def test_the_old_message_is_as_good_as_the_new_one() -> None:
    world = asked()
    token = world.button("😀").token
    world.later(days=1)
    assert reminders(world) == 1
    assert world.handle(world.tapped(token)).said.kind == "taken"
    assert world.conversation().status == "completed"


SILENT: Mapping[str, Callable[[World], object]] = {
    "answered": lambda world: world.tap("😐"),
    "answered to the end": lambda world: world.tap("😀"),
    "said something that was no answer": lambda world: world.write("Where is my parcel?"),
    "not this one": lambda world: world.write("not now"),
    "stop": lambda world: world.write("STOP"),
    "blocked": lambda world: world.handle(Left(event="left", sender=ANN, at=world.now)),
    "asked for another survey": lambda world: (world.command("feedback"), world.tap("😀")),
    "the settings remind nobody any more": lambda world: _changed(world, reminder=None),
    "the settings let invitations expire before": lambda world: _changed(world, expire_invitation=timedelta(hours=20)),
}


def _changed(world: World, **asking: object) -> None:
    world.settings = replace(world.settings, asking=replace(world.settings.asking, **asking))


@pytest.mark.parametrize("happened", SILENT.values(), ids=SILENT)
def test_nobody_is_reminded_who(happened: Callable[[World], object]) -> None:
    world = asked()
    world.later(minutes=5)
    happened(world)
    for _ in range(8):
        world.later(hours=12)
    assert reminders(world) == 0
    assert waiting(world) == []


def test_whoever_said_stop_at_another_address_is_not_reminded() -> None:
    world = asked()
    world.write("hi", BEN)
    for who in (ANN, BEN):
        world.tell(Ended(at=world.now - 30 * DAY), who, customer="C-17")
    assert len(set(world.store.homes.values())) == 1
    world.write("STOP", BEN)
    world.later(days=1)
    assert world.conversation().status == "waiting"
    assert reminders(world) == 0


def test_nobody_is_reminded_while_they_talk_with_an_agent() -> None:
    world = asked()
    world.tap("😞")
    case = world.case().id
    world.later(days=9)
    world.ask()
    world.do(case, Relay(text="We have sent you a new one."))
    world.later(days=1)
    assert world.conversation().status == "waiting"
    assert reminders(world) == 0


def test_more_time_by_the_settings_counts_for_those_asked_before() -> None:
    world = asked()
    _changed(world, reminder=2 * DAY)
    world.later(days=1)
    assert (reminders(world), [due.due_at - world.now for due in waiting(world)]) == (0, [DAY])
    world.later(days=1)
    assert (reminders(world), waiting(world)) == (1, [])


HOURS: Mapping[str, tuple[Mapping[str, object], tuple[float, ...], tuple[int, ...]]] = {
    # label: settings, hours that pass one after the other, how many reminders there are then
    "by day at once": ({}, (24,), (1,)),
    "at night when it ends": ({"reminder": timedelta(hours=13)}, (13, 9.8, 0.1), (0, 0, 1)),
    "at night, and late in the morning": ({"reminder": timedelta(hours=13)}, (13, 11), (0, 1)),
    "at night, put off for too long": (
        {"reminder": timedelta(hours=13), "defer_at_most": timedelta(hours=8)},
        (13, 10, 10),
        (0, 0, 0),
    ),
    "at night, and expired when it ends": (
        {"reminder": timedelta(hours=13), "expire_invitation": timedelta(hours=20)},
        (13, 10, 10),
        (0, 0, 0),
    ),
    "a little late": ({}, (27,), (1,)),
    "too late": ({}, (29, 24), (0, 0)),
    "at night, and too late after it": ({"reminder": timedelta(hours=13)}, (13, 16, 24), (0, 0, 0)),
    "after the invitation expired": ({"expire_invitation": timedelta(hours=25)}, (26, 24), (0, 0)),
}


@pytest.mark.parametrize(("asking", "hours", "there_are"), HOURS.values(), ids=HOURS)
def test_the_hour(asking: Mapping[str, object], hours: tuple[float, ...], there_are: tuple[int, ...]) -> None:
    world = asked(**asking)
    for passed, expected in zip(hours, there_are, strict=True):
        world.later(hours=passed)
        assert reminders(world) == expected
    world.later(days=3)
    assert (reminders(world), waiting(world)) == (there_are[-1], [])


def test_the_night_is_the_customers() -> None:
    world = World(replace(SETTINGS, asking=replace(SETTINGS.asking, reminder=timedelta(hours=8))))
    world.report(time_zone="Asia/Ho_Chi_Minh")
    world.later(minutes=10)
    # 17:10 in Greenwich is ten past midnight there
    world.later(hours=8)
    assert reminders(world) == 0
    world.later(hours=8)
    assert reminders(world) == 1


def test_an_answer_at_the_same_moment_counts_and_nothing_is_asked_again() -> None:
    world = asked()
    world.now += DAY
    tap = world.tapped(world.button("😀").token)
    world.store.meanwhile = lambda: world.handle(tap)
    world.run_dues()
    assert world.conversation().status == "completed"
    assert reminders(world) == 0


def test_what_the_customer_asked_for_is_not_repeated() -> None:
    world = World(replace(SETTINGS, asking=replace(SETTINGS.asking, reminder=DAY)))
    world.command("feedback")
    assert waiting(world) == []


HEARD = {
    # label: what is written to a reminder, and how the survey stands then
    "an answer": ("4", "completed"),
    "not now": ("Not now", "stopped"),
    "stop": ("stop", "stopped"),
}


@pytest.mark.parametrize(("words", "status"), HEARD.values(), ids=HEARD)
def test_what_is_written_to_a_reminder_is_heard(words: str, status: str) -> None:
    world = asked()
    world.later(days=1)
    assert reminders(world) == 1
    world.write(words)
    assert world.conversation().status == status
