"""The sentences that go with a fit, put in an order in which they can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rramsim.report.text_table import names_of
from rramsim.schema import STATES

if TYPE_CHECKING:
    from rramsim.device.examination import Examination
    from rramsim.measurements import Measured

ORIGIN_WORDS = {
    "measured": "",
    "reconstructed": "These populations are reconstructed, not measured.",
    "synthetic": "These populations are synthetic, not measured.",
}
"""What the origin of readings means for whoever reads them."""

FILES = "The files"
SEVERAL = "Several conditions"

_FILES_SHOWN = 3


def grouped_notes(
    examination: Examination, measured: Measured
) -> list[tuple[str, tuple[str, ...]]]:
    """Return all sentences by what they are about: the files, several conditions, or one.

    A sentence that is true of several files, several conditions or both states stands once.

    Returns
    -------
    list of (str, tuple of str)
        A heading and its sentences.
    """
    names = names_of(examination.products["conditions"])
    groups: dict[str, list[str]] = {
        FILES: merged_notes(map(str, measured.notes), files=[name for name, _ in measured.sources]),
        SEVERAL: [],
    }
    groups |= {name: [] for name in names}
    for text, places in _by_text(map(str, examination.notes), names).items():
        about = list(dict.fromkeys(name for name, _ in places))
        states = list(dict.fromkeys(state for _, state in places if state))
        if about == [""]:
            groups[FILES].append(text)
        elif len(about) == 1:
            groups[about[0]].append(
                f"{' and '.join(states)}: {text}" if states else text[:1].upper() + text[1:]
            )
        else:
            groups[SEVERAL].append(f"{', '.join(_place_words(about, places))}: {text}")
    return [(heading, tuple(texts)) for heading, texts in groups.items() if texts]


def merged_notes(notes: Iterable[str], *, files: Sequence[str]) -> list[str]:
    """Return notes with those that differ only in the file they begin with said once."""
    known = set(files)
    texts: dict[str, list[str]] = {}
    for note in notes:
        file, divided, text = note.partition(": ")
        is_of_file = bool(divided) and file in known
        texts.setdefault(text if is_of_file else note, []).append(file if is_of_file else "")
    return [f"{_file_words(of)}: {text}" if any(of) else text for text, of in texts.items()]


def _file_words(files: Sequence[str]) -> str:
    names = list(dict.fromkeys(file for file in files if file))
    if len(names) <= _FILES_SHOWN:
        return ", ".join(names)
    return f"{len(names):,} files ({', '.join(names[: _FILES_SHOWN - 1])}, ..., {names[-1]})"


def _by_text(notes: Iterable[str], names: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Return the sentences without their subject, each with its (condition, state)s."""
    texts: dict[str, list[tuple[str, str]]] = {}
    # A name may begin with another name.
    subject = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = re.compile(rf"({subject})(?:/({'|'.join(STATES)}))?: (.*)", re.DOTALL)
    for note in notes:
        found = pattern.fullmatch(note)
        name, state, text = found.groups() if found else ("", "", note)
        texts.setdefault(text, []).append((name, state or ""))
    return texts


def _place_words(about: Sequence[str], places: Sequence[tuple[str, str]]) -> list[str]:
    words = []
    for name in about:
        states = [state for other, state in places if other == name and state]
        words.append(f"{name} ({' and '.join(states)})" if states else name)
    return words


def interval_notes(examination: Examination) -> list[tuple[str, str]]:
    """Return what has intervals and how those were made."""
    products = examination.products
    ber = str(products["conditions"].attrs["interval"])
    intervals = [("BER", ber)]
    for name, heading, attribute in (
        ("percentiles", "Percentiles", "interval"),
        ("endurance", "Endurance", "interval"),
        ("cycling", "Cycles", "interval"),
        ("retention", "Retention", "interval"),
        ("bake", "Bake", "interval"),
        ("variance", "Variance", "method"),
    ):
        if name in products:
            made = str(products[name].attrs[attribute])
            intervals.append((heading, made.replace(ber, "as above")))
    return intervals
