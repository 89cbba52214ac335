"""In which order points are tested, which share of the error each has, and which has to wait."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from rramsim.decision.accuracy_loss import ONE_SIDED
from rramsim.schema import POINT, Record, records

if TYPE_CHECKING:
    import xarray as xr

_MEANT_FOR = 100.0
_MOST_CHIPS = 10**7


def sequences(tradeoff: xr.Dataset) -> list[list[int]]:
    """Return the places of the points of each network in the order in which they are tested.

    Networks of one training BER make one sequence, those with thresholds estimated anew another
    one. It is tested from the point of the highest energy a weight down, and of more cells before
    fewer; points of unknown energy come first, in their order. The order must not come from the
    cells: a p-value contains the error of a bit-error rate, and the luckiest sample of cells would
    be tested first. A network that met bit errors in training is meant for chips that have them;
    those of less than a hundredth of these come last, where the cells leave hardly anything open.

    Parameters
    ----------
    tradeoff : xarray.Dataset
        Product "tradeoff".

    Returns
    -------
    list of list of int
        Places in the (C) order of `POINT`; only points whose accuracy is known.
    """
    tradeoff = tradeoff.transpose(*POINT, ...)
    bers = tradeoff["test_ber"].values.ravel()
    energy = tradeoff["energy_per_weight"].mean("training_ber").values.ravel()
    cells = tradeoff["cells_per_weight"].mean("training_ber").values.ravel()
    costs = np.where(np.isnan(energy), math.inf, energy)
    known = ~np.isnan(tradeoff["accuracy"].values.reshape(-1, bers.size))
    training_bers = np.repeat(
        tradeoff["training_ber"].values, tradeoff.sizes["thresholds"]
    ).tolist()
    found = []
    for row, training_ber in enumerate(training_bers):
        # The network that all are compared with is the one to show little errors on.
        is_reference = training_ber == min(training_bers)
        last = np.zeros(bers.size) if is_reference else bers < training_ber / _MEANT_FOR
        order = np.lexsort((-cells, -costs, last))
        found.append([row * bers.size + int(place) for place in order if known[row, place]])
    return [places for places in found if places]


def error_share(tradeoff: xr.Dataset, shown: NDArray[np.bool_]) -> float:
    """Return the share of the 2.5 % at which each network is tested that has points left.

    A network whose points are all shown to be good enough leaves its share to the others
    (`rramsim.decision.accuracy_loss.rejected_in_sequences`).

    Parameters
    ----------
    tradeoff : xarray.Dataset
        Product "tradeoff".
    shown : ndarray of bool, shape of `POINT`
        Whether a point is shown to be good enough.
    """
    left = sum(not shown.ravel()[places].all() for places in sequences(tradeoff))
    return (1.0 - ONE_SIDED) / max(left, 1)


def open_before(tradeoff: xr.Dataset, point: Record, name: str) -> Record | None:
    """Return the point that has to be shown to be good enough before another one is tested.

    Parameters
    ----------
    tradeoff : xarray.Dataset
        Product "tradeoff", judged.
    point : Record
        One of its points.
    name : str
        "accurate" or "yields".

    Returns
    -------
    Record or None
        The first one of its sequence that has no "yes"; None if that is the point itself.
    """
    points = records(tradeoff, *POINT)
    at = next(
        place for place, one in enumerate(points) if all(one[dim] == point[dim] for dim in POINT)
    )
    tested = next(places for places in sequences(tradeoff) if at in places)
    before = (points[place] for place in tested[: tested.index(at)])
    return next((one for one in before if one[name] != "yes"), None)


def yield_chips_needed(tradeoff: xr.Dataset, point: Record, required: float) -> int | None:
    """Return how many chips would show a yield, if it stays the same; None if they cannot.

    The share of the error is that of a network, as in `error_share`, and the p-value is the exact
    binomial one.

    Parameters
    ----------
    tradeoff : xarray.Dataset
        Product "tradeoff", judged.
    point : Record
        One of its points.
    required : float
        Share of the chips that must be accurate enough.
    """
    share = point["chip_yield"]
    level = error_share(tradeoff, tradeoff["yields"].transpose(*POINT).values == "yes")

    def shows(chips: int) -> bool:
        return bool(betainc(chips * share, chips * (1.0 - share) + 1.0, required) <= level)

    few, enough = 0, _MOST_CHIPS
    if not share > required or not shows(enough):
        return None
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if shows(middle) else (middle, enough)
    return enough
