"""What a chip is programmed with, and how good the chip is, for a person and for a machine."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rramsim import formatting as numbers
from rramsim.report.text_table import CellText, TextTable, csv_text, table_of
from rramsim.schema import Record, records

if TYPE_CHECKING:
    import xarray as xr

_LEVEL = 0.05  # of the tests that sentences tell of
_MOST_LINES = 5
_LEAST_CHANCE = 1e-9


def export_tables(manifest: Mapping[str, Any]) -> list[TextTable]:
    """Return the tiles and cells of each layer."""
    layers = manifest["layers"]
    roles = list(dict.fromkeys(role for layer in layers for role in layer["cells"]))
    return [
        TextTable(
            title="",
            columns=("layer", "kind", "neurons x inputs", "tiles", *map(_plural, roles), "in HRS"),
            rows=tuple(
                (
                    str(layer["layer"]),
                    layer["kind"],
                    f"{layer['neurons']} x {layer['inputs']}",
                    f"{layer['tiles']} ({layer['tiles_down_inputs']} x "
                    f"{layer['tiles_across_neurons']})",
                    *(f"{layer['cells'].get(role, 0):,}" for role in roles),
                    f"{layer['in_hrs']:,}",
                )
                for layer in layers
            ),
        )
    ]


def export_sentences(manifest: Mapping[str, Any], folder: str) -> list[str]:
    """Return where the tiles lie, and what belongs to them."""
    tile = manifest["tile"]
    return [
        f"{manifest['network']} (network {manifest['network_id'][:12]}) on tiles of "
        f"{tile['word_lines']} word lines x {tile['bit_lines']} bit lines, protection "
        f"{manifest['protection']}: {folder} holds {', '.join(manifest['sha256'])} and "
        "manifest.json, which says what the numbers mean."
    ]


def _plural(role: str) -> str:
    return {"weight": "weights", "complement": "complements"}.get(role, role)


def chip_tables(chip: xr.Dataset) -> list[TextTable]:
    """Return the errors of a chip by state and by layer, whether they gather, and worst lines.

    Parameters
    ----------
    chip : xarray.Dataset
        Schema "read_back".
    """
    units = f"{chip.attrs['unit_read']}s read"
    by_state: dict[str, CellText] = {
        "state": "group",
        "errors": lambda row: f"{row['errors']:,}",
        units: lambda row: f"{row['cells']:,}",
        "BER": lambda row: numbers.interval(row.interval("ber"), _rate),
    }
    if not math.isnan(float(chip["expected_ber"][-1])):
        by_state["expected"] = lambda row: _rate(row["expected_ber"])
        by_state["p of the exact test"] = lambda row: _chance(row["p_value"])
    gathered: dict[str, CellText] = {
        "lines": "direction",
        "variance of their errors / by chance": lambda row: numbers.plain(row["variance_ratio"]),
        "p by random spreads": lambda row: _chance(row["cluster_p_value"]),
    }
    return [
        table_of("Errors by state", records(chip, "group"), by_state),
        _layer_table(chip),
        table_of("Whether errors gather on lines", records(chip, "direction"), gathered),
        _worst_table(chip, "chip_tile", "tile", "Tiles with most errors"),
        _worst_table(chip, "line", "line", "Lines with most errors"),
    ]


def _layer_table(chip: xr.Dataset) -> TextTable:
    def of_state(row: Record, state: str) -> str:
        errors, cells = row.at(state=state)["layer_errors"], row.at(state=state)["layer_cells"]
        return f"{errors:,} of {cells:,}"

    return table_of(
        "By layer",
        records(chip, "layer"),
        {
            "layer": "layer",
            "wrong in LRS": lambda row: of_state(row, "LRS"),
            "wrong in HRS": lambda row: of_state(row, "HRS"),
            "wrong weights": lambda row: f"{row['wrong_weights']:,} of {row['weights']:,}",
            "not read": lambda row: f"{row['missing']:,}",
        },
    )


def _worst_table(chip: xr.Dataset, dim: str, of: str, title: str) -> TextTable:
    """Return the places with most errors; of as many errors the fewest cells come first."""
    rows = [row for row in records(_most(chip, dim, of), dim) if row[f"{of}_errors"]]
    columns: dict[str, CellText] = {"layer": f"{of}_layer"}
    if of == "tile":
        columns["tile"] = "tile_number"
    else:
        columns["tile"] = "line_tile"
        columns["line"] = lambda row: f"{row['line_direction']} {row['line_number']}"
    columns["errors"] = lambda row: f"{row[f'{of}_errors']:,} of {row[f'{of}_cells']:,}"
    columns["share"] = lambda row: numbers.percent(row[f"{of}_errors"] / row[f"{of}_cells"])
    return table_of(title, rows, columns)


def _most(chip: xr.Dataset, dim: str, of: str) -> xr.Dataset:
    import numpy as np

    order = np.lexsort((chip[f"{of}_cells"].values, -chip[f"{of}_errors"].values))
    return chip[[name for name in chip.data_vars if chip[name].dims == (dim,)]].isel(
        {dim: order[:_MOST_LINES]}
    )


def _rate(ber: float) -> str:
    return numbers.power(ber, 3)


def _chance(probability: float) -> str:
    """Say a probability of a test; the smallest ones are not exact to any digit that matters."""
    if probability < _LEAST_CHANCE:
        return numbers.bounded(numbers.power(_LEAST_CHANCE), "upper")
    return numbers.power(probability)


def chip_sentences(chip: xr.Dataset) -> list[str]:
    """Return the accuracy of the chip first, then what a reader must know of the tables."""
    attrs = chip.attrs
    right, clean = float(chip["accuracy"]), float(chip["clean_accuracy"])
    return [
        f"This chip classifies {numbers.percent(right)} of the {attrs['test_images']} test images "
        f"of {attrs['images']} correctly; without errors {numbers.percent(clean)}. It is exact for "
        "this chip and these images, so it has no interval over chips.",
        *_weights(chip),
        *_reads(chip),
        *_missing(chip),
        *_against_expected(chip),
        *_gathered(chip),
    ]


def _weights(chip: xr.Dataset) -> list[str]:
    protection, wrong = chip.attrs["protection"], int(chip["wrong_weights"].sum())
    if protection == "none":
        return []
    return [
        f"Weights are protected by {protection}: of {int(chip['weights'].sum()):,} weights "
        f"{wrong:,} are wrong as the network reads them."
    ]


def _reads(chip: xr.Dataset) -> list[str]:
    repeated, undecided = int(chip["repeated"].sum()), int(chip["undecided"].sum())
    sentences = []
    if repeated:
        differ = int(chip["disagreeing"].sum())
        share = int(chip["minority_reads"].sum()) / int(chip["reads"].sum())
        sentences.append(
            f"{repeated:,} {chip.attrs['unit_read']}s were read more than once; the majority "
            f"counts, and as many wrong reads as right ones count as wrong. {differ:,} of them "
            f"({numbers.percent(differ / repeated)}) were not always read alike, and "
            f"{numbers.percent(share)} of all reads differ from the majority of theirs."
        )
    if undecided:
        sentences.append(
            f"{undecided:,} reads of pairs have two equal bits, which tell nothing of the weight; "
            "they are taken as wrong. Resistances would decide."
        )
    return sentences


def _missing(chip: xr.Dataset) -> list[str]:
    missing = int(chip["missing"].sum())
    if not missing:
        return []
    taken = "as wrong" if chip.attrs["missing"] == "worst" else "as programmed"
    return [
        f"{missing:,} {chip.attrs['unit_read']}s were not read and are taken {taken}, for the "
        "accuracy only: rates and tests are of those that were read."
    ]


def _against_expected(chip: xr.Dataset) -> list[str]:
    rows = [row for row in records(chip, "group") if not math.isnan(row["p_value"])]
    if not rows:
        return []
    off = [
        f"{row['group']} ({'more' if row['ber'] > row['expected_ber'] else 'fewer'})"
        for row in rows
        if row["p_value"] < _LEVEL
    ]
    found = (
        f"differ from what is expected in {', '.join(off)}"
        if off
        else "agree with what is expected, in each state and in all"
    )
    return [
        f"Errors {found}, at {_LEVEL:g} a test. The test takes the expected BER as exact, though "
        "it has an interval of its own, and errors as independent: where they gather, it finds "
        "differences too easily. Of both states together it is strict only where they err alike, "
        "else it finds fewer than it could."
    ]


def _gathered(chip: xr.Dataset) -> list[str]:
    rows = [row for row in records(chip, "direction") if not math.isnan(row["cluster_p_value"])]
    if not rows:
        return ["There is no error, so nothing is said of lines."]
    on = [f"{row['direction']}s" for row in rows if row["cluster_p_value"] < _LEVEL]
    found = f"gather on {' and on '.join(on)}" if on else "are not shown to gather on lines"
    return [
        f"Errors {found}, at {_LEVEL:g} a direction. Compared are {rows[0]['permutations']} "
        "spreads of as many errors at random over the cells of the same layer and state, by the "
        "variance of the errors of a line."
    ]


def chip_answer(chip: xr.Dataset) -> str:
    """Return what was found as JSON, without the single lines and cells; unknown is null."""
    (whole,) = records(chip)

    def plain(row: Record, *names: str) -> dict[str, Any]:
        return {name: row.plain(name) for name in names}

    of_layer = ("layer", "missing", "reads", "repeated", "disagreeing", "minority_reads")
    states = ("group", "errors", "cells", "ber", "ber_low", "ber_high", "expected_ber", "p_value")
    answer = {
        **plain(whole, "accuracy", "clean_accuracy"),
        "states": [plain(row, *states) for row in records(chip, "group")],
        "layers": [
            {
                **plain(row, *of_layer, "undecided", "weights", "wrong_weights"),
                "states": [
                    plain(one, "state", "layer_errors", "layer_cells") for one in row.by("state")
                ],
            }
            for row in records(chip, "layer")
        ],
        "lines": [
            plain(row, "direction", "variance_ratio", "cluster_p_value", "permutations")
            for row in records(chip, "direction")
        ],
        "tiles": [
            plain(row, "tile_layer", "tile_number", "tile_cells", "tile_errors")
            for row in records(chip, "chip_tile")
        ],
        **{name: value for name, value in chip.attrs.items() if name != "product"},
    }
    return json.dumps(answer, indent=2, allow_nan=False, default=_python)


def _python(value: Any) -> Any:
    """Return a number of NumPy, as attributes hold them, as Python's own."""
    return value.item()


def error_map_csv(chip: xr.Dataset) -> str:
    """Return the wrong weights of a chip, a row each: layer, neuron, input."""
    names = {name: f"flip_{name}" for name in ("layer", "neuron", "input")}
    columns = [chip[name].values.tolist() for name in names.values()]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return csv_text(rows, header=names)
