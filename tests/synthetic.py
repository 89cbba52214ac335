"""Datasets of the trade-off with chosen values, for tests of what takes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from rramsim import schema
from rramsim.decision.accuracy_loss import Loss, columns
from rramsim.decision.join import join
from rramsim.decision.requirements import Requirements, judge
from rramsim.statistics.confidence import NORMAL_END

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
    error_free: float = 0.97,
    by_cells: float | Sequence[float] = 0.0,
    **more: Any,
) -> xr.Dataset:
    """Return a "condition_accuracy" dataset of unprotected networks as trained, once each.

    Intervals have one half width by test images, and further ones by the cells of each condition.
    """
    mean = np.array(list(accuracy.values()))[:, None, None]
    cells = np.broadcast_to(np.asarray(by_cells), mean.shape)
    of_images, of_cells = half_width / NORMAL_END, cells / NORMAL_END

    def with_parts(name: str, lost: Any) -> dict[str, Any]:
        losses = [
            Loss(one, 1, 0.0, 0.0, 1.0, images=of_images**2, cells=by**2)
            for one, by in zip(lost.ravel().tolist(), of_cells.ravel().tolist(), strict=True)
        ]
        return columns(name, losses, mean.shape)

    def read(values: Sequence[Any]) -> list[list[Any]]:
        return [list(values)]

    return schema.make(
        "condition_accuracy",
        {
            **with_parts("accuracy", 1.0 - mean),
            **with_parts("loss", error_free - mean),
            "accuracy_p05": mean - 2 * half_width,
            "maps": np.full(mean.shape, maps),
            "test_ber": read(test_ber),
            "ber_high": read([NAN] * len(names)),
            "ber_bound": read(["upper", *[""] * (len(names) - 1)]),
            "ber_extrapolated": read([0] * len(names)),
            "faults": read(["iid"] * len(names)),
            "cells_basis": read(["stated"] * len(names)),
            "drawn_ber": read([NAN] * len(names)),
            "cells": [NAN] * len(names),
            **{name: read(values) for name, values in more.items()},
        },
        coords={
            "training_ber": list(accuracy),
            "thresholds": ["as trained"],
            "protection": ["none"],
            "condition": list(names),
        },
        attrs={"confidence": 0.95, "interval": "t interval of the mean over chips"},
    )


def programming(
    cells: Mapping[float, tuple[int, int]], names: Sequence[str] = TABLE1_NAMES
) -> xr.Dataset:
    """Return a "programming" dataset of networks with so many weights in LRS and in HRS."""
    lrs, hrs = (
        np.broadcast_to(np.array(states)[:, None, None], (len(cells), 1, len(names)))
        for states in zip(*cells.values(), strict=True)
    )
    weights = lrs + hrs
    return schema.make(
        "programming",
        {
            "weights": weights,
            "cells": weights,
            "sets": lrs,
            "resets": hrs,
            "verifying_reads": 0.0 * weights,
            "most_pulses": np.ones_like(weights),
        },
        coords={"training_ber": list(cells), "protection": ["none"], "condition": list(names)},
    )


def traded(
    accuracy: Mapping[float, Sequence[float]],
    *,
    known: xr.Dataset | None = None,
    cells: Mapping[float, tuple[int, int]] | None = None,
    error_free: float = 0.97,
    tolerance: float | None = 0.005,
    required: Mapping[str, float] | None = None,
    inference_energy: float = NAN,
    names: Sequence[str] | None = None,
    **more: Any,
) -> xr.Dataset:
    """Return a trade-off that was judged; `more` is for `condition_accuracy`."""
    known = conditions() if known is None else known
    names = known.condition.values.tolist() if names is None else names
    more = {"ber_extrapolated": known.ber_extrapolated.values.tolist()} | more
    shares = dict.fromkeys(accuracy, (500, 500)) if cells is None else cells
    points = join(
        known,
        condition_accuracy(accuracy, names=names, error_free=error_free, **more),
        programming(shares, names),
        error_free=error_free,
        inference_energy=inference_energy,
    )
    return judge(points, Requirements(**(required or {"tolerance": tolerance})))


def aged(
    tradeoff: xr.Dataset,
    lost: Any,
    *,
    cycles: Sequence[float] = (1.0, 10.0, 100.0),
    times: Sequence[float] = (1.0, 1e9),
    half_width: float = 0.001,
    extrapolated: Any = "",
    basis: str = "cycles and time",
) -> xr.Dataset:
    """Return a trade-off with losses over cycles and time, of the shape of points, cycle, time."""
    shape = (*(tradeoff.sizes[dim] for dim in schema.POINT), len(cycles), len(times))
    loss = np.broadcast_to(np.asarray(lost, dtype=float), shape)
    best = float(tradeoff.attrs["error_free_accuracy"])
    conditions = tradeoff.sizes["condition"]
    values = {
        **{f"aged_loss{end}": loss + by for end, by in _ends(half_width)},
        **{f"aged_accuracy{end}": best - loss + by for end, by in _ends(half_width)},
        "aged_extrapolated": np.broadcast_to(extrapolated, (conditions, *shape[-2:])),
        "first_cycle": [cycles[0]] * conditions,
        "last_cycle": [cycles[-1]] * conditions,
        "last_time": [times[-1]] * conditions,
        "life_basis": np.full((tradeoff.sizes["protection"], conditions), basis),
    }
    known = {str(name): tradeoff[name].values for name in tradeoff.data_vars}
    coords = {str(name): tradeoff[name].values for name in tradeoff.coords}
    return schema.make(
        "tradeoff", known | values, coords | {"cycle": cycles, "time": times}, tradeoff.attrs
    )


def _ends(half_width: float) -> tuple[tuple[str, float], ...]:
    return ("", 0.0), ("_low", -half_width), ("_high", half_width)


def at(tradeoff: xr.Dataset, **labels: Any) -> xr.Dataset:
    """Return points of unprotected networks as trained."""
    return tradeoff.isel(thresholds=0, protection=0).sel(**labels)


def accuracy_curves(
    training_bers: Sequence[float] = (0.0, 0.05, 0.15), *, peak: float = 0.97
) -> xr.Dataset:
    """Return an "accuracy" dataset of smooth curves that fall where the BER is high."""
    test = np.array([0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 4e-2, 0.1, 0.15, 0.2, 0.3])
    tolerated = 0.1 + np.array(training_bers)[:, None]
    mean = 0.1 + (peak - 0.1 - 0.05 * tolerated) / (1 + (test / tolerated) ** 3)
    band = 0.0005 + 0.02 * test
    best = mean[0, 0]
    losses = [
        Loss(best - one, 1, 0.0, 0.0, 1.0, images=(half / NORMAL_END) ** 2)
        for one, half in zip(
            mean.ravel().tolist(), np.broadcast_to(band, mean.shape).ravel().tolist(), strict=True
        )
    ]
    return schema.make(
        "accuracy",
        {
            **columns("loss", losses, mean.shape),
            "accuracy": mean,
            "accuracy_low": mean - band,
            "accuracy_high": mean + band,
            "accuracy_p05": mean - 3 * band,
            "maps": np.full(mean.shape, 50),
        },
        coords={"training_ber": list(training_bers), "test_ber": test},
        attrs={"confidence": 0.95, "interval": "t interval of the mean over chips"},
    )
