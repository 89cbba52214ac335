"""The sentences that go with a fit, put in an order in which they can be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rramsim.device.examination import Examination
    from rramsim.notes import Note

ORIGIN_WORDS = {
    "measured": "",
    "reconstructed": "These populations are reconstructed, not measured.",
    "synthetic": "These populations are synthetic, not measured.",
}
"""What the origin of readings means for whoever reads them."""

CHECK_FIRST = "Check first"
FILES = "The files"
SEVERAL = "Several conditions"

_FILES_SHOWN = 3
# What makes every number of a fit doubtful stands before all of them.
_DOUBTS = frozenset(
    [
        "implausible magnitude",
        "mark far from the rest",
        "pile-up far from the rest",
        "reference outside the medians",
    ]
)


def doubts(examination: Examination) -> tuple[str, ...]:
    """Return the notes that put every number in doubt: page and terminal show them first."""
    return tuple(str(note) for note in _all_notes(examination) if note.kind in _DOUBTS)


def _all_notes(examination: Examination) -> tuple[Note, ...]:
    return (*examination.measured.notes, *examination.notes)


def grouped_notes(examination: Examination) -> list[tuple[str, tuple[str, ...]]]:
    """Return all notes but `doubts` by what they are about: files, several conditions, or one.

    A sentence that is true of several files, several conditions or both states stands once.

    Returns
    -------
    list of (str, tuple of str)
        A heading and its sentences.
    """
    measured = examination.measured
    names = examination.products["conditions"]["condition"].values.tolist()
    others = [note for note in measured.notes if note.kind not in _DOUBTS]
    of_files = merged_notes(others, files=[name for name, _ in measured.sources])
    of_several: list[str] = []
    of_one: dict[str, list[str]] = {name: [] for name in names}
    by_text: dict[str, list[Note]] = {}
    for note in examination.notes:
        if note.kind in _DOUBTS:
            continue
        by_text.setdefault(note.text, []).append(note)
    for text, notes in by_text.items():
        conditions = list(dict.fromkeys(note.condition for note in notes))
        if conditions == [""]:
            of_files.append(str(notes[0]))
        elif len(conditions) > 1:
            of_several.append(f"{', '.join(_condition_words(conditions, notes))}: {text}")
        elif conditions[0] in of_one:
            of_one[conditions[0]].append(_capital(": ".join((*_place_words(notes), text))))
        else:
            of_several += map(str, notes)
    groups = [(FILES, of_files), (SEVERAL, of_several), *of_one.items()]
    return [(heading, tuple(texts)) for heading, texts in groups if texts]


def merged_notes(notes: Iterable[Note], *, files: Sequence[str]) -> list[str]:
    """Return notes as sentences; those that differ only in which of the files stand once.

    A note on one sheet of a workbook stays apart: it is about no whole file.
    """
    by_text: dict[str, list[str]] = {}
    for note in notes:
        is_of_file = note.file in files
        text = note.text if is_of_file else str(note)
        by_text.setdefault(text, []).append(note.file if is_of_file else "")
    return [
        f"{_file_words(names)}: {text}" if any(names) else text for text, names in by_text.items()
    ]


def _file_words(files: Sequence[str]) -> str:
    names = list(dict.fromkeys(file for file in files if file))
    if len(names) <= _FILES_SHOWN:
        return ", ".join(names)
    return f"{len(names):,} files ({', '.join(names[: _FILES_SHOWN - 1])}, ..., {names[-1]})"


def _condition_words(conditions: Sequence[str], notes: Sequence[Note]) -> list[str]:
    words = []
    for name in conditions:
        places = _place_words([note for note in notes if note.condition == name])
        words.append(f"{name} ({places[0]})" if places else name)
    return words


def _place_words(notes: Sequence[Note]) -> list[str]:
    """Return in one text what of a condition notes are about; nothing where that is all of it."""
    places = (", ".join(filter(None, (note.circumstance, note.state))) for note in notes)
    distinct = list(dict.fromkeys(place for place in places if place))
    return [" and ".join(distinct)] if distinct else []


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
