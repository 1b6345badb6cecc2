"""How long something takes: the median of durations with an interval that supposes no distribution.

Waiting times have a long tail, so a mean tells of the few worst ones; the median tells of the usual one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bot.scoring.distributions import two_sided_z
from bot.scoring.estimates import Estimate, Interval, flags_of
from bot.scoring.scales import ScoreError

#: a term smaller than this share of its sum changes no digit of it
_NEGLIGIBLE = 1e-18


def median(seconds: Sequence[float], *, confidence: float = 0.95) -> Estimate:
    """The median in seconds; value None at n = 0, no interval where so few durations cannot give one (n < 6 at 95%).

    The middle one of the sorted durations, or the mean of the middle two. Interval: the l-th smallest to the l-th
    largest with the largest l for which P(Bin(n, 1/2) < l) <= (1 - confidence)/2, so that it holds the true median at
    least that often whatever the distribution (Conover, Practical Nonparametric Statistics, 3rd ed. 1999, 3.2;
    Hahn and Meeker, Statistical Intervals, 1991, 5.2). Raises ScoreError for a negative or unending duration.

    >>> estimate = median([60, 30, 90, 600, 45, 120, 75])
    >>> estimate.value, estimate.n, estimate.interval.low, estimate.interval.high
    (75, 7, 30, 600)
    """
    if not all(0 <= each < math.inf for each in seconds):
        raise ScoreError("a duration is a number of seconds from 0 on")
    ordered, n = sorted(seconds), len(seconds)
    if n == 0:
        return Estimate(unit="seconds", value=None, n=0, se=None, interval=None, flags=flags_of(0, degenerate=False))
    middle = ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2
    rank = median_rank(n, confidence)
    return Estimate(
        unit="seconds",
        value=middle,
        n=n,
        se=None,
        interval=None
        if rank is None
        else Interval(low=ordered[rank - 1], high=ordered[n - rank], confidence=confidence, method="order_statistics"),
        flags=flags_of(n, degenerate=ordered[0] == ordered[-1]),
    )


def median_rank(n: int, confidence: float) -> int | None:
    """The l of the interval from the l-th smallest to the l-th largest of `n` values, from 1; None where there is none.

    >>> median_rank(5, .95), median_rank(6, .95), median_rank(100, .95)
    (None, 1, 40)
    """
    # The normal approximation is off by one or two at most; from there the exact tail decides.
    rank = max(0, round(n / 2 - two_sided_z(confidence) * math.sqrt(n) / 2) + 3)
    rank = min(rank, (n + 1) // 2)
    allowed = (1 - confidence) / 2
    while rank > 0 and _half_tail(rank - 1, n) > allowed:
        rank -= 1
    return rank or None


def _half_tail(k: int, n: int) -> float:
    """P(Bin(n, 1/2) <= k) for k < n/2, summed from its largest term down."""
    term = math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2))
    total = 0.0
    while term > total * _NEGLIGIBLE:
        total += term
        term *= k / (n - k + 1)
        k -= 1
    return total
