"""How many hidden neurons never change their value over the test images, chip by chip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from rramsim.crossbar.faults import is_deterministic
from rramsim.interval import Interval
from rramsim.montecarlo.stopping import mean_half_width
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.scoring.constant_neurons import HiddenNeurons
from rramsim.statistics.confidence import CONFIDENCE

_HIDDEN_NEURONS: WeakKeyDictionary[ScoredNetwork, HiddenNeurons] = WeakKeyDictionary()


@dataclass(frozen=True)
class ConstantShare:
    """The share of the neurons of a hidden layer that have one value on all test images.

    Attributes
    ----------
    layer : int
        Number of the layer, from 1 at the input.
    neurons : int
        Its neurons; of a convolution, every filter at every place of its outputs (after pooling).
    share : Interval
        Mean over chips of the share of neurons that never change; its ends are NaN where one
        chip cannot tell.
    plus_share, minus_share : float
        The part of it that is always +1 and the part that is always -1.
    chips : int
        Chips looked at.
    """

    layer: int
    neurons: int
    share: Interval
    plus_share: float
    minus_share: float
    chips: int


def constant_shares(
    task: Task, *, chips: int, on_chip: Callable[[], None] = lambda: None
) -> list[ConstantShare]:
    """Count the neurons that never change on chips 0 to ``chips - 1`` of a task.

    Those are the chips on which `collect` counts its first scores. A neuron that never changes over
    the images tells nothing of them on that chip. Where every chip is the same
    (`is_deterministic`) one is looked at and stands for all.

    Parameters
    ----------
    task : Task
    chips : int
        Chips, at least 1.
    on_chip : callable, optional
        Called after each of the `chips`.

    Returns
    -------
    list of ConstantShare
        One for each hidden layer, from the input on.
    """
    deterministic = is_deterministic(task.faults)
    plus: list[list[int]] = []
    minus: list[list[int]] = []
    for chip in range(chips):
        if chip == 0 or not deterministic:
            layers = _hidden_neurons(task.network).constant(task.draw(chip))
        plus.append([int(always.sum()) for always, _ in layers])
        minus.append([int(always.sum()) for _, always in layers])
        on_chip()
    return [
        _share(number, pair[0].size, on_plus, on_minus, deterministic)
        for number, (pair, on_plus, on_minus) in enumerate(
            zip(layers, zip(*plus, strict=True), zip(*minus, strict=True), strict=True), start=1
        )
    ]


def _hidden_neurons(network: ScoredNetwork) -> HiddenNeurons:
    """Return the hidden neurons made ready for the images, by the cores whatever the device is."""
    if network not in _HIDDEN_NEURONS:
        _HIDDEN_NEURONS[network] = HiddenNeurons(network.folded, network.images)
    return _HIDDEN_NEURONS[network]


def _share(
    layer: int, neurons: int, plus: Sequence[int], minus: Sequence[int], deterministic: bool
) -> ConstantShare:
    chips = len(plus)
    counts = [sum(pair) for pair in zip(plus, minus, strict=True)]
    return ConstantShare(
        layer,
        neurons,
        _interval(counts, neurons, deterministic=deterministic),
        sum(plus) / (chips * neurons),
        sum(minus) / (chips * neurons),
        chips,
    )


def _interval(counts: Sequence[int], neurons: int, *, deterministic: bool) -> Interval:
    chips = len(counts)
    mean = sum(counts) / (chips * neurons)
    if deterministic:
        return Interval(mean, mean, mean, method="Exact: every chip has the same wrong cells.")
    if chips == 1:
        return Interval(mean, method="One chip only: no interval can be told.")
    beside = mean_half_width(counts, total=neurons, confidence=CONFIDENCE)
    method = (
        f"{100 * CONFIDENCE:g} % Student t interval of the mean over {chips} chips, the test "
        "images taken as fixed."
    )
    if mean - beside < 0 or mean + beside > 1:
        method += " Cut to 0 to 1."
    if not beside:
        method += " All chips were alike: no difference was seen, which does not say there is none."
    return Interval(mean, max(mean - beside, 0.0), min(mean + beside, 1.0), method=method)
