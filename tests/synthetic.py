"""Datasets of the trade-off with chosen values, for tests of what takes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from rramsim import schema
from rramsim.decision.accuracy_loss import Loss

NAN = float("nan")

TABLE1: dict[str, Any] = {
    "set_current": [600e-6, 55e-6, 20e-6],
    "set_voltage": [2.0, 2.0, 2.0],
    "reset_voltage": [2.5, 2.5, 1.5],
    "gate_voltage": [NAN] * 3,
    "pulse_width": [100e-9] * 3,
    "set_energy": [120e-12, 11e-12, 4e-12],
    "reset_energy": [150e-12, 14e-12, 5e-12],
    "set_energy_basis": ["stated"] * 3,
    "reset_energy_basis": ["stated"] * 3,
    "reference_resistance": [NAN] * 3,
    "ber": [NAN, 9.7e-5, 3.3e-2],
    "ber_low": [NAN] * 3,
    "ber_high": [1e-6, NAN, NAN],
    "ber_basis": ["stated"] * 3,
    "ber_bound": ["upper", "", ""],
    "ber_extrapolated": [0, 0, 0],
    "ber_lrs": [NAN] * 3,
    "ber_hrs": [NAN] * 3,
    "endurance": [100.0, 1e4, 1e6],
    "endurance_basis": ["stated"] * 3,
    "endurance_bound": ["", "lower", "lower"],
    "origin": ["none"] * 3,
}
"""The paper's Table I as the variables of a "conditions" dataset."""

TABLE1_NAMES = ("very strong", "strong", "weak")


def conditions(names: Sequence[str] = TABLE1_NAMES, **changed: Any) -> xr.Dataset:
    """Return Table I as a "conditions" dataset, with some variables replaced."""
    return schema.make("conditions", TABLE1 | changed, coords={"condition": list(names)})


def condition_accuracy(
    accuracy: Mapping[float, Sequence[float]],
    *,
    names: Sequence[str] = TABLE1_NAMES,
    test_ber: Sequence[float] = (1e-6, 9.7e-5, 3.3e-2),
    half_width: float = 0.001,
    maps: int = 50,
) -> xr.Dataset:
    """Return a "condition_accuracy" dataset with intervals of one half width."""
    mean = np.array(list(accuracy.values()))
    return schema.make(
        "condition_accuracy",
        {
            "accuracy": mean,
            "accuracy_low": mean - half_width,
            "accuracy_high": mean + half_width,
            "accuracy_p05": mean - 2 * half_width,
            "maps": np.full(mean.shape, maps),
            "accuracy_low_at_ber_high": np.full(mean.shape, NAN),
            "test_ber": list(test_ber),
            "ber_high": np.full(len(names), NAN),
            "faults": ["iid"] * len(names),
        },
        coords={"training_ber": list(accuracy), "condition": list(names)},
        attrs={"confidence": 0.95, "interval": "t interval of the mean over chips"},
    )


def losses(reached: xr.Dataset, error_free: float = 0.97) -> list[list[Loss]]:
    """Return the losses of a "condition_accuracy" dataset, whose intervals they have.

    What is at the upper end of a BER counts as half the width by the sample of cells.
    """
    further = reached.accuracy_low - reached.accuracy_low_at_ber_high
    values = zip(
        reached.accuracy.values.tolist(),
        ((reached.accuracy - reached.accuracy_low) / 1.959964).values.tolist(),
        (further.fillna(0.0) / 1.959964).values.tolist(),
        strict=True,
    )
    return [
        [
            Loss(error_free - one, 1, 0.0, 0.0, 1.0, images=error**2, cells=cells**2)
            for one, error, cells in zip(*row, strict=True)
        ]
        for row in values
    ]


def accuracy_curves(
    training_bers: Sequence[float] = (0.0, 0.05, 0.15), *, peak: float = 0.97
) -> xr.Dataset:
    """Return an "accuracy" dataset of smooth curves that fall where the BER is high."""
    test = np.array([0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 4e-2, 0.1, 0.15, 0.2, 0.3])
    tolerated = 0.1 + np.array(training_bers)[:, None]
    mean = 0.1 + (peak - 0.1 - 0.05 * tolerated) / (1 + (test / tolerated) ** 3)
    band = 0.0005 + 0.02 * test
    return schema.make(
        "accuracy",
        {
            "accuracy": mean,
            "accuracy_low": mean - band,
            "accuracy_high": mean + band,
            "accuracy_p05": mean - 3 * band,
            "maps": np.full(mean.shape, 50),
        },
        coords={"training_ber": list(training_bers), "test_ber": test},
        attrs={"confidence": 0.95, "interval": "t interval of the mean over chips"},
    )
