import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rramsim import schema
from rramsim.errors import InputError
from rramsim.montecarlo.replicates import by_recipe, mean_over_trainings, over_trainings


def evaluation(seed, accuracies, *, recipe=None, faults=("none", "some"), ends=None, **attrs):
    """Return what `evaluate` would give for a network with these accuracies."""
    low, high = ends or (accuracies, accuracies)
    values = {"accuracy": accuracies, "accuracy_p05": accuracies}
    values |= {"accuracy_low": low, "accuracy_high": high}
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


@pytest.mark.parametrize("folds", [None, 4])
def test_the_mean_of_equal_trainings_is_known_as_well_as_by_their_chips(folds):
    of_folds = {} if folds is None else {"folds": folds}
    rows = [
        # An interval of a network that is cut at 1 has its width on the other side.
        evaluation(1, [0.9, 0.98], ends=([0.87, 0.95], [0.93, 1.0]), **of_folds),
        evaluation(2, [0.9, 0.98], ends=([0.86, 0.98], [0.94, 0.98]), **of_folds),
    ]
    found = mean_over_trainings(rows)
    for place, half in enumerate((math.hypot(0.03, 0.04) / 2, 0.03 / 2)):
        assert float(found["accuracy_low"][place]) == pytest.approx(
            float(found["accuracy"][place]) - half, abs=1e-9
        )
    assert "never less than that by the chips" in str(found["method"].values[0])
    assert "no width" not in found.attrs["interval"]


_SHARES = st.lists(st.tuples(st.floats(0.4, 0.6), st.floats(0.0, 0.1)), min_size=2, max_size=6)


@pytest.mark.slow
@settings(max_examples=30)
@given(_SHARES, st.sampled_from([None, 8]))
def test_an_interval_is_as_wide_as_that_of_trainings_and_that_of_chips(shares, folds):
    accuracies, chips = map(list, zip(*shares, strict=True))
    student = over_trainings(accuracies, folds=folds).mean
    mean = over_trainings(accuracies, folds=folds, chips=chips).mean
    assert mean.low <= student.low
    assert mean.high >= student.high
    by_chips = math.hypot(*chips) / len(chips)
    assert mean.high >= min(mean.estimate + by_chips, 1.0) - 1e-9


@pytest.mark.parametrize(("trainings", "folds"), [(2, None), (3, 4), (5, 5), (10, None)])
def test_trainings_that_differ_far_more_than_chips_explain_have_students_interval(trainings, folds):
    accuracies = np.linspace(0.499, 0.501, trainings).tolist()
    alone = over_trainings(accuracies, folds=folds).mean
    far = over_trainings(accuracies, folds=folds, chips=[1e-7] * trainings).mean
    assert alone.high - alone.estimate < 0.1
    assert (far.low, far.high) == (alone.low, alone.high)


@pytest.mark.slow
def test_networks_that_agree_by_chance_are_covered():
    rng, count, chips = np.random.default_rng(5), 100, 5
    covered = {"chips": 0, "student": 0}
    met = 0
    while met < count:
        scores = 0.5 + 0.04 * rng.standard_normal((2, chips))
        means, errors = scores.mean(axis=1), stats.sem(scores, axis=1)
        # As far apart as a quarter of what chips make of two networks that are the same.
        if abs(means[0] - means[1]) > 0.25 * 0.04 * math.sqrt(2 / chips):
            continue
        met += 1
        halves = (stats.t.ppf(0.975, chips - 1) * errors).tolist()
        for name, more in (("chips", {"chips": halves}), ("student", {})):
            mean = over_trainings(means.tolist(), **more).mean
            covered[name] += mean.low <= 0.5 <= mean.high
    # Four standard errors of a share below 95 %.
    least = 0.95 - 4 * math.sqrt(0.95 * 0.05 / count)
    assert covered["chips"] / count >= least
    assert covered["student"] / count < least


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
    for refused in (one, 5, ["a", "b"]):
        with pytest.raises(InputError, match="evaluations"):
            mean_over_trainings(refused)


def test_networks_whose_recipe_is_not_known_stay_apart():
    networks = {1: "a", 2: "", 3: "b", 4: "a", 5: ""}
    assert by_recipe(networks, str) == [{1: "a", 4: "a"}, {2: ""}, {3: "b"}, {5: ""}]
