"""What leaves the device room: labelled datasets by the name of their schema, and notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.device.read_conditions import ReadConditions
from rramsim.errors import InputError
from rramsim.measurements import Measured
from rramsim.notes import Note
from rramsim.units import LONGEST_TIME

if TYPE_CHECKING:
    import xarray as xr

MOST_ENERGY = 10.0
"""eV: no activation energy of what moves in a solid is larger."""
MOST_KELVIN = 2000.0
"""No cell is used at a higher temperature."""


@dataclass(frozen=True)
class Question:
    """What is asked of the readings beside their BER.

    Attributes
    ----------
    target_ber : float or None
        How many cells would show this BER?
    ber_limit : float or None
        After how many cycles, and after how much time, is this BER reached?
    bake : (str, str) or None
        The conditions that are the same cells before and after a bake.
    use_temperature : float or None
        In K: after how much time is the BER limit reached there?
    at_times : tuple of float
        In s: which resistances and which BER do the lines of drift give then? Empty: after ten
        years.
    activation_energy : float or None
        In eV, of what ages the cells, known from elsewhere: how much longer is a time at the
        temperature of use?

    Raises
    ------
    InputError
        For a target or a limit that no BER can have, or a temperature that none can have.
    """

    target_ber: float | None = None
    ber_limit: float | None = None
    bake: tuple[str, str] | None = None
    use_temperature: float | None = None
    at_times: tuple[float, ...] = ()
    activation_energy: float | None = None

    def __post_init__(self) -> None:
        for ber, words in ((self.target_ber, "target BER"), (self.ber_limit, "BER limit")):
            if ber is not None and not 0.0 < ber < 0.5:
                raise InputError(f"The {words} is {ber:g}; it must be above 0 and below 0.5.")
        for time in self.at_times:
            if not 0.0 < time <= LONGEST_TIME:
                raise InputError(
                    f"The time asked for is {numbers.duration(time)}; it must be above 0 and at "
                    f"most {numbers.duration(LONGEST_TIME)}."
                )
        energy, kelvin = self.activation_energy, self.use_temperature
        if energy is not None and not 0.0 < energy <= MOST_ENERGY:
            raise InputError(
                f"The activation energy is {energy:g} eV; it must be above 0 and at most "
                f"{MOST_ENERGY:g} eV."
            )
        if energy is not None and kelvin is None:
            raise InputError(
                "An activation energy needs a temperature to convert times to: give a "
                "temperature of use."
            )
        if kelvin is None:
            return
        if not 0.0 < kelvin <= MOST_KELVIN:
            raise InputError(
                f"The temperature of use is {kelvin:g} K; it must be above 0 and at most "
                f"{MOST_KELVIN:g} K."
            )
        if self.ber_limit is None and energy is None:
            raise InputError(
                "A time at the temperature of use is the time to a BER limit: give a BER limit. "
                "For the acceleration alone, give an activation energy."
            )


@dataclass(frozen=True, eq=False)
class Analysis:
    """The result of one analysis: a dataset, and what a reader must know to judge it."""

    dataset: xr.Dataset
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, eq=False)
class Examination:
    """What readings tell of their conditions.

    Attributes
    ----------
    measured : Measured
        The readings.
    products : mapping of str to xarray.Dataset
        Results by the name of their schema. There always are "populations", "conditions",
        "counted", "goodness" and "outliers"; a result that the columns of the readings or the
        questions do not allow is missing.
    notes : tuple of Note
        What a reader must know to judge the numbers, each note once.
    read : ReadConditions
        How the cells are read.
    question : Question
        What was asked beside the BER.
    """

    measured: Measured
    products: Mapping[str, xr.Dataset]
    notes: tuple[Note, ...]
    read: ReadConditions
    question: Question

    def with_analysis(self, name: str, analysis: Analysis) -> Examination:
        """Return the examination with one more result."""
        return replace(
            self,
            products={**self.products, name: analysis.dataset},
            notes=tuple(dict.fromkeys((*self.notes, *analysis.notes))),
        )
