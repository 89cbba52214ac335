import math

import numpy as np
import pytest
from scipy.special import ndtri

from rramsim.device.characterize import characterize
from rramsim.device.populations.percentiles import percentiles


def test_percentiles_of_exact_readings_are_those_of_the_closed_form(measured_from, exact_sample):
    cells = 400
    lrs, hrs = exact_sample(1e4, 0.3, cells), exact_sample(1e6, 0.8, cells, seed=2)
    found = percentiles(
        characterize(measured_from({"a": (lrs, hrs)})).products["populations"], (1, 50, 99.9)
    )
    for state, median, sigma in (("LRS", 1e4, 0.3), ("HRS", 1e6, 0.8)):
        row = found.sel(condition="a", state=state)
        z = ndtri(np.array([0.01, 0.5, 0.999]))
        assert row["resistance"].values == pytest.approx(median * np.exp(sigma * z), rel=1e-9)
        error = sigma * np.sqrt((1 + z**2 / 2) / cells)
        width = np.log(row["resistance_high"].values / row["resistance"].values)
        assert width == pytest.approx(1.959964 * error, rel=1e-5)
        below = np.log(row["resistance"].values / row["resistance_low"].values)
        assert below == pytest.approx(width)
    # One reading in 400 is 0.25 %.
    assert found["resistance_extrapolated"].sel(condition="a", state="LRS").values.tolist() == [
        0,
        0,
        1,
    ]


def test_a_population_without_a_fit_has_no_percentiles(measured_from, exact_sample):
    hrs = exact_sample(1e6, 0.5, 50)
    found = characterize(measured_from({"a": (np.full(50, 1e4), hrs)}))
    row = percentiles(found.products["populations"]).sel(condition="a", percent=50)
    assert math.isnan(row["resistance"].sel(state="LRS"))
    assert row["resistance"].sel(state="HRS").item() == pytest.approx(1e6)


@pytest.mark.parametrize(("cells", "quantile"), [(5, 2.776445), (4, math.nan)])
def test_cells_read_again_and_again_have_students_t(measured_from, exact_sample, cells, quantile):
    lrs, hrs = (exact_sample(ohm, 0.5, 20 * cells) for ohm in (1e4, 1e6))
    found = (
        characterize(measured_from({"a": (lrs, hrs)}, cells=np.tile(np.arange(cells), 40)))
        .products["populations"]
        .sel(condition=["a"], state=["LRS", "HRS"])
    )
    row = percentiles(found, (50.0,)).sel(condition="a", state="LRS", percent=50)
    width = math.log(row["resistance_high"] / row["resistance"])
    error = float(found["mu_error"].sel(condition="a", state="LRS"))
    assert width == pytest.approx(quantile * error, rel=1e-5, nan_ok=True)


@pytest.mark.slow
def test_percentiles_of_the_readings_stand_beside_those_of_a_fit_that_does_not_hold(measured_from):
    rng = np.random.default_rng(3)
    lrs = np.exp(rng.normal(9.0, 0.2, 300))
    hrs = np.exp(np.where(rng.random(300) < 0.4, rng.normal(10.5, 0.3, 300), 12.0))
    products = characterize(measured_from({"a": (lrs, hrs)})).products
    measured = measured_from({"a": (lrs, hrs)}).readings
    found = percentiles(products["populations"], readings=measured).sel(condition="a", state="HRS")
    assert found["sample"].sel(percent=50).item() == pytest.approx(float(np.median(hrs)))
    assert found["sample"].sel(percent=10).item() == pytest.approx(float(np.quantile(hrs, 0.1)))
    assert found["sample"].sel(percent=50).item() > 1.5 * found["resistance"].sel(percent=50).item()
    # 0.1 % of 300 cells is no cell.
    assert math.isnan(found["sample"].sel(percent=0.1).item())
    assert found["sample_bound"].sel(percent=0.1).item() == "upper"
    median = products["populations"]["median"].sel(condition="a", state="HRS").item()
    assert median == pytest.approx(float(np.median(hrs)))
