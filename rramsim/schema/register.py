"""The register of every variable; datasets built from plain arrays by it, and checked.

`register_setting` is how a further programming setting joins it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from rramsim.errors import InputError, refused
from rramsim.schema.aging import AGING
from rramsim.schema.cells import CELLS, SETTINGS, setting_variables
from rramsim.schema.chips import CHIPS
from rramsim.schema.energy import ENERGY
from rramsim.schema.file_columns import file_headers
from rramsim.schema.scores import SCORES
from rramsim.schema.variable import Variable, header_key
from rramsim.units import QUANTITIES

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

DATASETS: dict[str, tuple[Variable, ...]] = {
    **CELLS,
    **AGING,
    **ENERGY,
    **SCORES,
    **CHIPS,
}
"""The register: the variables of every product, by its name."""

_SIGNS = ("", "dropped", "positive")


def settings() -> tuple[Variable, ...]:
    """Return the settings of a programming condition, in the order of tables and files."""
    return tuple(variable for variable in DATASETS["conditions"] if variable.group == "setting")


def register_setting(
    name: str,
    quantity: str,
    meaning: str,
    *,
    label: str = "",
    symbol: str = "",
    aliases: tuple[str, ...] = (),
    sign: str = "",
    key: str = "",
) -> None:
    """Add a programming setting to all that reads, joins, stores and shows settings.

    From then on measurement files and conditions files may have it, a fit carries it into the
    dataset "conditions", and JSON, CSV and reports show it. A plug-in calls this when it is
    imported; a setting that belongs to rramsim itself is an entry of `SETTINGS` in
    `rramsim.schema.cells`. One under the name of such an entry, and of its quantity, stands in for
    it until it is unregistered.

    Parameters
    ----------
    name : str
        Of the variable, and the key of the TOML form of a conditions file.
    quantity : str
        A key of `rramsim.units.QUANTITIES`, which gives the SI unit.
    meaning : str
        In words, for the description of the datasets.
    label : str
        What notes and tables call it, such as ``"body voltage"``; by default the meaning.
    symbol : str
        What stands for it in the names of conditions, ``"Vbody"``; by default the first alias,
        else the label.
    aliases : tuple of str
        Headers accepted beside the name; case and punctuation do not matter.
    sign : str
        As of `rramsim.schema.Variable`.
    key : str
        Its name in JSON and CSV; by default the name and the unit, ``"body_voltage_v"``.

    Raises
    ------
    ValueError
        If the quantity is not known, the name no identifier, or a variable or a column of files
        already has that name or one of its headers. The same setting may be registered again.
    TypeError
        If `aliases` is one text.

    Examples
    --------
    >>> register_setting("body_voltage", "voltage", "body voltage", aliases=("Vbody",))
    >>> settings()[-1].key
    'body_voltage_v'
    >>> unregister_setting("body_voltage")
    """
    _check_setting(name, quantity, aliases, sign)
    added = setting_variables(
        name,
        quantity,
        QUANTITIES[quantity].symbols[0],
        meaning,
        label=label,
        symbol=symbol,
        aliases=aliases,
        sign=sign,
        key=key,
    )
    if all(setting in DATASETS[product] for product, setting in added.items()):
        return
    own = next((own for own in SETTINGS if own["conditions"].name == name), {})
    is_own = bool(own) and own["conditions"].quantity == quantity
    others = {
        product: tuple(v for v in DATASETS[product] if not (is_own and v is own[product]))
        for product in added
    }
    for product, variables in others.items():
        if any(variable.name == name for variable in variables):
            raise ValueError(f"{product}: a variable is already named {name!r}.")
    for product, setting in added.items():
        _check_headers(setting, others[product])
    for product, setting in added.items():
        variables = DATASETS[product]
        after = 1 + max(i for i, other in enumerate(variables) if other.group == "setting")
        kept = [variable for variable in variables[:after] if variable.name != name]
        DATASETS[product] = (*kept, setting, *variables[after:])


def _check_setting(name: str, quantity: str, aliases: object, sign: str) -> None:
    if not name.isidentifier() or iskeyword(name):
        raise ValueError(
            f"a setting cannot be named {name!r}; a name such as 'body_voltage' is needed."
        )
    if quantity not in QUANTITIES:
        raise ValueError(f"unknown quantity {quantity!r}; known are {', '.join(QUANTITIES)}.")
    if isinstance(aliases, str):
        raise TypeError(f"aliases are a tuple of texts, ({aliases!r},), not one text.")
    if sign not in _SIGNS:
        raise ValueError(f"unknown sign {sign!r}; known are {', '.join(map(repr, _SIGNS))}.")


def _check_headers(added: Variable, variables: tuple[Variable, ...]) -> None:
    """Refuse headers that are those of another column: files would be read wrongly or not."""
    taken = file_headers() | {
        header_key(header): variable.name
        for variable in variables
        for header in (variable.name, *variable.aliases)
    }
    for header in (added.name, *added.aliases):
        key = header_key(header)
        if not key:
            raise ValueError(f"the header {header!r} has neither letter nor digit.")
        if key in taken:
            raise ValueError(f"the header {header!r} is already that of {taken[key]!r}.")


def unregister_setting(name: str) -> None:
    """Take out a setting that `register_setting` added; `KeyError` where there is none.

    One of rramsim's own stays, or comes back where another stood in for it.
    """
    if name not in [setting.name for setting in settings()]:
        raise KeyError(name)
    own = next((own for own in SETTINGS if own["conditions"].name == name), {})
    for product in ("readings", "conditions"):
        # One of rramsim's own comes back where another stood in for it.
        DATASETS[product] = tuple(
            own.get(product, variable) if variable.name == name else variable
            for variable in DATASETS[product]
            if own or variable.name != name
        )


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

    Examples
    --------
    >>> names = ("accuracy", "accuracy_low", "accuracy_high", "accuracy_p05")
    >>> values = {**dict.fromkeys(names, [[0.97, 0.91]]), "maps": [[1, 20]]}
    >>> coords = {"training_ber": [0.0], "test_ber": [0.0, 0.1]}
    >>> make("accuracy", values, coords)["accuracy"].attrs["units"]
    '1'
    """
    import numpy as np
    import xarray as xr

    register = {variable.name: variable for variable in DATASETS[product]}
    unknown = (set(values) | set(coords or {})) - set(register) - _dims_of(product)
    if unknown:
        raise SchemaError(f"{product}: no variable is named {sorted(unknown)}.")
    # All at once: xarray looks at the whole dataset again for each variable that is added to it.
    along = {name: (name, np.asarray(value)) for name, value in (coords or {}).items()}
    dataset = xr.Dataset(coords=along, attrs={"product": product, **(attrs or {})}).assign(
        {
            name: (register[name].dims, _of_kind(register[name].kind, value))
            for name, value in values.items()
        }
    )
    for name, variable in register.items():
        if name in dataset.variables:
            dataset.variables[name].attrs.update(units=variable.unit, long_name=variable.meaning)
    validate(dataset, product)
    return dataset


def _of_kind(kind: str, value: Any) -> np.ndarray:
    """Return the array of a variable; flags and numbers get the type in which they are kept."""
    import numpy as np

    array = np.asarray(value)
    dtype = {"b": "i1", "f": "f8"}.get(kind)
    return array.astype(dtype) if dtype else array


def empty(
    product: str, coords: Mapping[str, Any], attrs: Mapping[str, Any] | None = None
) -> xr.Dataset:
    """Build a dataset of a product without a place along any dim that has no coordinate.

    >>> empty("counted", {"condition": [], "state": ["LRS", "HRS"]})["errors"].shape
    (0, 2)
    """
    import numpy as np

    def nothing(variable: Variable) -> np.ndarray:
        shape = tuple(len(coords[dim]) if dim in coords else 0 for dim in variable.dims)
        return np.full(shape, variable.missing)

    values = {
        variable.name: nothing(variable)
        for variable in DATASETS[product]
        if variable.name not in coords and not variable.optional
    }
    texts = {name: np.array(labels, dtype="U") for name, labels in coords.items()}
    return make(product, values, texts, attrs)


def validate(dataset: xr.Dataset, product: str) -> None:
    """Check that `dataset` is a whole `product`; raise `SchemaError` where it is not.

    Dims are found by name, so their order never matters.

    Examples
    --------
    >>> import xarray as xr
    >>> validate(xr.Dataset(), "percentiles")
    Traceback (most recent call last):
    rramsim.schema.register.SchemaError: percentiles: the variable 'percent' is missing.
    """
    for variable in DATASETS[product]:
        if variable.name not in dataset.variables:
            if variable.optional:
                continue
            raise SchemaError(f"{product}: the variable {variable.name!r} is missing.")
        _validate_variable(dataset.variables[variable.name], variable, product)


def product_of(result: object, product: str) -> xr.Dataset:
    """Return a dataset as it is, of the result of a study or a fit the one of that name.

    Raises
    ------
    InputError
        If it is neither, or the dataset is no such product.
    """
    import xarray as xr

    dataset = result if isinstance(result, xr.Dataset) else getattr(result, product, None)
    if not isinstance(dataset, xr.Dataset):
        accepted = f"the dataset {product!r}, or a result that holds it"
        if isinstance(result, str | os.PathLike):
            accepted += f"; of a folder of results: xarray.load_dataset('FOLDER/{product}.nc')"
        raise refused(product, result, accepted)
    try:
        validate(dataset, product)
    except SchemaError as error:
        raise InputError(f"{product}: this dataset is not one of that kind ({error})") from error
    return dataset


def _validate_variable(array: xr.Variable, variable: Variable, product: str) -> None:
    import numpy as np

    place = f"{product}.{variable.name}"
    if set(array.dims) != set(variable.dims):
        raise SchemaError(f"{place}: dims are {array.dims}, expected {variable.dims}.")
    accepted = {"f": "f", "i": "iu", "b": "iu", "U": "UTO"}[variable.kind]
    if array.dtype.kind not in accepted and array.size:
        raise SchemaError(f"{place}: dtype {array.dtype} is not of kind {variable.kind!r}.")
    choices = (0, 1) if variable.kind == "b" else variable.choices
    if choices is not None:
        values = {str(value) for value in np.unique(array.values)}
        strange = values - {str(choice) for choice in choices}
        if strange:
            raise SchemaError(f"{place}: found {sorted(strange)}, accepted are {choices}.")


def _dims_of(product: str) -> set[str]:
    return {dim for variable in DATASETS[product] for dim in variable.dims}
