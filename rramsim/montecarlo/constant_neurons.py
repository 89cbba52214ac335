"""How many hidden neurons never change their value over the test images, chip by chip."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rramsim.montecarlo.chip import Question, draw_chip
from rramsim.montecarlo.stopping import mean_half_width

CONFIDENCE = 0.95


@dataclass(frozen=True)
class ConstantShare:
    """The share of the neurons of a hidden layer that have one value on all test images.

    Attributes
    ----------
    layer : int
        Number of the layer, from 1 at the input.
    neurons : int
        Its neurons; of a convolution, every filter at every place of its outputs (after pooling).
    mean : float
        Mean over chips of the share of neurons that never change.
    low, high : float
        Interval of that mean, NaN where one chip cannot tell.
    plus_mean, minus_mean : float
        Of `mean`, the part that is always +1 and the part that is always -1.
    maps : int
        Chips looked at.
    method : str
        How the interval was made.
    """

    layer: int
    neurons: int
    mean: float
    low: float
    high: float
    plus_mean: float
    minus_mean: float
    maps: int
    method: str


def constant_shares(
    question: Question, *, maps: int, on_chip: Callable[[], None] = lambda: None
) -> list[ConstantShare]:
    """Count the neurons that never change on chips 0 to ``maps - 1`` of a question.

    Those are the chips on which `collect` counts its first scores. A neuron that never changes over
    the images tells nothing of them on that chip. Where every chip is the same
    (`FaultModel.certain`) one is looked at and stands for all.

    Parameters
    ----------
    question : Question
    maps : int
        Chips, at least 1.
    on_chip : callable, optional
        Called after each of the `maps` chips.

    Returns
    -------
    list of ConstantShare
        One for each hidden layer, from the input on.
    """
    network, faults = question.network, question.faults
    plus: list[list[int]] = []
    minus: list[list[int]] = []
    for draw in range(maps):
        if draw == 0 or not faults.certain:
            flips = draw_chip(network.folded, faults, task=question.task, draw=draw)
            found = network.hidden_neurons.constant(flips)
        plus.append([int(layer.always_plus.sum()) for layer in found])
        minus.append([int(layer.always_minus.sum()) for layer in found])
        on_chip()
    return [
        _share(number, layer.always_plus.size, on_plus, on_minus, certain=faults.certain)
        for number, (layer, on_plus, on_minus) in enumerate(
            zip(found, zip(*plus, strict=True), zip(*minus, strict=True), strict=True), start=1
        )
    ]


def _share(
    layer: int, neurons: int, plus: Sequence[int], minus: Sequence[int], *, certain: bool
) -> ConstantShare:
    counts, maps = [sum(pair) for pair in zip(plus, minus, strict=True)], len(plus)
    plus_mean, minus_mean = sum(plus) / (maps * neurons), sum(minus) / (maps * neurons)
    mean = sum(counts) / (maps * neurons)
    low, high, method = _interval(mean, counts, neurons, certain=certain)
    return ConstantShare(layer, neurons, mean, low, high, plus_mean, minus_mean, maps, method)


def _interval(
    mean: float, counts: Sequence[int], neurons: int, *, certain: bool
) -> tuple[float, float, str]:
    maps = len(counts)
    if certain:
        return mean, mean, "Exact: every chip has the same wrong cells."
    if maps == 1:
        return math.nan, math.nan, "One chip only: no interval can be told."
    beside = mean_half_width(counts, of=neurons, confidence=CONFIDENCE)
    method = (
        f"{100 * CONFIDENCE:g} % Student t interval of the mean over {maps} chips, the test images "
        "taken as fixed."
    )
    if mean - beside < 0 or mean + beside > 1:
        method += " Cut to 0 to 1."
    if not beside:
        method += " All chips were alike: no difference was seen, which does not say there is none."
    return max(mean - beside, 0.0), min(mean + beside, 1.0), method
