import numpy as np
import pytest

from rramsim.statistics.quantiles import sample_percentiles


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
