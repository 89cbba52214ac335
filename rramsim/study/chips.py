"""The stage of a study that draws chips and scores the networks on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rramsim import schema
from rramsim.crossbar.faults import FaultModel, IidFaults
from rramsim.crossbar.programmed import faults_at_upper_end, faults_of_condition, in_words
from rramsim.crossbar.sampling import as_positions
from rramsim.montecarlo.collect import collect, draw_chip
from rramsim.montecarlo.estimate import Estimate, estimate
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import Task, faults_text
from rramsim.network.evaluation import Evaluator

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.network.folding import FoldedNetwork
    from rramsim.network.images import ImageSet
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
        store: TallyStore,
        on_chip: Callable[[], None],
    ) -> None:
        self._study, self._images, self._store, self._on_chip = study, images, store, on_chip
        self._evaluators = {
            training_ber: Evaluator(folded, images.test_images, images.test_labels)
            for training_ber, folded in networks.items()
        }

    def curves(self) -> xr.Dataset:
        """Return the product "accuracy": every network at 0 and at every BER of the curves."""
        bers = (0.0, *self._study.curve_bers)
        table = [[self._estimate(one, IidFaults(ber)) for ber in bers] for one in self._evaluators]
        return schema.make(
            "accuracy",
            _columns(table),
            coords={"training_ber": list(self._evaluators), "test_ber": list(bers)},
            attrs=_attrs(table),
        )

    def on_conditions(self, devices: Devices) -> xr.Dataset:
        """Return the product "condition_accuracy": every network on every condition."""
        names = [str(name) for name in devices.conditions["condition"].values]
        found = devices.characterization
        populations = None if found is None else found.populations
        rows = [devices.conditions.sel(condition=name) for name in names]
        faults = [faults_of_condition(row, populations) for row in rows]
        worst = [faults_at_upper_end(row) for row in rows]
        table = [[self._estimate(one, each) for each in faults] for one in self._evaluators]
        is_bound = devices.conditions["ber_bound"] == "upper"
        mean_ber = [each.mean_ber(1.0 - self._study.lrs_share) for each in faults]
        return schema.make(
            "condition_accuracy",
            {
                **_columns(table),
                "accuracy_low_at_ber_high": [
                    [self._estimate(one, each).low if each else math.nan for each in worst]
                    for one in self._evaluators
                ],
                # The faults at a bound may err less than the bound (a fit that underflows).
                "test_ber": np.where(is_bound, devices.conditions["ber_high"], mean_ber),
                "ber_high": devices.conditions["ber_high"].values,
                "faults": [in_words(each) for each in faults],
            },
            coords={"training_ber": list(self._evaluators), "condition": names},
            attrs=_attrs(table),
        )

    def wrong_cells(
        self, training_ber: float, condition: xr.Dataset, populations: xr.Dataset | None
    ) -> list[npt.NDArray[np.int64]]:
        """Return the wrong cells of the first chip of a point, by layer: one that was scored."""
        faults = faults_of_condition(condition, populations)
        folded = self._evaluators[training_ber].folded
        drawn = draw_chip(folded, faults, task=self._task(training_ber, faults), draw=0)
        return [
            as_positions(cells, layer.signs)
            for cells, layer in zip(drawn, folded.layers, strict=True)
        ]

    def _task(self, training_ber: float, faults: FaultModel) -> Task:
        return Task(
            network_id=self._evaluators[training_ber].folded.content_id,
            images_id=self._images.content_id,
            faults=faults_text(faults),
            seed=self._study.seed,
        )

    def _estimate(self, training_ber: float, faults: FaultModel) -> Estimate:
        evaluator = self._evaluators[training_ber]
        tally = collect(
            self._task(training_ber, faults),
            evaluator,
            faults,
            maps=self._study.maps,
            store=self._store,
            on_draw=_Newly(self._on_chip),
        )
        return estimate(tally, confidence=CONFIDENCE, certain=faults.certain)


class _Newly:
    """Turns `collect`'s (known, wanted) into one call a chip, those of the store included."""

    def __init__(self, on_chip: Callable[[], None]) -> None:
        self._on_chip, self._told = on_chip, 0

    def __call__(self, known: int, wanted: int) -> None:
        for _ in range(known - self._told):
            self._on_chip()
        self._told = known


def _columns(table: Sequence[Sequence[Estimate]]) -> dict[str, Any]:
    names = {
        "accuracy": "mean",
        "accuracy_low": "low",
        "accuracy_high": "high",
        "accuracy_p05": "p05",
        "maps": "maps",
    }
    return {
        name: [[getattr(one, field) for one in row] for row in table]
        for name, field in names.items()
    }


def _attrs(table: Sequence[Sequence[Estimate]]) -> dict[str, str | int | float]:
    every = [one for row in table for one in row]
    # Each sentence once, in the order met: most points share most of them.
    sentences = dict.fromkeys(sentence for one in every for sentence in one.sentences)
    return {
        "interval": " ".join(sentences),
        "confidence": CONFIDENCE,
        "images": every[0].images,
    }
