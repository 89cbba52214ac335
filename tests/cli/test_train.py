import json

import numpy as np
import pytest
from typer.testing import CliRunner

from rramsim.cli import main
from rramsim.cli.app import app
from rramsim.errors import InputError
from rramsim.network import plan
from rramsim.network.evaluation import Evaluator
from rramsim.network.files import load_network
from rramsim.network.images import load_images

SMALL = ("train", "--network", "64-16-10", "--epochs", "2")


def _run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def _models(*arguments):
    result = _run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["models"]


def test_one_model_file_for_each_training_ber(tmp_path):
    bers = ("--training-ber", 0, "--training-ber", 0.05, "--training-ber", "-0.0")
    models = _models(*SMALL, *bers, "-o", tmp_path / "nets")
    names = [f"digits-64-16-10-training-ber-{ber}.safetensors" for ber in ("0.0", "0.05")]
    assert [each["file"] for each in models] == [str(tmp_path / "nets" / name) for name in names]
    assert sorted(path.name for path in (tmp_path / "nets").iterdir()) == names
    digits = load_images("digits")
    for each in models:
        saved = load_network(tmp_path / "nets" / each["file"])
        right = Evaluator(saved.folded, digits.test_images, digits.test_labels).correct()
        assert each["accuracy"] == right / 490
        assert (each["training_ber"], each["epochs"]) == (saved.metadata["training_ber"], 2)
        assert (each["images"], each["network"]) == ("digits", "64-16-10")


def test_a_table_tells_what_was_trained_and_what_was_there(tmp_path):
    first = _run(*SMALL, "-o", tmp_path)
    assert first.exit_code == 0
    assert "490 test images of digits" in " ".join(first.stdout.split())
    assert " now " in first.stdout
    path = tmp_path / "digits-64-16-10-training-ber-0.0.safetensors"
    content, written = path.read_bytes(), path.stat().st_mtime_ns
    second = _run(*SMALL, "-o", tmp_path)
    assert " before " in second.stdout
    assert " now " not in second.stdout
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, written)


def test_the_same_command_goes_on_after_an_interrupt(tmp_path, monkeypatch):
    whole = _models(*SMALL, "--training-ber", 0.1, "-o", tmp_path / "whole")
    train, stopped = plan.train, []

    def interrupted(*arguments, on_epoch, **more):
        def stop(*epoch):
            stopped.append(epoch)
            raise KeyboardInterrupt

        return train(*arguments, on_epoch=stop, **more)

    command = (*SMALL, "--training-ber", 0.1, "-o", tmp_path / "nets")
    monkeypatch.setattr(plan, "train", interrupted)
    assert _run(*command).exit_code != 0
    monkeypatch.undo()
    assert len(stopped) == 1
    resumed = _models(*command)
    assert resumed[0]["network_id"] == whole[0]["network_id"]


def test_a_model_of_other_settings_is_told_before_anything_is_trained(tmp_path):
    _models(*SMALL, "--training-ber", 0.05, "-o", tmp_path)
    bers = ("--training-ber", 0, "--training-ber", 0.05)
    result = _run(*SMALL, *bers, "--seed", 8, "-o", tmp_path)
    assert isinstance(result.exception, InputError)
    assert "another training (seed 1, now 8)" in str(result.exception)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_is_recorded_so_that_it_is_found_again(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    folder = tmp_path / "my [images]"
    folder.mkdir()
    for part, count in (("train", 60), ("t10k", 20)):
        pixels = rng.integers(0, 256, (count, 3, 3)).astype(np.uint8)
        labels = (np.arange(count) % 2).astype(np.uint8)
        for name, array in ((f"{part}-images-idx3", pixels), (f"{part}-labels-idx1", labels)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
            (folder / f"{name}-ubyte").write_bytes(head + array.tobytes())
    monkeypatch.chdir(tmp_path)
    (model,) = _models("train", "--images", "my [images]", "--epochs", 1, "-o", "nets")
    assert model["images"] == str(folder)
    assert model["network"] == "9-512-512-2"
    assert model["file"] == "nets/my-images-9-512-512-2-training-ber-0.0.safetensors"
    shown = _run("train", "--images", "my [images]", "--epochs", 1, "-o", "nets")
    assert "20 test images of my-images" in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--network", "64-x-10"), "'x' is not a width"),
        (("--network", "63-5-10"), "64 inputs and 10 classes"),
        (("--images", "nowhere"), "neither a known name nor a folder"),
        (("--training-ber", "0.6"), "'--training-ber'"),
        (("--training-ber", "nan"), "'--training-ber'"),
        (("--epochs", "0"), "'--epochs'"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(tmp_path, monkeypatch, capsys, arguments, told):
    command = ["rramsim", "train", *arguments, "-o", str(tmp_path / "nets")]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert told in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert not (tmp_path / "nets").exists()


def test_help_has_an_example():
    result = _run("train", "--help")
    assert "rramsim train --training-ber 0" in result.stdout
