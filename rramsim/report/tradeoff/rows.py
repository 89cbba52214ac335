"""The tables of the report as text, ready to be laid out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.recommend import SAME_ENERGY, energy_basis
from rramsim.schema import Record, records, settings

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.report.tradeoff.findings import Findings

NONE = "–"
ALIKE = "all chips alike"
"""Stands for an interval without width: no difference between chips was seen."""

_METHODS = {
    "fitted": "fitted lognormal populations",
    "counted": "counted errors",
    "stated": "stated, not derived from cells",
}


@dataclass(frozen=True)
class Met:
    """One network on one condition, as the key figures show it."""

    accuracy: str
    interval: str
    poor_chip: str
    chips: int
    energy: str
    verdict: str
    is_enough: bool
    is_recommended: bool
    is_on_front: bool


@dataclass(frozen=True)
class KeyRow:
    """A condition with the figures that decide, and what each network reaches on it."""

    condition: str
    bit_error_rate: str
    energy_per_cell: str
    endurance: str
    met: tuple[Met, ...]


@dataclass(frozen=True)
class Property:
    """One line of the table of conditions: a value for each condition, and a remark under it.

    A remark that holds for all conditions stands once, in `common`.
    """

    name: str
    common: str
    values: tuple[str, ...]
    remarks: tuple[str, ...]


def points_of(tradeoff: xr.Dataset) -> list[Record]:
    """Return the points of the product "tradeoff", by condition, then by training BER."""
    return records(tradeoff, "condition", "training_ber")


def key_rows(findings: Findings) -> list[KeyRow]:
    """Return the conditions by networks, in the order of the dataset."""
    rows = records(findings.tradeoff, "condition")
    return [_key_row(findings, list(row.by("training_ber"))) for row in rows]


def _key_row(findings: Findings, points: list[Record]) -> KeyRow:
    first = points[0]
    rate = numbers.bounded(numbers.power(first["test_ber"]), first["ber_bound"])
    return KeyRow(
        condition=first["condition"],
        bit_error_rate=rate + (" (extrapolated)" if first["ber_extrapolated"] else ""),
        energy_per_cell=_span([point["energy_per_cell"] for point in points]),
        endurance=_endurance(first["endurance"], first["endurance_bound"]),
        met=tuple(_met(findings, point) for point in points),
    )


def _met(findings: Findings, point: Record) -> Met:
    chosen = findings.recommendation
    return Met(
        accuracy=numbers.percent(point["accuracy"]),
        interval=_interval(point),
        poor_chip=numbers.percent(point["accuracy_p05"]),
        chips=point["maps"],
        energy=numbers.quantity(point["programming_energy"], "J"),
        verdict="enough" if point["meets_tolerance"] else "not shown to be enough",
        is_enough=bool(point["meets_tolerance"]),
        is_recommended=(point["condition"], point["training_ber"])
        == (chosen.condition, chosen.training_ber),
        is_on_front=bool(point["on_front"]),
    )


def _interval(point: Record) -> str:
    accuracy = point.interval("accuracy")
    if not accuracy.has_ends:
        return NONE
    if accuracy.low == accuracy.high:
        return ALIKE
    return f"{100 * accuracy.low:.2f} to {100 * accuracy.high:.2f}"


def _span(energies: Sequence[float]) -> str:
    """Return one energy, or the two ends where networks differ by more than counts as equal."""
    low, high = min(energies), max(energies)
    if not high > (1 + SAME_ENERGY) * low:
        return numbers.quantity(low, "J")
    return f"{numbers.quantity(low, 'J')} to {numbers.quantity(high, 'J')}"


def _endurance(cycles: float, bound: str) -> str:
    text = numbers.bounded(numbers.power(cycles), bound)
    return text if text == numbers.UNKNOWN else f"{text} cycles"


def properties(findings: Findings) -> list[Property]:
    """Return the table of conditions: a line for each property, derived before stated."""
    derived = [_of(findings.conditions, name) for name in _names(findings)]
    lines = [_line("Bit-error rate", derived, _rate, _method)]
    met = [_of(findings.tradeoff, name) for name in _names(findings)]
    if findings.counted is not None:
        counted = [_of(findings.counted, name) for name in _names(findings)]
        lines.append(_line("Errors counted", counted, _errors, _counted_rate))
    lines += [
        _line("SET energy", derived, _in_unit("set_energy", "J"), _basis("set_energy")),
        _line("RESET energy", derived, _in_unit("reset_energy", "J"), _basis("reset_energy")),
        _line("Endurance", derived, _cycles, _basis("endurance")),
        _line("Read reference", derived, _in_unit("reference_resistance", "Ω")),
        *(
            _line(
                setting.label[:1].upper() + setting.label[1:],
                derived,
                _in_unit(setting.name, setting.unit),
            )
            for setting in settings()
        ),
        _line("Simulated chips", met, lambda condition: str(condition.faults.item())),
    ]
    return [line for line in lines if set(line.values) - {NONE, numbers.UNKNOWN}]


def stated_properties(findings: Findings) -> list[Property]:
    """Return the same table as the conditions file states it; empty where it states nothing.

    It is empty too where no condition was derived from cells, since it would only repeat.
    """
    if findings.stated is None or (findings.conditions.ber_basis == "stated").all():
        return []
    stated = [_of(findings.stated, name) for name in _names(findings)]
    lines = [
        _line("Bit-error rate", stated, _rate),
        _line("SET energy", stated, _in_unit("set_energy", "J")),
        _line("RESET energy", stated, _in_unit("reset_energy", "J")),
        _line("Endurance", stated, _cycles),
    ]
    return [line for line in lines if set(line.values) - {NONE, numbers.UNKNOWN}]


def tile_rows(findings: Findings) -> list[tuple[str, ...]]:
    """Return a row for each layer, and one for the network: weights, tiles, share used."""
    placements = findings.placements
    rows = [
        (
            f"{index}",
            f"{placement.weights_shape[1]} × {placement.weights_shape[0]}",
            f"{math.prod(placement.weights_shape)}",
            f"{placement.grid[0]} × {placement.grid[1]} = {placement.tile_count}",
            numbers.percent(placement.utilisation, 1),
        )
        for index, placement in enumerate(placements, start=1)
    ]
    weights = sum(math.prod(placement.weights_shape) for placement in placements)
    cells = sum(placement.tile_count * placement.tile.cells for placement in placements)
    tiles = sum(placement.tile_count for placement in placements)
    used = numbers.percent(weights / cells, 1) if cells else NONE
    return [*rows, ("all", "", f"{weights}", f"{tiles}", used)]


def origins(findings: Findings) -> list[str]:
    """Return a sentence for each origin of the cells that is not a measurement."""
    conditions = findings.conditions
    return [
        f"The cells behind {_listed(conditions.condition.values[conditions.origin == origin])} "
        f"are {origin}, not measured."
        for origin in sorted(set(conditions.origin.values.astype(str)) - {"measured", "none"})
    ]


def _listed(names: Iterable[object]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def doubts(findings: Findings) -> list[str]:
    """Return a sentence for each BER that is extrapolated, or known only as a bound."""
    sentences = []
    met = findings.tradeoff
    for index, name in enumerate(met.condition.values.astype(str)):
        rate = numbers.power(float(met.test_ber[index]))
        if met.ber_extrapolated[index]:
            sentences.append(
                f"“{name}”: the bit-error rate of {rate} is extrapolated from the fitted "
                "populations: counting the errors of so few cells could not show a rate that low."
            )
        if met.ber_bound[index] == "upper":
            sentences.append(
                f"“{name}”: the bit-error rate is known only to be below {rate}; its accuracy is "
                "that at this bound."
            )
    return sentences


def _names(findings: Findings) -> list[str]:
    return [str(name) for name in findings.conditions.condition.values]


def _of(conditions: xr.Dataset, name: str) -> xr.Dataset | None:
    there = conditions.condition.values.astype(str) == name
    return conditions.isel(condition=int(there.argmax())) if there.any() else None


def _line(
    name: str,
    conditions: Sequence[xr.Dataset | None],
    value: Callable[[xr.Dataset], str],
    remark: Callable[[xr.Dataset], str] = lambda _: "",
) -> Property:
    remarks = ["" if each is None else remark(each) for each in conditions]
    is_common = len(set(remarks)) == 1
    return Property(
        name=name,
        common=remarks[0] if is_common else "",
        values=tuple(NONE if each is None else value(each) for each in conditions),
        remarks=tuple("" if is_common else each for each in remarks),
    )


def _rate(condition: xr.Dataset) -> str:
    return numbers.bit_error_rate(
        float(condition.ber),
        float(condition.ber_low),
        float(condition.ber_high),
        bound=str(condition.ber_bound.item()),
    )


def _method(condition: xr.Dataset) -> str:
    method = _METHODS[str(condition.ber_basis.item())]
    if condition.ber_extrapolated.item():
        return f"{method}, extrapolated beyond what the cells can show"
    return method


def _errors(counted: xr.Dataset) -> str:
    return f"{int(counted.errors.sum())} of {int(counted.readings.sum())} readings"


def _counted_rate(counted: xr.Dataset) -> str:
    ends = float(counted.ber), float(counted.ber_low), float(counted.ber_high)
    # No error seen is a bound on the rate, not a rate of 0.
    bound = "upper" if ends[0] == 0 else ""
    return f"a bit-error rate of {numbers.bit_error_rate(*ends, bound=bound)}"


def _basis(key: str) -> Callable[[xr.Dataset], str]:
    def words(condition: xr.Dataset) -> str:
        basis = str(condition[f"{key}_basis"].item())
        if basis == "unknown":
            return ""
        return energy_basis(basis, basis) if key.endswith("energy") else basis

    return words


def _in_unit(key: str, unit: str) -> Callable[[xr.Dataset], str]:
    return lambda condition: numbers.quantity(float(condition[key]), unit)


def _cycles(condition: xr.Dataset) -> str:
    return _endurance(float(condition.endurance), str(condition.endurance_bound.item()))
