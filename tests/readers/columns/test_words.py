"""Words and numbers as people write them, in the cells and in the headers of their files."""

import pytest

from rramsim.errors import InputError
from rramsim.schema import ABOVE, BELOW


def resistances(measured):
    return measured.readings["resistance"].values.tolist()


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("ON", "OFF"),
        ("On-state", "Off-state"),
        ("low resistance", "high resistance"),
        ("Low-Resistance State", "High_Resistance_State"),
        ("L", "H"),
        ("niederohmig", "hochohmig"),
        ("basse résistance", "haute résistance"),
        ("Faible", "Élevée"),
        ("faible resistance", "résistance e\u0301levée"),
        ("état de faible résistance", "État de forte résistance"),
        ("basse", "haute"),
        ("BAJA", "ALTA"),
        ("estado de baja resistencia", "estado de alta resistencia"),
        ("bassa resistenza", "alta resistenza"),
        ("stato a bassa resistenza", "stato ad alta resistenza"),
        ("низкоомное", "высокоомное"),
        ("низкое сопротивление", "высокое сопротивление"),
        ("niedrig", "hoch"),
        ("开", "关"),
        ("セット", "リセット"),
        ("저저항", "고저항"),
        ("低阻态", "高阻态"),
        ("低抵抗", "高抵抗"),
    ],
)
def test_states_in_many_words(read, low, high):
    measured = read(f"state,R (kOhm)\n{low},5\n{high},300\n")
    assert measured.readings["state_index"].values.tolist() == [0, 1]


@pytest.mark.parametrize("word", ["programmed", "erased", "x", "LRS?"])
def test_a_word_that_may_mean_either_state_is_asked_about(read, word):
    with pytest.raises(InputError, match="those that --states names"):
        read(f"state,R (kOhm)\n{word},5\nHRS,300\n")


@pytest.mark.parametrize(
    "header",
    [
        "Zelle;Zyklus;Bedingung;Zustand;Widerstand [kΩ];Zeit (s);Temperatur (°C)",
        "cellule;cycle;condition;état;résistance [kΩ];temps (s);température (°C)",
        "cellule;numero de cycle;condition;Etat;Resistance [kΩ];temps (s);temperature (°C)",
        "celda;ciclo;condición;estado;resistencia [kΩ];tiempo (s);temperatura (°C)",
        "cella;ciclo;condizione;stato;resistenza [kΩ];tempo (s);temperatura (°C)",
        "ячейка;цикл;условие;состояние;сопротивление [kΩ];время (s);температура (°C)",
        "셀;사이클;조건;상태;저항 [kΩ];시간 (s);온도 (°C)",
        "单元;循环;条件;状态;电阻 [kΩ];时间 (s);温度 (°C)",
        "セル;サイクル;条件;状態;抵抗 [kΩ];時間 (s);温度 (°C)",
    ],
)
def test_headers_in_other_languages(read, header):
    readings = read(f"{header}\n1;2;a;LRS;5,1;60;85\n1;2;a;HRS;310,2;60;85\n").readings
    assert readings["resistance"].values.tolist() == [5100.0, 310200.0]
    assert readings["cell"].values.tolist() == [1, 1]
    assert readings["cycle"].values.tolist() == [2, 2]
    assert readings["time"].values.tolist() == [60.0, 60.0]
    assert readings["temperature"].values == pytest.approx([358.15, 358.15])
    assert readings["condition"].values.tolist() == ["a"]


@pytest.mark.parametrize(
    ("text", "ohm"),
    [
        *(("5.20k", 5200.0), ("4k7", 4700.0), ("100R", 100.0), ("1.2M", 1.2e6), ("0.31 MΩ", 310e3)),
        *(("5.2 kohm", 5200.0), ("5,2 kΩ", 5200.0), ("5.2×10^3", 5200.0), ("5,2E+03", 5200.0)),
        *(("5'063.4", 5063.4), ("5 063,4", 5063.4), ("5.063,4", 5063.4), ("5,063.4", 5063.4)),
    ],
)
def test_a_number_as_people_write_it(read, text, ohm):
    assert resistances(read(f"state;R\nLRS;{text}\nHRS;310000\n")) == [ohm, 310e3]
    assert resistances(read(f'state,R\nLRS,"{text}"\nHRS,310000\n')) == [ohm, 310e3]


@pytest.mark.parametrize("text", ["5m", "5.2 V", "k", "5.2k7", "5.2 kS"])
def test_a_number_that_is_no_resistance_is_refused(read, text):
    with pytest.raises(InputError, match=r"row 2, column 'R': .* is not a number"):
        read(f"state,R\nLRS,{text}\nHRS,310000\n")


def test_a_unit_in_the_cell_comes_before_the_one_of_the_header(read):
    measured = read("state,R (kOhm)\nLRS,5.2 kΩ\nHRS,0.31 MΩ\nHRS,300\nHRS,>1 GΩ\n")
    assert resistances(measured) == pytest.approx([5200.0, 310e3, 300e3, 1e9])
    # A prefix alone could be of the header's unit or of the ohm.
    with pytest.raises(
        InputError, match=r"'5\.2k' has a prefix, and so has the unit in the header"
    ):
        read("state,R (kOhm)\nLRS,5.2k\nHRS,310\n")


@pytest.mark.parametrize(
    ("header", "lrs", "hrs", "options"),
    [("R", "5k", "300k", {}), ("I", "40u", "2u", {"read_voltage": 0.2}), ("G", "200u", "5u", {})],
)
def test_open_and_short_are_beyond_the_range_whatever_is_read(read, header, lrs, hrs, options):
    content = f"state,{header}\nLRS,{lrs}\nHRS,{hrs}\nHRS,open\nLRS,short\n"
    censoring = read(content, **options).readings["censoring"].values
    assert censoring.tolist() == [0, 0, ABOVE, BELOW]


def test_a_comma_that_is_decimal_in_one_column_is_decimal_in_all(read):
    readings = read("cell;LRS (kOhm);HRS (kOhm)\n1;5,001;250,71\n2;5,002;207,53\n").readings
    assert sorted(readings["resistance"].values) == [5001.0, 5002.0, 207530.0, 250710.0]


def test_a_power_of_ten_as_fortran_writes_it(read):
    readings = read("state,R (ohm)\nLRS,5.2D+03\nHRS,2.0d5\n").readings
    assert sorted(readings["resistance"].values) == [5200.0, 200000.0]


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("faible résistance", "résistance élevée"),
        ("R baja", "R alta"),
        ("bassa resistenza", "alta resistenza"),
        ("низкое сопротивление", "высокое сопротивление"),
    ],
)
def test_columns_of_a_state_in_other_languages(read, low, high):
    measured = read(f"cell;{low} (kΩ);{high} (kΩ)\n1;5,1;310\n")
    assert resistances(measured) == [5100.0, 310e3]
    assert measured.readings["state_index"].values.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("header", "setting", "si"),
    [
        ("courant de compliance (µA)", "set_current", 55e-6),
        ("corriente límite (uA)", "set_current", 55e-6),
        ("SET-Strom (uA)", "set_current", 55e-6),
        ("限制电流 (uA)", "set_current", 55e-6),
        ("Gatespannung (V)", "gate_voltage", 55.0),
        ("tension de grille (V)", "gate_voltage", 55.0),
        ("WL voltage (V)", "gate_voltage", 55.0),
        ("V_gate_SET (V)", "gate_voltage", 55.0),
        ("Largeur d’impulsion (ns)", "pulse_width", 55e-9),
        ("パルス幅 (ns)", "pulse_width", 55e-9),
    ],
)
def test_settings_in_other_words(read, header, setting, si):
    readings = read(f"cell,state,R (kOhm),{header}\n1,LRS,5,55\n1,HRS,300,55\n").readings
    assert readings[setting].values == pytest.approx([si, si])
