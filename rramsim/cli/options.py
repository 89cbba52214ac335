"""Options that several commands share, each defined once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rramsim.errors import InputError

INPUT = "Input"
READING = "Reading the files"
USE = "How the cells are used"
CIRCUITS = "Circuits around the cells"
QUESTIONS = "Questions"
REQUIREMENTS = "Requirements"
LIFE = "Use over the lifetime"
NETWORKS = "Networks and chips"
REAL = "One real chip"
OUTPUT = "Output"
OTHER = "Options"
PANELS = (
    *(INPUT, READING, USE, CIRCUITS, QUESTIONS, REQUIREMENTS, LIFE, NETWORKS, REAL),
    *(OUTPUT, OTHER),
)
"""Groups of options, in the order in which the help of every command shows them."""


class Device(StrEnum):
    """What chips are scored on."""

    CPU = "cpu"
    CUDA = "cuda"


DeviceOption = Annotated[
    Device,
    typer.Option(
        "--device",
        metavar="cpu|cuda",
        help="Compute on all processor cores (cpu) or on a graphics processor with torch (cuda). "
        "Accuracies of chips are the same.",
        rich_help_panel=NETWORKS,
    ),
]
Conditions = Annotated[
    str | None,
    typer.Option(
        "--conditions",
        metavar="FILE",
        help="Known values of the conditions: energies, endurance, BERs, references (TOML, CSV, or "
        "what `rramsim fit -o` writes).",
        rich_help_panel=INPUT,
    ),
]
ImagesOfModel = Annotated[
    str | None,
    typer.Option(
        "--images",
        metavar="NAME|DIR",
        help="The images that the network was trained on, needed only if their folder has moved.",
        rich_help_panel=INPUT,
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
        help='Reference of the sense amplifiers, "25 kOhm". Without it, a stated reference is '
        "used, otherwise the best one.",
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
        help="Standard deviation of the offset of the sense amplifiers, in ln R. It limits 2T2R if "
        "the states are far apart.",
        rich_help_panel=USE,
    ),
]
LrsShare = Annotated[
    float | None,
    typer.Option(
        "--lrs-share",
        metavar="W",
        show_default=False,
        help="Share of the cells in use that are in LRS; 0.5 if not given.",
        rich_help_panel=USE,
    ),
]
Protect = Annotated[
    list[str] | None,
    typer.Option(
        "--protect",
        metavar="LIST",
        help='Protections of the weights to compare, such as "none, 2T2R, secded(72,64), '
        'bch(78,64,2), verify(5, read_spread=0.1)". Repeatable.',
        rich_help_panel=USE,
    ),
]
ProtectBy = Annotated[
    str,
    typer.Option(
        "--protect",
        metavar="NAME",
        help="Protection of the weights: none, 2T2R, secded(72,64), bch(78,64,2) or verify(5).",
        rich_help_panel=USE,
    ),
]
ReadPulse = Annotated[
    str | None,
    typer.Option(
        "--read-pulse",
        metavar="V,T",
        help='Voltage and duration of a read, "0.2 V, 10 ns". It gives the energy of a read and of '
        "an inference.",
        rich_help_panel=USE,
    ),
]
Reprogrammings = Annotated[
    float | None,
    typer.Option(
        "--reprogrammings",
        metavar="N",
        help="How often the weights are programmed again; 0 if not given.",
        rich_help_panel=LIFE,
    ),
]
Inferences = Annotated[
    float | None,
    typer.Option(
        "--inferences",
        metavar="N",
        help="Number of images that are classified over the lifetime. Their energy is counted.",
        rich_help_panel=LIFE,
    ),
]
UseTemperature = Annotated[
    str | None,
    typer.Option(
        "--use-temperature",
        metavar="T",
        help='Temperature of use, "55 degC". Times measured at another temperature are converted '
        "to it by Arrhenius' law.",
        rich_help_panel=LIFE,
    ),
]
ActivationEnergy = Annotated[
    str | None,
    typer.Option(
        "--activation-energy",
        metavar="E",
        help='Activation energy for this conversion, "1.1 eV". With --use-temperature.',
        rich_help_panel=LIFE,
    ),
]
Correlated = Annotated[
    bool,
    typer.Option(
        "--correlated",
        help="Correlate the errors of cells along bit lines, word lines and dies, as in the "
        "measurements, which need the columns row and column.",
        rich_help_panel=USE,
    ),
]
CorrelatedBy = Annotated[
    list[str] | None,
    typer.Option(
        "--correlated-by",
        metavar="NAME=S",
        help="Instead of --correlated: standard deviations of ln R, sigma_column=0.1 or 0.1/0.2 "
        "for LRS and HRS, sigma_row, sigma_die, sense_offset; and correlation=0.5 between the two "
        "states of a line. Repeatable.",
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
        help="Show all notes, how intervals were computed, and progress in logs too.",
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        help="Show only the answer, or where it is: no progress, notes or hints.",
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
