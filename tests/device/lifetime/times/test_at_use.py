import math

import numpy as np
import pytest

from rramsim.device.lifetime.times.arrhenius import BOLTZMANN, acceleration_factor, fit_arrhenius
from rramsim.device.lifetime.times.retention import TEN_YEARS, retention
from rramsim.errors import InputError
from rramsim.schema import STATES, make, validate

# Lines (mu, mu', sigma, sigma') of LRS and HRS.
LINES = ((8.5, 0.01, 0.1, 0.0), (12.6, -0.05, 0.2, 0.02))
REFERENCE = math.exp(10.5)


def held(*, kelvin=423.15, times=(1.0, 10.0, 100.0, 1e3, 3.6e6), cells=200):
    """Return readings of cells along the lines."""
    z = np.random.default_rng(4).standard_normal(cells)
    z = (z - z.mean()) / z.std()
    rows = []
    for state, (mu, drift, sigma, widening) in enumerate(LINES):
        for time in times:
            log_time = math.log10(time)
            ohm = np.exp(mu + drift * log_time + (sigma + widening * log_time) * z)
            rows.append((ohm, state, np.arange(cells) + 1000 * state, time))
    count = cells * len(rows)
    resistance, state, cell, time = (
        np.concatenate([np.broadcast_to(row[i], cells) for row in rows]) for i in range(4)
    )
    return make(
        "readings",
        {
            "resistance": resistance,
            "censoring": np.zeros(count, dtype=int),
            "condition_index": np.zeros(count, dtype=int),
            "state_index": state,
            "cell": cell,
            "cycle": np.full(count, -1),
            "time": time,
            "temperature": np.full(count, kelvin),
        },
        {"condition": ["held"], "state": list(STATES)},
    )


def test_one_electron_volt_from_150_to_85_degrees_is_145():
    factor = acceleration_factor(1.0, hot=423.15, use=358.15)
    assert factor == pytest.approx(145, rel=0.01)
    assert factor == pytest.approx(math.exp(1.0 / BOLTZMANN * (1 / 358.15 - 1 / 423.15)))
    assert acceleration_factor(0.7, hot=400.0, use=400.0) == 1.0
    assert acceleration_factor(1.0, hot=358.15, use=423.15) == pytest.approx(1 / factor)


@pytest.mark.parametrize(("energy", "hot", "use"), [(1.1, 398.0, 1e-3), (9.0, 300.0, 573.0)])
def test_a_factor_that_no_time_is_carried_by_is_refused(energy, hot, use):
    power = energy / BOLTZMANN * (1 / use - 1 / hot) / math.log(10)
    with pytest.raises(InputError) as error:
        acceleration_factor(energy, hot=hot, use=use)
    assert f"as long as 10^{power:.0f} s at {use:g} K" in str(error.value)
    # A fitted energy carries no time so far either.
    kelvin = [hot, 1.05 * hot]
    law = fit_arrhenius(kelvin, [math.exp(energy / BOLTZMANN / one - 300.0) for one in kelvin])
    with pytest.raises(InputError, match=r"10\^-?[0-9]+ s at"):
        law.time_at(use)


def test_a_use_far_from_all_temperatures_held_at_is_extrapolated_at_any_time():
    """So `extrapolation` of aging says it, by the nearest temperature of the condition."""
    shown = []
    for use in (380.0, 360.0):
        found = retention(
            held(kelvin=423.15, cells=30),
            reference_resistance=REFERENCE,
            at_times=[1.0],
            use_temperature=use,
            activation_energy=1.0,
        ).dataset
        shown.append(found["use_extrapolated"].values.tolist())
    assert shown == [[[0]], [[1]]]


@pytest.mark.slow
def test_medians_and_percentiles_at_a_stated_time_are_those_of_the_lines():
    found = retention(held(), reference_resistance=REFERENCE, at_times=[1e8], times=[1e8])
    validate(found.dataset, "retention")
    hold = found.dataset.isel(hold=0, at=0)
    for index, (mu, drift, sigma, widening) in enumerate(LINES):
        row = hold.isel(state=index)
        middle, spread = mu + 8 * drift, sigma + 8 * widening
        assert math.log(row["at_median"]) == pytest.approx(middle, abs=1e-6)
        assert math.log(row["at_p05"]) == pytest.approx(middle - 1.6448536 * spread, abs=1e-5)
        assert math.log(row["at_p95"]) == pytest.approx(middle + 1.6448536 * spread, abs=1e-5)
        assert row["at_median_low"] < row["at_median"] < row["at_median_high"]
    # The BER is that along the lines: here a bound, as so low a BER is out of the sample's reach.
    at_time = found.dataset["ber_high"].sel(time=1e8).item()
    assert math.isnan(hold["at_ber"].item())
    assert hold["at_ber_high"].item() == at_time > 5.8e-7
    assert hold["at_extrapolated"].item() == 1
    assert hold["at_decades"].item() == pytest.approx(8 - math.log10(3.6e6))


@pytest.mark.slow
def test_ten_years_are_the_time_without_another_and_said_to_be_extrapolated():
    found = retention(held(), reference_resistance=REFERENCE)
    assert found.dataset["at_time"].values.tolist() == [TEN_YEARS]
    (note,) = (note for note in found.notes if note.kind == "stated time extrapolated")
    assert "at 10\N{NO-BREAK SPACE}years are extrapolated along the lines, 1.9 decades" in note.text
    within = retention(held(), reference_resistance=REFERENCE, at_times=[3.6e6])
    assert not within.dataset["at_extrapolated"].any()
    assert not any(note.kind == "stated time extrapolated" for note in within.notes)


@pytest.mark.slow
def test_a_time_at_use_is_that_time_over_the_factor_where_cells_were_held():
    factor = acceleration_factor(1.0, hot=423.15, use=358.15)
    found = retention(
        held(),
        reference_resistance=REFERENCE,
        at_times=[1e6 * factor],
        use_temperature=358.15,
        activation_energy=1.0,
    ).dataset
    same = retention(held(), reference_resistance=REFERENCE, at_times=[1e6]).dataset
    assert found["acceleration_factor"].values == pytest.approx([factor])
    assert found["equivalent_time"].values == pytest.approx([3.6e6 * factor])
    for name in ("median", "median_low", "median_high", "p05", "p95", "ber", "ber_high"):
        assert found[f"use_{name}"].values == pytest.approx(same[f"at_{name}"].values, nan_ok=True)
    # 4.6 years at 85 degC are within the 1000 h at 150 degC, 65 K away.
    assert (found["use_decades"] < 0).all()
    assert found["use_extrapolated"].values.tolist() == [[1]]
    assert found["at_extrapolated"].values.tolist() == [[1]]


def test_without_a_stated_energy_nothing_is_carried_to_another_temperature():
    found = retention(held(), reference_resistance=REFERENCE, use_temperature=358.15).dataset
    assert found["acceleration_factor"].isnull().all()
    assert found["use_median"].isnull().all()
