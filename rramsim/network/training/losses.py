"""The losses that training brings down."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional

from rramsim.network.training.method import Method

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def loss_of(method: Method, *, inputs: int) -> Loss:
    """Return the loss of a method: from scores (images, classes) and labels to one number.

    Parameters
    ----------
    method : Method
    inputs : int
        Of the last layer, on which a margin that is not given depends.
    """
    if method.loss == "cross-entropy":
        return functional.cross_entropy
    with_margin = {
        "hinge": squared_hinge,
        "modified-hinge": modified_hinge,
        "margin-cross-entropy": margin_cross_entropy,
    }
    return partial(with_margin[method.loss], margin=method.margin_for(inputs))


def squared_hinge(scores: torch.Tensor, labels: torch.Tensor, *, margin: float) -> torch.Tensor:
    """Return the mean over images of the sum over classes of max(0, margin - t score)^2.

    t is +1 for the right class and -1 for the others (M. Courbariaux et al. 2016, arXiv
    1602.02830).

    Examples
    --------
    >>> scores, labels = torch.tensor([[0.5, -2.0]]), torch.tensor([0])
    >>> squared_hinge(scores, labels, margin=1.0).item()
    0.25
    """
    return _short_of(margin, scores, labels).square().sum(dim=1).mean()


def modified_hinge(scores: torch.Tensor, labels: torch.Tensor, *, margin: float) -> torch.Tensor:
    """Return the mean over images and classes of max(0, margin - t score) / margin.

    t is +1 for the right class and -1 for the others. The scores are the integer sums of the last
    layer, and a flip of one of its weights changes one of them by 2. So where the loss is 0, the
    right class leads every other by 2 margins or more, and it takes `margin` flips in the last
    layer or more to change the class.

    This is the modified hinge loss (MHL) of S. Buschjaeger et al., "Margin-Maximization in
    Binarized Neural Networks for Optimizing Bit Error Tolerance", DATE 2021. The mean over classes,
    the division by the margin, which makes it 1 where all scores are 0, and the usual margin of 128
    are those of public code of one of its authors (github.com/myay/SPICE-Torch).

    Parameters
    ----------
    scores : tensor, shape (images, classes)
        Sums of the last layer.
    labels : integer tensor, shape (images,)
    margin : float
        In units of the sums, above 0.

    Examples
    --------
    >>> scores, labels = torch.tensor([[32.0, -96.0]]), torch.tensor([0])
    >>> modified_hinge(scores, labels, margin=64.0).item()
    0.25
    """
    return _short_of(margin, scores, labels).mean() / margin


def margin_cross_entropy(
    scores: torch.Tensor, labels: torch.Tensor, *, margin: float
) -> torch.Tensor:
    """Return the cross-entropy of the softmax after the margin is taken off the right class.

    With the scores z and the right class y it is the mean over images of

        log(1 + sum over j != y of exp(z_j + margin - z_y)),

    so with a margin of 0 it is the cross-entropy, and with a margin m a class that leads by d costs
    as much as one that leads by d - m there.

    It is our reading of the margin cross-entropy loss (MCEL) of M. Yayla and A. Kumar, "MCEL:
    Margin-Based Cross-Entropy Loss for Error-Tolerant Quantized Neural Networks", 2026 (arXiv
    2603.05048): its abstract asks for a separation of the scores by a margin in place of the
    cross-entropy. Only the abstract was at hand, so their formula may differ.

    Parameters
    ----------
    scores : tensor, shape (images, classes)
        Batch-normed sums of the last layer.
    labels : integer tensor, shape (images,)
    margin : float
        In units of the scores.

    Examples
    --------
    >>> scores, labels = torch.tensor([[3.0, 1.0]]), torch.tensor([0])
    >>> f"{margin_cross_entropy(scores, labels, margin=2.0).item():.4f}"  # log 2
    '0.6931'
    """
    return functional.cross_entropy(scores - margin * _is_right(scores, labels), labels)


def _short_of(margin: float, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return max(0, margin - t score), t being +1 for the right class and -1 for the others."""
    signs = _is_right(scores, labels) * 2 - 1
    return (margin - signs * scores).clamp(min=0)


def _is_right(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return 1 for the right class and 0 for the others, shape (images, classes)."""
    right = labels[:, None] == torch.arange(scores.shape[1], device=scores.device)
    return right.to(scores.dtype)
