"""What is found out about each state beside its fit, as datasets for tables and figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rramsim import formatting as numbers
from rramsim.device.populations.fit import StateReadings
from rramsim.device.populations.goodness import LEVEL, SEED, Goodness
from rramsim.device.populations.outliers import Outliers, find_outliers
from rramsim.notes import Note
from rramsim.schema import EXACT, STATES, make
from rramsim.statistics.confidence import CONFIDENCE
from rramsim.statistics.tail_models import MIXTURE, PARETO, TailModel, model_tail

if TYPE_CHECKING:
    import xarray as xr

_PART = {MIXTURE: "the second", PARETO: "the tail it describes"}


@dataclass(frozen=True)
class JudgedState:
    """Goodness of the lognormal, outliers, and what describes a tail, of one state.

    Attributes
    ----------
    goodness : Goodness
    outliers : Outliers
    tail_model : TailModel or None
        None unless the verdict is a tail and all readings are exact.
    """

    goodness: Goodness
    outliers: Outliers
    tail_model: TailModel | None


def judge(
    state: StateReadings, verdict: Goodness, *, other: Goodness, reference: float, is_hrs: bool
) -> JudgedState:
    """Find the outliers of a state, and model its tail at the reference (ohm) if it has one."""
    model = None
    if verdict.verdict == "tail" and verdict.body is not None and np.all(state.censoring == EXACT):
        model = model_tail(
            np.log(state.resistance),
            body=verdict.body,
            ln_reference=math.log(reference),
            is_hrs=is_hrs,
        )
    return JudgedState(
        goodness=verdict,
        outliers=find_outliers(
            state,
            body=verdict.body,
            other_body=other.body,
            has_tail=verdict.verdict == "tail",
        ),
        tail_model=model,
    )


def tail_model_notes(state: StateReadings, judged: JudgedState) -> list[Note]:
    """Return a note with the misread rate of a model that has room for the tail."""
    model = judged.tail_model
    if model is None:
        return []
    rate = numbers.bounded(numbers.power(model.high), model.bound)
    share, unit = numbers.percent(model.weight, 1), state.unit
    return [
        state.note(
            f"with {model.method} instead of one lognormal ({share} of the {unit} in "
            f"{_PART[model.method]}) the share of {unit} misread at the reference would be {rate}; "
            "for comparison only.",
            "tail model",
            method=model.method,
            weight=model.weight,
            rate=model.rate,
            high=model.high,
        )
    ]


def goodness_dataset(
    names: Sequence[str], judged: Sequence[tuple[JudgedState, JudgedState]]
) -> xr.Dataset:
    """Return what was judged as a dataset of the schema "goodness"."""
    rows = [[_columns(state) for state in pair] for pair in judged]
    columns = rows[0][0] if rows else {}
    return make(
        "goodness",
        {name: [[state[name] for state in pair] for pair in rows] for name in columns},
        coords={"condition": list(names), "state": list(STATES)},
        attrs={"level": LEVEL, "seed": SEED, "confidence": CONFIDENCE},
    )


def _columns(judged: JudgedState) -> dict[str, Any]:
    found, outliers, model = judged.goodness, judged.outliers, judged.tail_model
    tail, body = found.tail, found.body
    return {
        "verdict": found.verdict,
        "sentence": found.sentence,
        "deficit": found.deficit,
        "p_value": found.p_value,
        "anderson_darling": found.anderson_darling,
        "largest_deviation": found.largest_deviation,
        "tail_found": math.nan if tail is None else float(tail.found),
        "tail_expected": math.nan if tail is None else tail.expected,
        "tail_p_value": math.nan if tail is None else tail.p_value,
        "tail_share": math.nan if tail is None else tail.share,
        "body_mu": math.nan if body is None else body.mu,
        "body_sigma": math.nan if body is None else body.sigma,
        "tail_model": "" if model is None else model.method,
        "tail_model_weight": math.nan if model is None else model.weight,
        "tail_model_rate": math.nan if model is None else model.rate,
        "tail_model_bound": "" if model is None else model.bound,
        "tail_model_high": math.nan if model is None else model.high,
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
    names: Sequence[str], judged: Sequence[tuple[JudgedState, JudgedState]]
) -> xr.Dataset:
    """Return the readings found out as a dataset of the schema "outliers", a row a reading."""
    found = [
        (condition, state, judged_state.outliers)
        for condition, pair in enumerate(judged)
        for state, judged_state in enumerate(pair)
    ]

    def joined(name: str) -> Any:
        return np.concatenate([getattr(outliers, name) for _, _, outliers in found])

    sizes = [outliers.cell.size for _, _, outliers in found]
    return make(
        "outliers",
        {
            "reading": joined("position").astype(np.int64),
            "cell": joined("cell").astype(np.int64),
            "resistance": joined("resistance"),
            "z": joined("z"),
            "kind": np.array(
                [kind for *_, outliers in found for kind in outliers.kind], dtype="U8"
            ),
            "condition_index": np.repeat([condition for condition, _, _ in found], sizes),
            "state_index": np.repeat([state for _, state, _ in found], sizes),
        },
        coords={"condition": list(names), "state": list(STATES)},
    )
