"""What a fit and a study start from: readings, stated conditions, and how cells are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from rramsim.device.populations.fit import leave_out_incomplete
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import ArgumentError, InputError, refused, shown
from rramsim.files import sha256_of_dataset, sha256_of_file
from rramsim.measurements import Measured
from rramsim.readers.conditions import conditions_file, read_conditions, waveform_files
from rramsim.readers.formats.netcdf import is_netcdf
from rramsim.readers.measurements import is_frame, paths_of, read_measurements
from rramsim.schema import SchemaError, check_label, did_you_mean, spelled_as, validate
from rramsim.study.reading import ReadingTable
from rramsim.study.settings_files import build, merged
from rramsim.units import read_quantity

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


Sources: TypeAlias = tuple[tuple[str, str], ...]
"""Names and SHA-256 of what was read."""


class Fitted(Protocol):
    """A fit, as `rramsim.fit` gives it, for its readings."""

    @property
    def measured(self) -> Measured:
        """The readings."""


Readings: TypeAlias = "Measured | Fitted | str | Path | Sequence[str | Path] | pd.DataFrame"
"""Readings as a person gives them: in memory, or files or names of shipped sets to read."""


def given_readings(measured: object, *, name: str) -> Measured | pd.DataFrame | list[str]:
    """Return the readings, or the files to read, that a person gives; those of a fit are taken.

    Raises
    ------
    InputError
        If they are neither; `name` is what the message calls the argument.
    """
    measured = getattr(measured, "measured", measured)
    if isinstance(measured, Measured) or is_frame(measured):
        return measured
    return [str(path) for path in paths_of(measured, name=name)]


def reading_table(
    reading: ReadingTable | Mapping[str, Any] | None = None, **by_name: Any
) -> ReadingTable:
    """Return how files are to be read; what is given by name comes before the table.

    Raises
    ------
    InputError
        If there is no such option, or one of another kind.

    Examples
    --------
    >>> reading_table({"floor": "1 kOhm"}, over_range=1e5).over_range
    '100000.0 ohm'
    """
    if isinstance(reading, ReadingTable):
        reading = reading.model_dump(exclude_unset=True)
    if not isinstance(reading, Mapping | None):
        raise refused("reading", reading, "a table of the options of read_measurements")
    return build(ReadingTable, merged(reading or {}, by_name), None)


def readings_of(
    measured: Measured | pd.DataFrame | list[str], reading: ReadingTable | None = None
) -> tuple[Measured, Sources]:
    """Return readings of the conditions that have both states, and what they were read from.

    Readings in memory have a digest of their own: it says how their files were read.

    Raises
    ------
    InputError
        For the first thing that cannot be used.
    """
    in_memory = not isinstance(measured, list)
    table = reading or ReadingTable()
    if isinstance(measured, Measured):
        _check_unread(table)
    else:
        measured = read_measurements(measured, **dict(table))
    sources = measured.sources
    if in_memory:
        sources = (*sources, ("readings in memory", sha256_of_dataset(measured.readings)))
    return leave_out_incomplete(measured), sources


def _check_unread(reading: ReadingTable) -> None:
    """Refuse options for readings that were read already: they would change nothing."""
    for name, value in reading:
        if value not in (None, ()):
            raise InputError(
                f"{name} is {shown(value)}, but the readings are in memory and were read without "
                "it; give it to read_measurements, which reads the files."
            )


def study_inputs(
    measured: Measured | pd.DataFrame | list[str] | None,
    conditions: xr.Dataset | str | Path | None,
    *,
    reading: ReadingTable,
    lrs_share: float,
) -> tuple[Measured | None, xr.Dataset | None, Sources]:
    """Return the readings and the stated conditions of a study, and what they were read from.

    Raises
    ------
    InputError
        If neither is given, or one cannot be used.
    """
    stated, sources = stated_conditions(conditions, lrs_share=lrs_share)
    if measured is None:
        if stated is None:
            raise InputError("neither measurements nor conditions are given.")
        return None, stated, sources
    readings, files = readings_of(measured, reading)
    return readings, stated, (*files, *sources)


def use_of_cells(
    *,
    reference: str | None = None,
    reference_spread: float = 0.0,
    offset: float = 0.0,
    lrs_share: float = 0.5,
    read_pulse: str | None = None,
) -> ReadConditions:
    """Return how cells are read in use, of the settings of a table `use` and of a read pulse.

    Examples
    --------
    >>> use_of_cells(reference="25 kOhm", read_pulse="0.2 V, 10 ns").read_time
    1e-08
    """
    volt, second = _read_pulse(read_pulse)
    return ReadConditions(
        lrs_share=lrs_share,
        reference_resistance=quantity(reference, "resistance", name="reference"),
        reference_spread=reference_spread,
        offset_spread=offset,
        read_voltage=volt,
        read_time=second,
    )


def _read_pulse(text: str | None) -> tuple[float | None, float | None]:
    if text is None:
        return None, None
    parts = text.replace(";", ",").split(",")
    if len(parts) != 2:
        raise refused(
            "read_pulse", text, 'a voltage and a time with their units, such as "0.2 V, 10 ns"'
        )
    voltage, time = parts
    return (
        quantity(voltage, "voltage", name="read_pulse"),
        quantity(time, "time", name="read_pulse"),
    )


def stated_conditions(
    conditions: xr.Dataset | str | Path | None, *, lrs_share: float
) -> tuple[xr.Dataset | None, Sources]:
    """Return stated conditions, read where a file is named, with its files and their SHA-256.

    Raises
    ------
    InputError
        If the file cannot be used, or its BERs were fitted for another share of LRS cells.
    """
    if conditions is None:
        return None, ()
    if not isinstance(conditions, str | Path):
        _check_stated(conditions)
        _check_share(conditions, lrs_share, place="the conditions")
        return conditions, (("conditions in memory", sha256_of_dataset(conditions)),)
    path = conditions_file(conditions)
    stated = read_conditions(path)
    _check_share(stated, lrs_share, place=path.name)
    waveforms = {} if is_netcdf(path) else waveform_files(path)
    files = {path.name: path} | {f"waveform {name}": file for name, file in waveforms.items()}
    return stated, tuple((name, sha256_of_file(file)) for name, file in files.items())


def named_condition(conditions: xr.Dataset, name: str) -> xr.Dataset:
    """Return the row of a condition, however its unit is spelled.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    names = conditions["condition"].values.astype(str).tolist()
    spelled = spelled_as(name, names) if isinstance(name, str) else name
    if spelled not in names:
        meant = did_you_mean(name, names) if isinstance(name, str) else ""
        words = f" is {shown(name)}; accepted: {', '.join(map(repr, names))}.{meant}"
        raise ArgumentError("condition", words)
    return conditions.sel(condition=spelled)


def _check_stated(conditions: object) -> None:
    import xarray as xr

    if not isinstance(conditions, xr.Dataset):
        accepted = "a conditions file, the name of a shipped one, or what read_conditions gives"
        raise refused("conditions", conditions, accepted)
    try:
        validate(conditions, "conditions")
        for name in conditions["condition"].values:
            check_label(str(name), "conditions")
    except SchemaError as error:
        raise InputError(
            f"conditions: this dataset is not one of conditions ({error}); accepted is what "
            "read_conditions gives, or the conditions of a fit."
        ) from error


def _check_share(conditions: xr.Dataset, lrs_share: float, *, place: str) -> None:
    """Refuse BERs that weigh the errors of LRS and HRS cells otherwise than they are in use."""
    fitted_for = float(conditions.attrs.get("lrs_share", lrs_share))
    if fitted_for != lrs_share:
        raise InputError(
            f"{place}: its BERs hold for cells of which {100 * fitted_for:g} % are in LRS, and "
            f"here {100 * lrs_share:g} % are; give --lrs-share {fitted_for:g}, or fit the cells "
            "again."
        )


def quantity(text: str | None, kind: str, *, name: str) -> float | None:
    """Return a quantity in SI units, None for none; `InputError` without a unit of its kind.

    `name` is what the message calls it.
    """
    if text is None:
        return None
    try:
        return read_quantity(text, kind)
    except InputError as error:
        raise ArgumentError(name, f": {error}") from error
