"""The stage of a study that follows its cells over their life: over cycles, time, temperature."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from rramsim import schema
from rramsim.crossbar.drawn_faults import Planted, pair_probits, read_probits
from rramsim.crossbar.protection import Pairs, Protection, Verified, parse
from rramsim.decision.life import DEFAULT_LIFETIME, LADDER, REFRESHED_AT, AgedRates, LossSurface
from rramsim.device.bit_errors.reach import least_rate
from rramsim.device.lifetime.aging import EXTRAPOLATED_DTYPE, Aging, moved_note
from rramsim.device.lifetime.counted_rates import shift_to
from rramsim.schema import POINT
from rramsim.statistics.confidence import smallest_countable

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.study.stages.chips import Place

Floats = npt.NDArray[np.float64]

_TIMES_A_DECADE = 8
_CYCLES_A_DECADE = 2
_FIRST_TIME = 1.0  # s, where no drift is known


@dataclass(frozen=True, eq=False)
class Lives:
    """How the cells of a study age, at the cycles and times that are looked at.

    Attributes
    ----------
    ages : mapping of str to Aging
        By condition; those without readings over cycles or time are not in it.
    cycles, times : ndarray
        In programmings, and in s since the last one, at the temperature of use; ascending.
    basis : mapping of (str, str) to str
        By protection and condition what tells how long cells are good (`LIFE_BASES`).
    rates : mapping of (str, str) to AgedRates
        Error rates of those of which that is known, shape (cycle, time).
    best : mapping of (str, str) to AgedRates
        The lower ends of losses are of these: of `rates` without the bounds that lead in them.
    moved : frozenset of str
        Conditions whose lines are moved to the errors that were counted.
    """

    ages: Mapping[str, Aging]
    cycles: Floats
    times: Floats
    basis: Mapping[tuple[str, str], str]
    rates: Mapping[tuple[str, str], AgedRates]
    best: Mapping[tuple[str, str], AgedRates]
    moved: frozenset[str]

    def needed(self, points: xr.Dataset) -> dict[Place, npt.NDArray[np.bool_]]:
        """Return at which pairs of rates losses are needed, by point.

        Parameters
        ----------
        points : xarray.Dataset
            Product "tradeoff", judged. Points that are not accurate enough at once are left out.
        """
        accurate = points["accurate"].transpose(*POINT)
        labels = [accurate[dim].values.tolist() for dim in POINT]
        places = (
            tuple(one[n] for one, n in zip(labels, at, strict=True))
            for at in np.argwhere(np.isin(accurate.values, ("yes", "not settled")))
        )
        return {
            place: self.rates[place[2:]].needed | self.best[place[2:]].needed
            for place in places
            if place[2:] in self.rates
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of how the cells age."""
        of_pairs = (
            moved_note(name) for name in sorted(self.moved) if self.ages[name].counted is None
        )
        of_ages = (note for aging in self.ages.values() for note in aging.notes)
        return tuple(map(str, (*of_ages, *of_pairs)))

    def joined(self, points: xr.Dataset, surfaces: xr.Dataset | None) -> xr.Dataset:
        """Return the product "tradeoff" with accuracies over cycles and time.

        Parameters
        ----------
        points : xarray.Dataset
            The product without them.
        surfaces : xarray.Dataset or None
            Product "loss_surface", which holds what is `needed`; None where nothing is.
        """
        chips = (points["protection"].values.tolist(), points["condition"].values.tolist())
        basis = [[self.basis.get((one, other), "") for other in chips[1]] for one in chips[0]]
        values: dict[str, Any] = {"life_basis": basis}
        coords: dict[str, Floats] = {}
        if surfaces is not None:
            values |= self._losses(points, surfaces) | self._of_conditions(chips[1])
            coords = {"cycle": self.cycles, "time": self.times}
        return schema.make(
            "tradeoff",
            {**{str(name): points[name].values for name in points.data_vars}, **values},
            coords={**{str(name): points[name].values for name in points.coords}, **coords},
            attrs={**points.attrs, **self._use},
        )

    @property
    def _use(self) -> dict[str, float]:
        """Where the cells are used: temperature in K, and activation energy in eV."""
        uses = [aging.use for aging in self.ages.values() if aging.use is not None]
        if not uses:
            return {}
        use = {"use_temperature": uses[0].temperature}
        if uses[0].basis == "stated":
            use["activation_energy"] = uses[0].activation_energy
        return use

    def _losses(self, points: xr.Dataset, surfaces: xr.Dataset) -> dict[str, Floats]:
        labels = [points[dim].values.tolist() for dim in POINT]
        shape = (*map(len, labels), self.cycles.size, self.times.size)
        tables = surfaces.transpose(*POINT, "lrs_probit", "hrs_probit")
        found = {
            f"aged_{name}{end}": np.full(shape, math.nan)
            for name in ("loss", "accuracy")
            for end in ("", "_low", "_high")
        }
        scored = np.isfinite(tables["loss"].values).any(axis=(-2, -1))
        for place in map(tuple, np.argwhere(scored)):
            chips = labels[2][place[2]], labels[3][place[3]]
            if chips not in self.rates:
                continue
            for name in ("loss", "accuracy"):
                table, low, high = (tables[f"{name}{end}"].values[place] for end in _ENDS)
                if name == "accuracy":
                    table, low, high = 1.0 - table, 1.0 - high, 1.0 - low
                surface = LossSurface(table, low, high)
                values = self.rates[chips].losses(surface)
                at_best = self.best[chips].losses(surface)[1]
                values = values[0], np.minimum(values[1], at_best), values[2]
                if name == "accuracy":
                    value, low, high = values
                    values = (1.0 - value, np.maximum(1.0 - high, 0.0), np.minimum(1.0 - low, 1.0))
                for end, value in zip(_ENDS, values, strict=True):
                    found[f"aged_{name}{end}"][place] = value
        return found

    def _of_conditions(self, conditions: list[str]) -> dict[str, Any]:
        ages = [self.ages.get(name) for name in conditions]
        flags = [
            np.full((self.cycles.size, self.times.size), "", dtype=EXTRAPOLATED_DTYPE)
            if aging is None
            else _extrapolated(aging, self.cycles, self.times, is_moved=name in self.moved)
            for name, aging in zip(conditions, ages, strict=True)
        ]
        return {
            "aged_extrapolated": np.array(flags),
            "first_cycle": [math.nan if one is None else _ends(one)[0] for one in ages],
            "last_cycle": [math.nan if one is None else _ends(one)[1] for one in ages],
            "last_time": [
                math.nan if one is None else one.times[1] * one.acceleration for one in ages
            ],
        }


_ENDS = ("", "_low", "_high")


def lives_of(
    ages: Mapping[str, Aging],
    planted: Mapping[tuple[str, str], Planted],
    conditions: xr.Dataset,
    *,
    lifetime: float | None = None,
    has_own_faults: bool = False,
) -> Lives:
    """Return how the cells of a study age.

    Parameters
    ----------
    ages : mapping of str to Aging
        By condition.
    planted : mapping
        What `Devices.planted` gives.
    conditions : xarray.Dataset
        Product "conditions".
    lifetime : float, optional
        In s. Times reach to where cells that are refreshed in time for it would still be good, or
        to that of ten years.
    has_own_faults : bool
        Whether chips are drawn from fault models of the user's.
    """
    known = {} if has_own_faults else ages
    cycles, times = _cycles(known), _times(known, lifetime)
    basis, rates, best, moved = {}, {}, {}, set()
    for chips, one in planted.items():
        protection, name = parse(chips[0]), chips[1]
        if one.faults is None:
            basis[chips] = ""
        elif has_own_faults:
            basis[chips] = "model"
        elif name not in known:
            basis[chips] = "no readings"
        elif _has_no_formula(protection):
            basis[chips] = "no formula"
        else:
            basis[chips] = _basis(known[name])
            read = _WeightReads(known[name], protection, conditions.sel(condition=name), one)
            rates[chips], best[chips] = _rates(known[name], read, cycles, times)
            if read.is_counted:
                moved.add(name)
    return Lives(known, cycles, times, basis, rates, best, frozenset(moved))


def _has_no_formula(protection: Protection) -> bool:
    is_stated = isinstance(protection, Pairs) and not math.isnan(protection.ber)
    return is_stated or isinstance(protection, Verified)


def _basis(aging: Aging) -> str:
    if not aging.drifts:
        return "cycles"
    return "cycles and time" if aging.depends_on_cycles else "time"


def _ends(aging: Aging) -> tuple[float, float]:
    return aging.cycles if aging.depends_on_cycles else (math.nan, math.nan)


def _cycles(ages: Mapping[str, Aging]) -> Floats:
    """Return 1 and two cycles a decade, and the last one that was read of each condition."""
    lasts = [aging.cycles[1] for aging in ages.values() if aging.depends_on_cycles]
    decades = math.log10(max(lasts, default=1.0))
    steps = np.arange(math.floor(_CYCLES_A_DECADE * decades + 1e-9) + 1)
    return np.unique([*np.round(10.0 ** (steps / _CYCLES_A_DECADE)), *lasts])


def _times(ages: Mapping[str, Aging], lifetime: float | None) -> Floats:
    """Return times from the first read-out to where refreshed cells are still asked to be good."""
    firsts = [aging.times[0] * aging.acceleration for aging in ages.values() if aging.drifts]
    last = max(lifetime or 0.0, DEFAULT_LIFETIME) / REFRESHED_AT
    first = min(min(firsts, default=_FIRST_TIME), last / 10.0)
    low, high = (_TIMES_A_DECADE * math.log10(end) for end in (first, last))
    times = 10.0 ** (np.arange(math.floor(low), math.ceil(high)) / _TIMES_A_DECADE)
    return np.append(times, last)


def _known_cycles(aging: Aging, cycles: Floats) -> npt.NDArray[np.bool_]:
    if not aging.depends_on_cycles:
        return np.array(np.arange(cycles.size) == 0)
    last = aging.cycles[1] * (1.0 + 1e-9)
    return np.array(cycles <= last)


def _at(aging: Aging, cycles: Floats) -> Floats:
    """Return the cycles at which populations are taken: none before the first one that was read."""
    known = cycles[_known_cycles(aging, cycles)]
    return np.maximum(known, aging.cycles[0]) if aging.depends_on_cycles else known


def _rates(
    aging: Aging, read: _WeightReads, cycles: Floats, times: Floats
) -> tuple[AgedRates, AgedRates]:
    """Return error rates at each cycle and time, with bounds that lead in them, and at best."""
    places = _at(aging, cycles)[:, None], times
    best = read.rates(*places)
    leading = read.at_least(best)
    known = _known_cycles(aging, cycles)

    def whole(values: Floats) -> Floats:
        table = np.full((*values.shape[:-2], cycles.size, times.size), math.nan)
        table[..., known, :] = values
        return table

    if read.is_counted and read.planted.is_bound:
        # No error was counted, and the lines are not believed: at best the cells do not err.
        best = tuple(np.full(one.shape, LADDER[0]) for one in best[:2])
    return AgedRates(*map(whole, leading)), AgedRates(*map(whole, best))


@dataclass(frozen=True, eq=False)
class _WeightReads:
    """How weights of one condition under one protection are read at any age."""

    aging: Aging
    protection: Protection
    condition: xr.Dataset
    planted: Planted

    @property
    def is_counted(self) -> bool:
        """Whether the error rate of the weights is counted, so that no lognormal tells it."""
        name = "ber_2t2r_basis" if self._are_pairs else "ber_basis"
        return name in self.condition and str(self.condition[name].item()) == "counted"

    def rates(self, cycles: Floats, times: Floats) -> tuple[Floats, ...]:
        """Return probits of the error rates of LRS and of HRS, and of both in draws.

        Lines of which the lognormal is not believed are moved to the errors that were counted.
        """
        aging = self.aging
        probits = self.probits(aging.populations(cycles, times))
        drawn = self.probits(np.moveaxis(aging.drawn_populations(cycles, times), 0, 2))
        if not self.is_counted:
            return *probits, *drawn
        moved, moved_draws = [], []
        for state, (rate, left_open) in enumerate(self._counted(len(aging.drawn))):
            at = 0 if self._are_pairs else state
            pooled, resampled = aging.pooled_populations(at)
            weights = aging.pooled[at][2]
            of_lines = self.probits(pooled)[state]
            of_draws = self.probits(np.moveaxis(resampled, 0, 2))[state]
            moved.append(probits[state] + shift_to(rate, of_lines, weights))
            shifts = shift_to(left_open, of_draws[: len(left_open)], weights)
            moved_draws.append(drawn[state][: len(left_open)] + shifts[:, None, None])
        return *moved, *moved_draws

    def at_least(self, probits: tuple[Floats, ...]) -> tuple[Floats, ...]:
        """Return the same probits, with the least rate that may lead in place of a lower BER."""
        share = 1.0 if self._are_pairs else self.aging.read.lrs_share
        least = self._least()
        found: list[Floats] = []
        for lrs, hrs in (probits[:2], probits[2:]):
            is_less = share * ndtr(lrs) + (1.0 - share) * ndtr(hrs) < least
            found += [np.where(is_less, ndtri(least), one) for one in (lrs, hrs)]
        return tuple(found)

    def probits(self, populations: Floats) -> tuple[Floats, Floats]:
        """Return probits of the error rates of populations of shape (2 states, 2, ...).

        Amplifiers whose offset the planted cells share add it to the spread, as they do unaged.
        """
        states = (populations[0, 0], populations[0, 1]), (populations[1, 0], populations[1, 1])
        shared, read, protection = self.planted.sense_offset, self.aging.read, self.protection
        if isinstance(protection, Pairs):
            is_usual = str(protection) == str(Pairs())
            probits = pair_probits(
                *states,
                offset=max(read.offset_spread if is_usual else protection.offset, shared),
                correlation=float(self.condition.attrs.get("pair_correlation", 0.0))
                if is_usual
                else protection.correlation,
            )
            return probits, probits
        return read_probits(
            *states,
            reference_resistance=read.reference,
            reference_spread=math.hypot(read.reference_spread, shared),
        )

    @property
    def _are_pairs(self) -> bool:
        return isinstance(self.protection, Pairs)

    def _counted(self, count: int) -> list[tuple[float, Floats]]:
        """Return the counted rate of the weights by state, and draws of it; a bound has none."""
        row, drawn = self.condition, self.planted.drawn
        if self.planted.is_bound:
            high = float(row["ber_2t2r_high" if self._are_pairs else "ber_high"])
            return [(high, np.empty(0))] * 2
        names = ("ber_2t2r",) * 2 if self._are_pairs else ("ber_lrs", "ber_hrs")
        left_open = (np.empty(0),) * 2 if drawn is None else (drawn.lrs, drawn.hrs)
        found = []
        for name, draws in zip(names, left_open, strict=True):
            rate = float(row[name])
            if not rate and draws.size:
                # Of a state without an error, the middle of what the count leaves open.
                rate = float(np.median(draws))
            found.append((rate, draws[:count]))
        return found

    def _least(self) -> float:
        """Return the least rate of the weights that may lead, or the bound that leads unaged."""
        cells, share = self.aging.cells, self.aging.read.lrs_share
        if self.is_counted and self._are_pairs:
            least = smallest_countable(min(cells))
        elif self.is_counted:
            counted = self.aging.counted
            least = 0.0 if counted is None else counted.least((share, 1.0 - share))
        elif self._are_pairs:
            least = least_rate((min(cells),), (1.0,))
        else:
            least = least_rate(cells, (share, 1.0 - share))
        if not self.planted.is_bound:
            return least
        return max(least, float(self.condition["ber_2t2r_high" if self._are_pairs else "ber_high"]))


def _extrapolated(
    aging: Aging, cycles: Floats, times: Floats, *, is_moved: bool
) -> npt.NDArray[np.str_]:
    flags = np.full((cycles.size, times.size), "", dtype=EXTRAPOLATED_DTYPE)
    flags[_known_cycles(aging, cycles)] = aging.extrapolated(
        _at(aging, cycles)[:, None], times, is_moved=is_moved
    )
    return flags


def pairs_scored(surfaces: xr.Dataset) -> dict[Place, npt.NDArray[np.bool_]]:
    """Return at which pairs of rates losses were scored, by point.

    Parameters
    ----------
    surfaces : xarray.Dataset
        Product "loss_surface".
    """
    scored = np.isfinite(surfaces["loss"].transpose(*POINT, "lrs_probit", "hrs_probit").values)
    labels = [surfaces[dim].values.tolist() for dim in POINT]
    found = {}
    for at in np.argwhere(scored.any(axis=(-2, -1))):
        training_ber, *others = (one[place] for one, place in zip(labels, at, strict=True))
        found[(training_ber, *others)] = scored[tuple(at)]
    return found
