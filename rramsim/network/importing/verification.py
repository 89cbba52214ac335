"""Does the folded network compute what the module does, layer by layer and bit for bit?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.images.image_set import ImageSet
from rramsim.network.folded.network import FoldedConvolution, FoldedLayer, Layer, ScoreLayer
from rramsim.network.folded.sums import exact_sums
from rramsim.network.importing.averaging import Averaging
from rramsim.network.importing.operations import BATCH
from rramsim.network.importing.probes import SIGN_TOLERANCE, Product, Steps, pooled

IMAGES = 64
"""Test images that are followed through both, and as many random ones."""

SUM_TOLERANCE = 1e-5
"""Of the greatest sum: how far the module's own sums may lie from exact ones (float32)."""


def check_layers(
    layers: Sequence[Layer],
    products: Sequence[Product],
    levels: Sequence[float],
    first: torch.Tensor,
    pixels: torch.Tensor,
    *,
    averaging: Averaging | None = None,
) -> None:
    """Raise `InputError` where a layer gives other outputs than the module's.

    Each layer is given the module's own outputs of the one before. Where the module's sums are
    whole numbers, each output must be the same; where they are rounded, as for pixels times 1 /
    255, each whose sum is not next to the threshold.

    Parameters
    ----------
    layers : sequence of layers
        Of the folded network.
    products : sequence of Product
        Of the module.
    levels : sequence of float
        What its hidden layers write for +1.
    first, pixels : tensor, shape (BATCH, ...)
        What enters the module's first layer, and the pixels themselves.
    averaging : Averaging, optional
        What the module does with signs before its last layer.
    """
    values, whole = first, pixels
    for layer, product, level in zip(layers, products, [*levels, 1.0], strict=True):
        matrix = torch.from_numpy(layer.matrix).float()
        sums = exact_sums(layer, whole, matrix).to(torch.int64).numpy()
        given = product.stage.product(values)
        rounded = _rounded(product, given, sums)
        if isinstance(layer, ScoreLayer):
            return
        outputs = product.stage.chain(given).reshape(BATCH, *product.outputs_shape).numpy()
        steps = Steps(layer.thresholds, layer.directions, _pool_all(layer), level)
        _check_outputs(product, steps, outputs, sums, rounded)
        signs = torch.from_numpy(np.where(outputs >= 0, np.float32(1), np.float32(-1)))
        whole = signs if layer.signs.ndim == 4 else signs.flatten(1)
        values = (signs * level).reshape(product.stage.chain.end.meta["val"].shape)
        if averaging and layer is layers[-2]:
            values = averaging(values)


def _pool_all(layer: FoldedConvolution | FoldedLayer) -> NDArray[np.bool_]:
    found = layer.pool_all if isinstance(layer, FoldedConvolution) else None
    return np.zeros(len(layer.signs), dtype=np.bool_) if found is None else found


def followed_images(images: ImageSet) -> NDArray[np.uint8]:
    """Return some test images and as many random ones, a whole number of batches."""
    numbers = np.linspace(0, len(images.test_images) - 1, IMAGES).astype(int)
    shape = (IMAGES, images.features)
    noise = np.random.default_rng(2).integers(0, images.levels + 1, shape).astype(np.uint8)
    return np.concatenate([images.test_images[numbers], noise])


def _rounded(product: Product, given: torch.Tensor, sums: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where the module's sums are not exact; raise where they are not near."""
    exact = product.values(sums)
    by_neuron = (-1, *[1] * (sums.ndim - 2))
    size = np.abs(product.slope) * product.greatest_sum + np.abs(product.at_zero)
    if product.stage.bias is not None:
        size = size + product.stage.bias.abs().double().numpy()
    away = (given - exact).abs().double().numpy() > SUM_TOLERANCE * size.reshape(by_neuron)
    if away.any():
        raise InputError(
            f"{product.stage.name}: {np.count_nonzero(away)} of {away.size} sums are not those of "
            f"its sign weights (found {given.numpy()[away][0]:.6g}, expected "
            f"{exact.numpy()[away][0]:.6g}); what the layer computes cannot be mapped."
        )
    differs: NDArray[np.bool_] = (given != exact).numpy()
    return differs


def _check_outputs(
    product: Product,
    steps: Steps,
    outputs: NDArray[np.float32],
    sums: NDArray[np.int64],
    rounded: NDArray[np.bool_],
) -> None:
    by_neuron = (-1, *[1] * (sums.ndim - 2))
    thresholds, directions = (
        array.reshape(by_neuron) for array in (steps.thresholds, steps.directions)
    )
    above = sums * directions - thresholds
    expected = np.where(pooled(product, above >= 0, steps.pool_all), steps.level, -steps.level)
    near = np.abs(above + 0.5) <= 0.5 + SUM_TOLERANCE * product.greatest_sum
    undecided = pooled(product, rounded & near, np.zeros_like(steps.pool_all))
    wrong = (np.abs(outputs - expected) > SIGN_TOLERANCE * steps.level) & ~undecided
    if wrong.any():
        found = outputs[wrong][0]
        cause = (
            " The sign of 0 is 0 there (torch.sign), where a chip gives +1: use x >= 0."
            if (outputs[wrong] == 0).all()
            else ""
        )
        raise InputError(
            f"{product.stage.name}: {np.count_nonzero(wrong)} of {wrong.size} outputs on "
            f"{BATCH} images are not those of the folded network (found {found:.6g}, expected "
            f"{expected[wrong][0]:g}).{cause}"
        )
