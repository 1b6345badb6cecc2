"""What the [sandbox] block, or the want of one, changes for the demo, and how the demo's page says so."""

from datetime import time, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from bot.config.settings import FlowAsking, FollowUpSettings, SandboxSettings, Settings
from bot.followup.clocks import Hours

#: What a file without a [sandbox] block gets: nobody who tries a flow of theirs should wait for the morning.
SHORTENED = SandboxSettings(
    delay=timedelta(seconds=1),
    hold=timedelta(seconds=1),
    recovery=timedelta(seconds=1),
    quiet_hours=False,
    cool_down=False,
    business_hours=False,
    rooms=False,
    min_messages=0,
    sample=False,
)


class SandboxChange(NamedTuple):
    """One setting that differs in the sandbox: ("Asked after a chat ends", "after 10 minutes", "after 3 seconds")."""

    what: str
    normal: str
    here: str


def with_sandbox(settings: Settings) -> Settings:
    """The settings with what their [sandbox] says applied."""
    sandbox, asking, followup = settings.sandbox, settings.asking, settings.followup
    if sandbox.delay is not None:
        asking = replace(asking, delay=sandbox.delay)
    if not sandbox.quiet_hours:
        asking = replace(asking, quiet_from=time(0), quiet_until=time(0))
    if not sandbox.cool_down:
        asking = replace(asking, cool_down=timedelta(0), cool_down_nps=timedelta(0))
    if sandbox.min_messages is not None:
        asking = replace(asking, min_messages=sandbox.min_messages)
    flow_asking = {id: _of_flow(own, sandbox) for id, own in settings.flow_asking.items()}
    followup = None if followup is None else _followed_up(followup, sandbox)
    ops = settings.ops
    if ops is not None and followup is not None and not sandbox.rooms and ops.channel == followup.channel:
        ops = replace(ops, room=followup.room)
    return replace(settings, asking=asking, flow_asking=flow_asking, followup=followup, ops=ops)


def _of_flow(own: FlowAsking, sandbox: SandboxSettings) -> FlowAsking:
    """A flow's own spans and numbers, which would go before those of [asking]."""
    if sandbox.delay is not None:
        own = replace(own, delay=None)
    if not sandbox.cool_down:
        own = replace(own, cool_down=timedelta(0))
    if sandbox.min_messages is not None:
        own = replace(own, min_messages=None)
    return own if sandbox.sample else replace(own, sample=1.0)


def _followed_up(followup: FollowUpSettings, sandbox: SandboxSettings) -> FollowUpSettings:
    if sandbox.hold is not None:
        followup = replace(followup, hold=sandbox.hold)
    if sandbox.recovery is not None:
        followup = replace(followup, recovery_after=sandbox.recovery)
    if not sandbox.business_hours:
        # Without any span a team works around the clock.
        around_the_clock = (replace(team, hours=Hours(time_zone=team.hours.time_zone)) for team in followup.teams)
        followup = replace(followup, teams=tuple(around_the_clock))
    if not sandbox.rooms:
        rules = tuple(replace(rule, room="") for rule in followup.rules)
        teams = tuple(replace(team, room="") for team in followup.teams)
        followup = replace(followup, rules=rules, teams=teams)
    return followup


def sandbox_changes(real: Settings, sandbox: Settings) -> tuple[SandboxChange, ...]:
    """What differs between the settings as the file has them and as the sandbox runs them, in plain English."""
    before, after = real.asking, sandbox.asking
    quiet = [_quiet(asking.quiet_from, asking.quiet_until) for asking in (before, after)]
    fewest = [_messages(asking.min_messages) for asking in (before, after)]
    rows = [
        SandboxChange("Asked after a chat ends", span_text(before.delay), span_text(after.delay)),
        SandboxChange("Quiet hours", *quiet),
        SandboxChange("Between two surveys", span_text(before.cool_down), span_text(after.cool_down)),
        SandboxChange("Between two NPS surveys", span_text(before.cool_down_nps), span_text(after.cool_down_nps)),
        SandboxChange("Asked after chats of", *fewest),
        *_flow_changes(real, sandbox),
    ]
    if real.followup and sandbox.followup:
        rows += _followup_changes(real.followup, sandbox.followup)
    return tuple(row for row in rows if row.normal != row.here)


def _flow_changes(real: Settings, sandbox: Settings) -> list[SandboxChange]:
    """What is relaxed of the flows' own, for those that have it."""
    changes = []
    for pinned in real.flows:
        flow = pinned.flow
        own, rules, here = real.flow_asking.get(flow.id), real.asking_rules(flow), sandbox.asking_rules(flow)
        if own is None:
            continue
        if own.delay is not None:
            changes.append(SandboxChange(f"{flow.id}: asked after", span_text(rules.delay), span_text(here.delay)))
        if own.min_messages is not None:
            fewest = _messages(rules.min_messages), _messages(here.min_messages)
            changes.append(SandboxChange(f"{flow.id}: asked after chats of", *fewest))
        between = span_text(rules.cool_down_flow), span_text(here.cool_down_flow)
        changes.append(SandboxChange(f"{flow.id}: between two surveys", *between))
        changes.append(SandboxChange(f"{flow.id}: asked of", *(f"{100 * each.sample:g} %" for each in (rules, here))))
    return changes


def _messages(fewest: int) -> str:
    return "any length" if fewest == 0 else f"{fewest} messages or more"


def _followup_changes(before: FollowUpSettings, after: FollowUpSettings) -> list[SandboxChange]:
    asked = [f"{span_text(each.recovery_after)} later" for each in (before, after)]
    hours = ["each team's own" if _keeps_hours(each) else "around the clock" for each in (before, after)]
    return [
        SandboxChange("Alert waits for the comment", span_text(before.hold), span_text(after.hold)),
        SandboxChange("Asked whether it is fixed", *asked),
        SandboxChange("Business hours", *hours),
        SandboxChange("Rooms for alerts", _rooms(before), _rooms(after)),
    ]


def _keeps_hours(followup: FollowUpSettings) -> bool:
    return any(any(team.hours.week) for team in followup.teams)


def _rooms(followup: FollowUpSettings) -> str:
    others = (*(rule.room for rule in followup.rules), *(team.room for team in followup.teams))
    return ", ".join(dict.fromkeys(room for room in (followup.room, *others) if room))


def span_text(span: timedelta) -> str:
    """A time span in words.

    >>> span_text(timedelta(minutes=10)), span_text(timedelta(seconds=90)), span_text(timedelta(0))
    ('10 minutes', '90 seconds', 'no time at all')
    """
    seconds = int(span.total_seconds())
    if seconds == 0:
        return "no time at all"
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    raise AssertionError(seconds)


def _quiet(start: time, end: time) -> str:
    return "none" if start == end else f"{start:%H:%M} to {end:%H:%M}"
