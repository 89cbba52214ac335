"""The way one would write it in PyTorch: float32 weights, a coin for each, matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from rramsim.network.folded.fold import EPSILON
from rramsim.network.folded.network import FoldedConvolution, FoldedLayer, FoldedNetwork
from rramsim.network.training.model import MOMENTUM


class NaiveNetwork:
    """The network of `folded` as float32 tensors, with batch norm and sign after each product.

    Batch norm is that of PyTorch with the mean half below the threshold, which no sum can equal,
    so that its sign is exactly the comparison with the threshold.

    Parameters
    ----------
    folded : FoldedNetwork
    images : uint8 array, shape (images, inputs)
    """

    def __init__(self, folded: FoldedNetwork, images: NDArray[np.uint8]) -> None:
        self.weights = [torch.from_numpy(layer.signs).float() for layer in folded.layers]
        normed: list[FoldedConvolution | FoldedLayer] = [*folded.convolutions, *folded.hidden]
        self._norms = [_batch_norm(layer) for layer in normed]
        self._pools = [layer.pool for layer in folded.convolutions]
        self._image_shape = folded.image_shape or (folded.inputs,)
        self._scale = torch.from_numpy(folded.output.scale)
        self._offset = torch.from_numpy(folded.output.offset)
        self._pixels = torch.from_numpy(images)

    def with_coins(self, ber: float) -> list[torch.Tensor]:
        """Return the weights of a chip: one uniform number for each weight."""
        return [
            torch.where(torch.rand_like(weights) < ber, -weights, weights)
            for weights in self.weights
        ]

    def with_flips(self, flips: Sequence[NDArray[np.int64]]) -> list[torch.Tensor]:
        """Return the weights with the given flat positions negated."""
        flipped = [weights.clone() for weights in self.weights]
        for weights, positions in zip(flipped, flips, strict=True):
            weights.view(-1)[torch.from_numpy(positions)] *= -1
        return flipped

    @torch.inference_mode()
    def predictions(self, weights: Sequence[torch.Tensor], *, batch: int) -> NDArray[np.int64]:
        """Return the class of each image, computed for `batch` images at a time."""
        classes = []
        for start in range(0, len(self._pixels), batch):
            values = self._pixels[start : start + batch].float()
            values = values.reshape(-1, *self._image_shape)
            for number, (layer, norm) in enumerate(zip(weights, self._norms, strict=False)):
                sums = _product(values, layer)
                mean, one, scale, zero = norm
                values = functional.batch_norm(sums, mean, one, scale, zero, eps=0).sign()
                if number < len(self._pools) and self._pools[number]:
                    values = functional.max_pool2d(values, 2)
            scores = (values @ weights[-1].T) * self._scale + self._offset
            classes.append(scores.argmax(dim=1))
        return torch.cat(classes).numpy()


def _product(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    if weights.ndim == 4:
        return functional.conv2d(values, weights, padding=1)
    return values.flatten(1) @ weights.T


def _batch_norm(layer: FoldedConvolution | FoldedLayer) -> tuple[torch.Tensor, ...]:
    scale = torch.from_numpy(layer.directions).float()
    mean = scale * (torch.from_numpy(layer.thresholds).float() - 0.5)
    return mean, torch.ones_like(scale), scale, torch.zeros_like(scale)


class NaiveTraining:
    """A fully connected binarized network with Adam, trained in float32.

    It computes what rramsim's training computes, but for the order of additions: batch norm, sign
    activations with a straight-through estimator, latent weights in [-1, 1].

    Parameters
    ----------
    widths : sequence of int
        Inputs, neurons of each layer, classes.
    rates : sequence of float
        Adam's rate for each layer's weights, then the one for all batch norms.
    generator : torch.Generator
        Of the first weights.
    """

    def __init__(
        self, widths: Sequence[int], *, rates: Sequence[float], generator: torch.Generator
    ) -> None:
        self.latent = [
            (torch.rand(neurons, inputs, generator=generator) * 2 - 1).requires_grad_()
            for inputs, neurons in pairwise(widths)
        ]
        self.scales = [torch.ones(width, requires_grad=True) for width in widths[1:]]
        self.offsets = [torch.zeros(width, requires_grad=True) for width in widths[1:]]
        self._means = [torch.zeros(width) for width in widths[1:]]
        self._variances = [torch.ones(width) for width in widths[1:]]
        weights = [
            {"params": [latent], "lr": rate}
            for latent, rate in zip(self.latent, rates[:-1], strict=True)
        ]
        norms = {"params": [*self.scales, *self.offsets], "lr": rates[-1]}
        self._optimizer = torch.optim.Adam([*weights, norms])

    def step(self, pixels: torch.Tensor, labels: torch.Tensor, *, ber: float) -> float:
        """Do one iteration with fresh flips at the rate `ber`, and return its loss."""
        loss = functional.cross_entropy(self._scores(pixels, ber), labels)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        with torch.no_grad():
            for latent in self.latent:
                latent.clamp_(-1, 1)
        return loss.item()

    def _scores(self, pixels: torch.Tensor, ber: float) -> torch.Tensor:
        values = pixels.float()
        for number, latent in enumerate(self.latent):
            weights: torch.Tensor = FlippedSign.apply(latent, ber)  # type: ignore[no-untyped-call]
            values = functional.batch_norm(
                functional.linear(values, weights),
                self._means[number],
                self._variances[number],
                self.scales[number],
                self.offsets[number],
                training=True,
                momentum=MOMENTUM,
                eps=EPSILON,
            )
            if number < len(self.latent) - 1:
                values = _ActivationSign.apply(values)  # type: ignore[no-untyped-call]
        return values


class FlippedSign(torch.autograd.Function):
    """Signs, each flipped with a probability; the gradient passes as if there were neither."""

    @staticmethod
    def forward(context: Any, latent: torch.Tensor, ber: float) -> torch.Tensor:
        """Return the faulty signs."""
        signs = torch.where(latent >= 0, 1.0, -1.0)
        return torch.where(torch.rand_like(signs) < ber, -signs, signs) if ber else signs

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return the gradient of the signs."""
        return gradient, None


class _ActivationSign(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(values)
        return torch.where(values >= 0, 1.0, -1.0)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        (values,) = context.saved_tensors
        passed: torch.Tensor = gradient * (values.abs() <= 1)
        return passed
