"""Dates with a time of day are times, where they say when cells were read again."""

import numpy as np
import pytest

from rramsim.errors import InputError
from rramsim.readers.columns.timestamps import seconds_of


@pytest.mark.parametrize(
    ("first", "later", "seconds"),
    [
        ("2025-03-04 09:00:00", "2025-03-04 10:00:00", 3600.0),
        ("2025-03-04T09:00:00.5", "2025-03-04T09:00:02Z", 1.5),
        ("2025/3/4 9:00", "2025/3/5 9:00", 86400.0),
        ("2025-03-04", "2025-03-11", 7 * 86400.0),
        ("04.03.2025 09:00", "05.03.2025 09:00", 86400.0),
        ("3/4/2025 9:00 AM", "3/4/2025 1:00 PM", 4 * 3600.0),
        ("3/4/2025 12:00 AM", "3/4/2025 12:00 PM", 12 * 3600.0),
        ("3/4/2025 11:00 AM", "3/4/2025 12:30 PM", 1.5 * 3600.0),
        # The other date tells that the month comes first, or the day.
        ("3/4/2025 9:00", "3/14/2025 9:00", 10 * 86400.0),
        ("3/4/2025 9:00", "14/4/2025 9:00", 11 * 86400.0),
        # On one day it makes no difference.
        ("3/4/2025 9:00", "3/4/2025 10:00", 3600.0),
    ],
)
def test_dates_become_the_time_since_the_first_reading(read, first, later, seconds):
    rows = f"1,LRS,{first},5\n1,HRS,{first},300\n1,LRS,{later},6\n1,HRS,{later},310\n"
    measured = read("cell,state,Timestamp,R (kOhm)\n" + rows)
    assert measured.readings["time"].values.tolist() == [0.0, 0.0, seconds, seconds]
    assert measured.readings["cycle"].values.tolist() == [-1] * 4
    (note,) = measured.notes
    assert note.kind == "times from dates"
    assert "from 'Timestamp' and counted from the first reading of each cell and state" in note.text


def test_cells_that_are_read_one_after_the_other_have_times_of_their_own(read):
    rows = [
        f"{cell},{state},2025-03-04 {hour}:00:{cell:02d},{kilohm + cell}\n"
        for hour in ("09", "10")
        for cell in range(5)
        for state, kilohm in (("LRS", 5), ("HRS", 300))
    ]
    measured = read("cell,state,Datum,R (kOhm)\n" + "".join(rows))
    assert np.unique(measured.readings["time"].values).tolist() == [0.0, 3600.0]


def test_a_date_that_may_be_of_two_days_is_asked_about(read):
    rows = "1,LRS,3/4/2025 9:00,5\n1,LRS,3/5/2025 9:00,6\n1,HRS,3/4/2025 9:00,300\n"
    with pytest.raises(InputError, match=r"column 'date': is the month or the day first in '3/4/2"):
        read("cell,state,date,R (kOhm)\n" + rows)


def test_a_date_beside_cycles_or_of_single_readings_changes_nothing(read):
    date = "2025-03-04 09:00:0"
    rows = f"1,LRS,1,{date}1,5\n1,LRS,2,{date}2,6\n1,HRS,1,{date}3,300\n"
    for content in (
        "cell,state,cycle,date,R (kOhm)\n" + rows,
        f"cell,state,date,R (kOhm)\n1,LRS,{date}1,5\n2,LRS,{date}2,6\n2,HRS,{date}3,300\n",
    ):
        measured = read(content)
        assert "time" not in measured.readings
        assert [str(note) for note in measured.notes] == ["cells.csv: columns not used: 'date'."]


def test_a_column_named_as_the_time_may_hold_dates(read):
    rows = "1,LRS,2025-03-04 09:00:00,5\n1,LRS,2025-03-04 09:01:00,6\n1,HRS,2025-03-04 09:01:00,9\n"
    measured = read("cell,state,time,R (kOhm)\n" + rows)
    assert measured.readings["time"].values.tolist() == [0.0, 60.0, 0.0]
    mapped = read("cell,state,when,R (kOhm)\n" + rows, names={"when": "time [s]"})
    assert mapped.readings["time"].values.tolist() == [0.0, 60.0, 0.0]


def test_a_text_that_is_no_date_is_none():
    assert seconds_of(["2025-03-04 09:00", "later"], where="") is None
    assert seconds_of(["2025-13-44 09:00"], where="") is None
    assert seconds_of(["09:00", "10:00"], where="") is None
    assert seconds_of(["", ""], where="") is None


def test_a_column_of_dates_that_gives_the_times_is_no_column_of_conditions(read):
    rows = [
        f"2025-03-0{day},{cell},{state},{ohm + cell}\n"
        for day in (4, 5)
        for cell in range(4)
        for state, ohm in (("LRS", 5000), ("HRS", 200000))
    ]
    measured = read("Timestamp,cell,state,R (ohm)\n" + "".join(rows))
    kinds = [note.kind for note in measured.notes]
    assert "times from dates" in kinds
    assert "may name conditions" not in kinds
