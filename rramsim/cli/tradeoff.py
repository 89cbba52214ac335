"""`rramsim tradeoff`: everything, from measurements to the report."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rramsim.cli import options
from rramsim.cli.app import app
from rramsim.cli.options import Device, DeviceOption

if TYPE_CHECKING:
    from rramsim.montecarlo.collect import Workers

_EXAMPLE = """
Example, with your own measurements and the energies you know of them:

    rramsim tradeoff --measurements cells.csv --conditions energies.toml --out results
"""


_REQUIRED = "Requirements (can be changed for a finished folder, without new chips)"


@app.command(epilog=_EXAMPLE)
def tradeoff(
    study: Annotated[
        Path | None,
        typer.Argument(metavar="STUDY.toml", help="A study file with any of the settings."),
    ] = None,
    measurements: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Measured resistances: a file, a folder of files, or a shipped set.",
        ),
    ] = None,
    conditions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Conditions (TOML, CSV, or what fit -o writes): energies, endurance, BERs.",
        ),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(metavar="NAME|DIR", help="digits, mnist, fashion-mnist, cifar10 or a folder."),
    ] = None,
    columns: options.Columns = None,
    read_voltage: options.ReadVoltage = None,
    names: options.Names = None,
    states: options.States = None,
    file_name: options.FileName = None,
    over_range: options.OverRange = None,
    floor: options.Floor = None,
    condition_from: options.ConditionFrom = None,
    repeats: options.Repeats = None,
    cycles: options.Cycles = None,
    encoding: options.Encoding = None,
    sheets: options.Sheets = None,
    reference: options.Reference = None,
    reference_spread: options.ReferenceSpread = None,
    offset: options.Offset = None,
    lrs_share: options.LrsShare = None,
    correlated: options.Correlated = False,
    correlated_by: options.CorrelatedBy = None,
    read_pulse: Annotated[
        str | None,
        typer.Option(
            metavar='"V, t"',
            help='Voltage and time of a read, "0.2 V, 10 ns". It gives the energy of an inference.',
        ),
    ] = None,
    protect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIST",
            help='Protections to compare, such as "none, 2T2R, secded(72,64), bch(78,64,2), '
            'verify(5, read_spread=0.1)". Repeatable; none,2T2R,secded(72,64) if unset.',
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="T",
            help="Loss of accuracy that is accepted, as a share: 0.01 if unset.",
            rich_help_panel=_REQUIRED,
        ),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            metavar="A",
            help="Instead: the accuracy that must be reached.",
            rich_help_panel=_REQUIRED,
        ),
    ] = None,
    chip_yield: Annotated[
        float | None,
        typer.Option(
            "--yield",
            metavar="Y",
            help="Share of the chips that must be accurate enough.",
            rich_help_panel=_REQUIRED,
        ),
    ] = None,
    reprogrammings: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help="How often the weights are programmed again. Conditions with a lower endurance "
            "are left out.",
            rich_help_panel=_REQUIRED,
        ),
    ] = None,
    inferences: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help="Images classified over the life. Their energy counts.",
            rich_help_panel=_REQUIRED,
        ),
    ] = None,
    energy_budget: Annotated[
        str | None,
        typer.Option(
            metavar="E",
            help='The most energy over the life, such as "1 mJ".',
            rich_help_panel=_REQUIRED,
        ),
    ] = None,
    lifetime: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help='How long the network must stay accurate enough, such as "10 years"; cells may be '
            "refreshed for it.",
            rich_help_panel=_REQUIRED,
        ),
    ] = None,
    use_temperature: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help='Temperature of use, "55 degC", to which times of cells held at another one are '
            "carried.",
            rich_help_panel=_REQUIRED,
        ),
    ] = None,
    activation_energy: Annotated[
        str | None,
        typer.Option(
            metavar="E",
            help='Activation energy by which they are, "1.1 eV". With --use-temperature.',
            rich_help_panel=_REQUIRED,
        ),
    ] = None,
    accept_extrapolated: Annotated[
        bool,
        typer.Option(
            "--accept-extrapolated",
            help="Allow a verdict on the lifetime that rests on times more than a decade, or a "
            "temperature more than 50 K, beyond the readings; otherwise it is not settled.",
            rich_help_panel=_REQUIRED,
        ),
    ] = False,
    trainings: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="S", help="Networks trained of each kind, by S seeds; 5 if unset."
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="K",
            help="Instead: parts of a small image set, each tested by a network trained on the "
            "others; 5 if unset and possible.",
        ),
    ] = None,
    chips: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="The most chips drawn for each network and condition; 120 if unset.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything drawn; 1 if unset.")] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder of the report and results.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = Path("rramsim-results"),
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Score chips on the Dask cluster of this scheduler, such as tcp://host:8786.",
        ),
    ] = None,
    device: DeviceOption = Device.CPU,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Find which programming condition is good enough for a binarized network.

    Without any argument it uses the shipped conditions (the paper's Table I, with populations
    reconstructed from it) and the shipped handwritten digits. The folder then holds report.html,
    tradeoff.csv, tradeoff.nc and figures/. After an interruption, run the same command to continue.
    """
    from rramsim.cli.endings import GOES_ON, say_if_interrupted
    from rramsim.cli.runs import shown_progress, window

    say_if_interrupted(GOES_ON)
    with _workers(scheduler) as workers, shown_progress(quiet=quiet) as progress:
        from rramsim.study import tradeoff as stages

        result = stages.tradeoff(
            measurements,
            conditions,
            out=out,
            study=study,
            images=images,
            workers=workers,
            device=device.value,
            progress=progress,
            trainings=trainings,
            folds=folds,
            chips=chips,
            seed=seed,
            columns=columns,
            read_voltage=read_voltage,
            map=names or None,
            states=states,
            file_name=file_name,
            over_range=over_range,
            floor=floor,
            condition_from=condition_from,
            repeats=repeats,
            cycles=cycles,
            encoding=encoding,
            sheets=sheets or None,
            reference=reference,
            reference_spread=reference_spread,
            offset=offset,
            lrs_share=lrs_share,
            correlated=options.correlated(correlated, correlated_by),
            read_pulse=read_pulse,
            protections=protect or None,
            tolerance=tolerance,
            target_accuracy=target_accuracy,
            chip_yield=chip_yield,
            reprogrammings=reprogrammings,
            inferences=inferences,
            energy_budget=energy_budget,
            lifetime=lifetime,
            use_temperature=use_temperature,
            activation_energy=activation_energy,
            accept_extrapolated=accept_extrapolated or None,
        )
    if as_json:
        typer.echo(result.to_json())
        return
    typer.echo(result.text(**window(), verbose=verbose), nl=False)


def _workers(scheduler: str | None) -> AbstractContextManager[Workers | None]:
    if scheduler is None:
        return nullcontext()
    from rramsim.montecarlo.cluster import cluster

    return cluster(scheduler)
