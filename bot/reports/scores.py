"""Count rows -> the figures that people read: one row per flow structure, question and metric. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, assert_never

import msgspec

from bot.conversations.flow import PinnedFlow
from bot.conversations.questions import Rating, ScaleName, in_locale, scale_of
from bot.ports import CountRow
from bot.reports.figures import ReportInterval, interval_of, table
from bot.scoring.counts import ScoreCounts
from bot.scoring.display import display
from bot.scoring.estimates import Estimate, ces, csat, nps, thumbs

MetricName = Literal["nps", "csat", "csat mean", "ces", "ces mean", "thumbs up"]


#: flow id, structure, question, value of the dimension
_Key = tuple[str, str, str, str]


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. Shares are in [0, 1], NPS in [-1, 1], means on the scale; ``display`` is the rounded text.

    ``current`` is False for an earlier structure of the flow (questions, scales or conditions were changed since):
    its answers are not mixed with the others.
    """

    flow: str
    title: str
    structure: str
    current: bool
    question: str
    metric: MetricName
    dimension: str
    dimension_value: str
    n: int
    skipped: int
    value: float | None
    interval: ReportInterval | None
    flags: tuple[str, ...]
    display: str
    #: (score, how many) for every score of the scale
    distribution: tuple[tuple[int, int], ...]


def make_report(
    rows: Iterable[CountRow],
    current: Sequence[PinnedFlow],
    versions: Mapping[str, PinnedFlow],
    *,
    dimension: str = "all",
    confidence: float = 0.95,
    locale: str = "en",
) -> list[ReportRow]:
    """The figures of count rows of one dimension, current flows first, in the order of the file.

    A current flow without any answer has its rows too, with n = 0. ``versions`` gives a flow version of a structure.
    """
    counts: dict[_Key, ScoreCounts] = defaultdict(ScoreCounts)
    scales: dict[tuple[str, str], ScaleName] = {}
    for pinned in current:
        for asked in pinned.flow.questions:
            if isinstance(asked, Rating):
                scales[pinned.structure, asked.id] = asked.scale
                if dimension == "all":
                    counts[pinned.flow.id, pinned.structure, asked.id, ""] = ScoreCounts()
    for row in rows:
        group = counts[row.flow_id, row.structure, row.question, row.value]
        scales[row.structure, row.question] = row.scale
        if row.score is None:
            group.skip(row.n)
        else:
            group.add(row.score, row.n)
    known = {pinned.structure: pinned for pinned in current}
    order = {pinned.flow.id: place for place, pinned in enumerate(current)}
    report: list[ReportRow] = []
    for key in sorted(counts, key=lambda key: (order.get(key[0], len(order)), key[1] not in known, key)):
        flow_id, structure, question, value = key
        version = known.get(structure) or versions.get(structure)
        title = flow_id if version is None else in_locale(version.flow.title, locale, version.flow.locale)
        rating = _rating(version, question)
        for metric, estimate, distribution in _figures(counts[key], scales[structure, question], rating, confidence):
            report.append(
                ReportRow(
                    flow=flow_id,
                    title=title,
                    structure=structure,
                    current=structure in known,
                    question=question,
                    metric=metric,
                    dimension=dimension,
                    dimension_value=value,
                    n=estimate.n,
                    skipped=estimate.skipped,
                    value=estimate.value,
                    interval=interval_of(estimate),
                    flags=tuple(estimate.flags),
                    display=display(estimate).text,
                    distribution=distribution,
                )
            )
    return report


def _rating(version: PinnedFlow | None, question: str) -> Rating | None:
    found = None if version is None else version.flow.question(question)
    return found if isinstance(found, Rating) else None


def _figures(
    counts: ScoreCounts, scale: ScaleName, rating: Rating | None, confidence: float
) -> list[tuple[MetricName, Estimate, tuple[tuple[int, int], ...]]]:
    match scale:
        case "nps":
            result = nps(counts, confidence=confidence)
            return [("nps", result.score, result.distribution)]
        case "csat5" | "csat10":
            read_on = scale_of(rating or Rating(id="", text={}, scale=scale))
            satisfied = csat(counts, read_on, confidence=confidence)
            return [
                ("csat", satisfied.top, satisfied.distribution),
                ("csat mean", satisfied.mean, satisfied.distribution),
            ]
        case "ces7":
            effort = ces(counts, confidence=confidence)
            return [("ces", effort.easy, effort.distribution), ("ces mean", effort.mean, effort.distribution)]
        case "thumbs":
            good = thumbs(counts, confidence=confidence)
            return [("thumbs up", good.good, good.distribution)]
        case _:
            assert_never(scale)


def as_table(rows: Sequence[ReportRow]) -> str:
    """The report as plain text, for a terminal.

    >>> print(as_table([]))
    No flows and no answers.
    """
    if not rows:
        return "No flows and no answers."
    heads = ("flow", "question", "metric", "by", "figure", "skipped")
    lines = []
    for row in rows:
        flow = row.flow if row.current else f"{row.flow} (earlier version {row.structure[:6]})"
        by = "" if row.dimension == "all" else f"{row.dimension}={row.dimension_value or '-'}"
        lines.append((flow, row.question, row.metric, by, row.display, str(row.skipped)))
    return table(heads, lines)
