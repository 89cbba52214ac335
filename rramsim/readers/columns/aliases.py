"""The columns that files may have, and the headers accepted for each: from the schema's register.

What is computed while reading (a current, a flag) is no variable of a dataset and stands here.
"""

from __future__ import annotations

from collections.abc import Mapping

from rramsim.schema import DATASETS, Variable
from rramsim.units import QUANTITIES


def file_column(name: str, aliases: tuple[str, ...], quantity: str | None = None) -> Variable:
    """Return a column that files have and no dataset, with its accepted headers."""
    unit = "1" if quantity is None else QUANTITIES[quantity].symbols[0]
    kind = "U" if quantity is None else "f"
    meaning = name.replace("_", " ")
    return Variable(name, ("reading",), unit, kind, meaning, quantity=quantity, aliases=aliases)


STATE_COLUMNS: Mapping[str, Variable] = {
    column.name: column
    for column in (
        file_column(
            "lrs_resistance",
            ("LRS", "R LRS", "LRS R", "LRS resistance", "resistance LRS", "R on", "R after SET"),
            "resistance",
        ),
        file_column(
            "hrs_resistance",
            ("HRS", "R HRS", "HRS R", "HRS resistance", "resistance HRS", "R off", "R after RESET"),
            "resistance",
        ),
        *(
            file_column(
                f"{state.lower()}_{quantity}",
                (
                    *(f"{letter} {state}", f"{state} {letter}"),
                    *(f"{state} {quantity}", f"{quantity} {state}"),
                ),
                quantity,
            )
            for quantity, letter in (("current", "I"), ("conductance", "G"))
            for state in ("LRS", "HRS")
        ),
    )
}
"""The columns of the wide form, with readings of one state each."""

_READ_FROM = (
    file_column("conductance", ("conductance", "G", "G read", "read conductance"), "conductance"),
    file_column("current", ("current", "I", "I read", "read current"), "current"),
    file_column("read_voltage", ("read voltage", "V read", "U read"), "voltage"),
    file_column("over_range_flag", ("over range", "overrange", "overflow", "overload")),
    file_column("compliance_flag", ("in compliance", "compliance reached", "compliance flag")),
    file_column("status", ("status", "flag", "flags", "reading status", "measurement status")),
)
_NAME = file_column("name", ("name", "condition", "programming condition"))
# The order in which messages list the columns; what is not named here (settings, energies) follows.
_ORDER = (
    *("condition", "state", "resistance", "conductance", "current", "read_voltage", "row"),
    *("column", "cell", "cycle", "die", "time", "temperature", "pulses", "failed"),
    *("over_range_flag", "compliance_flag", "status"),
)


def measurement_columns() -> dict[str, Variable]:
    """Return the columns of a measurement file, but for those of `STATE_COLUMNS`, by role.

    Case and punctuation of a header do not matter.
    """
    columns = {variable.name: variable for variable in DATASETS["readings"] if variable.aliases}
    columns |= {column.name: column for column in _READ_FROM}
    others = (name for name in columns if name not in _ORDER)
    return {name: columns[name] for name in (*_ORDER, *others)}


def conditions_file_columns() -> dict[str, Variable]:
    """Return the columns of a conditions file, which are the keys of its TOML form."""
    columns = {variable.name: variable for variable in DATASETS["conditions"] if variable.aliases}
    return {"name": _NAME, **columns}
