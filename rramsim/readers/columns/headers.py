"""The columns that files may have, the headers accepted for each, and how a unit is found in one.

The columns are those of the schema's register, and those of `rramsim.schema.file_columns`, which
are no variables of a dataset.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rramsim.errors import InputError
from rramsim.readers.table import RawTable
from rramsim.schema import DATASETS, Variable, header_key, label_key
from rramsim.schema.file_columns import NAME, ONE_LETTER, READ_FROM
from rramsim.units import (
    QUANTITIES,
    UnknownUnitError,
    factor_to_si,
    offset_to_si,
    read_quantity,
)

# The order in which messages list the columns; what is not named here (settings, energies) follows.
_ORDER = (
    *("condition", "state", "resistance", "conductance", "current", "read_voltage", "row"),
    *("column", "cell", "cycle", "die", "time", "temperature", "pulses", "failed"),
    *("over_range_flag", "compliance_flag", "status"),
)

_BRACKETED = re.compile(r"(?:^|[:;,|])\s*([^:;,|()\[\]]*?)\s*[(\[]([^()\[\]]+)[)\]](?!\s*[:=])")
_IN_UNIT = re.compile(r".*?\b(?:in|units?|einheit)\b\s*[:=]?\s*(\S+)", re.IGNORECASE)
_READINGS = re.compile(
    r"(?:^|\s)(?:(?:R|resistances?|.*widerstände?|résistances?)|(conductances?|G)|(currents?|I))$",
    re.IGNORECASE,
)
# Resistances of other things than cells.
_NOT_OF_CELLS = re.compile(
    r"\b(series|load|contact|sheet|reference|ref|line|wire|shunt|parasitic|limit|range|compliance)\b",
    re.IGNORECASE,
)
_VOLTAGE = r"[-+]?\d+(?:[.,]\d+)?[\s_]*[mµμu]?V(?![^\W_]|/)"
_AT_VOLTAGE = re.compile(
    rf"(?:@|(?<![^\W_])(?:at|bei|V[_ ]?read))[\s_]*(?:V(?:[_ ]?read)?)?[\s_]*=?[\s_]*({_VOLTAGE})",
    re.IGNORECASE,
)
# A voltage beside one of these may be that of another pulse, or of a gate.
_OTHER_PULSES = re.compile(
    r"(?<![^\W_])(after|nach|set|reset|form|forming|gate|vg|stress|pulse|sweep|rate|ramp|disturb)(?![^\W_])",
    re.IGNORECASE,
)
_OF_SETTINGS = ("voltage", "current", "time")


def measurement_columns() -> dict[str, Variable]:
    """Return the columns of a measurement file, but for those of `STATE_COLUMNS`, by role.

    Case and punctuation of a header do not matter.
    """
    columns = {variable.name: variable for variable in DATASETS["readings"] if variable.aliases}
    columns |= {column.name: column for column in READ_FROM}
    others = (name for name in columns if name not in _ORDER)
    return {name: columns[name] for name in (*_ORDER, *others)}


def condition_words() -> tuple[str, ...]:
    """Return what the column of conditions is called in a table whose rows are no readings.

    Such a row is all that is known of a condition, or of a cell of one: what parts its rows is a
    condition, also under a name that may number something else beside single readings.
    """
    aliases = measurement_columns()["condition"].aliases
    return (*aliases, "name", "split", "group", "recipe", "variant", "label", "Gruppe", "Variante")


def conditions_file_columns() -> dict[str, Variable]:
    """Return the columns of a conditions file, which are the keys of its TOML form."""
    columns = {variable.name: variable for variable in DATASETS["conditions"] if variable.aliases}
    return {"name": NAME, **columns}


@dataclass(frozen=True)
class Column:
    """One recognised column of a table.

    `factor`, and then `offset`, take its numbers to SI. `unit_given` is False where the header
    names no unit. `header` is the file's, whatever name the user gave it. Of a column of readings,
    `state`, `condition`, `cell` and `cycle` are what its header says (None: another column says
    it).
    """

    role: str
    header: str
    position: int
    quantity: str | None
    factor: float
    unit_given: bool
    offset: float = 0.0
    state: int | None = None
    condition: str | None = None
    cell: str | None = None
    cycle: int | None = None


@dataclass(frozen=True)
class Above:
    """What rows above the header say of the columns of readings: a table on its side.

    A line of `table` is a column of readings, in the order of `Header.readings`; `columns` are its
    recognised columns by role.
    """

    table: RawTable
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class Header:
    """A header: its texts, where it stands, and what its columns mean.

    `row` is its position in the records and `start` that of the first record below it. `columns`
    are the recognised columns by role, without the readings; `readings` the columns of readings:
    one of the long form, or one for each state, condition or cycle; `beside` those of the same
    readings in another quantity, which are not read. `constants` are columns that hold one text
    throughout, by header, which stand behind the others. `above` is what rows above the header
    say of the columns of readings, None where they say nothing; `levels` are rows, by their
    number, that stand within the header and are not in its texts. `left_out` are the positions
    of columns that the user leaves out.
    """

    texts: tuple[str, ...]
    row: int
    start: int
    columns: Mapping[str, Column] = field(default_factory=dict)
    readings: tuple[Column, ...] = ()
    beside: tuple[Column, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    above: Above | None = None
    levels: tuple[tuple[int, tuple[str, ...]], ...] = ()
    left_out: frozenset[int] = frozenset()

    @property
    def is_wide(self) -> bool:
        """Whether a column has the readings of one state."""
        return any(column.state is not None for column in self.readings)

    @property
    def own(self) -> list[Column]:
        """Every column with a meaning, also constants."""
        return [*self.columns.values(), *self.readings, *self.beside]

    def without(self, role: str) -> Header:
        """Return the header without the column of a role."""
        columns = {name: column for name, column in self.columns.items() if name != role}
        return replace(self, columns=columns)

    def unused(self) -> list[int]:
        """Return the positions of the columns without a meaning."""
        used = {column.position for column in self.own}
        return [position for position in range(len(self.texts)) if position not in used]


def recognise(
    header: Sequence[str],
    accepted: Mapping[str, Variable],
    *,
    place: str,
    renamed: Mapping[str, str] | None = None,
) -> dict[str, Column]:
    """Return the recognised columns by role; a header that is not known is left out.

    Parameters
    ----------
    header : sequence of str
        As in the file, such as ``["state", "R (kOhm)", "I_SET [uA]"]``.
    accepted : mapping
        Columns by role: `measurement_columns`, `conditions_file_columns` or `STATE_COLUMNS`.
    place : str
        File (and row) for messages.
    renamed : mapping, optional
        Headers of the file to names of ours; such a column comes before others of its role.

    Returns
    -------
    dict of str to Column

    Raises
    ------
    InputError
        If a unit is unknown or two columns hold the same thing.
    """
    renamed = renamed or {}
    roles = _roles(accepted)
    columns: dict[str, Column] = {}
    for position, text in enumerate(header):
        name = renamed.get(text.strip(), text)
        column = _recognise_one(name, position, roles=roles, accepted=accepted, place=place)
        if column is None:
            continue
        column = replace(column, header=text)
        before = columns.get(column.role)
        if before is not None and (before.header in renamed) == (text in renamed):
            raise InputError(
                f"{place}: the columns {before.header!r} and {text!r} both hold "
                f"{describe(column.role)}; keep one."
            )
        if before is None or text in renamed:
            columns[column.role] = column
    return columns


def _roles(accepted: Mapping[str, Variable]) -> dict[str, str]:
    return {
        header_key(name): role for role, kind in accepted.items() for name in (role, *kind.aliases)
    }


def describe(role: str) -> str:
    """Return a role in words for a message: ``lrs_resistance`` is "LRS resistance".

    >>> describe("lrs_resistance"), describe("set_current")
    ('LRS resistance', 'SET current')
    """
    words = role.replace("_", " ")
    return re.sub(r"\b(lrs|hrs|set|reset|ber)\b", lambda word: word[0].upper(), words)


def names_accepted(accepted: Mapping[str, Variable], *roles: str) -> str:
    """Return the accepted headers of some roles for a message, each with a unit it may carry."""
    phrases = []
    for role in roles:
        names = ", ".join(accepted[role].aliases[:4])
        quantity = accepted[role].quantity
        unit = f" with a unit such as {QUANTITIES[quantity].examples}" if quantity else ""
        phrases.append(f"{describe(role)} ({names}){unit}")
    return "; ".join(phrases)


def _recognise_one(
    text: str,
    position: int,
    *,
    roles: Mapping[str, str],
    accepted: Mapping[str, Variable],
    place: str,
) -> Column | None:
    for name, unit, must_be_unit in splits(text):
        role = roles.get(header_key(name)) or ONE_LETTER.get(name.strip())
        if role is None or role not in accepted:
            continue
        quantity = accepted[role].quantity
        if quantity is None and unit and not must_be_unit:
            continue
        if quantity == "temperature" and not unit:
            # Kelvin or degree Celsius: a guess would be wrong by 273, so the column is left out.
            return None
        if quantity is None or not unit:
            return Column(role, text, position, quantity, 1.0, unit_given=False)
        try:
            factor = factor_to_si(unit, quantity)
        except UnknownUnitError as error:
            if must_be_unit:
                raise InputError(f"{place}, column {text!r}: {error}") from error
            continue
        except InputError as error:
            raise InputError(f"{place}, column {text!r}: {error}") from error
        offset = offset_to_si(unit, quantity)
        return Column(role, text, position, quantity, factor, unit_given=True, offset=offset)
    return None


def positions_of(texts: Sequence[str], name: str) -> list[int]:
    """Return where a header is, as it is written, else without its unit, case and punctuation.

    >>> positions_of(["state", "Icc (uA)", "recipe"], "icc")
    [1]
    """
    for key in (label_key, header_key):
        found = [i for i, text in enumerate(texts) if key(text) and key(text) == key(name)]
        if found:
            return found
    return [
        position
        for position, text in enumerate(texts)
        if any(unit and header_key(bare) == header_key(name) for bare, unit, _ in splits(text))
        and header_key(name)
    ]


_FULL_WIDTH = str.maketrans("（）［］｛｝／：，", "()[]{}/:,")


def with_plain_brackets(text: str) -> str:
    """Return a header with the brackets and marks of East Asian width as those of ASCII."""
    return text.translate(_FULL_WIDTH)


def splits(text: str) -> list[tuple[str, str, bool]]:
    """Return the ways to read a header as (name, unit, whether the unit is sure to be one)."""
    text = with_plain_brackets(text.strip())
    ways = [(text, "", True)]
    # The last bracket alone: "LRS (55 uA) weak (kOhm)"; one within another is left as it is.
    bracketed = re.fullmatch(r"(.*?)[\s_]*[(\[{]([^()\[\]{}]*)[)\]}]", text) or re.fullmatch(
        r"(.*?)[\s_]*[(\[{](.*)[)\]}]", text
    )
    if bracketed:
        ways.append((bracketed[1], bracketed[2], True))
    for divider in re.finditer(r"[/\s_,:]+(?:in\s+)?", text):
        sure = "/" in divider.group()
        ways.append((text[: divider.start()], text[divider.end() :], sure))
    return ways


def unit_stated(text: str) -> Column | None:
    """Return the quantity and unit of readings that a title states, None where it states none.

    >>> unit_stated("Resistance (kOhm) against cycle").factor
    1000.0
    >>> unit_stated("series resistance (kOhm)") is None
    True
    """
    ways = [(match[1], match[2]) for match in _BRACKETED.finditer(text)]
    plain = _IN_UNIT.fullmatch(text.strip())
    ways += [] if plain is None else [("R", plain[1].strip("()[].,"))]
    for name, unit in ways:
        named = _READINGS.search(name.strip())
        if named is None or _NOT_OF_CELLS.search(text):
            continue
        quantity = "conductance" if named[1] else "current" if named[2] else "resistance"
        try:
            factor = factor_to_si(unit, quantity)
        except InputError:
            continue
        return Column("reading", text, 0, quantity, factor, unit_given=True)
    return None


def voltage_in(header: str) -> float | None:
    """Return the read voltage that the header of a current states, None where none is sure.

    >>> voltage_in("I_LRS @0.2V (A)"), voltage_in("I_LRS @85C (A)")
    (0.2, None)
    >>> voltage_in("I_LRS after SET at 2V (A)") is None
    True
    """
    stated = re.findall(_VOLTAGE, header, re.IGNORECASE)
    place = _AT_VOLTAGE.search(header)
    if place is None or len(stated) > 1 or _OTHER_PULSES.search(header):
        return None
    text = place[1].replace("_", " ")
    if re.search(r",\d{3}(?!\d)", text):
        # A thousands separator or a decimal comma: "1,000mV".
        return None
    return read_quantity(text.replace(",", "."), "voltage")


def without_voltage(name: str, header: str) -> str:
    """Return a name from a header without the read voltage that the header states."""
    return name if voltage_in(header) is None else _AT_VOLTAGE.sub("", name).strip(" _-:,.;()")


def settings_by_unit(header: Header) -> dict[int, tuple[str, str, float]]:
    """Return name, quantity and factor to SI of the columns that may be settings by their unit.

    Their names are not known, and the user did not leave them out.
    """
    found: dict[int, tuple[str, str, float]] = {}
    for position in header.unused():
        if position in header.left_out:
            continue
        for name, unit, sure in splits(header.texts[position]):
            quantity = _quantity_of(unit) if unit and sure and name.strip() else None
            if quantity is not None:
                found[position] = (name.strip(), quantity, factor_to_si(unit, quantity))
                break
    return found


def _quantity_of(unit: str) -> str | None:
    for quantity in _OF_SETTINGS:
        try:
            factor_to_si(unit, quantity)
        except InputError:
            continue
        return quantity
    return None


# What stands in a line of units above numbers without one.
_NO_UNIT = frozenset(
    ["", "-", "--", "–", "—", "#", "1", "n/a", "na", "none", "no unit", "unitless"]
)


def are_units(record: Sequence[str]) -> bool:
    """Whether a line holds nothing but units, as some testers write below the header."""
    texts = [text.strip().strip("()[]") for text in record]
    filled = [text for text in texts if text.casefold() not in _NO_UNIT]
    return (
        bool(filled)
        # One letter alone is a row that lost the rest.
        and len(record) > 1
        and not any(re.search(r"\d", text) for text in filled)
        and all(map(_is_unit, filled))
    )


@functools.lru_cache(maxsize=1024)
def _is_unit(text: str) -> bool:
    for quantity in QUANTITIES:
        try:
            factor_to_si(text, quantity)
        except UnknownUnitError:
            continue
        except InputError:
            return True
        return True
    return False


def with_units(header: Sequence[str], units: Sequence[str]) -> tuple[str, ...]:
    """Return a header with the units of the line below it."""
    bare = [text.strip().strip("()[]") for text in units]
    bare += [""] * (len(header) - len(bare))
    return tuple(
        f"{text} ({unit})" if unit.casefold() not in _NO_UNIT and not _has_unit(text) else text
        for text, unit in zip(header, bare, strict=False)
    )


def _has_unit(text: str) -> bool:
    return any(unit and _is_unit(unit) for _, unit, _ in splits(text))
