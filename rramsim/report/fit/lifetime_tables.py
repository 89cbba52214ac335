"""The tables of what changes with cycles, with time and in a bake."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.interval import Interval
from rramsim.report.text_table import (
    NONE,
    CellText,
    Columns,
    Sorted,
    TextTable,
    ber_text,
    table_of,
)
from rramsim.schema import STATES, Record, records

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.device.examination import Examination

_MOST_DIGITS = 6
# What is left of a change of ln R that is none.
_ROUNDING = 1e-12


def endurance_table(examination: Examination) -> TextTable:
    """Return the endurance by the readings; None where no cell can be followed."""
    endurance = examination.products["endurance"]
    attrs = endurance.attrs
    rows = [row for row in records(endurance, "condition") if row["cells"]]
    return table_of(
        "Endurance by the readings",
        rows,
        {
            "condition": "condition",
            "cells failed": lambda row: f"{row['failed']:,} of {row['cells']:,}",
            "soft errors": "soft",
            **_counts_found(rows),
            "cycles read": _cycles_read,
            "endurance": "cycles",
            "Weibull shape": "shape",
        },
        remark=f"A failure: {attrs['failure']}. Endurance: {attrs['headline']}.",
        is_titled=False,
    )


def weibull_table(examination: Examination) -> TextTable:
    """Return the Weibull fits; a quantile that lies where nothing was read is marked."""
    endurance = examination.products["endurance"]
    rows = [row for row in records(endurance, "condition") if row.number("shape") is not None]

    def quantile(name: str) -> CellText:
        def in_words(row: Record) -> str:
            cycles = row.interval(name)
            return numbers.interval(cycles) + ("*" if cycles.extrapolated else "")

        return in_words

    return table_of(
        "Weibull life",
        rows,
        {
            "condition": "condition",
            "shape": "shape",
            **{
                words: quantile(name)
                for words, name in (("B1", "b1"), ("B10", "b10"), ("median life", "median"))
            },
        },
        remark="Cycles until 1 %, 10 % and half of the cells that worked have failed. With an "
        "asterisk: extrapolated, before the first or after the last cycle read.",
    )


def _counts_found(rows: Sequence[Record]) -> Columns:
    """Return the columns of what else became of cells, where it did of any."""
    words = {"undecided": "undecided", "break-in": "break_in", "never worked": "never_good"}
    return {word: name for word, name in words.items() if any(row[name] for row in rows)}


def _cycles_read(row: Record) -> str:
    first, last = row["first_cycle"], row["last_cycle"]
    return numbers.UNKNOWN if math.isnan(first) else f"{first:,.0f} to {last:,.0f}"


def _checkpoints(row: Record) -> list[Record]:
    return [point for point in row.by("checkpoint") if point.number("cycle") is not None]


def _at_cycles(point: Record) -> str:
    first, last = point["cycle_first"], point["cycle_last"]
    return f"{first:,.0f}" if first == last else f"{first:,.0f} to {last:,.0f}"


def checkpoint_ber(point: Record) -> str:
    """Return the BER at a checkpoint with its interval and where it is from."""
    ber = point.interval("ber")
    if not ber.is_known:
        return numbers.UNKNOWN
    return f"{numbers.bit_error_rate(ber)}, {numbers.basis(ber)}"


def cycling_table(examination: Examination) -> TextTable:
    """Return the BER at the first and the last checkpoint, and where it meets the limit."""
    cycling = examination.products["cycling"]

    def ber_at(place: int) -> CellText:
        def in_words(row: Record) -> str:
            points = _checkpoints(row)
            told = [point for point in points if point.interval("ber").is_known]
            point = (told or points)[place]
            return f"{_at_cycles(point)}: {checkpoint_ber(point)}"

        return in_words

    return table_of(
        "BER against cycles",
        [row for row in records(cycling, "condition") if _checkpoints(row)],
        {
            "condition": "condition",
            "BER at the first cycles": ber_at(0),
            "BER at the last cycles": ber_at(-1),
            **_until(cycling, "cycles", "cycles_to_limit"),
        },
        is_titled=False,
    )


def _until(dataset: xr.Dataset, unit: str, column: CellText) -> Columns:
    """Return the column of what is left until the BER limit; none without a limit."""
    limit = dataset.attrs["ber_limit"]
    return {} if math.isnan(limit) else {f"{unit} until BER {numbers.power(limit)}": column}


def checkpoints_table(examination: Examination) -> TextTable:
    """Return every checkpoint of the cycles."""
    cycling = examination.products["cycling"]
    return table_of(
        "Checkpoints",
        [point for row in records(cycling, "condition") for point in _checkpoints(row)],
        {
            "condition": "condition",
            "cycles": Sorted(_at_cycles, "cycle_first"),
            "readings": lambda point: f"{point.total('readings', 'state'):,}",
            **{f"{state} median": _median_of(state) for state in STATES},
            "BER": Sorted(checkpoint_ber, "ber"),
        },
        place="page",
    )


def _median_of(state: str) -> CellText:
    return Sorted(
        lambda point: numbers.quantity(point.at(state=state)["p50"], "Ω"),
        lambda point: float(point.at(state=state)["p50"]),
    )


def retention_table(examination: Examination) -> TextTable:
    """Return the BER at the last read-out, and when it reaches the limit."""
    retention = examination.products["retention"]

    def time_to_limit(row: Record) -> str:
        time = row.interval("time_to_limit")
        return numbers.interval(time, numbers.duration) + (
            ", extrapolated" if time.extrapolated else ""
        )

    return table_of(
        "Retention",
        records(retention, "hold"),
        {
            **_hold_columns(retention),
            "last read-out": lambda row: numbers.duration(row["last_time"]),
            "BER there, along the lines": _last_ber,
            **_until(retention, "time", time_to_limit),
        },
        remark=_arrhenius_words(examination),
        is_titled=False,
    )


def _hold_columns(retention: xr.Dataset) -> Columns:
    """Return the columns that tell holds apart; a temperature that nobody knows does not."""
    is_known = bool(retention["temperature"].notnull().any())
    return {"condition": "hold_condition"} | ({"held at": "temperature"} if is_known else {})


def stated_times_table(examination: Examination) -> TextTable:
    """Return the medians and the BER of each hold at the stated times."""
    retention = examination.products["retention"]
    return table_of(
        "At stated times, along the lines",
        records(retention, "hold", "at"),
        {
            **_hold_columns(retention),
            "time": Sorted(lambda row: numbers.duration(row["at_time"]), "at_time"),
            **{f"{state} median": _stated_median("at", state) for state in STATES},
            "BER": Sorted(lambda row: _marked(row, "at"), "at_ber"),
        },
        remark=_EXTRAPOLATED if retention["at_extrapolated"].any() else "",
    )


_EXTRAPOLATED = "With an asterisk: extrapolated, later than the last read-out."
_EXTRAPOLATED_AT_USE = (
    "With an asterisk: extrapolated, later than the last read-out or more than 50 K from the "
    "temperatures that the condition was held at."
)


def _marked(row: Record, prefix: str) -> str:
    ber = ber_text(row, f"{prefix}_ber")
    return ber + ("*" if row[f"{prefix}_extrapolated"] and ber != numbers.UNKNOWN else "")


def _stated_median(prefix: str, state: str) -> CellText:
    def in_words(row: Record) -> str:
        median = row.at(state=state).interval(f"{prefix}_median")
        return numbers.interval(median, lambda ohm: numbers.quantity(ohm, "Ω"))

    return in_words


def acceleration_table(examination: Examination) -> TextTable | None:
    """Return what a stated activation energy makes of each hold at the temperature of use."""
    retention = examination.products["retention"]
    if retention["acceleration_factor"].isnull().all():
        return None
    use = numbers.quantity(retention.attrs["use_temperature"], "K")
    energy = numbers.plain(retention.attrs["activation_energy"])
    rows = [
        row
        for row in records(retention, "hold", "at")
        if row.number("acceleration_factor") is not None
    ]
    return table_of(
        f"At {use}, by the acceleration factor",
        rows,
        {
            **_hold_columns(retention),
            "factor": lambda row: numbers.power(row["acceleration_factor"], 3),
            "last read-out is": lambda row: numbers.duration(row["equivalent_time"]),
            "time": lambda row: numbers.duration(row["at_time"]),
            **{f"{state} median": _stated_median("use", state) for state in STATES},
            "BER": lambda row: _marked(row, "use"),
        },
        remark=f"exp(Ea/k (1/T_use - 1/T_held)) with the stated Ea of {energy} eV, "
        "which nothing here checks. "
        + (_EXTRAPOLATED_AT_USE if retention["use_extrapolated"].any() else ""),
    )


def aging_table(examination: Examination) -> TextTable:
    """Return the BER after each number of cycles, at the first, a near and the last time."""
    aging = examination.products["aging"]
    times = _shown_times(aging)
    return table_of(
        "BER after cycles and time",
        [
            row
            for row in records(aging, "condition", "cycle")
            if _is_over_both(row) and not row["cycle"] > row["last_cycle"]
        ],
        {
            "condition": "condition",
            "cycles": Sorted(lambda row: numbers.power(row["cycle"]), "cycle"),
            **{numbers.duration(time): _ber_after(time) for time in times},
        },
        remark=" ".join(filter(None, (_where_time_counts(aging), _mark_of(aging)))),
        is_titled=False,
    )


def _is_over_both(row: Record) -> bool:
    """Return whether lines over cycles and a drift are known of the condition."""
    return row["first_cycle"] < row["last_cycle"] and row.number("first_time") is not None


def _shown_times(aging: xr.Dataset) -> list[float]:
    """Return the first time, the last one that no line is extrapolated to, and the last."""
    time = aging["time"].values
    factor = aging["acceleration_factor"].fillna(1.0)
    read = time[time <= float((aging["last_time"] * factor).max())]
    return sorted({float(time[0]), float(read[-1]), float(time[-1])})


def _ber_after(time: float) -> CellText:
    def place(row: Record) -> Record:
        return row.at(time=time)

    def in_words(row: Record) -> str:
        ber = ber_text(place(row))
        is_marked = place(row)["ber_extrapolated"] and ber != numbers.UNKNOWN
        return ber + ("*" if is_marked else "")

    return Sorted(in_words, lambda row: float(place(row)["ber"]))


def _where_time_counts(aging: xr.Dataset) -> str:
    """Return at which temperatures times are, said once where it is so of all conditions."""
    texts: dict[str, list[str]] = {}
    for row in records(aging, "condition"):
        text = "time as measured"
        if row.number("acceleration_factor") is not None:
            text = (
                f"time at {numbers.quantity(row['use_temperature'], 'K')}, "
                f"{numbers.power(row['acceleration_factor'], 3)} times that of the read-outs at "
                f"{numbers.quantity(row['temperature'], 'K')} ({row['activation_energy_basis']} "
                f"activation energy of {numbers.plain(row['activation_energy'])}"
                "\N{NO-BREAK SPACE}eV)"
            )
        texts.setdefault(text, []).append(row["condition"])
    if len(texts) == 1:
        (text,) = texts
        return f"{text[0].upper()}{text[1:]}."
    return " ".join(f"{', '.join(names)}: {text}." for text, names in texts.items())


def _mark_of(aging: xr.Dataset) -> str:
    if not aging["ber_extrapolated"].any():
        return ""
    return (
        "With an asterisk: extrapolated, more than a decade of time beyond the last read-out, more "
        "than 50 K from its temperature, before the first cycle read, or along lines that are "
        "moved to counted errors."
    )


def aging_lines_table(examination: Examination) -> TextTable:
    """Return how each state moves and widens with cycles and with time."""
    return table_of(
        "Change a decade of cycles and of time",
        [
            row
            for row in records(examination.products["aging"], "condition", "state")
            if _is_over_both(row)
        ],
        {
            "condition": "condition",
            "state": "state",
            "median, cycles": lambda row: signed(as_change(row.interval("mu_by_cycles")), "%"),
            "median, time": lambda row: signed(as_change(row.interval("mu_drift")), "%"),
            "sigma, cycles": lambda row: signed(row.interval("sigma_by_cycles")),
            "sigma, time": lambda row: signed(row.interval("sigma_drift")),
        },
        remark="One fit of lines over log10 of cycles and of time: the drift is taken as the same "
        "at all cycles.",
    )


def success_runs_table(examination: Examination) -> TextTable:
    """Return the tests in which no cell failed."""
    runs = examination.products["success_runs"]
    return table_of(
        "No failure seen",
        records(runs, "run"),
        {
            "condition": "run_condition",
            "test": lambda row: " ".join(filter(None, (row["test"], row["state"]))),
            "until": _until_when,
            "fails": lambda row: f"0 of {row['cells']:,}",
            "failing at most (95 %)": lambda row: numbers.percent(row["failing_high"], 1),
        },
        remark="A success run, as qualification plans count it: 0 fails of n independent cells "
        "bound the share failing in that test by 1 − 0.05^(1/n), and say nothing of later.",
        is_titled=False,
    )


def _until_when(row: Record) -> str:
    held = row.number("temperature")
    at = "" if held is None else f" at {numbers.quantity(held, 'K')}"
    if row.number("cycles") is not None:
        return f"cycle {row['cycles']:,.0f}{at}"
    return NONE if row.number("time") is None else f"{numbers.duration(row['time'])}{at}"


def _last_ber(hold: Record) -> str:
    read = [point for point in hold.by("time") if not point["ber_extrapolated"]]
    return ber_text(read[-1]) if read else numbers.UNKNOWN


def _arrhenius_words(examination: Examination) -> str:
    laws = examination.products.get("activation_energies")
    if laws is None:
        return ""
    counts = laws["temperature"].notnull().sum("place").values.tolist()
    return " ".join(
        f"{row['condition']}: activation energy "
        f"{numbers.interval(row.interval('activation_energy'), numbers.plain)}"
        f"\N{NO-BREAK SPACE}eV{_origin_of_energy(row, temperatures)}."
        for row, temperatures in zip(records(laws, "condition"), counts, strict=True)
    )


def _origin_of_energy(law: Record, temperatures: int) -> str:
    if law["activation_energy_basis"] == "given":
        return ", stated, which nothing here checks"
    return f" from {temperatures} temperature{'' if temperatures == 1 else 's'}"


def drift_table(examination: Examination) -> TextTable:
    """Return how each state drifts and widens with time."""
    retention = examination.products["retention"]
    first = numbers.duration(float(retention["first_time"].min()))
    return table_of(
        "Drift a decade of time",
        records(retention, "hold", "state"),
        {
            **_hold_columns(retention),
            "state": "state",
            "cells": "cells",
            "median": lambda row: signed(as_change(row.interval("mu_drift")), "%"),
            "sigma of ln R": lambda row: signed(row.interval("sigma_drift")),
        },
        numeric=("cells",),
        remark=f"Lines in log10(time), fitted from {first} on.",
    )


def as_change(shift: Interval) -> Interval:
    """Return a shift of ln R as a relative change of R.

    >>> round(as_change(Interval(0.0953)).estimate, 3)
    0.1
    """
    return replace(
        shift,
        estimate=math.expm1(shift.estimate),
        low=math.expm1(shift.low),
        high=math.expm1(shift.high),
    )


def signed(value: Interval, unit: str = "") -> str:
    r"""Return a change with its sign and interval, as a number or in per cent.

    What is far smaller than its own interval, or than rounding leaves of a sum, is 0.

    >>> signed(Interval(-0.11, -0.14, -0.09)), signed(Interval(0.5), "%").replace("\xa0", " ")
    ('−0.11 (−0.14 to −0.09)', '+50 %')
    >>> signed(Interval(-4.3e-17, -0.0021, 0.0019))
    '0 (−0.0021 to +0.0019)'
    """
    known = (value.estimate, value.low, value.high)
    largest = max((abs(number) for number in known if math.isfinite(number)), default=0.0)
    digits = digits_apart(known)
    scale, ending = (100, "\N{NO-BREAK SPACE}%") if unit == "%" else (1, "")

    def in_words(number: float) -> str:
        if math.isnan(number):
            return numbers.UNKNOWN
        if abs(number) < max(largest * 10.0 ** -(digits + 1), _ROUNDING):
            return f"0{ending}"
        sign = "−" if number < 0 else "+"
        return f"{sign}{numbers.plain(abs(scale * number), digits)}{ending}"

    return numbers.interval(value, in_words)


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


def bake_table(examination: Examination) -> TextTable:
    """Return what a bake did to each state."""
    dataset = examination.products["bake"]
    (bake,) = records(dataset)
    before, after = (ber_text(bake, f"ber_{when}") for when in ("before", "after"))
    reference = numbers.quantity(bake["reference_resistance"], "Ω")
    columns: Columns = {
        "state": "state",
        "cells read both times": "cells",
        "change of R": lambda row: signed(as_change(row.interval("mu_shift")), "%"),
        "sigma, after / before": "sigma_ratio",
        "correlation": lambda row: numbers.plain(row["correlation"], 2),
    }
    return table_of(
        f"Bake: from {dataset.attrs['before']} to {dataset.attrs['after']}",
        records(dataset.isel(condition=0), "state"),
        columns,
        numeric=("cells read both times",),
        remark=f"BER at the reference {reference}: {before} before, {after} after.",
        is_titled=False,
    )
