"""Several low scores of one cause in a short time: one incident, with the cases folded into it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from bot.conversations.answers import Chosen
from bot.conversations.conversation import Conversation
from bot.conversations.flow import Flow
from bot.conversations.questions import Choice, Choices, in_locale
from bot.followup.cases import Case, Stage
from bot.ids import CaseId, IncidentId
from bot.messages import Address

IncidentDimension = Literal["cause", "agent", "product", "channel"]
DIMENSIONS: tuple[IncidentDimension, ...] = ("cause", "agent", "product", "channel")

#: No window is longer than this, so that older cases are nobody's neighbours.
LONGEST_WINDOW = timedelta(days=7)


class IncidentRules(msgspec.Struct, frozen=True, kw_only=True):
    """So many cases of one value within the window are an incident; 0: never by this dimension."""

    window: timedelta = timedelta(hours=1)
    cause: int = 5
    agent: int = 5
    product: int = 5
    channel: int = 0


class Escalated(msgspec.Struct, frozen=True, kw_only=True):
    """When a team was last told that a stage of the incident's cases that nobody has is nearly due."""

    stage: Stage
    team: str
    at: datetime


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What several cases have in common: ``Incident(dimension="cause", value="slow", label="Slow reply", cases=7)``.

    It is live until the window has passed since ``last_at``; further cases of its value only join it then.
    """

    id: IncidentId
    dimension: IncidentDimension
    value: str
    #: the value in the agents' language
    label: str
    desk: Address
    cases: int
    opened_at: datetime
    last_at: datetime
    #: one for each stage and team that was told of
    escalations: tuple[Escalated, ...] = ()
    revision: int = 0

    def escalated_at(self, stage: Stage, team: str) -> datetime | None:
        """When a team was last told of a stage; None: never."""
        return next((each.at for each in self.escalations if (each.stage, each.team) == (stage, team)), None)


#: A team hears of an incident's cases that nobody has at most so often, of all of them at once.
TOLD_AGAIN = timedelta(hours=1)

#: What someone chooses who found nothing fitting has nothing in common with what others mean by it; nor does a consent.
NO_CAUSE = frozenset({"other", "none", "else", "yes", "no"})


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A value that cases have in common: the incident to join, or the cases that become a new one, oldest first."""

    dimension: IncidentDimension
    value: str
    #: to fold: the case itself is among them
    cases: tuple[CaseId, ...]
    incident: Incident | None = None


def escalated(incident: Incident, stage: Stage, team: str, at: datetime) -> Incident:
    """The incident once a team was told of a stage."""
    others = tuple(each for each in incident.escalations if (each.stage, each.team) != (stage, team))
    told = Escalated(stage=stage, team=team, at=at)
    return replace(incident, escalations=(*others, told), revision=incident.revision + 1)


def values_of(conversation: Conversation) -> Mapping[IncidentDimension, tuple[str, ...]]:
    """What a case may share with others, by dimension; a dimension of which nothing is known has no values."""
    chosen = [
        id
        for answer in conversation.answers.values()
        if isinstance(answer.value, Chosen)
        for id in answer.value.options
    ]
    return {
        "cause": tuple(id for id in dict.fromkeys(chosen) if id not in NO_CAUSE),
        "agent": _attribute(conversation, "agent"),
        "product": _attribute(conversation, "product"),
        "channel": (str(conversation.address.channel),),
    }


def shared_values(conversation: Conversation, rules: IncidentRules) -> tuple[tuple[IncidentDimension, str], ...]:
    """What a case may share with others, by the dimensions that count; in the order of DIMENSIONS."""
    values, counted = values_of(conversation), [each for each in DIMENSIONS if _limit(rules, each)]
    return tuple((dimension, value) for dimension in counted for value in values[dimension])


def _attribute(conversation: Conversation, name: str) -> tuple[str, ...]:
    value = conversation.attributes.get(name, "").strip()
    return (value,) if value else ()


def find(
    case: Case,
    conversation: Conversation,
    cases: Sequence[tuple[Case, Conversation]],
    incidents: Sequence[Incident],
    rules: IncidentRules,
    now: datetime,
) -> Found | None:
    """The incident that a case belongs to: a live one of its values, else a new one, if enough customers share a value.

    A case is folded but once, and only with cases of the same desk: what another team should hear of stays with it.
    Who asked for a person has nothing in common with others: somebody was promised to them.
    """
    if case.incident is not None or case.state == "withdrawn" or case.desk is None or case.wanted_at is not None:
        return None
    asked = shared_values(conversation, rules)
    for dimension, value in asked:
        for incident in incidents:
            same = (incident.dimension, incident.value, incident.desk) == (dimension, value, case.desk)
            if same and now - incident.last_at <= rules.window:
                return Found(dimension=dimension, value=value, cases=(case.id,), incident=incident)
    near = [(each, values_of(of)) for each, of in _near(case, conversation, cases, now - rules.window)]
    for dimension, value in asked:
        alike = [each for each, theirs in near if value in theirs[dimension]]
        # One person who is angry five times is no incident.
        if len({each.customer for each in alike}) >= _limit(rules, dimension):
            return Found(dimension=dimension, value=value, cases=tuple(each.id for each in alike))
    return None


def _near(
    case: Case, conversation: Conversation, cases: Sequence[tuple[Case, Conversation]], since: datetime
) -> list[tuple[Case, Conversation]]:
    """The case and those beside it that may still be folded, oldest first."""
    others = [
        (each, of)
        for each, of in cases
        if each.id != case.id
        and each.incident is None
        and each.state != "withdrawn"
        and each.wanted_at is None
        and each.desk == case.desk
        and each.opened_at >= since
    ]
    return sorted([*others, (case, conversation)], key=lambda pair: (pair[0].opened_at, pair[0].id))


def _limit(rules: IncidentRules, dimension: IncidentDimension) -> int:
    match dimension:
        case "cause":
            return rules.cause
        case "agent":
            return rules.agent
        case "product":
            return rules.product
        case "channel":
            return rules.channel
        case _:
            assert_never(dimension)


def label_of(dimension: IncidentDimension, value: str, flow: Flow, locale: str) -> str:
    """A value in the agents' language: the text of an option of the flow, else the value as it is."""
    if dimension != "cause":
        return value
    options = [
        option for question in flow.questions if isinstance(question, Choice | Choices) for option in question.options
    ]
    texts = next((option.text for option in options if option.id == value), {})
    return in_locale(texts, locale, flow.locale) or value
