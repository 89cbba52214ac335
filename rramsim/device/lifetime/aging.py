"""Aging: the populations of a condition after so many programming cycles and so much time.

mu and sigma of ln(R / ohm) of each state are lines over the logarithms of both,

    mu(N, t) = level + a log10(N) + b log10(t_eff / t_0),   sigma(N, t) likewise,

with t_0 the first read-out behind the drift and t_eff = t / AF the time at the temperature of the
read-outs that is as long as t at the temperature of use (Arrhenius' law, `acceleration_factor`).
The drift a decade of time does not depend on the cycle, and the populations stay lognormal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim import formatting as numbers
from rramsim.device.lifetime.counted_rates import CountedErrors
from rramsim.device.lifetime.cycles.checkpoints import checkpoint_edges, cycle_apart
from rramsim.device.lifetime.times.arrhenius import FURTHEST_KELVIN, acceleration_factor
from rramsim.device.lifetime.times.drift import (
    FIRST_TIME,
    FURTHEST_DECADES,
    JITTER,
    Readouts,
    fit_lines,
)
from rramsim.device.lifetime.times.holds import Hold, find_read_outs
from rramsim.device.populations.mixed_times import readout_groups
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.notes import Note
from rramsim.schema import STATES
from rramsim.statistics.readings import distinct

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]
Integers = NDArray[np.int_]

DRAWS = 200
"""Times that the cells are resampled for the lines that a sample leaves open."""

EXTRAPOLATED_DTYPE = "U64"
"""Holds all words of `Aging.extrapolated`."""

_UNKNOWN, _LEFT_OUT = -1, -2  # in place of a checkpoint
_LEVEL, _CYCLES, _TIME = range(3)
_ROUNDING = 1e-9
_AT_THE_LEVEL = (np.array([[0.0], [0.0], [1.0]]),) * 2


@dataclass(frozen=True)
class UseTemperature:
    """The temperature of use, and the activation energy that carries times to it.

    Attributes
    ----------
    temperature : float
        In K.
    activation_energy : float
        In eV.
    basis : str
        ``"fitted"`` or ``"stated"``.
    temperatures : int
        At which the fitted energy was read; two give a point without an interval. 0: stated.
    """

    temperature: float
    activation_energy: float
    basis: str
    temperatures: int = 0


@dataclass(frozen=True, eq=False)
class Aging:
    """How the populations of one condition change with programming cycles and with time.

    Attributes
    ----------
    condition : str
        Its name.
    cycles : (float, float)
        First and last cycle behind the lines; NaN: cycles are unknown, nothing depends on them.
        Twice the same: that cycle alone was read.
    times : (float, float)
        In s, the first and the last read-out behind the drift, at `temperature`; NaN: no drift is
        known, and nothing depends on time.
    temperature : float
        In K, of these read-outs; NaN: unknown.
    temperatures : tuple of float
        In K, all at which the condition was read over time.
    read : ReadConditions
        How its cells are read, with the reference of the condition.
    use : UseTemperature or None
        None where time counts as it was measured.
    cells : (int, int)
        Distinct cells behind the lines of LRS and of HRS.
    lines : ndarray, shape (2 states, 2 [mu, sigma], 3)
        Level at the first cycle (N = 1) and the first read-out, change a decade of cycles, change
        a decade of time.
    drawn : ndarray, shape (draws, 2, 2, 3)
        The same from resampled cells; no rows where there are too few cells.
    notes : tuple of Note
        What a reader must know.
    pooled : (ndarray, ndarray), each of shape (3, groups)
        Of LRS and of HRS: log10 of the cycle, decades of time after the first read-out, and number
        of the readings behind the lines. Default: one reading at the level of the lines.
    counted : CountedErrors or None
        The errors counted in both states, where the BER of the condition is counted.
    bound : float
        The upper bound that is the BER of the condition; NaN: it is no bound.
    """

    condition: str
    cycles: tuple[float, float]
    times: tuple[float, float]
    temperature: float
    temperatures: tuple[float, ...]
    read: ReadConditions
    use: UseTemperature | None
    cells: tuple[int, int]
    lines: Floats
    drawn: Floats
    notes: tuple[Note, ...] = ()
    pooled: tuple[Floats, Floats] = _AT_THE_LEVEL
    counted: CountedErrors | None = None
    bound: float = math.nan

    @property
    def depends_on_cycles(self) -> bool:
        """Whether lines over the cycles are known."""
        return self.cycles[0] < self.cycles[1]

    @property
    def drifts(self) -> bool:
        """Whether a drift over time is known."""
        return math.isfinite(self.times[0])

    @property
    def acceleration(self) -> float:
        """How many seconds of use one second of the read-outs is as long as; 1 without a `use`."""
        if self.use is None:
            return 1.0
        return acceleration_factor(
            self.use.activation_energy, hot=self.temperature, use=self.use.temperature
        )

    def populations(self, cycle: ArrayLike, time: ArrayLike) -> Floats:
        """Return mu and sigma of ln(R / ohm) of both states.

        Before the first read-out behind the drift (after acceleration) the populations are those
        of that read-out.

        Parameters
        ----------
        cycle, time : array_like
            Programming cycles, and s since the last of them at the temperature of use; broadcast
            against each other. A cycle below 1 counts as 1.

        Returns
        -------
        ndarray, shape (2 states, 2 [mu, sigma], *broadcast)
            sigma is NaN where its line has reached 0.

        Raises
        ------
        InputError
            For a cycle beyond the last one read, and for a cycle or time that is none.
        """
        return _along(self.lines, *self._places(cycle, time))

    def drawn_populations(self, cycle: ArrayLike, time: ArrayLike) -> Floats:
        """Return the populations of resampled cells, as `populations` does.

        Returns
        -------
        ndarray, shape (draws, 2, 2, *broadcast)
            A draw keeps its lines at every cycle and time. Without rows where there are too few
            cells for an interval.
        """
        return _along(self.drawn, *self._places(cycle, time))

    def pooled_populations(self, state: int) -> tuple[Floats, Floats]:
        """Return the populations at the readings behind the lines of a state, and of resamples.

        Parameters
        ----------
        state : int
            0: at the readings of LRS, 1: of HRS.

        Returns
        -------
        ndarray, shape (2 states, 2 [mu, sigma], groups)
            Of both states.
        ndarray, shape (draws, 2, 2, groups)
            Likewise.
        """
        log_cycle, decades, _ = self.pooled[state]
        return _along(self.lines, log_cycle, decades), _along(self.drawn, log_cycle, decades)

    def extrapolated(
        self, cycle: ArrayLike, time: ArrayLike, *, is_moved: bool = False
    ) -> NDArray[np.str_]:
        """Return how far cycles and times lie beyond what was read.

        Parameters
        ----------
        cycle, time : array_like
            As in `populations`.
        is_moved : bool
            Whether the lines are moved to counted errors, as they are where the BER is counted.

        Returns
        -------
        ndarray of str, shape broadcast
            Empty, or one or several of ``"cycle"`` (before the first one read), ``"time"`` (more
            than a decade beyond the last read-out after acceleration, or any where no drift is
            known), ``"temperature"`` (use is more than 50 K from the nearest temperature of
            the read-outs) and ``"lognormal"`` (the lines are moved to the errors that were counted
            and tell only how the error rates change), joined by ``" and "``.

        Raises
        ------
        InputError
            As `populations`.
        """
        self._places(cycle, time)
        cycles, times = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (cycle, time)))
        latest = self.times[1] * 10.0**FURTHEST_DECADES * self.acceleration if self.drifts else 0.0
        is_far = False
        if self.use is not None:
            nearest = min(abs(kelvin - self.use.temperature) for kelvin in self.temperatures)
            is_far = nearest > FURTHEST_KELVIN
        words = np.full(cycles.shape, "", dtype=EXTRAPOLATED_DTYPE)
        for word, flag in (
            ("cycle", np.maximum(cycles, 1.0) < self.cycles[0] * (1.0 - _ROUNDING)),
            ("time", times > latest * (1.0 + _ROUNDING)),
            ("temperature", np.broadcast_to(is_far, cycles.shape)),
            ("lognormal", np.broadcast_to(is_moved or self.counted is not None, cycles.shape)),
        ):
            joined = np.where(words == "", word, np.char.add(np.char.add(words, " and "), word))
            words = np.where(flag, joined, words)
        return words

    def _places(self, cycle: ArrayLike, time: ArrayLike) -> tuple[Floats, Floats]:
        """Return log10 of the cycles, and decades of time after the first read-out."""
        cycles, times = np.asarray(cycle, dtype=float), np.asarray(time, dtype=float)
        self._refuse(cycles, times)
        log_cycle, decades = np.zeros(cycles.shape), np.zeros(times.shape)
        if self.depends_on_cycles:
            log_cycle = np.log10(np.maximum(cycles, 1.0))
        if self.drifts:
            decades = np.log10(np.maximum(times / (self.acceleration * self.times[0]), 1.0))
        return log_cycle, decades

    def _refuse(self, cycles: Floats, times: Floats) -> None:
        if not np.all((times >= 0.0) & np.isfinite(times)):
            raise InputError(
                f"Condition {self.condition}: a time is {_first(times, times >= 0.0):g} s; it must "
                "be 0 or more."
            )
        if math.isnan(self.cycles[1]):
            return
        if not np.all(cycles >= 0.0):
            raise InputError(
                f"Condition {self.condition}: a number of cycles is "
                f"{_first(cycles, cycles >= 0.0):g}; it must be 0 or more."
            )
        if np.any(cycles > self.cycles[1] * (1.0 + _ROUNDING)):
            raise InputError(
                f"Condition {self.condition}: {numbers.power(float(cycles.max()))} cycles are "
                f"beyond the last one read, {numbers.power(self.cycles[1])}; what cells do there "
                "is not known."
            )


def aging_of(
    readings: xr.Dataset,
    products: Mapping[str, xr.Dataset],
    *,
    read: ReadConditions | None = None,
    use_temperature: float | None = None,
    activation_energy: float | None = None,
    conditions: Sequence[str] | None = None,
    seed: int = 0,
) -> dict[str, Aging]:
    """Fit how the populations of each condition change with cycles and with time.

    The lines are fitted to lognormals of checkpoints of cycles (as of "cycling", without a first
    cycle that is another population) and read-outs, each of weight n / sigma**2. Where a
    condition was held at several temperatures, the lines are of the hold that reaches the longest
    time of use; a checkpoint without a read-out of that hold is taken from its read-out nearest
    to t_0 (a reading of unknown time counts as of t_0). Readings of unknown cycle have a level of
    their own, and tell of the drift only. Whole cells are resampled for what is left open.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings".
    products : mapping of str to xarray.Dataset
        Schema "conditions", for the references; "activation_energies" where there is one.
    read : ReadConditions, optional
        How the cells are read otherwise.
    use_temperature : float, optional
        In K; without it time counts as it was measured.
    activation_energy : float, optional
        In eV. It takes the place of a fitted one, as in `fit_arrhenius`.
    conditions : sequence of str, optional
        Only these.
    seed : int
        Of the bootstrap of cells.

    Returns
    -------
    dict of str to Aging
        By condition, those with two checkpoints of cycles or two read-outs at least.

    Raises
    ------
    InputError
        If a temperature of use is asked for, a condition drifts, and its times cannot be carried
        there: the temperature of the read-outs or the activation energy is not known.
    """
    names = readings["condition"].values.astype(str).tolist()
    references = products["conditions"]["reference_resistance"].reindex(condition=names).values
    read, energies = read or ReadConditions(), products.get("activation_energies")
    found = {}
    for number, (name, reference) in enumerate(zip(names, references.tolist(), strict=True)):
        chosen = np.flatnonzero(readings["condition_index"].values == number)
        if not (chosen.size and math.isfinite(reference)):
            continue
        if conditions is not None and name not in conditions:
            continue
        part = readings.isel(reading=chosen, condition=[number])
        part = part.assign(condition_index=part["condition_index"] * 0)
        use = None
        if use_temperature is not None:
            use = _use(name, use_temperature, energies, stated=activation_energy)
        aging = _aging(part, read.with_reference(reference), use, seed=seed)
        if aging is not None:
            found[name] = _with_headline(aging, products)
    return found


def _with_headline(aging: Aging, products: Mapping[str, xr.Dataset]) -> Aging:
    """Return the aging with the counted errors, or the bound, that the BER of its condition is."""
    row = products["conditions"].sel(condition=aging.condition)
    if "ber_basis" not in row:
        return aging
    bound = float(row["ber_high"]) if str(row["ber_bound"].item()) == "upper" else math.nan
    aging = replace(aging, bound=bound)
    if str(row["ber_basis"].item()) != "counted" or "counted" not in products:
        return aging
    count = products["counted"].sel(condition=aging.condition, state=list(STATES))
    names = ("errors", "readings", "design_effect")
    lrs_and_hrs = [tuple(count[name].values.astype(float).tolist()) for name in names]
    note = moved_note(aging.condition)
    return replace(aging, counted=CountedErrors(*lrs_and_hrs), notes=(*aging.notes, note))


def moved_note(condition: str) -> Note:
    """Return what a reader must know of lines that are moved to the errors counted."""
    text = (
        "the BER is counted, as the readings do not bear out the lognormal: the lines over cycles "
        "and time are moved to the errors counted, and only tell how the error rates change, which "
        "is an extrapolation."
    )
    return Note(text, kind="lines moved to the counts", condition=condition)


def _use(
    name: str, kelvin: float, energies: xr.Dataset | None, *, stated: float | None
) -> UseTemperature:
    """Return the use of a condition; its energy is NaN where none is known."""
    if stated is not None:
        return UseTemperature(kelvin, stated, "stated")
    if energies is not None and name in energies["condition"].values:
        row = energies.sel(condition=name)
        energy = float(row["activation_energy"])
        if str(row["activation_energy_basis"].item()) == "given":
            return UseTemperature(kelvin, energy, "stated")
        if energy > 0.0:
            count = int(np.count_nonzero(np.isfinite(row["temperature"].values)))
            return UseTemperature(kelvin, energy, "fitted", count)
    return UseTemperature(kelvin, math.nan, "")


def _aging(
    part: xr.Dataset, read: ReadConditions, use: UseTemperature | None, *, seed: int
) -> Aging | None:
    """Return the aging of the readings of one condition, None where nothing is known of it."""
    name = str(part["condition"].values[0])
    holds = [hold for hold in _holds(part, read) if _is_drifting(hold)]
    hold = _furthest(name, holds, use)
    edges, notes = _edges(part, hold)
    for bounds, held in ((edges, hold), (edges, None), (None, hold)):
        lines = None
        if bounds is not None or held is not None:
            lines = _fit(part, bounds, held, seed=seed)
        if lines is not None:
            break
    else:
        return None
    is_carried = held is not None and use is not None and use.temperature != held.temperature
    return Aging(
        condition=name,
        cycles=lines.cycles,
        times=(math.nan, math.nan) if held is None else _ends(held),
        temperature=math.nan if held is None else held.temperature,
        temperatures=tuple(hold.temperature for hold in holds if math.isfinite(hold.temperature)),
        read=read,
        use=use if is_carried else None,
        cells=lines.cells,
        lines=lines.lines,
        drawn=lines.drawn,
        notes=(
            *notes,
            *_notes(name, lines, hold, held, is_over_cycles=edges is not None),
            *_left_out_notes(part, held),
            *(_energy_notes(name, use) if is_carried else ()),
        ),
        pooled=lines.pooled,
    )


def _column(part: xr.Dataset, name: str) -> Floats:
    if name in part.variables:
        values: Floats = part[name].values.astype(float)
        return values
    return np.full(part.sizes["reading"], np.nan)


# Holds ----------------------------------------------------------------------------------------


def _holds(part: xr.Dataset, read: ReadConditions) -> list[Hold]:
    known = np.isfinite(_column(part, "time"))
    return find_read_outs(part, known, reads=[read]) if known.any() else []


def _is_drifting(hold: Hold) -> bool:
    """Return whether both states have two read-outs that a line can go through."""
    return all(np.count_nonzero(state.in_lines(FIRST_TIME)) >= 2 for state in hold.states)


def _ends(hold: Hold) -> tuple[float, float]:
    return hold.first_time(FIRST_TIME), hold.last_time


def _furthest(name: str, holds: Sequence[Hold], use: UseTemperature | None) -> Hold | None:
    """Return the hold that reaches the longest time of use; None where there is no drift."""
    if not holds:
        return None
    reached = [hold.last_time * _factor(hold, use) for hold in holds]
    if np.isnan(reached).all():
        assert use is not None
        raise InputError(_missing(name, holds, use))
    return holds[int(np.nanargmax(reached))]


def _factor(hold: Hold, use: UseTemperature | None) -> float:
    if use is None or use.temperature == hold.temperature:
        return 1.0
    if math.isnan(hold.temperature):
        return math.nan
    return acceleration_factor(use.activation_energy, hot=hold.temperature, use=use.temperature)


def _missing(name: str, holds: Sequence[Hold], use: UseTemperature) -> str:
    """Return what is missing to carry times to the temperature of use."""
    to = numbers.quantity(use.temperature, "K")
    if all(math.isnan(hold.temperature) for hold in holds):
        return (
            f"Condition {name}: its times cannot be carried to {to}, because the readings over "
            "time name no temperature (column temperature)."
        )
    return (
        f"Condition {name}: its times cannot be carried to {to} without an activation energy. "
        "State one, or give readings over time at two temperatures or more and the BER limit "
        "whose times are compared."
    )


# Lines ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Lines:
    """The lines of both states, as in `Aging`, and how many groups of readings are behind them.

    `spare` is by how many groups more than coefficients the state of fewer has.
    """

    cycles: tuple[float, float]
    cells: tuple[int, int]
    lines: Floats
    drawn: Floats
    spare: int
    pooled: tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class _Places:
    """Where each reading of a condition stands.

    `checkpoint` is its number, or that its cycle is unknown, or that it is in no line; `readout`
    its number in the hold, -1 where the checkpoint has none; `decades` log10(t / t_0).
    """

    checkpoint: Integers
    readout: Integers
    decades: Floats


def _edges(part: xr.Dataset, hold: Hold | None) -> tuple[Floats | None, list[Note]]:
    """Return the edges of two checkpoints or more, else None; a first cycle apart is left out."""
    cycle = part["cycle"].values
    known = cycle[cycle >= 0]
    if distinct(known).size < 2:
        return None, []
    edges = checkpoint_edges(known)
    places = _places(part, edges, hold)
    at_start = (places.checkpoint >= 0) & (places.decades == 0.0)
    apart = cycle_apart(part.isel(reading=np.flatnonzero(at_start)), 0)
    if apart is None:
        return (edges if edges.size > 2 else None), []
    edges = checkpoint_edges(known, is_first_apart=True)
    edges = edges[edges > apart.cycle]
    text = (
        f"cycle {apart.cycle:,}, the first one read, is another population than the others "
        f"(p = {numbers.power(apart.p_value)}), and is not in the lines over cycles."
    )
    figures = {"cycle": apart.cycle, "p_value": apart.p_value}
    name = str(part["condition"].values[0])
    note = Note(text, kind="first cycle", condition=name, values=figures)
    return (edges if edges.size > 2 else None), [note]


def _places(part: xr.Dataset, edges: Floats | None, hold: Hold | None) -> _Places:
    cycle, time = part["cycle"].values, _column(part, "time")
    checkpoint = np.full(cycle.size, _UNKNOWN)
    if edges is not None:
        checkpoint = np.searchsorted(edges, cycle, side="right") - 1
        checkpoint[checkpoint < 0] = _LEFT_OUT
        checkpoint[cycle < 0] = _UNKNOWN
    readout, decades = np.full(cycle.size, -1), np.zeros(cycle.size)
    in_lines = np.zeros(cycle.size, dtype=bool)
    start = FIRST_TIME
    if hold is not None:
        start = hold.first_time(FIRST_TIME)
        kelvin = _column(part, "temperature")
        is_same = np.isnan(kelvin) if math.isnan(hold.temperature) else kelvin == hold.temperature
        held = np.isfinite(time) & is_same
        group, times = readout_groups(time[held])
        readout[held] = group
        with np.errstate(divide="ignore"):
            decades[held] = np.log10(times / start)[group]
        in_lines[held] = (times >= JITTER * FIRST_TIME)[group]
    nearest = _nearest_to(start, part, checkpoint, in_lines)
    readout[nearest], decades[nearest] = -1, 0.0
    checkpoint = np.where(in_lines | nearest, checkpoint, _LEFT_OUT)
    return _Places(checkpoint, readout, decades)


def _nearest_to(
    start: float, part: xr.Dataset, checkpoint: Integers, in_lines: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the readings nearest to t_0 of checkpoints that are not read in the lines."""
    time, state = _column(part, "time"), part["state_index"].values
    group, times = readout_groups(np.where(np.isfinite(time), time, start))
    distance = np.abs(np.log10(np.maximum(times, 1e-6) / start))[group]
    nearest = np.zeros(time.size, dtype=bool)
    for number in range(int(checkpoint.max(initial=-1)) + 1):
        for index in range(len(STATES)):
            here = (checkpoint == number) & (state == index)
            if here.any() and not (here & in_lines).any():
                nearest |= here & (distance == distance[here].min())
    return nearest


def _fit(part: xr.Dataset, edges: Floats | None, hold: Hold | None, *, seed: int) -> _Lines | None:
    """Fit the lines of both states, None where the readings of one do not determine them."""
    places = _places(part, edges, hold)
    columns = [_LEVEL, *([] if edges is None else [_CYCLES]), *([] if hold is None else [_TIME])]
    name = str(part["condition"].values[0])
    fits = []
    for index in range(len(STATES)):
        chosen = (part["state_index"].values == index) & (places.checkpoint != _LEFT_OUT)
        key = np.random.SeedSequence(seed, spawn_key=(index, *name.encode()))
        fit = _fit_state(
            part.isel(reading=np.flatnonzero(chosen)),
            _Places(*(one[chosen] for one in (places.checkpoint, places.readout, places.decades))),
            columns,
            stream=np.random.Generator(np.random.Philox(key)),
        )
        if fit is None:
            return None
        fits.append(fit)
    return _of_both(fits, part["cycle"].values, is_over_cycles=edges is not None)


@dataclass(frozen=True, eq=False)
class _StateLines:
    """The lines of one state; `cycle` are those of the readings behind them, the rest as above."""

    lines: Floats
    drawn: Floats
    cycle: Floats
    cells: int
    spare: int
    pooled: Floats


def _fit_state(
    part: xr.Dataset, places: _Places, columns: list[int], *, stream: np.random.Generator
) -> _StateLines | None:
    keys = np.stack([places.checkpoint, places.readout], axis=1)
    distinct, group = np.unique(keys, axis=0, return_inverse=True)
    group = group.ravel()
    size = len(distinct)
    if not size:
        return None
    counts = np.bincount(group, minlength=size)
    log_cycle, decades = (
        np.bincount(group, weights=values, minlength=size) / counts
        for values in (np.log10(np.maximum(part["cycle"].values, 1.0)), places.decades)
    )
    sample = Readouts.of(
        part["resistance"].values,
        part["censoring"].values,
        cell=part["cell"].values,
        group=group,
        time=10.0**decades,
    )
    used = sample.in_lines(0.0)
    is_unknown = distinct[:, 0] == _UNKNOWN
    design = np.stack([np.ones(size), np.where(is_unknown, 0.0, log_cycle), decades])[columns]
    if _CYCLES in columns and is_unknown[used].any():
        design = np.vstack([design, is_unknown])
    if np.linalg.matrix_rank(design[:, used]) < len(design):
        return None
    # Readings of unknown cycle have a level of their own.
    placed = used & ~is_unknown if _CYCLES in columns else used
    lines, drawn = fit_lines(sample, design.T, used=used, resamples=DRAWS, stream=stream)
    return _StateLines(
        _in_place(lines, columns),
        _in_place(drawn, columns),
        part["cycle"].values[used[group]].astype(float),
        sample.cells,
        int(np.count_nonzero(used)) - len(design),
        np.stack([log_cycle, decades, counts])[:, placed],
    )


def _in_place(coefficients: Floats, columns: list[int]) -> Floats:
    """Return coefficients of some columns among those of all, 0 where there is none."""
    placed = np.zeros((*coefficients.shape[:-1], 3))
    placed[..., columns] = coefficients[..., : len(columns)]
    return placed


def _of_both(fits: Sequence[_StateLines], cycle: Floats, *, is_over_cycles: bool) -> _Lines:
    known = [fit.cycle[fit.cycle >= 0] for fit in fits]
    cycles = (math.nan, math.nan)
    if is_over_cycles:
        cycles = (max(float(one.min()) for one in known), min(float(one.max()) for one in known))
    elif distinct(cycle).size == 1 and cycle[0] >= 0:
        cycles = (float(cycle[0]), float(cycle[0]))
    lrs, hrs = (fit.drawn for fit in fits)
    drawn = np.empty((0, 2, 2, 3))
    if len(lrs) and len(hrs):
        drawn = np.stack([lrs, hrs], axis=1)
        drawn = drawn[np.isfinite(drawn).all(axis=(1, 2, 3))]
    return _Lines(
        cycles,
        (fits[0].cells, fits[1].cells),
        np.stack([fit.lines for fit in fits]),
        drawn,
        min(fit.spare for fit in fits),
        (fits[0].pooled, fits[1].pooled),
    )


def _along(lines: Floats, log_cycle: Floats, decades: Floats) -> Floats:
    """Return mu and sigma of lines (..., 2, 3) at each place, in the last but one axis of them."""
    shape = np.broadcast_shapes(log_cycle.shape, decades.shape)
    wide = (..., *(None,) * len(shape))
    mu, sigma = (
        lines[..., part, _LEVEL][wide]
        + lines[..., part, _CYCLES][wide] * log_cycle
        + lines[..., part, _TIME][wide] * decades
        for part in range(2)
    )
    return np.stack([mu, np.where(sigma > 0.0, sigma, np.nan)], axis=lines.ndim - 2)


def _first(values: Floats, is_right: NDArray[np.bool_]) -> float:
    """Return the first value that is not right, or not finite."""
    wrong = values.ravel()[~(is_right & np.isfinite(values)).ravel()]
    return float(wrong[0])


# Notes ----------------------------------------------------------------------------------------


def _notes(
    name: str, lines: _Lines, hold: Hold | None, held: Hold | None, *, is_over_cycles: bool
) -> list[Note]:
    """Return what a reader must know of the lines; `held` is the hold that they are of."""
    texts = {}
    if held is None:
        texts["no drift"] = "no drift is known: the populations are taken as constant in time."
        if hold is not None:
            texts["no drift"] = (
                "the effects of cycles and time cannot be separated, as no cycle was read at two "
                "times: the populations are taken as constant in time."
            )
    if math.isnan(lines.cycles[0]):
        texts["no lines over cycles"] = "the populations are taken as the same at all cycles: " + (
            "fewer than two checkpoints of cycles have a fit of both states."
            if is_over_cycles
            else "fewer than two cycles are known."
        )
    if not lines.spare:
        texts["lines unchecked"] = (
            "the lines over cycles and time pass through all fits exactly, so nothing checks them."
        )
    if not len(lines.drawn):
        texts["no interval of the lines"] = (
            "too few cells are behind the lines over cycles and time for an interval."
        )
    return [Note(text, kind=kind, condition=name) for kind, text in texts.items()]


def _left_out_notes(part: xr.Dataset, held: Hold | None) -> list[Note]:
    """Say how many readings over time are in no line, as they name no temperature."""
    if held is None or math.isnan(held.temperature):
        return []
    is_unknown = np.isfinite(_column(part, "time")) & np.isnan(_column(part, "temperature"))
    count = int(np.count_nonzero(is_unknown))
    if not count:
        return []
    text = (
        f"{count:,} of {is_unknown.size:,} readings have a time but no temperature; the drift "
        f"over time, of read-outs at {numbers.quantity(held.temperature, 'K')}, leaves them out."
    )
    figures = {"readings": count, "of": is_unknown.size, "temperature": held.temperature}
    name = str(part["condition"].values[0])
    return [Note(text, kind="temperature unknown", condition=name, values=figures)]


def _energy_notes(name: str, use: UseTemperature | None) -> list[Note]:
    if use is None or use.temperatures != 2:
        return []
    text = (
        "times are carried to use by an activation energy of two temperatures, a point without an "
        "interval that nothing checks."
    )
    figures = {"activation_energy": use.activation_energy}
    return [Note(text, kind="two temperatures", condition=name, values=figures)]
