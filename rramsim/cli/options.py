"""Options that several commands share, each defined once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rramsim.errors import InputError

READING = "Reading the files"
USE = "How the cells are used"
OUTPUT = "Output"


class Device(StrEnum):
    """What chips are scored on."""

    CPU = "cpu"
    CUDA = "cuda"


DeviceOption = Annotated[
    Device,
    typer.Option(
        help="What scores chips: all cores with packed bits (cpu), or a graphics processor with "
        "torch (cuda). The results are the same."
    ),
]

Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="NAMES",
        help='Columns of files without a header: "cell,LRS [ohm],HRS [ohm],cycle".',
        rich_help_panel=READING,
    ),
]
ReadVoltage = Annotated[
    str | None,
    typer.Option(
        "--read-voltage",
        metavar="V",
        help='For currents and sweeps, with its unit: "0.2 V".',
        rich_help_panel=READING,
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="HEADER=NAME",
        help='Rename a header, with its unit: "Rcell=R [kOhm]". Repeatable.',
        rich_help_panel=READING,
    ),
]
States = Annotated[
    str | None,
    typer.Option(
        "--states",
        metavar="VALUES",
        help='Values of the state column, "0=HRS,31=LRS"; other rows are left out.',
        rich_help_panel=READING,
    ),
]
FileName = Annotated[
    str | None,
    typer.Option(
        "--file-name",
        metavar="PATTERN",
        help="What the file names contain: `{condition}_{state}_{temperature [degC]}`.",
        rich_help_panel=READING,
    ),
]
OverRange = Annotated[
    str | None,
    typer.Option(
        "--over-range",
        metavar="R",
        help='Largest resistance the meter resolves: "100 MOhm".',
        rich_help_panel=READING,
    ),
]
Floor = Annotated[
    str | None,
    typer.Option(
        "--floor",
        metavar="R",
        help='Smallest resistance the meter resolves: "100 Ohm".',
        rich_help_panel=READING,
    ),
]
ConditionFrom = Annotated[
    str | None,
    typer.Option(
        "--condition-from",
        metavar="NAMES",
        help='Columns whose values together name a condition: "Icc,Vreset".',
        rich_help_panel=READING,
    ),
]
Repeats = Annotated[
    str | None,
    typer.Option(
        "--repeats",
        metavar="cycle",
        help="Count repeated readings of a cell as its cycles, in the order of the file.",
        rich_help_panel=READING,
    ),
]
Cycles = Annotated[
    str | None,
    typer.Option(
        "--cycles",
        metavar="RANGE",
        help='Cycles to read, "2-" or "10-1000"; the others are left out.',
        rich_help_panel=READING,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help='Encoding of text files: "gbk".',
        rich_help_panel=READING,
    ),
]
Sheets = Annotated[
    list[str] | None,
    typer.Option(
        "--sheet",
        "--sheets",
        metavar="NAME",
        help="A sheet of workbooks to read. Repeatable.",
        rich_help_panel=READING,
    ),
]
Reference = Annotated[
    str | None,
    typer.Option(
        "--reference",
        metavar="R",
        help='Reference of your sense amplifiers, "25 kOhm". Without it, a stated reference is '
        "used, else the best one.",
        rich_help_panel=USE,
    ),
]
ReferenceSpread = Annotated[
    float | None,
    typer.Option(
        "--reference-spread",
        metavar="S",
        show_default=False,
        help="Standard deviation of ln(reference) over the amplifiers: 0.05 for about 5 %.",
        rich_help_panel=USE,
    ),
]
Offset = Annotated[
    float | None,
    typer.Option(
        "--offset",
        metavar="S",
        show_default=False,
        help="Standard deviation of the offset of sense amplifiers, in ln R. It limits 2T2R where "
        "the states are far apart.",
        rich_help_panel=USE,
    ),
]
LrsShare = Annotated[
    float | None,
    typer.Option(
        "--lrs-share",
        metavar="W",
        help="Share of the cells in use that are in LRS; 0.5 if unset.",
        rich_help_panel=USE,
    ),
]
ReadPulse = Annotated[
    str | None,
    typer.Option(
        "--read-pulse",
        metavar="V,T",
        help='Pulse that reads a cell in use, "0.2 V, 10 ns". It gives the energy of a read.',
        rich_help_panel=USE,
    ),
]
Correlated = Annotated[
    bool,
    typer.Option(
        "--correlated",
        help="Errors of cells are correlated along bit lines, word lines and dies, as in the "
        "measurements, which need the columns row and column.",
        rich_help_panel=USE,
    ),
]
CorrelatedBy = Annotated[
    list[str] | None,
    typer.Option(
        "--correlated-by",
        metavar="NAME=S",
        help="Instead, by given standard deviations of ln R: sigma_column=0.1, or 0.1/0.2 of LRS "
        "and HRS, sigma_row, sigma_die, sense_offset, and correlation=0.5 of what lines do to both "
        "states. Repeatable.",
        rich_help_panel=USE,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the answer as JSON.", rich_help_panel=OUTPUT)
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        help="Show all notes, and how intervals were computed.",
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        help="Show no progress, only the result.",
        rich_help_panel=OUTPUT,
    ),
]


def correlated(measured: bool, given: list[str] | None) -> bool | dict[str, object] | None:
    """Return the setting that `Correlated` and `CorrelatedBy` together are, None for neither."""
    if not given:
        return measured or None
    if measured:
        raise InputError(
            "--correlated and --correlated-by were both given; give one of the two: what the "
            "measurements tell, or numbers."
        )
    parts: dict[str, object] = {}
    for text in (piece.strip() for one in given for piece in one.split(",")):
        name, _, value = text.partition("=")
        try:
            numbers = [float(number) for number in value.split("/")]
        except ValueError:
            numbers = []
        if not name.strip() or len(numbers) not in (1, 2) or name.strip() in parts:
            raise InputError(
                f"--correlated-by {text!r}: accepted is a name with its number, once each, such as "
                "sigma_column=0.1 or sigma_column=0.1/0.2 (LRS and HRS)."
            )
        parts[name.strip()] = numbers[0] if len(numbers) == 1 else numbers
    return parts


def check_suffix(path: Path | None, accepted: tuple[str, ...], *, option: str) -> None:
    """Refuse a file whose suffix names a format that is not written."""
    if path is not None and path.suffix.lower() not in accepted:
        raise InputError(
            f"{option} {path}: the suffix {path.suffix!r} was found; accepted are "
            f"{', '.join(accepted)}."
        )
