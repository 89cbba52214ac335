"""What one variable of a dataset is, and the words and codes that variables are made of."""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

STATES = ("LRS", "HRS")
"""The two resistance states, in the order of the `state` dimension. LRS stores 0 (weight -1)."""

BER_BASES = ("fitted", "counted", "stated")
ENERGY_BASES = ("measured", "stated", "computed", "unknown")
ENDURANCE_BASES = ("measured", "stated", "unknown")
VERDICTS = ("holds", "tail", "does not hold", "not tested")
"""Whether readings are lognormal, also in the tail that makes the errors."""

OUTLIER_KINDS = ("stuck", "outlying")
"""A reading beyond its population that is like the other state's, or like neither's."""

REQUIREMENT_VERDICTS = ("", "yes", "no", "not settled", "unknown")
"""Whether a point meets a requirement; empty where it is not asked."""

POINT_VERDICTS = ("", "yes", "no", "not settled")
"""Whether a point meets all of them; empty where there is no such point."""

CELLS_BASES = ("", "draws", "bound", "stated", "no interval", "model")
"""What the part of an interval by the sample of cells is from: draws of the populations; nothing,
since the BER is a bound, was stated, has no interval, or is that of a fault model of Python."""

LIFE_BASES = ("", "cycles and time", "cycles", "time", "no readings", "no formula", "model")
"""What tells how long the cells of a condition are good: readings over cycles and over time, or one
of them; nothing, since there are none, a protection has no formula, or the faults are a model of
Python; empty where there is no such point."""

LIFE_LIMITS = ("", "endurance", "retention", "neither")
"""What limits a life: cells wear out before it is over, or it takes more cycles than were read;
they must be refreshed for it; nothing within what was read. Empty where that is not known, or the
verdict on the life is open."""

REFRESH_BASES = ("", "lower end", "estimate")
"""By which of the times to which a network is accurate enough its cells are refreshed: the lower
end where it lasts by that, else the estimate; empty where that is not known."""

BOUNDS = ("", "upper", "lower")
"""Whether a figure is a value (``""``) or only an upper or lower bound on one."""


@dataclass(frozen=True)
class Variable:
    """One variable of a dataset: its name, dims, unit, numpy kind and meaning.

    `kind` is ``"f"`` (float), ``"i"`` (integer), ``"b"`` (yes or no, stored as int8) or ``"U"``
    (text). `choices` lists the texts or codes allowed; `optional` ones may be left out.

    What files and people see of it: `quantity` is a key of `rramsim.units.QUANTITIES` where its
    numbers carry a unit in files; `aliases` are the headers accepted for it, the usual ones first;
    `label` is what notes and tables call it, `symbol` what stands for it in the names of
    conditions; `key` is its name in JSON and CSV. `sign` says which
    numbers a file may hold: ``"dropped"`` any (the magnitude is kept), ``"positive"`` those above
    0, and empty those from 0 on. `group` is ``"setting"`` for a setting of a programming
    condition, ``"energy"`` for what an operation costs and ``"judged"`` for what depends on what is
    required of a point.
    """

    name: str
    dims: tuple[str, ...]
    unit: str
    kind: str
    meaning: str
    choices: tuple[str, ...] | tuple[int, ...] | None = None
    optional: bool = False
    quantity: str | None = None
    aliases: tuple[str, ...] = ()
    label: str = ""
    symbol: str = ""
    key: str = ""
    sign: str = ""
    group: str = ""

    @property
    def missing(self) -> float | int | str:
        """What stands where the variable is not known: NaN, -1 (a number or index), 0 or empty."""
        return {"f": math.nan, "i": -1, "b": 0}.get(self.kind, "")


def per(*dims: str) -> Callable[..., Variable]:
    """Return a maker of variables that all have these dims."""

    def variable(name: str, unit: str, kind: str, meaning: str, **more: Any) -> Variable:
        return Variable(name, dims, unit, kind, meaning, **more)

    return variable


@functools.lru_cache(maxsize=4096)
def header_key(name: str) -> str:
    """Return a header by which alike ones are one: without case, spaces and punctuation.

    Examples
    --------
    >>> header_key("V_SET"), header_key("v set"), header_key("Résistance")
    ('vset', 'vset', 'resistance')
    """
    return re.sub(r"[\W_]+", "", without_accents(name)).casefold()


def without_accents(text: str) -> str:
    """Return a text in compatibility form (NFKC), its Latin letters without accents.

    Many tables are typed without them. In other scripts a mark makes another letter, and stays.

    >>> without_accents("État élevé"), without_accents("パルス")
    ('Etat eleve', 'パルス')
    """
    return "".join(map(_bare, unicodedata.normalize("NFKC", text)))


def _bare(sign: str) -> str:
    parts = unicodedata.normalize("NFD", sign)
    return parts[0] if parts[0].isascii() and parts[0].isalpha() else sign
