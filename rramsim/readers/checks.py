"""Files of one measurement in different units, of which one does not say so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from rramsim.errors import InputError

if TYPE_CHECKING:
    from rramsim.readers.file import FileReadings

_LEAST_READINGS = 3
# A thousand and a million, each within a factor of three: conditions differ by less in LRS.
_FACTORS = {"1,000": (333.0, 3e3), "1,000,000": (333e3, 3e6)}


def check_units(files: Sequence[FileReadings]) -> None:
    """Refuse files whose medians differ by a thousand in every state they share.

    Only files of which at least one names no unit are compared: where both do, it is so.

    Raises
    ------
    InputError
        Naming the two files and the factor.
    """
    medians = [_medians(file) for file in files]
    for one, two in combinations(range(len(files)), 2):
        if files[one].unit_given and files[two].unit_given:
            continue
        shared = medians[one].keys() & medians[two].keys()
        ratios = [medians[one][state] / medians[two][state] for state in shared]
        for factor, (low, high) in _FACTORS.items():
            for smaller, larger, sizes in (
                (two, one, ratios),
                (one, two, [1 / ratio for ratio in ratios]),
            ):
                if sizes and all(low <= size <= high for size in sizes):
                    raise InputError(
                        f"{files[smaller].place}: the resistances look {factor} times smaller than "
                        f"those of {files[larger].place}, and not both files name a unit. Put the "
                        "unit in the header, such as R [kOhm]."
                    )


def _medians(file: FileReadings) -> dict[int, float]:
    import numpy as np

    return {
        state: float(np.median(file.resistance[file.state == state]))
        for state in (0, 1)
        if np.count_nonzero(file.state == state) >= _LEAST_READINGS
    }
