"""The tables of the reproduction are what its netCDF files hold, and show what is said of them."""

import csv

import pytest
import xarray as xr
from workflow_scripts import WORKFLOWS, load_script

from rramsim.study.settings import make_study

FOLDER = WORKFLOWS / "hirtzlin2019"
KEPT = FOLDER / "results"
STUDIES = ("mnist", "mnist-claims", "cifar10", "mnist-unsigned")


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
    for name in ("mnist", "cifar10", "mnist-unsigned"):
        assert _table(f"{name}-maxima") == _as_text(compare.maxima(curves[name]))
    assert _table("conditions") == _as_text(compare.claims(tradeoffs["mnist"]))
    assert _table("claims") == _as_text(compare.claims(tradeoffs["mnist-claims"]))


@pytest.mark.parametrize("name", STUDIES)
def test_the_curves_are_those_of_the_study_file(curves, name):
    study = make_study(FOLDER / f"{name}.toml")
    accuracy = curves[name]
    assert tuple(accuracy.training_ber.values) == study.training_bers
    assert tuple(accuracy.test_ber.values) == (0.0, *study.curve_bers)
    assert int(accuracy.attrs["images"]) == 10_000
    # Where images and conditions lay on some machine is in these.
    assert not {"study", "recipe", "options"} & set(accuracy.attrs)


def test_figure_4_has_a_maximum_near_each_training_ber(curves):
    for training_ber in (0.1, 0.15, 0.2, 0.3):
        curve = curves["mnist"].sel(training_ber=training_ber)
        best = curve.isel(test_ber=int(curve.accuracy.values.argmax()))
        assert 0.7 * training_ber <= float(best.test_ber) <= training_ber
        # The intervals over trainings are apart.
        assert float(best.accuracy_low) > float(curve.sel(test_ber=0.0).accuracy_high)


def test_plain_training_stands_what_the_paper_says_and_adapted_training_more(curves):
    plain = curves["mnist"].sel(training_ber=0.0)
    assert float(plain.accuracy_low.sel(test_ber=0.0)) > 0.98
    assert abs(float(plain.accuracy.sel(test_ber=1e-3) - plain.accuracy.sel(test_ber=0.0))) < 0.001
    adapted = curves["mnist"].sel(training_ber=0.15, test_ber=0.15)
    assert float(adapted.accuracy_low) > 0.9
    assert float(adapted.accuracy_low) > float(plain.accuracy_high.sel(test_ber=0.15))


def test_strong_is_enough_for_plain_training_and_weak_for_adapted(compare, tradeoffs):
    found = tradeoffs["mnist-claims"]
    energy = found.programming_energy.isel(training_ber=0)
    assert found.attrs["tolerance"] == 0.01
    assert (found.trainings == 5).all()
    strong = found.sel(condition="strong", training_ber=0.0)
    weak = found.sel(condition="weak")
    assert compare.side(strong, 1.0) == "yes"
    assert compare.side(weak.sel(training_ber=0.05), 1.0) == "yes"
    assert compare.side(weak.sel(training_ber=0.0), 1.0) != "yes"
    assert float(energy.sel(condition="very strong") / energy.sel(condition="strong")) > 10
    assert float(energy.sel(condition="very strong") / energy.sel(condition="weak")) > 29
