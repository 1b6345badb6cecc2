import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from bot.scoring.counts import ScoreCounts
from bot.scoring.estimates import (
    Estimate,
    Interval,
    NpsMethod,
    ces,
    csat,
    mean_estimate,
    nps,
    proportion,
    thumbs,
)
from bot.scoring.scales import CES_1_7, CSAT_1_5, CSAT_1_10, Scale, ScoreError

METHODS: list[NpsMethod] = ["adjusted_wald", "score", "wald"]
Z95 = float(stats.norm.ppf(0.975))

trinomials = st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400)).filter(any)
confidences = st.sampled_from([0.8, 0.9, 0.95, 0.99])


def groups(promoters: int, passives: int, detractors: int) -> ScoreCounts:
    return ScoreCounts({10: promoters, 7: passives, 0: detractors})


def nps_of(
    promoters: int,
    passives: int,
    detractors: int,
    *,
    confidence: float = 0.95,
    method: NpsMethod = "adjusted_wald",
) -> Estimate:
    return nps(groups(promoters, passives, detractors), confidence=confidence, method=method).score


def ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.interval is not None
    return estimate.interval.low, estimate.interval.high


def in_points(value: float | None) -> int:
    assert value is not None
    return round(100 * value)


# --- NPS ---


@pytest.mark.parametrize(
    ("n", "nps_half", "csat_half"),
    [(10, 40, 23), (30, 28, 12), (100, 16, 7.0), (200, 11, 4.9), (400, 8, 3.5), (1000, 5, 2.2)],
)
def test_half_widths_that_we_promise(n: int, nps_half: int, csat_half: float) -> None:
    promoters, detractors, satisfied = round(0.45 * n), round(0.25 * n), round(0.85 * n)
    low, high = ends(nps_of(promoters, n - promoters - detractors, detractors))
    assert round(50 * (high - low)) == nps_half
    low, high = ends(proportion(satisfied, n))
    assert 50 * (high - low) == pytest.approx(csat_half, abs=0.5 if n <= 30 else 0.05)


def test_standard_error_of_a_published_example() -> None:
    # 1/2 promoters, 1/3 passives, 1/6 detractors: variance 5/9, so with 324 answers the error is 4.1 points.
    estimate = nps_of(162, 108, 54)
    assert estimate.value == pytest.approx(1 / 3)
    assert estimate.se == pytest.approx(math.sqrt(5 / 9) / 18, rel=1e-12)


def test_the_three_groups_and_the_skipped() -> None:
    counts = ScoreCounts({10: 5, 9: 1, 8: 2, 7: 1, 6: 1, 0: 3}, skipped=4)
    result = nps(counts)
    assert (result.promoters, result.passives, result.detractors) == (6, 3, 4)
    assert (result.score.n, result.score.skipped) == (13, 4)
    assert result.distribution[6] == (6, 1)


def test_tango_interval_of_paired_proportions() -> None:
    # Airway hyper-responsiveness before and after transplantation (Bentur 2009; Fagerland, Lydersen and Laake 2014):
    # 1 and 7 discordant pairs of 21, published as -0.517 to -0.026.
    low, high = ends(nps_of(1, 13, 7, method="score"))
    assert (round(low, 3), round(high, 3)) == (-0.517, -0.026)


@settings(max_examples=150, deadline=None)
@given(trinomials, confidences)
def test_adjusted_wald_is_wald_on_padded_weights(counts: tuple[int, int, int], confidence: float) -> None:
    promoters, passives, detractors = counts
    padded = DescrStatsW([1, 0, -1], weights=[promoters + 0.75, passives + 1.5, detractors + 0.75], ddof=0)
    half = stats.norm.isf((1 - confidence) / 2) * math.sqrt(padded.var / padded.sum_weights)
    value = (promoters - detractors) / sum(counts)
    low, high = ends(nps_of(*counts, confidence=confidence))
    assert low == pytest.approx(max(-1, min(padded.mean - half, value)), abs=1e-12)
    assert high == pytest.approx(min(1, max(padded.mean + half, value)), abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(trinomials)
def test_wald_and_its_error_as_in_statsmodels(counts: tuple[int, int, int]) -> None:
    plain = DescrStatsW([1, 0, -1], weights=counts, ddof=0)
    estimate = nps_of(*counts, method="wald")
    assert estimate.value == pytest.approx(plain.mean, abs=1e-12)
    assert estimate.se == pytest.approx(math.sqrt(plain.var / plain.sum_weights), abs=1e-9)
    low, _ = ends(estimate)
    assert low == pytest.approx(max(-1, plain.mean - Z95 * math.sqrt(plain.var / plain.sum_weights)), abs=1e-9)


def score_statistic(counts: tuple[int, int, int], x: float) -> float:
    """The score statistic with the constrained estimate found by search instead of by the quadratic."""
    promoters, _, detractors = counts
    least, most = max(0.0, -x), (1 - x) / 2

    def minus_log_likelihood(q: float) -> float:
        shares = (q + x, 1 - 2 * q - x, q)
        return -sum(k * math.log(max(share, 1e-300)) for k, share in zip(counts, shares, strict=True) if k)

    q = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(least, most), method="bounded", options={"xatol": 1e-13}
    ).x
    n = sum(counts)
    return float((promoters - detractors - n * x) / math.sqrt(n * (2 * q + x * (1 - x))))


@pytest.mark.parametrize(
    "counts", [(8, 9, 1), (1, 1, 1), (3, 0, 2), (0, 5, 1), (40, 30, 30), (9, 0, 1), (2, 90, 8), (450, 300, 250)]
)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_score_bounds_are_where_the_score_test_just_rejects(counts: tuple[int, int, int], confidence: float) -> None:
    z = stats.norm.isf((1 - confidence) / 2)
    low, high = ends(nps_of(*counts, confidence=confidence, method="score"))
    assert score_statistic(counts, low) == pytest.approx(z, abs=1e-5)
    assert score_statistic(counts, high) == pytest.approx(-z, abs=1e-5)


def test_score_bounds_stay_exact_at_six_billion_answers() -> None:
    # A root finder that stops at 1e-7 is 6e-8 off here.
    counts = (3 * 10**9, 15 * 10**8, 15 * 10**8)
    estimate = nps_of(*counts, method="score")
    assert estimate.value is not None
    assert estimate.se is not None
    low, high = ends(estimate)
    assert low == pytest.approx(estimate.value - Z95 * estimate.se, abs=1e-9)
    assert high == pytest.approx(estimate.value + Z95 * estimate.se, abs=1e-9)


@settings(deadline=None)
@given(trinomials, st.sampled_from(METHODS), confidences)
def test_intervals_hold_the_value_and_stay_in_range(
    counts: tuple[int, int, int], method: NpsMethod, confidence: float
) -> None:
    estimate = nps_of(*counts, confidence=confidence, method=method)
    assert estimate.value is not None
    low, high = ends(estimate)
    assert -1 <= low <= estimate.value <= high <= 1
    if method != "wald":
        assert low < high


@settings(deadline=None)
@given(trinomials, st.sampled_from(METHODS))
def test_exchanging_promoters_and_detractors_changes_the_sign(counts: tuple[int, int, int], method: NpsMethod) -> None:
    low, high = ends(nps_of(*counts, method=method))
    mirrored_low, mirrored_high = ends(nps_of(*reversed(counts), method=method))
    assert (mirrored_low, mirrored_high) == pytest.approx((-high, -low), abs=1e-12)


@settings(deadline=None)
@given(trinomials, st.sampled_from(METHODS))
def test_more_confidence_is_wider(counts: tuple[int, int, int], method: NpsMethod) -> None:
    low, high = ends(nps_of(*counts, confidence=0.8, method=method))
    wide_low, wide_high = ends(nps_of(*counts, confidence=0.99, method=method))
    assert wide_low <= low
    assert high <= wide_high


def coverage(
    n: int, shares: tuple[float, float, float], intervals: dict[tuple[int, int], tuple[float, float]]
) -> float:
    truth = shares[0] - shares[2]
    return sum(
        float(stats.multinomial.pmf([p, n - p - d, d], n, shares))
        for (p, d), (low, high) in intervals.items()
        if low - 1e-12 <= truth <= high + 1e-12
    )


@pytest.mark.parametrize(
    ("method", "mean_from", "mean_to", "at_least"),
    [("adjusted_wald", 0.93, 0.98, 0.90), ("score", 0.94, 0.98, 0.92), ("wald", 0.5, 0.91, 0.0)],
)
def test_exact_coverage_with_ten_answers(method: NpsMethod, mean_from: float, mean_to: float, at_least: float) -> None:
    n = 10
    intervals = {
        (p, d): ends(nps_of(p, n - p - d, d, method=method)) for p, d in product(range(n + 1), repeat=2) if p + d <= n
    }
    steps = [k / 10 for k in range(1, 10)]
    covered = [coverage(n, (p, 1 - p - d, d), intervals) for p, d in product(steps, repeat=2) if p + d < 0.95]
    assert mean_from <= float(np.mean(covered)) <= mean_to
    assert min(covered) >= at_least


# --- shares ---


@settings(deadline=None)
@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), confidences)
def test_wilson_as_in_scipy_and_statsmodels(x_of_n: tuple[int, int], confidence: float) -> None:
    x, n = x_of_n
    estimate = proportion(x, n, confidence=confidence)
    expected = stats.binomtest(x, n).proportion_ci(confidence, "wilson")
    assert ends(estimate) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert ends(estimate) == pytest.approx(proportion_confint(x, n, 1 - confidence, method="wilson"), abs=1e-12)


def test_wilson_at_the_ends_is_exact_and_never_empty() -> None:
    assert ends(proportion(0, 5))[0] == 0
    assert ends(proportion(5, 5))[1] == 1
    assert ends(proportion(5, 5))[0] == pytest.approx(5 / (5 + Z95**2))


def test_a_trillion_answers() -> None:
    estimate = proportion(10**12 - 1, 10**12)
    assert estimate.se == pytest.approx(1e-12, rel=1e-9)
    assert ends(estimate)[1] <= 1


@pytest.mark.parametrize(("x", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_shares(x: int, n: int) -> None:
    with pytest.raises(ScoreError):
        proportion(x, n)


def test_thumbs_are_a_share_of_good_with_wilson() -> None:
    result = thumbs(ScoreCounts({1: 85, 0: 15}, skipped=3))
    assert result.good == proportion(85, 100, skipped=3)
    assert result.distribution == ((0, 15), (1, 85))


# --- means ---


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=2, max_size=300).filter(lambda scores: len(set(scores)) > 1), confidences)
def test_mean_as_in_scipy(scores: list[int], confidence: float) -> None:
    estimate = mean_estimate(ScoreCounts.of(scores), CES_1_7, confidence=confidence)
    se = float(stats.sem(scores))
    low, high = stats.t.interval(confidence, len(scores) - 1, loc=np.mean(scores), scale=se)
    assert estimate.value == pytest.approx(float(np.mean(scores)), abs=1e-12)
    assert estimate.se == pytest.approx(se, rel=1e-12)
    assert ends(estimate) == pytest.approx((max(1, low), min(7, high)), abs=1e-9)


def test_mean_of_huge_counts_and_scores_does_not_cancel() -> None:
    low = 10**9
    scale = Scale(low=low, high=low + 4, positive=frozenset({low + 4}), negative=frozenset({low}))
    far, near = mean_estimate(ScoreCounts({low: 1, low + 1: 2, low + 4: 1}), scale), [0, 1, 1, 4]
    assert far.value == low + 1.5
    assert far.se == pytest.approx(float(stats.sem(near)), rel=1e-12)
    many = mean_estimate(ScoreCounts({low: 10**12, low + 4: 10**12}), scale)
    assert many.se == pytest.approx(2 / math.sqrt(2e12), rel=1e-9)


def test_equal_answers_have_a_mean_without_interval() -> None:
    estimate = csat(ScoreCounts({5: 40})).mean
    assert (estimate.value, estimate.se, estimate.interval) == (5, 0, None)
    assert estimate.flags == ("degenerate",)


def test_one_answer_has_a_mean_without_error() -> None:
    estimate = csat(ScoreCounts({4: 1})).mean
    assert (estimate.value, estimate.se, estimate.interval) == (4, None, None)
    assert estimate.flags == ("counts_only", "degenerate")


# --- CSAT and CES ---


def test_csat_counts_neutral_answers_in_the_base() -> None:
    # Spack's users on its quality in 2022: 1 horrible, 4 bad, 26 ok, 98 good, 53 excellent.
    result = csat(ScoreCounts({1: 1, 2: 4, 3: 26, 4: 98, 5: 53}))
    assert result.top.value == pytest.approx(151 / 182)
    assert ends(result.top) == pytest.approx((0.7684, 0.8773), abs=5e-5)
    assert result.mean.value == pytest.approx(744 / 182)
    assert result.distribution == ((1, 1), (2, 4), (3, 26), (4, 98), (5, 53))


def test_people_who_broke_off_are_skipped_not_unhappy() -> None:
    # The same survey in 2025: 100 of 345 never reached the question.
    result = csat(ScoreCounts({1: 1, 2: 8, 3: 43, 4: 131, 5: 62}, skipped=100))
    assert (result.top.n, result.top.skipped, result.mean.skipped) == (245, 100, 100)
    assert in_points(result.top.value) == 79


def test_csat_on_ten_uses_the_stored_positive_set() -> None:
    counts = ScoreCounts({10: 4, 9: 3, 8: 2, 7: 1})
    generous = Scale(low=1, high=10, positive=frozenset({7, 8, 9, 10}), negative=frozenset({1, 2, 3, 4}))
    assert csat(counts, CSAT_1_10).top.value == 0.7
    assert csat(counts, generous).top.value == 1.0


@settings(deadline=None)
@given(st.lists(st.integers(1, 7), max_size=50))
def test_effort_wording_is_ease_read_backwards(scores: list[int]) -> None:
    ease = ces(ScoreCounts.of(scores))
    effort = ces(ScoreCounts.of(8 - score for score in scores), CES_1_7.mirrored())
    assert effort.easy == ease.easy
    assert effort.mean == ease.mean
    assert effort.distribution == tuple((8 - score, n) for score, n in reversed(ease.distribution))


# --- small n ---


@pytest.mark.parametrize(
    ("n", "flags"),
    [
        (0, ("no_data",)),
        (1, ("counts_only", "degenerate")),
        (2, ("counts_only",)),
        (9, ("counts_only",)),
        (10, ("low_base",)),
        (29, ("low_base",)),
        (30, ()),
    ],
)
def test_small_n_flags(n: int, flags: tuple[str, ...]) -> None:
    scored = {10: n - n // 2, 0: n // 2}
    assert nps(ScoreCounts(scored)).score.flags == flags
    assert proportion(n - n // 2, n).flags == flags
    assert mean_estimate(ScoreCounts({5: n - n // 2, 1: n // 2}), CSAT_1_5).flags == flags


@pytest.mark.parametrize("counts", [(40, 0, 0), (0, 40, 0), (0, 0, 40)])
def test_when_all_agree_the_interval_still_has_width(counts: tuple[int, int, int]) -> None:
    for method in METHODS:
        estimate = nps_of(*counts, method=method)
        low, high = ends(estimate)
        assert estimate.flags == ("degenerate",)
        assert (high > low) == (method != "wald")


def test_no_answers_are_null_not_zero() -> None:
    nothing = ScoreCounts(skipped=7)
    for estimate in (
        nps(nothing).score,
        csat(nothing).top,
        csat(nothing).mean,
        ces(nothing).easy,
        thumbs(nothing).good,
    ):
        assert (estimate.value, estimate.se, estimate.interval) == (None, None, None)
        assert (estimate.n, estimate.skipped, estimate.flags) == (0, 7, ("no_data",))


def test_one_promoter_is_plus_100_and_held_by_its_interval() -> None:
    # Without the display rule the interval would be [-48, +98], which leaves out its own value.
    estimate = nps_of(1, 0, 0)
    low, high = ends(estimate)
    assert (estimate.value, in_points(low), in_points(high)) == (1, -48, 100)
    assert [in_points(end) for end in ends(nps_of(0, 0, 1))] == [-100, 48]
    assert 0.25 + Z95 * math.sqrt((2.5 / 4 - 0.25**2) / 4) == pytest.approx(0.985, abs=0.001)


def test_interval_says_how_it_was_made() -> None:
    estimate = nps_of(8, 9, 1, confidence=0.9, method="score")
    assert isinstance(estimate.interval, Interval)
    assert (estimate.interval.method, estimate.interval.confidence) == ("score", 0.9)
