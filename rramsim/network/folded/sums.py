"""The sums of a folded network in torch: exact, in batches that fit into memory."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional

from rramsim.bits import Flips, positions_of
from rramsim.errors import InputError
from rramsim.network.folded.network import FoldedConvolution, FoldedNetwork, Layer, ScoreLayer
from rramsim.network.shape import NetworkShape

BATCH_IMAGES = 1000
"""Images worked on at once: more do not fit a processor's cache and are slower."""


BATCH_BYTES = 1 << 29
"""Fewer images are, where what a convolution multiplies would take more memory than this."""


def check_device(device: str) -> None:
    """Raise `InputError` where torch does not have this device (``"cpu"`` or ``"cuda"``)."""
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise InputError(
            f"--device {device}: torch finds no CUDA graphics processor here (torch "
            f"{torch.__version__}). Use --device cpu, which gives the same results, or install "
            "torch with CUDA where there is one."
        )


def first_inputs(pixels: torch.Tensor, network: FoldedNetwork | NetworkShape) -> torch.Tensor:
    """Return what the first layer takes, as float32, from pixels of shape (images, inputs)."""
    values = pixels.float()
    if network.signed_levels is not None:
        values = values * 2 - network.signed_levels
    return values.reshape(-1, *network.image_shape) if network.image_shape else values


def exact_sums(layer: Layer, values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the sums of a layer, (images, neurons) or (images, filters, height, width).

    `weights` is (neurons, inputs), as `matrix` of the layer. A convolution is a matrix product
    here: torch's own may go by a fast algorithm that rounds.
    """
    if isinstance(layer, ScoreLayer) and layer.average != (1, 1):
        values = functional.avg_pool2d(values, layer.average, divisor_override=1)
        # TF32, which a graphics processor may multiply by, holds whole numbers up to 2048 only.
        return (values.flatten(1).double() @ weights.T.double()).float()
    if not isinstance(layer, FoldedConvolution):
        return values.flatten(1) @ weights.T
    around = functional.unfold(
        values, kernel_size=layer.kernel, padding=layer.padding, stride=layer.stride
    )
    height, width = layer.sums_size(values.shape[2], values.shape[3])
    return (weights @ around).view(len(values), -1, height, width)


def pooled(layer: Layer, outputs: torch.Tensor) -> torch.Tensor:
    """Return the outputs of a hidden layer, -1 and +1, as the next layer takes them."""
    if not isinstance(layer, FoldedConvolution) or not layer.pool:
        return outputs
    if layer.pool_all is None:
        return functional.max_pool2d(outputs, 2)
    turned = torch.from_numpy(np.where(layer.pool_all, np.float32(-1), np.float32(1)))
    turned = turned.to(outputs.device).view(-1, 1, 1)
    return functional.max_pool2d(outputs * turned, 2) * turned


def batch_images(folded: FoldedNetwork) -> int:
    """Return how many images of a network are worked on at once."""
    sizes = zip(folded.convolutions, folded.sizes, strict=False)
    places = [(layer, math.prod(layer.sums_size(*size))) for layer, size in sizes]
    largest = max((4 * layer.matrix.shape[1] * count for layer, count in places), default=1)
    return max(1, min(BATCH_IMAGES, BATCH_BYTES // largest))


def flipped(weights: torch.Tensor, flips: Flips) -> torch.Tensor:
    """Return the weights of a layer, (neurons, inputs), with `flips` (see `Evaluator`) negated."""
    positions = (
        flips.astype(np.int64, copy=False)
        if flips.ndim == 1
        else positions_of(flips.astype(np.uint64, copy=False), columns=weights.shape[1])
    )
    if not positions.size:
        return weights
    if positions.min() < 0 or positions.max() >= weights.numel():
        raise ValueError(f"positions lie in 0..{weights.numel() - 1}")
    flipped = weights.clone()
    index = torch.from_numpy(positions).to(weights.device)
    flat = flipped.view(-1)
    flat[index] = -flat[index]
    return flipped
