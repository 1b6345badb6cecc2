"""When someone may be asked: the [asking] block, and [flow.asking] for what is one flow's own."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from bot.config.named import each_with_path, read_channel_names, read_languages, several
from bot.config.settings import AskingSettings, FlowAsking
from bot.config.teams import read_time_zone
from bot.conversations.flow import Flow
from bot.toml_journal import Duration, Either, OneOf, Share
from bot.toml_tables import LINE, Table, describe, duration_text, parse_duration

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_LONGEST_DELAY = 7 * _DAY
_LONGEST_REMINDER = 30 * _DAY
_LONGEST_COOL_DOWN = 730 * _DAY
_MOST_MESSAGES = 1_000
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%")


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What the rest of the file says. ``flows`` lacks those without an id; ``channels``: name -> switched on."""

    flows: Sequence[Flow]
    channels: Mapping[str, bool]
    asking: AskingSettings


def read_asking(table: Table) -> AskingSettings:
    """What holds for all flows."""
    default = AskingSettings()
    asking = AskingSettings(
        delay=table.duration("delay", default.delay, _LONGEST_DELAY),
        cool_down=table.duration("cool_down", default.cool_down, _LONGEST_COOL_DOWN),
        cool_down_nps=table.duration("cool_down_nps", default.cool_down_nps, _LONGEST_COOL_DOWN),
        quiet_from=table.clock("quiet_from", default.quiet_from),
        quiet_until=table.clock("quiet_until", default.quiet_until),
        defer_at_most=table.duration("defer_at_most", default.defer_at_most, 7 * _DAY),
        closed_at_most=table.duration("closed_at_most", default.closed_at_most, 90 * _DAY),
        expire_invitation=table.duration("expire_invitation", default.expire_invitation, 90 * _DAY, _MINUTE),
        expire_idle=table.duration("expire_idle", default.expire_idle, 30 * _DAY, _MINUTE),
        correction=table.duration("correction", default.correction, _DAY),
        time_zone=read_time_zone(table, default.time_zone),
        # A due row is always decided a moment after its time.
        late_at_most=table.duration("late_at_most", default.late_at_most, 7 * _DAY, _MINUTE),
        min_messages=table.whole("min_messages", default.min_messages, 0, _MOST_MESSAGES),
        human_answered=table.flag("human_answered", default.human_answered),
        agent_started=table.flag("agent_started", default.agent_started),
        reminder=_reminder(table),
        decline_buttons=table.flag("decline_buttons", default.decline_buttons),
        language_button=table.flag("language_button", default.language_button),
        anonymous=table.flag("anonymous", default.anonymous),
    )
    _report_contradictions(table, asking)
    table.finish()
    return asking


def _reminder(table: Table) -> timedelta | None:
    table.note(
        "reminder",
        Either(shapes=(OneOf(allowed=("off",)), Duration(shortest=_MINUTE, longest=_LONGEST_REMINDER))),
        "off",
    )
    value = table.raw("reminder")
    if value is None or value == "off":
        return None
    if not isinstance(value, str) or parse_duration(value) is None:
        table.report("reminder", f"{describe(value)} is no duration", 'Write "off", or a duration such as "24h".')
        return None
    return table.maybe_duration("reminder", _LONGEST_REMINDER, _MINUTE)


def _report_contradictions(table: Table, asking: AskingSettings) -> None:
    if asking.delay >= asking.closed_at_most and _sound(table, "delay", "closed_at_most"):
        table.report("delay", "is not shorter than closed_at_most, so nobody would ever be asked")
    if (
        asking.reminder is not None
        and asking.reminder >= asking.expire_invitation
        and _sound(table, "reminder", "expire_invitation")
    ):
        wrong = f"is not shorter than expire_invitation ({duration_text(asking.expire_invitation)}), so none would go"
        table.report("reminder", wrong, 'Shorten it, or write "off".')
    if table.has("cool_down_nps") and _sound(table, "cool_down", "cool_down_nps"):
        _report_shadowed(table, "cool_down_nps", asking.cool_down_nps, asking.cool_down, "cool_down")
    if _sound(table, "quiet_from", "quiet_until", "defer_at_most"):
        _report_night(table, asking)


def _report_night(table: Table, asking: AskingSettings) -> None:
    """Tell quiet hours that leave hardly any others, and a deferral that never reaches the morning."""
    night = _length_of_night(asking)
    if night > _DAY - _HOUR:
        wrong = f"the quiet hours last {_hours(night)} of the day, and hardly anybody would be asked"
        table.report("quiet_from", wrong, "Leave an hour at least; the same time twice means no quiet hours.")
    elif timedelta(0) < asking.defer_at_most < night:
        wrong = f"is shorter than the quiet hours ({_hours(night)}), so who is put off early in them is dropped"
        right = f'Write "{_hours(night)}" or more, or "0s" to drop all that falls into quiet hours.'
        table.report("defer_at_most", wrong, right)


def _length_of_night(asking: AskingSettings) -> timedelta:
    day = datetime(2000, 1, 1)  # noqa: DTZ001 - two readings of one clock on a wall
    return (datetime.combine(day, asking.quiet_until) - datetime.combine(day, asking.quiet_from)) % _DAY


def _hours(span: timedelta) -> str:
    """Hours and minutes as the file writes them: "9h 30m"."""
    hours, rest = divmod(span, _HOUR)
    return f"{hours}h {rest // _MINUTE}m" if rest else f"{hours}h"


def _report_shadowed(table: Table, key: str, own: timedelta, longer: timedelta, what: str) -> None:
    if timedelta(0) < own < longer:
        wrong = f"changes nothing: {what} is longer ({duration_text(longer)}), and holds here too"
        table.report(key, wrong, "Make it longer, or leave it out.")


def _sound(table: Table, *keys: str) -> bool:
    return not any(table.findings.under((*table.path, key)) for key in keys)


# ---- one flow's own -------------------------------------------------------------------------------------


def read_flow_asking(root: Table, around: Around) -> dict[str, FlowAsking]:
    """The flow's id -> what is its own, for the flows that have a block. None of it is part of the flow's version."""
    found: dict[str, FlowAsking] = {}
    for each in root.tables("flow"):
        table = each.table("asking")
        if table is None:
            continue
        id = each.data.get("id")
        flow = next((flow for flow in around.flows if flow.id == id), None)
        own = _flow_asking(table, flow, around)
        if flow is not None:
            found[flow.id] = own
    return found


def _flow_asking(table: Table, flow: Flow | None, around: Around) -> FlowAsking:
    # A flow in doubt may lack languages that it was meant to have.
    whole = flow is not None and not table.findings.under((*table.path[:-1], "languages"))
    own = FlowAsking(
        delay=table.maybe_duration("delay", _LONGEST_DELAY),
        cool_down=table.duration("cool_down", timedelta(0), _LONGEST_COOL_DOWN),
        min_messages=table.maybe_whole("min_messages", 0, _MOST_MESSAGES),
        channels=read_channel_names(table, around.channels),
        languages=read_languages(table, flow.locales if flow is not None and whole else (), "the flow is not"),
        tags=several(table, "tags"),
        without_tags=several(table, "without_tags"),
        vip=_vip(table),
        sample=_sample(table),
    )
    _report_both_ways(table, own)
    _report_idle(table, own, flow, around.asking)
    table.finish({"quiet_from": _FOR_ALL, "quiet_until": _FOR_ALL, "cool_down_nps": _FOR_ALL, "reminder": _FOR_ALL})
    return own


_FOR_ALL = "It holds for all flows: write it under [asking]."


def _vip(table: Table) -> Literal["any", "only", "never"]:
    match table.one_of("vip", ("only", "never", "any"), "any"):
        case "only":
            return "only"
        case "never":
            return "never"
        case _:
            return "any"


def _sample(table: Table) -> float:
    """The part of all occasions that is asked about: "25%" is 0.25."""
    table.note("sample", Share(low="more than 0%", high="100%"), "100%")
    value = table.raw("sample")
    if value is None:
        return 1.0
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    share = float(found[1]) / 100 if found else -1.0
    if 0 < share <= 1:
        return share
    if isinstance(value, float | int) and not isinstance(value, bool) and 0 < value <= 1:
        right = f'Write "{value * 100:g}%".'
    else:
        right = 'Write it as in "25%": more than 0% and at most 100%.'
    table.report("sample", f"{describe(value)} is no percentage", right)
    return 1.0


def _report_both_ways(table: Table, own: FlowAsking) -> None:
    """Tell tags that are asked for and refused: whoever has one is never asked."""
    wanted = {tag.casefold() for tag in own.tags}
    for path, tag in each_with_path(table, "without_tags", own.without_tags):
        if tag.casefold() in wanted:
            wrong = f"'{tag[:40]}' is among the tags on line {LINE}, too"
            table.findings.add(path, wrong, "Leave it in one of the two lists.", (*table.path, "tags"))


def _report_idle(table: Table, own: FlowAsking, flow: Flow | None, all_flows: AskingSettings) -> None:
    """Tell spans that make the flow ask nobody, or change nothing beside those of [asking]."""
    found = table.findings
    if (
        own.delay is not None
        and own.delay >= all_flows.closed_at_most
        and not found.under(("asking", "closed_at_most"))
    ):
        longest = duration_text(all_flows.closed_at_most)
        table.report("delay", f"is not shorter than asking.closed_at_most ({longest}), so nobody would ever be asked")
    rating = flow.score_question() if flow is not None else None
    keys = ("cool_down", "cool_down_nps") if rating is not None and rating.scale == "nps" else ("cool_down",)
    if not any(found.under(("asking", key)) for key in keys):
        key = max(keys, key=lambda key: getattr(all_flows, key))
        _report_shadowed(table, "cool_down", own.cool_down, getattr(all_flows, key), f"asking.{key}")
