"""When somebody should have done something: business hours, and the clocks of a case. Pure."""

from datetime import date, time, timedelta

import msgspec


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """When a team works, in its own time zone. ``week`` holds each day's spans, Monday first; a span ends on its day.

    ``time.max`` ends a span at midnight. Without any span the team works around the clock.
    """

    time_zone: str = "UTC"
    week: tuple[tuple[tuple[time, time], ...], ...] = ((), (), (), (), (), (), ())
    holidays: frozenset[date] = frozenset()


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """Who works a queue, when, and how fast they promise to be.

    ``first_word`` is in business hours, ``resolved`` around the clock. At ``escalate_at`` of either, ``lead`` (a
    Slack user or group) is called in the alert's thread and ``room`` (if not empty) gets a message.
    """

    name: str
    hours: Hours = Hours()
    first_word: timedelta = timedelta(hours=4)
    resolved: timedelta = timedelta(hours=48)
    escalate_at: float = 0.8
    lead: str = ""
    room: str = ""
