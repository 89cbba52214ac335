"""Readings that rramsim itself wrote as netCDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.readers.columns.optional import missing_values
from rramsim.readers.table import ORIGINS
from rramsim.schema import SchemaError, validate

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


def read_netcdf(path: Path) -> tuple[xr.Dataset, dict[str, np.ndarray], str]:
    """Return a dataset "readings" of the schema, its optional variables, and its origin.

    Raises
    ------
    InputError
        If the file is damaged, or no dataset of readings.
    """
    import numpy as np
    import xarray as xr

    try:
        readings = xr.load_dataset(path, engine="netcdf4")
        validate(readings, "readings")
    except SchemaError as error:
        raise InputError(
            f"{path.name}: this HDF5 or netCDF file holds no readings as rramsim writes them "
            f"({error}); export the table as CSV."
        ) from error
    except Exception as error:
        # A damaged file fails anywhere in the HDF5, netCDF and xarray layers.
        raise InputError(
            f"{path.name}: the HDF5 or netCDF file cannot be read ({error}); export the table as "
            "CSV."
        ) from error
    resistance = readings["resistance"].values
    indices = readings["condition_index"].values
    whole = (
        readings.sizes["reading"]
        and (np.isfinite(resistance) & (resistance > 0)).all()
        and ((indices >= 0) & (indices < readings.sizes["condition"])).all()
        and [str(state) for state in readings["state"].values] == ["LRS", "HRS"]
    )
    if not whole:
        raise InputError(
            f"{path.name}: the readings in this netCDF file are damaged: a resistance is not "
            "above 0, or an index points to nothing."
        )
    more = {
        name: readings[name].values.astype(float if missing != missing else np.int64)
        for name, missing in missing_values().items()
        if name in readings.variables
    }
    origin = str(readings.attrs.get("origin", "measured"))
    return readings, more, origin if origin in ORIGINS else "measured"
