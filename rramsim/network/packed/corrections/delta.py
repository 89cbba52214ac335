"""The second layer where few inputs and weights change: margins corrected one change at a time.

Images without changed inputs keep the outputs of neurons without flips; the others are corrected
for every changed input, and then neurons with flips for every flip. Images that come out of this
with the outputs they had keep their class as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import WORD, Flips, Words, pack_rows, unpack_rows, words_for
from rramsim.network.packed.corrections.flip_lists import FlipLists, list_flips
from rramsim.network.packed.layers import FaultyLayer, PackedLayer, blocks, rows_of
from rramsim.network.packed.units import padded
from rramsim.parallel import parts, share


@dataclass(frozen=True, eq=False)
class Changes:
    """What flips of the first layer changed.

    Attributes
    ----------
    clean : uint64 array, shape (neurons, words of images)
        Outputs of the first layer free of faults.
    fired : uint64 array, shape (neurons with flips, words of images)
        Outputs on the chip.
    neurons : int64 array
        Those with flips.
    """

    clean: Words
    fired: Words
    neurons: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many outputs changed, over all images."""
        return int(np.bitwise_count(self.fired ^ self.clean[self.neurons]).sum(dtype=np.int64))


@dataclass(eq=False)
class DeltaLayer:
    """The second layer free of faults, where it is a hidden one.

    Attributes
    ----------
    margins : int16 array, shape (images, neurons)
        Mismatches to spare, cut; neurons are padded to whole words with ones that never fire.
    columns : int16 array, shape (neurons, images)
        The same, without padded neurons and with padded images.
    weights : uint64 array, shape (inputs, words of neurons)
        Oriented signs.
    rows : uint64 array, shape (neurons, words of inputs)
        The same signs.
    outputs : uint64 array, shape (images, words of neurons)
        With the rows that pad images for the kernels.
    """

    margins: NDArray[np.int16]
    columns: NDArray[np.int16]
    weights: Words
    rows: Words
    outputs: Words
    _work: Words | None = field(default=None, init=False)

    def lists(self, flips: Flips, layer: PackedLayer) -> FlipLists:
        """List the flips of a chip by neuron."""
        return list_flips(flips, self.rows, layer.inputs)

    def fired(self, changes: Changes, flips: FlipLists) -> tuple[Words, NDArray[np.int64]]:
        """Return all outputs on a chip, and on which images they changed.

        The outputs hold until `restore` or the next call.
        """
        from rramsim.network.packed.corrections import delta_kernels

        starts, changed = self._by_image(changes)
        images = np.flatnonzero(np.diff(starts))
        margins = self.columns[flips.neurons]
        # Taken out and put back clean: an interrupt, after which threads may still write to it,
        # leaves none.
        work, self._work = self._work, None
        outputs = self.outputs.copy() if work is None else work
        touched = np.zeros(margins.shape[1], dtype=np.uint8)
        touched[images] = 1
        corrected_at = np.full(len(self.weights), -1)
        corrected_at[changes.neurons] = np.arange(changes.neurons.size)

        def correct_images(part: slice) -> None:
            delta_kernels.changed_rows(
                self.margins,
                self.weights,
                changes.clean,
                images,
                starts,
                changed,
                part.start,
                part.stop,
                flips.neurons,
                margins,
                outputs,
            )

        def correct_neurons(part: slice) -> None:
            delta_kernels.flipped_columns(
                margins,
                changes.clean,
                changes.fired,
                corrected_at,
                flips.neurons,
                flips.inputs,
                flips.bounds,
                part.start,
                part.stop,
                outputs,
                touched,
            )

        share(correct_images, parts(images.size, least=64))
        share(correct_neurons, _whole_words(flips.neurons))
        return outputs, np.flatnonzero(touched)

    def restore(self, outputs: Words, changed: NDArray[np.int64]) -> None:
        """Take back outputs that are no longer needed."""
        outputs[changed] = self.outputs[changed]
        self._work = outputs

    def _by_image(self, changes: Changes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the changed inputs, image by image, after the start of each list."""
        from rramsim.network.packed.corrections import delta_kernels

        counts = np.zeros(self.columns.shape[1], dtype=np.int64)
        of_kernels = changes.fired, changes.clean, changes.neurons
        pairs = delta_kernels.count_changes(*of_kernels, counts)
        starts = np.concatenate([[0], np.cumsum(counts)])
        listed = np.empty(pairs, dtype=np.int64)
        ends = starts[:-1].copy()
        delta_kernels.list_changes(*of_kernels, ends, listed)
        return starts, listed


def delta_layer(
    clean: FaultyLayer, inputs: Words, images: int, planes: Words | None = None
) -> DeltaLayer:
    """Compute the margins of the second layer for all images, from the outputs of the first.

    `planes` are the same margins as the way "bit-sliced" keeps them, if it does.
    """
    from rramsim.network.packed.corrections import delta_kernels, sliced_kernels

    neurons = clean.layer.neurons
    words = words_for(neurons)
    margins = np.full((images, words * WORD), -delta_kernels.CUT, dtype=np.int16)
    columns = np.full((neurons, words_for(images) * WORD), -delta_kernels.CUT, dtype=np.int16)

    limits = clean.limits[:neurons].copy()

    def work(rows: slice) -> None:
        seen = min(rows.stop, images) - rows.start
        if planes is not None:
            sliced_kernels.join_margins(planes, rows.start, rows.start + seen, margins, columns)
            margins[rows.start : rows.start + seen, neurons:] = -delta_kernels.CUT
            return
        counts = clean.counted(inputs[rows])
        delta_kernels.cut_margins(counts, limits, rows.start, seen, margins, columns)

    share(work, blocks(images, steps=clean.steps))
    rows = np.ascontiguousarray(rows_of(clean.weights)[:neurons])
    signs = unpack_rows(rows, columns=clean.layer.inputs)
    outputs = np.zeros((padded(images), words), dtype=np.uint64)
    delta_kernels.fires(margins, outputs[:images])
    weights = pack_rows(np.ascontiguousarray(signs.T))
    return DeltaLayer(margins, columns, weights, rows, outputs)


def delta_bytes(clean: FaultyLayer, images: int) -> int:
    """Return about how much memory the margins take."""
    return 2 * 2 * clean.layer.neurons * images


def is_exact(clean: FaultyLayer) -> bool:
    """Whether margins stay exact though every input changes and every weight is flipped."""
    from rramsim.network.packed.corrections.delta_kernels import CUT

    return 2 * clean.layer.inputs < CUT


def _whole_words(neurons: NDArray[np.int64]) -> list[slice]:
    """Cut sorted neurons into parts of which no two share a word of outputs."""
    starts = np.flatnonzero(np.diff(neurons >> 6)) + 1
    edges = [0, *starts.tolist(), neurons.size]
    cut = [edges[part.start] for part in parts(len(edges) - 1, least=8)]
    return [slice(*edge) for edge in zip(cut, [*cut[1:], neurons.size], strict=True)]
