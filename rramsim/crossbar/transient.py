"""Transient read noise: cells near the reference that are wrong at one read and right at the next.

ln R = mu + frozen + y, with a part that a cell keeps while it is programmed and read noise
y ~ N(0, sigma_read**2) that is drawn anew for every image. A cell whose frozen part lies m above
its error is wrong at a read with Q(m / sigma_read). Over cells and reads the bit-error rate is
that of the whole spread, so that noise that is frozen and noise that is fresh give as many errors;
but fresh errors come and go, so chips differ by less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from rramsim.bits import Flips, Words, pack_rows
from rramsim.crossbar.correlated import CorrelatedFaults, PerState, per_state
from rramsim.crossbar.faults import IidFaults, PopulationFaults, StateFaults
from rramsim.crossbar.sampling import Signs, cell_key, cell_numbers
from rramsim.errors import InputError, refused

Floats = NDArray[np.float64]

# A layer's stream of reads, apart from that of its cells and of its lines.
_READS = (1 << 32) + 16
# Cells that are wrong at less than one read of 2**7 are found by gaps, the others by masks, each
# where it takes less time (measured).
_OFTEN_LEVEL = 7
# Cells that are wrong at less than one read of 2**60 are taken as right.
_LAST_LEVEL = 60


@dataclass(frozen=True)
class TransientReads:
    """Cells that are read with fresh noise at every image.

    Other models freeze the read noise with the cell: one chip has the same wrong cells at every
    image. Here a part of the spread of `faults` is fresh at every image, the same for all reads
    of that image. The mean BER is that of `faults`. A cell's own number u gives its frozen part,
    so that chips can be compared cell by cell; without noise they are those of `faults`.

    The answers of a chip are those of one read of each image: a second read of the same image
    may differ.

    Parameters
    ----------
    faults : PopulationFaults, StateFaults, IidFaults or CorrelatedFaults
        The populations, with the spread of one read of each cell, or the error rates.
    sigma_read : float or (float, float)
        Standard deviation of ln R from read to read of one cell; one for both states, or of LRS
        and of HRS. It is part of the spread of `faults`; of error rates that spread is 1, so it
        is the root of the reads' share of the variance. A spread of the reference stays frozen.

    Raises
    ------
    InputError
        If a parameter is none of these, or the noise is more than the spread of the cells.

    Examples
    --------
    A tenth of the variance is from read to read:

    >>> import rramsim
    >>> faults = rramsim.TransientReads(rramsim.IidFaults(0.01), sigma_read=0.1**0.5)
    >>> round(faults.mean_ber(hrs_share=0.5), 4)
    0.01
    """

    faults: PopulationFaults | StateFaults | IidFaults | CorrelatedFaults
    sigma_read: PerState

    def __post_init__(self) -> None:
        accepted = IidFaults | StateFaults | PopulationFaults | CorrelatedFaults
        if not isinstance(self.faults, accepted):
            raise refused(
                "faults",
                self.faults,
                "PopulationFaults, StateFaults, IidFaults or CorrelatedFaults, of single cells",
            )
        object.__setattr__(self, "sigma_read", per_state("sigma_read", self.sigma_read))
        own = self._on_lines.own_variances
        for state, sigma, variance in zip(("LRS", "HRS"), self.sigmas, own, strict=True):
            if sigma**2 > variance * (1.0 + 1e-9):
                raise InputError(
                    f"sigma_read of {state} is {sigma:.4g}, more than the spread of its cells "
                    f"({math.sqrt(variance):.4g}), of which the read noise is a part."
                )

    @property
    def sigmas(self) -> tuple[float, float]:
        """Standard deviation from read to read, of LRS and of HRS."""
        assert isinstance(self.sigma_read, tuple)
        return self.sigma_read

    @cached_property
    def _on_lines(self) -> CorrelatedFaults:
        if isinstance(self.faults, CorrelatedFaults):
            return self.faults
        return CorrelatedFaults(self.faults)

    @property
    def is_fresh(self) -> bool:
        """Whether anything differs from image to image."""
        return any(self.sigmas) and not self.deterministic

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Flips:
        """Draw the chip of `faults`, whose read noise is frozen (see `FaultModel`)."""
        return self.faults.draw(signs, seed)

    def reads(self, signs: Signs, seed: np.random.SeedSequence) -> FreshErrors:
        """Draw one layer of one chip: what its cells keep, and with it how often each is wrong.

        Parameters
        ----------
        signs, seed
            See `FaultModel.draw`. Reads of an image follow from the seed and its number alone.
        """
        own = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, _READS))
        return FreshErrors.of(self.wrong_share(signs, seed).reshape(-1), own)

    def wrong_share(self, signs: Signs, seed: np.random.SeedSequence) -> Floats:
        """Return at which share of the reads each cell is wrong, in the form of `signs`.

        Given the lines a cell is wrong at one read with Q(x). Of the spread that x is in units of,
        the noise is a share r**2. With its frozen part at the quantile of its u, that is

            p = Q((x - sqrt(1 - r**2) z(1 - u)) / r),

        whose mean over u is Q(x), and which is u < Q(x) where r is 0.

        Parameters
        ----------
        signs, seed
            See `FaultModel.draw`.
        """
        signs = np.ascontiguousarray(signs)
        lines = self._on_lines.lines(signs.shape, seed)
        x, u = lines.of_cells(signs), cell_numbers((signs.shape[0], signs.shape[1]), seed)
        wrong = np.empty(signs.shape)
        for is_state, sigma, variance in zip(
            (signs < 0, signs > 0), self.sigmas, self._on_lines.cell_variances, strict=True
        ):
            r = min(sigma / math.sqrt(variance), 1.0)
            here, number = x[is_state], u[is_state]
            if r == 0.0:
                wrong[is_state] = number < ndtr(-here)
            else:
                frozen = -math.sqrt(1.0 - r**2) * ndtri(number) if r < 1.0 else 0.0
                wrong[is_state] = ndtr((frozen - here) / r)
        return wrong

    def identity(self) -> dict[str, Any]:
        """Return the model's name and exact parameters, fit for JSON; see `FaultModel`."""
        if not any(self.sigmas):
            return dict(self.faults.identity())
        return {
            "model": "transient reads",
            "faults": self.faults.identity(),
            "sigma_read": list(self.sigmas),
        }

    def mean_ber(self, hrs_share: float) -> float:
        """Return the mean of the two states' error rates over cells and reads."""
        return self.faults.mean_ber(hrs_share)

    @property
    def deterministic(self) -> bool:
        """Whether every chip has the same wrong cells: no cell of a state, or all of them."""
        return self.faults.deterministic


@dataclass(frozen=True, eq=False)
class FreshErrors:
    """The cells of one layer of one chip that may be wrong, and a source of reads of them.

    Attributes
    ----------
    cells : int64 array
        Flat positions: first those of which one read in 128 or more is wrong, then the others by
        how often they are.
    often : int
        Number of the former.
    key : (int, int)
        Of the source of chance.
    limits, certain, levels, level_starts, shares
        See `rramsim.crossbar.sampling_kernels.fresh`.
    mean : float
        Expected wrong cells of an image.
    """

    cells: NDArray[np.int64]
    often: int
    key: tuple[int, int]
    limits: Words
    certain: Words
    levels: NDArray[np.int64]
    level_starts: NDArray[np.int64]
    shares: Floats
    mean: float

    @classmethod
    def of(cls, wrong_share: Floats, seed: np.random.SeedSequence) -> FreshErrors:
        """Return the reads of cells that are each wrong at a share of the reads.

        Parameters
        ----------
        wrong_share : float64 array, shape (cells,)
        seed : numpy.random.SeedSequence
            Source of the reads.
        """
        cells = np.flatnonzero(wrong_share >= 2.0**-_LAST_LEVEL)
        level = _levels(wrong_share[cells])
        order = np.argsort(level, kind="stable")
        cells, level = cells[order], level[order]
        often = int(np.searchsorted(level, _OFTEN_LEVEL))
        levels, starts = np.unique(level[often:], return_index=True)
        wrong = wrong_share[cells]
        limits, certain = _digits(wrong[:often])
        return cls(
            cells=cells,
            often=often,
            key=cell_key(seed),
            limits=limits,
            certain=certain,
            levels=levels.astype(np.int64),
            level_starts=np.append(often + starts, cells.size),
            shares=np.ldexp(wrong[often:], level[often:]),
            mean=float(wrong.sum()),
        )

    @property
    def size(self) -> int:
        """Number of cells that may be wrong."""
        return self.cells.size

    def of_images(self, first: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return which of `cells` are wrong for some images (see `FreshFlips`)."""
        from rramsim.crossbar.sampling_kernels import fresh

        starts = np.empty(stop - first + 1, dtype=np.int64)
        mean = self.mean * (stop - first)
        room = int(mean + 6.0 * math.sqrt(mean)) + 128
        while True:
            wrong = np.empty(room, dtype=np.int32)
            count = fresh(
                *(self.key, first, stop, self.often, self.limits, self.certain),
                *(self.levels, self.level_starts, self.shares, starts, wrong),
            )
            if count >= 0:
                return starts, wrong[:count]
            room *= 2


def _levels(wrong_share: Floats) -> NDArray[np.int16]:
    """Return k of each share, from 2**-(k + 1) to below 2**-k; one less than the first for more."""
    _, exponent = np.frexp(wrong_share)
    return np.maximum(-exponent, _OFTEN_LEVEL - 1).astype(np.int16)


def _digits(wrong_share: Floats) -> tuple[Words, Words]:
    """Return the binary digits of shares, 64 cells to a word, and which shares are 1."""
    words = -(-wrong_share.size // 64)
    full = np.zeros(64 * words)
    full[: wrong_share.size] = wrong_share
    is_certain = full >= 1.0
    limits = np.where(is_certain, 0.0, full * 2.0**64).astype(np.uint64)
    digits = np.empty((words, 64), dtype=np.uint64)
    for place in range(64):
        digit = (limits >> np.uint64(63 - place) & np.uint64(1)).astype(np.bool_)
        digits[:, place] = pack_rows(digit.reshape(words, 64))[:, 0]
    return digits, pack_rows(is_certain.reshape(words, 64))[:, 0].copy()
