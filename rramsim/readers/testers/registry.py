"""The testers whose files are known: who recognises a table, and who makes readings of it."""

from __future__ import annotations

from typing import Protocol, TypeVar

from rramsim.readers.table import Grid


class Instrument(Protocol):
    """What one tester's files look like.

    A further tester is one file in `rramsim.readers.testers`, or one class anywhere, with these
    two methods and the decorator `register`.
    """

    def recognises(self, grid: Grid) -> bool:
        """Whether a sheet or file is one of this tester."""

    def tables(self, grid: Grid) -> list[Grid]:
        """Return the tables in it, each with a header, as a person would have typed them.

        What the tester says beside the columns goes into `constants` (condition, cell, state,
        cycle), into `read_voltage` and `notes`, and for sweeps into `title`, `compliance` and
        `taken`. `grid.others` are the other sheets of the workbook. With an empty list the sheet
        is read as any other.
        """


_TESTERS: list[Instrument] = []
_METHODS = ("recognises", "tables")
T = TypeVar("T", bound=type[Instrument])


def register(tester: T) -> T:
    """Let a class of `Instrument` be asked for every sheet or file, after those registered before.

    A class registered again under its name, as when a cell of a notebook is run twice, takes the
    place of the one before.

    Raises
    ------
    TypeError
        If it is no class, cannot be made without arguments, or lacks one of the two methods.

    Examples
    --------
    >>> @register
    ... class Toy:
    ...     def recognises(self, grid):
    ...         return grid.records[0] == ["TOY 1.0"]
    ...
    ...     def tables(self, grid):
    ...         from dataclasses import replace
    ...         return [replace(grid, records=grid.records[1:], row_numbers=grid.row_numbers[1:])]
    >>> unregister(Toy)
    """
    if not isinstance(tester, type):
        raise TypeError(f"a tester is a class, not an object of {type(tester).__name__}.")
    missing = [name for name in _METHODS if not callable(getattr(tester, name, None))]
    if missing:
        raise TypeError(
            f"the tester {tester.__name__} lacks {' and '.join(missing)}; a tester needs "
            "recognises(grid), whether a sheet is one of its own, and tables(grid), the tables "
            "in it."
        )
    try:
        added = tester()
    except TypeError as error:
        raise TypeError(
            f"the tester {tester.__name__} must be made without arguments: {error}"
        ) from error
    names = [(type(other).__module__, type(other).__qualname__) for other in _TESTERS]
    name = tester.__module__, tester.__qualname__
    if name in names:
        _TESTERS[names.index(name)] = added
    else:
        _TESTERS.append(added)
    return tester


def unregister(tester: type[Instrument]) -> None:
    """Ask a tester no more; `KeyError` where it is not registered."""
    kept = [other for other in _TESTERS if type(other) is not tester]
    if len(kept) == len(_TESTERS):
        raise KeyError(tester.__name__)
    _TESTERS[:] = kept


def tables_of(grid: Grid) -> list[Grid]:
    """Return the tables that the first tester to recognise a grid makes of it, or none."""
    for tester in _TESTERS:
        if tester.recognises(grid):
            tables = tester.tables(grid)
            if tables:
                return tables
    return []
