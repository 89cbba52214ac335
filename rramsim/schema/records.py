"""Labelled datasets as plain rows, and a number with all that is known of it as one value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


@dataclass(frozen=True)
class Interval:
    """A number with its interval and what it rests on.

    Attributes
    ----------
    estimate, low, high : float
        NaN where unknown. Of an upper bound only `high` is known, of a lower one only `low`
        (or, where the bound is the number itself, `estimate`).
    bound : str
        ``"upper"`` or ``"lower"`` where the number is only a bound, else empty.
    basis : str
        Where it is from, such as ``"fitted"``; empty where that is not said.
    extrapolated : bool
        Whether it lies beyond what the sample can show.
    method : str
        How the ends were made; empty where there are none.
    """

    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    bound: str = ""
    basis: str = ""
    extrapolated: bool = False
    method: str = ""

    @property
    def is_known(self) -> bool:
        """Whether anything is known: an estimate or an end."""
        return not all(math.isnan(value) for value in (self.estimate, self.low, self.high))

    @property
    def has_ends(self) -> bool:
        """Whether both ends are known."""
        return not (math.isnan(self.low) or math.isnan(self.high))


class Record:
    """One place in a dataset: the plain values of its variables there.

    Made by `records`. A variable that still has dims at this place is reached by `at` or `by`.
    """

    def __init__(
        self,
        arrays: Mapping[str, tuple[tuple[str, ...], np.ndarray]],
        place: Mapping[str, int],
    ) -> None:
        self._arrays, self._place = arrays, dict(place)

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> Any:
        """Return the value of a variable or coordinate, as a plain Python value."""
        dims, values = self._arrays[name]
        return values[tuple(self._place[dim] for dim in dims)].item()

    def number(self, name: str) -> float | None:
        """Return a number, None where it is unknown or infinite."""
        value = float(self[name])
        return value if math.isfinite(value) else None

    def text(self, name: str) -> str:
        """Return a text, empty where the dataset has none."""
        return str(self[name]) if name in self else ""

    def interval(self, name: str) -> Interval:
        """Return a number with its ``_low``, ``_high``, ``_bound``, ... as far as there are any."""

        def end(suffix: str) -> float:
            return float(self[f"{name}{suffix}"]) if f"{name}{suffix}" in self else math.nan

        return Interval(
            estimate=float(self[name]),
            low=end("_low"),
            high=end("_high"),
            bound=self.text(f"{name}_bound"),
            basis=self.text(f"{name}_basis"),
            extrapolated=bool(self[f"{name}_extrapolated"])
            if f"{name}_extrapolated" in self
            else False,
            method=self.text(f"{name}_interval"),
        )

    def at(self, **labels: Any) -> Record:
        """Return the place with these labels, such as ``state="LRS"``; KeyError where not there."""
        place = dict(self._place)
        for dim, label in labels.items():
            found = [index for index, each in enumerate(self._labels(dim)) if each == label]
            if not found:
                raise KeyError(label)
            place[dim] = found[0]
        return Record(self._arrays, place)

    def by(self, dim: str) -> Iterator[Record]:
        """Yield the places along a dim, one by one."""
        for index in range(self._size(dim)):
            yield Record(self._arrays, {**self._place, dim: index})

    def _labels(self, dim: str) -> list[Any]:
        labels: list[Any] = self._arrays[dim][1].tolist()
        return labels

    def _size(self, dim: str) -> int:
        for dims, values in self._arrays.values():
            if dim in dims:
                return int(values.shape[dims.index(dim)])
        raise KeyError(dim)


def records(dataset: xr.Dataset, *dims: str) -> list[Record]:
    """Return a dataset as rows, one for each combination of places along some dims.

    Parameters
    ----------
    dataset : xarray.Dataset
    *dims : str
        The first varies slowest. Without any there is one row.

    Returns
    -------
    list of Record

    Examples
    --------
    >>> import xarray as xr
    >>> data = xr.Dataset({"ber": ("condition", [0.1, 0.2])}, {"condition": ["weak", "strong"]})
    >>> [(row["condition"], row["ber"]) for row in records(data, "condition")]
    [('weak', 0.1), ('strong', 0.2)]
    """
    arrays = {
        str(name): (tuple(map(str, variable.dims)), variable.values)
        for name, variable in dataset.variables.items()
    }
    rows = [Record(arrays, {})]
    for dim in dims:
        rows = [inner for row in rows for inner in row.by(dim)]
    return rows
