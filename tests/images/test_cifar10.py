import io
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pooch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rramsim.errors import InputError
from rramsim.images import cifar10
from rramsim.images.catalogue import load_images

FILES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
COUNT = 3


@pytest.fixture(autouse=True, scope="module")
def small_files():
    assert cifar10.IMAGES_PER_FILE == 10_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cifar10, "IMAGES_PER_FILE", COUNT)
        yield


def _write(folder, *, seed=0):
    """Write six files of random pixels; return the images and their classes."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (6, COUNT, 3, 32, 32)).astype(np.uint8)
    labels = rng.integers(0, 10, (6, COUNT)).astype(np.uint8)
    folder.mkdir(exist_ok=True)
    for file, pixels, classes in zip(FILES, images, labels, strict=True):
        records = (bytes([c]) + p.tobytes() for c, p in zip(classes, pixels, strict=True))
        (folder / file).write_bytes(b"".join(records))
    return images, labels


def _pack(folder, archive):
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, arcname="cifar-10-batches-bin")


@pytest.fixture
def folder(tmp_path):
    _write(tmp_path)
    return tmp_path


@pytest.mark.slow
@given(seed=st.integers(0, 2**32))
def test_written_pixels_are_read_again(seed):
    with tempfile.TemporaryDirectory() as name:
        images, labels = _write(Path(name), seed=seed)
        read = load_images(name)
    assert np.array_equal(read.train_images.reshape(5, COUNT, 3, 32, 32), images[:5])
    assert np.array_equal(read.test_images.reshape(COUNT, 3, 32, 32), images[5])
    assert read.train_labels.tolist() == labels[:5].ravel().tolist()
    assert read.test_labels.tolist() == labels[5].tolist()
    assert (read.image_shape, read.class_count, read.levels) == ((3, 32, 32), 10, 255)


def test_red_comes_first_then_green_then_blue_row_by_row(folder):
    # As the authors' page says: "The first 1024 bytes are the red channel values, the next 1024
    # the green, and the final 1024 the blue", in row-major order.
    record = bytes([7]) + b"\x01" * 1024 + b"\x02" * 1024 + bytes(range(32)) + b"\x03" * 992
    (folder / "test_batch.bin").write_bytes(record * COUNT)
    images = load_images(str(folder))
    red, green, blue = images.test_images[0].reshape(images.image_shape)
    assert images.test_labels.tolist() == [7] * COUNT
    assert ((red == 1).all(), (green == 2).all()) == (True, True)
    assert blue[0].tolist() == list(range(32))
    assert (blue[1:] == 3).all()


def test_subfolder_and_archive_hold_the_same_images(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    _pack(folder, other / "cifar-10-binary.tar.gz")
    unpacked = tmp_path_factory.mktemp("unpacked")
    _write(unpacked / "cifar-10-batches-bin")
    content_id = load_images(str(folder)).content_id
    assert load_images(str(other)).content_id == content_id
    assert load_images(str(unpacked)).content_id == content_id


def test_the_archive_counts_where_both_are_there(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    _write(other / "cifar-10-batches-bin", seed=1)
    _pack(folder, other / "cifar-10-binary.tar.gz")
    assert load_images(str(other)).content_id == load_images(str(folder)).content_id


@pytest.mark.parametrize(
    "name", ["data_batch_1", "test_batch", "cifar-10-batches-py", "cifar-10-python.tar.gz"]
)
def test_pickles_are_not_read(tmp_path, name):
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(
        InputError, match=r"Python version, whose pickles.*data_batch_1\.bin"
    ) as told:
        load_images(str(tmp_path))
    assert str(tmp_path / name) in str(told.value)


def test_the_matlab_version_is_not_read(tmp_path):
    (tmp_path / "data_batch_1.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(InputError, match=r"Matlab version.*binary version"):
        load_images(str(tmp_path))


def test_binary_files_are_read_beside_pickles(folder):
    before = load_images(str(folder)).content_id
    (folder / "data_batch_1").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    assert load_images(str(folder)).content_id == before


def test_missing_files_are_listed(folder):
    (folder / "data_batch_3.bin").unlink()
    (folder / "test_batch.bin").unlink()
    with pytest.raises(InputError, match=r"missing data_batch_3\.bin, test_batch\.bin"):
        load_images(str(folder))


def test_an_empty_subfolder_lacks_them_all(tmp_path):
    (tmp_path / "cifar-10-batches-bin").mkdir()
    with pytest.raises(InputError, match=r"missing data_batch_1\.bin, .*test_batch\.bin"):
        load_images(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda b: b[:-1], "9218 bytes, expected 9219"),
        (lambda b: b[: -32 * 32 * 3 - 1], "6146 bytes, expected 9219"),
        (lambda b: b + b"\x00", "9220 bytes, expected 9219"),
        (lambda b: b"", "holds 0 bytes"),
        (lambda b: b[:3073] + b"\x0a" + b[3074:], "image 2 is of class 10, accepted are 0 to 9"),
    ],
)
def test_a_bad_file_is_named(folder, tmp_path_factory, change, told):
    path = folder / "data_batch_4.bin"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=told) as raised:
        load_images(str(folder))
    assert str(path) in str(raised.value)
    other = tmp_path_factory.mktemp("other")
    _pack(folder, other / "cifar-10-binary.tar.gz")
    with pytest.raises(InputError, match=f"cifar-10-binary.tar.gz: data_batch_4.bin: .*{told}"):
        load_images(str(other))


@pytest.mark.parametrize("kept", [0, 1, 20, 200, -9, -1])
def test_a_damaged_archive_is_told(folder, tmp_path_factory, kept):
    archive = tmp_path_factory.mktemp("other") / "cifar-10-binary.tar.gz"
    _pack(folder, archive)
    archive.write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"cifar-10-binary\.tar\.gz: .*(damaged|missing)"):
        load_images(str(archive.parent))


def test_an_archive_of_something_else_lacks_the_files(tmp_path):
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as packed:
        packed.addfile(tarfile.TarInfo("readme.txt"), io.BytesIO(b""))
    with pytest.raises(InputError, match=r"tar\.gz: missing data_batch_1\.bin"):
        load_images(str(tmp_path))


def test_cifar10_by_name_is_the_downloaded_archive(folder, tmp_path_factory, monkeypatch):
    cache = tmp_path_factory.mktemp("cache")
    asked = []

    def retrieve(url, *, known_hash, fname, path):
        asked.append((url, known_hash))
        path.mkdir()
        _pack(folder, path / fname)

    monkeypatch.setattr(pooch, "os_cache", lambda name: cache)
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    images = load_images("cifar10")
    assert images.name == "cifar10"
    assert images.content_id == load_images(str(folder)).content_id
    assert "Krizhevsky" in images.note
    [(url, known_hash)] = asked
    assert url == "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    assert known_hash.startswith("sha256:c4a38c50a1bc5f3a")


def test_one_changed_byte_in_the_archive_is_told(folder, tmp_path_factory):
    archive = tmp_path_factory.mktemp("other") / "cifar-10-binary.tar.gz"
    _pack(folder, archive)
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    with pytest.raises(InputError, match="damaged or cut off"):
        load_images(str(archive.parent))
