"""How straight the points of a normal-quantile plot lie, and how likely that is by chance.

Readings of one cluster (the cycles of one cell) go together, and a plot of few clusters is bent by
chance more than one of as many independent readings. So the samples that it is compared with have
clusters of the same sizes whose readings go together as strongly: a normal mean of each cluster,
and around it readings that follow each other as a first-order autoregression.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, log_ndtr, ndtri

from rramsim.statistics.design_effect import MOST_FOLLOWING, Dependence, dependence
from rramsim.statistics.lognormal import LognormalFit
from rramsim.statistics.quantiles import normal_quantiles
from rramsim.statistics.readings import ABOVE, BELOW, EXACT

LARGEST_TESTED = 100_000
"""Above this many readings any data are found wanting, and no p-value is given."""

REPLICATES = 999
_FEWEST_REPLICATES = 199
# Deviations are looked for within this many sigmas of the median.
_WITHIN_SIGMAS = 3.0
# Readings simulated at a time.
_CHUNK = 1_000_000

Floats = NDArray[np.float64]
Groups = NDArray[np.int_]


def ppcc_deficit(x: Floats, z: Floats) -> float:
    """Return 1 - the correlation of x with its normal quantiles z: 0 on a straight line."""
    x, z = x - x.mean(), z - z.mean()
    return 1.0 - float(x @ z / math.sqrt((x @ x) * (z @ z)))


def without_ties(x: Floats, z: Floats) -> Floats:
    """Return the normal quantiles z with equal values of x all at the mean of theirs.

    Digits that an instrument rounds away then bend no line.
    """
    _, value, count = np.unique(x, return_inverse=True, return_counts=True)
    mean: Floats = (np.bincount(value, weights=z) / count)[value]
    return mean


def deficit_p_value(
    deficit: float,
    x: Floats,
    side: Groups,
    fit: LognormalFit,
    *,
    seed: int,
    cluster: Groups | None = None,
) -> float:
    """Return how often a normal sample with the same limits is at least as far from straight.

    The statistic does not change with mu and sigma, so the up to 999 samples need no fit. Of
    readings in clusters, the samples have clusters of the same sizes, and `dependence` as that of
    the readings, a censored one taken at its limit.

    Parameters
    ----------
    deficit : float
        As `ppcc_deficit` gives it for the readings.
    x, side : ndarray, shape (readings,)
        Logarithms and censoring.
    fit : LognormalFit
        Of the readings.
    seed : int
        Of the simulated samples; samples of the same size share them.
    cluster : ndarray, shape (readings,), optional
        From 0, ascending, and the readings of a cluster in their order in time. Default: the
        readings are independent.

    Returns
    -------
    float
        NaN above 100,000 readings.
    """
    if x.size > LARGEST_TESTED:
        return math.nan
    replicates = min(max(10_000_000 // x.size, _FEWEST_REPLICATES), REPLICATES)
    standard = (x - fit.mu) / fit.sigma
    below, above = standard[side == BELOW], standard[side == ABOVE]
    low = float(below.min()) if below.size else -math.inf
    high = float(above.max()) if above.size else math.inf
    exact = standard[side == EXACT]
    is_single = np.ptp(below) == 0 if below.size else True
    is_single &= np.ptp(above) == 0 if above.size else True
    samples = _Samples(x.size)
    if cluster is not None:
        samples = _Samples(
            x.size, np.bincount(cluster).tobytes(), _latent(standard, side, cluster, low, high)
        )
    if is_single and low < exact.min() and exact.max() < high:
        null = _null_deficits(samples, low=low, high=high, replicates=replicates, seed=seed)
    else:
        null = _null_with_many_limits(samples, standard, side, replicates=replicates, seed=seed)
    return float((1 + np.count_nonzero(null >= deficit)) / (1 + null.size))


_INDEPENDENT = Dependence(0.0, 0.0)


@dataclass(frozen=True)
class _Samples:
    """What normal samples of `size` readings are drawn as: independent, or in clusters.

    `reads` are the bytes of the sizes of the clusters, so that equal samples are equal.
    """

    size: int
    reads: bytes = b""
    dependence: Dependence = _INDEPENDENT

    def draw(self, rng: np.random.Generator, rows: int) -> Floats:
        """Return so many samples, shape (rows, size)."""
        if not self.reads:
            return rng.standard_normal((rows, self.size))
        reads = np.frombuffer(self.reads, dtype=int)
        between, following = self.dependence.between, self.dependence.following
        of_cluster = rng.standard_normal((reads.size, rows))
        x = rng.standard_normal((self.size, rows))
        if following:
            first = np.cumsum(reads) - reads
            for step in range(1, int(reads.max())):
                place = first[reads > step] + step
                x[place] = following * x[place - 1] + math.sqrt(1.0 - following**2) * x[place]
        if between:
            x *= math.sqrt(1.0 - between)
            x += math.sqrt(between) * of_cluster.repeat(reads, axis=0)
        return np.ascontiguousarray(x.T)


# Coefficients of Hermite polynomials that describe a cut normal closely enough.
_HERMITE = 25


def _latent(x: Floats, side: Groups, cluster: Groups, low: float, high: float) -> Dependence:
    """Return the dependence of readings of which some are known only to be beyond a limit.

    Readings cut at a limit go together less than they do uncut: of a correlation r of normal
    values is left sum over k of c_k**2 r**k / k!, with c_k the coefficients of Hermite's
    polynomials of the cut (Mehler's formula). That is inverted.
    """
    found = dependence(x, cluster)
    if not np.any(side != EXACT):
        return found
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    orders = np.arange(1, _HERMITE)
    polynomials = np.polynomial.hermite_e.hermevander(nodes, _HERMITE - 1)[:, 1:]
    coefficients = (weights * np.clip(nodes, low, high)) @ polynomials / math.sqrt(2.0 * math.pi)
    parts = coefficients**2 / gamma(orders + 1.0)
    grid = np.linspace(0.0, 1.0, 501)
    left = (grid[:, None] ** orders) @ parts / parts.sum()
    between = float(np.interp(found.between, left, grid))
    next_one = found.between + (1.0 - found.between) * found.following
    following = (float(np.interp(next_one, left, grid)) - between) / max(1.0 - between, 1e-9)
    return Dependence(between, min(max(following, 0.0), MOST_FOLLOWING))


@functools.lru_cache(maxsize=64)
def _null_deficits(
    samples: _Samples, *, low: float, high: float, replicates: int, seed: int
) -> Floats:
    """Return the deficits of normal samples cut at one limit on either side."""
    rng = np.random.Generator(np.random.Philox(seed))
    n = samples.size
    scores = ndtri((np.arange(n) + 0.5) / n)
    rows = max(_CHUNK // n, 1)
    parts = []
    for start in range(0, replicates, rows):
        x = np.sort(samples.draw(rng, min(rows, replicates - start)), axis=1)
        is_exact = (x > low) & (x < high)
        parts.append(_deficits_of_rows(x, scores, is_exact))
    return np.concatenate(parts)


def _deficits_of_rows(x: Floats, scores: Floats, is_exact: NDArray[np.bool_]) -> Floats:
    count = is_exact.sum(axis=1)
    x = np.where(is_exact, x, 0.0)
    mean_x, mean_z = x.sum(axis=1) / count, is_exact @ scores / count
    xx = np.einsum("ij,ij->i", x, x) - count * mean_x**2
    zz = is_exact @ scores**2 - count * mean_z**2
    xz = x @ scores - count * mean_x * mean_z
    deficits: Floats = 1.0 - xz / np.sqrt(xx * zz)
    known: Floats = deficits[count >= 3]
    return known


def _null_with_many_limits(
    samples: _Samples, standard: Floats, side: Groups, *, replicates: int, seed: int
) -> Floats:
    """Return the deficits of samples whose readings have the limits of these readings.

    The limit of a reading that was exact is not known: it is taken to be the widest one.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    widest_low = standard[side == BELOW].min(initial=math.inf)
    widest_high = standard[side == ABOVE].max(initial=-math.inf)
    exact = standard[side == EXACT]
    low = np.where(side == BELOW, standard, min(widest_low, exact.min()))
    high = np.where(side == ABOVE, standard, max(widest_high, exact.max()))
    low = low if np.any(side == BELOW) else np.full(standard.size, -math.inf)
    high = high if np.any(side == ABOVE) else np.full(standard.size, math.inf)
    deficits = []
    rows = max(_CHUNK // samples.size, 1)
    drawn_at_once = (
        samples.draw(rng, min(rows, replicates - start)) for start in range(0, replicates, rows)
    )
    for x in (row for rows_drawn in drawn_at_once for row in rows_drawn):
        drawn = np.where(x < low, BELOW, np.where(x > high, ABOVE, EXACT))
        cut = np.clip(x, low, high)
        # Quantiles take positive values; their order is all that matters.
        z = normal_quantiles(np.exp(cut), drawn)
        known = (drawn == EXACT) & np.isfinite(z)
        if np.count_nonzero(known) >= 3:
            deficits.append(ppcc_deficit(cut[known], z[known]))
    return np.array(deficits)


def anderson_darling(x: Floats) -> float:
    """Return A**2 (1 + 0.75/n + 2.25/n**2) for a normal with estimated mean and sigma [1]_.

    .. [1] R. B. D'Agostino and M. A. Stephens, "Goodness-of-Fit Techniques" (1986), table 4.7.
    """
    n = x.size
    z = np.sort((x - x.mean()) / x.std(ddof=1))
    weight = 2.0 * np.arange(1, n + 1) - 1.0
    square = -n - float(weight @ (log_ndtr(z) + log_ndtr(-z[::-1]))) / n
    return square * (1.0 + 0.75 / n + 2.25 / n**2)


def largest_deviation(x: Floats, z: Floats, fit: LognormalFit) -> float:
    """Return the largest distance from the fitted line within 3 sigmas, in sigmas."""
    inside = abs(z) <= _WITHIN_SIGMAS
    return float(np.max(abs((x - fit.mu) / fit.sigma - z)[inside], initial=0.0))


@dataclass(frozen=True)
class Gap:
    """A stretch beside a limit in which no reading is known to lie.

    Attributes
    ----------
    start, end : float
        The reading next to the limit, and the limit, as the readings are given.
    p_value : float
        Probability that so many readings all stay out of it.
    """

    start: float
    end: float
    p_value: float

    @property
    def width(self) -> float:
        """How wide it is."""
        return abs(self.end - self.start)


# So many equal readings at an end, and so many times as many as at the number next to it, are where
# the range ends. Readings that are rounded have ties as well, but fewer towards an end.
_PILE, _OVER_NEIGHBOUR = 3, 3


def gap_beside_limit(x: Floats, side: Groups, fit: LognormalFit) -> Gap | None:
    """Return the least likely of the gaps beside upper and lower limits, None without a limit.

    Limits are the numbers that readings are known to be above, and the largest reading where three
    or more are equal to it, and three times as many as to the next; and the same below. Two
    probabilities are computed with the fitted law F, for as many readings as these are worth:

    - Of k exact readings below the lowest limit L the largest is at most x: (F(x) / F(L))**k.
    - The readings beyond the largest exact one, x, are all beyond their own limits L: the product
      of (1 - F(L)) / (1 - F(x)). It does not matter in which range the exact readings were read,
      and a limit at x hides none that is further out.

    Of readings that are rounded x is a step higher, the least difference between any two: what lay
    between is read as one of the ends.

    Parameters
    ----------
    x : ndarray, shape (readings,)
        ln R, or the limit it is beyond.
    side : ndarray, shape (readings,)
        -1: at most the number, 0: exact, +1: at least the number.
    fit : LognormalFit
    """
    step = np.diff(np.unique(np.exp(x))).min(initial=math.inf)
    step = step if math.isfinite(step) else 0.0
    gaps = []
    for sign, code in ((1.0, ABOVE), (-1.0, BELOW)):
        exact, limits = _exact_and_limits(sign * x, side, code)
        end = _End(exact, limits, fit=fit, sign=sign, step=step)
        gaps += [gap for gap in (end.below_the_lowest(), end.beyond_the_readings()) if gap]
    return min(gaps, key=lambda gap: gap.p_value, default=None)


def _exact_and_limits(y: Floats, side: Groups, code: int) -> tuple[Floats, Floats]:
    """Return the exact readings, and the numbers that readings are known to be above."""
    exact, limits = y[side == EXACT], y[side == code]
    values, counts = np.unique(exact, return_counts=True)
    neighbour = counts[-2] if counts.size > 1 else 0
    if counts.size and counts[-1] >= max(_PILE, _OVER_NEIGHBOUR * neighbour):
        is_pile = exact == values[-1]
        exact, limits = exact[~is_pile], np.append(limits, exact[is_pile])
    return exact, limits


@dataclass(frozen=True)
class _End:
    """The upper end of the readings, or the lower one mirrored, so that both ascend outwards.

    `sign` is -1 where they are mirrored, `step` the least difference of two readings in ohm.
    """

    exact: Floats
    limits: Floats
    fit: LognormalFit
    sign: float
    step: float

    def below_the_lowest(self) -> Gap | None:
        """Return the gap below the lowest limit that has exact readings below it."""
        limits = self.limits[self.limits > self.exact.min(initial=math.inf)]
        if not limits.size:
            return None
        limit = limits.min(keepdims=True)
        inside = self.exact[self.exact < limit]
        nearest = float(inside.max())
        share = log_ndtr(self._z(self._edge(nearest, limit))) - log_ndtr(self._z(limit))
        return self._gap(nearest, limit, inside.size * share)

    def beyond_the_readings(self) -> Gap | None:
        """Return the gap beyond the largest exact reading, up to the furthest limit."""
        nearest = float(self.exact.max(initial=-math.inf))
        limits = self.limits[self.limits > nearest]
        if not (self.exact.size and limits.size):
            return None
        shares = log_ndtr(-self._z(limits)) - log_ndtr(-self._z(self._edge(nearest, limits)))
        return self._gap(nearest, limits, shares)

    def _gap(self, nearest: float, limits: Floats, log_shares: Floats) -> Gap:
        worth = min(1.0, self.fit.effective_readings / self.fit.readings)
        chance = math.exp(worth * float(log_shares.sum()))
        return Gap(self.sign * nearest, self.sign * float(limits.max()), chance)

    def _edge(self, nearest: float, limits: Floats) -> Floats:
        """Return where the reading next to the limits ends, with its step."""
        ohm = math.exp(self.sign * nearest) + self.sign * self.step
        edge = self.sign * math.log(ohm) if ohm > 0.0 else math.inf
        return np.minimum(edge, limits)

    def _z(self, y: Floats) -> Floats:
        z: Floats = (y - self.sign * self.fit.mu) / self.fit.sigma
        return z
