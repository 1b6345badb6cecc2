"""Opting out and back: in each language's words, by blocking, at all addresses of a customer, confirmed once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.conversations.dealings import Ended
from bot.languages import locales, pack, stop_words
from bot.messages import Address, ChannelName, Left, Profile, Resolve, Returned
from bot.ports import Customer
from tests.intake.world import ANN, BEN, SETTINGS, World

CAT = Address(channel=ChannelName("web"), key="cat")
GOODBYE = "We will not ask you for feedback any more. If you change your mind, write START."
HELLO = "Welcome back! From time to time we will ask you how we did. To stop that, write STOP."
SAYS = {"opted_out": GOODBYE, "opted_in": HELLO}


def person(world: World) -> Customer:
    """The only customer."""
    (customer,) = world.store.customers.values()
    return customer


def opted_out(world: World) -> bool:
    return person(world).opted_out_at is not None


def one_person(*, first: Address = ANN, second: Address = BEN) -> World:
    """Somebody who is known at two addresses, by the company's own reference."""
    world = World()
    for who in (first, second):
        world.write("hi", who)
        world.tell(Ended(at=world.now - timedelta(days=30)), who, customer="C-17")
    assert len(set(world.store.homes.values())) == 1
    return world


def confirmations(world: World, *addresses: Address) -> list[str]:
    """What confirmed an opt-out or a return, in any language, put in English."""
    english = {pack(tag).sentences[f"reply.{key}"]: said for tag in locales() for key, said in SAYS.items()}
    return [english[text] for who in addresses or (ANN,) for text in world.heard(who) if text in english]


# ---- words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", sorted(stop_words()))
def test_each_languages_words_stop_whatever_is_under_way(word: str) -> None:
    world = World()
    world.ask()
    assert world.write(f"{word.upper()}!").said.kind == "opted_out"
    assert opted_out(world)
    assert world.conversation().status == "stopped"
    speakers = {"en", *(tag for tag in locales() if word in pack(tag).commands["stop"])}
    (said,) = world.heard()
    assert said in {pack(tag).sentences["reply.opted_out"] for tag in speakers}


@pytest.mark.parametrize("locale", locales())
def test_the_words_of_ones_language_bring_back(locale: str) -> None:
    for word in pack(locale).commands["start"]:
        world = World()
        world.handle(world.wrote("hi", profile=Profile(language=locale)))
        world.write("stop")
        assert opted_out(world)
        assert world.write(word.capitalize()).said.kind == "opted_in"
        assert not opted_out(world)
        assert world.heard()[-2:] == [pack(locale).sentences[key] for key in ("reply.opted_out", "reply.opted_in")]


SAID: dict[str, tuple[Callable[[World], object], ...]] = {
    # label: what the customer does, one after the other
    "thrice in words": (lambda world: world.write("STOP"),) * 3,
    "as a command, and in words": (lambda world: world.command("stop"), lambda world: world.write("/stop")),
    "in two languages": (lambda world: world.write("dừng lại"), lambda world: world.write("stop")),
    "and by blocking": (
        lambda world: world.write("stop"),
        lambda world: world.handle(Left(event="left", sender=ANN, at=world.now)),
    ),
}


@pytest.mark.parametrize("deeds", SAID.values(), ids=SAID)
def test_is_confirmed_once(deeds: tuple[Callable[[World], object], ...]) -> None:
    world = World()
    world.ask()
    for deed in deeds:
        deed(world)
        world.later(minutes=1)
    assert opted_out(world)
    assert confirmations(world) == [GOODBYE]


def test_the_same_word_delivered_twice_counts_once() -> None:
    world = World()
    world.ask()
    stop = world.wrote("STOP")
    assert [world.handle(stop).said.kind for _ in range(2)] == ["opted_out", "duplicate"]
    assert confirmations(world) == [GOODBYE]


def test_back_and_out_again_is_confirmed_each_time() -> None:
    world = World()
    world.ask()
    for word in ("stop", "start", "stop", "start", "start"):
        world.write(word)
    assert confirmations(world) == [GOODBYE, HELLO, GOODBYE, HELLO]
    assert not opted_out(world)


def test_the_command_brings_back_too() -> None:
    world = World()
    world.ask()
    world.command("stop")
    world.command("start")
    assert confirmations(world) == [GOODBYE, HELLO]
    world.later(days=8)
    world.ask()
    assert world.store.decisions[-1].rule == "nothing speaks against it"


# ---- what is planned ----------------------------------------------------------------------------------------


def test_nobody_is_asked_who_opted_out_after_that_was_planned() -> None:
    world = World()
    world.write("hi")
    world.report()
    world.later(minutes=5)
    world.write("stop")
    world.later(minutes=5)
    decision = world.store.decisions[-1]
    assert (decision.verdict, decision.rule) == ("not asked", "opted out")
    assert world.store.conversations == {}


def test_whoever_came_back_before_it_is_time_is_asked() -> None:
    world = World()
    world.write("hi")
    world.report()
    world.write("stop")
    world.write("start")
    world.later(minutes=10)
    assert world.store.decisions[-1].verdict == "asked"


def test_what_the_customer_asks_for_is_begun_all_the_same_and_nothing_else() -> None:
    world = World()
    world.write("hi")
    world.write("stop")
    world.command("feedback")
    assert world.conversation().status == "waiting"
    world.tap("😀")
    assert opted_out(world)


# ---- blocking ------------------------------------------------------------------------------------------------


def test_blocking_opts_out_in_silence_and_only_the_customers_word_brings_back() -> None:
    world = World()
    world.ask()
    world.handle(Left(event="left", sender=ANN, at=world.now))
    assert opted_out(world)
    assert world.conversation().status == "stopped"
    assert confirmations(world) == []
    world.handle(Returned(event="back", sender=ANN, at=world.now))
    world.write("Hello again")
    world.later(days=30)
    world.ask()
    assert world.store.decisions[-1].rule == "opted out"
    world.command("start")
    assert confirmations(world) == [HELLO]
    assert not opted_out(world)


# ---- several addresses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("here", "there"), [(ANN, BEN), (BEN, ANN)])
def test_holds_at_all_addresses(here: Address, there: Address) -> None:
    world = one_person()
    world.write("stop", here)
    world.ask(there)
    assert world.store.decisions[-1].rule == "opted out"
    world.write("stop", there)
    assert confirmations(world, ANN, BEN) == [GOODBYE]
    world.write("start", there)
    world.ask(here)
    assert world.store.decisions[-1].verdict == "asked"
    assert confirmations(world, ANN, BEN) in ([GOODBYE, HELLO], [HELLO, GOODBYE])


def test_is_confirmed_once_when_it_comes_from_two_addresses_at_once() -> None:
    world = one_person()
    here, there = world.wrote("stop", ANN), world.wrote("stop", BEN)
    world.store.meanwhile = lambda: world.handle(there)
    assert world.handle(here).said.kind == "opted_out"
    assert confirmations(world, ANN, BEN) == [GOODBYE]


def test_who_opted_out_in_one_of_two_that_become_one_stays_so() -> None:
    world = World()
    for who in (ANN, BEN):
        world.write("hi", who)
    world.write("stop", BEN)
    for who in (ANN, BEN):
        world.tell(Ended(at=world.now - timedelta(days=30)), who, customer="C-17")
    assert opted_out(world)
    world.ask(ANN)
    assert world.store.decisions[-1].rule == "opted out"


def test_a_survey_that_waits_elsewhere_ends_by_itself_and_asks_nothing_more() -> None:
    world = one_person()
    world.settings = replace(SETTINGS, asking=replace(SETTINGS.asking, reminder=timedelta(hours=24)))
    world.ask(ANN)
    world.write("stop", BEN)
    before = len(world.messages(ANN))
    for _ in range(6):
        world.later(days=1)
    assert len(world.messages(ANN)) == before
    world.later(days=1)
    assert world.conversation(ANN).status == "expired"


def test_nobody_who_opted_out_elsewhere_is_asked_whether_it_is_fixed() -> None:
    world = one_person()
    world.ask(ANN)
    world.tap("😞")
    case = world.case().id
    world.do(case, Resolve(cause="bug", action="Mended"))
    world.write("stop", BEN)
    world.later(days=2)
    assert world.case().state == "unconfirmed"
    assert not any(message.slot.startswith("fixed") for message in world.messages(ANN))


def test_strangers_keep_their_own() -> None:
    world = World()
    for who in (ANN, CAT):
        world.write("hi", who)
    world.write("stop", CAT)
    assert sorted(customer.opted_out_at is not None for customer in world.store.customers.values()) == [False, True]
