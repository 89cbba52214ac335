"""Readings and stated conditions built from plain numbers."""

import numpy as np
import pytest

from rramsim.measurements import Measured
from rramsim.schema import DATASETS, STATES, make


@pytest.fixture(scope="session")
def measured_from():
    """Return a builder of what a reader gives from ``{condition: (LRS ohms, HRS ohms)}``."""

    def build(conditions, *, origin="measured", censoring=None, cells=None, **more):
        names = list(conditions)
        parts = [
            (i, j, np.asarray(conditions[name][j], dtype=float))
            for i, name in enumerate(names)
            for j in range(len(STATES))
        ]
        resistance = np.concatenate([part for _, _, part in parts])
        count = resistance.size
        values = {
            "resistance": resistance,
            "censoring": np.zeros(count, dtype=int) if censoring is None else censoring,
            "condition_index": np.concatenate([np.full(part.size, i) for i, _, part in parts]),
            "state_index": np.concatenate([np.full(part.size, j) for _, j, part in parts]),
            "cell": np.full(count, -1) if cells is None else cells,
            "cycle": np.full(count, -1),
            **{name: np.broadcast_to(np.asarray(value), count) for name, value in more.items()},
        }
        readings = make("readings", values, {"condition": names, "state": list(STATES)})
        return Measured(readings, (), origin, ())

    return build


@pytest.fixture(scope="session")
def stated_from():
    """Return a builder of the dataset a conditions file gives, from ``{condition: {...}}``."""

    def build(conditions):
        def default(variable):
            unknown = "unknown" if "basis" in variable.name else ""
            text = {"ber_basis": "stated", "origin": "none"}.get(variable.name, unknown)
            return {"U": text, "b": 0}.get(variable.kind, np.nan)

        values = {
            variable.name: [
                row.get(variable.name, default(variable)) for row in conditions.values()
            ]
            for variable in DATASETS["conditions"]
            if not variable.optional
        }
        return make("conditions", values, {"condition": list(conditions)})

    return build
