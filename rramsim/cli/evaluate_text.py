"""What `rramsim evaluate` prints: for a person, and for a machine."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from rramsim.images.image_set import ImageSet
    from rramsim.montecarlo.constant_neurons import ConstantShare
    from rramsim.montecarlo.estimate import ChipAccuracy
    from rramsim.network.model_files import SavedNetwork


class Found(NamedTuple):
    """What is printed, and what it was found of."""

    bers: list[float]
    estimates: list[ChipAccuracy]
    shares: list[list[ConstantShare]] | None
    network: SavedNetwork
    images: ImageSet
    layer: int | None
    seed: int
    reestimated: bool


def print_json(found: Found) -> None:
    """Print the points as JSON."""
    from rramsim.version import __version__

    points: list[dict[str, Any]] = [
        {
            "ber": ber,
            "accuracy_mean": each.mean.estimate,
            "accuracy_low": _known(each.mean.low),
            "accuracy_high": _known(each.mean.high),
            "accuracy_p05": _known(each.p05),
            "maps": each.chips,
            "method": each.method,
        }
        for ber, each in zip(found.bers, found.estimates, strict=True)
    ]
    for point, shares in zip(points, found.shares or [], strict=False):
        point["neurons"] = [_share_json(each) for each in shares]
    answer: dict[str, Any] = {
        "points": points,
        "network_id": found.network.folded.content_id,
        "training_ber": found.network.metadata["training_ber"],
        "images": found.images.name,
        "images_id": found.images.content_id,
        "test_images": len(found.images.test_labels),
        "seed": found.seed,
        "version": __version__,
    }
    if found.layer is not None:
        answer["layer"] = found.layer
    if found.reestimated:
        answer["thresholds"] = "reestimated"
    typer.echo(json.dumps(answer, indent=2, allow_nan=False))


def _share_json(share: ConstantShare) -> dict[str, Any]:
    return {
        "layer": share.layer,
        "neurons": share.neurons,
        "constant_share_mean": share.share.estimate,
        "constant_share_low": _known(share.share.low),
        "constant_share_high": _known(share.share.high),
        "always_plus_share_mean": share.plus_share,
        "always_minus_share_mean": share.minus_share,
        "method": share.share.method,
    }


def print_tables(found: Found) -> None:
    """Print a table of accuracies, one of neurons if asked for, and how both were made."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from rramsim.formatting import percent

    table = Table("BER", "accuracy", "interval", "5th-percentile chip", "chips")
    for ber, each in zip(found.bers, found.estimates, strict=True):
        interval = _interval(each.mean.low, each.mean.high)
        mean, poor = percent(each.mean.estimate), percent(each.p05)
        row = (_exact(ber), mean, interval, poor, str(each.chips))
        table.add_row(*row)
    console = Console()
    console.print(table)
    said = [
        f"Network {found.network.folded}{_training(found.network)}, "
        f"scored on the {len(found.images.test_labels)} test images of {found.images.name}, "
        f"seed {found.seed}."
    ]
    if found.layer is not None:
        said.append(f"Errors are in the cells of layer {found.layer} only.")
    if found.reestimated:
        said.append(
            "Thresholds were estimated anew for each BER, from training images on other chips."
        )
    said += _methods(found.bers, [[each.method] for each in found.estimates])
    # As Text: names from a user's file are not to be read as markup.
    console.print(Text("\n".join(said)))
    if found.shares is not None:
        convolutions = len(found.network.folded.convolutions)
        _print_shares(console, found.bers, found.shares, convolutions=convolutions)


def _print_shares(
    console: Console, bers: list[float], shares: list[list[ConstantShare]], *, convolutions: int
) -> None:
    from rich.table import Table
    from rich.text import Text

    from rramsim.formatting import accuracy, percent

    table = Table("BER", "layer", "neurons", "never change", "always +1", "always -1")
    for ber, of_ber in zip(bers, shares, strict=True):
        for each in of_ber:
            share = accuracy(each.share.estimate, each.share.low, each.share.high)
            parts = (percent(each.plus_share), percent(each.minus_share))
            table.add_row(_exact(ber), f"{each.layer}", f"{each.neurons}", share, *parts)
    said = [
        "Hidden neurons whose value is the same on all test images: mean over the same chips of "
        "their share of the layer (interval)."
    ]
    if convolutions:
        said.append(
            f"In a convolution (layers 1 to {convolutions}) every filter at every place of its "
            "outputs, after pooling, is a neuron."
        )
    if not table.row_count:
        console.print("The network has no hidden layer, so no hidden neurons.")
        return
    said += _methods(bers, [[each.share.method for each in of_ber] for of_ber in shares])
    console.print(table)
    console.print(Text("\n".join(said)))


def _methods(bers: list[float], methods: list[list[str]]) -> list[str]:
    """Return each method once, after the BERs it was used at."""
    return [
        f"BER {', '.join(_exact(ber) for ber, of in zip(bers, methods, strict=True) if each in of)}"
        f": {each}"
        for each in dict.fromkeys(each for of in methods for each in of)
    ]


def _interval(low: float, high: float) -> str:
    from rramsim.formatting import percent

    return "unknown" if math.isnan(low) else f"{100 * low:.2f} to {percent(high)}"


def _training(network: SavedNetwork) -> str:
    """Return the BER of the training, as far as it is known of an imported network."""
    if network.metadata["training_ber"] is None:
        return ", training BER unknown"
    stated = " (stated)" if "imported" in network.metadata["settings"] else ""
    return f" trained at BER {training_ber_words(network)}{stated}"


def training_ber_words(network: SavedNetwork) -> str:
    """Return the BER of a training: "(mean)" of unequal states or layers, "up to" of mixed ones."""
    from rramsim.formatting import power

    ber: float = network.metadata["training_ber"]
    faults = network.metadata["settings"].get("faults") or f"BER {ber!r}"
    alike = str(faults).removesuffix(", mixed")
    words = _exact(ber) if alike == f"BER {ber!r}" else f"{power(ber, digits=3)} (mean)"
    return words if alike == faults else f"up to {words}"


def _exact(ber: float) -> str:
    from rramsim.formatting import power

    # A user's own number, which is not to be rounded to look like another.
    return power(ber, digits=12)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
