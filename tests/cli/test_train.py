import json
import re
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from typer.testing import CliRunner

from rramsim.cli import main
from rramsim.cli.app import app
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.network.model_files import load_network
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.training import trainer
from rramsim.network.training.method import Method

SMALL = ("train", "--network", "64-16-10", "--epochs", "2")


def _run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def _models(*arguments):
    result = _run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["models"]


@pytest.mark.slow
def test_one_model_file_for_each_training_ber(tmp_path):
    bers = ("--training-ber", 0, "--training-ber", 0.05, "--training-ber", "-0.0")
    models = _models(*SMALL, *bers, "--out", tmp_path / "nets")
    names = [f"digits-64-16-10-training-ber-{ber}.safetensors" for ber in ("0.0", "0.05")]
    assert [each["file"] for each in models] == [str(tmp_path / "nets" / name) for name in names]
    logs = [name.replace(".safetensors", ".csv") for name in names]
    there = sorted(path.name for path in (tmp_path / "nets").iterdir())
    assert there == sorted([*names, *logs])
    digits = load_images("digits")
    for each in models:
        saved = load_network(tmp_path / "nets" / each["file"])
        right = Evaluator(saved.folded, digits.test_images, digits.test_labels).correct()
        assert each["accuracy"] == right / 490
        assert (each["training_ber"], each["epochs"]) == (saved.metadata["training_ber"], 2)
        assert (each["images"], each["network"]) == ("digits", "64-16-10")


@pytest.mark.slow
def test_a_table_tells_what_was_trained_and_what_was_there(tmp_path):
    first = _run(*SMALL, "--out", tmp_path)
    assert first.exit_code == 0
    assert "490 test images of digits" in " ".join(first.stdout.split())
    assert " now " in first.stdout
    path = tmp_path / "digits-64-16-10-training-ber-0.0.safetensors"
    assert f"training BER 0:\n  {path}\n" in first.stdout
    ratio = load_network(path).mean_over_spread
    assert f" {ratio:.2g} " in first.stdout
    assert ("--reestimate" in first.stdout) == (ratio > 1)
    content, written = path.read_bytes(), path.stat().st_mtime_ns
    second = _run(*SMALL, "--out", tmp_path)
    assert " before " in second.stdout
    assert " now " not in second.stdout
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, written)


@pytest.mark.slow
def test_the_same_command_goes_on_after_an_interrupt(tmp_path, monkeypatch):
    whole = _models(*SMALL, "--training-ber", 0.1, "--out", tmp_path / "whole")
    train, stopped = trainer.run_training, []

    def interrupted(*arguments, on_epoch, **more):
        def stop(history):
            stopped.append(history)
            raise KeyboardInterrupt

        return train(*arguments, on_epoch=stop, **more)

    command = (*SMALL, "--training-ber", 0.1, "--out", tmp_path / "nets")
    monkeypatch.setattr(trainer, "run_training", interrupted)
    assert _run(*command).exit_code != 0
    monkeypatch.undo()
    assert [len(history) for history in stopped] == [1]
    resumed = _models(*command)
    assert resumed[0]["network_id"] == whole[0]["network_id"]


@pytest.mark.slow
def test_a_model_of_other_settings_is_told_before_anything_is_trained(tmp_path):
    _models(*SMALL, "--training-ber", 0.05, "--out", tmp_path)
    bers = ("--training-ber", 0, "--training-ber", 0.05)
    result = _run(*SMALL, *bers, "--seed", 8, "--out", tmp_path)
    assert isinstance(result.exception, InputError)
    assert "another training (seed 1, now 8)" in str(result.exception)
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ".csv"}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
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
    (model,) = _models("train", "--images", "my [images]", "--epochs", 1, "--out", "nets")
    assert model["images"] == str(folder)
    assert model["network"] == "9-512-512-2"
    assert model["file"] == "nets/my-images-9-512-512-2-training-ber-0.0.safetensors"
    shown = _run("train", "--images", "my [images]", "--epochs", 1, "--out", "nets")
    assert "20 test images of my-images" in " ".join(shown.stdout.split())


TRAINING = """
epochs = 1
training_bers = [0.1]

[network]
hidden = ["4C3", "MP2", "8"]

[training]
batch_size = 256
shift = 1

[[errors]]
name = "one-state"
ber_lrs = [0.0, 0.1, 0.2]
ber_hrs = 0

[[errors]]
name = "mixed"
ber_lrs = 0.2
ber_hrs = 0.1
mixed = true
"""


def _training_file(folder, text=TRAINING):
    file = folder / "training.toml"
    file.write_text(text)
    return file


@pytest.mark.slow
def test_a_training_file_trains_a_network_for_each_ber_and_each_of_its_errors(tmp_path):
    file = _training_file(tmp_path, TRAINING.replace("ber_hrs = 0\n", "ber_hrs = [0, 0, 0]\n"))
    models = _models("train", file, "--out", tmp_path / "nets")
    first = "digits-1x8x8-4C3-MP2-8-10"
    names = [f"{first}-{name}" for name in ("training-ber-0.1", "one-state", "mixed")]
    assert [each["file"] for each in models] == [
        str(tmp_path / "nets" / f"{name}.safetensors") for name in names
    ]
    assert [each["training_ber"] for each in models] == pytest.approx([0.1, 0.05, 0.15])
    faults = [load_network(Path(each["file"])).metadata["settings"]["faults"] for each in models]
    assert faults == [
        "BER 0.1",
        "BER of LRS 0.0 0.1 0.2, of HRS 0.0 0.0 0.0",
        "BER of LRS 0.2, of HRS 0.1, mixed",
    ]
    for each in models:
        settings = load_network(Path(each["file"])).metadata["settings"]
        assert (settings["batch_size"], settings["shift"], settings["epochs"]) == (256, 1, 1)
    # Options win over the file.
    (shorter, *_) = _models("train", file, "--training-ber", 0, "--out", tmp_path / "other")
    assert shorter["training_ber"] == 0


@pytest.mark.slow
def test_with_errors_alone_no_plain_network_is_trained(tmp_path):
    text = TRAINING.replace("training_bers = [0.1]\n", "").replace(
        "ber_hrs = 0\n", "ber_hrs = [0,0,0]\n"
    )
    models = _models("train", _training_file(tmp_path, text), "--out", tmp_path / "nets")
    assert [Path(each["file"]).stem.rpartition("10-")[2] for each in models] == [
        "one-state",
        "mixed",
    ]


@pytest.mark.slow
def test_a_table_marks_training_bers_that_are_means_or_mixed(tmp_path):
    file = _training_file(tmp_path, TRAINING.replace("ber_hrs = 0\n", "ber_hrs = [0, 0, 0]\n"))
    words = _run("train", file, "--out", tmp_path / "nets").output
    bers = re.findall(r"^(\S.*?) {2,}\d+\.\d\d\s%", words, re.MULTILINE)
    assert bers == ["0.1", "0.05 (mean)", "up to 0.15 (mean)"]


@pytest.mark.slow
def test_a_recipe_and_what_differs_from_it(tmp_path):
    more = ("--recipe", "courbariaux2016", "--network", "64-32-10", "--epochs", 2, "--json")
    result = _run("train", *more, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    (model,) = json.loads(result.stdout)["models"]
    saved = load_network(model["file"])
    settings = saved.metadata["settings"]
    expected = Method.of_recipe("courbariaux2016", epochs=2, margin=1).settings()
    assert {name: settings[name] for name in expected} == expected
    assert settings["signed_levels"] == 16
    # The better of two epochs on images that were not learnt; both are in the log.
    kept = [epoch[2] for epoch in saved.metadata["history"]]
    assert kept[saved.metadata["best_epoch"] - 1] == max(kept)
    header, *rows = Path(model["file"]).with_suffix(".csv").read_text().splitlines()
    assert header.split(",")[-1] == "validation_accuracy"
    assert [float(row.split(",")[-1]) for row in rows] == kept
    # Pixels from -1 to +1 put first-layer sums far from 0, which bit errors show.
    shown = " ".join(_run("train", *more[:-1], "--out", tmp_path).stdout.split())
    assert ("is much: compare rramsim evaluate" in shown) == (saved.mean_over_spread > 1)


def test_a_training_file_that_is_no_toml_is_told_without_talk_of_resistances(tmp_path):
    result = _run("train", _training_file(tmp_path, "images = digits\n"), "--out", tmp_path)
    assert "not valid TOML" in str(result.exception)
    assert "--measurements" not in str(result.exception)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TRAINING, "'one-state': training BERs: 3 for LRS and 1 for HRS"),
        (
            '[[errors]]\nname = "two"\nber_lrs = [0.1, 0.1]\nber_hrs = [0.1, 0.1]\n',
            "'two': training BERs: 2 are given for a network of 3 layers",
        ),
        (
            'training_bers = [0.1]\n[[errors]]\nname = "training-ber-0.1"\n'
            "ber_lrs = 0.1\nber_hrs = 0.1\n",
            "'training-ber-0.1': the file of this name is that of another network",
        ),
        ("[training]\nshift = 9\n", "shift of 9 pixels: images of 8 x 8 pixels"),
        ('network = "3x32x32-8C3-10"\n', "does not fit the images digits"),
        ('[network]\nhidden = ["8C5"]\n', "8C5 cannot be trained, only filters of 3 x 3"),
        (
            "[training]\nrate = 1\n",
            "there is no setting 'training.rate'. Accepted are batch_norm_gradient",
        ),
    ],
)
def test_a_training_file_that_cannot_be_done_is_told(tmp_path, text, told):
    result = _run("train", _training_file(tmp_path, text), "--out", tmp_path / "nets")
    assert isinstance(result.exception, InputError)
    assert told in str(result.exception)
    assert not (tmp_path / "nets").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there_is_exit_code_2(tmp_path, monkeypatch, capsys):
    command = ["rramsim", *SMALL, "--device", "cuda", "--out", str(tmp_path / "nets")]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert "torch finds no CUDA graphics processor here" in printed.err
    assert "Traceback" not in printed.err
    assert not (tmp_path / "nets").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--network", "64-x-10"), "'x' is not a width"),
        (("--network", "63-5-10"), "64 inputs and 10 classes"),
        (("--images", "nowhere"), "neither a known name nor a folder"),
        (("--training-ber", "0.6"), "--training-ber is"),
        (("--training-ber", "nan"), "--training-ber is"),
        (("--epochs", "0"), "--epochs is '0'; accepted: greater than or equal to 1."),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(tmp_path, monkeypatch, capsys, arguments, told):
    command = ["rramsim", "train", *arguments, "--out", str(tmp_path / "nets")]
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


@pytest.mark.slow
def test_several_trainings_have_a_mean_and_go_on_where_they_stopped(tmp_path):
    command = (*SMALL, "--training-ber", 0, "--training-ber", 0.1, "--out", tmp_path)
    result = _run(*command, "--trainings", 2, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    names = [
        f"digits-64-16-10-training-ber-{ber}-seed-{seed}.safetensors"
        for ber in ("0.0", "0.1")
        for seed in (1, 2)
    ]
    assert [Path(each["file"]).name for each in answer["models"]] == names
    (single,) = _models(*SMALL, "--seed", 2, "--out", tmp_path / "single")
    assert single["network_id"] == answer["models"][1]["network_id"]
    assert [each["training_ber"] for each in answer["recipes"]] == [0.0, 0.1]
    for place, recipe in enumerate(answer["recipes"]):
        accuracies = [each["accuracy"] for each in answer["models"][2 * place : 2 * place + 2]]
        low, high = stats.t.interval(0.95, 1, np.mean(accuracies), stats.sem(accuracies))
        assert recipe["files"] == [
            each["file"] for each in answer["models"][2 * place : 2 * place + 2]
        ]
        assert recipe["accuracy_mean"] == pytest.approx(np.mean(accuracies))
        assert recipe["accuracy_sd"] == pytest.approx(np.std(accuracies, ddof=1))
        assert recipe["accuracy_low"] == pytest.approx(max(low, 0.0))
        assert recipe["accuracy_high"] == pytest.approx(min(high, 1.0))
    shown = _run(*command, "--trainings", 3).stdout
    whens = [line.split()[-1] for line in shown.splitlines() if "\xa0%" in line]
    assert whens[:6] == ["before", "before", "now"] * 2
    saved = [
        load_network(tmp_path / f"digits-64-16-10-training-ber-0.0-seed-{seed}.safetensors")
        for seed in (1, 2, 3)
    ]
    mean, deviation = (
        100 * value([each.accuracy for each in saved])
        for value in (np.mean, partial(np.std, ddof=1))
    )
    assert f"{mean:.2f}\xa0% ± {deviation:.2f}\xa0%" in shown
    told = " ".join(shown.split())
    assert "seeds 1 to 3; accuracy without bit errors on the 490 test images of digits" in told
    assert "It leaves out other images: all networks were tested on the same ones." in told
    assert "digits-64-16-10-training-ber-0.0-seed-*.safetensors --ber 0.05" in told


@pytest.mark.slow
def test_the_command_that_is_proposed_finds_the_networks_wherever_they_lie(tmp_path):
    folder = tmp_path / "my nets' $HOME [1]"
    for more, marks in ((("--trainings", 2), ("seed-1", "seed-2")), ((), ("",))):
        shown = _run(*SMALL, *more, "--out", folder).stdout
        (proposed,) = (line for line in shown.splitlines() if "rramsim evaluate" in line)
        arguments = proposed.replace("rramsim evaluate", "printf '%s\\n'", 1)
        found = subprocess.run(["sh", "-c", arguments], capture_output=True, text=True, check=True)
        *files, option, rate = found.stdout.splitlines()
        assert (option, rate) == ("--ber", "0.05")
        assert len(files) == len(marks)
        for file, mark in zip(files, marks, strict=True):
            assert Path(file).is_file()
            assert Path(file).parent == folder
            assert mark in file
        # What is said of the interval stands once.
        assert shown.count("Student t interval") == (1 if more else 0)


@pytest.mark.slow
def test_folds_are_set_in_a_training_file(tmp_path):
    file = _training_file(tmp_path, 'network = "64-16-10"\nepochs = 1\nfolds = 3\n')
    result = _run("train", file, "--out", tmp_path / "nets", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert [(each["fold"]["number"], each["seed"]) for each in answer["models"]] == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]
    assert Path(answer["models"][0]["file"]).stem.endswith("-training-ber-0.0-fold-1-of-3")
    ((recipe,),) = (answer["recipes"],)
    accuracies = [each["accuracy"] for each in answer["models"]]
    half = stats.t.ppf(0.975, 2) * np.std(accuracies, ddof=1) * np.sqrt(1 / 3 + 1 / 2)
    assert recipe["accuracy_high"] - recipe["accuracy_mean"] == pytest.approx(half)
    told = " ".join(_run("train", file, "--out", tmp_path / "nets").stdout.split())
    assert "digits, divided into 3 parts, each tested by the network that was trained" in told
    assert "-fold-*-of-3.safetensors" in told


def test_trainings_and_folds_that_cannot_be_are_told_before_anything_is_written(tmp_path):
    for more, words in (
        (("--folds", 3, "--trainings", 2), "accepted is one of the two"),
        (("--folds", 175), "accepted are 2 to 174"),
    ):
        result = _run(*SMALL, *more, "--out", tmp_path / "nets")
        assert isinstance(result.exception, InputError)
        assert words in str(result.exception)
    assert not (tmp_path / "nets").exists()
