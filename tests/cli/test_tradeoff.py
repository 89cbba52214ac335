"""`rramsim tradeoff` as installed: its contract, its files, its resuming, its refusals."""

import contextlib
import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from aged_cells import aged_cells
from typer.testing import CliRunner

from rramsim.cli import main
from rramsim.cli.app import app
from rramsim.errors import InputError
from rramsim.plotting import style
from rramsim.plotting.style import write_figure

RRAMSIM = Path(sys.executable).with_name("rramsim")

SMALL = """
network = "64-48-10"
training_bers = [0.0, 0.1]
curve_bers = [1e-3, 1e-2, 0.1]
epochs = 4
folds = 2
chips = 6
"""
SHIPPED = 'measurements = "hirtzlin2019-reconstructed"\nconditions = "table1"\n'
STATED = 'conditions = "table1"\nonly = ["very strong", "weak"]\nprotections = ["none"]\n'
POINT_KEYS = {
    *("condition", "training_ber", "ber", "accuracy_mean", "accuracy_low", "accuracy_high"),
    *("programming_energy_j", "energy_per_cell_j", "endurance_cycles", "pareto"),
    *("protection", "thresholds", "cells_per_weight", "loss", "verdict", "accuracy_p05"),
    *("read_energy_per_inference_j", "write_pulses"),
}


def run(*arguments, cwd):
    """Run the command in this process, where torch is loaded already."""
    with contextlib.chdir(cwd):
        return CliRunner().invoke(app, ["tradeoff", *map(str, arguments)], catch_exceptions=False)


def installed(*arguments, cwd):
    """Run the command as a user does."""
    command = [str(RRAMSIM), "tradeoff", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def begun(command):
    """Call a function in a copy of this process, and return its number.

    It is stopped as any process is, without the seconds that a start takes to load torch.
    """
    with warnings.catch_warnings():
        # Of the threads of this process: the copy has none of them and uses none.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        signal.alarm(300)  # so that it ends whatever happens
        code = 0
        try:
            command()
        except SystemExit as stopped:
            code = stopped.code
        finally:
            os._exit(code)
    return child


def study(folder, text=SHIPPED + SMALL):
    file = folder / "study.toml"
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of one finished small study of the shipped conditions, and its JSON."""
    folder = tmp_path_factory.mktemp("finished")
    done = installed(study(folder), "--out", "out", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "out", json.loads(done.stdout)


@pytest.fixture(scope="module")
def stated(tmp_path_factory):
    """Return a finished small study of stated conditions, the quickest there is, and its JSON."""
    folder = tmp_path_factory.mktemp("stated")
    done = run(study(folder, STATED + SMALL), "--json", cwd=folder)
    assert done.exit_code == 0, done.stderr
    return folder / "rramsim-results", json.loads(done.stdout)


@pytest.mark.slow
def test_the_json_holds_a_point_for_each_network_condition_and_protection(finished):
    _, found = finished
    # Two networks, three conditions, three protections; and with thresholds estimated anew for
    # "weak", the only one of so many bit errors.
    assert len(found["points"]) == 2 * 3 * 3 + 2 * 3
    assert all(set(point) >= POINT_KEYS for point in found["points"])
    assert {point["condition"] for point in found["points"]} == {"very strong", "strong", "weak"}


@pytest.mark.slow
def test_the_json_says_the_loss_with_its_parts_and_what_is_settled(finished):
    _, found = finished
    for point in found["points"]:
        loss, parts = point["loss"], point["loss"]["parts"]
        assert set(parts) == {"training", "images", "chips", "cells"}
        # The sample of cells may leave more open above than below.
        half = loss["high"] - loss["estimate"]
        assert math.hypot(*parts.values()) == pytest.approx(half)
        assert point["verdict"] in ("yes", "no", "not settled")
        assert point["meets_tolerance"] == (point["verdict"] == "yes")
    chosen = found["recommendation"]
    assert chosen["settled"] == (chosen["would_settle"] is None)
    assert {"condition", "training_ber", "reason"} <= set(found["recommendation"])


@pytest.mark.slow
def test_bers_and_energies_are_those_of_the_paper(finished):
    _, found = finished
    by_name = {
        point["condition"]: point for point in found["points"] if point["protection"] == "none"
    }
    assert by_name["strong"]["ber"] == pytest.approx(9.7e-5, rel=1e-3)
    assert by_name["weak"]["ber"] == pytest.approx(3.3e-2, rel=1e-3)
    # Table I: 120/150, 11/14 and 4/5 pJ; a network has about as many cells in LRS as in HRS.
    for name, pair in (("very strong", (120, 150)), ("strong", (11, 14)), ("weak", (4, 5))):
        energy = by_name[name]["energy_per_cell_j"]
        assert pair[0] * 1e-12 < energy < pair[1] * 1e-12
        cells = 64 * 48 + 48 * 10
        assert by_name[name]["programming_energy_j"] == pytest.approx(energy * cells)
    assert by_name["weak"]["endurance_cycles"] is None
    assert by_name["weak"]["endurance_more_than"] == 1e6
    assert by_name["very strong"]["endurance_cycles"] == 100
    assert {point["origin"] for point in found["points"]} == {"reconstructed"}
    assert "reconstructed, not measured" in found["notes"][0]


@pytest.mark.slow
def test_the_folder_holds_what_the_contract_names(finished):
    folder, found = finished
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"report.html", "tradeoff.csv", "tradeoff.nc", "conditions.nc", "tallies.csv"} <= names
    for figure in ("populations", "accuracy", "energy", "chip"):
        assert {f"figures/{figure}.svg", f"figures/{figure}.png"} <= names
    assert not [name for name in names if "checkpoint" in name or Path(name).name.startswith(".")]
    rows = list(csv.DictReader((folder / "tradeoff.csv").read_text().splitlines()))
    assert [float(row["accuracy_mean"]) for row in rows] == [
        point["accuracy_mean"] for point in found["points"]
    ]


@pytest.mark.slow
def test_the_dataset_has_units_and_provenance(finished):
    folder, _ = finished
    with xr.open_dataset(folder / "tradeoff.nc") as tradeoff:
        assert tradeoff.programming_energy.attrs["units"] == "J"
        assert tradeoff.attrs["seed"] == 1
        sources = dict(json.loads(tradeoff.attrs["sources"]))
        assert {"populations.csv", "table1.toml"} <= set(sources)
        assert tradeoff.attrs["recipe"] == (folder / "study.toml").read_text()
        assert json.loads(tradeoff.attrs["options"])["network"] == "64-48-10"
        assert tradeoff.attrs["origin"] == "reconstructed"


@pytest.mark.slow
def test_the_report_says_what_is_reconstructed_and_extrapolated(finished):
    folder, found = finished
    page = (folder / "report.html").read_text()
    assert "reconstructed" in page
    assert "extrapolated" in page
    assert found["recommendation"]["condition"] in page


@pytest.mark.slow
def test_another_seed_gives_other_bytes(stated, tmp_path):
    # The same seed gives the same ones: see below.
    folder, _ = stated
    done = run(study(tmp_path, STATED + SMALL), "--seed", "2", "--out", "out", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    for name in ("tradeoff.csv", "tallies.csv"):
        assert (tmp_path / "out" / name).read_bytes() != (folder / name).read_bytes(), name


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_killed_at_any_point_the_same_command_ends_with_the_same_result(stated, tmp_path):
    folder, _ = stated
    file, out = study(tmp_path, STATED + SMALL), tmp_path / "out"
    for waited_for in ("networks/*.checkpoint", "networks/*-0.1-*.safetensors", "tallies.csv"):
        child, ended = begun(lambda: run(file, "--out", out, cwd=tmp_path)), 0
        while not ended and not list(out.glob(waited_for)):
            ended, _ = os.waitpid(child, os.WNOHANG)
            time.sleep(0.002)
        assert not ended, waited_for
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert not (out / "report.html").exists()
    done = run(file, "--out", out, cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    for name in ("tradeoff.csv", "tallies.csv"):
        assert (out / name).read_bytes() == (folder / name).read_bytes(), name


@pytest.mark.slow
def test_only_figures_that_are_others_or_damaged_are_drawn_again(finished, tmp_path, monkeypatch):
    folder, _ = finished
    out, drawn = tmp_path / "out", []
    shutil.copytree(folder, out)
    page, figures = (out / "report.html").read_bytes(), out / "figures"
    before = {file.name: file.read_bytes() for file in figures.iterdir()}
    file = study(tmp_path)

    def write_and_tell(figure, path):
        drawn.append(path.stem)
        write_figure(figure, path)

    monkeypatch.setattr(style, "write_figure", write_and_tell)

    def asked(*arguments):
        drawn.clear()
        assert run(file, "--out", out, *arguments, cwd=tmp_path).exit_code == 0
        return set(drawn)

    assert asked() == set()
    (figures / "populations.png").write_bytes(b"")
    (figures / "chip.svg").unlink()
    assert asked() == {"populations", "chip"}
    assert (out / "report.html").read_bytes() == page
    assert asked("--tolerance", "0.011") == {"accuracy", "energy"}
    # Where nothing is good enough there is nothing to compare; the page links no figure of before.
    assert (figures / "cells.svg").exists()
    asked("--target-accuracy", "0.99999")
    assert not list(figures.glob("cells.*"))
    assert "cells.svg" not in (out / "report.html").read_text()
    # The nearest point is the one recommended before, and its chip is the same.
    assert (figures / "chip.svg").read_bytes() == before["chip.svg"]
    assert asked() == {"accuracy", "energy", "cells"}
    assert {file.name: file.read_bytes() for file in figures.iterdir()} == before


@pytest.mark.slow
def test_a_finished_folder_is_answered_from_without_what_trains_scores_or_draws_chips(
    finished, tmp_path
):
    shutil.copytree(finished[0], tmp_path / "out")
    heavy = ("torch", "numba", "scipy.stats", "matplotlib.pyplot")
    told = f"print('loaded', [one for one in {heavy} if one in sys.modules])"
    program = f"import sys\nfrom rramsim.cli import main\ntry:\n    main()\nfinally:\n    {told}"
    command = [sys.executable, "-c", program, "tradeoff", str(study(tmp_path)), "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\nloaded []\n")


@pytest.mark.slow
def test_a_folder_of_another_study_is_refused(finished, tmp_path):
    folder, _ = finished
    with pytest.raises(InputError, match="another study"):
        run(study(tmp_path), "--seed", "9", "--out", folder, cwd=tmp_path)


@pytest.mark.slow
def test_stated_conditions_alone_are_enough_and_a_bound_stays_one(stated):
    folder, found = stated
    bers = {point["condition"]: (point["ber"], point["ber_less_than"]) for point in found["points"]}
    assert bers == {"very strong": (None, 1e-6), "weak": (3.3e-2, None)}
    assert not list((folder / "figures").glob("populations*"))


@pytest.mark.slow
def test_cells_that_are_not_lognormal_and_never_erred_are_scored_at_the_counted_bound(tmp_path):
    rng = np.random.default_rng(1)
    rows = ["condition,state,R [ohm]"]
    for state, median in (("LRS", 1e4), ("HRS", 1e6)):
        rows += [f"a,{state},{r:.6g}" for r in median * np.exp(rng.uniform(-0.8, 0.8, 200))]
    (tmp_path / "cells.csv").write_text("\n".join(rows))
    (tmp_path / "energies.toml").write_text(
        "[[condition]]\nname = 'a'\nset_energy = '10 pJ'\nreset_energy = '10 pJ'\n"
    )
    text = "measurements = 'cells.csv'\nconditions = 'energies.toml'\n" + SMALL
    done = run(study(tmp_path, text), "--json", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    points = json.loads(done.stdout)["points"]
    assert {point["protection"] for point in points} == {"none", "2T2R", "secded(72,64)"}
    for point in points:
        assert point["ber"] is None
        if point["protection"] == "none":
            assert point["ber_less_than"] == pytest.approx(-math.log(0.05) / 400)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_an_interrupt_is_told_and_says_how_to_go_on(tmp_path):
    # So long a training that no machine has ended it when the interrupt comes.
    endless = (SHIPPED + SMALL).replace("epochs = 4\n", "epochs = 100000\n")
    assert "100000" in endless
    file = study(tmp_path, endless)
    arguments = ["rramsim", "tradeoff", str(file), "--out", str(tmp_path / "out")]

    def command():
        # A shell that runs the tests in the background has them ignore interrupts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = arguments
        with (tmp_path / "told").open("w") as sys.stderr:
            main()

    child, ended = begun(command), 0
    while not ended and not list(tmp_path.glob("out/networks/*")):
        ended, _ = os.waitpid(child, os.WNOHANG)
        time.sleep(0.02)
    assert not ended
    os.kill(child, signal.SIGINT)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    # A line a stage, since there is no terminal, then the message.
    *stages, message = (tmp_path / "told").read_text().splitlines()
    assert message == "rramsim: interrupted; run the same command again to continue."
    assert stages[:2] == ["reading files", "fitting cells"]


def _cells(name, text):
    return {name: "condition,state,cell,R (kOhm)\n" + text}


@pytest.mark.parametrize(
    ("files", "arguments", "words"),
    [
        ({}, ["--measurements", "none.csv"], "there is no such file"),
        ({"a.csv": ""}, ["--measurements", "a.csv"], "empty"),
        ({"a.csv": "cell,R (kOhm)\n1,2\n"}, ["--measurements", "a.csv"], "state"),
        ({"a.csv": "state,R (furlong)\nLRS,1\n"}, ["--measurements", "a.csv"], "furlong"),
        (_cells("a.csv", "x,LRS,1,-5\nx,HRS,1,9\n"), ["--measurements", "a.csv"], "row 2"),
        (_cells("a.csv", "x,LRS,1,much\nx,HRS,1,9\n"), ["--measurements", "a.csv"], "much"),
        (_cells("a.csv", "x,LRS,1,5\nx,LRS,2,6\n"), ["--measurements", "a.csv"], "HRS"),
        (_cells("a.csv", "x,LRS,1,5\nx,HRS,1,60\n"), ["--measurements", "a.csv"], "one"),
        (
            _cells("a.csv", "".join(f"x,LRS,{c},{50 + c}\nx,HRS,{c},{5 + c}\n" for c in range(9))),
            ["--measurements", "a.csv"],
            "swapped",
        ),
        ({"s.toml": 'only = ["bold"]\n'}, ["s.toml"], "bold"),
        ({"s.toml": 'network = "64-x-10"\n'}, ["s.toml"], "64-x-10"),
        ({"c.toml": '[[condition]]\nname = "a"\n'}, ["--conditions", "c.toml"], "BER"),
        ({"images/x.txt": "x"}, ["--images", "images"], "train-images"),
        ({}, ["--images", "nowhere"], "nowhere"),
        ({"file": ""}, ["--out", "file/out"], "cannot be made"),
        ({}, ["--seed", "-1"], "seed"),
        ({}, ["--scheduler", "nonsense"], "no Dask scheduler"),
        ({}, ["--protect", "3T3R"], "none, 2T2R, secded(72,64), bch(78,64,2), verify(5)"),
        ({}, ["--protect", "none,secded(72,64),magic"], "'magic'"),
        ({}, ["--protect", "verify(5)"], "read_spread"),
        ({}, ["--yield", "1.5"], "--yield is 1.5"),
        ({}, ["--tolerance", "0.01", "--target-accuracy", "0.97"], "one of the two"),
        ({}, ["--target-accuracy", "97"], "--target-accuracy is 97"),
        ({}, ["--energy-budget", "5"], "--energy-budget is '5'; accepted: a number with its unit"),
        ({}, ["--energy-budget", "5 V"], "'V' is not a unit of energy"),
        ({}, ["--reprogrammings", "-5"], "reprogrammings is -5"),
        ({}, ["--inferences", "inf"], "inferences is inf"),
        ({}, ["--read-pulse", "nonsense"], "accepted: a voltage and a time"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    tmp_path, monkeypatch, capsys, files, arguments, words
):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    # In this process, where torch is loaded already: a start costs more than all these cases.
    monkeypatch.setattr(sys, "argv", ["rramsim", "tradeoff", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    told = capsys.readouterr()
    assert (stopped.value.code, told.out) == (2, "")
    *stages, message = told.err.splitlines()
    assert words in message
    assert message.startswith("rramsim: ")
    assert set(stages) <= {"reading files", "fitting cells", "taking stated conditions"}


def test_a_device_that_is_not_there_is_told_before_anything_is_trained(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    out = tmp_path / "out"
    asked = ["tradeoff", str(study(tmp_path)), "--out", str(out), "--device", "cuda"]
    monkeypatch.setattr("sys.argv", ["rramsim", *asked])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "no CUDA graphics processor" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.slow
def test_a_life_is_asked_of_the_command_and_again_of_its_folder(tmp_path):
    cells = aged_cells({"a": (12.6, 0.5, 0.0, -0.1)}, cycles=(1, 10), times=(1.0, 1e4), cells=60)
    cells.to_csv(tmp_path / "cells.csv", index=False)
    text = 'measurements = "cells.csv"\nprotections = ["none"]\ntolerance = 0.2\n'
    small = SMALL.replace("[0.0, 0.1]", "[0.0]")
    life = ("--lifetime", "10 years", "--accept-extrapolated")
    done = installed(study(tmp_path, text + small), "--json", *life, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    points = json.loads(done.stdout)["points"]
    assert {point["lasts"] for point in points} == {"yes"}
    assert json.loads(done.stdout)["required"]["lifetime"] == 315576000.0
    assert (tmp_path / "rramsim-results" / "life.nc").exists()
    again = installed(tmp_path / "study.toml", *life[:2], cwd=tmp_path)
    assert "  life " in again.stdout
    assert "not settled" in again.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "wrong", "accepted"),
    [
        ("--lifetime", "ten years", '"10 years"'),
        ("--use-temperature", "55", '"55 degC"'),
        ("--activation-energy", "1.1 V", '"1.1 eV"'),
    ],
)
def test_a_life_without_its_unit_is_one_message(tmp_path, option, wrong, accepted):
    done = installed(option, wrong, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{option} is {wrong!r}; accepted" in done.stderr
    assert accepted in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_files_of_the_user_are_not_replaced_and_a_folder_of_results_goes_on(tmp_path):
    commented = '# Mine.\nnetwork = "64-16-10"\ntraining_bers = [0.05]\nepochs = 1\nchips = 3\n'
    study, table, out = tmp_path / "study.toml", tmp_path / "old" / "tradeoff.csv", tmp_path / "out"
    study.write_text(f'{commented}curve_bers = [0.1]\n{SHIPPED}only = ["weak"]\n')
    before = study.read_bytes()
    table.parent.mkdir()
    table.write_text("a,b\n")
    with pytest.raises(InputError, match=r"holds study\.toml, which this run reads"):
        run(study, "--out", ".", cwd=tmp_path)
    with pytest.raises(InputError, match=r"old: holds tradeoff\.csv and no record of rramsim"):
        run(study, "--out", "old", cwd=tmp_path)
    assert study.read_bytes() == before
    assert list(table.parent.iterdir()) == [table]
    assert table.read_text() == "a,b\n"
    assert run(study, "--out", "out", cwd=tmp_path).exit_code == 0
    # With the settings that rramsim wrote itself, also for other requirements.
    assert run("study.toml", "--out", ".", "--tolerance", 0.03, cwd=out).exit_code == 0
    shutil.copy(study, out)
    with pytest.raises(InputError, match=r"holds study\.toml, which this run reads"):
        run("study.toml", "--out", ".", cwd=out)
    assert (out / "study.toml").read_bytes() == before
