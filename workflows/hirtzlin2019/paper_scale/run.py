"""Train the paper's networks at full width, and what its figures rest on, with several seeds.

    python run.py RESULTS [--device cuda] [--parts mnist,cifar10] [--minutes 8] ...
    python run.py RESULTS --check [--device cuda]

Made for a graphics processor. Each network is a file in RESULTS/networks, its accuracies one in
RESULTS/accuracy; interrupted, the same command goes on. `--check` first compares the device's loss
and gradients with the processor's, and says how long an iteration takes. `table.py` makes the
tables of what came out.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import pandas as pd
import torch

from rramsim.crossbar.faults import IidFaults
from rramsim.errors import InputError
from rramsim.files import make_folder, write_text
from rramsim.images.catalogue import load_images
from rramsim.images.image_set import ImageSet
from rramsim.network.shape import COURBARIAUX_CIFAR10, NetworkShape
from rramsim.network.training.flip_kernels import flip_signs
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.train import train
from rramsim.network.training.trainer import TrainingRun
from rramsim.study.evaluate import evaluate

MNIST_BERS = (0.0, 0.001, 0.01, 0.02, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3)
CIFAR_BERS = (0.0, 0.001, 0.01, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2)


@dataclass(frozen=True)
class Training:
    """One network to train and to score.

    Attributes
    ----------
    part : str
        What it is for, a key of `PARTS`.
    images : str
        ``"mnist"`` or ``"cifar10"``.
    hidden : str
        Hidden layers at the paper's width, which `factor` is a share of.
    training_ber : float
    method : Method
    bers : tuple of float
        Where it is scored.
    seed : int
    arithmetic : str, optional
        See `rramsim.train`.
    """

    part: str
    images: str
    hidden: str
    factor: float
    training_ber: float
    method: Method
    bers: tuple[float, ...]
    seed: int = 1
    arithmetic: str | None = None

    @property
    def name(self) -> str:
        """What its files are called."""
        rate = f"rate-{self.method.learning_rate:g}"
        parts = [self.part, f"factor-{self.factor:g}", f"epochs-{self.method.epochs}", rate]
        parts += [self.arithmetic] if self.arithmetic else []
        return "-".join([*parts, f"ber-{self.training_ber:g}", f"seed-{self.seed}"])

    def shape(self, images: ImageSet) -> NetworkShape:
        """Return its layers; pixels enter from -1 (black) to +1, as in the paper."""
        shape = NetworkShape.between(images, self.hidden, width_factor=self.factor)
        return replace(shape, signed_levels=images.levels)


def _figures(part: str, epochs: int, bers: Sequence[float]) -> list[Training]:
    method = Method.of_recipe("courbariaux2016", epochs=epochs)
    one = Training(part, "mnist", "4096-4096", 1.0, 0.0, method, MNIST_BERS)
    return [replace(one, training_ber=ber) for ber in bers]


def _cifar10(part: str, factor: float, method: Method) -> list[Training]:
    one = Training(part, "cifar10", COURBARIAUX_CIFAR10, factor, 0.0, method, CIFAR_BERS)
    return [replace(one, training_ber=ber) for ber in (0.0, 0.15)]


def _rates() -> list[Training]:
    paper = Method.of_recipe("courbariaux2016", convolutional=True, epochs=10)
    faster = replace(paper, learning_rate=1e-2, final_learning_rate=1e-4)
    return [training for method in (paper, faster) for training in _cifar10("rates", 0.25, method)]


def _arithmetic() -> list[Training]:
    one = Training("arithmetic", "mnist", "256-256", 1.0, 0.0, Method(10), MNIST_BERS)
    return [
        replace(one, training_ber=ber, arithmetic=arithmetic)
        for ber in (0.0, 0.15)
        for arithmetic in ("float32", "bfloat16")
    ]


PARTS = {
    "mnist": _figures("mnist", 60, (0.0, 0.15, 0.3)),
    "cifar10": _cifar10(
        "cifar10", 1.0, Method.of_recipe("courbariaux2016", convolutional=True, epochs=30)
    ),
    "figure4": _figures("figure4", 20, (0.0, 0.01, 0.05, 0.1, 0.15, 0.2, 0.3)),
    "rates": _rates(),
    "arithmetic": _arithmetic(),
}
"""Trainings by what they are for.

mnist: the paper's network, longer; figure4: the same for all training BERs of the figure;
cifar10: the paper's network; rates: whether the maxima of figure 5 hang on Adam's rate;
arithmetic: whether float32 and bfloat16 give networks that stand bit errors alike."""


def run(training: Training, images: ImageSet, out: Path, *, device: str, chips: int) -> None:
    """Train one network into a file and score it, unless that is done."""
    rows = out / "accuracy" / f"{training.name}.csv"
    if rows.exists():
        return
    began = time.monotonic()
    saved = train(
        images,
        network=training.shape(images),
        training_ber=training.training_ber,
        method=training.method,
        seed=training.seed,
        file=out / "networks" / f"{training.name}.safetensors",
        device=device,
        arithmetic=training.arithmetic,
    )
    trained = time.monotonic()
    faults = [IidFaults(ber) for ber in training.bers]
    found = evaluate(saved, faults, images=images, chips=chips, device=device)
    values = {name: found[name].values for name in ("accuracy", "accuracy_low", "accuracy_high")}
    write_text(
        rows,
        pd.DataFrame(
            {
                "part": training.part,
                "images": training.images,
                "network": str(saved.folded),
                "epochs": training.method.epochs,
                "learning_rate": training.method.learning_rate,
                "arithmetic": saved.metadata["arithmetic"],
                "training_ber": training.training_ber,
                "seed": training.seed,
                "mean_over_spread": saved.mean_over_spread,
                "test_ber": training.bers,
                "chips": found.chips.values,
                **values,
            }
        ).to_csv(index=False, lineterminator="\n"),
    )
    took = f"trained in {trained - began:.0f} s, scored in {time.monotonic() - trained:.0f} s"
    print(f"{training.name}: {values['accuracy'][0]:.4f} without errors, {took}", flush=True)


def run_all(
    trainings: Sequence[Training],
    images: dict[str, ImageSet],
    out: Path,
    *,
    device: str,
    minutes: float,
    chips: int,
) -> None:
    """Run trainings in their order, and begin none that may not end in time.

    One after the other: a graphics processor that captured iterations keep busy does no more in
    several processes, which it serves in turns.
    """
    end = time.monotonic() + 60 * minutes
    took: dict[tuple[str, float, int], float] = {}
    for training in trainings:
        kind = (training.part, training.factor, training.method.epochs)
        began = time.monotonic()
        if began + took.get(kind, 0.0) > end:
            print(f"{training.name}: not begun, no time is left", flush=True)
            continue
        run(training, images[training.images], out, device=device, chips=chips)
        took[kind] = max(took.get(kind, 0.0), time.monotonic() - began)


def check(
    trainings: Sequence[Training], images: dict[str, ImageSet], *, device: str
) -> Iterator[str]:
    """Compare the first iteration on a device with the processor's, with the same flips."""
    for name, training in {training.images: training for training in trainings}.items():
        plain = replace(training, method=replace(training.method, dropout=0.0, input_dropout=0.0))
        for dtype, near in ((torch.float32, 1e-4), (torch.bfloat16, 0.1)):
            runs = [_started(plain, images[name], where, dtype) for where in ("cpu", device)]
            for each in runs:
                each.faults = _from_the_processor
                for layer in each.network.layers:
                    # Sums that are the mean to the last bit would be signs by rounding alone.
                    layer.beta.data.fill_(0.0123)
            batch = torch.arange(50)
            losses = [float(each.iteration(batch.to(each.device), 0)) for each in runs]
            apart = max(
                float(
                    (one.latent.grad.cpu() - other.latent.grad.cpu()).norm()
                    / one.latent.grad.cpu().norm()
                )
                for one, other in zip(*(each.network.layers for each in runs), strict=True)
            )
            sentence = (
                f"{name}, {dtype}: loss {losses[0]:.6g} on the processor, {losses[1]:.6g} on "
                f"{device}; gradients {apart:.1e} apart"
            )
            if not (abs(losses[1] / losses[0] - 1) < near and apart < 10 * near):
                raise InputError(f"{sentence}: this is more than rounding.")
            yield sentence
        yield f"{name}: {_captured(training, images[name], device)}"


def _captured(training: Training, images: ImageSet, device: str) -> str:
    """Return that iterations as they are run are those done operation by operation."""
    runs = [_started(training, images, device, None) for _ in range(2)]
    batches = torch.arange(120, device=device).view(12, 10)
    losses = [
        [float(one.next_iteration(batch, number)), float(other.iteration(batch, number))]
        for one, other in (runs,)
        for number, batch in enumerate(batches)
    ]
    for one, other in zip(*(each.network.state_dict().values() for each in runs), strict=True):
        if not torch.equal(one, other):
            raise InputError(f"iterations differ from those done one by one: losses {losses}")
    return f"{len(batches)} iterations, captured or not, give the same network bit by bit"


def times(
    trainings: Sequence[Training], images: dict[str, ImageSet], *, device: str, iterations: int
) -> Iterator[str]:
    """Time iterations of each kind of training on a device."""
    for part, training in {training.part: training for training in trainings}.items():
        each = _started(training, images[training.images], device, None)
        batch = torch.arange(training.method.batch_size, device=device)
        seconds = []
        for number in range(iterations + 10):
            if number == 10:
                _wait(device)
                seconds.append(time.perf_counter())
            each.next_iteration(batch, number)
        _wait(device)
        seconds.append(time.perf_counter())
        took = (seconds[1] - seconds[0]) / iterations
        whole = took * training.method.epochs * len(each.pixels) / training.method.batch_size
        yield (
            f"{part}: {1e3 * took:.2f} ms an iteration, {whole:.0f} s a network ({each.arithmetic})"
        )


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def _started(
    training: Training, images: ImageSet, device: str, dtype: torch.dtype | None
) -> TrainingRun:
    faults = RandomFlips.iid(training.training_ber, seed=1) if training.training_ber else None
    plan = TrainingPlan(training.shape(images), images, training.method, 1, faults=faults)
    if dtype is None:
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
    run = TrainingRun(
        plan,
        score=lambda folded: 0.0,
        validate=(lambda folded: 0.0) if training.method.validation_share else None,
        device=device,
        dtype=dtype,
    )
    run.set_rate(training.method.rate(0))
    run.network.train()
    return run


def _from_the_processor(signs: torch.Tensor, *, layer: int, iteration: int) -> torch.Tensor:
    read = signs.cpu().clone()
    flip_signs(read, key=7 * iteration + layer, ber_lrs=0.15, ber_hrs=0.15)
    return read.to(signs.device)


def main() -> None:
    """Read the command and run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--parts", default="mnist,cifar10")
    parser.add_argument("--mnist", default="mnist", help="name or folder of the images")
    parser.add_argument("--cifar10", default="cifar10", help="name or folder of the images")
    parser.add_argument("--trainings", type=int, default=1, help="seeds of each network")
    parser.add_argument("--minutes", type=float, default=8, help="no training begins after them")
    parser.add_argument("--chips", type=int, default=5, help="chips drawn for each BER")
    parser.add_argument("--factor", type=float, help="share of the paper's width, for a trial")
    parser.add_argument("--epochs", type=int, help="for a trial")
    parser.add_argument("--iterations", type=int, default=50, help="that --check takes the time of")
    parser.add_argument("--check", action="store_true", help="compare with the processor, time")
    asked = parser.parse_args()
    trainings = list(_asked(asked))
    names = {training.images for training in trainings}
    images = {name: load_images(getattr(asked, name)) for name in sorted(names)}
    if asked.check:
        for line in chain(
            check(trainings, images, device=asked.device),
            times(trainings, images, device=asked.device, iterations=asked.iterations),
        ):
            print(line, flush=True)
        return
    for folder in ("networks", "accuracy"):
        make_folder(asked.results / folder)
    run_all(
        trainings,
        images,
        asked.results,
        device=asked.device,
        minutes=asked.minutes,
        chips=asked.chips,
    )
    rows = [pd.read_csv(path) for path in sorted((asked.results / "accuracy").glob("*.csv"))]
    if rows:
        table = pd.concat(rows).sort_values(["part", "network", "training_ber", "seed"])
        write_text(asked.results / "accuracy.csv", table.to_csv(index=False, lineterminator="\n"))


def _asked(asked: argparse.Namespace) -> Iterator[Training]:
    """Return the trainings, all of a seed before the next one."""
    for part in asked.parts.split(","):
        if part not in PARTS:
            raise InputError(f"part {part!r}: accepted are {', '.join(PARTS)}.")
    for seed in range(1, asked.trainings + 1):
        for part in asked.parts.split(","):
            for training in PARTS[part]:
                method = training.method
                if asked.epochs:
                    method = replace(method, epochs=asked.epochs)
                factor = asked.factor or training.factor
                yield replace(training, seed=seed, method=method, factor=factor)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
