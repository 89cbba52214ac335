"""The network as a chip holds it: sign weights, integer thresholds, class scores."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIXEL_LIMIT = 255
"""Greatest value of an input: pixels are bytes."""


@dataclass(frozen=True, eq=False)
class FoldedConvolution:
    """Filters: one gives +1 at a place where ``direction * sum >= threshold``, else -1.

    ``sum`` is the integer cross-correlation of the filter with the values around the place, with
    `padding` and `stride` as in torch. Outside the image nothing is added: there a value is neither
    +1 nor -1, as with the zeros that torch pads with. So at a border fewer weights count, under the
    same threshold.

    With `pool`, every 2 x 2 outputs become one, which is +1 where any of them is (the greatest);
    an odd last row or column is left out. For filters of `pool_all` it is +1 where all four are
    (the least): what is left of pooling sums before a batch norm whose scale is negative.

    Attributes
    ----------
    signs : int8 array, shape (channels out, channels in, height, width)
        Weights, -1 or +1.
    thresholds : int64 array, shape (channels out,)
        Least ``direction * sum`` that fires.
    directions : int8 array, shape (channels out,)
        +1, or -1 where the output falls as the sum rises.
    pool : bool
        Whether 2 x 2 outputs become one.
    pool_all : bool array, shape (channels out,), optional
        For which filters all of them must be +1; None stands for none.
    stride, padding : (int, int)
        Rows and columns from one place to the next, and of zeros around the image on each side.
    """

    signs: NDArray[np.int8]
    thresholds: NDArray[np.int64]
    directions: NDArray[np.int8]
    pool: bool
    pool_all: NDArray[np.bool_] | None = None
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        check_signs(self.signs, axes="channels out, channels in, height, width")
        if min(self.stride) < 1 or min(self.padding) < 0:
            raise ValueError(f"stride {self.stride}, padding {self.padding} cannot be")
        channels = self.signs.shape[0]
        if self.pool_all is not None:
            check_form("pool_all", self.pool_all, np.bool_, (channels,))
        check_form("thresholds", self.thresholds, np.int64, (channels,))
        check_directions(self.directions, channels)

    @property
    def matrix(self) -> NDArray[np.int8]:
        """The signs as a crossbar holds them, (channels out, channels in * places).

        An input is a channel with one of the places of the filter, row by row.
        """
        return self.signs.reshape(self.signs.shape[0], -1)

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the filters."""
        return self.signs.shape[2], self.signs.shape[3]

    def sums_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the sums, before pooling, for inputs of this size."""
        rows, columns = (
            (size + 2 * padding - kernel) // stride + 1
            for size, padding, kernel, stride in zip(
                (height, width), self.padding, self.kernel, self.stride, strict=True
            )
        )
        return rows, columns

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the outputs for inputs of this size."""
        rows, columns = self.sums_size(height, width)
        return (rows // 2, columns // 2) if self.pool else (rows, columns)


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
        check_signs(self.signs, axes="neurons, inputs")
        check_form("thresholds", self.thresholds, np.int64, (self.signs.shape[0],))
        check_directions(self.directions, self.signs.shape[0])

    @property
    def matrix(self) -> NDArray[np.int8]:
        """The signs as a crossbar holds them, (neurons, inputs)."""
        return self.signs


@dataclass(frozen=True, eq=False)
class ScoreLayer:
    """The last layer: class scores ``sum * scale + offset`` in float32, the greatest one wins.

    Of equal scores the first class wins.

    Where outputs of a convolution are averaged before this layer, an input is a channel in one
    window. ``sum`` is then over all values of the windows, each times the weight of its channel
    and window: a whole number, since the division by the values of a window is left to `scale`. A
    crossbar reads the same cells once for each place in a window, with inputs of -1 and +1, and
    the sums of the places are added.

    Attributes
    ----------
    signs : int8 array, shape (classes, inputs)
        Weights, -1 or +1.
    scale, offset : float32 array, shape (classes,)
        The batch norm of each class.
    average : (int, int)
        Rows and columns of a window; the windows lie side by side from the first row and column
        on, and what does not fill one is left out. (1, 1) averages nothing.
    """

    signs: NDArray[np.int8]
    scale: NDArray[np.float32]
    offset: NDArray[np.float32]
    average: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        check_signs(self.signs, axes="classes, inputs")
        check_form("scale", self.scale, np.float32, (self.signs.shape[0],))
        check_form("offset", self.offset, np.float32, (self.signs.shape[0],))
        if min(self.average) < 1:
            raise ValueError(f"windows of {self.average} cannot be averaged")

    def scores(self, sums: NDArray[np.number]) -> NDArray[np.float32]:
        """Return the scores of images from their sums, (images, classes)."""
        scores: NDArray[np.float32] = sums.astype(np.float32) * self.scale + self.offset
        return scores

    def classes(self, sums: NDArray[np.number]) -> NDArray[np.int64]:
        """Return the class of each image from its sums, shape (images, classes)."""
        best: NDArray[np.int64] = self.scores(sums).argmax(axis=1)
        return best

    @property
    def matrix(self) -> NDArray[np.int8]:
        """The signs as a crossbar holds them, (classes, inputs)."""
        return self.signs


Layer = FoldedConvolution | FoldedLayer | ScoreLayer


@dataclass(frozen=True, eq=False)
class FoldedNetwork:
    """A binarized network as a chip holds it: sign weights, integer thresholds, class scores.

    Attributes
    ----------
    layers : tuple of FoldedConvolution, then FoldedLayer, the last a ScoreLayer
        From the input on; the outputs of one are the inputs of the next. Outputs of the last
        convolution enter the next layer channel by channel, row by row.
    image_shape : (int, int, int), optional
        Channels, height and width of the images, where the first layer is a convolution. Pixels
        are in that order.
    signed_levels : int, optional
        The greatest value of a pixel, L, where the first layer takes ``2 pixel - L``, from -L
        (black) to +L, as the inputs of T. Hirtzlin et al. 2019 (arXiv 1904.03652) do in units of
        L. Without, it takes the pixel, from 0 (black).
    """

    layers: tuple[Layer, ...]
    image_shape: tuple[int, int, int] | None = None
    signed_levels: int | None = None

    def __post_init__(self) -> None:
        if not self.layers or not isinstance(self.layers[-1], ScoreLayer):
            raise ValueError("the last layer is a ScoreLayer")
        order: list[Layer] = [*self.convolutions, *self.hidden, self.output]
        if list(map(id, order)) != list(map(id, self.layers)):
            raise ValueError(
                "all layers but the last are a FoldedLayer, or a FoldedConvolution before those"
            )
        if bool(self.convolutions) != (self.image_shape is not None):
            raise ValueError("a network has an image shape if its first layer is a convolution")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if self._outputs(before) != _inputs(after):
                raise ValueError(f"{before.signs.shape} does not lead into {after.signs.shape}")
        if self.image_shape and self.image_shape[0] != self.convolutions[0].signs.shape[1]:
            raise ValueError(f"{self.image_shape} does not lead into the first convolution")
        if self.output.average != (1, 1) and (self.hidden or not self.convolutions):
            raise ValueError("only outputs of a convolution are averaged, before the last layer")
        if self.signed_levels is not None and not 0 < self.signed_levels <= PIXEL_LIMIT:
            raise ValueError(f"pixels end at 1 to {PIXEL_LIMIT}, not {self.signed_levels}")

    @property
    def convolutions(self) -> tuple[FoldedConvolution, ...]:
        """The first layers, where they are convolutions."""
        return tuple(layer for layer in self.layers if isinstance(layer, FoldedConvolution))

    @property
    def hidden(self) -> tuple[FoldedLayer, ...]:
        """All fully connected layers but the last."""
        return tuple(layer for layer in self.layers if isinstance(layer, FoldedLayer))

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of the images, then of the outputs of each convolution."""
        if self.image_shape is None:
            return ()
        sizes = [self.image_shape[1:]]
        for layer in self.convolutions:
            sizes.append(layer.output_size(*sizes[-1]))
        if min(map(min, sizes)) < 1:
            raise ValueError(
                f"convolution or pooling leaves nothing of images of {self.image_shape}"
            )
        return tuple(sizes)

    @property
    def windows(self) -> tuple[int, int]:
        """Rows and columns of what the last convolution gives on, averaged where it is."""
        rows, columns = (
            size // window for size, window in zip(self.sizes[-1], self.output.average, strict=True)
        )
        return rows, columns

    @property
    def output(self) -> ScoreLayer:
        """The last layer."""
        last = self.layers[-1]
        assert isinstance(last, ScoreLayer)
        return last

    @property
    def widths(self) -> tuple[int, ...]:
        """Inputs of the network, then the neurons (filters) of each layer."""
        return (self.inputs, *(layer.signs.shape[0] for layer in self.layers))

    @property
    def inputs(self) -> int:
        """Pixels of an image, all channels counted."""
        return math.prod(self.image_shape) if self.image_shape else self.layers[0].signs.shape[1]

    @property
    def weight_count(self) -> int:
        """Binary weights in all layers, one RRAM cell each (1T1R)."""
        return sum(layer.signs.size for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image: one a weight, of filters one a weight and place.

        Weights of a last layer that averages count once for each place of its windows.
        """
        filters = [
            layer.signs.size * math.prod(layer.sums_size(*size))
            for layer, size in zip(self.convolutions, self.sizes, strict=False)
        ]
        connected = sum(layer.signs.size for layer in self.hidden)
        return sum(filters) + connected + self.output.signs.size * math.prod(self.output.average)

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
        """SHA-256 (hexadecimal) of every array of every layer, and of the images' shape."""
        digest = hashlib.sha256()
        if self.image_shape is not None:
            digest.update(f"image_shape {self.image_shape}".encode())
        if self.signed_levels is not None:
            digest.update(f"signed_levels {self.signed_levels}".encode())
        for layer in self.layers:
            for name, array in arrays_of(layer).items():
                digest.update(f"{name} {array.shape} {array.dtype.newbyteorder('<').str}".encode())
                digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()

    def __str__(self) -> str:
        """Return the widths, and filters and pooling in the notation of Courbariaux et al. 2016.

        Such as 784-512-512-10, or 3x32x32-128C3-128C3-MP2-1024-10 on signed pixels. AP8 stands
        for windows of 8 x 8 that are averaged.
        """
        first = "x".join(map(str, self.image_shape)) if self.image_shape else str(self.inputs)
        layers = "-".join([first, *map(_notation, self.layers)])
        return f"{layers} on signed pixels" if self.signed_levels else layers

    def _outputs(self, layer: Layer) -> int:
        """Return what the next layer is to have as inputs: channels, or single values."""
        neurons = int(layer.signs.shape[0])
        if isinstance(layer, FoldedConvolution) and layer is self.convolutions[-1]:
            return neurons * math.prod(self.windows)
        return neurons


def _inputs(layer: Layer) -> int:
    return int(layer.signs.shape[1])


def _notation(layer: Layer) -> str:
    neurons = str(layer.signs.shape[0])
    if isinstance(layer, ScoreLayer) and layer.average != (1, 1):
        height, width = layer.average
        return f"AP{height}-{neurons}" if height == width else f"AP{height}x{width}-{neurons}"
    if not isinstance(layer, FoldedConvolution):
        return neurons
    height, width = layer.kernel
    form = f"C{height}" if height == width else f"C{height}x{width}"
    if layer.padding != (height // 2, width // 2):
        form += (
            f"P{layer.padding[0]}"
            if len(set(layer.padding)) == 1
            else "P{}x{}".format(*layer.padding)
        )
    if layer.stride != (1, 1):
        form += (
            f"S{layer.stride[0]}" if len(set(layer.stride)) == 1 else "S{}x{}".format(*layer.stride)
        )
    return f"{neurons}{form}-MP2" if layer.pool else f"{neurons}{form}"


def arrays_of(layer: Layer) -> dict[str, NDArray[Any]]:
    """Return what a layer holds by name; what has a default, only where it is otherwise."""
    defaults = {field.name: field.default for field in fields(layer)}
    return {
        name: np.asarray(value)
        for name, value in vars(layer).items()
        if isinstance(value, np.ndarray) or value != defaults[name]
    }


def check_signs(signs: NDArray[np.int8], *, axes: str) -> None:
    """Raise `ValueError` unless `signs` are int8, -1 or +1, with as many axes as are named."""
    if signs.ndim != axes.count(",") + 1 or signs.dtype != np.int8 or not signs.size:
        raise ValueError(f"signs are int8 ({axes}), found {signs.dtype} {signs.shape}")
    if not (np.abs(signs) == 1).all():
        raise ValueError("signs are -1 or +1")


def check_form(
    name: str, array: NDArray[np.generic], dtype: type[np.generic], shape: tuple[int, ...]
) -> None:
    """Raise `ValueError` unless `array` has this type and shape."""
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{name} are {np.dtype(dtype)} {shape}, found {array.dtype} {array.shape}")


def check_directions(directions: NDArray[np.int8], neurons: int) -> None:
    """Raise `ValueError` unless `directions` are int8, -1 or +1, one for each neuron."""
    check_form("directions", directions, np.int8, (neurons,))
    if not np.isin(directions, (-1, 1)).all():
        raise ValueError("directions are -1 or +1")
