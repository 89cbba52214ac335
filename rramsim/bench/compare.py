"""One workload, scored by rramsim and by naive PyTorch in the same process."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from rramsim.bench.limit import PRODUCTS, SIGN_PRODUCTS, operations_per_second
from rramsim.bench.naive import NaiveNetwork
from rramsim.bench.results import Case, Comparison, PixelLayer, Rival
from rramsim.bench.training import UNWATCHED, compare_training
from rramsim.bench.tuned import Int8Network, TunedNetwork
from rramsim.bench.workload import random_convolutional, random_workload, trained_workload
from rramsim.bits import WORD, Flips, words_for
from rramsim.crossbar.faults import IidFaults
from rramsim.crossbar.sampling import as_positions
from rramsim.montecarlo.collect import collect
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.packed.dense import PackedNetwork
from rramsim.network.packed.layers import blocks
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.shape import NetworkShape
from rramsim.parallel import share

BATCHES = (250, 500, 1000, 2000)
"""Images at a time that the naive way is tried with; its best one counts."""

CONVOLVED_BATCHES = (8, 16, 32, 64)
CONVOLVED_BER = 1e-2

WARM_CHIPS = 15
TIMED_CHIPS = 5
KERNEL_TURNS = 15


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes
    ----------
    hidden : int
        Neurons of each of the two hidden layers, between 784 inputs and 10 classes.
    images : int
    bers, byte_bers, trained_bers : tuple of float
        BERs of the cases with black and white pixels, of those with pixels of 8 bits, and of those
        of a trained network, whose pixels have 8 bits as well.
    channels, convolved_images : int
        Width of the convolutional network (128 in the original) and its images, one case.
    sweep_bers : tuple of float
    sweep_chips : int
        Chips for each BER of the sweep.
    least_seconds : float
        Chips of a case are timed for at least so long, and at least 5 of them, after as long
        unwatched, and at least 15.
    rounds : int
        In each, every way takes its turn at a case.
    trained_epochs : int
    training_rounds : int
        Iterations of a training that are timed, of each kind.
    training_batch : int
        Images of an iteration.
    """

    hidden: int
    images: int
    bers: tuple[float, ...]
    byte_bers: tuple[float, ...]
    trained_bers: tuple[float, ...]
    channels: int
    convolved_images: int
    sweep_bers: tuple[float, ...]
    sweep_chips: int
    least_seconds: float
    rounds: int
    trained_epochs: int
    training_rounds: int
    training_batch: int = 256


_SWEEP = (1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 2e-2, 4e-2, 7e-2, 0.1, 0.15, 0.2, 0.25, 0.3)
_BERS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.3)
_BYTE_BERS = (1e-4, 1e-3, 1e-2)
FULL = Plan(4096, 10_000, _BERS, _BYTE_BERS, _BYTE_BERS, 128, 256, _SWEEP, 20, 2, 3, 15, 15)
_QUICK_BERS = (1e-6, 1e-4, 1e-2, 0.3)
QUICK = Plan(1024, 2_000, _QUICK_BERS, (1e-2,), (1e-2,), 64, 64, _SWEEP, 20, 0.5, 5, 15, 25)


def compare(plan: Plan, on_progress: Callable[[int, int], None]) -> Comparison:
    """Measure a plan.

    Times of cases are medians over rounds, in each of which every way takes its turn. Those of
    rramsim are over many chips, so that what is done once for all chips (compiling, keeping
    margins of the clean network) is outside; in the sweep all but compiling is inside. The naive
    sweep is the naive time of a chip times the chips.

    Parameters
    ----------
    plan : Plan
    on_progress : callable
        Called with the steps done and the steps in all.
    """
    total = 4 + UNWATCHED + plan.training_rounds
    total += len(plan.bers) + len(plan.byte_bers) + len(plan.trained_bers)
    widths = (784, plan.hidden, plan.hidden, 10)
    cases: list[Case] = []

    def step() -> None:
        on_progress(len(cases) + 1, total)

    on_progress(0, total)
    binary = random_workload(widths, images=plan.images, levels=2)
    grey = random_workload(widths, images=plan.images, levels=256)
    batch = _best_batch(NaiveNetwork(binary.folded, binary.images), plan.images, BATCHES)
    step()
    for name, network, bers in (
        ("1-bit pixels", binary, plan.bers),
        ("8-bit pixels", grey, plan.byte_bers),
        ("trained, 8 bits", None, plan.trained_bers),
    ):
        if network is None:
            network = trained_workload(plan.hidden, images=plan.images, epochs=plan.trained_epochs)
        ways = _Ways.of(network, batch)
        for ber in bers:
            cases.append(_case(name, network, ways, ber, plan=plan))
            step()
    cases.append(_convolutional(plan))
    step()
    layer_s, float32_s, limit_s, unit = _largest_layer(binary, plan)
    pixels = _pixel_layer(grey, plan)
    scored = len(cases) + 2
    on_progress(scored, total)
    naive_chip = float(np.median([case.naive_s for case in cases[: len(plan.bers)]]))
    sweep, sweep_chips = _sweep(binary, plan, naive_chip=naive_chip)
    on_progress(scored + 1, total)
    arithmetic, training = compare_training(
        NetworkShape(widths),
        batch=plan.training_batch,
        rounds=plan.training_rounds,
        on_round=lambda done: on_progress(scored + 1 + done, total),
    )
    described = "-".join(map(str, widths))
    return Comparison(
        workload=f"{described} with random signs, {plan.images} random images",
        naive_batch=batch,
        cases=tuple(cases),
        layer_s=layer_s,
        float32_s=float32_s,
        limit_s=limit_s,
        layer_unit=unit,
        pixels=pixels,
        sweep=sweep,
        sweep_chips=sweep_chips,
        training_workload=f"{described}, {plan.training_batch} random images an iteration",
        arithmetic=arithmetic,
        training=training,
    )


@dataclass(frozen=True)
class _Ways:
    """A network made ready for every way to score it."""

    evaluator: Evaluator
    naive: NaiveNetwork
    batch: int
    tuned: dict[str, TunedNetwork]

    @classmethod
    def of(cls, network: ScoredNetwork, batch: int) -> _Ways:
        folded, images = network.folded, network.images
        kinds = {} if folded.convolutions else {"bfloat16": TunedNetwork, "int8": Int8Network}
        return cls(
            Evaluator(folded, images, network.labels),
            NaiveNetwork(folded, images),
            batch,
            {name: kind(folded, images) for name, kind in kinds.items()},
        )

    def naive_predictions(self, weights: Sequence[torch.Tensor]) -> NDArray[np.int64]:
        return self.naive.predictions(weights, batch=self.batch)


def _convolutional(plan: Plan) -> Case:
    network = random_convolutional(plan.channels, images=plan.convolved_images)
    naive = NaiveNetwork(network.folded, network.images)
    batch = _best_batch(naive, plan.convolved_images, CONVOLVED_BATCHES)
    name = f"convolutional, {plan.channels} to {4 * plan.channels}"
    return _case(name, network, _Ways.of(network, batch), CONVOLVED_BER, plan=plan)


def _best_batch(naive: NaiveNetwork, images: int, tried: Sequence[int]) -> int:
    naive.predictions(naive.weights, batch=tried[0])
    batches = sorted({min(batch, images) for batch in tried})
    times = [_least(partial(naive.predictions, naive.weights, batch=batch), 2) for batch in batches]
    return batches[times.index(min(times))]


def _case(name: str, network: ScoredNetwork, ways: _Ways, ber: float, *, plan: Plan) -> Case:
    task = Task(network, IidFaults(ber), 1)
    chips = itertools.count()
    wrong = dict.fromkeys(ways.tuned, 0)
    identical, compared = True, 0

    def check() -> None:
        # Before the first chip that is timed and after the last, when the evaluator may take the
        # way of few flips.
        nonlocal identical, compared
        flips = task.draw(next(chips))
        predictions, positions = ways.evaluator.predictions(flips), _positions(flips, network)
        expected = ways.naive_predictions(ways.naive.with_flips(positions))
        identical = identical and np.array_equal(predictions, expected)
        for rival, tuned in ways.tuned.items():
            found = tuned.predictions(tuned.with_flips(positions))
            wrong[rival] += int(np.count_nonzero(found != predictions))
        compared += len(predictions)

    def score() -> None:
        ways.evaluator.predictions(task.draw(next(chips)))

    check()
    # Unwatched: margins of the clean network are made once some chips have asked for them.
    _seconds(score, WARM_CHIPS, plan.least_seconds)
    torch.manual_seed(1)
    times: dict[str, list[float]] = {"rramsim": [], "naive": [], **{way: [] for way in wrong}}
    for _ in range(plan.rounds):
        each = _seconds(score, TIMED_CHIPS, plan.least_seconds / plan.rounds)
        times["rramsim"].append(each)
        times["naive"].append(_least(partial(_naive_chip, ways, ber), 1))
        for rival, tuned in ways.tuned.items():
            times[rival].append(_least(partial(_tuned_chip, tuned, ber), 1))
    check()
    middle = {way: float(np.median(measured)) for way, measured in times.items()}
    rivals = tuple(Rival(way, middle[way], wrong[way], compared) for way in ways.tuned)
    return Case(name, ber, middle["rramsim"], middle["naive"], identical, rivals)


def _naive_chip(ways: _Ways, ber: float) -> NDArray[np.int64]:
    return ways.naive_predictions(ways.naive.with_coins(ber))


def _tuned_chip(tuned: TunedNetwork, ber: float) -> NDArray[np.int64]:
    return tuned.predictions(tuned.with_random(ber))


def _seconds(work: Callable[[], object], least: int, seconds: float) -> float:
    """Return the median of at least so many repeats that take at least so many seconds."""
    times: list[float] = []
    while len(times) < least or sum(times) < seconds:
        times.append(_least(work, 1))
    return float(np.median(times))


def _largest_layer(network: ScoredNetwork, plan: Plan) -> tuple[float, float, float, str]:
    """Return seconds of rramsim, of PyTorch's product, and of the limit, and the unit."""
    packed = PackedNetwork(network.folded, network.images)
    first, layer = packed.clean[0], packed.clean[1]
    values = first.fired(packed.inputs)
    rows = blocks(plan.images, steps=layer.steps)

    def run() -> None:
        share(lambda part: layer.fired(values[part]), rows)

    signs = torch.from_numpy(network.folded.layers[1].signs).float()
    neurons, width = signs.shape
    unit = layer.unit.name
    operations = plan.images * neurons * words_for(width) * WORD / SIGN_PRODUCTS[unit]
    layer_s = limit_s = math.inf
    # In turn, so that what else the machine does slows both.
    for _ in range(KERNEL_TURNS):
        layer_s = min(layer_s, _least(run, 1))
        limit_s = min(limit_s, operations / operations_per_second(unit, signs=True))
    inputs = torch.ones(plan.images, width)
    batches = torch.tensor_split(inputs, -(-plan.images // min(1000, plan.images)))
    float32_s = _least(lambda: [part @ signs.T for part in batches], plan.rounds)
    return layer_s, float32_s, limit_s, unit


def _pixel_layer(network: ScoredNetwork, plan: Plan) -> PixelLayer:
    """Measure the first layer on pixels of 8 bits, and the operations of its unit alone."""
    packed = PackedNetwork(network.folded, network.images)
    first = packed.clean[0]
    rows = blocks(plan.images, steps=first.steps)

    def run() -> None:
        share(lambda part: first.fired(packed.inputs[part]), rows)

    inputs, neurons = first.layer.inputs, first.layer.neurons
    operations = plan.images * neurons * inputs / PRODUCTS[packed.unit.name]
    seconds = limit_s = math.inf
    for _ in range(KERNEL_TURNS):
        seconds = min(seconds, _least(run, 1))
        limit_s = min(limit_s, operations / operations_per_second(packed.unit.name))
    return PixelLayer(packed.unit.name, seconds, limit_s)


def _sweep(network: ScoredNetwork, plan: Plan, *, naive_chip: float) -> tuple[Case, int]:
    """Return the times of the sweep, and its chips."""
    # A fresh one, so that packing and margins are part of the time.
    fresh = ScoredNetwork(network.folded, network.images, network.labels, network.images_id)
    tasks = [Task(fresh, IidFaults(ber), 1) for ber in plan.sweep_bers]
    begin = time.perf_counter()
    tallies = collect(tasks, rule=StoppingRule(plan.sweep_chips))
    rramsim_s = time.perf_counter() - begin
    chips = sum(tally.chips for tally in tallies)
    return Case("sweep", math.nan, rramsim_s, naive_chip * chips), chips


def _positions(flips: Sequence[Flips], network: ScoredNetwork) -> Sequence[NDArray[np.int64]]:
    pairs = zip(flips, network.folded.layers, strict=True)
    return [as_positions(cells, layer.matrix) for cells, layer in pairs]


def _least(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)
