"""Parts of a variance: of dies, rows, columns, cells and cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Groups = NDArray[np.int_]


COMPONENTS = ("die", "row", "column", "cell", "cycle")
"""The parts, in the order in which they are fitted."""


@dataclass(frozen=True)
class VariancePart:
    """One part of a variance.

    Attributes
    ----------
    variance : float
        Estimate, 0 where it came out negative.
    groups : int
        Dies, rows (over all dies), columns, cells or readings it rests on.
    is_negative : bool
        Whether the estimate was negative: the part is too small for the readings to show.
    """

    variance: float
    groups: int
    is_negative: bool


def variance_parts(
    x: ArrayLike,
    *,
    die: ArrayLike | None = None,
    row: ArrayLike | None = None,
    column: ArrayLike | None = None,
    cell: ArrayLike | None = None,
) -> dict[str, VariancePart]:
    """Estimate the parts of the variance of `x` that the given factors can tell apart.

    Parameters
    ----------
    x : array_like, shape (readings,)
        What is split.
    die, row, column, cell : array_like of int, shape (readings,), optional
        Number of each in any order; rows, columns and cells of different dies are different
        ones. Rows and columns are used only together.

    Returns
    -------
    dict of str to VariancePart
        Keys of `COMPONENTS`. What cannot be told apart is missing: "cell" then holds the cycles
        too. Empty where there are not two readings more than there are groups.
    """
    y = np.asarray(x, dtype=float)
    if y.size < 2:
        return {}
    fits = _fits(y.size, {"die": die, "row": row, "column": column, "cell": cell})
    whole = _OneWay(np.zeros(y.size, dtype=int))
    # A large common mean would cost digits of the sums of squares.
    centred = y - y.mean()
    squares = [whole.square(centred), *(fit.square(centred) for _, fit in fits)]
    squares.append(float(centred @ centred))
    last = "cycle" if fits and fits[-1][0] == "cell" else "cell"
    factors = [(name, fit.levels) for name, fit in fits]
    factors.append((last, np.arange(y.size)))
    # trace[k, j]: what one unit of variance of part j adds to the k-th sum of squares.
    projections: list[_OneWay | _Crossed] = [whole, *(fit for _, fit in fits)]
    trace = np.array([[fit.trace(levels) for _, levels in factors] for fit in projections])
    trace = np.vstack([trace, np.full(len(factors), float(y.size))])
    steps, coefficients = np.diff(squares), np.diff(trace, axis=0)
    if coefficients[-1, -1] < 1.0:
        return {}
    # A factor that adds nothing to those before it, such as the cells of one cell, has no part.
    separable = np.flatnonzero(np.diag(coefficients) > 1e-9 * y.size)
    estimates = np.linalg.solve(
        np.triu(coefficients)[np.ix_(separable, separable)], steps[separable]
    )
    # Rounding must not call equal readings a negative variance.
    negligible = 1e-12 * float(centred @ centred) / y.size
    return {
        name: VariancePart(
            variance=max(float(estimate), 0.0),
            groups=int(np.unique(levels).size),
            is_negative=bool(estimate < -negligible),
        )
        for (name, levels), estimate in zip((factors[k] for k in separable), estimates, strict=True)
    }


@dataclass(frozen=True, eq=False)
class _OneWay:
    """The fit of a mean to each level."""

    levels: Groups  # shape (readings,)

    def square(self, y: Floats) -> float:
        sums, counts = np.bincount(self.levels, weights=y), np.bincount(self.levels)
        return float(np.sum(sums[counts > 0] ** 2 / counts[counts > 0]))

    def trace(self, other: Groups) -> float:
        """Return tr(P Z Z'): sum over pairs of levels of n(pair)**2 / n(own level)."""
        counts = np.bincount(self.levels)
        width = int(other.max()) + 1
        pairs, n = np.unique(self.levels * width + other, return_counts=True)
        return float(np.sum(n**2 / counts[pairs // width]))


@dataclass(frozen=True, eq=False)
class _Crossed:
    """The fit of rows plus columns within each die; `levels` are those of the columns."""

    row: Groups
    levels: Groups
    inverse: Floats  # pseudoinverse of X'X, X the incidence of rows and columns

    @classmethod
    def of(cls, row: Groups, column: Groups) -> _Crossed:
        rows, columns = int(row.max()) + 1, int(column.max()) + 1
        cross = np.zeros((rows, columns))
        np.add.at(cross, (row, column), 1.0)
        square = np.block(
            [[np.diag(cross.sum(axis=1)), cross], [cross.T, np.diag(cross.sum(axis=0))]]
        )
        return cls(row, column, np.linalg.pinv(square, hermitian=True))

    def _sums(self, y: Floats) -> Floats:
        return np.concatenate(
            [np.bincount(self.row, weights=y), np.bincount(self.levels, weights=y)]
        )

    def square(self, y: Floats) -> float:
        sums = self._sums(y)
        return float(sums @ self.inverse @ sums)

    def trace(self, other: Groups) -> float:
        """Return tr(P Z Z') for levels that are in one row and one column each, or lie in X.

        For rows, columns and dies, which the fit holds, P Z = Z and the trace is the number of
        readings.
        """
        _, first, level, n = np.unique(
            other, return_index=True, return_inverse=True, return_counts=True
        )
        row, column = self.row[first], self.levels[first]
        inside = np.all(self.row == row[level]) and np.all(self.levels == column[level])
        if not inside:
            return float(other.size)
        place = self.row.max() + 1 + column
        inverse = self.inverse
        leverage = inverse[row, row] + 2.0 * inverse[row, place] + inverse[place, place]
        return float(np.sum(n**2 * leverage))


def _fits(
    count: int, given: Mapping[str, ArrayLike | None]
) -> list[tuple[str, _OneWay | _Crossed]]:
    """Return the fits in sequence, each with the part it adds; levels are numbered from 0."""
    die = np.zeros(count, dtype=int)
    fits: list[tuple[str, _OneWay | _Crossed]] = []
    if given["die"] is not None:
        _, die = np.unique(np.asarray(given["die"]), return_inverse=True)
        if die.max() > 0:
            fits.append(("die", _OneWay(die)))
    if given["row"] is not None and given["column"] is not None:
        row, column = (_within(die, given[name]) for name in ("row", "column"))
        # A single row or column within every die is the die itself.
        if row.max() > die.max() and column.max() > die.max():
            fits += [("row", _OneWay(row)), ("column", _Crossed.of(row, column))]
    if given["cell"] is not None:
        cell = _within(die, given["cell"])
        if fits and fits[-1][0] == "column":
            cell = _within(_within(row, column), cell)
        if cell.max() + 1 < count:
            fits.append(("cell", _OneWay(cell)))
    return fits


def _within(die: Groups, levels: ArrayLike | None) -> Groups:
    _, inner = np.unique(np.asarray(levels), return_inverse=True)
    number: Groups = np.unique(die * (int(inner.max()) + 1) + inner, return_inverse=True)[1]
    return number
