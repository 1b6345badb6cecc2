import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.scoring.counts import ScoreCounts, Split, split
from bot.scoring.scales import CSAT_1_5, NPS_0_10, ScoreError

score_counts = st.builds(
    lambda counts, skipped: ScoreCounts(counts, skipped=skipped),
    st.dictionaries(st.integers(-5, 10), st.integers(0, 10**12)),
    st.integers(0, 10**12),
)


def test_add_takes_back_down_to_zero() -> None:
    counts = ScoreCounts({5: 2})
    counts.add(5, -2)
    assert counts == ScoreCounts()
    with pytest.raises(ScoreError, match="cannot take 1 from 0 answers of 5"):
        counts.add(5, -1)
    assert counts == ScoreCounts()


def test_skipped_are_no_answers_and_can_be_taken_back() -> None:
    counts = ScoreCounts({5: 2})
    counts.skip(3)
    counts.skip(-1)
    assert (counts.n, counts.skipped) == (2, 2)
    with pytest.raises(ScoreError, match="cannot take 3 from 2 skipped"):
        counts.skip(-3)
    assert counts.skipped == 2


@pytest.mark.parametrize(("score", "n"), [(True, 1), (5, True), (5.0, 1), (5, 1.5), ("5", 1), (None, 1)])
def test_only_whole_numbers_are_counted(score: object, n: object) -> None:
    counts = ScoreCounts()
    with pytest.raises(ScoreError):
        counts.add(score, n)  # type: ignore[arg-type]
    assert counts.n == 0


def test_exact_at_a_trillion() -> None:
    counts = ScoreCounts({10: 10**12 + 1, 0: 10**12})
    assert counts.n == 2 * 10**12 + 1
    assert counts.merge(counts)[10] == 2 * 10**12 + 2


def test_merging_leaves_both_as_they_were() -> None:
    a, b = ScoreCounts({9: 1}, skipped=1), ScoreCounts({9: 2, 3: 1})
    merged = a.merge(b)
    merged.add(9)
    assert (a, b) == (ScoreCounts({9: 1}, skipped=1), ScoreCounts({9: 2, 3: 1}))
    assert merged == ScoreCounts({3: 1, 9: 4}, skipped=1)


@settings(deadline=None)
@given(score_counts, score_counts, score_counts)
def test_merging_is_addition(a: ScoreCounts, b: ScoreCounts, c: ScoreCounts) -> None:
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(ScoreCounts()) == a
    assert a.merge(b).n == a.n + b.n


@settings(deadline=None)
@given(score_counts)
def test_json_round_trip(counts: ScoreCounts) -> None:
    assert ScoreCounts.from_json(json.loads(json.dumps(counts.to_json()))) == counts


@settings(deadline=None)
@given(st.lists(st.integers(0, 10) | st.none()), st.data())
def test_erasing_every_answer_in_any_order_leaves_nothing(scores: list[int | None], data: st.DataObject) -> None:
    counts = ScoreCounts.of(scores)
    for score in data.draw(st.permutations(scores)):
        if score is None:
            counts.skip(-1)
        else:
            counts.add(score, -1)
    assert counts == ScoreCounts()


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"counts": {}},
        {"counts": [], "skipped": 0},
        {"counts": {}, "skipped": -1},
        {"counts": {}, "skipped": True},
        {"counts": {}, "skipped": 0, "more": 1},
        {"counts": {"9": -1}, "skipped": 0},
        {"counts": {"9": 1.0}, "skipped": 0},
        {"counts": {"09": 1}, "skipped": 0},
        {"counts": {"--9": 1}, "skipped": 0},
        {"counts": {"٩": 1}, "skipped": 0},
        {"counts": {"": 1}, "skipped": 0},
        {"counts": {9: 1}, "skipped": 0},
    ],
)
def test_from_json_refuses(value: object) -> None:
    with pytest.raises(ScoreError):
        ScoreCounts.from_json(value)


def test_split_and_distribution() -> None:
    counts = ScoreCounts({0: 1, 6: 1, 7: 1, 8: 1, 9: 2, 10: 3})
    assert split(counts, NPS_0_10) == Split(positive=5, neutral=2, negative=2)
    assert ScoreCounts({4: 7}).distribution(CSAT_1_5) == ((1, 0), (2, 0), (3, 0), (4, 7), (5, 0))


def test_answers_off_the_scale_are_refused_not_dropped() -> None:
    blanks = ScoreCounts({10: 872, 11: 84})
    for figure in (lambda: split(blanks, NPS_0_10), lambda: blanks.distribution(NPS_0_10)):
        with pytest.raises(ScoreError, match="84 answers of 11 are not on the scale 0-10"):
            figure()
