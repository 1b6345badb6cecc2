"""The Outbox port on both databases: lanes, leases, fences."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest
from msgspec.structs import replace

from bot.followup.cases import CaseNote
from bot.ids import CaseId, IncidentId
from bot.messages import Address, AlertOf, ChannelName, IncidentOf, Outbound, OutboundKind, Receipt, Remark
from bot.ports import CaseView, Delivery, GaveUp, NoteCase, Queue, RetryAt, SaveCase, Sent, Settlement
from bot.storage import Storage
from tests.conftest import SetClock
from tests.storage.samples import (
    DESK,
    FLOW,
    NOON,
    TELEGRAM,
    begin_talk,
    case,
    conversation,
    customer,
    later,
    look,
    outbound,
    queued,
    write,
)

SENT = Sent(receipt=Receipt(remote="m1"))


async def claim(
    storage: Storage, at: datetime = NOON, *, limit: int = 10, blocked: Sequence[str] = ()
) -> Sequence[Delivery]:
    return await storage.outbox.claim(at, limit=limit, lease_until=at.replace(minute=at.minute + 1), blocked=blocked)


async def claim_one(storage: Storage, at: datetime = NOON) -> Delivery:
    (delivery,) = await claim(storage, at)
    return delivery


def slots(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.outbound.slot for delivery in deliveries]


async def test_a_queued_message_comes_back_whole(storage: Storage) -> None:
    await write(storage, *queued("q1"))
    delivery = await claim_one(storage)
    assert delivery == Delivery(id=delivery.id, outbound=outbound("q1"), attempt=1, queued_at=NOON)


async def test_one_message_of_a_lane_at_a_time_in_order(storage: Storage) -> None:
    await write(storage, *queued("a1", "a2", lane="a"), *queued("b1", lane="b"))
    first = await claim(storage)
    assert slots(first) == ["a1", "b1"]
    assert slots(await claim(storage)) == []
    assert await storage.outbox.settle(first[0], SENT, NOON)
    assert slots(await claim(storage)) == ["a2"]


@pytest.mark.parametrize(
    ("blocked", "left"),
    [
        ([], ["alert", "other", "edit"]),
        (["slack"], []),
        (["slack/#desk/post"], ["other", "edit"]),
        (["slack/#desk/post", "slack/#desk/edit"], ["other"]),
        (["slack/#elsewhere/post", "sla", "#desk"], ["alert", "other", "edit"]),
    ],
    ids=["nothing", "the channel", "new messages of one room", "all of one room", "others"],
)
async def test_what_takes_nothing_now_is_left_out(storage: Storage, blocked: list[str], left: list[str]) -> None:
    desk, other = (Address(channel=ChannelName("slack"), key=key) for key in ("#desk", "#other"))
    rooms: dict[str, tuple[Address, OutboundKind]] = {
        "alert": (desk, "post"),
        "other": (other, "post"),
        "edit": (desk, "edit"),
    }
    for slot, (to, kind) in rooms.items():
        message = replace(outbound(slot, lane=f"lane {slot}"), to=to, kind=kind)
        await write(storage, Queue(outbound=message, at=NOON))
    assert (await storage.outbox.next_due(NOON, blocked=blocked) is None) == (left == [])
    assert slots(await claim(storage, blocked=blocked)) == left


async def test_what_was_not_tried_keeps_what_was_said_of_it(storage: Storage) -> None:
    await write(storage, *queued("q1"))
    await storage.outbox.settle(await claim_one(storage), RetryAt(due_at=NOON, error="no such room"), NOON)
    await storage.outbox.settle(await claim_one(storage), RetryAt(due_at=NOON, error="", counts=False), NOON)
    (waiting,) = await storage.waiting(10)
    assert (waiting.error, waiting.attempts) == ("no such room", 1)


async def test_the_limit_takes_the_oldest(storage: Storage) -> None:
    for n in range(4):
        await write(storage, *queued(f"s{n}", lane=f"lane {n}", at=later(minutes=-n)))
    assert slots(await claim(storage, limit=2)) == ["s0", "s1"], "first queued, whenever they are due"


async def test_what_gathered_while_a_service_was_away_leaves_in_order(storage: Storage) -> None:
    """Each message was put off by a time of its own; when all of them are due again, the first queued goes first."""
    for n in range(12):
        await write(storage, *queued(f"s{n}", lane=f"lane {n}"))
    for delivery in await claim(storage, limit=12):
        again = later(minutes=10 - delivery.id % 5)
        await storage.outbox.settle(delivery, RetryAt(due_at=again, error="away"), NOON)
    left: list[str] = []
    while claimed := await claim(storage, later(minutes=20), limit=5):
        left += slots(claimed)
    assert left == [f"s{n}" for n in range(12)]


async def test_a_retried_message_holds_its_lane(storage: Storage) -> None:
    await write(storage, *queued("a1", "a2"))
    delivery = await claim_one(storage)
    await storage.outbox.settle(delivery, RetryAt(due_at=later(minutes=5), error="hiccup"), NOON)
    assert slots(await claim(storage, later(minutes=4))) == []
    again = await claim_one(storage, later(minutes=5))
    assert (again.outbound.slot, again.attempt, again.maybe_delivered) == ("a1", 2, False)


async def test_after_a_clock_was_put_back_nothing_waits_for_the_time_that_it_told(storage: Storage) -> None:
    tomorrow = later(days=1)
    await write(storage, *queued("retried", lane="a", at=tomorrow), *queued("leased", lane="b", at=tomorrow))
    await write(storage, *queued("soon", lane="c"))
    first, second, third = await storage.outbox.claim(tomorrow, limit=3, lease_until=later(days=1, minutes=1))
    await storage.outbox.settle(first, RetryAt(due_at=later(days=1, minutes=5), error="away"), tomorrow)
    await storage.outbox.settle(third, RetryAt(due_at=later(minutes=30), error="away"), NOON)
    times = {"latest": later(hours=1), "lease_until": later(minutes=1)}
    assert await storage.outbox.rewind(NOON, **times) == 2
    assert await storage.outbox.rewind(NOON, **times) == 0
    assert slots(await claim(storage)) == ["retried"]
    assert slots(await claim(storage, later(minutes=1))) == ["retried", "leased"]
    assert not await storage.outbox.settle(replace(second, attempt=9), SENT, NOON)
    assert slots(await claim(storage, later(minutes=30)))[-1] == "soon"


async def test_agents_words_that_wait_or_were_given_up_are_found(storage: Storage) -> None:
    for n, slot in enumerate(("relay:c1:a", "relay:c1:b", "relay:c2:c", "words:1", "q1")):
        message = replace(outbound(slot, lane=f"lane {n}"), kind="post" if slot == "q1" else "relay")
        await write(storage, Queue(outbound=message, at=later(minutes=n)))
    deliveries = await claim(storage, later(minutes=9))
    await storage.outbox.settle(deliveries[0], GaveUp(error="gone"), later(minutes=9))
    await storage.outbox.settle(deliveries[1], RetryAt(due_at=later(hours=1), error="away"), NOON)
    late = await storage.outbox.late(later(minutes=2), after=0)
    assert [(each.outbound.slot, each.error) for each in late] == [("relay:c1:b", "away"), ("relay:c2:c", "")]
    assert list(await storage.outbox.late(later(minutes=2), after=late[0].id)) == late[1:]
    assert [each.outbound.slot for each in await storage.outbox.late(later(minutes=1), after=0)] == ["relay:c1:b"]
    assert [(each.outbound.slot, each.error) for each in await storage.outbox.lost(later(minutes=9))] == [
        ("relay:c1:a", "gone")
    ]
    assert await storage.outbox.lost(later(minutes=10)) == []


async def test_a_lease_that_ran_out_leaves_it_open_whether_the_message_arrived(storage: Storage) -> None:
    await write(storage, *queued("a1"))
    assert not (await claim_one(storage)).maybe_delivered
    taken_over = await claim_one(storage, later(minutes=30))
    assert taken_over.maybe_delivered
    await storage.outbox.settle(taken_over, RetryAt(due_at=later(minutes=31), error="hiccup"), later(minutes=30))
    assert (await claim_one(storage, later(minutes=32))).maybe_delivered, "and that stays so"


async def test_a_wait_that_we_were_told_to_make_is_no_attempt(storage: Storage) -> None:
    await write(storage, *queued("a1"))
    told = RetryAt(due_at=later(minutes=1), error="rate limit", counts=False)
    await storage.outbox.settle(await claim_one(storage), told, NOON)
    assert (await claim_one(storage, later(minutes=1))).attempt == 1


async def test_doubt_about_an_earlier_attempt_stays(storage: Storage) -> None:
    await write(storage, *queued("a1"))
    lost = RetryAt(due_at=later(minutes=1), error="reset", maybe_delivered=True)
    await storage.outbox.settle(await claim_one(storage), lost, NOON)
    await storage.outbox.settle(
        await claim_one(storage, later(minutes=1)), RetryAt(due_at=later(minutes=2), error="x"), NOON
    )
    assert (await claim_one(storage, later(minutes=2))).maybe_delivered


async def test_a_given_up_message_frees_its_lane_and_is_told(storage: Storage) -> None:
    await write(storage, *queued("a1", "a2"))
    await storage.outbox.settle(await claim_one(storage), GaveUp(error="chat not found"), later(minutes=1))
    assert slots(await claim(storage)) == ["a2"]
    (lost,) = await storage.given_up(10)
    assert (lost.slot, lost.error, lost.attempts, lost.given_up_at) == ("a1", "chat not found", 1, later(minutes=1))


async def test_an_expired_lease_is_anybodys(storage: Storage) -> None:
    await write(storage, *queued("a1"))
    lost = await claim_one(storage)
    taken = await claim_one(storage, later(minutes=1))
    assert taken.attempt == 2
    assert not await storage.outbox.settle(lost, SENT, later(minutes=1))
    assert await storage.outbox.settle(taken, SENT, later(minutes=1))
    assert not await storage.outbox.settle(taken, SENT, later(minutes=1))


async def test_an_expired_lease_that_nobody_took_may_be_settled(storage: Storage) -> None:
    await write(storage, *queued("a1"))
    late = await claim_one(storage)
    assert await storage.outbox.settle(late, SENT, later(hours=1))
    assert await claim(storage, later(hours=2)) == []


async def test_a_lost_lease_stays_lost_when_attempts_are_not_counted(storage: Storage) -> None:
    # The taker's attempt is taken back, so the row counts as many attempts as when the first owner had it.
    await write(storage, *queued("a1"))
    lost = await claim_one(storage)
    taken = await claim_one(storage, later(minutes=1))
    told = RetryAt(due_at=later(minutes=2), error="rate limit", counts=False)
    assert await storage.outbox.settle(taken, told, later(minutes=1))
    assert not await storage.outbox.settle(lost, SENT, later(minutes=1))
    again = await claim_one(storage, later(minutes=2))
    assert not await storage.outbox.settle(lost, SENT, later(minutes=2))
    assert await storage.outbox.settle(again, SENT, later(minutes=2))


async def test_an_edit_waits_for_the_post_and_knows_its_remote_message(storage: Storage) -> None:
    await write(storage, *queued("q1"), *queued("q1", kind="edit"))
    await storage.outbox.settle(await claim_one(storage), SENT, NOON)
    edit = await claim_one(storage)
    assert (edit.outbound.kind, edit.remote) == ("edit", "m1")


async def test_an_edit_of_a_post_given_up_has_no_remote_message(storage: Storage) -> None:
    await write(storage, *queued("q1"), *queued("q1", kind="edit"))
    await storage.outbox.settle(await claim_one(storage), GaveUp(error="gone"), NOON)
    assert (await claim_one(storage)).remote is None


@pytest.mark.parametrize("remote", ["m1", "posted anew"])
async def test_an_edit_that_was_posted_anew_is_what_later_edits_change(storage: Storage, remote: str) -> None:
    """The service may answer with another message than the one to change, which was deleted there."""
    await write(storage, *queued("q1"), *queued("q1", "q1", kind="edit"))
    await storage.outbox.settle(await claim_one(storage), SENT, NOON)
    await storage.outbox.settle(await claim_one(storage), Sent(receipt=Receipt(remote=remote)), NOON)
    assert (await claim_one(storage)).remote == remote


async def test_an_edit_sent_as_a_post_is_what_later_edits_change(storage: Storage) -> None:
    """Its first post was given up; otherwise every change would post one more alert."""
    await write(storage, *queued("q1"), *queued("q1", "q1", kind="edit"))
    await storage.outbox.settle(await claim_one(storage), GaveUp(error="gone"), NOON)
    await storage.outbox.settle(await claim_one(storage), SENT, NOON)
    assert (await claim_one(storage)).remote == "m1"


async def test_a_message_in_a_thread_knows_the_message_that_it_stands_under(storage: Storage) -> None:
    """It waits behind the alert in the alert's lane; a message to the customer only names the thread."""
    remark = Outbound(
        kind="relay", to=DESK, lane="case:1", slot="words:1", content=Remark(text="hello"), thread="alert:1"
    )
    relay = replace(outbound("relay:1", lane="customer", kind="relay"), thread="alert:1")
    await write(storage, alert("post", 1), Queue(outbound=remark, at=NOON), Queue(outbound=relay, at=NOON))
    first, early = await claim(storage)
    assert (early.outbound, early.remote, early.thread_remote) == (relay, None, None)
    assert first.thread_remote is None
    await storage.outbox.settle(first, Sent(receipt=Receipt(remote="C7:12.5")), NOON)
    late = await claim_one(storage)
    assert (late.outbound, late.remote, late.thread_remote) == (remark, None, "C7:12.5")


async def test_blocked_channels_are_left_alone(storage: Storage) -> None:
    slack = replace(outbound("s1", lane="s"), to=Address(channel=ChannelName("slack"), key="U1"))
    await write(storage, *queued("t1"), Queue(outbound=slack, at=NOON))
    assert slots(await claim(storage, blocked=[TELEGRAM])) == ["s1"]
    assert slots(await claim(storage, blocked=[TELEGRAM, ChannelName("slack")])) == []
    assert slots(await claim(storage)) == ["t1"]


async def test_when_the_next_message_may_go(storage: Storage) -> None:
    assert await storage.outbox.next_due(NOON) is None
    await write(storage, *queued("a1", lane="a", at=later(minutes=10)))
    assert await storage.outbox.next_due(NOON) == later(minutes=10)
    await write(storage, *queued("b1", "b2", lane="b", at=later(minutes=-1)))
    assert await storage.outbox.next_due(NOON) == NOON
    assert await storage.outbox.next_due(NOON, blocked=[TELEGRAM]) is None
    await claim(storage)
    # The lease of b1 ends first, and b2 waits behind it.
    assert await storage.outbox.next_due(NOON) == later(minutes=1)


@pytest.mark.parametrize(
    "settlement", [SENT, GaveUp(error="x"), RetryAt(due_at=NOON, error="x")], ids=["sent", "given up", "retried"]
)
async def test_only_the_owner_settles(storage: Storage, settlement: Settlement) -> None:
    await write(storage, *queued("a1"))
    delivery = await claim_one(storage)
    stranger = Delivery(id=delivery.id, outbound=delivery.outbound, attempt=7, queued_at=NOON)
    assert not await storage.outbox.settle(stranger, settlement, NOON)
    assert await storage.outbox.settle(delivery, settlement, NOON)


async def test_what_an_alert_shows(storage: Storage) -> None:
    await begin_talk(storage)
    opened = CaseNote(case=CaseId("case"), what="opened", who=None, at=NOON)
    notes = (opened, CaseNote(case=CaseId("case"), what="claimed", who="Minh", at=NOON))
    await write(storage, SaveCase(case=case(), was_revision=None), *(NoteCase(note=note) for note in notes))
    view = CaseView(case=case(), flow=FLOW, customer=customer(), conversation=conversation(), words=(), notes=notes)
    assert await storage.outbox.case_view(CaseId("case")) == view
    assert await storage.outbox.case_view(CaseId("none")) is None


async def test_a_sweep_forgets_all_that_is_old_and_nothing_else(storage: Storage, clock: SetClock) -> None:
    old = [f"old {n}" for n in range(1_200)]
    await asyncio.gather(*(look(storage, event=event) for event in old))
    clock.advance(days=8)
    await look(storage, event="new")
    await storage.sweep(clock())
    # Under a clock set back the week is not over yet: only what was forgotten is new.
    clock.advance(days=-8)
    assert [(await look(storage, event=event)).seen for event in ("old 0", "old 1199", "new")] == [False, False, True]


async def test_sent_messages_are_forgotten_after_a_week(storage: Storage) -> None:
    await write(storage, *queued("a1", lane="a"), *queued("b1", lane="b"), *queued("c1", lane="c"))
    first, second, _ = await claim(storage)
    await storage.outbox.settle(first, SENT, NOON)
    await storage.outbox.settle(second, GaveUp(error="gone"), NOON)
    await storage.sweep(later(days=8))
    # What was given up stays for the operator, what is queued stays queued.
    assert len(await storage.given_up(10)) == 1
    assert slots(await claim(storage, later(days=8))) == ["c1"]
    # The remote message stays as well: it may be edited long after.
    await write(storage, *queued("a1", lane="a", kind="edit"))
    assert (await claim_one(storage)).remote == "m1"


def alert(kind: OutboundKind, n: int = 0) -> Queue:
    """A message of one case's alert; ``n`` only keeps the samples apart."""
    content = AlertOf(case=CaseId(f"case{n}"))
    return Queue(outbound=Outbound(kind=kind, to=DESK, lane=f"case:{n}", slot=f"alert:{n}", content=content), at=NOON)


def incident_alert(kind: OutboundKind) -> Queue:
    content = IncidentOf(incident=IncidentId("i"))
    said = Outbound(kind=kind, to=DESK, lane="incident:i", slot="incident:i", content=content)
    return Queue(outbound=said, at=NOON)


async def test_changes_of_a_case_wait_in_one_message_of_its_alert(storage: Storage) -> None:
    await write(storage, alert("post"))
    for _ in range(30):
        await write(storage, alert("edit"))
    await write(storage, alert("edit", 1))
    assert slots(await claim(storage)) == ["alert:0", "alert:1"], "the post will show it all"


async def test_changes_of_an_incident_wait_in_one_message_of_its_alert(storage: Storage) -> None:
    await write(storage, incident_alert("post"), incident_alert("edit"), incident_alert("edit"))
    await storage.outbox.settle(await claim_one(storage), SENT, NOON)
    assert not await claim(storage), "the post showed it all"
    await write(storage, incident_alert("edit"), incident_alert("edit"), alert("edit", 1), alert("edit", 2))
    edit, *others = await claim(storage)
    assert (edit.outbound, edit.remote) == (incident_alert("edit").outbound, "m1")
    assert slots(others) == ["alert:1", "alert:2"], "several alerts may change in one step"
    await storage.outbox.settle(edit, SENT, NOON)
    assert not await claim(storage)


async def test_a_change_while_the_alert_is_being_sent_is_told_afterwards(storage: Storage) -> None:
    await write(storage, alert("post"))
    under_way = await claim_one(storage)
    for _ in range(30):
        await write(storage, alert("edit"))
    await storage.outbox.settle(under_way, SENT, NOON)
    (edit,) = await claim(storage)
    assert (edit.outbound.kind, edit.remote) == ("edit", "m1")
    await storage.outbox.settle(edit, SENT, NOON)
    assert not await claim(storage)


async def test_no_change_is_lost_between_the_drawing_and_the_sending(storage: Storage) -> None:
    """Whoever draws after a change shows it; whoever drew before leaves an edit behind."""
    await write(storage, alert("post"))
    drawn = 0
    changes = 0

    async def change() -> None:
        nonlocal changes
        for _ in range(40):
            await write(storage, alert("edit"))
            changes += 1
            await asyncio.sleep(0)

    async def send() -> None:
        nonlocal drawn
        idle = 0
        while idle < 3:
            claimed = await claim(storage)
            idle = 0 if claimed else idle + 1
            for delivery in claimed:
                drawn = changes
                await storage.outbox.settle(delivery, SENT, NOON)
            await asyncio.sleep(0.01)

    await asyncio.gather(change(), send())
    await send()
    assert drawn == changes == 40
