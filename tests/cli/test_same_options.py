"""`fit` and `tradeoff` read the same files in the same way and make the same numbers of them."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rramsim.cli.app import app
from rramsim.errors import InputError
from rramsim.study.settings import make_study
from rramsim.study.tradeoff import devices_of

READING = ["--map", "Rcell=R [kOhm]", "--states", "0=HRS,31=LRS"]


def _write(path, rng, header="state,cell,Rcell", spread=0.5):
    """Write cells that overlap, some beyond what a meter resolves."""
    rows = [header]
    for state, mu in ((31, 2.0), (0, 4.5)):
        values = np.exp(rng.normal(mu, spread, 150))
        rows += [f"{state},{cell},{value:.6g}" for cell, value in enumerate(values)]
    path.write_text("\n".join(rows) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    rng = np.random.default_rng(3)
    spreads = {"a": 0.5, "b": 0.8}
    return [_write(folder / f"{name}_85.csv", rng, spread=spreads[name]) for name in spreads]


@pytest.fixture
def tradeoff_conditions(monkeypatch):
    """Return what derives the conditions that `rramsim tradeoff` would draw chips for."""

    def conditions(*arguments):
        studies = []
        monkeypatch.setattr(
            "rramsim.study.tradeoff.run_study", lambda study, *_, **__: studies.append(study)
        )
        CliRunner().invoke(app, ["tradeoff", *arguments])
        return devices_of(studies[0]).conditions

    return conditions


def _fit(*arguments):
    done = CliRunner().invoke(app, ["fit", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)["conditions"]


def _options(name):
    return {
        "as they are": [],
        "over range": ["--over-range", "150 kOhm", "--floor", "3 kOhm"],
        "file name": ["--file-name", "{condition}_{temperature [degC]}"],
        "reference": ["--reference", "25 kOhm"],
        "spread": ["--reference-spread", "0.2", "--offset", "0.1"],
        "share": ["--lrs-share", "0.3", "--reference-spread", "0.1", "--over-range", "200 kOhm"],
    }[name]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["as they are", "over range", "file name", "reference", "spread", "share"]
)
def test_the_conditions_are_the_same_by_either_command(files, tradeoff_conditions, name):
    options = [*READING, *_options(name)]
    measurements = [word for file in files for word in ("--measurements", file)]
    of_study = tradeoff_conditions(*measurements, *options)
    of_fit = _fit(*files, *options)
    assert [each["name"] for each in of_fit] == of_study["condition"].values.tolist()
    for each in of_fit:
        row = of_study.sel(condition=each["name"])
        expected = {
            "reference_resistance": each["reference_ohm"],
            "ber": each["ber"]["estimate"],
            "ber_low": each["ber"]["low"],
            "ber_high": each["ber"]["high"],
            "ber_lrs": each["ber"]["lrs"],
            "ber_2t2r": (each["ber_2t2r"] or {}).get("estimate"),
        }
        for key, value in expected.items():
            assert value is not None, key
            assert float(row[key]) == value, key


@pytest.mark.slow
@pytest.mark.parametrize("name", ["as they are", "reference", "spread", "share"])
def test_the_chips_have_the_error_rates_that_the_fit_tells(files, name):
    options = [*READING, *_options(name)]
    study = make_study(
        measurements=files,
        reading={"states": "0=HRS,31=LRS", "map": ["Rcell=R [kOhm]"]}
        | ({"over_range": "200 kOhm"} if name == "share" else {}),
        use={
            "as they are": {},
            "reference": {"reference": "25 kOhm"},
            "spread": {"reference_spread": 0.2, "offset": 0.1},
            "share": {"lrs_share": 0.3, "reference_spread": 0.1},
        }[name],
    )
    devices = devices_of(study)
    for each, faults in zip(_fit(*files, *options), devices.faults, strict=True):
        assert each["ber"]["method"] == "fitted"
        rates = faults.by_state()
        assert rates.ber_lrs == pytest.approx(each["ber"]["lrs"], rel=1e-12)
        assert rates.ber_hrs == pytest.approx(each["ber"]["hrs"], rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--reference", "50 kOhm"], "reference"),
        (["--reference-spread", "0.3"], "reference_spread"),
        (["--offset", "0.2"], "offset"),
    ],
)
def test_a_use_that_bers_without_readings_cannot_follow_is_refused(files, tmp_path, options, name):
    written = str(tmp_path / "conditions.nc")
    _fit(*files, *READING, "--reference-spread", "0.1", "-o", written)
    done = CliRunner().invoke(
        app, ["tradeoff", "--conditions", written, "--out", str(tmp_path / "o"), *options]
    )
    assert isinstance(done.exception, InputError)
    assert str(done.exception).startswith(f"{name} = ")
    kept = make_study(conditions=written, use={"reference_spread": 0.1})
    assert devices_of(kept).conditions.attrs["reference_spread"] == 0.1


@pytest.mark.slow
def test_a_reference_that_a_fit_chose_is_not_stated_for_other_cells(files, tmp_path):
    written, others = tmp_path / "conditions.nc", []
    _fit(*files, *READING, "-o", str(written))
    for file in map(Path, files):
        header, *rows = file.read_text().splitlines()
        cells = [row.rsplit(",", 1) for row in rows]
        others.append(tmp_path / file.name)
        lines = [header, *(f"{start},{3 * float(value)!r}" for start, value in cells)]
        others[-1].write_text("\n".join(lines) + "\n")
    names = [str(file) for file in others]
    alone, joined = (_fit(*names, *READING, *more) for more in ([], ["--conditions", str(written)]))
    for one, other in zip(alone, joined, strict=True):
        assert other["reference_ohm"] == one["reference_ohm"]
        assert other["ber"]["estimate"] == one["ber"]["estimate"]
    _fit(*files, *READING, "--reference", "25 kOhm", "-o", str(written))
    stated = _fit(*names, *READING, "--conditions", str(written))
    assert [each["reference_ohm"] for each in stated] == [25e3] * len(files)


@pytest.mark.slow
def test_each_option_changes_the_numbers(files):
    # Else the test above would say nothing of it.
    bers = {
        name: tuple(each["ber"]["estimate"] for each in _fit(*files, *READING, *_options(name)))
        for name in ("as they are", "over range", "reference", "spread", "share")
    }
    assert len(set(bers.values())) == len(bers)


@pytest.mark.slow
def test_columns_and_read_voltage_are_the_same_too(tmp_path, tradeoff_conditions):
    rng = np.random.default_rng(5)
    rows = [
        f"{i}\t{0.2 / lrs * 1e6!r}\t{0.2 / hrs * 1e6!r}"
        for i, (lrs, hrs) in enumerate(np.exp(rng.normal([8.5, 10.0], 0.5, (100, 2))).tolist())
    ]
    path = tmp_path / "55 uA.tsv"
    path.write_text("\n".join(rows))
    options = ("--columns", "cell,I_LRS [uA],I_HRS [uA]", "--read-voltage", "0.2 V")
    (of_fit,) = _fit(str(path), *options)
    of_study = tradeoff_conditions("--measurements", str(path), *options)
    assert of_study["ber"].values.tolist() == [of_fit["ber"]["estimate"]]


@pytest.mark.slow
def test_a_study_file_says_the_same_as_the_options(files, tmp_path, tradeoff_conditions):
    names = ", ".join(f'"{file}"' for file in files)
    study = tmp_path / "study.toml"
    study.write_text(
        f"measurements = [{names}]\n"
        '[reading]\nstates = "0=HRS,31=LRS"\nover_range = "150 kOhm"\nfloor = "3 kOhm"\n'
        'map = {Rcell = "R [kOhm]"}\n[use]\nreference_spread = 0.2\n'
    )
    options = [*_options("over range"), "--reference-spread", "0.2"]
    expected = [each["ber"]["estimate"] for each in _fit(*files, *READING, *options)]
    assert tradeoff_conditions(str(study))["ber"].values.tolist() == expected


@pytest.mark.slow
def test_what_fit_writes_is_what_tradeoff_takes(files, tmp_path, tradeoff_conditions):
    written = tmp_path / "conditions.nc"
    options = [*READING, "--over-range", "150 kOhm", "--lrs-share", "0.3"]
    of_fit = _fit(*files, *options, "-o", str(written))
    of_study = tradeoff_conditions("--conditions", str(written), "--lrs-share", "0.3")
    assert of_study["condition"].values.tolist() == [each["name"] for each in of_fit]
    for each in of_fit:
        row = of_study.sel(condition=each["name"])
        for end, key in (("", "estimate"), ("_low", "low"), ("_high", "high")):
            assert float(row[f"ber{end}"]) == each["ber"][key]
        assert str(row["ber_basis"].values) == each["ber"]["method"]
        assert (float(row["ber_lrs"]), float(row["ber_hrs"])) == (
            each["ber"]["lrs"],
            each["ber"]["hrs"],
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "shown", "hidden"),
    [
        (["--help"], ["--install-completion"], []),
        (["evaluate", "--help"], ["--chips"], ["--maps"]),
        (["train", "--help"], ["--out"], ["-o "]),
    ],
)
def test_former_names_of_options_are_not_shown(arguments, shown, hidden):
    help_text = re.sub(r"\x1b\[[0-9;]*m", "", CliRunner().invoke(app, arguments).stdout)
    assert all(name in help_text for name in shown)
    assert not any(name in help_text for name in hidden)
