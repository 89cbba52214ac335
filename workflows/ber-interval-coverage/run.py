"""How often each kind of interval of a fitted BER holds the true one, by simulation.

The truth is what cells err at the reference that was chosen on the sample, or at the one that was
given. Run it in this folder (about two minutes on one core):

    python run.py

It writes coverage.csv, small-samples.csv, optimism.csv and coverage.png beside itself. Mean and
deviation of a normal sample are drawn from their own distributions, which is exact and needs no
cells; only the counted errors need them.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaincinv, log_ndtr, ndtr, ndtri, ndtri_exp
from scipy.stats import nct, qmc

Floats = NDArray[np.float64]

SEED = 20190408
END = float(ndtri(0.975))
SIGMA_LRS = 0.1
CELLS = (256, 1024, 10_000)
FEW_CELLS = (8, 12, 20, 30, 64)
BERS = (3e-2, 1e-4, 1e-6)
RATIOS = (1.0, 3.0, 8.0)
REFERENCES = ("best", "fixed")


@dataclass(frozen=True)
class Truth:
    """Two populations of ln R, the HRS spread `ratio` times the LRS one, and their best BER."""

    ber: float
    ratio: float

    @property
    def sigmas(self) -> tuple[float, float]:
        """Spreads of ln R in LRS and in HRS."""
        return SIGMA_LRS, SIGMA_LRS * self.ratio

    @property
    def mu_hrs(self) -> float:
        """Median of HRS, with that of LRS at 0, for which the best reference gives `ber`."""

        def excess(mu: float) -> float:
            best = best_reference(np.zeros(1), np.array([mu]), *map(np.array, self.sigmas))
            return float(log_ber(best, np.zeros(1), np.array([mu]), *self.sigmas)[0]) - math.log(
                self.ber
            )

        low = 0.5 * sum(self.sigmas)
        return float(brentq(excess, low, 40.0 * sum(self.sigmas)))


@dataclass(frozen=True)
class Sample:
    """Estimates from many simulated samples: means, ML deviations; each of shape (sets,)."""

    mean_lrs: Floats
    mean_hrs: Floats
    sigma_lrs: Floats
    sigma_hrs: Floats
    cells: int


def best_reference(mu_lrs: Floats, mu_hrs: Floats, sigma_lrs: Floats, sigma_hrs: Floats) -> Floats:
    """Return where the densities cross between the medians: the stable root of the quadratic."""
    apart = mu_hrs - mu_lrs
    a = 0.5 / sigma_hrs**2 - 0.5 / sigma_lrs**2
    b = -apart / sigma_hrs**2
    c = 0.5 * apart**2 / sigma_hrs**2 + np.log(sigma_hrs / sigma_lrs)
    root = 2.0 * c / (-b + np.sqrt(np.maximum(b * b - 4.0 * a * c, 0.0)))
    return mu_lrs + np.clip(root, 0.0, apart)


def log_ber(
    reference: Floats, mu_lrs: Floats, mu_hrs: Floats, sigma_lrs: Any, sigma_hrs: Any
) -> Floats:
    """Return ln of the BER at the reference, both states in equal shares."""
    z_lrs, z_hrs = (reference - mu_lrs) / sigma_lrs, (mu_hrs - reference) / sigma_hrs
    found: Floats = np.logaddexp(log_ndtr(-z_lrs), log_ndtr(-z_hrs)) - math.log(2.0)
    return found


def draw(truth: Truth, cells: int, *, sets: int, rng: np.random.Generator) -> Sample:
    """Draw the estimates of `sets` samples of `cells` cells a state."""
    return redraw(
        Sample(
            *(np.full(sets, mu) for mu in (0.0, truth.mu_hrs)),
            *(np.full(sets, sigma) for sigma in truth.sigmas),
            cells=cells,
        ),
        shape=(sets,),
        rng=rng,
    )


def redraw(sample: Sample, *, shape: tuple[int, ...], rng: np.random.Generator) -> Sample:
    """Draw estimates of new samples from the populations that `sample` estimates."""
    n = sample.cells

    def mean(mu: Floats, sigma: Floats) -> Floats:
        return mu + sigma / math.sqrt(n) * rng.standard_normal(shape)

    def deviation(sigma: Floats) -> Floats:
        return sigma * np.sqrt(rng.chisquare(n - 1, shape) / n)

    return Sample(
        mean(sample.mean_lrs, sample.sigma_lrs),
        mean(sample.mean_hrs, sample.sigma_hrs),
        deviation(sample.sigma_lrs),
        deviation(sample.sigma_hrs),
        cells=n,
    )


def reference_of(sample: Sample, truth: Truth, reference: str) -> Floats:
    """Return the best reference of each sample, or the best one of the true populations."""
    if reference == "fixed":
        best = best_reference(
            np.zeros(1), np.array([truth.mu_hrs]), *(np.array([s]) for s in truth.sigmas)
        )
        return np.full(sample.mean_lrs.shape, best[0])
    return best_reference(sample.mean_lrs, sample.mean_hrs, sample.sigma_lrs, sample.sigma_hrs)


def probit_distance(sample: Sample, reference: Floats) -> Floats:
    """Return y = -probit(BER) of each sample."""
    y: Floats = -ndtri_exp(
        log_ber(reference, sample.mean_lrs, sample.mean_hrs, sample.sigma_lrs, sample.sigma_hrs)
    )
    return y


def true_distance(truth: Truth, reference: Floats) -> Floats:
    """Return y = -probit of what cells of the true populations err at each reference."""
    mu = np.zeros(reference.shape), np.full(reference.shape, truth.mu_hrs)
    y: Floats = -ndtri_exp(log_ber(reference, *mu, *truth.sigmas))
    return y


def delta_error(sample: Sample, reference: Floats) -> tuple[Floats, Floats]:
    """Return the standard error of y and of the BER itself, by the delta method."""
    y = probit_distance(sample, reference)
    variance = np.zeros(y.shape)
    for z in (
        (reference - sample.mean_lrs) / sample.sigma_lrs,
        (sample.mean_hrs - reference) / sample.sigma_hrs,
    ):
        variance += (0.5 * np.exp((y * y - z * z) / 2.0)) ** 2 * (1.0 + z * z / 2.0) / sample.cells
    error = np.sqrt(variance)
    return error, error * np.exp(-y * y / 2.0) / math.sqrt(2.0 * math.pi)


def left_open(sample: Sample, reference: Floats, *, draws: int = 1024) -> tuple[Floats, Floats]:
    """Return the ends, on the scale of y, of the populations that each sample leaves open."""
    points = qmc.Sobol(4, scramble=False).random(draws) + 0.5 / draws
    n = sample.cells
    y = []
    for start in range(0, reference.size, 500):
        part = slice(start, start + 500)
        z = []
        for number, (distance, sigma) in enumerate(
            (
                (reference - sample.mean_lrs, sample.sigma_lrs),
                (sample.mean_hrs - reference, sample.sigma_hrs),
            )
        ):
            narrower = np.sqrt(2.0 * gammaincinv((n - 1) / 2.0, points[:, 2 * number]) / n)
            shift = ndtri(points[:, 2 * number + 1]) / math.sqrt(n)
            z.append((distance / sigma)[part, None] * narrower + shift)
        log_bers = np.logaddexp(log_ndtr(-z[0]), log_ndtr(-z[1])) - math.log(2.0)
        y.append(-ndtri_exp(np.quantile(log_bers, (0.975, 0.025), axis=1)))
    low, high = np.concatenate(y, axis=1)
    return low, high


def likelihood_drop(z: Floats, distance: Floats, sigma: Floats, cells: int) -> Floats:
    """Return by how much ln L falls where one state is `z` sigmas from the reference.

    `distance` is that of the mean to the reference. For a fixed z the best h = 1/sigma solves
    A h**2 - z d h - 1 = 0 with A = d**2 + sigma**2.
    """
    a = distance**2 + sigma**2
    h = (z * distance + np.sqrt((z * distance) ** 2 + 4.0 * a)) / (2.0 * a)
    squares = h * h * a - 2.0 * h * z * distance + z * z
    drop: Floats = -cells * (np.log(h * sigma) + 0.5 - squares / 2.0)
    return drop


def profile_drop(sample: Sample, reference: Floats, ber: Any) -> Floats:
    """Return by how much ln L falls at best where the BER at the reference is `ber`."""

    def drop(logit: Floats) -> Floats:
        share = 1.0 / (1.0 + np.exp(-logit))
        z_lrs, z_hrs = -ndtri(2.0 * ber * share), -ndtri(2.0 * ber * (1.0 - share))
        return likelihood_drop(
            z_lrs, reference - sample.mean_lrs, sample.sigma_lrs, sample.cells
        ) + likelihood_drop(z_hrs, sample.mean_hrs - reference, sample.sigma_hrs, sample.cells)

    golden = (math.sqrt(5.0) - 1.0) / 2.0
    low, high = np.full(reference.shape, -30.0), np.full(reference.shape, 30.0)
    for _ in range(45):
        inner, outer = high - golden * (high - low), low + golden * (high - low)
        is_left = drop(inner) < drop(outer)
        low, high = np.where(is_left, low, inner), np.where(is_left, outer, high)
    return drop((low + high) / 2.0)


def coverage(
    truth: Truth, cells: int, reference: str, *, sets: int, bootstrap_sets: int, draws: int
) -> dict[str, float]:
    """Return the share of samples whose interval holds the true BER, by method.

    Of two methods also the share of samples whose true BER is above the interval.
    """
    key = (SEED, cells, int(1e9 * truth.ber), int(10 * truth.ratio), len(reference))
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
    sample = draw(truth, cells, sets=sets, rng=rng)
    at = reference_of(sample, truth, reference)
    y, target = probit_distance(sample, at), true_distance(truth, at)
    on_probit, on_ber = delta_error(sample, at)
    low, high = left_open(sample, at)
    found = {
        "populations left open": np.mean((low <= target) & (target <= high)),
        "populations left open, above": np.mean(target < low),
        "delta, probit scale": np.mean(abs(y - target) <= END * on_probit),
        "delta, probit scale, above": np.mean(target < y - END * on_probit),
        "delta, BER itself": np.mean(abs(ndtr(-y) - ndtr(-target)) <= END * on_ber),
        "profile likelihood": np.mean(profile_drop(sample, at, ndtr(-target)) <= END**2 / 2.0),
    }
    few = Sample(
        *(
            values[:bootstrap_sets, None]
            for values in (sample.mean_lrs, sample.mean_hrs, sample.sigma_lrs, sample.sigma_hrs)
        ),
        cells=cells,
    )
    again = redraw(few, shape=(min(bootstrap_sets, sets), draws), rng=rng)
    y_again = probit_distance(again, reference_of(again, truth, reference))
    y, target = y[:bootstrap_sets], target[:bootstrap_sets]
    below_truth, below_estimate = (
        np.clip(np.mean(y_again < value[:, None], axis=1), 0.5 / draws, 1.0 - 0.5 / draws)
        for value in (target, y)
    )
    shift = 2.0 * ndtri(below_estimate)
    spread = y_again.std(axis=1, ddof=1)
    found |= {
        "bootstrap, percentile": np.mean(abs(below_truth - 0.5) <= 0.475),
        "bootstrap, bias-corrected": np.mean(abs(ndtri(below_truth) - shift) <= END),
        "bootstrap, probit scale": np.mean(abs(y - target) <= END * spread),
    }
    return {name: float(value) for name, value in found.items()}


def one_tail(truth: Truth, cells: int, *, sets: int) -> dict[str, float]:
    """Return the coverage for LRS alone at a fixed reference, where an exact interval exists."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((SEED, cells, 1))))
    sample = draw(truth, cells, sets=sets, rng=rng)
    z = -float(ndtri(truth.ber))
    reference = z * SIGMA_LRS
    found = (reference - sample.mean_lrs) / sample.sigma_lrs
    error = np.sqrt((1.0 + found**2 / 2.0) / cells)
    # The pivot has the unbiased deviation.
    pivot = found * math.sqrt(cells - 1.0)
    below = nct.cdf(pivot, cells - 1, math.sqrt(cells) * z)
    return {
        "noncentral t (exact)": float(np.mean(abs(below - 0.5) <= 0.475)),
        "delta, probit scale": float(np.mean(abs(found - z) <= END * error)),
    }


def optimism(truth: Truth, cells: int, *, sets: int) -> dict[str, float]:
    """Return what choosing the reference on the data that are judged by it is worth.

    All as ratios of means: 1 is unbiased, less than 1 flatters.
    """
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((SEED, cells, 2))))
    lrs = SIGMA_LRS * rng.standard_normal((sets, cells))
    hrs = truth.mu_hrs + truth.sigmas[1] * rng.standard_normal((sets, cells))
    sample = Sample(*(x.mean(axis=1) for x in (lrs, hrs)), lrs.std(axis=1), hrs.std(axis=1), cells)

    def true_ber(reference: Floats) -> Floats:
        return np.asarray(ndtr(-true_distance(truth, reference)))

    best, fixed = (reference_of(sample, truth, each) for each in REFERENCES)
    counted = ((lrs > best[:, None]).mean(axis=1) + (hrs <= best[:, None]).mean(axis=1)) / 2.0
    fewest, at_fewest = fewest_errors(lrs, hrs)
    fitted, fitted_fixed = (ndtr(-probit_distance(sample, each)) for each in (best, fixed))
    return {
        "fitted at its best reference / true there": fitted.mean() / true_ber(best).mean(),
        "fitted at a fixed reference / true there": fitted_fixed.mean() / truth.ber,
        "median fitted at its best / true there": float(np.median(fitted / true_ber(best))),
        "true at the fitted reference / true best": true_ber(best).mean() / truth.ber,
        "counted at the fitted reference / true there": counted.mean() / true_ber(best).mean(),
        "fewest counted / true there": fewest.mean() / true_ber(at_fewest).mean(),
    }


def fewest_errors(lrs: Floats, hrs: Floats) -> tuple[Floats, Floats]:
    """Return the least counted BER over all references of each sample, and where it is."""
    both = np.concatenate([lrs, hrs], axis=1)
    order = np.argsort(both, axis=1)
    step = np.where(order < lrs.shape[1], -1, 1)
    errors = lrs.shape[1] + np.concatenate(
        [np.zeros((both.shape[0], 1)), np.cumsum(step, axis=1)], axis=1
    )
    place = np.argmin(errors, axis=1)
    values = np.take_along_axis(both, order, axis=1)
    rows = np.arange(both.shape[0])
    after = np.minimum(place, both.shape[1] - 1)
    reference = (values[rows, np.maximum(place - 1, 0)] + values[rows, after]) / 2.0
    return errors[rows, place] / both.shape[1], reference


def coverage_rows(
    sizes: Iterable[int], *, sets: int, bootstrap_sets: int, draws: int
) -> list[dict[str, Any]]:
    """Return a row for each size, BER, ratio of spreads and kind of reference."""
    return [
        {"cells": cells, "ber": ber, "sigma_ratio": ratio, "reference": reference}
        | coverage(
            Truth(ber, ratio),
            cells,
            reference,
            sets=sets,
            bootstrap_sets=bootstrap_sets,
            draws=draws,
        )
        for cells in sizes
        for ber in BERS
        for ratio in RATIOS
        for reference in REFERENCES
    ]


def write_table(path: Path, rows: list[Mapping[str, Any]]) -> None:
    """Write rows of equal keys as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow(
                {
                    k: round(v, 4) if isinstance(v, float) and k != "ber" else v
                    for k, v in row.items()
                }
            )


def summary(rows: list[Mapping[str, Any]], by: str) -> str:
    """Return a Markdown table of the lowest and highest coverage of each method."""
    methods = [name for name in rows[0] if name not in ("cells", "ber", "sigma_ratio", "reference")]
    # What a reader of a table compares: a reference chosen on the sample.
    rows = [row for row in rows if row["reference"] == "best"]
    values = sorted({row[by] for row in rows})
    lines = [
        f"| method | {' | '.join(f'{by} {value}' for value in values)} |",
        f"|---|{'---|' * len(values)}",
    ]
    for method in methods:
        spans = []
        for value in values:
            of_value = [100 * row[method] for row in rows if row[by] == value]
            spans.append(f"{min(of_value):.1f} to {max(of_value):.1f}")
        lines.append(f"| {method} | {' | '.join(spans)} |")
    return "\n".join(lines)


def draw_figure(path: Path, rows: list[Mapping[str, Any]], few: list[Mapping[str, Any]]) -> None:
    """Draw the coverage of each method against the number of cells, a point a truth."""
    from matplotlib.figure import Figure

    from rramsim.plotting.style import COLORS, figure_style

    methods = {
        "populations left open": ("black", "o"),
        "delta, probit scale": ("blue", "o"),
        "profile likelihood": ("green", "s"),
        "bootstrap, percentile": ("orange", "^"),
        "bootstrap, bias-corrected": ("purple", "v"),
        "bootstrap, probit scale": ("sky", "D"),
        "delta, BER itself": ("vermilion", "x"),
    }
    with figure_style():
        figure = Figure(figsize=(7.0, 4.2), layout="constrained")
        axes = figure.subplots()
        sizes = sorted({row["cells"] for row in [*few, *rows]})
        for number, (method, (color, marker)) in enumerate(methods.items()):
            for position, size in enumerate(sizes):
                found = [100 * row[method] for row in [*few, *rows] if row["cells"] == size]
                at = position + 0.12 * (number - 3.0)
                axes.plot(
                    *([at] * len(found), found),
                    *(marker,),
                    color=COLORS[color],
                    markersize=3,
                    label=method if position == 0 else None,
                )
        axes.axhspan(93, 97, color=COLORS["grey"], alpha=0.15, linewidth=0)
        axes.axhline(95, color=COLORS["black"], linewidth=0.8)
        axes.set_xticks(range(len(sizes)), [f"{size:,}" for size in sizes])
        axes.set_xlabel("cells in each state")
        axes.set_ylabel("intervals that hold the true BER [%]")
        # The linear delta method falls to 47 % for 8 cells: off the figure.
        axes.set_ylim(70, 100)
        figure.legend(loc="outside lower center", ncols=3)
        axes.set_title("Coverage of 95 % intervals of the fitted BER")
        figure.savefig(path, metadata={"Software": None})


def main() -> None:
    """Simulate everything and write it beside this file."""
    here = Path(__file__).parent
    few = coverage_rows(FEW_CELLS, sets=4000, bootstrap_sets=1000, draws=200)
    rows = coverage_rows(CELLS, sets=4000, bootstrap_sets=1000, draws=200)
    write_table(here / "coverage.csv", rows)
    write_table(here / "small-samples.csv", few)
    tails = [
        {"cells": cells, "ber": ber} | one_tail(Truth(ber, 1.0), cells, sets=2000)
        for cells in (12, 256, 1024)
        for ber in BERS
    ]
    write_table(here / "one-tail.csv", tails)
    chosen = [
        {"cells": cells, "ber": ber, "sigma_ratio": ratio}
        | optimism(Truth(ber, ratio), cells, sets=2000)
        for cells in (256, 1024)
        for ber in (3e-2, 1e-3, 1e-4)
        for ratio in RATIOS
    ]
    write_table(here / "optimism.csv", chosen)
    draw_figure(here / "coverage.png", rows, few)
    print(summary(few, "cells"), summary(rows, "cells"), sep="\n\n")


if __name__ == "__main__":
    main()
