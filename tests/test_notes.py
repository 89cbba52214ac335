"""A note says what it is about, as data."""

from rramsim.notes import Note


def test_the_subject_stands_before_the_sentence():
    assert str(Note("It rains.")) == "It rains."
    assert str(Note("drifts.", condition="a: b", state="LRS")) == "a: b/LRS: drifts."
    assert str(Note("2 rows were left out.", file="x.csv")) == "x.csv: 2 rows were left out."


def test_a_subject_is_given_only_where_there_is_none():
    note = Note("drifts.", condition="weak")
    assert note.about(condition="strong", state="HRS") == Note(
        "drifts.", condition="weak", state="HRS"
    )
