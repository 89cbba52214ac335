"""Which outputs of a convolution does a module average before its last layer?

As for all that stands between layers, no name of an operation is asked for. Where fewer values
enter the last layer than the convolution gives on, what makes them fewer is run on signs: each
value must be one number times the sum over a window, and the windows must lie side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from rramsim.errors import InputError
from rramsim.network.importing.operations import BATCH, POOL, operation, refused
from rramsim.network.importing.trace import Chain, Stage

TOLERANCE = 1e-5
"""Of the greatest sum over a window: how far averages may lie from exact ones (float32)."""

ROUNDS = 8
"""How often averages of random signs are compared, on a batch each time."""


@dataclass(frozen=True, eq=False)
class Averaging:
    """What a module does with the signs of its last convolution before its last layer.

    Attributes
    ----------
    chain : Chain
        The operations, from signs on.
    shape : (int, int, int)
        Channels, rows and columns of the signs.
    window : (int, int)
        Rows and columns that are averaged.
    """

    chain: Chain
    shape: tuple[int, int, int]
    window: tuple[int, int]

    def __call__(self, signs: torch.Tensor) -> torch.Tensor:
        """Return what enters the last layer for signs, shape (BATCH, channels, rows, columns)."""
        return self.chain(signs.reshape(self.chain.start.meta["val"].shape))

    def factor(self, level: float) -> float:
        """Return what the sum over a window is multiplied by, of signs written as `level`.

        Raises
        ------
        InputError
            If values are not sums over windows times one number.
        """
        rows, columns = self.window
        greatest = rows * columns
        ones = torch.ones((BATCH, *self.shape))
        factor = float(self(ones * level).double().mean()) / greatest
        rng = np.random.default_rng(3)
        for _ in range(ROUNDS):
            share = rng.choice([0, 0.02, 0.5, 0.98, 1], (BATCH, self.shape[0], 1, 1))
            signs = torch.from_numpy(np.where(rng.random(ones.shape) < share, 1, -1)).float()
            sums = torch.nn.functional.avg_pool2d(signs.double(), self.window, divisor_override=1)
            found = self(signs * level).double().flatten(1)
            expected = sums.flatten(1) * factor
            off = TOLERANCE * abs(factor) * greatest
            if (
                not factor
                or found.shape != expected.shape
                or ((found - expected).abs() > off).any()
            ):
                raise _refused(self)
        return factor


def split_averaging(stage: Stage, entering: int) -> tuple[Stage, Averaging | None]:
    """Part the operations that average a convolution's outputs from those that make signs.

    Parameters
    ----------
    stage : Stage
        The last but one.
    entering : int
        Values of one image that enter the next.

    Returns
    -------
    Stage
        With the operations up to the signs.
    Averaging or None
        The others; None where as many values enter the next layer as leave the convolution.

    Raises
    ------
    InputError
        If values are left out or averaged otherwise than in windows side by side.
    """
    if stage.weight.ndim != 4:
        return stage, None
    channels, height, width = stage.output_shape
    pool = 2 if stage.chain.pool else 1
    shape = channels, height // pool, width // pool
    values = int(np.prod(shape))
    chain = stage.chain
    last = max(
        (k for k, node in enumerate(chain.nodes) if _values(node) == BATCH * values), default=None
    )
    if entering >= values or last is None:
        return stage, None
    before = replace(chain, nodes=chain.nodes[: last + 1], end=chain.nodes[last])
    after = replace(chain, nodes=chain.nodes[last + 1 :], start=chain.nodes[last])
    known = {*after.constants, after.start, *after.nodes}
    for node in after.nodes:
        if operation(node) == POOL:
            raise refused(node, "pools a second time; a layer of a chip pools once")
        if not all(source in known for source in node.all_input_nodes):
            raise refused(node, "takes what came before values are averaged")
    rows, columns = _window(Averaging(after, shape, (1, 1)))
    if entering != channels * (shape[1] // rows) * (shape[2] // columns):
        raise _refused(Averaging(after, shape, (rows, columns)))
    return replace(stage, chain=before), Averaging(after, shape, (rows, columns))


def _values(node: torch.fx.Node) -> int:
    value = node.meta.get("val")
    return value.numel() if isinstance(value, torch.Tensor) else 0


def _window(averaging: Averaging) -> tuple[int, int]:
    """Return the rows and columns whose signs, from the first on, change the first value."""
    _, height, width = averaging.shape
    base = -torch.ones((BATCH, *averaging.shape))

    def seen(row: int, column: int) -> bool:
        signs = base.clone()
        signs[0, 0, row, column] = 1
        return bool(averaging(signs).flatten()[0] != averaging(base).flatten()[0])

    rows = sum(seen(row, 0) for row in range(height))
    columns = sum(seen(0, column) for column in range(width))
    if not rows * columns:
        raise _refused(averaging)
    return rows, columns


def _refused(averaging: Averaging) -> InputError:
    _, height, width = averaging.shape
    return refused(
        averaging.chain.nodes[0],
        f"does not average windows that lie side by side in {height} x {width} values, as "
        "AvgPool2d without padding and AdaptiveAvgPool2d(1) do",
    )
