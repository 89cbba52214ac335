"""The stage of a study that draws chips and scores the networks on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rramsim import schema
from rramsim.crossbar.faults import FaultModel, IidFaults, is_deterministic, mean_ber
from rramsim.crossbar.from_conditions import faults_at_upper_end, faults_of_condition, in_words
from rramsim.crossbar.sampling import as_positions
from rramsim.montecarlo.collect import Workers, collect
from rramsim.montecarlo.estimate import ChipAccuracy, accuracy_columns, estimate, method_text
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import ScoredNetwork, Task

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.images.image_set import ImageSet
    from rramsim.network.folded.network import FoldedNetwork
    from rramsim.progress import OnProgress
    from rramsim.study.devices import Devices
    from rramsim.study.settings import Study

CONFIDENCE = 0.95


class Chips:
    """Scores networks on chips; what was scored is in the store, and is not scored again."""

    def __init__(
        self,
        study: Study,
        images: ImageSet,
        networks: Mapping[float, FoldedNetwork],
        *,
        store: TallyStore,
        workers: Workers,
        device: str,
        on_progress: OnProgress,
    ) -> None:
        self._study, self._store, self._workers = study, store, workers
        self._on_progress = on_progress
        self._rule = StoppingRule(study.chips, study.half_width)
        self._networks = {
            training_ber: ScoredNetwork(
                folded, images.test_images, images.test_labels, images.content_id, device
            )
            for training_ber, folded in networks.items()
        }

    def curves(self) -> xr.Dataset:
        """Return the product "accuracy": every network at 0 and at every BER of the curves."""
        bers = (0.0, *self._study.curve_bers)
        table = self._estimates("chips of the curves", [IidFaults(ber) for ber in bers])
        return schema.make(
            "accuracy",
            _columns(table),
            coords={"training_ber": list(self._networks), "test_ber": list(bers)},
            attrs=_attrs(table),
        )

    def on_conditions(self, devices: Devices) -> xr.Dataset:
        """Return the product "condition_accuracy": every network on every condition."""
        names = [str(name) for name in devices.conditions["condition"].values]
        found = devices.examination
        populations = None if found is None else found.products["populations"]
        rows = [devices.conditions.sel(condition=name) for name in names]
        faults = [faults_of_condition(row, populations) for row in rows]
        worst = [faults_at_upper_end(row) for row in rows]
        asked = [*faults, *(each for each in worst if each)]
        met = self._estimates("chips of the conditions", asked)
        table = [row[: len(faults)] for row in met]
        low = [_filled(worst, [one.mean.low for one in row[len(faults) :]]) for row in met]
        is_bound = devices.conditions["ber_bound"] == "upper"
        bers = [mean_ber(model, 1.0 - self._study.use.lrs_share) for model in faults]
        return schema.make(
            "condition_accuracy",
            {
                **_columns(table),
                "accuracy_low_at_ber_high": low,
                # The faults at a bound may err less than the bound (a fit that underflows).
                "test_ber": np.where(is_bound, devices.conditions["ber_high"], bers),
                "ber_high": devices.conditions["ber_high"].values,
                "faults": [in_words(model, row) for model, row in zip(faults, rows, strict=True)],
            },
            coords={"training_ber": list(self._networks), "condition": names},
            attrs=_attrs(table),
        )

    def wrong_cells(
        self, training_ber: float, condition: xr.Dataset, populations: xr.Dataset | None
    ) -> list[npt.NDArray[np.int64]]:
        """Return the wrong cells of the first chip of a point, by layer: one that was scored."""
        network = self._networks[training_ber]
        faults = faults_of_condition(condition, populations)
        drawn = Task(network, faults, self._study.seed).draw(0)
        return [
            as_positions(cells, layer.matrix)
            for cells, layer in zip(drawn, network.folded.layers, strict=True)
        ]

    def _estimates(self, stage: str, faults: Sequence[FaultModel]) -> list[list[ChipAccuracy]]:
        """Return a row for each network, with an estimate for each of the fault models."""
        tasks = [
            Task(network, model, self._study.seed)
            for network in self._networks.values()
            for model in faults
        ]
        tallies = collect(
            tasks,
            rule=self._rule,
            workers=self._workers,
            store=self._store,
            on_chips=partial(self._on_progress, stage),
        )
        found = [
            estimate(
                tally,
                confidence=CONFIDENCE,
                deterministic=is_deterministic(task.faults),
                half_width=self._rule.half_width,
            )
            for task, tally in zip(tasks, tallies, strict=True)
        ]
        width = len(faults)
        return [found[start : start + width] for start in range(0, len(found), width)]


def _filled(asked: Sequence[object | None], answers: Sequence[float]) -> list[float]:
    """Return the answers where something was asked, NaN elsewhere."""
    left = iter(answers)
    return [math.nan if one is None else next(left) for one in asked]


def _columns(table: Sequence[Sequence[ChipAccuracy]]) -> dict[str, Any]:
    every = [one for row in table for one in row]
    return accuracy_columns(every, (len(table), len(table[0])))


def _attrs(table: Sequence[Sequence[ChipAccuracy]]) -> dict[str, str | int | float]:
    every = [one for row in table for one in row]
    return {
        "interval": method_text(every),
        "confidence": CONFIDENCE,
        "images": every[0].images,
    }
