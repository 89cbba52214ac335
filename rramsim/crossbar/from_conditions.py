"""The fault model of a programming condition: the most that is known of how its cells err."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scipy.special import ndtr, ndtri

from rramsim.crossbar.correlated import CorrelatedFaults
from rramsim.crossbar.faults import FaultModel, IidFaults, PopulationFaults, StateFaults
from rramsim.crossbar.protection import (
    Pairs,
    ProtectedFaults,
    Protection,
    Unprotected,
    Verified,
)
from rramsim.crossbar.transient import TransientReads
from rramsim.errors import InputError, refused

if TYPE_CHECKING:
    import xarray as xr

SHARED = ("sigma_column", "sigma_row", "sigma_die", "sense_offset", "correlation")
"""What can be given of cells that err together: parameters of `CorrelatedFaults`."""

# A BER that went through a file of conditions may have lost its last digit.
_ROUNDING = 1e-9


def faults_of_condition(
    condition: xr.Dataset, populations: xr.Dataset | None
) -> PopulationFaults | StateFaults | IidFaults:
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


@dataclass(frozen=True)
class SharedSpread:
    """What cells share with their lines and dies, so that they err together.

    Attributes
    ----------
    given : mapping or None
        Parameters of `CorrelatedFaults` by name, as a person gives them; None takes the parts that
        the readings of a condition tell. Of a condition without fitted populations they are parts
        of a spread of 1.
    tile : (int, int)
        Word lines and bit lines of a tile.
    """

    given: Mapping[str, Any] | None = None
    tile: tuple[int, int] = (128, 128)

    def __post_init__(self) -> None:
        for name in self.given or ():
            if name not in SHARED:
                raise refused("a part of the spread", name, ", ".join(SHARED))


def protected_condition(
    condition: xr.Dataset,
    populations: xr.Dataset | None,
    protection: Protection,
    *,
    variance: xr.Dataset | None = None,
    shared: SharedSpread | None = None,
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
    shared : SharedSpread, optional
        What cells share with their lines and dies (`correlated_faults`); nothing by default. Pairs
        of two bit lines then also share the offset of their amplifier.

    Raises
    ------
    InputError
        If the condition does not have what the protection needs: a 2T2R BER, lognormal populations,
        or a spread of reads; or the readings do not tell lines or dies apart.
    """
    of_cells, asked = faults_of_condition(condition, populations), str(protection)
    faults: FaultModel = of_cells
    if shared is not None:
        fits = _fits(condition, populations)
        is_pair = isinstance(protection, Pairs)
        faults = correlated_faults(
            # Cells of a pair are read against each other, and not as single cells are.
            fits if is_pair and fits is not None else of_cells,
            condition,
            shared,
            fits=fits,
            variance=variance,
            offset=float(condition.attrs.get("offset_spread", 0.0)) if is_pair else 0.0,
        )
    if isinstance(protection, Unprotected):
        return faults
    if isinstance(protection, Pairs) and str(protection) == str(Pairs()):
        protection = Pairs(ber=_pair_ber(condition, faults))
    if isinstance(protection, Verified) and not protection.has_spread and variance is not None:
        lrs, hrs = _read_spreads(condition, variance)
        protection = replace(protection, read_spread_lrs=lrs, read_spread_hrs=hrs)
    return ProtectedFaults(faults, protection, asked)


def _fits(condition: xr.Dataset, populations: xr.Dataset | None) -> PopulationFaults | None:
    """Return the fitted populations of a condition, None where it has none."""
    if populations is None or not _has(populations, condition):
        return None
    try:
        return _sampled(condition, populations.sel(condition=condition.condition))
    except InputError:
        # Cells that are all alike, or without a reference, are counted.
        return None


def correlated_faults(
    faults: PopulationFaults | StateFaults | IidFaults,
    condition: xr.Dataset,
    shared: SharedSpread,
    *,
    fits: PopulationFaults | None = None,
    variance: xr.Dataset | None = None,
    offset: float = 0.0,
) -> FaultModel:
    """Return faults whose cells err with their lines and dies, by what the readings tell or given.

    Each part that the readings tell has its share of the spread of `faults`, so that the BER stays.
    What they do not tell apart, such as dies where there is one, has no part. Parts that are given
    are of ln R.

    Parameters
    ----------
    faults : PopulationFaults, StateFaults or IidFaults
        What `faults_of_condition` gives.
    condition : xarray.Dataset
        One row of the product "conditions".
    shared : SharedSpread
    fits : PopulationFaults, optional
        The fitted populations, where `faults` are error rates: their spreads scale what is given.
    variance : xarray.Dataset, optional
        Product "variance".
    offset : float
        Standard deviation of the offset of an amplifier, in ln R, if none, or a smaller one, is
        given.

    Returns
    -------
    FaultModel
        `faults` where nothing is shared.

    Raises
    ------
    InputError
        If the readings tell neither rows and columns nor dies apart, or nothing is left that
        differs from cell to cell.
    """
    name = str(condition.condition.item())
    spreads = (1.0, 1.0)
    if isinstance(faults, PopulationFaults):
        spreads = faults.sigma_lrs, faults.sigma_hrs
    if shared.given is None:
        parts = _fitted_parts(name, variance, spreads)
    else:
        parts = _given_parts(faults, shared.given, fits)
    try:
        found = CorrelatedFaults(faults, **parts, tile=shared.tile)
        if not found.is_independent and offset > max(found.offsets):
            found = replace(found, sense_offset=offset)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    return faults if found.is_independent else found


def _fitted_parts(
    name: str, variance: xr.Dataset | None, spreads: tuple[float, float]
) -> dict[str, Any]:
    """Return the parts of the spreads of LRS and HRS that the readings of a condition tell."""
    if variance is None or name not in variance["condition"].values.tolist():
        raise _no_parts(name)
    row = variance.sel(condition=name)
    if not bool(row["share"].sel(component=["column", "row", "die"]).notnull().any()):
        raise _no_parts(name)

    def sigmas(component: str) -> tuple[float, float]:
        shares = row["share"].sel(component=component).fillna(0.0)
        lrs, hrs = (math.sqrt(float(shares.sel(state=state))) for state in ("LRS", "HRS"))
        return lrs * spreads[0], hrs * spreads[1]

    return {
        **{f"sigma_{component}": sigmas(component) for component in ("column", "row", "die")},
        "correlation": float(row["line_correlation"].fillna(0.0)),
    }


def _given_parts(
    faults: FaultModel, given: Mapping[str, Any], fits: PopulationFaults | None
) -> dict[str, Any]:
    """Return parts as given; of ln R, they are divided by the fitted spreads for error rates."""
    if fits is None or isinstance(faults, PopulationFaults):
        return dict(given)
    spreads = [
        math.hypot(sigma, fits.reference_spread) for sigma in (fits.sigma_lrs, fits.sigma_hrs)
    ]
    parts = dict(given)
    for name in set(parts) - {"correlation"}:
        both = parts[name] if isinstance(parts[name], tuple | list) else (parts[name],) * 2
        parts[name] = tuple(one / spread for one, spread in zip(both, spreads, strict=True))
    return parts


@dataclass(frozen=True)
class ReadNoise:
    """Read noise that is fresh at every image.

    Attributes
    ----------
    given : float or (float, float) or None
        Standard deviation of ln R from read to read of one cell, one or of LRS and of HRS; None
        takes it from the readings. Of a condition without fitted populations it is in units of
        the spread of all cells.
    """

    given: float | tuple[float, float] | None = None


def fresh_reads(
    faults: FaultModel,
    condition: xr.Dataset,
    noise: ReadNoise,
    *,
    populations: xr.Dataset | None = None,
    variance: xr.Dataset | None = None,
) -> TransientReads:
    """Return faults of cells of a condition that are read with fresh noise at every image.

    Noise that the readings tell has its share of the spread of `faults`, so that the BER stays.

    Parameters
    ----------
    faults : FaultModel
        Of single cells of the condition, whose read noise is frozen.
    condition : xarray.Dataset
        One row of the product "conditions".
    noise : ReadNoise
    populations, variance : xarray.Dataset, optional
        The products of these names, as far as there are readings. The part of the variance that
        differs from cycle to cycle of one cell is that of the reads, as of verification.

    Raises
    ------
    InputError
        If the readings do not tell how far reads of one cell differ and it is not given, it is
        more than the spread of the cells, or weights are not single cells.
    """
    name = str(condition.condition.item())
    cells = faults.faults if isinstance(faults, CorrelatedFaults) else faults
    if not isinstance(cells, PopulationFaults | StateFaults | IidFaults):
        raise InputError(
            f"{name}: read noise that is fresh at every image is scored for weights of single "
            "cells without protection."
        )
    spreads = (1.0, 1.0)
    if isinstance(cells, PopulationFaults):
        spreads = cells.sigma_lrs, cells.sigma_hrs
    if noise.given is None:
        lrs, hrs = (
            root * spread
            for root, spread in zip(_read_shares(name, variance), spreads, strict=True)
        )
        sigma: Any = lrs, hrs
    else:
        fits = _fits(condition, populations)
        sigma = _given_parts(cells, {"sigma_read": noise.given}, fits)["sigma_read"]
    try:
        return TransientReads(faults, sigma)  # type: ignore[arg-type]
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _read_shares(name: str, variance: xr.Dataset | None) -> tuple[float, float]:
    """Return the root of the reads' share of the variance of LRS and of HRS."""
    roots = (math.nan, math.nan)
    if variance is not None and name in variance["condition"].values.tolist():
        shares = variance["share"].sel(condition=name, component="cycle")
        lrs, hrs = (float(shares.sel(state=state)) for state in ("LRS", "HRS"))
        roots = math.sqrt(max(lrs, 0.0)), math.sqrt(max(hrs, 0.0))
    if any(map(math.isnan, roots)):
        raise InputError(
            f"{name}: no cell was read more than once in each state, with columns that tell which "
            "(cell and cycle), so how far reads of one cell differ is not known; give the standard "
            "deviation of ln R from read to read yourself (read_spread, --read-spread)."
        )
    return roots


def _no_parts(name: str) -> InputError:
    return InputError(
        f"{name}: no readings distinguish rows and columns, or dies, so the correlation of cells "
        "is not known; the measurements need the columns row and column, of 10 lines or more each, "
        "or die. Or give standard deviations of ln R: sigma_column, sigma_row, sigma_die."
    )


def _pair_ber(condition: xr.Dataset, faults: FaultModel) -> float:
    """Return the 2T2R BER of a condition, or its upper bound; NaN where there is none.

    An offset of the amplifiers that is greater than the one the BER allows for is added to it.
    """
    if "ber_2t2r" not in condition:
        return math.nan
    is_bound = "ber_2t2r_bound" in condition and str(condition.ber_2t2r_bound.item()) == "upper"
    ber = float(condition.ber_2t2r_high if is_bound else condition.ber_2t2r)
    known = float(condition.attrs.get("offset_spread", 0.0))
    if not isinstance(faults, CorrelatedFaults) or not max(faults.offsets) > known:
        return ber
    populations = faults.faults
    if not isinstance(populations, PopulationFaults):
        return ber
    lrs, hrs = populations.sigma_lrs, populations.sigma_hrs
    together = 2.0 * float(condition.attrs.get("pair_correlation", 0.0)) * lrs * hrs
    cells, offset = lrs**2 + hrs**2 - together, faults.offsets[0]
    return float(ndtr(ndtri(ber) * math.sqrt((cells + known**2) / (cells + offset**2))))


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
        of_cells = in_words(faults.faults, condition).removeprefix("independent ")
        return f"{of_cells}; {shared_words(faults)}"
    return {
        PopulationFaults: "resistances sampled from the fitted populations",
        StateFaults: f"{condition.ber_basis.item()} error rates of LRS and HRS cells",
        IidFaults: "independent errors at the BER, or its bound",
    }[type(faults)]


def shared_words(faults: object) -> str:
    """Say in one phrase what cells share with their lines and dies, empty if they share nothing."""
    if isinstance(faults, ProtectedFaults):
        return shared_words(faults.faults)
    if not isinstance(faults, CorrelatedFaults) or faults.is_independent:
        return ""
    names = ("columns", "rows", "dies", "amplifiers")
    parts = zip(names, (*faults.sigmas, faults.offsets), strict=True)
    shared = [f"{name} {_both(lrs, hrs)}" for name, (lrs, hrs) in parts if lrs or hrs]
    unit = "of ln R" if isinstance(faults.faults, PopulationFaults) else "of a spread of 1"
    correlation = ""
    if any(map(any, faults.sigmas)):
        correlation = f", correlation of the states {faults.correlations[0]:.2g}"
    down, across = faults.tile
    return (
        f"cells share {', '.join(shared)} (standard deviations {unit}{correlation}) on tiles of "
        f"{down} × {across}"
    )


def _both(lrs: float, hrs: float) -> str:
    """Return the numbers of both states, one where they are equal."""
    return f"{lrs:.2g}" if lrs == hrs else f"{lrs:.2g} (LRS) and {hrs:.2g} (HRS)"
