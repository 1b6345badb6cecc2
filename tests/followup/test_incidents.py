"""When several cases become one incident, and which cases it takes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.conversations.answers import Answer, Chosen, Scored, Skipped
from bot.conversations.conversation import Conversation
from bot.followup.cases import Case
from bot.followup.incidents import Found, Incident, IncidentRules, find, label_of, values_of
from bot.ids import CaseId, ConversationId, CustomerId, IncidentId
from bot.messages import Address, ChannelName
from tests.conversations.golden import flow_named

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DESK = Address(channel=ChannelName("slack"), key="#unhappy")
FLOW = flow_named("support")
RULES = IncidentRules(cause=3, agent=3, product=3)


def a_case(id: str, *reasons: str, minutes: int = 5, customer: str = "", **fields: Any) -> tuple[Case, Conversation]:
    """A case opened so many minutes ago, of a customer of its own, with the reasons that they chose."""
    attributes: Mapping[str, str] = fields.pop("attributes", {})
    at = NOW - timedelta(minutes=minutes)
    who = CustomerId(customer or f"p-{id}")
    conversation = Conversation(
        id=ConversationId(f"c-{id}"),
        flow=FLOW.hash,
        customer=who,
        address=Address(channel=ChannelName("telegram"), key=id),
        locale="en",
        answers={
            "score": Answer(value=Scored(score=1), turn=2, at=at),
            "reasons": Answer(value=Chosen(options=reasons) if reasons else Skipped(), turn=3, at=at),
        },
        attributes=attributes,
        started_at=at,
        touched_at=at,
    )
    case = Case(
        id=CaseId(id),
        conversation=conversation.id,
        customer=who,
        address=conversation.address,
        flow="support",
        question="score",
        score=1,
        desk=DESK,
        opened_at=at,
    )
    return replace(case, **fields), conversation


INCIDENT = Incident(
    id=IncidentId("i"),
    dimension="cause",
    value="slow",
    label="Slow reply",
    desk=DESK,
    cases=3,
    opened_at=NOW - timedelta(hours=3),
    last_at=NOW - timedelta(minutes=50),
)
OTHER_DESK = replace(DESK, key="#elsewhere")
MINE = a_case("mine", "slow", minutes=0)
SLOW = [a_case("a", "slow", minutes=20), a_case("b", "rude", "slow", minutes=10)]
MINH = {"agent": "Minh"}


def found(dimension: str, value: str, *cases: str, incident: Incident | None = None) -> dict[str, Any]:
    return {"dimension": dimension, "value": value, "cases": cases, "incident": incident}


# label: the case, those beside it, live incidents, the rules, what is found
FINDS: dict[
    str,
    tuple[
        tuple[Case, Conversation], list[tuple[Case, Conversation]], list[Incident], IncidentRules, dict[str, Any] | None
    ],
] = {
    "enough of one cause, oldest first": (MINE, SLOW, [], RULES, found("cause", "slow", "a", "b", "mine")),
    "itself among those read": (MINE, [MINE, *SLOW], [], RULES, found("cause", "slow", "a", "b", "mine")),
    "too few": (MINE, SLOW[:1], [], RULES, None),
    "too few within the window": (MINE, [SLOW[0], a_case("b", "slow", minutes=61)], [], RULES, None),
    "a longer window": (
        MINE,
        [SLOW[0], a_case("b", "slow", minutes=61)],
        [],
        replace(RULES, window=timedelta(hours=2)),
        found("cause", "slow", "b", "a", "mine"),
    ),
    "another cause": (a_case("mine", "unsolved"), SLOW, [], RULES, None),
    "no reason yet": (a_case("mine"), SLOW, [], RULES, None),
    "never by this dimension": (MINE, SLOW, [], replace(RULES, cause=0), None),
    "one angry person": (
        a_case("mine", "slow", customer="lan"),
        [a_case("a", "slow", customer="lan"), a_case("b", "slow", customer="lan")],
        [],
        RULES,
        None,
    ),
    "one of them twice": (
        MINE,
        [*SLOW, a_case("d", "slow", minutes=9, customer="p-b")],
        [],
        RULES,
        found("cause", "slow", "a", "b", "d", "mine"),
    ),
    "withdrawn ones are none": (MINE, [SLOW[0], a_case("b", "slow", state="withdrawn")], [], RULES, None),
    "resolved ones count": (
        MINE,
        [SLOW[0], a_case("b", "slow", state="resolved")],
        [],
        RULES,
        found("cause", "slow", "a", "b", "mine"),
    ),
    "those of another desk are theirs": (MINE, [SLOW[0], a_case("b", "slow", desk=OTHER_DESK)], [], RULES, None),
    "folded ones are elsewhere": (MINE, [SLOW[0], a_case("b", "slow", incident=IncidentId("x"))], [], RULES, None),
    "itself withdrawn": (a_case("mine", "slow", state="withdrawn"), SLOW, [], RULES, None),
    "itself folded": (a_case("mine", "slow", incident=IncidentId("x")), SLOW, [], RULES, None),
    "nobody is told of it": (a_case("mine", "slow", desk=None), SLOW, [], RULES, None),
    "one agent": (
        a_case("mine", attributes=MINH, minutes=0),
        [a_case("a", attributes=MINH), a_case("b", "slow", attributes=MINH)],
        [],
        RULES,
        found("agent", "Minh", "a", "b", "mine"),
    ),
    "the cause before the agent": (
        a_case("mine", "slow", attributes=MINH, minutes=0),
        [a_case("a", "slow", attributes=MINH), a_case("b", "slow", attributes=MINH), a_case("d", attributes=MINH)],
        [],
        RULES,
        found("cause", "slow", "a", "b", "mine"),
    ),
    "one channel, if asked for": (
        a_case("mine", minutes=0),
        [a_case("a"), a_case("b")],
        [],
        replace(RULES, channel=3),
        found("channel", "telegram", "a", "b", "mine"),
    ),
    "a live incident is joined": (MINE, [], [INCIDENT], RULES, found("cause", "slow", "mine", incident=INCIDENT)),
    "a live one before a new one": (
        a_case("mine", "rude", "slow"),
        [a_case("a", "rude"), a_case("b", "rude")],
        [INCIDENT],
        RULES,
        found("cause", "slow", "mine", incident=INCIDENT),
    ),
    "an incident of another value": (MINE, [], [replace(INCIDENT, value="rude")], RULES, None),
    "an incident of another dimension": (MINE, [], [replace(INCIDENT, dimension="agent")], RULES, None),
    "an incident of another desk": (MINE, [], [replace(INCIDENT, desk=OTHER_DESK)], RULES, None),
    "an incident that is over": (MINE, [], [replace(INCIDENT, last_at=NOW - timedelta(minutes=61))], RULES, None),
    "an incident whose dimension is no longer asked for": (MINE, [], [INCIDENT], replace(RULES, cause=0), None),
}


@pytest.mark.parametrize(("mine", "others", "incidents", "rules", "expected"), FINDS.values(), ids=FINDS)
def test_find(
    mine: tuple[Case, Conversation],
    others: list[tuple[Case, Conversation]],
    incidents: list[Incident],
    rules: IncidentRules,
    expected: dict[str, Any] | None,
) -> None:
    result = find(*mine, others, incidents, rules, NOW)
    assert result == (None if expected is None else Found(**expected))


def test_what_a_case_may_share() -> None:
    _, conversation = a_case("a", "slow", "other", attributes={"agent": " Minh ", "product": "", "order": "A7"})
    assert values_of(conversation) == {
        "cause": ("slow",),  # those who found nothing fitting have nothing in common
        "agent": ("Minh",),
        "product": (),
        "channel": ("telegram",),
    }


def test_a_cause_is_called_as_the_option_was() -> None:
    assert label_of("cause", "slow", FLOW.flow, "vi") == "Trả lời chậm"
    assert label_of("cause", "slow", FLOW.flow, "fr") == "Slow reply"
    assert label_of("cause", "gone", FLOW.flow, "vi") == "gone"
    assert label_of("agent", "slow", FLOW.flow, "vi") == "slow"
