import itertools
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.errors import DamagedWarning, InputError
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally, packed_answers

PARTS = [
    Tally("b", 100, {0: 90, 11: 88}),
    Tally("a", 50, {2: 41}),
    Tally("b", 100, {2: 91}),
]
OLD = "task_id,draw,images,correct,answers\na,2,50,41,\nb,0,100,90,\nb,2,100,91,\nb,11,100,88,\n"


def test_what_was_added_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "tallies.csv"
    store = TallyStore(path)
    assert store.tally("b") is None
    for part in PARTS:
        store.add(part)
    again = TallyStore(path)
    assert again.tally("a") == PARTS[1]
    assert again.tally("b") == PARTS[0] + PARTS[2] == store.tally("b")
    assert again.tally("c") is None


@pytest.mark.parametrize("order", list(itertools.permutations(PARTS)))
def test_the_bytes_do_not_depend_on_the_order(order: tuple[Tally, ...], tmp_path: Path) -> None:
    for part in order:
        TallyStore(tmp_path / "tallies.csv").add(part)
    store = TallyStore(tmp_path / "kept.csv")
    for part in order:
        store.add(part)
    assert store.path.read_bytes() == (tmp_path / "tallies.csv").read_bytes()
    header, *rows = (tmp_path / "tallies.csv").read_text().split("\n")[:-1]
    assert header == "task_id,draw,images,correct,answers,error_free,checksum"
    assert [row.rsplit(",", 2)[0] for row in rows] == OLD.split("\n")[1:-1]


def test_an_overlap_is_refused_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "tallies.csv"
    store = TallyStore(path)
    store.add(PARTS[0])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="Chip 0 is in both"):
        store.add(Tally("b", 100, {0: 90, 1: 90}))
    assert path.read_bytes() == before
    assert store.tally("b") == PARTS[0]


def test_a_file_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tallies.csv"
    TallyStore(path).add(*PARTS[1:])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert TallyStore(path).tally("b") == PARTS[2]


def set_aside(path: Path, told: str) -> TallyStore:
    """Open a damaged file, and return what is believed of it."""
    content = path.read_bytes()
    with pytest.warns(DamagedWarning, match=rf"tallies\.csv: it is damaged: {told}"):
        store = TallyStore(path)
    assert (path.parent / "tallies.csv.damaged").read_bytes() == content
    return store


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (b"a,3,50\n", "row 6 is 'a,3,50' and not a task id and 3 numbers"),
        (b"a,3,50,40,,7\n", "row 6 is"),
        (b"a,3,50,4_0,\n", "row 6 is"),
        (b"a,3,50,-1,\n", "row 6 is"),
        (b"a,3,50,4.0,\n", "row 6 is"),
        (b"a,3,50," + b"1" * 5000 + b",\n", "row 6"),
        (b",3,50,40,\n", "row 6 is"),
        (b"\n", "row 6 is ''"),
        (b"\0\0\0\n", "row 6 is"),
        (b"\xff\xfe\n", "row 6 is"),
        (b"a,3,50,51,\n", "row 6 has 51 correct of 50 images"),
        (b"c,3,0,0,\n", "row 6 has 0 correct of 0 images"),
        (b"a,3,51,40,\n", "row 6 has 51 images, other rows 50"),
        (b"a,2,50,40,\n", "row 6 has another count of draw 2"),
        (b"a,3,50,4", "row 6 ends without a line end"),
    ],
)
def test_a_damaged_row_is_set_aside_and_all_others_stay(
    row: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "tallies.csv"
    path.write_bytes(OLD.encode() + row)
    store = set_aside(path, told)
    assert (store.tally("a"), store.tally("b")) == (PARTS[1], PARTS[0] + PARTS[2])
    assert store.tally("c") is None
    assert TallyStore(path).tally("b") == PARTS[0] + PARTS[2]


@pytest.mark.parametrize(
    ("head", "told"),
    [(b"", "row 1 is 'a,2,50"), (b"\xff\xfe\x00\n", "row 1"), (b"task,d\n", "row 1")],
)
def test_rows_without_their_header_are_believed_by_their_checksums(
    head: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "tallies.csv"
    TallyStore(path).add(*PARTS)
    _, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(head + rest)
    assert set_aside(path, told).tally("b") == PARTS[0] + PARTS[2]


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_bit_of_a_file_changes_what_is_believed(place: int, bit: int) -> None:
    """Whichever bit flips, a chip keeps its count or is not known any more."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedWarning)
        path = Path(folder) / "tallies.csv"
        TallyStore(path).add(*PARTS, KEPT, SOME)
        content = bytearray(path.read_bytes())
        content[place % len(content)] ^= 1 << bit
        path.write_bytes(bytes(content))
        store = TallyStore(path)
        for whole in (PARTS[0] + PARTS[2], PARTS[1], KEPT, SOME):
            found = store.tally(whole.task_id)
            assert found is None or found == whole.of_chips(found.correct)
        assert store.tally("c") is None


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        TallyStore(tmp_path)


def right(text):
    return packed_answers(np.array([letter == "1" for letter in text]))


KEPT = Tally("k", 9, {0: 3, 1: 9}, {0: right("110000001"), 1: right("111111111")})


def test_answers_are_read_again_and_counted_by_image(tmp_path: Path) -> None:
    TallyStore(tmp_path / "tallies.csv").add(KEPT)
    again = TallyStore(tmp_path / "tallies.csv").tally("k")
    assert again == KEPT
    assert again.by_image().tolist() == [2, 2, 1, 1, 1, 1, 1, 1, 2]


def test_chips_whose_answers_were_not_kept_get_them(tmp_path: Path) -> None:
    store = TallyStore(tmp_path / "tallies.csv")
    store.add(Tally("k", 9, {0: 3, 2: 5}))
    store.add(KEPT)
    found = store.tally("k")
    assert (found.correct, set(found.answers)) == ({0: 3, 1: 9, 2: 5}, {0, 1})
    with pytest.raises(ValueError, match="another way"):
        store.add(Tally("k", 9, {2: 3}, {2: right("110000001")}))


def test_a_file_that_kept_no_answers_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tallies.csv"
    path.write_text("task_id,draw,images,correct\na,2,50,41\n")
    assert TallyStore(path).tally("a") == PARTS[1]


def test_a_file_without_images_of_chips_is_read_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "tallies.csv"
    path.write_text("task_id,draw,images,correct,answers,checksum\na,2,50,41,,be0a6964\n")
    store = TallyStore(path)
    assert store.tally("a") == PARTS[1]
    store.add(SOME)
    assert TallyStore(path).tally("a") == PARTS[1]


SOME = Tally("s", 20, {0: 3, 4: 19}, error_free={0: 9, 4: 20})


def test_chips_with_images_of_their_own_are_read_again(tmp_path: Path) -> None:
    TallyStore(tmp_path / "tallies.csv").add(SOME, *PARTS)
    again = TallyStore(tmp_path / "tallies.csv")
    assert (again.tally("s"), again.tally("a")) == (SOME, PARTS[1])


def test_a_row_on_other_images_than_those_of_its_task_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "tallies.csv"
    TallyStore(path).add(SOME)
    text = path.read_text()
    TallyStore(tmp_path / "other.csv").add(Tally("s", 20, {5: 3}))
    path.write_text(text + (tmp_path / "other.csv").read_text().split("\n")[1] + "\n")
    assert set_aside(path, "row 4 has images of its own and other rows").tally("s") == SOME


def test_damaged_answers_are_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "tallies.csv"
    path.write_text("task_id,draw,images,correct,answers\nk,0,9,3,wYDbxNyF\nk,1,9,9,\n")
    store = set_aside(path, "row 2 has damaged answers")
    assert store.tally("k") == Tally("k", 9, {1: 9})


def test_answers_that_do_not_fit_their_number_are_refused() -> None:
    with pytest.raises(ValueError, match="not those that were counted"):
        Tally("k", 9, {0: 4}, {0: right("110000001")})
    with pytest.raises(ValueError, match="not kept for every chip"):
        PARTS[0].by_image()
