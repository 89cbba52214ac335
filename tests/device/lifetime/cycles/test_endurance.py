import math

import numpy as np
import pytest
from scipy import stats

from rramsim.device.lifetime.cycles.cell_lifetimes import cell_lifetimes
from rramsim.device.lifetime.cycles.endurance import (
    Failure,
    endurance,
    failure_of,
    follow_cells,
)
from rramsim.device.lifetime.cycles.wear import BY_FIT, _good_until, wear_of
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


@pytest.mark.slow
def test_b10_is_recovered_from_logarithmic_reads():
    life = 800 * np.random.default_rng(2).weibull(1.4, 400)
    found = lasting(worn(life), Failure(consecutive=1))
    row = row_of(found)
    truth = stats.weibull_min.ppf(0.1, 1.4, scale=800)
    assert row["cycles_low"] < truth < row["cycles_high"]
    assert row["shape_low"] < 1.4 < row["shape_high"]
    assert (row["cycles"], row["cycles_bound"]) == (row["b10"], "")
    assert row["failed"] == np.count_nonzero(life <= 10000)
    assert "read on the wrong side of the reference at its last read" in str(found.notes[0])


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


def test_three_bad_cycles_in_a_row_to_the_last_make_a_failure_and_fewer_leave_it_open():
    # Cell 0 is bad at its last two reads, cell 1 at its last three.
    readings = worn([2000, 700, *[math.inf] * 8])
    found = lasting(readings)
    row = row_of(found)
    assert (row["failed"], row["undecided"]) == (1, 1)
    assert "1 was bad at the last reads, too few to be sure" in str(found.notes[0])
    lifetimes = follow_cells(readings, reference_resistance=REFERENCE, failure=Failure())
    assert lifetimes["until"].values[1] == 1000


def test_cells_that_are_undecided_count_as_failed_for_the_lower_bound_alone():
    # Bad at the last of two reads within a decade: soft errors or failures, nobody can tell.
    few = row_of(lasting(worn([*[12] * 3, *[math.inf] * 96], reads=[10, 15])))
    assert (few["failed"], few["undecided"], few["cycles"]) == (0, 3, 15.0)
    assert few["failing_high"] == pytest.approx(stats.beta.ppf(0.95, 4, 96))
    many = row_of(lasting(worn([*[12] * 50, *[math.inf] * 49], reads=[10, 15])))
    assert (many["cycles"], many["cycles_bound"]) == (10.0, "lower")
    assert math.isnan(many["cycles_high"])


def test_every_cell_dead_at_the_last_two_decades_is_bounded_on_both_sides():
    row = row_of(lasting(worn([500.0] * 40, reads=[1, 10, 100, 1000, 10000])))
    assert (row["failed"], row["cells"]) == (40, 40)
    assert (row["cycles"], row["cycles_bound"], row["cycles_high"]) == (100.0, "lower", 1000.0)


@pytest.mark.slow
def test_nothing_below_the_first_read_is_a_measured_endurance():
    # Half of the cells are bad at the first read, at cycle 1000: B10 is before it.
    life = [*[500.0] * 20, *[3000.0] * 10, *[math.inf] * 10]
    row = row_of(lasting(worn(life, reads=[1000, 2000, 4000, 8000, 16000])))
    assert (row["failed"], row["never_good"]) == (30, 0)
    assert (row["cycles"], row["cycles_bound"]) == (1000.0, "upper")


@pytest.mark.slow
def test_a_shape_below_one_is_no_wear_out_and_gives_no_b10():
    life = 3e4 * np.random.default_rng(8).weibull(0.3, 300)
    found = lasting(worn(life, reads=np.geomspace(1, 1e4, 25).astype(int)))
    row = row_of(found)
    assert row["shape_high"] < 1
    assert row["first_cycle"] < row["b10"] < row["last_cycle"]
    assert row["cycles_bound"] == "lower"
    assert "is not wear-out" in str(found.notes[-1])


def test_break_in_and_soft_errors_are_no_failures():
    readings = worn([math.inf] * 40, reads=np.arange(1, 51))
    cell, cycle = readings["cell"].values, readings["cycle"].values
    broken_in = (cell < 6) & (cycle <= 3)
    soft = (cell >= 30) & (cycle == 20)
    wrong = (broken_in | soft) & (readings["state_index"].values == 0)
    readings["resistance"].values[wrong] = 1e6
    row = row_of(lasting(readings))
    assert [row[name] for name in ("failed", "break_in", "soft", "never_good")] == [0, 6, 10, 0]
    assert (row["cycles"], row["cycles_bound"]) == (50.0, "lower")


def simulated(reads, *, rng, cells, soft, break_in):
    """Return the lifetimes of Weibull cells with soft errors and break-in at some reads."""
    life = 1e5 * rng.weibull(2.0, cells)
    cell, place = (g.ravel() for g in np.meshgrid(np.arange(cells), np.arange(reads.size)))
    cycle = reads[place]
    bad = (cycle > life[cell]) | (rng.random(cell.size) < soft)
    bad |= (cell < break_in * cells) & (cycle <= 3)
    return life, cell_lifetimes(cell, cycle, bad)


LOGARITHMIC = np.unique(np.geomspace(1, 1e6, 25).astype(int))
DENSE = np.append([1, 2, 3], np.arange(2000, 300001, 4000))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reads", "soft"), [(LOGARITHMIC, 0.001), (DENSE, 0.05)], ids=["logarithmic", "dense"]
)
def test_the_interval_of_b10_covers_with_soft_errors_and_break_in(reads, soft):
    truth = float(stats.weibull_min.ppf(0.1, 2.0, scale=1e5))
    rng, covered, known, sets = np.random.default_rng(3), 0, 0, 40
    for _ in range(sets):
        life, lifetimes = simulated(reads, rng=rng, cells=60, soft=soft, break_in=0.1)
        wear = wear_of(lifetimes, first=float(reads[0]), last=float(reads[-1]))
        failed = np.isfinite(lifetimes["until"].values)
        # No cell that was alive at its last read is told as failed.
        assert not np.any(failed & (life > reads[-1]))
        known += wear.basis == BY_FIT
        covered += wear.cycles.low < truth < wear.cycles.high
    assert known == sets
    # 95 % of 40, less three standard errors.
    assert covered >= 34


def test_cells_that_were_never_good_are_no_wear_and_claim_no_endurance():
    found = lasting(worn([0.5] * 4))
    row = row_of(found)
    assert (row["failed"], row["never_good"]) == (0, 4)
    assert math.isnan(row["cycles"])
    assert "no endurance is claimed" in str(found.notes[-1])


@pytest.mark.slow
def test_marks_of_the_file_come_first_and_a_window_can_be_asked_for():
    life = np.full(20, math.inf)
    marked = worn(life, failed=np.repeat(np.arange(20) == 3, READS.size).astype(int))
    assert row_of(lasting(marked))["failed"] == 1
    kept = lasting(worn(life), Failure("window"))
    lost = lasting(worn(life), Failure("window", least_ratio=101.0))
    # A window that is narrow from the first cycle on is one of cells that never worked.
    assert (row_of(kept)["never_good"], row_of(lost)["never_good"]) == (0, 20)
    closing = lasting(worn(np.full(20, 500.0)), Failure("window"))
    assert (row_of(closing)["failed"], row_of(closing)["cycles"]) == (20, 1000.0)
    assert row_of(closing)["cycles_bound"] == "upper"
    assert "R_HRS / R_LRS below 101" in lost.dataset.attrs["failure"]


@pytest.mark.slow
def test_a_mark_must_last_and_one_at_every_read_does_not_say_when():
    mark = np.zeros((40, READS.size), dtype=int)
    mark[:20, 4:] = 1  # from cycle 100 on
    mark[20:30] = 1  # at every read
    mark[35, 3] = 1  # once, and not later
    found = lasting(worn(np.full(40, math.inf), failed=mark.ravel()))
    row = row_of(found)
    assert (row["failed"], row["soft"], row["never_good"]) == (30, 1, 0)
    text = str(found.notes[0])
    assert "10 of them were marked at every read, which does not say when" in text
    assert "1 was marked once and not later, which is no failure" in text


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


@pytest.mark.slow
def test_a_bound_covers_the_true_b10_in_95_of_100_samples():
    truth = float(stats.weibull_min.ppf(0.1, 3.0, scale=2000))
    reads = np.unique(np.geomspace(10, 4000, 60).astype(int))
    rng, above, sets = np.random.default_rng(5), 0, 200
    for _ in range(sets):
        life = 2000 * rng.weibull(3.0, 60)
        cell_after = reads[np.maximum(np.searchsorted(reads, life) - 1, 0)].astype(float)
        lifetimes = cell_lifetimes(*_read_good_until(reads, cell_after))
        above += _good_until(lifetimes["after"].values)[0] > truth
    assert above / sets <= 0.08


def _read_good_until(reads, after):
    cell, cycle = (grid.ravel() for grid in np.meshgrid(np.arange(after.size), reads))
    return cell, cycle, cycle > after[cell]
