"""What was read from the cells of one chip, beside what was programmed: which weights are wrong.

What is counted is what a sense amplifier gives: a cell, or with 2T2R the comparison of a pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rramsim.crossbar.real_chips.bit_images import UNUSED, BitImage, Bits
from rramsim.crossbar.sampling import Positions

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class LayerErrors:
    """The wrong cells (or pairs) of one layer of one chip.

    Attributes
    ----------
    image : BitImage
    stored : uint8 array
        What each holds, 255 for none; a row for each bit line, or for each pair of them.
    reads, wrong_reads : int64 array, of the same shape
        How often each was read, and how often wrongly.
    undecided : int
        Reads of pairs whose two bits are equal, which count as wrong.
    """

    image: BitImage
    stored: Bits
    reads: Counts
    wrong_reads: Counts
    undecided: int = 0

    @property
    def is_used(self) -> Mask:
        """Which hold a bit."""
        is_used: Mask = self.stored != UNUSED
        return is_used

    @property
    def missing(self) -> Mask:
        """Which hold a bit and were never read."""
        missing: Mask = self.is_used & (self.reads == 0)
        return missing

    @property
    def wrong(self) -> Mask:
        """Which are wrong by the majority of their reads; as many wrong as right is wrong."""
        return (self.reads > 0) & (2 * self.wrong_reads >= self.reads)

    @property
    def repeated(self) -> Mask:
        """Which were read more than once."""
        return self.reads > 1

    @property
    def disagreeing(self) -> Mask:
        """Which were read differently from one read to another."""
        return (self.wrong_reads > 0) & (self.wrong_reads < self.reads)

    @property
    def minority_reads(self) -> int:
        """Reads that differ from the majority of their cell."""
        return int(np.minimum(self.wrong_reads, self.reads - self.wrong_reads).sum())

    def wrong_weights(self, *, missing_are_wrong: bool = False) -> Positions:
        """Return the weights that are wrong as the network reads them (`BitImage.wrong_weights`).

        Parameters
        ----------
        missing_are_wrong : bool
            Whether what was never read counts as wrong, else as programmed.
        """
        wrong = self.wrong | self.missing if missing_are_wrong else self.wrong
        return self.image.wrong_weights(wrong)

    def place_of(self, row: int, column: int) -> tuple[int, int, int]:
        """Return tile, word line and (first) bit line of one."""
        tile, word_line, bit_line = self.image.placement.locate(row * self.image.step, column)
        return int(tile), int(word_line), int(bit_line)

    def tallies(self) -> Iterator[tuple[str, Counts, Counts]]:
        """Yield "tile", "word line" and "bit line", with errors and cells read of each.

        Both are of shape (states, lines), LRS first; lines are those of tile 0, then of tile 1.
        """
        errors, cells = [], []
        for state in (0, 1):
            is_read = (self.stored == state) & (self.reads > 0)
            cells.append(self.image.cut(is_read, fill=0))
            errors.append(self.image.cut(is_read & self.wrong, fill=0))
        for name, axes in (("tile", (1, 2)), ("word line", 2), ("bit line", 1)):
            yield (
                name,
                *(
                    np.stack([np.sum(one, axis=axes, dtype=np.int64).ravel() for one in of_state])
                    for of_state in (errors, cells)
                ),
            )  # type: ignore[misc]


def errors_in_layer(
    image: BitImage,
    bits: Bits,
    *,
    cell: Positions,
    values: NDArray[np.float64],
    is_resistance: bool,
    reference: float = np.nan,
) -> LayerErrors:
    """Return which cells of a layer were read wrongly.

    A resistance is read against the reference; one that is equal to it as what was stored. The two
    cells of a pair are compared read by read, in the order in which they come. Where of all pairs
    only the first cells have bits, these are what the comparison gave.

    Parameters
    ----------
    image : BitImage
    bits : uint8 array
        What was programmed (`BitImage.bits`).
    cell : int64 array
        The cell of each read, as flat position in the matrix of cells.
    values : float64 array
        Its bit (0 or 1) or its resistance in ohm.
    is_resistance : bool
    reference : float
        In ohm.
    """
    stored = bits.ravel()
    if image.step == 1:
        wrong = _wrong(stored[cell], values, is_resistance, reference)
        return _counted(image, bits, cell, wrong)
    inputs = image.shape[1]
    line, input_ = np.divmod(cell, inputs)
    is_first = line % 2 == 0
    unit = line // 2 * inputs + input_
    if is_first.all() and not is_resistance:
        return _counted(image, bits[::2], unit, values != stored[cell])
    first, second = _matched(unit, is_first)
    one, other = values[first], values[second]
    programmed = stored[cell[first]]
    reads_one = np.where(one == other, 1 - programmed, one > other)
    undecided = 0 if is_resistance else int(np.count_nonzero(one == other))
    if is_resistance:
        reads_one = np.where(one == other, programmed, reads_one)
    wrong = reads_one != programmed
    return _counted(image, bits[::2], unit[first], wrong, undecided=undecided)


def _wrong(
    stored: Bits, values: NDArray[np.float64], is_resistance: bool, reference: float
) -> Mask:
    if not is_resistance:
        return np.asarray(values != stored)
    return np.where(stored == 1, values < reference, values > reference)


def _counted(
    image: BitImage, stored: Bits, unit: Positions, wrong: Mask, undecided: int = 0
) -> LayerErrors:
    reads = np.bincount(unit, minlength=stored.size).reshape(stored.shape)
    wrongs = np.bincount(unit[wrong], minlength=stored.size).reshape(stored.shape)
    return LayerErrors(image, stored, reads, wrongs, undecided)


def _matched(unit: Positions, is_first: Mask) -> tuple[Positions, Positions]:
    """Return the reads of first and of second cells that belong together: the n-th of each."""
    key = []
    places = []
    for which in (is_first, ~is_first):
        place = np.flatnonzero(which)
        order = place[np.argsort(unit[place], kind="stable")]
        of = unit[order]
        starts = np.flatnonzero(np.r_[True, of[1:] != of[:-1]]) if of.size else of
        lengths = np.diff(np.r_[starts, of.size])
        rank = np.arange(of.size) - np.repeat(starts, lengths)
        key.append(rank * (int(unit.max(initial=0)) + 1) + of)
        places.append(order)
    _, one, other = np.intersect1d(key[0], key[1], assume_unique=True, return_indices=True)
    return places[0][one], places[1][other]
