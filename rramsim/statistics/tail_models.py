"""What else could describe a population with a tail: two lognormals, or a generalised Pareto.

Neither is believed beyond the sample: a rate below one reading in n is given as a bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import genpareto

from rramsim.statistics.lognormal import LognormalFit

MIXTURE, PARETO = "two lognormals", "a generalised Pareto"
"""The models with room for a tail."""

_LEAST_FOR_PARETO = 10_000
_WORST = 0.05
_MOST_STEPS = 500
_SETTLED = 1e-9
# A component narrower than this share of the body's sigma is a spike on a few readings.
_NARROWEST = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TailModel:
    """The rate of misread cells by another model than one lognormal.

    Attributes
    ----------
    method : str
        ``"two lognormals"`` or ``"a generalised Pareto"``.
    weight : float
        Share of the cells in the second population, or in the tail the Pareto was fitted to.
    rate : float
        Share of misread cells at the reference, NaN where only a bound is known.
    bound : str
        ``"upper"`` where the model gives less than one reading in n: `high` is 1/n then.
    high : float
        The rate, or the bound on it.
    """

    method: str
    weight: float
    rate: float
    bound: str
    high: float


def model_tail(
    x: Floats, *, body: LognormalFit, ln_reference: float, is_hrs: bool
) -> TailModel | None:
    """Return the misread rate of exact readings by a model that has room for a tail.

    From 10,000 readings a generalised Pareto of the worst 5 % [1]_; with fewer, two lognormals
    by expectation and maximisation, from the body and from the readings beyond 3 sigmas of it.

    Parameters
    ----------
    x : ndarray, shape (readings,)
        ln(R / ohm) of exact readings.
    body : LognormalFit
        Fit of the body (`goodness.fit_body`).
    ln_reference : float
        ln(reference / ohm).
    is_hrs : bool
        Whether the cells are in HRS, which err below the reference.

    Returns
    -------
    TailModel or None
        None where the second population does not settle.

    References
    ----------
    .. [1] J. Pickands, "Statistical inference using extreme order statistics", Annals of
       Statistics 3 (1975) 119-131.
    """
    # Mirrored where needed, so that errors are made above the reference.
    sign = -1.0 if is_hrs else 1.0
    y, reference = sign * x, sign * ln_reference
    if y.size >= _LEAST_FOR_PARETO:
        return _pareto(y, reference)
    mixture = fit_two(y, mu=sign * body.mu, sigma=body.sigma)
    if mixture is None:
        return None
    weight, mu, sigma = mixture
    rate = float(np.array([1.0 - weight, weight]) @ ndtr((mu - reference) / sigma))
    return _model(MIXTURE, weight=weight, rate=rate, readings=y.size)


def fit_two(y: Floats, *, mu: float, sigma: float) -> tuple[float, Floats, Floats] | None:
    """Fit two normal populations to y, starting from the body and from what is above it.

    Returns
    -------
    tuple of (float, ndarray, ndarray) or None
        Weight of the second population; both means; both sigmas. None where a population
        empties or narrows to a spike.
    """
    beyond = y[y > mu + 3.0 * sigma]
    if beyond.size < 3:
        return None
    weight = beyond.size / y.size
    means = np.array([mu, beyond.mean()])
    sigmas = np.array([sigma, max(float(beyond.std()), 0.1 * sigma)])
    last = -math.inf
    for _ in range(_MOST_STEPS):
        z = (y[:, None] - means) / sigmas
        log_parts = np.log([1.0 - weight, weight]) - np.log(sigmas) - z**2 / 2.0
        log_total = np.logaddexp(log_parts[:, 0], log_parts[:, 1])
        share = np.exp(log_parts - log_total[:, None])
        size = share.sum(axis=0)
        means = (y @ share) / size
        sigmas = np.sqrt(np.einsum("ij,ij->j", share, (y[:, None] - means) ** 2) / size)
        weight = float(size[1] / y.size)
        if size.min() < 2.0 or sigmas.min() < _NARROWEST * sigma:
            return None
        value = float(log_total.mean())
        if value - last < _SETTLED:
            break
        last = value
    return weight, means, sigmas


def _pareto(y: Floats, reference: float) -> TailModel:
    threshold = float(np.quantile(y, 1.0 - _WORST))
    excess = y[y > threshold] - threshold
    share = excess.size / y.size
    if reference <= threshold:
        rate = float(np.mean(y > reference))
    else:
        shape, _, scale = genpareto.fit(excess, floc=0.0)
        rate = share * float(genpareto.sf(reference - threshold, shape, scale=scale))
    return _model(PARETO, weight=share, rate=rate, readings=y.size)


def _model(method: str, *, weight: float, rate: float, readings: int) -> TailModel:
    least = 1.0 / readings
    if rate < least:
        return TailModel(method, weight=weight, rate=math.nan, bound="upper", high=least)
    return TailModel(method, weight=weight, rate=rate, bound="", high=rate)
