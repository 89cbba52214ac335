import numpy as np
import pytest

from rramsim.device.characterize import characterize
from rramsim.device.lifetime.cycles.endurance import Failure
from rramsim.device.populations.fit import fit_conditions
from rramsim.device.read_conditions import ReadConditions
from rramsim.device.worn_cells import Cells, follow_to_wear, reference_of_good_cells
from rramsim.measurements import Measured
from rramsim.schema import make

CYCLES = (1, 10, 100, 1000, 10000)
CELLS = 40
STATED = 25e3  # far from every population here


def cycled(dead, *, last=1, hrs=6e3, lrs=None, soft=(), break_in=0, spread=0.1):
    """Return readings of cells, the first `dead` of which are dead at their `last` reads."""
    rng = np.random.default_rng(1)
    cell, number = (index.ravel() for index in np.indices((CELLS, len(CYCLES))))
    cycle = np.array(CYCLES)[number]
    is_wrong = (cell < dead) & (number >= len(CYCLES) - last)
    is_wrong |= (cell < break_in) & (number == 0)
    for place in soft:
        is_wrong |= (cell == place[0]) & (cycle == place[1])
    median = np.where(is_wrong & (lrs is not None), lrs or 0.0, 5e3)
    high = np.where(is_wrong & (lrs is None), hrs, 2e5)
    ohms = [
        centre * np.exp(rng.normal(0, sigma, cell.size))
        for centre, sigma in ((median, spread), (high, 2 * spread))
    ]
    values = {
        "resistance": np.concatenate(ohms),
        "censoring": np.zeros(2 * cell.size, dtype=int),
        "condition_index": np.zeros(2 * cell.size, dtype=int),
        "state_index": np.repeat([0, 1], cell.size),
        "cell": np.tile(cell, 2),
        "cycle": np.tile(cycle, 2),
    }
    readings = make("readings", values, {"condition": ["A"], "state": ["LRS", "HRS"]})
    return Measured(readings, (), "measured", ())


def followed(measured, read=None):
    """Return what became of the cells as (ended bad, failed, soft, break-in), and the reference."""
    found = characterize(measured, read=read).products["endurance"].isel(condition=0)
    failed, undecided, soft, break_in = (
        int(found[name]) for name in ("failed", "undecided", "soft", "break_in")
    )
    return (failed + undecided, failed, soft, break_in), float(found["reference_resistance"])


@pytest.mark.parametrize("last", [1, 2])
@pytest.mark.parametrize("dead", [4, 20, 40])
@pytest.mark.parametrize("where", [{"hrs": 6e3}, {"hrs": 8e3, "spread": 0.04}, {"lrs": 150e3}])
def test_dead_cells_are_counted_without_a_stated_reference_as_with_one(dead, last, where):
    readings = cycled(dead, last=last, **where).readings
    best = [6.1e3 if "hrs" in where else 1.4e5]  # where dead cells read right, or half of them
    ends = [
        follow_to_wear(
            readings, best=[reference], reads=[ReadConditions(reference_resistance=stated)],
            failure=Failure(),
        ).lifetimes["bad_from"].values
        for reference, stated in ((best[0], None), (STATED, STATED))
    ]  # fmt: skip
    np.testing.assert_array_equal(*ends)
    assert np.count_nonzero(np.isfinite(ends[0])) == dead
    assert set(ends[0][:dead]) == {CYCLES[-last]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measured", "found"),
    [
        (cycled(40, last=2), (40, 40, 0, 0)),
        (cycled(20, last=3, soft=[(30, 10), (31, 100), (32, 10)]), (20, 20, 3, 0)),
        (cycled(40, last=2, break_in=8), (40, 40, 0, 8)),
        (cycled(0), (0, 0, 0, 0)),
    ],
)
def test_what_became_of_the_cells_is_the_same_at_a_stated_reference(measured, found):
    chosen, reference = followed(measured)
    stated, at = followed(measured, ReadConditions(reference_resistance=STATED))
    assert chosen == stated == found
    assert at == STATED
    assert 8e3 < reference < 100e3


@pytest.mark.slow
def test_without_dead_cells_failures_are_counted_where_the_ber_is_read():
    for measured in (cycled(0), cycled(0, break_in=8), cycled(0, soft=[(3, 10), (4, 100)])):
        result = characterize(measured)
        reference = result.products["conditions"]["reference_resistance"].item()
        assert result.products["endurance"]["reference_resistance"].item() == reference
        assert not [note for note in result.notes if "worn" in note.kind]


def test_the_reference_of_good_cells_is_near_the_best_one_of_their_own_population():
    worn = cycled(40, last=2).readings
    early = worn.isel(reading=np.flatnonzero(worn["cycle"].values <= 100))
    fits = [state.fit for state in fit_conditions(early)[0].states]
    reference = reference_of_good_cells(Cells(worn, Failure()), 6.1e3, ReadConditions())
    # As many sigmas from one state as from the other, within the error of a quartile.
    scores = [abs(np.log(reference) - fit.mu) / fit.sigma for fit in fits]
    assert scores[0] == pytest.approx(scores[1], rel=0.3)


def test_readings_that_no_cell_or_no_order_of_medians_can_choose_by_keep_the_best_reference():
    swapped = cycled(40, last=5).readings  # dead from the first read on
    kept = reference_of_good_cells(Cells(swapped, Failure()), 6.1e3, ReadConditions())
    assert kept == pytest.approx(6.1e3)


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_how_far_a_limit_of_hrs_is_from_the_readings_changes_no_failure(share):
    """The range ends inside HRS; the mark beyond it is that limit, or 10**6 times as much."""
    readings = cycled(20, last=2).readings
    ohms, is_hrs = readings["resistance"].values, readings["state_index"].values == 1
    limit = np.quantile(ohms[is_hrs & (ohms > 1e5)], 1.0 - share)
    is_beyond = ohms > limit
    found = []
    for mark in (limit, 1e6 * limit):
        marked = readings.assign(
            resistance=("reading", np.where(is_beyond, mark, ohms)),
            censoring=("reading", is_beyond.astype(int)),
        )
        ends = follow_to_wear(marked, best=[6.1e3], reads=[ReadConditions()], failure=Failure())
        found.append((float(ends.references[0]), ends.lifetimes["bad_from"].values))
    (near, of_near), (far, of_far) = found
    assert far == pytest.approx(near, rel=1e-9)
    assert far == pytest.approx(
        follow_to_wear(
            readings, best=[6.1e3], reads=[ReadConditions()], failure=Failure()
        ).references[0],
        rel=0.2,
    )
    np.testing.assert_array_equal(of_near, of_far)
    assert np.count_nonzero(np.isfinite(of_far)) == 20


@pytest.mark.slow
def test_where_the_reference_differs_it_is_said_with_the_readings_of_dead_cells():
    result = characterize(cycled(40, last=2))
    ber = result.products["conditions"].isel(condition=0)
    notes = {note.kind: note.values for note in result.notes}
    of_reference, of_readings = notes["reference of worn cells"], notes["readings of worn cells"]
    lasting = result.products["endurance"]["reference_resistance"].item()
    assert of_reference["reference"] == lasting
    assert of_reference["best"] == float(ber["reference_resistance"])
    assert of_reference["cells"] == 40
    assert of_reference["cells_at_best"] < 40
    assert (of_readings["readings"], of_readings["of"]) == (40 * 2 * 2, 40 * 5 * 2)
    # Without the dead cells no error is left, with them a tenth is wrong at any reference.
    assert of_readings["ber"] < 1e-3 < float(ber["ber"])
    (said,) = [str(note) for note in result.notes if note.kind == "readings of worn cells"]
    assert "and the BER; without them the BER is less than" in said


def test_a_stated_reference_is_kept_and_the_readings_of_dead_cells_are_said_all_the_same():
    read = ReadConditions(reference_resistance=STATED)
    kinds = [note.kind for note in characterize(cycled(40, last=2), read=read).notes]
    assert "readings of worn cells" in kinds
    assert "reference of worn cells" not in kinds
