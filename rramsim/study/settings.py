"""The study file: what to characterise, which networks to train, how many chips to draw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from rramsim.errors import InputError
from rramsim.study.reading import ReadingTable, UseTable
from rramsim.study.settings_files import build, merged, read_fields
from rramsim.study.training_settings import Ber, TrainingSettings

SHIPPED_MEASUREMENTS = "hirtzlin2019-reconstructed"
SHIPPED_CONDITIONS = "table1"
_TABLES: dict[str, type[BaseModel]] = {"reading": ReadingTable, "use": UseTable}


class Study(TrainingSettings):
    """A whole study; every field may stand in the study file under the same name.

    Attributes
    ----------
    measurements : tuple of str
        Measurement files, or names of shipped sets. With neither these nor `conditions`, the
        shipped populations and the paper's Table I are used.
    conditions : str or None
        A conditions file (TOML or CSV), or the name of a shipped one.
    reading : table
        What the measurement files do not say of themselves.
    use : table
        How the cells are used.
    only : tuple of str
        Names of the conditions to keep; empty keeps all.
    images : str
        ``"digits"``, ``"mnist"``, ``"fashion-mnist"``, ``"cifar10"`` or a folder.
    network : str, table or None
        Layers, such as ``"784-512-512-10"``, or a table with `hidden` layers and a
        `width_factor`; None chooses by the images.
    training_bers : tuple of float
        One network is trained with each; 0 is plain training.
    trainings : int or None
        Networks trained with each, with `seed` and the seeds that follow it, since trainings differ
        by chance; None is `folds`, where they are chosen, else 5.
    folds : int or None
        Instead of trainings, for images without a test part of their own, such as the digits: they
        are divided into so many parts, and each part is tested by a network trained on all others.
        None without trainings is 5 for such images.
    models : tuple of str
        Model files to use instead of training networks.
    epochs : int or None
        Passes over the training images; None chooses by the images.
    training : table
        How networks are trained: batch size, rates, loss, dropout, augmentation.
    chips : int
        The most chips drawn for each network and condition, and for each BER of the curves.
    half_width : float
        No more chips are drawn, from 30 on, once the mean accuracy over chips is known to within
        this share of the images at 95 %. With 0 always `chips` are drawn.
    curve_bers : tuple of float
        BERs at which the accuracy curves are measured, beside 0.
    tile_word_lines, tile_bit_lines : int
        Size of one crossbar tile in cells.
    tolerance : float
        Loss of accuracy, as a share of the images, that the recommendation may accept.
    seed : int
        Seed of everything that is drawn.

    Examples
    --------
    >>> import rramsim
    >>> study = rramsim.Study(measurements="cells.csv", tolerance=0.005, reference="25 kOhm")
    >>> study.measurements, study.use.reference
    (('cells.csv',), '25 kOhm')
    """

    measurements: tuple[str, ...] = ()
    conditions: str | None = None
    reading: ReadingTable = ReadingTable()
    use: UseTable = UseTable()
    only: tuple[str, ...] = ()
    training_bers: tuple[Ber, ...] = Field(default=(0.0, 0.03, 0.1), min_length=1)
    trainings: int | None = Field(default=None, ge=1)
    folds: int | None = Field(default=None, ge=2)
    models: tuple[str, ...] = ()
    chips: int = Field(default=120, ge=2)
    half_width: float = Field(default=0.0025, ge=0.0, lt=1.0)
    curve_bers: tuple[Annotated[float, Field(gt=0.0, le=0.5)], ...] = (
        *(1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 2e-2, 4e-2),
        *(7e-2, 0.1, 0.15, 0.2, 0.25, 0.3),
    )
    tile_word_lines: int = Field(default=128, ge=1)
    tile_bit_lines: int = Field(default=128, ge=1)
    tolerance: float = Field(default=0.01, gt=0.0, lt=1.0)

    @model_validator(mode="before")
    @classmethod
    def _in_tables(cls, fields: Any) -> Any:
        return in_tables(fields) if isinstance(fields, Mapping) else fields

    @field_validator("measurements", "models", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        values = value if isinstance(value, list | tuple) else [value]
        are_paths = all(isinstance(one, str | Path) for one in values)
        return [str(one) for one in values] if are_paths else value

    @field_validator("models")
    @classmethod
    def _nothing_to_train(cls, value: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        defaults = cls.model_fields
        given = [
            name
            for name in ("network", "training_bers", "epochs", "training", "trainings", "folds")
            if name in others.data and others.data[name] != defaults[name].get_default()
        ]
        if value and given:
            raise ValueError(f"models, which are trained, without {' and '.join(given)}")
        return value

    @field_validator("curve_bers")
    @classmethod
    def _sorted(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(set(value)))

    def toml(self) -> str:
        """Return the settings as a study file that makes the same study again."""
        fields = self.model_dump(mode="json", exclude_none=True)
        tables = {name: value for name, value in fields.items() if isinstance(value, dict)}
        plain = {name: value for name, value in fields.items() if name not in tables}
        parts = [f"\n[{name}]\n{_lines(table)}" for name, table in sorted(tables.items())]
        return "".join([_lines(plain), *parts])

    def with_names_alone(self) -> Study:
        """Return the settings with files and folders by their names, without where they lie.

        >>> Study(measurements="data/cells.csv").with_names_alone().measurements
        ('cells.csv',)
        """
        return self.model_copy(
            update={
                "measurements": tuple(Path(one).name for one in self.measurements),
                "conditions": self.conditions and Path(self.conditions).name,
                "images": Path(self.images).name,
                "models": tuple(Path(one).name for one in self.models),
            }
        )

    def text(self) -> str:
        """Return the settings as canonical JSON, the same for equal studies."""
        return json.dumps(self.model_dump(), sort_keys=True)


def make_study(base: Path | Study | None = None, **overrides: Any) -> Study:
    """Build a study from a study file and from what the command line sets over it.

    Parameters
    ----------
    base : Path or Study, optional
        A TOML file with fields of `Study`, in which paths are relative to its folder; or a study.
    **overrides
        Fields that win over the file's, those of its tables `reading` and `use` too; None leaves
        a field as it is.

    Returns
    -------
    Study
        With the shipped measurements and conditions where none are named at all.

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML, or holds an unknown field or a bad value.
    """
    file = None if isinstance(base, Study) else base
    fields = {} if file is None else in_tables(read_fields(file, Study), file)
    if isinstance(base, Study):
        fields = base.model_dump(exclude_unset=True)
    study = build(Study, merged(fields, in_tables(overrides)), file)
    if study.measurements or study.conditions is not None:
        return study
    return study.model_copy(
        update={"measurements": (SHIPPED_MEASUREMENTS,), "conditions": SHIPPED_CONDITIONS}
    )


def in_tables(fields: Mapping[str, Any], file: Path | None = None) -> dict[str, Any]:
    """Return fields with those of the tables `reading` and `use` in their tables.

    Study files of 0.1.0 had some of them at the top, and named `chips` "maps".

    Raises
    ------
    InputError
        If one stands in both places.
    """
    fields = dict(fields)
    places = {name: table for table, model in _TABLES.items() for name in model.model_fields}
    for name in [name for name in fields if name in places]:
        table = fields.get(places[name]) or {}
        value = fields.pop(name)
        if value is None or not isinstance(table, Mapping):
            continue
        if name in table:
            raise _twice(name, f"{places[name]}.{name}", file)
        fields[places[name]] = {**table, name: value}
    if "maps" in fields:
        if "chips" in fields:
            raise _twice("maps", "chips", file)
        fields["chips"] = fields.pop("maps")
    return fields


def _twice(old: str, new: str, file: Path | None) -> InputError:
    place = "the settings" if file is None else str(file)
    return InputError(f"{place}: {old} and {new} are one setting; keep {new}.")


def _lines(fields: dict[str, Any]) -> str:
    # JSON's texts, numbers and lists of them are TOML's as well.
    return "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n"
        for name, value in sorted(fields.items())
    )
