"""Measure networks away from their training BER, with thresholds as trained and estimated anew.

    python run.py NETWORKS --out RESULTS [--images NAME|DIR] [--chips N]

NETWORKS is the folder of the files that ``rramsim train`` made of the training file beside this
script. Interrupted, the same command goes on: every scored chip is in RESULTS/tallies.csv.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from rramsim.crossbar.faults import IidFaults, is_deterministic
from rramsim.errors import InputError
from rramsim.files import make_folder, write_text
from rramsim.formatting import percent, power
from rramsim.images.image_set import ImageSet
from rramsim.montecarlo.case_accuracy import case_accuracy, measure_curves
from rramsim.montecarlo.constant_neurons import constant_shares
from rramsim.montecarlo.estimate import ChipAccuracy, estimate
from rramsim.montecarlo.reestimate import (
    own_thresholds_id,
    reestimated_for,
    score_own_thresholds,
)
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.model_files import SavedNetwork, load_network
from rramsim.plotting.accuracy import plot_case_accuracy
from rramsim.plotting.style import figure_of, save_figure
from rramsim.study.stages.networks import images_of

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import markdown_table, measured, show_chips, write_accuracy

BERS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35)
SEED = 1
SHOWN = 2000
WATCHED_CHIPS = 5
TRAINED = "thresholds as trained"
BY_BER = "estimated anew for the BER"
BY_CHIP = "estimated anew on each chip"

Networks = Mapping[str, SavedNetwork]


def load(folder: Path, named: str | None) -> tuple[dict[str, SavedNetwork], ImageSet]:
    """Return the networks in a folder by training BER, and the images they were trained on."""
    saved = {path: load_network(path) for path in sorted(folder.glob("*.safetensors"))}
    if not saved:
        raise InputError(f"{folder}: holds no model files; train them with rramsim train.")
    images = images_of(*next(iter(saved.items())), named)
    found: dict[str, SavedNetwork] = {}
    for path, each in sorted(saved.items(), key=lambda item: item[1].metadata["training_ber"]):
        name = f"trained at BER {power(each.metadata['training_ber'])}"
        if name in found or each.metadata["images_id"] != images.content_id:
            raise InputError(f"{path}: is a second network {name}, or of other images.")
        found[name] = each
    return found, images


def ask(
    networks: Networks, images: ImageSet, bers: Sequence[float]
) -> dict[tuple[str, str], list[Task]]:
    """Return what is to be scored with thresholds that are the same on all chips of a BER."""
    test = images.test_images, images.test_labels, images.content_id
    asked = {}
    for name, saved in networks.items():
        print(f"estimating thresholds of the network {name}", flush=True)
        as_trained = ScoredNetwork(saved.folded, *test)
        asked[name, TRAINED] = [Task(as_trained, IidFaults(ber), SEED) for ber in bers]
        asked[name, BY_BER] = [
            Task(ScoredNetwork(_anew(saved, images, ber), *test), IidFaults(ber), SEED)
            for ber in bers
        ]
    return asked


def _anew(saved: SavedNetwork, images: ImageSet, ber: float) -> FoldedNetwork:
    return reestimated_for(saved, images.train_images, IidFaults(ber), seed=SEED)


def score_each_chip(
    saved: SavedNetwork, images: ImageSet, task: Task, *, chips: int, store: TallyStore
) -> ChipAccuracy:
    """Score chips with thresholds of their own, those that the store does not hold yet."""
    key = own_thresholds_id(task, shown=SHOWN)
    deterministic = is_deterministic(task.faults)
    wanted = 1 if deterministic else chips
    for chip in range(wanted):
        if chip not in (store.tally(key) or Tally(key, 1, {})).correct:
            store.add(
                score_own_thresholds(
                    saved, images, task.faults, seed=SEED, chips=[chip], shown=SHOWN
                )
            )
    tally = store.tally(key)
    assert tally is not None
    return estimate(tally.first(wanted), deterministic=deterministic)


def watch(asked: Mapping[tuple[str, str], Sequence[Task]], bers: Sequence[float]) -> str:
    """Return as CSV the share of hidden neurons of each layer that never change."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["network", "case", "test_ber", "layer", "share", "low", "high", "chips"])
    for (name, case), tasks in asked.items():
        for ber, task in zip(bers, tasks, strict=True):
            for each in constant_shares(task, chips=WATCHED_CHIPS):
                numbers = (
                    f"{value:.4f}"
                    for value in (each.share.estimate, each.share.low, each.share.high)
                )
                writer.writerow([name, case, f"{ber:g}", each.layer, *numbers, each.chips])
    return text.getvalue()


def table(found: xr.Dataset) -> str:
    """Return a Markdown table: for each network and case the accuracy at each BER."""
    bers = found.test_ber.values
    rows = []
    for name in found.network.values:
        for case in found.case.values:
            curve = found.accuracy.sel(network=name, case=case).values
            cells = [percent(float(value)) for value in curve]
            rows.append([str(name), case.removeprefix("thresholds "), *cells])
    return markdown_table(["network", "thresholds", *(f"BER {ber:g}" for ber in bers)], rows)


def run(
    folder: Path, out: Path, *, named: str | None, chips: int, bers: Sequence[float]
) -> xr.Dataset:
    """Measure the networks in a folder, write the results into `out` and return them."""
    make_folder(out)
    networks, images = load(folder, named)
    store = TallyStore(out / "tallies.csv")
    asked = ask(networks, images, bers)
    curves = measure_curves(
        asked,
        chips=chips,
        store=store,
        on_chips=show_chips,
    )
    for name, saved in networks.items():
        print(f"\nestimating thresholds on each chip of the network {name}", flush=True)
        curves[name, BY_CHIP] = [
            score_each_chip(saved, images, task, chips=chips, store=store)
            for task in asked[name, TRAINED]
        ]
    found = case_accuracy(curves, bers, {"seed": str(SEED)})
    write_accuracy(found, out)
    trained_at = {name: float(each.metadata["training_ber"]) for name, each in networks.items()}
    figure = figure_of(plot_case_accuracy, found, panels="network", trained_at=trained_at)
    save_figure(figure, out / "accuracy")
    write_text(out / "neurons.csv", watch(asked, bers))
    return found


def main() -> None:
    """Measure what is still missing, write the results and print the table."""
    found = measured(__doc__, run, bers=BERS)
    print(f"\n{table(found)}")


if __name__ == "__main__":
    main()
