import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.device.programming import unknown_condition_notes
from rramsim.schema import first_spellings, label_key, spelled_as, told_apart

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
    assert "Is it 'weak ABC' (without U+0410) there?" in str(first)
    assert "Is it 'weak \u0410BC' (with U+0410) there?" in str(second)
