"""`rramsim train`: binarized networks, plain or adapted to bit errors."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rramsim.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from rramsim.network.files import SavedNetwork
    from rramsim.network.plan import TrainingPlan

_EXAMPLE = """
Example, a plain network and one adapted to a BER of 0.05, on the shipped handwritten digits:

    rramsim train --training-ber 0 --training-ber 0.05 -o networks
"""


@app.command(epilog=_EXAMPLE)
def train(
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="DIR", help="Folder of the model files.")
    ],
    images: Annotated[
        str,
        typer.Option(
            metavar="NAME|DIR",
            help="digits (shipped), mnist or fashion-mnist (downloaded), or a folder with the four "
            "IDX files of MNIST's layout.",
        ),
    ] = "digits",
    network: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHS",
            help="Widths of the layers, like 784-512-512-10; without, they suit the images.",
        ),
    ] = None,
    training_ber: Annotated[
        list[float] | None,
        typer.Option(
            metavar="P",
            min=0.0,
            max=0.5,
            help="Bit-error rate met in training, 0 to 0.5; one network for each. 0 (plain "
            "training) if none is given.",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Passes over the images; without, as many as suit them."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Seed of all that training draws.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the models as JSON.")] = False,
) -> None:
    """Train binarized networks, one model file a training BER.

    Each epoch is kept in a checkpoint: after an interrupt the same command goes on, and ends with
    the same network. Networks that are finished are not trained again.
    """
    from rramsim.cli.progress import shown_progress
    from rramsim.network.plan import find_network, obtain_network

    origin = _origin(images)
    plans = _plans(origin, network, training_ber or [0.0], epochs=epochs, seed=seed)
    paths = {out / _file_name(plan): plan for plan in plans}
    # All files are looked at before hours may go into the first network.
    there = {path for path, plan in paths.items() if find_network(path, plan)}
    models = {}
    with shown_progress() as on_progress:
        for path, plan in paths.items():
            on_epoch = _bar(on_progress, plan)
            models[path] = obtain_network(path, plan, images_from=origin, on_epoch=on_epoch)
    if as_json:
        _print_json(models)
    else:
        _print_table(models, there=there, plan=plans[0])


def _origin(images: str) -> str:
    # A folder is recorded as an absolute path, so that other commands find it from elsewhere.
    folder = Path(images).expanduser()
    from rramsim.network.images import KNOWN_NAMES

    return str(folder.resolve()) if images not in KNOWN_NAMES and folder.is_dir() else images


def _plans(
    images: str, network: str | None, bers: list[float], *, epochs: int | None, seed: int
) -> list[TrainingPlan]:
    from rramsim.network.definition import NetworkShape, default_shape
    from rramsim.network.images import load_images
    from rramsim.network.plan import TrainingPlan, default_epochs

    # A mistyped shape is told before anything is downloaded.
    named = None if network is None else NetworkShape.parse(network)
    image_set = load_images(images)
    shape = named or default_shape(image_set)
    make = partial(
        TrainingPlan, shape, image_set, epochs=epochs or default_epochs(image_set), seed=seed
    )
    # Adding 0.0 makes a 0 of -0.0.
    return [make(training_ber=ber + 0.0) for ber in dict.fromkeys(bers)]


def _file_name(plan: TrainingPlan) -> str:
    return f"{plan.images.name}-{plan.shape}-training-ber-{plan.training_ber!r}.safetensors"


def _bar(
    on_progress: Callable[[str, int, int], None], plan: TrainingPlan
) -> Callable[[int, float, float], None]:
    def on_epoch(done: int, loss: float, accuracy: float) -> None:
        on_progress(f"epochs at training BER {plan.training_ber:g}", done, plan.epochs)

    return on_epoch


def _print_json(models: dict[Path, SavedNetwork]) -> None:
    answer: list[dict[str, Any]] = [
        {
            "file": str(path),
            "network": str(model.folded),
            "network_id": model.folded.content_id,
            **{
                name: model.metadata[name]
                for name in ("training_ber", "accuracy", "epochs", "seed", "images", "images_id")
            },
        }
        for path, model in models.items()
    ]
    typer.echo(json.dumps({"models": answer}, indent=2, allow_nan=False))


def _print_table(models: dict[Path, SavedNetwork], *, there: set[Path], plan: TrainingPlan) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from rramsim.numbers import percent, power

    table = Table("training BER", "accuracy", "epochs", "trained", "file")
    for path, model in models.items():
        ber, accuracy = model.metadata["training_ber"], model.metadata["accuracy"]
        when = "before" if path in there else "now"
        file = Text(path.name, overflow="fold")
        table.add_row(power(ber, digits=12), percent(accuracy), str(plan.epochs), when, file)
    console = Console()
    console.print(table)
    words = (
        f"Network {plan.shape}, seed {plan.seed}; accuracy without bit errors on the "
        f"{len(plan.images.test_labels)} test images of {plan.images.name}. "
        f"Try it with bit errors: rramsim evaluate {next(iter(models))} --ber 0.05"
    )
    # As Text: names from a user's folder are not to be read as markup.
    console.print(Text(words))
