"""Which reference misreads the fewest cells: by the fits, or by the readings themselves.

Where the fits are not to be believed, the reference is where the smoothed shares of misread
readings are least. A reference chosen on the readings that are then counted at it flatters them, so
the errors of each cell are counted at a reference chosen without that cell (cross-validation [1]_).

.. [1] M. Stone, "Cross-validatory choice and assessment of statistical predictions", Journal of the
   Royal Statistical Society B 36 (1974) 111-147.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from rramsim import formatting as numbers
from rramsim.device.bit_errors.error_counts import Count, count_errors, weighted
from rramsim.device.populations.fit import ConditionReadings, StateReadings
from rramsim.device.read_conditions import ReadConditions
from rramsim.notes import Note
from rramsim.schema import ABOVE, BELOW
from rramsim.statistics.quantiles import centre_and_sigmas
from rramsim.statistics.readings import distinct

FOLDS = 10
"""Parts that the cells are divided into; each is read at a reference chosen on the others."""

CROSS_VALIDATED = "cross-validated"
"""What an interval's method says of errors counted at references chosen without their cells."""

# Divisions of the cells; the one with the middle number of errors is taken.
_DIVISIONS = 5
_SEED = 20190408
_REFERENCES = 401
_BINS = 1024
# Width of the smoothing in sigmas of a state, times n**(-1/5).
_SMOOTHING = 0.4
# So many widths beyond the medians a reading is no nearer to a misread one.
_MARGIN = 5.0

Floats = NDArray[np.float64]
Integers = NDArray[np.int_]


@dataclass(frozen=True)
class LeastErrors:
    """Where between the medians the fewest readings are misread.

    Attributes
    ----------
    errors, readings : int
        Misread there, of so many whose side is known.
    ber : float
        Weighted by the shares of the states in use.
    reference, low, high : float
        In ohm: from `low` to `high` as few are misread; `reference` is their geometric mean.
    """

    errors: int
    readings: int
    ber: float
    reference: float
    low: float
    high: float

    def note(self, condition: ConditionReadings) -> Note:
        """Return it as a sentence on the condition."""
        middle, low, high = (
            numbers.quantity(ohm, "Ω") for ohm in (self.reference, self.low, self.high)
        )
        ends = "" if low == high else f" ({low} to {high})"
        return condition.note(
            f"counted errors are least, {self.errors:,} of {self.readings:,}, at {middle}{ends}.",
            "least counted errors",
            errors=self.errors,
            readings=self.readings,
            ber=self.ber,
            reference=self.reference,
            reference_low=self.low,
            reference_high=self.high,
        )


def least_errors(condition: ConditionReadings, *, lrs_share: float = 0.5) -> LeastErrors:
    """Return the reference between the sample medians at which the fewest readings are misread.

    A reading whose limit leaves its side open is taken as misread in the choice, not in the count.
    Of several stretches with as few errors, the longest is taken (in ln R).
    """
    low, high = _between(condition)
    turned = [_turning(state) for state in condition.states]
    inside = np.unique(np.concatenate(turned))
    starts = np.concatenate([[low], inside[(inside > low) & (inside < high)]])
    lrs, hrs = turned
    sizes = [state.resistance.size for state in condition.states]
    misread = lrs_share * (lrs.size - np.searchsorted(lrs, starts, "right")) / sizes[0]
    misread += (1.0 - lrs_share) * np.searchsorted(hrs, starts, "right") / sizes[1]
    ends = np.append(starts[1:], high)
    first, last = _longest(misread <= misread.min() + 1e-12, starts, ends)
    reference = math.exp((first + last) / 2.0)
    counts = [count_at(state, reference) for state in condition.states]
    both = weighted(*counts, lrs_share=lrs_share)
    return LeastErrors(
        errors=both.errors,
        readings=sum(count.readings for count in counts),
        ber=both.ber.estimate,
        reference=reference,
        low=math.exp(first),
        high=math.exp(last),
    )


def _longest(is_least: NDArray[np.bool_], starts: Floats, ends: Floats) -> tuple[float, float]:
    """Return the ends of the longest run of intervals that are marked."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], is_least, [False]])))
    first, last = starts[change[::2]], ends[change[1::2] - 1]
    longest = int(np.argmax(last - first))
    return float(first[longest]), float(last[longest])


def count_at(state: StateReadings, reference: float | Floats) -> Count:
    """Count the errors of a state at a reference in ohm, or at one for each reading."""
    return count_errors(
        state.resistance,
        state.censoring,
        reference=reference,
        is_hrs=state.is_hrs,
        cell=state.cell if state.is_read_again else None,
    )


def _between(condition: ConditionReadings) -> tuple[float, float]:
    """Return ln of the sample medians, the lower one first."""
    lrs, hrs = (float(np.median(np.log(state.resistance))) for state in condition.states)
    return min(lrs, hrs), max(lrs, hrs)


def _turning(state: StateReadings) -> Floats:
    """Return the references in ln(ohm), sorted, at which one more reading is read as the other.

    A reading that no reference is known to read rightly has none: LRS of at least a limit above
    the reference is misread, below it is open, and either counts against the reference.
    """
    never_right = BELOW if state.is_hrs else ABOVE
    return np.sort(np.log(state.resistance[state.censoring != never_right]))


@dataclass(frozen=True)
class ChosenByCount:
    """A reference chosen on the readings, and what it is worth.

    Attributes
    ----------
    reference : float
        In ohm.
    counts : (Count, Count)
        Errors of LRS and HRS, each cell at a reference chosen without it.
    """

    reference: float
    counts: tuple[Count, Count]


def chosen_by_count(condition: ConditionReadings, read: ReadConditions) -> ChosenByCount:
    """Choose the reference with the least smoothed share of misread readings.

    Each share is smoothed by a normal kernel of 0.4 n**(-1/5) sigmas of its state (n cells, sigma
    from the quartiles, as far as limits leave these known: `centre_and_sigmas`), and by the spread
    of the reference. Where a stretch is as good, its geometric mean is taken. The errors are
    counted by cross-validation: the cells are divided into 10 parts, no cell in two of them, in
    five ways; the one with the middle BER is given. Of one cell, the parts are stretches of its
    readings.

    Parameters
    ----------
    condition : ConditionReadings
    read : ReadConditions
        With the share of LRS cells and the spread of the reference; its reference is not used.
    """
    curves = [_Smoothed.of(state, _between(condition), read) for state in condition.states]
    reference = _best(curves, [np.zeros((1, curve.counts.size)) for curve in curves], read)[0]
    divided = []
    for parts in _divisions(condition):
        left_out = [curve.of_parts(part) for curve, part in zip(curves, parts, strict=True)]
        at = np.exp(_best(curves, left_out, read))
        divided.append(
            tuple(
                count_at(state, at[part])
                for state, part in zip(condition.states, parts, strict=True)
            )
        )
    bers = [weighted(*counts, lrs_share=read.lrs_share).ber.estimate for counts in divided]
    lrs, hrs = divided[int(np.argsort(bers)[len(bers) // 2])]
    return ChosenByCount(math.exp(reference), (lrs, hrs))


@dataclass(frozen=True, eq=False)
class _Smoothed:
    """The smoothed share of misread readings of one state over the references.

    Attributes
    ----------
    references : ndarray, shape (references,)
        In ln(ohm).
    kernel : ndarray, shape (references, bins)
        How far a reading in a bin is misread at a reference, from 0 to 1.
    bins : ndarray, shape (readings,)
        Bin of each reading, -1 where no reference is known to read it rightly.
    counts : ndarray, shape (bins,)
        Readings in each bin.
    """

    references: Floats
    kernel: Floats
    bins: Integers
    counts: Floats

    @classmethod
    def of(
        cls, state: StateReadings, between: tuple[float, float], read: ReadConditions
    ) -> _Smoothed:
        x = np.log(state.resistance)
        low, high = between
        _, *sigmas = centre_and_sigmas(x, state.censoring)
        sigma = float(np.mean(sigmas)) or (state.fit.sigma if state.fit else 0.0)
        # No narrower than the references are apart.
        width = max(_SMOOTHING * sigma * state.cells**-0.2, (high - low) / _REFERENCES, 1e-9)
        width = math.hypot(width, read.reference_spread)
        start, end = low - _MARGIN * width, high + _MARGIN * width
        step = (end - start) / _BINS
        bins = np.clip(((x - start) / step).astype(int), 0, _BINS - 1)
        bins[state.censoring == (BELOW if state.is_hrs else ABOVE)] = -1
        references = np.linspace(low, high, _REFERENCES)
        centres = start + step * (np.arange(_BINS) + 0.5)
        beyond = (centres[None, :] - references[:, None]) / width
        kernel = ndtr(-beyond if state.is_hrs else beyond)
        counts = np.bincount(bins[bins >= 0], minlength=_BINS).astype(float)
        return cls(references, kernel, bins, counts)

    def of_parts(self, part: Integers) -> Floats:
        """Return the readings of each part in each bin, shape (parts, bins)."""
        parts, known = int(part.max()) + 1, self.bins >= 0
        place = part[known] * _BINS + self.bins[known]
        return np.bincount(place, minlength=parts * _BINS).reshape(parts, _BINS).astype(float)


def _best(curves: Sequence[_Smoothed], left_out: Sequence[Floats], read: ReadConditions) -> Floats:
    """Return ln of the best reference without the readings left out, shape (parts,)."""
    shares = (read.lrs_share, 1.0 - read.lrs_share)
    parts = max(out.shape[0] for out in left_out)
    misread = np.zeros((curves[0].references.size, parts))
    for curve, out, share in zip(curves, left_out, shares, strict=True):
        kept = np.repeat(curve.counts[:, None], parts, axis=1)
        kept[:, : out.shape[0]] -= out.T
        misread += share * (curve.kernel @ kept) / np.maximum(kept.sum(axis=0), 1.0)
    is_least = misread <= misread.min(axis=0) * (1.0 + 1e-9) + 1e-15
    references = curves[0].references
    best: Floats = (references @ is_least) / is_least.sum(axis=0)
    return best


def _divisions(condition: ConditionReadings) -> list[tuple[Integers, Integers]]:
    """Return divisions of the readings of LRS and HRS into parts, no cell in two of them."""
    cells = [state.cell for state in condition.states]
    named = distinct(np.concatenate([cell[cell >= 0] for cell in cells]))
    unnamed = [int(np.count_nonzero(cell < 0)) for cell in cells]
    units = named.size + sum(unnamed)
    if units < 2:
        # One cell: stretches of its readings, which may follow each other.
        stretches = [_stretches(state) for state in condition.states]
        return [(stretches[0], stretches[1])]
    rng = np.random.Generator(np.random.Philox(_SEED))
    divisions = []
    for _ in range(_DIVISIONS if units > FOLDS else 1):
        part = np.empty(units, dtype=int)
        part[rng.permutation(units)] = np.arange(units) % min(FOLDS, units)
        first, of_states = named.size, []
        for cell, count in zip(cells, unnamed, strict=True):
            of_state = np.empty(cell.size, dtype=int)
            of_state[cell >= 0] = part[np.searchsorted(named, cell[cell >= 0])]
            of_state[cell < 0] = part[first : first + count]
            first += count
            of_states.append(of_state)
        divisions.append((of_states[0], of_states[1]))
    return divisions


def _stretches(state: StateReadings) -> Integers:
    in_time = np.arange(state.resistance.size) if state.cycle is None else state.cycle
    part = np.empty(state.resistance.size, dtype=int)
    part[np.argsort(in_time, kind="stable")] = (
        np.arange(state.resistance.size) * FOLDS // state.resistance.size
    )
    return part


def choice_notes(
    condition: ConditionReadings, chosen: ChosenByCount, read: ReadConditions
) -> list[Note]:
    """Return how the reference was chosen; `read` is at the one of the fits, if there are any."""

    def errors(*counts: Count) -> int:
        return weighted(*counts, lrs_share=read.lrs_share).errors

    def errors_at(reference: float) -> int:
        return errors(*(count_at(state, reference) for state in condition.states))

    held_out, at_it = errors(*chosen.counts), errors_at(chosen.reference)
    where = numbers.quantity(chosen.reference, "Ω")
    figures = {"reference": chosen.reference, "errors": held_out, "errors_at_reference": at_it}
    instead = ""
    fits = [state.fit for state in condition.states if state.fit is not None]
    if len(fits) == len(condition.states) and fits[0].mu < fits[1].mu:
        figures |= {"fit_reference": read.reference, "errors_at_fit": errors_at(read.reference)}
        instead = (
            f", and at {numbers.quantity(read.reference, 'Ω')}, the best of the fits, "
            f"{figures['errors_at_fit']:,}"
        )
    return [
        condition.note(
            f"the reference, {where}, is chosen on the readings and not by the fits. So that the "
            "count is not too low, each cell is counted at a reference chosen without it "
            f"(cross-validation): {held_out:,} errors. At {where} itself there are {at_it:,}"
            f"{instead}.",
            "reference from the readings",
            **figures,
        )
    ]
