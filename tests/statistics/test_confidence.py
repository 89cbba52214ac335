import math

import numpy as np
import pytest
from scipy import stats

from rramsim.statistics.confidence import (
    binomial_p_value,
    clopper_pearson,
    clopper_pearson_ends,
    excess_p_values,
    mean_of_resamples,
    populations_left_open,
    spread_points,
)
from rramsim.statistics.lognormal import fit_lognormal


def test_the_interval_of_a_mean_is_students():
    values = [0.91, 0.95, 0.92, 0.97, 0.90]
    mean, deviation, half = mean_of_resamples(values)
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high), rel=1e-12)
    assert deviation == pytest.approx(np.std(values, ddof=1), rel=1e-12)


@pytest.mark.parametrize("log2_points", [2, 9, 12])
@pytest.mark.parametrize("dimensions", range(1, 7))
def test_spread_points_are_sobols_half_a_step_off_the_lattice(dimensions, log2_points):
    sobol = stats.qmc.Sobol(dimensions, scramble=False).random_base2(log2_points)
    assert np.array_equal(spread_points(dimensions, log2_points), sobol.T + 0.5 / 2**log2_points)


def test_equal_values_have_no_spread_at_all():
    assert mean_of_resamples([0.1] * 7) == (0.1, 0.0, 0.0)


def test_one_value_is_refused():
    with pytest.raises(ValueError, match="two or more"):
        mean_of_resamples([0.5])


def test_what_parts_of_one_sample_share_widens_the_interval():
    values = [0.91, 0.95, 0.92, 0.97]
    plain, shared = mean_of_resamples(values)[2], mean_of_resamples(values, test_by_train=1 / 3)[2]
    assert shared / plain == pytest.approx(math.sqrt((1 / 4 + 1 / 3) / (1 / 4)))


@pytest.mark.slow
@pytest.mark.parametrize("shared", [0.0, 0.25])
def test_the_mean_is_in_its_interval_in_95_of_100_cases(shared):
    # Values of unit variance with a part in common whose variance is `shared` of it: then
    # the law is exactly Student's. Four standard errors of a share of 4,000.
    rng, inside = np.random.default_rng(5), 0
    for _ in range(4000):
        values = rng.standard_normal(5) + math.sqrt(shared) * rng.standard_normal()
        mean, _, half = mean_of_resamples(values.tolist(), test_by_train=shared)
        inside += abs(mean) <= half
    assert abs(inside / 4000 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.parametrize(("errors", "readings"), [(0, 20), (3, 40), (20, 20), (700, 100_000)])
def test_the_exact_test_refuses_what_the_exact_interval_leaves_out(errors, readings):
    for end in clopper_pearson(errors, readings):
        if 0 < end < 1:
            assert binomial_p_value(errors, readings, end) == pytest.approx(0.05, rel=1e-6)
    tails = stats.binom.cdf(errors, readings, 0.1), stats.binom.sf(errors - 1, readings, 0.1)
    assert binomial_p_value(errors, readings, 0.1) == pytest.approx(min(1, 2 * min(tails)))


@pytest.mark.parametrize(("errors", "readings"), [(0, 40), (3, 40), (9, 40), (40, 40)])
def test_a_rate_that_follows_a_beta_law_makes_the_test_beta_binomial(errors, readings):
    # Evenly spaced quantiles stand for the law.
    rates = stats.beta(4.0, 36.0).ppf((np.arange(20_000) + 0.5) / 20_000)
    law = stats.betabinom(readings, 4.0, 36.0)
    tails = law.cdf(errors), law.sf(errors - 1)
    found = binomial_p_value(errors, readings, rates)
    assert found == pytest.approx(min(1.0, 2.0 * min(tails)), rel=1e-3, abs=1e-12)
    # Where the rate is open, a count far from its mean is less strange.
    if errors in (9, 40):
        assert found > binomial_p_value(errors, readings, 0.1)


def test_draws_of_one_rate_are_that_rate():
    assert binomial_p_value(7, 90, np.full(64, 0.03)) == pytest.approx(
        binomial_p_value(7, 90, 0.03)
    )


def test_many_intervals_at_once_are_the_single_ones():
    errors, readings = np.array([[0, 1], [7, 5]]), np.array([[0, 1], [90, 5]])
    found = np.stack(clopper_pearson_ends(errors, readings), axis=-1)
    single = [clopper_pearson(*one) for one in np.stack([errors, readings], axis=-1).reshape(-1, 2)]
    assert np.array_equal(found.reshape(-1, 2), single, equal_nan=True)


def test_an_excess_is_the_upper_tail():
    errors, readings, rates = np.array([0, 2, 5]), np.array([5, 9, 5]), np.array([0.1, 0.2, 0.3])
    expected = stats.binom(readings, rates).sf(errors - 1)
    assert excess_p_values(errors, readings, rates) == pytest.approx(expected)


@pytest.mark.parametrize("limit", [math.inf, 0.3, -0.3])
def test_populations_left_open_have_the_covariance_of_the_fit_censored_or_not(limit):
    x = np.random.default_rng(6).normal(0.1, 1.0, 2000)
    fit = fit_lognormal(np.exp(np.minimum(x, limit)), (x > limit).astype(int))
    mu, sigma = populations_left_open(fit.mu, fit.sigma, fit.covariance)
    found = np.cov(mu / sigma, 1 / sigma)
    assert np.diag(found) == pytest.approx(np.diag(fit.covariance), rel=0.01)
    between = found[0, 1] / math.sqrt(found[0, 0] * found[1, 1])
    expected = fit.covariance[0, 1] / math.sqrt(np.prod(np.diag(fit.covariance)))
    assert between == pytest.approx(expected, abs=0.01)
