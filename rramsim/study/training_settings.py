"""Settings of networks to train, as they stand in a training file or in a study file."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rramsim.errors import InputError

if TYPE_CHECKING:
    from rramsim.images.image_set import ImageSet
    from rramsim.network.shape import NetworkShape
    from rramsim.network.training.flips import RandomFlips
    from rramsim.network.training.method import Method
    from rramsim.network.training.plan import TrainingPlan

Ber = Annotated[float, Field(ge=0.0, lt=0.5)]
"""A training BER. From 0.5 on a weight carries no information."""

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NetworkTable(BaseModel):
    """The hidden layers of a network.

    Attributes
    ----------
    hidden : tuple of str
        Layers between the images and the classes: widths ("1024"), filters of 3 x 3 ("128C3")
        and 2 x 2 pooling ("MP2").
    width_factor : float
        All widths and numbers of filters are multiplied by it.
    signed_pixels : bool
        Whether black enters the first layer as -1 and white as +1, as in the paper; otherwise
        black enters as 0, which bears bit errors better where images are mostly black.
    """

    model_config = _STRICT

    hidden: tuple[str, ...]
    width_factor: float = Field(default=1.0, gt=0.0)
    signed_pixels: bool = False


class MethodTable(BaseModel):
    """How networks are trained.

    Attributes
    ----------
    batch_size : int
        Images an iteration.
    learning_rate, final_learning_rate : float
        Adam's rate in the first and the last epoch; it falls by one factor an epoch between.
    dropout : float
        Share of hidden activations dropped at each iteration.
    loss : str
        "cross-entropy", or "hinge" (squared).
    margin : float
        Of the hinge loss.
    shift : int
        Training images are shifted by up to so many pixels each way, at random.
    mirror : bool
        Whether every second training image is mirrored left to right, at random.
    straight_through : bool
        Whether gradients pass layers by their weights without flips; in the paper's adapted
        training they pass by the flipped ones.
    """

    model_config = _STRICT

    batch_size: int = Field(default=100, ge=2)
    learning_rate: float = Field(default=1e-2, gt=0.0, le=1.0)
    final_learning_rate: float = Field(default=1e-4, gt=0.0, le=1.0)
    dropout: float = Field(default=0.0, ge=0.0, le=0.95)
    loss: Literal["cross-entropy", "hinge"] = "cross-entropy"
    margin: float = Field(default=1.0, gt=0.0)
    shift: int = Field(default=0, ge=0)
    mirror: bool = False
    straight_through: bool = False


class ErrorsTable(BaseModel):
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
        A file that `rramsim fit -o` wrote.
    mixed : bool
        Whether the probabilities of an iteration are multiplied by a number that is drawn for it,
        uniform in 0 to 1.
    """

    model_config = _STRICT

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


class TrainingSettings(BaseModel):
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

    model_config = _STRICT

    images: str = "digits"
    network: str | NetworkTable | None = None
    training_bers: tuple[Ber, ...] = Field(default=(0.0,))
    epochs: int | None = Field(default=None, ge=1)
    training: MethodTable = MethodTable()
    seed: int = Field(default=1, ge=0, lt=2**63)

    @field_validator("training_bers")
    @classmethod
    def _each_once(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        # Adding 0.0 makes a 0 of -0.0.
        return tuple(sorted({ber + 0.0 for ber in value}))

    def shape(self, images: ImageSet) -> NetworkShape:
        """Return the network for these images; `InputError` where it does not fit."""
        from rramsim.network.shape import NetworkShape, default_shape

        if isinstance(self.network, NetworkTable):
            hidden = "-".join(self.network.hidden)
            shape = NetworkShape.between(images, hidden, width_factor=self.network.width_factor)
            signed = images.levels if self.network.signed_pixels else None
            return replace(shape, signed_levels=signed)
        return NetworkShape.parse(self.network) if self.network else default_shape(images)

    def method(self, images: ImageSet) -> Method:
        """Return how networks are trained on these images."""
        from rramsim.network.training.method import Method
        from rramsim.network.training.plan import default_epochs

        return Method(self.epochs or default_epochs(images), **self.training.model_dump())

    def plan(self, images: ImageSet, training_ber: float) -> TrainingPlan:
        """Return the plan of the network with one of the training BERs."""
        from rramsim.network.training.flips import RandomFlips
        from rramsim.network.training.plan import TrainingPlan

        faults = RandomFlips.iid(training_ber, seed=self.seed) if training_ber else None
        return TrainingPlan(
            self.shape(images), images, self.method(images), self.seed, faults=faults
        )


class TrainingFile(TrainingSettings):
    """A training file.

    Attributes
    ----------
    errors : list of tables
        Further networks, adapted to bit errors that one number cannot tell; see `ErrorsTable`.
    """

    training_bers: tuple[Ber, ...] = ()
    errors: tuple[ErrorsTable, ...] = ()

    @field_validator("errors")
    @classmethod
    def _names_differ(cls, value: tuple[ErrorsTable, ...]) -> tuple[ErrorsTable, ...]:
        names = [each.name for each in value]
        if len(set(names)) < len(names):
            raise ValueError("errors whose names differ")
        return value

    def named_faults(self) -> dict[str, RandomFlips]:
        """Return the bit errors of `errors`, by name; `InputError` where they cannot be had."""
        return {each.name: self._faults(each) for each in self.errors}

    def _faults(self, table: ErrorsTable) -> RandomFlips:
        from rramsim.network.training.flips import RandomFlips

        by_condition = table.condition is not None
        if by_condition == bool(table.ber_lrs or table.ber_hrs) or by_condition != bool(
            table.conditions
        ):
            raise InputError(
                f"errors {table.name!r}: accepted are either ber_lrs and ber_hrs, or condition "
                "and conditions (a file of rramsim fit -o)."
            )
        rates = (table.ber_lrs, table.ber_hrs)
        if table.condition is not None and table.conditions is not None:
            rates = _fitted_rates(table.conditions, table.condition)
        try:
            return RandomFlips(*rates, mixed=table.mixed, seed=self.seed)
        except InputError as error:
            raise InputError(f"errors {table.name!r}: {error}") from error


def _fitted_rates(file: str, condition: str) -> tuple[tuple[float], tuple[float]]:
    """Return the BERs of LRS and HRS of a condition in a netCDF file of `rramsim fit`."""
    import xarray as xr

    try:
        with xr.open_dataset(file, engine="netcdf4") as opened:
            conditions = opened[["ber_lrs", "ber_hrs", "ber", "condition"]].load()
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{file}: cannot be read as the conditions that rramsim fit -o writes ({error})."
        ) from error
    known = [str(name) for name in conditions["condition"].values]
    if condition not in known:
        raise InputError(
            f"{file}: holds no condition {condition!r}; accepted are {', '.join(known)}."
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
