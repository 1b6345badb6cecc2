"""One customer at several addresses: joined by the company's own reference and by nothing else."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.config import AskingSettings, PageSettings
from bot.conversations.dealings import Ended
from bot.ids import CustomerId
from bot.intake.anonymity import keyed
from bot.intake.identity import merged
from bot.intake.people import learned
from bot.messages import Address, AgentWonders, ChannelName, Profile
from bot.ports import Customer, KnownFrom
from tests.intake.world import ANN, BEN, DESK, SETTINGS, START, World

ASKED = ("asked", "nothing speaks against it")
HERE, THERE = ANN, Address(channel=ChannelName("slack"), key="U9")


def customers(world: World) -> list[Customer]:
    return list(world.store.customers.values())


def test_two_addresses_of_one_reference_are_one_customer() -> None:
    world = World()
    world.report(HERE, customer="c-1", name="Ann")
    world.report(THERE, customer="c-1")
    (customer,) = customers(world)
    assert (customer.reference, customer.name) == ("c-1", "Ann")
    assert world.store.homes == {HERE: customer.id, THERE: customer.id}


@pytest.mark.parametrize("name", ["Ann Lee", None])
def test_nothing_else_joins(name: str | None) -> None:
    world = World()
    world.report(HERE, name=name)
    world.report(THERE, name=name)
    assert len(customers(world)) == 2


def test_who_was_known_at_both_is_merged_once_it_is_proven() -> None:
    world = World()
    world.ask(HERE)
    world.write("hi", THERE)
    world.report(HERE, customer="c-1")
    assert len(customers(world)) == 2
    world.report(THERE, customer="c-1")
    (customer,) = customers(world)
    assert set(world.store.homes.values()) == {customer.id}
    world.later(minutes=10)
    assert world.verdict() == ("not asked", "a survey is under way"), "what waits at the other address counts"


@pytest.mark.parametrize("out", [HERE, THERE])
def test_an_opt_out_in_either_holds_for_both(out: Address) -> None:
    world = World()
    world.write("hi", HERE)
    world.write("hi", THERE)
    world.write("stop", out)
    world.report(HERE, customer="c-1")
    world.report(THERE, customer="c-1")
    world.later(minutes=10)
    assert [each.rule for each in world.store.decisions] == ["opted out"] * 2
    world.write("start", HERE)
    world.report(THERE, customer="c-1")
    world.later(minutes=20)
    assert world.verdict() == ASKED


def test_an_address_told_for_two_references_stays_the_firsts() -> None:
    world = World()
    world.report(HERE, customer="c-1")
    world.report(THERE, customer="c-2")
    world.report(HERE, customer="c-2", reference="disputed")
    assert sorted(each.reference or "" for each in customers(world)) == ["c-1", "c-2"]
    assert world.decision().inputs["also_of"] == "c-1"
    assert world.decision().known_as == "c-2"
    assert world.store.homes[HERE] != world.store.homes[THERE]


def test_a_reference_without_an_address_is_asked_where_the_customer_was_known_last() -> None:
    world = World()
    world.report(HERE, customer="c-1")
    world.now += timedelta(minutes=1)
    world.report(THERE, customer="c-1")
    world.tell(Ended(at=world.now), None, customer="c-1", reference="t")
    assert world.decision().address == THERE


def test_a_dealing_stays_where_it_is_when_only_the_reference_is_told() -> None:
    world = World()
    world.tell(Ended(at=world.now), HERE, customer="c-1", reference="t")
    world.now += timedelta(days=8)
    world.report(THERE, customer="c-1")
    world.tell(Ended(at=world.now), None, customer="c-1", reference="t")
    assert world.decision().address == HERE


def test_nobody_is_asked_on_a_page_that_they_have_left_or_among_others() -> None:
    page, group = Address(channel=ChannelName("page"), key="x"), replace(BEN, key="-1/7")
    world = World(replace(SETTINGS, channels=(*SETTINGS.channels, PageSettings(name=page.channel))))
    for where in (group, page):
        world.report(where, customer="c-1")
    world.tell(Ended(at=world.now), None, customer="c-1")
    assert world.verdict() == ("not asked", "no address known")


def test_who_never_wrote_to_the_bot_is_asked_where_they_can_be() -> None:
    world = World()
    world.report(HERE, customer="c-1", reference="first")
    world.report(BEN, customer="c-1", reference="second")
    world.later(minutes=10)
    assert [each.address for each in world.store.decisions] == [HERE, HERE]
    assert world.store.decisions[0].verdict == "asked"
    assert world.messages(BEN) == []


def test_a_merge_while_a_question_waits_asks_who_they_are_now() -> None:
    world = World()
    world.write("hi", THERE)
    world.report(THERE, reference="t")
    world.report(HERE, customer="c-1")
    world.report(THERE, customer="c-1", reference="u")
    world.write("stop", HERE)
    world.later(minutes=10)
    assert {each.rule for each in world.store.decisions} == {"opted out"}


# ---- languages and time zones -----------------------------------------------------------------------------------

#: the surest first
SOURCES: tuple[KnownFrom, ...] = ("customer", "report", "link", "profile")
NOBODY = Customer(id=CustomerId("c"))


@pytest.mark.parametrize("then", SOURCES)
@pytest.mark.parametrize("first", SOURCES)
def test_a_surer_source_is_never_overwritten(first: KnownFrom, then: KnownFrom) -> None:
    known = learned(NOBODY, first, locale="vi", time_zone="Asia/Ho_Chi_Minh")
    new = learned(known, then, locale="pl", time_zone="Europe/Warsaw")
    if SOURCES.index(then) <= SOURCES.index(first):
        assert (new.locale, new.locale_source) == ("pl", then)
        assert (new.time_zone, new.time_zone_source) == ("Europe/Warsaw", then)
    else:
        assert new == known
    assert learned(known, then) == known


def test_what_an_earlier_release_knew_counts_as_reported() -> None:
    old = replace(NOBODY, locale="vi")
    assert learned(old, "profile", locale="en").locale == "vi"
    assert learned(old, "report", locale="en").locale == "en"


def test_a_merge_keeps_what_is_known_surest() -> None:
    kept = learned(replace(NOBODY, name="Ann"), "profile", locale="en", time_zone="UTC")
    gone = learned(Customer(id=CustomerId("g"), opted_out_at=START), "customer", locale="vi")
    for one, other in ((kept, gone), (gone, kept)):
        both = merged(one, other)
        assert (both.id, both.name, both.opted_out_at) == (one.id, "Ann", START)
        assert (both.locale, both.locale_source, both.time_zone) == ("vi", "customer", "UTC")
    alike = learned(NOBODY, "profile", locale="pl")
    assert merged(kept, alike).locale == "en"


def test_the_time_zone_that_is_reported_decides_when_it_is_night() -> None:
    world = World()
    world.report(ANN, time_zone="Asia/Tokyo")
    world.now += timedelta(hours=3)
    world.report(ANN, time_zone="Asia/Tokyo")
    world.later(minutes=10)
    assert world.verdict() == ("deferred", "quiet hours")


# ---- no names ---------------------------------------------------------------------------------------------------

NAMELESS = replace(SETTINGS, asking=AskingSettings(anonymous=True))


def test_where_no_names_are_wanted_none_is_kept() -> None:
    world = World(NAMELESS)
    world.handle(world.wrote("hi", profile=Profile(name="Ann Lee", language="vi")))
    world.report(ANN, name="Ann Lee", customer="c-1")
    world.ask(ANN)
    (customer,) = customers(world)
    assert (customer.name, customer.reference) == (None, keyed(b"key")("c-1"))
    assert customer.locale == "vi"
    kept = repr((customers(world), list(world.store.decisions), list(world.store.interactions.values())))
    assert "Ann Lee" not in kept
    assert "c-1" not in kept


def test_the_same_reference_is_the_same_customer_without_its_name() -> None:
    world = World(NAMELESS)
    world.report(HERE, customer="c-1")
    world.report(THERE, customer="c-1")
    world.report(BEN, customer="c-2")
    assert len(customers(world)) == 2


def test_who_knows_the_reference_is_told_why_also_without_names() -> None:
    world = World(NAMELESS)
    world.report(ANN, customer="c-1", reference="ticket-7")
    for query in ("c-1", " c-1 ", "ticket-7"):
        asks = AgentWonders(
            event=f"e{world.number()}",
            agent=Address(channel=DESK.channel, key="U1"),
            agent_name="Mai",
            rooms=(DESK.key,),
            query=query,
            at=world.now,
        )
        outcome = world.handle(asks)
        assert outcome.said.kind == "explained"
        assert "ticket-7" in outcome.said.text
    assert world.intake.known_as("c-1") == keyed(b"key")("c-1")
    assert World().intake.known_as("c-1") == "c-1"
