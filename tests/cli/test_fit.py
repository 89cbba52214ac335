import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from aged_cells import aged_cells
from typer.testing import CliRunner

from rramsim.cli.app import app
from rramsim.errors import InputError
from rramsim.readers.shipped import resolve
from rramsim.schema import validate
from rramsim.version import __version__

# The contract of the JSON answer: other programs read these keys.
CONDITION_KEYS = {
    *("name", "lrs", "hrs", "reference_ohm", "ber", "set_energy_j", "reset_energy_j"),
    *("energy_source", "endurance_cycles"),
}
POPULATION_KEYS = {"n", "n_censored", "median_ohm", "sigma_ln"}
BER_KEYS = {"estimate", "low", "high", "confidence", "method", "extrapolated"}


def run(*arguments):
    """Run the command in this process; a user's mistake is raised."""
    return CliRunner().invoke(app, ["fit", *map(str, arguments)], catch_exceptions=False)


def answer(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0
    return json.loads(done.stdout)


def installed(*arguments):
    """Run the command as a user does."""
    # Beside this Python, not on the PATH: an environment need not be activated to be tested.
    command = [str(Path(sys.executable).with_name("rramsim")), "fit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def cells(tmp_path):
    """Write lognormal cells of two conditions that a user might have."""
    rng = np.random.default_rng(11)
    rows = ["condition,state,cell,R (kOhm)"]
    for condition, gap in (("easy", 4.0), ("hard", 2.0)):
        for state, mu in (("LRS", 2.0), ("HRS", 2.0 + gap)):
            values = np.exp(rng.normal(mu, 0.5, 200))
            rows += [f"{condition},{state},{i},{value:.6g}" for i, value in enumerate(values)]
    path = tmp_path / "cells.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.slow
def test_the_json_answer_keeps_the_contract_and_the_table_s_figures():
    found = answer("hirtzlin2019-reconstructed", "--conditions", "table1")
    assert found["origin"] == "reconstructed"
    assert found["version"] == __version__
    conditions = {each["name"]: each for each in found["conditions"]}
    assert list(conditions) == ["very strong", "strong", "weak"]
    for each in conditions.values():
        assert set(each) >= CONDITION_KEYS
        assert set(each["ber"]) >= BER_KEYS
        for state in ("lrs", "hrs"):
            assert set(each[state]) >= POPULATION_KEYS
            assert (each[state]["n"], each[state]["n_censored"]) == (1024, 0)
        assert each["energy_source"] == "stated"
        assert each["ber"]["method"] == "fitted"
        fitted = each["fitted_ber"]
        assert fitted["low"] < fitted["estimate"] < fitted["high"]
        assert fitted["leads"] == (each["name"] != "very strong")
        if fitted["leads"]:
            assert {end: fitted[end] for end in ("estimate", "low", "high")}.items() <= each[
                "ber"
            ].items()
            assert each["ber"]["confidence"] == 0.95
        assert each["lrs"]["median_ohm"] < each["reference_ohm"] < each["hrs"]["median_ohm"]
    assert conditions["strong"]["ber"]["estimate"] == pytest.approx(9.7e-5, rel=1e-3)
    assert conditions["weak"]["ber"]["estimate"] == pytest.approx(3.3e-2, rel=1e-3)
    assert [each["ber"]["extrapolated"] for each in conditions.values()] == [True, True, False]
    assert conditions["weak"]["set_energy_j"] == pytest.approx(4e-12)
    assert conditions["weak"]["reset_energy_j"] == pytest.approx(5e-12)
    # A bound is not a value.
    very_strong = conditions["very strong"]
    assert (very_strong["ber"]["bound"], very_strong["ber"]["estimate"]) == ("upper", None)
    assert very_strong["ber"]["high"] == very_strong["fitted_ber"]["high"] < 1e-6
    counted = very_strong["ber"]["counted"]
    assert counted["less_than"] == pytest.approx(-math.log(0.05) / 2048)
    assert conditions["weak"]["ber"]["counted"]["less_than"] is None
    assert very_strong["ber_2t2r"]["pair_correlation"] == 0.0
    assert very_strong["endurance_cycles"] == 100
    assert conditions["weak"]["endurance_cycles"] is None
    assert conditions["weak"]["endurance_more_than"] == 1e6


@pytest.mark.slow
def test_a_stated_bound_on_the_ber_has_no_estimate(cells):
    found = answer(cells, "--conditions", "table1")
    strong = next(each for each in found["conditions"] if each["name"] == "very strong")
    assert strong["lrs"] == {
        "n": 0,
        "n_censored": 0,
        "median_ohm": None,
        "median_fit_ohm": None,
        "sigma_ln": None,
        "cells": 0,
    }
    assert strong["reference_ohm"] is None
    assert strong["ber"] == {
        "estimate": None,
        "low": None,
        "high": 1e-6,
        "confidence": None,
        "method": "stated",
        "extrapolated": False,
        "bound": "upper",
        "lrs": None,
        "hrs": None,
        "counted": None,
    }


@pytest.mark.slow
def test_what_nobody_stated_is_null(cells):
    for each in answer(cells)["conditions"]:
        for key in ("set_energy_j", "reset_energy_j", "energy_source", "endurance_cycles"):
            assert each[key] is None, key
        assert each["ber"]["counted"]["readings"] == 400


@pytest.mark.slow
def test_the_measured_set_needs_no_option_and_counts_its_tail():
    (found,) = answer("ni-rram-64kb-cycling")["conditions"]
    assert found["lrs"]["n"] == 2048
    assert found["lrs"]["cells"] == 1024
    assert found["lrs"]["median_ohm"] == pytest.approx(7.5e3, rel=0.02)
    assert found["hrs"]["sigma_ln"] == pytest.approx(1.4, rel=0.05)
    # The lognormal does not hold in the tail; the counted errors are told, not the fit.
    assert found["ber"]["method"] == "counted"
    assert found["ber"]["estimate"] == pytest.approx(0.0256, abs=0.002)
    assert found["set_energy_j"] is None


@pytest.mark.slow
def test_columns_and_read_voltage_are_options(tmp_path):
    rng = np.random.default_rng(5)
    rows = [
        f"{i}\t{0.2 / lrs * 1e6!r}\t{0.2 / hrs * 1e6!r}"
        for i, (lrs, hrs) in enumerate(np.exp(rng.normal([8.5, 12.0], 0.3, (100, 2))).tolist())
    ]
    path = tmp_path / "55 uA.tsv"
    path.write_text("\n".join(rows))
    options = ("--columns", "cell,I_LRS [uA],I_HRS [uA]", "--read-voltage", "0.2 V")
    (found,) = answer(path, *options)["conditions"]
    assert found["name"] == "55 uA"
    assert found["lrs"]["median_ohm"] == pytest.approx(np.exp(8.5), rel=0.1)
    assert found["hrs"]["median_ohm"] == pytest.approx(np.exp(12.0), rel=0.1)


@pytest.mark.slow
def test_a_condition_without_a_state_is_told_and_the_others_are_fitted(cells):
    with cells.open("a", encoding="utf-8") as file:
        file.write(f"lone,{cells.read_text(encoding='utf-8').splitlines()[1].split(',', 1)[1]}\n")
    said = answer(cells)
    assert "lone" not in json.dumps(said["conditions"])
    assert any(note.startswith("lone") and "left out" in note for note in said["notes"])


@pytest.mark.slow
def test_the_table_says_what_a_number_is():
    shown = run("hirtzlin2019-reconstructed", "--conditions", "table1").stdout
    shown = shown.replace("\xa0", " ")
    assert "These populations are reconstructed, not measured." in shown
    for text in ("9.7×10⁻⁵", "fitted, extrapolated", "0 of 2,048", "11 pJ, stated"):
        assert text in shown
    assert "more than 10⁶" in shown
    # What was found stands last: it is what a terminal still shows.
    found = shown[shown.index("What was found") :]
    assert "- weak: Bit-error rate 0.033" in found
    # The tables above it have the medians and the energies; without tables it has them itself.
    assert "Medians" not in found
    assert "memory window ×6.7; lognormal: holds in both states." in found
    quiet = run("hirtzlin2019-reconstructed", "--conditions", "table1", "--quiet").stdout
    quiet = quiet.replace("\xa0", " ")
    assert quiet.startswith("What was found")
    assert "Medians of the readings: LRS 21.7 kΩ, HRS " in quiet
    assert "SET 4 pJ and RESET 5 pJ, stated; endurance more than 10⁶ cycles" in quiet


@pytest.mark.slow
def test_how_the_intervals_were_made_is_said_when_asked_for():
    method = "percentiles of the populations that the readings leave open"
    assert method not in run("ni-rram-64kb-cycling").stdout
    assert method in run("ni-rram-64kb-cycling", "--verbose").stdout


@pytest.mark.slow
def test_many_notes_of_conditions_are_counted_and_verbose_shows_them():
    shipped, note = "hirtzlin2019-reconstructed", "Counted errors are least, 59 of 2,048"
    shown, verbose = run(shipped).stdout, run(shipped, "--verbose").stdout
    assert "notes on the data; --verbose shows them." in shown
    assert note not in shown
    assert note in verbose
    # What is not measured is said in both.
    assert "reconstructed, not measured" in shown


@pytest.mark.slow
def test_drops_and_clamps_are_shown_in_table_and_json(cells):
    with cells.open("a") as opened:
        opened.write("easy,HRS,900,OVLD\neasy,HRS,901,\n")
    shown = run(cells).stdout
    assert "1 above" in shown
    dropped = "cells.csv: 1 blank or NaN reading dropped (row 803)."
    assert dropped in shown
    found = answer(cells)
    assert dropped in found["notes"]
    assert found["conditions"][0]["hrs"]["n_censored"] == 1


@pytest.mark.slow
def test_names_from_a_file_are_shown_as_they_are(tmp_path, cells):
    path = tmp_path / "marked.csv"
    path.write_text(cells.read_text().replace("easy", "[red]easy[/red]"))
    assert "[red]easy[/red]" in run(path).stdout


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_the_figure_has_the_format_of_its_suffix(tmp_path, cells, suffix, start):
    path = tmp_path / f"figures/cells.{suffix}"
    assert run(cells, "--plot", path).exit_code == 0
    assert path.read_bytes().startswith(start)


@pytest.mark.slow
def test_the_conditions_are_written_with_their_provenance(tmp_path, cells):
    path = tmp_path / "conditions.nc"
    assert run(cells, "--conditions", "table1", "-o", path).exit_code == 0
    with xr.open_dataset(path) as conditions:
        validate(conditions, "conditions")
        names = ["easy", "hard", "very strong", "strong", "weak"]
        assert conditions["condition"].values.tolist() == names
        attrs = conditions.attrs
    digest = hashlib.sha256(cells.read_bytes()).hexdigest()
    assert json.loads(attrs["sources"])[0] == ["cells.csv", digest]
    assert json.loads(attrs["options"])["conditions"] == "table1"
    assert attrs["rramsim_version"] == __version__
    assert attrs["origin"] == "measured"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("CELLS", "--plot", "a.gif"), "--plot a.gif: the suffix '.gif' was found; accepted are"),
        (("CELLS", "-o", "a.csv"), "-o a.csv: the suffix '.csv' was found; accepted are .nc."),
        (("no-such.csv",), "no-such.csv: there is no such file, and no shipped set has that name."),
        (("table1",), "table1.toml: this is a conditions file, not a table of resistances; give"),
        (("CELLS", "--read-voltage", "0.2"), "'0.2' is not a voltage; accepted is a number with"),
        (("CELLS", "--conditions", "no-such"), "no-such: there is no such file"),
        (("CELLS", "--columns", "a,b"), "the given column 'a' is not known; accepted are"),
    ],
)
def test_mistakes_are_told(cells, arguments, message):
    arguments = [cells if each == "CELLS" else each for each in arguments]
    with pytest.raises(InputError) as error:
        run(*arguments)
    assert message in str(error.value)


@pytest.mark.slow
def test_the_installed_command_prints_pure_json_on_stdout():
    done = installed("hirtzlin2019-reconstructed", "--conditions", "table1", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["conditions"]) == 3


@pytest.mark.slow
def test_the_installed_command_tells_a_mistake_in_one_line_and_exits_with_2(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("state,R (kOhm)\nLRS,5\nHRS,-300\n")
    done = installed(path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "rramsim: cells.csv, row 3, column 'R (kOhm)': the resistance is negative (-300\xa0kΩ); "
        "check the sign of the current. A resistance is more than 0. If the current is noise "
        "around zero, give the largest resistance that the meter resolves, --over-range "
        '"100 MOhm".\n'
    )


@pytest.mark.slow
def test_a_use_that_no_time_is_carried_to_is_told_in_one_line_without_warnings(tmp_path):
    path = tmp_path / "cells.csv"
    aged_cells({"a": (12.6, 0.5, 0.0, -0.1)}, cells=20).to_csv(path, index=False)
    for use, energy, words in (
        ("1e-3 K", "1.1 eV", "a second at 358.15 K is as long as 10^"),
        ("300 degC", "1e5 eV", "The activation energy is 100000 eV; it must be above 0 and"),
    ):
        done = installed(path, "--use-temperature", use, "--activation-energy", energy)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_help_has_an_example():
    assert "rramsim fit cells.csv --conditions energies.toml" in installed("--help").stdout


@pytest.mark.slow
def test_a_shipped_set_is_the_same_by_its_name_and_by_its_path():
    by_path = answer(resolve("ni-rram-64kb-cycling"))
    assert by_path == answer("ni-rram-64kb-cycling")


@pytest.mark.slow
def test_three_cells_a_state_give_what_counting_shows_and_the_fit_for_comparison(tmp_path):
    """Their fit by itself is 1.8e-25."""
    path = tmp_path / "three.csv"
    rows = zip((5.1, 4.8, 5.6), (310, 190, 420), strict=True)
    text = [f"55 uA,{number},{lrs},{hrs}" for number, (lrs, hrs) in enumerate(rows)]
    path.write_text("\n".join(["condition,cell,LRS (kOhm),HRS (kOhm)", *text]) + "\n")
    (found,) = answer(path)["conditions"]
    assert found["ber"]["method"] == "counted"
    assert (found["ber"]["bound"], found["ber"]["high"]) == (
        "upper",
        pytest.approx(-math.log(0.05) / 6),
    )
    assert found["fitted_ber"]["leads"] is False
    assert 0 < found["fitted_ber"]["estimate"] < 1e-3 < found["fitted_ber"]["high"]
    shown = " ".join(run(path).stdout.split())
    assert "less than 0.5" in shown
    assert "less than 0.5 counted 0 of 6" in shown
    assert "fit, for comparison" in shown
