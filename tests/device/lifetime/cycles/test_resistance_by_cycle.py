import numpy as np
import pytest

from rramsim.device.lifetime.cycles.endurance import Failure, follow_cells
from rramsim.device.lifetime.cycles.resistance_by_cycle import resistance_by_cycle
from rramsim.schema import STATES, make

REFERENCE = 5e4


def worn(cycles, cells=6):
    """Return readings of cells, of which the first reads LRS for HRS from cycle 100 on."""
    cell, cycle = (grid.ravel() for grid in np.meshgrid(range(cells), cycles, indexing="ij"))
    hrs = np.where((cell == 0) & (cycle >= 100), 2e4, 4e5 + 1e4 * cell)
    return make(
        "readings",
        {
            "resistance": np.concatenate([1e4 + 1e2 * cell, hrs]),
            "censoring": np.zeros(2 * cell.size, dtype=int),
            "condition_index": np.zeros(2 * cell.size, dtype=int),
            "state_index": np.repeat([0, 1], cell.size),
            "cell": np.tile(cell, 2),
            "cycle": np.tile(cycle, 2),
        },
        {"condition": ["a"], "state": list(STATES)},
    )


def by_cycle_of(readings, **options):
    return resistance_by_cycle(readings, reference_resistance=REFERENCE, **options)


def test_percentiles_are_those_of_each_cycle():
    by_cycle = by_cycle_of(worn([1, 10, 100]))
    assert by_cycle["cycle"].values.tolist() == [[1.0, 10.0, 100.0]]
    assert by_cycle["p50"].sel(condition="a", state="LRS").values == pytest.approx([1.025e4] * 3)
    assert by_cycle["readings"].values.tolist() == [[[6] * 3] * 2]
    counts = [by_cycle[name].item() for name in ("cells", "cycles", "failed")]
    assert counts == [6, 3, -1]


def test_failed_cells_are_kept_at_their_first_bad_cycle():
    readings = worn([1, 10, 100, 1000])
    lifetimes = follow_cells(
        readings, reference_resistance=REFERENCE, failure=Failure(consecutive=2)
    )
    by_cycle = by_cycle_of(readings, lifetimes=lifetimes)
    assert by_cycle["failed"].item() == 1
    assert by_cycle["failure_cycle"].values.tolist() == [100]
    assert by_cycle["failure_resistance"].values.tolist() == [2e4]
    assert by_cycle["state_index"].values.tolist() == [1]


def test_many_cycles_are_taken_together_by_twelfths_of_a_decade():
    by_cycle = by_cycle_of(worn(np.arange(100, 10000, 50), cells=1))
    # Of the 24 from 100 to 10000, the one from 121 to 147 holds no cycle.
    assert by_cycle.sizes["group"] == 23
    assert (np.diff(by_cycle["cycle"].values[0]) > 0).all()
    assert by_cycle["readings"].sel(state="HRS").sum() == 198
