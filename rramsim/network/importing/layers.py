"""Stages of a user's module folded into the layers of a chip.

Thresholds are found by bisection on the user's own operations, run on whole-number sums, so they
hold whatever those are: batch norm, biases, clipping, any sign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.images.image_set import ImageSet
from rramsim.network.folded.checks import check_exact
from rramsim.network.folded.fold import first_firing
from rramsim.network.folded.network import (
    PIXEL_LIMIT,
    FoldedConvolution,
    FoldedLayer,
    FoldedNetwork,
    Layer,
    ScoreLayer,
)
from rramsim.network.importing.operations import BATCH
from rramsim.network.importing.trace import Chain, Stage

SIGN_TOLERANCE = 1e-4
"""How far from -1 and +1 signs may lie: straight-through estimators leave rounding errors."""

AFFINE_TOLERANCE = 1e-5
"""Of the range of values: how far from a straight line pixels may be mapped (float32)."""

PROBES = 129
"""Sums at which a step or a straight line is checked, beside those at the threshold."""


@dataclass(frozen=True, eq=False)
class Product:
    """What a layer of the module computes from whole-number sums, ``sum * slope + at_zero``.

    Attributes
    ----------
    stage : Stage
    signs : int8 array
        The weights' signs.
    slope, at_zero : float64 array, shape (neurons,)
        The magnitude of the weights and the input's map; then the bias is added.
    greatest_sum : int
        No sum is beyond -greatest_sum..greatest_sum.
    """

    stage: Stage
    signs: NDArray[np.int8]
    slope: NDArray[np.float64]
    at_zero: NDArray[np.float64]
    greatest_sum: int

    def values(self, sums: NDArray[np.int64], *, dtype: torch.dtype) -> torch.Tensor:
        """Return what the layer gives for sums of shape (probes, neurons, ...)."""
        others = (1,) * (sums.ndim - 2)
        slope, at_zero = (array.reshape(-1, *others) for array in (self.slope, self.at_zero))
        values = torch.from_numpy(sums * slope + at_zero).to(dtype)
        if self.stage.bias is not None:
            values = values + self.stage.bias.reshape(-1, *others)
        return values

    @property
    def places(self) -> tuple[int, ...]:
        """Axes after the neurons, for sums of one place."""
        return (1,) * (self.signs.ndim - 2)


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
        If a layer is not what a chip can hold; the message names it.
    """
    if not stages or stages[-1].weight.ndim != 2:
        raise InputError("The module must end in a Linear layer with binarized weights.")
    slope, offsets = _pixel_map(input_chain, images, prepare=prepare)
    shape: tuple[int, ...] = images.image_shape
    products = []
    for number, stage in enumerate(stages):
        shape = _entered(stage, shape, first=number == 0)
        products.append(
            _product(stage, slope=1.0 if number else slope, offsets=None if number else offsets)
        )
    layers: list[Layer] = [_hidden(product) for product in products[:-1]]
    layers.append(_scores(products[-1]))
    convolutional = isinstance(layers[0], FoldedConvolution)
    return FoldedNetwork(tuple(layers), images.image_shape if convolutional else None)


def _pixel_map(
    chain: Chain, images: ImageSet, *, prepare: Prepare
) -> tuple[float, NDArray[np.float64]]:
    """Return slope and offsets, one an input, of what the module makes of pixels."""
    if chain.pool:
        raise InputError("The module pools its input; give it smaller images instead.")
    levels = images.levels
    pixels = np.arange(levels + 1 + (levels + 1) % BATCH).clip(max=levels).astype(np.uint8)
    even = np.repeat(pixels[:, np.newaxis], images.features, axis=1)
    batches = [
        chain(prepare(even[start : start + BATCH]), reshape=True)
        for start in range(0, len(even), BATCH)
    ]
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
    return slope, values[0]


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


def _product(stage: Stage, *, slope: float, offsets: NDArray[np.float64] | None) -> Product:
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
        if weight.ndim == 4 and np.abs(offsets).max() > AFFINE_TOLERANCE * abs(slope):
            raise InputError(
                f"{stage.name} pads with zeros, but the input maps a pixel of 0 to "
                f"{offsets[np.abs(offsets).argmax()]:.6g}: at the border of an image its sums "
                "are not those of whole-number pixels. Train it with inputs like pixels / 255."
            )
        at_zero = flat @ offsets if weight.ndim == 2 else at_zero
    greatest_sum = flat.shape[1] * (1 if offsets is None else PIXEL_LIMIT)
    check_exact(greatest_sum)
    signs = np.where(weight > 0, 1, -1).astype(np.int8)
    return Product(stage, signs, magnitude * slope, at_zero, greatest_sum)


def _hidden(product: Product) -> FoldedLayer | FoldedConvolution:
    low, high = (
        _fires(product, np.full(len(product.signs), end * product.greatest_sum)) for end in (-1, 1)
    )
    directions = np.where(low & ~high, -1, 1).astype(np.int8)
    thresholds = first_firing(
        lambda sums: _fires(product, sums * directions),
        neurons=len(directions),
        greatest_sum=product.greatest_sum,
    )
    _check_step(product, thresholds, directions)
    if product.signs.ndim == 2:
        return FoldedLayer(product.signs, thresholds, directions)
    pool = product.stage.chain.pool
    if pool:
        _check_pooling(product, thresholds, directions)
    return FoldedConvolution(product.signs, thresholds, directions, pool)


def _outputs(product: Product, sums: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what the layer makes of sums of shape (probes, neurons), as the module computes."""
    values = product.values(sums.reshape(*sums.shape, *product.places), dtype=torch.float32)
    return product.stage.chain(values).double().numpy().reshape(sums.shape)


def _fires(product: Product, sums: NDArray[np.int64]) -> NDArray[np.bool_]:
    fires: NDArray[np.bool_] = _outputs(product, sums[np.newaxis])[0] >= 0
    return fires


def _check_step(
    product: Product, thresholds: NDArray[np.int64], directions: NDArray[np.int8]
) -> None:
    """Raise unless outputs are -1 below the threshold and +1 above; at it 0 is taken for +1."""
    greatest = product.greatest_sum
    even = np.linspace(-greatest, greatest, PROBES).astype(np.int64)
    near = thresholds + np.arange(-2, 3)[:, np.newaxis]
    sums = np.concatenate([np.repeat(even[:, np.newaxis], len(thresholds), axis=1), near])
    sums = sums.clip(-greatest, greatest).astype(np.int64)
    outputs = _outputs(product, np.multiply(sums, directions, dtype=np.int64))
    expected = np.where(sums >= thresholds, 1, -1)
    tie = (sums == thresholds) & (outputs == 0)
    wrong = ~(np.abs(outputs - expected) <= SIGN_TOLERANCE) & ~tie
    if wrong.any():
        raise InputError(
            f"{product.stage.name} is not followed by a sign: for "
            f"{np.count_nonzero(wrong.any(axis=0))} of its {len(thresholds)} outputs, found values "
            f"like {outputs[wrong][0]:.6g} before the next layer. Every output must be -1 below "
            "some sum and +1 from it on, or the other way round."
        )


def _check_pooling(
    product: Product, thresholds: NDArray[np.int64], directions: NDArray[np.int8]
) -> None:
    """Raise unless four outputs become +1 where any of them is, wherever the module pools."""
    greatest = product.greatest_sum
    one_fires = np.repeat((thresholds - 1)[:, np.newaxis], 4, axis=1)
    one_fires[:, 3] = thresholds
    sums = (one_fires * directions[:, np.newaxis]).reshape(1, -1, 2, 2)
    values = product.values(sums, dtype=torch.float32)
    pooled = product.stage.chain(values, pool=True).numpy().reshape(-1) >= 0
    steps = (-greatest < thresholds) & (thresholds <= greatest)
    refused = np.flatnonzero(steps & ~pooled)
    if refused.size:
        shown = ", ".join(map(str, refused[:5])) + (", ..." if refused.size > 5 else "")
        raise InputError(
            f"{product.stage.name} is pooled before a batch norm whose scale is negative, in "
            f"{refused.size} of its {len(thresholds)} filters (counted from 0: {shown}). A chip "
            "pools after the sign, which is the same for positive scales only: keep them positive "
            "in training, or pool after the sign."
        )


def _scores(product: Product) -> ScoreLayer:
    """Return the last layer; what follows its sums must be a straight line."""
    chain = product.stage.chain.in_double()
    greatest = product.greatest_sum
    even = np.linspace(-greatest, greatest, PROBES).astype(np.int64)
    sums = np.repeat(even[:, np.newaxis], len(product.signs), axis=1)
    scores = chain(product.values(sums, dtype=torch.float64)).numpy()
    offset = scores[PROBES // 2]
    scale = (scores[-1] - scores[0]) / (2 * greatest)
    line = sums * scale + offset
    if chain.pool or not np.allclose(scores, line, rtol=1e-9, atol=1e-9 * np.abs(scores).max()):
        raise InputError(
            f"{product.stage.name} is the last layer, but its scores are not scale * sum + offset; "
            "only batch norm, bias and softmax may follow it."
        )
    return ScoreLayer(product.signs, scale.astype(np.float32), offset.astype(np.float32))
