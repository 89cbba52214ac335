"""The study file: what to characterise, which networks to train, how many chips to draw."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rramsim.device.readers.layout import parse_columns
from rramsim.device.readers.units import read_quantity
from rramsim.errors import InputError

Ber = Annotated[float, Field(ge=0.0, lt=0.5)]
"""A training BER. From 0.5 on a weight carries no information."""

SHIPPED_MEASUREMENTS = "hirtzlin2019-reconstructed"
SHIPPED_CONDITIONS = "table1"


class Study(BaseModel):
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
        ``"digits"``, ``"mnist"``, ``"fashion-mnist"`` or a folder.
    network : str or None
        Widths of the layers, such as ``"784-512-512-10"``; None chooses by the images.
    training_bers : tuple of float
        One network is trained with each; 0 is plain training.
    epochs : int or None
        Passes over the training images; None chooses by the images.
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

    model_config = ConfigDict(extra="forbid", frozen=True)

    measurements: tuple[str, ...] = ()
    conditions: str | None = None
    columns: str | None = None
    read_voltage: str | None = None
    only: tuple[str, ...] = ()
    reference: str | None = None
    lrs_share: float = Field(default=0.5, gt=0.0, lt=1.0)
    images: str = "digits"
    network: str | None = None
    training_bers: tuple[Ber, ...] = Field(default=(0.0, 0.03, 0.1), min_length=1)
    epochs: int | None = Field(default=None, ge=1)
    maps: int = Field(default=120, ge=2)
    half_width: float = Field(default=0.0025, ge=0.0, lt=1.0)
    curve_bers: tuple[Annotated[float, Field(gt=0.0, le=0.5)], ...] = (
        *(1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 2e-2, 4e-2),
        *(7e-2, 0.1, 0.15, 0.2, 0.25, 0.3),
    )
    tile_word_lines: int = Field(default=128, ge=1)
    tile_bit_lines: int = Field(default=128, ge=1)
    tolerance: float = Field(default=0.01, gt=0.0, lt=1.0)
    seed: int = Field(default=1, ge=0, lt=2**63)

    @field_validator("measurements", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("training_bers", "curve_bers")
    @classmethod
    def _each_once(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(set(value)))

    @property
    def column_names(self) -> list[str] | None:
        """`columns`, one by one."""
        return None if self.columns is None else list(parse_columns(self.columns))

    @property
    def read_voltage_v(self) -> float | None:
        """`read_voltage` in volt."""
        return None if self.read_voltage is None else read_quantity(self.read_voltage, "voltage")

    @property
    def reference_ohm(self) -> float | None:
        """`reference` in ohm."""
        return None if self.reference is None else read_quantity(self.reference, "resistance")

    def toml(self) -> str:
        """Return the settings as a study file that makes the same study again."""
        fields = self.model_dump(mode="json", exclude_none=True)
        # JSON's texts, numbers and lists of them are TOML's as well.
        return "".join(
            f"{name} = {json.dumps(value, ensure_ascii=False)}\n"
            for name, value in sorted(fields.items())
        )

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
    fields: dict[str, Any] = {} if file is None else _read_fields(file)
    fields |= {name: value for name, value in overrides.items() if value is not None}
    try:
        study = Study(**fields)
    except ValidationError as error:
        raise InputError(_explain(error, "the study" if file is None else str(file))) from error
    if study.measurements or study.conditions is not None:
        return study
    return study.model_copy(
        update={"measurements": (SHIPPED_MEASUREMENTS,), "conditions": SHIPPED_CONDITIONS}
    )


def _read_fields(file: Path) -> dict[str, Any]:
    try:
        fields = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: the study file cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: a study file is TOML in UTF-8; this is not text.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"{file}: not valid TOML: {error}. (A file of resistances is given with "
            "--measurements.)"
        ) from error
    return {name: _relative_to(file.parent, name, value) for name, value in fields.items()}


def _relative_to(folder: Path, name: str, value: Any) -> Any:
    """Make a path of the study file relative to its folder; names of shipped data stay."""
    if name == "measurements" and isinstance(value, list):
        return [_relative_to(folder, name, one) for one in value]
    if name in ("measurements", "conditions", "images") and isinstance(value, str):
        beside = folder / value
        return str(beside) if beside.exists() else value
    return value


def _explain(error: ValidationError, place: str) -> str:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return (
            f"{place}: there is no setting {field!r}. Accepted are "
            f"{', '.join(sorted(Study.model_fields))}."
        )
    # pydantic's own words for the limit ("Input should be greater than 0"), with what came.
    limit = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return f"{place}: {field} is {first['input']!r}; accepted: {limit}."
