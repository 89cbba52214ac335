"""A number with all that is known of it as one value."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A number with its interval and what it rests on.

    Attributes
    ----------
    estimate, low, high : float
        NaN where unknown. Of an upper bound only `high` is known, of a lower one only `low`
        (or, where the bound is the number itself, `estimate`). A lower bound that is the number
        itself may have an upper bound beside it, as `high`.
    bound : str
        ``"upper"`` or ``"lower"`` where the number is only a bound, else empty.
    basis : str
        Where it is from, such as ``"fitted"``; empty where that is not said.
    extrapolated : bool
        Whether it lies beyond what the sample can show.
    method : str
        How the ends were made; empty where there are none.
    """

    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    bound: str = ""
    basis: str = ""
    extrapolated: bool = False
    method: str = ""

    @property
    def is_known(self) -> bool:
        """Whether anything is known: an estimate or an end."""
        return not all(math.isnan(value) for value in (self.estimate, self.low, self.high))

    @property
    def has_ends(self) -> bool:
        """Whether both ends are known."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    def reaches(self, value: float) -> str:
        """Return whether the number is at least `value`: yes, no, not settled or unknown.

        Of an interval the lower end must reach it for a yes, and the upper end be below it for a
        no.

        Examples
        --------
        >>> Interval(1e4, bound="lower").reaches(1e3)
        'yes'
        >>> Interval(1e4, bound="lower").reaches(1e5)
        'unknown'
        >>> Interval(1e4, 5e3, 2e4).reaches(7e3)
        'not settled'
        """
        if math.isnan(self.estimate):
            return "unknown"
        low = self.estimate if math.isnan(self.low) else self.low
        high = self.estimate if math.isnan(self.high) else self.high
        if self.bound != "upper" and value <= low:
            return "yes"
        if self.bound != "lower" and value > high:
            return "no"
        return "unknown" if self.bound else "not settled"
