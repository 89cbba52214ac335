"""Which unit of the processor counts mismatches: chosen here, and nowhere else.

- ``popcount``: XOR and population count, on every processor; pixels go plane by plane.
- ``shuffle``: four inputs and their weights by one VPSHUFB (AVX2), for signs and for pixels as
  bytes.
- ``lookup``: pixels as bytes, five inputs by one permutation (AVX-512 BW).
- ``vnni``: pixels as bytes, four inputs by one VPDPBUSD (AVX-512 VNNI or AVX-VNNI).
- ``amx``: signs and pixels as bytes, products of tiles by TDPBUSD (AMX int8, where Linux permits
  it).

All give the same numbers. The one of fewest operations is taken, unless the environment variable
``RRAMSIM_KERNEL`` names one; ``lookup`` and ``vnni`` name one for pixels only. Tiles are shared
with neighbours on some hosts, so that operations do not tell how fast they are: ``amx`` is taken
for large layers where it takes less time on one of them, once in a process.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
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
    convolve, fire_chips, count_chips : callable, optional
        Of signs: kernels with the parameters of those of `popcount_kernels`.
    convolve_strips : callable, optional
        Of signs: a kernel with the parameters of `amx_kernels.convolve`, in place of `convolve`.
    """

    name: str
    fire: Callable[[Inputs, Words, int, NDArray[np.int64], Words], None]
    count: Callable[[Inputs, Words, int, NDArray[np.int32]], None]
    operations: Callable[[int, int, int], float]
    row_bytes: Callable[[int], int] | None = None
    convolve: Callable[..., None] | None = None
    fire_chips: Callable[[Words, Words, NDArray[np.int64], Words], None] | None = None
    count_chips: Callable[[Words, Words, NDArray[np.int32]], None] | None = None
    convolve_strips: Callable[..., None] | None = None

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
    units = ["popcount", *(name for name, any_of in needed.items() if features & any_of)]
    return [*units, "amx"] if "amx-int8" in features and _tiles_are_permitted() else units


@cache
def _tiles_are_permitted() -> bool:
    """Ask Linux, once a process, for the permission to use tiles."""
    if not sys.platform.startswith("linux"):
        return False
    # arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) of x86-64.
    return bool(ctypes.CDLL(None).syscall(158, 0x1023, 18) == 0)


def for_signs(inputs: int, neurons: int, *, used: float = 1) -> Unit:
    """Return the unit for a layer, or a convolution, whose inputs are -1 and +1.

    Parameters
    ----------
    inputs, neurons : int
        Of a convolution, those of a filter, and the filters.
    used : float
        Share of the rows of tiles that stand for places of a convolution (see `strips`).

    Raises
    ------
    InputError
        As of `for_pixels`.
    """
    forced = _forced()
    if forced == "amx":
        return _amx_of_signs()
    unit = _without_tiles(inputs, neurons, forced)
    is_free = forced in ("", "lookup", "vnni")
    if is_free and _suits_tiles(inputs, neurons) and used * _gain_of_tiles(unit.name, 1) > 1:
        return _amx_of_signs()
    return unit


def _without_tiles(inputs: int, neurons: int, forced: str) -> Unit:
    if forced == "popcount" or inputs > _MOST_SHUFFLED or "shuffle" not in names():
        return POPCOUNT
    shuffle, size = _shuffle_of_signs(), (inputs, neurons, 1)
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
    if planes == 1 and forced not in ("lookup", "vnni"):
        return for_signs(inputs, neurons)
    if forced:
        return named(forced)
    units = [named(name) for name in names() if name != "amx"]
    unit = min(units, key=lambda unit: unit.operations(inputs, neurons, planes))
    if _suits_tiles(inputs, neurons) and _gain_of_tiles(unit.name, planes) > 1:
        return named("amx")
    return unit


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
    if name == "amx":
        from rramsim.network.packed.unit_kernels import amx_kernels as amx

        return Unit(name, amx.fire_pixels, amx.count_pixels, _amx_operations, lambda inputs: inputs)
    return POPCOUNT


def _shuffle_of_signs() -> Unit:
    from rramsim.network.packed.unit_kernels import shuffle_kernels as shuffle

    return Unit(
        "shuffle",
        shuffle.fire,
        shuffle.count,
        _shuffle_operations,
        convolve=shuffle.convolve,
        fire_chips=shuffle.fire_chips,
        count_chips=shuffle.count_chips,
    )


def _amx_of_signs() -> Unit:
    from rramsim.network.packed.unit_kernels import amx_kernels as amx

    return Unit(
        "amx",
        amx.fire,
        amx.count,
        _amx_operations,
        fire_chips=amx.fire_chips,
        count_chips=amx.count_chips,
        convolve_strips=amx.convolve,
    )


_TRIED = 512, 128, 256
"""Inputs, neurons and images of the layer that tiles are tried with."""


def _suits_tiles(inputs: int, neurons: int) -> bool:
    return "amx" in names() and inputs >= _TRIED[0] and neurons >= _TRIED[1]


@cache
def _gain_of_tiles(name: str, planes: int) -> float:
    """Return the time of the unit of a name over that of tiles, on codes of so many planes."""
    inputs, neurons, images = _TRIED
    rng = np.random.default_rng(1)
    codes = rng.integers(1 << planes, size=(images, inputs), dtype=np.uint8)
    form = -(-neurons // NEURONS), words_for(inputs), NEURONS
    weights = rng.integers(1 << 63, size=form, dtype=np.uint64)
    limits = np.full(neurons, inputs << planes >> 2, dtype=np.int64)
    fired = np.zeros((images, words_for(neurons)), dtype=np.uint64)
    units = [_OF_SIGNS[one]() if planes == 1 else named(one) for one in (name, "amx")]
    seconds = [math.inf, math.inf]
    for _ in range(7):
        for k, unit in enumerate(units):
            values = unit.inputs(codes, planes)
            begin = time.perf_counter()
            unit.fire(values, weights, planes, limits, fired)
            seconds[k] = min(seconds[k], time.perf_counter() - begin)
    return seconds[0] / seconds[1]


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
    # Eight sums side by side wait for each other: by the latency of 5 cycles that is published for
    # Golden Cove (AVX-VNNI without AVX-512), 16 of 256 bits take 10 cycles, where its three ports
    # do the 25 operations of `shuffle` on as many inputs and neurons in 6.3 (computed).
    vectors = 2 if "avx512vnni" in processor().features else 4
    return -(-inputs // 4) * -(-neurons // NEURONS) * 2.4 * vectors


def _amx_operations(inputs: int, neurons: int, planes: int) -> float:
    # A prototype on Emerald Rapids took 60 ms for a layer that took 93 by popcount.
    return 0.65 * _popcount_operations(inputs, neurons, 1)


POPCOUNT = Unit(
    "popcount",
    popcount_kernels.fire,
    popcount_kernels.count,
    _popcount_operations,
    convolve=popcount_kernels.convolve,
    fire_chips=popcount_kernels.fire_chips,
    count_chips=popcount_kernels.count_chips,
)
"""The unit of every processor."""

_OF_SIGNS = {"popcount": lambda: POPCOUNT, "shuffle": _shuffle_of_signs, "amx": _amx_of_signs}
