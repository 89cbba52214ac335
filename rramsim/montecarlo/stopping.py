"""When enough chips were scored: at few fixed numbers of chips, judged by their tally alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.special import stdtrit

from rramsim.errors import InputError, check_limit, number, refused, whole_number
from rramsim.montecarlo.tally import Tally

FIRST_LOOK = 30
"""Chips scored before the first look. The interval of fewer says too little where chip
accuracies are skewed, or where most chips score alike: 30 alike still leave room for 10 % that
do not."""

STOP_CONFIDENCE = 0.99
"""Confidence of the Student interval that has to be narrow enough. It is above the 95 % that are
then claimed, which pays for looking more than once and for skewed chip accuracies."""


@dataclass(frozen=True)
class StoppingRule:
    """Score chips until the mean accuracy is known to within `half_width`, or up to `chips`.

    Looks are taken at 30, 60, 120, ... chips and at `chips`. At the first look at which the 99 %
    Student t interval of the mean over chips is within ± `half_width`, no more are scored, and
    the mean is claimed to within ± `half_width` at 95 %: a fixed-width interval, as of Y. S. Chow
    and H. Robbins (Ann. Math. Stat. 36, 1965). The interval computed at that look would be the
    wrong one to claim, since it is a look at which the spread happens to be small. The rule reads
    chips 0, 1, 2, ... only up to the look, so an answer does not depend on interrupts, on the
    order in which chips were scored, or on who scored them.

    Coverage of the 95 % interval by simulation, the least over half widths from one image up
    (`workflows/stopping-coverage`): 94 % or more for normal, exponential and gamma losses and for
    chips measured on the shipped digits at BERs from 1e-5 to 0.3; 93 % for lognormal losses of
    sigma 1. No rule sees a kind of chip that it has not drawn yet: where one chip in 10, 20 or 50
    loses 100 of 10,000 images and the others none, it is 91, 74 and 41 % at a half width of one
    image, and 100 % at the default of 25.

    Parameters
    ----------
    chips : int
        The most chips, at least 1.
    half_width : float
        Half the width of the interval that is aimed for, as a share of the images. With 0 exactly
        `chips` are scored.
    first_look : int
        Chips at the first look, at least 30.

    Raises
    ------
    InputError
        If `chips` is below 1, `half_width` is not from 0 to 1 or `first_look` is below 30.

    Examples
    --------
    >>> StoppingRule(chips=100, half_width=0.01).looks
    (30, 60, 100)
    >>> StoppingRule(20).looks
    (20,)
    """

    chips: int
    half_width: float = 0.0
    first_look: int = FIRST_LOOK

    def __post_init__(self) -> None:
        chips = whole_number(self.chips, "chips", "a whole number from 1 on")
        half_width = number(self.half_width, "half_width", "a number from 0 to below 1")
        object.__setattr__(self, "chips", chips)
        object.__setattr__(self, "half_width", half_width)
        accepted = f"a whole number from {FIRST_LOOK} on"
        first_look = whole_number(self.first_look, "first_look", accepted)
        object.__setattr__(self, "first_look", first_look)
        if first_look < FIRST_LOOK:
            raise refused("first_look", first_look, accepted)
        if self.chips < 1:
            raise InputError(f"At least 1 chip is needed, not {self.chips}.")
        check_limit("chips", self.chips)
        if not 0 <= self.half_width < 1:
            raise InputError(f"The half width is {self.half_width}; from 0 to below 1 is needed.")

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of chips at which it is asked whether they are enough, the last one `chips`."""
        looks = []
        if self.half_width:
            size = self.first_look
            while size < self.chips:
                looks.append(size)
                size *= 2
        return (*looks, self.chips)

    def after(self, pilot: Tally) -> StoppingRule:
        """Return this rule, looking at no fewer chips than a pilot's spread asks for.

        Chips on some of the images can look alike where the same chips on all images do not. Since
        the choice of images only adds to what differs between chips, a spread below that of the
        pilot is chance, and no look is taken while the pilot's spread would leave the interval too
        wide: from 60 chips on, where a pilot of 30 was not enough.

        Parameters
        ----------
        pilot : Tally
            2 or more of the chips, on all images.
        """
        for look in self.looks:
            if t_half_width(pilot, STOP_CONFIDENCE, chips=look) <= self.half_width:
                return replace(self, first_look=max(look, FIRST_LOOK))
        return replace(self, first_look=max(self.chips, FIRST_LOOK))

    def needed(self, tally: Tally, *, deterministic: bool) -> int:
        """Return how many chips the answer needs, as far as `tally` can tell.

        Where the tally holds chips 0 up to that number, they are the answer; where it does not, the
        missing ones have to be scored before more can be said.

        Parameters
        ----------
        tally : Tally
            Any chips of one task.
        deterministic : bool
            Every chip has the same flips (`is_deterministic`): one tells all.
        """
        if deterministic:
            return 1 if self.half_width else self.chips
        for look in self.looks:
            looked_at = tally.first(look)
            if looked_at.chips < look or within(looked_at, self.half_width):
                return look
        return self.chips


def within(tally: Tally, half_width: float) -> bool:
    """Return whether the mean over the chips is known to within ± `half_width`, if above 0."""
    if tally.chips < FIRST_LOOK or not half_width:
        return False
    return t_half_width(tally, STOP_CONFIDENCE) <= half_width


def t_half_width(tally: Tally, confidence: float, *, chips: int | None = None) -> float:
    """Return half the width of Student's t interval of the mean accuracy over 2 or more chips.

    With `chips`, that of so many chips of the same spread.
    """
    changes, images = tally.changes, tally.images
    return mean_half_width(changes, total=images, confidence=confidence, chips=chips)


def mean_half_width(
    counts: Sequence[int], *, total: int, confidence: float, chips: int | None = None
) -> float:
    """Return half the width of Student's t interval of the mean share over 2 or more chips.

    Parameters
    ----------
    counts : sequence of int
        For each chip, how many of `total` it is true.
    total : int
    confidence : float
    chips : int, optional
        Number of chips of this spread, 2 or more; as many as there are counts by default.
    """
    n = len(counts)
    chips = n if chips is None else chips
    # Whole numbers: equal counts give a spread of exactly 0, and no order of adding matters.
    spread = n * sum(count * count for count in counts) - sum(counts) ** 2
    standard_error = math.sqrt(spread / (n * (n - 1) * chips)) / total
    return float(stdtrit(chips - 1, (1 + confidence) / 2)) * standard_error
