"""The network as it is trained: real-valued latent weights, their signs, batch norm."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from rramsim.network.binarize import sign, sign_of_weights
from rramsim.network.definition import NetworkShape

Flip = Callable[[torch.Tensor], torch.Tensor]
"""Any function from sign weights to sign weights: the faults met in training."""

EPSILON = 1e-4
MOMENTUM = 0.1
"""Batch norm as in Courbariaux et al. 2016 (arXiv 1602.02830), in torch's sense of momentum."""


class BinarizedLayer(nn.Module):
    """Sign weights and batch norm: ``sums = inputs @ sign(latent).T``, then scale and offset.

    Parameters
    ----------
    inputs, neurons : int
        Shape of the layer; `latent` is (neurons, inputs), in [-1, 1].
    generator : torch.Generator
        Where the first latent weights come from, uniform in [-1, 1].
    """

    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(self, inputs: int, neurons: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.latent = nn.Parameter(torch.rand(neurons, inputs, generator=generator) * 2 - 1)
        self.gamma = nn.Parameter(torch.ones(neurons))
        self.beta = nn.Parameter(torch.zeros(neurons))
        self.register_buffer("mean", torch.zeros(neurons))
        self.register_buffer("variance", torch.ones(neurons))

    def forward(self, inputs: torch.Tensor, flip: Flip | None = None) -> torch.Tensor:
        """Return the batch-normed sums, shape (images, neurons)."""
        sums = functional.linear(inputs, sign_of_weights(self.latent, flip))
        if not self.training:
            scale, offset = self.affine()
            return sums * scale + offset
        return functional.batch_norm(
            sums, self.mean, self.variance, self.gamma, self.beta, True, MOMENTUM, EPSILON
        )

    def affine(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the batch norm of a trained layer as (scale, offset), each (neurons,).

        Multiplication and addition are two roundings to float32 here and in the folded network;
        torch's own batch norm may fuse them, and ties would then fall differently.
        """
        scale = self.gamma / torch.sqrt(self.variance + EPSILON)
        return scale, self.beta - self.mean * scale

    def sign_weights(self) -> NDArray[np.int8]:
        """Return the weights as cells hold them, int8 (neurons, inputs)."""
        return sign(self.latent.detach()).to(torch.int8).numpy()


class BinarizedNetwork(nn.Module):
    """A fully connected binarized network: layers with sign activations between.

    The inputs are the whole-number pixel values as float32; the first batch norm takes up their
    range. The scores are the batch-normed sums of the last layer, whose weights are signs too.
    """

    def __init__(self, shape: NetworkShape, *, generator: torch.Generator) -> None:
        super().__init__()
        self.layers: list[BinarizedLayer]
        layers = [BinarizedLayer(*layer, generator=generator) for layer in shape.layers]
        self.layers = nn.ModuleList(layers)  # type: ignore[assignment]
        self.shape = shape

    def forward(
        self,
        pixels: torch.Tensor,
        flip: Flip | None = None,
        drop: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Return class scores, shape (images, classes).

        Parameters
        ----------
        pixels : tensor, shape (images, inputs)
            Whole numbers as float32.
        flip : callable, optional
            From sign weights to sign weights, called once a layer.
        drop : callable, optional
            Dropout of hidden activations.
        """
        values = pixels
        for layer in self.layers[:-1]:
            values = sign(layer(values, flip))
            values = drop(values) if drop else values
        scores: torch.Tensor = self.layers[-1](values, flip)
        return scores

    @torch.no_grad()
    def predictions(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the class of each image, free of faults; of equal scores the first class wins."""
        was_training = self.training
        self.eval()
        scores: NDArray[np.float32] = self(torch.from_numpy(images.astype(np.float32))).numpy()
        self.train(was_training)
        best: NDArray[np.int64] = scores.argmax(axis=1)
        return best
