"""Which header says a mean or a median of resistances, and which says how far they spread.

A spread of ln R is one of a lognormal itself, one of log10 R is in decades, one of R has a unit of
resistance; which it is has to stand in the header, since the numbers look alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rramsim.errors import InputError
from rramsim.readers.columns.headers import splits
from rramsim.schema.variable import without_accents
from rramsim.units import factor_to_si

_MEDIAN = re.compile(r"(?<![a-z])(median|mediane|mediana|r50|p50|q50|q2)(?![a-z\d])|中位数|中央値")
_GEOMETRIC = re.compile(r"geometric mean|geomean|gmean|geometrisches? mittel|moyenne geometrique")
_MEAN = re.compile(
    r"(?<![a-z])(arithmetic mean|mean|average|avg|mittelwert|mittel|moyenne|media|mu)(?![a-z])"
    r"|μ|平均"
)
_DEVIATION = re.compile(
    r"(?<![a-z])(sigma|std|stdev|std ?dev|stddev|sd|s\.d\.|standard deviation|standardabweichung"
    r"|ecart[ -]type|desviacion estandar|deviazione standard|cv|coefficient of variation)(?![a-z])"
    r"|σ|标准差|標準偏差"
)
_NUMBERS = {"one": 1.0, "two": 2.0, "double": 2.0, "three": 3.0, "six": 6.0}
_TIMES = re.compile(
    r"(?:(?<![a-z\d.])(\d+(?:[.,]\d+)?|one|two|double|three|six)\s*[-*x×·]?\s*)"
    r"(?:sigma|std|stdev|stddev|sd|standard deviation)s?(?![a-z])"
)
_TIMES_BEHIND = re.compile(r"(?:sigma|std|stdev|stddev|sd|standard deviation)s?\s*[*x×·]\s*(\d+)")
_SQUARE = re.compile(
    r"(?:sigma|std|stdev|stddev|sd|deviation)\s*(?:\^|\*\*)?\s*2(?![\d.])|squared?(?![a-z])"
)
# A resistance so many sigmas above or below the centre is none of these.
_AWAY = re.compile(
    r"(?:^|[\s(]|mean|median|mu)[+−–-]\s*(?:\d+(?:[.,]\d+)?)?\s*(?:sigma|std|sd)(?![a-z])"
)
_RELATIVE = re.compile(
    r"%|percent|relative|(?<![a-z])rel\.?(?![a-z])|(?<![a-z])cv(?![a-z])|coefficient"
)
_QUARTILES = re.compile(r"(?<![a-z])(iqr|interquartile range|interquartilsabstand)(?![a-z])")
_STANDARD_ERROR = re.compile(r"(?<![a-z])(sem|s\.e\.|se|standard error)(?![a-z])")
_LN = re.compile(r"(?<![a-z])(ln|log_?e|loge)(?![a-z0-9])|(?<![a-z])ln ?r(?![a-z])|_ln")
_LOG10 = re.compile(r"log_?10|(?<![a-z])lg(?![a-z])|(?<![a-z])(decades?|dec|dex)(?![a-z])")
_LOG = re.compile(r"(?<![a-z])log")
_PER_UNIT = re.compile(r"[/\[(,_ ]\s*(?:in )?([kmgµμ]?\s?(?:ohms?|ω))\b", re.IGNORECASE)
_BOTH = re.compile(r"±|\+/-|\+-|\(\s*(?:sd|std|sigma|σ)\s*\)")
_VALUE = re.compile(r"(.+?)\s*(?:±|\+/-|\+-|\()\s*([^()]+?)\s*\)?")
_LN_10 = math.log(10.0)

SPREADS = "'sigma (ln R)', 'sigma (log10 R)' in decades, 'std (kOhm)' of R itself, or 'IQR (kOhm)'"
"""Headers of spreads that are certain."""


@dataclass(frozen=True)
class Part:
    """A centre or a spread: the column, what it is of, and its factor to ohm or to ln R.

    `offset` is added to a mean of ln R whose resistances are not in ohm.
    """

    position: int
    kind: str
    factor: float
    offset: float = 0.0


@dataclass(frozen=True)
class CentreColumns:
    """The columns of a centre and a spread; both may be one column, `5.2 ± 0.9`."""

    centre: Part
    spread: Part


def centre_columns(
    header: Sequence[str], *, place: str, shown: Sequence[str] = ()
) -> CentreColumns | None:
    """Return which columns hold a centre and a spread of resistances, None where none do.

    Parameters
    ----------
    header : sequence of str
        Without the names of states.
    place : str
        File and row for messages.
    shown : sequence of str
        The header as messages show it, where that is another.

    Raises
    ------
    InputError
        If there are both, and it is not certain what one of them is of.
    """
    texts = [without_accents(text).casefold().strip() for text in header]
    centres = [i for i, text in enumerate(texts) if _is_centre(text)]
    spreads = [i for i, text in enumerate(texts) if _is_spread(text)]
    if not centres or not spreads:
        return None
    both = [i for i in spreads if i in centres and _BOTH.search(texts[i])]
    if both:
        centres = spreads = both
    # A table may state the spread in two ways; what is of ln R needs no formula.
    spreads.sort(key=lambda i: not (_LN.search(texts[i]) or _LOG10.search(texts[i])))
    shown = shown or header
    spread = _spread(shown[spreads[0]], texts[spreads[0]], spreads[0], place=place)
    _refuse_two(spreads, spread, texts, shown, place=place)
    ways = [i for i in centres if both or i not in spreads]
    if not ways:
        return None
    ways.sort(key=lambda i: not _suits(texts[i], spread.kind))
    centre = _centre(shown[ways[0]], texts[ways[0]], ways[0], spread.kind, place=place)
    return CentreColumns(centre, spread)


def _refuse_two(
    spreads: Sequence[int], chosen: Part, texts: Sequence[str], shown: Sequence[str], *, place: str
) -> None:
    """Refuse a second spread of the same kind, such as that of cycles beside that of cells."""
    for other in spreads[1:]:
        try:
            kind = _spread(shown[other], texts[other], other, place=place).kind
        except InputError:
            continue
        if kind == chosen.kind:
            raise InputError(
                f"{place}: the columns {shown[chosen.position]!r} and {shown[other]!r} both hold a "
                f"{kind}; keep the one of all readings."
            )


def two_numbers(text: str) -> tuple[str, str] | None:
    """Return the texts of a centre and a spread in one cell, None where it holds no two.

    >>> two_numbers("5.2 ± 0.9"), two_numbers("5.2 (0.9)"), two_numbers("5.2")
    (('5.2', '0.9'), ('5.2', '0.9'), None)
    """
    matched = _VALUE.fullmatch(text.strip())
    return None if matched is None else (matched[1], matched[2])


def is_centre(header: str) -> bool:
    """Whether a header says a mean or median in a unit of resistance."""
    return _is_centre(without_accents(header).casefold().strip()) and _ohms(header) is not None


def has_unit_of_resistance(header: str) -> bool:
    """Whether a header ends with a unit of resistance."""
    return _ohms(header) is not None


def _is_centre(text: str) -> bool:
    return any(words.search(text) for words in (_MEDIAN, _GEOMETRIC, _MEAN))


def _is_spread(text: str) -> bool:
    return any(words.search(text) for words in (_DEVIATION, _QUARTILES, _STANDARD_ERROR))


def _suits(text: str, spread: str) -> bool:
    """Whether a centre goes with a spread without a further assumption."""
    if spread == "standard deviation":
        return bool(_MEAN.search(text)) and not _logarithm(text)
    return bool(_MEDIAN.search(text) or _logarithm(text) or _GEOMETRIC.search(text))


def _logarithm(text: str) -> float | None:
    """Return the factor to ln of the logarithm that a header names, 0 where it may be either."""
    if _LOG10.search(text):
        return _LN_10
    if _LN.search(text):
        return 1.0
    return 0.0 if _LOG.search(text) else None


def _spread(header: str, text: str, position: int, *, place: str) -> Part:
    where = f"{place}, column {header!r}"
    if _STANDARD_ERROR.search(text):
        raise InputError(
            f"{where}: a standard error says how well a mean is known, not how far the resistances "
            f"spread. Give the spread itself: {SPREADS}."
        )
    text = text.replace("σ", "sigma")
    if _SQUARE.search(text) or (_AWAY.search(text) and not _BOTH.search(text)):
        raise InputError(
            f"{where}: this is not a spread but its square, or a resistance some sigmas away from "
            f"the centre. Give the spread itself, {SPREADS}, or the resistances as percentiles: "
            "'p16 (kOhm)', 'p84 (kOhm)'."
        )
    if _RELATIVE.search(text):
        raise InputError(
            f"{where}: this is a spread relative to a mean. Give the spread itself: {SPREADS}."
        )
    times = 1.0 / _sigmas(text)
    factor, unit = _logarithm(text), _ohms(header)
    factor, unit = (None if one is None else one * times for one in (factor, unit))
    if _QUARTILES.search(text) and factor is None and unit:
        return Part(position, "interquartile range", unit)
    if factor and not _QUARTILES.search(text):
        return Part(position, "sigma of ln R", factor)
    if factor is None and unit:
        return Part(position, "standard deviation", unit)
    raise InputError(
        f"{where}: it is not certain whether this is of ln R, of log10 R or of R. Write it in the "
        f"header: {SPREADS}."
    )


def _sigmas(text: str) -> float:
    """Return how many standard deviations a header says that a spread is.

    >>> _sigmas("3 sigma (kohm)"), _sigmas("mean ± 2sd"), _sigmas("sigma (kohm)")
    (3.0, 2.0, 1.0)
    """
    found = _TIMES.search(text) or _TIMES_BEHIND.search(text)
    if found is None:
        return 1.0
    return _NUMBERS.get(found[1]) or float(found[1].replace(",", ".")) or 1.0


def _centre(header: str, text: str, position: int, spread: str, *, place: str) -> Part:
    where = f"{place}, column {header!r}"
    logarithm = _logarithm(text) if not _BOTH.search(text) else None
    unit = _ohms(header)
    if logarithm is not None:
        per = _PER_UNIT.search(text)
        ohms = unit or (factor_to_si(per[1].replace("ω", "Ω"), "resistance") if per else None)
        if logarithm and ohms and spread == "sigma of ln R":
            return Part(position, "mean of ln R", logarithm, math.log(ohms))
        raise InputError(
            f"{where}: the mean of a logarithm needs its base and the unit of the resistance, such "
            "as 'mean ln(R/ohm)' or 'mean log10(R/kOhm)', and a spread of the same; or give the "
            "median, such as 'median (kOhm)'."
        )
    if not unit:
        raise InputError(
            f"{where}: no unit of resistance is named, nor that it is of ln R; write 'median "
            "(kOhm)', 'mean (kOhm)' or 'mean ln(R/ohm)'."
        )
    if _MEDIAN.search(text) or _GEOMETRIC.search(text):
        return Part(position, "median", unit)
    if spread == "interquartile range":
        raise InputError(
            f"{where}: a mean and an interquartile range are of two lognormals; give the median, "
            "'median (kOhm)', or the standard deviation, 'std (kOhm)'."
        )
    if spread == "standard deviation" or "arithmetic" in text:
        return Part(position, "mean", unit)
    raise InputError(
        f"{where}: beside a {spread} a mean may be the arithmetic or the geometric one (the "
        "median of a lognormal); write 'arithmetic mean (kOhm)' or 'geometric mean (kOhm)'."
    )


def _ohms(header: str) -> float | None:
    """Return the factor to ohm of the unit that stands at the end of a header."""
    # "mean (sd) (kOhm)" has its unit in the last brackets.
    last = re.search(r"[(\[]([^()\[\]]*)[)\]]\s*$", header)
    for unit in [last[1] if last else "", *(unit for _, unit, _ in splits(header))]:
        try:
            if unit:
                return factor_to_si(unit, "resistance")
        except InputError:
            continue
    return None
