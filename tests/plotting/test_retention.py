import math

import numpy as np
import pytest

from rramsim.device.lifetime.times.retention import retention
from rramsim.plotting.retention import plot_retention
from rramsim.plotting.style import figure_of, save_figure
from rramsim.schema import STATES, make

TIMES = (0.0, 0.01, 1.0, 100.0, 1e4)


def held(times=TIMES, cells=80):
    rng = np.random.default_rng(0)
    parts = []
    for state, (mu, sigma) in enumerate(((9.0, 0.2), (12.0, 0.6))):
        z = rng.standard_normal(cells)
        parts += [
            (np.exp(mu + sigma * (1 + 0.05 * math.log10(t + 0.01)) * z), state, t) for t in times
        ]
    count = cells * len(parts)
    return make(
        "readings",
        {
            "resistance": np.concatenate([ohm for ohm, _, _ in parts]),
            "censoring": np.zeros(count, dtype=int),
            "condition_index": np.zeros(count, dtype=int),
            "state_index": np.repeat([state for _, state, _ in parts], cells),
            "cell": np.tile(np.arange(cells), len(parts)),
            "cycle": np.full(count, -1),
            "time": np.repeat([time for _, _, time in parts], cells),
        },
        {"condition": ["held"], "state": list(STATES)},
    )


def drawn(readings, **asked):
    found = retention(readings, reference_resistance=4e4, resamples=40, **asked)
    return figure_of(plot_retention, found.dataset), found.dataset


def lines_of(axes, gid):
    return [line for line in axes.lines if line.get_gid() == gid]


@pytest.mark.slow
def test_lines_end_at_the_last_read_out_and_go_on_dashed():
    figure, found = drawn(held(), times=[1e7], ber_limit=1e-2)
    ohm, ber = figure.axes
    for state in STATES:
        lines = lines_of(ohm, f"line-{state}")
        assert [max(line.get_xdata()) for line in lines] == pytest.approx([1e4] * 3)
        row = found.sel(state=state).isel(hold=0)
        assert lines[1].get_ydata()[0] == pytest.approx(math.exp(row["mu"].item()))
    beyond = lines_of(ohm, "extrapolated")
    assert {line.get_linestyle() for line in beyond} == {"--"}
    assert max(beyond[0].get_xdata()) == pytest.approx(1e7)
    (dashed,) = lines_of(ber, "ber-extrapolated")
    assert dashed.get_linestyle() == "--"
    assert np.asarray(dashed.get_xdata()) == pytest.approx([1e4, 1e7])
    assert np.asarray(dashed.get_ydata()) == pytest.approx(found["ber"].values[0, -2:])


@pytest.mark.slow
def test_a_read_out_at_0_s_has_a_place_of_its_own():
    figure, _ = drawn(held())
    axes = figure.axes[-1]
    labels = [axes.xaxis.get_major_formatter()(tick) for tick in axes.get_xticks()]
    assert labels[0] == "0 s"
    assert axes.get_xticks()[0] == pytest.approx(1e-3)
    assert len(set(labels)) == len(labels)


@pytest.mark.slow
def test_without_extrapolation_nothing_is_dashed_but_the_reference(tmp_path):
    figure, _ = drawn(held(times=(1.0, 10.0, 100.0)))
    assert not lines_of(figure.axes[0], "extrapolated")
    assert not lines_of(figure.axes[1], "ber-extrapolated")
    assert "80 LRS and 80 HRS cells" in figure.axes[0].get_title()
    for path in save_figure(figure, tmp_path / "retention"):
        assert path.stat().st_size > 1000


@pytest.mark.slow
def test_a_hold_without_lines_can_be_drawn():
    readings = held(times=(0.01, 0.1))
    figure, found = drawn(readings)
    assert np.isnan(found["mu_drift"].values).all()
    assert not lines_of(figure.axes[0], "line-LRS")


def test_no_line_is_drawn_before_the_first_read_out_in_the_lines():
    figure, _ = drawn(held(times=(0.01, 100.0, 1e4)), times=[10.0])
    ohm, ber = figure.axes
    assert min(lines_of(ohm, "line-HRS")[0].get_xdata()) == pytest.approx(100.0)
    assert [min(line.get_xdata()) for line in lines_of(ber, "ber")] == pytest.approx([100.0])
    assert not lines_of(ber, "ber-extrapolated")
