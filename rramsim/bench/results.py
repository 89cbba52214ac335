"""What was measured, and the same as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rival:
    """The same work done by PyTorch in another way.

    Attributes
    ----------
    name : str
    seconds : float
    wrong : int
        Images to which it gives another class, of a few chips.
    images : int
        How many were compared.
    """

    name: str
    seconds: float
    wrong: int
    images: int


@dataclass(frozen=True)
class Case:
    """The same work done by rramsim and by naive PyTorch.

    Attributes
    ----------
    name : str
    ber : float
        Bit-error rate of the chips, or of the training; NaN where there are several.
    rramsim_s, naive_s : float
        Seconds for one chip, sampling included, or for one iteration of a training.
    identical : bool or None
        Whether all predictions were equal; None where there are none to compare.
    rivals : tuple of Rival
        Ways that a competent user would write.
    """

    name: str
    ber: float
    rramsim_s: float
    naive_s: float
    identical: bool | None = None
    rivals: tuple[Rival, ...] = ()

    @property
    def ratio(self) -> float:
        """How many times the naive way takes as long."""
        return self.naive_s / self.rramsim_s


@dataclass(frozen=True)
class PixelLayer:
    """The first layer on pixels of 8 bits alone.

    Attributes
    ----------
    unit : str
        Of the processor, as ``RRAMSIM_KERNEL`` calls it.
    seconds, limit_s : float
        Of rramsim, and of the operations of this unit on registers alone.
    """

    unit: str
    seconds: float
    limit_s: float


@dataclass(frozen=True)
class Comparison:
    """Everything that `compare` measured.

    Attributes
    ----------
    workload : str
    naive_batch : int
        Images at a time that suit the naive way best.
    cases : tuple of Case
        Chips scored.
    layer_s, float32_s, limit_s : float
        The largest layer alone: seconds of rramsim, of PyTorch's product, and of the limit.
    layer_unit : str
        Its unit, as ``RRAMSIM_KERNEL`` calls it.
    pixels : PixelLayer
        The first layer on pixels of 8 bits.
    sweep : Case
        All chips of all BERs, with everything that has to be made ready for them; naive is
        extrapolated from one chip.
    sweep_chips : int
    training_workload, arithmetic : str
        What is trained, and what rramsim computes with.
    training : tuple of Case
        Iterations of a training, plain ones first.
    """

    workload: str
    naive_batch: int
    cases: tuple[Case, ...]
    layer_s: float
    float32_s: float
    limit_s: float
    layer_unit: str
    pixels: PixelLayer
    sweep: Case
    sweep_chips: int
    training_workload: str
    arithmetic: str
    training: tuple[Case, ...]

    @property
    def fraction_of_limit(self) -> float:
        """How near the largest layer is to the limit, 1 being at it."""
        return self.limit_s / self.layer_s

    def over_plain(self, case: Case) -> float:
        """Return what the flips of a training add, as a share of plain training."""
        return case.rramsim_s / self.training[0].rramsim_s - 1

    def as_json(self) -> dict[str, Any]:
        """Return what ``rramsim bench --json`` prints."""
        return {
            "workload": self.workload,
            "naive_batch": self.naive_batch,
            "cases": [
                {
                    "name": case.name,
                    **_times(case),
                    "identical": case.identical,
                    "rivals": [vars(rival) for rival in case.rivals],
                }
                for case in self.cases
            ],
            "kernel": {
                "layer_s": self.layer_s,
                "float32_s": self.float32_s,
                "limit_s": self.limit_s,
                "unit": self.layer_unit,
                "fraction_of_limit": self.fraction_of_limit,
                "pixels": vars(self.pixels),
            },
            "sweep": {
                "ratio": self.sweep.ratio,
                "maps": self.sweep_chips,
                "rramsim_s": self.sweep.rramsim_s,
                "naive_s": self.sweep.naive_s,
                "naive_extrapolated": True,
            },
            "training": {
                "workload": self.training_workload,
                "arithmetic": self.arithmetic,
                "cases": [
                    {**_times(case), "over_plain": self.over_plain(case)} for case in self.training
                ],
            },
        }


def _times(case: Case) -> dict[str, float]:
    return {
        "ber": case.ber,
        "rramsim_s": case.rramsim_s,
        "naive_s": case.naive_s,
        "ratio": case.ratio,
    }
