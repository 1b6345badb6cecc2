import pytest

from bot.scoring.counts import ScoreCounts
from bot.scoring.display import display, worded
from bot.scoring.estimates import Unit, csat, nps, proportion


@pytest.mark.parametrize(
    ("n", "text", "tag", "comparable"),
    [
        (0, "no answers", "no data", False),
        (1, "n=1", "counts only", False),
        (9, "n=9", "counts only", False),
        (10, "80% [49%, 94%] n=10, low base", "low base", False),
        (29, "79% [62%, 90%] n=29, low base", "low base", False),
        (30, "80% [63%, 90%] n=30", None, True),
    ],
)
def test_the_small_n_rule(n: int, text: str, tag: str | None, comparable: bool) -> None:
    shown = display(proportion(round(0.8 * n), n, skipped=2))
    assert (shown.text, shown.tag, shown.comparable) == (text, tag, comparable)
    assert (shown.n, shown.skipped) == (n, 2)
    assert (shown.value is None) == (n < 10) == (shown.interval is None)


def test_real_segments() -> None:
    # San Francisco Airport, 2017, by language.
    english = {0: 16, 1: 5, 2: 5, 3: 17, 4: 16, 5: 130, 6: 122, 7: 271, 8: 626, 9: 538, 10: 839}
    chinese = {0: 1, 2: 3, 3: 1, 4: 2, 5: 12, 6: 8, 7: 19, 8: 45, 9: 13, 10: 10}
    japanese = {5: 1, 8: 1, 9: 1, 10: 1}
    assert display(nps(ScoreCounts(english)).score).text == "+41 [+39, +44] n=2585"
    assert display(nps(ScoreCounts(chinese)).score).text == "-4 [-15, +9] n=114"
    assert display(nps(ScoreCounts(japanese)).score).text == "n=4"


def test_a_mean_whose_answers_are_all_equal_has_no_interval_to_show() -> None:
    shown = display(csat(ScoreCounts({5: 40})).mean)
    assert (shown.value, shown.interval, shown.text) == ("5.00", None, "5.00 n=40")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.0, "points", "+100"),
        (-1.0, "points", "-100"),
        (0.0, "points", "0"),
        (-0.0, "points", "0"),
        (-0.0049, "points", "0"),
        (-0.005, "points", "-1"),
        (29 / 200, "points", "+15"),
        (-29 / 200, "points", "-15"),
        (1.0, "percent", "100%"),
        (0.0, "percent", "0%"),
        (13 / 200, "percent", "7%"),
        (1.005, "score", "1.01"),
        (4.0, "score", "4.00"),
        (10.0, "score", "10.00"),
    ],
)
def test_rounding_is_half_away_from_zero_of_the_true_value(value: float, unit: Unit, text: str) -> None:
    assert worded(value, unit) == text
