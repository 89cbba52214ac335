"""The whole trade-off from Python: with readings, conditions and fault models in memory."""

import json
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from rramsim.decision.recommend import recommend
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.network.model_files import save_network
from rramsim.network.training.train import train
from rramsim.plotting.accuracy import plot_accuracy
from rramsim.plotting.style import figure_of
from rramsim.plotting.tradeoff import plot_tradeoff
from rramsim.readers.conditions import read_conditions
from rramsim.readers.measurements import read_measurements
from rramsim.readers.shipped import resolve
from rramsim.study.result_folder import sealed_record
from rramsim.study.tradeoff import tradeoff

SMALL = {"curve_bers": [0.1], "chips": 3, "protections": ["none"], "reestimate": False}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return a small trained network, so that no study has to train its own."""
    path = tmp_path_factory.mktemp("model") / "plain.safetensors"
    save_network(path, train("digits", network="64-16-10", epochs=3))
    return str(path)


@pytest.fixture(scope="module")
def result(model, tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "out"
    return tradeoff(conditions="table1", out=out, models=[model], **SMALL)


class BrokenLines:
    """A user's own fault model: whole neurons whose cells all read the other bit."""

    def __init__(self, share):
        self.share = share

    def draw(self, signs, seed):
        broken = np.random.default_rng(seed).random(len(signs)) < self.share
        return np.broadcast_to(broken[:, np.newaxis], signs.shape)

    def identity(self):
        return {"model": "broken lines", "share": self.share}


def broken_lines(condition):
    return BrokenLines(0.4 if str(condition["condition"].item()) == "weak" else 0.0)


@pytest.mark.slow
def test_a_result_can_be_drawn_and_recommended_from_as_it_is(result):
    figures = figure_of(plot_tradeoff, result), figure_of(plot_accuracy, result)
    chosen = result.recommendation
    apart = (
        figure_of(plot_tradeoff, result.tradeoff, recommended=chosen.labels),
        figure_of(
            plot_accuracy,
            result.accuracy,
            tradeoff=result.tradeoff,
            conditions=result.conditions,
        ),
    )
    for of_result, of_datasets in zip(figures, apart, strict=True):
        drawn, expected = (BytesIO(), BytesIO())
        of_result.savefig(drawn, format="png")
        of_datasets.savefig(expected, format="png")
        assert drawn.getvalue() == expected.getvalue()
    assert recommend(result) == chosen


@pytest.mark.slow
def test_a_result_has_table_recommendation_accuracy_and_report(result):
    assert isinstance(result.table, pd.DataFrame)
    assert result.table["condition"].tolist() == ["very strong", "strong", "weak"]
    assert result.table.to_dict("records")[2]["ber"] == 0.033
    assert result.accuracy.test_ber.values.tolist() == [0.0, 0.1]
    assert result.recommendation.condition in set(result.table["condition"])
    chosen = result.recommendation
    assert f": {chosen.condition!r}, trained at BER 0; 3 points; " in repr(result)
    assert str(result.report_path) in repr(result)
    assert f"Recommended: {chosen.reason[:20]}" in result._repr_html_()
    assert result._repr_html_().count("<tr>") == 4
    assert "How to make this report again" in result.report_path.read_text()
    assert json.loads(result.to_json())["recommendation"]["reason"] == result.recommendation.reason
    assert f"The report is {result.report_path}" in result.text(width=500)


@pytest.mark.slow
def test_the_same_study_again_leaves_every_file_as_it_is(model, tmp_path):
    again = {"conditions": "table1", "out": tmp_path, "models": [model], **SMALL}
    tradeoff(**again)
    record = tmp_path / "provenance.json"
    dated = {**json.loads(record.read_text()), "made": "2001-02-03T04:05:06+00:00"}
    record.write_text(sealed_record(dated))
    # It holds the time, too, and what the record was.
    (tmp_path / "checksums.json").unlink()
    page = tradeoff(**again).report_path
    assert "Made on 3 February 2001, 04:05 UTC by rramsim" in page.read_text()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    tradeoff(**again)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_one_point_is_no_points(result):
    one = result.findings.tradeoff.isel(training_ber=[0], condition=[0])
    assert "; 1 point; " in repr(replace(result, findings=replace(result.findings, tradeoff=one)))


@pytest.mark.slow
def test_every_file_has_the_same_provenance(result):
    record = json.loads((result.folder / "provenance.json").read_text())
    for name in ("conditions", "accuracy", "tradeoff"):
        with xr.open_dataset(result.folder / f"{name}.nc") as dataset:
            attrs = dict(dataset.attrs)
        assert attrs["recipe"] == record["recipe"] == (result.folder / "study.toml").read_text()
        assert json.loads(attrs["options"]) == record["options"]
        assert attrs["seed"] == record["seed"] == 1
        sources = [[source["name"], source["sha256"]] for source in record["sources"]]
        assert json.loads(attrs["sources"]) == sources


@pytest.mark.slow
def test_readings_and_conditions_in_memory_give_what_their_files_give(model, tmp_path):
    name = "hirtzlin2019-reconstructed"
    more = {"models": [model], "only": ["weak"], **SMALL}
    by_name = tradeoff(name, "table1", out=tmp_path / "name", **more)
    by_value = tradeoff(
        read_measurements(name),
        read_conditions(resolve("table1")),
        out=tmp_path / "value",
        images=load_images("digits"),
        **more,
    )
    assert by_name.findings.provenance.command == "rramsim tradeoff study.toml --out DIR"
    assert by_value.findings.provenance.command == (
        "rramsim.tradeoff(measurements=<readings in memory>, conditions=<conditions in memory>, "
        'images=<images in memory>, study="study.toml", out="DIR")'
    )
    pd.testing.assert_frame_equal(by_name.table, by_value.table)
    assert by_value.accuracy.equals(by_name.accuracy)


@pytest.mark.slow
def test_readings_read_otherwise_are_another_study(model, tmp_path):
    rows = [f"{state},{start + i}" for state, start in (("LRS", 5), ("HRS", 99)) for i in range(9)]
    (tmp_path / "cells.csv").write_text("\n".join(["state,R (kOhm)", *rows]))
    energies = read_conditions(resolve("table1")).isel(condition=[0])
    energies = energies.assign_coords(condition=["cells"])
    out = tmp_path / "out"
    files = {"conditions": energies, "out": out, "models": [model], **SMALL}
    tradeoff(read_measurements(tmp_path / "cells.csv"), **files)
    # Their file is the same; what was made of it is not.
    with pytest.raises(InputError, match="readings in memory has another content"):
        tradeoff(read_measurements(tmp_path / "cells.csv", over_range="103 kOhm"), **files)


@pytest.mark.slow
def test_a_fault_model_of_a_user_s_own_is_planted_and_told(result, model, tmp_path):
    out = tmp_path / "own"
    own = tradeoff(conditions="table1", out=out, models=[model], faults=broken_lines, **SMALL)
    points = {row["condition"]: row for row in own.table.to_dict("records")}
    error_free = float(own.accuracy.accuracy.sel(test_ber=0.0)[0])
    assert points["strong"]["accuracy_mean"] == error_free
    assert points["weak"]["accuracy_mean"] < 0.9 * error_free
    # Stated bounds are not those of the faults planted; their share is counted on chips.
    assert points["very strong"]["ber"] == points["strong"]["ber"] == 0.0
    assert points["very strong"]["ber_less_than"] is None
    assert points["weak"]["ber"] == pytest.approx(0.4, abs=0.15)
    assert own.tradeoff.faults.values.tolist() == [["fault model BrokenLines"] * 3]
    record = json.loads((out / "provenance.json").read_text())
    assert record["options"]["faults"]["weak"] == {"model": "broken lines", "share": 0.4}
    assert "fault models given in Python" in own.report_path.read_text()


@pytest.mark.slow
def test_other_faults_are_another_study(model, tmp_path):
    study = {"conditions": "table1", "out": tmp_path, "models": [model], **SMALL}
    tradeoff(faults=broken_lines, **study)
    with pytest.raises(InputError, match="faults of weak has another content"):
        tradeoff(faults=lambda condition: BrokenLines(0.0), **study)
    with pytest.raises(InputError, match="faults of weak was read there"):
        tradeoff(**study)


@pytest.mark.slow
def test_a_fault_model_makes_a_ber_needless(model, tmp_path):
    (tmp_path / "c.toml").write_text('[[condition]]\nname = "a"\nset_energy = "1 pJ"\n')
    given = {"conditions": tmp_path / "c.toml", "out": tmp_path / "out", "models": [model], **SMALL}
    with pytest.raises(InputError, match="neither readings nor a stated BER"):
        tradeoff(**given)
    own = tradeoff(faults=broken_lines, **given)
    assert own.table["condition"].tolist() == ["a"]


@pytest.mark.slow
def test_a_study_file_is_taken_and_names_given_win(model, tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(
        f'conditions = "table1"\nmodels = ["{model}"]\ncurve_bers = [0.1]\nchips = 9\nseed = 4\n'
        "reestimate = false\n"
    )
    stages = []
    own = tradeoff(
        study=file,
        out=tmp_path / "out",
        chips=2,
        only=["weak"],
        protections=["none"],
        progress=lambda stage, done, total, note="": stages.append(stage),
    )
    assert own.table[["condition", "maps"]].values.tolist() == [["weak", 2]]
    assert own.findings.provenance.seed == 4
    assert stages[0] == "reading files"
    assert stages[-1] == "writing the report"
    assert {"chips of the curves", "chips of the conditions"} < set(stages)


def test_a_setting_that_is_none_is_refused(tmp_path):
    with pytest.raises(
        InputError,
        match=r"no setting 'chip'\. Did you mean 'chips'\? Accepted are accept_extrapolated",
    ):
        tradeoff(out=tmp_path, chip=3)


@pytest.fixture(scope="module")
def of_folds(tmp_path_factory):
    """Return a study of two small networks, cross-validated over three parts of the digits."""
    return tradeoff(
        conditions="table1",
        only=["weak"],
        out=tmp_path_factory.mktemp("folds") / "out",
        network="64-16-10",
        training_bers=[0.0, 0.1],
        epochs=1,
        folds=3,
        **SMALL,
    )


def test_accuracies_are_means_over_folds_and_losses_are_against_the_plain_network(of_folds):
    assert len(list((of_folds.folder / "networks").glob("*-of-3.safetensors"))) == 6
    error_free = float(of_folds.accuracy.accuracy.sel(training_ber=0.0, test_ber=0.0))
    points = of_folds.tradeoff.sel(condition="weak").squeeze(("thresholds", "protection"))
    assert points.loss.values == pytest.approx(error_free - points.accuracy.values)
    assert (points.trainings.values.tolist(), points.maps.values.tolist()) == ([3, 3], [9, 9])
    assert of_folds.findings.test_images == 1797


def test_answers_that_were_not_kept_are_made_again(of_folds):
    file = of_folds.folder / "tallies.csv"
    before = file.read_bytes()
    rows = before.decode().splitlines()
    assert rows[0].split(",")[-3:] == ["answers", "error_free", "checksum"]
    file.write_text("".join(row.rsplit(",", 3)[0] + "\n" for row in rows))
    # Of a finished study nothing is scored again.
    (of_folds.folder / "checksums.json").unlink()
    again = tradeoff(out=of_folds.folder, study=of_folds.folder / "study.toml")
    assert again.tradeoff.identical(of_folds.tradeoff)
    assert file.read_bytes() == before


def test_trainings_and_folds_are_one_choice(tmp_path):
    with pytest.raises(InputError, match="trainings 2 and folds 3: accepted is one of the two"):
        tradeoff(conditions="table1", out=tmp_path / "out", trainings=2, folds=3, **SMALL)
    with pytest.raises(InputError, match="models, which are trained, without folds"):
        tradeoff(conditions="table1", out=tmp_path / "out", models=["a"], folds=3, **SMALL)


@pytest.mark.slow
def test_other_requirements_are_answered_from_what_was_measured(of_folds, monkeypatch):
    def scored(*args, **kwargs):
        raise AssertionError("no chip is to be scored")

    monkeypatch.setattr("rramsim.study.stages.chips.collect", scored)
    study = of_folds.folder / "study.toml"
    signed = of_folds.report_path.read_bytes()
    again = tradeoff(out=of_folds.folder, study=study, tolerance=0.5, reprogrammings=10)
    assert again.former_report.read_bytes() == signed != again.report_path.read_bytes()
    assert f"kept as {again.former_report.name}" in again.text()
    asked = recommend(of_folds, tolerance=0.5, reprogrammings=10)
    assert again.recommendation == asked
    assert again.tradeoff.attrs["tolerance"] == 0.5
    tradeoff(out=of_folds.folder, study=study)
