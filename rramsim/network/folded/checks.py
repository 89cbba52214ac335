"""Whether a network can be computed exactly: its batch norm, its sums, and the images it is for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.network.folded.network import FoldedNetwork

EXACT_LIMIT = 2**24
"""Whole numbers up to here are exact in float32, and so are sums that stay below."""


def check_exact(greatest_sum: int) -> None:
    """Raise `InputError` where sums up to `greatest_sum` would not be exact in float32."""
    if greatest_sum >= EXACT_LIMIT:
        raise InputError(
            f"A layer whose sums reach {greatest_sum} cannot be computed exactly in float32 "
            f"(limit {EXACT_LIMIT}); use fewer inputs or smaller pixel values."
        )


def check_finite(scale: NDArray[np.float32], offset: NDArray[np.float32]) -> None:
    """Raise `InputError` where a batch norm holds values that are not finite."""
    if not (np.isfinite(scale).all() and np.isfinite(offset).all()):
        raise InputError(
            "The batch norm of the network holds values that are not finite: its training "
            "diverged. Train it with a lower learning rate."
        )


def check_fresh_reads(folded: FoldedNetwork, device: str) -> None:
    """Raise `InputError` where cells that are read anew for every image cannot be scored."""
    if folded.convolutions:
        raise InputError(
            f"{folded}: read noise that is fresh at every image is scored for fully connected "
            "networks only, since a cell of a convolution is read once for each place of an "
            "image. Accepted is frozen noise."
        )
    if device != "cpu":
        raise InputError(
            "read noise that is fresh at every image is scored by the packed engine only; accepted "
            "is the device cpu, or frozen noise."
        )


def check_scores(
    scale: NDArray[np.floating], offset: NDArray[np.floating], greatest_sum: int
) -> None:
    """Raise `InputError` where ``sum * scale + offset`` can leave the numbers of float32."""
    with np.errstate(over="ignore"):
        greatest = (np.abs(scale.astype(np.float64)) * greatest_sum + np.abs(offset)).max()
    if not greatest <= np.finfo(np.float32).max:
        raise InputError(
            f"The last layer has scores up to {greatest:.3g}, beyond the numbers of float32 "
            f"({np.finfo(np.float32).max:.3g}); divide its scale and offset by one number, which "
            "leaves the classes as they are."
        )


def check_scored(
    folded: FoldedNetwork, images: NDArray[np.uint8], labels: NDArray[np.integer]
) -> None:
    """Raise `InputError` or `ValueError` where a network cannot be scored on images exactly."""
    check_inputs(folded, images)
    if labels.shape != images.shape[:1]:
        raise ValueError(f"labels are {images.shape[:1]}, found {labels.shape}")


def check_inputs(folded: FoldedNetwork, images: NDArray[np.uint8]) -> None:
    """Raise `InputError` where images do not fit a network, or sums could not be exact."""
    if images.ndim != 2 or images.shape[1] != folded.inputs:
        raise InputError(
            f"The network has {folded.inputs} inputs, but the images have "
            f"{' x '.join(map(str, images.shape[1:]))} pixels; score it on images "
            "like those it was trained with."
        )
    fan_in = [layer.matrix.shape[1] for layer in folded.layers]
    fan_in[-1] *= math.prod(folded.output.average)
    greatest = int(images.max(initial=0))
    if folded.signed_levels is not None and greatest > folded.signed_levels:
        raise InputError(
            f"The network takes pixels up to {folded.signed_levels}, but the images hold "
            f"{greatest}; score it on images like those it was trained with."
        )
    check_exact(fan_in[0] * max(1, folded.signed_levels or greatest))
    check_exact(max(fan_in))
    greatest_sum = fan_in[-1] * (max(1, greatest) if len(fan_in) == 1 else 1)
    check_scores(folded.output.scale, folded.output.offset, greatest_sum)
