"""Networks scored on chips of conditions, and what cells and chips leave open of their losses."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

import rramsim
from rramsim.crossbar.drawn_faults import DrawnFaults, Planted
from rramsim.crossbar.faults import IidFaults
from rramsim.images.catalogue import load_images
from rramsim.images.folds import Fold
from rramsim.montecarlo.collect import ThisProcess
from rramsim.montecarlo.reestimate import Reestimates
from rramsim.montecarlo.replicates import StudyNetworks
from rramsim.progress import silent
from rramsim.study.settings import Study
from rramsim.study.stages import chips as stage
from rramsim.study.stages.chips import AS_TRAINED, REESTIMATED, Chips

LITTLE, MUCH = 1e-4, 0.05


@pytest.fixture(scope="module")
def networks():
    digits = load_images("digits")
    several = rramsim.train_replicates("digits", folds=2, network="64-24-10", epochs=3)
    trained = {0.0: tuple(several)}
    folds = [saved.fold for saved in trained[0.0]]
    images = tuple(
        Fold(fold["number"], of=fold["of"], seed=fold["seed"]).apply(digits) for fold in folds
    )
    return StudyNetworks(trained, images, 2)


def planted(ber, *, spread=None):
    """Return chips of a BER, of which cells leave so much open on the probit scale."""
    drawn = None
    if spread is not None:
        rates = ndtr(ndtri(ber) + spread * np.linspace(-2.0, 2.0, 401))
        drawn = DrawnFaults(rates, rates, (ber, ber), "interval")
    basis = "stated" if drawn is None else "draws"
    return Planted(IidFaults(ber), "iid", drawn=drawn, cells_basis=basis)


def scored(networks, folder, conditions, **settings):
    study = Study(conditions="table1", curve_bers=[0.1], chips=40, **settings)
    chips = Chips(
        study,
        networks,
        tallies=folder / "tallies.csv",
        thresholds=Reestimates(folder / "thresholds.safetensors"),
        workers=ThisProcess(),
        device="cpu",
        on_progress=silent,
    )
    return chips.on_points({("none", name): one for name, one in conditions.items()})


@pytest.fixture(scope="module")
def points(networks, tmp_path_factory):
    conditions = {
        "little": planted(LITTLE),
        "much": planted(MUCH),
        "known": planted(MUCH, spread=1e-9),
        "open": planted(MUCH, spread=0.1),
    }
    return scored(networks, tmp_path_factory.mktemp("chips"), conditions)


def test_a_loss_is_what_the_chips_lose_against_the_same_training_without_errors(points, networks):
    seed = Study(conditions="table1").seed
    faults = [IidFaults(0.0), IidFaults(MUCH)]
    lost = []
    for saved, images in zip(networks.by_training_ber[0.0], networks.images, strict=True):
        chips = int(points.chip_loss.notnull().sum("chip").max())
        found = rramsim.evaluate(saved, faults, images=images, chips=chips, seed=seed).accuracy
        lost.append(float(found[0] - found[1]))
    point = points.sel(training_ber=0.0, thresholds=AS_TRAINED, protection="none", condition="much")
    assert float(point.loss) == pytest.approx(np.mean(lost), abs=1e-12)
    of_chips = point.chip_loss.mean("chip")
    assert of_chips.values == pytest.approx(lost, abs=1e-12)


def test_thresholds_are_estimated_anew_where_there_are_many_errors(points):
    again = points.sel(thresholds=REESTIMATED, protection="none", training_ber=0.0)
    assert np.isnan(again.accuracy.sel(condition="little"))
    assert np.isfinite(again.accuracy.sel(condition="much"))


def test_what_the_cells_leave_open_is_in_the_interval(points):
    point = points.sel(training_ber=0.0, thresholds=AS_TRAINED, protection="none")
    cells = point.loss_cells.sel(condition=["much", "known", "open"]).values
    assert cells[0] == 0.0  # stated: no draws
    assert cells[1] < 1e-6 < cells[2]
    drawn = point.sel(condition="open")
    assert np.all(np.diff(drawn.loss_draw.values[:401]) >= -1e-6)
    assert float(np.interp(MUCH, drawn.ber_draw[:401], drawn.loss_draw[:401])) == pytest.approx(
        float(drawn.loss), abs=1e-9
    )
    assert np.isnan(point.loss_draw.sel(condition="much")).all()


def test_a_condition_that_cannot_be_had_is_an_empty_point(networks, tmp_path):
    refused = Planted(None, "", cells_basis="", refusal="no")
    points = scored(networks, tmp_path, {"there": planted(LITTLE), "not": refused})
    assert np.isnan(points.loss.sel(condition="not")).all()
    assert points.maps.sel(condition="not").values.sum() == 0
    assert np.isfinite(points.loss.sel(condition="there")).all()


def test_more_chips_are_drawn_where_these_leave_most_open(networks, tmp_path, monkeypatch):
    wide = {"half_width": 0.2, "reestimate": False}
    few = scored(networks, tmp_path / "few", {"much": planted(MUCH)}, **wide)
    monkeypatch.setattr(stage, "_chips_bind", lambda loss: True)
    many = scored(networks, tmp_path / "many", {"much": planted(MUCH)}, **wide)
    assert (few.maps.item(), many.maps.item()) == (60, 80)
