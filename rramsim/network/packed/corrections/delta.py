"""The second layer where few inputs and weights change: margins corrected one change at a time.

Images without changed inputs keep the outputs of neurons without flips; the others are corrected
for every changed input, and then neurons with flips for every flip (`delta_kernels`). Images that
come out of this with the outputs they had keep their class as well. Where the last layer follows,
images without changed inputs are classified from its mismatches free of faults, which are corrected
for the few outputs that flips change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import WORD, Flips, Words, pack_rows, unpack_rows, words_for
from rramsim.network.packed.corrections.flip_lists import FlipLists, list_flips
from rramsim.network.packed.layers import FaultyLayer, PackedLayer, blocks, rows_of
from rramsim.network.packed.units import padded
from rramsim.parallel import parts, share

_NEAR_IMAGES = 512  # whose margins are compared at once

# Measured on Zen 3, about.
_ROW_NS = 8  # one changed input of one image, 64 neurons
_COLUMN_NS = 40  # one neuron with flips, 64 images
_THREAD_NS = 100_000  # what another thread must at least have to do


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

    @cached_property
    def count(self) -> int:
        """How many outputs changed, over all images."""
        from rramsim.network.packed.corrections import delta_kernels

        return int(delta_kernels.count_changes(self.fired, self.clean, self.neurons))

    @cached_property
    def most(self) -> int:
        """How many outputs changed on the image with the most of them."""
        from rramsim.network.packed.corrections import delta_kernels

        return int(delta_kernels.most_changes(self.fired, self.clean, self.neurons))


@dataclass(frozen=True, eq=False)
class LastLayer:
    """The last layer of a chip, for images on which few of its inputs change.

    Attributes
    ----------
    weights : uint64 array, shape (classes, words)
    inputs : int
    scale, offset : float32 arrays, shape (classes,)
    counts : int32 array, shape (images, classes)
        Mismatches with the inputs free of faults.
    classes : int64 array, shape (images,)
        From these; takes those of images on which only flips of the layer before change inputs.
    """

    weights: Words
    inputs: int
    scale: NDArray[np.float32]
    offset: NDArray[np.float32]
    counts: NDArray[np.int32]
    classes: NDArray[np.int64]


_NO_LAST = LastLayer(
    np.empty((0, 0), np.uint64),
    0,
    np.empty(0, np.float32),
    np.empty(0, np.float32),
    np.empty((0, 0), np.int32),
    np.empty(0, np.int64),
)


@dataclass(eq=False)
class DeltaLayer:
    """The second layer free of faults, where it is a hidden one.

    Attributes
    ----------
    margins : int8 array, shape (64 blocks of images, 64 words of neurons)
        Mismatches to spare, cut; padded images and neurons never fire.
    columns : int8 array, shape (blocks of images, 64 words of neurons, 64)
        The same.
    near : uint64 array, shape (images, words of neurons)
        Which margins are 0 or -1: one change may turn their sign.
    weights : uint64 array, shape (inputs, words of neurons)
        Oriented signs.
    rows : uint64 array, shape (neurons, words of inputs)
        The same signs.
    outputs : uint64 array, shape (images, words of neurons)
    """

    margins: NDArray[np.int8]
    columns: NDArray[np.int8]
    near: Words
    weights: Words
    rows: Words
    outputs: Words
    _work: Words | None = field(default=None, init=False)

    def lists(self, flips: Flips, layer: PackedLayer) -> FlipLists:
        """List the flips of a chip by neuron."""
        return list_flips(flips, self.rows, layer.inputs)

    def is_exact(self, changes: Changes, flips: FlipLists) -> bool:
        """Whether so many changes leave the sign of margins that are cut the true one."""
        from rramsim.network.packed.corrections.delta_kernels import CUT

        return changes.most + flips.most <= CUT

    def fired(
        self,
        changes: Changes,
        flips: FlipLists,
        *,
        is_all: bool = False,
        last: LastLayer = _NO_LAST,
    ) -> tuple[Words, NDArray[np.int64]]:
        """Return outputs on a chip, and on which images they may have changed.

        Outputs of other images are set only if `is_all`. They hold until `keep` or the next call.
        With the `last` layer, images that only flips of this one changed are classified instead.
        """
        from rramsim.network.packed.corrections import delta_kernels

        # Taken out and put back: an interrupt, after which threads may still write to it, leaves
        # none.
        work, self._work = self._work, None
        images, words = self.outputs.shape
        outputs = np.empty((padded(images), words), np.uint64) if work is None else work
        touched = np.empty(len(self.margins), dtype=np.uint8)

        def correct(part: slice) -> None:
            delta_kernels.correct_blocks(
                self.margins,
                self.columns,
                self.near,
                self.weights,
                self.outputs,
                changes.clean,
                changes.fired,
                changes.neurons,
                flips.neurons,
                flips.inputs,
                flips.bounds,
                part.start,
                part.stop,
                is_all,
                outputs,
                touched,
                last.weights,
                last.inputs,
                last.scale,
                last.offset,
                last.counts,
                last.classes,
            )

        blocks_of_part = self._blocks_of_part(changes.count, flips.neurons.size)
        share(correct, parts(len(self.columns), least=blocks_of_part))
        return outputs, np.flatnonzero(touched[:images])

    def _blocks_of_part(self, changes: int, neurons: int) -> int:
        """Return how many blocks of images are about worth a thread."""
        count = len(self.columns)
        work: int = self.outputs.shape[1] * changes * _ROW_NS + count * neurons * _COLUMN_NS
        return max(4, math.ceil(count * _THREAD_NS / max(work, 1)))

    def keep(self, outputs: Words) -> None:
        """Take back outputs that are no longer needed."""
        self._work = outputs


def delta_layer(
    clean: FaultyLayer, inputs: Words, images: int, planes: Words | None = None
) -> DeltaLayer:
    """Compute the margins of the second layer for all images, from the outputs of the first.

    `planes` are the same margins as the way "bit-sliced" keeps them, if it does.
    """
    from rramsim.network.packed.corrections import delta_kernels, sliced_kernels

    neurons, words, groups = clean.layer.neurons, words_for(clean.layer.neurons), words_for(images)
    least = -delta_kernels.CUT - 1
    margins = np.full((groups * WORD, words * WORD), least, dtype=np.int8)
    limits = clean.limits[:neurons].copy()

    def work(rows: slice) -> None:
        seen = min(rows.stop, images) - rows.start
        if planes is None:
            delta_kernels.cut_margins(
                clean.counted(inputs[rows]), limits, rows.start, seen, margins
            )
        else:
            sliced_kernels.join_margins(planes, rows.start, rows.start + seen, least, margins)

    share(work, blocks(images, steps=clean.steps))
    margins[:, neurons:] = least
    columns = np.empty((groups, words * WORD, WORD), dtype=np.int8)
    delta_kernels.turn_margins(margins, columns)
    outputs = np.empty((images, words), dtype=np.uint64)
    delta_kernels.fires(margins[:images], outputs)
    rows = np.ascontiguousarray(rows_of(clean.weights)[:neurons])
    signs = unpack_rows(rows, columns=clean.layer.inputs)
    starts = range(0, images, _NEAR_IMAGES)
    near = np.concatenate([_near(margins[first:images][:_NEAR_IMAGES]) for first in starts])
    return DeltaLayer(
        margins, columns, near, pack_rows(np.ascontiguousarray(signs.T)), rows, outputs
    )


def _near(margins: NDArray[np.int8]) -> Words:
    return pack_rows((margins == 0) | (margins == -1))


def delta_bytes(clean: FaultyLayer, images: int) -> int:
    """Return how much memory the margins take."""
    return 2 * WORD * words_for(clean.layer.neurons) * WORD * words_for(images)
