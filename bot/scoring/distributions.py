"""The normal and Student-t distributions, as far as intervals and tests need them."""

from __future__ import annotations

import math
from statistics import NormalDist

_NORMAL = NormalDist()
# Above these the series below are exact to rounding, and the iterative ways would only be slower.
_SERIES_QUANTILE_DF = 1_000.0
_SERIES_TAIL_DF = 1_000_000.0
_TINY = 1e-300
_EPSILON = 1e-16


def two_sided_z(confidence: float) -> float:
    """The normal quantile that leaves half of 1 - confidence above it; ValueError outside (0, 1).

    >>> round(two_sided_z(.95), 6)
    1.959964
    """
    return _NORMAL.inv_cdf(_upper_p(confidence))


def two_sided_t(confidence: float, df: float) -> float:
    """The Student-t quantile for a two-sided interval with `df` degrees of freedom, fractions allowed.

    >>> round(two_sided_t(.95, 10), 6)
    2.228139
    """
    return t_quantile(_upper_p(confidence), df)


def normal_quantile(p: float) -> float:
    """The z below which a share `p` of the standard normal lies; ValueError outside (0, 1)."""
    return _NORMAL.inv_cdf(p)


def normal_p(z: float) -> float:
    """The two-sided p-value of a z statistic.

    >>> round(normal_p(-1.96), 4)
    0.05
    """
    return math.erfc(abs(z) / math.sqrt(2))


def t_p(t: float, df: float) -> float:
    """The two-sided p-value of a t statistic."""
    return min(1.0, 2 * t_tail(abs(t), df))


def t_quantile(p: float, df: float) -> float:
    """The t below which a share `p` lies, to a relative 1e-9 for df >= 1; ValueError outside (0, 1) or df < 1.

    Newton's method climbs from the normal quantile, which lies below the answer; the tail is convex there, so no
    step can overshoot. From df = 1000 the Cornish-Fisher series (Abramowitz and Stegun 26.7.5).

    >>> round(t_quantile(.975, 1), 9)
    12.706204736
    """
    if not df >= 1:
        raise ValueError(f"{df} is too few degrees of freedom")
    z = _NORMAL.inv_cdf(p)
    if z < 0:
        return -_quantile_above(-z, p, df)
    return _quantile_above(z, 1 - p, df)


def _quantile_above(z: float, tail: float, df: float) -> float:
    """The t >= 0 with `tail` above it, where `z` is the normal quantile of the same tail."""
    if df >= _SERIES_QUANTILE_DF:
        return _cornish_fisher(z, df)
    t = z
    for _ in range(200):
        step = (t_tail(t, df) - tail) / _t_density(t, df)
        t += step
        if abs(step) <= 1e-14 * t:
            break
    return t


def t_tail(t: float, df: float) -> float:
    """The probability of a value above `t`, through the regularised incomplete beta function.

    >>> round(t_tail(2.228139, 10), 6)
    0.025
    """
    if t < 0:
        return 1 - t_tail(-t, df)
    if t == 0:
        return 0.5
    if df >= _SERIES_TAIL_DF:
        return _tail_series(t, df)
    ratio = t / df * t
    if math.isinf(ratio):
        return 0.0
    below, above = 1 / (1 + ratio), ratio / (1 + ratio)
    half = df / 2
    front = math.exp(-half * math.log1p(ratio) + math.log(above) / 2 - _log_beta_half(half))
    if below < (half + 1) / (half + 2.5):
        return front * _beta_fraction(half, 0.5, below) / half / 2
    return (1 - front * _beta_fraction(0.5, half, above) * 2) / 2


def _upper_p(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    return 1 - (1 - confidence) / 2


def _t_density(t: float, df: float) -> float:
    half = df / 2
    return math.exp(-(half + 0.5) * math.log1p(t / df * t) - math.log(df) / 2 - _log_beta_half(half))


def _log_beta_half(a: float) -> float:
    """ln B(a, 1/2)."""
    half_log_pi = math.log(math.pi) / 2
    if a < 50:
        return math.lgamma(a) + half_log_pi - math.lgamma(a + 0.5)
    # The two lgammas grow without bound while their difference does not: take the difference's own series.
    series = (1 / 8 - 1 / (192 * a * a)) / a
    return half_log_pi - math.log(a) / 2 + series


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method."""
    c, d = 1.0, _inverse(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = _inverse(1 + term * d)
            c = 1 + term / c or _TINY
            value *= c * d
        if abs(c * d - 1) <= 2 * _EPSILON:
            break
    return value


def _inverse(x: float) -> float:
    return 1 / (x or _TINY)


def _cornish_fisher(z: float, df: float) -> float:
    s = z * z
    terms = (
        z * (s + 1) / 4,
        z * ((5 * s + 16) * s + 3) / 96,
        z * (((3 * s + 19) * s + 17) * s - 15) / 384,
        z * ((((79 * s + 776) * s + 1482) * s - 1920) * s - 945) / 92160,
    )
    return z + sum(term / df**power for power, term in enumerate(terms, start=1))


def _tail_series(t: float, df: float) -> float:
    """Fisher's expansion about the normal tail (Abramowitz and Stegun 26.7)."""
    s = t * t
    density = math.exp(-s / 2) / math.sqrt(2 * math.pi)
    correction = t * (s + 1) / 4 / df + t * (((3 * s - 7) * s - 5) * s - 3) / 96 / df / df
    return max(0.0, math.erfc(t / math.sqrt(2)) / 2 + density * correction)
