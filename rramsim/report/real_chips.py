"""What a chip is programmed with, and how good the chip is, for a person and for a machine."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rramsim import formatting as numbers
from rramsim.report.text_table import CellText, TextTable, csv_text, table_of
from rramsim.schema import Record, records

if TYPE_CHECKING:
    import xarray as xr

_EXACT = "p of the exact test"
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
    """Return the errors of a chip by state and by layer, whether they cluster, and worst lines.

    Parameters
    ----------
    chip : xarray.Dataset
        Schema "read_back".
    """
    return [
        *state_tables(chip),
        layer_table(chip),
        gathered_table(chip),
        _worst_table(chip, "chip_tile", "tile", "Tiles with most errors"),
        _worst_table(chip, "line", "line", "Lines with most errors"),
    ]


def state_tables(chip: xr.Dataset) -> list[TextTable]:
    """Return the errors of each state, and what was expected of them with the tests."""
    rows = records(chip, "group")
    by_state: dict[str, CellText] = {
        "state": "group",
        f"wrong {chip.attrs['unit_read']}s": lambda row: f"{row['errors']:,} of {row['cells']:,}",
        "BER": lambda row: numbers.interval(row.interval("ber"), _rate),
    }
    tables = [table_of("Errors by state", rows, by_state)]
    if not has_expected(chip):
        return tables
    expected: dict[str, CellText] = {
        "state": "group",
        "expected BER": lambda row: numbers.interval(row.interval("expected_ber"), _rate),
        _EXACT: lambda row: _chance(row["p_value"]),
    }
    if is_left_open(chip):
        expected["p over rates allowed"] = lambda row: _chance(row["p_value_left_open"])
    return [*tables, table_of("Beside what is expected", rows, expected)]


def has_expected(chip: xr.Dataset) -> bool:
    """Return whether rates were given to test the errors against."""
    return not math.isnan(float(chip["expected_ber"][-1]))


def is_left_open(chip: xr.Dataset) -> bool:
    """Return whether it is known which rates the cells behind the expected ones allow."""
    return not math.isnan(float(chip["p_value_left_open"][-1]))


def is_predicted(chip: xr.Dataset) -> bool:
    """Return whether chips were drawn as was expected."""
    return bool(chip["predicted_chip_accuracy"].size)


def gathered_table(chip: xr.Dataset) -> TextTable:
    """Return how far the errors of lines vary, and how likely chance makes them."""
    columns: dict[str, CellText] = {
        "lines": "direction",
        "variance of their errors / by chance": lambda row: numbers.plain(row["variance_ratio"]),
        "p by random spreads": lambda row: _chance(row["cluster_p_value"]),
    }
    return table_of("Whether errors cluster on lines", records(chip, "direction"), columns)


def layer_table(chip: xr.Dataset) -> TextTable:
    """Return what was read of each layer, and which of its weights are wrong."""

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
            "read differently": lambda row: f"{row['disagreeing']:,} of {row['repeated']:,}",
        },
    )


def layer_rates_table(chip: xr.Dataset) -> TextTable:
    """Return the rate of each layer and state with its interval, and the test if there is one."""
    columns: dict[str, CellText] = {
        "layer": lambda row: f"{row['layer']}, {row['state']}",
        "errors": lambda row: f"{row['layer_errors']:,} of {row['layer_cells']:,}",
        "BER": lambda row: numbers.interval(row.interval("layer_ber"), _rate),
    }
    if has_expected(chip):
        columns[_EXACT] = lambda row: _chance(row["layer_p_value"])
    rows = [one for row in records(chip, "layer") for one in row.by("state")]
    return table_of("Rates by layer", rows, columns)


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
    columns["share"] = lambda row: _share(row[f"{of}_errors"] / row[f"{of}_cells"])
    return table_of(title, rows, columns)


def worst_rates_table(chip: xr.Dataset, dim: str, of: str, title: str) -> TextTable:
    """Return the places with most errors, with intervals and how likely chance makes one so bad.

    The probability is that of one place times the number of places, since the worst is looked at.
    """
    places = chip.sizes[dim]
    table = _worst_table(chip, dim, of, title)
    rows = [row for row in records(_most(chip, dim, of), dim) if row[f"{of}_errors"]]
    columns: dict[str, CellText] = {
        "rate": lambda row: numbers.interval(row.interval(f"{of}_ber"), _rate),
        "by chance": lambda row: _rate(row[f"{of}_chance_ber"]),
        f"p × {places:,} {of}s": lambda row: _chance(min(1.0, places * row[f"{of}_p_value"])),
    }
    more = table_of(title, rows, columns)
    kept = len(table.columns) - 1  # the share is the rate
    return replace(
        table,
        columns=(*table.columns[:kept], *more.columns),
        rows=tuple((*a[:kept], *b) for a, b in zip(table.rows, more.rows, strict=True)),
        values=(),
    )


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
        *predicted_sentences(chip),
        *_weights(chip),
        *_reads(chip),
        *_missing(chip),
        *_against_expected(chip),
        *_gathered(chip),
    ]


def predicted_sentences(chip: xr.Dataset) -> list[str]:
    """Return how the chip stands among those that were drawn as was expected."""
    if not is_predicted(chip):
        return []
    drawn, here = chip["predicted_chip_accuracy"].values, float(chip["accuracy"])
    mean, p05 = (float(chip[f"predicted_accuracy{end}"]) for end in ("", "_p05"))
    ends = (float(chip[f"predicted_accuracy_{end}"]) for end in ("low", "high"))
    less, same = int((drawn < here).sum()), int((drawn == here).sum())
    condition = chip.attrs.get("condition")
    expected = f"condition “{condition}”" if condition else "faults that were expected"
    if math.isnan(p05):
        return [f"One chip drawn of the {expected} has {numbers.percent(mean)}."]
    found = "below the 5th percentile" if here < p05 else "not below the 5th percentile"
    return [
        f"Chips drawn of the {expected} classify {numbers.percent(mean)} "
        f"({' to '.join(map(numbers.percent, ends))}) on average, and the 5th-percentile chip "
        f"{numbers.percent(p05)}: this chip is {found}. Of {drawn.size} chips drawn {less} are "
        f"less accurate than it and {same} as accurate."
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
            f"counts, and a tie counts as wrong. For {differ:,} of them "
            f"({_share(differ / repeated)}) the reads differ, and "
            f"{_share(share)} of all reads differ from their majority."
        )
    if undecided:
        sentences.append(
            f"{undecided:,} reads of pairs have two equal bits, which do not determine the weight; "
            "they count as wrong. Resistances would decide."
        )
    return sentences


def _share(share: float) -> str:
    r"""Return a share in per cent; one that is not 0 is not said to be 0.

    >>> _share(3 / 300_035), _share(0.0), _share(0.25)
    ('0.001\xa0%', '0.00\xa0%', '25.00\xa0%')
    """
    return (
        f"{numbers.plain(100.0 * share, 2)}\N{NO-BREAK SPACE}%"
        if 0.0 < share < 1e-4
        else numbers.percent(share)
    )


def _missing(chip: xr.Dataset) -> list[str]:
    missing = int(chip["missing"].sum())
    if not missing:
        return []
    taken = "as wrong" if chip.attrs["missing"] == "worst" else "as programmed"
    return [
        f"{missing:,} {chip.attrs['unit_read']}s were not read and are counted {taken}, for the "
        "accuracy only: rates and tests cover only those that were read."
    ]


def _against_expected(chip: xr.Dataset) -> list[str]:
    if not has_expected(chip):
        return []
    exact = (
        f"Errors {_differ(chip, 'p_value')} if the expected BER is taken as exact, as the exact "
        "test does. It assumes independent errors: if errors cluster, it finds differences too "
        "easily. For both states together it is exact only if their rates are equal; otherwise "
        "it is conservative."
    )
    if not is_left_open(chip):
        return [
            f"{exact} Which other rates the cells behind the expected BER allow is not known (it "
            "was stated, or is a bound), so no test allows for them."
        ]
    return [
        exact,
        f"Errors {_differ(chip, 'p_value_left_open')} if the expected BER is any of those that its "
        "cells allow: the tails of the exact test are averaged over draws of the rates (p over "
        "rates allowed). If the rates come from few cells, use this test.",
    ]


def _differ(chip: xr.Dataset, test: str) -> str:
    """Return in which states the errors differ from what is expected, by one of the tests."""
    off = [
        f"{row['group']} ({'more' if row['ber'] > row['expected_ber'] else 'fewer'})"
        for row in records(chip, "group")
        if row[test] < _LEVEL
    ]
    found = (
        f"differ from what is expected in {', '.join(off)}"
        if off
        else "agree with what is expected, in each state and in all"
    )
    return f"{found}, at {_LEVEL:g} a test,"


def _gathered(chip: xr.Dataset) -> list[str]:
    rows = [row for row in records(chip, "direction") if not math.isnan(row["cluster_p_value"])]
    if not rows:
        return ["There are no errors, so nothing can be said about lines."]
    on = [f"{row['direction']}s" for row in rows if row["cluster_p_value"] < _LEVEL]
    found = f"cluster on {' and on '.join(on)}" if on else "are not shown to cluster on lines"
    return [
        f"Errors {found}, at {_LEVEL:g} a direction. The variance of the errors of a line is "
        f"compared with that of {rows[0]['permutations']} random redistributions of the errors "
        "over the cells of the same layer and state."
    ]


def chip_answer(chip: xr.Dataset) -> str:
    """Return what was found as JSON, without the single lines and cells; unknown is null."""
    (whole,) = records(chip)

    def plain(row: Record, *names: str) -> dict[str, Any]:
        return {name: row.plain(name) for name in names}

    of_layer = ("layer", "missing", "reads", "repeated", "disagreeing", "minority_reads")
    states = (
        *("group", "errors", "cells", "ber", "ber_low", "ber_high", "expected_ber"),
        *("expected_ber_low", "expected_ber_high", "p_value", "p_value_left_open"),
    )
    rates = ("layer_ber", "layer_ber_low", "layer_ber_high", "layer_p_value")
    predicted = (f"predicted_accuracy{end}" for end in ("", "_low", "_high", "_p05"))
    answer = {
        **plain(whole, "accuracy", "clean_accuracy", *predicted),
        "predicted_chips": int(chip["predicted_chip_accuracy"].size),
        "states": [plain(row, *states) for row in records(chip, "group")],
        "layers": [
            {
                **plain(row, *of_layer, "undecided", "weights", "wrong_weights"),
                "states": [
                    plain(one, "state", "layer_errors", "layer_cells", *rates)
                    for one in row.by("state")
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
        **{name: value for name, value in chip.attrs.items() if name not in ("product", "sources")},
        "sources": [
            {"name": name, "sha256": digest} for name, digest in json.loads(chip.attrs["sources"])
        ],
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


def lines_csv(chip: xr.Dataset) -> str:
    """Return every line with its errors, its rate and how likely chance makes it so bad."""
    names = [str(name) for name in chip.data_vars if chip[name].dims == ("line",)]
    columns = [chip[name].values.tolist() for name in names]
    keys = [name.removeprefix("line_") for name in names]
    rows = [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
    return csv_text(rows, header=keys)
