import math

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from rramsim.device.bit_errors.fitted_rates import bit_error_rate, fitted_pair, fitted_rate
from rramsim.device.bit_errors.left_open import log_rates_left_open
from rramsim.device.bit_errors.sensing import (
    StatePair,
    best_reference,
    log_bit_error_rate,
)
from rramsim.device.populations.fit import ConditionReadings
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.statistics.lognormal import fit_lognormal


def rate_of(condition, *, is_chosen=False, **more):
    read = ReadConditions(reference_resistance=math.exp(10.0), **more)
    return fitted_rate(condition, read, sample=2048.0, is_chosen=is_chosen)


def test_no_fit_is_no_fitted_rate(condition_of, normal):
    assert rate_of(condition_of(np.full(40, 9.0), normal(40, 2, 11, 0.5))) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "censored", "method"),
    [
        (29, 0, "profile likelihood"),
        (30, 0, "delta method on the probit scale"),
        (60, 41, "profile likelihood"),
        (60, 40, "delta method on the probit scale"),
    ],
)
def test_small_samples_get_the_profile_likelihood(condition_of, cells, censored, method, normal):
    lrs, hrs = normal(cells, 1, 9.0, 0.3), np.sort(normal(cells, 2, 11.0, 0.5))
    side = np.zeros(cells, int)
    if censored:
        hrs[-censored:], side[-censored:] = hrs[-censored], 1
    found = rate_of(condition_of(lrs, hrs, side=side))
    assert found.method == method
    assert found.low < found.estimate < found.high


def test_few_cells_read_often_keep_the_interval_over_cells(condition_of, normal):
    cell = np.arange(24) // 2
    found = rate_of(condition_of(normal(24, 1, 9, 0.3), normal(24, 2, 11, 0.5), cell=cell))
    assert found.method == "generalised pivots on the probit scale, over cells"


def reads(cells, cycles, rng, *, mu, sigma, correlation):
    """Return ln R of cells read again and again, correlated within a cell."""
    of_cell = rng.normal(0.0, math.sqrt(correlation), (cells, 1))
    of_read = rng.normal(0.0, math.sqrt(1.0 - correlation), (cells, cycles))
    return (mu + sigma * (of_cell + of_read)).ravel()


@pytest.mark.slow
@pytest.mark.parametrize("cells", [5, 10])
def test_intervals_of_few_cells_read_often_cover_95_times_in_100(condition_of, cells):
    """Half of the variance is between cells; at least 95 % but for 4 binomial deviations."""
    sets, rng, hits = 400, np.random.default_rng(cells), 0
    cell, truth = np.repeat(np.arange(cells), 20), stats.norm.sf(2.0)
    for _ in range(sets):
        lrs, hrs = (reads(cells, 20, rng, mu=mu, sigma=0.5, correlation=0.5) for mu in (9.0, 11.0))
        found = rate_of(condition_of(lrs, hrs, cell=cell))
        hits += found.low <= truth <= found.high
    assert hits / sets > 0.95 - 4 * math.sqrt(0.0475 / sets)


@pytest.fixture
def of_cells(state_of):
    """Return a maker of a condition of 30 LRS cells and of so many HRS cells, each read 9 times."""

    def build(cells, *, mu_lrs=9.0, mu_hrs=11.0):
        states = []
        for name, mu, count in (("LRS", mu_lrs, 30), ("HRS", mu_hrs, cells)):
            x = reads(count, 9, np.random.default_rng(1), mu=mu, sigma=0.5, correlation=0.5)
            states.append(state_of(x, place=f"c/{name}", cell=np.repeat(np.arange(count), 9)))
        return ConditionReadings("c", *states)

    return build


def test_where_one_state_errs_the_interval_is_that_of_its_distance(of_cells):
    condition = of_cells(5, mu_lrs=-20.0)
    hrs = condition.hrs.fit
    z, ends = (hrs.mu - 10.0) / hrs.sigma, hrs.distance_interval(10.0)
    stated, chosen = rate_of(condition), rate_of(condition, is_chosen=True)
    half = stats.norm.sf(np.array([ends[1], z, ends[0]])) / 2
    # Draws are even, not exact: to 2 % of a BER.
    assert (chosen.low, chosen.high) == pytest.approx((half[0], half[2]), rel=0.02)
    y = stats.norm.isf(half[1])
    weight = math.exp((y**2 - z**2) / 2) / 2
    joined = [stats.norm.sf(y + weight * (end - z)) for end in (ends[1], ends[0])]
    assert (stated.low, stated.high) == pytest.approx(joined, rel=1e-6)
    assert stated.method == "generalised pivots on the probit scale, over cells"
    assert chosen.method == "populations that the cells leave open"


def test_four_cells_read_often_give_no_interval(of_cells):
    for is_chosen in (False, True):
        none = rate_of(of_cells(4), is_chosen=is_chosen)
        assert none.estimate > 0
        assert math.isnan(none.low)
        assert math.isnan(none.high)
        assert none.method == ""


def test_states_of_a_cell_that_move_apart_widen_the_interval(of_cells):
    """A cell with a low LRS and a high HRS is good in both: both distances go with the sample."""
    condition, read = of_cells(30), ReadConditions(reference_resistance=math.exp(10.0))
    for is_chosen in (False, True):
        alone, unlike = (
            fitted_rate(condition, read, sample=30, is_chosen=is_chosen, shared=shared)
            for shared in (0.0, -0.8)
        )
        assert unlike.low < alone.low < alone.high < unlike.high


def test_near_the_middle_states_of_a_cell_that_move_together_narrow_the_interval(of_cells):
    """What LRS then errs more HRS errs less; how spread they are hardly matters."""
    condition = of_cells(30, mu_lrs=9.85, mu_hrs=10.15)
    read = ReadConditions(reference_resistance=math.exp(10.0))
    apart, alone, together = (
        fitted_rate(condition, read, sample=30, shared=shared) for shared in (-0.8, 0.0, 0.8)
    )
    assert apart.low < alone.low < together.low < together.high < alone.high < apart.high


def test_what_is_open_of_censored_cells_that_do_not_go_together_is_that_of_their_readings():
    rng, fits = np.random.default_rng(7), []
    for mu in (4.0, 11.0):  # of LRS hardly any errs
        # Two readings of a cell, one as far above the middle as the other is below.
        z = rng.standard_normal(500)
        x, cell = mu + 0.5 * np.r_[z, -z], np.tile(np.arange(500), 2)
        limit = mu + 0.1
        readings = np.exp(np.minimum(x, limit)), (x > limit).astype(int)
        fits.append((fit_lognormal(*readings), fit_lognormal(*readings, cell=cell)))
    alone, together = (log_rates_left_open(10.0, *pair) for pair in zip(*fits, strict=True))
    reach = alone[2] - alone[0]
    assert together == pytest.approx(alone, abs=0.05 * reach)


def test_one_cell_has_the_interval_of_its_series_and_a_short_one_has_none(condition_of):
    rng = np.random.default_rng(4)
    lrs, hrs = (lfilter([1], [1, -0.7], rng.standard_normal(1200))[200:] for _ in range(2))
    for size, is_chosen in ((1000, False), (1000, True), (40, False)):
        cell = np.zeros(size, int)
        lone = condition_of(9 + 0.2 * lrs[:size], 11 + 0.3 * hrs[:size], cell=cell)
        blind = condition_of(9 + 0.2 * lrs[:size], 11 + 0.3 * hrs[:size])
        found, independent = (rate_of(each, is_chosen=is_chosen) for each in (lone, blind))
        assert math.isnan(found.low) == (size == 40)
        if size == 1000:
            assert found.method.endswith("series of readings" + " leaves open" * is_chosen)
            assert found.low < independent.low < independent.high < found.high


@pytest.mark.slow
def test_a_spread_of_the_reference_raises_the_ber_and_keeps_to_the_delta_method(
    condition_of, normal
):
    condition = condition_of(normal(25, 1, 9, 0.3), normal(25, 2, 11, 0.5))
    sharp, blurred = rate_of(condition), rate_of(condition, reference_spread=0.3)
    assert blurred.estimate > 1.5 * sharp.estimate
    assert blurred.method == "delta method on the probit scale"


@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_two_fits_give_the_rate_that_their_condition_gives(condition_of, spread, normal):
    x, y = normal(200, 1, 9.0, 0.3), normal(300, 2, 11.5, 0.8)
    expected = rate_of(condition_of(x, y), reference_spread=spread)
    fits = fit_lognormal(np.exp(x)), fit_lognormal(np.exp(y))
    rate = bit_error_rate(*fits, reference=math.exp(10.0), reference_spread=spread)
    assert (rate.estimate, rate.low, rate.high, rate.basis, rate.method) == (
        *(expected.estimate, expected.low, expected.high),
        *("fitted", "delta method on the probit scale"),
    )
    # min(200, 300) / 0.5 = 400 readings without an error show a BER of 7.5e-3.
    assert rate.extrapolated == (rate.estimate < -math.log(0.05) / 400)


def test_cells_read_more_than_once_widen_the_interval_of_two_fits(normal):
    x, y = np.repeat(normal(40, 1, 9.0, 0.3), 5), np.repeat(normal(40, 2, 11.5, 0.8), 5)
    cells = np.repeat(np.arange(40), 5)
    alone = [fit_lognormal(np.exp(each)) for each in (x, y)]
    grouped = [fit_lognormal(np.exp(each), cell=cells) for each in (x, y)]
    for reference, method in (
        (2.2e4, "generalised pivots on the probit scale, over cells"),
        (None, "populations that the cells leave open"),
    ):
        blind = bit_error_rate(*alone, reference=reference)
        found = bit_error_rate(*grouped, reference=reference)
        assert found.low < blind.low < blind.high < found.high
        assert found.method == method
    at = bit_error_rate(*grouped, reference=2.2e4).estimate
    # The spread of few cells is taken without bias, so the BER is a little higher.
    blind = bit_error_rate(*alone, reference=2.2e4).estimate
    assert blind < at < 1.2 * blind


def test_the_best_reference_of_two_fits_is_no_worse_than_any_other(normal):
    """Of so many cells that choosing the reference on them is worth less than a tenth."""
    fits = (
        fit_lognormal(np.exp(normal(2000, 1, 9.0, 0.3))),
        fit_lognormal(np.exp(normal(2000, 2, 11.5, 0.8))),
    )
    best = bit_error_rate(*fits).estimate
    others = [bit_error_rate(*fits, reference=f"{kohm} kOhm").estimate for kohm in (12, 16, 20, 30)]
    assert best < min(others)


def test_a_rate_too_small_for_a_number_is_the_bound_that_so_many_cells_reach(normal):
    lrs, hrs = (fit_lognormal(np.exp(normal(50, 1, mu, 0.01))) for mu in (9.0, 11.5))
    rate = bit_error_rate(lrs, hrs)
    assert (rate.bound, rate.extrapolated) == ("upper", True)
    assert rate.high == pytest.approx(stats.norm.sf(2 - stats.norm.ppf(1 / 50)))
    assert math.isnan(rate.estimate)


def test_an_underflow_is_no_more_than_the_upper_end_of_its_interval(condition_of):
    """Three cells 100 sigmas from the reference: no number by the fit, 10^-76 at the upper end."""
    steps = np.array([-1.0, 0.0, 1.0]) / np.std([-1.0, 0.0, 1.0])
    found = rate_of(condition_of(8.0 + steps / 50, 12.0 + steps / 50), is_chosen=True)
    assert found.bound == "upper"
    # The z of a state is left open down to 100 sqrt(chi2 / 3), of 2 degrees of freedom.
    assert found.high > stats.norm.sf(100 * math.sqrt(stats.chi2.ppf(0.05, 2) / 3))


def test_fewer_than_20_cells_give_what_they_could_show_by_counting(normal):
    few, enough = normal(19, 1, 9.0, 0.3), normal(20, 1, 9.0, 0.3)
    hrs = fit_lognormal(np.exp(normal(40, 2, 13.0, 0.5)))
    rate = bit_error_rate(fit_lognormal(np.exp(few)), hrs)
    assert (rate.bound, rate.high) == ("upper", pytest.approx(-math.log(0.05) / 38))
    assert bit_error_rate(fit_lognormal(np.exp(enough)), hrs).high < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("z", [3.0, 3.7])
def test_at_a_chosen_reference_the_interval_covers_on_both_sides(normal, z):
    """30 cells: what they err at the reference chosen on them, not at the best one of all."""
    misses, ratios, sets = np.zeros(2), [], 400
    truth = StatePair(0.0, 1.0, 2 * z, 1.0)
    for seed in range(sets):
        fits = [fit_lognormal(np.exp(normal(30, 2 * seed + i, 2 * z * i, 1.0))) for i in (0, 1)]
        pair = StatePair(fits[0].mu, fits[0].sigma, fits[1].mu, fits[1].sigma)
        at, _ = best_reference(pair)
        low, median, high = log_rates_left_open(at, *fits)
        true = log_bit_error_rate(at, truth)
        misses += [low > true, true > high]
        ratios.append(median - true)
    assert misses / sets == pytest.approx([0.025, 0.025], abs=4 * math.sqrt(0.025 / sets))
    # The middle one is above and below the truth equally often.
    assert np.mean(np.array(ratios) > 0) == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(sets))


def test_the_estimate_at_a_chosen_reference_is_the_middle_of_what_is_left_open(
    condition_of, normal
):
    condition = condition_of(normal(64, 1, 9.0, 0.3), normal(64, 2, 11.2, 0.3))
    read = ReadConditions(reference_resistance=math.exp(best_reference(fitted_pair(condition))[0]))
    alone = fitted_rate(condition, read, sample=128.0)
    chosen = fitted_rate(condition, read, sample=128.0, is_chosen=True)
    _, median, _ = log_rates_left_open(read.ln_reference, condition.lrs.fit, condition.hrs.fit)
    assert chosen.estimate == pytest.approx(math.exp(median))
    assert chosen.estimate > 1.1 * alone.estimate
    many = condition_of(normal(4000, 1, 9.0, 0.3), normal(4000, 2, 11.2, 0.3))
    at = ReadConditions(reference_resistance=math.exp(best_reference(fitted_pair(many))[0]))
    assert (
        fitted_rate(many, at, sample=8000.0, is_chosen=True).estimate
        == fitted_rate(many, at, sample=8000.0).estimate
    )


def test_states_the_wrong_way_round_and_numbers_out_of_range_are_refused(normal):
    lrs, hrs = (fit_lognormal(np.exp(normal(50, 1, mu, 0.3))) for mu in (9.0, 11.5))
    with pytest.raises(InputError, match="are the states swapped"):
        bit_error_rate(hrs, lrs)
    with pytest.raises(InputError, match="share of LRS cells is 1; it must be between 0 and 1"):
        bit_error_rate(lrs, hrs, lrs_share=1.0)
    with pytest.raises(InputError, match="reference resistance is -1"):
        bit_error_rate(lrs, hrs, reference=-1.0)
