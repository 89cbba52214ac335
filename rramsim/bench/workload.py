"""A deterministic network and images to measure on, without a training or a download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from rramsim.images.catalogue import load_images
from rramsim.montecarlo.task import ScoredNetwork
from rramsim.network.folded.network import (
    FoldedConvolution,
    FoldedLayer,
    FoldedNetwork,
    Layer,
    ScoreLayer,
)
from rramsim.network.shape import NetworkShape
from rramsim.network.training.train import train

SAMPLE_IMAGES = 500
"""Images that the medians are taken over."""

_BRIGHTER = 15  # pixels of the digits are 0 to 16, and become 0 to 240

SAMPLE_IMAGES_CONVOLUTIONAL = 16
"""The same for convolutions, where each image gives a thousand sums."""


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
    layers = _dense(rng, values, widths[1:])
    labels = rng.integers(widths[-1], size=images).astype(np.uint8)
    return ScoredNetwork(FoldedNetwork(tuple(layers)), pixels, labels, f"random {seed}")


def trained_workload(hidden: int, *, images: int, epochs: int) -> ScoredNetwork:
    """Return a network trained on the shipped digits, and digits that it was not trained with.

    The digits are enlarged to 28 x 28 pixels of 8 bits. The 490 for testing come up to 25 times
    each, moved by up to two pixels either way.

    Parameters
    ----------
    hidden : int
        Neurons of each of the two hidden layers.
    images : int
        At most 25 times the digits for testing.
    epochs : int
    """
    digits = load_images("digits")
    moved = [
        np.roll(_enlarged(digits.test_images), (down, right), axis=(1, 2))
        for down in range(-2, 3)
        for right in range(-2, 3)
    ]
    pixels = np.concatenate(moved).reshape(-1, 28 * 28)[:images]
    labels = np.tile(digits.test_labels, len(moved))[:images]
    large = replace(
        digits,
        name="digits-28x28",
        train_images=_enlarged(digits.train_images).reshape(-1, 28 * 28),
        test_images=pixels,
        test_labels=labels,
        image_shape=(1, 28, 28),
        levels=16 * _BRIGHTER,
    )
    shape = NetworkShape((28 * 28, hidden, hidden, 10))
    folded = train(large, network=shape, epochs=epochs).folded
    return ScoredNetwork(folded, pixels, labels, large.name)


def _enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return digits of 8 x 8 pixels as 28 x 28, with a border of two."""
    squares = pixels.reshape(-1, 8, 8) * np.uint8(_BRIGHTER)
    large = squares.repeat(3, axis=1).repeat(3, axis=2)
    return np.pad(large, ((0, 0), (2, 2), (2, 2)))


def random_convolutional(width: int, *, images: int, seed: int = 1) -> ScoredNetwork:
    """Return the CIFAR-10 network of Courbariaux et al. 2016 with random signs, and images.

    Two convolutions of `width` channels, two of twice and two of four times as many, pooled
    after each second one, then two layers of 8 `width` neurons and 10 classes; the original has
    a width of 128. Thresholds are medians, as in `random_workload`.

    Parameters
    ----------
    width : int
        Channels of the first convolution.
    images : int
        Number of random 8-bit images of 3 x 32 x 32 pixels.
    seed : int
        Of signs and pixels.
    """
    rng = np.random.default_rng(seed)
    shape = (3, 32, 32)
    pixels = rng.integers(256, size=(images, *shape), dtype=np.uint8)
    values = torch.from_numpy(pixels[:SAMPLE_IMAGES_CONVOLUTIONAL]).float()
    channels = [width, width, 2 * width, 2 * width, 4 * width, 4 * width]
    layers: list[Layer] = []
    for number, count in enumerate(channels):
        signs = _signs(rng, (count, values.shape[1], 3, 3))
        sums = functional.conv2d(values, torch.from_numpy(signs).float(), padding=1)
        thresholds = np.ceil(np.median(sums.numpy(), axis=(0, 2, 3))).astype(np.int64)
        ones, pool = np.ones(count, dtype=np.int8), number % 2 == 1
        layers.append(FoldedConvolution(signs, thresholds, ones, pool))
        fired = (sums >= torch.from_numpy(thresholds)[:, None, None]).float() * 2 - 1
        values = functional.max_pool2d(fired, 2) if pool else fired
    layers += _dense(rng, values.flatten(1).numpy(), [8 * width, 8 * width, 10])
    labels = rng.integers(10, size=images).astype(np.uint8)
    folded = FoldedNetwork(tuple(layers), image_shape=shape)
    return ScoredNetwork(folded, pixels.reshape(images, -1), labels, f"random {seed}")


def _dense(
    rng: np.random.Generator, values: NDArray[np.float32], neurons: Sequence[int]
) -> list[Layer]:
    """Return fully connected layers of random signs that fire for half of `values`."""
    layers: list[Layer] = []
    for count in neurons[:-1]:
        signs = _signs(rng, (count, values.shape[1]))
        sums = values @ signs.T.astype(np.float32)
        thresholds = np.ceil(np.median(sums, axis=0)).astype(np.int64)
        layers.append(FoldedLayer(signs, thresholds, np.ones(count, dtype=np.int8)))
        values = np.where(sums >= thresholds, np.float32(1), np.float32(-1))
    signs = _signs(rng, (neurons[-1], values.shape[1]))
    return [*layers, _score_layer(signs, values @ signs.T.astype(np.float32))]


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int8]:
    return rng.choice(np.array([-1, 1], dtype=np.int8), size=shape)


def _score_layer(signs: NDArray[np.int8], sums: NDArray[np.float32]) -> ScoreLayer:
    scale = (1 / sums.std(axis=0)).astype(np.float32)
    return ScoreLayer(signs, scale, (-sums.mean(axis=0) * scale).astype(np.float32))
