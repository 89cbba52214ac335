import json

import numpy as np
import pytest
from scipy import stats

from rramsim import schema
from rramsim.errors import InputError
from rramsim.montecarlo.replicates import by_recipe, mean_over_trainings, over_trainings


def evaluation(seed, accuracies, *, recipe=None, faults=("none", "some"), **attrs):
    """Return what `evaluate` would give for a network with these accuracies."""
    values = dict.fromkeys(
        ("accuracy", "accuracy_low", "accuracy_high", "accuracy_p05"), accuracies
    )
    count = len(accuracies)
    values |= {
        "chips": [9] * count,
        "images_per_chip": [9] * count,
        "test_ber": [0.1] * count,
        "method": ["by hand"] * count,
    }
    known = {
        "training_recipe": json.dumps({"epochs": 2} if recipe is None else recipe)
        if recipe != ""
        else "",
        "training_seed": seed,
        "network": "64-10",
        "network_id": f"network {seed}",
        "images": "digits",
        "images_id": "id",
        "test_images": 490,
        "seed": 1,
        **attrs,
    }
    return schema.make("evaluation", values, coords={"faults": list(faults)}, attrs=known)


def test_the_mean_over_trainings_is_that_of_each_fault_model():
    table = np.array([[0.95, 0.80], [0.96, 0.70], [0.97, 0.90]])
    rows = [evaluation(seed, row) for seed, row in zip((3, 1, 2), table.tolist(), strict=True)]
    found = mean_over_trainings(rows)
    assert found["training"].values.tolist() == [1, 2, 3]
    assert found["network_accuracy"].values.tolist() == table[[1, 2, 0]].tolist()
    assert found["network_id"].values.tolist() == ["network 1", "network 2", "network 3"]
    for place in (0, 1):
        column = table[:, place]
        low, high = stats.t.interval(0.95, 2, column.mean(), stats.sem(column))
        row = found.isel(faults=place)
        assert float(row["accuracy"]) == pytest.approx(column.mean())
        assert float(row["accuracy_sd"]) == pytest.approx(column.std(ddof=1))
        assert float(row["accuracy_low"]) == pytest.approx(low)
        assert float(row["accuracy_high"]) == pytest.approx(min(high, 1.0))
    assert "cut to 0 to 1" not in str(found["method"].values[0])
    assert "cut to 0 to 1" in str(found["method"].values[1])
    # What is said of both stands once.
    assert found.attrs["interval"].count("Student t interval") == 1
    assert "chance of training (all that a seed draws) and of the chips" in found.attrs["interval"]
    assert "It leaves out other images" in found.attrs["interval"]
    assert found["fold"].values.tolist() == [-1, -1, -1]


def test_folds_share_training_images_which_the_interval_minds():
    rows = [evaluation(n, [a], faults=["some"], fold=n, folds=4) for n, a in ((1, 0.9), (2, 0.94))]
    found = mean_over_trainings(rows)
    half = stats.t.ppf(0.975, 1) * np.std([0.9, 0.94], ddof=1) * np.sqrt(1 / 2 + 1 / 3)
    assert float(found["accuracy_low"][0]) == pytest.approx(0.92 - half)
    assert found["fold"].values.tolist() == [1, 2]
    assert "2 of the 4 folds are given" in str(found["method"].values[0])


def test_trainings_that_are_alike_are_said_to_show_no_difference():
    found = over_trainings([0.5, 0.5])
    assert (found.mean.low, found.mean.high, found.deviation) == (0.5, 0.5, 0.0)
    assert "further trainings may still differ" in found.method
    assert "chips" not in found.method


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"recipe": {"epochs": 3}}, "differ by the seed or the fold alone; found epochs 2 and 3"),
        ({"recipe": ""}, "whose recipe is not known"),
        ({"seed": 1}, "two are of the training with seed 1"),
        ({"layer": 2}, "layer differs"),
        ({"thresholds": "reestimated"}, "thresholds differs"),
        ({"faults": ["none", "other"]}, "fault models differ"),
    ],
)
def test_what_has_no_mean_is_refused(changes, told):
    seed = changes.pop("seed", 2)
    with pytest.raises(InputError, match=told):
        mean_over_trainings([evaluation(1, [0.9, 0.8]), evaluation(seed, [0.9, 0.8], **changes)])


def test_what_is_no_evaluation_is_refused():
    one = evaluation(1, [0.9, 0.8])
    with pytest.raises(InputError, match="a mean over trainings needs two"):
        mean_over_trainings([one])
    for given in (one, 5, ["a", "b"]):
        with pytest.raises(InputError, match="evaluations"):
            mean_over_trainings(given)


def test_networks_whose_recipe_is_not_known_stay_apart():
    networks = {1: "a", 2: "", 3: "b", 4: "a", 5: ""}
    assert by_recipe(networks, str) == [{1: "a", 4: "a"}, {2: ""}, {3: "b"}, {5: ""}]
