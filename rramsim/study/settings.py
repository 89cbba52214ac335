"""The study file: what to characterise, which networks to train, how many chips to draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from rramsim.study.settings_files import make_settings
from rramsim.study.training_settings import Ber, TrainingSettings
from rramsim.units import read_quantity

SHIPPED_MEASUREMENTS = "hirtzlin2019-reconstructed"
SHIPPED_CONDITIONS = "table1"


class Study(TrainingSettings):
    """A whole study; every field may stand in the study file under the same name.

    Attributes
    ----------
    measurements : tuple of str
        Measurement files, or names of shipped sets. With neither these nor `conditions`, the
        shipped populations and the paper's Table I are used.
    conditions : str or None
        A conditions file (TOML or CSV), or the name of a shipped one.
    columns : str or None
        The columns of a measurement file without a header, separated by commas.
    read_voltage : str or None
        The read voltage with its unit, for files that hold currents.
    only : tuple of str
        Names of the conditions to keep; empty keeps all.
    reference : str or None
        Reference of the sense amplifiers with its unit, for every condition; None takes the one
        stated for a condition, else the best one.
    lrs_share : float
        Share of the cells in use that are in LRS, for the BER and the best reference.
    images : str
        ``"digits"``, ``"mnist"``, ``"fashion-mnist"``, ``"cifar10"`` or a folder.
    network : str, table or None
        Layers, such as ``"784-512-512-10"``, or a table with `hidden` layers and a
        `width_factor`; None chooses by the images.
    training_bers : tuple of float
        One network is trained with each; 0 is plain training.
    models : tuple of str
        Model files to use instead of training networks.
    epochs : int or None
        Passes over the training images; None chooses by the images.
    training : table
        How networks are trained: batch size, rates, loss, dropout, augmentation.
    maps : int
        The most chips (fault maps) drawn for each network and condition, and for each BER of the
        curves.
    half_width : float
        No more chips are drawn, from 30 on, once the mean accuracy is known to within this share
        of the images at 95 %. With 0 always `maps` are drawn.
    curve_bers : tuple of float
        BERs at which the accuracy curves are measured, beside 0.
    tile_word_lines, tile_bit_lines : int
        Size of one crossbar tile in cells.
    tolerance : float
        Loss of accuracy, as a share of the images, that the recommendation may accept.
    seed : int
        Seed of everything that is drawn.
    """

    measurements: tuple[str, ...] = ()
    conditions: str | None = None
    columns: str | None = None
    read_voltage: str | None = None
    only: tuple[str, ...] = ()
    reference: str | None = None
    lrs_share: float = Field(default=0.5, gt=0.0, lt=1.0)
    training_bers: tuple[Ber, ...] = Field(default=(0.0, 0.03, 0.1), min_length=1)
    models: tuple[str, ...] = ()
    maps: int = Field(default=120, ge=2)
    half_width: float = Field(default=0.0025, ge=0.0, lt=1.0)
    curve_bers: tuple[Annotated[float, Field(gt=0.0, le=0.5)], ...] = (
        *(1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 2e-2, 4e-2),
        *(7e-2, 0.1, 0.15, 0.2, 0.25, 0.3),
    )
    tile_word_lines: int = Field(default=128, ge=1)
    tile_bit_lines: int = Field(default=128, ge=1)
    tolerance: float = Field(default=0.01, gt=0.0, lt=1.0)

    @field_validator("measurements", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("models")
    @classmethod
    def _nothing_to_train(cls, value: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        defaults = cls.model_fields
        told = [
            name
            for name in ("network", "training_bers", "epochs", "training")
            if name in others.data and others.data[name] != defaults[name].get_default()
        ]
        if value and told:
            raise ValueError(f"models, which are trained, without {' and '.join(told)}")
        return value

    @field_validator("curve_bers")
    @classmethod
    def _sorted(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(set(value)))

    @property
    def reference_ohm(self) -> float | None:
        """`reference` in ohm."""
        return None if self.reference is None else read_quantity(self.reference, "resistance")

    def toml(self) -> str:
        """Return the settings as a study file that makes the same study again."""
        fields = self.model_dump(mode="json", exclude_none=True)
        tables = {name: value for name, value in fields.items() if isinstance(value, dict)}
        plain = {name: value for name, value in fields.items() if name not in tables}
        parts = [f"\n[{name}]\n{_lines(table)}" for name, table in sorted(tables.items())]
        return "".join([_lines(plain), *parts])

    def text(self) -> str:
        """Return the settings as canonical JSON, the same for equal studies."""
        return json.dumps(self.model_dump(), sort_keys=True)


def make_study(file: Path | None = None, **overrides: Any) -> Study:
    """Build a study from a study file and from what the command line sets over it.

    Parameters
    ----------
    file : Path, optional
        A TOML file with fields of `Study`. Paths in it are relative to its folder.
    **overrides
        Fields that win over the file's; None leaves a field as it is.

    Returns
    -------
    Study
        With the shipped measurements and conditions where none are named at all.

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML, or holds an unknown field or a bad value.
    """
    study = make_settings(Study, file, overrides)
    if study.measurements or study.conditions is not None:
        return study
    return study.model_copy(
        update={"measurements": (SHIPPED_MEASUREMENTS,), "conditions": SHIPPED_CONDITIONS}
    )


def _lines(fields: dict[str, Any]) -> str:
    # JSON's texts, numbers and lists of them are TOML's as well.
    return "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n"
        for name, value in sorted(fields.items())
    )
