"""What tellings mean for a dealing: told again, in the wrong order, against each other, with times and without."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.conversations.dealings import (
    Author,
    Beside,
    Dealing,
    Ended,
    Happening,
    Heard,
    Meaning,
    Resumed,
    Spoke,
    hear,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def ended(hours: float | None = None, **told: object) -> Ended:
    return Ended(at=None if hours is None else at(hours), **told)  # type: ignore[arg-type]


def resumed(hours: float | None = None) -> Resumed:
    return Resumed(at=None if hours is None else at(hours))


def spoke(by: Author, hours: float | None = None, *, first: bool = False) -> Spoke:
    return Spoke(by=by, at=None if hours is None else at(hours), first=first)


@dataclass(frozen=True)
class Shown:
    """In place of a telling: a survey about the newest ending is shown."""


#: hours after noon, what is told then
Story = list[tuple[float, Happening | Shown]]


def listen(story: Story) -> list[Heard]:
    dealing, told = Dealing(), []
    for hours, happening in story:
        if isinstance(happening, Shown):
            dealing = replace(dealing, asked_ending=dealing.endings, asked_at=at(hours))
            continue
        heard = hear(dealing, happening, at(hours))
        dealing = heard.dealing
        told.append(heard)
    return told


SHOWN = Shown()
DAYS = 24.0

# label: what is told, what each telling means
STORIES: dict[str, tuple[Story, list[Meaning]]] = {
    "closed": ([(0, ended(0))], ["ended"]),
    "something else": ([(0, Beside(kind="label_changed"))], ["noted"]),
    # told again
    "redelivered at once": ([(0, ended(0)), (0, ended(0))], ["ended", "ended before"]),
    "redelivered two days later": ([(0, ended(0)), (48, ended(0))], ["ended", "ended before"]),
    "one closing by two events": ([(0, ended(0)), (0.01, ended(0.001))], ["ended", "ended before"]),
    "redelivered after the reopening": (
        [(0, ended(0)), (1, resumed(1)), (1.1, ended(0))],
        ["ended", "resumed", "ended before"],
    ),
    "one closing by two events, the second after the reopening": (
        [(0, ended(0)), (0.5, resumed(0.5)), (0.6, ended(0.01))],
        ["ended", "resumed", "ended before"],
    ),
    "the reopening redelivered after the second closing": (
        [(0, ended(0)), (1, resumed(1)), (2, ended(2)), (2.1, resumed(1))],
        ["ended", "resumed", "ended", "noted"],
    ),
    "the first closing redelivered after the second": (
        [(0, ended(0)), (1, resumed(1)), (2, ended(2)), (2.1, ended(0))],
        ["ended", "resumed", "ended", "ended before"],
    ),
    # in the wrong order
    "the reopening arrives before the closing": (
        [(2, resumed(1)), (2.1, ended(0))],
        ["noted", "resumed since"],
    ),
    "the customer's words arrive before the closing": (
        [(2, spoke("customer", 1)), (2.1, ended(0)), (5, ended(5))],
        ["noted", "resumed since", "ended"],
    ),
    "that, told again": ([(2, resumed(1)), (2.1, ended(0)), (3, ended(0))], ["noted", "resumed since", "ended before"]),
    "that, and closed at last": (
        [(2, resumed(1)), (2.1, ended(0)), (5, ended(5))],
        ["noted", "resumed since", "ended"],
    ),
    "opened long ago, told late": ([(0, ended(0)), (1, resumed(-1))], ["ended", "noted"]),
    "words from before the end, told late": ([(0, ended(0)), (0.1, spoke("customer", -0.1))], ["ended", "noted"]),
    "the second closing arrives first": (
        [(3, ended(2)), (3.1, ended(0)), (3.2, resumed(1))],
        ["ended", "ended before", "noted"],
    ),
    # reopenings
    "reopened and closed again": (
        [(0, ended(0)), (1, resumed(1)), (2, ended(2))],
        ["ended", "resumed", "ended"],
    ),
    "reopened and closed again within minutes": (
        [(0, ended(0)), (0.1, resumed(0.1)), (0.2, ended(0.2))],
        ["ended", "resumed", "ended"],
    ),
    "reopened twice": ([(0, ended(0)), (1, resumed(1)), (2, resumed(2))], ["ended", "resumed", "noted"]),
    "the customer writes": ([(0, ended(0)), (0.1, spoke("customer", 0.1))], ["ended", "customer went on"]),
    "the customer writes, and it is opened": (
        [(0, ended(0)), (0.1, spoke("customer", 0.1)), (0.1, resumed(0.1))],
        ["ended", "customer went on", "noted"],
    ),
    "an agent writes after the end": ([(0, ended(0)), (0.1, spoke("agent", 0.1))], ["ended", "noted"]),
    "a bot writes after the end": ([(0, ended(0)), (0.1, spoke("bot", 0.1))], ["ended", "noted"]),
    "closed again without a word of a reopening": ([(0, ended(0)), (2, ended(2))], ["ended", "ended before"]),
    "closed again days later without a word": (
        [(0, ended(0)), (4 * DAYS, ended(4 * DAYS)), (6 * DAYS, ended())],
        ["ended", "ended before", "ended before"],
    ),
    "an agent writes after the end, and closes it again": (
        [(0, ended(0)), (5, spoke("agent", 5)), (6, ended(6))],
        ["ended", "noted", "ended"],
    ),
    "closed twice, and the words between come last": (
        [(0.1, ended(0)), (0.1, ended(0.1)), (0.2, spoke("customer", 0.05))],
        ["ended", "ended before", "noted"],
    ),
    "closed twice, and then opened": (
        [(0.1, ended(0)), (0.1, ended(0.1)), (0.3, resumed(0.2)), (0.5, ended(0.5))],
        ["ended", "ended before", "resumed", "ended"],
    ),
    # without times
    "without times": ([(0, ended()), (1, resumed()), (2, ended())], ["ended", "resumed", "ended"]),
    "without times, told again": (
        [(0, ended()), (0, ended()), (48, ended())],
        ["ended", "ended before", "ended before"],
    ),
    "without times, by words": (
        [(0, ended()), (1, spoke("customer")), (2, ended()), (2, ended())],
        ["ended", "customer went on", "ended", "ended before"],
    ),
    "without times, in the same moment": (
        [(0, ended()), (0, resumed()), (0, ended())],
        ["ended", "resumed", "ended"],
    ),
    # one thread for all that is ever said with a person
    "one thread, closed weeks apart": (
        [(0, ended(0)), (14 * DAYS, ended(14 * DAYS)), (40 * DAYS, ended(40 * DAYS))],
        ["ended", "ended", "ended"],
    ),
    "one thread, closed weeks apart, without times": (
        [(0, ended()), (14 * DAYS, ended()), (40 * DAYS, ended())],
        ["ended", "ended", "ended"],
    ),
    # silence
    "closed after it fell idle": (
        [(0, ended(by_silence=True)), (20, ended(20))],
        ["ended", "ended before"],
    ),
    "it had only fallen silent: an agent writes": (
        [(0, ended(by_silence=True)), (0.1, spoke("agent", 0.1)), (1, ended(1))],
        ["ended", "resumed", "ended"],
    ),
    "it had only fallen silent: the customer writes": (
        [(0, ended(by_silence=True)), (0.1, spoke("customer", 0.1)), (1, ended(1))],
        ["ended", "customer went on", "ended"],
    ),
    # clocks
    "the reporter's clock is ahead": (
        [(0, ended(1)), (0.1, resumed(1.1)), (0.2, ended(1.2))],
        ["ended", "resumed", "ended"],
    ),
    "the reporter's clock is ahead, told again": ([(0, ended(1)), (0.9, ended(1))], ["ended", "ended before"]),
    "our clock was put back by a day": (
        [(24, ended(24)), (0.1, resumed(24.1)), (0.2, spoke("agent")), (0.3, ended(0.3)), (0.4, ended(0.3))],
        ["ended", "resumed", "noted", "ended", "ended before"],
    ),
    "our clock was put back by a day, and the customer went on": (
        [(24, ended()), (0.1, spoke("customer", 0.1))],
        ["ended", "customer went on"],
    ),
    "our clock was put back while it was open": (
        [(23, ended()), (24, resumed()), (0, spoke("customer")), (0.1, ended())],
        ["ended", "resumed", "noted", "ended"],
    ),
    "our clock ran ahead": (
        [(0, ended(0)), (400 * DAYS, resumed(1)), (400 * DAYS, ended(2))],
        ["ended", "resumed", "ended"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("story", "meant"), STORIES.values(), ids=STORIES)
def test_what_is_told_means(story: Story, meant: list[Meaning]) -> None:
    heard = listen(story)
    assert [each.meaning for each in heard] == meant
    endings = sum(meaning in ("ended", "resumed since") for meaning in meant)
    assert heard[-1].dealing.endings == endings


# label: what is told, whether the last ending is a mere thank-you
THANKS: dict[str, tuple[Story, bool]] = {
    "thanks after the survey": (
        [(0, spoke("agent", 0)), (1, ended(1)), (1.2, SHOWN), (2, spoke("customer", 2)), (2.1, ended(2.1))],
        True,
    ),
    "thanks within the delay: nobody was asked": (
        [(0, spoke("agent", 0)), (1, ended(1)), (1.1, spoke("customer", 1.1)), (1.2, ended(1.2))],
        False,
    ),
    "thanks, and the agent answers": (
        [
            (0, spoke("agent", 0)), (1, ended(1)), (1.2, SHOWN),
            (2, spoke("customer", 2)), (2.1, spoke("agent", 2.1)), (2.2, ended(2.2)),
        ],
        False,
    ),
    "the agent said goodbye before the survey": (
        [
            (0, spoke("agent", 0)), (1, ended(1)), (1.1, spoke("agent", 1.1)), (1.2, SHOWN),
            (2, spoke("customer", 2)), (2.1, ended(2.1)),
        ],
        True,
    ),
    "an answered question whose own survey was cancelled by thanks": (
        [
            (0, spoke("agent", 0)), (1, ended(1)), (1.2, SHOWN),
            (2, spoke("customer", 2)), (2.1, spoke("agent", 2.1)), (2.2, ended(2.2)),
            (2.3, spoke("customer", 2.3)), (2.4, ended(2.4)),
        ],
        False,
    ),
    "a bot thanks back": (
        [
            (0, spoke("agent", 0)), (1, ended(1)), (1.2, SHOWN),
            (2, spoke("customer", 2)), (2.1, spoke("bot", 2.1)), (2.2, ended(2.2)),
        ],
        True,
    ),
    "nobody tells of words": ([(1, ended(1)), (1.2, SHOWN), (2, resumed(2)), (3, ended(3))], False),
    "only the customer's words are told, and that a human answered": (
        [(0, spoke("customer", 0)), (1, ended(1)), (1.2, SHOWN), (2, spoke("customer", 2)),
         (3, ended(3, human_answered=True))],
        False,
    ),
    "only a bot ever answered": (
        [(0, spoke("bot", 0)), (1, ended(1)), (1.2, SHOWN), (2, spoke("customer", 2)), (3, ended(3))],
        True,
    ),
    "only the customer's words are told": (
        [(0, spoke("customer", 0)), (1, ended(1)), (1.2, SHOWN), (2, spoke("customer", 2)), (3, ended(3))],
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("story", "thanks"), THANKS.values(), ids=THANKS)
def test_a_mere_thank_you(story: Story, thanks: bool) -> None:
    heard = listen(story)[-1]
    assert (heard.meaning, heard.mere_thanks) == ("ended", thanks)


# label: what is told, then of the talk: its number, how many words, whether a human answered, who began it
TALKS: dict[str, tuple[Story, tuple[int, int, bool, Author | None]]] = {
    "a talk": (
        [(0, spoke("customer", 0, first=True)), (0.1, spoke("agent", 0.1)), (1, ended(1))],
        (0, 2, True, "customer"),
    ),
    "told in the wrong order": (
        [(0.2, spoke("agent", 0.1)), (0.3, spoke("customer", 0, first=True)), (1, ended(1))],
        (0, 2, True, "customer"),
    ),
    "an agent began it": ([(0, spoke("agent", 0, first=True))], (0, 1, True, "agent")),
    "the reporter knows who began it": ([(0, spoke("agent", 0)), (1, ended(1, started_by="bot"))], (0, 1, True, "bot")),
    "it goes on the same day": (
        [(0, spoke("agent", 0, first=True)), (1, ended(1)), (3, spoke("customer", 3))],
        (0, 2, True, "agent"),
    ),
    "another talk a week later": (
        [
            (0, spoke("customer", 0, first=True)), (0.1, spoke("agent", 0.1)), (1, ended(1)),
            (170, spoke("customer", 170)), (171, ended(171)),
        ],
        (1, 1, False, "customer"),
    ),
    "another talk, begun by an agent": (
        [
            (0, spoke("customer", 0, first=True)), (1, ended(1)),
            (170, spoke("agent", 170)), (170.1, spoke("customer", 170.1)), (171, ended(171)),
        ],
        (1, 2, True, "agent"),
    ),
    "an agent answers within seconds": (
        [(0, spoke("customer", 0, first=True)), (0.001, spoke("agent", 0.001, first=True))],
        (0, 2, True, "customer"),
    ),
    "that, told in the wrong order": (
        [(0.001, spoke("agent", 0.001, first=True)), (0.002, spoke("customer", 0, first=True))],
        (0, 2, True, "customer"),
    ),
    "another talk: the agent's answer is told before the words that opened it": (
        [
            (0, spoke("customer", 0, first=True)), (1, ended(1)), (170.2, resumed(170)),
            (170.2, spoke("agent", 170.1)), (170.3, spoke("customer", 170)), (171, ended(171)),
        ],
        (1, 2, True, "customer"),
    ),
    "another talk: opened, and only an agent's words are told": (
        [(0, spoke("customer", 0, first=True)), (1, ended(1)), (170, resumed(170)), (171, spoke("agent", 171))],
        (1, 1, True, None),
    ),
    "another talk after it was opened": (
        [(0, spoke("agent", 0)), (1, ended(1)), (170, resumed(170)), (170, spoke("customer", 170))],
        (1, 1, False, "customer"),
    ),
    "closed weeks later without a word": (
        [(0, spoke("agent", 0)), (1, ended(1)), (170, ended(170))],
        (1, 0, False, None),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("story", "talk"), TALKS.values(), ids=TALKS)
def test_a_talk_of_a_long_thread(story: Story, talk: tuple[int, int, bool, Author | None]) -> None:
    dealing = listen(story)[-1].dealing
    assert (dealing.talk, dealing.heard, dealing.human_answered, dealing.started_by) == talk


# ---- whatever order they come in ---------------------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> list[Happening]:
    """What really happened, in its order: closings and reopenings hours apart, and words between them."""
    hours, told = 0.0, list[Happening]()
    for _ in range(draw(st.integers(1, 4))):
        hours += draw(st.sampled_from((1.5, 5.0, 30.0)))
        told.append(ended(hours))
        hours += draw(st.sampled_from((1.5, 5.0, 30.0)))
        told.append(resumed(hours) if draw(st.booleans()) else spoke("customer", hours))
    if draw(st.booleans()):
        told.append(ended(hours + 2))
    return told


@given(story=histories(), seed=st.integers(0, 1_000))
def test_the_end_is_the_same_in_whatever_order_it_is_told(story: list[Happening], seed: int) -> None:
    """All is told after it happened, each several times; whether it is closed, and since when, is what it came to."""
    chance = random.Random(seed)
    muddled = story * 2
    chance.shuffle(muddled)
    in_order, muddle = Dealing(), Dealing()
    for happening in story:
        in_order = hear(in_order, happening, at(1_000)).dealing
    for happening in muddled:
        muddle = hear(muddle, happening, at(1_000)).dealing
    assert muddle.is_open == in_order.is_open
    if not in_order.is_open:
        assert muddle.ended_at == in_order.ended_at


@given(story=histories(), again=st.lists(st.integers(0, 8), max_size=10))
def test_what_is_told_again_is_no_new_ending(story: list[Happening], again: list[int]) -> None:
    dealing = Dealing()
    for place, happening in enumerate(story):
        dealing = hear(dealing, happening, at(1_000)).dealing
        for back in again:
            repeated = hear(dealing, story[max(place - back, 0)], at(1_000))
            assert repeated.meaning in ("ended before", "noted")
            dealing = repeated.dealing
    assert dealing.endings == sum(isinstance(each, Ended) for each in story)


@given(
    told=st.lists(
        st.tuples(
            st.floats(-50, 50),
            st.one_of(
                st.builds(ended, st.none() | st.floats(-50, 50), by_silence=st.booleans()),
                st.builds(resumed, st.none() | st.floats(-50, 50)),
                st.builds(spoke, st.sampled_from(("customer", "agent", "bot")), st.none() | st.floats(-50, 50)),
            ),
        ),
        max_size=20,
    )
)
def test_whatever_clocks_do_nothing_is_known_of_the_future(told: list[tuple[float, Happening]]) -> None:
    dealing = Dealing()
    for hours, happening in told:
        heard = hear(dealing, happening, at(hours))
        assert heard.dealing.endings - dealing.endings == (heard.meaning in ("ended", "resumed since"))
        if heard.meaning in ("ended", "resumed", "customer went on"):
            assert heard.dealing.is_open == (heard.meaning != "ended")
        dealing = heard.dealing
        for time in (dealing.ended_at, dealing.resumed_at):
            assert time is None or time <= at(hours) + timedelta(microseconds=len(told))
