"""What may be shown of an estimate: the small-n rule in one place, rounded last."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, assert_never

from bot.scoring.estimates import COUNTS_ONLY_BELOW, LOW_BASE_BELOW, Estimate, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Displayed:
    """An estimate as people may see it.

    n = 0 shows nothing (and never 0); 1 to 9 answers only how many they are; 10 to 29 value and interval with the
    tag "low base"; 30 and more everything.
    """

    #: rounded for reading: "+39", "85%", "4.07"; None where n is too small for a figure
    value: str | None
    #: both ends, rounded like the value; None also where the estimate has none
    interval: tuple[str, str] | None
    n: int
    skipped: int
    tag: Literal["no data", "counts only", "low base"] | None
    #: whether an arrow, a rank or an alert may be based on it
    comparable: bool

    @property
    def text(self) -> str:
        """One line for a table or a terminal.

        >>> from bot.scoring.estimates import proportion
        >>> display(proportion(85, 100)).text, display(proportion(5, 5)).text, display(proportion(0, 0)).text
        ('85% [77%, 91%] n=100', 'n=5', 'no answers')
        """
        if self.n == 0:
            return "no answers"
        base = f"n={self.n}" if self.tag != "low base" else f"n={self.n}, low base"
        if self.value is None:
            return base
        if self.interval is None:
            return f"{self.value} {base}"
        return f"{self.value} [{self.interval[0]}, {self.interval[1]}] {base}"


def display(estimate: Estimate) -> Displayed:
    """What may be shown of `estimate`: NPS in signed whole points, shares in whole percent, means with two decimals,
    durations with their two largest units.

    >>> from bot.scoring.counts import ScoreCounts
    >>> from bot.scoring.estimates import nps
    >>> display(nps(ScoreCounts({10: 8, 7: 9, 2: 1})).score).text
    '+39 [+7, +60] n=18, low base'
    """
    tag: Literal["no data", "counts only", "low base"] | None = None
    if estimate.n == 0:
        tag = "no data"
    elif estimate.n < COUNTS_ONLY_BELOW:
        tag = "counts only"
    elif estimate.n < LOW_BASE_BELOW:
        tag = "low base"
    shown = estimate.n >= COUNTS_ONLY_BELOW
    interval = estimate.interval
    return Displayed(
        value=worded(estimate.value, estimate.unit) if shown and estimate.value is not None else None,
        interval=(worded(interval.low, estimate.unit), worded(interval.high, estimate.unit))
        if shown and interval is not None
        else None,
        n=estimate.n,
        skipped=estimate.skipped,
        tag=tag,
        comparable=estimate.n >= LOW_BASE_BELOW,
    )


def worded(value: float, unit: Unit) -> str:
    """A value rounded for reading, halves away from zero.

    >>> worded(.125, "points"), worded(-.004, "points"), worded(.855, "percent"), worded(4.075, "score")
    ('+13', '0', '86%', '4.08')
    >>> worded(12000, "seconds")
    '3 h 20 min'
    """
    match unit:
        case "points":
            points = _hundredths(value)
            return f"{points:+d}" if points else "0"
        case "percent":
            return f"{_hundredths(value)}%"
        case "score":
            return f"{_hundredths(value) / 100:.2f}"
        case "seconds":
            return duration(value)
        case _:
            assert_never(unit)


def duration(seconds: float) -> str:
    """A duration with its two largest units, rounded to the smaller one.

    >>> duration(0), duration(59.6), duration(3599), duration(3 * 3600 + 20 * 60), duration(2.2 * 86400)
    ('0 s', '1 min', '1 h', '3 h 20 min', '2 d 5 h')
    """
    whole = math.floor(seconds + 0.5)
    # Minutes from a quarter of an hour on, hours from a day on: more digits than anybody reads would only be noise.
    if whole >= 86400:
        whole = (whole + 1800) // 3600 * 3600
    elif whole >= 900:
        whole = (whole + 30) // 60 * 60
    sizes = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    parts = []
    for size, name in sizes:
        number, whole = divmod(whole, size)
        parts.append((number, name))
    said = [f"{number} {name}" for number, name in parts if number]
    return " ".join(said[:2]) or "0 s"


def _hundredths(value: float) -> int:
    # 29/200 is stored a hair under .145: without the inner rounding it would show as 14, and 13/200 as 7.
    magnitude = math.floor(round(abs(value) * 100, 9) + 0.5)
    return magnitude if value >= 0 else -magnitude
