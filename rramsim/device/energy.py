"""Energy of one SET or RESET: measured before stated, stated before computed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

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
    """

    joule: float
    basis: str
    cells: int = 0


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
    )
