"""Which readings of cells that are read cycle after cycle stand for their population."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from rramsim import formatting as numbers
from rramsim.device.populations.fit import StateReadings
from rramsim.notes import Note
from rramsim.statistics.design_effect import LEAST_CLUSTERS
from rramsim.statistics.quantiles import sample_quantiles
from rramsim.statistics.readings import clusters_of, limits_at_the_readings, ranked

LEVEL = 0.01
"""The first cycle is said to be another population below this p-value."""

# From this many other cycles on, the first one is held against the spread between them.
_LEAST_CYCLES = 3
# A smaller difference, in sigmas of the readings, makes no other population of a cycle.
_LEAST_DIFFERENCE = 0.2
# More cycles of the same cells add little; so many readings are compared with simulated samples.
_MOST_TESTED = 4096
_LEAST_PER_CELL = 2

Floats = NDArray[np.float64]
Groups = NDArray[np.int_]


@dataclass(frozen=True)
class FirstCycle:
    """The first cycle read, and how it compares with the others.

    Attributes
    ----------
    cycle : int
        Its number.
    p_value : float
        Probability of so large a difference, in the mean or the spread of ln R, if it were a
        cycle like the others; NaN where too few cells or cycles tell.
    """

    cycle: int
    p_value: float

    @property
    def is_apart(self) -> bool:
        """Whether it is another population than the other cycles."""
        return self.p_value < LEVEL


def first_cycle(state: StateReadings) -> FirstCycle | None:
    """Compare the first cycle with the others; None where no two cycles are known.

    From three other cycles on, mean and spread over the cells of the first cycle are held against
    those of the other cycles (Student's t of one more value), so that a drift over the cycles sets
    none of them apart. Of fewer, each cell's first reading is held against its others (paired t).
    Of the two p-values, the smaller is doubled; a difference below 0.2 sigmas of all readings is
    none, however many cells show it.
    """
    if state.cycle is None:
        return None
    known = state.cycle >= 0
    cycle = state.cycle[known]
    x = limits_at_the_readings(np.log(state.resistance[known]), state.censoring[known])
    numbers_read, place = ranked(cycle)
    if numbers_read.size < 2:
        return None
    cluster = clusters_of(state.cell[known])
    apart = _mean_and_spread(x, place, cluster)
    others = numbers_read.size - 1
    test = _against_cycles if others >= _LEAST_CYCLES else _against_own
    least_difference = _LEAST_DIFFERENCE * float(x.std())
    p_values = [test(y, place, cluster, least_difference) for y in apart]
    least = min((p for p in p_values if not math.isnan(p)), default=math.nan)
    return FirstCycle(int(numbers_read[0]), min(2.0 * least, 1.0))


def _mean_and_spread(x: Floats, place: Groups, cluster: Groups) -> tuple[Floats, Floats]:
    """Return each reading's distance from its cell's later ones, and from its cycle's mean."""
    later = place > 0
    reads = np.bincount(cluster[later], minlength=cluster.max() + 1)
    sums = np.bincount(cluster[later], weights=x[later], minlength=reads.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = sums / reads
    means = np.bincount(place, weights=x) / np.bincount(place)
    return x - centre[cluster], np.abs(x - means[place])


def _against_cycles(y: Floats, place: Groups, cluster: Groups, least: float) -> float:
    """Return the p-value of the first cycle's mean among those of the others."""
    known = np.isfinite(y)
    counts = np.bincount(place[known])
    if not counts.size or not counts[0]:
        return math.nan
    means = np.bincount(place[known], weights=y[known])[counts > 0] / counts[counts > 0]
    others = means[1:]
    spread = float(others.std(ddof=1)) if others.size >= _LEAST_CYCLES else math.nan
    if not spread > 0.0:
        return math.nan
    if abs(means[0] - others.mean()) < least:
        return 1.0
    score = (means[0] - others.mean()) / (spread * math.sqrt(1.0 + 1.0 / others.size))
    return float(2.0 * stdtr(others.size - 1, -abs(score)))


def _against_own(y: Floats, place: Groups, cluster: Groups, least: float) -> float:
    """Return the p-value of the first reading of each cell against the mean of its others."""
    is_first = (place == 0) & np.isfinite(y)
    is_later = (place > 0) & np.isfinite(y)
    size = int(cluster.max()) + 1
    one, many = (np.bincount(cluster[kind], minlength=size) for kind in (is_first, is_later))
    both = (one > 0) & (many > 0)
    if np.count_nonzero(both) < LEAST_CLUSTERS:
        return math.nan
    first, later = (
        np.bincount(cluster[kind], weights=y[kind], minlength=size)[both] / count[both]
        for kind, count in ((is_first, one), (is_later, many))
    )
    change = first - later
    error = float(change.std(ddof=1)) / math.sqrt(change.size)
    if not error > 0.0:
        return math.nan
    if abs(change.mean()) < least:
        return 1.0
    return float(2.0 * stdtr(change.size - 1, -abs(change.mean()) / error))


@dataclass(frozen=True, eq=False)
class Tested:
    """The readings of a state that a test of its distribution takes.

    Attributes
    ----------
    place : ndarray, shape (tested,)
        Which readings, those of a cell one after the other in the order of their cycles.
    cluster : ndarray, shape (tested,), or None
        Number of the cell from 0, ascending; None where each reading is of another cell.
    cells : int
    apart : FirstCycle or None
        The first cycle, where it is another population and left out.
    """

    place: Groups
    cluster: Groups | None
    cells: int
    apart: FirstCycle | None = None

    @property
    def words(self) -> str:
        """What is tested, where cells are read more than once; else empty."""
        if self.cluster is None:
            return ""
        cells = "one cell" if self.cells == 1 else f"{self.cells:,} cells"
        after = f" after cycle {self.apart.cycle}" if self.apart else ""
        return f"{self.place.size:,} readings of {cells}{after}"


def readings_to_test(state: StateReadings) -> Tested:
    """Return the readings that test whether a distribution describes a state.

    Of cells read more than once all cycles are taken, but no first cycle that is another
    population; of more than 4,096 readings as many cycles of each cell, evenly spaced, and two at
    least.
    """
    everything = np.arange(state.resistance.size)
    if state.cells == everything.size:
        return Tested(everything, None, everything.size)
    first = first_cycle(state)
    apart = first if first is not None and first.is_apart else None
    kept = everything
    if apart is not None and state.cycle is not None:
        kept = everything[state.cycle != apart.cycle]
    cluster = clusters_of(state.cell[kept])
    in_time = everything[kept] if state.cycle is None else state.cycle[kept]
    order = np.lexsort((in_time, cluster))
    kept, cluster = kept[order], cluster[order]
    chosen = _evenly(cluster)
    return Tested(kept[chosen], cluster[chosen], int(cluster.max()) + 1, apart)


def _evenly(cluster: Groups) -> NDArray[np.bool_]:
    """Return which readings to keep, so that no more than enough are of one cell."""
    reads = np.bincount(cluster)
    most = max(_MOST_TESTED // reads.size, _LEAST_PER_CELL)
    number = np.arange(cluster.size) - (np.cumsum(reads) - reads)[cluster]
    share = np.minimum(most / reads, 1.0)[cluster]
    kept: NDArray[np.bool_] = np.floor((number + 1) * share + 1e-9) > np.floor(
        number * share + 1e-9
    )
    return kept


def first_cycle_notes(state: StateReadings, tested: Tested | None) -> list[Note]:
    """Return a note on a first cycle that is another population, with its median."""
    if tested is None or tested.apart is None or state.cycle is None:
        return []
    is_first = state.cycle == tested.apart.cycle
    (first, of_first), (others, of_others) = (_median(state, m) for m in (is_first, ~is_first))
    p_value = numbers.power(tested.apart.p_value)
    return [
        state.note(
            f"cycle {tested.apart.cycle:,}, the first one read, is another population than the "
            f"others (sample median {of_first} against "
            f"{of_others}, p = {p_value}): the lognormal is tested without it; "
            "it stays in the fit and the count.",
            "first cycle apart",
            cycle=tested.apart.cycle,
            first_median=first,
            other_median=others,
            p_value=tested.apart.p_value,
        )
    ]


def _median(state: StateReadings, chosen: NDArray[np.bool_]) -> tuple[float, str]:
    """Return the median of some readings in ohm, or the bound that limits leave, and its words."""
    (median,) = sample_quantiles(state.resistance[chosen], state.censoring[chosen], (0.5,))
    ohm = {"lower": median.low, "upper": median.high}.get(median.bound, median.estimate)
    return ohm, numbers.bounded(numbers.quantity(ohm, "Ω"), median.bound)
