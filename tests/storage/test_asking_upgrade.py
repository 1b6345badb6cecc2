"""A database of the release that had no dealings, no keys in its ledger and no links, opened by this one."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import bot.storage.migrations
from bot.conversations.dealings import Dealing
from bot.ids import ConversationId, CustomerId, InteractionId
from bot.ports import (
    Customer,
    Decision,
    DecisionQuery,
    Due,
    MergeCustomers,
    RecordDecision,
    SaveInteraction,
    Shown,
)
from bot.storage import Storage, open_storage
from bot.storage.codec import to_micros
from bot.storage.location import parse_location
from bot.storage.migrate import migrate
from tests.conftest import SetClock
from tests.storage.samples import NOON, address, decision, interaction, later, link, look, write
from tests.storage.test_upgrade import put

WHERE: dict[str, Any] = {"channel": "telegram", "address_key": "5512"}
DECIDED: list[dict[str, Any]] = [
    {"verdict": "deferred", "rule": "delay", "inputs": '{"until":"later"}', "at": to_micros(NOON)},
    {"verdict": "asked", "rule": "nothing speaks against it", "inputs": "{}", "at": to_micros(later(minutes=10))},
]


def old_decision(**changes: Any) -> tuple[str, dict[str, Any]]:
    about = {"trigger": "interaction", "flow_id": "delivery", "customer": "ann", "interaction": "deal"}
    return "decision", {**about, **WHERE, **changes}


def old_rows() -> list[tuple[str, dict[str, Any]]]:
    """One dealing that was asked about, and one reference that was reported for two addresses."""
    at = to_micros(NOON)
    people: list[tuple[str, dict[str, Any]]] = [
        (
            "customer",
            {
                "id": id,
                "person": f"person of {id}",
                "locale": "vi",
                "reference": "K-7",
                "created_at": at + n,
                "updated_at": at,
            },
        )
        for n, id in enumerate(("ann", "ann again"))
    ]
    homes: list[tuple[str, dict[str, Any]]] = [
        ("address", {"channel": "telegram", "key": key, "customer": whose, "reachable": True, "at": at})
        for key, whose in (("5512", "ann"), ("9", "ann again"))
    ]
    deal = {"id": "deal", "source": "helpdesk", "reference": "ticket 7", "flow_id": "delivery", **WHERE}
    asked: dict[str, Any] = {"closed_at": at, "reported_at": at, "attributes": '{"agent":"Minh"}'}
    return [
        *people,
        *homes,
        ("interaction", {**deal, **asked}),
        *(old_decision(**decided) for decided in DECIDED),
        ("due", {"key": "ask:deal", "kind": "ask", "ref": "deal", "due_at": at}),
        ("shown", {"customer": "ann", "flow_id": "delivery", "is_nps": True, "at": at}),
    ]


@pytest.fixture
async def before(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A database of that release, with its rows."""
    folder = tmp_path / "release_before_asking"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for module in Path(bot.storage.migrations.__path__[0]).glob("000[123]_*.py"):
        (folder / module.name).write_text(module.read_text())
    monkeypatch.syspath_prepend(tmp_path)
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).parent.mkdir(parents=True)
    await migrate(parse_location(empty_url), folder.name)
    await put(empty_url, old_rows())
    yield empty_url
    importlib.invalidate_caches()


@pytest.fixture
async def upgraded(before: str, clock: SetClock) -> AsyncIterator[Storage]:
    storage = await open_storage(before, clock=clock)
    yield storage
    await storage.close()


ASKED = Decision(
    key="old:2",
    trigger="api",
    flow="delivery",
    address=address(),
    customer=CustomerId("ann"),
    interaction=InteractionId("deal"),
    verdict="asked",
    rule="nothing speaks against it",
    inputs={},
    triggered_at=later(minutes=10),
    at=later(minutes=10),
)
PLANNED = replace(
    ASKED, key="old:1", verdict="deferred", rule="delay", inputs={"until": "later"}, triggered_at=NOON, at=NOON
)


LISTED: list[tuple[dict[str, Any], list[Decision]]] = [
    ({}, [ASKED, PLANNED]),
    ({"about": "K-7"}, [ASKED, PLANNED]),
    ({"about": "ticket 7"}, [ASKED, PLANNED]),
    ({"about": "telegram:5512"}, [ASKED, PLANNED]),
    ({"trigger": "api", "verdict": "asked"}, [ASKED]),
    ({"trigger": "helpdesk"}, []),
    ({"since": later(minutes=1)}, [ASKED]),
    ({"limit": 1}, [ASKED]),
    ({"after": "old:2"}, [PLANNED]),
    ({"after": "old:1"}, []),
]


async def test_the_ledger_of_the_release_before_is_listed(upgraded: Storage) -> None:
    # In one test: to make the tables of two releases takes longer than all of these.
    for asked, found in LISTED:
        assert await upgraded.ledger.list(DecisionQuery(**asked)) == found, asked


async def test_what_that_release_decided_is_not_asked_again(upgraded: Storage) -> None:
    """It had no occasions, and a row for each verdict."""
    assert await upgraded.ledger.count(NOON) == 0
    assert [each async for each in upgraded.ledger.replay(NOON)] == []
    assert (await upgraded.ledger.shown(NOON)) == {"ann": [Shown(flow="delivery", is_nps=True, at=NOON)]}


async def test_a_dealing_of_the_release_before_goes_on(upgraded: Storage) -> None:
    facts = await look(upgraded, reported=("helpdesk", "ticket 7"))
    assert facts.interaction == interaction()
    assert facts.decision is not None, "else nobody knew whether its question waits still"
    assert (facts.decision.key, facts.decision.verdict) == ("old:2", "asked")
    ended = replace(interaction(), dealing=Dealing(endings=1, ended_at=NOON), revision=1)
    now = decision("deal:1", customer=CustomerId("ann"))
    await write(upgraded, SaveInteraction(interaction=ended, was_revision=0), RecordDecision(decision=now))
    facts = await look(upgraded, interaction=InteractionId("deal"))
    assert (facts.interaction, facts.decision) == (ended, now)
    # what stood "deferred" stands no more: now it has a row of its own
    assert [each.key for each in await upgraded.ledger.list(DecisionQuery())] == ["deal:1", "old:2"]
    assert [each.key for each in await upgraded.ledger.list(DecisionQuery(about="K-7"))] == ["deal:1", "old:2"]
    told = (await look(upgraded, explain="ticket 7")).decisions
    assert [each.key for each in told] == ["deal:1", "old:2"]
    assert await upgraded.dues.due(NOON, 9) == [Due(key="ask:deal", kind="ask", ref="deal", due_at=NOON)]


async def test_of_two_customers_of_one_reference_the_one_known_longest_has_it(upgraded: Storage) -> None:
    facts = await look(upgraded, known_as="K-7", address=address("9"))
    assert facts.namesake == Customer(id=CustomerId("ann"), locale="vi", reference="K-7")
    assert (facts.addresses, facts.customer is not None and facts.customer.id) == ((address(),), "ann again")
    await write(upgraded, MergeCustomers(gone=CustomerId("ann again"), kept=CustomerId("ann"), at=NOON))
    facts = await look(upgraded, known_as="K-7", address=address("9"))
    assert facts.customer == facts.namesake
    assert facts.addresses == (address("9"), address())


async def test_what_a_replica_of_that_release_still_decides_is_listed(before: str, upgraded: Storage) -> None:
    """While one replica after the other is upgraded, the tables are new and a writer is old."""
    late = {**DECIDED[1], "rule": "cool-down", "verdict": "not asked", "conversation": "talk"}
    await put(before, [old_decision(**late)])
    newest, *_ = await upgraded.ledger.list(DecisionQuery(about="5512"))
    expected = replace(ASKED, key="old:3", verdict="not asked", rule="cool-down", conversation=ConversationId("talk"))
    assert newest == expected


async def test_several_processes_may_open_it_at_once(before: str, clock: SetClock) -> None:
    opened = await asyncio.gather(*(open_storage(before, clock=clock) for _ in range(3)))
    await opened[0].links.keep(link())
    assert [await storage.links.find(link().id) for storage in opened] == [link()] * 3
    for storage in opened:
        await storage.close()
