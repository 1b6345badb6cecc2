import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bot.scoring.display import display, duration
from bot.scoring.durations import median, median_rank
from bot.scoring.scales import ScoreError

CONFIDENCES = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999]


def rank_by_scipy(n: int, confidence: float) -> int | None:
    """The largest l with P(Bin(n, 1/2) <= l - 1) <= half of what the interval may miss."""
    return max(
        (rank for rank in range(1, (n + 1) // 2 + 1) if stats.binom.cdf(rank - 1, n, 0.5) <= (1 - confidence) / 2),
        default=None,
    )


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_rank_as_the_binomial_distribution_of_scipy_has_it(confidence: float) -> None:
    assert [median_rank(n, confidence) for n in range(1, 150)] == [rank_by_scipy(n, confidence) for n in range(1, 150)]


@pytest.mark.parametrize("n", [1_000, 9_999, 250_000, 3_000_000])
@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_rank_of_many(n: int, confidence: float) -> None:
    rank = median_rank(n, confidence)
    assert rank is not None
    allowed = (1 - confidence) / 2
    assert stats.binom.cdf(rank - 1, n, 0.5) <= allowed * (1 + 1e-7)
    assert stats.binom.cdf(rank, n, 0.5) > allowed * (1 - 1e-7)


# Conover 1999, table A3, and Hahn and Meeker 1991, table A.15: the ranks of 95% intervals of a median
@pytest.mark.parametrize(
    ("n", "rank"), [(5, None), (6, 1), (8, 1), (9, 2), (12, 3), (15, 4), (20, 6), (25, 8), (50, 18), (100, 40)]
)
def test_published_ranks(n: int, rank: int | None) -> None:
    assert median_rank(n, 0.95) == rank


@pytest.mark.parametrize("n", [7, 10, 31, 200])
def test_interval_as_quantile_test_of_scipy_or_as_wide(n: int) -> None:
    times = [random.Random(n).lognormvariate(8, 1.5) for _ in range(n)]
    estimate = median(times)
    theirs: Any = stats.quantile_test(times, q=0, p=0.5).confidence_interval(0.95)
    assert estimate.interval is not None
    assert estimate.interval.low <= theirs.low
    assert estimate.interval.high >= theirs.high
    # by one order statistic at most: theirs is as short as they find one, ours leaves as much on either side
    ordered = sorted(times)
    assert ordered.index(theirs.low) - ordered.index(estimate.interval.low) in {0, 1}
    assert ordered.index(estimate.interval.high) - ordered.index(theirs.high) in {0, 1}


def test_interval_holds_the_true_median_as_often_as_it_says() -> None:
    chance, true = random.Random(7), math.exp(8)
    for n in (6, 11, 30):
        intervals = [median([chance.lognormvariate(8, 2) for _ in range(n)]).interval for _ in range(1500)]
        held = sum(interval is not None and interval.holds(true) for interval in intervals) / 1500
        assert held >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 1500)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60))
def test_median_is_numpys_and_lies_in_its_interval(times: list[float]) -> None:
    estimate = median(times)
    assert estimate.value == pytest.approx(float(stats.scoreatpercentile(times, 50)), rel=1e-12)
    assert (estimate.interval is None) == (len(times) < 6)
    if estimate.interval is not None and estimate.value is not None:
        assert estimate.interval.holds(estimate.value)
    assert ("degenerate" in estimate.flags) == (min(times) == max(times))


def test_nothing_is_no_duration() -> None:
    nothing = median([])
    assert (nothing.value, nothing.n, nothing.interval, nothing.flags) == (None, 0, None, ("no_data",))
    assert display(nothing).text == "no answers"


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_what_is_no_duration_is_refused(seconds: float) -> None:
    with pytest.raises(ScoreError, match="a duration is a number of seconds from 0 on"):
        median([60.0, seconds])


def test_few_durations_show_only_how_many_they_are() -> None:
    assert display(median([60.0] * 9)).text == "n=9"
    assert display(median([60.0 * minute for minute in range(1, 13)])).text == (
        "6 min 30 s [3 min, 10 min] n=12, low base"
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.5, "1 min"),
        (61, "1 min 1 s"),
        (899, "14 min 59 s"),
        (929, "15 min"),
        (930, "16 min"),
        (3600, "1 h"),
        (86399, "1 d"),
        (86400 + 1799, "1 d"),
        (86400 + 1800, "1 d 1 h"),
        (100 * 86400, "100 d"),
    ],
)
def test_duration_reads_in_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said
