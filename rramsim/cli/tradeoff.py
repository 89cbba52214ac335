"""`rramsim tradeoff`: everything, from measurements to the report."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rramsim.cli import options
from rramsim.cli.app import app
from rramsim.cli.options import Device, DeviceOption

if TYPE_CHECKING:
    from rich.table import Table

    from rramsim.montecarlo.collect import Workers
    from rramsim.report.tradeoff.findings import Findings

_WIDE = 110
_EXTRAPOLATED = "†"

_EXAMPLE = """
Example, with your own measurements and the energies you know of them:

    rramsim tradeoff --measurements cells.csv --conditions energies.toml --out results
"""


@app.command(epilog=_EXAMPLE)
def tradeoff(
    study: Annotated[
        Path | None,
        typer.Argument(metavar="STUDY.toml", help="A study file with any of the settings."),
    ] = None,
    measurements: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Measured resistances, or the name of a shipped set."),
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
    reference: options.Reference = None,
    reference_spread: options.ReferenceSpread = None,
    offset: options.Offset = None,
    lrs_share: options.LrsShare = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything drawn; 1 if unset.")] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the report and results.")
    ] = Path("rramsim-results"),
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Score chips on the Dask cluster of this scheduler, such as tcp://host:8786.",
        ),
    ] = None,
    device: DeviceOption = Device.CPU,
    as_json: Annotated[bool, typer.Option("--json", help="Print the points as JSON.")] = False,
) -> None:
    """Find which programming condition is good enough for a binarized network.

    Without any argument it uses the shipped conditions (the paper's Table I, with populations
    reconstructed from it) and the shipped handwritten digits. The folder then holds report.html,
    tradeoff.csv, tradeoff.nc and figures/. Interrupted, the same command goes on.
    """
    from rramsim.cli.progress import shown_progress
    from rramsim.study.settings import make_study

    settings = make_study(
        study,
        measurements=measurements or None,
        conditions=conditions,
        images=images,
        seed=seed,
        columns=columns,
        read_voltage=read_voltage,
        map=names or None,
        states=states,
        file_name=file_name,
        over_range=over_range,
        floor=floor,
        reference=reference,
        reference_spread=reference_spread,
        offset=offset,
        lrs_share=lrs_share,
    )
    with _workers(scheduler) as workers, shown_progress() as on_progress:
        from rramsim.study.tradeoff import run_study

        findings = run_study(settings, out, on_progress, workers, device=device.value)
    _show(findings, out, as_json=as_json)


def _workers(scheduler: str | None) -> AbstractContextManager[Workers | None]:
    if scheduler is None:
        return nullcontext()
    from rramsim.montecarlo.cluster import cluster

    return cluster(scheduler)


def _show(findings: Findings, out: Path, *, as_json: bool) -> None:
    from rramsim.report.tradeoff.exports import tradeoff_json
    from rramsim.report.tradeoff.rows import origins

    if as_json:
        typer.echo(json.dumps(tradeoff_json(findings), indent=2, allow_nan=False))
        return
    from rich.console import Console
    from rich.text import Text

    # Into a file or a pipe there is no window to fit.
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    console.print(_table(findings))
    if findings.tradeoff.ber_extrapolated.any():
        console.print(f"{_EXTRAPOLATED} extrapolated: beyond what the measured cells can show")
    console.print(Text(f"Recommended: {findings.recommendation.reason}"))
    for note in (*origins(findings), *findings.notes):
        console.print(Text(f"Note: {note}"))
    console.print(Text(f"The report is {out / 'report.html'}"))


def _table(findings: Findings) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from rramsim import formatting as numbers
    from rramsim.report.tradeoff.rows import points_of

    confidence = numbers.percent(float(findings.tradeoff.attrs["confidence"]), 0)
    table = Table(
        "condition",
        "trained at",
        "BER",
        f"accuracy ({confidence} interval)",
        "energy",
        "endurance",
        "front",
        box=SIMPLE_HEAD,
    )
    for point in points_of(findings.tradeoff):
        ber = numbers.bounded(numbers.power(point["test_ber"]), point["ber_bound"])
        table.add_row(
            Text(point["condition"]),
            numbers.power(point["training_ber"]),
            f"{ber}{_EXTRAPOLATED}" if point["ber_extrapolated"] else ber,
            numbers.accuracy(point["accuracy"], point["accuracy_low"], point["accuracy_high"]),
            numbers.quantity(point["programming_energy"], "J"),
            numbers.bounded(numbers.power(point["endurance"]), point["endurance_bound"]),
            "yes" if point["on_front"] else "",
        )
    return table
