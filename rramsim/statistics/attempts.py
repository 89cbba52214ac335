"""Attempts until a success, the share that has none after so many, and what is then read wrongly.

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
from scipy.special import betaln, ndtr

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
    from scipy.optimize import minimize  # a start without it is 0.15 s shorter

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


def mean_attempts(miss: float, most: int) -> float:
    """Return how many attempts are made on average, up to `most`: ``(1 - q**K) / (1 - q)``.

    Parameters
    ----------
    miss : float
        Chance q that an attempt fails, 0 to 1.
    most : int
        K: after so many attempts it is left as it is.

    Examples
    --------
    >>> mean_attempts(0.5, 3), mean_attempts(1.0, 3)
    (1.75, 3.0)
    """
    return float(sum(miss**attempt for attempt in range(most)))


def below_after_attempts(
    limit: float, *, mu: float, sigma: float, verify: float, noise: float, most: int
) -> float:
    """Return the chance to read a value below a limit that was drawn anew until it was high enough.

    A normal value x is drawn until x is at least the verify level v, at most K times; it is read
    later as x + e, with e normal of its own. With q = P(x < v) the chance of x + e < r is
    ``(1 - q**K) P(x + e < r | x > v) + q**K P(x + e < r | x < v)``, that is
    ``(1 + q + ... + q**(K-1)) P(x + e < r, x > v) + q**(K-1) P(x + e < r, x < v)``.

    Parameters
    ----------
    limit : float
        r.
    mu, sigma : float
        Of x; sigma above 0.
    verify : float
        v.
    noise : float
        Standard deviation of e, from 0 on.
    most : int
        K, 1 or more. Of 1 nothing is drawn again, whatever v is.

    Examples
    --------
    >>> chance = below_after_attempts(0.0, mu=2.0, sigma=1.0, verify=0.5, noise=0.1, most=2)
    >>> f"{chance:.2e}"
    '1.56e-03'
    """
    r, v, e = (limit - mu) / sigma, (verify - mu) / sigma, noise / sigma
    passed, missed = _read_below(r, e, v, math.inf), _read_below(r, e, -math.inf, v)
    miss = float(ndtr(v))
    return mean_attempts(miss, most) * passed + miss ** (most - 1) * missed


def _read_below(r: float, e: float, low: float, high: float) -> float:
    """Return P(z + e y < r, low < z < high) of two standard normal numbers z and y."""
    if e == 0.0:
        high = min(high, r)
        return float(ndtr(high) - ndtr(low)) if high > low else 0.0
    # Every bend of the integrand is an edge of a piece: the middle of z and the step of the noise.
    # Beyond 39 sigmas nothing is left of a normal distribution in double precision.
    steps = [sign * 2.0**power for power in range(-3, 6) for sign in (-1.0, 1.0)]
    edges = {-39.0, 39.0, 0.0, r, low, high, *steps, *(r + e * step for step in steps)}
    edges |= {end + e * step for end in (low, high) for step in steps}
    low, high = max(low, -39.0), min(high, 39.0)
    pieces = np.array(sorted({edge for edge in edges if low < edge < high} | {low, high}))
    if pieces.size < 2:
        return 0.0
    x, weight = np.polynomial.legendre.leggauss(20)
    half = np.diff(pieces)[:, np.newaxis] / 2.0
    z = pieces[:-1, np.newaxis] + half * (x + 1.0)
    density = np.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
    return float((half * weight * density * ndtr((r - z) / e)).sum())
