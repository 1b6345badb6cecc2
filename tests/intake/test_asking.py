"""From a reported interaction to the question: once, after the delay, at a good hour; and how silence ends it."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.config import AskingSettings
from bot.conversations.dealings import Ended
from bot.conversations.flow import Flow, pin
from bot.conversations.questions import AttributeIs, Rating
from bot.messages import Card, Commanded
from bot.ports import Due
from tests.intake.world import ANN, BEN, SETTINGS, World, at_once


def decisions(world: World) -> list[tuple[str, str]]:
    """What stands about each trigger."""
    return [(decision.verdict, decision.rule) for decision in world.store.decisions]


def steps(world: World) -> list[str]:
    """The rules about the newest trigger, the last one in force."""
    decision = world.decision()
    return [*(step.rule for step in decision.steps), decision.rule]


def test_asked_after_the_delay() -> None:
    world = World()
    outcome = world.report(ANN, attributes={"agent": "Minh"})
    assert outcome.said.kind == "deferred"
    assert list(world.store.interactions) == [outcome.ref]
    world.later(minutes=9)
    assert world.messages() == []
    world.later(minutes=1)
    (message,) = world.messages()
    assert isinstance(message.content, Card)
    assert message.content.text.endswith("How was your chat with Minh?")
    assert decisions(world) == [("asked", "nothing speaks against it")]
    assert steps(world) == ["delay", "nothing speaks against it"]
    assert world.decision().conversation == world.conversation().id
    assert world.conversation().interaction == outcome.ref
    assert list(world.store.due_rows) == [f"expire:{world.conversation().id}"]


def test_a_closing_reported_twice_asks_once() -> None:
    world = World()
    first = world.report(ANN, reference="ticket-1")
    again = world.report(ANN, reference="ticket-1")
    assert (again.said.kind, again.said.text, again.ref) == ("not_asked", "reported before", first.ref)
    world.later(minutes=10)
    world.report(ANN, reference="ticket-1")
    world.later(minutes=10)
    assert len(world.messages()) == 1
    assert decisions(world) == [("asked", "nothing speaks against it")]
    assert world.decision().repeats == 2


def test_a_closing_reported_twice_at_once_asks_once() -> None:
    world = World()
    world.store.meanwhile = lambda: world.report(ANN, reference="ticket-1")
    world.report(ANN, reference="ticket-1")
    assert len(world.store.interactions) == 1
    assert [due.kind for due in world.store.due_rows.values()] == ["ask"]


def test_a_late_report_is_asked_soon() -> None:
    """Not at once: after an outage its reopening may be told a moment later."""
    world = World()
    world.tell(Ended(at=world.now - timedelta(days=2)))
    (due,) = world.store.due_rows.values()
    assert (due.kind, due.due_at) == ("ask", world.now + timedelta(minutes=2))
    world.later(minutes=2)
    assert world.verdict() == ("asked", "nothing speaks against it")


def test_what_a_reporter_tells_of_the_customer_is_kept() -> None:
    world = World()
    world.report(ANN, name="Ann", locale="vi", time_zone="Asia/Ho_Chi_Minh", customer="c-1")
    world.report(ANN, name="Ann Lee")
    (customer,) = world.store.customers.values()
    assert (customer.name, customer.locale, customer.time_zone, customer.reference) == (
        "Ann Lee",
        "vi",
        "Asia/Ho_Chi_Minh",
        "c-1",
    )


def test_the_survey_is_in_the_customers_language() -> None:
    world = World()
    world.report(ANN, locale="pl-PL")
    world.later(minutes=10)
    assert world.conversation().locale == "pl"


def test_who_never_wrote_to_a_telegram_bot_cannot_be_asked() -> None:
    world = World()
    world.ask(BEN)
    assert decisions(world)[-1] == ("not asked", "cannot be reached")
    world.write("hello", BEN)
    world.ask(BEN)
    assert decisions(world)[-1] == ("asked", "nothing speaks against it")


def test_a_telegram_group_in_which_the_bot_is_may_be_asked() -> None:
    group = replace(BEN, key="-100/5512")
    world = World()
    world.ask(group)
    assert decisions(world)[-1] == ("asked", "nothing speaks against it")


def test_a_channel_that_is_no_more_cannot_be_reached() -> None:
    world = World()
    world.report(ANN)
    world.settings = replace(SETTINGS, channels=SETTINGS.channels[1:])
    world.later(minutes=10)
    assert decisions(world)[-1] == ("not asked", "cannot be reached")


def test_at_night_the_question_waits_for_the_morning() -> None:
    world = World()
    world.now = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
    world.ask(ANN)
    assert decisions(world)[-1] == ("deferred", "quiet hours")
    assert [due.due_at for due in world.store.due_rows.values()] == [datetime(2026, 3, 3, 8, 0, tzinfo=UTC)]
    world.later(hours=9, minutes=49)
    assert world.messages() == []
    world.later(minutes=1)
    assert len(world.messages()) == 1


def test_a_long_delay_does_not_use_up_the_time_to_defer() -> None:
    """What may be deferred is counted from when the question was due, not from the closing."""
    world = World(replace(SETTINGS, asking=AskingSettings(delay=timedelta(hours=20))))
    world.now = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    world.report(ANN)
    world.later(hours=20)
    assert decisions(world)[-1] == ("deferred", "quiet hours")


def test_a_deferral_that_would_last_too_long_is_dropped() -> None:
    world = World(replace(SETTINGS, asking=AskingSettings(defer_at_most=timedelta(hours=8))))
    world.now = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
    world.ask(ANN)
    assert decisions(world)[-1] == ("not asked", "quiet hours for too long")
    assert world.store.due_rows == {}


def test_one_survey_at_a_time_and_then_the_cool_down() -> None:
    world = World()
    world.ask(ANN)
    world.ask(ANN)
    assert decisions(world)[-1] == ("not asked", "a survey is under way")
    world.tap("😀")
    world.ask(ANN)
    assert decisions(world)[-1] == ("not asked", "cool-down")
    world.later(days=7)
    world.ask(ANN)
    assert decisions(world)[-1] == ("asked", "nothing speaks against it")


def test_who_opted_out_is_not_asked() -> None:
    world = World()
    world.report(ANN)
    world.write("stop")
    world.later(minutes=10)
    assert decisions(world)[-1] == ("not asked", "opted out")


def test_a_flow_that_is_gone_leaves_a_decision() -> None:
    world = World()
    world.report(ANN, flow="gone")
    world.later(minutes=10)
    assert decisions(world)[-1] == ("not asked", "the flow is gone")
    assert world.store.due_rows == {}


def test_a_customer_who_is_gone_leaves_a_decision() -> None:
    world = World()
    world.report(ANN)
    world.store.homes.clear()
    world.later(minutes=10)
    assert decisions(world)[-1] == ("not asked", "the customer is gone")


def test_a_flow_without_a_fitting_question_asks_nothing() -> None:
    """Else the customer would be thanked for nothing."""
    never = AttributeIs(name="channel", values=("slack",))
    rating = Rating(id="score", text={"en": "?"}, scale="nps", when=never)
    flow = pin(Flow(id="picky", title={"en": "Picky"}, locales=("en",), questions=(rating,)))
    world = World(replace(SETTINGS, flows=(flow,)))
    world.ask(ANN, "picky")
    assert decisions(world)[-1] == ("not asked", "no question fits")
    assert (world.messages(), world.store.conversations, world.store.shown) == ([], {}, {})


def test_two_loops_that_see_the_same_due_row_ask_once() -> None:
    world = World()
    world.report(ANN)
    world.now += timedelta(minutes=10)
    world.store.meanwhile = world.run_dues
    world.run_dues()
    assert len(world.messages()) == 1


def test_a_due_row_that_was_moved_does_nothing_yet() -> None:
    world = World()
    world.report(ANN)
    (due,) = world.store.due_rows.values()
    world.store.due_rows[due.key] = replace(due, due_at=world.now + timedelta(hours=1))
    world.now += timedelta(minutes=10)
    outcome = at_once(world.intake.come_due(due))
    assert outcome.writes == ()


@pytest.mark.parametrize("kind", ["ask", "expire", "alert"])
def test_a_due_row_of_something_that_is_gone_is_settled(kind: str) -> None:
    world = World()
    due = Due(key=f"{kind}:gone", kind=kind, ref="gone", due_at=world.now)  # type: ignore[arg-type]
    world.store.due_rows[due.key] = due
    world.run_dues()
    assert world.store.due_rows == {}


# ---- expiry -------------------------------------------------------------------------------------------------


def test_an_invitation_waits_a_week() -> None:
    world = World()
    world.ask(ANN)
    world.later(days=1)
    world.later(days=5, hours=23)
    assert world.conversation().status == "waiting"
    world.later(hours=1)
    assert world.conversation().status == "expired"
    assert world.store.due_rows == {}
    (message,) = world.screen().values()
    assert isinstance(message.content, Card)
    assert message.content.buttons == ()


def test_a_survey_under_way_expires_after_a_day_without_a_word() -> None:
    world = World()
    world.ask(ANN)
    world.later(hours=23)
    world.tap("😞")
    world.later(hours=2)
    assert world.conversation().status == "waiting"
    world.later(hours=21)
    assert world.conversation().status == "waiting"
    world.later(hours=1)
    assert world.conversation().status == "expired"
    assert world.store.answers[world.conversation().id, "score"].score == 1


def test_a_tap_while_the_survey_expires_is_told_that_it_is_closed() -> None:
    world = World()
    world.ask(ANN)
    world.later(days=6, hours=23)
    tap = world.tapped(world.button("😀").token)
    world.store.meanwhile = lambda: world.later(hours=1)
    assert world.handle(tap).said.kind == "closed"
    assert world.store.answers == {}


def test_commands_ask_at_once_whatever_the_rules() -> None:
    world = World()
    world.now = world.now.replace(hour=23)
    for _ in range(2):
        event = Commanded(event=f"e{world.number()}", sender=ANN, command="feedback", at=world.now)
        assert world.handle(event).said.kind == "asked"
        world.later(minutes=2)
    assert [each.status for each in world.store.conversations.values()] == ["expired", "waiting"]
    assert decisions(world) == [("asked", "the customer wanted to")] * 2


def test_a_command_repeated_at_once_asks_once_and_says_why() -> None:
    world = World()
    for _ in range(10):
        assert world.command("feedback").said.kind == "asked"
    assert len(world.store.conversations) == 1
    assert decisions(world) == [("asked", "the customer wanted to")] + [("not asked", "asked a moment ago")] * 9
    world.tap("😞")
    world.command("feedback")
    assert len(world.store.conversations) == 2, "what was answered is another matter"
