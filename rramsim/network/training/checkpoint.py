"""The state of a training between two epochs, kept in a file so that it can go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim.errors import DamagedError, InputError
from rramsim.network.tensor_files import Arrays, read_arrays, write_arrays

if TYPE_CHECKING:
    import torch

KIND = "checkpoint of a training"
PARTS = "network", "optimizer", "best"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything the rest of a training depends on.

    Attributes
    ----------
    network, optimizer, best : dict of arrays
        Weights and batch norm; Adam's moments; weights and batch norm of the best epoch, where
        validation images choose one. Random numbers need no state (see
        `rramsim.network.training.chance`).
    history : list
        What each epoch that is done ended with.
    """

    network: Arrays
    optimizer: Arrays
    best: Arrays
    history: list[tuple[float, ...]]

    def save(self, path: Path, *, settings: Mapping[str, Any]) -> None:
        """Replace the file `path`, whole or not at all."""
        arrays = {
            f"{part}/{name}": array for part in PARTS for name, array in getattr(self, part).items()
        }
        record = {"settings": settings, "history": self.history}
        write_arrays(path, arrays, kind=KIND, record=record)


def load_checkpoint(path: Path, *, settings: Mapping[str, Any]) -> Checkpoint | None:
    """Return the checkpoint in `path`, or None where there is no file.

    Raises
    ------
    DamagedError
        If the file is not as it was written.
    InputError
        If it is of a training with other settings: going on from it would end in a network that no
        settings describe.
    """
    if not path.exists():
        return None
    arrays, record = read_arrays(path, kind=KIND)
    differing = describe_difference(record.get("settings", {}), settings)
    if differing:
        raise InputError(
            f"{path}: is the checkpoint of another training ({differing}). Delete it to train "
            "anew, or give the settings it was made with."
        )
    parts: dict[str, Arrays] = {part: {} for part in PARTS}
    try:
        for name, array in arrays.items():
            part, _, rest = name.partition("/")
            parts[part][rest] = array
        history = [tuple(map(float, epoch)) for epoch in record["history"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"{path}: this checkpoint is damaged.") from error
    return Checkpoint(**parts, history=history)


def describe_difference(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return in words where two settings differ, "" where they do not."""
    names = [name for name in {**wanted, **stored} if stored.get(name) != wanted.get(name)]
    return ", ".join(
        f"{name.replace('_', ' ')} {_shown(stored.get(name))}, now {_shown(wanted.get(name))}"
        for name in names
    )


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)[:60]


def arrays_of(tensors: Mapping[str, torch.Tensor]) -> Arrays:
    """Return copies of `tensors` as arrays."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}
