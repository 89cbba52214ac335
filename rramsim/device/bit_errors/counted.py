"""Bit errors counted at a reference, with exact binomial intervals.

A cell is read as HRS where its resistance is above the reference, so an LRS cell above it and
an HRS cell below it are errors. Where cells are read more than once, the intervals are those of
fewer readings: see `rramsim.statistics.design_effect`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta

from rramsim.statistics.design_effect import design_effect
from rramsim.device.bit_errors.sensing import CONFIDENCE
from rramsim.schema import ABOVE, BELOW


@dataclass(frozen=True)
class Count:
    """Readings of one state on the wrong side of the reference.

    Attributes
    ----------
    errors : int
        Readings on the wrong side.
    readings : int
        Readings whose side is known.
    undecided : int
        Censored readings whose limit leaves the side open; they are in neither of the others.
    design_effect : float
        Readings that tell as much as one of another cell; 1 where each cell is read once.
    """

    errors: int
    readings: int
    undecided: int
    design_effect: float = 1.0

    @property
    def rate(self) -> float:
        """Errors per reading, NaN without readings."""
        return self.errors / self.readings if self.readings else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the two-sided 95 % Clopper-Pearson interval of the rate, over cells."""
        return clopper_pearson(self.errors / self.design_effect, self.readings / self.design_effect)


@dataclass(frozen=True)
class WeightedCount:
    """The counted BER of both states together, at the share of LRS cells in use.

    Attributes
    ----------
    ber, low, high : float
        Weighted share of errors and the ends of its 95 % interval.
    errors : int
        Errors of both states.
    sample : float
        Independent readings of one population that would weigh each error as much: see
        `weighted`.
    """

    ber: float
    low: float
    high: float
    errors: int
    sample: float


def count_errors(
    resistance: ArrayLike,
    censoring: ArrayLike,
    *,
    reference: float,
    is_hrs: bool,
    cell: ArrayLike | None = None,
) -> Count:
    """Count the readings of one state on the wrong side of `reference` (ohm).

    Parameters
    ----------
    resistance : array_like, shape (readings,)
        Resistance in ohm, or the limit it is beyond.
    censoring : array_like, shape (readings,)
        -1: at most the number, 0: exact, +1: at least the number. A censored reading counts
        where its limit already decides the side.
    reference : float
        Reference resistance in ohm.
    is_hrs : bool
        Whether the cells were programmed to HRS.
    cell : array_like, shape (readings,), optional
        Number of the cell, -1 where unknown. Default: each reading is of another cell.
    """
    value, side = np.asarray(resistance, dtype=float), np.asarray(censoring)
    undecided = ((side == ABOVE) & (value < reference)) | ((side == BELOW) & (value > reference))
    reads_hrs = (value > reference) | ((side == ABOVE) & (value == reference))
    wrong = (reads_hrs != is_hrs) & ~undecided
    left_open = int(np.count_nonzero(undecided))
    effect = 1.0
    if cell is not None:
        known = ~undecided
        effect = design_effect(wrong[known], np.asarray(cell)[known], np.log(value[known]))
    return Count(
        errors=int(np.count_nonzero(wrong)),
        readings=value.size - left_open,
        undecided=left_open,
        design_effect=effect,
    )


def weighted(lrs: Count, hrs: Count, *, lrs_share: float = 0.5) -> WeightedCount:
    """Return the BER counted in both states, weighted by their shares in use.

    The interval is Clopper-Pearson's for a sample in which every error weighs as much as the
    heaviest here: size n = min over states of (readings / share), errors n * BER. With as many
    readings as the shares ask for (equal numbers at a share of 0.5) that is the pooled count
    itself; otherwise the interval is on the safe, wide side, because lighter errors make the
    weighted sum spread less than that sample's. Where cells are read more than once, n is divided
    by the design effect: the mean of those of the states, each weighted by its share of the
    variance, share**2 p (1 - p) / readings with p = (errors + 1) / (readings + 2).

    Parameters
    ----------
    lrs, hrs : Count
    lrs_share : float
        Share of the cells in use that are in LRS, above 0 and below 1.

    Examples
    --------
    >>> count = weighted(Count(errors=1, readings=50, undecided=0), Count(3, 50, 0))
    >>> count.ber, count.errors, count.sample
    (0.04, 4, 100.0)
    """
    ber = lrs_share * lrs.rate + (1.0 - lrs_share) * hrs.rate
    sample = min(lrs.readings / lrs_share, hrs.readings / (1.0 - lrs_share))
    sample /= _design_effect(((lrs, lrs_share), (hrs, 1.0 - lrs_share)))
    low, high = clopper_pearson(sample * ber, sample)
    return WeightedCount(ber=ber, low=low, high=high, errors=lrs.errors + hrs.errors, sample=sample)


def _design_effect(states: tuple[tuple[Count, float], ...]) -> float:
    parts = []
    for count, share in states:
        p = (count.errors + 1.0) / (count.readings + 2.0)
        parts.append(share**2 * p * (1.0 - p) / max(count.readings, 1))
    effects = [count.design_effect for count, _ in states]
    return float(np.average(effects, weights=parts))


def clopper_pearson(errors: float, readings: float) -> tuple[float, float]:
    """Return the ends of the two-sided 95 % Clopper-Pearson interval, NaN without readings."""
    if not readings > 0:
        return math.nan, math.nan
    tail = (1.0 - CONFIDENCE) / 2.0
    # Sums of weights may overshoot a whole count by rounding.
    correct = max(readings - errors, 0.0)
    low = float(beta.ppf(tail, errors, correct + 1.0)) if errors > 0 else 0.0
    high = float(beta.isf(tail, errors + 1.0, correct)) if correct > 0 else 1.0
    return low, high


def smallest_countable(readings: float) -> float:
    """Return the BER that `readings` without a single error rule out at 95 %, one-sided.

    The rule of three: -ln(0.05) / n, which is about 3 / n.
    """
    return -math.log(1.0 - CONFIDENCE) / readings if readings > 0 else math.nan
