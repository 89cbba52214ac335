import json
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rramsim
from rramsim.device.programming import unknown_condition_notes
from rramsim.errors import InputError
from rramsim.readers.conditions import read_conditions
from rramsim.readers.measurements import read_measurements
from rramsim.schema import check_label, first_spellings, label_key, spelled_as, told_apart
from rramsim.study.inputs import stated_conditions

MICRO, MU = "\u00b5", "\u03bc"


@pytest.mark.parametrize(
    ("label", "same"),
    [
        (f"55 {MICRO}A", f"55 {MU}A"),
        (f"55 {MICRO}A", "55 uA"),
        ("55\u00a0uA", "55  uA "),
        ("55 uA\u200b", "55 uA"),
        ("\ufeffweak", "weak"),
        ("\uff37eak\uff11", "Weak1"),
        ("5 k\u2126", "5 k\u03a9"),
        ("\u22121.5 V", "-1.5 V"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("100\u2009ns", "100 ns"),
    ],
)
def test_labels_that_look_the_same_are_one(label, same):
    assert label_key(label) == label_key(same)
    assert spelled_as(same, ["other", label]) == label


@pytest.mark.parametrize(
    ("label", "other"),
    [("10⁵ cycles", "105 cycles"), ("weak", "Weak"), ("55uA", "55 uA"), ("V₁", "V1"), ("½", "12")],
)
def test_labels_that_a_person_tells_apart_stay_apart(label, other):
    assert label_key(label) != label_key(other)


@pytest.mark.slow
@given(st.lists(st.text(max_size=6), max_size=6))
def test_the_first_spelling_stands_for_all_and_a_key_is_its_own_key(labels):
    spellings = first_spellings(labels)
    assert list(spellings) == list(dict.fromkeys(labels))
    for label, shown in spellings.items():
        assert label_key(shown) == label_key(label) == label_key(label_key(label))
        assert spellings[shown] == shown


def test_a_hint_never_looks_like_what_was_typed():
    # The Cyrillic capital A looks like the Latin one, and no normal form makes them one.
    assert told_apart("55 \u0410", "55 A") == "'55 \u0410' (with U+0410)"
    (first, second) = unknown_condition_notes(["weak \u0410BC"], ["weak ABC"])
    assert "Did you mean 'weak ABC' (without U+0410)?" in str(first)
    assert "Did you mean 'weak \u0410BC' (with U+0410)?" in str(second)


def test_conditions_whose_names_differ_by_a_space_only_are_named_together():
    names = ["55uA", "55 µA", "weak", "weak 2", "weak 20", "1.2 V", "12 V"]
    frame = pd.DataFrame(
        {
            "condition": [name for name in names for _ in range(6)],
            "state": (["LRS"] * 3 + ["HRS"] * 3) * len(names),
            "R (kOhm)": [5, 6, 7, 90, 95, 99] * len(names),
        }
    )
    notes = [note for note in rramsim.fit(frame).examination.notes if note.kind == "similar names"]
    assert [dict(note.values) for note in notes] == [{"name 1": "55uA", "name 2": "55 µA"}]


def test_a_name_that_turns_the_text_is_refused_with_its_row(tmp_path):
    file = tmp_path / "cells.csv"
    rows = ["ok,LRS,5", "ok,HRS,90", "we\u202eak,LRS,5", "we\u202eak,HRS,80"]
    file.write_text("\n".join(["condition,state,R (kOhm)", *rows]))
    with pytest.raises(InputError, match=r"cells\.csv, row 4: the name 'we\\u202eak'"):
        read_measurements(file)


@pytest.mark.parametrize(
    "sign", ["\x1b[2J", "\n", "\x00", "\x7f", "\x9b", "\u202e", "\u2066", "\udce9"]
)
def test_a_name_that_a_terminal_obeys_is_refused_wherever_it_comes_from(sign, tmp_path):
    name = f"we{sign}ak"
    shown = re.escape(repr(name))
    frame = pd.DataFrame(
        {"condition": name, "state": ["LRS"] * 2 + ["HRS"] * 2, "R (ohm)": [5, 6, 9, 8]}
    )
    # A line end in a cell of a table is a space; the others are in no text.
    if sign not in ("\n", "\x00", "\udce9"):
        with pytest.raises(InputError, match="control character"):
            read_measurements(frame)
    file = tmp_path / "c.toml"
    if sign != "\udce9":
        file.write_text(f"[[condition]]\nname = {json.dumps(name)}\nber = 0.1\n")
        with pytest.raises(
            InputError, match=rf"c\.toml: the name {shown} holds a control character"
        ):
            read_conditions(file)
    stated = read_conditions("table1").isel(condition=[0]).assign_coords(condition=[name])
    with pytest.raises(InputError, match="control character"):
        stated_conditions(stated, lrs_share=0.5)
    check_label("55\u00a0µA, −1.2 V ⁻³ 漢 soft\u00ad", "here")
