import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rramsim.statistics.quantiles import (
    centre_and_sigmas,
    normal_quantiles,
    sample_percentiles,
    sample_quantiles,
    turnbull,
)


def test_without_censoring_reading_i_of_n_stands_at_i_minus_a_half():
    resistance = np.random.default_rng(1).permutation(np.arange(1.0, 101.0))
    expected = stats.norm.ppf((resistance - 0.5) / 100)
    assert normal_quantiles(resistance, np.zeros(100, int)) == pytest.approx(expected, abs=1e-12)


def test_censoring_at_the_ends_leaves_the_others_where_they_were():
    resistance = np.arange(1.0, 101.0)
    full = normal_quantiles(resistance, np.zeros(100, int))
    side = np.where(resistance <= 10, -1, np.where(resistance > 70, 1, 0))
    cut = normal_quantiles(np.clip(resistance, 10, 70), side)
    exact = side == 0
    assert cut[exact] == pytest.approx(full[exact], abs=1e-12)
    assert cut[side == 1] == pytest.approx(stats.norm.ppf(0.7), abs=1e-12)


def test_censoring_in_the_middle_is_the_product_limit_estimate():
    rng = np.random.default_rng(2)
    life, limit = rng.lognormal(9, 0.6, 200), rng.lognormal(9.3, 0.5, 200)
    over = life > limit
    value = np.minimum(life, limit)
    after = 1 - stats.ecdf(stats.CensoredData.right_censored(value, over)).sf.evaluate(value)
    before = np.array([max((a for a in after if a < own - 1e-12), default=0.0) for own in after])
    found = stats.norm.cdf(normal_quantiles(value, over.astype(int)))
    assert found[~over] == pytest.approx(((before + after) / 2)[~over], abs=1e-12)


def test_without_limits_they_are_numpys():
    ohm = np.random.default_rng(1).lognormal(10, 1, 57)
    expected = np.percentile(ohm, (5, 50, 95))
    assert sample_percentiles(ohm, np.zeros(57, dtype=int)) == pytest.approx(expected)


def test_a_percentile_among_the_limits_is_unknown():
    ohm = np.array([1e3] * 4 + [2e4] * 20 + [1e8] * 6)
    side = np.repeat([-1, 0, 1], [4, 20, 6])
    low, middle, high = sample_percentiles(ohm, side)
    assert np.isnan(low)
    assert middle == 2e4
    assert np.isnan(high)


def test_a_limit_inside_the_readings_leaves_open_what_it_may_be_above():
    # At least 2e4 may be above all others, so the highest reading is not 9e4.
    found = sample_percentiles([1e4, 2e4, 9e4], [0, 1, 0], (0, 50, 100))
    assert found[0] == 1e4
    assert np.isnan(found[1:]).all()


def exact(values, shares, **more):
    return sample_quantiles(values, np.zeros(len(values), dtype=int), shares, **more)


def test_quantiles_of_exact_readings_are_numpys_with_the_textbooks_order_statistics():
    x = np.random.default_rng(1).permutation(np.arange(1.0, 101.0))
    tenth, median = exact(x, [0.1, 0.5])
    assert (tenth.estimate, median.estimate) == pytest.approx(tuple(np.quantile(x, [0.1, 0.5])))
    # The 40th and the 61st of 100: 96.5 % (David and Nagaraja).
    assert (median.low, median.high) == (40.0, 61.0)
    assert stats.binom.cdf(60, 100, 0.5) - stats.binom.cdf(39, 100, 0.5) > 0.95


@pytest.mark.parametrize(("share", "bound"), [(0.001, "upper"), (0.999, "lower")])
def test_a_percentile_that_the_sample_does_not_hold_is_a_bound_and_not_a_number(share, bound):
    (found,) = exact(np.arange(1.0, 101.0), [share])
    assert math.isnan(found.estimate)
    assert found.bound == bound
    # One reading more may lie below: P(2 or more of 100 below the 0.1 % point) is 0.5 %.
    assert (found.high, found.low)[bound == "lower"] == (2.0, 99.0)[bound == "lower"]


def test_a_median_beyond_the_limits_is_more_or_less_than_they_are():
    value, beyond = np.array([1e3, 2e3, 1e8, 1e8, 1e8]), np.array([0, 0, 1, 1, 1])
    (above,) = sample_quantiles(value, beyond, [0.5])
    assert (above.bound, above.low, math.isnan(above.estimate)) == ("lower", 1e8, True)
    (below,) = sample_quantiles([1e3, 1e3, 1e3, 5e3, 6e3], [-1, -1, -1, 0, 0], [0.5])
    assert (below.bound, below.high) == ("upper", 1e3)
    (known,) = sample_quantiles([1e3, 2e3, 3e3, 1e8, 1e8], [0, 0, 0, 1, 1], [0.5])
    assert (known.bound, known.estimate) == ("", 3e3)


def test_turnbulls_estimate_is_kaplan_and_meiers_without_upper_limits():
    rng = np.random.default_rng(2)
    x, limit = rng.lognormal(0, 1, 200), rng.lognormal(0.3, 0.8, 200)
    value, side = np.minimum(x, limit), (x > limit).astype(int)
    points, up_to = turnbull(value, side)
    expected = stats.ecdf(stats.CensoredData.right_censored(value, side == 1)).cdf
    inside = np.isfinite(points)
    assert up_to[inside] == pytest.approx(expected.evaluate(points[inside]), abs=1e-6)
    (median,) = sample_quantiles(value, side, [0.5])
    assert median.low < 1.0 < median.high
    assert median.estimate == expected.quantiles[np.searchsorted(expected.probabilities, 0.5)]


def test_limits_on_both_sides_leave_the_median_where_it_is():
    rng = np.random.default_rng(3)
    x = rng.lognormal(0, 1, 4000)
    low, high = rng.lognormal(-1, 0.5, 4000), rng.lognormal(1, 0.5, 4000)
    side = np.where(x < low, -1, np.where(x > high, 1, 0))
    (median,) = sample_quantiles(np.clip(x, low, high), side, [0.5])
    assert median.estimate == pytest.approx(1.0, rel=0.06)


@pytest.mark.slow
@pytest.mark.parametrize(("cells", "reads"), [(64, 1), (20, 20)])
def test_intervals_hold_the_percentile_95_times_in_100(cells, reads):
    sets, shares = 250, [0.1, 0.5, 0.9]
    truth, rng = np.exp(stats.norm.ppf(shares)), np.random.default_rng(4)
    cell, held = np.repeat(np.arange(cells), reads), 0
    for _ in range(sets):
        of_cell = rng.standard_normal((cells, 1)) * math.sqrt(0.5)
        x = np.exp(of_cell + rng.standard_normal((cells, reads)) * math.sqrt(0.5)).ravel()
        for found, true in zip(exact(x, shares, cell=cell), truth, strict=True):
            held += not (found.low > true or found.high < true)
    # The order of few readings holds it oftener; four binomial standard deviations.
    assert held / sets / len(shares) > 0.95 - 4 * math.sqrt(0.05 * 0.95 / sets / len(shares))


def test_readings_of_few_cells_have_no_interval_and_those_that_follow_each_other_a_wide_one():
    x = np.exp(np.random.default_rng(5).standard_normal(400))
    (few,) = exact(x, [0.5], cell=np.arange(400) % 4)
    assert (math.isnan(few.low), math.isnan(few.high)) == (True, True)
    (loose,) = exact(x, [0.5], cell=np.zeros(400, dtype=int))
    following = np.sort(x)
    (tight,) = exact(following, [0.5], cell=np.zeros(400, dtype=int))
    assert tight.estimate == loose.estimate
    assert not tight.high / tight.low < 2.0 * loose.high / loose.low


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0.01, 100), min_size=3, max_size=40),
    st.floats(0.01, 0.99),
    st.integers(0, 2**20),
)
def test_a_quantile_lies_between_its_ends_whatever_the_limits(values, share, seed):
    side = np.random.default_rng(seed).integers(-1, 2, len(values))
    (found,) = sample_quantiles(values, side, [share])
    known = [end for end in (found.low, found.estimate, found.high) if not math.isnan(end)]
    assert known == sorted(known)
    assert all(min(values) <= number <= max(values) for number in known)


@settings(deadline=None)
@given(st.integers(1, 20_000), st.floats(1e-4, 1.0 - 1e-4))
def test_ends_of_a_quantile_are_where_the_whole_binomial_passes_the_tails(n, share):
    up_to = stats.binom.cdf(np.arange(n + 1), n, share)
    first, last = np.searchsorted(up_to, 0.025, "right"), np.searchsorted(up_to, 0.975) + 1
    (found,) = sample_quantiles(np.arange(1.0, n + 1.0), np.zeros(n, dtype=int), [share])
    assert math.isnan(found.low) or found.low == first
    assert math.isnan(found.high) or found.high == last
    is_held = n * min(share, 1.0 - share) >= 1.0
    assert not is_held or (math.isnan(found.low), math.isnan(found.high)) == (first < 1, last > n)


def test_centre_and_sigmas_are_the_quartiles_and_do_not_follow_a_far_limit():
    z = normal_quantiles(np.arange(1000), np.zeros(1000))
    x = 3.0 + np.where(z > 0.0, 2.0, 0.5) * z
    centre, below, above = centre_and_sigmas(x, np.zeros(x.size, dtype=int))
    assert (centre, below, above) == pytest.approx((3.0, 0.5, 2.0), abs=5e-3)
    # The upper quartile is hidden: the median and the lower one stay as they are.
    hidden = (z > 0.5).astype(int)
    of_limits = [centre_and_sigmas(np.where(hidden, at, x), hidden) for at in (4.0, 40.0)]
    assert of_limits[0] == of_limits[1]
    assert of_limits[0][:2] == (centre, below)
    # Of a straight line, all three follow from any part of it, in either direction.
    straight = 3.0 + 2.0 * z
    for side, at in ((1, 1e3), (-1, -1e3)):
        hidden = side * (side * z > -0.3)
        found = centre_and_sigmas(np.where(hidden, at, straight), hidden)
        if side == 1:
            assert found == pytest.approx((3.0, 2.0, 2.0), rel=0.01)
        assert not any(abs(number) > 10.0 for number in found[1:])
    nothing = centre_and_sigmas([5.0, 7.0, 6.0], [1, 1, 1])
    assert nothing == (6.0, 0.0, 0.0)


@pytest.mark.parametrize("cell", [np.repeat(np.arange(20), 20), np.zeros(400, dtype=int)])
def test_the_interval_of_a_quantile_does_not_follow_a_far_limit(cell):
    """Cells go together and readings follow each other, whatever the limit is."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal(20)[np.arange(400) // 20] + 0.3 * rng.standard_normal(400)
    side = (x > 1.0).astype(int)
    near, far = (
        sample_quantiles(np.exp(np.where(side, at, x)), side, (0.5,), cell=cell)
        for at in (1.0, 16.0)
    )
    assert near == far
