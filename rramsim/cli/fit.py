"""`rramsim fit`: what measured cells say of each programming condition."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rramsim.cli import options
from rramsim.cli.app import command

_EXAMPLE = """
Your own resistances with known energies, and the shipped measured set:

    rramsim fit cells.csv --conditions energies.toml --report results

    rramsim fit ni-rram-64kb-cycling --target-ber 1e-3 --ber-limit 0.03
"""


@command(_EXAMPLE)
def fit(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Tables (CSV, TSV, Excel, netCDF), files of testers, folders of these, or shipped "
            "sets.",
        ),
    ],
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
    conditions: options.Conditions = None,
    reference: options.Reference = None,
    reference_spread: options.ReferenceSpread = 0.0,
    offset: options.Offset = 0.0,
    lrs_share: options.LrsShare = 0.5,
    read_pulse: options.ReadPulse = None,
    target_ber: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Do these cells show a BER below P? If not, how many cells would show it?",
            rich_help_panel=options.QUESTIONS,
        ),
    ] = None,
    ber_limit: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="After how many cycles, and after what time, does the BER reach P? P is the BER "
            "that your network tolerates.",
            rich_help_panel=options.QUESTIONS,
        ),
    ] = None,
    at_time: Annotated[
        list[str] | None,
        typer.Option(
            metavar="T",
            help='What are the resistances and the BER of held cells after T, "1000 h"? '
            'Repeatable; "10 years" if not given.',
            rich_help_panel=options.QUESTIONS,
        ),
    ] = None,
    bake: Annotated[
        str | None,
        typer.Option(
            metavar="BEFORE,AFTER",
            help="How did cells change in a bake? Give the names of the two conditions that hold "
            "the same cells before and after it.",
            rich_help_panel=options.QUESTIONS,
        ),
    ] = None,
    use_temperature: options.UseTemperature = None,
    activation_energy: options.ActivationEnergy = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.nc",
            help="Write the conditions as netCDF, which `rramsim tradeoff` reads.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write report.html, figures (SVG, PNG) and tables (CSV, netCDF) into DIR.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the populations: .svg, .png or .pdf.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Fit lognormal populations and derive BER, energy and endurance of each condition.

    A table has a row for each reading (columns condition, state, resistance, or current and read
    voltage) or for each cell (a column for LRS and one for HRS), with units in the headers.
    Columns cell, cycle, time, row and column add endurance, retention and variability.
    """
    options.check_suffix(plot, (".svg", ".png", ".pdf"), option="--plot")
    options.check_suffix(output, (".nc",), option="-o")
    from rramsim.cli.runs import shown_progress, window
    from rramsim.study import fit as study
    from rramsim.study.reading import ReadingTable

    # Of so short a command nothing but a terminal needs to know.
    with shown_progress(quiet=quiet, in_terminal_only=not verbose) as progress:
        result = study.fit(
            files,
            reading=ReadingTable(
                columns=columns,
                read_voltage=read_voltage,
                map=tuple(map or ()),
                states=states,
                file_name=file_name,
                over_range=over_range,
                floor=floor,
                condition_from=condition_from,
                repeats=repeats,
                cycles=cycles,
                encoding=encoding,
                sheets=tuple(sheets or ()),
            ),
            conditions=conditions,
            reference=reference,
            reference_spread=reference_spread or 0.0,
            offset=offset or 0.0,
            lrs_share=0.5 if lrs_share is None else lrs_share,
            read_pulse=read_pulse,
            target_ber=target_ber,
            ber_limit=ber_limit,
            use_temperature=use_temperature,
            activation_energy=activation_energy,
            at_time=at_time,
            bake=bake,
            progress=progress,
        )
        if plot is not None:
            result.draw(plot)
        if output is not None:
            result.to_netcdf(output)
        if report is not None:
            # Of many conditions the figures take much longer than the fit.
            progress("writing the report", 0, 1)
            result.report(report)
            progress("writing the report", 1, 1)
    if as_json:
        typer.echo(result.to_json())
        return
    typer.echo(result.table(**window(), quiet=quiet, verbose=verbose), nl=False)
    if report is not None:
        typer.echo(f"The report is {report / 'report.html'}")
