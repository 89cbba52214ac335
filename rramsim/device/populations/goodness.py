"""Does the lognormal hold? Its straightness, and the cells in the tail that makes the errors."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, log_ndtr, ndtr, ndtri

from rramsim import formatting as numbers
from rramsim.device.populations.fit import StateReadings
from rramsim.schema import ABOVE, BELOW, EXACT
from rramsim.statistics.design_effect import clusters_of, design_effect
from rramsim.statistics.lognormal import LognormalFit, UnfittableError, fit_lognormal
from rramsim.statistics.quantiles import normal_quantiles

LEVEL = 0.01
"""A state is said not to be lognormal, or to have a tail, below this p-value."""

SEED = 20190408
"""Seed of the simulated samples; the same readings always get the same p-value."""

TAIL_SIGMAS = 3.0
"""The tail begins this many sigmas of the body from its median."""

REPLICATES = 999
_FEWEST_REPLICATES = 199
_LEAST_EXACT = 20
# Above this many readings any data are found wanting: size is judged instead.
_LARGEST_TESTED = 100_000
_LARGEST_DEVIATION = 0.1
# Readings further than 5 % from either end of the population belong to its body.
_BODY_SIGMAS = float(ndtri(0.95))
_QUARTILE = float(ndtri(0.75))
# Fewer distinct values than this share of the readings: the instrument gave few digits.
_TIED = 0.5
# Readings simulated at a time.
_CHUNK = 1_000_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tail:
    """Readings beyond 3 sigmas of the body on the side that makes errors.

    Attributes
    ----------
    found : int
    expected : float
        Of a lognormal with the median and sigma of the body.
    readings : int
        Readings of which it is known whether they are beyond.
    p_value : float
        Probability of at least `found` if there is no other population: binomial, averaged
        over what the readings leave open of the body; where cells are read more than once, of
        both numbers over their design effect.
    """

    found: int
    expected: float
    readings: int
    p_value: float

    @property
    def share(self) -> float:
        """Share of the readings that the body cannot account for, at least 0."""
        return max(self.found - self.expected, 0.0) / self.readings


@dataclass(frozen=True, eq=False)
class Goodness:
    """Whether the readings of one state are lognormal.

    Attributes
    ----------
    verdict : str
        ``"holds"``, ``"tail"`` (another population in the tail that errs), ``"does not hold"``
        or ``"not tested"``.
    sentence : str
        The verdict in words, with its numbers.
    deficit : float
        1 - the correlation of the ordered ln R with their normal quantiles (PPCC); 0 on a
        straight line. NaN where not tested.
    p_value : float
        Of the deficit, from simulated samples with the same limits; NaN where not tested.
    anderson_darling : float
        A**2 (1 + 0.75/n + 2.25/n**2), 5 % point 0.752; NaN with any censored reading.
    largest_deviation : float
        Largest distance from the fitted line within 3 sigmas of the median, in sigmas.
    tail : Tail or None
        None where not tested.
    body : LognormalFit or None
        Fit of the readings within 5 % of either end, the others only as beyond.
    """

    verdict: str
    sentence: str
    deficit: float = math.nan
    p_value: float = math.nan
    anderson_darling: float = math.nan
    largest_deviation: float = math.nan
    tail: Tail | None = None
    body: LognormalFit | None = None


def goodness(state: StateReadings, *, is_hrs: bool, seed: int = SEED) -> Goodness:
    """Judge whether a lognormal describes the readings of one state.

    The statistic is the correlation of the points of the normal-quantile plot; its p-value
    comes from up to 999 samples of the fitted population cut at the same limits. The statistic
    does not change with mu and sigma, so the samples need no fit. Above 100,000 readings, where
    every real sample is rejected, the largest deviation from the line decides (0.1 sigma).

    Readings of the same cell go together, so where cells are read more than once the straightness
    is that of the first reading of each cell; the tail is counted in all of them.

    Parameters
    ----------
    state : StateReadings
    is_hrs : bool
        Whether the cells are in HRS, whose errors are made by its lower tail.
    seed : int
        Of the simulated samples (a number and not a generator, so that states of the same size
        share them).
    """
    fit = state.fit
    if fit is None:
        return Goodness(verdict="not tested", sentence="no lognormal was fitted.")
    if fit.exact < _LEAST_EXACT:
        return Goodness(
            verdict="not tested",
            sentence=f"{fit.exact} exact values are too few to test the lognormal.",
        )
    body = fit_body(state, fit)
    tail = count_tail(
        np.log(state.resistance),
        state.censoring,
        body,
        is_hrs=is_hrs,
        cell=state.cell if state.is_repeated else None,
    )
    found = replace(_straightness(state, fit, seed=seed), tail=tail, body=body)
    verdict, sentence = _verdict(found, state, is_hrs=is_hrs)
    return replace(found, verdict=verdict, sentence=sentence)


def _straightness(state: StateReadings, fit: LognormalFit, *, seed: int) -> Goodness:
    """Return how straight independent readings are, NaN of too few of them; no verdict yet."""
    tested = _independent(state)
    x, side = np.log(state.resistance[tested]), state.censoring[tested]
    z = normal_quantiles(state.resistance[tested], side)
    is_exact = (side == EXACT) & np.isfinite(z)
    if np.count_nonzero(side == EXACT) < _LEAST_EXACT:
        return Goodness(verdict="", sentence="")
    deficit = _deficit(x[is_exact], z[is_exact])
    return Goodness(
        verdict="",
        sentence="",
        deficit=deficit,
        p_value=_p_value(deficit, x, side, fit, seed=seed),
        anderson_darling=_anderson_darling(x) if is_exact.all() else math.nan,
        largest_deviation=_largest_deviation(x[is_exact], z[is_exact], fit),
    )


def _independent(state: StateReadings) -> NDArray[np.int_]:
    """Return which readings are tested: all, or the first of each cell where cells repeat."""
    if not state.is_repeated:
        return np.arange(state.resistance.size)
    return np.unique(clusters_of(state.cell), return_index=True)[1]


def fit_body(state: StateReadings, fit: LognormalFit) -> LognormalFit:
    """Fit the body of a population: the readings beyond 5 % at either end only as beyond.

    Where the body begins is taken from the quartiles, which a tail of stuck cells does not
    move; where a quartile is censored, from the fit of all readings.
    """
    x, side = np.log(state.resistance), state.censoring
    centre, spread = _middle(x, normal_quantiles(state.resistance, side), side, fit)
    low, high = centre - _BODY_SIGMAS * spread, centre + _BODY_SIGMAS * spread
    is_low = (x < low) & (side != ABOVE)
    is_high = (x > high) & (side != BELOW)
    side = np.where(is_low, BELOW, np.where(is_high, ABOVE, side))
    x = np.where(is_low, low, np.where(is_high, high, x))
    try:
        return fit_lognormal(np.exp(x), side, cell=state.cell)
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
    is_hrs: bool,
    cell: ArrayLike | None = None,
) -> Tail:
    """Count the readings beyond 3 sigmas of the body on the side that makes errors.

    Parameters
    ----------
    x, side : ndarray, shape (readings,)
        ln(R / ohm) and censoring. A censored reading counts where its limit decides.
    body : LognormalFit
    is_hrs : bool
        HRS errs in its lower tail, LRS in its upper one.
    cell : array_like, shape (readings,), optional
        Number of the cell, -1 where unknown: the test is that of as many readings as these are
        worth (`design_effect`). Default: each reading is of another cell.
    """
    sign = -1.0 if is_hrs else 1.0
    bound = body.mu + sign * TAIL_SIGMAS * body.sigma
    outward, inward = (BELOW, ABOVE) if is_hrs else (ABOVE, BELOW)
    is_out = sign * (x - bound) > 0
    beyond = is_out & (side != inward)
    open_side = (is_out & (side == inward)) | (~is_out & (side == outward))
    readings = x.size - int(np.count_nonzero(open_side))
    found = int(np.count_nonzero(beyond))
    effect = 1.0
    if cell is not None:
        known = ~open_side
        effect = design_effect(beyond[known], np.asarray(cell)[known], x[known])
    by_parameter = np.array([-1.0, bound])
    error = math.sqrt(by_parameter @ body.covariance @ by_parameter)
    nodes, weights = np.polynomial.hermite_e.hermegauss(31)
    shares = ndtr(-(TAIL_SIGMAS + error * nodes))
    p_value = weights @ _at_least(found / effect, readings / effect, shares) / weights.sum()
    return Tail(
        found=found,
        expected=readings * float(ndtr(-TAIL_SIGMAS)),
        readings=readings,
        p_value=float(p_value),
    )


def _at_least(found: float, readings: float, shares: Floats) -> Floats:
    """Return the binomial probability of at least `found`, for counts that need not be whole."""
    if found == 0.0:
        return np.ones_like(shares)
    at_least: Floats = betainc(found, readings - found + 1.0, shares)
    return at_least


def _deficit(x: Floats, z: Floats) -> float:
    x, z = x - x.mean(), z - z.mean()
    return 1.0 - float(x @ z / math.sqrt((x @ x) * (z @ z)))


def _p_value(
    deficit: float, x: Floats, side: NDArray[np.int_], fit: LognormalFit, *, seed: int
) -> float:
    if x.size > _LARGEST_TESTED:
        return math.nan
    replicates = min(max(10_000_000 // x.size, _FEWEST_REPLICATES), REPLICATES)
    standard = (x - fit.mu) / fit.sigma
    below, above = standard[side == BELOW], standard[side == ABOVE]
    low = float(below.min()) if below.size else -math.inf
    high = float(above.max()) if above.size else math.inf
    exact = standard[side == EXACT]
    is_single = np.ptp(below) == 0 if below.size else True
    is_single &= np.ptp(above) == 0 if above.size else True
    if is_single and low < exact.min() and exact.max() < high:
        null = _null_deficits(x.size, low=low, high=high, replicates=replicates, seed=seed)
    else:
        null = _null_with_many_limits(standard, side, replicates=replicates, seed=seed)
    return float((1 + np.count_nonzero(null >= deficit)) / (1 + null.size))


@functools.lru_cache(maxsize=64)
def _null_deficits(n: int, *, low: float, high: float, replicates: int, seed: int) -> Floats:
    """Return the deficits of normal samples of n readings cut at one limit on either side."""
    rng = np.random.Generator(np.random.Philox(seed))
    scores = ndtri((np.arange(n) + 0.5) / n)
    rows = max(_CHUNK // n, 1)
    parts = []
    for start in range(0, replicates, rows):
        x = np.sort(rng.standard_normal((min(rows, replicates - start), n)), axis=1)
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
    standard: Floats, side: NDArray[np.int_], *, replicates: int, seed: int
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
    for _ in range(replicates):
        x = rng.standard_normal(standard.size)
        drawn = np.where(x < low, BELOW, np.where(x > high, ABOVE, EXACT))
        x = np.clip(x, low, high)
        # Positions take resistances; their order is all that matters.
        z = normal_quantiles(np.exp(x), drawn)
        known = (drawn == EXACT) & np.isfinite(z)
        if np.count_nonzero(known) >= 3:
            deficits.append(_deficit(x[known], z[known]))
    return np.array(deficits)


def _anderson_darling(x: Floats) -> float:
    """Return A**2 (1 + 0.75/n + 2.25/n**2) for a normal with estimated mean and sigma [1]_.

    .. [1] R. B. D'Agostino and M. A. Stephens, "Goodness-of-Fit Techniques" (1986), table 4.7.
    """
    n = x.size
    z = np.sort((x - x.mean()) / x.std(ddof=1))
    weight = 2.0 * np.arange(1, n + 1) - 1.0
    square = -n - float(weight @ (log_ndtr(z) + log_ndtr(-z[::-1]))) / n
    return square * (1.0 + 0.75 / n + 2.25 / n**2)


def _largest_deviation(x: Floats, z: Floats, fit: LognormalFit) -> float:
    inside = abs(z) <= TAIL_SIGMAS
    return float(np.max(abs((x - fit.mu) / fit.sigma - z)[inside], initial=0.0))


def _verdict(found: Goodness, state: StateReadings, *, is_hrs: bool) -> tuple[str, str]:
    name = "HRS" if is_hrs else "LRS"
    assert found.tail is not None
    tail = found.tail
    if tail.p_value < LEVEL:
        return "tail", (
            f"tail: {numbers.percent(tail.share, 1)} of {name} {state.unit} belong to another "
            f"population ({tail.found:,} found beyond 3 sigma of the body, "
            f"{numbers.plain(tail.expected, 2)} expected, p = {numbers.power(tail.p_value)})."
        )
    tested = _independent(state)
    exact = state.resistance[tested][state.censoring[tested] == EXACT]
    no_excess = "no excess in the tail that errs."
    if math.isnan(found.deficit):
        return "not tested", (
            f"exact values of {exact.size:,} cells are too few to test the lognormal; {no_excess}"
        )
    distinct = np.unique(exact).size
    if distinct < _TIED * exact.size:
        return "not tested", (
            f"only {distinct:,} different values among {exact.size:,}: too few digits to test the "
            f"lognormal; {no_excess}"
        )
    straightness = f"1 - PPCC = {numbers.power(found.deficit)}"
    if math.isnan(found.p_value):
        fails = found.largest_deviation > _LARGEST_DEVIATION
        straightness += f", at most {numbers.plain(found.largest_deviation, 2)} sigma off the line"
    else:
        fails = found.p_value < LEVEL
        straightness += f", p = {numbers.plain(found.p_value, 2)}"
    if state.is_repeated:
        straightness = f"the first reading of each of {tested.size:,} cells: {straightness}"
    if fails:
        return "does not hold", f"the lognormal does not hold ({straightness})."
    reach = numbers.plain(float(ndtri(1.0 - 1.0 / tested.size)), 2)
    return "holds", f"the lognormal holds to z = {reach} ({straightness})."
