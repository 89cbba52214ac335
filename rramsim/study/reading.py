"""How measurement files are read and how their cells are used, as texts that a person writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from pydantic import Field, field_validator

from rramsim.device.inference_energy import CircuitEnergies
from rramsim.errors import plain, refused
from rramsim.study.settings_files import Settings
from rramsim.units import read_quantity


class ReadingTable(Settings):
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
    condition_from : str or None
        The columns whose values together name a condition, separated by commas:
        ``"Icc,Vreset"``.
    repeats : str or None
        ``"cycle"``: repeats of a cell are its cycles, in the order of the file.
    cycles : str or None
        The cycles to read: ``"2-"``, ``"10-1000"``, or the first and the last one.
    encoding : str or None
        Of text files: ``"gbk"``.
    sheets : tuple of str
        The sheets of workbooks to read.
    """

    columns: str | None = None
    read_voltage: str | None = None
    map: tuple[str, ...] = ()
    states: str | None = None
    file_name: str | None = None
    over_range: str | None = None
    floor: str | None = None
    condition_from: str | None = None
    repeats: str | None = None
    cycles: str | None = None
    encoding: str | None = None
    sheets: tuple[str, ...] = ()

    @field_validator("columns", "condition_from", mode="before")
    @classmethod
    def _in_one_text(cls, value: Any) -> Any:
        are_texts = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
        return ",".join(value) if are_texts else value

    @field_validator("cycles", mode="before")
    @classmethod
    def _first_and_last(cls, value: Any) -> Any:
        are_two = isinstance(value, list | tuple) and [type(one) for one in value] == [int, int]
        return "-".join(map(str, value)) if are_two else value

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
        if isinstance(value, Mapping):
            return [f"{header}={name}" for header, name in value.items()]
        return (value,) if isinstance(value, str) else value

    @field_validator("sheets", mode="before")
    @classmethod
    def _of_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else () if value is None else value

    @field_validator("states", mode="before")
    @classmethod
    def _joined(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return ",".join(f"{text}={state}" for text, state in value.items())


class UseTable(Settings):
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
    read_pulse : str or None
        Voltage over a cell that is read, and its time, such as "0.2 V, 10 ns": gives the energy of
        an inference.
    """

    reference: str | None = None
    reference_spread: float = Field(default=0.0, ge=0.0)
    offset: float = Field(default=0.0, ge=0.0)
    lrs_share: float = Field(default=0.5, gt=0.0, lt=1.0)
    read_pulse: str | None = None

    @field_validator("reference", mode="before")
    @classmethod
    def _ohm(cls, value: Any) -> Any:
        return with_unit(value, "ohm")


PerState = float | tuple[float, float]
"""A standard deviation of both states, or of LRS and of HRS."""


class CorrelatedTable(Settings):
    """What cells share with their lines and dies, so that they err together.

    Standard deviations are of ln R. Of a condition without measurements they are parts of a spread
    of 1: the roots of their shares of the variance.

    Attributes
    ----------
    sigma_column, sigma_row, sigma_die : float or (float, float)
        Standard deviation between bit lines of a tile, between its word lines, and between dies;
        one for both states, or of LRS and of HRS.
    sense_offset : float
        Standard deviation of the offset of sense amplifiers, one for each bit line of a tile.
    correlation : float
        Of what lines and dies do to LRS and to HRS cells, -1 to 1.
    """

    sigma_column: PerState = 0.0
    sigma_row: PerState = 0.0
    sigma_die: PerState = 0.0
    sense_offset: float = Field(default=0.0, ge=0.0)
    correlation: float = Field(default=0.0, ge=-1.0, le=1.0)

    @field_validator("sigma_column", "sigma_row", "sigma_die", mode="before")
    @classmethod
    def _from_zero_on(cls, value: Any) -> Any:
        both = value if isinstance(value, list | tuple) else [value, value]
        if len(both) != 2 or not all(
            type(one) in (int, float) and 0 <= one < math.inf for one in both
        ):
            raise ValueError("a number from 0 on, or two of them: of LRS and of HRS")
        return value


class CircuitsTable(Settings):
    """Energies of the circuits around the cells, for that of an inference.

    Attributes
    ----------
    sense_energy : str or None
        Of a sense amplifier, for each read of a weight, with its unit; None is unknown.
    popcount_energy : str or None
        Of XNOR and popcount, for each bit counted.
    other_energy : str or None
        Of all else, for an inference.
    energy_source : str
        Where these are from; needed where one is given.
    reuse : bool
        Whether rows of a convolution that were read are latched: it is read once an image, not once
        a place.
    pixel_bits : int or None
        Bit planes of the pixels, for each of which the first layer is read; None is what the images
        have.
    """

    sense_energy: str | None = None
    popcount_energy: str | None = None
    other_energy: str | None = None
    energy_source: str = ""
    reuse: bool = False
    pixel_bits: int | None = Field(default=None, ge=1)

    @field_validator("sense_energy", "popcount_energy", "other_energy", mode="before")
    @classmethod
    def _joule(cls, value: Any) -> Any:
        return with_unit(value, "J")

    def energies(self) -> CircuitEnergies:
        """Return the energies, NaN where unknown; `InputError` for one without a unit or source."""
        sense, popcount, other = (
            math.nan if text is None else read_quantity(text, "energy")
            for text in (self.sense_energy, self.popcount_energy, self.other_energy)
        )
        return CircuitEnergies(sense, popcount, other, self.energy_source)


def with_unit(value: Any, unit: str) -> Any:
    """Return a number, which is in SI units, as a text with its unit, anything else as it is.

    >>> with_unit(25e3, "ohm"), with_unit("25 kOhm", "ohm"), with_unit(None, "V")
    ('25000.0 ohm', '25 kOhm', None)
    """
    value = plain(value)
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return f"{float(value)!r} {unit}" if is_number else value


def quantity_text(value: object, unit: str, *, name: str) -> str | None:
    """Return a quantity as a text with its unit, None for none.

    Raises
    ------
    InputError
        If it is neither a number nor a text; `name` is what the message calls it.
    """
    text = with_unit(value, unit)
    if text is None or isinstance(text, str):
        return text
    raise refused(name, value, f"a number in {unit}, or a text with a number and its unit")
