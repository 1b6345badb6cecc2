import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bot.scoring.distributions import normal_p, t_p, t_quantile, t_tail, two_sided_t, two_sided_z

DF = [1, 1.3, 2, 2.5, 3, 5.5, 9, 10, 29, 99.9, 100, 100.1, 500, 999, 1000, 1001, 5e3, 1e5, 999_999, 1e6, 1e8, 1e12]


@pytest.mark.parametrize("df", DF)
@pytest.mark.parametrize("p", [0.01, 0.2, 0.5001, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9995, 0.999995, 1 - 1e-9])
def test_t_quantile_as_in_scipy(p: float, df: float) -> None:
    assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-9)


@pytest.mark.parametrize("df", DF)
@pytest.mark.parametrize("t", [0, 1e-3, 0.3, 1, 1.96, 3, 7, 30])
def test_t_p_as_in_scipy(t: float, df: float) -> None:
    assert t_p(t, df) == pytest.approx(2 * stats.t.sf(t, df), rel=1e-9, abs=1e-20)
    assert t_p(-t, df) == t_p(t, df)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.001, 0.999999), st.floats(1, 1e7))
def test_tail_of_the_quantile_is_the_probability(p: float, df: float) -> None:
    assert 1 - t_tail(t_quantile(p, df), df) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(
    ("df", "critical"),
    [(1, 12.706204736), (2, 4.302652730), (9, 2.262157163), (29, 2.045229642), (120, 1.979930405)],
)
def test_t_table(df: int, critical: float) -> None:
    assert two_sided_t(0.95, df) == pytest.approx(critical, abs=1e-9)


def test_the_median_is_zero_and_infinity_has_no_tail() -> None:
    assert t_quantile(0.5, 7) == 0
    assert t_p(1e-8, 1) == pytest.approx(1 - 2e-8 / math.pi, rel=1e-15)
    assert t_tail(math.inf, 7) == 0
    assert t_tail(1e200, 1) == pytest.approx(0, abs=1e-199)


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95, 0.99, 0.999999])
def test_z_as_in_scipy(confidence: float) -> None:
    z = two_sided_z(confidence)
    assert z == pytest.approx(stats.norm.isf((1 - confidence) / 2), rel=1e-9)
    assert normal_p(z) == pytest.approx(1 - confidence, rel=1e-8)


@pytest.mark.parametrize("confidence", [-1, 0, 1, 95, math.nan])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        two_sided_z(confidence)


@pytest.mark.parametrize("df", [0, 0.5, -1, math.nan])
def test_too_few_degrees_of_freedom(df: float) -> None:
    with pytest.raises(ValueError, match="too few degrees of freedom"):
        t_quantile(0.975, df)
