"""What a user, or the `set.toml` beside a file, says that the file does not say itself."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TypeGuard

from rramsim.errors import ArgumentError, InputError, number, refused, text_or_none
from rramsim.schema import STATES
from rramsim.units import read_quantity

_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class ReadOptions:
    """How files are to be read; None and empty: as the file says.

    Attributes
    ----------
    columns : tuple of str or None
        The columns of files without a header, in order; ``"-"`` leaves one out.
    names : mapping of str to str
        Headers of the files to names of ours, each with its unit: ``{"Rcell": "R [kOhm]"}``.
    states : mapping of str to int
        Texts of the state column to 0 (LRS) and 1 (HRS); rows with others are left out.
    read_voltage : float or None
        In volt, of currents and of sweeps.
    over_range, floor : float or None
        In ohm: the largest and the smallest resistance the meter resolves.
    file_name : str or None
        What a file's name holds, such as ``"{condition}_{state}_{temperature [degC]}"``.
    condition_from : tuple of str or None
        The columns whose values together name a condition.
    repeats : str or None
        ``"cycle"``: repeats of a cell are its cycles, in the order of the file.
    cycles : (float, float) or None
        The first and the last cycle to be read; the others are left out.
    encoding : str or None
        Of text files; None: it is found out.
    sheets : tuple of str or None
        The sheets of a workbook to be read; None: those with readings.
    bit_lines : int or None
        Bit lines of the array, for cells numbered ``row * bit_lines + column``.
    condition, origin : str or None
        Of files that do not say it.
    """

    columns: tuple[str, ...] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, int] = field(default_factory=dict)
    read_voltage: float | None = None
    over_range: float | None = None
    floor: float | None = None
    file_name: str | None = None
    condition_from: tuple[str, ...] | None = None
    repeats: str | None = None
    cycles: tuple[float, float] | None = None
    encoding: str | None = None
    sheets: tuple[str, ...] | None = None
    bit_lines: int | None = None
    condition: str | None = None
    origin: str | None = None

    @classmethod
    def from_texts(
        cls,
        *,
        columns: str | Sequence[str] | None = None,
        map: str | Sequence[str] | Mapping[str, str] | None = None,
        states: str | Mapping[str, str] | None = None,
        read_voltage: float | str | None = None,
        over_range: float | str | None = None,
        floor: float | str | None = None,
        file_name: str | None = None,
        condition_from: str | Sequence[str] | None = None,
        repeats: str | None = None,
        cycles: str | Sequence[int] | None = None,
        encoding: str | None = None,
        sheets: str | Sequence[str] | None = None,
    ) -> ReadOptions:
        """Return the options that a person wrote: on the command line, in a study file, in Python.

        Parameters
        ----------
        columns : str or sequence of str, optional
            The columns of a file without a header, in order; in one text, commas part them.
        map : str, or sequence or mapping of str, optional
            ``["Rcell=R [kOhm]"]`` or ``{"Rcell": "R [kOhm]"}``.
        states : str or mapping of str, optional
            ``"0=HRS,31=LRS"`` or ``{"0": "HRS", "31": "LRS"}``.
        read_voltage, over_range, floor : float or str, optional
            A number with its unit, or in SI units without one.
        file_name, repeats, encoding : str, optional
            As the attributes.
        condition_from : str or sequence of str, optional
            Names of columns; in one text, commas part them.
        cycles : str or (int, int), optional
            ``"2-"``, ``"10-1000"``, ``"-100"`` or ``"5"``, or the first and the last cycle.
        sheets : str or sequence of str, optional
            The name of a sheet, or the names of several.

        Raises
        ------
        InputError
            For the first text that is not what is expected.

        Examples
        --------
        >>> options = ReadOptions.from_texts(columns="cell,LRS [ohm]", over_range="100 MOhm")
        >>> options.columns, options.over_range
        (('cell', 'LRS [ohm]'), 100000000.0)
        """
        return cls(
            columns=_columns(columns),
            names=_names(map),
            states=_states(states),
            read_voltage=_quantity("read_voltage", read_voltage, "voltage"),
            over_range=_quantity("over_range", over_range, "resistance"),
            floor=_quantity("floor", floor, "resistance"),
            file_name=text_or_none(file_name, "file_name", 'a text such as "{condition}_{state}"'),
            condition_from=_condition_from(condition_from),
            repeats=_repeats(repeats),
            cycles=_cycles(cycles),
            encoding=_encoding(encoding),
            sheets=_sheets(sheets),
        )

    def over(self, other: ReadOptions | None) -> ReadOptions:
        """Return these options, with those of `other` where these say nothing."""
        if other is None:
            return self
        silent = {
            option.name: getattr(other, option.name)
            for option in fields(self)
            if getattr(self, option.name) in (None, {})
        }
        return replace(self, **silent)


def _columns(columns: object) -> tuple[str, ...] | None:
    if columns is None:
        return None
    if isinstance(columns, str):
        return parse_columns(columns)
    if _are_texts(columns):
        return tuple(columns)
    raise refused("columns", columns, 'texts, such as "cell,LRS [ohm],HRS [ohm],cycle"')


def _names(pairs: object) -> dict[str, str]:
    if isinstance(pairs, Mapping) and _are_texts([*pairs, *pairs.values()]):
        return dict(pairs)
    if pairs is None or isinstance(pairs, str):
        return parse_names([] if pairs is None else [pairs])
    if _are_texts(pairs):
        return parse_names(pairs)
    raise refused("map", pairs, '{"Rcell": "R [kOhm]"}, or texts such as "Rcell=R [kOhm]"')


def _states(states: object) -> dict[str, int]:
    if isinstance(states, str):
        return parse_states(states)
    if states is None or isinstance(states, Mapping):
        named = {str(value): state for value, state in (states or {}).items()}
        return checked_states(named, place="states")
    raise refused("states", states, '{"0": "HRS", "31": "LRS"}, or a text such as "0=HRS,31=LRS"')


def _condition_from(columns: object) -> tuple[str, ...] | None:
    if columns is None:
        return None
    names = parse_columns(columns) if isinstance(columns, str) else columns
    if _are_texts(names) and names and all(name.strip() for name in names):
        return tuple(name.strip() for name in names)
    raise refused("condition_from", columns, 'names of columns, such as "Icc,Vreset"')


def _repeats(repeats: object) -> str | None:
    text = text_or_none(repeats, "repeats", _REPEATS)
    if text in (None, "cycle"):
        return text
    raise refused("repeats", repeats, _REPEATS)


def _cycles(cycles: object) -> tuple[float, float] | None:
    if isinstance(cycles, list | tuple):
        if len(cycles) != 2 or any(type(cycle) is not int or cycle < 0 for cycle in cycles):
            raise refused("cycles", cycles, f"{_CYCLES}, or the first and the last one: [2, 1000]")
        cycles = "-".join(map(str, cycles))
    text = text_or_none(cycles, "cycles", _CYCLES)
    if text is None:
        return None
    matched = _RANGE.fullmatch(text.strip())
    if matched is None or not (matched["first"] or matched["last"]):
        raise refused("cycles", cycles, _CYCLES)
    first = float(matched["first"] or 0)
    last = float(matched["last"] or math.inf) if matched["to"] else first
    if first > last:
        raise refused("cycles", cycles, f"{_CYCLES}, the first no more than the last")
    return first, last


def _encoding(encoding: object) -> str | None:
    text = text_or_none(encoding, "encoding", _ENCODINGS)
    try:
        # bytes are no text to some codecs of Python, such as "hex".
        return None if text is None or "".encode(text) is None else codecs.lookup(text).name
    except (LookupError, ValueError) as error:
        raise refused("encoding", encoding, _ENCODINGS) from error


def _sheets(sheets: object) -> tuple[str, ...] | None:
    if sheets is None:
        return None
    names = (sheets,) if isinstance(sheets, str) else sheets
    if _are_texts(names):
        return tuple(names) or None
    raise refused("sheets", sheets, 'names of sheets, such as ["Sheet1"]')


_GROUP = re.compile(r"\((.+)\)\s*\*\s*(\d*)", re.DOTALL)
_REPEATS = '"cycle": repeats of a cell are its cycles, in the order of the file'
_CYCLES = 'cycles such as "2-", "10-1000", "-100" or "5"'
_ENCODINGS = 'an encoding of text, such as "utf-8", "gbk", "shift_jis" or "cp1252"'
_RANGE = re.compile(r"(?P<first>\d+(?:e\d+)?)?\s*(?P<to>-|to)?\s*(?P<last>\d+(?:e\d+)?)?", re.I)


def _are_texts(values: object) -> TypeGuard[Sequence[str]]:
    return isinstance(values, Sequence) and all(isinstance(value, str) for value in values)


_ACCEPTED = {
    "voltage": 'a voltage other than 0, in volt or with its unit, such as "0.2 V"',
    "resistance": 'a resistance above 0, in ohm or with its unit, such as "100 MOhm"',
}


def _quantity(name: str, value: object, quantity: str) -> float | None:
    """Return a quantity that a person gives with its unit, or in SI units, None for none."""
    if value is None:
        return None
    accepted = _ACCEPTED[quantity]
    try:
        is_text = isinstance(value, str)
        si = read_quantity(str(value), quantity) if is_text else number(value, name, accepted)
    except ArgumentError:
        raise
    except InputError as error:
        raise ArgumentError(name, f": {error}") from error
    usable = 0 < (abs(si) if quantity == "voltage" else si) < math.inf
    if not usable:
        raise refused(name, value, accepted)
    return si


def parse_columns(text: str) -> tuple[str, ...]:
    """Split the columns a user lists, ``"cell,LRS [ohm],HRS [ohm],cycle"``, at the commas.

    >>> parse_columns("cell,(HRS [ohm],LRS [ohm])*")
    ('cell', '(HRS [ohm],LRS [ohm])*')
    """
    parts = re.split(r",(?![^()]*(?:\([^()]*\)[^()]*)*\)\s*\*)", text)
    return tuple(part.strip() for part in parts)


def columns_of_width(columns: Sequence[str], width: int) -> tuple[str, ...]:
    """Return columns with their group repeated, to a width or as often as it says.

    >>> columns_of_width(["cell", "(HRS [ohm],LRS [ohm])*"], 5)
    ('cell', 'HRS [ohm]', 'LRS [ohm]', 'HRS [ohm]', 'LRS [ohm]')

    Raises
    ------
    InputError
        If there are several groups without a number, or the group does not fill the width.
    """
    groups = [_GROUP.fullmatch(column) for column in columns]
    names = [
        parse_columns(group[1]) if group else (column,)
        for column, group in zip(columns, groups, strict=True)
    ]
    open_ended = [i for i, group in enumerate(groups) if group and not group[2]]
    counts = [int(group[2] or 0) if group else 1 for group in groups]
    rest = width - sum(count * len(part) for count, part in zip(counts, names, strict=True))
    if len(open_ended) > 1:
        raise InputError(
            f"--columns: {', '.join(columns[i] for i in open_ended)} all repeat to the width of "
            "the table; accepted is one such group, others with a number: (LRS,HRS)*300."
        )
    for i in open_ended:
        times, left = divmod(rest, len(names[i]))
        if times < 1 or left:
            raise InputError(
                f"--columns: the table has {width} columns; {rest} are left for {columns[i]}, "
                f"which is not a multiple of its {len(names[i])}."
            )
        counts[i] = times
    return tuple(name for count, part in zip(counts, names, strict=True) for name in part * count)


def parse_names(pairs: Sequence[str]) -> dict[str, str]:
    """Return ``["Rcell=R [kOhm]"]`` as a mapping; the last ``=`` divides.

    Raises
    ------
    InputError
        If a pair has no ``=``, or nothing on a side of it.
    """
    names: dict[str, str] = {}
    for pair in pairs:
        header, _, name = pair.rpartition("=")
        if not header.strip() or not name.strip():
            raise InputError(
                f"--map {pair!r}: accepted is the file's header = a name of ours with its unit, "
                'such as --map "Rcell=R [kOhm]".'
            )
        names[header.strip()] = name.strip()
    return names


def parse_states(text: str) -> dict[str, int]:
    """Return ``"0=HRS,31=LRS"`` as ``{"0": 1, "31": 0}``.

    Raises
    ------
    InputError
        If a value is not LRS or HRS.
    """
    pairs = [pair.rpartition("=") for pair in text.split(",")]
    return checked_states({value.strip(): state for value, _, state in pairs}, place="--states")


def checked_states(states: Mapping[str, object], *, place: str) -> dict[str, int]:
    """Return the position in `STATES` of each named state; `InputError` where it is another."""
    checked = {}
    for value, state in states.items():
        name = str(state).strip().upper()
        if name not in STATES or not value:
            raise InputError(
                f"{place}: {value!r} = {str(state)!r} was found; accepted is a value of the "
                'state column = LRS or HRS, such as "0=HRS,31=LRS".'
            )
        checked[value] = STATES.index(name)
    return checked


def constants_of_name(stem: str, pattern: str) -> dict[str, str]:
    """Return what a file's name holds, by header: ``{"condition": "weak", "state": "LRS"}``.

    Parameters
    ----------
    stem : str
        The name without its suffixes.
    pattern : str
        Texts with a header in braces where a value stands; ``{-}`` is a value to leave out.

    Raises
    ------
    InputError
        If the name does not fit the pattern, or the pattern holds no header.
    """
    headers = [header.strip() for header in _FIELD.findall(pattern)]
    if not headers or len(set(headers) - {"-"}) < len(headers) - headers.count("-"):
        raise InputError(
            f"the pattern {pattern!r} of file names: accepted are texts with different headers in "
            'braces, such as "{condition}_{state}".'
        )
    literals = [re.escape(text) for text in _FIELD.split(pattern)[::2]]
    matched = re.fullmatch("(.+?)".join(literals), stem)
    if matched is None:
        raise InputError(f"the file name {stem!r} does not fit the pattern {pattern!r}.")
    pairs = zip(headers, matched.groups(), strict=True)
    return {header: value for header, value in pairs if header != "-"}
