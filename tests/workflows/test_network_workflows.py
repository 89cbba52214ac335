"""The workflows on trained networks at a small size: trained, scored, drawn, and gone on with."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from workflow_scripts import WORKFLOWS, load_script

from rramsim import schema
from rramsim.crossbar.faults import IidFaults
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.montecarlo.reestimate import score_own_thresholds
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.model_files import load_network
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.scoring.reestimate import reestimate, spaced
from rramsim.network.training.train import obtain_network
from rramsim.study.settings_files import make_settings
from rramsim.study.stages.networks import named_faults, plan_for
from rramsim.study.training_settings import TrainingFile

SMALL = {"images": "digits", "network": "64-24-10", "epochs": 1}
BERS = (0.0, 0.2)


def train_small(file: Path, out: Path) -> None:
    """Train the networks of a workflow's own training file, small and on the digits."""
    asked = make_settings(TrainingFile, file, SMALL)
    images = load_images("digits")
    plans = {f"training-ber-{ber!r}": plan_for(asked, images, ber) for ber in asked.training_bers}
    for name, faults in named_faults(asked).items():
        plan = plan_for(asked, images)
        plans[name] = type(plan)(plan.shape, images, plan.method, plan.seed, faults=faults)
    for name, plan in plans.items():
        path = out / f"digits-{plan.shape}-{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        obtain_network(path, plan, images_from="digits")


@pytest.fixture(scope="module")
def cures(tmp_path_factory):
    out = tmp_path_factory.mktemp("cures")
    for file in sorted((WORKFLOWS / "clean-chip-cures").glob("*.toml")):
        train_small(file, out / file.stem)
    return out


@pytest.fixture(scope="module")
def by_ber(tmp_path_factory):
    out = tmp_path_factory.mktemp("bers")
    train_small(WORKFLOWS / "batch-norm-reestimation/training.toml", out)
    return out


@pytest.fixture(scope="module")
def by_state(tmp_path_factory):
    out = tmp_path_factory.mktemp("states")
    train_small(WORKFLOWS / "asymmetric-errors/training.toml", out)
    return out


@pytest.mark.slow
def test_every_training_has_a_name_of_its_own(cures, tmp_path):
    script = load_script("clean-chip-cures/run.py")
    networks, _ = script.load(cures, None)
    assert list(networks)[:5] == [
        "plain training",
        *(f"plain training + {loss}" for loss in sorted(script.LOSSES.values())),
        script.PAPER,
    ]
    assert len(networks) == 10
    mixed = networks["mixed BER + hinge loss + straight-through gradient"].metadata["settings"]
    assert (mixed["loss"], mixed["straight_through"]) == ("hinge", True)
    assert mixed["faults"] == "BER 0.2, mixed"
    with pytest.raises(InputError, match="holds no model files"):
        script.load(tmp_path, None)


@pytest.mark.slow
def test_cures_are_scored_tabled_and_drawn(cures, tmp_path):
    script = load_script("clean-chip-cures/run.py")
    found, certified = script.run(cures, tmp_path, named=None, chips=2, bers=BERS)
    schema.validate(found, "case_accuracy")
    with xr.open_dataset(tmp_path / "accuracy.nc") as read:
        assert read.load().equals(found)
    rows = list(csv.DictReader((tmp_path / "accuracy.csv").read_text().splitlines()))
    assert len(rows) == 10 * 2 * 2
    networks, images = script.load(cures, None)
    evaluator = Evaluator(networks[script.PAPER].folded, images.test_images, images.test_labels)
    shown = found.accuracy.sel(network=script.PAPER, case=script.TRAINED, test_ber=0.0)
    assert float(shown) == evaluator.correct() / len(images.test_labels)
    lines = script.table(found, BERS).splitlines()
    assert len(lines) == 2 + 10
    # Without flips it is the accuracy of a clean chip; more flips leave fewer images.
    clean = found.accuracy.sel(case=script.TRAINED, test_ber=0.0)
    assert certified[0].tolist() == clean.values.tolist()
    assert (certified.diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
    with (tmp_path / "certificate.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 10
    assert len(script.certificate_table(certified).splitlines()) == 2 + 10
    figure = script.draw_methods(found, BERS)
    assert [axes.get_title() for axes in figure.axes] == ["clean chip", "BER 0.2"]
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert [name.replace("\n", " ") for name in names] == list(networks)
    for name in ("methods.png", "curves.png"):
        assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.slow
def test_thresholds_of_each_chip_are_those_of_its_own_flips(by_ber):
    images = load_images("digits")
    saved = load_network(next(by_ber.glob("*-0.2.safetensors")))
    faults = IidFaults(0.2)
    found = score_own_thresholds(saved, images, faults, seed=5, chips=[0, 3], shown=100)
    test = ScoredNetwork(saved.folded, images.test_images, images.test_labels, images.content_id)
    task = Task(test, faults, 5)
    for draw in (0, 3):
        flips = task.draw(draw)
        own = reestimate(saved, spaced(images.train_images, 100), [flips])
        right = Evaluator(own, images.test_images, images.test_labels).correct(flips)
        assert found.correct[draw] == right
    assert found.task_id != task.id


@pytest.mark.slow
def test_batch_norm_study_goes_on_where_it_stopped(by_ber, tmp_path, monkeypatch):
    script = load_script("batch-norm-reestimation/run.py")
    found = script.run(by_ber, tmp_path, named=None, chips=2, bers=BERS)
    assert found.network.values.tolist() == [
        f"trained at BER {ber}" for ber in ("0", "0.1", "0.2", "0.3")
    ]
    assert found.case.values.tolist() == [script.TRAINED, script.BY_BER, script.BY_CHIP]
    # Without errors all chips are one, so thresholds for the BER are those of the chip, but for
    # the images they were estimated on.
    clean = found.accuracy.sel(test_ber=0.0)
    assert np.abs(clean.sel(case=script.BY_BER) - clean.sel(case=script.BY_CHIP)).max() < 0.05
    rows = list(csv.DictReader((tmp_path / "neurons.csv").read_text().splitlines()))
    assert len(rows) == 4 * 2 * 2
    assert all(0 <= float(row["share"]) <= 1 for row in rows)
    written = (tmp_path / "tallies.csv").read_bytes()
    monkeypatch.setattr(script, "score_own_thresholds", None)  # whoever scores now fails
    monkeypatch.setattr("rramsim.montecarlo.collect.score_chips", None)
    again = script.run(by_ber, tmp_path, named=None, chips=2, bers=BERS)
    assert again.identical(found)
    assert (tmp_path / "tallies.csv").read_bytes() == written
    assert len(script.table(found).splitlines()) == 2 + 4 * 3


@pytest.mark.slow
def test_errors_are_shared_between_the_states_as_said(by_state, tmp_path):
    script = load_script("asymmetric-errors/run.py")
    all_in_lrs = script.faults(0.1, script.LRS_SHARES["all errors in LRS"])
    assert (all_in_lrs.ber_lrs, all_in_lrs.ber_hrs) == (0.2, 0.0)
    three = script.faults(0.1, script.LRS_SHARES["3 of 4 errors in HRS"])
    assert (three.ber_lrs, three.ber_hrs) == pytest.approx((0.05, 0.15))
    networks, _ = script.load(by_state, None)
    states = networks["adapted to all in LRS"].metadata["settings"]["faults"]
    assert states == "BER of LRS 0.2, of HRS 0.0"
    found = script.run(by_state, tmp_path, named=None, chips=2, bers=BERS)
    assert found.sizes == {"network": 6, "case": 5, "test_ber": 2}
    clean = found.accuracy.sel(test_ber=0.0)
    assert (clean == clean.isel(case=0)).all()
    assert len(script.table(found, 0.2).splitlines()) == 2 + 6
    assert (tmp_path / "accuracy.png").stat().st_size > 1000
    next(by_state.glob("*-all-in-hrs.safetensors")).unlink()
    with pytest.raises(InputError, match="holds 0 files"):
        script.load(by_state, None)


@pytest.mark.slow
def test_constant_neurons_are_counted_of_each_way_to_train_and_no_network_twice(tmp_path):
    script = load_script("constant-neurons/run.py")
    images = load_images("digits")
    sizes = {"width": 16, "epochs": [1], "seeds": [1], "chips": 2}
    found = script.run(images, tmp_path, **sizes)
    assert list(found.training.unique()) == list(script.VARIANTS)
    assert found.test_ber.tolist() == [0.0, 0.3] * 4
    for file in tmp_path.glob("*.safetensors"):
        saved = load_network(file)
        settings = saved.metadata["settings"]
        number = int(file.name.split("-")[1])
        asked = script.method(list(script.VARIANTS)[number], 1)
        assert settings["batch_norm_gradient"] == asked.batch_norm_gradient == (number < 2)
        assert (settings["dropout"] > 0) == (number % 2 == 1)
        # Rows of a clean chip are of the network as it is.
        row = found.iloc[2 * number]
        assert row.accuracy == saved.accuracy
        assert row.mean_over_spread == saved.mean_over_spread
    written = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.safetensors")}
    again = script.run(images, tmp_path, **sizes)
    assert again.equals(found)
    assert written == {file: file.stat().st_mtime_ns for file in written}
    assert script.table(found).count("\n| batch") == 4
