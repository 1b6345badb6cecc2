"""From rounds to the figures that are printed: medians over rounds, and ratios to the bare handler. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median

import msgspec

from benchmarks.rounds import Round


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One contender's medians over its rounds."""

    name: str
    title: str
    surveys_per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    #: seconds of the bot's process, all threads
    cpu_per_1000: float
    exchanges_per_survey: float
    #: share of the time that the customers' and services' process was busy; near 1 it was the limit
    driver_busy: float
    #: surveys a second of each round, in order
    rounds: list[float]


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """A contender against a bare handler: above 1 it does more surveys a second, or takes more processor time."""

    name: str
    against: str
    surveys_per_second: float
    cpu: float
    p95: float


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5), percentile([1.0, 2.0, 3.0, 4.0], 0.99)
    (2.0, 4.0)
    """
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def figures(name: str, title: str, rounds: Sequence[Round]) -> Figures:
    def ms(share: float) -> float:
        return median(percentile(each.latencies, share) * 1000 for each in rounds)

    speeds = [each.surveys / each.seconds for each in rounds]
    return Figures(
        name=name,
        title=title,
        surveys_per_second=median(speeds),
        p50_ms=ms(0.50),
        p95_ms=ms(0.95),
        p99_ms=ms(0.99),
        cpu_per_1000=median(each.cpu / each.surveys * 1000 for each in rounds),
        exchanges_per_survey=median(each.exchanges / each.surveys for each in rounds),
        driver_busy=median(each.own_cpu / each.seconds for each in rounds),
        rounds=speeds,
    )


def ratios(all_figures: Sequence[Figures], bare: Sequence[str]) -> list[Ratio]:
    """Every other contender against each bare one."""
    return [
        Ratio(
            name=each.title,
            against=base.title,
            surveys_per_second=each.surveys_per_second / base.surveys_per_second,
            cpu=each.cpu_per_1000 / base.cpu_per_1000,
            p95=each.p95_ms / base.p95_ms,
        )
        for each in all_figures
        if each.name not in bare
        for base in all_figures
        if base.name in bare
    ]


def as_text(all_figures: Sequence[Figures], all_ratios: Sequence[Ratio], facts: Mapping[str, str]) -> str:
    """The facts, a Markdown table, and a line for each ratio."""
    head = (
        "bot",
        "surveys/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "CPU s per 1,000",
        "HTTP exchanges",
        "driver busy",
        "rounds",
    )
    rows = [
        (
            each.title,
            f"{each.surveys_per_second:.0f}",
            f"{each.p50_ms:.1f}",
            f"{each.p95_ms:.1f}",
            f"{each.p99_ms:.1f}",
            f"{each.cpu_per_1000:.2f}",
            f"{each.exchanges_per_survey:.2f}",
            f"{each.driver_busy:.0%}",
            " ".join(f"{speed:.0f}" for speed in each.rounds),
        )
        for each in all_figures
    ]
    lines = [f"{name}: {fact}" for name, fact in facts.items()] + ["", *_table(head, rows), ""]
    lines += [
        f"{each.name} against {each.against}: {each.surveys_per_second:.2f} times the surveys per second, "
        f"{each.cpu:.2f} times the CPU, {each.p95:.2f} times the p95"
        for each in all_ratios
    ]
    return "\n".join(lines).rstrip()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        aligned = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        return f"| {' | '.join(aligned)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [line(head), line(rule), *(line(row) for row in rows)]
