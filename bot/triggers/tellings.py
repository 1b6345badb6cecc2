"""What a helpdesk's module makes of one event: a telling in our terms, its texts as they came."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from bot.conversations.dealings import Beside, Ended, Happening
from bot.triggers.bodies import Node

#: words of a status that nobody would call open or closed by accident
OPEN = frozenset({"open", "opened", "reopened", "new", "pending"})
CLOSED = frozenset({"closed", "resolved", "solved", "archived", "done"})

#: how an event is called that has no name
NAMELESS = "?"


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a helpdesk tells of one dealing. Nothing here is cleaned: whoever passes it on does that."""

    happening: Happening
    #: the helpdesk's name of the conversation or ticket; empty: it names none
    reference: str = ""
    #: the same when it is told again; empty where the helpdesk gives none
    event: str = ""
    name: str = ""
    locale: str = ""
    time_zone: str = ""
    #: the company's own reference of the customer, as the helpdesk has it
    customer: str = ""
    #: their key in the channel of the config
    address: str = ""
    tags: Sequence[str] = ()
    #: agent, subject, link, ...
    attributes: Mapping[str, str] = {}


def each_told(
    told: Iterable[tuple[Happening, str]], reference: str, *, person: Node, locale: Node, tags: Node, **attributes: str
) -> Sequence[Telling]:
    """Several happenings of one dealing, each with the helpdesk's own id of it, and what is known of the dealing."""
    return [
        Telling(
            happening=happening,
            reference=reference,
            event=event,
            name=full_name(person),
            locale=locale.text,
            tags=tags.texts(),
            attributes=known(**attributes),
        )
        for happening, event in told
    ]


def beside(kind: str, detail: str = "") -> Beside:
    """Something that is no end of a chat."""
    return Beside(kind=kind or NAMELESS, detail=detail)


def at_odds(kind: str, detail: str) -> Beside:
    """An event that says one thing in its name and another in its fields."""
    return Beside(kind=kind, why="the event disagrees with itself", detail=detail)


def not_understood(kind: str, detail: str) -> Beside:
    """Something that cannot be read; like any detail, this one is data: sentences of each language show it."""
    return Beside(kind=kind or NAMELESS, why="not understood", detail=detail)


def ended_unless(kind: str, status: str, ended: Ended, *, open_words: frozenset[str] = OPEN) -> Ended | Beside:
    """The ending, unless the status that came with it says that it goes on."""
    return at_odds(kind, f"status={status}") if status in open_words else ended


def full_name(person: Node) -> str:
    """A person's name, by whichever keys it is written."""
    parts = (person.first("first_name", "firstname").text, person.first("last_name", "lastname").text)
    return person.at("name").text or " ".join(part for part in parts if part)


def yes(node: Node) -> str:
    """How an attribute says yes; empty otherwise."""
    return "true" if node.flag else ""


def known(**attributes: str) -> Mapping[str, str]:
    """The attributes that have a value."""
    return {name: value for name, value in attributes.items() if value}


def soon_after(at: datetime | None, began: datetime | None, seconds: float = 5.0) -> bool:
    """Whether words were written as a conversation began: they are its first."""
    return at is not None and began is not None and abs((at - began).total_seconds()) <= seconds
