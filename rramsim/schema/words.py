"""What columns and states are called in other languages than English, and in other words."""

from __future__ import annotations

OTHER_LANGUAGES: dict[str, tuple[str, ...]] = {
    "resistance": (
        *("Widerstand", "Widerstandswert", "Lesewiderstand", "résistance", "résistance lue"),
        *("resistencia", "resistencia leída", "resistenza", "resistenza letta", "сопротивление"),
        *("电阻", "电阻值", "阻值", "電阻", "抵抗", "抵抗値", "저항", "저항값"),
    ),
    "conductance": (
        *("Leitwert", "conductancia", "conduttanza", "проводимость"),
        *("电导", "電導", "コンダクタンス", "컨덕턴스"),
    ),
    "current": (
        *("Strom", "Lesestrom", "courant", "courant de lecture", "corriente"),
        *("corriente de lectura", "corrente", "corrente di lettura", "ток", "ток чтения"),
        *("电流", "電流", "读电流", "读取电流", "読み出し電流", "전류"),
    ),
    "read_voltage": (
        *("Lesespannung", "tension de lecture", "tensión de lectura", "voltaje de lectura"),
        *("tensione di lettura", "напряжение чтения"),
        *("读电压", "读取电压", "読み出し電圧", "読出し電圧", "읽기 전압"),
    ),
    "state": (
        *("Zustand", "Widerstandszustand", "état", "état résistif", "estado", "stato"),
        *("estado resistivo", "stato resistivo", "состояние"),
        *("状态", "狀態", "状態", "阻态", "电阻状态", "抵抗状態", "상태"),
    ),
    "condition": (
        *("Bedingung", "Programmierbedingung", "condition de programmation", "condición"),
        *("condición de programación", "condizione", "condizione di programmazione", "условие"),
        *("条件", "编程条件", "條件", "プログラム条件", "조건"),
    ),
    "cell": (
        *("Zelle", "Zellnummer", "Zellennummer", "Speicherzelle", "cellule", "numéro de cellule"),
        *("celda", "número de celda", "celda de memoria", "cella", "numero di cella", "ячейка"),
        *("номер ячейки", "单元", "单元号", "单元编号", "器件", "器件编号", "單元"),
        *("セル", "セル番号", "素子", "素子番号", "셀", "셀 번호"),
    ),
    "cycle": (
        *("Zyklus", "Zyklen", "Zyklusnummer", "Zykluszahl", "numéro de cycle", "nombre de cycles"),
        *("ciclo", "ciclos", "número de ciclo", "cicli", "numero di ciclo", "цикл", "номер цикла"),
        *("循环", "循环数", "循环次数", "周期", "循環", "サイクル", "サイクル数", "사이클"),
    ),
    "time": (
        "Zeit",
        "temps",
        "tiempo",
        "tempo",
        "время",
        "时间",
        "時間",
        "经过时间",
        "経過時間",
        "시간",
    ),
    "temperature": (
        *("Temperatur", "température", "temperatura", "температура", "温度", "溫度", "온도"),
    ),
    "set_current": (
        *("SET-Strom", "Strombegrenzung", "Compliance-Strom", "courant de compliance"),
        *(
            "courant de limitation",
            "limitation de courant",
            "courant SET",
            "corriente de compliance",
        ),
        *(
            "corriente límite",
            "límite de corriente",
            "corrente di compliance",
            "limite di corrente",
        ),
        *("ток ограничения", "限制电流", "限流", "电流限制", "制限電流", "電流制限"),
    ),
    "set_voltage": (
        "SET-Spannung",
        "tension SET",
        "tensión SET",
        "tensione SET",
        "SET电压",
        "SET電圧",
    ),
    "reset_voltage": (
        *("RESET-Spannung", "tension RESET", "tensión RESET", "tensione RESET"),
        *("RESET电压", "RESET電圧"),
    ),
    "pulse_width": (
        *("Pulsbreite", "Pulsdauer", "Pulslänge", "Impulsbreite", "largeur d'impulsion"),
        *("durée d'impulsion", "ancho de pulso", "duración del pulso", "larghezza d'impulso"),
        *("durata dell'impulso", "脉宽", "脉冲宽度", "パルス幅"),
    ),
    "gate_voltage": (
        *("Gatespannung", "Gate-Spannung", "tension de grille", "tensión de puerta"),
        *("tensione di gate", "栅压", "栅极电压", "ゲート電圧"),
    ),
}
"""Headers by the name of the column, beside the English ones."""

CYCLE_WORDS = (
    "cycle",
    "cyc",
    "zyklus",
    "ciclo",
    "цикл",
    "循环",
    "循環",
    "周期",
    "サイクル",
    "사이클",
)
"""What stands before the number of a cycle, such as "cycle 3" or "循环3"."""

CELL_WORDS = (
    *("cell", "device", "dev", "DUT", "memristor", "address", "addr", "Bauelement", "dispositif"),
    *(name for name in OTHER_LANGUAGES["cell"] if " " not in name),
)
"""What a cell is called, alone or with its number behind it."""

_LRS = (
    *("lrs", "0", "0.0", "set", "low", "l", "on", "on state", "low resistance"),
    *("low resistance state", "low resistive state", "lr", "lrs state"),
    *("niederohmig", "niederohmiger zustand", "ein", "an", "niedrig", "niedriger widerstand"),
    *("basse résistance", "faible résistance", "résistance faible", "état de basse résistance"),
    *("état basse résistance", "état de faible résistance", "état faible résistance"),
    *("basse", "bas", "faible", "baja", "bajo", "baja resistencia", "resistencia baja"),
    *("estado de baja resistencia", "bassa", "basso", "bassa resistenza", "resistenza bassa"),
    *("stato a bassa resistenza", "stato di bassa resistenza", "низкоомное", "низкоомный"),
    *("низкоомное состояние", "низкое сопротивление", "состояние с низким сопротивлением"),
    *("低阻", "低阻态", "低阻状态", "低阻態", "低電阻", "低电阻", "低", "开态", "开"),
    *("低抵抗", "低抵抗状態", "オン", "セット", "저저항", "저저항 상태"),
)
_HRS = (
    *("hrs", "1", "1.0", "reset", "high", "h", "off", "off state", "high resistance"),
    *("high resistance state", "high resistive state", "hr", "hrs state"),
    *("hochohmig", "hochohmiger zustand", "aus", "hoch", "hoher widerstand"),
    *("haute résistance", "forte résistance", "résistance élevée", "état de haute résistance"),
    *(
        "état haute résistance",
        "état de forte résistance",
        "état forte résistance",
        "haute",
        "haut",
    ),
    *("élevée", "élevé", "forte", "alta", "alto", "alta resistencia", "resistencia alta"),
    *("resistencia elevada", "estado de alta resistencia", "alta resistenza", "resistenza alta"),
    *("resistenza elevata", "stato ad alta resistenza", "stato di alta resistenza", "высокоомное"),
    *("высокоомный", "высокоомное состояние", "высокое сопротивление"),
    *("состояние с высоким сопротивлением", "高阻", "高阻态", "高阻状态", "高阻態", "高電阻"),
    *("高电阻", "高", "关态", "关", "高抵抗", "高抵抗状態", "オフ", "リセット"),
    *("고저항", "고저항 상태"),
)

STATE_WORDS = (_LRS, _HRS)
"""What LRS and HRS are called, in lower case."""

WORDS_BEFORE_STATES = (
    *("form", "forming", "formed", "electroforming", "electroformed", "unformed", "pristine"),
    *("virgin", "initial", "initial state", "fresh", "as fabricated", "as deposited", "as made"),
    *("formieren", "formierung", "formiert", "unformiert", "jungfräulich", "ausgangszustand"),
    *("formation", "vierge", "initiale", "初始", "初始态", "初始狀態", "形成", "电形成"),
    *("初期", "初期状態", "フォーミング"),
)
"""What a cell is called, or what was done to it, before its first SET and RESET."""
