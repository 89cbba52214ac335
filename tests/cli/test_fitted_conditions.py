"""What `rramsim fit -o` writes is a conditions file: `fit` and `tradeoff` take it as it is."""

import json

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from rramsim.cli.app import app, main
from rramsim.readers.conditions import read_conditions

STUDY = """
network = "64-24-10"
training_bers = [0.0]
curve_bers = [0.1]
epochs = 1
chips = 4
protections = ["none"]
reestimate = false
"""
BER = ("ber", "ber_low", "ber_high", "ber_basis", "ber_bound", "ber_extrapolated")
BY_STATE = ("ber_lrs", "ber_hrs", "ber_interval", "origin", "endurance", "endurance_basis")


def run(*arguments):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(text) for text in arguments])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Return the folder of a fit of "weak" (fitted, with errors) and "clean" (only a bound)."""
    folder = tmp_path_factory.mktemp("fitted")
    rng = np.random.default_rng(3)
    rows = ["condition,state,cell,R (ohm),I_SET (uA),V_SET (V),V_RESET (V),pulse width (us)"]
    for name, ratio, sigma, uniform in (("weak", 8, 0.5, False), ("clean", 100, 0.8, True)):
        for state, median in (("LRS", 1e4), ("HRS", 1e4 * ratio)):
            spread = rng.uniform(-1, 1, 400) if uniform else rng.standard_normal(400)
            rows += [
                f"{name},{state},{cell},{ohm:.6g},20,1.5,1.8,1"
                for cell, ohm in enumerate(median * np.exp(sigma * spread))
            ]
    (folder / "cells.csv").write_text("\n".join(rows))
    written = run("fit", folder / "cells.csv", "-o", folder / "conditions.nc", "--json")
    assert written.exit_code == 0, written.output
    (folder / "study.toml").write_text(STUDY)
    return folder


@pytest.fixture(scope="module")
def study(fitted):
    """Return the answer of a study from conditions.nc alone."""
    arguments = ("--conditions", fitted / "conditions.nc", "--out", fitted / "out", "--json")
    done = run("tradeoff", fitted / "study.toml", *arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.slow
def test_every_figure_comes_back_with_its_interval_basis_and_bound(fitted):
    again = read_conditions(fitted / "conditions.nc")
    with xr.open_dataset(fitted / "conditions.nc") as written:
        assert set(again.variables) == set(written.variables)
        for name in (*BER, *BY_STATE, "set_current", "set_energy", "set_energy_basis"):
            np.testing.assert_array_equal(again[name].values, written[name].values, err_msg=name)
    assert again["ber_basis"].values.tolist() == ["fitted", "counted"]
    assert again["ber_bound"].values.tolist() == ["", "upper"]
    assert again.attrs["lrs_share"] == 0.5


@pytest.mark.slow
def test_a_study_of_them_alone_keeps_what_is_known(fitted, study):
    conditions = read_conditions(fitted / "conditions.nc").set_index(condition="condition")
    weak, clean = (conditions.sel(condition=name) for name in ("weak", "clean"))
    points = {
        point["condition"]: point for point in study["points"] if point["protection"] == "none"
    }
    assert points["weak"]["ber"] == pytest.approx(float(weak["ber"]), rel=1e-9)
    assert points["weak"]["ber_high"] == pytest.approx(float(weak["ber_high"]), rel=1e-12)
    assert points["weak"]["loss"]["parts"]["cells"] > 0
    assert points["weak"]["set_energy_basis"] == "computed"
    assert points["clean"]["ber"] is None
    assert points["clean"]["ber_less_than"] == float(clean["ber_high"])
    assert {point["origin"] for point in study["points"]} == {"measured"}


@pytest.mark.slow
def test_its_chips_err_by_state_and_the_report_says_so(fitted, study):
    page = (fitted / "out" / "report.html").read_text()
    assert "fitted error rates of LRS and HRS cells" in page
    assert "fitted lognormal populations" in page
    with xr.open_dataset(fitted / "out" / "conditions.nc") as used:
        assert used["ber_basis"].values.tolist() == ["fitted", "counted"]
        assert used.attrs["origin"] == "measured"
        assert float(used["ber_low"][0]) < float(used["ber"][0]) < float(used["ber_high"][0])


@pytest.mark.slow
def test_a_fit_takes_what_its_readings_do_not_say(fitted, tmp_path):
    header, *rows = (fitted / "cells.csv").read_text().splitlines()
    bare = [",".join(row.split(",")[:4]) for row in (header, *rows) if row[:4] in ("cond", "weak")]
    (tmp_path / "bare.csv").write_text("\n".join(bare))
    done = run("fit", tmp_path / "bare.csv", "--conditions", fitted / "conditions.nc", "--json")
    assert done.exit_code == 0, done.output
    weak, clean = json.loads(done.stdout)["conditions"]
    assert weak["set_current_a"] == pytest.approx(20e-6)
    assert (weak["set_energy_j"], weak["set_energy_source"]) == (pytest.approx(30e-12), "computed")
    assert clean["ber"]["method"] == "counted"
    assert clean["ber"]["bound"] == "upper"


@pytest.fixture
def refused(monkeypatch, capsys):
    """Return a runner of a command that is refused: its one message."""

    def message(*arguments):
        monkeypatch.setattr("sys.argv", ["rramsim", *(str(text) for text in arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 2
        return capsys.readouterr().err

    return message


@pytest.mark.slow
def test_bers_of_another_share_of_lrs_cells_are_refused(fitted, refused, tmp_path):
    arguments = ("--conditions", fitted / "conditions.nc", "--lrs-share", "0.3")
    for command in (("fit", fitted / "cells.csv"), ("tradeoff", "--out", tmp_path / "out")):
        told = refused(*command, *arguments)
        assert "conditions.nc: its BERs hold for cells of which 50 % are in LRS" in told
        assert "give --lrs-share 0.5" in told


def damaged(path):
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(200)))


def foreign(path):
    xr.Dataset({"x": ("t", [1.0])}).to_netcdf(path)


def with_a_rate_above_1(path):
    good = xr.load_dataset(path.with_name("good.nc"))
    del good.attrs["sha256"]
    good.assign(ber=("condition", [0.1, 1.5])).to_netcdf(path)


def changed_since(path):
    good = xr.load_dataset(path.with_name("good.nc"))
    good.assign(ber=("condition", [0.1, 0.2])).to_netcdf(path)


def with_one_name_twice(path):
    good = xr.load_dataset(path.with_name("good.nc"))
    del good.attrs["sha256"]
    good.assign_coords(condition=["weak", "weak"]).to_netcdf(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damaged, "bad.nc: the HDF5 or netCDF file cannot be read"),
        (foreign, "bad.nc: this HDF5 or netCDF file holds no conditions as rramsim fit -o writes"),
        (with_a_rate_above_1, "bad.nc, ber of 'clean': 1.5 was found; accepted is a rate from 0"),
        (
            changed_since,
            "bad.nc: this file was damaged or changed after rramsim wrote it (another SHA-256)",
        ),
        (with_one_name_twice, "bad.nc: the condition 'weak' is given 2 times."),
    ],
)
def test_a_file_that_is_not_theirs_gets_one_clear_message(
    fitted, refused, tmp_path, spoil, message
):
    (tmp_path / "good.nc").write_bytes((fitted / "conditions.nc").read_bytes())
    spoil(tmp_path / "bad.nc")
    commands = (("fit", fitted / "cells.csv"), ("tradeoff", "--out", tmp_path / "out"))
    for command in commands:
        told = refused(*command, "--conditions", tmp_path / "bad.nc")
        assert told.startswith(f"rramsim: {message}")
        assert told.count("\n") == 1
