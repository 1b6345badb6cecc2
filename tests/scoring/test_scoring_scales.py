import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.scoring.scales import (
    CES_1_7,
    CSAT_1_5,
    CSAT_1_10,
    NPS_0_10,
    THUMBS_0_1,
    Band,
    Scale,
    ScoreError,
    band,
    parse_score,
)

SCALES = [NPS_0_10, CSAT_1_5, CSAT_1_10, CES_1_7, THUMBS_0_1]
P, A, D = Band.PROMOTER, Band.PASSIVE, Band.DETRACTOR
S, N, X = Band.SATISFIED, Band.NEUTRAL, Band.DISSATISFIED


@pytest.mark.parametrize(
    ("scale", "bands"),
    [
        pytest.param(NPS_0_10, [D, D, D, D, D, D, D, A, A, P, P], id="nps"),
        pytest.param(CSAT_1_5, [X, X, N, S, S], id="csat-5"),
        pytest.param(CSAT_1_10, [X, X, X, X, N, N, N, N, S, S], id="csat-10"),
        pytest.param(CES_1_7, [X, X, X, N, S, S, S], id="ces"),
        pytest.param(CES_1_7.mirrored(), [S, S, S, N, X, X, X], id="ces-effort"),
        pytest.param(THUMBS_0_1, [X, S], id="thumbs"),
        pytest.param(
            Scale(low=0, high=10, positive=frozenset({8, 9, 10}), negative=frozenset({0})),
            [X, N, N, N, N, N, N, N, S, S, S],
            id="0-10-that-is-no-nps",
        ),
    ],
)
def test_bands(scale: Scale, bands: list[Band]) -> None:
    assert [band(score, scale) for score in range(scale.low, scale.high + 1)] == bands


@pytest.mark.parametrize("score", [-1, 11, True])
def test_band_refuses_what_is_no_score(score: int) -> None:
    with pytest.raises(ScoreError):
        band(score, NPS_0_10)


@pytest.mark.parametrize("scale", SCALES)
def test_mirrored_twice_is_the_same(scale: Scale) -> None:
    assert scale.mirrored() != scale
    assert scale.mirrored().mirrored() == scale


@pytest.mark.parametrize(
    ("low", "high", "positive", "negative", "high_is_good", "message"),
    [
        (5, 1, {4}, {2}, True, "a scale runs upwards, not from 5 to 1"),
        (1, 1, {1}, set(), True, "a scale runs upwards, not from 1 to 1"),
        (1, 5, set(), {1}, True, "a scale needs at least one positive score"),
        (1, 5, {6}, {1}, True, "6 is banded but not on the scale 1-5"),
        (1, 5, {5}, {0}, True, "0 is banded but not on the scale 1-5"),
        (1, 5, {3, 4}, {1, 3}, True, "every positive score must lie above every negative one"),
        (1, 7, {5, 6, 7}, {1, 2, 3}, False, "every positive score must lie below every negative one"),
    ],
)
def test_impossible_scales(
    low: int, high: int, positive: set[int], negative: set[int], high_is_good: bool, message: str
) -> None:
    with pytest.raises(ScoreError, match=f"^{message}$"):
        Scale(
            low=low,
            high=high,
            positive=frozenset(positive),
            negative=frozenset(negative),
            high_is_good=high_is_good,
        )


@pytest.mark.parametrize(
    ("raw", "score"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("NA", None),
        ("na", None),
        (0, 0),
        (10, 10),
        (9.0, 9),
        ("9", 9),
        (" 9 ", 9),
        ("9.0", 9),
        ("0", 0),
    ],
)
def test_parse_score_reads(raw: object, score: int | None) -> None:
    assert parse_score(raw, NPS_0_10) == score


@pytest.mark.parametrize(
    "raw",
    [
        True,
        False,
        math.nan,
        math.inf,
        9.5,
        "9.5",
        11,
        "11",
        -1,
        "-1",
        "- 1",
        "+9",
        "9,0",
        "1e1",
        "0x9",
        "٩",
        "९",
        "９",
        "9/10",
        "nine",
        "9 9",
        "9\x00",
        "Blank",
        "9" * 5000,
        b"9",
        Decimal(9),
        [9],
        {},
    ],
)
def test_parse_score_refuses(raw: object) -> None:
    with pytest.raises(ScoreError):
        parse_score(raw, NPS_0_10)


def test_a_refusal_names_the_scale_and_quotes_little_of_the_value() -> None:
    with pytest.raises(ScoreError, match=r"^11 is not on the scale 0-10$"):
        parse_score("11", NPS_0_10)
    with pytest.raises(ScoreError) as refused:
        parse_score("x" * 65536, NPS_0_10)
    assert len(str(refused.value)) < 80


@settings(deadline=None)
@given(
    st.sampled_from(SCALES),
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.text("0123456789.- "), st.binary()),
)
def test_what_parses_is_on_the_scale(scale: Scale, raw: object) -> None:
    try:
        score = parse_score(raw, scale)
    except ScoreError:
        return
    assert score is None or (type(score) is int and scale.low <= score <= scale.high)
