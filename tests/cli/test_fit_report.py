"""`rramsim fit` beyond its table: questions, JSON of every kind of set, and the report."""

import csv
import json
import re

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from rramsim.cli.app import app
from rramsim.errors import InputError
from rramsim.schema import validate

HOSTILE = "<b onclick=x()>{{ 7 * 7 }}"
PERCENTS = ("0.1", "1", "10", "50", "90", "99", "99.9")
TOP_LEVEL = {
    *("check_first", "conditions", "cycling", "retention", "aging", "variance", "bake"),
    *(
        "read_energy",
        "success_runs",
        "verification",
        "origin",
        "sources",
        "readings",
        "interval",
        "lrs_share",
        "notes",
        "version",
    ),
}


def run(*arguments):
    """Run the command in this process; a user's mistake is raised."""
    return CliRunner().invoke(app, ["fit", *map(str, arguments)], catch_exceptions=False)


def answer(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0
    return json.loads(done.stdout)


def cells_of(path, *, header, columns, name="a", extra=()):
    """Write lognormal cells, 40 a state, once for each of `columns`."""
    rng = np.random.default_rng(6)
    rows = [f"condition,state,cell,{header},R (kOhm)"]
    for column in columns:
        for state, mu in (("LRS", 2.0), ("HRS", 5.0)):
            values = np.exp(rng.normal(mu, 0.4, 40))
            rows += [f"{name},{state},{i},{column},{value:.6g}" for i, value in enumerate(values)]
    path.write_text("\n".join([*rows, *extra]) + "\n")
    return path


@pytest.fixture(scope="module")
def cycled(tmp_path_factory):
    path = tmp_path_factory.mktemp("cycled") / "cells.csv"
    return cells_of(path, header="cycle", columns=(1, 10, 100), name=HOSTILE)


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    path = tmp_path_factory.mktemp("held") / "cells.csv"
    return cells_of(path, header="time (s)", columns=(1, 100, 10000))


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    path = tmp_path_factory.mktemp("placed") / "cells.csv"
    rng = np.random.default_rng(7)
    rows = ["condition,state,row,column,R (kOhm)"]
    for state, mu in (("LRS", 2.0), ("HRS", 5.0)):
        rows += [
            f"a,{state},{i},{j},{np.exp(rng.normal(mu, 0.4)):.6g}"
            for i in range(10)
            for j in range(12)
        ]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def reported(cycled, tmp_path_factory):
    """Write the report of cycled cells with everything asked for; folder and JSON."""
    folder = tmp_path_factory.mktemp("report") / "made"
    conditions = folder.parent / "c.csv"
    conditions.write_text(f'name,R ref (kOhm),E SET (pJ)\n"{HOSTILE}",40,11\n')
    options = ("--conditions", conditions, "--target-ber", "1e-4", "--ber-limit", "0.01")
    found = answer(cycled, *options, "--read-pulse", "0.2 V, 10 ns", "--report", folder)
    return folder, found


@pytest.mark.slow
def test_every_answer_has_the_same_keys_at_the_top(cycled, held, placed):
    for path in (cycled, held, placed):
        assert set(answer(path)) == TOP_LEVEL


@pytest.mark.slow
def test_cycled_cells_have_cycling_and_endurance_and_no_retention(reported):
    _, found = reported
    (condition,) = found["conditions"]
    assert found["retention"] is None
    (cycled,) = found["cycling"]["conditions"]
    assert [each["cycle"] for each in cycled["checkpoints"]] == [1, 10, 100]
    assert all(each["lrs"]["readings"] == 40 for each in cycled["checkpoints"])
    # A bound is never a value.
    assert cycled["cycles_to_ber_limit"] is None
    assert cycled["cycles_to_ber_limit_more_than"] == 100
    assert condition["endurance"]["cells"] == 40
    assert condition["endurance"]["cycles"] is None
    assert condition["endurance"]["cycles_more_than"] == 100
    assert condition["endurance_more_than"] == 100
    assert condition["endurance_source"] == "measured"
    assert condition["endurance"]["weibull"] is None
    parts = found["variance"]["conditions"][0]["lrs"]["parts"]
    assert set(parts) == {"cell", "cycle"}
    assert sum(part["share"] for part in parts.values()) == pytest.approx(1)


@pytest.mark.slow
def test_the_reference_and_the_questions_are_answered(reported):
    _, found = reported
    (condition,) = found["conditions"]
    assert condition["reference_ohm"] == pytest.approx(40e3)
    assert condition["set_energy_j"] == pytest.approx(11e-12)
    assert condition["target"]["ber"] == 1e-4
    assert condition["target"]["cells_per_state_by_count"] == 14978
    energy = found["read_energy"]["conditions"][0]
    assert energy["energy_j"] == pytest.approx((energy["lrs_j"] + energy["hrs_j"]) / 2)
    # Of two cells a bit, so far apart that only a bound leads.
    assert condition["ber_2t2r"]["bound"] == "upper"
    assert condition["ber_2t2r"]["high"] < condition["ber"]["estimate"]
    for state in ("lrs", "hrs"):
        assert condition["goodness"][state]["verdict"] in {"holds", "does not hold", "tail"}
        assert condition["outliers"][state]["stuck_cells"] == 0


@pytest.mark.slow
def test_a_time_at_the_temperature_of_use_is_carried_by_arrhenius(tmp_path):
    rng = np.random.default_rng(7)
    rows = ["condition,state,cell,time (s),temperature (degC),R (ohm)"]
    for celsius in (125, 160, 200):
        own = rng.standard_normal((2, 40))
        for time in (1, 10, 100, 1000, 10000):
            fall = (celsius - 95) / 100 * np.log10(time)
            for state, mu, drop in (("LRS", 9.0, 0.0), ("HRS", 13.0, fall)):
                ohm = np.exp(mu - drop + 0.6 * own[int(state == "HRS")])
                rows += [
                    f"a,{state},{1000 * celsius + cell},{time},{celsius},{value:.6g}"
                    for cell, value in enumerate(ohm)
                ]
    path = tmp_path / "baked.csv"
    path.write_text("\n".join(rows) + "\n")
    found = answer(path, "--ber-limit", "0.05", "--use-temperature", "85 degC")
    (law,) = found["retention"]["activation_energies"]
    kelvin = np.array([hold["temperature_k"] for hold in found["retention"]["holds"]])
    seconds = np.array([hold["seconds_to_ber_limit"] for hold in found["retention"]["holds"]])
    assert law["activation_energy_ev"] > 0
    slope, start = np.polyfit(1 / kelvin, np.log(seconds), 1)
    use = law["at_use"]
    assert use["temperature_k"] == pytest.approx(358.15)
    assert use["seconds_to_ber_limit"] == pytest.approx(np.exp(start + slope / 358.15), rel=1e-6)
    assert use["extrapolated"]
    assert any("by Arrhenius' law" in note for note in found["notes"])


@pytest.mark.slow
def test_held_cells_have_retention_and_placed_ones_rows_and_columns(held, placed):
    found = answer(held, "--ber-limit", "0.2")
    assert found["cycling"] is None
    assert found["conditions"][0]["endurance"] is None
    (hold,) = found["retention"]["holds"]
    assert hold["temperature_k"] is None
    assert [each["time_s"] for each in hold["ber"]] == [1, 100, 10000]
    assert hold["lrs"]["mu_per_decade"]["low"] < hold["lrs"]["mu_per_decade"]["high"]
    assert found["retention"]["activation_energies"] == []
    parts = answer(placed)["variance"]["conditions"][0]["hrs"]["parts"]
    assert {"row", "column", "cell"} <= set(parts)


@pytest.mark.slow
def test_a_bake_compares_two_conditions(tmp_path):
    fresh, baked = tmp_path / "fresh.csv", tmp_path / "baked.csv"
    rng = np.random.default_rng(3)
    ohm = {state: np.exp(rng.normal(mu, 0.3, 60)) for state, mu in (("LRS", 2), ("HRS", 5))}
    for path, factor in ((fresh, 1.0), (baked, 1.2)):
        rows = [
            f"{state},{i},{factor * value!r}"
            for state in ohm
            for i, value in enumerate(map(float, ohm[state]))
        ]
        path.write_text("\n".join(["state,cell,R (kOhm)", *rows]))
    found = answer(fresh, baked, "--bake", "fresh, baked")["bake"]
    assert (found["before"], found["after"]) == ("fresh", "baked")
    assert found["lrs"]["mu_shift"]["estimate"] == pytest.approx(np.log(1.2))
    assert found["hrs"]["cells"] == 60
    with pytest.raises(InputError, match=r"two conditions with a comma .*, of fresh, baked\.$"):
        run(fresh, baked, "--bake", "fresh, other")


@pytest.mark.slow
def test_the_report_has_its_files(reported):
    folder, _ = reported
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    figures = ("populations", "reference", "cycles", "cycling-ber", "variability")
    assert names == {
        *("report.html", "conditions.csv", "populations.csv", "percentiles.csv", "outliers.csv"),
        *("conditions.nc", "populations.nc", "provenance.json"),
        *(f"figures/{name}.{suffix}" for name in figures for suffix in ("svg", "png")),
    }
    for name in ("conditions", "populations"):
        with xr.open_dataset(folder / f"{name}.nc") as dataset:
            validate(dataset, name)
            assert json.loads(dataset.attrs["options"])["target_ber"] == 1e-4


@pytest.mark.slow
def test_figures_are_drawn_where_the_data_allow(held, placed, tmp_path):
    for path, some in ((held, "retention"), (placed, "array")):
        folder = tmp_path / some
        assert run(path, "--report", folder).exit_code == 0
        drawn = {figure.stem for figure in (folder / "figures").iterdir()}
        assert {"populations", "reference", "variability", some} == drawn
        assert (folder / "report.html").read_text().count("<svg") == len(drawn)


@pytest.mark.slow
def test_the_tables_hold_the_numbers_of_the_json(reported):
    folder, found = reported
    (condition,) = found["conditions"]
    (row,) = csv.DictReader((folder / "conditions.csv").read_text().splitlines())
    assert row["condition"] == HOSTILE
    assert float(row["ber"]) == condition["ber"]["estimate"]
    assert float(row["ber_high"]) == condition["ber"]["high"]
    assert float(row["ber_2t2r_high"]) == condition["ber_2t2r"]["high"]
    assert float(row["fitted_ber"]) == condition["fitted_ber"]["estimate"]
    assert (row["endurance_cycles"], row["endurance_more_than"]) == ("", "100.0")
    assert row["reset_energy_j"] == ""
    rows = list(csv.DictReader((folder / "populations.csv").read_text().splitlines()))
    for row in rows:
        state = condition[row["state"].lower()]
        assert float(row["p50_fit_ohm"]) == pytest.approx(state["median_fit_ohm"])
        assert float(row["median_ohm"]) == pytest.approx(state["median_ohm"])
        values = [float(row[f"p{percent}_fit_ohm"]) for percent in PERCENTS]
        assert values == sorted(values)
        assert row["p0.1_fit_extrapolated"] == "true"
        assert (
            float(row["p50_fit_low_ohm"])
            < float(row["p50_fit_ohm"])
            < float(row["p50_fit_high_ohm"])
        )


@pytest.mark.slow
def test_the_page_says_what_was_found_and_escapes_names(reported):
    folder, _ = reported
    page = (folder / "report.html").read_text()
    text = page.replace("\N{NO-BREAK SPACE}", " ")
    assert "<b onclick" not in page
    assert "&lt;b onclick=x()&gt;{{ 7 * 7 }}" in page
    for heading in ("What was found", "How many cells more", "Endurance", "Cycles", "Notes"):
        assert f">{heading}</h2>" in page
    assert ">Retention</h2>" not in page
    assert "Retention: it takes readings at two times or more" in page
    assert ", read at 40 kΩ; errors counted: " in text
    assert "SET 11 pJ, stated; endurance more than 100 cycles, measured." in text
    # Percentiles of a fit come after what the cells read.
    assert text.index("Bit errors and the reference") < text.index(">Percentiles</h2>")
    assert "--read-pulse &#39;0.2 V, 10 ns&#39;" in page
    assert not re.search(r"https?:|\son[a-z]+=\"", page.replace("onclick=x()", ""))


@pytest.mark.slow
def test_the_table_is_short_where_there_is_little(placed):
    shown = run(placed).stdout
    assert "Endurance by the readings" not in shown
    assert "Retention" not in shown
    assert "Sources of the variance of ln R" in shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--reference", "25"), "'25' is not a resistance"),
        (("--reference-spread", "-1"), "The reference spread is -1; it must be 0 or more"),
        (("--offset", "-0.1"), "The offset spread is -0.1; it must be 0 or more"),
        (("--lrs-share", "1"), "The share of LRS cells is 1; it must be between 0 and 1."),
        (("--target-ber", "0.6"), "The target BER is 0.6; it must be above 0 and below 0.5."),
        (("--ber-limit", "0"), "The BER limit is 0; it must be above 0 and below 0.5."),
        (("--use-temperature", "85 degC"), "give a BER limit"),
        (("--use-temperature", "85"), "'85' is not a temperature"),
        (("--bake", "a"), "--bake 'a': accepted are the names of two conditions with a comma"),
        (("--read-pulse", "0.2 V"), "accepted: a voltage and a time with their units"),
        (("--read-pulse", "0.2 V, 0 ns"), "The read time is 0 s; it must be above 0."),
        (("--read-pulse", "0.2 V, 10 nm"), "'nm' is not a unit of time"),
    ],
)
def test_mistakes_in_the_options_are_told(placed, arguments, message):
    with pytest.raises(InputError) as error:
        run(placed, *arguments)
    assert message in str(error.value)


def test_a_report_replaces_no_file_of_the_user(tmp_path):
    cells = cells_of(tmp_path / "cells.csv", header="cycle", columns=(1,))
    out = tmp_path / "out"
    out.mkdir()
    (out / "conditions.csv").write_text("mine\n")
    with pytest.raises(InputError, match=r"holds conditions\.csv and no record of rramsim"):
        run(cells, "--report", out)
    assert [file.read_text() for file in out.iterdir()] == ["mine\n"]
    (out / "conditions.csv").unlink()
    for _ in range(2):
        assert run(cells, "--report", out).exit_code == 0
    measured = cells.replace(out / "percentiles.csv").read_bytes()
    with pytest.raises(InputError, match=r"holds percentiles\.csv, which this run reads"):
        run(out / "percentiles.csv", "--report", out)
    assert (out / "percentiles.csv").read_bytes() == measured
