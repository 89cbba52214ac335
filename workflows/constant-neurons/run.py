"""Count first-layer neurons that never change, by how batch norm passes gradients and by dropout.

    python run.py RESULTS [--images NAME|DIR] [--width N] [--epochs 1,2,4] [--seeds 1,2,3]

Networks are trained at a BER of 0.3, the case of which T. Hirtzlin et al. 2019 (arXiv 1904.03652)
tell that 48 % of the first-layer neurons never change on a clean chip, and 13 % at a BER of 0.3.
Interrupted, the same command goes on: networks that are in RESULTS are not trained again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import rramsim
from rramsim.files import make_folder, write_text
from rramsim.images.image_set import ImageSet
from rramsim.network.shape import NetworkShape
from rramsim.network.training.method import Method

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import markdown_table, one_message

TRAINING_BER = 0.3
VARIANTS = {
    "batch norm passes gradients, no dropout": {"dropout": 0.0, "input_dropout": 0.0},
    "batch norm passes gradients, dropout": {},
    "batch statistics are constants, no dropout": {
        "batch_norm_gradient": False,
        "dropout": 0.0,
        "input_dropout": 0.0,
    },
    "batch statistics are constants, dropout": {"batch_norm_gradient": False},
}
"""What differs from the recipe of Courbariaux et al. 2016, whose dropout is 0.2 and 0.5."""


def method(variant: str, epochs: int) -> Method:
    """Return how a variant is trained: the first epochs of the thousand of the recipe."""
    # The rate hardly falls in them, and the network is wanted as it is after the last one.
    start = {"epochs": epochs, "final_learning_rate": 3e-3, "validation_share": 0.0}
    return Method.of_recipe("courbariaux2016", **start, **VARIANTS[variant])


def measure(
    images: ImageSet, folder: Path, *, width: int, epochs: int, variant: str, seed: int, chips: int
) -> list[dict[str, Any]]:
    """Train one network and return what it is like on clean chips and at the training BER."""
    widths = (images.features, width, width, images.class_count)
    place = list(VARIANTS).index(variant)
    saved = rramsim.train(
        images,
        network=NetworkShape(widths, signed_levels=images.levels),
        training_ber=TRAINING_BER,
        method=method(variant, epochs),
        seed=seed,
        file=folder / f"variant-{place}-width-{width}-epochs-{epochs}-seed-{seed}.safetensors",
    )
    models = [rramsim.IidFaults(ber) for ber in (0.0, TRAINING_BER)]
    found = rramsim.evaluate(saved, models, images=images, chips=chips, neurons=True)
    return [
        {
            "training": variant,
            "epochs": epochs,
            "seed": seed,
            "test_ber": model.ber,
            "constant_first_layer": float(found.constant_share[number, 0]),
            "accuracy": float(found.accuracy[number]),
            "mean_over_spread": saved.mean_over_spread,
        }
        for number, model in enumerate(models)
    ]


def table(rows: pd.DataFrame) -> str:
    """Return a Markdown table of the shares and accuracies, means over seeds, in per cent."""
    mean = rows.groupby(["training", "epochs", "test_ber"], sort=False).mean(numeric_only=True)
    lines = []
    for (variant, epochs), group in mean.groupby(["training", "epochs"], sort=False):
        shares = [f"{100 * value:.1f}" for value in group.constant_first_layer]
        right = [f"{100 * value:.1f}" for value in group.accuracy]
        ratio = f"{group.mean_over_spread.iloc[0]:.2g}"
        lines.append([variant, str(epochs), *shares, *right, ratio])
    of_bers = [
        f"{what}, BER {ber}" for what in ("never change", "accuracy") for ber in ("0", "0.3")
    ]
    return markdown_table(["training", "epochs", *of_bers, "mean/spread"], lines)


def run(
    images: ImageSet,
    out: Path,
    *,
    width: int,
    epochs: Sequence[int],
    seeds: Sequence[int],
    chips: int = 5,
) -> pd.DataFrame:
    """Measure all variants, write the table into `out` and return it."""
    make_folder(out)
    rows: list[dict[str, Any]] = []
    for variant in VARIANTS:
        for passes in epochs:
            for seed in seeds:
                asked = {"width": width, "epochs": passes, "variant": variant, "seed": seed}
                rows += measure(images, out, chips=chips, **asked)
                print(rows[-2:], flush=True)
    found = pd.DataFrame(rows)
    write_text(out / "neurons.csv", found.to_csv(index=False, lineterminator="\n"))
    return found


def main() -> None:
    """Measure what is still missing, write the results and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path, metavar="RESULTS")
    parser.add_argument("--images", metavar="NAME|DIR", default="mnist")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--epochs", default="1,2,4")
    parser.add_argument("--seeds", default="1,2,3")
    asked = parser.parse_args()
    with one_message(parser):
        found = run(
            rramsim.load_images(asked.images),
            asked.out,
            width=asked.width,
            epochs=[int(text) for text in asked.epochs.split(",")],
            seeds=[int(text) for text in asked.seeds.split(",")],
        )
    print(table(found))


if __name__ == "__main__":
    main()
