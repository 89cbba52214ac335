"""Many chips of a small network in one pass, where a pass for each would mostly be calls.

To the first layer, which sees the same images on every chip, the chips are one wide layer. From
then on each chip has its own outputs, and one call of a kernel goes over the chips.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import NEURONS, Words, words_for
from rramsim.kernels import copy_row, kernel
from rramsim.network.folded.network import ScoreLayer
from rramsim.network.packed.class_kernels import classify_chips
from rramsim.network.packed.dense import PackedNetwork
from rramsim.network.packed.layers import FaultyLayer, PackedLayer
from rramsim.network.packed.units import Inputs


def classes_of_chips(
    network: PackedNetwork, output: ScoreLayer, masks: list[Words]
) -> NDArray[np.int64]:
    """Return the class of each image on each chip, shape (chips, images).

    Parameters
    ----------
    network : PackedNetwork
        Of two layers or more.
    output : ScoreLayer
        Its last layer.
    masks : list of uint64 array, shape (chips, neurons, words)
        For each layer, the weights that are read with the wrong sign.
    """
    chips = len(masks[0])
    values = _first_fired(network.clean[0], network.inputs, masks[0])
    for layer, of_layer in zip(network.clean[1:-1], masks[1:-1], strict=True):
        weights = _flipped(layer.layer, of_layer, panels=_even_panels(layer.layer))
        fired = np.empty((*values.shape[:2], weights.shape[1] // 2), dtype=np.uint64)
        assert layer.unit.fire_chips is not None
        layer.unit.fire_chips(values, weights, _in_pairs(layer.limits, below=-1), fired)
        values = fired
    last = network.clean[-1]
    weights = _flipped(last.layer, masks[-1], panels=len(last.weights))
    counts = np.empty((*values.shape[:2], weights.shape[1] * NEURONS), dtype=np.int32)
    assert last.unit.count_chips is not None
    last.unit.count_chips(values, weights, counts)
    classes = np.empty((chips, network.images), dtype=np.int64)
    classify_chips(counts, last.layer.inputs, output.scale, output.offset, classes)
    return classes


def _first_fired(clean: FaultyLayer, inputs: Inputs, masks: Words) -> Words:
    """Return the outputs of the first layer, (chips, images padded, words)."""
    layer, chips = clean.layer, len(masks)
    weights = _flipped(layer, masks, panels=_even_panels(layer))
    ones = np.bitwise_count(weights).sum(axis=2, dtype=np.int64).reshape(chips, -1)
    limits = clean.coding.limits(_in_pairs(layer.thresholds, below=0), ones, layer.inputs)
    limits[:, layer.neurons :] = -1
    fired = np.empty((len(inputs), limits.size // 64), dtype=np.uint64)
    wide = weights.reshape(-1, *weights.shape[2:])
    clean.unit.fire(inputs, wide, clean.coding.planes, limits.reshape(-1), fired)
    return np.ascontiguousarray(fired.reshape(len(inputs), chips, -1).transpose(1, 0, 2))


def _even_panels(layer: PackedLayer) -> int:
    """Return the panels that fill whole words of outputs."""
    return 2 * words_for(layer.neurons)


def _flipped(layer: PackedLayer, masks: Words, *, panels: int) -> Words:
    """Return the weights of each chip, (chips, panels, words, 32)."""
    weights = np.empty((len(masks), panels, *layer.weights.shape[1:]), dtype=np.uint64)
    _flip(layer.weights, np.ascontiguousarray(masks), weights)
    return weights


def _in_pairs(values: NDArray[np.int64], *, below: int) -> NDArray[np.int64]:
    """Return values of neurons for an even number of panels."""
    missing = -values.size % (2 * NEURONS)
    return np.append(values, np.full(missing, below, dtype=np.int64))


@kernel("void(uint64[:,:,::1], uint64[:,:,::1], uint64[:,:,:,::1])")
def _flip(clean: Words, masks: Words, weights: Words) -> None:
    panels = clean.shape[0]
    chips, neurons, words = masks.shape
    for chip in range(chips):
        for panel in range(panels):
            for word in range(words):
                copy_row(clean[panel, word], weights[chip, panel, word])
        weights[chip, panels:] = 0
        for neuron in range(neurons):
            for word in range(words):
                weights[chip, neuron >> 5, word, neuron & 31] ^= masks[chip, neuron, word]
