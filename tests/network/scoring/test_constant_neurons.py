"""Neurons that never change: packed words against whole numbers and torch, neuron by neuron."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from rramsim import parallel
from rramsim.bits import pack_rows
from rramsim.errors import InputError
from rramsim.network.folded.network import FoldedConvolution, FoldedLayer, FoldedNetwork, ScoreLayer
from rramsim.network.packed import convolution
from rramsim.network.packed import layers as network
from rramsim.network.scoring.constant_neurons import HiddenNeurons

SIGNS = np.array([-1, 1], dtype=np.int8)
WIDTHS = st.lists(
    st.one_of(st.integers(1, 9), st.sampled_from([31, 32, 33, 63, 64, 65, 130])),
    min_size=2,
    max_size=5,
)
CHANNELS = st.one_of(st.integers(1, 4), st.sampled_from([33, 64, 70]))


def _hidden(kind, shape, rng, **more):
    """Return a layer of which some neurons are always on, some never, and most undecided."""
    neurons = shape[0]
    spread = max(1, int(2 * np.sqrt(np.prod(shape[1:]))))
    thresholds = rng.integers(-spread, spread + 1, neurons)
    certain = rng.random(neurons) < 0.3
    thresholds[certain] = rng.choice([-(2**50), 2**50], certain.sum())
    return kind(rng.choice(SIGNS, shape), thresholds, rng.choice(SIGNS, neurons), **more)


def _scores(classes, inputs, rng):
    ones = np.ones(classes, dtype=np.float32)
    return ScoreLayer(rng.choice(SIGNS, (classes, inputs)), ones, 0 * ones)


def _connected(widths, rng):
    *shapes, last = pairwise(widths)
    hidden = [_hidden(FoldedLayer, (neurons, inputs), rng) for inputs, neurons in shapes]
    return FoldedNetwork((*hidden, _scores(last[1], last[0], rng)))


def _convolutional(image_shape, filters, width, rng):
    channels, height, size = image_shape
    layers = []
    for count, pool in filters:
        pool = pool and min(height, size) > 1
        layers.append(_hidden(FoldedConvolution, (count, channels, 3, 3), rng, pool=pool))
        channels, (height, size) = count, layers[-1].output_size(height, size)
    layers.append(_hidden(FoldedLayer, (width, channels * height * size), rng))
    return FoldedNetwork((*layers, _scores(3, width, rng)), image_shape)


def _images(count, folded, rng):
    # Mostly dark pixels, which leave many sums alike.
    return rng.choice(np.array([0, 0, 0, 1, 3], dtype=np.uint8), (count, folded.inputs))


def _flips(folded, ber, rng):
    return [np.flatnonzero(rng.random(layer.signs.size) < ber) for layer in folded.layers]


def _reference(folded, images, flips):
    """Return (always +1, always -1) of every hidden layer, from all outputs of all images."""
    values = torch.from_numpy(images.astype(np.float64))
    if folded.image_shape:
        values = values.reshape(-1, *folded.image_shape)
    found = []
    for layer, positions in zip(folded.layers[:-1], flips, strict=False):
        signs = layer.signs.astype(np.float64).ravel()
        signs[positions] *= -1
        weights = torch.from_numpy(signs.reshape(layer.signs.shape))
        places = (-1, 1, 1) if isinstance(layer, FoldedConvolution) else (-1,)
        threshold = torch.from_numpy(layer.thresholds).reshape(places)
        direction = torch.from_numpy(layer.directions).reshape(places)
        if isinstance(layer, FoldedConvolution):
            sums = functional.conv2d(values, weights, padding=1)
        else:
            sums = values.flatten(1) @ weights.T
        values = torch.where(direction * sums >= threshold, 1.0, -1.0).double()
        if isinstance(layer, FoldedConvolution) and layer.pool:
            values = functional.max_pool2d(values, 2)
        outputs = values.flatten(1).numpy()
        found.append(((outputs == 1).all(axis=0), (outputs == -1).all(axis=0)))
    return found


def _assert_equal(found, expected):
    assert len(found) == len(expected)
    for layer, (plus, minus) in zip(found, expected, strict=True):
        assert np.array_equal(layer[0], plus)
        assert np.array_equal(layer[1], minus)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    widths=WIDTHS,
    images=st.integers(1, 9),
    ber=st.sampled_from([0.0, 0.05, 0.5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_connected_layers_are_those_of_whole_numbers(widths, images, ber, seed):
    rng = np.random.default_rng(seed)
    folded = _connected(widths, rng)
    values, flips = _images(images, folded, rng), _flips(folded, ber, rng)
    _assert_equal(HiddenNeurons(folded, values).constant(flips), _reference(folded, values, flips))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    image_shape=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    filters=st.lists(st.tuples(CHANNELS, st.booleans()), min_size=1, max_size=3),
    images=st.integers(1, 9),
    ber=st.sampled_from([0.0, 0.05, 0.5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_filters_at_places_are_those_of_torch(image_shape, filters, images, ber, seed):
    rng = np.random.default_rng(seed)
    folded = _convolutional(image_shape, filters, 5, rng)
    values, flips = _images(images, folded, rng), _flips(folded, ber, rng)
    _assert_equal(HiddenNeurons(folded, values).constant(flips), _reference(folded, values, flips))


@pytest.mark.slow
@pytest.mark.parametrize("cores", [1, 3])
@pytest.mark.parametrize("kind", ["connected", "convolutional"])
def test_many_images_on_many_cores_with_either_form_of_flips(kind, cores, monkeypatch):
    """257 images in small blocks, whose last one is neither full nor a multiple of a tile."""
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    monkeypatch.setattr(network, "INLINE_STEPS", 1)
    monkeypatch.setattr(network, "BLOCK_IMAGES", 16)
    monkeypatch.setattr(network, "LARGE_BLOCKS", 1)
    monkeypatch.setattr(convolution, "BLOCK_IMAGES", 16)
    rng = np.random.default_rng(3)
    folded = (
        _connected((40, 100, 70, 4), rng)
        if kind == "connected"
        else _convolutional((2, 6, 5), [(70, False), (20, True)], 30, rng)
    )
    values, flips = _images(257, folded, rng), _flips(folded, 0.1, rng)
    expected = _reference(folded, values, flips)
    # Some are constant by their threshold, some by the images alone, and some are not constant.
    plus, minus = expected[0]
    assert 0 < plus.sum() < plus.size - minus.sum() < plus.size
    masks = [
        pack_rows(np.isin(np.arange(layer.signs.size), each).reshape(layer.matrix.shape))
        for layer, each in zip(folded.layers, flips, strict=True)
    ]
    watched = HiddenNeurons(folded, values)
    for form in (flips, masks, flips):
        _assert_equal(watched.constant(form), expected)
    free = [np.empty(0, dtype=np.int64)] * len(flips)
    _assert_equal(watched.constant([None] * len(flips)), _reference(folded, values, free))


def test_one_image_changes_nothing_and_no_hidden_layer_has_no_neurons():
    rng = np.random.default_rng(1)
    folded = _connected((5, 7, 2), rng)
    ((plus, minus),) = HiddenNeurons(folded, _images(1, folded, rng)).constant([None, None])
    assert (plus ^ minus).all()
    linear = _connected((5, 2), rng)
    assert HiddenNeurons(linear, _images(3, linear, rng)).constant([None]) == []


def test_images_that_do_not_fit_are_told():
    folded = _connected((5, 7, 2), np.random.default_rng(1))
    with pytest.raises(InputError, match="5 inputs"):
        HiddenNeurons(folded, np.zeros((2, 6), dtype=np.uint8))
    with pytest.raises(ValueError, match="without an image"):
        HiddenNeurons(folded, np.zeros((0, 5), dtype=np.uint8))
