"""`rramsim export`: the bits that each tile of a chip is programmed with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rramsim.cli import options
from rramsim.cli.app import command

_EXAMPLE = """
A trained network on tiles of 128 word lines by 64 bit lines:

    rramsim export network.safetensors --tile 128x64 --out tiles

The same with weights in words of a code, whose parity bits lie on further bit lines:

    rramsim export network.safetensors --protect "secded(72,64)" --out coded-tiles
"""


@command(_EXAMPLE)
def export(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="A model file, of `rramsim train` or imported."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder for the tiles, new or of an earlier export.",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    tile: Annotated[
        str,
        typer.Option(
            metavar="WxB",
            help="Word lines by bit lines of a tile.",
            rich_help_panel=options.USE,
        ),
    ] = "128x128",
    protection: options.ProtectBy = "none",
    cells: Annotated[
        bool,
        typer.Option(
            "--cells/--no-cells",
            help="Write tiles.csv, with a row of about 30 bytes for each cell, or leave it out. "
            "The netCDF files hold the same bits in far less space.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = True,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Write the bits that each tile of a chip is programmed with.

    Each layer has a netCDF file of its tiles: 1 is HRS (+1), 0 is LRS (-1), 255 is no bit.
    tiles.csv lists which weight each cell holds, thresholds.csv the threshold of each neuron, and
    manifest.json what the numbers mean, with a checksum of each file.
    """
    import json

    from rich.console import Console

    from rramsim.report.real_chips import export_sentences, export_tables
    from rramsim.report.terminal_table import print_sentences, print_table
    from rramsim.study.real_chips.export import export_tiles

    manifest = export_tiles(model, out, tile=tile, protection=protection, cells=cells)
    if as_json:
        typer.echo(json.dumps(manifest, indent=2))
        return
    if quiet:
        typer.echo(str(out))
        return
    console = Console()
    for table in export_tables(manifest):
        print_table(console, table)
    print_sentences(console, export_sentences(manifest, str(out)))
    if verbose:
        print_sentences(
            console, (f"{name}: SHA-256 {digest}" for name, digest in manifest["sha256"].items())
        )
