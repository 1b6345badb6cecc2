"""The [followup.teams.<name>] blocks: who works when, and how fast they promise to be."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import available_timezones

from bot.config.slack_names import read_lead, read_room
from bot.followup.clocks import Hours, Team
from bot.toml_journal import AnyText, Block, Dates, Several, Share
from bot.toml_tables import Path, Table, describe, did_you_mean

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_SPAN = re.compile(r"([0-9]{2}:[0-9]{2}) ?[-–] ?([0-9]{2}:[0-9]{2})")
_DAYS_PATTERN = rf"({'|'.join(_DAYS)})(-({'|'.join(_DAYS)}))?"
_SPAN_EXAMPLE = 'Write "09:00-18:00", or several: ["09:00-12:30", "14:00-18:00"].'
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PERCENT = re.compile(r"([0-9]{1,3}) ?%")
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)

Span = tuple[time, time]


def read_teams(table: Table, time_zone: str) -> tuple[Team, ...]:
    """The teams in the order of the file; one with all defaults where none is named.

    ``time_zone`` is that of a team that names none.
    """
    table.note("teams", Block())
    if isinstance(table.raw("teams"), list):
        table.report("teams", "must be a table, not a list", "Write [followup.teams.support], in one pair of brackets.")
        return ()
    block = table.table("teams")
    names = block.names(_NAME.pattern, "support") if block is not None else []
    if block is None or not names:
        return (Team(name="support", hours=Hours(time_zone=time_zone)),)
    teams = []
    for name in names:
        own = block.table(name)
        if own is not None:
            teams.append(_read_team(own, name, time_zone))
    return tuple(teams)


def names_of(table: Table) -> tuple[str, ...]:
    """The names of the teams in [followup], right or wrong, for what refers to them."""
    block = table.data.get("teams")
    return tuple(block) if isinstance(block, dict) and block else ("support",)


def report_no_team(table: Table, team: str, teams: tuple[str, ...]) -> None:
    """Say that a key ``team`` names nobody."""
    more = f"Add [followup.teams.{team}], or choose from: {', '.join(teams)}." if _NAME.fullmatch(team) else ""
    table.report("team", f"there is no team '{team[:40]}'", did_you_mean(team, teams, more))


def _read_team(table: Table, name: str, time_zone: str) -> Team:
    if not _NAME.fullmatch(name):
        right = "Use at most 32 of a-z, 0-9, _ and -, and begin with a letter or digit."
        table.report("", f"'{name[:60]}' is no name for a team", right)
    default = Team(name=name)
    team = Team(
        name=name,
        hours=Hours(time_zone=read_time_zone(table, time_zone), week=_week(table), holidays=_holidays(table)),
        first_word=table.duration("first_word", default.first_word, 30 * _DAY, _MINUTE),
        resolved=table.duration("resolved", default.resolved, 90 * _DAY, _MINUTE),
        escalate_at=_share(table, default.escalate_at),
        lead=read_lead(table),
        room=read_room(table, ""),
    )
    if team.first_word > team.resolved:
        table.report("first_word", "is longer than resolved", "Choose a shorter first_word or a longer resolved.")
    if team.hours.holidays and not table.has("hours"):
        right = 'Add hours, such as hours.mon-sun = "00:00-24:00".'
        table.report("holidays", "mean nothing without hours: this team works around the clock", right)
    table.finish()
    return team


@cache
def _zones() -> frozenset[str]:
    # Asking takes as long as reading all the rest of a file.
    return frozenset(available_timezones())


def read_time_zone(table: Table, default: str) -> str:
    """A name of the time zone database under the key ``time_zone``."""
    zone, zones = table.text("time_zone", default), _zones()
    if zone and zone not in zones:
        more = "Use a name such as 'Europe/Rome' or 'Asia/Ho_Chi_Minh'."
        # All names of a continent begin alike, so a near one must be very near.
        right = did_you_mean(zone, zones, more, nearness=0.85)
        table.report("time_zone", f"there is no time zone '{zone[:60]}'", right)
        return default
    return zone


def _share(table: Table, default: float) -> float:
    """A share of a clock: 0.8 or "80%"."""
    table.note("escalate_at", Share(low="10%", high="100%", number=True), f"{default:.0%}")
    value = table.raw("escalate_at")
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    share = int(found[1]) / 100 if found else value
    if share is None:
        return default
    if isinstance(share, int | float) and not isinstance(share, bool) and 0.1 <= share <= 1:
        return float(share)
    table.report(
        "escalate_at", f"{describe(value)} is no share of a clock", 'Write "80%", or another from 10% to 100%.'
    )
    return default


# ---- hours -----------------------------------------------------------------------------------------------


def _week(table: Table) -> tuple[tuple[Span, ...], ...]:
    """Each day's spans, Monday first; a key may be a day or a row of days, such as mon-fri."""
    week: dict[int, tuple[Span, ...]] = {}
    table.note("hours", Block())
    if isinstance(table.raw("hours"), str | list):
        table.report("hours", "do not say of which days", 'Write hours.mon-fri = "09:00-18:00".')
        return Hours().week
    hours = table.table("hours")
    if hours is None:
        return Hours().week
    for key in hours.names(_DAYS_PATTERN, "mon-fri"):
        hours.note(key, Several(item=AnyText(pattern=rf" *{_SPAN.pattern} *", what="hours"), or_one=True))
        spans = _spans(hours, key)
        for day in _days_of(hours, key):
            if day in week:
                hours.report(key, f"'{_DAYS[day]}' has hours already", "Give each day its hours once.")
            week[day] = spans
    if not any(week.values()) and not hours.findings.under(hours.path):
        hours.report("", "names no working time", "Leave hours out if this team works around the clock.")
    return tuple(week.get(day, ()) for day in range(7))


def _days_of(hours: Table, key: str) -> list[int]:
    """The days that a key names; a row may go over the weekend, as sun-thu and fri-mon do."""
    first, _, last = key.partition("-")
    if first in _DAYS and (last or first) in _DAYS:
        begins, ends = _DAYS.index(first), _DAYS.index(last or first)
        return [(begins + day) % 7 for day in range((ends - begins) % 7 + 1)]
    meant = [part.strip()[:3].lower() for part in re.split("[-–]", key)]
    known = len(meant) <= 2 and all(part in _DAYS for part in meant)
    right = f"Did you mean '{'-'.join(meant)}'?" if known else "Write mon to sun, or as in mon-fri."
    hours.report(key, f"'{key[:40]}' is no day", right)
    return []


def _spans(hours: Table, key: str) -> tuple[Span, ...]:
    spans: list[tuple[Span, Path]] = []
    for path, text in _items(hours, key, 'a text such as "09:00-18:00" or a list of them'):
        span = _span(text) if isinstance(text, str) else None
        if not isinstance(text, str):
            hours.findings.add(path, f"must be a text in quotes, not {describe(text)}")
        elif span is None:
            hours.findings.add(path, f"'{text[:60]}' are no hours", _SPAN_EXAMPLE)
        elif span[0] >= span[1]:
            right = "A span ends on its day: write the rest of the night for the day after, from 00:00."
            hours.findings.add(path, f"'{text}' does not end after it begins", right)
        else:
            spans.append((span, path))
    spans.sort(key=lambda each: each[0])
    for (before, _), (after, path) in pairwise(spans):
        if after[0] < before[1]:
            hours.findings.add(path, f"'{_text(after)}' overlaps '{_text(before)}'")
    return tuple(span for span, _ in spans)


def _items(table: Table, key: str, what: str) -> Iterator[tuple[Path, object]]:
    """One value or a list of them, each with its path."""
    value = table.raw(key)
    match value:
        case list():
            yield from (((*table.path, key, index), each) for index, each in enumerate(value))
        case str():
            yield (*table.path, key), value
        case _:
            table.report(key, f"must be {what}, not {describe(value)}")


def _span(text: str) -> Span | None:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return time.fromisoformat(found[1]), time.max if found[2] == "24:00" else time.fromisoformat(found[2])
    except ValueError:
        return None


def _text(span: Span) -> str:
    end = "24:00" if span[1] == time.max else f"{span[1]:%H:%M}"
    return f"{span[0]:%H:%M}-{end}"


def _holidays(table: Table) -> frozenset[date]:
    days: set[date] = set()
    table.note("holidays", Dates())
    if not table.has("holidays"):
        return frozenset()
    for path, value in _items(table, "holidays", 'a list of dates such as ["2026-12-25"]'):
        day = _date(value)
        if day is None:
            wrong = f"{describe(value)} is no date" if not isinstance(value, str) else f"'{value[:40]}' is no date"
            table.findings.add(path, wrong, 'Write year, month and day, such as "2026-12-25".')
        elif day in days:
            table.findings.add(path, f"{day} stands here twice")
        else:
            days.add(day)
    return frozenset(days)


def _date(value: object) -> date | None:
    """A date of TOML's own or one in quotes; a date with a time is none."""
    if isinstance(value, date):
        return None if isinstance(value, datetime) else value
    if not isinstance(value, str) or not _DATE.fullmatch(value.strip()):
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        return None
