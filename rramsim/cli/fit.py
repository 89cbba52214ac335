"""`rramsim fit`: what measured cells say of each programming condition."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rramsim.cli.app import app
from rramsim.errors import InputError

if TYPE_CHECKING:
    from rramsim.device.examine import Question, Use
    from rramsim.measurements import Measured

_EXAMPLE = """
Example, resistances of your own with the energies you know of, and the shipped measured set:

    rramsim fit cells.csv --conditions energies.toml --report results

    rramsim fit ni-rram-64kb-cycling --target-ber 1e-3 --ber-limit 0.03
"""

_READING = "Reading the files"
_USE = "How the cells are used"
_QUESTIONS = "Questions"
_OUTPUT = "Output"


@app.command(epilog=_EXAMPLE)
def fit(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Tables (CSV, TSV, Excel), testers' records, or names of shipped sets.",
        ),
    ],
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help='Columns of files without a header: "cell,LRS [ohm],HRS [ohm],cycle".',
            rich_help_panel=_READING,
        ),
    ] = None,
    read_voltage: Annotated[
        str | None,
        typer.Option(
            metavar="V",
            help='For currents and sweeps, with its unit: "0.2 V".',
            rich_help_panel=_READING,
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="HEADER=NAME",
            help='A header of the file = our name with its unit: "Rcell=R [kOhm]". Repeatable.',
            rich_help_panel=_READING,
        ),
    ] = None,
    states: Annotated[
        str | None,
        typer.Option(
            metavar="VALUES",
            help='Values of the state column, "0=HRS,31=LRS"; other rows are left out.',
            rich_help_panel=_READING,
        ),
    ] = None,
    file_name: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="What the names of the files hold: `{condition}_{state}_{temperature [degC]}`.",
            rich_help_panel=_READING,
        ),
    ] = None,
    over_range: Annotated[
        str | None,
        typer.Option(
            metavar="R",
            help='Largest resistance the meter resolves: "100 MOhm".',
            rich_help_panel=_READING,
        ),
    ] = None,
    floor: Annotated[
        str | None,
        typer.Option(
            metavar="R",
            help='Smallest resistance the meter resolves: "100 Ohm".',
            rich_help_panel=_READING,
        ),
    ] = None,
    conditions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What you know beside the readings (TOML or CSV): energies, endurance, BERs, "
            "references.",
            rich_help_panel=_USE,
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="R",
            help='Reference of your sense amplifiers, "25 kOhm": the best one is not yours to '
            "choose once a chip is made.",
            rich_help_panel=_USE,
        ),
    ] = None,
    reference_spread: Annotated[
        float,
        typer.Option(
            metavar="S",
            show_default=False,
            help="Standard deviation of ln(reference), 0.05 for about 5 %: references of real "
            "arrays differ.",
            rich_help_panel=_USE,
        ),
    ] = 0.0,
    offset: Annotated[
        float,
        typer.Option(
            metavar="S",
            show_default=False,
            help="Standard deviation of a sense amplifier's offset in ln R: it alone limits 2T2R "
            "where the states are far apart.",
            rich_help_panel=_USE,
        ),
    ] = 0.0,
    lrs_share: Annotated[
        float,
        typer.Option(
            metavar="W",
            help="Share of the cells in use that are in LRS: weights need not be half and half.",
            rich_help_panel=_USE,
        ),
    ] = 0.5,
    read_pulse: Annotated[
        str | None,
        typer.Option(
            metavar="V,T",
            help='Pulse that reads a cell in use, "0.2 V, 10 ns": gives the energy of a read.',
            rich_help_panel=_USE,
        ),
    ] = None,
    target_ber: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Do these cells show a BER below P, and how many would? Tells how many to "
            "measure.",
            rich_help_panel=_QUESTIONS,
        ),
    ] = None,
    ber_limit: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="After how many cycles, and after what time, is the BER P? The BER your network "
            "still tolerates.",
            rich_help_panel=_QUESTIONS,
        ),
    ] = None,
    use_temperature: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help='After what time is the BER limit reached at T, "85 degC", by Arrhenius\' law? '
            "With --ber-limit.",
            rich_help_panel=_QUESTIONS,
        ),
    ] = None,
    bake: Annotated[
        str | None,
        typer.Option(
            metavar="BEFORE,AFTER",
            help="Two conditions that are the same cells before and after a bake: how did they "
            "move?",
            rich_help_panel=_QUESTIONS,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the answer as JSON.", rich_help_panel=_OUTPUT),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write report.html, figures (SVG, PNG) and tables (CSV, netCDF) into DIR.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the populations alone: .svg, .png or .pdf.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.nc",
            help="Write the conditions as netCDF.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
) -> None:
    """Fit lognormal populations and derive BER, energy and endurance of each condition.

    A table has a row for each reading (columns condition, state, resistance, or current and read
    voltage) or for each cell (a column for LRS and one for HRS); units stand in the headers.
    Columns cell, cycle, time, row and column tell of endurance, retention and variability.
    """
    from rramsim.cli import fit_output

    fit_output.check_suffix(plot, fit_output.FIGURE_SUFFIXES, option="--plot")
    fit_output.check_suffix(output, (".nc",), option="-o")
    from rramsim.device.examine import examine
    from rramsim.device.populations.fit import leave_out_incomplete
    from rramsim.files import sha256_of_file
    from rramsim.readers.conditions import read_conditions
    from rramsim.readers.shipped import resolve

    use = _use(
        reference=reference,
        reference_spread=reference_spread,
        offset=offset,
        lrs_share=lrs_share,
        read_pulse=read_pulse,
    )
    measured = leave_out_incomplete(
        _measured(
            files,
            columns=columns,
            read_voltage=read_voltage,
            names=names,
            states=states,
            file_name=file_name,
            over_range=over_range,
            floor=floor,
        )
    )
    stated_file = None if conditions is None else resolve(conditions)
    examination = examine(
        measured,
        None if stated_file is None else read_conditions(stated_file),
        use=use,
        question=_question(
            measured,
            target_ber=target_ber,
            ber_limit=ber_limit,
            use_temperature=use_temperature,
            bake=bake,
        ),
    )
    options: dict[str, Any] = {
        **{"columns": columns, "read_voltage": read_voltage, "map": names, "states": states},
        **{"file_name": file_name, "over_range": over_range, "floor": floor},
        **{"conditions": conditions, "reference": reference},
        **{"reference_spread": reference_spread or None, "offset": offset or None},
        **{"lrs_share": None if lrs_share == 0.5 else lrs_share, "read_pulse": read_pulse},
        **{"target_ber": target_ber, "ber_limit": ber_limit, "bake": bake},
        "use_temperature": use_temperature,
    }
    if plot is not None:
        fit_output.draw_populations(plot, examination, measured)
    if output is not None:
        fit_output.write_conditions(output, examination, measured, options=options)
    if report is not None:
        sources = measured.sources
        if stated_file is not None:
            sources = (*sources, (stated_file.name, sha256_of_file(stated_file)))
        fit_output.write_report(
            report, examination, measured, files=files, options=options, sources=sources
        )
    if as_json:
        from rramsim.report.fit.answer import fit_answer

        typer.echo(json.dumps(fit_answer(examination, measured), indent=2, allow_nan=False))
    else:
        from rramsim.report.fit.terminal import show

        show(examination, measured)
        if report is not None:
            typer.echo(f"Report: {report / 'report.html'}")


def _measured(
    files: list[str],
    *,
    columns: str | None,
    read_voltage: str | None,
    names: list[str] | None,
    states: str | None,
    file_name: str | None,
    over_range: str | None,
    floor: str | None,
) -> Measured:
    from rramsim.readers.columns.layout import parse_columns
    from rramsim.readers.measurements import read_measurements
    from rramsim.readers.options import parse_names, parse_states
    from rramsim.readers.shipped import resolve

    return read_measurements(
        [_measurement_file(resolve(file)) for file in files],
        columns=None if columns is None else parse_columns(columns),
        read_voltage=_quantity(read_voltage, "voltage"),
        names=parse_names(names or []),
        states=None if states is None else parse_states(states),
        file_name=file_name,
        over_range=_quantity(over_range, "resistance"),
        floor=_quantity(floor, "resistance"),
    )


def _quantity(text: str | None, kind: str) -> float | None:
    from rramsim.units import read_quantity

    return None if text is None else read_quantity(text, kind)


def _measurement_file(path: Path) -> Path:
    if path.suffix.lower() == ".toml":
        raise InputError(
            f"{path.name}: this is a conditions file, not a table of resistances; give it with "
            "--conditions beside a FILE."
        )
    return path


def _use(
    *,
    reference: str | None,
    reference_spread: float,
    offset: float,
    lrs_share: float,
    read_pulse: str | None,
) -> Use:
    from rramsim.device.examine import Use

    volt = second = None
    if read_pulse is not None:
        parts = re.split(r"[,;]", read_pulse)
        if len(parts) != 2:
            raise InputError(
                f"--read-pulse {read_pulse!r}: accepted is a voltage and a time with their units, "
                'such as "0.2 V, 10 ns".'
            )
        volt, second = _quantity(parts[0], "voltage"), _quantity(parts[1], "time")
    return Use(
        lrs_share=lrs_share,
        reference_resistance=_quantity(reference, "resistance"),
        reference_spread=reference_spread,
        offset_spread=offset,
        read_voltage=volt,
        read_time=second,
    )


def _question(
    measured: Measured,
    *,
    target_ber: float | None,
    ber_limit: float | None,
    use_temperature: str | None,
    bake: str | None,
) -> Question:
    from rramsim.device.examine import Question

    names = [str(name) for name in measured.readings["condition"].values]
    return Question(
        target_ber=target_ber,
        ber_limit=ber_limit,
        use_temperature=_quantity(use_temperature, "temperature"),
        bake=None if bake is None else _two_conditions(bake, names),
    )


def _two_conditions(text: str, names: list[str]) -> tuple[str, str]:
    """Return the two conditions; a name may hold a comma itself."""
    for comma in re.finditer(",", text):
        before, after = text[: comma.start()].strip(), text[comma.end() :].strip()
        if before in names and after in names and before != after:
            return before, after
    raise InputError(
        f"--bake {text!r}: accepted are two conditions with a comma between them; there are "
        f"{', '.join(names)}."
    )
