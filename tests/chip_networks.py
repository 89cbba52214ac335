"""Small networks and images whose scores are known or easily computed again."""

import itertools

import numpy as np

from rramsim.crossbar.sampling import as_positions
from rramsim.images.image_set import ImageSet
from rramsim.montecarlo import collect
from rramsim.montecarlo.task import ScoredNetwork
from rramsim.network.folded.network import FoldedLayer, FoldedNetwork, ScoreLayer
from rramsim.network.model_files import SavedNetwork
from rramsim.network.scoring.evaluator import Evaluator


def random_network(*widths: int, seed: int = 1) -> FoldedNetwork:
    rng = np.random.default_rng(seed)
    layers: list[FoldedLayer | ScoreLayer] = []
    for inputs, neurons in itertools.pairwise(widths):
        signs = rng.choice(np.array([-1, 1], dtype=np.int8), size=(neurons, inputs))
        if len(layers) < len(widths) - 2:
            thresholds = rng.integers(-3, 4, size=neurons)
            directions = rng.choice(np.array([-1, 1], dtype=np.int8), size=neurons)
            layers.append(FoldedLayer(signs, thresholds, directions))
        else:
            layers.append(score_layer(signs))
    return FoldedNetwork(tuple(layers))


def score_layer(signs: np.ndarray) -> ScoreLayer:
    ones = np.ones(len(signs), dtype=np.float32)
    return ScoreLayer(signs.astype(np.int8), ones, 0 * ones)


def saved_network(folded: FoldedNetwork, images: ImageSet) -> SavedNetwork:
    """Return a network with the record of a training that did not happen."""
    metadata = {
        **{"training_ber": 0.0, "accuracy": 0.5, "epochs": 1, "seed": 1, "version": "0"},
        **{"images": images.name, "images_id": images.content_id, "settings": {}, "history": []},
    }
    return SavedNetwork(folded=folded, metadata=metadata)


def random_images(count: int, features: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 17, size=(count, features), dtype=np.uint8)


def naive_predictions(
    folded: FoldedNetwork, images: np.ndarray, flips: list[np.ndarray]
) -> np.ndarray:
    """Classify image by image with whole numbers, each flipped sign negated where it is stored."""
    found = []
    for image in images.astype(np.int64):
        values = image
        for layer, positions in zip(folded.layers, flips, strict=True):
            signs = layer.signs.astype(np.int64).ravel()
            for position in as_positions(positions, layer.signs):
                signs[position] = -signs[position]
            sums = signs.reshape(layer.signs.shape) @ values
            if isinstance(layer, ScoreLayer):
                found.append(int(np.argmax(sums * layer.scale + layer.offset)))
            else:
                values = np.where(layer.directions * sums >= layer.thresholds, 1, -1)
    return np.array(found)


def scored(
    folded: FoldedNetwork,
    images: np.ndarray,
    labels: np.ndarray,
    evaluator: Evaluator | None = None,
) -> ScoredNetwork:
    """Return a network with its images, scored by `evaluator` if one is given."""
    network = ScoredNetwork(folded, images, labels, "images")
    if evaluator is not None:
        collect._EVALUATORS[network] = collect._Evaluators(evaluator)
    return network


def one_weight_pairs(pairs: int) -> ScoredNetwork:
    """Return a linear classifier in which image i rests on two weights that no other image uses.

    Image i has its only bright pixel at input i, where class 0 has weight +1 and class 1 weight
    -1; the right class is 0. One flip of the two makes a tie, which goes to class 0; only both
    flipped are wrong. At an iid BER of p an image is right with probability 1 - p^2,
    independently of the others.
    """
    signs = np.vstack([np.ones(pairs), -np.ones(pairs)])
    images = np.eye(pairs, dtype=np.uint8)
    network = FoldedNetwork((score_layer(signs),))
    return scored(network, images, np.zeros(pairs, dtype=np.uint8))
