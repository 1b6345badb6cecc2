"""The [followup] block: where alerts go, when a case opens, and all that agents have at hand."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from bot.config.rules import SCALES, Ground, read_rules
from bot.config.settings import FollowUpSettings
from bot.config.slack_names import read_room, read_slack
from bot.config.teams import names_of, read_teams, report_no_team
from bot.config.templates import declared_attributes, read_causes, read_templates
from bot.conversations.flow import Flow
from bot.conversations.questions import ScaleName
from bot.conversations.text_toml import ATTRIBUTES, Speech
from bot.followup.incidents import DIMENSIONS, LONGEST_WINDOW, IncidentRules
from bot.languages import locales
from bot.messages import ChannelName
from bot.toml_journal import Whole
from bot.toml_tables import ANY_NUMBER, Table, did_you_mean

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the rest of the file says. ``kinds``: channel -> (kind, switched on); ``time_zone``: of [asking]."""

    flows: Sequence[Flow]
    kinds: Mapping[str, tuple[str, bool]]
    time_zone: str


def read_followup(root: Table, around: Surroundings) -> FollowUpSettings | None:
    """The follow-up; None where the file has none, and nobody is told of a case."""
    table = root.table("followup")
    if table is None:
        return None
    default = FollowUpSettings(channel=ChannelName(""), room="")
    limits = _limits(table, default.case_at_most)
    teams = names_of(table)
    followup = FollowUpSettings(
        channel=read_slack(table, around.kinds, "remove [followup] and everything under it"),
        room=read_room(table),
        hold=table.duration("hold", default.hold, timedelta(hours=1)),
        locale=table.one_of("locale", locales(), default.locale),
        case_at_most=limits,
        recovery_after=table.duration("recovery_after", default.recovery_after, 30 * _DAY),
        recovery_expires=table.duration("recovery_expires", default.recovery_expires, 30 * _DAY, _MINUTE),
        teams=read_teams(table, around.time_zone),
        team=_team(table, teams),
        rules=read_rules(table, _ground(root, around, teams, limits)),
        incidents=_incidents(table),
        templates=read_templates(table, _speech(root, around.flows)),
        built_in_templates=table.flag("built_in_templates", default.built_in_templates),
        causes=read_causes(table),
    )
    table.finish()
    return followup


def _limits(table: Table, default: Mapping[ScaleName, int]) -> Mapping[ScaleName, int]:
    """The highest score that opens a case, for every scale."""
    own = table.table("case_at_most")
    limits = dict(default)
    if own is None:
        return limits
    for name, scale in SCALES.items():
        own.note(name, Whole(low=scale.low, high=scale.high), default[name])
        limit = own.maybe_whole(name, -ANY_NUMBER, ANY_NUMBER)
        if limit is not None and limit not in scale:
            own.report(name, f"{limit} is not on the scale of {name}", f"It runs from {scale.low} to {scale.high}.")
        elif limit is not None:
            limits[name] = limit
    for key in own.data:
        if key not in limits:
            own.report(key, f"there is no scale '{key[:40]}'", did_you_mean(key, limits))
    return limits


def _team(table: Table, teams: tuple[str, ...]) -> str:
    """The team of a case that no rule gives to another; the only one, where there is but one."""
    if len(teams) == 1:
        team = table.text("team", teams[0])
    else:
        team = table.text("team", example=f'team = "{teams[0]}", the team of all cases that no rule gives to another')
    if team and team not in teams:
        report_no_team(table, team, teams)
    return team


def _ground(root: Table, around: Surroundings, teams: tuple[str, ...], limits: Mapping[ScaleName, int]) -> Ground:
    return Ground(
        flows=tuple(around.flows),
        complete=not root.findings.under(("flow",)),
        channels={name: live for name, (_, live) in around.kinds.items()},
        teams=teams,
        limits=limits,
    )


def _speech(root: Table, flows: Sequence[Flow]) -> Speech:
    """The languages and variables of ready answers; no languages where the flows' own are in doubt."""
    tables = root.tables("flow")
    doubtful = not flows or any(root.findings.under((*each.path, "languages")) for each in tables)
    spoken = dict.fromkeys(tag for flow in flows for tag in flow.locales)
    return Speech(
        locales=() if doubtful else tuple(spoken),
        attributes=ATTRIBUTES | {"customer"} | declared_attributes(tables),
        of_all_flows=True,
    )


def _incidents(table: Table) -> IncidentRules:
    own, default = table.table("incidents"), IncidentRules()
    if own is None:
        return default
    counts = {name: own.whole(name, getattr(default, name), 0, 1_000) for name in DIMENSIONS}
    for name, count in counts.items():
        if count == 1:
            own.report(name, "with 1 every case would be an incident", "Choose 2 or more, or 0 for none by this.")
    rules = IncidentRules(window=own.duration("window", default.window, LONGEST_WINDOW, _MINUTE), **counts)
    own.finish()
    return rules
