"""A deterministic network and images to measure on, without a training or a download."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rramsim.montecarlo.chip import ScoredNetwork
from rramsim.network.folding import FoldedLayer, FoldedNetwork, ScoreLayer

SAMPLE_IMAGES = 500
"""Images that the medians are taken over."""


def random_workload(
    widths: Sequence[int], *, images: int, levels: int, seed: int = 1
) -> ScoredNetwork:
    """Return a network of random signs that works like a trained one, with random images.

    The threshold of each hidden neuron is the median of its sums over images, so that it fires
    for half of them, as batch norm makes a trained neuron do. A random network decides by smaller
    margins than a trained one; that changes its accuracy, which is not measured here, and makes
    no computation shorter.

    Parameters
    ----------
    widths : sequence of int
        Inputs, then neurons of each layer; the last are the classes.
    images : int
        Number of images.
    levels : int
        Values a pixel can have: 2 for black and white, 256 for bytes.
    seed : int
        Of signs and pixels.
    """
    rng = np.random.default_rng(seed)
    pixels = rng.integers(levels, size=(images, widths[0]), dtype=np.uint8)
    values = pixels[:SAMPLE_IMAGES].astype(np.float32)
    layers: list[FoldedLayer | ScoreLayer] = []
    shapes = list(pairwise(widths))
    for number, (inputs, neurons) in enumerate(shapes):
        signs = rng.choice(np.array([-1, 1], dtype=np.int8), size=(neurons, inputs))
        sums = values @ signs.T.astype(np.float32)
        if number == len(shapes) - 1:
            layers.append(_score_layer(signs, sums))
        else:
            thresholds = np.ceil(np.median(sums, axis=0)).astype(np.int64)
            directions = np.ones(neurons, dtype=np.int8)
            layers.append(FoldedLayer(signs, thresholds, directions))
            values = np.where(sums >= thresholds, np.float32(1), np.float32(-1))
    labels = rng.integers(widths[-1], size=images).astype(np.uint8)
    return ScoredNetwork(FoldedNetwork(tuple(layers)), pixels, labels, f"random {seed}")


def _score_layer(signs: NDArray[np.int8], sums: NDArray[np.float32]) -> ScoreLayer:
    scale = (1 / sums.std(axis=0)).astype(np.float32)
    return ScoreLayer(signs, scale, (-sums.mean(axis=0) * scale).astype(np.float32))
