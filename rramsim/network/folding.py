"""Batch norm folded into integer thresholds: the network as a chip holds it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError

if TYPE_CHECKING:
    from rramsim.network.model import BinarizedLayer, BinarizedNetwork

PIXEL_LIMIT = 255
"""Greatest value of an input: pixels are bytes."""

EXACT_LIMIT = 2**24
"""Whole numbers up to here are exact in float32, and so are sums that stay below."""


@dataclass(frozen=True, eq=False)
class FoldedLayer:
    """A hidden layer: a neuron gives +1 where ``direction * sum >= threshold``, else -1.

    ``sum`` is the integer ``signs @ inputs``. The inputs are pixels in the first layer and -1 or
    +1 in the others. There, with n inputs and P = POPCOUNT(XNOR(W, X)) the number of inputs that
    agree with their weight, ``sum = 2 P - n``; so a neuron of direction +1 fires where

        P > T,  T = ceil((threshold + n) / 2) - 1,

    the form A = POPCOUNT(XNOR(W, X)) > T of T. Hirtzlin et al. 2019 (arXiv 1904.03652). Direction
    -1 stands for a negative batch-norm scale: the neuron fires where ``2 P - n <= -threshold``.
    The signs are never negated for it: they are what the cells hold, +1 in HRS and -1 in LRS.

    Attributes
    ----------
    signs : int8 array, shape (neurons, inputs)
        Weights, -1 or +1.
    thresholds : int64 array, shape (neurons,)
        Least ``direction * sum`` that fires. A neuron that always or never fires has one at or
        beyond the ends of the sums that can occur.
    directions : int8 array, shape (neurons,)
        +1, or -1 where the output falls as the sum rises.
    """

    signs: NDArray[np.int8]
    thresholds: NDArray[np.int64]
    directions: NDArray[np.int8]

    def __post_init__(self) -> None:
        _check_signs(self.signs)
        neurons = (self.signs.shape[0],)
        _check_form("thresholds", self.thresholds, np.int64, neurons)
        _check_form("directions", self.directions, np.int8, neurons)
        if not np.isin(self.directions, (-1, 1)).all():
            raise ValueError("directions are -1 or +1")


@dataclass(frozen=True, eq=False)
class ScoreLayer:
    """The last layer: class scores ``sum * scale + offset`` in float32, the greatest one wins.

    Of equal scores the first class wins.

    Attributes
    ----------
    signs : int8 array, shape (classes, inputs)
        Weights, -1 or +1.
    scale, offset : float32 array, shape (classes,)
        The batch norm of each class.
    """

    signs: NDArray[np.int8]
    scale: NDArray[np.float32]
    offset: NDArray[np.float32]

    def __post_init__(self) -> None:
        _check_signs(self.signs)
        _check_form("scale", self.scale, np.float32, (self.signs.shape[0],))
        _check_form("offset", self.offset, np.float32, (self.signs.shape[0],))


@dataclass(frozen=True, eq=False)
class FoldedNetwork:
    """A binarized network as a chip holds it: sign weights, integer thresholds, class scores.

    Attributes
    ----------
    layers : tuple of FoldedLayer, the last a ScoreLayer
        From the input on; the outputs of one are the inputs of the next.
    """

    layers: tuple[FoldedLayer | ScoreLayer, ...]

    def __post_init__(self) -> None:
        if not self.layers or not isinstance(self.layers[-1], ScoreLayer):
            raise ValueError("the last layer is a ScoreLayer")
        if len(self.hidden) != len(self.layers) - 1:
            raise ValueError("all layers but the last are a FoldedLayer")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if before.signs.shape[0] != after.signs.shape[1]:
                raise ValueError(f"{before.signs.shape} does not lead into {after.signs.shape}")

    @property
    def hidden(self) -> tuple[FoldedLayer, ...]:
        """All layers but the last."""
        return tuple(layer for layer in self.layers if isinstance(layer, FoldedLayer))

    @property
    def output(self) -> ScoreLayer:
        """The last layer."""
        last = self.layers[-1]
        assert isinstance(last, ScoreLayer)
        return last

    @property
    def widths(self) -> tuple[int, ...]:
        """Inputs of the network, then the neurons of each layer."""
        return (self.layers[0].signs.shape[1], *(layer.signs.shape[0] for layer in self.layers))

    @property
    def weight_count(self) -> int:
        """Binary weights in all layers, one RRAM cell each (1T1R)."""
        return sum(layer.signs.size for layer in self.layers)

    @property
    def hrs_count(self) -> int:
        """Weights of +1, which are the cells in HRS."""
        return sum(int(np.count_nonzero(layer.signs > 0)) for layer in self.layers)

    @property
    def hrs_share(self) -> float:
        """Share of the weights that are +1."""
        return self.hrs_count / self.weight_count

    @cached_property
    def content_id(self) -> str:
        """SHA-256 (hexadecimal) of every array of every layer."""
        digest = hashlib.sha256()
        for layer in self.layers:
            for name, array in vars(layer).items():
                digest.update(f"{name} {array.shape} {array.dtype.newbyteorder('<').str}".encode())
                digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()


def fold(network: BinarizedNetwork) -> FoldedNetwork:
    """Fold a trained network; its predictions stay the same to the last tie.

    The batch norm of a hidden neuron, ``sum * scale + offset`` rounded to float32 at each step, is
    monotone in the integer ``sum``, since rounding is. The threshold is found by bisection on that
    very expression, not by dividing, so no rounding can move it.

    Raises
    ------
    InputError
        If the batch norm holds values that are not finite (a training that diverged), or a layer
        is so wide that its sums are not exact in float32.
    """
    layers: list[FoldedLayer | ScoreLayer] = []
    for number, layer in enumerate(network.layers):
        greatest_sum = layer.latent.shape[1] * (PIXEL_LIMIT if number == 0 else 1)
        check_exact(greatest_sum)
        if number == len(network.layers) - 1:
            layers.append(_score_layer(layer))
        else:
            layers.append(_hidden_layer(layer, greatest_sum))
    return FoldedNetwork(tuple(layers))


def check_exact(greatest_sum: int) -> None:
    """Raise `InputError` where sums up to `greatest_sum` would not be exact in float32."""
    if greatest_sum >= EXACT_LIMIT:
        raise InputError(
            f"A layer whose sums reach {greatest_sum} cannot be computed exactly in float32 "
            f"(limit {EXACT_LIMIT}); use fewer inputs or smaller pixel values."
        )


def _score_layer(layer: BinarizedLayer) -> ScoreLayer:
    scale, offset = _affine(layer)
    return ScoreLayer(signs=layer.sign_weights(), scale=scale, offset=offset)


def _hidden_layer(layer: BinarizedLayer, greatest_sum: int) -> FoldedLayer:
    scale, offset = _affine(layer)
    directions = np.where(scale < 0, -1, 1).astype(np.int8)
    return FoldedLayer(
        signs=layer.sign_weights(),
        thresholds=_first_firing(scale * directions, offset, greatest_sum),
        directions=directions,
    )


def _first_firing(
    scale: NDArray[np.float32], offset: NDArray[np.float32], greatest_sum: int
) -> NDArray[np.int64]:
    """Return, for `scale` >= 0, the least sum that fires; one above the greatest if none does."""
    low = np.full(scale.shape, -greatest_sum, dtype=np.int64)
    high = np.full(scale.shape, greatest_sum + 1, dtype=np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        fires = middle.astype(np.float32) * scale + offset >= 0
        # Where low has met high, middle is high: lowering high to it changes nothing, and low
        # must not rise past it.
        low = np.where(fires | (low == high), low, middle + 1)
        high = np.where(fires, middle, high)
    return low


def _affine(layer: BinarizedLayer) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    scale, offset = (value.detach().numpy().copy() for value in layer.affine())
    if not (np.isfinite(scale).all() and np.isfinite(offset).all()):
        raise InputError(
            "The batch norm of the network holds values that are not finite: its training "
            "diverged. Train it with a lower learning rate."
        )
    return scale, offset


def _check_signs(signs: NDArray[np.int8]) -> None:
    if signs.ndim != 2 or signs.dtype != np.int8 or not signs.size:
        raise ValueError(f"signs are int8 (neurons, inputs), found {signs.dtype} {signs.shape}")
    if not np.isin(signs, (-1, 1)).all():
        raise ValueError("signs are -1 or +1")


def _check_form(
    name: str, array: NDArray[np.generic], dtype: type[np.generic], shape: tuple[int, ...]
) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{name} are {np.dtype(dtype)} {shape}, found {array.dtype} {array.shape}")
