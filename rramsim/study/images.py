"""A model file with the images it was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.errors import InputError

if TYPE_CHECKING:
    from rramsim.images.image_set import ImageSet
    from rramsim.network.model_files import SavedNetwork


def images_of(model: Path, network: SavedNetwork, named: str | None = None) -> ImageSet:
    """Load the images a network was trained on.

    Parameters
    ----------
    model : Path
        Its file, for the message.
    network : SavedNetwork
    named : str, optional
        Their name or folder, where it is not the one in the model file any more.

    Raises
    ------
    InputError
        If they cannot be loaded or are others: test images may then have been trained on.
    """
    from rramsim.images.catalogue import load_images

    trained_on = str(network.metadata["images"])
    try:
        images = load_images(named or trained_on)
    except InputError as error:
        if named is not None:
            raise
        raise InputError(
            f"{model}: was trained on the images {trained_on!r}, which cannot be loaded by that "
            f"name ({error}) If they are a folder of yours, name it with --images."
        ) from error
    if images.content_id != network.metadata["images_id"]:
        raise InputError(
            f"{model}: was trained on the images {trained_on!r} (content id "
            f"{network.metadata['images_id'][:12]}), but {named or trained_on!r} holds others "
            f"({images.content_id[:12]}), whose test images may have been trained on. Name the "
            "images it was trained on with --images."
        )
    return images
