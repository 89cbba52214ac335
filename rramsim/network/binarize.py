"""Signs and how a gradient passes them (straight-through estimator).

M. Courbariaux, I. Hubara, D. Soudry, R. El-Yaniv, Y. Bengio, "Binarized Neural Networks: Training
Deep Neural Networks with Weights and Activations Constrained to +1 or -1", 2016
(arXiv 1602.02830).
"""

from collections.abc import Callable
from typing import Any

import torch


def sign(values: torch.Tensor) -> torch.Tensor:
    """Return -1 or +1 for each value, +1 for 0; the gradient passes where ``|value| <= 1``.

    Examples
    --------
    >>> values = torch.tensor([-2.0, -0.5, 0.0, 3.0], requires_grad=True)
    >>> sign(values).tolist()
    [-1.0, -1.0, 1.0, 1.0]
    >>> sign(values).sum().backward()
    >>> values.grad.tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    result: torch.Tensor = _Sign.apply(values)  # type: ignore[no-untyped-call]
    return result


def sign_of_weights(
    latent: torch.Tensor, flip: Callable[[torch.Tensor], torch.Tensor] | None = None
) -> torch.Tensor:
    """Return the sign weights W_err that a layer computes with, faults included.

    The gradient with respect to W_err goes to the real-valued latent weights as it is, as if
    there were neither sign nor fault between (T. Hirtzlin et al. 2019, arXiv 1904.03652, adapted
    training). Forward and backward pass both compute with the W_err returned here.

    Parameters
    ----------
    latent : tensor
        Real-valued weights in [-1, 1]; they are kept there, so the estimator's limit is met.
    flip : callable, optional
        From sign weights to sign weights of the same shape; it is handed a copy.
    """
    result: torch.Tensor = _FaultySign.apply(latent, flip)  # type: ignore[no-untyped-call]
    return result


def _signs(values: torch.Tensor) -> torch.Tensor:
    return (values >= 0).to(values.dtype).mul_(2).sub_(1)


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(values)
        return _signs(values)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        (values,) = context.saved_tensors
        passed: torch.Tensor = gradient * (values.abs() <= 1)
        return passed


class _FaultySign(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        latent: torch.Tensor,
        flip: Callable[[torch.Tensor], torch.Tensor] | None,
    ) -> torch.Tensor:
        signs = _signs(latent)
        return flip(signs) if flip else signs

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient, None
