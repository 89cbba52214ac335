"""`rramsim evaluate --read-back`: how accurate one real chip is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from rramsim.cli.options import check_suffix
from rramsim.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


def check(
    models: Sequence[Path],
    conditions: Sequence[str],
    is_condition: bool,
    output: Path | None,
    others: dict[str, Any],
) -> None:
    """Refuse what a read-back of one chip is not asked with.

    Parameters
    ----------
    models : sequence of Path
        One is accepted.
    conditions : sequence of str
        One at most.
    is_condition : bool
        Whether a file of conditions was given.
    output : Path, optional
        A table of wrong weights (.csv) or a dataset (.nc).
    others : dict
        What was given of options that chips are drawn with, by option.

    Raises
    ------
    InputError
    """
    if len(models) != 1:
        raise InputError(f"--read-back: is of one network, and {len(models)} models were given.")
    if len(conditions) != bool(is_condition or conditions):
        raise InputError(
            "--read-back: a chip has one condition; name it with --condition, and where it was "
            "measured or stated."
        )
    given = [option for option, value in others.items() if value]
    if given:
        raise InputError(
            f"--read-back and {given[0]} were both given: the errors of this chip were read, and "
            "none are drawn. Give one of the two."
        )
    check_suffix(output, (".csv", ".nc"), option="-o")


def refuse_without_reads(options: dict[str, Any]) -> None:
    """Refuse options of a chip that was read back where none was."""
    for option, value in options.items():
        if value:
            raise InputError(f"{option}: is for a chip that was read back, with --read-back.")


def write_report(
    chip: xr.Dataset,
    folder: Path,
    model: Path,
    options: dict[str, Any],
    sources: Sequence[tuple[str, str]],
) -> None:
    """Write the report of a chip, with the command that makes it again.

    Parameters
    ----------
    chip : xarray.Dataset
    folder : Path
    model : Path
    options : dict
        What was given, by option.
    sources : sequence of (str, str)
        See `report_chip`.
    """
    import shlex

    from rramsim.study.real_chips.chip_report import report_chip

    words = ["rramsim", "evaluate", model.name]
    for option, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                # Files by their names alone, as pages show them.
                words += [option, one.name if isinstance(one, Path) else str(one)]
    command = f"{shlex.join(words)} --report DIR"
    report_chip(chip, folder, command=command, sources=sources)


def tell(
    chip: xr.Dataset, *, output: Path | None, plot: Path | None, as_json: bool, quiet: bool
) -> None:
    """Write, draw and print what was found of a chip; `quiet` prints the answer alone."""
    from rich.console import Console

    from rramsim.files import write_dataset, write_text
    from rramsim.report.real_chips import (
        chip_answer,
        chip_sentences,
        chip_tables,
        error_map_csv,
        predicted_sentences,
    )
    from rramsim.report.terminal_table import print_sentences, print_table

    if output is not None and output.suffix.lower() == ".csv":
        write_text(output, error_map_csv(chip))
    elif output is not None:
        write_dataset(output, chip)
    if plot is not None:
        from rramsim.plotting.error_map import plot_chip
        from rramsim.plotting.style import figure_of, write_figure

        write_figure(figure_of(plot_chip, chip), plot)
    if as_json:
        typer.echo(chip_answer(chip))
        return
    console = Console()
    sentences = chip_sentences(chip)
    answer = 1 + len(predicted_sentences(chip))
    print_sentences(console, sentences[:answer])
    if quiet:
        return
    for table in chip_tables(chip):
        if table.rows:
            print_table(console, table)
    print_sentences(console, sentences[answer:])
