"""What must a point reach to be used, and is it shown to: accuracy, yield, endurance, energy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from rramsim import schema
from rramsim.decision.accuracy_loss import (
    KNOWN,
    ONE_SIDED,
    Loss,
    rejected_in_sequences,
    share_of_draws_below,
)
from rramsim.decision.device_band import largest_ber, more_cells
from rramsim.decision.life_verdicts import LifeAsked, life_columns
from rramsim.decision.sequences import error_share, sequences
from rramsim.errors import ArgumentError, InputError, number, refused
from rramsim.formatting import duration
from rramsim.schema import POINT, Interval, Record, records
from rramsim.statistics.confidence import clopper_pearson
from rramsim.units import LONGEST_TIME

if TYPE_CHECKING:
    import xarray as xr

DEFAULT_TOLERANCE = 0.01
"""Loss of accuracy that is accepted where nothing is said, as a share of the images."""

_CHIPS = ("protection", "condition")
_FLAGS = ("accept_extrapolated",)
# Up to this rate losses are those of chips without errors to within some hundredths of a point:
# it is a tenth of that at which the paper sees none (its figure 3).
_HARMLESS = 1e-4
_Floats = NDArray[np.float64]
_ENDS = (1.0 - ONE_SIDED, ONE_SIDED)


@dataclass(frozen=True)
class Requirements:
    """What a point must reach. None of it needs new chips.

    Attributes
    ----------
    tolerance : float or None
        Loss of accuracy that is accepted, as a share of the images; 0.01 if unset and without
        `target_accuracy`.
    target_accuracy : float or None
        Instead: the accuracy that must be reached, as a share of the images.
    chip_yield : float or None
        Share of the chips that must be accurate enough, each by itself.
    reprogrammings : float
        How often all weights are programmed again after the first time.
    inferences : float
        Images classified over the life.
    energy_budget : float or None
        The most that all programmings and inferences may take, in J.
    lifetime : float or None
        In s, for which a network must stay accurate enough, its cells refreshed in time.
    accept_extrapolated : bool
        Whether a life may rest on populations that are extrapolated: more than a decade of time
        beyond the last read-out, or 50 K from its temperature, or along lines that are moved to
        a counted BER. Otherwise it is not settled.

    Raises
    ------
    InputError
        If a number is out of range, or tolerance and target accuracy are both given.

    Examples
    --------
    >>> Requirements(target_accuracy=0.97).largest_error
    0.03
    """

    tolerance: float | None = None
    target_accuracy: float | None = None
    chip_yield: float | None = None
    reprogrammings: float = 0.0
    inferences: float = 0.0
    energy_budget: float | None = None
    lifetime: float | None = None
    accept_extrapolated: bool = False

    def __post_init__(self) -> None:
        for name in ("tolerance", "target_accuracy", "chip_yield"):
            self._take(name, "a share above 0 and below 1", low=0.0, high=1.0)
        for name in ("reprogrammings", "inferences"):
            self._take(name, "a number from 0 on", low=-math.ulp(0.0), high=math.inf)
        self._take("energy_budget", "an energy above 0 J", low=0.0, high=math.inf)
        self._take_lifetime()
        if not isinstance(self.accept_extrapolated, bool):
            raise refused("accept_extrapolated", self.accept_extrapolated, "True or False")
        if self.tolerance is not None and self.target_accuracy is not None:
            raise InputError(
                f"tolerance is {self.tolerance:g} and target_accuracy is "
                f"{self.target_accuracy:g}; accepted is one of the two."
            )
        if self.tolerance is None and self.target_accuracy is None:
            object.__setattr__(self, "tolerance", DEFAULT_TOLERANCE)

    def _take(self, name: str, accepted: str, *, low: float, high: float) -> None:
        given = getattr(self, name)
        if given is None:
            return
        value = number(given, name, accepted)
        if not low < value < high:
            raise refused(name, given, accepted)
        object.__setattr__(self, name, value)

    def _take_lifetime(self) -> None:
        if self.lifetime is None:
            return
        accepted = f"a time above 0 s and up to {duration(LONGEST_TIME)}"
        seconds = number(self.lifetime, "lifetime", accepted)
        if not 0.0 < seconds <= LONGEST_TIME:
            raise ArgumentError("lifetime", f" is {duration(seconds)}; accepted: {accepted}.")
        object.__setattr__(self, "lifetime", seconds)

    @property
    def subject(self) -> str:
        """Name of the variable that is limited: "loss", or "accuracy"."""
        return "loss" if self.target_accuracy is None else "accuracy"

    @property
    def largest_error(self) -> float:
        """The most that may be lost: of the error-free network's answers, or of all."""
        if self.target_accuracy is not None:
            # Not 0.030000000000000027, which people would read.
            return round(1.0 - self.target_accuracy, 12)
        assert self.tolerance is not None
        return self.tolerance

    @property
    def life_asked(self) -> LifeAsked:
        """What is asked of a life, its refreshes beside what is asked for."""
        return LifeAsked(
            self.subject,
            self.largest_error,
            self.lifetime,
            self.reprogrammings,
            self.accept_extrapolated,
        )

    @property
    def programmings(self) -> float:
        """How often every weight is programmed over the life."""
        return 1.0 + self.reprogrammings

    def attributes(self) -> dict[str, float]:
        """Return what is required, as attributes of a dataset; what is not asked is left out."""
        return {
            name: int(value) if isinstance(value, bool) else value
            for name, value in vars(self).items()
            if value is not None and value is not False
        }

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Requirements:
        """Return what `attributes` made attributes of."""
        required: dict[str, Any] = {
            name: bool(attributes[name]) if name in _FLAGS else float(attributes[name])
            for name in cls.__dataclass_fields__
            if name in attributes
        }
        return cls(**required)


def judge(tradeoff: xr.Dataset, requirements: Requirements) -> xr.Dataset:
    """Judge each point of a trade-off by what is required of it.

    A point is accurate enough ("yes") where it is shown that its loss is not above the tolerance,
    or its accuracy not below the target (non-inferiority at 97.5 %, one-sided), "no" where it is
    shown to be, and "not settled" otherwise. The points of one network are tested in an order that
    neither accuracies nor cells have a part in, from the costliest down (`sequences`), and networks
    share the 2.5 % (`rejected_in_sequences`), so that in at most 2.5 % of studies any point has a
    wrong "yes". Where a yield is required both must be shown, so a point has the larger of its two
    p-values. A "no" names nothing to be used, and is taken from its interval alone. If only an
    upper bound of the BER is known, the loss is that at the bound: it can show a "yes", and a "no"
    only where the bound is 1e-4 or less, at which a network loses hardly more than without errors.

    Parameters
    ----------
    tradeoff : xarray.Dataset
        Product "tradeoff" (`join`), judged before or not.
    requirements : Requirements

    Returns
    -------
    xarray.Dataset
        The same product, with verdicts, and with the requirements in its attributes.
    """
    schema.validate(tradeoff, "tradeoff")
    tradeoff = _unjudged(tradeoff).transpose(*POINT, ...)
    points = records(tradeoff, *POINT)
    shape = tuple(tradeoff.sizes[dim] for dim in POINT)
    known = np.array([not math.isnan(point["accuracy"]) for point in points])
    losses = [Loss.of(point, requirements.subject) for point in points]
    yields = _yields(tradeoff, points, requirements)
    limit = requirements.largest_error
    p_values = np.where(known, [one.p_value(limit) for one in losses], math.nan)
    shown = _shown(p_values.reshape(shape), tradeoff)
    both = _shown(np.fmax(p_values, yields.p_values).reshape(shape), tradeoff)
    is_bound = np.array(
        [point["ber_bound"] == "upper" and point["test_ber"] > _HARMLESS for point in points]
    )
    if requirements.subject == "accuracy":
        # What no network reaches without errors is not reached with fewer errors.
        is_bound &= tradeoff.attrs.get("error_free_accuracy", 1.0) >= 1.0 - limit
    above = np.array([one.low > limit for one in losses])
    accurate = _verdicts(known, shown.ravel(), above & ~is_bound)
    share = error_share(tradeoff, shown)
    lives = {
        name: np.reshape(values, shape)
        for name, values in life_columns(tradeoff, points, requirements.life_asked).items()
    }
    refreshes = np.zeros(shape)
    if requirements.lifetime is not None:
        refreshes = np.nan_to_num(lives["refreshes"])
    life = _life_energy(tradeoff, requirements, refreshes)
    columns = {
        "accurate": accurate.reshape(shape),
        "probability": _probabilities(tradeoff, losses, requirements, is_bound).reshape(shape),
        **_needed(losses, limit, share, shape),
        **_left_open(tradeoff, losses, accurate, p_values, requirements, share),
        "cells_to_measure": _cells_to_measure(tradeoff, losses, limit).reshape(shape),
        **yields.columns(shape, known, both.ravel(), is_bound),
        "endures": _endures(tradeoff, requirements),
        "life_energy": life,
        "affordable": _affordable(life, requirements, tradeoff.attrs),
        **lives,
    }
    attrs = {name: value for name, value in tradeoff.attrs.items() if name not in _ATTRIBUTES}
    return schema.make(
        "tradeoff",
        {
            **{str(name): tradeoff[name].values for name in tradeoff.data_vars},
            **columns,
            **_together(tradeoff, columns, _energy_of_front(tradeoff, requirements, refreshes)),
        },
        coords={str(name): tradeoff[name].values for name in tradeoff.coords},
        attrs=attrs | requirements.attributes(),
    )


_ATTRIBUTES = tuple(Requirements.__dataclass_fields__)


def _unjudged(tradeoff: xr.Dataset) -> xr.Dataset:
    variables = schema.DATASETS["tradeoff"]
    judged = [variable.name for variable in variables if variable.group == "judged"]
    return tradeoff.drop_vars(judged, errors="ignore")


def _shown(p_values: _Floats, tradeoff: xr.Dataset) -> NDArray[np.bool_]:
    """Return which points are shown to be good enough, shape of POINT."""
    values = p_values.ravel()
    tested = sequences(tradeoff)
    accepted = rejected_in_sequences([values[places].tolist() for places in tested])
    shown = np.zeros(values.size, dtype=bool)
    for places, count in zip(tested, accepted, strict=True):
        shown[places[:count]] = True
    return shown.reshape(p_values.shape)


def _verdicts(
    known: NDArray[np.bool_], shown: NDArray[np.bool_], refuted: NDArray[np.bool_]
) -> NDArray[np.str_]:
    verdicts = np.where(refuted, "no", "not settled")
    verdicts = np.where(shown, "yes", verdicts)
    return np.where(known, verdicts, "")


def _probabilities(
    tradeoff: xr.Dataset,
    losses: list[Loss],
    requirements: Requirements,
    is_bound: NDArray[np.bool_],
) -> _Floats:
    """Return how probable it is that a point is accurate enough.

    At a bound of the BER it is the least that it can be, which is told where it settles the point.
    """
    found = _probabilities_as_scored(tradeoff, losses, requirements)
    return np.where(is_bound & (found < ONE_SIDED), math.nan, found)


def _probabilities_as_scored(
    tradeoff: xr.Dataset, losses: list[Loss], requirements: Requirements
) -> _Floats:
    limit = requirements.largest_error
    if "loss_draw" not in tradeoff:
        return np.array([1.0 - one.p_value(limit) for one in losses])
    draws = tradeoff["loss_draw"].transpose(*POINT, "draw").values.reshape(len(losses), -1)
    shifts = draws - tradeoff["loss"].transpose(*POINT).values.reshape(-1, 1)
    return np.array(
        [
            1.0 - one.p_value(limit)
            if np.isnan(shift).any()
            else share_of_draws_below(one, shift, limit)
            for one, shift in zip(losses, shifts, strict=True)
        ]
    )


def _left_open(
    tradeoff: xr.Dataset,
    losses: list[Loss],
    accurate: NDArray[np.str_],
    p_values: _Floats,
    requirements: Requirements,
    share: float,
) -> dict[str, Any]:
    """Return by what the points are left open that are: their own interval, or one before them."""
    shape = tuple(tradeoff.sizes[dim] for dim in POINT)
    is_open = accurate == "not settled"
    ends = np.array([min(one.estimate + one.width(1.0 - share), 1.0) for one in losses])
    if requirements.subject == "accuracy":
        ends = 1.0 - ends
    points = records(tradeoff, *POINT)
    names = {name: np.full(len(losses), "", dtype=object) for name in ("condition", "protection")}
    for places in sequences(tradeoff):
        first = next((rank for rank, place in enumerate(places) if accurate[place] != "yes"), None)
        if first is None:
            continue
        for place in places[first + 1 :]:
            if is_open[place] and p_values[place] <= share:
                for name, values in names.items():
                    values[place] = points[places[first]][name]
    return {
        "confidence_needed": np.where(is_open, 1.0 - share, math.nan).reshape(shape),
        "end_needed": np.where(is_open, ends, math.nan).reshape(shape),
        "waits_for": names["condition"].astype(str).reshape(shape),
        "waits_for_protection": names["protection"].astype(str).reshape(shape),
    }


def _needed(
    losses: list[Loss], limit: float, share: float, shape: tuple[int, ...]
) -> dict[str, Any]:
    """Return how much more of each source would settle a point if its estimate stays.

    A "yes" has to be shown at the share of 2.5 % that one of so many networks has.
    """
    asked = [(one, 1.0 - share if one.estimate < limit else ONE_SIDED) for one in losses]

    def times(source: str) -> list[float]:
        found = (
            one.times_needed(limit, source=source, confidence=confidence) or math.nan
            for one, confidence in asked
        )
        # Where less would do, it is another point before it that is left open.
        return [value if value > 1.0 else math.nan for value in found]

    def trainings(one: Loss, confidence: float) -> int:
        is_enough = one.width(confidence) <= abs(limit - one.estimate)
        return 0 if is_enough else one.trainings_needed(limit, confidence) or 0

    return {"trainings_needed": np.reshape([trainings(*one) for one in asked], shape)} | {
        f"{source}_needed": np.reshape(times(source), shape) for source in KNOWN
    }


def _cells_to_measure(tradeoff: xr.Dataset, losses: list[Loss], limit: float) -> _Floats:
    """Return how many further cells a state would show that the BER is below that of the limit.

    The draws tell the BER at which the loss is at the limit, if it is within what they span.
    """
    found = np.full(len(losses), math.nan)
    if "loss_draw" not in tradeoff:
        return found
    draws = tradeoff["loss_draw"].values.reshape(len(losses), -1)
    shape = tradeoff["loss_draw"].shape[:-1]
    bers = np.broadcast_to(tradeoff["ber_draw"].values, (*shape, draws.shape[1]))
    estimates = np.broadcast_to(tradeoff["drawn_ber"].values, shape).ravel()
    cells = np.broadcast_to(tradeoff["cells"].values, shape).ravel()
    estimated = tradeoff["loss"].values.ravel()
    for place, one in enumerate(losses):
        ber = bers.reshape(draws.shape)[place]
        if math.isnan(one.estimate) or np.isnan(draws[place]).any() or math.isnan(cells[place]):
            continue
        # What is lost of all answers is the same but for a constant.
        lost = one.estimate + draws[place] - estimated[place]
        largest = largest_ber(ber, lost, tolerance=limit)
        if largest.bound:
            continue
        low, high = np.quantile(ber, _ENDS)
        more = more_cells(
            Interval(estimates[place], float(low), float(high)),
            largest.estimate,
            cells=cells[place],
        )
        found[place] = math.nan if more is None else more
    return found


@dataclass(frozen=True)
class _Yields:
    """Shares of chips that are accurate enough, with their intervals, by point."""

    shares: _Floats
    low: _Floats
    high: _Floats
    p_values: _Floats
    required: float | None

    def columns(
        self,
        shape: tuple[int, ...],
        known: NDArray[np.bool_],
        shown: NDArray[np.bool_],
        is_bound: NDArray[np.bool_],
    ) -> dict[str, Any]:
        verdicts = np.full(shape, "", dtype=object)
        if self.required is not None:
            refuted = (self.high < self.required) & ~is_bound
            verdicts = _verdicts(known, shown, refuted).reshape(shape)
        return {
            "chip_yield": self.shares.reshape(shape),
            "chip_yield_low": self.low.reshape(shape),
            "chip_yield_high": self.high.reshape(shape),
            "yields": verdicts.astype(str),
        }


def _yields(tradeoff: xr.Dataset, points: list[Record], requirements: Requirements) -> _Yields:
    """Return the yield of each point, its exact binomial interval and p-value.

    It is that of the networks at hand, on average, on their test images: given these, chips are
    independent, and where networks differ in their yields the binomial law is on the wide side.
    Other trainings and other images are not in it.
    """
    limit, required = requirements.largest_error, requirements.chip_yield
    name = "chip_loss" if requirements.subject == "loss" else "chip_accuracy"
    if name not in tradeoff:
        nan = np.full(len(points), math.nan)
        return _Yields(nan, nan, nan, nan if required is None else np.ones(len(points)), required)
    values = tradeoff[name].transpose(*POINT, "training", "chip").values
    values = values.reshape(len(points), *values.shape[-2:])
    lost = values if name == "chip_loss" else 1.0 - values
    shares, low, high, p_values = np.array([_yield_of(one, limit, required) for one in lost]).T
    return _Yields(shares, low, high, p_values, required)


def _yield_of(lost: _Floats, limit: float, required: float | None) -> tuple[float, ...]:
    """Return yield, both ends of its interval and p-value of chips by training."""
    of_chips = lost[~np.isnan(lost)]
    if not of_chips.size:
        return (math.nan,) * 4
    # A loss of exactly the tolerance is accepted, whatever the rounding.
    fails = of_chips > limit + 1e-12
    failures, good = int(fails.sum()), int((~fails).sum())
    low, high = clopper_pearson(failures, fails.size)
    p_value = math.nan
    if required is not None:
        p_value = float(betainc(good, failures + 1.0, required)) if good else 1.0
    return 1.0 - float(fails.mean()), 1.0 - high, 1.0 - low, p_value


def _endures(tradeoff: xr.Dataset, requirements: Requirements) -> NDArray[np.str_]:
    """Return whether the cells stand all write pulses of the life, by protection and condition."""
    conditions = records(tradeoff, "condition")
    pulses = (tradeoff["pulses_per_weight"] / tradeoff["cells_per_weight"]).max("training_ber")
    # A cell is written once a programming, or as often as it takes to pass.
    per_cell = np.fmax(pulses.transpose(*_CHIPS).values, 1.0)
    if not requirements.reprogrammings:
        return np.full(per_cell.shape, "")
    cycles = requirements.programmings * per_cell
    return np.array(
        [
            [
                "" if math.isnan(needed) else row.interval("endurance").reaches(needed)
                for row, needed in zip(conditions, of_protection, strict=True)
            ]
            for of_protection in cycles.tolist()
        ]
    )


def _life_energy(tradeoff: xr.Dataset, requirements: Requirements, refreshes: _Floats) -> _Floats:
    """Return the energy of all programmings, refreshes and inferences, shape of POINT."""
    programming = tradeoff["programming_energy"].values
    once = _energy(programming, tradeoff["inference_energy"].values, requirements)
    energy: _Floats = once[:, None] + refreshes * programming[:, None]
    return energy


def _energy_of_front(
    tradeoff: xr.Dataset, requirements: Requirements, refreshes: _Floats
) -> _Floats:
    """Return the same with one energy a programming for all networks.

    That one has more weights of -1 is no merit of its training.
    """
    programming = tradeoff["programming_energy"].values
    once = _energy(programming, tradeoff["inference_energy"].values, requirements)
    energy: _Floats = once.mean(axis=0) + refreshes * programming.mean(axis=0)
    return energy


def _energy(programming: _Floats, inference: _Floats, requirements: Requirements) -> _Floats:
    energy: _Floats = requirements.programmings * programming
    if requirements.inferences:
        energy = energy + requirements.inferences * inference
    return energy


def _affordable(
    energy: _Floats, requirements: Requirements, attrs: Mapping[str, Any]
) -> NDArray[np.str_]:
    """Return whether the energy is within the budget; of a lower bound only that it is not."""
    budget = requirements.energy_budget
    if budget is None:
        return np.full(energy.shape, "")
    is_bound = bool(requirements.inferences) and attrs.get("inference_energy_bound") == "lower"
    within = "unknown" if is_bound else "yes"
    return np.where(np.isnan(energy), "unknown", np.where(energy <= budget, within, "no"))


def _together(tradeoff: xr.Dataset, columns: Mapping[str, Any], energy: _Floats) -> dict[str, Any]:
    """Return the verdict on all requirements, and the front of energy and cells."""
    accurate = columns["accurate"]
    every = np.stack(
        [
            np.broadcast_to(verdicts, accurate.shape)
            for verdicts in (
                accurate,
                columns["yields"],
                columns["endures"],
                columns["affordable"],
                columns.get("lasts", ""),
            )
        ]
    )
    is_refuted = (every == "no").any(axis=0)
    is_open = np.isin(every, ("not settled", "unknown")).any(axis=0)
    verdict = np.where(is_refuted, "no", np.where(is_open, "not settled", "yes"))
    verdict = np.where(accurate == "", "", verdict)
    meets = verdict == "yes"
    cells = np.broadcast_to(tradeoff["cells_per_weight"].values[:, None], meets.shape)
    return {
        "verdict": verdict,
        "meets": meets,
        "on_cells_front": on_front(np.where(meets, energy, math.nan), -cells),
    }


def on_front(energy: Any, value: Any) -> NDArray[np.bool_]:
    """Return which points are on the front of less energy and more of a value.

    A point is beaten by another that has no more energy and no less value, and is better in
    at least one of the two. So of two points with equal energy the one of less value is not on
    the front, nor is the costlier of two with equal value; points equal in both stand or
    fall together. A point whose energy or value is NaN is never on the front and beats none.

    Parameters
    ----------
    energy, value : array_like
        Any one shape, the same for both.

    Returns
    -------
    ndarray of bool
        In that shape.

    Examples
    --------
    >>> on_front([9.0, 25.0, 25.0, 270.0], [0.90, 0.98, 0.97, 0.98]).tolist()
    [True, True, False, False]
    """
    joules: _Floats = np.asarray(energy, dtype=float)
    values: _Floats = np.asarray(value, dtype=float)
    known = ~(np.isnan(joules) | np.isnan(values))
    front = np.zeros(joules.shape, dtype=bool)
    front[known] = _unbeaten(joules[known], values[known])
    return front


def _unbeaten(energy: _Floats, value: _Floats) -> NDArray[np.bool_]:
    # Comparisons with NaN are false both ways, so a whole-array formula needs the known points.
    no_more = energy[:, None] <= energy[None, :]
    no_less = value[:, None] >= value[None, :]
    better = (energy[:, None] < energy[None, :]) | (value[:, None] > value[None, :])
    beaten: NDArray[np.bool_] = np.any(no_more & no_less & better, axis=0)
    return np.logical_not(beaten)


def ber_budgets(curves: xr.Dataset, requirements: Requirements) -> xr.Dataset:
    """Return the largest BER at which each network still is accurate enough.

    Between the BERs of the curves, loss is taken to be linear in ln BER, as the curve is drawn. A
    loss that grows as a power of the BER lies below that line, so a budget is on the safe side.
    What is shown holds for each network by itself (97.5 %, one-sided). Draws of cells, which lie
    close together and scatter, have `rramsim.decision.device_band.largest_ber` instead.

    Parameters
    ----------
    curves : xarray.Dataset
        Product "accuracy", with losses.
    requirements : Requirements
        Its accuracy alone counts.

    Returns
    -------
    xarray.Dataset
        Product "ber_budget".
    """
    limit, name = requirements.largest_error, requirements.subject
    columns: dict[str, list[Any]] = {
        key: [] for key in ("budget", "budget_bound", "budget_shown", "budget_shown_bound")
    }
    for network in records(curves, "training_ber"):
        places = [place for place in network.by("test_ber") if place["test_ber"] > 0.0]
        bers = np.array([place["test_ber"] for place in places])
        losses = [Loss.of(place, name) for place in places]
        for key, values in (
            ("budget", [one.estimate for one in losses]),
            ("budget_shown", [one.high for one in losses]),
        ):
            ber, bound = _last_below(bers, np.array(values), limit)
            columns[key].append(ber)
            columns[f"{key}_bound"].append(bound)
    return schema.make(
        "ber_budget",
        columns,
        coords={"training_ber": curves["training_ber"].values},
        attrs={"confidence": ONE_SIDED, **requirements.attributes()},
    )


def _last_below(bers: _Floats, values: _Floats, limit: float) -> tuple[float, str]:
    """Return up to which BER all values are at most a limit, and of what that is a bound."""
    bers, values = bers[~np.isnan(values)], values[~np.isnan(values)]
    if not values.size:
        return math.nan, ""
    above = np.flatnonzero(values > limit)
    if not above.size:
        return float(bers[-1]), "lower"
    first = int(above[0])
    if first == 0:
        return float(bers[0]), "upper"
    low, high = values[first - 1], values[first]
    part = (limit - low) / (high - low)
    ratio = math.log(bers[first] / bers[first - 1])
    return float(bers[first - 1] * math.exp(part * ratio)), ""
