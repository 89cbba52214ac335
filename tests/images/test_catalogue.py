import dataclasses
import gzip
import struct

import numpy as np
import pooch
import pytest

from rramsim.errors import InputError
from rramsim.images import catalogue, downloads, idx
from rramsim.images.catalogue import (
    load_images,
    origin_of,
    register_images,
    register_layout,
    unregister_images,
)
from rramsim.images.image_set import FolderLayout

SIZES = {"train": 5, "t10k": 3}


def _idx(array, *, kind=8):
    dims = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, kind, array.ndim]) + dims + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for part, count in SIZES.items():
        images = rng.integers(0, 256, (count, 2, 3)).astype(np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 3
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(_idx(images))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(_idx(labels))
    return tmp_path


def test_digits_are_the_1797_images_of_the_source():
    digits = load_images("digits")
    together = np.concatenate([digits.train_images, digits.test_images])
    labels = np.concatenate([digits.train_labels, digits.test_labels])
    assert (digits.train_images.shape, digits.test_images.shape) == ((1307, 64), (490, 64))
    assert (together.min(), together.max(), digits.levels) == (0, 16, 16)
    assert digits.image_shape == (1, 8, 8)
    # The source's own counts of the digits 0 to 9 in its test part.
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert digits.content_id.startswith("08e23bf634e7d92d68e6418b76c074bf")
    assert digits.train_images[0, :8].tolist() == [0, 0, 0, 12, 13, 5, 0, 0]


def test_digits_equal_the_copy_in_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    source = datasets.load_digits()
    digits = load_images("digits")
    for_test = np.isin(np.arange(1797) % 11, (0, 4, 8))
    assert np.array_equal(digits.test_images, source.data[for_test])
    assert np.array_equal(digits.train_images, source.data[~for_test])
    assert np.array_equal(digits.test_labels, source.target[for_test])
    assert np.array_equal(digits.train_labels, source.target[~for_test])


def test_a_folder_is_read(folder):
    images = load_images(str(folder))
    raw = (folder / "t10k-images-idx3-ubyte").read_bytes()[16:]
    assert images.test_images.tobytes() == raw
    assert images.train_images.shape == (5, 6)
    assert images.train_labels.tolist() == [0, 1, 2, 0, 1]
    assert (images.class_count, images.levels, images.features) == (3, 255, 6)
    assert images.image_shape == (1, 2, 3)


def test_a_shape_that_the_pixels_do_not_have_is_refused(folder):
    with pytest.raises(ValueError, match=r"\(1, 3, 3\) have 9 pixels each.*\(5, 6\)"):
        dataclasses.replace(load_images(str(folder)), image_shape=(1, 3, 3))


def test_compressed_and_dotted_names_give_the_same_images(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for path in folder.iterdir():
        name = path.name.replace("-idx", ".idx") + ".gz"
        (other / name).write_bytes(gzip.compress(path.read_bytes()))
    assert load_images(str(other)).content_id == load_images(str(folder)).content_id


def test_content_id_tells_the_split(folder):
    before = load_images(str(folder)).content_id
    train, test = (folder / f"{part}-images-idx3-ubyte" for part in SIZES)
    moved = (train.read_bytes()[16:] + test.read_bytes()[16:])[: 4 * 6]
    train.write_bytes(_idx(np.frombuffer(moved, dtype=np.uint8).reshape(4, 2, 3)))
    (folder / "train-labels-idx1-ubyte").write_bytes(_idx(np.arange(4, dtype=np.uint8) % 3))
    assert load_images(str(folder)).content_id != before


def _spoil(folder, name, change):
    path = folder / name
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("train-images-idx3-ubyte", lambda b: b[:-1], "29 bytes of data where .* = 30"),
        ("train-images-idx3-ubyte", lambda b: b + b"x", "31 bytes of data where .* = 30"),
        ("train-images-idx3-ubyte", lambda b: b[:9], "ends inside its header"),
        ("train-images-idx3-ubyte", lambda b: b"", r"\(none\), expected 00 00 08 03"),
        ("t10k-labels-idx1-ubyte", lambda b: b"\x00\x00\x0d\x01" + b[4:], "00 00 0d 01, expected"),
        ("t10k-labels-idx1-ubyte", lambda b: gzip.compress(b)[:-9], "damaged or cut off"),
        ("t10k-labels-idx1-ubyte", lambda b: b"\x1f\x8b" + b, "damaged or cut off"),
        (
            "train-labels-idx1-ubyte",
            lambda b: _idx(np.zeros(4, dtype=np.uint8)),
            "4 labels, but train-images-idx3-ubyte holds 5",
        ),
        (
            "t10k-labels-idx1-ubyte",
            lambda b: _idx(np.array([0, 1, 7], dtype=np.uint8)),
            "holds the label 7",
        ),
        (
            "t10k-images-idx3-ubyte",
            lambda b: _idx(np.zeros((3, 3, 3), dtype=np.uint8)),
            "3 x 3 pixels, but train-images-idx3-ubyte holds images of 2 x 3",
        ),
        (
            "train-images-idx3-ubyte",
            lambda b: _idx(np.zeros((0, 2, 3), dtype=np.uint8)),
            "holds no data",
        ),
    ],
)
def test_a_bad_file_is_named(folder, name, change, told):
    _spoil(folder, name, change)
    with pytest.raises(InputError, match=told) as raised:
        load_images(str(folder))
    assert name in str(raised.value)


def test_a_size_that_overflows_is_told_and_not_allocated(folder):
    huge = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1)
    (folder / "train-images-idx3-ubyte").write_bytes(huge)
    with pytest.raises(InputError, match="0 bytes of data"):
        load_images(str(folder))


def test_missing_files_are_listed(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    (folder / "train-images-idx3-ubyte").unlink()
    with pytest.raises(InputError, match="missing train-images-idx3-ubyte, t10k-labels-idx1-ubyte"):
        load_images(str(folder))


def test_neither_name_nor_folder_is_told(tmp_path):
    with pytest.raises(InputError, match=r"neither a known name nor a folder.*digits, mnist"):
        load_images("mnits")
    file = tmp_path / "images.gz"
    file.write_bytes(b"")
    with pytest.raises(InputError, match="is a file"):
        load_images(str(file))


def test_a_folder_of_no_known_layout_is_told_all_of_them(tmp_path):
    (tmp_path / "readme.txt").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"train-images-idx3-ubyte.*data_batch_1\.bin.*train/CLASS/.*not split"
    ):
        load_images(str(tmp_path))


def test_a_folder_of_two_image_sets_is_refused(folder):
    (folder / "train").mkdir()
    with pytest.raises(InputError, match=r"more than one image set \(the four IDX.*train/CLASS/"):
        load_images(str(folder))


@pytest.mark.parametrize(
    ("folder_name", "name"), [("a b/c", "c"), ("my images!", "my-images"), ("é", "images")]
)
def test_the_name_of_a_set_suits_file_names(folder, tmp_path_factory, folder_name, name):
    named = tmp_path_factory.mktemp("named") / folder_name
    named.parent.mkdir(exist_ok=True)
    folder.rename(named)
    assert load_images(str(named)).name == name


@pytest.fixture
def _registers_as_before(monkeypatch):
    monkeypatch.setattr(catalogue, "_NAMES", dict(catalogue._NAMES))
    monkeypatch.setattr(catalogue, "_LAYOUTS", list(catalogue._LAYOUTS))


@pytest.mark.usefixtures("_registers_as_before")
def test_a_layout_of_one_s_own_is_loaded_once_registered(tmp_path):
    def load(folder):
        table = np.loadtxt(folder / "toy.csv", delimiter=",", dtype=np.uint8)
        return dataclasses.replace(
            load_images("digits"),
            name="toy",
            train_images=table[:2, 1:],
            train_labels=table[:2, 0],
            test_images=table[2:, 1:],
            test_labels=table[2:, 0],
            image_shape=(1, 1, 3),
            class_count=2,
        )

    (tmp_path / "toy.csv").write_text("0,1,2,3\n1,4,5,6\n1,7,8,9\n")
    register_layout(FolderLayout("a toy table", lambda folder: (folder / "toy.csv").exists(), load))
    images = load_images(tmp_path)
    assert (images.train_images.tolist(), images.test_images.tolist()) == (
        [[1, 2, 3], [4, 5, 6]],
        [[7, 8, 9]],
    )
    assert origin_of(tmp_path) == str(tmp_path)
    with pytest.raises(InputError, match=r"train/CLASS/.*; or a toy table"):
        load_images("no-such-folder")
    (tmp_path / "train").mkdir()
    with pytest.raises(InputError, match=r"more than one image set \(.*; a toy table\)"):
        load_images(tmp_path)


@pytest.mark.usefixtures("_registers_as_before")
def test_a_name_of_one_s_own_is_loaded_once_registered():
    register_images("toy", lambda: dataclasses.replace(load_images("digits"), name="toy"))
    assert load_images("toy").name == "toy"
    assert origin_of("toy") == "toy"
    with pytest.raises(InputError, match="cifar10, toy, or a folder"):
        load_images("toys")


def _loader(count):
    """Return a function made anew by the same lines, as a cell run again makes one."""

    def load():
        digits = load_images("digits")
        return dataclasses.replace(digits, train_images=digits.train_images[:count])

    return load


@pytest.mark.usefixtures("_registers_as_before")
def test_a_name_that_is_taken_is_refused_but_for_the_same_function():
    with pytest.raises(ValueError, match="already named 'digits'"):
        register_images("digits", _loader(9))
    assert load_images("digits").train_images.shape == (1307, 64)
    register_images("few", _loader(9))
    register_images("few", _loader(9))
    with pytest.raises(ValueError, match=r"already named 'few'.*unregister_images"):
        register_images("few", _loader(8))
    assert load_images("few").train_images.shape == (9, 64)
    unregister_images("few")
    register_images("few", _loader(8))
    assert load_images("few").train_images.shape == (8, 64)
    with pytest.raises(KeyError, match="many"):
        unregister_images("many")


@pytest.mark.usefixtures("_registers_as_before")
@pytest.mark.parametrize(
    ("name", "load", "error", "words"),
    [
        ("", _loader(9), ValueError, "cannot be named ''"),
        ("few", "few.npy", TypeError, "'few': str is no function"),
    ],
)
def test_what_gives_no_images_is_refused_at_registration(name, load, error, words):
    with pytest.raises(error, match=words):
        register_images(name, load)
    assert name not in catalogue._NAMES


@pytest.mark.usefixtures("_registers_as_before")
def test_a_layout_is_checked_when_it_is_registered():
    own = FolderLayout("a toy table", lambda folder: False, _loader(9))
    register_layout(own)
    register_layout(dataclasses.replace(own, load=_loader(9)))
    assert catalogue._LAYOUTS.count(own) == 1
    before = list(catalogue._LAYOUTS)
    with pytest.raises(ValueError, match="already described as 'a toy table'"):
        register_layout(dataclasses.replace(own, load=_loader(8)))
    with pytest.raises(TypeError, match="recognises and load must be functions"):
        register_layout(FolderLayout("no table", None, None))
    with pytest.raises(TypeError, match="is a FolderLayout, not str"):
        register_layout("a table")
    assert before == catalogue._LAYOUTS


@pytest.mark.parametrize("error", [OSError("no network"), ValueError("hash of downloaded file")])
def test_a_failed_download_says_what_to_do(monkeypatch, tmp_path, error):
    def retrieve(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path)
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(InputError, match=r"could not be downloaded.*give a folder"):
        load_images("mnist")


def test_other_content_under_a_known_name_is_refused(monkeypatch, folder):
    monkeypatch.setattr(downloads, "_fetch", lambda *_args, **_kwargs: None)
    monkeypatch.setattr(pooch, "os_cache", lambda name: folder.parent)
    folder.rename(folder.parent / "mnist")
    with pytest.raises(InputError, match="does not hold the published mnist"):
        load_images("mnist")


@pytest.mark.slow
def test_mnist_from_a_folder_is_the_published_one(shared_data):
    images = idx.load_folder(shared_data / "mnist")
    assert (images.train_images.shape, images.test_images.shape) == ((60000, 784), (10000, 784))
    assert images.class_count == 10
    assert images.content_id == downloads.DOWNLOADS["mnist"].content_id
