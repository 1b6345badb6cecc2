"""One dealing with a customer while it goes on: what is told of it, and which endings are asked about. Pure.

Helpdesks tell of one thing several times, late, and in the wrong order. A dealing ends each time when it is closed
after it was open; what is told again of an ending that is known is the same ending.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from bot.messages import Address

Author = Literal["customer", "agent", "bot"]

#: A reporter that says "ended" twice within this time, and nothing of a reopening, speaks of one ending: Chatwoot tells
#: of each by two events, and a label that is changed afterwards may look like another.
SAME_ENDING = timedelta(hours=1)


# ---- what is told ---------------------------------------------------------------------------------------
# Times are those of the reporter; None: it does not say when.


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The chat was closed, the ticket solved, the order delivered. What is None is not known to the reporter."""

    at: datetime | None = None
    #: words of customer and agents, as the reporter counts them
    messages: int | None = None
    human_answered: bool | None = None
    started_by: Author | None = None


class Resumed(msgspec.Struct, frozen=True, kw_only=True, tag="resumed"):
    """It was opened, or opened again."""

    at: datetime | None = None


class Spoke(msgspec.Struct, frozen=True, kw_only=True, tag="spoke"):
    """Somebody said something in it; ``first``: with these words it began."""

    by: Author
    at: datetime | None = None
    first: bool = False


#: Why an event asks nobody.
BesideRule = Literal["not the end of a chat", "the event disagrees with itself", "not understood"]


class Beside(msgspec.Struct, frozen=True, kw_only=True, tag="beside"):
    """Something else: ``kind`` is the reporter's own name of the event, ``detail`` what is wrong with it."""

    kind: str
    why: BesideRule = "not the end of a chat"
    detail: str = ""


Happening = Ended | Resumed | Spoke | Beside


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a reporter told of one dealing, in our terms.

    ``reference`` is the reporter's own name of the dealing (ticket, conversation, order); with ``source`` it is unique.
    ``event`` is the reporter's own id of this telling, the same when it is told again; empty where it has none.
    """

    source: str
    reference: str
    happening: Happening
    event: str = ""
    #: empty: the first flow of the settings
    flow: str = ""
    #: where to ask; None: wherever the customer of this reference is known
    address: Address | None = None
    name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    #: the company's own reference of the customer
    customer: str | None = None
    #: agent, tag, tags, vip, product, link, ...: what texts, rules and reports may use
    attributes: Mapping[str, str] = {}
    #: without any word for so long, it counts as ended; None: never
    idle_after: timedelta | None = None


# ---- what is known --------------------------------------------------------------------------------------


class Dealing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a dealing so far."""

    started_by: Author | None = None
    #: words that we were told of, one by one
    heard: int = 0
    #: the newest words of a human agent, and of the customer
    human_at: datetime | None = None
    customer_at: datetime | None = None
    #: how many endings it had; the newest one, and the newest reopening
    endings: int = 0
    ended_at: datetime | None = None
    resumed_at: datetime | None = None
    #: the number of the newest ending that a survey was shown for; 0: none was
    asked_ending: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it goes on; also before anything was told of its end."""
        if self.ended_at is None:
            return True
        return self.resumed_at is not None and self.resumed_at > self.ended_at


#: What a telling means for the question that may be asked.
Meaning = Literal[
    "ended",  # a new ending: plan to ask
    "ended before",  # the ending that is known already
    "resumed since",  # an ending that was over when it was told of
    "resumed",  # it goes on: what was planned is cancelled
    "customer went on",  # likewise, by the customer's words
    "noted",  # it changes nothing
]


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A dealing after a telling, and what that means; ``mere_thanks``: nobody answered since the survey before."""

    dealing: Dealing
    meaning: Meaning
    mere_thanks: bool = False


def hear(dealing: Dealing, happening: Happening, now: datetime) -> Heard:
    """Take one telling in. A time in the future is taken for now: the reporter's clock is ahead of ours.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> closed = hear(Dealing(), Ended(at=noon), noon).dealing
    >>> hear(closed, Ended(at=noon), noon).meaning, hear(closed, Resumed(at=noon + timedelta(hours=1)), noon).meaning
    ('ended before', 'noted')
    """
    match happening:
        case Ended():
            return _ended(dealing, happening, now)
        case Resumed(at=at):
            return _resumed(dealing, _not_after(at, now), "resumed")
        case Spoke():
            return _spoke(dealing, happening, _not_after(happening.at, now))
        case Beside():
            return Heard(dealing=dealing, meaning="noted")
        case _:
            assert_never(happening)


def _not_after(at: datetime | None, now: datetime) -> datetime:
    return now if at is None else min(at, now)


def _ended(dealing: Dealing, ended: Ended, now: datetime) -> Heard:
    at, last = _not_after(ended.at, now), dealing.ended_at
    if last is not None and _is_same(dealing, ended, at, last):
        return Heard(dealing=dealing, meaning="ended before")
    thanks = _mere_thanks(dealing)
    since = dealing.resumed_at is not None and ended.at is not None and at < dealing.resumed_at
    after = replace(
        dealing,
        endings=dealing.endings + 1,
        ended_at=at,
        started_by=ended.started_by or dealing.started_by,
    )
    return Heard(dealing=after, meaning="resumed since" if since else "ended", mere_thanks=thanks)


def _is_same(dealing: Dealing, ended: Ended, at: datetime, last: datetime) -> bool:
    if dealing.is_open:
        return ended.at is not None and at <= last
    return ended.at is None or at - last < SAME_ENDING


def _mere_thanks(dealing: Dealing) -> bool:
    """Whether a survey was shown and no human said a word since; unknown where nobody tells us of words."""
    if dealing.asked_ending == 0 or dealing.heard == 0 or dealing.ended_at is None:
        return False
    return dealing.human_at is None or dealing.human_at <= dealing.ended_at


def _resumed(dealing: Dealing, at: datetime, meaning: Meaning) -> Heard:
    if dealing.resumed_at is not None and at <= dealing.resumed_at:
        return Heard(dealing=dealing, meaning="noted")
    if dealing.ended_at is not None and at <= dealing.ended_at:
        return Heard(dealing=dealing, meaning="noted")
    was_open = dealing.is_open
    return Heard(dealing=replace(dealing, resumed_at=at), meaning="noted" if was_open else meaning)


def _spoke(dealing: Dealing, spoke: Spoke, at: datetime) -> Heard:
    after = replace(
        dealing,
        heard=dealing.heard + 1,
        started_by=spoke.by if spoke.first else dealing.started_by,
        human_at=_later(dealing.human_at, at) if spoke.by == "agent" else dealing.human_at,
        customer_at=_later(dealing.customer_at, at) if spoke.by == "customer" else dealing.customer_at,
    )
    if spoke.by == "customer" and not after.is_open:
        return _resumed(after, at, "customer went on")
    return Heard(dealing=after, meaning="noted")


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
