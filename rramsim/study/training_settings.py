"""Settings of networks to train, as they stand in a training file or in a study file."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from rramsim.network.training.method import ACCEPTED, LOSSES_WITH_MARGIN, RECIPES
from rramsim.study.settings_files import Settings

Ber = Annotated[float, Field(ge=0.0, lt=0.5)]
"""A training BER. From 0.5 on a weight carries no information."""


def _limited(name: str, default: Any) -> Any:
    """Return a field with the limits of the method, so that what is refused names its key."""
    low, high = ACCEPTED[name]
    return Field(default=default, ge=low, le=high if high < math.inf else None)


class NetworkTable(Settings):
    """A network.

    Attributes
    ----------
    hidden : tuple of str or None
        Layers between the images and the classes: widths ("1024"), filters of 3 x 3 ("128C3")
        and 2 x 2 pooling ("MP2"); None chooses by the images.
    width_factor : float
        All widths and numbers of filters are multiplied by it.
    signed_pixels : bool or None
        Whether black enters the first layer as -1 and white as +1, as in the paper; otherwise
        black enters as 0, which bears bit errors better where images are mostly black. None is
        what the recipe says, without one that black is 0.
    """

    hidden: tuple[str, ...] | None = None
    width_factor: float = Field(default=1.0, gt=0.0)
    signed_pixels: bool | None = None


class MethodTable(Settings):
    """How networks are trained.

    Attributes
    ----------
    recipe : str or None
        "courbariaux2016", what the public code of Courbariaux et al. 2016 sets: all that is not
        given below, the epochs and the pixels (from -1 to +1) are taken from it.
    batch_size : int
        Images an iteration.
    learning_rate, final_learning_rate : float
        Adam's rate in the first and the last epoch; it falls by one factor an epoch between.
    dropout : float
        Share of hidden activations dropped at each iteration.
    input_dropout : float
        Share of pixels that enter as 0 at each iteration.
    validation_share : float
        Share of the training images kept aside: the result is the epoch that is best on them.
    batch_norm_gradient : bool
        Whether gradients pass the mean and the deviation of batch norm, as they should.
    loss : str
        "cross-entropy", "hinge" (squared), "margin-cross-entropy", or "modified-hinge", which is of
        the integer sums of the last layer.
    margin : float or None
        Of the losses but the cross-entropy, in units of the scores; None is 1 for "hinge", 16 for
        "margin-cross-entropy", and for "modified-hinge" what suits the inputs of the last layer.
    shift : int
        Training images are shifted by up to so many pixels each way, at random.
    mirror : bool
        Whether every second training image is mirrored left to right, at random.
    straight_through : bool
        Whether gradients pass layers by their weights without flips; in the paper's adapted
        training they pass by the flipped ones.
    """

    recipe: Literal["courbariaux2016"] | None = None
    batch_size: int = _limited("batch_size", 100)
    learning_rate: float = _limited("learning_rate", 1e-2)
    final_learning_rate: float = _limited("final_learning_rate", 1e-4)
    dropout: float = _limited("dropout", 0.0)
    input_dropout: float = _limited("input_dropout", 0.0)
    validation_share: float = _limited("validation_share", 0.0)
    batch_norm_gradient: bool = True
    loss: Literal["cross-entropy", "hinge", "modified-hinge", "margin-cross-entropy"] = (
        "cross-entropy"
    )
    margin: float | None = _limited("margin", None)
    shift: int = _limited("shift", 0)
    mirror: bool = False
    straight_through: bool = False

    @field_validator("margin")
    @classmethod
    def _of_a_loss_that_has_one(cls, value: float | None, info: ValidationInfo) -> float | None:
        loss = info.data.get("loss")
        if value is None or loss is None or loss in LOSSES_WITH_MARGIN:
            return value
        raise ValueError(f"none with the loss {loss!r}; {', '.join(LOSSES_WITH_MARGIN)} have one")


class ErrorsTable(Settings):
    """Bit errors that one network is adapted to.

    Attributes
    ----------
    name : str
        Of the network, for its file.
    ber_lrs, ber_hrs : tuple of float
        Probability that a weight in LRS or HRS is flipped: one for all layers, or one a layer.
    condition : str or None
        Instead of these: a programming condition of the file `conditions`, whose fitted BERs of
        LRS and HRS are taken.
    conditions : str or None
        A conditions file, such as `rramsim fit -o` writes.
    mixed : bool
        Whether the probabilities of an iteration are multiplied by a number that is drawn for it,
        uniform in 0 to 1.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    ber_lrs: tuple[Ber, ...] = ()
    ber_hrs: tuple[Ber, ...] = ()
    condition: str | None = None
    conditions: str | None = None
    mixed: bool = False

    @field_validator("ber_lrs", "ber_hrs", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float) else value


class TrainingSettings(Settings):
    """Which networks to train, and how.

    Attributes
    ----------
    images : str
        The name of an image set, or a folder.
    network : str, table or None
        Layers, such as ``"784-512-512-10"``, or a table with `hidden` layers and a
        `width_factor`; None chooses by the images.
    training_bers : tuple of float
        One network is trained with each; 0 is plain training.
    epochs : int or None
        Passes over the images; None chooses by the images.
    training : table
        How networks are trained; see `MethodTable`.
    seed : int
        Seed of everything that is drawn.
    """

    images: str = "digits"
    network: str | NetworkTable | None = None
    training_bers: tuple[Ber, ...] = Field(default=(0.0,))
    epochs: int | None = _limited("epochs", None)
    training: MethodTable = MethodTable()
    seed: int = Field(default=1, ge=0, lt=2**63)

    @model_validator(mode="before")
    @classmethod
    def _with_recipe(cls, fields: Any) -> Any:
        """Put what the recipe says where nothing is given, so that all of it is on record."""
        training = fields.get("training") if isinstance(fields, dict) else None
        if not isinstance(training, dict) or str(training.get("recipe")) not in RECIPES:
            return fields
        recipes = RECIPES[str(training["recipe"])]
        network = fields.get("network")
        layers = network.get("hidden") if isinstance(network, dict) else network
        convolutional = "C3" in str(layers)
        values = dict(recipes["convolutional" if convolutional else "fully connected"])
        epochs = values.pop("epochs")
        given = {name: value for name, value in training.items() if value is not None}
        return {
            **fields,
            "epochs": fields.get("epochs") or epochs,
            "training": {**values, **given},
        }

    @field_validator("training_bers")
    @classmethod
    def _each_once(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        # Adding 0.0 makes a 0 of -0.0.
        return tuple(sorted({ber + 0.0 for ber in value}))


class TrainingFile(TrainingSettings):
    """A training file.

    Attributes
    ----------
    errors : list of tables
        Further networks, adapted to bit errors that one number cannot tell; see `ErrorsTable`.
    trainings : int
        Networks trained of each, with `seed` and the seeds that follow it. They tell how much of an
        accuracy is chance of the training.
    folds : int or None
        Instead of trainings, for images without a test part of their own, such as the digits: they
        are divided into so many parts, and each part is tested by a network trained on all others.
    """

    training_bers: tuple[Ber, ...] = ()
    trainings: int = Field(default=1, ge=1)
    folds: int | None = Field(default=None, ge=2)
    errors: tuple[ErrorsTable, ...] = ()

    @field_validator("errors")
    @classmethod
    def _names_differ(cls, value: tuple[ErrorsTable, ...]) -> tuple[ErrorsTable, ...]:
        names = [table.name for table in value]
        if len(set(names)) < len(names):
            raise ValueError("errors whose names differ")
        return value
