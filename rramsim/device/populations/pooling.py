"""Whether the readings of a condition are of several times or temperatures, taken together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rramsim.device.lifetime.drift import readout_groups

if TYPE_CHECKING:
    import xarray as xr


def pooled_over(readings: xr.Dataset, number: int) -> str:
    """Return what the populations of a condition are taken together over.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".
    number : int
        Of the condition.

    Returns
    -------
    str
        ``"read-outs"``, ``"temperatures"``, ``"read-outs and temperatures"`` or empty.
    """
    of_condition = readings["condition_index"].values == number
    parts = []
    if "time" in readings.variables:
        time = readings["time"].values[of_condition]
        known = time[np.isfinite(time)]
        if known.size and readout_groups(known)[1].size > 1:
            parts.append("read-outs")
    if "temperature" in readings.variables:
        kelvin = readings["temperature"].values[of_condition]
        if np.unique(kelvin[np.isfinite(kelvin)]).size > 1:
            parts.append("temperatures")
    return " and ".join(parts)


def pooled_notes(name: str, over: str) -> list[str]:
    """Return a sentence on what `pooled_over` found, none for nothing."""
    if not over:
        return []
    apart = "; the retention tells them apart" if "read-outs" in over else ""
    return [
        f"{name}: populations, reference and BER are of all {over} together, not of one{apart}."
    ]
