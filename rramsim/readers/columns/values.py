"""From texts to values: numbers, marks of a meter out of range, states, counts and labels."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import counted
from rramsim.readers.columns.decimals import plain_number, refuse_lost_marks, with_points
from rramsim.readers.limits.sentinels import BAD, BLANK, COMPLIANCE, Found, mark_sentinels
from rramsim.readers.table import VALUE_NOT_STORED, RawTable
from rramsim.schema import ABOVE, BELOW, EXACT, first_spellings, is_before_both, state_named
from rramsim.units import scaled_column

if TYPE_CHECKING:
    import numpy as np

MARKS_ACCEPTED = 'OVLD, OVF, OL, inf, 9.9E37, ">1e9", "<100", compliance'

_BLANKS = frozenset(
    [
        *("", "nan", "na", "n/a", "none", "null", "-", "--"),
        # What spreadsheets show where a formula has no value.
        *("#n/a", "#ref", "#ref!", "#div/0!", "#value!", "#num!", "#name?", "#null!"),
    ]
)
_OVER = frozenset(
    [
        *("inf", "+inf", "infinity", "ovld", "ovf", "ovfl", "ol", "o.l", "o.l.", "overload"),
        *("overflow", "over", "overrange", "over range", "over-range"),
    ]
)
_OPEN = frozenset(["open", "open circuit", "opened", "offen", "ouvert", "开路", "開放"])
_SHORT = frozenset(["short", "shorted", "short circuit", "kurzschluss", "court-circuit", "短路"])
_COMPLIANCE = frozenset(["compliance", "compl", "comp", "in compliance", "compliance reached"])
# Keithley's remote readings begin with letters: how it went, the channel, and what was measured.
_KEITHLEY = re.compile(r"([nlvxct])[a-h]?[vi]?\s*([-+]?[\d.]+e[-+]?\d+)")
_KEITHLEY_KINDS = {"n": EXACT, "l": EXACT, "v": ABOVE, "x": BLANK, "c": COMPLIANCE, "t": COMPLIANCE}
_STATUS = {
    **dict.fromkeys(["", "0", "0.0", "n", "l", "ok", "normal", "none", "no", "false", "-"], EXACT),
    **dict.fromkeys([*_OVER, "v"], ABOVE),
    **dict.fromkeys([*_COMPLIANCE, "c", "t"], COMPLIANCE),
    **dict.fromkeys(["x", "oscillation", "invalid"], BLANK),
}
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s*[ap]m)?", re.IGNORECASE)
_WITH_SPREAD = re.compile(r"\d\s*(?:±|\+/-|\+-)\s*[\d.]")
_BOUND = re.compile(r"([<>≤≥])\s*=?\s*(.+)")

_YES = frozenset(["1", "1.0", "true", "yes", "y", "fail", "failed", "x"])
_NO = frozenset(["", "0", "0.0", "false", "no", "n", "pass", "passed", "ok"])


def read_numbers(table: RawTable, position: int, *, marks: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a column's numbers and their kinds; with `marks`, over-range marks are accepted too.

    Parameters
    ----------
    table : RawTable
        The table.
    position : int
        The column.
    marks : bool
        Whether readings out of range may stand in the column.

    Returns
    -------
    values : ndarray of float, shape (rows,)
        In the unit of the file; the limit of a mark such as ">1e9", NaN where a mark names none.
    kinds : ndarray of int, shape (rows,)
        `EXACT`, `BELOW`, `ABOVE`, `BLANK` or `COMPLIANCE`.

    Raises
    ------
    InputError
        For the first text that is no number, with file, row and column.
    """
    values, kinds, _ = _numbers(table, position, marks=marks, quantity=None)
    return values, kinds


def read_readings(
    table: RawTable, position: int, *, quantity: str | None, factor: float = 1.0
) -> tuple[np.ndarray, np.ndarray, list[Found]]:
    """Return a column's readings of a quantity and their kinds as `read_numbers` does, with marks.

    A number may have its unit, or a prefix, in its cell; `factor` takes the header's unit to SI.
    Beside them the numbers that are no readings, by which instruments say so.
    """
    return _numbers(table, position, marks=True, quantity=quantity, factor=factor)


def is_reading(text: str) -> bool:
    """Return whether a text is a number, also with a prefix or unit, or a mark of a meter.

    >>> is_reading("8.1k"), is_reading("OL"), is_reading("55 uA")
    (True, True, False)
    """
    import numpy as np

    table = RawTable("", ("",), ([text],), np.ones(1, dtype=np.int64), decimal_comma=True)
    try:
        read_readings(table, 0, quantity="resistance")
    except InputError:
        return False
    return True


def _numbers(
    table: RawTable, position: int, *, marks: bool, quantity: str | None, factor: float = 1.0
) -> tuple[np.ndarray, np.ndarray, list[Found]]:
    import numpy as np

    header = table.header[position]
    column = table.columns[position]
    _refuse_unstored(table, position)
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        refuse_lost_marks(table, position)
        values, kinds = column.copy(), np.full(len(column), EXACT, dtype=np.int8)
    else:
        plain = with_points(table, position)
        values, kinds = _numbers_of(plain)
        for unknown in np.flatnonzero(kinds == BAD) if quantity is not None else ():
            spelled = _spelled_out(plain[unknown], quantity or "", factor)
            values[unknown], kinds[unknown] = spelled
    kinds[(kinds == EXACT) & np.isnan(values)] = BLANK
    found = mark_sentinels(values, kinds, exact=EXACT, quantity=quantity)
    refused = kinds == BAD if marks else ~np.isin(kinds, (EXACT, BLANK))
    if refused.any():
        index = int(refused.argmax())
        also = f", or a mark of a reading out of range ({MARKS_ACCEPTED})" if marks else ""
        text = str(table.columns[position][index])
        if _WITH_SPREAD.search(text):
            raise InputError(
                f"{table.where(index, header)}: {text!r} is a number with its spread, not a "
                "reading. If it is a mean with its standard deviation, say so in the header: 'mean "
                "± sd (kOhm)', or 'LRS mean ± sd (kOhm)'."
            )
        if factor != 1.0 and plain_number(text, quantity=str(quantity), factor=1.0) is not None:
            raise InputError(
                f"{table.where(index, header)}: {text!r} has a prefix, and so has the unit in "
                "the header: it is not clear which of them counts. Write the unit of the cell in "
                "full, such as '200 kOhm', or the number alone."
            )
        if text.strip() == header.strip():
            raise InputError(header_again(table.place, int(table.row_numbers[index])))
        clock = (
            f' A time of day is not read; leave it out: --map "{header}=-".'
            if _CLOCK.fullmatch(text.strip())
            else ""
        )
        raise InputError(
            f"{table.where(index, header)}: {text!r} is not a number. Accepted is a number with "
            f"a decimal point and no unit (units belong in the header){also}.{clock}"
        )
    return values, kinds, found


def header_again(place: str, row: int) -> str:
    """Return the message for a header that stands in the table a second time."""
    return (
        f"{place}, row {row}: the header is repeated, so that another table begins. Write the "
        "condition of each table into a line above its header, or give all one header, with a "
        "column 'condition'."
    )


def _numbers_of(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    kinds = np.full(len(texts), EXACT, dtype=np.int8)
    try:
        # float takes "1_000", which no instrument writes; a slip of the pen must not pass.
        if "_" in "".join(texts):
            raise ValueError
        values = np.fromiter(map(float, texts), float, len(texts))
    except ValueError:
        numbers = [_number(text) for text in texts]
        values = np.array(numbers, dtype=float)
        for index, number in enumerate(numbers):
            if number is None:
                values[index], kinds[index] = _parse(texts[index])
    return values, kinds


def is_surely_name(text: str) -> bool:
    """Return whether a text is no number nor mark, wherever decimal and thousands marks stand.

    >>> is_surely_name("A8-04"), is_surely_name("12"), is_surely_name("1,5 x"), is_surely_name("OL")
    (True, False, False, False)
    """
    return re.fullmatch(r"[^\s.,'’]+", text) is not None and _parse(text)[1] == BAD


def read_quantity_column(
    table: RawTable, position: int, *, factor: float, offset: float = 0.0
) -> np.ndarray:
    """Return a column's numbers in SI, NaN where it is blank; marks are refused."""
    import numpy as np

    values, kinds = read_numbers(table, position, marks=False)
    in_si: np.ndarray = np.where(kinds == BLANK, np.nan, scaled_column(values, factor) + offset)
    return in_si


def read_counts(table: RawTable, position: int) -> np.ndarray:
    """Return whole numbers from 0 on as int64, -1 where the column is blank.

    Raises
    ------
    InputError
        For the first number that is not whole, negative, or beyond 2**53.
    """
    import numpy as np

    numbers, kinds = read_numbers(table, position, marks=False)
    blank = kinds == BLANK
    values = np.where(blank, 0.0, numbers)
    refused = (values < 0) | (values != np.floor(values)) | (values > 2.0**53)
    if refused.any():
        index = int(refused.argmax())
        raise InputError(
            f"{table.where(index, table.header[position])}: "
            f"{str(table.columns[position][index])!r} is not a whole number from 0 on."
        )
    return np.where(blank, -1, values.astype(np.int64))


def read_states(
    table: RawTable, position: int, named: Mapping[str, int] | None = None
) -> np.ndarray:
    """Return 0 for LRS (also 0, SET) and 1 for HRS (also 1, RESET), in any case.

    A word for a cell that is formed, or was not yet, gives -1: it is of neither state. With
    `named`, a mapping of the column's texts to 0 and 1, it alone counts, and a text that is not in
    it gives -1; "31" and "31.0" are the same.
    """
    if named is not None:
        meant = {_plain(text): state for text, state in named.items()}
        return _by_text(table, position, lambda text: meant.get(_plain(text), -1), accepted="")
    first = str(next(iter(table.columns[position]), "")).strip()
    numbered = re.fullmatch(r"(.*?[^\W\d])[\s_.#-]*\d+", first)
    if numbered is not None and state_named(numbered[1]) is not None:
        raise InputError(
            f"{table.where(0, table.header[position])}: {first!r} holds a state and a number; "
            "write the number into a column of its own, such as 'cycle'."
        )
    return _by_text(
        table,
        position,
        lambda text: -1 if is_before_both(text) else state_named(text),
        accepted="LRS or HRS, 0 or 1, SET or RESET (or those that --states names, which leaves "
        "rows of other states out)",
    )


def read_statuses(table: RawTable, position: int, *, role: str) -> np.ndarray:
    """Return a kind for each line of a column of flags.

    A column of `role` "status" holds words or Keithley's letters; one of another role says yes or
    no to what its header names.
    """
    if role == "status":
        return _by_text(
            table,
            position,
            lambda text: _STATUS.get(text.casefold()),
            accepted="blank, 0, N or OK; V, OVLD and their like for a reading over the range; C, T "
            "or compliance; X for a reading that does not count. "
            f'--map "{table.header[position]}=-" leaves the column out',
        )
    flagged = read_failed(table, position)
    flagged[flagged == 1] = ABOVE if role == "over_range_flag" else COMPLIANCE
    return flagged


def read_failed(table: RawTable, position: int) -> np.ndarray:
    """Return 1 where the column says yes, 0 where it says no or nothing."""

    def failed(text: str) -> int | None:
        lowered = text.casefold()
        return 1 if lowered in _YES else 0 if lowered in _NO else None

    return _by_text(table, position, failed, accepted="1 or 0, yes or no, true or false")


def read_labels(table: RawTable, position: int, *, what: str) -> tuple[np.ndarray, list[str]]:
    """Return an index into the distinct texts of a column, and those texts as they appear.

    Raises
    ------
    InputError
        For the first blank; `what` names what is missing.
    """
    import numpy as np
    import pandas as pd

    _refuse_unstored(table, position)
    column = table.columns[position]
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        column = list(map(str, column))
    codes, texts = pd.factorize(np.asarray(column, dtype=object))
    names = [str(text).strip() for text in texts]
    if "" in names:
        blank = [number for number, name in enumerate(names) if not name]
        index = int(np.isin(codes, blank).argmax())
        raise InputError(
            f"{table.where(index, table.header[position])}: there is no {what}; each row needs "
            "one. A blank cell takes the name above it only where the first row has a name and "
            f"every name has blank cells below it; else write the {what} into each row."
        )
    return one_spelling(codes.astype(np.int64), names)


def one_spelling(codes: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return indices into labels, where those that look the same are one, as it was met first.

    >>> import numpy as np
    >>> one_spelling(np.array([0, 1, 2]), ["55 µA", "20 µA", "55 uA"])
    (array([0, 1, 0]), ['55 µA', '20 µA'])
    """
    import numpy as np

    spellings = first_spellings(names)
    labels = list(dict.fromkeys(spellings.values()))
    positions = {label: position for position, label in enumerate(labels)}
    of_names = np.array([positions[spellings[name]] for name in names], dtype=np.int64)
    return of_names[codes], labels


def _by_text(
    table: RawTable, position: int, meaning: Callable[[str], int | None], *, accepted: str
) -> np.ndarray:
    """Look up the few distinct texts of a column, each once."""
    import numpy as np
    import pandas as pd

    _refuse_unstored(table, position)
    codes, texts = pd.factorize(np.asarray(table.columns[position], dtype=object))
    meanings = [meaning(str(text).strip()) for text in texts]
    if None in meanings:
        unknown = meanings.index(None)
        index = int((codes == unknown).argmax())
        raise InputError(
            f"{table.where(index, table.header[position])}: {str(texts[unknown])!r} was found; "
            f"accepted are {accepted}."
        )
    looked_up: np.ndarray = np.array(meanings, dtype=np.int64)[codes]
    return looked_up


def _refuse_unstored(table: RawTable, position: int) -> None:
    """Refuse a column with formulas that a program wrote without their values."""
    import numpy as np

    column = table.columns[position]
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return
    unstored = np.flatnonzero(np.asarray(column, dtype=object) == VALUE_NOT_STORED)
    if unstored.size:
        more = f" (and {counted(unstored.size - 1, 'more cell')} of the column)"
        raise InputError(
            f"{table.where(int(unstored[0]), table.header[position])}: the cell"
            f"{more if unstored.size > 1 else ''} holds a formula whose value is not stored. Open "
            "the workbook in Excel or LibreOffice and save it: that computes and stores the values."
        )


def _plain(text: str) -> str:
    """Return a number in one form, and any other text in lower case without blanks around it."""
    stripped = text.strip().casefold()
    number = _number(stripped)
    return stripped if number is None else repr(number)


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[float, int]:
    """Return one text's value and kind; the number of a mark ">1e9" is its limit."""
    # Spreadsheets may write the minus sign of typography.
    lowered = text.strip().casefold().replace("\u2212", "-")
    if lowered in _BLANKS:
        return float("nan"), BLANK
    if lowered in _OVER:
        return float("nan"), ABOVE
    if lowered in _COMPLIANCE:
        return float("nan"), COMPLIANCE
    keithley = _KEITHLEY.fullmatch(lowered)
    if keithley is not None and _number(keithley[2]) is not None:
        kind = _KEITHLEY_KINDS[keithley[1]]
        # The number beside an overflow is whatever the meter showed; it is no limit.
        return float("nan") if kind == ABOVE else float(keithley[2]), kind
    bound = _BOUND.fullmatch(lowered)
    number = _number(bound[2] if bound else lowered)
    if number is None:
        return float("nan"), BAD
    if bound is None:
        return number, EXACT
    if not 0 < number < float("inf"):
        return float("nan"), BAD
    return number, BELOW if bound[1] in "<≤" else ABOVE


@functools.lru_cache(maxsize=4096)
def _spelled_out(text: str, quantity: str, factor: float) -> tuple[float, int]:
    """Return value and kind of a number with a prefix or unit, or of a cell that is a word."""
    word = text.strip().casefold()
    if word in _OPEN or word in _SHORT:
        # What is open conducts nothing: above the range in resistance, below it in current.
        above = (word in _OPEN) == (quantity == "resistance")
        return float("nan"), ABOVE if above else BELOW
    plain = plain_number(text, quantity=quantity, factor=factor)
    return (float("nan"), BAD) if plain is None else _parse(plain)


def _number(text: str) -> float | None:
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None
