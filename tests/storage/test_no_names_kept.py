"""Where no names are to be kept, none is anywhere in the database, whatever came in and whoever told it."""

import asyncio
import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from bot.config import Settings
from bot.conversations.dealings import Beside, Ended, Told
from bot.intake import Intake
from bot.intake.anonymity import keyed
from bot.messages import AgentAsks, ChannelName, Commanded, Inbound, Profile, Unread, Wrote
from bot.ports import DecisionQuery
from bot.storage import Storage, models
from bot.storage.ops import ask, query
from bot.web.triggers import Triggers
from tests.conftest import SetClock
from tests.intake.world import AGENTS, ANN, BEN, SETTINGS
from tests.triggers.desks import KINDS, SHARED, trigger_of

NAME, REFERENCE = "Zebulon Quill", "CUST-90417"
WHO = Profile(name=NAME, language="en")
HEADERS = {"authorization": f"Bearer {SHARED}", "content-type": "application/json"}


def settings(*, anonymous: bool) -> Settings:
    triggers = tuple(trigger_of(kind) for kind in KINDS)
    return replace(SETTINGS, asking=replace(SETTINGS.asking, anonymous=anonymous), triggers=triggers)


async def dump(storage: Storage) -> str:
    """All that is kept, in every table."""
    kept = []
    for model in vars(models).values():
        table = getattr(getattr(model, "Meta", None), "table", None)
        if table is not None and model.__module__ == models.__name__:
            rows = await storage._engine.read(lambda table=table: ask(query(f"SELECT * FROM {table}")))  # type: ignore[misc]
            kept += [bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
                     for row in rows for value in row]  # fmt: skip
    return "\n".join(kept)


def events(at: Callable[[], Any]) -> list[Inbound]:
    return [
        Wrote(event="w", sender=ANN, text="hello", at=at(), profile=WHO),
        Commanded(event="c", sender=ANN, command="feedback", at=at(), profile=WHO),
        # a value that PostgreSQL refuses, so that the event is kept aside
        Wrote(event="damaged", sender=replace(ANN, key="a\ud800"), text="hi", at=at(), profile=WHO),
        AgentAsks(event="a", agent=AGENTS[0], agent_name="Minh", customer=BEN, about="m1", at=at(), profile=WHO),
        Unread(event="u", channel=ChannelName("telegram"), at=at(), why="not understood", body=f"<{NAME}>".encode()),
    ]


async def everything(storage: Storage, clock: SetClock, *, anonymous: bool) -> None:
    """A round of all that comes in."""
    set_so, numbers = settings(anonymous=anonymous), count(1)
    await storage.activate_flows(set_so.flows, clock())
    intake = Intake(
        store=storage,
        settings=lambda: set_so,
        clock=clock,
        ids=lambda: f"{next(numbers):016d}",
        pseudonym=keyed(storage.key_for("pseudonyms")),
    )
    for event in events(clock):
        await intake.handle(event)
    about: dict[str, Any] = {"source": "api", "name": NAME, "customer": REFERENCE}
    for happening in (Ended(), Beside(kind="odd")):
        await intake.tell(Told(reference="81", happening=happening, address=ANN, **about), "api")
        await intake.tell(Told(reference="82", happening=happening, address=BEN, proves=False, **about), "helpdesk")
    triggers = Triggers(intake=intake, settings=lambda: set_so, clock=clock)
    for body in bodies():
        for trigger in set_so.triggers:
            await triggers.take(trigger, HEADERS, body)
    clock.advance(minutes=10)
    for due in await storage.dues.due(clock(), 100):
        await intake.come_due(due)


def bodies() -> list[bytes]:
    """Something for each helpdesk: what is understood, and what is not."""
    customer = {"name": NAME, "reference": REFERENCE, "number": REFERENCE}
    whole = {
        "event": "closed",
        "ticket": {"id": "81", "number": "81", "state": "closed", "customer": {"firstname": NAME}},
        "customer": customer,
        "order": {"id": "81", "customer": customer},
        "conversation": {"id": "81", "meta": {"sender": {"name": NAME, "identifier": REFERENCE}}},
        "data": {"item": {"id": "81", "user": {"name": NAME, "external_id": REFERENCE}}},
    }
    nameless = {**whole, "ticket": {}, "order": {"customer": customer}, "event": "conversation_resolved"}
    return [json.dumps(body).encode() for body in (whole, nameless, [whole, NAME])] + [f"{{{NAME} {REFERENCE}".encode()]


async def test_what_is_looked_for_is_there_where_names_are_kept(storage: Storage, clock: SetClock) -> None:
    await everything(storage, clock, anonymous=False)
    kept = await dump(storage)
    assert NAME in kept
    assert REFERENCE in kept
    assert any(NAME.encode() in each.body for each in await storage.aside(100))


async def test_no_name_and_no_reference_is_kept_anywhere(storage: Storage, clock: SetClock) -> None:
    await everything(storage, clock, anonymous=True)
    kept = await dump(storage)
    assert NAME not in kept
    assert REFERENCE not in kept
    aside = await storage.aside(100)
    assert aside
    assert all(each.body.startswith(b"sha256 ") and each.body.endswith(b" bytes") for each in aside)
    assert all(each.why for each in aside)


@pytest.mark.parametrize("length", [201, 5000])
async def test_a_reference_of_any_length_is_taken(storage: Storage, clock: SetClock, length: int) -> None:
    """PostgreSQL's indexes take some 2,700 bytes; who tells the same again still tells of the same."""
    set_so, numbers = settings(anonymous=False), count(1)
    await storage.activate_flows(set_so.flows, clock())
    intake = Intake(store=storage, settings=lambda: set_so, clock=clock, ids=lambda: f"{next(numbers):016d}")
    triggers = Triggers(intake=intake, settings=lambda: set_so, clock=clock)
    generic = next(each for each in set_so.triggers if each.kind == "generic")
    longest = "".join(chr(0x4E00 + n % 20000) for n in range(length))
    order = {"id": longest, "customer": {"number": longest}}
    body = json.dumps({"event": "delivered", "delivery_id": longest, "order": order}).encode()
    async with asyncio.timeout(30):
        answers = [await triggers.take(generic, HEADERS, body) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    (decision,) = await storage.ledger.list(DecisionQuery())
    assert len(decision.reference) <= 200
    assert len(decision.known_as or "") <= 200
    assert decision.repeats == 1
