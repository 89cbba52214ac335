"""The names that columns may have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Accepted:
    """A column's accepted names, and the physical quantity it holds (None: text or a count)."""

    names: tuple[str, ...]
    quantity: str | None = None


_PROGRAMMING = {
    "set_current": Accepted(
        (
            *("set current", "I SET", "SET compliance current", "compliance current"),
            *("compliance", "SET compliance", "Icc", "I compliance", "I comp"),
        ),
        "current",
    ),
    "set_voltage": Accepted(("set voltage", "V SET"), "voltage"),
    "reset_voltage": Accepted(("reset voltage", "V RESET"), "voltage"),
    "pulse_width": Accepted(
        ("pulse width", "pulse", "pulse length", "pulse duration", "t pulse", "tp"), "time"
    ),
    "set_energy": Accepted(("set energy", "E SET"), "energy"),
    "reset_energy": Accepted(("reset energy", "E RESET"), "energy"),
}


STATE_COLUMNS: dict[str, Accepted] = {
    "lrs_resistance": Accepted(
        ("LRS", "R LRS", "LRS R", "LRS resistance", "resistance LRS", "R on", "R after SET"),
        "resistance",
    ),
    "hrs_resistance": Accepted(
        ("HRS", "R HRS", "HRS R", "HRS resistance", "resistance HRS", "R off", "R after RESET"),
        "resistance",
    ),
    "lrs_current": Accepted(("I LRS", "LRS I", "LRS current", "current LRS"), "current"),
    "hrs_current": Accepted(("I HRS", "HRS I", "HRS current", "current HRS"), "current"),
    "lrs_conductance": Accepted(
        ("G LRS", "LRS G", "LRS conductance", "conductance LRS"), "conductance"
    ),
    "hrs_conductance": Accepted(
        ("G HRS", "HRS G", "HRS conductance", "conductance HRS"), "conductance"
    ),
}
"""The columns of the wide form, with readings of one state each."""


MEASUREMENT_COLUMNS: dict[str, Accepted] = {
    "condition": Accepted(("condition", "programming condition", "cond", "programming")),
    "state": Accepted(("state", "resistance state", "cell state", "operation", "bit")),
    "resistance": Accepted(("resistance", "R", "R read", "read resistance", "res"), "resistance"),
    "conductance": Accepted(("conductance", "G", "G read", "read conductance"), "conductance"),
    "current": Accepted(("current", "I", "I read", "read current"), "current"),
    "read_voltage": Accepted(("read voltage", "V read", "U read"), "voltage"),
    "row": Accepted(("row", "word line", "WL")),
    "column": Accepted(("column", "col", "bit line", "BL")),
    "cell": Accepted(("cell", "cell id", "cell number", "address", "addr", "device")),
    "cycle": Accepted(("cycle", "cycles", "cycle number", "cycle no", "cycle index")),
    "die": Accepted(("die", "chip", "die id", "die number", "chip id")),
    "time": Accepted(
        ("time", "time since programming", "retention time", "bake time", "elapsed time"), "time"
    ),
    "temperature": Accepted(("temperature", "temp", "bake temperature"), "temperature"),
    "pulses": Accepted(
        ("pulses", "number of pulses", "pulse count", "programming pulses", "attempts")
    ),
    "failed": Accepted(("failed", "fail", "failure")),
    "over_range_flag": Accepted(("over range", "overrange", "overflow", "overload")),
    "compliance_flag": Accepted(("in compliance", "compliance reached", "compliance flag")),
    "status": Accepted(("status", "flag", "flags", "reading status", "measurement status")),
    **_PROGRAMMING,
}
"""The other columns of a measurement file. Case and punctuation of a header do not matter."""


CONDITION_COLUMNS: dict[str, Accepted] = {
    "name": Accepted(("name", "condition", "programming condition")),
    **_PROGRAMMING,
    "reference_resistance": Accepted(
        ("reference", "read reference", "R ref", "R reference"), "resistance"
    ),
    "ber": Accepted(("BER", "bit error rate")),
    "endurance": Accepted(("endurance", "cyclability", "endurance cycles")),
}
"""The columns of a conditions file, and the keys of its TOML form (the names on the left)."""
