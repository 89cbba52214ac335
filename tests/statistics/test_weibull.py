import math

import numpy as np
import pytest
from scipy import stats

from rramsim.statistics.weibull import NoShapeError, fit_weibull, lifetime_at_least


def lives(count, *, shape=1.7, scale=1e5, seed=1):
    return scale * np.random.default_rng(seed).weibull(shape, count)


def between_reads(life, reads):
    """Return the interval each life is known to lie in when cells are read at `reads`."""
    edges = np.concatenate([[0.0], reads, [np.inf]])
    place = np.searchsorted(edges, life)
    return edges[place - 1], edges[place]


def test_exact_lives_are_fitted_as_scipy_fits_them():
    life = lives(60)
    found = fit_weibull(life, life)
    shape, _, scale = stats.weibull_min.fit(life, floc=0)
    assert found.shape.estimate == pytest.approx(shape, rel=1e-5)
    assert found.scale == pytest.approx(scale, rel=1e-5)
    # The likelihood equations themselves, which scipy's search only comes near to.
    k = found.shape.estimate
    assert np.sum(life**k * np.log(life)) / np.sum(life**k) - 1 / k == pytest.approx(
        np.log(life).mean(), rel=1e-9
    )
    assert found.scale**k == pytest.approx(np.mean(life**k), rel=1e-8)


@pytest.mark.slow
def test_survivors_and_intervals_are_fitted_as_scipy_fits_them():
    after, until = between_reads(lives(80), np.geomspace(5e3, 1.2e5, 7))
    failed = np.isfinite(until)
    assert 0 < np.count_nonzero(~failed) < 80
    found = fit_weibull(after, until)
    with np.errstate(divide="ignore"):
        data = stats.CensoredData(
            interval=np.stack([after[failed], until[failed]], axis=1), right=after[~failed]
        )
        shape, _, scale = stats.weibull_min.fit(data, floc=0)
    assert found.shape.estimate == pytest.approx(shape, rel=1e-4)
    assert found.scale == pytest.approx(scale, rel=1e-4)


def test_quantiles_lie_on_the_fit_and_inside_their_intervals():
    life = lives(30)
    found = fit_weibull(life, life)
    for share, estimate in ((0.01, found.b1), (0.1, found.b10), (0.5, found.median)):
        expected = stats.weibull_min.ppf(share, found.shape.estimate, scale=found.scale)
        assert estimate.estimate == pytest.approx(expected)
        assert estimate.low < estimate.estimate < estimate.high
    assert found.shape.low < found.shape.estimate < found.shape.high


@pytest.mark.slow
def test_the_ends_of_an_interval_are_where_the_profile_likelihood_fell():
    life = np.append(lives(25), [2e5])
    after, until = life, np.append(life[:-1], np.inf)
    found = fit_weibull(after, until)

    def log_likelihood(k, scale):
        density = stats.weibull_min.logpdf(life[:-1], k, scale=scale).sum()
        return density + stats.weibull_min.logsf(life[-1], k, scale=scale)

    fall = stats.chi2.ppf(0.95, 1) / 2
    best = log_likelihood(found.shape.estimate, found.scale)
    for k in (found.shape.low, found.shape.high):
        scale = np.mean(life**k * life.size / (life.size - 1)) ** (1 / k)
        assert log_likelihood(k, scale) == pytest.approx(best - fall, abs=1e-5)
    for b10 in (found.b10.low, found.b10.high):
        shapes = np.linspace(0.5, 5, 4001)
        profile = [log_likelihood(k, b10 / (-math.log(0.9)) ** (1 / k)) for k in shapes]
        assert max(profile) == pytest.approx(best - fall, abs=1e-4)


@pytest.mark.slow
def test_profile_intervals_cover_what_they_claim():
    runs, shape, scale = 120, 1.3, 1e4
    rng = np.random.default_rng(7)
    b10 = stats.weibull_min.ppf(0.1, shape, scale=scale)
    covered = {"shape": 0, "b10": 0}
    for _ in range(runs):
        life = scale * rng.weibull(shape, 20)
        stop = 1.2e4
        found = fit_weibull(np.minimum(life, stop), np.where(life < stop, life, np.inf))
        covered["shape"] += found.shape.low <= shape <= found.shape.high
        covered["b10"] += found.b10.low <= b10 <= found.b10.high
    # The profile's own shortfall at 20 cells, some 13 of them failed, is below 2 %.
    low, high = stats.binom.ppf((0.001, 0.999), runs, (0.93, 0.96))
    for count in covered.values():
        assert low <= count <= high


@pytest.mark.parametrize(
    ("after", "until", "words"),
    [
        ([10, 20, 30], [10, 20, np.inf], "too few failures, 2 failures of 3"),
        ([50] * 5, [50] * 5, "one moment"),
        ([10] * 4, [100] * 4, "one moment"),
        ([500, 700, *[1000] * 3], [np.inf, np.inf, *[1000] * 3], "one moment, 3 failures of 5"),
        ([500, 900, *[1000] * 3], [2000, 1000, *[1000] * 3], "one moment"),
        ([10] * 5 + [100] * 5, [100] * 5 + [1000] * 5, "same interval"),
    ],
)
def test_no_shape_is_made_of_lives_that_set_none(after, until, words):
    with pytest.raises(NoShapeError, match=words):
        fit_weibull(after, until)


@pytest.mark.slow
def test_a_survivor_beyond_failures_at_one_moment_sets_a_shape():
    fit = fit_weibull([500, 1200, 1000, 1000, 1000], [np.inf, np.inf, 1000, 1000, 1000])
    data = stats.CensoredData(uncensored=[1000] * 3, right=[500, 1200])
    shape, _, scale = stats.weibull_min.fit(data, floc=0)
    assert (fit.shape.estimate, fit.scale) == pytest.approx((shape, scale), rel=1e-3)


@pytest.mark.slow
def test_few_reads_and_failures_leave_wide_intervals():
    found = fit_weibull([0, 10, 10, 100, 100], [10, 100, 100, np.inf, np.inf])
    assert found.shape.high > 10 * found.shape.low > 0
    assert found.b10.high > 1e6 * found.b10.low > 0


def test_a_life_of_nothing_is_refused():
    with pytest.raises(ValueError, match="0 <= last_good <= first_failed"):
        fit_weibull([2.0, 1.0, 1.0], [1.0, 2.0, 3.0])


def test_the_bound_with_a_stated_shape_is_that_of_the_exponential():
    # No failure in n cells to cycle c: (n c**k) / -ln(0.05) bounds the mean of cycles**k.
    bound = lifetime_at_least([1e6] * 10, [np.inf] * 10, shape=2.0, share=0.1)
    mean = 10 * (1e6**2) / -math.log(0.05)
    assert bound == pytest.approx(math.sqrt(-math.log(0.9) * mean))
    with_failure = lifetime_at_least([1e6] * 10, [2e6] + [np.inf] * 9, shape=2.0, share=0.1)
    assert with_failure < bound


def test_the_bound_with_a_stated_shape_holds_as_often_as_it_claims():
    rng = np.random.default_rng(3)
    truth = stats.weibull_min.ppf(0.1, 2.0, scale=1e6)
    held = 0
    for _ in range(400):
        life = 1e6 * rng.weibull(2.0, 12)
        stop = 4e5
        bound = lifetime_at_least(
            np.minimum(life, stop), np.where(life < stop, life, np.inf), shape=2.0, share=0.1
        )
        held += bound <= truth
    assert held >= stats.binom.ppf(0.001, 400, 0.95)
