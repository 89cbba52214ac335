"""Where the programming of readings stands: in columns beside them, in rows above the header."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rramsim.formatting import quantity
from rramsim.readers.columns.headers import Column, Header
from rramsim.readers.columns.values import read_quantity_column
from rramsim.readers.table import RawTable
from rramsim.schema import Variable, rounded, settings

if TYPE_CHECKING:
    import numpy as np

DIGITS = 6
"""Settings are written, and told apart, by as many digits."""


@dataclass(frozen=True)
class Source:
    """A table, its recognised columns by role, and for each reading its line in it."""

    table: RawTable
    columns: Mapping[str, Column]
    lines: np.ndarray


@dataclass(frozen=True)
class Rows:
    """The readings of a table: for each its line, its column and its state, `(readings,)`."""

    table: RawTable
    header: Header
    lines: np.ndarray
    columns: np.ndarray
    state: np.ndarray

    @property
    def sources(self) -> list[Source]:
        """The table, and what stands above its header."""
        own = [Source(self.table, self.header.columns, self.lines)]
        above = self.header.above
        return own if above is None else [*own, Source(above.table, above.columns, self.columns)]


@dataclass(frozen=True)
class Setting:
    """A setting that a file has: for each reading its number, NaN where it is blank."""

    variable: Variable
    header: str
    values: np.ndarray
    where: Callable[[int], str]


def settings_of(rows: Rows) -> Iterator[Setting]:
    """Return the settings that the columns, or the rows above the header, have."""
    for variable in settings():
        source = next((one for one in rows.sources if variable.name in one.columns), None)
        if source is not None:
            yield _numbers(variable, source)


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
