"""The figures of a fit: those the readings allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rramsim.plotting.array_map import array_map_figure, has_places
from rramsim.plotting.cycles import cycles_figure, cycling_ber_figure
from rramsim.plotting.populations import populations_figure
from rramsim.plotting.reference import reference_figure
from rramsim.plotting.retention import retention_figure
from rramsim.plotting.variability import variability_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from rramsim.device.examination import Examination
    from rramsim.measurements import Measured

# Fewer cells than this are a list, not an array.
_LEAST_MAPPED = 64
# Addresses of which fewer than one in so many was read leave a map of gaps.
_MOST_SPARSE = 10


def draw_fit_figures(examination: Examination, measured: Measured) -> dict[str, Figure]:
    """Draw the figures of a fit.

    Parameters
    ----------
    examination : Examination
    measured : Measured
        What was examined.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        By file name without suffix, in the order of the report.
    """
    found, readings = examination.products, measured.readings
    figures = {
        "populations": populations_figure(readings, found["populations"], found["conditions"]),
    }
    fitted = found["populations"]["sigma"].notnull().all("state").values
    if fitted.any():
        figures["reference"] = reference_figure(
            readings, found["populations"].isel(condition=fitted), found["conditions"]
        )
    if "cycling" in found:
        figures["cycles"] = cycles_figure(readings, found["cycling"], found.get("cell_lifetimes"))
        figures["cycling-ber"] = cycling_ber_figure(found["cycling"])
    if "retention" in found:
        figures["retention"] = retention_figure(found["retention"])
    if "variance" in found:
        figures["variability"] = variability_figure(found["variance"])
    if measured.origin == "measured" and _is_array(readings):
        reference = found["conditions"]["reference_resistance"]
        figures["array"] = array_map_figure(
            readings, reference.sel(condition=readings["condition"]).values
        )
    return figures


def _is_array(readings: xr.Dataset) -> bool:
    """Return whether a map shows more cells than gaps would hide."""
    cells = np.unique(readings["cell"].values)
    cells = cells[cells >= 0]
    if not has_places(readings) or cells.size < _LEAST_MAPPED:
        return False
    return "row" in readings.variables or cells.size * _MOST_SPARSE >= np.ptp(cells) + 1
