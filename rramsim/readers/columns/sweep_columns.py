"""Which columns of a sweep are voltage and current."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rramsim.readers.columns.headers import splits
from rramsim.units import UnknownUnitError, factor_to_si

# V1, AV, VCE, V_TE, "voltage" and the currents that belong to them.
_NAMES = re.compile(r"(?:([a-d]?)([vi])[\s_]?(\w{0,3})|(voltage|current))", re.IGNORECASE)


@dataclass(frozen=True)
class SweepColumns:
    """Where a sweep stands in a table: positions and factors to SI."""

    voltage: int
    current: int
    voltage_factor: float
    current_factor: float


def sweep_columns(header: Sequence[str]) -> list[SweepColumns]:
    """Return the pairs of a voltage and its current in a header, in their order.

    Where columns of several terminals stand side by side (AV, AI, BV, BI), the first that has
    both is the device's; where the same names repeat, each repeat is a sweep of its own.
    """
    found: dict[str, list[tuple[int, float, str]]] = {"v": [], "i": []}
    for position, text in enumerate(header):
        for name, unit, _ in splits(text):
            said = _NAMES.fullmatch(name.strip())
            if said is None or re.search("read|set", name, re.IGNORECASE):
                continue
            letter = (said[2] or said[4][0]).casefold().replace("c", "i")
            try:
                quantity = "voltage" if letter == "v" else "current"
                factor = factor_to_si(unit, quantity) if unit else 1.0
            except UnknownUnitError:
                continue
            terminal = (said[1] or said[3] or "").casefold()
            found[letter].append((position, factor, terminal))
            break
    first = next(
        (
            (voltage, current)
            for same in (True, False)
            for voltage in found["v"]
            for current in found["i"]
            if voltage[2] == current[2] or not same
        ),
        None,
    )
    if first is None:
        return []
    names = tuple(header[column[0]].strip() for column in first)
    repeats = [
        [column for column in found[letter] if header[column[0]].strip() == name]
        for letter, name in zip("vi", names, strict=True)
    ]
    return [
        SweepColumns(voltage[0], current[0], voltage[1], current[1])
        for voltage, current in zip(*repeats, strict=False)
    ]
