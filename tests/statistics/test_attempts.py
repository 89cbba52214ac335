import numpy as np
import pytest
from scipy import stats

from rramsim.errors import InputError
from rramsim.statistics.attempts import below_after_attempts, fit_attempts


@pytest.mark.slow
def test_geometric_attempts_have_the_maximum_likelihood_of_the_geometric():
    attempts = np.random.default_rng(1).geometric(0.6, 4000)
    fit = fit_attempts(attempts)
    assert fit.miss == pytest.approx(1 - 1 / attempts.mean())
    assert fit.alike([1, 2, 5]) == pytest.approx(fit.miss ** np.array([1, 2, 5]))
    # No difference between units, or none that shows.
    assert fit.gain < stats.chi2.ppf(0.99, 1)
    assert fit.unlike(3) == pytest.approx(0.4**3, rel=0.15)


@pytest.mark.slow
def test_units_that_differ_leave_what_the_beta_geometric_law_says():
    rng = np.random.default_rng(2)
    attempts = rng.geometric(rng.beta(2.0, 1.0, 20000))
    fit = fit_attempts(attempts)
    assert (fit.a, fit.b) == pytest.approx((2.0, 1.0), rel=0.15)
    # E[p^K] of Beta(2, 1) is 2 / ((K + 1) (K + 2)).
    for count in (1, 5, 20):
        assert fit.unlike(count) == pytest.approx(2 / ((count + 1) * (count + 2)), rel=0.15)
    assert fit.unlike(20) > 1000 * fit.alike(20)
    assert fit.gain > 100


@pytest.mark.slow
def test_a_limit_of_attempts_is_no_success():
    attempts = np.random.default_rng(3).geometric(0.5, 5000)
    capped = np.minimum(attempts, 3)
    fit = fit_attempts(capped, capped == 3)
    assert fit.miss == pytest.approx(0.5, abs=0.02)
    assert fit_attempts(capped).miss < 0.45


@pytest.mark.parametrize("attempts", [[], [0, 1], [1.5]])
def test_attempts_are_whole_numbers_from_one_on(attempts):
    with pytest.raises(InputError, match="whole numbers from 1"):
        fit_attempts(attempts)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_without_noise_only_the_last_attempt_is_read_below_the_level(most):
    found = below_after_attempts(0.0, mu=2.0, sigma=1.0, verify=0.5, noise=0.0, most=most)
    missed = stats.norm.cdf(-1.5) ** (most - 1) if most > 1 else 1.0
    assert found == pytest.approx(missed * stats.norm.cdf(-2.0))


def test_cells_that_all_need_one_attempt_leave_nothing():
    fit = fit_attempts(np.ones(50))
    assert (fit.miss, float(fit.alike(1)), float(fit.unlike(1))) == (
        0.0,
        0.0,
        pytest.approx(0.0, abs=1e-4),
    )
