"""Chips whose layers have fault models of their own, as where one layer alone goes wrong."""

from __future__ import annotations

from dataclasses import dataclass

from rramsim.crossbar.faults import FaultModel, IidFaults
from rramsim.errors import InputError


@dataclass(frozen=True)
class LayerFaults:
    """A fault model for each layer of a network, from the input on.

    A layer has the wrong cells that it has on the chip of the same draw on which every layer has
    its model: what errors in one layer cost can be held against what those same errors cost among
    others.

    Parameters
    ----------
    models : tuple of FaultModel
        As many as the network has layers.
    """

    models: tuple[FaultModel, ...]

    def identity(self) -> dict[str, object]:
        """Return the models' names and exact parameters, fit for JSON."""
        return {"model": "layers", "layers": [model.identity() for model in self.models]}

    @property
    def certain(self) -> bool:
        """Whether every chip has the same flips, so that one of them tells of all."""
        return all(model.certain for model in self.models)


ChipFaults = FaultModel | LayerFaults
"""Which cells of a chip go wrong: one model for all layers, or one for each."""


def in_one_layer(faults: FaultModel, *, layer: int, layers: int) -> LayerFaults:
    """Return faults in the cells of one layer only.

    Parameters
    ----------
    faults : FaultModel
        Which of its cells go wrong.
    layer : int
        Its number, from 1 at the input.
    layers : int
        Layers of the network.

    Raises
    ------
    InputError
        If there is no such layer.
    """
    if not 1 <= layer <= layers:
        raise InputError(
            f"Layer {layer} was asked for, but the network has {layers}: accepted are 1 (which "
            f"reads the pixels) to {layers} (which gives the scores)."
        )
    models: list[FaultModel] = [IidFaults(0.0)] * layers
    models[layer - 1] = faults
    return LayerFaults(tuple(models))


def by_layer(faults: ChipFaults, layers: int) -> tuple[FaultModel, ...]:
    """Return the fault model of each layer of a network that has so many `layers`.

    Raises
    ------
    InputError
        If the models of `LayerFaults` are more or fewer.
    """
    if not isinstance(faults, LayerFaults):
        return (faults,) * layers
    if len(faults.models) != layers:
        raise InputError(
            f"Fault models for {len(faults.models)} layers were given, but the network has "
            f"{layers}; one for each is needed."
        )
    return faults.models
