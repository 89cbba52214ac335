import gzip

import pytest

from rramsim.errors import InputError

HEADER = (
    "session one\n2024-08-30\n"
    "Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag,ReadTag,ReadVoltage\n"
)


def session(*operations):
    return HEADER + "".join(
        f"{w},{b},{r},{a},0.0001,{tag},S,0.2\n" for w, b, r, a, tag in operations
    )


TWO_CELLS = session(
    (1, 1, 9e4, 0, "S R"),
    (1, 1, 8e3, 1.0, "P"),
    (1, 1, 5e3, 1.2, "P"),
    (1, 1, 1e5, -1.2, "P"),
    (1, 1, 1.1e5, 0, "S R"),
    (1, 1, 6e3, 1.2, "P"),
    (2, 7, 4e3, 1.2, "P"),
    (2, 7, 2e5, -1.0, "P"),
)


@pytest.mark.parametrize("content", [TWO_CELLS, gzip.compress(TWO_CELLS.encode(), mtime=0)])
def test_states_follow_the_polarity_of_the_pulse_before(read, content):
    measured = read(content)
    readings = measured.readings
    assert readings["resistance"].values.tolist() == [5e3, 1.1e5, 6e3, 4e3, 2e5]
    assert readings["state_index"].values.tolist() == [0, 1, 0, 0, 1]
    assert readings["cycle"].values.tolist() == [1, 1, 2, 1, 1]
    assert readings["row"].values.tolist() == [1, 1, 1, 2, 2]
    assert readings["column"].values.tolist() == [1, 1, 1, 7, 7]
    assert tuple(map(str, measured.notes)) == (
        "cells.csv: an ArC ONE session names no states; positive pulses are taken as SET, because "
        "the median resistance after them is the lower one.",
        "cells.csv: of 8 operations, 5 resistances are the last before the polarity changes; 1 "
        "come before any pulse and are left out.",
    )


def test_the_negative_pulse_may_set(read):
    measured = read(session((1, 1, 5e3, -1, "P"), (1, 1, 1e5, 1, "P")))
    assert measured.readings["state_index"].values.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (session((1, 1, 5e3, 1, "P")), "pulses of one polarity only, which do not show"),
        (session((1, 1, 5e3, 1, "P"), (1, 1, 5e3, -1, "P")), "of both polarities are alike"),
        (session((1, 1, 5e3, "x", "P")), "row 4, column 'Amplitude': 'x' is not a number of volts"),
        (
            session((1, 1, 5e3, 1, "P"), (1, 1, "abc", -1, "P"), (1, 1, 7e3, -1, "P")),
            None,
        ),
    ],
)
def test_sessions_that_tell_no_state_are_refused(read, content, message):
    if message is None:
        # A text that is superseded by the last read of its run is not needed.
        assert read(content).readings["resistance"].values.tolist() == [5e3, 7e3]
        return
    with pytest.raises(InputError) as error:
        read(content)
    assert message in str(error.value)
