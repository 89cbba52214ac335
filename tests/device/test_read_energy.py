import math

import numpy as np
import pytest

from rramsim.device.populations.fit import fit_conditions, populations_dataset
from rramsim.device.read_conditions import ReadConditions
from rramsim.device.read_energy import mean_conductance, read_energy
from rramsim.errors import InputError


@pytest.fixture(scope="module")
def populations(measured_from, exact_sample):
    measured = measured_from(
        {
            "strong": (exact_sample(7.4e3, 0.1), exact_sample(1.6e5, 0.6, seed=2)),
            "stuck": (np.full(9, 1e4), exact_sample(1e6, 0.5, seed=3)),
        }
    )
    return populations_dataset(fit_conditions(measured.readings), origin="measured")


def test_the_mean_conductance_is_that_of_sampled_cells():
    ohm = np.exp(np.random.default_rng(0).normal(11.0, 0.8, 400_000))
    assert mean_conductance(11.0, 0.8) == pytest.approx(np.mean(1 / ohm), rel=0.01)
    assert mean_conductance(11.0, 0.0) == pytest.approx(math.exp(-11.0))


def test_the_energy_is_v_squared_t_over_r_by_state_and_weighted(populations):
    found = read_energy(populations, read=ReadConditions(0.25, read_voltage=0.2, read_time=10e-9))
    lrs, hrs = (
        0.2**2 * 10e-9 * math.exp(sigma**2 / 2) / median
        for median, sigma in ((7.4e3, 0.1), (1.6e5, 0.6))
    )
    row = found.sel(condition="strong")
    assert row["energy"].values == pytest.approx([lrs, hrs])
    assert row["energy_per_read"].item() == pytest.approx(0.25 * lrs + 0.75 * hrs)
    assert row["basis"].item() == "computed"
    assert "no lines" in found.attrs["covers"]


def test_a_state_without_a_spread_has_no_energy(populations):
    row = read_energy(populations, read=ReadConditions(read_voltage=0.2, read_time=1e-8)).sel(
        condition="stuck"
    )
    assert math.isnan(row["energy_per_read"].item())
    assert row["basis"].item() == "unknown"
    assert row["energy"].sel(state="HRS").item() > 0


@pytest.mark.parametrize("given", [(0.0, 1e-8), (math.nan, 1e-8), (0.2, 0.0), (0.2, math.inf)])
def test_no_voltage_or_no_time_is_refused(given):
    with pytest.raises(InputError, match=r"The read (voltage|time) is"):
        ReadConditions(read_voltage=given[0], read_time=given[1])
