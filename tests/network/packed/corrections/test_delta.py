"""The second layer by delta against whole numbers, up to the most changes that it is exact for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.bits import pack_rows
from rramsim.network.folded.network import FoldedLayer
from rramsim.network.packed.corrections.delta import Changes, delta_bytes, delta_layer
from rramsim.network.packed.corrections.delta_kernels import CUT
from rramsim.network.packed.corrections.sliced import sliced_layer
from rramsim.network.packed.layers import SIGNS, FaultyLayer, pack_layer
from rramsim.network.packed.units import POPCOUNT, padded

SIZES = st.one_of(st.integers(1, 9), st.sampled_from([63, 64, 65, 129, 300]))


def _rows(bits):
    rows = np.zeros((padded(len(bits)), -(-bits.shape[1] // 64)), dtype=np.uint64)
    rows[: len(bits)] = pack_rows(bits)
    return rows


def _fired(layer, inputs, flipped):
    sums = (2.0 * inputs - 1) @ (layer.signs * np.where(flipped, -1.0, 1.0)).T
    return layer.directions * sums.astype(np.int64) >= layer.thresholds


def _check(layer, before, after, flipped, *, is_exact):
    """Compare the outputs on images in `after` with whole numbers, from margins of `before`."""
    packed = pack_layer(layer)
    limits = packed.limits(packed.weights, SIGNS)
    clean = FaultyLayer(packed, SIGNS, packed.weights, limits, POPCOUNT)
    images = len(before)
    inputs = _rows(before)
    margins = sliced_layer(clean, inputs, images).margins
    changed = np.flatnonzero((before ^ after).any(axis=0))
    columns, fired = pack_rows(before.T.copy()), pack_rows(after.T[changed].copy())
    changes = Changes(columns, fired.reshape(changed.size, columns.shape[1]), changed)
    assert changes.count == np.count_nonzero(before ^ after)
    assert changes.most == (before ^ after).sum(axis=1).max()
    expected = _fired(layer, after, flipped)
    same = _fired(layer, before, np.zeros_like(flipped))
    for planes in (None, margins):
        second = delta_layer(clean, inputs, images, planes)
        assert delta_bytes(clean, images) == second.margins.nbytes + second.columns.nbytes
        flips = second.lists(np.flatnonzero(flipped), packed)
        assert second.is_exact(changes, flips) == is_exact
        if not is_exact:
            continue
        for is_all in (False, True):
            outputs, touched = second.fired(changes, flips, is_all=is_all)
            assert set(np.flatnonzero((expected != same).any(axis=1))) <= set(touched)
            asked = np.arange(images) if is_all else touched
            assert np.array_equal(outputs[asked], pack_rows(expected)[asked])
            second.keep(np.full_like(outputs, 2**64 - 1))


@settings(max_examples=25)
@given(
    images=SIZES,
    inputs=SIZES,
    neurons=SIZES,
    rates=st.tuples(*[st.sampled_from([0.0, 0.004, 0.03])] * 2),
    seed=st.integers(0),
)
def test_a_layer_by_delta_gives_what_whole_numbers_do(images, inputs, neurons, rates, seed):
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array([-1, 1], dtype=np.int8), (neurons, inputs))
    # Sums meet many of these exactly, and none meets some.
    thresholds = rng.integers(-3, 4, neurons)
    beyond = rng.random(neurons) < 0.2
    thresholds[beyond] = rng.choice([-(2**50), -inputs, inputs, inputs + 1, 2**50], beyond.sum())
    directions = rng.choice(np.array([-1, 1], dtype=np.int8), neurons)
    layer = FoldedLayer(signs, thresholds, directions)
    before = rng.random((images, inputs)) < 0.5
    after = before ^ (rng.random((images, inputs)) < rates[0])
    flipped = rng.random((neurons, inputs)) < rates[1]
    _check(layer, before, after, flipped, is_exact=True)


@pytest.mark.parametrize("flips", [0, 1, 20])
@pytest.mark.parametrize("direction", [-1, 1])
def test_as_many_changes_of_a_margin_as_a_byte_holds_are_exact_and_one_more_is_refused(
    flips, direction
):
    # All inputs match: the margin of a neuron is 0 where its threshold is the number of inputs.
    # Each change takes one match away, or gives one.
    inputs = 2 * CUT + 70
    spare = np.array([0, 1, CUT - 1, CUT, CUT + 1, CUT + 2, 2 * CUT])
    for sense in (1, -1):
        matches = inputs if sense > 0 else 2 * CUT
        thresholds = 2 * (matches - sense * spare) - inputs
        signs = np.full((spare.size, inputs), direction, dtype=np.int8)
        directions = np.full(spare.size, direction, dtype=np.int8)
        layer = FoldedLayer(signs, thresholds, directions)
        before = np.zeros((70, inputs), dtype=np.bool_)
        before[:, :matches] = True
        # Inputs that match stop doing so, or others begin to; so do flipped weights.
        changed = np.arange(CUT - flips + 1) if sense > 0 else inputs - 1 - np.arange(64 - flips)
        flipped = np.zeros((spare.size, inputs), dtype=np.bool_)
        flipped[
            :, (matches - 1 - np.arange(flips)) if sense > 0 else matches + np.arange(flips)
        ] = 1
        after = before.copy()
        for count, is_exact in ((CUT - flips, True), (CUT - flips + 1, False)):
            after[5:] = before[5:]
            after[5:, changed[:count]] ^= True
            _check(layer, before, after, flipped, is_exact=is_exact)
