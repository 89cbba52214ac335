"""The tables of the report as text, ready to be laid out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from rramsim import formatting as numbers
from rramsim.decision.reasons import energy_basis
from rramsim.interval import Interval
from rramsim.report.text_table import NONE, CellText, TextTable, ber_text, in_words
from rramsim.schema import Record, records, settings

if TYPE_CHECKING:
    import xarray as xr

    from rramsim.report.tradeoff.findings import Findings

_REESTIMATED = "‡"
REESTIMATED_WORDS = f"{_REESTIMATED} thresholds re-estimated for these chips."
"""What the mark of `short_network` means."""

ALIKE = "all chips alike"
"""Stands for an interval without width: no difference between chips was seen."""

_METHODS = {
    "fitted": "fitted lognormal populations",
    "counted": "counted errors",
    "stated": "stated, not derived from cells",
}


def points_of(tradeoff: xr.Dataset) -> list[Record]:
    """Return the points of a trade-off that was judged, by condition, then by protection."""
    points = records(tradeoff, "condition", "protection", "training_ber", "thresholds")
    return [point for point in points if point["verdict"]]


def chosen_point(findings: Findings) -> Record:
    """Return the point that is recommended."""
    points = points_of(findings.tradeoff)
    return next(point for point in points if findings.recommendation.names(point))


def network_words(training_ber: float, thresholds: str = "as trained") -> str:
    """Return the name of a network where there is little room."""
    name = "plain" if training_ber == 0 else f"trained at {numbers.power(training_ber)}"
    return name if thresholds == "as trained" else f"{name}, thresholds re-estimated"


def short_network(point: Record) -> str:
    """Return the name of a network in a word or two, marked where its thresholds are anew."""
    ber, mark = point["training_ber"], "" if point["thresholds"] == "as trained" else _REESTIMATED
    return f"plain{mark}" if ber == 0 else f"at\N{NO-BREAK SPACE}{numbers.power(ber)}{mark}"


def place_words(point: Record) -> str:
    """Return the name of a condition, with the protection where there is one."""
    kept = "" if point["protection"] == "none" else f" and {point['protection']}"
    return f"“{point['condition']}”{kept}"


def rate(point: Record) -> str:
    """Return the BER that chips were drawn at, or the bound that it is."""
    return numbers.bounded(numbers.power(point["test_ber"]), point["ber_bound"])


def accuracy_interval(point: Record) -> str:
    """Return the interval of an accuracy in per cent, or that chips do not differ."""
    accuracy = point.interval("accuracy")
    if not accuracy.has_ends:
        return NONE
    if accuracy.low == accuracy.high:
        return ALIKE
    return f"{100 * accuracy.low:.2f} to {100 * accuracy.high:.2f}"


def endurance(row: Record) -> str:
    """Return the endurance of a condition."""
    cycles = row.interval("endurance")
    known = numbers.interval(cycles)
    return f"{known} cycles" if cycles.is_known else known


def properties(findings: Findings) -> list[tuple[str, ...]]:
    """Return a line for each property of the conditions: its name, then a value for each.

    A remark stands below what it is on: below the name where it holds for all conditions.
    """
    derived = _conditions(findings.conditions, findings)
    counted = _conditions(findings.counted, findings)
    return _known_lines(
        [
            _line("Bit-error rate", derived, ber_text, _method),
            _line("Errors counted", counted, _errors, _counted_rate),
            _line("SET energy", derived, "set_energy", _energy("set")),
            _line("RESET energy", derived, "reset_energy", _energy("reset")),
            _line("Endurance", derived, endurance, _endurance_basis),
            _line("Read reference", derived, "reference_resistance"),
            *(
                _line(
                    setting.label[:1].upper() + setting.label[1:],
                    derived,
                    setting.name,
                )
                for setting in settings()
            ),
            _line(
                "Simulated chips",
                _conditions(findings.tradeoff.isel(protection=0), findings),
                "faults",
            ),
        ]
    )


def stated_properties(findings: Findings) -> list[tuple[str, ...]]:
    """Return the same lines as the conditions file states them; none where it states nothing.

    There is none either where no condition was derived from cells: it would only repeat.
    """
    if findings.stated is None or (findings.conditions.ber_basis == "stated").all():
        return []
    stated = _conditions(findings.stated, findings)
    return _known_lines(
        [
            _line("Bit-error rate", stated, ber_text),
            _line("SET energy", stated, "set_energy"),
            _line("RESET energy", stated, "reset_energy"),
            _line("Endurance", stated, endurance),
        ]
    )


_MOST_COLUMNS = 8


def conditions_tables(findings: Findings) -> list[TextTable]:
    """Return the same with a row for each condition, where they are too many for a column each."""
    names = findings.conditions.condition.values.tolist()
    if len(names) <= _MOST_COLUMNS:
        return []
    stated = "As the conditions file states them, for comparison"
    known = {"": properties(findings), stated: stated_properties(findings)}
    return [_by_condition(title, names, lines) for title, lines in known.items() if lines]


def _by_condition(title: str, names: Sequence[str], lines: Sequence[tuple[str, ...]]) -> TextTable:
    # What holds for all conditions is in brackets behind the name of the property.
    heads = [f"{name} ({remark})" if remark else name for name, _, remark in _heads(lines)]
    values = zip(*(line[1:] for line in lines), strict=True)
    texts = tuple((name, *row) for name, row in zip(names, values, strict=True))
    return TextTable(title, ("Condition", *heads), texts)


def _heads(lines: Sequence[tuple[str, ...]]) -> list[tuple[str, str, str]]:
    return [line[0].partition("\n") for line in lines]


def _conditions(dataset: xr.Dataset | None, findings: Findings) -> list[Record | None]:
    """Return the conditions of the study in a dataset, None for those that it lacks."""
    names = findings.conditions.condition.values.tolist()
    if dataset is None:
        return [None] * len(names)
    (whole,) = records(dataset)
    return [whole.at(condition=name) if whole.has(condition=name) else None for name in names]


def _known_lines(lines: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [line for line in lines if set(line[1:]) - {NONE, numbers.UNKNOWN}]


def _line(
    name: str,
    conditions: Sequence[Record | None],
    value: CellText,
    remark: Callable[[Record], str] = lambda _: "",
) -> tuple[str, ...]:
    remarks = ["" if row is None else remark(row) for row in conditions]
    values = [NONE if row is None else in_words(row, value) for row in conditions]
    if len(set(remarks)) == 1:
        return (_with_remark(name, remarks[0]), *values)
    return (name, *map(_with_remark, values, remarks))


def _with_remark(words: str, remark: str) -> str:
    return f"{words}\n{remark}" if remark else words


def _method(row: Record) -> str:
    method = _METHODS[row["ber_basis"]]
    if row["ber_extrapolated"]:
        return f"{method}, extrapolated beyond what the cells can show"
    return method


def _errors(row: Record) -> str:
    return f"{row.total('errors', 'state')} of {row.total('readings', 'state')} readings"


def _counted_rate(row: Record) -> str:
    # No error seen is a bound on the rate, not a rate of 0.
    bound = row.number("ber_less_than")
    seen = row.interval("ber") if bound is None else Interval(high=bound, bound="upper")
    return f"a bit-error rate of {numbers.bit_error_rate(seen)}"


def _energy(operation: str) -> Callable[[Record], str]:
    def words(row: Record) -> str:
        basis = row[f"{operation}_energy_basis"]
        return "" if basis == "unknown" else energy_basis(basis, basis)

    return words


def _endurance_basis(row: Record) -> str:
    basis = row.text("endurance_basis")
    return "" if basis == "unknown" else basis


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


def assumptions(findings: Findings) -> list[str]:
    """Return what the accuracies rest on, a sentence each."""
    return [
        _training_words(findings),
        "Chips are drawn from fault models given in Python; the uncertainty of their parameters is "
        "not in the intervals."
        if findings.has_own_faults
        else "Chips are drawn at the estimated bit-error rate of a condition; its own uncertainty "
        "enters through further chips at other rates within the interval of the cells.",
        "Half-selected and neighbouring cells are not disturbed, and a cell keeps the state it was "
        f"programmed to for all {findings.test_images} test images.",
        f"For the BER and the best reference, {100 * findings.lrs_share:g} % of cells are in LRS.",
    ]


def _training_words(findings: Findings) -> str:
    if findings.model_files:
        means = [
            f" The training BER {ber:g} stands for {faults}."
            for ber, faults in findings.training_faults.items()
        ]
        return (
            f"The networks are those of {', '.join(findings.model_files)}. Trained again they may "
            f"differ by more than the intervals, which are over chips only.{''.join(means)}"
        )
    if findings.folds:
        return (
            f"Each network was trained {findings.trainings} times, each time on all but one of "
            f"{findings.folds} parts of the images, on which it was tested: each image is tested "
            "once, by a network that was not trained on it. The mean is shown."
        )
    if findings.trainings > 1:
        return (
            f"Each network was trained {findings.trainings} times, with seeds from "
            f"{findings.provenance.seed} on, and tested on the same images. The mean is "
            "shown."
        )
    return (
        f"Each network was trained once, with seed {findings.provenance.seed}. Trained with "
        "another seed it may differ by more than the intervals, which are over chips only; run "
        "the study with other seeds before a close decision."
    )


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
    for row in records(findings.tradeoff.isel(protection=0), "condition"):
        subject = f"“{row['condition']}”: the bit-error rate"
        ber = numbers.power(row["test_ber"])
        if row["ber_extrapolated"] and row["ber_bound"] != "upper":
            sentences.append(
                f"{subject} of {ber} is extrapolated from the fitted populations: counting the "
                "errors of so few cells could not show a rate that low."
            )
        if row["ber_bound"] == "upper":
            sentences.append(
                f"{subject} is known only to be below {ber}; its accuracy is that at this bound."
            )
    return sentences
