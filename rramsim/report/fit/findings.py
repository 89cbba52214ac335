"""What a fit found of each condition, in the few sentences that a reader looks for first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.report.fit import tables
from rramsim.report.text_table import ber_text
from rramsim.schema import STATES, Record, records

if TYPE_CHECKING:
    from rramsim.device.examination import Examination


@dataclass(frozen=True)
class Finding:
    """A condition, and what was found of it.

    Attributes
    ----------
    name : str
        The condition.
    sentences : tuple of str
        Its BER and where that is from; its populations; its energies and endurance.
    headline : str
        Of these, its BER, the memory window and the lognormal.
    """

    name: str
    sentences: tuple[str, ...]
    headline: str


def findings(examination: Examination) -> list[Finding]:
    """Return what was found of each condition."""
    read: dict[str, list[Record]] = {}
    for population in tables.populations_and_goodness(examination):
        read.setdefault(population["condition"], []).append(population)
    conditions = records(examination.products["conditions"], "condition")
    found = []
    for row in conditions:
        states = read.get(row["condition"], [])
        sentences = tuple(filter(None, _sentences(row, states, examination)))
        found.append(Finding(row["condition"], sentences, _headline(row, states, examination)))
    return found


def _headline(row: Record, states: Sequence[Record], examination: Examination) -> str:
    both = states if len(states) == len(STATES) else ()
    window = tables.window_text(*both) if both else ""
    least = tables.least_text(row["condition"], examination.products["counted"])
    parts = [
        _leading_rate(row, examination),
        _of_the_fit_alone(row, examination),
        f"fewest errors counted: {least}" if numbers.UNKNOWN not in least else "",
        f"memory window {window}" if window else "",
        f"lognormal: {_verdict(both)}" if both else "",
    ]
    return f"{'; '.join(filter(None, parts))}."


def _sentences(row: Record, states: Sequence[Record], examination: Examination) -> list[str]:
    cost = "; ".join((*_energies(row), *_endurance(row)))
    # A capital, and the rest as it is: Ω and SET keep their case.
    return [
        _bit_errors(row, examination),
        _populations(states) if len(states) == len(STATES) else "",
        f"{cost[:1].upper()}{cost[1:]}." if cost else "",
    ]


def _leading_rate(row: Record, examination: Examination) -> str:
    basis, ber = tables.basis_text(row), ber_text(row)
    text = f"Bit-error rate {ber}" + ("" if basis == numbers.UNKNOWN else f", {basis}")
    text += tables.cell_text(row, examination)
    if not math.isnan(row["reference_resistance"]):
        text += f", read at {numbers.quantity(row['reference_resistance'], 'Ω')}"
    return text


def _of_the_fit_alone(row: Record, examination: Examination) -> str:
    """Return the lower BER of the fit itself, where the BER allows for a chosen reference."""
    for note in examination.notes:
        if note.kind == "BER of a chosen reference" and note.condition == row["condition"]:
            alone = numbers.power(float(note.values["alone"]))
            return (
                f"the fit alone gives {alone}, too low because the reference was chosen on the "
                "same cells"
            )
    return ""


def _bit_errors(row: Record, examination: Examination) -> str:
    text = _leading_rate(row, examination)
    counted = tables.counted_text(row, examination.products["counted"])
    if counted == tables.NO_READINGS:
        return f"{text}."
    least = tables.least_text(row["condition"], examination.products["counted"])
    known = "" if least == numbers.UNKNOWN else f"; least: {least}"
    return f"{text}; errors counted: {counted}{known}."


def _populations(states: Sequence[Record]) -> str:
    """Return medians, memory window and whether the lognormal holds."""
    lrs, hrs = states
    medians = ", ".join(f"{row['state']} {tables.median_text(row)}" for row in states)
    window = tables.window_text(lrs, hrs)
    times = f", memory window {window}" if window else ""
    return f"Medians of the readings: {medians}{times}. Lognormal: {_verdict(states)}."


def _verdict(states: Sequence[Record]) -> str:
    """Return whether the lognormal holds in both states."""
    verdicts = {row["state"]: tables.verdict_text(row) for row in states}
    if len(set(verdicts.values())) == 1:
        return f"{verdicts['LRS']} in both states"
    return "; ".join(f"{state}: {text}" for state, text in verdicts.items())


def _endurance(row: Record) -> list[str]:
    cycles = row.interval("endurance")
    return (
        [f"endurance {numbers.interval(cycles)} cycles, {cycles.basis}"] if cycles.is_known else []
    )


def _energies(row: Record) -> list[str]:
    known = [
        (f"{operation.upper()} {numbers.quantity(row[f'{operation}_energy'], 'J')}", basis)
        for operation in ("set", "reset")
        for basis in [row[f"{operation}_energy_basis"]]
        if basis != "unknown"
    ]
    if len({basis for _, basis in known}) == 1:
        return [f"{' and '.join(energy for energy, _ in known)}, {known[0][1]}"]
    return [f"{energy}, {basis}" for energy, basis in known]
