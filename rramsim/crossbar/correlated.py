"""Faults of cells that share their lines: rows, columns, dies and sense amplifiers that differ.

ln R = mu + die + row + column + cell, in LRS and in HRS, every term but the mean normal and drawn
once a chip. The cells of a slow column err together, so chips differ by more than independent
errors would make them, at the same mean bit-error rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from typing import Any, cast

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim.bits import Flips, Words
from rramsim.crossbar.faults import IidFaults, PopulationFaults, StateFaults
from rramsim.crossbar.sampling import (
    ChipSeeds,
    LineEffects,
    Signs,
    draw_cells_on_lines,
    draw_small_on_lines,
)
from rramsim.crossbar.tiles import Placement, TileShape
from rramsim.errors import InputError, number, refused
from rramsim.parallel import share

Floats = NDArray[np.float64]
Sources = Callable[[int], list[np.random.Generator]]
"""Gives the source of chance of one kind of effect, of each chip."""
PerState = float | tuple[float, float]
"""One number for both states, or one for LRS and one for HRS."""

_COLUMNS, _ROWS, _DIE, _AMPLIFIERS = range(4)
_STREAMS = 1 << 32
# Words of 64 bits that SFC64 begins with.
_STATE = 3
# Normals that are worth a thread.
_MANY = 1 << 16


@dataclass(frozen=True)
class CorrelatedFaults:
    """Cells that err together with those on their row, on their column and on their die.

    The spread of a state is split: a part differs from die to die, one from word line to word
    line (row), one from bit line to bit line (column) of each tile, and the rest from cell to
    cell. Given the lines, cell (i, j) is wrong with Q((z s - die - row_i - column_j) / s_cell),
    where z s is the distance of its state's mean from the reference. The mean BER is that of
    `faults`. A cell's own number u is that of independent faults with the same seed: chips of
    both kinds can be compared cell by cell, and without any part have the same wrong cells.

    Parameters
    ----------
    faults : PopulationFaults, StateFaults or IidFaults
        The populations, with the spread of all cells, or the error rates of both states.
    sigma_column, sigma_row, sigma_die : float or (float, float)
        Standard deviation of ln R between bit lines of a tile, between its word lines and between
        dies; one for both states, or of LRS and of HRS. They are parts of the spread of `faults`.
        Of error rates that spread is 1: `sigma_column` is then the root of the columns' share of
        the variance.
    sense_offset : float or (float, float)
        Standard deviation of the offset of sense amplifiers in ln R, one for each bit line of a
        tile; it makes one state err more and the other less. It adds to the spread of populations,
        as a spread of the reference does, and is part of the spread of error rates, of which two
        numbers are that of LRS and that of HRS.
    correlation : float or (float, float, float)
        Of an effect on LRS and on HRS cells of the same line or die, -1 to 1; one for all, or of
        columns, of rows and of dies.
    tile : (int, int)
        Word lines and bit lines of a tile.

    Raises
    ------
    InputError
        If a parameter is none of these, or nothing is left that differs from cell to cell.

    Examples
    --------
    A tenth of the variance is between columns: the mean stays, the spread between chips grows.

    >>> import rramsim
    >>> faults = rramsim.CorrelatedFaults(rramsim.IidFaults(0.033), sigma_column=0.1**0.5)
    >>> round(faults.mean_ber(hrs_share=0.5), 4)
    0.033
    """

    faults: PopulationFaults | StateFaults | IidFaults
    sigma_column: PerState = 0.0
    sigma_row: PerState = 0.0
    sigma_die: PerState = 0.0
    sense_offset: PerState = 0.0
    correlation: float | tuple[float, float, float] = 0.0
    tile: tuple[int, int] = (128, 128)

    def __post_init__(self) -> None:
        if not isinstance(self.faults, IidFaults | StateFaults | PopulationFaults):
            raise refused(
                "faults", self.faults, "PopulationFaults, StateFaults or IidFaults, of single cells"
            )
        for name in ("sigma_column", "sigma_row", "sigma_die"):
            object.__setattr__(self, name, per_state(name, getattr(self, name)))
        object.__setattr__(self, "sense_offset", _offset(self.sense_offset, self._offset_is_part))
        object.__setattr__(self, "correlation", _correlation(self.correlation))
        object.__setattr__(self, "tile", _tile(self.tile))
        for state, left, whole in zip(
            ("LRS", "HRS"), self.cell_variances, self._variances, strict=True
        ):
            if not left > 0:
                raise InputError(
                    f"The parts of the spread of {state} (die, row, column"
                    f"{', offset' if self._offset_is_part else ''}) make up "
                    f"{100 * (1 - left / whole):.0f} % of its variance; something must be left "
                    "that differs from cell to cell."
                )

    @property
    def sigmas(self) -> tuple[tuple[float, float], ...]:
        """Standard deviations of columns, rows and dies, each of LRS and of HRS."""
        both = self.sigma_column, self.sigma_row, self.sigma_die
        return cast(tuple[tuple[float, float], ...], both)

    @property
    def offsets(self) -> tuple[float, float]:
        """Standard deviations of the offset of sense amplifiers, for LRS and for HRS."""
        offset = self.sense_offset
        return offset if isinstance(offset, tuple) else (offset, offset)

    @property
    def correlations(self) -> tuple[float, float, float]:
        """Correlations of the effects on both states, of columns, rows and dies."""
        both = self.correlation
        return both if isinstance(both, tuple) else (both, both, both)

    @property
    def _offset_is_part(self) -> bool:
        return not isinstance(self.faults, PopulationFaults)

    @property
    def _variances(self) -> tuple[float, float]:
        """Of which lines and dies have parts: LRS and HRS."""
        if not isinstance(self.faults, PopulationFaults):
            return 1.0, 1.0
        spread = self.faults.reference_spread
        return self.faults.sigma_lrs**2 + spread**2, self.faults.sigma_hrs**2 + spread**2

    @cached_property
    def cell_variances(self) -> tuple[float, float]:
        """Of ln R from cell to cell, with what differs from read to read: LRS and HRS."""
        lrs, hrs = (
            variance
            - (self.offsets[state] ** 2 if self._offset_is_part else 0.0)
            - sum(part[state] ** 2 for part in self.sigmas)
            for state, variance in enumerate(self._variances)
        )
        return lrs, hrs

    @property
    def own_variances(self) -> tuple[float, float]:
        """Of ln R from cell to cell and read to read, without a spread of the reference."""
        reference = 0.0
        if isinstance(self.faults, PopulationFaults):
            reference = self.faults.reference_spread**2
        lrs, hrs = self.cell_variances
        return lrs - reference, hrs - reference

    @cached_property
    def _cell_spreads(self) -> tuple[float, float]:
        lrs, hrs = map(math.sqrt, self.cell_variances)
        return lrs, hrs

    @cached_property
    def _distances(self) -> tuple[float, float]:
        """How far the means lie from the reference, in ln R: LRS and HRS."""
        if isinstance(self.faults, PopulationFaults):
            ln_reference = math.log(self.faults.reference_resistance)
            return ln_reference - self.faults.mu_lrs, self.faults.mu_hrs - ln_reference
        rates = self.faults
        bers = (rates.ber, rates.ber) if isinstance(rates, IidFaults) else vars(rates).values()
        lrs, hrs = (-float(ndtri(ber)) for ber in bers)
        return lrs, hrs

    @property
    def marginal(self) -> PopulationFaults | StateFaults | IidFaults:
        """Faults of cells that err on their own, at the same error rates."""
        faults = self.faults
        if isinstance(faults, PopulationFaults) and any(self.offsets):
            return replace(
                faults, reference_spread=math.hypot(faults.reference_spread, self.offsets[0])
            )
        return faults

    def by_state(self) -> StateFaults:
        """Return the error rate of each state over all lines and dies."""
        faults = self.marginal
        if isinstance(faults, PopulationFaults):
            return faults.by_state()
        return StateFaults(faults.ber, faults.ber) if isinstance(faults, IidFaults) else faults

    def of_rates(self) -> CorrelatedFaults:
        """Return the same faults as error rates with the shares of lines and dies in the spreads.

        Other rates can be put in the place of these (`dataclasses.replace`, `faults`); the lines
        have the same effects then, in spreads.
        """
        if self._offset_is_part:
            return replace(self, faults=self.by_state())
        offset = self.offsets[0]
        whole = [
            math.sqrt(cell + sum(part[state] ** 2 for part in self.sigmas) + offset**2)
            for state, cell in enumerate(self.cell_variances)
        ]

        def shares(lrs: float, hrs: float) -> tuple[float, float]:
            return lrs / whole[0], hrs / whole[1]

        columns, rows, dies = (shares(*part) for part in self.sigmas)
        return replace(
            self,
            faults=self.by_state(),
            sigma_column=columns,
            sigma_row=rows,
            sigma_die=dies,
            sense_offset=shares(offset, offset),
        )

    def by_pair(self, ber: float, *, offset: float = 0.0) -> CorrelatedFaults:
        """Return the faults of weights that two cells in opposite states hold (2T2R).

        The two lie side by side on one word line and are read against each other, so what wins is
        the sign of a difference: of two cells, of two columns, of both states of one row and of
        one die, and of one offset for all pairs of two bit lines. Each has its share of the
        variance of that difference. What a row or die shares in both states goes out of it; the
        BER is taken as it is, and does not gain by that.

        Parameters
        ----------
        ber : float
            Error rate of the weights, over all lines and dies.
        offset : float
            Standard deviation of the offset of an amplifier, which `ber` allows for, in ln R.
        """
        whole = (1.0, 1.0)
        if isinstance(self.faults, PopulationFaults):
            whole = self.faults.sigma_lrs, self.faults.sigma_hrs
        cells = sum(
            spread**2
            - sum(part[state] ** 2 for part in self.sigmas)
            - (self.offsets[state] ** 2 if self._offset_is_part else 0.0)
            for state, spread in enumerate(whole)
        )
        columns, rows, dies = self.sigmas
        together, of_rows, of_dies = self.correlations
        opposite = 2.0 * together * columns[0] * columns[1]
        parts = (
            _of_difference(columns, 0.0),
            _of_difference(rows, of_rows),
            _of_difference(dies, of_dies),
            offset**2,
        )
        column, row, die, shared = (math.sqrt(part / (cells + sum(parts))) for part in parts)
        word_lines, bit_lines = self.tile
        return CorrelatedFaults(
            IidFaults(ber),
            column,
            row,
            die,
            shared,
            # A column of high LRS and HRS makes one weight err more and the other less.
            correlation=(opposite / parts[0] if opposite else 0.0, -1.0, -1.0),
            tile=(word_lines, max(bit_lines // 2, 1)),
        )

    @property
    def is_independent(self) -> bool:
        """Whether nothing is shared by cells."""
        return not (any(self.offsets) or any(map(any, self.sigmas)))

    @property
    def ties_rows(self) -> bool:
        """Whether the cells of one row err together, as far as their dies and rows do."""
        return any(map(any, (self.sigmas[_ROWS], self.sigmas[_DIE])))

    def draw(self, signs: Signs, seed: np.random.SeedSequence) -> Flips:
        """Draw one layer of one chip (see `FaultModel`)."""
        if self.is_independent:
            return self.faults.draw(signs, seed)
        return draw_cells_on_lines(signs, lines=self.lines(signs.shape, seed), seed=seed)

    def draw_chips(self, signs: Signs, seeds: ChipSeeds) -> Words:
        """Draw a small layer of many chips (see `draw_small_on_lines`)."""
        if self.is_independent:
            return self.faults.draw_chips(signs, seeds)
        lines = self._lines(signs.shape, partial(_generators, seeds), len(seeds.chips))
        return draw_small_on_lines(signs, lines=lines, seeds=seeds)

    def lines(self, shape: tuple[int, ...], seed: np.random.SeedSequence) -> LineEffects:
        """Draw by how much the lines of one layer of one chip make its cells err.

        They follow from the seed alone, in units of their standard deviations: one chip at a
        greater BER, or of greater sigmas, has the same lines.

        Parameters
        ----------
        shape : tuple of int
            ``(neurons, inputs)``.
        seed : numpy.random.SeedSequence
            See `FaultModel.draw`. The last number of its key is the layer's, and the die is drawn
            without it: all layers of a chip lie on one.
        """
        of_chip = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key[:-1])
        lines = self._lines(
            shape, lambda kind: [_generator(of_chip if kind == _DIE else seed, kind)], 1
        )
        return replace(
            lines, distances=lines.distances[0], columns=lines.columns[0], rows=lines.rows[0]
        )

    def _lines(self, shape: tuple[int, ...], sources: Sources, chips: int) -> LineEffects:
        """Draw the lines of one layer of many chips."""
        neurons, inputs = shape
        down, across = Placement((neurons, inputs), TileShape(*self.tile)).grid
        sizes = {_COLUMNS: (chips, 2, neurons, down), _ROWS: (chips, 2, across, inputs)}
        spreads = np.array(self._cell_spreads)
        dies = self._effects(_DIE, (chips, 2, 1, 1), sources)[:, :, 0, 0]

        def work(kind: int) -> Floats:
            effects, size = self._effects(kind, sizes[kind], sources), sizes[kind][2:]
            if kind == _COLUMNS and any(self.offsets):
                offsets = np.stack([one.standard_normal(size) for one in sources(_AMPLIFIERS)])
                # A reference that is too high lets LRS pass and takes HRS for LRS.
                effects[:, 0] += -self.offsets[0] * offsets
                effects[:, 1] += self.offsets[1] * offsets
            elif not any(self.sigmas[kind]):
                return effects
            effects /= spreads[:, np.newaxis, np.newaxis]
            return effects

        is_large = chips * (neurons * down + across * inputs) > _MANY
        kinds = [_COLUMNS, _ROWS]
        columns, rows = share(work, kinds) if is_large else map(work, kinds)
        return LineEffects((self._distances - dies) / spreads, columns, rows, *self.tile)

    def _effects(self, kind: int, shape: tuple[int, int, int, int], sources: Sources) -> Floats:
        """Draw effects on LRS and HRS, upwards where cells err more; `shape`: (chips, 2, ...)."""
        (lrs, hrs), correlation = self.sigmas[kind], self.correlations[kind]
        if not (lrs or hrs):
            return np.zeros(shape)
        own = hrs * math.sqrt(1.0 - correlation**2)
        effects = np.empty(shape)
        for generator, both in zip(sources(kind), effects, strict=True):
            generator.standard_normal(out=both[0])
            if own:
                generator.standard_normal(out=both[1])
        of_lrs, of_hrs = effects[:, 0], effects[:, 1]
        if own:
            of_hrs *= -own
            if correlation:
                of_hrs += of_lrs * (-hrs * correlation)
        else:
            np.multiply(of_lrs, -hrs * correlation, out=of_hrs)
        of_lrs *= lrs
        return effects

    def identity(self) -> dict[str, Any]:
        """Return the model's name and exact parameters, fit for JSON; see `FaultModel`."""
        if self.is_independent:
            return dict(self.faults.identity())
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        lists = {
            name: list(value) if isinstance(value, tuple) else float(value)
            for name, value in values.items()
            if name != "faults"
        }
        return {"model": "correlated", "faults": self.faults.identity(), **lists}

    def mean_ber(self, hrs_share: float) -> float:
        """Return the mean of the two states' error rates over all lines and dies."""
        return self.marginal.mean_ber(hrs_share)

    @property
    def deterministic(self) -> bool:
        """Whether every chip has the same flips: no cell of a state, or all of them."""
        return self.marginal.deterministic


def _of_difference(both: tuple[float, float], correlation: float) -> float:
    """Return the variance of the difference of two effects of these standard deviations."""
    lrs, hrs = both
    return lrs**2 + hrs**2 - 2.0 * correlation * lrs * hrs


def _offset(value: PerState, is_part: bool) -> PerState:
    if is_part and isinstance(value, tuple | list | np.ndarray):
        return per_state("sense_offset", cast(PerState, value))
    offset = number(value, "sense_offset", "a number from 0 on")
    if not (math.isfinite(offset) and offset >= 0):
        raise refused("sense_offset", offset, "a number from 0 on")
    return offset


def _correlation(value: object) -> float | tuple[float, float, float]:
    accepted = "a number from -1 to 1, or three of them: of columns, rows and dies"
    several = isinstance(value, tuple | list | np.ndarray)
    numbers = [
        number(one, "correlation", accepted)
        for one in (cast(tuple[object, ...], value) if several else (value,))
    ]
    if len(numbers) != (3 if several else 1) or not all(-1 <= one <= 1 for one in numbers):
        raise refused("correlation", value, accepted)
    return (numbers[0], numbers[1], numbers[2]) if several else numbers[0]


def per_state(name: str, value: PerState) -> tuple[float, float]:
    """Return one number from 0 on for LRS and one for HRS; `InputError` for anything else."""
    accepted = "a number from 0 on, or two of them: LRS and HRS"
    both = tuple(value) if isinstance(value, tuple | list | np.ndarray) else (value, value)
    if len(both) != 2:
        raise refused(name, value, accepted)
    lrs, hrs = (float(number(one, name, accepted)) for one in both)
    for one in (lrs, hrs):
        if not (math.isfinite(one) and one >= 0):
            raise refused(name, one, accepted)
    return lrs, hrs


def _tile(value: object) -> tuple[int, int]:
    accepted = "two whole numbers from 1 on: word lines and bit lines"
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != 2:
        raise refused("tile", value, accepted)
    lines = [number(one, "tile", accepted) for one in value]
    if any(one < 1 or one != int(one) for one in lines):
        raise refused("tile", value, accepted)
    return int(lines[0]), int(lines[1])


class _Drawn(ISeedSequence):
    """A seed sequence of which all that is asked has been generated."""

    def __init__(self, state: Words) -> None:
        self._state = state

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Words:
        assert (n_words, dtype) == (_STATE, np.uint64)
        return self._state


def _generator(seed: np.random.SeedSequence, kind: int) -> np.random.Generator:
    """Return the source of chance of one kind of effect, apart from that of the cells."""
    own = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, _STREAMS + kind))
    return np.random.Generator(np.random.SFC64(own))


def _generators(seeds: ChipSeeds, kind: int) -> list[np.random.Generator]:
    """Return the `_generator` of each chip; of a die, that of the chip without a layer."""
    layer = () if kind == _DIE else (seeds.layer,)
    states = seeds.states(*layer, _STREAMS + kind, words=_STATE)
    drawn: list[Any] = [_Drawn(state) for state in states]
    return [np.random.Generator(np.random.SFC64(one)) for one in drawn]
