"""Train a binarized network, plain or adapted to bit errors.

The method is that of M. Courbariaux et al. 2016 (arXiv 1602.02830): real-valued latent weights in
[-1, 1] whose signs compute, batch norm, sign activations with a straight-through estimator, Adam
with each layer's rate scaled by its fan. Adapted training flips a fresh random set of sign weights
at every iteration (T. Hirtzlin et al. 2019, arXiv 1904.03652).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from rramsim.errors import DamagedError
from rramsim.files import set_aside, why_damaged
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.folded.sums import check_device
from rramsim.network.training.augmentation import augment
from rramsim.network.training.chance import Purpose, key
from rramsim.network.training.checkpoint import Checkpoint, arrays_of, load_checkpoint
from rramsim.network.training.flip_kernels import flip_by_torch
from rramsim.network.training.flips import RandomFlips
from rramsim.network.training.losses import loss_of
from rramsim.network.training.model import BinarizedLayer, BinarizedNetwork, fold
from rramsim.network.training.plan import TrainingPlan
from rramsim.parallel import go_on


class Epoch(NamedTuple):
    """What an epoch ended with.

    Attributes
    ----------
    loss : float
        Mean over its batches.
    accuracy : float
        Share of the test images that the folded network classifies correctly without faults.
    validation : float or None
        The same of the training images kept aside; None where none are.
    """

    loss: float
    accuracy: float
    validation: float | None = None

    @property
    def numbers(self) -> tuple[float, ...]:
        """Those that there are, for a file."""
        return tuple(value for value in self if value is not None)


History = tuple[Epoch, ...]

OnEpoch = Callable[[History], None]

Score = Callable[[FoldedNetwork], float]
"""From a folded network to the share of some images that it classifies correctly."""


SAVING_SHARE = 0.05
"""Greatest share of its time that a training spends on writing checkpoints."""


def run_training(
    plan: TrainingPlan,
    *,
    score: Score,
    validate: Score | None = None,
    checkpoint: Path | None = None,
    on_epoch: OnEpoch | None = None,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
) -> TrainingRun:
    """Train a network; the same arguments give the same network on the same machine.

    torch's global random state is neither read nor changed.

    Parameters
    ----------
    plan : TrainingPlan
    score : callable
        Called with the folded network after each epoch, on the test images. It chooses nothing.
    validate : callable, optional
        The same on the training images kept aside (`TrainingPlan.split`), which choose the epoch
        that is the result. It is needed where the method keeps a share; without one the last epoch
        is the result.
    checkpoint : Path, optional
        File that keeps the state after an epoch: after each one, unless writing took so long the
        last time that it would take more than `SAVING_SHARE` of the training. Where it exists,
        training goes on from it and ends with the same network as an uninterrupted one.
    on_epoch : callable, optional
        Called with the history so far after each epoch, once its checkpoint is written if
        it has one.
    device : str
        Where torch computes.
    dtype : torch.dtype, optional
        What sums are computed with; the fastest the device has, where none is given. Weights,
        activations and pixels are exact in bfloat16; sums and gradients are rounded to 8 bits.

    Returns
    -------
    TrainingRun
        After its last epoch, with the network that is the result, on the processor.

    Raises
    ------
    InputError
        If the plan cannot be done, the device is not there, or the checkpoint is of another
        training. One that is damaged is set aside, and the training begins anew.
    """
    settings = plan.settings()
    check_device(device)
    with one_thread() if plan.is_small else nullcontext(), _exact_convolutions(device):
        new_run = partial(
            TrainingRun,
            plan,
            score=score,
            validate=validate,
            device=device,
            dtype=dtype or sum_dtype(device),
        )
        run = new_run()
        kept = {**settings, "arithmetic": run.arithmetic}
        try:
            saved = load_checkpoint(checkpoint, settings=kept) if checkpoint else None
            if checkpoint and saved:
                run.restore(saved, checkpoint)
        except DamagedError as error:
            assert checkpoint
            set_aside(checkpoint, why_damaged(checkpoint, error))
            # Some of it may have been taken over before the rest was found to be damaged.
            run = new_run()
        due = 0.0
        while len(run.history) < plan.method.epochs:
            run.epoch()
            if checkpoint and time.monotonic() >= due:
                began = time.monotonic()
                run.checkpoint().save(checkpoint, settings=kept)
                due = time.monotonic() + (time.monotonic() - began) / SAVING_SHARE
            if on_epoch:
                on_epoch(run.history)
        run.take_best()
    run.network.to("cpu").eval()
    return run


class TrainingRun:
    """A training under way: all that changes from one iteration to the next; see `run_training`.

    Attributes
    ----------
    network : BinarizedNetwork
        As it is after the last epoch, or the best one once that is taken;
        `rramsim.network.training.model.fold` makes the chip's form of it.
    history : tuple of Epoch
    arithmetic : str
        What is computed with, such as ``"cpu bfloat16"``.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        *,
        score: Score,
        validate: Score | None = None,
        device: str,
        dtype: torch.dtype,
    ) -> None:
        if (validate is None) == bool(plan.method.validation_share):
            raise ValueError("validation images are scored where the method keeps some aside")
        self.method, self.faults, self.score = plan.method, plan.seeded_faults, score
        self.validate = validate
        self.image_shape = plan.images.image_shape
        self.device = torch.device(device)
        is_cuda = self.device.type == "cuda"
        self.arithmetic = f"{self.device.type} {str(dtype).removeprefix('torch.')}"
        # The first weights are the same on every device, as is the order of the images.
        first = torch.Generator().manual_seed(plan.seed)
        network = BinarizedNetwork(
            plan.shape,
            generator=first,
            dtype=dtype,
            normed_scores=self.method.normed_scores,
        )
        self.network = network.to(device)
        self.optimizer = torch.optim.Adam(
            _parameter_groups(self.network),
            lr=1.0,
            fused=True,
            capturable=is_cuda,
        )
        if is_cuda:
            # A rate that is part of a captured iteration lies where it computes.
            for group in self.optimizer.param_groups:
                group["lr"] = torch.ones((), device=device)
        self.loss = loss_of(self.method, inputs=plan.shape.widths[-2])
        self.history: History = ()
        self.chance = _Chance(plan.seed, self.device)
        self._captured: dict[int, _CapturedIteration] = {}
        self._can_be_captured = is_cuda and (
            self.faults is None or (isinstance(self.faults, RandomFlips) and not self.faults.mixed)
        )
        self.best: dict[str, torch.Tensor] = {}
        learnt, _ = plan.split()
        self.pixels = torch.from_numpy(plan.images.train_images[learnt]).to(device)
        self.labels = torch.from_numpy(plan.images.train_labels[learnt].astype("int64")).to(device)

    @property
    def best_epoch(self) -> int:
        """Number of the epoch that is the result so far, counted from 0."""
        if self.validate is None:
            return len(self.history) - 1
        shares = [epoch.validation or 0.0 for epoch in self.history]
        # The later of equals has learnt more.
        return max(range(len(shares)), key=lambda number: (shares[number], number))

    def epoch(self) -> None:
        """Pass over the training images once, in a fresh order, and note how it went."""
        self.set_rate(self.method.rate(len(self.history)))
        self.network.train()
        images = len(self.pixels)
        order = self.chance.order(images, len(self.history)).to(self.device)
        batches = torch.tensor_split(order, max(1, images // self.method.batch_size))
        done = len(self.history) * len(batches)
        losses = [
            self.next_iteration(batch, done + number) * len(batch)
            for number, batch in enumerate(batches)
        ]
        loss = float(torch.stack(losses).sum()) / images
        folded = fold(self.network)
        validation = self.validate(folded) if self.validate else None
        self.history = (*self.history, Epoch(loss, self.score(folded), validation))
        if self.validate and self.best_epoch == len(self.history) - 1:
            self.best = {
                name: value.detach().clone() for name, value in self.network.state_dict().items()
            }

    def take_best(self) -> None:
        """Make the network that of the best epoch, where validation images choose one."""
        if self.best:
            self.network.load_state_dict(self.best)

    def next_iteration(self, batch: torch.Tensor, iteration: int) -> torch.Tensor:
        """Learn from the training images `batch` (their numbers) and return the loss.

        Where it can be, an iteration on a graphics processor is captured once for each size of
        batch: its hundreds of small operations are then started at once, and not one by one by a
        processor that is slower than they are.
        """
        go_on()
        if not self._can_be_captured:
            return self.iteration(batch, iteration)
        if len(batch) not in self._captured:
            self._captured[len(batch)] = _CapturedIteration(self)
        return self._captured[len(batch)](batch, iteration)

    def iteration(self, batch: torch.Tensor, iteration: int) -> torch.Tensor:
        """Do what `next_iteration` does, operation by operation."""
        self.chance.begin(iteration)
        return self.learn(batch, iteration)

    def learn(self, batch: torch.Tensor, iteration: int) -> torch.Tensor:
        """Do what an iteration does once its chance is ready."""
        pixels = self.pixels[batch]
        shift, mirror = self.method.shift, self.method.mirror
        if shift or mirror:
            chance = self.chance.generator(Purpose.AUGMENTATION)
            pixels = augment(pixels, self.image_shape, chance, shift=shift, mirror=mirror)
        flip = partial(self._flipped, iteration) if self.faults else None
        scores = self.network(
            pixels.float(),
            flip,
            self._drop if self.method.drops else None,
            straight_through=self.method.straight_through,
            batch_norm_gradient=self.method.batch_norm_gradient,
        )
        loss = self.loss(scores, self.labels[batch])
        # The layers write the gradients of the latent weights; those of batch norm add up.
        for value in _norm_parameters(self.network):
            value.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        for layer in self.network.layers:
            layer.confine()
        return loss.detach()

    def set_rate(self, rate: float) -> None:
        """Let Adam go on with this rate, scaled for each layer."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate * group["rate_scale"])
            else:
                group["lr"] = rate * group["rate_scale"]

    def _flipped(self, iteration: int, signs: torch.Tensor, layer: int) -> torch.Tensor:
        assert self.faults is not None
        if self.device.type == "cpu" or not isinstance(self.faults, RandomFlips):
            return self.faults(signs, layer=layer, iteration=iteration)
        ber_lrs, ber_hrs = self.faults.rates(layer, iteration)
        if ber_lrs or ber_hrs:
            chance = self.chance.generator(Purpose.FLIPS, layer)
            flip_by_torch(signs, chance, ber_lrs=ber_lrs, ber_hrs=ber_hrs)
        return signs

    def _drop(self, values: torch.Tensor, layer: int) -> torch.Tensor:
        dropped = self.method.dropout if layer else self.method.input_dropout
        if not dropped:
            return values
        kept = 1 - dropped
        chance = self.chance.generator(Purpose.DROPOUT, layer)
        draws = torch.rand(values.shape, generator=chance, device=self.device)
        return values * ((draws < kept).to(values.dtype) / kept)

    def checkpoint(self) -> Checkpoint:
        """Return all that the rest of the training depends on."""
        moments = {
            f"{number}/{name}": value
            for number, state in self.optimizer.state_dict()["state"].items()
            for name, value in state.items()
        }
        return Checkpoint(
            network=arrays_of(self.network.state_dict()),
            optimizer=arrays_of(moments),
            best=arrays_of(self.best),
            history=[epoch.numbers for epoch in self.history],
        )

    def restore(self, saved: Checkpoint, path: Path) -> None:
        """Go back to the state that was saved in `path`."""
        try:
            tensors = {name: torch.from_numpy(array) for name, array in saved.network.items()}
            self.network.load_state_dict(tensors)
            if {name: array.shape for name, array in saved.optimizer.items()} != self._moments():
                # Adam does not look, and its fused form crashes.
                raise ValueError("these are not Adam's moments of this network")
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for name, array in saved.optimizer.items():
                number, _, key = name.partition("/")
                moments.setdefault(int(number), {})[key] = torch.from_numpy(array)
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
            self.best = {
                name: torch.from_numpy(array).to(self.device) for name, array in saved.best.items()
            }
            self.history = tuple(Epoch(*epoch) for epoch in saved.history)
            if bool(self.best) != bool(self.validate and self.history):
                raise ValueError("the network of the best epoch is kept where one is chosen")
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            raise DamagedError(f"{path}: this checkpoint is damaged ({error}).") from error

    def _moments(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what Adam keeps of each parameter, by its names in a checkpoint."""
        parameters = [value for group in self.optimizer.param_groups for value in group["params"]]
        return {
            f"{number}/{name}": () if name == "step" else tuple(value.shape)
            for number, value in enumerate(parameters)
            for name in ("step", "exp_avg", "exp_avg_sq")
        }


@contextmanager
def _exact_convolutions(device: str) -> Iterator[None]:
    """Let a graphics processor neither choose algorithms by their time nor shorten float32.

    So a training that goes on ends with the identical network there, too.
    """
    if torch.device(device).type != "cuda":
        # What is set here holds for all threads, of which several may train at once.
        yield
        return
    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    ):
        yield


class _Chance:
    """Generators on a device, one for each use within an iteration, seeded by its key."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.seed, self.device, self.iteration = seed, device, 0
        self.uses: dict[tuple[Purpose, int], torch.Generator] = {}

    def begin(self, iteration: int) -> None:
        """Make all generators ready for an iteration."""
        self.iteration = iteration
        for use, generator in self.uses.items():
            generator.manual_seed(self._key(*use))

    def generator(self, purpose: Purpose, layer: int = 0) -> torch.Generator:
        """Return the generator for what is drawn once in an iteration."""
        use = purpose, layer
        if use not in self.uses:
            self.uses[use] = torch.Generator(self.device).manual_seed(self._key(*use))
        return self.uses[use]

    def order(self, images: int, epoch: int) -> torch.Tensor:
        """Return the order of the images in an epoch, the same on every device."""
        chance = torch.Generator().manual_seed(key(self.seed, Purpose.ORDER, epoch) % 2**63)
        return torch.randperm(images, generator=chance)

    def _key(self, purpose: Purpose, layer: int) -> int:
        return key(self.seed, purpose, self.iteration, layer) % 2**63


FIRST_ITERATIONS = 3
"""Run operation by operation before one is captured, as CUDA's libraries want it."""


class _CapturedIteration:
    """The iteration of a training as one graph of CUDA, for batches of one size.

    The graph does the same as the operations one by one, bit by bit.
    """

    def __init__(self, run: TrainingRun) -> None:
        self.run = run
        self.done = 0
        self.stream = torch.cuda.Stream(run.device)  # type: ignore[no-untyped-call]
        self.graph = torch.cuda.CUDAGraph()

    def __call__(self, batch: torch.Tensor, iteration: int) -> torch.Tensor:
        """Learn from a batch and return the loss."""
        if self.done < FIRST_ITERATIONS:
            self.done += 1
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                loss = self.run.iteration(batch, iteration)
            torch.cuda.current_stream().wait_stream(self.stream)
            return loss
        if self.done == FIRST_ITERATIONS:
            self.done += 1
            self.batch = batch.clone()
            for generator in self.run.chance.uses.values():
                self.graph.register_generator_state(generator)
            with torch.cuda.graph(self.graph, stream=self.stream):
                self.loss = self.run.learn(self.batch, iteration)
        self.batch.copy_(batch)
        self.run.chance.begin(iteration)
        self.graph.replay()
        return self.loss.clone()


def _parameter_groups(network: BinarizedNetwork) -> list[dict[str, Any]]:
    # Glorot's bound is how far apart the weights of a layer would lie if they were not binary;
    # a rate that is divided by it moves latent weights of [-1, 1] as fast in every layer.
    # Without it, wide layers hardly flip a sign and training stalls.
    weights = [
        {"params": [layer.latent], "rate_scale": 1 / math.sqrt(1.5 / _fans(layer))}
        for layer in network.layers
    ]
    return [*weights, {"params": _norm_parameters(network), "rate_scale": 1.0}]


def _norm_parameters(network: BinarizedNetwork) -> list[torch.nn.Parameter]:
    normed = [layer for layer in network.layers if layer.normed]
    return [value for layer in normed for value in (layer.gamma, layer.beta)]


def _fans(layer: BinarizedLayer) -> int:
    """Return fan in plus fan out; each place of a filter counts."""
    neurons, inputs, *places = layer.latent.shape
    return (neurons + inputs) * math.prod(places)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def sum_dtype(device: str) -> torch.dtype:
    """Return bfloat16 where the device multiplies it in hardware, else float32.

    Processors without such instructions emulate bfloat16, which is far slower than float32.
    """
    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float32
    capability = torch.backends.cpu.get_cpu_capability()
    is_fast = capability == "AVX512" and getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return torch.bfloat16 if is_fast else torch.float32
