"""Convolutional networks: packed against torch and against whole numbers one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from rramsim import parallel
from rramsim.bits import ROWS, pack_rows
from rramsim.errors import InputError
from rramsim.network.folded.network import FoldedConvolution, FoldedLayer, FoldedNetwork, ScoreLayer
from rramsim.network.packed import convolution, units
from rramsim.network.packed.layers import SIGNS as SIGNS_CODING
from rramsim.network.packed.strips import strips_of
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.scoring.torch_evaluator import TorchEvaluator

SIGNS = np.array([-1, 1], dtype=np.int8)
CHANNELS = st.one_of(st.integers(1, 5), st.sampled_from([31, 33, 64, 65, 70]))


def _hidden(kind, shape, *, greatest, rng, **more):
    """Return a layer whose thresholds some sums meet exactly, and that none can reach for some."""
    neurons, fan_in = shape[0], int(np.prod(shape[1:]))
    spread = max(1, int(np.sqrt(fan_in) * greatest))
    thresholds = rng.integers(-spread, spread + 1, neurons)
    beyond = rng.random(neurons) < 0.2
    ends = [-fan_in * greatest, fan_in * greatest, fan_in * greatest + 1, 2**50, -(2**50)]
    thresholds[beyond] = rng.choice(ends, beyond.sum())
    return kind(rng.choice(SIGNS, shape), thresholds, rng.choice(SIGNS, neurons), **more)


def _network(image_shape, filters, widths, rng, *, greatest=255):
    """Return a network; `filters` are (channels, whether to pool if that leaves a pixel)."""
    channels, height, width = image_shape
    layers = []
    for count, pool in filters:
        pool = pool and min(height, width) > 1
        shape = (count, channels, 3, 3)
        layers.append(_hidden(FoldedConvolution, shape, greatest=greatest, rng=rng, pool=pool))
        channels, greatest = count, 1
        height, width = layers[-1].output_size(height, width)
    inputs = channels * height * width
    for neurons in widths[:-1]:
        layers.append(_hidden(FoldedLayer, (neurons, inputs), greatest=1, rng=rng))
        inputs = neurons
    scale, offset = rng.integers(-3, 4, (2, widths[-1])).astype(np.float32)
    layers.append(ScoreLayer(rng.choice(SIGNS, (widths[-1], inputs)), scale, offset))
    return FoldedNetwork(tuple(layers), image_shape)


def _naive(folded, images, flips):
    """Classify with whole numbers, filter by filter, each flipped sign negated where it lies."""
    values = images.astype(np.int64).reshape(-1, *folded.image_shape)
    for layer, positions in zip(folded.layers, flips, strict=True):
        signs = layer.signs.astype(np.int64).ravel()
        signs[positions] *= -1
        signs = signs.reshape(layer.signs.shape)
        if not isinstance(layer, FoldedConvolution):
            values = values.reshape(len(values), -1)
            sums = values @ signs.T
            if isinstance(layer, ScoreLayer):
                return (sums.astype(np.float32) * layer.scale + layer.offset).argmax(axis=1)
            values = np.where(sums * layer.directions >= layer.thresholds, 1, -1)
            continue
        sums = _correlate(values, signs)
        fires = sums * layer.directions[:, None, None] >= layer.thresholds[:, None, None]
        values = np.where(fires, 1, -1)
        if layer.pool:
            values = _pooled(values)
    raise AssertionError("a network ends with scores")


def _correlate(values, signs):
    images, _, height, width = values.shape
    sums = np.zeros((images, len(signs), height, width), dtype=np.int64)
    for y in range(height):
        for x in range(width):
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    if 0 <= y + dy < height and 0 <= x + dx < width:
                        at = values[:, :, y + dy, x + dx]
                        sums[:, :, y, x] += at @ signs[:, :, dy + 1, dx + 1].T
    return sums


def _pooled(values):
    height, width = values.shape[2] // 2, values.shape[3] // 2
    cut = values[:, :, : 2 * height, : 2 * width]
    return cut.reshape(*values.shape[:2], height, 2, width, 2).max(axis=(3, 5))


def _flips(folded, ber, rng):
    return [np.flatnonzero(rng.random(layer.signs.size) < ber) for layer in folded.layers]


def _masks(folded, flips):
    masks = []
    for layer, positions in zip(folded.layers, flips, strict=True):
        wrong = np.zeros(layer.signs.size, dtype=np.bool_)
        wrong[positions] = True
        masks.append(pack_rows(wrong.reshape(layer.matrix.shape)))
    return masks


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(CHANNELS, st.integers(1, 7), st.integers(1, 7)),
    filters=st.lists(st.tuples(CHANNELS, st.booleans()), min_size=1, max_size=3),
    widths=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    pixels=st.sampled_from([(0, 1), (0, 255), (3, 10), (7,), tuple(range(256))]),
    images=st.integers(1, 9),
    ber=st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_packed_torch_and_naive_predictions_are_equal(
    size, filters, widths, pixels, images, ber, seed
):
    rng = np.random.default_rng(seed)
    folded = _network(size, filters, widths, rng, greatest=max(pixels))
    values = rng.choice(np.array(pixels, dtype=np.uint8), (images, folded.inputs))
    flips = _flips(folded, ber, rng)
    expected = _naive(folded, values, flips)
    labels = rng.integers(0, widths[-1], images)
    for evaluator in (Evaluator(folded, values, labels), TorchEvaluator(folded, values, labels)):
        assert np.array_equal(evaluator.predictions(flips), expected)
        assert np.array_equal(evaluator.predictions(_masks(folded, flips)), expected)
        assert evaluator.correct(flips) == (expected == labels).sum()
        clean = _naive(folded, values, _flips(folded, 0.0, rng))
        assert np.array_equal(evaluator.predictions(), clean)


@pytest.mark.parametrize("unit", ["popcount", "shuffle", "lookup", "vnni", "amx"])
@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 6), (5, 1), (2, 2), (4, 7), (5, 4)])
def test_every_bit_of_convolutions_is_that_of_torch(height, width, pool, unit, monkeypatch):
    """Against torch's own convolution and pooling; scores could hide a wrong bit."""
    if unit not in units.names():
        pytest.skip(f"this processor has no {unit}: {', '.join(units.names())}")
    monkeypatch.setenv("RRAMSIM_KERNEL", unit)
    pool = pool and min(height, width) > 1
    rng = np.random.default_rng(height * 10 + width)
    folded = _network((3, height, width), [(70, False), (40, pool)], (2,), rng)
    images = rng.integers(0, 256, (11, folded.inputs)).astype(np.uint8)
    values = torch.from_numpy(images.reshape(11, 3, height, width)).double()
    for layer in folded.convolutions:
        sums = functional.conv2d(values, torch.from_numpy(layer.signs).double(), padding=1)
        directed = sums.numpy() * layer.directions[:, None, None]
        values = torch.from_numpy(np.where(directed >= layer.thresholds[:, None, None], 1.0, -1.0))
        values = functional.max_pool2d(values, 2) if layer.pool else values
    network = convolution.ConvolutionalNetwork(folded, images)
    found = network.convolved([None] * len(folded.layers))
    bits = values.numpy().transpose(0, 2, 3, 1) > 0
    assert np.array_equal(found, pack_rows(bits.reshape(-1, 40)).reshape(11, -1))


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(5, 20), st.integers(5, 20)),
    form=st.tuples(
        st.tuples(st.integers(1, 4), st.integers(1, 4)),
        st.tuples(st.integers(1, 3), st.integers(1, 3)),
        st.tuples(st.integers(0, 2), st.integers(0, 2)),
    ),
    pool=st.booleans(),
    channels=st.sampled_from([3, 70]),
)
def test_each_output_has_its_place_in_a_strip(size, form, pool, channels):
    """Strips are laid out on any processor; those with AMX compute them."""
    (kernel, stride, padding), words = form, -(-channels // 64)
    rng = np.random.default_rng(1)
    layer = _filters(
        2, channels, rng, kernel=kernel, pool=pool, greatest=1, stride=stride, padding=padding
    )
    if min(layer.output_size(*size)) < 1:
        return
    made = convolution._convolution(
        layer, coding=SIGNS_CODING, size=size, on_pixels=False, frame=(0, 0)
    )
    strips = strips_of(made.begins, made.classes, stride[1] * words)
    places = strips.begins[:, np.newaxis] + stride[1] * words * np.arange(ROWS)
    assert np.array_equal(places.reshape(-1)[strips.numbers], made.begins)
    assert np.array_equal(strips.classes[strips.numbers], made.classes)
    assert len(np.unique(strips.begins)) == len(strips.begins)
    distinct = np.unique(made.begins).size
    assert strips.used == distinct / (ROWS * len(strips.begins))
    assert len(strips.begins) <= layer.sums_size(*size)[0] * -(-layer.sums_size(*size)[1] // ROWS)


def _filters(count, channels, rng, *, kernel, pool, greatest, **more):
    shape = (count, channels, *kernel)
    pool_all = rng.random(count) < 0.5 if pool else None
    return _hidden(
        FoldedConvolution, shape, greatest=greatest, rng=rng, pool=pool, pool_all=pool_all, **more
    )


def _by_torch(layer, values, positions=()):
    """Return outputs by torch's own convolution; the least is the greatest of the negated."""
    signs = layer.signs.astype(np.float64).ravel()
    signs[np.asarray(positions, dtype=int)] *= -1
    weights = torch.from_numpy(signs.reshape(layer.signs.shape))
    sums = functional.conv2d(values, weights, stride=layer.stride, padding=layer.padding)
    directed = sums.numpy() * layer.directions[:, None, None]
    outputs = torch.from_numpy(np.where(directed >= layer.thresholds[:, None, None], 1.0, -1.0))
    if not layer.pool:
        return outputs
    most, least = functional.max_pool2d(outputs, 2), -functional.max_pool2d(-outputs, 2)
    return torch.where(torch.from_numpy(layer.pool_all)[:, None, None], least, most)


FORMS = st.tuples(
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(0, 2), st.integers(0, 3)),
    st.booleans(),
)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    channels=st.sampled_from([1, 3, 8, 13, 65]),
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    forms=st.lists(FORMS, min_size=1, max_size=3),
    pixels=st.sampled_from([(0, 1), (3, 10), tuple(range(256))]),
    unit=st.sampled_from(units.names()),
    ber=st.sampled_from([0.0, 0.1]),
    seed=st.integers(0, 2**32 - 1),
)
def test_filters_of_any_size_stride_and_border_are_those_of_torch(
    channels, size, forms, pixels, unit, ber, seed
):
    rng = np.random.default_rng(seed)
    layers, before, shape = [], channels, (channels, *size)
    for number, (kernel, stride, padding, pool) in enumerate(forms):
        count = int(rng.choice([2, 33, 70]))
        greatest = 1 if number else max(pixels)
        layer = _filters(
            count, before, rng, kernel=kernel, pool=pool, greatest=greatest, stride=stride,
            padding=padding,
        )  # fmt: skip
        if min(layer.output_size(*size)) < 1:
            break
        layers.append(layer)
        before, size = count, layer.output_size(*size)
    if not layers:
        return
    scores = rng.choice(SIGNS, (3, before * size[0] * size[1]))
    ones = np.ones(3, dtype=np.float32)
    folded = FoldedNetwork((*layers, ScoreLayer(scores, ones, 0 * ones)), shape)
    images = rng.choice(np.array(pixels, dtype=np.uint8), (6, folded.inputs))
    flips = _flips(folded, ber, rng)
    values = torch.from_numpy(images.reshape(6, *shape)).double()
    extremes = []
    for layer, positions in zip(layers, flips, strict=False):
        values = _by_torch(layer, values, positions)
        plus = values.flatten(1).numpy() > 0
        extremes.append((plus.all(axis=0), plus.any(axis=0)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RRAMSIM_KERNEL", unit)
        network = convolution.ConvolutionalNetwork(folded, images)
    bits = values.numpy().transpose(0, 2, 3, 1) > 0
    expected = pack_rows(bits.reshape(-1, before)).reshape(6, -1)
    assert np.array_equal(network.convolved(flips), expected)
    for found, (every, some) in zip(network.extremes(flips), extremes, strict=True):
        assert np.array_equal(found, [every, some])
    last = scores.astype(np.float64).ravel()
    last[flips[-1]] *= -1
    classes = (values.flatten(1).numpy() @ last.reshape(scores.shape).T).argmax(axis=1)
    for evaluator in (Evaluator, TorchEvaluator):
        assert np.array_equal(evaluator(folded, images, classes).predictions(flips), classes)


@settings(max_examples=25, deadline=None)
@given(
    channels=st.sampled_from([2, 33, 65]),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    window=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    pool=st.booleans(),
    ber=st.sampled_from([0.0, 0.1]),
    seed=st.integers(0, 2**32 - 1),
)
def test_averaged_outputs_are_those_of_torch_and_the_first_of_equal_scores_wins(
    channels, size, window, pool, ber, seed
):
    rng = np.random.default_rng(seed)
    pool = pool and min(size) > 1
    filters = _filters(channels, 2, rng, kernel=(3, 3), pool=pool, greatest=255)
    height, width = filters.output_size(*size)
    average = min(window[0], height), min(window[1], width)
    windows = (height // average[0]) * (width // average[1])
    # Few channels and scales of a power of two: many scores are equal, and none is rounded.
    scores = rng.choice(SIGNS, (4, channels * windows))
    scale = rng.choice(np.array([-0.25, 0.0, 0.5], dtype=np.float32), 4)
    last = ScoreLayer(scores, scale, np.zeros(4, dtype=np.float32), average)
    folded = FoldedNetwork((filters, last), (2, *size))
    images = rng.integers(0, 256, (7, folded.inputs)).astype(np.uint8)
    flips = _flips(folded, ber, rng)
    values = _by_torch(filters, torch.from_numpy(images.reshape(7, 2, *size)).double(), flips[0])
    signs = scores.astype(np.float64).ravel()
    signs[flips[1]] *= -1
    means = functional.avg_pool2d(values, average).flatten(1).numpy()
    sums = np.rint(means @ signs.reshape(scores.shape).T * np.prod(average))
    classes = (sums * scale).argmax(axis=1)
    for evaluator in (Evaluator, TorchEvaluator):
        made = evaluator(folded, images, classes)
        assert np.array_equal(made.predictions(flips), classes)
        assert np.array_equal(made.predictions(_masks(folded, flips)), classes)


def test_only_outputs_of_a_convolution_are_averaged():
    rng = np.random.default_rng(1)
    filters = _filters(3, 2, rng, kernel=(3, 3), pool=False, greatest=255)
    last = ScoreLayer(rng.choice(SIGNS, (2, 6)), *np.ones((2, 2), np.float32), (2, 4))
    assert str(FoldedNetwork((filters, last), (2, 4, 4))) == "2x4x4-3C3-AP2x4-2"
    whole = ScoreLayer(rng.choice(SIGNS, (2, 3)), *np.ones((2, 2), np.float32), (4, 4))
    assert str(FoldedNetwork((filters, whole), (2, 5, 7))) == "2x5x7-3C3-AP4-2"
    with pytest.raises(ValueError, match="does not lead into"):
        FoldedNetwork((filters, last), (2, 5, 8))
    with pytest.raises(ValueError, match="only outputs of a convolution"):
        FoldedNetwork((last,))
    with pytest.raises(ValueError, match="windows"):
        ScoreLayer(last.signs, last.scale, last.offset, (0, 1))


@pytest.mark.parametrize("cores", [1, 3])
@pytest.mark.parametrize(("block", "stack"), [(4, 1), (8, 3), (64, 8)])
def test_neither_threads_nor_blocks_matter(cores, block, stack, monkeypatch):
    rng = np.random.default_rng(6)
    folded = _network((2, 6, 5), [(40, False), (33, True)], (20, 5), rng)
    values = rng.integers(0, 256, (45, folded.inputs)).astype(np.uint8)
    flips = _flips(folded, 0.02, rng)
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    monkeypatch.setattr(parallel, "_pool", None)
    monkeypatch.setattr(convolution, "BLOCK_IMAGES", block)
    monkeypatch.setattr(convolution, "STACK_IMAGES", stack)
    found = Evaluator(folded, values, np.zeros(45, dtype=np.uint8)).predictions(flips)
    assert np.array_equal(found, _naive(folded, values, flips))
    assert len(set(found.tolist())) > 1


@pytest.mark.slow
def test_images_in_small_batches_of_torch_give_the_same(monkeypatch):
    from rramsim.network.folded import sums

    rng = np.random.default_rng(7)
    folded = _network((2, 6, 5), [(40, False), (33, True)], (20, 5), rng)
    values = rng.integers(0, 256, (45, folded.inputs)).astype(np.uint8)
    labels = np.zeros(45, dtype=np.uint8)
    monkeypatch.setattr(sums, "BATCH_BYTES", 1 << 17)
    evaluator = TorchEvaluator(folded, values, labels)
    assert evaluator._batch < 10
    assert np.array_equal(evaluator.predictions(), Evaluator(folded, values, labels).predictions())


@pytest.mark.parametrize(
    ("number", "flips", "told"),
    [
        (1, np.array([4, 3]), "sorted"),
        (1, np.array([3 * 5 * 9]), r"0\.\.134"),
        (1, np.zeros((3, 2), dtype=np.uint64), r"masks are uint64 \(3, 1\)"),
        (1, np.full((3, 1), 1 << 60, dtype=np.uint64), "beyond the 45 inputs"),
        (2, np.array([2 * 3 * 12]), r"0\.\.71"),
    ],
)
def test_flips_that_do_not_fit_are_refused(number, flips, told):
    rng = np.random.default_rng(0)
    folded = _network((1, 4, 3), [(5, False), (3, False)], (2,), rng)
    evaluator = Evaluator(folded, np.zeros((2, 12), dtype=np.uint8), np.zeros(2, dtype=np.uint8))
    wrong = [np.empty(0, dtype=np.int64)] * 3
    wrong[number] = flips
    with pytest.raises(ValueError, match=told):
        evaluator.predictions(wrong)


def test_images_of_another_size_and_inexact_sums_are_told():
    rng = np.random.default_rng(0)
    folded = _network((1, 4, 3), [(5, False)], (2,), rng)
    labels = np.zeros(2, dtype=np.uint8)
    with pytest.raises(InputError, match="12 inputs"):
        Evaluator(folded, np.zeros((2, 13), dtype=np.uint8), labels)
    channels = 2**24 // (9 * 255) + 1
    wide = _network((channels, 1, 1), [(1, False)], (2,), rng)
    with pytest.raises(InputError, match="exactly"):
        Evaluator(wide, np.full((2, channels), 255, dtype=np.uint8), labels)
