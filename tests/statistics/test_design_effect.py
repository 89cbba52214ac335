import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import lfilter

from rramsim.device.bit_errors.error_counts import Count, count_errors, weighted
from rramsim.statistics.design_effect import (
    Series,
    clusters_of,
    dependence,
    design_effect,
    error_effect,
    line_dispersion,
    series_of,
    within_clusters,
)


def student_ratio(cells, readings):
    return (stats.t.ppf(0.975, cells - 1) / stats.t.ppf(0.975, readings - 1)) ** 2


def test_cells_read_once_or_unnamed_have_no_design_effect():
    wrong, x = np.arange(40) < 8, np.linspace(0, 1, 40)
    assert design_effect(wrong, np.arange(40), x) == 1.0
    assert design_effect(wrong, np.full(40, -1), x) == 1.0


def test_errors_of_one_cell_that_are_one_run_count_as_one():
    x = np.random.default_rng(4).standard_normal(1000)
    wrong = np.zeros(1000, dtype=bool)
    wrong[400:413] = True
    cell = np.zeros(1000, dtype=int)
    assert design_effect(wrong, cell, x) == pytest.approx(13.0)
    low, high = Count(13, 1000, 0, design_effect=13.0).interval
    # One event in 1000 / 13 of them.
    assert (low, high) == pytest.approx((0.0003289, 0.0699), rel=2e-2)


def test_independent_readings_of_one_cell_count_as_they_are():
    rng, cell = np.random.default_rng(5), np.zeros(1000, dtype=int)
    effects = []
    for _ in range(40):
        x = rng.standard_normal(1000)
        effects.append(design_effect(x > 2.0, cell, x))
    assert 1.0 <= np.median(effects) < 1.2
    assert design_effect(np.zeros(1000, dtype=bool), cell, x) == pytest.approx(1.0, abs=0.02)


def test_errors_that_keep_to_one_end_of_a_series_count_less():
    """No two follow each other, and the readings have no memory: only the stretches differ."""
    x, cell = np.random.default_rng(6).standard_normal(4000), np.zeros(4000, dtype=int)
    wrong = np.zeros(4000, dtype=bool)
    wrong[2500:4000:15] = True
    assert design_effect(wrong, cell, x) > 2.0


@pytest.mark.slow
@pytest.mark.parametrize("coefficient", [0.0, 0.6, 0.9])
def test_the_interval_of_one_cell_covers_where_a_reading_goes_with_the_next(coefficient):
    """1,000 readings, 3 % errors: 95 in 100 within the error of 200 sets."""
    rng, p, sets, covered = np.random.default_rng(7), 0.03, 200, 0
    scale, reference = math.sqrt(1 - coefficient**2), float(np.exp(stats.norm.isf(p)))
    for _ in range(sets):
        x = scale * lfilter([1], [1, -coefficient], rng.standard_normal(1150))[150:]
        low, high = count_errors(
            np.exp(x), np.zeros(1000), reference=reference, is_hrs=False, cell=np.zeros(1000, int)
        ).interval
        covered += low <= p <= high
    assert covered / sets > 0.95 - 3 * math.sqrt(0.95 * 0.05 / sets)


def test_reads_that_never_change_count_once_a_cell():
    cells, times = 50, 8
    cell = np.repeat(np.arange(cells), times)
    x = np.random.default_rng(1).standard_normal(cells)[cell]
    wrong = cell < 10
    # Over cells the variance of a share has k - 1 in place of k.
    exact = times * cells / (cells - 1) * student_ratio(cells, cells * times)
    assert design_effect(wrong, cell, x) == pytest.approx(exact, rel=1e-12)
    # Without an error the correlation of ln R alone tells it.
    none = times * student_ratio(cells, cells * times)
    assert design_effect(np.zeros_like(wrong), cell, x) == pytest.approx(none, rel=1e-12)


def test_errors_in_unequal_cells_give_the_variance_by_hand():
    cell = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5, 5])
    wrong = np.array([1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1], dtype=bool)
    x = np.where(wrong, 1.0, 0.0)
    n, p = 13, 8 / 13
    errors, reads = np.array([2, 0, 1, 1, 1, 3]), np.array([3, 2, 1, 2, 2, 3])
    variance = 6 / 5 * np.sum((errors - p * reads) ** 2) / n**2
    expected = max(1.0, variance * n / (p * (1 - p))) * student_ratio(6, n)
    assert design_effect(wrong, cell, x) == pytest.approx(expected, rel=1e-12)


def test_the_correlation_within_clusters_is_that_of_the_model():
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(4000), 5)
    for rho in (0.0, 0.3, 0.8):
        x = math.sqrt(rho) * rng.standard_normal(4000)[clusters]
        x = x + math.sqrt(1 - rho) * rng.standard_normal(clusters.size)
        assert within_clusters(x, clusters) == pytest.approx(rho, abs=0.03)


def test_unnamed_cells_are_clusters_of_their_own():
    assert clusters_of([7, -1, 3, 7, -1]).tolist() == [1, 2, 0, 1, 3]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rho", "p", "independent_fails"),
    [(0.0, 0.03, False), (0.5, 0.001, False), (0.5, 0.03, True), (0.9, 0.005, True)],
)
def test_the_interval_covers_where_the_reads_of_a_cell_go_together(rho, p, independent_fails):
    """64 cells read 20 times, normal ln R: 95 in 100 within the error of 300 sets."""
    rng, cells, times, sets = np.random.default_rng(3), 64, 20, 300
    cell, reference = np.repeat(np.arange(cells), times), float(np.exp(stats.norm.isf(p)))
    covered = np.zeros(2)
    for _ in range(sets):
        x = math.sqrt(rho) * rng.standard_normal(cells)[cell]
        x = x + math.sqrt(1 - rho) * rng.standard_normal(cell.size)
        for way, clusters in enumerate((cell, None)):
            low, high = count_errors(
                np.exp(x), np.zeros(x.size), reference=reference, is_hrs=False, cell=clusters
            ).interval
            covered[way] += low <= p <= high
    over_cells, as_independent = covered / sets
    assert over_cells > 0.95 - 3 * math.sqrt(0.95 * 0.05 / sets)
    assert (as_independent < 0.85) == independent_fails


def test_a_state_without_errors_hardly_widens_the_count_of_the_other():
    """The state in which the errors are made decides how much the readings tell."""
    lrs, hrs = Count(0, 1000, 0, design_effect=10.0), Count(100, 1000, 0, design_effect=2.0)
    both = weighted(lrs, hrs)
    assert 2.0 < 2000 / both.sample < 2.2
    assert weighted(hrs, hrs).sample == pytest.approx(1000.0)


@pytest.mark.parametrize(("between", "following"), [(0.0, 0.0), (0.5, 0.0), (0.5, 0.6), (0.0, 0.7)])
def test_the_dependence_of_clusters_is_what_they_were_drawn_with(between, following):
    clusters, size = 400, 25
    rng = np.random.default_rng(1)
    x = rng.standard_normal((clusters, size))
    for step in range(1, size):
        x[:, step] = following * x[:, step - 1] + math.sqrt(1 - following**2) * x[:, step]
    x = math.sqrt(1 - between) * x + math.sqrt(between) * rng.standard_normal((clusters, 1))
    found = dependence(x.ravel(), np.repeat(np.arange(clusters), size))
    assert found.between == pytest.approx(between, abs=0.08)
    assert found.following == pytest.approx(following, abs=0.05)


def test_one_series_has_no_part_between_and_single_readings_nothing_to_follow():
    x = np.random.default_rng(2).standard_normal(2000)
    for place in range(1, 2000):
        x[place] = 0.7 * x[place - 1] + math.sqrt(0.51) * x[place]
    found = dependence(x, np.zeros(2000, dtype=int))
    assert found.between == 0.0
    assert found.following == pytest.approx(0.7, abs=0.06)
    assert dependence(x, np.arange(2000)).following == 0.0


def autoregressive(size, coefficient, seed):
    """Return a stationary series of variance 1, each reading going on from the one before."""
    noise = np.random.default_rng(seed).standard_normal(size + 200)
    return np.sqrt(1 - coefficient**2) * lfilter([1], [1, -coefficient], noise)[200:]


@pytest.mark.parametrize("coefficient", [0.0, 0.3, 0.6, 0.9])
def test_a_series_counts_as_many_readings_as_the_closed_form_says(coefficient):
    found = [series_of(autoregressive(5000, coefficient, seed)) for seed in range(20)]
    mean = 5000 * (1 - coefficient) / (1 + coefficient)
    spread = 5000 * (1 - coefficient**2) / (1 + coefficient**2)
    assert np.median([each.for_mean for each in found]) == pytest.approx(mean, rel=0.06)
    assert np.median([each.for_spread for each in found]) == pytest.approx(spread, rel=0.06)
    assert np.median([each.lag_one for each in found]) == pytest.approx(coefficient, abs=0.02)


def test_a_coefficient_counts_where_it_is_worth_the_2_of_akaikes_criterion():
    # Of 7 readings, from a correlation of one with the next of (1 - exp(-2/7))**0.5, 0.499, on.
    assert series_of([0, 1, 2, 2, 1, 0, 0]).for_mean == 7  # 0.437
    assert series_of([0, 0, 1, 2, 2, 1, 1]).for_mean < 3  # 0.5


def test_a_drift_is_worth_few_readings():
    x = np.linspace(0, 3, 2000) + np.random.default_rng(1).standard_normal(2000)
    assert series_of(x).for_mean < 100


def test_readings_that_alternate_count_no_more_than_their_number():
    x = np.tile([1.0, -1.0], 100) + 0.1 * np.random.default_rng(2).standard_normal(200)
    found = series_of(x)
    assert found.for_mean == 200
    assert found.lag_one < -0.9


def test_one_value_again_and_again_has_no_correlation():
    found = series_of(np.full(50, 3.0))
    assert (found.for_mean, found.for_spread, found.lag_one) == (50, 50, 0)


@settings(max_examples=25)
@given(
    st.integers(10, 300),
    st.floats(-0.95, 0.95),
    st.floats(1e-3, 1e3),
    st.floats(-1e3, 1e3),
    st.integers(0, 100),
)
def test_neither_unit_nor_origin_changes_what_a_series_is_worth(size, coefficient, unit, at, seed):
    x = autoregressive(size, coefficient, seed)
    here, there = series_of(x), series_of(at + unit * x)
    assert there.for_mean == pytest.approx(here.for_mean, rel=1e-3)
    assert 0 < here.for_mean <= size
    assert 0 < here.for_spread <= size


@pytest.mark.parametrize(("rho", "rate"), [(0.5, 0.03), (0.9, 1e-3), (-0.4, 0.2), (0.999, 0.1)])
def test_errors_go_together_as_two_normal_readings_beyond_a_limit_do(rho, rate):
    series = Series(1000, np.array([1.0, rho]), 1000.0, 1000.0)
    z = stats.norm.ppf(rate)
    both = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([z, z])
    together = (both - rate**2) / (rate * (1 - rate))
    expected = max(1.0, 1 + 2 * 0.999 * together)
    assert error_effect(series, rate) == pytest.approx(expected, rel=2e-3)


def test_errors_of_a_rate_farther_out_go_together_less():
    series = series_of(autoregressive(3000, 0.8, 1))
    effects = [error_effect(series, rate) for rate in (0.3, 0.03, 1e-4, 1e-8)]
    assert effects == sorted(effects, reverse=True)
    assert 1.0 <= effects[-1] < effects[0] < 9


def test_a_series_without_an_error_counts_as_at_the_rate_that_it_rules_out():
    rng = np.random.default_rng(8)
    x = lfilter([1.0], [1.0, -0.6], rng.standard_normal(200))
    effect = design_effect(np.zeros(200, dtype=bool), np.zeros(200, dtype=int), x)
    assert effect == pytest.approx(error_effect(series_of(x), -math.log(0.05) / 200))
    # Errors at that rate go together more than rarer ones.
    assert effect > error_effect(series_of(x), 0.5 / 201)


def test_errors_by_chance_keep_the_level_of_the_test_of_lines_whatever_the_rates_of_the_states():
    rng = np.random.default_rng(3)
    cells = rng.integers(20, 40, (2, 30))
    tests = [
        line_dispersion(rng.binomial(cells, [[0.02], [0.2]]), cells, rng=rng, permutations=199)
        for _ in range(200)
    ]
    # Between 1 % and 9 % of them at a level of 5 %, as 200 of a binomial are.
    low, high = stats.binom.ppf([0.001, 0.999], 200, 0.05) / 200
    assert low <= np.mean([one.p_value <= 0.05 for one in tests]) <= high
    assert np.mean([one.variance_ratio for one in tests]) == pytest.approx(1, abs=0.06)


def test_errors_that_differ_by_line_have_the_variance_of_a_beta_binomial():
    # 1 + (n - 1) rho, with rho = 1 / (a + b + 1) between cells of a line.
    rng = np.random.default_rng(5)
    cells = np.full((1, 3000), 128)
    errors = rng.binomial(128, rng.beta(1, 9, 3000))[np.newaxis]
    found = line_dispersion(errors, cells, rng=rng, permutations=99)
    assert found.variance_ratio == pytest.approx(1 + 127 / 11, rel=0.1)
    assert found.p_value == pytest.approx(1 / 100)


def test_without_an_error_nothing_is_said_of_lines():
    found = line_dispersion(
        np.zeros((2, 4), int), np.full((2, 4), 9), rng=np.random.default_rng(1), permutations=9
    )
    assert math.isnan(found.variance_ratio)
    assert math.isnan(found.p_value)
