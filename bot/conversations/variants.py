"""Which form of a flow a customer is asked: the flow itself, or one of its variants. Pure."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from bot.conversations.flow import PinnedFlow
from bot.ids import CustomerId

#: One for each percent of a share.
_LOTS = 100


def form_of(base: PinnedFlow, customer: CustomerId, flows: Iterable[PinnedFlow]) -> PinnedFlow:
    """The form of a flow that this customer is always given, as long as the variants and their shares stay as they are.

    The order of the flows is nothing to it. A variant that is added, removed or given another share changes nothing for
    customers of those before it in the order of ids, and little for those of the ones behind it.
    """
    variants = {each.flow.id: each for each in flows if each.flow.variant_of == base.flow.id}
    if not variants:
        return base
    shares = tuple(sorted((id, each.flow.share) for id, each in variants.items()))
    holder = _holders(base.flow.id, shares)[_lot_of(base.flow.id, customer)]
    return base if holder is None else variants[holder]


def base_id(flow: PinnedFlow) -> str:
    """The id that rules, cool-downs and triggers know a flow by."""
    return flow.flow.variant_of or flow.flow.id


@lru_cache(maxsize=256)
def _holders(base: str, shares: tuple[tuple[str, int], ...]) -> tuple[str | None, ...]:
    """The variant that holds each lot; None: the flow itself.

    Each variant has an order of its own in which it takes lots, so that one more lot for it is one less for the flow
    itself. Disjoint shares that never look at each other there cannot be: of three halves any two may be in use. So
    whoever finds a lot taken takes the next one.
    """
    holders: list[str | None] = [None] * _LOTS
    for variant, share in shares:
        free = [lot for lot in range(_LOTS) if holders[lot] is None]
        for lot in sorted(free, key=lambda lot: _drawn(base, variant, str(lot)))[:share]:
            holders[lot] = variant
    return tuple(holders)


def _drawn(*names: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(names).encode()).digest()[:8], "big")


def _lot_of(flow: str, customer: CustomerId) -> int:
    """A customer's lot among a flow's customers: as if drawn, and the same whenever it is looked at."""
    return _drawn(flow, customer) % _LOTS
