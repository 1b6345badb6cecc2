"""A webhook's word about who somebody is: it leads to customers, and proves nothing unless the settings say so."""

from typing import Any

import pytest

from bot.conversations.dealings import Ended, Resumed
from bot.messages import Address, ChannelName
from bot.ports import Customer
from tests.intake.world import ANN, BEN, World

HERS, STRANGE = ANN, Address(channel=ChannelName("slack"), key="U666")


def webhook(world: World, who: Address | None = STRANGE, **told: Any) -> None:
    """What a trigger tells whose word proves nothing."""
    world.tell(None, who, trigger="helpdesk", source="desk", proves=False, **told)


def at(world: World, where: Address) -> Customer:
    return world.store.customers[world.store.homes[where]]


@pytest.fixture
def known() -> World:
    """A customer whom the company proved to be C-1, and who opted out."""
    world = World()
    world.report(HERS, customer="C-1", name="Ann")
    world.write("stop", HERS)
    return world


@pytest.mark.parametrize("met", [False, True], ids=["nobody knows the address", "somebody is known there"])
def test_a_strangers_address_with_a_customers_reference_is_not_theirs(known: World, met: bool) -> None:
    if met:
        known.write("hi", STRANGE)
    webhook(known, customer="C-1", name="Mallory")
    known.write("start", STRANGE)
    assert known.store.homes[STRANGE] != known.store.homes[HERS]
    assert (at(known, HERS).name, at(known, HERS).opted_out_at is None) == ("Ann", False)
    assert at(known, STRANGE).reference is None
    assert known.decision().inputs["not_believed"] == "C-1"
    assert known.decision().known_as is None


def test_an_address_that_is_proven_keeps_its_customer(known: World) -> None:
    known.report(STRANGE, customer="C-2")
    webhook(known, customer="C-1")
    assert at(known, STRANGE).reference == "C-2"
    assert {**known.decision().inputs, "until": ""} == {"until": "", "also_of": "C-2", "not_believed": "C-1"}


def test_a_reference_alone_leads_to_the_customer_and_renames_nobody(known: World) -> None:
    webhook(known, None, customer="C-1", name="Mallory")
    assert known.decision().address == HERS
    assert "not_believed" not in known.decision().inputs
    assert at(known, HERS).name == "Ann"


def test_an_address_that_nobody_can_write_to_leads_nowhere_where_the_reference_does(known: World) -> None:
    webhook(known, BEN, customer="C-1")
    assert known.decision().address == HERS
    assert BEN not in known.store.homes


def test_who_has_no_reference_is_known_by_the_one_that_is_claimed() -> None:
    world = World()
    webhook(world, customer="C-1", name="Lan")
    assert (at(world, STRANGE).reference, at(world, STRANGE).reference_claimed) == ("C-1", True)
    assert at(world, STRANGE).name == "Lan"
    webhook(world, None, customer="C-1")
    assert world.decision().address == STRANGE


def test_the_api_corrects_what_was_claimed_for_an_address() -> None:
    world = World()
    webhook(world, customer="C-1")
    world.report(STRANGE, customer="C-9")
    assert (at(world, STRANGE).reference, at(world, STRANGE).reference_claimed) == ("C-9", False)
    webhook(world, customer="C-1")
    assert at(world, STRANGE).reference == "C-9"


def test_who_claimed_a_reference_first_is_not_joined_with_whom_it_is_proven_for() -> None:
    world = World()
    webhook(world, customer="C-1")
    world.report(HERS, customer="C-1")
    assert world.store.homes[STRANGE] != world.store.homes[HERS]
    webhook(world, None, customer="C-1")
    assert world.decision().address == HERS, "who proved it comes first"
    world.report(STRANGE, customer="C-1")
    assert world.store.homes[STRANGE] == world.store.homes[HERS], "and here it is proven, too"
    assert len(world.store.customers) == 1
    assert not at(world, HERS).reference_claimed


def test_what_is_claimed_is_proven_by_the_same_words_from_the_api() -> None:
    world = World()
    webhook(world, customer="C-1")
    world.tell(None, None, customer="C-1")
    assert at(world, STRANGE).reference_claimed, "no address was told, so nothing is proven of one"
    world.report(STRANGE, customer="C-1")
    assert not at(world, STRANGE).reference_claimed


def test_a_trigger_that_proves_identity_is_as_good_as_the_api(known: World) -> None:
    known.tell(None, STRANGE, trigger="helpdesk", customer="C-1")
    assert known.store.homes[STRANGE] == known.store.homes[HERS]


@pytest.mark.parametrize("told", [Resumed(), Ended()], ids=["a reopening", "an end"])
@pytest.mark.parametrize("customer", [None, "C-1", "C-2"])
def test_a_dealing_stays_at_its_address(told: Resumed | Ended, customer: str | None) -> None:
    world = World()
    world.report(HERS, source="desk", reference="81", customer="C-1")
    world.report(BEN, customer="C-2")
    world.tell(told, STRANGE, trigger="helpdesk", source="desk", reference="81", proves=False, customer=customer)
    world.tell(told, None, trigger="helpdesk", source="desk", reference="81", proves=False, customer=customer)
    (dealing,) = world.store.interactions.by("reported", ("desk", "81"))
    assert dealing.address == HERS
    assert STRANGE not in world.store.homes


def test_a_dealing_without_an_address_gets_one() -> None:
    world = World()
    webhook(world, None, reference="81", customer="C-1")
    webhook(world, STRANGE, reference="81", customer="C-1")
    assert world.decision().address == STRANGE
