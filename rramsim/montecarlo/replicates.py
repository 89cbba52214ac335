"""How accurate networks of one recipe are: the mean over trainings, and what its interval contains.

A recipe is all that a training depends on but chance. Its replicates differ by the seed, and, where
a small image set is divided into folds, by the part that is tested.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rramsim import schema
from rramsim.decision.accuracy_loss import Loss
from rramsim.errors import InputError, refused
from rramsim.interval import Interval
from rramsim.statistics.confidence import CONFIDENCE, NORMAL_END, mean_of_resamples
from rramsim.version import __version__

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.images.image_set import ImageSet
    from rramsim.network.model_files import SavedNetwork

_Network = TypeVar("_Network")

_SHARED = ("network", "training", "training_ber", "images", "folds", "layer", "thresholds")
"""Attributes of an evaluation that are those of all replicates."""


# Networks of one recipe have the same layers, so a protection takes as many cells of each; only the
# pulses of a verified cell depend on its state, and those are of the first network.
_PROTECTION = ("protection", "cells_per_weight", "pulses_per_weight")


@dataclass(frozen=True, eq=False)
class StudyNetworks:
    """The networks of a study: several of each recipe, which differ by chance of training.

    Attributes
    ----------
    by_training_ber : mapping of float to tuple of SavedNetwork
        One a replicate.
    images : tuple of ImageSet
        Of each replicate, with the images that it is tested on.
    folds : int or None
        Number of parts of the image set, where each replicate is tested on one of them.
    """

    by_training_ber: Mapping[float, tuple[SavedNetwork, ...]]
    images: tuple[ImageSet, ...]
    folds: int | None = None


@dataclass(frozen=True)
class TrainingAccuracy:
    """Accuracy over several trainings of one recipe.

    Attributes
    ----------
    mean : Interval
        Mean over trainings.
    deviation : float
        Standard deviation between trainings.
    trainings : int
        Their number.
    sentences : tuple of str
        How the interval was made, and what it contains.
    """

    mean: Interval
    deviation: float
    trainings: int
    sentences: tuple[str, ...]

    @property
    def method(self) -> str:
        """`sentences` as one text."""
        return " ".join(self.sentences)


def over_trainings(
    accuracies: Sequence[float],
    *,
    folds: int | None = None,
    chips: Sequence[float] | None = None,
) -> TrainingAccuracy:
    """Estimate the mean accuracy of a recipe from that of several trainings.

    The interval is Student's, with a degree of freedom less than there are trainings. What differs
    from training to training is in it: all that a seed draws, the chips where they are drawn for
    each network, and in cross-validation the images. Networks of folds are alike, since they share
    most of their training images; the variance of their mean is therefore taken as the factor
    1/S + n_test / n_train of that between them, in place of 1/S (C. Nadeau and Y. Bengio,
    "Inference for the generalization error", Machine Learning 52, 2003, 239-281).

    Few trainings may agree by chance. Where chips are drawn, the variance of the mean is never
    less than that which they give it alone: the interval is the generalised one of
    `rramsim.decision.accuracy_loss.Loss`, and Student's where trainings differ far more than chips
    explain. What chips give alone is taken from the intervals of the networks, with each half
    width as that of a normal error; an interval of a sum that is made so covers 95 % or more,
    however few chips there are (S. K. Banerjee, Sankhya 22, 1960, 357-358).

    Parameters
    ----------
    accuracies : sequence of float
        One a training, at least two.
    folds : int, optional
        Parts of the image set, where each training was tested on one of them.
    chips : sequence of float, optional
        Where each accuracy is a mean over chips that were drawn for its network: half the width of
        its 95 % interval over them, NaN where one chip cannot tell.

    Examples
    --------
    >>> found = over_trainings([0.95, 0.96, 0.97])
    >>> [round(value, 4) for value in (found.mean.low, found.mean.high, found.deviation)]
    [0.9352, 0.9848, 0.01]
    >>> alike = over_trainings([0.75, 0.75], chips=[0.02, 0.02])
    >>> [round(value, 4) for value in (alike.mean.low, alike.mean.high)]
    [0.7359, 0.7641]
    """
    test_by_train = 0.0 if folds is None else 1.0 / (folds - 1)
    mean, deviation, half = mean_of_resamples(accuracies, test_by_train=test_by_train)
    count, of_chips = len(accuracies), _by_chips(chips or ())
    if of_chips > 0:
        factor = 1.0 / count + test_by_train
        # With `within` as what `chips` are before the factor, the variance of the mean is the
        # greater of what trainings and what chips give it.
        loss = Loss(1.0 - mean, count, deviation**2, of_chips / factor, factor, chips=of_chips)
        # Where trainings differ far more, `Loss` gives Student's interval but for rounding.
        half = max(half, loss.half_width)
    low, high = max(mean - half, 0.0), min(mean + half, 1.0)
    is_cut = (low, high) != (mean - half, mean + half)
    sentences = [
        _made(count, folds, is_by_chips=of_chips > 0),
        _contains(folds, on_chips=chips is not None),
    ]
    if is_cut:
        # By itself, so that what holds for all recipes of a table is not said twice.
        sentences.append("An interval that would go beyond 0 to 1 is cut to 0 to 1.")
    if folds is not None and count < folds:
        sentences.append(
            f"{count} of the {folds} folds are given, so not every image of the set was tested."
        )
    if deviation == 0:
        width = "" if of_chips > 0 else ", and the interval has no width"
        sentences.append(
            f"Where all {count} trainings gave the same accuracy no difference was seen{width}; "
            "further trainings may still differ."
        )
    interval = Interval(mean, low, high, method=sentences[0])
    return TrainingAccuracy(interval, deviation, count, tuple(sentences))


def _by_chips(half_widths: Sequence[float]) -> float:
    """Return the variance that the chips of the networks give the mean, as far as it is known."""
    known = [half for half in half_widths if not math.isnan(half)]
    return (math.hypot(*known) / NORMAL_END / len(half_widths)) ** 2 if known else 0.0


def _made(count: int, folds: int | None, *, is_by_chips: bool) -> str:
    text = (
        f"{100 * CONFIDENCE:g} % Student t interval of the mean over {count} "
        f"{'trainings' if folds is None else 'folds'} ({count - 1} degree"
        f"{'' if count == 2 else 's'} of freedom)"
    )
    if folds is not None:
        text += (
            f", with the variance of the mean taken as 1/{count} + 1/{folds - 1} of that between "
            "folds, since they share training images (Nadeau and Bengio 2003)"
        )
    if is_by_chips:
        text += (
            "; the variance of the mean is never less than that by the chips of each network alone "
            "(generalised interval, Weerahandi 1993)"
        )
    return text + "."


def _contains(folds: int | None, *, on_chips: bool) -> str:
    parts = ["of training (all that a seed draws)"]
    if folds is not None:
        parts.append("of which images train and which are tested")
    if on_chips:
        parts.append("of the chips drawn for each network")
    *others, last = parts
    contained = f"{', '.join(others)} and {last}" if others else last
    left_out = (
        "other images: all networks were tested on the same ones"
        if folds is None
        else "images from elsewhere"
    )
    return f"It contains the chance {contained}. It leaves out {left_out}."


def mean_over_trainings(evaluations: Iterable[xr.Dataset]) -> xr.Dataset:
    """Return the accuracy of a recipe: the mean over networks that differ by chance of training.

    Parameters
    ----------
    evaluations : iterable of xarray.Dataset
        What `evaluate` gave for each network, with the same fault models.

    Returns
    -------
    xarray.Dataset
        Product "training_accuracy": accuracy, accuracy_low, accuracy_high and accuracy_sd by
        `faults`, the mean over trainings and the standard deviation between them; what was found
        for each network by `training` (its seed) and `faults`. `method` says what the interval
        contains, and what it leaves out.

    Raises
    ------
    InputError
        If there are fewer than two, two are of one training, or they are of different recipes,
        fault models or ways of scoring.

    Examples
    --------
    >>> import rramsim
    >>> networks = rramsim.train_replicates("digits", trainings=3, network="64-16-10", epochs=1)
    >>> faults = rramsim.IidFaults(0.1)
    >>> found = rramsim.mean_over_trainings(
    ...     rramsim.evaluate(network, faults, chips=3) for network in networks
    ... )
    >>> bool(found.accuracy[0] == found.network_accuracy[:, 0].mean()), found.training.values
    (True, array([1, 2, 3]))
    """
    rows = _checked(evaluations)
    rows.sort(key=lambda row: int(row.attrs["training_seed"]))
    first = rows[0]
    folds = first.attrs.get("folds")
    accuracies, half_widths = (
        np.array([values(row) for row in rows]).T.tolist()
        for values in (lambda row: row["accuracy"].values, _half_widths)
    )
    found = [
        over_trainings(column, folds=folds, chips=chips)
        for column, chips in zip(accuracies, half_widths, strict=True)
    ]
    return schema.make(
        "training_accuracy",
        {
            "accuracy": [one.mean.estimate for one in found],
            "accuracy_low": [one.mean.low for one in found],
            "accuracy_high": [one.mean.high for one in found],
            "accuracy_sd": [one.deviation for one in found],
            "method": [one.method for one in found],
            **{name: first[name].values for name in _PROTECTION if name in first},
            **_of_networks(rows),
        },
        coords={
            "training": [int(row.attrs["training_seed"]) for row in rows],
            "faults": first["faults"].values.astype(str).tolist(),
        },
        attrs={
            "rramsim_version": __version__,
            **{name: first.attrs[name] for name in _SHARED if name in first.attrs},
            "training_recipe": first.attrs["training_recipe"],
            "interval": " ".join(dict.fromkeys(line for one in found for line in one.sentences)),
            "confidence": CONFIDENCE,
        },
    )


def _half_widths(row: xr.Dataset) -> NDArray[np.float64]:
    """Return half the width of each interval of a network over its chips, as before it was cut."""
    mean = row["accuracy"].values
    beside: NDArray[np.float64] = np.maximum(
        mean - row["accuracy_low"].values, row["accuracy_high"].values - mean
    )
    return beside


def _of_networks(rows: Sequence[xr.Dataset]) -> dict[str, Any]:
    """Return what was found for each network, by training, or by training and faults."""
    names = ("accuracy", "accuracy_low", "accuracy_high", "accuracy_p05", "method")
    return {
        **{f"network_{name}": [row[name].values for row in rows] for name in names},
        **{
            name: [row[name].values for row in rows]
            for name in ("chips", "images_per_chip", "test_ber")
        },
        **{
            name: [row.attrs[name] for row in rows]
            for name in ("network_id", "images_id", "test_images")
        },
        "chip_seed": [str(row.attrs["seed"]) for row in rows],
        "fold": [row.attrs.get("fold", -1) for row in rows],
    }


def by_recipe(
    networks: Mapping[Any, _Network], recipe: Callable[[_Network], str]
) -> list[dict[Any, _Network]]:
    """Return networks by recipe, in the order met; one whose recipe is not known is by itself.

    Parameters
    ----------
    networks : mapping
        Networks, or what was found for them, by any name.
    recipe : callable
        What says the recipe of one, empty where it is not known.

    Examples
    --------
    >>> by_recipe({"a": "plain", "b": "adapted", "c": "plain", "d": ""}, str)
    [{'a': 'plain', 'c': 'plain'}, {'b': 'adapted'}, {'d': ''}]
    """
    together: dict[Any, dict[Any, _Network]] = {}
    for name, network in networks.items():
        known = recipe(network)
        together.setdefault(known or (name,), {})[name] = network
    return list(together.values())


def _checked(evaluations: Iterable[xr.Dataset]) -> list[xr.Dataset]:
    """Return evaluations of replicates; `InputError` for any others."""
    if not isinstance(evaluations, Iterable):
        raise refused("evaluations", evaluations, "several datasets that evaluate gave")
    rows = list(evaluations)
    for row in rows:
        if getattr(row, "attrs", {}).get("product") != "evaluation":
            raise refused("evaluations", row, "datasets that evaluate gave")
    if len(rows) < 2:
        raise InputError(f"evaluations: {len(rows)} is given; a mean over trainings needs two.")
    seeds: set[int] = set()
    for row in rows:
        _check_same(rows[0], row)
        seed = int(row.attrs["training_seed"])
        if seed in seeds:
            raise InputError(
                f"evaluations: two are of the training with seed {seed}, which would count twice."
            )
        seeds.add(seed)
    return rows


def _check_same(first: xr.Dataset, row: xr.Dataset) -> None:
    recipes = [one.attrs.get("training_recipe", "") for one in (first, row)]
    if not all(recipes):
        raise InputError(
            "evaluations: one is of a network whose recipe is not known, since it was trained "
            "elsewhere; only networks of one recipe have a mean."
        )
    if recipes[0] != recipes[1]:
        raise InputError(
            "evaluations: only networks of one recipe have a mean, which differ by the seed or "
            f"the fold alone; found {_differences(*map(json.loads, recipes))}."
        )
    for name in ("layer", "thresholds"):
        values = [one.attrs.get(name, "all layers, as trained") for one in (first, row)]
        if values[0] != values[1]:
            raise InputError(f"evaluations: {name} differs ({values[0]} and {values[1]}).")
    faults = [one["faults"].values.astype(str).tolist() for one in (first, row)]
    if faults[0] != faults[1]:
        raise InputError(f"evaluations: fault models differ ({faults[0]} and {faults[1]}).")


def _differences(one: dict[str, Any], other: dict[str, Any]) -> str:
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return ", ".join(
        f"{name.replace('_', ' ')} {str(one.get(name))[:60]} and {str(other.get(name))[:60]}"
        for name in names
    )
