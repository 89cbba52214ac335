"""The networks of a study: how its settings train them, model files, and their images."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rramsim.errors import InputError
from rramsim.formatting import power
from rramsim.images.catalogue import load_images
from rramsim.images.folds import Fold
from rramsim.images.image_set import ImageSet
from rramsim.montecarlo.replicates import StudyNetworks
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.model_files import load_network
from rramsim.network.shape import DEFAULT_HIDDEN, NetworkShape, default_shape
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan, default_epochs, replicates
from rramsim.network.training.train import obtain_networks, told_as_stage
from rramsim.schema import did_you_mean, spelled_as
from rramsim.study.training_settings import (
    ErrorsTable,
    NetworkTable,
    TrainingFile,
    TrainingSettings,
)

if TYPE_CHECKING:
    from rramsim.network.model_files import SavedNetwork
    from rramsim.progress import OnProgress
    from rramsim.study.result_folder import ResultFolder
    from rramsim.study.settings import Study

DEFAULT_REPLICATES = 5
"""Trainings of each recipe, or folds, where a study does not say."""


def shape_for(settings: TrainingSettings, images: ImageSet) -> NetworkShape:
    """Return the network of the settings for these images; `InputError` where it does not fit."""
    network = settings.network
    # The recipes that there are let pixels enter from -1 to +1.
    signed = settings.training.recipe is not None
    if isinstance(network, NetworkTable):
        hidden = map(str, DEFAULT_HIDDEN) if network.hidden is None else network.hidden
        shape = NetworkShape.between(images, "-".join(hidden), width_factor=network.width_factor)
        signed = signed if network.signed_pixels is None else network.signed_pixels
    else:
        shape = NetworkShape.parse(network) if network else default_shape(images)
    return replace(shape, signed_levels=images.levels) if signed else shape


def method_for(settings: TrainingSettings, images: ImageSet) -> Method:
    """Return how the settings train networks on these images."""
    chosen = settings.training.model_dump(exclude={"recipe"})
    return Method(settings.epochs or default_epochs(images), **chosen)


def plan_for(
    settings: TrainingSettings,
    images: ImageSet,
    training_ber: float = 0.0,
    *,
    faults: RandomFlips | None = None,
) -> TrainingPlan:
    """Return the plan of one network.

    Parameters
    ----------
    settings : TrainingSettings
    images : ImageSet
    training_ber : float
        Bit-error rate met in training; 0 is plain training.
    faults : RandomFlips, optional
        Bit errors met in training that one rate does not describe, instead of `training_ber`.
    """
    if faults is None and training_ber:
        faults = RandomFlips.iid(training_ber, seed=settings.seed)
    return TrainingPlan(
        shape_for(settings, images),
        images,
        method_for(settings, images),
        settings.seed,
        faults=faults,
    )


_LONGEST, _SHORT = 24, 12
"""Letters of the images' name, and of the layers, in the name of a model file; what is left of a
longer name of images. So the name fits into a line of a terminal."""


def named_faults(settings: TrainingFile) -> dict[str, RandomFlips]:
    """Return the bit errors of `errors`, by name; `InputError` where they cannot be had."""
    return {table.name: _faults(table, seed=settings.seed) for table in settings.errors}


def _faults(table: ErrorsTable, *, seed: int) -> RandomFlips:
    by_condition = table.condition is not None
    if by_condition == bool(table.ber_lrs or table.ber_hrs) or by_condition != bool(
        table.conditions
    ):
        raise InputError(
            f"errors {table.name!r}: accepted are either ber_lrs and ber_hrs, or condition "
            "and conditions (a conditions file, such as rramsim fit -o writes)."
        )
    rates = (table.ber_lrs, table.ber_hrs)
    if table.condition is not None and table.conditions is not None:
        rates = _fitted_rates(table.conditions, table.condition)
    try:
        return RandomFlips(*rates, mixed=table.mixed, seed=seed)
    except InputError as error:
        raise InputError(f"errors {table.name!r}: {error}") from error


def _fitted_rates(file: str, condition: str) -> tuple[tuple[float], tuple[float]]:
    """Return the BERs of LRS and HRS of a condition in a conditions file."""
    from rramsim.readers.conditions import read_conditions

    conditions = read_conditions(file)
    known = [str(name) for name in conditions["condition"].values]
    condition = spelled_as(condition, known)
    if condition not in known:
        raise InputError(
            f"{file}: there is no condition {condition!r}.{did_you_mean(condition, known)} "
            f"Accepted are {', '.join(known)}."
        )
    row = conditions.sel(condition=condition)
    both = float(row.ber)
    # Only the mean is known of a condition whose BER was stated.
    lrs, hrs = (
        both if math.isnan(rate) else rate for rate in map(float, (row.ber_lrs, row.ber_hrs))
    )
    if math.isnan(lrs) or math.isnan(hrs):
        raise InputError(f"{file}: the BER of {condition!r} is not known, or only a bound.")
    return (lrs,), (hrs,)


def plans_by_file(settings: TrainingFile, folder: Path) -> dict[Path, TrainingPlan]:
    """Return the plans of all networks of a training file, by the model files they end in.

    Raises
    ------
    InputError
        If the images or the network cannot be used, or two networks end in one file.
    """
    # What is mistyped is told before anything is downloaded.
    if isinstance(settings.network, str):
        NetworkShape.parse(settings.network)
    faults = named_faults(settings)
    images = load_images(settings.images)
    bers = settings.training_bers or (() if faults else (0.0,))
    plain = plan_for(settings, images)
    signed = "-signed" if plain.shape.signed_levels else ""
    layers = _short(f"{plain.shape}{signed}", f"{plain.shape.layer_count}-layers")
    first = f"{_short(images.name, images.name[:_SHORT])}-{layers}"
    recipes = {f"training-ber-{ber!r}": plan_for(settings, images, ber) for ber in bers}
    for name, flips in faults.items():
        if name in recipes:
            raise InputError(
                f"errors {name!r}: the file of this name is that of another network of this "
                "training; accepted is any other name."
            )
        try:
            flips.check_fits(plain.shape.layer_count)
        except InputError as error:
            raise InputError(f"errors {name!r}: {error}") from error
        recipes[name] = replace(plain, faults=flips)
    return {
        folder / f"{first}-{name}{suffix}.safetensors": replicate
        for name, recipe in recipes.items()
        for suffix, replicate in replicates(
            recipe, trainings=settings.trainings, folds=settings.folds
        ).items()
    }


def _short(text: str, instead: str) -> str:
    """Return a text for the name of a file or, of a long one, another with some of its hash.

    A model file says in full what it holds, so its name need only be its own.
    """
    if len(text) <= _LONGEST:
        return text
    return f"{instead}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def replicates_of(study: Study, images: ImageSet) -> tuple[int, int | None]:
    """Return how many trainings of each recipe a study has, and how many folds if any."""
    if study.models:
        return 1, None
    if study.trainings is not None or study.folds is not None:
        return study.trainings or 1, study.folds
    if images.has_own_test:
        return DEFAULT_REPLICATES, None
    labels = np.concatenate([images.train_labels, images.test_labels])
    folds = min(DEFAULT_REPLICATES, int(np.bincount(labels, minlength=images.class_count).min()))
    return (1, folds) if folds > 1 else (DEFAULT_REPLICATES, None)


def train_networks(
    study: Study,
    images: ImageSet,
    folder: ResultFolder,
    *,
    device: str,
    on_progress: OnProgress,
) -> StudyNetworks:
    """Return the networks of each training BER, trained unless their files are in the folder."""
    trainings, folds = replicates_of(study, images)
    plans = {
        training_ber: replicates(
            plan_for(study, images, training_ber), trainings=trainings, folds=folds
        )
        for training_ber in study.training_bers
    }
    trained = iter(
        obtain_networks(
            [
                (plan, folder.model(training_ber, suffix))
                for training_ber, several in plans.items()
                for suffix, plan in several.items()
            ],
            images_from=study.images,
            on_epochs=told_as_stage(on_progress),
            device=device,
        )
    )
    networks = {
        training_ber: tuple(next(trained) for _ in several)
        for training_ber, several in plans.items()
    }
    first = next(iter(plans.values()))
    return StudyNetworks(networks, tuple(plan.images for plan in first.values()), folds)


def load_models(study: Study, images: ImageSet) -> StudyNetworks | None:
    """Return the networks of the study's model files, None if it names none.

    Several with one training BER are trainings of one recipe, if they differ by the seed alone.

    Raises
    ------
    InputError
        If a file cannot be used, was trained on other images, does not say at what BER, is of
        another recipe than those of its training BER, or training BERs have other seeds.
    """
    networks: dict[float, dict[int, SavedNetwork]] = {}
    for file in study.models:
        saved = load_network(Path(file))
        training_ber = saved.metadata["training_ber"]
        if saved.fold is not None:
            raise InputError(
                f"{file}: tests fold {saved.fold['number']} of {saved.fold['of']}, and a "
                "study scores all networks on one set of test images; accepted are networks that "
                "were trained without folds."
            )
        if saved.metadata["images_id"] != images.content_id:
            raise InputError(
                f"{file}: was trained on the images {saved.metadata['images']!r}, which are not "
                f"those of the study ({images.name}); name them by the setting images."
            )
        if training_ber is None:
            raise InputError(
                f"{file}: has no training BER; networks of a study are distinguished by it, so "
                f"each "
                "model needs one (0 for plain training)."
            )
        several = networks.setdefault(training_ber, {})
        seed = saved.metadata["settings"].get("seed", 0)
        first = next(iter(several.values()), saved)
        if seed in several or first.training_recipe != saved.training_recipe:
            raise InputError(
                f"{file}: has the training BER {training_ber} of another model; accepted beside it "
                "are trainings of the same recipe with other seeds."
            )
        several[seed] = saved
    if not networks:
        return None
    _check_seeds(networks)
    return StudyNetworks(
        {ber: tuple(of[seed] for seed in sorted(of)) for ber, of in sorted(networks.items())},
        (images,) * len(next(iter(networks.values()))),
    )


def _check_seeds(networks: Mapping[float, Mapping[int, SavedNetwork]]) -> None:
    """Refuse training BERs whose trainings cannot be paired."""
    (first, of_first), *others = networks.items()
    for ber, several in others:
        # Of single networks nothing is claimed of other trainings.
        if set(several) != set(of_first) and not len(several) == len(of_first) == 1:
            words = [
                f"seeds {', '.join(map(str, sorted(of)))} of the training BER {one:g}"
                for one, of in ((first, of_first), (ber, several))
            ]
            raise InputError(
                f"models: found {' and '.join(words)}; trainings are compared seed by seed, so "
                "give the same seeds of each."
            )


def training_ber_words(network: SavedNetwork) -> str:
    """Return the BER of a training: "(mean)" of unequal states or layers, "up to" of mixed ones."""
    ber: float = network.metadata["training_ber"]
    faults = network.metadata["settings"].get("faults") or f"BER {ber!r}"
    alike = str(faults).removesuffix(", mixed")
    # A number of the user's own is not to be rounded to look like another.
    words = power(ber, digits=12) if alike == f"BER {ber!r}" else f"{power(ber, digits=3)} (mean)"
    return words if alike == faults else f"up to {words}"


def images_for(
    network: SavedNetwork | FoldedNetwork, images: ImageSet | str | None, place: str
) -> ImageSet:
    """Return the images to score a network on: those it was trained on, or given ones.

    Parameters
    ----------
    network : SavedNetwork or FoldedNetwork
    images : ImageSet or str or None
        Of a folded network they must be given.
    place : str
        The file of the network, for messages.
    """
    if not isinstance(network, FoldedNetwork):
        return images_of(place, network, images)
    if images is None:
        raise InputError(
            "A folded network has no record of the images it was trained on; give them."
        )
    return images if isinstance(images, ImageSet) else load_images(images)


def images_of(
    model: Path | str, network: SavedNetwork, named: ImageSet | str | None = None
) -> ImageSet:
    """Load the images a network was trained on, the test images of its fold if it has one.

    Parameters
    ----------
    model : Path or str
        Its file, for the message.
    network : SavedNetwork
    named : ImageSet or str, optional
        The images, or their name or folder, where it is not the one in the model file any more.

    Raises
    ------
    InputError
        If they cannot be loaded or are others: test images may then have been trained on.
    """
    name = str(network.metadata["images"])
    try:
        images = named if isinstance(named, ImageSet) else load_images(named or name)
    except InputError as error:
        if named is not None:
            raise
        raise InputError(
            f"{model}: was trained on the images {name!r}, which cannot be loaded by that "
            f"name ({error}) If they are a folder of yours, name it with --images."
        ) from error
    fold = network.fold
    if fold is not None and images.content_id == fold["images_id"]:
        images = Fold(fold["number"], of=fold["of"], seed=fold["seed"]).apply(images)
    if images.content_id != network.metadata["images_id"]:
        given = images.name if isinstance(named, ImageSet) else named or name
        raise InputError(
            f"{model}: was trained on the images {name!r} (content id "
            f"{network.metadata['images_id'][:12]}), but {given!r} holds others "
            f"({images.content_id[:12]}), whose test images may have been trained on. Name the "
            "images it was trained on with --images."
        )
    return images
