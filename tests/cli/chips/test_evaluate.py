import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from chip_networks import random_network, score_layer
from scipy import stats
from typer.testing import CliRunner

from rramsim.cli import main
from rramsim.cli.app import app
from rramsim.crossbar.correlated import CorrelatedFaults
from rramsim.crossbar.faults import IidFaults
from rramsim.crossbar.protection import protect
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.images.image_set import ImageSet
from rramsim.montecarlo.collect import score_chips
from rramsim.montecarlo.reestimate import reestimated_for
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.folded.network import FoldedConvolution, FoldedLayer, FoldedNetwork
from rramsim.network.model_files import SavedNetwork, load_network, save_network
from rramsim.network.scoring import torch_evaluator as torch_evaluation
from rramsim.network.scoring.certificate import certify
from rramsim.schema import validate
from rramsim.study.evaluate import evaluate

KEYS = {
    *("ber", "accuracy_mean", "accuracy_low", "accuracy_high", "accuracy_p05"),
    *("maps", "images_per_chip", "method"),
}


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load_images("digits")


@pytest.fixture(scope="module")
def network(digits: ImageSet) -> FoldedNetwork:
    """Return a linear classifier whose weights say where a digit is brighter than the mean one."""
    pixels = digits.train_images.astype(float)
    means = np.array([pixels[digits.train_labels == digit].mean(axis=0) for digit in range(10)])
    return FoldedNetwork((score_layer(np.where(means >= means.mean(axis=0), 1, -1)),))


def record(digits: ImageSet, **changes: object) -> dict[str, object]:
    return {
        "training_ber": 0.0,
        "accuracy": 0.5,
        "epochs": 1,
        "seed": 1,
        "images": "digits",
        "images_id": digits.content_id,
        "settings": {},
        "history": [],
        "version": "0",
        **changes,
    }


@pytest.fixture(scope="module")
def model(
    tmp_path_factory: pytest.TempPathFactory, digits: ImageSet, network: FoldedNetwork
) -> str:
    path = tmp_path_factory.mktemp("models") / "network.safetensors"
    save_network(path, SavedNetwork(network, record(digits)))
    return str(path)


def uncoloured(text: str) -> str:
    """Return what was printed without the colours that some terminals, and CI, are given."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def answer(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(app, ["evaluate", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refusal(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    monkeypatch.setattr("sys.argv", ["rramsim", "evaluate", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err


def test_without_errors_the_accuracy_is_that_of_the_weights(
    model: str, digits: ImageSet, network: FoldedNetwork
) -> None:
    scores = digits.test_images.astype(int) @ network.output.signs.astype(int).T
    expected = float((scores.argmax(axis=1) == digits.test_labels).mean())
    (point,) = answer(model, "--ber", "0", "--chips", "3")["points"]
    assert set(point) == KEYS
    assert expected > 0.5
    for name in ("accuracy_mean", "accuracy_low", "accuracy_high", "accuracy_p05"):
        assert point[name] == expected
    assert point["maps"] == 3


def test_points_come_in_the_order_asked_with_their_intervals(model: str) -> None:
    found = answer(model, "--ber", "0.3", "--ber", "0.01", "--ber", "0.01", "--chips", "8")
    points = found["points"]
    assert [point["ber"] for point in points] == [0.3, 0.01, 0.01]
    assert points[1] == points[2]
    for point in points:
        assert set(point) == KEYS
        assert point["maps"] == 8
        assert point["accuracy_low"] < point["accuracy_mean"] < point["accuracy_high"]
    assert points[0]["accuracy_high"] < points[1]["accuracy_low"]


@pytest.mark.slow
def test_the_answer_depends_on_the_seed_and_on_nothing_else(model: str) -> None:
    asked = [model, "--ber", "0.1", "--chips", "4"]
    assert answer(*asked) == answer(*asked, "--seed", "1")
    assert answer(*asked)["points"] != answer(*asked, "--seed", "2")["points"]
    # The chips of one BER are the same whichever others are asked for.
    assert answer(*asked)["points"] == answer(*asked, "--ber", "0.2")["points"][:1]


def test_weights_that_are_half_wrong_know_nothing(model: str, digits: ImageSet) -> None:
    # At a BER of 1/2 every weight is a fair coin: each class is as likely, whatever the image.
    (point,) = answer(model, "--ber", "0.5", "--chips", "150")["points"]
    error = (point["accuracy_high"] - point["accuracy_low"]) / 2 / stats.t.ppf(0.975, 149)
    assert 2 * stats.norm.sf(abs(point["accuracy_mean"] - 0.1) / error) > 1e-4


def test_one_chip_has_no_interval(model: str) -> None:
    (point,) = answer(model, "--ber", "0.1", "--chips", "1")["points"]
    assert 0 < point["accuracy_mean"] < 1
    assert point["accuracy_low"] is point["accuracy_high"] is point["accuracy_p05"] is None


def test_a_person_is_shown_a_table_and_how_it_was_made(model: str) -> None:
    result = CliRunner().invoke(app, ["evaluate", model, "--ber", "0.0123", "--chips", "4"])
    assert result.exit_code == 0
    point = answer(model, "--ber", "0.0123", "--chips", "4")["points"][0]
    row = next(line for line in result.stdout.splitlines() if "0.0123" in line)
    assert f"{100 * point['accuracy_mean']:.2f}" in row
    assert f"{100 * point['accuracy_low']:.2f} to {100 * point['accuracy_high']:.2f}" in row
    assert "Student t" in " ".join(result.stdout.split())
    assert "490 test images of digits" in " ".join(result.stdout.split())


def test_chips_can_be_scored_on_some_of_the_images(model: str, tmp_path: Path) -> None:
    asked = ["--ber", "0", "--ber", "0.1", "--chips", "5", "--images-per-chip", "100"]
    exact, some = answer(model, *asked)["points"]
    assert (exact["images_per_chip"], some["images_per_chip"]) == (490, 100)
    assert exact["accuracy_p05"] == exact["accuracy_mean"]
    assert some["accuracy_p05"] is None
    (whole,) = answer(model, "--ber", "0.1", "--chips", "5")["points"]
    assert whole["images_per_chip"] == 490
    assert some["accuracy_mean"] != whole["accuracy_mean"]
    table = CliRunner().invoke(app, ["evaluate", model, *asked])
    heading, _, _, row = table.stdout.splitlines()[:4]
    assert "images a chip" in heading
    assert row.split()[-3:] == ["unknown", "5", "100"]
    result = CliRunner().invoke(app, ["evaluate", model, *asked, "-o", str(tmp_path / "a.nc")])
    assert result.exit_code == 0, result.output
    with xr.open_dataset(tmp_path / "a.nc") as found:
        assert found["images_per_chip"].values.tolist() == [490, 100]
        assert np.isnan(found["accuracy_p05"].values).tolist() == [False, True]


def test_chips_are_scored_until_the_mean_is_known(model: str) -> None:
    asked = ["--ber", "0.1", "--chips", "500", "--half-width", "0.02"]
    (point,) = answer(model, *asked)["points"]
    assert point["maps"] in (30, 60, 120, 240)
    assert point["accuracy_high"] - point["accuracy_low"] == pytest.approx(0.04)
    (fitted,) = answer(model, *asked, "--images-per-chip", "auto")["points"]
    # Of so small a network a chip costs as much as its images: all of them are kept.
    assert fitted == point


def test_it_is_said_where_a_mean_stays_open_and_where_chips_keep_all_images(model: str) -> None:
    bers = ["--ber", "0", "--ber", "1e-4", "--ber", "0.2"]
    asked = [*bers, "--chips", "31", "--half-width", "0.004", "--images-per-chip", "auto"]
    found = answer(model, *asked)
    assert (found["half_width"], found["images_chosen"]) == (0.004, "auto")
    points = found["points"]
    assert [point["half_width_reached"] for point in points] == [True, True, False]
    assert [point["images_per_chip"] for point in points] == [490, 490, 490]
    words = " ".join(CliRunner().invoke(app, ["evaluate", model, *asked]).stdout.split())
    open_mean = "BER 0.2: not known to within ± 0.4 percentage points after 31 chips, the most that"
    assert open_mean in words
    assert "BER 0.2: chips keep all images, since fewer (auto) would have saved little" in words
    assert "half_width" not in answer(model, *bers)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--images-per-chip", "auto"], "--images-per-chip is auto without a half width, which"),
        (["--images-per-chip", "1e3"], "--images-per-chip is '1e3'; accepted: a number of test"),
        (["--images-per-chip", "491"], "--images-per-chip is 491; accepted: 1 to 490, the number"),
        (["--half-width", "0.01"], "--half-width needs --chips 30 or more, and --chips is 20"),
        (["--half-width", "2"], "--half-width is 2; accepted: a share of the images above 0 and"),
        (["--half-width", "0", "--chips", "30"], "--half-width is 0; accepted: a share"),
        (["--half-width", "1", "--chips", "30"], "--half-width is 1; accepted: a share of the"),
    ],
)
def test_images_and_half_widths_that_cannot_be_are_refused(
    model: str,
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = refusal([model, "--ber", "0.1", *arguments], monkeypatch, capsys)
    assert told in " ".join(shown.split())


@pytest.fixture(scope="module")
def convolutional(
    tmp_path_factory: pytest.TempPathFactory, digits: ImageSet, network: FoldedNetwork
) -> str:
    """Return a model file: 16 random filters on the digits' 8 x 8 pixels, then scores."""
    rng = np.random.default_rng(1)
    signs = np.array([-1, 1], dtype=np.int8)
    filters = FoldedConvolution(
        signs=rng.choice(signs, (16, 1, 3, 3)),
        thresholds=rng.integers(-9, 9, 16),
        directions=rng.choice(signs, 16),
        pool=True,
    )
    folded = FoldedNetwork((filters, score_layer(rng.choice(signs, (10, 256)))), (1, 8, 8))
    path = tmp_path_factory.mktemp("models") / "convolutional.safetensors"
    save_network(path, SavedNetwork(folded, record(digits)))
    return str(path)


@pytest.mark.slow
def test_a_convolutional_network_is_scored_and_named(convolutional: str) -> None:
    asked = [convolutional, "--ber", "0.3", "--chips", "3"]
    (point,) = answer(*asked)["points"]
    assert 0 < point["accuracy_low"] < point["accuracy_mean"] < point["accuracy_high"]
    shown = CliRunner().invoke(app, ["evaluate", *asked]).stdout
    assert "1x8x8-16C3-MP2-10" in shown


@pytest.fixture(scope="module")
def two_hidden(tmp_path_factory: pytest.TempPathFactory, digits: ImageSet) -> str:
    """Return a model file of random weights, 64-20-15-10."""
    path = tmp_path_factory.mktemp("models") / "two-hidden.safetensors"
    save_network(path, SavedNetwork(random_network(64, 20, 15, 10), record(digits)))
    return str(path)


def outputs_of(layer: FoldedLayer, values: np.ndarray) -> np.ndarray:
    sums = values @ layer.signs.astype(int).T
    return np.where(sums * layer.directions >= layer.thresholds, 1, -1)


@pytest.mark.slow
def test_neurons_that_never_change_are_shown_layer_by_layer(
    two_hidden: str, digits: ImageSet
) -> None:
    asked = [two_hidden, "--ber", "0", "--ber", "0.3", "--chips", "3"]
    found = answer(*asked, "--neurons")
    values = digits.test_images.astype(int)
    hidden, without_errors = (
        load_network(Path(two_hidden)).folded.hidden,
        found["points"][0].pop("neurons"),
    )
    for layer, shown in zip(hidden, without_errors, strict=True):
        values = outputs_of(layer, values)
        plus, minus = (values == 1).all(axis=0).mean(), (values == -1).all(axis=0).mean()
        shares = ("mean", "low", "high")
        assert [shown[f"constant_share_{each}"] for each in shares] == pytest.approx(
            [plus + minus] * 3
        )
        assert shown["always_plus_share_mean"] == pytest.approx(plus)
        assert shown["always_minus_share_mean"] == pytest.approx(minus)
        assert "Exact" in shown["method"]
    with_errors = found["points"][1].pop("neurons")
    assert [(each["layer"], each["neurons"]) for each in with_errors] == [(1, 20), (2, 15)]
    # Nothing else differs from what is answered without the option.
    assert found == answer(*asked)
    table = CliRunner().invoke(app, ["evaluate", *asked, "--neurons"]).stdout
    share = with_errors[0]["constant_share_mean"]
    assert 0 < share < 1
    (row,) = (line for line in table.splitlines() if f"{100 * share:.2f}\xa0% (" in line)
    assert "0.3" in row
    told = " ".join(table.split())
    assert "value is the same on all test images" in told
    assert "In a convolution" not in told


@pytest.mark.slow
def test_a_neuron_of_a_convolution_is_a_filter_at_a_place(convolutional: str) -> None:
    asked = [convolutional, "--ber", "0.1", "--chips", "2", "--neurons"]
    ((shown,),) = (point["neurons"] for point in answer(*asked)["points"])
    assert (shown["layer"], shown["neurons"]) == (1, 16 * 4 * 4)
    assert 0 < shown["constant_share_mean"] < 1
    told = " ".join(CliRunner().invoke(app, ["evaluate", *asked]).stdout.split())
    assert "every filter at every place of its outputs, after pooling, is a neuron" in told


@pytest.mark.slow
def test_a_network_without_hidden_layers_says_so(model: str) -> None:
    asked = [model, "--ber", "0.1", "--chips", "2", "--neurons"]
    assert answer(*asked)["points"][0]["neurons"] == []
    assert "no hidden layer" in CliRunner().invoke(app, ["evaluate", *asked]).stdout


def test_flips_that_images_tolerate_are_shown(
    two_hidden: str, convolutional: str, digits: ImageSet
) -> None:
    for model in (two_hidden, convolutional):
        found = answer(model, "--certificate")
        certificate = found.pop("certificate")
        # Nothing else differs from what is answered of a clean chip.
        assert found == answer(model, "--ber", "0")
        folded = load_network(Path(model)).folded
        assert certificate["last_layer_weights"] == folded.output.signs.size
        tolerated = certify(folded, digits.test_images)
        right = tolerated.predictions == digits.test_labels
        flips = [point["flips"] for point in certificate["points"]]
        assert flips == [0, *(2**power for power in range(len(flips) - 1))]
        # The last row is the first that no image stands.
        assert flips[-2] <= tolerated.tolerated[right].max() < flips[-1]
        for point in certificate["points"]:
            kept = right & (tolerated.tolerated >= point["flips"])
            assert point["certified_share"] == kept.mean()
        assert certificate["points"][0]["certified_share"] == found["points"][0]["accuracy_mean"]
    table = CliRunner().invoke(app, ["evaluate", model, "--certificate"]).stdout
    for point in certificate["points"]:
        assert f"{100 * point['certified_share']:.2f}\xa0%" in table
    told = " ".join(table.split())
    assert f"whichever of the {folded.output.signs.size} weights of the last layer" in told


def test_certificates_of_several_networks_stand_below_their_names(
    two_hidden: str, convolutional: str
) -> None:
    asked = ["evaluate", two_hidden, convolutional, "--certificate"]
    lines = CliRunner().invoke(app, asked).stdout.splitlines()
    heads = [number for number, line in enumerate(lines) if "flips in the last layer" in line]
    names = [lines.index(name) for name in (two_hidden, convolutional)]
    assert names[0] < heads[0] < names[1] < heads[1]
    found = answer(two_hidden, convolutional, "--certificate")
    assert (
        found["models"][1]["certificate"] == answer(convolutional, "--certificate")["certificate"]
    )


def test_a_table_of_certificates_holds_what_is_answered(
    two_hidden: str, convolutional: str, tmp_path: Path
) -> None:
    file = tmp_path / "certificate.csv"
    found = answer(two_hidden, convolutional, "--certificate", "-o", str(file))
    table = pd.read_csv(file)
    assert table[table["of"] == "network"]["certified_share"].isna().all()
    certified = table[table["of"] == "certificate"]
    expected = [
        (model["file"], point["flips"], point["certified_share"])
        for model in found["models"]
        for point in model["certificate"]["points"]
    ]
    columns = (certified[name] for name in ("file", "flips", "certified_share"))
    assert list(zip(*columns, strict=True)) == expected
    answer(two_hidden, "--ber", "0", "-o", str(file))
    assert "flips" not in pd.read_csv(file).columns


@pytest.mark.parametrize(
    ("files", "more", "told"),
    [
        (1, ("--neurons", "-o", "x.csv"), "-o x.csv: holds no neurons (--neurons); accepted are"),
        (2, ("--neurons", "-o", "x.nc"), "-o x.nc: holds no neurons (--neurons); accepted are"),
        (2, ("--certificate", "-o", "x.nc"), "-o x.nc: a dataset of several networks holds no"),
    ],
)
def test_a_file_that_would_leave_out_what_is_asked_for_is_refused(
    files: int,
    more: tuple[str, ...],
    told: str,
    two_hidden: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = [*[two_hidden] * files, "--ber", "0", *more]
    assert told in refusal(asked, monkeypatch, capsys)


def test_a_certificate_that_cannot_be_given_is_refused(
    two_hidden: str,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = refusal([two_hidden, "--certificate", "--reestimate"], monkeypatch, capsys)
    assert "--certificate and --reestimate were both given" in told
    told = refusal([model, "--certificate"], monkeypatch, capsys)
    assert f"{model}: The network has no hidden layer" in told
    told = refusal([two_hidden], monkeypatch, capsys)
    assert "--ber: a bit-error rate is needed" in told


def test_one_chip_has_no_interval_of_its_neurons(two_hidden: str) -> None:
    asked = [two_hidden, "--ber", "0.1", "--chips", "1", "--neurons"]
    for shown in answer(*asked)["points"][0]["neurons"]:
        assert shown["constant_share_low"] is shown["constant_share_high"] is None


@pytest.mark.slow
def test_errors_can_be_in_one_layer_only(
    two_hidden: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [two_hidden, "--ber", "0.2", "--chips", "3", "--neurons"]
    layers = [answer(*asked, "--layer", str(number)) for number in (1, 2, 3)]
    assert [found["layer"] for found in layers] == [1, 2, 3]
    every = answer(*asked)
    assert "layer" not in every
    first = [found["points"][0]["neurons"][0] for found in layers]
    # The first layer has the same wrong cells as among others, and none where others have them.
    assert first[0] == every["points"][0]["neurons"][0]
    clean = answer(two_hidden, "--ber", "0", "--neurons")["points"][0]["neurons"][0]
    for each in first[1:]:
        assert each["constant_share_mean"] == clean["constant_share_mean"]
    assert len({found["points"][0]["accuracy_mean"] for found in [*layers, every]}) == 4
    told = " ".join(CliRunner().invoke(app, ["evaluate", *asked, "--layer", "2"]).stdout.split())
    assert "Errors are in the cells of layer 2 only." in told
    refused = refusal([*asked, "--layer", "4"], monkeypatch, capsys)
    assert "Layer 4 was asked for, but the network has 3" in refused


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["model", "convolutional"])
def test_a_graphics_processor_gives_the_same_answer(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of --device cuda, with torch's CPU in the place of a graphics processor."""
    asked = [request.getfixturevalue(kind), "--ber", "0", "--ber", "0.001", "--ber", "0.1"]
    expected = answer(*asked, "--chips", "3", "--device", "cpu")
    devices = []

    def on_cpu(*scored: Any, device: str) -> torch_evaluation.TorchEvaluator:
        devices.append(device)
        return torch_evaluation.TorchEvaluator(*scored)

    class Stand:
        TorchEvaluator = staticmethod(on_cpu)

    monkeypatch.setitem(sys.modules, "rramsim.network.scoring.torch_evaluator", Stand)
    assert answer(*asked, "--chips", "3", "--device", "cuda") == expected
    assert devices == ["cuda"]


def test_a_device_that_is_not_there_is_told(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    told = refusal([model, "--ber", "0.1", "--device", "cuda"], monkeypatch, capsys)
    assert "no CUDA graphics processor" in told
    assert "--device cpu" in told


def test_help_holds_an_example() -> None:
    result = CliRunner().invoke(app, ["evaluate", "--help"])
    assert result.exit_code == 0
    assert "rramsim evaluate network.safetensors --ber" in uncoloured(result.stdout)


@pytest.mark.parametrize("ber", ["1.5", "-0.1", "nan"])
def test_a_ber_out_of_range_is_told(
    ber: str, model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"The BER is {ber}" in refusal([model, "--ber", ber], monkeypatch, capsys)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--ber", "much"], "--ber"),
        (["--ber", "0.1", "--chips", "0"], "--chips"),
        (["--ber", "0.1", "--seed", "-1"], "--seed"),
        (["--ber", "0.1", "--device", "tpu"], "--device"),
        (["--ber", "0.1", "--layer", "0"], "--layer"),
    ],
)
def test_options_that_cannot_be_are_told(arguments: list[str], told: str, model: str) -> None:
    result = CliRunner().invoke(app, ["evaluate", model, *arguments])
    assert result.exit_code == 2
    assert told in uncoloured(result.stderr)


def test_cells_that_err_together_are_drawn_by_numbers_or_by_what_readings_tell(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--correlated-by", "sigma_column=0.3/0.4, sense_offset=0.2", "--tile", "16x4"]
    point = answer(model, "--ber", "0.1", "--chips", "4", *given)["points"][0]
    assert point["shared"] == (
        "cells share columns 0.3 (LRS) and 0.4 (HRS), amplifiers 0.2 (standard deviations of a "
        "spread of 1, correlation of the states 0) on tiles of 16 × 4"
    )
    faults = CorrelatedFaults(IidFaults(0.1), (0.3, 0.4), sense_offset=0.2, tile=(16, 4))
    assert point["accuracy_mean"] == float(evaluate(model, faults, chips=4).accuracy[0])
    zero = ["--ber", "0.1", "--chips", "4", "--correlated-by", "sigma_row=0"]
    alone = answer(model, "--ber", "0.1", "--chips", "4")["points"][0]
    assert answer(model, *zero)["points"][0] == alone
    shown = " ".join(CliRunner().invoke(app, ["evaluate", model, *zero[:4], *given]).stdout.split())
    assert "BER 0.1: cells share columns 0.3 (LRS) and 0.4 (HRS), amplifiers 0.2" in shown
    of_set = ["--measurements", "ni-rram-64kb-cycling", "--correlated"]
    told = refusal([model, *of_set], monkeypatch, capsys)
    assert "no readings distinguish rows and columns, or dies" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--ber", "0.1", "--correlated"], "--correlated: takes what cells share from"),
        (["--ber", "0.1", "--tile", "8x8"], "--tile: is for correlated cells"),
        (["--error-map", "a.csv", "--correlated-by", "sigma_row=1"], "--error-map: its cells err"),
        (["--ber", "0.1", "--correlated", "--correlated-by", "sigma_row=1"], "both given"),
        (["--ber", "0.1", "--correlated-by", "sigma_row"], "'sigma_row': accepted is a name"),
        (["--ber", "0.1", "--correlated-by", "sigma_row=1/2/3"], "accepted is a name with its"),
        (["--ber", "0.1", "--correlated-by", "sigma=1"], "a part of the spread is 'sigma'"),
        (["--ber", "0.1", "--correlated-by", "sigma_row=2"], "make up 400 % of its variance"),
        (
            ["--ber", "0.1", "--correlated-by", "sigma_row=0.1", "--tile", "0x9"],
            "at least 1 of its word lines",
        ),
    ],
)
def test_what_cells_cannot_share_is_told_in_one_line(
    arguments: list[str],
    told: str,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    message = refusal([model, *arguments], monkeypatch, capsys)
    assert told in message
    assert message.count("\n") == 1


def test_what_is_to_be_measured_must_be_said(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--ber: a bit-error rate is needed" in refusal([model], monkeypatch, capsys)


def test_a_model_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [str(tmp_path / "none.safetensors"), "--ber", "0.1"]
    assert "none.safetensors" in refusal(asked, monkeypatch, capsys)


@pytest.mark.slow
def test_other_images_than_those_trained_on_are_told(
    tmp_path: Path,
    digits: ImageSet,
    network: FoldedNetwork,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "network.safetensors"
    save_network(path, SavedNetwork(network, record(digits, images_id="0" * 64)))
    told = refusal([str(path), "--ber", "0.1"], monkeypatch, capsys)
    assert "000000000000" in told
    assert digits.content_id[:12] in told
    assert "--images" in told


@pytest.mark.slow
def test_images_whose_folder_moved_can_be_named(
    tmp_path: Path,
    digits: ImageSet,
    network: FoldedNetwork,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "network.safetensors"
    save_network(path, SavedNetwork(network, record(digits, images=str(tmp_path / "gone"))))
    assert "--images" in refusal([str(path), "--ber", "0.1"], monkeypatch, capsys)
    found = answer(str(path), "--ber", "0.1", "--chips", "2", "--images", "digits")
    assert found["images_id"] == digits.content_id


@pytest.mark.slow
def test_thresholds_are_estimated_anew_for_each_ber(tmp_path: Path, digits: ImageSet) -> None:
    networks = tmp_path / "networks"
    asked = ["train", "--network", "64-48-10", "--epochs", "3", "--out", str(networks), "--json"]
    trained = CliRunner().invoke(app, asked)
    file = json.loads(trained.stdout)["models"][0]["file"]
    command = ["evaluate", file, "--ber", "0.2", "--chips", "4"]
    shown = CliRunner().invoke(app, [*command, "--reestimate", "--json"])
    found = json.loads(shown.stdout)
    assert found["thresholds"] == "reestimated"
    saved = load_network(Path(file))
    faults = IidFaults(0.2)
    folded = reestimated_for(saved, digits.train_images, faults, seed=1)
    test = ScoredNetwork(folded, digits.test_images, digits.test_labels, digits.content_id)
    task = Task(test, faults, 1)
    expected = score_chips(task, range(4))
    right = sum(expected.correct.values()) / (4 * expected.images)
    assert found["points"][0]["accuracy_mean"] == pytest.approx(right)
    plain = CliRunner().invoke(app, [*command, "--json"])
    assert "thresholds" not in json.loads(plain.stdout)
    assert json.loads(plain.stdout)["points"][0]["accuracy_mean"] < right
    words = CliRunner().invoke(app, [*command, "--reestimate"])
    assert "re-estimated for each BER" in " ".join(words.stdout.split())


@pytest.mark.slow
def test_a_model_file_without_batch_norm_cannot_be_estimated_anew(model: str) -> None:
    shown = CliRunner().invoke(app, ["evaluate", model, "--ber", "0.1", "--reestimate"])
    assert isinstance(shown.exception, InputError)
    assert str(shown.exception).startswith(f"{model}: The model file holds no batch norm")


@pytest.fixture(scope="module")
def replicates(tmp_path_factory: pytest.TempPathFactory, digits: ImageSet) -> list[str]:
    """Return two model files of one recipe (seeds 4 and 5), and one of another recipe."""
    folder, files = tmp_path_factory.mktemp("replicates"), []
    rng = np.random.default_rng(3)
    for seed, epochs in ((4, 1), (5, 1), (4, 2)):
        signs = np.where(rng.random((10, 64)) < 0.5, -1, 1)
        settings = {"seed": seed, "epochs": epochs, "network": "64-10"}
        files.append(str(folder / f"{seed}-{epochs}.safetensors"))
        saved = SavedNetwork(
            FoldedNetwork((score_layer(signs),)), record(digits, seed=seed, settings=settings)
        )
        save_network(files[-1], saved)
    return files


@pytest.mark.slow
def test_networks_of_one_recipe_are_averaged_and_others_are_not(replicates: list[str]) -> None:
    asked = ["--ber", "0", "--ber", "0.2", "--chips", "5"]
    found = answer(*replicates, *asked)
    alone = [answer(file, *asked) for file in replicates]
    assert found["models"] == [
        {"file": file, **one} for file, one in zip(replicates, alone, strict=True)
    ]
    ((recipe,),) = (found["recipes"],)
    assert recipe["files"] == replicates[:2]
    assert recipe["trainings"] == 2
    for place, point in enumerate(recipe["points"]):
        values = [one["points"][place]["accuracy_mean"] for one in alone[:2]]
        low, high = stats.t.interval(0.95, 1, np.mean(values), stats.sem(values))
        assert point["ber"] == (0, 0.2)[place]
        assert point["accuracy_mean"] == pytest.approx(np.mean(values))
        assert point["accuracy_sd"] == pytest.approx(np.std(values, ddof=1))
        if point["ber"] == 0:  # without chance in the chips
            assert point["accuracy_low"] == pytest.approx(max(low, 0.0))
            assert point["accuracy_high"] == pytest.approx(min(high, 1.0))
        halves = [
            one["points"][place]["accuracy_high"] - one["points"][place]["accuracy_mean"]
            for one in alone[:2]
        ]
        half = point["accuracy_high"] - point["accuracy_mean"]
        assert half >= max(high - np.mean(values), np.hypot(*halves) / 2) - 1e-9
    shown = CliRunner().invoke(app, ["evaluate", *replicates, *asked]).stdout
    point = recipe["points"][1]
    mean, deviation = (100 * point[name] for name in ("accuracy_mean", "accuracy_sd"))
    assert f"{mean:.2f}\xa0% ± {deviation:.2f}\xa0%" in shown
    for file, one in zip(replicates[:2], alone[:2], strict=True):
        cells = ["0.2", Path(file).stem[0]]
        (row,) = (
            line
            for line in shown.splitlines()
            if line.replace("│", " ").split()[:2] == cells and "\xa0%" in line
        )
        assert f"{100 * one['points'][1]['accuracy_mean']:.2f}" in row
    assert replicates[2] in shown.splitlines()
    assert "Networks of different recipes are not averaged." in shown


@pytest.mark.slow
def test_one_training_given_twice_is_told(
    replicates: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refusal([replicates[0], *replicates[:2], "--ber", "0"], monkeypatch, capsys)
    assert "which would count twice" in told


@pytest.mark.slow
def test_neurons_of_several_networks_stand_below_their_names(
    replicates: list[str],
) -> None:
    asked = [*replicates[:2], "--ber", "0", "--neurons"]
    shown = CliRunner().invoke(app, ["evaluate", *asked]).stdout
    assert [line for line in shown.splitlines() if line in replicates] == replicates[:2]
    assert shown.count("no hidden layer") == 2


@pytest.mark.slow
def test_a_table_holds_each_network_and_each_mean(replicates: list[str], tmp_path: Path) -> None:
    output = tmp_path / "accuracy.csv"
    asked = [*replicates, "--ber", "0.1", "--ber", "0.2", "--chips", "4", "-o", str(output)]
    found = answer(*asked)
    table = pd.read_csv(output)
    networks = table[table["of"] == "network"]
    assert networks["file"].tolist() == [file for file in replicates for _ in (1, 2)]
    assert networks["training_seed"].tolist() == [4, 4, 5, 5, 4, 4]
    points = [point for one in found["models"] for point in one["points"]]
    assert networks["accuracy"].tolist() == [point["accuracy_mean"] for point in points]
    assert networks["accuracy_p05"].tolist() == [point["accuracy_p05"] for point in points]
    means = table[table["of"] == "mean over trainings"]
    ((recipe,),) = (found["recipes"],)
    assert means["ber"].tolist() == [0.1, 0.2]
    assert means["trainings"].tolist() == [2, 2]
    for column, key in (("accuracy", "accuracy_mean"), ("accuracy_sd", "accuracy_sd")):
        assert means[column].tolist() == [point[key] for point in recipe["points"]]
    assert len(table) == 8


@pytest.mark.slow
def test_a_dataset_holds_the_networks_of_one_recipe(
    replicates: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked, output = ["--ber", "0.1", "--chips", "4"], tmp_path / "accuracy.nc"
    found = answer(*replicates[:2], *asked, "-o", str(output))
    with xr.open_dataset(output) as dataset:
        validate(dataset, "training_accuracy")
        point = found["recipes"][0]["points"][0]
        assert float(dataset["accuracy"][0]) == point["accuracy_mean"]
        assert float(dataset["accuracy_high"][0]) == point["accuracy_high"]
        assert dataset["training"].values.tolist() == [4, 5]
    answer(replicates[0], *asked, "-o", str(output))
    with xr.open_dataset(output) as dataset:
        validate(dataset, "evaluation")
    output.unlink()
    told = refusal([*replicates, *asked, "-o", str(output)], monkeypatch, capsys)
    assert "a dataset holds networks of one recipe" in told
    assert "these are of 2" in told
    assert "the suffix '.txt'" in refusal(
        [*replicates, *asked, "-o", str(tmp_path / "a.txt")], monkeypatch, capsys
    )
    assert not list(tmp_path.iterdir())


def test_protections_are_scored_at_each_ber(
    model: str, digits: ImageSet, network: FoldedNetwork
) -> None:
    found = answer(
        *(model, "--ber", "0.01", "--ber", "0.1", "--chips", "4"),
        *("--protect", "none", "--protect", "secded(72,64)", "--protect", "2T2R(ber=0)"),
    )
    points = found["points"]
    asked = [(point["protection"], point["ber"]) for point in points]
    names = ("none", "secded(72,64)", "2T2R(ber=0.0)")
    assert asked == [(name, ber) for name in names for ber in (0.01, 0.1)]
    assert [point["cells_per_weight"] for point in points] == [1, 1, 1.125, 1.125, 2, 2]
    assert [point["pulses_per_weight"] for point in points] == [1, 1, 1.125, 1.125, 2, 2]
    assert points[0]["residual_ber"] == 0.01
    assert points[2]["residual_ber"] == pytest.approx(5.33e-3, rel=2e-3)
    scored = ScoredNetwork(network, digits.test_images, digits.test_labels, digits.content_id)
    task = Task(scored, protect(IidFaults(0.1), "secded(72,64)"), seed=1)
    assert points[3]["accuracy_mean"] == pytest.approx(
        np.mean(list(score_chips(task, range(4)).correct.values())) / len(digits.test_labels)
    )
    # Without errors all chips are the network.
    assert points[4]["accuracy_low"] == points[4]["accuracy_high"]
    # Points of the unprotected network are those without the option.
    plain = answer(model, "--ber", "0.01", "--chips", "4")["points"][0]
    assert set(plain) == KEYS
    assert plain == {name: points[0][name] for name in KEYS}


def test_the_tables_say_what_a_protection_takes_and_leaves(model: str, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    asked = ["--ber", "0.01", "--chips", "2", "--protect", "secded(72,64)", "-o", str(file)]
    shown = CliRunner().invoke(app, ["evaluate", model, *asked], terminal_width=80)
    assert shown.exit_code == 0, shown.output
    cells = [line.replace("│", " ").split() for line in shown.stdout.splitlines()]
    assert ["0.01", "secded(72,64)", "5.3×10⁻³", "1.125", "1.125"] in cells
    assert "the energy and time of a decoder are not known" in " ".join(shown.stdout.split())
    row = pd.read_csv(file).iloc[0]
    assert (row["protection"], row["cells_per_weight"]) == ("secded(72,64)", 1.125)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hamming", "accepted: none, 2T2R, secded(72,64), bch(78,64,2), verify(5)."),
        ("2T2R", "it needs the populations of LRS and HRS"),
        ("verify(5)", "it needs the populations of LRS and HRS"),
    ],
)
def test_a_protection_that_cannot_be_is_refused(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refusal(["missing.safetensors", "--ber", "0.1", "--protect", name], monkeypatch, capsys)
    assert message in told
    assert len(told.splitlines()) == 1


def test_chips_of_measured_conditions_are_scored_with_protections(
    model: str, network: FoldedNetwork
) -> None:
    asked = ("--measurements", "hirtzlin2019-reconstructed", "--chips", "2")
    ways = ("none", "2T2R", "verify(5, level=1.5, read_spread=0.1)")
    protections = [word for way in ways for word in ("--protect", way)]
    points = answer(model, *asked, "--condition", "weak", *protections)["points"]
    assert [(point["condition"], point["protection"]) for point in points] == [
        ("weak", way) for way in ways
    ]
    assert [point["residual_ber"] for point in points[:2]] == pytest.approx(
        # Cells in HRS err more often, and this network has fewer of them than of the others.
        [(1 - network.hrs_share) * 0.020075 + network.hrs_share * 0.045925, 7.57e-3],
        rel=2e-3,
    )
    assert points[2]["residual_ber"] < 1e-4
    every = answer(model, *asked)["points"]
    assert [point["condition"] for point in every] == ["very strong", "strong", "weak"]
    assert every[2]["accuracy_mean"] == points[0]["accuracy_mean"]


def test_a_ber_that_is_only_bounded_is_never_told_as_a_value(model: str, tmp_path: Path) -> None:
    stated = tmp_path / "stated.csv"
    stated.write_text("condition,ber\nbounded,<1e-3\nknown,1e-3\n")
    asked = ["--conditions", str(stated), "--chips", "2"]
    shown = CliRunner().invoke(app, ["evaluate", model, *asked]).stdout
    assert re.search(r"bounded +none +at most 10⁻³", shown)
    assert re.search(r"known +none +10⁻³", shown)
    assert "bounded: only an upper bound of the BER is known." in shown
    bounds = [point["residual_ber_bound"] for point in answer(model, *asked)["points"]]
    assert bounds == ["upper", None]


def test_chips_of_stated_conditions_are_scored(model: str, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    asked = ["--conditions", "table1", "--condition", "weak", "--chips", "2", "-o", str(file)]
    shown = CliRunner().invoke(app, ["evaluate", model, *asked], terminal_width=80)
    assert shown.exit_code == 0, shown.output
    cells = [line.replace("│", " ").split() for line in shown.stdout.splitlines()]
    assert ["weak", "none", "0.033", "1", "1"] in cells
    by_ber = answer(model, "--ber", "0.033", "--chips", "2")["points"][0]
    row = pd.read_csv(file).iloc[0]
    assert (row["condition"], row["accuracy"]) == ("weak", by_ber["accuracy_mean"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--condition", "weak"], "--condition: where it was measured or stated is needed"),
        (["--conditions", "table1", "--ber", "0.1"], "--ber and conditions were both given"),
        (
            ["--conditions", "table1", "--condition", "55 uA"],
            "condition is '55 uA'; accepted: 'very strong', 'strong', 'weak'.",
        ),
        (
            [
                *("--measurements", "hirtzlin2019-reconstructed", "--condition", "weak"),
                *("--protect", "verify(5)"),
            ],
            "the spread of ln R from one read of a cell to another is not known",
        ),
    ],
)
def test_conditions_that_cannot_be_are_refused(
    arguments: list[str],
    message: str,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert message in refusal([model, *arguments], monkeypatch, capsys)
