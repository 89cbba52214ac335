"""The shape of a network: its convolutions, and how many neurons each layer has."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rramsim.errors import InputError, check_limit
from rramsim.images.image_set import ImageSet

_REPEATED = re.compile(r"(?:(\d+)x)?(\d+)(C3)?", re.ASCII)
_IMPORTED = re.compile(r"(\d+x)?\d+C(?!3$)\d[\dxPS]*|[AM]P\d[\dx]*", re.ASCII)
"""Layers that a folded network may have, and a trained one cannot."""
_IMAGE = re.compile(r"(\d+)x(\d+)x(\d+)", re.ASCII)
_ACCEPTED = (
    "Accepted are whole numbers joined by hyphens, inputs first, classes last, like "
    "784-512-512-10; or channels x height x width, then filters of 3 x 3 (128C3), pooling (MP2) "
    "and widths, like 3x32x32-2x128C3-MP2-1024-10"
)

COURBARIAUX_CIFAR10 = "2x128C3-MP2-2x256C3-MP2-2x512C3-MP2-2x1024"
"""Hidden layers of the CIFAR-10 network of M. Courbariaux et al. 2016 (arXiv 1602.02830)."""


@dataclass(frozen=True)
class Convolution:
    """Filters of 3 x 3 at stride 1 on a zero border of 1, then 2 x 2 pooling if `pool`."""

    filters: int
    pool: bool = False


@dataclass(frozen=True)
class NetworkShape:
    """Convolutions, if any, then fully connected layers.

    Attributes
    ----------
    widths : tuple of int
        Widths of the fully connected layers, from their inputs to the classes. After
        convolutions, the inputs are the channels times the places that are left.
    image_shape : (int, int, int), optional
        Channels, height and width of the images, where there are convolutions.
    convolutions : tuple of Convolution
        From the images on.
    signed_levels : int, optional
        The greatest value of a pixel, L, where the first layer takes ``2 pixel - L``, from -L
        (black) to +L; without, it takes the pixel. The notation does not tell.

    Examples
    --------
    >>> shape = NetworkShape.parse("784-512-512-10")
    >>> shape.widths, shape.weight_count
    ((784, 512, 512, 10), 668672)
    >>> str(shape)
    '784-512-512-10'
    >>> str(NetworkShape.parse("3x32x32-2x16C3-MP2-64-10"))
    '3x32x32-16C3-16C3-MP2-64-10'
    """

    widths: tuple[int, ...]
    image_shape: tuple[int, int, int] | None = None
    convolutions: tuple[Convolution, ...] = ()
    signed_levels: int | None = None

    def __post_init__(self) -> None:
        if len(self.widths) < 2:
            raise InputError(
                f"network {self}: has {len(self.widths)} width, needs at least two "
                "(inputs-classes, like 64-10, or with hidden layers 64-256-10)."
            )
        if min(*self.widths, *(layer.filters for layer in self.convolutions)) < 1:
            raise InputError(f"network {self}: a layer of 0 cannot be.")
        if self.image_shape and self.widths[0] != _flat(self.image_shape, self.convolutions):
            raise ValueError(f"{self.convolutions} do not lead into {self.widths[0]} inputs")

    @classmethod
    def parse(cls, text: str) -> NetworkShape:
        """Read layers joined by hyphens, like ``"784-512-512-10"``; `InputError` if they are not.

        With convolutions, the images come first: ``"3x32x32-2x128C3-MP2-1024-10"``. ``2x`` before
        a layer stands for two of them. Digits are taken as they are written, so ``"784-5e2-10"``
        and ``"784--10"`` are refused.
        """
        _check_numbers(text)
        first, *rest = text.strip().split("-")
        convolutions, widths = _parse_layers(rest, text=text)
        image = _IMAGE.fullmatch(first)
        if image:
            channels, height, width = map(int, image.groups())
            return _after_images((channels, height, width), convolutions, widths, text=text)
        if convolutions:
            raise InputError(
                f"network {text!r}: convolutions need images of channels x height x width in "
                f"front, not {first!r}. {_ACCEPTED}."
            )
        if not (first.isascii() and first.isdigit()):
            raise InputError(f"network {text!r}: {first!r} is not a width. {_ACCEPTED}.")
        return cls((int(first), *widths))

    @classmethod
    def between(cls, images: ImageSet, hidden: str, *, width_factor: float = 1.0) -> NetworkShape:
        """Return the network with these hidden layers between the images and their classes.

        Parameters
        ----------
        images : ImageSet
            Its first widths and its classes.
        hidden : str
            Hidden layers in the notation of `parse`, like ``"512-512"`` or
            `COURBARIAUX_CIFAR10`; "" for none.
        width_factor : float
            All widths and numbers of filters are multiplied by it and rounded.

        Raises
        ------
        InputError
            If the layers cannot be read, or nothing is left of one.
        """
        parts = hidden.strip().split("-") if hidden.strip() else []
        convolutions, widths = _parse_layers(parts, text=hidden)
        scaled = tuple(
            replace(layer, filters=round(layer.filters * width_factor)) for layer in convolutions
        )
        hidden_widths = [round(width * width_factor) for width in widths]
        if min([*(layer.filters for layer in scaled), *hidden_widths], default=1) < 1:
            raise InputError(f"network {hidden!r}: nothing is left of it by {width_factor:g}.")
        ends = [*hidden_widths, images.class_count]
        if scaled:
            return _after_images(images.image_shape, scaled, ends, text=hidden)
        return cls((images.features, *ends))

    def __str__(self) -> str:
        if not self.image_shape:
            return "-".join(map(str, self.widths))
        first = "x".join(map(str, self.image_shape))
        filters = [f"{layer.filters}C3{'-MP2' * layer.pool}" for layer in self.convolutions]
        return "-".join([first, *filters, *map(str, self.widths[1:])])

    @property
    def weight_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each layer's weights: (filters, channels, 3, 3), or (neurons, inputs)."""
        first = self.image_shape[:1] if self.image_shape else ()
        channels = [*first, *(layer.filters for layer in self.convolutions)]
        filters = [(after, before, 3, 3) for before, after in pairwise(channels)]
        return (*filters, *((neurons, inputs) for inputs, neurons in self.layers))

    @property
    def weight_count(self) -> int:
        """Binary weights in all layers, one RRAM cell each (1T1R)."""
        return sum(map(math.prod, self.weight_shapes))

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image: one a weight, of filters one a weight and place."""
        total = 0
        _, height, width = self.image_shape or (0, 0, 0)
        shapes = self.weight_shapes
        for shape, layer in zip(shapes, self.convolutions, strict=False):
            total += math.prod(shape) * height * width
            if layer.pool:
                height, width = height // 2, width // 2
        return total + sum(map(math.prod, shapes[len(self.convolutions) :]))

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(inputs, neurons) of each fully connected layer."""
        return tuple(zip(self.widths, self.widths[1:], strict=False))

    @property
    def layer_count(self) -> int:
        """Layers with weights, convolutions and fully connected ones."""
        return len(self.weight_shapes)

    def check_fits(self, images: ImageSet) -> None:
        """Raise `InputError` unless the network takes these images and gives their classes.

        Nor may it have more weights than can be trained (`rramsim.errors.MOST`).
        """
        check_limit("weights of a network", self.weight_count, f"network {self}")
        if self.signed_levels not in (None, images.levels):
            raise InputError(
                f"network {self}: takes signed pixels that end at {self.signed_levels}, but those "
                f"of {images.name} end at {images.levels}."
            )
        ends = self.image_shape or self.widths[0], self.widths[-1]
        needed = images.image_shape if self.image_shape else images.features
        if ends != (needed, images.class_count):
            first = "x".join(map(str, images.image_shape))
            with_filters = f", or {first}-...-{images.class_count} with convolutions"
            raise InputError(
                f"network {self}: does not fit the images {images.name}, which need "
                f"{images.features} inputs and {images.class_count} classes "
                f"({images.features}-...-{images.class_count}{with_filters})."
            )


DEFAULT_HIDDEN = 512, 512


def default_shape(images: ImageSet) -> NetworkShape:
    """Return a shape that suits small images: two hidden layers of 512 neurons.

    A BNN bears bit errors by redundancy: 256 neurons classify the digits as well without errors,
    but lose twice as much at a BER of 0.03 (measured).
    """
    return NetworkShape((images.features, *DEFAULT_HIDDEN, images.class_count))


_MOST_DIGITS, _MOST_LAYERS = 9, 100


def _check_numbers(text: str) -> None:
    """Refuse what would be read for ever before it is told that it cannot be."""
    for digits in re.findall(r"\d+", text):
        if len(digits) > _MOST_DIGITS:
            raise InputError(
                f"network: a number of {len(digits)} digits was found; accepted are up to "
                f"{_MOST_DIGITS} digits."
            )
    layers = sum(int(number or 1) for number in re.findall(r"(?:^|-)(?:(\d+)x)?", text)[1:])
    if layers > _MOST_LAYERS:
        raise InputError(f"network: {layers:,} layers; accepted are up to {_MOST_LAYERS}.")


def _parse_layers(parts: Sequence[str], *, text: str) -> tuple[tuple[Convolution, ...], list[int]]:
    convolutions: list[Convolution] = []
    widths: list[int] = []
    for part in parts:
        layer = _REPEATED.fullmatch(part)
        if part == "MP2":
            if widths or not convolutions or convolutions[-1].pool:
                raise InputError(f"network {text!r}: MP2 stands once, right after filters.")
            convolutions[-1] = replace(convolutions[-1], pool=True)
        elif _IMPORTED.fullmatch(part):
            raise InputError(
                f"network {text!r}: {part} cannot be trained, only filters of 3 x 3 at stride 1 "
                "with padding 1, and MP2; networks with others, trained in torch, are taken over "
                'by rramsim.import_module (documentation: "Your own network").'
            )
        elif not layer:
            raise InputError(f"network {text!r}: {part!r} is not a width. {_ACCEPTED}.")
        elif layer[3] and widths:
            raise InputError(f"network {text!r}: {part} cannot follow a fully connected layer.")
        elif layer[3]:
            convolutions += [Convolution(int(layer[2]))] * int(layer[1] or 1)
        else:
            widths += [int(layer[2])] * int(layer[1] or 1)
    return tuple(convolutions), widths


def _after_images(
    image_shape: tuple[int, int, int],
    convolutions: tuple[Convolution, ...],
    widths: Sequence[int],
    *,
    text: str,
) -> NetworkShape:
    if not convolutions:
        raise InputError(
            f"network {text!r}: starts with channels x height x width, so filters (like 128C3) "
            "must follow. A fully connected network starts with the number of pixels."
        )
    flat = _flat(image_shape, convolutions)
    if not flat:
        raise InputError(f"network {text!r}: pooling leaves nothing of the images.")
    return NetworkShape((flat, *widths), image_shape, convolutions)


def _flat(image_shape: tuple[int, int, int], convolutions: tuple[Convolution, ...]) -> int:
    """Return the values that leave the last convolution."""
    channels, height, width = image_shape
    for layer in convolutions:
        channels = layer.filters
        height, width = (height // 2, width // 2) if layer.pool else (height, width)
    return channels * height * width
