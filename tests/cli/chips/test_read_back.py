import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from chip_networks import random_network, saved_network
from typer.testing import CliRunner

import rramsim
from rramsim.cli import app as cli
from rramsim.cli import main
from rramsim.network.model_files import save_network
from rramsim.plotting.error_map import plot_chip
from rramsim.plotting.style import figure_of
from rramsim.schema import validate

CONDITIONS = """
[[condition]]
name = "weak"
ber = 0.02
"""


@pytest.fixture
def chip(tmp_path, monkeypatch):
    """Return the cells of an exported network, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    network = saved_network(random_network(64, 40, 10, seed=4), rramsim.load_images("digits"))
    save_network("model.safetensors", network)
    rramsim.export_tiles(network, "tiles", tile="32x16")
    (tmp_path / "conditions.toml").write_text(CONDITIONS)
    cells = pd.read_csv("tiles/tiles.csv")
    wrong = np.random.default_rng(1).random(len(cells)) < 0.02
    cells["bit"] ^= wrong
    cells.to_csv("chip.csv", index=False)
    return cells[wrong]


def run(*arguments):
    return CliRunner().invoke(
        cli.app, ["evaluate", "model.safetensors", "--read-back", "chip.csv", *arguments]
    )


def refusal(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["rramsim", "evaluate", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_the_answer_and_the_files_hold_what_python_gives(chip):
    found = rramsim.read_back("model.safetensors", "chip.csv", tiles="tiles")
    answer = json.loads(run("--tiles", "tiles", "--json", "-o", "all.nc").stdout)
    assert answer["accuracy"] == float(found.accuracy)
    assert answer["clean_accuracy"] == float(found.clean_accuracy)
    assert [one["errors"] for one in answer["states"]] == found.errors.values.tolist()
    assert [one["p_value"] for one in answer["states"]] == [None] * 3
    assert answer["network_id"] == found.attrs["network_id"]
    with xr.open_dataset("all.nc") as written:
        validate(written, "read_back")
        assert written.drop_attrs().equals(found.drop_attrs())
    assert run("--tiles", "tiles", "-o", "wrong.csv").exit_code == 0
    names = ["layer", "neuron", "input"]
    again = pd.read_csv("wrong.csv").sort_values(names)
    assert np.array_equal(again[names], chip.sort_values(names)[names].astype(int))


def test_the_figure_has_a_dot_for_each_wrong_cell_in_its_tile(chip):
    found = rramsim.read_back("model.safetensors", "chip.csv", tiles="tiles")
    figure = figure_of(plot_chip, found)
    for number, axes in enumerate(figure.axes, 1):
        wrong = chip[chip.layer == number]
        dots = np.concatenate([each.get_offsets() for each in axes.collections])
        across = {1: 3, 2: 1}[number]  # 40 and 10 neurons on 16 bit lines
        expected = np.column_stack(
            [
                wrong.tile % across * 1.06 + (wrong.bit_line + 0.5) / 16,
                wrong.tile // across * 1.06 + (wrong.word_line + 0.5) / 32,
            ]
        )
        assert np.allclose(np.sort(dots, axis=0), np.sort(expected, axis=0))
    assert run("--tiles", "tiles", "--plot", "chip.svg").exit_code == 0
    assert "layer 2" in Path("chip.svg").read_text()


def test_an_error_map_gives_the_accuracy_of_that_chip_and_one_of_no_error_the_clean_one(chip):
    found = rramsim.read_back("model.safetensors", "chip.csv", tiles="tiles")
    run("--tiles", "tiles", "-o", "all.nc")
    names = ["layer", "neuron", "input"]
    chip[names].astype(int).to_csv("wrong.csv", index=False)
    chip[names].iloc[:0].to_csv("none.csv", index=False)
    files = ["wrong.csv", "all.nc", "none.csv"]
    options = [word for file in files for word in ("--error-map", file)]
    shown = CliRunner().invoke(cli.app, ["evaluate", "model.safetensors", *options, "--json"])
    points = json.loads(shown.stdout)["points"]
    assert [point["error_map"] for point in points] == files
    accuracies = [float(found.accuracy)] * 2 + [float(found.clean_accuracy)]
    assert [point["accuracy_mean"] for point in points] == accuracies
    # There is no chance in it.
    assert [point["accuracy_low"] for point in points] == accuracies
    assert [point["accuracy_high"] for point in points] == accuracies
    # Each is one chip, whatever number is drawn of others.
    assert [point["maps"] for point in points] == [1, 1, 1]
    assert [point["accuracy_p05"] for point in points] == [None] * 3
    share = len(chip) / (64 * 40 + 40 * 10)
    assert [point["ber"] for point in points] == pytest.approx([share, share, 0.0])
    table = CliRunner().invoke(cli.app, ["evaluate", "model.safetensors", *options]).stdout
    assert "error map" in table
    assert "wrong.csv" in table
    assert "Exact for the one chip" in " ".join(table.split())
    assert "percentile" not in table


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer,neuron,input\n1,40,0\n", "row 2: layer 1, neuron 40, input 0 is no weight"),
        ("layer,neuron,input\n1,3,3\n2,0,0\n1,3,3\n", "row 4: names a weight that an earlier"),
        ("layer,neuron\n", "row 1: the column input is missing"),
        ("layer,neuron,input,bit\n", "row 1: the column 'bit' is not known"),
        ("layer,neuron,input\n1,x,0\n", "row 2: neuron is 'x'"),
    ],
)
def test_an_error_map_of_other_weights_is_refused_with_its_row(
    chip, monkeypatch, capsys, text, message
):
    Path("map.csv").write_text(text)
    told = refusal(monkeypatch, capsys, "model.safetensors", "--error-map", "map.csv")
    assert told.startswith("rramsim: map.csv")
    assert message in told


def test_a_person_reads_the_accuracy_first_and_whether_the_condition_explains_the_errors(chip):
    shown = run("--tiles", "tiles", "--condition", "weak", "--conditions", "conditions.toml")
    found = rramsim.read_back("model.safetensors", "chip.csv", tiles="tiles")
    first, *_ = shown.stdout.splitlines()
    assert first.startswith(f"This chip classifies {100 * float(found.accuracy):.2f}")
    assert f"{len(chip)}" in shown.stdout
    assert "Errors agree with what is expected" in shown.stdout
    assert "Of 20 chips drawn" in shown.stdout
    assert "are not shown to cluster" in shown.stdout


def test_the_report_leads_with_this_chip_beside_those_predicted(chip):
    condition = ("--condition", "weak", "--conditions", "conditions.toml", "--chips", "9")
    shown = run("--tiles", "tiles", *condition, "--report", "made")
    assert shown.exit_code == 0
    assert "The report is made/report.html" in shown.stdout
    found = rramsim.read_back(
        "model.safetensors", "chip.csv", tiles="tiles", expected=rramsim.IidFaults(0.02), chips=9
    )
    page = Path("made/report.html").read_text()
    answer = page[page.index('id="answer"') : page.index("</section>")]
    numbers = (found.accuracy, found.clean_accuracy, found.predicted_accuracy)
    for number in (*numbers, found.predicted_accuracy_p05):
        assert f"{100 * float(number):.2f}" in answer
    assert "condition “weak”" in answer
    # What it is made from, and the command.
    files = ["model.safetensors", "manifest.json", "layer-1.nc", "chip.csv", "conditions.toml"]
    for file in files:
        place = Path("tiles", file) if Path("tiles", file).exists() else Path(file)
        assert hashlib.sha256(place.read_bytes()).hexdigest() in page
    assert "--read-back chip.csv --tiles tiles --condition weak" in page
    assert sorted(path.name for path in Path("made/figures").glob("*.svg")) == [
        *("layer-1.svg", "layer-2.svg", "predicted.svg")
    ]
    with xr.open_dataset("made/chip.nc") as written:
        assert int(written.errors[-1]) == len(chip)
    lines = pd.read_csv("made/lines.csv")
    assert lines.errors.sum() == 2 * len(chip)
    assert "no test allows for them" in page  # the BER was stated


def test_a_report_without_a_condition_predicts_nothing(chip):
    assert run("--tiles", "tiles", "--report", "made", "--json").stdout.startswith("{")
    page = Path("made/report.html").read_text()
    assert "predicted.svg" not in page
    assert "expected" not in page


def test_what_makes_no_sense_together_is_refused_in_one_line(chip, monkeypatch, capsys):
    reads = ("model.safetensors", "--read-back", "chip.csv")
    cases = {
        (*reads, "--tiles", "tiles", "--ber", "0.1"): "--read-back and --ber were both given",
        ("model.safetensors", *reads): "2 models were given",
        (*reads, "--tiles", "tiles", "-o", "a.txt"): "-o a.txt: the suffix '.txt'",
        ("model.safetensors", "--ber", "0.1", "--missing", "worst"): "--missing: is for a chip",
        (*reads, "--tiles", "tiles", "--missing", "no"): "missing is 'no'; accepted: error, as-",
        (*reads, "--tiles", "tiles", "--condition", "weak"): "--condition: where it was measured",
        (*reads, "--tiles", "tiles", "--conditions", "conditions.toml"): "a chip has one condition",
        ("model.safetensors", "--ber", "0.1", "--error-map", "a.csv"): "--ber and --error-map were",
        reads: "manifest.json: cannot be read",
    }
    for arguments, message in cases.items():
        told = refusal(monkeypatch, capsys, *arguments)
        assert told.startswith("rramsim: ")
        assert told.count("\n") == 1
        assert message in told
