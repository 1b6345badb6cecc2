"""The case of one unhappy customer: what it is, when it opens, and how each event changes it. Pure."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from bot.conversations.flow import Flow
from bot.conversations.questions import Rating
from bot.ids import CaseId, ConversationId, CustomerId
from bot.messages import Address

CaseState = Literal["open", "claimed", "withdrawn"]

#: A score at or below this opens a case, unless the flow says otherwise.
CASE_AT_MOST = {"nps": 6, "csat5": 2, "csat10": 4, "ces7": 3, "thumbs": 0}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """The follow-up opened for one unhappy customer. ``revision`` grows with each change; a write compares it."""

    id: CaseId
    conversation: ConversationId
    customer: CustomerId
    address: Address
    flow: str
    question: str
    score: int
    state: CaseState = "open"
    owner: Address | None = None
    owner_name: str | None = None
    #: the alert was put on its way: from now on changes are edits
    alerted: bool = False
    #: where the alert goes
    desk: Address | None = None
    revision: int = 0
    opened_at: datetime
    claimed_at: datetime | None = None


CaseChange = Literal["opened", "corrected", "withdrawn", "reopened"]


def is_unhappy(flow: Flow, rating: Rating, score: int) -> bool:
    """Whether a score of the flow's rating opens a case."""
    limit = CASE_AT_MOST[rating.scale] if flow.case_at_most is None else flow.case_at_most
    return score <= limit


def rescore(case: Case, score: int | None, *, unhappy: bool) -> tuple[Case, CaseChange | None]:
    """What a changed score does to a case: None for a score that was taken back altogether.

    A withdrawn case opens again under its own name, so that the agents see one alert with its whole history.
    """
    if score is None or not unhappy:
        if case.state == "withdrawn":
            return case, None
        # the happy score is kept: the alert tells what the customer changed it to
        kept = case.score if score is None else score
        return replace(case, state="withdrawn", score=kept, revision=case.revision + 1), "withdrawn"
    if case.state == "withdrawn":
        state: CaseState = "open" if case.owner is None else "claimed"
        return replace(case, state=state, score=score, revision=case.revision + 1), "reopened"
    if case.score == score:
        return case, None
    return replace(case, score=score, revision=case.revision + 1), "corrected"


def alerted(case: Case) -> Case:
    return replace(case, alerted=True, revision=case.revision + 1)


ClaimVerdict = Literal["claimed", "already_claimed", "case_closed"]


def claim(case: Case, agent: Address, agent_name: str, at: datetime) -> tuple[Case, ClaimVerdict]:
    """Make an agent the owner of an open case; a second press of the same agent changes nothing."""
    if case.state == "withdrawn":
        return case, "case_closed"
    if case.owner is not None:
        return case, "claimed" if case.owner == agent else "already_claimed"
    taken = replace(
        case, state="claimed", owner=agent, owner_name=agent_name, claimed_at=at, revision=case.revision + 1
    )
    return taken, "claimed"
