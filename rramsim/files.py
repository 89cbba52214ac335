"""Files written whole or not at all, and the fingerprints that name their content."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rramsim.errors import InputError

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


def read_settings_text(path: Path) -> str:
    """Return the text of a settings file: UTF-8, or what its byte order mark says.

    Editors on Windows write the mark; it is no part of the text.

    Raises
    ------
    OSError, UnicodeDecodeError
        As they come; whoever calls knows what the file is.
    """
    content = path.read_bytes()
    return content.decode(marked_encoding(content) or "utf-8").replace("\r\n", "\n")


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
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
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
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as it is, in UTF-8, atomically (`write_atomically`)."""
    write_atomically(path, lambda temporary: temporary.write_bytes(text.encode()))


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents; an `InputError` says why where that is impossible."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: this folder cannot be made ({error.strerror}). Name one you may write to."
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
        digest.update(f"{name} {variable.dims} {variable.shape} {variable.dtype.kind}\n".encode())
        values = variable.values
        is_number = values.dtype.kind in "fiub"
        digest.update(values.tobytes() if is_number else json.dumps(values.tolist()).encode())
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
