"""Words of an agent that never arrive are no first word: not for the clock, and not for the figures."""

from datetime import timedelta

from bot.ids import CaseId
from bot.messages import NotDelivered, Relay, Resolve
from bot.reports.cases import messages_of
from tests.intake.world import ANN, World


def unhappy() -> tuple[World, str]:
    world = World()
    world.ask(ANN)
    world.tap("😞")
    return world, world.case().id


def replied(world: World, case: str, text: str = "Sorry!") -> str:
    """Let an agent say something, and return the slot of the message to the customer."""
    world.do(case, Relay(text=text))
    return next(message.slot for message in reversed(world.messages()) if message.slot.startswith("relay:"))


def fails(world: World, slot: str) -> None:
    event = NotDelivered(event=f"e{world.number()}", case=world.case().id, slot=slot, why="gone", at=world.now)
    world.handle(event)


def test_the_clock_runs_on_from_where_it_started() -> None:
    world, case = unhappy()
    due = world.store.due_rows[f"first_word:{case}"]
    world.later(minutes=5)
    fails(world, replied(world, case))
    now = world.case()
    assert (now.state, now.first_word_at, now.last_word_at, now.contacted_since) == ("claimed", None, None, False)
    assert now.owner is not None
    assert world.store.due_rows[due.key] == due
    world.later(hours=4)
    assert world.case().escalated == ("first_word",)


def test_of_two_the_one_that_arrived_counts() -> None:
    for lost in (0, 1):
        world, case = unhappy()
        slots, times = [], []
        for text in ("Sorry!", "We look into it."):
            world.later(minutes=5)
            slots.append(replied(world, case, text))
            times.append(world.now)
        fails(world, slots[lost])
        now, arrived = world.case(), times[1 - lost]
        assert (now.state, now.first_word_at, now.last_word_at) == ("contacted", arrived, arrived)
        fails(world, slots[1 - lost])
        assert (world.case().first_word_at, world.case().state) == (None, "claimed")


def test_what_arrived_before_it_was_reopened_stays_the_first_word_but_stops_no_clock() -> None:
    world, case = unhappy()
    replied(world, case)
    first = world.now
    world.do(case, Resolve(cause="other", action="x"))
    world.later(hours=24)
    world.tap("Not yet")
    fails(world, replied(world, case, "Again, sorry"))
    assert (world.case().state, world.case().first_word_at) == ("reopened", first)
    assert f"first_word:{case}" in world.store.due_rows


def test_of_a_resolved_case_only_the_figure_goes_back() -> None:
    world, case = unhappy()
    slot = replied(world, case)
    world.do(case, Resolve(cause="other", action="x"))
    fails(world, slot)
    assert (world.case().state, world.case().first_word_at) == ("resolved", None)
    assert f"first_word:{case}" not in world.store.due_rows


def test_words_of_long_ago_that_fail_late_change_nothing() -> None:
    world, case = unhappy()
    slots = []
    for number in range(22):
        world.now += timedelta(seconds=1)
        slots.append(replied(world, case, str(number)))
    before = world.case()
    fails(world, slots[0])
    assert world.case() == before
    for slot in slots[2:]:
        fails(world, slot)
    assert (world.case().first_word_at, world.case().state) == (before.first_word_at, "contacted")


def test_words_that_are_late_are_told_of_once_and_taken_back_only_when_they_are_lost() -> None:
    world, case = unhappy()
    world.later(minutes=5)
    slot = replied(world, case)
    before, notes = world.case(), world.notes()
    late = NotDelivered(event="late:1", case=world.case().id, slot=slot, why="not_tried", at=world.now, yet=True)
    for _ in range(2):
        world.handle(late)
    assert (world.case(), world.notes()) == (before, notes)
    assert [remark.text for remark in world.thread(case)] == [
        "Sorry!",
        "The answer has not reached the customer yet: it waits for its turn. "
        "We keep trying, and say so here if it never does.",
    ]
    fails(world, slot)
    assert world.case().first_word_at is None
    assert "did not reach" in world.thread(case)[-1].text


async def test_what_agents_said_is_kept_in_whole_with_what_did_not_arrive() -> None:
    world, case = unhappy()
    long = "We are sorry. " * 60
    slot = replied(world, case, long)
    world.later(minutes=1)
    world.write("And now?")
    replied(world, case, "It is on its way.")
    fails(world, slot)
    view = await world.store.cases.view(CaseId(case))
    assert view is not None
    assert [(each.text, each.lost) for each in view.replies] == [(long.strip(), True), ("It is on its way.", False)]
    assert [(each.by, each.name, each.delivered) for each in messages_of(view)] == [
        ("agent", "U1", False),
        ("customer", None, True),
        ("agent", "U1", True),
    ]


def test_what_the_customer_writes_after_not_yet_is_an_answer() -> None:
    world, case = unhappy()
    world.do(case, Resolve(cause="other", action="x"))
    world.later(hours=24)
    world.tap("Not yet")
    world.write("It is still broken")
    assert world.notes(case)[-1] == "answered"
