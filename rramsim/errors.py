"""The errors a user can mend, and the checks of arguments that raise them.

The command line turns each error into one message and exit code 2.
"""

from __future__ import annotations

import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any

_LONGEST_SHOWN = 60
_SHOWN_AS_WRITTEN = (str, bytes, Real, list, tuple, dict, set)
DEVICES = ("cpu", "cuda")
"""What networks are trained and scored on."""


class InputError(ValueError):
    """Something a user gave cannot be used.

    The message is one sentence (or two) that says where (file, row, column), what was found
    and what is accepted. It is shown as it is, without a traceback.

    Examples
    --------
    >>> import rramsim
    >>> try:
    ...     rramsim.IidFaults(1.5)
    ... except rramsim.InputError as error:
    ...     print(error)
    The BER is 1.5; a number from 0 to 1 is needed.
    """


MOST = {
    "bytes of a file": 400_000_000,
    "bytes of a settings file": 1_000_000,
    "rows of a table": 10_000_000,
    "columns of a table": 20_000,
    "cells of a sheet": 20_000_000,
    "pixels of an image": 1 << 20,
    "bytes of all images": 1_000_000_000,
    "weights of a network": 100_000_000,
    "cells of a tile": 100_000_000,
    "chips": 1_000_000,
}
"""What is taken at most, so that nothing that is given fills memory or has no end."""

_FACTOR = "RRAMSIM_LIMITS"


def check_limit(what: str, found: float, place: str = "") -> None:
    """Refuse more than there is a limit for (`MOST`); the environment can raise all limits.

    Raises
    ------
    InputError
        With the limit, and the variable that raises it.

    Examples
    --------
    >>> check_limit("chips", 10**9, "--chips")
    Traceback (most recent call last):
    ...
    rramsim.errors.InputError: --chips: 1,000,000,000 chips; accepted are up to 1,000,000. With \
RRAMSIM_LIMITS=10 in the environment ten times as much is taken.
    """
    factor = os.environ.get(_FACTOR, "1")
    if not (factor.isascii() and factor.isdigit() and 0 < len(factor) < len("1000000")):
        raise InputError(f"{_FACTOR} is {factor!r}; accepted is a whole number from 1 on.")
    most = MOST[what] * int(factor)
    if found > most:
        where = f"{place}: " if place else ""
        raise InputError(
            f"{where}{found:,} {what}; accepted are up to {most:,}. With {_FACTOR}=10 in the "
            "environment ten times as much is taken."
        )


class ArgumentError(InputError):
    """An argument or a setting cannot be used; a command says it of the option that was typed.

    Attributes
    ----------
    argument : str
        Its name in Python or in a settings file, such as ``chip_yield`` or ``use.reference``.
    words : str
        What is wrong with it: the message goes on with this after the name.
    """

    def __init__(self, argument: str, words: str = "", *, place: str = "") -> None:
        super().__init__(f"{place}{argument}{words}")
        self.argument, self.words = argument, words


class DamagedError(InputError):
    """A file of rramsim's own is not as it was written: what it holds is not believed."""


class DamagedWarning(UserWarning):
    """A damaged file was set aside, and what it held is made again."""


def refused(name: str, value: object, accepted: str) -> InputError:
    """Return the error that names an argument, what came for it and what is accepted.

    Examples
    --------
    >>> refused("chips", 2.5, "a whole number")
    ArgumentError('chips is 2.5; accepted: a whole number.')
    """
    return ArgumentError(name, f" is {shown(value)}; accepted: {accepted}.")


def shown(value: object) -> str:
    """Return a value as a message shows it: what is long or not a plain value by its type.

    >>> shown("a"), shown(list(range(99))), shown(object())
    ("'a'", 'of type list', 'of type object')
    """
    if value is None:
        return "None"
    value = plain(value)
    text = repr(value) if isinstance(value, _SHOWN_AS_WRITTEN) else ""
    if text and len(text) <= _LONGEST_SHOWN and "\n" not in text:
        return text
    return f"of type {type(value).__name__}" if not isinstance(value, type) else value.__name__


def plain(value: Any) -> Any:
    """Return NumPy numbers and arrays, also inside lists and tables, as Python's own.

    Examples
    --------
    >>> import numpy as np
    >>> plain([np.int64(3), {"a": np.array(0.5)}]), plain("text")
    ([3, {'a': 0.5}], 'text')
    """
    if isinstance(value, list | tuple):
        values = [plain(one) for one in value]
        return values if isinstance(value, list) else tuple(values)
    if type(value) is dict:
        return {key: plain(one) for key, one in value.items()}
    is_array = hasattr(value, "dtype") and hasattr(value, "ndim") and hasattr(value, "tolist")
    return value.tolist() if is_array else value


def number(value: object, name: str, accepted: str = "a number") -> float:
    """Return a real number of any type as a float.

    Raises
    ------
    InputError
        For anything else, also a number as a text.
    """
    converted = plain(value)
    if isinstance(converted, bool) or not isinstance(converted, Real):
        raise refused(name, value, accepted)
    try:
        return float(converted)
    except OverflowError:
        raise refused(name, value, accepted) from None


def whole_number(value: object, name: str, accepted: str = "a whole number") -> int:
    """Return an integer of any type as an int.

    Raises
    ------
    InputError
        For anything else.
    """
    converted = plain(value)
    if isinstance(converted, bool) or not isinstance(converted, Integral):
        raise refused(name, value, accepted)
    return int(converted)


def text_or_none(value: object, name: str, accepted: str = "a text") -> str | None:
    """Return a text, None for none; `InputError` for anything else."""
    if value is None or isinstance(value, str):
        return value
    raise refused(name, value, accepted)


def on_progress(value: Any) -> Any:
    """Return what is told of progress, None for none; `InputError` where it cannot be called."""
    if value is None or callable(value):
        return value
    raise refused("progress", value, "a function of stage, done and total")


def file_path(value: object, name: str = "path") -> Path:
    """Return a path; `InputError` for what is neither a path nor a text."""
    if isinstance(value, str | Path):
        return Path(value)
    raise refused(name, value, "a path")


def device_name(value: object) -> str:
    """Return ``"cpu"`` or ``"cuda"`` (also with a number, ``"cuda:1"``); else `InputError`."""
    if isinstance(value, str) and value.partition(":")[0] in DEVICES:
        return value
    raise refused("device", value, " or ".join(map(repr, DEVICES)))
