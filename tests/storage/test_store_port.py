"""The Store port on both databases: what a step reads, writes, and when it is decided again."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.conversations.dealings import Dealing
from bot.conversations.prompts import lane_of
from bot.errors import StoreContended, StoreUnavailable
from bot.followup.cases import CaseState
from bot.ids import CaseId, ConversationId, CustomerId, InteractionId, WordsId
from bot.messages import ChannelName, Receipt
from bot.ports import (
    Customer,
    DropAnswer,
    DropDue,
    Due,
    DueKind,
    Facts,
    KeepAside,
    KeepWords,
    MergeCustomers,
    MoveAddress,
    OptOut,
    Outcome,
    PutDue,
    Queue,
    Read,
    RecordShown,
    RecordStaleTap,
    SaveCase,
    SaveConversation,
    SaveCustomer,
    SaveIncident,
    SaveInteraction,
    Sent,
    SetReachable,
    SettleDue,
    Shown,
    Words,
    Write,
)
from bot.storage import Storage
from bot.storage.ops import Query, ask, query
from tests.conftest import SetClock
from tests.storage.samples import (
    FLOW,
    NOON,
    address,
    answer,
    begin_talk,
    case,
    conversation,
    counted,
    customer,
    incident,
    interaction,
    later,
    look,
    outbound,
    queued,
    scored,
    write,
)


def save(talk: Any, was_turn: int | None = None) -> SaveConversation:
    return SaveConversation(conversation=talk, flow_id="delivery", was_turn=was_turn)


async def test_an_unknown_address_is_nobody(storage: Storage) -> None:
    assert await look(storage, event="update:1", address=address()) == Facts()


async def test_what_was_saved_is_read(storage: Storage) -> None:
    await begin_talk(storage)
    await write(storage, SaveCase(case=case(), was_revision=None))
    facts = await look(storage, address=address())
    assert facts == Facts(customer=customer(), conversation=conversation(), flow=FLOW, case=case(), open_case=case())


async def test_an_event_is_new_once(storage: Storage) -> None:
    assert not (await look(storage, event="update:1")).seen
    assert (await look(storage, event="update:1")).seen
    assert not (await look(storage, event="update:2")).seen


async def test_the_first_event_of_a_group_is_known(storage: Storage) -> None:
    first, second = [await look(storage, event=f"update:{n}", group="album:9") for n in (1, 2)]
    again = await look(storage, event="update:1", group="album:9")
    other = await look(storage, event="update:3", group="album:10")
    found = [(facts.seen, facts.group_seen) for facts in (first, second, again, other)]
    assert found == [(False, False), (False, True), (True, True), (False, False)]


async def test_an_event_is_new_again_after_a_week(storage: Storage, clock: SetClock) -> None:
    await look(storage, event="update:1")
    clock.advance(days=6, hours=23)
    assert (await look(storage, event="update:1")).seen
    clock.advance(hours=2)
    assert not (await look(storage, event="update:1")).seen
    assert (await look(storage, event="update:1")).seen


async def test_a_step_that_raises_remembers_no_event(storage: Storage) -> None:
    def broken(_: Facts) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await storage.run(Read(event="update:1"), broken)
    assert not (await look(storage, event="update:1")).seen


async def test_the_outcome_comes_back(storage: Storage) -> None:
    outcome = Outcome(ref="talk")
    assert await storage.run(Read(), lambda _: outcome) is outcome


async def test_the_newest_waiting_conversation_comes_first(storage: Storage) -> None:
    await begin_talk(storage)
    await write(storage, save(conversation("older", at=later(hours=-2))))
    await write(storage, save(conversation("done", at=later(hours=2), status="completed")))
    facts = await look(storage, address=address())
    assert facts.conversation is not None
    assert facts.conversation.id == "talk"


async def test_without_a_waiting_conversation_the_newest_is_read(storage: Storage) -> None:
    await write(storage, save(conversation("old", status="completed")))
    await write(storage, save(conversation("new", at=later(hours=1), status="expired")))
    facts = await look(storage, address=address())
    assert facts.conversation is not None
    assert facts.conversation.id == "new"


async def test_of_two_waiting_conversations_the_one_touched_last_is_read(storage: Storage) -> None:
    """A completed one waits again after a correction, though another was begun meanwhile."""
    await write(storage, save(conversation("resumed", at=later(hours=-2), touched_at=later(hours=2))))
    await write(storage, save(conversation("begun later", at=later(hours=-1))))
    facts = await look(storage, address=address())
    assert facts.conversation is not None
    assert facts.conversation.id == "resumed"


async def test_of_ended_conversations_the_one_touched_last_is_read(storage: Storage) -> None:
    corrected = conversation("corrected", at=later(hours=-2), touched_at=later(hours=2), status="completed")
    await write(storage, save(corrected), save(conversation("begun later", status="expired")))
    assert (await look(storage, address=address())).conversation == corrected


async def test_the_open_case_is_found_whatever_was_asked_since(storage: Storage) -> None:
    await begin_talk(storage)
    withdrawn = conversation("withdrawn", at=later(hours=1), status="completed")
    since = conversation("since", at=later(hours=2))
    elsewhere = conversation("elsewhere", at=later(hours=1), key="9")
    opened = case(state="claimed")
    await write(storage, save(withdrawn), save(since), save(elsewhere), SaveCase(case=opened, was_revision=None))
    others = (
        case("withdrawn", of=withdrawn, state="withdrawn", opened_at=later(hours=1)),
        case("elsewhere", of=elsewhere, opened_at=later(hours=1)),
    )
    await write(storage, *(SaveCase(case=other, was_revision=None) for other in others))
    facts = await look(storage, address=address())
    assert (facts.conversation, facts.case, facts.open_case) == (since, None, opened)
    named = await look(storage, address=address(), conversation=withdrawn.id)
    assert (named.conversation, named.case, named.open_case) == (withdrawn, others[0], opened)
    newer = case("newer", of=since, opened_at=later(hours=2))
    await write(storage, SaveCase(case=newer, was_revision=None))
    facts = await look(storage, address=address())
    assert (facts.case, facts.open_case) == (newer, newer)
    assert (await look(storage, conversation=ConversationId("elsewhere"))).open_case == others[1]


@pytest.mark.parametrize("ended", ["recovered", "unconfirmed"])
@pytest.mark.parametrize("going", ["open", "claimed", "contacted", "reopened", "resolved"])
async def test_a_case_that_is_not_over_goes_before_a_newer_one_that_is(
    storage: Storage, going: CaseState, ended: CaseState
) -> None:
    await begin_talk(storage)
    talks = [conversation(f"talk {n}", at=later(hours=n), status="completed") for n in (1, 2, 3)]
    await write(storage, *(save(talk) for talk in talks))
    states: tuple[CaseState, ...] = (going, ended, "withdrawn")
    cases = [
        case(state, of=talk, state=state, opened_at=talk.started_at) for talk, state in zip(talks, states, strict=True)
    ]
    await write(storage, *(SaveCase(case=each, was_revision=None) for each in cases))
    assert (await look(storage, address=address())).open_case == cases[0]
    by_name = await look(storage, case=cases[2].id)
    assert (by_name.case, by_name.open_case) == (cases[2], cases[0])
    await write(storage, SaveCase(case=replace(cases[0], state="withdrawn", revision=1), was_revision=0))
    assert (await look(storage, address=address())).open_case == cases[1], "what is over is better than nothing"


async def test_a_named_conversation_wins(storage: Storage) -> None:
    await begin_talk(storage, "5512", "9")
    facts = await look(storage, address=address(), conversation=ConversationId("talk 9"))
    assert facts.customer == customer()
    assert facts.conversation == conversation("talk 9", key="9")
    assert (await look(storage, address=address(), conversation=ConversationId("none"))).conversation is None


@pytest.mark.parametrize(
    "read",
    [
        {"conversation": ConversationId("talk")},
        {"case": CaseId("case")},
        {"interaction": InteractionId("deal")},
        {"reported": ("helpdesk", "ticket 7")},
    ],
    ids=["conversation", "case", "interaction", "reported"],
)
async def test_the_customer_is_found_by_what_is_named(storage: Storage, read: dict[str, Any]) -> None:
    await begin_talk(storage)
    await write(storage, SaveCase(case=case(), was_revision=None), SaveInteraction(interaction=interaction()))
    facts = await look(storage, **read)
    assert facts.customer == customer()
    assert facts.conversation == conversation()
    assert facts.case == case()


async def test_an_interaction_is_read_by_id_and_by_reference(storage: Storage) -> None:
    await write(storage, SaveInteraction(interaction=interaction()))
    assert (await look(storage, interaction=InteractionId("deal"))).interaction == interaction()
    assert (await look(storage, reported=("helpdesk", "ticket 7"))).interaction == interaction()
    assert (await look(storage, reported=("helpdesk", "ticket 8"))).interaction is None


async def test_a_dealing_changes_only_from_the_revision_that_was_read(storage: Storage) -> None:
    await write(storage, SaveInteraction(interaction=interaction()))
    dealing = Dealing(started_by="customer", heard=3, human_at=NOON, endings=2, ended_at=later(hours=1), asked_ending=1)
    now = replace(
        interaction(), flow="other", address=address("9"), attributes={"vip": "true"}, dealing=dealing, revision=1
    )
    await write(storage, SaveInteraction(interaction=now, was_revision=0))
    assert (await look(storage, interaction=InteractionId("deal"))).interaction == now


async def test_recent_surveys_are_read(storage: Storage) -> None:
    await begin_talk(storage)
    surveys = [Shown(flow="delivery", is_nps=bool(n % 2), at=later(days=n)) for n in range(3)]
    await write(storage, *(RecordShown(customer=customer().id, shown=shown) for shown in surveys))
    assert set((await look(storage, address=address())).shown) == set(surveys)


async def test_a_lost_race_is_decided_again_on_fresh_facts(storage: Storage) -> None:
    await begin_talk(storage)
    await write(storage, save(conversation(turn=1), was_turn=0))
    turns: list[int] = []

    def decide(facts: Facts) -> Outcome:
        talk = facts.conversation
        assert talk is not None
        turns.append(talk.turn)
        # The first decision compares with a turn that is past, as if it had read before the other wrote.
        was = 0 if len(turns) == 1 else talk.turn
        return Outcome(writes=(*queued("why"), save(replace(talk, turn=talk.turn + 1), was_turn=was)))

    await storage.run(Read(address=address()), decide)
    assert turns == [1, 1]
    assert len(await storage.outbox.claim(NOON, limit=9, lease_until=later(minutes=1))) == 1


STALE_WRITES: dict[str, Write] = {
    "conversation of another turn": save(conversation(turn=5), was_turn=4),
    "conversation that exists": save(conversation()),
    "case of another revision": SaveCase(case=case(revision=3), was_revision=2),
    "case that exists": SaveCase(case=case(), was_revision=None),
    "incident of another revision": SaveIncident(incident=incident(revision=3), was_revision=2),
    "incident that exists": SaveIncident(incident=incident(), was_revision=None),
    "due row that moved": SettleDue(due=Due(key="expire", kind="expire", ref="talk", due_at=later(hours=1))),
    "due row that is gone": SettleDue(due=Due(key="gone", kind="expire", ref="talk", due_at=NOON)),
    "interaction reported before": SaveInteraction(interaction=interaction("other")),
    "interaction of another revision": SaveInteraction(interaction=replace(interaction(), revision=2), was_revision=1),
    "interaction that is gone": SaveInteraction(interaction=interaction("gone", reference="gone"), was_revision=0),
    "merging of a customer who is gone": MergeCustomers(gone=CustomerId("gone"), kept=customer().id, at=NOON),
    "merging into a customer who is gone": MergeCustomers(gone=customer().id, kept=CustomerId("gone"), at=NOON),
    "merging with oneself": MergeCustomers(gone=customer().id, kept=customer().id, at=NOON),
    "interaction of the same id": SaveInteraction(interaction=interaction(reference="ticket 8")),
    "address of another customer": SaveCustomer(customer=customer("9"), address=address(), at=NOON),
    "opt-out of a customer who is gone": OptOut(customer=CustomerId("gone"), at=NOON),
    "return of a customer who never opted out": OptOut(customer=customer().id, at=None),
}


@pytest.mark.parametrize("stale", STALE_WRITES.values(), ids=STALE_WRITES.keys())
async def test_a_step_that_never_wins_keeps_nothing(storage: Storage, stale: Write) -> None:
    await begin_talk(storage)
    due = Due(key="expire", kind="expire", ref="talk", due_at=NOON)
    await write(
        storage,
        SaveCase(case=case(), was_revision=None),
        SaveIncident(incident=incident(), was_revision=None),
        SaveInteraction(interaction=interaction()),
        PutDue(due=due),
    )
    with pytest.raises(StoreContended, match="against what others had written"):
        await write(storage, *queued("lost"), stale, event="update:1")
    assert not (await look(storage, event="update:1")).seen
    assert await storage.outbox.next_due(NOON) is None


async def test_a_case_changes_only_from_the_revision_that_was_read(storage: Storage) -> None:
    await begin_talk(storage)
    await write(storage, SaveCase(case=case(), was_revision=None))
    claimed = case(state="claimed", owner_name="Minh", owner=address("agent"), revision=1, claimed_at=later(minutes=3))
    await write(storage, SaveCase(case=claimed, was_revision=0))
    assert (await look(storage, case=CaseId("case"))).case == claimed


async def test_due_rows_are_put_moved_dropped_and_settled(storage: Storage) -> None:
    first = Due(key="alert:1", kind="alert", ref="1", due_at=later(minutes=2))
    await write(storage, PutDue(due=first), PutDue(due=Due(key="ask:2", kind="ask", ref="2", due_at=later(minutes=1))))
    assert await storage.dues.next_due() == later(minutes=1)
    assert [due.key for due in await storage.dues.due(later(minutes=5), 10)] == ["ask:2", "alert:1"]
    assert [due.key for due in await storage.dues.due(later(minutes=5), 1)] == ["ask:2"]
    assert await storage.dues.due(NOON, 10) == []
    moved = replace(first, due_at=later(minutes=9))
    await write(storage, PutDue(due=moved), DropDue(key="ask:2"))
    assert (await look(storage, due="alert:1")).due == moved
    assert (await look(storage, due="ask:2")).due is None
    await write(storage, SettleDue(due=moved))
    assert await storage.dues.next_due() is None


async def test_due_rows_of_a_newer_release_are_passed_over(storage: Storage) -> None:
    """After a roll-back, rows of a kind that nobody here can decide must not stand before all others."""
    newer: Any = "call"
    known = Due(key="ask:1", kind="ask", ref="1", due_at=later(minutes=1))
    await write(storage, PutDue(due=Due(key="call:1", kind=newer, ref="1", due_at=NOON)), PutDue(due=known))
    assert await storage.dues.due(later(minutes=5), 1) == [known]
    assert await storage.dues.next_due() == later(minutes=1)


async def test_a_due_row_is_put_off_as_it_was_read(storage: Storage) -> None:
    due = Due(key="ask:1", kind="ask", ref="1", due_at=NOON)
    moved = replace(due, due_at=later(minutes=5))
    await write(storage, PutDue(due=due))
    await storage.dues.put_off(due, later(minutes=5))
    assert await storage.dues.due(later(minutes=4), 10) == []
    assert await storage.dues.due(later(minutes=5), 10) == [moved]
    await storage.dues.put_off(due, later(hours=9))
    assert (await look(storage, due="ask:1")).due == moved, "it had moved meanwhile"
    await write(storage, SettleDue(due=moved))
    await storage.dues.put_off(moved, later(hours=9))
    assert await storage.dues.next_due() is None, "what is gone stays gone"


async def test_what_waits_for_a_delay_is_due_when_the_clock_was_put_back(storage: Storage) -> None:
    kinds: tuple[DueKind, ...] = ("ask", "idle", "remind", "expire", "alert")
    for kind in kinds:
        await write(
            storage,
            PutDue(due=Due(key=f"{kind}:far", kind=kind, ref="1", due_at=later(days=365))),
            PutDue(due=Due(key=f"{kind}:near", kind=kind, ref="1", due_at=later(hours=1))),
        )
    assert await storage.dues.rewind(NOON, latest=later(days=2)) == 3
    assert await storage.dues.rewind(NOON, latest=later(days=2)) == 0
    assert [due.key for due in await storage.dues.due(NOON, 10)] == ["ask:far", "idle:far", "remind:far"]
    assert len(await storage.dues.due(later(hours=1), 10)) == 3 + 5


async def test_what_was_asked_by_a_clock_that_ran_ahead_ends_and_counts_from_when_it_was_put_back(
    storage: Storage,
) -> None:
    await write(storage, PutDue(due=Due(key="expire:1", kind="expire", ref="1", due_at=later(days=47))))
    await write(
        storage,
        SaveCustomer(customer=customer(), address=address(), at=NOON),
        RecordShown(customer=customer().id, shown=Shown(flow="support", is_nps=False, at=later(days=40))),
    )
    await storage.dues.rewind(NOON, latest=later(days=2), expiry=later(days=7))
    assert await storage.dues.next_due() == later(days=7)
    assert [past.at for past in (await look(storage, address=address())).shown] == [NOON]


#: by how many hours the clock is set at noon: when what was planned for five, fifteen and sixty minutes later is due
SETTINGS_OF_THE_CLOCK: dict[float, list[float]] = {-5: [-295, -285, -240], 5: [305, 315, 360], 0.25: [20, 30, 60]}


@pytest.mark.parametrize("hours", SETTINGS_OF_THE_CLOCK)
async def test_what_waits_goes_on_waiting_as_long_when_the_clock_is_set(storage: Storage, hours: float) -> None:
    for minutes in (-1, 5, 15, 60):
        await write(storage, PutDue(due=Due(key=f"ask:{minutes}", kind="ask", ref="1", due_at=later(minutes=minutes))))
    for _ in range(2):
        await storage.dues.move(NOON, timedelta(hours=hours))
    found = {due.key: due.due_at for due in await storage.dues.due(later(days=1), 10)}
    assert found.pop("ask:-1") == later(minutes=-1)
    assert sorted(found.values()) == [later(minutes=minutes) for minutes in SETTINGS_OF_THE_CLOCK[hours]]


async def test_a_survey_that_waits_at_another_address_is_found_by_who_may_be_asked(storage: Storage) -> None:
    await write(storage, SaveCustomer(customer=customer(), address=address(), at=NOON))
    await write(storage, save(conversation(key="elsewhere", customer=customer().id)))
    assert (await look(storage, address=address(), asks=True)).surveyed
    assert not (await look(storage, address=address())).surveyed


async def test_a_due_row_may_be_settled_and_put_again_in_one_step(storage: Storage) -> None:
    due = Due(key="ask:1", kind="ask", ref="1", due_at=NOON)
    again = replace(due, due_at=later(hours=8))
    await write(storage, PutDue(due=due))
    await write(storage, SettleDue(due=due), PutDue(due=again))
    assert (await look(storage, due="ask:1")).due == again


async def test_the_last_write_of_a_step_to_a_row_stands(storage: Storage) -> None:
    first, second = (Due(key="ask:1", kind="ask", ref=ref, due_at=NOON) for ref in ("a", "b"))
    await write(storage, PutDue(due=first), DropDue(key="ask:1"), PutDue(due=first), PutDue(due=second))
    assert (await look(storage, due="ask:1")).due == second
    await begin_talk(storage)
    await write(storage, save(conversation(turn=1), was_turn=0), save(conversation(turn=2), was_turn=1))
    facts = await look(storage, address=address())
    assert facts.conversation is not None
    assert facts.conversation.turn == 2


async def test_a_customer_changes_name_language_and_reach(storage: Storage) -> None:
    changed = customer(name="Anna", locale="pl", time_zone="Europe/Warsaw", reference="c-7", reachable=False)
    await write(storage, SaveCustomer(customer=customer(), address=address(), at=NOON))
    await write(storage, SaveCustomer(customer=changed, address=address(), at=NOON))
    assert (await look(storage, address=address())).customer == changed
    await write(storage, SaveCustomer(customer=replace(changed, name=None), address=address(), at=NOON))
    assert (await look(storage, address=address())).customer == replace(changed, name=None)


async def test_a_customer_has_several_addresses(storage: Storage) -> None:
    await write(storage, SaveCustomer(customer=customer(), address=address(), at=NOON))
    await write(storage, SaveCustomer(customer=customer(), address=address("other"), at=NOON))
    await write(storage, SetReachable(address=address("other"), reachable=False))
    assert (await look(storage, address=address())).customer == customer()
    assert (await look(storage, address=address("other"))).customer == customer(reachable=False)


async def test_how_the_language_is_known_is_kept(storage: Storage) -> None:
    known = customer(locale="vi", locale_source="customer", time_zone="Asia/Saigon", time_zone_source="report")
    await write(storage, SaveCustomer(customer=known, address=address(), at=NOON))
    assert (await look(storage, address=address())).customer == known
    guessed = customer(locale="it", locale_source="written", locale_sureness=97)
    await write(storage, SaveCustomer(customer=guessed, address=address(), at=NOON))
    assert (await look(storage, address=address())).customer == guessed


async def test_what_is_written_of_a_customer_elsewhere_stays(storage: Storage) -> None:
    """Two steps at two addresses of one customer may decide at once; who wrote later read earlier."""
    await write(storage, SaveCustomer(customer=customer(), address=address(), at=NOON))
    await write(storage, SaveCustomer(customer=customer(reference="K-7"), address=address("9"), at=NOON))
    await write(storage, OptOut(customer=customer().id, at=NOON))
    await write(storage, SaveCustomer(customer=customer(name="Anna"), address=address(), at=later(hours=1)))
    known = customer(name="Anna", reference="K-7", opted_out_at=NOON)
    assert (await look(storage, address=address())).customer == known


async def test_a_customer_opts_out_and_in(storage: Storage) -> None:
    await write(storage, SaveCustomer(customer=customer(), address=address(), at=NOON))
    await write(storage, OptOut(customer=customer().id, at=NOON))
    with pytest.raises(StoreContended):
        await write(storage, OptOut(customer=customer().id, at=later(hours=1)))
    assert (await look(storage, address=address())).customer == customer(opted_out_at=NOON)
    await write(storage, OptOut(customer=customer().id, at=None))
    assert (await look(storage, address=address())).customer == customer()


async def test_a_chat_that_moves_takes_everything_along(storage: Storage) -> None:
    await begin_talk(storage)
    new = address("-100900")
    await write(
        storage,
        *queued("question"),
        SaveCase(case=case(), was_revision=None),
        SaveInteraction(interaction=interaction()),
    )
    await write(storage, MoveAddress(address=address(), to=new))
    facts = await look(storage, interaction=InteractionId("deal"))
    assert facts.customer == customer()
    assert facts.conversation == conversation(address=new)
    assert facts.case == case(address=new)
    assert facts.interaction == replace(interaction(), address=new)
    (delivery,) = await storage.outbox.claim(NOON, limit=9, lease_until=later(minutes=1))
    assert delivery.outbound.to == new
    assert await look(storage, address=address()) == Facts()


async def test_messages_keep_their_order_when_their_chat_moves(storage: Storage) -> None:
    new = address("-100900")
    await write(storage, *queued("question", "thanks", lane=lane_of(address())), *queued("alert", lane="case:1"))
    await write(storage, MoveAddress(address=address(), to=new))
    edit = replace(outbound("question", lane=lane_of(new), kind="edit"), to=new)
    await write(storage, Queue(outbound=edit, at=NOON))
    sent: list[tuple[str, str]] = []
    while claimed := await storage.outbox.claim(NOON, limit=9, lease_until=later(minutes=1)):
        sent += [(each.outbound.slot, each.outbound.lane) for each in claimed]
        for each in claimed:
            await storage.outbox.settle(each, Sent(receipt=Receipt(remote="m")), NOON)
    lane = lane_of(new)
    assert sent == [("question", lane), ("alert", "case:1"), ("thanks", lane), ("question", lane)]


async def test_a_chat_may_move_to_an_address_already_known(storage: Storage) -> None:
    await begin_talk(storage, "5512", "9")
    await write(storage, MoveAddress(address=address(), to=address("9")))
    assert (await look(storage, address=address("9"))).customer == customer("9")
    assert (await look(storage, conversation=ConversationId("talk"))).conversation == conversation(address=address("9"))


async def test_answers_and_counts_agree(storage: Storage) -> None:
    await begin_talk(storage)
    await write(storage, save(scored(conversation(), 3), was_turn=0), answer(3), counted(3))
    assert await storage.verify_counts() == []
    await write(storage, answer(9, at=later(minutes=20)), counted(3, -1), counted(9, at=later(minutes=20)))
    assert await storage.verify_counts() == []
    await write(storage, DropAnswer(conversation=ConversationId("talk"), question="score"))
    differences = await storage.verify_counts()
    assert [(d.dimension, d.score, d.counted, d.answered) for d in differences] == [
        ("all", 9, 1, 0),
        ("channel", 9, 1, 0),
    ]


async def test_people_are_kept_under_a_keyed_hash(storage: Storage, storage_url: str) -> None:
    await begin_talk(storage)
    said = Words(
        id=WordsId("w"),
        customer=customer().id,
        conversation=ConversationId("talk"),
        question="why",
        text="Too slow, said Ann",
        at=NOON,
    )
    await write(storage, KeepWords(words=said), SaveCase(case=case(), was_revision=None))
    view = await storage.outbox.case_view(CaseId("case"))
    assert view is not None
    assert (view.words, view.customer) == ((said,), customer())


_ABOUT = query("SELECT v.id, v.interaction FROM conversation v ORDER BY v.id")


async def rows_of(storage: Storage, asked: Query) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await storage._engine.read(lambda: ask(asked))]


async def test_a_conversation_is_found_by_what_it_is_about(storage: Storage) -> None:
    about = conversation("about a deal", interaction=InteractionId("deal"))
    await write(storage, save(about), save(conversation("of no deal")))
    await write(storage, save(replace(about, turn=1), was_turn=0))
    assert await rows_of(storage, _ABOUT) == [("about a deal", "deal"), ("of no deal", None)]


async def test_what_is_only_recorded_can_be_written(storage: Storage) -> None:
    tap = RecordStaleTap(conversation=ConversationId("talk"), turn=3, value="9", at=NOON)
    body = KeepAside(channel=ChannelName("slack"), why="no such type", body=b'{"\x00": "\xff"}', at=NOON)
    await write(storage, tap, body)
    (kept,) = await storage.aside(5)
    assert (kept.channel, kept.why, kept.body, kept.at) == (body.channel, body.why, body.body, NOON)


HOSTILE = {
    "NUL": ("a\0b", "ab"),
    "lone surrogate": ("a\ud800b", "a\ufffdb"),
    "emoji": ("👩‍👩‍👧 ok", "👩‍👩‍👧 ok"),
    "right to left": ("\u202eabc\u202c שלום", "\u202eabc\u202c שלום"),
    "64 KB": ("ä" * 32_768, "ä" * 32_768),
    "quotes": ("'; DROP TABLE answer; --", "'; DROP TABLE answer; --"),
    "backslashes": ("\\u0000 \\x00 %s $1 ?1 :key", "\\u0000 \\x00 %s $1 ?1 :key"),
}


@pytest.mark.parametrize(("text", "kept"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_any_text_is_kept_the_same_on_both_databases(storage: Storage, text: str, kept: str) -> None:
    await begin_talk(storage)
    talk = conversation(turn=1, attributes={"order": text})
    said = Words(id=WordsId("w"), customer=customer().id, conversation=talk.id, question=None, text=text, at=NOON)
    await write(
        storage,
        SaveCustomer(customer=customer(name=text), address=address(), at=NOON),
        save(talk, was_turn=0),
        SaveCase(case=case(), was_revision=None),
        KeepWords(words=said),
    )
    view = await storage.outbox.case_view(CaseId("case"))
    assert view is not None
    assert (view.customer.name, view.words[0].text, view.conversation.attributes["order"]) == (kept, kept, kept)


@pytest.mark.parametrize("key", ["a\0b", "\ud800", "k" * 5_000], ids=["NUL", "surrogate", "long"])
async def test_any_event_key_is_remembered(storage: Storage, key: str) -> None:
    assert not (await look(storage, event=key, address=address("a\0"))).seen
    assert (await look(storage, event=key, address=address("a\0"))).seen


async def test_big_chat_ids_and_times_stand(storage: Storage) -> None:
    talk = conversation(started_at=datetime.max.replace(tzinfo=NOON.tzinfo), turn=2**62)
    await write(storage, save(talk))
    assert (await look(storage, address=address())).conversation == talk


async def test_a_closed_store_says_so(storage: Storage) -> None:
    await storage.close()
    for call in (look(storage), storage.health(), storage.dues.next_due(), storage.active_flows()):
        with pytest.raises(StoreUnavailable):
            await call
    await storage.close()


async def test_an_unknown_address_is_not_made_by_what_is_said_of_it(storage: Storage) -> None:
    await write(storage, SetReachable(address=address(), reachable=True))
    assert await look(storage, address=address()) == Facts()
    await write(storage, SaveCustomer(customer=Customer(id=CustomerId("x")), address=address(), at=NOON))
    assert (await look(storage, address=address())).customer == Customer(id=CustomerId("x"))
