"""Keithley Clarius: a workbook with a sheet for each run."""

from __future__ import annotations

import re
from dataclasses import replace

from rramsim.readers.table import Grid
from rramsim.readers.testers.registry import register

_RUN = re.compile(r"(?:run|cycle)[\s_]*(\d+)", re.IGNORECASE)


@register
class Clarius:
    """Sheets are named "Run1", "Run2", ...: a run is a cycle."""

    def recognises(self, grid: Grid) -> bool:
        """Whether the sheet is named by the number of a run or cycle."""
        return grid.sheet is not None and _RUN.fullmatch(grid.sheet) is not None

    def tables(self, grid: Grid) -> list[Grid]:
        """Return the sheet, with its run as the cycle."""
        run = _RUN.fullmatch(grid.sheet or "")
        cycle = {"cycle": run[1]} if run else {}
        return [replace(grid, constants=cycle, title=grid.sheet or "")]
