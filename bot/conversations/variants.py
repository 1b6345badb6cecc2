"""Which form of a flow a customer is asked: the flow itself, or one of its variants. Pure."""

import hashlib
from collections.abc import Iterable

from bot.conversations.flow import PinnedFlow
from bot.ids import CustomerId


def form_of(base: PinnedFlow, customer: CustomerId, flows: Iterable[PinnedFlow]) -> PinnedFlow:
    """The form of a flow that this customer is always given, as long as the shares stay as they are.

    A variant added later, or a larger share of the last one, changes it only for those who had the flow itself.
    """
    lot = lot_of(base.flow.id, customer)
    taken = 0
    for each in flows:
        if each.flow.variant_of == base.flow.id:
            taken += each.flow.share
            if lot < taken:
                return each
    return base


def lot_of(flow: str, customer: CustomerId) -> int:
    """A customer's lot among a flow's customers, 0 to 99: as if drawn, and the same whenever it is looked at."""
    drawn = hashlib.sha256(f"{flow}\0{customer}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") % 100


def base_id(flow: PinnedFlow) -> str:
    """The id that rules, cool-downs and triggers know a flow by."""
    return flow.flow.variant_of or flow.flow.id
