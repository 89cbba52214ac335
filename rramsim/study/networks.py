"""The stage of a study that trains its networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rramsim.network.plan import in_words, obtain_network

if TYPE_CHECKING:
    from rramsim.network.files import SavedNetwork
    from rramsim.network.images import ImageSet
    from rramsim.network.training import History, OnEpoch
    from rramsim.study.folder import ResultFolder
    from rramsim.study.settings import Study


def train_networks(
    study: Study,
    images: ImageSet,
    folder: ResultFolder,
    *,
    device: str,
    on_progress: Callable[..., None],
) -> dict[float, SavedNetwork]:
    """Return one network a training BER, trained unless its file is in the folder already."""
    networks = {}
    epochs = study.method(images).epochs
    for number, training_ber in enumerate(study.training_bers):
        networks[training_ber] = obtain_network(
            folder.model(training_ber),
            study.plan(images, training_ber),
            images_from=study.images,
            on_epoch=_bar(on_progress, before=number, epochs=epochs, study=study),
            device=device,
        )
        on_progress("training networks", (number + 1) * epochs, len(study.training_bers) * epochs)
    return networks


def _bar(on_progress: Callable[..., None], *, before: int, epochs: int, study: Study) -> OnEpoch:
    total = len(study.training_bers) * epochs

    def on_epoch(history: History) -> None:
        on_progress("training networks", before * epochs + len(history), total, in_words(history))

    return on_epoch
