"""Measure networks on chips whose errors are shared unequally between LRS and HRS.

    python run.py NETWORKS --out RESULTS [--images NAME|DIR] [--chips N]

NETWORKS is the folder of the files that ``rramsim train`` made of the training file beside this
script. Interrupted, the same command goes on: every scored chip is in RESULTS/tallies.csv.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from rramsim.crossbar.faults import StateFaults
from rramsim.errors import InputError
from rramsim.files import make_folder
from rramsim.formatting import percent
from rramsim.images.image_set import ImageSet
from rramsim.montecarlo.case_accuracy import case_accuracy, measure_curves
from rramsim.montecarlo.reestimate import reestimated_for
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.model_files import SavedNetwork, load_network
from rramsim.plotting.accuracy import plot_case_accuracy
from rramsim.plotting.style import figure_of, save_figure
from rramsim.study.stages.networks import images_of

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import markdown_table, measured, show_chips, write_accuracy

BERS = (0.0, 0.05, 0.1, 0.15, 0.2)
SEED = 1
LRS_SHARES = {
    "errors equal in both states": 0.5,
    "3 of 4 errors in LRS": 0.75,
    "all errors in LRS": 1.0,
    "3 of 4 errors in HRS": 0.25,
    "all errors in HRS": 0.0,
}
"""Of the mean BER, how much is that of LRS."""

NAMES = {
    "training-ber-0.0": "plain training",
    "training-ber-0.1": "adapted to equal errors",
    "all-in-lrs": "adapted to all in LRS",
    "all-in-hrs": "adapted to all in HRS",
}
"""Networks by the end of their file's name."""

REESTIMATED = ("plain training", "adapted to equal errors")
ANEW = ", thresholds anew"


def faults(ber: float, lrs_share: float) -> StateFaults:
    """Return faults of a mean BER over both states, of which LRS has a share."""
    return StateFaults(ber_lrs=2 * ber * lrs_share, ber_hrs=2 * ber * (1 - lrs_share))


def load(folder: Path, named: str | None) -> tuple[dict[str, SavedNetwork], ImageSet]:
    """Return the networks in a folder by name, and the images they were trained on."""
    found: dict[str, SavedNetwork] = {}
    for end, name in NAMES.items():
        paths = sorted(folder.glob(f"*-{end}.safetensors"))
        if len(paths) != 1:
            raise InputError(f"{folder}: holds {len(paths)} files *-{end}.safetensors; 1 is due.")
        found[name] = load_network(paths[0])
    images = images_of(paths[0], found[name], named)
    if {each.metadata["images_id"] for each in found.values()} != {images.content_id}:
        raise InputError(f"{folder}: the networks were trained on different images.")
    return found, images


def ask(
    networks: Mapping[str, SavedNetwork], images: ImageSet, bers: Sequence[float]
) -> dict[tuple[str, str], list[Task]]:
    """Return what is to be scored: each network with its thresholds, and two with others."""
    test = images.test_images, images.test_labels, images.content_id
    asked = {}
    for name, saved in networks.items():
        as_trained = ScoredNetwork(saved.folded, *test)
        for case, share in LRS_SHARES.items():
            asked[name, case] = [Task(as_trained, faults(ber, share), SEED) for ber in bers]
    for name in REESTIMATED:
        print(f"estimating thresholds: {name}", flush=True)
        for case, share in LRS_SHARES.items():
            asked[name + ANEW, case] = [
                _anew(networks[name], images, faults(ber, share)) for ber in bers
            ]
    return asked


def _anew(saved: SavedNetwork, images: ImageSet, model: StateFaults) -> Task:
    folded = reestimated_for(saved, images.train_images, model, seed=SEED)
    test = images.test_images, images.test_labels, images.content_id
    return Task(ScoredNetwork(folded, *test), model, SEED)


def table(found: xr.Dataset, ber: float) -> str:
    """Return a Markdown table: each network in each case at one mean BER, and without errors."""
    cases = [str(case) for case in found.case.values]
    rows = []
    for name in found.network.values:
        of = found.accuracy.sel(network=name)
        cells = [
            of.sel(case=cases[0], test_ber=0.0),
            *(of.sel(case=case, test_ber=ber) for case in cases),
        ]
        rows.append([str(name), *(percent(float(cell)) for cell in cells)])
    return markdown_table(["network", "no errors", *cases], rows)


def run(
    folder: Path, out: Path, *, named: str | None, chips: int, bers: Sequence[float]
) -> xr.Dataset:
    """Measure the networks in a folder, write the results into `out` and return them."""
    make_folder(out)
    networks, images = load(folder, named)
    curves = measure_curves(
        ask(networks, images, bers),
        chips=chips,
        store=TallyStore(out / "tallies.csv"),
        on_chips=show_chips,
    )
    found = case_accuracy(curves, bers, {"seed": str(SEED)})
    write_accuracy(found, out)
    save_figure(figure_of(plot_case_accuracy, found, panels="network"), out / "accuracy")
    return found


def main() -> None:
    """Measure what is still missing, write the results and print the table."""
    found = measured(__doc__, run, bers=BERS)
    for ber in (0.05, 0.1):
        print(f"\nMean BER {ber:g}:\n\n{table(found, ber)}")


if __name__ == "__main__":
    main()
