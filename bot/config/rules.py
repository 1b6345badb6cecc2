"""The [[followup.rule]] blocks: which cases they are about, what they do, and whether they can match at all."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import cast, get_args

import msgspec

from bot.config.named import each_with_path, read_channel_names, read_languages, several
from bot.config.slack_names import read_group, read_room
from bot.config.teams import report_no_team
from bot.conversations.flow import Flow
from bot.conversations.questions import Rating, ScaleName, scale_of
from bot.followup.cases import CASE_AT_MOST, PRIORITIES, Priority
from bot.followup.routing import RoutingRule, may_open_for, shadowed
from bot.scoring.scales import Scale
from bot.toml_tables import ANY_NUMBER, LINE, Table, did_you_mean, quoted

SCALES: Mapping[ScaleName, Scale] = {
    name: scale_of(Rating(id=name, text={}, scale=name)) for name in get_args(ScaleName)
}
_ACTS = ("room", "group", "team", "priority", "opens")
_ASKS = ("flows", "channels", "languages", "tags", "scale", "score_at_least", "score_at_most", "vip", "words")


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What rules may speak of.

    ``flows`` is empty where the file's flows could not be read. ``complete``: nothing is wrong with any of them, so
    that what they lack is really not there. ``channels``: name -> whether it is switched on.
    """

    flows: tuple[Flow, ...]
    complete: bool
    channels: Mapping[str, bool]
    teams: tuple[str, ...]
    #: the highest score that opens a case, per scale
    limits: Mapping[ScaleName, int]

    def opens_up_to(self, flow: Flow, rating: Rating) -> int:
        """The highest score of a flow that opens a case."""
        limit = self.limits.get(rating.scale, CASE_AT_MOST[rating.scale])
        return limit if flow.case_at_most is None else flow.case_at_most


def read_rules(table: Table, ground: Ground) -> tuple[RoutingRule, ...]:
    """The rules in the order of the file."""
    tables = table.tables("rule")
    rules: list[RoutingRule] = []
    for each in tables:
        rule = _read_rule(each, ground)
        if rule.id and any(other.id == rule.id for other in rules):
            each.report("id", f"there is another rule '{rule.id}' above", "Give each rule an id of its own.")
        rules.append(rule)
    for index, each in enumerate(tables):
        _report_too_happy(each, index, rules, ground)
    _report_hidden(list(zip(tables, rules, strict=True)))
    return tuple(rules)


def _read_rule(table: Table, ground: Ground) -> RoutingRule:
    flows = _flows(table, ground)
    about = tuple(flow for flow in ground.flows if not flows or flow.id in flows)
    scale, low, high = _scores(table, ground, about)
    rule = RoutingRule(
        id=table.id(),
        flows=flows,
        channels=read_channel_names(table, ground.channels),
        languages=_languages(table, ground, about),
        tags=several(table, "tags"),
        scale=scale,
        score_at_least=low,
        score_at_most=high,
        vip=table.maybe_flag("vip"),
        words=_words(table),
        opens=table.flag("opens", False),
        room=read_room(table, ""),
        group=read_group(table),
        team=table.text("team", ""),
        priority=cast(Priority | None, table.one_of("priority", PRIORITIES, "") or None),
    )
    if rule.team and rule.team not in ground.teams:
        report_no_team(table, rule.team, ground.teams)
    _report_idle(table, rule)
    table.finish()
    return rule


def _report_idle(table: Table, rule: RoutingRule) -> None:
    if not any(key in table.data for key in _ACTS) and set(table.data) <= {"id", *_ASKS}:
        right = 'Add room, group, team, priority or opens; to leave such cases as they are, priority = "normal".'
        table.report("", "does nothing with the cases that it is about", right)
    elif rule.opens and not any(key in table.data for key in _ASKS):
        right = "Say which: add words, a score, tags or vip."
        table.report("opens", "opens a case for every answer of every customer", right)


def _report_hidden(rules: Sequence[tuple[Table, RoutingRule]]) -> None:
    """Tell the rules that an earlier one leaves nothing to. A rule that is wrong itself hides nobody."""
    right = [(table, rule) for table, rule in rules if not table.findings.under(table.path)]
    for hidden, earlier in shadowed([rule for _, rule in right]):
        (table, _), (above, hider) = right[hidden], right[earlier]
        wrong = f"is never reached: rule '{hider.id}' on line {LINE} comes first and takes all of its cases"
        table.findings.add(table.path, wrong, "Move this rule above that one, or remove it.", above.path)


# ---- what a rule is about --------------------------------------------------------------------------------


def _words(table: Table) -> tuple[str, ...]:
    words = several(table, "words")
    for path, each in each_with_path(table, "words", words):
        if all(unicodedata.category(character)[0] in "PZ" for character in each):
            table.findings.add(path, f"'{each[:40]}' is no word", "Write words or phrases that customers use.")
    return words


def _flows(table: Table, ground: Ground) -> tuple[str, ...]:
    named = several(table, "flows")
    known = {flow.id: flow for flow in ground.flows if flow.variant_of is None}
    for path, id in each_with_path(table, "flows", named):
        if known and id not in known:
            table.findings.add(path, f"there is no flow '{id[:60]}'", did_you_mean(id, known))
        elif ground.complete and known[id].score_question() is None:
            table.findings.add(path, f"'{id}' has no rating, so it opens no case", "Leave it out here.")
    return named


def _languages(table: Table, ground: Ground, about: Sequence[Flow]) -> tuple[str, ...]:
    spoken = list(dict.fromkeys(tag for flow in about for tag in flow.locales)) if ground.complete else []
    return read_languages(table, spoken, "none of its flows is" if table.has("flows") else "no flow is")


# ---- scores ----------------------------------------------------------------------------------------------


def _scores(table: Table, ground: Ground, about: Sequence[Flow]) -> tuple[ScaleName | None, int | None, int | None]:
    """The scale and the bounds of a rule."""
    scale = cast(ScaleName | None, table.one_of("scale", tuple(SCALES), "") or None)
    bounds = {
        key: value
        for key in ("score_at_least", "score_at_most")
        if (value := table.maybe_whole(key, -ANY_NUMBER, ANY_NUMBER)) is not None
    }
    low, high = bounds.get("score_at_least"), bounds.get("score_at_most")
    rated = [(flow, rating) for flow in about if (rating := flow.score_question()) is not None]
    scales = tuple(dict.fromkeys(rating.scale for _, rating in rated))
    if scale is not None and ground.complete and scales and scale not in scales:
        flows = "its flows ask" if table.has("flows") else "the flows ask"
        table.report("scale", f"matches nothing: {flows} on {quoted(scales)}, not on {scale}")
    elif scale is None and bounds and ground.complete and len(scales) > 1:
        wrong = f"is a score of which scale? These flows ask on {quoted(scales)}"
        table.report(next(iter(bounds)), wrong, f'Add scale = "{scales[0]}", or name flows of one scale.')
    elif scale or len(scales) == 1:
        _report_off_scale(table, bounds, scale or scales[0])
    return scale, low, high


def _report_off_scale(table: Table, bounds: Mapping[str, int], name: ScaleName) -> None:
    """Tell which bounds are not on a scale, or are the wrong way round."""
    scale = SCALES[name]
    off = [key for key, value in bounds.items() if value not in scale]
    for key in off:
        right = f"It runs from {scale.low} to {scale.high}."
        table.report(key, f"{bounds[key]} is not on the scale of {name}", right)
    low, high = bounds.get("score_at_least", scale.low), bounds.get("score_at_most", scale.high)
    if not off and low > high:
        wrong = f"no score is at least {low} and at most {high}"
        table.report("score_at_least", wrong, "Did you mean them the other way round?")


def _report_too_happy(table: Table, index: int, rules: Sequence[RoutingRule], ground: Ground) -> None:
    """Tell a rule that asks for scores for which no case opens.

    A rule with ``opens`` may open one for words; but where it stands above, it takes that case itself.
    """
    rule = rules[index]
    if rule.score_at_least is None or rule.opens or not ground.complete or table.findings.under(table.path):
        return
    about = [flow for flow in ground.flows if not rule.flows or flow.id in rule.flows]
    rated = [(flow, rating) for flow in about if (rating := flow.score_question()) is not None]
    limits = [ground.opens_up_to(flow, rating) for flow, rating in rated if rule.scale in (None, rating.scale)]
    if not limits or rule.score_at_least <= max(limits):
        return
    if any(may_open_for(other, rule) for other in rules[index + 1 :]):
        return
    wrong = f"matches nothing: no case opens for a score above {max(limits)}"
    right = "Add opens = true to open cases for such scores, or raise case_at_most."
    above = next((other for other in rules[:index] if may_open_for(other, rule)), None)
    if above is not None:
        wrong = f"matches nothing: for a score above {max(limits)} only rule '{above.id}' opens cases, and takes them"
        right = "Move this rule above that one."
    table.report("score_at_least", wrong, right)
