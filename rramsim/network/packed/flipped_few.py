"""Chips with few flipped weights: only the affected outputs are recomputed, exactly.

In the first layer, outputs of neurons without flips stay; the others are corrected, flip by flip,
for all images at once. In the second, images without changed inputs keep the outputs of neurons
without flips; the others are corrected for every changed input, and then neurons with flips for
every flip. Images that come out of this with the outputs they had keep their class as well.

Whether that is less work than to compute a layer in full is judged by counted steps, first from
the number of flips and then, for the second layer, from the number of changed inputs. Measured on
784-4096-4096-10 and 10,000 images of 1-bit pixels, against all in full (180 ms of two cores' time):
0.8 ms at a BER of 1e-6, 7 at 1e-5, 33 at 1e-4, 93 at 3e-4, and no gain from 1e-3 on; with pixels
of 8 bits the first layer alone still gains there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Flips, Words, positions_of, words_for
from rramsim.network.packed.clean_margins import FirstLayer, SecondLayer, first_layer, second_layer
from rramsim.network.packed.dense import PackedNetwork
from rramsim.network.packed.layers import PackedLayer
from rramsim.network.packed.units import padded
from rramsim.parallel import cores, share

MARGIN_BYTES = 1 << 30
"""No margins are kept that would take more memory than this."""

# Costs in steps of the full evaluation (one vector of 8 neurons by one word), measured.
_PIXEL_COST = 0.1  # one flip of the first layer, one image
_NEURON_COST = 0.9  # one neuron of the first layer with flips, one image
_TOGGLE_COST = 8.0  # one changed output of the first layer, where the second is computed in full
_ROW_COST = 8.0  # one changed input of one image, 64 neurons
_ROW_BASE_COST = 16.0  # one image with changed inputs, 64 neurons
_COLUMN_COST = 8.0  # one flip of the second layer, 64 images
_GATHER_COST = 4.0  # one image with changed inputs, one neuron with flips
_CHANGED_SHARE = 0.01  # outputs that change with one flip: a guess until they are counted
_FIXED_COST = 2e6  # what every chip takes
_PREPARE_COST = 8  # computing and keeping the margins, in full evaluations


@dataclass(frozen=True, eq=False)
class _Flipped:
    """Flips sorted by neuron: neuron k has those at ``inputs[starts[k]:starts[k + 1]]``."""

    neurons: NDArray[np.int64]
    starts: NDArray[np.int64]
    inputs: NDArray[np.int64]

    @property
    def most(self) -> int:
        """Greatest number of flips of one neuron."""
        return int(np.diff(self.starts).max(initial=0))


class DeltaNetwork:
    """Scores chips by what they change, where that is less work, and in full elsewhere.

    Margins are computed once the work they would have saved so far exceeds that of computing
    them, so they are never the greater part of the work.
    """

    def __init__(self, network: PackedNetwork) -> None:
        self._network = network
        self._full_steps = [network.images * layer.steps for layer in network.clean]
        self._saved_steps = 0.0
        self._first: FirstLayer | None = None
        self._second: SecondLayer | None = None
        self._work: Words | None = None
        self._classes = np.empty(0, dtype=np.int64)

    def predictions(self, flips: Sequence[Flips]) -> NDArray[np.int64]:
        """Return the class of each image on a chip (see `Evaluator.predictions`)."""
        if len(flips) == len(self._network.layers) and self._pays(flips):
            for layer, cells in zip(self._network.layers, flips, strict=True):
                layer.check(cells)
            flipped = _by_neuron(self._network.layers[0], flips[0])
            if self._exact(flipped):
                return self._changed(flipped, flips)
        return self._network.predictions(flips)

    def _pays(self, flips: Sequence[Flips]) -> bool:
        if len(self._full_steps) < 2 or not self._network.images:
            return False
        flipped, images = _count(flips[0]), self._network.images
        pairs = flipped * images * _CHANGED_SHARE
        neurons = min(flipped, self._network.layers[0].neurons)
        saved = self._full_steps[0] - images * (flipped * _PIXEL_COST + neurons * _NEURON_COST)
        second = self._full_steps[1] - self._second_cost(pairs, flips[1])
        saved += max(-pairs * _TOGGLE_COST, second) - _FIXED_COST
        if saved <= 0:
            return False
        self._saved_steps += saved
        due = self._saved_steps > _PREPARE_COST * sum(self._full_steps)
        if due and self._first is None and self._fits():
            self._prepare()
        return self._first is not None

    @property
    def _two_layers(self) -> bool:
        return len(self._full_steps) > 2

    def _second_cost(self, pairs: float, flips: Flips) -> float:
        """Return the steps of correcting the second layer for so many changed inputs."""
        if not self._two_layers:
            return math.inf
        images, layer = self._network.images, self._network.layers[1]
        changed = min(pairs, images)
        flipped = _count(flips)
        neurons = min(flipped, layer.neurons)
        return float(
            words_for(layer.neurons) * (changed * _ROW_BASE_COST + pairs * _ROW_COST)
            + words_for(images) * (flipped + neurons) * _COLUMN_COST
            + changed * neurons * _GATHER_COST
        )

    def _fits(self) -> bool:
        from rramsim.network.packed.delta_kernels import CUT

        layers = self._network.layers[:2] if self._two_layers else self._network.layers[:1]
        copies = sum(layer.neurons * (1 + number) for number, layer in enumerate(layers))
        # Every input of a neuron may change and every weight be flipped.
        narrow = not self._two_layers or 2 * layers[1].inputs < CUT
        return narrow and 2 * copies * self._network.images <= MARGIN_BYTES

    def _prepare(self) -> None:
        network = self._network
        first = first_layer(network.clean[0], network.inputs, network.codes)
        if self._two_layers:
            self._second = second_layer(network.clean[1], first.outputs, network.images)
        self._classes = network.predictions([None] * len(network.layers))
        self._first = first

    def _exact(self, flipped: _Flipped) -> bool:
        from rramsim.network.packed.delta_kernels import CUT

        assert self._first is not None
        return 2 * self._first.greatest_pixel * flipped.most < CUT

    def _changed(self, flipped: _Flipped, flips: Sequence[Flips]) -> NDArray[np.int64]:
        from rramsim.network.packed import delta_kernels

        first = self._first
        assert first is not None
        columns = self._first_columns(first, flipped)
        counts = np.zeros(first.margins.shape[1], dtype=np.int64)
        pairs = delta_kernels.count_changes(columns, first.columns, flipped.neurons, counts)
        second = self._second
        if second is not None and self._second_cost(pairs, flips[1]) < self._full_steps[1]:
            starts = np.concatenate([[0], np.cumsum(counts)])
            changes = np.empty(pairs, dtype=np.int64)
            ends = starts[:-1].copy()
            delta_kernels.list_changes(columns, first.columns, flipped.neurons, ends, changes)
            return self._second_changed(second, columns, flipped, starts, changes, flips)
        outputs = self._toggled(first, columns, flipped)
        return self._rest(1, outputs, np.flatnonzero(counts), flips)

    def _first_columns(self, first: FirstLayer, flipped: _Flipped) -> Words:
        from rramsim.network.packed import delta_kernels

        columns = np.empty((flipped.neurons.size, first.columns.shape[1]), dtype=np.uint64)
        weights = self._network.layers[0].weights

        def work(part: slice) -> None:
            delta_kernels.pixel_columns(
                first.margins,
                first.codes,
                first.low,
                first.step,
                weights,
                flipped.neurons,
                flipped.starts,
                flipped.inputs,
                part.start,
                part.stop,
                columns,
            )

        share(work, _parts(flipped.neurons.size, least=64))
        return columns

    def _toggled(self, first: FirstLayer, columns: Words, flipped: _Flipped) -> Words:
        from rramsim.network.packed import delta_kernels

        outputs = first.outputs.copy()

        def work(part: slice) -> None:
            delta_kernels.apply_changes(
                columns, first.columns, flipped.neurons, part.start, part.stop, outputs
            )

        share(work, _parts(columns.shape[1], least=16))
        return outputs

    def _second_changed(
        self,
        second: SecondLayer,
        columns: Words,
        flipped: _Flipped,
        starts: NDArray[np.int64],
        changes: NDArray[np.int64],
        flips: Sequence[Flips],
    ) -> NDArray[np.int64]:
        from rramsim.network.packed import delta_kernels

        first, layer = self._first, self._network.layers[1]
        assert first is not None
        images = np.flatnonzero(np.diff(starts))
        of_second = _by_neuron(layer, flips[1])
        margins = second.columns[of_second.neurons]
        # Taken out and put back clean: an interrupt, after which threads may still write to it,
        # leaves none.
        work, self._work = self._work, None
        outputs = second.outputs.copy() if work is None else work
        touched = np.zeros(margins.shape[1], dtype=np.uint8)
        touched[images] = 1
        corrected_at = np.full(layer.inputs, -1)
        corrected_at[flipped.neurons] = np.arange(flipped.neurons.size)

        def correct_images(part: slice) -> None:
            delta_kernels.changed_rows(
                second.margins,
                second.weights,
                first.columns,
                images,
                starts,
                changes,
                part.start,
                part.stop,
                of_second.neurons,
                margins,
                outputs,
            )

        def correct_neurons(part: slice) -> None:
            delta_kernels.flipped_columns(
                margins,
                first.columns,
                columns,
                layer.weights,
                corrected_at,
                of_second.neurons,
                of_second.starts,
                of_second.inputs,
                part.start,
                part.stop,
                outputs,
                touched,
            )

        share(correct_images, _parts(images.size, least=64))
        share(correct_neurons, _whole_words(of_second.neurons))
        changed = np.flatnonzero(touched)
        classes = self._rest(2, outputs, changed, flips)
        outputs[changed] = second.outputs[changed]
        self._work = outputs
        return classes

    def _rest(
        self, number: int, inputs: Words, changed: NDArray[np.int64], flips: Sequence[Flips]
    ) -> NDArray[np.int64]:
        """Return all classes, computing layers from `number` on where inputs or weights changed."""
        network = self._network
        chip = [network.layer(k, flips[k]) for k in range(number, len(network.layers))]
        if any(flips[k].size for k in range(number, len(network.layers))):
            changed = np.arange(network.images)
        if 2 * changed.size > network.images:
            return network.classify(chip, inputs, network.images)
        rows = np.zeros((padded(changed.size), inputs.shape[1]), dtype=np.uint64)
        rows[: changed.size] = inputs[changed]
        classes = self._classes.copy()
        classes[changed] = network.classify(chip, rows, changed.size)
        return classes


def _count(flips: Flips) -> int:
    return flips.size if flips.ndim == 1 else int(np.bitwise_count(flips).sum(dtype=np.int64))


def _by_neuron(layer: PackedLayer, flips: Flips) -> _Flipped:
    positions = (
        flips.astype(np.int64, copy=False)
        if flips.ndim == 1
        else positions_of(flips.astype(np.uint64, copy=False), columns=layer.inputs)
    )
    neurons, inputs = np.divmod(positions, layer.inputs)
    hit, starts = np.unique(neurons, return_index=True)
    return _Flipped(hit, np.append(starts, positions.size), inputs)


def _parts(count: int, *, least: int) -> list[slice]:
    """Cut a range into a few parts for each core, none much smaller than `least`."""
    pieces = max(1, min(4 * cores(), count // least))
    edges = np.linspace(0, count, pieces + 1).astype(int).tolist()
    return [slice(*edge) for edge in pairwise(edges)]


def _whole_words(neurons: NDArray[np.int64]) -> list[slice]:
    """Cut sorted neurons into parts of which no two share a word of outputs."""
    starts = np.flatnonzero(np.diff(neurons >> 6)) + 1
    edges = [0, *starts.tolist(), neurons.size]
    cut = [edges[part.start] for part in _parts(len(edges) - 1, least=8)]
    return [slice(*edge) for edge in zip(cut, [*cut[1:], neurons.size], strict=True)]
