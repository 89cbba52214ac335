import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rramsim import formatting
from rramsim.device.bit_errors import headline
from rramsim.device.bit_errors.fitted_rates import bit_error_rate
from rramsim.device.bit_errors.headline import bit_errors
from rramsim.device.populations.fit import fit_conditions
from rramsim.device.populations.verdicts import verdict_on
from rramsim.device.read_conditions import ReadConditions
from rramsim.interval import Interval
from rramsim.statistics.confidence import smallest_countable


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
    found = errors_of(exact_sample(1e4, 0.3), exact_sample(1e5, 0.3, seed=2))
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
    # Between the last LRS and the first HRS cell no reference misreads any.
    assert 1e4 < found.reference < float(exact_sample(1e6, 0.3).min())
    assert "chosen on the readings and not by the fits" in str(found.notes[0])
    assert "0 errors were counted" in str(found.notes[1])


def test_no_fit_but_errors_is_counted(errors_of, exact_sample):
    hrs = exact_sample(1e6, 0.3)
    hrs[:3] = 9e3
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
    assert "1 error was counted, too few to confirm a BER that low" in note
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
    # Two sigmas beyond the last of 1,024 cells.
    reach = stats.norm.sf(2 - stats.norm.ppf(1 / 1024))
    assert (head.bound, head.high, head.basis) == ("upper", pytest.approx(reach), "fitted")


def test_a_fit_too_far_beyond_its_sample_is_a_bound_with_the_fit_for_comparison(
    errors_of, exact_sample
):
    """5.2 sigmas from the reference, where 1,024 cells reach 5.1."""
    found = errors_of(exact_sample(1e4, 0.3), exact_sample(1e4 * math.exp(3.12), 0.3, seed=2))
    fitted, head = found.fitted, found.headline
    assert fitted.estimate == pytest.approx(stats.norm.sf(5.2), rel=0.2)
    assert (head.bound, head.basis, head.extrapolated) == ("upper", "fitted", True)
    assert head.high == fitted.high
    assert math.isnan(found.misread[0])
    (note,) = found.notes
    assert note.kind == "fit beyond reach"
    assert note.values == {"bound": head.high, "fitted": fitted.estimate}
    within = errors_of(exact_sample(1e4, 0.3), exact_sample(1e4 * math.exp(3.0), 0.3, seed=2))
    assert within.headline == within.fitted


@pytest.mark.parametrize(("cells", "leads"), [(3, "counted"), (19, "counted"), (20, "fitted")])
def test_below_20_cells_a_state_what_was_counted_leads(errors_of, exact_sample, cells, leads):
    found = errors_of(exact_sample(1e4, 0.3, cells=cells), exact_sample(6e4, 0.3, cells=40, seed=2))
    head = found.headline
    assert head.basis == leads
    if leads == "counted":
        assert (head.bound, head.high) == ("upper", pytest.approx(-math.log(0.05) / (2 * cells)))
        (note,) = (note for note in found.notes if note.kind == "few cells")
        assert note.values == {"cells": cells, "fitted": found.fitted.estimate}
        assert found.fitted.estimate < head.high
        assert found.paired.basis == "counted"


def test_censored_cells_are_not_exact_ones(errors_of, exact_sample):
    """60 cells, of which a meter's range leaves 19 exact."""
    lrs, hrs = exact_sample(1e4, 0.3, cells=60), np.sort(exact_sample(1e6, 0.5, cells=60, seed=2))
    over = np.r_[np.zeros(79, int), np.ones(41, int)]
    hrs[19:] = hrs[18]
    found = errors_of(lrs, hrs, censoring=over)
    assert (found.headline.basis, found.headline.bound) == ("counted", "upper")
    assert found.headline.high == pytest.approx(-math.log(0.05) / 120)


def test_cells_and_not_their_readings_make_a_sample(measured_from, exact_sample):
    """10 cells read 50 times are 10 cells."""
    lrs, hrs = (
        np.repeat(exact_sample(ohm, 0.3, cells=10), 50) * np.exp(0.01 * np.tile(range(50), 10))
        for ohm in (1e4, 1e5)
    )
    measured = measured_from({"c": (lrs, hrs)}, cells=np.tile(np.repeat(np.arange(10), 50), 2))
    (condition,) = fit_conditions(measured.readings)
    found = bit_errors(condition)
    assert (found.headline.basis, found.headline.bound) == ("counted", "upper")
    assert any(
        "distinct cells: 10 in LRS and 10 in HRS. Below" in str(note) for note in found.notes
    )


def test_few_cells_with_errors_are_counted_with_their_interval(errors_of, exact_sample):
    found = errors_of(exact_sample(1e4, 0.6, cells=12), exact_sample(2e4, 0.6, cells=12, seed=2))
    assert found.counted.errors > 0
    assert found.headline == replace(found.counted.ber, method="Clopper-Pearson")


def test_the_rates_of_the_states_share_what_is_allowed_for_a_chosen_reference(
    errors_of, exact_sample
):
    found = errors_of(
        exact_sample(1e4, 0.3, cells=64), exact_sample(9e4, 0.5, cells=64, seed=2), lrs_share=0.3
    )
    head = found.headline
    assert head.estimate == pytest.approx(0.3 * found.misread[0] + 0.7 * found.misread[1])
    (note,) = (note for note in found.notes if note.kind == "BER of a chosen reference")
    assert note.values["times"] == pytest.approx(head.estimate / note.values["alone"])
    assert note.values["times"] > 1.1


@pytest.mark.slow
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
    # The reference is that of the readings, where the fit cannot be better than at its own.
    assert with_verdicts.reference != without.reference
    assert with_verdicts.fitted.estimate > without.fitted.estimate
    assert with_verdicts.paired.basis == "counted"
    assert without.paired.basis == "fitted"


def test_a_tail_on_the_side_that_makes_no_errors_takes_the_choice_from_the_fit(
    measured_from, exact_sample
):
    """Its sigma is too wide on the other side as well; the readings lose little by choosing."""
    lrs, hrs = exact_sample(1e4, 0.2), exact_sample(4e4, 0.4, seed=2)
    hrs[:10] = 2.4e5
    with_verdicts, _ = errors_with_verdicts(measured_from, lrs, hrs)
    assert (with_verdicts.headline.basis, with_verdicts.is_cross_validated) == ("counted", True)
    true = (stats.norm.sf(math.log(with_verdicts.reference / 1e4) / 0.2)) / 2
    true += stats.norm.cdf(math.log(with_verdicts.reference / 4e4) / 0.4) / 2
    assert with_verdicts.headline.low < true < with_verdicts.headline.high


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
    # Of the best reference of the fits: the one reported is chosen on the readings.
    (doubt,) = (note for note in found.notes if note.kind == "fit not extrapolated")
    (choice,) = (note for note in found.notes if "the best of the fits" in note.text)
    at = re.search(r"the fitted BER at ([\d.]+.kΩ), ", doubt.text)[1]
    assert f"at {at}, the best of the fits" in choice.text
    assert at != formatting.quantity(found.reference, "Ω")
    assert found.paired.basis == "counted"


def test_a_lognormal_that_does_not_hold_chooses_no_reference_and_gives_no_headline(
    measured_from, exact_sample
):
    found, _ = errors_with_verdicts(
        measured_from, uniform(1e4, 1.0, 1), exact_sample(5e4, 0.6, cells=500)
    )
    assert (found.headline.basis, found.headline.extrapolated) == ("counted", False)
    # The uniform LRS end at e times 1e4: beyond that only HRS cells are misread.
    assert found.reference == pytest.approx(math.e * 1e4, rel=0.15)
    assert found.least.errors <= found.counted.errors
    assert found.headline.method == "Clopper-Pearson, cross-validated"


def test_pairs_whose_limits_leave_them_open_are_told(errors_of, exact_sample):
    """Stuck HRS cells and an over-range LRS cell, which may be above any of them."""
    lrs, hrs = exact_sample(1e4, 0.2, cells=50), exact_sample(1e6, 0.4, cells=50, seed=2)
    hrs[:10], lrs[0] = 1e4, 1e5
    found = errors_of(lrs, hrs, censoring=np.r_[1, np.zeros(99, int)])
    assert found.paired.basis == "counted"
    assert 0 < found.paired.low < found.paired.estimate < found.paired.high
    assert any("c: 40 of 2,500 pairs of an LRS and an HRS reading" in str(n) for n in found.notes)


@pytest.mark.parametrize("reads", [24, 40])
@pytest.mark.parametrize("cells", [1, 4])
def test_a_fit_without_an_interval_leads_neither_as_a_number_nor_as_a_bound(
    condition_of, normal, cells, reads
):
    sample = (cells * reads, 1, math.log(5e3), 0.2), (cells * reads, 2, math.log(2e5), 0.2)
    cell = np.tile(np.arange(cells), reads)
    condition = condition_of(*(normal(*figures) for figures in sample), cell=cell)
    found = bit_errors(condition)
    assert math.isnan(found.fitted.low)
    assert (found.headline.basis, found.headline.bound) == ("counted", "upper")
    assert found.headline.high == pytest.approx(smallest_countable(found.counted.sample))
    assert found.paired.basis == "counted"
    rate = bit_error_rate(condition.lrs.fit, condition.hrs.fit)
    # No bound that rests on the fitted tails: at best that of as many readings without an error.
    assert rate.bound == "upper"
    assert rate.high >= 0.99 * smallest_countable(2 * cells * reads)


def test_one_cell_read_often_enough_has_the_interval_of_its_series(condition_of, normal):
    cell = np.zeros(400, dtype=int)
    states = normal(400, 1, math.log(5e3), 0.6), normal(400, 2, math.log(3e4), 0.6)
    found = bit_errors(condition_of(*states, cell=cell))
    assert found.headline.has_ends
    assert "series" in found.headline.method


def test_a_fit_without_an_interval_is_shown_beside_the_count(measured_from, exact_sample):
    measured = measured_from({"c": (exact_sample(1e4, 0.2), exact_sample(1e5, 0.4, seed=2))})
    (condition,) = fit_conditions(measured.readings)
    (note,) = headline._open_notes(condition, Interval(4.9e-8), 2e4)
    assert note.text.endswith(
        "The fit, for comparison: 4.9×10⁻⁸ at 20\N{NO-BREAK SPACE}kΩ, without an interval."
    )
    assert headline._open_notes(condition, Interval(4.9e-8, 1e-9, 1e-6), 2e4) == []
