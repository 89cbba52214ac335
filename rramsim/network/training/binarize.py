"""Signs and how a gradient passes them (straight-through estimator).

M. Courbariaux, I. Hubara, D. Soudry, R. El-Yaniv, Y. Bengio, "Binarized Neural Networks: Training
Deep Neural Networks with Weights and Activations Constrained to +1 or -1", 2016
(arXiv 1602.02830).
"""

from typing import Any

import torch
from torch.nn import functional


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


def write_signs(latent: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """Write -1 or +1 for each latent weight into `out`, +1 for 0, and return it.

    `out` may be of a narrower kind of number than `latent`, which is not negative zero anywhere.
    """
    out.copy_(latent)
    # Memory is what this costs, so nothing is made in between.
    return torch.copysign(torch.ones((), dtype=out.dtype, device=out.device), out, out=out)


def weighted_sums(
    values: torch.Tensor,
    latent: torch.Tensor,
    *,
    weights: torch.Tensor,
    backward_weights: torch.Tensor,
    normed: bool = True,
) -> torch.Tensor:
    """Return the sums of a layer that computes with `weights`, the sign weights W_err.

    The gradient with respect to W_err goes to the real-valued latent weights as it is, as if
    there were neither sign nor fault between (T. Hirtzlin et al. 2019, arXiv 1904.03652, adapted
    training). It is written over ``latent.grad``, which spares an array of the size of the layer:
    so a layer serves one forward and one backward pass at a time.

    Where `normed`, batch norm follows, with the mean and the deviation of these images: then what
    comes back for a neuron sums to 0 over images (and places), and the mean of an input changes no
    gradient. So inputs enter less their means. In real arithmetic nothing changes; in arithmetic
    that rounds, an input that is the same in all images has a gradient of exactly 0. Its rounding
    errors would have one sign in all of its weights of a neuron, and Adam would make steps of full
    size of them.

    Parameters
    ----------
    values : tensor, shape (images, inputs) or (images, channels, height, width)
        Inputs, of the same kind of number as `weights`.
    latent : tensor, shape (neurons, inputs) or (filters, channels, 3, 3)
        Real-valued weights.
    weights : tensor, shape of `latent`
        What the forward pass multiplies by.
    backward_weights : tensor, shape of `latent`
        What the gradient with respect to `values` is computed with: `weights`, as in the paper.
    normed : bool
        Whether the sums go to a batch norm that passes the gradient of its mean and deviation.

    Returns
    -------
    tensor, shape (images, neurons) or (images, filters, height, width)
        Of the kind of number of `values`. In bfloat16 sums beyond 256 are rounded to 8 bits.
    """
    result: torch.Tensor = _WeightedSums.apply(  # type: ignore[no-untyped-call]
        values, latent, weights, backward_weights, normed
    )
    return result


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(values)
        # Adding 0 makes a negative zero a positive one.
        result = values + 0.0
        return torch.copysign(
            torch.ones((), dtype=values.dtype, device=values.device), result, out=result
        )

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        (values,) = context.saved_tensors
        # It passes between the limits, without them, so these are the numbers next to -1 and 1.
        limit = 1 + torch.finfo(values.dtype).eps
        passed: torch.Tensor = torch.ops.aten.hardtanh_backward(gradient, values, -limit, limit)
        return passed


class _WeightedSums(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        values: torch.Tensor,
        latent: torch.Tensor,
        weights: torch.Tensor,
        backward_weights: torch.Tensor,
        normed: bool,
    ) -> torch.Tensor:
        context.save_for_backward(values, latent, backward_weights)
        context.normed = normed
        if values.ndim == 4:
            return functional.conv2d(values, weights, padding=1)
        return values @ weights.T

    @staticmethod
    def backward(
        context: Any, gradient: torch.Tensor
    ) -> tuple[torch.Tensor | None, None, None, None, None]:
        values, latent, weights = context.saved_tensors
        back, needed = None, context.needs_input_grad[0]
        if latent.grad is None:
            latent.grad = torch.empty_like(latent)
        inputs, border = values, 1
        if context.normed:
            inputs, border = _less_means(values), 0
        if values.ndim == 4:
            back, change = _convolution_gradients(
                gradient, values, inputs, weights, border=border, needed=needed
            )
            latent.grad.copy_(change)
        else:
            back = gradient @ weights if needed else None
            latent.grad.copy_(gradient.T @ inputs)
        return back, None, None, None, None


def _less_means(values: torch.Tensor) -> torch.Tensor:
    """Return each input less its mean over images, each channel less that over its places, too.

    A channel comes with a border of one place, where it is 0 before its mean is taken off. An input
    that is the same in all images is exactly 0 then, as long as its sum is exact in float32: that
    of 65,000 pixels of 8 bits is.
    """
    over, count = [0], len(values)
    if values.ndim == 4:
        over, count = [0, 2, 3], values.numel() // values.shape[1]
    means = values.sum(over, keepdim=True, dtype=torch.float32) / count
    if values.ndim == 4:
        values = functional.pad(values, (1, 1, 1, 1))
    return values - means.to(values.dtype)


def _convolution_gradients(
    gradient: torch.Tensor,
    values: torch.Tensor,
    inputs: torch.Tensor,
    weights: torch.Tensor,
    *,
    border: int,
    needed: bool,
) -> tuple[torch.Tensor | None, torch.Tensor]:
    """Return the gradients to `values`, where needed, and to the weights, of `inputs`."""

    def backward(of: torch.Tensor, padding: int, *which: bool) -> list[torch.Tensor | None]:
        places = [1, 1], [padding, padding], [1, 1], False, [0, 0], 1
        found: list[torch.Tensor | None] = torch.ops.aten.convolution_backward(
            gradient, of, weights, None, *places, [*which, False]
        )
        return found

    if border:
        # One call for both, on the values themselves, keeps their order in memory.
        back, change, _ = backward(values, border, needed, True)
    else:
        back = backward(values, 1, True, False)[0] if needed else None
        change = backward(inputs, 0, False, True)[1]
    assert change is not None
    return back, change
