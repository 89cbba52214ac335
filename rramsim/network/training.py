"""Train a binarized network, plain or adapted to bit errors.

The method is that of M. Courbariaux et al. 2016 (arXiv 1602.02830): real-valued latent weights in
[-1, 1] whose signs compute, batch norm, sign activations with a straight-through estimator,
softmax cross-entropy, Adam with each layer's rate scaled by its fan. Adapted training flips a
fresh random set of sign weights at every iteration (T. Hirtzlin et al. 2019, arXiv 1904.03652).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from rramsim.errors import InputError
from rramsim.network.checkpoint import Checkpoint, arrays_of, load_checkpoint
from rramsim.network.definition import NetworkShape
from rramsim.network.flips import RandomFlips
from rramsim.network.images import ImageSet
from rramsim.network.model import BinarizedNetwork, Flip
from rramsim.network.threads import threads_for

BATCH_SIZE = 100
LEARNING_RATE = 1e-2
FINAL_LEARNING_RATE = 1e-4
"""Rate of the first and of the last epoch; it falls by one factor an epoch between."""


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A trained network and how it came about.

    Attributes
    ----------
    network : BinarizedNetwork
        As it is after the last epoch; `rramsim.network.folding.fold` makes the chip's form of it.
    history : tuple of (float, float)
        For each epoch, the mean loss over its batches and the share of test images classified
        correctly without faults. The test images choose nothing: the last epoch is the result.
    settings : dict
        Everything the result depends on besides this version of rramsim and of torch.
    """

    network: BinarizedNetwork
    history: tuple[tuple[float, float], ...]
    settings: dict[str, Any]


def training_settings(
    shape: NetworkShape,
    images: ImageSet,
    *,
    epochs: int,
    seed: int,
    flip: Flip | None = None,
    batch_size: int = BATCH_SIZE,
    learning_rate: float = LEARNING_RATE,
    final_learning_rate: float = FINAL_LEARNING_RATE,
    dropout: float = 0.0,
) -> dict[str, Any]:
    """Return all that a training with these arguments (see `train`) depends on, ready for JSON.

    Raises
    ------
    InputError
        If the shape does not fit the images or a number is out of range.
    """
    shape.check_fits(images)
    settings = {
        "network": str(shape),
        "images_id": images.content_id,
        "epochs": epochs,
        "seed": seed,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "final_learning_rate": final_learning_rate,
        "dropout": dropout,
        "flips": flip.identity if isinstance(flip, RandomFlips) else flip and repr(flip),
    }
    _check_numbers(settings, images)
    return settings


def train(
    shape: NetworkShape,
    images: ImageSet,
    *,
    epochs: int,
    seed: int,
    flip: Flip | None = None,
    batch_size: int = BATCH_SIZE,
    learning_rate: float = LEARNING_RATE,
    final_learning_rate: float = FINAL_LEARNING_RATE,
    dropout: float = 0.0,
    checkpoint: Path | None = None,
    on_epoch: Callable[[int, float, float], None] | None = None,
) -> TrainedNetwork:
    """Train a network; the same arguments give the same network on the same machine.

    Parameters
    ----------
    shape : NetworkShape
        Must fit the images.
    images : ImageSet
        Trained on its training images; the test images are only scored.
    epochs : int
        Passes over the training images.
    seed : int
        Of the first weights, the order of the images and the dropout. torch's global random
        state is neither read nor changed.
    flip : callable, optional
        The faults of adapted training, from sign weights to sign weights, called for every layer
        at every iteration; for instance a fresh `RandomFlips`. Without, training is plain.
    batch_size : int
        Images an iteration; a remainder is spread over the batches.
    learning_rate, final_learning_rate : float
        Adam's rate in the first and the last epoch, before the scaling of each layer.
    dropout : float
        Share of hidden activations dropped at each iteration. None by default: it only pays with
        networks much wider, and trainings much longer, than the defaults here.
    checkpoint : Path, optional
        File that keeps the state after every epoch. Where it exists, training goes on from it
        and ends with the same network as an uninterrupted one.
    on_epoch : callable, optional
        Called with (epochs done, loss, accuracy) after each epoch and its checkpoint.

    Raises
    ------
    InputError
        If the shape does not fit the images, a number is out of range, or the checkpoint is
        damaged or of another training.
    """
    settings = training_settings(
        shape,
        images,
        epochs=epochs,
        seed=seed,
        flip=flip,
        batch_size=batch_size,
        learning_rate=learning_rate,
        final_learning_rate=final_learning_rate,
        dropout=dropout,
    )
    if checkpoint and flip and not isinstance(flip, RandomFlips):
        raise TypeError("a training with a checkpoint needs flips whose state it can keep")
    run = _Run(shape, images, flip, settings)
    saved = load_checkpoint(checkpoint, settings=settings) if checkpoint else None
    if checkpoint and saved:
        run.restore(saved, checkpoint)
    with threads_for(shape.weight_count):
        while len(run.history) < epochs:
            run.epoch()
            if checkpoint:
                run.checkpoint().save(checkpoint, settings=settings)
            if on_epoch:
                on_epoch(len(run.history), *run.history[-1])
    run.network.eval()
    return TrainedNetwork(run.network, history=tuple(run.history), settings=settings)


def _check_numbers(settings: dict[str, Any], images: ImageSet) -> None:
    accepted = {
        "epochs": (1, math.inf),
        "seed": (0, 2**63 - 1),
        "batch_size": (2, math.inf),
        "learning_rate": (1e-12, 1),
        "final_learning_rate": (1e-12, 1),
        "dropout": (0, 0.95),
    }
    for name, (low, high) in accepted.items():
        if not low <= settings[name] <= high:
            raise InputError(
                f"{name.replace('_', ' ')} {settings[name]}: accepted is {low} to {high}."
                if high < math.inf
                else f"{name.replace('_', ' ')} {settings[name]}: accepted is {low} or more."
            )
    if len(images.train_images) < 2:
        raise InputError(f"images {images.name}: batch norm needs two training images or more.")


class _Run:
    """A training under way: all that changes from one iteration to the next."""

    def __init__(
        self, shape: NetworkShape, images: ImageSet, flip: Flip | None, settings: dict[str, Any]
    ) -> None:
        self.images, self.flip, self.settings = images, flip, settings
        self.generator = torch.Generator().manual_seed(settings["seed"])
        self.network = BinarizedNetwork(shape, generator=self.generator)
        self.optimizer = torch.optim.Adam(_parameter_groups(self.network), lr=1.0, fused=True)
        self.history: list[tuple[float, float]] = []
        self.pixels = torch.from_numpy(images.train_images.copy())
        self.labels = torch.from_numpy(images.train_labels.astype("int64"))

    def epoch(self) -> None:
        """Pass over the training images once, in a fresh order, and note how it went."""
        self._set_rate()
        self.network.train()
        images = len(self.pixels)
        order = torch.randperm(images, generator=self.generator)
        batches = torch.tensor_split(order, max(1, images // self.settings["batch_size"]))
        total = sum(self._iteration(batch) * len(batch) for batch in batches)
        right = self.network.predictions(self.images.test_images) == self.images.test_labels
        self.history.append((total / images, float(right.mean())))

    def _iteration(self, batch: torch.Tensor) -> float:
        drop = self._drop if self.settings["dropout"] else None
        scores = self.network(self.pixels[batch].float(), self.flip, drop)
        loss = functional.cross_entropy(scores, self.labels[batch])
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        with torch.no_grad():
            for layer in self.network.layers:
                layer.latent.clamp_(-1, 1)
        return float(loss.detach())

    def _drop(self, values: torch.Tensor) -> torch.Tensor:
        kept = 1 - self.settings["dropout"]
        mask = torch.rand(values.shape, generator=self.generator) < kept
        dropped: torch.Tensor = values * (mask.to(values.dtype) / kept)
        return dropped

    def _set_rate(self) -> None:
        first, last = self.settings["learning_rate"], self.settings["final_learning_rate"]
        progress = len(self.history) / max(1, self.settings["epochs"] - 1)
        for group in self.optimizer.param_groups:
            group["lr"] = first * (last / first) ** progress * group["rate_scale"]

    def _generators(self) -> dict[str, torch.Generator]:
        flips = {"flips": self.flip.generator} if isinstance(self.flip, RandomFlips) else {}
        return {"training": self.generator, **flips}

    def checkpoint(self) -> Checkpoint:
        """Return all that the rest of the training depends on."""
        moments = {
            f"{number}/{name}": value
            for number, state in self.optimizer.state_dict()["state"].items()
            for name, value in state.items()
        }
        states = {name: item.get_state() for name, item in self._generators().items()}
        return Checkpoint(
            network=arrays_of(self.network.state_dict()),
            optimizer=arrays_of(moments),
            generators=arrays_of(states),
            history=list(self.history),
        )

    def restore(self, saved: Checkpoint, path: Path) -> None:
        """Go back to the state that was saved in `path`."""
        try:
            tensors = {name: torch.from_numpy(array) for name, array in saved.network.items()}
            self.network.load_state_dict(tensors)
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for name, array in saved.optimizer.items():
                number, _, key = name.partition("/")
                moments.setdefault(int(number), {})[key] = torch.from_numpy(array)
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
            for name, generator in self._generators().items():
                generator.set_state(torch.from_numpy(saved.generators[name]))
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            raise InputError(
                f"{path}: this checkpoint is damaged; delete it to train anew."
            ) from error
        self.history = list(saved.history)


def _parameter_groups(network: BinarizedNetwork) -> list[dict[str, Any]]:
    # Glorot's bound is how far apart the weights of a layer would lie if they were not binary;
    # a rate that is divided by it moves latent weights of [-1, 1] as fast in every layer.
    # Without it, wide layers hardly flip a sign and training stalls.
    weights = [
        {
            "params": [layer.latent],
            "rate_scale": 1 / math.sqrt(1.5 / sum(layer.latent.shape)),
        }
        for layer in network.layers
    ]
    norms = [value for layer in network.layers for value in (layer.gamma, layer.beta)]
    return [*weights, {"params": norms, "rate_scale": 1.0}]
