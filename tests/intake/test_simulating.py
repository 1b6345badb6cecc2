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
from bot.ports import Customer, Outcome, Read, SaveCustomer
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
