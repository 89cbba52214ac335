"""The look all figures share, and the one way they are saved."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from cycler import cycler
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from rramsim.errors import InputError
from rramsim.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "orange": "#E69F00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "black": "#000000",
    "grey": "#767676",
}
"""Okabe and Ito's palette, told apart with any colour vision; in the order lines take them."""

_STYLE: dict[Any, Any] = {
    "axes.prop_cycle": cycler(color=list(COLORS.values())),
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.titlesize": 10,
    "figure.dpi": 100,
    "figure.titlesize": 11,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.framealpha": 0.9,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "savefig.dpi": 200,
    # Outlines instead of text: a figure looks the same where the font is not installed.
    "svg.fonttype": "path",
    # matplotlib names the parts of an SVG at random unless it is given a salt.
    "svg.hashsalt": "rramsim",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


# Neither date nor version: the same figure gives the same bytes.
_METADATA: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def figure_of(plot: Callable[..., object], *datasets: Any, **options: Any) -> Figure:
    """Return what a function of this room draws, as a figure that needs no display.

    Parameters
    ----------
    plot : callable
        Takes `datasets`, `options` and ``ax``.
    *datasets, **options
        What is to be drawn, and how.

    Returns
    -------
    matplotlib.figure.Figure
        Of its own: pyplot does not keep it open.
    """
    with figure_style():
        figure = Figure()
    plot(*datasets, ax=figure, **options)
    return figure


@contextmanager
def figure_style() -> Iterator[None]:
    """Apply rramsim's figure style inside a ``with`` block and restore the user's after it.

    The style starts from matplotlib's own defaults, so a figure never depends on the
    configuration of the machine. A letter that the font lacks (a name may hold any) is drawn
    as a box, and not warned of: tables show the name.

    Whether figures are shown as they are drawn is no style. A notebook sets it when pyplot is
    first loaded, which may be inside the block, so it stays as it is then.
    """
    interactive = mpl.is_interactive()
    try:
        with mpl.rc_context(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
            mpl.rcdefaults()
            mpl.rcParams.update(_STYLE)
            try:
                yield
            finally:
                interactive = mpl.is_interactive()
    finally:
        mpl.interactive(interactive)


class Values(Artist):
    """What points of a figure say of themselves: shown by SVG when they are pointed at.

    They have no ink, so other formats are as without them.

    Attributes
    ----------
    points : ndarray of float
        Shape (points, 2), in data coordinates.
    texts : tuple of str
        One for each point.
    """

    def __init__(self, points: npt.NDArray[np.float64], texts: Sequence[str]) -> None:
        super().__init__()
        self.points, self.texts = points, tuple(texts)
        self.set_in_layout(False)
        self.set_zorder(10)

    def draw(self, renderer: Any) -> None:
        """Write a circle without ink, with its text as title, for each point that is in view."""
        # Only the renderer of SVG writes elements; a picture of pixels has nothing to point at.
        writer, axes = getattr(renderer, "writer", None), self.axes
        if writer is None or axes is None or not self.points.size:
            return
        places = axes.transData.transform(self.points)
        for (x, y), text in zip(places, self.texts, strict=True):
            if not (np.isfinite([x, y]).all() and axes.bbox.padded(1.0).contains(x, y)):
                continue
            place = {"cx": f"{x:.2f}", "cy": f"{renderer.height - y:.2f}", "r": "6"}
            look = "fill: none; pointer-events: all"
            writer.start("circle", attrib={"class": "value", **place, "style": look})
            writer.element("title", text)
            writer.end("circle")


def add_values(axes: Axes, x: npt.ArrayLike, y: npt.ArrayLike, texts: Sequence[str]) -> None:
    """Let points of axes say what they are to a reader who points at them in an SVG file.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    x, y : array_like
        In data coordinates; points out of view say nothing.
    texts : sequence of str
        One for each point, complete by itself: a condition, what was changed, the value.

    Examples
    --------
    >>> import io
    >>> def plot(ax):
    ...     axes = ax.subplots()
    ...     axes.plot([1, 2], [0.5, 0.7])
    ...     add_values(axes, [1, 2], [0.5, 0.7], ["weak: 50 %", "strong: 70 %"])
    >>> file = io.StringIO()
    >>> render_figure(figure_of(plot), file, "svg")
    >>> "<title>strong: 70 %</title>" in file.getvalue()
    True
    """
    points = np.column_stack(np.broadcast_arrays(np.ravel(x), np.ravel(y))).astype(float)
    axes.add_artist(Values(points, texts))


def save_figure(figure: Figure, path_without_suffix: Path) -> tuple[Path, Path]:
    """Write `figure` as SVG and as PNG, as `write_figure` does, and return both paths.

    The PNG has the layout of the SVG: to find a layout takes as long as to draw.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Made inside `figure_style`. Its layout is fixed from then on.
    path_without_suffix : Path
        ``figures/populations`` gives ``figures/populations.svg`` and ``.png``.

    Returns
    -------
    tuple of Path
        The SVG file and the PNG file.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    stem = Path(path_without_suffix)
    svg, png = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("svg", "png"))
    write_figure(figure, svg)
    figure.set_layout_engine("none")
    write_figure(figure, png)
    return svg, png


def write_figure(figure: Figure, path: Path) -> None:
    """Write `figure` whole or not at all, in the form that the suffix of `path` names.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Made inside `figure_style`.
    path : Path
        Ends in ``.svg``, ``.png`` or ``.pdf``.

    Raises
    ------
    InputError
        For another suffix, or if the folder cannot be written.
    """
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in _METADATA:
        accepted = ", ".join(f".{suffix}" for suffix in _METADATA)
        raise InputError(f"{path}: a figure cannot be written as that; accepted are {accepted}.")
    write_atomically(path, lambda file: render_figure(figure, file, kind))


def render_figure(figure: Figure, file: Path | IO[Any], kind: str) -> None:
    """Write `figure` to `file` as ``"svg"``, ``"png"`` or ``"pdf"``, with no date or version."""
    with figure_style():
        figure.savefig(file, format=kind, metadata=_METADATA[kind])
