"""The shipped sets side by side: what they are, and what their files hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rramsim.readers.conditions import read_conditions
from rramsim.readers.measurements import read_measurements
from rramsim.readers.shipped.sets import shipped_sets

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from rramsim.readers.set_toml import Sidecar


def datasets() -> pd.DataFrame:
    """List the shipped sets; their names stand for files wherever rramsim reads one.

    Returns
    -------
    pandas.DataFrame
        By name: what each set is (`description`), whether its figures are measured, reconstructed
        or stated (`origin`), the names of its `conditions` and `states`, how many `cells` were
        read in each condition (unknown where only conditions are stated), its `licence`, and whom
        to cite (`citation`).

    Examples
    --------
    >>> import rramsim
    >>> sets = rramsim.datasets()
    >>> sets["origin"].tolist(), sets["cells"].fillna(0).tolist()
    (['reconstructed', 'measured', 'stated'], [1024, 1024, 0])
    """
    import pandas as pd

    rows = {name: _row(file, sidecar) for name, (file, sidecar) in shipped_sets().items()}
    table = pd.DataFrame.from_dict(rows, orient="index").astype({"cells": "Int64"})
    return table.rename_axis("name")


def _row(file: Path, sidecar: Sidecar) -> dict[str, Any]:
    is_stated = file.suffix == ".toml"
    return {
        "description": sidecar.description,
        "origin": "stated" if is_stated else sidecar.options.origin or "measured",
        **(_stated(file) if is_stated else _measured(file)),
        "licence": sidecar.licence,
        "citation": sidecar.citation,
    }


def _measured(file: Path) -> dict[str, Any]:
    readings = read_measurements(file).readings
    cells = (
        readings[["condition_index", "cell"]]
        .to_dataframe()
        .groupby("condition_index")["cell"]
        .nunique()
    )
    return {
        "conditions": tuple(readings["condition"].values.tolist()),
        "states": tuple(readings["state"].values.tolist()),
        "cells": int(cells.min()),
    }


def _stated(file: Path) -> dict[str, Any]:
    conditions = read_conditions(file)["condition"].values.tolist()
    return {"conditions": tuple(conditions), "states": (), "cells": None}
