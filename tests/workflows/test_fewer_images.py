"""The workflow on chips that are scored on some of the images, at a small size."""

import csv

import numpy as np
import pytest
from workflow_scripts import load_script


@pytest.mark.slow
def test_a_curve_and_the_coverage_of_its_intervals_are_measured(tmp_path, monkeypatch):
    script = load_script("fewer-images/run.py")
    monkeypatch.setattr(script, "BERS", (1e-3, 0.2))
    monkeypatch.setattr(script, "POPULATION_BERS", (0.2,))
    small = {"layers": "64-32-10", "epochs": 2, "digits_epochs": 2, "studies": 8, "chips": 30}
    points = script.run(tmp_path, "digits", half_width=0.02, **small)
    assert points[0].found.chips < points[1].found.chips
    with (tmp_path / "curve.csv").open() as file:
        curve = list(csv.DictReader(file))
    assert [float(row["ber"]) for row in curve] == [1e-3, 0.2]
    with (tmp_path / "coverage.csv").open() as file:
        coverage = list(csv.DictReader(file))
    assert len(coverage) == 3 * 4
    assert all(0 <= float(row["coverage"]) <= 1 for row in coverage)
    assert (tmp_path / "curve.png").exists()


@pytest.mark.slow
def test_intervals_hold_the_mean_of_the_chips_that_are_drawn_from():
    script = load_script("fewer-images/run.py")
    population = script.model_chips(chips=300, images=400)
    assert population.truth == np.mean(population.right)
    for images in (20, 400):
        held = script.coverage(population, chips=30, images=images, studies=600)
        assert abs(held - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 600)
