"""Whether the rows of a text table fit its header: shorter, longer, cut in the middle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from rramsim.errors import InputError

_LEAST_OTHERS = 3


def fitted_rows(
    records: Sequence[list[str]],
    row_numbers: Sequence[int],
    header: Sequence[str],
    *,
    place: str,
    used: Collection[int],
) -> list[list[str]]:
    """Return the rows as wide as the header, where nothing in them can stand in a wrong column.

    A row that lost a cell looks like one whose last cell is missing, and what follows the lost
    cell would be read as something else. So a shorter row is taken only where its missing cells
    can be nothing but the last ones: no column without a use lacks more, and one column further
    a number would stand among texts, or a text among numbers. Blank cells beyond the header are
    taken where all rows have them, or where the row is full without them.

    Parameters
    ----------
    records : sequence of list of str
        Rows of different lengths.
    row_numbers : sequence of int
        Their rows in the file.
    header : sequence of str
        Names of the columns.
    place : str
        The file for messages.
    used : collection of int
        Positions of the columns with a meaning.

    Raises
    ------
    InputError
        For the first row that does not fit.
    """
    width, lengths = len(header), Counter(map(len, records))
    usual = max(lengths, key=lambda length: (lengths[length], length))
    named = _named(records, header)
    whole = [record for record in records if len(record) >= named]
    may_end_blank = any(not record[named - 1].strip() for record in whole)
    kinds = _kinds(whole, named)
    fitted = []
    for record, row in zip(records, row_numbers, strict=True):
        where, length = f"{place}, row {row}", len(record)
        found = columns_found(length)
        if any(record[named:]):
            if named == 1:
                raise InputError(
                    f"{where}: {found}, and the header above has the one column {header[0]!r}. If "
                    "that is a title, write a header with a name for each column below it; a map "
                    "of an array needs a row for each cell, with its row and its column."
                )
            raise InputError(
                f"{where}: {found} where the header has {named}. "
                "Is a decimal comma or an unquoted separator in the row?"
            )
        if length < named:
            is_used = any(position in used for position in range(length, named))
            if is_used or _may_be_shifted(record, kinds, named):
                raise InputError(
                    f"{where}: {found} where the header has {named}, and it is not clear which "
                    "cell is missing. Write a separator for each blank cell; is the file cut short?"
                )
        elif length != usual and (
            # A separator less or more at the end of a full row moves nothing.
            not record[named - 1].strip() or (length > usual and (may_end_blank or usual > named))
        ):
            raise InputError(
                f"{where}: {found} where other rows have {usual}, and it is not clear whether a "
                "cell is missing or was added. Write as many separators in each row as in the "
                "header."
            )
        fitted.append(record[:width] + [""] * (width - length))
    return fitted


def columns_found(count: int) -> str:
    """Return how many columns were found, for a message."""
    return "1 column was found" if count == 1 else f"{count:,} columns were found"


def _named(records: Sequence[list[str]], header: Sequence[str]) -> int:
    """Return the number of columns without those at the end that have no name and are blank."""
    named = len(header)
    while named > 1 and not header[named - 1].strip():
        filled = sum(len(record) >= named and bool(record[named - 1]) for record in records)
        if 2 * filled >= len(records):
            break
        named -= 1
    return named


def _kinds(records: Sequence[list[str]], width: int) -> list[str]:
    """Return "number" or "text" for each column where all filled cells are of a kind, else ""."""
    kinds = []
    for position in range(width):
        found = {_is_number(text) for record in records if (text := record[position].strip())}
        kinds.append(
            {frozenset([True]): "number", frozenset([False]): "text"}.get(frozenset(found), "")
        )
    return kinds


def _may_be_shifted(record: list[str], kinds: Sequence[str], width: int) -> bool:
    """Whether the cells from one on could as well stand in columns further to the right."""

    def fits(text: str, position: int) -> bool:
        kind = kinds[position]
        return not text.strip() or not kind or _is_number(text) == (kind == "number")

    length = len(record)
    return any(
        all(fits(record[position], position + step) for position in range(start, length))
        for step in range(1, width - length + 1)
        for start in range(length)
    )


def _is_number(text: str) -> bool:
    try:
        float(text.strip().lstrip("<>≤≥ ").replace(",", "."))
    except ValueError:
        return False
    return True


def is_cut_number(
    last: Sequence[str],
    others: Sequence[Sequence[str]],
    *,
    numbers: Collection[int],
    labels: Collection[int],
    where: str,
) -> bool:
    """Return whether the last number of a file without a last line end is short for its column.

    Parameters
    ----------
    last : sequence of str
        Cells of the last row.
    others : sequence of sequence of str
        The rows before it, or some of them.
    numbers, labels : collection of int
        Positions of the columns of numbers, and of those whose texts tell populations apart.
    where : str
        File and row for the message.

    Raises
    ------
    InputError
        If the row ends in a part of a label of other rows, in a number that is not whole, or in
        one with fewer decimals than those of all other rows of the same labels.
    """
    position = len(last) - 1
    text = last[position].strip()
    whole = [record for record in others if len(record) > position]
    if position in labels:
        known = {record[position].strip() for record in whole}
        if text and text not in known and any(label.startswith(text) for label in known):
            raise _cut(where, text)
    alike = [
        record[position].strip()
        for record in whole
        if all(record[label] == last[label] for label in labels if label < position)
    ]
    alike = [other for other in alike if _is_number(other)]
    if position not in numbers or not text or len(alike) < _LEAST_OTHERS:
        return False
    if text[-1] in ".,eE+-" or _decimals(text) < min(map(_decimals, alike)):
        raise _cut(where, text)
    return len(text) < min(map(len, alike))


def _decimals(text: str) -> int:
    mantissa = text.casefold().partition("e")[0].replace(",", ".")
    return len(mantissa.partition(".")[2])


def _cut(where: str, text: str) -> InputError:
    return InputError(
        f"{where}: the file ends here without a line end, and {text!r} is shorter than the other "
        "texts of its column: the file is cut short. If it is whole, add the line end."
    )
