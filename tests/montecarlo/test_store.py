import itertools
from pathlib import Path

import numpy as np
import pytest

from rramsim.errors import InputError
from rramsim.montecarlo.store import TallyStore
from rramsim.montecarlo.tally import Tally, packed_answers

PARTS = [
    Tally("b", 100, {0: 90, 11: 88}),
    Tally("a", 50, {2: 41}),
    Tally("b", 100, {2: 91}),
]
TEXT = "task_id,draw,images,correct,answers\na,2,50,41,\nb,0,100,90,\nb,2,100,91,\nb,11,100,88,\n"


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
    assert (tmp_path / "tallies.csv").read_bytes() == TEXT.encode()


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
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert TallyStore(path).tally("b") == PARTS[0] + PARTS[2]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "row 1: found nothing"),
        (b"task,draw,images,correct\n", "row 1: found 'task,draw"),
        (TEXT[:-1].encode(), "row 5: ends without a line end"),
        (TEXT[:-3].encode(), "row 5: ends without a line end"),
        (TEXT.encode() + b"a,3,50\n", "row 6: found 'a,3,50'"),
        (TEXT.encode() + b"a,3,50,40,7,\n", "row 6"),
        (TEXT.encode() + b"a,3,50,4_0,\n", "row 6"),
        (TEXT.encode() + b"a,3,50,-1,\n", "row 6"),
        (TEXT.encode() + b"a,3,50,4.0,\n", "row 6"),
        (TEXT.encode() + b"a,3,50," + b"1" * 5000 + b",\n", "row 6: .*too long"),
        (TEXT.encode() + b",3,50,40,\n", "row 6"),
        (TEXT.encode() + b"\n", "row 6: found ''"),
        (TEXT.encode() + b"a,3,50,51,\n", "row 6: found 51 correct of 50 images"),
        (TEXT.encode() + b"c,3,0,0,\n", "row 6: found 0 correct of 0 images"),
        (TEXT.encode() + b"a,3,51,40,\n", "row 6: found 51 images, but 50 in other rows"),
        (TEXT.encode() + b"a,2,50,41,\n", "row 6: draw 2 of its task is in an earlier row"),
        (b"\xff\xfe\x00", "not a UTF-8 text"),
    ],
)
def test_a_damaged_file_is_told_by_row(text: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "tallies.csv"
    path.write_bytes(text)
    with pytest.raises(InputError, match=f"tallies.csv: .*{told}|tallies.csv: {told}"):
        TallyStore(path)
    assert path.read_bytes() == text


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


@pytest.mark.parametrize("place", [1, 4, 8])
def test_damaged_answers_are_told_by_row(place: int, tmp_path: Path) -> None:
    path = tmp_path / "tallies.csv"
    TallyStore(path).add(KEPT)
    *numbers, answers = path.read_text().splitlines()[1].split(",")
    other = "A" if answers[place - 1] != "A" else "B"
    damaged = ",".join([*numbers, answers[: place - 1] + other + answers[place:]])
    path.write_text(path.read_text().replace(",".join([*numbers, answers]), damaged))
    with pytest.raises(InputError, match="row 2: its answers are"):
        TallyStore(path)


def test_answers_that_do_not_fit_their_number_are_refused() -> None:
    with pytest.raises(ValueError, match="not those that were counted"):
        Tally("k", 9, {0: 4}, {0: right("110000001")})
    with pytest.raises(ValueError, match="not kept for every chip"):
        PARTS[0].by_image()
