"""Tallies kept in a CSV file that anyone may read, and that a later run adds to."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import zlib
from pathlib import Path

from rramsim.errors import InputError
from rramsim.files import write_text
from rramsim.montecarlo.tally import Tally, are_counted

HEADER = ("task_id", "draw", "images", "correct", "answers")
"""Columns; a draw is the number of a chip. `answers`, where they are kept, are in base64: a bit for
each image, 1 where it is classified correctly, and a CRC-32 of all that. Files of versions that
kept none are without the last column."""

_NUMBERS = 3
_CHECKSUM_BYTES = 4


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
            If a chip is in the store already (`Tally.__add__`), unless without its answers, which
            then are added.
        InputError
            If the file cannot be written; the store then holds what it held before.
        """
        merged = dict(self._tallies)
        for tally in tallies:
            known = merged.get(tally.task_id)
            merged[tally.task_id] = tally if known is None else _without(known, tally) + tally
        write_text(self.path, _text(merged))
        self._tallies = merged


def _text(tallies: dict[str, Tally]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for task_id, tally in sorted(tallies.items()):
        for chip, correct in tally.correct.items():
            answers = _encoded(tally.answers.get(chip, b""))
            writer.writerow((task_id, chip, tally.images, correct, answers))
    return text.getvalue()


def _without(known: Tally, new: Tally) -> Tally:
    """Return the chips of a tally but those whose answers come now."""
    for chip in new.answers.keys() & known.correct.keys() - known.answers.keys():
        if new.correct[chip] != known.correct[chip]:
            raise ValueError(f"Chip {chip} of task {known.task_id} was counted in another way.")
    return known.of_chips(
        chip for chip in known.correct if chip in known.answers or chip not in new.answers
    )


def _encoded(answers: bytes) -> str:
    if not answers:
        return ""
    checksum = zlib.crc32(answers).to_bytes(_CHECKSUM_BYTES, "big")
    return base64.b64encode(answers + checksum).decode()


def _decoded(text: str) -> bytes:
    """Return answers; ValueError where they are damaged."""
    data = base64.b64decode(text, validate=True)
    answers, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if not answers or zlib.crc32(answers).to_bytes(_CHECKSUM_BYTES, "big") != checksum:
        raise ValueError("the checksum differs")
    return answers


def _read(path: Path) -> dict[str, Tally]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a UTF-8 text, so not a file of tallies.") from error
    lines = text.splitlines()
    expected = ",".join(HEADER)
    if not lines or lines[0] not in (expected, ",".join(HEADER[:-1])):
        first = repr(lines[0][:80]) if lines else "nothing"
        raise InputError(f"{path}: row 1: found {first}, expected {expected!r}.")
    if not text.endswith("\n"):
        # The last number may have lost digits: it would be read as another number.
        raise InputError(
            f"{path}: row {len(lines)}: ends without a line end, so it may be cut off. "
            "Delete the row; its draw is then made again."
        )
    columns = lines[0].count(",") + 1
    rows = [_row(path, number, line, columns) for number, line in enumerate(lines[1:], start=2)]
    return _gathered(path, rows)


def _row(path: Path, number: int, line: str, columns: int) -> tuple[str, int, int, int, bytes]:
    fields = line.split(",")
    digits = [field for field in fields[1 : 1 + _NUMBERS] if field.isascii() and field.isdigit()]
    if len(fields) != columns or len(digits) != _NUMBERS or not fields[0]:
        raise _damaged(path, number, f"found {line[:120]!r}, expected a task id and 3 numbers")
    try:
        chip, images, correct = (int(field) for field in digits)
    except ValueError as error:  # More digits than int() reads.
        raise _damaged(path, number, f"found {line[:120]!r}, whose numbers are too long") from error
    try:
        answers = _decoded(fields[-1]) if columns == len(HEADER) and fields[-1] else b""
    except (ValueError, binascii.Error) as error:
        raise _damaged(path, number, f"its answers are damaged ({error})") from error
    return fields[0], chip, images, correct, answers


def _gathered(path: Path, rows: list[tuple[str, int, int, int, bytes]]) -> dict[str, Tally]:
    images_of: dict[str, int] = {}
    correct_of: dict[str, dict[int, int]] = {}
    answers_of: dict[str, dict[int, bytes]] = {}
    for number, (task_id, chip, images, correct, answers) in enumerate(rows, start=2):
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
        if answers:
            answers_of.setdefault(task_id, {})[chip] = answers
            if not are_counted(answers, images=images, correct=correct):
                raise _damaged(path, number, "its answers are not those counted")
    return {
        task_id: Tally(task_id, images_of[task_id], correct, answers_of.get(task_id, {}))
        for task_id, correct in correct_of.items()
    }


def _damaged(path: Path, number: int, what: str) -> InputError:
    return InputError(
        f"{path}: row {number}: {what}. Delete the row, and its draw is made again, or the file."
    )
