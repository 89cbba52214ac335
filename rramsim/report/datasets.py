"""The shipped sets, for a person and for a machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rramsim.report.terminal_table import hanging

if TYPE_CHECKING:
    import pandas as pd

_WIDTH_OF_A_FILE = 110


def datasets_text(sets: pd.DataFrame, *, width: int | None = None) -> str:
    """Return a paragraph for each set, and last what its name is good for.

    Parameters
    ----------
    sets : pandas.DataFrame
        As `rramsim.datasets` gives it.
    width : int, optional
        Characters a line; without, what suits a file.
    """
    size = width or _WIDTH_OF_A_FILE
    paragraphs = ["\n".join(_paragraph(row, width=size)) for row in _rows(sets)]
    use = "Give a name wherever a command or a function takes a file."
    return "\n\n".join([*paragraphs, use]) + "\n"


def datasets_answer(sets: pd.DataFrame) -> str:
    """Return the sets as JSON; a number of cells that is not known is null."""
    return json.dumps({"datasets": _rows(sets)}, indent=2)


def _paragraph(row: dict[str, Any], *, width: int) -> list[str]:
    cells = row["cells"]
    known = {
        "what": row["description"],
        "origin": row["origin"],
        "conditions": ", ".join(row["conditions"]),
        "states": ", ".join(row["states"]),
        "cells": "" if cells is None else f"{cells:,} in each condition",
        "licence": row["licence"],
        "cite": row["citation"],
    }
    lines = [hanging(f"  {label:<11}", text, width=width) for label, text in known.items() if text]
    return [row["name"], *lines]


def _rows(sets: pd.DataFrame) -> list[dict[str, Any]]:
    rows = sets.reset_index().astype({"cells": object}).to_dict("records")
    return [
        {str(key): list(value) if isinstance(value, tuple) else value for key, value in row.items()}
        | {"cells": row["cells"] if isinstance(row["cells"], int) else None}
        for row in rows
    ]
