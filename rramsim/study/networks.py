"""The stage of a study that trains its networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from rramsim.network.definition import NetworkShape, default_shape
from rramsim.network.plan import TrainingPlan, default_epochs, obtain_network

if TYPE_CHECKING:
    from rramsim.network.files import SavedNetwork
    from rramsim.network.images import ImageSet
    from rramsim.study.folder import ResultFolder
    from rramsim.study.settings import Study


def train_networks(
    study: Study,
    images: ImageSet,
    folder: ResultFolder,
    on_progress: Callable[[str, int, int], None],
) -> dict[float, SavedNetwork]:
    """Return one network a training BER, trained unless its file is in the folder already."""
    shape = NetworkShape.parse(study.network) if study.network else default_shape(images)
    epochs = study.epochs or default_epochs(images)
    plan = partial(TrainingPlan, shape, images, epochs=epochs, seed=study.seed)
    networks = {}
    for number, training_ber in enumerate(study.training_bers):
        networks[training_ber] = obtain_network(
            folder.model(training_ber),
            plan(training_ber=training_ber),
            images_from=study.images,
            on_epoch=_bar(on_progress, before=number, epochs=epochs, study=study),
        )
        on_progress("training networks", (number + 1) * epochs, len(study.training_bers) * epochs)
    return networks


def _bar(
    on_progress: Callable[[str, int, int], None], *, before: int, epochs: int, study: Study
) -> Callable[[int, float, float], None]:
    total = len(study.training_bers) * epochs

    def on_epoch(done: int, loss: float, accuracy: float) -> None:
        on_progress("training networks", before * epochs + done, total)

    return on_epoch
