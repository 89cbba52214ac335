import hashlib
import itertools
import json
import math
import shlex
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot
from matplotlib.figure import Figure
from typer.testing import CliRunner

import rramsim
from rramsim.cli.app import app
from rramsim.errors import InputError
from rramsim.readers.conditions import read_conditions
from rramsim.readers.measurements import read_measurements
from rramsim.readers.shipped import resolve
from rramsim.study.fit import fit
from rramsim.study.reading import ReadingTable


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Write lognormal cells of two conditions, named by numbers as a tester may."""
    rng = np.random.default_rng(11)
    rows = ["condition,state,cell,Rcell"]
    for condition, gap in (("easy", 4.0), ("hard", 2.0)):
        for state, mu in ((31, 2.0), (0, 2.0 + gap)):
            values = np.exp(rng.normal(mu, 0.5, 200))
            rows += [f"{condition},{state},{i},{value:.6g}" for i, value in enumerate(values)]
    path = tmp_path_factory.mktemp("cells") / "cells.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


READING = ReadingTable(map=("Rcell=R [kOhm]",), states="0=HRS,31=LRS")
OPTIONS = ("--map", "Rcell=R [kOhm]", "--states", "0=HRS,31=LRS")


@pytest.mark.slow
def test_python_and_the_command_give_the_same_answer(cells):
    command = ("fit", str(cells), *OPTIONS, "--reference", "25 kOhm", "--read-pulse", "0.2 V,10 ns")
    shown = CliRunner().invoke(app, [*command, "--json"], catch_exceptions=False)
    result = fit(cells, reading=READING, reference=25e3, read_pulse=(0.2, 10e-9))
    assert result.to_json() == shown.stdout.rstrip("\n")
    assert json.loads(result.to_json())["read_energy"]["read_voltage_v"] == 0.2


@pytest.mark.slow
def test_readings_in_memory_and_stated_conditions_in_memory_are_taken(cells):
    measured = read_measurements([cells], map={"Rcell": "R [kOhm]"}, states="0=HRS,31=LRS")
    stated = read_conditions(resolve("table1"))
    by_value = fit(measured, conditions=stated, reference="25 kOhm")
    by_name = fit([cells], reading=READING, conditions="table1", reference="25 kOhm")
    assert by_value.to_json() == by_name.to_json()
    digest = hashlib.sha256(resolve("table1").read_bytes()).hexdigest()
    assert by_name.provenance.sources[-1] == ("table1.toml", digest)


@pytest.mark.slow
def test_readings_in_memory_are_known_by_what_they_hold(cells):
    table = pd.read_csv(cells)
    by_frame = fit(table, reading=READING, reference="25 kOhm")
    measured = read_measurements(table, map={"Rcell": "R [kOhm]"}, states="0=HRS,31=LRS")
    by_value = fit(measured, reference="25 kOhm")
    assert by_frame.ber.equals(by_value.ber)
    assert by_value.provenance.recipe == ("rramsim.fit(<readings in memory>, reference='25 kOhm')")
    (name, digest) = by_value.provenance.sources[-1]
    assert name == "readings in memory"
    assert by_frame.provenance.sources[-1] == (name, digest)
    otherwise = read_measurements(
        table, map={"Rcell": "R [kOhm]"}, states="0=HRS,31=LRS", over_range="300 kOhm"
    )
    assert fit(otherwise).provenance.sources[-1][1] != digest


@pytest.mark.slow
def test_the_command_recorded_makes_the_same_again(cells, tmp_path):
    # One condition: figures take longer than all the rest, and have a panel for each.
    one = tmp_path / "one.csv"
    lines = cells.read_text().splitlines(keepends=True)
    one.write_text("".join(line for line in lines if not line.startswith("hard")))
    result = fit(one, reading=READING, lrs_share=0.4, target_ber=1e-3)
    words = shlex.split(result.provenance.recipe.replace(" DIR", f" {tmp_path / 'again'}"))
    assert words[:2] == ["rramsim", "fit"]
    CliRunner().invoke(app, words[1:], catch_exceptions=False)
    # The time of making, which stays where the rest of the record is the same.
    (tmp_path / "here").mkdir()
    shutil.copy(tmp_path / "again" / "provenance.json", tmp_path / "here")
    result.report(tmp_path / "here")
    for name in ("report.html", "conditions.csv", "populations.csv", "provenance.json"):
        here, again = (tmp_path / folder / name for folder in ("here", "again"))
        assert here.read_bytes() == again.read_bytes(), name


@pytest.mark.slow
def test_a_result_shows_itself(cells):
    result = fit(cells, reading=READING)
    assert repr(result) == "FitResult(800 readings of conditions easy, hard)"
    page = result._repr_html_()
    assert page.count("<table") == page.count("<h3>") >= 2
    assert "<td>200</td>" in page
    assert "Populations" in result.table()
    assert max(map(len, result.table(width=100).splitlines())) > 0


@pytest.mark.slow
def test_the_datasets_are_those_of_the_json(cells):
    result = fit(cells, reading=READING)
    answer = {each["name"]: each for each in json.loads(result.to_json())["conditions"]}
    assert isinstance(result.ber, pd.DataFrame)
    for name, row in result.ber.iterrows():
        assert row["ber"] == answer[name]["ber"]["estimate"]
        assert (row["ber_low"], row["ber_high"]) == (
            answer[name]["ber"]["low"],
            answer[name]["ber"]["high"],
        )
        assert row["ber_extrapolated"] == answer[name]["ber"]["extrapolated"]
        assert row["ber_basis"] == answer[name]["ber"]["method"]
    assert result.readings.sizes["reading"] == 800
    assert result.populations["condition"].values.tolist() == ["easy", "hard"]
    assert result.endurance is None
    assert list(result.notes) == json.loads(result.to_json())["notes"]


@pytest.mark.slow
def test_the_netcdf_has_the_conditions_and_what_they_are_from(cells, tmp_path):
    result = fit(cells, reading=READING)
    result.to_netcdf(tmp_path / "c.nc")
    with xr.open_dataset(tmp_path / "c.nc") as read:
        assert read["ber"].values.tolist() == result.conditions["ber"].values.tolist()
        assert json.loads(read.attrs["options"])["states"] == "0=HRS,31=LRS"
        assert read.attrs["recipe"].startswith(f"rramsim fit {cells} --map 'Rcell=R [kOhm]'")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"read_pulse": "0.2 V"}, "accepted: a voltage and a time"),
        ({"bake": ("easy", "soft")}, "two conditions with a comma"),
        ({"reference": "25"}, "'25' is not a resistance"),
        ({"target_ber": 0.7}, "must be above 0 and below 0.5"),
        ({"conditions": "nowhere"}, "there is no such file"),
    ],
)
def test_what_cannot_be_used_is_refused(cells, wrong, message):
    with pytest.raises(InputError, match=message):
        fit(cells, reading=READING, **wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["populations", "reference"])
def test_a_figure_is_drawn_alone_or_on_axes_that_are_there(cells, name):
    result = fit(cells, reading=READING)
    figure = Figure()
    axes = result.plot(name, ax=figure)
    assert np.atleast_1d(axes).ravel().tolist() == figure.axes[: np.size(axes)]
    own = np.atleast_1d(result.plot(name)).ravel()[0]
    assert own.figure in map(pyplot.figure, pyplot.get_fignums())
    pyplot.close("all")


@pytest.mark.slow
def test_a_figure_that_the_readings_do_not_allow_is_refused_with_those_that_they_do(cells):
    with pytest.raises(InputError, match="plot 'retention': these readings can be drawn as 'popu"):
        fit(cells, reading=READING).plot("retention")


@pytest.mark.slow
def test_times_and_an_activation_energy_are_asked_in_python_as_on_the_command_line(tmp_path):
    lines = [
        f"{cell},{state},{ohm * (1 + cell / 50) * (1 + shift * step)},{hour},150"
        for step, hour in enumerate((1, 10, 100, 1000))
        for cell in range(8)
        for state, ohm, shift in (("LRS", 5.0, 0.01), ("HRS", 300.0, -0.05))
    ]
    file = tmp_path / "held.csv"
    file.write_text("\n".join(["cell,state,R (kOhm),time (h),temperature (degC)", *lines]))
    found = fit(
        file, activation_energy="1 eV", use_temperature="85 degC", at_time=["10 years", 3.6e6]
    )
    (hold,) = json.loads(found.to_json())["retention"]["holds"]
    assert hold["acceleration_factor"] == pytest.approx(145, rel=0.01)
    assert hold["last_time_at_use_s"] == pytest.approx(145 * 3.6e6, rel=0.01)
    assert [at["time_s"] for at in hold["at_times"]] == [3.6e6, 315576000.0]
    assert [at["extrapolated"] for at in hold["at_times"]] == [False, True]
    assert "--at-time '10 years' --at-time '3600000.0 s'" in found.provenance.recipe
    words = ["--activation-energy", "1 eV", "--use-temperature", "85 degC", "--json"]
    times = ["--at-time", "10 years", "--at-time", "1000 h"]
    done = CliRunner().invoke(app, ["fit", str(file), *words, *times], catch_exceptions=False)
    assert json.loads(done.stdout)["retention"]["holds"] == [hold]


@pytest.fixture(scope="module")
def aged():
    """Return a fit of cells read at four times after each of three numbers of cycles."""
    rng, rows = np.random.default_rng(1), []
    own = rng.standard_normal(60)
    for cycle, time in itertools.product((1, 100, 10_000), (1.0, 100.0, 1e4, 1e6)):
        shift = 0.1 * math.log10(cycle) + 0.08 * math.log10(time)
        for state, mu, sigma in (("LRS", 8.6 + shift, 0.4), ("HRS", 12.0 - shift, 0.6)):
            z = 0.8 * own + 0.6 * rng.standard_normal(own.size)
            rows += [
                ("55 uA", state, cell, cycle, time, 125.0, math.exp(mu + sigma * one))
                for cell, one in enumerate(z)
            ]
    names = ("condition", "state", "cell", "cycle", "time (s)", "temperature (degC)", "R (Ohm)")
    return fit(
        pd.DataFrame(rows, columns=list(names)),
        use_temperature="85 degC",
        activation_energy="0.8 eV",
    )


@pytest.mark.slow
def test_cycles_and_times_have_a_section_of_both(aged):
    text = aged.table(width=100)
    assert "BER after cycles and time" in text
    assert "Change a decade of cycles and of time" in text
    assert "Time at 358\N{NO-BREAK SPACE}K, 13.52 times that of the read-outs" in text
    (condition,) = json.loads(aged.to_json())["aging"]["conditions"]
    assert condition["last_cycle"] == 10_000
    mu = condition["hrs"]["mu_per_decade_of_cycles"]
    assert mu["low"] < -0.1 < mu["high"]
    rates = condition["error_rates"]
    assert [one["cycles"] for one in rates[::10]] == [1, 10, 100, 1000, 10_000]
    # Beyond a decade after 1e6 s, 13.5 times as long at use.
    assert [one["time_s"] for one in rates if one["extrapolated"]] == [315576000.0] * 5
    ber = aged.aging["ber"].isel(condition=0)
    assert rates[-1]["ber"]["estimate"] == pytest.approx(ber.sel(cycle=10_000)[-1].item())
    for dim in ("cycle", "time"):
        growth = ber.diff(dim)
        assert (growth.isnull() | (growth >= 0)).all()


@pytest.mark.slow
def test_aging_is_drawn_a_line_a_number_of_cycles_and_dashed_where_extrapolated(aged, tmp_path):
    figure = Figure()
    (axes,) = aged.plot("aging", ax=figure)
    drawn = [line for line in axes.lines if line.get_gid() == "ber" and line.get_xdata().size]
    dashed = [line for line in axes.lines if line.get_gid() == "ber-extrapolated"]
    cycles = int((aged.aging["ber"].notnull().sum("time") > 1).sum())
    assert len(drawn) == cycles
    assert max(drawn[-1].get_xdata()) == 1e8
    assert dashed[-1].get_xdata().tolist() == [1e8, 315576000.0]
    table = pd.read_csv(aged.report(tmp_path).parent / "aging.csv")
    assert len(table) == aged.aging["ber"].size
    assert table["temperature_k"].unique().tolist() == [358.15]
    assert (tmp_path / "figures" / "aging.svg").exists()


@pytest.mark.slow
def test_a_condition_without_cycles_beside_one_with_cycles_is_fitted():
    rows = [("A", cell, cycle, 5 + cell / 9, 200 + cell) for cell in range(4) for cycle in (1, 2)]
    rows += [("B", cell, None, 7 + cell / 9, 150 + cell) for cell in range(4)]
    names = ["condition", "cell", "cycle", "LRS (kOhm)", "HRS (kOhm)"]
    result = rramsim.fit(rramsim.read_measurements(pd.DataFrame(rows, columns=names)))
    medians = result.populations["median"].sel(condition=["A", "B"], state="LRS")
    assert medians.values == pytest.approx([5166, 7166], rel=1e-3)
