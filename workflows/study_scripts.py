"""What the scripts of several folders share: options, mistakes, progress, tables and files."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import xarray as xr

from rramsim.errors import InputError
from rramsim.files import write_atomically, write_text
from rramsim.montecarlo.case_accuracy import as_csv


def options_of(description: str, *, chips: int) -> argparse.ArgumentParser:
    """Return the options that scripts have which score networks: --out, --images and --chips.

    Parameters
    ----------
    description : str
        Its first line is shown.
    chips : int
        Chips a point, if unset.
    """
    parser = argparse.ArgumentParser(description=description.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True, metavar="RESULTS")
    parser.add_argument("--images", metavar="NAME|DIR")
    parser.add_argument("--chips", type=int, default=chips, metavar="N", help="chips a point")
    return parser


def measured(
    description: str, run: Callable[..., xr.Dataset], *, bers: Sequence[float]
) -> xr.Dataset:
    """Return what `run` measures of the networks in a folder that the command line names."""
    parser = options_of(description, chips=10)
    parser.add_argument("networks", type=Path, metavar="NETWORKS")
    asked = parser.parse_args()
    with one_message(parser):
        return run(asked.networks, asked.out, named=asked.images, chips=asked.chips, bers=bers)


@contextmanager
def one_message(parser: argparse.ArgumentParser) -> Iterator[None]:
    """End the script with the message of an input that cannot be used, and exit code 2."""
    try:
        yield
    except InputError as error:
        parser.error(str(error))


def show_chips(known: int, most: int) -> None:
    """Show how many chips are scored, on one line."""
    print(f"\r{known} of {most} chips", end="", flush=True)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_accuracy(found: xr.Dataset, out: Path) -> None:
    """Write the product "case_accuracy" as accuracy.csv and accuracy.nc."""
    write_text(out / "accuracy.csv", as_csv(found))
    write_atomically(out / "accuracy.nc", found.to_netcdf)


def write_rows(file: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as CSV."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
