"""What the chips drawn say about all chips: the mean accuracy, its interval, a poor chip."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from rramsim.interval import Interval
from rramsim.montecarlo.stopping import STOP_CONFIDENCE, t_half_width, within
from rramsim.montecarlo.tally import Tally
from rramsim.statistics.confidence import CONFIDENCE

POOR_CHIP = 0.05

_NO_WIDTH = ", so that the interval has no width,"


@dataclass(frozen=True)
class ChipAccuracy:
    """Accuracy over chips on one fixed set of test images.

    Attributes
    ----------
    mean : Interval
        Mean over chips of the share of images classified correctly; its ends are NaN where one
        chip cannot tell.
    p05 : float
        Accuracy of the 5th-percentile chip, NaN where one chip cannot tell, or chips were scored on
        some of the images: the scores of chips would differ by their images too.
    chips, images : int
        Chips drawn, and images each was scored on.
    sentences : tuple of str
        How the interval and the percentile were made.
    is_settled : bool
        Whether the mean is known to within the half width that was asked for; of a fixed number of
        chips, whose half width is 0, only if it is exact.
    """

    mean: Interval
    p05: float
    chips: int
    images: int
    sentences: tuple[str, ...]
    is_settled: bool = False

    @property
    def method(self) -> str:
        """`sentences` as one text."""
        return " ".join(self.sentences)


def accuracy_columns(estimates: Sequence[ChipAccuracy], shape: tuple[int, ...]) -> dict[str, Any]:
    """Return estimates as the variables of an accuracy in the register, each of this shape."""
    columns: dict[str, list[Any]] = {
        "accuracy": [one.mean.estimate for one in estimates],
        "accuracy_low": [one.mean.low for one in estimates],
        "accuracy_high": [one.mean.high for one in estimates],
        "accuracy_p05": [one.p05 for one in estimates],
        "maps": [one.chips for one in estimates],
    }
    return {name: np.reshape(values, shape) for name, values in columns.items()}


def method_text(estimates: Sequence[ChipAccuracy]) -> str:
    """Return how intervals and percentiles were made, each sentence once, in the order met."""
    return " ".join(dict.fromkeys(line for one in estimates for line in one.sentences))


def estimate(
    tally: Tally,
    *,
    confidence: float = CONFIDENCE,
    deterministic: bool = False,
    half_width: float = 0.0,
    clean: float = math.nan,
) -> ChipAccuracy:
    """Estimate the mean accuracy over chips and a poor chip's accuracy.

    The interval is Student's t interval of the mean over chips. Chips are independent draws;
    images are not, since all images of a chip share its faults, so images never enter as a
    sample size. The test images are taken as fixed: the interval does not say how the network
    would do on other images. Its coverage is that of its confidence where chip accuracies are
    near normal, and only about that where most chips score alike and a few do not (very small
    BERs) or chips are few and skewed. Where chips were scored until the mean was known well enough
    (`StoppingRule`), it is the fixed-width interval of that rule instead. The 5th-percentile chip
    is the linearly interpolated sample quantile (Hyndman and Fan's type 7); up to 21 chips that
    lies between the two lowest.

    Where each chip was scored on images of its own (`Task.block`), the mean is the accuracy without
    errors on all images plus the mean over chips of the difference to it on the chip's images:
    two-stage sampling (W. G. Cochran, Sampling Techniques, 3rd ed. 1977, ch. 10) with the network
    without errors as the auxiliary variable of a difference estimator (ch. 7). It is unbiased for
    the mean over chips on all images, and since the images of chips are drawn independently,
    differences are independent too: their Student interval contains both what differs from chip
    to chip and what the choice of images adds.

    Where all chips scored alike the sample has no spread and Student's interval no width. That says
    that no difference was seen, not that there is none: with n chips alike, chips that score
    otherwise may be up to ``1 - (1 - confidence)**(1/n)`` of all (exact binomial bound at 0 of
    n). The method text gives that share. There is no such bound where chips were scored on images
    of their own, since chips that are alike on these may differ on all images.

    Parameters
    ----------
    tally : Tally
        At least 1 chip.
    confidence : float
        Of the interval, between 0 and 1.
    deterministic : bool
        Every chip has the same flips (`is_deterministic`): one chip tells all, exactly.
    half_width : float
        That of the `StoppingRule` the chips were scored by; its interval is one of 95 %, whatever
        `confidence` is. 0 where their number was fixed.
    clean : float
        Accuracy without errors on all images; needed where chips have images of their own.

    Returns
    -------
    ChipAccuracy

    Raises
    ------
    ValueError
        If the tally is empty, `confidence` is not between 0 and 1, or `deterministic` is claimed of
        chips that scored differently.
    """
    if not tally.chips:
        raise ValueError(f"The tally of task {tally.task_id} holds no chip.")
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence is {confidence}; between 0 and 1 is needed.")
    mean = sum(tally.changes) / (tally.chips * tally.images)
    if tally.error_free:
        mean = min(max(clean + mean, 0.0), 1.0)
    if deterministic:
        if len(set(tally.correct.values())) > 1:
            raise ValueError(f"Chips said to be all the same scored {dict(tally.correct)}.")
        low = high = p05 = mean
        sentences: tuple[str, ...] = (
            "Exact where every chip has the same wrong cells, as at a BER of 0: there is no chance "
            "in it; the test images are taken as fixed.",
        )
    elif tally.chips == 1:
        low = high = p05 = math.nan
        sentences = ("One chip only: neither an interval nor a 5th-percentile chip can be given.",)
    else:
        settled = within(tally, half_width)
        beside = half_width if settled else t_half_width(tally, confidence)
        low, high = max(mean - beside, 0.0), min(mean + beside, 1.0)
        p05 = _poor_chip(tally)
        made = _fixed_width(half_width) if settled else _student(tally, confidence)
        cut = mean - beside < 0 or mean + beside > 1
        made += ", cut to 0 to 1." if cut else "."
        sentences = (made, *_beside(tally, confidence, no_width=low == high))
    interval = Interval(mean, low, high, method=sentences[0])
    settled = deterministic or within(tally, half_width)
    return ChipAccuracy(interval, p05, tally.chips, tally.images, sentences, settled)


def _poor_chip(tally: Tally) -> float:
    if tally.error_free:
        return math.nan
    return float(np.quantile(list(tally.correct.values()), POOR_CHIP)) / tally.images


def paired_change(tallies: Sequence[Tally], others: Sequence[Tally]) -> Interval:
    """Return by how much the mean accuracy differs from that of other chips with the same numbers.

    Parameters
    ----------
    tallies, others : sequence of Tally
        One of each for each training, of the same chips: their difference is taken chip by chip.

    Returns
    -------
    Interval
        The mean over trainings of accuracy less other accuracy, with Student's interval over chips;
        trainings and test images are taken as fixed. Without ends of one chip.
    """
    mean = variance = 0.0
    for tally, other in zip(tallies, others, strict=True):
        counts = [right - other.correct[chip] for chip, right in tally.correct.items()]
        shares = np.array(counts) / tally.images
        mean += float(shares.mean()) / len(tallies)
        if len(counts) > 1:
            variance += float(shares.var(ddof=1)) / len(counts) / len(tallies) ** 2
    freedom = sum(tally.chips - 1 for tally in tallies)
    if not freedom:
        return Interval(mean, basis="computed")
    beside = float(stdtrit(freedom, (1.0 + CONFIDENCE) / 2.0)) * math.sqrt(variance)
    return Interval(mean, mean - beside, mean + beside, basis="computed")


def _student(tally: Tally, confidence: float) -> str:
    return (
        f"{100 * confidence:g} % Student t interval of the mean over {tally.chips} chips "
        f"({tally.chips - 1} degrees of freedom), the test images taken as fixed"
    )


def _fixed_width(half_width: float) -> str:
    # Without the number of chips: it differs from point to point, and stands beside each.
    return (
        "95 % interval of the mean over chips, of the fixed width "
        f"± {100 * half_width:g} percentage points: chips were scored until the "
        f"{100 * STOP_CONFIDENCE:g} % Student t interval was within it; the test images are taken "
        "as fixed"
    )


def _beside(tally: Tally, confidence: float, *, no_width: bool) -> Iterator[str]:
    chips = tally.chips
    is_sampled, are_alike = bool(tally.error_free), len(set(tally.changes)) == 1
    if are_alike and is_sampled:
        yield (
            f"Where all {chips} chips differed alike from the network without errors"
            f"{_NO_WIDTH if no_width else ''} each was seen on its own images only: on all images "
            "they may differ."
        )
    elif are_alike:
        unseen = 1 - (1 - confidence) ** (1 / chips)
        yield (
            f"Where all {chips} chips scored alike{_NO_WIDTH if no_width else ''} no difference "
            f"was seen, but up to {100 * unseen:.2g} % of chips may still score otherwise "
            f"({100 * confidence:g} % bound)."
        )
    if is_sampled:
        yield (
            f"Each chip was scored on {tally.images} image{'' if tally.images == 1 else 's'} drawn "
            "for it; the mean is the accuracy without errors on all images plus the mean "
            "difference to it on these. A 5th-percentile chip needs all images."
        )
        return
    place = ", which lies between the two lowest chips" if chips <= 21 else ""
    yield f"5th-percentile chip: linearly interpolated sample quantile{place}."
