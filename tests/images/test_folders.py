import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from rramsim.errors import InputError
from rramsim.images.catalogue import load_images


def _save(path, pixels, **options):
    """Save pixels of the shape (channels, height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(image)).save(path, **options)


def _write(folder, images):
    """Save `images` (split -> class -> list of pixels) as PNG files."""
    for split, classes in images.items():
        for name, class_images in classes.items():
            for number, pixels in enumerate(class_images):
                _save(folder / split / name / f"{number:03}.png", pixels)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    images = {
        split: {
            name: list(rng.integers(0, 256, (count, 3, 4, 5)).astype(np.uint8))
            for name in ("cat", "dog")
        }
        for split, count in {"train": 3, "test": 2}.items()
    }
    _write(tmp_path, images)
    return tmp_path


@st.composite
def image_sets(draw):
    shape = (draw(st.sampled_from([1, 3])), draw(st.integers(1, 6)), draw(st.integers(1, 6)))
    names = draw(
        st.lists(st.text("abcXYZ09_- é", min_size=1, max_size=6), min_size=2, max_size=4)
        .map(lambda found: [name.strip() for name in found])
        .filter(lambda found: all(found) and len({n.lower() for n in found}) == len(found))
    )
    pixels = arrays.arrays(np.uint8, shape)
    return shape, {
        split: {name: draw(st.lists(pixels, min_size=1, max_size=2)) for name in names}
        for split in ("train", "test")
    }


@pytest.mark.slow
@settings(max_examples=50)
@given(image_sets())
def test_written_pixels_are_read_again(image_set):
    shape, images = image_set
    with tempfile.TemporaryDirectory() as name:
        _write(Path(name), images)
        read = load_images(name)
    assert read.image_shape == shape
    assert (read.class_count, read.levels) == (len(images["train"]), 255)
    for split, found, labels in (
        ("train", read.train_images, read.train_labels),
        ("test", read.test_images, read.test_labels),
    ):
        expected = [
            (pixels.ravel().tolist(), label)
            for label, name in enumerate(sorted(images[split]))
            for pixels in images[split][name]
        ]
        assert list(zip(found.tolist(), labels.tolist(), strict=True)) == expected


@pytest.mark.parametrize("ending", ["png", "PNG", "bmp", "tif", "tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats_give_the_same_pixels(tmp_path, ending, channels):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (4, channels, 3, 2)).astype(np.uint8)
    for number, (split, name) in enumerate(
        (split, name) for split in ("train", "test") for name in ("a", "b")
    ):
        _save(tmp_path / split / name / f"image.{ending}", pixels[number])
    images = load_images(str(tmp_path))
    assert images.train_images.tolist() == pixels[:2].reshape(2, -1).tolist()
    assert images.test_images.tolist() == pixels[2:].reshape(2, -1).tolist()


def test_jpeg_is_read_within_its_loss(folder):
    smooth = np.broadcast_to(np.array([200, 90, 30], dtype=np.uint8)[:, None, None], (3, 4, 5))
    _save(folder / "train" / "cat" / "000.jpg", smooth, quality=95)
    images = load_images(str(folder))
    assert np.abs(images.train_images[0].astype(int) - smooth.ravel()).max() <= 3


def test_black_and_white_is_read_as_grey(tmp_path):
    bits = np.random.default_rng(2).integers(0, 2, (2, 1, 3, 5)).astype(bool)
    for split in ("train", "test"):
        for name, image in zip("ab", bits, strict=True):
            _save(tmp_path / split / name / "0.png", image)
    with Image.open(tmp_path / "train" / "a" / "0.png") as stored:
        assert stored.mode == "1"
    images = load_images(str(tmp_path))
    assert images.image_shape == (1, 3, 5)
    assert images.train_images.tolist() == (255 * bits.reshape(2, -1)).tolist()


@pytest.mark.slow
def test_more_images_than_one_part_keep_their_order(tmp_path):
    # The number of each image is its pixels; 500 are decoded at a time.
    for number in range(1205):
        pixels = np.array([[[number % 256, number // 256]]], dtype=np.uint8)
        _save(tmp_path / "train" / "ab"[number >= 700] / f"{number:05}.png", pixels)
    for name in "ab":
        _save(tmp_path / "test" / name / "0.png", np.zeros((1, 1, 2), dtype=np.uint8))
    images = load_images(str(tmp_path))
    low, high = images.train_images.astype(int).T
    assert (low + 256 * high).tolist() == list(range(1205))
    assert np.bincount(images.train_labels).tolist() == [700, 505]


def test_other_and_hidden_files_are_left_out_and_counted(folder):
    before = load_images(str(folder))
    assert before.note == f"Images from the folder {folder.name}."
    (folder / "train" / "cat" / "Thumbs.db").write_bytes(b"x")
    one = load_images(str(folder))
    assert "1 file there that is hidden or no image left out" in one.note
    (folder / "train" / "cat" / "._000.png").write_bytes(b"x")
    (folder / "test" / ".DS_Store").write_bytes(b"x")
    (folder / "train" / ".ipynb_checkpoints").mkdir()
    (folder / "train" / "labels.txt").write_bytes(b"x")
    after = load_images(str(folder))
    assert "5 files there that are hidden or no image left out" in after.note
    assert after.content_id == one.content_id == before.content_id


def _overwrite(folder, pixels, **options):
    _save(folder / "train" / "dog" / "001.png", pixels, **options)


def _convert(mode):
    def change(folder):
        path = folder / "train" / "dog" / "001.png"
        with Image.open(path) as image:
            image.convert(mode).save(path)

    return change


def _deep_grey(folder):
    Image.fromarray(np.zeros((4, 5), dtype=np.uint16)).save(folder / "train" / "dog" / "001.png")


def _deep_colour(folder):
    # Pillow writes no RGB of 16 bits, so the file is put together chunk by chunk.
    import struct
    import zlib

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 5, 4, 16, 2, 0, 0, 0)
    lines = b"".join(b"\x00" + bytes(5 * 6) for _ in range(4))
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    content += chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    (folder / "train" / "dog" / "001.png").write_bytes(content)


def _many_pages(folder):
    pages = [Image.new("RGB", (5, 4)) for _ in range(3)]
    path = folder / "train" / "dog" / "001.png"
    pages[0].save(path, format="TIFF", save_all=True, append_images=pages[1:])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda f: _overwrite(f, np.zeros((3, 5, 4), dtype=np.uint8)),
            r"4 x 5 pixels, 8-bit RGB, but .*train/cat/000\.png has 5 x 4 pixels, 8-bit RGB",
        ),
        (_convert("L"), r"5 x 4 pixels, 8-bit grey, but .* 8-bit RGB"),
        (_convert("P"), r"palette colours\. Accepted are"),
        (_convert("RGBA"), r"RGB with transparency\. Accepted are"),
        (_convert("LA"), r"grey with transparency\. Accepted are"),
        (_deep_grey, r"16-bit grey\. Accepted are"),
        (_deep_colour, r"16 bits a colour\. Accepted are"),
        (_many_pages, "holds 3 pictures, accepted is one"),
        (
            lambda f: (f / "train" / "dog" / "001.png").write_bytes(b"no image"),
            r"not an image that can be read\. Accepted are",
        ),
        (
            lambda f: (f / "train" / "dog" / "001.png").write_bytes(b""),
            r"not an image that can be read\. Accepted are",
        ),
    ],
)
def test_a_bad_image_is_named(folder, change, told):
    change(folder)
    with pytest.raises(InputError, match=told) as raised:
        load_images(str(folder))
    assert str(folder / "train" / "dog" / "001.png") in str(raised.value)


def test_cmyk_is_told(folder):
    Image.new("CMYK", (5, 4)).save(folder / "test" / "dog" / "000.jpg")
    with pytest.raises(InputError, match=r"test/dog/000\.jpg: CMYK\. Accepted are"):
        load_images(str(folder))


def test_a_link_to_nowhere_is_told(folder):
    (folder / "train" / "dog" / "009.png").symlink_to(folder / "away.png")
    with pytest.raises(InputError, match=r"dog/009\.png: cannot be read \(No such file"):
        load_images(str(folder))


@pytest.mark.slow
@given(st.data())
def test_a_damaged_file_is_told_or_still_an_image(data):
    ending = data.draw(st.sampled_from(["png", "jpg", "bmp", "tif"]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for split in ("train", "test"):
            for label in "ab":
                _save(folder / split / label / f"0.{ending}", np.full((3, 8, 8), 77, np.uint8))
        path = folder / "test" / "b" / f"0.{ending}"
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        told = ""
        try:
            shape = load_images(name).test_images.shape
        except InputError as error:
            told = str(error)
        assert str(path) in told if told else shape == (2, 192)


def _empty(folder):
    folder.mkdir()
    (folder / "notes.txt").write_bytes(b"")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: (f / "test").rename(f / "val"), r"test: no such folder.*does not split"),
        (lambda f: (f / "train").rename(f / "val"), r"train: no such folder.*does not split"),
        (
            lambda f: (f / "test" / "dog").rename(f / "test" / "pig"),
            r"train/dog: the class 'dog' has no folder in .*test;",
        ),
        (
            lambda f: _save(f / "test" / "pig" / "0.png", np.zeros((3, 4, 5), np.uint8)),
            r"test/pig: the class 'pig' has no folder in .*train;",
        ),
        (
            lambda f: [_empty(f / split / "ant") for split in ("train", "test")],
            r"train/ant: holds no images",
        ),
        (
            lambda f: [path.unlink() for path in (f / "test" / "dog").iterdir()],
            r"test/dog: holds no images",
        ),
        (
            lambda f: _save(f / "train" / "0.png", np.zeros((3, 4, 5), np.uint8)),
            r"train/0\.png: an image outside the folders of the classes",
        ),
        (
            lambda f: (f / "train" / "cat" / "more").mkdir(),
            r"train/cat/more: a folder inside that of a class",
        ),
        (
            lambda f: (f / "train" / "cat" / "003.gif").write_bytes(b""),
            r"train/cat/003\.gif: \.gif is not read\. Accepted are",
        ),
    ],
)
def test_a_bad_layout_is_told(folder, change, told):
    change(folder)
    with pytest.raises(InputError, match=told):
        load_images(str(folder))


def test_one_class_is_none(tmp_path):
    for split in ("train", "test"):
        _save(tmp_path / split / "all" / "0.png", np.zeros((1, 2, 2), np.uint8))
    with pytest.raises(InputError, match=r"train: holds the folders of 1 classes, accepted"):
        load_images(str(tmp_path))


def test_more_classes_than_a_byte_tells_are_refused(tmp_path):
    for split in ("train", "test"):
        for number in range(257):
            (tmp_path / split / str(number)).mkdir(parents=True)
    with pytest.raises(InputError, match=r"257 classes, accepted are 2 to 256"):
        load_images(str(tmp_path))


def test_classes_without_a_split_are_not_split(folder):
    with pytest.raises(InputError, match=r"train/CLASS/ and test/CLASS/.*does not split"):
        load_images(str(folder / "train"))


@pytest.mark.slow
def test_cifar10_as_jpeg_is_read(shared_data, tmp_path):
    wanted = {"train/airplane": "a", "train/automobile": "b"}
    with tarfile.open(shared_data / "cifar10" / "cifar10-jpeg.tar.xz", "r|xz") as members:
        for member in members:
            name = wanted.pop(str(Path(member.name).parent), None)
            if name is not None:
                content = members.extractfile(member).read()
                for split in ("train", "test"):
                    (tmp_path / split / name).mkdir(parents=True)
                    (tmp_path / split / name / "0.jpg").write_bytes(content)
            if not wanted:
                break
    images = load_images(str(tmp_path))
    assert images.image_shape == (3, 32, 32)
    assert images.train_images.tolist() == images.test_images.tolist()
    with Image.open(tmp_path / "train" / "b" / "0.jpg") as second:
        expected = np.asarray(second).transpose(2, 0, 1)
    assert np.array_equal(images.train_images[1].reshape(3, 32, 32), expected)
