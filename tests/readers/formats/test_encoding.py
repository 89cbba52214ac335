"""A text is read in the encoding in which its words are understood, and that is said."""

import pytest

from rramsim.errors import InputError

OHM = "condition,state,R (kΩ)\nweak,LRS,5\nweak,HRS,300\n"
MICRO = "condition,state,I (µA)\n55 µA,LRS,50\n55 µA,HRS,1\n"
CHINESE = "条件,状态,电阻 (kΩ)\n弱,低阻,5\n弱,高阻,300\n"
JAPANESE = "条件,状態,抵抗 (kΩ)\n弱,低抵抗,5\n弱,高抵抗,300\n"
GERMAN = (
    "Bedingung;Zustand;Widerstand (kOhm)\nschwächer;niederohmig;5,0\nschwächer;hochohmig;300,0\n"
)


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        (OHM, "gbk", "GB18030 (GBK)"),
        (OHM, "shift_jis", "Shift-JIS"),
        (OHM, "big5", "Big5"),
        (OHM, "cp949", "EUC-KR"),
        (OHM, "cp1253", "Windows-1253"),
        (OHM, "mac_roman", "Mac Roman"),
        (CHINESE, "gbk", "GB18030 (GBK)"),
        (JAPANESE, "shift_jis", "Shift-JIS"),
        (JAPANESE, "euc_jp", "EUC-JP"),
        (GERMAN, "cp1252", "Windows-1252"),
    ],
)
def test_the_encoding_is_found_by_what_is_understood(read, text, encoding, said):
    measured = read(text.encode(encoding))
    assert measured.readings["resistance"].values.tolist() == [5e3, 300e3]
    assert measured.readings["state_index"].values.tolist() == [0, 1]
    label = text.splitlines()[1].replace(";", ",").split(",")[0]
    assert measured.readings["condition"].values.tolist() == [label]
    (note,) = (note for note in measured.notes if note.kind == "encoding")
    assert (
        str(note)
        == f"cells.csv: read as {said} text, not UTF-8; --encoding names another encoding."
    )


@pytest.mark.parametrize("encoding", ["cp1252", "cp1250", "cp1251", "cp437"])
def test_a_micro_sign_is_one_in_every_alphabet(read, encoding):
    measured = read(MICRO.encode(encoding), read_voltage=0.2)
    assert measured.readings["condition"].values.tolist() == ["55 µA"]


def test_what_the_user_says_holds(read):
    measured = read(CHINESE.encode("gbk"), encoding="gbk")
    assert measured.readings["condition"].values.tolist() == ["弱"]
    assert not any(note.kind == "encoding" for note in measured.notes)
    with pytest.raises(InputError, match="'k¦¸' is not a unit"):
        read("state,R (kΩ)\nLRS,5\nHRS,300\n".encode("gbk"), encoding="cp1252")
    with pytest.raises(
        InputError, match=r"the text is not valid UTF-8 .* name its encoding with --en"
    ):
        read(CHINESE.encode("gbk"), encoding="utf-8")


@pytest.mark.parametrize(("text", "encoding"), [("弱", "gbk"), ("слабый", "cp1251")])
def test_a_text_that_may_be_several_is_asked_about(read, text, encoding):
    content = f"condition,state,R (kohm)\n{text},LRS,5\n{text},HRS,300\n"
    with pytest.raises(
        InputError, match=r"is not UTF-8, and may be .*; name its encoding with --en"
    ):
        read(content.encode(encoding))


def test_a_file_cut_inside_a_character_is_cut(read):
    with pytest.raises(InputError, match="the last character is incomplete: the file is cut short"):
        read(b"condition,state,R (ohm)\na,LRS,5\na,HRS,300\n\xce")
