"""Files written whole or not at all, their checksums, and who writes to a folder."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import socket
import stat
import sys
import tempfile
import tomllib
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rramsim.errors import DamagedError, DamagedWarning, InputError, check_limit, plain
from rramsim.formatting import is_plain

if TYPE_CHECKING:
    import xarray as xr


_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The encodings that the first bytes of a text name, longer marks first."""


def marked_encoding(content: bytes) -> str | None:
    """Return the encoding that a byte order mark names, None without one."""
    return next(
        (name for mark, name in _BYTE_ORDER_MARKS.items() if content.startswith(mark)), None
    )


def read_bytes(path: Path, *, limit: str = "bytes of a file") -> bytes:
    """Return what is in a file.

    Raises
    ------
    InputError
        If it is no regular file (a device and a pipe may have no end), has more than the limit, or
        cannot be read.
    """
    check_regular(path)
    try:
        check_limit(limit, path.stat().st_size, str(path))
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error


def check_regular(path: Path) -> None:
    """Refuse what is there and is neither a file nor a folder: to read it might have no end.

    A name that cannot be shown, since it has control characters or is no UTF-8, is refused, too.
    """
    if not is_plain(path.name):
        raise InputError(
            f"{path.name!a}: the name of this file holds a control character or is not "
            "UTF-8; accepted are names that can be shown, so rename it."
        )
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        # What is not there, or can be no name, is told by who opens it.
        return
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    kind = kinds.get(stat.S_IFMT(mode), "a socket")
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"{path}: is {kind}; accepted is a file, such as one it is copied into.")


def gunzipped(content: bytes, place: str, limit: str = "bytes of a file") -> bytes:
    """Return what is packed in a gzip file.

    Raises
    ------
    InputError
        If it is damaged, or holds more than the limit.
    """
    parts, size = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            while part := packed.read(_PART):
                size += len(part)
                check_limit(limit, size, f"{place}, unpacked")
                parts.append(part)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{place}: this gzip file is damaged or cut off ({error}).") from error
    return b"".join(parts)


_PART = 1 << 24


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says: UTF-8, or what its byte order mark says.

    Editors on Windows write the mark; it is no part of the text.

    Raises
    ------
    InputError
        If it cannot be read, or is no TOML; the message ends with a full stop.
    """
    content = read_bytes(path, limit="bytes of a settings file")
    try:
        text = content.decode(marked_encoding(content) or "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: settings are TOML in UTF-8; this is not text.") from error
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except RecursionError as error:
        raise InputError(f"{path}: not valid TOML: it is nested too deeply.") from error
    except ValueError as error:
        # Also of numbers with thousands of digits.
        raise InputError(f"{path}: not valid TOML: {error}.") from error


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it into place.

    A reader, or a run that resumes after a kill, sees the old file or the new one, never a part.

    Parameters
    ----------
    path : Path
        The file to make or replace. Its folder is created.
    write : callable
        Called with the temporary path, which has the same suffix as `path`.

    Raises
    ------
    InputError
        If the folder cannot be made or written.
    """
    path = Path(path)
    make_folder(path.parent)
    # A device would be replaced by a file.
    check_regular(path)
    try:
        handle, name = tempfile.mkstemp(
            prefix=_temporary_start(path), suffix=f"{_TEMPORARY}{path.suffix}", dir=path.parent
        )
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be written ({error.strerror}).") from error
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        # mkstemp makes files that only their owner reads; give them the usual permissions.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from error
    except Exception as error:
        if not _is_of_writing(error):
            raise
        raise InputError(f"{path}: cannot be written ({_reason(error, path.parent)}).") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder, too: a file that was renamed may else be lost."""
    # Not every system opens folders, nor does every file system sync them.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _is_of_writing(error: Exception) -> bool:
    """Whether a library that writes says by an error of its own that the system failed it."""
    # HDF5 and netCDF raise RuntimeError for a full disk, safetensors its own error.
    return type(error) is RuntimeError or type(error).__name__ == "SafetensorError"


_LITTLE_SPACE = 1 << 20


def _reason(error: Exception, folder: Path) -> str:
    is_full = False
    with contextlib.suppress(OSError):
        is_full = shutil.disk_usage(folder).free < _LITTLE_SPACE
    return "No space left on device" if is_full else str(error)


_TEMPORARY = ".part"
_LEFTOVER = re.compile(rf"\..+\.[a-z0-9_]{{8}}{re.escape(_TEMPORARY)}(\.\w+)?")
_LONGEST_START = 80


def _temporary_start(path: Path) -> str:
    return f".{path.name[:_LONGEST_START]}."


def sweep(folder: Path, *, of: Path | None = None) -> None:
    """Delete what killed runs left in a folder: temporary files of `write_atomically`.

    Parameters
    ----------
    folder : Path
        Nobody else may write to it, or to `of`, at the time (`held`).
    of : Path, optional
        Only those of files whose names begin as this one without its suffix.
    """
    start = "." if of is None else f".{of.stem}."
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            if file.name.startswith(start) and _LEFTOVER.fullmatch(file.name):
                file.unlink()


def set_aside(path: Path, why: str) -> Path:
    """Rename a damaged file, warn of it (`DamagedWarning`) and return its new path.

    Raises
    ------
    InputError
        If it cannot be renamed.
    """
    numbers = ("", *(f"-{number}" for number in range(2, 100)))
    names = (path.with_name(f"{path.name}.damaged{number}") for number in numbers)
    aside = next((name for name in names if not name.exists()), None)
    try:
        if aside is None:
            raise FileExistsError(0, "too many were set aside before")
        path.rename(aside)
    except OSError as error:
        raise InputError(
            f"{path}: {why}, and cannot be set aside ({error.strerror}); delete it."
        ) from error
    warnings.warn(
        f"{path}: {why}. It is kept as {aside.name}, and what it held is made again.",
        DamagedWarning,
        stacklevel=2,
    )
    return aside


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as it is, in UTF-8, atomically (`write_atomically`)."""
    write_atomically(path, lambda temporary: temporary.write_bytes(text.encode()))


def check_folder(folder: Path) -> None:
    """Refuse a folder to write to that is a file, or would be in one."""
    for path in (Path(folder), *Path(folder).parents):
        if os.path.lexists(path):
            if not path.is_dir():
                what = "it" if path == Path(folder) else path
                raise InputError(
                    f"{folder}: this folder cannot be made, since {what} is a file. Name another."
                )
            return


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents; an `InputError` says why where that is impossible."""
    check_folder(folder)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        # A parent exists: where folders cannot be made at all, as in /proc, the system reports that
        # the folder does not exist, which says nothing to a reader.
        is_missing = isinstance(error, FileNotFoundError)
        why = "the system makes no folders there" if is_missing else error.strerror
        raise InputError(
            f"{folder}: this folder cannot be made ({why}). Name one in a place where you may "
            "write."
        ) from error


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def sha256_of_dataset(dataset: xr.Dataset) -> str:
    """Return a SHA-256 of the variables of a dataset, the same for equal ones; not of its attrs."""
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        variable = dataset.variables[name]
        values = variable.values
        is_number = values.dtype.kind in "fiub"
        # Texts are of one kind in memory and of another as they are read.
        kind = values.dtype.kind if is_number else "U"
        digest.update(f"{name} {variable.dims} {variable.shape} {kind}\n".encode())
        digest.update(values.tobytes() if is_number else json.dumps(values.tolist()).encode())
    return digest.hexdigest()


def sha256_with_attributes(dataset: xr.Dataset) -> str:
    """Return a SHA-256 of variables and attributes of a dataset, the same as netCDF keeps it."""
    attributes = {"": dataset.attrs} | {
        str(name): variable.attrs for name, variable in dataset.variables.items()
    }
    digest = hashlib.sha256(sha256_of_dataset(dataset).encode())
    for name in sorted(attributes):
        values = {str(key): _as_read(value) for key, value in attributes[name].items()}
        digest.update(json.dumps([name, values], sort_keys=True).encode())
    return digest.hexdigest()


def why_damaged(path: Path, error: InputError) -> str:
    """Return what was said of a damaged file, as `set_aside` takes it."""
    return str(error).removeprefix(f"{path}: ").rstrip(".")


_SEAL = "sha256"
"""Attribute of a netCDF file that holds the checksum of all the others and of the variables."""


def write_dataset(path: Path, dataset: xr.Dataset, **how: Any) -> None:
    """Write a dataset as netCDF, whole or not at all, with a checksum that `unsealed` compares.

    Parameters
    ----------
    path : Path
    dataset : xarray.Dataset
    **how
        See `xarray.Dataset.to_netcdf`.
    """
    sealed = dataset.assign_attrs({_SEAL: sha256_with_attributes(dataset)})
    write_atomically(path, lambda file: sealed.to_netcdf(file, engine="netcdf4", **how))


def unsealed(dataset: xr.Dataset, place: str) -> xr.Dataset:
    """Return a dataset as it was written, without its checksum, which is compared.

    One without a checksum, of another program or an earlier version, is returned as it is.

    Raises
    ------
    DamagedError
        If the checksum is that of another content.
    """
    seal = dataset.attrs.get(_SEAL)
    if seal is None:
        return dataset
    rest = dataset.copy(deep=False)
    rest.attrs = {name: value for name, value in dataset.attrs.items() if name != _SEAL}
    if seal != sha256_with_attributes(rest):
        raise DamagedError(
            f"{place}: this file was damaged or changed after rramsim wrote it (another SHA-256). "
            f"If the change is yours, remove the attribute {_SEAL!r} from the file."
        )
    return rest


def _as_read(value: object) -> object:
    """Return an attribute as netCDF gives it back: a list of one as its one."""
    value = plain(value)
    if isinstance(value, list | tuple):
        return _as_read(value[0]) if len(value) == 1 else list(value)
    return value


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def held(lock: Path, what: str) -> Iterator[None]:
    """Hold a folder or a file while no other process writes to it.

    The lock is a file that says who holds it. The system lets go of it when its process ends,
    however it ends, so that the file of a process that is dead holds nothing.

    Parameters
    ----------
    lock : Path
        The file; its folder must be there.
    what : str
        What is held, for the message.

    Raises
    ------
    InputError
        If another process, or another call in this one, holds it; the message says which and since
        when. Also if the lock cannot be made.
    """
    try:
        handle = _opened_lock(lock, what)
    except OSError as error:
        raise InputError(f"{lock}: cannot be written ({error.strerror}).") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()
        os.close(handle)


def _opened_lock(lock: Path, what: str) -> int:
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            owner = _owner(handle)
            is_ours = _locked(handle)
            if is_ours is None:
                # The file system knows no locks: what the file says is all there is.
                is_ours = owner is None or _is_dead(owner)
            if not is_ours:
                raise _in_use(lock, what, owner)
            # Who held it before may have deleted the file that was opened here.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), lock.stat()):
                    _sign(handle)
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


_FAR = 1 << 30  # where no text is: Windows lets nobody read what is locked


def _locked(handle: int) -> bool | None:
    """Lock an open file; False where another has, None where the file system knows no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, _FAR, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def _owner(handle: int) -> dict[str, Any] | None:
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        owner = json.loads(os.read(handle, 4096))
        return {"pid": int(owner["pid"]), "host": str(owner["host"]), "since": str(owner["since"])}
    except (ValueError, KeyError, TypeError):
        return None


def _sign(handle: int) -> None:
    owner = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    os.lseek(handle, 0, os.SEEK_SET)
    os.ftruncate(handle, 0)
    os.write(handle, f"{json.dumps(owner)}\n".encode())


def _is_dead(owner: dict[str, Any]) -> bool:
    if owner["host"] != socket.gethostname():
        return False
    try:
        os.kill(owner["pid"], 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _in_use(lock: Path, what: str, owner: dict[str, Any] | None) -> InputError:
    who = "another run"
    if owner is not None:
        who = f"process {owner['pid']} on {owner['host']}, since {owner['since']}"
    return InputError(
        f"{what}: is in use by {who}. Wait for its end, or name another place; if that process is "
        f"gone, delete {lock}."
    )
