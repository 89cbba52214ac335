import csv
import dataclasses
import json
import os

import numpy as np
import pytest
import training_runs
from typer.testing import CliRunner

from rramsim.cli.app import app
from rramsim.errors import DamagedWarning, InputError
from rramsim.files import held
from rramsim.images.catalogue import load_images
from rramsim.network.folded.fold import fold_layers
from rramsim.network.model_files import load_network, save_network
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.shape import NetworkShape
from rramsim.network.training import train as train_module
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.train import find_network, obtain_network, train


@pytest.fixture(scope="module")
def plan():
    return TrainingPlan(
        shape=NetworkShape((64, 16, 10)),
        images=load_images("digits"),
        method=Method(2),
        seed=1,
        faults=RandomFlips.iid(0.05, seed=0),
    )


def _names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_plan_ends_in_a_file_and_is_not_done_twice(plan, tmp_path):
    path = tmp_path / "model.safetensors"
    assert find_network(path, plan) is None
    seen = []
    first = obtain_network(path, plan, images_from="digits", on_epoch=seen.append)
    assert [len(history) for history in seen] == [1, 2]
    assert _names(tmp_path) == ["model.csv", "model.safetensors"]
    content = path.read_bytes()
    again = obtain_network(path, plan, images_from="digits", on_epoch=seen.append)
    assert len(seen) == 2
    assert path.read_bytes() == content
    assert again.folded.content_id == first.folded.content_id
    images = plan.images
    right = Evaluator(first.folded, images.test_images, images.test_labels).correct()
    assert first.metadata["accuracy"] == right / len(images.test_labels)


@pytest.mark.slow
def test_the_file_holds_what_the_network_is_and_how_it_came_about(plan, tmp_path):
    for shape in (plan.shape, NetworkShape.parse("1x8x8-5C3-4C3-MP2-6-10")):
        asked = dataclasses.replace(plan, shape=shape)
        path = tmp_path / f"{shape}.safetensors"
        found = obtain_network(path, asked, images_from="digits").metadata
        trained = training_runs.train(
            shape, plan.images, method=plan.method, seed=1, faults=RandomFlips.iid(0.05, seed=1)
        )
        assert found["history"] == [list(epoch.numbers) for epoch in trained.history]
        assert (found["training_ber"], found["seed"], found["epochs"]) == (0.05, 1, 2)
        assert found["arithmetic"] == trained.arithmetic
        assert found["settings"] == asked.settings()
        # The batch norms and the signs make the thresholds again.
        saved = load_network(path)
        assert saved.folded.image_shape == shape.image_shape
        again = fold_layers(
            [layer.signs for layer in saved.folded.layers],
            saved.norms,
            pools=[each.pool for each in shape.convolutions] + [False] * len(shape.layers),
            image_shape=shape.image_shape,
        )
        assert again.content_id == saved.folded.content_id
        for norm, layer in zip(saved.norms, trained.network.layers, strict=True):
            assert np.array_equal(norm.variance, layer.variance.numpy())


@pytest.mark.slow
def test_an_interrupt_leaves_a_checkpoint_to_go_on_from(plan, tmp_path):
    whole = obtain_network(tmp_path / "whole.safetensors", plan, images_from="digits")
    path = tmp_path / "model.safetensors"

    def interrupt(_history):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        obtain_network(path, plan, images_from="digits", on_epoch=interrupt)
    assert (tmp_path / "model.checkpoint").exists()
    assert not path.exists()
    assert len((tmp_path / "model.csv").read_text().splitlines()) == 2
    obtain_network(path, plan, images_from="digits")
    assert path.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert whole.metadata["epochs"] == 2
    assert not (tmp_path / "model.checkpoint").exists()
    assert (tmp_path / "model.csv").read_text() == (tmp_path / "whole.csv").read_text()


def test_the_log_has_a_row_an_epoch_and_is_the_history(plan, tmp_path):
    path = tmp_path / "model.safetensors"
    asked = dataclasses.replace(plan, method=Method(3, final_learning_rate=1e-3))
    saved = obtain_network(path, asked, images_from="digits")
    with path.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates == pytest.approx([1e-2, 10**-2.5, 1e-3])
    logged = [[float(row["training_loss"]), float(row["test_accuracy"])] for row in rows]
    assert logged == saved.metadata["history"]


@pytest.mark.slow
def test_the_log_is_whole_though_the_training_stopped_before_its_last_row(
    plan, tmp_path, monkeypatch
):
    path, write = tmp_path / "model.safetensors", train_module.write_text

    def stopped(file, text):
        if len(text.splitlines()) == 3:
            raise KeyboardInterrupt
        write(file, text)

    monkeypatch.setattr(train_module, "write_text", stopped)
    with pytest.raises(KeyboardInterrupt):
        obtain_network(path, plan, images_from="digits")
    monkeypatch.undo()
    assert len(path.with_suffix(".csv").read_text().splitlines()) == 2
    obtain_network(path, plan, images_from="digits")
    assert len(path.with_suffix(".csv").read_text().splitlines()) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"faults": RandomFlips.iid(0.1, seed=0)}, r"faults BER 0.05, now BER 0.1"),
        ({"faults": RandomFlips((0.05,), (0.05,), mixed=True)}, r"now BER 0.05, mixed"),
        ({"faults": None}, r"faults BER 0.05, now none"),
        ({"seed": 2}, r"\(seed 1, now 2\)"),
        ({"method": Method(3)}, r"\(epochs 2, now 3\)"),
        ({"method": Method(2, shift=1)}, r"\(shift 0, now 1\)"),
        ({"shape": NetworkShape((64, 17, 10))}, r"network 64-16-10, now 64-17-10"),
    ],
)
def test_a_network_of_another_plan_is_told(plan, tmp_path, change, told):
    path = tmp_path / "model.safetensors"
    obtain_network(path, plan, images_from="digits")
    content = path.read_bytes()
    with pytest.raises(InputError, match=told):
        obtain_network(path, dataclasses.replace(plan, **change), images_from="digits")
    assert path.read_bytes() == content


@pytest.mark.slow
def test_what_is_damaged_is_set_aside_and_made_again(plan, tmp_path):
    path, log = tmp_path / "model.safetensors", tmp_path / "model.csv"
    obtain_network(path, plan, images_from="digits")
    model, told = path.read_bytes(), log.read_bytes()
    # One digit of the accuracy in the record.
    at = model.index(b'"accuracy\\": 0.') + len(b'"accuracy\\": 0.')
    changed = model[:at] + (b"1" if model[at : at + 1] != b"1" else b"2") + model[at + 1 :]
    cases = [
        (model[:-40], "this is not a whole safetensors file"),
        (changed, "this file was damaged or changed"),
    ]
    for damaged, said in cases:
        path.write_bytes(damaged)
        with pytest.warns(DamagedWarning, match=rf"model\.safetensors: {said}"):
            obtain_network(path, plan, images_from="digits")
        assert path.read_bytes() == model
        assert log.read_bytes() == told
    assert (tmp_path / "model.safetensors.damaged-2").read_bytes() == changed
    log.write_bytes(told[:-9])
    path.with_suffix(".checkpoint").write_bytes(b"left by a kill")
    with pytest.warns(DamagedWarning, match=r"model\.csv: it is not the log"):
        obtain_network(path, plan, images_from="digits")
    assert log.read_bytes() == told
    assert not path.with_suffix(".checkpoint").exists()


def test_two_processes_do_not_train_into_one_file(plan, tmp_path):
    path = tmp_path / "model.safetensors"
    with (
        held(path.with_suffix(".lock"), "the file"),
        pytest.raises(InputError, match=rf"model\.safetensors: is in use by process {os.getpid()}"),
    ):
        obtain_network(path, plan, images_from="digits")


@pytest.mark.slow
def test_a_call_gives_the_network_of_the_command(tmp_path):
    arguments = ["train", "--network", "64-16-10", "--training-ber", "0.05", "--epochs", "2"]
    result = CliRunner().invoke(app, [*arguments, "--json", "--out", str(tmp_path)])
    (model,) = json.loads(result.stdout)["models"]
    seen = []
    network = train(
        "digits",
        network="64-16-10",
        training_ber=0.05,
        epochs=2,
        progress=lambda stage, done, total, note="": seen.append((stage, done, total)),
    )
    assert network.folded.content_id == model["network_id"]
    saved = load_network(model["file"])
    assert {**saved.metadata, **network.metadata} == dict(saved.metadata)
    assert [norm.mean.tolist() for norm in network.norms] == [
        norm.mean.tolist() for norm in saved.norms
    ]
    assert seen == [("epochs (BER 0.05)", 1, 2), ("epochs (BER 0.05)", 2, 2)]
    assert (network.training_ber, network.accuracy) == (0.05, model["accuracy"])
    assert repr(network).startswith("<network 64-16-10, training BER 0.05, accuracy without bit")


@pytest.mark.slow
def test_a_call_trains_into_a_file_only_once(tmp_path):
    file = tmp_path / "one.safetensors"
    seen = []
    settings = {"network": "64-16-10", "training_ber": (0.02, 0.1), "epochs": 1, "file": file}
    progress = lambda *args: seen.append(args)  # noqa: E731
    first = train(load_images("digits"), progress=progress, **settings)
    again = train("digits", progress=progress, **settings)
    # Of one that is there all is done, and there is no epoch to speak of.
    assert [(done, of, bool(words)) for _, done, of, words in seen] == [(1, 1, True), (1, 1, False)]
    assert first.folded.content_id == again.folded.content_id
    assert first.metadata["settings"]["faults"] == "BER of LRS 0.02, of HRS 0.1"
    assert first.training_ber == pytest.approx(0.06)
    with pytest.raises(InputError, match="holds a network of another training"):
        train("digits", **{**settings, "training_ber": 0.0})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"training_ber": 0.5}, "training BER 0.5: accepted are 0 to below 0.5"),
        ({"training_ber": (0.1, -0.1)}, "training BER -0.1"),
        ({"training_ber": [0.1]}, r"training BER \[0.1\]: accepted is a number, or \(LRS, HRS\)"),
        ({"file": "net.csv"}, "file 'net.csv': accepted is a name that ends in .safetensors"),
        ({"epochs": 0}, "epochs 0: accepted is 1 or more"),
        ({"epochs": 2, "method": Method(2)}, "epochs and method were both given"),
        ({"network": "63-10"}, "does not fit the images digits"),
        ({"images": "mnits"}, "neither a known name nor a folder"),
    ],
)
def test_what_cannot_be_trained_is_told(settings, message):
    with pytest.raises(InputError, match=message):
        train(**settings)


@pytest.mark.slow
def test_the_arithmetic_that_is_asked_for_is_used_and_told(tmp_path):
    def attempt(arithmetic, file=None):
        return train("digits", network="64-16-10", epochs=1, arithmetic=arithmetic, file=file)

    file = tmp_path / "model.safetensors"
    rounded, exact = attempt("bfloat16", file), attempt("float32")
    assert rounded.metadata["arithmetic"] == "cpu bfloat16"
    assert exact.metadata["arithmetic"] == "cpu float32"
    assert rounded.folded.content_id != exact.folded.content_id
    # A file is what was asked for, or is told to be another.
    assert attempt(None, file).folded.content_id == rounded.folded.content_id
    with pytest.raises(InputError, match=r"\(arithmetic bfloat16, now float32\)"):
        attempt("float32", file)
    with pytest.raises(InputError, match=r"arithmetic is 'int8'; accepted: float32 or bfloat16"):
        attempt("int8")


@pytest.mark.parametrize("arithmetic", [None, "float32"])
def test_a_file_of_an_imported_network_is_not_trained_over(tmp_path, arithmetic):
    file = tmp_path / "model.safetensors"
    trained = train("digits", network="64-16-10", epochs=1)
    metadata = {**trained.metadata, "settings": {"imported": "Net"}}
    del metadata["arithmetic"]
    save_network(file, dataclasses.replace(trained, metadata=metadata))
    with pytest.raises(InputError, match=r"that was imported from Net, not trained here"):
        train("digits", network="64-16-10", epochs=1, file=file, arithmetic=arithmetic)
