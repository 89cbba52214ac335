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
from rramsim.crossbar.sampling import as_positions
from rramsim.montecarlo.collect import Workers, measure
from rramsim.montecarlo.estimate import ChipAccuracy, accuracy_columns, method_text
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.statistics.confidence import CONFIDENCE

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.images.image_set import ImageSet
    from rramsim.network.folded.network import FoldedNetwork
    from rramsim.progress import OnProgress
    from rramsim.study.settings import Study

_COUNTED_CHIPS = 20


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

    def on_conditions(
        self,
        conditions: xr.Dataset,
        faults: Sequence[FaultModel],
        worst: Sequence[FaultModel | None],
        *,
        words: Sequence[str],
    ) -> xr.Dataset:
        """Return the product "condition_accuracy": every network on every condition.

        Parameters
        ----------
        conditions : xarray.Dataset
            Product "conditions".
        faults, worst : sequence of FaultModel
            Of each condition, and at the upper end of its BER (None where that has no interval).
        words : sequence of str
            What the chips of each condition are drawn from.
        """
        every = [*faults, *(model for model in worst if model)]
        estimates = self._estimates("chips of the conditions", every)
        table = [row[: len(faults)] for row in estimates]
        low = [_filled(worst, [one.mean.low for one in row[len(faults) :]]) for row in estimates]
        bers = [self._mean_ber(model) for model in faults]
        return schema.make(
            "condition_accuracy",
            {
                **_columns(table),
                "accuracy_low_at_ber_high": low,
                # The faults at a bound may err less than the bound (a fit that underflows).
                "test_ber": np.where(
                    conditions["ber_bound"] == "upper", conditions["ber_high"], bers
                ),
                "ber_high": conditions["ber_high"].values,
                "faults": list(words),
            },
            coords={
                "training_ber": list(self._networks),
                "condition": conditions["condition"].values.astype(str).tolist(),
            },
            attrs=_attrs(table),
        )

    def _mean_ber(self, faults: FaultModel) -> float:
        """Return the mean BER of a model, counted on some chips where the model does not tell."""
        ber = mean_ber(faults, 1.0 - self._study.use.lrs_share)
        if not math.isnan(ber):
            return ber
        training_ber, network = next(iter(self._networks.items()))
        chips = range(1 if is_deterministic(faults) else _COUNTED_CHIPS)
        wrong = [
            len(cells)
            for chip in chips
            for cells in self.wrong_cells(training_ber, faults, chip=chip)
        ]
        return sum(wrong) / (len(chips) * network.folded.weight_count)

    def wrong_cells(
        self, training_ber: float, faults: FaultModel, *, chip: int = 0
    ) -> list[npt.NDArray[np.int64]]:
        """Return the wrong cells of a chip of a point, by layer; by default of one scored."""
        network = self._networks[training_ber]
        drawn = Task(network, faults, self._study.seed).draw(chip)
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
        estimates = measure(
            tasks,
            rule=self._rule,
            workers=self._workers,
            store=self._store,
            on_chips=partial(self._on_progress, stage),
        )
        width = len(faults)
        return [estimates[start : start + width] for start in range(0, len(estimates), width)]


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
