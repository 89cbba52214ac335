"""Datasets that rramsim itself wrote as netCDF: readings, and the conditions of a fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.errors import DamagedError, InputError
from rramsim.files import check_regular, unsealed
from rramsim.readers.table import ORIGINS, NoReadingsError
from rramsim.schema import DATASETS, SchemaError, Variable, make, settings, validate

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

# Classic netCDF with its version; "CDF (%)" begins many a table.
_MAGIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF")
_KEPT = ("lrs_share", "confidence", "interval", "reference_spread", "offset_spread")


def is_netcdf(path: Path) -> bool:
    """Whether a file begins as a netCDF file does."""
    check_regular(path)
    try:
        with path.open("rb") as file:
            return file.read(4) in _MAGIC
    except OSError:
        return False


def read_readings(path: Path) -> tuple[xr.Dataset, dict[str, np.ndarray], str]:
    """Return a dataset "readings" of the schema, its optional variables, and its origin.

    Raises
    ------
    InputError
        If the file is damaged, or no dataset of readings.
    """
    import numpy as np

    if _is_of_arc_two(path):
        raise NoReadingsError(
            f"{path.name}: this is a store of ArC TWO (HDF5) with the history of each cell; it is "
            "not read. Export the cells or curves as CSV, and name the columns where it writes no "
            'header: --columns "current,voltage,-".'
        )
    readings = _load(path, instead="export the table as CSV")
    try:
        validate(readings, "readings")
    except SchemaError as error:
        raise NoReadingsError(f"{path.name}: {_what_it_holds(readings)} ({error}).") from error
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
        variable.name: readings[variable.name].values.astype(
            float if variable.kind == "f" else np.int64
        )
        for variable in DATASETS["readings"]
        if variable.optional and variable.name in readings.variables
    }
    origin = str(readings.attrs.get("origin", "measured"))
    return readings, more, origin if origin in ORIGINS else "measured"


def _is_of_arc_two(path: Path) -> bool:
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            return "crosspoints" in file.groups
    except Exception:
        # A damaged file fails anywhere in the HDF5 layers; what it is, is told when it is loaded.
        return False


def _what_it_holds(dataset: xr.Dataset) -> str:
    """Return what a file that holds no readings holds instead, and what to do with it."""
    if "ber" in dataset.variables and "condition" in dataset.coords:
        return (
            "this holds the conditions of a fit, not readings; give it with --conditions, beside "
            "measurements or alone to tradeoff"
        )
    if "mu" in dataset.variables and "sigma" in dataset.variables:
        return "this holds the populations of a fit, not readings; give the measurements themselves"
    return (
        "this HDF5 or netCDF file holds no readings as rramsim writes them; export the table as CSV"
    )


def read_fitted_conditions(path: Path) -> xr.Dataset:
    """Return the dataset "conditions" that ``rramsim fit -o`` wrote, with bases and intervals.

    Raises
    ------
    InputError
        If the file is damaged, holds no conditions, or holds figures that cannot be.
    """
    import numpy as np

    conditions = _load(path, instead="make it again with rramsim fit -o")
    try:
        # A setting registered since, or elsewhere, is no fault of the file.
        known = {
            variable.name: _values(conditions, variable)
            for variable in DATASETS["conditions"]
            if variable.name in conditions.variables or variable.name in _settings()
        }
        names = [str(name) for name in np.atleast_1d(conditions["condition"].values)]
        attrs = {name: conditions.attrs[name] for name in _KEPT if name in conditions.attrs}
        made = make("conditions", known, {"condition": names}, attrs)
    except (SchemaError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path.name}: this HDF5 or netCDF file holds no conditions as rramsim fit -o writes "
            f"them ({error}); accepted are also TOML and CSV."
        ) from error
    _check_figures(made, place=path.name)
    return made


def _settings() -> set[str]:
    return {setting.name for setting in settings()}


def _values(conditions: xr.Dataset, variable: Variable) -> np.ndarray:
    import numpy as np

    if variable.name not in conditions.variables:
        return np.full(conditions.sizes["condition"], variable.missing)
    values = conditions[variable.name].values
    return values.astype(str) if variable.kind == "U" else values


def _check_figures(conditions: xr.Dataset, *, place: str) -> None:
    """Refuse a rate beyond 0 to 1, a correlation beyond -1 to 1, any other figure below 0."""
    import numpy as np

    for variable in DATASETS["conditions"]:
        if variable.kind != "f" or variable.name not in conditions.variables:
            continue
        values = conditions[variable.name].values
        least, most, what = 0.0, float(np.finfo(float).max), "finite number from 0 on"
        if variable.name.startswith("ber"):
            most, what = 1.0, "rate from 0 to 1"
        elif variable.name.endswith("correlation"):
            least, most, what = -1.0, 1.0, "correlation from -1 to 1"
        accepted = (values >= least) & (values <= most)
        refused = ~(accepted | np.isnan(values))
        if refused.any():
            name = str(conditions["condition"].values[refused][0])
            raise InputError(
                f"{place}, {variable.name} of {name!r}: {values[refused][0]:g} was found; accepted "
                f"is a {what}."
            )


def _load(path: Path, *, instead: str) -> xr.Dataset:
    import xarray as xr

    check_regular(path)
    try:
        return unsealed(xr.load_dataset(path, engine="netcdf4"), path.name)
    except DamagedError:
        raise
    except Exception as error:
        # A damaged file fails anywhere in the HDF5, netCDF and xarray layers.
        raise InputError(
            f"{path.name}: the HDF5 or netCDF file cannot be read ({error}); {instead}."
        ) from error
