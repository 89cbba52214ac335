"""The map of one chip's wrong cells on its tiles."""

import numpy as np

from rramsim.crossbar.tiles import Placement, TileShape
from rramsim.plotting.error_map import plot_error_map
from rramsim.plotting.style import figure_of


def dots(figure):
    (axes,) = figure.axes
    return np.concatenate([each.get_offsets() for each in axes.collections])


def test_each_wrong_cell_is_a_dot_in_its_tile():
    tile = TileShape(word_lines=4, bit_lines=8)
    placement = Placement(weights_shape=(10, 9), tile=tile)
    wrong = [0, 9 * 9 + 8, 3 * 9 + 5]  # (neuron, input): (0, 0), (9, 8), (3, 5)
    figure = figure_of(plot_error_map, placement, wrong, tile_cells=(4, 8), title="x")
    (axes,) = figure.axes
    assert len(axes.patches) == placement.tile_count == 6
    gap = 1.06
    expected = [
        (0.5 / 8, 0.5 / 4),
        (gap + 1.5 / 8, 2 * gap + 0.5 / 4),
        (3.5 / 8, gap + 1.5 / 4),
    ]
    np.testing.assert_allclose(np.sort(dots(figure), axis=0), np.sort(expected, axis=0))


def test_a_chip_without_errors_shows_its_tiles_alone():
    placement = Placement(weights_shape=(3, 3), tile=TileShape(word_lines=2, bit_lines=2))
    figure = figure_of(plot_error_map, placement, [], tile_cells=(2, 2), title="x")
    (axes,) = figure.axes
    assert not axes.collections
    # The corner tile holds one weight, the first is full: it is drawn darker.
    assert axes.patches[0].get_alpha() > axes.patches[-1].get_alpha()
