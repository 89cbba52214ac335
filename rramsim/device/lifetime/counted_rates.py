"""Aged error rates of a condition whose errors were counted, as its lognormal is not believed.

The lines of `rramsim.device.lifetime.aging` are of lognormals. Where the errors that were counted
lead, these lines cannot give the level of the error rates, only how it changes: the probit of each
state is moved by one number, such that the mean rate over the readings behind the lines is the one
that was counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtr, ndtri

from rramsim.statistics.confidence import smallest_countable, spread_points

Floats = NDArray[np.float64]

_HALVINGS = 60
_JEFFREYS = 0.5


@dataclass(frozen=True)
class CountedErrors:
    """The errors counted in both states of a condition, where these lead.

    Attributes
    ----------
    errors, readings, design_effect : (float, float)
        Of LRS and of HRS.
    """

    errors: tuple[float, float]
    readings: tuple[float, float]
    design_effect: tuple[float, float]

    @property
    def rates(self) -> Floats:
        """Error rates, shape (2,); without an error the median of what the count leaves open."""
        errors, readings = np.array(self.errors), np.array(self.readings)
        found: Floats = np.where(errors > 0.0, errors / readings, self._quantiles(0.5))
        return found

    def drawn(self, count: int) -> Floats:
        """Return rates that the counts leave open (Jeffreys' law), shape (2, count)."""
        log2 = math.ceil(math.log2(max(count, 2)))
        found: Floats = self._quantiles(spread_points(2, log2)[:, :count].T).T
        return found

    def least(self, shares: ArrayLike) -> float:
        """Return the least rate of states of these shares that counting could show.

        Parameters
        ----------
        shares : array_like, shape (2,)
            Of LRS and HRS; (1, 0) asks for LRS alone.
        """
        share, readings = np.asarray(shares, dtype=float), self._independent
        used = share > 0.0
        return smallest_countable(float(np.min(readings[used] / share[used])))

    @property
    def _independent(self) -> Floats:
        found: Floats = np.array(self.readings) / np.array(self.design_effect)
        return found

    def _quantiles(self, place: ArrayLike) -> Floats:
        wrong = np.array(self.errors) / np.array(self.design_effect)
        right = np.maximum(self._independent - wrong, 0.0)
        found: Floats = betaincinv(wrong + _JEFFREYS, right + _JEFFREYS, place)
        return found


def shift_to(rates: ArrayLike, probits: ArrayLike, weights: ArrayLike) -> Floats:
    """Return the number that all probits are moved by for their mean rate to be a given one.

    Parameters
    ----------
    rates : array_like, shape (...)
        The mean rates.
    probits : array_like, shape (..., places)
        Of the rates at each place; those that are NaN do not count.
    weights : array_like, shape (places,)
        How much each place counts.

    Returns
    -------
    ndarray, shape (...)
        Infinite for a rate of 0 or 1; NaN without a place.

    Examples
    --------
    >>> shift = shift_to(0.02, [-3.0, -2.5], [1.0, 1.0])
    >>> round(float(np.mean(ndtr(np.array([-3.0, -2.5]) + shift))), 6)
    0.02
    """
    at = np.asarray(probits, dtype=float)
    wanted = np.asarray(rates, dtype=float)
    weight = np.where(np.isnan(at), 0.0, np.asarray(weights, dtype=float))
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = weight / weight.sum(axis=-1, keepdims=True)
        low = ndtri(wanted) - np.where(weight > 0.0, at, -np.inf).max(axis=-1)
        high = ndtri(wanted) - np.where(weight > 0.0, at, np.inf).min(axis=-1)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            mean = (weight * ndtr(np.nan_to_num(at) + middle[..., None])).sum(axis=-1)
            is_below = mean < wanted
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    found: Floats = np.where(np.isnan(weight).any(axis=-1), np.nan, (low + high) / 2.0)
    return found
