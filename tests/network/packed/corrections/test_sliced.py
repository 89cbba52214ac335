"""Bit-sliced layers against whole numbers, and what is said about their work."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rramsim.bits import pack_rows, unpack_rows
from rramsim.network.folded.network import FoldedLayer
from rramsim.network.packed.corrections.costs import changed_share
from rramsim.network.packed.corrections.sliced import (
    layer_bytes,
    pixel_bytes,
    sliced_layer,
    sliced_pixels,
)
from rramsim.network.packed.layers import SIGNS, Coding, FaultyLayer, pack_layer
from rramsim.network.packed.units import POPCOUNT, padded

SIZES = st.one_of(st.integers(1, 9), st.sampled_from([63, 64, 65, 129, 513]))
RATES = st.sampled_from([0.0, 0.002, 0.03, 0.3, 1.0])


def _layer(neurons, inputs, greatest, rng):
    signs = rng.choice(np.array([-1, 1], dtype=np.int8), (neurons, inputs))
    spread = max(1, int(np.sqrt(inputs) * greatest))
    thresholds = rng.integers(-spread, spread + 1, neurons)
    beyond = rng.random(neurons) < 0.2
    thresholds[beyond] = rng.choice([-(2**50), -inputs, inputs, inputs + 1, 2**50], beyond.sum())
    directions = rng.choice(np.array([-1, 1], dtype=np.int8), neurons)
    return FoldedLayer(signs, thresholds, directions)


def _rows(bits):
    rows = np.zeros((padded(len(bits)), -(-bits.shape[1] // 64)), dtype=np.uint64)
    rows[: len(bits)] = pack_rows(bits)
    return rows


def _expected(layer, values, flipped):
    # In float64, whose sums are exact here and computed by BLAS.
    sums = values.astype(float) @ (layer.signs * np.where(flipped, -1.0, 1.0)).T
    return layer.directions * sums.astype(np.int64) >= layer.thresholds


def _check_hidden(images, inputs, neurons, rates, rng):
    of_inputs, of_weights = rates
    layer = _layer(neurons, inputs, 1, rng)
    packed = pack_layer(layer)
    clean = FaultyLayer(
        packed, SIGNS, packed.weights, packed.limits(packed.weights, SIGNS), POPCOUNT
    )
    before = rng.random((images, inputs)) < 0.5
    after = before ^ (rng.random((images, inputs)) < of_inputs)
    flipped = rng.random((neurons, inputs)) < of_weights
    expected = _expected(layer, 2 * after.astype(np.int64) - 1, flipped)
    sliced = sliced_layer(clean, _rows(before), images)
    lists = 4 * min(images, 512) * inputs
    assert layer_bytes(clean, images) >= sliced.margins.nbytes + sliced.columns.nbytes + lists
    for flips in (pack_rows(flipped), np.flatnonzero(flipped)):
        fired = sliced.fired(_rows(after), flips)[:images]
        assert np.array_equal(fired, pack_rows(expected))


@settings(max_examples=25)
@given(
    images=SIZES, inputs=SIZES, neurons=SIZES, rates=st.tuples(RATES, RATES), seed=st.integers(0)
)
def test_a_bit_sliced_layer_gives_what_whole_numbers_do(images, inputs, neurons, rates, seed):
    _check_hidden(images, inputs, neurons, rates, np.random.default_rng(seed))


@pytest.mark.slow
@pytest.mark.parametrize("rates", [(0.001, 0.001), (1.0, 1.0), (0.5, 0.5)])
def test_margins_beyond_16_bits_do_not_overflow(rates):
    _check_hidden(5, 40_001, 3, rates, np.random.default_rng(2))


@settings(max_examples=25)
@given(
    images=SIZES,
    inputs=SIZES,
    neurons=SIZES,
    rate=RATES,
    coding=st.sampled_from([(0, 1, 1), (-1, 2, 1), (3, 5, 2), (0, 1, 8), (-255, 2, 8)]),
    seed=st.integers(0),
)
def test_a_bit_sliced_first_layer_gives_what_whole_numbers_do(
    images, inputs, neurons, rate, coding, seed
):
    rng = np.random.default_rng(seed)
    coding = Coding(*coding)
    layer = _layer(neurons, inputs, coding.codes, rng)
    packed = pack_layer(layer)
    codes = rng.integers(0, coding.codes + 1, (images, inputs), dtype=np.uint8)
    flipped = rng.random((neurons, inputs)) < rate
    expected = _expected(layer, coding.low + coding.step * codes.astype(np.int64), flipped)
    limits = packed.limits(packed.weights, coding)
    clean = FaultyLayer(packed, coding, packed.weights, limits, POPCOUNT)
    values = POPCOUNT.inputs(codes, coding.planes)
    first = sliced_pixels(clean, values, codes, clean.fired(values))
    assert pixel_bytes(clean, images) == first.margins.nbytes + first.pixels.nbytes
    lists = first.lists(np.flatnonzero(flipped))
    columns = first.fired(lists)
    outputs = first.turned(columns, lists.neurons)[:images]
    assert np.array_equal(unpack_rows(columns, columns=images), expected.T[lists.neurons])
    assert np.array_equal(unpack_rows(outputs, columns=neurons), expected)


def test_the_share_of_changed_outputs_is_that_of_random_layers():
    rng = np.random.default_rng(1)
    inputs = 501
    weights = rng.choice([-1.0, 1.0], (400, inputs))
    for ber in (1e-4, 1e-3, 0.01, 0.1):
        flipped = weights * np.where(rng.random(weights.shape) < ber, -1, 1)
        values = rng.choice([-1.0, 1.0], (inputs, 1000))
        changed = np.mean((weights @ values > 0) != (flipped @ values > 0))
        assert changed == pytest.approx(changed_share(ber, inputs), rel=0.2)
