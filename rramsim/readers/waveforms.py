"""A measured programming pulse: time, voltage and current, from a table of its own."""

from __future__ import annotations

from pathlib import Path

from rramsim.energy import Energy, transient_energy
from rramsim.errors import InputError
from rramsim.readers.columns.headers import file_column, names_accepted, recognise
from rramsim.readers.columns.values import read_quantity_column
from rramsim.readers.formats.detect import read_grids
from rramsim.readers.table import make_table

_COLUMNS = {
    "time": file_column("time", ("time", "t"), "time"),
    "voltage": file_column("voltage", ("voltage", "V", "V cell"), "voltage"),
    "current": file_column("current", ("current", "I", "I cell"), "current"),
}


def waveform_energy(path: Path, *, covers: str) -> Energy:
    """Read one pulse and integrate V(t) I(t) over it.

    Parameters
    ----------
    path : Path
        A table with the columns time, voltage and current, units in the headers.
    covers : str
        What the voltage was measured over, one of `rramsim.energy.COVERS`.

    Returns
    -------
    Energy
        With basis "measured".

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column or a unit, has a blank, its time does not
        increase, or the energy comes out negative (voltage and current of unlike sign).
    """
    grid = next(grid for grid in read_grids(path) if grid.records)
    header = tuple(text.strip() for text in grid.records[0])
    place = f"{grid.place}, row {grid.row_numbers[0]}"
    by_role = recognise(header, _COLUMNS, place=place)
    for role in _COLUMNS:
        if role not in by_role or not by_role[role].unit_given:
            raise InputError(
                f"{place}: no column holds the {role} with its unit. Headers found: "
                f"{', '.join(map(repr, header))}. Accepted: {names_accepted(_COLUMNS, *_COLUMNS)}."
            )
    table = make_table(grid, header, start=1)
    time, voltage, current = (
        read_quantity_column(table, by_role[role].position, factor=by_role[role].factor)
        for role in _COLUMNS
    )
    try:
        energy = transient_energy(time, voltage, current, covers=covers)
    except InputError as error:
        raise InputError(f"{grid.place}: {error}") from error
    if not energy.joule > 0:
        raise InputError(
            f"{grid.place}: the integral of V(t) I(t) is {energy.joule:.3g} J; check the signs of "
            "voltage and current: energy that goes into the cell is positive."
        )
    return energy
