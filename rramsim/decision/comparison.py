"""Finished studies side by side: what they have in common, and which differences are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rramsim.decision.recommendation import Recommendation
from rramsim.schema import POINT, Interval, Record, label_key, records

if TYPE_CHECKING:
    import xarray as xr

# Differences below this are those of rounding.
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class FinishedStudy:
    """What is known of one study.

    Attributes
    ----------
    name : str
        Where it lies.
    inputs : mapping of str to object
        Version, content hashes of files, settings and requirements by name.
    networks : mapping of str to object
        What its networks follow from: those of two studies are the same where this is.
    tradeoff : xarray.Dataset
        Product "tradeoff", judged.
    recommendation : Recommendation
    """

    name: str
    inputs: Mapping[str, object]
    networks: Mapping[str, object]
    tradeoff: xr.Dataset
    recommendation: Recommendation

    @property
    def points(self) -> dict[tuple[Any, ...], Record]:
        """The points by their labels, by condition, then by protection.

        A label is the same however it is spelled (`rramsim.schema.label_key`).
        """
        points = records(self.tradeoff, *reversed(POINT))
        return {_labels(point): point for point in points if point["verdict"]}

    @property
    def chosen(self) -> Record:
        """The point that is recommended."""
        return self.points[_labels(self.recommendation.labels)]


def _labels(point: Mapping[str, Any] | Record) -> tuple[Any, ...]:
    labels = (point[dim] for dim in POINT)
    return tuple(label_key(one) if isinstance(one, str) else one for one in labels)


@dataclass(frozen=True, eq=False)
class SharedPoint:
    """A point that all studies have.

    Attributes
    ----------
    points : tuple of Record
        Of each study.
    losses : tuple of Interval
        What the loss of each study after the first is more than that of the first.
    """

    points: tuple[Record, ...]
    losses: tuple[Interval, ...]

    @property
    def differs(self) -> bool:
        """Whether a loss differs beyond the intervals, or a verdict does."""
        verdicts = {point["verdict"] for point in self.points}
        return len(verdicts) > 1 or any(map(is_beyond, self.losses))


@dataclass(frozen=True, eq=False)
class StudyComparison:
    """Studies side by side; the first is what the others are compared with.

    Attributes
    ----------
    studies : tuple of FinishedStudy
    inputs : mapping of str to tuple
        What differs in the inputs: a value for each study, None where it has none.
    points : tuple of SharedPoint
    has_same_networks : bool
    """

    studies: tuple[FinishedStudy, ...]
    inputs: Mapping[str, tuple[object, ...]]
    points: tuple[SharedPoint, ...]
    has_same_networks: bool


def compared(studies: Sequence[FinishedStudy]) -> StudyComparison:
    """Compare studies with the first of them."""
    first, *others = studies
    names = dict.fromkeys(name for study in studies for name in study.inputs)
    values = {name: tuple(study.inputs.get(name) for study in studies) for name in names}
    by_labels = [study.points for study in studies]
    shared = [
        tuple(points[labels] for points in by_labels)
        for labels in by_labels[0]
        if all(labels in points for points in by_labels)
    ]
    return StudyComparison(
        studies=tuple(studies),
        inputs={name: of_all for name, of_all in values.items() if len(set(map(repr, of_all))) > 1},
        points=tuple(
            SharedPoint(points, tuple(difference(points[0], one, "loss") for one in points[1:]))
            for points in shared
        ),
        has_same_networks=all(study.networks == first.networks for study in others),
    )


def difference(first: Record, second: Record, name: str) -> Interval:
    """Return by how much a variable of the second is more, from the intervals of both.

    Both ends are those of estimates that are independent (G. Y. Zou and A. Donner, Statistics in
    Medicine 27, 2008, 1693-1702). What two studies have in common, such as networks and test
    images, makes the difference better known than that.

    Examples
    --------
    >>> import xarray as xr
    >>> from rramsim.schema import records
    >>> def place(loss, half):
    ...     return records(xr.Dataset({"loss": loss, "loss_low": loss - half,
    ...                                "loss_high": loss + half}))[0]
    >>> more = difference(place(0.01, 0.003), place(0.02, 0.004), "loss")
    >>> round(more.estimate, 6), round(more.low, 6), round(more.high, 6)
    (0.01, 0.005, 0.015)
    """
    one, other = first.interval(name), second.interval(name)
    more = other.estimate - one.estimate
    below = math.hypot(other.estimate - other.low, one.high - one.estimate)
    above = math.hypot(other.high - other.estimate, one.estimate - one.low)
    return Interval(more, more - below, more + above)


def is_beyond(more: Interval) -> bool:
    """Return whether a difference is beyond what its interval leaves open."""
    return abs(more.estimate) > _SAME and (more.low > 0.0 or more.high < 0.0)
