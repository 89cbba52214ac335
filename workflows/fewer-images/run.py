"""Score chips on some of the images: does the interval hold, and how much time does a curve take?

python run.py --out RESULTS [--images NAME|DIR] [--network LAYERS] [--epochs N] [--half-width D]
              [--bers BER,BER,...] [--most-scored N] [--studies N]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
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
from rramsim.montecarlo.blocks import (
    Spread,
    best_images,
    drawing_work,
    fitting_images,
    on_blocks,
    spread_of,
)
from rramsim.montecarlo.collect import collect, error_free_answers, score_chips
from rramsim.montecarlo.estimate import ChipAccuracy, estimate
from rramsim.montecarlo.stopping import FIRST_LOOK, STOP_CONFIDENCE, StoppingRule, within
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
    *("ber", "accuracy", "accuracy_low", "accuracy_high", "chips", "chips_scored"),
    *("images_per_chip", "seconds", "chips_all_images", "seconds_all_images"),
    *("spread_of_chips", "variance_of_images"),
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
    """The accuracy at a BER, and the processor time that it takes, and would take on all images.

    Attributes
    ----------
    ber : float
    found : ChipAccuracy
        Of the chips that were scored.
    chips : int
        Chips that the half width takes. If fewer were scored, it follows from their spread, and the
        time from that of one.
    seconds : float
    chips_all : int
        The same on all images, by the spread found.
    seconds_all : float
    spread : Spread
        Of the first chips.
    """

    ber: float
    found: ChipAccuracy
    chips: int
    seconds: float
    chips_all: int
    seconds_all: float
    spread: Spread


def curve(
    network: ScoredNetwork, half_width: float, bers: Sequence[float], *, most_scored: int
) -> Iterator[Point]:
    """Yield the points of a curve whose images are chosen, each known to the half width."""
    # What is compiled and made ready once is in no point's time.
    score_chips(Task(network, IidFaults(0.1), SEED, images_per_chip=64), range(1000, 1002))
    for ber in bers:
        task = Task(network, IidFaults(ber), SEED)
        yield point(task, ber, StoppingRule(MOST, half_width), most_scored=most_scored)


def point(task: Task, ber: float, rule: StoppingRule, *, most_scored: int) -> Point:
    """Return a point, as `measure` with `fits_images` finds it if so many chips may be scored."""
    clean = error_free_answers(task.network)
    asked, first = replace(task, keeps_answers=True), StoppingRule(FIRST_LOOK)
    (pilot,), seconds = _timed(lambda: collect([asked], rule=first))
    answers = [unpacked_answers(one, clean.size) for one in pilot.answers.values()]
    spread = spread_of([one.astype(int) - clean for one in answers])
    images = fitting_images(task, pilot, rule, clean)
    some = replace(task, images_per_chip=images)
    known = pilot if images is None else on_blocks(pilot, some, clean)
    looks = rule if images is None else rule.after(pilot)
    scored = replace(looks, chips=most_scored)
    (tally,), more = _timed(lambda: collect([some], rule=scored, known=[known]))
    chips = tally.chips
    if tally.chips not in looks.looks or not within(tally, rule.half_width):
        variance = float((np.array(tally.changes) / tally.images).var(ddof=1))
        chips = _chips_needed(looks, variance)
        more *= (chips - FIRST_LOOK) / (tally.chips - FIRST_LOOK)
    seconds += more
    found = estimate(tally, half_width=rule.half_width, clean=float(clean.mean()))
    if images is None:
        return Point(ber, found, chips, seconds, chips, seconds, spread)
    chosen = float((np.array(tally.changes) / images).var(ddof=1))
    between = chosen - (1 / images - 1 / clean.size) * spread.images
    # The first chips were scored on all images, and did not stop the rule.
    chips_all = _chips_needed(replace(rule, first_look=2 * FIRST_LOOK), between)
    return Point(ber, found, chips, seconds, chips_all, chips_all * seconds_of_chip(task), spread)


def _timed(work: Callable[[], list[Tally]]) -> tuple[list[Tally], float]:
    began = time.process_time()
    tallies = work()
    return tallies, time.process_time() - began


def _chips_needed(rule: StoppingRule, variance: float) -> int:
    """Return the chips of this variance at which a rule stops."""
    for look in rule.looks:
        quantile = float(stdtrit(look - 1, (1 + STOP_CONFIDENCE) / 2))
        if quantile * math.sqrt(variance / look) <= rule.half_width:
            return look
    return rule.chips


def seconds_of_chip(task: Task, *, chips: int = 5) -> float:
    """Return the processor time of a chip on all images, the median of some."""
    times = []
    for chip in range(2000, 2000 + chips):
        began = time.process_time()
        score_chips(task, [chip])
        times.append(time.process_time() - began)
    return float(np.median(times))


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
    bers: Sequence[float] = BERS,
    most_scored: int = MOST,
    studies: int = 2000,
) -> list[Point]:
    """Train a network, measure its curve and the coverage, and write both into a folder.

    Parameters
    ----------
    out : Path
    images : str
        Name of an image set, or a folder.
    layers : str
        Of the network.
    half_width : float
        Of the mean of each point.
    epochs : int
    bers : sequence of float
        Points of the curve.
    most_scored : int
        Most chips that are scored of a point; what more of them take is extrapolated.
    studies : int
        Studies of 30 chips for each coverage; with 0, none is measured.
    """
    make_folder(out)
    own = load_images(images)
    network = trained(own, images, layers, out, epochs)
    points = []
    for one in curve(network, half_width, bers, most_scored=most_scored):
        points.append(one)
        # After each, since a point may take an hour.
        write_rows(out / "curve.csv", CURVE, map(_row, points))
        print(*_row(one), flush=True)
    save_figure(figure_of(points), out / "curve")
    if studies:
        print(markdown_table(COVERAGE, write_coverage(out, own, network, studies)))
    return points


def write_coverage(
    out: Path,
    images: ImageSet,
    network: ScoredNetwork,
    studies: int,
    *,
    chips: int = 200,
    digits_epochs: int = 20,
) -> list[list[str]]:
    """Measure the coverage with chips of a model, of the digits and of a network, and write it."""
    digits = trained(load_images("digits"), "digits", DIGITS_LAYERS, out, digits_epochs)
    populations = [model_chips()]
    populations += [network_chips("digits", digits, ber, chips=1000) for ber in POPULATION_BERS]
    populations += [
        network_chips(images.name, network, ber, chips=chips) for ber in POPULATION_BERS
    ]
    rows = []
    for row in coverages(populations, drawing=drawing_work(network.folded), studies=studies):
        rows.append(list(map(str, row)))
        print(*row, flush=True)
    write_rows(out / "coverage.csv", COVERAGE, rows)
    return rows


def _row(one: Point) -> tuple[object, ...]:
    mean = one.found.mean
    return (
        one.ber,
        *(f"{value:.6f}" for value in (mean.estimate, mean.low, mean.high)),
        *(one.chips, one.found.chips, one.found.images, f"{one.seconds:.1f}"),
        *(one.chips_all, f"{one.seconds_all:.1f}"),
        *(f"{math.sqrt(one.spread.chips):.3g}", f"{one.spread.images:.3g}"),
    )


def main() -> None:
    """Run with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True, metavar="RESULTS")
    parser.add_argument("--images", default="mnist", metavar="NAME|DIR")
    parser.add_argument("--network", default="784-1024-1024-10", metavar="LAYERS")
    parser.add_argument("--epochs", type=int, default=3, metavar="N", help="of its training")
    parser.add_argument("--half-width", type=float, default=0.001, metavar="D")
    parser.add_argument("--bers", default=",".join(map(str, BERS)), metavar="BER,BER,...")
    parser.add_argument(
        "--most-scored",
        type=int,
        default=MOST,
        metavar="N",
        help="most chips scored of a point; the time of more is extrapolated",
    )
    parser.add_argument(
        "--studies", type=int, default=2000, metavar="N", help="for the coverage; 0 leaves it out"
    )
    asked = parser.parse_args()
    points = run(
        asked.out,
        asked.images,
        layers=asked.network,
        half_width=asked.half_width,
        epochs=asked.epochs,
        bers=[float(ber) for ber in asked.bers.split(",")],
        most_scored=asked.most_scored,
        studies=asked.studies,
    )
    ratio = sum(one.seconds_all for one in points) / sum(one.seconds for one in points)
    print(f"All images take {ratio:.1f} times as long.")


if __name__ == "__main__":
    main()
