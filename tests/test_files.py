"""Files that end, locks, and what is refused because it has no end."""

import gzip
import io
import os
import socket
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import xarray as xr
from PIL import Image

from rramsim import errors, files
from rramsim.errors import DamagedError, InputError, check_limit
from rramsim.files import (
    gunzipped,
    held,
    read_bytes,
    read_toml,
    sweep,
    unsealed,
    write_atomically,
    write_dataset,
    write_text,
)
from rramsim.images.catalogue import load_images
from rramsim.network.model_files import load_network
from rramsim.network.shape import NetworkShape
from rramsim.readers.conditions import read_conditions
from rramsim.readers.measurements import read_measurements
from rramsim.study.settings import make_study
from rramsim.study.tradeoff import tradeoff


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    return path


def with_suffix(path, suffix):
    other = path.with_suffix(suffix)
    path.rename(other)
    return other


def as_image(path):
    for part in ("train", "test"):
        for kind in ("a", "b"):
            folder = path.parent / "set" / part / kind
            folder.mkdir(parents=True)
            Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / "1.png")
    path.rename(path.parent / "set" / "train" / "a" / "2.png")
    return load_images(path.parent / "set")


def as_waveform(path):
    text = (
        '[[condition]]\nname = "a"\nber = 0.1\nset_waveform = "pipe.csv"\nwaveform_covers = "cell"'
    )
    (path.parent / "c.toml").write_text(text)
    return read_conditions(path.parent / "c.toml")


def as_identity(path):
    path.rename(path.parent / "study.json")
    return tradeoff(conditions="table1", out=path.parent, chips=2, network="64-10")


@pytest.mark.parametrize(
    "read",
    [
        read_measurements,
        read_conditions,
        lambda path: read_conditions(with_suffix(path, ".toml")),
        lambda path: make_study(with_suffix(path, ".toml")),
        lambda path: tradeoff(out=path.parent / "out", study=path),
        as_waveform,
        as_image,
        as_identity,
        lambda path: write_text(path, "a result"),
    ],
)
def test_a_pipe_is_refused_wherever_a_file_is_read_or_written(pipe, read):
    with pytest.raises(InputError, match=r"(pipe\.\w+|2\.png|study\.json): is a pipe; accepted is"):
        read(pipe)


def test_devices_and_sockets_are_refused(tmp_path):
    with pytest.raises(InputError, match="/dev/zero: is a device"):
        read_measurements("/dev/zero")
    with pytest.raises(InputError, match="/dev/null: is a device"):
        write_text(os.devnull, "a result")
    with pytest.raises(InputError, match="/dev/zero: is a device"):
        load_network("/dev/zero")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        with pytest.raises(InputError, match="is a socket"):
            read_bytes(tmp_path / "s")


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = \x00", "\xff"])
def test_toml_that_python_cannot_hold_is_told(text, tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"a\.toml: (not valid TOML|settings are TOML in UTF-8)"):
        read_toml(path)


def test_limits_are_told_and_raised_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setitem(errors.MOST, "bytes of a file", 100)
    packed = gzip.compress(bytes(150))
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(150))
    for attempt in (lambda: gunzipped(packed, "a.csv"), lambda: read_bytes(path)):
        with pytest.raises(InputError, match=r"a\.csv.*: 150 bytes of a file; .* up to 100\. W"):
            attempt()
    monkeypatch.setenv("RRAMSIM_LIMITS", "2")
    assert gunzipped(packed, "a.csv") == read_bytes(path) == bytes(150)
    monkeypatch.setenv("RRAMSIM_LIMITS", "1e9")
    with pytest.raises(InputError, match="RRAMSIM_LIMITS is '1e9'; accepted is a whole number"):
        check_limit("chips", 1)


def workbook(cell, tmp_path):
    """Write a workbook with one cell, which claims to be elsewhere."""
    book, content = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"] = 5.0
    book.save(content)
    path = tmp_path / "a.xlsx"
    with (
        zipfile.ZipFile(content) as whole,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as changed,
    ):
        for name in whole.namelist():
            part = whole.read(name)
            if name.endswith("sheet1.xml"):
                row = cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ").encode()
                part = part.replace(b'<row r="1"', b'<row r="' + row + b'"')
                part = part.replace(b'r="A1"', b'r="' + cell.encode() + b'"')
            changed.writestr(name, part)
    return path


def test_a_sheet_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("rramsim.readers.formats.excel._MOST_ROWS", 1000)
    with pytest.raises(InputError, match=r"a\.xlsx, sheet 'Sheet': has more than 1,000 rows"):
        read_measurements(workbook("A999999999", tmp_path))
    path = workbook("A1", tmp_path)
    monkeypatch.setitem(errors.MOST, "bytes of a file", path.stat().st_size)
    with pytest.raises(InputError, match=r"a\.xlsx, unpacked: [\d,]+ bytes of a file; accepted"):
        read_measurements(path)


def test_tables_images_and_networks_have_limits(tmp_path, monkeypatch):
    (tmp_path / "wide.csv").write_text(",".join(map(str, range(20_001))) + "\n")
    with pytest.raises(InputError, match=r"wide\.csv: 20,001 columns of a table; accepted"):
        read_measurements(tmp_path / "wide.csv")
    monkeypatch.setitem(errors.MOST, "rows of a table", 30)
    (tmp_path / "long.csv").write_text("state,R (kOhm)\n" + "LRS,5\nHRS,300\n" * 15)
    assert read_measurements(tmp_path / "long.csv").readings.sizes["reading"] == 30
    (tmp_path / "long.csv").write_text("state,R (kOhm)\n" + "LRS,5\n" * 31)
    with pytest.raises(InputError, match=r"long\.csv: 31 rows of a table"):
        read_measurements(tmp_path / "long.csv")
    with pytest.raises(InputError, match=r"a number of 11 digits was found"):
        NetworkShape.parse("64-99999999999-10")
    with pytest.raises(InputError, match="64-9999999-10: 739,999,926 weights of a network"):
        NetworkShape.parse("64-9999999-10").check_fits(load_images("digits"))
    with pytest.raises(InputError, match="1,000,000,000 layers"):
        NetworkShape.parse("64-999999999x5-10")


def test_an_image_of_many_pixels_is_refused_before_it_is_decoded(tmp_path):
    for part in ("train", "test"):
        for kind in ("a", "b"):
            folder = tmp_path / part / kind
            folder.mkdir(parents=True)
            Image.new("1", (12_000, 12_000)).save(folder / "1.png")
    with pytest.raises(InputError, match=r"1\.png: 144,000,000 pixels of an image; accepted"):
        load_images(tmp_path)


def test_a_disk_that_is_full_is_told_by_whichever_library_writes(tmp_path):
    class SafetensorError(Exception):
        """Stands for that of safetensors."""

    for error in (RuntimeError("NetCDF: HDF error"), SafetensorError("I/O error")):
        with pytest.raises(InputError, match=r"a\.nc: cannot be written \((NetCDF|I/O)"):
            write_atomically(tmp_path / "a.nc", lambda file, error=error: raising(error))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError):
        write_atomically(tmp_path / "a.nc", lambda file: raising(KeyError("a fault")))


def raising(error):
    raise error


def test_only_temporary_files_of_ours_are_swept(tmp_path):
    names = [".a.csv.abcd1234.part.csv", ".b.csv.abcd1234.part.csv", ".a.part", "a.csv"]
    for name in names:
        (tmp_path / name).write_text("")
    sweep(tmp_path, of=tmp_path / "a.safetensors")
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(names[1:])
    sweep(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".a.part", "a.csv"]


def test_where_a_file_system_knows_no_locks_a_living_owner_is_believed(tmp_path, monkeypatch):
    lock = tmp_path / "lock"
    monkeypatch.setattr("rramsim.files._locked", lambda handle: None)
    host = socket.gethostname()
    for pid, owner, is_taken in (
        (os.getpid(), host, True),
        (2**22 + 1, host, False),
        (1, "b", True),
    ):
        lock.write_text(f'{{"pid": {pid}, "host": "{owner}", "since": "2026-01-02"}}')
        if is_taken:
            with pytest.raises(InputError, match=f"process {pid} on {owner}, since 2026-01-02"):
                held(lock, "it").__enter__()
        else:
            with held(lock, "it"):
                assert lock.exists()
            assert not lock.exists()


def test_a_lock_is_held_by_the_file_that_is_there(tmp_path, monkeypatch):
    """Who held it before deletes it when it was opened here already: another has to be made."""
    lock, locked, seen = tmp_path / "lock", files._locked, []

    def deleted_before(handle):
        if not seen:
            lock.unlink()
        seen.append(handle)
        return locked(handle)

    monkeypatch.setattr(files, "_locked", deleted_before)
    with held(lock, "it"):
        assert len(seen) == 2
        assert f'"pid": {os.getpid()}' in lock.read_text()


def test_a_checksum_covers_variables_coordinates_and_all_attributes(tmp_path):
    path = tmp_path / "a.nc"
    written = xr.Dataset(
        {"ber": ("condition", [1e-12, 2e-12], {"units": "1"})},
        {"condition": ["weak", "strong"]},
        {"seed": 1, "names": ["a"]},
    )
    write_dataset(path, written)
    sealed = xr.load_dataset(path)
    read = unsealed(sealed, "a.nc")
    assert read.equals(written)
    assert (read["ber"].attrs, read.attrs) == ({"units": "1"}, {"seed": 1, "names": "a"})
    for change in (
        lambda one: one.assign(ber=one["ber"] * (1 + 1e-15)),
        lambda one: one.assign_coords(condition=["weak", "stronger"]),
        lambda one: one.assign_attrs(seed=2),
        lambda one: one.assign(ber=one["ber"].assign_attrs(units="%")),
    ):
        with pytest.raises(DamagedError, match=r"a\.nc: this file was damaged or changed"):
            unsealed(change(sealed), "a.nc")


def test_the_page_on_trust_has_the_limits():
    page = (Path(__file__).parents[1] / "docs" / "security.md").read_text()
    named = [f"{most:,}" for most in errors.MOST.values()]
    sizes = {"400,000,000": "400 MB", "1,000,000,000": "1 GB", "1,000,000": "1 MB"}
    assert [number for number in named if sizes.get(number, number) not in page] == []
    assert all(f"| {number}" in page for number in ("1,048,576 pixels", "1,000,000 |"))
