"""How much work a layer of a chip is, by each way, in vector operations of 512 bits.

The unit is that of `units`, whose figures for computing in full these are compared with. All were
measured on layers of 4096 neurons; what is counted in bits (rows, planes) takes a processor without
AVX-512 five times as many operations: two of half the width, and five for two where a full adder
has no operations of three operands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property

from rramsim.bits import words_for
from rramsim.kernels import processor
from rramsim.network.packed.layers import FaultyLayer

_LANES = 512

# Of bits, with AVX-512.
_ROW_COST = 6.0  # one row added to a vertical counter
_PLANE_COST = 14.0  # one plane of margins read and added to
_TURN_COST = 20.0  # one plane turned from images to neurons side by side, one row of it
_IMAGE_ROWS = 50.0  # what the lists of an image cost more, in rows
_NEURON_ROWS = 10.0  # what those of a neuron cost more, whose rows are nearer
_KEEP_COST = 6.0  # one plane of margins computed and kept, 64 of them

# Of whole numbers.
_ENTRY_COST = 25.0  # one changed input or weight found and listed

# Of margins of a byte, with AVX-512.
_KEEP_DELTA_COST = 20.0  # one margin computed and kept
_DELTA_ROW_COST = 3.5  # one changed input of one image, 64 neurons
_DELTA_IMAGE_COST = 15.0  # one image with changed inputs, 64 neurons
_DELTA_COLUMN_COST = 12.0  # one flip of the second layer, 64 images
_DELTA_NEURON_COST = 75.0  # one neuron with flips, 64 images
_DELTA_GATHER_COST = 2.5  # one image with changed inputs, one neuron with flips
_DELTA_TURN_COST = 600.0  # 64 neurons and 64 images turned together, where that is less


def changed_share(ber: float, inputs: int) -> float:
    """Return about what share of outputs change where a share of inputs or weights does.

    Sums of a random network before and after have the correlation 1 - 2 p, so their signs differ
    with probability arccos(1 - 2 p) / pi (W. F. Sheppard, Phil. Trans. R. Soc. A 192, 1899, page
    101); of few changes, each adds its own share. Trained networks change less.

    Examples
    --------
    >>> round(changed_share(0.01, 4096), 3)
    0.064
    """
    one = math.acos(1 - 2 / max(inputs, 2)) / math.pi
    return min(math.acos(1 - 2 * ber) / math.pi, ber * inputs * one)


@dataclass(frozen=True)
class Costs:
    """The work for some images.

    Attributes
    ----------
    images : int
    clean : list of FaultyLayer
    """

    images: int
    clean: list[FaultyLayer]

    def full(self, number: int) -> float:
        """Return the work of computing a layer in full."""
        return self._full[number]

    @cached_property
    def _full(self) -> list[float]:
        sizes = [(one.layer.inputs, one.limits.size, one.coding.planes) for one in self.clean]
        return [
            self.images * layer.unit.operations(*size)
            for layer, size in zip(self.clean, sizes, strict=True)
        ]

    def clean_outputs(self) -> float:
        """Return the work of computing all layers without faults, which margins rest on."""
        return sum(self.full(number) for number in range(len(self.clean)))

    def keep_sliced(self, number: int) -> float:
        """Return the work of computing the margins of a layer as bit planes."""
        layer = self.clean[number]
        kept = self.images * words_for(layer.layer.neurons) * layer.margin_planes
        return self.full(number) + kept * 5 * _width() * _KEEP_COST

    def keep_delta(self, *, is_sliced: bool) -> float:
        """Return the work of computing the margins of the second layer for the way of delta.

        `is_sliced` says whether they are there as bit planes.
        """
        counted = 0.0 if is_sliced else self.full(1)
        return counted + self.images * self.clean[1].layer.neurons * _KEEP_DELTA_COST

    def sliced_pixels(self, flips: int) -> float:
        """Return the work of correcting the first layer bit-sliced for so many flips."""
        layer = self.clean[0]
        neurons = min(flips, layer.layer.neurons)
        rows = layer.coding.planes * (flips + _NEURON_ROWS * neurons)
        planes = neurons * layer.margin_planes * _PLANE_COST
        turned = _LANES * min(neurons, layer.layer.neurons / 64) * _TURN_COST / 8
        blocks = -(-self.images // _LANES)
        return blocks * _width() * (rows * _ROW_COST + planes + turned)

    def sliced(self, number: int, flips: int, changed: float) -> float:
        """Return the work of correcting a hidden layer bit-sliced.

        Parameters
        ----------
        number : int
        flips : int
        changed : float
            Changed inputs, over all images.
        """
        layer = self.clean[number]
        neurons = layer.layer.neurons
        blocks = -(-neurons // _LANES)
        of_images = -(-self.images // _LANES)
        rows = blocks * (changed + _IMAGE_ROWS * min(changed, self.images))
        rows += of_images * (flips + _NEURON_ROWS * min(flips, neurons))
        flip_planes = math.log2(2 + flips / neurons) + 2 if flips else 0
        vectors = self.images * blocks
        planes = vectors * layer.margin_planes * _PLANE_COST
        turned = vectors * flip_planes * _TURN_COST
        listed = (changed + flips) * _ENTRY_COST
        return _width() * (rows * _ROW_COST + planes + turned) + listed

    def delta(self, flips: int, changed: float) -> float:
        """Return the work of correcting the second layer one change at a time.

        It is beyond all bounds where some images are likely to have more changes than are exact.
        """
        from rramsim.network.packed.corrections.delta_kernels import CUT

        if changed > self.images * CUT / 2:
            return math.inf
        layer = self.clean[1].layer
        images = min(changed, self.images)
        neurons = -layer.neurons * math.expm1(-flips / layer.neurons)
        words, of_images = words_for(layer.neurons), words_for(self.images)
        by_image = images * _DELTA_IMAGE_COST + changed * _DELTA_ROW_COST
        by_neuron = flips * _DELTA_COLUMN_COST + neurons * _DELTA_NEURON_COST
        gathered = images * neurons * _DELTA_GATHER_COST
        turned = min(gathered, words * of_images * _DELTA_TURN_COST)
        narrow = 1.0 if _width() == 1 else 2.5
        return narrow * (words * by_image + of_images * by_neuron + turned)


@cache
def _width() -> float:
    return 1.0 if "avx512f" in processor().features else 5.0
