"""The errors of one chip counted: by layer, state, tile and line, and each wrong cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rramsim.crossbar.drawn_faults import DrawnFaults
from rramsim.crossbar.real_chips.bit_images import ROLES
from rramsim.crossbar.real_chips.chip_errors import LayerErrors
from rramsim.network.folded.network import FoldedNetwork
from rramsim.statistics.confidence import (
    CONFIDENCE,
    binomial_p_value,
    clopper_pearson,
    clopper_pearson_ends,
    excess_p_values,
)
from rramsim.statistics.design_effect import Dispersion, line_dispersion

GROUPS = ("LRS", "HRS", "all")
"""Cells of a state, and of both."""

DIRECTIONS = ("word line", "bit line")

_COLUMNS = ("layer", "number", "cells", "errors", "chance_ber")
_MOST_PERMUTATIONS = 999
_FEWEST_PERMUTATIONS = 99
_DRAWS = 2e7  # counts of lines drawn in a test, some seconds


def by_layer(
    layers: Sequence[LayerErrors], flips: Sequence[np.ndarray], rates: Mapping[str, float]
) -> dict[str, Any]:
    """Return what was read of each layer, and which part of it is wrong, beside expected rates."""
    errors, cells = _of_states(layers)
    low, high = clopper_pearson_ends(errors, cells)
    return {
        "layer_cells": cells,
        "layer_errors": errors,
        "layer_ber": _shares(errors, cells),
        "layer_ber_low": low,
        "layer_ber_high": high,
        "layer_p_value": [
            [
                binomial_p_value(int(wrong), int(of), rate)
                for wrong, of, rate in zip(*row, rates.values(), strict=True)
            ]
            for row in zip(errors, cells, strict=True)
        ],
        "tiles_down": [one.image.placement.grid[0] for one in layers],
        "tiles_across": [one.image.placement.grid[1] for one in layers],
        "missing": [np.count_nonzero(one.missing) for one in layers],
        "repeated": [np.count_nonzero(one.repeated) for one in layers],
        "disagreeing": [np.count_nonzero(one.disagreeing) for one in layers],
        "reads": [one.reads.sum() for one in layers],
        "minority_reads": [one.minority_reads for one in layers],
        "undecided": [one.undecided for one in layers],
        "weights": [np.prod(one.image.weights_shape) for one in layers],
        "wrong_weights": [one.size for one in flips],
    }


def _of_states(layers: Sequence[LayerErrors]) -> tuple[np.ndarray, np.ndarray]:
    """Return errors and cells read, by layer and state."""
    counts = [
        [
            [np.count_nonzero(mask & (one.stored == state)) for state in (0, 1)]
            for mask in (one.wrong, one.reads > 0)
        ]
        for one in layers
    ]
    of_layers = np.array(counts)
    return of_layers[:, 0], of_layers[:, 1]


def by_group(
    layers: Sequence[LayerErrors],
    rates: Mapping[str, float],
    left_open: DrawnFaults | None = None,
) -> dict[str, Any]:
    """Return the errors of each state and of all cells, beside the rates that are expected."""
    errors, cells = (counts.sum(axis=0).tolist() for counts in _of_states(layers))
    errors, cells = [*errors, sum(errors)], [*cells, sum(cells)]
    expected = _with_all(cells, list(rates.values()))
    drawn = [] if left_open is None else _with_all(cells, [left_open.lrs, left_open.hrs])
    ends = [clopper_pearson(*counts) for counts in zip(errors, cells, strict=True)]
    tails = (1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0
    allowed = [np.quantile(one, tails) for one in drawn] or [[np.nan, np.nan]] * len(expected)
    return {
        "errors": errors,
        "cells": cells,
        "ber": [wrong / of if of else np.nan for wrong, of in zip(errors, cells, strict=True)],
        "ber_low": [low for low, _ in ends],
        "ber_high": [high for _, high in ends],
        "expected_ber": expected,
        "expected_ber_low": [low for low, _ in allowed],
        "expected_ber_high": [high for _, high in allowed],
        "p_value": _p_values(errors, cells, expected),
        "p_value_left_open": _p_values(errors, cells, drawn or [np.nan] * len(expected)),
    }


def _with_all(cells: Sequence[int], rates: list[Any]) -> list[Any]:
    """Return rates (or draws of them) of LRS and of HRS, and of all cells that were read."""
    lrs, hrs, total = cells
    # A state without cells has no part, even if its rate is not known.
    in_all = sum(count * rate for count, rate in zip((lrs, hrs), rates, strict=True) if count)
    return [*rates, in_all / total if total else rates[0] * np.nan]


def _p_values(errors: Sequence[int], cells: Sequence[int], rates: Sequence[Any]) -> list[float]:
    return [binomial_p_value(*one) for one in zip(errors, cells, rates, strict=True)]


def _shares(errors: np.ndarray, cells: np.ndarray) -> np.ndarray:
    return np.where(cells > 0, errors / np.maximum(cells, 1), np.nan)


def by_line(layers: Sequence[LayerErrors], seed: int) -> dict[str, Any]:
    """Return the errors of tiles and lines, and whether they gather on lines."""
    places = ("tile", "line")
    columns = [f"{of}_{what}" for of in places for what in _COLUMNS]
    rows: dict[str, list[np.ndarray]] = {
        name: [] for name in (*columns, "line_tile", "line_direction")
    }
    clusters: dict[str, list[Dispersion]] = {name: [] for name in DIRECTIONS}
    rng = np.random.default_rng(seed)
    lines = sum(
        one.image.placement.tile_count * (one.image.tile.word_lines + one.image.tile.bit_lines)
        for one in layers
    )
    permutations = int(np.clip(_DRAWS / (2 * lines), _FEWEST_PERMUTATIONS, _MOST_PERMUTATIONS))
    of_layers = zip(layers, *_of_states(layers), strict=True)
    for number, (layer, *of_states) in enumerate(of_layers, 1):
        rates = np.nan_to_num(_shares(*of_states))
        for name, errors, cells in layer.tallies():
            is_used = cells.sum(axis=0) > 0
            place = np.flatnonzero(is_used)
            of = "tile" if name == "tile" else "line"
            rows[f"{of}_layer"].append(np.full(place.size, number))
            rows[f"{of}_errors"].append(errors.sum(axis=0)[is_used])
            rows[f"{of}_cells"].append(cells.sum(axis=0)[is_used])
            expected = rates @ cells[:, is_used]
            rows[f"{of}_chance_ber"].append(expected / cells.sum(axis=0)[is_used])
            if name == "tile":
                rows["tile_number"].append(place)
                continue
            tile, line = np.divmod(place, is_used.size // layer.image.placement.tile_count)
            rows["line_number"].append(line * (layer.image.step if name == "bit line" else 1))
            rows["line_tile"].append(tile)
            rows["line_direction"].append(np.full(place.size, name))
            clusters[name].append(
                line_dispersion(
                    errors[:, is_used], cells[:, is_used], rng=rng, permutations=permutations
                )
            )
    in_all = [sum(parts[1:], start=parts[0]) for parts in clusters.values()]
    known = {name: np.concatenate(parts) for name, parts in rows.items()}
    return {
        **known,
        **{name: value for of in places for name, value in _rates_of(of, known).items()},
        "variance_ratio": [one.variance_ratio for one in in_all],
        "cluster_p_value": [one.p_value for one in in_all],
        "permutations": [permutations] * len(DIRECTIONS),
        "layer_variance_ratio": [
            [clusters[name][place].variance_ratio for name in DIRECTIONS]
            for place in range(len(layers))
        ],
    }


def _rates_of(of: str, known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the rates of tiles, or of lines, and whether chance makes them so high."""
    errors, cells, chance = (known[f"{of}_{name}"] for name in ("errors", "cells", "chance_ber"))
    low, high = clopper_pearson_ends(errors, cells)
    return {
        f"{of}_ber": errors / cells,
        f"{of}_ber_low": low,
        f"{of}_ber_high": high,
        f"{of}_p_value": excess_p_values(errors, cells, chance),
    }


def wrong_cells(layers: Sequence[LayerErrors]) -> dict[str, Any]:
    """Return where each wrong cell (or pair) lies, and what it was programmed with."""
    names = ("cell_layer", "cell_tile", "cell_word_line", "cell_bit_line", "cell_bit", "cell_role")
    parts = list(_cells_of(layers))
    return {
        name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(names)
    }


def _cells_of(layers: Sequence[LayerErrors]) -> Iterator[tuple[np.ndarray, ...]]:
    for number, layer in enumerate(layers, 1):
        row, column = np.nonzero(layer.wrong)
        line = row * layer.image.step
        tile, word_line, bit_line = layer.image.placement.locate(line, column)
        role = np.array(ROLES)[layer.image.roles()[line, column]]
        bit = layer.stored[row, column].astype(np.int64)
        yield np.full(row.size, number), tile, word_line, bit_line, bit, role


def wrong_weights(folded: FoldedNetwork, flips: Sequence[np.ndarray]) -> dict[str, Any]:
    """Return each wrong weight."""
    places = [
        np.divmod(positions, layer.matrix.shape[1])
        for layer, positions in zip(folded.layers, flips, strict=True)
    ]
    return {
        "flip_layer": np.repeat(np.arange(1, len(flips) + 1), [one.size for one in flips]),
        "flip_neuron": np.concatenate([neuron for neuron, _ in places]),
        "flip_input": np.concatenate([input_ for _, input_ in places]),
    }
