from rramsim.device.programming import unknown_condition_notes


def test_names_that_differ_by_case_and_spaces_are_suggested_in_both_directions():
    assert list(map(str, unknown_condition_notes(["55 uA", "weak"], ["55uA", "weak"]))) == [
        "55 uA: not among the stated conditions; nothing is joined to its readings. "
        "Is it '55uA' there?",
        "55uA: stated, but no reading is of it. Is it '55 uA' there?",
    ]
    assert "Is it 'Very Strong' there?" in str(
        unknown_condition_notes(["verystrong"], ["Very Strong"])[0]
    )
    assert "Is it 'mild' there?" in str(unknown_condition_notes(["midl"], ["strong", "mild"])[0])


def test_other_numbers_are_other_conditions():
    (note,) = unknown_condition_notes(["50 uA"], ["55 uA", "20 uA"])
    assert str(note).endswith("Stated without readings: '55 uA', '20 uA'.")


def test_a_name_that_both_have_is_never_suggested():
    (note,) = unknown_condition_notes(["55 uA", "55uA"], ["55uA"])
    assert str(note) == "55 uA: not among the stated conditions; nothing is joined to its readings."


def test_conditions_stated_without_readings_are_nothing_to_tell():
    assert unknown_condition_notes(["weak"], ["weak", "strong", "very strong"]) == []
