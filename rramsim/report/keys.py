"""What of a record stands under which key in JSON and CSV, as a table of keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from rramsim.interval import Interval
from rramsim.schema import STATES, Record

Value = str | Callable[[Record], Any]
"""A variable of a record by its name, or what a function makes of the record."""

Keys = Mapping[str, Value]
"""Values by their keys, in the order of the answer."""


def answer(row: Record, keys: Keys) -> dict[str, Any]:
    """Return the values of a record by key; unknown numbers are None.

    Parameters
    ----------
    row : Record
    keys : Keys

    Examples
    --------
    >>> import xarray as xr
    >>> from rramsim.schema import records
    >>> (row,) = records(xr.Dataset({"sigma": 0.5, "mu": float("nan")}))
    >>> answer(row, {"sigma_ln": "sigma", "mu_ln": "mu"})
    {'sigma_ln': 0.5, 'mu_ln': None}
    """
    return {
        key: row.plain(value) if isinstance(value, str) else value(row)
        for key, value in keys.items()
    }


def same(*names: str) -> dict[str, str]:
    """Return keys that are the names of their variables."""
    return {name: name for name in names}


def of_state(keys: Keys) -> dict[str, Value]:
    """Return the same keys for each state, under ``lrs`` and ``hrs``."""

    def at(state: str) -> Value:
        return lambda row: answer(row.at(state=state), keys)

    return {state.lower(): at(state) for state in STATES}


def each(dim: str, keys: Keys, *, known: str = "") -> Value:
    """Return the places along a dim as a list, without those where `known` is not."""
    return lambda row: [
        answer(place, keys) for place in row.by(dim) if not known or place.number(known) is not None
    ]


def ends(name: str) -> Value:
    """Return a number with the ends of its interval."""
    return lambda row: ends_of(row.interval(name))


def ends_of(value: Interval) -> dict[str, float | None]:
    """Return an interval as values."""
    numbers = {"estimate": value.estimate, "low": value.low, "high": value.high}
    return {key: finite(number) for key, number in numbers.items()}


def bounded(name: str, key: str) -> dict[str, Value]:
    """Return a number under `key`, or only under ``key_more_than`` and ``key_less_than``."""

    def estimate(bound: str) -> Value:
        def value(row: Record) -> float | None:
            number = row.interval(name)
            return finite(number.estimate) if number.bound == bound else None

        return value

    def upper_bound(row: Record) -> float | None:
        number = row.interval(name)
        bounds = {"upper": number.estimate, "lower": number.high}
        return finite(bounds.get(number.bound, math.nan))

    def end(side: str) -> Value:
        def value(row: Record) -> float | None:
            number = row.interval(name)
            return None if number.bound else finite(getattr(number, side))

        return value

    return {
        key: estimate(""),
        f"{key}_more_than": estimate("lower"),
        f"{key}_less_than": upper_bound,
        f"{key}_low": end("low"),
        f"{key}_high": end("high"),
    }


def source(name: str) -> Value:
    """Return where a number is from, None where that is unknown."""
    return lambda row: None if row[name] == "unknown" else row[name]


def known_text(name: str) -> Value:
    """Return a text, None where it is empty."""
    return lambda row: row.text(name) or None


def attribute(name: str) -> Value:
    """Return an attribute of the dataset, None where it is a number that is unknown."""

    def value(row: Record) -> Any:
        known = row.attrs[name]
        return known if isinstance(known, str) else finite(known)

    return value


def attributes(*names: str) -> dict[str, Value]:
    """Return attributes of the dataset under their names."""
    return {name: attribute(name) for name in names}


def finite(value: float) -> float | None:
    """Return a number, None where it is unknown or infinite."""
    return float(value) if math.isfinite(value) else None
