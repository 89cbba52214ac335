"""Drawn error rates have the intervals that `fit` gives, and chips of them are nested."""

import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import ndtr, ndtri

import rramsim
from rramsim.crossbar.drawn_faults import (
    NoBand,
    count_rates,
    drawn_faults,
    interval_rates,
    matched_rates,
    pair_probits,
    planted_faults,
    read_probits,
)
from rramsim.crossbar.faults import IidFaults, StateFaults, mean_ber, wrong_cells
from rramsim.crossbar.from_conditions import SharedSpread, protected_condition
from rramsim.crossbar.protection import parse
from rramsim.crossbar.sampling import as_positions
from rramsim.errors import InputError
from rramsim.statistics.confidence import populations_left_open

# Medians, spreads and best references of the shipped sets (device_data/).
WEAK = (21.5e3, 0.36, 150e3, 0.7141, 45.0081945e3)
STRONG = (8.8e3, 0.26, 300e3, 0.6943, 24.2e3)
ENDS = (0.025, 0.975)


def populations(shipped, cells):
    """Return what so many cells a state leave open of shipped populations."""
    found = []
    for number, (median, sigma) in enumerate((shipped[:2], shipped[2:4])):
        mu = math.log(median)
        information = cells * np.array([[1.0, -mu], [-mu, 2.0 * sigma**2 + mu**2]])
        covariance = np.linalg.inv(information)
        found.append(populations_left_open(mu, sigma, covariance, population=number))
    return found


@pytest.mark.parametrize(
    ("shipped", "cells", "low", "high", "lower_by", "higher_by"),
    [
        (WEAK, 1024, 2.81e-2, 3.88e-2, 0.01, 0.01),
        (WEAK, 256, 2.39e-2, 4.56e-2, 0.03, 0.02),
        (WEAK, 64, 1.75e-2, 6.27e-2, 0.07, 0.04),
        (STRONG, 1024, 5.9e-5, 1.66e-4, 0.02, 0.02),
        (STRONG, 64, 1.5e-5, 9.6e-4, 0.30, 0.06),
    ],
)
def test_the_draws_of_the_shipped_populations(shipped, cells, low, high, lower_by, higher_by):
    """The numbers are of normal draws in (mu/sigma, 1/sigma); these, as in `fit`, of the pivots,
    whose 1/sigma is of a chi law: both ends are a little higher, the more so of few cells.
    """
    lrs, hrs = read_probits(*populations(shipped, cells), reference_resistance=shipped[4])
    drawn = np.quantile((ndtr(lrs) + ndtr(hrs)) / 2, ENDS)
    assert low * 0.995 <= drawn[0] <= low * (1 + lower_by)
    assert high * 0.995 <= drawn[1] <= high * (1 + higher_by)


def of_fit(fit, protection="none", condition=0):
    row = fit.conditions.isel(condition=condition)
    products = fit.examination.products
    return row, drawn_faults(
        row,
        parse(protection),
        populations=fit.populations,
        counted=products["counted"],
        variance=products.get("variance"),
    )


def cells_read(cells, reads, seed=3):
    """Return a table of cells of the weak condition; seven tenths of sigma lie between cells."""
    rng = np.random.default_rng(seed)
    rows = []
    for state, median, sigma in (("LRS", *WEAK[:2]), ("HRS", *WEAK[2:4])):
        between = rng.normal(0, sigma * (0.7 if reads > 1 else 1.0), (cells, 1))
        within = rng.normal(0, sigma * math.sqrt(0.51), (cells, reads)) if reads > 1 else 0.0
        ohm = median * np.exp(between + within)
        rows += [(state, *place, value) for place, value in np.ndenumerate(ohm)]
    rows = [(state, cell, cycle, value) for state, cell, cycle, value in rows]
    return rramsim.read_measurements(
        pd.DataFrame(rows, columns=["state", "cell", "cycle", "R (ohm)"])
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("readings", "reference", "source"),
    [
        (lambda: cells_read(64, 1), None, "populations"),
        (lambda: cells_read(64, 1), "60 kOhm", "populations"),
        (lambda: cells_read(24, 1), "60 kOhm", "populations"),
        (lambda: cells_read(20, 10), None, "populations"),
        (lambda: cells_read(20, 10), "60 kOhm", "populations"),
        (lambda: cells_read(16, 1), "60 kOhm", "counts"),
    ],
)
def test_the_draws_have_the_interval_of_the_fit_however_that_was_made(readings, reference, source):
    """Populations left open, the delta method, the profile, pivots over cells, and counts."""
    row, drawn = of_fit(rramsim.fit(readings(), **({"reference": reference} if reference else {})))
    assert drawn.source == source
    ends = np.quantile((drawn.lrs + drawn.hrs) / 2, ENDS)
    assert ends == pytest.approx([float(row.ber_low), float(row.ber_high)], rel=0.01)
    assert drawn.estimate == pytest.approx((float(row.ber_lrs), float(row.ber_hrs)), rel=1e-6)


@pytest.fixture(scope="module")
def shipped():
    return rramsim.fit("hirtzlin2019-reconstructed")


@pytest.mark.slow
def test_each_protection_takes_the_same_populations(shipped):
    row, none = of_fit(shipped, condition=2)
    _, pairs = of_fit(shipped, "2T2R", condition=2)
    ends = [float(row.ber_2t2r_low), float(row.ber_2t2r_high)]
    assert np.quantile(pairs.lrs, ENDS) == pytest.approx(ends, rel=1e-3)
    assert pairs.is_one_rate
    assert not none.is_one_rate
    _, coded = of_fit(shipped, "secded(72,64)", condition=2)
    assert np.array_equal(coded.lrs, none.lrs)
    assert coded.faults(*coded.estimate).mean_ber(0.5) == pytest.approx(
        protected_condition(row, shipped.populations, parse("secded(72,64)")).mean_ber(0.5)
    )
    _, own = of_fit(shipped, "2T2R(offset=0.3)", condition=2)
    assert np.median(own.lrs) > np.quantile(pairs.lrs, ENDS[1])


@pytest.mark.slow
def test_verified_cells_are_drawn_about_their_estimate(shipped):
    _, drawn = of_fit(shipped, "verify(5, read_spread=0.1)", condition=2)
    low, high = np.quantile(drawn.hrs, ENDS)
    assert low < drawn.estimate[1] < high
    # Where a cell passes just once, less is left of an error in the spread of all cells.
    assert high / low < 2.0


@pytest.mark.slow
def test_a_bound_and_a_statement_have_no_band(shipped):
    assert of_fit(shipped, condition=0)[1] is NoBand.BOUND
    assert of_fit(shipped, "2T2R", condition=0)[1] is NoBand.BOUND
    assert of_fit(shipped, "2T2R(ber=1e-4)", condition=2)[1] is NoBand.STATED
    stated = rramsim.read_conditions("table1").sel(condition="weak")
    assert drawn_faults(stated, populations=None) is NoBand.STATED


def row_of(**values):
    usual = {
        "condition": "a",
        "ber_basis": "fitted",
        "ber_bound": "",
        "ber": 0.02,
        "ber_low": 0.01,
        "ber_high": 0.04,
        "ber_lrs": 0.01,
        "ber_hrs": 0.03,
    }
    return xr.Dataset({**usual, **values})


def test_of_a_file_of_conditions_both_states_move_together():
    drawn = drawn_faults(row_of(), populations=None)
    assert drawn.source == "interval"
    assert np.quantile((drawn.lrs + drawn.hrs) / 2, ENDS) == pytest.approx([0.01, 0.04], rel=1e-3)
    assert np.median(drawn.lrs) == pytest.approx(0.01, rel=1e-3)
    assert drawn_faults(row_of(ber_high=math.nan), populations=None) is NoBand.NO_INTERVAL
    one_rate = drawn_faults(row_of(ber_lrs=math.nan, ber_hrs=math.nan), populations=None)
    assert one_rate.is_one_rate


def test_a_state_without_an_error_is_drawn_above_none():
    lrs, hrs = count_rates([0, 20], [1000, 1000])
    # Jeffreys' law of no error in 1,000: Beta(1/2, 1000.5).
    assert np.quantile(lrs, ENDS[1]) == pytest.approx(2.51e-3, rel=0.01)
    assert np.all(lrs > 0)
    ten_of_a_cell = count_rates([0, 20], [1000, 1000], [1, 10])[1]
    spreads = np.std(ten_of_a_cell) / np.std(hrs)
    assert spreads == pytest.approx(math.sqrt(10), rel=0.1)
    rates = interval_rates((0.0, 0.02), 0.005, 0.02, ber=0.01)
    assert np.all(rates[0] == 0)


def test_what_has_the_interval_already_stays():
    lrs, hrs = read_probits(*populations(WEAK, 1024), reference_resistance=WEAK[4])
    ends = np.quantile((ndtr(lrs) + ndtr(hrs)) / 2, ENDS)
    same = matched_rates((lrs, hrs), *ends)
    assert np.allclose(same, [ndtr(lrs), ndtr(hrs)], rtol=1e-3)
    wider = matched_rates((lrs, hrs), ends[0] / 1.2, ends[1] * 1.2)
    assert np.quantile(np.mean(wider, axis=0), ENDS) == pytest.approx(
        [ends[0] / 1.2, ends[1] * 1.2], rel=2e-3
    )


def test_the_spread_of_a_reference_and_an_offset_add_to_that_of_the_cells():
    one = ((np.array([9.0]), np.array([0.3])), (np.array([12.0]), np.array([0.5])))
    lrs, hrs = read_probits(*one, reference_resistance=math.exp(10.0), reference_spread=0.4)
    assert lrs == pytest.approx(-1 / 0.5)
    assert hrs == pytest.approx(-2 / math.hypot(0.5, 0.4))
    assert pair_probits(*one, offset=0.4) == pytest.approx(-3 / math.sqrt(0.09 + 0.25 + 0.16))


def planted_on_lines(fit, protection="none", condition="weak", **given):
    """Return the chips of a condition whose cells share what is given."""
    row = fit.conditions.sel(condition=condition)
    shared = SharedSpread(given, tile=(64, 64)) if given else None
    return row, planted_faults(row, parse(protection), fit.examination.products, shared=shared)


@pytest.mark.parametrize("protection", ["none", "2T2R", "secded(72,64)"])
def test_rates_that_the_cells_leave_open_are_planted_on_the_same_lines(shipped, protection):
    _, alone = planted_on_lines(shipped, protection)
    _, planted = planted_on_lines(shipped, protection, sigma_column=(0.1, 0.3), sigma_row=0.15)
    drawn = planted.drawn
    assert drawn.estimate == pytest.approx(alone.drawn.estimate, rel=1e-12)
    assert np.array_equal(drawn.lrs, alone.drawn.lrs)
    assert mean_ber(planted.independent, 0.5) == mean_ber(alone.faults, 0.5)
    assert "cells share columns 0.1 (LRS) and 0.3 (HRS), rows 0.15" in planted.words
    signs = np.where(np.random.default_rng(1).random((130, 200)) < 0.5, 1, -1).astype(np.int8)
    chip = np.random.SeedSequence(4, spawn_key=(0, 0))

    def wrong(model):
        return as_positions(wrong_cells(model, signs, chip), signs)

    assert np.array_equal(wrong(planted.independent), wrong(alone.faults))
    # At the estimate, the chips are those that are planted; at greater rates they are nested.
    assert np.array_equal(wrong(drawn.faults(*drawn.estimate)), wrong(planted.faults))
    if protection != "secded(72,64)":
        more = wrong(drawn.faults(*(1.5 * rate for rate in drawn.estimate)))
        assert np.isin(wrong(planted.faults), more).all()


def test_an_offset_of_amplifiers_makes_every_rate_greater_as_it_does_that_of_populations(shipped):
    row, planted = planted_on_lines(shipped, sense_offset=0.2)
    _, alone = planted_on_lines(shipped)
    spreads = np.array([WEAK[1], WEAK[3]])
    expected = ndtr(ndtri(alone.drawn.estimate) * spreads / np.hypot(spreads, 0.2))
    assert planted.drawn.estimate == pytest.approx(expected, rel=1e-3)
    # The interval moves with them: its end is no longer that of the fit.
    probit = ndtri(np.quantile(planted.drawn.bers(0.5), 0.975))
    assert ndtr(probit) == pytest.approx(planted.ber_high, rel=0.01)
    assert planted.ber_high > alone.ber_high == float(row.ber_high)
    # Pairs have their offset from the amplifiers, too: as the fit with that offset gives it.
    _, pairs = planted_on_lines(shipped, "2T2R", sense_offset=0.2)
    fit = rramsim.fit("hirtzlin2019-reconstructed", offset=0.2)
    row = fit.conditions.sel(condition="weak")
    assert pairs.faults.mean_ber(0.5) == pytest.approx(float(row.ber_2t2r), rel=1e-9)


def test_pairs_of_a_line_share_the_offset_that_their_ber_allows_for():
    fit = rramsim.fit("hirtzlin2019-reconstructed", offset=0.3)
    row, pairs = planted_on_lines(fit, "2T2R", sigma_column=0.1)
    variance = WEAK[1] ** 2 + WEAK[3] ** 2 + 0.3**2
    assert pairs.faults.mean_ber(0.5) == float(row.ber_2t2r)
    assert pairs.faults.residual.sense_offset == pytest.approx(0.3 / math.sqrt(variance), rel=1e-3)
    # Single cells have no offset unless one is given.
    assert planted_on_lines(fit, sigma_column=0.1)[1].faults.sense_offset == 0.0


def test_of_a_bound_and_of_a_stated_ber_parts_are_of_a_spread_of_1(shipped):
    bound = shipped.conditions.sel(condition="weak").assign(ber_bound="upper", ber_high=0.05)
    planted = planted_faults(bound, parse("none"), {}, shared=SharedSpread({"sigma_row": 0.3}))
    assert planted.is_bound
    assert planted.faults.faults == IidFaults(0.05)
    assert planted.faults.sigma_row == (0.3, 0.3)
    assert "of a spread of 1" in planted.words
    with pytest.raises(InputError, match="weak: no readings distinguish"):
        protected_condition(bound, None, parse("none"), shared=SharedSpread())


def test_of_counted_errors_given_parts_are_divided_by_the_fitted_spread(shipped):
    row = shipped.conditions.sel(condition="weak").assign(ber_basis="counted")
    shared = SharedSpread({"sigma_column": 0.1, "sense_offset": 0.05})
    found = protected_condition(row, shipped.populations, parse("none"), shared=shared)
    assert isinstance(found.faults, StateFaults)
    assert found.sigma_column == pytest.approx((0.1 / WEAK[1], 0.1 / WEAK[3]), rel=1e-3)
    assert found.sense_offset == pytest.approx((0.05 / WEAK[1], 0.05 / WEAK[3]), rel=1e-3)
