"""Which cells of a layer are wrong: one number per cell, compared with the BER of its state.

Every cell has a number u, uniform in 0 to 1, that depends on the key alone and not on any BER;
the cell is wrong where u is below its BER. So the wrong cells at one BER are among those at every
greater BER, whichever BERs are asked for: an accuracy curve over BER follows the same chips.

Numbers of most cells are never looked at. Those below ``2**-9`` are sorted by size: level k holds
the cells with ``2**-(k + 1) <= u < 2**-k``. From the deepest level up, each takes its share of the
cells that no deeper level has, at a rate q_k = ``2**-(k + 1) / (1 - 2**-(k + 1))``. The gaps from
one to the next are geometric, and levels wholly above the BER are not drawn, so the cost follows
the number of wrong cells. The others have u = ``2**-9 + (1 - 2**-9) v``, and v is compared with
its limit for 64 cells at once, one binary digit after the other, until all 64 are decided.

Each cell is drawn on its own, so the wrong ones are distinct and their number is binomial.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from rramsim.bits import WORD, Words, positions_of, words_for
from rramsim.parallel import share

Signs = NDArray[np.int8]
Positions = NDArray[np.int64]
Floats = NDArray[np.float64]

SEGMENT_CELLS = 1 << 22
"""Cells drawn in one go; part of what a chip is, as the gaps start anew in each."""

_SPLIT = 2.0**-9
_HALF = 2**32 - 1
_WORDS_PER_PART = 1 << 15
_BINS = 1 << 13


@dataclass(frozen=True, eq=False)
class LineEffects:
    """By how much the lines of one layer make their cells err, of one chip or of many.

    All numbers are in standard deviations of ln R from cell to cell, upwards where cells err more.

    Attributes
    ----------
    distances : float64 array, shape ([chips,] 2)
        Of the mean of LRS and of HRS from the reference: a cell is wrong with Q(distance - column
        - row) of its own.
    columns : float64 array, shape ([chips,] 2, neurons, tiles along the inputs)
        Effect of each bit line of each tile, by state.
    rows : float64 array, shape ([chips,] 2, tiles along the neurons, inputs)
        Effect of each word line of each tile, by state.
    word_lines, bit_lines : int
        Size of a tile.
    """

    distances: Floats
    columns: Floats
    rows: Floats
    word_lines: int
    bit_lines: int

    @property
    def highest(self) -> Floats:
        """Bounds on the error rates of the cells of each state, shape ([chips,] 2)."""
        most = self.columns.max(axis=(-2, -1)) + self.rows.max(axis=(-2, -1))
        # The kernels' Q may differ from this one in the last digits.
        rates: Floats = ndtr(most - self.distances + 1e-9)
        return rates

    @property
    def word_ends(self) -> Floats:
        """Least and greatest effect of the rows of each word: ([chips,] 2, 2, tiles, words)."""
        starts = np.arange(0, self.rows.shape[-1], WORD)
        ends = [np.minimum, np.maximum]
        return np.stack([end.reduceat(self.rows, starts, axis=-1) for end in ends], axis=-4)

    def of_cells(self, signs: Signs) -> Floats:
        """Return x of every cell of one chip, in the form of `signs`: wrong where u is below Q(x).

        Parameters
        ----------
        signs : int8 array, shape (neurons, inputs)
        """
        neurons, inputs = signs.shape
        tile_down = np.arange(inputs) // self.word_lines
        tile_across = np.arange(neurons) // self.bit_lines
        of_states = [
            distance - columns[:, tile_down] - rows[tile_across]
            for distance, columns, rows in zip(self.distances, self.columns, self.rows, strict=True)
        ]
        x: Floats = np.where(signs > 0, of_states[1], of_states[0])
        return x

    @property
    def parts(
        self,
    ) -> tuple[tuple[float, float], Floats, Floats, int, int, Floats, NDArray[np.uint8]]:
        """The attributes of one chip as the kernels take them, with tables of Q."""
        lrs, hrs = self.distances.tolist()
        tile = self.word_lines, self.bit_lines
        return (lrs, hrs), self.columns, self.rows, *tile, *_tails()


def draw_cells(
    signs: Signs, *, ber_lrs: float, ber_hrs: float, seed: np.random.SeedSequence
) -> Positions | Words:
    """Draw the wrong cells of one layer of one chip.

    Parameters
    ----------
    signs : int8 array, shape (neurons, inputs)
        The weights as stored, -1 (LRS) or +1 (HRS).
    ber_lrs, ber_hrs : float
        Probability that a cell of that state is wrong, 0 to 1.
    seed : numpy.random.SeedSequence
        Which cells have which u.

    Returns
    -------
    int64 array or uint64 array
        Sorted, distinct, flat (C order) positions where both rates are at most ``2**-9``, else a
        mask of shape (neurons, words) as of `rramsim.bits`.
    """
    signs = np.ascontiguousarray(signs)
    bers = float(ber_lrs), float(ber_hrs)
    key = cell_key(seed)
    found = _rare(signs, bers, key)
    if max(bers) <= _SPLIT:
        return _distinct(found)
    mask = _frequent(signs, bers, key)
    return _with_rare(mask, found, signs.shape[1])


@dataclass(frozen=True, eq=False)
class ChipSeeds:
    """The sources of chance of one layer of many chips.

    That of a chip is ``numpy.random.SeedSequence(seed, spawn_key=(*words, chip, layer))``.

    Attributes
    ----------
    seed : int
        0 to 2**64 - 1.
    words : sequence of int
        Each of 32 bits, as `chips` and `layer`.
    chips : sequence of int
    layer : int
    """

    seed: int
    words: Sequence[int]
    chips: Sequence[int]
    layer: int

    @cached_property
    def keys(self) -> Words:
        """What the kernels draw the cells of each chip with, shape (chips, 2)."""
        return self.states(self.layer, words=2)

    def states(self, *after: int, words: int) -> Words:
        """Return what numpy's seed sequences give for other words after the chip than the layer.

        Parameters
        ----------
        *after : int
            What follows the number of the chip in the spawn key.
        words : int
            How many words of 64 bits.

        Returns
        -------
        uint64 array, shape (chips, words)
            ``SeedSequence(seed, spawn_key=(*words, chip, *after)).generate_state(words, uint64)``.
        """
        from rramsim.crossbar.sampling_kernels import seed_keys

        entropy = np.array([self.seed & _HALF, self.seed >> 32, 0, 0, *self.words], dtype=np.uint32)
        # As numpy does, a number of more than 32 bits is taken as words, the lowest first.
        following = [
            (number >> place) & _HALF
            for number in after
            for place in range(0, max(number.bit_length(), 1), 32)
        ]
        states = np.empty((len(self.chips), words), dtype=np.uint64)
        chips = np.array(self.chips, dtype=np.int64)
        seed_keys(entropy, chips, np.array(following, dtype=np.uint32), states)
        return states


def draw_small(signs: Signs, *, ber_lrs: float, ber_hrs: float, seeds: ChipSeeds) -> Words:
    """Draw the wrong cells of one layer of many chips: of each, those of `draw_cells`.

    Parameters
    ----------
    signs : int8 array, shape (neurons, inputs)
        No more than `SEGMENT_CELLS` cells; this is for layers of which a chip takes microseconds.
    ber_lrs, ber_hrs : float
    seeds : ChipSeeds

    Returns
    -------
    uint64 array, shape (chips, neurons, words)
    """
    from rramsim.crossbar.sampling_kernels import masks_of_chips

    signs = np.ascontiguousarray(signs)
    neurons, inputs = signs.shape
    bers = float(ber_lrs), float(ber_hrs)
    masks = np.empty((len(seeds.chips), neurons, words_for(inputs)), dtype=np.uint64)
    limits = _limit(bers[0]), _limit(bers[1])
    masks_of_chips(seeds.keys, signs, bers, limits, max(bers) > _SPLIT, masks)
    return masks


def draw_small_on_lines(signs: Signs, *, lines: LineEffects, seeds: ChipSeeds) -> Words:
    """Draw the wrong cells of one layer of many chips: of each, those of `draw_cells_on_lines`.

    Parameters
    ----------
    signs, seeds
        See `draw_small`.
    lines : LineEffects
        Of these chips.

    Returns
    -------
    uint64 array, shape (chips, neurons, words)
    """
    from rramsim.crossbar.sampling_kernels import masks_on_lines

    signs = np.ascontiguousarray(signs)
    neurons, inputs = signs.shape
    masks = np.empty((len(seeds.chips), neurons, words_for(inputs)), dtype=np.uint64)
    effects = lines.distances, lines.columns, lines.rows, lines.word_ends
    tile = lines.word_lines, lines.bit_lines
    masks_on_lines(seeds.keys, signs, lines.highest, *effects, *tile, *_tails(), masks)
    return masks


def draw_cells_on_lines(
    signs: Signs, *, lines: LineEffects, seed: np.random.SeedSequence
) -> Positions | Words:
    """Draw the wrong cells of one layer of one chip whose lines differ.

    Each cell has the u that it has in `draw_cells`, and is wrong where that is below its own rate.

    Parameters
    ----------
    signs, seed
        See `draw_cells`.
    lines : LineEffects

    Returns
    -------
    int64 array or uint64 array
        See `draw_cells`.
    """
    signs = np.ascontiguousarray(signs)
    lrs, hrs = lines.highest.tolist()
    bers = lrs, hrs
    key = cell_key(seed)
    found = _rare(signs, bers, key, lines)
    if max(bers) <= _SPLIT:
        return _distinct(found)
    mask = _frequent_on_lines(signs, key, lines)
    return _with_rare(mask, found, signs.shape[1])


def cell_numbers(shape: tuple[int, int], seed: np.random.SeedSequence) -> Floats:
    """Return the u of every cell of one layer of one chip, as `draw_cells` compares it.

    Parameters
    ----------
    shape : (int, int)
        Neurons and inputs.
    seed : numpy.random.SeedSequence

    Returns
    -------
    float64 array, shape (neurons, inputs)

    Examples
    --------
    >>> signs, seed = np.ones((40, 50), dtype=np.int8), np.random.SeedSequence(1)
    >>> wrong = as_positions(draw_cells(signs, ber_lrs=0.1, ber_hrs=0.1, seed=seed), signs)
    >>> np.array_equal(np.flatnonzero(cell_numbers((40, 50), seed) < 0.1), wrong)
    True
    """
    from rramsim.crossbar.sampling_kernels import rare, second_numbers

    key, numbers = cell_key(seed), np.empty(shape)
    flat, signs = numbers.reshape(-1), np.ones(0, dtype=np.int8)
    rows = max(1, _WORDS_PER_PART // words_for(shape[1]))
    parts = list(pairwise([*range(0, shape[0], rows), shape[0]]))

    def spread(part: tuple[int, int]) -> None:
        second_numbers(key, *part, numbers)

    share(spread, parts)
    for start, stop in pairwise([*range(0, flat.size, SEGMENT_CELLS), flat.size]):
        # Levels are drawn whole, and none but the deepest holds more than its share of the cells.
        cells = np.empty(2 * int(4 * _SPLIT * (stop - start)) + 256, dtype=np.int64)
        found = np.empty(cells.size)
        count = rare(key, start, stop, signs, (_SPLIT, _SPLIT), cells, found)
        assert count >= 0
        # Deep levels come first: of a cell that several find, the least number holds.
        flat[cells[:count][::-1]] = found[:count][::-1]
    return numbers


def cell_key(seed: np.random.SeedSequence) -> tuple[int, int]:
    """Return the key that the kernels draw with."""
    first, second = seed.generate_state(2, np.uint64)
    return int(first), int(second)


def _distinct(found: list[Positions]) -> Positions:
    positions = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *found]))
    distinct = np.ones(positions.size, dtype=np.bool_)
    np.not_equal(positions[1:], positions[:-1], out=distinct[1:])
    return positions[distinct]


def as_positions(drawn: Positions | Words, signs: Signs) -> Positions:
    """Return drawn cells as positions, whichever form they have."""
    if drawn.ndim == 1:
        return drawn.astype(np.int64, copy=False)
    return positions_of(drawn.astype(np.uint64, copy=False), columns=signs.shape[1])


def _rare(
    signs: Signs, bers: tuple[float, float], key: tuple[int, int], lines: LineEffects | None = None
) -> list[Positions]:
    from rramsim.crossbar.sampling_kernels import keep_on_lines, rare

    flat = signs.reshape(-1)

    def work(segment: tuple[int, int]) -> Positions:
        start, stop = segment
        # Levels are drawn whole, so up to twice the cells come up; no more than 2**-9 of all.
        mean = (stop - start) * min(max(bers), _SPLIT)
        room = int(mean + 6 * math.sqrt(mean)) + 64
        while True:
            cells = np.empty(room, dtype=np.int64)
            numbers = np.empty(room if lines else 0)
            count = rare(key, start, stop, flat, bers, cells, numbers)
            if count >= 0 and lines:
                count = keep_on_lines(flat, lines.parts, cells[:count], numbers)
            if count >= 0:
                return cells[:count]
            room *= 2

    edges = [*range(0, flat.size, SEGMENT_CELLS), flat.size]
    segments = list(pairwise(edges))
    return share(work, segments) if flat.size * max(bers) > 1e4 else list(map(work, segments))


def _frequent(signs: Signs, bers: tuple[float, float], key: tuple[int, int]) -> Words:
    from rramsim.crossbar.sampling_kernels import frequent

    mask, parts = _mask_in_parts(signs)
    limits = _limit(bers[0]), _limit(bers[1])

    def work(part: tuple[int, int]) -> None:
        frequent(key, *part, signs, limits, mask)

    share(work, parts)
    return mask


def _frequent_on_lines(signs: Signs, key: tuple[int, int], lines: LineEffects) -> Words:
    from rramsim.crossbar.sampling_kernels import frequent_on_lines

    mask, parts = _mask_in_parts(signs)
    ends = lines.word_ends

    def work(part: tuple[int, int]) -> None:
        frequent_on_lines(key, *part, signs, lines.parts, ends, mask)

    share(work, parts)
    return mask


def _mask_in_parts(signs: Signs) -> tuple[Words, list[tuple[int, int]]]:
    """Return a mask to be filled, and parts of its rows to share out."""
    neurons, inputs = signs.shape
    words = words_for(inputs)
    rows = max(1, _WORDS_PER_PART // words)
    edges = [*range(0, neurons, rows), neurons]
    return np.empty((neurons, words), dtype=np.uint64), list(pairwise(edges))


def _with_rare(mask: Words, found: list[Positions], inputs: int) -> Words:
    from rramsim.crossbar.sampling_kernels import set_bits

    for positions in found:
        set_bits(mask, positions, inputs)
    return mask


@functools.cache
def _tails() -> tuple[Floats, NDArray[np.uint8]]:
    """Return the least and the greatest Q(x) in each bin of x, the last ones without end.

    Beside them are the first 8 digits of the limits of v at these.
    """
    from rramsim.crossbar.sampling_kernels import TAIL_END

    edges = np.linspace(-TAIL_END, TAIL_END, _BINS + 1)
    # A bin reaches a little beyond its edges, so that rounding cannot put an x into a wrong one.
    least, greatest = ndtr(-(edges[1:] + 1e-9)), ndtr(-(edges[:-1] - 1e-9))
    least[-1], greatest[0] = 0.0, 1.0
    tails = np.stack([least, greatest], axis=1)
    shares = (tails - _SPLIT) * (256.0 / (1.0 - _SPLIT))
    return tails, np.clip(shares, 0.0, 255.0).astype(np.uint8)


def _limit(ber: float) -> int:
    """Return 2**64 times the v below which a cell that is not rare is wrong."""
    return min(max(0, int((ber - _SPLIT) / (1 - _SPLIT) * 2.0**64)), 2**64 - 1)
