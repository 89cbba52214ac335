"""The columns that files have and no dataset, with the headers accepted for them.

Readings are computed from them, or flagged or placed by them. They stand beside the register, so
that no setting takes a header of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping

from rramsim.schema.variable import Variable, header_key
from rramsim.schema.words import OTHER_LANGUAGES


def file_column(
    name: str, aliases: tuple[str, ...], quantity: str | None = None, unit: str = "1"
) -> Variable:
    """Return a column that files have and no dataset, with its accepted headers."""
    kind = "U" if quantity is None else "f"
    meaning = name.replace("_", " ")
    return Variable(name, ("reading",), unit, kind, meaning, quantity=quantity, aliases=aliases)


def _switched(word: str, letter: str, quantity: str) -> tuple[str, ...]:
    """Return what a reading of the state "on" or "off" is called."""
    return (
        *(f"{letter} {word}", f"{word} {quantity}", f"{quantity} {word}"),
        *(f"{word} state {quantity}", f"{quantity} {word} state"),
    )


STATE_COLUMNS: Mapping[str, Variable] = {
    column.name: column
    for column in (
        file_column(
            "lrs_resistance",
            (
                *("LRS", "R LRS", "LRS R", "LRS resistance", "resistance LRS", "R after SET"),
                *_switched("on", "R", "resistance"),
                *("R low", "low resistance", "low resistance state", "niederohmig"),
                *("niedriger Widerstand", "basse résistance", "faible résistance"),
                *("résistance faible", "R faible", "R basse", "baja resistencia"),
                *("resistencia baja", "R baja", "bassa resistenza", "resistenza bassa", "R bassa"),
                *("низкое сопротивление", "низкоомное", "低阻", "低阻态", "低电阻"),
                *("低阻电阻", "低阻态电阻", "低阻状态电阻", "低阻態電阻", "低電阻"),
                *("低抵抗", "低抵抗状態", "低抵抗状態の抵抗", "저저항", "저저항 상태 저항"),
            ),
            "resistance",
            "ohm",
        ),
        file_column(
            "hrs_resistance",
            (
                *("HRS", "R HRS", "HRS R", "HRS resistance", "resistance HRS", "R after RESET"),
                *_switched("off", "R", "resistance"),
                *("R high", "high resistance", "high resistance state", "hochohmig"),
                *("hoher Widerstand", "haute résistance", "forte résistance"),
                *("résistance élevée", "R élevée", "R haute", "R forte", "alta resistencia"),
                *("resistencia alta", "R alta", "alta resistenza", "resistenza alta"),
                *("высокое сопротивление", "высокоомное", "高阻", "高阻态", "高电阻"),
                *("高阻电阻", "高阻态电阻", "高阻状态电阻", "高阻態電阻", "高電阻"),
                *("高抵抗", "高抵抗状態", "高抵抗状態の抵抗", "고저항", "고저항 상태 저항"),
            ),
            "resistance",
            "ohm",
        ),
        *(
            file_column(
                f"{state.lower()}_{quantity}",
                (
                    *(f"{letter} {state}", f"{state} {letter}"),
                    *(f"{state} {quantity}", f"{quantity} {state}"),
                    *_switched("on" if state == "LRS" else "off", letter, quantity),
                ),
                quantity,
                unit,
            )
            for quantity, letter, unit in (("current", "I", "A"), ("conductance", "G", "S"))
            for state in ("LRS", "HRS")
        ),
    )
}
"""The columns of the wide form, with readings of one state each."""

READ_FROM = (
    file_column(
        "conductance",
        ("conductance", "G", "G read", "read conductance", *OTHER_LANGUAGES["conductance"]),
        "conductance",
        "S",
    ),
    file_column(
        "current",
        ("current", "I", "I read", "read current", "CURR", *OTHER_LANGUAGES["current"]),
        "current",
        "A",
    ),
    file_column(
        "read_voltage",
        ("read voltage", "V read", "U read", *OTHER_LANGUAGES["read_voltage"]),
        "voltage",
        "V",
    ),
    file_column("over_range_flag", ("over range", "overrange", "overflow", "overload")),
    file_column("compliance_flag", ("in compliance", "compliance reached", "compliance flag")),
    file_column("status", ("status", "flag", "flags", "reading status", "measurement status")),
)
"""What readings are computed from, or flagged by."""

NAME = file_column("name", ("name", "condition", "programming condition"))
"""The column of a conditions file that names the condition."""

ONE_LETTER = {"T": "temperature", "t": "time"}
"""Alone, a capital T is a temperature and a small t a time; elsewhere case does not matter."""


def file_headers() -> dict[str, str]:
    """Return the columns of this module by the keys of the headers that files have for them."""
    columns = (*STATE_COLUMNS.values(), *READ_FROM, NAME)
    keys = {
        header_key(header): column.name
        for column in columns
        for header in (column.name, *column.aliases)
    }
    return keys | {header_key(letter): name for letter, name in ONE_LETTER.items()}
