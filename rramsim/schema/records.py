"""Labelled datasets as plain rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rramsim.interval import Interval

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


class Record:
    """One place in a dataset: the plain values of its variables there.

    Made by `records`. A variable that still has dims at this place is reached by `at` or `by`.

    Attributes
    ----------
    attrs : mapping
        Those of the dataset.
    units : mapping of str to str
        Of the variables that have one.
    """

    def __init__(
        self,
        arrays: Mapping[str, tuple[tuple[str, ...], np.ndarray]],
        place: Mapping[str, int],
        *,
        attrs: Mapping[str, Any],
        units: Mapping[str, str],
    ) -> None:
        self._arrays, self._place = arrays, dict(place)
        self.attrs, self.units = attrs, units

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> Any:
        """Return the value of a variable or coordinate, as a plain Python value."""
        dims, values = self._arrays[name]
        value = values[tuple(self._place[dim] for dim in dims)]
        # Texts read from a netCDF file are objects already.
        return value.item() if hasattr(value, "item") else value

    def number(self, name: str) -> float | None:
        """Return a number, None where it is unknown or infinite."""
        value = float(self[name])
        return value if math.isfinite(value) else None

    def text(self, name: str) -> str:
        """Return a text, empty where the dataset has none."""
        return str(self[name]) if name in self else ""

    def plain(self, name: str) -> Any:
        """Return a value fit for JSON: an unknown number is None, yes or no a bool."""
        kind = self._arrays[name][1].dtype
        if kind.kind == "f":
            return self.number(name)
        # The register stores yes and no as the smallest integers.
        return bool(self[name]) if kind == "i1" else self[name]

    def interval(self, name: str) -> Interval:
        """Return a number with its ``_low``, ``_high``, ``_bound``, ... as far as there are any.

        Where the dataset tells no bounds, a lone upper end is one.
        """

        def end(suffix: str) -> float:
            return float(self[f"{name}{suffix}"]) if f"{name}{suffix}" in self else math.nan

        estimate, high = float(self[name]), end("_high")
        lone = "upper" if math.isnan(estimate) and not math.isnan(high) else ""
        return Interval(
            estimate=estimate,
            low=end("_low"),
            high=high,
            bound=self.text(f"{name}_bound") if f"{name}_bound" in self else lone,
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
            names = self._labels(dim)
            if label not in names:
                raise KeyError(label)
            place[dim] = names.index(label)
        return self._at(place)

    def has(self, **labels: Any) -> bool:
        """Return whether there is a place with these labels."""
        return all(label in self._labels(dim) for dim, label in labels.items())

    def total(self, name: str, dim: str) -> Any:
        """Return the sum of a variable along a dim, such as the errors of both states."""
        return sum(place[name] for place in self.by(dim))

    def by(self, dim: str) -> Iterator[Record]:
        """Yield the places along a dim, one by one."""
        for index in range(self._size(dim)):
            yield self._at({**self._place, dim: index})

    def _at(self, place: Mapping[str, int]) -> Record:
        return Record(self._arrays, place, attrs=self.attrs, units=self.units)

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
    units = {
        str(name): str(variable.attrs["units"])
        for name, variable in dataset.variables.items()
        if "units" in variable.attrs
    }
    rows = [Record(arrays, {}, attrs=dataset.attrs, units=units)]
    for dim in dims:
        rows = [inner for row in rows for inner in row.by(dim)]
    return rows
