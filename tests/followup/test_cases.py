"""When a case opens, and what a changed score or a claim does to it."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.conversations.flow import Flow
from bot.conversations.questions import Rating, ScaleName, scale_of
from bot.followup.cases import Case, CaseChange, ClaimVerdict, claim, is_unhappy, rescore
from bot.ids import CaseId, ConversationId, CustomerId
from bot.messages import Address, ChannelName

AT = datetime(2026, 3, 2, tzinfo=UTC)
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
WITHDRAWN = replace(OPEN, state="withdrawn", score=5)
WITHDRAWN_OF_MAI = replace(CLAIMED, state="withdrawn", score=5)

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


# label: the case, the new score (None: taken back), whether it is unhappy, the state, its score, what changed
RESCORED: dict[str, tuple[Case, int | None, bool, str, int, CaseChange | None]] = {
    "still unhappy": (OPEN, 1, True, "open", 1, "corrected"),
    "the same score": (OPEN, 2, True, "open", 2, None),
    "happy now": (OPEN, 5, False, "withdrawn", 5, "withdrawn"),
    "taken back": (OPEN, None, False, "withdrawn", 2, "withdrawn"),
    "claimed, still unhappy": (CLAIMED, 1, True, "claimed", 1, "corrected"),
    "claimed, happy now": (CLAIMED, 4, False, "withdrawn", 4, "withdrawn"),
    "withdrawn, unhappy again": (WITHDRAWN, 1, True, "open", 1, "reopened"),
    "withdrawn, unhappy again with the old score": (replace(WITHDRAWN, score=2), 2, True, "open", 2, "reopened"),
    "withdrawn, unhappy again, Mai's": (WITHDRAWN_OF_MAI, 1, True, "claimed", 1, "reopened"),
    "withdrawn, taken back": (WITHDRAWN, None, False, "withdrawn", 5, None),
}


@pytest.mark.parametrize(("case", "score", "unhappy", "state", "kept", "change"), RESCORED.values(), ids=RESCORED)
def test_rescore(
    case: Case, score: int | None, unhappy: bool, state: str, kept: int, change: CaseChange | None
) -> None:
    changed, what = rescore(case, score, unhappy=unhappy)
    assert (changed.state, changed.score, what) == (state, kept, change)
    assert changed.revision == case.revision + (0 if change is None else 1)
    assert (changed.id, changed.owner) == (case.id, case.owner)


# label: the case, who presses, the owner then, what they are told
CLAIMS: dict[str, tuple[Case, Address, Address | None, ClaimVerdict]] = {
    "an open case": (OPEN, MAI, MAI, "claimed"),
    "twice by the same agent": (CLAIMED, MAI, MAI, "claimed"),
    "by another": (CLAIMED, NAM, MAI, "already_claimed"),
    "a withdrawn case": (WITHDRAWN, MAI, None, "case_closed"),
    "a withdrawn case of their own": (WITHDRAWN_OF_MAI, MAI, MAI, "case_closed"),
}


@pytest.mark.parametrize(("case", "agent", "owner", "verdict"), CLAIMS.values(), ids=CLAIMS)
def test_claim(case: Case, agent: Address, owner: Address | None, verdict: ClaimVerdict) -> None:
    changed, said = claim(case, agent, "Name", AT + timedelta(hours=1))
    assert (changed.owner, said) == (owner, verdict)
    assert (changed is case) == (case is not OPEN)


def test_a_claim_remembers_who_and_when() -> None:
    changed, _ = claim(OPEN, NAM, "Nam", AT + timedelta(hours=1))
    assert changed == replace(
        OPEN, state="claimed", owner=NAM, owner_name="Nam", claimed_at=AT + timedelta(hours=1), revision=6
    )
