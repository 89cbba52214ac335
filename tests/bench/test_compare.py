"""The naive network is the same network, and what is measured is whole."""

import numpy as np
import pytest
from chip_networks import naive_predictions

from rramsim.bench.compare import Plan, compare
from rramsim.bench.limit import (
    _SUMS,
    PRODUCTS,
    SIGN_PRODUCTS,
    limit_loop,
    operations_per_second,
)
from rramsim.bench.naive import NaiveNetwork
from rramsim.bench.tuned import Int8Network
from rramsim.bench.workload import random_workload
from rramsim.network.packed import units
from rramsim.network.scoring.evaluator import Evaluator

TINY = Plan(
    hidden=48,
    images=60,
    bers=(1e-3, 0.2),
    byte_bers=(0.01,),
    trained_bers=(0.01,),
    channels=5,
    convolved_images=4,
    sweep_bers=(1e-3, 0.1),
    sweep_chips=3,
    least_seconds=0.0,
    rounds=1,
    trained_epochs=1,
    training_rounds=2,
    training_batch=8,
)


@pytest.mark.parametrize("levels", [2, 256])
def test_the_naive_network_classifies_as_whole_numbers_do(levels: int) -> None:
    workload = random_workload((30, 40, 40, 10), images=50, levels=levels)
    naive = NaiveNetwork(workload.folded, workload.images)
    rng = np.random.default_rng(4)
    flips = [
        np.sort(rng.choice(layer.signs.size, 90, replace=False)) for layer in workload.folded.layers
    ]
    expected = naive_predictions(workload.folded, workload.images, flips)
    weights = naive.with_flips(flips)
    assert np.array_equal(naive.predictions(weights, batch=7), expected)
    assert np.array_equal(naive.predictions(weights, batch=50), expected)
    assert not np.array_equal(naive.predictions(naive.weights, batch=50), expected)


def test_coins_flip_at_the_rate() -> None:
    workload = random_workload((100, 200, 10), images=5, levels=2)
    naive = NaiveNetwork(workload.folded, workload.images)
    flipped = naive.with_coins(0.25)
    wrong = sum(int((one != two).sum()) for one, two in zip(flipped, naive.weights, strict=True))
    # 22,000 weights, standard deviation 64: five of them.
    assert abs(wrong - 5500) < 320


def test_a_workload_is_the_same_each_time_and_its_neurons_are_undecided() -> None:
    one, two = (random_workload((60, 64, 64, 10), images=80, levels=2) for _ in range(2))
    assert one.folded.content_id == two.folded.content_id
    assert np.array_equal(one.images, two.images)
    sums = one.images.astype(int) @ one.folded.hidden[0].signs.T.astype(int)
    fires = (sums >= one.folded.hidden[0].thresholds).mean()
    assert 0.4 < fires < 0.65
    assert len(np.unique(Evaluator(one.folded, one.images, one.labels).predictions())) > 5


@pytest.mark.parametrize("levels", [2, 100, 256])
def test_whole_numbers_of_8_bits_classify_exactly(levels: int) -> None:
    workload = random_workload((30, 40, 40, 10), images=50, levels=levels)
    tuned = Int8Network(workload.folded, workload.images)
    rng = np.random.default_rng(4)
    flips = [
        np.sort(rng.choice(layer.signs.size, 90, replace=False)) for layer in workload.folded.layers
    ]
    expected = naive_predictions(workload.folded, workload.images, flips)
    assert np.array_equal(tuned.predictions(tuned.with_flips(flips)), expected)
    one, two = tuned.with_random(0.01)[1], tuned.with_random(0.5)[1]
    assert 0 < int((one != tuned.weights[1]).sum()) <= 16
    assert 600 < int((two != tuned.weights[1]).sum()) < 1000


@pytest.mark.parametrize("unit", units.names())
def test_the_limit_of_each_unit_is_measured(unit: str) -> None:
    assert unit in PRODUCTS
    assert operations_per_second(unit, rounds=1000) > 0


@pytest.mark.parametrize("inputs", [784, 40_000])
def test_the_limit_of_the_unit_for_signs_is_measured(inputs: int) -> None:
    unit = units.for_signs(inputs, 4096).name
    assert unit in SIGN_PRODUCTS
    assert operations_per_second(unit, signs=True, rounds=1000) > 0


@pytest.mark.slow
def test_everything_is_measured_and_all_predictions_are_equal() -> None:
    steps: list[tuple[int, int]] = []
    found = compare(TINY, lambda *args: steps.append(args))
    assert [(case.name, case.ber) for case in found.cases] == [
        ("1-bit pixels", 1e-3),
        ("1-bit pixels", 0.2),
        ("8-bit pixels", 0.01),
        ("trained, 8 bits", 0.01),
        ("convolutional, 5 to 20", 0.01),
    ]
    assert all(case.identical for case in found.cases)
    rivals = [rival for case in found.cases for rival in case.rivals]
    assert [rival.name for rival in rivals] == ["bfloat16", "int8"] * 4
    # Of two chips. Whole numbers are exact; sums in bfloat16 are where none is above 256.
    assert {rival.images for rival in rivals} == {120}
    assert {rival.wrong for rival in rivals if rival.name == "int8"} == {0}
    assert all(case.ratio == pytest.approx(case.naive_s / case.rramsim_s) for case in found.cases)
    assert found.fraction_of_limit == pytest.approx(found.limit_s / found.layer_s)
    assert found.sweep_chips == 6
    assert found.sweep.ratio == pytest.approx(found.sweep.naive_s / found.sweep.rramsim_s)
    assert set(found.as_json()) == {
        *("workload", "naive_batch", "cases", "kernel", "sweep", "training"),
    }
    assert steps[0] == (0, 12)
    assert steps[-1] == (12, 12)
    assert steps == sorted(steps)


def test_the_loop_of_the_limit_does_all_its_triples() -> None:
    seed = 12345
    sums = [seed + k for k in range(_SUMS)]
    for _ in range(50):
        sums = [one + (one ^ (seed * (k % 4 + 3))).bit_count() for k, one in enumerate(sums)]
    assert limit_loop(50, seed) == sum(sums)
