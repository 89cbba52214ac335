"""`rramsim energy`: its answer, its sentences, and what it refuses."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from chip_networks import random_network
from typer.testing import CliRunner

import rramsim
from rramsim.cli.app import app
from rramsim.errors import InputError
from rramsim.network.model_files import SavedNetwork

PULSE = ("--read-pulse", "0.2 V, 10 ns")


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Write cells and energies of which one condition programs and the other reads cheaper."""
    folder, rng = tmp_path_factory.mktemp("cells"), np.random.default_rng(3)
    rows = ["condition,state,cell,R (kOhm)"]
    for condition, median in (("a", 5.0), ("b", 20.0)):
        for state, factor in (("LRS", 1.0), ("HRS", 40.0)):
            values = median * factor * np.exp(0.3 * rng.standard_normal(40))
            rows += [f"{condition},{state},{i},{value:.6g}" for i, value in enumerate(values)]
    (folder / "cells.csv").write_text("\n".join(rows) + "\n")
    energies = "condition,set_energy (pJ),reset_energy (pJ),endurance\na,1,1,1e6\nb,50,50,1000\n"
    (folder / "energies.csv").write_text(energies)
    return [
        *("--measurements", str(folder / "cells.csv")),
        *("--conditions", str(folder / "energies.csv")),
    ]


def _run(*arguments):
    done = CliRunner().invoke(app, ["energy", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def _answer(*arguments):
    return json.loads(_run(*arguments, "--json"))


def test_the_notes_on_the_cells_are_shown(cells, tmp_path):
    marked = tmp_path / "cells.csv"
    marked.write_text(Path(cells[1]).read_text() + "a,HRS,40,>1e15\n" * 1 + "a,LRS,40,\n")
    words = ("64-32-10", "--pixel-bits", "1", "--measurements", str(marked), *cells[2:], *PULSE)
    quiet, plain, whole = (_run(*words, *more) for more in (("--quiet",), (), ("--verbose",)))
    assert "1 blank or NaN reading dropped" in whole
    assert "notes on the data; --verbose shows them" in plain
    assert "blank or NaN" not in quiet


def test_the_answer_has_what_each_condition_costs_and_where_they_break_even(cells):
    found = _answer("64-32-10", "--pixel-bits", "1", *cells, *PULSE, "--inferences", "1e6")
    a, b = found["conditions"]
    weights = 64 * 32 + 320
    assert a["programming_energy_j"] == pytest.approx(weights * 1e-12)
    assert (a["set_energy_source"], a["energy_per_inference_source"]) == ("stated", "computed")
    # Circuits are unknown: what is left is a bound, never a value.
    assert a["energy_per_inference_j"] is None
    assert a["energy_per_inference_j_more_than"] == a["energy_in_cells_j"]["estimate"]
    assert a["energy_in_cells_j"]["low"] < a["energy_in_cells_j"]["estimate"]
    assert a["inferences_per_programming"] is None
    assert a["inferences_per_programming_less_than"] > 0
    assert (found["sense_energy_j"], found["energy_source"]) == (None, None)
    (pair,) = found["break_even"]
    assert pair["conditions"] == ["a", "b"]
    saved = a["energy_in_cells_j"]["estimate"] - b["energy_in_cells_j"]["estimate"]
    assert pair["inferences"] == pytest.approx(weights * 49e-12 / saved)
    assert (a["cheapest_from_inferences"], b["cheapest_to_inferences"]) == (0.0, None)
    assert a["cheapest_to_inferences"] == pytest.approx(pair["inferences"])
    assert (a["cheapest"], b["cheapest"]) == (False, True)
    assert b["life_energy_j_more_than"] == pytest.approx(
        weights * 50e-12 + 1e6 * b["energy_in_cells_j"]["estimate"]
    )
    assert [layer["weights"] for layer in found["layers"]] == [64 * 32, 320]


def test_a_person_is_told_which_condition_costs_least_and_what_is_not_counted(cells):
    shown = _run("64-32-10", "--pixel-bits", "1", *cells, *PULSE, "--inferences", "1e6")
    lines = shown.splitlines()
    assert any(line.startswith("The energy of the sense amplifiers, of XNOR") for line in lines)
    assert any(line.startswith("Energies of programming are stated for a, b.") for line in lines)
    (least,) = [line for line in lines if line.startswith("Costs least: a up to ")]
    assert "; b from " in least
    assert lines[-1].startswith("Over 10⁶ inferences: b, more than ")
    assert "not measured" not in shown
    worn = _run("64-32-10", "--pixel-bits", "1", *cells, *PULSE, "--reprogrammings", "5000")
    assert "b: its endurance is less than the 5001 programmings of this life" in worn
    assert "a, programmed 5001 times, costs least at any number of inferences." in worn


@pytest.mark.slow
def test_reconstructed_populations_are_told_as_such():
    options = ("784-10", "--pixel-bits", "1", "--measurements", "hirtzlin2019-reconstructed")
    found = _answer(*options, *PULSE, "--conditions", "table1")
    assert found["origin"] == "reconstructed"
    assert found["notes"][0] == "These populations are reconstructed, not measured."


def test_stated_circuits_are_shown_with_their_source(cells):
    circuits = ("--sense-energy", "5 fJ", "--popcount-energy", "2 fJ", "--other-energy", "1 nJ")
    options = (*circuits, "--energy-source", "simulated, 28 nm")
    found = _answer("64-10", "--pixel-bits", "1", *cells, *PULSE, *options)
    for condition in found["conditions"]:
        in_cells = condition["energy_in_cells_j"]["estimate"]
        assert condition["energy_per_inference_j"] == pytest.approx(in_cells + 640 * 7e-15 + 1e-9)
        assert condition["energy_per_inference_j_more_than"] is None
    assert found["energy_source"] == "simulated, 28 nm"
    shown = _run("64-10", "--pixel-bits", "1", *cells, *PULSE, *options)
    assert "as stated (simulated, 28 nm): sense amplifier 5" in shown
    assert "is unknown and not counted" not in shown


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Write a model file of the digits, whose pixels have 17 levels, with random signs."""
    images = rramsim.load_images("digits")
    record = {
        **{"training_ber": 0.0, "accuracy": 0.1, "epochs": 1, "seed": 1, "history": []},
        **{"images": "digits", "images_id": images.content_id, "settings": {}, "version": "0"},
    }
    path = tmp_path_factory.mktemp("model") / "network.safetensors"
    rramsim.save_network(path, SavedNetwork(random_network(64, 8, 10), record))
    return path


@pytest.mark.slow
def test_the_weights_and_the_bit_planes_are_those_of_a_model_file(cells, model):
    found = _answer(str(model), *cells, *PULSE)
    folded = rramsim.load_network(model).folded
    plus = folded.hrs_count
    (a, b) = found["conditions"]
    assert a["programming_energy_j"] == pytest.approx(folded.weight_count * 1e-12)
    assert found["pixel_bits"] == 5
    assert [layer["reads"] for layer in found["layers"]] == [5, 1]
    first = int(np.sum(folded.layers[0].signs > 0))
    for condition in (a, b):
        lrs, hrs = (condition[state]["read_energy_j"] for state in ("lrs", "hrs"))
        reads_hrs = 4 * first + plus
        reads = 4 * folded.layers[0].signs.size + folded.weight_count
        expected = hrs * reads_hrs + lrs * (reads - reads_hrs)
        assert condition["energy_in_cells_j"]["estimate"] == pytest.approx(expected)


def test_a_fit_gives_the_same_as_the_command(cells):
    fit = rramsim.fit(cells[1], conditions=cells[3], read_pulse=(0.2, 10e-9))
    energy = fit.inference_energy("64-32-10", pixel_bits=1, inferences=1e6)
    found = _answer("64-32-10", "--pixel-bits", "1", *cells, *PULSE, "--inferences", "1e6")
    for place, condition in enumerate(found["conditions"]):
        assert condition["life_energy_j_more_than"] == float(energy["life_energy"][place])
    network = random_network(64, 32, 10)
    counted = fit.inference_energy(network, pixel_bits=1)
    assert counted["weights"].values.tolist() == energy["weights"].values.tolist()
    for value in ({}, 3):
        with pytest.raises(
            InputError, match=r"network is .*; accepted: a network that train gives"
        ):
            fit.inference_energy(value)
    with pytest.raises(InputError, match="the number of bits of a pixel is not known"):
        fit.inference_energy(network)
    with pytest.raises(InputError, match=r"sense_energy is \[1\]; accepted: a number in J"):
        fit.inference_energy(network, pixel_bits=1, sense_energy=[1])
    assert math.isnan(float(energy.attrs["sense_energy"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["64-32-10"], "the voltage and the time of its pulse, --read-pulse"),
        (["no.safetensors"], "no.safetensors"),
        (["64-32-10", *PULSE], "the number of bits of a pixel is not known"),
        (["64-32-10", *PULSE, "--pixel-bits", "9"], "pixel_bits is 9"),
        (["64--10", *PULSE, "--pixel-bits", "1"], "network '64--10'"),
        (["no.safetensors", *PULSE], "no.safetensors"),
        (["64-10", "--read-pulse", "0.2 V"], "accepted: a voltage and a time"),
        (["64-10", *PULSE, "--pixel-bits", "1", "--protect", "1R"], "protection is '1R'"),
        (["64-10", *PULSE, "--pixel-bits", "1", "--sense-energy", "5"], "'5' is not an energy"),
        (["64-10", *PULSE, "--pixel-bits", "1", "--sense-energy", "5 fJ"], "without its source"),
        (["64-10", *PULSE, "--pixel-bits", "1", "--inferences", "-1"], "number of inferences"),
        (
            ["64-10", *PULSE, "--pixel-bits", "1", "--reprogrammings", "nan"],
            "reprogrammings is nan",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(cells, options, message):
    done = CliRunner().invoke(app, ["energy", *options, *cells])
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)


@pytest.mark.slow
def test_the_installed_command_exits_with_2_and_one_message(cells):
    command = [str(Path(sys.executable).with_name("rramsim")), "energy", "64-10", *cells]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("rramsim: the energy of a read takes the voltage")
    assert len(done.stderr.splitlines()) == 1
