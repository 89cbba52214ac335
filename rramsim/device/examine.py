"""Everything a set of readings can tell of its conditions, as far as its columns allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rramsim.device.bit_errors.sample_size import SampleSize, sample_sizes
from rramsim.device.characterize import Characterization, Measured, characterize
from rramsim.device.lifetime.arrhenius import Arrhenius, retention_over_temperature, use_notes
from rramsim.device.lifetime.bake import Bake, bake_shift
from rramsim.device.lifetime.cycling import Cycling, against_cycles
from rramsim.device.lifetime.retention import Retention, retention
from rramsim.device.populations.percentiles import percentiles
from rramsim.device.read_energy import read_energy
from rramsim.device.variability import Variability, variability
from rramsim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Use:
    """How the cells are used, where it is not as usual.

    Attributes
    ----------
    lrs_share : float
        Share of the cells in use that are in LRS.
    reference_resistance : float or None
        Of the 1T1R read in ohm; None for the one stated, else the best one.
    reference_spread, offset_spread : float
        Standard deviations of ln(reference), and of a sense amplifier's offset in ln(R).
    read_voltage, read_time : float or None
        The pulse that reads a cell, in V and s; None where no energy of a read is wanted.
    """

    lrs_share: float = 0.5
    reference_resistance: float | None = None
    reference_spread: float = 0.0
    offset_spread: float = 0.0
    read_voltage: float | None = None
    read_time: float | None = None


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
    """

    target_ber: float | None = None
    ber_limit: float | None = None
    bake: tuple[str, str] | None = None
    use_temperature: float | None = None


@dataclass(frozen=True, eq=False)
class Examination:
    """What the readings tell. What their columns or the questions do not allow is None.

    Attributes
    ----------
    found : Characterization
        Populations, conditions, errors, goodness, outliers, endurance.
    percentiles : xarray.Dataset
        Schema "percentiles".
    cycling : Cycling or None
    retention : Retention or None
    arrhenius : dict of str to Arrhenius
        By condition; empty without a BER limit and times at known temperatures.
    variability : Variability or None
        None where the variance of no population can be split.
    bake : Bake or None
    read_energy : xarray.Dataset or None
        Schema "read_energy".
    use_temperature : float or None
        In K, as asked.
    targets : dict of str to SampleSize
        By condition; empty without a target.
    notes : tuple of str
        Those of all of them, each once.
    """

    found: Characterization
    percentiles: xr.Dataset
    cycling: Cycling | None
    retention: Retention | None
    variability: Variability | None
    bake: Bake | None
    read_energy: xr.Dataset | None
    arrhenius: dict[str, Arrhenius] = field(default_factory=dict)
    use_temperature: float | None = None
    targets: dict[str, SampleSize] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def examine(
    measured: Measured,
    stated: xr.Dataset | None = None,
    *,
    use: Use | None = None,
    question: Question | None = None,
) -> Examination:
    """Derive everything that the columns of the readings and the questions allow.

    Parameters
    ----------
    measured : Measured
        Readings (schema "readings") and their origin.
    stated : xarray.Dataset, optional
        Schema "conditions", as a conditions file gives it.
    use : Use, optional
    question : Question, optional

    Raises
    ------
    InputError
        As `characterize`, and for a target or limit that no BER can have, a bake of conditions
        that are not there, or a read pulse of no volt or no time.
    """
    use, question = use or Use(), question or Question()
    _check(question.target_ber, "target BER")
    _check_temperature(question)
    readings = measured.readings
    found = characterize(
        measured,
        stated,
        lrs_share=use.lrs_share,
        reference_resistance=use.reference_resistance,
        reference_spread=use.reference_spread,
        offset_spread=use.offset_spread,
    )
    reference = found.conditions["reference_resistance"].sel(condition=readings["condition"]).values
    cycling = against_cycles(
        readings,
        reference_resistance=reference,
        lrs_share=use.lrs_share,
        ber_limit=question.ber_limit,
    )
    held = retention(
        readings,
        reference_resistance=reference,
        lrs_share=use.lrs_share,
        ber_limit=question.ber_limit,
    )
    has_limit = held is not None and question.ber_limit is not None
    parts = variability(readings)
    is_split = np.isfinite(parts.variance["share"].values).sum(axis=-1).max(initial=0) > 1
    baked = None
    if question.bake is not None:
        before, after = question.bake
        baked = bake_shift(
            readings,
            before=before,
            after=after,
            lrs_share=use.lrs_share,
            reference_resistance=use.reference_resistance,
        )
    arrhenius = retention_over_temperature(held.retention) if held and has_limit else {}
    told = [cycling, held, parts if is_split else None, baked]
    notes = [note for each in told if each is not None for note in each.notes]
    notes += [f"{name}: {note}" for name, fit in arrhenius.items() for note in fit.notes]
    if question.use_temperature is not None:
        for name in readings["condition"].values.astype(str).tolist():
            notes += use_notes(name, arrhenius.get(name), question.use_temperature)
    return Examination(
        found=found,
        percentiles=percentiles(found.populations),
        cycling=cycling,
        retention=held,
        variability=parts if is_split else None,
        bake=baked,
        read_energy=_read_energy(found.populations, use),
        arrhenius=arrhenius,
        use_temperature=question.use_temperature,
        targets=_targets(found, question.target_ber),
        notes=tuple(dict.fromkeys((*found.notes, *notes))),
    )


def _check(ber: float | None, what: str) -> None:
    if ber is not None and not 0.0 < ber < 0.5:
        raise InputError(f"The {what} is {ber:g}; it must be above 0 and below 0.5.")


def _check_temperature(question: Question) -> None:
    kelvin = question.use_temperature
    if kelvin is None:
        return
    if not 0.0 < kelvin < float("inf"):
        raise InputError(f"The temperature of use is {kelvin:g} K; it must be above 0.")
    if question.ber_limit is None:
        raise InputError(
            "A time at the temperature of use takes the BER that it lasts to: give a BER limit."
        )


def _read_energy(populations: xr.Dataset, use: Use) -> xr.Dataset | None:
    if use.read_voltage is None or use.read_time is None:
        return None
    return read_energy(
        populations,
        read_voltage=use.read_voltage,
        read_time=use.read_time,
        lrs_share=use.lrs_share,
    )


def _targets(found: Characterization, target: float | None) -> dict[str, SampleSize]:
    if target is None:
        return {}
    return sample_sizes(
        target,
        conditions=found.conditions,
        counted=found.counted,
        populations=found.populations,
    )
