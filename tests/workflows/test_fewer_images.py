"""The workflow on chips that are scored on some of the images, at a small size."""

import csv

import numpy as np
import pytest
from workflow_scripts import load_script

import rramsim
from rramsim.crossbar.faults import IidFaults
from rramsim.images.catalogue import load_images
from rramsim.network.model_files import load_network


@pytest.mark.slow
def test_a_curve_is_what_the_product_measures_and_is_extrapolated_from_fewer_chips(tmp_path):
    script = load_script("fewer-images/run.py")
    small = {"layers": "64-32-10", "epochs": 2, "bers": (1e-3, 0.2), "studies": 0}
    whole = script.run(tmp_path, "digits", half_width=0.01, **small)
    saved = load_network(next(tmp_path.glob("*.safetensors")))
    rule = script.StoppingRule(script.MOST, 0.01)
    faults = [IidFaults(ber) for ber in small["bers"]]
    found = rramsim.evaluate(saved, faults, rule=rule, images_per_chip="auto")
    assert [one.chips for one in whole] == found["chips"].values.tolist()
    assert [one.found.images for one in whole] == found["images_per_chip"].values.tolist()
    assert [one.found.mean.estimate for one in whole] == found["accuracy"].values.tolist()
    few = script.run(tmp_path, "digits", half_width=0.01, most_scored=90, **small)
    assert few[0].chips == whole[0].chips
    assert few[1].found.chips == 90 < few[1].chips
    assert 0.5 <= few[1].chips / whole[1].chips <= 2
    with (tmp_path / "curve.csv").open() as file:
        assert [row["chips_scored"] for row in csv.DictReader(file)] == ["30", "90"]
    assert (tmp_path / "curve.png").exists()


@pytest.mark.slow
def test_the_coverage_of_a_model_and_of_two_networks_is_written(tmp_path, monkeypatch):
    script = load_script("fewer-images/run.py")
    monkeypatch.setattr(script, "POPULATION_BERS", (0.2,))
    monkeypatch.setattr(script, "DIGITS_LAYERS", "64-32-10")
    digits = load_images("digits")
    network = script.trained(digits, "digits", "64-16-10", tmp_path, 2)
    script.write_coverage(tmp_path, digits, network, 8, chips=30, digits_epochs=2)
    with (tmp_path / "coverage.csv").open() as file:
        coverage = list(csv.DictReader(file))
    assert len(coverage) == 3 * 4
    assert all(0 <= float(row["coverage"]) <= 1 for row in coverage)


@pytest.mark.slow
def test_intervals_hold_the_mean_of_the_chips_that_are_drawn_from():
    script = load_script("fewer-images/run.py")
    population = script.model_chips(chips=300, images=400)
    assert population.truth == np.mean(population.right)
    for images in (20, 400):
        held = script.coverage(population, chips=30, images=images, studies=600)
        assert abs(held - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 600)
