"""Mistakes that published tools make with these metrics; each case gives the right number and the wrong one."""

import math

import pytest

from bot.scoring.compare import compare
from bot.scoring.counts import ScoreCounts, split
from bot.scoring.estimates import Estimate, ces, csat, nps, proportion
from bot.scoring.response import nonresponse_bounds, response
from bot.scoring.scales import CES_1_7, CSAT_1_5, CSAT_1_10, NPS_0_10, ScoreError, parse_score

# San Francisco Airport, 2017: NETPRO as delivered, where 11 means a blank.
SFO = {0: 17, 1: 6, 2: 8, 3: 19, 4: 18, 5: 144, 6: 130, 7: 291, 8: 677, 9: 564, 10: 872}
SFO_BLANK = 84


def groups(promoters: int, passives: int, detractors: int) -> ScoreCounts:
    return ScoreCounts({10: promoters, 7: passives, 0: detractors})


def value(estimate: Estimate) -> float:
    assert estimate.value is not None
    return estimate.value


def points(estimate: Estimate) -> tuple[int, int, int]:
    assert estimate.interval is not None
    return round(100 * value(estimate)), round(100 * estimate.interval.low), round(100 * estimate.interval.high)


def test_averaging_nps_over_segments() -> None:
    small, large = groups(9, 0, 1), groups(40, 30, 30)
    assert (value(nps(small).score) + value(nps(large).score)) / 2 == pytest.approx(0.45)
    assert value(nps(small.merge(large)).score) == pytest.approx(0.164, abs=0.0005)


def test_mix_shift_moves_the_pooled_figure_far_more_than_any_segment() -> None:
    happy, unhappy = groups(80, 10, 10), groups(20, 20, 60)
    happier, less_unhappy = groups(800, 150, 50), groups(25, 20, 55)
    assert value(nps(happy.merge(unhappy)).score) == pytest.approx(0.15)
    assert value(nps(happier).score) - value(nps(happy).score) == pytest.approx(0.05)
    assert value(nps(less_unhappy).score) - value(nps(unhappy).score) == pytest.approx(0.10)
    assert value(nps(happier.merge(less_unhappy)).score) == pytest.approx(0.655, abs=0.0005)
    assert (value(nps(happier).score) + value(nps(less_unhappy).score)) / 2 == pytest.approx(0.225)


def test_rounding_comes_last() -> None:
    estimate = nps(groups(8, 9, 1)).score
    assert round(100 * value(estimate)) == 39
    assert round(100 * 8 / 18) - round(100 * 1 / 18) == 38


def test_promoters_and_detractors_are_not_independent() -> None:
    counts = ScoreCounts(SFO)
    three, estimate = split(counts, NPS_0_10), nps(counts, method="wald").score
    p, d, n = three.positive / three.n, three.negative / three.n, three.n
    independent = math.sqrt((p * (1 - p) + d * (1 - d)) / n)
    assert estimate.se == pytest.approx(math.sqrt(independent**2 + 2 * p * d / n), rel=1e-12)
    assert estimate.se is not None
    assert estimate.se > 1.1 * independent


def test_blank_codes_are_refused_and_never_become_promoters() -> None:
    counts = ScoreCounts(SFO, skipped=SFO_BLANK + 1)
    assert (counts.n, counts.skipped) == (2746, 85)
    assert round(100 * value(nps(counts).score), 1) == 39.8
    assert round(100 * value(nps(counts.merge(ScoreCounts({10: SFO_BLANK}))).score), 1) == 41.6
    with pytest.raises(ScoreError):
        parse_score("11", NPS_0_10)
    with pytest.raises(ScoreError):
        nps(counts.merge(ScoreCounts({11: SFO_BLANK})))


def test_no_answers_are_null() -> None:
    assert nps(ScoreCounts()).score.value is None
    assert csat(ScoreCounts()).top.value is None


def test_missing_answers_are_not_passive() -> None:
    estimate = nps(ScoreCounts.of([10, 9, 8, 3, None, None, None])).score
    assert value(estimate) == 1 / 4
    assert value(nps(groups(2, 4, 1)).score) == 1 / 7


def test_satisfied_of_answered_is_not_satisfied_of_offered() -> None:
    assert value(csat(ScoreCounts({5: 96, 1: 24})).top) == 0.8
    rates = response(offered=1000, seen=600, started=120, partial=0, completed=120, refused=0)
    assert rates.answered_of_offered.value == 0.12
    bounds = nonresponse_bounds(positive=96, answered=120, offered=1000)
    assert bounds is not None
    assert bounds.low == 0.096


def test_three_customs_give_three_figures_on_one_to_ten() -> None:
    counts = ScoreCounts({10: 4, 9: 3, 8: 2, 7: 1})
    assert value(csat(counts, CSAT_1_10).top) == 0.7
    assert sum(n for score, n in counts.items() if score >= 7.75) / counts.n == 0.9
    assert sum(n for score, n in counts.items() if math.ceil(score / 2) >= 4) / counts.n == 1.0


def test_effort_wording_has_its_good_end_low() -> None:
    little_effort = ScoreCounts({1: 8, 2: 1, 7: 1})
    assert value(ces(little_effort, CES_1_7.mirrored()).easy) == 0.9
    assert value(ces(little_effort).easy) == 0.1


def test_a_mean_can_rise_while_the_satisfied_share_falls() -> None:
    before, after = csat(ScoreCounts({4: 60, 1: 40})), csat(ScoreCounts({5: 55, 3: 45}))
    assert value(after.mean) > value(before.mean)
    assert value(after.top) < value(before.top)
    assert before.distribution != after.distribution


def test_tiny_segments_of_a_real_survey() -> None:
    english = ScoreCounts({0: 16, 1: 5, 2: 5, 3: 17, 4: 16, 5: 130, 6: 122, 7: 271, 8: 626, 9: 538, 10: 839})
    chinese = ScoreCounts({0: 1, 2: 3, 3: 1, 4: 2, 5: 12, 6: 8, 7: 19, 8: 45, 9: 13, 10: 10})
    japanese = ScoreCounts({5: 1, 8: 1, 9: 1, 10: 1})
    assert points(nps(english).score) == (41, 39, 44)
    assert points(nps(chinese).score) == (-4, -15, 9)
    assert points(nps(japanese).score) == (25, -44, 73)
    assert nps(japanese).score.flags == ("counts_only",)


def test_overlapping_intervals_are_no_test() -> None:
    a, b = ScoreCounts({5: 300, 1: 200}), ScoreCounts({5: 335, 1: 165})
    first, second = csat(a).top.interval, csat(b).top.interval
    assert first is not None
    assert second is not None
    assert first.high > second.low
    assert compare(a, b, "csat").verdict == "up"


def test_true_is_no_score() -> None:
    with pytest.raises(ScoreError):
        parse_score(True, CSAT_1_5)
    with pytest.raises(ScoreError):
        ScoreCounts({True: 3})


def test_a_vendors_mean_does_not_follow_from_its_own_counts() -> None:
    # The page prints 2820/1000 for counts whose sum is 3020 and whose number is 1010.
    estimate = csat(ScoreCounts({1: 200, 2: 210, 3: 200, 4: 200, 5: 200})).mean
    assert (value(estimate), estimate.n) == (3020 / 1010, 1010)


def test_nps_is_promoters_minus_detractors() -> None:
    assert value(nps(groups(7, 0, 3)).score) == pytest.approx(0.4)


def test_not_unhappy_is_not_satisfied() -> None:
    counts = ScoreCounts({5: 50, 3: 30, 1: 20})
    unhappy = split(counts, CSAT_1_5).negative / counts.n
    neutral = split(counts, CSAT_1_5).neutral / counts.n
    assert value(csat(counts).top) == 0.5
    assert 1 - unhappy == pytest.approx(0.5 + neutral)


def test_thirteen_of_sixteen_is_wilson_and_not_one_of_two_agresti_coulls() -> None:
    interval = proportion(13, 16).interval
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.5699, 0.9341)
