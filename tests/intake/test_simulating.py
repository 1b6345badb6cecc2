"""A simulation with the settings in force tells what happened; with others, what would have."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.commands.asking import simulate
from bot.config import FlowAsking, Settings
from bot.conversations.dealings import Ended, Resumed, Spoke
from bot.messages import Address, ChannelName
from bot.reports.simulation import SimulationReport, simulation_text
from tests.intake.world import ANN, BEN, SETTINGS, World, at_once

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CARA = Address(channel=ChannelName("web"), key="cara")
PEOPLE = (ANN, BEN, CARA)


def simulated(world: World, other: Settings | None = None) -> SimulationReport:
    return at_once(
        simulate(world.store.ledger, other or world.settings, START - timedelta(days=1), world.now, lambda *_: None)
    )


def with_asking(**changes: Any) -> Settings:
    return replace(SETTINGS, asking=replace(SETTINGS.asking, **changes))


def rules(report: SimulationReport) -> dict[str, tuple[int, int]]:
    return {row.rule: (row.then, row.would) for row in report.rules}


@pytest.fixture
def world() -> World:
    return World()


def meet(world: World, *people: Address) -> None:
    for who in people:
        world.write("Hello", who)
    world.later(hours=2)


# ---- nothing changes ------------------------------------------------------------------------------------------

HAPPENINGS = st.one_of(
    st.tuples(st.just("ends"), st.sampled_from(PEOPLE), st.integers(0, 3), st.integers(0, 6)),
    st.tuples(st.just("resumes"), st.sampled_from(PEOPLE), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("writes"), st.sampled_from(PEOPLE), st.just(0), st.just(0)),
    st.tuples(st.just("speaks"), st.sampled_from(PEOPLE), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("answers"), st.sampled_from(PEOPLE), st.just(0), st.just(0)),
    st.tuples(st.just("stops"), st.sampled_from(PEOPLE), st.just(0), st.just(0)),
    st.tuples(st.just("waits"), st.just(ANN), st.sampled_from((5, 11, 60, 600, 3000, 12_000)), st.just(0)),
    st.tuples(st.just("sleeps"), st.just(ANN), st.sampled_from((30, 400, 2000)), st.just(0)),
)


def play(world: World, happenings: Sequence[tuple[str, Address, int, int]]) -> None:
    for what, who, number, messages in happenings:
        reference = f"{who.key}-{number}"
        match what:
            case "ends":
                flow = ("support", "stars")[number % 2]
                world.tell(Ended(at=world.now, messages=messages or None), who, reference=reference, flow=flow)
            case "resumes":
                world.tell(Resumed(at=world.now), who, reference=reference)
            case "speaks":
                world.tell(Spoke(by="customer", at=world.now), who, reference=reference)
            case "writes":
                world.write("By the way", who)
            case "answers":
                if world.buttons(who):
                    world.handle(world.tapped(world.buttons(who)[0].token, who))
            case "stops":
                world.write("STOP", who)
            case "sleeps":
                # the server is off: nothing comes due until it is on again
                world.now += timedelta(minutes=number)
            case _:
                # as the timers do, every few minutes
                until = world.now + timedelta(minutes=number)
                while (due := at_once(world.store.dues.next_due())) is not None and due <= until:
                    world.now = max(world.now, due)
                    world.run_dues()
                    world.deliver()
                world.now = until


@settings(max_examples=120, deadline=None)
@given(st.lists(HAPPENINGS, max_size=40))
def test_settings_in_force_reproduce_what_happened(happenings: list[tuple[str, Address, int, int]]) -> None:
    world = World()
    meet(world, BEN, CARA)
    play(world, happenings)
    play(world, [("waits", ANN, 1, 0)])
    report = simulated(world)
    assert {row.rule: row.would for row in report.rules} == {row.rule: row.then for row in report.rules}
    assert (report.newly_asked, report.no_longer_asked) == (0, 0)
    assert report.triggers == sum(1 for row in world.store.ledger.rows.values() if row.occasion is not None)


# ---- other settings -------------------------------------------------------------------------------------------


def month(world: World) -> None:
    """Ann's chat ends every ten days, and is asked about each time."""
    for _ in range(3):
        world.tell(Ended(at=world.now, messages=5), ANN)
        world.later(minutes=10)
        world.write("5", ANN)
        world.later(days=10)


def test_longer_cool_down_counts_what_the_simulation_asks(world: World) -> None:
    month(world)
    report = simulated(world, with_asking(cool_down=timedelta(days=15)))
    # the second is too soon after the first; the third is not, for the second was not asked
    assert rules(report) == {"nothing speaks against it": (3, 2), "cool-down": (0, 1)}
    assert (report.newly_asked, report.no_longer_asked) == (0, 1)
    (gone,) = report.no_longer_asked_examples
    assert (gone.then, gone.would) == ("nothing speaks against it", "cool-down")


def test_surveys_from_before_count_for_the_cool_down(world: World) -> None:
    month(world)
    since = START + timedelta(days=5)
    other = with_asking(cool_down=timedelta(days=15))
    report = at_once(simulate(world.store.ledger, other, since, world.now, lambda *_: None))
    assert rules(report) == {"nothing speaks against it": (2, 1), "cool-down": (0, 1)}


def test_sample_is_the_one_that_would_be_drawn(world: World) -> None:
    month(world)
    shares = [row.occasion.share for row in world.store.ledger.rows.values() if row.occasion is not None]
    sample = sorted(shares)[1]
    other = replace(SETTINGS, flow_asking={"support": FlowAsking(sample=sample)})
    assert rules(simulated(world, other)) == {"nothing speaks against it": (3, 1), "not in the sample": (0, 2)}


def test_flow_that_is_gone_asks_nobody(world: World) -> None:
    month(world)
    report = simulated(world, replace(SETTINGS, flows=SETTINGS.flows[1:]))
    assert rules(report) == {"nothing speaks against it": (3, 0), "the flow is gone": (0, 3)}


def test_who_opted_out_is_asked_under_no_settings(world: World) -> None:
    world.write("STOP", ANN)
    world.tell(Ended(at=world.now, messages=5), ANN)
    world.later(hours=1)
    # too short to be looked at any further, with the settings of then
    world.tell(Ended(at=world.now, messages=1), ANN)
    world.tell(Ended(at=world.now, messages=1), BEN)
    world.later(hours=1)
    other = with_asking(min_messages=0, cool_down=timedelta(0), quiet_from=time(0), quiet_until=time(0))
    report = simulated(world, other)
    assert rules(report) == {"opted out": (1, 2), "too few messages": (2, 0), "cannot be reached": (0, 1)}


def test_night_that_is_quiet_no_longer_asks_at_once(world: World) -> None:
    world.later(hours=14)
    world.tell(Ended(at=world.now, messages=5), ANN)
    world.later(minutes=10)
    report = simulated(world, with_asking(quiet_from=time(0), quiet_until=time(0)))
    assert rules(report) == {"quiet hours": (1, 0), "nothing speaks against it": (0, 1)}


def test_talk_that_went_on_after_the_question_cancels_one_that_is_due_later(world: World) -> None:
    world.tell(Ended(at=world.now, messages=5), ANN, reference="T-1")
    world.later(minutes=10)
    world.later(minutes=20)
    world.tell(Spoke(by="customer", at=world.now), ANN, reference="T-1")
    world.later(hours=2)
    longer = simulated(world, with_asking(delay=timedelta(minutes=31)))
    assert rules(longer) == {"nothing speaks against it": (1, 0), "the customer went on": (0, 1)}
    assert rules(simulated(world, with_asking(delay=timedelta(minutes=29)))) == {"nothing speaks against it": (1, 1)}


def test_talk_that_went_on_cancels_what_was_ruled_out_when_it_ended(world: World) -> None:
    world.tell(Ended(at=world.now, messages=1), ANN, reference="T-1")
    world.later(minutes=5)
    world.tell(Resumed(at=world.now), ANN, reference="T-1")
    world.tell(Spoke(by="customer", at=world.now), ANN, reference="T-1")
    world.later(hours=2)
    report = simulated(world, with_asking(min_messages=0))
    assert rules(report) == {"too few messages": (1, 0), "it was resumed": (0, 1)}
    assert report.newly_asked == 0


def test_ending_that_another_follows_keeps_the_rule_that_cancelled_it(world: World) -> None:
    world.tell(Ended(at=world.now, messages=5), ANN, reference="T-1")
    world.later(minutes=2)
    world.tell(Spoke(by="customer", at=world.now), ANN, reference="T-1")
    world.later(minutes=2)
    world.tell(Ended(at=world.now, messages=7), ANN, reference="T-1")
    world.later(minutes=30)
    assert rules(simulated(world)) == {"nothing speaks against it": (1, 1), "the customer went on": (1, 1)}


def test_thanks_that_went_on_before_anybody_looked_were_resumed(world: World) -> None:
    world.tell(Spoke(by="agent", at=world.now, first=True), ANN, reference="T-1")
    for wait in (30, 1):
        world.later(minutes=2)
        ended = Ended(at=world.now, messages=5, human_answered=True, started_by="customer")
        world.tell(ended, ANN, reference="T-1")
        world.later(minutes=wait)
        world.tell(Resumed(at=world.now), ANN, reference="T-1")
    world.later(hours=1)
    report = simulated(world)
    assert {row.rule: row.would for row in report.rules} == {row.rule: row.then for row in report.rules}
    assert rules(report) == {"nothing speaks against it": (1, 1), "it was resumed": (1, 1)}


def test_progress_is_told_to_the_end(world: World) -> None:
    month(world)
    told: list[tuple[int, int]] = []
    at_once(simulate(world.store.ledger, SETTINGS, START, world.now, lambda done, total: told.append((done, total))))
    assert told == [(3, 3)]


def test_nothing_told_is_told_so(world: World) -> None:
    assert simulation_text(simulated(world)).startswith("Nothing was told from ")
