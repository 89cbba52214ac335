"""Tallies kept in a CSV file that anyone may read, and that a later run adds to."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rramsim.errors import InputError
from rramsim.files import check_regular, set_aside, write_text
from rramsim.montecarlo.tally import Tally, are_counted

HEADER = ("task_id", "draw", "images", "correct", "answers", "error_free", "checksum")
"""Columns; a draw is the number of a chip. `answers`, where they are kept, are in base64: a bit for
each image, 1 where it is classified correctly, and a CRC-32 of all that. Where a chip was scored on
images of its own, `images` is their number, the task and the draw say which they are
(`Task.block`), and `error_free` is how many of them the network classifies correctly without
errors; of a chip on all images it is empty. `checksum` is a CRC-32 of the row before it. Files of
earlier versions are without `error_free`, or also without `checksum`, or without `answers` too."""

_FORMER = (HEADER[:4], HEADER[:5], (*HEADER[:5], "checksum"))
_HEADERS = {",".join(names): names for names in (HEADER, *_FORMER)}
_NUMBERS = 3
_CHECKSUM_BYTES = 4


class TallyStore:
    """The tallies of any number of tasks, one row a chip, in one file.

    The rows are sorted by task id and chip, so the file's bytes depend on what it holds and not
    on the order, the interrupts or the number of runs in which that was counted. Every write
    replaces the whole file, so that a kill leaves the old one or the new one. One process at a
    time may write to a file. The text of each row is kept, so that a write encodes new ones only.

    Rows that are damaged are not believed: the file is set aside (`rramsim.files.set_aside`), and
    written again without them, so that their chips are drawn again.

    Parameters
    ----------
    path : Path
        The file; it is made by the first `add`.

    Raises
    ------
    InputError
        If the file is there and cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._tallies: dict[str, Tally] = {}
        self._rows: _Rows = {}
        if not self.path.exists():
            return
        self._tallies, damage = _read(self.path)
        if damage:
            set_aside(self.path, damage)
            self._rows = _rows_of(self._tallies)
            write_text(self.path, _text(self._rows))

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
        # Those that were read are encoded at the first write: most runs on a whole file have none.
        merged, rows = dict(self._tallies), dict(self._rows or _rows_of(self._tallies))
        for tally in tallies:
            task_id = tally.task_id
            known = merged.get(task_id)
            merged[task_id] = tally if known is None else _without(known, tally) + tally
            rows[task_id] = rows.get(task_id, {}) | _rows_of_task(tally)
        write_text(self.path, _text(rows))
        self._tallies, self._rows = merged, rows


_Rows = dict[str, dict[int, str]]
"""Text of each row, by task and chip."""


def _text(rows: _Rows) -> str:
    lines = [",".join(HEADER)]
    for _, by_chip in sorted(rows.items()):
        lines += (row for _, row in sorted(by_chip.items()))
    return "\n".join((*lines, ""))


def _rows_of(tallies: dict[str, Tally]) -> _Rows:
    return {task_id: _rows_of_task(tally) for task_id, tally in tallies.items()}


def _rows_of_task(tally: Tally) -> dict[int, str]:
    return {chip: _row_text(tally, chip) for chip in tally.correct}


def _row_text(tally: Tally, chip: int) -> str:
    numbers = (str(chip), str(tally.images), str(tally.correct[chip]))
    answers = _encoded(tally.answers.get(chip, b""))
    row = (tally.task_id, *numbers, answers, str(tally.error_free.get(chip, "")))
    return ",".join((*row, _checksum(row)))


def _checksum(row: Sequence[str]) -> str:
    return f"{zlib.crc32(','.join(row).encode()):08x}"


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
        raise ValueError("has damaged answers (another checksum)")
    return answers


class _Row(NamedTuple):
    task_id: str
    chip: int
    images: int
    correct: int
    answers: bytes
    error_free: int | None


def _read(path: Path) -> tuple[dict[str, Tally], str]:
    """Return the tallies of a file's whole rows, and what is damaged of it, "" if nothing is."""
    # It is as long as what was counted: its own limit is that of the disk.
    check_regular(path)
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    # Not splitlines, which takes a damaged byte for the end of a line.
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    header = _HEADERS.get(lines[0])
    damage = []
    if header is None:
        damage.append(f"row 1 is {lines[0][:80]!r} and not {','.join(HEADER)!r}")
    if lines.pop():
        # The last number may have lost digits: it would be read as another number.
        damage.append(f"row {len(lines) + 1} ends without a line end")
    rows: dict[tuple[str, int], _Row] = {}
    first_of: dict[str, _Row] = {}
    for number, line in enumerate(lines[1:], start=2):
        try:
            row = _row(line, header or HEADER)
            _check_task(row, first_of.setdefault(row.task_id, row))
            if rows.setdefault((row.task_id, row.chip), row) != row:
                raise ValueError(f"has another count of draw {row.chip} than an earlier row")
        except (ValueError, binascii.Error) as error:
            damage.append(f"row {number} {error}")
    others = f" (and {len(damage) - 1} more)" if len(damage) > 1 else ""
    return _gathered(rows.values()), f"it is damaged: {damage[0]}{others}" if damage else ""


def _check_task(row: _Row, first: _Row) -> None:
    if row.images != first.images:
        raise ValueError(f"has {row.images} images, other rows {first.images}")
    if (row.error_free is None) != (first.error_free is None):
        raise ValueError("has images of its own and other rows have not, or the other way round")


def _row(line: str, header: Sequence[str]) -> _Row:
    """Return what a row says; ValueError with the reason where it is damaged."""
    fields = line.split(",")
    if header[-1] == HEADER[-1] and fields[-1] != _checksum(fields[:-1]):
        raise ValueError("is not as it was written (another checksum)")
    digits = [field for field in fields[1 : 1 + _NUMBERS] if field.isascii() and field.isdigit()]
    if len(fields) != len(header) or len(digits) != _NUMBERS or not fields[0]:
        raise ValueError(f"is {line[:80]!r} and not a task id and 3 numbers")
    chip, images, correct = map(int, digits)
    if correct > images or images < 1:
        raise ValueError(f"has {correct} correct of {images} images")
    more = dict(zip(header, fields, strict=True))
    answers = _decoded(more["answers"]) if more.get("answers") else b""
    if answers and not are_counted(answers, images=images, correct=correct):
        raise ValueError("has other answers than those counted")
    error_free = int(more["error_free"]) if more.get("error_free") else None
    if error_free is not None and not 0 <= error_free <= images:
        raise ValueError(f"has {error_free} images of {images} that are correct without errors")
    return _Row(fields[0], chip, images, correct, answers, error_free)


def _gathered(rows: Iterable[_Row]) -> dict[str, Tally]:
    found: dict[str, tuple[int, dict[int, int], dict[int, bytes], dict[int, int]]] = {}
    for task_id, chip, images, correct, answers, error_free in rows:
        _, correct_of, answers_of, error_free_of = found.setdefault(task_id, (images, {}, {}, {}))
        correct_of[chip] = correct
        if answers:
            answers_of[chip] = answers
        if error_free is not None:
            error_free_of[chip] = error_free
    return {task_id: Tally(task_id, *parts) for task_id, parts in found.items()}
