"""What the last layer tolerates, against every set of flips that there is."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.network.folded.network import FoldedConvolution, FoldedLayer, FoldedNetwork, ScoreLayer
from rramsim.network.folded.sums import exact_sums, first_inputs, pooled
from rramsim.network.scoring import certificate
from rramsim.network.scoring.certificate import certify, tolerated_flips
from rramsim.network.scoring.evaluator import Evaluator

SIGNS = np.array([-1, 1], dtype=np.int8)

scales = st.sampled_from([1.0, 1.0, 0.5, 2.0, -1.0, -0.5, 0.0, 0.1, 1 / 3])
offsets = st.sampled_from([0.0, 0.0, 1.0, -2.0, 0.1, 2.9999998, 1e-7, 40.0])


@st.composite
def layers(draw):
    classes, inputs = draw(st.sampled_from([(2, 4), (3, 3), (2, 3), (4, 2), (1, 3)]))
    weights = draw(st.lists(st.sampled_from([-1, 1]), min_size=classes * inputs))
    signs = np.resize(np.array([*weights, *[1] * (classes * inputs)], np.int8), (classes, inputs))
    numbers = [
        np.array(draw(st.lists(kind, min_size=classes, max_size=classes)), np.float32)
        for kind in (scales, offsets)
    ]
    return ScoreLayer(signs, *numbers)


def _classes(layer, signs, values):
    sums = values @ signs.T.astype(np.int64)
    return (sums.astype(np.float32) * layer.scale + layer.offset).argmax(axis=1)


@given(layer=layers(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_it_is_the_least_of_all_sets_of_flips(layer, seed):
    values = np.random.default_rng(seed).choice([-1, 1], (5, layer.signs.shape[1]))
    clean, size = _classes(layer, layer.signs, values), layer.signs.size
    expected = np.full(len(values), size)
    for count in range(size, 0, -1):
        for flips in combinations(range(size), count):
            signs = layer.signs.copy()
            signs.flat[list(flips)] *= -1
            expected[_classes(layer, signs, values) != clean] = count - 1
    found = tolerated_flips(layer, values @ layer.signs.T.astype(np.int64))
    assert found.tolist() == expected.tolist()


def test_of_equal_scales_a_lead_is_spent_two_by_two():
    layer = ScoreLayer(np.ones((3, 200), np.int8), np.ones(3, np.float32), np.zeros(3, np.float32))
    rng = np.random.default_rng(0)
    sums = 2 * rng.integers(-30, 31, (500, 3))
    first, second = np.sort(sums, axis=1)[:, :0:-1].T
    # The first of equals wins, so a rival before the winner needs no more than the same sum.
    winners = sums.argmax(axis=1)
    before = [
        any(row[rival] == ahead for rival in range(winner))
        for row, winner, ahead in zip(sums, winners, second, strict=True)
    ]
    expected = (first - second) // 2 - np.array(before)
    assert tolerated_flips(layer, sums).tolist() == expected.tolist()


def test_what_no_flips_change_tolerates_all_of_them():
    offsets = np.array([100, 0], dtype=np.float32)
    layer = ScoreLayer(np.ones((2, 4), np.int8), np.ones(2, np.float32), offsets)
    assert tolerated_flips(layer, np.array([[-4, 4]])).tolist() == [8]


def test_many_images_are_certified_in_parts_alike(monkeypatch):
    rng = np.random.default_rng(0)
    layer = ScoreLayer(
        rng.choice(SIGNS, (5, 40)),
        rng.normal(size=5).astype(np.float32),
        rng.normal(size=5).astype(np.float32),
    )
    sums = rng.choice([-1, 1], (300, 40)) @ layer.signs.T.astype(np.int64)
    whole = tolerated_flips(layer, sums)
    monkeypatch.setattr(certificate, "_AT_ONCE", 64)
    assert tolerated_flips(layer, sums).tolist() == whole.tolist()
    assert tolerated_flips(layer, sums[:0]).tolist() == []


def _network(convolutional, rng):
    scores = ScoreLayer(
        rng.choice(SIGNS, (4, 30)),
        rng.normal(1, 0.3, size=4).astype(np.float32),
        rng.normal(size=4).astype(np.float32),
    )
    hidden = rng.choice(SIGNS, (30, 48)), rng.integers(-9, 9, 30), rng.choice(SIGNS, 30)
    first = FoldedLayer(*hidden)
    if not convolutional:
        return FoldedNetwork((first, scores))
    filters = rng.choice(SIGNS, (3, 1, 3, 3)), rng.integers(-900, 900, 3), rng.choice(SIGNS, 3)
    return FoldedNetwork((FoldedConvolution(*filters, pool=True), first, scores), (1, 8, 8))


@pytest.mark.parametrize("convolutional", [False, True])
def test_a_network_is_certified_by_the_sums_of_its_last_layer(convolutional):
    rng = np.random.default_rng(1)
    folded = _network(convolutional, rng)
    images = rng.integers(0, 256, (70, folded.inputs), dtype=np.uint8)
    values = first_inputs(torch.from_numpy(images), folded)
    for layer in folded.layers[:-1]:
        sums = exact_sums(layer, values, torch.from_numpy(layer.matrix).float())
        thresholds, directions = (
            torch.from_numpy(each.astype(np.float32)).view(-1, *[1] * (sums.ndim - 2))
            for each in (layer.thresholds, layer.directions)
        )
        values = pooled(layer, (sums * directions >= thresholds).float() * 2 - 1)
    sums = (values.flatten(1) @ torch.from_numpy(folded.output.signs).float().T).long().numpy()
    found = certify(folded, images)
    assert found.tolerated.tolist() == tolerated_flips(folded.output, sums).tolist()
    assert len(set(found.tolerated.tolist())) > 3
    evaluator = Evaluator(folded, images, np.zeros(70, np.int64))
    assert found.predictions.tolist() == evaluator.predictions().tolist()
    # No chip with so many flips there changes a class that is certified.
    none = [np.empty(0, np.int64)] * (len(folded.layers) - 1)
    for count in (1, 2, 4):
        flips = np.sort(rng.choice(folded.output.signs.size, count, replace=False))
        kept = evaluator.predictions([*none, flips]) == found.predictions
        assert kept[found.tolerated >= count].all()
    with pytest.raises(InputError, match="inputs"):
        certify(folded, images[:, 1:])


def test_a_network_without_a_hidden_layer_is_not_certified():
    ones = np.ones(3, np.float32)
    folded = FoldedNetwork((ScoreLayer(np.ones((3, 5), np.int8), ones, 0 * ones),))
    with pytest.raises(InputError, match=r"no hidden layer.*only layers of -1 and \+1"):
        certify(folded, np.zeros((2, 5), np.uint8))


def test_a_network_that_averages_values_is_not_certified():
    ones = np.ones(3, np.float32)
    filters = FoldedConvolution(
        np.ones((2, 1, 3, 3), np.int8), np.zeros(2, np.int64), np.ones(2, np.int8), pool=False
    )
    last = ScoreLayer(np.ones((3, 2), np.int8), ones, 0 * ones, average=(2, 4))
    folded = FoldedNetwork((filters, last), (1, 2, 4))
    with pytest.raises(InputError, match=r"averages values.*only layers of -1 and \+1"):
        certify(folded, np.zeros((2, 8), np.uint8))
