"""What was read from each cell of a chip, in files as a tester or a script writes them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError, shown
from rramsim.files import check_regular
from rramsim.schema import header_key
from rramsim.units import factor_to_si

if TYPE_CHECKING:
    import pandas as pd

PLACES = ("layer", "tile", "word_line", "bit_line")
"""What names a cell."""

_ALIASES = {"wordline": "word_line", "wl": "word_line", "bitline": "bit_line", "bl": "bit_line"}
_ALIASES |= {"layer": "layer", "tile": "tile", "bit": "bit", "r": "resistance"}
_ALIASES |= {"resistance": "resistance"}
# Of tiles.csv, which a script may have filled in, and a number of the read, which says nothing.
_IGNORED = ("neuron", "input", "role", "read", "repeat")
_ACCEPTED = "layer, tile, word_line, bit_line, and bit or resistance"
_GREATEST = 2.0**31
_UNUSED = 255  # as in the images of rramsim export: no bit


@dataclass(frozen=True)
class CellReads:
    """Reads of cells, in the order of the files.

    Attributes
    ----------
    layer, tile, word_line, bit_line : int64 array
        The cell of each; layers are counted from 1.
    values : float64 array
        Bits (0 or 1), or resistances in ohm.
    is_resistance : bool
    rows : int64 array
        Of each read in its file; 0: it has no rows.
    origins : tuple of (str, int)
        Each file, and its first place in the arrays.
    """

    layer: NDArray[np.int64]
    tile: NDArray[np.int64]
    word_line: NDArray[np.int64]
    bit_line: NDArray[np.int64]
    values: NDArray[np.float64]
    is_resistance: bool
    rows: NDArray[np.int64]
    origins: tuple[tuple[str, int], ...]

    def where(self, place: int) -> str:
        """Return file and row of a read, as messages name them."""
        file = [name for name, start in self.origins if start <= place][-1]
        return f"{file}, row {self.rows[place]}" if self.rows[place] else file


def read_cells(
    path: Path, *, left_out: Iterable[str], network_id: str, only_layer: bool
) -> CellReads:
    """Read a CSV file, a netCDF file, or all of them in a folder.

    Parameters
    ----------
    path : Path
    left_out : iterable of str
        Names of files of a folder that hold no reads.
    network_id : str
        What netCDF files that name a network must name.
    only_layer : bool
        Whether the network has one layer, so that it need not be named.

    Raises
    ------
    InputError
        For the first thing that cannot be used, with file and row.
    """
    files = _files(path, set(left_out))
    parts = [
        _from_netcdf(file, network_id, only_layer)
        if file.suffix.lower() in (".nc", ".nc4")
        else _from_table(read_table(file), file.name, only_layer)
        for file in files
    ]
    kinds = {part.is_resistance for part in parts}
    if len(kinds) > 1:
        raise InputError(f"{path}: some files hold bits and some resistances; give one of the two.")
    starts = np.cumsum([0, *(part.values.size for part in parts)])
    names = ("layer", "tile", "word_line", "bit_line", "values", "rows")
    return CellReads(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names},
        is_resistance=kinds.pop(),
        origins=tuple(
            (part.origins[0][0], int(start)) for part, start in zip(parts, starts, strict=False)
        ),
    )


def _files(path: Path, left_out: set[str]) -> list[Path]:
    if path.is_dir():
        files = sorted(
            file
            for file in path.iterdir()
            if file.suffix.lower() in (".csv", ".tsv", ".txt", ".nc", ".nc4")
            and file.name not in left_out
            and not file.name.startswith(".")
        )
        if not files:
            raise InputError(
                f"{path}: holds no reads; accepted are CSV files with the columns {_ACCEPTED}, or "
                "netCDF files as rramsim export writes them, beside those that it wrote."
            )
        return files
    if not path.is_file():
        raise InputError(f"{path}: does not exist; accepted are a CSV or netCDF file, or a folder.")
    return [path]


def read_table(file: Path) -> pd.DataFrame:
    """Read a table with a header, its numbers as numbers; `InputError` where there is none."""
    import pandas as pd

    check_regular(file)
    try:
        with file.open(encoding="utf-8-sig") as opened:
            header = opened.readline()
        separator = next((sign for sign in ",;\t" if sign in header), ",")
        with warnings.catch_warnings():
            # A row longer than the header would be cut.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                file,
                sep=separator,
                encoding="utf-8-sig",
                index_col=False,
                skipinitialspace=True,
                low_memory=False,
            )
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise InputError(f"{file}: cannot be read as a table ({error}).") from error
    except pd.errors.EmptyDataError as error:
        raise InputError(f"{file}: is empty; accepted are the columns {_ACCEPTED}.") from error
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}).") from error


def _from_table(table: pd.DataFrame, name: str, only_layer: bool) -> CellReads:
    columns = _columns(list(map(str, table.columns)), name)
    if "layer" not in columns and only_layer:
        table = table.assign(layer=1)
        columns["layer"] = ("layer", "")
    missing = [column for column in PLACES if column not in columns]
    values = [column for column in ("bit", "resistance") if column in columns]
    if missing or not values:
        raise InputError(
            f"{name}, row 1: the column {(missing or ['bit (or resistance)'])[0]} is missing; "
            f"accepted are {_ACCEPTED}."
        )
    if len(values) > 1:
        raise InputError(
            f"{name}, row 1: has bits and resistances; give what was read, one of the two."
        )
    of_cells = {column: whole_numbers(table, columns[column][0], name) for column in PLACES}
    header, unit = columns[values[0]]
    numbers = _numbers(table, header, name)
    is_resistance = values[0] == "resistance"
    if is_resistance:
        numbers = numbers * _factor(unit or "ohm", f"{name}, row 1")
    rows = np.arange(2, len(table) + 2)
    _check_values(numbers, is_resistance, lambda place: f"{name}, row {rows[place]}")
    # An empty field is a cell that was not read.
    kept = ~np.isnan(numbers)
    return CellReads(
        **{column: of_cells[column][kept] for column in PLACES},
        values=numbers[kept],
        is_resistance=is_resistance,
        rows=rows[kept],
        origins=((name, 0),),
    )


def _columns(headers: list[str], name: str) -> dict[str, tuple[str, str]]:
    """Return header and unit of each column that counts."""
    columns: dict[str, tuple[str, str]] = {}
    for header in headers:
        found = re.fullmatch(r"\s*(.*?)\s*(?:[(\[]\s*(.+?)\s*[)\]])?\s*", header)
        key = header_key(found[1] if found else header)
        if key in map(header_key, _IGNORED):
            continue
        column = _ALIASES.get(key)
        if column is None:
            raise InputError(
                f"{name}, row 1: the column {shown(header)} is not known; accepted are "
                f"{_ACCEPTED}, and {', '.join(_IGNORED)}, which are not used."
            )
        if column in columns:
            raise InputError(f"{name}, row 1: two columns are {column}; give one.")
        columns[column] = (header, (found[2] or "") if found else "")
    return columns


def _numbers(table: pd.DataFrame, header: str, name: str) -> NDArray[np.float64]:
    import pandas as pd

    column = table[header]
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    strange = np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy())
    if strange.size:
        place = int(strange[0])
        raise InputError(
            f"{name}, row {place + 2}: {header} is {shown(column.iloc[place])}; accepted are "
            "numbers, or nothing where the cell was not read."
        )
    return np.asarray(numbers)


def whole_numbers(table: pd.DataFrame, header: str, name: str) -> NDArray[np.int64]:
    """Return the whole numbers of a column; `InputError` with file and row for any other."""
    numbers = _numbers(table, header, name)
    is_whole = (np.abs(numbers) <= _GREATEST) & (numbers == np.rint(numbers))
    strange = np.flatnonzero(~is_whole)
    if strange.size:
        place = int(strange[0])
        raise InputError(
            f"{name}, row {place + 2}: {header} is {shown(table[header].iloc[place])}; a whole "
            "number is needed."
        )
    return numbers.astype(np.int64)


def _factor(unit: str, place: str) -> float:
    try:
        return factor_to_si(unit, "resistance")
    except InputError as error:
        raise InputError(f"{place}: {error}") from error


def _check_values(
    numbers: NDArray[np.float64], is_resistance: bool, where: Callable[[int], str]
) -> None:
    strange = numbers <= 0 if is_resistance else ~np.isin(numbers, (0, 1)) & ~np.isnan(numbers)
    places = np.flatnonzero(strange)
    if places.size:
        name, accepted = (
            ("the resistance", "numbers above 0")
            if is_resistance
            else ("the bit", "0 (LRS) and 1 (HRS)")
        )
        place = int(places[0])
        raise InputError(f"{where(place)}: {name} is {numbers[place]:g}; accepted are {accepted}.")


def _from_netcdf(file: Path, network_id: str, only_layer: bool) -> CellReads:
    import xarray as xr

    check_regular(file)
    try:
        with xr.open_dataset(file, engine="netcdf4", mask_and_scale=False) as opened:
            dataset = opened.load()
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as netCDF ({error}).") from error
    named = dataset.attrs.get("network_id", network_id)
    if named != network_id:
        raise InputError(
            f"{file}: was read from a chip of the network {str(named)[:12]}, and the model is "
            f"{network_id[:12]}."
        )
    layer = dataset.attrs.get("layer", 1 if only_layer else None)
    if layer is None:
        raise InputError(
            f"{file}: its attribute layer is missing: the number of the layer, from 1."
        )
    held = [name for name in ("bit", "resistance") if name in dataset]
    if len(held) != 1 or not {"tile", "word_line", "bit_line"} <= set(dataset[held[0]].dims):
        raise InputError(
            f"{file}: holds {', '.join(map(str, dataset)) or 'nothing'}; accepted is one of bit "
            "and resistance, over tile, word_line and bit_line (and any other for repeated reads)."
        )
    return _of_array(dataset[held[0]].transpose(..., "tile", "word_line", "bit_line"), layer, file)


def _of_array(array: Any, layer: int, file: Path) -> CellReads:
    is_resistance = array.name == "resistance"
    unit = array.attrs.get("units", "ohm") if is_resistance else "1"
    values = array.values.astype(np.float64)
    # What was never written has the fill value; of bits it is what an image holds there.
    fill = array.attrs.get("_FillValue", np.nan if is_resistance else _UNUSED)
    is_read = ~np.isnan(values) & (values != fill) & (is_resistance | (values != _UNUSED))
    values = values * _factor(unit, str(file)) if is_resistance else values
    _check_values(values[is_read], is_resistance, lambda _: str(file))
    *_, tile, word_line, bit_line = np.nonzero(is_read)
    return CellReads(
        layer=np.full(tile.size, int(layer)),
        tile=tile,
        word_line=word_line,
        bit_line=bit_line,
        values=values[is_read],
        is_resistance=is_resistance,
        rows=np.zeros(tile.size, dtype=np.int64),
        origins=((file.name, 0),),
    )
