"""Conditions, chips and networks joined into one table of points: what is reached, at what cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rramsim import schema
from rramsim.decision.requirements import on_front
from rramsim.schema import POINT

if TYPE_CHECKING:
    import xarray as xr

_OF_THE_CONDITION = (
    "set_energy_basis",
    "reset_energy_basis",
    "endurance",
    "endurance_basis",
    "endurance_bound",
    "endurance_low",
    "endurance_high",
    "origin",
)
_PROGRAMMED = ("training_ber", "protection", "condition")
ASSUMPTIONS = (
    "Programming energy counts one SET for each cell in LRS and one RESET for each cell in HRS, "
    "parity and complementary cells included; repeated pulses of program-and-verify are counted "
    "as expected. Forming, the reads that verify, decoders and the circuits around the cells are "
    "not in it.",
    "Whether a point is accurate enough is judged by its loss against the network without bit "
    "errors, image by image. Many points are compared: those of one network are asked from "
    "the highest energy a weight down, and a point is accurate enough only if those before it are. "
    "Networks, as trained and with thresholds re-estimated, share the 2.5 % by the procedure of "
    "Holm, so that a point that is not accurate enough is named in at most 2.5 % of studies.",
)
"""What the energies and verdicts of a trade-off rest on, in words."""


def error_free_accuracy(accuracy: xr.Dataset) -> float:
    """Return the accuracy all others are compared with: plain training, no bit errors.

    Parameters
    ----------
    accuracy : xarray.Dataset
        Product "accuracy", with a test BER of 0.

    Returns
    -------
    float
        At test BER 0, of the network trained with BER 0, else with the lowest BER there is.
    """
    schema.validate(accuracy, "accuracy")
    if not (accuracy.test_ber == 0).any():
        raise schema.SchemaError("accuracy: holds no test BER of 0 to compare with.")
    plain = accuracy.sortby("training_ber").isel(training_ber=0)
    return float(plain.accuracy.sel(test_ber=0.0))


def join(
    conditions: xr.Dataset,
    reached: xr.Dataset,
    programming: xr.Dataset,
    *,
    error_free: float,
    inference_energy: npt.ArrayLike = np.nan,
    inference_energy_bound: str = "",
) -> xr.Dataset:
    """Join what conditions and protections cost with what networks reach on them.

    Programming a network once takes ``sets * set_energy + resets * reset_energy``.

    Parameters
    ----------
    conditions : xarray.Dataset
        Product "conditions". May hold more conditions than were evaluated.
    reached : xarray.Dataset
        Product "condition_accuracy"; ``attrs["confidence"]`` is that of its intervals.
    programming : xarray.Dataset
        Product "programming", of the same networks, protections and conditions.
    error_free : float
        The accuracy to compare with (`error_free_accuracy`).
    inference_energy : array_like
        Of reading for one inference, in J, of a shape that broadcasts to (training_ber,
        protection, condition).
    inference_energy_bound : str
        "lower" where circuits whose energy is unknown take more.

    Returns
    -------
    xarray.Dataset
        Product "tradeoff", to be judged by what is required (`rramsim.decision.requirements`);
        `error_free` becomes an attribute beside the confidence. An energy is NaN where the
        condition's is unknown.
    """
    schema.validate(conditions, "conditions")
    schema.validate(reached, "condition_accuracy")
    schema.validate(programming, "programming")
    if "confidence" not in reached.attrs:
        raise schema.SchemaError("condition_accuracy: attrs name no confidence.")
    reached = reached.transpose(*POINT, ...)
    programming = programming.transpose(*_PROGRAMMED)
    of_condition = conditions.sel(condition=reached.condition.values)
    energy = sum(
        # What is not pulsed need not be known.
        np.where(programming[count] > 0, programming[count] * of_condition[joule], 0.0)
        for count, joule in (("sets", "set_energy"), ("resets", "reset_energy"))
    )
    energy = np.where(np.isnan(programming["weights"]), np.nan, energy)
    weights, cells = programming["weights"].values, programming["cells"].values
    accuracy = reached["accuracy"].values
    # One energy a condition: networks differ a little in their share of LRS weights,
    # and that is no merit of theirs.
    of_front = np.broadcast_to(energy.mean(axis=0), accuracy.shape)
    return schema.make(
        "tradeoff",
        {
            **{str(name): reached[name].values for name in reached.data_vars},
            **{
                name: of_condition[name].values
                for name in _OF_THE_CONDITION
                if name in of_condition
            },
            "programming_energy": energy,
            "energy_per_cell": energy / cells,
            "energy_per_weight": energy / weights,
            "cells_per_weight": cells / weights,
            "pulses_per_weight": (programming["sets"] + programming["resets"]).values / weights,
            "most_pulses": programming["most_pulses"].values,
            "verifying_reads": programming["verifying_reads"].values,
            "inference_energy": np.broadcast_to(inference_energy, energy.shape),
            "on_front": on_front(of_front, accuracy),
        },
        coords={str(name): reached[name].values for name in reached.coords},
        attrs={
            **reached.attrs,
            "product": "tradeoff",
            "error_free_accuracy": error_free,
            "inference_energy_bound": inference_energy_bound,
        },
    )
