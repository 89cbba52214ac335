"""A first convolution on pixels as bytes: what its filters see are rows of a dense layer.

Codes of the border are 0, and the limits of a place depend on which of its weights lie within the
image (see `convolution`). So the places of one class are a layer with limits of their own, which
the unit for pixels computes as it does a fully connected one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import NEURONS, Words, words_for
from rramsim.network.packed.gather_kernels import gather_rows, spread_rows
from rramsim.network.packed.units import Unit, padded


@dataclass(frozen=True, eq=False)
class Patches:
    """The places of an image, sorted by class.

    Attributes
    ----------
    unit : Unit
        With inputs as bytes.
    seen : uint64 array
        Codes from where what a filter sees begins to each that it sees.
    places : tuple of uint64 arrays
        By class, the pixels at which what a filter sees begins.
    classes, numbers : int64 array, shape (tiles, 4)
        The class of each output, and the number of its place among those of its class.
    """

    unit: Unit
    seen: NDArray[np.uint64]
    places: tuple[NDArray[np.uint64], ...]
    classes: NDArray[np.int64]
    numbers: NDArray[np.int64]

    def fire(
        self,
        codes: NDArray[np.uint8],
        weights: Words,
        planes: int,
        limits: NDArray[np.int64],
        targets: NDArray[np.int64],
        *,
        pool: bool,
        turned: NDArray[np.uint32],
        outputs: Words,
    ) -> None:
        """Write the outputs of some images; see `popcount_kernels.convolve` for the parameters.

        Parameters
        ----------
        codes : uint8 array, shape (images, channels, pixels)
            With a border of zeros.
        """
        assert self.unit.row_bytes is not None
        images, row_bytes = len(codes), self.unit.row_bytes(self.seen.size)
        sizes = np.array([places.size for places in self.places])
        ends = np.cumsum([padded(images * size) for size in sizes.tolist()])
        starts = np.concatenate([[0], ends[:-1]])
        words = words_for(len(weights) * NEURONS)
        fired = np.empty((ends[-1], words), dtype=np.uint64)
        for number, places in enumerate(self.places):
            rows = np.zeros((ends[number] - starts[number], row_bytes), dtype=np.uint8)
            gather_rows(codes.reshape(images, -1), places, self.seen, rows)
            of_class = np.ascontiguousarray(limits[:, number]).reshape(-1)
            part = fired[starts[number] : ends[number]]
            self.unit.fire(rows, weights, planes, of_class, part)
        spread_rows(
            fired.view(np.uint32),
            starts,
            sizes,
            self.classes,
            self.numbers,
            targets,
            pool,
            turned,
            outputs.view(np.uint32),
        )


def patches_of(
    unit: Unit,
    kernel: tuple[int, int, int],
    strides: tuple[int, int, int],
    begins: NDArray[np.int64],
    classes: NDArray[np.int64],
) -> Patches:
    """Sort places by class.

    Parameters
    ----------
    unit : Unit
    kernel : (int, int, int)
        Channels, height and width of the filters.
    strides : (int, int, int)
        Codes from a channel to the next, from a row to the next, and from a pixel to the next.
    begins, classes : int64 array, shape (tiles, 4)
        The pixel at which what an output sees begins, and its class.
    """
    numbers = np.empty_like(begins)
    places = []
    for of_class in range(classes.max() + 1):
        # A place is there twice where outputs did not fill the last tile.
        chosen, number = np.unique(begins[classes == of_class], return_inverse=True)
        numbers[classes == of_class] = number.reshape(-1)
        places.append(chosen.astype(np.uint64))
    seen = np.tensordot(np.array(strides), np.indices(kernel), axes=1).reshape(-1)
    return Patches(unit, seen.astype(np.uint64), tuple(places), classes, numbers)
