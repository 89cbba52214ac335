"""The losses that training brings down."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional

from rramsim.network.training.method import Method

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def loss_of(method: Method) -> Loss:
    """Return the loss of a method: from scores (images, classes) and labels to one number."""
    if method.loss == "hinge":
        return partial(squared_hinge, margin=method.margin)
    return functional.cross_entropy


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
    right = labels[:, None] == torch.arange(scores.shape[1], device=scores.device)
    signs = right.to(scores.dtype) * 2 - 1
    return (margin - signs * scores).clamp(min=0).square().sum(dim=1).mean()
