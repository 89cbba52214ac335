"""Program-and-verify: how many pulses cells need, and how many are not there after so many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rramsim import formatting as numbers
from rramsim.device.examination import Analysis
from rramsim.interval import Interval
from rramsim.notes import Note
from rramsim.schema import STATES, make
from rramsim.statistics.attempts import AttemptsFit, fit_attempts
from rramsim.statistics.confidence import CONFIDENCE, clopper_pearson, standard_errors
from rramsim.statistics.design_effect import design_effect
from rramsim.statistics.readings import distinct, ranked

if TYPE_CHECKING:
    import xarray as xr

INTERVAL = (
    "95 %; mean attempts: Student's t over cells; residual share: Clopper-Pearson, of the readings "
    "over their design effect where cells are programmed more than once"
)
"""How the ends of the intervals were made."""

OPERATIONS = {"LRS": "SET", "HRS": "RESET"}
"""The operation whose pulses the readings of a state hold."""

_LIMITS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
# So many operations at the largest number, more than at the one below, are those of a limit.
_PILE = 3
# Twice the gain of ln L from where cells are told to differ: 5 % on the edge of the parameters.
_DIFFERENT = 2.71


def verification(readings: xr.Dataset) -> Analysis | None:
    """Return the attempts of program-and-verify of each condition, and what is left after some.

    The measured share of operations that needed more than K pulses stands beside that of attempts
    which all fail alike, p^K, and that of cells which differ (beta-geometric). Where the largest
    number of pulses is a pile-up it is taken for the most that the tester tried: these operations
    took that many, or did not reach the target.

    Parameters
    ----------
    readings : xarray.Dataset
        Schema "readings"; pulses of readings in LRS are those of a SET, in HRS of a RESET.

    Returns
    -------
    Analysis or None
        Schema "verification"; None where no pulses are known.
    """
    if "pulses" not in readings.variables:
        return None
    known = np.isfinite(readings["pulses"].values) & (readings["pulses"].values >= 1)
    if not known.any():
        return None
    most = float(readings["pulses"].values[known].max())
    limits = np.array([limit for limit in _LIMITS if limit < most] + [most], dtype=float)
    names = readings["condition"].values.astype(str).tolist()
    rows, notes = [], []
    for number, name in enumerate(names):
        for index, state in enumerate(STATES):
            chosen = (
                known
                & (readings["condition_index"].values == number)
                & (readings["state_index"].values == index)
            )
            row, of_row = _row(
                readings["pulses"].values[chosen], readings["cell"].values[chosen], limits
            )
            rows.append(row)
            notes += [note.about(condition=name, state=state) for note in of_row]
    shape = (len(names), len(STATES))
    return Analysis(
        make(
            "verification",
            {
                "limit": limits,
                **{
                    key: np.array(values).reshape(*shape, *np.shape(values[0]))
                    for key in rows[0]
                    for values in [[row[key] for row in rows]]
                },
            },
            coords={"condition": names, "state": list(STATES)},
            attrs={"confidence": CONFIDENCE, "interval": INTERVAL},
        ),
        tuple(notes),
    )


_NUMBERS = ("mean", "mean_low", "mean_high", "most", "miss", "beta_a", "beta_b")
_SHARES = ("residual", "residual_low", "residual_high", "residual_alike", "residual_unlike")


def _row(
    pulses: NDArray[np.float64], cell: NDArray[np.int_], limits: NDArray[np.float64]
) -> tuple[dict[str, Any], list[Note]]:
    row: dict[str, Any] = dict.fromkeys(_NUMBERS, math.nan)
    row |= {"operations": pulses.size, "cells": 0, "at_most": 0}
    row |= {name: np.full(limits.size, np.nan) for name in _SHARES}
    if not pulses.size:
        return row, []
    most = float(pulses.max())
    at_most = int(np.count_nonzero(pulses == most))
    is_limit = at_most >= _PILE and most > 1 and at_most > np.count_nonzero(pulses == most - 1)
    named = np.where(cell >= 0, cell, -1 - np.arange(cell.size))
    mean = _mean(pulses, named)
    fit = fit_attempts(pulses, (pulses == most) & is_limit)
    row |= {
        "cells": int(distinct(named).size),
        "mean": mean.estimate,
        "mean_low": mean.low,
        "mean_high": mean.high,
        "most": most,
        "at_most": at_most if is_limit else 0,
        "miss": fit.miss,
        "beta_a": fit.a,
        "beta_b": fit.b,
        "residual_alike": fit.alike(limits),
        "residual_unlike": fit.unlike(limits),
    }
    for place, limit in enumerate(limits):
        if is_limit and limit >= most:
            continue  # of these nobody knows whether the last pulse was enough
        beyond = pulses > limit
        effect = design_effect(beyond, named, pulses)
        ends = clopper_pearson(beyond.sum() / effect, pulses.size / effect)
        shares = (float(beyond.mean()), *ends)
        for name, value in zip(_SHARES, shares, strict=False):
            row[name][place] = value
    return row, _notes(row, fit, is_limit=bool(is_limit))


def _mean(pulses: NDArray[np.float64], cell: NDArray[np.int_]) -> Interval:
    """Return the mean pulses with its interval over cells."""
    _, member = ranked(cell)
    sizes, sums = np.bincount(member), np.bincount(member, weights=pulses)
    mean, count = float(pulses.mean()), sizes.size
    if count < 2:
        return Interval(mean)
    rest = sums - mean * sizes
    error = math.sqrt(count / (count - 1.0) * float(rest @ rest)) / pulses.size
    width = standard_errors(count - 1.0) * error
    return Interval(mean, max(mean - width, 1.0), mean + width)


def _notes(row: dict[str, Any], fit: AttemptsFit, *, is_limit: bool) -> list[Note]:
    notes = []
    if is_limit:
        text = (
            f"{row['at_most']:,} of {row['operations']:,} operations took {row['most']:.0f} "
            "pulses, the most there are and more than took one less: taken for the tester's limit, "
            "so they may not have reached the target, and the mean attempts are those up to it."
        )
        values = {"operations": row["at_most"], "pulses": row["most"]}
        notes.append(Note(text, kind="limit of pulses", values=values))
    if fit.gain > _DIFFERENT:
        after = float(row["most"])
        text = (
            "cells differ in how often an attempt fails, or attempts depend on each other: after "
            f"{after:.0f} pulses {numbers.power(float(fit.unlike(after)))} are left by the law of "
            f"cells that differ, {numbers.power(float(fit.alike(after)))} by p^K of cells alike."
        )
        notes.append(Note(text, kind="cells differ in attempts", values={"gain": fit.gain}))
    return notes
