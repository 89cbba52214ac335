"""On how many images is a chip scored, so that a mean is known well enough for the least work?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from rramsim.montecarlo.stopping import STOP_CONFIDENCE, StoppingRule, within
from rramsim.montecarlo.tally import Tally, unpacked_answers
from rramsim.montecarlo.task import Task

if TYPE_CHECKING:
    from rramsim.network.folded.network import FoldedNetwork

_DRAWN_WEIGHT = 400
_CALL = 2e7
"""What drawing a weight of a chip and what calling for a chip takes, in multiply-adds.

Measured on processors with and without vector population counts, a weight takes 250 to 550. A
fixed number, since results must not depend on the processor; the work at twice or half the best
number of images is at most an eighth more."""

_LEAST_IMAGES = 64
"""Of fewer, an image more costs next to nothing, and the spread of few differences is a poor one to
stop by."""


class Spread(NamedTuple):
    """How chips differ from the network without errors.

    Attributes
    ----------
    chips : float
        Variance between chips of the mean difference on all images.
    images : float
        Mean over chips of the variance of the difference between images (divisor n - 1).
    """

    chips: float
    images: float


def spread_of(changes: Sequence[NDArray[np.integer]]) -> Spread:
    """Return the spread of chips, each as what it changes on all images: -1, 0 or 1.

    Parameters
    ----------
    changes : sequence of integer arrays, shape (images,)
        At least 2 chips and 2 images.

    Examples
    --------
    >>> spread_of([np.array([0, -1, 0, -1]), np.array([0, 0, 0, 0])])
    Spread(chips=0.125, images=0.16666666666666666)
    """
    chips, images = len(changes), changes[0].size
    sums = [int(change.sum()) for change in changes]
    squares = sum(int(np.count_nonzero(change)) for change in changes)
    # Whole numbers: a last bit that differs between processors would choose another number of
    # images.
    of_sums = sum(one * one for one in sums)
    between = (chips * of_sums - sum(sums) ** 2) / (chips * (chips - 1) * images**2)
    return Spread(between, (images * squares - of_sums) / (chips * images * (images - 1)))


def best_images(spread: Spread, rule: StoppingRule, *, images: int, drawing: float) -> int | None:
    """Return the number of images of a chip that knows the mean for the least work, None for all.

    Of K chips with m of n images each, the mean has the variance (tau^2 + (1/m - 1/n) sigma^2) / K
    and takes K (c0 + m c1), whose product is least at m = sqrt(c0 sigma^2 / (c1 t)), with t =
    tau^2 - sigma^2 / n (W. G. Cochran, Sampling Techniques, 3rd ed. 1977, section 10.6). It takes
    more chips than all images do: m is raised to what reaches the half width with the most chips.
    Where more than half of the images would be taken, or nothing reaches the half width, chips
    keep all: little would be saved, and the 5th-percentile chip would be lost.

    Parameters
    ----------
    spread : Spread
    rule : StoppingRule
        With a half width.
    images : int
        Number of all images, n.
    drawing : float
        Work of drawing a chip in that of scoring an image, c0 / c1.

    Examples
    --------
    >>> rule = StoppingRule(100_000, 0.001)
    >>> best_images(Spread(0.0152**2, 0.087), rule, images=10_000, drawing=400)
    396
    >>> best_images(Spread(0.001**2, 0.012), rule, images=10_000, drawing=400)
    """
    between = spread.chips - spread.images / images
    quantile = float(stdtrit(rule.chips - 1, (1 + STOP_CONFIDENCE) / 2))
    spare = rule.chips * (rule.half_width / quantile) ** 2 - between
    if between <= 0 or spare <= 0:
        return None
    best = max(math.sqrt(drawing * spread.images / between), spread.images / spare)
    needed = max(math.ceil(best), _LEAST_IMAGES)
    return needed if 2 * needed <= images else None


def drawing_work(folded: FoldedNetwork) -> float:
    """Return the work of drawing a chip of a network in that of scoring it on an image."""
    return (_DRAWN_WEIGHT * folded.weight_count + _CALL) / folded.multiply_adds


def fitting_images(
    task: Task, pilot: Tally, rule: StoppingRule, error_free: NDArray[np.bool_]
) -> int | None:
    """Return the number of images that chips of a task are best scored on, None for all.

    Parameters
    ----------
    task : Task
    pilot : Tally
        Its first chips on all images, with answers.
    rule : StoppingRule
    error_free : bool array, shape (images,)
        Which images are right without errors.
    """
    if pilot.chips < 2 or pilot.chips >= rule.chips or within(pilot, rule.half_width):
        return None
    images = pilot.images
    changes = [
        unpacked_answers(answers, images).astype(int) - error_free
        for answers in pilot.answers.values()
    ]
    drawing = drawing_work(task.network.folded)
    return best_images(spread_of(changes), rule, images=images, drawing=drawing)


def on_blocks(pilot: Tally, task: Task, error_free: NDArray[np.bool_]) -> Tally:
    """Return what chips that were scored on all images score on those of a task.

    Parameters
    ----------
    pilot : Tally
        With answers.
    task : Task
        The same question on some of the images.
    error_free : bool array, shape (images,)
        Which images are right without errors.
    """
    blocks = {chip: task.block(chip) for chip in pilot.answers}
    correct = {
        chip: int(np.count_nonzero(unpacked_answers(answers, pilot.images)[blocks[chip]]))
        for chip, answers in pilot.answers.items()
    }
    without = {chip: int(np.count_nonzero(error_free[block])) for chip, block in blocks.items()}
    assert task.images_per_chip is not None
    return Tally(task.id, task.images_per_chip, correct, error_free=without)
