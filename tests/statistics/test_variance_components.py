import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from scipy.signal import lfilter

from rramsim.statistics.design_effect import series_of
from rramsim.statistics.lognormal import fit_lognormal
from rramsim.statistics.variance_components import (
    Part,
    deviation_ends,
    distance_ends,
    mean_variance,
    parts_of_censored,
    parts_of_series,
    parts_over_clusters,
    populations_of_parts,
    quantile_ends,
    spread_of,
)


def reads(cells, cycles, rng, *, correlation=0.5, coefficient=0.0):
    """Return normal readings of cells, of variance 1, and the cell of each."""
    noise = rng.standard_normal((cells, cycles + 100))
    noise = math.sqrt(1 - coefficient**2) * lfilter([1], [1, -coefficient], noise, axis=1)
    of_cell = math.sqrt(correlation) * rng.standard_normal((cells, 1))
    x = of_cell + math.sqrt(1 - correlation) * noise[:, 100:]
    return x.ravel(), np.repeat(np.arange(cells), cycles)


def test_balanced_cells_give_the_analysis_of_variance():
    k, m = 7, 12
    x, cell = reads(k, m, np.random.default_rng(1))
    means = x.reshape(k, m).mean(axis=1)
    msb = m * np.var(means, ddof=1)
    msw = np.sum((x - means[cell]) ** 2) / (k * (m - 1))
    between, within = parts_over_clusters(x, cell)
    assert spread_of((between, within))[0] == pytest.approx(msb / m + (1 - 1 / m) * msw)
    assert between.degrees_of_freedom == pytest.approx(k - 1)
    assert within.degrees_of_freedom <= k * (m - 1)
    assert mean_variance((between, within)) == pytest.approx(msb / (k * m))


def test_a_fit_has_that_variance_and_covariance():
    k, m = 9, 20
    x, cell = reads(k, m, np.random.default_rng(2))
    fit = fit_lognormal(np.exp(9 + 0.4 * x), cell=cell)
    parts = parts_over_clusters(9 + 0.4 * x, cell)
    variance, of_variance = spread_of(parts)
    assert fit.mu == pytest.approx(9 + 0.4 * x.mean())
    assert fit.sigma == pytest.approx(math.sqrt(variance))
    assert fit.mu_standard_error == pytest.approx(math.sqrt(mean_variance(parts)))
    assert fit.sigma_standard_error == pytest.approx(math.sqrt(of_variance / (4 * variance)))
    assert fit.degrees_of_freedom == pytest.approx(k - 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("correlation", "coefficient", "unequal"),
    [(0.5, 0.0, False), (0.0, 0.8, False), (0.5, 0.0, True), (0.9, 0.5, True)],
)
def test_the_variance_is_unbiased_whatever_ties_the_readings_of_a_cell(
    correlation, coefficient, unequal
):
    rng, sets, found, means = np.random.default_rng(3), 800, [], []
    sizes = [16, 2, 5, 16, 9, 1] if unequal else [16] * 6
    for _ in range(sets):
        x, cell = reads(6, 16, rng, correlation=correlation, coefficient=coefficient)
        kept = np.tile(np.arange(16), 6) < np.repeat(sizes, 16)
        parts = parts_over_clusters(x[kept], cell[kept])
        found.append((spread_of(parts)[0], mean_variance(parts)))
        means.append(x[kept].mean())
    variance, of_mean = np.mean(found, axis=0)
    error = np.std(found, axis=0) / math.sqrt(sets)
    assert variance == pytest.approx(1.0, abs=4 * error[0])
    # A variance of 800 means is known to 5 %.
    assert of_mean == pytest.approx(np.var(means), rel=0.05 * 4)


def test_cells_of_unlike_noise_lower_the_degrees_of_freedom_within_them():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((40, 30)) * np.exp(rng.standard_normal((40, 1)))
    _, within = parts_over_clusters(x.ravel(), np.repeat(np.arange(40), 30))
    assert within.degrees_of_freedom < 40 * 29 / 4


def noncentral(true_z, at, n, share):
    return stats.nct.cdf(at, n - 1, math.sqrt(n) * true_z) - share


def test_with_one_part_the_ends_are_the_exact_ones():
    n = 12
    part = Part(4.0, n - 1, 4.0 / n)
    student = 2 * stats.t.ppf(0.975, n - 1) / math.sqrt(n)
    assert quantile_ends(1.0, 0.0, [part]) == pytest.approx((1 - student, 1 + student), rel=1e-3)
    chi = [2 * math.sqrt((n - 1) / stats.chi2.ppf(q, n - 1)) for q in (0.975, 0.025)]
    assert deviation_ends([part]) == pytest.approx(chi, rel=1e-2)
    many = [math.sqrt(60 / stats.chi2.ppf(q, 60)) for q in (0.975, 0.025)]
    assert deviation_ends([Part(1.0, 60.0)]) == pytest.approx(many, rel=3e-3)
    for z in (0.0, 1.9, 4.75):
        exact = [
            brentq(noncentral, -9, 19, args=(z * math.sqrt(n), n, share))
            for share in (0.975, 0.025)
        ]
        assert distance_ends(2 * z, [part]) == pytest.approx(exact, abs=2e-3)


def test_a_known_offset_brings_the_distance_nearer_and_its_interval_closer():
    part = Part(1.0, 20.0, 0.05)
    low, high = distance_ends(3.0, [part])
    offset_low, offset_high = distance_ends(3.0, [part], offset=1.0)
    assert offset_high < high
    assert offset_high - offset_low < high - low
    assert offset_low < 3.0 / math.sqrt(2.0) < offset_high


def test_without_a_limit_reached_the_model_of_censored_readings_is_the_closed_form():
    n, size, rho = 200, 10, 0.4
    information = np.diag([n, 2.0 * n])
    effects = 1 + (size - 1) * rho, 1 + (size - 1) * rho**2
    shares = ((rho + (1 - rho) / size, 19.0), ((1 - rho) * (1 - 1 / size), 180.0))
    parts, slope = parts_of_censored(
        1.0, np.linalg.inv(information), effects=effects, shares=shares
    )
    assert slope == 0
    assert mean_variance(parts) == pytest.approx(effects[0] / n)
    variance, of_variance = spread_of(parts)
    assert variance == pytest.approx(1 + effects[0] / n)
    assert of_variance / (4 * variance**2) == pytest.approx(effects[1] / (2 * n), rel=0.1)


@pytest.mark.parametrize("shared", [0.0, 0.7, -0.5])
def test_populations_left_open_have_the_ends_of_the_intervals_and_what_they_share(shared):
    parts = Part(0.5, 19.0, 0.025), Part(0.5, 900.0)
    (mu, sigma), (other, spread) = (
        populations_of_parts(9.0, parts, population=number, shared=shared) for number in (0, 1)
    )
    for drawn in (sigma, spread):
        assert np.quantile(drawn, (0.025, 0.975)) == pytest.approx(deviation_ends(parts), rel=0.01)
    for z in (0.0, -3.0):
        ends = np.quantile(mu + z * sigma, (0.025, 0.975))
        assert ends == pytest.approx(quantile_ends(9.0, z, parts), abs=0.01)
    assert np.corrcoef(mu, other)[0, 1] == pytest.approx(shared, abs=0.03)
    assert np.corrcoef(sigma, spread)[0, 1] == pytest.approx(shared**2, abs=0.05)


def test_a_series_adds_the_variance_of_its_mean():
    x = lfilter([1], [1, -0.7], np.random.default_rng(5).standard_normal(3000))
    series = series_of(x)
    parts = parts_of_series(np.var(x), series)
    variance = np.var(x) / (1 - 1 / series.for_mean)
    assert spread_of(parts)[0] == pytest.approx(variance)
    assert mean_variance(parts) == pytest.approx(variance / series.for_mean)


@pytest.mark.slow
@pytest.mark.parametrize("cells", [5, 20])
@pytest.mark.parametrize("z", [1.88, 4.75])
def test_intervals_of_few_cells_cover_95_times_in_100(cells, z):
    """Half of the variance is between cells: mu, sigma and the distance of a reference."""
    sets, rng, missed = 600, np.random.default_rng(cells), np.zeros((3, 2))
    for _ in range(sets):
        x, cell = reads(cells, 50, rng)
        fit = fit_lognormal(np.exp(x), cell=cell)
        ends = fit.mu_interval, fit.sigma_interval, fit.distance_interval(-z)
        for number, ((low, high), truth) in enumerate(zip(ends, (0.0, 1.0, z), strict=True)):
            missed[number] += truth < low, truth > high
    share = missed / sets
    assert np.all(abs(share.sum(axis=1) - 0.05) < 0.02 + 2 * math.sqrt(0.0475 / sets))
    assert np.all(share < 0.025 + 4 * math.sqrt(0.025 * 0.975 / sets))


@pytest.mark.slow
@pytest.mark.parametrize("coefficient", [0.0, 0.6])
def test_intervals_of_one_cell_cover_95_times_in_100(coefficient):
    sets, rng, hits = 120, np.random.default_rng(7), np.zeros(3)
    for _ in range(sets):
        x, cell = reads(1, 1000, rng, correlation=0.0, coefficient=coefficient)
        fit = fit_lognormal(np.exp(x), cell=cell)
        ends = fit.mu_interval, fit.sigma_interval, fit.distance_interval(-3.0)
        hits += [low < truth < high for (low, high), truth in zip(ends, (0, 1, 3), strict=True)]
    assert np.all(hits / sets > 0.95 - 4 * math.sqrt(0.0475 / sets))


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0.3, 1.0])
def test_intervals_of_censored_cells_cover_95_times_in_100(limit):
    sets, rng, hits = 100, np.random.default_rng(8), np.zeros(2)
    for _ in range(sets):
        x, cell = reads(15, 30, rng)
        side = (x > limit).astype(int)
        fit = fit_lognormal(np.exp(np.minimum(x, limit)), side, cell=cell)
        for number, ((low, high), truth) in enumerate(
            zip((fit.mu_interval, fit.distance_interval(-2.5)), (0.0, 2.5), strict=True)
        ):
            hits[number] += low < truth < high
    assert np.all(hits / sets > 0.95 - 4 * math.sqrt(0.0475 / sets))


def test_four_cells_or_a_short_series_or_one_hardly_varying_give_no_interval():
    rng = np.random.default_rng(9)
    x, cell = reads(4, 50, rng)
    short = rng.standard_normal(40)
    slow = np.cumsum(rng.standard_normal(500))
    for values, of in ((x, cell), (short, np.zeros(40)), (slow, np.zeros(500))):
        fit = fit_lognormal(np.exp(0.1 * values), cell=of)
        assert math.isnan(fit.degrees_of_freedom)
        ends = [fit.mu_interval, fit.sigma_interval, fit.distance_interval(-1.0)]
        assert all(math.isnan(end) for both in ends for end in both)
        assert fit.is_dependent


def test_one_cell_that_holds_most_of_the_readings_gives_no_interval():
    cell = np.r_[np.zeros(1000, int), np.arange(1, 7)]
    x = np.random.default_rng(10).standard_normal(1006)
    assert math.isnan(fit_lognormal(np.exp(x), cell=cell).degrees_of_freedom)


def test_a_series_says_how_many_independent_readings_it_is_worth():
    x, cell = reads(1, 4000, np.random.default_rng(11), correlation=0.0, coefficient=0.88)
    fit = fit_lognormal(np.exp(9 + 0.3 * x), cell=cell)
    assert fit.cells == 1
    assert fit.lag_one == pytest.approx(0.88, abs=0.03)
    assert fit.effective_readings == pytest.approx(4000 * 0.12 / 1.88, rel=0.3)


def test_independent_readings_have_the_exact_interval_and_all_their_readings():
    x = np.random.default_rng(12).normal(9, 0.3, 25)
    fit = fit_lognormal(np.exp(x))
    reach = stats.t.ppf(0.975, 24) * np.std(x, ddof=1) / 5
    assert fit.mu_interval == pytest.approx((x.mean() - reach, x.mean() + reach), abs=1e-4)
    assert fit.sigma == pytest.approx(np.std(x))
    assert fit.effective_readings == 25
    assert not fit.is_dependent


def of_mu_and_ln_sigma(fit):
    by_parameter = fit.sigma * np.array([[1.0, -fit.mu], [0.0, -1.0]])
    return by_parameter @ fit.covariance @ by_parameter.T


def test_censored_cells_that_do_not_go_together_know_as_much_as_independent_readings():
    # Two readings of a cell, one as far above the middle as the other is below.
    x = np.random.default_rng(14).normal(0.0, 0.3, 60)
    x, cell = 9.0 + np.r_[x, -x], np.tile(np.arange(60), 2)
    side = (x > 9.1).astype(int)
    readings = np.exp(np.minimum(x, 9.1)), side
    alone, together = fit_lognormal(*readings), fit_lognormal(*readings, cell=cell)
    assert together.is_dependent
    expected = of_mu_and_ln_sigma(alone)
    assert of_mu_and_ln_sigma(together) == pytest.approx(expected, rel=1e-6)
    # More beyond the limit: mean and deviation rise together.
    assert together.slope == pytest.approx(expected[0, 1] / expected[1, 1] / together.sigma)
    assert together.slope > 0.1


def test_independent_censored_readings_have_the_interval_of_their_covariance():
    x = 0.3 * np.random.default_rng(13).standard_normal(80)
    fit = fit_lognormal(np.exp(np.minimum(x, 0.15)), (x > 0.15).astype(int))
    low, high = fit.mu_interval
    assert high - low == pytest.approx(2 * 1.959964 * fit.mu_standard_error, rel=1e-6)
    low, high = fit.distance_interval(-0.6)
    by_parameter = np.array([1.0, 0.6])
    error = math.sqrt(by_parameter @ fit.covariance @ by_parameter)
    assert high - low == pytest.approx(2 * 1.959964 * error, rel=1e-6)
    low, high = fit.sigma_interval
    assert low * high == pytest.approx(fit.sigma**2)
    # That of ln(sigma), whose standard error is that of sigma over sigma.
    error = fit.sigma_standard_error / fit.sigma
    assert math.log(high / low) == pytest.approx(2 * 1.959964 * error, rel=1e-6)
