"""Cells that the body of their population cannot account for: stuck in the other state, or odd.

They stay in the population and in every count; here they are found, named, and given a rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim import formatting as numbers
from rramsim.device.populations.fit import StateReadings
from rramsim.notes import Note
from rramsim.schema import ABOVE, BELOW, STATES
from rramsim.statistics.confidence import clopper_pearson
from rramsim.statistics.lognormal import LognormalFit

STUCK, OUTLYING = "stuck", "outlying"
"""Reads like the other state; or like neither."""

# So far out that a lognormal body gives one such reading in a hundred samples of this size.
_CHANCE = 0.01
# A state reaches this many sigmas of its body.
_REACH = 3.0
_NAMED = 5


@dataclass(frozen=True, eq=False)
class Outliers:
    """Readings of one state beyond what its body can give.

    Attributes
    ----------
    position : ndarray, shape (outliers,)
        Where the readings are in the dataset "readings".
    cell : ndarray, shape (outliers,)
        Number of the cell, -1 where unknown.
    resistance : ndarray, shape (outliers,)
        In ohm.
    z : ndarray, shape (outliers,)
        Distance from the median of the body, in its sigmas.
    kind : tuple of str
        ``"stuck"``: reads like the other state; ``"outlying"``: like neither.
    stuck_cells, outlying_cells : int
        Cells every reading of which, in this state, is of that kind.
    cells : int
        Distinct cells read in this state.
    """

    position: NDArray[np.int_]
    cell: NDArray[np.int_]
    resistance: NDArray[np.float64]
    z: NDArray[np.float64]
    kind: tuple[str, ...]
    stuck_cells: int
    outlying_cells: int
    cells: int

    @property
    def stuck_interval(self) -> tuple[float, float]:
        """Ends of the 95 % Clopper-Pearson interval of the share of stuck cells."""
        return clopper_pearson(self.stuck_cells, self.cells)

    @property
    def outlying_interval(self) -> tuple[float, float]:
        """Ends of the 95 % Clopper-Pearson interval of the share of outlying cells."""
        return clopper_pearson(self.outlying_cells, self.cells)


def find_outliers(
    state: StateReadings,
    *,
    body: LognormalFit | None,
    other_body: LognormalFit | None,
    has_tail: bool = False,
) -> Outliers:
    """Find the readings beyond what the body of a population can give.

    A reading is out where a lognormal body would give 0.01 such readings in a sample of this
    size. It is stuck where it is also within 3 sigmas of the body of the other state, or beyond
    it, and past the middle of the two medians. Where the tail is known to hold another
    population (`goodness`), 3 sigmas of its own body are enough for that. A censored reading is
    out where its limit is.

    Parameters
    ----------
    state : StateReadings
    body, other_body : LognormalFit or None
        Bodies of this and of the other state (`goodness.fit_body`). Without the first nothing is
        called an outlier; without the second nothing is called stuck.
    has_tail : bool
        Whether more readings are beyond 3 sigmas of the body than it can give.
    """
    kinds = _kinds(state, body, other_body, has_tail=has_tail)
    is_out = kinds != ""
    middle, spread = (0.0, math.inf) if body is None else (body.mu, body.sigma)
    return Outliers(
        position=state.position[is_out],
        cell=state.cell[is_out],
        resistance=state.resistance[is_out],
        z=(np.log(state.resistance[is_out]) - middle) / spread,
        kind=tuple(str(kind) for kind in kinds[is_out]),
        stuck_cells=_cells_always(state, kinds == STUCK),
        outlying_cells=_cells_always(state, kinds == OUTLYING),
        cells=state.cells,
    )


def outlier_notes(state: StateReadings, outliers: Outliers) -> list[Note]:
    """Return a note for each kind of outlier there is, with the cells and their rate."""
    notes = []
    other = STATES[0] if state.is_hrs else STATES[1]
    for kind, count, (low, high), words in (
        (STUCK, outliers.stuck_cells, outliers.stuck_interval, f"read like {other}"),
        (OUTLYING, outliers.outlying_cells, outliers.outlying_interval, "read like neither state"),
    ):
        of_kind = [name == kind for name in outliers.kind]
        if not any(of_kind):
            continue
        which = _names(outliers.cell[of_kind])
        rate = numbers.percent(count / outliers.cells)
        span = f"{100 * low:.2f} to {100 * high:.2f}"
        notes.append(
            state.note(
                f"{sum(of_kind):,} of {state.resistance.size:,} {state.state} readings {words}, "
                f"beyond what the body of the population gives{which}; {count:,} of "
                f"{outliers.cells:,} cells always do, {rate} ({span}). They stay in the fit and "
                "the count.",
                kind,
                readings=sum(of_kind),
                cells=count,
                rate=count / outliers.cells,
                rate_low=low,
                rate_high=high,
            )
        )
    return notes


def _kinds(
    state: StateReadings,
    body: LognormalFit | None,
    other_body: LognormalFit | None,
    *,
    has_tail: bool,
) -> NDArray[np.str_]:
    x, side = np.log(state.resistance), state.censoring
    kinds = np.full(x.size, "", dtype="U8")
    if body is None:
        return kinds
    limit = -float(ndtri(_CHANCE / 2.0 / x.size))
    z = (x - body.mu) / body.sigma
    # A limit on the near side leaves open how far out the reading is.
    lowest, highest = np.where(side != ABOVE, z, np.inf), np.where(side != BELOW, z, -np.inf)
    kinds[(lowest < -limit) | (highest > limit)] = OUTLYING
    if other_body is not None:
        towards = 1.0 if other_body.mu > body.mu else -1.0
        # A wide state reaches far into a narrow one: past the middle of the medians as well.
        nearest = min(_REACH * other_body.sigma, abs(other_body.mu - body.mu) / 2.0)
        reaches = towards * (x - other_body.mu) > -nearest
        near = _REACH if has_tail else limit
        kinds[(highest > near if towards > 0 else lowest < -near) & reaches] = STUCK
    return kinds


def _cells_always(state: StateReadings, is_kind: NDArray[np.bool_]) -> int:
    """Return how many cells have no reading that is not of the kind."""
    if not is_kind.any():
        return 0
    named = state.cell >= 0
    touched = np.unique(state.cell[named & is_kind])
    otherwise = np.unique(state.cell[named & ~is_kind])
    always = np.setdiff1d(touched, otherwise, assume_unique=True).size
    return int(always + np.count_nonzero(is_kind & ~named))


def _names(cells: NDArray[np.int_]) -> str:
    named = np.unique(cells[cells >= 0])
    if not named.size:
        return ""
    more = ", ..." if named.size > _NAMED else ""
    return f" (cell{'s' if named.size > 1 else ''} {', '.join(map(str, named[:_NAMED]))}{more})"
