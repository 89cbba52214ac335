"""The fault model of a programming condition: the most that is known of how its cells err."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rramsim.crossbar.faults import FaultModel, IidFaults, PopulationFaults, StateFaults
from rramsim.crossbar.protection import (
    Pairs,
    ProtectedFaults,
    Protection,
    Unprotected,
    Verified,
)

if TYPE_CHECKING:
    import xarray as xr

# A BER that went through a file of conditions may have lost its last digit.
_ROUNDING = 1e-9


def faults_of_condition(condition: xr.Dataset, populations: xr.Dataset | None) -> FaultModel:
    """Return the faults to plant in a chip programmed under one condition.

    Parameters
    ----------
    condition : xarray.Dataset
        One row of the product "conditions" (its `condition` coordinate is a scalar).
    populations : xarray.Dataset or None
        Product "populations", if any condition has readings.

    Returns
    -------
    FaultModel
        - BER fitted: resistances sampled from the fitted populations and read against the
          reference, with the spread that the reference has (``attrs["reference_spread"]``).
          Where the BER is above that of the populations themselves, because the reference was
          chosen on the same cells, the error rate of each state.
        - BER counted: the counted error rate of each state. The populations are not lognormal
          where counting wins over the fit, so nothing is sampled from the fit. So too of a fit
          of which only the conditions are known, without populations.
        - BER stated: that BER, in whichever state.
        - Of a bound, stated, counted without an error, or of a fit too far beyond its sample,
          the bound itself: the worst that is allowed by it.
    """
    if str(condition.ber_bound.item()) == "upper":
        return IidFaults(float(condition.ber_high))
    is_fitted = str(condition.ber_basis.item()) == "fitted"
    if is_fitted and populations is not None and _has(populations, condition):
        faults = _sampled(condition, populations.sel(condition=condition.condition))
        lrs_share = float(condition.attrs.get("lrs_share", 0.5))
        if float(condition.ber) <= faults.mean_ber(1.0 - lrs_share) * (1.0 + _ROUNDING):
            return faults
    by_state = float(condition.ber_lrs), float(condition.ber_hrs)
    if not any(math.isnan(rate) for rate in by_state):
        return StateFaults(*by_state)
    return IidFaults(float(condition.ber))


def _has(populations: xr.Dataset, condition: xr.Dataset) -> bool:
    """Return whether the fits of a condition are known, beside its BER."""
    return str(condition.condition.item()) in populations["condition"].values.tolist()


def _sampled(condition: xr.Dataset, row: xr.Dataset) -> PopulationFaults:
    mu, sigma = row.mu.sel(state=["LRS", "HRS"]), row.sigma.sel(state=["LRS", "HRS"])
    return PopulationFaults(
        mu_lrs=float(mu[0]),
        sigma_lrs=float(sigma[0]),
        mu_hrs=float(mu[1]),
        sigma_hrs=float(sigma[1]),
        reference_resistance=float(condition.reference_resistance),
        reference_spread=float(condition.attrs.get("reference_spread", 0.0)),
    )


def faults_at_upper_end(condition: xr.Dataset) -> FaultModel | None:
    """Return the faults at the upper end of the condition's BER interval, None without one.

    Both states err more by the same factor, so that the share of each in the errors stays.
    """
    ber, high = float(condition.ber), float(condition.ber_high)
    if not ber > 0 or math.isnan(high):
        return None
    rates = [min(float(rate) * high / ber, 1.0) for rate in (condition.ber_lrs, condition.ber_hrs)]
    return IidFaults(high) if any(map(math.isnan, rates)) else StateFaults(*rates)


def protected_condition(
    condition: xr.Dataset,
    populations: xr.Dataset | None,
    protection: Protection,
    *,
    variance: xr.Dataset | None = None,
) -> FaultModel:
    """Return the faults of weights on chips of one condition, protected against those of cells.

    A code decodes the faults of `faults_of_condition`; of a BER that is only a bound it gives what
    is left at the bound, which is a bound too. 2T2R takes the BER that the fit of the condition
    gives for it (or its bound), unless the protection states one or an offset or a correlation of
    its own. Verification takes the spread of reads from the readings, unless it is given.

    Parameters
    ----------
    condition, populations
        See `faults_of_condition`.
    protection : Protection
    variance : xarray.Dataset, optional
        Product "variance": the part of the variance of ln R that differs from cycle to cycle of
        one cell is the spread of reads, where cells were read more than once.

    Raises
    ------
    InputError
        If the condition does not have what the protection needs: a 2T2R BER, lognormal populations,
        or a spread of reads.
    """
    faults, asked = faults_of_condition(condition, populations), str(protection)
    if isinstance(protection, Unprotected):
        return faults
    if isinstance(protection, Pairs) and str(protection) == str(Pairs()):
        protection = Pairs(ber=_pair_ber(condition))
    if isinstance(protection, Verified) and not protection.has_spread and variance is not None:
        lrs, hrs = _read_spreads(condition, variance)
        protection = replace(protection, read_spread_lrs=lrs, read_spread_hrs=hrs)
    return ProtectedFaults(faults, protection, asked)


def _pair_ber(condition: xr.Dataset) -> float:
    """Return the 2T2R BER of a condition, or its upper bound; NaN where there is none."""
    if "ber_2t2r" not in condition:
        return math.nan
    is_bound = "ber_2t2r_bound" in condition and str(condition.ber_2t2r_bound.item()) == "upper"
    return float(condition.ber_2t2r_high if is_bound else condition.ber_2t2r)


def _read_spreads(condition: xr.Dataset, variance: xr.Dataset) -> tuple[float, float]:
    """Return the deviation of ln R from cycle to cycle in LRS and in HRS; NaN: not estimated."""
    name = str(condition.condition.item())
    if name not in variance["condition"].values.tolist():
        return math.nan, math.nan
    parts = variance["variance"].sel(condition=name, component="cycle")
    lrs, hrs = (math.sqrt(max(float(parts.sel(state=state)), 0.0)) for state in ("LRS", "HRS"))
    return lrs, hrs


def in_words(faults: FaultModel, condition: xr.Dataset) -> str:
    """Say in one phrase which model the chips of a condition were drawn from."""
    if isinstance(faults, ProtectedFaults):
        return f"{in_words(faults.faults, condition)}; {faults.asked or faults.protection}"
    return {
        PopulationFaults: "resistances sampled from the fitted populations",
        StateFaults: f"{condition.ber_basis.item()} error rates of LRS and HRS cells",
        IidFaults: "independent errors at the BER, or its bound",
    }[type(faults)]
