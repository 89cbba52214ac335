"""The layer study on small networks: what it says of a layer, and that it goes on."""

import csv
import math

import numpy as np
import pytest
import xarray as xr
from chip_networks import naive_predictions, random_images, random_network, scored
from workflow_scripts import load_script

from rramsim import schema
from rramsim.crossbar.faults import IidFaults, in_one_layer
from rramsim.errors import InputError
from rramsim.images.catalogue import load_images
from rramsim.montecarlo import collect
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import Task
from rramsim.network.model_files import SavedNetwork, save_network

BERS = (0.0, 0.001, 0.01, 0.1, 0.4)


@pytest.fixture(scope="module")
def study():
    return load_script("layer-sensitivity/run.py")


@pytest.fixture(scope="module")
def network():
    """Return a network that is right on every image, so that it can only lose by errors."""
    folded, images = random_network(20, 65, 30, 4), random_images(150, 20)
    nowhere = [np.empty(0, dtype=np.int64)] * 3
    return scored(folded, images, naive_predictions(folded, images, nowhere))


def test_between_points_accuracy_is_straight_over_the_logarithm(study):
    accuracies = (0.98, 0.98, 0.976, 0.966, 0.5)
    # 0.97 lies 0.6 of the way down from 1e-2 to 1e-1.
    assert study.crossing(BERS, accuracies, 0.97) == (pytest.approx(10**-1.4), "")


@pytest.mark.parametrize(
    ("accuracies", "found"),
    [
        ((0.98, 0.98, 0.98, 0.98, 0.98), (0.4, "lower")),
        ((0.98, 0.5, 0.4, 0.3, 0.2), (0.001, "upper")),
        # It may come back above, as adapted networks do: the first crossing counts.
        ((0.98, 0.98, 0.96, 0.98, 0.2), (pytest.approx(10**-2.5), "")),
    ],
)
def test_what_lies_beyond_the_points_is_only_a_bound(study, accuracies, found):
    assert study.crossing(BERS, accuracies, 0.97) == found


@pytest.mark.slow
def test_each_layer_is_scored_alone_and_all_together(study, network, tmp_path):
    store = TallyStore(tmp_path / "tallies.csv")
    found = study.measure({"one": network}, chips=3, store=store, bers=BERS)
    schema.validate(found, "layer_accuracy")
    assert found.layer.values.tolist() == ["1", "2", "3", "all"]
    assert found.cells.values.tolist() == [[20 * 65, 65 * 30, 30 * 4, 3370]]
    assert (found.accuracy.sel(test_ber=0.0) == 1).all()
    for layer in range(1, 4):
        asked = Task(network, in_one_layer(IidFaults(0.1), layer=layer, layers=3), 1)
        right = [
            naive_predictions(
                network.folded,
                network.images,
                asked.draw(draw),
            )
            == network.labels
            for draw in range(3)
        ]
        shown = found.sel(network="one", layer=str(layer), test_ber=0.1)
        assert float(shown.accuracy) == pytest.approx(np.mean(right))
        assert float(shown.accuracy_low) < np.mean(right) < float(shown.accuracy_high)
    for ber, low, high in zip(
        found.tolerated_ber.values.ravel(),
        found.tolerated_ber_low.values.ravel(),
        found.tolerated_ber_high.values.ravel(),
        strict=True,
    ):
        assert 0 < ber <= 0.4
        assert math.isnan(low) or low <= ber
        assert math.isnan(high) or high >= ber


def test_running_again_scores_nothing_and_says_the_same(study, network, tmp_path, monkeypatch):
    path = tmp_path / "tallies.csv"
    first = study.measure({"one": network}, chips=2, store=TallyStore(path), bers=BERS)
    written = path.read_bytes()
    monkeypatch.setitem(collect._EVALUATORS, network, None)  # whoever scores now fails
    again = study.measure({"one": network}, chips=2, store=TallyStore(path), bers=BERS)
    assert again.identical(first)
    assert path.read_bytes() == written


def test_networks_of_other_depths_are_refused(study, network, tmp_path):
    flat = scored(random_network(20, 4), network.images, network.labels)
    with pytest.raises(InputError, match=r"\[1, 3\] layers"):
        study.measure(
            {"a": network, "b": flat}, chips=1, store=TallyStore(tmp_path / "t"), bers=BERS
        )


@pytest.mark.slow
def test_model_files_become_a_table_a_dataset_and_a_figure(study, tmp_path):
    digits = load_images("digits")
    record = {"training_ber": 0.0, "accuracy": 0.1, "epochs": 1, "seed": 1, "settings": {}}
    record |= {"images": "digits", "images_id": digits.content_id, "history": [], "version": "0"}
    models = [tmp_path / f"net-{seed}.safetensors" for seed in (1, 2, 3)]
    for seed, path in enumerate(models):
        save_network(path, SavedNetwork(random_network(64, 33, 10, seed=seed), record))
    out = tmp_path / "out"
    found = study.run(models, out, images=None, chips=2, bers=BERS)
    with xr.open_dataset(out / "layer-sensitivity.nc") as read:
        assert read.load().equals(found)
    rows = list(csv.DictReader((out / "layer-sensitivity.csv").read_text().splitlines()))
    assert len(rows) == 3 * 3 * len(BERS)
    row = next(
        row
        for row in rows
        if (row["network"], row["layer"], row["test_ber"]) == ("net-2", "all", "0.1")
    )
    at = found.sel(network="net-2", layer="all", test_ber=0.1)
    assert float(row["accuracy"]) == pytest.approx(float(at.accuracy), rel=1e-5)
    assert row["tolerated_ber_bound"] == at.tolerated_ber_bound.item()
    summary = study.summary(found).splitlines()
    assert len(summary) == 2 + 3
    assert summary[2].startswith("| net-1 |")
    figure = study.draw(found)
    drawn = [axes for axes in figure.axes if axes.lines]
    assert [axes.get_title() for axes in drawn] == ["net-1", "net-2", "net-3"]
    (curve,) = (line for line in drawn[1].lines if line.get_label() == "all layers")
    assert np.array_equal(curve.get_ydata(), found.accuracy.values[1, -1, 1:])
    assert (out / "layer-sensitivity.png").stat().st_size > 1000


def test_images_it_was_not_trained_on_are_told(study, tmp_path):
    record = {"training_ber": 0.0, "accuracy": 0.1, "epochs": 1, "seed": 1, "settings": {}}
    record |= {"images": "digits", "images_id": "0" * 64, "history": [], "version": "0"}
    path = tmp_path / "net.safetensors"
    save_network(path, SavedNetwork(random_network(64, 10), record))
    with pytest.raises(InputError, match="--images"):
        study.load([path], None)
