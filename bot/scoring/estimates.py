"""Metrics with their uncertainty: NPS, CSAT, CES and thumbs from score counts.

All of it is computed at any n and flagged; hiding what too few answers cannot carry is the work of `display`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, assert_never

from bot.scoring.counts import ScoreCounts, Split, check_on_scale, split
from bot.scoring.distributions import two_sided_t, two_sided_z
from bot.scoring.scales import CES_1_7, CSAT_1_5, NPS_0_10, THUMBS_0_1, Scale, ScoreError

#: below this many answers only their counts may be shown
COUNTS_ONLY_BELOW = 10
#: below this many answers a figure carries the tag "low base", and no arrow, rank or alert
LOW_BASE_BELOW = 30

NpsMethod = Literal["adjusted_wald", "score", "wald"]
Method = Literal["adjusted_wald", "score", "wald", "wilson", "t", "newcombe", "welch", "worst_case", "order_statistics"]
#: no_data: n = 0. counts_only: n < 10. low_base: n < 30. degenerate: all answers agree, so their spread is unknown.
Flag = Literal["no_data", "counts_only", "low_base", "degenerate"]
#: how a value reads: points (NPS), percent (a share), score (a mean on the question's scale), seconds (a duration)
Unit = Literal["points", "percent", "score", "seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A two-sided confidence interval in the unit of its value.

    >>> Interval(low=.1, high=.3, confidence=.95, method="wilson").holds(.2)
    True
    """

    low: float
    high: float
    confidence: float
    method: Method

    def holds(self, value: float) -> bool:
        """Whether `value` lies inside, the ends included."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One metric's value with what is needed to judge it; `value` is None without answers, never 0."""

    unit: Unit
    #: unrounded; NPS in [-1, 1], shares in [0, 1], means in scores, durations in seconds
    value: float | None
    n: int
    #: standard error of `value`; None where one answer or none cannot tell
    se: float | None
    #: None without answers, for a mean whose answers are all equal, and for a median of too few durations
    interval: Interval | None
    skipped: int = 0
    #: answers that an equally precise unweighted sample would have; None for unweighted figures
    n_eff: float | None = None
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NpsResult:
    """Net Promoter Score with the three groups it is made of."""

    score: Estimate
    promoters: int
    passives: int
    detractors: int
    #: (score, count) of every score on the scale
    distribution: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsatResult:
    """Customer satisfaction; a mean can rise while the satisfied share falls, so the distribution goes with both."""

    #: share of positive scores ("top-2" on 1-5), Wilson
    top: Estimate
    #: mean score with the good end high, t
    mean: Estimate
    distribution: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CesResult:
    """Customer effort, told as ease: high is easy whichever way the question was worded."""

    #: share of positive scores (5-7 of 7), Wilson
    easy: Estimate
    #: mean score with the easy end high, t
    mean: Estimate
    #: scores as they were answered, not reversed
    distribution: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThumbsResult:
    """Thumbs up and down."""

    #: share of thumbs up, Wilson
    good: Estimate
    distribution: tuple[tuple[int, int], ...]


def nps(counts: ScoreCounts, *, confidence: float = 0.95, method: NpsMethod = "adjusted_wald") -> NpsResult:
    """Share of 9-10 minus share of 0-6, in [-1, 1]; value None at n = 0, +1, 0 or -1 at n = 1.

    se = sqrt(((p + d)/n - value^2) / n). Intervals: adjusted_wald adds 3/4, 3/2 and 3/4 pseudo-answers (Rocks 2016);
    score inverts the score test (Tango 1998), the better choice when all agree or n < 10; wald is for comparison
    with other programs and has no width when all agree. The interval is clipped to [-1, 1] and holds the value.
    Raises ScoreError for answers off 0-10.

    >>> result = nps(ScoreCounts({10: 8, 7: 9, 2: 1}))
    >>> round(100 * result.score.value)
    39
    """
    groups = split(counts, NPS_0_10)
    return NpsResult(
        score=_nps_estimate(groups, counts.skipped, confidence, method),
        promoters=groups.positive,
        passives=groups.neutral,
        detractors=groups.negative,
        distribution=counts.distribution(NPS_0_10),
    )


def csat(counts: ScoreCounts, scale: Scale = CSAT_1_5, *, confidence: float = 0.95) -> CsatResult:
    """Satisfied answers as a share of all answers, and the mean; values None at n = 0, mean without se at n = 1.

    top = positive/n with the Wilson interval, neutral answers in the base; mean with s (n - 1) and Student's t.
    Raises ScoreError for answers off the scale.

    >>> result = csat(ScoreCounts({5: 60, 4: 36, 3: 10, 1: 14}))
    >>> result.top.value, round(result.mean.value, 2)
    (0.8, 4.07)
    """
    return CsatResult(
        top=share_estimate(counts, scale, confidence=confidence),
        mean=mean_estimate(counts, scale, confidence=confidence),
        distribution=counts.distribution(scale),
    )


def ces(counts: ScoreCounts, scale: Scale = CES_1_7, *, confidence: float = 0.95) -> CesResult:
    """Share of easy answers and mean ease, as for csat; CES_1_7.mirrored() is for "how much effort?" wording.

    >>> asked_for_effort = ScoreCounts({1: 3, 7: 1})
    >>> result = ces(asked_for_effort, CES_1_7.mirrored())
    >>> result.easy.value, result.mean.value
    (0.75, 5.5)
    """
    return CesResult(
        easy=share_estimate(counts, scale, confidence=confidence),
        mean=mean_estimate(counts, scale, confidence=confidence),
        distribution=counts.distribution(scale),
    )


def thumbs(counts: ScoreCounts, *, confidence: float = 0.95) -> ThumbsResult:
    """Share of thumbs up; value None at n = 0.

    >>> thumbs(ScoreCounts({1: 3, 0: 1})).good.value
    0.75
    """
    return ThumbsResult(
        good=share_estimate(counts, THUMBS_0_1, confidence=confidence), distribution=counts.distribution(THUMBS_0_1)
    )


def share_estimate(counts: ScoreCounts, scale: Scale, *, confidence: float = 0.95) -> Estimate:
    """The share of positive answers with the Wilson interval."""
    return proportion(split(counts, scale).positive, counts.n, skipped=counts.skipped, confidence=confidence)


def proportion(x: int, n: int, *, skipped: int = 0, confidence: float = 0.95) -> Estimate:
    """`x` of `n` as a share with the Wilson interval (Wilson 1927); value None at n = 0.

    Raises ScoreError unless 0 <= x <= n.

    >>> interval = proportion(13, 16).interval
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.57, 0.934)
    """
    if not 0 <= x <= n:
        raise ScoreError(f"{x} of {n} is no share")
    if n == 0:
        return _no_data("percent", skipped)
    return Estimate(
        unit="percent",
        value=x / n,
        n=n,
        # Integers first: x/n - (x/n)^2 would lose the digits that matter near 0 and 1.
        se=math.sqrt(x * (n - x) / n**3),
        interval=wilson(x, n, confidence),
        skipped=skipped,
        flags=flags_of(n, degenerate=x in (0, n)),
    )


def mean_estimate(counts: ScoreCounts, scale: Scale, *, confidence: float = 0.95) -> Estimate:
    """The mean score, good end high, with the t interval; no interval when n = 1 or all answers are equal.

    A scale with high_is_good False is read from its other end (low + high - score), so that up is always better.
    """
    check_on_scale(counts, scale)
    n = counts.n
    if n == 0:
        return _no_data("score", counts.skipped)
    total, spread = moments(counts)
    mean = (total if scale.high_is_good else n * (scale.low + scale.high) - total) / n
    se = math.sqrt(spread / (n * n * (n - 1))) if n > 1 else None
    return Estimate(
        unit="score",
        value=mean,
        n=n,
        se=se,
        interval=_t_interval(mean, se, n, scale, confidence) if se else None,
        skipped=counts.skipped,
        flags=flags_of(n, degenerate=spread == 0),
    )


def moments(counts: ScoreCounts) -> tuple[int, int]:
    """The sum of scores and n times their summed squared deviations, both exact.

    In whole numbers nothing cancels, even for scores near 1e9 or 1e12 answers.
    """
    n = counts.n
    total = sum(score * count for score, count in counts.items())
    squares = sum(score * score * count for score, count in counts.items())
    return total, n * squares - total * total


def adjusted_nps(groups: Split) -> tuple[float, float]:
    """NPS and its standard error with 3/4, 3/2 and 3/4 pseudo-answers, the basis of intervals and comparisons."""
    n = groups.n + 3
    value = (groups.positive - groups.negative) / n
    variance = (groups.positive + groups.negative + 1.5) / n - value * value
    return value, math.sqrt(variance / n)


def wilson(x: int, n: int, confidence: float) -> Interval:
    """The Wilson interval of `x` of `n` > 0, which holds x/n and stays in [0, 1]."""
    z2 = two_sided_z(confidence) ** 2
    share = x / n
    centre = (x + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (x * (n - x) / n + z2 / 4)) / (n + z2)
    return held(share, centre - half, centre + half, limits=(0.0, 1.0), confidence=confidence, method="wilson")


def held(
    value: float, low: float, high: float, *, limits: tuple[float, float], confidence: float, method: Method
) -> Interval:
    """An interval widened to hold its value and clipped to what the metric can be."""
    return Interval(
        low=max(limits[0], min(low, value)),
        high=min(limits[1], max(high, value)),
        confidence=confidence,
        method=method,
    )


def flags_of(n: int, *, degenerate: bool) -> tuple[Flag, ...]:
    """The small-n flags of a figure made of `n` answers."""
    if n == 0:
        return ("no_data",)
    size: tuple[Flag, ...] = ()
    if n < COUNTS_ONLY_BELOW:
        size = ("counts_only",)
    elif n < LOW_BASE_BELOW:
        size = ("low_base",)
    return (*size, "degenerate") if degenerate else size


def _no_data(unit: Unit, skipped: int) -> Estimate:
    return Estimate(
        unit=unit, value=None, n=0, se=None, interval=None, skipped=skipped, flags=flags_of(0, degenerate=False)
    )


def _nps_estimate(groups: Split, skipped: int, confidence: float, method: NpsMethod) -> Estimate:
    n, net = groups.n, groups.positive - groups.negative
    if n == 0:
        return _no_data("points", skipped)
    scaled_variance = (groups.positive + groups.negative) * n - net * net
    se = math.sqrt(scaled_variance / n**3)
    low, high = _nps_bounds(groups, se, two_sided_z(confidence), method)
    return Estimate(
        unit="points",
        value=net / n,
        n=n,
        se=se,
        interval=held(net / n, low, high, limits=(-1.0, 1.0), confidence=confidence, method=method),
        skipped=skipped,
        flags=flags_of(n, degenerate=scaled_variance == 0),
    )


def _nps_bounds(groups: Split, se: float, z: float, method: NpsMethod) -> tuple[float, float]:
    match method:
        case "adjusted_wald":
            value, adjusted_se = adjusted_nps(groups)
            return value - z * adjusted_se, value + z * adjusted_se
        case "score":
            return _score_bound(groups, z, -1.0), _score_bound(groups, z, 1.0)
        case "wald":
            value = (groups.positive - groups.negative) / groups.n
            return value - z * se, value + z * se
        case _:
            assert_never(method)


def _score_bound(groups: Split, z: float, end: float) -> float:
    """The NPS between the observed one and `end` (-1 or 1) where the score test just rejects, by bisection."""
    inside, outside = (groups.positive - groups.negative) / groups.n, end
    observed = inside
    for _ in range(100):
        middle = (inside + outside) / 2
        if middle in (inside, outside):
            break
        # Both sides squared and multiplied out, because the variance is 0 at the ends.
        if groups.n * (observed - middle) ** 2 <= z * z * _score_variance(groups, middle):
            inside = middle
        else:
            outside = middle
    return inside


def _score_variance(groups: Split, x: float) -> float:
    """The variance of one answer if the true NPS were `x`, at the likeliest detractor share q."""
    a = 2 * groups.n
    b = x * (a - groups.positive + groups.negative) - (groups.positive + groups.negative)
    c = -groups.negative * x * (1 - x)
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    q = (root - b) / (2 * a)
    return max(0.0, 2 * q + x * (1 - x))


def _t_interval(mean: float, se: float, n: int, scale: Scale, confidence: float) -> Interval:
    half = two_sided_t(confidence, n - 1) * se
    limits = (float(scale.low), float(scale.high))
    return held(mean, mean - half, mean + half, limits=limits, confidence=confidence, method="t")
