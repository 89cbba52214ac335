import math

import numpy as np
import pytest
from scipy import stats

from rramsim.statistics.lognormal import fit_lognormal
from rramsim.statistics.straightness import (
    LARGEST_TESTED,
    anderson_darling,
    deficit_p_value,
    gap_beside_limit,
    largest_deviation,
    ppcc_deficit,
    without_ties,
)


def test_points_on_a_line_have_no_deficit_and_others_that_of_their_correlation():
    z = stats.norm.ppf((np.arange(50) + 0.5) / 50)
    assert ppcc_deficit(3.0 + 2.0 * z, z) == pytest.approx(0.0, abs=1e-12)
    bent = z + 0.2 * z**2
    assert ppcc_deficit(bent, z) == pytest.approx(1 - np.corrcoef(bent, z)[0, 1])


def test_anderson_darling_is_scipys_with_its_factor():
    x = np.random.default_rng(4).normal(12.0, 0.6, 150)
    square = stats.goodness_of_fit(
        stats.norm, x, statistic="ad", n_mc_samples=9, rng=np.random.default_rng(1)
    ).statistic
    assert anderson_darling(x) == pytest.approx(square * (1 + 0.75 / 150 + 2.25 / 150**2))


def test_a_p_value_is_the_share_of_samples_less_straight_and_none_of_very_many_readings():
    x = np.random.default_rng(1).normal(0.0, 1.0, 100)
    fit, side = fit_lognormal(np.exp(x)), np.zeros(100, dtype=int)
    values = [deficit_p_value(deficit, x, side, fit, seed=3) for deficit in (0.0, 0.012, 1.0)]
    assert values[0] == 1.0
    assert values[0] > values[1] > values[2] == pytest.approx(1 / 1000)
    many = np.zeros(LARGEST_TESTED + 1)
    assert math.isnan(deficit_p_value(0.1, many, many.astype(int), fit, seed=3))


def test_the_largest_deviation_is_in_sigmas_and_within_three_of_the_median():
    z = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    x = 5.0 + 0.5 * z
    fit = fit_lognormal(np.exp(x))
    x[1500] += 0.2 * fit.sigma
    x[-1] += 9.0
    assert largest_deviation(x, z, fit) == pytest.approx(0.2, abs=0.01)


def test_rounding_alone_bends_no_line():
    z = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    rounded = np.round(z, 0)
    assert ppcc_deficit(rounded, z) > 0.03
    assert ppcc_deficit(rounded, without_ties(rounded, z)) < 0.001
    assert without_ties(z, z) == pytest.approx(z)


def test_samples_in_clusters_have_a_larger_deficit_than_independent_ones():
    x = np.random.default_rng(3).standard_normal(300)
    fit, side = fit_lognormal(np.exp(x)), np.zeros(300, dtype=int)
    x = np.repeat(x[:15], 20) + 0.3 * x
    deficit, cluster = 0.02, np.repeat(np.arange(15), 20)
    alone = deficit_p_value(deficit, x, side, fit, seed=1)
    together = deficit_p_value(deficit, x, side, fit, seed=1, cluster=cluster)
    assert alone < 0.01 < 0.1 < together


def test_the_gap_beside_a_limit_has_the_probability_of_a_largest_reading_so_low():
    # Of k readings of a law cut at L, the largest is below x with (F(x) / F(L))**k.
    # Two of them differ by next to nothing, as in readings that are hardly rounded.
    x = np.concatenate([np.linspace(-1.0, 0.5, 19), [0.2, 0.2 + 1e-9], np.full(4, 2.0)])
    side = np.repeat([0, 1], (21, 4))
    fit = fit_lognormal(np.exp(x), side)
    gap = gap_beside_limit(x, side, fit)
    law = stats.norm(fit.mu, fit.sigma)
    assert (gap.start, gap.end, gap.width) == pytest.approx((0.5, 2.0, 1.5))
    assert gap.p_value == pytest.approx((law.cdf(0.5) / law.cdf(2.0)) ** 21)
    mirrored = gap_beside_limit(-x, -side, fit_lognormal(np.exp(-x), -side))
    assert (mirrored.start, mirrored.end) == pytest.approx((-0.5, -2.0))
    assert mirrored.p_value == pytest.approx(gap.p_value)


def test_equal_readings_at_an_end_are_a_limit_of_the_gap_from_three_on():
    x = np.linspace(-1.0, 0.5, 20)
    for count, is_limit in ((2, False), (3, True)):
        y = np.append(x, np.full(count, 8.0))
        gap = gap_beside_limit(y, np.zeros(y.size, dtype=int), fit_lognormal(np.exp(y)))
        assert (gap is not None) == is_limit
    assert gap.p_value < 0.01


@pytest.mark.parametrize(("kilohm", "sigma"), [(5.5, 0.25), (12.0, 0.2)])
@pytest.mark.parametrize("count", [20, 50, 100, 200, 500])
def test_readings_that_are_rounded_have_ties_and_no_gap(kilohm, sigma, count):
    rng, found = np.random.default_rng(8), 0
    for _ in range(60):
        x = np.log(np.maximum(np.round(kilohm * np.exp(sigma * rng.standard_normal(count))), 1.0))
        gap = gap_beside_limit(x, np.zeros(count, dtype=int), fit_lognormal(np.exp(x)))
        found += gap is not None and gap.p_value < 0.01
    assert found <= 3  # 1 % of 60, and its error


def test_readings_known_to_be_beyond_the_largest_are_each_beyond_their_own_limit():
    # A limit at the largest exact reading multiplies the probability by 1, on either side.
    x = np.concatenate([np.linspace(-1.0, 0.5, 19), [0.2, 0.2 + 1e-9], [0.5, 0.5, 2.0, 2.0, 3.0]])
    side = np.repeat([0, 1], (21, 5))
    for sign in (1, -1):
        fit = fit_lognormal(np.exp(sign * x), sign * side)
        gap = gap_beside_limit(sign * x, sign * side, fit)
        law = stats.norm(sign * fit.mu, fit.sigma)
        assert (gap.start, gap.end) == pytest.approx((sign * 0.5, sign * 3.0))
        ratios = law.sf(2.0) ** 2 * law.sf(3.0) / law.sf(0.5) ** 3
        assert gap.p_value == pytest.approx(ratios, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("wide", "share"), [(0.5, 1.0), (2.0, 0.5), (2.0, 0.05)])
def test_a_lognormal_cut_at_limits_has_a_gap_as_rarely_as_the_level_says(wide, share):
    rng, found = np.random.default_rng(5), []
    for _ in range(200):
        x = rng.standard_normal(60)
        limit = np.where(rng.random(60) < share, wide, 0.5)
        side = (x > limit).astype(int)
        y = np.minimum(x, limit)
        found.append(gap_beside_limit(y, side, fit_lognormal(np.exp(y), side)).p_value)
    assert np.mean(np.array(found) < 0.01) <= 0.03  # 0.01 and its error of 200 samples
    assert np.mean(np.array(found) < 0.5) > 0.3  # and no such test without any power
