"""What other settings would have made of the ledger: from its decisions to triggers, and what came out in words."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from bot import config
from bot.conversations.invitations import Rule, Verdict, WentOn
from bot.conversations.simulation import CANCELLED, Look, Settings, Simulated, Trigger
from bot.ports import Decision, DecisionStep
from bot.reports.explaining import shown
from bot.reports.figures import table

#: how many differences of each kind are shown
EXAMPLES = 5


def settings_of(settings: config.Settings) -> Settings:
    """What a simulation needs of the settings."""
    return Settings(
        rules={pinned.flow.id: settings.asking_rules(pinned.flow) for pinned in settings.flows},
        channels=frozenset(channel.name for channel in settings.channels),
        time_zone=settings.asking.time_zone,
    )


# ---- from decisions to triggers -----------------------------------------------------------------------------


def trigger_of(decision: Decision, time_zones: Mapping[str, str]) -> Trigger | None:
    """One decision as something to decide again; None: there was nothing to decide."""
    if decision.occasion is None:
        return None
    stands = DecisionStep(verdict=decision.verdict, rule=decision.rule, inputs=decision.inputs, at=decision.at)
    steps = (*decision.steps, stands)
    judged = [step.inputs for step in steps if "opted_out" in step.inputs]
    newest = judged[-1] if judged else {}
    known = time_zones.get(decision.customer or "")
    return Trigger(
        key=decision.key,
        dealing=decision.interaction or decision.key,
        customer=decision.customer or f"{decision.address.channel}:{decision.address.key}",
        flow=decision.flow,
        reference=_reference(decision),
        occasion=decision.occasion,
        verdict=decision.verdict,
        rule=decision.rule,
        at=decision.at,
        opted_out=_truth(newest.get("opted_out")),
        reachable=_truth(newest.get("reachable")),
        # the zone of those who have none of their own is a setting
        time_zone=None if known is None else newest.get("time_zone", known),
        looks=tuple(_looks(steps)),
        was_planned=steps[0].verdict == "deferred",
        went_on=decision.occasion.went_on or _cancelled(stands),
    )


def _cancelled(stands: DecisionStep) -> WentOn | None:
    """It ended once more before the question was due."""
    match stands.rule:
        case "it was resumed" | "the customer went on":
            return WentOn(at=stands.at, rule=stands.rule)
        case _:
            return None


def _reference(decision: Decision) -> str:
    return " ".join(part for part in (decision.source, decision.reference) if part) or decision.key


def _truth(text: str | None) -> bool | None:
    return None if text is None else text == "true"


def _looks(steps: Sequence[DecisionStep]) -> Iterator[Look]:
    planned: datetime | None = None
    for step in steps:
        if "surveyed_now" in step.inputs:
            yield Look(
                planned_for=planned or step.at,
                at=step.at,
                surveyed_now=step.inputs["surveyed_now"] == "true",
                wrote_at=_time(step.inputs.get("wrote", "")),
            )
        elif step.rule in CANCELLED and planned is not None and planned <= step.at:
            # it was due, and cancelled before anybody looked
            yield Look(planned_for=planned, at=step.at)
        planned = _time(step.inputs.get("until", "")) if step.verdict == "deferred" else None


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# ---- what came out ------------------------------------------------------------------------------------------


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One trigger that these settings decide otherwise."""

    reference: str
    flow: str
    triggered_at: datetime
    then: Rule
    would: Rule


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """How often a rule decided, and would have decided."""

    verdict: Verdict
    rule: Rule
    then: int
    would: int


class FlowRow(msgspec.Struct, frozen=True, kw_only=True):
    """How many were asked of the triggers of one flow, and would have been."""

    flow: str
    triggers: int
    asked_then: int
    asked_would: int


class SimulationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What happened beside what would have; the shares are of all triggers, null where there are none."""

    since: datetime
    until: datetime
    triggers: int
    asked_then: int
    asked_would: int
    share_then: float | None
    share_would: float | None
    #: the commonest first
    rules: tuple[RuleRow, ...]
    flows: tuple[FlowRow, ...]
    newly_asked: int
    no_longer_asked: int
    #: the first of each
    newly_asked_examples: tuple[Difference, ...]
    no_longer_asked_examples: tuple[Difference, ...]


class Tally:
    """Counts what a simulation gives, one trigger after the other."""

    def __init__(self) -> None:
        self._then: Counter[tuple[Verdict, Rule]] = Counter()
        self._would: Counter[tuple[Verdict, Rule]] = Counter()
        self._flows: dict[str, Counter[str]] = {}
        self._newly: list[Difference] = []
        self._no_longer: list[Difference] = []
        self._counts = Counter[str]()

    def add(self, simulated: Simulated) -> None:
        trigger = simulated.trigger
        self._then[trigger.verdict, trigger.rule] += 1
        self._would[simulated.verdict, simulated.rule] += 1
        was, would = trigger.verdict == "asked", simulated.verdict == "asked"
        flow = self._flows.setdefault(trigger.flow, Counter())
        for counted in (flow, self._counts):
            counted.update(triggers=1, then=int(was), would=int(would), newly=int(would > was), gone=int(was > would))
        if was != would:
            found = Difference(
                reference=trigger.reference,
                flow=trigger.flow,
                triggered_at=trigger.occasion.at,
                then=trigger.rule,
                would=simulated.rule,
            )
            (self._newly if would else self._no_longer).append(found)
            # deciding is not in the order of the triggers, but the first that are decided are among the first
            del self._newly[EXAMPLES:], self._no_longer[EXAMPLES:]

    def report(self, since: datetime, until: datetime) -> SimulationReport:
        total = self._counts
        n = total["triggers"]
        rules = sorted(
            self._then.keys() | self._would.keys(), key=lambda each: (-self._then[each] - self._would[each], each)
        )
        return SimulationReport(
            since=since,
            until=until,
            triggers=n,
            asked_then=total["then"],
            asked_would=total["would"],
            share_then=total["then"] / n if n else None,
            share_would=total["would"] / n if n else None,
            rules=tuple(
                RuleRow(verdict=each[0], rule=each[1], then=self._then[each], would=self._would[each]) for each in rules
            ),
            flows=tuple(
                FlowRow(flow=name, triggers=flow["triggers"], asked_then=flow["then"], asked_would=flow["would"])
                for name, flow in sorted(self._flows.items())
            ),
            newly_asked=total["newly"],
            no_longer_asked=total["gone"],
            newly_asked_examples=tuple(self._newly),
            no_longer_asked_examples=tuple(self._no_longer),
        )


# ---- in words -----------------------------------------------------------------------------------------------


def simulation_text(report: SimulationReport) -> str:
    """The report as plain text; times are UTC."""
    return "\n".join(_lines(report))


def _lines(report: SimulationReport) -> Iterator[str]:
    span = f"{_moment(report.since)} to {_moment(report.until)} UTC"
    if not report.triggers:
        yield f"Nothing was told from {span} that could have led to a question."
        return
    yield f"{report.triggers:,} trigger{'s' if report.triggers != 1 else ''} from {span}"
    yield f"asked then: {_share(report.asked_then, report.share_then)}"
    yield f"would be asked: {_share(report.asked_would, report.share_would)}"
    yield ""
    rules = [
        (row.verdict, row.rule, f"{row.then:,}", f"{row.would:,}", f"{row.would - row.then:+,}") for row in report.rules
    ]
    yield table(("verdict", "rule", "then", "would", "difference"), rules)
    yield ""
    flows = [(row.flow, f"{row.triggers:,}", f"{row.asked_then:,}", f"{row.asked_would:,}") for row in report.flows]
    yield table(("flow", "triggers", "asked then", "would be asked"), flows)
    yield ""
    yield f"newly asked: {report.newly_asked:,}"
    yield from map(_difference, report.newly_asked_examples)
    yield f"no longer asked: {report.no_longer_asked:,}"
    yield from map(_difference, report.no_longer_asked_examples)


def _difference(found: Difference) -> str:
    return (
        f"  {_moment(found.triggered_at)}  {shown(found.reference)} ({shown(found.flow)}): "
        f"{found.then} -> {found.would}"
    )


def _share(n: int, share: float | None) -> str:
    return f"{n:,}" if share is None else f"{n:,} ({100 * share:.1f} %)"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
