"""How the cells of an array are read: against what, how exactly, and with what pulse."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rramsim.errors import InputError


@dataclass(frozen=True)
class ReadConditions:
    """How cells are read in use, and which states they are in.

    Attributes
    ----------
    lrs_share : float
        Share of the cells in use that are in LRS, above 0 and below 1; it need not be the share
        in a file of measurements.
    reference_resistance : float or None
        Reference of the 1T1R read in ohm, for every condition; None for the one stated for the
        condition, else the best one between the fitted populations.
    reference_spread : float
        Standard deviation of ln(reference) from read to read or from array to array.
    offset_spread : float
        Standard deviation of a sense amplifier's offset in units of ln(R), for 2T2R.
    read_voltage, read_time : float or None
        The pulse that reads a cell, in V and s; None where no energy of a read is wanted.

    Raises
    ------
    InputError
        If one of them is out of range.
    """

    lrs_share: float = 0.5
    reference_resistance: float | None = None
    reference_spread: float = 0.0
    offset_spread: float = 0.0
    read_voltage: float | None = None
    read_time: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.lrs_share < 1.0:
            raise InputError(
                f"The share of LRS cells is {self.lrs_share:g}; it must be between 0 and 1."
            )
        reference = self.reference_resistance
        if reference is not None and not 0.0 < reference < math.inf:
            raise InputError(f"The reference resistance is {reference:g} Ω; it must be above 0.")
        for words, spread in (
            ("reference spread", self.reference_spread),
            ("offset spread", self.offset_spread),
        ):
            if not 0.0 <= spread < math.inf:
                raise InputError(
                    f"The {words} is {spread:g}; it must be 0 or more, in units of ln R."
                )
        volt, second = self.read_voltage, self.read_time
        if volt is not None and not (math.isfinite(volt) and volt != 0.0):
            raise InputError(f"The read voltage is {volt:g} V; it must be a number, not 0.")
        if second is not None and not 0.0 < second < math.inf:
            raise InputError(f"The read time is {second:g} s; it must be above 0.")

    @property
    def reference(self) -> float:
        """The reference in ohm, once one is given or chosen."""
        if self.reference_resistance is None:
            raise ValueError("no reference is given, and none has been chosen")
        return self.reference_resistance

    @property
    def ln_reference(self) -> float:
        """Return ln(reference / ohm)."""
        return math.log(self.reference)

    def with_reference(self, ohm: float) -> ReadConditions:
        """Return the same, read against this reference."""
        return replace(self, reference_resistance=ohm)

    def without_spread(self) -> ReadConditions:
        """Return the same with a reference and amplifiers that never vary."""
        return replace(self, reference_spread=0.0, offset_spread=0.0)
