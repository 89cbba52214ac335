"""`rramsim energy`: what an inference costs on each condition, and what a life."""

from __future__ import annotations

from typing import Annotated

import typer

from rramsim.cli import options
from rramsim.cli.app import command

_EXAMPLE = """
A trained network on your cells, over a lifetime of 1e9 images:

    rramsim energy network.safetensors --measurements cells.csv --conditions energies.toml
    --read-pulse "0.2 V, 10 ns" --inferences 1e9

The network of Hirtzlin et al. 2019 on the shipped populations, before it is trained:

    rramsim energy 784-4096-4096-10 --measurements hirtzlin2019-reconstructed --conditions table1
    --read-pulse "0.2 V, 10 ns" --pixel-bits 1
"""


@command(_EXAMPLE, "MODEL --measurements FILE --read-pulse V,T [OPTIONS]")
def energy(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A model file, of `rramsim train` or imported, or layers such as 784-512-10 of a "
            "network that is not trained yet (half of its weights are taken as -1).",
        ),
    ],
    measurements: Annotated[
        list[str],
        typer.Option(
            metavar="FILE",
            help="Measured resistances: a file, a folder of files, or a shipped set. Repeatable.",
            rich_help_panel=options.INPUT,
        ),
    ],
    conditions: options.Conditions = None,
    lrs_share: options.LrsShare = 0.5,
    read_pulse: options.ReadPulse = None,
    protection: options.ProtectBy = "none",
    pixel_bits: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Bit planes of the pixels; the first layer is read for each. 1 for black and "
            "white. Without it, those of the training images.",
            rich_help_panel=options.CIRCUITS,
        ),
    ] = None,
    images: options.ImagesOfModel = None,
    reuse: Annotated[
        bool,
        typer.Option(
            "--reuse",
            help="Latch the rows of a convolution: each is read once for an image, not once for "
            "each position.",
            rich_help_panel=options.CIRCUITS,
        ),
    ] = False,
    sense_energy: Annotated[
        str | None,
        typer.Option(
            metavar="E",
            help='Energy of a sense amplifier, for each read of a weight: "5 fJ".',
            rich_help_panel=options.CIRCUITS,
        ),
    ] = None,
    popcount_energy: Annotated[
        str | None,
        typer.Option(
            metavar="E",
            help="Energy of XNOR and popcount, for each bit counted.",
            rich_help_panel=options.CIRCUITS,
        ),
    ] = None,
    other_energy: Annotated[
        str | None,
        typer.Option(
            metavar="E",
            help="Energy of everything else, for an inference.",
            rich_help_panel=options.CIRCUITS,
        ),
    ] = None,
    energy_source: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            show_default=False,
            help="Source of these energies, required if one is given. Unknown ones are left out, "
            "and the sum is then marked as a bound.",
            rich_help_panel=options.CIRCUITS,
        ),
    ] = "",
    reprogrammings: options.Reprogrammings = None,
    inferences: options.Inferences = None,
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
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Compare the energy of programming, an inference and a lifetime for each condition.

    A read takes V² t E[1/R] of the fitted populations. From some number of inferences on, reading
    costs more than programming, and another condition may cost least.
    """
    from rramsim.study import fit as study
    from rramsim.study.reading import ReadingTable

    result = study.fit(
        measurements,
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
        lrs_share=0.5 if lrs_share is None else lrs_share,
        read_pulse=read_pulse,
    )
    found = result.inference_energy(
        model,
        protection=protection,
        pixel_bits=pixel_bits,
        images=images,
        reuse=reuse,
        sense_energy=sense_energy,
        popcount_energy=popcount_energy,
        other_energy=other_energy,
        energy_source=energy_source,
        reprogrammings=reprogrammings or 0.0,
        inferences=inferences,
    )
    from rich.console import Console

    from rramsim.report.energy import energy_answer, energy_sentences, energy_tables
    from rramsim.report.fit.notes import doubts
    from rramsim.report.terminal_table import print_sentences, print_table, shown_notes

    if as_json:
        typer.echo(energy_answer(found))
        return
    console = Console()
    for table in energy_tables(found):
        print_table(console, table)
    if quiet:
        return
    first = doubts(result.examination)
    others = [note for note in result.notes if note not in first]
    print_sentences(console, [*first, *shown_notes(others, verbose=verbose)])
    print_sentences(console, energy_sentences(found))
