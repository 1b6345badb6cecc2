"""The queue of cases, and what decisions read of threads and incidents, on both databases."""

import asyncio
import itertools
from datetime import datetime, timedelta
from typing import Any, Literal, NewType, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.conversations.conversation import Conversation
from bot.followup.alerts import alert_slot, incident_slot
from bot.followup.cases import Case, CaseNote
from bot.ids import CaseId, ConversationId, CustomerId, IncidentId, WordsId
from bot.messages import Address, AlertOf, Outbound, Receipt, Text
from bot.ports import (
    AgentWords,
    CaseQuery,
    CaseTimes,
    CaseView,
    Facts,
    FoldedCase,
    IncidentView,
    KeepReply,
    KeepWords,
    LoseReply,
    MoveAddress,
    Neighbour,
    NoteCase,
    Outcome,
    PastScore,
    Queue,
    Read,
    SaveCase,
    SaveConversation,
    SaveCustomer,
    SaveIncident,
    Sent,
    ShareValues,
    Words,
)
from bot.storage import Storage, open_storage
from bot.storage.facts import ALERT_SLOT, INCIDENT_SLOT
from tests.conftest import SetClock
from tests.storage.samples import (
    DESK,
    FLOW,
    NOON,
    SLACK,
    TELEGRAM,
    address,
    answer,
    begin_talk,
    case,
    conversation,
    customer,
    incident,
    later,
    look,
    write,
)

MINH = Address(channel=SLACK, key="U1")


def talk_of(n: int) -> Conversation:
    return conversation(f"talk {n:03}", at=later(minutes=n), key=str(n))


async def open_case(storage: Storage, n: int, **changes: Any) -> Case:
    """The n-th customer's case, opened in the n-th minute."""
    talk = talk_of(n)
    opened = case(f"case {n:03}", of=talk, opened_at=later(minutes=n), **changes)
    await write(
        storage,
        SaveCustomer(customer=customer(str(n), name=f"Ann {n}"), address=talk.address, at=NOON),
        SaveConversation(conversation=talk, flow_id="delivery", was_turn=None),
        SaveCase(case=opened, was_revision=None),
    )
    return opened


async def open_cases(storage: Storage) -> list[Case]:
    """Six cases that differ in what one may ask for."""
    await storage.activate_flows([FLOW], NOON)
    minh = {"owner": MINH, "owner_name": "Minh"}
    differing: list[dict[str, Any]] = [
        {},
        {"state": "claimed", "priority": "high", "locale": "vi", **minh},
        {"state": "resolved", "cause": "slow", "team": "support", "first_resolved_at": later(hours=9), **minh},
        {"state": "withdrawn", "closed_at": later(hours=1)},
        {"state": "recovered", "cause": "slow", "flow": "billing", "first_word_at": later(hours=1)},
        {"state": "reopened", "priority": "urgent", "owner": DESK, "owner_name": "Lan", "team": "sales"},
    ]
    return [await open_case(storage, n, **changes) for n, changes in enumerate(differing)]


async def listed(storage: Storage, **asked: Any) -> list[int]:
    found = await storage.cases.list(CaseQuery(**asked))
    return [int(each.case.id.removeprefix("case ")) for each in found]


async def test_the_newest_case_is_listed_first_with_its_customer(storage: Storage) -> None:
    opened = await open_cases(storage)
    found = await storage.cases.list(CaseQuery())
    assert [each.case for each in found] == opened[::-1]
    assert [each.customer_name for each in found] == [f"Ann {n}" for n in (5, 4, 3, 2, 1, 0)]


async def test_a_list_asks_for_what_it_is_told_to(storage: Storage) -> None:
    await open_cases(storage)
    telegram, slack = TELEGRAM, SLACK
    asked: list[tuple[dict[str, Any], list[int]]] = [
        ({"states": ("open", "reopened")}, [5, 0]),
        ({"priorities": ("urgent", "high")}, [5, 1]),
        ({"channel": telegram}, [5, 4, 3, 2, 1, 0]),
        ({"channel": slack}, []),
        ({"language": "vi"}, [1]),
        ({"flow": "billing"}, [4]),
        ({"team": "sales"}, [5]),
        ({"cause": "slow"}, [4, 2]),
        ({"owner": "Minh"}, [2, 1]),
        ({"owner": "-"}, [4, 3, 0]),
        ({"owner": "-", "states": ("open",)}, [0]),
        ({"opened_since": later(minutes=2)}, [5, 4, 3, 2]),
        ({"opened_before": later(minutes=2)}, [1, 0]),
        ({"cause": "slow", "flow": "billing", "language": "en", "limit": 1}, [4]),
        ({"cause": "slow", "owner": "nobody's name"}, []),
        ({"limit": 2}, [5, 4]),
    ]
    found = [await listed(storage, **query) for query, _ in asked]
    assert found == [expected for _, expected in asked]


async def test_a_change_is_listed_as_it_is_now(storage: Storage) -> None:
    opened = await open_case(storage, 1)
    changed = replace(opened, state="claimed", owner=MINH, owner_name="Minh", priority="high", revision=1, locale="it")
    await write(storage, SaveCase(case=changed, was_revision=0))
    assert await listed(storage, owner="Minh", priorities=("high",), states=("claimed",), language="it") == [1]
    freed = replace(changed, state="open", owner=None, owner_name=None, revision=2)
    await write(storage, SaveCase(case=freed, was_revision=1))
    assert await listed(storage, owner="-", states=("open",)) == [1]
    assert (await storage.cases.list(CaseQuery()))[0].case == freed


async def test_pages_follow_each_other_without_gap_or_repetition(storage: Storage) -> None:
    """Also where several cases were opened at one time."""
    talks = [replace(talk_of(n), started_at=NOON) for n in range(11)]
    cases = [case(f"case {n:03}", of=talk, opened_at=later(minutes=n // 4)) for n, talk in enumerate(talks)]
    for talk, each in zip(talks, cases, strict=True):
        save = SaveConversation(conversation=talk, flow_id="delivery", was_turn=None)
        await write(storage, save, SaveCase(case=each, was_revision=None))
    pages: list[list[int]] = []
    after: CaseId | None = None
    while page := await listed(storage, limit=3, after=after, states=("open",)):
        pages.append(page)
        after = CaseId(f"case {page[-1]:03}")
    assert pages == [[10, 9, 8], [7, 6, 5], [4, 3, 2], [1, 0]]
    assert await listed(storage, after=CaseId("of another database")) == []


async def test_another_process_lists_beside_a_busy_one(storage: Storage, storage_url: str, clock: SetClock) -> None:
    """As the command line does: whatever was kept is there at once, and nobody waits for anybody."""
    elsewhere = await open_storage(storage_url, clock=clock)
    await storage.activate_flows([FLOW], NOON)

    async def work(n: int) -> None:
        opened = await open_case(storage, n)
        assert n in await listed(elsewhere)
        view = await elsewhere.cases.view(opened.id)
        assert view is not None
        assert view.case == opened
        assert len(await elsewhere.cases.times(opened.opened_at, None)) > 0

    await asyncio.gather(*(work(n) for n in range(30)))
    assert await listed(elsewhere) == list(reversed(range(30)))
    await elsewhere.close()


async def test_times_tell_of_a_period_without_withdrawn_cases(storage: Storage) -> None:
    await open_cases(storage)

    def times(n: int, **changes: Any) -> CaseTimes:
        made = CaseTimes(
            state="open",
            channel="telegram",
            language="en",
            cause="",
            opened_at=later(minutes=n),
            first_word_at=None,
            first_resolved_at=None,
        )
        return replace(made, **changes)

    every = [
        times(0),
        times(1, state="claimed", language="vi"),
        times(2, state="resolved", cause="slow", first_resolved_at=later(hours=9)),
        times(4, state="recovered", cause="slow", first_word_at=later(hours=1)),
        times(5, state="reopened"),
    ]
    assert await storage.cases.times(None, None) == every
    assert await storage.cases.times(later(minutes=1), later(minutes=4)) == every[1:3]
    assert await storage.cases.times(None, None, "billing") == every[3:4]


async def test_a_case_is_seen_with_all_that_is_known_of_it(storage: Storage) -> None:
    await begin_talk(storage)
    folded = case(incident=IncidentId("incident"))
    note = CaseNote(case=folded.id, what="opened", who=None, at=NOON)
    beside, asked = (
        Words(
            id=WordsId(id),
            customer=customer().id,
            conversation=ConversationId("talk"),
            question=question,
            text=f"{id}, said Ann",
            at=later(minutes=minute),
        )
        for id, question, minute in (("beside", None, 2), ("asked", "why", 1))
    )
    before = [conversation(f"talk {n}", at=later(days=-n), status="completed") for n in range(1, 6)]
    for n, talk in enumerate(before):
        score = None if n == 1 else 9 - n
        save = SaveConversation(conversation=talk, flow_id="delivery", was_turn=None)
        await write(storage, save, answer(score, of=talk.id, at=talk.started_at))
    stranger = replace(answer(1, of="talk 3", at=NOON), question="score again", customer=CustomerId("someone else"))
    await write(
        storage,
        SaveCase(case=folded, was_revision=None),
        SaveIncident(incident=incident(), was_revision=None),
        NoteCase(note=note),
        KeepWords(words=beside),
        KeepWords(words=asked),
        answer(2),
        stranger,
    )
    view = CaseView(
        case=folded,
        flow=FLOW,
        customer=customer(),
        conversation=conversation(),
        words=(asked, beside),
        notes=(note,),
        scores=tuple(
            PastScore(flow="delivery", question="score", scale="nps", score=9 - n, at=before[n].started_at)
            for n in (0, 2, 3)
        ),
        incident=incident(),
    )
    assert await storage.cases.view(folded.id) == view
    assert await storage.outbox.case_view(folded.id) == view
    assert await storage.cases.view(CaseId("none")) is None


async def test_who_waits_in_an_incident_is_counted_by_state_for_the_cases_own_team(storage: Storage) -> None:
    of, ours = IncidentId("incident"), "support"
    (first, *_) = [await open_case(storage, n, incident=of, team=ours) for n in range(3)]
    await open_case(storage, 3, incident=of, team=ours, state="reopened")
    await open_case(storage, 4, incident=of, team=ours, state="withdrawn")
    await open_case(storage, 5, incident=of, team="another")
    await open_case(storage, 6, incident=IncidentId("another"), team=ours)
    await open_case(storage, 7, incident=of, team=ours, owner=MINH, owner_name="Minh", state="claimed")
    alone = await open_case(storage, 8, team=ours)
    assert (await look(storage, case=first.id, waiting=True)).waiting == {"open": 3, "reopened": 1}
    assert (await look(storage, case=first.id)).waiting == {}
    assert (await look(storage, case=alone.id, waiting=True)).waiting == {}


async def test_what_agents_said_is_seen_with_the_case_in_whole(storage: Storage) -> None:
    await storage.activate_flows([FLOW], NOON)
    ours, another = await open_case(storage, 1), await open_case(storage, 2)
    said = [
        AgentWords(
            id=f"relay:{n}", case=of.id, customer=of.customer, author="Mai", text="So sorry. " * 300, at=later(hours=n)
        )
        for n, of in enumerate((ours, another, ours))
    ]
    await write(storage, *(KeepReply(reply=each) for each in reversed(said)))
    await write(storage, LoseReply(reply="relay:2"), LoseReply(reply="relay:9"))
    view = await storage.cases.view(ours.id)
    assert view is not None
    assert view.replies == (said[0], replace(said[2], lost=True))


async def test_an_incident_is_seen_with_its_newest_cases(storage: Storage) -> None:
    await storage.activate_flows([FLOW], NOON)
    assert await storage.outbox.incident_view(IncidentId("incident")) is None
    cases = [await open_case(storage, n, incident=IncidentId("incident")) for n in range(12)]
    await open_case(storage, 20, incident=IncidentId("another"))
    await open_case(storage, 21)
    said = [
        Words(
            id=WordsId(f"w{n}"),
            customer=CustomerId("customer 11"),
            conversation=talk_of(11).id,
            question=question,
            text=f"words {n}",
            at=later(minutes=n),
        )
        for n, question in enumerate(("why", None))
    ]
    kept = [KeepWords(words=each) for each in said]
    await write(storage, SaveIncident(incident=incident(), was_revision=None), *kept)
    more = replace(incident(), cases=12, last_at=later(minutes=12), revision=1)
    await write(storage, SaveIncident(incident=more, was_revision=0))
    folded = [
        FoldedCase(case=cases[n], flow=FLOW, customer_name=f"Ann {n}", words="words 1" if n == 11 else "")
        for n in range(11, 1, -1)
    ]
    assert await storage.outbox.incident_view(IncidentId("incident")) == IncidentView(
        incident=more, cases=tuple(folded)
    )


# ---- what decisions read ----------------------------------------------------------------------------------------


async def post(storage: Storage, slot: str, remote: str, to: Address = DESK) -> None:
    """A message that the service took under this remote id."""
    content = AlertOf(case=CaseId("case")) if slot.startswith("alert:") else Text(text="hello")
    said = Outbound(kind="post", to=to, lane=slot, slot=slot, content=content)
    await write(storage, Queue(outbound=said, at=NOON))
    (delivery,) = await storage.outbox.claim(NOON, limit=9, lease_until=later(minutes=1))
    assert await storage.outbox.settle(delivery, Sent(receipt=Receipt(remote=remote)), NOON)


async def test_a_thread_leads_to_the_case_whose_alert_it_is(storage: Storage) -> None:
    await begin_talk(storage, "5512", "9")
    other = case("other", of=conversation("talk 9", key="9"))
    folded = case(incident=IncidentId("incident"))
    await write(storage, *(SaveCase(case=each, was_revision=None) for each in (other, folded)))
    await write(storage, SaveIncident(incident=incident(), was_revision=None))
    await post(storage, "alert:case", "C7:1.5")
    await post(storage, "alert:other", "C7:1.5", Address(channel=TELEGRAM, key="-7"))
    await post(storage, "fixed:case:1", "C7:2.5")
    facts = await look(storage, thread=(SLACK, "C7:1.5"), event="message:1")
    assert facts == await look(storage, case=CaseId("case"))
    assert (facts.case, facts.conversation, facts.flow, facts.customer, facts.open_case, facts.incident) == (
        folded,
        conversation(),
        FLOW,
        customer(),
        folded,
        incident(),
    )
    assert (await look(storage, thread=(SLACK, "C7:1.5"), event="message:1")).seen
    assert (await look(storage, thread=(TELEGRAM, "C7:1.5"))).case == other
    for stranger in ((SLACK, "C7:2.5"), (SLACK, "C7:9.9"), (TELEGRAM, "C7:2.5")):
        assert await look(storage, thread=stranger) == Facts()


async def test_a_thread_of_an_incidents_alert_leads_to_the_incident(storage: Storage) -> None:
    await begin_talk(storage)
    folded = case(incident=IncidentId("incident"))
    await write(storage, SaveCase(case=folded, was_revision=None))
    await write(storage, SaveIncident(incident=incident(), was_revision=None))
    await post(storage, "incident:incident", "C7:3.5")
    assert await look(storage, thread=(SLACK, "C7:3.5")) == Facts(incident=incident())


def test_a_thread_is_found_by_the_slot_that_alerts_have() -> None:
    assert alert_slot(CaseId("0k3f")) == f"{ALERT_SLOT}0k3f"
    assert incident_slot(IncidentId("0k3f")) == f"{INCIDENT_SLOT}0k3f"


async def test_what_agents_write_in_one_thread_at_once_is_decided_one_by_one(
    storage: Storage, storage_url: str, clock: SetClock
) -> None:
    """Also where only the transaction can find out which case it is about, and beside steps that name the case."""
    elsewhere = await open_storage(storage_url, clock=clock)
    await begin_talk(storage)
    await write(storage, SaveCase(case=case(), was_revision=None))
    await post(storage, "alert:case", "C7:1.5")
    reads = (Read(thread=(SLACK, "C7:1.5")), Read(case=CaseId("case")), Read(address=address()))

    def change(facts: Facts) -> Outcome:
        assert facts.case is not None
        changed = replace(facts.case, revision=facts.case.revision + 1)
        return Outcome(writes=(SaveCase(case=changed, was_revision=facts.case.revision),))

    stores = (storage, elsewhere)
    await asyncio.gather(*(stores[n % 2].run(reads[n % 3], change) for n in range(48)))
    assert (await look(storage, case=CaseId("case"))).case == case(revision=48)
    await elsewhere.close()


SLOW, RUDE, BY_MINH = ("cause", "slow"), ("cause", "rude"), ("agent", "Minh")


def shares(of: Case, *values: Any) -> ShareValues:
    return ShareValues(case=of.id, opened_at=of.opened_at, values=values)


async def neighbours(storage: Storage, of: Case, since: datetime = NOON) -> list[int]:
    found = (await look(storage, case=of.id, neighbours_since=since)).neighbours
    return [int(each.case.id.removeprefix("case ")) for each in found]


async def test_neighbours_are_the_newest_cases_with_their_conversations(storage: Storage) -> None:
    opened = await open_cases(storage)
    await write(storage, *(shares(each, SLOW, RUDE) for each in opened))
    old, live, late = (incident(id, last_at=later(minutes=n)) for id, n in (("a", 1), ("b", 2), ("c", 9)))
    await write(storage, *(SaveIncident(incident=each, was_revision=None) for each in (late, old, live)))
    facts = await look(storage, case=opened[4].id, neighbours_since=later(minutes=2))
    near = [(opened[n], talk_of(n)) for n in (5, 4, 2)]
    assert facts.neighbours == tuple(Neighbour(case=each, conversation=talk) for each, talk in near)
    assert facts.incidents == (late, live)
    assert facts.incident is None
    assert (await look(storage, case=opened[4].id)).neighbours == ()


async def test_neighbours_share_a_value_with_the_case(storage: Storage) -> None:
    opened = [await open_case(storage, n) for n in range(6)]
    values = [(SLOW, BY_MINH), (SLOW,), (BY_MINH,), (RUDE,), (("cause", "Minh"), ("agent", "slow")), ()]
    await write(storage, *(shares(each, *theirs) for each, theirs in zip(opened, values, strict=True) if theirs))
    found = [await neighbours(storage, each) for each in opened]
    assert found == [[2, 1, 0], [1, 0], [2, 0], [3], [4], []]
    await write(storage, shares(opened[1], SLOW, RUDE))
    assert await neighbours(storage, opened[1]) == [3, 1, 0]
    assert (await look(storage, neighbours_since=NOON)).neighbours == ()


async def test_who_is_folded_is_nobodys_neighbour_any_more(storage: Storage) -> None:
    opened = [await open_case(storage, n) for n in range(4)]
    await write(storage, *(shares(each, SLOW, BY_MINH) for each in opened))
    await write(storage, shares(opened[1]))
    folded = replace(opened[2], incident=IncidentId("incident"), revision=1)
    await write(storage, SaveCase(case=folded, was_revision=0))
    assert [await neighbours(storage, each) for each in opened[:2]] == [[3, 0], []]


async def test_values_of_more_than_a_week_ago_are_forgotten(storage: Storage) -> None:
    opened = [await open_case(storage, n) for n in range(3)]
    kept = await open_case(storage, 3 * 24 * 60)
    await write(storage, *(shares(each, SLOW) for each in (*opened, kept)))
    await storage.sweep(later(days=8))
    assert await neighbours(storage, kept) == [3 * 24 * 60]


@pytest.mark.parametrize("value", ["x" * 5_000, "\U0001f600" * 2_000, "a\0b", "\ud800"], ids=ascii)
async def test_any_value_is_found_again(storage: Storage, value: str) -> None:
    opened = [await open_case(storage, n) for n in range(3)]
    await write(storage, *(shares(each, ("product", value)) for each in opened[:2]))
    await write(storage, shares(opened[2], ("product", "x" * 300)))
    assert await neighbours(storage, opened[0]) == [1, 0]


async def test_at_most_500_neighbours_are_read(storage: Storage) -> None:
    talks = [talk_of(n) for n in range(510)]
    saved = [SaveConversation(conversation=talk, flow_id="delivery", was_turn=None) for talk in talks]
    cases = [case(f"case {n:03}", of=talk, opened_at=later(minutes=n)) for n, talk in enumerate(talks)]
    await write(storage, *saved, *(SaveCase(case=each, was_revision=None) for each in cases))
    await write(storage, *(shares(each, SLOW) for each in cases))
    found = (await look(storage, case=cases[0].id, neighbours_since=NOON)).neighbours
    assert [neighbour.case for neighbour in found] == cases[:9:-1]


async def test_two_that_see_the_same_neighbours_never_begin_two_incidents(
    storage: Storage, storage_url: str, clock: SetClock
) -> None:
    elsewhere = await open_storage(storage_url, clock=clock)
    await storage.activate_flows([FLOW], NOON)
    cases = [await open_case(storage, n) for n in range(24)]

    def found(n: int, facts: Facts) -> Outcome:
        if facts.incidents:
            joined = replace(
                facts.incidents[0], cases=facts.incidents[0].cases + 1, revision=facts.incidents[0].revision + 1
            )
            return Outcome(writes=(SaveIncident(incident=joined, was_revision=facts.incidents[0].revision),))
        return Outcome(writes=(SaveIncident(incident=incident(f"begun by {n}", cases=1), was_revision=None),))

    stores = (storage, elsewhere)
    await asyncio.gather(
        *(
            stores[n % 2].run(
                Read(case=each.id, neighbours_since=NOON),
                lambda facts, n=n: found(n, facts),  # type: ignore[misc]
            )
            for n, each in enumerate(cases)
        )
    )
    await elsewhere.close()
    (begun,) = (await look(storage, neighbours_since=NOON)).incidents
    assert begun.cases == 24


async def test_a_desk_that_moves_takes_its_incidents_along(storage: Storage) -> None:
    moved = Address(channel=SLACK, key="C8")
    elsewhere = incident("elsewhere", desk=MINH)
    await write(storage, *(SaveIncident(incident=each, was_revision=None) for each in (incident(), elsewhere)))
    await write(storage, MoveAddress(address=DESK, to=moved))
    facts = await look(storage, neighbours_since=NOON)
    assert set(facts.incidents) == {incident(desk=moved), elsewhere}
    further = incident(desk=moved, cases=6, revision=1)
    await write(storage, SaveIncident(incident=further, was_revision=0))
    assert further in (await look(storage, neighbours_since=NOON)).incidents


async def test_a_customers_chat_that_moves_keeps_its_case_its_words_and_what_is_on_its_way(storage: Storage) -> None:
    await begin_talk(storage)
    moved = address("-100900")
    resolved = case(state="resolved", resolution=1, asked_resolution=1)
    relay = Outbound(
        kind="relay",
        to=address(),
        lane="telegram:5512",
        slot="relay:1",
        content=Text(text="sorry"),
        thread="alert:case",
    )
    await write(storage, SaveCase(case=resolved, was_revision=None))
    await post(storage, "alert:case", "C7:1.5")
    await write(storage, Queue(outbound=relay, at=NOON))
    await write(storage, MoveAddress(address=address(), to=moved))
    facts = await look(storage, thread=(SLACK, "C7:1.5"))
    assert facts.case == facts.open_case == replace(resolved, address=moved)
    assert (await look(storage, address=moved)).open_case == facts.case
    (listed,) = await storage.cases.list(CaseQuery())
    assert (listed.case, listed.customer_name) == (facts.case, "Ann")
    (delivery,) = await storage.outbox.claim(NOON, limit=9, lease_until=later(minutes=1))
    assert delivery.outbound == replace(relay, to=moved, lane="telegram:-100900")
    assert delivery.thread_remote == "C7:1.5"


# ---- all that a case may be --------------------------------------------------------------------------------------

# Without NUL and half characters: storage takes them out of texts, since PostgreSQL refuses them.
TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=30)
TIMES = st.integers(-(10**15), 10**15).map(lambda micros: NOON + timedelta(microseconds=micros))
OF_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(0, 2**31),
    bool: st.booleans(),
    datetime: TIMES,
    type(None): st.none(),
    Address: st.builds(Address, channel=TEXTS, key=TEXTS),
}


def any_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field by its type, so that a field that is added is tried as well."""
    if isinstance(hint, NewType):
        return any_of(hint.__supertype__)
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return st.sampled_from(arguments)
    if get_origin(hint) is tuple and ... not in arguments:
        return st.tuples(*(any_of(each) for each in arguments))
    if get_origin(hint) is tuple:
        return st.lists(any_of(arguments[0]), max_size=3).map(tuple)
    return st.one_of([any_of(each) for each in arguments]) if arguments else OF_TYPE[hint]


CASES = st.builds(Case, **{name: any_of(hint) for name, hint in get_type_hints(Case).items()})
_numbers = itertools.count()


@given(first=CASES, second=CASES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_a_case_holds_comes_back(storage: Storage, first: Case, second: Case) -> None:
    """When it is new, and after any change of it."""
    id = CaseId(f"case {next(_numbers)}")
    opened = replace(first, id=id, conversation=ConversationId(f"talk of {id}"))
    changed = replace(second, id=id, conversation=opened.conversation, customer=opened.customer)
    changed = replace(changed, opened_at=opened.opened_at, flow=opened.flow, revision=opened.revision + 1)
    for kept, was in ((opened, None), (changed, opened.revision)):
        await write(storage, SaveCase(case=kept, was_revision=was))
        assert (await look(storage, case=id)).case == kept
        (found,) = (each for each in await storage.cases.list(CaseQuery(limit=9_999)) if each.case.id == id)
        assert found.case == kept


async def test_a_case_without_a_score_comes_back_as_it_was(storage: Storage) -> None:
    """The column cannot be null, the body tells it as it is."""
    await begin_talk(storage)
    wanted = case(score=None, why="human", question="", wanted_at=NOON)
    await write(storage, SaveCase(case=wanted, was_revision=None))
    (listed,) = await storage.cases.list(CaseQuery(why="human"))
    assert listed.case == wanted
    assert await storage.cases.list(CaseQuery(why="score")) == []
    (times,) = await storage.cases.times(None, None)
    assert times.why == "human"
    scored = replace(wanted, score=2, revision=wanted.revision + 1)
    await write(storage, SaveCase(case=scored, was_revision=wanted.revision))
    view = await storage.cases.view(wanted.id)
    assert view is not None
    assert view.case == scored
