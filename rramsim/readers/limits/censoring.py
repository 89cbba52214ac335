"""From numbers and marks to resistances: currents, noise, zeros, clamped and marked readings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import counted, times
from rramsim.formatting import quantity as in_words
from rramsim.notes import Note
from rramsim.readers.columns.headers import Column
from rramsim.readers.limits.clamps import (
    FarPileUp,
    far_from_others,
    find_clamps,
    find_far_pile_ups,
)
from rramsim.readers.limits.meter_range import Guess, apply_limits, guess_limits, taken_as
from rramsim.readers.limits.sentinels import COMPLIANCE, LARGEST_READING
from rramsim.schema import ABOVE, BELOW, EXACT, STATES

if TYPE_CHECKING:
    import numpy as np

    from rramsim.readers.table import RawTable


_POPULATIONS_SHOWN = 4


@dataclass(frozen=True)
class RawReadings:
    """What one table says of its readings, in SI units but before currents become resistances.

    All arrays are ``(readings,)``. `values` are ohm, or ampere (siemens at 1 V) where
    `read_voltage` is given. `kinds` are those of `rramsim.readers.columns.values`. `lines` and
    `column`, an index into `columns`, say where in `table` a reading stands. `state` is 0 for LRS
    and 1 for HRS, `condition` an index into `condition_names`, which
    tell only parts of what `part_of` names, if anything. `over_range` and `floor` are the
    largest and the smallest resistance the meter resolves, in ohm, where the user knows them.
    `flagged` says which readings a column of flags marks. `cells` counts the cells of all columns
    of readings, `left_out` those that are none of these readings, by a key of
    `rramsim.measurements.LEFT_OUT`.
    """

    table: RawTable
    columns: tuple[Column, ...]
    values: np.ndarray
    kinds: np.ndarray
    lines: np.ndarray
    column: np.ndarray
    state: np.ndarray
    condition: np.ndarray
    condition_names: list[str]
    part_of: str = ""
    read_voltage: np.ndarray | None = None
    over_range: float | None = None
    floor: float | None = None
    flagged: np.ndarray | None = None
    cells: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def quantity(self) -> str:
        """What was read: resistance, conductance or current."""
        return self.columns[0].quantity or "resistance"

    @property
    def unit(self) -> str:
        """The unit of `values` for messages."""
        return {"resistance": "Ω", "conductance": "S", "current": "A"}[self.quantity]

    @property
    def in_file_unit(self) -> np.ndarray:
        """The numbers of the exact readings, in the unit of the file."""
        import numpy as np

        factors = np.array([column.factor for column in self.columns])
        exact = (self.kinds == EXACT) & np.isfinite(self.values)
        numbers: np.ndarray = (self.values / factors[self.column])[exact]
        return numbers

    @property
    def groups(self) -> np.ndarray:
        """The number of the population, a condition and a state, of each reading."""
        groups: np.ndarray = len(STATES) * self.condition + self.state
        return groups

    @property
    def populations(self) -> list[str]:
        """The populations by their number, as messages name them."""
        return [f"{name}/{state}" for name in self.condition_names for state in STATES]

    def where(self, index: int) -> str:
        """Return file, row and column of a reading for a message."""
        header = self.columns[int(self.column[index])].header
        return self.table.where(int(self.lines[index]), header)


@dataclass(frozen=True)
class Resistances:
    """Resistances in ohm and their censoring, ``(readings,)``, and what was assumed of them."""

    values: np.ndarray
    censoring: np.ndarray
    guesses: tuple[Guess, ...]
    notes: tuple[Note, ...]


def to_resistances(raw: RawReadings) -> Resistances:
    """Return resistances with their censoring; what has no limit of its own gets the meter's.

    A current `I` read at the voltage `V` becomes `V / I`; what is above the range in current is
    below it in resistance. A limit that the user gives holds for every mark that names none, for
    zeros, for noise, and for every reading beyond it; where none is given, readings that pile up at
    an end of a population are taken as clamped, and marks lie beyond the furthest reading in
    range.

    Parameters
    ----------
    raw : RawReadings
        Readings of one file, none of them blank.

    Raises
    ------
    InputError
        For a negative resistance, a zero with no known limit, or a mark whose limit neither the
        user nor the file tells.
    """
    import numpy as np

    signed = raw.values if raw.read_voltage is None else raw.values * np.sign(raw.read_voltage)
    kinds = raw.kinds.astype(np.int64)
    notes = [*_far_notes(raw, signed, kinds), *_mark_clamps(raw, signed, kinds)]
    values = _in_ohm(raw, signed, kinds)
    notes += _mark_noise(raw, values, kinds)
    _refuse_negative(raw, values, kinds)
    notes += _mark_zeros(raw, values, kinds)
    notes += _mark_unreadable(raw, values, kinds)
    _forget_flagged(raw, values, kinds)
    _refuse_unbelievable(raw, values, kinds)
    place, own = raw.table.place, values.copy()
    notes += apply_limits(values, kinds, over_range=raw.over_range, floor=raw.floor, place=place)
    guesses, guessed = guess_limits(
        values, kinds, state=raw.state, condition=raw.condition, where=raw.where, place=place
    )
    named = _named_notes(raw, values, kinds, own=own)
    return Resistances(values, kinds, guesses, (*notes, *guessed, *named))


def _in_ohm(raw: RawReadings, signed: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return signed resistances, and turn the sides of marks on currents over, in place."""
    import numpy as np

    if raw.read_voltage is None:
        kinds[kinds == COMPLIANCE] = BELOW
        return np.where(np.isfinite(signed), signed, np.nan)
    kinds[kinds == COMPLIANCE] = ABOVE
    kinds[:] = -kinds
    with np.errstate(divide="ignore", over="ignore"):
        # A current of either sign of zero is above the range in resistance.
        values: np.ndarray = np.abs(raw.read_voltage) / (signed + 0.0)
    return values


def _mark_noise(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> list[Note]:
    """Mark negative readings beyond the range: a current that is nothing but noise around zero."""
    import numpy as np

    if raw.over_range is None:
        return []
    noise = (kinds == EXACT) & (values < 0) & (np.abs(values) >= raw.over_range)
    kinds[noise], values[noise] = ABOVE, raw.over_range
    count = int(noise.sum())
    if not count:
        return []
    return [
        Note(
            f"{counted(count, 'negative reading')} beyond the range "
            f"{taken_as(ABOVE, raw.over_range)}: noise around zero current.",
            kind="noise",
            file=raw.table.place,
            values={"readings": count, "limit": raw.over_range},
        )
    ]


def _refuse_negative(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> None:
    import numpy as np

    negative = (kinds == EXACT) & (np.signbit(values)) & (values != 0)
    if not negative.any():
        return
    index = int(negative.argmax())
    value = in_words(float(raw.values[index]), raw.unit)
    if raw.read_voltage is None:
        raise InputError(
            f"{raw.where(index)}: the resistance is negative ({value}); check the sign of the "
            "current. A resistance is more than 0. If the current is noise around zero, give the "
            'largest resistance that the meter resolves, --over-range "100 MOhm".'
        )
    if raw.quantity == "conductance":
        raise InputError(
            f"{raw.where(index)}: the conductance is negative ({value}); check the sign of the "
            "current, or the offset that was subtracted."
        )
    voltage = in_words(float(raw.read_voltage[index]), "V")
    raise InputError(
        f"{raw.where(index)}: a current of {value} at a read voltage of {voltage} makes the "
        "resistance negative; check the signs, or the offset that was subtracted."
    )


def _far_notes(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> list[Note]:
    """Say where equal readings lie far beyond all others, and no limit given has them in it."""
    import numpy as np

    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ohm = values if raw.read_voltage is None else np.abs(raw.read_voltage) / values
    exact = (kinds == EXACT) & (ohm > 0) & (ohm <= LARGEST_READING)
    together: dict[tuple[int, float], list[FarPileUp]] = {}
    for pile in find_far_pile_ups(ohm[exact], raw.groups[exact]):
        limit = raw.over_range if pile.side == ABOVE else raw.floor
        if limit is None or pile.side * (pile.value - limit) < 0:
            together.setdefault((pile.side, pile.value), []).append(pile)
    return [_far_note(raw, side, value, piles) for (side, value), piles in sorted(together.items())]


def _far_note(raw: RawReadings, side: int, value: float, piles: list[FarPileUp]) -> Note:
    count, beyond, nearest = _far_words(value, piles)
    option = (
        "--over-range gives the largest resistance that it resolves"
        if side == ABOVE
        else "--floor gives the smallest resistance that it resolves"
    )
    return Note(
        f"{count:,} readings of {_populations(raw, piles)} are {in_words(value, 'Ω')}, all the "
        f"same, {beyond}: does the meter write this where it resolves nothing? {option}.",
        kind="pile-up far from the rest",
        file=raw.table.place,
        values={"readings": count, "limit": value, "nearest": nearest},
    )


def _populations(raw: RawReadings, piles: list[FarPileUp]) -> str:
    shown = [raw.populations[pile.group] for pile in piles[:_POPULATIONS_SHOWN]]
    more = len(piles) - len(shown)
    return ", ".join([*shown, *([f"{more:,} more populations"] if more else [])])


def _far_words(value: float, piles: list[FarPileUp]) -> tuple[int, str, float]:
    """Return the number of readings, how far they lie beyond the others in words, the nearest."""
    side = piles[0].side
    nearest = min((pile.nearest for pile in piles), key=lambda ohm: abs(math.log(value / ohm)))
    beyond = (
        f"{times((value / nearest) ** side)} times beyond the "
        f"{'largest' if side == ABOVE else 'smallest'} of the others, {in_words(nearest, 'Ω')}"
    )
    return sum(pile.count for pile in piles), beyond, nearest


def _mark_clamps(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> list[Note]:
    """Censor the readings at a clamp in the populations that end there, in place.

    The value may lie in the middle of another population, whose readings of it are exact. Marks
    in the file, and limits that the user gives, tell the limits of the meter better than a guess
    from its numbers.
    """
    import numpy as np

    exact = (kinds == EXACT) & (values > 0)
    if not exact.any():
        return []
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ohm = values if raw.read_voltage is None else np.abs(raw.read_voltage) / values
    exact &= ohm <= LARGEST_READING
    notes = []
    groups = raw.groups
    marked = {side for side in (ABOVE, BELOW) if (kinds == side).any()}
    given = _given_sides(raw)
    for side, clamps in find_clamps(values[exact], groups[exact]).items():
        ends = np.full(len(raw.populations), np.nan)
        (np.fmax if side == ABOVE else np.fmin).at(ends, groups[exact], values[exact])
        for clamp in sorted(clamps) if side not in marked else ():
            clamped = exact & (values == clamp) & (ends[groups] == clamp)
            if side not in given:
                kinds[clamped], exact = side, exact & ~clamped
            elif _reaches(raw, clamp, side):
                continue
            notes.append(_clamp_note(raw, clamp, side, clamped, kept=side in given))
    return notes


def _given_sides(raw: RawReadings) -> set[int]:
    """Return the sides of the numbers as they stand on which the user gives a limit."""
    turned = 1 if raw.read_voltage is None else -1
    limits = ((ABOVE, raw.over_range), (BELOW, raw.floor))
    return {turned * side for side, limit in limits if limit is not None}


def _reaches(raw: RawReadings, clamp: float, side: int) -> bool:
    """Return whether a clamp lies at or beyond the limit given, which censors it anyway."""
    import numpy as np

    if raw.read_voltage is not None:
        clamp, side = float(np.abs(raw.read_voltage).max()) / clamp, -side
    limit = raw.over_range if side == ABOVE else raw.floor
    assert limit is not None
    return clamp >= limit if side == ABOVE else clamp <= limit


def _clamp_note(
    raw: RawReadings, clamp: float, side: int, clamped: np.ndarray, *, kept: bool
) -> Note:
    import numpy as np

    where = "largest" if side == ABOVE else "smallest"
    populations = ", ".join(raw.populations[group] for group in np.unique(raw.groups[clamped]))
    count = int(np.count_nonzero(clamped))
    taken = taken_as(side, clamp, raw.unit)
    if kept:
        taken = "read as they are, since the limit given is further out"
    return Note(
        f"{count:,} readings of {populations} pile up at the {where} value, "
        f"{in_words(clamp, raw.unit)}: {taken}.",
        kind="pile-up within the limit" if kept else "clamped",
        file=raw.table.place,
        values={"readings": count, "limit": clamp},
    )


def _mark_zeros(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> list[Note]:
    """Censor a resistance of 0 at the floor, and a current of 0 at the largest resistance."""
    import numpy as np

    side = BELOW if raw.read_voltage is None else ABOVE
    zero = (kinds == EXACT) & (raw.values == 0)
    if not zero.any():
        return []
    given = raw.floor if side == BELOW else raw.over_range
    named = values[(kinds == side) & np.isfinite(values)]
    if given is None and not named.size:
        raise _unknown_limit_of_zero(raw, int(zero.argmax()))
    # Of several limits in the file the weakest is true of every zero.
    limit = given or float(named.max() if side == BELOW else named.min())
    values[zero], kinds[zero] = limit, side
    count = int(zero.sum())
    known = "the known floor" if side == BELOW else "the largest known limit"
    return [
        Note(
            f"{counted(count, 'reading')} of 0 {raw.unit} {taken_as(side, limit)}, {known}.",
            kind="zero",
            file=raw.table.place,
            values={"readings": count, "limit": limit},
        )
    ]


def _unknown_limit_of_zero(raw: RawReadings, index: int) -> InputError:
    if raw.read_voltage is None:
        return InputError(
            f"{raw.where(index)}: the reading is 0 {raw.unit}, below what the meter resolves, and "
            "the file names no floor. Give the smallest resistance that the meter resolves, "
            '--floor "100 Ohm", or write the reading as a bound, such as "<100".'
        )
    return InputError(
        f"{raw.where(index)}: the reading is 0 {raw.unit}, below what the meter resolves, and the "
        "file does not say what that is. Give the largest resistance that the meter resolves, "
        '--over-range "100 MOhm", or write the reading as a bound, such as "<1e-3".'
    )


def _mark_unreadable(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> list[Note]:
    """Take resistances that no meter resolves as out of range, in place."""
    import numpy as np

    if raw.over_range is not None:
        # The user's limit censors them, and they are counted there.
        return []
    unreadable = (kinds == EXACT) & (values > LARGEST_READING)
    count = int(np.count_nonzero(unreadable))
    if not count:
        return []
    if not ((kinds == EXACT) & ~unreadable).any():
        index = int(unreadable.argmax())
        raise InputError(
            f"{raw.where(index)}: {raw.values[index]:g} {raw.unit} is not a reading of a "
            f"resistance, and no reading is below {in_words(LARGEST_READING, 'Ω')}; is the unit "
            "in the header right?"
        )
    values[unreadable], kinds[unreadable] = np.nan, ABOVE
    return [
        Note(
            f"{counted(count, 'reading')} above {in_words(LARGEST_READING, 'Ω')}, which no meter "
            "resolves: taken as out of range.",
            kind="number for no reading",
            file=raw.table.place,
            values={"readings": count, "number": LARGEST_READING, "taken_as": "out of range"},
        )
    ]


def _forget_flagged(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> None:
    """Leave readings that a flag marks as out of range without their number, in place.

    It is whatever the meter showed; so the limit that the user gives is the better bound.
    """
    import numpy as np

    marked = kinds != EXACT
    values[marked & ~(np.isfinite(values) & (values > 0))] = np.nan
    if raw.over_range is not None and raw.flagged is not None:
        values[marked & (kinds == ABOVE) & raw.flagged] = np.nan


def _named_notes(
    raw: RawReadings, values: np.ndarray, kinds: np.ndarray, *, own: np.ndarray
) -> list[Note]:
    """Return notes on the marks that name their own limit, and keep it."""
    import numpy as np

    notes = []
    in_file = (raw.kinds != EXACT) & np.isfinite(raw.values) & (values == own)
    for side in (ABOVE, BELOW):
        named = values[in_file & (kinds == side)]
        notes += _far_mark_notes(raw, values, kinds, in_file & (kinds == side), side=side)
        if named.size:
            limit = float(named[0])
            notes.append(
                Note(
                    f"{counted(named.size, 'reading')} marked with a limit, {taken_as(side, limit)}"
                    f"{'' if (named == limit).all() else ' or at their own limits'}.",
                    kind="marked with a limit",
                    file=raw.table.place,
                    values={"readings": named.size, "limit": limit},
                )
            )
    return notes


def _far_mark_notes(
    raw: RawReadings, values: np.ndarray, kinds: np.ndarray, named: np.ndarray, *, side: int
) -> list[Note]:
    """Say where the furthest limit of marks lies far beyond the readings of its population."""
    import numpy as np

    together: dict[float, list[FarPileUp]] = {}
    given = raw.over_range if side == ABOVE else raw.floor
    for group in np.unique(raw.groups[named]):
        of_it = raw.groups == group
        limits = values[of_it & named]
        limit = float(limits.max() if side == ABOVE else limits.min())
        nearest = far_from_others(limit, values[of_it & (kinds == EXACT)], side)
        if nearest is not None and limit != given:
            count = int(np.count_nonzero(limits == limit))
            pile = FarPileUp(int(group), side, limit, nearest, count)
            together.setdefault(limit, []).append(pile)
    return [_far_mark_note(raw, limit, piles) for limit, piles in sorted(together.items())]


def _far_mark_note(raw: RawReadings, limit: float, piles: list[FarPileUp]) -> Note:
    count, beyond, nearest = _far_words(limit, piles)
    end = "at least" if piles[0].side == ABOVE else "at most"
    are = "reading of {} is" if count == 1 else "readings of {} are"
    return Note(
        f"{count:,} {are.format(_populations(raw, piles))} marked as {end} "
        f"{in_words(limit, 'Ω')}, {beyond}: is the unit of the mark right?",
        kind="mark far from the rest",
        file=raw.table.place,
        values={"readings": count, "limit": limit, "nearest": nearest},
    )


def _refuse_unbelievable(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> None:
    import numpy as np

    refused = (kinds == EXACT) & ~(np.isfinite(values) & (values > 0))
    if refused.any():
        index = int(refused.argmax())
        raise InputError(
            f"{raw.where(index)}: {raw.values[index]:g} {raw.unit} is not a reading of a "
            "resistance; is the unit in the header right?"
        )
