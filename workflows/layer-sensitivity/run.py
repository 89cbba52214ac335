"""Measure how high a bit-error rate each layer of a network stands, alone and with all others.

    python run.py MODEL... --out RESULTS [--images NAME|DIR] [--chips N]

MODEL are files of ``rramsim train`` with as many layers each. Interrupted, the same command goes
on: every scored chip is in RESULTS/tallies.csv.
"""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from rramsim import schema
from rramsim.crossbar.faults import ChipFaults, IidFaults, in_one_layer
from rramsim.errors import InputError
from rramsim.files import make_folder, write_atomically, write_text
from rramsim.formatting import power
from rramsim.images.catalogue import load_images
from rramsim.montecarlo.collect import measure as score
from rramsim.montecarlo.estimate import ChipAccuracy, accuracy_columns, method_text
from rramsim.montecarlo.stopping import StoppingRule
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.task import ScoredNetwork, Task
from rramsim.network.folded.network import FoldedNetwork
from rramsim.network.model_files import load_network
from rramsim.plotting.series import network_style, use_accuracy_scale
from rramsim.plotting.style import COLORS, figure_style, save_figure
from rramsim.version import __version__

sys.path.insert(0, str(Path(__file__).parents[1]))
from study_scripts import markdown_table, one_message, options_of, show_chips

BERS = (
    *(0.0, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1),
    *(0.14, 0.17, 0.2, 0.23, 0.26, 0.3, 0.33, 0.36, 0.4, 0.43, 0.46, 0.5),
)
LOSS = 0.01
SEED = 1
ALL = "all"

COLUMNS = ("accuracy", "accuracy_low", "accuracy_high", "accuracy_p05", "maps")


def measure(
    networks: dict[str, ScoredNetwork],
    *,
    chips: int,
    store: TallyStore,
    bers: Sequence[float],
    on_chips: Callable[[int, int], None] = lambda known, most: None,
) -> xr.Dataset:
    """Return the product "layer_accuracy": every network with errors in each layer, and in all.

    Chip k has the same wrong cells in a layer whether the other layers have errors or not.
    """
    counts = {len(network.folded.layers) for network in networks.values()}
    if len(counts) != 1:
        raise InputError(f"The networks have {sorted(counts)} layers; the same number is needed.")
    layers = counts.pop()
    tasks = [
        Task(network, faults, SEED)
        for network in networks.values()
        for faults in _faults(layers, bers)
    ]
    estimates = score(tasks, rule=StoppingRule(chips), store=store, on_chips=on_chips)
    shape = (len(networks), layers + 1, len(bers))
    values: dict[str, Any] = accuracy_columns(estimates, shape)
    values["cells"] = [_cells(network.folded) for network in networks.values()]
    return schema.make(
        "layer_accuracy",
        {**values, **_tolerated(values, bers)},
        coords={
            "network": list(networks),
            "layer": [*(str(number + 1) for number in range(layers)), ALL],
            "test_ber": list(bers),
        },
        attrs=_attrs(estimates),
    )


def crossing(bers: Sequence[float], accuracies: Sequence[float], least: float) -> tuple[float, str]:
    """Return the lowest BER at which an accuracy is below `least`, and what kind of figure it is.

    Between two measured points the accuracy is taken as straight over the logarithm of the BER.
    Where the first point above BER 0 is below already, that BER is only an upper bound; where no
    point is, the greatest BER is only a lower one.

    Parameters
    ----------
    bers : sequence of float
        Rising, the first one 0.
    accuracies : sequence of float
    least : float
        At or below the first accuracy.

    Returns
    -------
    (float, str)
        The BER, and ``""``, ``"upper"`` or ``"lower"``.
    """
    below = next((k for k, accuracy in enumerate(accuracies) if accuracy < least), None)
    if below is None:
        return bers[-1], "lower"
    if below < 2:
        return bers[1], "upper"
    start, end = (math.log(bers[k]) for k in (below - 1, below))
    high, low = (accuracies[k] for k in (below - 1, below))
    return math.exp(start + (end - start) * (high - least) / (high - low)), ""


def _faults(layers: int, bers: Sequence[float]) -> list[ChipFaults]:
    alone: list[ChipFaults] = [
        in_one_layer(IidFaults(ber), layer=number + 1, layers=layers)
        for number in range(layers)
        for ber in bers
    ]
    return [*alone, *map(IidFaults, bers)]


def _cells(folded: FoldedNetwork) -> list[int]:
    return [*(layer.signs.size for layer in folded.layers), folded.weight_count]


def _tolerated(values: dict[str, Any], bers: Sequence[float]) -> dict[str, Any]:
    """Return where each curve, and each end of its band, has fallen by `LOSS` from BER 0."""
    form = values["accuracy"].shape[:2]
    found: dict[str, Any] = {"tolerated_ber_bound": np.full(form, "", dtype="U5")}
    for end in ("", "_low", "_high"):
        found[f"tolerated_ber{end}"] = np.empty(form)
        for at in np.ndindex(form):
            least = values["accuracy"][at][0] - LOSS
            ber, bound = crossing(bers, values[f"accuracy{end}"][at], least)
            found[f"tolerated_ber{end}"][at] = math.nan if end and bound else ber
            if not end:
                found["tolerated_ber_bound"][at] = bound
    return found


def _attrs(found: Sequence[ChipAccuracy]) -> dict[str, str | float]:
    return {
        "interval": method_text(found),
        "loss": LOSS,
        "tolerated": "Lowest BER at which the accuracy is `loss` below that at BER 0, interpolated "
        "between measured points, straight over the logarithm of the BER; _low and _high are where "
        "the ends of the interval of the accuracy fall as far, point by point.",
        "images": found[0].images,
        "seed": str(SEED),
        "version": __version__,
    }


def table(found: xr.Dataset) -> str:
    """Return one line for each network, layer and BER as CSV; the tolerated BER stands in each."""
    text = io.StringIO()
    names = [*COLUMNS, *(name for name in found.data_vars if name not in COLUMNS)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["network", "layer", "test_ber", *names])
    for network in found.network.values:
        for layer in found.layer.values:
            for ber in found.test_ber.values:
                at = {"network": network, "layer": layer, "test_ber": ber}
                row = [_entry(found[name], at) for name in names]
                writer.writerow([network, layer, f"{ber:g}", *row])
    return text.getvalue()


def _entry(variable: xr.DataArray, at: dict[str, Any]) -> str:
    value = variable.sel({dim: at[dim] for dim in variable.dims}).item()
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value)


def summary(found: xr.Dataset) -> str:
    """Return a Markdown table of what each layer stands."""
    rows = []
    for network in found.network.values:
        of = found.sel(network=network)
        free = float(of.accuracy.sel(layer=ALL, test_ber=0.0))
        cells = (_stood(of.sel(layer=layer)) for layer in found.layer.values)
        rows.append([str(network), f"{100 * free:.2f} %", *cells])
    layers = [_named(layer) for layer in found.layer.values]
    return markdown_table(["network", "accuracy at BER 0", *layers], rows)


def _stood(of: xr.Dataset) -> str:
    ber, bound = power(float(of.tolerated_ber), 3), of.tolerated_ber_bound.item()
    if bound:
        return f"{'below' if bound == 'upper' else 'above'} {ber}"
    ends = [float(of.tolerated_ber_low), float(of.tolerated_ber_high)]
    shown = [power(end, 3) if not math.isnan(end) else "?" for end in ends]
    return f"{ber} ({shown[0]} to {shown[1]})"


def _named(layer: str) -> str:
    return "all layers" if layer == ALL else f"layer {layer} alone"


def draw(found: xr.Dataset) -> Figure:
    """Draw accuracy against BER, a panel for each network and a curve for each layer."""
    count = found.sizes["network"]
    columns = min(count, 2)
    rows = -(-count // columns)
    with figure_style():
        figure = Figure(figsize=(3.6 * columns + 0.4, 2.7 * rows + 0.7), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel, network in zip(panels, found.network.values, strict=False):
            _draw_network(panel, found.sel(network=network), str(network))
        for panel in panels[count:]:
            panel.remove()
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=3 * columns)
        figure.supxlabel("bit-error rate (BER) of the cells", fontsize=9)
        figure.supylabel("test images classified correctly (%)", fontsize=9)
    return figure


def _draw_network(axes: Axes, of: xr.Dataset, name: str) -> None:
    above = of.sel(test_ber=of.test_ber > 0)
    bers = above.test_ber.values
    free = float(of.accuracy.sel(layer=ALL, test_ber=0.0))
    axes.set_xscale("log")
    shown = [above[each] for each in ("accuracy_low", "accuracy_high")]
    use_accuracy_scale(axes, [*np.ravel(shown), free], "")
    axes.axhline(free, color=COLORS["grey"], lw=0.8, label="without errors")
    axes.axhline(free - LOSS, color=COLORS["grey"], lw=0.8, ls=":", label="1 point less")
    colors = [*colormaps["viridis"](np.linspace(0.1, 0.85, of.sizes["layer"] - 1)), "black"]
    for index, layer in enumerate(of.layer.values):
        curve = above.sel(layer=layer)
        # Lines differ as well as colours, which go with the depth.
        line = "-" if layer == ALL else network_style(index + 1)["linestyle"]
        look = {"color": colors[index], "linestyle": line}
        axes.fill_between(
            bers, curve.accuracy_low, curve.accuracy_high, color=look["color"], alpha=0.2, lw=0
        )
        axes.plot(bers, curve.accuracy, label=_named(str(layer)), **look)
        if not of.tolerated_ber_bound.sel(layer=layer).item():
            at = float(of.tolerated_ber.sel(layer=layer))
            axes.plot(at, free - LOSS, marker="o", ms=4, color=look["color"])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ber, _: power(ber)))
    axes.set_title(name.replace("$", r"\$"))


def load(models: Sequence[Path], images: str | None) -> dict[str, ScoredNetwork]:
    """Return the networks of model files, named after them, with the images to score them on."""
    found = {}
    for model in models:
        saved = load_network(model)
        named = images or str(saved.metadata["images"])
        image_set = load_images(named)
        if image_set.content_id != saved.metadata["images_id"]:
            raise InputError(f"{model}: was not trained on the images of {named}; see --images.")
        if model.stem in found:
            raise InputError(f"{model}: another model has that name too; rename one.")
        found[model.stem] = ScoredNetwork(
            saved.folded, image_set.test_images, image_set.test_labels, image_set.content_id
        )
    return found


def main() -> None:
    """Measure what is still missing, write the results and print what each layer stands."""
    parser = options_of(__doc__, chips=20)
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL")
    asked = parser.parse_args()
    with one_message(parser):
        found = run(asked.models, asked.out, images=asked.images, chips=asked.chips, bers=BERS)
    print(f"\n{summary(found)}")


def run(
    models: Sequence[Path], out: Path, *, images: str | None, chips: int, bers: Sequence[float]
) -> xr.Dataset:
    """Measure model files, write the results into the folder `out` and return them."""
    make_folder(out)
    found = measure(
        load(models, images),
        chips=chips,
        bers=bers,
        store=TallyStore(out / "tallies.csv"),
        on_chips=show_chips,
    )
    write_text(out / "layer-sensitivity.csv", table(found))
    write_atomically(out / "layer-sensitivity.nc", found.to_netcdf)
    save_figure(draw(found), out / "layer-sensitivity")
    return found


if __name__ == "__main__":
    main()
