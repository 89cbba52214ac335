from types import SimpleNamespace

import pytest
import xarray as xr

from rramsim.report.fit.notes import FILES, SEVERAL, grouped_notes, merged_notes


@pytest.fixture
def grouped():
    """Group notes about conditions of the given names."""

    def group(names, notes, files=()):
        conditions = xr.Dataset(coords={"condition": list(names)})
        examination = SimpleNamespace(products={"conditions": conditions}, notes=notes)
        return dict(grouped_notes(examination, SimpleNamespace(notes=list(files), sources=())))

    return group


def test_sentences_stand_under_what_they_are_about(grouped):
    found = grouped(
        ("weak", "strong"),
        ("weak: the states overlap.", "strong/HRS: a tail.", "c.csv: a row."),
        files=("b.csv: 1 blank reading.",),
    )
    assert found == {
        FILES: ("b.csv: 1 blank reading.", "c.csv: a row."),
        "weak": ("The states overlap.",),
        "strong": ("HRS: a tail.",),
    }


def test_a_sentence_true_of_several_stands_once(grouped):
    found = grouped(
        ("weak", "strong"),
        ("weak/LRS: few.", "weak/HRS: few.", "weak: none.", "strong: none.", "strong/LRS: few."),
    )
    assert found == {SEVERAL: ("weak (LRS and HRS), strong (LRS): few.", "weak, strong: none.")}


def test_a_name_that_begins_with_another_keeps_its_own(grouped):
    found = grouped(("a", "a: b", "a.c (+)"), ("a: b: x.", "a: y.", "a.c (+)/LRS: z."))
    assert found == {"a: b": ("X.",), "a": ("Y.",), "a.c (+)": ("LRS: z.",)}


def test_a_sentence_true_of_several_files_stands_once():
    names = [f"{number}.csv" for number in range(12)]
    notes = [f"{name}: {text}" for name in names for text in ("no unit.", f"{name[:-4]} blank.")]
    assert merged_notes([*notes, "chip: no unit."], files=names) == [
        "12 files (0.csv, 1.csv, ..., 11.csv): no unit.",
        *(f"{number}.csv: {number} blank." for number in range(12)),
        "chip: no unit.",
    ]
    assert merged_notes(notes[:4:2], files=names) == ["0.csv, 1.csv: no unit."]
    # A text that is no file's own stays as it is.
    assert merged_notes(["5 identical readings dropped."], files=names) == [
        "5 identical readings dropped."
    ]
