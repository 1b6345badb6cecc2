"""What is left of names before anything is read or written, where the settings want no names kept. Pure."""

import hashlib
from collections.abc import Callable
from typing import assert_never

from msgspec.structs import replace

from bot.conversations.dealings import Told
from bot.messages import (
    AgentAsks,
    AgentDid,
    AgentPressed,
    AgentWonders,
    AgentWrote,
    Commanded,
    Inbound,
    Left,
    Moved,
    NotDelivered,
    Returned,
    Tapped,
    Unread,
    Wrote,
)

#: The company's reference of a customer -> what is kept in its place: the same for the same one, and of no use without
#: the key that it was made with.
Pseudonym = Callable[[str], str]


def keyed(key: bytes) -> Pseudonym:
    """Pseudonyms that only who has the key (of at most 64 bytes) can make or check.

    >>> keyed(b"k")("c-1") == keyed(b"k")("c-1"), keyed(b"k")("c-1") == keyed(b"other")("c-1")
    (True, False)
    """
    return lambda reference: hashlib.blake2b(
        reference.encode("utf-8", "surrogatepass"), key=key, digest_size=16
    ).hexdigest()


def without_key(_reference: str) -> str:
    """For those who keep names; who does not must give a key."""
    raise LookupError("no key to make a pseudonym with")


def nameless(told: Told, pseudonym: Pseudonym) -> Told:
    """A telling without the customer's name, and with another word for the company's reference of them."""
    return replace(told, name=None, customer=pseudonym(told.customer) if told.customer else None)


def unnamed(event: Inbound) -> Inbound:
    """An event without the customer's name; what they write, and who the agents are, stays.

    Of what is kept for the operator because nobody understood it, only a digest and the size do.
    """
    match event:
        case Tapped() | Wrote() | Commanded() | AgentAsks():
            return replace(event, profile=replace(event.profile, name=None))
        case AgentPressed() | AgentDid() | AgentWrote() | AgentWonders() | NotDelivered():
            return event
        case Unread(body=body):
            # what nobody understood may say anything of anybody
            return replace(event, body=f"sha256 {hashlib.sha256(body).hexdigest()}, {len(body)} bytes".encode())
        case Left() | Returned() | Moved():
            return event
        case _:
            assert_never(event)
