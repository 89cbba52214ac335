"""Limits of the meter: what the user gives holds; a guess never lies in the other state."""

import math

import numpy as np
import pytest
from scipy.stats import norm

import rramsim
from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements
from rramsim.schema import ABOVE, BELOW, EXACT

rng = np.random.default_rng(11)
LRS = np.round(np.exp(rng.normal(np.log(5e3), 0.08, 20)), 1).tolist()
HRS = np.round(np.exp(rng.normal(np.log(3e5), 0.5, 20)), 1).tolist()
MARKS = ["OVLD", "OL", "inf", "-inf", "9.9E37", "-9.9E37", "9.91E37", "9.99999E+35", "3e16"]


def table(lrs, hrs, unit="ohm"):
    rows = [*(f"A,LRS,{value}\n" for value in lrs), *(f"A,HRS,{value}\n" for value in hrs)]
    return f"condition,state,R ({unit})\n" + "".join(rows)


def hrs_of(measured):
    return measured.readings.isel(reading=measured.readings["state_index"].values == 1)


@pytest.mark.parametrize("mark", [*MARKS, ">1e12"])
def test_the_limit_given_holds_for_every_mark(read, mark):
    hrs = hrs_of(read(table(LRS, [mark] * 20), over_range=1e8))
    assert hrs["resistance"].values.tolist() == [1e8] * 20
    assert hrs["censoring"].values.tolist() == [ABOVE] * 20


def test_a_state_that_is_all_over_the_range_has_no_errors(read):
    """Twenty cells above 100 MOhm and twenty at 5 kOhm: nothing is misread."""
    fit = rramsim.fit(read(table(LRS, ["OVLD"] * 20), over_range=1e8))
    row = fit.conditions.sel(condition="A")
    assert max(LRS) < float(row["reference_resistance"]) < 1e8
    counted = fit.examination.products["counted"].sel(condition="A")
    assert counted["errors"].values.tolist() == [0, 0]
    assert counted["undecided"].values.tolist() == [0, 0]
    assert str(row["ber_bound"].values) == "upper"
    # No error of n readings: at most 1 - 0.05^(1/n), with n = 40 pooled and n = 20 of one state.
    assert 1 - 0.05 ** (1 / 40) <= float(row["ber_high"]) <= 1 - 0.05 ** (1 / 20) + 1e-12


@pytest.mark.parametrize("mark", MARKS)
def test_a_limit_is_never_taken_from_the_other_state(read, mark):
    with pytest.raises(InputError) as error:
        read(table(LRS, [mark] * 20))
    message = str(error.value)
    assert "row 22, column 'R (ohm)': the reading is out of the meter's range" in message
    assert "no HRS reading in range lies above the bulk of the LRS" in message
    assert "--over-range" in message
    # Neither where a few cells stayed in the LRS.
    with pytest.raises(InputError, match="--over-range"):
        read(table(LRS, [LRS[0], LRS[1], *[mark] * 18]))


def test_a_state_in_compliance_needs_a_floor_or_its_own_readings(read):
    with pytest.raises(InputError, match="no LRS reading in range lies below the bulk of the HRS"):
        read(table(["compliance"] * 20, HRS))
    measured = read(table(["compliance"] * 20, HRS), floor=1e3)
    lrs = measured.readings.isel(reading=measured.readings["state_index"].values == 0)
    assert lrs["resistance"].values.tolist() == [1e3] * 20
    assert lrs["censoring"].values.tolist() == [BELOW] * 20
    told = read(table(["compliance", *LRS], HRS)).readings
    assert (told["resistance"].values[0], told["censoring"].values[0]) == (min(LRS), BELOW)


def test_each_condition_tells_its_own_limit_else_another_of_the_file_does(read):
    content = "condition,state,R (kOhm)\n" + "".join(
        f"{name},LRS,{5 + 0.1 * i}\n{name},HRS,{hrs * (1 + 0.1 * i)}\n"
        for name, hrs in (("a", 300), ("b", 900))
        for i in range(9)
    )
    content += "c,LRS,5\nc,LRS,5.2\na,HRS,OVLD\nb,HRS,OVLD\nc,HRS,OVLD\n"
    values = read(content).readings["resistance"].values[-3:]
    assert values == pytest.approx([300e3 * 1.8, 900e3 * 1.8, 900e3 * 1.8])


def test_a_limit_guessed_in_one_file_is_checked_in_another(tmp_path):
    (tmp_path / "lrs.csv").write_text(table(LRS, []))
    (tmp_path / "hrs.csv").write_text(table([], [LRS[0], *["OL"] * 9]))
    with pytest.raises(InputError, match=r"hrs.csv, row 3, .* out of the meter's range"):
        read_measurements([tmp_path / "lrs.csv", tmp_path / "hrs.csv"])
    (tmp_path / "hrs.csv").write_text(table([], [*HRS, "OL"]))
    readings = read_measurements([tmp_path / "lrs.csv", tmp_path / "hrs.csv"]).readings
    assert float(readings["resistance"][-1]) == max(HRS)


def test_the_limit_beside_a_file_is_for_that_file_only_and_the_users_for_all(tmp_path):
    (tmp_path / "lrs.csv").write_text(table([*LRS, "OL"], []))
    (tmp_path / "hrs.csv").write_text(table([], ["OL"] * 20))
    (tmp_path / "set.toml").write_text('file = "hrs.csv"\nover_range = "200 MOhm"\n')
    files = [tmp_path / "lrs.csv", tmp_path / "hrs.csv"]
    with pytest.raises(InputError, match=r"lrs.csv, row 22"):
        read_measurements(files)
    (tmp_path / "lrs.csv").write_text(table([*LRS, ">1e7"], []))
    readings = read_measurements(files).readings
    assert readings["resistance"].values[20:].tolist() == [1e7] + [2e8] * 20
    given = read_measurements(files, over_range="50 MOhm").readings
    assert given["resistance"].values[20:].tolist() == [1e7] + [5e7] * 20


def test_readings_beyond_the_limit_given_are_counted(read):
    measured = read(table(LRS, [*HRS, 2e8, 3e8, 1e8]), over_range=1e8)
    assert hrs_of(measured)["censoring"].values[-3:].tolist() == [ABOVE] * 3
    (note,) = measured.notes
    assert (note.kind, note.values["readings"]) == ("beyond the limit given", 3)


@pytest.mark.parametrize(
    ("content", "censoring"),
    [
        ("state,I (nA)\nLRS,40000\nHRS,600\nHRS,0\n", ABOVE),
        ("state,I (nA)\nLRS,40000\nHRS,600\nHRS,-0.0\n", ABOVE),
        ("state,G (nS)\nLRS,200000\nHRS,3000\nHRS,0\n", ABOVE),
        ("state,I (nA)\nLRS,40000\nHRS,600\nHRS,-0.3\n", ABOVE),
        ("state,I (nA),status\nLRS,40000,N\nHRS,600,N\nHRS,600,C\n", BELOW),
    ],
)
def test_zero_and_noise_of_a_current_take_the_limit_given(read, content, censoring):
    readings = read(content, over_range=1e8, floor=1e3, read_voltage=0.2).readings
    expected = 1e8 if censoring == ABOVE else 0.2 / 600e-9
    assert float(readings["resistance"][2]) == pytest.approx(expected)
    assert int(readings["censoring"][2]) == censoring


def test_the_number_beside_a_flag_is_no_limit_where_one_is_given(read):
    content = "state,R (kOhm),over range\nLRS,5,0\nHRS,300,0\nHRS,7,1\nHRS,0,1\nHRS,-3,1\n"
    readings = read(content, over_range=1e8).readings
    assert readings["resistance"].values[2:].tolist() == [1e8] * 3
    assert readings["censoring"].values.tolist() == [EXACT, EXACT, ABOVE, ABOVE, ABOVE]


def test_a_zero_without_a_limit_asks_for_the_right_one(read):
    with pytest.raises(InputError, match='--floor "100 Ohm"'):
        read("state,R (kOhm)\nLRS,0\nHRS,300\n")
    with pytest.raises(InputError, match='--over-range "100 MOhm"'):
        read("state,I (uA)\nLRS,40\nHRS,0\n", read_voltage=0.2)


def test_a_pile_up_within_the_limit_given_is_read_as_it_is(read):
    """Who says that the meter reads up to 1 GOhm says that 1 MOhm is a reading."""
    hrs = np.minimum(np.exp(rng.normal(13, 1, 300)), 1e6).tolist()
    assert hrs.count(1e6) >= 5
    free = hrs_of(read(table(LRS, hrs)))
    assert int((free["censoring"].values == ABOVE).sum()) == hrs.count(1e6)
    measured = read(table(LRS, hrs), over_range=1e9)
    assert (hrs_of(measured)["censoring"].values == EXACT).all()
    assert [note.kind for note in measured.notes] == ["pile-up within the limit"]
    at_it = hrs_of(read(table(LRS, hrs), over_range=1e6))
    assert int((at_it["censoring"].values == ABOVE).sum()) == hrs.count(1e6)


def test_stored_readings_take_the_limit_given_too(read, tmp_path):
    path = tmp_path / "readings.nc"
    read(table(LRS, [*HRS, 4e8])).readings.to_netcdf(path)
    readings = read_measurements(path, over_range="100 MOhm").readings
    assert float(readings["resistance"].max()) == 1e8
    assert int((readings["censoring"].values == ABOVE).sum()) == 1


@pytest.mark.parametrize("mark", ["9.9E37", "9.91E37", "9.99999E+35", "OVLD", "3.4028235e38"])
def test_what_is_out_of_range_is_not_missing_at_random(read, mark):
    """Forty HRS cells of median 95 MOhm, read up to 200 MOhm: dropping the rest takes 40 % off."""
    quantiles = (np.arange(40) + 0.5) / 40
    hrs = np.exp(np.log(95e6) + 1.0 * norm.ppf(quantiles))
    marked = [f"{value:.0f}" if value < 2e8 else mark for value in hrs]
    assert marked.count(mark) == 9
    fit = rramsim.fit(read(table(LRS, marked)))
    median = math.exp(float(fit.populations["mu"].sel(condition="A", state="HRS")))
    assert median == pytest.approx(95e6, rel=0.05)
