"""When a case opens, and what a changed score, agents and the customer do to it."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.conversations.flow import Flow
from bot.conversations.questions import Rating, ScaleName, scale_of
from bot.followup import cases
from bot.followup.cases import (
    LISTENS_AFTER,
    Case,
    CaseChange,
    DeedVerdict,
    Priority,
    claim,
    is_snoozed,
    is_unhappy,
    listens,
    rescore,
)
from bot.ids import CaseId, ConversationId, CustomerId, IncidentId
from bot.messages import Address, ChannelName

AT = datetime(2026, 3, 2, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
MAI = Address(channel=ChannelName("slack"), key="U1")
NAM = Address(channel=ChannelName("slack"), key="U2")

OPEN = Case(
    id=CaseId("k"),
    conversation=ConversationId("c"),
    customer=CustomerId("p"),
    address=Address(channel=ChannelName("web"), key="s1"),
    flow="support",
    question="score",
    score=2,
    revision=5,
    opened_at=AT,
)
CLAIMED = replace(OPEN, state="claimed", owner=MAI, owner_name="Mai", claimed_at=AT)
WITHDRAWN = replace(OPEN, state="withdrawn", score=5, closed_at=AT)
WITHDRAWN_OF_MAI = replace(CLAIMED, state="withdrawn", score=5, closed_at=AT)
CONTACTED = replace(CLAIMED, state="contacted", first_word_at=LATER, last_word_at=LATER)
RESOLVED = replace(CONTACTED, state="resolved", resolution=1, resolved_at=LATER, first_resolved_at=LATER, cause="bug")
ASKED = replace(RESOLVED, asked_resolution=1)
REOPENED = replace(ASKED, state="reopened", reopened_at=LATER + timedelta(hours=1), resolved_at=None, priority="high")
RECOVERED = replace(ASKED, state="recovered", closed_at=LATER)
UNCONFIRMED = replace(ASKED, state="unconfirmed", closed_at=LATER)

#: scale: the flow's own limit, the scores that open a case
UNHAPPY: dict[str, tuple[ScaleName, int | None, range]] = {
    "NPS": ("nps", None, range(7)),
    "CSAT 1-5": ("csat5", None, range(1, 3)),
    "CSAT 1-10": ("csat10", None, range(1, 5)),
    "CES": ("ces7", None, range(1, 4)),
    "thumbs": ("thumbs", None, range(1)),
    "NPS, the flow says 3": ("nps", 3, range(4)),
    "CSAT, the flow says 3": ("csat5", 3, range(1, 4)),
    "NPS, the flow says 0": ("nps", 0, range(1)),
    "CSAT, the flow says never": ("csat5", 0, range(0)),
}


@pytest.mark.parametrize(("scale", "limit", "unhappy"), UNHAPPY.values(), ids=UNHAPPY)
def test_which_scores_open_a_case(scale: ScaleName, limit: int | None, unhappy: range) -> None:
    rating = Rating(id="score", text={}, scale=scale)
    flow = Flow(id="f", title={}, locales=("en",), questions=(rating,), case_at_most=limit)
    bounds = scale_of(rating)
    found = [score for score in range(bounds.low, bounds.high + 1) if is_unhappy(flow, rating, score)]
    assert found == list(unhappy)


def test_the_settings_may_move_the_limit_of_a_scale() -> None:
    rating = Rating(id="score", text={}, scale="csat5")
    flow = Flow(id="f", title={}, locales=("en",), questions=(rating,))
    assert is_unhappy(flow, rating, 3, {"csat5": 3})
    assert not is_unhappy(flow, rating, 3, {"nps": 3})
    assert not is_unhappy(replace(flow, case_at_most=1), rating, 2, {"csat5": 3})


# label: the case, the new score (None: taken back), whether it is unhappy, the state, its score, what changed
RESCORED: dict[str, tuple[Case, int | None, bool, str, int, CaseChange | None]] = {
    "still unhappy": (OPEN, 1, True, "open", 1, "corrected"),
    "the same score": (OPEN, 2, True, "open", 2, None),
    "happy now": (OPEN, 5, False, "withdrawn", 5, "withdrawn"),
    "taken back": (OPEN, None, False, "withdrawn", 2, "withdrawn"),
    "claimed, still unhappy": (CLAIMED, 1, True, "claimed", 1, "corrected"),
    "claimed, happy now": (CLAIMED, 4, False, "withdrawn", 4, "withdrawn"),
    "contacted, happy now": (CONTACTED, 5, False, "contacted", 5, "corrected"),
    "contacted, taken back": (CONTACTED, None, False, "contacted", 2, None),
    "resolved, happy now": (RESOLVED, 5, False, "resolved", 5, "corrected"),
    "not fixed, happy now": (replace(CLAIMED, reopened_at=LATER), 5, False, "claimed", 5, "corrected"),
    "recovered, happy now": (RECOVERED, 5, False, "recovered", 5, "corrected"),
    "recovered, taken back": (RECOVERED, None, False, "recovered", 2, None),
    "unconfirmed, still unhappy": (UNCONFIRMED, 1, True, "unconfirmed", 1, "corrected"),
    "withdrawn, unhappy again": (WITHDRAWN, 1, True, "open", 1, "reopened"),
    "withdrawn, unhappy again with the old score": (replace(WITHDRAWN, score=2), 2, True, "open", 2, "reopened"),
    "withdrawn, unhappy again, Mai's": (WITHDRAWN_OF_MAI, 1, True, "claimed", 1, "reopened"),
    "withdrawn, unhappy again, she wrote": (replace(CONTACTED, state="withdrawn"), 1, True, "contacted", 1, "reopened"),
    "withdrawn, taken back": (WITHDRAWN, None, False, "withdrawn", 5, None),
}


@pytest.mark.parametrize(("case", "score", "unhappy", "state", "kept", "change"), RESCORED.values(), ids=RESCORED)
def test_rescore(
    case: Case, score: int | None, unhappy: bool, state: str, kept: int, change: CaseChange | None
) -> None:
    changed, what = rescore(case, score, unhappy=unhappy, at=LATER)
    assert (changed.state, changed.score, what) == (state, kept, change)
    assert changed.revision == case.revision + (0 if change is None else 1)
    assert (changed.id, changed.owner) == (case.id, case.owner)
    assert (changed.closed_at is None) == (changed.state not in cases.CLOSED)


# ---- what agents do ----------------------------------------------------------------------------------------------

# label: the case, who presses, the owner then, its state, what they are told
CLAIMS: dict[str, tuple[Case, Address, Address | None, str, DeedVerdict]] = {
    "an open case": (OPEN, MAI, MAI, "claimed", "done"),
    "twice by the same agent": (CLAIMED, MAI, MAI, "claimed", "unchanged"),
    "by another": (CLAIMED, NAM, MAI, "claimed", "already_claimed"),
    "a contacted case that was released": (replace(CONTACTED, owner=None), NAM, NAM, "contacted", "done"),
    "a reopened case that was released": (replace(REOPENED, owner=None), NAM, NAM, "reopened", "done"),
    "a resolved case": (RESOLVED, NAM, MAI, "resolved", "already_resolved"),
    "a recovered case": (RECOVERED, NAM, MAI, "recovered", "case_closed"),
    "a withdrawn case": (WITHDRAWN, MAI, None, "withdrawn", "case_closed"),
    "a withdrawn case of their own": (WITHDRAWN_OF_MAI, MAI, MAI, "withdrawn", "case_closed"),
}


@pytest.mark.parametrize(("case", "agent", "owner", "state", "verdict"), CLAIMS.values(), ids=CLAIMS)
def test_claim(case: Case, agent: Address, owner: Address | None, state: str, verdict: DeedVerdict) -> None:
    changed, said = claim(case, agent, "Name", LATER)
    assert (changed.owner, changed.state, said) == (owner, state, verdict)
    assert (changed is case) == (verdict != "done")


def test_a_claim_remembers_who_and_when() -> None:
    changed, _ = claim(OPEN, NAM, "Nam", LATER)
    assert changed == replace(OPEN, state="claimed", owner=NAM, owner_name="Nam", claimed_at=LATER, revision=6)


# label: the case, who releases it, its state then, what they are told
RELEASES: dict[str, tuple[Case, Address, str, DeedVerdict]] = {
    "one's own": (CLAIMED, MAI, "open", "done"),
    "another's": (CLAIMED, NAM, "claimed", "not_owner"),
    "nobody's": (OPEN, NAM, "open", "unchanged"),
    "one's own, contacted": (CONTACTED, MAI, "contacted", "done"),
    "one's own, reopened": (REOPENED, MAI, "reopened", "done"),
    "a resolved one": (RESOLVED, MAI, "resolved", "already_resolved"),
    "a closed one": (RECOVERED, MAI, "recovered", "case_closed"),
}


@pytest.mark.parametrize(("case", "agent", "state", "verdict"), RELEASES.values(), ids=RELEASES)
def test_release(case: Case, agent: Address, state: str, verdict: DeedVerdict) -> None:
    changed, said = cases.release(case, agent)
    assert (changed.state, said) == (state, verdict)
    assert (changed.owner is None) == (verdict in ("done", "unchanged"))


# label: the case, to whom, its state then, what is told
ASSIGNED: dict[str, tuple[Case, Address, str, DeedVerdict]] = {
    "nobody's": (OPEN, NAM, "claimed", "done"),
    "another's": (CLAIMED, NAM, "claimed", "done"),
    "to its owner": (CLAIMED, MAI, "claimed", "unchanged"),
    "contacted": (CONTACTED, NAM, "contacted", "done"),
    "resolved": (RESOLVED, NAM, "resolved", "done"),
    "closed": (UNCONFIRMED, NAM, "unconfirmed", "case_closed"),
}


@pytest.mark.parametrize(("case", "to", "state", "verdict"), ASSIGNED.values(), ids=ASSIGNED)
def test_assign(case: Case, to: Address, state: str, verdict: DeedVerdict) -> None:
    changed, said = cases.assign(case, to, "Nam", LATER)
    assert (changed.state, said) == (state, verdict)
    assert (changed.owner == to) == (verdict != "case_closed")


SPOKEN: dict[str, tuple[Case, str, Address | None]] = {
    "nobody's: who speaks takes it": (OPEN, "contacted", NAM),
    "another's": (CLAIMED, "contacted", MAI),
    "reopened": (REOPENED, "contacted", MAI),
    "resolved": (RESOLVED, "resolved", MAI),
    "closed": (replace(RECOVERED, owner=None), "recovered", None),
}


@pytest.mark.parametrize(("case", "state", "owner"), SPOKEN.values(), ids=SPOKEN)
def test_speaking(case: Case, state: str, owner: Address | None) -> None:
    at = LATER + timedelta(days=1)
    changed = cases.spoke(case, NAM, "Nam", at)
    assert (changed.state, changed.owner, changed.last_word_at) == (state, owner, at)
    assert changed.first_word_at == (case.first_word_at or at)


def test_a_snooze_is_beside_the_state_and_ends() -> None:
    changed, verdict = cases.snooze(CLAIMED, LATER)
    assert (changed.state, verdict) == ("claimed", "done")
    assert is_snoozed(changed, AT)
    assert not is_snoozed(changed, LATER)
    assert cases.snooze(changed, LATER) == (changed, "unchanged")
    assert cases.woken(changed).snoozed_until is None
    assert cases.woken(CLAIMED) is CLAIMED
    assert cases.snooze(RESOLVED, LATER) == (RESOLVED, "already_resolved")
    assert cases.snooze(WITHDRAWN, LATER) == (WITHDRAWN, "case_closed")


def test_resolving_counts_and_takes_a_case_that_nobody_has() -> None:
    snoozed, _ = cases.snooze(OPEN, LATER)
    changed, verdict = cases.resolve(snoozed, NAM, "Nam", cause="bug", action="Mended", at=LATER)
    assert verdict == "done"
    assert (changed.state, changed.owner, changed.resolution) == ("resolved", NAM, 1)
    assert (changed.cause, changed.action, changed.snoozed_until) == ("bug", "Mended", None)
    again = cases.resolve(changed, MAI, "Mai", cause="price", action="", at=LATER)
    assert again == (changed, "already_resolved")
    assert cases.resolve(WITHDRAWN, MAI, "Mai", cause="bug", action="", at=LATER) == (WITHDRAWN, "case_closed")


def test_the_second_resolution_keeps_when_the_first_was() -> None:
    changed, _ = cases.resolve(REOPENED, NAM, "Nam", cause="bug", action="Again", at=AT + timedelta(days=2))
    assert (changed.resolution, changed.first_resolved_at, changed.owner) == (2, LATER, MAI)


# ---- what the customer says of it --------------------------------------------------------------------------------


def test_a_resolution_is_asked_about_once() -> None:
    asked = cases.asked_recovery(RESOLVED)
    assert asked.asked_resolution == 1
    assert cases.awaits_recovery(asked, 1)
    assert not cases.awaits_recovery(asked, 2)
    assert not cases.awaits_recovery(RESOLVED)
    assert cases.asked_recovery(asked) is asked
    assert cases.asked_recovery(REOPENED) is REOPENED


RAISED: dict[Priority, Priority] = {"normal": "high", "high": "urgent", "urgent": "urgent"}


@pytest.mark.parametrize(("before", "then"), RAISED.items())
def test_not_fixed_opens_it_again_with_the_same_owner_and_its_clocks_anew(before: Priority, then: Priority) -> None:
    at = AT + timedelta(days=2)
    changed = cases.not_fixed(replace(ASKED, priority=before, escalated=("first_word", "resolved")), at)
    assert (changed.state, changed.owner, changed.priority, changed.escalated) == ("reopened", MAI, then, ())
    assert changed.clocks_from == at
    assert not changed.contacted_since
    assert cases.not_fixed(changed, at) is changed


def test_the_ends_of_a_case() -> None:
    for end, state in ((cases.recovered, "recovered"), (cases.unconfirmed, "unconfirmed")):
        changed = end(ASKED, LATER)
        assert (changed.state, changed.closed_at) == (state, LATER)
        assert end(REOPENED, LATER) is REOPENED


LISTENS: dict[str, tuple[Case, timedelta, bool]] = {
    "open": (OPEN, timedelta(days=30), True),
    "resolved": (RESOLVED, timedelta(days=30), True),
    "just recovered": (RECOVERED, LISTENS_AFTER, True),
    "long recovered": (RECOVERED, LISTENS_AFTER + timedelta(seconds=1), False),
    "withdrawn": (WITHDRAWN, timedelta(0), False),
}


@pytest.mark.parametrize(("case", "later", "heard"), LISTENS.values(), ids=LISTENS)
def test_who_listens(case: Case, later: timedelta, heard: bool) -> None:
    assert listens(case, LATER + later) == heard


def test_what_is_done_once_changes_nothing_again() -> None:
    assert cases.escalated(OPEN, "first_word").escalated == ("first_word",)
    told = cases.escalated(OPEN, "first_word")
    assert cases.escalated(told, "first_word") is told
    inside = cases.folded(OPEN, IncidentId("i"))
    assert inside.incident == "i"
    assert cases.folded(inside, IncidentId("j")) is inside
    assert cases.raised(OPEN, "urgent").priority == "urgent"
    urgent = replace(OPEN, priority="urgent")
    assert cases.raised(urgent, "high") is urgent
    assert cases.alerted(OPEN).alerted
