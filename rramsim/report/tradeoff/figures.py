"""The figures of a study: what each shows, and how it is drawn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rramsim.files import sha256_of_dataset, sha256_with_attributes
from rramsim.plotting.accuracy import plot_accuracy
from rramsim.plotting.error_map import plot_error_map
from rramsim.plotting.populations import plot_populations
from rramsim.plotting.retention import plot_accuracy_over_life
from rramsim.plotting.style import figure_of
from rramsim.plotting.tradeoff import plot_cells, plot_life, plot_tradeoff
from rramsim.report.tradeoff.life import points_in_use, points_over_life
from rramsim.report.tradeoff.points import shown_points

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from rramsim.report.tradeoff.findings import Findings


_MOST_LINES = 6
_PLACES = ("condition", "protection", "training_ber", "thresholds")
_OF_CELLS = ("cells_per_weight", "life_energy", "meets", "on_cells_front", "refreshes")
_OF_LIFE = ("reprogrammings", "inferences", "lifetime")


@dataclass(frozen=True)
class Drawing:
    """A figure of a study that can be drawn.

    Attributes
    ----------
    draw : callable
        Returns the figure.
    shows : tuple
        What it shows, fit for JSON: checksums of data, and plain values.
    """

    draw: Callable[[], Figure]
    shows: tuple[Any, ...]

    def digest(self, version: str) -> str:
        """Return a checksum of what a version of rramsim draws, the same for the same figure."""
        return hashlib.sha256(json.dumps([version, *self.shows]).encode()).hexdigest()


def drawings(findings: Findings) -> dict[str, Drawing]:
    """Return the figures of a study, none of them drawn.

    Parameters
    ----------
    findings : Findings

    Returns
    -------
    dict of str to Drawing
        By file name without suffix, in the order of the report.
    """
    found = {
        "populations": _populations(findings),
        "accuracy": _accuracy(findings),
        "energy": _energy(findings),
        "cells": _cells(findings),
        "life": _life(findings),
        "lifetime": _lifetime(findings),
        "chip": _chip(findings),
    }
    return {name: drawing for name, drawing in found.items() if drawing is not None}


def draw_figures(findings: Findings) -> dict[str, Figure]:
    """Draw the figures of a study (`drawings`), by file name without suffix."""
    return {name: drawing.draw() for name, drawing in drawings(findings).items()}


def _populations(findings: Findings) -> Drawing | None:
    readings, populations = findings.readings, findings.populations
    if readings is None or populations is None:
        return None
    # A study may leave out some of the conditions that were read.
    kept = np.isin(populations.condition, findings.conditions.condition)
    if not kept.any():
        return None
    draw = partial(
        figure_of,
        plot_populations,
        readings,
        populations=populations.isel(condition=kept),
        conditions=findings.conditions,
    )
    shown = (readings, populations, findings.conditions)
    return Drawing(draw, tuple(map(sha256_of_dataset, shown)))


def _accuracy(findings: Findings) -> Drawing:
    draw = partial(
        figure_of,
        plot_accuracy,
        findings.accuracy,
        tradeoff=findings.tradeoff,
        conditions=findings.conditions,
        budgets=findings.budgets,
    )
    beside = (findings.accuracy, findings.conditions, findings.budgets)
    shows = (sha256_with_attributes(findings.tradeoff), *map(sha256_of_dataset, beside))
    return Drawing(draw, shows)


def _energy(findings: Findings) -> Drawing | None:
    tradeoff, chosen = findings.tradeoff, findings.recommendation.labels
    if not tradeoff["energy_per_weight"].notnull().any():
        return None
    draw = partial(figure_of, plot_tradeoff, tradeoff, recommended=chosen)
    return Drawing(draw, (sha256_with_attributes(tradeoff), dict(chosen)))


def _cells(findings: Findings) -> Drawing | None:
    tradeoff, chosen = findings.tradeoff, findings.recommendation.labels
    if not (tradeoff["meets"] * tradeoff["energy_per_weight"].notnull()).any():
        return None
    draw = partial(figure_of, plot_cells, tradeoff, recommended=chosen)
    return Drawing(draw, (*_part(tradeoff, _OF_CELLS, _OF_LIFE), dict(chosen)))


def _life(findings: Findings) -> Drawing | None:
    points = [point for point in points_in_use(findings) if point["inference_energy"] > 0.0]
    if not points:
        return None
    drawn = points[:_MOST_LINES]
    names = ("condition", "protection", "programming_energy", "inference_energy")
    lines = [[point[name] for name in names] for point in drawn]
    draw = partial(figure_of, plot_life, drawn, findings.tradeoff)
    return Drawing(draw, (*_part(findings.tradeoff, (), ("reprogrammings",)), lines))


def _lifetime(findings: Findings) -> Drawing | None:
    points = points_over_life(findings, shown_points(findings))
    if not points:
        return None
    draw = partial(figure_of, plot_accuracy_over_life, points, findings.tradeoff)
    places = [[point[dim] for dim in _PLACES] for point in points]
    return Drawing(draw, (sha256_with_attributes(findings.tradeoff), places))


def _chip(findings: Findings) -> Drawing | None:
    chip = findings.chip
    if chip is None:
        return None
    placement = findings.placements[chip.layer - 1]
    tile = placement.tile.word_lines, placement.tile.bit_lines
    name = findings.recommendation.condition
    title = f"Wrong cells of one “{name}” chip, layer {chip.layer}"
    draw = partial(figure_of, plot_error_map, placement, chip.wrong, tile_cells=tile, title=title)
    wrong = hashlib.sha256(np.asarray(chip.wrong, dtype="<i8").tobytes()).hexdigest()
    return Drawing(draw, (placement.weights_shape, tile, title, wrong))


def _part(
    tradeoff: xr.Dataset, variables: tuple[str, ...], attributes: tuple[str, ...]
) -> tuple[str, dict[str, Any]]:
    """Return a checksum of the places and of some variables, and some attributes."""
    names = [name for name in (*_PLACES, *variables) if name in tradeoff.variables]
    known = {name: float(tradeoff.attrs[name]) for name in attributes if name in tradeoff.attrs}
    return sha256_of_dataset(tradeoff[names]), known
