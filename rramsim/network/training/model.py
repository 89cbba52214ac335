"""The network as it is trained: real-valued latent weights, their signs, batch norm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from rramsim.network.folded.fold import (
    EPSILON,
    BatchNorm,
    fold_layers,
)
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.folded.sums import first_inputs
from rramsim.network.shape import NetworkShape
from rramsim.network.training.binarize import sign, weighted_sums, write_signs

Flip = Callable[[torch.Tensor, int], torch.Tensor]
"""From the sign weights of a layer, and its number, to what is read: the faults of one chip."""

Drop = Callable[[torch.Tensor, int], torch.Tensor]
"""From the inputs of a layer, and its number, to what dropout leaves of them."""


MOMENTUM = 0.1
"""Of batch norm, as in Courbariaux et al. 2016 (arXiv 1602.02830), in torch's sense."""


LEAST_SCALE = 1e-4
"""Least gamma of filters whose sums are pooled.

Pooling takes the greatest sum before batch norm; the chip takes the greatest output after the
sign. The two are the same as long as the output rises with the sum."""


class BinarizedLayer(nn.Module):
    """Sign weights and batch norm: neurons of a fully connected layer, or filters of 3 x 3.

    Parameters
    ----------
    shape : tuple of int
        Of the weights: (neurons, inputs) or (filters, channels, 3, 3).
    pool : bool
        Whether the greatest of 2 x 2 sums goes on to batch norm.
    normed : bool
        Whether there is a batch norm; without, the sums are what the layer returns.
    dtype : torch.dtype
        What training computes sums with. Signs are exact in any; float32 keeps all sums exact.
    generator : torch.Generator
        Where the first latent weights come from, uniform in [-1, 1].
    """

    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        pool: bool = False,
        normed: bool = True,
        dtype: torch.dtype = torch.float32,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.latent = nn.Parameter(torch.rand(shape, generator=generator) * 2 - 1)
        if normed:
            self.gamma = nn.Parameter(torch.ones(shape[0]))
            self.beta = nn.Parameter(torch.zeros(shape[0]))
            self.register_buffer("mean", torch.zeros(shape[0]))
            self.register_buffer("variance", torch.ones(shape[0]))
        self.pool, self.normed = pool, normed
        self.dtype = dtype
        # Written anew in each iteration: making large arrays costs more than filling them.
        self._signs: dict[bool, torch.Tensor] = {}

    def forward(
        self,
        inputs: torch.Tensor,
        flip: Callable[[torch.Tensor], torch.Tensor] | None = None,
        *,
        straight_through: bool = False,
        batch_norm_gradient: bool = True,
    ) -> torch.Tensor:
        """Return the batch-normed sums, shape (images, neurons) or that of an image's outputs.

        Without batch norm they are the sums themselves. See `BinarizedNetwork.forward`.
        """
        if not self.training:
            return self._trained(inputs, flip)
        weights = self._written(faulty=flip is not None)
        clean = self._written(faulty=False) if flip and straight_through else weights
        weights = flip(weights) if flip else weights
        backward_weights = clean if straight_through else weights
        sums = weighted_sums(
            inputs.to(self.dtype),
            self.latent,
            weights=weights,
            backward_weights=backward_weights,
            normed=self.normed and batch_norm_gradient,
        )
        sums = functional.max_pool2d(sums, 2) if self.pool else sums
        if not self.normed:
            return sums
        if not batch_norm_gradient:
            return self._normed_by_constants(sums)
        norms = self.mean, self.variance, self.gamma, self.beta
        return functional.batch_norm(sums, *norms, True, MOMENTUM, EPSILON)

    def _normed_by_constants(self, sums: torch.Tensor) -> torch.Tensor:
        """Return the same, with the mean and the deviation of the images taken as constants."""
        over = [0] if sums.ndim == 2 else [0, 2, 3]
        found = sums.detach().float()
        variance, mean = torch.var_mean(found, over, correction=0)
        count = found.numel() // len(mean)
        self.mean.lerp_(mean, MOMENTUM)
        # As torch keeps it: the variance of the population that the images are a sample of.
        self.variance.lerp_(variance * (count / (count - 1)), MOMENTUM)
        shape = (-1, *[1] * (sums.ndim - 2))
        scale = self.gamma / (variance + EPSILON).sqrt()
        normed = (sums - mean.view(shape)) * scale.view(shape) + self.beta.view(shape)
        return normed.to(sums.dtype)

    def batch_norm(self) -> BatchNorm:
        """Return a copy of the batch norm as it is."""
        norms = (self.gamma, self.beta, self.mean, self.variance)
        return BatchNorm(*(tensor.detach().cpu().numpy().copy() for tensor in norms))

    def sign_weights(self) -> NDArray[np.int8]:
        """Return the weights as cells hold them, int8, in their shape."""
        return sign(self.latent.detach()).to(torch.int8).cpu().numpy()

    @torch.no_grad()
    def confine(self) -> None:
        """Keep the latent weights in [-1, 1] and a pooled layer's scale above 0."""
        self.latent.clamp_(-1, 1)
        if self.pool:
            self.gamma.clamp_(min=LEAST_SCALE)

    def _written(self, *, faulty: bool) -> torch.Tensor:
        latent = self.latent.detach()
        if faulty not in self._signs or self._signs[faulty].device != latent.device:
            self._signs[faulty] = torch.empty_like(latent, dtype=self.dtype)
        return write_signs(latent, self._signs[faulty])

    def _trained(
        self, inputs: torch.Tensor, flip: Callable[[torch.Tensor], torch.Tensor] | None
    ) -> torch.Tensor:
        weights = sign(self.latent.detach())
        weights = flip(weights) if flip else weights
        convolution = self.latent.ndim == 4
        sums = functional.conv2d(inputs, weights, padding=1) if convolution else inputs @ weights.T
        sums = functional.max_pool2d(sums, 2) if self.pool else sums
        if not self.normed:
            return sums
        shape = (-1, 1, 1) if convolution else (-1,)
        scale, offset = (torch.from_numpy(array) for array in self.batch_norm().affine())
        return sums * scale.to(sums.device).view(shape) + offset.to(sums.device).view(shape)


class BinarizedNetwork(nn.Module):
    """A binarized network: convolutions, then fully connected layers, sign activations between.

    The inputs are the whole-number pixel values as float32, or twice these less the greatest one
    (`NetworkShape.signed_levels`); the first batch norm takes up their range. The scores are the
    batch-normed sums of the last layer, whose weights are signs too, or these sums as they are.

    Parameters
    ----------
    shape : NetworkShape
    generator : torch.Generator
        Of the first weights.
    dtype : torch.dtype
        See `BinarizedLayer`.
    normed_scores : bool
        Whether the last layer has a batch norm.
    """

    def __init__(
        self,
        shape: NetworkShape,
        *,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
        normed_scores: bool = True,
    ) -> None:
        super().__init__()
        self.layers: list[BinarizedLayer]
        pooled = [layer.pool for layer in shape.convolutions] + [False] * len(shape.layers)
        normed = [True] * (len(pooled) - 1) + [normed_scores]
        layers = [
            BinarizedLayer(form, pool=pool, normed=norm, dtype=dtype, generator=generator)
            for form, pool, norm in zip(shape.weight_shapes, pooled, normed, strict=True)
        ]
        # Scores are computed from exact sums.
        layers[-1].dtype = torch.float32
        self.layers = nn.ModuleList(layers)  # type: ignore[assignment]
        self.shape = shape

    def forward(
        self,
        pixels: torch.Tensor,
        flip: Flip | None = None,
        drop: Drop | None = None,
        *,
        straight_through: bool = False,
        batch_norm_gradient: bool = True,
    ) -> torch.Tensor:
        """Return class scores, shape (images, classes).

        Parameters
        ----------
        pixels : tensor, shape (images, inputs)
            Whole numbers as float32, from 0.
        flip : callable, optional
            From sign weights to sign weights, called once a layer with the layer's number; it may
            change what it is handed.
        drop : callable, optional
            Dropout, of inputs too: from values, and the number of the layer they go to, to what
            is left of them.
        straight_through : bool
            Whether gradients pass a layer by its weights without flips, as if there were none;
            otherwise by those that were read (W_err), as in the paper.
        batch_norm_gradient : bool
            Whether gradients pass the mean and the deviation of batch norm.
        """
        values = first_inputs(pixels, self.shape)
        if self.shape.image_shape:
            values = values.contiguous(memory_format=torch.channels_last)
        for number, layer in enumerate(self.layers):
            faults = _of_layer(flip, number)
            if number == len(self.shape.convolutions):
                values = values.flatten(1)
            values = drop(values, number) if drop else values
            values = layer(
                values,
                faults,
                straight_through=straight_through,
                batch_norm_gradient=batch_norm_gradient,
            )
            values = sign(values) if number < len(self.layers) - 1 else values
        return values

    def batch_norms(self) -> tuple[BatchNorm, ...]:
        """Return a copy of the batch norm of each layer; the last one may have none."""
        return tuple(layer.batch_norm() for layer in self.layers if layer.normed)

    @torch.no_grad()
    def predictions(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the class of each image, free of faults; of equal scores the first class wins."""
        was_training = self.training
        self.eval()
        scores: NDArray[np.float32] = self(torch.from_numpy(images.astype(np.float32))).numpy()
        self.train(was_training)
        best: NDArray[np.int64] = scores.argmax(axis=1)
        return best


def _of_layer(flip: Flip | None, number: int) -> Callable[[torch.Tensor], torch.Tensor] | None:
    return None if flip is None else lambda signs: flip(signs, number)


def fold(network: BinarizedNetwork) -> FoldedNetwork:
    """Fold a trained network; its predictions stay the same to the last tie.

    Raises
    ------
    InputError
        If the batch norm holds values that are not finite (a training that diverged), or a layer
        is so wide that its sums are not exact in float32.
    """
    signs = [layer.sign_weights() for layer in network.layers]
    pools = [layer.pool for layer in network.layers]
    shape = network.shape
    return fold_layers(
        signs,
        network.batch_norms(),
        pools=pools,
        image_shape=shape.image_shape,
        signed_levels=shape.signed_levels,
    )
