"""Tables that hold no readings but what somebody made of them: counts, percentiles, moments.

A table of counts has a row for each state of a condition, with its errors and bits; one of
percentiles has a column for each (``p1 (kOhm)``, ``median (kOhm)``), or a row for each (columns
percentile and resistance); one of moments has a mean or median and a spread. Instead of a column of
states, the headers may name them, ``LRS median (kOhm)``: a row is then one of a condition.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from rramsim.errors import InputError
from rramsim.formatting import counted
from rramsim.measurements import CentreAndSpread, ErrorCount, PercentileTable, Summary
from rramsim.notes import Note
from rramsim.readers.columns.headers import (
    Header,
    condition_words,
    measurement_columns,
    recognise,
    splits,
)
from rramsim.readers.columns.values import (
    read_counts,
    read_labels,
    read_quantity_column,
    read_states,
)
from rramsim.readers.programming.condition import conditions_of
from rramsim.readers.programming.sources import Rows
from rramsim.readers.summaries.centres_and_spreads import (
    SPREADS,
    CentreColumns,
    centre_columns,
    has_unit_of_resistance,
    is_centre,
    two_numbers,
)
from rramsim.readers.table import Grid, RawTable, make_table
from rramsim.schema import STATES, settings
from rramsim.schema.variable import header_key, without_accents
from rramsim.schema.words import OTHER_LANGUAGES
from rramsim.units import UnknownUnitError, factor_to_si

_NAMES = {
    "condition": condition_words(),
    "state": ("state", *OTHER_LANGUAGES["state"]),
    "errors": ("errors", "bit errors", "error count", "errors counted", "misread bits", "fails"),
    "bits": ("bits", "bits read", "cells", "n", "readings", "count", "total", "number of bits"),
    "reference": ("reference", "read reference", "R_ref", "reference resistance"),
    "percentile": (
        *("percentile", "percent", "quantile", "centile", "Perzentil", "Quantil", "percentil"),
        *("probability", "cumulative probability", "cumulative fraction", "cdf", "fraction"),
    ),
}
_ROLES = {header_key(name): role for role, names in _NAMES.items() for name in names}
_PERCENTILE = re.compile(
    r"[pq][ _]?(\d{1,2}(?:[.,]\d+)?)"
    r"|(\d{1,2}(?:\.\d+)?)\s*(?:%|(?:st|nd|rd|th)?[ -]*(?:percentile|centile))"
)
_QUANTILE = re.compile(r"q[ _]?(0?\.\d+)")
_MEDIANS = ("median", "r50", "médiane", "mediana", "中位数", "中央値")
_QUARTILES = {"q1": 0.25, "q3": 0.75, "lower quartile": 0.25, "upper quartile": 0.75}
_OF_R = re.compile(r"(?:r|resistance)[ _]+(?=\S)", re.IGNORECASE)
_STATE = re.compile(r"(?<![a-z])(?:LRS|HRS)(?![a-z])", re.IGNORECASE)
_READINGS = {
    role: column
    for role, column in measurement_columns().items()
    if role in ("resistance", "conductance", "current")
}
_LEAST_PERCENTILES = 2
# What each reading of a sample may have too: its place in it.
_PLACES = ("probability", "cumulative probability", "cumulative fraction", "cdf", "fraction")
_MOST_PERCENTILES = 20
_OF_CYCLES_OR_SHARES = re.compile(r"r[ _]?(\d{1,2})")
_LIMITS = re.compile(r"lower|upper|(?<![a-z])(?:min|max|ci|low|high)(?![a-z])", re.IGNORECASE)
_SIGMAS = re.compile(r"([+−–-])\s*(\d+(?:[.,]\d+)?)\s*-?\s*(?:sigma|σ|sd|std)")
_SCALE = re.compile(r"[x×*]?\s*(?:1e\+?(\d+)|10\s*(?:\^|\*\*)\s*(\d+))")
_SCALE_WORDS = {"thousand": 1e3, "thousands": 1e3, "million": 1e6, "millions": 1e6}
_UNITS_OF_COUNTS = ("", "1", "-", "#", "n", "bits", "bit", "cells", "errors", "counts", "readings")
_UNITS_OF_SHARES = ("1", "-", "fraction", "share", "0-1", "0..1")
_LINES_BEFORE = 20


def summaries_of(
    grid: Grid, *, default: str, notes: list[Note] | None = None
) -> list[Summary] | None:
    """Return what a table says of its conditions, None where it is no table of such a kind.

    Parameters
    ----------
    grid : Grid
        A sheet, or a text table.
    default : str
        The condition of a table that names none.
    notes : list of Note, optional
        Gets a note on the columns that are not used.

    Raises
    ------
    InputError
        For the first row that cannot be used.
    """
    for row, record in enumerate(grid.records[:_LINES_BEFORE]):
        blocks = [
            (state, texts)
            for state, texts in _blocks(record)
            if _is_summary(texts, record, has_state=state is not None, place=_place(grid, row))
        ]
        if not blocks:
            _refuse_near(record, place=_place(grid, row))
            continue
        header = tuple(text.strip() for text in record)
        table = make_table(grid, header, start=row + 1)
        if _are_places(table, _columns(header)):
            return None
        unused = _unused(header, [texts for _, texts in blocks], place=_place(grid, row))
        if unused and notes is not None:
            text = f"columns not used: {', '.join(map(repr, unused))}."
            values = {"columns": len(unused)}
            notes.append(Note(text, kind="columns not used", file=table.place, values=values))
        return [
            summary
            for state, texts in blocks
            for summary in _of_block(table, texts, state, default=default, place=_place(grid, row))
        ]
    return None


def _are_places(table: RawTable, columns: Mapping[str, int]) -> bool:
    """Whether a column of probabilities is the place of each of many readings in their sample."""
    if "percentile" not in columns or len(_percentiles(table.header)) >= _LEAST_PERCENTILES:
        return False
    name = header_key(_unit_less(table.header[columns["percentile"]]))
    by_subject = [columns[role] for role in ("condition", "state") if role in columns]
    subjects = Counter(zip(*(table.columns[position] for position in by_subject), strict=True))
    most = max(subjects.values(), default=0)
    return name in map(header_key, _PLACES) and most > _MOST_PERCENTILES


def _unused(header: Sequence[str], of_states: Sequence[Sequence[str]], *, place: str) -> list[str]:
    """Return the headers of a table of summaries that say nothing of its conditions."""
    used: set[int] = set()
    if "condition" not in _columns(header):
        # Settings name the conditions, as far as `_subjects` could read them.
        accepted = {setting.name: setting for setting in settings()}
        known = recognise(header, accepted, place=place)
        used = {column.position for column in known.values()}
    for texts in of_states:
        columns, shares = _columns(texts), _percentiles(texts)
        used |= {columns[role] for role in ("condition", "state", "bits") if role in columns}
        if {"errors", "bits"} <= columns.keys():
            used |= {columns[role] for role in ("errors", "reference") if role in columns}
        elif len(shares) >= _LEAST_PERCENTILES:
            used |= shares.keys()
        elif {"percentile", "reading"} <= columns.keys():
            used |= {columns["percentile"], columns["reading"]}
        else:
            centres = centre_columns(texts, place=place, shown=header)
            if centres is not None:
                used |= {centres.centre.position, centres.spread.position}
    return [text for position, text in enumerate(header) if text and position not in used]


def _refuse_near(record: Sequence[str], *, place: str) -> None:
    """Refuse a header that is nearly one of summaries, and say what it lacks."""
    columns = _columns(record)
    if "reading" in columns:
        return
    names = {header_key(name) for text in record for name, _, _ in splits(text)}
    has_state = "state" in columns or len(_blocks(record)) == len(STATES)
    if {"errors", "bits"} <= columns.keys() and not has_state:
        raise InputError(
            f"{place}: this is a table of counted errors that lacks a column 'state' (LRS or HRS); "
            "errors of both states together do not give the BER of each."
        )
    if "ber" in names and "bits" in columns and "errors" not in columns:
        raise InputError(
            f"{place}: this is a table of bit-error rates; give the errors that were counted "
            "(columns condition, state, errors, bits), or rates in a conditions file."
        )
    in_ohms = [text for text in record if has_state and has_unit_of_resistance(text)]
    are_centres = [is_centre(text) for text in in_ohms]
    if (
        has_state
        and any(are_centres)
        and all(
            centre or _LIMITS.search(text)
            for text, centre in zip(in_ohms, are_centres, strict=True)
        )
    ):
        raise InputError(
            f"{place}: this is a table of means or medians that lacks their spread: {SPREADS}; or "
            "percentiles, 'p5 (kOhm)', 'p50 (kOhm)', 'p95 (kOhm)'."
        )


def _place(grid: Grid, row: int) -> str:
    return f"{grid.place}, row {grid.row_numbers[row]}"


def _blocks(record: Sequence[str]) -> list[tuple[int | None, list[str]]]:
    """Return the header as it is, and where headers name the states, that of each state.

    In the header of a state its own columns stand without the state, those of the other are blank.
    """
    whole: list[tuple[int | None, list[str]]] = [(None, list(record))]
    named = [{found.upper() for found in _STATE.findall(without_accents(text))} for text in record]
    if not all(any(of_text == {state} for of_text in named) for state in STATES):
        return whole
    return [
        (
            number,
            [
                _STATE.sub("", text).strip(" _-") if state in of_text or not of_text else ""
                for text, of_text in zip(record, named, strict=True)
            ],
        )
        for number, state in enumerate(STATES)
    ]


def _is_summary(
    texts: Sequence[str], record: Sequence[str], *, has_state: bool, place: str
) -> bool:
    columns = _columns(texts)
    if not has_state and "state" not in columns:
        return False
    if {"errors", "bits"} <= columns.keys() or {"percentile", "reading"} <= columns.keys():
        return True
    if len(_percentiles(texts)) >= _LEAST_PERCENTILES:
        return True
    if not has_state and any(recognise([text], _READINGS, place=place) for text in texts):
        # Readings with what somebody made of them beside; several columns may have one name.
        return False
    return centre_columns(texts, place=place, shown=record) is not None


def _of_block(
    table: RawTable, texts: Sequence[str], state: int | None, *, default: str, place: str
) -> list[Summary]:
    """Return the summaries of the columns of all states, or of one state."""
    columns, shares = _columns(texts), _percentiles(texts)
    subjects = _subjects(table, columns, texts, state=state, default=default)
    is_long = {"percentile", "reading"} <= columns.keys()
    if {"errors", "bits"} <= columns.keys():
        return _counts(table, columns, subjects)
    if is_long and len(shares) < _LEAST_PERCENTILES:
        return _long_percentiles(table, columns, subjects)
    if len(shares) >= _LEAST_PERCENTILES:
        return _wide_percentiles(table, columns, shares, subjects)
    centres = centre_columns(texts, place=place, shown=table.header)
    return [] if centres is None else _moments(table, columns, centres, subjects)


def _columns(record: Sequence[str]) -> dict[str, int]:
    """Return the position of each role that a header names."""
    found: dict[str, int] = {}
    for position, text in enumerate(record):
        for name, _, _ in splits(text):
            role = _ROLES.get(header_key(name))
            if role is not None:
                found.setdefault(role, position)
                break
        else:
            if _is_reading(text):
                found.setdefault("reading", position)
    return found


def _is_reading(text: str) -> bool:
    try:
        return bool(recognise([text], _READINGS, place=""))
    except InputError:
        return False


def _percentiles(record: Sequence[str]) -> dict[int, float]:
    """Return the share of each column whose header is a percentile of a resistance."""
    shares = _by_r_alone(record)
    for position, text in enumerate(record):
        for name, _, _ in splits(text):
            bare = _OF_R.sub("", name.strip(), count=1).casefold()
            matched, quantile = _PERCENTILE.fullmatch(bare), _QUANTILE.fullmatch(bare)
            away = _SIGMAS.fullmatch(bare)
            if bare in _QUARTILES:
                shares[position] = _QUARTILES[bare]
            elif quantile is not None:
                shares[position] = float(quantile[1])
            elif away is not None:
                sigmas = float(away[2].replace(",", "."))
                shares[position] = NormalDist().cdf(sigmas if away[1] == "+" else -sigmas)
            elif matched is not None or bare in _MEDIANS:
                number = (matched[1] or matched[2]) if matched is not None else "50"
                shares[position] = float(number.replace(",", ".")) / 100.0
            if position in shares:
                break
    return {position: share for position, share in shares.items() if 0.0 < share < 1.0}


def _by_r_alone(record: Sequence[str]) -> dict[int, float]:
    """Return the shares of R5, R50, R95, which lie symmetric about R50; R1, R2, ... are cycles."""
    numbers = {}
    for position, text in enumerate(record):
        names = [name.strip().casefold() for name, unit, _ in splits(text) if unit]
        found = next(filter(None, map(_OF_CYCLES_OR_SHARES.fullmatch, names)), None)
        if found is not None:
            numbers[position] = int(found[1])
    each = sorted(numbers.values())
    steps = {b - a for a, b in itertools.pairwise(each)}
    is_symmetric = 50 in each and all(a + b == 100 for a, b in zip(each, each[::-1], strict=True))
    # Evenly numbered from their own step on, they may be every tenth cycle.
    if len(each) < 3 or not is_symmetric or (len(steps) == 1 and each[0] in steps):
        return {}
    return {position: number / 100.0 for position, number in numbers.items()}


def _unit_factor(table: RawTable, position: int) -> float:
    """Return the factor to ohm that a header names; percentiles without a unit are refused."""
    header = table.header[position]
    for _, unit, _ in splits(header):
        try:
            if unit:
                return factor_to_si(unit, "resistance")
        except UnknownUnitError:
            continue
    raise InputError(
        f"{table.place}: the column {header!r} names no unit of resistance; write it in the "
        f"header, such as {header + ' (kOhm)'!r}."
    )


def _subjects(
    table: RawTable,
    columns: Mapping[str, int],
    texts: Sequence[str],
    *,
    state: int | None,
    default: str,
) -> list[tuple[str, str]]:
    """Return condition and state of each row; without a column of conditions, settings name them.

    `state` is that of all rows, None where a column says it.
    """
    count = len(table.row_numbers)
    states = np.full(count, state) if state is not None else _states(table, columns["state"])
    names = [default] * count
    if "condition" in columns:
        codes, labels = read_labels(table, columns["condition"], what="condition")
        names = [labels[code] for code in codes]
    else:
        known = recognise(texts, measurement_columns(), place=table.place)
        settings = {
            role: column for role, column in known.items() if role not in ("condition", "state")
        }
        header = Header(table.header, 0, 0, settings)
        lines = np.arange(count)
        rows = Rows(table, header, lines, np.zeros(count, dtype=int), np.zeros(count, dtype=int))
        found = conditions_of(rows, default=default, is_stated=False, is_guess=False, notes=[])
        names = [found.names[code] for code in found.codes]
    return [(name, STATES[one]) for name, one in zip(names, states, strict=True)]


def _states(table: RawTable, position: int) -> np.ndarray:
    """Return the state of each row; a row of neither state, such as FORM, is refused."""
    states = read_states(table, position)
    for index in np.flatnonzero(states < 0).tolist():
        text = str(table.columns[position][index])
        raise InputError(
            f"{table.where(index, table.header[position])}: {text!r} was found; accepted are "
            "LRS and HRS. Take the row out."
        )
    return states


def _refuse_repeated(
    table: RawTable, columns: Mapping[str, int], subjects: Sequence[tuple[str, str]]
) -> None:
    for index, subject in enumerate(subjects):
        if subject in subjects[:index]:
            before = subjects.index(subject)
            where = f"{table.place}, row {table.row_numbers[index]}"
            if "state" in columns:
                where = table.where(index, table.header[columns["state"]])
            raise InputError(
                f"{where}: {subject[0]!r}, {subject[1]} "
                "is in a row above, too; give each state of a condition one row, and name what "
                f"differs between them in a column 'condition'{_differing(table, index, before)}."
            )


def _differing(table: RawTable, one: int, other: int) -> str:
    names = [
        repr(header)
        for header, texts in zip(table.header, table.columns, strict=True)
        if header and str(texts[one]) != str(texts[other])
    ]
    return f" (the rows differ in {', '.join(names)})" if names else ""


def _counts(
    table: RawTable, columns: Mapping[str, int], subjects: Sequence[tuple[str, str]]
) -> list[Summary]:
    _refuse_repeated(table, columns, subjects)
    errors, bits = (_numbers_of(table, columns[role]) for role in ("errors", "bits"))
    references = [math.nan] * len(subjects)
    if "reference" in columns:
        position = columns["reference"]
        factor = _unit_factor(table, position)
        references = read_quantity_column(table, position, factor=factor).tolist()
    for index, (wrong, read) in enumerate(zip(errors, bits, strict=True)):
        if wrong < 0 or read < 1 or wrong > read:
            raise InputError(
                f"{table.where(index, table.header[columns['errors']])}: {wrong} errors of {read} "
                "bits were found; accepted are errors from 0 to the number of bits."
            )
    return [
        ErrorCount(*subject, int(wrong), int(read), reference, table.place)
        for subject, wrong, read, reference in zip(subjects, errors, bits, references, strict=True)
    ]


def _numbers_of(table: RawTable, position: int) -> np.ndarray:
    """Return the counts of a column, whose header may say how many each counts for."""
    header = table.header[position]
    unit = _unit_of(header)
    scale = _SCALE.fullmatch(unit)
    factor = 10.0 ** int(scale[1] or scale[2]) if scale else _SCALE_WORDS.get(unit, 1.0)
    if scale is None and unit not in (*_UNITS_OF_COUNTS, *_SCALE_WORDS):
        raise InputError(
            f"{table.place}, column {header!r}: the unit {unit!r} was found; accepted are the "
            "numbers of errors and bits themselves, without a unit, or with a factor such as "
            "'(x1e6)'."
        )
    if factor == 1.0:
        return read_counts(table, position)
    numbers = read_quantity_column(table, position, factor=factor)
    whole = np.rint(numbers)
    for index in np.flatnonzero(np.abs(numbers - whole) > 1e-6 * np.abs(whole)).tolist():
        raise InputError(
            f"{table.where(index, header)}: {table.columns[position][index]!r} is not a whole "
            "number of bits."
        )
    return np.where(np.isnan(numbers), -1, whole).astype(np.int64)


def _unit_of(header: str) -> str:
    """Return what stands behind the name of a column in its header, in lower case.

    >>> _unit_of("bits (x1e6)"), _unit_of("bits in k"), _unit_of("bits read"), _unit_of("cdf / %")
    ('x1e6', 'k', '', '%')
    """
    if header_key(header) in _ROLES and re.fullmatch(r"[^\W\d]+([\s_]+[^\W\d]+)*", header.strip()):
        return ""
    for name, unit, _ in splits(header):
        if unit and header_key(name) in _ROLES:
            bare = unit.strip().strip("()[]{}").strip().casefold()
            return re.sub(r"^in\s+", "", bare)
    return ""


def _unit_less(header: str) -> str:
    ways = [(name, unit) for name, unit, _ in splits(header) if header_key(name) in _ROLES]
    return next((name for name, unit in ways if unit), ways[0][0])


def _wide_percentiles(
    table: RawTable,
    columns: Mapping[str, int],
    shares: Mapping[int, float],
    subjects: Sequence[tuple[str, str]],
) -> list[Summary]:
    _refuse_repeated(table, columns, subjects)
    readings = _readings(table, columns)
    values = {
        share: read_quantity_column(table, position, factor=_unit_factor(table, position))
        for position, share in sorted(shares.items(), key=lambda item: item[1])
    }
    return [
        _table_of(
            subject,
            readings[index],
            [(share, float(column[index])) for share, column in values.items()],
            place=f"{table.place}, row {table.row_numbers[index]}",
            file=table.place,
        )
        for index, subject in enumerate(subjects)
    ]


def _long_percentiles(
    table: RawTable, columns: Mapping[str, int], subjects: Sequence[tuple[str, str]]
) -> list[Summary]:
    readings = _readings(table, columns)
    ohms, is_falling = _ohms(table, columns)
    shares = _shares(table, columns["percentile"])
    # The cells of the least conductance are those of the greatest resistance.
    shares = 1.0 - shares if is_falling else shares
    grouped: dict[tuple[str, str], list[int]] = {}
    for index, subject in enumerate(subjects):
        grouped.setdefault(subject, []).append(index)
    return [
        _table_of(
            subject,
            readings[rows[0]],
            sorted((float(shares[row]), float(ohms[row])) for row in rows),
            place=f"{table.place}, row {table.row_numbers[rows[0]]}",
            file=table.place,
        )
        for subject, rows in grouped.items()
    ]


def _ohms(table: RawTable, columns: Mapping[str, int]) -> tuple[np.ndarray, bool]:
    """Return the resistances of a column, and whether it holds conductances."""
    position = columns["reading"]
    role = next(iter(recognise([table.header[position]], _READINGS, place=table.place)), "")
    if role != "conductance":
        return read_quantity_column(table, position, factor=_unit_factor(table, position)), False
    column = recognise([table.header[position]], _READINGS, place=table.place)[role]
    siemens = read_quantity_column(table, position, factor=column.factor)
    if not (np.isnan(siemens) | (siemens > 0)).all() or not column.unit_given:
        raise InputError(
            f"{table.place}, column {table.header[position]!r}: accepted are conductances above 0 "
            "with their unit in the header, such as 'G (uS)'."
        )
    return 1.0 / siemens, True


def _shares(table: RawTable, position: int) -> np.ndarray:
    """Return the shares of a column of percentiles, by its unit, else by its numbers.

    A number of 1 or more is a percentage. Numbers below 1 under "percentile" are shares where they
    lie symmetric about the median; else they may be 0.1 % as well as 10 %.
    """
    header, numbers = table.header[position], read_quantity_column(table, position, factor=1.0)
    unit, name = _unit_of(header), header_key(_unit_less(header))
    if unit in ("%", "percent", "pct") or (name == "percent" and not unit):
        return numbers / 100.0
    if unit in _UNITS_OF_SHARES:
        return numbers
    known = np.unique(numbers[~np.isnan(numbers)])
    if unit or not known.size:
        raise InputError(f"{table.place}, column {header!r}: {_HOW_TO_SAY_SHARES}")
    if known[-1] > 1.0:
        return numbers / 100.0
    is_symmetric = bool(np.allclose(known + known[::-1], 1.0, atol=1e-9))
    if is_symmetric or ("centil" not in name and "zentil" not in name and known[-1] < 1.0):
        return numbers
    raise InputError(
        f"{table.place}, column {header!r}: numbers up to {known[-1]:g} may be percentages or "
        f"shares of 1; {_HOW_TO_SAY_SHARES}"
    )


_HOW_TO_SAY_SHARES = "write 'percentile (%)' for numbers of 100, 'quantile (1)' for those of 1."


def _moments(
    table: RawTable,
    columns: Mapping[str, int],
    found: CentreColumns,
    subjects: Sequence[tuple[str, str]],
) -> list[Summary]:
    _refuse_repeated(table, columns, subjects)
    readings = _readings(table, columns)
    centres, spreads = _centres_and_spreads(table, found)
    for values, part in ((centres, found.centre), (spreads, found.spread)):
        if np.isnan(values).any():
            index = int(np.isnan(values).argmax())
            raise InputError(
                f"{table.where(index, table.header[part.position])}: there is no {part.kind}; each "
                "state of a condition needs one."
            )
    centres, spreads = centres * found.centre.factor, spreads * found.spread.factor
    centres += found.centre.offset
    return [
        CentreAndSpread(
            *subject,
            readings[index],
            float(centres[index]),
            found.centre.kind,
            float(spreads[index]),
            found.spread.kind,
            f"{table.place}, row {table.row_numbers[index]}",
        )
        for index, subject in enumerate(subjects)
    ]


def _centres_and_spreads(table: RawTable, found: CentreColumns) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of both columns, or both numbers of one column, in the file's unit."""
    position = found.centre.position
    if position != found.spread.position:
        centres, spreads = (
            read_quantity_column(table, part.position, factor=1.0)
            for part in (found.centre, found.spread)
        )
        return centres, spreads
    pairs = [two_numbers(str(text)) for text in table.columns[position]]
    if None in pairs:
        index = pairs.index(None)
        raise InputError(
            f"{table.where(index, table.header[position])}: {table.columns[position][index]!r} was "
            "found; accepted are two numbers, such as '5.2 ± 0.9' or '5.2 (0.9)'."
        )
    parted = [[str(pair[number]) for pair in pairs if pair is not None] for number in (0, 1)]
    both = [
        read_quantity_column(
            replace(
                table,
                columns=(*table.columns[:position], texts, *table.columns[position + 1 :]),
            ),
            position,
            factor=1.0,
        )
        for texts in parted
    ]
    return both[0], both[1]


def _readings(table: RawTable, columns: Mapping[str, int]) -> list[int | None]:
    if "bits" not in columns:
        return [None] * len(table.row_numbers)
    return [int(count) if count > 0 else None for count in _numbers_of(table, columns["bits"])]


def _table_of(
    subject: tuple[str, str],
    readings: int | None,
    pairs: Sequence[tuple[float, float]],
    *,
    place: str,
    file: str,
) -> PercentileTable:
    known = [(share, ohm) for share, ohm in pairs if not math.isnan(ohm)]
    shares, ohms = [share for share, _ in known], [ohm for _, ohm in known]
    if len(known) < _LEAST_PERCENTILES:
        raise InputError(
            f"{place} ({subject[0]!r}, {subject[1]}): {counted(len(known), 'percentile')} found; a "
            "population needs two or more."
        )
    if not all(0.0 < share < 1.0 for share in shares):
        raise InputError(f"{place}: a percentile lies above 0 and below 100 %.")
    rising = all(a < b for a, b in itertools.pairwise(ohms)) and ohms[0] > 0
    distinct = all(a < b for a, b in itertools.pairwise(shares))
    if not (rising and distinct and math.isfinite(ohms[-1])):
        raise InputError(
            f"{place} ({subject[0]!r}, {subject[1]}): percentiles rise with their share, from "
            f"above 0 Ω on; found were {', '.join(f'{100 * q:g} %: {r:g} Ω' for q, r in known)}."
        )
    return PercentileTable(*subject, readings, tuple(shares), tuple(ohms), file)
