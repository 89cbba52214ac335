"""What columns and states are called in other languages than English, and in other words."""

from __future__ import annotations

import re
import unicodedata

OTHER_LANGUAGES: dict[str, tuple[str, ...]] = {
    "resistance": (
        *("Widerstand", "Widerstandswert", "Lesewiderstand", "résistance", "résistance lue"),
        *("电阻", "电阻值", "阻值", "電阻", "抵抗", "抵抗値"),
    ),
    "conductance": ("Leitwert", "电导", "電導", "コンダクタンス"),
    "current": ("Strom", "Lesestrom", "courant", "courant de lecture", "电流", "電流", "读电流"),
    "read_voltage": (
        *("Lesespannung", "tension de lecture", "读电压", "读取电压", "読み出し電圧", "読出し電圧"),
    ),
    "state": ("Zustand", "Widerstandszustand", "état", "etat", "状态", "狀態", "状態", "阻态"),
    "condition": (
        *("Bedingung", "Programmierbedingung", "condition de programmation"),
        *("条件", "编程条件", "條件", "プログラム条件"),
    ),
    "cell": (
        *("Zelle", "Zellnummer", "Zellennummer", "Speicherzelle", "cellule", "numéro de cellule"),
        *(
            "单元",
            "单元号",
            "单元编号",
            "器件",
            "器件编号",
            "單元",
            "セル",
            "セル番号",
            "素子",
            "素子番号",
        ),
    ),
    "cycle": (
        *("Zyklus", "Zyklen", "Zyklusnummer", "Zykluszahl", "numéro de cycle"),
        *("循环", "循环数", "循环次数", "周期", "循環", "サイクル", "サイクル数"),
    ),
    "time": ("Zeit", "temps", "时间", "時間", "经过时间", "経過時間"),
    "temperature": ("Temperatur", "température", "温度", "溫度"),
}
"""Headers by the name of the column, beside the English ones."""

_LRS = (
    *("lrs", "0", "0.0", "set", "low", "l", "on", "on state", "low resistance"),
    *("low resistance state", "low resistive state", "lr", "lrs state"),
    *("niederohmig", "niederohmiger zustand", "ein", "an"),
    *("basse résistance", "basse resistance", "faible résistance", "état de basse résistance"),
    *("低阻", "低阻态", "低阻状态", "低阻態", "低電阻", "开态", "低抵抗", "低抵抗状態", "オン"),
)
_HRS = (
    *("hrs", "1", "1.0", "reset", "high", "h", "off", "off state", "high resistance"),
    *("high resistance state", "high resistive state", "hr", "hrs state"),
    *("hochohmig", "hochohmiger zustand", "aus"),
    *("haute résistance", "haute resistance", "forte résistance", "état de haute résistance"),
    *("高阻", "高阻态", "高阻状态", "高阻態", "高電阻", "关态", "高抵抗", "高抵抗状態", "オフ"),
)


def _key(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()


_STATES = {_key(name): state for state, names in enumerate((_LRS, _HRS)) for name in names}


def state_named(text: str) -> int | None:
    """Return 0 for what files call LRS, 1 for HRS, and None for another text.

    >>> state_named("Low-resistance state"), state_named("OFF"), state_named("?")
    (0, 1, None)
    """
    return _STATES.get(_key(text))
