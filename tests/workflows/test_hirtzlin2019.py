"""The tables of the reproduction are what its netCDF files hold, and show what is said of them."""

import csv

import pytest
import xarray as xr
from workflow_scripts import WORKFLOWS, load_script

from rramsim.study.settings import make_study

FOLDER = WORKFLOWS / "hirtzlin2019"
KEPT = FOLDER / "results"
STUDIES = ("mnist", "cifar10", "mnist-unsigned")


@pytest.fixture(scope="module")
def compare():
    return load_script("hirtzlin2019/compare.py")


@pytest.fixture(scope="module")
def curves():
    return {name: xr.load_dataset(KEPT / f"{name}-accuracy.nc") for name in STUDIES}


@pytest.fixture(scope="module")
def tradeoffs():
    return {name: xr.load_dataset(KEPT / f"{name}-tradeoff.nc") for name in STUDIES}


def _table(name):
    with (KEPT / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _as_text(rows):
    return [{name: str(value) for name, value in row.items()} for row in rows]


@pytest.mark.slow
def test_tables_are_computed_from_the_curves(compare, curves, tradeoffs):
    assert _table("comparison") == _as_text(compare.beside_the_paper(curves))
    assert len(_table("comparison")) == len(compare.read_paper())
    for name, accuracy in curves.items():
        assert _table(f"{name}-maxima") == _as_text(compare.maxima(accuracy))
    shown = {name: tradeoffs[name] for name in compare.TITLES}
    assert _table("claims") == _as_text(compare.claims(shown))


@pytest.mark.parametrize("name", STUDIES)
def test_the_curves_are_those_of_the_study_file(curves, name):
    study = make_study(FOLDER / f"{name}.toml")
    accuracy = curves[name]
    assert tuple(accuracy.training_ber.values) == study.training_bers
    assert tuple(accuracy.test_ber.values) == (0.0, *study.curve_bers)
    assert int(accuracy.attrs["images"]) == 10_000
    assert "study" not in accuracy.attrs


def test_figure_4_has_a_maximum_at_each_training_ber(curves):
    accuracy = curves["mnist"].accuracy
    for training_ber in (0.1, 0.15, 0.2, 0.3):
        curve = accuracy.sel(training_ber=training_ber)
        assert float(curve.test_ber[int(curve.values.argmax())]) == training_ber
        assert float(curve.max() - curve.sel(test_ber=0.0)) > 0.1


def test_plain_training_stands_what_the_paper_says_and_adapted_training_more(curves):
    plain = curves["mnist"].accuracy.sel(training_ber=0.0)
    assert float(plain.sel(test_ber=0.0)) > 0.98
    assert abs(float(plain.sel(test_ber=1e-3) - plain.sel(test_ber=0.0))) < 0.001
    adapted = curves["mnist"].accuracy.sel(training_ber=0.15, test_ber=0.15)
    assert float(adapted) > 0.9 > 0.5 > float(plain.sel(test_ber=0.15))


def test_strong_is_enough_for_plain_training_and_weak_for_adapted(tradeoffs):
    found = tradeoffs["mnist"]
    energy = found.programming_energy.isel(training_ber=0)
    assert bool(found.meets_tolerance.sel(condition="strong", training_ber=0.0))
    assert float(energy.sel(condition="very strong") / energy.sel(condition="strong")) > 10
    assert not found.meets_tolerance.sel(condition="weak", training_ber=0.0)
    assert bool(found.meets_tolerance.sel(condition="weak", training_ber=0.05))
    assert float(energy.sel(condition="very strong") / energy.sel(condition="weak")) > 29
