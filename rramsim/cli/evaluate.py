"""`rramsim evaluate`: the accuracy of a trained network at given bit-error rates."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rramsim.cli.app import app
from rramsim.cli.options import Device, DeviceOption
from rramsim.errors import InputError

if TYPE_CHECKING:
    from rramsim.montecarlo.estimate import Estimate
    from rramsim.network.files import SavedNetwork
    from rramsim.network.images import ImageSet

_EXAMPLE = """
Example, the accuracy at three BERs, each over 50 chips:

    rramsim evaluate network.safetensors --ber 0 --ber 0.01 --ber 0.1 --maps 50
"""


@app.command(epilog=_EXAMPLE)
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A file of `rramsim train`.")],
    ber: Annotated[
        list[float],
        typer.Option(metavar="P", help="Bit-error rate, 0 to 1; repeat it for several."),
    ],
    maps: Annotated[
        int, typer.Option(metavar="N", min=1, help="Chips (fault maps) drawn for each BER.")
    ] = 20,
    images: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR",
            help="The images it was trained on; needed only where their folder moved.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Seed of the chips.")] = 1,
    device: DeviceOption = Device.CPU,
    as_json: Annotated[bool, typer.Option("--json", help="Print the points as JSON.")] = False,
) -> None:
    """Measure the accuracy of a trained network on chips with bit errors.

    For each BER, chips are drawn whose weights are flipped at random, and each is scored on all
    test images. The interval is that of the mean over chips, for this one set of test images.
    """
    from rramsim.cli.progress import shown_progress
    from rramsim.crossbar.faults import IidFaults

    models = [IidFaults(each) for each in ber]
    from rramsim.montecarlo.chip import Question, ScoredNetwork
    from rramsim.montecarlo.collect import collect
    from rramsim.montecarlo.estimate import estimate
    from rramsim.montecarlo.stopping import StoppingRule
    from rramsim.network.files import load_network

    network = load_network(model)
    image_set = _image_set(model, network, images)
    scored = ScoredNetwork(
        network.folded,
        image_set.test_images,
        image_set.test_labels,
        image_set.content_id,
        device.value,
    )
    questions = [Question(scored, faults, seed) for faults in models]
    with shown_progress() as on_progress:
        on_chips = partial(on_progress, "drawing chips")
        tallies = collect(questions, rule=StoppingRule(maps), on_chips=on_chips)
    estimates = [
        estimate(tally, certain=faults.certain)
        for tally, faults in zip(tallies, models, strict=True)
    ]
    if as_json:
        _print_json(ber, estimates, network=network, images=image_set, seed=seed)
    else:
        _print_table(ber, estimates, network=network, images=image_set, seed=seed)


def _image_set(model: Path, network: SavedNetwork, named: str | None) -> ImageSet:
    from rramsim.network.images import load_images

    trained_on = str(network.metadata["images"])
    try:
        images = load_images(named or trained_on)
    except InputError as error:
        if named is not None:
            raise
        raise InputError(
            f"{model}: was trained on the images {trained_on!r}, which cannot be loaded by that "
            f"name ({error}) If they are a folder of yours, name it with --images."
        ) from error
    if images.content_id != network.metadata["images_id"]:
        raise InputError(
            f"{model}: was trained on the images {trained_on!r} (content id "
            f"{network.metadata['images_id'][:12]}), but {named or trained_on!r} holds others "
            f"({images.content_id[:12]}), whose test images may have been trained on. Name the "
            "images it was trained on with --images."
        )
    return images


def _print_json(
    bers: list[float],
    estimates: list[Estimate],
    *,
    network: SavedNetwork,
    images: ImageSet,
    seed: int,
) -> None:
    from rramsim import __version__

    points = [
        {
            "ber": ber,
            "accuracy_mean": each.mean,
            "accuracy_low": _known(each.low),
            "accuracy_high": _known(each.high),
            "accuracy_p05": _known(each.p05),
            "maps": each.maps,
            "method": each.method,
        }
        for ber, each in zip(bers, estimates, strict=True)
    ]
    answer: dict[str, Any] = {
        "points": points,
        "network_id": network.folded.content_id,
        "training_ber": network.metadata["training_ber"],
        "images": images.name,
        "images_id": images.content_id,
        "test_images": len(images.test_labels),
        "seed": seed,
        "version": __version__,
    }
    typer.echo(json.dumps(answer, indent=2, allow_nan=False))


def _print_table(
    bers: list[float],
    estimates: list[Estimate],
    *,
    network: SavedNetwork,
    images: ImageSet,
    seed: int,
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from rramsim.numbers import percent

    table = Table("BER", "accuracy", "interval", "5th-percentile chip", "chips")
    for ber, each in zip(bers, estimates, strict=True):
        known = not math.isnan(each.low)
        interval = f"{100 * each.low:.2f} to {percent(each.high)}" if known else "unknown"
        row = (_exact(ber), percent(each.mean), interval, percent(each.p05), str(each.maps))
        table.add_row(*row)
    console = Console()
    console.print(table)
    said = [
        f"Network {network.folded} trained at BER {_exact(network.metadata['training_ber'])}, "
        f"scored on the {len(images.test_labels)} test images of {images.name}, seed {seed}."
    ]
    for method in dict.fromkeys(each.method for each in estimates):
        of = [
            _exact(ber) for ber, each in zip(bers, estimates, strict=True) if each.method == method
        ]
        said.append(f"BER {', '.join(of)}: {method}")
    # As Text: names from a user's file are not to be read as markup.
    console.print(Text("\n".join(said)))


def _exact(ber: float) -> str:
    from rramsim.numbers import power

    # A user's own number, which is not to be rounded to look like another.
    return power(ber, digits=12)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
