"""The fault model of a programming condition: the most that is known of how its cells err."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rramsim.crossbar.faults import FaultModel, IidFaults, PopulationFaults, StateFaults

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


def in_words(faults: FaultModel, condition: xr.Dataset) -> str:
    """Say in one phrase which model the chips of a condition were drawn from."""
    return {
        PopulationFaults: "resistances sampled from the fitted populations",
        StateFaults: f"{condition.ber_basis.item()} error rates of LRS and HRS cells",
        IidFaults: "independent errors at the BER, or its bound",
    }[type(faults)]
