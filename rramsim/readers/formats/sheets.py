"""What do the names of the sheets of a workbook say, and which of them are to be read?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rramsim.errors import InputError
from rramsim.schema import CELL_WORDS

_STATE = re.compile(r"(?<![a-z])([LH]RS)(?![a-z])", re.IGNORECASE)
_NUMBERED = {
    "cell": re.compile(
        rf"(?:{'|'.join(sorted(CELL_WORDS, key=len, reverse=True))}|cells|devices|d(?=\d))"
        r"[\s_.:#-]*\w[\w.-]*",
        re.IGNORECASE,
    ),
    "die": re.compile(r"(?:die|chip|wafer|reticle|puce)[\s_.:#-]*\w[\w.-]*", re.IGNORECASE),
}
_SUMMARY = re.compile(
    r"(?<![a-z])(summary|overview|statistics?|stats|averages?|means?|medians?|pivot|percentiles?"
    r"|zusammenfassung|übersicht|auswertung|statistik|mittelwerte?"
    r"|résumé|résumés|récapitulatif|synthèse|moyennes?|statistiques)(?![a-z])"
    r"|汇总|总结|统计|概要|まとめ|集計",
    re.IGNORECASE,
)


def state_of_name(name: str) -> dict[str, str]:
    """Return the state in a sheet's name, and the rest of the name as the condition.

    >>> state_of_name("weak LRS"), state_of_name("Data")
    ({'state': 'LRS', 'condition': 'weak'}, {})
    """
    state = _STATE.search(name)
    if state is None:
        return {}
    condition = (name[: state.start()] + " " + name[state.end() :]).strip(" _-.,()")
    return {"state": state[1], **({"condition": condition} if condition else {})}


def place_of_name(name: str) -> str | None:
    """Return "cell" or "die" where a sheet is named like one, such as "Cell 3", else None."""
    matched = (role for role, named in _NUMBERED.items() if named.fullmatch(name.strip()))
    return next(matched, None)


def is_summary(name: str) -> bool:
    """Whether a sheet is named as a summary of others; its numbers are no further readings."""
    return _SUMMARY.search(name) is not None


def chosen(names: Sequence[str], wanted: Sequence[str], *, place: str) -> set[str]:
    """Return which of the sheets the user wants; case and the width of blanks do not matter.

    Raises
    ------
    InputError
        If the workbook has no sheet of a wanted name; the message lists those it has.
    """
    found = set()
    for text in wanted:
        fitting = [name for name in names if name == text] or [
            name for name in names if _folded(name) == _folded(text)
        ]
        if not fitting:
            raise InputError(
                f"{place}: there is no sheet {text!r}; the workbook has "
                f"{', '.join(map(repr, names))}."
            )
        found.update(fitting)
    return found


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
