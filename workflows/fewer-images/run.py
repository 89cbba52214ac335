"""Score chips on some of the images: does the interval hold, and how much time does a curve take?

python run.py --out RESULTS [--images NAME|DIR] [--network LAYERS] [--half-width D]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import stdtrit

from rramsim.crossbar.faults import IidFaults
from rramsim.files import make_folder
from rramsim.images.catalogue import load_images
from rramsim.images.image_set import ImageSet
from rramsim.montecarlo.blocks import best_images, drawing_work, spread_of
from rramsim.montecarlo.collect import error_free_answers, measure, score_chips
from rramsim.montecarlo.estimate import ChipAccuracy, estimate
from rramsim.montecarlo.stopping import STOP_CONFIDENCE, StoppingRule
from rramsim.montecarlo.tally import Tally, unpacked_answers
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.shape import NetworkShape
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.train import obtain_network
from rramsim.plotting.series import use_accuracy_scale
from rramsim.plotting.style import COLORS, figure_style, save_figure

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import markdown_table, write_rows

BERS = (1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 2e-2, 4e-2, 7e-2, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35)
"""Those of the paper's figure 3, as in workflows/hirtzlin2019."""

POPULATION_BERS = (0.1, 0.2)
DIGITS_LAYERS = "64-512-512-10"
MOST = 1_000_000
_CHIPS = 30
SEED = 1

COVERAGE = ("chips of", "BER", "chips", "images a chip", "of", "coverage")
CURVE = (
    *("ber", "accuracy", "accuracy_low", "accuracy_high", "chips", "images_per_chip", "seconds"),
    *("chips_all_images", "seconds_all_images"),
)


class Chips(NamedTuple):
    """Many chips whose answers on all images are known: a population to draw studies from.

    Attributes
    ----------
    name : str
    ber : float
        NaN for a model.
    clean : bool array, shape (images,)
        Which images are right without errors.
    right : bool array, shape (chips, images)
    truth : float
        Mean over all chips that may be drawn.
    """

    name: str
    ber: float
    clean: NDArray[np.bool_]
    right: NDArray[np.bool_]
    truth: float


def model_chips(*, chips: int = 4000, images: int = 2000) -> Chips:
    """Return chips that lose images by a factor of their own times the chance of each image."""
    rng = np.random.default_rng(SEED)
    fragile = rng.beta(1, 9, images)
    factors = 1 + 0.25 * rng.standard_normal(chips).clip(-3, 3)
    right = rng.random((chips, images)) >= factors[:, np.newaxis] * fragile
    clean = np.ones(images, dtype=bool)
    return Chips("a model", math.nan, clean, right, float(right.mean()))


def network_chips(name: str, network: ScoredNetwork, ber: float, *, chips: int) -> Chips:
    """Return chips of a network, whose mean is the truth for studies that draw from them."""
    tally = score_chips(Task(network, IidFaults(ber), SEED, True), range(chips))
    right = [unpacked_answers(answers, tally.images) for answers in tally.answers.values()]
    clean = error_free_answers(network)
    return Chips(name, ber, clean, np.array(right), float(np.mean(right)))


def _on_blocks(
    population: Chips,
    chips: NDArray[np.int64],
    rng: np.random.Generator,
    images: int,
    *,
    first: int = 0,
) -> Tally:
    """Return chips of a population, each on images of its own, numbered from `first`."""
    correct, error_free = {}, {}
    for place, chip in enumerate(chips.tolist(), start=first):
        block = rng.random(population.clean.size).argpartition(images - 1)[:images]
        correct[place] = int(population.right[chip, block].sum())
        error_free[place] = int(population.clean[block].sum())
    return Tally("study", images, correct, error_free=error_free)


def _on_all(population: Chips, chips: NDArray[np.int64]) -> Tally:
    """Return chips of a population on all images."""
    right = population.right[chips].sum(axis=1)
    return Tally("study", population.clean.size, dict(enumerate(right.tolist())))


def coverage(
    population: Chips, *, chips: int, images: int, studies: int, seed: int = SEED
) -> float:
    """Return the share of studies of a fixed number of chips whose interval holds the truth."""
    rng = np.random.default_rng(seed)
    clean = float(population.clean.mean())
    held = 0
    for _ in range(studies):
        drawn = rng.integers(len(population.right), size=chips)
        tally = _on_blocks(population, drawn, rng, images)
        interval = estimate(tally, clean=clean).mean
        held += interval.low <= population.truth <= interval.high
    return held / studies


def fitted_coverage(
    population: Chips, rule: StoppingRule, *, studies: int, drawing: float
) -> tuple[float, float, float]:
    """Return the same of studies that choose their images by 30 chips, and stop by themselves.

    Returns
    -------
    coverage, mean chips, mean images of a chip
    """
    rng = np.random.default_rng(SEED)
    clean, every = float(population.clean.mean()), population.clean.size
    held, chips, images = 0, 0, 0
    for _ in range(studies):
        first = rng.integers(len(population.right), size=30)
        changes = [population.right[chip].astype(int) - population.clean for chip in first]
        found = best_images(spread_of(changes), rule, images=every, drawing=drawing) or every
        tally = _on_blocks(population, first, rng, found)
        looks = rule if found == every else rule.after(_on_all(population, first))
        needed = looks.needed(tally, deterministic=False)
        while tally.chips < needed:
            more = rng.integers(len(population.right), size=needed - tally.chips)
            tally += _on_blocks(population, more, rng, found, first=tally.chips)
            needed = looks.needed(tally, deterministic=False)
        interval = estimate(tally, half_width=rule.half_width, clean=clean).mean
        held += interval.low <= population.truth <= interval.high
        chips, images = chips + tally.chips, images + found
    return held / studies, chips / studies, images / studies


def coverages(
    populations: Sequence[Chips], *, drawing: float, studies: int
) -> Iterator[tuple[object, ...]]:
    """Yield rows of the coverage of each population."""
    for population in populations:
        every = population.clean.size
        ber = "" if math.isnan(population.ber) else f"{population.ber:g}"
        for images in (64, 250, every):
            held = coverage(population, chips=_CHIPS, images=images, studies=studies)
            yield population.name, ber, _CHIPS, images, every, f"{held:.4f}"
        spread = float(population.right.mean(axis=1).std())
        rule = StoppingRule(5000, 2.6 * spread / math.sqrt(200))
        fitted = studies // 4
        held, mean, images = fitted_coverage(population, rule, studies=fitted, drawing=drawing)
        yield population.name, ber, f"auto: {mean:.0f}", f"auto: {images:.0f}", every, f"{held:.4f}"


class Point(NamedTuple):
    """The accuracy at a BER, and the processor time that it took, and would take on all images."""

    ber: float
    found: ChipAccuracy
    seconds: float
    chips_all: int
    seconds_all: float


def curve(network: ScoredNetwork, half_width: float) -> Iterator[Point]:
    """Yield the points of a curve whose images are chosen, each known to the half width."""
    rule = StoppingRule(MOST, half_width)
    score_chips(Task(network, IidFaults(0.1), SEED, images_per_chip=64), range(1000, 1002))
    for ber in BERS:
        task = Task(network, IidFaults(ber), SEED)
        began = time.process_time()
        (found,) = measure([task], rule=rule, fits_images=True)
        seconds = time.process_time() - began
        if math.isnan(found.p05):
            chips, of_chip = chips_on_all(network, ber, rule, found), seconds_of_chip(task)
            yield Point(ber, found, seconds, chips, chips * of_chip)
        else:
            yield Point(ber, found, seconds, found.chips, seconds)


def seconds_of_chip(task: Task, *, chips: int = 5) -> float:
    """Return the processor time of a chip on all images, the median of some."""
    times = []
    for chip in range(2000, 2000 + chips):
        began = time.process_time()
        score_chips(task, [chip])
        times.append(time.process_time() - began)
    return float(np.median(times))


def chips_on_all(
    network: ScoredNetwork, ber: float, rule: StoppingRule, found: ChipAccuracy
) -> int:
    """Return the chips that the rule takes on all images, by the spread of those scored."""
    images = found.images
    task = Task(network, IidFaults(ber), SEED, images_per_chip=images)
    tally = score_chips(task, range(min(found.chips, 1000)))
    shares = np.array(tally.changes) / images
    pilot = score_chips(Task(network, IidFaults(ber), SEED, True), range(10))
    clean = error_free_answers(network)
    answers = [unpacked_answers(one, clean.size) for one in pilot.answers.values()]
    changes = [one.astype(int) - clean for one in answers]
    within = spread_of(changes).images
    between = float(shares.var(ddof=1)) - (1 / images - 1 / clean.size) * within
    # The first chips were scored on all images, and did not stop the rule.
    for look in rule.looks[1:]:
        quantile = float(stdtrit(look - 1, (1 + STOP_CONFIDENCE) / 2))
        if quantile * math.sqrt(between / look) <= rule.half_width:
            return look
    return rule.chips


def figure_of(points: Sequence[Point]) -> Figure:
    """Return the curve, and the processor time of its points both ways."""
    with figure_style():
        figure = Figure(figsize=(8.0, 3.4), layout="constrained")
        accuracy, work = figure.subplots(1, 2)
        bers = [point.ber for point in points]
        means = [point.found.mean for point in points]
        accuracy.plot(bers, [mean.estimate for mean in means], "o-", color=COLORS["blue"])
        use_accuracy_scale(
            accuracy, [value for mean in means for value in (mean.low, mean.high)], "accuracy [%]"
        )
        work.plot(
            bers,
            [point.seconds_all for point in points],
            "s--",
            color=COLORS["grey"],
            label="all images",
        )
        work.plot(
            bers,
            [point.seconds for point in points],
            "o-",
            color=COLORS["blue"],
            label="images chosen",
        )
        work.set(yscale="log", ylabel="processor time [s]")
        work.legend()
        for axes in (accuracy, work):
            axes.set(xscale="log", xlabel="bit-error rate")
    return figure


def trained(images: ImageSet, name: str, layers: str, folder: Path, epochs: int) -> ScoredNetwork:
    """Return a network with its test images, trained unless it is in the folder."""
    plan = TrainingPlan(NetworkShape.parse(layers), images, Method(epochs), seed=SEED)
    saved = obtain_network(folder / f"{images.name}-{layers}.safetensors", plan, images_from=name)
    return ScoredNetwork(saved.folded, images.test_images, images.test_labels, images.content_id)


def run(
    out: Path,
    images: str,
    *,
    layers: str,
    half_width: float,
    epochs: int = 3,
    digits_epochs: int = 20,
    studies: int = 2000,
    chips: int = 200,
) -> list[Point]:
    """Train, measure coverage and the curve, and write both into a folder."""
    make_folder(out)
    small, own = load_images("digits"), load_images(images)
    digits = trained(small, "digits", DIGITS_LAYERS, out, digits_epochs)
    network = trained(own, images, layers, out, epochs)
    points = []
    for point in curve(network, half_width):
        points.append(point)
        mean = point.found.mean
        print(
            f"{point.ber:g}",
            f"{mean.estimate:.5f}",
            point.found.chips,
            point.found.images,
            f"{point.seconds:.1f} s",
            point.chips_all,
            f"{point.seconds_all:.1f} s",
            flush=True,
        )
    write_rows(out / "curve.csv", CURVE, map(_row, points))
    save_figure(figure_of(points), out / "curve")
    populations = [model_chips()]
    populations += [network_chips("digits", digits, ber, chips=1000) for ber in POPULATION_BERS]
    populations += [network_chips(own.name, network, ber, chips=chips) for ber in POPULATION_BERS]
    rows = []
    for row in coverages(populations, drawing=drawing_work(network.folded), studies=studies):
        rows.append(row)
        print(*row, flush=True)
    write_rows(out / "coverage.csv", COVERAGE, rows)
    print(markdown_table(COVERAGE, [list(map(str, row)) for row in rows]))
    return points


def _row(point: Point) -> tuple[object, ...]:
    mean = point.found.mean
    return (
        point.ber,
        *(f"{value:.6f}" for value in (mean.estimate, mean.low, mean.high)),
        *(point.found.chips, point.found.images, f"{point.seconds:.1f}"),
        *(point.chips_all, f"{point.seconds_all:.1f}"),
    )


def main() -> None:
    """Run with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True, metavar="RESULTS")
    parser.add_argument("--images", default="mnist", metavar="NAME|DIR")
    parser.add_argument("--network", default="784-1024-1024-10", metavar="LAYERS")
    parser.add_argument("--half-width", type=float, default=0.001, metavar="D")
    asked = parser.parse_args()
    points = run(asked.out, asked.images, layers=asked.network, half_width=asked.half_width)
    ratio = sum(one.seconds_all for one in points) / sum(one.seconds for one in points)
    print(f"All images take {ratio:.1f} times as long.")


if __name__ == "__main__":
    main()
