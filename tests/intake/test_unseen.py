"""Words that must not reach the customer, and words that nobody could see."""

import pytest

from bot.intake.unseen import is_blank, is_internal
from bot.messages import Address, Assign, ChannelName, Deed, Left, Relay, Resolve
from tests.intake.test_follow_up_story import MAI, NAM, talking
from tests.intake.world import ANN

LAN = Address(channel=ChannelName("api"), key="lan")
# label: what an agent wrote, and whether it stays among the agents
WRITTEN: dict[str, tuple[str, bool]] = {
    "two slashes": ("// he called before", True),
    "close by": ("//careful", True),
    "behind white space": (" \t\n // x", True),
    "behind a zero width space": ("\u200b// x", True),
    "behind a byte order mark": ("\ufeff// x", True),
    "behind a word joiner": ("\u2060// x", True),
    "with something unseen between": ("/\u200b/ x", True),
    "full width": ("\uff0f\uff0f x", True),
    "full width and plain": ("\uff0f/ x", True),
    "bold": ("*// x*", True),
    "bold slashes": (" *//* x", True),
    "italic": ("_// x_", True),
    "struck": ("~// x~", True),
    "code": ("`// x`", True),
    "a block of code": ("```\n// x\n```", True),
    "quoted": ("> // x", True),
    "an item of a list": ("• // x", True),
    "one slash": ("/ x", False),
    "a command": ("/feedback", False),
    "in the middle": ("See // below", False),
    "an address": ("https://example.org", False),
    "nothing": ("", False),
    "marks alone": ("*_~", False),
}


@pytest.mark.parametrize(("text", "internal"), WRITTEN.values(), ids=WRITTEN)
def test_what_stays_among_the_agents(text: str, internal: bool) -> None:
    assert is_internal(text) == internal


@pytest.mark.parametrize("agent", [NAM, LAN], ids=["a form", "the API"])
@pytest.mark.parametrize("text", [text for text, internal in WRITTEN.values() if internal])
def test_it_is_refused_wherever_it_was_written(text: str, agent: Address) -> None:
    world, case = talking()
    before = len(world.store.queue)
    outcome = world.do(case, Relay(text=text), agent)
    assert (outcome.said.kind, outcome.writes) == ("kept_internal", ())
    assert world.say_in_thread(case, text).said.kind == "kept_internal"
    assert len(world.store.queue) == before


@pytest.mark.parametrize("text", ["\u200b", " \u2060\ufeff ", "\u3164", "\u2800", "\ufe0f", "\u00ad\u200d"])
def test_nothing_that_can_be_seen_is_nothing(text: str) -> None:
    assert is_blank(text)
    world, case = talking()
    deeds: dict[str, Deed] = {
        "text": Relay(text=text),
        "action": Resolve(cause="product", action=text),
        "to": Assign(to=NAM, to_name=text),
    }
    for field, deed in deeds.items():
        outcome = world.do(case, deed)
        assert (outcome.said.kind, outcome.said.text, outcome.writes) == ("empty", field, ())


@pytest.mark.parametrize("text", ["👍", "\u200bx", "ا\u200c", "…"])
def test_what_can_be_seen_is_something(text: str) -> None:
    assert not is_blank(text)


@pytest.mark.parametrize("from_thread", [True, False])
def test_that_a_customer_cannot_be_written_to_stands_in_the_thread(from_thread: bool) -> None:
    world, case = talking()
    world.handle(Left(event="left", sender=ANN, at=world.now))
    before = world.case(case)
    if from_thread:
        said = world.say_in_thread(case, "Are you there?").said
    else:
        said = world.do(case, Relay(text="Are you there?"), NAM).said
    assert said.kind == "unreachable"
    told = world.thread(case)[-1]
    assert (told.text, told.author) == (
        "The answer did not reach the customer: they cannot be written to any more",
        "",
    )
    assert world.notes()[-1] == "undelivered"
    assert world.case(case) == before
    assert before.owner == MAI
