"""Several processes that find out at once who somebody is, and what a step costs that asks nothing of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from bot.ids import ConversationId, CustomerId, InteractionId, WordsId
from bot.ports import (
    Customer,
    Facts,
    KeepLink,
    KeepWords,
    MergeCustomers,
    Outcome,
    Read,
    RecordDecision,
    RecordShown,
    SaveConversation,
    SaveCustomer,
    SaveInteraction,
    Shown,
    Words,
)
from bot.storage import Storage, open_storage
from bot.storage.facts import lock_keys
from bot.storage.ops import Ask, Call, Hold, Job, Procedure, ask, query
from tests.conftest import SetClock
from tests.storage.samples import (
    NOON,
    address,
    answer,
    begin_talk,
    conversation,
    customer,
    decision,
    interaction,
    later,
    link,
    look,
    scored,
    write,
)

PEOPLE = 40
#: Seconds after which whatever still waits has hung.
HUNG = 60.0

_OF_REFERENCE = query("SELECT c.reference, count(*) FROM customer c GROUP BY c.reference HAVING count(*) > 1")
_HOMES = query("SELECT a.customer, count(*) FROM address a GROUP BY a.customer")
_NOBODYS = tuple(
    query(f"SELECT count(*) FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM customer c WHERE c.{key} = t.{column})")
    for table, column, key in (
        ("answer", "customer", "id"),
        ("shown", "customer", "id"),
        ("conversation", "customer", "id"),
        ("address", "customer", "id"),
        ("words", "person", "person"),
    )
)


async def rows_of(storage: Storage, asked: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await storage._engine.read(lambda: ask(asked))]


@pytest.fixture
async def replica(storage: Storage, storage_url: str, clock: SetClock) -> AsyncIterator[Storage]:
    """Another process's view of the same database."""
    opened = await open_storage(storage_url, clock=clock)
    yield opened
    await opened.close()


async def report(storage: Storage, n: int, key: str) -> None:
    """What intake does with a report of a customer by the company's reference."""

    def decide(facts: Facts) -> Outcome:
        known = facts.namesake or facts.customer or Customer(id=CustomerId(f"made for {key}"), reference=f"K-{n}")
        return Outcome(writes=(SaveCustomer(customer=known, address=address(key), at=NOON),))

    await storage.run(Read(address=address(key), known_as=f"K-{n}", reported=("helpdesk", key)), decide)


async def test_one_reference_reported_at_once_makes_one_customer(storage: Storage, replica: Storage) -> None:
    async with asyncio.timeout(HUNG):
        await asyncio.gather(
            *(report(where, n, f"{n} {who}") for n in range(PEOPLE) for who, where in enumerate((storage, replica)))
        )
    assert await rows_of(storage, _OF_REFERENCE) == []
    assert {n for _, n in await rows_of(storage, _HOMES)} == {2}


async def prove(storage: Storage, n: int) -> None:
    """What intake does with a report that shows that two are one."""

    def decide(facts: Facts) -> Outcome:
        here, namesake = facts.customer, facts.namesake
        assert here is not None
        assert namesake is not None
        if here.id == namesake.id:
            return Outcome()
        return Outcome(writes=(MergeCustomers(gone=here.id, kept=namesake.id, at=NOON),))

    await storage.run(Read(address=address(f"{n} web"), known_as=f"K-{n}"), decide)


async def tap(storage: Storage, n: int, key: str) -> None:
    """What intake does with an answer in words, at an address where the proof has nothing to do."""

    def decide(facts: Facts) -> Outcome:
        talk, who = facts.conversation, facts.customer
        assert talk is not None
        assert who is not None
        said = Words(
            id=WordsId(f"words {n} {key}"), customer=who.id, conversation=talk.id, question="why", text="…", at=NOON
        )
        return Outcome(
            writes=(
                SaveConversation(conversation=scored(talk, 2), flow_id="delivery", was_turn=talk.turn),
                replace(answer(2, of=talk.id), customer=who.id),
                KeepWords(words=said),
                RecordShown(customer=who.id, shown=Shown(flow="delivery", is_nps=True, at=NOON)),
            )
        )

    await storage.run(Read(address=address(key), conversation=ConversationId(f"talk {key}")), decide)


async def test_what_comes_while_two_become_one_is_not_lost(storage: Storage, replica: Storage) -> None:
    for n in range(PEOPLE):
        gone, kept = customer(f"{n} gone"), customer(f"{n} kept", reference=f"K-{n}")
        for who, keys in ((gone, ("phone", "web")), (kept, ("chat",))):
            for key in (f"{n} {key}" for key in keys):
                talk = conversation(f"talk {key}", key=key, customer=who.id)
                await write(
                    storage,
                    SaveCustomer(customer=who, address=address(key), at=NOON),
                    SaveConversation(conversation=talk, flow_id="delivery", was_turn=None),
                )
    async with asyncio.timeout(HUNG):
        await asyncio.gather(
            *(
                step
                for n in range(PEOPLE)
                for step in (tap(replica, n, f"{n} phone"), prove(storage, n), tap(replica, n, f"{n} chat"))
            )
        )
    assert [(await rows_of(storage, asked))[0][0] for asked in _NOBODYS] == [0] * len(_NOBODYS)
    for n in range(PEOPLE):
        facts = await look(storage, address=address(f"{n} phone"))
        assert facts.customer is not None
        assert (facts.customer.id, len(facts.shown)) == (f"customer {n} kept", 2)
        assert facts.conversation is not None
        assert facts.conversation.turn == 1


async def test_a_link_given_to_one_alone_begins_one_survey(storage: Storage, replica: Storage) -> None:
    """Two devices that open it at once."""
    await begin_talk(storage)
    for n in range(PEOPLE):
        await storage.links.keep(link(f"link {n}", customer=f"K-{n}"))
    begun: list[int] = []

    async def use(where: Storage, n: int) -> None:
        def decide(facts: Facts) -> Outcome:
            found = facts.link
            assert found is not None
            if found.conversation is not None:
                return Outcome(ref="before")
            used = link(f"link {n}", customer=f"K-{n}", conversation=ConversationId("talk"))
            return Outcome(ref="begun", writes=(KeepLink(link=used),))

        outcome = await where.run(Read(link=f"link {n}"), decide)
        if outcome.ref == "begun":
            begun.append(n)

    async with asyncio.timeout(HUNG):
        await asyncio.gather(*(use(where, n) for n in range(PEOPLE) for where in (storage, replica)))
    assert sorted(begun) == list(range(PEOPLE))


async def calls_of(storage: Storage, read: Read) -> list[Call]:
    """What reading asks of the database, in order."""
    calls: list[Call] = []

    def listening() -> Procedure[None]:
        procedure, answer = storage._steps.facts(read, NOON), None
        while True:
            try:
                call = procedure.send(answer)
            except StopIteration:
                return
            calls.append(call)
            answer = yield call

    await storage._engine.write(Job(listening))
    return calls


async def test_a_dealing_is_held_by_whatever_it_is_named(storage: Storage) -> None:
    """Told again and decided at once, the one would write over what the other has made of its decision."""
    await write(storage, SaveInteraction(interaction=interaction()), RecordDecision(decision=decision()))
    calls = await calls_of(storage, Read(reported=("helpdesk", "ticket 7"), address=address("elsewhere")))
    held: set[str] = set().union(*(call.keys for call in calls if isinstance(call, Hold)))
    assert lock_keys(Read(interaction=InteractionId("deal"))) <= held


COSTS: dict[str, tuple[dict[str, Any], int]] = {
    "a tap": ({"event": "e", "address": address(), "conversation": ConversationId("talk")}, 2),
    "a text": ({"event": "e", "address": address()}, 2),
    "a stranger": ({"event": "e", "address": address("77")}, 1),
    "a due row of a conversation": ({"conversation": ConversationId("talk"), "due": "expire:talk"}, 4),
}


@pytest.mark.parametrize(("read", "asked"), COSTS.values(), ids=COSTS.keys())
async def test_whoever_asks_nothing_new_pays_nothing_for_it(storage: Storage, read: dict[str, Any], asked: int) -> None:
    await begin_talk(storage)
    await write(storage, SaveCustomer(customer=customer(reference="K-7"), address=address(), at=later(hours=1)))
    calls = await calls_of(storage, Read(**read))
    assert len([call for call in calls if isinstance(call, Ask)]) == asked
