"""Read noise that is fresh at every image, from readings, given, and where it is not taken."""

import json

import numpy as np
import pandas as pd
import pytest
from chip_networks import random_network, saved_network
from typer.testing import CliRunner

import rramsim
from rramsim.cli import app as cli
from rramsim.errors import InputError
from rramsim.network.model_files import save_network

FROZEN, READS = (0.4, 0.6), (0.2, 0.5)
"""Standard deviations of ln R that a cell keeps, and from read to read, of LRS and of HRS."""


@pytest.fixture(scope="module")
def readings():
    """Return cells that were read 6 times each."""
    rng = np.random.default_rng(8)
    tables = []
    for name, mu, frozen, noise in zip(("LRS", "HRS"), (9.0, 11.4), FROZEN, READS, strict=True):
        cell, cycle = np.divmod(np.arange(6 * 400), 6)
        x = mu + rng.normal(0, frozen, 400)[cell] + rng.normal(0, noise, cell.size)
        columns = {"condition": "a", "state": name, "cell": cell, "cycle": cycle + 1}
        tables.append(pd.DataFrame({**columns, "R (ohm)": np.exp(x)}))
    return pd.concat(tables)


@pytest.fixture(scope="module")
def fit(readings):
    return rramsim.fit(readings, reference="25 kOhm")


@pytest.fixture(scope="module")
def network():
    return saved_network(random_network(64, 30, 10, seed=4), rramsim.load_images("digits"))


def test_readings_of_one_cell_tell_the_spread_of_reads(fit):
    fresh = fit.faults("a", read_noise="fresh")
    assert isinstance(fresh, rramsim.TransientReads)
    assert fresh.faults == fit.faults("a")
    # Of 2,000 degrees of freedom a standard deviation is known to 1 / sqrt(4000).
    assert fresh.sigmas == pytest.approx(READS, rel=4 / 4000**0.5)
    assert fresh.mean_ber(0.5) == fit.faults("a").mean_ber(0.5)
    given = fit.faults("a", read_noise="fresh", read_spread=(0.1, 0.3))
    assert given.sigmas == (0.1, 0.3)


def test_what_does_not_tell_the_spread_of_reads_is_refused(fit):
    once = rramsim.fit("hirtzlin2019-reconstructed")
    with pytest.raises(InputError, match="weak: no cell was read more than once in each state"):
        once.faults("weak", read_noise="fresh")
    assert once.faults("weak", read_noise="fresh", read_spread=0.1).sigmas == (0.1, 0.1)
    with pytest.raises(InputError, match="single cells without protection"):
        fit.faults("a", "2T2R", read_noise="fresh")
    with pytest.raises(InputError, match="read_noise is 'fast'; accepted: frozen or fresh"):
        fit.faults("a", read_noise="fast")
    with pytest.raises(InputError, match="read_spread: applies to fresh read noise only"):
        fit.faults("a", read_spread=0.1)
    with pytest.raises(InputError, match="a: sigma_read of LRS is 2, more than the spread"):
        fit.faults("a", read_noise="fresh", read_spread=2)


def test_no_noise_is_the_frozen_chip_and_noise_keeps_the_mean(network):
    faults = rramsim.IidFaults(0.03)
    models = [faults, *(rramsim.TransientReads(faults, r) for r in (0.0, 0.7))]
    found = rramsim.evaluate(network, models, chips=60)
    names = ("accuracy", "accuracy_low", "accuracy_high", "accuracy_p05")
    for name in names:
        assert float(found[name][0]) == float(found[name][1])
    # At each image cells err alike whether noise is frozen or fresh, so the mean is the same.
    half = [float(found.accuracy_high[k] - found.accuracy[k]) for k in (0, 2)]
    assert abs(float(found.accuracy[2] - found.accuracy[0])) < 2 * np.hypot(*half)
    assert half[1] < half[0]
    assert found.attrs["read_noise"] == "fresh"
    again = rramsim.evaluate(network, models[2], chips=60)
    assert float(again.accuracy[0]) == float(found.accuracy[2])


@pytest.mark.parametrize("name", ["neurons", "reestimate"])
def test_what_takes_cells_that_stay_wrong_is_refused(network, name):
    fresh = rramsim.TransientReads(rramsim.IidFaults(0.03), 0.3)
    with pytest.raises(InputError, match=f"{name} was given with fresh read noise"):
        rramsim.evaluate(network, fresh, **{name: True})


def test_a_study_takes_frozen_noise_only(tmp_path):
    (tmp_path / "energies.toml").write_text('[[condition]]\nname = "A"\nber = 0.02\n')
    fresh = rramsim.TransientReads(rramsim.IidFaults(0.02), 0.3)
    with pytest.raises(InputError, match=r"condition 'A': a study takes no fresh read noise"):
        rramsim.tradeoff(
            conditions=tmp_path / "energies.toml", faults=fresh, out=tmp_path / "results"
        )


def test_a_chip_that_was_read_back_may_stand_beside_chips_of_fresh_reads(network, tmp_path):
    rramsim.export_tiles(network, tmp_path)
    reads = (tmp_path / "tiles.csv").rename(tmp_path / "chip.csv")
    fresh = rramsim.TransientReads(rramsim.IidFaults(0.02), 0.5)
    chip = rramsim.read_back(network, reads, tiles=tmp_path, expected=fresh, chips=3)
    band = rramsim.evaluate(network, fresh, chips=3)
    assert float(chip.predicted_accuracy) == float(band.accuracy[0])
    assert chip.expected_ber.values == pytest.approx([0.02] * 3)


@pytest.fixture
def folder(network, readings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_network("model.safetensors", network)
    readings.to_csv("cells.csv", index=False)
    (tmp_path / "energies.toml").write_text('[[condition]]\nname = "A"\nber = 0.02\n')


def points(*arguments):
    shown = CliRunner().invoke(cli.app, ["evaluate", "model.safetensors", *arguments, "--json"])
    assert shown.exit_code == 0, shown.exception
    return json.loads(shown.stdout)


def test_the_command_scores_fresh_reads_as_python_does(folder, network, fit):
    asked = ("--ber", "0.03", "--chips", "4", "--read-noise", "fresh")
    answer = points(*asked, "--read-spread", "0.5")
    band = rramsim.evaluate(network, rramsim.TransientReads(rramsim.IidFaults(0.03), 0.5), chips=4)
    assert answer["read_noise"] == "fresh"
    assert answer["points"][0]["accuracy_mean"] == float(band.accuracy[0])
    answer = points("--conditions", "energies.toml", *asked[2:], "--read-spread", "0.5")
    stated = rramsim.TransientReads(rramsim.IidFaults(0.02), 0.5)
    expected = float(rramsim.evaluate(network, stated, chips=4).accuracy[0])
    assert answer["points"][0]["accuracy_mean"] == expected
    shown = CliRunner().invoke(
        cli.app, ["evaluate", "model.safetensors", *asked, "--read-spread", "0.5"]
    )
    assert "a second read of the same image may give another" in " ".join(shown.stdout.split())


def test_the_command_takes_the_spread_of_reads_from_the_readings(folder, network, readings):
    asked = ("--measurements", "cells.csv", "--chips", "3", "--read-noise", "fresh")
    found = points(*asked)["points"][0]
    fresh = rramsim.fit(readings).faults("a", read_noise="fresh")
    band = rramsim.evaluate(network, fresh, chips=3)
    assert found["accuracy_mean"] == float(band.accuracy[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--ber", "0.1", "--read-noise", "fresh"), "a bit-error rate does not say how far"),
        (("--ber", "0.1", "--read-spread", "0.1"), "read_spread: applies to fresh read noise only"),
        (("--ber", "0.1", "--read-noise", "no"), "read_noise is 'no'; accepted: frozen or fresh"),
        (("--read-back", "x.csv", "--read-noise", "fresh"), "--read-back and --read-noise were"),
        (("--error-map", "x.csv", "--read-noise", "fresh"), "--error-map and --read-noise were"),
        (
            ("--ber", "0.1", "--read-noise", "fresh", "--read-spread", "0.1", "--device", "cuda"),
            "scored by the packed engine only",
        ),
    ],
)
def test_the_command_refuses_what_it_cannot_do(folder, arguments, message):
    shown = CliRunner().invoke(cli.app, ["evaluate", "model.safetensors", *arguments])
    assert isinstance(shown.exception, InputError)
    assert message in str(shown.exception)
