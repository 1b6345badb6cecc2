"""Whether someone is asked: each rule, and the quiet hours with their clock changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.conversations.invitations import (
    AskingRules,
    Candidate,
    PastSurvey,
    Verdict,
    decide_invitation,
    end_of_quiet,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NIGHT = NOW.replace(hour=23)
DAY = timedelta(days=1)
RULES = AskingRules(
    cool_down=7 * DAY,
    cool_down_nps=90 * DAY,
    quiet_from=time(21),
    quiet_until=time(8),
    defer_at_most=DAY,
    closed_at_most=7 * DAY,
)
ANN = Candidate(
    flow="support",
    is_nps=False,
    closed_at=NOW - timedelta(minutes=10),
    first_due=NOW,
    opted_out=False,
    reachable=True,
    surveyed_now=False,
    past=(),
    time_zone="UTC",
)


def past(days: float, *, is_nps: bool = False) -> PastSurvey:
    return PastSurvey(flow="delivery", is_nps=is_nps, at=NOW - days * DAY)


NPS = replace(ANN, is_nps=True)

ASKED, TOO_LONG = "nothing speaks against it", "quiet hours for too long"

# label: who, when, verdict, rule
DECISIONS: dict[str, tuple[Candidate, datetime, Verdict, str]] = {
    "nothing speaks against it": (ANN, NOW, "asked", ASKED),
    "opted out": (replace(ANN, opted_out=True), NOW, "not asked", "opted out"),
    "opted out comes before all else": (replace(ANN, opted_out=True, reachable=False), NIGHT, "not asked", "opted out"),
    "never wrote to the bot": (replace(ANN, reachable=False), NOW, "not asked", "cannot be reached"),
    "closed exactly long ago enough": (replace(ANN, closed_at=NOW - 7 * DAY), NOW, "asked", ASKED),
    "closed too long ago": (replace(ANN, closed_at=NOW - 7.01 * DAY), NOW, "not asked", "closed too long ago"),
    "a survey is under way": (replace(ANN, surveyed_now=True), NOW, "not asked", "a survey is under way"),
    "surveyed yesterday": (replace(ANN, past=(past(1),)), NOW, "not asked", "cool-down"),
    "surveyed just less than a week ago": (replace(ANN, past=(past(6.99),)), NOW, "not asked", "cool-down"),
    "surveyed a week ago": (replace(ANN, past=(past(7),)), NOW, "asked", ASKED),
    "NPS a month after another": (replace(NPS, past=(past(30, is_nps=True),)), NOW, "not asked", "NPS cool-down"),
    "NPS 90 days after another": (replace(NPS, past=(past(90, is_nps=True),)), NOW, "asked", ASKED),
    "NPS a month after a CSAT": (replace(NPS, past=(past(30),)), NOW, "asked", ASKED),
    "CSAT a month after an NPS": (replace(ANN, past=(past(30, is_nps=True),)), NOW, "asked", ASKED),
    "an older one counts too": (replace(NPS, past=(past(8), past(60, is_nps=True))), NOW, "not asked", "NPS cool-down"),
    "a clock that went back": (replace(ANN, past=(past(-0.1),)), NOW, "not asked", "cool-down"),
    "at night": (replace(ANN, first_due=NIGHT), NIGHT, "deferred", "quiet hours"),
    "at night, after a day of waiting": (replace(ANN, first_due=NIGHT - DAY), NIGHT, "not asked", TOO_LONG),
    "at night, cool-down first": (replace(ANN, first_due=NIGHT, past=(past(1),)), NIGHT, "not asked", "cool-down"),
    "noon in UTC is night in Auckland": (replace(ANN, time_zone="Pacific/Auckland"), NOW, "deferred", "quiet hours"),
    "a time zone that does not exist is UTC": (replace(ANN, time_zone="Mars/Olympus"), NOW, "asked", ASKED),
    "a time zone that is a path": (replace(ANN, time_zone="../../etc/passwd"), NOW, "asked", ASKED),
    "an empty time zone": (replace(ANN, time_zone=""), NOW, "asked", ASKED),
}  # fmt: skip


@pytest.mark.parametrize(("who", "now", "verdict", "rule"), DECISIONS.values(), ids=DECISIONS)
def test_decision(who: Candidate, now: datetime, verdict: Verdict, rule: str) -> None:
    invitation = decide_invitation(who, RULES, now)
    assert (invitation.verdict, invitation.rule) == (verdict, rule)
    assert (invitation.again_at is not None) == (verdict == "deferred")


def test_a_decision_tells_what_it_looked_at() -> None:
    invitation = decide_invitation(replace(ANN, past=(past(1),)), RULES, NOW)
    assert invitation.inputs == {"last": "2026-03-01T12:00:00+00:00", "days": "7"}


def test_a_deferral_ends_when_the_quiet_hours_do() -> None:
    invitation = decide_invitation(replace(ANN, first_due=NIGHT), RULES, NIGHT)
    assert invitation.again_at == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    assert decide_invitation(ANN, RULES, invitation.again_at).verdict == "asked"


def local(zone: str, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"

# label: zone, now there, quiet from, until, end there (None: not quiet). Clocks: New York goes forward on 8 March 2026
# at 2:00 and back on 1 November at 2:00; Berlin forward on 29 March at 2:00, back on 25 October at 3:00.
QUIET: dict[str, tuple[str, str, time, time, str | None]] = {
    "by day": ("UTC", "2026-03-02 12:00", time(21), time(8), None),
    "before midnight": ("UTC", "2026-03-02 22:00", time(21), time(8), "2026-03-03 08:00"),
    "after midnight": ("UTC", "2026-03-02 03:00", time(21), time(8), "2026-03-02 08:00"),
    "at midnight": ("UTC", "2026-03-02 00:00", time(21), time(8), "2026-03-02 08:00"),
    "on the first minute": ("UTC", "2026-03-02 21:00", time(21), time(8), "2026-03-03 08:00"),
    "on the last second": ("UTC", "2026-03-02 07:59:59", time(21), time(8), "2026-03-02 08:00"),
    "on the end": ("UTC", "2026-03-02 08:00", time(21), time(8), None),
    "at the turn of the year": ("UTC", "2026-12-31 23:30", time(21), time(8), "2027-01-01 08:00"),
    "within a day, inside": ("UTC", "2026-03-02 13:00", time(12), time(14), "2026-03-02 14:00"),
    "within a day, outside": ("UTC", "2026-03-02 14:00", time(12), time(14), None),
    "from midnight": ("UTC", "2026-03-02 05:00", time(0), time(8), "2026-03-02 08:00"),
    "until midnight": ("UTC", "2026-03-02 22:00", time(21), time(0), "2026-03-03 00:00"),
    "from and until are equal: never": ("UTC", "2026-03-02 08:00", time(8), time(8), None),
    "midnight to midnight: never": ("UTC", "2026-03-02 00:00", time(0), time(0), None),
    "half an hour off": ("Asia/Kolkata", "2026-03-02 23:00", time(21, 30), time(7, 15), "2026-03-03 07:15"),
    "the night the clocks go forward": (NEW_YORK, "2026-03-07 22:00", time(21), time(8), "2026-03-08 08:00"),
    "the night the clocks go back": (NEW_YORK, "2026-10-31 22:00", time(21), time(8), "2026-11-01 08:00"),
    "in the first of two equal hours": (NEW_YORK, "2026-11-01 01:10", time(21), time(8), "2026-11-01 08:00"),
    "Berlin, the long night": (BERLIN, "2026-10-25 02:30", time(21), time(8), "2026-10-25 08:00"),
}


@pytest.mark.parametrize(("zone", "now", "start", "until", "end"), QUIET.values(), ids=QUIET)
def test_quiet_hours(zone: str, now: str, start: time, until: time, end: str | None) -> None:
    expected = None if end is None else local(zone, end)
    assert end_of_quiet(local(zone, now), start, until, zone) == expected


def test_the_end_in_a_repeated_hour_is_that_of_the_same_pass() -> None:
    """Else a decision at the second 1:10 would be deferred to a time that is past."""
    now = local(NEW_YORK, "2026-11-01 01:10", fold=1)
    assert end_of_quiet(now, time(21), time(1, 30), NEW_YORK) == local(NEW_YORK, "2026-11-01 01:30", fold=1)


def test_an_end_in_a_skipped_hour_comes_all_the_same() -> None:
    now = local(NEW_YORK, "2026-03-08 01:59")
    end = end_of_quiet(now, time(21), time(2, 30), NEW_YORK)
    assert end == local(NEW_YORK, "2026-03-08 03:30")
    assert end_of_quiet(end, time(21), time(2, 30), NEW_YORK) is None


ZONES = ("UTC", NEW_YORK, BERLIN, "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca")


@given(
    now=st.timedeltas(timedelta(0), timedelta(days=7_000)).map(lambda since: datetime(2011, 1, 1, tzinfo=UTC) + since),
    start=st.times(),
    until=st.times(),
    zone=st.sampled_from(ZONES),
)
def test_quiet_hours_always_end(now: datetime, start: time, until: time, zone: str) -> None:
    end = end_of_quiet(now, start, until, zone)
    if end is not None:
        # a clock change may add to a night
        assert timedelta(0) < end - now <= timedelta(hours=49)
        again = end_of_quiet(end, start, until, zone)
        assert again is None or again > end
