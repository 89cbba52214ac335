"""Does the lognormal hold in a state, and which of its cells does it not account for?

Cells that the body of their population cannot account for, stuck in the other state or odd, stay in
the population and in every count; here they are named and given a rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rramsim import formatting as numbers
from rramsim.device.populations.cycles_of_cells import Tested, readings_to_test
from rramsim.device.populations.fit import LEAST_CELLS, StateReadings
from rramsim.interval import Interval
from rramsim.notes import Note
from rramsim.schema import ABOVE, BELOW, EXACT, STATES, make
from rramsim.statistics.confidence import CONFIDENCE, clopper_pearson
from rramsim.statistics.lognormal import LognormalFit
from rramsim.statistics.quantiles import normal_quantiles
from rramsim.statistics.readings import distinct
from rramsim.statistics.straightness import (
    anderson_darling,
    deficit_p_value,
    gap_beside_limit,
    largest_deviation,
    ppcc_deficit,
    without_ties,
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

STUCK, OUTLYING = "stuck", "outlying"
"""Reads like the other state; or like neither."""

# So far out that a lognormal body gives one such reading in a hundred samples of this size.
_CHANCE = 0.01
# A state reaches this many sigmas of its body.
_REACH = 3.0
_NAMED = 5

# A model with room for a tail in words, and what its second part is.
_MODELS = {
    MIXTURE: ("two lognormals", "the second"),
    PARETO: ("a generalised Pareto", "the tail it describes"),
}


@dataclass(frozen=True, eq=False)
class Outliers:
    """Readings of one state beyond what its body can give.

    Attributes
    ----------
    position : ndarray, shape (outliers,)
        Where the readings are in the dataset "readings".
    cell : ndarray, shape (outliers,)
        Number of the cell, -1 where unknown.
    resistance : ndarray, shape (outliers,)
        In ohm.
    z : ndarray, shape (outliers,)
        Distance from the median of the body, in its sigmas.
    kind : tuple of str
        ``"stuck"``: reads like the other state; ``"outlying"``: like neither.
    stuck_cells, outlying_cells : int
        Cells every reading of which, in this state, is of that kind.
    cells : int
        Distinct cells read in this state.
    """

    position: NDArray[np.int_]
    cell: NDArray[np.int_]
    resistance: NDArray[np.float64]
    z: NDArray[np.float64]
    kind: tuple[str, ...]
    stuck_cells: int
    outlying_cells: int
    cells: int

    @property
    def stuck_interval(self) -> tuple[float, float]:
        """Ends of the 95 % Clopper-Pearson interval of the share of stuck cells."""
        return clopper_pearson(self.stuck_cells, self.cells)

    @property
    def outlying_interval(self) -> tuple[float, float]:
        """Ends of the 95 % Clopper-Pearson interval of the share of outlying cells."""
        return clopper_pearson(self.outlying_cells, self.cells)


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
    tested : Tested or None
        The readings that the straightness is of; None without a fit.
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
    tested: Tested | None = None


def verdict_on(state: StateReadings, *, seed: int = SEED) -> Verdict:
    """Judge whether a lognormal describes the readings of one state.

    The statistic is the correlation of the points of the normal-quantile plot; its p-value
    comes from up to 999 samples of the fitted population cut at the same limits. The statistic
    does not change with mu and sigma, so the samples need no fit. Above 100,000 readings, where
    every real sample is rejected, the largest deviation from the line decides (0.1 sigma).

    Readings of the same cell go together. Where cells are read more than once the straightness is
    that of all cycles but a first one that is another population (`readings_to_test`), and the
    samples have as many cells whose readings go together as strongly; fewer than 5 cells, but for
    a single one, are not tested. The tail is counted in all readings, as in so many fewer.

    Readings that all stay too far from a limit, be it one of several, or from a value that three or
    more share at an end, are not of one lognormal either (`gap_beside_limit`), however straight
    their plot.

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
    gap = _gap_sentence(state, fit)
    if fit.exact < _LEAST_EXACT:
        few = f"{fit.exact} exact values are too few to test the lognormal."
        return Verdict(kind="does not hold" if gap else "not tested", sentence=gap or few)
    body = fit_body(state.resistance, state.censoring, fit, cell=state.cell)
    tail = count_tail(
        np.log(state.resistance),
        state.censoring,
        body,
        is_lower=state.is_hrs,
        cell=state.cell if state.is_read_again else None,
    )
    figures = replace(_straightness(state, fit, seed=seed), tail=tail, body=body)
    kind, sentence = _verdict(figures, tail, state)
    if gap and kind != "tail":
        kind, sentence = "does not hold", gap
    return replace(figures, kind=kind, sentence=sentence)


def _gap_sentence(state: StateReadings, fit: LognormalFit) -> str:
    """Return that readings lie too far from a limit for a lognormal, empty where they do not."""
    gap = gap_beside_limit(np.log(state.resistance), state.censoring, fit)
    if gap is None or gap.p_value >= LEVEL or gap.width < _LARGEST_DEVIATION * fit.sigma:
        return ""
    nearest, limit = (numbers.quantity(math.exp(end), "Ω") for end in (gap.start, gap.end))
    return (
        f"the lognormal does not hold: no value was read between {nearest} and {limit}, where "
        f"a range ends, but the law has some there (p = {numbers.power(gap.p_value)})."
    )


def _straightness(state: StateReadings, fit: LognormalFit, *, seed: int) -> Verdict:
    """Return how straight the readings to test are, NaN where too few; no verdict yet."""
    tested = readings_to_test(state)
    x, side = np.log(state.resistance[tested.place]), state.censoring[tested.place]
    z = normal_quantiles(state.resistance[tested.place], side)
    is_exact = (side == EXACT) & np.isfinite(z)
    if np.count_nonzero(side == EXACT) < _LEAST_EXACT or 1 < tested.cells < LEAST_CELLS:
        return Verdict(kind="", sentence="", tested=tested)
    exact, quantiles = x[is_exact], z[is_exact]
    is_whole = bool(is_exact.all()) and tested.cluster is None
    deficit = ppcc_deficit(exact, quantiles if is_whole else without_ties(exact, quantiles))
    return Verdict(
        kind="",
        sentence="",
        deficit=deficit,
        p_value=deficit_p_value(deficit, x, side, fit, seed=seed, cluster=tested.cluster),
        anderson_darling=anderson_darling(x) if is_whole else math.nan,
        largest_deviation=largest_deviation(exact, quantiles, fit),
        tested=tested,
    )


def _verdict(figures: Verdict, tail: Tail, state: StateReadings) -> tuple[str, str]:
    """Return the kind of the verdict and the verdict in words."""
    if tail.p_value < LEVEL:
        return "tail", _tail_sentence(tail, state)
    tested = figures.tested
    assert tested is not None
    untested = _why_untested(figures, tested, state)
    if untested:
        return "not tested", f"{untested}; no excess in the tail that errs."
    straightness = f"1 - PPCC = {numbers.power(figures.deficit)}"
    if math.isnan(figures.p_value):
        fails = figures.largest_deviation > _LARGEST_DEVIATION
        straightness += (
            f", at most {numbers.plain(figures.largest_deviation, 2)} sigma off the line"
        )
    else:
        fails = figures.p_value < LEVEL
        straightness += f", p = {numbers.plain(figures.p_value, 2)}"
    if tested.words:
        straightness = f"{tested.words}: {straightness}"
    if fails:
        return "does not hold", f"the lognormal does not hold ({straightness})."
    independent = float(tested.place.size)
    if tested.cells > 1 and state.fit is not None:
        independent = min(independent, state.fit.effective_readings)
    reach = numbers.plain(float(ndtri(1.0 - 1.0 / max(independent, 2.0))), 2)
    return "holds", f"the lognormal holds to z = {reach} ({straightness})."


def _tail_sentence(tail: Tail, state: StateReadings) -> str:
    where = ""
    if state.cells < state.resistance.size and state.cells > 1:
        where = f" in {tail.cells:,} of {state.cells:,} cells"
    return (
        f"tail: {numbers.percent(tail.share, 1)} of {state.state} {state.unit} belong to another "
        f"population ({tail.beyond:,} found beyond 3 sigma of the body{where}, "
        f"{numbers.plain(tail.expected, 2)} expected, p = {numbers.power(tail.p_value)})."
    )


def _why_untested(figures: Verdict, tested: Tested, state: StateReadings) -> str:
    """Return why the readings say nothing of the lognormal, empty where they do."""
    exact = state.resistance[tested.place][state.censoring[tested.place] == EXACT]
    if 1 < tested.cells < LEAST_CELLS:
        return f"{tested.cells} cells are too few to test the lognormal, however often each is read"
    if math.isnan(figures.deficit):
        return f"{exact.size:,} exact values are too few to test the lognormal"
    distinct = np.unique(exact).size
    # Readings of one cell repeat each other; of other cells that is a matter of the digits.
    least = _TIED * exact.size if tested.cluster is None else _LEAST_EXACT
    if distinct < least:
        return (
            f"only {distinct:,} different values among {exact.size:,}: too few digits to test the "
            "lognormal"
        )
    return ""


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


def find_outliers(
    state: StateReadings,
    *,
    body: LognormalFit | None,
    other_body: LognormalFit | None,
    has_tail: bool = False,
) -> Outliers:
    """Find the readings beyond what the body of a population can give.

    A reading is out where a lognormal body would give 0.01 such readings in a sample of this
    size. It is stuck where it is also within 3 sigmas of the body of the other state, or beyond
    it, and past the middle of the two medians. Where the tail is known to hold another
    population (`goodness`), 3 sigmas of its own body are enough for that. A censored reading is
    out where its limit is.

    Parameters
    ----------
    state : StateReadings
    body, other_body : LognormalFit or None
        Bodies of this and of the other state (`goodness.fit_body`). Without the first nothing is
        called an outlier; without the second nothing is called stuck.
    has_tail : bool
        Whether more readings are beyond 3 sigmas of the body than it can give.
    """
    kinds = _kinds(state, body, other_body, has_tail=has_tail)
    is_out = kinds != ""
    middle, spread = (0.0, math.inf) if body is None else (body.mu, body.sigma)
    return Outliers(
        position=state.position[is_out],
        cell=state.cell[is_out],
        resistance=state.resistance[is_out],
        z=(np.log(state.resistance[is_out]) - middle) / spread,
        kind=tuple(str(kind) for kind in kinds[is_out]),
        stuck_cells=_cells_always(state, kinds == STUCK),
        outlying_cells=_cells_always(state, kinds == OUTLYING),
        cells=state.cells,
    )


def _kinds(
    state: StateReadings,
    body: LognormalFit | None,
    other_body: LognormalFit | None,
    *,
    has_tail: bool,
) -> NDArray[np.str_]:
    x, side = np.log(state.resistance), state.censoring
    kinds = np.full(x.size, "", dtype="U8")
    if body is None:
        return kinds
    limit = -float(ndtri(_CHANCE / 2.0 / x.size))
    z = (x - body.mu) / body.sigma
    # A limit on the near side leaves open how far out the reading is.
    lowest, highest = np.where(side != ABOVE, z, np.inf), np.where(side != BELOW, z, -np.inf)
    kinds[(lowest < -limit) | (highest > limit)] = OUTLYING
    if other_body is not None:
        towards = 1.0 if other_body.mu > body.mu else -1.0
        # A wide state reaches far into a narrow one: past the middle of the medians as well.
        nearest = min(_REACH * other_body.sigma, abs(other_body.mu - body.mu) / 2.0)
        reaches = towards * (x - other_body.mu) > -nearest
        near = _REACH if has_tail else limit
        kinds[(highest > near if towards > 0 else lowest < -near) & reaches] = STUCK
    return kinds


def _cells_always(state: StateReadings, is_kind: NDArray[np.bool_]) -> int:
    """Return how many cells have no reading that is not of the kind."""
    if not is_kind.any():
        return 0
    named = state.cell >= 0
    touched = distinct(state.cell[named & is_kind])
    otherwise = distinct(state.cell[named & ~is_kind])
    always = np.setdiff1d(touched, otherwise, assume_unique=True).size
    return int(always + np.count_nonzero(is_kind & ~named))


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


def outlier_notes(state: StateReadings, outliers: Outliers) -> list[Note]:
    """Return a note for each kind of outlier there is, with the cells and their rate."""
    notes = []
    other = STATES[0] if state.is_hrs else STATES[1]
    for kind, count, (low, high), words in (
        (STUCK, outliers.stuck_cells, outliers.stuck_interval, f"read like {other}"),
        (OUTLYING, outliers.outlying_cells, outliers.outlying_interval, "read like neither state"),
    ):
        of_kind = [name == kind for name in outliers.kind]
        if not any(of_kind):
            continue
        which = _names(outliers.cell[of_kind])
        rate = numbers.percent(count / outliers.cells)
        span = f"{100 * low:.2f} to {100 * high:.2f}"
        notes.append(
            state.note(
                f"{sum(of_kind):,} of {state.resistance.size:,} {state.state} readings {words}, "
                f"beyond what the body of the population gives{which}; {count:,} of "
                f"{outliers.cells:,} cells always do, {rate} ({span}). They stay in the fit and "
                "the count.",
                kind,
                readings=sum(of_kind),
                cells=count,
                rate=count / outliers.cells,
                rate_low=low,
                rate_high=high,
            )
        )
    return notes


def _names(cells: NDArray[np.int_]) -> str:
    named = distinct(cells[cells >= 0])
    if not named.size:
        return ""
    more = ", ..." if named.size > _NAMED else ""
    return f" (cell{'s' if named.size > 1 else ''} {', '.join(map(str, named[:_NAMED]))}{more})"


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
        "tail_found": math.nan if tail is None else float(tail.beyond),
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
    names: Sequence[str],
    verdicts: Sequence[tuple[Verdict, Verdict]],
    *,
    cycle: NDArray[np.int_],
) -> xr.Dataset:
    """Return the readings found out as a dataset of the schema "outliers", a row a reading.

    Parameters
    ----------
    names : sequence of str
        The conditions.
    verdicts : sequence of (Verdict, Verdict)
        Of LRS and HRS of each.
    cycle : ndarray, shape (readings,)
        Of all readings, as in the dataset "readings".
    """
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
            "cycle": cycle[joined("position").astype(np.int64)],
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
