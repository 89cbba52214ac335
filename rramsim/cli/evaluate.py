"""`rramsim evaluate`: the accuracy of a trained network at given bit-error rates."""

from __future__ import annotations

from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rramsim.cli.app import app
from rramsim.cli.options import Device, DeviceOption

if TYPE_CHECKING:
    from rramsim.crossbar.faults import ChipFaults
    from rramsim.images.image_set import ImageSet
    from rramsim.montecarlo.collect import OnChips
    from rramsim.montecarlo.constant_neurons import ConstantShare
    from rramsim.montecarlo.task import Task
    from rramsim.network.folded.network import FoldedNetwork
    from rramsim.network.model_files import SavedNetwork

_EXAMPLE = """
Example, the accuracy at three BERs, each over 50 chips:

    rramsim evaluate network.safetensors --ber 0 --ber 0.01 --ber 0.1 --maps 50

and how many neurons of each hidden layer then never change their value:

    rramsim evaluate network.safetensors --ber 0 --ber 0.1 --neurons

and with thresholds that are estimated anew for each BER:

    rramsim evaluate network.safetensors --ber 0 --ber 0.1 --reestimate
"""


@app.command(epilog=_EXAMPLE)
def evaluate(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model file, of `rramsim train` or imported.")
    ],
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
    layer: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Errors in the cells of this layer only, counted from 1; without, in all layers.",
        ),
    ] = None,
    neurons: Annotated[
        bool,
        typer.Option(
            "--neurons",
            help="Also show, for each hidden layer, the share of neurons whose value is the same "
            "on all test images: they tell nothing of an image, so the layer could do without.",
        ),
    ] = False,
    reestimate: Annotated[
        bool,
        typer.Option(
            "--reestimate",
            help="Estimate the batch norm anew for each BER, from training images on other chips, "
            "so that the thresholds fit the sums of chips with that BER; weights stay.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Seed of the chips.")] = 1,
    device: DeviceOption = Device.CPU,
    as_json: Annotated[bool, typer.Option("--json", help="Print the points as JSON.")] = False,
) -> None:
    """Measure the accuracy of a trained network on chips with bit errors.

    For each BER, chips are drawn whose weights are flipped at random, and each is scored on all
    test images. The interval is that of the mean over chips, for this one set of test images.
    """
    from rramsim.cli.evaluate_text import Found, print_json, print_tables
    from rramsim.cli.progress import shown_progress
    from rramsim.crossbar.faults import IidFaults
    from rramsim.errors import InputError

    models: list[ChipFaults] = [IidFaults(each) for each in ber]
    from rramsim.crossbar.faults import in_one_layer, is_deterministic
    from rramsim.montecarlo.collect import collect
    from rramsim.montecarlo.estimate import estimate
    from rramsim.montecarlo.stopping import StoppingRule
    from rramsim.montecarlo.task import ScoredNetwork, Task
    from rramsim.network.model_files import load_network
    from rramsim.study.networks import images_of

    network = load_network(model)
    if layer is not None:
        layers = len(network.folded.layers)
        models = [in_one_layer(IidFaults(each), layer=layer, layers=layers) for each in ber]
    image_set = images_of(model, network, images)
    test = image_set.test_images, image_set.test_labels, image_set.content_id, device.value
    with shown_progress() as on_progress:
        if reestimate:
            on_network = partial(on_progress, "estimating thresholds")
            try:
                networks = _reestimated(network, image_set, models, seed, on_network)
            except InputError as error:
                raise InputError(f"{model}: {error}") from error
        else:
            networks = [network.folded] * len(models)
        # One for each network: it is made ready for the images once.
        scored = {each.content_id: ScoredNetwork(each, *test) for each in networks}
        tasks = [
            Task(scored[each.content_id], faults, seed)
            for each, faults in zip(networks, models, strict=True)
        ]
        on_chips = partial(on_progress, "drawing chips")
        tallies = collect(tasks, rule=StoppingRule(maps), on_chips=on_chips)
        shares = _shares(tasks, maps, partial(on_progress, "watching neurons")) if neurons else None
    estimates = [
        estimate(tally, deterministic=is_deterministic(faults))
        for tally, faults in zip(tallies, models, strict=True)
    ]
    found = Found(ber, estimates, shares, network, image_set, layer, seed, reestimate)
    if as_json:
        print_json(found)
    else:
        print_tables(found)


def _shares(tasks: list[Task], maps: int, on_chips: OnChips) -> list[list[ConstantShare]]:
    from rramsim.montecarlo.constant_neurons import constant_shares

    chips = count(1)

    def on_chip() -> None:
        on_chips(next(chips), maps * len(tasks))

    return [constant_shares(task, chips=maps, on_chip=on_chip) for task in tasks]


def _reestimated(
    network: SavedNetwork,
    images: ImageSet,
    models: list[ChipFaults],
    seed: int,
    on_chips: OnChips,
) -> list[FoldedNetwork]:
    from rramsim.montecarlo.reestimate import reestimated_for

    found = []
    for number, faults in enumerate(models):
        on_chips(number, len(models))
        found.append(reestimated_for(network, images.train_images, faults, seed=seed))
    on_chips(len(models), len(models))
    return found
