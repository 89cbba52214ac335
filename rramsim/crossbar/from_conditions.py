"""The fault model of a programming condition: the most that is known of how its cells err."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rramsim.crossbar.correlated import CorrelatedFaults
from rramsim.crossbar.faults import FaultModel, IidFaults, PopulationFaults, StateFaults
from rramsim.crossbar.protection import (
    Pairs,
    ProtectedFaults,
    Protection,
    Unprotected,
    Verified,
)
from rramsim.errors import InputError

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
    is_correlated: bool = False,
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
    is_correlated : bool
        Whether cells err with their lines and dies (`correlated_faults`).

    Raises
    ------
    InputError
        If the condition does not have what the protection needs: a 2T2R BER, lognormal populations,
        or a spread of reads; or the readings do not tell lines or dies apart.
    """
    faults, asked = faults_of_condition(condition, populations), str(protection)
    if is_correlated:
        return _correlated(faults, condition, protection, variance)
    if isinstance(protection, Unprotected):
        return faults
    if isinstance(protection, Pairs) and str(protection) == str(Pairs()):
        protection = Pairs(ber=_pair_ber(condition))
    if isinstance(protection, Verified) and not protection.has_spread and variance is not None:
        lrs, hrs = _read_spreads(condition, variance)
        protection = replace(protection, read_spread_lrs=lrs, read_spread_hrs=hrs)
    return ProtectedFaults(faults, protection, asked)


def _correlated(
    faults: FaultModel,
    condition: xr.Dataset,
    protection: Protection,
    variance: xr.Dataset | None,
) -> FaultModel:
    correlated = correlated_faults(faults, condition, variance)
    if isinstance(protection, Unprotected):
        return correlated
    return ProtectedFaults(correlated, protection, str(protection))


def correlated_faults(
    faults: FaultModel, condition: xr.Dataset, variance: xr.Dataset | None
) -> CorrelatedFaults:
    """Return faults whose cells err with their lines and dies by as much as the readings tell.

    Each part has its share of the spread of `faults`, so that the BER stays. What the readings do
    not tell apart, such as dies where there is one, has no part.

    Parameters
    ----------
    faults : FaultModel
        What `faults_of_condition` gives.
    condition : xarray.Dataset
        One row of the product "conditions".
    variance : xarray.Dataset or None
        Product "variance".

    Raises
    ------
    InputError
        If the readings tell neither rows and columns nor dies apart, or of the BER only a bound
        or a mean over both states is known.
    """
    name = str(condition.condition.item())
    if not isinstance(faults, PopulationFaults | StateFaults):
        raise InputError(
            f"{name}: how LRS and HRS share its BER is not known, so cells that err together "
            "cannot be drawn; give the parts of their spread yourself (CorrelatedFaults)."
        )
    if variance is None or name not in variance["condition"].values.tolist():
        raise _no_parts(name)
    row = variance.sel(condition=name)
    if not bool(row["share"].sel(component=["column", "row", "die"]).notnull().any()):
        raise _no_parts(name)
    by_state = (1.0, 1.0)
    if isinstance(faults, PopulationFaults):
        by_state = faults.sigma_lrs, faults.sigma_hrs

    def sigmas(component: str) -> tuple[float, float]:
        shares = row["share"].sel(component=component).fillna(0.0)
        lrs, hrs = (math.sqrt(float(shares.sel(state=state))) for state in ("LRS", "HRS"))
        return lrs * by_state[0], hrs * by_state[1]

    return CorrelatedFaults(
        faults,
        sigma_column=sigmas("column"),
        sigma_row=sigmas("row"),
        sigma_die=sigmas("die"),
        correlation=float(row["line_correlation"].fillna(0.0)),
    )


def _no_parts(name: str) -> InputError:
    return InputError(
        f"{name}: the readings tell neither rows and columns nor dies apart, so how far cells err "
        "together is not known; give files with the columns row and column, or die, or the parts "
        "yourself (CorrelatedFaults)."
    )


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
    if isinstance(faults, CorrelatedFaults):
        return f"{in_words(faults.faults, condition)}; {_parts_in_words(faults)}"
    return {
        PopulationFaults: "resistances sampled from the fitted populations",
        StateFaults: f"{condition.ber_basis.item()} error rates of LRS and HRS cells",
        IidFaults: "independent errors at the BER, or its bound",
    }[type(faults)]


def _parts_in_words(faults: CorrelatedFaults) -> str:
    parts = (
        ("columns", faults.sigmas[0]),
        ("rows", faults.sigmas[1]),
        ("dies", faults.sigmas[2]),
    )
    given = [f"{name} {lrs:.2g} and {hrs:.2g}" for name, (lrs, hrs) in parts if lrs or hrs]
    if faults.is_independent:
        return "no part of the spread is that of lines or dies"
    return (
        f"deviations in LRS and HRS of {', '.join(given)}, with a correlation of "
        f"{faults.correlation:.2g} between the states"
    )
