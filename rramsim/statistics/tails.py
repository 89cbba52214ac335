"""Another population in one tail: is there one, and what describes it?

The body of a population is fitted to what lies near its middle; the readings beyond 3 sigmas of
it are counted, and where they are too many, two lognormals or a generalised Pareto describe them.
Neither is believed beyond the sample: a share below one reading in n is given as a bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, ndtr, ndtri

from rramsim.interval import Interval
from rramsim.statistics.design_effect import design_effect
from rramsim.statistics.lognormal import LognormalFit, UnfittableError, fit_lognormal
from rramsim.statistics.quantiles import normal_quantiles
from rramsim.statistics.readings import ABOVE, BELOW, EXACT, cluster_count, limits_at_the_readings

TAIL_SIGMAS = 3.0
"""The tail begins this many sigmas of the body from its median."""

MIXTURE, PARETO = "lognormal mixture", "generalised Pareto"
"""The models with room for a tail."""

# Readings further than 5 % from either end of the population belong to its body.
_BODY_SIGMAS = float(ndtri(0.95))
_QUARTILE = float(ndtri(0.75))

_LEAST_FOR_PARETO = 10_000
_WORST = 0.05
_MOST_STEPS = 500
_SETTLED = 1e-9
# A component narrower than this share of the body's sigma is a spike on a few readings.
_NARROWEST = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tail:
    """Readings beyond 3 sigmas of the body on one side.

    Attributes
    ----------
    beyond : int
        Readings beyond.
    expected : float
        Of a lognormal with the median and sigma of the body.
    readings : int
        Readings of which it is known whether they are beyond.
    p_value : float
        Probability of at least `beyond` if there is no other population: binomial, averaged
        over what the readings leave open of the body; of readings in clusters, of both
        numbers over their design effect.
    cells : int
        Clusters with a reading beyond; without clusters, readings beyond.
    """

    beyond: int
    expected: float
    readings: int
    p_value: float
    cells: int = 0

    @property
    def share(self) -> float:
        """Share of the readings that the body cannot account for, at least 0."""
        return max(self.beyond - self.expected, 0.0) / self.readings


def fit_body(
    values: ArrayLike, censoring: ArrayLike, fit: LognormalFit, *, cell: ArrayLike | None = None
) -> LognormalFit:
    """Fit the body of a population: the readings beyond 5 % at either end only as beyond.

    Where the body begins is taken from the quartiles, which a few readings in a tail do not
    move; where a quartile is censored, from the fit of all readings.

    Parameters
    ----------
    values, censoring, cell : array_like, shape (readings,)
        As in `fit_lognormal`.
    fit : LognormalFit
        Of all readings; it is returned where the body alone cannot be fitted.
    """
    x, side = np.log(np.asarray(values, dtype=float)), np.asarray(censoring)
    centre, spread = _middle(x, normal_quantiles(values, side), side, fit)
    low, high = centre - _BODY_SIGMAS * spread, centre + _BODY_SIGMAS * spread
    is_low = (x < low) & (side != ABOVE)
    is_high = (x > high) & (side != BELOW)
    side = np.where(is_low, BELOW, np.where(is_high, ABOVE, side))
    x = np.where(is_low, low, np.where(is_high, high, x))
    try:
        return fit_lognormal(np.exp(x), side, cell=cell)
    except UnfittableError:
        return fit


def _middle(x: Floats, z: Floats, side: NDArray[np.int_], fit: LognormalFit) -> tuple[float, float]:
    """Return the median and a robust sigma from the quartiles of the readings."""
    order = np.argsort(x[side == EXACT], kind="stable")
    x, z = x[side == EXACT][order], z[side == EXACT][order]
    if z[0] > -_QUARTILE or z[-1] < _QUARTILE:
        return fit.mu, fit.sigma
    low, middle, high = np.interp([-_QUARTILE, 0.0, _QUARTILE], z, x)
    spread = float(high - low) / (2.0 * _QUARTILE)
    return (float(middle), spread) if spread > 0 else (fit.mu, fit.sigma)


def count_tail(
    x: Floats,
    side: NDArray[np.int_],
    body: LognormalFit,
    *,
    is_lower: bool,
    cell: ArrayLike | None = None,
) -> Tail:
    """Count the readings beyond 3 sigmas of the body in one tail.

    Parameters
    ----------
    x, side : ndarray, shape (readings,)
        Logarithms and censoring. A censored reading counts where its limit decides.
    body : LognormalFit
    is_lower : bool
        Whether the tail is the lower one.
    cell : array_like, shape (readings,), optional
        Number of the cell, -1 where unknown: the test is that of as many readings as these are
        worth (`design_effect`). Default: each reading is of another cell.
    """
    sign = -1.0 if is_lower else 1.0
    bound = body.mu + sign * TAIL_SIGMAS * body.sigma
    outward, inward = (BELOW, ABOVE) if is_lower else (ABOVE, BELOW)
    is_out = sign * (x - bound) > 0
    beyond = is_out & (side != inward)
    open_side = (is_out & (side == inward)) | (~is_out & (side == outward))
    readings = x.size - int(np.count_nonzero(open_side))
    count = int(np.count_nonzero(beyond))
    effect, cells = 1.0, count
    if cell is not None:
        known = ~open_side
        at = limits_at_the_readings(x[known], side[known])
        effect = design_effect(beyond[known], np.asarray(cell)[known], at)
        cells = cluster_count(np.asarray(cell)[beyond])
    by_parameter = np.array([-1.0, bound])
    error = math.sqrt(by_parameter @ body.covariance @ by_parameter)
    nodes, weights = np.polynomial.hermite_e.hermegauss(31)
    shares = ndtr(-(TAIL_SIGMAS + error * nodes))
    p_value = weights @ _at_least(count / effect, readings / effect, shares) / weights.sum()
    return Tail(
        beyond=count,
        expected=readings * float(ndtr(-TAIL_SIGMAS)),
        readings=readings,
        p_value=float(p_value),
        cells=cells,
    )


def _at_least(count: float, readings: float, shares: Floats) -> Floats:
    """Return the binomial probability of at least `count`, for counts that need not be whole."""
    if count == 0.0:
        return np.ones_like(shares)
    at_least: Floats = betainc(count, readings - count + 1.0, shares)
    return at_least


def model_tail(
    x: Floats, *, body: LognormalFit, limit: float, is_lower: bool
) -> tuple[float, Interval] | None:
    """Return the share of exact readings beyond a limit by a model that has room for a tail.

    From 10,000 readings a generalised Pareto of the worst 5 % [1]_; with fewer, two lognormals
    by expectation and maximisation, from the body and from the readings beyond 3 sigmas of it.

    Parameters
    ----------
    x : ndarray, shape (readings,)
        Logarithms of exact readings.
    body : LognormalFit
        As `fit_body` gives it.
    limit : float
        On the scale of x.
    is_lower : bool
        Whether the tail is the lower one, and beyond is below the limit.

    Returns
    -------
    weight : float
        Share of the readings in the second population, or in the tail the Pareto was fitted to.
    share : Interval
        Beyond the limit, of basis `MIXTURE` or `PARETO`. It has no ends; less than one reading
        in n is given as an upper bound, 1/n.

    None where the second population does not settle.

    References
    ----------
    .. [1] J. Pickands, "Statistical inference using extreme order statistics", Annals of
       Statistics 3 (1975) 119-131.
    """
    # Mirrored where needed, so that the tail is the upper one.
    sign = -1.0 if is_lower else 1.0
    y, end = sign * x, sign * limit
    if y.size >= _LEAST_FOR_PARETO:
        return _pareto(y, end)
    mixture = fit_two(y, mu=sign * body.mu, sigma=body.sigma)
    if mixture is None:
        return None
    weight, mu, sigma = mixture
    rate = float(np.array([1.0 - weight, weight]) @ ndtr((mu - end) / sigma))
    return weight, _share(rate, MIXTURE, readings=y.size)


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


def _pareto(y: Floats, end: float) -> tuple[float, Interval]:
    threshold = float(np.quantile(y, 1.0 - _WORST))
    excess = y[y > threshold] - threshold
    share = excess.size / y.size
    if end <= threshold:
        rate = float(np.mean(y > end))
    else:
        from scipy.stats import genpareto  # half a second that few tails need

        shape, _, scale = genpareto.fit(excess, floc=0.0)
        rate = share * float(genpareto.sf(end - threshold, shape, scale=scale))
    return share, _share(rate, PARETO, readings=y.size)


def _share(rate: float, model: str, *, readings: int) -> Interval:
    least = 1.0 / readings
    if rate < least:
        return Interval(high=least, bound="upper", basis=model)
    return Interval(rate, basis=model)
