"""Training the way one would write it in PyTorch: autograd, float32, a coin for each weight."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch.nn import functional

from rramsim.network.folded.batch_norm import EPSILON
from rramsim.network.training.model import MOMENTUM


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
