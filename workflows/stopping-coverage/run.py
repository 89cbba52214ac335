"""Measure how often the stopping rule's 95 % interval holds the true mean over chips.

For each distribution of chip scores, whole studies are simulated: chips are drawn, the rule says
when they are enough, and the interval is asked whether it holds the mean that is known here. The
worst of many half widths is kept, since a user may ask for any. Run from the repository's root:

    python workflows/stopping-coverage/run.py
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rramsim.crossbar.faults import IidFaults
from rramsim.images.catalogue import load_images
from rramsim.montecarlo.collect import score_chips
from rramsim.montecarlo.estimate import estimate
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.shape import default_shape
from rramsim.network.training.method import Method
from rramsim.network.training.plan import TrainingPlan
from rramsim.network.training.train import obtain_network

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import write_rows

MOST = 240
STUDIES = 2000
CHIPS = 2000
SHARES_OF_SPREAD = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0)

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def main() -> None:
    """Simulate, print and write `coverage.csv`."""
    rng = np.random.default_rng(20)
    rows = []
    for name, images, draw, mean, spread in [*made_up(), *measured()]:
        scores = np.rint(draw(rng, (STUDIES, MOST))).astype(int).tolist()
        # From one image up: a mean known to less than that is known well enough for anything.
        widths = {
            1 / images,
            0.0025,
            0.01,
            *(share * spread / images for share in SHARES_OF_SPREAD),
        }
        found = [
            (*simulate(scores, images, mean / images, width), width)
            for width in sorted(widths)
            if width >= 1 / images
        ]
        worst, chips, width = min(found)
        default = next(each for each in found if each[2] == 0.0025)
        rows.append(
            (
                name,
                images,
                f"{worst:.3f}",
                f"{width:.5f}",
                f"{chips:.0f}",
                f"{default[0]:.3f}",
                f"{default[1]:.0f}",
            )
        )
        print(*rows[-1], flush=True)
    header = (
        *("chip scores", "images", "least coverage", "at half width", "mean chips"),
        *("coverage at 0.0025", "mean chips at 0.0025"),
    )
    write_rows(Path(__file__).with_name("coverage.csv"), header, rows)


def simulate(
    scores: list[list[int]], images: int, mean: float, half_width: float
) -> tuple[float, float]:
    """Return the share of studies whose interval holds the mean, and their mean chips."""
    rule = StoppingRule(MOST, half_width)
    covered = used = 0
    for study in scores:
        tally = Tally("task", images, dict(enumerate(study)))
        chips = rule.needed(tally, deterministic=False)
        found = estimate(tally.first(chips), half_width=half_width)
        covered += found.mean.low - 1e-12 <= mean <= found.mean.high + 1e-12
        used += chips
    return covered / len(scores), used / len(scores)


def made_up() -> list[tuple[str, int, Draw, float, float]]:
    """Return distributions of scores out of 10,000 images, with their means and spreads."""

    def rare(share: float, loss: int) -> tuple[str, int, Draw, float, float]:
        def draw(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
            return 9700 - loss * (rng.random(shape) < share)

        name = f"{share:g} of chips lose {loss} images, the others none"
        return name, 10_000, draw, 9700 - share * loss, loss * (share * (1 - share)) ** 0.5

    return [
        ("normal", 10_000, lambda rng, n: rng.normal(9500, 30, n), 9500.0, 30.0),
        ("loss exponential", 10_000, lambda rng, n: 9700 - rng.exponential(40, n), 9660.0, 40.0),
        (
            "loss gamma of shape 0.5",
            10_000,
            lambda rng, n: 9700 - rng.gamma(0.5, 60, n),
            9670.0,
            42.0,
        ),
        (
            "loss lognormal of sigma 1",
            10_000,
            lambda rng, n: 9700 - 30 * rng.lognormal(0, 1, n),
            9700 - 30 * np.exp(0.5),
            65.0,
        ),
        *(
            (
                f"loss Poisson of mean {mean:g}",
                10_000,
                lambda rng, n, mean=mean: 9700 - rng.poisson(mean, n),
                9700 - mean,
                mean**0.5,
            )
            for mean in (0.01, 0.1, 1.0)
        ),
        rare(0.1, 5),
        rare(0.1, 100),
        rare(0.05, 100),
        rare(0.02, 100),
    ]


def measured() -> list[tuple[str, int, Draw, float, float]]:
    """Return the scores of chips of a network trained on the shipped digits, as populations."""
    digits = load_images("digits")
    plan = TrainingPlan(default_shape(digits), digits, Method(10), seed=1)
    file = Path(__file__).with_name("network.safetensors")
    try:
        saved = obtain_network(file, plan, images_from="digits")
    finally:
        file.unlink(missing_ok=True)
        file.with_suffix(".csv").unlink(missing_ok=True)
    network = ScoredNetwork(saved.folded, digits.test_images, digits.test_labels, digits.content_id)
    found = []
    for ber in (1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.2, 0.3):
        tally = score_chips(Task(network, IidFaults(ber), 1), range(CHIPS))
        scores = np.array(list(tally.correct.values()))
        name = f"digits at a BER of {ber:g}"
        found.append(
            (
                name,
                tally.images,
                lambda rng, n, scores=scores: rng.choice(scores, n),
                float(scores.mean()),
                float(scores.std()),
            )
        )
    return found


if __name__ == "__main__":
    main()
