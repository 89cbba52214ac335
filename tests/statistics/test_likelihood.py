import math

import numpy as np
import pytest
from scipy import stats

from rramsim.statistics.likelihood import group, log_likelihood, log_share, maximise, slopes

LOW = np.array([1.0, 2.0, -np.inf, -np.inf, 0.5, 0.5, 2.5])
HIGH = np.array([1.0, 2.0, 0.3, 0.3, np.inf, 1.5, 2.6])


def test_the_likelihood_is_scipys_up_to_its_constant():
    g, h = 0.7, 1.3
    readings = group(LOW, HIGH)
    assert (readings.exact, readings.counts.tolist()) == (2, [2.0, 1.0, 1.0, 1.0])
    exact = LOW == HIGH
    z_low, z_high = h * LOW - g, h * HIGH - g
    expected = stats.norm.logpdf(z_low[exact]).sum() + 2 * math.log(h) + math.log(2 * math.pi)
    expected += np.log(stats.norm.cdf(z_high[~exact]) - stats.norm.cdf(z_low[~exact])).sum()
    assert log_likelihood(readings, g, h) == pytest.approx(expected, rel=1e-12)


def test_slopes_are_the_differences_of_the_likelihood():
    readings, step = group(LOW, HIGH), 1e-4
    at = np.array([0.7, 1.3])
    gradient, information = slopes(readings, *at)
    for i, e in enumerate(step * np.eye(2)):
        up, down = log_likelihood(readings, *(at + e)), log_likelihood(readings, *(at - e))
        assert gradient[i] == pytest.approx((up - down) / (2 * step), rel=1e-6)
        change = slopes(readings, *(at + e))[0] - slopes(readings, *(at - e))[0]
        assert information[i] == pytest.approx(-change / (2 * step), rel=1e-6)


def test_shares_far_out_in_both_tails_keep_their_digits():
    low = np.array([20.0, -20.5, -np.inf, 300.0, -1e-9])
    high = np.array([20.5, -20.0, -300.0, np.inf, 1e-9])
    found = log_share(low, high)
    assert found[0] == found[1]
    beyond = math.exp(stats.norm.logsf(20.5) - stats.norm.logsf(20.0))
    assert found[0] == pytest.approx(stats.norm.logsf(20.0) + math.log1p(-beyond), rel=1e-12)
    assert found[2] == found[3] == pytest.approx(stats.norm.logsf(300.0))
    assert found[4] == pytest.approx(math.log(2e-9 / math.sqrt(2 * math.pi)), rel=1e-6)


def test_the_maximum_has_no_slope_wherever_the_climb_begins():
    readings = group(LOW, HIGH)
    found = [maximise(readings, g=g, h=h)[:2] for g, h in ((0.0, 1.0), (3.0, 0.1), (-5.0, 7.0))]
    assert found[1] == pytest.approx(found[0], rel=1e-7)
    assert found[2] == pytest.approx(found[0], rel=1e-7)
    assert slopes(readings, *found[0])[0] == pytest.approx([0.0, 0.0], abs=1e-8)
