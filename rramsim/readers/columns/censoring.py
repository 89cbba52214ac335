"""From numbers and marks to resistances: currents, censoring, clamped readings, zeros."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.formatting import quantity as in_words
from rramsim.notes import Note
from rramsim.readers.columns.headers import Column
from rramsim.readers.columns.values import COMPLIANCE
from rramsim.schema import ABOVE, BELOW, EXACT, STATES

if TYPE_CHECKING:
    import numpy as np

    from rramsim.readers.table import RawTable

# A pile-up is a clamp where one value is this share of a population and this many readings ...
_CLAMP_SHARE, _CLAMP_COUNT = 0.01, 5
# ... and stands out from the next value: few digits alone make no clamp.
_CLAMP_OVER_NEIGHBOUR = 3


@dataclass(frozen=True)
class RawReadings:
    """What one table says of its readings, in SI units but before currents become resistances.

    All arrays are ``(readings,)``. `values` are ohm, or ampere (siemens at 1 V) where
    `read_voltage` is given. `kinds` are those of `rramsim.readers.columns.values`. `lines` and
    `column`, an index into `columns`, say where in `table` a reading stands. `state` is 0 for LRS
    and 1 for HRS, `condition` an index into `condition_names`. `over_range` and `floor` are the
    largest and the smallest resistance the meter resolves, in ohm, where the user knows them.
    `cells` counts the cells of all columns of readings, `left_out` those that are none of these
    readings, by a key of `rramsim.measurements.LEFT_OUT`.
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
    read_voltage: np.ndarray | None = None
    over_range: float | None = None
    floor: float | None = None
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


def to_resistances(raw: RawReadings) -> tuple[np.ndarray, np.ndarray, tuple[Note, ...]]:
    """Return resistances in ohm, their censoring (of the schema), and what was assumed.

    A current `I` read at the voltage `V` becomes `V / I`; what is above the range in current is
    below it in resistance. Blank readings have been taken out before.

    Parameters
    ----------
    raw : RawReadings
        Readings of one file, none of them blank.

    Returns
    -------
    resistance, censoring : ndarray, shape (readings,)
    notes : tuple of Note
        Counted clamps and limits.

    Raises
    ------
    InputError
        For a negative resistance, a zero with no known floor, or a mark without a limit in a
        file that has no exact reading to take it from.
    """
    import numpy as np

    signed = raw.values if raw.read_voltage is None else raw.values * np.sign(raw.read_voltage)
    kinds = raw.kinds.astype(np.int64)
    in_compliance = BELOW if raw.read_voltage is None else ABOVE
    kinds[kinds == COMPLIANCE] = in_compliance
    noise = _mark_noise(raw, signed, kinds)
    _refuse_negative(raw, signed, kinds)
    values = np.where(np.isfinite(signed), np.abs(signed), np.nan)
    notes = [
        *noise,
        *_mark_clamps(raw, values, kinds),
        *_mark_zeros(raw, values, kinds),
        *_give_limits(raw, values, kinds),
    ]
    if raw.read_voltage is not None:
        with np.errstate(divide="ignore", over="ignore"):
            values = np.abs(raw.read_voltage) / values
        kinds = -kinds
    _refuse_unbelievable(raw, values)
    notes += _apply_limits(raw, values, kinds)
    return values, kinds, tuple(notes)


def find_clamps(values: np.ndarray, groups: np.ndarray) -> dict[int, set[float]]:
    """Return the values at which readings pile up at an end of a population, by side.

    A value is a clamp where it is the largest (`ABOVE`) or smallest (`BELOW`) of a population,
    at least 1 % and 5 of its readings, and 3 times as frequent as its neighbour. A population
    of one single value is not clamped but stuck or too coarsely resolved.

    Parameters
    ----------
    values, groups : ndarray, shape (readings,)
        Exact readings, and the population each belongs to.
    """
    import numpy as np

    clamps: dict[int, set[float]] = {ABOVE: set(), BELOW: set()}
    for group in np.unique(groups):
        distinct, counts = np.unique(values[groups == group], return_counts=True)
        if len(distinct) < 2:
            continue
        least = max(_CLAMP_COUNT, _CLAMP_SHARE * counts.sum())
        for side, end, neighbour in ((ABOVE, -1, -2), (BELOW, 0, 1)):
            if counts[end] >= max(least, _CLAMP_OVER_NEIGHBOUR * counts[neighbour]):
                clamps[side].add(float(distinct[end]))
    return clamps


def _mark_noise(raw: RawReadings, signed: np.ndarray, kinds: np.ndarray) -> list[Note]:
    """Mark negative readings beyond the range: a current that is nothing but noise around zero."""
    import numpy as np

    if raw.over_range is None:
        return []
    with np.errstate(divide="ignore", over="ignore"):
        size = np.abs(signed if raw.read_voltage is None else raw.read_voltage / signed)
    noise = (kinds == EXACT) & (signed < 0) & (size >= raw.over_range) & np.isfinite(signed)
    if not noise.any():
        return []
    if raw.read_voltage is None:
        kinds[noise], signed[noise] = ABOVE, raw.over_range
    else:
        kinds[noise], signed[noise] = BELOW, np.abs(raw.read_voltage[noise]) / raw.over_range
    count = int(noise.sum())
    return [
        Note(
            f"{_counted(count, 'negative reading')} beyond the range "
            f"{_taken_as(ABOVE, raw.over_range, 'Ω')}: noise around zero current.",
            kind="noise",
            file=raw.table.place,
            values={"readings": count, "limit": raw.over_range},
        )
    ]


def _apply_limits(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> list[Note]:
    """Censor readings beyond the limits that the user gave, in place."""
    import numpy as np

    notes = []
    for side, limit in ((ABOVE, raw.over_range), (BELOW, raw.floor)):
        if limit is None:
            continue
        beyond = (values > limit) if side == ABOVE else (values < limit)
        count = int(np.count_nonzero(beyond))
        values[beyond], kinds[beyond] = limit, side
        if count:
            notes.append(
                Note(
                    f"{_counted(count, 'reading')} beyond the limit given "
                    f"{_taken_as(side, limit, 'Ω')}.",
                    kind="beyond the limit given",
                    file=raw.table.place,
                    values={"readings": count, "limit": limit},
                )
            )
    return notes


def _refuse_negative(raw: RawReadings, signed: np.ndarray, kinds: np.ndarray) -> None:
    negative = (kinds == EXACT) & (signed < 0)
    if not negative.any():
        return
    index = int(negative.argmax())
    value = in_words(float(raw.values[index]), raw.unit)
    if raw.read_voltage is None:
        raise InputError(
            f"{raw.where(index)}: the resistance is negative ({value}); check the sign of the "
            "current. A resistance is more than 0. Where the current is noise around zero, "
            "--over-range says from which resistance on."
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


def _mark_clamps(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> list[Note]:
    """Censor the readings at a clamp in the populations that end there, in place.

    The value may lie in the middle of another population, whose readings of it are exact.
    """
    import numpy as np

    exact = (kinds == EXACT) & (values > 0)
    if not exact.any():
        return []
    notes = []
    groups = raw.groups
    # Marks in the file tell the limits of the meter better than a guess from its numbers.
    marked = {side for side in (ABOVE, BELOW) if (kinds == side).any()}
    for side, clamps in find_clamps(values[exact], groups[exact]).items():
        ends = np.full(len(raw.populations), np.nan)
        (np.fmax if side == ABOVE else np.fmin).at(ends, groups[exact], values[exact])
        for clamp in sorted(clamps) if side not in marked else ():
            clamped = exact & (values == clamp) & (ends[groups] == clamp)
            kinds[clamped], exact = side, exact & ~clamped
            where = "largest" if side == ABOVE else "smallest"
            populations = ", ".join(raw.populations[group] for group in np.unique(groups[clamped]))
            count = int(np.count_nonzero(clamped))
            notes.append(
                Note(
                    f"{count:,} readings of {populations} pile up at the {where} value, "
                    f"{in_words(clamp, raw.unit)}: {_taken_as(side, clamp, raw.unit)}.",
                    kind="clamped",
                    file=raw.table.place,
                    values={"readings": count, "limit": clamp},
                )
            )
    return notes


def _mark_zeros(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> list[Note]:
    import numpy as np

    zero = (kinds == EXACT) & (values == 0)
    if not zero.any():
        return []
    floors = values[(kinds == BELOW) & np.isfinite(values)]
    floors = np.append(floors, _limit_of_zero(raw))
    index = int(zero.argmax())
    if not floors.size:
        raise InputError(
            f"{raw.where(index)}: the reading is 0 {raw.unit}, below what the meter resolves, and "
            'the file names no floor. Write the reading as a bound, such as "<100".'
        )
    values[zero], kinds[zero] = floors.max(), BELOW
    count, floor = int(zero.sum()), float(floors.max())
    return [
        Note(
            f"{_counted(count, 'reading')} of 0 {raw.unit} "
            f"{_taken_as(BELOW, floor, raw.unit)}, the floor that is known.",
            kind="zero",
            file=raw.table.place,
            values={"readings": count, "limit": floor},
        )
    ]


def _limit_of_zero(raw: RawReadings) -> list[float]:
    """Return what the user's limits say of a zero, in the unit of the file."""
    import numpy as np

    if raw.read_voltage is None:
        return [] if raw.floor is None else [raw.floor]
    if raw.over_range is None:
        return []
    return [float(np.abs(raw.read_voltage).max()) / raw.over_range]


def _give_limits(raw: RawReadings, values: np.ndarray, kinds: np.ndarray) -> list[Note]:
    """Fill the limit of marks that name none: the furthest reading the meter did resolve."""
    import numpy as np

    notes = []
    exact = values[(kinds == EXACT) & (values > 0)]
    for side, word in ((ABOVE, "largest"), (BELOW, "smallest")):
        bare = (kinds == side) & np.isnan(values)
        if not bare.any():
            continue
        if not exact.size:
            raise InputError(
                f"{raw.where(int(bare.argmax()))}: no reading of the file is inside the meter's "
                'range, so its limit is unknown. Write the marks as bounds, such as ">1e9".'
            )
        limit = float(exact.max() if side == ABOVE else exact.min())
        values[bare] = limit
        count = int(bare.sum())
        notes.append(
            Note(
                f"{_counted(count, 'reading')} marked out of range "
                f"{_taken_as(side, limit, raw.unit)}, the {word} reading in range.",
                kind="out of range",
                file=raw.table.place,
                values={"readings": count, "limit": limit},
            )
        )
    for side in (ABOVE, BELOW):
        named = values[(raw.kinds == side) & ~np.isnan(raw.values)]
        if named.size:
            limit = float(named[0])
            notes.append(
                Note(
                    f"{_counted(named.size, 'reading')} marked {_taken_as(side, limit, raw.unit)}"
                    f"{'' if (named == limit).all() else ' or at their own limits'}.",
                    kind="marked with a limit",
                    file=raw.table.place,
                    values={"readings": named.size, "limit": limit},
                )
            )
    return notes


def _refuse_unbelievable(raw: RawReadings, values: np.ndarray) -> None:
    import numpy as np

    refused = ~(np.isfinite(values) & (values > 0))
    if refused.any():
        index = int(refused.argmax())
        raise InputError(
            f"{raw.where(index)}: {raw.values[index]:g} {raw.unit} is not a reading of a "
            "resistance; is the unit in the header right?"
        )


def _taken_as(side: int, limit: float, unit: str) -> str:
    words = "at least" if side == ABOVE else "at most"
    return f"taken as {words} {in_words(limit, unit)} (censored)"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
