"""A layer as the kernels take it: oriented sign bits in panels, and mismatches for thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import NEURONS, WORD, Words, pack_rows, words_for
from rramsim.kernels import kernel
from rramsim.network.folded.network import Layer, ScoreLayer
from rramsim.network.packed.units import POPCOUNT, Inputs, Unit, padded

# Thresholds beyond all sums are drawn in to here, so that no difference overflows.
_BEYOND = 2**40


BLOCK_IMAGES = 256
"""Images worked on at once: their outputs stay in the second-level cache.

Up to `LARGE_BLOCKS` times as many where the layers are small."""


LARGE_BLOCKS = 4


INLINE_STEPS = 1_000_000
"""Work of fewer steps (one vector of 8 neurons by one word) than this is not worth a thread."""


@dataclass(frozen=True)
class Coding:
    """Values as bit planes: a value is ``low + step * code``, a code has `planes` bits.

    With n inputs, |W| weights of +1 and M mismatches weighted by plane, a neuron's sum is

        low (2 |W| - n) + step ((2^planes - 1) |W| - M),

    since plane b adds popcount(x_b AND W) = (|x_b| + |W| - M_b) / 2 twice and takes |x_b| off.
    """

    low: int
    step: int
    planes: int

    @property
    def codes(self) -> int:
        """Greatest code, all bits set."""
        return (1 << self.planes) - 1

    def sums(
        self, mismatches: NDArray[np.integer], ones: NDArray[np.int64], inputs: int
    ) -> NDArray[np.int64]:
        """Return the sums of neurons (last axis) from their mismatches and weights of +1."""
        at_low = self.low * (2 * ones - inputs)
        return at_low + self.step * (self.codes * ones - mismatches.astype(np.int64))

    def limits(
        self, thresholds: NDArray[np.int64], ones: NDArray[np.int64], inputs: int
    ) -> NDArray[np.int64]:
        """Return the most mismatches at which the sum is still at or above the threshold."""
        at_low = self.low * (2 * ones - inputs)
        return self.codes * ones + (at_low - thresholds) // self.step


SIGNS = Coding(low=-1, step=2, planes=1)
"""Outputs of a hidden layer: -1 and +1. Its limits do not depend on the weights."""


def encode(
    images: NDArray[np.uint8], signed_levels: int | None = None
) -> tuple[Coding, NDArray[np.uint8]]:
    """Return the coding of fewest planes that is exact for these images, and their codes.

    Images of two values take one plane, whichever the values are. For `signed_levels` see
    `FoldedNetwork`.
    """
    present = np.zeros(256, dtype=np.bool_)
    present[images] = True
    values = np.flatnonzero(present)
    low = int(values[0]) if values.size else 0
    step = int(np.gcd.reduce(values - low)) if values.size > 1 else 1
    greatest = (int(values[-1]) - low) // step if values.size else 0
    planes = max(1, greatest.bit_length())
    coding = Coding(low, step, planes)
    if signed_levels is not None:
        coding = Coding(2 * low - signed_levels, 2 * step, planes)
    table = ((np.arange(256) - low) // step).astype(np.uint8)
    return coding, table[images]


@dataclass(frozen=True, eq=False)
class PackedLayer:
    """One layer; a flip of a weight is a flip of its bit, oriented or not.

    Attributes
    ----------
    weights : uint64 array, shape (panels, words, 32)
        Bit 1 where ``direction * sign`` is +1; padding is 0.
    thresholds : int64 array, shape (panels * 32,)
        Least ``direction * sum`` that fires, out of reach for padding. Of no meaning in the last
        layer.
    neurons, inputs : int
    places : int
        Above 1, an input is a channel at one of so many places, the places of the first channel
        first; packed, every place has words of its own that hold its channels.
    """

    weights: Words
    thresholds: NDArray[np.int64]
    neurons: int
    inputs: int
    places: int = 1

    def limits(self, weights: Words, coding: Coding) -> NDArray[np.int64]:
        """Return the most mismatches at which each neuron fires, with `weights` as they are."""
        inputs = self.inputs
        return np.where(
            np.arange(self.thresholds.size) < self.neurons,
            coding.limits(self.thresholds, ones_of(weights), inputs),
            -1,
        )

    def flipped(self, flips: NDArray[np.int64] | Words | None) -> Words:
        """Return the weights with `flips` applied (see `Evaluator.predictions`)."""
        if flips is None or not flips.size:
            return self.weights
        self.check(flips)
        weights = self.weights.copy()
        if flips.ndim == 1:
            positions = np.ascontiguousarray(flips, dtype=np.int64)
            _flip_positions(weights, positions, self.inputs, self.places)
        elif self.places == 1:
            _flip_mask(weights, np.ascontiguousarray(flips))
        else:
            _flip_spread(weights, np.ascontiguousarray(flips), self.places)
        return weights

    def check(self, flips: NDArray[np.int64] | Words) -> None:
        """Raise `ValueError` where `flips` do not fit the layer."""
        if not flips.size:
            return
        if flips.ndim == 1:
            last = self.neurons * self.inputs - 1
            # Sorted and distinct: only the ends can lie outside, and none cancels another.
            if flips[0] < 0 or flips[-1] > last or not (flips[1:] > flips[:-1]).all():
                raise ValueError(f"positions are sorted, distinct and lie in 0..{last}")
            return
        form = (self.neurons, words_for(self.inputs))
        if flips.shape != form or flips.dtype != np.uint64:
            raise ValueError(f"masks are uint64 {form}, found {flips.dtype} {flips.shape}")
        beyond = self.inputs % WORD
        if beyond and (flips[:, -1] >> np.uint64(beyond)).any():
            raise ValueError(f"masks have bits beyond the {self.inputs} inputs")


def pack_layer(layer: Layer, *, places: int = 1) -> PackedLayer:
    """Pack one folded layer, whose inputs are channels at so many `places`."""
    neurons, inputs = layer.matrix.shape
    positive = layer.matrix > 0
    rows = -(-neurons // NEURONS) * NEURONS
    thresholds = np.full(rows, _BEYOND, dtype=np.int64)
    if not isinstance(layer, ScoreLayer):
        positive ^= layer.directions[:, np.newaxis] < 0
        thresholds[:neurons] = layer.thresholds.clip(-_BEYOND, _BEYOND)
    by_place = positive.reshape(neurons, -1, places).transpose(0, 2, 1)
    packed = pack_rows(by_place.reshape(neurons * places, -1)).reshape(neurons, -1)
    return PackedLayer(panels_of(packed), thresholds, neurons, inputs, places)


def panels_of(rows: Words) -> Words:
    """Return rows of words, shape (neurons, words), as panels (panels, words, 32)."""
    neurons, words = rows.shape
    panels = -(-neurons // NEURONS)
    full = np.zeros((panels * NEURONS, words), dtype=np.uint64)
    full[:neurons] = rows
    return np.ascontiguousarray(full.reshape(panels, NEURONS, words).transpose(0, 2, 1))


def rows_of(weights: Words) -> Words:
    """Return panels as rows of words, shape (panels * 32, words)."""
    panels, words, _ = weights.shape
    return np.ascontiguousarray(weights.transpose(0, 2, 1)).reshape(panels * NEURONS, words)


def ones_of(weights: Words) -> NDArray[np.int64]:
    """Return the number of +1 weights of each neuron, padding included."""
    ones: NDArray[np.int64] = np.bitwise_count(weights).sum(axis=1, dtype=np.int64)
    return ones.reshape(-1)


@dataclass(frozen=True, eq=False)
class FaultyLayer:
    """A layer with the weights of one chip, ready for the kernels of its unit."""

    layer: PackedLayer
    coding: Coding
    weights: Words
    limits: NDArray[np.int64]
    unit: Unit

    def fired(self, inputs: Inputs) -> Words:
        """Return the outputs of a hidden layer for some images, packed, with padded rows."""
        fired = np.zeros((inputs.shape[0], words_for(self.layer.neurons)), dtype=np.uint64)
        self.unit.fire(inputs, self.weights, self.coding.planes, self.limits, fired)
        return fired

    def counted(self, inputs: Inputs) -> NDArray[np.int32]:
        """Return the mismatches of some images, (images, neurons), both padded."""
        counts = np.empty((inputs.shape[0], self.limits.size), dtype=np.int32)
        self.unit.count(inputs, self.weights, self.coding.planes, counts)
        return counts

    def sums(self, mismatches: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the sums of the first neurons (last axis) from their mismatches."""
        ones = ones_of(self.weights)[: mismatches.shape[-1]]
        return self.coding.sums(mismatches, ones, self.layer.inputs)

    @property
    def margin_planes(self) -> int:
        """Bits that hold every margin, a limit within reach less mismatches, with its sign."""
        return (self.layer.inputs * self.coding.codes).bit_length() + 1

    @property
    def steps(self) -> int:
        """Steps for one image, each as long as 8 neurons by a word take the popcount unit."""
        panels, words, neurons = self.weights.shape
        size = self.layer.inputs, panels * neurons, self.coding.planes
        share = self.unit.operations(*size) / POPCOUNT.operations(*size)
        return int(share * self.coding.planes * panels * words * neurons // 8)


def blocks(images: int, *, steps: int) -> list[slice]:
    """Cut padded images into blocks, into a single one where the work is small.

    Parameters
    ----------
    images : int
    steps : int
        For one image.
    """
    rows = padded(images)
    if rows * steps < INLINE_STEPS:
        return [slice(0, rows)] if rows else []
    size = min(LARGE_BLOCKS * BLOCK_IMAGES, padded(max(BLOCK_IMAGES, INLINE_STEPS // (4 * steps))))
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


@kernel("void(uint64[:,:,::1], int64[::1], int64, int64)")
def _flip_positions(weights: Words, positions: NDArray[np.int64], inputs: int, places: int) -> None:
    words = weights.shape[1] // places
    for position in positions:
        neuron = position // inputs
        input_ = position - neuron * inputs
        channel = input_ // places
        place = input_ - channel * places
        bit = np.uint64(1) << np.uint64(channel & 63)
        weights[neuron >> 5, place * words + (channel >> 6), neuron & 31] ^= bit


@kernel("void(uint64[:,:,::1], uint64[:,::1], int64)")
def _flip_spread(weights: Words, mask: Words, places: int) -> None:
    words = weights.shape[1] // places
    for neuron in range(mask.shape[0]):
        for column in range(mask.shape[1]):
            left = mask[neuron, column]
            channel = column * 64 // places
            place = column * 64 - channel * places
            while left:
                bit = (left & np.uint64(1)) << np.uint64(channel & 63)
                weights[neuron >> 5, place * words + (channel >> 6), neuron & 31] ^= bit
                left >>= np.uint64(1)
                place += 1
                if place == places:
                    place = 0
                    channel += 1


@kernel("void(uint64[:,:,::1], uint64[:,::1])")
def _flip_mask(weights: Words, mask: Words) -> None:
    neurons, words = mask.shape
    for first in range(0, neurons, 32):
        for word in range(words):
            for neuron in range(first, min(first + 32, neurons)):
                weights[first >> 5, word, neuron & 31] ^= mask[neuron, word]
