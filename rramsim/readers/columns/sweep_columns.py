"""Which columns of a sweep are voltage and current."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rramsim.readers.columns.headers import Column, splits
from rramsim.units import UnknownUnitError, factor_to_si

# V1, AV, VCE, V_TE, "voltage" and the currents that belong to them.
_NAMES = re.compile(r"(?:([a-d]?)([vi])[\s_]?(\w{0,3})|(voltage|current))", re.IGNORECASE)


def sweep_columns(header: Sequence[str]) -> list[tuple[Column, Column]]:
    """Return the pairs of a voltage and its current in a header, in their order.

    Where columns of several terminals stand side by side (AV, AI, BV, BI), the first that has
    both is the device's; where the same names repeat, each repeat is a sweep of its own.
    """
    voltages, currents = _by_terminal(header, "voltage"), _by_terminal(header, "current")
    first = next(
        (
            (voltage, current)
            for same in (True, False)
            for terminal, voltage in voltages
            for other, current in currents
            if terminal == other or not same
        ),
        None,
    )
    if first is None:
        return []
    repeats = [
        [column for _, column in columns if column.header == one.header]
        for one, columns in zip(first, (voltages, currents), strict=True)
    ]
    return list(zip(*repeats, strict=False))


def _by_terminal(header: Sequence[str], quantity: str) -> list[tuple[str, Column]]:
    """Return the columns of a quantity, each with the name of its terminal."""
    columns = []
    for position, text in enumerate(header):
        for name, unit, _ in splits(text):
            matched = _NAMES.fullmatch(name.strip())
            if matched is None or re.search("read|set", name, re.IGNORECASE):
                continue
            is_voltage = (matched[2] or matched[4])[0].casefold() == "v"
            kind = "voltage" if is_voltage else "current"
            try:
                factor = factor_to_si(unit, kind) if unit else 1.0
            except UnknownUnitError:
                continue
            if kind == quantity:
                terminal = (matched[1] or matched[3] or "").casefold()
                column = Column(kind, text.strip(), position, kind, factor, unit_given=bool(unit))
                columns.append((terminal, column))
            break
    return columns
