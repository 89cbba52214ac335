"""`rramsim tradeoff`: everything, from measurements to the report."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rramsim.cli import options
from rramsim.cli.app import command
from rramsim.cli.options import Device, DeviceOption

if TYPE_CHECKING:
    from rramsim.montecarlo.collect import Workers

_EXAMPLE = """
The shipped example, and your own measurements with known energies:

    rramsim tradeoff

    rramsim tradeoff --measurements cells.csv --conditions energies.toml --out results
"""


@command(_EXAMPLE)
def tradeoff(
    study: Annotated[
        Path | None,
        typer.Argument(metavar="[STUDY.toml]", help="A study file with any of the settings."),
    ] = None,
    measurements: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Measured resistances: a file, a folder of files, or a shipped set. Repeatable.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    conditions: options.Conditions = None,
    images: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR",
            help="digits (shipped, if none is given), mnist, fashion-mnist, cifar10 (downloaded) "
            "or a folder.",
            rich_help_panel=options.INPUT,
        ),
    ] = None,
    columns: options.Columns = None,
    read_voltage: options.ReadVoltage = None,
    map: options.Names = None,
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
    read_pulse: options.ReadPulse = None,
    protections: options.Protect = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="T",
            help="Accepted loss of accuracy, as a share; 0.01 if not given.",
            rich_help_panel=options.REQUIREMENTS,
        ),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            metavar="A",
            help="Required accuracy, instead of a tolerance.",
            rich_help_panel=options.REQUIREMENTS,
        ),
    ] = None,
    chip_yield: Annotated[
        float | None,
        typer.Option(
            "--yield",
            metavar="Y",
            help="Share of the chips that must be accurate enough, each by itself.",
            rich_help_panel=options.REQUIREMENTS,
        ),
    ] = None,
    energy_budget: Annotated[
        str | None,
        typer.Option(
            metavar="E",
            help='Maximum energy over the lifetime, such as "1 mJ".',
            rich_help_panel=options.REQUIREMENTS,
        ),
    ] = None,
    lifetime: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help='How long the network must stay accurate enough, such as "10 years". Cells may be '
            "refreshed.",
            rich_help_panel=options.REQUIREMENTS,
        ),
    ] = None,
    accept_extrapolated: Annotated[
        bool,
        typer.Option(
            "--accept-extrapolated",
            help="Accept a verdict on the lifetime that is extrapolated by more than a decade of "
            "time or 50 K from the readings. Without it, such a verdict is not settled.",
            rich_help_panel=options.REQUIREMENTS,
        ),
    ] = False,
    reprogrammings: options.Reprogrammings = None,
    inferences: options.Inferences = None,
    use_temperature: options.UseTemperature = None,
    activation_energy: options.ActivationEnergy = None,
    trainings: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="S",
            help="Networks that are trained of each kind, with S seeds; 5 if not given.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="K",
            help="Instead of trainings: parts of a small image set, each tested by a network that "
            "is trained on the others; 5 if not given and possible.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    chips: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Maximum number of chips for each network and condition; 120 if not given.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Seed of everything that is drawn; 1 if not given.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    device: DeviceOption = Device.CPU,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Score chips on the Dask cluster of this scheduler, such as tcp://host:8786.",
            rich_help_panel=options.NETWORKS,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder of the report and results.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = Path("rramsim-results"),
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Find which programming condition is good enough for a binarized network.

    Without arguments it uses the shipped conditions (Table I of Hirtzlin et al. 2019, with
    populations reconstructed from it) and the shipped handwritten digits. It writes report.html,
    tradeoff.csv, tradeoff.nc and figures/. After an interruption, run the same command to continue.

    Requirements and the use over the lifetime can be changed for finished results: run the command
    again with the same folder, and no chip is simulated again. Conditions whose endurance is less
    than the reprogrammings need are left out.
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
            map=map or None,
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
            protections=protections or None,
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
    typer.echo(result.text(**window(), quiet=quiet, verbose=verbose), nl=False)


def _workers(scheduler: str | None) -> AbstractContextManager[Workers | None]:
    if scheduler is None:
        return nullcontext()
    from rramsim.montecarlo.cluster import cluster

    return cluster(scheduler)
