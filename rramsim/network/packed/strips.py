"""A convolution on signs by tiles: places at equal distances are the rows of a tile.

From a place of a convolution to the next it is as far as from a pixel to the next, and from the
last of a row to the first of the row below a whole number of pixels. A strip begins at a place and
goes on at that distance for as many rows as a tile has; where a row of places ends, it computes
some that do not exist.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import ROWS, Words
from rramsim.network.packed.gather_kernels import spread_rows


@dataclass(frozen=True, eq=False)
class Strips:
    """The places of an image, strip by strip.

    Attributes
    ----------
    begins : int64 array, shape (strips,)
        The word at which what the first place of each sees begins.
    distance : int
        Words from what a place sees to what the next one sees.
    classes : int64 array, shape (strips * 16,)
        The class of each place, 0 where there is none.
    numbers : int64 array, shape (tiles, 4)
        Which of these places each output is (see `convolution`).
    """

    begins: NDArray[np.int64]
    distance: int
    classes: NDArray[np.int64]
    numbers: NDArray[np.int64]

    @property
    def used(self) -> float:
        """Share of the places in strips that exist."""
        return np.unique(self.numbers).size / self.classes.size

    def spread(
        self,
        fired: NDArray[np.uint32],
        targets: NDArray[np.int64],
        *,
        pool: bool,
        turned: NDArray[np.uint32],
        outputs: Words,
    ) -> None:
        """Write what filters fire at the places in strips to where outputs are.

        Parameters
        ----------
        fired : uint32 array, shape (images, strips * 16, panels)
        targets, pool, turned, outputs
            As of `gather_kernels.spread_rows`.
        """
        spread_rows(
            fired.reshape(-1, fired.shape[2]),
            np.zeros(1, dtype=np.int64),
            np.array([self.classes.size]),
            np.zeros_like(self.numbers),
            self.numbers,
            targets,
            pool,
            turned,
            outputs.view(np.uint32),
        )


def strips_of(begins: NDArray[np.int64], classes: NDArray[np.int64], distance: int) -> Strips:
    """Lay places out in strips.

    Parameters
    ----------
    begins, classes : int64 array, shape (tiles, 4)
        The word at which what an output sees begins, and the class of its place.
    distance : int
        Words from what a place sees to what the next one sees.
    """
    places, first, number = np.unique(begins, return_index=True, return_inverse=True)
    starts: list[int] = []
    numbers = np.empty_like(places)
    is_left = np.ones(places.size, dtype=np.bool_)
    while is_left.any():
        start = places[is_left.argmax()]
        steps, rest = np.divmod(places - start, distance)
        is_met = is_left & (rest == 0) & (steps >= 0) & (steps < ROWS)
        numbers[is_met] = len(starts) * ROWS + steps[is_met]
        starts.append(int(start))
        is_left &= ~is_met
    of_places = np.zeros(len(starts) * ROWS, dtype=np.int64)
    of_places[numbers] = classes.reshape(-1)[first]
    return Strips(np.array(starts), distance, of_places, numbers[number].reshape(begins.shape))
