import math

import numpy as np
import pytest
from scipy import integrate, stats

from rramsim.statistics.lognormal import fit_lognormal
from rramsim.statistics.tails import MIXTURE, PARETO, count_tail, fit_body, fit_two, model_tail


def two(cells, share, seed, *, mu=9.0, sigma=0.3):
    rng = np.random.default_rng(seed)
    x = rng.normal(12.0, 0.5, cells)
    second = int(cells * share)
    x[:second] = rng.normal(mu, sigma, second)
    return x


def body_of(state):
    return fit_body(state.resistance, state.censoring, state.fit)


def test_two_populations_are_told_apart_with_their_weight(state_of):
    x = two(4096, 0.03, 1)
    state = state_of(x)
    body = body_of(state)
    weight, means, sigmas = fit_two(-x, mu=-body.mu, sigma=body.sigma)
    assert weight == pytest.approx(0.03, abs=0.002)
    assert -means == pytest.approx([12.0, 9.0], abs=0.1)
    assert sigmas == pytest.approx([0.5, 0.3], rel=0.2)
    second, beyond = model_tail(x, body=body, limit=9.2, is_lower=True)
    assert second == pytest.approx(weight)
    expected = 0.03 * stats.norm.cdf(0.2 / 0.3)
    assert (beyond.basis, beyond.bound) == (MIXTURE, "")
    assert beyond.estimate == pytest.approx(expected, rel=0.15)


def test_lrs_is_the_mirror_of_hrs(state_of):
    x = two(2048, 0.05, 2)
    state, mirrored = state_of(x), state_of(-x)
    _, one = model_tail(x, body=body_of(state), limit=9.5, is_lower=True)
    _, other = model_tail(
        -x,
        body=body_of(mirrored),
        limit=-9.5,
        is_lower=False,
    )
    assert other.estimate == pytest.approx(one.estimate, rel=1e-6)


def test_nothing_is_claimed_below_one_reading_in_n(state_of):
    x = two(1024, 0.02, 3)
    state = state_of(x)
    _, model = model_tail(x, body=body_of(state), limit=5.0, is_lower=True)
    assert math.isnan(model.estimate)
    assert (model.bound, model.high) == ("upper", 1 / 1024)


def test_the_test_of_a_tail_is_binomial_over_what_is_open_of_the_body():
    x = np.random.default_rng(6).normal(12.0, 0.5, 40)
    body = fit_lognormal(np.exp(x))
    x[:2] = body.mu - 4.0 * body.sigma
    found = count_tail(x, np.zeros(40, int), body, is_lower=True)
    # Closed form: Var z = (1 + z**2 / 2) / n of the distance of the tail in sigmas.
    error = math.sqrt((1 + 9 / 2) / 40)
    expected, _ = integrate.quad(
        lambda e: stats.norm.pdf(e) * stats.binom.sf(1, 40, stats.norm.sf(3 + error * e)), -8, 8
    )
    assert (found.beyond, found.readings) == (2, 40)
    assert found.p_value == pytest.approx(expected, rel=1e-3)
    assert found.p_value > 2 * stats.binom.sf(1, 40, stats.norm.sf(3))


def test_a_pareto_tail_is_found_with_its_rate(state_of):
    """A normal body whose worst 5 % in HRS fall off exponentially."""
    rng = np.random.default_rng(4)
    x = np.sort(rng.normal(12.0, 0.5, 20_000))
    x[:1000] = x[1000] - rng.exponential(0.4, 1000)
    state = state_of(x)
    at = x[1000] - 1.6
    weight, model = model_tail(x, body=body_of(state), limit=at, is_lower=True)
    assert model.basis == PARETO
    assert weight == pytest.approx(0.05)
    assert model.estimate == pytest.approx(0.05 * math.exp(-4), rel=0.3)
    _, inside = model_tail(x, body=body_of(state), limit=12.0, is_lower=True)
    assert inside.estimate == pytest.approx(np.mean(x < 12.0))


def test_a_spike_or_too_few_cells_are_no_second_population(state_of):
    x = np.random.default_rng(5).normal(12.0, 0.5, 1000)
    x[:2] = 9.0
    assert fit_two(-x, mu=-12.0, sigma=0.5) is None
    x[:6] = 9.0
    assert fit_two(-x, mu=-12.0, sigma=0.5) is None
