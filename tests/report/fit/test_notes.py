from types import SimpleNamespace

import pytest
import xarray as xr

from rramsim.notes import Note
from rramsim.report.fit.notes import FILES, SEVERAL, grouped_notes, merged_notes


@pytest.fixture
def listed():
    """Group notes about conditions of the given names, headings as they stand."""

    def group(names, notes, files=()):
        conditions = xr.Dataset(coords={"condition": list(names)})
        measured = SimpleNamespace(notes=files, sources=[("b.csv", "digest")])
        products = {"conditions": conditions}
        examination = SimpleNamespace(measured=measured, products=products, notes=notes)
        return grouped_notes(examination)

    return group


@pytest.fixture
def grouped(listed):
    """Return the groups by their headings."""
    return lambda *subjects, **more: dict(listed(*subjects, **more))


def test_notes_stand_under_what_they_are_about(grouped):
    found = grouped(
        ("weak", "strong"),
        (
            Note("the states overlap.", condition="weak"),
            Note("a tail.", condition="strong", state="HRS"),
            Note("a waveform."),
        ),
        files=(Note("1 blank reading.", file="b.csv"),),
    )
    assert found == {
        FILES: ("b.csv: 1 blank reading.", "a waveform."),
        "weak": ("The states overlap.",),
        "strong": ("HRS: a tail.",),
    }


def test_a_condition_may_be_named_as_a_heading_is(listed):
    notes = (Note("few.", condition=FILES), Note("none.", condition=SEVERAL))
    both = tuple(Note("far.", condition=name) for name in (FILES, SEVERAL))
    blank = Note("1 blank reading.", file="b.csv")
    assert listed((FILES, SEVERAL), (*notes, *both), files=(blank,)) == [
        (FILES, ("b.csv: 1 blank reading.",)),
        (SEVERAL, ("The files, Several conditions: far.",)),
        (FILES, ("Few.",)),
        (SEVERAL, ("None.",)),
    ]


def test_a_sentence_true_of_several_stands_once(grouped):
    found = grouped(
        ("weak", "strong"),
        (
            *(Note("few.", condition="weak", state=state) for state in ("LRS", "HRS")),
            *(Note("none.", condition=name) for name in ("weak", "strong")),
            Note("few.", condition="strong", state="LRS"),
        ),
    )
    assert found == {SEVERAL: ("weak (LRS and HRS), strong (LRS): few.", "weak, strong: none.")}


def test_the_name_of_a_condition_may_look_like_a_subject(grouped):
    notes = (
        Note("x.", condition="a: b"),
        Note("y.", condition="a"),
        Note("z.", condition="a.c (+)", state="LRS"),
    )
    found = grouped(("a", "a: b", "a.c (+)"), notes)
    assert found == {"a: b": ("X.",), "a": ("Y.",), "a.c (+)": ("LRS: z.",)}


def test_a_hold_stands_under_its_condition_with_its_temperature(grouped):
    notes = [
        Note("two points.", condition="a", circumstance="at 398 K", state=state)
        for state in ("LRS", "HRS")
    ]
    assert grouped(("a",), notes) == {"a": ("At 398 K, LRS and at 398 K, HRS: two points.",)}
    assert str(notes[0]) == "a at 398 K/LRS: two points."


def test_what_is_about_two_conditions_together_stands_with_several(grouped):
    note = Note("15 cells only.", condition="fresh and baked", state="LRS")
    assert grouped(("fresh", "baked"), [note]) == {
        SEVERAL: ("fresh and baked/LRS: 15 cells only.",)
    }


def test_a_sentence_true_of_several_files_stands_once():
    names = [f"{number}.csv" for number in range(12)]
    notes = [
        Note(text, file=name) for name in names for text in ("no unit.", f"{name[:-4]} blank.")
    ]
    sheet = Note("no unit.", file="0.csv, sheet 'chip'")
    assert merged_notes([*notes, sheet], files=names) == [
        "12 files (0.csv, 1.csv, ..., 11.csv): no unit.",
        *(f"{number}.csv: {number} blank." for number in range(12)),
        "0.csv, sheet 'chip': no unit.",
    ]
    assert merged_notes(notes[:4:2], files=names) == ["0.csv, 1.csv: no unit."]
    # What is of no file stays as it is.
    assert merged_notes([Note("5 identical readings dropped.")], files=names) == [
        "5 identical readings dropped."
    ]
