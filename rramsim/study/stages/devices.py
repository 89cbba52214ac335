"""The first stage of a study: its programming conditions, and the faults of their chips."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rramsim.crossbar.drawn_faults import Planted, planted_faults
from rramsim.crossbar.faults import FaultModel, check_model, has_fresh_reads
from rramsim.crossbar.from_conditions import (
    SharedSpread,
    protected_condition,
)
from rramsim.crossbar.protection import Protection, Unprotected, Verified, parse, protect
from rramsim.device.characterize import characterize
from rramsim.device.examination import Examination
from rramsim.device.lifetime.aging import Aging, aging_of
from rramsim.device.read_conditions import ReadConditions
from rramsim.device.variability import variability
from rramsim.errors import InputError
from rramsim.measurements import Measured
from rramsim.montecarlo.task import faults_text
from rramsim.schema import did_you_mean, spelled_as, with_spellings
from rramsim.study.settings import Study

if TYPE_CHECKING:
    import xarray as xr

FaultsOf = Callable[["xr.Dataset"], FaultModel]
"""Gives the faults of a chip from a condition: one row of the product "conditions"."""


@dataclass(frozen=True, eq=False)
class Devices:
    """The conditions of a study, what they rest on, and how their chips err.

    Attributes
    ----------
    conditions : xarray.Dataset
        Product "conditions".
    examination : Examination or None
        Readings, populations and counted errors; None where only stated figures are used.
    stated : xarray.Dataset or None
        Product "conditions" as stated beside the readings; None without either.
    sources : tuple of (str, str)
        Name and SHA-256 of everything read.
    faults : tuple of FaultModel
        Of each condition.
    faults_of : callable or None
        What gave the faults, where they are not those of the conditions' BERs.
    shared : SharedSpread or None
        What cells share with their lines and dies; None: they err on their own.
    """

    conditions: xr.Dataset
    examination: Examination | None
    stated: xr.Dataset | None
    sources: tuple[tuple[str, str], ...]
    faults: tuple[FaultModel, ...] = ()
    faults_of: FaultsOf | None = None
    shared: SharedSpread | None = None

    @property
    def names(self) -> list[str]:
        """The names of the conditions."""
        return [str(name) for name in self.conditions["condition"].values]

    @property
    def rows(self) -> list[xr.Dataset]:
        """The conditions one by one."""
        return [self.conditions.isel(condition=place) for place in range(len(self.names))]

    def planted(self, protections: Sequence[str]) -> dict[tuple[str, str], Planted]:
        """Return the chips of each condition under each protection that it can have.

        Parameters
        ----------
        protections : sequence of str
            What `parse` takes.

        Returns
        -------
        dict
            By protection and condition, the protections in the order given; `Planted.refusal` says
            why one cannot be had.
        """
        asked = {protection: parse(protection) for protection in protections}
        products = self._products(asked.values())
        return {
            (protection, name): self._planted(asked[protection], row, faults, products)
            for protection in protections
            for name, row, faults in zip(self.names, self.rows, self.faults, strict=True)
        }

    def _products(self, protections: Iterable[Protection]) -> dict[str, xr.Dataset]:
        """Return what is known of the cells, with the spread of reads where it is asked for."""
        if self.examination is None:
            return {}
        products = dict(self.examination.products)
        asked = [one for one in protections if isinstance(one, Verified) and not one.has_spread]
        if asked and "variance" not in products:
            products["variance"] = variability(self.examination.measured.readings).dataset
        return products

    def _planted(
        self,
        protection: Protection,
        row: xr.Dataset,
        faults: FaultModel,
        products: Mapping[str, xr.Dataset],
    ) -> Planted:
        if self.faults_of is None:
            return planted_faults(row, protection, products, shared=self.shared)
        try:
            protected = cast(FaultModel, protect(faults, protection))
        except InputError as error:
            return Planted(None, "", cells_basis="", refusal=str(error))
        kept = "" if str(protection) == "none" else f"; {protection}"
        words = f"fault model {type(faults).__name__}{kept}"
        return Planted(protected, words, cells_basis="model")

    def ages(self, study: Study, *, read: ReadConditions) -> dict[str, Aging]:
        """Return how the cells of each condition age, of those that were read over cycles or time.

        Of fault models given in Python nothing is known.

        Raises
        ------
        InputError
            If times cannot be carried to the temperature of use.
        """
        if self.examination is None or self.faults_of is not None:
            return {}
        asked = study.use_question
        found = aging_of(
            self.examination.measured.readings,
            self.examination.products,
            read=read,
            use_temperature=asked.use_temperature,
            activation_energy=asked.activation_energy,
            seed=study.seed,
        )
        return {name: found[name] for name in self.names if name in found}

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


def characterize_devices(
    study: Study,
    measured: Measured | None,
    stated: xr.Dataset | None,
    *,
    sources: tuple[tuple[str, str], ...],
    read: ReadConditions,
    faults_of: FaultsOf | None = None,
) -> Devices:
    """Derive the conditions of a study and the faults of their chips.

    Parameters
    ----------
    study : Study
        For the conditions it keeps.
    measured : Measured or None
        Readings.
    stated : xarray.Dataset or None
        Product "conditions" as stated; one of the two is there.
    sources : tuple of (str, str)
        Name and SHA-256 of what both were read from.
    read : ReadConditions
        How the cells are read in use.
    faults_of : callable, optional
        Gives the faults of a condition, instead of its BER.

    Raises
    ------
    InputError
        If the readings cannot be used, or of a condition neither BER nor faults are known.
    """
    devices = _conditions(study, measured, stated, sources, read)
    if faults_of is not None:
        if study.correlated is not False:
            raise InputError(
                "faults and correlated were both given; a fault model already holds the "
                "correlation of its errors (CorrelatedFaults). Give one of the two."
            )
        faults = tuple(_checked(faults_of(row), row) for row in devices.rows)
        digests = [hashlib.sha256(faults_text(model).encode()).hexdigest() for model in faults]
        names = [f"faults of {name}" for name in devices.names]
        return replace(
            devices,
            faults=faults,
            sources=(*devices.sources, *zip(names, digests, strict=True)),
            faults_of=faults_of,
        )
    _check_known(devices.conditions, study)
    devices = replace(_with_parts(devices, study.shared), shared=study.shared)
    products = {} if devices.examination is None else devices.examination.products
    # What cannot be had is refused here, before networks are trained.
    faults = tuple(
        protected_condition(
            row,
            products.get("populations"),
            Unprotected(),
            variance=products.get("variance"),
            shared=study.shared,
        )
        for row in devices.rows
    )
    return replace(devices, faults=faults)


def _with_parts(devices: Devices, shared: SharedSpread | None) -> Devices:
    """Return the devices with the parts of the variance, where cells err together by these."""
    examination = devices.examination
    if examination is None or shared is None or shared.given is not None:
        return devices
    parts = variability(examination.measured.readings)
    return replace(devices, examination=examination.with_analysis("variance", parts))


def _checked(model: object, condition: xr.Dataset) -> FaultModel:
    try:
        check_model(model)
        if has_fresh_reads(cast(FaultModel, model)):
            raise InputError(
                "a study takes no fresh read noise (TransientReads); give the faults that it is "
                "made of, whose noise is frozen, and use evaluate for fresh noise."
            )
    except InputError as error:
        name = str(condition["condition"].item())
        raise InputError(f"faults, for condition {name!r}: {error}") from error
    return cast(FaultModel, model)


def _conditions(
    study: Study,
    measured: Measured | None,
    stated: xr.Dataset | None,
    sources: tuple[tuple[str, str], ...],
    read: ReadConditions,
) -> Devices:
    if measured is None:
        assert stated is not None
        _check_use(stated, study, read)
        return Devices(_only(stated, study), None, None, sources)
    if stated is not None:
        stated = with_spellings(stated, map(str, measured.readings["condition"].values))
    examination = characterize(measured, stated, read=read)
    conditions = _only(examination.products["conditions"], study)
    products = {**examination.products, "conditions": conditions}
    examination = replace(examination, products=products)
    return Devices(conditions, examination, stated, sources)


def _check_use(stated: xr.Dataset, study: Study, read: ReadConditions) -> None:
    """Refuse a use of the cells that BERs without readings cannot follow."""
    reference = read.reference_resistance
    if reference is not None and not (stated["reference_resistance"] == reference).all():
        raise _not_followed("reference", study.use.reference)
    for option, value, attribute in (
        ("reference_spread", read.reference_spread, "reference_spread"),
        ("offset", read.offset_spread, "offset_spread"),
    ):
        if value not in (0.0, stated.attrs.get(attribute)):
            raise _not_followed(option, value)


def _not_followed(option: str, value: object) -> InputError:
    return InputError(
        f"{option} = {value} was found, but BERs without readings stay as they are for "
        f"the reads they hold for; give the measurements, or leave {option} out."
    )


def _only(conditions: xr.Dataset, study: Study) -> xr.Dataset:
    names = study.only
    if not names:
        return conditions
    known = [str(name) for name in conditions["condition"].values]
    names = tuple(spelled_as(name, known) for name in names)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            f"only: there is no condition {unknown[0]!r}{_where(study)}."
            f"{did_you_mean(unknown[0], known)} Accepted are {', '.join(known)}."
        )
    return conditions.sel(condition=[name for name in known if name in names])


def _where(study: Study) -> str:
    """Return the files that name the conditions, as a message goes on with them."""
    files = [Path(name).name for name in (*study.measurements, study.conditions) if name]
    return f" in {' or '.join(files)}" if files else ""


def _check_known(conditions: xr.Dataset, study: Study) -> None:
    """Refuse a condition whose bit errors nobody knows: no chip could be drawn for it."""
    known = conditions["ber"].notnull() | (conditions["ber_bound"] == "upper")
    if not bool(known.all()):
        name = str(conditions["condition"].values[~known.values][0])
        others = conditions["condition"].values[known.values].astype(str).tolist()
        raise InputError(
            f"{name}: neither readings nor a stated BER; a trade-off needs one of the two "
            f"(in {study.conditions}: ber, as a number or a bound such as '<1e-6')."
            f"{did_you_mean(name, others)}"
        )
