"""Does the lognormal hold in a state, and which of its cells does it not account for?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim import formatting as numbers
from rramsim.device.populations.fit import StateReadings
from rramsim.device.populations.outliers import Outliers, find_outliers
from rramsim.interval import Interval
from rramsim.notes import Note
from rramsim.schema import EXACT, STATES, make
from rramsim.statistics.confidence import CONFIDENCE
from rramsim.statistics.design_effect import clusters_of
from rramsim.statistics.lognormal import LognormalFit
from rramsim.statistics.quantiles import normal_quantiles
from rramsim.statistics.straightness import (
    anderson_darling,
    deficit_p_value,
    largest_deviation,
    ppcc_deficit,
)
from rramsim.statistics.tails import MIXTURE, PARETO, Tail, count_tail, fit_body, model_tail

if TYPE_CHECKING:
    import xarray as xr

LEVEL = 0.01
"""A state is said not to be lognormal, or to have a tail, below this p-value."""

SEED = 20190408
"""Seed of the simulated samples; the same readings always get the same p-value."""

_LEAST_EXACT = 20
# Above 100,000 readings, where every real sample is rejected, the size of a deviation decides.
_LARGEST_DEVIATION = 0.1
# Fewer distinct values than this share of the readings: the instrument gave few digits.
_TIED = 0.5

# A model with room for a tail in words, and what its second part is.
_MODELS = {
    MIXTURE: ("two lognormals", "the second"),
    PARETO: ("a generalised Pareto", "the tail it describes"),
}


@dataclass(frozen=True, eq=False)
class Verdict:
    """Whether the readings of one state are lognormal.

    Attributes
    ----------
    kind : str
        ``"holds"``, ``"tail"`` (another population in the tail that errs), ``"does not hold"``
        or ``"not tested"``.
    sentence : str
        The verdict in words, with its numbers.
    deficit : float
        1 - the correlation of the ordered ln R with their normal quantiles (PPCC); 0 on a
        straight line. NaN where not tested.
    p_value : float
        Of the deficit, from simulated samples with the same limits; NaN where not tested.
    anderson_darling : float
        A**2 (1 + 0.75/n + 2.25/n**2), 5 % point 0.752; NaN with any censored reading.
    largest_deviation : float
        Largest distance from the fitted line within 3 sigmas of the median, in sigmas.
    tail : Tail or None
        None where not tested.
    body : LognormalFit or None
        Fit of the readings within 5 % of either end, the others only as beyond.
    outliers : Outliers or None
        None until the other state and the reference are known.
    tail_model : (float, Interval) or None
        Weight of the part that describes a tail, and the share misread by a model with room for
        it; None unless the verdict is a tail and all readings are exact.
    """

    kind: str
    sentence: str
    deficit: float = math.nan
    p_value: float = math.nan
    anderson_darling: float = math.nan
    largest_deviation: float = math.nan
    tail: Tail | None = None
    body: LognormalFit | None = None
    outliers: Outliers | None = None
    tail_model: tuple[float, Interval] | None = None


def verdict_on(state: StateReadings, *, seed: int = SEED) -> Verdict:
    """Judge whether a lognormal describes the readings of one state.

    The statistic is the correlation of the points of the normal-quantile plot; its p-value
    comes from up to 999 samples of the fitted population cut at the same limits. The statistic
    does not change with mu and sigma, so the samples need no fit. Above 100,000 readings, where
    every real sample is rejected, the largest deviation from the line decides (0.1 sigma).

    Readings of the same cell go together, so where cells are read more than once the straightness
    is that of the first reading of each cell; the tail is counted in all of them.

    Parameters
    ----------
    state : StateReadings
    seed : int
        Of the simulated samples (a number and not a generator, so that states of the same size
        share them).
    """
    fit = state.fit
    if fit is None:
        return Verdict(kind="not tested", sentence="no lognormal was fitted.")
    if fit.exact < _LEAST_EXACT:
        return Verdict(
            kind="not tested",
            sentence=f"{fit.exact} exact values are too few to test the lognormal.",
        )
    body = fit_body(state.resistance, state.censoring, fit, cell=state.cell)
    tail = count_tail(
        np.log(state.resistance),
        state.censoring,
        body,
        is_lower=state.is_hrs,
        cell=state.cell if state.is_repeated else None,
    )
    figures = replace(_straightness(state, fit, seed=seed), tail=tail, body=body)
    kind, sentence = _verdict(figures, tail, state)
    return replace(figures, kind=kind, sentence=sentence)


def _straightness(state: StateReadings, fit: LognormalFit, *, seed: int) -> Verdict:
    """Return how straight independent readings are, NaN of too few of them; no verdict yet."""
    tested = _independent(state)
    x, side = np.log(state.resistance[tested]), state.censoring[tested]
    z = normal_quantiles(state.resistance[tested], side)
    is_exact = (side == EXACT) & np.isfinite(z)
    if np.count_nonzero(side == EXACT) < _LEAST_EXACT:
        return Verdict(kind="", sentence="")
    deficit = ppcc_deficit(x[is_exact], z[is_exact])
    return Verdict(
        kind="",
        sentence="",
        deficit=deficit,
        p_value=deficit_p_value(deficit, x, side, fit, seed=seed),
        anderson_darling=anderson_darling(x) if is_exact.all() else math.nan,
        largest_deviation=largest_deviation(x[is_exact], z[is_exact], fit),
    )


def _independent(state: StateReadings) -> NDArray[np.int_]:
    """Return which readings are tested: all, or the first of each cell where cells repeat."""
    if not state.is_repeated:
        return np.arange(state.resistance.size)
    return np.unique(clusters_of(state.cell), return_index=True)[1]


def _verdict(figures: Verdict, tail: Tail, state: StateReadings) -> tuple[str, str]:
    """Return the kind of the verdict and the verdict in words."""
    if tail.p_value < LEVEL:
        return "tail", (
            f"tail: {numbers.percent(tail.share, 1)} of {state.state} {state.unit} belong to "
            f"another population ({tail.found:,} found beyond 3 sigma of the body, "
            f"{numbers.plain(tail.expected, 2)} expected, p = {numbers.power(tail.p_value)})."
        )
    tested = _independent(state)
    exact = state.resistance[tested][state.censoring[tested] == EXACT]
    no_excess = "no excess in the tail that errs."
    if math.isnan(figures.deficit):
        return "not tested", (
            f"exact values of {exact.size:,} cells are too few to test the lognormal; {no_excess}"
        )
    distinct = np.unique(exact).size
    if distinct < _TIED * exact.size:
        return "not tested", (
            f"only {distinct:,} different values among {exact.size:,}: too few digits to test the "
            f"lognormal; {no_excess}"
        )
    straightness = f"1 - PPCC = {numbers.power(figures.deficit)}"
    if math.isnan(figures.p_value):
        fails = figures.largest_deviation > _LARGEST_DEVIATION
        straightness += (
            f", at most {numbers.plain(figures.largest_deviation, 2)} sigma off the line"
        )
    else:
        fails = figures.p_value < LEVEL
        straightness += f", p = {numbers.plain(figures.p_value, 2)}"
    if state.is_repeated:
        straightness = f"the first reading of each of {tested.size:,} cells: {straightness}"
    if fails:
        return "does not hold", f"the lognormal does not hold ({straightness})."
    reach = numbers.plain(float(ndtri(1.0 - 1.0 / tested.size)), 2)
    return "holds", f"the lognormal holds to z = {reach} ({straightness})."


def with_outliers(
    state: StateReadings, verdict: Verdict, *, other: Verdict, reference: float
) -> Verdict:
    """Return the verdict with the outliers, and a model of the tail at the reference (ohm)."""
    model = None
    if verdict.kind == "tail" and verdict.body is not None and np.all(state.censoring == EXACT):
        model = model_tail(
            np.log(state.resistance),
            body=verdict.body,
            limit=math.log(reference),
            is_lower=state.is_hrs,
        )
    return replace(
        verdict,
        outliers=find_outliers(
            state,
            body=verdict.body,
            other_body=other.body,
            has_tail=verdict.kind == "tail",
        ),
        tail_model=model,
    )


def tail_model_notes(state: StateReadings, verdict: Verdict) -> list[Note]:
    """Return a note with the misread rate of a model that has room for the tail."""
    if verdict.tail_model is None:
        return []
    weight, misread = verdict.tail_model
    at_most = misread.high if misread.bound else misread.estimate
    rate = numbers.bounded(numbers.power(at_most), misread.bound)
    share, unit = numbers.percent(weight, 1), state.unit
    model, part = _MODELS[misread.basis]
    return [
        state.note(
            f"with {model} instead of one lognormal ({share} of the {unit} in {part}) the "
            f"share of {unit} misread at the reference would be {rate}; for comparison only.",
            "tail model",
            method=misread.basis,
            weight=weight,
            misread=at_most,
        )
    ]


def goodness_dataset(
    names: Sequence[str], verdicts: Sequence[tuple[Verdict, Verdict]]
) -> xr.Dataset:
    """Return the verdicts as a dataset of the schema "goodness"."""
    rows = [[_columns(state) for state in pair] for pair in verdicts]
    columns = rows[0][0] if rows else {}
    return make(
        "goodness",
        {name: [[state[name] for state in pair] for pair in rows] for name in columns},
        coords={"condition": list(names), "state": list(STATES)},
        attrs={"level": LEVEL, "seed": SEED, "confidence": CONFIDENCE},
    )


def _columns(verdict: Verdict) -> dict[str, Any]:
    tail, body, outliers = verdict.tail, verdict.body, verdict.outliers
    assert outliers is not None
    weight, misread = verdict.tail_model or (math.nan, Interval())
    return {
        "verdict": verdict.kind,
        "sentence": verdict.sentence,
        "deficit": verdict.deficit,
        "p_value": verdict.p_value,
        "anderson_darling": verdict.anderson_darling,
        "largest_deviation": verdict.largest_deviation,
        "tail_found": math.nan if tail is None else float(tail.found),
        "tail_expected": math.nan if tail is None else tail.expected,
        "tail_p_value": math.nan if tail is None else tail.p_value,
        "tail_share": math.nan if tail is None else tail.share,
        "body_mu": math.nan if body is None else body.mu,
        "body_sigma": math.nan if body is None else body.sigma,
        "tail_model": misread.basis,
        "tail_model_weight": weight,
        "tail_model_rate": misread.estimate,
        "tail_model_bound": misread.bound,
        "tail_model_high": misread.high if misread.bound else misread.estimate,
        **_rate("stuck", outliers.stuck_cells, outliers.cells, outliers.stuck_interval),
        **_rate("outlying", outliers.outlying_cells, outliers.cells, outliers.outlying_interval),
    }


def _rate(
    kind: str, count: int, cells: int, interval: tuple[float, float]
) -> dict[str, int | float]:
    return {
        f"{kind}_cells": count,
        f"{kind}_rate": count / cells,
        f"{kind}_rate_low": interval[0],
        f"{kind}_rate_high": interval[1],
    }


def outliers_dataset(
    names: Sequence[str], verdicts: Sequence[tuple[Verdict, Verdict]]
) -> xr.Dataset:
    """Return the readings found out as a dataset of the schema "outliers", a row a reading."""
    parts = [
        (condition, state, verdict.outliers)
        for condition, pair in enumerate(verdicts)
        for state, verdict in enumerate(pair)
        if verdict.outliers is not None
    ]

    def joined(name: str) -> Any:
        return np.concatenate([getattr(outliers, name) for _, _, outliers in parts])

    sizes = [outliers.cell.size for _, _, outliers in parts]
    return make(
        "outliers",
        {
            "reading": joined("position").astype(np.int64),
            "cell": joined("cell").astype(np.int64),
            "resistance": joined("resistance"),
            "z": joined("z"),
            "kind": np.array(
                [kind for *_, outliers in parts for kind in outliers.kind], dtype="U8"
            ),
            "condition_index": np.repeat([condition for condition, _, _ in parts], sizes),
            "state_index": np.repeat([state for _, state, _ in parts], sizes),
        },
        coords={"condition": list(names), "state": list(STATES)},
    )
