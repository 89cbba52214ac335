"""The body of a long text table, split into columns of numbers in one go by pandas' C parser."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from rramsim.readers.table import Grid


@dataclass(frozen=True)
class Body:
    """A long table whose regular lines are split by column; what is not regular goes line by line.

    Attributes
    ----------
    text : str
        The whole file, lines ending in a newline.
    separator : str
        Between columns.
    lines : tuple of int
        Position in the file of the line of each record of the head.
    head : list of list of str
        The first records.
    whole : callable
        Splits every line, and tells the row of one that cannot be split.
    """

    text: str
    separator: str
    lines: tuple[int, ...]
    head: list[list[str]]
    whole: Callable[[], Grid]

    def columns(
        self, *, skip: int, width: int, numbers: Sequence[int], labels: Sequence[int]
    ) -> list[np.ndarray] | None:
        """Return the used columns below the first `skip` records, or None where it is not regular.

        Parameters
        ----------
        skip : int
            Records of the head that are no readings.
        width : int
            Number of columns.
        numbers, labels : sequence of int
            Columns to split as numbers where they are numbers throughout, and as texts.

        Returns
        -------
        list of ndarray, or None
            Floats (NaN: blank) or texts, `(rows,)`; empty for a column that is not used.
        """
        import numpy as np
        import pandas as pd

        used = sorted({*numbers, *labels})
        irregular = (
            not used
            or skip >= len(self.head)
            or any(len(record) != width for record in self.head[skip:])
            # Quotation marks may hide separators and ends of lines.
            or '"' in self.text
        )
        if irregular:
            return None
        try:
            frame = pd.read_csv(
                io.StringIO(self.text.rstrip("\n")),
                sep=self.separator,
                header=None,
                skiprows=self.lines[skip],
                # Without usecols, a line with more columns than the first is an error.
                dtype=dict.fromkeys(labels, object),
                na_values={position: [""] for position in numbers},
                keep_default_na=False,
                skip_blank_lines=False,
                skipinitialspace=True,
                quoting=3,
                **_exact_floats(pd.__version__),
                low_memory=False,
                engine="c",
            )
        except (ValueError, OverflowError):
            # Also pandas' ParserError: a line with more columns than the first.
            return None
        columns = {}
        for position in used:
            column = _array(frame[position])
            if column is None:
                return None
            columns[position] = column
        if not _filled(list(columns.values())):
            return None
        empty = np.empty(0, dtype=object)
        return [columns.get(position, empty) for position in range(width)]


def _exact_floats(version: str) -> dict[str, Any]:
    """Return the option that has pandas round as Python does; from 3.1 on it always does."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}


def _array(series: object) -> np.ndarray | None:
    """Return floats or texts, None where the parser made something else of texts."""
    import numpy as np
    import pandas as pd

    column = pd.Series(series)
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return np.asarray(column, dtype=float)
    texts = np.array(column.astype(object), dtype=object, copy=True)
    texts[pd.isna(texts)] = ""
    return texts if pd.api.types.infer_dtype(texts) == "string" else None


def _filled(columns: list[np.ndarray]) -> bool:
    """Whether every line has something in a used column: blank lines are counted elsewhere."""
    import numpy as np

    filled = np.zeros(len(columns[0]), dtype=bool)
    for column in columns:
        if column.dtype.kind == "f":
            filled |= ~np.isnan(column)
        elif not filled.all():
            filled |= np.array([bool(text.strip()) for text in column])
        if filled.all():
            return True
    return False
