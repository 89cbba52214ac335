"""The conditions file: what is known of programming conditions without raw data.

Its TOML form has one ``[[condition]]`` table for each condition, physical quantities as texts
with their unit, and a BER or an endurance as a number or a bound::

    [[condition]]
    name = "weak"
    set_current = "20 uA"
    reference_resistance = "45 kOhm"
    ber = 3.3e-2
    endurance = ">1e6"
    set_waveform = ["pulse1.csv", "pulse2.csv"]  # measured: time, voltage, current
    waveform_covers = "cell and transistor"

Its CSV (or Excel) form has one row for each condition and the units in the headers; where
semicolons or tabs part the columns, commas may be decimal. What ``rramsim fit -o`` writes is taken
too, as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim.errors import InputError
from rramsim.files import read_toml
from rramsim.readers.columns.decimals import with_points
from rramsim.readers.columns.headers import (
    Column,
    conditions_file_columns,
    describe,
    names_accepted,
    recognise,
)
from rramsim.readers.formats.detect import read_grids
from rramsim.readers.formats.netcdf import is_netcdf, read_fitted_conditions
from rramsim.readers.shipped import resolve
from rramsim.readers.table import make_table
from rramsim.readers.waveforms import COVERS, waveform_energy
from rramsim.schema import Interval, check_label, did_you_mean, label_key, make
from rramsim.units import read_quantity, scaled, with_likely_unit

if TYPE_CHECKING:
    import xarray as xr

_WAVEFORMS = {"set_waveform": "set_energy", "reset_waveform": "reset_energy"}
WRITTEN_BY_A_FIT = "conditions.nc"
"""What a report of a fit calls its conditions."""

_TOP_LEVEL = ("condition", "title", "source")
_NUMBER = re.compile(r"\s*([<>]=?|≤|≥)?\s*((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")
# A BER can be known to be less than a number, an endurance to be more or less.
_BOUND_SIGNS = {"ber": "<", "endurance": "<>"}


@dataclass(frozen=True)
class _Condition:
    """One condition: quantities in SI (NaN: not stated), BER and endurance."""

    name: str
    quantities: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, str] = field(default_factory=dict)  # energies from waveforms: how
    ber: Interval = field(default_factory=Interval)
    endurance: Interval = field(default_factory=Interval)


def read_conditions(path: Path | str) -> xr.Dataset:
    """Read a conditions file, TOML, table or netCDF, into the dataset "conditions" of the schema.

    All figures of a TOML file or table are of basis "stated", but for energies integrated from
    waveforms that the file names, which are "measured" (``attrs["waveforms"]`` says over what).
    A BER that is only a bound is NaN with its bound in ``ber_high``; an endurance that is only a
    bound has the number and ``endurance_bound``. What ``rramsim fit -o`` wrote keeps its
    intervals, bases, bounds and ``attrs["lrs_share"]``, the share its BERs are for.

    Parameters
    ----------
    path : path or str
        A ``.toml`` file, a CSV or Excel table with a row for each condition, or the netCDF that
        ``rramsim fit -o`` writes; the folder of a fit's report; or the name of a shipped file.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    InputError
        With file, condition and key, for anything missing, unknown, or of the wrong unit.

    Examples
    --------
    >>> import rramsim
    >>> conditions = rramsim.read_conditions("table1")
    >>> conditions["condition"].values.tolist()
    ['very strong', 'strong', 'weak']
    >>> float(conditions["ber"].sel(condition="weak"))
    0.033
    """
    path = conditions_file(path)
    if is_netcdf(path):
        fitted = read_fitted_conditions(path)
        _check_names([str(name) for name in fitted["condition"].values], place=path.name)
        return fitted
    conditions = _from_toml(path) if path.suffix.lower() == ".toml" else _from_table(path)
    _check_names([condition.name for condition in conditions], place=path.name)
    return _dataset(conditions)


def conditions_file(name: Path | str) -> Path:
    """Return the file of conditions: of that path or shipped name, or in that folder of a report.

    Raises
    ------
    InputError
        If there is neither such a file nor such a set.
    """
    if isinstance(name, str | Path) and (Path(name) / WRITTEN_BY_A_FIT).is_file():
        return Path(name) / WRITTEN_BY_A_FIT
    return resolve(name)


def waveform_files(path: Path) -> dict[str, Path]:
    """Return the files of the waveforms that a conditions file names, by their names in it.

    Parameters
    ----------
    path : Path
        A conditions file that `read_conditions` reads.
    """
    if path.suffix.lower() != ".toml":
        return {}
    named = [
        table[key]
        for table in read_toml(path).get("condition", [])
        for key in _WAVEFORMS
        if key in table
    ]
    names = [name for one in named for name in ([one] if isinstance(one, str) else one)]
    return {name: path.parent / name for name in names}


def _check_names(names: Sequence[str], *, place: str) -> None:
    if not names:
        raise InputError(
            f"{place}: no condition was found; accepted are [[condition]] tables with a name."
        )
    for name in names:
        check_label(name, place)
    keys = [label_key(name) for name in names]
    for name, key in zip(names, keys, strict=True):
        if keys.count(key) > 1:
            raise InputError(f"{place}: the condition {name!r} is given {keys.count(key)} times.")


def _from_toml(path: Path) -> list[_Condition]:
    content = read_toml(path)
    for key in content:
        if key not in _TOP_LEVEL:
            raise InputError(
                f"{path.name}: the key {key!r} is not known.{did_you_mean(key, _TOP_LEVEL)} "
                f"Accepted are {', '.join(_TOP_LEVEL)}. "
                "Figures belong under a line [[condition]]."
            )
    tables = content.get("condition", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(
            f"{path.name}: condition = {tables!r} was found; accepted are [[condition]] tables."
        )
    return [
        _from_mapping(table, place=f"{path.name}, condition {number}", folder=path.parent)
        for number, table in enumerate(tables, start=1)
    ]


def _from_mapping(table: Mapping[str, Any], *, place: str, folder: Path) -> _Condition:
    name = table.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InputError(f'{place}: it has no name, such as name = "weak".')
    place = f"{place} ({name.strip()!r})"
    columns = conditions_file_columns()
    accepted = (*columns, *_WAVEFORMS, "waveform_covers")
    for key in table:
        if key not in accepted:
            raise InputError(
                f"{place}: the key {key!r} is not known.{did_you_mean(key, accepted)} Accepted are "
                f"{', '.join(accepted)}."
            )
    quantities = {}
    for key, value in table.items():
        quantity = columns[key].quantity if key in columns else None
        if quantity is not None:
            quantities[key] = _quantity_of(value, key, quantity=quantity, place=place)
    energies = _waveform_energies(table, place=place, folder=folder)
    return _Condition(
        name=name.strip(),
        quantities=quantities | {key: joule for key, (joule, _) in energies.items()},
        measured={key: how for key, (_, how) in energies.items()},
        ber=_figure(table.get("ber"), "ber", place=place),
        endurance=_figure(table.get("endurance"), "endurance", place=place),
    )


def _waveform_energies(
    table: Mapping[str, Any], *, place: str, folder: Path
) -> dict[str, tuple[float, str]]:
    """Return the energies of the waveforms that a condition names, and how they were made."""
    covers = table.get("waveform_covers")
    energies = {}
    for key, energy in _WAVEFORMS.items():
        if key not in table:
            continue
        if energy in table:
            raise InputError(f"{place}: both {key} and {energy} are given; keep one.")
        if covers not in COVERS:
            raise InputError(
                f"{place}: waveform_covers = {covers!r} was found; say what the voltage was "
                f"measured over: {' or '.join(map(repr, COVERS))}."
            )
        names = [table[key]] if isinstance(table[key], str) else table[key]
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise InputError(f"{place}, {key}: accepted is the name of a file, or a list of them.")
        joules = [waveform_energy(folder / name) for name in names]
        how = f"mean integral of V(t) I(t) of {len(joules)} measured pulses over {covers}"
        energies[energy] = sum(joules) / len(joules), how
    return energies


def _quantity_of(value: object, key: str, *, quantity: str, place: str) -> float:
    if not isinstance(value, str):
        number = math.nan
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = float(value)
        example = with_likely_unit(number, quantity)
        raise InputError(
            f"{place}: {key} = {value!r} has no unit; write the number and its unit as a text, "
            f'such as {key} = "{example}".'
        )
    try:
        return _checked(read_quantity(value, quantity), key, text=value, place=place)
    except InputError as error:
        raise InputError(f"{place}, {key}: {error}") from error


def _checked(value: float, key: str, *, text: object, place: str) -> float:
    if not 0 < value < float("inf"):
        raise InputError(
            f"{place}, {key}: {text!r} was found; accepted is a finite {describe(key)} above 0."
        )
    return value


def _figure(value: object, key: str, *, place: str) -> Interval:
    """Return a BER or an endurance, which may be a number, a bound, or not known (None)."""
    if value is None or value == "":
        return Interval()
    matched = None if isinstance(value, bool) else _NUMBER.fullmatch(str(value))
    number = float(matched[2]) if matched else float("nan")
    given = {"≤": "<", "≥": ">"}.get(matched[1], matched[1]) if matched and matched[1] else ""
    limit = 1.0 if key == "ber" else float("inf")
    if not 0 <= number <= limit or number == float("inf") or given[:1] not in _BOUND_SIGNS[key]:
        range_accepted = "from 0 to 1" if key == "ber" else "from 0 on"
        example = "<1e-6" if key == "ber" else ">1e4"
        raise InputError(
            f"{place}, {key}: {value!r} was found; accepted is a number {range_accepted} without "
            f'a unit, or a bound such as "{example}".'
        )
    if not given:
        return Interval(estimate=number)
    # A bound on the BER stands where its upper end does, one on the endurance is the number.
    if key == "ber":
        return Interval(high=number, bound="upper")
    return Interval(estimate=number, bound="lower" if given[:1] == ">" else "upper")


def _from_table(path: Path) -> list[_Condition]:
    grid = next(grid for grid in read_grids(path) if grid.records)
    header = tuple(text.strip() for text in grid.records[0])
    place = f"{grid.place}, row {grid.row_numbers[0]}"
    by_role = recognise(header, conditions_file_columns(), place=place)
    _check_header(header, by_role, place=place)
    table = make_table(grid, header, start=1)
    columns = {
        role: list(table.columns[column.position])
        if role == "name"
        else with_points(table, column.position)
        for role, column in by_role.items()
    }
    return [
        _from_row(
            {role: texts[index].strip() for role, texts in columns.items()},
            by_role,
            place=f"{grid.place}, row {row}",
        )
        for index, row in enumerate(table.row_numbers)
    ]


def _check_header(header: Sequence[str], by_role: Mapping[str, Column], *, place: str) -> None:
    columns = conditions_file_columns()
    if {"ber_less_than", "ber_method"} <= set(header):
        raise InputError(
            f"{place}: this table is the copy for spreadsheets that a report of a fit has. Give "
            f"the {WRITTEN_BY_A_FIT} beside it, which also holds the rest of the result."
        )
    if "name" not in by_role:
        raise InputError(
            f"{place}: no column holds the condition's name. Headers found: "
            f"{', '.join(map(repr, header[:30]))}. Accepted: "
            f"{names_accepted(columns, *columns)}."
        )
    used = {column.position for column in by_role.values()}
    for position, text in enumerate(header):
        if text and position not in used:
            raise InputError(
                f"{place}: the column {text!r} is not known; accepted are "
                f"{names_accepted(columns, *columns)}."
            )
    for column in by_role.values():
        if column.quantity is not None and not column.unit_given:
            unit = with_likely_unit(math.nan, column.quantity).split(" ")[1]
            raise InputError(
                f"{place}: the column {column.header!r} names no unit; write it in the header, "
                f"such as {column.header + f' ({unit})'!r}."
            )


def _from_row(cells: Mapping[str, str], by_role: Mapping[str, Column], *, place: str) -> _Condition:
    name = cells["name"]
    if not name:
        raise InputError(f"{place}, column {by_role['name'].header!r}: the condition has no name.")
    place = f"{place} ({name!r})"
    quantities = {}
    for role, column in by_role.items():
        if column.quantity is not None and cells[role]:
            matched = _NUMBER.fullmatch(cells[role])
            if matched is None or matched[1]:
                raise InputError(
                    f"{place}, column {column.header!r}: {cells[role]!r} is not a number; "
                    "accepted is a number without a unit."
                )
            value = scaled(float(matched[2]), column.factor)
            quantities[role] = _checked(value, role, text=cells[role], place=place)
    return _Condition(
        name=name,
        quantities=quantities,
        ber=_figure(cells.get("ber"), "ber", place=place),
        endurance=_figure(cells.get("endurance"), "endurance", place=place),
    )


def _dataset(conditions: Sequence[_Condition]) -> xr.Dataset:
    nan = float("nan")

    unknown = [nan] * len(conditions)
    quantities = {
        key: [condition.quantities.get(key, nan) for condition in conditions]
        for key, column in conditions_file_columns().items()
        if column.quantity is not None
    }
    basis = {
        f"{key}_basis": [
            "measured" if key in condition.measured else "unknown" if value != value else "stated"
            for condition, value in zip(conditions, quantities[key], strict=True)
        ]
        for key in ("set_energy", "reset_energy")
    }
    bers = [condition.ber for condition in conditions]
    endurances = [condition.endurance for condition in conditions]
    cycles = [endurance.estimate for endurance in endurances]
    return make(
        "conditions",
        {
            **quantities,
            **basis,
            "reference_basis": [
                "" if ohm != ohm else "stated" for ohm in quantities["reference_resistance"]
            ],
            "ber": [ber.estimate for ber in bers],
            "ber_low": unknown,
            "ber_high": [ber.high for ber in bers],
            "ber_basis": ["stated"] * len(conditions),
            "ber_bound": [ber.bound for ber in bers],
            "ber_extrapolated": [0] * len(conditions),
            "ber_lrs": unknown,
            "ber_hrs": unknown,
            "endurance": cycles,
            "endurance_basis": ["unknown" if value != value else "stated" for value in cycles],
            "endurance_bound": [endurance.bound for endurance in endurances],
            "origin": ["none"] * len(conditions),
        },
        {"condition": [condition.name for condition in conditions]},
        {"waveforms": " ".join(_waveform_sentences(conditions))},
    )


def _waveform_sentences(conditions: Sequence[_Condition]) -> list[str]:
    return [
        f"{condition.name}: {describe(energy)} is the {how}."
        for condition in conditions
        for energy, how in condition.measured.items()
    ]
