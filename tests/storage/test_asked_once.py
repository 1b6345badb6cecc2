"""One customer at several addresses, and things that are decided about them at each address at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.ids import CustomerId, InteractionId
from bot.ports import (
    Facts,
    OptOut,
    Outcome,
    Read,
    RecordShown,
    SaveCustomer,
    SaveInteraction,
    Shown,
    Write,
)
from bot.storage import Storage, open_storage
from bot.storage.identity import customer_lock
from bot.storage.ops import Call, Hold, Job, Procedure, ask, query
from tests.conftest import SetClock
from tests.storage.samples import NOON, address, customer, interaction, write

PEOPLE = 40
PLACES = ("chat", "phone")
#: Seconds after which whatever still waits has hung.
HUNG = 60.0

_SHOWN = query("SELECT s.customer, count(*) FROM shown s GROUP BY s.customer")


@pytest.fixture
async def replica(storage: Storage, storage_url: str, clock: SetClock) -> AsyncIterator[Storage]:
    """Another process's view of the same database."""
    opened = await open_storage(storage_url, clock=clock)
    yield opened
    await opened.close()


async def know(storage: Storage, *, people: int) -> None:
    """Customers with an address and a dealing at each of the places."""
    for n in range(people):
        for place in PLACES:
            key = f"{n} {place}"
            await write(
                storage,
                SaveCustomer(customer=customer(str(n)), address=address(key), at=NOON),
                SaveInteraction(interaction=interaction(f"deal {key}", reference=key, key=key)),
            )


def shown_unless_asked_before(facts: Facts) -> Outcome:
    """What the cool-down makes of a question."""
    assert facts.customer is not None
    if facts.shown or facts.customer.opted_out_at is not None:
        return Outcome()
    return Outcome(writes=(shown_to(facts.customer.id),))


def shown_to(who: CustomerId) -> RecordShown:
    return RecordShown(customer=who, shown=Shown(flow="delivery", is_nps=True, at=NOON))


#: how a decision to ask comes: at the end of a delay, or by an agent
READS: dict[str, Any] = {
    "a due row": lambda key: Read(interaction=InteractionId(f"deal {key}"), asks=True),
    "an agent": lambda key: Read(address=address(key), reported=("slack", f"by hand {key}"), asks=True),
}


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_two_questions_due_at_once_at_two_addresses_are_one(
    storage: Storage, replica: Storage, read: Any, processes: int
) -> None:
    await know(storage, people=PEOPLE)
    servers = (storage, replica) if processes == 2 else (storage, storage)
    async with asyncio.timeout(HUNG):
        await asyncio.gather(
            *(
                server.run(read(f"{n} {place}"), shown_unless_asked_before)
                for n in range(PEOPLE)
                for server, place in zip(servers, PLACES, strict=True)
            )
        )
    rows = await storage._engine.read(lambda: ask(_SHOWN))
    assert sorted(row[1] for row in rows) == [1] * PEOPLE


async def held_by(storage: Storage, read: Read, *writes: Write) -> list[str]:
    """What a whole step lets nobody else decide about, besides what its reading names, in order."""
    held: list[str] = []

    def listening() -> Procedure[None]:
        procedure, answer = storage._steps.job(read, lambda _: Outcome(writes=writes), NOON).begin(), None
        while True:
            try:
                call: Call = procedure.send(answer)
            except StopIteration:
                return
            held.extend(call.keys if isinstance(call, Hold) else ())
            answer = yield call

    await storage._engine.write(Job(listening))
    return held


THEIRS = customer_lock(customer("0").id)
STEPS: dict[str, tuple[dict[str, Any], tuple[Write, ...], bool]] = {
    "a stop": ({"address": address("0 chat")}, (OptOut(customer=customer("0").id, at=NOON),), True),
    "a link that begins a survey": ({"address": address("0 chat")}, (shown_to(customer("0").id),), True),
    "a question that is due": ({"interaction": InteractionId("deal 0 chat"), "asks": True}, (), True),
    "a tap or a text": ({"event": "e", "address": address("0 chat")}, (), False),
}


@pytest.mark.parametrize(("read", "writes", "holds"), STEPS.values(), ids=STEPS.keys())
async def test_who_asks_and_who_stops_wait_for_each_other(
    storage: Storage, read: dict[str, Any], writes: tuple[Write, ...], holds: bool
) -> None:
    """Who asks at one address holds the customer before reading; who stops, or uses a link, before writing."""
    await know(storage, people=1)
    assert (THEIRS in await held_by(storage, Read(**read), *writes)) is holds


async def test_nobody_is_asked_after_they_were_told_that_they_are_not(storage: Storage, replica: Storage) -> None:
    await know(storage, people=PEOPLE)
    late: list[int] = []

    async def stop(n: int) -> None:
        out = OptOut(customer=customer(str(n)).id, at=NOON)
        await write(storage, out, address=address(f"{n} chat"))
        before = await replica._engine.read(lambda: ask(_SHOWN))
        await asyncio.sleep(0.05)
        after = await replica._engine.read(lambda: ask(_SHOWN))
        late.extend(n for row in after if row[0] == out.customer and row not in before)

    async with asyncio.timeout(HUNG):
        await asyncio.gather(
            *(
                step
                for n in range(PEOPLE)
                for step in (replica.run(READS["a due row"](f"{n} phone"), shown_unless_asked_before), stop(n))
            )
        )
    assert late == []
