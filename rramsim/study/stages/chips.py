"""The stage of a study that draws chips and scores the networks on them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from rramsim import schema
from rramsim.crossbar.drawn_faults import Planted
from rramsim.crossbar.faults import FaultModel, IidFaults, is_deterministic, mean_ber
from rramsim.crossbar.sampling import as_positions
from rramsim.decision.accuracy_loss import Loss, PairedAnswers, columns, loss_of
from rramsim.decision.device_band import (
    cells_variances,
    grid_matters,
    losses_along_diagonal,
    losses_of_draws,
    rate_grid,
)
from rramsim.decision.life import LADDER
from rramsim.montecarlo.collect import Workers, collect
from rramsim.montecarlo.estimate import POOR_CHIP, paired_change
from rramsim.montecarlo.reestimate import Estimation, Reestimates
from rramsim.montecarlo.replicates import StudyNetworks
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.schema import POINT
from rramsim.statistics.confidence import CONFIDENCE

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

Place = tuple[float, str, str, str]
"""A point: training BER, thresholds, protection, condition."""

Counts = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Chips that are right on each image, and images on each chip."""

_COUNTED_CHIPS = 20
_CURVES, _POINTS = "chips of the curves", "chips of the conditions"
_DRAWS = "chips at possible BERs"
_LIFE = "chips of cells that age"
_OF_SURFACES = (
    *(f"{name}{end}" for name in ("loss", "accuracy") for end in ("", "_low", "_high")),
    *("loss_trainings", "loss_images", "loss_chips", "maps"),
)
_ALONE = "chips of independent cells"
_DRAWN_CHIPS = 25
_DRAWS_KEPT = 400
# In shares of the images: a twentieth of a point settles nothing.
_LEAST_DIFFERENCE = 5e-4
_WIDEST = 0.999
_BESIDE_ALONE = (
    *("independent_accuracy", "independent_p05"),
    *("correlated_change", "correlated_change_low", "correlated_change_high"),
)


class Chips:
    """Scores networks on chips; what was scored is in the store, and is not scored again."""

    def __init__(
        self,
        study: Study,
        networks: StudyNetworks,
        *,
        tallies: Path,
        thresholds: Reestimates,
        workers: Workers,
        device: str,
        on_progress: OnProgress,
    ) -> None:
        self._study, self._tallies, self._workers = study, tallies, workers
        self._thresholds = thresholds
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
        networks, possible, bers = self._compared(planted)
        (plain,) = self._score(_CURVES, [(self._plain, IidFaults(0.0))])
        error_free = self._error_free(plain)
        scored = self._scored_points(networks, possible, error_free)
        drawn = self._drawn(networks, possible, scored, plain)
        alone = self._alone(networks, possible, scored)
        points = self._points(planted, bers, scored, drawn, error_free)
        if not alone:
            return points
        source = "fitted" if self._study.correlated is True else "given"
        return points.assign(self._beside_alone(points, scored, alone)).assign_attrs(
            correlated=source
        )

    def _compared(
        self, planted: Mapping[tuple[str, str], Planted]
    ) -> tuple[
        dict[Place, list[ScoredNetwork]],
        dict[tuple[str, str], Planted],
        dict[tuple[str, str], float],
    ]:
        """Return the networks of all points, the chips that can be had, and their BERs."""
        possible = {chips: one for chips, one in planted.items() if one.faults is not None}
        bers = {chips: self._mean_ber(one.faults) for chips, one in possible.items() if one.faults}
        networks = {
            (training_ber, AS_TRAINED, *chips): several
            for training_ber, several in self._networks.items()
            for chips in possible
        }
        return networks | self._reestimated(possible, bers), possible, bers

    def surfaces(
        self,
        planted: Mapping[tuple[str, str], Planted],
        needed: Mapping[Place, npt.NDArray[np.bool_]],
    ) -> xr.Dataset:
        """Return the product "loss_surface": networks on few chips at pairs of error rates.

        Chips of one network at one pair are the same whichever condition asks for them, so that
        they are scored once.

        Parameters
        ----------
        planted : mapping
            What `Devices.planted` gives.
        needed : mapping
            At which pairs of `LADDER`, shape (ladder, ladder), by point.
        """
        networks, _, _ = self._compared(planted)
        (plain,) = self._score(_CURVES, [(self._plain, IidFaults(0.0))])
        rates = ndtr(LADDER).tolist()
        pairs = [(place, *pair) for place, mask in needed.items() for pair in np.argwhere(mask)]
        asked = [
            (networks[place], planted[place[2:]].at_rates(rates[lrs], rates[hrs]))
            for place, lrs, hrs in pairs
        ]
        scored = self._score(_LIFE, asked, rule=StoppingRule(-(-_DRAWN_CHIPS // len(plain))))
        coords = self._coords(planted, networks) | {"lrs_probit": LADDER, "hrs_probit": LADDER}
        shape = tuple(len(labels) for labels in coords.values())
        at = tuple(
            np.array([list(coords[dim]).index(place[number]) for place, *_ in pairs], dtype=int)
            for number, dim in enumerate(POINT)
        )
        places = (*at, *(np.array([one[side] for one in pairs], dtype=int) for side in (1, 2)))
        found = self._columns(scored, self._error_free(plain), (len(pairs),))
        values = {}
        for name in _OF_SURFACES:
            values[name] = np.full(shape, 0 if name == "maps" else math.nan)
            values[name][places] = found[name]
        return schema.make("loss_surface", values, coords=coords, attrs=self._attrs())

    def _coords(
        self, planted: Mapping[tuple[str, str], Planted], networks: Iterable[Place]
    ) -> dict[str, Any]:
        """Return the labels of all points, by dimension."""
        protections, conditions = (
            list(dict.fromkeys(names)) for names in zip(*planted, strict=True)
        )
        thresholds = [AS_TRAINED]
        if any(place[1] == REESTIMATED for place in networks):
            thresholds.append(REESTIMATED)
        return {
            "training_ber": list(self._networks),
            "thresholds": thresholds,
            "protection": protections,
            "condition": conditions,
        }

    def _scored_points(
        self,
        networks: Mapping[Place, list[ScoredNetwork]],
        possible: Mapping[tuple[str, str], Planted],
        error_free: Sequence[npt.NDArray[np.bool_]],
    ) -> dict[Place, list[Tally]]:
        """Return the tallies of all points, of more chips where these leave most of a loss open."""
        scored: dict[Place, list[Tally]] = {}
        rule, places = self._rule, list(networks)
        for look in (*self._rule.looks[1:], None):
            models = {place: possible[place[2:]].faults for place in places}
            asked = [(networks[place], model) for place, model in models.items() if model]
            scored |= zip(models, self._score(_POINTS, asked, rule=rule), strict=True)
            if look is not None:
                places = [
                    place
                    for place, tallies in scored.items()
                    if max(tally.chips for tally in tallies) < look
                    and _chips_bind(self._loss(error_free, _counts(tallies)))
                ]
                rule = StoppingRule(look)
        return scored

    def _alone(
        self,
        networks: Mapping[Place, list[ScoredNetwork]],
        possible: Mapping[tuple[str, str], Planted],
        scored: Mapping[Place, Sequence[Tally]],
    ) -> dict[Place, list[Tally]]:
        """Return the chips of points whose cells err together, of cells that err on their own.

        A chip of a number has the same numbers u in both, so that pairs of them are compared.
        """
        by_chips: dict[int, list[Place]] = {}
        for place, tallies in scored.items():
            if possible[place[2:]].independent is not None:
                chips = max(tally.chips for tally in tallies)
                by_chips.setdefault(chips, []).append(place)
        found: dict[Place, list[Tally]] = {}
        for chips, places in by_chips.items():
            models = {place: possible[place[2:]].independent for place in places}
            asked = [(networks[place], model) for place, model in models.items() if model]
            rule = StoppingRule(chips)
            found |= zip(models, self._score(_ALONE, asked, rule=rule), strict=True)
        return {
            place: [
                other.first(tally.chips)
                for tally, other in zip(scored[place], several, strict=True)
            ]
            for place, several in found.items()
        }

    @staticmethod
    def _beside_alone(
        points: xr.Dataset,
        scored: Mapping[Place, Sequence[Tally]],
        alone: Mapping[Place, Sequence[Tally]],
    ) -> dict[str, xr.DataArray]:
        """Return what points whose cells err together reach where cells err on their own."""
        like = points["accuracy"]
        columns = {name: like.copy(data=np.full(like.shape, math.nan)) for name in _BESIDE_ALONE}
        for place, several in alone.items():
            change = paired_change(scored[place], several)
            values = (
                math.fsum(map(_share, several)) / len(several),
                _poor_chip(several),
                *(change.estimate, change.low, change.high),
            )
            for name, value in zip(_BESIDE_ALONE, values, strict=True):
                columns[name].loc[dict(zip(POINT, place, strict=True))] = value
        return columns

    def _drawn(
        self,
        networks: Mapping[Place, list[ScoredNetwork]],
        possible: Mapping[tuple[str, str], Planted],
        scored: Mapping[Place, Sequence[Tally]],
        plain: Sequence[Tally],
    ) -> dict[Place, npt.NDArray[np.float64]]:
        """Return the loss at each draw of what the cells leave open, by point.

        Losses are scored on few chips at a few rates: of nested chips, differences scatter little.
        """
        grids = {
            chips: rate_grid(one.drawn.lrs, one.drawn.hrs, estimate=one.drawn.estimate)
            for chips, one in possible.items()
            if one.drawn is not None
        }
        places = [place for place in networks if place[2:] in grids]
        diagonal = self._at_rates(
            {place: grids[place[2:]].diagonal for place in places}, networks, possible, plain
        )
        open_places = [
            place for place in places if grid_matters(*diagonal[place], least=_LEAST_DIFFERENCE)
        ]
        whole = self._at_rates(
            {place: grids[place[2:]].rates for place in open_places}, networks, possible, plain
        )
        found = {}
        for place in places:
            grid, one = grids[place[2:]], possible[place[2:]].drawn
            assert one is not None
            estimate = _mean_loss(plain, scored[place])
            if place in whole:
                losses = np.reshape(whole[place], grid.shape)
                found[place] = losses_of_draws(grid, losses, one.lrs, one.hrs, estimate=estimate)
            else:
                found[place] = losses_along_diagonal(
                    grid,
                    diagonal[place],
                    one.lrs,
                    one.hrs,
                    estimate=estimate,
                    lrs_share=self._study.use.lrs_share,
                )
        return found

    def _at_rates(
        self,
        rates: Mapping[Place, Sequence[tuple[float, float]]],
        networks: Mapping[Place, list[ScoredNetwork]],
        possible: Mapping[tuple[str, str], Planted],
        plain: Sequence[Tally],
    ) -> dict[Place, list[float]]:
        """Return the losses of points at pairs of error rates, each on the same few chips."""
        asked = []
        for place, pairs in rates.items():
            drawn = possible[place[2:]].drawn
            assert drawn is not None
            asked += [(networks[place], drawn.faults(*pair)) for pair in pairs]
        few = StoppingRule(-(-_DRAWN_CHIPS // len(plain)))
        answers = iter(self._score(_DRAWS, asked, rule=few, keeps_answers=False))
        return {
            place: [_mean_loss(plain, next(answers)) for _ in pairs]
            for place, pairs in rates.items()
        }

    @cached_property
    def _store(self) -> TallyStore:
        """The tallies, read where something is to be scored."""
        return TallyStore(self._tallies)

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
    ) -> dict[Place, list[ScoredNetwork]]:
        """Return networks with thresholds estimated anew, by place."""
        if not self._study.reestimate:
            return {}
        places = [
            (training_ber, *chips)
            for training_ber, several in self._trained.by_training_ber.items()
            for chips in possible
            if bers[chips] >= LEAST_REESTIMATED and all(saved.norms for saved in several)
        ]
        asked = []
        for training_ber, *chips in places:
            faults = possible[chips[0], chips[1]].faults
            assert faults is not None
            several = self._trained.by_training_ber[training_ber]
            asked += [
                Estimation(saved, images, faults, self._study.seed)
                for saved, images in zip(several, self._trained.images, strict=True)
            ]
        on_done = partial(self._on_progress, "re-estimating thresholds")
        found = iter(self._thresholds.networks(asked, on_done))
        return {
            (training_ber, REESTIMATED, protection, condition): self._scored(
                [next(found) for _ in self._trained.images]
            )
            for training_ber, protection, condition in places
        }

    def _points(
        self,
        planted: Mapping[tuple[str, str], Planted],
        bers: Mapping[tuple[str, str], float],
        scored: Mapping[Place, list[Tally]],
        drawn: Mapping[Place, npt.NDArray[np.float64]],
        error_free: Sequence[npt.NDArray[np.bool_]],
    ) -> xr.Dataset:
        coords = self._coords(planted, scored)
        shape = tuple(len(labels) for labels in coords.values())
        protections, conditions = coords["protection"], coords["condition"]
        places = [
            (training_ber, threshold, *chips)
            for training_ber in self._networks
            for threshold in coords["thresholds"]
            for chips in planted
        ]
        tallies = [scored.get(place) for place in places]
        of_draws = [drawn.get(place) for place in places]

        def read(value: Iterable[Any]) -> npt.NDArray[Any]:
            return np.reshape(list(value), shape[2:])

        return schema.make(
            "condition_accuracy",
            {
                **self._columns(tallies, error_free, shape, drawn=of_draws),
                **self._of_chips(tallies, error_free, shape),
                **self._of_draws(of_draws, planted, shape),
                "cells": [planted[protections[0], name].cells for name in conditions],
                "test_ber": read(bers.get(chips, math.nan) for chips in planted),
                "ber_high": read(one.ber_high for one in planted.values()),
                "ber_bound": read("upper" if one.is_bound else "" for one in planted.values()),
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
        drawn: Sequence[npt.NDArray[np.float64] | None] | None = None,
    ) -> dict[str, Any]:
        """Return accuracies and losses, with what their intervals are made of."""
        every = [np.ones_like(right) for right in error_free]
        of_draws = [None] * len(tallies) if drawn is None else drawn
        # Compared with whatever, images and cells say the same.
        known = [
            None if one is None else (_counts(one), _by_cells(error_free, one, draws))
            for one, draws in zip(tallies, of_draws, strict=True)
        ]

        def losses(compared: Sequence[npt.NDArray[np.bool_]]) -> list[Loss | None]:
            return [one and self._loss(compared, *one) for one in known]

        return {
            **columns("accuracy", losses(every), shape),
            **columns("loss", losses(error_free), shape),
            "accuracy_p05": np.reshape([_poor_chip(one) for one in tallies], shape),
            "maps": np.reshape([sum(tally.chips for tally in one or ()) for one in tallies], shape),
        }

    def _loss(
        self,
        compared: Sequence[npt.NDArray[np.bool_]],
        counts: Sequence[Counts],
        cells: tuple[float, float] = (0.0, 0.0),
    ) -> Loss:
        paired = [PairedAnswers(right, *one) for right, one in zip(compared, counts, strict=True)]
        above, below = cells
        folds = self._trained.folds is not None
        return loss_of(paired, folds=folds, cells=above, cells_below=below)

    @staticmethod
    def _of_draws(
        losses: Sequence[npt.NDArray[np.float64] | None],
        planted: Mapping[tuple[str, str], Planted],
        shape: tuple[int, ...],
    ) -> dict[str, Any]:
        """Return losses and BERs of the first draws, which are spread as all are."""
        if not any(one.drawn for one in planted.values()):
            return {"drawn_ber": np.full(shape[2:], math.nan)}
        unknown = np.full(_DRAWS_KEPT, math.nan)
        of_points = [unknown if one is None else _kept(one) for one in losses]
        bers = [
            unknown if one.drawn is None else _kept(one.drawn.bers(one.lrs_share))
            for one in planted.values()
        ]
        estimates = [
            math.nan
            if one.drawn is None
            else float(np.dot(one.drawn.estimate, (one.lrs_share, 1.0 - one.lrs_share)))
            for one in planted.values()
        ]
        return {
            "loss_draw": np.reshape(of_points, (*shape, _DRAWS_KEPT)),
            "ber_draw": np.reshape(bers, (*shape[2:], _DRAWS_KEPT)),
            "drawn_ber": np.reshape(estimates, shape[2:]),
        }

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

    def identity(self, training_ber: float, faults: FaultModel) -> str:
        """Return a checksum of what the chips of the first training are drawn from."""
        return Task(self._networks[training_ber][0], faults, self._study.seed).id

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
        self,
        stage: str,
        asked: Sequence[tuple[Sequence[ScoredNetwork], FaultModel]],
        *,
        rule: StoppingRule | None = None,
        keeps_answers: bool = True,
    ) -> list[list[Tally]]:
        """Return the tallies of each recipe's networks on chips, with which images are right."""
        if not asked:
            return []
        tasks = [
            Task(network, model, self._study.seed, keeps_answers=keeps_answers)
            for several, model in asked
            for network in several
        ]
        tallies = iter(
            collect(
                tasks,
                rule=rule or self._rule,
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
                "95 % interval of the mean over chips and test images of one network; it does not "
                "contain the variation between trainings."
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


def _chips_bind(loss: Loss) -> bool:
    """Return whether chips leave more of a loss open than trainings and images together."""
    parts = loss.parts()
    others = [0.0 if math.isnan(parts[name]) else parts[name] for name in ("trainings", "images")]
    return parts["chips"] > math.hypot(*others)


def _counts(tallies: Sequence[Tally]) -> list[Counts]:
    """Return how many chips are right on each image, and images on each chip, by training."""
    return [(tally.by_image(), np.array(list(tally.correct.values()))) for tally in tallies]


def _by_cells(
    error_free: Sequence[npt.NDArray[np.bool_]],
    tallies: Sequence[Tally],
    drawn: npt.NDArray[np.float64] | None,
) -> tuple[float, float]:
    """Return the variances of a loss by the sample of cells, towards more and towards less."""
    if drawn is None:
        return 0.0, 0.0
    best = [float(right.mean()) for right in error_free]
    lost = [mean - _share(one) for mean, one in zip(best, tallies, strict=True)]
    return cells_variances(drawn, math.fsum(lost) / len(lost))


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


def _mean_loss(error_free: Sequence[Tally], tallies: Sequence[Tally]) -> float:
    """Return the mean loss over trainings against the networks without bit errors."""
    lost = [_share(best) - _share(one) for best, one in zip(error_free, tallies, strict=True)]
    return math.fsum(lost) / len(lost)


def _kept(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return as many draws as are kept, again and again the same where there are fewer."""
    return np.resize(values, _DRAWS_KEPT)
