"""Two customers who are proven to be one: all that was the one's is the other's, and what comes late loses nothing."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from msgspec.structs import replace

from bot.ids import CaseId, ConversationId, CustomerId, WordsId
from bot.messages import Address, ChannelName
from bot.ports import (
    AgentWords,
    Customer,
    Decision,
    DecisionQuery,
    Facts,
    JoinPanel,
    KeepReply,
    KeepWords,
    LeavePanel,
    MergeCustomers,
    OptOut,
    Outcome,
    PanelMember,
    Read,
    RecordDecision,
    RecordShown,
    SaveCase,
    SaveConversation,
    SaveCustomer,
    Shown,
    Words,
    Write,
)
from bot.storage import Storage
from tests.storage.samples import (
    FLOW,
    NOON,
    address,
    answer,
    begin_talk,
    case,
    conversation,
    customer,
    decision,
    later,
    look,
    scored,
    write,
)

GONE, KEPT = customer().id, customer("9").id
MERGE = MergeCustomers(gone=GONE, kept=KEPT, at=later(hours=1))
SAID = Words(id=WordsId("w"), customer=GONE, conversation=ConversationId("talk"), question=None, text="slow", at=NOON)
REPLY = AgentWords(id="relay:1", case=CaseId("case"), customer=GONE, author="Minh", text="sorry", at=NOON)


async def two(storage: Storage) -> None:
    """One at the address 5512, with all that one may have, and another at 9."""
    await begin_talk(storage, "5512", "9")
    await write(
        storage,
        answer(2),
        SaveCase(case=case(), was_revision=None),
        KeepWords(words=SAID),
        KeepReply(reply=REPLY),
        RecordShown(customer=GONE, shown=Shown(flow="delivery", is_nps=True, at=NOON)),
        RecordDecision(decision=decision()),
        RecordShown(customer=KEPT, shown=Shown(flow="chat", is_nps=False, at=later(hours=-1))),
    )


async def test_all_that_was_the_ones_is_the_others(storage: Storage) -> None:
    await two(storage)
    await write(storage, MERGE)
    for key in ("5512", "9"):
        facts = await look(storage, address=address(key))
        assert facts.customer is not None
        assert facts.customer.id == KEPT
        assert [past.flow for past in facts.shown] == ["delivery", "chat"]
    facts = await look(storage, address=address(), wrote=True, words=True)
    assert facts.conversation == conversation(customer=KEPT)
    assert (facts.case, facts.open_case) == (case(customer=KEPT), case(customer=KEPT))
    assert (facts.wrote_at, facts.words) == (NOON, (replace(SAID, customer=KEPT),))
    view = await storage.outbox.case_view(CaseId("case"))
    assert view is not None
    assert (view.customer.id, view.case.customer, view.conversation.customer) == (KEPT, KEPT, KEPT)
    assert (view.words, view.replies) == ((replace(SAID, customer=KEPT),), (replace(REPLY, customer=KEPT),))
    (kept,) = await storage.ledger.list(DecisionQuery(about=KEPT))
    assert kept == decision(customer=KEPT)


async def test_answers_of_the_one_count_as_earlier_scores_of_the_other(storage: Storage) -> None:
    await two(storage)
    await write(storage, SaveCase(case=case("case 9", of=conversation("talk 9", key="9")), was_revision=None))
    await write(storage, MERGE)
    view = await storage.outbox.case_view(CaseId("case 9"))
    assert view is not None
    assert [past.score for past in view.scores] == [2]


FILL: dict[str, tuple[Customer, Customer, Customer]] = {
    "what the other lacks": (
        customer(locale="vi", locale_source="report", time_zone="Asia/Saigon", time_zone_source="profile"),
        Customer(id=KEPT, reference="K-7"),
        Customer(
            id=KEPT,
            name="Ann",
            reference="K-7",
            locale="vi",
            locale_source="report",
            time_zone="Asia/Saigon",
            time_zone_source="profile",
        ),
    ),
    "nothing of what the other has": (
        customer(name="Anna", locale="vi", locale_source="report", time_zone="Asia/Saigon"),
        customer("9", locale="it", locale_source="customer", time_zone="Europe/Rome", time_zone_source="report"),
        customer("9", locale="it", locale_source="customer", time_zone="Europe/Rome", time_zone_source="report"),
    ),
    "no source for a language without one": (
        customer(locale="vi", locale_source="report"),
        customer("9", locale="it"),
        customer("9", locale="it"),
    ),
    "the reference, where only the one has it": (
        customer(reference="K-7"),
        customer("9"),
        customer("9", reference="K-7"),
    ),
    "the opt-out of the one": (customer(opted_out_at=NOON), customer("9"), customer("9", opted_out_at=NOON)),
    "the opt-out of the other": (customer(), customer("9", opted_out_at=NOON), customer("9", opted_out_at=NOON)),
    "the later of two opt-outs": (
        customer(opted_out_at=later(days=1)),
        customer("9", opted_out_at=NOON),
        customer("9", opted_out_at=later(days=1)),
    ),
}


@pytest.mark.parametrize(("gone", "kept", "one"), FILL.values(), ids=FILL.keys())
async def test_the_one_gives_the_other(storage: Storage, gone: Customer, kept: Customer, one: Customer) -> None:
    await write(storage, SaveCustomer(customer=gone, address=address(), at=NOON))
    await write(storage, SaveCustomer(customer=kept, address=address("9"), at=NOON))
    await write(storage, MERGE)
    assert (await look(storage, address=address())).customer == one
    assert (await look(storage, address=address("9"))).customer == one


async def test_a_step_may_merge_and_write_of_the_customer_whatever_the_order(storage: Storage) -> None:
    """What it read of the one who is gone it may write as it was: it is the other's."""
    await two(storage)
    talk = scored(conversation(), 2)
    one = customer("9", reference="K-7", locale="vi")
    writes: Sequence[Write] = (
        SaveConversation(conversation=talk, flow_id="delivery", was_turn=0),
        SaveConversation(conversation=conversation("new"), flow_id="delivery", was_turn=None),
        SaveCustomer(customer=one, address=address(), at=NOON),
        MERGE,
        answer(3),
        KeepWords(words=replace(SAID, id=WordsId("w2"), at=later(hours=2))),
        RecordShown(customer=GONE, shown=Shown(flow="later", is_nps=False, at=later(hours=2))),
        RecordDecision(decision=decision(repeats=1)),
        OptOut(customer=GONE, at=NOON),
    )
    await write(storage, *writes)
    facts = await look(storage, conversation=ConversationId("talk"), wrote=True)
    assert facts.customer == replace(one, opted_out_at=NOON)
    assert facts.conversation == replace(talk, customer=KEPT)
    assert [past.flow for past in facts.shown] == ["later", "delivery", "chat"]
    assert facts.wrote_at == later(hours=2)
    assert (await look(storage, conversation=ConversationId("new"))).customer == replace(one, opted_out_at=NOON)
    (kept,) = await storage.ledger.list(DecisionQuery(about=KEPT))
    assert kept == decision(customer=KEPT, repeats=1)


async def test_what_was_decided_before_the_reference_was_known_is_found_by_it(storage: Storage) -> None:
    await two(storage)
    before = decision(known_as=None)
    await write(storage, RecordDecision(decision=before))
    known = customer("9", reference="K-9")
    await write(storage, SaveCustomer(customer=known, address=address("9"), at=NOON))
    assert await storage.ledger.list(DecisionQuery(about="K-9")) == []
    await write(storage, MERGE)
    found: list[Decision] = [replace(before, customer=KEPT)]
    assert list(await storage.ledger.list(DecisionQuery(about="K-9"))) == found
    assert (await look(storage, explain="K-9")).decisions == tuple(found)


async def test_what_was_begun_with_the_one_goes_on(storage: Storage) -> None:
    """A step that read the conversation before the merging: whose it is, the columns know best."""
    await two(storage)
    await write(storage, MERGE)
    stale = scored(conversation(), 2)
    await write(storage, SaveConversation(conversation=stale, flow_id="delivery", was_turn=0))
    facts = await look(storage, conversation=ConversationId("talk"))
    assert facts.customer is not None
    assert (facts.customer.id, facts.conversation) == (KEPT, replace(stale, customer=KEPT))
    changed = case(state="claimed", owner=address("agent"), owner_name="Minh", revision=1)
    await write(storage, SaveCase(case=changed, was_revision=0))
    assert (await look(storage, case=CaseId("case"))).case == replace(changed, customer=KEPT)


def member(of: CustomerId, at: datetime, key: str) -> PanelMember:
    return PanelMember(
        id=f"member {key}",
        customer=of,
        address=address(key),
        flow="delivery",
        version=FLOW.hash,
        question="panel",
        locale="en",
        joined_at=at,
    )


PANEL: dict[str, tuple[Sequence[Write], datetime | None, int, int]] = {
    "both are on it: since the earlier time": (
        (JoinPanel(member=member(GONE, NOON, "5512")), JoinPanel(member=member(KEPT, later(hours=-1), "9"))),
        later(hours=-1),
        1,
        0,
    ),
    "the one left, the other is on it": (
        (
            JoinPanel(member=member(GONE, later(hours=-2), "5512")),
            JoinPanel(member=member(KEPT, NOON, "9")),
            LeavePanel(customer=GONE, by="customer", at=later(minutes=1)),
        ),
        NOON,
        1,
        1,
    ),
    "the other left, the one is on it": (
        (
            JoinPanel(member=member(GONE, NOON, "5512")),
            JoinPanel(member=member(KEPT, later(hours=-2), "9")),
            LeavePanel(customer=KEPT, by="customer", at=later(minutes=1)),
        ),
        NOON,
        1,
        1,
    ),
    "both left": (
        (
            JoinPanel(member=member(GONE, NOON, "5512")),
            JoinPanel(member=member(KEPT, NOON, "9")),
            LeavePanel(customer=GONE, by="customer", at=later(minutes=1)),
            LeavePanel(customer=KEPT, by="company", at=later(minutes=2)),
        ),
        None,
        0,
        2,
    ),
}


@pytest.mark.parametrize(("writes", "since", "on", "left"), PANEL.values(), ids=PANEL.keys())
async def test_who_was_on_the_panel_as_either_is_on_it_as_the_one_until_they_leave(
    storage: Storage, writes: Sequence[Write], since: datetime | None, on: int, left: int
) -> None:
    await begin_talk(storage, "5512", "9")
    for each in writes:
        await write(storage, each)
    await write(storage, MERGE)
    known = (await look(storage, address=address())).customer
    assert known is not None
    assert (known.id, known.panel_since) == (KEPT, since)
    members = await storage.panel.members()
    assert [each.member.joined_at for each in members] == ([] if since is None else [since])
    assert (len(members), len(await storage.panel.members(left=True))) == (on, left)
    await write(storage, LeavePanel(customer=KEPT, by="customer", at=later(hours=2)))
    assert await storage.panel.members() == []
    known = (await look(storage, address=address("9"))).customer
    assert known is not None
    assert known.panel_since is None


@pytest.mark.parametrize("joins", [True, False], ids=["joins", "leaves"])
async def test_who_joins_or_leaves_as_the_one_who_is_gone_is_decided_again(storage: Storage, joins: bool) -> None:
    await begin_talk(storage, "5512", "9")
    if not joins:
        await write(storage, JoinPanel(member=member(GONE, NOON, "5512")))
    await write(storage, MERGE)
    decided: list[CustomerId] = []

    def decide(facts: Facts) -> Outcome:
        assert facts.customer is not None
        # the first time it has read what was there before
        who = facts.customer.id if decided else GONE
        decided.append(who)
        joined: Write = JoinPanel(member=member(who, NOON, "5512"))
        return Outcome(writes=(joined if joins else LeavePanel(customer=who, by="customer", at=NOON),))

    await storage.run(Read(address=address()), decide)
    assert decided == [GONE, KEPT]
    members = await storage.panel.members()
    assert [each.customer.id for each in members] == ([KEPT] if joins else [])


async def test_a_step_about_a_customer_who_is_gone_is_decided_again(storage: Storage) -> None:
    await two(storage)
    decided: list[CustomerId] = []

    def rename(facts: Facts) -> Outcome:
        assert facts.customer is not None
        # The first time it has read what was there before.
        read = replace(facts.customer, id=facts.customer.id if decided else GONE, name="Anna")
        decided.append(read.id)
        return Outcome(writes=(SaveCustomer(customer=read, address=address(), at=NOON),))

    await write(storage, MERGE)
    await storage.run(Read(address=address()), rename)
    assert decided == [GONE, KEPT]
    known = (await look(storage, address=address("9"))).customer
    assert known is not None
    assert (known.id, known.name) == (KEPT, "Anna")


async def test_nobody_is_found_under_the_id_of_who_is_gone(storage: Storage) -> None:
    await two(storage)
    await write(storage, MERGE, OptOut(customer=GONE, at=NOON))
    facts = await look(storage, address=Address(channel=ChannelName("telegram"), key="5512"))
    assert facts.customer is not None
    assert facts.customer.opted_out_at == NOON, "a late opt-out of the one counts for the other"
