"""How often the headline BER that a reader sees holds the true one, by simulation.

    python headline.py                            lists the scenarios
    python headline.py plain-30-1e-04 --sets 2000
    python headline.py all --sets 1000            one to two hours on one core

Each sample goes through rramsim's own functions, from readings to headline: fit of both states,
test of the lognormal in each, choice of the reference, counted errors, the choice of what leads.
The truth is what cells err at the reference that the sample chose. Rows are put into headline.csv,
one a scenario; a scenario that is there is replaced.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

from rramsim import schema
from rramsim.device.bit_errors.headline import BitErrors, bit_errors
from rramsim.device.populations.fit import fit_conditions
from rramsim.device.populations.verdicts import verdict_on
from rramsim.device.read_conditions import ReadConditions
from rramsim.interval import Interval
from rramsim.statistics.confidence import smallest_countable

Floats = NDArray[np.float64]

SEED = 20190408
SIGMA = 0.3
"""Of ln R in both states."""
SHARE = 0.005
"""Of the cells that belong to another population, where some do."""
COLUMNS = (
    *("scenario", "sets", "bounds", "counted", "covered", "above", "below"),
    *("covered_beside", "median_ratio", "covered_2t2r", "above_2t2r", "below_2t2r", "date"),
)


@dataclass(frozen=True)
class State:
    """Simulated readings of one state: ln R, on which side of a limit, and of which cell."""

    x: Floats
    side: NDArray[np.int_] | None = None
    cell: NDArray[np.int_] | None = None


@dataclass(frozen=True)
class Scenario:
    """Readings as a laboratory might have them, and the truth about them.

    Attributes
    ----------
    name : str
    draw : callable
        Gives the readings of LRS and of HRS from a random generator.
    ber : callable
        Gives the true BER at a reference, ln(ohm).
    ber_2t2r : float
        Of two independent cells; NaN where it is not looked at.
    reference : float or None
        ln(ohm) of a stated reference; None for the one that rramsim chooses.
    """

    name: str
    draw: Callable[[np.random.Generator], tuple[State, State]]
    ber: Callable[[float], float]
    ber_2t2r: float = math.nan
    reference: float | None = None


def medians(ber: float) -> tuple[float, float]:
    """Return ln of the medians for which the best reference, in the middle, gives a BER."""
    return 9.0, 9.0 - 2.0 * SIGMA * float(ndtri(ber))


def true_ber(reference: float, ber: float) -> float:
    """Return the BER of the two populations at ln of a reference."""
    lrs, hrs = medians(ber)
    return float(ndtr((lrs - reference) / SIGMA) + ndtr((reference - hrs) / SIGMA)) / 2.0


def plain(cells: int, ber: float) -> Scenario:
    """Return two lognormal populations, each cell read once."""

    def draw(rng: np.random.Generator) -> tuple[State, State]:
        lrs, hrs = (State(rng.normal(mu, SIGMA, cells)) for mu in medians(ber))
        return lrs, hrs

    lrs, hrs = medians(ber)
    return Scenario(
        f"plain-{cells}-{ber:.0e}",
        draw,
        lambda reference: true_ber(reference, ber),
        ber_2t2r=float(ndtr((lrs - hrs) / math.hypot(SIGMA, SIGMA))),
    )


def stated(cells: int, ber: float) -> Scenario:
    """Return the same, read against a reference stated beforehand: the best one."""
    of_cells = plain(cells, ber)
    return replace(
        of_cells,
        name=f"stated-{cells}-{ber:.0e}",
        reference=sum(medians(ber)) / 2.0,
        ber_2t2r=math.nan,
    )


def censored(cells: int, ber: float) -> Scenario:
    """Return the same where the meter's range ends below 20 % of the HRS cells."""
    of_cells = plain(cells, ber)
    limit = medians(ber)[1] + SIGMA * float(ndtri(0.8))

    def draw(rng: np.random.Generator) -> tuple[State, State]:
        lrs, hrs = of_cells.draw(rng)
        return lrs, State(np.minimum(hrs.x, limit), (hrs.x > limit).astype(int))

    return replace(of_cells, name=f"censored-{cells}-{ber:.0e}", draw=draw)


def contaminated(cells: int, ber: float, kind: str) -> Scenario:
    """Return one cell in 200 that is like the other state, or in the middle of both."""
    lrs_mu, hrs_mu = medians(ber)
    of, at = {
        "stuck HRS": (1, lrs_mu),
        "stuck LRS": (0, hrs_mu),
        "mid tail": (1, (lrs_mu + hrs_mu) / 2.0),
    }[kind]

    def draw(rng: np.random.Generator) -> tuple[State, State]:
        states = []
        for index, mu in enumerate((lrs_mu, hrs_mu)):
            elsewhere = (rng.random(cells) < SHARE) & (index == of)
            states.append(State(rng.normal(np.where(elsewhere, at, mu), SIGMA)))
        return states[0], states[1]

    def truth(reference: float) -> float:
        mu = (lrs_mu, hrs_mu)[of]
        # An LRS cell errs above the reference, an HRS cell below it.
        sign = 1.0 if of else -1.0
        extra = ndtr(sign * (reference - at) / SIGMA) - ndtr(sign * (reference - mu) / SIGMA)
        return true_ber(reference, ber) + SHARE * float(extra) / 2.0

    return Scenario(f"{kind.replace(' ', '-')}-{cells}-{ber:.0e}", draw, truth)


CYCLES = 50
"""Reads of a cell, where cells are read again and again."""


def read_again(cells: int, ber: float) -> Scenario:
    """Return cells read 50 times in each state, half of the variance between them."""

    def draw(rng: np.random.Generator) -> tuple[State, State]:
        states = []
        for mu in medians(ber):
            of_cell = rng.normal(0.0, SIGMA * math.sqrt(0.5), (cells, 1))
            x = mu + of_cell + rng.normal(0.0, SIGMA * math.sqrt(0.5), (cells, CYCLES))
            states.append(State(x.ravel(), cell=np.repeat(np.arange(cells), CYCLES)))
        return states[0], states[1]

    return replace(plain(cells, ber), name=f"cells-{cells}x{CYCLES}-{ber:.0e}", draw=draw)


def one_cell(coefficient: float, ber: float, *, cycles: int = 1000) -> Scenario:
    """Return one cell read again and again, each reading going on from the one before."""

    def draw(rng: np.random.Generator) -> tuple[State, State]:
        states = []
        for mu in medians(ber):
            noise = rng.normal(0.0, SIGMA * math.sqrt(1.0 - coefficient**2), cycles + 200)
            x = lfilter([1.0], [1.0, -coefficient], noise)[200:]
            states.append(State(mu + x, cell=np.zeros(cycles, int)))
        return states[0], states[1]

    return replace(
        plain(cycles, ber), name=f"series-{cycles}-ar{coefficient:g}-{ber:.0e}", draw=draw
    )


BERS = (3e-2, 1e-4, 1e-6)
SCENARIOS: list[Scenario] = [
    *(plain(cells, ber) for cells in (3, 5, 10) for ber in BERS),
    *(plain(cells, ber) for cells in (20, 30, 64, 256, 1024) for ber in BERS),
    *(stated(cells, ber) for cells in (30, 256) for ber in BERS),
    *(censored(cells, ber) for cells in (30, 64, 256) for ber in BERS),
    *(
        contaminated(cells, 1e-4, kind)
        for kind in ("stuck HRS", "stuck LRS", "mid tail")
        for cells in (256, 1024)
    ),
    *(read_again(cells, ber) for cells in (5, 10, 20, 50) for ber in BERS),
    *(one_cell(coefficient, ber) for coefficient in (0.0, 0.3, 0.6, 0.9) for ber in BERS),
]
"""What is simulated; append to it."""


def found_in(lrs: State, hrs: State, *, reference: float | None = None) -> BitErrors:
    """Return what rramsim says of the readings of one condition."""
    states = (lrs, hrs)

    def joined(part: Callable[[State], Any]) -> Any:
        return np.concatenate([part(state) for state in states])

    def whole(value: int) -> Callable[[State], Any]:
        return lambda state: np.full(state.x.size, value)

    readings = schema.make(
        "readings",
        {
            "resistance": np.exp(joined(lambda state: state.x)),
            "censoring": joined(
                lambda state: np.zeros(state.x.size, int) if state.side is None else state.side
            ),
            "cell": joined(
                lambda state: np.full(state.x.size, -1) if state.cell is None else state.cell
            ),
            "condition_index": joined(whole(0)),
            "state_index": np.repeat([0, 1], [state.x.size for state in states]),
            "cycle": joined(whole(-1)),
        },
        {"condition": ["c"], "state": list(schema.STATES)},
    )
    (condition,) = fit_conditions(readings)
    read = ReadConditions()
    if reference is not None:
        read = read.with_reference(math.exp(reference))
    verdicts = verdict_on(condition.lrs), verdict_on(condition.hrs)
    return bit_errors(condition, read, verdicts=verdicts)


def side_of(rate: Interval, truth: float) -> int:
    """Return 0 where an interval or a bound holds the truth, 1 where that is above, -1 below."""
    if truth > rate.high:
        return 1
    return -1 if not rate.bound and truth < rate.low else 0


def simulate(scenario: Scenario, *, sets: int, seed: int = SEED) -> dict[str, Any]:
    """Return how often the headline holds the true BER of a scenario, as shares of the samples.

    Parameters
    ----------
    scenario : Scenario
    sets : int
        Samples.
    seed : int

    Returns
    -------
    dict
        ``bounds`` and ``counted``: headlines that are a bound, and counted ones; ``covered``,
        ``above`` and ``below``: those that hold the truth, and truths above and below the others (a
        bound can be missed above only); ``covered_beside``: those that hold it by the headline or
        by the count beside it; ``median_ratio``: estimate over truth, of headlines that are no
        bound, NaN for fewer than half; the same three of the 2T2R BER.
    """
    key = [seed, *scenario.name.encode()]
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
    sides, sides_2t2r = np.zeros(sets, int), np.zeros(sets, int)
    bounds, counted, beside = (np.zeros(sets, bool) for _ in range(3))
    ratios = []
    for number in range(sets):
        found = found_in(*scenario.draw(rng), reference=scenario.reference)
        head, truth = found.headline, scenario.ber(math.log(found.reference))
        sides[number] = side_of(head, truth)
        bounds[number], counted[number] = head.bound == "upper", head.basis == "counted"
        count = found.counted.ber
        if not found.counted.errors:
            count = Interval(high=smallest_countable(found.counted.sample), bound="upper")
        beside[number] = sides[number] == 0 or side_of(count, truth) == 0
        if not head.bound:
            ratios.append(head.estimate / truth)
        if not math.isnan(scenario.ber_2t2r):
            sides_2t2r[number] = side_of(found.paired, scenario.ber_2t2r)

    def shares(of: NDArray[np.int_]) -> list[float]:
        return [float(np.mean(of == side)) for side in (0, 1, -1)]

    two = [math.nan] * 3 if math.isnan(scenario.ber_2t2r) else shares(sides_2t2r)
    ratio = float(np.median(ratios)) if len(ratios) > sets / 2 else math.nan
    row = [scenario.name, sets, bounds.mean(), counted.mean(), *shares(sides), beside.mean()]
    return dict(zip(COLUMNS, [*row, ratio, *two, date.today().isoformat()], strict=True))


def keep(path: Path, row: Mapping[str, Any]) -> None:
    """Put a row into the table, in the order of the scenarios."""
    rows = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            rows = {old["scenario"]: old for old in csv.DictReader(file)}
    rows[row["scenario"]] = {
        name: f"{value:.4g}" if isinstance(value, float) else value for name, value in row.items()
    }
    order = [scenario.name for scenario in SCENARIOS]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[name] for name in order if name in rows)


def _simulated(name: str, sets: int) -> dict[str, Any]:
    scenario = next(one for one in SCENARIOS if one.name == name)
    return simulate(scenario, sets=sets)


def main() -> None:
    """Simulate the scenarios named and keep what was found beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", help="a name, its beginning, or all")
    parser.add_argument("--sets", type=int, default=2000, help="samples a scenario")
    parser.add_argument("--jobs", type=int, default=1, help="scenarios at a time")
    given = parser.parse_args()
    every = [scenario.name for scenario in SCENARIOS]
    if not given.scenario:
        print("\n".join(every))
        return
    named = [
        name for name in every if "all" in given.scenario or name.startswith(tuple(given.scenario))
    ]
    path = Path(__file__).parent / "headline.csv"
    with ProcessPoolExecutor(given.jobs) as pool:
        for row in pool.map(_simulated, named, [given.sets] * len(named)):
            print({name: row[name] for name in COLUMNS[:9]}, flush=True)
            keep(path, row)


if __name__ == "__main__":
    main()
