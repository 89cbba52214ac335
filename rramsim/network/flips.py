"""Random bit errors for adapted training."""

from __future__ import annotations

import numpy as np
import torch

from rramsim.errors import InputError


class RandomFlips:
    """Flip each sign weight with one probability, independently and afresh at every call.

    The number of flips is binomial, their positions distinct and uniform: the same as one coin a
    weight, for the price of the flips.

    Parameters
    ----------
    ber : float
        Bit error rate, 0 to 1.
    generator : torch.Generator
        Where the flips come from; a training with a checkpoint saves and restores its state.

    Raises
    ------
    InputError
        If `ber` is not in 0 to 1.
    """

    def __init__(self, ber: float, generator: torch.Generator) -> None:
        if not 0 <= ber <= 1:
            raise InputError(f"training BER {ber}: accepted are numbers from 0 to 1.")
        self.ber = ber
        self.generator = generator

    @classmethod
    def seeded(cls, ber: float, *, seed: int) -> RandomFlips:
        """Return flips of their own random stream, apart from that of a training of that seed."""
        stream = int(np.random.SeedSequence([seed, 1]).generate_state(1, np.uint64)[0])
        return cls(ber, torch.Generator().manual_seed(stream))

    @property
    def identity(self) -> dict[str, str | float | int]:
        """What makes these flips those and no others, for the record of a training."""
        return {
            "faults": "iid",
            "ber": float(self.ber),
            "stream": self.generator.initial_seed(),
        }

    def __call__(self, signs: torch.Tensor) -> torch.Tensor:
        """Return `signs` (any shape) with a fresh set of entries negated."""
        weights = signs.numel()
        count = self._binomial(weights)
        # Of more than half, the weights that stay are the fewer to draw.
        few = min(count, weights - count)
        chosen = self._distinct(few, weights)
        factor = torch.where(chosen, -1.0, 1.0).to(signs.dtype)
        return signs * factor.view(signs.shape) * (1 if few == count else -1)

    def _binomial(self, trials: int) -> int:
        rate = torch.tensor(self.ber, dtype=torch.float64)
        count = torch.tensor(trials, dtype=torch.float64)
        return int(torch.binomial(count, rate, generator=self.generator))

    def _distinct(self, count: int, size: int) -> torch.Tensor:
        # Positions that were drawn before are drawn again until `count` differ. No position is
        # treated unlike another, so each set of `count` is as likely.
        chosen = torch.zeros(size, dtype=torch.bool)
        missing = count
        while missing:
            chosen[torch.randint(size, (missing,), generator=self.generator)] = True
            missing = count - int(chosen.count_nonzero())
        return chosen
