"""The stage of a study that draws chips and scores the networks on them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rramsim import schema
from rramsim.crossbar.faults import FaultModel, IidFaults, is_deterministic, mean_ber
from rramsim.crossbar.from_conditions import Planted
from rramsim.crossbar.sampling import as_positions
from rramsim.decision.accuracy_loss import Loss, PairedAnswers, columns, loss_of
from rramsim.montecarlo.collect import Workers, collect
from rramsim.montecarlo.estimate import POOR_CHIP
from rramsim.montecarlo.reestimate import reestimated_for
from rramsim.montecarlo.replicates import StudyNetworks
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.statistics.confidence import CONFIDENCE, NORMAL_END

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.network.folded.network import FoldedNetwork
    from rramsim.progress import OnProgress
    from rramsim.study.settings import Study

AS_TRAINED, REESTIMATED = "as trained", "re-estimated"
"""Whether thresholds are those of the training, or estimated anew for the chips of a point."""

LEAST_REESTIMATED = 1e-3
"""BER from which on thresholds are estimated anew. Below it sums hardly shift, and the networks
would differ by chance only."""

_COUNTED_CHIPS = 20
_CURVES, _POINTS = "chips of the curves", "chips of the conditions"
_WIDEST = 0.999


class Chips:
    """Scores networks on chips; what was scored is in the store, and is not scored again."""

    def __init__(
        self,
        study: Study,
        networks: StudyNetworks,
        *,
        store: TallyStore,
        workers: Workers,
        device: str,
        on_progress: OnProgress,
    ) -> None:
        self._study, self._store, self._workers = study, store, workers
        self._on_progress, self._device, self._trained = on_progress, device, networks
        # The half width is that of the mean over trainings, whose chips are apart.
        half_width = min(study.half_width * math.sqrt(len(networks.images)), _WIDEST)
        self._rule = StoppingRule(study.chips, half_width)
        self._networks = {
            training_ber: self._scored([saved.folded for saved in several])
            for training_ber, several in networks.by_training_ber.items()
        }

    def _scored(self, several: Sequence[FoldedNetwork]) -> list[ScoredNetwork]:
        return [
            ScoredNetwork(
                folded, tested.test_images, tested.test_labels, tested.content_id, self._device
            )
            for folded, tested in zip(several, self._trained.images, strict=True)
        ]

    def curves(self) -> xr.Dataset:
        """Return the product "accuracy": every network at 0 and at every BER of the curves."""
        bers = (0.0, *self._study.curve_bers)
        networks = list(self._networks.values())
        asked = [(several, IidFaults(ber)) for several in networks for ber in bers]
        scored = self._score(_CURVES, asked)
        error_free = self._error_free(scored[0])
        shape = (len(networks), len(bers))
        return schema.make(
            "accuracy",
            self._columns(scored, error_free, shape),
            coords={"training_ber": list(self._networks), "test_ber": list(bers)},
            attrs=self._attrs(),
        )

    def on_points(self, planted: Mapping[tuple[str, str], Planted]) -> xr.Dataset:
        """Return the product "condition_accuracy": every network on every condition.

        Networks whose thresholds are estimated anew are among them where the BER of a condition
        under a protection is `LEAST_REESTIMATED` or more.

        Parameters
        ----------
        planted : mapping
            What `Devices.planted` gives: chips by protection and condition, in that order.
        """
        possible = {chips: one for chips, one in planted.items() if one.faults is not None}
        bers = {chips: self._mean_ber(one.faults) for chips, one in possible.items() if one.faults}
        networks = {
            (training_ber, AS_TRAINED, *chips): several
            for training_ber, several in self._networks.items()
            for chips in possible
        } | self._reestimated(possible, bers)
        error_free = self._error_free(self._score(_CURVES, [(self._plain, IidFaults(0.0))])[0])
        asked: list[tuple[list[ScoredNetwork], FaultModel]] = []
        for (_, _, *chips), several in networks.items():
            one = possible[chips[0], chips[1]]
            asked += [(several, model) for model in (one.faults, one.at_upper_end) if model]
        answers = iter(self._score(_POINTS, asked))
        scored, cells = {}, {}
        for place in networks:
            scored[place] = next(answers)
            at_upper_end = possible[place[2], place[3]].at_upper_end
            cells[place] = _by_cells(scored[place], next(answers)) if at_upper_end else 0.0
        return self._points(planted, bers, scored, cells, error_free)

    @property
    def _plain(self) -> list[ScoredNetwork]:
        return next(iter(self._networks.values()))

    @staticmethod
    def _error_free(tallies: Sequence[Tally]) -> list[npt.NDArray[np.bool_]]:
        """Return what the first network gets right without bit errors, by training."""
        return [tally.first(1).by_image() > 0 for tally in tallies]

    def _reestimated(
        self,
        possible: Mapping[tuple[str, str], Planted],
        bers: Mapping[tuple[str, str], float],
    ) -> dict[tuple[float, str, str, str], list[ScoredNetwork]]:
        """Return networks with thresholds estimated anew, by place."""
        if not self._study.reestimate:
            return {}
        places = [
            (training_ber, *chips)
            for training_ber, several in self._trained.by_training_ber.items()
            for chips in possible
            if bers[chips] >= LEAST_REESTIMATED and all(saved.norms for saved in several)
        ]
        found = {}
        for number, (training_ber, *chips) in enumerate(places):
            self._on_progress("re-estimating thresholds", number, len(places))
            faults = possible[chips[0], chips[1]].faults
            assert faults is not None
            several = [
                reestimated_for(saved, images.train_images, faults, seed=self._study.seed)
                for saved, images in zip(
                    self._trained.by_training_ber[training_ber], self._trained.images, strict=True
                )
            ]
            found[training_ber, REESTIMATED, chips[0], chips[1]] = self._scored(several)
        if places:
            self._on_progress("re-estimating thresholds", len(places), len(places))
        return found

    def _points(
        self,
        planted: Mapping[tuple[str, str], Planted],
        bers: Mapping[tuple[str, str], float],
        scored: Mapping[tuple[float, str, str, str], list[Tally]],
        cells: Mapping[tuple[float, str, str, str], float],
        error_free: Sequence[npt.NDArray[np.bool_]],
    ) -> xr.Dataset:
        protections, conditions = (
            list(dict.fromkeys(names)) for names in zip(*planted, strict=True)
        )
        thresholds = [AS_TRAINED]
        if any(place[1] == REESTIMATED for place in scored):
            thresholds.append(REESTIMATED)
        coords: dict[str, list[Any]] = {
            "training_ber": list(self._networks),
            "thresholds": thresholds,
            "protection": protections,
            "condition": conditions,
        }
        shape = tuple(len(labels) for labels in coords.values())
        places = [
            (training_ber, threshold, *chips)
            for training_ber in self._networks
            for threshold in thresholds
            for chips in planted
        ]
        tallies = [scored.get(place) for place in places]
        of_cells = [cells.get(place, 0.0) for place in places]

        def read(value: Iterable[Any]) -> npt.NDArray[Any]:
            return np.reshape(list(value), shape[2:])

        return schema.make(
            "condition_accuracy",
            {
                **self._columns(tallies, error_free, shape, cells=of_cells),
                **self._of_chips(tallies, error_free, shape),
                "test_ber": read(bers.get(chips, math.nan) for chips in planted),
                "ber_high": read(
                    math.nan if one.at_upper_end is None else self._mean_ber(one.at_upper_end)
                    for one in planted.values()
                ),
                "ber_bound": read(one.bound for one in planted.values()),
                "ber_extrapolated": read(one.is_extrapolated for one in planted.values()),
                "faults": read(one.words for one in planted.values()),
                "cells_basis": read(one.cells_basis for one in planted.values()),
            },
            coords=coords,
            attrs=self._attrs(),
        )

    def _columns(
        self,
        tallies: Sequence[Sequence[Tally] | None],
        error_free: Sequence[npt.NDArray[np.bool_]],
        shape: tuple[int, ...],
        *,
        cells: Sequence[float] | None = None,
    ) -> dict[str, Any]:
        """Return accuracies and losses, with what their intervals are made of."""
        every = [np.ones_like(right) for right in error_free]
        by_cells = [0.0] * len(tallies) if cells is None else cells
        return {
            **columns(
                "accuracy",
                [self._loss(every, *one) for one in zip(tallies, by_cells, strict=True)],
                shape,
            ),
            **columns(
                "loss",
                [self._loss(error_free, *one) for one in zip(tallies, by_cells, strict=True)],
                shape,
            ),
            "accuracy_p05": np.reshape([_poor_chip(one) for one in tallies], shape),
            "maps": np.reshape([sum(tally.chips for tally in one or ()) for one in tallies], shape),
        }

    def _loss(
        self,
        compared: Sequence[npt.NDArray[np.bool_]],
        tallies: Sequence[Tally] | None,
        cells: float,
    ) -> Loss | None:
        if tallies is None:
            return None
        paired = [
            PairedAnswers(right, tally.by_image(), np.array(list(tally.correct.values())))
            for right, tally in zip(compared, tallies, strict=True)
        ]
        return loss_of(paired, folds=self._trained.folds is not None, cells=cells)

    @staticmethod
    def _of_chips(
        tallies: Sequence[Sequence[Tally] | None],
        error_free: Sequence[npt.NDArray[np.bool_]],
        shape: tuple[int, ...],
    ) -> dict[str, Any]:
        """Return accuracy and loss of each chip, by training."""
        most = max(tally.chips for several in tallies if several for tally in several)
        accuracy = np.full((len(tallies), len(error_free), most), math.nan)
        for place, several in enumerate(tallies):
            for training, tally in enumerate(several or ()):
                right = np.array(list(tally.correct.values()))
                accuracy[place, training, : tally.chips] = right / tally.images
        best = np.array([right.mean() for right in error_free])
        whole = (*shape, len(error_free), most)
        return {
            "chip_accuracy": accuracy.reshape(whole),
            "chip_loss": (best[:, None] - accuracy).reshape(whole),
        }

    def _mean_ber(self, faults: FaultModel) -> float:
        """Return the mean BER of a model, counted on some chips where the model does not tell."""
        ber = mean_ber(faults, 1.0 - self._study.use.lrs_share)
        if not math.isnan(ber):
            return ber
        network = self._plain[0]
        chips = range(1 if is_deterministic(faults) else _COUNTED_CHIPS)
        wrong = [
            len(cells) for chip in chips for cells in self._wrong_cells(network, faults, chip=chip)
        ]
        return sum(wrong) / (len(chips) * network.folded.weight_count)

    def wrong_cells(self, training_ber: float, faults: FaultModel) -> list[npt.NDArray[np.int64]]:
        """Return the wrong weights of the first chip of the first training, by layer."""
        return self._wrong_cells(self._networks[training_ber][0], faults)

    def _wrong_cells(
        self, network: ScoredNetwork, faults: FaultModel, *, chip: int = 0
    ) -> list[npt.NDArray[np.int64]]:
        drawn = Task(network, faults, self._study.seed).draw(chip)
        return [
            as_positions(cells, layer.matrix)
            for cells, layer in zip(drawn, network.folded.layers, strict=True)
        ]

    def _score(
        self, stage: str, asked: Sequence[tuple[Sequence[ScoredNetwork], FaultModel]]
    ) -> list[list[Tally]]:
        """Return the tallies of each recipe's networks on chips, with which images are right."""
        tasks = [
            Task(network, model, self._study.seed, keeps_answers=True)
            for several, model in asked
            for network in several
        ]
        tallies = iter(
            collect(
                tasks,
                rule=self._rule,
                workers=self._workers,
                store=self._store,
                on_chips=partial(self._on_progress, stage),
            )
        )
        return [[next(tallies) for _ in several] for several, _ in asked]

    def _attrs(self) -> dict[str, str | int | float]:
        images = [len(tested.test_labels) for tested in self._trained.images]
        return {
            "interval": self._interval_words(),
            "confidence": CONFIDENCE,
            "images": sum(images) if self._trained.folds else images[0],
        }

    def _interval_words(self) -> str:
        count = len(self._trained.images)
        if count == 1:
            return (
                "95 % interval of the mean over chips and test images of one network; what another "
                "training would change is not in it."
            )
        over = f"{count} folds" if self._trained.folds else f"{count} trainings"
        folds = (
            ", with the variance between them taken as that of networks which share training "
            "images (Nadeau and Bengio 2003)"
            if self._trained.folds
            else ""
        )
        return (
            f"95 % interval of the mean over {over}, chips and test images; it contains the chance "
            f"of training, of test images, of chips{folds}, and, on conditions, of the sample of "
            "cells. The 5th-percentile chip is the mean over trainings of the sample quantile."
        )


def _share(tally: Tally) -> float:
    """Return the share of answers that are right."""
    return tally.sum_correct / (tally.chips * tally.images)


def _poor_chip(tallies: Sequence[Tally] | None) -> float:
    """Return the accuracy of the 5th-percentile chip, as the mean over trainings."""
    if tallies is None or any(tally.chips < 2 for tally in tallies):
        return math.nan
    poor = [
        float(np.quantile(list(tally.correct.values()), POOR_CHIP)) / tally.images
        for tally in tallies
    ]
    return math.fsum(poor) / len(poor)


def _by_cells(at: Sequence[Tally], at_upper_end: Sequence[Tally]) -> float:
    """Return the variance of a loss by the sample of cells, from that at the BER's upper end."""
    further = [_share(one) - _share(two) for one, two in zip(at, at_upper_end, strict=True)]
    return (math.fsum(further) / len(further) / NORMAL_END) ** 2
