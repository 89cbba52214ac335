import math

import numpy as np
import pytest
from scipy import stats

from rramsim.device.bit_errors.pairs import pair_notes, paired_rate, state_correlation
from rramsim.device.read_conditions import ReadConditions


def test_a_fitted_pair_has_the_closed_form_and_is_marked_beyond_its_pairs(condition_of, normal):
    condition = condition_of(normal(500, 1, 9, 0.3), normal(400, 2, 11, 0.5))
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    found = paired_rate(condition, ReadConditions(offset_spread=0.1))
    z = (hrs.mu - lrs.mu) / math.sqrt(lrs.sigma**2 + hrs.sigma**2 + 0.01)
    # 400 cells flatter it by less than a tenth.
    assert found.estimate == pytest.approx(stats.norm.sf(z), rel=1e-9)
    assert found.low < found.estimate < found.high
    assert (found.basis, found.extrapolated) == ("fitted", True)
    near = paired_rate(condition_of(normal(500, 1, 9, 0.3), normal(400, 2, 9.5, 0.5)))
    assert not near.extrapolated


def test_the_interval_of_many_censored_pairs_is_that_of_the_delta_method(condition_of, normal):
    lrs, hrs = normal(2000, 1, 9, 0.5), normal(2000, 2, 10.6, 0.5)
    limit = 10.5  # of more than half of HRS only that is known
    condition = condition_of(lrs, np.minimum(hrs, limit), side=(hrs > limit).astype(int))
    found = paired_rate(condition)
    fits = condition.lrs.fit, condition.hrs.fit
    spread = math.hypot(*(fit.sigma for fit in fits))
    z = (fits[1].mu - fits[0].mu) / spread
    variance = 0.0
    for fit, sign in zip(fits, (-1.0, 1.0), strict=True):
        by_mu, by_sigma = sign / spread, -z * fit.sigma / spread**2
        # mu = g/h and sigma = 1/h.
        slopes = fit.sigma * np.array([by_mu, -by_mu * fit.mu - by_sigma * fit.sigma])
        variance += slopes @ fit.covariance @ slopes
    reach = stats.norm.ppf(found.high) - stats.norm.ppf(found.low)
    assert reach == pytest.approx(2 * 1.959964 * math.sqrt(variance), rel=0.02)


def test_an_offset_of_the_amplifier_is_in_the_interval_of_a_fitted_pair(condition_of, normal):
    condition = condition_of(normal(500, 1, 9, 0.3), normal(500, 2, 11, 0.4))
    found = paired_rate(condition, ReadConditions(offset_spread=0.8))
    assert found.basis == "fitted"
    assert found.low < found.estimate < found.high < 2 * found.estimate


def test_counted_pairs_are_all_pairs_of_the_readings(condition_of, normal):
    lrs, hrs = normal(60, 1, 9, 0.3), normal(50, 2, 9.6, 0.5)
    hrs[0] = lrs[0]
    found = paired_rate(condition_of(lrs, hrs), is_lognormal=False)
    wrong = np.sum(lrs[:, None] > hrs) + 0.5 * np.sum(lrs[:, None] == hrs)
    assert found.estimate == pytest.approx(wrong / 3000)
    assert (found.basis, found.method) == ("counted", "Clopper-Pearson")
    assert found.low < found.estimate < found.high
    none = paired_rate(condition_of(lrs, hrs + 5), is_lognormal=False)
    assert math.isnan(none.estimate)
    assert (none.bound, none.high) == ("upper", pytest.approx(-math.log(0.05) / 50))


@pytest.mark.slow
def test_the_interval_of_counted_pairs_covers_at_least_95_times_in_100(condition_of, normal):
    truth, hits, sets = stats.norm.sf(1.5 / math.hypot(0.5, 0.8)), 0, 300
    for seed in range(sets):
        found = paired_rate(
            condition_of(normal(80, seed, 9, 0.5), normal(80, 1000 + seed, 10.5, 0.8)),
            is_lognormal=False,
        )
        low = 0.0 if math.isnan(found.low) else found.low
        hits += low <= truth <= found.high
    assert hits / sets > 0.95 - 3 * math.sqrt(0.0475 / sets)


def test_a_censored_reading_is_counted_in_the_pairs_its_limit_decides(condition_of, normal):
    lrs, hrs = normal(40, 1, 9, 0.3), normal(40, 2, 11, 0.5)
    side = np.r_[1, np.zeros(39, int)]
    found = paired_rate(condition_of(lrs, hrs, side=side), is_lognormal=False)
    assert (found.basis, found.bound) == ("counted", "upper")
    assert found.high == pytest.approx(-math.log(0.05) / 40)


def test_counted_pairs_know_the_offset_and_no_lower_end_below_one_error(condition_of, normal):
    lrs, hrs = normal(60, 1, 9, 0.3), normal(50, 2, 11, 0.5)
    condition = condition_of(lrs, hrs)
    sharp = paired_rate(condition, is_lognormal=False)
    assert sharp.bound == "upper"
    blurred = paired_rate(condition, ReadConditions(offset_spread=0.4), is_lognormal=False)
    expected = stats.norm.sf((hrs - lrs[:, None]) / 0.4).mean()
    assert blurred.estimate == pytest.approx(expected, rel=1e-3)
    # 50 independent pairs at this rate err less than once.
    assert 50 * blurred.estimate < 1
    assert blurred.low == 0
    assert blurred.estimate < blurred.high < 0.2


def test_pairs_hundreds_of_sigmas_apart_give_the_bound_that_so_many_cells_reach(
    condition_of, normal
):
    found = paired_rate(condition_of(normal(50, 1, 5, 0.01), normal(50, 2, 15, 0.01)))
    assert (found.bound, found.basis, found.extrapolated) == ("upper", "fitted", True)
    assert found.high == pytest.approx(stats.norm.sf(2 - stats.norm.ppf(1 / 50)))


def test_pairs_of_fewer_than_20_cells_are_counted(condition_of, normal):
    found = paired_rate(condition_of(normal(19, 1, 5, 0.1), normal(30, 2, 15, 0.1)))
    assert (found.basis, found.bound) == ("counted", "upper")
    assert found.high == pytest.approx(-math.log(0.05) / 19)


@pytest.mark.slow
@pytest.mark.parametrize("cells", [30, 100])
def test_the_interval_of_fitted_pairs_covers_95_times_in_100_on_both_sides(
    condition_of, normal, cells
):
    truth, sets = stats.norm.sf(3.0 / math.hypot(0.5, 0.8)), 300
    misses = np.zeros(2)
    for seed in range(sets):
        found = paired_rate(
            condition_of(normal(cells, seed, 9, 0.5), normal(cells, 9000 + seed, 12.0, 0.8))
        )
        assert found.basis == "fitted"
        misses += [found.low > truth, truth > found.high]
    assert misses / sets == pytest.approx([0.025, 0.025], abs=4 * math.sqrt(0.025 / sets))


def test_states_that_go_together_in_a_cell_are_told_with_what_that_would_make_of_pairs(
    condition_of,
):
    rng, rho, cells = np.random.default_rng(8), 0.7, 400
    x = rng.normal(size=(2, cells))
    lrs, hrs = 9.0 + 0.5 * x[0], 11.0 + 0.5 * (rho * x[0] + math.sqrt(1 - rho**2) * x[1])
    together = condition_of(lrs, hrs, cell=np.arange(cells))
    found = state_correlation(together)
    assert found.cells == cells
    assert found.rho.estimate == pytest.approx(np.corrcoef(lrs, hrs)[0, 1])
    assert found.rho.low < rho < found.rho.high
    assert np.tanh(np.arctanh(found.rho.estimate) + 1.96 / np.sqrt(397)) == pytest.approx(
        found.rho.high, rel=1e-4
    )
    (note,) = pair_notes(together, ReadConditions(), paired_rate(together))
    z = np.diff([lrs.mean(), hrs.mean()])[0] / np.std(hrs - lrs)
    assert note.kind == "states correlated"
    assert note.values["ber"] == pytest.approx(stats.norm.sf(z), rel=0.2)
    assert "takes the two cells of a bit as independent" in note.text


def test_cells_without_a_number_or_of_other_numbers_show_no_correlation(condition_of, normal):
    lrs, hrs = normal(60, 1, 9, 0.5), normal(60, 2, 11, 0.5)
    unnamed = condition_of(lrs, hrs)
    assert math.isnan(state_correlation(unnamed).rho.estimate)
    assert pair_notes(unnamed, ReadConditions(), paired_rate(unnamed)) == []
    independent = condition_of(lrs, hrs, cell=np.arange(60))
    assert abs(state_correlation(independent).rho.estimate) < 4 / math.sqrt(60)
    assert pair_notes(independent, ReadConditions(), paired_rate(independent)) == []


def test_fits_that_are_exchanged_where_the_medians_are_not_leave_the_pairs_to_the_count(
    condition_of,
):
    place = np.linspace(-1.0, 1.0, 41)
    lrs, hrs = 9.0 + place, 9.01 + place
    lrs[-5:] += 4.0  # a tail lifts the mean of LRS above that of HRS, not its median
    condition = condition_of(lrs, hrs)
    assert condition.lrs.fit.mu > condition.hrs.fit.mu
    assert condition.lrs.median < condition.hrs.median
    assert paired_rate(condition).basis == "counted"
