"""What the arrays of a folded layer must look like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def check_signs(signs: NDArray[np.int8], *, axes: str) -> None:
    """Raise `ValueError` unless `signs` are int8, -1 or +1, with as many axes as are named."""
    if signs.ndim != axes.count(",") + 1 or signs.dtype != np.int8 or not signs.size:
        raise ValueError(f"signs are int8 ({axes}), found {signs.dtype} {signs.shape}")
    if not np.isin(signs, (-1, 1)).all():
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
