"""The point to choose, as a value that travels: where it is, why, and what is left open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rramsim.schema import POINT

if TYPE_CHECKING:
    from rramsim.schema import Record


@dataclass(frozen=True)
class Reason:
    """A sentence that says why a point was chosen.

    Attributes
    ----------
    subject : str
        What it is about, in a word or two, such as ``"Energy"``.
    text : str
    """

    subject: str
    text: str


@dataclass(frozen=True)
class Recommendation:
    """The point to choose.

    Attributes
    ----------
    condition : str
    protection : str
        How weights are protected, ``"none"`` or such as ``"secded(72,64)"``.
    training_ber : float
        BER met in training by the network.
    thresholds : str
        "as trained" or "re-estimated", for the condition's BER.
    reasons : tuple of Reason
        Why it is the one to choose, a sentence each.
    met : bool
        False where no point is shown to meet what is required; the nearest one is named then.
    settled : bool
        Whether it would stay the one to choose: of no point that takes less energy it is left open
        whether it meets what is required, or, if none does, of no point at all.
    would_settle : str
        What would settle it, empty if it is settled.
    open_point : dict or None
        Where the point most worth settling is, as `labels`; None if it is settled.
    """

    condition: str
    protection: str
    training_ber: float
    thresholds: str
    reasons: tuple[Reason, ...]
    met: bool
    settled: bool = True
    would_settle: str = ""
    open_point: dict[str, Any] | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons, the verdict first."""
        return tuple(reason.text for reason in self.reasons)

    @property
    def reason(self) -> str:
        """The reason as one text."""
        return " ".join(self.sentences)

    @property
    def labels(self) -> dict[str, Any]:
        """Where the point is in a trade-off, by dimension."""
        return {dim: getattr(self, dim) for dim in POINT}

    def names(self, point: Record) -> bool:
        """Return whether a point is the one to choose."""
        return all(point[dim] == label for dim, label in self.labels.items())
