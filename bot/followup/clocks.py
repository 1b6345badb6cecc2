"""When somebody should have done something: business hours, and the clocks of a case. Pure.

Whatever time zone a time comes in, what comes out is in UTC: hours are added to moments and never to wall clocks.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from bot.followup.cases import WORKING, Case, Stage

#: "tomorrow morning" of those who work around the clock
MORNING = time(9)
#: Who has no hours for so long (a calendar of nothing but holidays) is taken to work around the clock: a deadline that
#: never comes would be worse than one that comes too early.
LONGEST_REST = timedelta(days=731)
_DAY = timedelta(days=1)


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


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """By when a stage should be reached, and when the lead is told that it was not."""

    stage: Stage
    due_at: datetime
    warn_at: datetime


def deadlines(case: Case, team: Team) -> tuple[Deadline, ...]:
    """The clocks that still run: of the first word until an agent spoke, of the resolution until it is resolved."""
    if case.state not in WORKING:
        return ()
    start = case.clocks_from
    resolved = Deadline(
        stage="resolved",
        due_at=_utc(start) + team.resolved,
        warn_at=_utc(start) + team.resolved * team.escalate_at,
    )
    if case.contacted_since:
        return (resolved,)
    first_word = Deadline(
        stage="first_word",
        due_at=after(team.hours, start, team.first_word),
        warn_at=after(team.hours, start, team.first_word * team.escalate_at),
    )
    return first_word, resolved


def after(hours: Hours, start: datetime, work: timedelta) -> datetime:
    """When so much working time has passed since ``start``.

    >>> nine_to_five = Hours(week=(((time(9), time(17)),),) * 5 + ((), ()))
    >>> after(nine_to_five, datetime(2026, 3, 6, 16, tzinfo=UTC), timedelta(hours=4)).isoformat()
    '2026-03-09T12:00:00+00:00'
    """
    left = max(work, timedelta(0))
    if not left:
        return _utc(start)
    for begins, ends in _spans(hours, _utc(start)):
        if ends is None or ends - begins >= left:
            return begins + left
        left -= ends - begins
    raise AssertionError("the last span has no end")


def worked(hours: Hours, start: datetime, end: datetime) -> timedelta:
    """How much working time lies between two moments; none where the end comes first, after a jump of the clock."""
    total, until = timedelta(0), _utc(end)
    if until <= _utc(start):
        return total
    for begins, ends in _spans(hours, _utc(start)):
        if begins >= until:
            break
        if ends is None or ends >= until:
            return total + (until - begins)
        total += ends - begins
    return total


def next_morning(hours: Hours, now: datetime) -> datetime:
    """When the first span of the next working day begins; for those who work through the night, nine o'clock."""
    zone = ZoneInfo(hours.time_zone)
    tomorrow = now.astimezone(zone).date() + _DAY
    for ahead in range(LONGEST_REST.days):
        spans = _spans_of(hours, tomorrow + ahead * _DAY)
        if spans:
            night = spans[0][0] == time.min and any(begins <= MORNING < ends for begins, ends in spans)
            return _moment(tomorrow + ahead * _DAY, MORNING if night else spans[0][0], zone)
    return _moment(tomorrow, MORNING, zone)


def _spans(hours: Hours, start: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    """The spans of working time from a moment on, in order, none over another; the last, if any is, has no end."""
    reached = start
    if any(hours.week):
        zone = ZoneInfo(hours.time_zone)
        # A day early: where the clock is put back at midnight, a day's last hour comes twice.
        day = start.astimezone(zone).date() - _DAY
        while _moment(day, time.min, zone) - reached < LONGEST_REST:
            for first, last in _spans_of(hours, day):
                # A time that the clock skips in spring is read as one an hour later, which may lie in the next span.
                begins, ends = max(_moment(day, first, zone), reached), _moment(day, last, zone)
                if begins < ends:
                    yield begins, ends
                    reached = ends
            day += _DAY
    yield reached, None


def _spans_of(hours: Hours, day: date) -> tuple[tuple[time, time], ...]:
    return () if day in hours.holidays else tuple(sorted(hours.week[day.weekday()]))


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    if at == time.max:
        day, at = day + _DAY, time.min
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
