import gzip
import math

import numpy as np
import pytest
from scipy import stats

from rramsim.device.lifetime.times.arrhenius import (
    BOLTZMANN,
    activation_energies,
)
from rramsim.device.lifetime.times.retention import retention
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.schema import STATES, make, records

REFERENCE = math.exp(11.0)
TIMES = (0.1, 1.0, 10.0, 100.0, 1e4)


def held(*, lines, times=TIMES, cells=600, temperatures=(300.0,), speed=1.0, seed=1, **more):
    """Return readings along lines (mu, mu', sigma, sigma') of LRS and of HRS."""
    rng = np.random.default_rng(seed)
    rows = []
    for place, kelvin in enumerate(temperatures):
        for state, (mu, drift, sigma, widening) in enumerate(lines):
            z = rng.standard_normal(cells)
            z = (z - z.mean()) / z.std()
            for time in times:
                log_time = math.log10(time * speed**place)
                x = mu + drift * log_time + (sigma + widening * log_time) * z
                rows.append((np.exp(x), state, np.arange(cells) + 1000 * state, time, kelvin))
    count = cells * len(rows)
    columns = [np.concatenate([np.broadcast_to(row[i], cells) for row in rows]) for i in range(5)]
    return make(
        "readings",
        {
            "resistance": columns[0],
            "censoring": np.zeros(count, dtype=int),
            "condition_index": np.zeros(count, dtype=int),
            "state_index": columns[1],
            "cell": columns[2],
            "cycle": np.full(count, -1),
            "time": columns[3],
            **({"temperature": columns[4]} if len(temperatures) > 1 else {}),
            **more,
        },
        {"condition": ["held"], "state": list(STATES)},
    )


LINES = ((10.0, 0.02, 0.2, 0.02), (13.0, -0.05, 0.5, 0.06))


@pytest.mark.slow
def test_slopes_of_median_and_spread_are_recovered_apart():
    found = retention(held(lines=LINES), reference_resistance=REFERENCE).dataset
    for index, state in enumerate(STATES):
        row = found.sel(state=state).isel(hold=0)
        names = ("mu", "mu_drift", "sigma", "sigma_drift")
        assert [row[name].item() for name in names] == pytest.approx(LINES[index], abs=1e-6)
        assert row["mu_drift_low"].item() < LINES[index][1] < row["mu_drift_high"].item()
    assert found["cells"].values.tolist() == [[600, 600]]
    assert found["readout_time"].values[0, 0] == pytest.approx(TIMES)


@pytest.mark.slow
def test_the_ber_over_time_is_that_of_the_lines_and_later_is_extrapolated():
    found = retention(
        held(lines=LINES), reference_resistance=REFERENCE, times=[1e8], ber_limit=1e-2
    )
    row = found.dataset.isel(hold=0)
    assert row["time"].values.tolist() == [1.0, 10.0, 100.0, 1e4, 1e8]
    assert row["ber_extrapolated"].values.tolist() == [0, 0, 0, 0, 1]
    ber, low, high = (row[name].values for name in ("ber", "ber_low", "ber_high"))
    assert (np.diff(ber) > 0).all()
    assert ((low < ber) & (ber < high)).all()
    assert any("extrapolated 4 decades of time" in str(note) for note in found.notes)
    limit = row["time_to_limit"].item()
    at_limit = retention(held(lines=LINES), reference_resistance=REFERENCE, times=[limit])
    assert at_limit.dataset["ber"].sel(time=limit).item() == pytest.approx(1e-2, rel=1e-3)


@pytest.mark.slow
def test_along_the_lines_no_ber_leads_beyond_what_the_cells_reach():
    """At 1 s the states are 7 sigmas from the reference, of 600 cells that reach 4.9."""
    far = ((9.6, 0.0, 0.2, 0.0), (14.5, -0.3, 0.5, 0.0))
    found = retention(held(lines=far), reference_resistance=REFERENCE, ber_limit=1e-9)
    row = found.dataset.isel(hold=0)
    reach = stats.norm.sf(2 - stats.norm.ppf(1 / 600))
    ber, high = row["ber"].values, row["ber_high"].values
    assert np.isnan(ber).tolist() == [True, True, True, False]
    assert high[:3] == pytest.approx([reach] * 3)
    assert reach < ber[3] < high[3]
    assert np.isnan(row["time_to_limit"].item())
    kinds = [note.kind for note in found.notes]
    assert "fit beyond reach" in kinds
    assert any("no time is claimed" in note.text for note in found.notes)


@pytest.mark.slow
def test_along_lines_of_few_cells_no_ber_leads_and_the_counted_ones_stay():
    found = retention(held(lines=LINES, cells=12), reference_resistance=REFERENCE, ber_limit=0.1)
    row = found.dataset.isel(hold=0)
    assert np.isnan(row["ber"].values).all()
    assert np.isnan(row["ber_high"].values).all()
    assert np.isfinite(row["counted_ber"].values).any()
    assert np.isnan(row["time_to_limit"].item())
    assert any(note.kind == "few cells" for note in found.notes)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_interval():
    readings = held(lines=LINES, cells=60)
    one, two, other = (
        retention(readings, reference_resistance=REFERENCE, seed=seed).dataset for seed in (3, 3, 4)
    )
    assert one.identical(two)
    assert not np.array_equal(one["ber_low"], other["ber_low"])


@pytest.mark.slow
def test_a_limit_that_is_not_reached_is_a_bound_and_one_exceeded_at_once_too():
    still = ((10.0, 0.0, 0.2, 0.0), (13.0, 0.0, 0.2, 0.0))
    found = retention(held(lines=still), reference_resistance=REFERENCE, ber_limit=1e-3)
    assert found.dataset["time_to_limit"].item() == 1e4
    assert found.dataset["time_to_limit_bound"].item() == "lower"
    found = retention(held(lines=LINES), reference_resistance=REFERENCE, ber_limit=1e-6)
    assert found.dataset["time_to_limit_bound"].item() == "upper"
    assert activation_energies(["held"], found.dataset, ber_limit=1e-2) is None


@pytest.mark.slow
def test_each_temperature_is_held_apart():
    found = retention(
        held(lines=LINES, temperatures=(300.0, 400.0), speed=100.0),
        reference_resistance=REFERENCE,
        ber_limit=1e-2,
    ).dataset
    assert found["temperature"].values.tolist() == [300.0, 400.0]
    cold, hot = found["time_to_limit"].values
    assert cold / hot == pytest.approx(100.0, rel=0.01)
    (law,) = records(activation_energies(["held"], found, ber_limit=1e-2).dataset, "condition")
    energy = math.log(cold / hot) * BOLTZMANN / (1 / 300.0 - 1 / 400.0)
    assert law["activation_energy"] == pytest.approx(energy)
    assert math.isnan(law["activation_energy_low"])


@pytest.mark.slow
def test_lines_that_the_errors_do_not_bear_out_are_said_to_be_a_guide():
    readings = held(lines=LINES)
    stuck = (readings["cell"].values >= 1000) & (readings["cell"].values < 1024)
    readings["resistance"] = ("reading", np.where(stuck, 5e4, readings["resistance"].values))
    found = retention(readings, reference_resistance=REFERENCE)
    assert any("take the lines as a guide only" in str(note) for note in found.notes)


def test_one_time_or_none_has_no_retention():
    assert retention(held(lines=LINES, times=[1.0]), reference_resistance=REFERENCE) is None
    without = held(lines=LINES).drop_vars("time")
    assert retention(without, reference_resistance=REFERENCE) is None


@pytest.mark.slow
def test_two_read_outs_are_a_line_that_nothing_checks_and_identical_values_none():
    found = retention(held(lines=LINES, times=[1.0, 100.0]), reference_resistance=REFERENCE)
    assert sum("have two points; nothing checks them" in str(note) for note in found.notes) == 2
    same = held(lines=((10.0, 0.0, 0.0, 0.0), (13.0, 0.0, 0.0, 0.0)))
    same["resistance"] = ("reading", np.where(same["state_index"] == 0, 1e4, 1e6))
    found = retention(same, reference_resistance=REFERENCE)
    assert np.isnan(found.dataset["ber"].values).all()
    assert any("a line of drift needs two" in str(note) for note in found.notes)


@pytest.mark.parametrize("wrong", [{"ber_limit": 0.9}, {"times": [-1.0]}])
def test_strange_limits_and_times_are_refused(wrong):
    with pytest.raises(InputError, match="must be above 0"):
        retention(held(lines=LINES, cells=5), reference_resistance=REFERENCE, **wrong)


@pytest.mark.slow
def test_a_measured_set_widens_with_time(shared_data):
    path = shared_data / "rram" / "relaxation-techC" / "relaxdata.min.tsv.gz"
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file)
    table = table[np.isin(table[:, 5], (0, 31)) & (table[:, 2] > 0)]
    count = len(table)
    readings = make(
        "readings",
        {
            "resistance": np.minimum(table[:, 2], 1e8),
            "censoring": (table[:, 2] > 1e8).astype(int),
            "condition_index": np.zeros(count, dtype=int),
            "state_index": (table[:, 5] == 0).astype(int),
            "cell": table[:, 0].astype(int),
            "cycle": np.full(count, -1),
            "time": table[:, 1],
        },
        {"condition": ["technology C"], "state": list(STATES)},
    )
    row = retention(readings, reference_resistance=2e5, resamples=100).dataset.isel(hold=0)
    # Standard deviations in decades at 1e5 s, as the folder's README states them.
    decades = row["readout_sigma"].values[:, -1] / math.log(10)
    assert decades == pytest.approx([0.0384, 0.448], rel=0.01)
    assert (row["sigma_drift_low"].values > 0).all()


LATE = (100.0, 1e3, 1e4)


@pytest.mark.slow
def test_a_crossing_before_the_first_read_out_is_an_upper_bound_and_in_no_activation_energy():
    readings = held(lines=LINES, times=LATE, temperatures=(300.0, 350.0, 400.0), speed=1e3)
    # Along the lines the limit is met a thousand times sooner at each temperature.
    early = retention(readings, reference_resistance=REFERENCE, times=[10.0], ber_limit=3e-3)
    found = early.dataset
    assert found["first_time"].values.tolist() == [100.0] * 3
    assert found["time_to_limit_bound"].values.tolist() == ["", "upper", "upper"]
    assert found["time_to_limit"].values[1:].tolist() == [100.0, 100.0]
    assert found["time_to_limit"].values[0] > 100.0
    assert any(
        "exceeded by the first read-out in the lines, 100" in str(note) for note in early.notes
    )
    before = found["ber_extrapolated"].sel(time=10.0).values
    assert before.tolist() == [1, 1, 1]
    assert activation_energies(["held"], found, ber_limit=3e-3) is None
    given = activation_energies(["held"], found, ber_limit=3e-3, activation_energy=1.0)
    assert given.dataset["temperature"].values.tolist() == [[300.0]]
    assert any("2 exceeded by the first read-out" in str(note) for note in given.notes)


@pytest.mark.slow
def test_a_bound_is_where_the_band_is_and_not_the_line():
    # The line does not reach the limit by the last read-out, the upper end of its band may.
    level = ((10.0, 0.0, 0.2, 0.0), (12.5, 0.0, 0.5, 0.0))
    readings = held(lines=level, cells=40)
    ber = retention(readings, reference_resistance=REFERENCE).dataset["ber"].values[0, 0]
    found = retention(readings, reference_resistance=REFERENCE, ber_limit=1.05 * ber)
    row = found.dataset.isel(hold=0)
    assert row["ber_high"].values.min() > 1.05 * ber
    assert math.isnan(row["time_to_limit"].item())
    assert row["time_to_limit_bound"].item() == ""
    assert any("the 95 % band includes it" in str(note) for note in found.notes)


@pytest.mark.slow
def test_undecided_readings_are_not_taken_as_right():
    readings = held(lines=LINES)
    # Half of the HRS readings are only known to be at least 30 kOhm, below the reference.
    is_limit = (readings["state_index"].values == 1) & (readings["cell"].values % 2 == 0)
    readings["censoring"] = ("reading", is_limit.astype(int))
    readings["resistance"] = ("reading", np.where(is_limit, 3e4, readings["resistance"].values))
    row = retention(readings, reference_resistance=REFERENCE, resamples=5).dataset
    hrs = row.isel(hold=0).sel(state="HRS")
    assert hrs["undecided"].values.tolist() == [300] * len(TIMES)
    assert hrs["readings"].values.tolist() == [600] * len(TIMES)


@pytest.mark.slow
def test_a_percentile_among_the_limits_is_not_a_resistance():
    readings = held(lines=LINES)
    is_limit = readings["resistance"].values > math.exp(13.0)
    readings["censoring"] = ("reading", is_limit.astype(int))
    readings["resistance"] = (
        "reading",
        np.where(is_limit, math.exp(13.0), readings["resistance"].values),
    )
    row = retention(readings, reference_resistance=REFERENCE, resamples=5).dataset.isel(hold=0)
    assert np.isnan(row["p95"].sel(state="HRS").values).all()
    assert np.isfinite(row["p05"].sel(state="HRS").values).all()


@pytest.mark.slow
def test_the_ber_counted_at_each_read_out_is_that_of_its_readings():
    readings = held(lines=LINES)
    found = retention(
        readings, reference_resistance=REFERENCE, read=ReadConditions(lrs_share=0.3)
    ).dataset
    at_last = readings["time"].values == TIMES[-1]
    wrong = (readings["resistance"].values > REFERENCE) == (readings["state_index"].values == 0)
    shares = [wrong[at_last & (readings["state_index"].values == index)].mean() for index in (0, 1)]
    ber, low, high = (found[f"counted_ber{end}"].values[0, -1] for end in ("", "_low", "_high"))
    assert low < ber < high
    assert ber == pytest.approx(0.3 * shares[0] + 0.7 * shares[1])
    assert found["counted_time"].values[0] == pytest.approx(TIMES)
