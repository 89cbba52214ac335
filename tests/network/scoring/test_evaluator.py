from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.network.folded.network import FoldedLayer, FoldedNetwork, ScoreLayer
from rramsim.network.scoring.evaluator import Evaluator


def _folded(widths, rng):
    layers = []
    for inputs, neurons in pairwise(widths[:-1]):
        layers.append(
            FoldedLayer(
                signs=rng.choice(np.array([-1, 1], dtype=np.int8), (neurons, inputs)),
                thresholds=rng.integers(-3, 4, neurons),
                directions=rng.choice(np.array([-1, 1], dtype=np.int8), neurons),
            )
        )
    layers.append(
        ScoreLayer(
            signs=rng.choice(np.array([-1, 1], dtype=np.int8), (widths[-1], widths[-2])),
            scale=rng.normal(0, 1, widths[-1]).astype(np.float32),
            offset=rng.normal(0, 1, widths[-1]).astype(np.float32),
        )
    )
    return FoldedNetwork(tuple(layers))


def _naive(folded, images, flips):
    """Return predictions by integer arithmetic, one layer after the other, nothing clever."""
    values = torch.from_numpy(images.astype(np.int64))
    for layer, positions in zip(folded.layers, flips, strict=True):
        signs = torch.from_numpy(layer.signs.astype(np.int64)).flatten()
        for position in positions:
            signs[position] = -signs[position]
        sums = values @ signs.reshape(layer.signs.shape).T
        if isinstance(layer, FoldedLayer):
            fires = sums * torch.from_numpy(layer.directions) >= torch.from_numpy(layer.thresholds)
            values = torch.where(fires, 1, -1)
    scores = sums.numpy().astype(np.float32) * folded.output.scale + folded.output.offset
    return np.array([max(range(len(row)), key=lambda k: row[k]) for row in scores])


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    widths=st.lists(st.integers(1, 20), min_size=2, max_size=5),
    seed=st.integers(0, 2**32 - 1),
    ber=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
)
def test_predictions_equal_the_naive_reference_under_flips(widths, seed, ber):
    rng = np.random.default_rng(seed)
    folded = _folded(widths, rng)
    images = rng.integers(0, 256, (30, widths[0])).astype(np.uint8)
    labels = rng.integers(0, widths[-1], 30)
    flips = [np.flatnonzero(rng.random(layer.signs.size) < ber) for layer in folded.layers]
    evaluator = Evaluator(folded, images, labels)
    expected = _naive(folded, images, flips)
    assert np.array_equal(evaluator.predictions(flips), expected)
    assert evaluator.correct(flips) == (expected == labels).sum()
    # The flips stayed in a copy: the network itself answers as before.
    none = [np.empty(0, dtype=np.int64) for _ in folded.layers]
    assert np.array_equal(evaluator.predictions(), _naive(folded, images, none))
    assert np.array_equal(evaluator.predictions(none), evaluator.predictions())


def test_batches_do_not_matter():
    rng = np.random.default_rng(4)
    folded = _folded((12, 9, 5), rng)
    images = rng.integers(0, 17, (2003, 12)).astype(np.uint8)
    labels = np.zeros(len(images), dtype=np.uint8)
    together = Evaluator(folded, images, labels).predictions()
    parts = [
        Evaluator(folded, part, labels[: len(part)]).predictions()
        for part in np.array_split(images, 7)
    ]
    assert np.array_equal(together, np.concatenate(parts))


def test_predictions_cannot_be_spoilt_from_outside():
    rng = np.random.default_rng(5)
    images = rng.integers(0, 17, (9, 6)).astype(np.uint8)
    evaluator = Evaluator(_folded((6, 5, 3), rng), images, np.zeros(9, dtype=np.uint8))
    first = evaluator.predictions()
    kept = first.copy()
    first[:] = 99
    images[:] = 0
    assert np.array_equal(evaluator.predictions(), kept)


def test_of_equal_scores_the_first_class_wins():
    output = ScoreLayer(
        signs=np.ones((3, 2), dtype=np.int8),
        scale=np.array([0, 1, 1], dtype=np.float32),
        offset=np.zeros(3, dtype=np.float32),
    )
    images = np.array([[0, 0], [1, 0]], dtype=np.uint8)
    evaluator = Evaluator(FoldedNetwork((output,)), images, np.array([0, 1]))
    assert evaluator.predictions().tolist() == [0, 1]


def test_images_of_another_size_are_told():
    folded = _folded((6, 5, 3), np.random.default_rng(0))
    with pytest.raises(InputError, match="6 inputs"):
        Evaluator(folded, np.zeros((2, 7), dtype=np.uint8), np.zeros(2, dtype=np.uint8))


@pytest.mark.parametrize("position", [-1, 30])
def test_a_position_outside_the_layer_is_refused(position):
    folded = _folded((6, 5, 3), np.random.default_rng(0))
    evaluator = Evaluator(folded, np.zeros((2, 6), dtype=np.uint8), np.zeros(2, dtype=np.uint8))
    none = np.empty(0, dtype=np.int64)
    with pytest.raises(ValueError, match=r"0\.\.29"):
        evaluator.predictions([np.array([position]), none])
    with pytest.raises(ValueError, match="shorter"):
        evaluator.predictions([none])


def test_wide_images_beyond_exact_sums_are_refused():
    wide = 2**24 // 255 + 1
    output = ScoreLayer(
        signs=np.ones((1, wide), dtype=np.int8),
        scale=np.ones(1, dtype=np.float32),
        offset=np.zeros(1, dtype=np.float32),
    )
    images = np.full((1, wide), 255, dtype=np.uint8)
    with pytest.raises(InputError, match="exactly"):
        Evaluator(FoldedNetwork((output,)), images, np.zeros(1, dtype=np.uint8))
