"""The BERs that fits leave open: those of all the populations that the readings leave open.

A BER at a reference that was chosen on the same cells is flattered by the choice: the sample that
happens to look narrow gets a reference close to it. The populations that a sample leaves open
do not depend on what is asked of them, so their BERs at that reference allow for it. For one
state their percentiles are those of the noncentral t law.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from rramsim.statistics.confidence import CONFIDENCE, populations_left_open
from rramsim.statistics.lognormal import LognormalFit
from rramsim.statistics.variance_components import populations_of_parts

Floats = NDArray[np.float64]

_NONE = (math.nan, math.nan, math.nan)
_PERCENTILES = ((1.0 - CONFIDENCE) / 2.0, 0.5, (1.0 + CONFIDENCE) / 2.0)


def log_rates_left_open(
    ln_reference: float,
    lrs: LognormalFit,
    hrs: LognormalFit,
    *,
    lrs_share: float = 0.5,
    reference_spread: float = 0.0,
    shared: float = 0.0,
) -> tuple[float, float, float]:
    """Return lower end, median and upper end of ln(BER) of a 1T1R read, 95 % between the ends.

    Parameters
    ----------
    ln_reference : float
        ln(reference / ohm), given or chosen.
    lrs, hrs : LognormalFit
        Fits of both states.
    lrs_share : float
        Share of the cells in use that are in LRS.
    reference_spread : float
        Standard deviation of ln(reference) from read to read or array to array.
    shared : float
        Correlation of ln R in LRS and in HRS from cell to cell, where the same cells were read
        more than once in both.

    Returns
    -------
    low, median, high : float
        NaN where the readings of a state go together in a way that gives no interval.
    """
    if _is_open(lrs, hrs):
        return _NONE
    (mu_lrs, sigma_lrs), (mu_hrs, sigma_hrs) = _populations(lrs, hrs, shared=shared)
    z_lrs = (ln_reference - mu_lrs) / np.hypot(sigma_lrs, reference_spread)
    z_hrs = (mu_hrs - ln_reference) / np.hypot(sigma_hrs, reference_spread)
    log_ber = np.logaddexp(
        math.log(lrs_share) + log_ndtr(-z_lrs), math.log1p(-lrs_share) + log_ndtr(-z_hrs)
    )
    return _percentiles(log_ber)


def log_rates_2t2r_left_open(
    lrs: LognormalFit,
    hrs: LognormalFit,
    *,
    offset_spread: float = 0.0,
    pair_correlation: float = 0.0,
) -> tuple[float, float, float]:
    """Return the same of a 2T2R read (`rramsim.device.bit_errors.sensing`)."""
    if _is_open(lrs, hrs):
        return _NONE
    (mu_lrs, sigma_lrs), (mu_hrs, sigma_hrs) = _populations(lrs, hrs)
    variance = sigma_lrs**2 + sigma_hrs**2 - 2.0 * pair_correlation * sigma_lrs * sigma_hrs
    return _percentiles(log_ndtr((mu_lrs - mu_hrs) / np.sqrt(variance + offset_spread**2)))


def _is_open(lrs: LognormalFit, hrs: LognormalFit) -> bool:
    """Return whether the readings of a state leave everything open."""
    return any(math.isnan(fit.degrees_of_freedom) for fit in (lrs, hrs))


def _populations(
    lrs: LognormalFit, hrs: LognormalFit, *, shared: float = 0.0
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return what both fits leave open: of readings that go together the pivots of their parts."""
    if lrs.is_dependent and hrs.is_dependent:
        return _of_parts(lrs, 0), _of_parts(hrs, 1, shared=shared)
    first, second = (
        _of_parts(fit, number)
        if fit.is_dependent
        else populations_left_open(fit.mu, fit.sigma, fit.covariance, population=number)
        for number, fit in enumerate((lrs, hrs))
    )
    return first, second


def _of_parts(fit: LognormalFit, population: int, *, shared: float = 0.0) -> tuple[Floats, Floats]:
    return populations_of_parts(
        fit.mu, fit.parts, slope=fit.slope, population=population, shared=shared
    )


def _percentiles(log_ber: Floats) -> tuple[float, float, float]:
    low, median, high = np.quantile(log_ber, _PERCENTILES)
    return float(low), float(median), float(high)
