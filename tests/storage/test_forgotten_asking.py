"""What the sweep forgets of asking: what asked nobody, and links that are over."""

from bot.ports import DecisionQuery, Due, KeepLink, PutDue, RecordDecision
from bot.storage import Storage
from bot.storage.retention import AT_ONCE
from tests.storage.samples import NOON, decision, later, link, write


async def test_what_asked_nobody_is_forgotten_after_a_month(storage: Storage) -> None:
    old = [decision(f"event:{n}", trigger="event", occasion=None) for n in range(AT_ONCE + 20)]
    new = decision("event:new", trigger="event", occasion=None, at=later(days=1))
    await write(storage, *(RecordDecision(decision=each) for each in (*old, new, decision("deal:1"))))
    await storage.sweep(later(days=30))
    assert len(await storage.ledger.list(DecisionQuery(limit=9_999))) == len(old) + 2
    await storage.sweep(later(days=30, seconds=1))
    assert {each.key for each in await storage.ledger.list(DecisionQuery())} == {"deal:1", "event:new"}


async def test_a_link_is_forgotten_a_month_after_it_expired(storage: Storage) -> None:
    links = [link("over", expires_at=NOON), link("later", expires_at=later(days=2)), link("never")]
    await write(storage, *(KeepLink(link=each) for each in links))
    await storage.sweep(later(days=30))
    assert await storage.links.find("over") is not None
    await storage.sweep(later(days=31))
    assert [await storage.links.find(each.id) for each in links] == [None, *links[1:]]


async def test_due_rows_are_never_forgotten(storage: Storage) -> None:
    due = Due(key="ask:deal", kind="ask", ref="deal", due_at=NOON)
    await write(storage, PutDue(due=due))
    await storage.sweep(later(days=400))
    assert await storage.dues.due(NOON, 9) == [due]
