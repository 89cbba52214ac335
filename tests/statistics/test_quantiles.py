import numpy as np
import pytest
from scipy import stats

from rramsim.statistics.quantiles import normal_quantiles, sample_percentiles


def test_without_censoring_reading_i_of_n_stands_at_i_minus_a_half():
    resistance = np.random.default_rng(1).permutation(np.arange(1.0, 101.0))
    expected = stats.norm.ppf((resistance - 0.5) / 100)
    assert normal_quantiles(resistance, np.zeros(100, int)) == pytest.approx(expected, abs=1e-12)


def test_censoring_at_the_ends_leaves_the_others_where_they_were():
    resistance = np.arange(1.0, 101.0)
    full = normal_quantiles(resistance, np.zeros(100, int))
    side = np.where(resistance <= 10, -1, np.where(resistance > 70, 1, 0))
    cut = normal_quantiles(np.clip(resistance, 10, 70), side)
    exact = side == 0
    assert cut[exact] == pytest.approx(full[exact], abs=1e-12)
    assert cut[side == 1] == pytest.approx(stats.norm.ppf(0.7), abs=1e-12)


def test_censoring_in_the_middle_is_the_product_limit_estimate():
    rng = np.random.default_rng(2)
    life, limit = rng.lognormal(9, 0.6, 200), rng.lognormal(9.3, 0.5, 200)
    over = life > limit
    value = np.minimum(life, limit)
    after = 1 - stats.ecdf(stats.CensoredData.right_censored(value, over)).sf.evaluate(value)
    before = np.array([max((a for a in after if a < own - 1e-12), default=0.0) for own in after])
    found = stats.norm.cdf(normal_quantiles(value, over.astype(int)))
    assert found[~over] == pytest.approx(((before + after) / 2)[~over], abs=1e-12)


def test_without_limits_they_are_numpys():
    ohm = np.random.default_rng(1).lognormal(10, 1, 57)
    expected = np.percentile(ohm, (5, 50, 95))
    assert sample_percentiles(ohm, np.zeros(57, dtype=int)) == pytest.approx(expected)


def test_a_percentile_among_the_limits_is_unknown():
    ohm = np.array([1e3] * 4 + [2e4] * 20 + [1e8] * 6)
    side = np.repeat([-1, 0, 1], [4, 20, 6])
    low, middle, high = sample_percentiles(ohm, side)
    assert np.isnan(low)
    assert middle == 2e4
    assert np.isnan(high)


def test_a_limit_inside_the_readings_leaves_open_what_it_may_be_above():
    # At least 2e4 may be above all others, so the highest reading is not 9e4.
    found = sample_percentiles([1e4, 2e4, 9e4], [0, 1, 0], (0, 50, 100))
    assert found[0] == 1e4
    assert np.isnan(found[1:]).all()
