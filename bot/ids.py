"""Identifiers: sortable by time, safe in URLs and buttons, and made from a clock and a generator passed in."""

import random
from collections.abc import Callable
from typing import NewType

ConversationId = NewType("ConversationId", str)
CustomerId = NewType("CustomerId", str)
CaseId = NewType("CaseId", str)
WordsId = NewType("WordsId", str)
InteractionId = NewType("InteractionId", str)
IncidentId = NewType("IncidentId", str)
FlowHash = NewType("FlowHash", str)

#: Crockford's base 32 in lower case: no i, l, o, u, so an id can be read out on the phone.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
ID_LENGTH = 16

#: Gives a new identifier at each call.
Ids = Callable[[], str]


def encode_id(milliseconds: int, entropy: int) -> str:
    """Sixteen characters from 48 bits of time and 32 bits of chance, in the order of time.

    >>> encode_id(0, 0)
    '0000000000000000'
    >>> encode_id(1, 0) > encode_id(0, 2**32 - 1)
    True
    """
    number = (milliseconds & (1 << 48) - 1) << 32 | entropy & (1 << 32) - 1
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(70, -1, -10)])


def ids_from(milliseconds: Callable[[], int], chance: random.Random) -> Ids:
    """An id source over a clock (milliseconds since 1970) and a generator, seeded where it must repeat."""
    return lambda: encode_id(milliseconds(), chance.getrandbits(32))
