"""The stage of a study that trains its networks, or takes those that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.errors import InputError
from rramsim.network.model_files import load_network
from rramsim.network.training.plan import in_words, obtain_network

if TYPE_CHECKING:
    from rramsim.images.image_set import ImageSet
    from rramsim.network.model_files import SavedNetwork
    from rramsim.network.training.train import History, OnEpoch
    from rramsim.progress import OnProgress
    from rramsim.study.result_folder import ResultFolder
    from rramsim.study.settings import Study


def train_networks(
    study: Study,
    images: ImageSet,
    folder: ResultFolder,
    *,
    device: str,
    on_progress: OnProgress,
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


def load_models(study: Study, images: ImageSet) -> dict[float, SavedNetwork]:
    """Return the networks of the study's model files by training BER, none if it names none.

    Raises
    ------
    InputError
        If a file cannot be used, was trained on other images, does not say at what BER, or says
        the same as another.
    """
    networks: dict[float, SavedNetwork] = {}
    for file in study.models:
        saved = load_network(Path(file))
        training_ber = saved.metadata["training_ber"]
        if saved.metadata["images_id"] != images.content_id:
            raise InputError(
                f"{file}: was trained on the images {saved.metadata['images']!r}, which are not "
                f"those of the study ({images.name}); name them by the setting images."
            )
        if training_ber is None or training_ber in networks:
            found = (
                "no training BER" if training_ber is None else f"the training BER {training_ber}"
            )
            raise InputError(
                f"{file}: has {found}; networks of a study are told apart by it, so each model "
                "needs one of its own (0 for plain training)."
            )
        networks[training_ber] = saved
    return dict(sorted(networks.items()))


def _bar(on_progress: OnProgress, *, before: int, epochs: int, study: Study) -> OnEpoch:
    total = len(study.training_bers) * epochs

    def on_epoch(history: History) -> None:
        on_progress("training networks", before * epochs + len(history), total, in_words(history))

    return on_epoch
