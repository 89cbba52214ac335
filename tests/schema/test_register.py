"""A further programming setting, added at run time, reaches every file, table and message."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from rramsim import schema
from rramsim.cli.app import app
from rramsim.readers.conditions import read_conditions
from rramsim.readers.measurements import read_measurements
from rramsim.report.tradeoff.rows import properties

GATE = {"meaning": "gate voltage during SET", "label": "gate voltage", "aliases": ("Vg",)}


@pytest.fixture(autouse=True)
def gate_voltage():
    schema.register_setting("gate_voltage", "voltage", sign="dropped", **GATE)
    yield
    schema.unregister_setting("gate_voltage")


@pytest.fixture
def cells(tmp_path):
    rng = np.random.default_rng(1)
    rows = [
        f"weak,{state},{cell},{ohm:.4g},-1200"
        for state, median in (("LRS", 5e3), ("HRS", 2e5))
        for cell, ohm in enumerate(median * np.exp(0.3 * rng.standard_normal(100)))
    ]
    path = tmp_path / "cells.csv"
    path.write_text("\n".join(["condition,state,cell,R (ohm),Vg (mV)", *rows]))
    return path


@pytest.fixture
def stated(tmp_path):
    path = tmp_path / "stated.toml"
    path.write_text(
        '[[condition]]\nname = "strong"\nber = 1e-3\ngate_voltage = "1.5 V"\npulse_width = "1 us"\n'
    )
    return path


def run(*arguments):
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(text) for text in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
def test_it_is_read_from_a_measurement_file_with_its_unit_and_without_its_sign(cells):
    measured = read_measurements([cells])
    assert set(measured.readings["gate_voltage"].values) == {1.2}
    assert measured.readings["gate_voltage"].attrs["units"] == "V"
    assert any("the sign of 'Vg (mV)' is dropped" in str(note) for note in measured.notes)


def test_it_is_read_from_both_forms_of_a_conditions_file(stated, tmp_path):
    table = tmp_path / "stated.csv"
    table.write_text("name,BER,Vg (mV)\nstrong,1e-3,1500\n")
    for path in (stated, table):
        assert read_conditions(path)["gate_voltage"].values.tolist() == [1.5]


@pytest.mark.slow
def test_a_fit_carries_it_to_netcdf_json_csv_and_report(cells, stated, tmp_path):
    report, written = tmp_path / "report", tmp_path / "conditions.nc"
    answer = json.loads(
        run("fit", cells, "--conditions", stated, "--json", "--report", report, "-o", written)
    )
    of = {condition["name"]: condition for condition in answer["conditions"]}
    assert (of["weak"]["gate_voltage_v"], of["strong"]["gate_voltage_v"]) == (1.2, 1.5)
    with xr.open_dataset(written) as conditions:
        assert conditions["gate_voltage"].values.tolist() == [1.2, 1.5]
    header, weak, strong = (report / "conditions.csv").read_text().splitlines()
    column = header.split(",").index("gate_voltage_v")
    assert (weak.split(",")[column], strong.split(",")[column]) == ("1.2", "1.5")
    assert "gate voltage" in (report / "report.html").read_text()


def test_the_report_of_a_tradeoff_has_a_line_of_it(stated):
    conditions = read_conditions(stated)
    met = conditions.assign(faults=(("protection", "condition"), [["iid"]]))
    findings = SimpleNamespace(conditions=conditions, tradeoff=met, counted=None)
    lines = {name: values for name, *values in properties(findings)}
    assert lines["Gate voltage"] == ["1.5\N{NO-BREAK SPACE}V"]
    assert list(lines).index("Gate voltage") == list(lines).index("Pulse width") + 1


def test_a_name_that_is_taken_is_refused_and_changes_nothing():
    before = dict(schema.DATASETS)
    with pytest.raises(ValueError, match="conditions: a variable is already named 'endurance'"):
        schema.register_setting("endurance", "time", **GATE)
    assert before == schema.DATASETS


def test_the_same_setting_may_be_registered_again_and_another_of_its_name_not():
    before = dict(schema.DATASETS)
    schema.register_setting("gate_voltage", "voltage", sign="dropped", **GATE)
    assert before == schema.DATASETS
    with pytest.raises(ValueError, match="a variable is already named 'gate_voltage'"):
        schema.register_setting("gate_voltage", "voltage", sign="positive", **GATE)
    assert before == schema.DATASETS


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"quantity": "charge"}, ValueError, "'charge'; known are resistance, conductance, curr"),
        ({"name": "body voltage"}, ValueError, "cannot be named 'body voltage'"),
        ({"name": "lambda"}, ValueError, "cannot be named 'lambda'"),
        ({"aliases": "Vb"}, TypeError, "tuple of texts"),
        ({"aliases": ("()",)}, ValueError, "neither letter nor digit"),
        ({"sign": "kept"}, ValueError, "'kept'; known are '', 'dropped', 'positive'"),
    ],
)
def test_what_is_no_setting_is_refused_and_changes_nothing(changed, error, words):
    before = dict(schema.DATASETS)
    given = {"name": "body_voltage", "quantity": "voltage", "meaning": "body voltage"}
    with pytest.raises(error, match=words):
        schema.register_setting(**{**given, **changed})
    assert before == schema.DATASETS


@pytest.mark.parametrize(
    "alias",
    [
        *("v_set", "Cell ID", "Compliance", "LRS", "hrs", "R LRS", "G HRS", "V read", "status"),
        *("I", "T", "programming condition"),
    ],
)
def test_a_header_that_is_taken_is_refused_and_changes_nothing(alias):
    before = dict(schema.DATASETS)
    with pytest.raises(ValueError, match="is already that of"):
        schema.register_setting("gate_current", "current", "gate current", aliases=("Ig", alias))
    assert before == schema.DATASETS


def test_only_settings_are_taken_out():
    with pytest.raises(KeyError):
        schema.unregister_setting("endurance")
    assert [setting.name for setting in schema.settings()][-1] == "gate_voltage"
