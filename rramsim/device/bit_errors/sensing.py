"""Bit-error rate of lognormal populations read against a reference (1T1R) or a pair (2T2R).

Resistances enter as natural logarithms of ohm. A cell is read as HRS where its resistance is
above the reference. Everything is kept as ln(BER), so tails of tens of sigmas do not underflow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp

from rramsim.schema import ABOVE, BELOW
from rramsim.statistics.confidence import NORMAL_END, standard_errors
from rramsim.statistics.likelihood import Grouped, group, log_likelihood, maximise, slopes


@dataclass(frozen=True)
class StatePair:
    """The lognormal populations of one condition: mean and spread of ln(R / ohm) by state."""

    mu_lrs: float
    sigma_lrs: float
    mu_hrs: float
    sigma_hrs: float

    def seen_through(self, spread: float) -> StatePair:
        """Return the populations as a reference sees them that itself varies by `spread`.

        A reference (or an offset of the sense amplifier) that is normal in ln(ohm) with this
        deviation adds to both spreads: sigma**2 + spread**2.
        """
        return StatePair(
            self.mu_lrs,
            math.hypot(self.sigma_lrs, spread),
            self.mu_hrs,
            math.hypot(self.sigma_hrs, spread),
        )


def z_scores(ln_reference: float, states: StatePair) -> tuple[float, float]:
    """Return how many sigmas the reference is above the LRS and below the HRS median."""
    z_lrs = (ln_reference - states.mu_lrs) / states.sigma_lrs
    z_hrs = (states.mu_hrs - ln_reference) / states.sigma_hrs
    return z_lrs, z_hrs


def log_misread_rates(ln_reference: float, states: StatePair) -> tuple[float, float]:
    """Return ln of the share of LRS cells read as HRS, and of HRS cells read as LRS.

    p_LRS = Q(z_LRS) and p_HRS = Q(z_HRS), with Q the upper tail of the normal distribution.
    """
    z_lrs, z_hrs = z_scores(ln_reference, states)
    return float(log_ndtr(-z_lrs)), float(log_ndtr(-z_hrs))


def log_bit_error_rate(ln_reference: float, states: StatePair, *, lrs_share: float = 0.5) -> float:
    """Return ln(BER) of a 1T1R read, BER = w p_LRS + (1 - w) p_HRS.

    Parameters
    ----------
    ln_reference : float
        ln(reference / ohm).
    states : StatePair
    lrs_share : float
        Share w of the cells in use that are in LRS, above 0 and below 1.
    """
    log_lrs, log_hrs = log_misread_rates(ln_reference, states)
    return float(np.logaddexp(math.log(lrs_share) + log_lrs, math.log1p(-lrs_share) + log_hrs))


def log_bit_error_rate_2t2r(
    states: StatePair, *, offset_spread: float = 0.0, pair_correlation: float = 0.0
) -> float:
    """Return ln(BER) of a 2T2R read: two cells in opposite states, compared with each other.

    BER = Q((mu_HRS - mu_LRS) / s), s**2 = sigma_LRS**2 + sigma_HRS**2 -
    2 rho sigma_LRS sigma_HRS + offset_spread**2, no reference, and the same whichever share of
    bits is stored as 0. For equal spreads and independent cells it is as good as a 1T1R cell
    with sqrt(2) times the separation.

    Parameters
    ----------
    states : StatePair
    offset_spread : float
        Standard deviation of the sense amplifier's offset, in units of ln(R).
    pair_correlation : float
        Correlation rho of ln(R) of the two cells of a bit.

    Examples
    --------
    >>> round(math.exp(log_bit_error_rate_2t2r(StatePair(0.0, 1.0, 3.0, 1.0))), 5)
    0.01695
    """
    together = 2.0 * pair_correlation * states.sigma_lrs * states.sigma_hrs
    spread = math.sqrt(states.sigma_lrs**2 + states.sigma_hrs**2 - together + offset_spread**2)
    return float(log_ndtr(-(states.mu_hrs - states.mu_lrs) / spread))


def best_reference(states: StatePair, *, lrs_share: float = 0.5) -> tuple[float, bool]:
    """Return the reference between the two medians with the least BER, as ln(ohm).

    It is where w f_LRS = (1 - w) f_HRS. The root is bracketed on the logarithms of the densities:
    the quadratic formula for it loses its digits where the spreads are almost equal.

    Returns
    -------
    ln_reference : float
        ln(reference / ohm).
    is_crossing : bool
        False where the densities do not cross once between the medians (very unequal spreads or
        shares, or overlapping states) and a bounded search gives the least BER there.

    Raises
    ------
    ValueError
        If the LRS median is not below the HRS median.
    """
    if not states.mu_lrs < states.mu_hrs:
        raise ValueError("the LRS median must be below the HRS median")

    from scipy.optimize import brentq, minimize_scalar  # not needed where rates are stated

    def log_ratio(ln_reference: float) -> float:
        z_lrs, z_hrs = z_scores(ln_reference, states)
        lrs = math.log(lrs_share / states.sigma_lrs) - z_lrs**2 / 2.0
        hrs = math.log((1.0 - lrs_share) / states.sigma_hrs) - z_hrs**2 / 2.0
        return lrs - hrs

    low, high = states.mu_lrs, states.mu_hrs
    if log_ratio(low) > 0.0 > log_ratio(high):
        return float(brentq(log_ratio, low, high)), True
    least: Any = minimize_scalar(
        lambda ln_reference: log_bit_error_rate(ln_reference, states, lrs_share=lrs_share),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(least.x), False


def log_bit_error_rate_interval(
    ln_reference: float,
    states: StatePair,
    *,
    covariance_lrs: NDArray[np.float64],
    covariance_hrs: NDArray[np.float64],
    lrs_share: float = 0.5,
    reference_spread: float = 0.0,
    degrees_of_freedom: float = math.inf,
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of ln(BER), by the delta method on the probit scale.

    With y = -probit(BER), and z = h r - g linear in the fitted parameters g = mu/sigma and
    h = 1/sigma, the ends are Q(y -+ 1.96 se) with
    se**2 = sum over states of (w phi(z) / phi(y))**2 Var z. The reference is taken as given: one
    that was chosen on the same cells flatters them (`rramsim.device.bit_errors.left_open`).

    Parameters
    ----------
    ln_reference : float
        ln(reference / ohm).
    states : StatePair
    covariance_lrs, covariance_hrs : ndarray, shape (2, 2)
        Covariance of the estimates of (g, h) of each state.
    lrs_share : float
        Share of the cells in use that are in LRS.
    reference_spread : float
        Standard deviation of ln(reference) from read to read or array to array.
    degrees_of_freedom : float
        Of the covariances, for Student's t: see `standard_errors`.
    """
    seen = states.seen_through(reference_spread)
    y = -float(ndtri_exp(log_bit_error_rate(ln_reference, seen, lrs_share=lrs_share)))
    variance = 0.0
    for share, z, mu, sigma, covariance in zip(
        (lrs_share, 1.0 - lrs_share),
        z_scores(ln_reference, seen),
        (states.mu_lrs, states.mu_hrs),
        (states.sigma_lrs, states.sigma_hrs),
        (covariance_lrs, covariance_hrs),
        strict=True,
    ):
        weight = share * math.exp((y * y - z * z) / 2.0)
        by_parameter = _score_slopes(ln_reference, mu=mu, sigma=sigma, spread=reference_spread)
        variance += weight**2 * float(by_parameter @ covariance @ by_parameter)
    return _ends(y, math.sqrt(variance), degrees_of_freedom)


def log_bit_error_rate_interval_of_scores(
    ln_reference: float,
    states: StatePair,
    *,
    lrs: tuple[float, float],
    hrs: tuple[float, float],
    lrs_share: float = 0.5,
    reference_spread: float = 0.0,
    correlation: float = 0.0,
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of ln(BER) from those of the distances of both states.

    On the probit scale, y = -probit(BER), the distance of an end from the estimate is
    d**2 = sum over states of (w phi(z) / phi(y) d_z)**2 with d_z the distance of the end of z from
    its estimate (Zou and Donner's "method of variance estimates recovery" [1]_): the delta method
    with each end in place of the standard error, so that ends that are not equally far stay so.

    Parameters
    ----------
    ln_reference : float
        ln(reference / ohm).
    states : StatePair
    lrs, hrs : tuple of float
        Ends of the interval of z of each state: how many sigmas, its own and the reference's
        together, the reference is above the LRS and below the HRS median.
    lrs_share : float
        Share of the cells in use that are in LRS.
    reference_spread : float
        Standard deviation of ln(reference) from read to read or array to array.
    correlation : float
        Of the two estimates of z, where the same cells were read in both states.

    References
    ----------
    .. [1] G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008) 1693-1702.
    """
    seen = states.seen_through(reference_spread)
    y = -float(ndtri_exp(log_bit_error_rate(ln_reference, seen, lrs_share=lrs_share)))
    ends = []
    for end in (1, 0):
        off = [
            share * math.exp((y * y - z * z) / 2.0) * abs(both[end] - z)
            for share, z, both in zip(
                (lrs_share, 1.0 - lrs_share), z_scores(ln_reference, seen), (lrs, hrs), strict=True
            )
        ]
        reach = math.sqrt(off[0] ** 2 + off[1] ** 2 + 2.0 * correlation * off[0] * off[1])
        ends.append(float(log_ndtr(-(y + reach if end else y - reach))))
    return ends[0], ends[1]


def _score_slopes(
    ln_reference: float, *, mu: float, sigma: float, spread: float
) -> NDArray[np.float64]:
    """Return the slopes by (g, h) of z = (r - mu) / sqrt(sigma**2 + spread**2).

    Without spread they are (-1, r).
    """
    seen = math.hypot(sigma, spread)
    by_sigma = -(ln_reference - mu) * sigma / seen**3
    return _by_g_and_h(-1.0 / seen, by_sigma, mu=mu, sigma=sigma)


def _by_g_and_h(by_mu: float, by_sigma: float, *, mu: float, sigma: float) -> NDArray[np.float64]:
    """Turn slopes by (mu, sigma) into slopes by (g, h); mu = g/h and sigma = 1/h."""
    return np.array([by_mu * sigma, -by_mu * mu * sigma - by_sigma * sigma**2])


def _ends(y: float, error: float, degrees_of_freedom: float) -> tuple[float, float]:
    half_width = standard_errors(degrees_of_freedom) * error
    return float(log_ndtr(-(y + half_width))), float(log_ndtr(-(y - half_width)))


_MOST_STEPS = 100
_CONVERGED = 1e-16

# Half of the chi-square (1 degree of freedom) that 95 % do not exceed.
_DROP = NORMAL_END**2 / 2.0


Floats = NDArray[np.float64]


class _Profile:
    """The likelihood of one state as a function of g = (mu - ln reference) / sigma alone."""

    def __init__(self, x: Floats, censoring: NDArray[np.int_], ln_reference: float) -> None:
        # With ln R counted from the reference, g is the distance to it in sigmas.
        y = x - ln_reference
        scale = float(np.std(y[censoring == 0])) or 1.0
        y = y / scale
        self._readings: Grouped = group(
            np.where(censoring == BELOW, -np.inf, y), np.where(censoring == ABOVE, np.inf, y)
        )
        middle = self._readings.mean
        self.g, self._h, _ = maximise(self._readings, g=middle, h=1.0)
        self._most = log_likelihood(self._readings, self.g, self._h)

    def drop(self, g: float) -> float:
        """Return by how much the likelihood's logarithm falls, at best, with g fixed."""
        h = self._h
        value = log_likelihood(self._readings, g, h)
        # Squares as large as g**2 cancel in the sum: that must not look like a step downhill.
        rounding = 1e-12 + 1e-14 * self._readings.exact * g**2
        for _ in range(_MOST_STEPS):
            gradient, information = slopes(self._readings, g, h)
            step = float(gradient[1] / information[1, 1])
            if step * gradient[1] < _CONVERGED:
                break
            least = value - rounding
            while h + step <= 0 or log_likelihood(self._readings, g, h + step) < least:
                step /= 2.0
            h += step
            value = log_likelihood(self._readings, g, h)
        return self._most - value

    def end(self, drop: float, *, towards: int) -> float:
        """Return the g on one side of its estimate where the likelihood has fallen by `drop`."""
        from scipy.optimize import brentq

        if drop <= 0.0:
            return self.g
        reach = 1.0
        while self.drop(self.g + towards * reach) < drop:
            reach *= 2.0
        return (
            float(
                brentq(
                    lambda away: self.drop(self.g + towards * away) - drop, 0.0, reach, xtol=1e-9
                )
            )
            * towards
            + self.g
        )


def log_bit_error_rate_profile(
    ln_reference: float,
    *,
    lrs: tuple[Floats, NDArray[np.int_]],
    hrs: tuple[Floats, NDArray[np.int_]],
    lrs_share: float = 0.5,
) -> tuple[float, float]:
    """Return the ends of the 95 % profile-likelihood interval of ln(BER) at one reference.

    The interval holds every BER that some pair of populations gives whose joint likelihood is
    within chi-square's 3.84 / 2 of the highest. The profile of each state in its distance to
    the reference is concave and the BER grows with both distances, so the ends are on the
    boundary: the drop is split between the states as is worst (and best) for the BER.

    Parameters
    ----------
    ln_reference : float
        ln(reference / ohm).
    lrs, hrs : tuple of (ndarray, ndarray)
        ln(R / ohm) and censoring of the readings, each of shape (readings,).
    lrs_share : float
        Share of the cells in use that are in LRS.
    """
    profiles = [_Profile(*state, ln_reference) for state in (lrs, hrs)]
    log_shares = (math.log(lrs_share), math.log1p(-lrs_share))

    def log_ber(split: float, *, worse: bool) -> float:
        sign = 1 if worse else -1
        g_lrs = profiles[0].end(_DROP * split, towards=sign)
        g_hrs = profiles[1].end(_DROP * (1.0 - split), towards=-sign)
        # z_LRS = -g_LRS and z_HRS = g_HRS, and an error is beyond z.
        return float(
            np.logaddexp(log_shares[0] + log_ndtr(g_lrs), log_shares[1] + log_ndtr(-g_hrs))
        )

    high = _extreme(lambda split: -log_ber(split, worse=True))
    low = _extreme(lambda split: log_ber(split, worse=False))
    return low, -high


def _extreme(value: Callable[[float], float]) -> float:
    """Return the least of a function of the split, ends included."""
    from scipy.optimize import minimize_scalar

    least = minimize_scalar(value, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-3})
    return min(float(least.fun), value(0.0), value(1.0))
