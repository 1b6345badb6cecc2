"""Whether a metric changed between two groups or periods, and how much would have been noticed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from bot.scoring.counts import ScoreCounts, Split, split
from bot.scoring.distributions import normal_p, normal_quantile, t_p, two_sided_t, two_sided_z
from bot.scoring.estimates import (
    LOW_BASE_BELOW,
    Estimate,
    Flag,
    Interval,
    adjusted_nps,
    flags_of,
    held,
    mean_estimate,
    nps,
    share_estimate,
    wilson,
)
from bot.scoring.scales import CES_1_7, CSAT_1_5, NPS_0_10, THUMBS_0_1, Scale, ScoreError

#: the chance to notice a true difference of the size that `Comparison.detectable` names
POWER = 0.8

Kind = Literal["nps", "csat", "csat_mean", "ces", "ces_mean", "thumbs"]
Verdict = Literal["up", "down", "no clear change"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`b` against `a`; everything that needs both is None when either has no answers."""

    kind: Kind
    a: Estimate
    b: Estimate
    #: b minus a as observed, in the unit of the estimates
    diff: float | None
    interval: Interval | None
    #: two-sided; None also where equal answers leave nothing to test with
    p: float | None
    #: up or down only where the interval excludes 0; the figure's direction, and up is better for every kind
    verdict: Verdict
    #: the smallest true difference noticed with 80% power at these n; None if no difference on this scale would be
    detectable: float | None
    #: the small-n flags of the smaller side, "degenerate" where a side's answers all agree
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    diff: float
    interval: Interval | None
    p: float | None
    se: float | None


def compare(
    a: ScoreCounts, b: ScoreCounts, kind: Kind, *, scale: Scale | None = None, confidence: float = 0.95
) -> Comparison:
    """The change from `a` to `b`; overlapping intervals of two figures are no test, this is.

    nps: z on adjusted-Wald values and errors (Lewis and Sauro 2021). csat, ces, thumbs: Newcombe's hybrid interval
    (1998) with the pooled z test. csat_mean, ces_mean: Welch. `scale` replaces the kind's own (CSAT 1-5, CES 1-7);
    raises ScoreError for an NPS or thumbs scale of another shape and for answers off the scale.

    >>> before, after = ScoreCounts({10: 500, 7: 300, 0: 200}), ScoreCounts({10: 400, 7: 300, 0: 300})
    >>> change = compare(before, after, "nps")
    >>> round(change.diff, 2), change.verdict
    (-0.2, 'down')
    """
    used = _scale_of(kind, scale)
    before, after = (_estimate(counts, kind, used, confidence) for counts in (a, b))
    flags = _flags(before, after)
    if before.n == 0 or after.n == 0:
        return Comparison(
            kind=kind, a=before, b=after, diff=None, interval=None, p=None,
            verdict="no clear change", detectable=None, flags=flags,
        )  # fmt: skip
    test = _test(a, b, kind, used, confidence)
    return Comparison(
        kind=kind,
        a=before,
        b=after,
        diff=test.diff,
        interval=test.interval,
        p=test.p,
        verdict=_verdict(test.interval),
        detectable=_detectable(test.se, confidence, _span(kind, used)),
        flags=flags,
    )


def arrow(comparison: Comparison, *, adjusted_p: float | None = None) -> Literal["up", "down"] | None:
    """The arrow that may be drawn: a clear change, at least 30 answers on both sides, and significant after `adjust`.

    Among several comparisons shown together pass the p-value that `adjust` gave to this one.
    """
    if comparison.verdict == "no clear change" or comparison.interval is None:
        return None
    if min(comparison.a.n, comparison.b.n) < LOW_BASE_BELOW:
        return None
    # A hair of room, because 1 - .95 is a little more than .05 in binary.
    if adjusted_p is not None and adjusted_p >= round(1 - comparison.interval.confidence, 12):
        return None
    return comparison.verdict


def adjust(pvalues: Sequence[float], method: Literal["holm", "bh"] = "holm") -> list[float]:
    """P-values corrected for having made several comparisons, in the given order.

    holm (1979) for up to about ten segments, bh (Benjamini and Hochberg 1995) beyond.

    >>> [round(p, 3) for p in adjust([.01, .04, .03])]
    [0.03, 0.06, 0.06]
    """
    for p in pvalues:
        if not 0 <= p <= 1:
            raise ScoreError(f"{p} is no p-value")
    match method:
        case "holm":
            return _holm(pvalues)
        case "bh":
            return _benjamini_hochberg(pvalues)
        case _:
            assert_never(method)


def _holm(pvalues: Sequence[float]) -> list[float]:
    adjusted = [0.0] * len(pvalues)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(pvalues)), key=pvalues.__getitem__)):
        highest = max(highest, min(1.0, (len(pvalues) - rank) * pvalues[i]))
        adjusted[i] = highest
    return adjusted


def _benjamini_hochberg(pvalues: Sequence[float]) -> list[float]:
    adjusted = [0.0] * len(pvalues)
    lowest = 1.0
    ranked = sorted(range(len(pvalues)), key=pvalues.__getitem__)
    for rank, i in reversed(list(enumerate(ranked, start=1))):
        lowest = min(lowest, pvalues[i] * len(pvalues) / rank)
        adjusted[i] = lowest
    return adjusted


def _scale_of(kind: Kind, scale: Scale | None) -> Scale:
    match kind:
        case "nps":
            fixed = NPS_0_10
        case "thumbs":
            fixed = THUMBS_0_1
        case "csat" | "csat_mean":
            return scale or CSAT_1_5
        case "ces" | "ces_mean":
            return scale or CES_1_7
        case _:
            assert_never(kind)
    if scale not in (None, fixed):
        raise ScoreError(f"{kind} has a scale of its own, {fixed.low}-{fixed.high}")
    return fixed


def _span(kind: Kind, scale: Scale) -> float:
    match kind:
        case "nps":
            return 2.0
        case "csat" | "ces" | "thumbs":
            return 1.0
        case "csat_mean" | "ces_mean":
            return float(scale.high - scale.low)
        case _:
            assert_never(kind)


def _estimate(counts: ScoreCounts, kind: Kind, scale: Scale, confidence: float) -> Estimate:
    match kind:
        case "nps":
            return nps(counts, confidence=confidence).score
        case "csat" | "ces" | "thumbs":
            return share_estimate(counts, scale, confidence=confidence)
        case "csat_mean" | "ces_mean":
            return mean_estimate(counts, scale, confidence=confidence)
        case _:
            assert_never(kind)


def _test(a: ScoreCounts, b: ScoreCounts, kind: Kind, scale: Scale, confidence: float) -> _Test:
    match kind:
        case "nps":
            return _nps_test(split(a, scale), split(b, scale), confidence)
        case "csat" | "ces" | "thumbs":
            return _share_test(split(a, scale), split(b, scale), confidence)
        case "csat_mean" | "ces_mean":
            return _mean_test(
                mean_estimate(a, scale, confidence=confidence), mean_estimate(b, scale, confidence=confidence),
                _span(kind, scale), confidence,
            )  # fmt: skip
        case _:
            assert_never(kind)


def _nps_test(a: Split, b: Split, confidence: float) -> _Test:
    (value_a, se_a), (value_b, se_b) = adjusted_nps(a), adjusted_nps(b)
    # The reader sees the observed values, so diff is theirs; the adjusted ones carry the interval and the test.
    diff = (b.positive - b.negative) / b.n - (a.positive - a.negative) / a.n
    se, centre = math.hypot(se_a, se_b), value_b - value_a
    half = two_sided_z(confidence) * se
    return _Test(
        diff=diff,
        interval=held(
            diff, centre - half, centre + half, limits=(-2.0, 2.0), confidence=confidence, method="adjusted_wald"
        ),
        p=normal_p(centre / se),
        se=se,
    )


def _share_test(a: Split, b: Split, confidence: float) -> _Test:
    share_a, share_b = a.positive / a.n, b.positive / b.n
    wilson_a, wilson_b = wilson(a.positive, a.n, confidence), wilson(b.positive, b.n, confidence)
    diff = share_b - share_a
    low = diff - math.hypot(share_b - wilson_b.low, wilson_a.high - share_a)
    high = diff + math.hypot(wilson_b.high - share_b, share_a - wilson_a.low)
    return _Test(
        diff=diff,
        interval=held(diff, low, high, limits=(-1.0, 1.0), confidence=confidence, method="newcombe"),
        p=_pooled_p(a, b),
        # With one pseudo-answer each way (Agresti and Caffo 2000): groups that agree fully still have an error.
        se=math.hypot(_padded_se(a), _padded_se(b)),
    )


def _pooled_p(a: Split, b: Split) -> float:
    positive, n = a.positive + b.positive, a.n + b.n
    if positive in (0, n):
        return 1.0
    variance = positive * (n - positive) / n / (a.n * b.n)
    return normal_p((b.positive / b.n - a.positive / a.n) / math.sqrt(variance))


def _padded_se(groups: Split) -> float:
    x, n = groups.positive + 1, groups.n + 2
    return math.sqrt(x * (n - x) / n**3)


def _mean_test(a: Estimate, b: Estimate, span: float, confidence: float) -> _Test:
    diff = (b.value or 0.0) - (a.value or 0.0)
    if a.se is None or b.se is None or not (a.se or b.se):
        return _Test(diff=diff, interval=None, p=None, se=None)
    se = math.hypot(a.se, b.se)
    # Shares of the variance keep Welch's formula from underflowing where both errors are tiny.
    share_a, share_b = (a.se / se) ** 2, (b.se / se) ** 2
    df = 1 / (share_a**2 / (a.n - 1) + share_b**2 / (b.n - 1))
    half = two_sided_t(confidence, df) * se
    interval = held(diff, diff - half, diff + half, limits=(-span, span), confidence=confidence, method="welch")
    return _Test(diff=diff, interval=interval, p=t_p(diff / se, df), se=se)


def _verdict(interval: Interval | None) -> Verdict:
    if interval is None or interval.holds(0.0):
        return "no clear change"
    return "up" if interval.low > 0 else "down"


def _detectable(se: float | None, confidence: float, span: float) -> float | None:
    if se is None:
        return None
    difference = (two_sided_z(confidence) + normal_quantile(POWER)) * se
    return difference if difference <= span else None


def _flags(a: Estimate, b: Estimate) -> tuple[Flag, ...]:
    return flags_of(min(a.n, b.n), degenerate="degenerate" in a.flags + b.flags)
