"""How measurement files are read and how their cells are used, as texts that a person writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rramsim.errors import InputError
from rramsim.files import sha256_of_dataset, sha256_of_file

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.read_conditions import ReadConditions
    from rramsim.measurements import Measured

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ReadingTable(BaseModel):
    """What a measurement file does not say of itself.

    Attributes
    ----------
    columns : str or None
        The columns of files without a header, separated by commas:
        ``"cell,LRS [ohm],HRS [ohm],cycle"``.
    read_voltage : str or None
        The read voltage with its unit, for files that hold currents, and for sweeps.
    map : tuple of str
        Headers of the files and the names they have here, with units: ``["Rcell=R [kOhm]"]``, or
        a table as in `set.toml`.
    states : str or None
        Values of the state column, ``"0=HRS,31=LRS"``, or a table as in `set.toml`; rows with
        others are left out.
    file_name : str or None
        What the names of the files hold: ``"{condition}_{state}"``.
    over_range, floor : str or None
        The largest and the smallest resistance that the meter resolves, with their units.
    """

    model_config = _STRICT

    columns: str | None = None
    read_voltage: str | None = None
    map: tuple[str, ...] = ()
    states: str | None = None
    file_name: str | None = None
    over_range: str | None = None
    floor: str | None = None

    @field_validator("read_voltage", mode="before")
    @classmethod
    def _volt(cls, value: Any) -> Any:
        return with_unit(value, "V")

    @field_validator("over_range", "floor", mode="before")
    @classmethod
    def _ohm(cls, value: Any) -> Any:
        return with_unit(value, "ohm")

    @field_validator("map", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        return [f"{one}={two}" for one, two in value.items()] if isinstance(value, dict) else value

    @field_validator("states", mode="before")
    @classmethod
    def _joined(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return ",".join(f"{text}={state}" for text, state in value.items())

    def read(self, names: Sequence[str | Path]) -> Measured:
        """Read files or shipped sets; `InputError` for the first thing that cannot be used."""
        from rramsim.readers.measurements import read_measurements

        return read_measurements(
            names,
            columns=self.columns,
            read_voltage=self.read_voltage,
            names=self.map,
            states=self.states,
            file_name=self.file_name,
            over_range=self.over_range,
            floor=self.floor,
        )


class UseTable(BaseModel):
    """How the cells are used.

    Attributes
    ----------
    reference : str or None
        Reference of the sense amplifiers with its unit, for every condition; None takes the one
        stated for a condition, else the best one.
    reference_spread : float
        Standard deviation of ln(reference): 0.05 for about 5 %.
    offset : float
        Standard deviation of a sense amplifier's offset in ln R, for pairs of cells (2T2R).
    lrs_share : float
        Share of the cells in use that are in LRS, for the BER and the best reference.
    """

    model_config = _STRICT

    reference: str | None = None
    reference_spread: float = Field(default=0.0, ge=0.0)
    offset: float = Field(default=0.0, ge=0.0)
    lrs_share: float = Field(default=0.5, gt=0.0, lt=1.0)

    @field_validator("reference", mode="before")
    @classmethod
    def _ohm(cls, value: Any) -> Any:
        return with_unit(value, "ohm")

    @property
    def conditions(self) -> ReadConditions:
        """How the cells are read, in SI units."""
        from rramsim.device.read_conditions import ReadConditions

        return ReadConditions(
            lrs_share=self.lrs_share,
            reference_resistance=quantity(self.reference, "resistance"),
            reference_spread=self.reference_spread,
            offset_spread=self.offset,
        )


def stated_conditions(
    conditions: xr.Dataset | str | Path | None, *, lrs_share: float
) -> tuple[xr.Dataset | None, tuple[tuple[str, str], ...]]:
    """Return stated conditions, read where a file is named, with the file and its SHA-256.

    Raises
    ------
    InputError
        If the file cannot be used, or its BERs were fitted for another share of LRS cells.
    """
    from rramsim.readers.conditions import read_conditions
    from rramsim.readers.shipped import resolve

    if conditions is None:
        return None, ()
    if not isinstance(conditions, str | Path):
        _check_share(conditions, lrs_share, place="the conditions")
        return conditions, (("conditions in memory", sha256_of_dataset(conditions)),)
    path = resolve(conditions)
    stated = read_conditions(path)
    _check_share(stated, lrs_share, place=path.name)
    return stated, ((path.name, sha256_of_file(path)),)


def _check_share(conditions: xr.Dataset, lrs_share: float, *, place: str) -> None:
    """Refuse BERs that weigh the errors of LRS and HRS cells otherwise than they are in use."""
    fitted_for = float(conditions.attrs.get("lrs_share", lrs_share))
    if fitted_for != lrs_share:
        raise InputError(
            f"{place}: its BERs are of cells of which {100 * fitted_for:g} % are in LRS, and here "
            f"{100 * lrs_share:g} % are; give --lrs-share {fitted_for:g}, or fit the cells again."
        )


def with_unit(value: Any, unit: str) -> Any:
    """Return a number, which is in SI units, as a text with its unit, anything else as it is.

    >>> with_unit(25e3, "ohm"), with_unit("25 kOhm", "ohm"), with_unit(None, "V")
    ('25000.0 ohm', '25 kOhm', None)
    """
    return f"{float(value)!r} {unit}" if isinstance(value, int | float) else value


def quantity(text: str | None, kind: str) -> float | None:
    """Return a quantity in SI units, None for none; `InputError` without a unit of its kind."""
    from rramsim.units import read_quantity

    return None if text is None else read_quantity(text, kind)
