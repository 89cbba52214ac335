import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import lfilter

from rramsim.statistics.autocorrelation import Series, error_effect, series_of


def autoregressive(size, coefficient, seed):
    """Return a stationary series of variance 1, each reading going on from the one before."""
    noise = np.random.default_rng(seed).standard_normal(size + 200)
    return np.sqrt(1 - coefficient**2) * lfilter([1], [1, -coefficient], noise)[200:]


@pytest.mark.parametrize("coefficient", [0.0, 0.3, 0.6, 0.9])
def test_a_series_counts_as_many_readings_as_the_closed_form_says(coefficient):
    found = [series_of(autoregressive(5000, coefficient, seed)) for seed in range(20)]
    mean = 5000 * (1 - coefficient) / (1 + coefficient)
    spread = 5000 * (1 - coefficient**2) / (1 + coefficient**2)
    assert np.median([each.for_mean for each in found]) == pytest.approx(mean, rel=0.06)
    assert np.median([each.for_spread for each in found]) == pytest.approx(spread, rel=0.06)
    assert np.median([each.lag_one for each in found]) == pytest.approx(coefficient, abs=0.02)


def test_a_drift_is_worth_few_readings():
    x = np.linspace(0, 3, 2000) + np.random.default_rng(1).standard_normal(2000)
    assert series_of(x).for_mean < 100


def test_readings_that_alternate_count_no_more_than_their_number():
    x = np.tile([1.0, -1.0], 100) + 0.1 * np.random.default_rng(2).standard_normal(200)
    found = series_of(x)
    assert found.for_mean == 200
    assert found.lag_one < -0.9


def test_one_value_again_and_again_has_no_correlation():
    found = series_of(np.full(50, 3.0))
    assert (found.for_mean, found.for_spread, found.lag_one) == (50, 50, 0)


@settings(max_examples=25)
@given(
    st.integers(10, 300),
    st.floats(-0.95, 0.95),
    st.floats(1e-3, 1e3),
    st.floats(-1e3, 1e3),
    st.integers(0, 100),
)
def test_neither_unit_nor_origin_changes_what_a_series_is_worth(size, coefficient, unit, at, seed):
    x = autoregressive(size, coefficient, seed)
    here, there = series_of(x), series_of(at + unit * x)
    assert there.for_mean == pytest.approx(here.for_mean, rel=1e-3)
    assert 0 < here.for_mean <= size
    assert 0 < here.for_spread <= size


@pytest.mark.parametrize(("rho", "rate"), [(0.5, 0.03), (0.9, 1e-3), (-0.4, 0.2), (0.999, 0.1)])
def test_errors_go_together_as_two_normal_readings_beyond_a_limit_do(rho, rate):
    series = Series(1000, np.array([1.0, rho]), 1000.0, 1000.0)
    z = stats.norm.ppf(rate)
    both = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([z, z])
    together = (both - rate**2) / (rate * (1 - rate))
    expected = max(1.0, 1 + 2 * 0.999 * together)
    assert error_effect(series, rate) == pytest.approx(expected, rel=2e-3)


def test_errors_of_a_rate_farther_out_go_together_less():
    series = series_of(autoregressive(3000, 0.8, 1))
    effects = [error_effect(series, rate) for rate in (0.3, 0.03, 1e-4, 1e-8)]
    assert effects == sorted(effects, reverse=True)
    assert 1.0 <= effects[-1] < effects[0] < 9
