"""How much accuracy chips lose against the network without bit errors, and how well that is known.

All answers are paired by image with those of the error-free network of the same training, so that
images which both get right, or both wrong, cancel. The sources of chance are the training (the
seed, and in cross-validation the images trained on), the test images, the chips, and the sample of
cells behind the bit-error rate.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr, ndtri

from rramsim.statistics.confidence import CONFIDENCE, NORMAL_END

ONE_SIDED = (1.0 + CONFIDENCE) / 2.0
"""Confidence of each end of the interval by itself, 97.5 %."""

KNOWN = ("images", "chips", "cells")
"""Sources of chance whose variance the data of one training show."""

_VARIANCES = ("between", "within", "factor")
_SQUARED = (*KNOWN, "cells_below")
_MOST_TRAININGS = 1000
_MOST_STEPS = 100
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


@dataclass(frozen=True, eq=False)
class PairedAnswers:
    """What the chips of one training classify correctly, beside the error-free network.

    Attributes
    ----------
    error_free : bool array, shape (images,)
        Whether the plainly trained network of the same training and test images, without bit
        errors, is right.
    by_image : integer array, shape (images,)
        Number of chips that are right.
    by_chip : integer array, shape (chips,)
        Number of images that a chip classifies correctly; one chip stands for all where no two
        differ.

    Raises
    ------
    ValueError
        If the sums differ, or numbers do not fit the shapes.
    """

    error_free: NDArray[np.bool_]
    by_image: NDArray[np.integer]
    by_chip: NDArray[np.integer]

    def __post_init__(self) -> None:
        images, chips = len(self.error_free), len(self.by_chip)
        if images < 2 or not chips or len(self.by_image) != images:
            raise ValueError("two images or more, a chip or more, and a number for each are needed")
        if self.by_image.max() > chips or self.by_chip.max() > images:
            raise ValueError(f"no number may be above the {chips} chips or the {images} images")
        if self.by_image.sum() != self.by_chip.sum():
            raise ValueError("the sums over images and over chips differ")

    @property
    def losses(self) -> NDArray[np.float64]:
        """Loss of each image: error-free right less share of chips that are right."""
        losses: NDArray[np.float64] = self.error_free - self.by_image / len(self.by_chip)
        return losses

    @property
    def chip_variance(self) -> float:
        """Variance between chips of the share of images that they classify correctly."""
        chips, images = len(self.by_chip), len(self.by_image)
        return float(np.var(self.by_chip / images, ddof=1)) if chips > 1 else 0.0

    @property
    def residual_variance(self) -> float:
        """Variance of single answers that neither image nor chip explains (two-way layout)."""
        chips, images = len(self.by_chip), len(self.by_image)
        if chips < 2:
            return 0.0
        total = float(self.by_image.sum())
        # An answer is 0 or 1, and so its own square.
        of_mean = total * total / (chips * images)
        of_images = float(np.sum(np.square(self.by_image, dtype=np.float64))) / chips
        of_chips = float(np.sum(np.square(self.by_chip, dtype=np.float64))) / images
        rest = total - of_images - of_chips + of_mean
        return max(rest, 0.0) / ((chips - 1) * (images - 1))


class _Place(Protocol):
    def __getitem__(self, name: str) -> Any: ...


@dataclass(frozen=True)
class Loss:
    """Loss of accuracy as a mean over trainings, with the variance that each source gives it.

    The interval is a generalised one (S. Weerahandi, Journal of the American Statistical
    Association 88, 1993, 899-905). Losses of S trainings vary by that of trainings and by the
    `within` of images and chips, which is known well; (S - 1) `between` over their true variance is
    chi-square with S - 1 degrees of freedom. What is left of that true variance less `within`, at
    least 0, times `factor`, is the variance of the mean that trainings leave open. Where trainings
    alone vary this is Student's t interval with S - 1 degrees of freedom; where they hardly do it
    comes near the normal one.

    Attributes
    ----------
    estimate : float
        Mean loss, as a share of the images.
    trainings : int
        Number S of trainings. Of one, the interval leaves out that trainings differ.
    between : float
        Variance between the losses of trainings; 0 for one.
    within : float
        The part of `between` that images and chips explain.
    factor : float
        Variance of the mean for each variance between trainings: 1/S, in cross-validation
        1/S + n_test/n_train (C. Nadeau and Y. Bengio, Machine Learning 52, 2003, 239-281).
    images, chips, cells : float
        Variance of the mean by test images, by chips, and by the sample of cells.
    cells_below : float or None
        That by the sample of cells towards less loss, where it is another: losses grow ever faster
        with the bit-error rate, so that cells leave more open above the estimate than below. The
        half width and its parts are then those above.

    Examples
    --------
    >>> loss = Loss(0.003, 5, between=2.5e-6, within=0.0, factor=0.2)
    >>> round(loss.half_width, 5)  # 2.776 standard errors
    0.00196
    """

    estimate: float
    trainings: int
    between: float
    within: float
    factor: float
    images: float = 0.0
    chips: float = 0.0
    cells: float = 0.0
    cells_below: float | None = None

    @classmethod
    def of(cls, point: _Place, name: str) -> Loss:
        """Return what `columns` made variables of, at one place of a dataset.

        Parameters
        ----------
        point : Record
            Or anything else that has values by name.
        name : str
            "loss", or "accuracy" for what is missing to 1.
        """
        estimate = point["loss"] if name == "loss" else 1.0 - point["accuracy"]
        if math.isnan(estimate):
            return _UNKNOWN
        return cls(
            estimate,
            point["trainings"],
            **{part: point[f"{name}_{part}"] for part in _VARIANCES},
            **{
                part: (point[f"{name}_{part}"] / NORMAL_END) ** 2
                for part in (*KNOWN, "cells_below")
            },
        )

    @property
    def half_width(self) -> float:
        """Half the width of the 95 % interval; each end holds at 97.5 % by itself."""
        return self.width(ONE_SIDED)

    def width(self, confidence: float) -> float:
        """Return how far above the estimate an end lies that holds at a one-sided confidence."""
        deviations = self._deviations()
        if np.isnan(deviations).any():
            return math.nan
        spread = deviations[deviations > 0.0]
        width = 0.0
        # Newton's method comes from the left without a step too far: the probability is convex.
        for _ in range(_MOST_STEPS):
            density = float(np.sum(np.exp(-0.5 * (width / spread) ** 2) / spread)) / _ROOT_TWO_PI
            excess = float(np.sum(ndtr(-width / spread))) - (1.0 - confidence) * len(deviations)
            if excess <= 1e-12 * len(deviations):
                break
            width += excess / density
        return width

    @property
    def low(self) -> float:
        """Lower end of the interval; no loss is below -1."""
        # Python's max and min give the first of equals, and so NaN where it comes first.
        return max(self.estimate - self._towards(-math.inf).half_width, -1.0)

    @property
    def high(self) -> float:
        """Upper end of the interval; no loss is above 1, all images."""
        return min(self.estimate + self.half_width, 1.0)

    def parts(self) -> dict[str, float]:
        """Return the half width that each source gives; their squares add up to that of the whole.

        That of trainings is NaN where there is one.
        """
        known = {name: NORMAL_END * math.sqrt(getattr(self, name)) for name in KNOWN}
        rest = self.half_width**2 - sum(half * half for half in known.values())
        of_trainings = math.sqrt(max(rest, 0.0)) if self.trainings > 1 else math.nan
        return {"trainings": of_trainings, **known}

    def p_value(self, tolerance: float) -> float:
        """Return the one-sided p-value of the hypothesis that the loss is above a tolerance.

        It is below 2.5 % where the upper end of the interval is below the tolerance.
        """
        return _beyond(tolerance - self.estimate, self._towards(tolerance)._deviations())

    def _towards(self, tolerance: float) -> Loss:
        """Return the loss with the variance of cells on the side of a tolerance."""
        if self.cells_below is None or tolerance >= self.estimate:
            return self
        return replace(self, cells=self.cells_below, cells_below=None)

    def with_trainings(self, trainings: int) -> Loss:
        """Return what more trainings would leave, if they vary as these do."""
        grown = trainings / self.trainings
        is_folds = not math.isclose(self.factor, 1.0 / self.trainings)
        if not is_folds:
            return replace(
                self, trainings=trainings, factor=1.0 / trainings, chips=self.chips / grown
            )
        # The same images in smaller parts: those of a part vary more.
        return replace(
            self,
            trainings=trainings,
            factor=1.0 / trainings + 1.0 / (trainings - 1),
            between=self.between + self.within * (grown - 1.0),
            within=self.within * grown,
            chips=self.chips / grown,
        )

    def trainings_needed(self, tolerance: float, confidence: float = ONE_SIDED) -> int | None:
        """Return how many trainings would settle it if the estimate stays, None if they cannot."""
        margin, loss = abs(tolerance - self.estimate), self._towards(tolerance)
        if loss.trainings < 2 or loss.with_trainings(_MOST_TRAININGS).width(confidence) > margin:
            return None
        enough, few = _MOST_TRAININGS, loss.trainings
        while enough - few > 1:
            middle = (few + enough) // 2
            if loss.with_trainings(middle).width(confidence) <= margin:
                enough = middle
            else:
                few = middle
        return enough

    def times_needed(
        self, tolerance: float, *, source: str, confidence: float = ONE_SIDED
    ) -> float | None:
        """Return how many times as much of one source would settle it, None if it cannot.

        Parameters
        ----------
        tolerance : float
        source : str
            "images", "chips" or "cells".
        confidence : float
            At which the end of the interval has to hold, one-sided.
        """
        loss = self._towards(tolerance)
        part = float(ndtri(confidence)) ** 2 * getattr(loss, source)
        left = (tolerance - loss.estimate) ** 2 - (loss.width(confidence) ** 2 - part)
        return part / left if left > 0.0 < part else None

    def _deviations(self) -> NDArray[np.float64]:
        """Return standard deviations that the mean may have, each as likely as the others."""
        known = self.images + self.chips + self.cells
        if self.trainings < 2:
            return np.array([math.sqrt(known)])
        true = (self.trainings - 1) * self.between / _chi_square(self.trainings - 1)
        deviations: NDArray[np.float64] = np.sqrt(
            self.factor * np.maximum(true - self.within, 0.0) + known
        )
        return deviations


_UNKNOWN = Loss(math.nan, 0, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan)


def columns(name: str, losses: Iterable[Loss | None], shape: tuple[int, ...]) -> dict[str, Any]:
    """Return losses as the variables of the register that hold them.

    Parameters
    ----------
    name : str
        "loss"; or "accuracy", where they are what is missing to 1.
    losses : iterable of Loss
        None where there is none.
    shape : tuple of int
        Of the variables.

    Returns
    -------
    dict of str to ndarray
        What `Loss.of` makes them of again.
    """
    every = [_UNKNOWN if one is None else one for one in losses]

    def table(value: Callable[[Loss], float]) -> NDArray[np.float64]:
        return np.reshape([value(one) for one in every], shape)

    parts = [one.parts() for one in every]
    ends = {
        "": table(lambda one: one.estimate),
        "_low": table(lambda one: one.low),
        "_high": table(lambda one: one.high),
    }
    if name != "loss":
        ends = {
            "": 1.0 - ends[""],
            "_low": np.maximum(1.0 - ends["_high"], 0.0),
            "_high": np.minimum(1.0 - ends["_low"], 1.0),
        }
    return {
        **{f"{name}{end}": values for end, values in ends.items()},
        **{
            f"{name}_{source}": np.reshape([part[source] for part in parts], shape)
            for source in ("trainings", *KNOWN)
        },
        f"{name}_cells_below": table(_cells_below),
        **{
            f"{name}_{part}": table(lambda one, part=part: getattr(one, part))  # type: ignore[misc]
            for part in _VARIANCES
        },
        "trainings": np.reshape([one.trainings for one in every], shape),
    }


def _cells_below(loss: Loss) -> float:
    below = loss.cells if loss.cells_below is None else loss.cells_below
    return NORMAL_END * math.sqrt(below)


@functools.lru_cache(maxsize=64)
def _chi_square(freedom: int) -> NDArray[np.float64]:
    shares = (np.arange(1024) + 0.5) / 1024
    values: NDArray[np.float64] = chdtri(freedom, shares)
    return values


def _beyond(distance: float, deviations: NDArray[np.float64]) -> float:
    """Return the probability of an error above `distance`; half of that of no error at 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(deviations > 0.0, distance / deviations, np.sign(distance) * np.inf)
    return float(np.mean(ndtr(-np.where(np.isnan(steps), 0.0, steps))))


def share_of_draws_below(loss: Loss, shifts: NDArray[np.float64], tolerance: float) -> float:
    """Return how probable it is that the loss is not above a tolerance.

    What the sample of cells leaves open is in the draws, and all else as in the interval.

    Parameters
    ----------
    loss : Loss
        Its `cells` do not count.
    shifts : ndarray of float, shape (draws,)
        How much more would be lost at the bit-error rates of each draw.
    tolerance : float

    Examples
    --------
    >>> loss = Loss(0.003, 1, 0.0, 0.0, 1.0, images=1e-12)
    >>> share_of_draws_below(loss, np.array([0.0, 0.001, 0.009, 0.01]), 0.01)
    0.5
    """
    deviations = replace(loss, cells=0.0)._deviations()
    # Of so many equally likely deviations a few tell the same.
    deviations = deviations[len(deviations) // 32 :: len(deviations) // 16 or 1]
    distances = tolerance - loss.estimate - shifts
    return float(np.mean([1.0 - _beyond(distance, deviations) for distance in distances]))


def loss_of(
    trainings: Sequence[PairedAnswers],
    *,
    folds: bool = False,
    cells: float = 0.0,
    cells_below: float | None = None,
) -> Loss:
    """Estimate the loss of accuracy of chips, as a mean over trainings, with its variances.

    Parameters
    ----------
    trainings : sequence of PairedAnswers
        Of networks of one recipe on chips of one condition. All were tested on the same images,
        in the same order, unless `folds`.
    folds : bool
        Whether each was tested on a part of one image set and trained on all others.
    cells : float
        Variance of the loss by the sample of cells behind the bit-error rate.
    cells_below : float, optional
        That towards less loss (`rramsim.decision.device_band.cells_variances`). Default: the same.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If there is no training, one fold only, or trainings have other numbers of images.

    Examples
    --------
    Of 100 images the error-free network gets 90, and each of two chips one less:

    >>> error_free = np.arange(100) < 90
    >>> by_image = 2 * error_free - (np.arange(100) < 2)
    >>> loss = loss_of([PairedAnswers(error_free, by_image, np.array([89, 89]))])
    >>> round(loss.estimate, 6)
    0.01
    """
    count = len(trainings)
    if not count or (folds and count < 2):
        raise ValueError(f"{count} is too few trainings")
    means = [float(one.losses.mean()) for one in trainings]
    residual = [one.residual_variance / _answers(one) for one in trainings]
    of_chips = [one.chip_variance / len(one.by_chip) for one in trainings]
    if folds or count == 1:
        own = [float(np.var(one.losses, ddof=1)) / len(one.losses) for one in trainings]
        own = [max(image - rest, 0.0) for image, rest in zip(own, residual, strict=True)]
        in_common, images = math.fsum(own) / count, math.fsum(own) / count**2
    else:
        in_common, images = _of_same_images([one.losses for one in trainings], residual)
    # Chips vary by images, too, so a part of their variance is that of single answers.
    within = in_common + math.fsum(of_chips) / count
    return Loss(
        estimate=math.fsum(means) / count,
        trainings=count,
        between=float(np.var(means, ddof=1)) if count > 1 else 0.0,
        within=within,
        factor=1.0 / count + (1.0 / (count - 1) if folds else 0.0),
        images=images,
        chips=math.fsum(of_chips) / count**2,
        cells=cells,
        cells_below=cells_below,
    )


def _answers(one: PairedAnswers) -> int:
    return len(one.by_chip) * len(one.by_image)


def _of_same_images(
    losses: Sequence[NDArray[np.float64]], residual: Sequence[float]
) -> tuple[float, float]:
    """Return what images add to the variance between trainings, and to that of their mean.

    All trainings share the images, so only what an image does in one training and not in others
    lies between them.
    """
    count, images = len(losses), len(losses[0])
    table = np.array(losses)
    rest = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    interaction = float(np.sum(rest * rest)) / ((count - 1) * (images - 1)) / images
    of_mean = float(np.var(table.mean(axis=0), ddof=1)) / images
    mean_residual = math.fsum(residual) / count
    return max(interaction - mean_residual, 0.0), max(of_mean - mean_residual / count, 0.0)


def rejected_in_sequences(
    p_values: Sequence[Sequence[float]], *, level: float = 1.0 - ONE_SIDED
) -> list[int]:
    """Return how many hypotheses of each sequence are rejected, from its first one on.

    Within a sequence, whose order was fixed beforehand, a hypothesis is tested only if those before
    it are rejected, so that none of them needs a smaller level. The level is shared evenly by the
    sequences, and one that is rejected to its end leaves its share to the others, as in the
    procedure of Holm (S. Holm, Scandinavian Journal of Statistics 6, 1979, 65-70), which this is
    for sequences of one; see F. Bretz, W. Maurer, W. Brannath and M. Posch, Statistics in Medicine
    28 (2009) 586-604. The probability that any hypothesis is rejected that is true is at most
    `level`, whatever the dependence.

    Parameters
    ----------
    p_values : sequence of sequences of float
        Of each sequence, in its order. NaN is not rejected.
    level : float

    Returns
    -------
    list of int

    Examples
    --------
    >>> rejected_in_sequences([[0.01, 0.001, 0.2], [0.02], [0.3]], level=0.05)
    [2, 0, 0]
    >>> rejected_in_sequences([[0.01, 0.001], [0.02], [0.3]], level=0.05)
    [2, 1, 0]
    """
    rejected = [0] * len(p_values)
    is_moving = True
    while is_moving:
        is_moving = False
        left = [number for number, values in enumerate(p_values) if rejected[number] < len(values)]
        for number in left:
            values = p_values[number]
            while rejected[number] < len(values) and (
                values[rejected[number]] <= level / len(left)
            ):
                rejected[number] += 1
                is_moving = True
    return rejected
