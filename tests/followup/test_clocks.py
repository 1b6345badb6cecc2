"""Business hours across nights, weekends, holidays and changes of the clock; and when a case is due."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.followup.cases import Case
from bot.followup.clocks import Hours, Team, after, deadlines, next_morning, worked
from bot.ids import CaseId, ConversationId, CustomerId
from bot.messages import Address, ChannelName

NINE_TO_FIVE = (time(9), time(17))
WEEK = ((NINE_TO_FIVE,),) * 5 + ((), ())
OFFICE = Hours(time_zone="Europe/Rome", week=WEEK)
SPLIT = Hours(time_zone="Europe/Rome", week=(((time(9), time(12)), (time(14), time(18))),) * 5 + ((), ()))
NIGHTS = Hours(time_zone="Europe/Rome", week=(((time(0), time(6)), (time(22), time.max)),) * 7)
ALWAYS = Hours(time_zone="Europe/Rome")
DAYS = Hours(time_zone="Europe/Rome", week=(((time(0), time.max),),) * 7)
YEARS_OFF = frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(1_200))
NEVER = Hours(time_zone="Europe/Rome", week=WEEK, holidays=YEARS_OFF)


def rome(text: str) -> datetime:
    """A local time in Rome; 2026-03-02 is a Monday, the clock changes on 2026-03-29 and 2026-10-25."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Rome")).astimezone(UTC)


# label: the hours, from when, how many hours of work, when they are over
AFTER: dict[str, tuple[Hours, str, float, str]] = {
    "within the day": (OFFICE, "2026-03-02T10:00", 4, "2026-03-02T14:00"),
    "before the day begins": (OFFICE, "2026-03-02T06:00", 4, "2026-03-02T13:00"),
    "over night": (OFFICE, "2026-03-02T15:00", 4, "2026-03-03T11:00"),
    "over the weekend": (OFFICE, "2026-03-06T16:30", 4, "2026-03-09T12:30"),
    "on Sunday": (OFFICE, "2026-03-08T12:00", 4, "2026-03-09T13:00"),
    "to the end of a day, not to the next one's beginning": (OFFICE, "2026-03-02T13:00", 4, "2026-03-02T17:00"),
    "over lunch": (SPLIT, "2026-03-02T11:00", 4, "2026-03-02T17:00"),
    "over several days": (OFFICE, "2026-03-02T09:00", 30, "2026-03-05T15:00"),
    "over a holiday": (
        replace(OFFICE, holidays=frozenset({date(2026, 3, 3)})),
        "2026-03-02T16:00",
        2,
        "2026-03-04T10:00",
    ),
    "by night": (NIGHTS, "2026-03-02T23:00", 4, "2026-03-03T03:00"),
    "no time at all": (OFFICE, "2026-03-07T12:00", 0, "2026-03-07T12:00"),
    "around the clock": (ALWAYS, "2026-03-07T12:00", 4, "2026-03-07T16:00"),
    "around the clock, by name": (DAYS, "2026-03-07T22:00", 4, "2026-03-08T02:00"),
    "nothing but holidays for years": (NEVER, "2026-03-07T12:00", 4, "2026-03-07T16:00"),
    "an hour is skipped": (NIGHTS, "2026-03-28T23:00", 3, "2026-03-29T03:00"),
    "an hour comes twice": (NIGHTS, "2026-10-24T23:00", 5, "2026-10-25T03:00"),
    "the day after the clock changed": (OFFICE, "2026-03-27T16:00", 2, "2026-03-30T10:00"),
}


@pytest.mark.parametrize(("hours", "start", "work", "end"), AFTER.values(), ids=AFTER)
def test_after(hours: Hours, start: str, work: float, end: str) -> None:
    found = after(hours, rome(start), timedelta(hours=work))
    assert found == rome(end)
    assert found.tzinfo is UTC


# label: the hours, from when, until when, the hours of work between them
WORKED: dict[str, tuple[Hours, str, str, float]] = {
    "a day": (OFFICE, "2026-03-02T00:00", "2026-03-03T00:00", 8),
    "a night": (OFFICE, "2026-03-02T18:00", "2026-03-03T08:00", 0),
    "a week": (OFFICE, "2026-03-02T12:00", "2026-03-09T12:00", 40),
    "a weekend": (OFFICE, "2026-03-06T16:00", "2026-03-09T10:00", 2),
    "the end comes first": (OFFICE, "2026-03-02T12:00", "2026-03-02T11:00", 0),
    "the same moment": (OFFICE, "2026-03-02T12:00", "2026-03-02T12:00", 0),
    "around the clock": (ALWAYS, "2026-03-06T16:00", "2026-03-09T10:00", 66),
    "around the clock, the end comes first": (ALWAYS, "2026-03-09T16:00", "2026-03-06T10:00", 0),
    "a day of 23 hours": (DAYS, "2026-03-29T00:00", "2026-03-30T00:00", 23),
    "a day of 25 hours": (DAYS, "2026-10-25T00:00", "2026-10-26T00:00", 25),
    "nothing but holidays for years": (NEVER, "2026-03-07T12:00", "2026-03-08T12:00", 24),
}


@pytest.mark.parametrize(("hours", "start", "end", "work"), WORKED.values(), ids=WORKED)
def test_worked(hours: Hours, start: str, end: str, work: float) -> None:
    assert worked(hours, rome(start), rome(end)) == timedelta(hours=work)


def test_spans_that_the_skipped_hour_moves_over_each_other_count_once() -> None:
    hours = replace(OFFICE, week=(((time(1), time(2, 30)), (time(3), time(4))),) * 7)
    assert worked(hours, rome("2026-03-29T00:00"), rome("2026-03-29T12:00")) == timedelta(hours=2)


def test_times_of_any_zone_are_the_same_moments() -> None:
    start = rome("2026-03-06T16:30")
    elsewhere = start.astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))
    assert after(OFFICE, elsewhere, timedelta(hours=4)) == after(OFFICE, start, timedelta(hours=4))


# label: the hours, now, the morning
MORNINGS: dict[str, tuple[Hours, str, str]] = {
    "tomorrow": (OFFICE, "2026-03-02T15:00", "2026-03-03T09:00"),
    "tomorrow, early in the morning": (OFFICE, "2026-03-02T03:00", "2026-03-03T09:00"),
    "after the weekend": (OFFICE, "2026-03-06T15:00", "2026-03-09T09:00"),
    "after a holiday": (
        replace(OFFICE, holidays=frozenset({date(2026, 3, 3)})),
        "2026-03-02T15:00",
        "2026-03-04T09:00",
    ),
    "the clock changes by night": (replace(OFFICE, week=WEEK[:1] * 7), "2026-03-28T15:00", "2026-03-29T09:00"),
    "around the clock": (ALWAYS, "2026-03-06T15:00", "2026-03-07T09:00"),
    "around the clock, by name": (DAYS, "2026-03-06T15:00", "2026-03-07T09:00"),
    "by night only": (NIGHTS, "2026-03-06T15:00", "2026-03-07T00:00"),
    "nothing but holidays for years": (NEVER, "2026-03-06T15:00", "2026-03-07T09:00"),
}


@pytest.mark.parametrize(("hours", "now", "morning"), MORNINGS.values(), ids=MORNINGS)
def test_next_morning(hours: Hours, now: str, morning: str) -> None:
    assert next_morning(hours, rome(now)) == rome(morning)


# ---- what holds of all hours ---------------------------------------------------------------------------------


@st.composite
def some_hours(draw: st.DrawFn) -> Hours:
    """Any week of a zone whose clock changes at midnight, at an ordinary hour, by half an hour, or never."""
    times = st.integers(0, 48).map(lambda n: time(n // 2, n % 2 * 30) if n < 48 else time.max)
    week = []
    for _ in range(7):
        edges = sorted(draw(st.sets(times, max_size=4)))
        week.append(tuple(zip(edges[::2], edges[1::2], strict=False)))
    days = st.dates(date(2026, 3, 1), date(2026, 4, 30))
    zones = (
        "Europe/Rome",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Ho_Chi_Minh",
        "Pacific/Apia",
    )
    return Hours(
        time_zone=draw(st.sampled_from(zones)), week=tuple(week), holidays=draw(st.frozensets(days, max_size=8))
    )


MOMENTS = st.integers(0, 365 * 24 * 60).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n))
WORK = st.integers(0, 4 * 24 * 60).map(lambda n: timedelta(minutes=n))


@settings(max_examples=200, deadline=None)
@given(some_hours(), MOMENTS, WORK, WORK)
def test_what_is_due_after_some_work_is_due_when_that_was_worked(
    hours: Hours, start: datetime, work: timedelta, more: timedelta
) -> None:
    due = after(hours, start, work)
    assert due >= start
    assert worked(hours, start, due) == work
    assert due <= after(hours, start, work + more)


@settings(max_examples=100, deadline=None)
@given(some_hours(), MOMENTS, st.integers(0, 60 * 24 * 20), st.integers(0, 60 * 24 * 20))
def test_work_adds_up_and_is_never_more_than_the_time(hours: Hours, start: datetime, first: int, second: int) -> None:
    middle, end = start + timedelta(minutes=first), start + timedelta(minutes=first + second)
    whole = worked(hours, start, end)
    assert worked(hours, start, middle) <= whole <= end - start
    assert worked(hours, start, middle) + worked(hours, middle, end) == whole


@settings(max_examples=100, deadline=None)
@given(some_hours(), MOMENTS)
def test_the_next_morning_is_on_a_later_day(hours: Hours, now: datetime) -> None:
    zone = ZoneInfo(hours.time_zone)
    morning = next_morning(hours, now)
    assert morning > now
    assert morning.astimezone(zone).date() > now.astimezone(zone).date()
    assert morning.astimezone(zone).date() not in hours.holidays or not any(hours.week)


# ---- when a case is due ----------------------------------------------------------------------------------------

OPENED = rome("2026-03-06T15:00")
TEAM = Team(name="support", hours=OFFICE)
CASE = Case(
    id=CaseId("k"),
    conversation=ConversationId("c"),
    customer=CustomerId("p"),
    address=Address(channel=ChannelName("web"), key="s1"),
    flow="support",
    question="score",
    score=2,
    opened_at=OPENED,
)
CONTACTED = replace(CASE, state="contacted", last_word_at=OPENED + timedelta(hours=1))
REOPENED = replace(CONTACTED, state="reopened", reopened_at=rome("2026-03-10T10:00"))

# label: the case, its team, (stage, warned at, due at) of each clock
DUE: dict[str, tuple[Case, Team, list[tuple[str, str, str]]]] = {
    "open": (
        CASE,
        TEAM,
        [
            ("first_word", "2026-03-09T10:12", "2026-03-09T11:00"),
            ("resolved", "2026-03-08T05:24", "2026-03-08T15:00"),
        ],
    ),
    "snoozed: no clock stops": (
        replace(CASE, snoozed_until=rome("2026-03-20T09:00")),
        replace(TEAM, escalate_at=0.5),
        [
            ("first_word", "2026-03-06T17:00", "2026-03-09T11:00"),
            ("resolved", "2026-03-07T15:00", "2026-03-08T15:00"),
        ],
    ),
    "contacted": (CONTACTED, TEAM, [("resolved", "2026-03-08T05:24", "2026-03-08T15:00")]),
    "reopened: from there on": (
        REOPENED,
        TEAM,
        [
            ("first_word", "2026-03-10T13:12", "2026-03-10T14:00"),
            ("resolved", "2026-03-12T00:24", "2026-03-12T10:00"),
        ],
    ),
    "resolved": (replace(CASE, state="resolved"), TEAM, []),
    "recovered": (replace(CASE, state="recovered"), TEAM, []),
    "withdrawn": (replace(CASE, state="withdrawn"), TEAM, []),
}


@pytest.mark.parametrize(("case", "team", "due"), DUE.values(), ids=DUE)
def test_deadlines(case: Case, team: Team, due: list[tuple[str, str, str]]) -> None:
    found = [(each.stage, each.warn_at, each.due_at) for each in deadlines(case, team)]
    assert found == [(stage, rome(warn), rome(at)) for stage, warn, at in due]
