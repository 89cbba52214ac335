import numpy as np
import pytest

from rramsim.device.array_map import array_map, is_array
from rramsim.schema import STATES, make


def placed(rows, columns, *, times=1, **more):
    row, column = (grid.ravel() for grid in np.meshgrid(range(rows), range(columns), indexing="ij"))
    row, column = np.tile(row, times), np.tile(column, times)
    state = (row + column) % 2
    values = {
        "resistance": np.where(state == 0, 1e4, 1e6),
        "censoring": np.zeros(row.size, dtype=int),
        "condition_index": np.zeros(row.size, dtype=int),
        "state_index": state,
        "cell": row * columns + column,
        "cycle": np.full(row.size, -1),
        "row": row + 5,
        "column": column,
    }
    return make("readings", values | more, {"condition": ["chip"], "state": list(STATES)})


def test_each_cell_has_its_place_its_means_and_its_errors():
    readings = placed(2, 3, times=2)
    readings["resistance"][0] = 1e8  # one of two readings of the LRS cell in the corner
    cells = array_map(readings, reference_resistance=1e5)
    assert cells["row"].values.tolist() == [5, 5, 5, 6, 6, 6]
    assert cells["column"].values.tolist() == [0, 1, 2, 0, 1, 2]
    assert cells["readings"].values.tolist() == [2] * 6
    assert cells["errors"].values.tolist() == [1, 0, 0, 0, 0, 0]
    lrs = cells["log_resistance"].sel(state="LRS").values
    assert lrs[0] == pytest.approx(6.0)
    assert np.isnan(lrs[1])
    assert cells["log_percentile"].sel(state="HRS").values.ravel().tolist() == [6.0] * 4


def test_each_condition_and_die_is_an_array():
    readings = placed(2, 2, times=2, die=np.repeat([7, 9], 4))
    cells = array_map(readings, reference_resistance=1e5)
    assert cells["die"].values.tolist() == [7, 9]
    assert cells["array_index"].values.tolist() == [0] * 4 + [1] * 4
    assert cells["condition"].values.tolist() == ["chip", "chip"]


def test_addresses_are_laid_out_by_a_width():
    readings = placed(8, 8).drop_vars(["row", "column"])
    cells = array_map(readings, reference_resistance=1e5)
    assert cells.attrs["assumed_width"] == 8
    assert array_map(readings, reference_resistance=1e5, width=64)["row"].max() == 0
    assert is_array(readings)


@pytest.mark.parametrize(
    ("change", "expected"),
    [({}, True), ({"cell": np.full(64, -1)}, False), ({"row": np.full(64, -1)}, False)],
)
def test_an_array_needs_many_named_cells_with_places(change, expected):
    assert is_array(placed(8, 8, **change)) == expected
    assert not is_array(placed(4, 4))


def test_cells_far_apart_by_their_addresses_are_no_array():
    scattered = placed(8, 8, cell=np.arange(64) * 1000).drop_vars(["row", "column"])
    assert not is_array(scattered)
