"""Where the programming of readings stands: in columns beside them, in rows above the header."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import quantity
from rramsim.readers.columns.headers import Column, Header, settings_by_unit
from rramsim.readers.columns.values import read_quantity_column
from rramsim.readers.table import RawTable
from rramsim.schema import Variable, rounded, settings
from rramsim.schema.file_columns import READ_FROM

if TYPE_CHECKING:
    import numpy as np

DIGITS = 6
"""Settings are written, and told apart, by as many digits."""


_UNITS = {"voltage": "V", "current": "A", "time": "s"}
# No pulse is longer, in seconds: a longer time is one of a retention.
_LONGEST_PULSE = 1.0
# A plan gives each of a few values to about as many readings, some of each state.
_MOST_VALUES, _LEAST_READINGS, _COUNTS_ALIKE = 20, 3, 3

READ_VOLTAGE = replace(
    next(column for column in READ_FROM if column.name == "read_voltage"),
    label="read voltage",
    symbol="Vread",
    sign="dropped",
)
"""No setting of the programming; but the resistance of a cell is another at another one."""


@dataclass(frozen=True)
class Source:
    """A table, its recognised columns by role, and for each reading its line in it."""

    table: RawTable
    columns: Mapping[str, Column]
    lines: np.ndarray


@dataclass(frozen=True)
class Rows:
    """The readings of a table: for each its line, its column and its state, `(readings,)`.

    `also` are further variables that tell conditions apart.
    """

    table: RawTable
    header: Header
    lines: np.ndarray
    columns: np.ndarray
    state: np.ndarray
    also: tuple[Variable, ...] = ()

    @property
    def sources(self) -> list[Source]:
        """The table, and what stands above its header."""
        own = [Source(self.table, self.header.columns, self.lines)]
        above = self.header.above
        return own if above is None else [*own, Source(above.table, above.columns, self.columns)]


@dataclass(frozen=True)
class Setting:
    """A setting that a file has: for each reading its number, NaN where it is blank.

    `position` is that of a column whose name is not known, else None.
    """

    variable: Variable
    header: str
    values: np.ndarray
    where: Callable[[int], str]
    position: int | None = None


def settings_of(rows: Rows) -> Iterator[Setting]:
    """Return the settings that the columns, or the rows above the header, have.

    Among them are the voltage at which cells were read, and columns whose name is not known and
    whose few values in volt, ampere or seconds were planned: as many readings of each.
    """
    for variable in (*settings(), READ_VOLTAGE, *rows.also):
        source = next((one for one in rows.sources if variable.name in one.columns), None)
        if source is not None:
            yield _numbers(variable, source)
    yield from _planned(rows)


def _planned(rows: Rows) -> Iterator[Setting]:
    """Return the columns with a unit of a setting and no known name that hold a plan."""
    for position, (name, kind, factor) in settings_by_unit(rows.header).items():
        unit = _UNITS[kind]
        variable = Variable(name, (), unit, "f", name, quantity=kind, label=name, symbol=name)
        header = rows.table.header[position]
        column = Column(name, header, position, kind, factor, unit_given=True)
        if not len(rows.table.columns[position]):
            continue
        try:
            setting = _numbers(variable, Source(rows.table, {name: column}, rows.lines))
        except InputError:
            # Not numbers throughout: a remark, whatever its header says.
            continue
        if _is_plan(setting.values, rows.state, kind):
            yield replace(setting, position=position)


def _is_plan(values: np.ndarray, state: np.ndarray, kind: str) -> bool:
    import numpy as np

    if not np.isfinite(values).all() or (kind == "time" and values.max() > _LONGEST_PULSE):
        return False
    distinct, codes = np.unique(values, return_inverse=True)
    if not 1 < len(distinct) <= _MOST_VALUES:
        return False
    counts = np.bincount(codes * 2 + state, minlength=2 * len(distinct)).reshape(-1, 2)
    totals = counts.sum(axis=1)
    is_even: bool = totals.max() <= _COUNTS_ALIKE * totals.min()
    return is_even and bool(counts.min() >= _LEAST_READINGS)


def _numbers(variable: Variable, source: Source) -> Setting:
    import numpy as np

    table, column, lines = source.table, source.columns[variable.name], source.lines
    values = read_quantity_column(
        table, column.position, factor=column.factor, offset=column.offset
    )
    if variable.sign == "dropped":
        values = np.abs(values)

    def where(reading: int) -> str:
        return table.where(int(lines[reading]), column.header)

    return Setting(variable, column.header, rounded(values)[lines], where)


def setting_in_words(setting: Variable, value: float) -> str:
    """Return a setting as it stands in the name of a condition.

    >>> setting_in_words(settings()[0], 55e-6)
    'Icc 55 µA'
    """
    # A person types the name, so it has an ordinary space.
    number = quantity(value, setting.unit, DIGITS).replace("\N{NO-BREAK SPACE}", " ")
    return f"{setting.symbol or setting.label} {number}"
