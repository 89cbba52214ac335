"""The accuracy of a network on chips of one or many fault models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rramsim import schema
from rramsim.crossbar.faults import (
    ChipFaults,
    LayerFaults,
    by_layer,
    check_model,
    has_fresh_reads,
    in_one_layer,
    is_known_chip,
    mean_ber,
)
from rramsim.crossbar.from_conditions import shared_words
from rramsim.crossbar.protection import programming_pulses, protection_of
from rramsim.errors import (
    ArgumentError,
    InputError,
    device_name,
    file_path,
    on_progress,
    refused,
    whole_number,
)
from rramsim.files import held, make_folder
from rramsim.images.image_set import ImageSet
from rramsim.montecarlo.collect import measure
from rramsim.montecarlo.constant_neurons import constant_shares
from rramsim.montecarlo.estimate import ChipAccuracy, accuracy_columns, method_text
from rramsim.montecarlo.reestimate import reestimated_for
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.folded.checks import check_fresh_reads
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.model_files import IN_MEMORY, SavedNetwork, load_network, opened_network
from rramsim.network.scoring.certificate import certify
from rramsim.progress import OnProgress, silent
from rramsim.statistics.confidence import CONFIDENCE
from rramsim.study.stages.networks import images_for, training_ber_words
from rramsim.version import __version__

if TYPE_CHECKING:
    import xarray as xr

_MOST_LISTED = 8  # numbers of a list that the label of a fault model spells out


def evaluate(
    network: SavedNetwork | FoldedNetwork | str | Path,
    faults: ChipFaults | Iterable[ChipFaults],
    *,
    chips: int = 20,
    images: ImageSet | str | None = None,
    seed: int = 1,
    rule: StoppingRule | None = None,
    images_per_chip: int | Literal["auto"] | None = None,
    reestimate: bool = False,
    layer: int | None = None,
    neurons: bool = False,
    certificate: bool = False,
    device: str = "cpu",
    tallies: str | Path | None = None,
    progress: OnProgress | None = None,
) -> xr.Dataset:
    """Measure the accuracy of a network on chips with bit errors.

    For each fault model, chips are drawn and each is scored on all test images, or on some that are
    drawn for it (`images_per_chip`). The interval is that of the mean over chips, for this one set
    of test images.

    Parameters
    ----------
    network : SavedNetwork, FoldedNetwork or path
        What `train`, `import_module` or `load_network` give, or a model file.
    faults : fault model, or any number of them
        Which cells of a chip go wrong: `IidFaults`, ..., or an object of a class of your own
        (see `FaultModel`); with a code or another protection, what `protect` gives.
    chips : int
        Chips drawn for each fault model.
    images : ImageSet or str, optional
        The images the network was trained on, by default those its record names.
    seed : int
        Seed of the chips.
    rule : StoppingRule, optional
        When enough chips are scored, instead of the number `chips`.
    images_per_chip : int or "auto", optional
        Score each chip on so many of the test images, drawn for it; all by default. The mean over
        chips is then estimated by the difference to the network without errors on the same images,
        so that it stays the mean on all images, and where chips differ much the same precision
        costs less. The 5th-percentile chip is unknown then. Chips without chance (a BER of 0)
        keep all images. "auto" takes a `rule` with a half width and scores 30 chips on all images;
        where more are needed, their spread says on how many images each (`images_per_chip` of the
        result), and all images are kept where little would be saved. Chips on fewer images are
        enough from 60 on at the earliest, when the spread of the first 30 would be too. Where a few
        chips are far worse than the rest, many are needed in any case: give a number of `chips`.
    reestimate : bool
        Whether thresholds are estimated anew for each fault model, from training images on other
        chips; weights stay.
    layer : int, optional
        Errors in the cells of this layer only, counted from 1.
    neurons : bool
        Whether to also count, for each hidden layer, the neurons whose value is the same on all
        test images.
    certificate : bool
        Whether to also say how many flipped weights of the last layer each test image tolerates in
        the worst case, all other layers free of faults (`tolerated_flips` and `correct`, by
        `image`), and which share of the images is correct whichever so many flip
        (`certified_share`, by `flips`). It is exact, needs no chips and does not depend on
        `faults`.
    device : str
        ``"cpu"``, or ``"cuda"``; the results are the same.
    tallies : str or Path, optional
        A CSV file that keeps what each chip classified correctly: chips that it holds are not
        scored again, so that an interrupted call goes on, and one for more chips adds to it.
    progress : callable, optional
        Told how far it is.

    Returns
    -------
    xarray.Dataset
        Product "evaluation": accuracy, accuracy_low, accuracy_high, accuracy_p05, chips,
        images_per_chip, test_ber (of the weights as they are read), protection, cells_per_weight
        and pulses_per_weight, each by `faults`. With a half width, also `half_width_reached`: 0
        where the most chips were too few. The attributes `half_width` and `images_chosen` say what
        was asked.

    Raises
    ------
    InputError
        If the network, the images or a fault model cannot be used.

    Examples
    --------
    >>> import rramsim
    >>> network = rramsim.train("digits", network="64-32-10", epochs=2)
    >>> result = rramsim.evaluate(network, [rramsim.IidFaults(p) for p in (0.0, 0.4)], chips=3)
    >>> bool(result.accuracy[0] > result.accuracy[1]), result.chips.values.tolist()
    (True, [3, 3])
    >>> certain = rramsim.evaluate(network, rramsim.IidFaults(0.0), certificate=True)
    >>> bool(certain.certified_share.sel(flips=0) == certain.accuracy[0])
    True
    """
    progress, rule = on_progress(progress) or silent, _rule(rule, chips)
    device, seed = device_name(device), whole_number(seed, "seed")
    layer = None if layer is None else whole_number(layer, "layer")
    some = _images_per_chip(images_per_chip, rule)
    if certificate and reestimate:
        raise InputError(
            "certificate and reestimate were both given: the certificate is of one network, and "
            "reestimate makes another one for each fault model. Give one of the two."
        )
    models = _models(faults)
    saved, place = opened_network(network)
    folded = saved if isinstance(saved, FoldedNetwork) else saved.folded
    layers = len(folded.layers)
    planted = models if layer is None else [_in_layer(model, layer, layers) for model in models]
    image_set = images_for(saved, images, place)
    is_fresh = any(map(has_fresh_reads, planted))
    if is_fresh:
        _check_fresh(folded, device, {"neurons": neurons, "reestimate": reestimate})
    certified = _certified(folded, image_set, place) if certificate else {}
    networks = [folded] * len(planted)
    if reestimate:
        networks = _reestimated(saved, image_set, planted, seed, place, progress)
    tasks = _tasks(networks, planted, image_set, seed=seed, device=device, images_per_chip=some)
    estimates = [
        _of_known_chip(one) if is_known_chip(model) else one
        for model, one in zip(
            planted,
            _measured(
                tasks,
                tallies,
                rule=rule,
                fits_images=images_per_chip == "auto",
                on_chips=partial(progress, "drawing chips"),
            ),
            strict=True,
        )
    ]
    values = certified | accuracy_columns(estimates, (len(estimates),))
    values["chips"] = values.pop("maps")
    values["images_per_chip"] = [one.images for one in estimates]
    if rule.half_width:
        values["half_width_reached"] = [one.is_settled for one in estimates]
    values["test_ber"] = [_mean_ber(model, folded) for model in models]
    values["method"] = [one.method for one in estimates]
    values |= _protections(models, folded)
    coords: dict[str, Any] = {"faults": _labels(models)}
    if certificate:
        coords["flips"] = values.pop("flips")
    if neurons:
        values |= _neurons(tasks, chips=rule.chips, progress=progress)
        coords["layer"] = np.arange(1, layers)
    attrs = {
        **_attrs(saved, folded, image_set),
        "interval": method_text(estimates),
        "confidence": CONFIDENCE,
        "seed": seed,
        **({"half_width": rule.half_width} if rule.half_width else {}),
        **({"images_chosen": "auto"} if images_per_chip == "auto" else {}),
        **({} if layer is None else {"layer": layer}),
        **({"read_noise": "fresh"} if is_fresh else {}),
        **({"thresholds": "reestimated"} if reestimate else {}),
        **({"last_layer_weights": folded.output.signs.size} if certificate else {}),
    }
    return schema.make("evaluation", values, coords=coords, attrs=attrs)


def evaluate_files(
    files: Sequence[Path], faults: Sequence[ChipFaults], *, progress: OnProgress, **how: Any
) -> dict[Path, xr.Dataset]:
    """Return what `evaluate` says of each model file.

    Parameters
    ----------
    files : sequence of Path
    faults : sequence of fault models
    progress : callable
        Told how far all of them are.
    **how
        See `evaluate`.

    Raises
    ------
    InputError
        As `evaluate` does; or if two files are of one training, which would count twice.
    """
    met: dict[tuple[str, int], Path] = {}
    # All files are looked at before time goes into the first.
    for file in files:
        saved = load_network(file)
        if not saved.training_recipe:
            continue
        training = saved.training_recipe, saved.metadata["settings"]["seed"]
        if training in met:
            raise InputError(
                f"{file}: is the same training as {met[training]} (seed {training[1]}), which "
                "would count twice; give each training once."
            )
        met[training] = file

    def part(number: int) -> OnProgress:
        def tell(stage: str, done: int, total: int, note: str = "") -> None:
            progress(stage, number * total + done, len(files) * total, note)

        return tell

    return {
        file: evaluate(file, faults, progress=part(number), **how)
        for number, file in enumerate(files)
    }


def _measured(tasks: Sequence[Task], tallies: str | Path | None, **how: Any) -> list[ChipAccuracy]:
    if tallies is None:
        return measure(tasks, **how)
    file = file_path(tallies, "tallies")
    make_folder(file.parent)
    with held(file.with_name(f".{file.name}.lock"), str(file)):
        return measure(tasks, store=TallyStore(file), **how)


def _images_per_chip(value: object, rule: StoppingRule) -> int | None:
    """Return the images of each chip, None where they are all or not yet known."""
    if value is None:
        return None
    if value != "auto":
        return whole_number(value, "images_per_chip", 'a whole number from 1 on, or "auto"')
    if not rule.half_width:
        raise ArgumentError(
            "images_per_chip",
            " is auto without a half width, which says how well the mean is to be known; give one "
            "(a StoppingRule in Python, --half-width in a terminal), or a number of images.",
        )
    return None


def _rule(rule: object, chips: object) -> StoppingRule:
    if rule is None:
        accepted = "a whole number from 1 on (a StoppingRule is given as rule)"
        return StoppingRule(whole_number(chips, "chips", accepted))
    if isinstance(rule, StoppingRule):
        return rule
    raise refused("rule", rule, "a StoppingRule (a number of chips is given as chips)")


def _models(faults: ChipFaults | Iterable[ChipFaults]) -> list[ChipFaults]:
    """Return the fault models, one or many; `InputError` for what is none."""
    is_one = isinstance(faults, LayerFaults) or hasattr(faults, "draw")
    if is_one or isinstance(faults, str | Mapping) or not isinstance(faults, Iterable):
        models: list[Any] = [faults]
    else:
        models = list(faults)
    if not models:
        raise InputError("no fault model was given; one or more are needed.")
    for model in models:
        check_model(model)
    return models


def _in_layer(model: ChipFaults, layer: int, layers: int) -> LayerFaults:
    if isinstance(model, LayerFaults):
        raise InputError("Faults of each layer and a layer were both given; give one of the two.")
    return in_one_layer(model, layer=layer, layers=layers)


def _in_place(place: str, error: InputError) -> InputError:
    """Return what was refused with the file at fault; a network in memory is in the sentence."""
    return error if place == IN_MEMORY else InputError(f"{place}: {error}")


def _reestimated(
    saved: SavedNetwork | FoldedNetwork,
    images: ImageSet,
    faults: Sequence[ChipFaults],
    seed: int,
    place: str,
    progress: OnProgress,
) -> list[FoldedNetwork]:
    if not isinstance(saved, SavedNetwork):
        raise InputError(
            "A folded network has no batch norm, so thresholds cannot be re-estimated."
        )
    networks, stage = [], "estimating thresholds"
    for number, model in enumerate(faults):
        progress(stage, number, len(faults))
        try:
            networks.append(reestimated_for(saved, images.train_images, model, seed=seed))
        except InputError as error:
            raise _in_place(place, error) from error
    progress(stage, len(faults), len(faults))
    return networks


def _tasks(
    networks: Sequence[FoldedNetwork],
    faults: Sequence[ChipFaults],
    images: ImageSet,
    *,
    seed: int,
    device: str,
    images_per_chip: int | None,
) -> list[Task]:
    test = images.test_images, images.test_labels, images.content_id, device
    # One for each network: it is made ready for the images once.
    scored = {network.content_id: ScoredNetwork(network, *test) for network in networks}
    return [
        Task(scored[network.content_id], model, seed, images_per_chip=images_per_chip)
        for network, model in zip(networks, faults, strict=True)
    ]


def _of_known_chip(estimate: ChipAccuracy) -> ChipAccuracy:
    """Return the accuracy of the one chip that a map of wrong weights is."""
    words = (
        "Exact for the one chip whose wrong weights are known: nothing is drawn, and the test "
        "images are taken as fixed."
    )
    return replace(estimate, p05=math.nan, chips=1, sentences=(words,), is_settled=True)


def _mean_ber(model: ChipFaults, folded: FoldedNetwork) -> float:
    """Return the expected share of wrong weights, over layers with models of their own too."""
    if not isinstance(model, LayerFaults):
        return mean_ber(model, folded.hrs_share)
    models = by_layer(model, len(folded.layers))
    wrong = [
        mean_ber(one, float((layer.matrix > 0).mean())) * layer.matrix.size
        for one, layer in zip(models, folded.layers, strict=True)
    ]
    return math.fsum(wrong) / folded.weight_count


def _check_fresh(folded: FoldedNetwork, device: str, others: Mapping[str, bool]) -> None:
    """Refuse what fresh read noise cannot be scored with."""
    check_fresh_reads(folded, device)
    for name, is_asked in others.items():
        if is_asked:
            raise InputError(
                f"{name} was given with fresh read noise, but needs chips whose wrong cells stay; "
                "give frozen read noise with it."
            )


def _protections(models: Sequence[ChipFaults], folded: FoldedNetwork) -> dict[str, Any]:
    """Return how each model protects the weights, and what that takes."""
    weights = [layer.matrix for layer in folded.layers]
    pulses = [programming_pulses(model, weights) for model in models]
    shared = [shared_words(model) for model in models]
    return {
        "protection": [protection_of(model) for model in models],
        **({"shared": shared} if any(shared) else {}),
        "cells_per_weight": [one.cells_per_weight for one in pulses],
        "pulses_per_weight": [one.pulses_per_weight for one in pulses],
    }


def _neurons(tasks: Sequence[Task], *, chips: int, progress: OnProgress) -> dict[str, Any]:
    """Return the shares of hidden neurons that never change, by fault model and layer."""
    done = count(1)

    def on_chip() -> None:
        progress("watching neurons", next(done), chips * len(tasks))

    rows = [constant_shares(task, chips=chips, on_chip=on_chip) for task in tasks]
    return {
        "neurons": [one.neurons for one in rows[0]],
        "constant_share": [[one.share.estimate for one in row] for row in rows],
        "constant_share_low": [[one.share.low for one in row] for row in rows],
        "constant_share_high": [[one.share.high for one in row] for row in rows],
        "constant_share_method": [[one.share.method for one in row] for row in rows],
        "always_plus_share": [[one.plus_share for one in row] for row in rows],
        "always_minus_share": [[one.minus_share for one in row] for row in rows],
    }


def _certified(folded: FoldedNetwork, images: ImageSet, place: str) -> dict[str, Any]:
    """Return what flips in the last layer cannot change, by image and by number of flips."""
    try:
        found = certify(folded, images.test_images)
    except InputError as error:
        raise _in_place(place, error) from error
    correct = found.predictions == images.test_labels
    greatest = int(found.tolerated[correct].max(initial=-1))
    # Powers of 2, to the first that no image stands.
    flips, power = [0], 1
    while flips[-1] <= greatest and power <= folded.output.signs.size:
        flips.append(power)
        power *= 2
    return {
        "flips": flips,
        "certified_share": [np.mean(correct & (found.tolerated >= number)) for number in flips],
        "tolerated_flips": found.tolerated,
        "correct": correct.astype(np.int8),
    }


def _attrs(
    saved: SavedNetwork | FoldedNetwork, folded: FoldedNetwork, images: ImageSet
) -> dict[str, Any]:
    attrs: dict[str, Any] = {
        "rramsim_version": __version__,
        "images": images.name,
        "images_id": images.content_id,
        "test_images": len(images.test_labels),
        "network": str(folded),
        "network_id": folded.content_id,
        "convolutions": len(folded.convolutions),
        "training": "",
    }
    if isinstance(saved, SavedNetwork) and saved.training_ber is not None:
        stated = " (stated)" if "imported" in saved.metadata["settings"] else ""
        attrs["training"] = f"trained at BER {training_ber_words(saved)}{stated}"
        attrs["training_ber"] = saved.training_ber
    if isinstance(saved, SavedNetwork) and saved.training_recipe:
        attrs |= {
            "training_recipe": saved.training_recipe,
            "training_seed": saved.metadata["settings"]["seed"],
        }
    if isinstance(saved, SavedNetwork) and saved.fold is not None:
        attrs |= {"fold": saved.fold["number"], "folds": saved.fold["of"]}
    return attrs


def _labels(models: Sequence[ChipFaults]) -> list[str]:
    """Return the name and the numbers of each fault model; equal labels are numbered."""
    labels = [_words(model.identity()) or type(model).__name__ for model in models]
    taken, distinct = set(labels), list[str]()
    for place, label in enumerate(labels):
        numbered = label
        if label in labels[:place]:
            numbered = next(
                name for number in count(2) if (name := f"{label} ({number})") not in taken
            )
        taken.add(numbered)
        distinct.append(numbered)
    return distinct


def _words(value: object) -> str:
    """Return what an identity, or a part of it, says, with numbers exact."""
    if isinstance(value, Mapping):
        parts = {str(key): part for key, part in value.items() if key != "model"}
        name = str(value.get("model", ""))
        # The one parameter of `LayerFaults` needs no name beside that of the model.
        words = ", ".join(
            _words(part) if key == name else f"{key} {_words(part)}" for key, part in parts.items()
        )
        return f"{name}: {words}" if name and words else name or words
    if isinstance(value, list | tuple):
        if len(value) > _MOST_LISTED and not any(isinstance(part, Mapping) for part in value):
            return f"{len(value):,} values"
        return "; ".join(map(_words, value))
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return str(value)
