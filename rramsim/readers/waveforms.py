"""A measured programming pulse: time, voltage and current, from a table of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.errors import InputError
from rramsim.readers.columns.headers import names_accepted, recognise
from rramsim.readers.columns.values import read_quantity_column
from rramsim.readers.formats.detect import read_grids
from rramsim.readers.table import make_table
from rramsim.schema.file_columns import file_column

_COLUMNS = {
    "time": file_column("time", ("time", "t"), "time", "s"),
    "voltage": file_column("voltage", ("voltage", "V", "V cell"), "voltage", "V"),
    "current": file_column("current", ("current", "I", "I cell"), "current", "A"),
}


COVERS = ("cell", "cell and transistor")
"""What the voltage of a waveform was measured over."""


def waveform_energy(path: Path) -> float:
    """Read one pulse and integrate V(t) I(t) over it.

    Parameters
    ----------
    path : Path
        A table with the columns time, voltage and current, units in the headers.

    Returns
    -------
    float
        In joule.

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
        energy = transient_energy(time, voltage, current)
    except InputError as error:
        raise InputError(f"{grid.place}: {error}") from error
    if not energy > 0:
        raise InputError(
            f"{grid.place}: the integral of V(t) I(t) is {energy:.3g} J; check the signs of "
            "voltage and current: energy that goes into the cell is positive."
        )
    return energy


def transient_energy(time: ArrayLike, voltage: ArrayLike, current: ArrayLike) -> float:
    """Return the mean energy of measured pulses in joule, each the integral of V(t) I(t).

    The integral is a trapezoid of the products of the samples. SET and RESET are to be given
    apart; `by_polarity` splits a waveform that holds both.

    Parameters
    ----------
    time : array_like, shape (samples,)
        In s, increasing.
    voltage, current : array_like, shape (samples,) or (pulses, samples)
        In V and A, of the same sign where energy goes into the cell. With the transistor in the
        voltage, the energy is that of the 1T1R cell, and more than that of the resistor.

    Raises
    ------
    InputError
        If the shapes differ, a sample is not finite, or the time does not increase.

    Examples
    --------
    >>> time, voltage, current = [0, 1e-9, 99e-9, 100e-9], [0, 2, 2, 0], [0, 1e-4, 1e-4, 0]
    >>> round(transient_energy(time, voltage, current), 15)
    1.98e-11
    """
    seconds, power = _power(time, voltage, current)
    return float(np.mean(np.trapezoid(power, seconds)))


def by_polarity(time: ArrayLike, voltage: ArrayLike, current: ArrayLike) -> tuple[float, float]:
    """Return the energies at positive and at negative voltage of waveforms that hold both.

    In a bipolar cell these are the SET and the RESET, the other way round where the RESET is
    positive. Their sum is the energy of the whole waveform. Parameters and errors are those of
    `transient_energy`.
    """
    volts = np.asarray(voltage, dtype=float)
    positive, negative = (
        transient_energy(time, part(volts, 0.0), current) for part in (np.maximum, np.minimum)
    )
    return positive, negative


def _power(
    time: ArrayLike, voltage: ArrayLike, current: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    seconds = np.asarray(time, dtype=float)
    volts, amperes = np.asarray(voltage, dtype=float), np.asarray(current, dtype=float)
    if (
        seconds.ndim != 1
        or seconds.size < 2
        or {volts.shape[-1:], amperes.shape[-1:]} != {seconds.shape}
    ):
        raise InputError(
            f"a waveform has {seconds.size:,} times, voltages of shape {volts.shape} and currents "
            f"of shape {amperes.shape}; accepted are at least 2 samples, as many of each."
        )
    for values, what in ((seconds, "time"), (volts, "voltage"), (amperes, "current")):
        if not np.isfinite(values).all():
            where = int(np.argmin(np.isfinite(values).reshape(-1, values.shape[-1]).all(axis=0)))
            raise InputError(f"sample {where + 1} of a waveform: the {what} is not a number.")
    steps = np.diff(seconds)
    if not (steps > 0).all():
        where = int(np.argmin(steps > 0)) + 2
        raise InputError(
            f"sample {where} of a waveform: the time {seconds[where - 1]:g} s is not after the "
            f"one before, {seconds[where - 2]:g} s."
        )
    return seconds, volts * amperes
