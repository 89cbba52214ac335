"""Measure how often the 95 % interval of a loss of accuracy holds the loss, cells included.

Whole studies are simulated whose truth is known: cells are drawn from populations and fitted, the
reference is chosen on them, chips are planted at the rates of the fit, and networks of several
trainings answer images on them. What the cells leave open is carried from the fit into the loss as
in a study. Run from the repository's root:

    python workflows/loss-coverage/run.py
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.special import ndtr, ndtri

import rramsim
from rramsim.crossbar.drawn_faults import matched_rates, read_probits
from rramsim.crossbar.faults import PopulationFaults, StateFaults
from rramsim.decision.accuracy_loss import Loss, PairedAnswers, loss_of, rejected_in_sequences
from rramsim.decision.device_band import cells_variances, losses_of_draws, rate_grid
from rramsim.device.bit_errors.sensing import StatePair, best_reference
from rramsim.images.catalogue import load_images
from rramsim.montecarlo.collect import score_chips
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.statistics.confidence import populations_left_open

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import write_rows

STUDIES = 1000
COMPARISONS = 1000
IMAGES, CHIPS = 800, 8
# Of a loss at a pair of the grid against that at the estimate, on a few nested chips.
GRID_NOISE = 0.0002

DIGITS_CHIPS = 25
METHODS = ("bilinear", "bilinear upper end", "cubic", "cubic upper end")

Surface = Callable[[np.ndarray, np.ndarray], np.ndarray]
Rates = tuple[float, float]


@dataclass(frozen=True)
class Chance:
    """Standard deviations of the share of images lost: by training, image and chip."""

    trainings: int = 5
    training: float = 0.003
    image: float = 0.03
    chip: float = 0.0005
    folds: bool = False


@dataclass(frozen=True)
class Populations:
    """Median and sigma of LRS and HRS, and how many cells of each are read."""

    lrs: tuple[float, float]
    hrs: tuple[float, float]
    cells: int
    reference: float | None = None

    def states(self) -> StatePair:
        """Return the populations in ln R."""
        return StatePair(math.log(self.lrs[0]), self.lrs[1], math.log(self.hrs[0]), self.hrs[1])

    def rates(self, reference: float) -> Rates:
        """Return the true error rates of LRS and HRS at a reference."""
        states = self.states()
        true = PopulationFaults(*vars(states).values(), reference).by_state()
        return true.ber_lrs, true.ber_hrs


@dataclass(frozen=True)
class Known:
    """What a study knows of the cells' rates, and what they truly are."""

    rates: Rates
    truth: Rates
    drawn: tuple[np.ndarray, np.ndarray] = field(repr=False)


def weak(cells: int, reference: float | None = None) -> Populations:
    """Return the weak condition of the shipped sets (BER 0.033)."""
    return Populations((21.5e3, 0.36), (150e3, 0.7141), cells, reference)


def strong(cells: int) -> Populations:
    """Return the strong condition of the shipped sets (BER 1e-4)."""
    return Populations((8.8e3, 0.26), (300e3, 0.6943), cells)


def plain(lrs: np.ndarray, hrs: np.ndarray) -> np.ndarray:
    """Return a loss like that of a network trained without errors: ever steeper."""
    return 0.4 * ndtr(3.0 * (ndtri((lrs + 1.3 * hrs) / 2.3) + 1.11))


def adapted(lrs: np.ndarray, hrs: np.ndarray) -> np.ndarray:
    """Return a loss like that of a network trained with errors: near to linear in the BER."""
    return 0.002 + 0.1 * (0.4 * lrs + 0.6 * hrs)


def sample(rng: np.random.Generator, of: Populations) -> Known:
    """Read cells, fit them, and return the rates with what the cells leave open of them."""
    states = of.states()
    lrs = rramsim.fit_lognormal(np.exp(rng.normal(states.mu_lrs, states.sigma_lrs, of.cells)))
    hrs = rramsim.fit_lognormal(np.exp(rng.normal(states.mu_hrs, states.sigma_hrs, of.cells)))
    rate = rramsim.bit_error_rate(lrs, hrs, reference=of.reference)
    fitted = StatePair(lrs.mu, lrs.sigma, hrs.mu, hrs.sigma)
    reference = of.reference or math.exp(best_reference(fitted)[0])
    own = PopulationFaults(*vars(fitted).values(), reference).by_state()
    # A BER that allows for the choice of the reference is shared by both states.
    times = rate.estimate / own.mean_ber(0.5)
    probits = read_probits(
        *(
            populations_left_open(fit.mu, fit.sigma, fit.covariance, population=number)
            for number, fit in enumerate((lrs, hrs))
        ),
        reference_resistance=reference,
    )
    drawn = matched_rates(probits, rate.low, rate.high)
    return Known((times * own.ber_lrs, times * own.ber_hrs), of.rates(reference), drawn)


def variances_of_cells(
    rng: np.random.Generator, known: Known, surface: Surface
) -> tuple[float, float]:
    """Return the variances that the cells give a loss, from a grid of a few chips."""
    grid = rate_grid(*known.drawn, estimate=known.rates)
    scored = surface(*np.transpose(grid.rates)).reshape(grid.shape)
    scored = scored + rng.normal(0, GRID_NOISE, grid.shape)
    estimate = float(surface(*known.rates))
    # The chips of the estimate are those of the others: what they differ by is noise.
    scored[grid.at_estimate] = estimate
    losses = losses_of_draws(grid, scored, *known.drawn, estimate=estimate)
    return cells_variances(losses, estimate)


def answers(rng: np.random.Generator, loss: float, chance: Chance) -> list[PairedAnswers]:
    """Return what the chips of each training get right, of a loss in truth.

    An image is lost on a chip with a probability that varies by training, image and chip; one
    below 0 is a gain: of an image that the error-free network gets wrong.
    """
    count = chance.trainings
    shared = rng.normal(0, chance.training * math.sqrt(1 / count)) if chance.folds else 0.0
    alone = chance.training * (math.sqrt(1 - 1 / count) if chance.folds else 1.0)
    by_image = rng.normal(0, chance.image, IMAGES)
    every = []
    for _ in range(count):
        if chance.folds:
            by_image = rng.normal(0, chance.image, IMAGES)
        share = loss + shared + rng.normal(0, alone) + by_image
        is_gain = share.mean() + by_image - by_image.mean() < 0
        share = share + rng.normal(0, chance.chip, (CHIPS, 1))
        is_changed = rng.random((CHIPS, IMAGES), np.float32) < np.abs(share)
        right = is_changed == is_gain
        every.append(PairedAnswers(~is_gain, right.sum(axis=0), right.sum(axis=1)))
    return every


def study(
    rng: np.random.Generator, known: Known, surface: Surface, chance: Chance
) -> tuple[Loss, float]:
    """Return the loss that a study finds, and the one in truth."""
    above, below = variances_of_cells(rng, known, surface)
    loss = loss_of(
        answers(rng, float(surface(*known.rates)), chance),
        folds=chance.folds,
        cells=above,
        cells_below=below,
    )
    return loss, float(surface(*known.truth))


@dataclass(frozen=True)
class Case:
    """A kind of study: its name, condition, surface and chances."""

    name: str
    condition: Populations
    surface: Surface = plain
    chance: Chance = Chance()


LITTLE = Chance(training=0.0003, image=0.01)
CASES = (
    *(
        Case(f"{cells} cells a state, {network.__name__} network", weak(cells), network)
        for cells in (64, 256, 1024)
        for network in (plain, adapted)
    ),
    Case("64 cells, reference stated", weak(64, 45e3)),
    Case("256 cells, reference stated", weak(256, 45e3)),
    Case("256 cells, ten folds", weak(256), plain, Chance(trainings=10, folds=True)),
    *(
        Case(f"{cells} cells, trainings and images hardly vary", weak(cells), plain, LITTLE)
        for cells in (64, 256, 1024)
    ),
    Case("1024 cells, strong condition", strong(1024)),
)


@dataclass(frozen=True)
class Coverage:
    """Shares of studies, and means over them.

    Attributes
    ----------
    held : float
        The interval holds the loss.
    above : float
        The loss is above the interval.
    without_cells : float
        The interval that leaves the cells out holds the loss.
    half_width, by_cells : float
        Mean half width upwards, and the part of it that is the cells'.
    """

    held: float
    above: float
    without_cells: float
    half_width: float
    by_cells: float


def coverage(case: Case, studies: int, *, seed: int = 7) -> Coverage:
    """Simulate studies of one kind."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(studies):
        known = sample(rng, case.condition)
        loss, truth = study(rng, known, case.surface, case.chance)
        alone = replace(loss, cells=0.0, cells_below=None)
        rows.append(
            (
                loss.low <= truth <= loss.high,
                truth > loss.high,
                alone.low <= truth <= alone.high,
                loss.half_width,
                loss.parts()["cells"],
            )
        )
    return Coverage(*np.mean(rows, axis=0).tolist())


def wrong_yes(
    surfaces: Sequence[Surface], cells: int, studies: int, *, chance: Chance, seed: int = 11
) -> float:
    """Return the share of studies that call a network good enough on a condition where it is not.

    The networks are on the strong and on the weak condition, and what is allowed is what each loses
    on the weak one in truth: any less, and a yes there is wrong. Of a network the conditions are
    tested from the lowest BER up, and the networks share 2.5 % by the procedure of Holm.
    """
    rng, wrong = np.random.default_rng(seed), 0
    for _ in range(studies):
        conditions = [sample(rng, strong(cells)), sample(rng, weak(cells))]
        p_values = []
        for surface in surfaces:
            losses, truths = zip(
                *(study(rng, known, surface, chance) for known in conditions), strict=True
            )
            p_values.append([loss.p_value(truths[-1]) for loss in losses])
        wrong += max(rejected_in_sequences(p_values)) == len(conditions)
    return wrong / studies


def interpolation() -> Iterator[tuple[object, ...]]:
    """Yield how far interpolated losses of the shipped digits are off, by training BER and cells.

    In half widths of what the cells leave open: the root of the mean square over draws (the
    outermost 3 % left out), and how much too far the upper end is, by bilinear interpolation and
    by the cubic. All are scored on the same chips.
    """
    digits = load_images("digits")
    for training_ber in (0.0, 0.03):
        folded = rramsim.train("digits", training_ber=training_ber, seed=1).folded
        network = ScoredNetwork(folded, digits.test_images, digits.test_labels, digits.content_id)
        right: dict[Rates, float] = {}

        def lost(lrs: float, hrs: float, network=network, right=right) -> float:
            for rates in ((0.0, 0.0), (lrs, hrs)):
                if rates not in right:
                    tally = score_chips(Task(network, StateFaults(*rates), 1), range(DIGITS_CHIPS))
                    right[rates] = sum(tally.correct.values()) / (DIGITS_CHIPS * tally.images)
            return right[0.0, 0.0] - right[lrs, hrs]

        for cells in (64, 256, 1024):
            known = sample(np.random.default_rng(4), weak(cells))
            few = np.random.default_rng(5).choice(known.drawn[0].size, 250, replace=False)
            drawn = [one[few] for one in known.drawn]
            grid = rate_grid(*known.drawn, estimate=known.rates)
            scored = np.reshape([lost(*rates) for rates in grid.rates], grid.shape)
            estimate = scored[grid.at_estimate]
            true = np.array([lost(*rates) for rates in np.transpose(drawn).tolist()])
            places = [
                np.clip(ndtri(one), axis[0], axis[-1])
                for one, axis in zip(drawn, (grid.lrs, grid.hrs), strict=True)
            ]
            linear = RegularGridInterpolator((grid.lrs, grid.hrs), scored)(np.transpose(places))
            cubic = losses_of_draws(grid, scored, *drawn, estimate=estimate)
            low, high = np.quantile(true, (0.025, 0.975))
            inner = (true > np.quantile(true, 0.01)) & (true < np.quantile(true, 0.98))
            off = [
                (
                    np.sqrt(np.mean((found - true)[inner] ** 2)) / ((high - low) / 2),
                    (np.quantile(found, 0.975) - high) / ((high - low) / 2),
                )
                for found in (linear, cubic)
            ]
            figures = [f"{value:.2f}" for pair in off for value in pair]
            yield (training_ber, cells, f"{100 * (high - low) / 2:.2f}", *figures)


def main() -> None:
    """Simulate, print and write the tables."""
    here = Path(__file__)
    rows = []
    for case in CASES:
        found = coverage(case, STUDIES)
        rows.append(
            (
                case.name,
                f"{100 * found.held:.1f}",
                f"{100 * found.above:.1f}",
                f"{100 * found.without_cells:.1f}",
                f"{100 * found.half_width:.2f}",
                f"{100 * found.by_cells:.2f}",
            )
        )
        print(*rows[-1], flush=True)
    header = ("studies of", "held %", "above %", "held without cells %", "± points", "by cells")
    write_rows(here.with_name("coverage.csv"), header, rows)
    rows = []
    for chance, cells in ((Chance(), 256), (LITTLE, 256), (LITTLE, 1024)):
        vary = "hardly vary" if chance is LITTLE else "vary"
        for name, surfaces in (("one", (plain,)), ("three", (plain, adapted, plain))):
            share = wrong_yes(surfaces, cells, COMPARISONS, chance=chance)
            rows.append((name, vary, cells, f"{100 * share:.2f}"))
            print(*rows[-1], flush=True)
    write_rows(
        here.with_name("wrong-yes.csv"),
        ("networks", "trainings and images", "cells a state", "wrong yes %"),
        rows,
    )
    rows = []
    for row in interpolation():
        rows.append(row)
        print(*row, flush=True)
    header = ("training BER", "cells a state", "± points", *METHODS)
    write_rows(here.with_name("interpolation.csv"), header, rows)


if __name__ == "__main__":
    main()
