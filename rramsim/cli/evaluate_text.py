"""What `rramsim evaluate` shows: for a person, and for a machine."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from rramsim.schema import Record


def as_json(result: xr.Dataset, bers: Sequence[float]) -> str:
    """Return the points as JSON, a BER each."""
    from rramsim.schema import records

    attrs = result.attrs
    points = [
        {
            "ber": ber,
            "accuracy_mean": row["accuracy"],
            "accuracy_low": row.number("accuracy_low"),
            "accuracy_high": row.number("accuracy_high"),
            "accuracy_p05": row.number("accuracy_p05"),
            "maps": row["chips"],
            "method": row["method"],
            **({"neurons": list(map(_neurons, row.by("layer")))} if "neurons" in row else {}),
        }
        for ber, row in zip(bers, records(result, "faults"), strict=True)
    ]
    answer: dict[str, Any] = {
        "points": points,
        "network_id": attrs["network_id"],
        "training_ber": attrs.get("training_ber"),
        "images": attrs["images"],
        "images_id": attrs["images_id"],
        "test_images": attrs["test_images"],
        "seed": attrs["seed"],
        "version": attrs["rramsim_version"],
        **{name: attrs[name] for name in ("layer", "thresholds") if name in attrs},
    }
    return json.dumps(answer, indent=2, allow_nan=False)


def _neurons(row: Record) -> dict[str, Any]:
    return {
        "layer": row["layer"],
        "neurons": row["neurons"],
        "constant_share_mean": row["constant_share"],
        "constant_share_low": row.number("constant_share_low"),
        "constant_share_high": row.number("constant_share_high"),
        "always_plus_share_mean": row["always_plus_share"],
        "always_minus_share_mean": row["always_minus_share"],
        "method": row["constant_share_method"],
    }


def print_tables(result: xr.Dataset, bers: Sequence[float]) -> None:
    """Print a table of accuracies, one of neurons if asked for, and how both were made."""
    from rich.console import Console

    from rramsim.formatting import percent
    from rramsim.report.terminal_table import plain_text, print_table
    from rramsim.report.text_table import TextTable
    from rramsim.schema import records

    rows, attrs = records(result, "faults"), result.attrs
    accuracies = [
        (_exact(ber), percent(row["accuracy"]), _interval(row), percent(row["accuracy_p05"]))
        for ber, row in zip(bers, rows, strict=True)
    ]
    table = TextTable(
        title="",
        columns=("BER", "accuracy", "interval", "5th-percentile chip", "chips"),
        rows=tuple(
            (*texts, str(row["chips"])) for texts, row in zip(accuracies, rows, strict=True)
        ),
    )
    console = Console()
    print_table(console, table)
    trained = f" {attrs['training']}" if attrs["training"] else ", training BER unknown"
    sentences = [
        f"Network {attrs['network']}{trained}, scored on the {attrs['test_images']} test images "
        f"of {attrs['images']}, seed {attrs['seed']}."
    ]
    if "layer" in attrs:
        sentences.append(f"Errors are in the cells of layer {attrs['layer']} only.")
    if "thresholds" in attrs:
        sentences.append(
            "Thresholds were estimated anew for each BER, from training images on other chips."
        )
    sentences += _methods(bers, [[row["method"]] for row in rows])
    console.print(plain_text("\n".join(sentences)))
    if "neurons" in result:
        _print_neurons(console, bers, rows, convolutions=attrs["convolutions"])


def _print_neurons(
    console: Console, bers: Sequence[float], rows: Sequence[Record], *, convolutions: int
) -> None:
    from rramsim.formatting import accuracy, percent
    from rramsim.report.terminal_table import plain_text, print_table
    from rramsim.report.text_table import TextTable

    by_layer = [list(row.by("layer")) for row in rows]
    if not any(by_layer):
        console.print("The network has no hidden layer, so no hidden neurons.")
        return
    table = TextTable(
        title="",
        columns=("BER", "layer", "neurons", "never change", "always +1", "always -1"),
        rows=tuple(
            (
                *(_exact(ber), f"{row['layer']}", f"{row['neurons']}"),
                accuracy(row.interval("constant_share")),
                *(percent(row[f"always_{sign}_share"]) for sign in ("plus", "minus")),
            )
            for ber, layers in zip(bers, by_layer, strict=True)
            for row in layers
        ),
    )
    sentences = [
        "Hidden neurons whose value is the same on all test images: mean over the same chips of "
        "their share of the layer (interval)."
    ]
    if convolutions:
        sentences.append(
            f"In a convolution (layers 1 to {convolutions}) every filter at every place of its "
            "outputs, after pooling, is a neuron."
        )
    sentences += _methods(
        bers, [[row["constant_share_method"] for row in layers] for layers in by_layer]
    )
    print_table(console, table)
    console.print(plain_text("\n".join(sentences)))


def _methods(bers: Sequence[float], methods: Sequence[Sequence[str]]) -> list[str]:
    """Return each method once, after the BERs it was used at."""
    used: dict[str, list[str]] = {}
    for ber, of_ber in zip(bers, methods, strict=True):
        for method in dict.fromkeys(of_ber):
            used.setdefault(method, []).append(_exact(ber))
    return [f"BER {', '.join(at_bers)}: {method}" for method, at_bers in used.items()]


def _interval(row: Record) -> str:
    from rramsim.formatting import percent

    low, high = row["accuracy_low"], row["accuracy_high"]
    return "unknown" if math.isnan(low) else f"{100 * low:.2f} to {percent(high)}"


def _exact(ber: float) -> str:
    from rramsim.formatting import power

    # A user's own number, which is not to be rounded to look like another.
    return power(ber, digits=12)
