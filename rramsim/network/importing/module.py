"""Networks trained elsewhere: a user's own torch module taken over as a folded network."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rramsim.errors import InputError, number, refused
from rramsim.images.image_set import ImageSet
from rramsim.network.importing.layers import Prepare, map_layers
from rramsim.network.importing.operations import BATCH
from rramsim.network.importing.trace import check_data, trace_module
from rramsim.network.model_files import SavedNetwork
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.version import __version__

DIFFERING_SHARE = 0.001
"""Of the test images: how many may be classified otherwise than by the module, rounded up."""

TIE_TOLERANCE = 1e-5
"""Of the greater of two scores: those no further apart are equal but for rounding in float32."""

_BATCH_IMAGES = 500


def import_module(
    module: nn.Module,
    images: ImageSet,
    *,
    scale: float = 1.0,
    offset: float | Sequence[float] = 0.0,
    training_ber: float | None = None,
    images_from: str | None = None,
) -> SavedNetwork:
    """Take over a torch module made of sign-weight layers, batch norm and sign.

    The module is traced and run, never changed: how it binarizes is found by what its `forward`
    computes. Thresholds are bisected on its own operations, in float32 on the CPU. Then module
    and folded network classify all test images, and the record says how many predictions differ
    (``differing_predictions``); they can where a sum lies within rounding of a threshold, or
    where two scores are equal but for rounding: a chip has whole sums, and the first class wins.

    Parameters
    ----------
    module : Module
        From inputs, shape (images, features), to scores, shape (images, classes); where it holds
        filters, from inputs of shape (images, channels, height, width).
    images : ImageSet
        What it was trained on; the test images verify the result.
    scale, offset : float
        Its inputs are ``scale * pixel + offset``, of whole-number pixels. After torchvision's
        ToTensor and Normalize(mean, std) they are 1 / (255 std) and -mean / std. The offset may
        differ by channel, if no convolution pads it with zeros.
    training_ber : float, optional
        The bit-error rate it was adapted to, 0 for plain training; without, it is unknown.
    images_from : str, optional
        The name or folder `images` were loaded from, for the record; their name by default.

    Returns
    -------
    SavedNetwork
        Network and record, to be written by `save_network`. What
        rramsim does not know of the training is None: epochs, seed, and a training BER not
        stated.

    Raises
    ------
    InputError
        If the module does what a chip cannot, or classifies more test images otherwise than the
        folded network (`DIFFERING_SHARE`), not counting equal scores; the message names the layer.

    Examples
    --------
    One layer of sign weights, as it is before any training:

    >>> import torch, rramsim
    >>> class Scores(torch.nn.Linear):
    ...     def forward(self, pixels):
    ...         return pixels @ torch.where(self.weight >= 0, 1.0, -1.0).T
    >>> _ = torch.manual_seed(1)
    >>> digits = rramsim.load_images("digits")
    >>> network = rramsim.import_module(Scores(64, 10, bias=False), digits, scale=1 / 16)
    >>> network.folded.widths, network.metadata["differing_predictions"]
    ((64, 10), 0)
    """
    _check_module(module)
    if not isinstance(images, ImageSet):
        raise refused("images", images, "an ImageSet, as load_images gives")
    if training_ber is not None:
        training_ber = number(training_ber, "training_ber", "a bit-error rate from 0 to 1")
    if training_ber is not None and not 0 <= training_ber <= 1:
        raise InputError(f"training_ber is {training_ber}; a bit-error rate lies in 0..1.")
    scale = number(scale, "scale")
    own = copy.deepcopy(module).cpu().float().eval()
    check_data(own)
    inputs = _inputs_of(own, images, scale=scale, offset=offset)
    scores = _scores(own, inputs, images)
    expected = scores.argmax(axis=1)
    input_chain, stages = trace_module(
        own, inputs(images.test_images[np.zeros(BATCH, dtype=np.int64)])
    )
    folded = map_layers(input_chain, stages, images, prepare=inputs)
    predictions = Evaluator(folded, images.test_images, images.test_labels).predictions()
    differing = int(np.count_nonzero(predictions != expected))
    # What is not finite is no score, and no tie.
    apart = int(np.count_nonzero(~(_lead(scores, expected, predictions) <= TIE_TOLERANCE)))
    if apart > math.ceil(DIFFERING_SHARE * len(expected)):
        raise InputError(
            f"The folded network classifies {apart} of {len(expected)} test images otherwise "
            f"than the module {type(module).__name__}. Likely causes: torch.sign gives 0 for a sum "
            "of exactly 0, where a chip gives +1 (use x >= 0); or forward depends on the other "
            "images of a batch."
        )
    record: dict[str, Any] = {
        "training_ber": None if training_ber is None else float(training_ber),
        "accuracy": float((predictions == images.test_labels).mean()),
        "epochs": None,
        "seed": None,
        "images": images.name if images_from is None else images_from,
        "images_id": images.content_id,
        "settings": {
            "imported": type(module).__name__,
            "scale": float(scale),
            "offset": np.asarray(offset, dtype=float).tolist(),
        },
        "history": [],
        "version": __version__,
        "differing_predictions": differing,
        "test_images": len(expected),
    }
    return SavedNetwork(folded, record)


def _lead(
    scores: NDArray[np.float32], classes: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return by how much scores of some classes exceed those of others, in parts of the greater."""
    images = np.arange(len(scores))
    one, other = (scores[images, which].astype(np.float64) for which in (classes, others))
    greater = np.maximum(np.maximum(abs(one), abs(other)), np.finfo(np.float64).tiny)
    with np.errstate(invalid="ignore"):
        lead: NDArray[np.float64] = (one - other) / greater
    return lead


def _check_module(module: object) -> None:
    if isinstance(module, nn.Module):
        return
    if isinstance(module, Mapping | str | Path):
        what, load = f"the path {str(module)!r}", "torch.load(path)"
        if isinstance(module, Mapping):
            what, load = f"a state dict of {len(module)} entries", "state_dict"
        raise InputError(
            f"module is {what}, which does not say what the network computes: build its module, "
            f"load the weights into it by module.load_state_dict({load}), and give the module."
        )
    raise refused("module", module, "a torch.nn.Module")


def _inputs_of(
    module: nn.Module, images: ImageSet, *, scale: float, offset: float | Sequence[float]
) -> Prepare:
    """Return what makes the inputs of a module from pixels of shape (images, features)."""
    try:
        offsets = np.asarray(offset, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise refused("offset", offset, "a number, or one for each channel") from None
    channels = images.image_shape[0]
    if not (math.isfinite(scale) and scale and np.isfinite(offsets).all()):
        raise InputError(f"scale {scale}, offset {offset}: must be finite, and the scale not 0.")
    if len(offsets) not in (1, channels):
        raise InputError(
            f"offset {offset}: the images {images.name} have {channels} channels; give one "
            "number, or one for each channel."
        )
    factor = torch.tensor(scale, dtype=torch.float32)
    shift = torch.from_numpy(offsets).float().reshape(-1, 1, 1)
    flat = not any(parameter.ndim == 4 for parameter in module.parameters())

    def prepare(pixels: NDArray[np.uint8]) -> torch.Tensor:
        whole = torch.from_numpy(pixels.astype(np.float32)).reshape(-1, *images.image_shape)
        inputs = whole * factor + shift
        return inputs.flatten(1) if flat else inputs

    return prepare


@torch.no_grad()
def _scores(module: nn.Module, inputs: Prepare, images: ImageSet) -> NDArray[np.float32]:
    """Return the scores the module itself gives the test images, (images, classes)."""
    scored = [np.empty((0, images.class_count), dtype=np.float32)]
    for start in range(0, len(images.test_images), _BATCH_IMAGES):
        batch = inputs(images.test_images[start : start + _BATCH_IMAGES])
        try:
            scores = module(batch)
        except Exception as error:  # whatever a user's forward raises
            raise InputError(
                f"The module {type(module).__name__} cannot take inputs of shape "
                f"{tuple(batch.shape)} ({error})."
            ) from error
        if not isinstance(scores, torch.Tensor) or scores.shape != (
            len(batch),
            images.class_count,
        ):
            shape = tuple(getattr(scores, "shape", ()))
            raise InputError(
                f"The module {type(module).__name__} must return scores of shape "
                f"{(len(batch), images.class_count)}, one for each class of {images.name}; "
                f"found {type(scores).__name__} {shape}."
            )
        scored.append(scores.numpy())
    return np.concatenate(scored)
