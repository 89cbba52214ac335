"""The recommendation: the cheapest point that is accurate enough, with its reason in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rramsim import formatting as numbers
from rramsim import schema
from rramsim.schema import Record, records

if TYPE_CHECKING:
    import xarray as xr

SAME_ENERGY = 0.01
"""Energies within this share of the least count as equal. Networks differ by about as much in
their share of LRS weights, and that is no reason to prefer one training over another."""

_BASES = {
    "measured": "as measured",
    "stated": "as stated in the conditions file, not measured",
    "computed": "computed as voltage × current × pulse width, not measured",
    "unknown": "unknown",
}


@dataclass(frozen=True)
class Recommendation:
    """The point to choose.

    Attributes
    ----------
    condition : str
    training_ber : float
    sentences : tuple of str
        Why it is the one to choose.
    met : bool
        False where no point is shown to be accurate enough; the most accurate one is named then.
    settled : bool
        Whether it would stay the one to choose: of no point that takes less energy it is left open
        whether it is accurate enough, or, if none is, of no point at all.
    would_settle : str
        What would settle it, empty if it is settled.
    """

    condition: str
    training_ber: float
    sentences: tuple[str, ...]
    met: bool
    settled: bool = True
    would_settle: str = ""

    @property
    def reason(self) -> str:
        """The reason as one text."""
        return " ".join(self.sentences)


class StudyResult(Protocol):
    """The result of a study, such as `rramsim.tradeoff` gives."""

    @property
    def tradeoff(self) -> xr.Dataset:
        """Dataset of the schema "tradeoff"."""

    @property
    def accuracy(self) -> xr.Dataset:
        """Dataset of the schema "accuracy"."""

    @property
    def conditions(self) -> xr.Dataset:
        """Dataset of the schema "conditions"."""

    @property
    def recommendation(self) -> Recommendation:
        """The point to choose."""


def recommend(tradeoff: StudyResult | xr.Dataset) -> Recommendation:
    """Return the cheapest point whose accuracy is shown to be good enough, and why.

    Among the points that meet the tolerance (`join`): the least programming energy; among
    energies equal to within `SAME_ENERGY` the highest accuracy; then the longest endurance.
    Points of unknown energy are chosen from only where no known one meets the tolerance. Where
    no point at all meets it, the most accurate one is named and `met` is False.

    Parameters
    ----------
    tradeoff : StudyResult or xarray.Dataset
        A trade-off; or product "tradeoff", with the attrs `error_free_accuracy`, `tolerance` and
        `confidence`.

    Returns
    -------
    Recommendation

    Raises
    ------
    InputError
        If it is no "tradeoff".

    Examples
    --------
    Of the paper's three conditions, with the accuracy of one network on each:

    >>> import rramsim
    >>> from rramsim.decision.join import join
    >>> conditions = rramsim.read_conditions("table1")
    >>> accuracy = schema.make(
    ...     "condition_accuracy",
    ...     {
    ...         **dict.fromkeys(("accuracy", "accuracy_p05"), [[0.97, 0.969, 0.93]]),
    ...         "accuracy_low": [[0.969, 0.968, 0.92]],
    ...         "accuracy_high": [[0.971, 0.97, 0.94]],
    ...         "accuracy_low_at_ber_high": [[0.969, 0.968, 0.92]],
    ...         "maps": [[50, 50, 50]],
    ...         "test_ber": [1e-6, 1e-4, 0.033],
    ...         "ber_high": [1e-6, 1e-4, 0.033],
    ...         "faults": ["independent errors"] * 3,
    ...     },
    ...     coords={"training_ber": [0.0], "condition": conditions.condition.values},
    ...     attrs={"confidence": 0.95},
    ... )
    >>> from rramsim.decision.accuracy_loss import Loss
    >>> losses = [
    ...     [
    ...         Loss(0.97 - share, 5, between=1e-6, within=0.0, factor=0.2)
    ...         for share in (0.97, 0.969, 0.93)
    ...     ]
    ... ]
    >>> tradeoff = join(
    ...     conditions, accuracy, losses=losses, cells={0.0: (500, 500)},
    ...     error_free=0.97, tolerance=0.01,
    ... )
    >>> choice = rramsim.recommend(tradeoff)
    >>> choice.condition, choice.met
    ('strong', True)
    """
    tradeoff = schema.product_of(tradeoff, "tradeoff")
    points = records(tradeoff, "condition", "training_ber")
    enough = [point for point in points if point["meets_tolerance"]]
    known = [point for point in enough if not math.isnan(point["energy_per_cell"])]
    if known:
        limit = (1 + SAME_ENERGY) * min(point["programming_energy"] for point in known)
        chosen = max((p for p in known if p["programming_energy"] <= limit), key=_by_accuracy)
    else:
        chosen = max(enough or points, key=_by_accuracy)
    reasons = _Reasons(
        chosen,
        points,
        error_free=float(tradeoff.attrs["error_free_accuracy"]),
        tolerance=float(tradeoff.attrs["tolerance"]),
        confidence=float(tradeoff.attrs["confidence"]),
    )
    open_point = _left_open(chosen, points)
    return Recommendation(
        chosen["condition"],
        chosen["training_ber"],
        reasons.sentences(),
        met=bool(chosen["meets_tolerance"]),
        settled=open_point is None,
        would_settle="" if open_point is None else _would_settle(open_point),
    )


def energy_basis(set_basis: str, reset_basis: str) -> str:
    """Return in words where the energies of a condition are from."""
    if set_basis == reset_basis:
        return _BASES[set_basis]
    return f"SET {_BASES[set_basis]}; RESET {_BASES[reset_basis]}"


def training_words(training_ber: float) -> str:
    """Return in words how a network was trained."""
    if training_ber == 0:
        return "plainly trained network"
    return f"network trained with bit errors at a rate of {numbers.power(training_ber)}"


def point_words(point: Record) -> str:
    """Return the name of a point."""
    return f"“{point['condition']}” with the {training_words(point['training_ber'])}"


def loss_words(point: Record) -> str:
    """Return the loss of a point with the upper end of its interval and the parts of that."""
    low = ", ".join(
        f"{name} {100 * point[f'loss_{name}']:.2f}"
        for name in ("trainings", "images", "cells", "chips")
        if not math.isnan(point[f"loss_{name}"])
    )
    loss = 100 * point["loss"]
    verb = f"loses {loss:.2f}" if loss >= 0 else f"gains {-loss:.2f}"
    most = 100 * point["loss_high"]
    bound = f"loses at most {most:.2f}" if loss < 0 <= most else f"at most {most:.2f}"
    if most < 0:
        bound = f"at least {-most:.2f}"
    alone = (
        "; there is one training, so what another training would change is not in it"
        if point["trainings"] == 1
        else ""
    )
    return f"{verb} points, {bound} with 97.5\xa0% confidence (± by {low}{alone})"


def _left_open(chosen: Record, points: list[Record]) -> Record | None:
    """Return the point most worth settling that could change the choice, None if there is none."""
    left = [point for point in points if point["verdict"] == "not settled"]
    if chosen["meets_tolerance"]:
        limit = chosen["programming_energy"] / (1 + SAME_ENERGY)
        left = [point for point in left if point["programming_energy"] < limit]
    return min(left, key=lambda point: point["loss_high"], default=None)


def _would_settle(point: Record) -> str:
    ways = []
    if point["trainings_needed"]:
        ways.append(
            f"{point['trainings_needed']} trainings or folds in place of {point['trainings']}"
        )
    elif point["trainings"] == 1:
        ways.append("several trainings")
    for source, words in (
        ("images", "as many test images"),
        ("cells", "as many measured cells"),
        ("chips", "as many chips"),
    ):
        times = point[f"{source}_needed"]
        if not math.isnan(times):
            ways.append(f"{numbers.times(times)} times {words}")
    name = (
        f"It is not settled whether {point_words(point)} is accurate enough: it {loss_words(point)}"
    )
    if not ways:
        return f"{name}. More of one source alone would not settle it."
    return f"{name}. If the loss stays, about {', or '.join(ways)} would settle it."


def _by_accuracy(point: Record) -> tuple[float, ...]:
    """Order by accuracy, then endurance (a lower bound outlasts its number), then less energy.

    Of an endurance that is known only to be less than a number nothing is claimed.
    """
    is_claimed = not math.isnan(point["endurance"]) and point["endurance_bound"] != "upper"
    return (
        -1.0 if math.isnan(point["accuracy"]) else point["accuracy"],
        point["endurance"] if is_claimed else -1.0,
        float(point["endurance_bound"] == "lower"),
        -math.inf if math.isnan(point["programming_energy"]) else -point["programming_energy"],
    )


@dataclass(frozen=True)
class _Reasons:
    """A chosen point among all, and the sentences that say why it was chosen."""

    chosen: Record
    points: list[Record]
    error_free: float
    tolerance: float
    confidence: float

    def sentences(self) -> tuple[str, ...]:
        sentences = (
            self._verdict(),
            self._loss(),
            self._accuracy(),
            self._shortfall(),
            self._energy(),
            self._endurance(),
            self._ber(),
        )
        return tuple(sentence for sentence in sentences if sentence)

    @property
    def _allowed(self) -> str:
        points = numbers.plain(100 * self.tolerance)
        return f"{points} percentage point{'' if points == '1' else 's'}"

    @property
    def _known(self) -> list[Record]:
        return [point for point in self.points if not math.isnan(point["energy_per_cell"])]

    def _verdict(self) -> str:
        point = self.chosen
        name = point_words(point)
        if not point["meets_tolerance"]:
            return (
                f"No condition is shown to keep the accuracy within {self._allowed} of the "
                f"network without bit errors; the most accurate is {name}."
            )
        if math.isnan(point["energy_per_cell"]):
            others = " of those that are accurate enough" if self._known else ""
            return (
                f"No programming energy{others} is known, so the choice is the most accurate "
                f"of the conditions that are accurate enough: {name}."
            )
        return (
            f"The least programming energy (to within {numbers.percent(SAME_ENERGY, 0)}) that is "
            f"accurate enough: {name}."
        )

    def _loss(self) -> str:
        point = self.chosen
        verdict = {
            "yes": "Accurate enough",
            "no": "Not accurate enough",
            "not settled": "Not settled whether it is accurate enough",
        }[point["verdict"]]
        return f"{verdict}: it {loss_words(point)}; a loss of {self._allowed} is accepted."

    def _accuracy(self) -> str:
        point = self.chosen
        reference = training_words(min(point["training_ber"] for point in self.points))
        return (
            f"With its bit errors it classifies {self._percent(point)} of the test images "
            f"correctly, against {numbers.percent(self.error_free)} of the {reference} without bit "
            "errors."
        )

    def _percent(self, point: Record) -> str:
        chips = f"{point['maps']} chip{'s' if point['maps'] != 1 else ''}"
        accuracy = point.interval("accuracy")
        mean = numbers.percent(accuracy.estimate)
        if not accuracy.has_ends:
            return f"{mean} (no interval, {chips})"
        if accuracy.low == accuracy.high and point["maps"] > 1:
            return f"{mean} (all {chips} alike)"
        return (
            f"{mean} ({numbers.plain(100 * self.confidence)}\xa0% interval "
            f"{100 * accuracy.low:.2f} to {100 * accuracy.high:.2f}, {chips})"
        )

    def _shortfall(self) -> str:
        left = _left_open(self.chosen, self.points)
        return "" if left is None else _would_settle(left)

    def _energy(self) -> str:
        point = self.chosen
        if math.isnan(point["energy_per_cell"]):
            return "Its programming energy is not known."
        energy = numbers.quantity(point["programming_energy"], "J")
        basis = energy_basis(point["set_energy_basis"], point["reset_energy_basis"])
        names = {point["condition"] for point in self.points}
        unknown = sorted(names - {point["condition"] for point in self._known})
        left_out = f" Not compared for want of an energy: {_listed(unknown)}." if unknown else ""
        return (
            f"Programming every weight once takes {energy}{self._saving()} "
            f"(energies {basis}).{left_out}"
        )

    def _saving(self) -> str:
        """Compare with the costliest condition of the same network, cell for cell."""
        same_network = [p for p in self._known if p["training_ber"] == self.chosen["training_ber"]]
        costliest = max(same_network, key=lambda point: point["energy_per_cell"])
        if len(same_network) == 1:
            return ""
        if costliest["condition"] == self.chosen["condition"]:
            return ", the most of all conditions"
        ratio = numbers.times(costliest["energy_per_cell"] / self.chosen["energy_per_cell"])
        same_basis = (costliest["set_energy_basis"], costliest["reset_energy_basis"]) == (
            self.chosen["set_energy_basis"],
            self.chosen["reset_energy_basis"],
        )
        mixed = "" if same_basis else ", whose energy has another origin"
        return f", {ratio} times less than “{costliest['condition']}”{mixed}"

    def _endurance(self) -> str:
        point = self.chosen
        if math.isnan(point["endurance"]):
            return "Its endurance is not known."
        cycles = point.interval("endurance")
        bounds = {"upper": " upper bound", "lower": " lower bound", "": ""}[cycles.bound]
        if cycles.bound == "lower" and not math.isnan(cycles.high):
            bounds = " bounds"
        return f"Endurance ({cycles.basis}{bounds}): {numbers.interval(cycles)} cycles."

    def _ber(self) -> str:
        point = self.chosen
        rate = numbers.power(point["test_ber"])
        sentences = []
        if point["meets_tolerance"] and not math.isnan(point["accuracy_low_at_ber_high"]):
            sentences.append(
                f"If its bit-error rate is at the upper end of its interval, "
                f"{numbers.power(point['ber_high'])}, the accuracy still is "
                f"{numbers.percent(point['accuracy_low_at_ber_high'])} or more."
            )
        if point["ber_bound"] == "upper":
            sentences.append(
                f"Its bit-error rate is known only to be below {rate}; the accuracy is that at "
                "this bound."
            )
        elif point["ber_extrapolated"]:
            sentences.append(
                f"Its bit-error rate of {rate} is extrapolated from fitted populations, beyond "
                "what so few cells can show by counting, and the choice rests on it."
            )
        return " ".join(sentences)


def _listed(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
