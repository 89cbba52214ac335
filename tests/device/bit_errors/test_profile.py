import math

import numpy as np
import pytest
from scipy import optimize, stats

from rramsim.device.bit_errors.sensing import (
    StatePair,
    best_reference,
    log_bit_error_rate,
    log_bit_error_rate_interval,
    log_bit_error_rate_profile,
)
from rramsim.statistics.lognormal import fit_lognormal


def fitted(lrs, hrs):
    fits = [fit_lognormal(np.exp(x), side) for x, side in (lrs, hrs)]
    pair = StatePair(fits[0].mu, fits[0].sigma, fits[1].mu, fits[1].sigma)
    return pair, fits, best_reference(pair)[0]


def sample(cells, seed, *, limit=math.inf):
    rng = np.random.default_rng(seed)
    lrs, hrs = rng.normal(9.0, 0.3, cells), rng.normal(10.8, 0.6, cells)
    exact = np.zeros(cells, dtype=int)
    return (lrs, exact), (np.minimum(hrs, limit), (hrs > limit).astype(int))


@pytest.mark.parametrize("limit", [math.inf, 11.0])
def test_the_ends_are_where_a_constrained_search_over_all_four_parameters_finds_them(limit):
    lrs, hrs = sample(10, 3, limit=limit)
    pair, _, at = fitted(lrs, hrs)

    def loss(parameters):
        mu_l, log_l, mu_h, log_h = parameters
        total = -stats.norm.logpdf(lrs[0], mu_l, math.exp(log_l)).sum()
        over = hrs[1] == 1
        total -= stats.norm.logpdf(hrs[0][~over], mu_h, math.exp(log_h)).sum()
        return total - stats.norm.logsf(hrs[0][over], mu_h, math.exp(log_h)).sum()

    def log_ber(parameters):
        mu_l, log_l, mu_h, log_h = parameters
        return log_bit_error_rate(at, StatePair(mu_l, math.exp(log_l), mu_h, math.exp(log_h)))

    best = [pair.mu_lrs, math.log(pair.sigma_lrs), pair.mu_hrs, math.log(pair.sigma_hrs)]
    most = loss(best) + stats.chi2.ppf(0.95, 1) / 2
    ends = log_bit_error_rate_profile(at, lrs=lrs, hrs=hrs)
    for sign, end in zip((1, -1), ends, strict=True):
        found = optimize.minimize(
            lambda p, sign=sign: sign * log_ber(p),
            best,
            method="SLSQP",
            bounds=[(value - 3, value + 3) for value in best],
            constraints={"type": "ineq", "fun": lambda p: most - loss(p)},
            options={"ftol": 1e-9, "maxiter": 500},
        )
        assert found.success
        assert end == pytest.approx(sign * found.fun, rel=2e-3)


def test_with_many_cells_it_is_the_delta_method():
    lrs, hrs = sample(4000, 4)
    pair, fits, at = fitted(lrs, hrs)
    delta = log_bit_error_rate_interval(
        at, pair, covariance_lrs=fits[0].covariance, covariance_hrs=fits[1].covariance
    )
    assert log_bit_error_rate_profile(at, lrs=lrs, hrs=hrs) == pytest.approx(delta, abs=0.02)


def test_the_mirrored_states_with_their_shares_exchanged_have_the_same_interval():
    lrs, hrs = sample(8, 5)
    one = log_bit_error_rate_profile(9.9, lrs=lrs, hrs=hrs, lrs_share=0.3)
    other = log_bit_error_rate_profile(
        -9.9, lrs=(-hrs[0], -hrs[1]), hrs=(-lrs[0], -lrs[1]), lrs_share=0.7
    )
    assert other == pytest.approx(one, rel=1e-4)


def test_three_cells_far_apart_keep_a_finite_interval():
    lrs = np.array([8.9, 9.0, 9.1]), np.zeros(3, int)
    hrs = np.array([20.0, 20.1, 20.3]), np.zeros(3, int)
    low, high = log_bit_error_rate_profile(14.0, lrs=lrs, hrs=hrs)
    assert -math.inf < low < high < math.log(0.5)
