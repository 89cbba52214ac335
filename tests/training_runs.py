"""Trainings scored as `rramsim.train` scores them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rramsim.images.image_set import ImageSet
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.shape import NetworkShape
from rramsim.network.training.flips import TrainingFaults
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.trainer import Score, TrainingRun, run_training


def train(
    shape: NetworkShape,
    images: ImageSet,
    *,
    method: Method,
    seed: int,
    faults: TrainingFaults | None = None,
    **where: Any,
) -> TrainingRun:
    """Run a training to its end."""

    plan = TrainingPlan(shape, images, method, seed, faults=faults)
    _, kept = plan.split()

    def share(images: NDArray[np.uint8], labels: NDArray[Any]) -> Score:
        return lambda folded: Evaluator(folded, images, labels).correct() / len(labels)

    validate = share(images.train_images[kept], images.train_labels[kept]) if len(kept) else None
    score = share(images.test_images, images.test_labels)
    return run_training(plan, score=score, validate=validate, **where)
