"""Energy of reading a cell, from the populations and the read pulse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rramsim.errors import InputError
from rramsim.schema import STATES, make

if TYPE_CHECKING:
    import xarray as xr


def mean_conductance(mu: float, sigma: float) -> float:
    """Return E[1/R] in S of a lognormal resistance: exp(-mu + sigma**2 / 2).

    It is above 1/median: the cells of low resistance take most of the current.
    """
    return math.exp(-mu + sigma**2 / 2.0)


def read_energy(
    populations: xr.Dataset, *, read_voltage: float, read_time: float, lrs_share: float = 0.5
) -> xr.Dataset:
    """Return the mean energy of one read of a cell, E = V**2 t E[1/R], by state and together.

    It is the energy in the cell alone: bit lines, reference and sense amplifier are not in it.

    Parameters
    ----------
    populations : xarray.Dataset
        Schema "populations".
    read_voltage : float
        Over the cell, in V.
    read_time : float
        For which the voltage is applied, in s.
    lrs_share : float
        Share of the cells in use that are in LRS.

    Returns
    -------
    xarray.Dataset
        Schema "read_energy", basis "computed" ("unknown" where a state has no fit).

    Raises
    ------
    InputError
        For a voltage of 0 or a time that is not above 0.
    """
    if not (math.isfinite(read_voltage) and read_voltage != 0.0):
        raise InputError(f"The read voltage is {read_voltage:g} V; it must be a number, not 0.")
    if not 0.0 < read_time < math.inf:
        raise InputError(f"The read time is {read_time:g} s; it must be above 0.")
    fits = populations.transpose("condition", "state", ...)
    mu, sigma = fits["mu"].values, fits["sigma"].values
    energy = read_voltage**2 * read_time * np.vectorize(mean_conductance)(mu, sigma)
    together = lrs_share * energy[:, 0] + (1.0 - lrs_share) * energy[:, 1]
    return make(
        "read_energy",
        {
            "energy": energy,
            "energy_per_read": together,
            "basis": np.where(np.isnan(together), "unknown", "computed"),
        },
        coords={"condition": fits["condition"].values, "state": list(STATES)},
        attrs={
            "read_voltage": read_voltage,
            "read_time": read_time,
            "lrs_share": lrs_share,
            "covers": "the cell; no lines, reference or sense amplifier",
            "formula": "E = V**2 t E[1/R], E[1/R] = exp(-mu + sigma**2 / 2)",
        },
    )
