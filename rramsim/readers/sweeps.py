"""DC sweeps of voltage and current: the resistance read on the way back, after the switching."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import quantity as in_words
from rramsim.notes import Note
from rramsim.readers.columns.headers import Column
from rramsim.readers.columns.values import read_numbers
from rramsim.readers.limits.sentinels import BLANK, COMPLIANCE
from rramsim.readers.table import Grid, RawTable
from rramsim.schema import STATES
from rramsim.units import scaled_column

if TYPE_CHECKING:
    import numpy as np

TOLERANCE = 0.1
"""How far, as a share of the read voltage, the nearest point of a sweep may be from it."""


HEADER = ("condition", "cell", "state", "cycle", "resistance [ohm]")

_SET = re.compile(r"(?<!re)set(?!up)", re.IGNORECASE)
_RESET = re.compile(r"reset", re.IGNORECASE)
_FORMING = re.compile(r"forming", re.IGNORECASE)
_AT_COMPLIANCE = 0.99


@dataclass(frozen=True)
class Sweep:
    """One sweep: arrays ``(points,)`` in volt and ampere, and what is known of it.

    `flagged` marks points that the tester says are in compliance. `title` is what the tester
    calls the sweep. `compliance` is the current it was limited to, in ampere.
    """

    voltage: np.ndarray
    current: np.ndarray
    flagged: np.ndarray
    row_numbers: np.ndarray
    title: str = ""
    cell: str = ""
    condition: str = ""
    cycle: str = ""
    state: int | None = None
    compliance: float | None = None
    taken: float = float("nan")


@dataclass(frozen=True)
class _Half:
    """One half of a sweep: its points on one side of 0 V, and those of the half that follows."""

    sweep: Sweep
    part: np.ndarray
    following: np.ndarray | None

    @property
    def is_positive(self) -> bool:
        return bool(self.sweep.voltage[self.part].sum() > 0)


@dataclass(frozen=True)
class _Reading:
    """What one half of a sweep shows at the read voltage, before and after its furthest point."""

    sweep: Sweep
    positive: bool
    text: str
    row: int
    change: float
    is_on_next: bool = False


def read_points(
    table: RawTable, voltage: Column, current: Column
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return voltage, current, whether a point is in compliance, and row, of the points there are.

    Raises
    ------
    InputError
        For a text that is no number and no mark.
    """
    import numpy as np

    volts, kinds_of_volts = read_numbers(table, voltage.position, marks=False)
    amps, kinds = read_numbers(table, current.position, marks=True)
    there = (kinds_of_volts != BLANK) & (kinds != BLANK) & np.isfinite(amps)
    return (
        scaled_column(volts[there], voltage.factor),
        scaled_column(amps[there], current.factor),
        kinds[there] == COMPLIANCE,
        table.row_numbers[there],
    )


def readings_of_sweeps(
    sweeps: Sequence[Sweep], *, place: str, read_voltage: float | None, before: bool = False
) -> tuple[Grid, list[float]]:
    """Return a table of the resistances that sweeps show at a read voltage after switching.

    Each half of a sweep (one polarity, out and back) gives the reading nearest the read voltage on
    its way back: ``|V / I|``. The title of a sweep says whether it is a SET or a RESET; where it
    does not, its polarity does: of the two, that is the SET polarity in which most currents at the
    read voltage are larger on the way back than on the way out. So a cell that fails to switch
    keeps the state it was meant to have.

    Parameters
    ----------
    sweeps : sequence of Sweep
        Of one file.
    place : str
        The file as messages name it.
    read_voltage : float or None
        In volt. A positive one is read on the side of each half; a negative one at negative
        voltages only: after a positive half that is the way out of the half that follows it.
    before : bool
        Whether to read on the way out instead: the other state, which a sweep found before it
        switched the cell.

    Returns
    -------
    grid : Grid
        With the columns `HEADER`.
    taken : list of float
        When each reading was taken, in seconds, NaN where unknown.

    Raises
    ------
    InputError
        If no read voltage is given, or no sweep has a reading at it, or the states are not known.
    """
    if read_voltage is None or not 0 < abs(read_voltage) < float("inf"):
        raise InputError(
            f"{place}: these are sweeps of voltage and current; give the voltage at which the "
            'resistance is read after switching: --read-voltage "0.2 V" (not 0).'
        )
    used = [sweep for sweep in sweeps if not _FORMING.search(sweep.title)]
    notes: list[Note] = []
    if len(used) < len(sweeps):
        forming = len(sweeps) - len(used)
        text = f"sweeps of forming left out: {forming:,}."
        notes.append(Note(text, kind="forming", file=place, values={"sweeps": forming}))
    way, why = "the way back", ""
    if before:
        way, why = "the way out", ", before they switch: no sweep programs that state"
    halves = [half for sweep in used for half in _halves(sweep)]
    read = [_read_half(half, read_voltage, before=before) for half in halves]
    readings = [reading for reading in read if reading is not None]
    if not readings:
        raise InputError(
            f"{place}: none of {len(halves):,} half sweeps comes back to within "
            f"{TOLERANCE:.0%} of {in_words(read_voltage, 'V')} after its furthest point."
        )
    notes += _notes_of_readings(
        readings, len(read), read_voltage, way=f"{way} of the sweeps{why}", place=place
    )
    states, assumed = _states(readings, place=place)
    states = [1 - state for state in states] if before else states
    pairs = list(zip(readings, states, strict=True))
    cycles = _cycles(pairs)
    records = [
        [half.sweep.condition, half.sweep.cell, STATES[state], cycle, half.text]
        for (half, state), cycle in zip(pairs, cycles, strict=True)
    ]
    grid = Grid(
        place=place,
        records=[list(HEADER), *records],
        row_numbers=[0, *(half.row for half in readings)],
        notes=(*notes, *assumed),
    )
    return grid, [half.sweep.taken for half in readings]


def _cycles(pairs: Sequence[tuple[_Reading, int]]) -> list[str]:
    """Return the cycle of each reading: by its sweep, or else by its order in the file.

    A file of sweeps that names no device holds those of one, one after another.
    """
    if any(half.sweep.cycle or half.sweep.cell for half, _ in pairs):
        return [half.sweep.cycle for half, _ in pairs]
    seen: Counter[tuple[str, int]] = Counter()
    cycles = []
    for half, state in pairs:
        seen[half.sweep.condition, state] += 1
        cycles.append(str(seen[half.sweep.condition, state]))
    return cycles


def _notes_of_readings(
    readings: Sequence[_Reading], halves: int, read_voltage: float, *, way: str, place: str
) -> list[Note]:
    """Return which half sweeps are left out, and on which branch the others are read."""
    notes = []
    left_out = halves - len(readings)
    if left_out:
        notes.append(
            Note(
                f"half sweeps with no point within {TOLERANCE:.0%} of the read voltage on "
                f"{way.split(' of ')[0]}, left out: {left_out:,} of {halves:,}.",
                kind="sweeps left out",
                file=place,
                values={"half_sweeps": halves, "left_out": left_out},
            )
        )
    on_next = sum(reading.is_on_next for reading in readings)
    sides = "" if read_voltage < 0 else " of either sign" if _both_signs(readings) else ""
    are = "resistance is" if len(readings) == 1 else "resistances are"
    text = (
        f"{len(readings):,} {are} |V/I| at the points nearest "
        f"{in_words(read_voltage, 'V')}{sides} on {way}"
    )
    if on_next:
        text += (
            f"; {on_next:,} of them, after positive half sweeps, on the way out of the negative "
            "half that follows"
        )
    notes.append(
        Note(
            f"{text}.",
            kind="resistances of sweeps",
            file=place,
            values={
                "readings": len(readings),
                "read_voltage": read_voltage,
                "on_the_way_out": on_next,
            },
        )
    )
    return notes


def _both_signs(readings: Sequence[_Reading]) -> bool:
    return len({reading.positive for reading in readings}) == 2


def _halves(sweep: Sweep) -> list[_Half]:
    """Return the points of each run on one side of 0 V, each out from near 0 and back."""
    import numpy as np

    volts = sweep.voltage
    size = np.abs(volts)
    if size.size < 3 or not size.max() > 0:
        return []
    near = size <= 1e-6 * size.max()
    parts, part = [], [0]
    for point in range(1, len(volts)):
        turned = volts[point] * volts[part[-1]] < 0
        back_at_zero = near[part[-1]] and any(~near[part])
        if turned or back_at_zero:
            parts.append(np.array(part))
            part = []
        part.append(point)
    parts.append(np.array(part))
    following = [*parts[1:], None]
    return [
        _Half(sweep, half, after)
        for half, after in zip(parts, following, strict=True)
        if len(half) > 2 and not near[half].all()
    ]


def _read_half(half: _Half, read_voltage: float, *, before: bool) -> _Reading | None:
    sweep, part, size = half.sweep, half.part, abs(read_voltage)
    out, back = _out_and_back(sweep, part)
    if len(out) == 1 and abs(sweep.voltage[out[0]]) <= 2 * size:
        # A sweep that starts a little beyond 0 V: nothing has switched before the first crossing.
        return None
    is_elsewhere = read_voltage < 0 and half.is_positive
    if is_elsewhere:
        if before or half.following is None or not (sweep.voltage[half.following] < 0).any():
            return None
        back, _ = _out_and_back(sweep, half.following)
    if not len(back):
        return None
    first, last = _nearest(sweep, out, size), _nearest(sweep, back, size)
    point = first if before else last
    if abs(abs(sweep.voltage[point]) - size) > TOLERANCE * size:
        return None
    return _reading_at(half, point, _change(sweep, first, last), is_on_next=is_elsewhere)


def _reading_at(half: _Half, point: int, change: float, *, is_on_next: bool) -> _Reading:
    """Return the reading at a point; `change` is the sign of what switching does to the current."""
    sweep = half.sweep
    current = abs(sweep.current[point])
    limited = bool(sweep.flagged[point]) or (
        sweep.compliance is not None and current >= _AT_COMPLIANCE * sweep.compliance
    )
    # A current of 0 is below what the meter resolves.
    text = "OVLD" if current == 0 else repr(float(abs(sweep.voltage[point]) / current))
    return _Reading(
        sweep=sweep,
        positive=half.is_positive,
        text=f"<{text}" if limited and current else text,
        row=int(sweep.row_numbers[point]),
        change=change,
        is_on_next=is_on_next,
    )


def _change(sweep: Sweep, first: int, last: int) -> float:
    import numpy as np

    return float(np.sign(abs(sweep.current[last]) - abs(sweep.current[first])))


def _out_and_back(sweep: Sweep, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points up to the furthest from 0 V, and those after it."""
    import numpy as np

    size = np.abs(sweep.voltage[part])
    furthest = np.flatnonzero(size == size.max())
    return part[: furthest[0] + 1], part[furthest[-1] + 1 :]


def _nearest(sweep: Sweep, points: np.ndarray, size: float) -> int:
    import numpy as np

    return int(points[int(np.abs(np.abs(sweep.voltage[points]) - size).argmin())])


def titled_by_file(sweeps: Sequence[Sweep], *, place: str) -> tuple[list[Sweep], list[Note]]:
    """Return sweeps of one polarity that no title tells apart with the file's name as their title.

    Sweeps of both polarities tell by themselves which of them SET; a name could only mislead.
    """
    name = replace(sweeps[0], title=place, state=None)
    state = _titled(name)
    signs = {float(sign) for sweep in sweeps for sign in _signs(sweep)}
    if state is None or len(signs) > 1 or any(_titled(sweep) is not None for sweep in sweeps):
        return list(sweeps), []
    word = ("SET", "RESET")[state]
    text = f"the sweeps are of one polarity, and the name of the file says that they {word}."
    note = Note(text, kind="state by the name of the file", file=place)
    return [replace(sweep, title=place) for sweep in sweeps], [note]


def _signs(sweep: Sweep) -> set[float]:
    import numpy as np

    beyond = np.abs(sweep.voltage) > 1e-6 * np.abs(sweep.voltage).max(initial=0.0)
    return set(np.sign(sweep.voltage[beyond]).tolist())


def only_state(sweeps: Sequence[Sweep]) -> int | None:
    """Return the state that all sweeps program by their titles, or None.

    Forming sweeps do not count. Where a person named a state, nothing is to be added to it.
    """
    states = {_titled(sweep) for sweep in sweeps if not _FORMING.search(sweep.title)}
    is_named = any(sweep.state is not None for sweep in sweeps)
    return None if is_named or len(states) != 1 else states.pop()


def _states(readings: Sequence[_Reading], *, place: str) -> tuple[list[int], list[Note]]:
    by_title = [_titled(half.sweep) for half in readings]
    if None not in by_title:
        return [state for state in by_title if state is not None], []
    votes = {
        positive: [half.change for half in readings if half.positive == positive]
        for positive in (True, False)
    }
    sums = {positive: sum(changes) for positive, changes in votes.items()}
    if not (votes[True] and votes[False] and sums[True] * sums[False] < 0):
        raise InputError(
            f"{place}: neither the titles nor the polarities of these sweeps show whether they SET "
            "or RESET the cells (one polarity should raise the current and the other lower it). "
            'Name the state in the file\'s name: --file-name "{condition}_{state}".'
        )
    set_is_positive = sums[True] > 0
    raised = sum(
        half.change == (1.0 if half.positive == set_is_positive else -1.0) for half in readings
    )
    sign = "positive" if set_is_positive else "negative"
    note = Note(
        f"{sign} sweeps are taken as SET (LRS), the others as RESET (HRS): the current "
        f"changes that way in {raised:,} of {len(readings):,}.",
        kind="polarity of SET",
        file=place,
        values={"polarity": sign, "as_expected": raised, "readings": len(readings)},
    )
    polar = [0 if half.positive == set_is_positive else 1 for half in readings]
    pairs = zip(by_title, polar, strict=True)
    return [state if title is None else title for title, state in pairs], [note]


def branch_of(title: str) -> tuple[int | None, str]:
    """Return the state that a title says to program, None where it says none or both, and the rest.

    >>> branch_of("RESET 55 uA"), branch_of("SET-RESET")
    ((1, '55 uA'), (None, ''))
    """
    rest = _SET.sub(" ", _RESET.sub(" ", title))
    rest = re.sub(r"\s+", " ", rest).strip(" _-,;.()")
    is_set, is_reset = _SET.search(title), _RESET.search(title)
    return None if bool(is_set) == bool(is_reset) else 0 if is_set else 1, rest


def _titled(sweep: Sweep) -> int | None:
    if sweep.state is not None:
        return sweep.state
    return branch_of(sweep.title)[0]
