"""Conditions and accuracies joined into one table of points, and which of them no other beats."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rramsim import schema
from rramsim.decision.accuracy_loss import KNOWN, Loss, rejected_in_sequences

if TYPE_CHECKING:
    import xarray as xr

_ACCURACIES = (
    *("accuracy", "accuracy_low", "accuracy_high", "accuracy_p05", "maps"),
    "accuracy_low_at_ber_high",
)
_OF_THE_CONDITION = (
    "ber_bound",
    "ber_extrapolated",
    "set_energy_basis",
    "reset_energy_basis",
    "endurance",
    "endurance_basis",
    "endurance_bound",
    "endurance_low",
    "endurance_high",
    "origin",
)
ASSUMPTIONS = (
    "Programming energy counts one SET for each weight of −1 and one RESET for each weight of +1: "
    "every cell is written once, without forming, verifying, repeating or error correction, and "
    "the energy of reading and of the circuits around the cells is not counted.",
    "Whether a point is accurate enough is judged by its loss against the network without bit "
    "errors, image by image. Many points are compared: of one network, a condition is accurate "
    "enough only if those of fewer bit errors are, and several networks share the 2.5 % by the "
    "procedure of Holm, so that a point that is not accurate enough is named in at most 2.5 % of "
    "studies.",
)
"""What the energies and verdicts of `join` rest on, in words."""


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
    condition_accuracy: xr.Dataset,
    *,
    losses: Sequence[Sequence[Loss]],
    cells: Mapping[float, tuple[int, int]],
    error_free: float,
    tolerance: float,
) -> xr.Dataset:
    """Join what a condition costs with what a network reaches on it.

    Every weight is written once. A weight of -1 is stored in LRS and takes a SET, a weight of
    +1 is stored in HRS and takes a RESET, so the whole network takes
    ``lrs_cells * set_energy + hrs_cells * reset_energy``.

    The verdict on a point is "yes" where it is shown that its loss is not above the tolerance
    (non-inferiority at 97.5 %, one-sided), "no" where it is shown to be above it, and "not settled"
    otherwise. Of one network the conditions are tested from the lowest BER up, and the networks
    share the 2.5 % (`rejected_in_sequences`), so that in at most 2.5 % of studies any point has a
    wrong "yes". A "no" names nothing to be used, and is taken from its interval alone.

    Parameters
    ----------
    conditions : xarray.Dataset
        Product "conditions". May hold more conditions than were evaluated.
    condition_accuracy : xarray.Dataset
        Product "condition_accuracy"; ``attrs["confidence"]`` is that of its intervals.
    losses : sequence of sequences of Loss
        Of each training BER on each condition, in the order of `condition_accuracy`.
    cells : mapping of float to (int, int)
        For each training BER, the cells of the network in LRS and in HRS.
    error_free : float
        The accuracy to compare with (`error_free_accuracy`).
    tolerance : float
        The loss accepted, as a share of the images: 0.005 is half a point.

    Returns
    -------
    xarray.Dataset
        Product "tradeoff"; `error_free` and `tolerance` become attrs beside the confidence.
        An energy is NaN where the condition's is unknown.
    """
    schema.validate(conditions, "conditions")
    schema.validate(condition_accuracy, "condition_accuracy")
    if "confidence" not in condition_accuracy.attrs:
        raise schema.SchemaError("condition_accuracy: attrs name no confidence.")
    accuracy = condition_accuracy.transpose("training_ber", "condition")
    of_condition = conditions.sel(condition=accuracy.condition.values)
    lrs, hrs = np.array([cells[float(ber)] for ber in accuracy.training_ber]).T[:, :, None]
    verdicts = _verdicts(losses, accuracy.test_ber.values, tolerance)
    energy = lrs * of_condition.set_energy.values + hrs * of_condition.reset_energy.values
    return schema.make(
        "tradeoff",
        {
            **{name: accuracy[name].values for name in _ACCURACIES},
            **{
                name: of_condition[name].values
                for name in _OF_THE_CONDITION
                if name in of_condition
            },
            "test_ber": accuracy.test_ber.values,
            "ber_high": accuracy.ber_high.values,
            "faults": accuracy.faults.values,
            "programming_energy": energy,
            "energy_per_cell": energy / (lrs + hrs),
            # One energy a condition: networks differ a little in their share of LRS weights,
            # and that is no merit of theirs.
            "on_front": on_front(
                np.broadcast_to(energy.mean(axis=0), energy.shape), accuracy.accuracy.values
            ),
            "meets_tolerance": verdicts == "yes",
            "verdict": verdicts,
            **_loss_columns(losses, tolerance),
        },
        coords={
            "training_ber": accuracy.training_ber.values,
            "condition": accuracy.condition.values,
        },
        attrs={**accuracy.attrs, "product": "tradeoff"}
        | {"error_free_accuracy": error_free, "tolerance": tolerance},
    )


def _verdicts(
    losses: Sequence[Sequence[Loss]], bers: npt.NDArray[np.float64], tolerance: float
) -> npt.NDArray[np.str_]:
    """Return "yes", "no" or "not settled" by network and condition."""
    order = np.argsort(bers, kind="stable")
    accepted = rejected_in_sequences(
        [[row[place].p_value(tolerance) for place in order] for row in losses]
    )
    verdicts = np.array(
        [["no" if one.low > tolerance else "not settled" for one in row] for row in losses]
    )
    for row, count in zip(verdicts, accepted, strict=True):
        row[order[:count]] = "yes"
    return verdicts


def _loss_columns(losses: Sequence[Sequence[Loss]], tolerance: float) -> dict[str, Any]:
    def table(value: Callable[[Loss], float | int]) -> list[list[Any]]:
        return [[value(one) for one in row] for row in losses]

    def needed(source: str) -> Callable[[Loss], float]:
        return lambda one: one.times_needed(tolerance, source=source) or math.nan

    return {
        "loss": table(lambda one: one.estimate),
        "loss_low": table(lambda one: one.low),
        "loss_high": table(lambda one: one.high),
        **{
            f"loss_{source}": table(lambda one, source=source: one.parts()[source])  # type: ignore[misc]
            for source in ("trainings", *KNOWN)
        },
        "trainings": table(lambda one: one.trainings),
        "trainings_needed": table(lambda one: one.trainings_needed(tolerance) or 0),
        **{f"{source}_needed": table(needed(source)) for source in KNOWN},
    }


def on_front(energy: npt.ArrayLike, accuracy: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return which points are on the front of less energy and more accuracy.

    A point is beaten by another that has no more energy and no less accuracy, and is better in
    at least one of the two. So of two points with equal energy the less accurate one is not on
    the front, nor is the costlier of two with equal accuracy; points equal in both stand or
    fall together. A point whose energy or accuracy is NaN is never on the front and beats none.

    Parameters
    ----------
    energy, accuracy : array_like
        Any one shape, the same for both.

    Returns
    -------
    ndarray of bool
        In that shape.

    Examples
    --------
    >>> on_front([9.0, 25.0, 25.0, 270.0], [0.90, 0.98, 0.97, 0.98]).tolist()
    [True, True, False, False]
    """
    joules: npt.NDArray[np.float64] = np.asarray(energy, dtype=float)
    share: npt.NDArray[np.float64] = np.asarray(accuracy, dtype=float)
    known = ~(np.isnan(joules) | np.isnan(share))
    front = np.zeros(joules.shape, dtype=bool)
    front[known] = _unbeaten(joules[known], share[known])
    return front


def _unbeaten(energy: npt.NDArray[Any], accuracy: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    # Comparisons with NaN are false both ways, so a whole-array formula needs the known points.
    no_more = energy[:, None] <= energy[None, :]
    no_less = accuracy[:, None] >= accuracy[None, :]
    better = (energy[:, None] < energy[None, :]) | (accuracy[:, None] > accuracy[None, :])
    beaten: npt.NDArray[np.bool_] = np.any(no_more & no_less & better, axis=0)
    return np.logical_not(beaten)
