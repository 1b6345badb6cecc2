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
#: The same where nothing at all was told in between, not a word and no reopening: a rule of the helpdesk that closes
#: what is closed. Who is told of endings alone still hears of the next talk of a long thread.
SAME_ENDING_UNTOLD = timedelta(days=7)
#: Words so long after an ending begin another talk: where one thread holds all that was ever said with a person, what
#: is worth a question is the talk and not the thread.
NEW_TALK = timedelta(days=1)

_NEXT = timedelta(microseconds=1)


# ---- what is told ---------------------------------------------------------------------------------------
# Times are those of the reporter; None: it does not say when.


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The chat was closed, the ticket solved, the order delivered. What is None is not known to the reporter."""

    at: datetime | None = None
    #: words of customer and agents, as the reporter counts them
    messages: int | None = None
    human_answered: bool | None = None
    started_by: Author | None = None
    #: nobody told of an end: there was no word for long
    by_silence: bool = False


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
    #: whether the reporter's word proves that the customer of this reference is at this address. Where it does not, the
    #: reference leads to a customer who is known, and changes nothing about anybody.
    proves: bool = True
    #: agent, tag, tags, vip, product, link, ...: what texts, rules and reports may use
    attributes: Mapping[str, str] = {}
    #: without any word for so long, it counts as ended; None: never
    idle_after: timedelta | None = None


# ---- what is known --------------------------------------------------------------------------------------


class Dealing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a dealing so far."""

    #: who began the talk, how many words of it we were told of one by one, and since when it goes on (None: always)
    started_by: Author | None = None
    heard: int = 0
    talk_from: datetime | None = None
    #: we were told of its beginning: only then are the words that we heard all that there were
    from_the_start: bool = False
    #: the earliest words of it that we were told of
    first_words_at: datetime | None = None
    #: the number of the talk, from 0
    talk: int = 0
    #: somebody tells us of all words: who only says that the customer wrote counts none, and knows of no answer
    tells_words: bool = False
    #: the newest words of a human agent, and of the customer
    human_at: datetime | None = None
    customer_at: datetime | None = None
    #: how many endings it had; the newest one, whether that was silence, and the newest reopening
    endings: int = 0
    ended_at: datetime | None = None
    #: the newest time at which the newest ending was told again: until then nothing opened it
    still_ended_at: datetime | None = None
    by_silence: bool = False
    resumed_at: datetime | None = None
    #: the number of the newest ending that a survey was shown for (0: none was), and when that was
    asked_ending: int = 0
    asked_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it goes on; also before anything was told of its end."""
        if self.ended_at is None:
            return True
        return self.resumed_at is not None and self.resumed_at > self.ended_at

    @property
    def human_answered(self) -> bool:
        """Whether a human said something in this talk, of what we were told."""
        return self.human_at is not None and (self.talk_from is None or self.human_at >= self.talk_from)


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

    What has no time of its own happened after all that was told before.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> closed = hear(Dealing(), Ended(at=noon), noon).dealing
    >>> hear(closed, Ended(at=noon), noon).meaning, hear(closed, Resumed(at=noon + timedelta(hours=1)), noon).meaning
    ('ended before', 'resumed')
    """
    if _is_ahead(dealing, now):
        dealing, happening = _by_this_clock(dealing, now), _without_time(happening)
    match happening:
        case Ended():
            return _ended(dealing, happening, now)
        case Resumed(at=at):
            return _resumed(dealing, _when(at, now, dealing.ended_at), "resumed")
        case Spoke():
            return _spoke(dealing, happening, _when(happening.at, now, dealing.ended_at))
        case Beside():
            return Heard(dealing=dealing, meaning="noted")
        case _:
            assert_never(happening)


def _when(at: datetime | None, now: datetime, after: datetime | None) -> datetime:
    """When it happened; what does not say, or says something impossible, happened after the newest that we know of."""
    if at is not None and at <= now:
        return at
    return now if after is None else max(now, after + _NEXT)


def _is_ahead(dealing: Dealing, now: datetime) -> bool:
    """Whether our own clock was put back since: a time that is kept is never later than the clock was then."""
    latest = now + _NEXT
    known = (dealing.ended_at, dealing.still_ended_at, dealing.resumed_at, dealing.customer_at)
    return any(at is not None and at > latest for at in known)


def _by_this_clock(dealing: Dealing, now: datetime) -> Dealing:
    """The same order by a clock that was put back."""
    was_open, ended_at, resumed_at = dealing.is_open, dealing.ended_at, dealing.resumed_at
    if ended_at is not None:
        ended_at = min(ended_at, now - _NEXT if was_open else now)
    if resumed_at is not None:
        resumed_at = min(resumed_at, now)
    return replace(
        dealing,
        ended_at=ended_at,
        resumed_at=resumed_at,
        talk_from=_not_after(dealing.talk_from, now),
        human_at=_not_after(dealing.human_at, now),
        customer_at=_not_after(dealing.customer_at, now),
        first_words_at=_not_after(dealing.first_words_at, now),
        still_ended_at=_not_after(dealing.still_ended_at, now),
        asked_at=_not_after(dealing.asked_at, now),
    )


def _not_after(at: datetime | None, now: datetime) -> datetime | None:
    return None if at is None else min(at, now)


def _without_time(happening: Happening) -> Happening:
    """Its time says nothing beside times of a clock that was wrong: the order in which we are told does."""
    return happening if isinstance(happening, Beside) else replace(happening, at=None)


# ---- endings ----------------------------------------------------------------------------------------------


def _ended(dealing: Dealing, ended: Ended, now: datetime) -> Heard:
    last = dealing.ended_at
    at = _when(ended.at, now, _latest(dealing.resumed_at, dealing.customer_at))
    if dealing.customer_at is not None and dealing.customer_at > at:
        # the words after it were told before it
        dealing = replace(dealing, resumed_at=_latest(dealing.resumed_at, dealing.customer_at))
    if last is not None and _is_same(dealing, ended, at, last):
        return Heard(dealing=_still_ended(dealing, ended, at), meaning="ended before")
    after = _talk(dealing, at) if last is not None and not dealing.is_open else dealing
    if after is not dealing:
        # of how this talk began we heard nothing
        after = replace(after, from_the_start=False)
    after = replace(
        after,
        endings=dealing.endings + 1,
        ended_at=at,
        still_ended_at=None,
        by_silence=ended.by_silence,
        started_by=ended.started_by or after.started_by,
    )
    meaning: Meaning = "resumed since" if after.is_open else "ended"
    return Heard(dealing=after, meaning=meaning, mere_thanks=_mere_thanks(dealing, ended))


def _is_same(dealing: Dealing, ended: Ended, at: datetime, last: datetime) -> bool:
    if dealing.is_open:
        # told late, of before the reopening: nearly the time that is known, or earlier
        over = dealing.resumed_at is not None and at < dealing.resumed_at
        return ended.at is not None and (at <= last or (over and at - last < SAME_ENDING))
    if dealing.by_silence:
        # after a silence that we took for its end, the helpdesk closes what nobody opened again
        return True
    spoken = dealing.human_at is not None and dealing.human_at > last
    return at - last < (SAME_ENDING if spoken else SAME_ENDING_UNTOLD)


def _still_ended(dealing: Dealing, ended: Ended, at: datetime) -> Dealing:
    if dealing.is_open or ended.at is None:
        return dealing
    return replace(dealing, still_ended_at=_latest(dealing.still_ended_at, at))


def _mere_thanks(dealing: Dealing, ended: Ended) -> bool:
    """Whether a survey was shown and no human said a word since; unknown where nobody tells us of words."""
    if dealing.asked_at is None or not dealing.tells_words:
        return False
    if dealing.human_at is None:
        # who knows of a human, and never told us of their words, does not tell of such words
        return ended.human_answered is not True
    return dealing.human_at <= dealing.asked_at


# ---- reopenings and words ---------------------------------------------------------------------------------


def _resumed(dealing: Dealing, at: datetime, meaning: Meaning) -> Heard:
    if dealing.resumed_at is not None and at <= dealing.resumed_at:
        return Heard(dealing=dealing, meaning="noted")
    if dealing.ended_at is not None and at <= dealing.ended_at:
        return Heard(dealing=dealing, meaning="noted")
    closed_again = dealing.still_ended_at
    if not dealing.is_open and closed_again is not None and at <= closed_again:
        # told late: it was opened and closed again, and what was told as the same ending was another
        return Heard(dealing=replace(dealing, resumed_at=at, ended_at=closed_again), meaning="noted")
    was_open, talk = dealing.is_open, _talk(dealing, at)
    return Heard(dealing=replace(talk, resumed_at=at), meaning="noted" if was_open else meaning)


def _spoke(dealing: Dealing, spoke: Spoke, at: datetime) -> Heard:
    talk = _begun(_talk(dealing, at), spoke, at)
    after = replace(
        talk,
        # what a bot says makes no conversation long
        heard=talk.heard + (spoke.by != "bot"),
        tells_words=talk.tells_words or spoke.first or spoke.by != "customer",
        human_at=_latest(talk.human_at, at) if spoke.by == "agent" else talk.human_at,
        customer_at=_latest(talk.customer_at, at) if spoke.by == "customer" else talk.customer_at,
    )
    if after.is_open:
        return Heard(dealing=after, meaning="noted")
    if spoke.by == "customer":
        return _resumed(after, at, "customer went on")
    if spoke.by == "agent" and after.by_silence:
        # it had only fallen silent
        return _resumed(after, at, "resumed")
    return Heard(dealing=after, meaning="noted")


def _talk(dealing: Dealing, at: datetime) -> Dealing:
    """The dealing as it is at that time: long after its last ending another talk begins."""
    last = dealing.ended_at
    if last is None or at - last <= NEW_TALK or (dealing.talk_from is not None and dealing.talk_from > last):
        return dealing
    return replace(
        dealing,
        talk=dealing.talk + 1,
        talk_from=at,
        heard=0,
        started_by=None,
        from_the_start=True,
        first_words_at=None,
    )


def _begun(talk: Dealing, spoke: Spoke, at: datetime) -> Dealing:
    """The talk with who began it: the earliest words count, in whatever order they are told."""
    earliest = talk.first_words_at
    # in the same second an answer seems to come no later than its question
    is_earliest = earliest is None or at < earliest or (at == earliest and spoke.by == "customer")
    began = talk.started_by
    if (talk.from_the_start and is_earliest) or (spoke.first and (is_earliest or began is None)):
        began = None if spoke.by == "agent" and _was_opened(talk) else spoke.by
    talk_from = talk.talk_from
    if talk_from is not None and talk.ended_at is not None and talk.ended_at < at < talk_from:
        talk_from = at
    return replace(
        talk,
        started_by=began,
        from_the_start=talk.from_the_start or spoke.first,
        first_words_at=at if earliest is None else min(at, earliest),
        talk_from=talk_from,
    )


def _was_opened(talk: Dealing) -> bool:
    """Whether a later talk began with a reopening: nobody says whose, and words of the customer may still come."""
    return talk.talk > 0 and talk.is_open


def _latest(*times: datetime | None) -> datetime | None:
    return max((at for at in times if at is not None), default=None)
