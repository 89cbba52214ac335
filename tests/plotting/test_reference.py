import math

import numpy as np
import pytest

from rramsim.device.bit_errors.error_counts import count_errors
from rramsim.device.bit_errors.reference_curve import reference_curve
from rramsim.device.characterize import characterize
from rramsim.device.read_conditions import ReadConditions
from rramsim.measurements import Measured
from rramsim.plotting.reference import plot_reference
from rramsim.plotting.style import figure_of, save_figure
from rramsim.schema import STATES, make


def cells(median, sigma, count=400, seed=1):
    z = np.random.default_rng(seed).standard_normal(count)
    return median * np.exp(sigma * (z - z.mean()) / z.std())


def reference_of(conditions, *, origin="measured", **options):
    names = list(conditions)
    parts = [(i, j, np.asarray(conditions[n][j])) for i, n in enumerate(names) for j in (0, 1)]
    resistance = np.concatenate([part for _, _, part in parts])
    readings = make(
        "readings",
        {
            "resistance": resistance,
            "censoring": np.zeros(resistance.size, int),
            "condition_index": np.concatenate([np.full(p.size, i) for i, _, p in parts]),
            "state_index": np.concatenate([np.full(p.size, j) for _, j, p in parts]),
            "cell": np.full(resistance.size, -1),
            "cycle": np.full(resistance.size, -1),
        },
        {"condition": names, "state": list(STATES)},
    )
    measured = Measured(readings, (), origin, ())
    products = characterize(measured, read=ReadConditions(**options)).products
    curve = reference_curve(readings, products["populations"], products["conditions"])
    return figure_of(plot_reference, curve, products["conditions"]), products


def line(axes, gid):
    (found,) = [each for each in axes.lines if each.get_gid() == gid]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_the_fitted_ber_is_least_at_the_reference_that_was_chosen(spread):
    figure, found = reference_of(
        {"a": (cells(9e3, 0.3), cells(6e4, 0.5, seed=2))}, reference_spread=spread
    )
    (axes,) = figure.axes
    reference, ber = line(axes, "ber")
    chosen = found["conditions"]["reference_resistance"].item()
    assert reference[np.argmin(ber)] == pytest.approx(chosen, rel=0.02)
    assert ber.min() == pytest.approx(found["conditions"]["ber"].item(), rel=0.01)
    dashed = [each for each in axes.lines if each.get_linestyle() == "--"]
    assert dashed[0].get_xdata()[0] == pytest.approx(chosen)


@pytest.mark.slow
def test_counted_points_are_the_shares_misread_and_triangles_where_none_is():
    lrs, hrs = cells(9e3, 0.3), cells(3e5, 0.5, seed=2)
    figure, _ = reference_of({"a": (lrs, hrs)})
    (axes,) = figure.axes
    at, upper = line(axes, "none-counted-HRS")
    assert at.size > 3
    assert upper == pytest.approx(np.full(at.size, 1 - 0.025 ** (1 / 400)))
    (counted,) = [each for each in axes.containers if each.lines[0].get_gid() == "counted-HRS"]
    at, rates = (np.asarray(v) for v in counted.lines[0].get_data())
    exact = np.zeros(400, int)
    for reference, rate in zip(at, rates, strict=True):
        assert rate == count_errors(hrs, exact, reference=reference, is_hrs=True).rate > 0


@pytest.mark.slow
def test_a_population_without_a_fit_has_points_and_no_lines(tmp_path):
    figure, found = reference_of({"$a": (np.full(50, 1e4), cells(3e5, 0.5))}, origin="synthetic")
    (axes,) = figure.axes
    assert not [each for each in axes.lines if each.get_gid() == "ber"]
    assert math.isnan(found["conditions"]["ber"].item())
    assert "synthetic populations, not measured" in figure.get_suptitle()
    assert save_figure(figure, tmp_path / "reference")[1].read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_every_condition_has_its_panel_with_its_numbers():
    pair = (cells(9e3, 0.3), cells(6e4, 0.5, seed=2))
    figure, _ = reference_of(dict.fromkeys(("a", "b", "c", "d"), pair))
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == ["a", "b", "c", "d"]
    assert all("fitted" in axes.texts[0].get_text() for axes in panels)
