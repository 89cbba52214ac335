"""Stages of a user's module folded into the layers of a chip.

Thresholds are found by bisection on the user's own operations, run on whole-number sums, so they
hold whatever those are: batch norm, biases, clipping, any sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.images.image_set import ImageSet
from rramsim.network.folded.checks import check_exact, check_scores
from rramsim.network.folded.network import (
    PIXEL_LIMIT,
    FoldedConvolution,
    FoldedLayer,
    FoldedNetwork,
    Layer,
    ScoreLayer,
)
from rramsim.network.importing.averaging import Averaging, split_averaging
from rramsim.network.importing.operations import AVERAGES, BATCH, operation, refused
from rramsim.network.importing.probes import (
    SIGN_TOLERANCE,
    Product,
    check_alone,
    outputs_at,
    steps_of,
)
from rramsim.network.importing.trace import Chain, Stage
from rramsim.network.importing.verification import check_layers, followed_images

AFFINE_TOLERANCE = 1e-5
"""Of the range of values: how far from a straight line pixels may be mapped (float32)."""

PROBES = 129
"""Sums at which the straight line of the scores is checked."""


Prepare = Callable[[NDArray[np.uint8]], torch.Tensor]
"""From pixels, shape (images, features), to the inputs of the module."""


def map_layers(
    input_chain: Chain, stages: Sequence[Stage], images: ImageSet, *, prepare: Prepare
) -> FoldedNetwork:
    """Fold the layers of a module.

    Parameters
    ----------
    input_chain, stages
        As `trace_module` returns them.
    images : ImageSet
        What the module classifies.
    prepare : callable
        From pixels, shape (images, features), to the inputs of the module.

    Raises
    ------
    InputError
        If a layer is not what a chip can hold, or gives other outputs than the folded one; the
        message names it.
    """
    if not stages or stages[-1].weight.ndim != 2:
        raise InputError("The module must end in a Linear layer with binarized weights.")
    stages, averaging = _without_averages(input_chain, stages)
    slope, offsets = _pixel_map(input_chain, images, prepare=prepare)
    shape: tuple[int, ...] = images.image_shape
    for number, stage in enumerate(stages):
        if averaging and number == len(stages) - 1:
            (rows, columns), (channels, height, width) = averaging.window, averaging.shape
            shape = channels, height // rows, width // columns
        shape = _entered(stage, shape, first=number == 0)
    products = [_product(stages[0], slope=slope, offsets=offsets)]
    layers: list[Layer] = []
    levels = []
    for stage in stages[1:]:
        layer, level = _hidden(products[-1])
        layers.append(layer)
        levels.append(level)
        averaged = averaging if stage is stages[-1] else None
        factor = averaged.factor(level) if averaged else level
        products.append(_product(stage, slope=factor, offsets=None, averaging=averaged))
    layers.append(_scores(products[-1], averaging.window if averaging else (1, 1)))
    pixels = followed_images(images)
    for start in range(0, len(pixels), BATCH):
        part = pixels[start : start + BATCH]
        whole = torch.from_numpy(part.astype(np.float32)).reshape(BATCH, *images.image_shape)
        first = input_chain(prepare(part))
        check_layers(layers, products, levels, first, whole, averaging=averaging)
    convolutional = isinstance(layers[0], FoldedConvolution)
    return FoldedNetwork(tuple(layers), images.image_shape if convolutional else None)


def _without_averages(
    input_chain: Chain, stages: Sequence[Stage]
) -> tuple[tuple[Stage, ...], Averaging | None]:
    """Return the stages without averages of signs before the last one, and these averages."""
    *others, last = stages
    averaging = None
    if others:
        others[-1], averaging = split_averaging(others[-1], int(np.prod(last.input_shape)))
    for chain in (input_chain, *(stage.chain for stage in (*others, last))):
        for node in chain.nodes:
            if operation(node) in AVERAGES:
                raise refused(node, "averages values; a chip averages signs before the last layer")
    return (*others, last), averaging


def _pixel_map(
    chain: Chain, images: ImageSet, *, prepare: Prepare
) -> tuple[float, NDArray[np.float64]]:
    """Return slope and offsets, one an input, of what the module makes of pixels."""
    if chain.pool:
        raise InputError("The module pools its input; give it smaller images instead.")
    levels = images.levels
    pixels = np.arange(-(-(levels + 1) // BATCH) * BATCH).clip(max=levels).astype(np.uint8)
    even = np.repeat(pixels[:, np.newaxis], images.features, axis=1)
    batches = [chain(prepare(even[start : start + BATCH])) for start in range(0, len(even), BATCH)]
    values = torch.cat(batches)[: levels + 1].double().reshape(levels + 1, -1).numpy()
    slopes = (values[-1] - values[0]) / levels
    slope = float(slopes.mean())
    line = values[0] + np.arange(levels + 1)[:, np.newaxis] * slope
    range_ = np.abs(values - values[0]).max()
    if not (slope and np.allclose(values, line, rtol=1e-6, atol=AFFINE_TOLERANCE * range_)):
        raise InputError(
            "The module does not map all pixels by one straight line, scale * pixel + offset "
            f"(scales from {slopes.min():.6g} to {slopes.max():.6g} found); a chip sums "
            "whole-number pixels, so all channels need one scale. Train it with inputs like "
            "pixels / 255."
        )
    _check_pixels(chain, images, prepare, slope=slope, at_zero=values[0])
    return slope, values[0]


def _check_pixels(
    chain: Chain,
    images: ImageSet,
    prepare: Prepare,
    *,
    slope: float,
    at_zero: NDArray[np.float64],
) -> None:
    """Raise unless every pixel of an image is mapped alone and in its place."""
    shape = (BATCH, images.features)
    pixels = np.random.default_rng(0).integers(0, images.levels + 1, shape).astype(np.uint8)
    found = chain(prepare(pixels)).double().reshape(BATCH, -1).numpy()
    expected = slope * pixels + at_zero
    tolerance = AFFINE_TOLERANCE * (np.abs(at_zero).max() + abs(slope) * images.levels)
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=0, atol=tolerance):
        raise InputError(
            "The module makes of a pixel what depends on other pixels or images, or takes pixels "
            "in another order, before its first layer; only scale * pixel + offset may stand there."
        )


def _entered(stage: Stage, shape: tuple[int, ...], *, first: bool) -> tuple[int, ...]:
    """Return the shape that a stage gives on; `InputError` unless it takes all of `shape`."""
    convolutional = stage.weight.ndim == 4
    expected = shape if convolutional else (int(np.prod(shape)),)
    if convolutional and len(shape) != 3:
        raise InputError(f"{stage.name} is a convolution after a Linear layer; convolve first.")
    if stage.input_shape != expected:
        raise InputError(
            f"{stage.name} takes inputs of shape {stage.input_shape}, but "
            f"{'the images are' if first else 'the layer before gives'} {shape}."
        )
    if not convolutional:
        return stage.output_shape
    channels, height, width = stage.output_shape
    return (channels, height // 2, width // 2) if stage.chain.pool else stage.output_shape


def _product(
    stage: Stage,
    *,
    slope: float,
    offsets: NDArray[np.float64] | None,
    averaging: Averaging | None = None,
) -> Product:
    """Take the weights as signs times one magnitude a neuron; `offsets` are those of pixels."""
    weight = stage.weight.double().numpy()
    flat = weight.reshape(len(weight), -1)
    magnitude = np.abs(flat).mean(axis=1)
    uneven = np.abs(np.abs(flat) - magnitude[:, np.newaxis]) > SIGN_TOLERANCE * magnitude.max()
    if not np.isfinite(flat).all() or uneven.any() or not magnitude.all():
        raise InputError(
            f"{stage.name} does not compute with sign weights: {np.count_nonzero(uneven)} of "
            f"{flat.size} differ from the magnitude of their neuron (values from {flat.min():.6g} "
            f"to {flat.max():.6g}, {np.count_nonzero(flat == 0)} zeros). All of a neuron's weights "
            "must be -1 or +1, or these times one number, in forward itself."
        )
    at_zero = np.zeros(len(flat))
    if offsets is not None:
        at_zero = flat @ (offsets if weight.ndim == 2 else _by_weight(stage, offsets, slope))
    greatest_sum = flat.shape[1] * (1 if offsets is None else PIXEL_LIMIT)
    greatest_sum *= math.prod(averaging.window) if averaging else 1
    check_exact(greatest_sum)
    signs = np.where(weight > 0, 1, -1).astype(np.int8)
    # Where zeros are padded, fewer inputs count at the border.
    step = 2 if offsets is None and weight.ndim == 2 else 1
    return Product(stage, signs, magnitude * slope, at_zero, greatest_sum, step)


def _by_weight(stage: Stage, offsets: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
    """Return the offset of the pixel that each weight of a filter meets."""
    if any(stage.padding) and np.abs(offsets).max() > AFFINE_TOLERANCE * abs(slope):
        raise InputError(
            f"{stage.name} pads with zeros, but the input maps a pixel of 0 to "
            f"{offsets[np.abs(offsets).argmax()]:.6g}: at the border of an image its sums "
            "are not those of whole-number pixels. Train it with inputs like pixels / 255."
        )
    channels, height, width = stage.weight.shape[1:]
    by_channel = offsets.reshape(channels, -1)
    if (np.ptp(by_channel, axis=1) > AFFINE_TOLERANCE * abs(slope)).any():
        raise InputError(
            f"{stage.name} meets pixels of one channel with different offsets; a filter is the "
            "same at all places, so give one number, or one for each channel."
        )
    return np.repeat(by_channel.mean(axis=1), height * width)


def _hidden(product: Product) -> tuple[FoldedLayer | FoldedConvolution, float]:
    """Return a hidden layer, and what the module writes for +1 after it."""
    steps = steps_of(product)
    if product.signs.ndim == 2:
        return FoldedLayer(product.signs, steps.thresholds, steps.directions), steps.level
    filters = FoldedConvolution(
        product.signs,
        steps.thresholds,
        steps.directions,
        product.stage.chain.pool,
        steps.pool_all if steps.pool_all.any() else None,
        product.stage.stride,
        product.stage.padding,
    )
    return filters, steps.level


def _scores(product: Product, average: tuple[int, int]) -> ScoreLayer:
    """Return the last layer; what follows its sums must be a straight line."""
    chain = product.stage.chain
    if not chain.pool:
        check_alone(product)
    greatest = product.greatest_sum
    even = np.linspace(-greatest, greatest, PROBES).astype(np.int64)
    sums = np.repeat(even[:, np.newaxis], product.neurons, axis=1)
    scores = outputs_at(product, sums, dtype=torch.float64)
    offset = scores[PROBES // 2]
    scale = (scores[-1] - scores[0]) / (2 * greatest)
    line = sums * scale + offset
    tolerance = AFFINE_TOLERANCE * np.abs(scores).max()
    if chain.pool or not np.allclose(scores, line, rtol=0, atol=tolerance):
        raise InputError(
            f"{product.stage.name} is the last layer, but its scores are not scale * sum + offset; "
            "only batch norm, bias and softmax may follow it."
        )
    check_scores(scale, offset, greatest)
    return ScoreLayer(product.signs, scale.astype(np.float32), offset.astype(np.float32), average)
