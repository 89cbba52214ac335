"""What the chips drawn say about all chips: the mean accuracy, its interval, a poor chip."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from rramsim.montecarlo.tally import Tally

POOR_CHIP = 0.05


@dataclass(frozen=True)
class Estimate:
    """Accuracy over chips on one fixed set of test images.

    Attributes
    ----------
    mean : float
        Mean over chips of the share of images classified correctly.
    low, high : float
        Interval of that mean, NaN where one chip cannot tell.
    p05 : float
        Accuracy of the 5th-percentile chip, NaN where one chip cannot tell.
    maps, images : int
        Chips drawn, and images each was scored on.
    sentences : tuple of str
        How the interval and the percentile were made.
    """

    mean: float
    low: float
    high: float
    p05: float
    maps: int
    images: int
    sentences: tuple[str, ...]

    @property
    def method(self) -> str:
        """`sentences` as one text."""
        return " ".join(self.sentences)


def estimate(tally: Tally, *, confidence: float = 0.95, certain: bool = False) -> Estimate:
    """Estimate the mean accuracy over chips and a poor chip's accuracy.

    The interval is Student's t interval of the mean over chips. Chips are independent draws;
    images are not, since all images of a chip share its faults, so images never enter as a
    sample size. The test images are taken as fixed: the interval does not say how the network
    would do on other images. Its coverage is that of its confidence where chip accuracies are
    near normal, and only about that where most chips score alike and a few do not (very small
    BERs) or chips are few and skewed. The 5th-percentile chip is the linearly interpolated sample
    quantile (Hyndman and Fan's type 7); up to 21 chips that lies between the two lowest.

    Where all chips scored alike the sample has no spread and the interval no width. That says
    that no difference was seen, not that there is none: with n chips alike, chips that score
    otherwise may be up to ``1 - (1 - confidence)**(1/n)`` of all (exact binomial bound at 0 of
    n). The method text gives that share.

    Parameters
    ----------
    tally : Tally
        At least 1 chip.
    confidence : float
        Of the interval, between 0 and 1.
    certain : bool
        Every chip has the same flips (`FaultModel.certain`): one chip tells all, exactly.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If the tally is empty, `confidence` is not between 0 and 1, or `certain` is claimed of
        chips that scored differently.
    """
    if not tally.maps:
        raise ValueError(f"The tally of task {tally.task_id} holds no chip.")
    if not 0 < confidence < 1:
        raise ValueError(f"The confidence is {confidence}; between 0 and 1 is needed.")
    # Whole numbers: equal scores give a spread of exactly 0, and no order of adding matters.
    spread = tally.maps * tally.sum_squares - tally.sum_correct**2
    mean = tally.sum_correct / (tally.maps * tally.images)
    if certain:
        if spread:
            raise ValueError(f"Chips said to be all the same scored {dict(tally.correct)}.")
        low = high = p05 = mean
        sentences: tuple[str, ...] = (
            "Exact: with these faults every chip has the same wrong cells, so there is no chance "
            "in it; the test images are taken as fixed.",
        )
    elif tally.maps == 1:
        low = high = p05 = math.nan
        sentences = ("One chip only: neither an interval nor a 5th-percentile chip can be told.",)
    else:
        half_width = _half_width(tally, spread, confidence)
        low, high = max(mean - half_width, 0.0), min(mean + half_width, 1.0)
        p05 = float(np.quantile(list(tally.correct.values()), POOR_CHIP)) / tally.images
        cut = mean - half_width < 0 or mean + half_width > 1
        sentences = _sentences(tally.maps, confidence, alike=not spread, cut=cut)
    return Estimate(mean, low, high, p05, tally.maps, tally.images, sentences)


def _half_width(tally: Tally, spread: int, confidence: float) -> float:
    n = tally.maps
    standard_error = math.sqrt(spread / (n * n * (n - 1))) / tally.images
    return float(student.ppf((1 + confidence) / 2, n - 1)) * standard_error


def _sentences(maps: int, confidence: float, *, alike: bool, cut: bool) -> tuple[str, ...]:
    sentences = [
        f"{100 * confidence:g} % Student t interval of the mean over {maps} chips "
        f"({maps - 1} degrees of freedom), the test images taken as fixed"
        + (", cut to 0 to 1." if cut else ".")
    ]
    if alike:
        unseen = 1 - (1 - confidence) ** (1 / maps)
        sentences.append(
            "All chips scored alike, so the interval has no width: no difference was seen, but "
            f"up to {100 * unseen:.2g} % of chips may still score otherwise "
            f"({100 * confidence:g} % bound)."
        )
    place = ", which lies between the two lowest chips" if maps <= 21 else ""
    sentences.append(f"5th-percentile chip: linearly interpolated sample quantile{place}.")
    return tuple(sentences)
