"""Iterations of a training, by rramsim and by naive PyTorch in turn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from rramsim.bench.naive import NaiveTraining
from rramsim.bench.results import Case
from rramsim.images.image_set import ImageSet
from rramsim.network.shape import NetworkShape
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.trainer import TrainingRun, sum_dtype

BERS = (0.0, 0.01, 0.1)
"""Training BERs that are measured; 0 is plain training."""

UNWATCHED = 2
"""Rounds before the first that is timed: memory is taken and kernels are made ready."""


def compare_training(
    shape: NetworkShape, *, batch: int, rounds: int, on_round: Callable[[int], None]
) -> tuple[str, tuple[Case, ...]]:
    """Measure iterations on random images of 8 bits.

    In each round every case is done once, by either way, so that what else the machine does slows
    all of them. Times are medians over the rounds.

    Parameters
    ----------
    shape : NetworkShape
        Fully connected layers.
    batch : int
        Images an iteration.
    rounds : int
    on_round : callable
        Called with the rounds done.

    Returns
    -------
    str
        What rramsim computed with.
    tuple of Case
        Seconds an iteration at each training BER of `BERS`.
    """
    images = _random_images(shape, count=batch)
    plan = TrainingPlan(shape, images, Method(1, batch_size=batch), seed=1)
    run = TrainingRun(plan, score=lambda folded: math.nan, device="cpu", dtype=sum_dtype("cpu"))
    generator = torch.Generator().manual_seed(1)
    rates = [group["rate_scale"] * run.method.rate(0) for group in run.optimizer.param_groups]
    for group, rate in zip(run.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    naive = NaiveTraining(shape.widths, rates=rates, generator=generator)
    chosen = torch.arange(batch)
    torch.manual_seed(1)
    times: dict[tuple[float, bool], list[float]] = {
        (ber, ours): [] for ber in BERS for ours in (True, False)
    }
    for number in range(UNWATCHED + rounds):
        for (ber, ours), seconds in times.items():
            run.faults = RandomFlips.iid(ber, seed=1) if ber else None
            begin = time.perf_counter()
            if ours:
                run.iteration(chosen, number)
            else:
                naive.step(run.pixels[chosen], run.labels[chosen], ber=ber)
            seconds.append(time.perf_counter() - begin)
        on_round(number + 1)
    medians = {case: median(seconds[UNWATCHED:]) for case, seconds in times.items()}
    cases = [Case("training", ber, medians[ber, True], medians[ber, False]) for ber in BERS]
    return run.arithmetic, tuple(cases)


def _random_images(shape: NetworkShape, *, count: int) -> ImageSet:
    rng = np.random.default_rng(1)
    pixels = rng.integers(256, size=(count, shape.widths[0]), dtype=np.uint8)
    labels = rng.integers(shape.widths[-1], size=count).astype(np.uint8)
    form = (1, 1, shape.widths[0])
    return ImageSet(
        "random", pixels, labels, pixels[:1], labels[:1], form, shape.widths[-1], 255, ""
    )
