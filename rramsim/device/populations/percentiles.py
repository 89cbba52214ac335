"""Percentiles of the readings and of the populations fitted to them, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim.schema import STATES, make
from rramsim.statistics.confidence import CONFIDENCE, standard_errors
from rramsim.statistics.quantiles import sample_quantiles

if TYPE_CHECKING:
    import xarray as xr

PERCENTS = (0.1, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9)
"""Those a table of percentiles has."""

INTERVAL = (
    "95 %; of the readings: order statistics, which assume no distribution (over cells, by the "
    "design effect, where cells are read more than once); of the fits: delta method on ln R from "
    "the observed information (over cells and with Student's t where cells are read more than once)"
)
"""How the ends of the intervals were made."""


def percentiles(
    populations: xr.Dataset,
    percents: Sequence[float] = PERCENTS,
    *,
    readings: xr.Dataset | None = None,
) -> xr.Dataset:
    """Return resistances at or below which a share of each population lies: sample and fit.

    In Olsen's parameters the percentile at z sigmas is ln R = (z + g) / h, so its variance is
    a V a with a = (1, -(z + g) / h) / h and V the covariance of (g, h); without censoring that
    is (1 + z**2 / 2) sigma**2 / n.

    Parameters
    ----------
    populations : xarray.Dataset
        Schema "populations".
    percents : sequence of float
        Above 0 and below 100.
    readings : xarray.Dataset, optional
        Schema "readings", which the populations were fitted to; without them nothing is known of
        the sample.

    Returns
    -------
    xarray.Dataset
        Schema "percentiles", "sample" of the readings themselves and "resistance" of the fit. A
        percentile of the sample that it does not hold, or that limits leave open, is a bound
        (`rramsim.statistics.quantiles`). One of the fit nearer to 0 or 100 % than one
        reading in the sample is marked as extrapolated; a population without a fit has NaN, and
        readings that go together in a way that gives no interval (of 2 to 4 cells, or a short
        series of one) have none.
    """
    fits = populations.transpose("condition", "state", ...)
    z = ndtri(np.asarray(percents, dtype=float) / 100.0)
    mu, sigma = (fits[name].values[..., None] for name in ("mu", "sigma"))
    ln_ohm = mu + sigma * z
    toward = np.stack([sigma + 0.0 * z, -sigma * ln_ohm], axis=-1)
    variance = np.einsum("cspi,csij,cspj->csp", toward, fits["covariance"].values, toward)
    counts = sum(fits[name].values for name in ("exact", "censored_below", "censored_above"))
    width = _standard_errors(fits)[..., None] * np.sqrt(variance)
    share = np.minimum(np.asarray(percents), 100.0 - np.asarray(percents)) / 100.0
    return make(
        "percentiles",
        {
            "resistance": np.exp(ln_ohm),
            "resistance_low": np.exp(ln_ohm - width),
            "resistance_high": np.exp(ln_ohm + width),
            "resistance_extrapolated": share < 1.0 / np.maximum(counts, 1)[..., None],
            **_of_the_sample(fits, percents, readings),
        },
        coords={
            "condition": fits["condition"].values,
            "state": list(STATES),
            "percent": list(percents),
        },
        attrs={"confidence": CONFIDENCE, "interval": INTERVAL},
    )


def _standard_errors(fits: xr.Dataset) -> NDArray[np.float64]:
    """Return how many standard errors an interval reaches, NaN where there is none."""
    freedom = np.full(fits["mu"].shape, math.inf)
    if "degrees_of_freedom" in fits:
        freedom = fits["degrees_of_freedom"].values
    errors: NDArray[np.float64] = np.vectorize(standard_errors, otypes=[float])(freedom)
    return errors


def _of_the_sample(
    fits: xr.Dataset, percents: Sequence[float], readings: xr.Dataset | None
) -> dict[str, NDArray[np.generic]]:
    """Return the percentiles of the readings of each population, NaN without readings."""
    names = fits["condition"].values.astype(str).tolist()
    shape = (len(names), len(STATES), len(percents))
    values: dict[str, NDArray[Any]] = {
        name: np.full(shape, np.nan) for name in ("sample", "sample_low", "sample_high")
    }
    values["sample_bound"] = np.full(shape, "", dtype="U8")
    if readings is None:
        return values
    columns = {name: readings[name].values for name in ("resistance", "censoring", "cell", "cycle")}
    numbers = {str(name): number for number, name in enumerate(readings["condition"].values)}
    key = len(STATES) * readings["condition_index"].values + readings["state_index"].values
    # Those of one cell in their order in time.
    order = np.lexsort((columns["cycle"], key))
    for place, state in np.ndindex(shape[:2]):
        number = len(STATES) * numbers.get(names[place], -1) + state
        start, end = np.searchsorted(key[order], (number, number + 1))
        if number < 0 or start == end:
            continue
        resistance, censoring, cell = (
            columns[name][order[start:end]] for name in ("resistance", "censoring", "cell")
        )
        shares = [percent / 100.0 for percent in percents]
        for index, quantile in enumerate(
            sample_quantiles(resistance, censoring, shares, cell=cell)
        ):
            at = (place, state, index)
            values["sample"][at], values["sample_bound"][at] = quantile.estimate, quantile.bound
            values["sample_low"][at], values["sample_high"][at] = quantile.low, quantile.high
    return values
