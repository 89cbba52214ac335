"""A folder stands for the measurement files in it."""

import gzip

import pytest
from reader_files import workbook

from rramsim.errors import InputError
from rramsim.readers.formats.folders import files_of
from rramsim.readers.measurements import read_measurements
from rramsim.readers.options import ReadOptions

TABLE = "cell,cycle,LRS (kOhm),HRS (kOhm)\n1,1,{0},300\n1,2,{0},200\n"


def fill(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_the_files_of_a_folder_are_read_as_if_each_was_named(tmp_path):
    folder = fill(
        tmp_path / "chip",
        {
            "c10.csv": TABLE.format(7),
            "c2.tsv": TABLE.format(6).replace(",", "\t"),
            "C1.CSV": TABLE.format(5),
            "c11.csv.gz": gzip.compress(TABLE.format(8).encode()),
            "c12.xlsx": workbook(("x", [["state", "R (kOhm)"], ["LRS", 9], ["HRS", 400]])),
        },
    )
    by_folder = read_measurements(folder)
    names = ["C1.CSV", "c2.tsv", "c10.csv", "c11.csv.gz", "c12.xlsx"]
    by_names = read_measurements([folder / name for name in names])
    assert by_folder.readings.identical(by_names.readings)
    assert by_folder.readings["condition"].values.tolist() == ["C1", "c2", "c10", "c11", "c12"]
    assert [name for name, _ in by_folder.sources] == names
    assert str(by_folder.notes[0]) == (
        "chip/: 5 of 5 files of the folder are read, in the order of their names."
    )
    # A text is as good as a path, and a folder stands beside files.
    (tmp_path / "one.csv").write_text(TABLE.format(4))
    more = read_measurements([str(folder), tmp_path / "one.csv"])
    assert more.readings["condition"].values.tolist()[-1] == "one"


def test_what_is_not_read_is_counted_and_named(tmp_path):
    folder = fill(
        tmp_path / "chip",
        {
            "a.csv": TABLE.format(5),
            ".DS_Store": b"\x00",
            "~$a.xlsx": b"lock",
            "plot.png": b"\x89PNG",
            "README.txt": "Measured on 3 May.\n",
            "forming.csv": "File Name,Forming voltage (V)\na.csv,6.1\n",
            "old.xls": b"\xd0\xcf\x11\xe0",
            "results/provenance.json": "{}",
            "results/populations.csv": TABLE.format(9),
            ".git/a.csv": TABLE.format(9),
        },
    )
    measured = read_measurements(folder)
    assert measured.readings["resistance"].values.tolist() == [5e3, 5e3, 3e5, 2e5]
    note = measured.notes[0]
    assert (note.kind, note.values) == ("files of a folder", {"read": 1, "not_read": 6})
    text = str(note)
    assert text.startswith("chip/: 1 of 7 files of the folder are read")
    assert ".DS_Store, ~$a.xlsx (hidden)" in text
    assert "plot.png (not the name of a table)" in text
    assert "forming.csv, README.txt (no column of readings)" in text
    assert "old.xls (this is an old Excel .xls file; save it as .xlsx or CSV)" in text
    assert ".git/, results/ (a folder of other files)" in text


def test_a_file_with_readings_that_cannot_be_used_is_not_passed_over(tmp_path):
    fill(tmp_path, {"a.csv": TABLE.format(5), "b.csv": "state,R (kOhm)\nLRS,5\nHRS,abc\n"})
    with pytest.raises(InputError, match=r"^b\.csv, row 3, .*name the files to read, not the fo"):
        read_measurements(tmp_path)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, "no file of this folder holds readings; it is empty. Accepted are CSV"),
        (
            {"a.png": b"", "b.csv": ""},
            r"not read: a.png \(not the name of a table\), b.csv \(the fi",
        ),
    ],
)
def test_a_folder_without_readings_is_refused(tmp_path, files, found):
    with pytest.raises(InputError, match=found):
        read_measurements(fill(tmp_path, files))


def test_subfolders_are_conditions_where_there_are_several(tmp_path):
    folder = fill(
        tmp_path / "lot",
        {"raw/weak/1.csv": TABLE.format(5), "raw/strong/1.csv": TABLE.format(6)},
    )
    measured = read_measurements(folder)
    assert measured.readings["condition"].values.tolist() == ["strong", "weak"]
    assert str(measured.notes[1]) == (
        "lot/: the names of folders are taken as conditions: 'strong', 'weak'."
    )
    # Files of the same name are told apart.
    assert [name for name, _ in measured.sources] == ["raw/strong/1.csv", "raw/weak/1.csv"]
    assert read_measurements(folder / "raw/weak").readings["condition"].values.tolist() == ["1"]


def test_a_column_of_conditions_and_the_user_come_before_the_folder(tmp_path):
    table = "condition,state,R (kOhm)\nA,LRS,5\nA,HRS,300\n"
    folder = fill(tmp_path / "lot", {"x/1.csv": table, "y/B_2.csv": TABLE.format(6)})
    readings = read_measurements(folder).readings
    assert readings["condition"].values.tolist() == ["A", "y"]
    named = read_measurements(folder / "y", ReadOptions(file_name="{condition}_{-}")).readings
    assert named["condition"].values.tolist() == ["B"]


RECORD = (
    "SetupTitle, {}\nMetaData, TestRecord.TestTarget, {}\n"
    "DataName, Cycle, R_LRS, R_HRS\nDataValue, 1, 5e3, 3e5\nDataValue, 2, 6e3, 2e5\n"
)


def test_a_test_of_the_same_name_in_other_folders_is_another_condition(tmp_path):
    files = {f"{s}/[{d}].csv": RECORD.format("DC", d) for s in ("S1", "S2") for d in ("D1", "D2")}
    assert read_measurements(fill(tmp_path, files)).readings["condition"].values.tolist() == [
        "S1",
        "S2",
    ]
    fill(tmp_path, {"S2/pulsed.csv": RECORD.format("AC", "D9")})
    assert read_measurements(tmp_path).readings["condition"].values.tolist() == [
        "S1, DC",
        "S2, DC",
        "S2, AC",
    ]
    # In one folder, the files of several devices are of one test.
    one = read_measurements(tmp_path / "S1").readings
    assert one["condition"].values.tolist() == ["DC"]
    assert len(set(one["cell"].values.tolist())) == 2


def test_set_toml_speaks_of_every_file_of_a_folder(tmp_path):
    table = "1,5,300\n2,6,200\n"
    fill(
        tmp_path,
        {
            "set.toml": 'file = "*.csv"\ncolumns = "cell,LRS [kOhm],HRS [kOhm]"\n',
            "a.csv": table,
            "old/[b].csv": table,
        },
    )
    readings = read_measurements(tmp_path).readings
    assert readings["resistance"].values.tolist() == 2 * [5e3, 6e3, 3e5, 2e5]
    assert read_measurements(tmp_path / "a.csv").readings.sizes["reading"] == 4


def test_natural_order_counts_numbers(tmp_path):
    names = ["run10.csv", "run2.csv", "Run1.csv", "10_b.csv", "9_a.csv"]
    files, _ = files_of(fill(tmp_path, dict.fromkeys(names, "x")))
    assert [file.name for file in files] == [
        "9_a.csv",
        "10_b.csv",
        "Run1.csv",
        "run2.csv",
        "run10.csv",
    ]
