"""`rramsim fit`: populations, reference, BER, energy and endurance of measured conditions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rramsim.cli.app import app
from rramsim.errors import InputError

if TYPE_CHECKING:
    from rramsim.device.characterize import Characterization
    from rramsim.device.readers.measurements import Measured

_FIGURE_SUFFIXES = (".svg", ".png", ".pdf")

_EXAMPLE = """
Example, resistances of your own with the energies you know of, and the shipped measured set:

    rramsim fit cells.csv --conditions energies.toml --plot cells.svg

    rramsim fit ni-rram-64kb-cycling
"""


@app.command(epilog=_EXAMPLE)
def fit(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Tables (CSV, TSV, Excel), testers' records, or names of shipped sets.",
        ),
    ],
    conditions: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Conditions (TOML or CSV): energies, endurance, BERs."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help='Columns of files without a header: "cell,LRS [ohm],HRS [ohm],cycle".',
        ),
    ] = None,
    read_voltage: Annotated[
        str | None,
        typer.Option(metavar="V", help='For currents and sweeps, with its unit: "0.2 V".'),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="HEADER=NAME",
            help='A header of the file = our name with its unit: "Rcell=R [kOhm]". Repeatable.',
        ),
    ] = None,
    states: Annotated[
        str | None,
        typer.Option(
            metavar="VALUES",
            help='Values of the state column, "0=HRS,31=LRS"; other rows are left out.',
        ),
    ] = None,
    file_name: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help='What the names of the files hold: "{condition}_{state}_{temperature [degC]}".',
        ),
    ] = None,
    over_range: Annotated[
        str | None,
        typer.Option(metavar="R", help='Largest resistance the meter resolves: "100 MOhm".'),
    ] = None,
    floor: Annotated[
        str | None,
        typer.Option(metavar="R", help='Smallest resistance the meter resolves: "100 Ohm".'),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the populations: .svg, .png or .pdf.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.nc", help="Write the conditions as netCDF."),
    ] = None,
) -> None:
    """Fit lognormal populations and derive BER, energy and endurance of each condition.

    A table has a row for each reading (columns condition, state, resistance, or current and read
    voltage) or for each cell (a column for LRS and one for HRS); units stand in the headers.
    """
    _check_suffix(plot, _FIGURE_SUFFIXES, option="--plot")
    _check_suffix(output, (".nc",), option="-o")
    from rramsim.device.characterize import characterize
    from rramsim.device.conditions_file import read_conditions
    from rramsim.device.readers.layout import parse_columns
    from rramsim.device.readers.measurements import read_measurements
    from rramsim.device.readers.options import parse_names, parse_states
    from rramsim.device.readers.units import read_quantity
    from rramsim.device.shipped import resolve

    def quantity(text: str | None, kind: str) -> float | None:
        return None if text is None else read_quantity(text, kind)

    measured = read_measurements(
        [_measurement_file(resolve(file)) for file in files],
        columns=None if columns is None else parse_columns(columns),
        read_voltage=quantity(read_voltage, "voltage"),
        names=parse_names(names or []),
        states=None if states is None else parse_states(states),
        file_name=file_name,
        over_range=quantity(over_range, "resistance"),
        floor=quantity(floor, "resistance"),
    )
    stated = None if conditions is None else read_conditions(resolve(conditions))
    found = characterize(measured, stated)
    if plot is not None:
        _draw(plot, found, measured)
    if output is not None:
        options = {
            **{"conditions": conditions, "columns": columns, "read_voltage": read_voltage},
            **{"map": names, "states": states, "file_name": file_name},
            **{"over_range": over_range, "floor": floor},
        }
        _write(output, found, measured, options=options)
    if as_json:
        from rramsim.report.fit_json import fit_answer

        typer.echo(json.dumps(fit_answer(found, measured), indent=2, allow_nan=False))
    else:
        from rramsim.cli.fit_table import show

        show(found, measured)


def _check_suffix(path: Path | None, accepted: tuple[str, ...], *, option: str) -> None:
    if path is not None and path.suffix.lower() not in accepted:
        raise InputError(
            f"{option} {path}: the suffix {path.suffix!r} was found; accepted are "
            f"{', '.join(accepted)}."
        )


def _measurement_file(path: Path) -> Path:
    if path.suffix.lower() == ".toml":
        raise InputError(
            f"{path.name}: this is a conditions file, not a table of resistances; give it with "
            "--conditions beside a FILE."
        )
    return path


def _draw(path: Path, found: Characterization, measured: Measured) -> None:
    from rramsim.files import write_atomically
    from rramsim.plotting.populations import populations_figure
    from rramsim.plotting.style import figure_style

    kind = path.suffix.lower().lstrip(".")
    # Without its date and maker, the same figure gives the same bytes.
    metadata = {
        "svg": {"Date": None, "Creator": None},
        "png": {"Software": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }[kind]
    with figure_style():
        figure = populations_figure(measured.readings, found.populations, found.conditions)
        write_atomically(path, lambda file: figure.savefig(file, format=kind, metadata=metadata))


def _write(
    path: Path, found: Characterization, measured: Measured, *, options: dict[str, Any]
) -> None:
    from rramsim import __version__
    from rramsim.files import write_atomically

    # netCDF attributes take texts and numbers; lists and None travel as JSON.
    conditions = found.conditions.assign_attrs(
        rramsim_version=__version__,
        origin=measured.origin,
        sources=json.dumps([list(source) for source in measured.sources]),
        options=json.dumps(options),
        notes=json.dumps([*measured.notes, *found.notes]),
    )
    write_atomically(path, lambda file: conditions.to_netcdf(file))
