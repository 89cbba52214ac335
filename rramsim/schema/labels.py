"""Labels that people give: when two of them are one, and which spelling is shown."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import is_plain
from rramsim.schema.variable import without_accents
from rramsim.schema.words import STATE_WORDS, WORDS_BEFORE_STATES

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

# Compatibility forms of these would change what is meant: 10⁵ is not 105.
_MEANT = ("<super>", "<sub>", "<fraction>", "<circle>")
_DASHES = re.compile("[\N{HYPHEN}-\N{HORIZONTAL BAR}\N{MINUS SIGN}]")
# People without a µ on the keyboard write "uA" for "µA".
_MICRO = re.compile("\N{GREEK SMALL LETTER MU}(?=[AVsSmWJFΩ])")
_LONGEST_SHOWN = 60
# Of difflib's measure of likeness, from 0 to 1.
_ALIKE = 0.7


def label_key(label: str) -> str:
    r"""Return what two labels share that look the same: one key for all spellings of one name.

    Compatibility forms of Unicode are one (NFKC): the micro sign and the Greek mu, full-width and
    ordinary letters, a no-break space and a space. Runs of spaces are one space, dashes and minus
    signs one hyphen, "uA" and "µA" one unit; signs without a width do not count. Case counts, and
    so does whether there is a space at all. Raised and lowered digits stay what they are.

    Examples
    --------
    >>> label_key("55\xa0\u00b5A") == label_key("55 \u03bcA") == label_key("55 uA")
    True
    >>> label_key("10⁵") == label_key("105"), label_key("55uA") == label_key("55 uA")
    (False, False)
    """
    shown = "".join(sign for sign in label if unicodedata.category(sign) != "Cf")
    plain = "".join(map(_compatible, unicodedata.normalize("NFC", shown)))
    one_dash = _DASHES.sub("-", unicodedata.normalize("NFC", plain))
    return re.sub(r"\s+", " ", _MICRO.sub("u", one_dash)).strip()


def check_label(label: str, place: str) -> None:
    """Refuse a name that a terminal, a page or a table would not show but obey.

    Raises
    ------
    InputError
        If it holds control characters, or signs that turn the direction of a text.
    """
    if not is_plain(label):
        raise InputError(
            f"{place}: the name {label[:_LONGEST_SHOWN]!r} holds a control character; accepted are "
            "names of visible characters."
        )


def first_spellings(labels: Iterable[str]) -> dict[str, str]:
    """Return for each label the spelling in which its name was met first.

    >>> first_spellings(["weak", "55 µA", "55 uA"])
    {'weak': 'weak', '55 µA': '55 µA', '55 uA': '55 µA'}
    """
    met: dict[str, str] = {}
    return {label: met.setdefault(label_key(label), label) for label in labels}


def spelled_as(label: str, known: Iterable[str]) -> str:
    """Return a label in the spelling of the known ones, as it is where none of them is it.

    >>> spelled_as("55 uA", ["20 µA", "55 µA"]), spelled_as("50 uA", ["20 µA", "55 µA"])
    ('55 µA', '50 uA')
    """
    key = label_key(label)
    return next((other for other in known if label_key(other) == key), label)


def with_spellings(conditions: xr.Dataset, known: Iterable[str]) -> xr.Dataset:
    """Return a dataset over conditions with their names in the spelling of the known ones."""
    met = {label_key(name): name for name in known}
    names = [str(name) for name in conditions["condition"].values]
    return conditions.assign_coords(
        condition=("condition", [met.get(label_key(name), name) for name in names])
    )


def most_alike(label: str, others: Sequence[str]) -> str | None:
    """Return the label that differs by case, spaces or a letter, or None.

    >>> most_alike("Very strong", ["verystrong"]), most_alike("50 uA", ["55 uA"])
    ('verystrong', None)
    """
    by_key = {_loose(other): other for other in others if _digits(other) == _digits(label)}
    alike = difflib.get_close_matches(_loose(label), by_key, n=1, cutoff=_ALIKE)
    return by_key[alike[0]] if alike else None


def told_apart(label: str, other: str) -> str:
    r"""Return a label in quotation marks, with the signs that only look like those of another.

    >>> told_apart("Weak", "weak"), told_apart("55 \u0410", "55 A")
    ("'Weak'", "'55 А' (with U+0410)")
    """
    differing = {"with": _codes(label, other), "without": _codes(other, label)}
    told = ", ".join(f"{word} {codes}" for word, codes in differing.items() if codes)
    return f"{label!r} ({told})" if told else repr(label)


# Spaces and separators mean nothing in a name, but between digits, and a minus before one.
_SEPARATORS = re.compile(r"(?<!\d)[\s_/|;:-]*[\s_/|;:](?=\d)|[\s_/|;:-]+(?!\d)|(?<!\d)[\s_/|;:]+")


def names_alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return names that differ only by case, spaces, separators or the spelling of micro.

    >>> names_alike(["55uA", "weak", "55 µA", "We-ak", "1.2 V", "12 V", "V -1", "V 1"])
    [('55uA', '55 µA'), ('weak', 'We-ak')]
    """
    by_key: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        key = _SEPARATORS.sub("", label_key(name).casefold())
        by_key.setdefault(key, []).append(name)
    return [tuple(alike) for alike in by_key.values() if len(alike) > 1]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the sentence that names what was probably meant, with a blank before it, or "".

    >>> did_you_mean("--repot", ["--report", "--plot"]), did_you_mean("x", ["--report"])
    (" Did you mean '--report'?", '')
    """
    alike = most_alike(name, list(known))
    return "" if alike is None else f" Did you mean {told_apart(alike, name)}?"


def did_you_mean_file(path: Path, names: Iterable[str] = ()) -> str:
    """Return the sentence that names a file beside a path that is not there, or a name, or ""."""
    try:
        beside = sorted(str(path.with_name(file.name)) for file in path.parent.iterdir())
    except (OSError, ValueError):
        beside = []
    return did_you_mean(str(path), [*beside, *names])


def _codes(label: str, other: str) -> str:
    """Return the code points of a label that are neither plain letters nor in another label."""
    strange = [sign for sign in dict.fromkeys(label) if not sign.isascii() and sign not in other]
    return ", ".join(f"U+{ord(sign):04X}" for sign in strange)


def _compatible(sign: str) -> str:
    form = unicodedata.decomposition(sign)
    return sign if form.startswith(_MEANT) else unicodedata.normalize("NFKC", sign)


def _loose(label: str) -> str:
    return "".join(label_key(label).casefold().split())


def _digits(label: str) -> list[str]:
    return re.findall(r"\d+", label)


def state_named(text: str) -> int | None:
    """Return 0 for what files call LRS, 1 for HRS, and None for another text.

    >>> state_named("Low-resistance state"), state_named("OFF"), state_named("?")
    (0, 1, None)
    """
    return _STATES.get(_state_key(text))


def is_before_both(text: str) -> bool:
    """Return whether a text is a word for a cell before its first SET and RESET.

    >>> is_before_both("FORMING"), is_before_both("SET")
    (True, False)
    """
    return _state_key(text) in _BEFORE_BOTH


def _state_key(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", without_accents(text).casefold()).strip()


_STATES = {_state_key(name): state for state, names in enumerate(STATE_WORDS) for name in names}
_BEFORE_BOTH = frozenset(map(_state_key, WORDS_BEFORE_STATES))
