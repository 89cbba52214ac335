"""What points cost: cells and pulses of their programming, and the energy of an inference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rramsim import schema
from rramsim.crossbar.drawn_faults import Planted
from rramsim.crossbar.protection import Pulses, programming_pulses
from rramsim.device.inference_energy import CircuitEnergies, energy_around, energy_of_reads
from rramsim.device.read_conditions import ReadConditions
from rramsim.montecarlo.replicates import StudyNetworks
from rramsim.network.inference_reads import reads_of_network

if TYPE_CHECKING:
    import xarray as xr

PulsesOf = dict[tuple[float, str, str], list[list[Pulses]]]

_PLACE = ("training_ber", "protection", "condition")
_COUNTS = tuple(field.name for field in fields(Pulses))


def pulses_of(networks: StudyNetworks, planted: Mapping[tuple[str, str], Planted]) -> PulsesOf:
    """Return what it takes to program each layer of each training, by network and chips.

    Parameters
    ----------
    networks : StudyNetworks
    planted : mapping
        What `Devices.planted` gives.

    Returns
    -------
    dict
        By training BER, protection and condition a list for each training, a value for each layer.
    """
    return {
        (training_ber, *chips): [
            [programming_pulses(one.faults, [layer.matrix]) for layer in saved.folded.layers]
            for saved in several
        ]
        for training_ber, several in networks.by_training_ber.items()
        for chips, one in planted.items()
        if one.faults is not None
    }


def pulses_dataset(pulses: PulsesOf) -> xr.Dataset:
    """Return the product "pulses", a row for each layer; `pulses_in` gives the same again."""
    rows = [
        (*place, training, layer, *astuple(one))
        for place, several in pulses.items()
        for training, layers in enumerate(several, start=1)
        for layer, one in enumerate(layers, start=1)
    ]
    names = (*_PLACE, "training", "layer", *_COUNTS)
    return schema.make("pulses", dict(zip(names, zip(*rows, strict=True), strict=True)))


def pulses_in(dataset: xr.Dataset) -> PulsesOf:
    """Return what `pulses_of` gave, from the product "pulses"."""
    found: PulsesOf = {}
    for row in schema.records(dataset, "stored_layer"):
        training_ber, protection, condition = (row[name] for name in _PLACE)
        several = found.setdefault((training_ber, protection, condition), [])
        if row["layer"] == 1:
            several.append([])
        several[-1].append(Pulses(*(row[name] for name in _COUNTS)))
    return found


def programming_of(
    networks: StudyNetworks, planted: Mapping[tuple[str, str], Planted], pulses: PulsesOf
) -> xr.Dataset:
    """Return the product "programming", as the mean over trainings."""
    protections, conditions = (list(dict.fromkeys(names)) for names in zip(*planted, strict=True))
    coords = {
        "training_ber": list(networks.by_training_ber),
        "protection": protections,
        "condition": conditions,
    }
    shape = tuple(map(len, coords.values()))
    places = [(ber, *chips) for ber in networks.by_training_ber for chips in planted]

    def mean(name: str) -> npt.NDArray[np.float64]:
        values = [
            math.nan
            if place not in pulses
            else math.fsum(getattr(layer, name) for layers in pulses[place] for layer in layers)
            / len(pulses[place])
            for place in places
        ]
        return np.reshape(values, shape)

    most = [
        max((layer.most_pulses for layers in pulses.get(place, []) for layer in layers), default=-1)
        for place in places
    ]
    names = ("weights", "cells", "sets", "resets", "verifying_reads")
    return schema.make(
        "programming",
        {**{name: mean(name) for name in names}, "most_pulses": np.reshape(most, shape)},
        coords=coords,
    )


def inference_energies(
    networks: StudyNetworks,
    pulses: PulsesOf,
    programming: xr.Dataset,
    populations: xr.Dataset | None,
    *,
    read: ReadConditions,
    circuits: CircuitEnergies,
    pixel_bits: int,
    reuse: bool = False,
) -> npt.NDArray[np.float64]:
    """Return what is known of the energy of reading for one inference, in J.

    A read of a word with parity bits reads these as well, one of a pair both of its cells; a cell
    that is set lies in LRS, one that is reset in HRS. Cells that were verified are taken to be of
    the populations before.

    Parameters
    ----------
    networks, pulses
        See `pulses_of`.
    programming : xarray.Dataset
        Product "programming".
    populations : xarray.Dataset or None
        Product "populations"; of a condition without a fit the energy is unknown.
    read : ReadConditions
    circuits : CircuitEnergies
        What is not known counts as nothing.
    pixel_bits : int
        Bit planes of the pixels.
    reuse : bool
        See `reads_of_network`.

    Returns
    -------
    ndarray, shape (training_ber, protection, condition)
        NaN where it is unknown.
    """
    energy = np.full(programming["weights"].shape, math.nan)
    if populations is None or read.read_voltage is None:
        return energy
    fits = populations.reindex(condition=programming["condition"].values)
    places = [programming[dim].values.tolist() for dim in programming["weights"].dims]
    for place, several in pulses.items():
        network = networks.by_training_ber[place[0]][0].folded
        reads = reads_of_network(network, pixel_bits=pixel_bits, reuse=reuse)
        of_cells = np.mean([_cell_reads(layers, reads) for layers in several], axis=0)
        fit = fits.sel(condition=[place[2]])
        in_cells = energy_of_reads(fit, of_cells[None, :], read=read)[0]
        at = tuple(labels.index(label) for labels, label in zip(places, place, strict=True))
        energy[at] = in_cells + energy_around(
            reads, _senses(several[0]), circuits, weights=_weights(several[0])
        )
    return energy


def _cell_reads(layers: Sequence[Pulses], reads: xr.Dataset) -> npt.NDArray[np.float64]:
    """Return how many cells in LRS and in HRS are read for one image."""
    cells = np.array([(layer.cells - layer.in_hrs, layer.in_hrs) for layer in layers])
    of_states: npt.NDArray[np.float64] = (cells * reads["reads"].values[:, None]).sum(axis=0)
    return of_states


def _senses(layers: Sequence[Pulses]) -> npt.NDArray[np.float64]:
    return np.array([layer.cells / layer.cells_per_read for layer in layers])


def _weights(layers: Sequence[Pulses]) -> npt.NDArray[np.float64]:
    return np.array([float(layer.weights) for layer in layers])
