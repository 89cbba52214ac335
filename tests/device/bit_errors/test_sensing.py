import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.special import ndtri_exp

from rramsim.device.bit_errors import sensing
from rramsim.device.bit_errors.sensing import (
    StatePair,
    best_reference,
    log_bit_error_rate,
    log_bit_error_rate_2t2r,
    log_bit_error_rate_interval,
    log_bit_error_rate_interval_of_scores,
    log_bit_error_rate_profile,
    log_misread_rates,
)
from rramsim.statistics.likelihood import log_likelihood
from rramsim.statistics.lognormal import fit_lognormal


def separated(half_separation: float, sigma: float = 0.5) -> StatePair:
    return StatePair(9.0, sigma, 9.0 + 2 * half_separation * sigma, sigma)


def best_ber(states: StatePair, lrs_share: float = 0.5) -> float:
    reference, _ = best_reference(states, lrs_share=lrs_share)
    return math.exp(log_bit_error_rate(reference, states, lrs_share=lrs_share))


state_pairs = st.builds(
    lambda mu, gap, lrs, hrs: StatePair(mu, lrs, mu + gap * (lrs + hrs), hrs),
    st.floats(5.0, 15.0),
    st.floats(1.2, 6.0),
    st.floats(0.05, 1.0),
    st.floats(0.05, 1.0),
)


@pytest.mark.parametrize(("separation", "ber"), [(3.73, 9.7e-5), (1.84, 3.3e-2)])
def test_the_papers_separations_give_its_error_rates(separation, ber):
    states = separated(separation)
    assert best_ber(states) == pytest.approx(ber, rel=0.02)
    midpoint = (states.mu_lrs + states.mu_hrs) / 2
    assert best_reference(states)[0] == pytest.approx(midpoint, abs=1e-9)


def test_a_separation_over_4_75_is_under_one_in_a_million():
    assert best_ber(separated(4.76)) < 1e-6 < best_ber(separated(4.75))


@pytest.mark.parametrize("difference", [0.0, 1e-12, 1e-7])
def test_almost_equal_spreads_give_the_midpoint(difference):
    states = StatePair(9.0, 0.5, 12.0, 0.5 + difference)
    reference, is_crossing = best_reference(states)
    assert is_crossing
    assert reference == pytest.approx(10.5, abs=1e-6)


def test_the_best_reference_solves_the_quadratic_and_no_other_does_better():
    states, share = StatePair(9.1, 0.26, 12.5, 0.7), 0.7
    found = best_reference(states, lrs_share=share)[0]
    a = 1 / states.sigma_hrs**2 - 1 / states.sigma_lrs**2
    b = 2 * (states.mu_lrs / states.sigma_lrs**2 - states.mu_hrs / states.sigma_hrs**2)
    c = (states.mu_hrs / states.sigma_hrs) ** 2 - (states.mu_lrs / states.sigma_lrs) ** 2
    c += 2 * math.log(share / (1 - share) * states.sigma_hrs / states.sigma_lrs)
    roots = np.roots([a, b, c])
    assert min(abs(roots - found)) < 1e-9
    grid = np.linspace(states.mu_lrs, states.mu_hrs, 2001)
    values = [log_bit_error_rate(r, states, lrs_share=share) for r in grid]
    assert log_bit_error_rate(found, states, lrs_share=share) <= min(values) + 1e-12


def test_without_a_crossing_the_least_ber_between_the_medians_is_found():
    states = StatePair(9.0, 1.0, 9.1, 0.05)
    reference, is_crossing = best_reference(states)
    assert not is_crossing
    grid = np.linspace(9.0, 9.1, 4001)
    least = min(log_bit_error_rate(r, states) for r in grid)
    assert log_bit_error_rate(reference, states) == pytest.approx(least, abs=1e-6)


def test_states_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="below the HRS median"):
        best_reference(StatePair(12.0, 0.5, 9.0, 0.5))


def test_tails_of_thirty_sigmas_neither_underflow_nor_break_the_interval():
    states = separated(30.0)
    reference = best_reference(states)[0]
    log_ber = log_bit_error_rate(reference, states)
    assert log_ber == pytest.approx(stats.norm.logsf(30.0), rel=1e-9)
    assert math.exp(log_ber) > 0
    covariance = fit_lognormal(np.exp(stats.norm.ppf(np.linspace(0.01, 0.99, 99)))).covariance
    for separation in (30.0, 300.0):
        states = separated(separation)
        reference = best_reference(states)[0]
        low, high = log_bit_error_rate_interval(
            reference, states, covariance_lrs=covariance, covariance_hrs=covariance
        )
        assert -math.inf < low < log_bit_error_rate(reference, states) < high < 0


def test_a_pair_of_cells_gains_a_factor_sqrt_2_in_separation():
    for separation in (1.84, 3.73, 10.0):
        assert log_bit_error_rate_2t2r(separated(separation)) == pytest.approx(
            stats.norm.logsf(math.sqrt(2) * separation), rel=1e-12
        )


def test_misread_rates_are_what_a_million_drawn_cells_show():
    states, reference = StatePair(9.0, 0.4, 10.0, 0.7), 9.6
    rng = np.random.default_rng(1)
    lrs = rng.normal(states.mu_lrs, states.sigma_lrs, 1_000_000) > reference
    hrs = rng.normal(states.mu_hrs, states.sigma_hrs, 1_000_000) <= reference
    expected = np.exp(log_misread_rates(reference, states))
    # Five standard deviations of a binomial: false alarm below 1e-6.
    allowed = 5 * np.sqrt(expected * (1 - expected) / 1e6)
    assert np.all(abs(np.array([lrs.mean(), hrs.mean()]) - expected) < allowed)
    pairs = rng.normal(9.0, 0.4, 1_000_000) > rng.normal(10.0, 0.7, 1_000_000)
    rate = math.exp(log_bit_error_rate_2t2r(states))
    assert pairs.mean() == pytest.approx(rate, abs=5 * math.sqrt(rate / 1e6))


@settings(max_examples=60, deadline=None)
@given(state_pairs, st.floats(0.1, 0.9), st.floats(-7, 7))
def test_ber_does_not_depend_on_the_unit_of_resistance(states, share, shift):
    moved = StatePair(
        states.mu_lrs + shift, states.sigma_lrs, states.mu_hrs + shift, states.sigma_hrs
    )
    one, _ = best_reference(states, lrs_share=share)
    other, _ = best_reference(moved, lrs_share=share)
    assert other - one == pytest.approx(shift, abs=1e-5)
    assert log_bit_error_rate(other, moved, lrs_share=share) == pytest.approx(
        log_bit_error_rate(one, states, lrs_share=share), rel=1e-6
    )


@settings(max_examples=60, deadline=None)
@given(state_pairs, st.floats(0.1, 0.9), st.floats(0.0, 1.0))
def test_ber_is_the_same_with_the_states_exchanged(states, share, position):
    """Mirror ln R: LRS becomes HRS, and the shares are exchanged with them."""
    mirrored = StatePair(-states.mu_hrs, states.sigma_hrs, -states.mu_lrs, states.sigma_lrs)
    at = states.mu_lrs + position * (states.mu_hrs - states.mu_lrs)
    one = log_bit_error_rate(at, states, lrs_share=share)
    other = log_bit_error_rate(-at, mirrored, lrs_share=1 - share)
    assert other == pytest.approx(one, rel=1e-9)
    assert log_bit_error_rate_2t2r(mirrored) == log_bit_error_rate_2t2r(states)


@pytest.mark.slow
@pytest.mark.parametrize("half_separation", [1.84, 3.73])
def test_the_interval_covers_the_true_ber_95_times_in_100(half_separation):
    """600 chips of 128 cells a state, the reference optimised on each, some cells censored."""
    sets, cells, rng = 600, 128, np.random.default_rng(20190408)
    states = StatePair(9.0, 0.3, 9.0 + half_separation * 1.0, 0.7)
    truth = best_ber(states)
    hits = 0
    for _ in range(sets):
        lrs = fit_lognormal(np.exp(rng.normal(states.mu_lrs, states.sigma_lrs, cells)))
        hrs_values = np.exp(rng.normal(states.mu_hrs, states.sigma_hrs, cells))
        limit = math.exp(states.mu_hrs + 0.5 * states.sigma_hrs)
        hrs = fit_lognormal(np.minimum(hrs_values, limit), (hrs_values > limit).astype(int))
        fitted = StatePair(lrs.mu, lrs.sigma, hrs.mu, hrs.sigma)
        low, high = log_bit_error_rate_interval(
            best_reference(fitted)[0],
            fitted,
            covariance_lrs=lrs.covariance,
            covariance_hrs=hrs.covariance,
        )
        hits += math.exp(low) <= truth <= math.exp(high)
    # Three binomial standard deviations around 95 %: 0.95 +- 0.027.
    assert hits / sets == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / sets))


def test_a_reference_that_varies_is_what_cells_that_vary_more_would_be():
    """A million reads against a reference with a spread of its own."""
    states, spread, at = StatePair(9.0, 0.4, 10.5, 0.5), 0.3, 9.7
    seen = states.seen_through(spread)
    assert (seen.sigma_lrs, seen.sigma_hrs) == pytest.approx((0.5, math.hypot(0.5, 0.3)))
    rng = np.random.default_rng(2)
    reference = rng.normal(at, spread, 1_000_000)
    misread = rng.normal(9.0, 0.4, 1_000_000) > reference
    expected = math.exp(log_misread_rates(at, seen)[0])
    assert misread.mean() == pytest.approx(expected, abs=5 * math.sqrt(expected / 1e6))
    offset = rng.normal(0.0, spread, 1_000_000)
    pairs = rng.normal(9.0, 0.4, 1_000_000) + offset > rng.normal(10.5, 0.5, 1_000_000)
    expected = math.exp(log_bit_error_rate_2t2r(states, offset_spread=spread))
    assert pairs.mean() == pytest.approx(expected, abs=5 * math.sqrt(expected / 1e6))


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_intervals_are_the_spread_of_refitted_samples(spread):
    """Standard errors on the probit scale against 400 samples of 200 cells, known to 3.5 %."""
    states, at = StatePair(9.0, 0.3, 11.0, 0.7), 9.9
    rng, found, claimed = np.random.default_rng(3), [], []
    for _ in range(400):
        lrs, hrs = (
            fit_lognormal(np.exp(rng.normal(mu, sigma, 200)))
            for mu, sigma in ((9.0, 0.3), (11.0, 0.7))
        )
        pair = StatePair(lrs.mu, lrs.sigma, hrs.mu, hrs.sigma)
        covariances = {"covariance_lrs": lrs.covariance, "covariance_hrs": hrs.covariance}
        claimed.append(
            log_bit_error_rate_interval(at, pair, reference_spread=spread, **covariances)
        )
        found.append(log_bit_error_rate(at, pair.seen_through(spread)))
    distance = -ndtri_exp(np.array(found))
    low, high = -ndtri_exp(np.array(claimed)).T
    errors = (low - high) / 2 / stats.norm.ppf(0.975)
    assert errors.mean() == pytest.approx(distance.std(), rel=0.11)
    truth = -ndtri_exp(log_bit_error_rate(at, states.seen_through(spread)))
    hits = (high <= truth) & (truth <= low)
    assert hits.mean() == pytest.approx(0.95, abs=4 * math.sqrt(0.0475 / 400))


def test_distances_that_go_together_add_up_and_those_that_move_apart_cancel():
    states = StatePair(0.0, 1.0, 4.0, 1.0)
    log_ber = log_bit_error_rate(2.0, states)
    lone, same, opposite = (
        log_bit_error_rate_interval_of_scores(
            2.0, states, lrs=(1.5, 2.5), hrs=(1.5, 2.5), correlation=correlation
        )
        for correlation in (0.0, 1.0, -1.0)
    )
    y, apart, together = (-ndtri_exp(np.array(value)) for value in (log_ber, lone, same))
    assert apart - y == pytest.approx((together - y) / math.sqrt(2.0), rel=1e-9)
    # Half of each distance by the share of its state, both of one size here.
    assert together - y == pytest.approx([0.5, -0.5], rel=1e-9)
    assert opposite == pytest.approx((log_ber, log_ber), rel=1e-9)


def test_cells_of_a_bit_that_go_together_narrow_what_is_compared():
    """s**2 is the variance of the difference, here of simulated pairs."""
    rng, rho = np.random.default_rng(4), 0.6
    x = rng.normal(size=(2, 1_000_000))
    lrs = 9.0 + 0.4 * x[0]
    hrs = 10.0 + 0.5 * (rho * x[0] + math.sqrt(1 - rho**2) * x[1])
    found = math.exp(log_bit_error_rate_2t2r(StatePair(9.0, 0.4, 10.0, 0.5), pair_correlation=rho))
    assert (lrs > hrs).mean() == pytest.approx(found, abs=5 * math.sqrt(found / 1e6))
    assert found < math.exp(log_bit_error_rate_2t2r(StatePair(9.0, 0.4, 10.0, 0.5)))


def fitted(lrs, hrs):
    fits = [fit_lognormal(np.exp(x), side) for x, side in (lrs, hrs)]
    pair = StatePair(fits[0].mu, fits[0].sigma, fits[1].mu, fits[1].sigma)
    return pair, fits, best_reference(pair)[0]


def sample(cells, seed, *, limit=math.inf):
    rng = np.random.default_rng(seed)
    lrs, hrs = rng.normal(9.0, 0.3, cells), rng.normal(10.8, 0.6, cells)
    exact = np.zeros(cells, dtype=int)
    return (lrs, exact), (np.minimum(hrs, limit), (hrs > limit).astype(int))


@pytest.mark.slow
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


@pytest.mark.slow
def test_with_many_cells_it_is_the_delta_method():
    lrs, hrs = sample(4000, 4)
    pair, fits, at = fitted(lrs, hrs)
    delta = log_bit_error_rate_interval(
        at, pair, covariance_lrs=fits[0].covariance, covariance_hrs=fits[1].covariance
    )
    assert log_bit_error_rate_profile(at, lrs=lrs, hrs=hrs) == pytest.approx(delta, abs=0.02)


@pytest.mark.slow
def test_the_mirrored_states_with_their_shares_exchanged_have_the_same_interval():
    lrs, hrs = sample(8, 5)
    one = log_bit_error_rate_profile(9.9, lrs=lrs, hrs=hrs, lrs_share=0.3)
    other = log_bit_error_rate_profile(
        -9.9, lrs=(-hrs[0], -hrs[1]), hrs=(-lrs[0], -lrs[1]), lrs_share=0.7
    )
    assert other == pytest.approx(one, rel=1e-4)


@pytest.mark.slow
def test_three_cells_far_apart_keep_a_finite_interval():
    lrs = np.array([8.9, 9.0, 9.1]), np.zeros(3, int)
    hrs = np.array([20.0, 20.1, 20.3]), np.zeros(3, int)
    low, high = log_bit_error_rate_profile(14.0, lrs=lrs, hrs=hrs)
    assert -math.inf < low < high < math.log(0.5)


def test_the_profile_of_exact_readings_is_its_closed_form_in_few_steps_however_far(monkeypatch):
    # With g = mu / sigma fixed, the slope in h = 1 / sigma is 0 where h**2 S - g h m = 1, of the
    # mean m and the mean square S. In the sums of tight readings far from the reference rounding
    # once looked like steps downhill: 2,000 evaluations for one point.
    y = np.array([3.00, 3.01, 3.02, 3.03])
    profile = sensing._Profile(y, np.zeros(4, dtype=int), 0.0)
    calls = []
    monkeypatch.setattr(
        sensing, "log_likelihood", lambda *given: calls.append(1) or log_likelihood(*given)
    )
    mean, square = y.mean(), np.mean(y**2)

    def best(g):
        h = (g * mean + math.sqrt((g * mean) ** 2 + 4.0 * square)) / (2.0 * square)
        return 4.0 * math.log(h) - np.sum((h * y - g) ** 2) / 2.0

    for away in (0.1, 1.0, 2.0, 3.0, 10.0, 128.0):
        for g in (profile.g - away, profile.g + away):
            expected = best(mean / y.std()) - best(g)
            assert profile.drop(g) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert len(calls) < 12 * 40
