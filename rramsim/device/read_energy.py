"""Energy of reading a cell, from the populations and the read pulse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rramsim.device.read_conditions import ReadConditions
from rramsim.schema import STATES, make

if TYPE_CHECKING:
    import xarray as xr


def mean_conductance(mu: float, sigma: float) -> float:
    """Return E[1/R] in S of a lognormal resistance: exp(-mu + sigma**2 / 2).

    It is above 1/median: the cells of low resistance take most of the current.
    """
    return math.exp(-mu + sigma**2 / 2.0)


def read_energy(populations: xr.Dataset, *, read: ReadConditions) -> xr.Dataset:
    """Return the mean energy of one read of a cell, E = V**2 t E[1/R], by state and together.

    It is the energy in the cell alone: bit lines, reference and sense amplifier are not in it.

    Parameters
    ----------
    populations : xarray.Dataset
        Schema "populations".
    read : ReadConditions
        With its read voltage (over the cell) and its read time.

    Returns
    -------
    xarray.Dataset
        Schema "read_energy", basis "computed" ("unknown" where a state has no fit).
    """
    if read.read_voltage is None or read.read_time is None:
        raise ValueError("the energy of a read takes a read voltage and a read time")
    fits = populations.transpose("condition", "state", ...)
    mu, sigma = fits["mu"].values, fits["sigma"].values
    energy = read.read_voltage**2 * read.read_time * np.vectorize(mean_conductance)(mu, sigma)
    together = read.lrs_share * energy[:, 0] + (1.0 - read.lrs_share) * energy[:, 1]
    return make(
        "read_energy",
        {
            "energy": energy,
            "energy_per_read": together,
            "basis": np.where(np.isnan(together), "unknown", "computed"),
        },
        coords={"condition": fits["condition"].values, "state": list(STATES)},
        attrs={
            "read_voltage": read.read_voltage,
            "read_time": read.read_time,
            "lrs_share": read.lrs_share,
            "covers": "the cell; no lines, reference or sense amplifier",
            "formula": "E = V**2 t E[1/R], E[1/R] = exp(-mu + sigma**2 / 2)",
        },
    )
