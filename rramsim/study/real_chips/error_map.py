"""The wrong weights of a chip, as they are known, as a fault model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rramsim.crossbar.faults import LayerFaults, MappedFaults
from rramsim.errors import InputError, file_path
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.model_files import SavedNetwork, opened_network
from rramsim.readers.chips.error_maps import COLUMNS, read_wrong_weights


def read_error_map(
    path: str | Path, network: SavedNetwork | FoldedNetwork | str | Path
) -> LayerFaults:
    r"""Read which weights of a chip are wrong, as faults for `evaluate`.

    Parameters
    ----------
    path : str or Path
        A CSV file with the columns layer (from 1), neuron and input (from 0), a row for each wrong
        weight; or netCDF with these variables, or as `read_back` gives it.
    network : SavedNetwork, FoldedNetwork or path
        Whose weights they are.

    Returns
    -------
    LayerFaults
        A `MappedFaults` for each layer.

    Raises
    ------
    InputError
        If the file cannot be used, or names a weight that the network does not have, or one twice.

    Examples
    --------
    >>> from pathlib import Path
    >>> import rramsim
    >>> network = rramsim.train("digits", network="64-16-10", epochs=1)
    >>> _ = Path("wrong.csv").write_text("layer,neuron,input\n1,0,5\n2,9,15\n")
    >>> faults = rramsim.read_error_map("wrong.csv", network)
    >>> [int(model.wrong.sum()) for model in faults.models]
    [1, 1]
    """
    file = file_path(path)
    saved, _ = opened_network(network)
    folded = saved if isinstance(saved, FoldedNetwork) else saved.folded
    held = read_wrong_weights(file, only_layer=len(folded.layers) == 1)
    layer, neuron, input_ = (held[column] for column in COLUMNS)
    positions = np.full(layer.size, -1)
    for number, one in enumerate(folded.layers, 1):
        neurons, inputs = one.matrix.shape
        is_there = (layer == number) & (neuron >= 0) & (neuron < neurons)
        is_there &= (input_ >= 0) & (input_ < inputs)
        positions[is_there] = neuron[is_there] * inputs + input_[is_there]
    strange = np.flatnonzero(positions < 0)
    if strange.size:
        place = int(strange[0])
        shapes = ", ".join("{} x {}".format(*one.matrix.shape) for one in folded.layers)
        raise InputError(
            f"{file}, row {place + 2}: layer {layer[place]}, neuron {neuron[place]}, input "
            f"{input_[place]} is no weight of the network; its layers are {shapes} (neurons x "
            "inputs), layers are counted from 1, neurons and inputs from 0."
        )
    _check_once(file, layer, positions)
    return faults_of(
        folded, [positions[layer == number] for number in range(1, len(folded.layers) + 1)]
    )


def _check_once(file: Path, layer: np.ndarray, positions: np.ndarray) -> None:
    """Refuse a weight that is named twice: two flips of one would be none."""
    order = np.lexsort((positions, layer))
    is_again = (np.diff(layer[order]) == 0) & (np.diff(positions[order]) == 0)
    if is_again.any():
        place = int(order[1:][is_again].min())
        raise InputError(
            f"{file}, row {place + 2}: names a weight that an earlier row names; name each once."
        )


def faults_of(folded: FoldedNetwork, flips: Sequence[np.ndarray]) -> LayerFaults:
    """Return the faults of a chip whose wrong weights are known, as flat positions by layer."""
    models = []
    for layer, positions in zip(folded.layers, flips, strict=True):
        wrong = np.zeros(layer.matrix.size, dtype=np.bool_)
        wrong[positions] = True
        models.append(MappedFaults(wrong.reshape(layer.matrix.shape)))
    return LayerFaults(tuple(models))
