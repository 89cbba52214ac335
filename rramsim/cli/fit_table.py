"""What `rramsim fit` shows a person: two tables and the notes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rramsim import numbers
from rramsim.schema import STATES

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table

    from rramsim.device.characterize import Characterization
    from rramsim.device.readers.measurements import Measured

# Wide enough that no cell wraps where the output goes to a file or a pipe.
_WIDTH_OF_A_FILE = 160

_ORIGIN_WORDS = {
    "measured": "",
    "reconstructed": "These populations are reconstructed, not measured.",
    "synthetic": "These populations are synthetic, not measured.",
}


def show(found: Characterization, measured: Measured) -> None:
    """Print the populations, what they make of each condition, and everything to know of them."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_OF_A_FILE)
    for table in (_populations(found.populations), _conditions(found)):
        console.print(table)
    said = [_ORIGIN_WORDS[measured.origin], *measured.notes, *found.notes]
    said.append(f"Interval of the BER: {found.conditions.attrs['interval']}.")
    # As Text: names from a user's file are not to be read as markup.
    lines = Text("\n".join(f"- {sentence}" for sentence in said if sentence))
    console.print(lines, soft_wrap=not console.is_terminal)


def _populations(populations: xr.Dataset) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Populations", title_justify="left")
    table.add_column("condition")
    table.add_column("state")
    for header in ("cells", "readings", "censored", "median", "sigma of ln R"):
        table.add_column(header, justify="right")
    for name in populations["condition"].values:
        for state in STATES:
            row = populations.sel(condition=name, state=state)
            below, above = int(row["censored_below"].values), int(row["censored_above"].values)
            table.add_row(
                Text(str(name)),
                state,
                f"{int(row['cells'].values):,}",
                f"{int(row['exact'].values) + below + above:,}",
                _censored(below, above),
                numbers.quantity(math.exp(float(row["mu"].values)), "Ω"),
                numbers.plain(float(row["sigma"].values)),
            )
    return table


def _conditions(found: Characterization) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Conditions", title_justify="left")
    table.add_column("condition")
    table.add_column("reference", justify="right")
    percent = numbers.percent(float(found.conditions.attrs["confidence"]), 0)
    table.add_column(f"BER ({percent} interval)")
    for header in ("BER is", "errors counted", "SET energy", "RESET energy", "endurance"):
        table.add_column(header)
    for name in found.conditions["condition"].values:
        row = found.conditions.sel(condition=name)
        table.add_row(
            Text(str(name)),
            numbers.quantity(float(row["reference_resistance"].values), "Ω"),
            _ber(row),
            _ber_basis(row),
            _errors(str(name), found.counted),
            _energy(row, "set_energy"),
            _energy(row, "reset_energy"),
            numbers.bounded(
                numbers.power(float(row["endurance"].values)), str(row["endurance_bound"].values)
            ),
        )
    return table


def _censored(below: int, above: int) -> str:
    said = [f"{count:,} {word}" for count, word in ((below, "below"), (above, "above")) if count]
    return ", ".join(said) or "0"


def _ber(row: xr.Dataset) -> str:
    ber, low, high = (float(row[name].values) for name in ("ber", "ber_low", "ber_high"))
    return numbers.bit_error_rate(ber, low, high, bound=str(row["ber_bound"].values))


def _ber_basis(row: xr.Dataset) -> str:
    if math.isnan(float(row["ber"].values)) and math.isnan(float(row["ber_high"].values)):
        return numbers.UNKNOWN
    return str(row["ber_basis"].values) + (
        ", extrapolated" if bool(row["ber_extrapolated"].values) else ""
    )


def _errors(name: str, counted: xr.Dataset) -> str:
    if name not in counted["condition"].values:
        return "no readings"
    row = counted.sel(condition=name)
    undecided = int(row["undecided"].sum())
    said = f"{int(row['errors'].sum()):,} of {int(row['readings'].sum()):,}"
    return f"{said} ({undecided:,} undecided)" if undecided else said


def _energy(row: xr.Dataset, name: str) -> str:
    joule, basis = float(row[name].values), str(row[f"{name}_basis"].values)
    return numbers.UNKNOWN if math.isnan(joule) else f"{numbers.quantity(joule, 'J')}, {basis}"
