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
from rramsim.decision.accuracy_loss import Loss, PairedAnswers, loss_of
from rramsim.montecarlo.collect import Workers, collect
from rramsim.montecarlo.estimate import ChipAccuracy, accuracy_columns, estimate, method_text
from rramsim.montecarlo.replicates import mean_of_estimates
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.statistics.confidence import CONFIDENCE, NORMAL_END

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.images.image_set import ImageSet
    from rramsim.network.folded.network import FoldedNetwork
    from rramsim.progress import OnProgress
    from rramsim.study.settings import Study

_COUNTED_CHIPS = 20
_ON_CONDITIONS = "chips of the conditions"
_WIDEST = 0.999


class Chips:
    """Scores networks on chips; what was scored is in the store, and is not scored again."""

    def __init__(
        self,
        study: Study,
        images: Sequence[ImageSet],
        networks: Mapping[float, Sequence[FoldedNetwork]],
        *,
        folds: int | None,
        store: TallyStore,
        workers: Workers,
        device: str,
        on_progress: OnProgress,
    ) -> None:
        self._study, self._store, self._workers = study, store, workers
        self._on_progress = on_progress
        self._folds = folds
        # The half width is that of the mean over trainings, whose chips are apart.
        half_width = min(study.half_width * math.sqrt(len(images)), _WIDEST)
        self._rule = StoppingRule(study.chips, half_width)
        self._networks = {
            training_ber: [
                ScoredNetwork(
                    folded, tested.test_images, tested.test_labels, tested.content_id, device
                )
                for folded, tested in zip(several, images, strict=True)
            ]
            for training_ber, several in networks.items()
        }

    def curves(self) -> xr.Dataset:
        """Return the product "accuracy": every network at 0 and at every BER of the curves."""
        bers = (0.0, *self._study.curve_bers)
        table = self._estimates("chips of the curves", [IidFaults(ber) for ber in bers], keep=1)
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
        estimates = self._estimates(_ON_CONDITIONS, every, keep=len(faults))
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

    def losses(
        self, faults: Sequence[FaultModel], worst: Sequence[FaultModel | None]
    ) -> list[list[Loss]]:
        """Return the loss of each network on each condition, against the first without bit errors.

        How far it is at the upper end of a BER stands for half the width that the cells behind that
        BER give it. Parameters are those of `on_conditions`, whose chips these are.
        """
        (plain, *_), *_ = self._tallies("chips of the curves", [IidFaults(0.0)], keep=1)
        error_free = [tally.first(1).by_image() > 0 for tally in plain]
        every = [*faults, *(model for model in worst if model)]
        losses = []
        for row in self._tallies(_ON_CONDITIONS, every, keep=len(faults)):
            at_worst = iter(row[len(faults) :])
            losses.append(
                [
                    self._loss(error_free, tallies, next(at_worst) if model else None)
                    for tallies, model in zip(row, worst, strict=False)
                ]
            )
        return losses

    def _loss(
        self,
        error_free: Sequence[npt.NDArray[np.bool_]],
        tallies: Sequence[Tally],
        at_worst: Sequence[Tally] | None,
    ) -> Loss:
        paired = [
            PairedAnswers(right, tally.by_image(), np.array(list(tally.correct.values())))
            for right, tally in zip(error_free, tallies, strict=True)
        ]
        cells = 0.0
        if at_worst is not None:
            further = [
                _share(one) - _share(two) for one, two in zip(tallies, at_worst, strict=True)
            ]
            cells = (math.fsum(further) / len(further) / NORMAL_END) ** 2
        return loss_of(paired, folds=self._folds is not None, cells=cells)

    def _mean_ber(self, faults: FaultModel) -> float:
        """Return the mean BER of a model, counted on some chips where the model does not tell."""
        ber = mean_ber(faults, 1.0 - self._study.use.lrs_share)
        if not math.isnan(ber):
            return ber
        training_ber, (network, *_) = next(iter(self._networks.items()))
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
        """Return the wrong cells of a chip of a point, by layer: of the first training."""
        network = self._networks[training_ber][0]
        drawn = Task(network, faults, self._study.seed).draw(chip)
        return [
            as_positions(cells, layer.matrix)
            for cells, layer in zip(drawn, network.folded.layers, strict=True)
        ]

    def _estimates(
        self, stage: str, faults: Sequence[FaultModel], *, keep: int
    ) -> list[list[ChipAccuracy]]:
        """Return a row for each network, with an estimate for each of the fault models."""
        return [
            [
                mean_of_estimates(
                    [
                        estimate(
                            tally,
                            deterministic=is_deterministic(model),
                            half_width=self._rule.half_width,
                        )
                        for tally in tallies
                    ],
                    folds=self._folds,
                )
                for tallies, model in zip(row, faults, strict=True)
            ]
            for row in self._tallies(stage, faults, keep=keep)
        ]

    def _tallies(
        self, stage: str, faults: Sequence[FaultModel], *, keep: int
    ) -> list[list[list[Tally]]]:
        """Return a row for each network, for each fault model a tally of each training.

        Those of the first `keep` fault models hold which images are right.
        """
        every = [network for several in self._networks.values() for network in several]
        tasks = [
            Task(network, model, self._study.seed, keeps_answers=number < keep)
            for number, model in enumerate(faults)
            for network in every
        ]
        tallies = collect(
            tasks,
            rule=self._rule,
            workers=self._workers,
            store=self._store,
            on_chips=partial(self._on_progress, stage),
        )
        at = iter(tallies)
        columns = [[next(at) for _ in every] for _ in faults]
        count = len(every) // len(self._networks)
        return [
            [column[start : start + count] for column in columns]
            for start in range(0, len(every), count)
        ]


def _share(tally: Tally) -> float:
    """Return the share of answers that are right."""
    return tally.sum_correct / (tally.chips * tally.images)


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
