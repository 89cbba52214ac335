import math

import numpy as np
import pytest

from rramsim.device.lifetime.cycles.cycling import against_cycles
from rramsim.device.lifetime.cycles.endurance import Failure, follow_cells
from rramsim.device.lifetime.cycles.resistance_by_cycle import resistance_by_cycle
from rramsim.plotting.cycles import plot_cycles, plot_cycling_ber
from rramsim.plotting.style import figure_of, save_figure
from rramsim.schema import STATES, make

REFERENCE = 5e4


def worn(cycles, *, cells=40, condition="worn $1"):
    """Return readings of cells of which some lose their HRS at cycle 1000."""
    rng = np.random.default_rng(0)
    cycles = np.asarray(cycles)
    cell, cycle = (grid.ravel() for grid in np.meshgrid(np.arange(cells), cycles, indexing="ij"))
    lost = (cell % 8 == 0) & (cycle >= 1000)
    lrs = 1e4 * np.exp(0.1 * rng.standard_normal(cell.size))
    hrs = np.where(lost, 1.5e4, 4e5 * np.exp(0.7 * rng.standard_normal(cell.size)))
    return make(
        "readings",
        {
            "resistance": np.concatenate([lrs, hrs]),
            "censoring": np.zeros(2 * cell.size, dtype=int),
            "condition_index": np.zeros(2 * cell.size, dtype=int),
            "state_index": np.repeat([0, 1], cell.size),
            "cell": np.tile(cell, 2),
            "cycle": np.tile(cycle, 2),
        },
        {"condition": [condition], "state": list(STATES)},
    )


def drawn(readings, *, ber_limit=0.02):
    cycling = against_cycles(readings, reference_resistance=REFERENCE, ber_limit=ber_limit).dataset
    lifetimes = follow_cells(
        readings, reference_resistance=REFERENCE, failure=Failure(consecutive=1)
    )
    by_cycle = resistance_by_cycle(readings, reference_resistance=REFERENCE, lifetimes=lifetimes)
    drawings = figure_of(plot_cycles, by_cycle), figure_of(plot_cycling_ber, cycling)
    return *drawings, cycling, lifetimes


def lines_of(axes, gid):
    return [line for line in axes.lines if line.get_gid() == gid]


def test_medians_are_those_of_the_readings_and_the_counts_are_said():
    readings = worn([1, 10, 100, 1000, 10000])
    figure, *_ = drawn(readings)
    (axes,) = figure.axes
    (median,) = lines_of(axes, "median-LRS")
    assert median.get_xdata() == pytest.approx([1, 10, 100, 1000, 10000])
    lrs = readings["resistance"].values[:200].reshape(40, 5)
    assert median.get_ydata() == pytest.approx(np.median(lrs, axis=0))
    title = axes.get_title()
    assert "40 cells" in title
    assert "read at 5 cycles" in title
    assert r"\$1" in title


@pytest.mark.slow
def test_each_failed_cell_stands_where_it_failed():
    figure, _, _, lifetimes = drawn(worn([1, 10, 100, 1000, 10000]))
    (axes,) = figure.axes
    (marks,) = lines_of(axes, "failed-HRS")
    until = lifetimes["until"].values
    failed = np.isfinite(until)
    assert sorted(marks.get_xdata()) == pytest.approx(sorted(until[failed]))
    assert (np.asarray(marks.get_ydata()) < REFERENCE).all()
    assert f"{failed.sum()} failed" in axes.get_title()


@pytest.mark.slow
def test_many_cycles_become_bins_of_a_decade():
    figure, *_ = drawn(worn(np.arange(100, 10000, 50), cells=3))
    (median,) = lines_of(figure.axes[0], "median-HRS")
    assert 15 <= len(median.get_xdata()) <= 26


@pytest.mark.slow
def test_the_ber_is_drawn_with_its_limit_and_no_further_than_was_read(tmp_path):
    _, figure, cycling, _ = drawn(worn([1, 10, 100, 1000, 10000]))
    (axes,) = figure.axes
    (limit,) = lines_of(axes, "limit")
    assert limit.get_ydata()[0] == 0.02
    (line,) = lines_of(axes, "line-0")
    assert max(line.get_xdata()) == pytest.approx(10000)
    expected = cycling["intercept"].item() + cycling["slope"].item() * 4
    from scipy.special import ndtr

    assert line.get_ydata()[-1] == pytest.approx(ndtr(expected))
    for path in save_figure(figure, tmp_path / "ber"):
        assert path.stat().st_size > 1000


@pytest.mark.slow
def test_one_cell_and_checkpoints_without_errors_can_be_drawn(tmp_path):
    readings = worn([1, 10, 100], cells=1)
    figure, ber, cycling, _ = drawn(readings)
    assert "1 cell, 0 failed" in figure.axes[0].get_title()
    # One reading a state shows no BER at all.
    assert cycling["ber_high"].isnull().all()
    assert math.isnan(cycling["slope"].item())
    save_figure(ber, tmp_path / "one")


@pytest.mark.slow
def test_checkpoints_of_which_only_a_bound_is_known_are_drawn_as_bounds():
    _, ber, cycling, _ = drawn(worn([1, 10, 100], cells=6))
    bounds = lines_of(ber.axes[0], "bounds-0")[0]
    assert len(bounds.get_xdata()) == np.count_nonzero(cycling["ber_bound"].values == "upper") == 3


def test_a_percentile_among_the_limits_is_not_drawn():
    readings = worn([1, 10, 100])
    high = np.quantile(readings["resistance"].values, 0.9)
    is_limit = readings["resistance"].values >= high
    readings["censoring"] = ("reading", is_limit.astype(int))
    readings["resistance"] = ("reading", np.minimum(readings["resistance"].values, high))
    figure, *_ = drawn(readings)
    whiskers = figure.axes[0].collections[1].get_segments()
    assert max(np.asarray(each)[:, 1].max() for each in whiskers) < high
