"""Which unit of the processor counts mismatches: chosen here, and nowhere else.

- ``popcount``: XOR and population count, on every processor; pixels go plane by plane.
- ``shuffle``: four inputs and their weights by one VPSHUFB (AVX2), for signs and for pixels as
  bytes.
- ``lookup``: pixels as bytes, five inputs by one permutation (AVX-512 BW).
- ``vnni``: pixels as bytes, four inputs by one VPDPBUSD (AVX-512 VNNI or AVX-VNNI).

All give the same numbers. The one of fewest operations is taken, unless the environment variable
``RRAMSIM_KERNEL`` names one; ``lookup`` and ``vnni`` name one for pixels only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rramsim.bits import IMAGES, NEURONS, Words, pack_rows, words_for
from rramsim.errors import InputError
from rramsim.kernels import processor
from rramsim.network.packed.unit_kernels import popcount_kernels

VARIABLE = "RRAMSIM_KERNEL"
"""The environment variable that names the unit."""

_MOST_SHUFFLED = 32767  # signs, whose sums are 16 bits wide there

Inputs = NDArray[Any]
"""Inputs of a layer as its unit takes them, a row for each image, rows padded."""


@dataclass(frozen=True)
class Unit:
    """How the mismatches of a layer are counted.

    Attributes
    ----------
    name : str
    fire, count : callable
        Kernels, with the parameters of those of `popcount_kernels`.
    operations : callable
        About how many vector operations an image takes, from inputs, neurons and planes.
    row_bytes : callable, optional
        Bytes that a row of so many inputs takes; without it, inputs are packed as bit planes.
    convolve : callable, optional
        A kernel with the parameters of `popcount_kernels.convolve`.
    """

    name: str
    fire: Callable[[Inputs, Words, int, NDArray[np.int64], Words], None]
    count: Callable[[Inputs, Words, int, NDArray[np.int32]], None]
    operations: Callable[[int, int, int], float]
    row_bytes: Callable[[int], int] | None = None
    convolve: Callable[..., None] | None = None

    def inputs(self, codes: NDArray[np.uint8], planes: int) -> Inputs:
        """Return codes of so many planes, (images, inputs), as the kernels take them."""
        if self.row_bytes is None:
            return _as_planes(codes, planes)
        rows, inputs = codes.shape
        whole = np.zeros((padded(rows), self.row_bytes(inputs)), dtype=np.uint8)
        whole[:rows, :inputs] = codes
        return whole


def padded(images: int) -> int:
    """Return the rows of a buffer for so many images."""
    return -(-images // IMAGES) * IMAGES


def names() -> list[str]:
    """Return the units that this processor has."""
    _, features = processor()
    needed = {
        "shuffle": {"avx2"},
        "lookup": {"avx512bw"},
        "vnni": {"avx512vnni", "avxvnni"},
    }
    return ["popcount", *(name for name, any_of in needed.items() if features & any_of)]


def for_signs(inputs: int, neurons: int) -> Unit:
    """Return the unit for a layer whose inputs are -1 and +1.

    Raises
    ------
    InputError
        As of `for_pixels`.
    """
    forced = _forced()
    if forced == "popcount" or "shuffle" not in names():
        return POPCOUNT
    shuffle = _shuffle_of_signs()
    if inputs > _MOST_SHUFFLED:
        return POPCOUNT
    size = inputs, neurons, 1
    is_less = shuffle.operations(*size) < POPCOUNT.operations(*size)
    return shuffle if is_less or forced == "shuffle" else POPCOUNT


def for_pixels(inputs: int, neurons: int, planes: int) -> Unit:
    """Return the unit for a layer whose inputs are pixels of so many planes.

    Raises
    ------
    InputError
        If `VARIABLE` names a unit that is unknown or that this processor does not have.
    """
    forced = _forced()
    if planes == 1 and forced in ("", "popcount", "shuffle"):
        return for_signs(inputs, neurons)
    if forced:
        return named(forced)
    units = [named(name) for name in names()]
    return min(units, key=lambda unit: unit.operations(inputs, neurons, planes))


def named(name: str) -> Unit:
    """Return one of the units that `names` lists, for pixels."""
    # Imported here: kernels are compiled as their file is loaded, for a processor that has them.
    if name == "shuffle":
        from rramsim.network.packed.unit_kernels import shuffle_kernels as shuffle

        return Unit(
            name,
            shuffle.fire_pixels,
            shuffle.count_pixels,
            _shuffle_pixel_operations,
            lambda inputs: -(-inputs // shuffle.INPUTS) * shuffle.INPUTS,
        )
    if name == "lookup":
        from rramsim.network.packed.unit_kernels import lookup_kernels as lookup

        return Unit(
            name,
            lookup.fire,
            lookup.count,
            _lookup_operations,
            # The last table reads one byte more than its inputs.
            lambda inputs: -(-inputs // lookup.INPUTS) * lookup.INPUTS + 1,
        )
    if name == "vnni":
        from rramsim.network.packed.unit_kernels import vnni_kernels as vnni

        return Unit(
            name,
            vnni.fire,
            vnni.count,
            _vnni_operations,
            lambda inputs: -(-inputs // vnni.INPUTS) * vnni.INPUTS,
        )
    return POPCOUNT


def _shuffle_of_signs() -> Unit:
    from rramsim.network.packed.unit_kernels import shuffle_kernels as shuffle

    return Unit(
        "shuffle",
        shuffle.fire,
        shuffle.count,
        _shuffle_operations,
        convolve=shuffle.convolve,
    )


def _forced() -> str:
    name = os.environ.get(VARIABLE, "")
    if name and name not in names():
        *others, last = names()
        accepted = f"{', '.join(others)} or {last}" if others else last
        raise InputError(
            f"{VARIABLE} is {name!r}; on this processor ({processor().name}) it can be {accepted}. "
            "Unset, the fastest of them is taken."
        )
    return name


def _as_planes(codes: NDArray[np.uint8], planes: int) -> Words:
    """Return codes as bit planes, highest first: shape (images, planes * words)."""
    rows, inputs = codes.shape
    words = words_for(inputs)
    packed = np.zeros((padded(rows), planes * words), dtype=np.uint64)
    for place in range(planes):
        plane = ((codes >> np.uint8(planes - 1 - place)) & np.uint8(1)).view(np.bool_)
        packed[:rows, place * words : (place + 1) * words] = pack_rows(plane)
    return packed


# Vector operations of 512 bits, or of 256 without AVX-512, with what was measured on Zen 5 and, of
# `shuffle`, on Zen 3. A processor that splits wide ones splits those of all units but `shuffle`,
# whose operations are of 256 bits everywhere.
def _popcount_operations(inputs: int, neurons: int, planes: int) -> float:
    features = processor().features
    step = 3 if "avx512vpopcntdq" in features else 8 if "avx512bw" in features else 20
    return step * planes * words_for(inputs) * 4 * -(-neurons // NEURONS)


def _shuffle_operations(inputs: int, neurons: int, planes: int) -> float:
    panels = 4 * -(-neurons // (4 * NEURONS))
    return words_for(inputs) * (33 * panels + 28)


def _shuffle_pixel_operations(inputs: int, neurons: int, planes: int) -> float:
    return -(-inputs // 4) * (25 * -(-neurons // (4 * NEURONS)) + 22)


def _lookup_operations(inputs: int, neurons: int, planes: int) -> float:
    # A permutation across a vector of 16-bit values is one operation for AMD, and two for Intel
    # that only one of its ports does.
    permutation = 1.6 if processor().name.startswith("znver") else 5
    groups = -(-neurons // (4 * NEURONS))
    return -(-inputs // 15) * (groups * (12 * permutation + 14) + 45)


def _vnni_operations(inputs: int, neurons: int, planes: int) -> float:
    vectors = 2 if "avx512vnni" in processor().features else 4
    return -(-inputs // 4) * -(-neurons // NEURONS) * 2.4 * vectors


POPCOUNT = Unit(
    "popcount",
    popcount_kernels.fire,
    popcount_kernels.count,
    _popcount_operations,
    convolve=popcount_kernels.convolve,
)
"""The unit of every processor."""
