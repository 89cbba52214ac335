"""Profile-likelihood interval of the fitted BER, for samples too small for the delta method."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_ndtr

from rramsim.statistics.likelihood import Grouped, group, log_likelihood, maximise, slopes
from rramsim.device.bit_errors.sensing import NORMAL_END
from rramsim.schema import ABOVE, BELOW

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
        for _ in range(_MOST_STEPS):
            gradient, information = slopes(self._readings, g, h)
            step = float(gradient[1] / information[1, 1])
            if step * gradient[1] < _CONVERGED:
                break
            while h + step <= 0 or log_likelihood(self._readings, g, h + step) < value - 1e-12:
                step /= 2.0
            h += step
            value = log_likelihood(self._readings, g, h)
        return self._most - value

    def end(self, drop: float, *, towards: int) -> float:
        """Return the g on one side of its estimate where the likelihood has fallen by `drop`."""
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
    found = minimize_scalar(value, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-3})
    return min(float(found.fun), value(0.0), value(1.0))
