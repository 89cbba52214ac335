"""`rramsim export`: the bits that each tile of a chip is programmed with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rramsim.cli import options
from rramsim.cli.app import app

_EXAMPLE = """
Example, a trained network for tiles of 128 word lines by 64 bit lines:

    rramsim export network.safetensors --tile 128x64 --out tiles

and with weights in words of a code, whose parity bits lie on further bit lines:

    rramsim export network.safetensors --protection "secded(72,64)" --out coded-tiles
"""


@app.command(epilog=_EXAMPLE)
def export(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="A model file, of `rramsim train` or imported."),
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder to write.", rich_help_panel=options.OUTPUT),
    ],
    tile: Annotated[
        str, typer.Option(metavar="WxB", help="Word lines by bit lines of a tile.")
    ] = "128x128",
    protection: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="none, 2T2R (two cells a weight), secded(72,64) or bch(78,64,2) (with parity "
            "cells), verify(5) (changes no bit).",
        ),
    ] = "none",
    cells: Annotated[
        bool,
        typer.Option(
            "--cells/--no-cells",
            help="Write tiles.csv, with a row of about 30 bytes for each cell. The netCDF files "
            "hold the same bits in far less space.",
        ),
    ] = True,
    as_json: options.AsJson = False,
) -> None:
    """Write the bits that each tile of a chip is programmed with.

    For each layer there is a netCDF file of its tiles: 1 is HRS (+1), 0 is LRS (-1), 255 is no bit.
    tiles.csv says which weight each cell holds, thresholds.csv what each neuron compares its sum
    with, manifest.json what the numbers mean, with a checksum of each file.
    """
    import json

    from rich.console import Console

    from rramsim.report.real_chips import export_sentences, export_tables
    from rramsim.report.terminal_table import plain_text, print_table
    from rramsim.study.real_chips.export import export_tiles

    manifest = export_tiles(model, out, tile=tile, protection=protection, cells=cells)
    if as_json:
        typer.echo(json.dumps(manifest, indent=2))
        return
    console = Console()
    for table in export_tables(manifest):
        print_table(console, table)
    for sentence in export_sentences(manifest, str(out)):
        console.print(plain_text(sentence), soft_wrap=not console.is_terminal)
