import math

import numpy as np
import pytest
from scipy import stats

from rramsim.device.lifetime.cell_lifetimes import cell_lifetimes
from rramsim.device.lifetime.endurance import (
    Failure,
    _good_until,
    endurance,
    failure_of,
    follow_cells,
)
from rramsim.schema import STATES, make, validate

READS = np.array([1, 3, 10, 30, 100, 300, 1000, 3000, 10000])
REFERENCE = 5e4


def worn(life, *, reads=READS, **more):
    """Return readings of cells whose HRS falls to the LRS once their life is over."""
    cell, cycle = (grid.ravel() for grid in np.meshgrid(np.arange(len(life)), reads, indexing="ij"))
    hrs = np.where(cycle < np.asarray(life)[cell], 1e6, 1e4)
    count = cell.size
    return make(
        "readings",
        {
            "resistance": np.concatenate([np.full(count, 1e4), hrs]),
            "censoring": np.zeros(2 * count, dtype=int),
            "condition_index": np.zeros(2 * count, dtype=int),
            "state_index": np.repeat([0, 1], count),
            "cell": np.tile(cell, 2),
            "cycle": np.tile(cycle, 2),
            **{name: np.tile(np.broadcast_to(values, count), 2) for name, values in more.items()},
        },
        {"condition": ["worn"], "state": list(STATES)},
    )


def lasting(readings, failure=None):
    """Return the endurance by the readings, None where no cell can be followed."""
    failure = failure or failure_of(readings)
    lifetimes = follow_cells(readings, reference_resistance=REFERENCE, failure=failure)
    if lifetimes is None:
        return None
    validate(lifetimes, "cell_lifetimes")
    return endurance(readings, lifetimes, failure=failure)


def row_of(found):
    return {name: values.values.item() for name, values in found.dataset.items()}


def test_b10_is_recovered_from_logarithmic_reads():
    life = 800 * np.random.default_rng(2).weibull(1.4, 400)
    found = lasting(worn(life), Failure(consecutive=1))
    row = row_of(found)
    truth = stats.weibull_min.ppf(0.1, 1.4, scale=800)
    assert row["cycles_low"] < truth < row["cycles_high"]
    assert row["shape_low"] < 1.4 < row["shape_high"]
    assert (row["cycles"], row["cycles_bound"]) == (row["b10"], "")
    assert row["failed"] == np.count_nonzero(life <= 10000)
    assert "read on the wrong side of the reference at one read cycle" in str(found.notes[0])


def test_without_failures_the_last_cycle_is_a_bound_by_the_success_run():
    row = row_of(lasting(worn([math.inf] * 77)))
    assert (row["cycles"], row["cycles_bound"], row["failed"]) == (10000.0, "lower", 0)
    assert row["failing_high"] == pytest.approx(1 - 0.05 ** (1 / 77))
    assert math.isnan(row["shape"])
    assert math.isnan(row["scale"])


def test_few_failures_leave_a_bound_and_use_a_stated_shape_only_if_given():
    readings = worn([50, *[math.inf] * 39])
    found = lasting(readings)
    row = row_of(found)
    # One of 40 may be 11.3 % of all: the bound ends before it failed.
    assert stats.beta.ppf(0.95, 2, 39) > 0.1
    assert (row["cycles"], row["cycles_bound"], row["failed"]) == (30.0, "lower", 1)
    assert row["failing_high"] == pytest.approx(1 - 0.05 ** (1 / 40))
    assert "stated shape" not in " ".join(map(str, found.notes))
    stated = lasting(readings, Failure(shape=2.0))
    assert "with the stated shape 2, B10 is at least" in " ".join(map(str, stated.notes))


def test_three_bad_cycles_in_a_row_make_a_failure_and_both_counts_are_told():
    # Cell 0 is bad at its last two reads, cell 1 at its last three.
    readings = worn([2000, 700, *[math.inf] * 8])
    found = lasting(readings)
    row = row_of(found)
    assert (row["failed"], row["undecided"]) == (1, 1)
    assert "2 had at least one bad cycle" in str(found.notes[0])
    lifetimes = follow_cells(readings, reference_resistance=REFERENCE, failure=Failure())
    assert lifetimes["until"].values[1] == 1000


def test_too_few_read_cycles_for_three_in_a_row_are_told():
    found = lasting(worn([math.inf] * 99, reads=[1, 10]))
    assert any("2 cycles were read, and a failure needs 3" in str(note) for note in found.notes)
    row = row_of(found)
    assert (row["failed"], row["cycles_bound"]) == (0, "")
    assert math.isnan(row["cycles"])


def test_cells_that_were_never_good_claim_no_endurance():
    found = lasting(worn([0.5] * 4))
    row = row_of(found)
    assert (row["failed"], row["never_good"]) == (4, 4)
    assert math.isnan(row["cycles"])
    assert "no endurance is claimed" in str(found.notes[-1])


def test_marks_of_the_file_come_first_and_a_window_can_be_asked_for():
    life = np.full(20, math.inf)
    marked = worn(life, failed=np.repeat(np.arange(20) == 3, READS.size).astype(int))
    assert row_of(lasting(marked))["failed"] == 1
    kept = lasting(worn(life), Failure("window"))
    lost = lasting(worn(life), Failure("window", least_ratio=101.0))
    assert (row_of(kept)["failed"], row_of(lost)["failed"]) == (0, 20)
    assert "R_HRS / R_LRS below 101" in lost.dataset.attrs["failure"]


def test_decades_without_a_read_are_warned_of():
    found = lasting(worn([math.inf] * 5, reads=[1, 1000]))
    assert any("between cycles 1 and 1,000 nothing was read" in str(note) for note in found.notes)
    dense = lasting(worn([math.inf] * 5))
    assert not any("nothing was read" in str(note) for note in dense.notes)


def test_one_cycle_or_unnamed_cells_have_no_endurance():
    assert lasting(worn([math.inf] * 5, reads=[7])) is None
    unnamed = worn([math.inf] * 5)
    unnamed["cell"] = ("reading", np.full(unnamed.sizes["reading"], -1))
    assert lasting(unnamed) is None


@pytest.mark.parametrize(("cells", "bound"), [(1, ""), (28, ""), (29, "lower")])
def test_a_bound_on_b10_needs_the_29_cells_of_the_success_run(cells, bound):
    found = lasting(worn([math.inf] * cells))
    row = row_of(found)
    assert (row["cells"], row["cycles_bound"]) == (cells, bound)
    assert math.isnan(row["cycles"]) == (not bound)
    assert ("too few for a bound on B10" in str(found.notes[-1])) == (not bound)
    if cells == 1:
        assert "at 95 % no more than 95" in str(found.notes[-1])


def test_a_bound_covers_the_true_b10_in_95_of_100_samples():
    truth = float(stats.weibull_min.ppf(0.1, 3.0, scale=2000))
    reads = np.unique(np.geomspace(10, 4000, 60).astype(int))
    rng, above, sets = np.random.default_rng(5), 0, 200
    for _ in range(sets):
        life = 2000 * rng.weibull(3.0, 60)
        cell_after = reads[np.maximum(np.searchsorted(reads, life) - 1, 0)].astype(float)
        lifetimes = cell_lifetimes(*_read_good_until(reads, cell_after))
        above += _good_until(lifetimes)[0] > truth
    assert above / sets <= 0.08


def _read_good_until(reads, after):
    cell, cycle = (grid.ravel() for grid in np.meshgrid(np.arange(after.size), reads))
    return cell, cycle, cycle > after[cell]
