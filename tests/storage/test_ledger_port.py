"""The ledger of decisions and the links: what is kept, how it is found, and what a step is told of it."""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from bot.ids import ConversationId, CustomerId, InteractionId, WordsId
from bot.messages import Address
from bot.ports import (
    Decision,
    DecisionQuery,
    DecisionStep,
    KeepLink,
    KeepWords,
    RecordDecision,
    RecordShown,
    SaveCustomer,
    SaveInteraction,
    SetReachable,
    Shown,
    Words,
)
from bot.storage import Storage
from bot.storage.engine import Engine
from bot.storage.ledger import StoredLedger, _listing
from tests.storage.samples import (
    NOON,
    SLACK,
    address,
    begin_talk,
    customer,
    decision,
    interaction,
    later,
    link,
    look,
    write,
)

NOWHERE = Address(channel=address().channel.__class__(""), key="")


async def record(storage: Storage, *decisions: Decision) -> None:
    for each in decisions:
        await write(storage, RecordDecision(decision=each))


async def keys(storage: Storage, **asked: Any) -> list[str]:
    return [each.key for each in await storage.ledger.list(DecisionQuery(**asked))]


# ---- the ledger -----------------------------------------------------------------------------------------


async def test_what_stands_now_takes_the_place_of_what_stood_before(storage: Storage) -> None:
    await record(storage, decision(), decision("other:1", interaction=InteractionId("other")))
    before = DecisionStep(verdict="deferred", rule="delay", inputs={"until": "later"}, at=NOON)
    asked = decision(
        verdict="asked",
        rule="nothing speaks against it",
        inputs={"time_zone": "UTC"},
        at=later(minutes=10),
        triggered_at=NOON,
        conversation=ConversationId("talk"),
        steps=(before,),
        repeats=2,
    )
    await record(storage, asked)
    found = await storage.ledger.list(DecisionQuery())
    assert [each.key for each in found] == ["other:1", "deal:1"]
    assert found[1] == asked


async def test_a_decision_about_nobody_is_kept(storage: Storage) -> None:
    bare = decision(
        "event:1",
        trigger="event",
        customer=None,
        interaction=None,
        known_as=None,
        address=NOWHERE,
        source="",
        reference="",
        occasion=None,
        verdict="not asked",
        rule="not the end of a chat",
        inputs={},
    )
    await record(storage, bare)
    assert await storage.ledger.list(DecisionQuery()) == [bare]


ABOUT: dict[str, tuple[str, list[str]]] = {
    "the customer's reference": ("K-7", ["mine:2", "mine:1"]),
    "the customer's id": ("customer 5512", ["mine:2", "mine:1"]),
    "the dealing's reference": ("ticket 7", ["mine:1"]),
    "the dealing's id": ("deal", ["mine:1"]),
    "the address": ("5512", ["mine:2", "mine:1"]),
    "the address with its channel": ("telegram:5512", ["mine:2", "mine:1"]),
    "the address on another channel": ("slack:5512", []),
    "an address with colons in it": ("telegram:a:b", ["theirs:1"]),
    "somebody else's reference": ("K-9", ["theirs:1"]),
    "nobody's": ("K-1", []),
}


@pytest.mark.parametrize(("about", "found"), ABOUT.values(), ids=ABOUT.keys())
async def test_decisions_are_found_by_whatever_names_them(storage: Storage, about: str, found: list[str]) -> None:
    # The first was made before the company told its reference of them.
    mine = decision("mine:1", known_as=None)
    again = decision("mine:2", known_as="K-7", interaction=InteractionId("deal 2"), reference="ticket 8")
    theirs = decision(
        "theirs:1",
        customer=CustomerId("other"),
        interaction=InteractionId("deal 3"),
        reference="ticket 9",
        known_as="K-9",
        address=address("a:b"),
    )
    await write(storage, SaveCustomer(customer=customer(reference="K-7"), address=address(), at=NOON))
    await record(storage, mine, again, theirs)
    assert await keys(storage, about=about) == found
    assert [each.key for each in (await look(storage, explain=about)).decisions] == found


FILTERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, ["d", "c", "b", "a"]),
    "a verdict": ({"verdict": "asked"}, ["c"]),
    "a rule": ({"rule": "cool-down"}, ["d", "b"]),
    "a trigger": ({"trigger": "helpdesk"}, ["b"]),
    "a flow": ({"flow": "chat"}, ["d"]),
    "a channel": ({"channel": "slack"}, ["c"]),
    "a time": ({"since": later(hours=1)}, ["d", "c", "b"]),
    "a time before": ({"before": later(hours=1)}, ["a"]),
    "a stretch of time": ({"since": later(hours=1), "before": later(hours=3)}, ["c", "b"]),
    "several": ({"rule": "cool-down", "flow": "delivery", "about": "5512"}, ["b"]),
    "a page": ({"limit": 2}, ["d", "c"]),
    "the next page": ({"limit": 2, "after": "c"}, ["b", "a"]),
    "a page after nothing known": ({"after": "gone"}, []),
    "a page after a number that is none": ({"after": "old:x"}, []),
}


@pytest.mark.parametrize(("asked", "found"), FILTERS.values(), ids=FILTERS.keys())
async def test_the_ledger_lists_what_is_asked_for(storage: Storage, asked: dict[str, Any], found: list[str]) -> None:
    no: dict[str, Any] = {"verdict": "not asked", "rule": "cool-down"}
    await record(
        storage,
        decision("a"),
        decision("b", at=later(hours=1), trigger="helpdesk", **no),
        decision("c", at=later(hours=2), verdict="asked", address=Address(channel=SLACK, key="U1")),
        decision("d", at=later(hours=3), flow="chat", **no),
    )
    assert await keys(storage, **asked) == found


@pytest.mark.parametrize("asked", [("since",), ("before",), ("since", "before", "rule"), ("channel", "since")])
def test_a_stretch_of_time_is_found_by_its_index(sqlite_tables: Path, asked: tuple[str, ...]) -> None:
    statement = _listing(asked).sqlite
    with closing(sqlite3.connect(sqlite_tables)) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {statement}", [5] * len(set(re.findall(r"\?\d+", statement))))
        said = [step for *_, step in plan]
    assert any("decision_by_trigger (triggered_at" in step for step in said)
    assert not any("SCAN" in step for step in said)


class Watched:
    """Notes whether a reading may hold up others."""

    def __init__(self) -> None:
        self.long: list[bool] = []

    async def read(self, begin: Any, *, long: bool = False) -> Any:
        self.long.append(long)
        return []


@pytest.mark.parametrize(
    ("asked", "long"),
    [
        ({}, False),
        ({"about": "K-7", "verdict": "asked"}, False),
        ({"after": "deal:1", "limit": 9}, False),
        ({"rule": "opted out"}, True),
        ({"since": NOON}, True),
    ],
)
async def test_what_may_be_rare_is_looked_for_beside_the_steps(asked: dict[str, Any], long: bool) -> None:
    engine = Watched()
    await StoredLedger(cast(Engine, engine)).list(DecisionQuery(**asked))
    assert engine.long == [long]


async def test_a_step_is_told_of_the_newest_twenty(storage: Storage) -> None:
    await record(storage, *(decision(f"deal:{n}") for n in range(25)))
    told = (await look(storage, explain="K-7")).decisions
    assert [each.key for each in told] == [f"deal:{n}" for n in reversed(range(5, 25))]


async def replayed(storage: Storage, since: datetime) -> Sequence[str]:
    return [each.key async for each in storage.ledger.replay(since)]


async def test_occasions_are_replayed_in_the_order_of_their_triggers(storage: Storage) -> None:
    await record(
        storage,
        decision("b", at=later(hours=2)),
        decision("a", at=later(hours=1)),
        decision("no occasion", at=later(hours=3), occasion=None),
        decision("too old", at=NOON),
        decision("at once", at=later(hours=2)),
    )
    assert await replayed(storage, later(hours=1)) == ["a", "b", "at once"]
    assert await storage.ledger.count(later(hours=1)) == 3
    assert await storage.ledger.count(later(hours=4)) == 0
    (first, *_) = [each async for each in storage.ledger.replay(later(hours=1))]
    assert first == decision("a", at=later(hours=1))


async def test_many_occasions_are_replayed(storage: Storage) -> None:
    many = [RecordDecision(decision=decision(f"{n:04}", at=later(seconds=n // 3))) for n in range(1_203)]
    await write(storage, *many)
    assert await replayed(storage, NOON) == [f"{n:04}" for n in range(1_203)]


async def test_surveys_shown_and_time_zones_are_told(storage: Storage) -> None:
    saigon = customer(time_zone="Asia/Saigon")
    await write(storage, SaveCustomer(customer=saigon, address=address(), at=NOON))
    await write(storage, SaveCustomer(customer=customer("9"), address=address("9"), at=NOON))
    surveys = [Shown(flow="delivery", is_nps=bool(n % 2), at=later(days=n)) for n in (2, 0, 1)]
    await write(storage, *(RecordShown(customer=saigon.id, shown=shown) for shown in surveys))
    shown = await storage.ledger.shown(later(days=1))
    assert {who: list(each) for who, each in shown.items()} == {saigon.id: [surveys[2], surveys[0]]}
    assert await storage.ledger.time_zones() == {saigon.id: "Asia/Saigon"}


# ---- what a step is told --------------------------------------------------------------------------------


async def test_a_dealing_comes_with_the_newest_decision_about_its_endings(storage: Storage) -> None:
    await write(storage, SaveInteraction(interaction=interaction()))
    assert (await look(storage, interaction=InteractionId("deal"))).decision is None
    newest = decision("deal:10", at=later(hours=1))
    await record(
        storage,
        decision("deal:9"),
        newest,
        decision("event:1", trigger="event", at=later(hours=2), occasion=None),
        decision("wanted:1", trigger="link", at=later(hours=2), occasion=None),
        decision("other:1", interaction=InteractionId("other"), at=later(hours=2)),
    )
    await record(storage, replace(decision("deal:9"), repeats=1))
    assert (await look(storage, interaction=InteractionId("deal"))).decision == newest
    assert (await look(storage, reported=("helpdesk", "ticket 7"))).decision == newest


async def test_who_has_a_reference_is_found_with_their_addresses(storage: Storage) -> None:
    known = customer(reference="K-7", locale="vi", locale_source="report", opted_out_at=NOON)
    for n, key in enumerate(("5512", "9", "10", "11")):
        await write(storage, SaveCustomer(customer=known, address=address(key), at=later(days=n % 3)))
    await write(storage, SetReachable(address=address("9"), reachable=False))
    facts = await look(storage, known_as="K-7")
    assert (facts.namesake, facts.customer) == (known, None)
    assert facts.addresses == (address("10"), address("11"), address())
    elsewhere = await look(storage, known_as="K-7", address=address("77"))
    assert (elsewhere.namesake, elsewhere.customer) == (known, None)
    nobody = await look(storage, known_as="K-8", address=address())
    assert (nobody.namesake, nobody.addresses, nobody.customer) == (None, (), known)


async def test_who_can_be_reached_nowhere_is_said_to_be_unreachable(storage: Storage) -> None:
    known = customer(reference="K-7", reachable=False)
    await write(storage, SaveCustomer(customer=known, address=address(), at=NOON))
    facts = await look(storage, known_as="K-7")
    assert (facts.namesake, facts.addresses) == (known, ())


async def test_a_link_is_kept_and_found(storage: Storage) -> None:
    generic = link(locale="vi", expires_at=later(days=3))
    personal = link("b" * 22, customer="K-7", attributes={})
    await storage.links.keep(generic)
    await write(storage, KeepLink(link=personal))
    assert await storage.links.find(generic.id) == generic
    assert await storage.links.find("c" * 22) is None
    used = replace(personal, conversation=ConversationId("talk"))
    await write(storage, KeepLink(link=used))
    assert await storage.links.find(used.id) == used


async def test_a_step_is_told_of_a_link_and_of_whom_it_was_given_to(storage: Storage) -> None:
    known = customer(reference="K-7")
    await write(storage, SaveCustomer(customer=known, address=address(), at=NOON))
    await write(storage, KeepLink(link=link()), KeepLink(link=link("b" * 22, customer="K-7")))
    facts = await look(storage, link=link().id, address=address("9"))
    assert (facts.link, facts.namesake, facts.addresses) == (link(), None, ())
    facts = await look(storage, link="b" * 22, address=address("9"))
    assert (facts.link, facts.namesake, facts.addresses) == (link("b" * 22, customer="K-7"), known, (address(),))
    assert (await look(storage, link="c" * 22)).link is None


async def test_a_step_is_told_when_the_customer_wrote_last(storage: Storage) -> None:
    await begin_talk(storage, "5512", "9")
    assert (await look(storage, address=address(), wrote=True)).wrote_at is None
    for n, who in enumerate((customer(), customer(), customer("9"))):
        said = Words(
            id=WordsId(f"w{n}"), customer=who.id, conversation=None, question=None, text="…", at=later(hours=n)
        )
        await write(storage, KeepWords(words=said))
    assert (await look(storage, address=address(), wrote=True)).wrote_at == later(hours=1)
    assert (await look(storage, address=address())).wrote_at is None
    assert (await look(storage, address=address("77"), wrote=True)).wrote_at is None
