"""What does an inference cost, what a life of inferences, and which condition costs least?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.device.read_energy import read_energy
from rramsim.errors import InputError, refused
from rramsim.formatting import listed
from rramsim.schema import STATES, Interval, make, records, validate
from rramsim.statistics.confidence import CONFIDENCE, standard_errors

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.read_conditions import ReadConditions

PROTECTIONS = ("none", "2T2R")
"""A weight is one cell (1T1R), or a complementary pair, both cells of which a read discharges."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CircuitEnergies:
    """Energies of the circuits around the cells, which no population tells.

    Attributes
    ----------
    sense : float
        Of the sense amplifier, in J for each read of a weight; NaN where unknown.
    popcount : float
        Of comparing a weight with an input bit (XNOR) and counting it, in J for each such bit: of
        a counter of n bits its energy over n. NaN where unknown.
    other : float
        Of everything else (decoders, lines, buffers, thresholds), in J for one inference; NaN
        where unknown.
    source : str
        Where these are from, in words; needed where one is known.

    Raises
    ------
    InputError
        For an energy below 0, or one without a source.
    """

    sense: float = math.nan
    popcount: float = math.nan
    other: float = math.nan
    source: str = ""

    def __post_init__(self) -> None:
        for name, joule in self.by_name.items():
            if joule < 0.0 or math.isinf(joule):
                raise InputError(f"The energy {name} is {joule:g} J; it must be 0 or more.")
        if len(self.unknown) < len(self.by_name) and not self.source.strip():
            raise InputError(
                "An energy of circuits is given without its source; say where it is from, such as "
                '"post-layout simulation, 28 nm" (energy_source).'
            )

    @property
    def by_name(self) -> dict[str, float]:
        """The energies by what a reader calls them."""
        return {
            "of the sense amplifiers": self.sense,
            "of XNOR and popcount": self.popcount,
            "of all other circuits": self.other,
        }

    @property
    def unknown(self) -> list[str]:
        """The names of those that are not known."""
        return [name for name, joule in self.by_name.items() if math.isnan(joule)]


@dataclass(frozen=True)
class Life:
    """What a chip does between the first programming and the end.

    Attributes
    ----------
    reprogrammings : float
        How often all weights are programmed again after the first time.
    inferences : float or None
        Images classified; None where that is not asked.

    Raises
    ------
    InputError
        For a number below 0 or an infinite one.
    """

    reprogrammings: float = 0.0
    inferences: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not 0.0 <= value < math.inf:
                raise InputError(f"The number of {name} is {value:g}; it must be 0 or more.")


def inference_energy(
    conditions: xr.Dataset,
    populations: xr.Dataset,
    reads: xr.Dataset,
    *,
    read: ReadConditions,
    circuits: CircuitEnergies | None = None,
    life: Life | None = None,
    protection: str = "none",
) -> xr.Dataset:
    """Return the energy of an inference and over a life, and the break-even points.

    E_inf is the sum over layers of R (E_cell + E_sense) + C E_popcount, and E_other: R are the
    reads of weights, C the bits counted. E_cell = V**2 t E[1/R] by state; of a pair both cells are
    discharged. Over a life E_prog (1 + reprogrammings) + n E_inf is spent, so reading has cost as
    much as programming once after E_prog / E_inf inferences.

    Energies of circuits that are not known are left out, and what is left is said to be a bound.
    They are the same for all conditions, so the difference of two conditions, their break-even
    point and which one costs least do not depend on them.

    Parameters
    ----------
    conditions : xarray.Dataset
        Schema "conditions".
    populations : xarray.Dataset
        Schema "populations"; of a condition without a fit the energy is unknown.
    reads : xarray.Dataset
        Schema "inference_reads", of the network.
    read : ReadConditions
        With its read voltage (over the cell) and its read time.
    circuits : CircuitEnergies, optional
        Default: none is known.
    life : Life, optional
        Default: programmed once, for an unknown number of inferences.
    protection : str
        ``"none"`` or ``"2T2R"``.

    Returns
    -------
    xarray.Dataset
        Schema "inference_energy". Intervals are of the fitted populations alone (see attrs).

    Raises
    ------
    InputError
        If `protection` is neither.
    """
    if protection not in PROTECTIONS:
        raise refused("protection", protection, " or ".join(PROTECTIONS))
    validate(reads, "inference_reads")
    circuits, life = circuits or CircuitEnergies(), life or Life()
    fits = populations.reindex(condition=conditions["condition"].values)
    # By layer and state: cells, then reads of cells for one image.
    cells = np.stack([reads["minus_weights"].values, reads["plus_weights"].values], axis=1)
    weights = cells.sum(axis=1)
    if protection == "2T2R":
        cells = np.stack([weights, weights], axis=1)
    cell_reads = cells * reads["reads"].values[:, None]
    of_cell = read_energy(fits, read=read)["energy"].values
    in_cells, low, high = _in_cells(of_cell, cell_reads.sum(axis=0), _relative_errors(fits))
    of_layer = _of_layers(reads, weights, circuits, weights)
    around = energy_around(reads, weights, circuits, weights=weights)
    once = _programming(conditions, cells.sum(axis=0))
    programmed = (1.0 + life.reprogrammings) * once
    is_bound = bool(circuits.unknown)
    per_image = _ends(in_cells + around, low + around, high + around, is_bound=is_bound)
    within = [row.reaches(1.0 + life.reprogrammings) for row in _rows(conditions)]
    endures = np.array([answer != "no" for answer in within], dtype=bool)
    first, last = cheapest_ranges(np.where(endures, programmed, np.nan), in_cells)
    values: dict[str, Any] = {
        "weights": weights,
        "reads": reads["reads"].values,
        "counts": reads["counts"].values,
        "cell_energy": of_cell,
        "layer_energy": of_cell @ cell_reads.T + of_layer,
        "programming_energy": once,
        "set_energy_basis": conditions["set_energy_basis"].values,
        "reset_energy_basis": conditions["reset_energy_basis"].values,
        "energy_in_cells": in_cells,
        "energy_in_cells_low": low,
        "energy_in_cells_high": high,
        **_columns("inference_energy", per_image, "lower" if is_bound else ""),
        "inference_energy_basis": np.where(np.isnan(in_cells), "unknown", "computed"),
        **_columns(
            "inferences_per_programming",
            (once / per_image[0], once / per_image[2], once / per_image[1]),
            "upper" if is_bound else "",
        ),
        "within_endurance": within,
        "cheapest_from": first,
        "cheapest_to": last,
        "break_even": break_even(programmed, in_cells),
    }
    if life.inferences is not None:
        over_life = tuple(programmed + life.inferences * end for end in per_image)
        values |= _columns("life_energy", over_life, "lower" if is_bound else "")
        values["cheapest"] = _least(np.where(endures, over_life[0], np.nan))
    names = conditions["condition"].values
    return make(
        "inference_energy",
        values,
        coords={
            "condition": names,
            "other": names,
            "layer": reads["layer"].values,
            "state": list(STATES),
        },
        attrs={"origin": str(populations.attrs.get("origin", "measured"))}
        | _attrs(reads, read, circuits, life, protection),
    )


def energy_of_reads(
    populations: xr.Dataset, cell_reads: NDArray[np.float64], *, read: ReadConditions
) -> NDArray[np.float64]:
    """Return what reading so many cells takes on each condition, NaN where that is unknown.

    Parameters
    ----------
    populations : xarray.Dataset
        Schema "populations".
    cell_reads : ndarray, shape (conditions, 2)
        Reads of cells in LRS and in HRS.
    read : ReadConditions

    Returns
    -------
    ndarray, shape (conditions,)
        In J.
    """
    of_cell = read_energy(populations, read=read)["energy"].values
    # A state of which no cell is read need not be known.
    total: _Floats = np.where(cell_reads == 0.0, 0.0, of_cell * cell_reads).sum(axis=1)
    return total


def cheapest_ranges(programmed: _Floats, per_inference: _Floats) -> tuple[_Floats, _Floats]:
    """Return from and up to how many inferences each condition costs least.

    Parameters
    ----------
    programmed, per_inference : ndarray, shape (conditions,)
        What is spent on programming over the life, and on one inference, in J; NaN where unknown.

    Returns
    -------
    (ndarray, ndarray)
        NaN where it never does, or does not alone at more than one number; infinite: no end.

    Examples
    --------
    >>> import numpy as np
    >>> costs = np.array([9.0, 5.0, 1.0]), np.array([1.0, 2.5, 3.0])
    >>> first, last = cheapest_ranges(*costs)  # 5 + 2.5 n is never the least
    >>> first.tolist(), last.tolist()
    ([4.0, nan, 0.0], [inf, nan, 4.0])
    """
    first = np.full(programmed.shape, np.nan)
    last = np.full(programmed.shape, np.nan)
    known = np.flatnonzero(np.isfinite(programmed) & np.isfinite(per_inference))
    for one in known:
        low, high = 0.0, math.inf
        for other in known:
            more = programmed[one] - programmed[other]
            saved = per_inference[other] - per_inference[one]
            if saved > 0.0:
                low = max(low, more / saved)
            elif saved < 0.0:
                high = min(high, more / saved)
            elif more > 0.0:
                high = -1.0
        if low < high:
            first[one], last[one] = low, high
    return first, last


def break_even(programmed: _Floats, per_inference: _Floats) -> _Floats:
    """Return the inferences at which two conditions have cost the same, for each pair.

    Parameters
    ----------
    programmed, per_inference : ndarray, shape (conditions,)
        As for `cheapest_ranges`.

    Returns
    -------
    ndarray, shape (conditions, conditions)
        (P_A - P_B) / (E_B - E_A); NaN where one of the two costs less at any number.

    Examples
    --------
    >>> import numpy as np
    >>> break_even(np.array([9.0, 1.0]), np.array([1.0, 3.0])).tolist()
    [[nan, 4.0], [4.0, nan]]
    """
    more = programmed[:, None] - programmed[None, :]
    saved = per_inference[None, :] - per_inference[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = more / saved
    return np.where(np.isfinite(crossing) & (crossing > 0.0), crossing, np.nan)


def _relative_errors(fits: xr.Dataset) -> _Floats:
    """Return half widths of the intervals of ln E[1/R], shape (conditions, states).

    By the delta method from g = mu / sigma and h = 1 / sigma, of which the covariance is known:
    ln E[1/R] = -mu + sigma**2 / 2 = -g / h + 1 / (2 h**2).
    """
    fits = fits.transpose("condition", "state", "parameter", "parameter_too", ...)
    mu, sigma, covariance = (fits[name].values for name in ("mu", "sigma", "covariance"))
    slope = np.stack([-sigma, mu * sigma - sigma**3], axis=-1)
    variance = np.einsum("csp,cspq,csq->cs", slope, covariance, slope)
    freedom = (
        fits["degrees_of_freedom"].values
        if "degrees_of_freedom" in fits
        else np.full(mu.shape, math.inf)
    )
    reach = np.vectorize(standard_errors, otypes=[float])(freedom)
    half: _Floats = reach * np.sqrt(variance)
    return half


def _in_cells(
    of_cell: _Floats, reads: _Floats, relative: _Floats
) -> tuple[_Floats, _Floats, _Floats]:
    """Return the energy of one image in the cells of each condition, and the ends of it."""
    # A state of which no cell is read need not be known.
    parts = np.where(reads == 0.0, 0.0, of_cell * reads)
    total = parts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        half = np.sqrt(np.sum(np.where(reads == 0.0, 0.0, relative * parts) ** 2, axis=1)) / total
    return total, total * np.exp(-half), total * np.exp(half)


def energy_around(
    reads: xr.Dataset, senses: _Floats, circuits: CircuitEnergies, *, weights: _Floats
) -> float:
    """Return what is known of the energy of the circuits around the cells for one inference, in J.

    Parameters
    ----------
    reads : xarray.Dataset
        Schema "inference_reads".
    senses : ndarray, shape (layers,)
        Reads of sense amplifiers that it takes to read a layer once.
    circuits : CircuitEnergies
        What is not known counts as nothing.
    weights : ndarray, shape (layers,)
    """
    other = float(np.nan_to_num(circuits.other))
    return float(_of_layers(reads, senses, circuits, weights).sum()) + other


def _of_layers(
    reads: xr.Dataset, senses: _Floats, circuits: CircuitEnergies, weights: _Floats
) -> _Floats:
    """Return what is known of the circuits' energy by layer."""
    sense, popcount = np.nan_to_num([circuits.sense, circuits.popcount])
    of_layer: _Floats = (
        senses * reads["reads"].values * sense + weights * reads["counts"].values * popcount
    )
    return of_layer


def _programming(conditions: xr.Dataset, cells: _Floats) -> _Floats:
    """Return the energy to program every weight once: a SET for LRS, a RESET for HRS."""
    operations = zip(cells, ("set_energy", "reset_energy"), strict=True)
    parts = [
        count * conditions[name].values if count else np.zeros(conditions.sizes["condition"])
        for count, name in operations
    ]
    total: _Floats = np.sum(parts, axis=0)
    return total


def _ends(
    estimate: _Floats, low: _Floats, high: _Floats, *, is_bound: bool
) -> tuple[_Floats, _Floats, _Floats]:
    """Return a number with its ends; a bound has none."""
    none = np.full(estimate.shape, np.nan)
    return (estimate, none, none) if is_bound else (estimate, low, high)


def _columns(name: str, ends: tuple[_Floats, ...], bound: str) -> dict[str, Any]:
    estimate, low, high = ends
    return {
        name: estimate,
        f"{name}_low": low,
        f"{name}_high": high,
        f"{name}_bound": np.where(np.isnan(estimate), "", bound),
    }


def _rows(conditions: xr.Dataset) -> list[Interval]:
    return [row.interval("endurance") for row in records(conditions, "condition")]


def _least(energy: _Floats) -> NDArray[np.bool_]:
    """Return which energy is the least of those that are known."""
    known = np.isfinite(energy)
    least: NDArray[np.bool_] = known & (energy <= np.min(energy[known], initial=math.inf))
    return least


def _attrs(
    reads: xr.Dataset, read: ReadConditions, circuits: CircuitEnergies, life: Life, protection: str
) -> dict[str, str | int | float]:
    assert read.read_voltage is not None
    assert read.read_time is not None
    return {
        "network": str(reads.attrs["network"]),
        "read_voltage": read.read_voltage,
        "read_time": read.read_time,
        "protection": protection,
        "pixel_bits": int(reads.attrs["pixel_bits"]),
        "reuse": int(reads.attrs["reuse"]),
        "sense_energy": circuits.sense,
        "popcount_energy": circuits.popcount,
        "other_energy": circuits.other,
        "energy_source": circuits.source,
        "unknown": listed(circuits.unknown),
        "reprogrammings": life.reprogrammings,
        **({} if life.inferences is None else {"inferences": life.inferences}),
        "confidence": CONFIDENCE,
        "interval": "delta method, from the fitted populations alone: pulse, energies of "
        "programming and of circuits are taken as they are",
    }
