"""How a network is trained: all that is chosen besides the network, the images and the faults."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from rramsim.errors import InputError, number, refused, whole_number

LOSSES_WITH_MARGIN = ("hinge", "modified-hinge", "margin-cross-entropy")

LOSSES = ("cross-entropy", *LOSSES_WITH_MARGIN)

ACCEPTED: dict[str, tuple[float, float]] = {
    "epochs": (1, math.inf),
    "batch_size": (2, math.inf),
    "learning_rate": (1e-12, 1),
    "final_learning_rate": (1e-12, 1),
    "dropout": (0, 0.95),
    "input_dropout": (0, 0.95),
    "validation_share": (0, 0.5),
    "margin": (1e-6, 1e6),
    "shift": (0, 1000),
}
"""The least and the greatest value of each number of a method."""

_WHOLE = ("epochs", "batch_size", "shift")
_YES_OR_NO = ("batch_norm_gradient", "mirror", "straight_through")


RECIPES: dict[str, dict[str, dict[str, Any]]] = {
    "courbariaux2016": {
        "fully connected": {
            "epochs": 1000,
            "batch_size": 100,
            "learning_rate": 3e-3,
            "final_learning_rate": 3e-7,
            "dropout": 0.5,
            "input_dropout": 0.2,
            "loss": "hinge",
            "validation_share": 1 / 6,
        },
        "convolutional": {
            "epochs": 500,
            "batch_size": 50,
            "learning_rate": 1e-3,
            "final_learning_rate": 3e-7,
            "loss": "hinge",
            "validation_share": 0.1,
        },
    }
}
"""Published ways to train, by name and kind of network.

``"courbariaux2016"`` is what the public code of M. Courbariaux et al. 2016 (arXiv 1602.02830,
github.com/MatthieuCourbariaux/BinaryNet) sets for MNIST and for CIFAR-10; pixels enter from -1 to
+1."""


@dataclass(frozen=True)
class Method:
    """Settings of a training.

    Attributes
    ----------
    epochs : int
        Passes over the training images.
    batch_size : int
        Images an iteration; a remainder is spread over the batches.
    learning_rate, final_learning_rate : float
        Adam's rate in the first and the last epoch, before the scaling of each layer; it falls by
        one factor an epoch between.
    dropout : float
        Share of hidden activations dropped at each iteration.
    input_dropout : float
        Share of pixels that enter as 0 at each iteration.
    validation_share : float
        Share of the training images kept aside, drawn by the seed of the training. They choose the
        network: the result is the epoch that classifies most of them without bit errors, the later
        one of equals. Where it is 0 the result is the last epoch.
    batch_norm_gradient : bool
        Whether gradients pass the mean and the deviation of batch norm, as they do in real
        arithmetic. Without, the two are constants in the backward pass, as in some early codes.
    loss : str
        ``"cross-entropy"`` of the softmax, as in the paper; ``"hinge"``, squared, as in
        Courbariaux et al. 2016 (`losses.squared_hinge`); ``"margin-cross-entropy"``, our reading
        of Yayla and Kumar 2026 (`losses.margin_cross_entropy`); or ``"modified-hinge"`` of
        Buschjaeger et al. 2021 (`losses.modified_hinge`). The last one is of the integer sums of
        the last layer, which then has no batch norm, on the chip neither; the others are of
        batch-normed scores.
    margin : float, optional
        Of the losses but the cross-entropy, in units of the scores; None is what suits the loss and
        the network (`margin_for`).
    shift : int
        Training images are shifted by up to so many pixels each way, at random.
    mirror : bool
        Whether training images are mirrored left to right, every second one at random.
    straight_through : bool
        Whether gradients pass each layer by its weights without flips. The paper's adapted
        training computes the backward pass with the flipped ones, like the forward pass.

    Raises
    ------
    InputError
        If a setting is of another type or out of range, there is no such loss, or it has no margin.
    """

    epochs: int
    batch_size: int = 100
    learning_rate: float = 1e-2
    final_learning_rate: float = 1e-4
    dropout: float = 0.0
    input_dropout: float = 0.0
    validation_share: float = 0.0
    batch_norm_gradient: bool = True
    loss: str = "cross-entropy"
    margin: float | None = None
    shift: int = 0
    mirror: bool = False
    straight_through: bool = False

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise InputError(f"loss {self.loss!r}: accepted are {', '.join(LOSSES)}.")
        for name in _YES_OR_NO:
            if not isinstance(getattr(self, name), bool):
                raise refused(name, getattr(self, name), "True or False")
        for name, (low, high) in ACCEPTED.items():
            given = getattr(self, name)
            if name == "margin" and given is None:
                continue
            value = (whole_number if name in _WHOLE else number)(given, name)
            if not low <= value <= high:
                limits = f"{low} to {high}" if high < math.inf else f"{low} or more"
                raise InputError(f"{name.replace('_', ' ')} {value}: accepted is {limits}.")
            object.__setattr__(self, name, value)
        if self.margin is not None and self.loss not in LOSSES_WITH_MARGIN:
            raise InputError(
                f"margin {self.margin:g}: the loss {self.loss} has none; leave the margin out, or "
                f"set loss to one that has: {', '.join(LOSSES_WITH_MARGIN)}."
            )

    @classmethod
    def of_recipe(cls, name: str, *, convolutional: bool = False, **changes: Any) -> Method:
        """Return a published way to train; see `RECIPES`.

        Parameters
        ----------
        name : str
            ``"courbariaux2016"``.
        convolutional : bool
            Whether the network has convolutions.
        **changes
            Settings that differ from the recipe, such as ``epochs=20``.

        Raises
        ------
        InputError
            If there is no such recipe.

        Examples
        --------
        >>> Method.of_recipe("courbariaux2016", epochs=20).input_dropout
        0.2
        """
        if name not in RECIPES:
            raise InputError(f"recipe {name!r}: accepted are {', '.join(RECIPES)}.")
        kind = "convolutional" if convolutional else "fully connected"
        return cls(**{**RECIPES[name][kind], **changes})

    @property
    def drops(self) -> bool:
        """Whether there is any dropout."""
        return bool(self.dropout or self.input_dropout)

    @property
    def normed_scores(self) -> bool:
        """Whether the loss is of batch-normed scores, or else of the sums of the last layer."""
        return self.loss != "modified-hinge"

    def rate(self, epoch: int) -> float:
        """Return Adam's rate in an epoch, counted from 0, before the scaling of each layer."""
        progress = epoch / max(1, self.epochs - 1)
        factor: float = (self.final_learning_rate / self.learning_rate) ** progress
        return self.learning_rate * factor

    def margin_for(self, inputs: int) -> float:
        """Return the margin of the loss in a network whose last layer has so many inputs.

        Where none is given it is 1 for the squared hinge, as in the paper it is from, and 16 for
        the margin cross-entropy. The modified hinge is of sums, which grow with the layer: there it
        is an eighth of the inputs, up to 4 times their square root, the usual 128 at 1,024 inputs.
        The cross-entropy has no margin; 1 is what has always been on record of it.

        Examples
        --------
        >>> method = Method(1, loss="modified-hinge")
        >>> [method.margin_for(inputs) for inputs in (64, 256, 1024, 4096)]
        [8.0, 32.0, 128.0, 256.0]
        """
        if self.margin is not None:
            return self.margin
        if self.loss == "modified-hinge":
            return min(inputs / 8, 4 * math.sqrt(inputs))
        return 16.0 if self.loss == "margin-cross-entropy" else 1.0

    def settings(self) -> dict[str, Any]:
        """Return all fields, ready for JSON; the margin as it was given."""
        return asdict(self)


def check_shift(shift: int, image_shape: tuple[int, int, int]) -> None:
    """Refuse a shift that can move a whole image (channels, height, width) out of sight."""
    _, height, width = image_shape
    if shift >= min(height, width) and shift:
        raise InputError(
            f"shift of {shift} pixels: images of {width} x {height} pixels can be shifted "
            f"by at most {min(height, width) - 1}."
        )
