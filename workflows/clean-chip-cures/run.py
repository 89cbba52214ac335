"""Measure what adapted training costs on a clean chip, and what its variants save.

    python run.py NETWORKS --out RESULTS [--images NAME|DIR] [--chips N] [--bers P...]

NETWORKS is the folder of the files that ``rramsim train`` made of the training files beside this
script. Interrupted, the same command goes on: every scored chip is in RESULTS/tallies.csv.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from rramsim.crossbar.faults import IidFaults
from rramsim.errors import InputError
from rramsim.files import make_folder, write_text
from rramsim.formatting import percent
from rramsim.images.image_set import ImageSet
from rramsim.montecarlo.case_accuracy import case_accuracy, measure_curves
from rramsim.montecarlo.reestimate import reestimated_for
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.model_files import SavedNetwork, load_network
from rramsim.plotting.accuracy import plot_case_accuracy
from rramsim.plotting.style import COLORS, figure_of, figure_style, save_figure
from rramsim.study.evaluate import evaluate
from rramsim.study.stages.networks import images_of

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import markdown_table, one_message, options_of, show_chips, write_accuracy

BERS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
SHOWN = (0.0, 0.1, 0.2)
SEED = 1
TRAINED, ANEW = "thresholds as trained", "thresholds estimated anew for the BER"
PLAIN, PAPER = "plain training", "adapted as in the paper"
MIXED, STRAIGHT = "mixed BER", "straight-through gradient"
LOSSES = {
    "hinge": "hinge loss",
    "modified-hinge": "modified hinge loss",
    "margin-cross-entropy": "margin cross-entropy",
}


def in_words(settings: Mapping[str, Any]) -> str:
    """Say what a training had that the paper's has not."""
    faults = settings["faults"]
    own = {
        MIXED: faults and faults.endswith("mixed"),
        **{words: settings["loss"] == loss for loss, words in LOSSES.items()},
        STRAIGHT: faults and settings["straight_through"],
    }
    words = [name for name, has in own.items() if has]
    if not faults:
        return " + ".join([PLAIN, *words])
    return " + ".join(words) or PAPER


def load(folder: Path, named: str | None) -> tuple[dict[str, SavedNetwork], ImageSet]:
    """Return the networks in a folder and its folders, plain ones first, and their images."""
    saved = {path: load_network(path) for path in sorted(folder.rglob("*.safetensors"))}
    if not saved:
        raise InputError(f"{folder}: holds no model files; train them with rramsim train.")
    path, first = next(iter(saved.items()))
    images = images_of(path, first, named)
    found: dict[str, SavedNetwork] = {}
    for path, each in saved.items():
        name = in_words(each.metadata["settings"])
        if name in found or each.metadata["images_id"] != images.content_id:
            raise InputError(f"{path}: is a second network of {name!r}, or of other images.")
        found[name] = each
    plain = sorted(found, key=lambda name: (not name.startswith(PLAIN), name.count("+"), name))
    return {name: found[name] for name in plain}, images


def measure(
    networks: Mapping[str, SavedNetwork],
    images: ImageSet,
    *,
    bers: Sequence[float],
    chips: int,
    store: TallyStore,
) -> xr.Dataset:
    """Return the product "case_accuracy", with thresholds as trained and estimated anew."""
    asked: dict[tuple[str, str], list[Task]] = {}
    for name, saved in networks.items():
        print(f"estimating thresholds: {name}", flush=True)
        anew = [
            reestimated_for(saved, images.train_images, IidFaults(ber), seed=SEED) for ber in bers
        ]
        for case, folded in ((TRAINED, [saved.folded] * len(bers)), (ANEW, anew)):
            test = images.test_images, images.test_labels, images.content_id
            scored = {each.content_id: ScoredNetwork(each, *test) for each in folded}
            asked[name, case] = [
                Task(scored[each.content_id], IidFaults(ber), SEED)
                for each, ber in zip(folded, bers, strict=True)
            ]
    curves = measure_curves(
        asked,
        chips=chips,
        store=store,
        on_chips=show_chips,
    )
    return case_accuracy(curves, bers, {"seed": str(SEED)})


def certificates(networks: Mapping[str, SavedNetwork], images: ImageSet) -> pd.DataFrame:
    """Return the shares of test images that flips in the last layer cannot make wrong.

    A row for each network, a column for each number of flips.
    """
    shares = {}
    for name, saved in networks.items():
        clean = evaluate(saved, IidFaults(0.0), chips=1, images=images, certificate=True)
        shares[name] = clean.certified_share.to_series()
    # Beyond the last number of a network no image is certain.
    return pd.DataFrame(shares).fillna(0.0).T.rename_axis("network")


def draw_methods(found: xr.Dataset, bers: Sequence[float]) -> Figure:
    """Draw a row for each network: its accuracy at a few BERs, with either kind of thresholds."""
    names = [str(name) for name in found.network.values]
    rows = np.arange(len(names))[::-1]
    with figure_style():
        figure = Figure(figsize=(8.2, 0.9 + 0.3 * len(names)), layout="constrained")
        axes = figure.subplots(1, len(bers), sharey=True, squeeze=False)[0]
        for panel, ber in zip(axes, bers, strict=True):
            for case, color, marker in ((TRAINED, "vermilion", "o"), (ANEW, "blue", "D")):
                at = found.sel(case=case, test_ber=ber)
                ends = abs(np.stack([at.accuracy_low, at.accuracy_high]) - at.accuracy.values)
                panel.errorbar(
                    100 * at.accuracy,
                    rows,
                    xerr=100 * ends,
                    fmt=marker,
                    ms=5,
                    color=COLORS[color],
                    label=case,
                )
            panel.set_title("clean chip" if ber == 0 else f"BER {ber:g}")
            panel.set_yticks(rows, [name.replace(" + straight", " +\nstraight") for name in names])
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
        axes[len(bers) // 2].set_xlabel("test images classified correctly (%)")
    return figure


def certificate_table(certified: pd.DataFrame) -> str:
    """Return a Markdown table: for each network the shares by number of flips."""
    rows = [[str(name), *map(percent, row)] for name, row in certified.T.items()]
    return markdown_table(
        ["training \\ flips in the last layer", *map(str, certified.columns)], rows
    )


def table(found: xr.Dataset, bers: Sequence[float]) -> str:
    """Return a Markdown table: for each network its accuracies at a few BERs."""
    heads = [
        f"{case.removeprefix('thresholds ')}, BER {ber:g}"
        for case in found.case.values
        for ber in bers
    ]
    rows = []
    for name in found.network.values:
        cells = [
            percent(float(found.accuracy.sel(network=name, case=case, test_ber=ber)))
            for case in found.case.values
            for ber in bers
        ]
        rows.append([str(name), *cells])
    return markdown_table(["training", *heads], rows)


def run(
    folder: Path, out: Path, *, named: str | None, chips: int, bers: Sequence[float]
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Measure the networks in a folder, write accuracy and certificates, and return them."""
    make_folder(out)
    networks, images = load(folder, named)
    store = TallyStore(out / "tallies.csv")
    certified = certificates(networks, images)
    write_text(out / "certificate.csv", certified.to_csv())
    found = measure(networks, images, bers=bers, chips=chips, store=store)
    write_accuracy(found, out)
    save_figure(draw_methods(found, [ber for ber in SHOWN if ber in bers]), out / "methods")
    few = [name for name in found.network.values if name.count("+") != 1]
    save_figure(
        figure_of(plot_case_accuracy, found.sel(network=few), panels="case"), out / "curves"
    )
    return found, certified


def main() -> None:
    """Measure what is still missing, write the results and print the table."""
    parser = options_of(__doc__, chips=10)
    parser.add_argument("networks", type=Path, metavar="NETWORKS")
    parser.add_argument("--bers", type=float, nargs="+", default=BERS, metavar="P")
    asked = parser.parse_args()
    with one_message(parser):
        found, certified = run(
            asked.networks, asked.out, named=asked.images, chips=asked.chips, bers=asked.bers
        )
    print(f"\n{table(found, [ber for ber in SHOWN if ber in asked.bers])}")
    print(f"\n{certificate_table(certified)}")


if __name__ == "__main__":
    main()
