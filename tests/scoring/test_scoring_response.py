import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.scoring.estimates import proportion
from bot.scoring.response import nonresponse_bounds, response
from bot.scoring.scales import ScoreError


def test_every_rate_by_hand() -> None:
    # I 100, P 20, R 30, O 50, NC 800, U 200
    rates = response(offered=1000, seen=200, started=150, partial=20, completed=100, refused=30, unknown=200, e=0.5)
    assert rates.answered_of_offered == proportion(120, 1000)
    assert rates.answered_of_seen == proportion(120, 200)
    assert rates.completion == proportion(100, 150)
    assert (rates.rr1, rates.rr2) == (100 / 1200, 120 / 1200)
    assert (rates.rr3, rates.rr4) == (100 / 1100, 120 / 1100)
    assert (rates.rr5, rates.rr6) == (100 / 1000, 120 / 1000)
    assert (rates.coop1, rates.ref1, rates.con1) == (100 / 200, 30 / 1200, 200 / 1200)


def test_nobody_offered_is_null_not_zero() -> None:
    rates = response(offered=0, seen=0, started=0, partial=0, completed=0, refused=0)
    assert rates.answered_of_seen is not None
    for estimate in (rates.answered_of_offered, rates.answered_of_seen, rates.completion):
        assert (estimate.value, estimate.flags) == (None, ("no_data",))
    named = (rates.rr1, rates.rr2, rates.rr3, rates.rr4, rates.rr5, rates.rr6, rates.coop1, rates.ref1, rates.con1)
    assert named == (None,) * 9


def test_offered_and_silent_is_zero_not_null() -> None:
    rates = response(offered=5, seen=0, started=0, partial=0, completed=0, refused=0)
    assert (rates.answered_of_offered.value, rates.rr1, rates.con1) == (0, 0, 0)
    assert (rates.completion.value, rates.coop1) == (None, None)


def test_a_channel_without_receipts_cannot_say_who_saw_it() -> None:
    rates = response(offered=100, seen=None, started=20, partial=5, completed=10, refused=1)
    assert (rates.answered_of_seen, rates.coop1, rates.con1) == (None, None, None)
    assert (rates.answered_of_offered.value, rates.rr2) == (0.15, 0.15)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"offered": -1}, id="negative"),
        pytest.param({"refused": -1}, id="negative-refused"),
        pytest.param({"offered": 39}, id="more-seen-than-offered"),
        pytest.param({"seen": 19}, id="more-started-than-seen"),
        pytest.param({"started": 14}, id="more-answered-than-started"),
        pytest.param({"refused": 26}, id="more-refused-than-left"),
        pytest.param({"unknown": -1}, id="negative-unknown"),
        pytest.param({"seen": None, "started": 101}, id="more-started-than-offered"),
    ],
)
def test_contradictions_are_refused(wrong: dict[str, int]) -> None:
    counts = {"offered": 100, "seen": 40, "started": 20, "partial": 5, "completed": 10, "refused": 1}
    response(**counts)
    with pytest.raises(ScoreError):
        response(**{**counts, **wrong})


@pytest.mark.parametrize("e", [-0.1, 1.1, float("nan")])
def test_e_is_a_share(e: float) -> None:
    with pytest.raises(ScoreError):
        response(offered=1, seen=1, started=0, partial=0, completed=0, refused=0, e=e)


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=6, max_size=6), st.floats(0, 1))
def test_rates_are_shares_and_in_order(parts: list[int], e: float) -> None:
    completed, partial, refused, _, _, unknown = parts
    rates = response(
        offered=sum(parts[:5]),
        seen=sum(parts[:4]),
        started=completed + partial,
        partial=partial,
        completed=completed,
        refused=refused,
        unknown=unknown,
        e=e,
    )
    for strict, lenient in ((rates.rr1, rates.rr2), (rates.rr1, rates.rr3), (rates.rr3, rates.rr5), (rates.rr5, 1.0)):
        if strict is not None and lenient is not None:
            assert 0 <= strict <= lenient + 1e-12


def test_bounds_of_what_the_silent_might_have_said() -> None:
    bounds = nonresponse_bounds(positive=96, answered=120, offered=1000)
    assert bounds is not None
    assert (bounds.low, bounds.high, bounds.confidence, bounds.method) == (0.096, 0.976, 1.0, "worst_case")
    assert nonresponse_bounds(positive=0, answered=0, offered=0) is None


@pytest.mark.parametrize(("positive", "answered", "offered"), [(5, 4, 10), (1, 11, 10), (-1, 0, 10)])
def test_impossible_bounds(positive: int, answered: int, offered: int) -> None:
    with pytest.raises(ScoreError):
        nonresponse_bounds(positive=positive, answered=answered, offered=offered)
