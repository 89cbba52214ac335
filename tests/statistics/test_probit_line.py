import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from rramsim.statistics.probit_line import first_crossing, probit_line


def test_the_weighted_line_is_the_textbook_one():
    cycle, probit = np.array([10, 100, 1000, 10000.0]), np.array([-3.1, -2.8, -2.2, -2.0])
    error = np.array([0.1, 0.2, 0.1, 0.05])
    ends = [ndtr(probit + side * 1.959963984540054 * error) for side in (-1, 1)]
    line = probit_line(cycle, ndtr(probit), *ends)
    weights = 1 / error
    slope, intercept = np.polyfit(np.log10(cycle), probit, 1, w=weights)
    assert (line.intercept, line.slope) == pytest.approx((intercept, slope))
    covariance = np.polyfit(np.log10(cycle), probit, 1, w=weights, cov="unscaled")[1]
    residuals = (probit - slope * np.log10(cycle) - intercept) * weights
    widened = covariance[::-1, ::-1] * max(1.0, residuals @ residuals / 2)
    assert line.covariance == pytest.approx(widened)


def test_bounds_are_not_in_the_line():
    ber, low, high = np.array([[1e-3, 5e-4, 2e-3], [2e-3, 1e-3, 4e-3], [math.nan, math.nan, 0.1]]).T
    line = probit_line([10, 100, 1000], ber, low, high)
    assert line.points == 2
    assert line.probit(1.0) == pytest.approx(float(ndtri(1e-3)))
    assert probit_line([10], ber[:1], low[:1], high[:1]) is None


def test_the_interval_of_a_crossing_is_where_the_band_meets_the_limit():
    scores = np.array([-3.3, -2.7, -2.1])
    ends = [ndtr(scores + side * 0.2) for side in (-1, 1)]
    line = probit_line([10, 100, 1000], ndtr(scores), *ends)
    crossing, low, high = first_crossing(line, float(ndtr(-2.5)), first=10, last=1000)
    assert math.log10(crossing) == pytest.approx(1 + 0.8 / 0.6, abs=1e-6)
    assert line.probit(math.log10(low), sides=1.0) == pytest.approx(-2.5, abs=1e-5)
    assert line.probit(math.log10(high), sides=-1.0) == pytest.approx(-2.5, abs=1e-5)
    nowhere = first_crossing(line, 0.4, first=10, last=1000)
    assert all(math.isnan(value) for value in nowhere)


def test_the_covariance_of_a_line_through_points_that_go_together_is_the_sandwich():
    cycle, probit = np.array([10, 100, 1000.0]), np.array([-3.1, -2.8, -2.5])
    error = np.array([0.1, 0.2, 0.3])
    ends = [ndtr(probit + side * 1.959963984540054 * error) for side in (-1, 1)]
    correlation = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, 0.6], [0.2, 0.6, 1.0]])
    line = probit_line(cycle, ndtr(probit), *ends, correlation=correlation)
    x = np.stack([np.ones(3), [1.0, 2.0, 3.0]], axis=1)
    weight = np.diag(error**-2)
    solve = np.linalg.inv(x.T @ weight @ x) @ x.T @ weight
    expected = solve @ (correlation * np.outer(error, error)) @ solve.T
    assert line.covariance == pytest.approx(expected)
    alone = probit_line(cycle, ndtr(probit), *ends)
    assert (line.intercept, line.slope) == (alone.intercept, alone.slope)
    independent = probit_line(cycle, ndtr(probit), *ends, correlation=np.eye(3))
    assert independent.covariance == pytest.approx(alone.covariance)
