"""Energy of one SET or RESET: measured before stated, stated before computed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rramsim.errors import InputError


@dataclass(frozen=True)
class Energy:
    """Energy of one programming operation.

    Attributes
    ----------
    joule : float
        NaN where unknown.
    basis : str
        ``"measured"``, ``"stated"``, ``"computed"`` or ``"unknown"``.
    cells : int
        Readings with a measured energy, 0 unless measured.
    covers : str
        What a measured waveform was taken over, such as ``"cell"``; empty where not said.
    """

    joule: float
    basis: str
    cells: int = 0
    covers: str = ""


def programming_energy(
    *,
    measured: ArrayLike = (),
    stated: float = math.nan,
    voltage: float = math.nan,
    current: float = math.nan,
    pulse_width: float = math.nan,
) -> Energy:
    """Return the energy of one SET or RESET from the most trusted of what is known.

    The mean of the measured energies comes first, the stated energy second, the product
    V I t last. For both operations the current is the SET compliance current, the convention of
    Table I of Hirtzlin et al. 2019: a bound from above for the SET, and for the RESET the
    current that the filament left by that SET takes. Nothing is assumed for a voltage, current
    or width that is not known: the energy is then unknown.

    Parameters
    ----------
    measured : array_like
        Measured energies in joule, NaN where a reading has none.
    stated : float
        Energy in joule that the conditions file states, NaN for none.
    voltage, current, pulse_width : float
        SET or RESET voltage (V), SET compliance current (A), width of the pulse (s).

    Examples
    --------
    >>> programming_energy(voltage=2.0, current=600e-6, pulse_width=100e-9).basis
    'computed'
    """
    energies = np.asarray(measured, dtype=float)
    known = energies[np.isfinite(energies)]
    if known.size:
        return Energy(joule=float(known.mean()), basis="measured", cells=int(known.size))
    if math.isfinite(stated):
        return Energy(joule=float(stated), basis="stated")
    product = abs(voltage) * current * pulse_width
    if math.isfinite(product):
        return Energy(joule=product, basis="computed")
    return Energy(joule=math.nan, basis="unknown")


COVERS = ("cell", "cell and transistor")
"""What the voltage of a waveform was measured over."""


def transient_energy(
    time: ArrayLike, voltage: ArrayLike, current: ArrayLike, *, covers: str
) -> Energy:
    """Return the mean energy of measured pulses, each the integral of V(t) I(t).

    The integral is a trapezoid of the products of the samples. SET and RESET are to be given
    apart; `by_polarity` splits a waveform that holds both.

    Parameters
    ----------
    time : array_like, shape (samples,)
        In s, increasing.
    voltage, current : array_like, shape (samples,) or (pulses, samples)
        In V and A, of the same sign where energy goes into the cell.
    covers : str
        What `voltage` was measured over, one of `COVERS`: with the transistor in it, the energy
        is that of the 1T1R cell, and more than that of the resistor.

    Returns
    -------
    Energy
        With basis "measured".

    Raises
    ------
    InputError
        If the shapes differ, a sample is not finite, or the time does not increase.

    Examples
    --------
    >>> time, voltage, current = [0, 1e-9, 99e-9, 100e-9], [0, 2, 2, 0], [0, 1e-4, 1e-4, 0]
    >>> round(transient_energy(time, voltage, current, covers="cell").joule, 15)
    1.98e-11
    """
    if covers not in COVERS:
        raise ValueError(f"a waveform covers one of {COVERS}, not {covers!r}")
    seconds, power = _power(time, voltage, current)
    energies = np.atleast_1d(np.trapezoid(power, seconds))
    return Energy(
        joule=float(energies.mean()), basis="measured", cells=int(energies.size), covers=covers
    )


def by_polarity(
    time: ArrayLike, voltage: ArrayLike, current: ArrayLike, *, covers: str
) -> tuple[Energy, Energy]:
    """Return the energies at positive and at negative voltage of waveforms that hold both.

    In a bipolar cell these are the SET and the RESET, the other way round where the RESET is
    positive. Their sum is the energy of the whole waveform. Parameters and errors are those of
    `transient_energy`.
    """
    volts, amperes = np.asarray(voltage, dtype=float), np.asarray(current, dtype=float)
    positive, negative = (
        transient_energy(time, part(volts, 0.0), amperes, covers=covers)
        for part in (np.maximum, np.minimum)
    )
    return positive, negative


def verified_energy(
    pulse: Energy, *, mean_pulses: float, verify_energy: float = math.nan
) -> Energy:
    """Return the energy of programming with verification: pulses, and a read after each.

    The mean of a product is taken as the product of means, which holds where the energy of a
    pulse does not depend on how many the cell needs; the basis is therefore "computed".

    Parameters
    ----------
    pulse : Energy
        Of one pulse.
    mean_pulses : float
        Mean number of pulses until verified, at least 1.
    verify_energy : float
        Energy of one verifying read in J; NaN where unknown, and then not in the result.
    """
    if not mean_pulses >= 1.0:
        raise InputError(f"{mean_pulses:g} pulses until verified were found; it takes at least 1.")
    read = 0.0 if math.isnan(verify_energy) else verify_energy
    return Energy(
        joule=mean_pulses * (pulse.joule + read),
        basis="unknown" if math.isnan(pulse.joule) else "computed",
        covers=pulse.covers,
    )


def _power(
    time: ArrayLike, voltage: ArrayLike, current: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    seconds = np.asarray(time, dtype=float)
    volts, amperes = np.asarray(voltage, dtype=float), np.asarray(current, dtype=float)
    if (
        seconds.ndim != 1
        or seconds.size < 2
        or {volts.shape[-1:], amperes.shape[-1:]} != {seconds.shape}
    ):
        raise InputError(
            f"a waveform has {seconds.size:,} times, voltages of shape {volts.shape} and currents "
            f"of shape {amperes.shape}; accepted are at least 2 samples, as many of each."
        )
    for values, what in ((seconds, "time"), (volts, "voltage"), (amperes, "current")):
        if not np.isfinite(values).all():
            where = int(np.argmin(np.isfinite(values).reshape(-1, values.shape[-1]).all(axis=0)))
            raise InputError(f"sample {where + 1} of a waveform: the {what} is not a number.")
    steps = np.diff(seconds)
    if not (steps > 0).all():
        where = int(np.argmin(steps > 0)) + 2
        raise InputError(
            f"sample {where} of a waveform: the time {seconds[where - 1]:g} s is not after the "
            f"one before, {seconds[where - 2]:g} s."
        )
    return seconds, volts * amperes
