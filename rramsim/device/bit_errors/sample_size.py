"""How many more cells: what a sample shows of a BER that is asked for, and what it would take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scipy.special import betaincinv, ndtr, ndtri, ndtri_exp

from rramsim import formatting as numbers
from rramsim.device.bit_errors.error_counts import Count, WeightedCount, weighted
from rramsim.device.bit_errors.reach import least_cells
from rramsim.schema import STATES, make
from rramsim.statistics.confidence import CONFIDENCE

if TYPE_CHECKING:
    import xarray as xr

POWER = 0.8
"""Chance that a sample of the size advised shows what it is taken for."""


def cells_needed(
    target: float,
    *,
    log_ber: float | None,
    log_high: float | None,
    cells: float,
    counted: WeightedCount,
    is_contradicted: bool = False,
    is_within_reach: bool = True,
    lrs_share: float = 0.5,
    power: float = POWER,
) -> xr.Dataset:
    """Return whether a sample shows BER < target at 95 %, and how many cells a state would.

    By fit, with z = -probit(BER) and se its standard error in this sample of n cells a state,
    which falls with the square root of n: n ((z_confidence + z_power) se / (z - z_target))**2.
    Where both states have the same spread that is
    ((z_confidence + z_power) sqrt((1 + z**2 / 2) / 2) / (z - z_target))**2. By counting without
    an error: max(w, 1 - w) ln(1 - confidence) / ln(1 - target) in each state, w being the share of
    LRS cells in use: the state of which there are more in use bounds the BER.

    A fit shows nothing beyond its reach (`rramsim.device.bit_errors.reach`): it takes at least 20
    cells a state, and so many that the target is no more than 2 sigmas beyond the last of them.

    Parameters
    ----------
    target : float
        The BER asked for, above 0 and below 0.5.
    log_ber, log_high : float or None
        ln of the fitted BER and of the upper end of its two-sided 95 % interval on the probit
        scale; None without a fit.
    cells : float
        Distinct cells a state in this sample (their mean, where the states differ): the standard
        error is over cells, however often each is read.
    counted : WeightedCount
        What was counted at the same reference.
    is_contradicted : bool
        Whether that count, or a test of the lognormal, contradicts the fit: it shows nothing.
    is_within_reach : bool
        Whether the fit may lead with this sample at the target.
    lrs_share : float
        Share w of the cells in use that are in LRS.
    power : float
        Chance that the sample advised shows it.

    Returns
    -------
    xarray.Dataset
        Schema "sample_sizes", its one condition without a name. No number is given where none
        will show the target at the estimate, because it is above it, or where the count
        contradicts the fit. By fit the number rests on the lognormal holding that far; by count
        it is the fewest, without a single error.

    Raises
    ------
    ValueError
        If the target is not above 0 and below 0.5.
    """
    if not 0.0 < target < 0.5:
        raise ValueError(f"the target BER is {target:g}; it must be above 0 and below 0.5")
    z_target, z_confidence = -float(ndtri(target)), float(ndtri(CONFIDENCE))
    shown_by_fit, by_fit, low = False, math.nan, 0.0
    if log_ber is not None and log_high is not None and not is_contradicted:
        z = -float(ndtri_exp(log_ber))
        error = (z + float(ndtri_exp(log_high))) / float(ndtri(0.5 + CONFIDENCE / 2.0))
        shown_by_fit = is_within_reach and z - z_confidence * error > z_target
        low = float(ndtr(-z - float(ndtri(0.5 + CONFIDENCE / 2.0)) * error))
        if z > z_target:
            root = (z_confidence + float(ndtri(power))) * error / (z - z_target)
            by_fit = float(math.ceil(max(cells * root**2, least_cells(target))))
    by_count = _counting(target, counted, lrs_share=lrs_share)
    shown_by_count = _upper(counted) < target
    sentence = _sentence(
        target,
        shown=(shown_by_fit, shown_by_count),
        cells=(by_fit, by_count),
        without_fit=_without_fit(
            *(target, log_ber), low=low, is_contradicted=is_contradicted, counted=counted
        ),
        counted=counted,
    )
    return make(
        "sample_sizes",
        {
            "shown_by_fit": [shown_by_fit],
            "shown_by_count": [shown_by_count],
            "cells_by_fit": [by_fit],
            "cells_by_count": [by_count],
            "sentence": [sentence],
        },
        coords={"condition": [""]},
        attrs={"target_ber": target},
    )


def sample_sizes(
    target: float, *, conditions: xr.Dataset, counted: xr.Dataset, populations: xr.Dataset
) -> xr.Dataset:
    """Return `cells_needed` of each condition with readings or counts, schema "sample_sizes".

    A fit whose BER the headline does not take, because the readings contradict it, shows nothing.

    Parameters
    ----------
    target : float
        The BER asked for, above 0 and below 0.5.
    conditions, counted, populations : xarray.Dataset
        Of the schemas of these names, as `rramsim.device.characterize` gives them.
    """
    share = float(counted.attrs["lrs_share"])
    # Of errors that were counted elsewhere there are no cells, and no fit.
    cells = populations["cells"].mean("state").reindex(condition=counted["condition"].values)
    sizes = {}
    for name in (str(label) for label in counted["condition"].values):
        fitted, high = (
            float(conditions[variable].sel(condition=name).values)
            for variable in ("ber_fitted", "ber_fitted_high")
        )
        has_fit = not (math.isnan(fitted) and math.isnan(high))
        basis = str(conditions["ber_basis"].sel(condition=name).values)
        reach = float(conditions["ber_reach"].sel(condition=name).values)
        counts = [_count_of(counted.sel(condition=name, state=state)) for state in STATES]
        # Below what a number can hold, the bound is taken for the BER.
        log_high = None if math.isnan(high) else math.log(high)
        sizes[name] = cells_needed(
            target,
            log_ber=log_high if math.isnan(fitted) else math.log(fitted),
            log_high=log_high,
            cells=float(cells.sel(condition=name)),
            counted=weighted(*counts, lrs_share=share),
            # What was counted also leads where the cells are too few.
            is_contradicted=has_fit and basis == "counted" and reach < 1.0,
            is_within_reach=target >= reach,
            lrs_share=share,
        )
    columns = next(iter(sizes.values())).data_vars
    return make(
        "sample_sizes",
        {str(name): [size[name].values[0] for size in sizes.values()] for name in columns},
        coords={"condition": list(sizes)},
        attrs={"target_ber": target},
    )


def _count_of(row: xr.Dataset) -> Count:
    errors, readings, undecided = (
        int(row[name].values) for name in ("errors", "readings", "undecided")
    )
    return Count(errors, readings, undecided, float(row["design_effect"].values))


def _upper(counted: WeightedCount) -> float:
    """Return the one-sided 95 % upper end of the counted BER, 1 without readings."""
    if not counted.sample > 0 or math.isnan(counted.ber.estimate):
        return 1.0
    errors = counted.sample * counted.ber.estimate
    return float(betaincinv(errors + 1.0, counted.sample - errors, CONFIDENCE))


def _counting(target: float, counted: WeightedCount, *, lrs_share: float) -> float:
    """Return the cells a state that show the target without an error, NaN where hopeless."""
    if counted.ber.low > target:
        return math.nan
    readings = math.log(1.0 - CONFIDENCE) / math.log1p(-target)
    # As many of each state: the sample of `weighted` is the least of cells / share.
    return float(math.ceil(max(lrs_share, 1.0 - lrs_share) * readings))


def _without_fit(
    target: float,
    log_ber: float | None,
    *,
    low: float,
    is_contradicted: bool,
    counted: WeightedCount,
) -> str:
    """Return why the fit shows nothing, however many the cells."""
    if is_contradicted:
        excluded = (
            log_ber is not None and not counted.ber.low <= math.exp(log_ber) <= counted.ber.high
        )
        by = "count" if excluded else "readings (the lognormal does not hold)"
        return f"not shown: the fit is contradicted by the {by}"
    if log_ber is None:
        return "not shown: there is no fit"
    fitted = numbers.power(math.exp(log_ber))
    if low > target:
        return f"not shown, and no number of cells will show it: the fitted BER is {fitted}"
    return (
        f"not shown: at the estimated BER, {fitted}, no number of cells would; the target lies "
        "within the interval"
    )


def _sentence(
    target: float,
    *,
    shown: tuple[bool, bool],
    cells: tuple[float, float],
    without_fit: str,
    counted: WeightedCount,
) -> str:
    asked = f"A BER below {numbers.power(target)} (95 %, one-sided) is"
    counting = f"counting takes {_count(cells[1])} cells a state without an error"
    if math.isnan(cells[1]):
        counting = f"more cells will not show it by counting ({counted.errors:,} errors found)"
    if shown[1]:
        return f"{asked} shown by counting alone."
    if shown[0]:
        return (
            f"{asked} shown by the fitted populations, if the lognormal holds that far; {counting}."
        )
    if math.isnan(cells[0]):
        return f"{asked} {without_fit}; {counting}."
    return (
        f"{asked} not shown: {_count(cells[0])} cells a state would show it by the fitted "
        f"populations, if the lognormal holds that far; {counting}."
    )


def _count(cells: float) -> str:
    return f"{cells:,.0f}" if cells < 1e7 else numbers.power(cells)
