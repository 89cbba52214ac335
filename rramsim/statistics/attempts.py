"""Attempts until a success, and the share that has none after so many: alike or not alike units.

Where each attempt fails with one chance p, whatever the unit, N attempts are geometric and
P(N > k) = p**k. Where units differ, with success chances distributed Beta(a, b), they are
beta-geometric, P(N > k) = B(a, b + k) / B(a, b): a few stubborn units keep failing, and far more
are left after many attempts [1]_.

.. [1] C. R. Weinberg and B. C. Gladen, "The beta-geometric distribution applied to comparative
   fecundability studies", Biometrics 42 (1986) 547-560.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import betaln

from rramsim.errors import InputError

_LEAST_UNITS = 10
# Of ln(a) and ln(b): beyond, units are alike within any digits.
_FURTHEST = 12.0
_STARTS = ((0.0, 0.0), (3.0, 2.0), (1.0, -1.0))


@dataclass(frozen=True)
class AttemptsFit:
    """How attempts fail.

    Attributes
    ----------
    miss : float
        Chance that an attempt fails, the same for all.
    a, b : float
        Of the Beta distribution of the chance of success; infinite where the units show no
        difference, NaN where they are too few (10) to tell.
    gain : float
        Twice the gain of ln L by that distribution.
    """

    miss: float
    a: float
    b: float
    gain: float

    def alike(self, attempts: ArrayLike) -> NDArray[np.float64]:
        """Return the share without a success after so many attempts, were all units alike."""
        share: NDArray[np.float64] = self.miss ** np.asarray(attempts, dtype=float)
        return share

    def unlike(self, attempts: ArrayLike) -> NDArray[np.float64]:
        """Return that share where units differ."""
        count = np.asarray(attempts, dtype=float)
        if math.isinf(self.a):
            return self.alike(count)
        share: NDArray[np.float64] = np.exp(betaln(self.a, self.b + count) - betaln(self.a, self.b))
        return share


def fit_attempts(attempts: ArrayLike, is_limit: ArrayLike | None = None) -> AttemptsFit:
    """Fit both laws by maximum likelihood.

    Parameters
    ----------
    attempts : array_like, shape (units,)
        Attempts of each unit, whole numbers from 1 on.
    is_limit : array_like of bool, shape (units,), optional
        Where the number may be the most that was tried: the unit took that many, or has no
        success.

    Returns
    -------
    AttemptsFit

    Raises
    ------
    InputError
        If a number is not a whole one from 1 on.

    Examples
    --------
    >>> round(fit_attempts([1, 1, 1, 2, 1, 1, 3, 1, 1, 1]).miss, 3)
    0.231
    """
    count = np.asarray(attempts, dtype=float)
    limited = np.zeros(count.size, dtype=bool) if is_limit is None else np.asarray(is_limit)
    if not count.size or not np.all((count >= 1) & (count == np.round(count))):
        raise InputError("attempts need whole numbers from 1 on")
    failures = count - 1.0
    successes = float(np.count_nonzero(~limited))
    miss = float(failures.sum() / (failures.sum() + successes))
    if count.size < _LEAST_UNITS:
        return AttemptsFit(miss, math.nan, math.nan, math.nan)
    alike = _likelihood_alike(miss, failures, successes)
    best = min(
        (
            minimize(
                _minus_likelihood,
                start,
                args=(failures, ~limited),
                method="L-BFGS-B",
                bounds=[(-_FURTHEST, _FURTHEST)] * 2,
            )
            for start in _STARTS
        ),
        key=lambda found: float(found.fun),
    )
    gain = 2.0 * (-float(best.fun) - alike)
    if not gain > 1e-3:
        return AttemptsFit(miss, math.inf, math.inf, 0.0)
    a, b = np.exp(best.x)
    return AttemptsFit(miss, float(a), float(b), gain)


def _likelihood_alike(miss: float, failures: NDArray[np.float64], successes: float) -> float:
    if miss in (0.0, 1.0):
        return 0.0
    return float(failures.sum()) * math.log(miss) + successes * math.log1p(-miss)


def _minus_likelihood(
    point: NDArray[np.float64], failures: NDArray[np.float64], ended: NDArray[np.bool_]
) -> float:
    a, b = np.exp(point)
    terms = betaln(a + ended, b + failures) - betaln(a, b)
    return -float(terms.sum())
