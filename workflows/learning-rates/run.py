"""Ask whether accuracy peaks at the training BER because of the learning rate of the training.

    python run.py RESULTS [--images NAME|DIR] [--factor 0.125] [--epochs 3] [--seeds 1,2,3]

Networks of Courbariaux et al. 2016 for CIFAR-10 are trained at a BER of 0.15 by two learning rates
and scored with errors in all layers, in one layer after another, and with thresholds estimated
anew. Interrupted, the same command goes on: what is in RESULTS is not done again.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import rramsim
from rramsim.errors import InputError
from rramsim.files import make_folder, write_text
from rramsim.images.image_set import ImageSet
from rramsim.network.model_files import SavedNetwork
from rramsim.network.shape import COURBARIAUX_CIFAR10, NetworkShape
from rramsim.network.training.method import Method

TRAINING_BER = 0.15
TEST_BERS = (0.0, 0.05, 0.1, 0.15)
RATES = {
    "1e-3 to 3e-7, of the recipe": {},
    "1e-2 to 1e-4, the default": {"learning_rate": 1e-2, "final_learning_rate": 1e-4},
}


def trained(
    images: ImageSet, folder: Path, *, factor: float, epochs: int, rate: str, seed: int
) -> SavedNetwork:
    """Return the network of one rate and seed, trained unless its file is there."""
    shape = NetworkShape.between(images, COURBARIAUX_CIFAR10, width_factor=factor)
    # The last epoch is taken, as the default does.
    changes = {"epochs": epochs, "validation_share": 0.0, **RATES[rate]}
    return rramsim.train(
        images,
        network=replace(shape, signed_levels=images.levels),
        training_ber=TRAINING_BER,
        method=Method.of_recipe("courbariaux2016", convolutional=True, **changes),
        seed=seed,
        file=folder / f"rate-{list(RATES).index(rate)}-epochs-{epochs}-seed-{seed}.safetensors",
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
    for layer in range(1, len(network.folded.layers) + 1):
        one = rramsim.evaluate(network, faults[-1], images=images, chips=chips // 2, layer=layer)
        rows.append(
            {
                "errors_in": f"layer {layer}",
                "test_ber": TEST_BERS[-1],
                "accuracy": float(one.accuracy[0]),
            }
        )
    return rows


def table(found: pd.DataFrame) -> str:
    """Return a Markdown table: mean and range over seeds, in per cent."""
    lines = [
        "| errors in | at BER | " + " | ".join(RATES) + " |",
        "|---|---|" + "---|" * len(RATES),
    ]
    for (errors, ber), group in found.groupby(["errors_in", "test_ber"], sort=False):
        cells = []
        for rate in RATES:
            values = 100 * group.accuracy[group.rate == rate]
            cells.append(f"{values.mean():.1f} ({values.min():.1f} to {values.max():.1f})")
        lines.append(f"| {errors} | {ber:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def run(
    images: ImageSet, out: Path, *, factor: float, epochs: int, seeds: list[int], chips: int = 8
) -> pd.DataFrame:
    """Train and measure what is missing, write ``accuracy.csv`` into `out` and return it."""
    make_folder(out / "networks")
    parts = []
    for seed in seeds:
        for rate in RATES:
            part = out / "networks" / f"rate-{list(RATES).index(rate)}-seed-{seed}-accuracy.csv"
            if not part.exists():
                asked = {"factor": factor, "epochs": epochs, "rate": rate, "seed": seed}
                network = trained(images, out / "networks", **asked)
                rows = measure(network, images, chips=chips)
                ratio = network.mean_over_spread
                about = {"rate": rate, "seed": seed, "mean_over_spread": ratio}
                frame = pd.DataFrame([{**about, **row} for row in rows])
                write_text(part, frame.to_csv(index=False, lineterminator="\n"))
            parts.append(pd.read_csv(part))
    found = pd.concat(parts)
    write_text(out / "accuracy.csv", found.to_csv(index=False, lineterminator="\n"))
    return found


def main() -> None:
    """Measure what is still missing, write the results and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path, metavar="RESULTS")
    parser.add_argument("--images", metavar="NAME|DIR", default="cifar10")
    parser.add_argument("--factor", type=float, default=0.125)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", default="1,2,3")
    asked = parser.parse_args()
    try:
        found = run(
            rramsim.load_images(asked.images),
            asked.out,
            factor=asked.factor,
            epochs=asked.epochs,
            seeds=[int(text) for text in asked.seeds.split(",")],
        )
    except InputError as error:
        parser.error(str(error))
    print(table(found))


if __name__ == "__main__":
    main()
