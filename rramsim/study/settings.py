"""The study file: what to characterise, which networks to train, how many chips to draw."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, StrictBool, ValidationInfo, field_validator, model_validator

from rramsim.crossbar.from_conditions import SharedSpread
from rramsim.crossbar.protection import parse_all
from rramsim.decision.requirements import Requirements
from rramsim.device.examination import Question
from rramsim.errors import ArgumentError, InputError
from rramsim.study.reading import (
    CircuitsTable,
    CorrelatedTable,
    ReadingTable,
    UseTable,
    with_unit,
)
from rramsim.study.settings_files import build, merged, read_fields
from rramsim.study.training_settings import Ber, TrainingSettings
from rramsim.units import ELECTRON_VOLT, QUANTITIES, read_quantity

SHIPPED_MEASUREMENTS = "hirtzlin2019-reconstructed"
SHIPPED_CONDITIONS = "table1"
SHIPPED_READ_PULSE = "0.2 V, 10 ns"
"""An assumption of the example: the paper states no read pulse."""
DEFAULT_PROTECTIONS = ("none", "2T2R", "secded(72,64)")
_TABLES: dict[str, type[BaseModel]] = {
    "reading": ReadingTable,
    "use": UseTable,
    "circuits": CircuitsTable,
}
_REQUIRED = tuple(Requirements.__dataclass_fields__)
_OF_FINISHED = (*_REQUIRED, "use_temperature", "activation_energy")
"""Settings that may be asked again of a finished folder."""
_WITH_UNITS = {
    "energy_budget": ("energy", "J", "1 mJ"),
    "lifetime": ("time", "s", "10 years"),
    "use_temperature": ("temperature", "K", "55 degC"),
    "activation_energy": ("energy", "J", "1.1 eV"),
}
"""Of settings that are texts with a unit: what they are, the unit of a bare number, an example."""


_QUANTITIES_OF_TABLES = {
    "reading": {"read_voltage": "voltage", "over_range": "resistance", "floor": "resistance"},
    "use": {"reference": "resistance"},
}
"""Of tables that are compared when a folder is asked again: their texts with a unit."""


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
    circuits : table
        Energies of the circuits around the cells, as far as they are known.
    only : tuple of str
        Names of the conditions to keep; empty keeps all.
    images : str
        ``"digits"``, ``"mnist"``, ``"fashion-mnist"``, ``"cifar10"`` or a folder.
    network : str, table or None
        Layers, such as ``"784-512-512-10"``, or a table with `hidden` layers and a
        `width_factor`. Without it, they suit the images.
    training_bers : tuple of float
        One network is trained with each; 0 is plain training.
    trainings : int or None
        Networks trained with each, with `seed` and the seeds that follow it, since trainings differ
        by chance. Without it, `folds` if that is given, else 5.
    folds : int or None
        Instead of trainings, for images without a test part of their own, such as the digits: they
        are divided into so many parts, and each part is tested by a network trained on all others.
        Without it and without `trainings`, 5 for such images.
    models : tuple of str
        Model files to use instead of training networks. Several of one training BER are trainings
        of one recipe, with the same seeds for each.
    epochs : int or None
        Passes over the training images. Without it, as many as suit the images.
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
    correlated : bool or table
        Whether errors of cells are correlated along lines and dies: true estimates the
        correlation from the measurements, which need the columns row and column; a table
        `[correlated]` states it.
    protections : tuple of str
        Ways to protect weights that are compared (see `rramsim.protect`): ``"none"``, ``"2T2R"``,
        ``"secded(72,64)"``, ``"bch(78,64,2)"``, ``"verify(5)"``. A text may name several,
        ``"none, 2T2R"``. One that a condition cannot have is left out there, with a note.
    reestimate : bool
        Whether networks are compared whose thresholds are estimated anew for the bit-error rate of
        a condition as well, where that is 0.001 or more.
    tolerance : float or None
        Loss of accuracy, as a share of the images, that the recommendation may accept; 0.01 where
        neither this nor a target is given.
    target_accuracy : float or None
        Instead: the accuracy that must be reached.
    chip_yield : float or None
        Share of the chips that must be accurate enough, each by itself.
    reprogrammings : float
        How often all weights are programmed again; conditions that do not stand it are left out.
    inferences : float
        Images classified over the life, whose energy counts.
    energy_budget : str or None
        The most that all programmings and inferences may take, with its unit.
    lifetime : str or None
        How long a network must stay accurate enough, its cells refreshed in time, with its unit:
        ``"10 years"``. It takes measurements over time.
    use_temperature : str or None
        The temperature of use, ``"55 degC"``, to which times of measurements at another one are
        carried by Arrhenius' law. Without it, times are taken as measured.
    activation_energy : str or None
        That of the law, ``"1.1 eV"``.
    accept_extrapolated : bool
        Whether a life may rest on populations more than a decade of time beyond the last read-out,
        or 50 K from its temperature; otherwise it is not settled.
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
    circuits: CircuitsTable = CircuitsTable()
    only: tuple[str, ...] = ()
    training_bers: tuple[Ber, ...] = Field(default=(0.0, 0.03, 0.1), min_length=1)
    trainings: int | None = Field(default=None, ge=1)
    folds: int | None = Field(default=None, ge=2)
    models: tuple[str, ...] = ()
    chips: int = Field(default=120, ge=2)
    half_width: float = Field(default=0.0025, ge=0.0, lt=1.0)
    curve_bers: tuple[Annotated[float, Field(gt=0.0, le=0.5)], ...] = Field(
        default=(
            *(1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 2e-2, 4e-2),
            *(7e-2, 0.1, 0.15, 0.2, 0.25, 0.3),
        ),
        min_length=1,
    )
    tile_word_lines: int = Field(default=128, ge=1)
    tile_bit_lines: int = Field(default=128, ge=1)
    correlated: StrictBool | CorrelatedTable = False
    protections: tuple[str, ...] = Field(default=DEFAULT_PROTECTIONS, min_length=1)
    reestimate: bool = True
    tolerance: float | None = Field(default=None, gt=0.0, lt=1.0)
    target_accuracy: float | None = Field(default=None, gt=0.0, lt=1.0)
    chip_yield: float | None = Field(default=None, gt=0.0, lt=1.0)
    reprogrammings: float = Field(default=0.0, ge=0.0, lt=math.inf)
    inferences: float = Field(default=0.0, ge=0.0, lt=math.inf)
    energy_budget: str | None = None
    lifetime: str | None = None
    use_temperature: str | None = None
    activation_energy: str | None = None
    accept_extrapolated: bool = False

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

    @field_validator("protections", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not all(isinstance(one, str) for one in values):
            return value
        return [str(one) for one in parse_all(values)]

    @field_validator(*_WITH_UNITS, mode="before")
    @classmethod
    def _quantity(cls, value: Any, info: ValidationInfo) -> Any:
        return with_unit(value, _WITH_UNITS[str(info.field_name)][1])

    @property
    def requirements(self) -> Requirements:
        """What a point must reach to be recommended."""
        required: dict[str, Any] = {
            name: self._si(name) if name in _WITH_UNITS else getattr(self, name)
            for name in _REQUIRED
        }
        return Requirements(**required)

    @property
    def use_question(self) -> Question:
        """At which temperature cells are used, and how times are carried there.

        Raises
        ------
        InputError
            For a temperature or an energy that there cannot be, or an energy without a temperature.
        """
        kelvin, joule = self._si("use_temperature"), self._si("activation_energy")
        if kelvin is not None and joule is None:
            raise ArgumentError(
                "use_temperature",
                f" is {self.use_temperature!r}: times are carried there by an activation energy; "
                'give it too, activation_energy (--activation-energy "1.1 eV").',
            )
        return Question(
            use_temperature=kelvin,
            activation_energy=None if joule is None else joule / ELECTRON_VOLT,
        )

    def _si(self, name: str) -> float | None:
        text, (quantity, _, example) = getattr(self, name), _WITH_UNITS[name]
        if text is None:
            return None
        try:
            return read_quantity(text, quantity)
        except InputError as error:
            words = f'; accepted: a number with its unit, such as "{example}" ({error})'
            raise ArgumentError(name, f" is {text!r}{words}") from error

    @property
    def shared(self) -> SharedSpread | None:
        """What cells share with their lines and dies; None: they err on their own."""
        if self.correlated is False:
            return None
        tile = self.tile_word_lines, self.tile_bit_lines
        if self.correlated is True:
            return SharedSpread(tile=tile)
        return SharedSpread(self.correlated.model_dump(), tile)

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
        """Return the settings as canonical JSON, the same for equal studies.

        Quantities are in SI units, however they were written. What needs no new chips, or only
        those that nothing else needs, is not in it: what is required, where cells are used, and
        what reading takes. Files are in it by their names: a study that is asked for from another
        folder is the same, and what its files hold is compared by content.
        """
        fields = self.with_names_alone().model_dump(exclude={*_OF_FINISHED, "circuits"})
        del fields["use"]["read_pulse"]
        return json.dumps(in_si(fields), sort_keys=True)


def in_si(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the quantities of their tables in SI units, however they are written."""
    same = dict(fields)
    for table, names in _QUANTITIES_OF_TABLES.items():
        if isinstance(fields.get(table), Mapping):
            given = fields[table]
            values = {
                name: _by_value(given[name], quantity)
                for name, quantity in names.items()
                if name in given
            }
            same[table] = {**given, **values}
    return same


def _by_value(text: str | None, quantity: str) -> str | None:
    """Return a quantity in its SI unit; what is none is refused where it is used.

    >>> _by_value("30kOhm", "resistance"), _by_value("200 mV", "voltage")
    ('30000 ohm', '0.2 V')
    """
    try:
        value = None if text is None else read_quantity(text, quantity)
    except InputError:
        return text
    return None if value is None else f"{value:.12g} {QUANTITIES[quantity].symbols[0]}"


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
    for name, instead in (("tolerance", "target_accuracy"), ("target_accuracy", "tolerance")):
        if overrides.get(name) is not None and overrides.get(instead) is None:
            fields.pop(instead, None)
    study = build(Study, merged(fields, in_tables(overrides)), file)
    # Now, and not after hours of training.
    _ = study.requirements, study.use_question
    if study.measurements or study.conditions is not None:
        return study
    use = study.use
    if use.read_pulse is None:
        use = use.model_copy(update={"read_pulse": SHIPPED_READ_PULSE})
    return study.model_copy(
        update={
            "measurements": (SHIPPED_MEASUREMENTS,),
            "conditions": SHIPPED_CONDITIONS,
            "use": use,
        }
    )


def in_tables(fields: Mapping[str, Any], file: Path | None = None) -> dict[str, Any]:
    """Return fields with those of the tables `reading` and `use` in their tables.

    Study files of 0.1.0 had some of them at the top.

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
