"""Which unit of the processor counts mismatches: chosen here, and nowhere else.

- ``popcount``: XOR and population count, on every processor. Every layer of -1 and +1 goes this
  way, and pixels go plane by plane.
- ``lookup``: pixels as bytes, five inputs by one permutation (AVX-512 BW).
- ``vnni``: pixels as bytes, four inputs by one VPDPBUSD (AVX-512 VNNI or AVX-VNNI).

All give the same numbers. For pixels the one of fewest operations is taken, unless the environment
variable ``RRAMSIM_KERNEL`` names one.
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
from rramsim.network.packed import popcount_kernels

VARIABLE = "RRAMSIM_KERNEL"
"""The environment variable that names the unit for pixels."""

Inputs = NDArray[Any]
"""Inputs of a layer as its unit takes them, a row for each image, rows padded."""


@dataclass(frozen=True)
class Unit:
    """How the mismatches of a layer are counted.

    Attributes
    ----------
    name : str
    inputs : callable
        Makes inputs from codes, uint8 (images, inputs), and their number of planes.
    fire, count : callable
        Kernels, with the parameters of those of `popcount_kernels`.
    operations : callable
        About how many vector operations an image takes, from inputs, neurons and planes.
    """

    name: str
    inputs: Callable[[NDArray[np.uint8], int], Inputs]
    fire: Callable[[Inputs, Words, int, NDArray[np.int64], Words], None]
    count: Callable[[Inputs, Words, int, NDArray[np.int32]], None]
    operations: Callable[[int, int, int], float]


def padded(images: int) -> int:
    """Return the rows of a buffer for so many images."""
    return -(-images // IMAGES) * IMAGES


def names() -> list[str]:
    """Return the units that this processor has."""
    _, features = processor()
    lookup, vnni = {"avx512bw"}, {"avx512vnni", "avxvnni"}
    return ["popcount", *["lookup"] * bool(features & lookup), *["vnni"] * bool(features & vnni)]


def for_pixels(inputs: int, neurons: int, planes: int) -> Unit:
    """Return the unit for a layer whose inputs are pixels of so many planes.

    Raises
    ------
    InputError
        If `VARIABLE` names a unit that is unknown or that this processor does not have.
    """
    forced = _forced()
    if forced:
        return named(forced)
    units = [named(name) for name in names()]
    return min(units, key=lambda unit: unit.operations(inputs, neurons, planes))


def named(name: str) -> Unit:
    """Return one of the units that `names` lists."""
    # Imported here: kernels are compiled as their file is loaded, for a processor that has them.
    if name == "lookup":
        from rramsim.network.packed import lookup_kernels as lookup

        return Unit(name, _lookup_inputs, lookup.fire, lookup.count, _lookup_operations)
    if name == "vnni":
        from rramsim.network.packed import vnni_kernels as vnni

        return Unit(name, _vnni_inputs, vnni.fire, vnni.count, _vnni_operations)
    return POPCOUNT


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


def _lookup_inputs(codes: NDArray[np.uint8], planes: int) -> NDArray[np.uint8]:
    from rramsim.network.packed.lookup_kernels import INPUTS

    # The last table reads one byte more than its inputs.
    return _as_bytes(codes, -(-codes.shape[1] // INPUTS) * INPUTS + 1)


def _vnni_inputs(codes: NDArray[np.uint8], planes: int) -> NDArray[np.uint8]:
    from rramsim.network.packed.vnni_kernels import INPUTS

    return _as_bytes(codes, -(-codes.shape[1] // INPUTS) * INPUTS)


def _as_bytes(codes: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    rows, inputs = codes.shape
    whole = np.zeros((padded(rows), length), dtype=np.uint8)
    whole[:rows, :inputs] = codes
    return whole


# Vector operations of 512 bits, with what was measured on Zen 5. A processor that splits them
# splits those of all units.
def _popcount_operations(inputs: int, neurons: int, planes: int) -> float:
    features = processor().features
    step = 3 if "avx512vpopcntdq" in features else 8 if "avx512bw" in features else 20
    return step * planes * words_for(inputs) * 4 * -(-neurons // NEURONS)


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
    "popcount", _as_planes, popcount_kernels.fire, popcount_kernels.count, _popcount_operations
)
"""The unit of every layer whose inputs are outputs of another, and of pixels on any processor."""
