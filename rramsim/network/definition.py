"""The shape of a network: how many neurons each layer has."""

from __future__ import annotations

from dataclasses import dataclass

from rramsim.errors import InputError
from rramsim.network.images import ImageSet


@dataclass(frozen=True)
class NetworkShape:
    """Widths of a fully connected network, inputs first, classes last.

    Examples
    --------
    >>> shape = NetworkShape.parse("784-512-512-10")
    >>> shape.widths, shape.weight_count
    ((784, 512, 512, 10), 668672)
    >>> str(shape)
    '784-512-512-10'
    """

    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.widths) < 2:
            raise InputError(
                f"network {self}: has {len(self.widths)} width, needs at least two "
                "(inputs-classes, like 64-10, or with hidden layers 64-256-10)."
            )
        if min(self.widths) < 1:
            raise InputError(f"network {self}: a layer of {min(self.widths)} cannot be.")

    @classmethod
    def parse(cls, text: str) -> NetworkShape:
        """Read widths joined by hyphens, like ``"784-512-512-10"``; `InputError` if they are not.

        Digits are taken as they are written, so ``"784-5e2-10"`` and ``"784--10"`` are refused.
        """
        parts = text.strip().split("-")
        strange = [part for part in parts if not (part.isascii() and part.isdigit())]
        if strange:
            raise InputError(
                f"network {text!r}: {strange[0]!r} is not a width. Accepted are whole numbers "
                "joined by hyphens, inputs first, classes last, like 784-512-512-10."
            )
        return cls(tuple(int(part) for part in parts))

    def __str__(self) -> str:
        return "-".join(map(str, self.widths))

    @property
    def weight_count(self) -> int:
        """Binary weights in all layers, one RRAM cell each (1T1R)."""
        return sum(inputs * neurons for inputs, neurons in self.layers)

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(inputs, neurons) of each layer, from the input."""
        return tuple(zip(self.widths, self.widths[1:], strict=False))

    def check_fits(self, images: ImageSet) -> None:
        """Raise `InputError` unless the first width is the pixels and the last the classes."""
        if (self.widths[0], self.widths[-1]) != (images.features, images.class_count):
            raise InputError(
                f"network {self}: does not fit the images {images.name}, which need "
                f"{images.features} inputs and {images.class_count} classes "
                f"({images.features}-...-{images.class_count})."
            )


def default_shape(images: ImageSet) -> NetworkShape:
    """Return a shape that suits small images: two hidden layers of 512 neurons.

    A BNN bears bit errors by redundancy: 256 neurons classify the digits as well without errors,
    but lose twice as much at a BER of 0.03 (measured).
    """
    return NetworkShape((images.features, 512, 512, images.class_count))
