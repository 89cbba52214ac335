"""`rramsim train`: binarized networks, plain or adapted to bit errors."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rramsim.cli import options
from rramsim.cli.app import command
from rramsim.cli.options import Device, DeviceOption

if TYPE_CHECKING:
    from rich.console import Console

    from rramsim.montecarlo.replicates import TrainingAccuracy
    from rramsim.network.model_files import SavedNetwork
    from rramsim.network.training.plan import TrainingPlan

    Recipe = tuple[dict[Path, SavedNetwork], TrainingAccuracy]

MUCH = 1.0
"""Means of first-layer sums, in spreads, from which bit errors that move them cost much accuracy.

MNIST, 784-256-256-10: 1.7 where black enters as -1 and 0.7 where it is 0; at a BER of 0.15 the
plain networks keep 55 % and 81 %."""

_EXAMPLE = """
A plain network and one adapted to a BER of 0.05, on the shipped handwritten digits:

    rramsim train --training-ber 0 --training-ber 0.05 --out networks

Five of each, which show how much the accuracy varies from training to training:

    rramsim train --training-ber 0 --training-ber 0.05 --trainings 5 --out networks
"""


@command(_EXAMPLE)
def train(
    settings: Annotated[
        Path | None,
        typer.Argument(
            metavar="[TRAINING.toml]",
            help="A training file with any of the options below and more about the training.",
        ),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR",
            help="digits (shipped, if none is given), mnist, fashion-mnist or cifar10 "
            "(downloaded), or a folder: IDX files as of MNIST, binary files as of CIFAR-10, or "
            "image files in train/CLASS/ and test/CLASS/.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            metavar="LAYERS",
            help="Widths of the layers, 784-512-512-10, or with 3x3 filters and pooling, "
            "3x32x32-2x128C3-MP2-1024-10. Without it, rramsim chooses layers for the images.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    training_bers: Annotated[
        list[float] | None,
        typer.Option(
            "--training-ber",
            metavar="P",
            min=0.0,
            max=0.5,
            help="BER in training, from 0 (plain training, if not given) to below 0.5. One network "
            "is trained for each. Repeatable.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Passes over the images. Without it, as many as suit the images.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="courbariaux2016: learning rates, batch size, dropout, loss, epochs and "
            "validation images as in the public code of that paper.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    trainings: Annotated[
        int | None,
        typer.Option(
            metavar="S",
            min=1,
            help="Networks that are trained with each BER, with the seed and the seeds after it; 1 "
            "if not given.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=2,
            help="Instead of trainings, for images without a test part (digits): divide them into "
            "K parts, and test each part with a network that is trained on the others.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=2**63 - 1,
            help="Seed of everything that is drawn; 1 if not given.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    device: DeviceOption = Device.CPU,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder for the model files.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = Path("rramsim-networks"),
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train binarized networks, one model file per training BER, or several that differ by chance.

    Training is saved in checkpoints: after an interruption the same command continues from the last
    one and gives the same network. Finished networks are not trained again. Each model file has a
    log beside it, a CSV file with a row for each epoch.
    """
    from rramsim.cli.endings import GOES_ON, say_if_interrupted
    from rramsim.cli.runs import shown_progress
    from rramsim.study.settings_files import make_settings
    from rramsim.study.stages.networks import plans_by_file
    from rramsim.study.training_settings import TrainingFile

    asked = make_settings(
        TrainingFile,
        settings,
        {
            "images": images,
            "network": network,
            "training_bers": training_bers,
            "epochs": epochs,
            "training": {"recipe": recipe},
            "seed": seed,
            "trainings": trainings,
            "folds": folds,
        },
    )
    from rramsim.images.catalogue import origin_of

    asked = asked.model_copy(update={"images": origin_of(asked.images)})
    paths = plans_by_file(asked, out)
    from rramsim.network.training.train import find_network, obtain_networks, told_as_stage

    # All files are looked at before hours may go into the first network.
    there = {path for path, plan in paths.items() if find_network(path, plan)}
    say_if_interrupted(GOES_ON)
    with shown_progress(quiet=quiet) as on_progress:
        trained = obtain_networks(
            [(plan, path) for path, plan in paths.items()],
            images_from=asked.images,
            on_epochs=told_as_stage(on_progress),
            device=device.value,
        )
    models = dict(zip(paths, trained, strict=True))
    if as_json:
        _print_json(models)
    elif quiet:
        typer.echo("\n".join(map(str, models)))
    else:
        _print_table(models, there=there, plan=next(iter(paths.values())), verbose=verbose)


def _print_json(models: dict[Path, SavedNetwork]) -> None:
    answer: dict[str, list[dict[str, Any]]] = {"models": []}
    answer["models"] = [
        {
            "file": str(path),
            "network": str(model.folded),
            "network_id": model.folded.content_id,
            **{
                name: model.metadata[name]
                for name in ("training_ber", "accuracy", "epochs", "seed", "images", "images_id")
            },
            "first_layer_mean_over_spread": model.mean_over_spread,
            **({} if model.fold is None else {"fold": dict(model.fold)}),
        }
        for path, model in models.items()
    ]
    recipes = _recipes(models)
    if recipes:
        answer["recipes"] = [
            {
                "files": list(map(str, replicates)),
                "training_ber": next(iter(replicates.values())).training_ber,
                "trainings": found.trainings,
                "accuracy_mean": found.mean.estimate,
                "accuracy_low": found.mean.low,
                "accuracy_high": found.mean.high,
                "accuracy_sd": found.deviation,
                "method": found.method,
            }
            for replicates, found in recipes
        ]
    typer.echo(json.dumps(answer, indent=2, allow_nan=False))


def _recipes(models: dict[Path, SavedNetwork]) -> list[Recipe]:
    """Return the networks of each recipe that has several, and their accuracy without errors."""
    from rramsim.montecarlo.replicates import by_recipe, over_trainings

    found = []
    for replicates in by_recipe(models, lambda model: model.training_recipe):
        first, *others = replicates.values()
        if others:
            accuracies = [model.accuracy for model in replicates.values()]
            folds = None if first.fold is None else int(first.fold["of"])
            found.append((replicates, over_trainings(accuracies, folds=folds)))
    return found


def _print_table(
    models: dict[Path, SavedNetwork], *, there: set[Path], plan: TrainingPlan, verbose: bool
) -> None:
    from rich.console import Console

    from rramsim.formatting import percent
    from rramsim.report.terminal_table import print_sentences, print_table
    from rramsim.report.text_table import TextTable
    from rramsim.study.stages.networks import training_ber_words

    recipes = _recipes(models)
    which = ("fold" if plan.fold else "seed",) if recipes else ()
    rows = []
    for path, model in models.items():
        replicate = model.fold["number"] if model.fold else model.metadata["seed"]
        ratio = model.mean_over_spread
        rows.append(
            (
                training_ber_words(model),
                *((str(replicate),) if recipes else ()),
                percent(model.metadata["accuracy"]),
                "unknown" if ratio is None else f"{ratio:.2g}",
                str(model.metadata["epochs"]),
                "before" if path in there else "now",
            )
        )
    columns = ("training BER", *which, "accuracy", "mean/spread", "epochs", "trained")
    console = Console()
    print_table(console, TextTable("", columns, tuple(rows)))
    last = ""
    for path, model in models.items():
        heading = f"training BER {training_ber_words(model)}:"
        if heading != last:
            typer.echo(heading)
        # On a line of its own and never broken, so that it can be copied.
        typer.echo(f"  {path}")
        if verbose:
            typer.echo(f"  {path.with_suffix('.csv')} (log), network {model.folded.content_id}")
        last = heading
    if recipes:
        _print_recipes(console, recipes)
    words = (
        f"Network {plan.shape}, {_seeds(models)}; accuracy without bit errors on the "
        f"{_tested(plan)}. {plan.images.note}"
    )
    print_sentences(console, [words, "Try it with bit errors:"])
    typer.echo(f"  rramsim evaluate {_together(models, recipes)} --ber 0.05")
    print_sentences(console, [_shift_words([model.mean_over_spread for model in models.values()])])


def _print_recipes(console: Console, recipes: list[Recipe]) -> None:
    """Print the accuracy of each recipe over its trainings, and how it was made."""
    from rramsim.formatting import percent
    from rramsim.report.terminal_table import print_sentences, print_table
    from rramsim.report.text_table import TextTable
    from rramsim.study.stages.networks import training_ber_words

    rows = [
        (
            training_ber_words(next(iter(replicates.values()))),
            str(found.trainings),
            f"{percent(found.mean.estimate)} ± {percent(found.deviation)}",
            f"{100 * found.mean.low:.2f} to {percent(found.mean.high)}",
        )
        for replicates, found in recipes
    ]
    columns = ("training BER", "trainings", "mean ± deviation", "interval of the mean")
    print_table(console, TextTable("", columns, tuple(rows)))
    sentences = dict.fromkeys(line for _, found in recipes for line in found.sentences)
    words = " ".join(["Mean ± standard deviation between trainings.", *sentences])
    print_sentences(console, [words])


def _seeds(models: dict[Path, SavedNetwork]) -> str:
    first, *others = sorted({model.metadata["seed"] for model in models.values()})
    return f"seeds {first} to {others[-1]}" if others else f"seed {first}"


def _tested(plan: TrainingPlan) -> str:
    if plan.fold is None:
        return f"{len(plan.images.test_labels)} test images of {plan.images.name}"
    return (
        f"images of {plan.images.name}, divided into {plan.fold['of']} parts, each tested by the "
        "network that was trained on all others"
    )


def _together(models: dict[Path, SavedNetwork], recipes: list[Recipe]) -> str:
    """Return the first model file, or a pattern of the first recipe's, quoted for a shell."""
    path, model = next(iter(models.items()))
    if not recipes:
        return quote(str(path))
    mark, end = ("-fold-", f"-of-{model.fold['of']}") if model.fold else ("-seed-", "")
    # The shell fills in an asterisk only where it is not quoted.
    start = quote(str(path.with_name(path.stem[: path.stem.rindex(mark)] + mark)))
    return f"{start}*{quote(f'{end}.safetensors')}"


def _shift_words(ratios: list[float | None]) -> str:
    """Return what the means of first-layer sums say of the accuracy under bit errors."""
    greatest = max((ratio for ratio in ratios if ratio is not None), default=0.0)
    words = (
        "mean/spread: how far the sums of first-layer neurons lie from 0, in their spreads over "
        "images (root mean square). Bit errors of rate P move them by 2 P times that."
    )
    if greatest > MUCH:
        words += (
            f" {greatest:.2g} is much: compare rramsim evaluate with and without --reestimate, "
            "which estimates batch norm anew for the errors."
        )
    return words
