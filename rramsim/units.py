"""Units as people write them, turned into factors to SI by pint."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rramsim.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pint


@dataclass(frozen=True)
class Quantity:
    """A physical quantity of a column: its SI unit, and the prefixes met with it in practice."""

    unit: str
    symbols: tuple[str, ...]
    prefixes: str
    examples: str


QUANTITIES = {
    "resistance": Quantity("ohm", ("ohm", "ohms"), "kMGT", "ohm, kOhm, kΩ, MOhm"),
    "conductance": Quantity("siemens", ("S",), "mµnpf", "S, mS, uS, nS"),
    "current": Quantity("ampere", ("A",), "mµnpf", "A, mA, uA, nA"),
    "voltage": Quantity("volt", ("V",), "mµk", "V, mV"),
    "time": Quantity("second", ("s",), "mµnpf", "s, us, ns, hours, years"),
    "energy": Quantity("joule", ("J",), "mµnpfa", "J, nJ, pJ, fJ"),
    "temperature": Quantity("kelvin", ("K",), "", "K, degC, °C"),
}

ZERO_CELSIUS_K = 273.15
YEAR = 365.25 * 86400.0
"""In s."""
LONGEST_TIME = 1000.0 * YEAR
"""Longer lives and times are not asked for by anybody who means them."""
ELECTRON_VOLT = 1.602176634e-19
"""In joule, exact."""

_CELSIUS = frozenset(["c", "°c", "degc", "deg c", "℃", "celsius", "degree celsius"])

_FACTORS = {
    **{"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3},
    **{"m": 1e-3, "µ": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18},
}

# The ohm sign U+2126 and the Greek Omega, the Greek mu and the micro sign look alike.
_LOOKALIKES = str.maketrans({"\u2126": "Ω", "\u03bc": "µ"})
# A column's numbers are taken for decimal ones of this many places or less.
_PLACES = 6
_LARGEST_WHOLE = 2.0**53
_EXACT_POWER = 22  # the largest power of ten that a float holds without rounding
_QUANTITY_TEXT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\D.*?)\s*")
_BARE_NUMBER = re.compile(r"[-+\d.eE\s]*")


# What cells are programmed and read with, and what that gives: a value of each in SI units.
_TYPICAL = {
    **{"resistance": 3e4, "conductance": 3e-5, "current": 5e-5, "voltage": 1.0},
    **{"time": 1e-7, "energy": 1e-11, "temperature": 358.15},
}
_EXAMPLES = {
    **{"resistance": "25 kOhm", "conductance": "40 uS", "current": "55 uA", "voltage": "0.2 V"},
    **{"time": "100 ns", "energy": "11 pJ", "temperature": "85 degC"},
}
_CELSIUS_RANGE = (-273.15, 200.0)


class UnknownUnitError(InputError):
    """A unit that is not known, or not one of the quantity asked for."""


class AmbiguousUnitError(InputError):
    """A unit that people write for two different factors."""


@functools.lru_cache(maxsize=256)
def factor_to_si(text: str, quantity: str) -> float:
    """Return the factor that takes a number in the unit `text` to SI.

    Parameters
    ----------
    text : str
        A unit as written in a header: "kOhm", "kΩ", "uA", "µA", "ns", "pJ", in any usual case.
    quantity : str
        A key of `QUANTITIES`.

    Returns
    -------
    float

    Raises
    ------
    UnknownUnitError
        If it is no unit of that quantity.
    AmbiguousUnitError
        For "mohm", which is written for milliohm and for megohm.
    """
    kind = QUANTITIES[quantity]
    unit = text.strip().translate(_LOOKALIKES)
    if unit in ("mohm", "mohms"):
        raise AmbiguousUnitError(f"the unit {text!r} may mean milliohm or megohm; write MOhm.")
    if quantity == "resistance":
        unit = re.sub(r"ohms?$", "ohm", unit, flags=re.IGNORECASE).replace("Ω", "ohm")
    if offset_to_si(unit, quantity):
        return 1.0
    # What most people write needs no pint, which takes a third of a second to load.
    exact = _prefixed(quantity).get(unit)
    if exact is None and not _is_of_another(unit, quantity):
        exact = _by_pint(unit, kind.unit)
    if exact is not None:
        return exact
    loose = _spellings(quantity).get(unit.replace("µ", "u").casefold())
    if loose is None:
        raise UnknownUnitError(
            f"{text!r} is not a unit of {quantity}; accepted are {kind.examples} and their like."
        )
    return loose


def offset_to_si(text: str, quantity: str) -> float:
    """Return what is added after the factor: 273.15 for a temperature in degC, else 0."""
    is_celsius = quantity == "temperature" and text.strip().casefold() in _CELSIUS
    return ZERO_CELSIUS_K if is_celsius else 0.0


def scaled(value: float, factor: float) -> float:
    """Return the product as one multiplies on paper.

    >>> scaled(11.0, 1e-12), 11.0 * 1e-12
    (1.1e-11, 1.0999999999999999e-11)
    """
    return float(Decimal(repr(value)) * Decimal(repr(factor)))


def scaled_column(values: np.ndarray, factor: float) -> np.ndarray:
    """Return the products as one multiplies on paper, where a value has at most 6 decimals.

    A value that is a whole number of millionths, times a power of ten, is that whole number
    times or over an exact power of ten, rounded once; others are multiplied.

    Parameters
    ----------
    values : ndarray of float
        In the unit of a file.
    factor : float
        To SI.
    """
    import numpy as np

    power = round(math.log10(factor)) if factor > 0 else 0
    if factor == 1.0:
        return values
    # What is beyond a float becomes infinite and is refused with its row later.
    with np.errstate(over="ignore"):
        products: np.ndarray = values * factor
        if float(f"1e{power}") != factor or abs(power - _PLACES) > _EXACT_POWER:
            return products
        whole = np.rint(values * 10.0**_PLACES)
        is_decimal = (whole / 10.0**_PLACES == values) & (np.abs(whole) < _LARGEST_WHOLE)
        places = _PLACES - power
        on_paper = whole / float(f"1e{places}") if places > 0 else whole * float(f"1e{-places}")
    return np.where(is_decimal, on_paper, products)


def read_quantity(text: str, quantity: str) -> float:
    """Return the SI value of a number with its unit, such as ``"55 uA"``.

    Raises
    ------
    InputError
        If there is no number, no unit, or not a unit of that quantity.
    """
    examples = QUANTITIES[quantity].examples
    matched = _QUANTITY_TEXT.fullmatch(text)
    if matched is None or _BARE_NUMBER.fullmatch(text):
        article = "an" if quantity[0] in "aeio" else "a"
        raise InputError(
            f"{text!r} is not {article} {quantity}; accepted is a number with its unit ({examples})"
            f"{_hint(text, quantity)}."
        )
    value = scaled(float(matched[1]), factor_to_si(matched[2], quantity))
    value += offset_to_si(matched[2], quantity)
    if not abs(value) < float("inf"):
        raise InputError(f"{text!r} is too large for a {quantity}.")
    return value


def _hint(text: str, quantity: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return ""
    return f', such as "{with_likely_unit(number, quantity)}"'


def with_likely_unit(number: float, quantity: str) -> str:
    """Return a bare number with the unit in which it is most like what cells have.

    A number in SI units is said with its prefix; where there is no number (NaN), an example stands.

    >>> with_likely_unit(1.1e-11, "energy"), with_likely_unit(11.0, "energy")
    ('11 pJ', '11 pJ')
    >>> with_likely_unit(5.5e-5, "current"), with_likely_unit(0.2, "voltage")
    ('55 uA', '0.2 V')
    """
    if not 0 < abs(number) < math.inf:
        return _EXAMPLES[quantity]
    if quantity == "temperature":
        low, high = _CELSIUS_RANGE
        return f"{number:g} {'degC' if low < number < high else 'K'}"
    typical = _TYPICAL[quantity]
    units = _written_units(quantity)
    # How far the number, taken in a unit, lies from what is typical, in decades.
    unit = min(units, key=lambda unit: abs(math.log10(abs(number) * units[unit] / typical)))
    if 0.01 <= abs(number) < 1e4:
        return f"{number:.12g} {unit}"
    value = abs(number) * units[unit]
    shown = min(
        (unit for unit in units if units[unit] <= value * (1 + 1e-9)),
        key=lambda unit: value / units[unit],
        default=unit,
    )
    return f"{math.copysign(value / units[shown], number):.12g} {shown}"


def _written_units(quantity: str) -> dict[str, float]:
    """Return the units that a person would write for a quantity, with their factors to SI."""
    kind = QUANTITIES[quantity]
    symbol = {"resistance": "Ohm"}.get(quantity, kind.symbols[0])
    prefixes = {prefix: _FACTORS[prefix] for prefix in kind.prefixes}
    return {
        symbol: 1.0,
        **{f"{prefix.replace('µ', 'u')}{symbol}": by for prefix, by in prefixes.items()},
    }


def _is_of_another(unit: str, quantity: str) -> bool:
    others = [other for other in QUANTITIES if other != quantity]
    return any(unit in _prefixed(other) or offset_to_si(unit, other) for other in others)


def _by_pint(unit: str, base: str) -> float | None:
    # A lone prefix such as "k" is a physical constant to pint, not a unit.
    if unit in _FACTORS or not re.fullmatch(r"[^\W\d_]+(?:\s*[*·]\s*[^\W\d_]+)*", unit):
        return None
    try:
        return float(_registry().Quantity(1.0, unit).to(base).magnitude)
    except Exception:
        # pint lets the errors of Python's tokenizer through, beside its own.
        return None


@functools.cache
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    return pint.UnitRegistry()


@functools.cache
def _prefixed(quantity: str) -> dict[str, float]:
    """Return the units that are a symbol of a quantity, with a prefix or without."""
    kind = QUANTITIES[quantity]
    # People write u for µ.
    written = (*kind.prefixes, *("u" for prefix in kind.prefixes if prefix == "µ"))
    prefixes = {"": 1.0, **{each: _FACTORS[each.replace("u", "µ")] for each in written}}
    return {
        f"{prefix}{symbol}": factor
        for prefix, factor in prefixes.items()
        for symbol in kind.symbols
    }


@functools.cache
def _spellings(quantity: str) -> dict[str, float]:
    """Return the units in lower case, for headers such as ``set_current_ua``."""
    spelled = {
        unit.replace("µ", "u").casefold(): factor for unit, factor in _prefixed(quantity).items()
    }
    return spelled | ({"megohm": 1e6, "megohms": 1e6} if quantity == "resistance" else {})
