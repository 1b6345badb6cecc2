"""The case of one unhappy customer: what it is, and how each event changes it. Pure."""

from datetime import datetime
from typing import Literal

import msgspec

from bot.ids import CaseId, ConversationId, CustomerId
from bot.messages import Address

CaseState = Literal["open", "claimed", "withdrawn"]


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
