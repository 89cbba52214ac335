"""One programmed chip: where on its tiles cells are wrong, and how accurate it is beside others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from rramsim.plotting.panels import Canvas, axes_grid
from rramsim.plotting.style import COLORS, figure_style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_WIDTH_INCHES = 4.6
_LAYER_INCHES = 3.4
_BAND_INCHES = 2.4
_MOST_BARS = 30
_TILE_SHARE = 0.06
"""Gap between two tiles as a share of a tile."""


class Tiles(Protocol):
    """What the figure asks of a placement of weights on tiles (`rramsim.crossbar.tiles`)."""

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles down the inputs and tiles across the neurons."""

    def cells_used(self) -> npt.NDArray[np.int64]:
        """Return how many cells of each tile hold a weight."""

    def scatter(
        self, positions: npt.ArrayLike
    ) -> dict[int, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Return the word lines and bit lines of flat weight positions, by tile."""


class _TilesOfLayer:
    """One layer of a chip that was read back, as `plot_error_map` asks for it."""

    def __init__(self, chip: xr.Dataset, layer: int) -> None:
        row = chip.sel(layer=layer)
        self.grid = int(row["tiles_down"]), int(row["tiles_across"])
        self._chip, self._layer = chip, layer

    def cells_used(self) -> npt.NDArray[np.int64]:
        cells = np.zeros(self.grid[0] * self.grid[1], dtype=np.int64)
        is_here = self._chip["tile_layer"].values == self._layer
        cells[self._chip["tile_number"].values[is_here]] = self._chip["tile_cells"].values[is_here]
        return cells

    def scatter(
        self, positions: npt.ArrayLike
    ) -> dict[int, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        names = ("cell_word_line", "cell_bit_line")
        places = np.asarray(positions, dtype=np.int64)
        tile = self._chip["cell_tile"].values[places]
        word, bit = (self._chip[name].values[places] for name in names)
        return {int(one): (word[tile == one], bit[tile == one]) for one in np.unique(tile)}


def plot_chip(chip: xr.Dataset, ax: Canvas = None) -> list[Axes]:
    """Draw the wrong cells of a chip that was read back, a panel for each layer.

    Parameters
    ----------
    chip : xarray.Dataset
        Schema "read_back".
    ax : Canvas, optional

    Returns
    -------
    list of matplotlib.axes.Axes
    """
    layers = chip["layer"].values.tolist()
    with figure_style():
        size = _WIDTH_INCHES, _LAYER_INCHES * len(layers)
        _, panels = axes_grid(ax, len(layers), 1, size=size)
    return [plot_layer(chip, layer, panel) for layer, panel in zip(layers, panels, strict=True)]


def plot_layer(chip: xr.Dataset, layer: int, ax: Canvas = None) -> Axes:
    """Draw the wrong cells of one layer of a chip that was read back.

    Parameters
    ----------
    chip : xarray.Dataset
        Schema "read_back".
    layer : int
        From 1.
    ax : Canvas, optional
    """
    return plot_error_map(
        _TilesOfLayer(chip, layer),
        np.flatnonzero(chip["cell_layer"].values == layer),
        ax,
        tile_cells=(int(chip.attrs["word_lines"]), int(chip.attrs["bit_lines"])),
        title=f"Wrong {chip.attrs['unit_read']}s of layer {layer}",
    )


def plot_predicted(chip: xr.Dataset, ax: Canvas = None) -> Axes:
    """Draw the accuracy of a chip that was read back beside those of the chips that were drawn.

    Parameters
    ----------
    chip : xarray.Dataset
        Schema "read_back", with chips drawn.
    ax : Canvas, optional
    """
    drawn, here = 100.0 * chip["predicted_chip_accuracy"].values, 100.0 * float(chip["accuracy"])
    images = int(chip.attrs["test_images"])
    with figure_style():
        _, (axes,) = axes_grid(ax, 1, 1, size=(_WIDTH_INCHES + 1.4, _BAND_INCHES))
        # Each bar is a whole number of images, so that none has more of them than others.
        ends = min(drawn.min(), here), max(drawn.max(), here)
        step = 100.0 / images * max(1, round((ends[1] - ends[0]) * images / 100.0 / _MOST_BARS))
        edges = np.arange(ends[0] - 0.5 * step, ends[1] + step, step)
        axes.hist(
            drawn, bins=edges.tolist(), color=COLORS["sky"], label=f"{drawn.size} chips drawn"
        )
        lines = {
            "mean of them": (float(chip["predicted_accuracy"]), COLORS["blue"], "-"),
            "5th-percentile chip": (float(chip["predicted_accuracy_p05"]), COLORS["blue"], "--"),
            "without errors": (float(chip["clean_accuracy"]), COLORS["grey"], ":"),
            "this chip": (here / 100.0, COLORS["vermilion"], "-"),
        }
        for label, (value, color, style) in lines.items():
            if np.isfinite(value):
                axes.axvline(100.0 * value, color=color, linestyle=style, label=label)
        axes.set_xlabel("accuracy (%)")
        axes.set_ylabel("chips")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return axes


def plot_error_map(
    placement: Tiles,
    wrong: npt.ArrayLike,
    ax: Canvas = None,
    *,
    tile_cells: tuple[int, int],
    title: str,
) -> Axes:
    """Draw the wrong cells of one chip on the tiles of one layer.

    Parameters
    ----------
    placement : Tiles
        Where the layer's weights are.
    wrong : array_like of int
        Flat positions of the wrong cells in the layer's ``(neurons, inputs)`` matrix.
    ax : Canvas, optional
    tile_cells : (int, int)
        Word lines and bit lines of a tile.
    title : str
        What the chip is.

    Returns
    -------
    matplotlib.axes.Axes
    """
    down, across = placement.grid
    word_lines, bit_lines = tile_cells
    by_tile = placement.scatter(wrong)
    count = sum(len(words) for words, _ in by_tile.values())
    with figure_style():
        height = _WIDTH_INCHES * down * word_lines / (across * bit_lines)
        size = _WIDTH_INCHES, min(max(height, 1.2), 7.0) + 0.9
        _, (axes,) = axes_grid(ax, 1, 1, size=size)
        _draw_tiles(axes, placement, tile_cells)
        for tile, (words, bits) in by_tile.items():
            row, column = divmod(tile, across)
            axes.scatter(
                column * (1 + _TILE_SHARE) + (bits + 0.5) / bit_lines,
                row * (1 + _TILE_SHARE) + (words + 0.5) / word_lines,
                s=_dot_size(count),
                color=COLORS["vermilion"],
                linewidths=0,
                # Thousands of dots are one picture inside the page, not thousands of elements.
                rasterized=count > 500,
            )
        axes.set_xlim(-_TILE_SHARE, across * (1 + _TILE_SHARE))
        axes.set_ylim(down * (1 + _TILE_SHARE), -_TILE_SHARE)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.set_frame_on(False)
        axes.set_xlabel("bit lines (neurons)")
        axes.set_ylabel("word lines (inputs)")
        axes.set_title(title, wrap=True)
    return axes


def _draw_tiles(axes: Axes, placement: Tiles, tile_cells: tuple[int, int]) -> None:
    _, across = placement.grid
    shares = placement.cells_used() / (tile_cells[0] * tile_cells[1])
    for tile, share in enumerate(shares):
        row, column = divmod(tile, across)
        corner = column * (1 + _TILE_SHARE), row * (1 + _TILE_SHARE)
        # An edge tile is drawn whole; the paler it is, the fewer of its cells hold a weight.
        axes.add_patch(
            Rectangle(
                corner,
                1.0,
                1.0,
                facecolor=COLORS["grey"],
                edgecolor="none",
                alpha=0.06 + 0.1 * float(share),
            )
        )


def _dot_size(count: int) -> float:
    """Return an area in points squared that neither hides single errors nor fills a dense map."""
    return float(np.clip(3000.0 / max(count, 1), 0.4, 12.0))
