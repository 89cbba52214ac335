"""Compare chips whose cells err together with chips of independent cells, at the same mean BER.

python run.py --out RESULTS [--chips N]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import rramsim
from rramsim.files import make_folder
from rramsim.formatting import percent
from rramsim.plotting.series import use_accuracy_scale
from rramsim.plotting.style import COLORS, figure_style, save_figure

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import markdown_table, write_rows

BERS = (1e-3, 1e-2, 3.3e-2, 6e-2, 1e-1)
SHARES = {
    "independent cells": {},
    "columns 0.1 of the variance": {"sigma_column": math.sqrt(0.1)},
    "columns 0.3": {"sigma_column": math.sqrt(0.3)},
    "rows 0.3": {"sigma_row": math.sqrt(0.3)},
    "dies 0.1": {"sigma_die": math.sqrt(0.1)},
    "amplifiers 0.1": {"sense_offset": math.sqrt(0.1)},
}
"""What cells share, as parts of a variance of 1."""

SIZE = 128
ARRAY = rramsim.CorrelatedFaults(
    rramsim.PopulationFaults(9.0, 0.4, 11.0, 0.75, reference_resistance=15e3),
    sigma_column=(0.18, 0.35),
    sigma_row=(0.1, 0.25),
    correlation=0.5,
    tile=(SIZE, SIZE),
)
"""The constructed array: what its cells share, and how many of them err."""


class Row(NamedTuple):
    """The chips of one fault model."""

    cells: str
    ber: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    accuracy_p05: float
    chips: int


def array_readings(seed: int = 5) -> pd.DataFrame:
    """Return resistances of the constructed array, each cell read once in both states."""
    shape = SIZE, SIZE
    lines = ARRAY.lines(shape, np.random.SeedSequence(seed, spawn_key=(0, 0)))
    rng = np.random.default_rng(seed)
    column, row = np.indices(shape)
    tables = []
    for state, name in enumerate(("LRS", "HRS")):
        toward_error = 1.0 if name == "LRS" else -1.0
        of = {part: getattr(ARRAY.faults, f"{part}_{name.lower()}") for part in ("mu", "sigma")}
        shared = ARRAY.sigma_column[state] ** 2 + ARRAY.sigma_row[state] ** 2
        effects = toward_error * (lines.columns[state] + lines.rows[state])
        cells = effects + rng.standard_normal(shape)
        x = of["mu"] + math.sqrt(of["sigma"] ** 2 - shared) * cells
        place = {
            "cell": (row * SIZE + column).ravel(),
            "row": row.ravel(),
            "column": column.ravel(),
        }
        tables.append(pd.DataFrame({"state": name, **place, "R (ohm)": np.exp(x).ravel()}))
    return pd.concat(tables)


def fault_models() -> Iterator[tuple[str, float, rramsim.FaultModel]]:
    """Yield the name, the mean BER and the model of every case."""
    for name, parts in SHARES.items():
        for ber in BERS:
            yield name, ber, rramsim.CorrelatedFaults(rramsim.IidFaults(ber), **parts)
    fit = rramsim.fit(array_readings(), reference="15 kOhm")
    condition = str(fit.conditions["condition"].values[0])
    for name, correlated in (("array, independent", False), ("array, as fitted", True)):
        faults = fit.faults(condition, correlated=correlated)
        print(f"{name}: {faults}")
        yield name, float(fit.conditions["ber"][0]), faults


def measure(network: object, chips: int) -> list[Row]:
    """Return the accuracy of the chips of every case."""
    cases = list(fault_models())
    found = rramsim.evaluate(network, [model for _, _, model in cases], chips=chips)
    names = ("accuracy", "accuracy_low", "accuracy_high", "accuracy_p05")
    return [
        Row(name, ber, *(float(found[variable][place]) for variable in names), chips)
        for place, (name, ber, _) in enumerate(cases)
    ]


def figure_of(rows: list[Row]) -> Figure:
    """Return the accuracy of the mean and of the 5th-percentile chip against the BER."""
    with figure_style():
        figure = Figure(figsize=(8.0, 3.6), layout="constrained")
        mean, p05 = figure.subplots(1, 2)
        _draw(mean, rows, "accuracy", "mean over chips [%]")
        _draw(p05, rows, "accuracy_p05", "5th-percentile chip [%]")
        p05.legend(loc="lower left")
    return figure


def _draw(axes: Axes, rows: list[Row], variable: str, label: str) -> None:
    colours = list(COLORS.values())
    for number, name in enumerate(SHARES):
        own = [row for row in rows if row.cells == name]
        values = [getattr(row, variable) for row in own]
        axes.plot([row.ber for row in own], values, "o-", color=colours[number], label=name)
    seen = [getattr(row, name) for row in rows for name in ("accuracy", "accuracy_p05")]
    use_accuracy_scale(axes, seen, label)
    axes.set(xscale="log", xlabel="mean bit-error rate")


def table(rows: list[Row], ber: float) -> str:
    """Return a Markdown table of the cases at one mean BER."""
    shown = [
        [row.cells, percent(row.accuracy), percent(row.accuracy_p05)]
        for row in rows
        if row.ber == ber
    ]
    return markdown_table(["cells", "mean", "5th-percentile chip"], shown)


def run(out: Path, *, chips: int, training: Mapping[str, object]) -> list[Row]:
    """Train a network, measure it on all chips, write the results into `out` and return them."""
    make_folder(out)
    rows = measure(rramsim.train("digits", **training), chips)
    written = ([row[0], *(f"{x:.6g}" for x in row[1:])] for row in rows)
    write_rows(out / "accuracy.csv", Row._fields, written)
    save_figure(figure_of(rows), out / "accuracy")
    return rows


def main() -> None:
    """Write the results and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True, metavar="RESULTS")
    parser.add_argument("--chips", type=int, default=400, metavar="N", help="chips a point")
    asked = parser.parse_args()
    training = {"network": "64-512-512-10", "training_ber": 0.03}
    rows = run(asked.out, chips=asked.chips, training=training)
    for ber in dict.fromkeys(row.ber for row in rows):
        print(f"\nMean BER {ber:.2g}:\n\n{table(rows, ber)}")


if __name__ == "__main__":
    main()
