"""How many flipped weights of the last layer an image stands: exact, in the worst case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.network.folded.checks import check_inputs
from rramsim.network.folded.network import FoldedNetwork, ScoreLayer
from rramsim.network.packed.convolution import ConvolutionalNetwork
from rramsim.network.packed.dense import PackedNetwork

_AT_ONCE = 1 << 22  # numbers compared at once, so that they stay within some tens of MB


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is certain of each image where only the last layer errs.

    Attributes
    ----------
    predictions : int64 array, shape (images,)
        The class on a chip free of faults.
    tolerated : int64 array, shape (images,)
        So many flipped weights of the last layer never change the class, whichever they are, and
        one more can. All weights of the layer where no flips can.
    """

    predictions: NDArray[np.int64]
    tolerated: NDArray[np.int64]


def certify(folded: FoldedNetwork, images: NDArray[np.uint8]) -> Certificate:
    """Return how many flips in the last layer each image tolerates, the others free of faults.

    Parameters
    ----------
    folded : FoldedNetwork
    images : uint8 array, shape (images, inputs)

    Raises
    ------
    InputError
        If the images do not have the network's inputs, sums could leave the exact range, there
        is no hidden layer, or values are averaged before the last one.
    """
    check_inputs(folded, images)
    if len(folded.layers) == 1:
        raise InputError(
            "The network has no hidden layer, and flips of weights at pixels change a sum by more "
            "or less with the pixel: only layers of -1 and +1 can be certified."
        )
    if folded.output.average != (1, 1):
        raise InputError(
            "The network averages values before its last layer, and a flip of a weight there "
            "changes a sum by more or less with the average: only layers of -1 and +1 can be "
            "certified."
        )
    kind = ConvolutionalNetwork if folded.convolutions else PackedNetwork
    sums = kind(folded, images).sums()
    return Certificate(folded.output.classes(sums), tolerated_flips(folded.output, sums))


def tolerated_flips(layer: ScoreLayer, sums: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return how many flips of weights in a layer of scores never change the class of an image.

    The inputs are -1 and +1, so a flip moves the sum of its class by 2, and k flips in one row move
    it by 2 k at most, as far as there are weights that push the other way. The class changes as
    soon as one rival beats the winner: flips in the rows of other classes do not help. So for each
    rival the cheapest way is searched among all splits of the flips between the two rows, the
    winner's score going down and the rival's up. Scores are looked up as the network computes them,
    in float32 with both roundings, so ties (the first class wins) fall as they do there and nothing
    is approximate.

    Parameters
    ----------
    layer : ScoreLayer
    sums : integer array, shape (images, classes)
        Its sums free of faults.

    Returns
    -------
    int64 array, shape (images,)
        The least number of flips that can change the class, less 1; all weights of the layer where
        nothing can change it.

    Examples
    --------
    >>> ones = np.ones(2, dtype=np.float32)
    >>> layer = ScoreLayer(np.ones((2, 5), dtype=np.int8), ones, 0 * ones)

    A lead of 6 is gone after 3 flips, and the first class still wins the tie:

    >>> tolerated_flips(layer, np.array([[5, -1], [-1, 5]])).tolist()
    [3, 2]
    """
    classes, inputs = layer.signs.shape
    # Scores of a class for all sums it can have, in the order in which the score rises: a flip
    # goes one step up or down.
    every_sum = np.arange(-inputs, inputs + 1, 2)[:, np.newaxis]
    levels = layer.scores(np.broadcast_to(every_sum, (inputs + 1, classes))).T
    places = (sums + inputs) // 2
    falls = layer.scale < 0
    levels[falls] = levels[falls, ::-1]
    places = np.where(falls, inputs - places, places)

    never = layer.signs.size + 1
    least = np.full(len(sums), never, dtype=np.int64)
    winners = layer.classes(sums)
    for winner in range(classes):
        shown = np.flatnonzero(winners == winner)
        for rival in np.delete(np.arange(classes), winner):
            # The lowest place at which the rival beats the winner, for every place of the latter.
            side: Literal["left", "right"] = "left" if rival < winner else "right"
            beaten_by = np.searchsorted(levels[rival], levels[winner], side=side)
            for part in np.array_split(shown, 1 + len(shown) * (inputs + 1) // _AT_ONCE):
                ways = _flips(places[part, winner], places[part, rival], beaten_by, never=never)
                least[part] = np.minimum(least[part], ways)
    return least - 1


def _flips(
    winner: NDArray[np.int64], rival: NDArray[np.int64], beaten_by: NDArray[np.int64], *, never: int
) -> NDArray[np.int64]:
    """Return the least flips after which a rival, image by image, beats the winner.

    `winner` and `rival` are the places of their scores, and `beaten_by` is the place that the rival
    needs for every place of the winner; beyond the last place is one that it cannot reach.
    """
    inputs = len(beaten_by) - 1
    down = winner[:, np.newaxis] - np.arange(inputs + 1)
    up = np.maximum(beaten_by - rival[:, np.newaxis], 0)
    possible = (down >= 0) & (beaten_by <= inputs)
    fewest: NDArray[np.int64] = np.where(possible, down + up, never).min(axis=1)
    return fewest
