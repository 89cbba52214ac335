"""Conditions that cannot be characterized are left out and told, so that the others go on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rramsim.device.populations.fit import what_is_missing
from rramsim.errors import InputError
from rramsim.schema import STATES

if TYPE_CHECKING:
    from rramsim.readers.measurements import Measured


def leave_out_incomplete(measured: Measured) -> Measured:
    """Return the readings without conditions that lack a state or have one reading in it.

    Each condition left out is told in the notes. States that seem exchanged are not left out:
    they are an error of the whole file.

    Parameters
    ----------
    measured : Measured

    Returns
    -------
    Measured
        The same object where every condition is complete.

    Raises
    ------
    InputError
        If no condition is complete; the message is that of the first.
    """
    readings = measured.readings
    names = [str(name) for name in readings["condition"].values]
    of_condition = readings["condition_index"].values
    key = len(STATES) * of_condition + readings["state_index"].values
    sizes = np.bincount(key, minlength=len(STATES) * len(names)).reshape(len(names), -1)
    missing = [what_is_missing(name, row.tolist()) for name, row in zip(names, sizes, strict=True)]
    if not any(missing):
        return measured
    kept = np.flatnonzero([not each for each in missing])
    if not kept.size:
        raise InputError(missing[0])
    number = np.full(len(names), -1)
    number[kept] = np.arange(kept.size)
    chosen = np.flatnonzero(number[of_condition] >= 0)
    part = readings.isel(reading=chosen, condition=kept)
    index = part["condition_index"]
    return replace(
        measured,
        readings=part.assign(condition_index=index.copy(data=number[index.values])),
        notes=(*measured.notes, *(f"{each} It is left out." for each in missing if each)),
    )
