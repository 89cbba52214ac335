"""What an inference and a life cost, for a person and for a machine."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from rramsim import formatting as numbers
from rramsim.report.fit.notes import ORIGIN_WORDS
from rramsim.report.keys import (
    Keys,
    Value,
    answer,
    attribute,
    attributes,
    bounded,
    each,
    ends,
    of_state,
    same,
    source,
)
from rramsim.report.text_table import CellText, TextTable, table_of
from rramsim.schema import Record, records
from rramsim.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    import xarray as xr


_ENDURANCE_WORDS = {
    "no": "{condition}: its endurance is less than the {programmings} programmings of this life, "
    "so it is left out of the comparison.",
    "not settled": "{condition}: the interval of its endurance contains the {programmings} "
    "programmings of this life, so whether it reaches them is not settled; it stays in the "
    "comparison.",
}


def energy_tables(energy: xr.Dataset) -> list[TextTable]:
    """Return the energy of each condition, and by layer.

    Parameters
    ----------
    energy : xarray.Dataset
        Schema "inference_energy".
    """
    columns: dict[str, CellText] = {
        "condition": "condition",
        "to program": lambda row: _joule(row["programming_energy"]),
        "in the cells": _of("energy_in_cells", _joule),
        "of an inference": _of("inference_energy", _joule),
        "inferences that cost as much as programming": _of("inferences_per_programming", _count),
    }
    if "life_energy" in energy:
        columns["over the life"] = _of("life_energy", _joule)
    return [
        table_of("Energy of an inference", records(energy, "condition"), columns),
        _layer_table(energy),
    ]


def energy_sentences(energy: xr.Dataset) -> list[str]:
    """Return what a reader must know of the figures, and last which condition costs least."""
    attrs, rows = energy.attrs, records(energy, "condition")
    return [
        *filter(None, [ORIGIN_WORDS[attrs["origin"]]]),
        _counted(energy),
        *_circuits(energy),
        *_bases(rows),
        *(
            _ENDURANCE_WORDS[row["within_endurance"]].format(
                condition=row["condition"], programmings=numbers.power(1 + attrs["reprogrammings"])
            )
            for row in rows
            if row["within_endurance"] in _ENDURANCE_WORDS
        ),
        *_reading_against_programming(rows),
        *_cheapest(energy),
    ]


def energy_answer(energy: xr.Dataset) -> str:
    """Return all of it as JSON; unknown numbers are null, and bounds have keys of their own."""
    (row,) = records(energy)
    return json.dumps(answer(row, _answer_keys(energy)), indent=2, allow_nan=False)


def _answer_keys(energy: xr.Dataset) -> Keys:
    circuits = same("sense_energy", "popcount_energy", "other_energy")
    condition: dict[str, Value] = {
        "name": "condition",
        "programming_energy_j": "programming_energy",
        "set_energy_source": source("set_energy_basis"),
        "reset_energy_source": source("reset_energy_basis"),
        **of_state({"read_energy_j": "cell_energy"}),
        "energy_in_cells_j": ends("energy_in_cells"),
        **bounded("inference_energy", "energy_per_inference_j"),
        "energy_per_inference_source": source("inference_energy_basis"),
        **bounded("inferences_per_programming", "inferences_per_programming"),
        "within_endurance": "within_endurance",
        "cheapest_from_inferences": "cheapest_from",
        "cheapest_to_inferences": "cheapest_to",
    }
    if "life_energy" in energy:
        condition |= bounded("life_energy", "life_energy_j") | {"cheapest": "cheapest"}
    layer = same("layer", "weights", "reads", "counts")
    return {
        **attributes("network", "origin", "protection"),
        "pixel_bits": lambda row: int(row.attrs["pixel_bits"]),
        "reuse": lambda row: bool(row.attrs["reuse"]),
        "read_pulse": lambda row: answer(
            row, {"voltage_v": attribute("read_voltage"), "time_s": attribute("read_time")}
        ),
        **{f"{name}_j": attribute(name) for name in circuits},
        "energy_source": lambda row: row.attrs["energy_source"] or None,
        "reprogrammings": attribute("reprogrammings"),
        "inferences": lambda row: row.attrs.get("inferences"),
        "conditions": each("condition", condition),
        "layers": lambda row: [
            answer(place, layer)
            | {
                "energy_j": {
                    one["condition"]: one.number("layer_energy") for one in place.by("condition")
                }
            }
            for place in row.by("layer")
        ],
        "break_even": _pairs,
        "interval": attribute("interval"),
        "confidence": attribute("confidence"),
        "notes": lambda _: energy_sentences(energy),
        "version": lambda _: __version__,
    }


def _pairs(row: Record) -> list[dict[str, Any]]:
    """Return the break-even points, each pair once."""
    pairs = []
    for number, one in enumerate(row.by("condition")):
        for other in list(one.by("other"))[number + 1 :]:
            inferences = other.number("break_even")
            names = [other["condition"], other["other"]]
            pairs.append({"conditions": names, "inferences": inferences})
    return pairs


def _layer_table(energy: xr.Dataset) -> TextTable:
    names = [str(name) for name in energy["condition"].values]

    def of_condition(name: str) -> CellText:
        return lambda row: _joule(row.at(condition=name)["layer_energy"])

    return table_of(
        "By layer",
        records(energy, "layer"),
        {
            "layer": lambda row: str(row["layer"]),
            "weights": lambda row: f"{row['weights']:,.0f}",
            "reads of each": "reads",
            **{name: of_condition(name) for name in names},
        },
        numeric=("layer", "weights", "reads of each"),
    )


def _of(name: str, text: Any) -> CellText:
    return lambda row: numbers.interval(row.interval(name), text)


def _joule(value: float) -> str:
    return numbers.quantity(value, "J")


def _count(value: float) -> str:
    """Return a number of inferences: whole up to 9,999, beyond with a power of ten."""
    if value < 9999.5:
        return f"{max(round(value), 1):,}"
    return numbers.power(value, 3)


def _counted(energy: xr.Dataset) -> str:
    attrs = energy.attrs
    pulse = " for ".join(
        numbers.quantity(attrs[name], unit)
        for name, unit in (("read_voltage", "V"), ("read_time", "s"))
    )
    cells = (
        "both cells of each weight (2T2R)" if attrs["protection"] == "2T2R" else "one cell a weight"
    )
    planes = attrs["pixel_bits"]
    first = f"once for each of {planes} bit planes" if planes > 1 else "once, pixels being one bit"
    latched = " Rows of convolutions that were read are latched." if attrs["reuse"] else ""
    return (
        f"Network {attrs['network']}, {cells}, read with {pulse}; the first layer is read {first}."
        f"{latched}"
    )


def _circuits(energy: xr.Dataset) -> Iterable[str]:
    attrs = energy.attrs
    names = {
        "sense_energy": "sense amplifier",
        "popcount_energy": "XNOR and popcount of a bit",
        "other_energy": "all other circuits",
    }
    known = [
        f"{words} {_joule(attrs[name])}"
        for name, words in names.items()
        if not math.isnan(attrs[name])
    ]
    if known:
        yield f"Energies of circuits as stated ({attrs['energy_source']}): {', '.join(known)}."
    if attrs["unknown"]:
        yield (
            f"The energy {attrs['unknown']} is unknown and not counted, so an inference takes more "
            "than is shown. It is the same for all conditions, so which one costs least, and "
            "break-even points of two, do not depend on it."
        )


def _bases(rows: list[Record]) -> Iterable[str]:
    bases: dict[str, list[str]] = {}
    for row in rows:
        both = sorted({row["set_energy_basis"], row["reset_energy_basis"]})
        bases.setdefault(" and ".join(both), []).append(row["condition"])
    told = "; ".join(f"{basis} for {', '.join(names)}" for basis, names in bases.items())
    yield (
        f"Energies of programming are {told}. Energies in the cells are computed, "
        "V² t E[1/R] of the fitted populations."
    )
    unfitted = [row["condition"] for row in rows if row.number("energy_in_cells") is None]
    if unfitted:
        yield (
            f"{', '.join(unfitted)}: energy of a read unknown, since a state has no fitted "
            "population."
        )


def _reading_against_programming(rows: list[Record]) -> Iterable[str]:
    points = [row.interval("inferences_per_programming") for row in rows]
    known = [point for point in points if math.isfinite(point.estimate)]
    if not known:
        return
    low, high = (_count(end(point.estimate for point in known)) for end in (min, max))
    after = high if high == low else f"{low} to {high}"
    at_most = " at most" if any(point.bound for point in known) else ""
    by = ", by condition," if high != low else ""
    yield f"After {after} inferences{at_most}{by} reading has cost more than programming once."
    spent = {
        row["condition"]: row["energy_in_cells"]
        for row in rows
        if row.number("energy_in_cells") is not None
    }
    least, most = (end(spent, key=lambda name: spent[name]) for end in (min, max))
    if spent[least] < spent[most]:
        ratio = numbers.times(spent[most] / spent[least])
        yield f"In the cells, reading {most} takes {ratio} times the energy of reading {least}."


def _cheapest(energy: xr.Dataset) -> Iterable[str]:
    rows = [row for row in records(energy, "condition") if row.number("cheapest_from") is not None]
    rows.sort(key=lambda row: row["cheapest_from"])
    again = energy.attrs["reprogrammings"]
    times = f", programmed {numbers.power(1 + again)} times," if again else ""
    unknown = energy.sizes["condition"] - sum(
        math.isfinite(row["programming_energy"] + row["energy_in_cells"])
        for row in records(energy, "condition")
    )
    among = " of those whose energies are known" if unknown else ""
    if not rows:
        yield "Which condition costs least is unknown."
    elif len(rows) == 1:
        yield f"{rows[0]['condition']}{times} costs least{among} at any number of inferences."
    else:
        parts = [f"{row['condition']} {_range(row)}" for row in rows]
        yield f"Costs least{times}{among}: {'; '.join(parts)}."
    if "cheapest" in energy:
        least = [row for row in records(energy, "condition") if row["cheapest"]]
        if least:
            names = " and ".join(row["condition"] for row in least)
            joule = numbers.interval(least[0].interval("life_energy"), _joule)
            inferences = numbers.power(energy.attrs["inferences"])
            yield f"Over {inferences} inferences{among}: {names}, {joule}."


def _range(row: Record) -> str:
    first, last = row["cheapest_from"], row["cheapest_to"]
    if first == 0.0:
        return f"up to {_count(last)} inferences"
    if math.isinf(last):
        return f"from {_count(first)} inferences on"
    return f"from {_count(first)} to {_count(last)} inferences"
