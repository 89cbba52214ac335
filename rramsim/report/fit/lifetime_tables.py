"""The tables of what changes with cycles, with time and in a bake."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.report.text_table import TextTable, ends, names_of
from rramsim.schema import STATES

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.examination import Examination

_MOST_DIGITS = 6


def endurance_table(examination: Examination) -> TextTable | None:
    """Return the endurance by the readings; None where no cell can be followed."""
    lasting = examination.products.get("endurance")
    if lasting is None:
        return None
    rows = []
    for name in names_of(lasting):
        row = lasting.sel(condition=name)
        if not int(row["cells"].values):
            continue
        rows.append(
            (
                name,
                f"{int(row['failed'].values):,} of {int(row['cells'].values):,}",
                f"{int(row['soft'].values):,}",
                _cycles_read(row, "first_cycle", "last_cycle"),
                numbers.bounded(_with_ends(row, "cycles"), str(row["bound"].values)),
                _with_ends(row, "shape"),
            )
        )
    if not rows:
        return None
    attrs = lasting.attrs
    return TextTable(
        title="Endurance by the readings",
        columns=(
            *("condition", "cells failed", "soft errors", "cycles read", "endurance"),
            "Weibull shape",
        ),
        rows=tuple(rows),
        remark=f"A failure: {attrs['failure']}. Endurance: {attrs['headline']}.",
    )


def _with_ends(row: xr.Dataset, name: str) -> str:
    values = [float(row[f"{name}{end}"].values) for end in ("", "_low", "_high")]
    return ends(*("∞" if math.isinf(value) else numbers.power(value) for value in values))


def _cycles_read(row: xr.Dataset, first: str, last: str) -> str:
    low, high = float(row[first].min()), float(row[last].max())
    return numbers.UNKNOWN if math.isnan(low) else f"{low:,.0f} to {high:,.0f}"


def checkpoint_ber(row: xr.Dataset) -> str:
    """Return the BER at a checkpoint with its interval and where it is from."""
    ber, low, high = (float(row[name].values) for name in ("ber", "ber_low", "ber_high"))
    if math.isnan(ber) and math.isnan(high):
        return numbers.UNKNOWN
    said = numbers.bit_error_rate(ber, low, high, bound=str(row["ber_bound"].values))
    extrapolated = ", extrapolated" if bool(row["ber_extrapolated"].values) else ""
    return f"{said}, {row['ber_basis'].values}{extrapolated}"


def _checkpoints(cycling: xr.Dataset, name: str) -> list[xr.Dataset]:
    row = cycling.sel(condition=name)
    places = range(row.sizes["checkpoint"])
    points = [row.isel(checkpoint=place) for place in places]
    return [point for point in points if not math.isnan(float(point["cycle"].values))]


def _at_cycles(point: xr.Dataset) -> str:
    first, last = (float(point[name].values) for name in ("cycle_first", "cycle_last"))
    return f"{first:,.0f}" if first == last else f"{first:,.0f} to {last:,.0f}"


def cycling_table(examination: Examination) -> TextTable | None:
    """Return the BER at the first and the last checkpoint, and where it meets the limit."""
    cycling = examination.products.get("cycling")
    if cycling is None:
        return None
    limit = float(cycling.attrs["ber_limit"])
    rows = []
    for name in names_of(cycling):
        points = _checkpoints(cycling, name)
        if not points:
            continue
        row = cycling.sel(condition=name)
        first, last = (f"{_at_cycles(at)}: {checkpoint_ber(at)}" for at in (points[0], points[-1]))
        crossing = numbers.bounded(
            _with_ends(row, "cycles_to_limit"), str(row["cycles_to_limit_bound"].values)
        )
        rows.append((name, first, last, *([] if math.isnan(limit) else [crossing])))
    columns = ("condition", "BER at the first cycles", "BER at the last cycles")
    return TextTable(
        title="BER against cycles",
        columns=columns
        if math.isnan(limit)
        else (*columns, f"cycles until BER {numbers.power(limit)}"),
        rows=tuple(rows),
    )


def checkpoints_table(examination: Examination) -> TextTable | None:
    """Return every checkpoint of the cycles; None where no cycles are known."""
    cycling = examination.products.get("cycling")
    if cycling is None:
        return None
    rows = []
    for name in names_of(cycling):
        for point in _checkpoints(cycling, name):
            states = [point.sel(state=state) for state in STATES]
            rows.append(
                (
                    *(name, _at_cycles(point), f"{int(point['readings'].sum()):,}"),
                    *(numbers.quantity(float(state["p50"].values), "Ω") for state in states),
                    checkpoint_ber(point),
                )
            )
    return TextTable(
        title="Checkpoints",
        columns=("condition", "cycles", "readings", "LRS median", "HRS median", "BER"),
        rows=tuple(rows),
    )


def drift_table(examination: Examination) -> TextTable | None:
    """Return how each state drifts and widens with time; None where no times are known."""
    retention = examination.products.get("retention")
    if retention is None:
        return None
    rows = []
    for hold, words in _holds(retention):
        for state in STATES:
            row = hold.sel(state=state)
            change = [
                math.expm1(float(row[f"mu_drift{end}"].values)) for end in ("", "_low", "_high")
            ]
            wider = [float(row[f"sigma_drift{end}"].values) for end in ("", "_low", "_high")]
            rows.append(
                (
                    *(*words, state, f"{int(row['cells'].values):,}"),
                    ends(*(_signed_percent(each, digits_apart(change)) for each in change)),
                    ends(*(_signed(each, digits_apart(wider)) for each in wider)),
                )
            )
    first = numbers.quantity(float(retention["first_time"].min()), "s")
    return TextTable(
        title="Drift a decade of time",
        columns=(
            *(*_hold_columns(retention), "state", "cells"),
            *("median", "sigma of ln R"),
        ),
        rows=tuple(rows),
        numeric=("cells",),
        remark=f"Lines in log10(time), fitted from {first} on.",
    )


def digits_apart(values: Sequence[float]) -> int:
    """Return how many digits, at least 2, show a value and the ends of its interval apart.

    >>> digits_apart([-0.11, -0.14, -0.09]), digits_apart([-0.1098, -0.1112, -0.1083])
    (2, 3)
    """
    known = {value for value in values if not math.isnan(value)}
    for digits in range(2, _MOST_DIGITS):
        if len({numbers.plain(value, digits) for value in known}) == len(known):
            return digits
    return _MOST_DIGITS


def _signed_percent(share: float, digits: int) -> str:
    if math.isnan(share):
        return numbers.UNKNOWN
    sign = "−" if share < 0 else "+"
    return f"{sign}{numbers.plain(abs(100 * share), digits)}\N{NO-BREAK SPACE}%"


def _signed(value: float, digits: int) -> str:
    if math.isnan(value):
        return numbers.UNKNOWN
    return f"{'−' if value < 0 else '+'}{numbers.plain(abs(value), digits)}"


def _hold_columns(retention: xr.Dataset) -> tuple[str, ...]:
    """Return the columns that tell holds apart; a temperature that nobody knows does not."""
    known = bool(retention["temperature"].notnull().any())
    return ("condition", "held at") if known else ("condition",)


def _holds(retention: xr.Dataset) -> list[tuple[xr.Dataset, tuple[str, ...]]]:
    count = len(_hold_columns(retention))
    holds = [retention.isel(hold=number) for number in range(retention.sizes["hold"])]
    return [
        (
            hold,
            (
                str(hold["hold_condition"].values),
                numbers.quantity(float(hold["temperature"].values), "K"),
            )[:count],
        )
        for hold in holds
    ]


def retention_table(examination: Examination) -> TextTable | None:
    """Return the BER at the last read-out, and when it reaches the limit."""
    retention = examination.products.get("retention")
    if retention is None:
        return None
    limit = float(retention.attrs["ber_limit"])
    rows = []
    for hold, words in _holds(retention):
        last = float(hold["last_time"].values)
        read = hold.sel(time=hold["time"].values[hold["ber_extrapolated"].values == 0])
        ber = numbers.UNKNOWN
        if read.sizes["time"]:
            at = read.isel(time=-1)
            ber = numbers.bit_error_rate(
                *(float(at[name].values) for name in ("ber", "ber_low", "ber_high")), bound=""
            )
        until = numbers.bounded(
            _with_ends(hold, "time_to_limit"), str(hold["time_to_limit_bound"].values)
        )
        if bool(hold["time_to_limit_extrapolated"].values):
            until += ", extrapolated"
        rows.append((*words, _seconds(last), ber, *([] if math.isnan(limit) else [until])))
    columns = (*_hold_columns(retention), "last read-out", "BER there, along the lines")
    return TextTable(
        title="Retention",
        columns=columns
        if math.isnan(limit)
        else (*columns, f"seconds until BER {numbers.power(limit)}"),
        rows=tuple(rows),
        remark=_arrhenius_words(examination),
    )


def _seconds(time: float) -> str:
    return f"{numbers.power(time)}\N{NO-BREAK SPACE}s"


def _arrhenius_words(examination: Examination) -> str:
    laws = examination.products.get("activation_energies")
    if laws is None:
        return ""
    rows = [laws.isel(condition=place) for place in range(laws.sizes["condition"])]
    return " ".join(
        f"{row['condition'].values}: activation energy "
        + ends(
            *(
                numbers.plain(float(row[f"activation_energy{end}"].values))
                for end in ("", "_low", "_high")
            )
        )
        + f"\N{NO-BREAK SPACE}eV from {int(row['temperature'].notnull().sum())} temperatures."
        for row in rows
    )


def bake_table(examination: Examination) -> TextTable | None:
    """Return what a bake did to each state; None where none was asked for."""
    bake = examination.products.get("bake")
    if bake is None:
        return None
    bake = bake.isel(condition=0)
    rows = []
    for state in STATES:
        row = bake.sel(state=state)
        moved = [math.expm1(float(row[f"mu_shift{end}"].values)) for end in ("", "_low", "_high")]
        rows.append(
            (
                *(state, f"{int(row['cells'].values):,}"),
                ends(*(_signed_percent(each, digits_apart(moved)) for each in moved)),
                _with_ends(row, "sigma_ratio"),
                numbers.plain(float(row["correlation"].values), 2),
            )
        )
    before, after = (bake_ber(bake, when) for when in ("before", "after"))
    reference = numbers.quantity(float(bake["reference_resistance"].values), "Ω")
    return TextTable(
        title=f"Bake: from {bake.attrs['before']} to {bake.attrs['after']}",
        columns=(
            "state",
            "cells read both times",
            "change of R",
            "sigma, after / before",
            "correlation",
        ),
        rows=tuple(rows),
        numeric=("cells read both times",),
        remark=f"BER at the reference {reference}: {before} before, {after} after.",
    )


def bake_ber(bake: xr.Dataset, when: str) -> str:
    """Return the BER before or after a bake; without an estimate its upper end is a bound."""
    ber, low, high = (float(bake[f"ber_{when}{end}"].values) for end in ("", "_low", "_high"))
    is_bound = math.isnan(ber) and not math.isnan(high)
    return numbers.bit_error_rate(ber, low, high, bound="upper" if is_bound else "")
