"""Which weights of a chip are wrong, in a file of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError, shown
from rramsim.files import check_regular, unsealed
from rramsim.readers.chips.cell_reads import read_table, whole_numbers
from rramsim.schema import header_key

COLUMNS = ("layer", "neuron", "input")

Weights = dict[str, NDArray[np.int64]]
"""Layer (from 1), neuron and input of each wrong weight."""


def read_wrong_weights(file: Path, *, only_layer: bool) -> Weights:
    """Read the wrong weights of a chip: CSV, or netCDF as `rramsim evaluate --read-back` writes.

    Parameters
    ----------
    file : Path
        A table with the columns layer, neuron and input, or a dataset with these variables or with
        flip_layer, flip_neuron, flip_input. A file without a row is of a chip without an error.
    only_layer : bool
        Whether the network has one layer, so that it need not be named.

    Raises
    ------
    InputError
        For the first thing that cannot be used.
    """
    if file.suffix.lower() in (".nc", ".nc4"):
        return _from_netcdf(file)
    table = read_table(file)
    headers = {header_key(str(header)): str(header) for header in table.columns}
    strange = [header for key, header in headers.items() if key not in COLUMNS]
    if strange:
        raise InputError(
            f"{file}, row 1: the column {shown(strange[0])} is not known; accepted are "
            f"{', '.join(COLUMNS)}."
        )
    if "layer" not in headers and only_layer:
        table, headers = table.assign(layer=1), headers | {"layer": "layer"}
    missing = [column for column in COLUMNS if column not in headers]
    if missing:
        raise InputError(
            f"{file}, row 1: the column {missing[0]} is missing; accepted are {', '.join(COLUMNS)}."
        )
    return {column: whole_numbers(table, headers[column], str(file)) for column in COLUMNS}


def _from_netcdf(file: Path) -> Weights:
    import xarray as xr

    check_regular(file)
    try:
        with xr.open_dataset(file, engine="netcdf4") as opened:
            dataset = unsealed(opened.load(), str(file))
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as netCDF ({error}).") from error
    for prefix in ("flip_", ""):
        names = [f"{prefix}{column}" for column in COLUMNS]
        if all(name in dataset for name in names):
            columns = (dataset[name].values.ravel().astype(np.int64) for name in names)
            return dict(zip(COLUMNS, columns, strict=True))
    raise InputError(
        f"{file}: holds {', '.join(map(str, dataset)) or 'nothing'}; accepted are layer, neuron "
        "and input of each wrong weight, or what rramsim evaluate --read-back -o FILE.nc writes."
    )
