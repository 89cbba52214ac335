"""Ask whether accuracy peaks at the training BER because of the learning rate of the training.

    python run.py RESULTS [--images NAME|DIR] [--hidden LAYERS] [--rates FIRST:LAST ...] ...

By default the network of Courbariaux et al. 2016 for CIFAR-10, an eighth as wide. Networks are
trained by several learning rates and seeds and scored with errors in all layers, in one layer after
another, and with thresholds estimated anew. Interrupted, the same command goes on: what is in
RESULTS is not done again.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

import rramsim
from rramsim.files import make_folder, write_text
from rramsim.images.image_set import ImageSet
from rramsim.network.model_files import SavedNetwork
from rramsim.network.shape import COURBARIAUX_CIFAR10, NetworkShape
from rramsim.network.training.method import Method

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import markdown_table, one_message

TEST_BERS = (0.0, 0.01, 0.05, 0.1, 0.15, 0.2)


@dataclass(frozen=True)
class Asked:
    """What is trained: layers, their width, epochs, whether by the recipe; see `main`."""

    hidden: str
    factor: float
    epochs: int
    recipe: bool
    chips: int

    def network(
        self, images: ImageSet, file: Path, *, rate: str, training_ber: float, seed: int
    ) -> SavedNetwork:
        """Return the network of one rate and seed, trained unless its file is there."""
        shape = NetworkShape.between(images, self.hidden, width_factor=self.factor)
        first, last = map(float, rate.split(":"))
        rates = {"learning_rate": first, "final_learning_rate": last}
        method = Method(self.epochs, **rates)
        if self.recipe:
            # The last epoch is taken, as the default does.
            changes = {"epochs": self.epochs, "validation_share": 0.0, **rates}
            kind = bool(shape.convolutions)
            method = Method.of_recipe("courbariaux2016", convolutional=kind, **changes)
        return rramsim.train(
            images,
            network=replace(shape, signed_levels=images.levels),
            training_ber=training_ber,
            method=method,
            seed=seed,
            file=file,
        )


def measure(network: SavedNetwork, images: ImageSet, *, chips: int) -> list[dict[str, Any]]:
    """Return the accuracy of a network, as trained and with thresholds estimated anew."""
    faults = [rramsim.IidFaults(ber) for ber in TEST_BERS]
    ways = [("all layers", {}), ("all layers, thresholds anew", {"reestimate": True})]
    rows = []
    for errors, how in ways:
        found = rramsim.evaluate(network, faults, images=images, chips=chips, **how)
        rows += [
            {"errors_in": errors, "test_ber": ber, "accuracy": float(accuracy)}
            for ber, accuracy in zip(TEST_BERS, found.accuracy.values, strict=True)
        ]
    one_layer = TEST_BERS.index(0.15)
    for layer in range(1, len(network.folded.layers) + 1):
        one = rramsim.evaluate(network, faults[one_layer], images=images, chips=chips, layer=layer)
        rows.append(
            {
                "errors_in": f"layer {layer}",
                "test_ber": TEST_BERS[one_layer],
                "accuracy": float(one.accuracy[0]),
            }
        )
    return rows


def table(found: pd.DataFrame) -> str:
    """Return a Markdown table: mean and range over seeds, in per cent."""
    ways = found.groupby(["training_ber", "rate"], sort=False)
    titles = [f"trained at {ber:g}, rate {rate.replace(':', ' to ')}" for ber, rate in ways.groups]
    rows = []
    for (errors, ber), group in found.groupby(["errors_in", "test_ber"], sort=False):
        cells = []
        for trained, rate in ways.groups:
            of = (group.rate == rate) & (group.training_ber == trained)
            values = 100 * group.accuracy[of]
            cells.append(f"{values.mean():.1f} ({values.min():.1f} to {values.max():.1f})")
        rows.append([str(errors), f"{ber:g}", *cells])
    return markdown_table(["errors in", "at BER", *titles], rows)


def run(
    images: ImageSet,
    out: Path,
    asked: Asked,
    *,
    rates: list[str],
    training_bers: list[float],
    seeds: list[int],
) -> pd.DataFrame:
    """Train and measure what is missing, write ``accuracy.csv`` into `out` and return it."""
    make_folder(out / "networks")
    parts = []
    for seed, rate, ber in product(seeds, rates, training_bers):
        name = f"rate-{rate.replace(':', '-to-')}-training-ber-{ber:g}-seed-{seed}"
        part = out / "networks" / f"{name}.accuracy.csv"
        if not part.exists():
            file = out / "networks" / f"{name}.safetensors"
            network = asked.network(images, file, rate=rate, training_ber=ber, seed=seed)
            about = {"training_ber": ber, "rate": rate, "seed": seed}
            about["mean_over_spread"] = network.mean_over_spread
            rows = [{**about, **row} for row in measure(network, images, chips=asked.chips)]
            write_text(part, pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))
        parts.append(pd.read_csv(part))
    found = pd.concat(parts)
    write_text(out / "accuracy.csv", found.to_csv(index=False, lineterminator="\n"))
    return found


def main() -> None:
    """Measure what is still missing, write the results and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path, metavar="RESULTS")
    parser.add_argument("--images", metavar="NAME|DIR", default="cifar10")
    parser.add_argument("--hidden", metavar="LAYERS", default=COURBARIAUX_CIFAR10)
    parser.add_argument("--factor", type=float, default=0.125, help="of the width")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--no-recipe", action="store_true", help="the default method instead")
    parser.add_argument("--rates", nargs="+", default=["1e-3:3e-7", "1e-2:1e-4"])
    parser.add_argument("--training-bers", nargs="+", type=float, default=[0.15])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--chips", type=int, default=8)
    given = parser.parse_args()
    asked = Asked(given.hidden, given.factor, given.epochs, not given.no_recipe, given.chips)
    with one_message(parser):
        found = run(
            rramsim.load_images(given.images),
            given.out,
            asked,
            rates=given.rates,
            training_bers=given.training_bers,
            seeds=given.seeds,
        )
    print(table(found))


if __name__ == "__main__":
    main()
