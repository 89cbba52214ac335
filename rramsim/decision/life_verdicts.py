"""Whether the points of a trade-off last the life that is required of them, and at what cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim.decision.life import DEFAULT_LIFETIME, REFRESHED_AT, Life, life_of
from rramsim.errors import InputError
from rramsim.schema import Record

if TYPE_CHECKING:
    import xarray as xr

_ENDS = ("", "_low", "_high")
_ROUNDING = 1e-9


@dataclass(frozen=True)
class LifeAsked:
    """What is asked of a life.

    Attributes
    ----------
    subject : str
        "loss" or "accuracy", which is limited.
    limit : float
        The most that may be lost: of the error-free network's answers, or of all.
    lifetime : float or None
        In s.
    reprogrammings : float
        How often all weights are programmed again.
    accept_extrapolated : bool
        Whether a life that rests on what is extrapolated may last.
    """

    subject: str
    limit: float
    lifetime: float | None
    reprogrammings: float
    accept_extrapolated: bool = False

    @property
    def programmings(self) -> float:
        """How often all weights are programmed at least, without a refresh."""
        return math.ceil(self.reprogrammings) + 1.0

    @property
    def told(self) -> float:
        """The life that is told of, in s: that of `DEFAULT_LIFETIME` where none is asked."""
        return DEFAULT_LIFETIME if self.lifetime is None else self.lifetime


def life_columns(
    tradeoff: xr.Dataset, points: list[Record], asked: LifeAsked
) -> dict[str, list[Any]]:
    """Return the verdicts on the life of each point; none where nothing is asked, and nothing read.

    Of a life that is required, the cells must be known to hold over time, or it is "unknown".
    Reprogrammings without a lifetime ask only for cells that were read over cycles whether the
    network is accurate enough to the last of them.

    Parameters
    ----------
    tradeoff : xarray.Dataset
        Product "tradeoff", its dimensions in the order of the points.
    points : list of Record
    asked : LifeAsked

    Raises
    ------
    InputError
        If the times of the trade-off do not reach twice the lifetime.
    """
    if "life_basis" not in tradeoff and asked.lifetime is None:
        return {}
    losses, flags = None, None
    cycles = times = np.empty(0)
    if "aged_loss" in tradeoff:
        losses = _losses(tradeoff, asked.subject, len(points))
        cycles, times = tradeoff["cycle"].values, tradeoff["time"].values
        flags = tradeoff["aged_extrapolated"].transpose("condition", ...).values
        _check_times(times, asked.lifetime or 0.0)
    conditions = tradeoff["condition"].values.tolist()
    found = []
    for number, point in enumerate(points):
        if losses is None or flags is None or math.isnan(losses[0, number, 0, 0]):
            found.append(_unknown(point, asked))
            continue
        known = cycles <= point["last_cycle"] * (1.0 + _ROUNDING)
        if math.isnan(point["last_cycle"]):
            known = np.arange(cycles.size) == 0
        flag = flags[conditions.index(point["condition"])]
        aged = _Aged(losses[:, number, known], flag[known], cycles[known], times)
        found.append(_columns(point, aged, asked))
    return {name: [one[name] for one in found] for name in found[0]}


def _losses(tradeoff: xr.Dataset, subject: str, count: int) -> NDArray[np.float64]:
    """Return what is lost, and the ends of its interval, shape (3, points, cycle, time)."""
    values = np.stack([tradeoff[f"aged_{subject}{end}"].values for end in _ENDS])
    if subject == "accuracy":
        values = 1.0 - values[[0, 2, 1]]
    return values.reshape(3, count, *values.shape[-2:])


def _check_times(times: NDArray[np.float64], lifetime: float) -> None:
    if lifetime > REFRESHED_AT * times[-1] * (1.0 + _ROUNDING):
        raise InputError(
            f"lifetime is {lifetime:g} s; accepted here: up to {REFRESHED_AT * times[-1]:.4g} s, "
            "as accuracies over time reach. Run the study again with that lifetime."
        )


@dataclass(frozen=True, eq=False)
class _Aged:
    """Losses of a point, their ends, and what is extrapolated, over cycles and times."""

    losses: NDArray[np.float64]
    flags: NDArray[np.str_]
    cycles: NDArray[np.float64]
    times: NDArray[np.float64]

    @property
    def _flags_of_cycles(self) -> NDArray[np.str_]:
        """What is extrapolated where no time is asked for: nothing but a lognormal."""
        return np.where(np.char.find(self.flags, "lognormal") >= 0, "lognormal", "")

    def life(
        self, asked: LifeAsked, lifetime: float, *, by_cycle: bool, is_over_time: bool
    ) -> Life:
        return life_of(
            (self.losses[0], self.losses[1], self.losses[2]),
            cycles=self.cycles,
            times=self.times,
            limit=asked.limit,
            lifetime=lifetime,
            reprogrammings=asked.reprogrammings,
            by_cycle=by_cycle,
            extrapolated=self.flags if is_over_time else self._flags_of_cycles,
        )


def _unknown(point: Record, asked: LifeAsked) -> dict[str, Any]:
    is_asked = asked.lifetime is not None and not math.isnan(point["accuracy"])
    ends = {f"{name}{end}": math.nan for name in ("good_until", "good_cycles") for end in _ENDS}
    return {
        "lasts": "unknown" if is_asked else "",
        **ends,
        "good_until_bound": "",
        "good_until_shown": math.nan,
        "good_until_extrapolated": "",
        "good_cycles_bound": "",
        "refresh_interval": math.nan,
        "refresh_basis": "",
        "refreshes": math.nan,
        "refresh_energy": math.nan,
        "life_limit": "",
        "life_extrapolated": "",
    }


def _columns(point: Record, aged: _Aged, asked: LifeAsked) -> dict[str, Any]:
    by_cycle = "cycles" in point["life_basis"]
    if "time" not in point["life_basis"]:
        life = aged.life(asked, 0.0, by_cycle=by_cycle, is_over_time=False)
        verdict = _verdict(life, point, asked, by_cycle=by_cycle)
        if asked.lifetime is not None:
            verdict = "no" if verdict == "no" else "unknown"
        is_asked = asked.lifetime is not None or asked.reprogrammings > 0.0
        return _unknown(point, asked) | {
            "lasts": verdict if is_asked else "",
            **_ends("good_cycles", life.good_cycles, aged.cycles[-1]),
            "life_limit": "endurance" if verdict == "no" else "",
            "life_extrapolated": life.extrapolated if is_asked else "",
        }
    life = aged.life(asked, asked.told, by_cycle=by_cycle, is_over_time=True)
    told = verdict = _verdict(life, point, asked, by_cycle=by_cycle)
    if asked.lifetime is None:
        of_cycles = aged.life(asked, 0.0, by_cycle=by_cycle, is_over_time=True)
        asks = by_cycle and asked.reprogrammings > 0.0
        verdict = _verdict(of_cycles, point, asked, by_cycle=by_cycle) if asks else ""
    is_worn = _is_worn(life, point, asked)
    return {
        "lasts": verdict,
        **_ends("good_until", life.good_until, aged.times[-1]),
        "good_until_shown": min(life.good_until_shown, aged.times[-1]),
        "good_until_extrapolated": life.good_until_extrapolated,
        **_ends("good_cycles", life.good_cycles, aged.cycles[-1] if by_cycle else math.nan),
        "refresh_interval": life.refresh_interval,
        "refresh_basis": "" if math.isnan(life.refreshes) else life.schedule,
        "refreshes": life.refreshes,
        "refresh_energy": life.refreshes * point["programming_energy"],
        "life_limit": _limit(told, life, is_worn=is_worn),
        "life_extrapolated": life.best_extrapolated if is_worn else life.extrapolated,
    }


def _limit(verdict: str, life: Life, *, is_worn: bool) -> str:
    """Return what limits a life whose verdict says so, empty where it is open."""
    if verdict not in ("yes", "no"):
        return ""
    return "endurance" if is_worn else life.limit


def _is_worn(life: Life, point: Record, asked: LifeAsked) -> bool:
    """Return whether even the fewest programmings that the life may take exceed the endurance."""
    return _endures(max(life.least_programmings, asked.programmings), point) == "no"


def _endures(programmings: float, point: Record) -> str:
    """Return whether the endurance of the condition reaches so many programmings."""
    if math.isnan(programmings):
        return ""
    pulses = max(point["pulses_per_weight"] / point["cells_per_weight"], 1.0)
    return point.interval("endurance").reaches(programmings * pulses)


def _verdict(life: Life, point: Record, asked: LifeAsked, *, by_cycle: bool) -> str:
    """Return the verdict on a life, with the endurance of the condition as far as it is known.

    It excludes a life only where the fewest programmings, those at best, exceed it, and allows one
    by those as shown. Where it is not known, cells that were read over as many cycles have shown
    that they stand these. What rests on an extrapolation is not settled, unless that is accepted.
    """
    if _endures(asked.programmings, point) == "no":
        return "no"
    if life.verdict == "no" or _is_worn(life, point, asked):
        is_settled = asked.accept_extrapolated or not life.best_extrapolated
        return "no" if is_settled else "not settled"
    if life.verdict != "yes" or (life.extrapolated and not asked.accept_extrapolated):
        return "not settled"
    endures = _endures(life.programmings, point)
    if endures in ("no", "not settled"):
        return "not settled"
    is_known = by_cycle or endures == "yes" or life.programmings == 1.0
    return "yes" if is_known else "unknown"


def _ends(name: str, ends: tuple[float, float, float], last: float) -> dict[str, Any]:
    """Return a time or cycle with its interval; beyond the last one asked it is a bound."""
    shown, estimate, best = ends
    return {
        name: min(estimate, last) if not math.isnan(last) else math.nan,
        f"{name}_low": min(shown, last) if not math.isnan(last) else math.nan,
        f"{name}_high": best if math.isfinite(best) else math.nan,
        f"{name}_bound": "lower" if math.isinf(estimate) and not math.isnan(last) else "",
    }
