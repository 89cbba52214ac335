import numpy as np
import pytest

from rramsim.device.array_map import array_map, is_array
from rramsim.plotting.array_map import plot_array_map
from rramsim.plotting.style import figure_of, save_figure
from rramsim.schema import STATES, make

REFERENCE = 5e4


def chip(rows=16, columns=24, *, placed=True, dies=1, dead_row=None, first=0):
    """Return one reading a cell, alternately LRS and HRS, on one or more dies."""
    die, row, column = (
        grid.ravel()
        for grid in np.meshgrid(np.arange(dies), np.arange(rows), np.arange(columns), indexing="ij")
    )
    state = (row + column) % 2
    ohm = np.where(state == 0, 1e4, 1e6) * np.exp(0.1 * np.sin(row))
    if dead_row is not None:
        ohm = np.where(row == dead_row, np.where(state == 0, 1e7, 1e3), ohm)
    place = {"row": row + first, "column": column, "die": die} if placed else {}
    return make(
        "readings",
        {
            "resistance": ohm,
            "censoring": np.zeros(ohm.size, dtype=int),
            "condition_index": np.zeros(ohm.size, dtype=int),
            "state_index": state,
            "cell": first * columns + row * columns + column,
            "cycle": np.full(ohm.size, -1),
            **place,
        },
        {"condition": ["chip"], "state": list(STATES)},
    )


def map_figure(readings, reference, **options):
    cells = array_map(readings, reference_resistance=reference, **options)
    return figure_of(plot_array_map, cells)


def maps_of(figure):
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


def test_ticks_name_whole_lines():
    figure = map_figure(chip(rows=5, columns=2, first=7), REFERENCE)
    for axes in figure.axes:
        if axes.images:
            ticks = [*axes.get_xticks(), *axes.get_yticks()]
            assert ticks == [round(tick) for tick in ticks]


def test_every_cell_stands_in_its_row_and_column():
    readings = chip(first=100)
    lrs, hrs, errors = maps_of(map_figure(readings, REFERENCE))
    assert lrs.shape == hrs.shape == errors.shape == (16, 24)
    row, column = 3, 5  # LRS where their sum is even
    assert lrs[row, column] == pytest.approx(4 + 0.1 * np.sin(row) / np.log(10))
    assert hrs.mask[row, column]
    assert not lrs.mask[row, column]
    assert errors.sum() == 0


@pytest.mark.slow
def test_a_dead_line_is_marked():
    figure = map_figure(chip(dead_row=7, first=100), REFERENCE)
    *_, errors = maps_of(figure)
    assert errors[7].sum() == 24
    axes = next(axes for axes in figure.axes if "errors" in axes.get_title())
    (marks,) = [line for line in axes.lines if line.get_gid() == "dead-rows"]
    assert list(marks.get_ydata()) == [107]
    assert "errors: 24 of 384" in axes.get_title()
    assert "mostly wrong: 1 row, 0 columns" in axes.get_title()


@pytest.mark.slow
def test_addresses_are_laid_out_by_a_width_which_is_said_where_assumed():
    readings = chip(16, 32, placed=False)
    figure = map_figure(readings, REFERENCE, width=32)
    assert maps_of(figure)[0].shape == (16, 32)
    assert figure.get_suptitle() == ""
    assumed = map_figure(chip(32, 32, placed=False), REFERENCE)
    assert maps_of(assumed)[0].shape == (32, 32)
    assert "rows of 32 cells, an assumption" in assumed.get_suptitle()


def test_a_cell_read_more_than_once_shows_its_share_of_errors():
    readings = chip(1, 8)
    again = readings.isel(reading=np.tile(np.arange(8), 4)).copy(deep=True)
    again["resistance"][0] = 1e6  # one of the four readings of an LRS cell
    *_, errors = maps_of(map_figure(again, REFERENCE))
    assert errors[0].tolist() == [0.25, *[0.0] * 7]


@pytest.mark.slow
def test_dies_have_maps_of_their_own(tmp_path):
    figure = map_figure(chip(4, 4, dies=2), REFERENCE)
    assert len(maps_of(figure)) == 6
    titles = " ".join(axes.get_title() for axes in figure.axes)
    assert "die 0" in titles
    assert "die 1" in titles
    for path in save_figure(figure, tmp_path / "dies"):
        assert path.stat().st_size > 1000


def test_one_state_one_cell_and_no_place():
    alone = chip(1, 1)
    assert len(maps_of(map_figure(alone, REFERENCE))) == 2
    nowhere = chip(2, 2, placed=False)
    nowhere["cell"] = ("reading", np.full(4, -1))
    assert array_map(nowhere, reference_resistance=REFERENCE) is None
    assert not is_array(nowhere)


@pytest.mark.slow
def test_a_whole_chip_is_drawn(shared_data, tmp_path):
    table = np.loadtxt(shared_data / "rram" / "ni-rram-64kb" / "C1_read_1.tsv")
    count = len(table)
    readings = make(
        "readings",
        {
            "resistance": np.minimum(table[:, 1], 1e8),
            "censoring": (table[:, 1] > 1e8).astype(int),
            "condition_index": np.zeros(count, dtype=int),
            "state_index": (table[:, 1] > 3e4).astype(int),
            "cell": table[:, 0].astype(int),
            "cycle": np.full(count, -1),
        },
        {"condition": ["C1"], "state": list(STATES)},
    )
    figure = map_figure(readings, 3e4)
    assert maps_of(figure)[0].shape == (256, 256)
    svg, png = save_figure(figure, tmp_path / "chip")
    assert max(svg.stat().st_size, png.stat().st_size) < 2e6
