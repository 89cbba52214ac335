"""Packed predictions against whole numbers one by one, and against torch."""

import math
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from chip_networks import naive_predictions
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rramsim import parallel
from rramsim.bits import pack_rows
from rramsim.network.folded.network import FoldedLayer, FoldedNetwork, ScoreLayer
from rramsim.network.packed import layers as network
from rramsim.network.packed.corrections import network as corrections
from rramsim.network.packed.corrections.costs import Costs
from rramsim.network.packed.corrections.delta import DeltaLayer, delta_bytes
from rramsim.network.packed.corrections.delta_kernels import CUT
from rramsim.network.packed.corrections.network import CorrectedNetwork
from rramsim.network.packed.corrections.sliced import SlicedLayer, SlicedPixels, pixel_bytes
from rramsim.network.packed.dense import PackedNetwork
from rramsim.network.packed.layers import encode
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.scoring.torch_evaluator import TorchEvaluator

WIDTHS = st.lists(
    st.one_of(st.integers(1, 9), st.sampled_from([31, 32, 33, 63, 64, 65, 100, 130])),
    min_size=2,
    max_size=5,
)
WAYS = ("full", "bit-sliced", "delta")
PIXELS = st.sampled_from([(0, 1), (0, 255), (3, 10), (7,), tuple(range(17)), tuple(range(256))])


def _folded(widths, pixels, rng, *, scores=(-3, 4)):
    """Return a network whose thresholds are met exactly by some sums, and unreachable for some."""
    layers = []
    for number, (inputs, neurons) in enumerate(pairwise(widths)):
        signs = rng.choice(np.array([-1, 1], dtype=np.int8), (neurons, inputs))
        if number == len(widths) - 2:
            # Few whole scores: ties between classes are common.
            scale, offset = rng.integers(*scores, (2, neurons)).astype(np.float32)
            layers.append(ScoreLayer(signs, scale, offset))
            continue
        greatest = inputs * (max(pixels) if number == 0 else 1)
        spread = max(1, int(np.sqrt(inputs) * (max(pixels) if number == 0 else 1)))
        thresholds = rng.integers(-spread, spread + 1, neurons)
        beyond = rng.random(neurons) < 0.2
        thresholds[beyond] = rng.choice(
            [-greatest - 1, -greatest, greatest, greatest + 1, 2**50, -(2**50)], beyond.sum()
        )
        directions = rng.choice(np.array([-1, 1], dtype=np.int8), neurons)
        layers.append(FoldedLayer(signs, thresholds, directions))
    return FoldedNetwork(tuple(layers))


def _images(count, inputs, pixels, rng):
    return rng.choice(np.array(pixels, dtype=np.uint8), (count, inputs))


def _flips(folded, ber, rng):
    return [np.flatnonzero(rng.random(layer.signs.size) < ber) for layer in folded.layers]


def _as_masks(folded, flips):
    masks = []
    for layer, positions in zip(folded.layers, flips, strict=True):
        wrong = np.zeros(layer.signs.size, dtype=np.bool_)
        wrong[positions] = True
        masks.append(pack_rows(wrong.reshape(layer.signs.shape)))
    return masks


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    widths=WIDTHS,
    pixels=PIXELS,
    images=st.integers(1, 9),
    ber=st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_packed_corrected_torch_and_naive_predictions_are_equal(widths, pixels, images, ber, seed):
    rng = np.random.default_rng(seed)
    folded = _folded(widths, pixels, rng)
    values = _images(images, widths[0], pixels, rng)
    flips = _flips(folded, ber, rng)
    expected = naive_predictions(folded, values, flips)
    labels = rng.integers(0, widths[-1], images)
    for evaluator in (
        Evaluator(folded, values, labels),
        TorchEvaluator(folded, values, labels),
    ):
        assert np.array_equal(evaluator.predictions(flips), expected)
        assert np.array_equal(evaluator.predictions(_as_masks(folded, flips)), expected)
        assert evaluator.correct(flips) == (expected == labels).sum()
    packed = PackedNetwork(folded, values)
    for way in WAYS:
        forced = CorrectedNetwork(packed, way)
        for form in (flips, _as_masks(folded, flips), flips):
            assert np.array_equal(forced.predictions(form), expected)


@pytest.mark.parametrize("way", ["bit-sliced", "delta"])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("pixels", [(0, 1), (3, 200), tuple(range(256))])
@pytest.mark.parametrize("hidden", [(150,), (150, 130), (150, 130, 70)])
def test_each_way_gives_what_computing_in_full_does(hidden, pixels, signed, way, monkeypatch):
    rng = np.random.default_rng(8)
    widths = (75, *hidden, 9)
    folded = replace(_folded(widths, pixels, rng), signed_levels=max(pixels) if signed else None)
    # More images than a word, and not a multiple of one: 64 of them are worked on at once.
    values = _images(333, widths[0], pixels, rng)
    packed = PackedNetwork(folded, values)
    forced = CorrectedNetwork(packed, way)
    in_first = _counted(monkeypatch, SlicedPixels, "fired")
    by_slices = _counted(monkeypatch, SlicedLayer, "fired")
    by_delta = _counted(monkeypatch, DeltaLayer, "fired")
    clean = packed.predictions([None] * len(folded.layers))
    changed, exact, bers = 0, 0, (0.0, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 1.0, 1e-3, 0.0)
    for ber in bers:
        flips = _flips(folded, ber, rng)
        expected = packed.predictions(flips)
        assert np.array_equal(forced.predictions(flips), expected)
        changed += int((expected != clean).sum())
        exact += len(hidden) > 1 and _most_changes(packed, flips) <= CUT
    assert changed > 100
    later = len(hidden) - 1
    assert in_first.calls == len(bers)
    assert by_slices.calls == (len(bers) * later if way == "bit-sliced" else 0)
    assert by_delta.calls == (exact if way == "delta" else 0)
    assert later == 0 or 5 < exact < len(bers)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    widths=st.tuples(*[st.sampled_from([1, 5, 64, 65, 130])] * 3, st.sampled_from([1, 2, 10, 70])),
    images=st.sampled_from([1, 63, 64, 200]),
    counts=st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=2, max_size=3),
    seed=st.integers(0, 2**32 - 1),
)
@example(widths=(64, 65, 130, 10), images=200, counts=[(0, 0, 3), (0, 3, 2), (1, 3, 0)], seed=0)
@example(widths=(64, 130, 130, 70), images=200, counts=[(1, 2, 3), (0, 3, 0), (0, 0, 0)], seed=1)
def test_few_flips_give_the_class_that_whole_numbers_do(widths, images, counts, seed):
    # One chip after another, of a network where classes often have equal scores.
    rng = np.random.default_rng(seed)
    folded = _folded(widths, (0, 1), rng, scores=(-1, 2))
    values = _images(images, widths[0], (0, 1), rng)
    forced = CorrectedNetwork(PackedNetwork(folded, values), "delta")
    for few in counts:
        flips = [
            np.sort(rng.choice(layer.signs.size, min(count, layer.signs.size), replace=False))
            for layer, count in zip(folded.layers, few, strict=True)
        ]
        expected = naive_predictions(folded, values, flips)
        for form in (flips, _as_masks(folded, flips)):
            assert np.array_equal(forced.predictions(form), expected)


def _most_changes(packed, flips):
    """Return the most changed inputs of an image and flips of a neuron in the second layer."""
    first = [packed.layer(0, cells).fired(packed.inputs) for cells in (None, flips[0])]
    inputs = np.bitwise_count(first[0] ^ first[1])[: packed.images].sum(axis=1)
    neurons = np.bincount(flips[1] // packed.layers[1].inputs, minlength=1)
    return inputs.max() + neurons.max()


class _counted:  # noqa: N801
    def __init__(self, monkeypatch, owner, name):
        self.calls, method = 0, getattr(owner, name)

        def counting(*args, **kwargs):
            self.calls += 1
            return method(*args, **kwargs)

        monkeypatch.setattr(owner, name, counting)


def test_a_way_is_changed_between_chips_and_gives_the_same(monkeypatch):
    # Free to keep: the best way is ready at once, and margins of one way come from another's.
    for keep in ("keep_sliced", "keep_delta", "clean_outputs"):
        monkeypatch.setattr(Costs, keep, lambda *_, **__: 0.0)
    rng = np.random.default_rng(9)
    folded = _folded((70, 3000, 530, 9), (0, 1), rng)
    packed = PackedNetwork(folded, _images(520, 70, (0, 1), rng))
    corrected = CorrectedNetwork(packed)
    by_slices = _counted(monkeypatch, SlicedLayer, "fired")
    by_delta = _counted(monkeypatch, DeltaLayer, "fired")
    for ber in (4e-3, 1e-5, 1e-3, 4e-3, 1e-4, 0.5, 1e-5):
        flips = _flips(folded, ber, rng)
        assert np.array_equal(corrected.predictions(flips), packed.predictions(flips))
    assert by_slices.calls
    assert by_delta.calls


def test_margins_are_kept_once_they_would_have_paid(monkeypatch):
    rng = np.random.default_rng(4)
    folded = _folded((64, 256, 256, 5), (0, 1), rng)
    packed = PackedNetwork(folded, _images(600, 64, (0, 1), rng))
    patient = CorrectedNetwork(packed)
    corrected = _counted(monkeypatch, CorrectedNetwork, "_corrected")
    flips = [np.array([5]), np.array([9]), np.empty(0, dtype=np.int64)]
    for _ in range(20):
        assert np.array_equal(patient.predictions(flips), packed.predictions(flips))
    assert 5 <= corrected.calls <= 18
    counted = corrected.calls
    monkeypatch.setattr(corrections, "MARGIN_BYTES", 1)
    for way in WAYS:
        poor = CorrectedNetwork(packed, way)
        assert np.array_equal(poor.predictions(flips), packed.predictions(flips))
    assert corrected.calls == counted


def test_margins_are_computed_once_and_those_of_delta_after_the_first_layer(monkeypatch):
    keep = {0: math.inf, 1: math.inf}
    monkeypatch.setattr(Costs, "keep_sliced", lambda _, number: keep[number])
    for free in ("keep_delta", "clean_outputs"):
        monkeypatch.setattr(Costs, free, lambda *_, **__: 0.0)
    makers = ("sliced_pixels", "sliced_layer", "delta_layer")
    made = [_counted(monkeypatch, corrections, maker) for maker in makers]
    by_delta = _counted(monkeypatch, DeltaLayer, "fired")
    rng = np.random.default_rng(9)
    folded = _folded((70, 600, 530, 9), (0, 1), rng)
    packed = PackedNetwork(folded, _images(700, 70, (0, 1), rng))
    corrected = CorrectedNetwork(packed)
    for of_first, calls in ((math.inf, [0, 0, 0]), (0.0, [1, 0, 1])):
        keep[0] = of_first
        for _ in range(4):
            flips = _flips(folded, 1e-4, rng)
            assert np.array_equal(corrected.predictions(flips), packed.predictions(flips))
        assert [maker.calls for maker in made] == calls
    assert by_delta.calls
    sizes = pixel_bytes(packed.clean[0], 700), delta_bytes(packed.clean[1], 700)
    assert corrected._bytes == sum(sizes)


@pytest.mark.parametrize("cores", [1, 2, 5])
@pytest.mark.parametrize("block", [4, 16, 1000])
def test_neither_threads_nor_blocks_matter(cores, block, monkeypatch):
    rng = np.random.default_rng(6)
    folded = _folded((70, 140, 90, 6), tuple(range(17)), rng)
    values = _images(203, 70, tuple(range(17)), rng)
    flips = _flips(folded, 0.02, rng)
    expected = naive_predictions(folded, values, flips)
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    monkeypatch.setattr(parallel, "_pool", None)
    monkeypatch.setattr(network, "INLINE_STEPS", 0)
    monkeypatch.setattr(network, "BLOCK_IMAGES", block)
    packed = PackedNetwork(folded, values)
    assert np.array_equal(packed.predictions(flips), expected)
    for way in WAYS:
        assert np.array_equal(CorrectedNetwork(packed, way).predictions(flips), expected)


def test_images_take_no_more_planes_than_their_values_need():
    for values, low, step, planes in (
        ([0], 0, 1, 1),
        ([9, 9], 9, 1, 1),
        ([0, 1], 0, 1, 1),
        ([0, 255], 0, 255, 1),
        ([7, 250], 7, 243, 1),
        ([0, 2, 4, 6], 0, 2, 2),
        (list(range(17)), 0, 1, 5),
        ([0, 128, 255], 0, 1, 8),
    ):
        coding, codes = encode(np.array([values], dtype=np.uint8))
        assert (coding.low, coding.step, coding.planes) == (low, step, planes)
        assert (coding.low + coding.step * codes.astype(int)).tolist() == [values]


@pytest.mark.parametrize(
    ("flips", "told"),
    [
        (np.array([3, 3]), "distinct"),
        (np.array([4, 3]), "sorted"),
        (np.zeros((5, 2), dtype=np.uint64), "masks are uint64"),
        (np.zeros((6, 1), dtype=np.int64), "masks are uint64"),
        (np.full((6, 1), 1 << 60, dtype=np.uint64), "beyond the 5 inputs"),
    ],
)
def test_flips_that_do_not_fit_the_layer_are_refused(flips, told):
    folded = _folded((5, 6, 2), (0, 1), np.random.default_rng(0))
    evaluator = Evaluator(folded, np.zeros((2, 5), dtype=np.uint8), np.zeros(2, dtype=np.uint8))
    with pytest.raises(ValueError, match=told):
        evaluator.predictions([flips, np.empty(0, dtype=np.int64)])


_FORK = """
import os, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from chip_networks import random_images, random_network
from rramsim import parallel
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.packed import layers as network

network.INLINE_STEPS, network.BLOCK_IMAGES, parallel.cores = 0, 4, lambda: 3
evaluator = Evaluator(random_network(70, 90, 7), random_images(41, 70), np.zeros(41, np.uint8))
flips = [np.arange(50), np.arange(9)]
expected = evaluator.predictions(flips)
assert parallel._pool is not None
child = os.fork()
if child == 0:
    os._exit(0 if np.array_equal(evaluator.predictions(flips), expected) else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_does_not_wait_for_threads_it_does_not_have():
    tests = str(Path(__file__).parents[2])
    command = [sys.executable, "-P", "-W", "ignore", "-c", _FORK, tests]
    done = subprocess.run(command, timeout=60, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
