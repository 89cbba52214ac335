import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rramsim.device.bit_errors.best_reference import (
    chosen_by_count,
    count_at,
    least_errors,
)
from rramsim.device.bit_errors.error_counts import weighted
from rramsim.device.bit_errors.headline import bit_errors
from rramsim.device.populations.fit import ConditionReadings
from rramsim.device.read_conditions import ReadConditions


@pytest.fixture
def condition_from(state_of):
    """Return a maker of a condition from ln R of both states, a cell for each place."""

    def build(lrs, hrs, *, cells=None, sides=(None, None)):
        cells = cells or (np.arange(len(lrs)), np.arange(len(hrs)))
        states = (
            state_of(x, side, place=f"c/{name}", cell=cell)
            for x, side, name, cell in zip((lrs, hrs), sides, ("LRS", "HRS"), cells, strict=True)
        )
        return ConditionReadings("c", *states)

    return build


@pytest.mark.slow
def test_the_fewest_errors_are_those_of_every_reference_tried(condition_from):
    rng = np.random.default_rng(1)
    condition = condition_from(rng.normal(9.0, 0.5, 80), rng.normal(10.5, 0.7, 80))
    found = least_errors(condition)
    tried = np.exp(np.linspace(9.0, 10.5, 20_001))
    errors = [sum(count_at(state, r).errors for state in condition.states) for r in tried]
    assert (found.errors, found.readings) == (min(errors), 160)
    assert found.ber == min(errors) / 160
    as_few = tried[np.array(errors) == min(errors)]
    assert as_few.min() <= found.reference <= as_few.max()
    inside = [count_at(s, r).errors for s in condition.states for r in (found.low, found.reference)]
    assert sum(inside) == 2 * min(errors)


def test_apart_no_reading_is_misread_between_the_states(condition_from):
    rng = np.random.default_rng(2)
    low, high = np.sort(rng.normal(9.0, 0.1, 50)), np.sort(rng.normal(12.0, 0.1, 50))
    found = least_errors(condition_from(low, high))
    assert (found.errors, found.low, found.high) == (
        0,
        pytest.approx(np.exp(low[-1])),
        pytest.approx(np.exp(high[0])),
    )
    assert found.reference == pytest.approx(math.sqrt(found.low * found.high))


def test_the_share_of_lrs_cells_weighs_their_errors(condition_from):
    rng = np.random.default_rng(3)
    condition = condition_from(rng.normal(9.0, 0.6, 400), rng.normal(10.5, 0.6, 400))
    even, many = (least_errors(condition, lrs_share=share).reference for share in (0.5, 0.95))
    read = ReadConditions(lrs_share=0.95)
    assert many > even
    assert chosen_by_count(condition, read).reference > even


def test_a_reference_that_leaves_readings_open_is_not_the_best(condition_from):
    """HRS beyond a limit is right up to the limit, and open above it."""
    lrs = np.random.default_rng(4).normal(9.0, 0.2, 40)
    condition = condition_from(lrs, np.full(40, 12.0), sides=(None, np.ones(40, dtype=int)))
    found = least_errors(condition)
    assert (found.errors, found.readings) == (0, 80)
    assert found.high == pytest.approx(np.exp(12.0))
    chosen = chosen_by_count(condition, ReadConditions())
    assert lrs.max() < math.log(chosen.reference) < 12.0
    assert sum(count.errors for count in chosen.counts) == 0


MIXTURES = {
    "tail": ([(1.0, 9.0, 0.2)], [(0.95, 12.0, 0.6), (0.05, 10.0, 0.6)]),
    "overlap": ([(0.9, 9.0, 0.4), (0.1, 10.5, 0.4)], [(0.9, 11.5, 0.6), (0.1, 10.0, 0.4)]),
}


def drawn(parts, cells, rng):
    weight, mu, sigma = np.array(parts).T
    part = rng.choice(len(parts), cells, p=weight)
    return rng.normal(mu[part], sigma[part])


def true_ber(x, mixture):
    lrs, hrs = (np.array(parts).T for parts in mixture)
    return (
        float(lrs[0] @ stats.norm.sf((x - lrs[1]) / lrs[2]))
        + float(hrs[0] @ stats.norm.cdf((x - hrs[1]) / hrs[2]))
    ) / 2.0


@pytest.mark.slow
@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.parametrize(("cells", "worse"), [(64, 1.4), (256, 1.15)])
def test_the_interval_holds_the_ber_at_the_reference_chosen(condition_from, mixture, cells, worse):
    parts, sets, rng = MIXTURES[mixture], 60, np.random.default_rng(5)
    least = min(true_ber(x, parts) for x in np.linspace(9, 12, 601))
    held, above, ratios, told = 0, 0, [], []
    for _ in range(sets):
        condition = condition_from(*(drawn(state, cells, rng) for state in parts))
        chosen = chosen_by_count(condition, ReadConditions())
        ber = weighted(*chosen.counts).ber
        true = true_ber(math.log(chosen.reference), parts)
        held, above = held + (ber.low <= true <= ber.high), above + (true > ber.high)
        ratios.append(true / least)
        told.append(ber.estimate / true)
    assert held / sets > 0.95 - 4 * math.sqrt(0.05 * 0.95 / sets)
    assert above / sets < 0.025 + 4 * math.sqrt(0.025 / sets)
    assert np.mean(ratios) < worse
    # The choice does not flatter: the mean is the true one within 4 standard errors.
    assert np.mean(told) > 1.0 - 4 * np.std(told) / math.sqrt(sets)


def test_readings_of_one_cell_are_never_on_both_sides_of_the_choice(condition_from):
    """Eight cells of 30 readings each, all alike: as many errors as if each were read once."""
    rng = np.random.default_rng(6)
    lrs, hrs = rng.normal(9.0, 0.6, 8), rng.normal(10.2, 0.6, 8)
    often = condition_from(
        np.repeat(lrs, 30) + rng.normal(0, 1e-6, 240),
        np.repeat(hrs, 30) + rng.normal(0, 1e-6, 240),
        cells=(np.repeat(np.arange(8), 30), np.repeat(np.arange(8), 30)),
    )
    once = chosen_by_count(condition_from(lrs, hrs), ReadConditions())
    again = chosen_by_count(often, ReadConditions())
    assert [count.errors for count in again.counts] == [30 * count.errors for count in once.counts]


def test_a_stated_reference_always_holds_and_the_least_errors_are_said_beside_it(condition_from):
    rng = np.random.default_rng(7)
    hrs = np.where(rng.random(300) < 0.3, rng.normal(10.3, 0.3, 300), rng.normal(12.0, 0.3, 300))
    condition = condition_from(rng.normal(9.0, 0.2, 300), hrs)
    stated = bit_errors(condition, ReadConditions(reference_resistance=2e4))
    assert (stated.reference, stated.is_cross_validated) == (2e4, False)
    assert stated.least == bit_errors(condition).least
    assert stated.least.errors < stated.counted.errors
    assert f"counted errors are least, {stated.least.errors} of 600, at" in str(
        stated.least.note(condition)
    )
    at_one = replace(stated.least, reference=2e4, low=2e4, high=2e4).note(condition)
    assert at_one.text.endswith(" at 20\N{NO-BREAK SPACE}kΩ.")


@pytest.mark.parametrize("hidden", [0.27, 0.6])
def test_how_far_a_limit_is_from_the_readings_does_not_move_the_reference(condition_from, hidden):
    """HRS beyond a limit is right at every reference below it, wherever the limit is."""
    rng = np.random.default_rng(8)
    lrs, hrs = rng.normal(8.5, 0.24, 400), rng.normal(11.5, 0.6, 400)
    limit = np.quantile(hrs, 1.0 - hidden)
    sides = (None, (hrs > limit).astype(int))
    near, far = (
        chosen_by_count(
            condition_from(lrs, np.where(hrs > limit, at, hrs), sides=sides), ReadConditions()
        )
        for at in (limit, limit + 15.0)
    )
    assert lrs.max() < math.log(far.reference) < hrs.min()
    # The references that are tried end at the HRS median, so they are coarser where it is hidden.
    assert far.reference == pytest.approx(near.reference, rel=1e-9 if hidden < 0.5 else 0.05)
    if hidden < 0.5:
        assert far.counts == near.counts


def test_marks_in_a_wrong_unit_leave_the_reference_where_no_error_is_counted(condition_from):
    """A quarter of HRS is at least a limit 7 million times too high: the fit is of no use."""
    rng = np.random.default_rng(11)
    lrs, hrs = rng.normal(8.5, 0.24, 400), rng.normal(11.5, 0.6, 400)
    beyond = hrs > 11.9
    found = bit_errors(
        condition_from(lrs, np.where(beyond, 27.7, hrs), sides=(None, beyond.astype(int)))
    )
    assert (found.is_cross_validated, found.counted.errors, found.least.errors) == (True, 0, 0)
    assert found.least.low < found.reference < found.least.high
    truth = [(1.0, 8.5, 0.24)], [(1.0, 11.5, 0.6)]
    true = true_ber(math.log(found.reference), truth)
    assert true < 2.0 * min(true_ber(x, truth) for x in np.linspace(8.5, 11.5, 301))
    assert found.headline.bound == "upper"
    assert found.headline.high > true
