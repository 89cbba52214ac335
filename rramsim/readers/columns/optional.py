"""What a table says of its readings beside the resistance: programming, place, time, failures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.readers.columns.cell_ids import CellNames
from rramsim.readers.columns.headers import Column, Header
from rramsim.readers.columns.values import (
    is_surely_name,
    read_counts,
    read_failed,
    read_quantity_column,
)
from rramsim.readers.table import RawTable
from rramsim.schema import DATASETS

if TYPE_CHECKING:
    import numpy as np


def read_extras(
    table: RawTable, header: Header, lines: np.ndarray, state: np.ndarray, notes: list[Note]
) -> dict[str, np.ndarray]:
    """Return the optional variables that a table has, each ``(readings,)``, but for the die.

    Parameters
    ----------
    table : RawTable
    header : Header
        With the meaning of its columns.
    lines : ndarray of int, shape (readings,)
        The line of the table each reading is from.
    state : ndarray of int, shape (readings,)
        0 for LRS, 1 for HRS.
    notes : list of Note
        What was assumed is added here.

    Raises
    ------
    InputError
        For a value that cannot be, with its row.
    """
    import numpy as np

    more: dict[str, np.ndarray] = {}
    for variable in DATASETS["readings"]:
        column = header.columns.get(variable.name)
        if column is None or variable.quantity is None or not variable.optional:
            continue
        values = _quantity(table, column, variable.sign, notes)[lines]
        if header.is_wide and variable.group == "energy":
            # A row of the wide form is one SET and one RESET: each energy counts once.
            values = np.where(state == (0 if column.role == "set_energy" else 1), values, np.nan)
        more[variable.name] = values
    if "pulses" in header.columns:
        pulses = counts_of(table, header, "pulses", lines)
        more["pulses"] = np.where(pulses < 0, np.nan, pulses.astype(float))
    if "failed" in header.columns:
        failed = read_failed(table, header.columns["failed"].position)[lines]
        more["failed"] = failed
        count = int(failed.sum())
        if count:
            word = "reading marked as failed is" if count == 1 else "readings marked as failed are"
            text = f"{count:,} {word} kept in the populations."
            values = {"readings": count}
            notes.append(Note(text, kind="failed", file=table.place, values=values))
    return more


# Rows at the end of a table that may sum up the others, and how many others there must be.
_MOST_TOTALS, _LEAST_SUMMED = 6, 5
# Larger numbers are written with an exponent.
_PLAIN = 1e15


def counts_of(table: RawTable, header: Header, role: str, lines: np.ndarray) -> np.ndarray:
    """Return the whole numbers of a column, -1 where there is none."""
    import numpy as np

    column = header.columns.get(role)
    if column is None:
        return np.full(len(lines), -1, dtype=np.int64)
    counts: np.ndarray = read_counts(table, column.position)[lines]
    return counts


def cells_of(
    table: RawTable,
    header: Header,
    lines: np.ndarray,
    columns: np.ndarray,
    *,
    bit_lines: int | None,
) -> CellNames:
    """Return the cells of the readings: names or addresses, rows and columns, dice.

    With `bit_lines`, an address is ``row * bit_lines + column``. `lines` and `columns` say where
    a reading stands: the line of the table and the position in `header.readings`.

    Raises
    ------
    InputError
        If an address is not a whole number although `bit_lines` is given.
    """
    import numpy as np

    row, column = (
        counts_of(table, header, role, lines) if role in header.columns else None
        for role in ("row", "column")
    )
    die = _names(table, header, "die", lines)
    by_header = [column.cell for column in header.readings]
    if any(name is not None for name in by_header):
        names = np.array([name or "" for name in by_header], dtype=object)
        return CellNames(names[columns], None, None, die)
    if "cell" not in header.columns:
        _refuse_summaries_of_unused(table, header)
        both = row is not None and column is not None
        return CellNames(None, row if both else None, column if both else None, die)
    if bit_lines is not None:
        address = counts_of(table, header, "cell", lines)
        known = address >= 0
        row = np.where(known, address // bit_lines, -1)
        column = np.where(known, address % bit_lines, -1)
    _refuse_unnamed_totals(table, header)
    return CellNames(_names(table, header, "cell", lines), row, column, die)


def _refuse_unnamed_totals(table: RawTable, header: Header) -> None:
    """Refuse a row at the end that names no cell and holds the mean, or the like, of the others."""
    import numpy as np

    cells = table.columns[header.columns["cell"].position]
    count = len(cells)
    unnamed = [
        line for line in range(max(count - _MOST_TOTALS, 0), count) if _is_blank(cells[line])
    ]
    if not unnamed or _is_blank(cells[0]) or count - len(unnamed) < _LEAST_SUMMED:
        return
    try:
        columns = [
            np.asarray(read_quantity_column(table, column.position, factor=1.0))
            for column in header.readings
        ]
    except InputError:
        return
    for line in unnamed:
        whats = [
            _sums_of(np.delete(values, unnamed), values[line], is_alone=len(columns) == 1)
            for values in columns
        ]
        for what in sorted(set.intersection(*whats)):
            raise InputError(
                f"{table.place}, row {table.row_numbers[line]}: the row names no cell, and its "
                f"numbers are the {what} of those above. Remove such rows from the table."
            )


def _is_blank(cell: object) -> bool:
    return str(cell).strip() in ("", "nan")


def _sums_of(values: np.ndarray, number: float, *, is_alone: bool) -> set[str]:
    """Return of which sums of values a number is the rounded one."""
    import numpy as np

    known = values[np.isfinite(values)]
    if known.size < _LEAST_SUMMED or not np.isfinite(number):
        return set()
    sums = {"mean": known.mean(), "sum": known.sum(), "standard deviation": known.std(ddof=1)}
    if not is_alone:
        # A cell alone may as well be one of these.
        sums |= {"median": np.median(known), "minimum": known.min(), "maximum": known.max()}
    digits = len(repr(float(number)).partition(".")[2]) if abs(number) < _PLAIN else 0
    half = 0.5000001 * 10.0**-digits if digits > 1 or number % 1 else 0.5000001
    return {what for what, value in sums.items() if abs(value - number) <= half}


def _names(table: RawTable, header: Header, role: str, lines: np.ndarray) -> np.ndarray | None:
    import numpy as np

    if role not in header.columns:
        return None
    position = header.columns[role].position
    names = _whole_numbers(table, position)
    if names is None:
        # Names such as "A8-04" are as good as numbers: they only have to be told apart.
        texts = table.columns[position]
        names = np.array([str(text).strip() for text in texts], dtype=object)
        if role == "cell":
            _refuse_summaries(table, position, names)
    return np.asarray(names[lines])


def _whole_numbers(table: RawTable, position: int) -> np.ndarray | None:
    """Return a column of whole numbers, None where its texts are others."""
    import numpy as np

    texts = table.columns[position]
    are_numbers = isinstance(texts, np.ndarray) and texts.dtype.kind == "f"
    if not are_numbers and len(texts) and is_surely_name(str(texts[0])):
        # To look at a million names one by one for numbers would take seconds.
        return None
    try:
        return read_counts(table, position)
    except InputError:
        if are_numbers:
            # Not whole numbers: as names they count as they are written, so split line by line.
            raise
        return None


def _refuse_summaries_of_unused(table: RawTable, header: Header) -> None:
    """Look for rows that sum up others in a first column without a meaning: "No", "Sample"."""
    import numpy as np

    if 0 not in header.unused() or 0 in header.left_out or not len(table.columns[0]):
        return
    texts = table.columns[0]
    if isinstance(texts, np.ndarray) and texts.dtype.kind == "f":
        return
    _refuse_summaries(table, 0, np.array([str(text).strip() for text in texts], dtype=object))


_SUMMARIES = frozenset(
    (
        *(
            "mean",
            "average",
            "avg",
            "ave",
            "median",
            "std",
            "stdev",
            "stddev",
            "sd",
            "sem",
            "sigma",
        ),
        *("cv", "rsd", "dev", "deviation", "standard", "variance", "var", "geomean", "geometric"),
        *("min", "max", "minimum", "maximum", "sum", "total", "count", "range", "error", "spec"),
        *("specification", "limit", "limits", "target", "yield", "percentile", "quartile", "mode"),
        *("harmonic", "overall", "summary", "statistics", "statistic", "stats", "all", "cells"),
        *("mittelwert", "mittel", "standardabweichung", "stabw", "summe", "anzahl", "streuung"),
        *("mittelwerte", "grenzwert", "ausbeute", "gesamt", "varianz", "zentralwert"),
        *("moyenne", "médiane", "ecart", "écart", "type", "somme", "nombre", "rendement"),
        *("promedio", "media", "mediana", "desviación", "desviacion", "estándar", "estandar"),
        *("suma", "mínimo", "máximo", "mittlere", "deviazione", "somma", "scarto"),
        *("среднее", "медиана", "сумма", "минимум", "максимум", "平均", "平均值", "平均値"),
        *("标准差", "標準偏差", "中位数", "中央値", "合计", "合計", "总计", "方差", "分散"),
        *("最大", "最小", "最大值", "最小值", "最大値", "最小値", "평균", "표준편차", "중앙값"),
    )
)
"""Words for a row that sums up others, where they stand in the column of cells."""

_BESIDE_THEM = frozenset(("of", "and", "or", "the", "n", "for", "in", "from", "r", "lrs", "hrs"))


def _sums_up(name: str) -> bool:
    """Whether a name is made of words for a summary: "Mean±sd", "Average of 30", "Yield (%)"."""
    words = set(re.findall(r"[^\W\d_]+", name.casefold()))
    # "Dev 3" and "all cells 2" are cells; a word that also names them needs another one.
    also_of_cells = {"dev", "all", "cells", "type", "standard", "target"}
    known = words & _SUMMARIES
    return bool(known - also_of_cells) and words <= _SUMMARIES | _BESIDE_THEM


def _refuse_summaries(table: RawTable, position: int, names: np.ndarray) -> None:
    """Refuse a row that sums up others: as a reading of a cell it would count with them.

    Among cells with numbers, any text is taken for such a row.
    """
    filled = [name for name in names if name]
    numbers = [name for name in filled if re.fullmatch(r"\d+", name)]
    texts = [name for name in filled if not re.fullmatch(r"\d+", name)]
    are_numbered = len(numbers) > max(1, len(texts))
    for name in dict.fromkeys(texts):
        if _sums_up(name):
            what = "is no cell but a summary of others; remove such rows from the table."
        elif are_numbered or (len(numbers) > 1 and not re.search(r"\d", name)):
            what = (
                "was found among numbers of cells. Remove the row if it is a summary of others; "
                "else give the cell a number."
            )
        else:
            continue
        line = int((names == name).argmax())
        raise InputError(f"{table.where(line, table.header[position])}: {name!r} {what}")


def _accepted(column: Column, sign: str) -> str:
    """Return the numbers that a column may hold."""
    if sign == "dropped":
        return "a finite number"
    if column.offset:
        return (
            f"a finite number {'above' if sign == 'positive' else 'from'} {-column.offset:g} (0 K)"
        )
    return f"a finite number {'above 0' if sign == 'positive' else 'from 0 on'}"


def _quantity(table: RawTable, column: Column, sign: str, notes: list[Note]) -> np.ndarray:
    import numpy as np

    values = read_quantity_column(
        table, column.position, factor=column.factor, offset=column.offset
    )
    refused = np.isinf(values)
    if sign != "dropped":
        refused |= values < 0
    if sign == "positive":
        refused |= values == 0
    if refused.any():
        line = int(refused.argmax())
        text = str(table.columns[column.position][line])
        raise InputError(
            f"{table.where(line, column.header)}: {text!r} was found; accepted is "
            f"{_accepted(column, sign)}."
        )
    if (values < 0).any():
        text = f"the sign of {column.header!r} is dropped; its magnitude is used."
        notes.append(Note(text, kind="sign dropped", file=table.place))
    magnitudes: np.ndarray = np.abs(values)
    return magnitudes
