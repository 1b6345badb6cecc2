"""Idempotency keys: a request that is sent again acts once and is answered as before.

An event that was seen once is remembered for a week, so what is known of a request stands in the names of its events::

    api<29 digits of the key><20 digits of the request>             it was carried out, in one transaction with its deed
    api<29 digits of the key><20 digits of the request><2 digits>…  and this is what was said to it

Digits alone, because the database finds a key's events by their order, and letters have another one in each language.
A key that came with another request before is found by that, too. Two different requests at the same time with one
key, each to another process, would both be carried out: that is a client which invents no keys.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from weakref import WeakValueDictionary

import msgspec

from bot.ports import Outcome, Read, Said, SaidKind, Store

#: Two digits each in what is remembered for a week: new kinds go to the end, none goes away.
_SAID: tuple[SaidKind, ...] = (
    "nothing",
    "claimed",
    "done",
    "already_claimed",
    "already_resolved",
    "case_closed",
    "not_owner",
    "no_case",
    "empty",
    "too_long",
    "in_the_past",
    "unreachable",
    "kept_internal",
    "text_only",
    "kept_aside",
    "asked",
    "deferred",
    "not_asked",
)
_KEY_DIGITS, _REQUEST_DIGITS = 29, 20

#: The events seen in ``first <= event < last``.
Remembered = Callable[[str, str], Awaitable[Sequence[str]]]
#: Carries a request out under an event's name.
Act = Callable[[str], Awaitable[Outcome]]


class KeyReused(Exception):
    """The key came with another request before."""


class Repeats:
    """Carries each request out once. ``remembered`` finds events that the store has seen."""

    def __init__(self, *, store: Store, remembered: Remembered) -> None:
        self._store = store
        self._remembered = remembered
        self._under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def once(self, key: str | None, request: object, act: Act) -> Outcome:
        """Act, or say again what was said when this request came with this key before.

        ``request`` is all that makes two requests the same; without a key each is a new one. Raises KeyReused.
        """
        if key is None:
            return await act(f"api:{secrets.token_hex(12)}")
        number = _number(key.encode(), 12)
        event = f"{_prefix(number)}{_number(msgspec.json.encode(request), 8):0{_REQUEST_DIGITS}d}"
        async with self._under_way.setdefault(event[:-_REQUEST_DIGITS], asyncio.Lock()):
            seen = await self._remembered(_prefix(number), _prefix(number + 1))
            if any(not each.startswith(event) for each in seen):
                raise KeyReused
            said = next((each[len(event) :] for each in seen if len(each) > len(event)), None)
            if said is not None:
                return _answered(said)
            outcome = await act(event)
            await self._remember(event, outcome)
            return outcome

    async def _remember(self, event: str, outcome: Outcome) -> None:
        # Said of a request whose first answer was lost on its way to being remembered: what it did stands.
        kept = "done" if outcome.said.kind == "duplicate" else outcome.said.kind
        if kept in _SAID:
            answer = f"{_SAID.index(kept):02d}{_digits(outcome)}"
            await self._store.run(Read(event=f"{event}{answer}"), lambda _: Outcome())


#: what was said by a report of an interaction: these alone are answered with more than their kind
_DECISIONS: frozenset[SaidKind] = frozenset({"nothing", "asked", "deferred", "not_asked"})


def _digits(outcome: Outcome) -> str:
    """The rule and the interaction's id, where they are part of the answer, as one number."""
    if outcome.said.kind not in _DECISIONS or not outcome.ref:
        return ""
    return str(int.from_bytes(f"{outcome.ref}\n{outcome.said.text}".encode()))


def _answered(said: str) -> Outcome:
    kind, digits = _SAID[int(said[:2])], said[2:]
    if not digits:
        return Outcome(said=Said(kind=kind))
    number = int(digits)
    ref, _, text = number.to_bytes((number.bit_length() + 7) // 8).decode().partition("\n")
    return Outcome(said=Said(kind=kind, text=text), ref=ref)


def _prefix(number: int) -> str:
    return f"api{number:0{_KEY_DIGITS}d}"


def _number(octets: bytes, size: int) -> int:
    return int.from_bytes(hashlib.blake2b(octets, digest_size=size).digest())
