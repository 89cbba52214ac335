"""Trainings scored as `rramsim.train` scores them."""

from typing import Any

from rramsim.images.image_set import ImageSet
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.scoring.evaluator import Evaluator
from rramsim.network.shape import NetworkShape
from rramsim.network.training.flips import TrainingFaults
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.trainer import TrainingRun, run_training


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

    def score(folded: FoldedNetwork) -> float:
        right = Evaluator(folded, images.test_images, images.test_labels).correct()
        return right / len(images.test_labels)

    plan = TrainingPlan(shape, images, method, seed, faults=faults)
    return run_training(plan, score=score, **where)
