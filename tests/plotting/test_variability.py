import numpy as np
import pytest

from rramsim.device.variability import variability
from rramsim.plotting.style import figure_of, save_figure
from rramsim.plotting.variability import plot_variability
from rramsim.schema import STATES, make


def drawn(*, cycles):
    rng = np.random.default_rng(0)
    count = 30 * cycles
    readings = make(
        "readings",
        {
            "resistance": np.exp(rng.normal(10, 0.5, count)),
            "censoring": np.zeros(count, dtype=int),
            "condition_index": np.zeros(count, dtype=int),
            "state_index": np.zeros(count, dtype=int),
            "cell": np.repeat(np.arange(30), cycles),
            "cycle": np.tile(np.arange(cycles), 30),
        },
        {"condition": ["strong"], "state": list(STATES)},
    )
    variance = variability(readings).dataset
    return figure_of(plot_variability, variance), variance


@pytest.mark.slow
def test_bars_are_the_shares_and_the_whole_stands_beside(tmp_path):
    figure, variance = drawn(cycles=3)
    (axes,) = figure.axes
    row = variance.sel(condition="strong", state="LRS")
    shown = [patch.get_width() for patch in axes.patches if patch.get_width() > 0]
    shares = row["share"].sel(component=["cell", "cycle"]).values
    assert shown == pytest.approx(shares[shares > 0])
    texts = [text.get_text() for text in axes.texts]
    assert texts[0].startswith("σ 0.")
    assert texts[1] == "too few readings"
    for path in save_figure(figure, tmp_path / "parts"):
        assert path.stat().st_size > 1000


def test_cells_read_once_are_labelled_as_cells_and_cycles():
    figure, _ = drawn(cycles=1)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["cells and cycles"]
