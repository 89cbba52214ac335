"""Datasets of the register: built from plain arrays, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rramsim.schema.aging import AGING
from rramsim.schema.cells import CELLS
from rramsim.schema.scores import SCORES
from rramsim.schema.variable import Variable

if TYPE_CHECKING:
    import xarray as xr

DATASETS: dict[str, tuple[Variable, ...]] = {**CELLS, **AGING, **SCORES}
"""The register: the variables of every product, by its name."""


class SchemaError(ValueError):
    """A dataset does not have the form its room promises: a fault in rramsim, not in the input."""


def make(
    product: str,
    values: Mapping[str, Any],
    coords: Mapping[str, Any] | None = None,
    attrs: Mapping[str, str | int | float] | None = None,
) -> xr.Dataset:
    """Build and check a dataset of the register from plain arrays.

    Parameters
    ----------
    product : str
        A key of `DATASETS`.
    values : mapping of str to array_like
        The variables by name; dims, units and meanings come from the register.
    coords : mapping of str to array_like, optional
        One-dimensional coordinates, each along the dim of its own name.
    attrs : mapping, optional
        Attributes of the whole dataset (provenance, how the intervals were made).

    Returns
    -------
    xarray.Dataset
        With ``units`` and ``long_name`` on every variable.

    Raises
    ------
    SchemaError
        If a variable is missing, unknown, or not of its dims or kind.
    """
    import numpy as np
    import xarray as xr

    register = {variable.name: variable for variable in DATASETS[product]}
    unknown = (set(values) | set(coords or {})) - set(register) - _dims_of(product)
    if unknown:
        raise SchemaError(f"{product}: no variable is named {sorted(unknown)}.")
    dataset = xr.Dataset(attrs={"product": product, **(attrs or {})})
    for name, value in (coords or {}).items():
        dataset = dataset.assign_coords({name: (name, np.asarray(value))})
    for name, value in values.items():
        variable = register[name]
        array = np.asarray(value)
        dtype = {"b": "i1", "f": "f8"}.get(variable.kind)
        dataset[name] = (variable.dims, array.astype(dtype) if dtype else array)
    for name, variable in register.items():
        if name in dataset.variables:
            dataset[name].attrs.update(units=variable.unit, long_name=variable.meaning)
    validate(dataset, product)
    return dataset


def validate(dataset: xr.Dataset, product: str) -> None:
    """Check that `dataset` is a whole `product`; raise `SchemaError` where it is not.

    Dims are found by name, so their order never matters.
    """
    for variable in DATASETS[product]:
        if variable.name not in dataset.variables:
            if variable.optional:
                continue
            raise SchemaError(f"{product}: the variable {variable.name!r} is missing.")
        _validate_variable(dataset[variable.name], variable, product)


def _validate_variable(array: xr.DataArray, variable: Variable, product: str) -> None:
    import numpy as np

    place = f"{product}.{variable.name}"
    if set(array.dims) != set(variable.dims):
        raise SchemaError(f"{place}: dims are {array.dims}, expected {variable.dims}.")
    accepted = {"f": "f", "i": "iu", "b": "iu", "U": "UTO"}[variable.kind]
    if array.dtype.kind not in accepted and array.size:
        raise SchemaError(f"{place}: dtype {array.dtype} is not of kind {variable.kind!r}.")
    choices = (0, 1) if variable.kind == "b" else variable.choices
    if choices is not None:
        found = {str(value) for value in np.unique(array.values)}
        strange = found - {str(choice) for choice in choices}
        if strange:
            raise SchemaError(f"{place}: found {sorted(strange)}, accepted are {choices}.")


def _dims_of(product: str) -> set[str]:
    return {dim for variable in DATASETS[product] for dim in variable.dims}
