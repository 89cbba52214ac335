import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rramsim.errors import InputError
from rramsim.statistics.lognormal import UnfittableError, fit_lognormal


def censored_sample(*, cells: int, low: float, high: float, seed: int, decimals: int = 12):
    """Draw from mu = 9, sigma = 0.6 and cut at two limits; return readings and their sides."""
    values = np.exp(np.random.default_rng(seed).normal(9.0, 0.6, cells)).round(decimals)
    side = np.where(values < low, -1, np.where(values > high, 1, 0))
    return np.clip(values, low, high), side


def log_likelihood(resistance, side, mu, sigma):
    z = (np.log(resistance) - mu) / sigma
    parts = (
        stats.norm.logpdf(z[side == 0]) - math.log(sigma),
        stats.norm.logcdf(z[side == -1]),
        stats.norm.logsf(z[side == 1]),
    )
    return sum(part.sum() for part in parts)


def test_without_censoring_the_estimates_are_the_moments_of_ln_r():
    x = np.random.default_rng(1).normal(11.5, 0.4, 500)
    fit = fit_lognormal(np.exp(x))
    assert fit.mu == pytest.approx(x.mean(), abs=1e-12)
    assert fit.sigma == pytest.approx(x.std(), rel=1e-12)
    assert (fit.exact, fit.censored_below, fit.censored_above) == (500, 0, 0)
    # Closed form: Var z = (1 + z**2 / 2) / n at any resistance.
    for z in (-4.0, 0.0, 3.0):
        by_parameter = np.array([-1.0, fit.mu + z * fit.sigma])
        variance = by_parameter @ fit.covariance @ by_parameter
        assert variance == pytest.approx((1 + z**2 / 2) / 500, rel=1e-9)


@pytest.mark.slow
def test_censored_fit_agrees_with_scipy():
    resistance, side = censored_sample(cells=300, low=5e3, high=1.5e4, seed=2)
    exact, below, above = (resistance[side == code] for code in (0, -1, 1))
    data = stats.CensoredData(uncensored=exact, left=below, right=above)
    shape, _, scale = stats.lognorm.fit(data, floc=0)
    fit = fit_lognormal(resistance, side)
    assert fit.mu == pytest.approx(math.log(scale), abs=2e-4)
    assert fit.sigma == pytest.approx(shape, abs=2e-4)
    ours = log_likelihood(resistance, side, fit.mu, fit.sigma)
    assert ours >= log_likelihood(resistance, side, math.log(scale), shape)
    assert fit.censored_below == np.count_nonzero(side == -1) > 20
    assert fit.censored_above == np.count_nonzero(side == 1) > 20


def test_one_sided_fit_agrees_with_scipys_normal_on_ln_r():
    resistance, side = censored_sample(cells=200, low=0.1, high=9e3, seed=3)
    x = np.log(resistance)
    data = stats.CensoredData.right_censored(x, side == 1)
    mu, sigma = stats.norm.fit(data)
    fit = fit_lognormal(resistance, side)
    assert fit.mu == pytest.approx(mu, abs=2e-4)
    assert fit.sigma == pytest.approx(sigma, abs=2e-4)


def test_covariance_is_the_inverse_curvature_of_the_likelihood():
    resistance, side = censored_sample(cells=400, low=6e3, high=1.2e4, seed=4)
    fit = fit_lognormal(resistance, side)
    at = np.array([fit.mu / fit.sigma, 1.0 / fit.sigma])

    def value(g, h):
        return log_likelihood(resistance, side, g / h, 1.0 / h)

    step, curvature = 1e-3, np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            e, f = step * np.eye(2)[i], step * np.eye(2)[j]
            corners = (
                value(*(at + e + f)) - value(*(at + e - f)),
                value(*(at - e - f)) - value(*(at - e + f)),
            )
            curvature[i, j] = -sum(corners) / (4 * step**2)
    assert fit.covariance == pytest.approx(np.linalg.inv(curvature), rel=1e-4)


def test_covariance_between_limits_is_the_inverse_curvature_too():
    x = np.random.default_rng(13).normal(9.0, 0.3, 100)
    low, high = np.floor(4 * x) / 4, np.floor(4 * x) / 4 + 0.25
    fit = fit_lognormal(np.exp(low), upper=np.exp(high))

    def value(g, h):
        return np.sum(np.log(stats.norm.cdf(h * high - g) - stats.norm.cdf(h * low - g)))

    at, step = np.array([fit.mu / fit.sigma, 1 / fit.sigma]), 1e-3
    curvature = np.empty((2, 2))
    for i, e in enumerate(step * np.eye(2)):
        for j, f in enumerate(step * np.eye(2)):
            corners = value(*(at + e + f)) - value(*(at + e - f))
            curvature[i, j] = -(corners + value(*(at - e - f)) - value(*(at - e + f)))
    assert fit.covariance == pytest.approx(np.linalg.inv(curvature / (4 * step**2)), rel=1e-4)


def test_grouping_equal_limits_changes_nothing():
    resistance, side = censored_sample(cells=100, low=6e3, high=1.2e4, seed=5)
    spread = resistance * np.where(side == 0, 1.0, 1.0 + 1e-12 * np.arange(100))
    grouped, single = fit_lognormal(resistance, side), fit_lognormal(spread, side)
    assert grouped.mu == pytest.approx(single.mu, abs=1e-9)
    assert grouped.covariance == pytest.approx(single.covariance, rel=1e-8)


def test_readings_between_limits_agree_with_scipy_and_with_the_exact_fit_when_narrow():
    rng = np.random.default_rng(11)
    x = rng.normal(9.0, 0.3, 200)
    edges = np.arange(7.0, 11.5, 0.25)
    bins = np.digitize(x, edges)
    between = rng.random(200) < 0.8
    low, high = np.where(between, edges[bins - 1], x), np.where(between, edges[bins], np.inf)
    fit = fit_lognormal(np.exp(low), upper=np.exp(high))
    assert (fit.between, fit.exact) == (between.sum(), 200 - between.sum())
    pairs = np.stack([low, high], axis=1)[between]
    data = stats.CensoredData(uncensored=x[~between], interval=pairs)
    mu, sigma = stats.norm.fit(data)
    assert fit.mu == pytest.approx(mu, abs=2e-4)
    assert fit.sigma == pytest.approx(sigma, abs=2e-4)
    narrow = fit_lognormal(np.exp(x - 1e-4), upper=np.exp(x + 1e-4))
    exact = fit_lognormal(np.exp(x))
    assert narrow.mu == pytest.approx(exact.mu, abs=1e-6)
    assert narrow.covariance == pytest.approx(exact.covariance, rel=1e-4)


def test_two_distinct_intervals_are_enough_and_one_is_not():
    fit = fit_lognormal([1e3, 2e3, 2e3], upper=[2e3, 4e3, 4e3])
    assert 2e3 < math.exp(fit.mu) < 4e3
    with pytest.raises(UnfittableError, match="too few exact, 0 of 3 values exact"):
        fit_lognormal([1e3] * 3, upper=[2e3] * 3)
    with pytest.raises(ValueError, match="below the reading's lower one"):
        fit_lognormal([1e3] * 3, upper=[2e3, 2e3, 5e2])


@pytest.mark.slow
def test_standard_errors_are_the_closed_forms_and_those_of_repeated_samples():
    x = np.random.default_rng(12).normal(11.5, 0.4, 500)
    fit = fit_lognormal(np.exp(x))
    assert fit.mu_standard_error == pytest.approx(fit.sigma / math.sqrt(500), rel=1e-9)
    assert fit.sigma_standard_error == pytest.approx(fit.sigma / math.sqrt(1000), rel=1e-9)
    cut = [
        fit_lognormal(*censored_sample(cells=200, low=6e3, high=1.2e4, seed=s)) for s in range(300)
    ]
    for name in ("mu", "sigma"):
        spread = np.std([getattr(each, name) for each in cut])
        claimed = np.mean([getattr(each, f"{name}_standard_error") for each in cut])
        # The spread of 300 values is known to 4 %: three standard deviations of that.
        assert claimed == pytest.approx(spread, rel=3 / math.sqrt(2 * 300))


@pytest.mark.parametrize("limit_in_sigmas", [-2.0, -40.0, 300.0])
def test_limits_far_from_the_exact_readings_still_settle(limit_in_sigmas):
    x = np.random.default_rng(6).normal(9.0, 0.1, 50)
    limit = math.exp(9.0 + 0.1 * limit_in_sigmas)
    resistance = np.concatenate([np.exp(x), np.full(450, limit)])
    side = np.repeat([0, 1], [50, 450])
    fit = fit_lognormal(resistance, side)
    best = log_likelihood(resistance, side, fit.mu, fit.sigma)
    for nudge_mu, nudge_sigma in ((1, 1.001), (1.001, 1), (0.999, 1), (1, 0.999)):
        near = log_likelihood(resistance, side, fit.mu * nudge_mu, fit.sigma * nudge_sigma)
        assert best > near


@pytest.mark.slow
def test_a_million_cells_with_distinct_limits_give_back_the_population():
    resistance, side = censored_sample(cells=1_000_000, low=4e3, high=2e4, seed=7)
    fit = fit_lognormal(resistance, side, cell=np.arange(1_000_000) // 2)
    assert fit.cells == 500_000
    assert fit.mu == pytest.approx(9.0, abs=5 * 0.6 / 1000)
    assert fit.sigma == pytest.approx(0.6, rel=5 / 1000)


def test_repeated_readings_of_a_cell_widen_the_covariance_to_that_of_the_cells():
    """With cells that differ and cycles that do not, only the number of cells counts."""
    x = np.random.default_rng(8).normal(9.0, 0.5, 64)
    repeated = np.repeat(np.exp(x), 20)
    fit = fit_lognormal(repeated, cell=np.repeat(np.arange(64), 20))
    once = fit_lognormal(np.exp(x))
    assert fit.cells == 64
    assert fit.exact == 1280
    assert fit.mu == pytest.approx(once.mu, abs=1e-12)
    assert fit.sigma == pytest.approx(np.std(x, ddof=1), rel=1e-9)
    assert fit.mu_standard_error == pytest.approx(np.std(x, ddof=1) / 8, rel=1e-9)
    assert fit.sigma_standard_error == pytest.approx(fit.sigma / math.sqrt(2 * 63), rel=1e-9)
    assert fit.degrees_of_freedom == pytest.approx(63, rel=1e-9)
    assert fit.effective_readings == pytest.approx(64, rel=1e-9)


def test_cells_read_once_each_and_unnamed_cells_are_independent():
    x = np.exp(np.random.default_rng(9).normal(9.0, 0.5, 40))
    plain = fit_lognormal(x)
    for cell in (np.arange(40)[::-1], np.full(40, -1)):
        fit = fit_lognormal(x, cell=cell)
        assert fit.cells == 40
        assert fit.covariance == pytest.approx(plain.covariance, rel=1e-12)


@pytest.mark.parametrize(
    ("values", "side", "kind", "counts"),
    [
        ([5e5, *[1e6] * 63], [0, *[1] * 63], "too few exact", (64, 1, 0, 63)),
        ([1e4] * 64, [0] * 64, "all the same", (64, 64, 0, 0)),
        ([1e6] * 1024, [1] * 1024, "all censored", (1024, 0, 0, 1024)),
        ([1e3, 2e3], [-1, -1], "all censored", (2, 0, 2, 0)),
        ([1e3, 2e6], [-1, 1], "all censored", (2, 0, 1, 1)),
        ([1e3, 2e3], [0, 0], "too few exact", (2, 2, 0, 0)),
    ],
)
def test_what_cannot_be_fitted_is_told_with_its_kind_and_figures(values, side, kind, counts):
    with pytest.raises(UnfittableError, match=kind) as raised:
        fit_lognormal(values, side)
    error = raised.value
    assert error.kind == kind
    assert (error.readings, error.exact, error.below, error.above) == counts
    limits = {code: [v for v, s in zip(values, side, strict=True) if s == code] for code in (-1, 1)}
    expected = [max(limits[-1], default=math.nan), min(limits[1], default=math.nan)]
    assert [error.highest_below, error.lowest_above] == pytest.approx(expected, nan_ok=True)
    assert error.value == pytest.approx(1e4 if kind == "all the same" else math.nan, nan_ok=True)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.floats(1e-6, 1e6), st.integers(0, 2**32 - 1))
def test_a_change_of_unit_shifts_mu_and_nothing_else(factor, seed):
    resistance, side = censored_sample(cells=60, low=6e3, high=1.5e4, seed=seed)
    one, other = fit_lognormal(resistance, side), fit_lognormal(factor * resistance, side)
    assert other.mu - one.mu == pytest.approx(math.log(factor), abs=1e-8)
    assert other.sigma == pytest.approx(one.sigma, rel=1e-8)


@pytest.mark.parametrize("cell", [[0, 1, 1.5, 1], [0, 1, math.nan, 1], [0, 1, math.inf, 1]])
def test_numbers_of_cells_are_whole(cell):
    with pytest.raises(InputError, match="a whole number for each value"):
        fit_lognormal([1e3, 2e3, 4e3, 5e3], cell=cell)


def test_large_numbers_of_cells_are_told_apart():
    readings = np.exp(np.random.default_rng(1).normal(size=40))
    cells = np.repeat(np.arange(20), 2)
    assert fit_lognormal(readings, cell=2**60 + cells).cells == 20
