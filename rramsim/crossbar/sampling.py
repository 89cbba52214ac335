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

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import Words, positions_of, words_for
from rramsim.parallel import share

Signs = NDArray[np.int8]
Positions = NDArray[np.int64]

SEGMENT_CELLS = 1 << 22
"""Cells drawn in one go; part of what a chip is, as the gaps start anew in each."""

_SPLIT = 2.0**-9
_WORDS_PER_PART = 1 << 15


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
    first, second = seed.generate_state(2, np.uint64)
    key = int(first), int(second)
    rare = _rare(signs, bers, key)
    if max(bers) > _SPLIT:
        return _with_frequent(signs, bers, key, rare)
    positions = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *rare]))
    distinct = np.ones(positions.size, dtype=np.bool_)
    np.not_equal(positions[1:], positions[:-1], out=distinct[1:])
    return positions[distinct]


def as_positions(drawn: Positions | Words, signs: Signs) -> Positions:
    """Return drawn cells as positions, whichever form they have."""
    if drawn.ndim == 1:
        return drawn.astype(np.int64, copy=False)
    return positions_of(drawn.astype(np.uint64, copy=False), columns=signs.shape[1])


def _rare(signs: Signs, bers: tuple[float, float], key: tuple[int, int]) -> list[Positions]:
    from rramsim.crossbar.sampling_kernels import rare

    flat = signs.reshape(-1)

    def work(segment: tuple[int, int]) -> Positions:
        start, stop = segment
        # Levels are drawn whole, so up to twice the cells come up; no more than 2**-9 of all.
        mean = (stop - start) * min(max(bers), _SPLIT)
        room = int(mean + 6 * math.sqrt(mean)) + 64
        while True:
            cells = np.empty(room, dtype=np.int64)
            count = rare(key, start, stop, flat, bers, cells)
            if count >= 0:
                return cells[:count]
            room *= 2

    edges = [*range(0, flat.size, SEGMENT_CELLS), flat.size]
    segments = list(pairwise(edges))
    return share(work, segments) if flat.size * max(bers) > 1e4 else list(map(work, segments))


def _with_frequent(
    signs: Signs, bers: tuple[float, float], key: tuple[int, int], rare: list[Positions]
) -> Words:
    from rramsim.crossbar.sampling_kernels import frequent, set_bits

    neurons, inputs = signs.shape
    words = words_for(inputs)
    mask = np.empty((neurons, words), dtype=np.uint64)
    limits = _limit(bers[0]), _limit(bers[1])
    rows = max(1, _WORDS_PER_PART // words)
    edges = [*range(0, neurons, rows), neurons]

    def work(part: tuple[int, int]) -> None:
        frequent(key, *part, signs, limits, mask)

    share(work, list(pairwise(edges)))
    for positions in rare:
        set_bits(mask, positions, inputs)
    return mask


def _limit(ber: float) -> int:
    """Return 2**64 times the v below which a cell that is not rare is wrong."""
    return min(max(0, int((ber - _SPLIT) / (1 - _SPLIT) * 2.0**64)), 2**64 - 1)
