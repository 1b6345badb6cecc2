"""What the [sandbox] block changes for the demo, and how the demo's page says so."""

from datetime import time, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from bot.config.settings import Settings


class SandboxChange(NamedTuple):
    """One setting that differs in the sandbox: ("Asked after a chat ends", "after 10 minutes", "after 3 seconds")."""

    what: str
    normal: str
    here: str


def with_sandbox(settings: Settings) -> Settings:
    """The settings with their own [sandbox] block applied."""
    sandbox, asking = settings.sandbox, settings.asking
    if sandbox.delay is not None:
        asking = replace(asking, delay=sandbox.delay)
    if not sandbox.quiet_hours:
        asking = replace(asking, quiet_from=time(0), quiet_until=time(0))
    if not sandbox.cool_down:
        asking = replace(asking, cool_down=timedelta(0), cool_down_nps=timedelta(0))
    followup = settings.followup
    if followup is not None and sandbox.hold is not None:
        followup = replace(followup, hold=sandbox.hold)
    return replace(settings, asking=asking, followup=followup)


def sandbox_changes(real: Settings, sandbox: Settings) -> tuple[SandboxChange, ...]:
    """What differs between the settings as the file has them and as the sandbox runs them, in plain English."""
    before, after = real.asking, sandbox.asking
    quiet = [_quiet(asking.quiet_from, asking.quiet_until) for asking in (before, after)]
    rows = [
        SandboxChange("Asked after a chat ends", span_text(before.delay), span_text(after.delay)),
        SandboxChange("Quiet hours", *quiet),
        SandboxChange("Between two surveys", span_text(before.cool_down), span_text(after.cool_down)),
        SandboxChange("Between two NPS surveys", span_text(before.cool_down_nps), span_text(after.cool_down_nps)),
    ]
    if real.followup and sandbox.followup:
        hold = span_text(real.followup.hold), span_text(sandbox.followup.hold)
        rows.append(SandboxChange("Alert waits for the comment", *hold))
    return tuple(row for row in rows if row.normal != row.here)


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
