"""The first stage of a study: what is known of its programming conditions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rramsim.device.characterize import characterize
from rramsim.device.examination import Examination
from rramsim.device.populations.fit import leave_out_incomplete
from rramsim.errors import InputError
from rramsim.study.reading import stated_conditions
from rramsim.study.settings import Study

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Devices:
    """The conditions of a study and what they rest on.

    Attributes
    ----------
    conditions : xarray.Dataset
        Product "conditions".
    examination : Examination or None
        Readings, populations and counted errors; None where only stated figures are used.
    stated : xarray.Dataset or None
        Product "conditions" as stated beside the readings; None without either.
    sources : tuple of (str, str)
        Name and SHA-256 of each file read.
    """

    conditions: xr.Dataset
    examination: Examination | None
    stated: xr.Dataset | None
    sources: tuple[tuple[str, str], ...]

    @property
    def origin(self) -> str:
        """What the cells behind the conditions are: measured, reconstructed, none."""
        if self.examination is not None:
            return self.examination.measured.origin
        return ", ".join(sorted(set(self.conditions["origin"].values.astype(str))))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the files and of the conditions."""
        if self.examination is None:
            return ()
        return tuple(map(str, (*self.examination.measured.notes, *self.examination.notes)))


def characterize_devices(study: Study) -> Devices:
    """Read the study's files and derive its conditions; `InputError` where that is impossible."""
    stated, sources = stated_conditions(study.conditions, lrs_share=study.use.lrs_share)
    if not study.measurements:
        if stated is None:
            raise InputError("neither measurements nor conditions are given.")
        chosen = _only(stated, study.only)
        return Devices(_usable(chosen, study), None, None, sources)
    measured = leave_out_incomplete(study.reading.read(study.measurements))
    examination = characterize(measured, stated, read=study.use.conditions)
    conditions = _only(examination.products["conditions"], study.only)
    examination = replace(examination, products={**examination.products, "conditions": conditions})
    return Devices(_usable(conditions, study), examination, stated, (*measured.sources, *sources))


def _only(conditions: xr.Dataset, names: tuple[str, ...]) -> xr.Dataset:
    if not names:
        return conditions
    known = [str(name) for name in conditions["condition"].values]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            f"the study's `only` names {unknown[0]!r}, which is not a condition; "
            f"there are {', '.join(known)}."
        )
    return conditions.sel(condition=[name for name in known if name in names])


def _usable(conditions: xr.Dataset, study: Study) -> xr.Dataset:
    """Refuse a condition whose bit errors nobody knows: no chip could be drawn for it."""
    known = conditions["ber"].notnull() | (conditions["ber_bound"] == "upper")
    if not bool(known.all()):
        name = str(conditions["condition"].values[~known.values][0])
        raise InputError(
            f"{name}: neither readings nor a stated BER; a trade-off needs one of the two "
            f"(in {study.conditions}: ber, as a number or a bound such as '<1e-6')."
        )
    return conditions
