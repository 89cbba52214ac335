"""Tallies kept in a CSV file that anyone may read, and that a later run adds to."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from rramsim.errors import InputError
from rramsim.files import write_text
from rramsim.montecarlo.tally import Tally

HEADER = ("task_id", "draw", "images", "correct")
"""Columns; a draw is the number of a chip."""


class TallyStore:
    """The tallies of any number of tasks, one row a chip, in one file.

    The rows are sorted by task id and chip, so the file's bytes depend on what it holds and not
    on the order, the interrupts or the number of runs in which that was counted. Every write
    replaces the whole file, so that a kill leaves the old one or the new one. One process at a
    time may write to a file.

    Parameters
    ----------
    path : Path
        The file; it is made by the first `add`.

    Raises
    ------
    InputError
        If the file is there and damaged; the message names the row.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._tallies = _read(self.path) if self.path.exists() else {}

    def tally(self, task_id: str) -> Tally | None:
        """Return what is known of a task, None where that is nothing."""
        return self._tallies.get(task_id)

    def add(self, *tallies: Tally) -> None:
        """Add chips that are not in the store yet, and write the file once.

        Raises
        ------
        ValueError
            If a chip is in the store already (`Tally.__add__`).
        InputError
            If the file cannot be written; the store then holds what it held before.
        """
        merged = dict(self._tallies)
        for tally in tallies:
            known = merged.get(tally.task_id)
            merged[tally.task_id] = tally if known is None else known + tally
        write_text(self.path, _text(merged))
        self._tallies = merged


def _text(tallies: dict[str, Tally]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for task_id, tally in sorted(tallies.items()):
        for chip, correct in tally.correct.items():
            writer.writerow((task_id, chip, tally.images, correct))
    return text.getvalue()


def _read(path: Path) -> dict[str, Tally]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a UTF-8 text, so not a file of tallies.") from error
    lines = text.splitlines()
    expected = ",".join(HEADER)
    if not lines or lines[0] != expected:
        first = repr(lines[0][:80]) if lines else "nothing"
        raise InputError(f"{path}: row 1: found {first}, expected {expected!r}.")
    if not text.endswith("\n"):
        # The last number may have lost digits: it would be read as another number.
        raise InputError(
            f"{path}: row {len(lines)}: ends without a line end, so it may be cut off. "
            "Delete the row; its draw is then made again."
        )
    rows = [_row(path, number, line) for number, line in enumerate(lines[1:], start=2)]
    return _gathered(path, rows)


def _row(path: Path, number: int, line: str) -> tuple[str, int, int, int]:
    fields = line.split(",")
    digits = [field for field in fields[1:] if field.isascii() and field.isdigit()]
    if len(fields) != len(HEADER) or len(digits) != len(HEADER) - 1 or not fields[0]:
        raise _damaged(path, number, f"found {line[:120]!r}, expected a task id and 3 numbers")
    try:
        chip, images, correct = (int(field) for field in digits)
    except ValueError as error:  # More digits than int() reads.
        raise _damaged(path, number, f"found {line[:120]!r}, whose numbers are too long") from error
    return fields[0], chip, images, correct


def _gathered(path: Path, rows: list[tuple[str, int, int, int]]) -> dict[str, Tally]:
    images_of: dict[str, int] = {}
    correct_of: dict[str, dict[int, int]] = {}
    for number, (task_id, chip, images, correct) in enumerate(rows, start=2):
        if correct > images or images < 1:
            raise _damaged(path, number, f"found {correct} correct of {images} images")
        if images_of.setdefault(task_id, images) != images:
            raise _damaged(
                path,
                number,
                f"found {images} images, but {images_of[task_id]} in other rows of its task",
            )
        if chip in correct_of.setdefault(task_id, {}):
            raise _damaged(path, number, f"draw {chip} of its task is in an earlier row too")
        correct_of[task_id][chip] = correct
    return {
        task_id: Tally(task_id, images_of[task_id], correct)
        for task_id, correct in correct_of.items()
    }


def _damaged(path: Path, number: int, what: str) -> InputError:
    return InputError(
        f"{path}: row {number}: {what}. Delete the row, and its draw is made again, or the file."
    )
