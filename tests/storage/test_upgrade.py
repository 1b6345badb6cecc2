"""A database that an earlier release wrote, opened by this one: nothing is lost, and its cases list like new ones."""

import asyncio
import importlib
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

import bot.storage.migrations
from bot.ids import CaseId
from bot.intake.settling import due_key
from bot.messages import Address
from bot.ports import CaseQuery, DueKind, Queue, SaveCase, SettleDue
from bot.storage import Storage, open_storage
from bot.storage.codec import encode, to_micros
from bot.storage.location import parse_location
from bot.storage.migrate import migrate
from bot.storage.upgrade import AT_ONCE
from tests.conftest import SetClock
from tests.storage.samples import FLOW, NOON, SLACK, address, case, conversation, later, look, outbound, write

#: what a case held in the release before
OLD_FIELDS = {
    "id",
    "conversation",
    "customer",
    "address",
    "flow",
    "question",
    "score",
    "state",
    "owner",
    "owner_name",
    "alerted",
    "desk",
    "revision",
    "opened_at",
    "claimed_at",
}
CLOCKS: tuple[DueKind, ...] = ("first_word", "resolve")
MINH = Address(channel=SLACK, key="U1")
CASES = AT_ONCE + 50


def old_rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """What that release left: cases, some claimed, one withdrawn, and a message on its way."""
    for n in range(CASES):
        talk = conversation(f"talk {n:03}", key=str(n), locale="vi" if n % 2 else "it", at=later(minutes=n))
        owner = {"state": "claimed", "owner": MINH, "owner_name": "Minh", "revision": 3} if n % 5 == 1 else {}
        left = {"state": "withdrawn"} if n == 10 else {}
        opened = case(f"case {n:03}", of=talk, opened_at=later(minutes=n), **owner, **left)
        where = {"customer": talk.customer, "channel": talk.address.channel, "address_key": talk.address.key}
        yield (
            "conversation",
            {
                **where,
                "id": talk.id,
                "flow": FLOW.hash,
                "flow_id": "delivery",
                "status": talk.status,
                "turn": 0,
                "state": encode(talk),
                "started_at": to_micros(talk.started_at),
                "touched_at": to_micros(talk.touched_at),
            },
        )
        body = json.loads(encode(opened))
        yield (
            "followup_case",
            {
                **where,
                "id": opened.id,
                "conversation": talk.id,
                "flow_id": opened.flow,
                "score": opened.score,
                "state": opened.state,
                "revision": opened.revision,
                "opened_at": to_micros(opened.opened_at),
                "body": json.dumps({name: body[name] for name in sorted(OLD_FIELDS)}),
            },
        )
    waiting = outbound("q1")
    yield (
        "outbox",
        {
            "lane": waiting.lane,
            "channel": waiting.to.channel,
            "address_key": waiting.to.key,
            "kind": waiting.kind,
            "slot": waiting.slot,
            "content": encode(waiting.content),
            "state": "queued",
            "due_at": to_micros(NOON),
            "attempts": 0,
            "maybe_delivered": False,
            "queued_at": to_micros(NOON),
        },
    )


async def put(url: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> None:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        for table, row in rows:
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
        connection.commit()
        connection.close()
        return
    server = await asyncpg.connect(url)
    for table, row in rows:
        marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await server.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())
    await server.close()


@pytest.fixture
async def old_url(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A database of the release before, with its rows."""
    folder = tmp_path / "release_before"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    first = Path(bot.storage.migrations.__path__[0]) / "0001_initial.py"
    (folder / first.name).write_text(first.read_text())
    monkeypatch.syspath_prepend(tmp_path)
    if empty_url.startswith("sqlite"):
        Path(empty_url.removeprefix("sqlite:///")).parent.mkdir(parents=True)
    await migrate(parse_location(empty_url), folder.name)
    await put(empty_url, list(old_rows()))
    yield empty_url
    importlib.invalidate_caches()


async def listed(storage: Storage, **asked: Any) -> list[str]:
    return [each.case.id for each in await storage.cases.list(CaseQuery(limit=9_999, **asked))]


async def test_cases_of_the_release_before_list_like_new_ones(old_url: str, clock: SetClock) -> None:
    storage = await open_storage(old_url, clock=clock)
    await storage.activate_flows([FLOW], NOON)
    every = [f"case {n:03}" for n in reversed(range(CASES))]
    assert await listed(storage) == every
    assert await listed(storage, language="vi") == [id for id in every if int(id[-1]) % 2]
    assert await listed(storage, owner="Minh", states=("claimed",)) == [id for id in every if int(id[-1]) % 5 == 1]
    assert await listed(storage, priorities=("normal",), states=("withdrawn",)) == ["case 010"]
    times = await storage.cases.times(None, None)
    assert len(times) == CASES - 1
    assert {(each.language, each.cause) for each in times} == {("vi", ""), ("it", "")}
    await storage.close()


async def test_a_case_of_the_release_before_goes_on(old_url: str, clock: SetClock) -> None:
    storage = await open_storage(old_url, clock=clock)
    await storage.activate_flows([FLOW], NOON)
    claimed = (await look(storage, address=address("1"))).open_case
    assert claimed is not None
    assert (claimed.locale, claimed.owner, claimed.team) == ("vi", MINH, "")
    spoken = replace(claimed, state="contacted", first_word_at=NOON, last_word_at=NOON, revision=claimed.revision + 1)
    await write(storage, SaveCase(case=spoken, was_revision=claimed.revision))
    view = await storage.cases.view(CaseId("case 001"))
    assert view is not None
    assert view.case == spoken
    said = replace(outbound("q2", lane="another"), thread="alert:case 001")
    await write(storage, Queue(outbound=said, at=NOON))
    claimed_messages = await storage.outbox.claim(NOON, limit=9, lease_until=later(minutes=1))
    assert [each.outbound for each in claimed_messages] == [outbound("q1"), said]
    await storage.close()


async def test_the_clocks_of_cases_of_the_release_before_are_looked_at(old_url: str, clock: SetClock) -> None:
    """What is to become of them is decided where the team's hours are known."""
    storage = await open_storage(old_url, clock=clock)
    rows = await storage.dues.due(NOON, 2 * CASES)
    working = [f"case {n:03}" for n in range(CASES) if n != 10]
    assert sorted(due.key for due in rows) == sorted(due_key(kind, CaseId(id)) for id in working for kind in CLOCKS)
    assert {(due.kind, due.ref) for due in rows} == {(kind, id) for id in working for kind in CLOCKS}
    assert max(due.due_at for due in rows) < NOON
    await write(storage, SettleDue(due=rows[0]))
    again = await open_storage(old_url, clock=clock)
    assert len(await again.dues.due(NOON, 2 * CASES)) == len(rows) - 1, "put once"
    await again.close()
    await storage.close()


async def test_several_processes_may_open_an_old_database_at_once(old_url: str, clock: SetClock) -> None:
    opened = await asyncio.gather(*(open_storage(old_url, clock=clock) for _ in range(3)))
    assert [len(await listed(storage, language="vi")) for storage in opened] == [CASES // 2] * 3
    facts = await look(opened[0], case=CaseId("case 001"))
    assert facts.case is not None
    assert facts.case.revision == 4, "filled in once"
    for storage in opened:
        await storage.close()


async def test_what_a_replica_of_the_release_before_still_writes_is_filled_in_later(
    old_url: str, clock: SetClock
) -> None:
    """While one replica after the other is upgraded, the tables are new and a writer is old."""
    storage = await open_storage(old_url, clock=clock)
    row = next(row for table, row in old_rows() if table == "followup_case")
    body = {**json.loads(row["body"]), "id": "late", "conversation": "unknown"}
    await put(old_url, [("followup_case", {**row, "id": "late", "conversation": "unknown", "body": json.dumps(body)})])
    assert "late" in await listed(storage)
    assert await listed(storage, language="en") == []
    again = await open_storage(old_url, clock=clock)
    assert await listed(storage, language="en") == ["late"]
    await again.close()
    await storage.close()
