"""What do the operations after a product make of its sums: is each neuron's sign its own?

Nothing is asked of the names of operations. They are run on chosen sums in the shape that the
module was traced with, and what they do is found and then checked: that each value depends on one
sum only, that all places of a filter are treated alike, and that outputs are -1 below one sum and
+1 from it on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from rramsim.errors import InputError
from rramsim.network.folded.fold import first_firing
from rramsim.network.importing.operations import BATCH, operation, refused
from rramsim.network.importing.trace import Chain, Stage

SIGN_TOLERANCE = 1e-4
"""How far from -1 and +1 signs may lie: straight-through estimators leave rounding errors."""

MOST_PROBES = 1 << 22
"""Values at which a step is checked: all sums of a layer, where there are no more."""

MIXED_ROUNDS = 8
"""How often sums around the thresholds are mixed at random over images, neurons and places."""


@dataclass(frozen=True, eq=False)
class Product:
    """What a layer of the module computes from whole-number sums, ``sum * slope + at_zero``.

    Attributes
    ----------
    stage : Stage
    signs : int8 array
        The weights' signs.
    slope, at_zero : float64 array, shape (neurons,)
        The magnitude of the weights and the input's map; then the bias is added.
    greatest_sum : int
        No sum is beyond -greatest_sum..greatest_sum.
    step : int
        From one sum that can occur to the next: 2 where a fixed number of inputs is -1 or +1.
    """

    stage: Stage
    signs: NDArray[np.int8]
    slope: NDArray[np.float64]
    at_zero: NDArray[np.float64]
    greatest_sum: int
    step: int

    def values(
        self, sums: NDArray[np.int64], *, dtype: torch.dtype = torch.float32
    ) -> torch.Tensor:
        """Return what the layer gives for sums of shape (images, neurons, ...)."""
        others = (1,) * (sums.ndim - 2)
        slope, at_zero = (array.reshape(-1, *others) for array in (self.slope, self.at_zero))
        values = torch.from_numpy(sums * slope + at_zero).to(dtype)
        if self.stage.bias is not None:
            values = values + self.stage.bias.reshape(-1, *others)
        return values

    @property
    def neurons(self) -> int:
        """Neurons, or filters."""
        return len(self.signs)

    @property
    def outputs_shape(self) -> tuple[int, int, int]:
        """Neurons, and height and width of what the chain gives on: 1 and 1 without filters."""
        height, width = (*self.stage.output_shape[1:], 1, 1)[:2]
        pool = 2 if self.stage.chain.pool else 1
        return self.neurons, height // pool, width // pool


@dataclass(frozen=True, eq=False)
class Steps:
    """When outputs are +1: where ``direction * sum >= threshold``, else they are -1.

    The module may write these as plus and minus another number, `level`, one for all neurons.
    Four that are pooled give +1 where any of them is, or where all of them are.

    Attributes
    ----------
    thresholds : int64 array, shape (neurons,)
    directions : int8 array, shape (neurons,)
    pool_all : bool array, shape (neurons,)
    level : float
    """

    thresholds: NDArray[np.int64]
    directions: NDArray[np.int8]
    pool_all: NDArray[np.bool_]
    level: float


def steps_of(product: Product) -> Steps:
    """Find the steps of a layer's neurons, and check that there is nothing else.

    Raises
    ------
    InputError
        If what follows the product does not act on each neuron alone, or is no sign.
    """
    check_alone(product)
    greatest = product.greatest_sum
    low, high = (_fires(product, np.full(product.neurons, end * greatest)) for end in (-1, 1))
    directions = np.where(low & ~high, -1, 1).astype(np.int8)
    thresholds = first_firing(
        lambda sums: _fires(product, sums * directions),
        neurons=product.neurons,
        greatest_sum=greatest,
    )
    level = float(np.abs(outputs_at(product, thresholds[np.newaxis] * directions + 1)).max())
    steps = Steps(
        thresholds,
        directions,
        pool_all=_pools_all(product, thresholds, directions),
        level=1.0 if abs(level - 1) <= SIGN_TOLERANCE or not np.isfinite(level) else level,
    )
    _check_steps(product, steps)
    return steps


def _pools_all(
    product: Product, thresholds: NDArray[np.int64], directions: NDArray[np.int8]
) -> NDArray[np.bool_]:
    """Return for which filters one of four that is +1 does not make the pooled output +1.

    The greatest of four values is taken, then what follows must give a sign. Where that rises with
    the value, one +1 is enough; where it falls, as by a batch norm of negative scale, the greatest
    value gives -1, so all four must be on the side of +1.
    """
    if not product.stage.chain.pool:
        return np.zeros(product.neurons, dtype=np.bool_)
    greatest = product.greatest_sum
    shape = (BATCH, *product.stage.output_shape)
    by_filter = (-1, 1, 1)
    sums = np.broadcast_to((thresholds - 1).reshape(by_filter), shape).copy()
    sums[:, :, ::2, ::2] = thresholds.reshape(by_filter)
    oriented = np.multiply(sums, directions.reshape(by_filter), dtype=np.int64)
    found = product.stage.chain(product.values(oriented)).reshape(BATCH, *product.outputs_shape)
    has_step = (-greatest < thresholds) & (thresholds <= greatest)
    silent: NDArray[np.bool_] = has_step & (found[0, :, 0, 0].numpy() < 0)
    return silent


def outputs_at(
    product: Product, sums: NDArray[np.int64], *, dtype: torch.dtype = torch.float32
) -> NDArray[np.float64]:
    """Return what the module makes of sums, both of shape (probes, neurons).

    Probes are spread over the images and places of a batch, so they must be known to be apart
    (`check_alone`). Sums that are pooled together are equal.
    """
    neurons, height, width = product.outputs_shape
    chain = product.stage.chain
    chain = chain.in_double() if dtype == torch.float64 else chain
    at_once = BATCH * height * width
    outputs = np.empty(sums.shape)
    for start in range(0, len(sums), at_once):
        part = sums[start : start + at_once]
        full = np.concatenate([part, np.repeat(part[-1:], at_once - len(part), axis=0)])
        placed = full.reshape(BATCH, height, width, neurons).transpose(0, 3, 1, 2)
        found = chain(product.values(_unpooled(product, placed), dtype=dtype)).double().numpy()
        by_probe = found.reshape(BATCH, neurons, height * width).transpose(0, 2, 1)
        outputs[start : start + at_once] = by_probe.reshape(-1, neurons)[: len(part)]
    return outputs


def _unpooled(product: Product, placed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return sums in the shape of the product, each as often as it is pooled."""
    shape = (BATCH, *product.stage.output_shape)
    if product.stage.chain.pool:
        odd = [(0, 0), (0, 0), *((0, size % 2) for size in shape[2:])]
        placed = np.pad(placed.repeat(2, axis=2).repeat(2, axis=3), odd, mode="edge")
    return np.ascontiguousarray(placed.reshape(shape))


def _fires(product: Product, sums: NDArray[np.int64]) -> NDArray[np.bool_]:
    fires: NDArray[np.bool_] = outputs_at(product, sums[np.newaxis])[0] >= 0
    return fires


def check_alone(product: Product) -> None:
    """Raise unless every value depends on one sum, and on it alike at all places.

    Every operation is run on random sums, then on the same with half of them replaced: those whose
    number has a certain bit, and those whose number lacks it, bit by bit. What changes with both
    halves depends on more than one sum, and any two sums are in different halves once.
    """
    rng = np.random.default_rng(0)
    shape = (BATCH, *product.stage.output_shape)
    first, second, _ = values = [product.values(_any_sums(product, rng, shape)) for _ in range(3)]
    chain = product.stage.chain
    if not chain.pool:
        _check_order(chain, first, second)
    else:
        before, after = chain.around_pool()
        _check_order(before, first, second)
        pooled = [torch.nn.functional.max_pool2d(before(one), 2) for one in values[:2]]
        _check_order(after, *pooled)
    for _ in range(3):
        by_neuron = _any_sums(product, rng, (1, product.neurons, *[1] * (len(shape) - 2)))
        _check_alike(product, np.broadcast_to(by_neuron, shape).copy())


def _any_sums(
    product: Product, rng: np.random.Generator, shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return random sums, as many small ones as great ones."""
    greatest = product.greatest_sum
    sums: NDArray[np.int64] = np.rint(greatest * rng.uniform(-1, 1, shape) ** 3).astype(np.int64)
    return sums


def _check_order(chain: Chain, first: torch.Tensor, second: torch.Tensor) -> None:
    """Raise unless value k of `chain` depends on input k alone."""
    numbers = torch.arange(first.numel()).reshape(first.shape)
    base = chain.all_values(first.clone())
    for bit in range(max(1, (first.numel() - 1).bit_length())):
        has_bit = (numbers >> bit) & 1 == 1
        changed = [
            _changes(base, chain.all_values(torch.where(replaced, second, first)))
            for replaced in (has_bit, ~has_bit)
        ]
        for node in chain.nodes:
            if node in changed[0] and (changed[0][node] & changed[1][node]).any():
                raise refused(node, "does not act on each neuron alone")
        with_bit, without = (
            one.get(chain.end, torch.zeros_like(has_bit)).flatten() for one in changed
        )
        if with_bit.shape != (first.numel(),):
            raise refused(chain.end, "does not give on one value for each neuron")
        if (with_bit & ~has_bit.flatten()).any() or (without & has_bit.flatten()).any():
            raise refused(chain.end, "changes the order of values")


def _changes(
    before: dict[fx.Node, object], after: dict[fx.Node, object]
) -> dict[fx.Node, torch.Tensor]:
    """Return, for each operation, which of its values changed; NaN is equal to NaN."""
    changes = {}
    for node, value in after.items():
        old = before[node]
        # What is allocated only holds whatever was in the memory.
        allocated = "empty" in operation(node)
        if isinstance(value, torch.Tensor) and isinstance(old, torch.Tensor) and not allocated:
            changes[node] = (value != old) & ~((value != value) & (old != old))
    return changes


def _check_alike(product: Product, sums: NDArray[np.int64]) -> None:
    """Raise unless values are the same at all places for sums that are."""
    chain = product.stage.chain
    values = chain.all_values(product.values(sums))
    for node in chain.nodes:
        value = values[node]
        if not isinstance(value, torch.Tensor) or value.shape[:1] != (BATCH,):
            continue
        if "empty" in operation(node):
            continue
        if value.numel() % (BATCH * product.neurons):
            continue
        by_neuron = value.reshape(BATCH, product.neurons, -1)
        same = (by_neuron == by_neuron[:1, :, :1]) | (by_neuron != by_neuron)
        if not same.all():
            raise refused(node, "does not act on each neuron or filter alike")


def _check_steps(product: Product, steps: Steps) -> None:
    """Raise unless outputs are -1 below the threshold and +1 above; at it 0 is taken for +1."""
    for sums in _probed_sums(product, steps):
        outputs = outputs_at(product, np.multiply(sums, steps.directions, dtype=np.int64))
        expected = np.where(sums >= steps.thresholds, steps.level, -steps.level)
        tie = (sums == steps.thresholds) & (outputs == 0)
        wrong = ~(np.abs(outputs - expected) <= SIGN_TOLERANCE * steps.level) & ~tie
        if wrong.any():
            raise InputError(
                f"{product.stage.name} is not followed by a sign: for "
                f"{np.count_nonzero(wrong.any(axis=0))} of its {product.neurons} outputs, found "
                f"values like {outputs[wrong][0]:.6g} before the next layer. Every output must be "
                "-1 below some sum and +1 from it on, or the other way round; or these times one "
                "number, the same for all."
            )
    _check_mixed(product, steps)


def _probed_sums(product: Product, steps: Steps) -> Iterator[NDArray[np.int64]]:
    """Yield oriented sums, (probes, neurons): all that occur, or as many; and those at the step."""
    greatest, neurons = product.greatest_sum, product.neurons
    powers = 1 << np.arange(2, greatest.bit_length() + 1)
    near = np.concatenate([-powers[::-1], np.arange(-2, 3), powers])
    at_step = (steps.thresholds + near[:, np.newaxis]).clip(-greatest, greatest)
    yield at_step.astype(np.int64)
    possible = np.arange(-greatest, greatest + 1, product.step)
    most = max(129, MOST_PROBES // neurons)
    if len(possible) > most:
        possible = possible[np.linspace(0, len(possible) - 1, most).astype(np.int64)]
    for part in np.array_split(possible, -(-len(possible) // 1024)):
        yield np.repeat(part[:, np.newaxis], neurons, axis=1)


def _check_mixed(product: Product, steps: Steps) -> None:
    """Raise unless sums mixed at random become what their steps say."""
    rng = np.random.default_rng(1)
    greatest = product.greatest_sum
    shape = (BATCH, *product.stage.output_shape)
    by_filter = (-1, *[1] * (len(shape) - 2))
    thresholds, directions = (
        array.reshape(by_filter) for array in (steps.thresholds, steps.directions)
    )
    for _ in range(MIXED_ROUNDS):
        near = thresholds + rng.integers(-2, 2, shape)
        kind = rng.integers(0, 3, shape)
        sums = np.where(kind == 0, _any_sums(product, rng, shape), near).clip(-greatest, greatest)
        values = product.values(np.multiply(sums, directions, dtype=np.int64))
        found = product.stage.chain(values).numpy().reshape(BATCH, *product.outputs_shape) >= 0
        expected = pooled(product, sums >= thresholds, steps.pool_all)
        wrong = (found != expected).any(axis=(0, 2, 3))
        if wrong.any():
            raise InputError(
                f"{product.stage.name}: {np.count_nonzero(wrong)} of its {product.neurons} neurons "
                "or filters give another output beside other sums than they give alone."
            )


def pooled(
    product: Product, values: NDArray[np.bool_], pool_all: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return values of shape (images, neurons, height, width), pooled where the module pools.

    The result is true where any of four is, or, for neurons of `pool_all`, where all are.
    """
    images, neurons = values.shape[:2]
    _, height, width = product.outputs_shape
    if not product.stage.chain.pool:
        return values.reshape(images, neurons, height, width)
    whole = values[:, :, : 2 * height, : 2 * width]
    four = whole.reshape(images, neurons, height, 2, width, 2)
    return np.where(pool_all.reshape(-1, 1, 1), four.all(axis=(3, 5)), four.any(axis=(3, 5)))
