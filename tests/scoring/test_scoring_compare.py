import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest
from statsmodels.stats.weightstats import DescrStatsW

from bot.scoring.compare import Comparison, Kind, adjust, arrow, compare
from bot.scoring.counts import ScoreCounts
from bot.scoring.scales import CES_1_7, CSAT_1_5, CSAT_1_10, ScoreError

KINDS: list[Kind] = ["nps", "csat", "csat_mean", "ces", "ces_mean", "thumbs"]
Z95 = float(stats.norm.ppf(0.975))

trinomials = st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300)).filter(any)
shares = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def groups(counts: tuple[int, int, int]) -> ScoreCounts:
    return ScoreCounts(dict(zip((10, 7, 0), counts, strict=True)))


def satisfied(x: int, n: int) -> ScoreCounts:
    return ScoreCounts({5: x, 1: n - x})


def ends(comparison: Comparison) -> tuple[float, float]:
    assert comparison.interval is not None
    return comparison.interval.low, comparison.interval.high


# --- NPS ---


@settings(max_examples=150, deadline=None)
@given(trinomials, trinomials)
def test_nps_change_is_z_on_padded_weights(a: tuple[int, int, int], b: tuple[int, int, int]) -> None:
    def padded(counts: tuple[int, int, int]) -> DescrStatsW:
        return DescrStatsW([1, 0, -1], weights=np.add(counts, [0.75, 1.5, 0.75]), ddof=0)

    first, second = padded(a), padded(b)
    se = math.sqrt(first.var / first.sum_weights + second.var / second.sum_weights)
    centre = second.mean - first.mean
    observed = (b[0] - b[2]) / sum(b) - (a[0] - a[2]) / sum(a)
    change = compare(groups(a), groups(b), "nps")
    assert change.diff == pytest.approx(observed, abs=1e-12)
    assert change.p == pytest.approx(2 * stats.norm.sf(abs(centre / se)), abs=1e-12)
    low, high = max(-2, min(centre - Z95 * se, observed)), min(2, max(centre + Z95 * se, observed))
    assert ends(change) == pytest.approx((low, high), abs=1e-12)


def test_the_sign_is_b_minus_a() -> None:
    low, high = groups((40, 30, 30)), groups((60, 30, 10))
    up, down = compare(low, high, "nps"), compare(high, low, "nps")
    assert (up.verdict, down.verdict) == ("up", "down")
    assert up.diff == pytest.approx(0.4)
    assert down.diff == pytest.approx(-0.4)
    assert up.p == down.p


def test_sample_sizes_for_a_change_of_ten_points() -> None:
    # To see 10 NPS points with 80% power takes about 1081 answers in each period, CSAT from 85 to 75% takes 248.
    period = ScoreCounts({10: 432, 7: 325, 0: 324})
    assert compare(period, period, "nps").detectable == pytest.approx(0.1, abs=2e-4)
    assert compare(satisfied(211, 248), satisfied(186, 248), "csat").detectable == pytest.approx(0.1, abs=2e-4)


# --- shares ---


@settings(deadline=None)
@given(shares, shares)
def test_share_change_as_in_statsmodels(a: tuple[int, int], b: tuple[int, int]) -> None:
    change = compare(satisfied(*a), satisfied(*b), "csat")
    expected = confint_proportions_2indep(*b, *a, method="newcomb", compare="diff")
    assert ends(change) == pytest.approx(tuple(map(float, expected)), abs=1e-9)
    if 0 < a[0] + b[0] < a[1] + b[1]:
        _, p = proportions_ztest([b[0], a[0]], [b[1], a[1]])
        assert change.p == pytest.approx(float(p), abs=1e-9)
    else:
        assert (change.p, change.verdict) == (1, "no clear change")


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        pytest.param((48, 80), (56, 70), 0.0524, 0.3339, id="newcombe-1998-a"),
        pytest.param((3, 10), (9, 10), 0.1705, 0.8090, id="newcombe-1998-b"),
        pytest.param((0, 20), (10, 10), 0.6791, 1.0, id="newcombe-1998-g"),
        pytest.param((1, 34), (7, 34), 0.0189, 0.3404, id="fagerland-2015"),
    ],
)
def test_published_newcombe_intervals(a: tuple[int, int], b: tuple[int, int], low: float, high: float) -> None:
    assert ends(compare(satisfied(*a), satisfied(*b), "csat")) == pytest.approx((low, high), abs=5e-5)


def test_effort_and_thumbs_compare_their_positive_shares() -> None:
    much, little = ScoreCounts({7: 30, 1: 10}), ScoreCounts({7: 10, 1: 30})
    effort = CES_1_7.mirrored()
    assert compare(much, little, "ces", scale=effort).verdict == "up"
    assert compare(much, little, "ces").verdict == "down"
    assert compare(much, little, "ces_mean", scale=effort).diff == pytest.approx(3.0)
    assert compare(ScoreCounts({0: 30, 1: 10}), ScoreCounts({0: 10, 1: 30}), "thumbs").diff == 0.5


# --- means ---


@pytest.mark.filterwarnings("ignore:Precision loss occurred:RuntimeWarning")  # scipy's, where one side is constant
@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=80), st.lists(st.integers(1, 5), min_size=2, max_size=80))
def test_mean_change_as_in_scipy(a: list[int], b: list[int]) -> None:
    change = compare(ScoreCounts.of(a), ScoreCounts.of(b), "csat_mean")
    assert change.diff == pytest.approx(np.mean(b) - np.mean(a), abs=1e-12)
    if len(set(a)) == len(set(b)) == 1:
        assert (change.interval, change.p, change.verdict) == (None, None, "no clear change")
        return
    expected = stats.ttest_ind(b, a, equal_var=False)
    interval = expected.confidence_interval()
    assert change.p == pytest.approx(float(expected.pvalue), rel=1e-8, abs=1e-12)
    assert ends(change) == pytest.approx((max(-4, interval.low), min(4, interval.high)), abs=1e-8)


# --- all kinds ---


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_compare_with(kind: Kind) -> None:
    some, none = ScoreCounts({1: 40}), ScoreCounts(skipped=3)
    for change in (compare(some, none, kind), compare(none, some, kind), compare(none, none, kind)):
        assert (change.diff, change.interval, change.p, change.detectable) == (None, None, None, None)
        assert change.verdict == "no clear change"
        assert "no_data" in change.flags
        assert arrow(change) is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_again_is_no_change(kind: Kind) -> None:
    counts = ScoreCounts({0: 40, 1: 60} if kind in ("nps", "thumbs") else {1: 40, 5: 60})
    change = compare(counts, counts, kind)
    assert (change.diff, change.verdict) == (0, "no clear change")
    if kind != "nps":
        assert change.p == pytest.approx(1)


@pytest.mark.parametrize(
    ("kind", "a", "b"),
    [
        ("nps", {11: 1}, {9: 1}),
        ("csat", {5: 1}, {6: 1}),
        ("csat_mean", {0: 1}, {5: 1}),
        ("thumbs", {2: 1}, {1: 1}),
    ],
)
def test_answers_off_the_scale_are_refused(kind: Kind, a: dict[int, int], b: dict[int, int]) -> None:
    with pytest.raises(ScoreError):
        compare(ScoreCounts(a), ScoreCounts(b), kind)


@pytest.mark.parametrize("kind", ["nps", "thumbs"])
def test_some_kinds_have_one_scale(kind: Kind) -> None:
    counts = ScoreCounts({1: 1})
    with pytest.raises(ScoreError, match="has a scale of its own"):
        compare(counts, counts, kind, scale=CSAT_1_5)


def test_other_scales_are_passed_in() -> None:
    a, b = ScoreCounts({10: 50, 6: 50}), ScoreCounts({10: 80, 6: 20})
    assert compare(a, b, "csat", scale=CSAT_1_10).diff == pytest.approx(0.3)


def test_the_flags_are_those_of_the_smaller_side() -> None:
    change = compare(satisfied(20, 40), satisfied(12, 12), "csat")
    assert change.flags == ("low_base", "degenerate")


def test_no_difference_on_the_scale_would_be_noticed_among_two_answers() -> None:
    assert compare(satisfied(1, 1), satisfied(0, 1), "csat").detectable is None


# --- arrows ---


def test_an_arrow_needs_thirty_answers_on_both_sides() -> None:
    clear = compare(satisfied(3, 29), satisfied(90, 100), "csat")
    assert (clear.verdict, arrow(clear)) == ("up", None)
    assert arrow(compare(satisfied(3, 30), satisfied(90, 100), "csat")) == "up"
    assert arrow(compare(satisfied(90, 100), satisfied(3, 30), "csat")) == "down"


def test_an_arrow_needs_its_adjusted_p_below_the_level() -> None:
    change = compare(satisfied(50, 100), satisfied(66, 100), "csat")
    assert change.p is not None
    assert arrow(change, adjusted_p=change.p) == "up"
    assert arrow(change, adjusted_p=adjust([change.p] * 10)[0]) is None
    assert arrow(change, adjusted_p=0.05) is None


@pytest.mark.parametrize("method", ["holm", "bh"])
@settings(max_examples=20, deadline=None)
@given(pvalues=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusting_as_in_statsmodels(method: str, pvalues: list[float]) -> None:
    ours = adjust(pvalues, "holm") if method == "holm" else adjust(pvalues, "bh")
    theirs = multipletests(pvalues, method={"holm": "holm", "bh": "fdr_bh"}[method])[1]
    assert ours == pytest.approx(list(map(float, theirs)), rel=1e-9, abs=1e-300)


def test_adjusting_nothing() -> None:
    assert adjust([]) == adjust([], "bh") == []


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_adjusting_refuses_what_is_no_p_value(p: float) -> None:
    with pytest.raises(ScoreError):
        adjust([0.5, p])
