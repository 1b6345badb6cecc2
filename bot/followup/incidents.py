"""Several low scores of one cause in a short time: one incident, with the cases folded into it. Pure."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from bot.followup.cases import Stage
from bot.ids import IncidentId
from bot.messages import Address

IncidentDimension = Literal["cause", "agent", "product", "channel"]
DIMENSIONS: tuple[IncidentDimension, ...] = ("cause", "agent", "product", "channel")


class IncidentRules(msgspec.Struct, frozen=True, kw_only=True):
    """So many cases of one value within the window are an incident; 0: never by this dimension."""

    window: timedelta = timedelta(hours=1)
    cause: int = 5
    agent: int = 5
    product: int = 5
    channel: int = 0


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
    #: the stages that its thread was told of, for all cases that nobody has taken
    escalated: tuple[Stage, ...] = ()
    revision: int = 0
