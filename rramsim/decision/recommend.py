"""The recommendation: the point of least energy that meets what is required."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rramsim import schema
from rramsim.decision.reasons import BESIDE_ACCURACY, SAME_ENERGY, reasons, would_settle
from rramsim.decision.recommendation import Recommendation
from rramsim.decision.requirements import Requirements, judge
from rramsim.schema import POINT, Record, records

if TYPE_CHECKING:
    import xarray as xr


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


def recommend(
    tradeoff: StudyResult | xr.Dataset, requirements: Requirements | None = None, **required: Any
) -> Recommendation:
    """Return the point of least energy that is shown to meet what is required, and why.

    Among the points that meet all of it (`judge`): the least energy over the life; among energies
    equal to within `SAME_ENERGY` the fewest cells, then the highest accuracy, then the longest
    endurance. Points of unknown energy are chosen from only where no known one meets it. Where no
    point at all meets it, `met` is False and the nearest one is named: of those that are accurate
    enough the one with the least in its way, or the most accurate of all.

    Parameters
    ----------
    tradeoff : StudyResult or xarray.Dataset
        A trade-off; or product "tradeoff".
    requirements : Requirements, optional
        What is required. Default: what the trade-off was judged by.
    **required
        Instead: fields of `Requirements`, such as ``target_accuracy=0.97``.

    Returns
    -------
    Recommendation

    Raises
    ------
    InputError
        If it is no "tradeoff", or something required is out of range.

    Examples
    --------
    >>> import rramsim, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = rramsim.tradeoff(
    ...         conditions="table1", out=folder, network="64-16-10", training_bers=[0.0],
    ...         curve_bers=[0.1], epochs=1, chips=2,
    ...     )
    >>> rramsim.recommend(result, target_accuracy=0.99).met
    False
    """
    judged = schema.product_of(tradeoff, "tradeoff")
    if required:
        requirements = Requirements(**required)
    if requirements is not None or "verdict" not in judged:
        judged = judge(judged, requirements or Requirements.of(judged.attrs))
    points = [point for point in records(judged, *reversed(POINT)) if point["verdict"]]
    chosen = _chosen([point for point in points if point["meets"]]) or max(points, key=_nearness)
    left_open = max(points_left_open(chosen, points), key=_is_near, default=None)
    settling = "" if left_open is None else would_settle(left_open, judged)
    return Recommendation(
        **{dim: chosen[dim] for dim in POINT},
        reasons=reasons(chosen, points, settling),
        met=bool(chosen["meets"]),
        settled=left_open is None,
        would_settle=settling,
        open_point=None if left_open is None else {dim: left_open[dim] for dim in POINT},
    )


def _chosen(enough: list[Record]) -> Record | None:
    known = [point for point in enough if not math.isnan(point["life_energy"])]
    if not known:
        best = max(enough, key=_merits, default=None)
        if best is None:
            return None
        # Within a condition fewer cells surely take less energy.
        known = [point for point in enough if point["condition"] == best["condition"]]
        fewest = min(point["cells_per_weight"] for point in known)
        return max((one for one in known if one["cells_per_weight"] <= fewest), key=_merits)
    limit = (1 + SAME_ENERGY) * min(point["life_energy"] for point in known)
    cheap = [point for point in known if point["life_energy"] <= limit]
    fewest = min(point["cells_per_weight"] for point in cheap)
    return max((point for point in cheap if point["cells_per_weight"] <= fewest), key=_merits)


def points_left_open(chosen: Record, points: list[Record]) -> list[Record]:
    """Return the points that could change the choice, if they were shown to meet what is required.

    Parameters
    ----------
    chosen : Record
        The point to choose, in a trade-off that was judged.
    points : list of Record
        All points.
    """
    left = [point for point in points if point["verdict"] == "not settled"]
    if chosen["meets"]:
        left = [point for point in left if _is_preferred(point, chosen)]
    return left


def _is_near(point: Record) -> tuple[bool, float]:
    """Order points that are left open: those that are accurate enough lack one thing only."""
    share = point["probability"]
    return point["accurate"] == "yes", -1.0 if math.isnan(share) else share


def _is_preferred(point: Record, chosen: Record) -> bool:
    """Return whether a point would be chosen instead, if it met what is required."""
    if math.isnan(point["life_energy"]):
        is_same = point["condition"] == chosen["condition"]
        return is_same and bool(point["cells_per_weight"] < chosen["cells_per_weight"])
    if math.isnan(chosen["life_energy"]):
        return True
    return bool(point["life_energy"] < chosen["life_energy"] / (1 + SAME_ENERGY))


def best_points(
    points: Iterable[Record], recommended: Mapping[str, Any] | None = None
) -> list[Record]:
    """Return of each condition and protection the network with the best verdict, in their order.

    "yes" comes before "not settled", and that before "no"; then comes the network whose verdict is
    nearest: the one that is accurate enough, of the largest yield at least where a yield is
    required, of the smallest loss at most (or the highest accuracy at least), of the least energy.
    The mean does not count: a network that is hardly known can have the best one.

    Parameters
    ----------
    points : iterable of Record
        Of product "tradeoff", judged or not.
    recommended : mapping, optional
        Labels of the point to choose, which stands for its place whatever the others are.
    """
    best: dict[tuple[str, str], tuple[tuple[float, ...], Record]] = {}
    for point in points:
        place, distance = (point["condition"], point["protection"]), _distance(point)
        if recommended and all(point[dim] == label for dim, label in recommended.items()):
            distance = (-math.inf, *distance)
        if place not in best or distance < best[place][0]:
            best[place] = distance, point
    return [point for _, point in best.values()]


def foremost_conditions(
    points: Sequence[Record], recommended: Mapping[str, Any] | None = None, *, most: int
) -> list[str]:
    """Return the conditions that a decision turns on, in their order; all where they are few.

    Of many, these are the recommended one, those with points on the front, and then those whose
    energy is nearest to that of the recommended one, or of the best point (`best_points`).

    Parameters
    ----------
    points : sequence of Record
        Of product "tradeoff".
    recommended : mapping, optional
        Labels of the recommended point.
    most : int
        So many conditions at the most.
    """
    names = list(dict.fromkeys(point["condition"] for point in points))
    if len(names) <= most:
        return names
    chosen = next((one for one in points if _has(one, recommended)), None)
    centre = min(points, key=_distance) if chosen is None else chosen
    ranks: dict[str, tuple[bool, bool, float]] = {}
    for point in points:
        name, apart = point["condition"], math.inf
        if point["energy_per_weight"] > 0 and centre["energy_per_weight"] > 0:
            apart = abs(math.log(point["energy_per_weight"] / centre["energy_per_weight"]))
        rank = (name != centre["condition"], not point["on_front"], apart)
        ranks[name] = min(rank, ranks.get(name, rank))
    kept = set(sorted(names, key=lambda name: ranks[name])[:most])
    return [name for name in names if name in kept]


def _has(point: Record, labels: Mapping[str, Any] | None) -> bool:
    return bool(labels) and all(point[dim] == label for dim, label in (labels or {}).items())


_FROM_BEST = ("yes", "not settled", "no", "")


def _distance(point: Record) -> tuple[float, ...]:
    """Order points by how far they are from being shown to meet what is required."""
    required = Requirements.of(point.attrs)
    verdicts = [
        float(_FROM_BEST.index(point[name])) if name in point else 0.0
        for name in ("verdict", "accurate")
    ]
    lacking = 0.0 if required.chip_yield is None else -point["chip_yield_low"]
    most = point["loss_high"] if required.subject == "loss" else -point["accuracy_low"]
    energy = point["life_energy"] if "life_energy" in point else point["energy_per_weight"]
    return (
        *verdicts,
        *(math.inf if math.isnan(value) else value for value in (lacking, most, energy)),
    )


def _nearness(point: Record) -> tuple[float, ...]:
    """Order points that do not meet what is required: what is not met is worse than what is open.

    Accuracy is first, then what else is in the way, then their merits.
    """
    if point["accurate"] != "yes":
        return (0.0, 0.0, *_merits(point))
    answers = [point.text(name) for name in BESIDE_ACCURACY if name in point]
    in_the_way = sum({"": 0.0, "yes": 0.0, "no": 2.0}.get(answer, 1.0) for answer in answers)
    return (1.0, -in_the_way, *_merits(point))


_MERITS: tuple[Callable[[Record], float], ...] = (
    lambda point: point["accuracy"],
    # Of an endurance that is known only to be less than a number nothing is claimed.
    lambda point: point["endurance"] if point["endurance_bound"] != "upper" else math.nan,
    lambda point: float(point["endurance_bound"] == "lower"),
    lambda point: -point["life_energy"],
)


def _merits(point: Record) -> tuple[float, ...]:
    """Order by accuracy, then endurance (a lower bound outlasts its number), then less energy."""
    values = (merit(point) for merit in _MERITS)
    return tuple(-math.inf if math.isnan(value) else value for value in values)
