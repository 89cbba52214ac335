import math

import numpy as np
import pytest
from scipy import stats

from rramsim.device.bit_errors.headline import bit_error_rate, bit_errors, fitted_rate, paired_rate
from rramsim.device.bit_errors.sensing import StatePair, log_bit_error_rate_interval
from rramsim.device.populations.fit import ConditionReadings, fit_conditions
from rramsim.device.populations.verdicts import verdict_on
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.statistics.lognormal import fit_lognormal


@pytest.fixture
def errors_of(measured_from):
    def errors(lrs, hrs, *, censoring=None, **options):
        measured = measured_from({"c": (lrs, hrs)}, censoring=censoring)
        (condition,) = fit_conditions(measured.readings)
        return bit_errors(condition, ReadConditions(**options))

    return errors


def test_lognormal_cells_give_the_fitted_ber_with_the_count_beside_it(errors_of, exact_sample):
    separation = 1.84
    sigma, gap = 0.5, math.exp(2 * separation * 0.5)
    found = errors_of(exact_sample(1e4, sigma), exact_sample(1e4 * gap, sigma, seed=2))
    head = found.headline
    assert head.estimate == pytest.approx(stats.norm.sf(separation), rel=1e-9)
    assert head.low < head.estimate < head.high
    assert (head.basis, head.bound, head.extrapolated) == ("fitted", "", False)
    assert head.estimate == pytest.approx(sum(found.misread) / 2)
    assert found.reference == pytest.approx(1e4 * math.sqrt(gap))
    assert found.counted.errors > 10
    assert found.notes == ()


def test_a_ber_beyond_what_the_sample_shows_is_marked_extrapolated(errors_of, exact_sample):
    found = errors_of(exact_sample(1e4, 0.3), exact_sample(3e5, 0.3, seed=2))
    assert found.headline.basis == "fitted"
    assert found.headline.extrapolated
    assert 0 < found.headline.estimate < 3 / 2048
    (note,) = map(str, found.notes)
    assert "extrapolated" in note
    assert "1.5×10⁻³" in note


def test_a_tail_no_lognormal_has_makes_the_count_the_headline(errors_of, exact_sample):
    """Three per cent of the HRS cells never left LRS."""
    lrs, hrs = exact_sample(1e4, 0.2), exact_sample(1e6, 0.4, seed=2)
    hrs[:31] = 1e4
    found = errors_of(lrs, hrs)
    assert found.headline.basis == "counted"
    assert found.headline.estimate == pytest.approx(31 / 2048)
    assert found.misread == (0.0, 31 / 1024)
    interval = stats.binomtest(31, 2048).proportion_ci(0.95, method="exact")
    assert (found.headline.low, found.headline.high) == pytest.approx(
        (interval.low, interval.high), rel=1e-9
    )
    assert "the counted BER is used" in str(found.notes[0])


def test_no_fit_and_no_error_is_a_bound_not_a_value(errors_of, exact_sample):
    found = errors_of([1e4] * 1024, exact_sample(1e6, 0.3))
    head = found.headline
    assert math.isnan(head.estimate)
    assert math.isnan(found.misread[0])
    assert (head.basis, head.bound) == ("counted", "upper")
    assert head.high == pytest.approx(-math.log(0.05) / 2048)
    assert found.reference == pytest.approx(1e5)
    assert "geometric mean of the medians" in str(found.notes[0])
    assert "0 errors were counted" in str(found.notes[1])


def test_no_fit_but_errors_is_counted(errors_of, exact_sample):
    hrs = exact_sample(1e6, 0.3)
    hrs[:3] = 2e4
    head = errors_of([1e4] * 1024, hrs).headline
    assert (head.basis, head.bound, head.estimate) == ("counted", "", pytest.approx(3 / 2048))


def test_a_few_counted_errors_do_not_bear_out_a_lower_ber(errors_of, exact_sample):
    """One LRS cell of 2048 is above the reference: still below what counting could show."""
    lrs, hrs = exact_sample(1e4, 0.3), exact_sample(8e4, 0.3, seed=2)
    found = errors_of(lrs, hrs, reference_resistance=float(np.sort(lrs)[-2:].mean()))
    assert found.counted.errors == 1
    assert 0 < found.headline.estimate < -math.log(0.05) / 2048
    assert (found.headline.basis, found.headline.extrapolated) == ("fitted", True)
    (note,) = map(str, found.notes)
    assert "1 error was counted, too few to bear out a BER that low" in note
    zero = errors_of(lrs, hrs, reference_resistance=float(lrs.max() * 1.01))
    assert zero.counted.errors == 0
    assert "too few" not in str(zero.notes[0])


def test_cells_read_again_widen_the_counted_interval_and_decide_the_headline(
    measured_from, exact_sample
):
    """Read 16 times without any change, 64 cells tell what 64 readings tell."""
    lrs, hrs = exact_sample(1e4, 0.2, cells=64), exact_sample(1e6, 0.4, cells=64, seed=2)
    hrs[:6] = np.linspace(1e4, 1.2e4, 6)

    def found(times, cells):
        measured = measured_from(
            {"c": (np.repeat(lrs, times), np.repeat(hrs, times))}, cells=np.tile(cells, 2)
        )
        (condition,) = fit_conditions(measured.readings)
        return bit_errors(condition, ReadConditions(reference_resistance=5e4))

    once = found(1, np.arange(64))
    again, blind = found(16, np.repeat(np.arange(64), 16)), found(16, np.arange(1024))
    assert again.counted.ber.estimate == once.counted.ber.estimate == 6 / 128
    # t with 63 degrees of freedom, and k/(k - 1) cells, are all that is between them.
    assert again.counted.sample == pytest.approx(once.counted.sample, rel=0.06)
    assert again.counted.sample < once.counted.sample
    assert blind.counted.sample == 16 * once.counted.sample
    assert (again.headline.basis, blind.headline.basis) == (once.headline.basis, "counted")
    assert blind.headline.method == "Clopper-Pearson"


def test_states_hundreds_of_sigmas_apart_give_a_bound_instead_of_zero(errors_of, exact_sample):
    head = errors_of(exact_sample(1e3, 0.01), exact_sample(1e6, 0.01, seed=2)).headline
    assert math.isnan(head.estimate)
    assert (head.bound, head.high, head.basis) == ("upper", 1e-300, "fitted")


def test_readings_whose_side_is_open_are_told_and_not_counted(errors_of, exact_sample):
    """An over-range limit below the reference: the meter cannot tell the states apart."""
    lrs, hrs = exact_sample(1e4, 0.4), exact_sample(1e5, 0.6, seed=2)
    limit = 3e4
    everything = np.concatenate([lrs, hrs])
    over = everything > limit
    clipped = np.minimum(everything, limit)
    found = errors_of(
        clipped[:1024], clipped[1024:], censoring=over.astype(int), reference_resistance=4e4
    )
    assert found.counts[1].undecided == np.count_nonzero(hrs > limit)
    assert any(
        f"c/HRS: {found.counts[1].undecided:,} of 1,024" in str(note) for note in found.notes
    )


def test_the_share_of_lrs_cells_moves_reference_and_ber(errors_of, exact_sample):
    lrs, hrs = exact_sample(1e4, 0.5), exact_sample(6e4, 0.5, seed=2)
    half, most = errors_of(lrs, hrs), errors_of(lrs, hrs, lrs_share=0.9)
    assert most.reference > half.reference
    head = most.headline
    assert head.estimate == pytest.approx(0.9 * most.misread[0] + 0.1 * most.misread[1])
    assert head.estimate < half.headline.estimate


def test_a_given_reference_is_used_and_told_where_it_is_outside_the_medians(
    errors_of, exact_sample
):
    lrs, hrs = exact_sample(1e4, 0.5), exact_sample(6e4, 0.5, seed=2)
    inside = errors_of(lrs, hrs, reference_resistance=2e4)
    assert inside.misread[0] == pytest.approx(stats.norm.sf(math.log(2) / 0.5), rel=1e-9)
    assert inside.notes == ()
    outside = errors_of(lrs, hrs, reference_resistance=8e4)
    assert outside.misread[1] > 0.5
    assert "is not between the medians" in str(outside.notes[0])


def test_very_unequal_spreads_are_told(errors_of, exact_sample):
    found = errors_of(exact_sample(1e4, 1.0), exact_sample(1.1e4, 0.05, seed=2))
    assert any("do not cross between the medians" in str(note) for note in found.notes)


def errors_with_verdicts(measured_from, lrs, hrs):
    (condition,) = fit_conditions(measured_from({"c": (lrs, hrs)}).readings)
    verdicts = verdict_on(condition.lrs), verdict_on(condition.hrs)
    return bit_errors(condition, verdicts=verdicts), bit_errors(condition)


def test_a_tail_short_of_the_reference_still_makes_the_count_the_headline(
    measured_from, exact_sample
):
    """One per cent of the HRS cells are weak but read right: the count is 0, as the fit says."""
    lrs, hrs = exact_sample(1e4, 0.2), exact_sample(3e6, 0.4, seed=2)
    hrs[:10] = 4e5 * np.exp(np.linspace(-0.2, 0.2, 10))
    with_verdicts, without = errors_with_verdicts(measured_from, lrs, hrs)
    assert without.headline.basis == "fitted"
    assert with_verdicts.headline.basis == "counted"
    assert (with_verdicts.headline.bound, with_verdicts.headline.high) == (
        "upper",
        pytest.approx(-math.log(0.05) / 2048),
    )
    assert any(
        "c/HRS: tail: " in str(n) and "counted BER is used" in str(n) for n in with_verdicts.notes
    )
    assert with_verdicts.fitted == without.headline
    assert with_verdicts.paired.basis == "counted"
    assert without.paired.basis == "fitted"


def test_a_tail_on_the_side_that_makes_no_errors_changes_nothing(measured_from, exact_sample):
    """Where the BER can be counted; nothing is extrapolated along such a population."""
    lrs, hrs = exact_sample(1e4, 0.2), exact_sample(4e4, 0.4, seed=2)
    hrs[:10] = 2.4e5
    with_verdicts, _ = errors_with_verdicts(measured_from, lrs, hrs)
    assert with_verdicts.headline.basis == "fitted"


def test_the_spread_of_the_reference_widens_the_fit_and_not_the_count(measured_from, exact_sample):
    lrs, hrs = exact_sample(1e4, 0.5), exact_sample(6e4, 0.5, seed=2)
    (condition,) = fit_conditions(measured_from({"c": (lrs, hrs)}).readings)
    sharp = bit_errors(condition)
    blurred = bit_errors(condition, ReadConditions(reference_spread=0.5))
    assert blurred.reference == pytest.approx(sharp.reference)
    separation = math.log(6) / 2 / math.hypot(0.5, 0.5)
    assert blurred.headline.estimate == pytest.approx(stats.norm.sf(separation), rel=1e-6)
    # The count is of the reference itself, and is held against the fit without the spread.
    assert blurred.headline.basis == "fitted"
    assert blurred.counted == sharp.counted


def test_a_counted_headline_says_that_it_leaves_the_spread_out(measured_from, exact_sample):
    lrs, hrs = exact_sample(1e4, 0.2), exact_sample(1e6, 0.4, seed=2)
    hrs[:31] = 1e4
    (condition,) = fit_conditions(measured_from({"c": (lrs, hrs)}).readings)
    found = bit_errors(condition, ReadConditions(reference_spread=0.1))
    assert found.headline.basis == "counted"
    assert "c: the counted BER leaves out the spread of the reference." in map(str, found.notes)


def uniform(median, half_width, seed, cells=500):
    return median * np.exp(np.random.default_rng(seed).uniform(-half_width, half_width, cells))


def test_nothing_is_extrapolated_along_a_lognormal_that_does_not_hold(measured_from, exact_sample):
    found, _ = errors_with_verdicts(
        measured_from, uniform(1e4, 1.0, 1), exact_sample(1e6, 0.4, cells=500)
    )
    head = found.headline
    assert (head.basis, head.bound, head.extrapolated) == ("counted", "upper", False)
    assert math.isnan(head.estimate)
    assert head.high == pytest.approx(-math.log(0.05) / 1000)
    assert 0 < found.fitted.estimate < head.high
    assert any(
        "c/LRS: the lognormal does not hold, so the fitted BER" in str(n) for n in found.notes
    )
    assert found.paired.basis == "counted"


def test_a_ber_that_counting_can_show_stays_fitted_though_the_lognormal_does_not_hold(
    measured_from, exact_sample
):
    found, _ = errors_with_verdicts(
        measured_from, uniform(1e4, 1.0, 1), exact_sample(5e4, 0.6, cells=500)
    )
    assert (found.headline.basis, found.headline.extrapolated) == ("fitted", False)
    assert found.headline.estimate > 3e-3


def test_pairs_whose_limits_leave_them_open_are_told(errors_of, exact_sample):
    """Stuck HRS cells and an over-range LRS cell, which may be above any of them."""
    lrs, hrs = exact_sample(1e4, 0.2, cells=50), exact_sample(1e6, 0.4, cells=50, seed=2)
    hrs[:10], lrs[0] = 1e4, 1e5
    found = errors_of(lrs, hrs, censoring=np.r_[1, np.zeros(99, int)])
    assert found.paired.basis == "counted"
    assert 0 < found.paired.low < found.paired.estimate < found.paired.high
    assert any("c: 40 of 2,500 pairs of an LRS and an HRS reading" in str(n) for n in found.notes)


@pytest.fixture
def condition_of(state_of):
    def condition(lrs, hrs, *, side=None, cell=None):
        return ConditionReadings(
            "c",
            state_of(lrs, place="c/LRS", cell=cell),
            state_of(hrs, side, place="c/HRS", cell=cell),
        )

    return condition


def normal(cells, seed, mu, sigma):
    return np.random.default_rng(seed).normal(mu, sigma, cells)


def rate_of(condition, **more):
    read = ReadConditions(reference_resistance=math.exp(10.0), **more)
    return fitted_rate(condition, read, sample=2048.0)


@pytest.mark.parametrize(
    ("cells", "censored", "method"),
    [
        (29, 0, "profile likelihood"),
        (30, 0, "delta method on the probit scale"),
        (60, 41, "profile likelihood"),
        (60, 40, "delta method on the probit scale"),
    ],
)
def test_small_samples_get_the_profile_likelihood(condition_of, cells, censored, method):
    lrs, hrs = normal(cells, 1, 9.0, 0.3), np.sort(normal(cells, 2, 11.0, 0.5))
    side = np.zeros(cells, int)
    if censored:
        hrs[-censored:], side[-censored:] = hrs[-censored], 1
    found = rate_of(condition_of(lrs, hrs, side=side))
    assert found.method == method
    assert found.low < found.estimate < found.high


def test_few_cells_read_often_keep_the_interval_over_cells(condition_of):
    cell = np.arange(24) // 2
    found = rate_of(condition_of(normal(24, 1, 9, 0.3), normal(24, 2, 11, 0.5), cell=cell))
    assert found.method == "delta method on the probit scale, over cells"


def reads(cells, cycles, rng, *, mu, sigma, correlation):
    """Return ln R of cells read again and again, correlated within a cell."""
    of_cell = rng.normal(0.0, math.sqrt(correlation), (cells, 1))
    of_read = rng.normal(0.0, math.sqrt(1.0 - correlation), (cells, cycles))
    return (mu + sigma * (of_cell + of_read)).ravel()


@pytest.mark.parametrize("cells", [5, 10])
def test_intervals_of_few_cells_read_often_cover_95_times_in_100(condition_of, cells):
    """Half of the variance is between cells; at least 95 % but for 4 binomial deviations."""
    sets, rng, hits = 400, np.random.default_rng(cells), np.zeros(2)
    cell = np.repeat(np.arange(cells), 20)
    one = stats.norm.sf(2.0)
    two = stats.norm.sf(4.0 / math.sqrt(2.0))
    for _ in range(sets):
        lrs, hrs = (reads(cells, 20, rng, mu=mu, sigma=0.5, correlation=0.5) for mu in (9.0, 11.0))
        condition = condition_of(lrs, hrs, cell=cell)
        found = (rate_of(condition), paired_rate(condition))
        hits += [
            rate.low <= truth <= rate.high for rate, truth in zip(found, (one, two), strict=True)
        ]
    assert np.all(hits / sets > 0.95 - 4 * math.sqrt(0.0475 / sets))


def test_the_state_of_fewer_cells_sets_students_t_and_four_cells_give_no_interval(state_of):
    def condition(cells):
        states = []
        for name, mu, count in (("LRS", 9.0, 30), ("HRS", 11.0, cells)):
            x = reads(count, 9, np.random.default_rng(1), mu=mu, sigma=0.5, correlation=0.5)
            states.append(state_of(x, place=f"c/{name}", cell=np.repeat(np.arange(count), 9)))
        return ConditionReadings("c", *states)

    few = condition(5)
    lrs, hrs = few.lrs.fit, few.hrs.fit
    normal_ends = log_bit_error_rate_interval(
        10.0,
        StatePair(lrs.mu, lrs.sigma, hrs.mu, hrs.sigma),
        covariance_lrs=lrs.covariance,
        covariance_hrs=hrs.covariance,
    )
    found = rate_of(few)
    width = np.diff(stats.norm.ppf([found.low, found.high]))[0]
    assert width / np.diff(stats.norm.ppf(np.exp(normal_ends)))[0] == pytest.approx(
        stats.t.ppf(0.975, 4) / stats.norm.ppf(0.975)
    )
    for none in (rate_of(condition(4)), paired_rate(condition(4))):
        assert none.estimate > 0
        assert math.isnan(none.low)
        assert math.isnan(none.high)
        assert none.method == ""


def test_a_spread_of_the_reference_raises_the_ber_and_keeps_to_the_delta_method(condition_of):
    condition = condition_of(normal(25, 1, 9, 0.3), normal(25, 2, 11, 0.5))
    sharp, blurred = rate_of(condition), rate_of(condition, reference_spread=0.3)
    assert blurred.estimate > 1.5 * sharp.estimate
    assert blurred.method == "delta method on the probit scale"


def test_a_fitted_pair_has_the_closed_form_and_is_marked_beyond_its_pairs(condition_of):
    condition = condition_of(normal(500, 1, 9, 0.3), normal(400, 2, 11, 0.5))
    lrs, hrs = condition.lrs.fit, condition.hrs.fit
    found = paired_rate(condition, ReadConditions(offset_spread=0.1))
    z = (hrs.mu - lrs.mu) / math.sqrt(lrs.sigma**2 + hrs.sigma**2 + 0.01)
    assert found.estimate == pytest.approx(stats.norm.sf(z), rel=1e-9)
    assert found.low < found.estimate < found.high
    assert (found.basis, found.extrapolated) == ("fitted", True)
    near = paired_rate(condition_of(normal(500, 1, 9, 0.3), normal(400, 2, 9.5, 0.5)))
    assert not near.extrapolated


def test_counted_pairs_are_all_pairs_of_the_readings(condition_of):
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


def test_the_interval_of_counted_pairs_covers_at_least_95_times_in_100(condition_of):
    truth, hits, sets = stats.norm.sf(1.5 / math.hypot(0.5, 0.8)), 0, 300
    for seed in range(sets):
        found = paired_rate(
            condition_of(normal(80, seed, 9, 0.5), normal(80, 1000 + seed, 10.5, 0.8)),
            is_lognormal=False,
        )
        low = 0.0 if math.isnan(found.low) else found.low
        hits += low <= truth <= found.high
    assert hits / sets > 0.95 - 3 * math.sqrt(0.0475 / sets)


def test_a_censored_reading_is_counted_in_the_pairs_its_limit_decides(condition_of):
    lrs, hrs = normal(40, 1, 9, 0.3), normal(40, 2, 11, 0.5)
    side = np.r_[1, np.zeros(39, int)]
    found = paired_rate(condition_of(lrs, hrs, side=side), is_lognormal=False)
    assert (found.basis, found.bound) == ("counted", "upper")
    assert found.high == pytest.approx(-math.log(0.05) / 40)


def test_counted_pairs_know_the_offset_and_no_lower_end_below_one_error(condition_of):
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


def test_pairs_hundreds_of_sigmas_apart_give_a_bound(condition_of):
    condition = condition_of(normal(50, 1, 5, 0.01), normal(50, 2, 15, 0.01))
    found = paired_rate(condition)
    assert (found.bound, found.high) == ("upper", 1e-300)
    assert math.isnan(found.estimate)


def test_no_fit_is_no_fitted_rate(condition_of):
    condition = condition_of(np.full(40, 9.0), normal(40, 2, 11, 0.5))
    assert rate_of(condition) is None
    assert paired_rate(condition).basis == "counted"


@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_two_fits_give_the_rate_that_their_condition_gives(condition_of, spread):
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


def test_cells_read_more_than_once_widen_the_interval_of_two_fits():
    x, y = np.repeat(normal(40, 1, 9.0, 0.3), 5), np.repeat(normal(40, 2, 11.5, 0.8), 5)
    cells = np.repeat(np.arange(40), 5)
    alone = bit_error_rate(fit_lognormal(np.exp(x)), fit_lognormal(np.exp(y)))
    grouped = bit_error_rate(
        fit_lognormal(np.exp(x), cell=cells), fit_lognormal(np.exp(y), cell=cells)
    )
    assert grouped.estimate == alone.estimate
    assert grouped.low < alone.low < alone.high < grouped.high
    assert grouped.method == "delta method on the probit scale, over cells"


def test_the_best_reference_of_two_fits_is_no_worse_than_any_other():
    fits = (
        fit_lognormal(np.exp(normal(50, 1, 9.0, 0.3))),
        fit_lognormal(np.exp(normal(50, 2, 11.5, 0.8))),
    )
    best = bit_error_rate(*fits).estimate
    others = [bit_error_rate(*fits, reference=f"{kohm} kOhm").estimate for kohm in (12, 16, 20, 30)]
    assert best < min(others)


def test_a_rate_too_small_for_a_number_is_a_bound():
    lrs, hrs = (fit_lognormal(np.exp(normal(50, 1, mu, 0.01))) for mu in (9.0, 11.5))
    rate = bit_error_rate(lrs, hrs)
    assert (rate.bound, rate.high, rate.extrapolated) == ("upper", 1e-300, True)
    assert math.isnan(rate.estimate)


def test_states_the_wrong_way_round_and_numbers_out_of_range_are_refused():
    lrs, hrs = (fit_lognormal(np.exp(normal(50, 1, mu, 0.3))) for mu in (9.0, 11.5))
    with pytest.raises(InputError, match="are the states swapped"):
        bit_error_rate(hrs, lrs)
    with pytest.raises(InputError, match="share of LRS cells is 1; it must be between 0 and 1"):
        bit_error_rate(lrs, hrs, lrs_share=1.0)
    with pytest.raises(InputError, match="reference resistance is -1"):
        bit_error_rate(lrs, hrs, reference=-1.0)
