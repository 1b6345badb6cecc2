"""Whether someone is asked now, later or not at all, and by which rule. Pure: the time is an argument."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

Verdict = Literal["asked", "deferred", "not asked"]


class PastSurvey(msgspec.Struct, frozen=True, kw_only=True):
    flow: str
    is_nps: bool
    at: datetime


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules look at. Times are aware; ``time_zone`` is an IANA name."""

    flow: str
    is_nps: bool
    closed_at: datetime
    first_due: datetime
    opted_out: bool
    reachable: bool
    surveyed_now: bool
    past: Sequence[PastSurvey]
    time_zone: str


class AskingRules(msgspec.Struct, frozen=True, kw_only=True):
    cool_down: timedelta
    cool_down_nps: timedelta
    quiet_from: time
    quiet_until: time
    defer_at_most: timedelta
    closed_at_most: timedelta


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict, the rule that gave it, what it looked at, and for a deferral when to decide again."""

    verdict: Verdict
    rule: str
    inputs: dict[str, str] = {}
    again_at: datetime | None = None


def decide_invitation(who: Candidate, rules: AskingRules, now: datetime) -> Invitation:
    """The first rule that bites decides; with none, the customer is asked."""
    if who.opted_out:
        return _no("opted out")
    if not who.reachable:
        return _no("cannot be reached")
    if now - who.closed_at > rules.closed_at_most:
        return _no("closed too long ago", closed_at=who.closed_at.isoformat())
    if who.surveyed_now:
        return _no("a survey is under way")
    for past in who.past:
        if now - past.at < rules.cool_down:
            return _no("cool-down", last=past.at.isoformat(), days=_days(rules.cool_down))
        if who.is_nps and past.is_nps and now - past.at < rules.cool_down_nps:
            return _no("NPS cool-down", last=past.at.isoformat(), days=_days(rules.cool_down_nps))
    awake = end_of_quiet(now, rules.quiet_from, rules.quiet_until, who.time_zone)
    if awake is None:
        return Invitation(verdict="asked", rule="nothing speaks against it")
    if awake - who.first_due > rules.defer_at_most:
        return _no("quiet hours for too long", until=awake.isoformat())
    return Invitation(verdict="deferred", rule="quiet hours", inputs={"until": awake.isoformat()}, again_at=awake)


def _no(rule: str, **inputs: str) -> Invitation:
    return Invitation(verdict="not asked", rule=rule, inputs=inputs)


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):g}"


def end_of_quiet(now: datetime, quiet_from: time, quiet_until: time, time_zone: str) -> datetime | None:
    """When the quiet hours that hold now end; None when it is not quiet. From and until being equal: never quiet.

    Quiet hours may run over midnight. In the hour that a clock change skips or repeats, the wall clock decides.
    """
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    local = now.astimezone(zone)
    clock = local.time()
    over_midnight = quiet_from > quiet_until
    quiet = (clock >= quiet_from or clock < quiet_until) if over_midnight else quiet_from <= clock < quiet_until
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and clock >= quiet_from else 0)
    # In a repeated hour the end lies in the same pass of it as now.
    return datetime.combine(day, quiet_until, tzinfo=zone).replace(fold=local.fold).astimezone(now.tzinfo)
