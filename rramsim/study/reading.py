"""How measurement files are read and how their cells are used, as texts that a person writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
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
        Headers of the files and the names they have here, with units: ``"Rcell=R [kOhm]"``.
    states : str or None
        Values of the state column, ``"0=HRS,31=LRS"``; rows with others are left out.
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


def quantity(text: str | None, kind: str) -> float | None:
    """Return a quantity in SI units, None for none; `InputError` without a unit of its kind."""
    from rramsim.units import read_quantity

    return None if text is None else read_quantity(text, kind)
