"""The state of one respondent's passage through one flow version."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from bot.conversations.answers import Answer
from bot.ids import ConversationId, CustomerId, FlowHash, InteractionId
from bot.messages import Address

Status = Literal["waiting", "completed", "expired", "stopped"]


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """Frozen state; the engine returns a new one. Holds no customer's words and no name.

    ``turn`` grows with every change and is what a write compares against. ``prompts`` remembers, per question,
    the turn on which its newest buttons were made: a tap is good only with that turn. ``reopened`` is the
    question whose answer is being corrected while ``asked`` is still open.
    """

    id: ConversationId
    flow: FlowHash
    customer: CustomerId
    address: Address
    locale: str
    status: Status = "waiting"
    turn: int = 0
    asked: str | None = None
    reopened: str | None = None
    prompts: Mapping[str, int] = {}
    answers: Mapping[str, Answer] = {}
    #: option ids ticked so far, per multiple choice that is not finished
    drafts: Mapping[str, tuple[str, ...]] = {}
    #: whether the one re-ask of the question that words go to was used; pressing *Change* grants another
    reasked: bool = False
    #: whether we stopped listening to words that are no answer, until the next tap or answer
    handed_back: bool = False
    #: the first comment ends the correction window; words beside a score are none
    commented: bool = False
    interaction: InteractionId | None = None
    #: we asked, and the customer did not ask for it: the first question then offers ways to say no
    invited: bool = False
    #: what the texts' variables and conditions may use: agent, order, tag, ... (no names of customers)
    attributes: Mapping[str, str] = {}
    started_at: datetime
    touched_at: datetime
